/* SPDX-License-Identifier: MIT */
/*
 * read_ahead.h - seeing what will be read next.
 */
#ifndef MM_CC_READ_AHEAD_H
#define MM_CC_READ_AHEAD_H

#include "mm/cc/cache_map.h"

typedef struct _CC_READ_AHEAD_COUNTERS {
    ULONG Scheduled; /* work for a worker thread */
    ULONG Pages;     /* touched by it */
    ULONG Refused;   /* the file system's lock was not to be had */
    ULONG Failed;    /* a page could not be read; whoever reads it will hear why */
} CC_READ_AHEAD_COUNTERS;

extern CC_READ_AHEAD_COUNTERS CcReadAheadCounters; /* (M) */

/* => FileObject is cached; the range is inside the file. */
void CciNoteRead(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length)
    NT_NOT_HOLDING(CcMasterLock);

/*
 * The same in two steps, for who has the lock.
 *
 * => TRUE: CciStartReadAhead is to be called, without the lock.
 */
NT_MUST_CHECK BOOLEAN CciNoteReadHeld(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length)
    NT_HOLDS(CcMasterLock);
void CciStartReadAhead(PFILE_OBJECT FileObject) NT_NOT_HOLDING(CcMasterLock);

#endif
