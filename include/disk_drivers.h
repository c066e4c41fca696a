/* SPDX-License-Identifier: MIT */
/*
 * disk_drivers.h - the disks that the machine has, found at the start.
 */
#ifndef DISK_DRIVERS_H
#define DISK_DRIVERS_H

#include "bench.h"
#include "disk.h"
#include "loader.h"

/*
 * Give every disk controller on PCI its driver, where there is one, and print what was found.
 *
 * => PASSIVE_LEVEL, once, after MmStartSystemThreads; the clock runs.
 */
void DiskStartDrivers(void);

/*
 * Tell the controllers that want to know it that the machine is about to be switched off or reset.
 *
 * => Any IRQL, also in a crash; nothing is submitted any more.  Takes 5 s a controller at most.
 *    A second call does nothing.
 */
void DiskStopDrivers(void);

/* => Returns the disk found after After (NULL: the first), in the order of finding, or NULL. */
PDISK_DEVICE DiskNextDevice(PDISK_DEVICE After);

/*
 * The drivers' lines of the boot's report: reads of the disk that the boot volume is on.
 *
 * => PASSIVE_LEVEL, after DiskFindBootVolume(Boot).
 */
void DiskReport(const LOADER_BOOT_PARTITION *Boot);

#define DISK_BENCH_DEPTH 8u /* reads at once, at most */

/*
 * Measure Depth reads of Bytes at once at the beginning of the disk, each with its share of the
 * interrupts; without the time in which the disk works.
 *
 * => PASSIVE_LEVEL, the clock is stopped.  STATUS_NO_SUCH_DEVICE: Disk is NULL, or does not read so
 *    much at once.  STATUS_IO_TIMEOUT: a read did not come back.
 */
NT_MUST_CHECK NTSTATUS DiskMeasureRead(PDISK_DEVICE Disk, ULONG Bytes, ULONG Depth,
                                       PMI_BENCH_FIGURES Figures);

#endif
