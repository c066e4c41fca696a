/* SPDX-License-Identifier: MIT */
/*
 * test_pfn_memory_events.c - each condition changes with the page that crosses its threshold.
 */
#include "tests/unit/pfn_machine.h"

static ULONG Calls;
static MI_MEMORY_CONDITION LastCondition;
static BOOLEAN LastHolds;

static void Remember(MI_MEMORY_CONDITION Condition, BOOLEAN Holds)
{
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    if (Condition > MiHighMemory) {
        return; /* has tests of its own */
    }
    Calls++;
    LastCondition = Condition;
    LastHolds = Holds;
}

static void Start(void)
{
    PfnStart(101); /* 100 pages */
    MiSetMemoryThresholds(20, 60);
    Calls = 0;
    MiSetMemoryCallback(Remember);
}

/* Allocate until Pages are available. */
static void Shrink(ULONG Pages)
{
    while (MiAvailablePages > Pages) {
        PfnTake();
    }
}

TEST(MemoryCondition_callback_is_told_what_holds_already)
{
    Start();
    CHECK_EQUAL(2, Calls);
    CHECK_EQUAL(MiHighMemory, LastCondition);
    CHECK(LastHolds);
    PfnFinish();
}

TEST(MemoryConditions_change_exactly_at_their_thresholds)
{
    PFN_NUMBER Frame;

    Start();
    Shrink(60);
    CHECK_EQUAL(2, Calls);
    PfnTake(); /* 59 */
    CHECK_EQUAL(3, Calls);
    CHECK_EQUAL(MiHighMemory, LastCondition);
    CHECK(!LastHolds);
    Shrink(20);
    CHECK_EQUAL(3, Calls);
    CHECK(!MiMemoryConditionHolds(MiLowMemory));
    PfnTake(); /* 19 */
    CHECK_EQUAL(4, Calls);
    CHECK(MiMemoryConditionHolds(MiLowMemory));
    Shrink(MI_PAGES_AVAILABLE);
    CHECK_EQUAL(4, Calls);
    Frame = PfnTake();
    CHECK_EQUAL(5, Calls);
    CHECK_EQUAL(MiPagesAvailable, LastCondition);
    CHECK(!LastHolds);
    MiFreeFrame(Frame);
    CHECK_EQUAL(6, Calls);
    CHECK(MiMemoryConditionHolds(MiPagesAvailable));
    CHECK_EQUAL(2, MiMemoryWatch.Changes[MiPagesAvailable] - 1);
    PfnFinish();
}

TEST(MemoryConditions_count_standby_pages_as_available)
{
    PFN_NUMBER Frame;

    Start();
    Shrink(60);
    Frame = PfnTake();
    PfnSetPte(Frame, MI_PTE_FRAME_NONE);
    CHECK(!MiMemoryConditionHolds(MiHighMemory));
    PfnUnshare(Frame);
    CHECK(MiMemoryConditionHolds(MiHighMemory));
    PfnShare(Frame);
    CHECK(!MiMemoryConditionHolds(MiHighMemory));
    PfnFinish();
}

TEST(MemoryThresholds_default_to_a_128th_and_three_times_that)
{
    static const LOADER_MEMORY_RUN Small[] = {{1, 0x10000, LoaderFree, 0}};
    static const LOADER_MEMORY_RUN Large[] = {{1, 0xFFFFF, LoaderFree, 0}};

    PfnPowerOn(16, PFN_RUNS(Small)); /* 256 MB */
    PfnBuildDatabase();
    CHECK_EQUAL(512, MiMemoryWatch.Threshold[MiLowMemory]);
    CHECK_EQUAL(1536, MiMemoryWatch.Threshold[MiHighMemory]);
    PfnPowerOn(16, PFN_RUNS(Large)); /* 32 MB of 4 GB, less a page */
    PfnBuildDatabase();
    CHECK_EQUAL(0x1FFF, MiMemoryWatch.Threshold[MiLowMemory]);
    PfnFinish();
}

TEST(MemoryThresholds_out_of_order_are_put_in_order)
{
    Start();
    MiSetMemoryThresholds(1, 0);
    CHECK_EQUAL(MI_LEAST_LOW_PAGES, MiMemoryWatch.Threshold[MiLowMemory]);
    MiSetMemoryThresholds(50, 40);
    CHECK_EQUAL(50, MiMemoryWatch.Threshold[MiHighMemory]);
    MiVerifyPageLists();
    MiSetMemoryThresholds(200, 300);
    CHECK(MiMemoryConditionHolds(MiLowMemory));
    CHECK(!MiMemoryConditionHolds(MiHighMemory));
    PfnFinish();
}

TEST(MemoryThresholds_of_pressure_are_a_64th_within_bounds_and_three_times_that)
{
    CHECK_EQUAL(24, MiPressurePages(100));
    CHECK_EQUAL(256, MiPressurePages(16384)); /* 64 MB */
    CHECK_EQUAL(768, MiAmplePages(16384));
    CHECK_EQUAL(2048, MiPressurePages(0xFFFFF)); /* 4 GB */
}

TEST(MemoryPressure_holds_below_its_threshold_and_ample_from_its_own_on)
{
    PFN_NUMBER Frame;

    Start(); /* 100 pages: 24 and 72 */
    Shrink(72);
    CHECK(MiMemoryConditionHolds(MiMemoryAmple));
    CHECK(!MiGlanceAtMemory(MiMemoryPressure));
    Frame = PfnTake();
    CHECK(!MiMemoryConditionHolds(MiMemoryAmple));
    MiFreeFrame(Frame);
    CHECK(MiGlanceAtMemory(MiMemoryAmple));
    Shrink(24);
    CHECK(!MiMemoryConditionHolds(MiMemoryPressure));
    Frame = PfnTake();
    CHECK(MiMemoryConditionHolds(MiMemoryPressure));
    CHECK_EQUAL(1, MiMemoryWatch.Changes[MiMemoryPressure]);
    MiVerifyPageLists();
    MiFreeFrame(Frame);
    CHECK(!MiGlanceAtMemory(MiMemoryPressure));
    PfnFinish();
}
