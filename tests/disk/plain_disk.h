/* SPDX-License-Identifier: MIT */
/*
 * plain_disk.h - DiskTransfer, pools and the clock for disk/ without a kernel below: for fuzzers
 * and host programs, in 32 or 64 bits.
 */
#ifndef TESTS_DISK_PLAIN_DISK_H
#define TESTS_DISK_PLAIN_DISK_H

#include "disk.h"

typedef struct _PLAIN_DISK PLAIN_DISK, *PPLAIN_DISK;

/* Sees each write and flush that succeeds; Buffer is NULL for a flush. */
typedef void PLAIN_DISK_OBSERVER(PPLAIN_DISK Disk, ULONG64 Sector, ULONG Sectors,
                                 const void *Buffer);

struct _PLAIN_DISK {
    DISK_DEVICE Device;
    PUCHAR Image;
    ULONG64 Reads; /* requests */
    ULONG64 Writes;
    ULONG64 Flushes;
    ULONG64 HighestWritten;       /* sector behind the last one that was written */
    ULONG FailAt;                 /* n: the n-th request from now on fails, once; 0: none */
    ULONG FailFrom;               /* n: requests behind the next n - 1 fail; 0: none */
    PLAIN_DISK_OBSERVER *Observe; /* or NULL */
};

/* Blocks that ExAllocatePoolWithTag gave out and nobody freed. */
extern LONG PlainPoolBlocks;

/* => Image is Sectors * SectorBytes long and the caller's. */
void PlainDiskInitialize(PPLAIN_DISK Disk, PUCHAR Image, ULONG SectorBytes, ULONG64 Sectors);

#endif
