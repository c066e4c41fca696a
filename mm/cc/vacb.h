/* SPDX-License-Identifier: MIT */
/*
 * vacb.h - views: which of the cache's addresses show which part of which file.
 */
#ifndef MM_CC_VACB_H
#define MM_CC_VACB_H

#include "mm/cc/cache_map.h"

typedef struct _CC_VIEW_COUNTERS {
    ULONG Total;    /* views that the cache's addresses make */
    ULONG Free;     /* show nothing */
    ULONG Unused;   /* show something that nobody uses now */
    ULONG Peak;     /* that showed something at once */
    ULONG Maps;     /* views mapped, since the start */
    ULONG Hits;     /* uses that found their view */
    ULONG Reuses;   /* views taken from what they showed */
    ULONG Waits;    /* uses that waited for a view */
    ULONG Failures; /* views that could not be mapped */
} CC_VIEW_COUNTERS;

extern CC_VIEW_COUNTERS CcViewCounters;                       /* (M) */
extern LIST_ENTRY CciUnusedViews NT_GUARDED_BY(CcMasterLock); /* what was let go first is first */

/* => Once a machine.  STATUS_INSUFFICIENT_RESOURCES: no pool; no view fits. */
NT_MUST_CHECK NTSTATUS CciInitializeViews(void);

/*
 * Use the view of the file's byte at Offset: it stays where it is until CciReleaseView.
 *
 * A free view is taken, else the one that nobody has used for longest; when all are in use, and
 * Wait, the caller waits for one.
 *
 * => The map is referenced; Offset is inside its section.
 * => STATUS_CANT_WAIT (without Wait): no view, or this one is being mapped.  Why it could not be
 *    mapped.
 */
NT_MUST_CHECK NTSTATUS CciUseView(PSHARED_CACHE_MAP Map, LONGLONG Offset, BOOLEAN Wait, PVACB *Vacb)
    NT_NOT_HOLDING(CcMasterLock);

/* The same for who has the lock, which is given up.  => OldIrql is CciLock's. */
NT_MUST_CHECK NTSTATUS CciUseViewAndUnlock(PSHARED_CACHE_MAP Map, LONGLONG Offset, BOOLEAN Wait,
                                           KIRQL OldIrql, PVACB *Vacb) NT_RELEASES(CcMasterLock);
void CciReleaseView(PVACB Vacb) NT_NOT_HOLDING(CcMasterLock);

/* One use more of a view that shows something. */
static inline void CciReferenceView(PVACB Vacb) NT_HOLDS(CcMasterLock)
{
    PSHARED_CACHE_MAP Map = Vacb->SharedCacheMap;

    MI_ASSERT(!Vacb->Busy && Map != NULL);
    Map->ActiveViews++;
    if (CC_LIKELY(Vacb->ActiveCount++ == 0)) {
        RemoveEntryList(&Vacb->LruList);
        CcViewCounters.Unused--;
    }
}

/* One use less, for who has the lock; whoever waits is told by the caller.  => It was the last. */
static inline BOOLEAN CciDropView(PVACB Vacb) NT_HOLDS(CcMasterLock)
{
    PSHARED_CACHE_MAP Map = Vacb->SharedCacheMap;

    MI_ASSERT(Map->ActiveViews != 0);
    Map->ActiveViews--;
    if (!CC_LIKELY(Vacb->ActiveCount == 1)) {
        MI_ASSERT(Vacb->ActiveCount != 0);
        Vacb->ActiveCount--;
        return FALSE;
    }
    Vacb->ActiveCount = 0;
    InsertTailList(&CciUnusedViews, &Vacb->LruList);
    CcViewCounters.Unused++;
    return TRUE;
}

static inline BOOLEAN CciIsInView(const VACB *Vacb, LONGLONG Offset) NT_HOLDS(CcMasterLock)
{
    return (ULONG)(Vacb->FileOffset >> 32) == (ULONG)(Offset >> 32) &&
           ((ULONG)Vacb->FileOffset ^ (ULONG)Offset) < VACB_MAPPING_GRANULARITY;
}

/* => The view that shows the file's byte at Offset, unless it is busy; NULL: none does. */
PVACB CciFindMappedView(PSHARED_CACHE_MAP Map, LONGLONG Offset) NT_HOLDS(CcMasterLock);

/* The same; most look where the one before looked. */
static inline PVACB CciFindReadyView(PSHARED_CACHE_MAP Map, LONGLONG Offset) NT_HOLDS(CcMasterLock)
{
    PVACB Last = Map->LastView;

    return Last != NULL && CciIsInView(Last, Offset) ? Last : CciFindMappedView(Map, Offset);
}

/* => The address of a byte that the view shows. */
static inline PUCHAR CciViewAddress(const VACB *Vacb, LONGLONG Offset)
{
    return (PUCHAR)Vacb->BaseAddress + (ULONG)(Offset - Vacb->FileOffset);
}

/* => Bytes from Offset to the end of its view, Bytes at most. */
static inline ULONG CciBytesInView(LONGLONG Offset, LONGLONG Bytes)
{
    ULONG Rest = VACB_MAPPING_GRANULARITY - ((ULONG)Offset & (VACB_MAPPING_GRANULARITY - 1));

    return Bytes < Rest ? (ULONG)Bytes : Rest;
}

/*
 * Unmap the views of the slots [First, End) that are not in use.
 *
 * => Lets go of the lock meanwhile, and takes it again.  The map stays.
 * => TRUE: none is left there.  FALSE: one is in use.
 */
BOOLEAN CciUnmapViews(PSHARED_CACHE_MAP Map, ULONG64 First, ULONG64 End, PKIRQL OldIrql)
    NT_HOLDS(CcMasterLock);

/* => The n-th view, for those who look at all; NULL: there are no more. */
const VACB *CciViewNumber(ULONG Number);

/* Check W1 to W5 of vacb.c. */
void CciVerifyViews(void) NT_HOLDS(CcMasterLock);

#endif
