/* SPDX-License-Identifier: MIT */
/*
 * lazy_writer.h - the lazy writer, and the writers that wait for it.
 */
#ifndef MM_CC_LAZY_WRITER_H
#define MM_CC_LAZY_WRITER_H

#include "mm/cc/cache_map.h"

/*
 * One round: write a share of what is dirty.  => No lock; the lazy writer's thread, or a test that
 * has none.  Returns the pages written.
 */
ULONG CciLazyWriteRound(void) NT_NOT_HOLDING(CcMasterLock);

/* Have a round made at once.  => Any lock. */
void CciWakeLazyWriter(void);

/* Nobody waits; no round was made.  => At the start. */
void CciInitializeLazyWriter(void) NT_HOLDS(CcMasterLock);
void CciInitializeThrottle(void) NT_HOLDS(CcMasterLock);

/* => Writers are held back. */
BOOLEAN CciAreWritersDeferred(void) NT_HOLDS(CcMasterLock);

/* Let those go on that may: less is dirty now. */
void CciPostDeferredWrites(void) NT_NOT_HOLDING(CcMasterLock);

/* What !defwrites shows of each writer that is held back.  => Calls Visit under the lock. */
typedef void CC_VISIT_DEFERRED(PVOID Context, PFILE_OBJECT FileObject, ULONG Bytes, BOOLEAN Thread);
void CciVisitDeferred(CC_VISIT_DEFERRED *Visit, PVOID Context) NT_HOLDS(CcMasterLock);

#endif
