/* SPDX-License-Identifier: MIT */
/*
 * test_bench_pool.c - the measurements of the pools do what they say, and give everything back.
 */
#include "bench.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/test.h"

#define RUNS      (MI_BENCH_WARM_UP + MI_BENCH_SAMPLES)
#define BENCH_TAG 0x68636E42u /* 'Bnch' */

static const POOL_WORLD World = {400, 0, 0, FALSE, FALSE};
static MI_BENCH_FIGURES Figures;

static void Start(void)
{
    PoolWorldCreate(&World);
    MiCalibrateBench(&Figures);
}

static void Finish(NTSTATUS Status, ULONG Allocations)
{
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    CHECK_EQUAL(MI_BENCH_SAMPLES, Figures.Samples);
    CHECK_EQUAL(Allocations, MiFindPoolTag(BENCH_TAG)->Use[NonPagedPool].Allocs);
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

TEST(Bench_of_a_pool_pair_allocates_each_time)
{
    Start();
    Finish(MiMeasurePoolPair(64, &Figures), RUNS + 1);
}

TEST(Bench_of_a_pool_page_allocates_each_time)
{
    Start();
    Finish(MiMeasurePoolPage(&Figures), RUNS + 1);
}

TEST(Bench_of_a_lookaside_list_asks_the_pool_once)
{
    Start();
    Finish(MiMeasurePoolLookaside(&Figures), 1);
}

TEST(Bench_of_random_blocks_replaces_one_each_time)
{
    Start();
    Finish(MiMeasurePoolRandom(&Figures), 1000 + 20000 + RUNS);
}

TEST(Bench_of_random_blocks_needs_room_for_them)
{
    PoolWorldCreate(&PoolWorldPlain);
    Figures.Samples = 77;
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MiMeasurePoolRandom(&Figures));
    CHECK_EQUAL(77, Figures.Samples);
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

TEST(Bench_of_pool_that_is_used_up_says_so)
{
    static const POOL_WORLD Nothing = {0, 0, 0, FALSE, FALSE};

    PoolWorldCreate(&Nothing);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MiMeasurePoolPair(16, &Figures));
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MiMeasurePoolPage(&Figures));
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MiMeasurePoolLookaside(&Figures));
    HostMachineDelete();
}
