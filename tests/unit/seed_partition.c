/* SPDX-License-Identifier: MIT */
/*
 * seed_partition.c - see seed_partition.h; layouts from the UEFI specification, chapter 5.
 */
#include "tests/unit/seed_partition.h"

#include "disk/volume/partition.h"
#include "rtl.h"

void SeedPut32(PUCHAR At, ULONG Value)
{
    ULONG Index;

    for (Index = 0; Index < 4; Index++) {
        At[Index] = (UCHAR)(Value >> 8 * Index);
    }
}

void SeedPut64(PUCHAR At, ULONG64 Value)
{
    SeedPut32(At, (ULONG)Value);
    SeedPut32(At + 4, (ULONG)(Value >> 32));
}

static PUCHAR Sector(SEED_DISK Disk, ULONG Number)
{
    return Disk.Image + (SIZE_T)Number * Disk.SectorBytes;
}

static void PutMbrEntry(PUCHAR MbrSector, ULONG Index, UCHAR Type, ULONG Start, ULONG Sectors)
{
    PUCHAR At = MbrSector + 446 + Index * 16;

    At[4] = Type;
    SeedPut32(At + 8, Start);
    SeedPut32(At + 12, Sectors);
    MbrSector[510] = 0x55;
    MbrSector[511] = 0xAA;
}

static void PutGptEntry(PUCHAR Array, ULONG Index, UCHAR Guid, ULONG First, ULONG Last)
{
    PUCHAR At = Array + (SIZE_T)Index * SEED_GPT_ENTRY_BYTES;

    memset(At, 0xEB, 16);
    memset(At + 16, Guid, 16);
    SeedPut64(At + 32, First);
    SeedPut64(At + 40, Last);
}

static void PutGptHeader(SEED_DISK Disk, ULONG Number, ULONG Array)
{
    PUCHAR At = Sector(Disk, Number);

    memcpy(At, "EFI PART", 8);
    SeedPut32(At + 8, 0x00010000);
    SeedPut32(At + 12, 92);
    SeedPut64(At + 24, Number);
    SeedPut64(At + 32, Number == 1 ? SEED_GPT_BACKUP : 1);
    SeedPut64(At + 40, 34);
    SeedPut64(At + 48, SEED_GPT_BACKUP_ARRAY - 1);
    memset(At + 56, 0xD1, 16);
    SeedPut64(At + 72, Array);
    SeedPut32(At + 80, SEED_GPT_ENTRIES);
    SeedPut32(At + 84, SEED_GPT_ENTRY_BYTES);
    PutGptEntry(Sector(Disk, Array), 0, 0x11, 100, 199);
    PutGptEntry(Sector(Disk, Array), 2, 0x33, 512, 1023);
    SeedSealGpt(Disk, Number);
}

void SeedSealGpt(SEED_DISK Disk, ULONG Number)
{
    PUCHAR At = Sector(Disk, Number);
    ULONG Array = Number == 1 ? SEED_GPT_ARRAY : SEED_GPT_BACKUP_ARRAY;

    SeedPut32(At + 88,
              DiskCrc32(0, Sector(Disk, Array), (SIZE_T)SEED_GPT_ENTRIES * SEED_GPT_ENTRY_BYTES));
    SeedPut32(At + 16, 0);
    SeedPut32(At + 16, DiskCrc32(0, At, 92));
}

void SeedGpt(SEED_DISK Disk)
{
    PutMbrEntry(Disk.Image, 0, 0xEE, 1, SEED_DISK_SECTORS - 1);
    PutGptHeader(Disk, 1, SEED_GPT_ARRAY);
    PutGptHeader(Disk, SEED_GPT_BACKUP, SEED_GPT_BACKUP_ARRAY);
}

void SeedMbr(SEED_DISK Disk)
{
    SeedPut32(Disk.Image + 440, 0x1A2B3C4D);
    PutMbrEntry(Disk.Image, 0, 0x0C, 100, 100);
    PutMbrEntry(Disk.Image, 3, 0x0F, 300, 300);
    PutMbrEntry(Sector(Disk, 300), 0, 0x06, 1, 99);
    PutMbrEntry(Sector(Disk, 300), 1, 0x05, 110, 100);
    PutMbrEntry(Sector(Disk, 410), 0, 0x06, 1, 89);
}
