/* SPDX-License-Identifier: MIT */
/*
 * io_world.h - a machine with the I/O manager, the FAT driver, and a volume on a simulated disk.
 */
#ifndef TESTS_UNIT_IO_WORLD_H
#define TESTS_UNIT_IO_WORLD_H

#include "io.h"
#include "tests/host/disk.h"
#include "tests/unit/mm_world.h"
#include "tests/unit/seed_fat.h"

extern const SEED_FAT IoWorldFat12; /* 1000 clusters of 512 bytes */
extern const SEED_FAT IoWorldFat16; /* 8400 of 1024 */
extern const SEED_FAT IoWorldLarge; /* FAT16, sectors of 4096 */

extern HOST_DISK IoDisk;
extern PDEVICE_OBJECT IoVolume; /* from IoMountVolume */
extern PUCHAR IoBuffer;         /* IO_WORLD_BYTES of nonpaged pool */

#define IO_WORLD_BYTES 0x20000u
#define IO_WORLD_TAG   0x74736554u /* 'Test' */
#define IO_ALL_ACCESS  (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)
#define IO_SHARE_ALL   (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* The machine, its clock and the I/O manager; no driver but the disk's. */
void IoWorldPowerOn(void);
/* => No driver is left but the disk's. */
void IoWorldPowerOff(void);

/* The same with the FAT driver and an empty volume, mounted.  Seed as HostDiskCreate. */
void IoWorldStart(const SEED_FAT *Fat, ULONG64 Seed);
void IoWorldFinish(void);

/* Dismount and mount. */
void IoWorldRemount(void);

/* Open with all access, shared with everybody. */
NTSTATUS IoWorldOpen(PCSTR Path, ULONG Disposition, ULONG Options, PFILE_OBJECT *File);

/* Write a file of Bytes that begin with First and count up. */
void IoWorldPut(PCSTR Path, ULONG Bytes, UCHAR First);
/* => Whether the file holds just these. */
BOOLEAN IoWorldHolds(PCSTR Path, ULONG Bytes, UCHAR First);

/* The n-th byte of what IoWorldPut writes. */
UCHAR IoWorldByte(ULONG Index, UCHAR First);

/* Nonpaged bytes in use now, free caches returned. */
ULONG IoWorldPoolBytes(void);

#endif
