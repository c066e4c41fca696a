/* SPDX-License-Identifier: MIT */
/*
 * test_wsle_hash.c - entries of pages whose frames name somebody else's entry.
 *
 * A page is made shared by a second share that nobody else has: the list cannot tell.
 */
#include "tests/unit/space_world.h"

#include "mm/ws/wsle.h"

#define RW         PAGE_READWRITE
#define PLACES     (PAGE_SIZE / sizeof(MMWSLE_HASH))
#define FULL(Size) ((Size) / 4 * 3)

static ULONG_PTR Va;

static PMMSUPPORT WorkingSet(void)
{
    return &SpaceCurrent()->Vm;
}

static PFN_NUMBER FrameOf(ULONG Page)
{
    return MiReadPte(MiGetPteAddress(Va + Page * PAGE_SIZE)).Hard.PageFrameNumber;
}

static void Start(ULONG Pages)
{
    ULONG i;

    SpaceStart();
    Va = SpaceAllocate(0, Pages * PAGE_SIZE, MEM_COMMIT, RW);
    for (i = 0; i < Pages; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i);
    }
}

static void Remove(ULONG Page)
{
    MiRemoveWsle(WorkingSet(), Va + Page * PAGE_SIZE, FrameOf(Page));
}

static void Insert(ULONG Page, ULONG Shares)
{
    MI_PFN(FrameOf(Page))->u2.ShareCount = Shares;
    CHECK_EQUAL(STATUS_SUCCESS,
                Shares > 1 ? MiReserveSharedWsle(WorkingSet()) : MiReserveWsle(WorkingSet()));
    MiInsertWsle(WorkingSet(), Va + Page * PAGE_SIZE, FrameOf(Page));
}

static void Share(ULONG Page)
{
    Remove(Page);
    Insert(Page, 2);
}

static void Unshare(ULONG Page)
{
    Remove(Page);
    Insert(Page, 1);
}

TEST(Hash_finds_pages_whose_frames_name_other_entries)
{
    ULONG i;

    Start(8);
    for (i = 0; i < 8; i++) {
        Share(i);
        MI_PFN(FrameOf(i))->u1.WsIndex = 7 - i; /* of another working set */
    }
    MiVerifyWorkingSet(WorkingSet());
    CHECK_EQUAL(8, MmWorkingSetList->NonDirectCount);
    CHECK_EQUAL(PLACES, MmWorkingSetList->HashTableSize);
    for (i = 0; i < 8; i++) {
        ULONG Index = MiFindWsle(WorkingSet(), Va + i * PAGE_SIZE, FrameOf(i));

        CHECK_EQUAL((Va >> PAGE_SHIFT) + i, MmWorkingSetList->Wsle[Index].e1.VirtualPageNumber);
        CHECK(MmWorkingSetList->Wsle[Index].e1.Hashed);
    }
    CHECK_EQUAL(MI_NO_WSLE, MiFindHashedWsle(MmWorkingSetList, Va + 8 * PAGE_SIZE));
    for (i = 0; i < 8; i++) {
        Unshare(i);
    }
    CHECK_EQUAL(0, MmWorkingSetList->NonDirectCount);
    SpaceFinish();
}

TEST(Hash_stays_hashed_when_its_page_is_the_last_one_with_the_frame)
{
    Start(2);
    Share(0);
    MI_PFN(FrameOf(0))->u2.ShareCount = 1; /* the other owner went */
    MI_PFN(FrameOf(0))->u1.WsIndex = 12345;
    MiVerifyAll();
    SpaceFree(Va, PAGE_SIZE, MEM_DECOMMIT);
    CHECK_EQUAL(0, MmWorkingSetList->NonDirectCount);
    SpaceFinish();
}

/* The page's entry is looked at as it is between the new frame's and the old PTE. */
static void CheckReplaced(ULONG Page, ULONG Index)
{
    PFN_NUMBER Old = FrameOf(Page);
    PFN_NUMBER New;

    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &New));
    MiReplaceWsle(WorkingSet(), Va + Page * PAGE_SIZE, Old, New);
    CHECK_EQUAL(Index, MI_PFN(New)->u1.WsIndex);
    CHECK_EQUAL((Va + Page * PAGE_SIZE) | MI_WSLE_VALID | MI_WSLE_DIRECT,
                MmWorkingSetList->Wsle[Index].Long);
    MI_PFN(Old)->u1.WsIndex = Index;
    MiFreeFrame(New);
}

TEST(Replacing_a_pages_frame_keeps_its_entry_and_needs_no_hash)
{
    ULONG Size;
    ULONG Index;

    Start(3);
    Share(1);
    Size = WorkingSet()->WorkingSetSize;
    CheckReplaced(0, MiFindWsle(WorkingSet(), Va, FrameOf(0)));
    Index = MiFindWsle(WorkingSet(), Va + PAGE_SIZE, FrameOf(1));
    CHECK_EQUAL(1, MmWorkingSetList->NonDirectCount);
    CheckReplaced(1, Index);
    CHECK_EQUAL(0, MmWorkingSetList->NonDirectCount);
    MI_PFN(FrameOf(1))->u2.ShareCount = 1;
    (void)MiLockWsle(WorkingSet(), Va + 2 * PAGE_SIZE, FrameOf(2), MI_LOCK_IN_WORKING_SET);
    CHECK_EQUAL(1, WorkingSet()->LockedPages);
    CheckReplaced(2, MiFindWsle(WorkingSet(), Va + 2 * PAGE_SIZE, FrameOf(2)));
    CHECK_EQUAL(0, WorkingSet()->LockedPages);
    CHECK_EQUAL(Size, WorkingSet()->WorkingSetSize);
    MiVerifyWorkingSet(WorkingSet());
    SpaceFinish();
}

TEST(Hash_table_grows_and_keeps_what_it_has)
{
    const ULONG Pages = 3 * PLACES;
    ULONG i;

    Start(Pages);
    for (i = 0; i < Pages; i++) {
        Share(i);
        if (i % 256 == 0) {
            MiVerifyWorkingSet(WorkingSet());
        }
    }
    CHECK(Pages <= FULL(MmWorkingSetList->HashTableSize));
    CHECK_EQUAL(Pages, MmWorkingSetList->NonDirectCount);
    MiVerifyWorkingSet(WorkingSet());
    for (i = 0; i < Pages; i += 2) {
        Unshare(i);
    }
    MiVerifyWorkingSet(WorkingSet());
    for (i = 1; i < Pages; i += 2) {
        Unshare(i);
    }
    CHECK_EQUAL(0, MmWorkingSetList->NonDirectCount);
    SpaceFinish(); /* its memory is back */
}

TEST(Hash_table_without_memory_is_a_status_and_nothing_changes)
{
    Start(2);
    Remove(0);
    Remove(1);
    MiFailFrameAllocation = 1; /* and no page to give up */
    CHECK_EQUAL(STATUS_NO_MEMORY, MiReserveSharedWsle(WorkingSet()));
    CHECK_EQUAL(0, MmWorkingSetList->HashTableSize);
    CHECK_EQUAL(0, WorkingSet()->ListPages);
    MiFailWsleReservation = 1;
    CHECK_EQUAL(STATUS_NO_MEMORY, MiReserveSharedWsle(WorkingSet()));
    Insert(0, 1);
    Insert(1, 1);
    SpaceFinish();
}
