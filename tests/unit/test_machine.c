/* SPDX-License-Identifier: MIT */
/*
 * test_machine.c - the simulated machine's power, address spaces and self-map.
 */
#include "tests/host/machine.h"
#include "tests/unit/paging.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdio.h>

#define VALID       MM_PTE_BITS_VALID
#define WRITE       MM_PTE_BITS_WRITE
#define GLOBAL      MM_PTE_BITS_GLOBAL
#define TABLE_FRAME HOST_FIRST_FREE_FRAME /* what HostMapPage takes first in a new machine */

/* ---- address spaces ---- */

static PFN_NUMBER CreateDirectory(void)
{
    PFN_NUMBER Frame = HostAllocateFrame();
    MMPTE SelfMap = {.Long = VALID | WRITE};

    SelfMap.Hard.PageFrameNumber = Frame;
    MiWritePte(HostFindPde(Frame, PTE_BASE), SelfMap);
    return Frame;
}

static void SwapTo(PFN_NUMBER Directory)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);

    KiSwapAddressSpace(Directory);
    KfLowerIrql(OldIrql);
}

TEST(Machine_address_space_switch_keeps_global_translations_and_drops_others)
{
    PFN_NUMBER Second;
    PFN_NUMBER Local;

    PagingStart();
    *PagingWordOf(PagingMap(PAGING_VA, VALID | GLOBAL)) = 1;
    *PagingWordOf(PagingMap(PAGING_VA + PAGE_SIZE, VALID)) = 2;
    PagingRead(PAGING_VA);
    PagingRead(PAGING_VA + PAGE_SIZE);
    Second = CreateDirectory();
    Local = HostAllocateFrame();
    *PagingWordOf(Local) = 3;
    HostMapPage(Second, PAGING_VA + PAGE_SIZE, Local, VALID);
    SwapTo(Second);
    CHECK_EQUAL(Second, KiCurrentDirectoryFrame());
    CHECK_EQUAL(1, PagingRead(PAGING_VA)); /* not in these tables: only the TLB has it */
    CHECK_EQUAL(3, PagingRead(PAGING_VA + PAGE_SIZE));
    KeFlushEntireTb();
    HostSetFaultHandler(NULL);
    HostExpectBugCheck(HOST_BUGCHECK_PAGE_FAULT, PagingReadOnce, (PVOID)PAGING_VA);
    HostMachineDelete();
}

static void SwapAtPassive(PVOID Context)
{
    (void)Context;
    KiSwapAddressSpace(HOST_DIRECTORY_FRAME);
}

TEST(Machine_address_space_switch_wants_DISPATCH_LEVEL)
{
    PagingStart();
    HostExpectBugCheck(HOST_BUGCHECK_CONTRACT, SwapAtPassive, NULL);
    HostMachineDelete();
}

/* ---- self-map ---- */

TEST(Machine_self_map_shows_the_tables_at_their_addresses)
{
    PFN_NUMBER Frame;

    PagingStart();
    Frame = PagingMap(PAGING_VA, VALID | WRITE);
    CHECK_EQUAL(Frame, MiReadPte(MiGetPteAddress(PAGING_VA)).Hard.PageFrameNumber);
    CHECK_EQUAL(TABLE_FRAME + 1, MiReadPte(MiGetPdeAddress(PAGING_VA)).Hard.PageFrameNumber);
    CHECK_EQUAL(HOST_DIRECTORY_FRAME, MiReadPte(MiGetPdeAddress(PTE_BASE)).Hard.PageFrameNumber);
    CHECK_EQUAL(0, HostCounters()->Faults);
    HostMachineDelete();
}

TEST(Machine_store_through_the_self_map_makes_a_page_and_dirties_the_table)
{
    MMPTE Pte = {.Long = VALID | WRITE};

    PagingStart();
    PagingMap(PAGING_VA + PAGE_SIZE, VALID);
    Pte.Hard.PageFrameNumber = HostAllocateFrame();
    CHECK_EQUAL(0, HostFindPde(HOST_DIRECTORY_FRAME, PAGING_VA)->Hard.Dirty);
    MiWritePte(MiGetPteAddress(PAGING_VA), Pte);
    CHECK_EQUAL(1, HostFindPde(HOST_DIRECTORY_FRAME, PAGING_VA)->Hard.Dirty);
    PagingWrite(PAGING_VA, 4);
    CHECK_EQUAL(4, *PagingWordOf(Pte.Hard.PageFrameNumber));
    CHECK_EQUAL(1, MiReadPte(MiGetPteAddress(PAGING_VA)).Hard.Dirty);
    HostMachineDelete();
}

TEST(Machine_self_map_of_a_missing_table_faults_at_the_entry)
{
    PagingStart();
    HostSetFaultHandler(NULL);
    HostExpectBugCheck(HOST_BUGCHECK_PAGE_FAULT, PagingReadOnce, MiGetPteAddress(PAGING_VA));
    HostMachineDelete();
}

/* ---- extent ---- */

TEST(Machine_simulates_both_ends_of_every_region)
{
    static const ULONG_PTR Ends[] = {
        HOST_USER_START,   HOST_USER_END - 4,     HOST_MIDDLE_START,   HOST_MIDDLE_END - 4,
        HOST_SYSTEM_START, HOST_SYSTEM_START - 4, HOST_SYSTEM_END - 4, 0x7FFE0000,
    };
    ULONG Index;

    PagingStart();
    for (Index = 0; Index < RTL_NUMBER_OF(Ends); Index++) {
        CHECK(HostIsSimulated(Ends[Index], 4));
        PagingWrite(Ends[Index], Index + 1);
    }
    for (Index = 0; Index < RTL_NUMBER_OF(Ends); Index++) {
        CHECK_EQUAL(Index + 1, PagingRead(Ends[Index]));
    }
    CHECK(!HostIsSimulated(0, 4));
    CHECK(!HostIsSimulated(HOST_USER_END - 4, 8));
    CHECK(!HostIsSimulated(HOST_SYSTEM_END, 1));
    HostMachineDelete();
}

/* ---- power ---- */

static ULONG CountLines(const char *Path)
{
    FILE *File = fopen(Path, "r");
    ULONG Lines = 0;
    int Character;

    CHECK(File != NULL);
    while ((Character = fgetc(File)) != EOF) {
        Lines += Character == '\n';
    }
    fclose(File);
    return Lines;
}

static ULONG CountOpenFiles(void)
{
    DIR *Directory = opendir("/proc/self/fd");
    ULONG Count = 0;

    CHECK(Directory != NULL);
    while (readdir(Directory) != NULL) {
        Count++;
    }
    closedir(Directory);
    return Count;
}

static void UseAndDelete(void)
{
    ULONG Page;

    PagingStart();
    for (Page = 0; Page < 50; Page++) {
        CHECK_EQUAL(0, PagingRead(PAGING_VA + 2 * Page * PAGE_SIZE));
        PagingWrite(PAGING_VA + 2 * Page * PAGE_SIZE, Page + 1);
    }
    HostThreadCreate(PagingReadOnce, (PVOID)PAGING_VA); /* never runs */
    HostMachineDelete();
}

TEST(Machine_starts_zeroed_and_leaves_nothing_behind)
{
    ULONG Mappings;
    ULONG Files;
    ULONG Round;

    UseAndDelete(); /* what libc keeps, it has by now */
    CountLines("/proc/self/maps");
    Files = CountOpenFiles();
    Mappings = CountLines("/proc/self/maps");
    for (Round = 0; Round < 20; Round++) {
        UseAndDelete();
    }
    CHECK_EQUAL(Mappings, CountLines("/proc/self/maps"));
    CHECK_EQUAL(Files, CountOpenFiles());
}

TEST(Machine_is_replaced_when_it_was_not_deleted)
{
    PagingStart();
    PagingWrite(PAGING_VA, 1);
    PagingStart();
    CHECK_EQUAL(0, PagingRead(PAGING_VA));
    CHECK_EQUAL(1, HostCounters()->Faults);
    HostMachineDelete();
}
