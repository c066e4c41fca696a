/* SPDX-License-Identifier: MIT */
/*
 * test_allocate.c - taking clusters and giving them back.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

static ULONG Next(ULONG Cluster)
{
    ULONG Value;

    CHECK_EQUAL(STATUS_SUCCESS, FatGetEntry(FatVolume, Cluster, &Value));
    return Value;
}

static ULONG Take(ULONG Count, ULONG After)
{
    ULONG First = 0;

    CHECK_EQUAL(STATUS_SUCCESS, FatAllocateChain(FatVolume, Count, After, &First));
    CHECK_EQUAL(STATUS_SUCCESS, FatCommit(FatVolume));
    return First;
}

TEST(FatAllocateChain_takes_one_run_where_there_is_one)
{
    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatBeginChange(FatVolume));
    CHECK_EQUAL(2, Take(3, 0));
    CHECK_EQUAL(3, Next(2));
    CHECK_EQUAL(4, Next(3));
    CHECK(Next(4) >= FAT_END);
    CHECK_EQUAL(10, Take(2, 9)); /* right behind cluster 9 */
    CHECK_EQUAL(5, Take(4, 2));  /* the next that is free: 5 to 9 are */
    CHECK_EQUAL(12, Take(2, 4)); /* 9 is too short */
    FatWorldFinish();
}

TEST(FatAllocateChain_joins_runs_when_none_is_long_enough)
{
    ULONG Cluster;

    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatBeginChange(FatVolume));
    Take(300, 0);
    for (Cluster = 10; Cluster < 30; Cluster += 2) { /* ten holes of one */
        CHECK_EQUAL(STATUS_SUCCESS, FatPermitEntries(FatVolume, Cluster, 1));
        CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, Cluster, FAT_FREE));
    }
    CHECK_EQUAL(STATUS_SUCCESS, FatCommit(FatVolume));
    CHECK_EQUAL(STATUS_SUCCESS, FatLoadBitmap(FatVolume));
    CHECK_EQUAL(10, FatVolume->FreeClusters);
    Cluster = Take(10, 0);
    CHECK_EQUAL(10, Cluster);
    for (; Cluster < 28; Cluster += 2) {
        CHECK_EQUAL(Cluster + 2, Next(Cluster));
    }
    CHECK(Next(28) >= FAT_END);
    CHECK_EQUAL(STATUS_DISK_FULL, FatAllocateChain(FatVolume, 1, 0, &Cluster));
    FatWorldFinish();
}

TEST(FatFreeChain_gives_back_each_cluster)
{
    ULONG First;

    FatWorldStart(&FatWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatBeginChange(FatVolume));
    First = Take(1000, 0);
    CHECK_EQUAL(4200 - 1000, FatVolume->FreeClusters);
    CHECK_EQUAL(STATUS_SUCCESS, FatFreeChain(FatVolume, First));
    CHECK_EQUAL(STATUS_SUCCESS, FatCommit(FatVolume));
    CHECK_EQUAL(4200, FatVolume->FreeClusters);
    CHECK_EQUAL(FAT_FREE, Next(First));
    CHECK_EQUAL(FAT_FREE, Next(First + 999));
    FatWorldFinish();
}

TEST(FatFreeChain_stops_where_the_chain_is_broken)
{
    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatBeginChange(FatVolume));
    Take(4, 0);
    FatWorldBreakEntry(3, FAT_BAD);
    CHECK_EQUAL(STATUS_SUCCESS, FatLoadBitmap(FatVolume));
    CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, FatFreeChain(FatVolume, 2));
    FatWorldFinish();
}

TEST(Fat12_clusters_whose_entry_lies_in_two_sectors_are_not_taken)
{
    static const SEED_FAT Seed = {512, 1, 800};
    ULONG Cluster;
    ULONG Taken;

    FatWorldStart(&Seed, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatBeginChange(FatVolume));
    CHECK_EQUAL(798, FatVolume->FreeClusters);
    Cluster = Take(798, 0);
    for (Taken = 0; FatIsCluster(FatVolume, Cluster); Taken++) {
        CHECK(Cluster != 341 && Cluster != 682); /* bytes 511 and 1023 */
        Cluster = Next(Cluster);
    }
    CHECK_EQUAL(798, Taken);
    FatWorldFinish();
}
