/* SPDX-License-Identifier: MIT */
/*
 * dirty.h - which pages the file does not have yet, and writing them.
 */
#ifndef MM_CC_DIRTY_H
#define MM_CC_DIRTY_H

#include "mm/cc/cache_map.h"

typedef struct _CC_DIRTY_COUNTERS {
    ULONG Dirtied;      /* pages that became dirty, since the start */
    ULONG Written;      /* pages written, since the start */
    ULONG Writes;       /* flushes of the section that wrote them */
    ULONG FailedWrites; /* of these, that failed: their pages are dirty again */
    ULONG LazyWrites;   /* writes of the lazy writer */
    ULONG LazyPages;    /* pages that it wrote */
    ULONG LazyScans;    /* its rounds with something dirty */
    ULONG Deferred;     /* writers that were held back */
} CC_DIRTY_COUNTERS;

#define CC_NO_THRESHOLD 0xFFFFFFFFu /* nobody waits, whatever a file's own threshold is */

extern CC_DIRTY_COUNTERS CcDirtyCounters; /* (M) */
extern ULONG CcTotalDirtyPages;           /* (M) */
extern ULONG CcDirtyPageThreshold;        /* (M) writers wait while so many would be dirty */

/* => RamPages / 2, as documented, is the threshold. */
void CciInitializeDirty(ULONG RamPages) NT_HOLDS(CcMasterLock);

/*
 * The pages of [Offset, Offset + Bytes) are dirty.
 *
 * => All in one view, which is in use.
 */
void CciSetDirty(PSHARED_CACHE_MAP Map, LONGLONG Offset, ULONG Bytes) NT_NOT_HOLDING(CcMasterLock);

/* What CciWriteDirty is to do. */
typedef struct _CC_WRITE {
    LONGLONG Offset; /* the range */
    LONGLONG End;
    ULONG MostPages;    /* stop when so many were written */
    BOOLEAN PassPinned; /* leave pages that are pinned alone */
    ULONG Pages;        /* out: written */
    LONGLONG LastFrom;  /* out: the first byte of the last write, which may have failed */
} CC_WRITE, *PCC_WRITE;

/*
 * Write dirty pages of a range.  Without PassPinned it waits for those that others are writing.
 *
 * => The map is referenced.  Returns the first failure: those pages are dirty again, the map's
 *    Status remembers it.
 */
NTSTATUS CciWriteDirty(PSHARED_CACHE_MAP Map, PCC_WRITE Write) NT_NOT_HOLDING(CcMasterLock);

/*
 * Forget dirty pages and the views of a range that begins and ends with whole pages, then let the
 * section forget its pages.  End LLONG_MAX: to the end.
 *
 * => The map is referenced.  FALSE: CcPurgeCacheSection's.
 */
BOOLEAN CciPurge(PSHARED_CACHE_MAP Map, LONGLONG Offset, LONGLONG End) NT_NOT_HOLDING(CcMasterLock);

/* Purge from the first whole page behind Size on; what counts of the page before stays. */
BOOLEAN CciForgetBehind(PSHARED_CACHE_MAP Map, LONGLONG Size) NT_NOT_HOLDING(CcMasterLock);

/* Pages of a slot that BCBs cover, as bits: pin.c. */
ULONG64 CciPinnedPages(const SHARED_CACHE_MAP *Map, ULONG64 Number) NT_HOLDS(CcMasterLock);

#endif
