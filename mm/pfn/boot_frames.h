/* SPDX-License-Identifier: MIT */
/*
 * boot_frames.h - frames before there is a database to take them from.
 */
#ifndef MM_PFN_BOOT_FRAMES_H
#define MM_PFN_BOOT_FRAMES_H

#include "loader.h"
#include "nt/types.h"

/*
 * Remember the loader's runs: in any order, disjoint, with any holes.
 *
 * => Runs stays valid until MiInitializePfnDatabase.
 */
void MiInitializeBootFrames(const LOADER_MEMORY_RUN *Runs, ULONG Count);

/*
 * Take Pages contiguous frames from the highest place in LoaderFree memory that has them, below
 * 4 GB.  Frame 0 is never handed out.  They are nobody's but the caller's: the database will say
 * Active.
 *
 * => Pages >= 1; AlignPages is a power of two: the first frame is a multiple of it.  Called after
 *    MiInitializeBootFrames and before MiInitializePfnDatabase.
 * => Returns the first frame; MI_NO_FRAME when there is no such place.
 */
PFN_NUMBER MiTakeBootFrames(ULONG Pages, ULONG AlignPages);

/* ---- for pfn_database.c ---- */

typedef struct _MI_BOOT_RANGE {
    PFN_NUMBER First;
    ULONG Pages;
} MI_BOOT_RANGE, *PMI_BOOT_RANGE;

#define MI_BOOT_RANGES 64 /* neighbours are merged: far more than boot makes */

typedef struct _MI_BOOT_FRAMES {
    const LOADER_MEMORY_RUN *Runs; /* NULL: not yet, or no longer */
    ULONG RunCount;
    ULONG TakenCount;
    MI_BOOT_RANGE Taken[MI_BOOT_RANGES];
} MI_BOOT_FRAMES, *PMI_BOOT_FRAMES;

extern MI_BOOT_FRAMES MiBootFrames;

/* => Returns whether MiTakeBootFrames handed Frame out. */
BOOLEAN MiIsBootFrame(PFN_NUMBER Frame);

/* Clip Run to the frames below 4 GB.  => Returns FALSE when nothing is left. */
BOOLEAN MiClipLoaderRun(const LOADER_MEMORY_RUN *Run, PMI_BOOT_RANGE Range);

#endif
