/* SPDX-License-Identifier: MIT */
/*
 * boot_volume_i.h - forgetting the boot volume: for tests, where a new machine comes.
 */
#ifndef DISK_VOLUME_BOOT_VOLUME_I_H
#define DISK_VOLUME_BOOT_VOLUME_I_H

void DiskForgetBootVolume(void);

#endif
