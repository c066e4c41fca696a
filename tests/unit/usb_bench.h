/* SPDX-License-Identifier: MIT */
/*
 * usb_bench.h - a started machine with a USB host, and devices to plug into it.
 */
#ifndef TESTS_UNIT_USB_BENCH_H
#define TESTS_UNIT_USB_BENCH_H

#include "tests/host/usb_devices.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

extern USB_MOCK Mock;

/* A machine, and a host with nothing on it that is not started. */
void UsbBenchStart(void);

/* What UsbStartHost does.  => The first disk found, or NULL. */
PDISK_DEVICE UsbBenchStartHost(void);

/* Everything completed, verified, forgotten. */
void UsbBenchFinish(void);

void UsbBenchSleep(ULONG Milliseconds);

/* => Whether the console has said so since UsbBenchStart. */
BOOLEAN UsbBenchSaid(const char *Text);

/* Write Sectors of a pattern, read them back, compare.  => The first status that is no success. */
NTSTATUS UsbBenchRoundTrip(PDISK_DEVICE Disk, ULONG64 Sector, ULONG Sectors);

/* => Returns the disk after After (NULL: the first), or NULL. */
PDISK_DEVICE UsbBenchDisk(PDISK_DEVICE After);

#endif
