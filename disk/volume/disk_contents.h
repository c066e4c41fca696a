/* SPDX-License-Identifier: MIT */
/*
 * disk_contents.h - the partition tables of all disks, as they were at the start.
 */
#ifndef DISK_VOLUME_DISK_CONTENTS_H
#define DISK_VOLUME_DISK_CONTENTS_H

#include "disk/volume/partition.h"
#include "rtl.h"

#define DISK_TYPE_BYTES 40u

/* (I) after DiskReadContents. */
typedef struct _DISK_CONTENTS {
    LIST_ENTRY ListEntry;
    PDISK_DEVICE Disk;
    NTSTATUS Status;            /* of reading the table; the table is void when that failed */
    DISK_PARTITION_TABLE Table; /* its first Count entries: the structure ends there */
} DISK_CONTENTS, *PDISK_CONTENTS;

/*
 * Read the tables of all disks.
 *
 * => PASSIVE_LEVEL.  Returns the disks for which there was no memory.
 */
ULONG DiskReadContents(void);

/* Forget them: for tests, where a new machine comes. */
void DiskForgetContents(void);

/* => Returns the disk after After (NULL: the first), in the order of finding, or NULL. */
const DISK_CONTENTS *DiskNextContents(const DISK_CONTENTS *After);

/* What a partition is for, in words, or its type as a number.  => Text is DISK_TYPE_BYTES long. */
void DiskFormatType(LOADER_PARTITION_STYLE Style, const DISK_PARTITION_ENTRY *Entry, char *Text);

/* A line for the disk, one for each damage, one for each partition; Mark behind number Marked. */
void DiskPrintContents(RTL_PRINT_SINK *Sink, PVOID Context, const DISK_CONTENTS *Contents,
                       ULONG Marked, const char *Mark);

#endif
