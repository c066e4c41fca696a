/* SPDX-License-Identifier: MIT */
/*
 * fuzz_partition.c - any bytes as a disk: refused, or partitions that lie inside it and apart.
 *
 * Byte 0 chooses the seed: a GPT, an MBR, or zeros; whether the checksums are made right after the
 * changes; and the sector size.  The rest is a list of changes: which part of the disk, offset and
 * value.
 */
#include "disk/volume/partition.h"
#include "tests/disk/plain_disk.h"
#include "tests/unit/seed_partition.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size);

static void Require(BOOLEAN Condition)
{
    if (!Condition) {
        __builtin_trap();
    }
}

static void CheckTable(const DISK_PARTITION_TABLE *Table)
{
    ULONG A;
    ULONG B;

    Require(Table->Count <= DISK_TABLE_PARTITIONS);
    Require(!Table->PrimaryDamaged || !Table->BackupDamaged);
    for (A = 0; A < Table->Count; A++) {
        const DISK_PARTITION_ENTRY *Entry = &Table->Entries[A];

        Require(Entry->Start >= 1 && Entry->Sectors >= 1);
        Require(Entry->Start < SEED_DISK_SECTORS &&
                Entry->Sectors <= SEED_DISK_SECTORS - Entry->Start);
        for (B = 0; B < A; B++) {
            const DISK_PARTITION_ENTRY *Other = &Table->Entries[B];

            Require(Entry->Start + Entry->Sectors <= Other->Start ||
                    Other->Start + Other->Sectors <= Entry->Start);
        }
    }
}

/* The sectors that matter: MBR, header, array, links of the extended partition, backup. */
static void Change(SEED_DISK Disk, const uint8_t *Data, size_t Size)
{
    static const ULONG Sectors[8] = {
        0, 1, SEED_GPT_ARRAY, SEED_GPT_BACKUP, SEED_GPT_BACKUP_ARRAY, 300, 410, 3};

    for (; Size >= 4; Data += 4, Size -= 4) {
        ULONG Offset = (Data[1] | (ULONG)Data[2] << 8) % Disk.SectorBytes;

        Disk.Image[(SIZE_T)Sectors[Data[0] % 8] * Disk.SectorBytes + Offset] = Data[3];
    }
}

/* Only what a seed or a change has touched. */
static void Wipe(SEED_DISK Disk)
{
    memset(Disk.Image, 0, (SIZE_T)8 * Disk.SectorBytes);
    memset(Disk.Image + (SIZE_T)300 * Disk.SectorBytes, 0, Disk.SectorBytes);
    memset(Disk.Image + (SIZE_T)410 * Disk.SectorBytes, 0, Disk.SectorBytes);
    memset(Disk.Image + (SIZE_T)SEED_GPT_BACKUP_ARRAY * Disk.SectorBytes, 0,
           (SIZE_T)33 * Disk.SectorBytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static DISK_PARTITION_TABLE Table;
    ULONG SectorBytes = Size != 0 && (Data[0] & 8) != 0 ? 4096 : 512;
    static UCHAR Image[SEED_DISK_SECTORS * 4096];
    SEED_DISK Disk = {Image, SectorBytes};
    PLAIN_DISK Plain;

    PlainDiskInitialize(&Plain, Disk.Image, SectorBytes, SEED_DISK_SECTORS);
    if (Size != 0) {
        if ((Data[0] & 3) == 1) {
            SeedMbr(Disk);
        } else if ((Data[0] & 3) != 0) {
            SeedGpt(Disk);
        }
        Change(Disk, Data + 1, Size - 1);
        if ((Data[0] & 4) != 0) {
            SeedSealGpt(Disk, 1);
            SeedSealGpt(Disk, SEED_GPT_BACKUP);
        }
    }
    if (NT_SUCCESS(DiskReadPartitionTable(&Plain.Device, &Table))) {
        CheckTable(&Table);
    }
    Require(Plain.Writes == 0);
    Require(Plain.Reads <= 3 * (1 + 0x40000 / SectorBytes) + 128);
    Wipe(Disk);
    return 0;
}
