/* SPDX-License-Identifier: MIT */
/*
 * seed_fat.c - see seed_fat.h; layout from fatgen103.
 */
#include "tests/unit/seed_fat.h"

#include "rtl.h"
#include "tests/unit/seed_partition.h"

#define ROOT_ENTRIES 128u

static ULONG Kind(const SEED_FAT *Seed)
{
    return Seed->Clusters < 4085 ? 12 : Seed->Clusters < 65525 ? 16 : 32;
}

ULONG SeedFatTable(const SEED_FAT *Seed)
{
    return Kind(Seed) == 32 ? 8 : 1;
}

static ULONG TableSectors(const SEED_FAT *Seed)
{
    ULONG Bytes = (Seed->Clusters + 2) * Kind(Seed) / 8 + 1;

    return (Bytes + Seed->SectorBytes - 1) / Seed->SectorBytes;
}

ULONG SeedFatData(const SEED_FAT *Seed)
{
    ULONG Root = Kind(Seed) == 32 ? 0 : ROOT_ENTRIES * 32 / Seed->SectorBytes;

    return SeedFatTable(Seed) + 2 * TableSectors(Seed) + Root;
}

ULONG SeedFatSectors(const SEED_FAT *Seed)
{
    return SeedFatData(Seed) + Seed->Clusters * Seed->ClusterSectors;
}

static void Put16(PUCHAR At, ULONG Value)
{
    At[0] = (UCHAR)Value;
    At[1] = (UCHAR)(Value >> 8);
}

/* A serial number, and a label, which to fsck.fat has to be a name. */
static void PutSerial(const SEED_FAT *Seed, PUCHAR Image)
{
    PUCHAR At = Image + (Kind(Seed) == 32 ? 66 : 38);

    At[0] = 0x29;
    SeedPut32(At + 1, 0x12345678);
    memcpy(At + 5, "NO NAME    ", 11);
}

static void PutFat32(const SEED_FAT *Seed, PUCHAR Image)
{
    PUCHAR Info = Image + Seed->SectorBytes;

    SeedPut32(Image + 36, TableSectors(Seed));
    SeedPut32(Image + 44, 2);
    Put16(Image + 48, 1);
    SeedPut32(Info, 0x41615252);
    SeedPut32(Info + 484, 0x61417272);
    SeedPut32(Info + 488, Seed->Clusters - 1);
    SeedPut32(Info + 492, 3);
    SeedPut32(Info + 508, 0xAA550000);
}

static void PutTable(const SEED_FAT *Seed, PUCHAR Table)
{
    if (Kind(Seed) == 32) {
        SeedPut32(Table, 0x0FFFFFF8);
        SeedPut32(Table + 4, 0x0FFFFFFF);
        SeedPut32(Table + 8, 0x0FFFFFFF); /* the root directory */
    } else {
        SeedPut32(Table, Kind(Seed) == 16 ? 0xFFFFFFF8 : 0x00FFFFF8);
    }
}

void SeedFat(const SEED_FAT *Seed, PUCHAR Image)
{
    ULONG Fat;

    memcpy(Image, "\xEB\x58\x90SEEDFAT ", 11);
    Put16(Image + 11, Seed->SectorBytes);
    Image[13] = (UCHAR)Seed->ClusterSectors;
    Put16(Image + 14, SeedFatTable(Seed));
    Image[16] = 2;
    Image[21] = 0xF8;
    Put16(Image + 24, 63); /* sectors of a track, and heads, which mtools wants to know */
    Put16(Image + 26, 255);
    SeedPut32(Image + 32, SeedFatSectors(Seed));
    if (Kind(Seed) == 32) {
        PutFat32(Seed, Image);
    } else {
        Put16(Image + 17, ROOT_ENTRIES);
        Put16(Image + 22, TableSectors(Seed));
    }
    PutSerial(Seed, Image);
    Put16(Image + 510, 0xAA55);
    for (Fat = 0; Fat < 2; Fat++) {
        PutTable(Seed, Image + (SIZE_T)(SeedFatTable(Seed) + Fat * TableSectors(Seed)) *
                                   Seed->SectorBytes);
    }
}
