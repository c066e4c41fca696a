/* SPDX-License-Identifier: MIT */
/*
 * disk_bench.h - a started machine with a clock and no devices yet, and requests to its disks.
 */
#ifndef TESTS_UNIT_DISK_BENCH_H
#define TESTS_UNIT_DISK_BENCH_H

#include "disk.h"
#include "ke.h"

#define DISK_BENCH_FRAMES 2048u /* of memory */

typedef struct _BENCH_REQUEST {
    DISK_REQUEST Request;
    KEVENT Done;
    ULONG Completions;
    PUCHAR Buffer; /* nonpaged pool */
    PMDL Mdl;
} BENCH_REQUEST;

void DiskBenchStart(void);

/* Verify everything; nothing may be mapped, connected or allocated that was not before. */
void DiskBenchFinish(void);

/* Submit to the device itself, not checked by anybody. */
void DiskBenchSubmit(PDISK_DEVICE Disk, BENCH_REQUEST *Request, DISK_OPERATION Operation,
                     ULONG64 Sector, ULONG Sectors);

/* Wait until it is completed, which must be once.  => Returns its status.  The buffer stays. */
NTSTATUS DiskBenchWait(BENCH_REQUEST *Request);
void DiskBenchFree(BENCH_REQUEST *Request);

/* Both, and free. */
NTSTATUS DiskBenchTransfer(PDISK_DEVICE Disk, DISK_OPERATION Operation, ULONG64 Sector,
                           ULONG Sectors, PVOID Buffer);

#endif
