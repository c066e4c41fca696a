/* SPDX-License-Identifier: MIT */
/*
 * vacb.c - the array of views and what each of them shows.
 *
 *     free      shows nothing                 on CcipFree
 *     unused    shows a part of a file        on CciUnusedViews, the first let go first
 *     in use    the same, ActiveCount > 0     on no list
 *     busy      being mapped or unmapped      on no list; one thread works on it, without the lock
 *
 *     free, unused -> busy -> in use    CciUseView
 *     unused <-> in use                 CciUseView, CciReleaseView
 *     unused -> busy -> free            CciUnmapViews; a view that could not be mapped
 *
 * A view is reused in two steps, unmapping and mapping.  Its old slot is empty from the beginning
 * of the first: whoever wants that range again gets another view of the same pages.  Its new slot
 * names it from the beginning: whoever wants that range meanwhile waits.
 *
 * What was written through a view that is being unmapped is known to its pages only when that is
 * done: the map counts it in LeavingViews, and who writes or forgets pages waits for 0.
 *
 * Invariants (checked by CciVerifyViews; W6 by CciVerifyCache):
 *   W1  a view is in exactly one of the four states, and on that state's list
 *   W2  a view that shows something is named by its slot, and by no other
 *   W3  a map's Views and ActiveViews count its views and their uses
 *   W4  Free and Unused of CcViewCounters count the lists
 *   W5  what a view shows lies inside the section
 *   W6  a map's LastView, if it has one, shows something of it and is not busy
 *
 *
 * Locking: CcMasterLock; mapping and unmapping is done without it.
 */
#include "mm/cc/vacb.h"

#include "ex.h"
#include "mm/cc/view_index.h"
#include "mm/sysva/layout.h"
#include "rtl.h"

CC_VIEW_COUNTERS CcViewCounters;
LIST_ENTRY CciUnusedViews;

static PVACB CcipViews; /* (I) CcViewCounters.Total of them */
static LIST_ENTRY CcipFree NT_GUARDED_BY(CcMasterLock);

static ULONG64 CcipNumber(LONGLONG Offset)
{
    return (ULONG64)Offset >> VACB_OFFSET_SHIFT;
}

/* ---- the start ---- */

static const MI_REGION CcipRegions[] = {MiRegionSystemCache, MiRegionCacheExtension};

/* => Views that fit into a region; *First is where the first begins. */
static ULONG CcipRegionViews(MI_REGION Region, ULONG_PTR *First)
{
    const MI_RANGE *Range = &MiLayout.Region[Region];
    ULONG Skip;

    *First = ROUND_UP(Range->Start, (ULONG_PTR)VACB_MAPPING_GRANULARITY);
    Skip = (ULONG)(*First - Range->Start);
    return Range->Bytes <= Skip ? 0 : (Range->Bytes - Skip) >> VACB_OFFSET_SHIFT;
}

static PVACB CcipAddRegion(PVACB Vacb, MI_REGION Region) NT_HOLDS(CcMasterLock)
{
    ULONG_PTR Va;
    ULONG Views = CcipRegionViews(Region, &Va);

    for (; Views != 0; Views--, Vacb++, Va += VACB_MAPPING_GRANULARITY) {
        *Vacb = (VACB){.BaseAddress = (PVOID)Va};
        InsertTailList(&CcipFree, &Vacb->LruList);
        CcViewCounters.Free++;
    }
    return Vacb;
}

NTSTATUS CciInitializeViews(void)
{
    ULONG Total = 0;
    PVACB Vacb;
    ULONG_PTR Va;
    KIRQL OldIrql;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(CcipRegions); i++) {
        Total += CcipRegionViews(CcipRegions[i], &Va);
    }
    Vacb =
        Total == 0 ? NULL : ExAllocatePoolWithTag(NonPagedPool, Total * sizeof(VACB), CC_TAG_VIEWS);
    if (Vacb == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    OldIrql = CciLock();
    CcViewCounters = (CC_VIEW_COUNTERS){.Total = Total};
    InitializeListHead(&CcipFree);
    InitializeListHead(&CciUnusedViews);
    CcipViews = Vacb;
    for (i = 0; i < RTL_NUMBER_OF(CcipRegions); i++) {
        Vacb = CcipAddRegion(Vacb, CcipRegions[i]);
    }
    CciUnlock(OldIrql);
    return STATUS_SUCCESS;
}

/* ---- slots and states ---- */

/* The view shows nothing from now on.  => It is not in use; it is on no list afterwards. */
static void CcipDetach(PVACB Vacb) NT_HOLDS(CcMasterLock)
{
    PSHARED_CACHE_MAP Map = Vacb->SharedCacheMap;
    ULONG64 Number = CcipNumber(Vacb->FileOffset);
    PCC_SLOT Slot = CciFindSlot(Map, Number);

    MI_ASSERT(Slot != NULL && Slot->Vacb == Vacb && Vacb->ActiveCount == 0); /* W2 */
    Slot->Vacb = NULL;
    CciSlotChanged(Map, Number);
    Map->Views--;
    Map->LastView = Map->LastView == Vacb ? NULL : Map->LastView; /* W6 */
    Vacb->SharedCacheMap = NULL;
}

static void CcipMakeFree(PVACB Vacb) NT_HOLDS(CcMasterLock)
{
    Vacb->Busy = FALSE;
    InsertTailList(&CcipFree, &Vacb->LruList);
    CcViewCounters.Free++;
    CciSignalChange();
}

/* => A view that is busy now; *Shown: whose data it shows still, or NULL.  NULL: all are in use. */
static PVACB CcipTakeView(PSHARED_CACHE_MAP *Shown) NT_HOLDS(CcMasterLock)
{
    BOOLEAN Mapped = IsListEmpty(&CcipFree);
    PVACB Vacb;

    *Shown = NULL;
    if (Mapped && IsListEmpty(&CciUnusedViews)) {
        return NULL;
    }
    Vacb = CONTAINING_RECORD(RemoveHeadList(Mapped ? &CciUnusedViews : &CcipFree), VACB, LruList);
    if (Mapped) {
        *Shown = Vacb->SharedCacheMap;
        (*Shown)->LeavingViews++;
        CcViewCounters.Unused--;
        CcViewCounters.Reuses++;
        CcipDetach(Vacb);
    } else {
        CcViewCounters.Free--;
    }
    Vacb->Busy = TRUE;
    return Vacb;
}

static void CcipCountMapped(void) NT_HOLDS(CcMasterLock)
{
    ULONG Mapped = CcViewCounters.Total - CcViewCounters.Free;

    CcViewCounters.Peak = CcViewCounters.Peak < Mapped ? Mapped : CcViewCounters.Peak;
}

void CciReleaseView(PVACB Vacb)
{
    KIRQL OldIrql = CciLock();
    PSHARED_CACHE_MAP Map = Vacb->SharedCacheMap;

    if (CciDropView(Vacb)) {
        CciSignalChange();
    }
    (void)CciUnlockMap(Map, OldIrql);
}

/* ---- mapping ---- */

/* What a view showed before it is reused.  => LeavingViews counts it; the map may be gone then. */
static void CcipLeave(PVACB Vacb, PSHARED_CACHE_MAP Shown) NT_NOT_HOLDING(CcMasterLock)
{
    KIRQL OldIrql;

    CciCalls->MmUnmapViewInSystemCache(Vacb->BaseAddress, VACB_MAPPING_GRANULARITY);
    OldIrql = CciLock();
    Shown->LeavingViews--;
    CciSignalChange();
    (void)CciUnlockMap(Shown, OldIrql);
}

/*
 * Let Slot's range be shown by Vacb, which is busy, instead of what is Shown there (NULL: nothing).
 * The lock is given up while it is mapped.
 *
 * => Takes over the lock.
 */
static NTSTATUS CcipMap(PSHARED_CACHE_MAP Map, LONGLONG Offset, PVACB Vacb, PSHARED_CACHE_MAP Shown,
                        KIRQL OldIrql) NT_RELEASES(CcMasterLock)
{
    ULONG64 Number = CcipNumber(Offset);
    PCC_SLOT Slot = CciMakeSlot(Map, Number);
    NTSTATUS Status = Slot == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;

    if (Slot != NULL) {
        Slot->Vacb = Vacb;
        CciSlotChanged(Map, Number);
        Vacb->SharedCacheMap = Map;
        Vacb->FileOffset = (LONGLONG)(Number << VACB_OFFSET_SHIFT);
        Map->Views++;
    }
    CciUnlock(OldIrql);
    if (Shown != NULL) {
        CcipLeave(Vacb, Shown);
    }
    if (NT_SUCCESS(Status)) {
        LARGE_INTEGER Start = {.QuadPart = Vacb->FileOffset};

        Status = CciCalls->MmMapViewInSystemCache(Map->Section, Vacb->BaseAddress, Start,
                                                  VACB_MAPPING_GRANULARITY);
    }
    OldIrql = CciLock();
    if (!NT_SUCCESS(Status)) {
        CcViewCounters.Failures++;
        if (Vacb->SharedCacheMap != NULL) {
            CcipDetach(Vacb);
        }
        CcipMakeFree(Vacb);
    } else {
        CcViewCounters.Maps++;
        CcipCountMapped();
        Vacb->Busy = FALSE;
        Vacb->ActiveCount = 1;
        Map->ActiveViews++;
        CciSignalChange();
    }
    CciUnlock(OldIrql);
    return Status;
}

static inline void CcipUse(PVACB Found, KIRQL OldIrql, PVACB *Vacb) NT_RELEASES(CcMasterLock)
{
    CciReferenceView(Found);
    CcViewCounters.Hits++;
    CciUnlock(OldIrql);
    *Vacb = Found;
}

/* The view is not there, or busy. */
static NTSTATUS CcipMakeView(PSHARED_CACHE_MAP Map, LONGLONG Offset, BOOLEAN Wait, KIRQL OldIrql,
                             PVACB *Vacb) NT_RELEASES(CcMasterLock)
{
    for (;;) {
        PCC_SLOT Slot = CciFindSlot(Map, CcipNumber(Offset));
        PSHARED_CACHE_MAP Shown;

        if (Slot != NULL && Slot->Vacb != NULL && !Slot->Vacb->Busy) {
            CcipUse(Slot->Vacb, OldIrql, Vacb);
            return STATUS_SUCCESS;
        }
        if (Slot == NULL || Slot->Vacb == NULL) {
            PVACB Taken = CcipTakeView(&Shown);

            if (Taken != NULL) {
                NTSTATUS Status = CcipMap(Map, Offset, Taken, Shown, OldIrql);

                *Vacb = NT_SUCCESS(Status) ? Taken : *Vacb;
                return Status;
            }
        }
        if (!Wait) {
            CciUnlock(OldIrql);
            return STATUS_CANT_WAIT;
        }
        CcViewCounters.Waits++;
        CciWaitForChange(&OldIrql);
    }
}

PVACB CciFindMappedView(PSHARED_CACHE_MAP Map, LONGLONG Offset)
{
    PCC_SLOT Slot = CciFindSlot(Map, CcipNumber(Offset));

    if (Slot == NULL || Slot->Vacb == NULL || Slot->Vacb->Busy) {
        return NULL;
    }
    Map->LastView = Slot->Vacb;
    return Slot->Vacb;
}

NTSTATUS CciUseViewAndUnlock(PSHARED_CACHE_MAP Map, LONGLONG Offset, BOOLEAN Wait, KIRQL OldIrql,
                             PVACB *Vacb)
{
    PVACB Found = CciFindReadyView(Map, Offset);

    MI_ASSERT(Offset >= 0 && Offset < Map->SectionSize && !Map->BeingDeleted);
    if (Found == NULL) {
        return CcipMakeView(Map, Offset, Wait, OldIrql, Vacb);
    }
    CcipUse(Found, OldIrql, Vacb);
    return STATUS_SUCCESS;
}

NTSTATUS CciUseView(PSHARED_CACHE_MAP Map, LONGLONG Offset, BOOLEAN Wait, PVACB *Vacb)
{
    KIRQL OldIrql = CciLock();

    return CciUseViewAndUnlock(Map, Offset, Wait, OldIrql, Vacb);
}

/* ---- unmapping ---- */

/* => It is not in use.  The lock is given up meanwhile. */
static void CcipUnmap(PVACB Vacb, PKIRQL OldIrql) NT_HOLDS(CcMasterLock)
{
    PSHARED_CACHE_MAP Map = Vacb->SharedCacheMap;

    Map->LeavingViews++;
    RemoveEntryList(&Vacb->LruList);
    CcViewCounters.Unused--;
    CcipDetach(Vacb);
    Vacb->Busy = TRUE;
    CciUnlock(*OldIrql);
    CciCalls->MmUnmapViewInSystemCache(Vacb->BaseAddress, VACB_MAPPING_GRANULARITY);
    *OldIrql = CciLock();
    Map->LeavingViews--;
    CcipMakeFree(Vacb);
}

/* => One was unmapped, and the lock given up; else *InUse says whether one is in use. */
static BOOLEAN CcipUnmapOne(PSHARED_CACHE_MAP Map, ULONG64 Number, ULONG64 End, PKIRQL OldIrql,
                            BOOLEAN *InUse) NT_HOLDS(CcMasterLock)
{
    *InUse = FALSE;
    for (; CciNextSlot(Map, CcSlotUsed, &Number) && Number < End; Number++) {
        PVACB Vacb = CciFindSlot(Map, Number)->Vacb;

        if (Vacb != NULL && !Vacb->Busy && Vacb->ActiveCount == 0) {
            CcipUnmap(Vacb, OldIrql);
            return TRUE;
        }
        *InUse = *InUse || Vacb != NULL;
    }
    return FALSE;
}

/* What it says is what one look without a gap found. */
BOOLEAN CciUnmapViews(PSHARED_CACHE_MAP Map, ULONG64 First, ULONG64 End, PKIRQL OldIrql)
{
    BOOLEAN InUse;

    while (CcipUnmapOne(Map, First, End, OldIrql, &InUse)) {
        continue;
    }
    return !InUse;
}

/* ---- looking at it ---- */

const VACB *CciViewNumber(ULONG Number)
{
    return Number < CcViewCounters.Total ? &CcipViews[Number] : NULL;
}

static ULONG CcipVerifyList(PLIST_ENTRY Head, BOOLEAN Free)
{
    PLIST_ENTRY Entry;
    ULONG Count = 0;

    for (Entry = Head->Flink; Entry != Head; Entry = Entry->Flink, Count++) {
        const VACB *Vacb = CONTAINING_RECORD(Entry, VACB, LruList);

        MI_ASSERT(Entry->Flink->Blink == Entry && Count < CcViewCounters.Total);
        MI_ASSERT(!Vacb->Busy && Vacb->ActiveCount == 0); /* W1 */
        MI_ASSERT((Vacb->SharedCacheMap == NULL) == Free);
    }
    return Count;
}

void CciVerifyViews(void)
{
    ULONG Elsewhere = 0;
    ULONG i;

    for (i = 0; i < CcViewCounters.Total; i++) {
        const VACB *Vacb = &CcipViews[i];
        PSHARED_CACHE_MAP Map = Vacb->SharedCacheMap;

        Elsewhere += Vacb->Busy || Vacb->ActiveCount != 0;
        MI_ASSERT(!Vacb->Busy || Vacb->ActiveCount == 0);
        if (Map != NULL) {
            PCC_SLOT Slot = CciFindSlot(Map, CcipNumber(Vacb->FileOffset));

            MI_ASSERT(Slot != NULL && Slot->Vacb == Vacb);                           /* W2 */
            MI_ASSERT(Vacb->FileOffset >= 0 && Vacb->FileOffset < Map->SectionSize); /* W5 */
        }
    }
    MI_ASSERT(CcipVerifyList(&CcipFree, TRUE) == CcViewCounters.Free); /* W4 */
    MI_ASSERT(CcipVerifyList(&CciUnusedViews, FALSE) == CcViewCounters.Unused);
    MI_ASSERT(CcViewCounters.Free + CcViewCounters.Unused + Elsewhere == CcViewCounters.Total);
}
