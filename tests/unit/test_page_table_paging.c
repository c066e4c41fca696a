/* SPDX-License-Identifier: MIT */
/*
 * test_page_table_paging.c - page tables leave memory, and every service finds them again.
 */
#include "mm/paging/modified_writer.h"
#include "mm/paging/slots.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/clone.h"
#include "mm/ws/wsle.h"
#include "process_information.h"
#include "tests/unit/command_bench.h"
#include "tests/unit/paged_world.h"

#include <stdio.h>

#define RW PAGE_READWRITE

static PMMSUPPORT WorkingSet(void)
{
    return &PagedProcess()->Vm;
}

static ULONG Trim(void)
{
    ULONG Left;

    MiLockAddressSpace(PagedProcess());
    Left = MiTrimWorkingSet(WorkingSet(), WorkingSet()->WorkingSetSize, 0);
    MiUnlockAddressSpace(PagedProcess());
    return Left;
}

static MI_PTE_KIND TableKind(ULONG_PTR Va)
{
    return MiPteKind(PagedPde(Va));
}

/* ---- out ---- */

TEST(PageTable_is_in_the_working_set_as_any_page_is)
{
    PFN_NUMBER Frame;
    ULONG_PTR Va;

    PagedBegin(0);
    Va = PagedAllocate(1);
    Frame = PagedPde(Va).Hard.PageFrameNumber;
    CHECK_EQUAL(2, WorkingSet()->WorkingSetSize);
    CHECK(MiFindWsle(WorkingSet(), MiTableVa(Va), Frame) != MI_NO_WSLE);
    CHECK_EQUAL(2, MI_PFN(Frame)->u2.ShareCount);
    CHECK_EQUAL(MM_READWRITE, MiSoftwareProtection(MI_PFN(Frame)->OriginalPte));
    SpaceFree(Va, 0, MEM_RELEASE);
    CHECK_EQUAL(0, WorkingSet()->WorkingSetSize);
    PagedEnd();
}

TEST(PageTable_stays_while_a_page_is_valid_or_in_transition)
{
    PFN_NUMBER Frame;
    ULONG_PTR Va;

    PagedBegin(0);
    Va = PagedAllocate(2);
    Frame = PagedPde(Va).Hard.PageFrameNumber;
    CHECK_EQUAL(2, Trim());
    CHECK_EQUAL(0, Trim()); /* both in transition */
    CHECK_EQUAL(MiPteValid, TableKind(Va));
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CHECK_EQUAL(0, Trim()); /* on standby */
    (void)MiReuseStandbyFrames();
    CHECK_EQUAL(1, MI_PFN(Frame)->u2.ShareCount);
    CHECK_EQUAL(1, Trim());
    CHECK_EQUAL(MiPteTransition, TableKind(Va));
    CHECK_EQUAL(Frame, PagedPde(Va).Hard.PageFrameNumber);
    CHECK_EQUAL(ModifiedPageList, MI_PFN(Frame)->u3.e1.PageLocation);
    CHECK_EQUAL(0, WorkingSet()->WorkingSetSize);
    CHECK_EQUAL(1, MiTablesOut.Tables);
    CHECK_EQUAL(2, MiTablesOut.Slots);
    CHECK_EQUAL(1, PagedProcess()->PageTables);
    MiVerifyPagingFiles();
    PagedEnd();
}

TEST(PageTable_without_entries_is_never_trimmed)
{
    PagedBegin(0);
    MiLockAddressSpace(PagedProcess());
    CHECK_EQUAL(STATUS_SUCCESS, MiCommitPageTables(PagedProcess(), 0x400000, 0x400000));
    CHECK_EQUAL(STATUS_SUCCESS, MiMakePageTable(PagedProcess(), 0x400000));
    CHECK_EQUAL(0, MiTrimWorkingSet(WorkingSet(), 10, 0)); /* somebody is about to store one */
    MiDeleteEmptyPageTables(PagedProcess(), 0x400000, 0x400000);
    MiDecommitPageTables(PagedProcess(), 1, 1);
    MiUnlockAddressSpace(PagedProcess());
    PagedEnd();
}

TEST(PageTable_that_is_held_stays)
{
    PFN_NUMBER Frame;
    ULONG_PTR Va;
    KIRQL OldIrql;

    PagedBegin(0);
    Va = SpaceAllocate(0, KB64, MEM_RESERVE, RW);
    SpaceAllocate(Va, PAGE_SIZE, MEM_COMMIT, RW); /* an entry, and no page */
    Frame = PagedPde(Va).Hard.PageFrameNumber;
    OldIrql = MiLockPfn();
    CHECK_EQUAL(STATUS_SUCCESS, MiReferenceFrame(Frame));
    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(0, Trim());
    OldIrql = MiLockPfn();
    MiDereferenceFrame(Frame);
    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(1, Trim());
    PagedEnd();
}

TEST(PageTable_is_old_when_nothing_below_it_was_accessed)
{
    ULONG_PTR Va;

    PagedBegin(0);
    Va = SpaceAllocate(0, KB64, MEM_RESERVE, RW);
    SpaceAllocate(Va, PAGE_SIZE, MEM_COMMIT, RW);
    MiLockAddressSpace(PagedProcess());
    CHECK_EQUAL(0, MiAgeWorkingSet(WorkingSet(), 10));
    CHECK_EQUAL(0, MiTrimWorkingSet(WorkingSet(), 10, 1));
    CHECK_EQUAL(1, MiAgeWorkingSet(WorkingSet(), 10));
    CHECK_EQUAL(1, MiTrimWorkingSet(WorkingSet(), 10, 1));
    MiUnlockAddressSpace(PagedProcess());
    CHECK_EQUAL(MiPteTransition, TableKind(Va));
    PagedEnd();
}

TEST(PageTable_leaves_with_an_emptied_working_set)
{
    QUOTA_LIMITS Limits = {.MinimumWorkingSetSize = (SIZE_T)-1,
                           .MaximumWorkingSetSize = (SIZE_T)-1};
    ULONG_PTR Va;

    PagedBegin(0);
    Va = PagedAllocate(3);
    PagedOut(Va, 3);
    CHECK_EQUAL(STATUS_SUCCESS, NtSetInformationProcess(NtCurrentProcess(), ProcessQuotaLimits,
                                                        &Limits, sizeof(Limits)));
    CHECK_EQUAL(MiPteTransition, TableKind(Va));
    CHECK_EQUAL(0, WorkingSet()->WorkingSetSize);
    CHECK(PagedIsWhole(Va));
    PagedEnd();
}

/* ---- back ---- */

TEST(PageTable_comes_back_from_the_lists_with_its_frame)
{
    MI_PAGE_TABLE_COUNTERS Before;
    PFN_NUMBER Frame;
    ULONG_PTR Va;

    PagedBegin(0);
    Va = PagedAllocate(3);
    Frame = PagedPde(Va).Hard.PageFrameNumber;
    PagedTablesToLists(Va, 3 * PAGE_SIZE);
    Before = MiPageTableCounters;
    CHECK(PagedIsWhole(Va + PAGE_SIZE));
    CHECK_EQUAL(Frame, PagedPde(Va).Hard.PageFrameNumber);
    CHECK_EQUAL(Before.Restored + 1, MiPageTableCounters.Restored);
    CHECK_EQUAL(Before.Reads, MiPageTableCounters.Reads);
    CHECK_EQUAL(0, MiTablesOut.Tables);
    CHECK_EQUAL(0, MiTablesOut.Slots);
    PagedEnd();
}

TEST(PageTable_goes_to_the_paging_file_and_comes_back)
{
    ULONG Written;
    ULONG_PTR Va;
    ULONG Committed;
    ULONG i;

    PagedBegin(0);
    Va = PagedAllocate(20);
    Committed = MiCommit.Committed;
    Written = MiWriterFigures.TablesWritten;
    PagedTablesOut(Va, 20 * PAGE_SIZE);
    CHECK_EQUAL(Committed, MiCommit.Committed);
    CHECK_EQUAL(Written + 1, MiWriterFigures.TablesWritten);
    CHECK_EQUAL(1, MiPageTableCounters.Reused);
    CHECK_EQUAL(20, MiTablesOut.Slots);
    MiVerifyPagingFiles();
    CHECK_EQUAL(MiPtePagefile, TableKind(Va)); /* which did not look inside */
    for (i = 0; i < 20; i++) {
        CHECK(PagedIsWhole(Va + i * PAGE_SIZE));
    }
    CHECK_EQUAL(1, MiPageTableCounters.Reads);
    CHECK_EQUAL(1, MiPageTableCounters.Restored);
    CHECK_EQUAL(Committed, MiCommit.Committed);
    PagedEnd();
}

TEST(PageTable_that_is_out_is_shown_by_its_directory_entry)
{
    char Slot[32];
    ULONG_PTR Va;

    PagedBegin(0);
    Va = PagedAllocate(1);
    PagedTablesToLists(Va, PAGE_SIZE);
    CHECK_SHOWS("not valid: transition\n", Command("!pte 10000"));
    PagedTablesOut(Va, PAGE_SIZE);
    snprintf(Slot, sizeof(Slot), "PageFile: 0\n Offset: %x\n", (unsigned)MiPteSlot(PagedPde(Va)));
    CHECK_SHOWS(Slot, Command("!pte 10000"));
    CHECK_EQUAL(0x10000, Va);
    CHECK_EQUAL(MiPtePagefile, TableKind(Va)); /* looking does not bring it in */
    PagedEnd();
}

TEST(PageTable_that_was_only_read_is_not_written_again)
{
    PFN_NUMBER Frame;
    ULONG Written;
    ULONG_PTR Va;

    PagedBegin(0);
    Va = PagedAllocate(2);
    PagedTablesOut(Va, 2 * PAGE_SIZE);
    Written = MiWriterFigures.TablesWritten;
    CHECK_EQUAL(RW, SpaceQuery(Va).Protect);
    CHECK_EQUAL(1, Trim());
    Frame = PagedPde(Va).Hard.PageFrameNumber;
    CHECK_EQUAL(StandbyPageList, MI_PFN(Frame)->u3.e1.PageLocation);
    (void)MiReuseStandbyFrames();
    CHECK_EQUAL(MiPtePagefile, TableKind(Va));
    CHECK_EQUAL(PAGE_READWRITE, SpaceProtect(Va, 1, PAGE_READONLY)); /* and now it is stale */
    CHECK_EQUAL(1, Trim());
    Frame = PagedPde(Va).Hard.PageFrameNumber;
    CHECK_EQUAL(ModifiedPageList, MI_PFN(Frame)->u3.e1.PageLocation);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CHECK_EQUAL(Written + 1, MiWriterFigures.TablesWritten);
    (void)MiReuseStandbyFrames();
    CHECK_EQUAL(PAGE_READONLY, SpaceQuery(Va).Protect);
    CHECK(PagedIsWhole(Va));
    PagedEnd();
}

/* ---- services that meet a table that is out ---- */

#define SPARSE     30u /* pages, each with a page table of its own */
#define SPARSE_END (SPARSE * MM_LARGE_PAGE)

static ULONG_PTR At(ULONG i)
{
    return (i + 1) * MM_LARGE_PAGE - PAGE_SIZE;
}

/* One reservation; the last page of each 4 MB is written. */
static void MakeSparse(void)
{
    ULONG i;

    SpaceAllocate(0x10000, SPARSE_END - 0x10000, MEM_RESERVE, RW);
    for (i = 0; i < SPARSE; i++) {
        SpaceAllocate(At(i), PAGE_SIZE, MEM_COMMIT, RW);
        SpaceWrite(At(i), 100 + i);
    }
}

TEST(PageTables_of_a_sparse_process_leave_until_nothing_is_left)
{
    MI_PFN_COUNTERS Full;
    MI_PFN_COUNTERS Empty;
    ULONG i;

    MmWorldNextUnforced();
    PagedBegin(0);
    MakeSparse();
    MiQueryPfnCounters(&Full);
    CHECK_EQUAL(2 * SPARSE, WorkingSet()->WorkingSetSize);
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    MiQueryPfnCounters(&Empty);
    CHECK_EQUAL(0, WorkingSet()->WorkingSetSize);
    CHECK_EQUAL(Full.AvailablePages + 2 * SPARSE, Empty.AvailablePages);
    CHECK_EQUAL(SPARSE, PagedProcess()->PageTables);
    for (i = 0; i < SPARSE; i++) {
        CHECK_EQUAL(100 + i, SpaceRead(At(i)));
    }
    CHECK_EQUAL(SPARSE, MiPageTableCounters.Reads);
    PagedEnd();
}

TEST(PageTables_of_a_sparse_process_fit_into_a_hard_maximum)
{
    ULONG Round;
    ULONG i;

    PagedBegin(0);
    CHECK_EQUAL(STATUS_SUCCESS, MmAdjustWorkingSetSizeEx(20 * PAGE_SIZE, 20 * PAGE_SIZE, FALSE,
                                                         TRUE, QUOTA_LIMITS_HARDWS_MAX_ENABLE));
    MakeSparse(); /* all are in use: they pass the maximum, with a page */
    CHECK(WorkingSet()->WorkingSetSize > 20 && WorkingSet()->WorkingSetSize <= SPARSE + 1);
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    for (Round = 0; Round < 3; Round++) {
        for (i = 0; i < SPARSE; i++) {
            CHECK_EQUAL(100 + i, SpaceRead(At(i)));
            CHECK(WorkingSet()->WorkingSetSize <= 20);
            CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
            (void)MiReuseStandbyFrames(); /* else pages in transition keep their page tables */
        }
    }
    CHECK(MiPageTableCounters.Reads > 3 * (SPARSE - 20));
    PagedEnd();
}

TEST(PageTables_that_are_out_are_read_by_a_query_one_after_the_other)
{
    MEMORY_BASIC_INFORMATION Region;

    PagedBegin(0);
    MakeSparse();
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    Region = SpaceQuery(0x10000);
    CHECK_EQUAL(MEM_RESERVE, Region.State);
    CHECK_EQUAL(At(0) - 0x10000, Region.RegionSize);
    CHECK_EQUAL(1, MiPageTableCounters.Reads);
    Region = SpaceQuery(At(2));
    CHECK_EQUAL(MEM_COMMIT, Region.State);
    CHECK_EQUAL(PAGE_SIZE, Region.RegionSize);
    CHECK_EQUAL(3, MiPageTableCounters.Reads);
    CHECK_EQUAL(SPARSE - 3, MiTablesOut.Tables);
    PagedEnd();
}

TEST(PageTables_that_are_out_are_protected_committed_and_decommitted)
{
    ULONG Slots;
    ULONG i;

    PagedBegin(0);
    MakeSparse();
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    CHECK_EQUAL(RW, SpaceProtect(At(3), PAGE_SIZE, PAGE_READONLY));
    CHECK_EQUAL(STATUS_NOT_COMMITTED, SpaceTryProtect(At(4) - PAGE_SIZE, 2 * PAGE_SIZE, RW));
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    CHECK_EQUAL(103, SpaceRead(At(3)));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(At(3), 1));
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    Slots = MmPagingFile[0]->FreeSpace;
    SpaceFree(At(5), PAGE_SIZE, MEM_DECOMMIT);
    CHECK_EQUAL(Slots + 2, MmPagingFile[0]->FreeSpace); /* the page's and the page table's */
    CHECK_EQUAL(SPARSE - 1, PagedProcess()->PageTables);
    SpaceAllocate(At(6) - PAGE_SIZE, 2 * PAGE_SIZE, MEM_COMMIT, RW);
    CHECK_EQUAL(0, SpaceRead(At(6) - PAGE_SIZE));
    SpaceAllocate(At(5), PAGE_SIZE, MEM_COMMIT, RW);
    for (i = 0; i < SPARSE; i++) {
        CHECK_EQUAL(i == 5 ? 0 : 100 + i, SpaceRead(At(i)));
    }
    PagedEnd();
}

TEST(PageTables_that_are_out_give_their_slots_back_when_all_is_released)
{
    ULONG Slots;

    MmWorldNextUnforced();
    PagedBegin(0);
    Slots = MmPagingFile[0]->FreeSpace;
    MakeSparse();
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    CHECK_EQUAL(Slots - 2 * SPARSE, MmPagingFile[0]->FreeSpace);
    SpaceFree(0x10000, 0, MEM_RELEASE);
    CHECK_EQUAL(Slots, MmPagingFile[0]->FreeSpace);
    CHECK_EQUAL(0, PagedProcess()->PageTables);
    CHECK_EQUAL(0, MiTablesOut.Tables);
    PagedEnd();
}

TEST(PageTables_that_are_out_give_their_slots_back_with_the_process)
{
    ULONG Slots;

    MmWorldNextUnforced();
    PagedBegin(0);
    Slots = MmPagingFile[0]->FreeSpace;
    MakeSparse();
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    PagedEndProcess();
    CHECK_EQUAL(Slots, MmPagingFile[0]->FreeSpace);
    CHECK_EQUAL(0, MiTablesOut.Tables);
    CHECK_EQUAL(0, MiTablesOut.Slots);
    PagedEnd();
}

TEST(PageTables_that_are_out_are_brought_in_for_locks_and_guards)
{
    PVOID Va = (PVOID)At(1);
    SIZE_T Bytes = PAGE_SIZE;
    ULONG Value;

    PagedBegin(0);
    MakeSparse();
    SpaceProtect(At(2), PAGE_SIZE, RW | PAGE_GUARD);
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    CHECK_EQUAL(STATUS_NOT_LOCKED,
                NtUnlockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MAP_PROCESS));
    CHECK_EQUAL(MiPtePagefile, TableKind(At(1))); /* a locked page would be valid */
    CHECK_EQUAL(STATUS_SUCCESS, NtLockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MAP_PROCESS));
    CHECK_EQUAL(1, WorkingSet()->LockedPages);
    Va = (PVOID)At(2);
    CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION,
                NtLockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MAP_PROCESS));
    PagedTablesToLists(At(2), PAGE_SIZE);
    CHECK_EQUAL(MiPteValid, TableKind(At(1))); /* with its page */
    CHECK_EQUAL(STATUS_SUCCESS, SpaceTryRead(At(2), &Value));
    CHECK_EQUAL(102, Value);
    PagedEnd();
}

TEST(PageTables_that_are_out_have_no_write_that_the_watch_does_not_know)
{
    SIZE_T Count = 4;
    PVOID Written[4];
    ULONG Granularity;
    ULONG_PTR Va;

    PagedBegin(0);
    Va = SpaceAllocate(0, KB64, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH, RW);
    SpaceWrite(Va + PAGE_SIZE, 7);
    PagedTablesOut(Va, KB64);
    CHECK_EQUAL(STATUS_SUCCESS, NtGetWriteWatch(NtCurrentProcess(), WRITE_WATCH_FLAG_RESET,
                                                (PVOID)Va, KB64, Written, &Count, &Granularity));
    CHECK_EQUAL(1, Count);
    CHECK(Written[0] == (PVOID)(Va + PAGE_SIZE));
    CHECK_EQUAL(MiPtePagefile, TableKind(Va));
    Count = 4;
    CHECK_EQUAL(STATUS_SUCCESS, NtGetWriteWatch(NtCurrentProcess(), 0, (PVOID)Va, KB64, Written,
                                                &Count, &Granularity));
    CHECK_EQUAL(0, Count);
    PagedEnd();
}

TEST(PageTables_that_are_out_are_reset)
{
    ULONG Slots;

    PagedBegin(0);
    MakeSparse();
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    Slots = MmPagingFile[0]->FreeSpace;
    SpaceAllocate(At(1), PAGE_SIZE, MEM_RESET, RW);
    CHECK_EQUAL(Slots + 1, MmPagingFile[0]->FreeSpace);
    CHECK_EQUAL(0, SpaceRead(At(1)));
    CHECK_EQUAL(102, SpaceRead(At(2)));
    PagedEnd();
}

TEST(PageTables_that_are_out_are_cloned_and_those_of_the_clone_leave_too)
{
    KAPC_STATE Home;
    PEPROCESS Child;
    ULONG i;

    PagedBegin(0);
    MakeSparse();
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("clone", &Child));
    CHECK_EQUAL(STATUS_SUCCESS, MmCloneProcessAddressSpace(PagedProcess(), Child));
    CHECK_EQUAL(SPARSE, Child->PageTables);
    MiVerifyAll();
    KeStackAttachProcess(&Child->Pcb, &Home);
    MiLockAddressSpace(Child);
    CHECK_EQUAL(SPARSE, MiTrimWorkingSet(&Child->Vm, 100, 0)); /* they only name shared pages */
    MiUnlockAddressSpace(Child);
    CHECK_EQUAL(SPARSE, MiTablesOut.Tables);
    CHECK_EQUAL(0, MiTablesOut.Slots); /* which are the blocks' */
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    (void)MiReuseStandbyFrames();
    MiVerifyPagingFiles();
    for (i = 0; i < SPARSE; i += 2) {
        CHECK_EQUAL(100 + i, SpaceRead(At(i)));
        SpaceWrite(At(i), 200 + i);
    }
    KeUnstackDetachProcess(&Home);
    for (i = 0; i < SPARSE; i++) {
        CHECK_EQUAL(100 + i, SpaceRead(At(i)));
    }
    PsTerminateProcess(Child);
    PsDereferenceProcess(Child);
    PagedEnd();
}

/* ---- memory that runs out, and damage ---- */

static void GiveFrames(PVOID Context)
{
    LARGE_INTEGER Delay = {.QuadPart = -10000000};

    (void)Context;
    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
    CHECK(ExTryToAcquireFastMutex(&PagedProcess()->AddressCreationLock)); /* nobody waits with it */
    ExReleaseFastMutex(&PagedProcess()->AddressCreationLock);
    PagedGiveFrames();
}

TEST(PageTables_that_find_no_memory_are_waited_for_without_the_lock)
{
    ULONG Waits = MiFaultCounters.MemoryWaits;

    PagedBegin(0);
    MakeSparse();
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    PagedTakeFrames(1);
    HostThreadCreate(GiveFrames, NULL);
    SpaceFree(0x10000, 0, MEM_RELEASE);
    CHECK(MiFaultCounters.MemoryWaits > Waits);
    CHECK_EQUAL(0, PagedProcess()->PageTables);
    HostRunThreads();
    PagedEnd();
}

TEST(PageTables_that_a_query_waits_for_are_looked_at_anew)
{
    PagedBegin(0);
    MakeSparse();
    PagedTablesOut(At(0), SPARSE_END - PAGE_SIZE);
    PagedTakeFrames(0);
    HostThreadCreate(GiveFrames, NULL);
    CHECK_EQUAL(PAGE_SIZE, SpaceQuery(At(3)).RegionSize);
    HostRunThreads();
    PagedEnd();
}

static void VerifySlots(PVOID Context)
{
    (void)Context;
    MiVerifyPagingFiles();
}

TEST(PageTables_that_are_out_still_own_the_slots_that_they_name)
{
    HOST_BUGCHECK Stop;
    KIRQL OldIrql;
    ULONG_PTR Va;
    ULONG Slot;

    PagedBegin(0);
    Va = PagedAllocate(1);
    PagedOut(Va, 1);
    Slot = MiPteSlot(PagedPte(Va));
    PagedTablesOut(Va, PAGE_SIZE);
    OldIrql = MiLockPfn();
    MiReleaseSlots(0, Slot, 1);
    MiUnlockPfn(OldIrql);
    CHECK(HostCatchBugCheck(VerifySlots, NULL, &Stop));
    HostMachineDelete();
}
