/* SPDX-License-Identifier: MIT */
/*
 * fat_world.c - see fat_world.h.
 */
#include "tests/unit/fat_world.h"

#include "disk/volume/partition.h"
#include "ex.h"

#include <string.h>

const SEED_FAT FatWorldFat12 = {512, 1, 300};
const SEED_FAT FatWorldFat16 = {512, 2, 4200};
const SEED_FAT FatWorldFat32 = {512, 1, 65600};
const SEED_FAT FatWorldLarge = {4096, 1, 4200};

HOST_DISK FatDisk;
PFAT_VOLUME FatVolume;
PUCHAR FatBuffer;

void FatWorldStart(const SEED_FAT *Seed, ULONG64 Latency)
{
    MmWorldStart(4096);
    HostDiskCreate(&FatDisk, Seed->SectorBytes, SeedFatSectors(Seed), Latency);
    SeedFat(Seed, FatDisk.Image);
    CHECK_EQUAL(STATUS_SUCCESS, DiskRestrictWrites(&FatDisk.Device));
    FatBuffer = ExAllocatePoolWithTag(NonPagedPool, FAT_WORLD_BYTES, FAT_TAG);
    CHECK(FatBuffer != NULL);
    CHECK_EQUAL(STATUS_SUCCESS, FatMount(&FatDisk.Device, &FatVolume));
}

void FatWorldRemount(void)
{
    FatDismount(FatVolume);
    CHECK_EQUAL(STATUS_SUCCESS, FatMount(&FatDisk.Device, &FatVolume));
}

void FatWorldFinish(void)
{
    FatDismount(FatVolume);
    ExFreePoolWithTag(FatBuffer, FAT_TAG);
    DiskDeleteWriteList(&FatDisk.Device);
    HostDiskDelete(&FatDisk);
    MmWorldFinish();
}

static void Fill(ULONG Bytes, UCHAR First)
{
    ULONG Index;

    for (Index = 0; Index < Bytes; Index++) {
        FatBuffer[Index] = (UCHAR)(First + Index + Index / 256);
    }
}

void FatWorldPut(const char *Path, ULONG Bytes, UCHAR First)
{
    FAT_FILE File;

    Fill(Bytes, First);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreate(FatVolume, Path, 0, &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatWrite(&File, 0, Bytes, FatBuffer));
    FatClose(&File);
}

BOOLEAN FatWorldHolds(const char *Path, ULONG Bytes, UCHAR First)
{
    static UCHAR Expected[FAT_WORLD_BYTES];
    FAT_FILE File;
    ULONG Done = 0;

    Fill(Bytes, First);
    memcpy(Expected, FatBuffer, Bytes);
    memset(FatBuffer, 0xEE, FAT_WORLD_BYTES);
    return NT_SUCCESS(FatOpen(FatVolume, Path, &File)) && File.Bytes == Bytes &&
           (Bytes == 0 || NT_SUCCESS(FatRead(&File, 0, FAT_WORLD_BYTES, FatBuffer, &Done))) &&
           Done == Bytes && memcmp(FatBuffer, Expected, Bytes) == 0;
}

void FatWorldBreakEntry(ULONG Cluster, ULONG Value)
{
    CHECK_EQUAL(STATUS_SUCCESS, FatPermitEntries(FatVolume, Cluster, 1));
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, Cluster, Value));
    CHECK_EQUAL(STATUS_SUCCESS, FatCommit(FatVolume));
    FatAbandon(FatVolume);
}
