/* SPDX-License-Identifier: MIT */
/*
 * test_user_fault.c - faults of the user half: each kind, and what it leaves.
 */
#include "tests/unit/space_world.h"

#define RW PAGE_READWRITE

TEST(Fault_gives_a_zeroed_page_and_a_page_table_at_the_first_touch)
{
    ULONG_PTR Va;
    ULONG Zero;

    SpaceStart();
    Va = SpaceAllocate(0, 0x800000, MEM_COMMIT, RW);
    CHECK_EQUAL(0, SpaceCurrent()->Vm.WorkingSetSize);
    Zero = MiFaultCounters.DemandZero;
    CHECK_EQUAL(0, SpaceRead(Va + 0x5000));
    CHECK(!MiReadPte(MiGetPteAddress(Va + 0x5000)).Hard.Dirty);
    SpaceWrite(Va + 0x5000, 1);
    CHECK(MiReadPte(MiGetPteAddress(Va + 0x5000)).Hard.Dirty);
    SpaceWrite(Va + 0x700000, 2);
    CHECK_EQUAL(Zero + 2, MiFaultCounters.DemandZero);
    CHECK_EQUAL(2 + 2, SpaceCurrent()->Vm.WorkingSetSize); /* the page tables, too */
    CHECK_EQUAL(2, SpaceCurrent()->PageTables);
    CHECK_EQUAL(1, MmWorkingSetList->UsedPageTableEntries[0]);
    MiVerifyAll();
    SpaceFinish();
}

TEST(Fault_outside_of_committed_memory_is_an_access_violation)
{
    ULONG_PTR Va;
    ULONG Value;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_RESERVE, RW);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(Va, &Value));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(0, 1));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(0x600000, &Value));
    SpaceAllocate(Va + PAGE_SIZE, PAGE_SIZE, MEM_COMMIT, RW);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(Va, &Value));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(Va + 2 * PAGE_SIZE, &Value));
    SpaceWrite(Va + PAGE_SIZE, 1);
    SpaceFinish();
}

static void ReadWord(PVOID Va)
{
    (void)*(volatile ULONG *)Va;
}

TEST(Fault_of_the_kernel_without_protection_stops_with_1E_and_the_status)
{
    HOST_BUGCHECK Stop;

    SpaceStart();
    CHECK(HostCatchBugCheck(ReadWord, (PVOID)0x600000, &Stop));
    CHECK_EQUAL(KMODE_EXCEPTION_NOT_HANDLED, Stop.Code);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, (NTSTATUS)Stop.Parameter[0]);
    CHECK_EQUAL(0x600000, Stop.Parameter[3]);
    SpaceFinish();
}

TEST(Fault_on_a_guard_page_is_told_once_and_then_it_is_an_ordinary_page)
{
    ULONG_PTR Va;
    ULONG Value;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW | PAGE_GUARD);
    CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION, SpaceTryRead(Va, &Value));
    CHECK_EQUAL(RW, SpaceQuery(Va).Protect);
    CHECK_EQUAL(0, SpaceRead(Va));
    CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION, SpaceTryWrite(Va + PAGE_SIZE, 1));
    SpaceWrite(Va, 0x77);
    SpaceProtect(Va, 1, RW | PAGE_GUARD); /* with contents */
    CHECK_EQUAL(RW | PAGE_GUARD, SpaceQuery(Va).Protect);
    CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION, SpaceTryRead(Va, &Value));
    CHECK_EQUAL(0x77, SpaceRead(Va));
    SpaceFinish();
}

TEST(Fault_brings_back_a_page_whose_frame_is_still_there)
{
    ULONG_PTR Va;
    ULONG Soft;
    PFN_NUMBER Frame;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 0x1234);
    Frame = MiReadPte(MiGetPteAddress(Va)).Hard.PageFrameNumber;
    SpaceProtect(Va, 1, PAGE_NOACCESS);
    CHECK_EQUAL(MiPteTransition, MiPteKind(MiReadPte(MiGetPteAddress(Va))));
    MiVerifyAll();
    SpaceProtect(Va, 1, PAGE_READONLY);
    Soft = MiFaultCounters.Transition;
    CHECK_EQUAL(0x1234, SpaceRead(Va));
    CHECK_EQUAL(Soft + 1, MiFaultCounters.Transition);
    CHECK_EQUAL(Frame, MiReadPte(MiGetPteAddress(Va)).Hard.PageFrameNumber);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va, 1));
    SpaceFinish();
}

TEST(Fault_that_finds_nothing_to_do_is_tried_again)
{
    ULONG_PTR Va;
    ULONG Spurious = MiFaultCounters.Spurious;
    MM_STOP Stop;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    CHECK(MmAccessFault(&(MM_FAULT){.Va = Va, .Write = TRUE}, &Stop));
    CHECK_EQUAL(Spurious + 1, MiFaultCounters.Spurious);
    CHECK(!MmAccessFault(&(MM_FAULT){.Va = Va, .Forbidden = TRUE, .Present = TRUE}, &Stop));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, (NTSTATUS)Stop.Parameter[0]);
    CHECK(!MmAccessFault(&(MM_FAULT){.Va = Va, .Damaged = TRUE}, &Stop));
    SpaceFinish();
}

static void FaultUnderLock(PVOID Va)
{
    MiLockAddressSpace(SpaceCurrent());
    ReadWord(Va);
}

TEST(Fault_while_the_address_space_is_locked_is_a_bug_of_the_kernel)
{
    HOST_BUGCHECK Stop;

    SpaceStart();
    CHECK(HostCatchBugCheck(FaultUnderLock, (PVOID)0x10000, &Stop));
    CHECK_EQUAL(MEMORY_MANAGEMENT, Stop.Code);
    CHECK_EQUAL(0x41287, Stop.Parameter[0]);
    HostMachineDelete();
}

/* ---- memory runs out under a fault ---- */

static PFN_NUMBER Hoard[SPACE_FRAMES];
static ULONG Hoarded;

static void GiveFramesLater(PVOID Context)
{
    LARGE_INTEGER Delay = {.QuadPart = -10000000};

    (void)Context;
    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
    MiVerifyAll(); /* no page table is without entries */
    while (Hoarded != 0) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
}

TEST(Fault_waits_for_memory_and_leaves_no_empty_page_table_meanwhile)
{
    ULONG_PTR Va;
    ULONG Waits;

    SpaceStart();
    HostStartClock();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    for (Hoarded = 0; NT_SUCCESS(MiAllocateFrame(MiFrameAny, 0, &Hoard[Hoarded])); Hoarded++) {
        continue;
    }
    MiFreeFrame(Hoard[--Hoarded]); /* one: enough for the table, not for the page */
    Waits = MiFaultCounters.MemoryWaits;
    HostThreadCreate(GiveFramesLater, NULL);
    SpaceWrite(Va, 0x99);
    CHECK(MiFaultCounters.MemoryWaits > Waits);
    CHECK_EQUAL(0x99, SpaceRead(Va));
    HostRunThreads();
    SpaceFinish();
}

TEST(Fault_gives_the_zeroes_of_a_reused_standby_page_again)
{
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    CHECK_EQUAL(0, SpaceRead(Va)); /* never written */
    SpaceProtect(Va, 1, PAGE_NOACCESS);
    SpaceEnter(SpaceProcess()); /* its PTE is in another address space then */
    for (Hoarded = 0; NT_SUCCESS(MiAllocateFrame(MiFrameAny, 0, &Hoard[Hoarded])); Hoarded++) {
        continue;
    }
    CHECK_EQUAL(0, MiPageCounts[StandbyPageList]);
    while (Hoarded != 0) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
    MiVerifyAll();
    SpaceFinish();
}
