/* SPDX-License-Identifier: MIT */
/*
 * fat_world.h - a FAT volume on a simulated disk, on a machine with the whole memory manager.
 */
#ifndef TESTS_UNIT_FAT_WORLD_H
#define TESTS_UNIT_FAT_WORLD_H

#include "disk/fat/fat_i.h"
#include "tests/host/disk.h"
#include "tests/unit/mm_world.h"
#include "tests/unit/seed_fat.h"

extern const SEED_FAT FatWorldFat12; /* 300 clusters of 512 bytes */
extern const SEED_FAT FatWorldFat16; /* 4200 of 1024 */
extern const SEED_FAT FatWorldFat32; /* 65600 of 512 */
extern const SEED_FAT FatWorldLarge; /* FAT16, sectors of 4096 */

extern HOST_DISK FatDisk;
extern PFAT_VOLUME FatVolume;
extern PUCHAR FatBuffer; /* FAT_WORLD_BYTES of nonpaged pool */

#define FAT_WORLD_BYTES 65536u

/* An empty volume, mounted, on a disk that restricts writes.  Latency 0: requests complete at once. */
void FatWorldStart(const SEED_FAT *Seed, ULONG64 Latency);

/* Mount again what the disk holds. */
void FatWorldRemount(void);
void FatWorldFinish(void);

/* Create a file with Bytes bytes that begin with First and count up. */
void FatWorldPut(const char *Path, ULONG Bytes, UCHAR First);

/* => Whether the file holds just these. */
BOOLEAN FatWorldHolds(const char *Path, ULONG Bytes, UCHAR First);

/* Change an entry of both FATs on disk.  The volume forgets what it knew. */
void FatWorldBreakEntry(ULONG Cluster, ULONG Value);

#endif
