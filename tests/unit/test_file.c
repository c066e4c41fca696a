/* SPDX-License-Identifier: MIT */
/*
 * test_file.c - opening and reading.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

static FAT_FILE File;

TEST(FatRead_gives_what_there_is_up_to_the_end)
{
    ULONG Done = 0;
    ULONG Index;

    FatWorldStart(&FatWorldFat12, TestSeed());
    FatWorldPut("/A", 1300, 7);
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/A", &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatRead(&File, 500, 600, FatBuffer, &Done)); /* over two edges */
    CHECK_EQUAL(600, Done);
    for (Index = 0; Index < 600; Index++) {
        CHECK_EQUAL((UCHAR)(7 + 500 + Index + (500 + Index) / 256), FatBuffer[Index]);
    }
    CHECK_EQUAL(STATUS_SUCCESS, FatRead(&File, 1299, 600, FatBuffer, &Done));
    CHECK_EQUAL(1, Done);
    CHECK_EQUAL(STATUS_END_OF_FILE, FatRead(&File, 1300, 1, FatBuffer, &Done));
    CHECK_EQUAL(STATUS_SUCCESS, FatRead(&File, 1300, 0, FatBuffer, &Done));
    CHECK_EQUAL(0, Done);
    FatOpenRoot(FatVolume, &File);
    CHECK_EQUAL(STATUS_FILE_IS_A_DIRECTORY, FatRead(&File, 0, 1, FatBuffer, &Done));
    FatWorldFinish();
}

TEST(FatRead_moves_neighbouring_clusters_at_once)
{
    ULONG64 Requests;
    ULONG Done;

    FatWorldStart(&FatWorldFat16, 0);
    FatWorldPut("/A", 32768, 7); /* 32 clusters in a row */
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/A", &File));
    Requests = FatDisk.Device.RequestCounts[DiskRead];
    CHECK_EQUAL(STATUS_SUCCESS, FatRead(&File, 0, 32768, FatBuffer, &Done));
    CHECK_EQUAL(1, FatDisk.Device.RequestCounts[DiskRead] - Requests);
    FatWorldFinish();
}

TEST(FatOpen_refuses_entries_that_cannot_be)
{
    PUCHAR Data;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A", 600, 7);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR"));
    Data = FatDisk.Image + FatVolume->RootSector * 512;
    FatPut16(Data + 26, 302); /* behind the last cluster */
    FatPut16(Data + 32 + 26, 0);
    FatForgetSectors(FatVolume);
    CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, FatOpen(FatVolume, "/A", &File));
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, FatOpen(FatVolume, "/DIR", &File));
    FatPut16(Data + 26, 2);
    FatPut32(Data + 28, 1025); /* two clusters have 1024 bytes */
    FatForgetSectors(FatVolume);
    CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, FatOpen(FatVolume, "/A", &File));
    FatWorldFinish();
}

TEST(FatRefresh_reads_the_entry_again_after_a_failed_change)
{
    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A", 600, 7);
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/A", &File));
    FatDisk.FailFrom = 1;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, FatWrite(&File, 0, 5000, FatBuffer));
    FatDisk.FailFrom = 0;
    CHECK_EQUAL(STATUS_SUCCESS, FatWrite(&File, 600, 10, FatBuffer));
    CHECK_EQUAL(610, File.Bytes);
    CHECK_EQUAL(FALSE, File.Stale);
    FatClose(&File);
    FatWorldFinish();
}

TEST(Fat_high_half_of_a_first_cluster_counts_on_fat32_only)
{
    FatWorldStart(&FatWorldFat16, 0);
    FatWorldPut("/A", 600, 7);
    FatPut16(FatDisk.Image + FatVolume->RootSector * 512 + 20, 0xC7); /* OS/2's attributes */
    FatForgetSectors(FatVolume);
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/A", &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatWrite(&File, 600, 10, FatBuffer));
    FatClose(&File);
    CHECK_EQUAL(0xC7, FatGet16(FatDisk.Image + FatVolume->RootSector * 512 + 20));
    FatWorldFinish();
}
