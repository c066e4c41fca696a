/* SPDX-License-Identifier: MIT */
/*
 * mbr.c - the partition table in a disk's first sector, and the chain of logical partitions.
 *
 *     440  disk signature, 4 bytes
 *     446  four entries of 16 bytes: 0 status, 4 type, 8 first sector, 12 sectors
 *     510  55 AA
 *
 * An extended partition begins with such a sector: its first entry is a logical partition, counted
 * from that sector; its second is the next link, counted from the extended partition's start.  The
 * chain may point anywhere: links must rise and stay inside the extended partition, so that it
 * ends.
 */
#include "disk/volume/partition.h"
#include "rtl.h"

#define DISKP_MBR_SIGNATURE   440u
#define DISKP_MBR_ENTRIES     446u
#define DISKP_MBR_ENTRY_BYTES 16u
#define DISKP_MBR_MARK        510u
#define DISKP_FIRST_LOGICAL   5u

#define DISKP_TYPE_PROTECTIVE 0xEEu

typedef struct _DISKP_MBR_ENTRY {
    UCHAR Status;
    UCHAR Type; /* 0: unused */
    ULONG Start;
    ULONG Sectors;
} DISKP_MBR_ENTRY;

static DISKP_MBR_ENTRY DiskpMbrEntry(const UCHAR *Sector, ULONG Index)
{
    const UCHAR *At = Sector + DISKP_MBR_ENTRIES + Index * DISKP_MBR_ENTRY_BYTES;

    return (DISKP_MBR_ENTRY){At[0], At[4], DiskGet32(At + 8), DiskGet32(At + 12)};
}

static BOOLEAN DiskpIsMarked(const UCHAR *Sector)
{
    return Sector[DISKP_MBR_MARK] == 0x55 && Sector[DISKP_MBR_MARK + 1] == 0xAA;
}

static BOOLEAN DiskpIsExtended(UCHAR Type)
{
    return Type == 0x05 || Type == 0x0F || Type == 0x85;
}

/* A FAT volume's first sector is marked as an MBR is.  Boot code never has all of these right. */
static BOOLEAN DiskpIsFatBootSector(const UCHAR *Sector)
{
    ULONG SectorBytes = (ULONG)Sector[11] | (ULONG)Sector[12] << 8;

    return (Sector[0] == 0xEB || Sector[0] == 0xE9) && SectorBytes >= 512 && SectorBytes <= 4096 &&
           (SectorBytes & (SectorBytes - 1)) == 0 && Sector[13] != 0 &&
           (Sector[13] & (Sector[13] - 1)) == 0 && (Sector[14] | Sector[15]) != 0 &&
           Sector[16] != 0 && (Sector[21] == 0xF0 || Sector[21] >= 0xF8);
}

static LOADER_PARTITION_STYLE DiskpStyle(const UCHAR *Sector)
{
    LOADER_PARTITION_STYLE Style = LoaderPartitionMbr;
    ULONG Index;

    if (!DiskpIsMarked(Sector) || DiskpIsFatBootSector(Sector)) {
        return LoaderPartitionNone;
    }
    for (Index = 0; Index < 4; Index++) {
        DISKP_MBR_ENTRY Entry = DiskpMbrEntry(Sector, Index);

        if (Entry.Status != 0 && Entry.Status != 0x80) {
            return LoaderPartitionNone;
        }
        if (Entry.Type == DISKP_TYPE_PROTECTIVE) {
            Style = LoaderPartitionGpt;
        }
    }
    return Style;
}

static BOOLEAN DiskpInsertMbrEntry(PDISK_DEVICE Disk, const UCHAR *Signature, ULONG64 Base,
                                   DISKP_MBR_ENTRY Found, ULONG Number, PDISK_PARTITION_TABLE Table)
{
    DISK_PARTITION_ENTRY Entry = {
        .Start = Base + Found.Start,
        .Sectors = Found.Sectors,
        .Number = Number,
        .MbrType = Found.Type,
    };

    memcpy(Entry.Guid, Signature, 4);
    return DiskInsertEntry(Table, &Entry, Base + 1, Disk->Sectors);
}

/* The chain of an extended partition.  => Each link lies behind the one before: it ends. */
static NTSTATUS DiskpReadLogical(PDISK_DEVICE Disk, const UCHAR *Signature,
                                 DISKP_MBR_ENTRY Extended, PUCHAR Scratch, ULONG *Number,
                                 PDISK_PARTITION_TABLE Table)
{
    ULONG64 Link = 0;
    ULONG Links;

    if (Extended.Start == 0 || (ULONG64)Extended.Start + Extended.Sectors > Disk->Sectors) {
        return STATUS_DISK_CORRUPT_ERROR;
    }
    for (Links = 0; Links < DISK_TABLE_PARTITIONS; Links++) {
        DISKP_MBR_ENTRY Logical;
        DISKP_MBR_ENTRY Next;
        NTSTATUS Status = DiskTransfer(Disk, DiskRead, Extended.Start + Link, 1, Scratch);

        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Logical = DiskpMbrEntry(Scratch, 0);
        Next = DiskpMbrEntry(Scratch, 1);
        if (!DiskpIsMarked(Scratch) ||
            (Logical.Type != 0 &&
             ((ULONG64)Link + Logical.Start + Logical.Sectors > Extended.Sectors ||
              !DiskpInsertMbrEntry(Disk, Signature, Extended.Start + Link, Logical, (*Number)++,
                                   Table)))) {
            return STATUS_DISK_CORRUPT_ERROR;
        }
        if (!DiskpIsExtended(Next.Type)) {
            return STATUS_SUCCESS;
        }
        if (Next.Start <= Link || Next.Start >= Extended.Sectors) {
            return STATUS_DISK_CORRUPT_ERROR;
        }
        Link = Next.Start;
    }
    return STATUS_DISK_CORRUPT_ERROR;
}

NTSTATUS DiskReadMbr(PDISK_DEVICE Disk, const UCHAR *Sector, PUCHAR Scratch,
                     PDISK_PARTITION_TABLE Table)
{
    const UCHAR *Signature = Sector + DISKP_MBR_SIGNATURE;
    ULONG Number = DISKP_FIRST_LOGICAL;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Index;

    Table->Style = DiskpStyle(Sector);
    for (Index = 0; Index < 4 && Table->Style == LoaderPartitionMbr && NT_SUCCESS(Status);
         Index++) {
        DISKP_MBR_ENTRY Entry = DiskpMbrEntry(Sector, Index);

        if (DiskpIsExtended(Entry.Type)) {
            Status = DiskpReadLogical(Disk, Signature, Entry, Scratch, &Number, Table);
        } else if (Entry.Type != 0 &&
                   !DiskpInsertMbrEntry(Disk, Signature, 0, Entry, Index + 1, Table)) {
            Status = STATUS_DISK_CORRUPT_ERROR;
        }
    }
    return Status;
}
