/* SPDX-License-Identifier: MIT */
/*
 * ram_disk.h - a disk made of RAM, for machines whose own disk cannot be reached.
 */
#ifndef DISK_VOLUME_RAM_DISK_H
#define DISK_VOLUME_RAM_DISK_H

#include "disk.h"

#define DISK_RAM_LEAST_BYTES 0x800000u  /* 8 MB */
#define DISK_RAM_MOST_BYTES  0x4000000u /* 64 MB */

/* => Returns the bytes of a RAM disk for a machine of RamPages: an eighth, within the bounds. */
ULONG DiskRamDiskBytes(ULONG RamPages);

/*
 * Make a disk of Bytes bytes, all zero, in locked memory.
 *
 * => PASSIVE_LEVEL.  Bytes is a whole number of pages, at most DISK_RAM_MOST_BYTES.
 * => STATUS_INSUFFICIENT_RESOURCES: nothing was allocated.
 */
NT_MUST_CHECK NTSTATUS DiskCreateRamDisk(ULONG Bytes, PDISK_DEVICE *Device);

/* => No request is under way, nor will there be one. */
void DiskDeleteRamDisk(PDISK_DEVICE Device);

#endif
