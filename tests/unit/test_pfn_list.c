/* SPDX-License-Identifier: MIT */
/*
 * test_pfn_list.c - the page lists keep their order, their counts and their states.
 */
#include "tests/unit/pfn_machine.h"

TEST(PageList_standby_is_reused_oldest_first_from_the_lowest_priority)
{
    PFN_NUMBER Late;
    PFN_NUMBER First;
    PFN_NUMBER Second;

    PfnStart(4);
    Late = PfnTakeStandby(6);
    First = PfnTakeStandby(2);
    Second = PfnTakeStandby(2);
    CHECK_EQUAL(3, MiPageCounts[StandbyPageList]);
    CHECK_EQUAL(3, MiAvailablePages);
    CHECK_EQUAL(First, PfnTake());
    CHECK_EQUAL(Second, PfnTake());
    CHECK_EQUAL(Late, PfnTake());
    CHECK_EQUAL(3, PfnRestoredCount);
    CHECK_EQUAL(Second, PfnRestored[1]);
    CHECK_EQUAL(0, MiAvailablePages);
    PfnFinish();
}

TEST(PageList_reused_standby_page_looks_like_any_allocated_frame)
{
    PFN_NUMBER Frame;

    PfnStart(2);
    Frame = PfnTakeStandby(0);
    CHECK_EQUAL(Frame, PfnTake());
    CHECK_EQUAL(0, (ULONG_PTR)MI_PFN(Frame)->PteAddress);
    CHECK_EQUAL(0, MI_PFN(Frame)->OriginalPte.Long);
    CHECK_EQUAL(MI_PFN_NO_PTE, MI_PFN(Frame)->u4.EntireFrame);
    CHECK_EQUAL(1, MI_PFN(Frame)->u2.ShareCount);
    CHECK_EQUAL(1, MI_PFN(Frame)->u3.e2.ReferenceCount);
    CHECK_EQUAL(1, MiRepurposedPages);
    PfnFinish();
}

TEST(PageList_reuse_gives_the_share_of_the_page_table_back)
{
    PFN_NUMBER Table;
    PFN_NUMBER Frame;

    PfnStart(3);
    Table = PfnTake();
    Frame = PfnTake();
    PfnSetPte(Frame, Table);
    CHECK_EQUAL(2, MI_PFN(Table)->u2.ShareCount);
    PfnUnshare(Frame);
    CHECK_EQUAL(2, MI_PFN(Table)->u2.ShareCount); /* a transition PTE needs its table */
    CHECK_EQUAL(Frame, PfnTake());
    CHECK_EQUAL(1, MI_PFN(Table)->u2.ShareCount);
    PfnFinish();
}

TEST(PageList_modified_page_waits_for_its_writer)
{
    PFN_NUMBER Frame;
    PFN_NUMBER Other = 99;

    PfnStart(2);
    Frame = PfnTake();
    PfnSetPte(Frame, MI_PTE_FRAME_NONE);
    PfnSetModified(Frame);
    PfnUnshare(Frame);
    CHECK_EQUAL(ModifiedPageList, PfnState(Frame));
    CHECK_EQUAL(0, MiAvailablePages);
    CHECK_EQUAL(STATUS_NO_MEMORY, MiAllocateFrame(MiFrameAny, 0, &Other));
    CHECK_EQUAL(99, Other);
    PfnReference(Frame); /* the writer starts */
    CHECK_EQUAL(TransitionPage, PfnState(Frame));
    MI_PFN(Frame)->u3.e1.Modified = 0;
    PfnDereference(Frame); /* it is on disk */
    CHECK_EQUAL(StandbyPageList, PfnState(Frame));
    CHECK_EQUAL(Frame, PfnTake());
    PfnFinish();
}

TEST(PageList_no_write_moves_a_modified_page_to_its_own_list_and_back)
{
    PFN_NUMBER Frame;

    PfnStart(2);
    Frame = PfnTake();
    PfnSetPte(Frame, MI_PTE_FRAME_NONE);
    PfnSetModified(Frame);
    PfnSetNoWrite(Frame, TRUE);
    PfnUnshare(Frame);
    CHECK_EQUAL(ModifiedNoWritePageList, PfnState(Frame));
    MiVerifyPageLists();
    PfnSetNoWrite(Frame, FALSE);
    CHECK_EQUAL(ModifiedPageList, PfnState(Frame));
    CHECK_EQUAL(0, MiPageCounts[ModifiedNoWritePageList]);
    MiVerifyPageLists();
    PfnSetNoWrite(Frame, TRUE);
    CHECK_EQUAL(1, MiModifiedNoWriteList.Total);
    PfnFinish();
}

TEST(PageList_keeps_its_order_when_a_page_leaves_the_middle)
{
    PFN_NUMBER Frames[5];
    ULONG Index;

    PfnStart(6);
    for (Index = 0; Index < 5; Index++) {
        Frames[Index] = PfnTakeStandby(3);
    }
    PfnShare(Frames[2]); /* soft faults: middle, first, last */
    PfnShare(Frames[0]);
    PfnShare(Frames[4]);
    MiVerifyPageLists();
    CHECK_EQUAL(2, MiStandbyLists[3].Total);
    CHECK_EQUAL(Frames[1], MiStandbyLists[3].Flink);
    CHECK_EQUAL(Frames[3], MiStandbyLists[3].Blink);
    CHECK_EQUAL(Frames[1], PfnTake());
    CHECK_EQUAL(Frames[3], PfnTake());
    CHECK_EQUAL(MI_NO_FRAME, MiStandbyLists[3].Flink);
    PfnFinish();
}

TEST(PageList_removal_request_sends_a_freed_frame_to_the_bad_list)
{
    PFN_NUMBER Frame;
    PFN_NUMBER Other;

    PfnStart(2);
    Frame = PfnTakeStandby(0);
    MI_PFN(Frame)->u3.e1.RemovalRequested = 1; /* while its contents are needed */
    CHECK_EQUAL(Frame, PfnTake());
    MiFreeFrame(Frame);
    CHECK_EQUAL(BadPageList, PfnState(Frame));
    CHECK_EQUAL(1, MiBadList.Total);
    CHECK_EQUAL(STATUS_NO_MEMORY, MiAllocateFrame(MiFrameAny, 0, &Other));
    PfnFinish();
}

TEST(PageColors_are_a_power_of_two_and_at_most_64)
{
    ULONG Color;

    MiSetPageColors(1);
    CHECK_EQUAL(0, MiColorMask);
    MiSetPageColors(24);
    CHECK_EQUAL(15, MiColorMask);
    MiSetPageColors(1000);
    CHECK_EQUAL(63, MiColorMask);
    MiSetPageColors(0);
    CHECK_EQUAL(63, MiColorMask);
    CHECK_EQUAL(64, MiPageColorsOfCache(0));
    CHECK_EQUAL(32, MiPageColorsOfCache(128));
    CHECK_EQUAL(1, MiPageColorsOfCache(1));
    Color = MiNextPageColor();
    CHECK_EQUAL(Color + 1, MiNextPageColor());
}

/* ---- damage is found where it is met ---- */

static void Take(PVOID Context)
{
    *(PPFN_NUMBER)Context = PfnTake();
}

static void TakeOfColor5(PVOID Context)
{
    PFN_NUMBER Frame;

    (void)Context;
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 5, &Frame));
}

static void Share(PVOID Context)
{
    PfnShare(*(PPFN_NUMBER)Context);
}

static void Verify(PVOID Context)
{
    (void)Context;
    MiVerifyPageLists();
}

TEST(PageList_head_that_leads_out_of_memory_is_4E_2)
{
    PFN_NUMBER Frame;

    PfnStart(16);
    MiFreeListHeads[FreePageList][0] = 16;
    PfnExpectCorrupt(2, 16, 15, 0, Take, &Frame);
    HostMachineDelete();
}

TEST(PageList_entry_in_use_on_a_list_is_4E_2)
{
    PFN_NUMBER Frame = 15;

    PfnStart(16);
    MI_PFN(15)->u3.e2.ReferenceCount = 3;
    MiFreeListHeads[FreePageList][0] = 15;
    PfnExpectCorrupt(2, 15, 15, 3, Take, &Frame);
    HostMachineDelete();
}

TEST(PageList_stack_that_leads_to_a_frame_in_use_is_4E_2)
{
    PFN_NUMBER Frame;
    PFN_NUMBER Held;

    PfnStart(16);
    Held = PfnTake();
    MI_PFN(MiFreeListHeads[FreePageList][5])->u1.Flink = Held;
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 5, &Frame));
    PfnExpectCorrupt(2, Held, 15, 1, TakeOfColor5, NULL);
    HostMachineDelete();
}

TEST(PageList_standby_neighbours_that_disagree_are_4E_2)
{
    PFN_NUMBER Frame;

    PfnStart(16);
    PfnTakeStandby(0);
    Frame = PfnTakeStandby(0);
    PfnTakeStandby(0);
    MI_PFN(MiStandbyLists[0].Blink)->u2.Blink = MiStandbyLists[0].Flink;
    PfnExpectCorrupt(2, Frame, 15, 0, Share, &Frame);
    HostMachineDelete();
}

/* Each line breaks one invariant of a sound machine; MiVerifyPageLists names the place. */
TEST(VerifyPageLists_finds_each_broken_invariant)
{
    PFN_NUMBER Standby;
    PFN_NUMBER Held;

    PfnStart(16);
    Standby = PfnTakeStandby(4);
    Held = PfnTake();
    MiVerifyPageLists();

    MiStandbyLists[4].Total++; /* L1 */
    PfnExpectCorrupt(1, (ULONG)(ULONG_PTR)&MiStandbyLists[4], MiAvailablePages, 0, Verify, NULL);
    MiStandbyLists[4].Total--;
    MiStandbyLists[4].Blink = 3; /* L1 */
    PfnExpectCorrupt(1, (ULONG)(ULONG_PTR)&MiStandbyLists[4], MiAvailablePages, 0, Verify, NULL);
    MiStandbyLists[4].Blink = Standby;
    MI_PFN(Standby)->u2.Blink = 3; /* L1 */
    PfnExpectCorrupt(2, Standby, 15, 0, Verify, NULL);
    MI_PFN(Standby)->u2.Blink = MI_NO_FRAME;
    MI_PFN(Standby)->u3.e2.ReferenceCount = 2; /* L2 */
    PfnExpectCorrupt(2, Standby, 15, 2, Verify, NULL);
    MI_PFN(Standby)->u3.e2.ReferenceCount = 0;
    MI_PFN(3)->OriginalPte.Long = 1; /* L3 */
    PfnExpectCorrupt(2, 3, 15, 0, Verify, NULL);
    MI_PFN(3)->OriginalPte.Long = 0;
    MI_PFN(Standby)->u4.Priority = 5; /* L4 */
    PfnExpectCorrupt(2, Standby, 15, 0, Verify, NULL);
    MI_PFN(Standby)->u4.Priority = 4;
    MiPageCounts[FreePageList]--; /* L5 */
    PfnExpectCorrupt(1, (ULONG)(ULONG_PTR)&MiPageCounts[FreePageList], MiAvailablePages, 0, Verify,
                     NULL);
    MiPageCounts[FreePageList]++;
    MiPageCounts[TransitionPage]++; /* L5 */
    PfnExpectCorrupt(1, (ULONG)(ULONG_PTR)&MiPageCounts[TransitionPage], MiAvailablePages, 0,
                     Verify, NULL);
    MiPageCounts[TransitionPage]--;
    MI_PFN(Held)->u2.ShareCount = 0; /* L6 */
    PfnExpectCorrupt(0x99, Held, ActiveAndValid, 0, Verify, NULL);
    MI_PFN(Held)->u2.ShareCount = 1;
    MiPhysicalPages++; /* L7 */
    PfnExpectCorrupt(1, (ULONG)(ULONG_PTR)&MiPhysicalPages, MiAvailablePages, 0, Verify, NULL);
    MiPhysicalPages--;
    MiMemoryWatch.Holds[MiLowMemory] ^= 1; /* L8 */
    PfnExpectCorrupt(1, (ULONG)(ULONG_PTR)&MiMemoryWatch.Holds[MiLowMemory], MiAvailablePages, 0,
                     Verify, NULL);
    MiMemoryWatch.Holds[MiLowMemory] ^= 1;
    PfnFinish();
}

/* A frame that is on no list although its state says so. */
TEST(VerifyPageLists_finds_a_lost_frame)
{
    PFN_NUMBER Color;

    PfnStart(16);
    Color = MI_FRAME_COLOR(5);
    MiFreeListHeads[FreePageList][Color] = MI_NO_FRAME;
    PfnExpectCorrupt(1, (ULONG)(ULONG_PTR)&MiPageCounts[FreePageList], 15, 0, Verify, NULL);
    MiPageCounts[FreePageList]--;
    MiAvailablePages--;
    PfnExpectCorrupt(1, (ULONG)(ULONG_PTR)&MiPageCounts[FreePageList], 14, 0, Verify, NULL);
    HostMachineDelete();
}
