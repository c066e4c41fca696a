/* SPDX-License-Identifier: MIT */
/*
 * cc_verify.c - the whole of mm/cc under one hold of the lock.
 */
#include "mm/cc/cc_verify.h"

#include "mm/cc/bcb.h"
#include "mm/cc/dirty.h"
#include "mm/cc/view_index.h"

/* F3 and F4 of cache_map.c. */
static void CcipVerifySums(PSHARED_CACHE_MAP Map) NT_HOLDS(CcMasterLock)
{
    ULONG64 Number = 0;
    ULONG Active = 0;
    ULONG Dirty = 0;
    ULONG Views = 0;
    ULONG Writing = 0;

    for (; CciNextSlot(Map, CcSlotUsed, &Number); Number++) {
        const CC_SLOT *Slot = CciFindSlot(Map, Number);

        Views += Slot->Vacb != NULL;
        Active += Slot->Vacb != NULL ? Slot->Vacb->ActiveCount : 0;
        Dirty += (ULONG)__builtin_popcountll(Slot->Dirty);
        Writing += (ULONG)__builtin_popcountll(Slot->Writing);
        MI_ASSERT(Slot->Vacb == NULL || Slot->Vacb->SharedCacheMap == Map);
    }
    MI_ASSERT(Dirty == Map->DirtyPages && Writing == Map->WritingPages); /* F3 */
    MI_ASSERT(Views == Map->Views && Active == Map->ActiveViews);        /* F4 */
}

static void CcipVerifyMap(PSHARED_CACHE_MAP Map) NT_HOLDS(CcMasterLock)
{
    ULONG Private = 0;
    PLIST_ENTRY Entry;

    MI_ASSERT(Map->NodeTypeCode == CACHE_NTC_SHARED_CACHE_MAP);
    MI_ASSERT(Map->LastView == NULL ||
              (Map->LastView->SharedCacheMap == Map && !Map->LastView->Busy)); /* W6 */
    MI_ASSERT(Map->BeingDeleted || Map->Pointers->SharedCacheMap == Map);      /* F1 */
    for (Entry = Map->PrivateList.Flink; Entry != &Map->PrivateList; Entry = Entry->Flink) {
        const PRIVATE_CACHE_MAP *Found = CONTAINING_RECORD(Entry, PRIVATE_CACHE_MAP, PrivateLinks);

        MI_ASSERT(Found->NodeTypeCode == CACHE_NTC_PRIVATE_CACHE_MAP && Found->Map == Map);
        MI_ASSERT(Found->FileObject->PrivateCacheMap == Found && !Found->Orphan);
        MI_ASSERT(Found->ReadAheadQuiet <= Map->FileSize); /* F6 */
        Private++;
    }
    MI_ASSERT(Map->OpenCount >= Private); /* F2 */
    if (!Map->BeingCreated) {
        CciVerifyIndex(Map);
    }
    CciVerifyBcbs(Map);
    CcipVerifySums(Map);
}

static ULONG CcipCountEntries(const LIST_ENTRY *Head)
{
    const LIST_ENTRY *Entry;
    ULONG Count = 0;

    for (Entry = Head->Flink; Entry != Head; Entry = Entry->Flink) {
        MI_ASSERT(Entry->Flink->Blink == Entry);
        Count++;
    }
    return Count;
}

void CciVerifyCache(void)
{
    KIRQL OldIrql = CciLock();
    ULONG Dirty = 0;
    ULONG DirtyMaps = 0;
    PLIST_ENTRY Entry;

    for (Entry = CcAllMaps.Flink; Entry != &CcAllMaps; Entry = Entry->Flink) {
        PSHARED_CACHE_MAP Map = CONTAINING_RECORD(Entry, SHARED_CACHE_MAP, SharedCacheMapLinks);

        CcipVerifyMap(Map);
        Dirty += Map->DirtyPages;
        DirtyMaps += Map->DirtyPages != 0;
    }
    MI_ASSERT(Dirty == CcTotalDirtyPages);                  /* F5 */
    MI_ASSERT(DirtyMaps == CcipCountEntries(&CcDirtyMaps)); /* F3 */
    CciVerifyViews();
    CciUnlock(OldIrql);
}
