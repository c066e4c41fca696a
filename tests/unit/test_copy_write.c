/* SPDX-License-Identifier: MIT */
/*
 * test_copy_write.c - what is written is what is read, and reaches the disk; no page is read that
 * need not be.
 */
#include "tests/unit/cc_world.h"

#include <string.h>

#define MB 0x100000u

static UCHAR Buffer[2 * VACB_MAPPING_GRANULARITY];

TEST(A_write_reads_only_the_pages_that_it_covers_in_part)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 100, 4 * PAGE_SIZE, 0x22));
    CHECK_EQUAL(2, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(5, CcTotalDirtyPages);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, 0, 6 * PAGE_SIZE, Buffer));
    CHECK_EQUAL(CcWorldByte(99), Buffer[99]);
    CHECK_EQUAL(0x22, Buffer[100]);
    CHECK_EQUAL(0x22, Buffer[4 * PAGE_SIZE + 99]);
    CHECK_EQUAL(CcWorldByte(4 * PAGE_SIZE + 100), Buffer[4 * PAGE_SIZE + 100]);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, 100, 4 * PAGE_SIZE, 0x22));
    CHECK_EQUAL(CcWorldByte(99), File->Disk[99]);
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_page_without_memory_to_be_made_is_read_and_written)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CcWorldFail[CcWorldCopy] = (CC_WORLD_FAILURE){1, CC_WORLD_FOREVER};
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 2 * PAGE_SIZE, 0x22));
    CHECK_EQUAL(2, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, 0, 2 * PAGE_SIZE, 0x22));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(Pages_behind_the_valid_data_are_not_read)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    CcWorldFile[0].Valid = PAGE_SIZE;
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, PAGE_SIZE, 10, 0x22));
    CHECK_EQUAL(0, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, PAGE_SIZE - 10, 10, 0x22));
    CHECK_EQUAL(1, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, PAGE_SIZE - 10, 20, 0x22));
    CHECK_EQUAL(0, File->Disk[PAGE_SIZE + 10]);
    CcWorldTrim(File); /* what was written is valid now */
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, PAGE_SIZE + 5, 1, 0x33));
    CHECK_EQUAL(2, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, PAGE_SIZE, 6, Buffer));
    CHECK_EQUAL(0x22, Buffer[4]);
    CHECK_EQUAL(0x33, Buffer[5]);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_buffer_that_ends_too_soon_leaves_the_page_as_it_was)
{
    CC_WORLD_FILE *File;
    ULONG Copied;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                CcTryCopyWrite(File->Object[0], 0, 2 * PAGE_SIZE, TRUE, (PVOID)0x20000, &Copied));
    CHECK_EQUAL(0, Copied);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, 0, 2, Buffer));
    CHECK_EQUAL(CcWorldByte(1), Buffer[1]);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK_EQUAL(CcWorldByte(1), File->Disk[1]);
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_write_that_must_not_wait_reads_no_page)
{
    LARGE_INTEGER Offset = {.QuadPart = 10};
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK(!CcCopyWrite(File->Object[0], &Offset, 10, FALSE, Buffer));
    CHECK_EQUAL(0, CcTotalDirtyPages);
    Offset.QuadPart = PAGE_SIZE;
    CHECK(CcCopyWrite(File->Object[0], &Offset, PAGE_SIZE, FALSE, Buffer));
    CHECK_EQUAL(1, CcTotalDirtyPages);
    CHECK_EQUAL(0, CcWorldCounts[CcWorldRead]);
    CcFastCopyWrite(File->Object[0], 10, 10, Buffer);
    CHECK_EQUAL(2, CcTotalDirtyPages);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(Write_through_waits_for_the_disk_and_hears_of_its_failure)
{
    CC_WORLD_FILE *File;
    ULONG Copied;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    File->Object[0]->Flags |= FO_WRITE_THROUGH;
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 10, 10, 0x22));
    CHECK(CcWorldDiskIs(File, 10, 10, 0x22));
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK_EQUAL(STATUS_CANT_WAIT, CcTryCopyWrite(File->Object[0], 0, 1, FALSE, Buffer, &Copied));
    CcWorldFail[CcWorldFlush] = (CC_WORLD_FAILURE){1, 1};
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, CcWorldFill(File, 10, 10, 0x33));
    CHECK_EQUAL(1, CcTotalDirtyPages);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, 10, 10, 0x33));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(Zeroes_are_written_as_other_data_is)
{
    LARGE_INTEGER Start = {.QuadPart = 100};
    LARGE_INTEGER End = {.QuadPart = VACB_MAPPING_GRANULARITY + 100};
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK(!CcZeroData(File->Object[0], &Start, &End, FALSE));
    CHECK(CcZeroData(File->Object[0], &Start, &End, TRUE));
    CHECK_EQUAL(2, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, 100, VACB_MAPPING_GRANULARITY, 0));
    CHECK_EQUAL(CcWorldByte(99), File->Disk[99]);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, CcTryZeroData(File->Object[0], MB, MB + 1, TRUE));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(Zeroes_that_would_make_too_much_dirty_are_written_at_once)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, 2 * MB);
    CcDirtyPageThreshold = 100;
    CHECK_EQUAL(STATUS_SUCCESS, CcTryZeroData(File->Object[0], 0, 2 * MB, TRUE));
    CHECK(CcTotalDirtyPages <= 100 + MM_CACHE_VIEW_PAGES);
    CHECK(CcDirtyCounters.Written != 0);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, 0, 2 * MB, 0));
    CcWorldClose(File, 0);
    CcWorldFinish();
}
