/* SPDX-License-Identifier: MIT */
/*
 * partition.h - what the partition table of a disk says, and partitions as devices of their own.
 *
 * Formats: UEFI specification, chapter 5 (GPT, and the MBR in 5.2).
 */
#ifndef DISK_VOLUME_PARTITION_H
#define DISK_VOLUME_PARTITION_H

#include "disk.h"
#include "loader.h"

#define DISK_TABLE_PARTITIONS 128u
#define DISK_NAME_BYTES       48u

/* One partition.  (I) after DiskReadPartitionTable. */
typedef struct _DISK_PARTITION_ENTRY {
    ULONG64 Start;      /* first sector, of the disk's */
    ULONG64 Sectors;    /* never 0 */
    ULONG Number;       /* 1-based index in the table; MBR: logical ones from 5 */
    UCHAR MbrType;      /* MBR: its type byte; GPT: 0 */
    UCHAR TypeGuid[16]; /* GPT, as on disk; MBR: 0 */
    UCHAR Guid[16];     /* GPT: unique GUID, as on disk; MBR: the disk's signature first */
} DISK_PARTITION_ENTRY, *PDISK_PARTITION_ENTRY;

/* All of them. */
typedef struct _DISK_PARTITION_TABLE {
    LOADER_PARTITION_STYLE Style; /* None: no table; the disk may be one volume */
    BOOLEAN PrimaryDamaged;       /* GPT: the backup was used */
    BOOLEAN BackupDamaged;        /* GPT: it cannot stand in for the primary */
    BOOLEAN HeadersDiffer;        /* GPT: both are good and do not say the same; primary used */
    ULONG Count;                  /* of Entries */
    DISK_PARTITION_ENTRY Entries[DISK_TABLE_PARTITIONS];
} DISK_PARTITION_TABLE, *PDISK_PARTITION_TABLE;

/* A partition as a device. */
typedef struct _DISK_PARTITION {
    DISK_DEVICE Device;  /* Driver points at this structure */
    PDISK_DEVICE Parent; /* (I) the disk */
    ULONG64 Start;       /* (I) */
    char Name[DISK_NAME_BYTES];
} DISK_PARTITION, *PDISK_PARTITION;

/*
 * Read and check a disk's partition table.  Nothing is ever written: damage is reported in *Table.
 *
 * => PASSIVE_LEVEL or APC_LEVEL.
 * => STATUS_SUCCESS: each of Table->Entries lies in the disk, no two overlap.
 * => STATUS_DISK_CORRUPT_ERROR: there is a table, but it cannot be believed: both headers of a GPT
 *    are damaged, partitions overlap or lie outside, there are more than DISK_TABLE_PARTITIONS.
 * => STATUS_INSUFFICIENT_RESOURCES, or why the disk could not be read.  On failure *Table is void.
 */
NT_MUST_CHECK NTSTATUS DiskReadPartitionTable(PDISK_DEVICE Disk, PDISK_PARTITION_TABLE Table);

/*
 * Find the partition that the loader came from, by GUID or signature, and range: never by guess.
 *
 * => TRUE, *Start and *Sectors filled in: this disk has it.  For Style None that is the whole disk
 *    when its size is right and it has no partition table.
 */
NT_MUST_CHECK BOOLEAN DiskFindBootPartition(const DISK_DEVICE *Disk,
                                            const DISK_PARTITION_TABLE *Table,
                                            const LOADER_BOOT_PARTITION *Boot, ULONG64 *Start,
                                            ULONG64 *Sectors, ULONG *Number);

/*
 * Make a device of Sectors sectors from Start on.
 *
 * => The range lies inside Parent, which is no partition itself and outlives it.
 * => Number 0: the whole disk.
 */
void DiskInitializePartition(PDISK_PARTITION Partition, PDISK_DEVICE Parent, ULONG64 Start,
                             ULONG64 Sectors, ULONG Number);

/* => NULL: Device is no partition. */
PDISK_PARTITION DiskPartitionOf(PDISK_DEVICE Device);

/* ---- inside disk/volume ---- */

/* A write to Disk: from its sector, not a partition's.  => Disk->Writes is not NULL. */
void DiskVerifyWrite(PDISK_DEVICE Disk, ULONG64 Sector, ULONG Sectors);

/* The disk goes away: nothing is submitted any more. */
void DiskDeleteWriteList(PDISK_DEVICE Disk);

/* The polynomial of UEFI's headers (that of Ethernet).  => Crc is 0 to begin with. */
ULONG DiskCrc32(ULONG Crc, const void *Data, SIZE_T Bytes);

/*
 * Take an entry into the table.
 *
 * => FALSE: it lies outside [First, End), overlaps another, or the table is full.
 */
NT_MUST_CHECK BOOLEAN DiskInsertEntry(PDISK_PARTITION_TABLE Table,
                                      const DISK_PARTITION_ENTRY *Entry, ULONG64 First,
                                      ULONG64 End);

/* => Sector holds the disk's first sector; Scratch is PAGE_SIZE bytes, nonpaged. */
NT_MUST_CHECK NTSTATUS DiskReadMbr(PDISK_DEVICE Disk, const UCHAR *Sector, PUCHAR Scratch,
                                   PDISK_PARTITION_TABLE Table);
NT_MUST_CHECK NTSTATUS DiskReadGpt(PDISK_DEVICE Disk, PUCHAR Scratch, PDISK_PARTITION_TABLE Table);

/* Numbers as disks have them. */
static inline ULONG DiskGet32(const UCHAR *At)
{
    return (ULONG)At[0] | (ULONG)At[1] << 8 | (ULONG)At[2] << 16 | (ULONG)At[3] << 24;
}

static inline ULONG64 DiskGet64(const UCHAR *At)
{
    return DiskGet32(At) | (ULONG64)DiskGet32(At + 4) << 32;
}

#endif
