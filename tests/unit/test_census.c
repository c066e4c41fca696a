/* SPDX-License-Identifier: MIT */
/*
 * test_census.c - who shares clusters with whom.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

static FAT_CENSUS Census;

static BOOLEAN Shares(void)
{
    BOOLEAN Shared;

    CHECK_EQUAL(STATUS_SUCCESS, FatTakeCensus(FatVolume, TRUE, &Census));
    Shared = Census.Shared;
    FatForgetCensus(&Census);
    return Shared;
}

/* /A in 2 and 3, /B in 4 and 5, /DIR in 6, /DIR/C in 7. */
static void Start(void)
{
    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A", 1024, 1);
    FatWorldPut("/B", 1024, 2);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR"));
    FatWorldPut("/DIR/C", 100, 3);
}

/* Let an entry begin elsewhere.  => Index is that of a name that is short. */
static void Point(ULONG Directory, ULONG Index, ULONG Cluster)
{
    PUCHAR Data;

    CHECK_EQUAL(STATUS_SUCCESS, FatChangeEntry(FatVolume, Directory, Index, &Data));
    FatPut16(Data + 26, Cluster);
    CHECK_EQUAL(STATUS_SUCCESS, FatCommit(FatVolume));
    FatAbandon(FatVolume);
}

TEST(FatTakeCensus_tells_what_each_cluster_is)
{
    ULONG Bit;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, FatTakeCensus(FatVolume, TRUE, &Census));
    CHECK_EQUAL(FALSE, Census.Shared);
    for (Bit = 0; Bit < 300; Bit++) {
        CHECK_EQUAL(Bit < 6, RtlTestBit(&Census.Used, Bit));
        CHECK_EQUAL(Bit == 1 || Bit == 3, RtlTestBit(&Census.Successors, Bit));
        CHECK_EQUAL(Bit == 0 || Bit == 2 || Bit == 4 || Bit == 5, RtlTestBit(&Census.Firsts, Bit));
        CHECK_EQUAL(Bit == 4, RtlTestBit(&Census.Directories, Bit));
    }
    FatForgetCensus(&Census);
    FatWorldFinish();
}

TEST(FatTakeCensus_finds_each_way_to_share_a_cluster)
{
    Start();
    CHECK_EQUAL(FALSE, Shares());
    FatWorldBreakEntry(4, 3); /* two predecessors */
    CHECK_EQUAL(TRUE, Shares());
    FatWorldBreakEntry(4, 5);
    CHECK_EQUAL(FALSE, Shares());
    Point(0, 1, 2); /* /B begins where /A does */
    CHECK_EQUAL(TRUE, Shares());
    Point(0, 1, 3); /* and in the middle of it */
    CHECK_EQUAL(TRUE, Shares());
    Point(0, 1, 4);
    CHECK_EQUAL(FALSE, Shares());
    Point(6, 2, 4); /* the one in the directory */
    CHECK_EQUAL(TRUE, Shares());
    Point(6, 2, 7);
    CHECK_EQUAL(FALSE, Shares());
    FatWorldBreakEntry(6, 6); /* a directory that goes round */
    CHECK_EQUAL(TRUE, Shares());
    FatWorldFinish();
}

TEST(Fat_file_that_shares_its_clusters_with_another_is_not_freed)
{
    FAT_FIGURES Figures;
    FAT_FILE File;

    Start();
    Point(0, 1, 2);
    FatWorldRemount();
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, FatDelete(FatVolume, "/B"));
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/A", &File));
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, FatSetSize(&File, 0));
    FatClose(&File);
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(FatVolume, &Figures));
    CHECK_EQUAL(TRUE, Figures.CrossLinked);
    CHECK(FatWorldHolds("/A", 1024, 1));
    FatWorldFinish();
}

TEST(FatTakeCensus_visits_the_root_of_fat32_and_directories_in_directories)
{
    FatWorldStart(&FatWorldFat32, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/ONE"));     /* 3 */
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/ONE/TWO")); /* 4 */
    FatWorldPut("/ONE/TWO/FILE", 512, 1);                                   /* 5 */
    CHECK_EQUAL(FALSE, Shares());
    Point(4, 2, 2); /* the root's own cluster */
    CHECK_EQUAL(TRUE, Shares());
    FatWorldFinish();
}
