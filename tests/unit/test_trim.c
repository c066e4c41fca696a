/* SPDX-License-Identifier: MIT */
/*
 * test_trim.c - ageing and trimming: who goes, in which order, and what becomes of the page.
 */
#include "tests/unit/space_world.h"

#include "mm/pfn/pfn_reference.h"
#include "mm/ws/wsle.h"

#define RW    PAGE_READWRITE
#define PAGES 8u

static ULONG_PTR Va;

static PMMSUPPORT WorkingSet(void)
{
    return &SpaceCurrent()->Vm;
}

/* A process with PAGES valid pages, all written: entries 1 to PAGES, behind the page table's. */
static void Start(void)
{
    ULONG i;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    for (i = 0; i < PAGES; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i + 1);
    }
}

static PMMPTE PteOf(ULONG Page)
{
    return MiGetPteAddress(Va + Page * PAGE_SIZE);
}

static MMWSLENTRY EntryOf(ULONG Page)
{
    ULONG Index = MiFindWsle(WorkingSet(), Va + Page * PAGE_SIZE,
                             MiReadPte(PteOf(Page)).Hard.PageFrameNumber);

    CHECK(Index != MI_NO_WSLE);
    return MmWorkingSetList->Wsle[Index].e1;
}

TEST(Trim_makes_a_written_page_modified_and_a_clean_one_standby)
{
    PFN_NUMBER Frame;
    PFN_NUMBER Clean;

    Start();
    CHECK_EQUAL(0, SpaceRead(Va + PAGES * PAGE_SIZE)); /* never written */
    Frame = MiReadPte(PteOf(0)).Hard.PageFrameNumber;
    Clean = MiReadPte(PteOf(PAGES)).Hard.PageFrameNumber;
    CHECK_EQUAL(PAGES + 1, MiTrimWorkingSet(WorkingSet(), 100, 0));
    CHECK_EQUAL(1, WorkingSet()->WorkingSetSize); /* the page table, which they need */
    CHECK_EQUAL(ModifiedPageList, MI_PFN(Frame)->u3.e1.PageLocation);
    CHECK_EQUAL(StandbyPageList, MI_PFN(Clean)->u3.e1.PageLocation);
    CHECK_EQUAL(MiPteTransition, MiPteKind(MiReadPte(PteOf(0))));
    MiVerifyAll();
    CHECK_EQUAL(1, SpaceRead(Va));
    CHECK_EQUAL(Frame, MiReadPte(PteOf(0)).Hard.PageFrameNumber);
    SpaceFinish();
}

TEST(Trim_goes_on_where_it_stopped)
{
    Start();
    CHECK_EQUAL(2, MiTrimWorkingSet(WorkingSet(), 2, 0));
    CHECK(!MiReadPte(PteOf(1)).Hard.Valid && MiReadPte(PteOf(2)).Hard.Valid);
    CHECK_EQUAL(1, SpaceRead(Va)); /* back, in an entry that was passed */
    CHECK_EQUAL(3, MiTrimWorkingSet(WorkingSet(), 3, 0));
    CHECK(MiReadPte(PteOf(0)).Hard.Valid);
    CHECK(!MiReadPte(PteOf(4)).Hard.Valid && MiReadPte(PteOf(5)).Hard.Valid);
    CHECK_EQUAL(4, MiTrimWorkingSet(WorkingSet(), 100, 0));
    CHECK(!MiReadPte(PteOf(0)).Hard.Valid);
    CHECK_EQUAL(0, MiTrimWorkingSet(WorkingSet(), 100, 0));
    SpaceFinish();
}

TEST(Trim_keeps_protection_memory_priority_and_the_write_watch)
{
    PVOID Written[2];
    SIZE_T Count = 2;
    ULONG Granularity;
    ULONG_PTR Watched;

    Start();
    Watched = SpaceAllocate(0, KB64, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH, RW);
    SpaceWrite(Watched, 7);
    SpaceProtect(Va, PAGE_SIZE, PAGE_READONLY);
    WorkingSet()->MemoryPriority = 2;
    CHECK_EQUAL(PAGES + 1, MiTrimWorkingSet(WorkingSet(), 100, 0));
    CHECK_EQUAL(2, MI_PFN(MiReadPte(PteOf(0)).Hard.PageFrameNumber)->u4.Priority);
    CHECK_EQUAL(PAGE_READONLY, SpaceQuery(Va).Protect);
    CHECK_EQUAL(STATUS_SUCCESS, NtGetWriteWatch(NtCurrentProcess(), 0, (PVOID)Watched, KB64,
                                                Written, &Count, &Granularity));
    CHECK_EQUAL(1, Count);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va, 1));
    SpaceFinish();
}

TEST(Trim_leaves_a_page_that_IO_has_locked)
{
    PFN_NUMBER Frame;
    KIRQL OldIrql;

    Start();
    Frame = MiReadPte(PteOf(3)).Hard.PageFrameNumber;
    OldIrql = MiLockPfn();
    CHECK_EQUAL(STATUS_SUCCESS, MiReferenceFrame(Frame));
    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(PAGES - 1, MiTrimWorkingSet(WorkingSet(), 100, 0));
    CHECK(MiReadPte(PteOf(3)).Hard.Valid);
    OldIrql = MiLockPfn();
    MiDereferenceFrame(Frame);
    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(1, MiTrimWorkingSet(WorkingSet(), 100, 0));
    SpaceFinish();
}

TEST(Age_clears_accessed_and_counts_the_scans_since)
{
    ULONG Scan;

    Start();
    CHECK_EQUAL(0, MiAgeWorkingSet(WorkingSet(), 100)); /* all were touched */
    CHECK(!MiReadPte(PteOf(0)).Hard.Accessed && MiReadPte(PteOf(0)).Hard.Dirty);
    for (Scan = 1; Scan <= 4; Scan++) {
        CHECK_EQUAL(2, SpaceRead(Va + PAGE_SIZE));
        CHECK_EQUAL(PAGES - 1, MiAgeWorkingSet(WorkingSet(), 100));
        CHECK_EQUAL(Scan < MI_OLDEST ? Scan : MI_OLDEST, EntryOf(0).Age);
        CHECK_EQUAL(0, EntryOf(1).Age);
    }
    SpaceFinish();
}

TEST(Age_goes_on_where_it_stopped)
{
    Start();
    CHECK_EQUAL(0, MiAgeWorkingSet(WorkingSet(), 1 + 3));
    CHECK(!MiReadPte(PteOf(2)).Hard.Accessed && MiReadPte(PteOf(3)).Hard.Accessed);
    CHECK_EQUAL(1, MiAgeWorkingSet(WorkingSet(), 1 + PAGES - 2)); /* around, to the first */
    CHECK_EQUAL(1, EntryOf(0).Age);
    CHECK_EQUAL(0, EntryOf(1).Age);
    SpaceFinish();
}

TEST(Trim_of_old_pages_leaves_those_that_were_used)
{
    Start();
    MiAgeWorkingSet(WorkingSet(), 100);
    MiAgeWorkingSet(WorkingSet(), 100);
    CHECK_EQUAL(5, SpaceRead(Va + 4 * PAGE_SIZE)); /* old, and accessed again */
    CHECK_EQUAL(0, MiTrimWorkingSet(WorkingSet(), 100, 2));
    CHECK_EQUAL(PAGES - 1, MiTrimWorkingSet(WorkingSet(), 100, 1));
    CHECK(MiReadPte(PteOf(4)).Hard.Valid);
    SpaceFinish();
}
