/* SPDX-License-Identifier: MIT */
/*
 * test_pfn_boot_frames.c - frames for boot come from the top of free memory, and only from there.
 */
#include "tests/unit/pfn_machine.h"

#define FRAMES_OF_4GB 0x100000u

/* Unsorted, with a hole at 300-399 and memory above 4 GB. */
static const LOADER_MEMORY_RUN Scattered[] = {
    {400, 100, LoaderFree, 0},    {0, 100, LoaderFree, 0},
    {500, 50, LoaderBootData, 0}, {FRAMES_OF_4GB, 5000, LoaderFree, 0},
    {100, 200, LoaderFree, 0},
};

TEST(TakeBootFrames_goes_from_the_highest_free_run_down)
{
    MiInitializeBootFrames(PFN_RUNS(Scattered));
    CHECK_EQUAL(490, MiTakeBootFrames(10, 1));
    CHECK_EQUAL(400, MiTakeBootFrames(90, 1));
    CHECK_EQUAL(299, MiTakeBootFrames(1, 1)); /* 400-499 is used up */
    CHECK_EQUAL(1, MiBootFrames.TakenCount - 1);
    CHECK(MiIsBootFrame(400));
    CHECK(MiIsBootFrame(499));
    CHECK(!MiIsBootFrame(298));
}

TEST(TakeBootFrames_aligns_and_uses_the_rest_later)
{
    MiInitializeBootFrames(PFN_RUNS(Scattered));
    CHECK_EQUAL(448, MiTakeBootFrames(40, 64));
    CHECK_EQUAL(499, MiTakeBootFrames(1, 1));
    CHECK_EQUAL(488, MiTakeBootFrames(11, 1));
    CHECK_EQUAL(447, MiTakeBootFrames(1, 1));
}

TEST(TakeBootFrames_that_fit_in_no_run_fail_and_take_nothing)
{
    MiInitializeBootFrames(PFN_RUNS(Scattered));
    CHECK_EQUAL(MI_NO_FRAME, MiTakeBootFrames(201, 1));
    CHECK_EQUAL(MI_NO_FRAME, MiTakeBootFrames(1, 512));
    CHECK_EQUAL(MI_NO_FRAME, MiTakeBootFrames(0xFFFFFFFF, 1));
    CHECK_EQUAL(0, MiBootFrames.TakenCount);
    CHECK_EQUAL(100, MiTakeBootFrames(200, 1));
}

TEST(TakeBootFrames_hands_out_everything_but_frame_0)
{
    ULONG Count = 0;

    MiInitializeBootFrames(PFN_RUNS(Scattered));
    while (MiTakeBootFrames(1, 1) != MI_NO_FRAME) {
        Count++;
    }
    CHECK_EQUAL(399, Count);
    CHECK_EQUAL(2, MiBootFrames.TakenCount); /* neighbours were merged, over runs too */
    CHECK(!MiIsBootFrame(0));
}

TEST(TakeBootFrames_reaches_the_last_frame_below_4_GB)
{
    static const LOADER_MEMORY_RUN Runs[] = {{0x80000, 0x100000, LoaderFree, 0}};

    MiInitializeBootFrames(PFN_RUNS(Runs));
    CHECK_EQUAL(0xFFFFF, MiTakeBootFrames(1, 1));
    CHECK_EQUAL(0xC0000, MiTakeBootFrames(0x3FFFF, 0x400));
}
