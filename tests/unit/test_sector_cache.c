/* SPDX-License-Identifier: MIT */
/*
 * test_sector_cache.c - FAT and directory sectors in memory.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

static PUCHAR Read(ULONG64 Sector)
{
    PUCHAR Data = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, FatReadSector(FatVolume, Sector, &Data));
    return Data;
}

static void Change(ULONG64 Sector, UCHAR Value)
{
    CHECK_EQUAL(STATUS_SUCCESS, DiskPermitWrites(&FatDisk.Device, Sector, 1));
    Read(Sector)[0] = Value;
    FatMarkSector(FatVolume, Sector);
}

TEST(FatReadSector_reads_a_block_once)
{
    const ULONG First = 5 * FAT_BLOCK_SECTORS;
    ULONG64 Requests;

    FatWorldStart(&FatWorldFat16, 0);
    Read(First);
    Requests = FatDisk.Device.RequestCounts[DiskRead];
    Read(First + FAT_BLOCK_SECTORS - 1);
    Read(First);
    CHECK_EQUAL(Requests, FatDisk.Device.RequestCounts[DiskRead]);
    Read(First + FAT_BLOCK_SECTORS);
    CHECK_EQUAL(Requests + 1, FatDisk.Device.RequestCounts[DiskRead]);
    FatWorldFinish();
}

TEST(FatWriteBack_writes_runs_of_changed_sectors_and_nothing_else)
{
    FatWorldStart(&FatWorldFat16, 0);
    Change(80, 1);
    Change(81, 2);
    Change(84, 3);
    CHECK_EQUAL(0, FatDisk.Logged);
    CHECK_EQUAL(STATUS_SUCCESS, FatWriteBack(FatVolume));
    CHECK_EQUAL(2, FatDisk.Logged);
    CHECK_EQUAL(3, FatDisk.Written);
    CHECK_EQUAL(1, FatDisk.Image[80 * 512]);
    CHECK_EQUAL(3, FatDisk.Image[84 * 512]);
    CHECK_EQUAL(STATUS_SUCCESS, FatWriteBack(FatVolume));
    CHECK_EQUAL(2, FatDisk.Logged);
    FatWorldFinish();
}

TEST(FatReadSector_writes_a_changed_block_before_it_takes_its_memory)
{
    ULONG Block;

    FatWorldStart(&FatWorldFat16, 0);
    Change(80, 9);
    for (Block = 0; Block < FAT_BLOCKS; Block++) {
        Read((20 + Block) * FAT_BLOCK_SECTORS);
    }
    CHECK_EQUAL(9, FatDisk.Image[80 * 512]);
    CHECK_EQUAL(9, Read(80)[0]);
    FatWorldFinish();
}

TEST(FatWriteThrough_changes_disk_and_memory)
{
    FatWorldStart(&FatWorldFat16, 0);
    Change(81, 1);
    memset(FatBuffer, 7, 1536);
    CHECK_EQUAL(STATUS_SUCCESS, DiskPermitWrites(&FatDisk.Device, 80, 3));
    CHECK_EQUAL(STATUS_SUCCESS, FatWriteThrough(FatVolume, 80, 3, FatBuffer));
    CHECK_EQUAL(7, Read(81)[0]);
    CHECK_EQUAL(7, FatDisk.Image[82 * 512 + 511]);
    CHECK_EQUAL(STATUS_SUCCESS, FatWriteBack(FatVolume)); /* the older change is gone */
    CHECK_EQUAL(1, FatDisk.Logged);
    FatWorldFinish();
}

TEST(FatForgetSectors_reads_from_the_disk_again)
{
    FatWorldStart(&FatWorldFat16, 0);
    Change(80, 5);
    FatForgetSectors(FatVolume);
    CHECK_EQUAL(0, Read(80)[0]);
    CHECK_EQUAL(STATUS_SUCCESS, FatWriteBack(FatVolume));
    CHECK_EQUAL(0, FatDisk.Logged);
    FatWorldFinish();
}

TEST(FatWriteBack_keeps_what_could_not_be_written)
{
    FatWorldStart(&FatWorldFat16, 0);
    Change(80, 5);
    FatDisk.FailAt[DiskWrite] = 1;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, FatWriteBack(FatVolume));
    CHECK_EQUAL(0, FatDisk.Image[80 * 512]);
    CHECK_EQUAL(STATUS_SUCCESS, FatWriteBack(FatVolume));
    CHECK_EQUAL(5, FatDisk.Image[80 * 512]);
    FatWorldFinish();
}

TEST(FatReadSector_at_the_end_of_the_disk_reads_what_there_is)
{
    static const SEED_FAT Odd = {512, 1, 302}; /* the disk ends within a block */

    FatWorldStart(&Odd, 0);
    CHECK(FatDisk.Device.Sectors % 8 != 0);
    CHECK_EQUAL(0, Read(FatDisk.Device.Sectors - 1)[511]);
    FatWorldFinish();
}
