/* SPDX-License-Identifier: MIT */
/*
 * system_volume.h - the boot volume, mounted: C:.
 *
 * The link \??\C: leads to the device that IoSystemVolume returns.
 */
#ifndef SYSTEM_VOLUME_H
#define SYSTEM_VOLUME_H

#include "io.h"

/*
 * Start the I/O manager and the FAT driver, and mount the boot volume as \Device\HarddiskVolume1.
 * Prints what it found.
 *
 * => PASSIVE_LEVEL, once, after FatReplaceBootVolume.
 */
void IoMountSystemVolume(void);

/*
 * The machine ends: bring every volume to order.  Says when that failed.
 *
 * => PASSIVE_LEVEL.  Nothing happens where IoMountSystemVolume did not get as far as that.
 */
void IoShutdownVolumes(void);

/* => Returns the volume; NULL: it is not mounted. */
PDEVICE_OBJECT IoSystemVolume(void);

#endif
