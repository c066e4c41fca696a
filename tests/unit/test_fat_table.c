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

/* ---- several entries at once ---- */

#define RUN_FIRST 50u
#define RUN_COUNT 230u /* over two or more sectors of each kind but FatWorldLarge */

/* Go along the chain from RUN_FIRST on.  => Returns its clusters, which lie side by side. */
static ULONG FollowAll(ULONG Most, PULONG Next)
{
    ULONG Count = 0;

    *Next = RUN_FIRST;
    while (*Next == RUN_FIRST + Count) {
        ULONG Length = 0;

        CHECK_EQUAL(STATUS_SUCCESS, FatFollowRun(FatVolume, *Next, Most, &Length, Next));
        CHECK(Length >= 1 && Length <= Most);
        Count += Length;
    }
    return Count;
}

static void CheckRun(const SEED_FAT *Seed)
{
    ULONG Cluster;
    ULONG Value;

    FatWorldStart(Seed, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatPermitEntries(FatVolume, RUN_FIRST, RUN_COUNT));
    CHECK_EQUAL(STATUS_SUCCESS, FatSetRun(FatVolume, RUN_FIRST, RUN_COUNT, FAT_END | 7));
    CHECK_EQUAL(STATUS_SUCCESS, FatCommit(FatVolume));
    FatForgetSectors(FatVolume);
    for (Cluster = RUN_FIRST - 1; Cluster <= RUN_FIRST + RUN_COUNT; Cluster++) {
        BOOLEAN Inside = Cluster - RUN_FIRST < RUN_COUNT - 1;

        CHECK_EQUAL(STATUS_SUCCESS, FatGetEntry(FatVolume, Cluster, &Value));
        CHECK_EQUAL(Inside                                 ? Cluster + 1
                    : Cluster == RUN_FIRST + RUN_COUNT - 1 ? FAT_END | 7
                                                           : FAT_FREE,
                    Value);
    }
    CHECK_EQUAL(RUN_COUNT, FollowAll(1, &Value));
    CHECK_EQUAL(FAT_END | 7, Value);
    CHECK_EQUAL(RUN_COUNT, FollowAll(7, &Value));
    CHECK_EQUAL(RUN_COUNT, FollowAll(Seed->Clusters, &Value));
    CHECK_EQUAL(FAT_END | 7, Value);
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, RUN_FIRST + 37, RUN_FIRST + 100));
    CHECK_EQUAL(38, FollowAll(Seed->Clusters, &Value));
    CHECK_EQUAL(RUN_FIRST + 100, Value);
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, RUN_FIRST, FAT_BAD));
    CHECK_EQUAL(1, FollowAll(Seed->Clusters, &Value));
    CHECK_EQUAL(FAT_BAD, Value);
    FatWorldFinish();
}

TEST(FatSetRun_chains_what_FatFollowRun_follows)
{
    CheckRun(&FatWorldFat12);
    CheckRun(&FatWorldFat16);
    CheckRun(&FatWorldFat32);
    CheckRun(&FatWorldLarge);
}

TEST(FatSetRun_keeps_the_upper_four_bits_of_fat32)
{
    PUCHAR Table;
    ULONG Cluster;
    ULONG Length;

    FatWorldStart(&FatWorldFat32, 0);
    Table = FatDisk.Image + FatVolume->ReservedSectors * 512;
    for (Cluster = RUN_FIRST; Cluster < RUN_FIRST + RUN_COUNT; Cluster++) {
        FatPut32(Table + Cluster * 4, Cluster << 28 | FAT_BAD);
    }
    FatForgetSectors(FatVolume);
    CHECK_EQUAL(STATUS_SUCCESS, FatPermitEntries(FatVolume, RUN_FIRST, RUN_COUNT));
    CHECK_EQUAL(STATUS_SUCCESS, FatSetRun(FatVolume, RUN_FIRST, RUN_COUNT, FAT_END));
    CHECK_EQUAL(RUN_COUNT, FollowAll(1000, &Cluster));
    CHECK_EQUAL(STATUS_SUCCESS, FatFollowRun(FatVolume, RUN_FIRST, 1000, &Length, &Cluster));
    CHECK_EQUAL(128 - RUN_FIRST, Length); /* all that its sector holds */
    CHECK_EQUAL(STATUS_SUCCESS, FatCommit(FatVolume));
    for (Cluster = RUN_FIRST; Cluster < RUN_FIRST + RUN_COUNT - 1; Cluster++) {
        CHECK_EQUAL(Cluster << 28 | (Cluster + 1), FatGet32(Table + Cluster * 4));
    }
    CHECK_EQUAL(Cluster << 28 | FAT_END, FatGet32(Table + Cluster * 4));
    FatWorldFinish();
}

/* Some entries in use, by a generator; each free stretch is as long as FatGetEntry says. */
static void CheckFree(const SEED_FAT *Seed)
{
    ULONG PerSector = Seed->SectorBytes * 8 / (Seed->Clusters < 65525 ? 16 : 32);
    ULONG Random = (ULONG)TestSeed();
    ULONG Cluster;
    ULONG Skipped;
    ULONG Value;

    FatWorldStart(Seed, 0);
    for (Cluster = 3; Cluster < 2000; Cluster += 1 + (Random >> 24) % 37) {
        Random = Random * 1664525 + 1013904223;
        CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, Cluster, FAT_END));
    }
    for (Cluster = 2; Cluster < 2000; Cluster++) {
        ULONG Expected = 0;

        do {
            CHECK_EQUAL(STATUS_SUCCESS, FatGetEntry(FatVolume, Cluster + Expected, &Value));
            Expected += Value == FAT_FREE;
        } while (Value == FAT_FREE && (Cluster + Expected) % PerSector != 0);
        CHECK_EQUAL(STATUS_SUCCESS, FatSkipFree(FatVolume, Cluster, &Skipped));
        CHECK_EQUAL(Expected, Skipped);
    }
    CHECK_EQUAL(STATUS_SUCCESS, FatSkipFree(FatVolume, Seed->Clusters, &Skipped));
    CHECK_EQUAL(2, Skipped); /* what lies behind the last cluster's entry is none's */
    FatForgetSectors(FatVolume);
    FatWorldFinish();
}

TEST(FatSkipFree_stops_where_a_cluster_is_used_and_where_the_sector_ends)
{
    ULONG Skipped = 1;

    CheckFree(&FatWorldFat16);
    CheckFree(&FatWorldFat32);
    CheckFree(&FatWorldLarge);
    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatSkipFree(FatVolume, 2, &Skipped));
    CHECK_EQUAL(0, Skipped);
    FatWorldFinish();
}

TEST(FatSkipFree_takes_the_upper_four_bits_of_fat32_for_no_use)
{
    ULONG Skipped;

    FatWorldStart(&FatWorldFat32, 0);
    FatPut32(FatDisk.Image + FatVolume->ReservedSectors * 512 + 7 * 4, 0xF0000000);
    FatForgetSectors(FatVolume);
    CHECK_EQUAL(STATUS_SUCCESS, FatSkipFree(FatVolume, 5, &Skipped));
    CHECK_EQUAL(123, Skipped);
    FatWorldFinish();
}
