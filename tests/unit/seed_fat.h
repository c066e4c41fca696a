/* SPDX-License-Identifier: MIT */
/*
 * seed_fat.h - small valid FAT volumes, to use and to damage.
 */
#ifndef TESTS_UNIT_SEED_FAT_H
#define TESTS_UNIT_SEED_FAT_H

#include "nt/types.h"

/* An empty volume.  Clusters decides the kind: below 4085 FAT12, below 65525 FAT16. */
typedef struct _SEED_FAT {
    ULONG SectorBytes;
    ULONG ClusterSectors;
    ULONG Clusters;
} SEED_FAT;

/* => Returns the sectors that it takes. */
ULONG SeedFatSectors(const SEED_FAT *Seed);

/* Where the FAT and the first cluster begin. */
ULONG SeedFatTable(const SEED_FAT *Seed);
ULONG SeedFatData(const SEED_FAT *Seed);

/* => Image is zero, SeedFatSectors long. */
void SeedFat(const SEED_FAT *Seed, PUCHAR Image);

#endif
