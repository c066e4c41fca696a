/* SPDX-License-Identifier: MIT */
/*
 * test_change.c - create, delete, make a directory.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

TEST(FatDelete_gives_back_the_clusters_of_files_and_directories)
{
    FAT_FIGURES Figures;
    FAT_FILE File;

    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR"));
    FatWorldPut("/DIR/a file with a long name", 3000, 1);
    CHECK_EQUAL(STATUS_DIRECTORY_NOT_EMPTY, FatDelete(FatVolume, "/DIR"));
    CHECK_EQUAL(STATUS_SUCCESS, FatDelete(FatVolume, "/DIR/a file with a long name"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, FatOpen(FatVolume, "/DIR/AFILEW~1", &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatDelete(FatVolume, "/DIR"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, FatDelete(FatVolume, "/DIR"));
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(FatVolume, &Figures));
    CHECK_EQUAL(300, Figures.FreeClusters);
    FatWorldFinish();
}

TEST(FatCreateDirectory_has_dots_that_point_to_itself_and_up)
{
    const UCHAR *Data;

    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/A"));   /* 2 */
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/A/B")); /* 3 */
    Data = FatDisk.Image + FatVolume->DataSector * 512;
    CHECK(memcmp(Data, ".          \x10", 12) == 0);
    CHECK_EQUAL(2, FatGet16(Data + 26));
    CHECK(memcmp(Data + 32, "..         \x10", 12) == 0);
    CHECK_EQUAL(0, FatGet16(Data + 32 + 26)); /* the root */
    CHECK_EQUAL(3, FatGet16(Data + 512 + 26));
    CHECK_EQUAL(2, FatGet16(Data + 512 + 32 + 26));
    FatWorldFinish();
}

TEST(FatCreate_keeps_attributes_but_those_that_make_something_else_of_it)
{
    FAT_FILE File;

    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS,
                FatCreate(FatVolume, "/A", FAT_ATTRIBUTE_HIDDEN | FAT_ATTRIBUTE_DIRECTORY, &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/A", &File));
    CHECK_EQUAL(FAT_ATTRIBUTE_HIDDEN, File.Attributes);
    CHECK_EQUAL(0, File.Bytes);
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, FatCreate(FatVolume, "/", 0, &File));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, FatCreateDirectory(FatVolume, "/a"));
    FatWorldFinish();
}

TEST(FatDeleteGranted_deletes_what_has_become_read_only_since)
{
    FAT_TIMES Times;
    FAT_FILE File;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/file", 3000, 1);
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/file", &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryTimes(&File, &Times));
    CHECK_EQUAL(STATUS_SUCCESS, FatSetTimes(&File, &Times, FAT_ATTRIBUTE_READ_ONLY));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, FatDelete(FatVolume, "/file"));
    CHECK_EQUAL(STATUS_SUCCESS, FatDeleteGranted(FatVolume, "/file"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, FatOpen(FatVolume, "/file", &File));
    FatWorldFinish();
}

TEST(FatUnlinkGranted_keeps_the_clusters_until_they_are_freed)
{
    FAT_FIGURES Figures;
    FAT_FILE File;
    ULONG First = 0;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/file", 3000, 1);
    CHECK_EQUAL(STATUS_SUCCESS, FatUnlinkGranted(FatVolume, "/file", &First));
    CHECK(First != 0);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, FatOpen(FatVolume, "/file", &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(FatVolume, &Figures));
    CHECK(Figures.FreeClusters < 300);
    CHECK_EQUAL(STATUS_SUCCESS, FatFreeLost(FatVolume, First));
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(FatVolume, &Figures));
    CHECK_EQUAL(300, Figures.FreeClusters);
    FatWorldFinish();
}

TEST(FatTouch_sets_the_archive_attribute_of_the_file_too)
{
    FAT_TIMES Times;
    FAT_FILE File;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/file", 30, 1);
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/file", &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryTimes(&File, &Times));
    CHECK_EQUAL(STATUS_SUCCESS, FatSetTimes(&File, &Times, 0));
    CHECK_EQUAL(0, File.Attributes);
    CHECK_EQUAL(STATUS_SUCCESS, FatTouch(&File));
    CHECK_EQUAL(FAT_ATTRIBUTE_ARCHIVE, File.Attributes);
    FatClose(&File);
    FatWorldFinish();
}
