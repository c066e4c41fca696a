/* SPDX-License-Identifier: MIT */
/*
 * partition.c - which table a disk has, and which partition the loader came from.
 *
 *     first sector                                            the disk has
 *     no 55 AA                                                 no table
 *     55 AA, and a FAT boot sector's parameters                no table: one volume
 *     55 AA, an entry of type EE (protective)                  GPT
 *     55 AA, status bytes of 00 and 80 only                    MBR
 *     anything else                                            no table
 *
 * A GPT disk whose two headers are damaged is refused, not read as MBR: its protective entry would
 * pass for one partition that fills the disk.
 *
 * Invariants of a table that was read:
 *   T1  every entry lies inside the disk and has at least one sector
 *   T2  no two entries have a sector in common
 */
#include "disk/volume/partition.h"
#include "ex.h"
#include "rtl.h"

#define DISKP_TAG 0x74726150u /* 'Part' */

BOOLEAN DiskInsertEntry(PDISK_PARTITION_TABLE Table, const DISK_PARTITION_ENTRY *Entry,
                        ULONG64 First, ULONG64 End)
{
    ULONG Index;

    if (Table->Count == DISK_TABLE_PARTITIONS || Entry->Sectors == 0 || Entry->Start < First ||
        Entry->Start >= End || Entry->Sectors > End - Entry->Start) {
        return FALSE;
    }
    for (Index = 0; Index < Table->Count; Index++) {
        const DISK_PARTITION_ENTRY *Other = &Table->Entries[Index];

        if (Entry->Start < Other->Start + Other->Sectors &&
            Other->Start < Entry->Start + Entry->Sectors) {
            return FALSE;
        }
    }
    Table->Entries[Table->Count++] = *Entry;
    return TRUE;
}

NTSTATUS DiskReadPartitionTable(PDISK_DEVICE Disk, PDISK_PARTITION_TABLE Table)
{
    PUCHAR Scratch = ExAllocatePoolWithTag(NonPagedPool, 2 * PAGE_SIZE, DISKP_TAG);
    NTSTATUS Status;

    if (Scratch == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Table, 0, sizeof(*Table));
    Status = DiskTransfer(Disk, DiskRead, 0, 1, Scratch);
    if (NT_SUCCESS(Status)) {
        Status = DiskReadMbr(Disk, Scratch, Scratch + PAGE_SIZE, Table);
    }
    if (NT_SUCCESS(Status) && Table->Style == LoaderPartitionGpt) {
        Status = DiskReadGpt(Disk, Scratch, Table);
    }
    ExFreePoolWithTag(Scratch, DISKP_TAG);
    return Status;
}

BOOLEAN DiskFindBootPartition(const DISK_DEVICE *Disk, const DISK_PARTITION_TABLE *Table,
                              const LOADER_BOOT_PARTITION *Boot, ULONG64 *Start, ULONG64 *Sectors,
                              ULONG *Number)
{
    SIZE_T GuidBytes = Boot->Style == LoaderPartitionGpt ? 16 : 4;
    ULONG Index;

    if (Boot->BlockBytes != Disk->SectorBytes || Boot->Style != (ULONG)Table->Style) {
        return FALSE;
    }
    if (Boot->Style == LoaderPartitionNone) {
        *Start = 0;
        *Sectors = Disk->Sectors;
        *Number = 0;
        return Boot->StartBlock == 0 && Boot->BlockCount == Disk->Sectors;
    }
    for (Index = 0; Index < Table->Count; Index++) {
        const DISK_PARTITION_ENTRY *Entry = &Table->Entries[Index];

        if (Entry->Start == Boot->StartBlock && Entry->Sectors == Boot->BlockCount &&
            memcmp(Entry->Guid, Boot->Guid, GuidBytes) == 0) {
            *Start = Entry->Start;
            *Sectors = Entry->Sectors;
            *Number = Entry->Number;
            return TRUE;
        }
    }
    return FALSE;
}
