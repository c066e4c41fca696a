/* SPDX-License-Identifier: MIT */
/*
 * volume_bench.h - a machine with simulated disks, and the loader's word on which one it came from.
 */
#ifndef TESTS_UNIT_VOLUME_BENCH_H
#define TESTS_UNIT_VOLUME_BENCH_H

#include "boot_volume.h"
#include "disk/volume/boot_volume_i.h"
#include "ex.h"
#include "report.h"
#include "tests/host/disk.h"
#include "tests/unit/mm_world.h"
#include "tests/unit/seed_partition.h"

#define VOLUME_BENCH_DISKS  3u
#define VOLUME_BENCH_SERIAL 0x48590002u

extern HOST_DISK BenchDisks[VOLUME_BENCH_DISKS];
extern LOADER_BOOT_PARTITION BenchBoot; /* partition 3 of SeedGpt, with VOLUME_BENCH_SERIAL */

/* Power on with 8 MB of RAM, or so many frames. */
void VolumeBenchStart(void);
void VolumeBenchStartWith(ULONG Frames);

/* Add a disk of SEED_DISK_SECTORS sectors, all zero, called simulated0 and so on. */
SEED_DISK VolumeBenchAddDisk(void);

/* Write a FAT32 boot sector's serial number, and its mark, into a sector. */
void VolumeBenchPutSerial(SEED_DISK Disk, ULONG Sector, ULONG Serial);

/* Forget boot volume and disks, verify, power off.  => Nothing was written to any disk. */
void VolumeBenchFinish(void);

/* => Whether the console said Text. */
BOOLEAN VolumeBenchSaid(const char *Text);

#endif
