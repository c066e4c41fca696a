/* SPDX-License-Identifier: MIT */
/*
 * boot_volume_i.h - the boot volume, as the rest of disk/ may change it.
 */
#ifndef DISK_VOLUME_BOOT_VOLUME_I_H
#define DISK_VOLUME_BOOT_VOLUME_I_H

#include "disk.h"

/* Device stands in for the boot volume, which was not found. */
void DiskSetBootVolume(PDISK_DEVICE Device);

/* Forget it, and what is on the disks: for tests, where a new machine comes. */
void DiskForgetBootVolume(void);

#endif
