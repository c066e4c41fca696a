/* SPDX-License-Identifier: MIT */
/*
 * test_fat_table.c - entries of 12, 16 and 32 bits, and their copies.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

static void WriteAll(const SEED_FAT *Seed)
{
    ULONG Last = Seed->Clusters + 1;
    ULONG Value;
    ULONG Cluster;

    FatWorldStart(Seed, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatPermitEntries(FatVolume, 3, Last - 2));
    for (Cluster = 3; Cluster <= Last; Cluster++) {
        CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, Cluster, Cluster - 1));
    }
    CHECK_EQUAL(STATUS_SUCCESS, FatCommit(FatVolume));
    FatForgetSectors(FatVolume);
    for (Cluster = 3; Cluster <= Last; Cluster++) {
        CHECK_EQUAL(STATUS_SUCCESS, FatGetEntry(FatVolume, Cluster, &Value));
        CHECK_EQUAL(Cluster - 1, Value);
    }
    CHECK(memcmp(FatDisk.Image + FatVolume->ReservedSectors * Seed->SectorBytes,
                 FatDisk.Image +
                     (FatVolume->ReservedSectors + FatVolume->FatSectors) * Seed->SectorBytes,
                 FatVolume->FatSectors * Seed->SectorBytes) == 0);
    FatWorldFinish();
}

TEST(FatSetEntry_is_read_back_from_each_kind_and_copied)
{
    WriteAll(&FatWorldFat12);
    WriteAll(&FatWorldFat16);
    WriteAll(&FatWorldFat32);
    WriteAll(&FatWorldLarge);
}

static void CheckMeaning(const SEED_FAT *Seed, ULONG Mask)
{
    ULONG Value;

    FatWorldStart(Seed, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, 5, FAT_END));
    CHECK_EQUAL(STATUS_SUCCESS, FatGetEntry(FatVolume, 5, &Value));
    CHECK_EQUAL(FAT_END, Value);
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, 5, FAT_BAD));
    CHECK_EQUAL(STATUS_SUCCESS, FatGetEntry(FatVolume, 5, &Value));
    CHECK_EQUAL(FAT_BAD, Value);
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, 5, 1));
    CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, FatGetEntry(FatVolume, 5, &Value));
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, 5, Seed->Clusters + 2));
    CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, FatGetEntry(FatVolume, 5, &Value));
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, 5, 0x0FFFFFF0 & Mask));
    CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, FatGetEntry(FatVolume, 5, &Value));
    FatWorldFinish();
}

TEST(FatGetEntry_tells_ends_bad_clusters_and_nonsense_apart)
{
    CheckMeaning(&FatWorldFat12, 0xFFF);
    CheckMeaning(&FatWorldFat16, 0xFFFF);
    CheckMeaning(&FatWorldFat32, 0x0FFFFFFF);
}

TEST(FatSetEntry_keeps_the_upper_four_bits_of_fat32)
{
    PUCHAR Entry;

    FatWorldStart(&FatWorldFat32, 0);
    Entry = FatDisk.Image + FatVolume->ReservedSectors * 512 + 7 * 4;
    FatPut32(Entry, 0xA0000000);
    FatForgetSectors(FatVolume);
    CHECK_EQUAL(STATUS_SUCCESS, FatPermitEntries(FatVolume, 7, 1));
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, 7, 0x123));
    CHECK_EQUAL(STATUS_SUCCESS, FatCommit(FatVolume));
    CHECK_EQUAL(0xA0000123, FatGet32(Entry));
    FatWorldFinish();
}
