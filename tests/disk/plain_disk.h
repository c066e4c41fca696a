/* SPDX-License-Identifier: MIT */
/*
 * plain_disk.h - DiskTransfer, pools and the clock for disk/ without a kernel below: for fuzzers
 * and host programs, in 32 or 64 bits.
 */
#ifndef TESTS_DISK_PLAIN_DISK_H
#define TESTS_DISK_PLAIN_DISK_H

#include "disk.h"

typedef struct _PLAIN_DISK {
    DISK_DEVICE Device;
    PUCHAR Image;
    ULONG64 Reads; /* requests */
    ULONG64 Writes;
    ULONG64 SectorsWritten;
    ULONG64 HighestWritten; /* sector behind the last one that was written */
    ULONG FailFrom;         /* n: requests behind the next n - 1 fail; 0: none */
    ULONG PowerLeft;        /* sectors until the power goes; PLAIN_DISK_ALWAYS */
} PLAIN_DISK, *PPLAIN_DISK;

#define PLAIN_DISK_ALWAYS 0xFFFFFFFFu

/* Blocks that ExAllocatePoolWithTag gave out and nobody freed. */
extern LONG PlainPoolBlocks;

/* => Image is Sectors * SectorBytes long and the caller's. */
void PlainDiskInitialize(PPLAIN_DISK Disk, PUCHAR Image, ULONG SectorBytes, ULONG64 Sectors);

#endif
