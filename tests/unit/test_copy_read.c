/* SPDX-License-Identifier: MIT */
/*
 * test_copy_read.c - what is read is what the file has, up to its end, and a fault is a status.
 */
#include "nt/bugcodes.h"
#include "tests/unit/cc_world.h"

#define MB 0x100000u

static UCHAR Buffer[2 * VACB_MAPPING_GRANULARITY];

static BOOLEAN IsFile(ULONG Offset, ULONG Bytes)
{
    ULONG i;

    for (i = 0; i < Bytes && Buffer[i] == CcWorldByte(Offset + i); i++) {
        continue;
    }
    return i == Bytes;
}

TEST(A_read_goes_over_the_borders_of_pages_and_views)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS,
                CcWorldReadBytes(File, VACB_MAPPING_GRANULARITY - 5000, 10000, Buffer));
    CHECK(IsFile(VACB_MAPPING_GRANULARITY - 5000, 10000));
    CHECK_EQUAL(4, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(STATUS_SUCCESS,
                CcWorldReadBytes(File, VACB_MAPPING_GRANULARITY - 5000, 10000, Buffer));
    CHECK_EQUAL(4, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_read_ends_at_the_files_end)
{
    LARGE_INTEGER Offset = {.QuadPart = 90};
    CC_WORLD_FILE *File;
    IO_STATUS_BLOCK IoStatus;

    CcWorldStart();
    File = CcWorldOpen(0, 100);
    CHECK(CcCopyRead(File->Object[0], &Offset, 20, TRUE, Buffer, &IoStatus));
    CHECK_EQUAL(STATUS_SUCCESS, IoStatus.Status);
    CHECK_EQUAL(10, IoStatus.Information);
    CHECK(IsFile(90, 10));
    CcFastCopyRead(File->Object[0], 100, 1, 1, Buffer, &IoStatus);
    CHECK_EQUAL(STATUS_END_OF_FILE, IoStatus.Status);
    CHECK_EQUAL(0, IoStatus.Information);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, 100, 0, Buffer));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_read_that_must_not_wait_takes_what_is_in_memory_only)
{
    LARGE_INTEGER Offset = {.QuadPart = 0};
    CC_WORLD_FILE *File;
    IO_STATUS_BLOCK IoStatus;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK(!CcCopyRead(File->Object[0], &Offset, PAGE_SIZE, FALSE, Buffer, &IoStatus));
    CHECK_EQUAL(0, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(1, CcCopyCounters.ReadCannot);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, 0, 1, Buffer));
    CHECK(CcCopyRead(File->Object[0], &Offset, PAGE_SIZE, FALSE, Buffer, &IoStatus));
    CHECK(IsFile(0, PAGE_SIZE));
    CHECK(!CcCopyRead(File->Object[0], &Offset, PAGE_SIZE + 1, FALSE, Buffer, &IoStatus));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_page_that_cannot_be_read_is_a_status_with_what_came_before)
{
    CC_WORLD_FILE *File;
    ULONG Copied;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CcWorldFail[CcWorldRead] = (CC_WORLD_FAILURE){3, 1};
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR,
                CcTryCopyRead(File->Object[0], 100, 5 * PAGE_SIZE, TRUE, Buffer, &Copied));
    CHECK_EQUAL(2 * PAGE_SIZE - 100, Copied);
    CHECK(IsFile(100, Copied));
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, 100, 5 * PAGE_SIZE, Buffer));
    CcWorldFail[CcWorldMap] = (CC_WORLD_FAILURE){1, 1};
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES,
                CcWorldReadBytes(File, VACB_MAPPING_GRANULARITY, 1, Buffer));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_buffer_that_is_not_there_is_a_status)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, CcWorldReadBytes(File, 0, 10, (PVOID)0x20000));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, CcWorldReadBytes(File, 0, 0x100, (PVOID)0x7FFEFFF0));
    CHECK_EQUAL(1, CcCopyCounters.Faults); /* the second was refused before */
    MiVerifyAll();
    CcWorldClose(File, 0);
    CcWorldFinish();
}
