/* SPDX-License-Identifier: MIT */
/*
 * test_chain.c - following chains, and the runs that they make.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

static FAT_FILE File;

/* /A with clusters 2, 3, 6, 7, 4 and an end mark. */
static void Start(void)
{
    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A", 2560, 0);
    FatWorldBreakEntry(3, 6);
    FatWorldBreakEntry(6, 7);
    FatWorldBreakEntry(7, 4);
    FatWorldBreakEntry(4, FAT_END);
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/A", &File));
}

TEST(FatCountChain_counts_to_the_end_mark)
{
    ULONG Count;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, FatCountChain(FatVolume, 2, &Count));
    CHECK_EQUAL(5, Count);
    CHECK_EQUAL(STATUS_SUCCESS, FatCountChain(FatVolume, 7, &Count));
    CHECK_EQUAL(2, Count);
    CHECK_EQUAL(STATUS_SUCCESS, FatCountChain(FatVolume, 0, &Count));
    CHECK_EQUAL(0, Count);
    FatWorldBreakEntry(4, 2); /* round and round */
    CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, FatCountChain(FatVolume, 2, &Count));
    FatWorldFinish();
}

TEST(FatFindCluster_goes_forward_and_begins_again)
{
    static const ULONG Order[] = {2, 3, 6, 7, 4};
    ULONG Cluster;
    ULONG Index;

    Start();
    for (Index = 0; Index < 5; Index++) {
        CHECK_EQUAL(STATUS_SUCCESS, FatFindCluster(&File, Index, &Cluster));
        CHECK_EQUAL(Order[Index], Cluster);
    }
    for (Index = 5; Index-- != 0;) {
        CHECK_EQUAL(STATUS_SUCCESS, FatFindCluster(&File, Index, &Cluster));
        CHECK_EQUAL(Order[Index], Cluster);
    }
    CHECK_EQUAL(STATUS_END_OF_FILE, FatFindCluster(&File, 5, &Cluster));
    FatWorldFinish();
}

TEST(FatFindCluster_goes_on_in_the_clusters_that_will_be_attached)
{
    ULONG Cluster;

    Start();
    File.Pending = 7;
    CHECK_EQUAL(STATUS_SUCCESS, FatFindCluster(&File, 5, &Cluster));
    CHECK_EQUAL(7, Cluster);
    CHECK_EQUAL(STATUS_SUCCESS, FatFindCluster(&File, 6, &Cluster));
    CHECK_EQUAL(4, Cluster);
    File.Pending = 0;
    FatWorldFinish();
}

TEST(FatResolveRuns_follows_a_chain_that_jumps)
{
    FAT_RUN Runs[3];
    ULONG Count;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, FatResolveRuns(&File, Runs, 3, &Count));
    CHECK_EQUAL(3, Count);
    CHECK_EQUAL(FatVolume->DataSector, Runs[0].Sector);
    CHECK_EQUAL(2, Runs[0].Sectors);
    CHECK_EQUAL(FatVolume->DataSector + 4, Runs[1].Sector);
    CHECK_EQUAL(2, Runs[1].Sectors);
    CHECK_EQUAL(FatVolume->DataSector + 2, Runs[2].Sector);
    CHECK_EQUAL(1, Runs[2].Sectors);
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/", &File));
    CHECK_EQUAL(STATUS_FILE_IS_A_DIRECTORY, FatResolveRuns(&File, Runs, 3, &Count));
    FatWorldFinish();
}
