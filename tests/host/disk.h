/* SPDX-License-Identifier: MIT */
/*
 * disk.h - a simulated disk: a DISK_DEVICE whose sectors are the process's memory.
 *
 *     HOST_DISK Disk;
 *
 *     HostDiskCreate(&Disk, 512, 2048, 0);
 *     Disk.FailAt[DiskWrite] = 3;           the third write from now on fails
 *     ... DiskTransfer(&Disk.Device, ...) ...
 *     HostDiskDelete(&Disk);
 *
 * Data goes through the request's MDL, frame by frame, as a device's DMA does.
 */
#ifndef TESTS_HOST_DISK_H
#define TESTS_HOST_DISK_H

#include <disk.h> /* the contract, not this file */

#define HOST_DISK_ALWAYS   0xFFFFFFFFu
#define HOST_DISK_IN_LINE  8u
#define HOST_DISK_LOG_SIZE 65536u

/* One write that reached the medium, whole or in part. */
typedef struct _HOST_DISK_WRITE {
    ULONG64 Sector;
    ULONG Sectors;
} HOST_DISK_WRITE;

typedef struct _HOST_DISK {
    DISK_DEVICE Device;
    PUCHAR Image; /* the medium: SectorBytes * Sectors */

    ULONG64 Seed;       /* 0: requests complete at once; else some time later, in any order */
    ULONG FailAt[3];    /* by DISK_OPERATION: n fails the n-th from now on, once; 0 none */
    ULONG FailFrom;     /* 1: every request fails; n: all behind the next n - 1; 0 none */
    ULONG PowerLeft;    /* sectors that are written before the power goes; later ones are lost
                         without a word, as nobody is left to hear it */
    BOOLEAN Scramble;   /* a failed read leaves rubbish in the buffer */
    BOOLEAN Tear;       /* a failed write leaves some of its sectors, by the seed */
    ULONG FailOneIn[3]; /* by DISK_OPERATION: one in n fails, by the seed; 0 none */
    ULONG MayFail;      /* so many more by FailOneIn */
    ULONG LongestWait;  /* microseconds that a request may take; 0: the usual ones */
    BOOLEAN Maps;       /* its driver maps what it transfers, and leaves that to others to end */

    HOST_DISK_WRITE *Log; /* of HOST_DISK_LOG_SIZE; NULL: none is kept */
    ULONG Logged;         /* writes since power-on, also those that no longer fit */
    ULONG64 Written;      /* sectors */

    PDISK_REQUEST Waiting[HOST_DISK_IN_LINE]; /* NULL: free */
    LIST_ENTRY Queue;                         /* those behind them */
} HOST_DISK, *PHOST_DISK;

/* => SectorBytes and Sectors as in DISK_DEVICE; the medium is all zero.  Requests of 128 KB. */
void HostDiskCreate(PHOST_DISK Disk, ULONG SectorBytes, ULONG64 Sectors, ULONG64 Seed);

/* => No request is under way. */
void HostDiskDelete(PHOST_DISK Disk);

/* Keep a log of writes from now on. */
void HostDiskStartLog(PHOST_DISK Disk);

#endif
