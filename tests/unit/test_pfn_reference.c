/* SPDX-License-Identifier: MIT */
/*
 * test_pfn_reference.c - shares and references decide together when a page leaves, and where to.
 */
#include "tests/unit/pfn_machine.h"

static void Reference(PVOID Context)
{
    PfnReference((PFN_NUMBER)(ULONG_PTR)Context);
}

static void Dereference(PVOID Context)
{
    PfnDereference((PFN_NUMBER)(ULONG_PTR)Context);
}

static void Unshare(PVOID Context)
{
    PfnUnshare((PFN_NUMBER)(ULONG_PTR)Context);
}

static void Free(PVOID Context)
{
    MiFreeFrame((PFN_NUMBER)(ULONG_PTR)Context);
}

static void SetPte(PVOID Context)
{
    PfnSetPte((PFN_NUMBER)(ULONG_PTR)Context, MI_PTE_FRAME_NONE);
}

static void SetModified(PVOID Context)
{
    PfnSetModified((PFN_NUMBER)(ULONG_PTR)Context);
}

/* PFN_NUMBER as a bug check routine's context. */
#define FRAME(Frame) ((PVOID)(ULONG_PTR)(Frame))

TEST(Reference_keeps_a_page_that_lost_its_last_PTE)
{
    PFN_NUMBER Frame;

    PfnStart(4);
    Frame = PfnTake();
    PfnSetPte(Frame, MI_PTE_FRAME_NONE);
    PfnReference(Frame);
    PfnUnshare(Frame);
    CHECK_EQUAL(TransitionPage, PfnState(Frame));
    CHECK_EQUAL(1, MiPageCounts[TransitionPage]);
    MiVerifyPageLists();
    PfnDereference(Frame);
    CHECK_EQUAL(StandbyPageList, PfnState(Frame));
    CHECK_EQUAL(0, MiPageCounts[TransitionPage]);
    PfnFinish();
}

TEST(Reference_of_a_listed_page_takes_it_off_its_list)
{
    PFN_NUMBER Frame;

    PfnStart(4);
    Frame = PfnTakeStandby(1);
    PfnReference(Frame);
    CHECK_EQUAL(TransitionPage, PfnState(Frame));
    CHECK_EQUAL(0, MiStandbyLists[1].Total);
    CHECK_EQUAL(1, MI_PFN(Frame)->u3.e2.ReferenceCount);
    CHECK_EQUAL(2, MiAvailablePages);
    PfnDereference(Frame);
    CHECK_EQUAL(1, MiStandbyLists[1].Total);
    PfnFinish();
}

TEST(ShareCount_soft_fault_makes_a_standby_page_active_again)
{
    PFN_NUMBER Frame;

    PfnStart(4);
    Frame = PfnTakeStandby(1);
    PfnShare(Frame);
    PfnShare(Frame);
    CHECK_EQUAL(ActiveAndValid, PfnState(Frame));
    CHECK_EQUAL(2, MI_PFN(Frame)->u2.ShareCount);
    CHECK_EQUAL(1, MI_PFN(Frame)->u3.e2.ReferenceCount);
    CHECK_EQUAL((ULONG_PTR)PfnPteOf(Frame), (ULONG_PTR)MI_PFN(Frame)->PteAddress);
    MiVerifyPageLists();
    PfnUnshare(Frame);
    CHECK_EQUAL(ActiveAndValid, PfnState(Frame));
    PfnUnshare(Frame);
    CHECK_EQUAL(StandbyPageList, PfnState(Frame));
    CHECK_EQUAL(0, PfnRestoredCount);
    PfnFinish();
}

TEST(ShareCount_of_a_page_in_transition_joins_its_references)
{
    PFN_NUMBER Frame;

    PfnStart(4);
    Frame = PfnTakeStandby(1);
    PfnReference(Frame);
    PfnShare(Frame);
    CHECK_EQUAL(ActiveAndValid, PfnState(Frame));
    CHECK_EQUAL(2, MI_PFN(Frame)->u3.e2.ReferenceCount);
    PfnDereference(Frame);
    CHECK_EQUAL(ActiveAndValid, PfnState(Frame));
    PfnFinish();
}

TEST(ClearFramePte_makes_the_last_holder_free_the_frame)
{
    PFN_NUMBER Table;
    PFN_NUMBER Frame;

    PfnStart(4);
    Table = PfnTake();
    Frame = PfnTake();
    PfnSetPte(Frame, Table);
    PfnSetModified(Frame);
    PfnReference(Frame);
    PfnClearPte(Frame);
    CHECK_EQUAL(1, MI_PFN(Table)->u2.ShareCount);
    PfnUnshare(Frame);
    CHECK_EQUAL(TransitionPage, PfnState(Frame)); /* the I/O still writes to it */
    PfnDereference(Frame);
    CHECK_EQUAL(FreePageList, PfnState(Frame));
    CHECK_EQUAL(0, MI_PFN(Frame)->u3.e1.Modified);
    PfnFinish();
}

static void DeletePage(PFN_NUMBER Frame)
{
    KIRQL OldIrql = MiLockPfn();

    MiDeleteFramePage(Frame);
    MiUnlockPfn(OldIrql);
}

TEST(DeleteFramePage_frees_a_frame_that_nobody_else_holds_and_returns_its_tables_share)
{
    PFN_NUMBER Table;
    PFN_NUMBER Frame;

    PfnStart(4);
    Table = PfnTake();
    Frame = PfnTake();
    PfnSetPte(Frame, Table);
    PfnSetModified(Frame);
    MI_PFN(Frame)->u3.e1.CacheAttribute = 1;
    DeletePage(Frame);
    CHECK_EQUAL(FreePageList, PfnState(Frame));
    CHECK_EQUAL(0, MI_PFN(Frame)->u3.e1.Modified);
    CHECK_EQUAL(0, MI_PFN(Frame)->u3.e1.CacheAttribute);
    CHECK_EQUAL(1, MI_PFN(Table)->u2.ShareCount);
    CHECK_EQUAL(2, MiAvailablePages);
    PfnFinish();
}

TEST(DeleteFramePage_leaves_the_frame_to_who_else_holds_it)
{
    PFN_NUMBER Frame;

    PfnStart(4);
    Frame = PfnTake();
    PfnSetPte(Frame, MI_PTE_FRAME_NONE);
    PfnSetModified(Frame);
    PfnReference(Frame);
    DeletePage(Frame);
    CHECK_EQUAL(TransitionPage, PfnState(Frame));
    MiVerifyPageLists();
    PfnDereference(Frame);
    CHECK_EQUAL(FreePageList, PfnState(Frame)); /* not the modified list */
    Frame = PfnTake();
    PfnSetPte(Frame, MI_PTE_FRAME_NONE);
    PfnShare(Frame);
    DeletePage(Frame);
    CHECK_EQUAL(ActiveAndValid, PfnState(Frame));
    CHECK_EQUAL(1, MI_PFN(Frame)->u2.ShareCount);
    PfnUnshare(Frame);
    CHECK_EQUAL(FreePageList, PfnState(Frame));
    PfnFinish();
}

TEST(DeleteFramePage_of_a_frame_that_is_to_be_removed_makes_it_bad)
{
    PFN_NUMBER Frame;

    PfnStart(4);
    Frame = PfnTake();
    PfnSetPte(Frame, MI_PTE_FRAME_NONE);
    MI_PFN(Frame)->u3.e1.RemovalRequested = 1;
    DeletePage(Frame);
    CHECK_EQUAL(BadPageList, PfnState(Frame));
    PfnFinish();
}

TEST(MoveFramePte_moves_the_share_of_the_page_table_whatever_the_frames_state)
{
    PFN_NUMBER First;
    PFN_NUMBER Second;
    PFN_NUMBER Frame;
    MMPTE Place = {.Long = 0};
    KIRQL OldIrql;

    PfnStart(4);
    First = PfnTake();
    Second = PfnTake();
    Frame = PfnTake();
    PfnSetPte(Frame, First);
    PfnUnshare(Frame); /* now on standby */
    OldIrql = MiLockPfn();
    MiMoveFramePte(Frame, &Place, Second);
    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(StandbyPageList, PfnState(Frame));
    CHECK_EQUAL(1, MI_PFN(First)->u2.ShareCount);
    CHECK_EQUAL(2, MI_PFN(Second)->u2.ShareCount);
    CHECK(MI_PFN(Frame)->PteAddress == &Place && MI_PFN(Frame)->u4.PteFrame == Second);
    PfnFinish();
}

TEST(ReplaceFramePte_takes_over_the_share_of_the_page_table)
{
    PFN_NUMBER Table;
    PFN_NUMBER Frame;
    MMPTE Place = {.Long = 0};
    KIRQL OldIrql;

    PfnStart(4);
    Table = PfnTake();
    Frame = PfnTake();
    MI_PFN(Table)->u2.ShareCount++; /* of the page that was there */
    OldIrql = MiLockPfn();
    MiReplaceFramePte(Frame, &Place, (MMPTE){.Long = 0x80}, Table);
    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(2, MI_PFN(Table)->u2.ShareCount);
    CHECK(MI_PFN(Frame)->PteAddress == &Place && MI_PFN(Frame)->u4.PteFrame == Table);
    CHECK_EQUAL(0x80, MI_PFN(Frame)->OriginalPte.Long);
    MiFreeFrame(Frame);
    CHECK_EQUAL(1, MI_PFN(Table)->u2.ShareCount);
    PfnFinish();
}

TEST(FreeFrame_gives_the_share_of_the_page_table_back)
{
    PFN_NUMBER Table;
    PFN_NUMBER Frame;

    PfnStart(4);
    Table = PfnTake();
    Frame = PfnTake();
    PfnSetPte(Frame, Table);
    MiFreeFrame(Frame);
    CHECK_EQUAL(1, MI_PFN(Table)->u2.ShareCount);
    CHECK_EQUAL(2, MiPageCounts[FreePageList]);
    PfnFinish();
}

TEST(References_stop_at_65535)
{
    PFN_NUMBER Frame;
    KIRQL OldIrql;

    PfnStart(4);
    Frame = PfnTake();
    MI_PFN(Frame)->u3.e2.ReferenceCount = 0xFFFF;
    OldIrql = MiLockPfn();
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MiReferenceFrame(Frame));
    CHECK_EQUAL(0xFFFF, MI_PFN(Frame)->u3.e2.ReferenceCount);
    MiDecrementShareCount(Frame);
    MI_PFN(Frame)->u3.e2.ReferenceCount = 0xFFFF;
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MiIncrementShareCount(Frame));
    CHECK_EQUAL(TransitionPage, PfnState(Frame));
    MI_PFN(Frame)->u3.e2.ReferenceCount = 1;
    MiUnlockPfn(OldIrql);
    PfnFinish();
}

TEST(Dereference_too_often_is_4E_7_with_the_share_count)
{
    PFN_NUMBER Frame;

    PfnStart(16);
    Frame = PfnTake();
    PfnShare(Frame);
    PfnExpectCorrupt(7, Frame, 2, 0, Dereference, FRAME(Frame));
    Frame = PfnTakeStandby(0);
    PfnExpectCorrupt(7, Frame, 0, 0, Dereference, FRAME(Frame));
    HostMachineDelete();
}

TEST(FreeFrame_of_a_locked_frame_is_4E_9A_with_state_and_references)
{
    PFN_NUMBER Frame;

    PfnStart(16);
    Frame = PfnTake();
    PfnReference(Frame);
    PfnExpectCorrupt(0x9A, Frame, ActiveAndValid, 2, Free, FRAME(Frame));
    PfnDereference(Frame);
    MI_PFN(Frame)->u3.e1.WriteInProgress = 1;
    PfnExpectCorrupt(0x9A, Frame, ActiveAndValid, 1, Free, FRAME(Frame));
    MI_PFN(Frame)->u3.e1.WriteInProgress = 0;
    MiFreeFrame(Frame);
    PfnFinish();
}

TEST(FreeFrame_of_a_shared_frame_is_4E_99)
{
    PFN_NUMBER Frame;

    PfnStart(16);
    Frame = PfnTake();
    PfnShare(Frame);
    PfnExpectCorrupt(0x99, Frame, ActiveAndValid, 0, Free, FRAME(Frame));
    PfnUnshare(Frame);
    MiFreeFrame(Frame);
    PfnFinish();
}

TEST(FreeFrame_twice_is_4E_99_with_the_state)
{
    PFN_NUMBER Frame;

    PfnStart(16);
    Frame = PfnTake();
    MiFreeFrame(Frame);
    PfnExpectCorrupt(0x99, Frame, FreePageList, 0, Free, FRAME(Frame));
    PfnFinish();
}

TEST(Frames_that_are_not_ours_are_refused_by_4E)
{
    PFN_NUMBER Frame;

    PfnStart(16);
    PfnExpectCorrupt(0x99, 0, ActiveAndValid, 0, Free, FRAME(0)); /* not RAM */
    PfnExpectCorrupt(2, 16, 15, 0, Free, FRAME(16));
    PfnExpectCorrupt(0x99, 0, ActiveAndValid, 0, Reference, FRAME(0));
    PfnExpectCorrupt(0x99, 16, MI_PAGE_STATES, 0, Reference, FRAME(16));
    PfnExpectCorrupt(0x99, 3, FreePageList, 0, Reference, FRAME(3));
    PfnExpectCorrupt(0x99, 3, FreePageList, 0, Unshare, FRAME(3));
    PfnExpectCorrupt(0x99, 3, FreePageList, 0, SetPte, FRAME(3));
    PfnExpectCorrupt(0x99, 3, FreePageList, 0, SetModified, FRAME(3));
    Frame = PfnTakeStandby(0);
    PfnExpectCorrupt(0x99, Frame, StandbyPageList, 0, Unshare, FRAME(Frame));
    PfnExpectCorrupt(0x99, Frame, StandbyPageList, 0, Free, FRAME(Frame));
    PfnExpectCorrupt(0x99, Frame, StandbyPageList, 0, SetModified, FRAME(Frame));
    PfnFinish();
}
