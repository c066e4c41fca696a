/* SPDX-License-Identifier: MIT */
/*
 * test_rename.c - other names and places.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

TEST(FatRename_in_one_sector_is_one_write)
{
    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A", 1000, 1);
    HostDiskStartLog(&FatDisk);
    CHECK_EQUAL(STATUS_SUCCESS, FatRename(FatVolume, "/A", "/a longer name"));
    CHECK_EQUAL(1, FatDisk.Logged);
    CHECK(FatWorldHolds("/a longer name", 1000, 1));
    CHECK_EQUAL(STATUS_SUCCESS, FatRename(FatVolume, "/a longer name", "/A LONGER name"));
    CHECK(FatWorldHolds("/a longer name", 1000, 1));
    FatWorldFinish();
}

TEST(FatRename_moves_directories_and_what_is_in_them)
{
    FAT_FILE Directory;
    PUCHAR Data;
    FAT_LOCATION Location;

    FatWorldStart(&FatWorldFat32, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/ONE")); /* 3 */
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/TWO")); /* 4 */
    FatWorldPut("/TWO/FILE", 1000, 1);
    CHECK_EQUAL(STATUS_SUCCESS, FatRename(FatVolume, "/TWO", "/ONE/inner"));
    CHECK(FatWorldHolds("/ONE/inner/FILE", 1000, 1));
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/ONE/inner", &Directory));
    CHECK_EQUAL(STATUS_SUCCESS, FatReadEntry(&Directory, 1, &Location, &Data));
    CHECK_EQUAL(3, FatGet16(Data + 26)); /* .. */
    CHECK_EQUAL(STATUS_ACCESS_DENIED, FatRename(FatVolume, "/ONE", "/ONE/inner/x"));
    CHECK_EQUAL(STATUS_SUCCESS, FatRename(FatVolume, "/ONE/inner", "/TWO"));
    CHECK(FatWorldHolds("/TWO/FILE", 1000, 1));
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/TWO", &Directory));
    CHECK_EQUAL(STATUS_SUCCESS, FatReadEntry(&Directory, 1, &Location, &Data));
    CHECK_EQUAL(0, FatGet16(Data + 26));
    FatWorldFinish();
}

TEST(FatRename_leaves_nothing_behind)
{
    FAT_CENSUS Census;
    FAT_FIGURES Before;
    FAT_FIGURES After;
    FAT_FILE Root;
    FAT_ENTRY Entry;
    ULONG Position = 0;

    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR"));
    FatWorldPut("/A", 1000, 1);
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(FatVolume, &Before));
    CHECK_EQUAL(STATUS_SUCCESS, FatRename(FatVolume, "/A", "/DIR/B"));
    FatAbandon(FatVolume); /* count again */
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(FatVolume, &After));
    CHECK_EQUAL(Before.FreeClusters, After.FreeClusters);
    CHECK_EQUAL(STATUS_SUCCESS, FatTakeCensus(FatVolume, TRUE, &Census));
    CHECK_EQUAL(FALSE, Census.Shared);
    FatForgetCensus(&Census);
    FatOpenRoot(FatVolume, &Root);
    CHECK_EQUAL(STATUS_SUCCESS, FatEnumerate(&Root, &Position, &Entry));
    CHECK_EQUAL(STATUS_NO_MORE_FILES, FatEnumerate(&Root, &Position, &Entry));
    FatWorldFinish();
}

TEST(FatRename_to_another_sector_needs_a_free_entry_in_the_root)
{
    char Name[] = "/R000";
    ULONG Index;

    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR"));
    for (Index = 0; Index < 127; Index++) {
        Name[2] = (char)('0' + Index / 100);
        Name[3] = (char)('0' + Index / 10 % 10);
        Name[4] = (char)('0' + Index % 10);
        FatWorldPut(Name, 0, 0);
    }
    CHECK_EQUAL(STATUS_DISK_FULL, FatRename(FatVolume, "/R126", "/DIR/MOVED"));
    CHECK(FatWorldHolds("/R126", 0, 0));
    CHECK_EQUAL(STATUS_SUCCESS, FatDelete(FatVolume, "/R005"));
    CHECK_EQUAL(STATUS_SUCCESS, FatRename(FatVolume, "/R126", "/DIR/MOVED"));
    CHECK(FatWorldHolds("/DIR/MOVED", 0, 0));
    FatWorldFinish();
}

/* A directory with 144 entries, each cluster's entry of the FAT in another block of the cache. */
static void StartScattered(void)
{
    char Name[] = "/DIR/F000";
    ULONG Cluster = 3; /* of /DIR */
    ULONG Index;

    FatWorldStart(&FatWorldFat32, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR"));
    for (Index = 1; Index < 10; Index++) {
        FatWorldBreakEntry(Index * 4096 + 100, FAT_END | 7);
        FatWorldBreakEntry(Cluster, Index * 4096 + 100);
        Cluster = Index * 4096 + 100;
    }
    for (Index = 0; Index < 144; Index++) {
        Name[6] = (char)('0' + Index / 100);
        Name[7] = (char)('0' + Index / 10 % 10);
        Name[8] = (char)('0' + Index % 10);
        FatWorldPut(Name, 0, 0);
    }
}

/* => What was written at any moment of the rename leaves one of the names. */
static void ExpectOneName(const char *Old, const char *New)
{
    ULONG Sectors;
    BOOLEAN Renamed = FALSE;

    for (Sectors = 0; !Renamed; Sectors++) {
        StartScattered();
        FatWorldPut(Old, 1000, 1);
        FatDisk.PowerLeft = Sectors;
        CHECK_EQUAL(STATUS_SUCCESS, FatRename(FatVolume, Old, New));
        FatDisk.PowerLeft = HOST_DISK_ALWAYS;
        FatWorldRemount();
        Renamed = FatWorldHolds(New, 1000, 1);
        CHECK(Renamed != FatWorldHolds(Old, 1000, 1));
        FatWorldFinish();
    }
    CHECK(Sectors > 1);
}

TEST(FatRename_shows_one_name_at_a_time_however_scattered_the_directory_is)
{
    ExpectOneName("/DIR/OLD", "/DIR/NEW"); /* in one sector */
    ExpectOneName("/OLD", "/DIR/NEW");
}
