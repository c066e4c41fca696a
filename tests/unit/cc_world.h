/* SPDX-License-Identifier: MIT */
/*
 * cc_world.h - files in memory behind mm/section/cache_view.h, to try the system cache on.
 *
 * A file is its bytes "on the disk" and the pages that are "in memory" (nonpaged pool), which its
 * views map.  A page that is not in memory is read at the first touch; a page is mapped for reading
 * until it is written to, so that who modified what is known; a flush copies modified pages to the
 * disk.  Every call can be made to fail.
 */
#ifndef TESTS_UNIT_CC_WORLD_H
#define TESTS_UNIT_CC_WORLD_H

#include "cc.h"
#include "mm/cc/cc_verify.h"
#include "mm/cc/copy.h"
#include "mm/cc/dirty.h"
#include "mm/cc/lazy_writer.h"
#include "mm/cc/read_ahead.h"
#include "mm/cc/vacb.h"
#include "mm/cc/view_index.h"
#include "tests/unit/mm_world.h"
#include "verify.h"

#define CC_WORLD_PAGES   4096u /* of a file that have a place on the disk */
#define CC_WORLD_OPENS   4u
#define CC_WORLD_FILES   4u
#define CC_WORLD_SECTOR  512u
#define CC_WORLD_FOREVER 0xFFFFFFFFu

/* What can fail. */
typedef enum _CC_WORLD_CALL {
    CcWorldCreate,
    CcWorldExtend,
    CcWorldMap,
    CcWorldCopy,
    CcWorldRead,
    CcWorldFlush,
    CcWorldPurge,
    CcWorldPageWrite,
    CcWorldCalls
} CC_WORLD_CALL;

/* The n-th call from now on fails, and Repeat - 1 more of them; 0: none. */
typedef struct _CC_WORLD_FAILURE {
    ULONG Nth;
    ULONG Repeat;
} CC_WORLD_FAILURE;

extern CC_WORLD_FAILURE CcWorldFail[CcWorldCalls];
extern ULONG CcWorldCounts[CcWorldCalls]; /* calls so far; of reads and flushes: pages */
extern BOOLEAN CcWorldYields;             /* calls let other threads run, as the disk does */
extern ULONG CcWorldLocks;                /* callbacks' acquisitions that were not released */
extern BOOLEAN CcWorldRefuses;            /* callbacks refuse */

typedef struct _CC_WORLD_FILE {
    PFILE_OBJECT Object[CC_WORLD_OPENS];
    SECTION_OBJECT_POINTERS Pointers;
    ULONG Bytes;      /* the file's length on the disk */
    PUCHAR Disk;      /* CC_WORLD_PAGES pages */
    PUCHAR *Page;     /* those in memory, or NULL */
    PUCHAR Modified;  /* flags */
    LONGLONG Section; /* bytes of its section; 0: there is none */
    ULONG Sections;   /* references */
    ULONG Views;      /* mapped now */
    LONGLONG Valid;   /* its valid data length when it is cached; 0: not kept */
    BOOLEAN UserView; /* a user's view is in the way of a purge */
} CC_WORLD_FILE;

extern CC_WORLD_FILE CcWorldFile[CC_WORLD_FILES];

/* The machine with its cache, empty files. */
void CcWorldStart(void);
/* => All files are closed; nothing leaked. */
void CcWorldFinish(void);

/* The same with threads for work items and the lazy writer. */
void CcWorldStartThreads(void);

/* Make a file Bytes long on the disk: byte n is CcWorldByte(n); cache it for Object[0]. */
CC_WORLD_FILE *CcWorldOpen(ULONG File, ULONG Bytes);
UCHAR CcWorldByte(ULONG Offset);
NTSTATUS CcWorldCache(CC_WORLD_FILE *File, ULONG Open);
void CcWorldClose(CC_WORLD_FILE *File, ULONG Open);

/* What CcTryCopyRead, CcTryCopyWrite say for Object[0], waiting. */
NTSTATUS CcWorldReadBytes(CC_WORLD_FILE *File, ULONG Offset, ULONG Bytes, PVOID Buffer);
NTSTATUS CcWorldWriteBytes(CC_WORLD_FILE *File, ULONG Offset, ULONG Bytes, const void *Buffer);
NTSTATUS CcWorldSetSize(CC_WORLD_FILE *File, ULONG Bytes);
NTSTATUS CcWorldFlushAll(CC_WORLD_FILE *File);

/* Fill with a byte; whether all bytes are it. */
NTSTATUS CcWorldFill(CC_WORLD_FILE *File, ULONG Offset, ULONG Bytes, UCHAR Byte);
BOOLEAN CcWorldDiskIs(CC_WORLD_FILE *File, ULONG Offset, ULONG Bytes, UCHAR Byte);

/* Take all pages of a file out of memory that may go; modified ones are written first. */
void CcWorldTrim(CC_WORLD_FILE *File);

ULONG CcWorldPagesInMemory(CC_WORLD_FILE *File);

#endif
