/* SPDX-License-Identifier: MIT */
/*
 * storage_plan.h - what the storage run does to which file, and what each byte of a file is.
 *
 * All of it follows from two numbers, so that whoever looks at the disk afterwards can know it
 * too: tests/boot/storage_plan.py says the same.
 */
#ifndef MM_INSPECT_STORAGE_PLAN_H
#define MM_INSPECT_STORAGE_PLAN_H

#include "nt/types.h"

#define MI_STORAGE_NAME_BYTES   300u
#define MI_STORAGE_PATTERN      65536u /* bytes before contents repeat, but for their stamps */
#define MI_STORAGE_SECTOR_BYTES 512u   /* each begins with a stamp of file, version and position */
#define MI_STORAGE_MOST_FILES   2000u

typedef struct _MI_STORAGE_PLAN {
    ULONG Seed;
    ULONG Budget;   /* bytes to write at first, roughly */
    ULONG Files;    /* numbered from 0 */
    ULONG Bytes;    /* of them all */
    PUCHAR Pattern; /* MI_STORAGE_PATTERN bytes, the caller's */
} MI_STORAGE_PLAN, *PMI_STORAGE_PLAN;

/* What happens to a file after it was written and read back. */
typedef enum _MI_STORAGE_CHANGE {
    MiStorageDelete,
    MiStorageRename,  /* in another folder */
    MiStorageCut,     /* to fewer bytes, or none */
    MiStorageAppend,  /* bytes of version 1 behind its end */
    MiStorageStretch, /* by zeros */
    MiStorageReplace, /* bytes in its middle by version 1 */
    MiStorageKeep
} MI_STORAGE_CHANGE;

typedef struct _MI_STORAGE_FILE {
    ULONG Number;
    ULONG Bytes; /* at first */
    MI_STORAGE_CHANGE Change;
    ULONG ChangeAt;    /* where it begins */
    ULONG ChangeBytes; /* how much is appended, stretched or replaced */
    ULONG FinalBytes;  /* after it */
} MI_STORAGE_FILE, *PMI_STORAGE_FILE;

/* => Seed, Budget and Pattern are set; the rest is computed, the pattern filled. */
void MiPlanStorage(PMI_STORAGE_PLAN Plan);

void MiPlanStorageFile(const MI_STORAGE_PLAN *Plan, ULONG Number, PMI_STORAGE_FILE File);

/* => Path is MI_STORAGE_NAME_BYTES long, UTF-8, from the volume's root. */
void MiStoragePath(const MI_STORAGE_PLAN *Plan, ULONG Number, BOOLEAN Renamed, char *Path);

/* The folders that hold the files, parents first.  => NULL behind the last. */
const char *MiStorageFolder(ULONG Index);

/* Bytes Offset and on of the file, as they were written at first (0) or by its change (1). */
void MiStorageContents(const MI_STORAGE_PLAN *Plan, ULONG Number, ULONG Version, ULONG Offset,
                       PUCHAR Buffer, ULONG Bytes);

/* The same as they have to be: Changed, after the file's change; zeros where it was stretched. */
void MiStorageExpected(const MI_STORAGE_PLAN *Plan, const MI_STORAGE_FILE *File, BOOLEAN Changed,
                       ULONG Offset, PUCHAR Buffer, ULONG Bytes);

/* How much to write or read at once at Offset: 1 byte to Most.  Salt: which of several passes. */
ULONG MiStoragePiece(const MI_STORAGE_PLAN *Plan, ULONG Number, ULONG Offset, ULONG Salt,
                     ULONG Most);

#endif
