/* SPDX-License-Identifier: MIT */
/*
 * boot_volume.h - what is on the disks, and the volume that the machine was started from.
 */
#ifndef BOOT_VOLUME_H
#define BOOT_VOLUME_H

#include "disk.h"
#include "loader.h"
#include "rtl.h"

/*
 * Read the partition table of every disk, print it, and find the volume that Boot describes: by
 * GUID or signature, range and FAT serial number, never by guess.  From here on these
 * disks may be written where somebody permits it (DiskRestrictWrites); those that come later may
 * not be written at all.
 *
 * => PASSIVE_LEVEL, once, after DiskStartDrivers.  Nothing is written.
 */
void DiskFindBootVolume(const LOADER_BOOT_PARTITION *Boot);

/*
 * When there is no boot volume, let RAM take its place, formatted, and say so loudly.
 *
 * => PASSIVE_LEVEL, after DiskFindBootVolume.
 */
void FatReplaceBootVolume(ULONG RamPages);

/*
 * Say which FAT the boot volume has, and make the device read-only when it must not be changed: it
 * was not left in order, or cannot tell.
 *
 * => PASSIVE_LEVEL, after FatReplaceBootVolume, before it is mounted.
 */
void FatJudgeBootVolume(void);

/* => Returns the boot volume, or what stands in for it; NULL: there is neither. */
PDISK_DEVICE DiskBootVolume(void);

/* => Returns why the volume that the machine was started from is not used; NULL: it is. */
const char *DiskBootVolumeReason(void);

/* Print what is on each disk, and where the boot volume is.  => PASSIVE_LEVEL. */
void DiskPrintVolumes(RTL_PRINT_SINK *Sink, PVOID Context);

#endif
