/* SPDX-License-Identifier: MIT */
/*
 * gpt.c - the GUID partition table: two headers, each with an array of entries.
 *
 *     sector 0        protective MBR
 *     sector 1        primary header; its array lies before the first usable sector
 *     ...             partitions
 *     last sectors    the backup's array, then the backup header
 *
 *     primary  backup   result
 *     good     good     the primary; HeadersDiffer when they disagree
 *     good     bad      the primary, BackupDamaged
 *     bad      good     the backup, PrimaryDamaged
 *     bad      bad      STATUS_DISK_CORRUPT_ERROR
 *
 * "Good": signature, revision, sizes, both checksums, positions, and entries that satisfy T1 and
 * T2.  A sector that cannot be read makes its header bad.
 */
#include "disk/volume/partition.h"
#include "rtl.h"

#define DISKP_HEADER_BYTES     92u
#define DISKP_ENTRY_BYTES      128u
#define DISKP_MOST_ENTRY_BYTES 512u
#define DISKP_MOST_ARRAY_BYTES 0x40000u /* what one may ask us to read */

/* The header's fields, checked. */
typedef struct _DISKP_GPT {
    ULONG64 Sector; /* the header's own */
    ULONG64 FirstUsable;
    ULONG64 LastUsable;
    ULONG64 ArraySector;
    ULONG Entries;
    ULONG EntryBytes;
    ULONG ArrayCrc;
    UCHAR DiskGuid[16];
} DISKP_GPT;

static BOOLEAN DiskpIsHeader(const UCHAR *Header, ULONG SectorBytes)
{
    static const UCHAR NoCrc[4];
    ULONG Bytes = DiskGet32(Header + 12);
    ULONG Crc;

    if (memcmp(Header, "EFI PART", 8) != 0 || DiskGet32(Header + 8) >> 16 != 1 ||
        Bytes < DISKP_HEADER_BYTES || Bytes > SectorBytes) {
        return FALSE;
    }
    Crc = DiskCrc32(0, Header, 16);
    Crc = DiskCrc32(Crc, NoCrc, 4);
    Crc = DiskCrc32(Crc, Header + 20, Bytes - 20);
    return Crc == DiskGet32(Header + 16);
}

static ULONG DiskpArraySectors(const DISK_DEVICE *Disk, const DISKP_GPT *Gpt)
{
    ULONG Bytes = Gpt->Entries * Gpt->EntryBytes; /* at most DISKP_MOST_ARRAY_BYTES */

    return (Bytes + Disk->SectorBytes - 1) / Disk->SectorBytes;
}

/* The array lies between its header and the usable sectors. */
static BOOLEAN DiskpArrayIsInPlace(const DISK_DEVICE *Disk, const DISKP_GPT *Gpt)
{
    ULONG Sectors = DiskpArraySectors(Disk, Gpt);
    ULONG64 First = Gpt->Sector == 1 ? 2 : Gpt->LastUsable + 1;
    ULONG64 End = Gpt->Sector == 1 ? Gpt->FirstUsable : Gpt->Sector;

    return Gpt->ArraySector >= First && Gpt->ArraySector < End && Sectors <= End - Gpt->ArraySector;
}

static BOOLEAN DiskpDecodeHeader(const DISK_DEVICE *Disk, const UCHAR *Header, ULONG64 Sector,
                                 DISKP_GPT *Gpt)
{
    if (!DiskpIsHeader(Header, Disk->SectorBytes) || DiskGet64(Header + 24) != Sector) {
        return FALSE;
    }
    Gpt->Sector = Sector;
    Gpt->FirstUsable = DiskGet64(Header + 40);
    Gpt->LastUsable = DiskGet64(Header + 48);
    memcpy(Gpt->DiskGuid, Header + 56, 16);
    Gpt->ArraySector = DiskGet64(Header + 72);
    Gpt->Entries = DiskGet32(Header + 80);
    Gpt->EntryBytes = DiskGet32(Header + 84);
    Gpt->ArrayCrc = DiskGet32(Header + 88);
    return Gpt->FirstUsable >= 2 && Gpt->FirstUsable <= Gpt->LastUsable &&
           Gpt->LastUsable < Disk->Sectors - 1 && Gpt->EntryBytes >= DISKP_ENTRY_BYTES &&
           Gpt->EntryBytes <= DISKP_MOST_ENTRY_BYTES &&
           (Gpt->EntryBytes & (Gpt->EntryBytes - 1)) == 0 && Gpt->Entries != 0 &&
           Gpt->Entries <= DISKP_MOST_ARRAY_BYTES / Gpt->EntryBytes &&
           DiskpArrayIsInPlace(Disk, Gpt);
}

/* => FALSE: an entry in use that cannot be. */
static BOOLEAN DiskpTakeGptEntry(const DISKP_GPT *Gpt, const UCHAR *At, ULONG Number,
                                 PDISK_PARTITION_TABLE Table)
{
    static const UCHAR Unused[16];
    DISK_PARTITION_ENTRY Entry = {.Start = DiskGet64(At + 32), .Number = Number};
    ULONG64 Last = DiskGet64(At + 40);

    if (memcmp(At, Unused, sizeof(Unused)) == 0) {
        return TRUE;
    }
    if (Last < Entry.Start || Last > Gpt->LastUsable) {
        return FALSE;
    }
    Entry.Sectors = Last - Entry.Start + 1;
    memcpy(Entry.TypeGuid, At, 16);
    memcpy(Entry.Guid, At + 16, 16);
    return DiskInsertEntry(Table, &Entry, Gpt->FirstUsable, Gpt->LastUsable + 1);
}

/* Read the array sector by sector: an entry never crosses one.  => FALSE: it is damaged. */
static BOOLEAN DiskpReadArray(PDISK_DEVICE Disk, const DISKP_GPT *Gpt, PUCHAR Scratch,
                              PDISK_PARTITION_TABLE Table)
{
    ULONG PerSector = Disk->SectorBytes / Gpt->EntryBytes;
    ULONG Crc = 0;
    ULONG Index;

    Table->Count = 0;
    for (Index = 0; Index < Gpt->Entries; Index++) {
        const UCHAR *At = Scratch + Index % PerSector * Gpt->EntryBytes;

        if (Index % PerSector == 0 &&
            !NT_SUCCESS(
                DiskTransfer(Disk, DiskRead, Gpt->ArraySector + Index / PerSector, 1, Scratch))) {
            return FALSE;
        }
        Crc = DiskCrc32(Crc, At, Gpt->EntryBytes);
        if (!DiskpTakeGptEntry(Gpt, At, Index + 1, Table)) {
            return FALSE;
        }
    }
    return Crc == Gpt->ArrayCrc;
}

/* => FALSE: damaged.  Else Table's entries are this header's. */
static BOOLEAN DiskpReadHeader(PDISK_DEVICE Disk, ULONG64 Sector, PUCHAR Scratch, DISKP_GPT *Gpt,
                               PDISK_PARTITION_TABLE Table)
{
    return NT_SUCCESS(DiskTransfer(Disk, DiskRead, Sector, 1, Scratch)) &&
           DiskpDecodeHeader(Disk, Scratch, Sector, Gpt) &&
           DiskpReadArray(Disk, Gpt, Scratch, Table);
}

static BOOLEAN DiskpSameTable(const DISKP_GPT *A, const DISKP_GPT *B)
{
    return A->FirstUsable == B->FirstUsable && A->LastUsable == B->LastUsable &&
           A->Entries == B->Entries && A->EntryBytes == B->EntryBytes &&
           A->ArrayCrc == B->ArrayCrc && memcmp(A->DiskGuid, B->DiskGuid, 16) == 0;
}

NTSTATUS DiskReadGpt(PDISK_DEVICE Disk, PUCHAR Scratch, PDISK_PARTITION_TABLE Table)
{
    DISKP_GPT Primary;
    DISKP_GPT Backup;

    if (Disk->Sectors < 6) { /* an MBR, two headers, two arrays, a sector to use */
        return STATUS_DISK_CORRUPT_ERROR;
    }
    /* The backup first, so that the table ends up as the primary's when that is good. */
    Table->BackupDamaged = !DiskpReadHeader(Disk, Disk->Sectors - 1, Scratch, &Backup, Table);
    Table->PrimaryDamaged = !DiskpReadHeader(Disk, 1, Scratch, &Primary, Table);
    if (!Table->PrimaryDamaged) {
        Table->HeadersDiffer = !Table->BackupDamaged && !DiskpSameTable(&Primary, &Backup);
        return STATUS_SUCCESS;
    }
    if (Table->BackupDamaged ||
        !DiskpReadHeader(Disk, Disk->Sectors - 1, Scratch, &Backup, Table)) {
        return STATUS_DISK_CORRUPT_ERROR;
    }
    return STATUS_SUCCESS;
}
