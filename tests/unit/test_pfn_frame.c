/* SPDX-License-Identifier: MIT */
/*
 * test_pfn_frame.c - allocation takes the right frame first, and fails without a trace.
 */
#include "tests/unit/pfn_machine.h"

#include <string.h>

/* => Returns whether Frame is all zero. */
static BOOLEAN IsZero(PFN_NUMBER Frame)
{
    static const UCHAR Zero[PAGE_SIZE];

    return memcmp(HostFrame(Frame), Zero, PAGE_SIZE) == 0;
}

static void Dirty(PFN_NUMBER Frame)
{
    memset(HostFrame(Frame), 0xA5, PAGE_SIZE);
}

static PFN_NUMBER TakeOf(MI_FRAME_WANTED Wanted, ULONG Color)
{
    PFN_NUMBER Frame = MI_NO_FRAME;

    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(Wanted, Color, &Frame));
    return Frame;
}

TEST(AllocateFrame_comes_in_the_colour_that_was_asked_for)
{
    PFN_NUMBER Frame;

    PfnStart(256);
    CHECK_EQUAL(17, TakeOf(MiFrameAny, 17) % 64);
    CHECK_EQUAL(17, TakeOf(MiFrameAny, 17 + 64) % 64);
    CHECK_EQUAL(17, TakeOf(MiFrameAny, 17) % 64);
    CHECK_EQUAL(17, TakeOf(MiFrameAny, 17) % 64);
    Frame = TakeOf(MiFrameAny, 17); /* four frames have it; then the next colour */
    CHECK_EQUAL(18, Frame % 64);
    PfnFinish();
}

TEST(AllocateFrame_any_prefers_free_to_zeroed_to_standby)
{
    PFN_NUMBER Standby;
    PFN_NUMBER Zeroed;

    PfnStart(4);
    Standby = PfnTakeStandby(0);
    CHECK_EQUAL(1, MiZeroFreePages(1));
    CHECK_EQUAL(1, MiPageCounts[ZeroedPageList]);
    CHECK_EQUAL(FreePageList, PfnState(3 - (PfnState(3) != FreePageList)));
    PfnTake();
    CHECK_EQUAL(0, MiPageCounts[FreePageList]);
    Zeroed = PfnTake();
    CHECK(Zeroed != Standby);
    CHECK_EQUAL(Standby, PfnTake());
    PfnFinish();
}

TEST(AllocateFrame_zeroed_is_zero_wherever_it_came_from)
{
    PFN_NUMBER Frame;
    ULONG Count;

    PfnStart(8);
    for (Frame = 1; Frame < 8; Frame++) {
        Dirty(Frame);
    }
    CHECK_EQUAL(2, MiZeroFreePages(2));
    PfnTakeStandby(0);
    for (Count = 0; Count < 7; Count++) {
        Frame = TakeOf(MiFrameZeroed, Count);
        CHECK(IsZero(Frame));
        CHECK_EQUAL(Count < 2 ? 2 - Count - 1 : 0, MiPageCounts[ZeroedPageList]);
    }
    CHECK_EQUAL(1, PfnRestoredCount);
    PfnFinish();
}

TEST(FreeFrame_and_allocation_give_the_same_frame_back_while_it_is_warm)
{
    PFN_NUMBER Frame;

    PfnStart(256);
    Frame = TakeOf(MiFrameAny, 5);
    TakeOf(MiFrameAny, 5);
    MiFreeFrame(Frame);
    CHECK_EQUAL(Frame, TakeOf(MiFrameAny, 5));
    PfnFinish();
}

TEST(ZeroFreePages_moves_free_frames_until_there_are_none)
{
    PFN_NUMBER Frame;

    PfnStart(16);
    for (Frame = 1; Frame < 16; Frame++) {
        Dirty(Frame);
    }
    CHECK_EQUAL(10, MiZeroFreePages(10));
    CHECK_EQUAL(5, MiPageCounts[FreePageList]);
    CHECK_EQUAL(5, MiZeroFreePages(10));
    CHECK_EQUAL(0, MiZeroFreePages(10));
    CHECK_EQUAL(15, MiPageCounts[ZeroedPageList]);
    for (Frame = 1; Frame < 16; Frame++) {
        CHECK(IsZero(Frame));
    }
    PfnFinish();
}

/* ---- somewhere in particular ---- */

TEST(ContiguousFrames_are_the_highest_that_fit)
{
    PFN_NUMBER First = 7;

    PfnStart(128);
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateContiguousFrames(10, 0, MI_NO_FRAME, 0, &First));
    CHECK_EQUAL(118, First);
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateContiguousFrames(4, 0, 63, 0, &First));
    CHECK_EQUAL(60, First);
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateContiguousFrames(56, 0, 127, 0, &First));
    CHECK_EQUAL(4, First); /* 64-117 are 54 only */
    CHECK_EQUAL(ActiveAndValid, PfnState(4));
    CHECK_EQUAL(1, MI_PFN(4)->u2.ShareCount);
    MiVerifyPageLists();
    MiFreeContiguousFrames(4, 56);
    MiFreeContiguousFrames(60, 4);
    MiFreeContiguousFrames(118, 10);
    CHECK_EQUAL(127, MiPageCounts[FreePageList]);
    PfnFinish();
}

TEST(ContiguousFrames_do_not_cross_a_boundary)
{
    PFN_NUMBER First;

    PfnStart(128);
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateContiguousFrames(5, 0, 66, 16, &First));
    CHECK_EQUAL(59, First);
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateContiguousFrames(16, 0, 66, 16, &First));
    CHECK_EQUAL(32, First);
    CHECK_EQUAL(STATUS_NO_MEMORY, MiAllocateContiguousFrames(17, 0, 127, 16, &First));
    PfnFinish();
}

TEST(ContiguousFrames_reuse_standby_and_zeroed_pages_but_nothing_in_use)
{
    PFN_NUMBER First;
    PFN_NUMBER Held;
    ULONG Count;

    PfnStart(17);
    CHECK_EQUAL(4, MiZeroFreePages(4));
    for (Count = 0; Count < 8; Count++) {
        PfnTakeStandby(Count);
    }
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateContiguousFrames(1, 8, 8, 0, &Held));
    CHECK_EQUAL(STATUS_NO_MEMORY, MiAllocateContiguousFrames(9, 0, 16, 0, &First));
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateContiguousFrames(8, 0, 16, 0, &First));
    CHECK_EQUAL(9, First);
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateContiguousFrames(7, 0, 16, 0, &First));
    CHECK_EQUAL(1, First);
    CHECK_EQUAL(8, PfnRestoredCount);
    CHECK_EQUAL(0, MiAvailablePages);
    PfnFinish();
}

TEST(ContiguousFrames_refuse_nonsense_and_leave_the_output_alone)
{
    PFN_NUMBER First = 7;

    PfnStart(16);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MiAllocateContiguousFrames(0, 0, 9, 0, &First));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MiAllocateContiguousFrames(1, 9, 8, 0, &First));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MiAllocateContiguousFrames(1, 0, 9, 3, &First));
    CHECK_EQUAL(STATUS_NO_MEMORY, MiAllocateContiguousFrames(1, 16, 99, 0, &First));
    CHECK_EQUAL(STATUS_NO_MEMORY, MiAllocateContiguousFrames(1, 0, 0, 0, &First));
    CHECK_EQUAL(STATUS_NO_MEMORY, MiAllocateContiguousFrames(0xFFFFFFFF, 0, 99, 0, &First));
    CHECK_EQUAL(7, First);
    CHECK_EQUAL(15, MiAvailablePages);
    PfnFinish();
}

TEST(FramesInRange_stay_in_the_range_and_are_as_wanted)
{
    PFN_NUMBER Frames[20];
    ULONG Allocated = 0;
    ULONG Index;

    PfnStart(32);
    for (Index = 1; Index < 32; Index++) {
        Dirty(Index);
    }
    CHECK_EQUAL(8, MiZeroFreePages(8));
    CHECK_EQUAL(STATUS_SUCCESS,
                MiAllocateFramesInRange(MiFrameZeroed, 10, 19, 20, Frames, &Allocated));
    CHECK_EQUAL(10, Allocated);
    for (Index = 0; Index < Allocated; Index++) {
        CHECK(Frames[Index] >= 10 && Frames[Index] <= 19);
        CHECK(IsZero(Frames[Index]));
        CHECK_EQUAL(ActiveAndValid, PfnState(Frames[Index]));
    }
    CHECK_EQUAL(STATUS_NO_MEMORY,
                MiAllocateFramesInRange(MiFrameAny, 10, 19, 1, Frames, &Allocated));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                MiAllocateFramesInRange(MiFrameAny, 10, 19, 0, Frames, &Allocated));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                MiAllocateFramesInRange(MiFrameAny, 19, 10, 1, Frames, &Allocated));
    CHECK_EQUAL(10, Allocated);
    CHECK_EQUAL(STATUS_SUCCESS,
                MiAllocateFramesInRange(MiFrameAny, 0, MI_NO_FRAME, 20, Frames, &Allocated));
    CHECK_EQUAL(20, Allocated);
    PfnFinish();
}

/* ---- failure on demand ---- */

/* A caller that needs three kinds of memory and gives all back when one is missing. */
static NTSTATUS TakeThree(void)
{
    PFN_NUMBER Two[2];
    PFN_NUMBER Run;
    PFN_NUMBER One;
    NTSTATUS Status;
    ULONG Count;

    Status = MiAllocateFrame(MiFrameZeroed, 0, &One);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiAllocateContiguousFrames(3, 0, MI_NO_FRAME, 0, &Run);
    if (!NT_SUCCESS(Status)) {
        goto FreeOne;
    }
    Status = MiAllocateFramesInRange(MiFrameAny, 0, MI_NO_FRAME, 2, Two, &Count);
    if (NT_SUCCESS(Status)) {
        MiFreeFrame(Two[0]);
        MiFreeFrame(Two[1]);
    }
    MiFreeContiguousFrames(Run, 3);
FreeOne:
    MiFreeFrame(One);
    return Status;
}

TEST(Injection_every_nth_allocation_fails_and_nothing_leaks)
{
    NTSTATUS Status = STATUS_NO_MEMORY;
    ULONG Failures;

    PfnStart(16);
    for (Failures = 0; !NT_SUCCESS(Status); Failures++) {
        MiFailFrameAllocation = Failures + 1;
        Status = TakeThree();
        CHECK(Status == STATUS_SUCCESS || Status == STATUS_NO_MEMORY);
        CHECK_EQUAL(15, MiAvailablePages);
        MiVerifyPageLists();
    }
    CHECK_EQUAL(4, Failures); /* three failed, the fourth run had nothing left to fail */
    CHECK_EQUAL(1, MiFailFrameAllocation);
    MiFailFrameAllocation = 0;
    PfnFinish();
}
