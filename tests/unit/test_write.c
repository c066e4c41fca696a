/* SPDX-License-Identifier: MIT */
/*
 * test_write.c - contents: overwriting, growing, cutting.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

static FAT_FILE File;

static void Create(void)
{
    CHECK_EQUAL(STATUS_SUCCESS, FatCreate(FatVolume, "/A", 0, &File));
}

static void Write(ULONG Offset, ULONG Bytes, UCHAR Value)
{
    memset(FatBuffer, Value, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, FatWrite(&File, Offset, Bytes, FatBuffer));
}

static void Check(ULONG Offset, ULONG Bytes, UCHAR Value)
{
    ULONG Done;

    memset(FatBuffer, 0xEE, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, FatRead(&File, Offset, Bytes, FatBuffer, &Done));
    CHECK_EQUAL(Bytes, Done);
    while (Bytes-- != 0) {
        CHECK_EQUAL(Value, FatBuffer[Bytes]);
    }
}

static void Use(const SEED_FAT *Seed)
{
    FatWorldStart(Seed, 0);
    Create();
    Write(0, 3000, 1);
    Write(100, 50, 2);   /* inside a sector */
    Write(400, 1200, 3); /* whole ones, and parts of two */
    Write(9000, 500, 4); /* behind the end: zeros between */
    CHECK_EQUAL(STATUS_SUCCESS, FatFlush(FatVolume));
    FatWorldRemount();
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/A", &File));
    CHECK_EQUAL(9500, File.Bytes);
    Check(0, 100, 1);
    Check(100, 50, 2);
    Check(150, 250, 1);
    Check(400, 1200, 3);
    Check(1600, 1400, 1);
    Check(3000, 6000, 0);
    Check(9000, 500, 4);
    FatWorldFinish();
}

TEST(FatWrite_writes_any_range_and_fills_gaps_with_zeros)
{
    Use(&FatWorldFat12);
    Use(&FatWorldFat16);
    Use(&FatWorldFat32);
    Use(&FatWorldLarge);
}

TEST(FatSetSize_cuts_and_grows_with_zeros)
{
    FAT_FIGURES Figures;

    FatWorldStart(&FatWorldFat12, 0);
    Create();
    Write(0, 3000, 1);
    CHECK_EQUAL(STATUS_SUCCESS, FatSetSize(&File, 700));
    CHECK_EQUAL(2, File.Clusters);
    CHECK_EQUAL(STATUS_SUCCESS, FatSetSize(&File, 3000));
    Check(0, 700, 1);
    Check(700, 2300, 0); /* not what was there before */
    CHECK_EQUAL(STATUS_SUCCESS, FatSetSize(&File, 0));
    CHECK_EQUAL(0, File.FirstCluster);
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(FatVolume, &Figures));
    CHECK_EQUAL(300, Figures.FreeClusters);
    FatClose(&File);
    FatWorldFinish();
}

TEST(FatReserve_writes_no_data)
{
    ULONG64 Written;

    FatWorldStart(&FatWorldFat16, 0);
    Create();
    Write(0, 100, 1);
    Written = FatDisk.Written;
    CHECK_EQUAL(STATUS_SUCCESS, FatReserve(&File, 3000000));
    CHECK_EQUAL(3000000, File.Bytes);
    CHECK(FatDisk.Written - Written < 100);             /* two FATs, entries */
    CHECK_EQUAL(STATUS_SUCCESS, FatReserve(&File, 10)); /* never shorter */
    CHECK_EQUAL(3000000, File.Bytes);
    Check(0, 100, 1);
    FatClose(&File);
    FatWorldFinish();
}

TEST(FatWrite_ends_at_four_gigabytes_and_where_the_disk_is_full)
{
    FatWorldStart(&FatWorldFat12, 0);
    Create();
    Write(0, 1000, 1);
    CHECK_EQUAL(STATUS_DISK_FULL, FatWrite(&File, 0xFFFFFFFF, 1, FatBuffer));
    CHECK_EQUAL(STATUS_DISK_FULL, FatWrite(&File, 0xFFFFFFFE, 1, FatBuffer)); /* of the disk */
    CHECK_EQUAL(STATUS_DISK_FULL, FatSetSize(&File, 0xFFFFFFFF));
    CHECK_EQUAL(1000, File.Bytes);
    CHECK_EQUAL(FALSE, File.Stale);
    CHECK_EQUAL(STATUS_SUCCESS, FatSetSize(&File, 300 * 512)); /* the last cluster */
    CHECK_EQUAL(STATUS_DISK_FULL, FatWrite(&File, 300 * 512, 1, FatBuffer));
    Check(0, 1000, 1);
    FatClose(&File);
    FatWorldFinish();
}
