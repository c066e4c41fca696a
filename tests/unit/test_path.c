/* SPDX-License-Identifier: MIT */
/*
 * test_path.c - paths, and what they lead to.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

static FAT_PATH Path;

TEST(FatWalkPath_leads_to_the_directory_of_the_last_name)
{
    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/ONE"));     /* 2 */
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/ONE/TWO")); /* 3 */
    CHECK_EQUAL(STATUS_SUCCESS, FatWalkPath(FatVolume, "\\one//two/Three", 0, &Path));
    CHECK_EQUAL(3, Path.Directory.FirstCluster);
    CHECK_EQUAL(5, Path.Units);
    CHECK_EQUAL('T', Path.Name[0]);
    CHECK_EQUAL(STATUS_SUCCESS, FatWalkPath(FatVolume, "ONE/", 0, &Path));
    CHECK(Path.Directory.Root);
    CHECK_EQUAL(3, Path.Units);
    FatWorldFinish();
}

TEST(FatWalkPath_of_nothing_is_the_root)
{
    FatWorldStart(&FatWorldFat32, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatWalkPath(FatVolume, "", 0, &Path));
    CHECK_EQUAL(0, Path.Units);
    CHECK_EQUAL(STATUS_SUCCESS, FatWalkPath(FatVolume, "//\\", 0, &Path));
    CHECK_EQUAL(0, Path.Units);
    CHECK(Path.Directory.Root);
    CHECK_EQUAL(2, Path.Directory.FirstCluster);
    FatWorldFinish();
}

TEST(FatWalkPath_refuses_files_on_the_way_and_bad_names)
{
    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/FILE", 1, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR")); /* 3 */
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, FatWalkPath(FatVolume, "/FILE/x", 0, &Path));
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, FatWalkPath(FatVolume, "/none/x", 0, &Path));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, FatWalkPath(FatVolume, "/DIR/a:b", 0, &Path));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, FatWalkPath(FatVolume, "/DIR/../x", 0, &Path));
    CHECK_EQUAL(STATUS_SUCCESS, FatWalkPath(FatVolume, "/DIR/x", 0, &Path));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, FatWalkPath(FatVolume, "/DIR/x", 3, &Path));
    FatWorldFinish();
}
