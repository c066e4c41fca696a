/* SPDX-License-Identifier: MIT */
/*
 * seed_partition.h - valid partition tables, to read and to damage.
 */
#ifndef TESTS_UNIT_SEED_PARTITION_H
#define TESTS_UNIT_SEED_PARTITION_H

#include "nt/types.h"

#define SEED_DISK_SECTORS 2048u

/* The disk that both tables describe: sectors of SectorBytes bytes at Image. */
typedef struct _SEED_DISK {
    PUCHAR Image;
    ULONG SectorBytes;
} SEED_DISK;

/* Two partitions: number 1 is [100, 200), 3 is [512, 1024).  GUIDs are 16 times 0x11 and 0x33. */
void SeedGpt(SEED_DISK Disk);

/* Make the checksums of the header in Sector, and of its array, right again. */
void SeedSealGpt(SEED_DISK Disk, ULONG Sector);

/*
 * Number 1 is [100, 200), 5 is [301, 400) and 6 is [411, 500) in an extended one [300, 600); the
 * signature is 4D 3C 2B 1A.
 */
void SeedMbr(SEED_DISK Disk);

void SeedPut32(PUCHAR At, ULONG Value);
void SeedPut64(PUCHAR At, ULONG64 Value);

/* Where things are. */
#define SEED_GPT_ARRAY        2u
#define SEED_GPT_BACKUP       (SEED_DISK_SECTORS - 1)
#define SEED_GPT_BACKUP_ARRAY (SEED_DISK_SECTORS - 33)
#define SEED_GPT_ENTRIES      16u /* few, so that checksums cost a fuzzer little */
#define SEED_GPT_ENTRY_BYTES  128u

#endif
