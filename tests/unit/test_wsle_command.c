/* SPDX-License-Identifier: MIT */
/*
 * test_wsle_command.c - !wsle.
 */
#include "tests/unit/command_bench.h"
#include "tests/unit/space_world.h"

#include "mm/ws/wsle.h"

#include <string.h>

#define RW PAGE_READWRITE

TEST(Wsle_command_shows_the_list_its_entries_totals_and_free_chain)
{
    const char *Shown;
    ULONG_PTR Va;
    PVOID Base;
    SIZE_T Bytes = PAGE_SIZE;

    SpaceStart();
    Va = SpaceAllocate(0x100000, KB64, MEM_COMMIT | MEM_RESERVE, RW);
    SpaceWrite(Va, 1);
    SpaceWrite(Va + PAGE_SIZE, 1);
    Base = (PVOID)Va;
    CHECK_EQUAL(STATUS_SUCCESS, NtLockVirtualMemory(NtCurrentProcess(), &Base, &Bytes, MAP_SYSTEM));
    MiAgeWorkingSet(&SpaceCurrent()->Vm, 100);
    MiAgeWorkingSet(&SpaceCurrent()->Vm, 100);
    Shown = Command("!wsle");
    CHECK_SHOWS("Working Set @ c0503000\n", Shown);
    CHECK_SHOWS("Quota:       159  FirstFree:        3  FirstDynamic:           0\n", Shown);
    CHECK_SHOWS("LastEntry      2  NextSlot:         0  LastInitialized       3ff\n", Shown);
    CHECK_SHOWS("NonDirect      0  HashTable:        0  HashTableSize:          0\n", Shown);
    Shown = Command("!wsle 1");
    CHECK_SHOWS("        c0000201        0        0                 1\n",
                Shown); /* the page table */
    CHECK_SHOWS("        00100605        1        1                 1\n", Shown);
    CHECK_SHOWS("        00101601        1        0                 1\n", Shown);
    Shown = Command("!wsle 2");
    CHECK_SHOWS("Total: 3 valid, 1 locked, 3 direct, 0 hashed", Shown);
    CHECK_SHOWS("Age 0: 1  1: 2  2: 0  3: 0\n", Shown);
    CHECK_SHOWS("1021 free entries\n", Command("!wsle 4"));
    SpaceFinish();
}

TEST(Wsle_command_shows_the_systems_list_and_refuses_the_rest)
{
    SpaceStart();
    CHECK_SHOWS("Working Set @ c0c00000\n", Command("!wsle 0 c0c00000"));
    CHECK_SHOWS("Flags: 1 entries, 2 totals, 4 the free chain", Command("!wsle 8"));
    CHECK_SHOWS("No working-set list is at 12345678", Command("!wsle 0 12345678"));
    SpaceFinish();
}

TEST(Wsle_command_without_processes_says_so)
{
    HostMachineCreate(64, TestSeed());
    CHECK_SHOWS("no processes yet", Command("!wsle"));
    HostMachineDelete();
}

TEST(Vm_command_shows_working_sets_of_processes_unless_asked_not_to)
{
    const char *Shown;
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    SpaceWrite(Va + PAGE_SIZE, 1);
    Shown = Command("!vm");
    CHECK_EQUAL(SpaceCurrent()->Vm.WorkingSetSize + PsInitialSystemProcess->Vm.WorkingSetSize +
                    MiSystemCacheWorkingSet.WorkingSetSize,
                NumberBehind(Shown, "Working sets:"));
    CHECK_SHOWS("    0008 test                   17 (        68 Kb)  working set        12 Kb\n",
                Shown);
    CHECK_SHOWS("System working set:", Shown);
    CHECK(strstr(Command("!vm 1"), "0008 test") == NULL);
    SpaceFinish();
}
