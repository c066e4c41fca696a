/* SPDX-License-Identifier: MIT */
/*
 * drivers.h - the drivers, as the one who looks for controllers sees them, and what they call.
 */
#ifndef DISK_DRIVER_DRIVERS_H
#define DISK_DRIVER_DRIVERS_H

#include "disk_drivers.h"
#include "pci.h"

#define DRIVER_NAME_BYTES 16u

/*
 * Drive the controller F, the driver's Number-th, and add its disks.
 *
 * => PASSIVE_LEVEL.  On failure F has no driver and accesses no memory.  STATUS_NO_SUCH_DEVICE:
 *    there is no disk on it; STATUS_DEVICE_UNREACHABLE: its registers cannot be mapped.
 */
typedef NTSTATUS DRIVER_ADD_DEVICE(HAL_PCI_FUNCTION F, ULONG Number);

DRIVER_ADD_DEVICE VirtioBlkAddDevice;
DRIVER_ADD_DEVICE AhciAddDevice;
DRIVER_ADD_DEVICE NvmeAddDevice;
DRIVER_ADD_DEVICE XhciAddDevice;

/* The USB controller F is ours, not the firmware's.  => PASSIVE_LEVEL, before XhciAddDevice. */
void XhciTakeFromFirmware(HAL_PCI_FUNCTION F);

/* A disk was found; it stays.  => PASSIVE_LEVEL.  It is Restricted. */
void DriverAddDisk(PDISK_DEVICE Disk);

/* A controller is told that the machine is about to be switched off.  => As DiskStopDrivers. */
typedef void DRIVER_STOP(PVOID Context);

/* => PASSIVE_LEVEL.  Beyond PCI_DRIVEN_FUNCTIONS they are not told. */
void DriverAddStop(DRIVER_STOP *Stop, PVOID Context);
/* Its name and size, a line of its own. */
void DriverPrintDisk(PDISK_DEVICE Disk);

/* Forget all disks: for tests, where a new machine comes. */
void DriverForgetDisks(void);

#endif
