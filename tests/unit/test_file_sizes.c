/* SPDX-License-Identifier: MIT */
/*
 * test_file_sizes.c - cached files become longer and shorter.
 */
#include "mm/pool/pool_inject.h"
#include "nt/bugcodes.h"
#include "tests/unit/cc_world.h"

#define MB 0x100000u

TEST(A_longer_file_gets_a_longer_section)
{
    CC_WORLD_FILE *File;
    UCHAR Byte = 1;

    CcWorldStart();
    File = CcWorldOpen(0, 10);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, CcWorldFill(File, 8, 3, 0x11));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldSetSize(File, 3 * MB));
    CHECK_EQUAL(3 * MB, File->Section);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 3 * MB - 4, 4, 0x11));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, 2 * MB, 1, &Byte));
    CHECK_EQUAL(0, Byte);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, 9, 1, &Byte));
    CHECK_EQUAL(CcWorldByte(9), Byte);
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, 3 * MB - 4, 4, 0x11));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_section_is_as_long_as_the_file_whatever_is_allocated)
{
    CC_FILE_SIZES Sizes = {.FileSize.QuadPart = 2 * MB,
                           .ValidDataLength.QuadPart = CC_NO_VALID_DATA_LENGTH};
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, 10);
    CHECK_EQUAL(STATUS_SUCCESS, CcSetFileSizesEx(File->Object[0], &Sizes));
    CHECK_EQUAL(2 * MB, File->Section);
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_section_that_cannot_grow_leaves_the_sizes)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, 10);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 8, 2, 0x11));
    MiFailPoolAllocation(1); /* the slot in use moves to a leaf */
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, CcWorldSetSize(File, 3 * MB));
    CcWorldFail[CcWorldExtend] = (CC_WORLD_FAILURE){1, 1};
    CHECK_EQUAL(STATUS_DISK_FULL, CcWorldSetSize(File, 3 * MB));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, CcWorldFill(File, 8, 3, 0x11));
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_shorter_file_forgets_its_end)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, MB, 0x11));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldSetSize(File, PAGE_SIZE + 1));
    CHECK_EQUAL(2, CcTotalDirtyPages);
    CHECK_EQUAL(2, CcWorldPagesInMemory(File));
    File->UserView = TRUE;
    CHECK_EQUAL(STATUS_USER_MAPPED_FILE, CcWorldSetSize(File, 1));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, CcWorldFill(File, 1, 1, 0x11));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CcWorldClose(File, 0);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldSetSize(File, MB)); /* not cached: nothing */
    CcWorldFinish();
}

TEST(The_documented_call_sets_sizes_and_keeps_silent_about_a_users_view)
{
    CC_FILE_SIZES Sizes = {.AllocationSize.QuadPart = 3 * MB,
                           .FileSize.QuadPart = 3 * MB,
                           .ValidDataLength.QuadPart = CC_NO_VALID_DATA_LENGTH};
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    File->Bytes = 3 * MB;
    CcSetFileSizes(File->Object[0], &Sizes);
    CHECK_EQUAL(3 * MB, File->Section);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 3 * MB, 0x11));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, CcWorldFill(File, 3 * MB, 1, 0x11));
    File->UserView = TRUE;
    Sizes.FileSize.QuadPart = 10;
    CcSetFileSizes(File->Object[0], &Sizes);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, CcWorldFill(File, 10, 1, 0x11));
    File->UserView = FALSE;
    Sizes.FileSize.QuadPart = 8;
    CcSetFileSizes(File->Object[0], &Sizes); /* and now its end is forgotten */
    CHECK_EQUAL(1, CcTotalDirtyPages);
    CHECK_EQUAL(1, CcWorldPagesInMemory(File));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CcWorldClose(File, 0);
    CcSetFileSizes(File->Object[0], &Sizes); /* not cached: nothing */
    CcWorldFinish();
}

static void RaiseSizes(PVOID Context)
{
    CC_FILE_SIZES Sizes = {.FileSize.QuadPart = 3 * MB,
                           .ValidDataLength.QuadPart = CC_NO_VALID_DATA_LENGTH};
    CC_WORLD_FILE *File = Context;

    CcSetFileSizes(File->Object[0], &Sizes);
}

TEST(The_documented_call_raises_what_the_section_says)
{
    CcWorldStart();
    CcWorldFail[CcWorldExtend] = (CC_WORLD_FAILURE){1, 1};
    HostExpectBugCheck(KMODE_EXCEPTION_NOT_HANDLED, RaiseSizes, CcWorldOpen(0, 10));
    HostMachineDelete();
}
