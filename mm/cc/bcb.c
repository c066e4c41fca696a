/* SPDX-License-Identifier: MIT */
/*
 * bcb.c - a file's pinned ranges: made by the first pin, gone with the last.
 *
 * A few that are gone stay with the map, as spares: spare_bcb.c.
 *
 * Invariants (checked by CciVerifyBcbs):
 *   P1  a map's BCBs are in the order of their offsets and have no page in common
 *   P2  each is whole pages of one view, which it uses, and has a pin
 *   P3  a spare one has no pin; nobody has its lock
 *
 * Locking: CcMasterLock.
 */
#include "mm/cc/bcb.h"

#include "ex.h"
#include "mm/cc/dirty.h"
#include "rtl.h"

static PBCB CcipBcbOf(PLIST_ENTRY Entry)
{
    return CONTAINING_RECORD(Entry, BCB, BcbLinks);
}

/* => The first that ends behind Offset, or NULL. */
static PBCB CcipFirstBehind(const SHARED_CACHE_MAP *Map, LONGLONG Offset) NT_HOLDS(CcMasterLock)
{
    PLIST_ENTRY Entry;

    for (Entry = Map->BcbList.Flink; Entry != &Map->BcbList; Entry = Entry->Flink) {
        if (CciBcbEnd(CcipBcbOf(Entry)) > Offset) {
            return CcipBcbOf(Entry);
        }
    }
    return NULL;
}

static PBCB CcipAllocateBcb(PVACB Vacb)
{
    PBCB Bcb = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Bcb), CC_TAG_BCB);

    if (Bcb != NULL) {
        memset(Bcb, 0, sizeof(*Bcb));
        Bcb->Public.NodeTypeCode = CACHE_NTC_BCB;
        Bcb->Public.NodeByteSize = (CSHORT)sizeof(*Bcb);
        Bcb->Vacb = Vacb;
        Bcb->Map = Vacb->SharedCacheMap;
        (void)ExInitializeResourceLite(&Bcb->Resource);
    }
    return Bcb;
}

void CciFreeBcb(PBCB Bcb)
{
    (void)ExDeleteResourceLite(&Bcb->Resource);
    ExFreePoolWithTag(Bcb, CC_TAG_BCB);
}

/* New takes the range in front of Next, or at the list's end. */
static void CcipInsertBcb(PBCB New, PBCB Next, LONGLONG Offset, LONGLONG End) NT_HOLDS(CcMasterLock)
{
    if (Next != NULL && CciBcbStart(Next) < End) {
        End = CciBcbStart(Next);
    }
    New->Public.MappedFileOffset.QuadPart = Offset;
    New->Public.MappedLength = (ULONG)(End - Offset);
    New->PinCount = 1;
    InsertTailList(Next == NULL ? &New->Map->BcbList : &Next->BcbLinks, &New->BcbLinks);
    CciReferenceView(New->Vacb);
}

NTSTATUS CciPinBcb(PVACB Vacb, LONGLONG Offset, LONGLONG End, BOOLEAN OnlyExisting, PBCB *Bcb)
{
    PBCB New = OnlyExisting ? NULL : CcipAllocateBcb(Vacb);
    NTSTATUS Status = STATUS_SUCCESS;
    KIRQL OldIrql = CciLock();
    PBCB Found = CcipFirstBehind(Vacb->SharedCacheMap, Offset);

    if (Found != NULL && CciBcbStart(Found) <= Offset) {
        Found->PinCount++;
        *Bcb = Found;
    } else if (New != NULL) {
        CcipInsertBcb(New, Found, Offset, End);
        *Bcb = New;
        New = NULL;
    } else {
        Status = OnlyExisting ? STATUS_NOT_FOUND : STATUS_INSUFFICIENT_RESOURCES;
    }
    CciUnlock(OldIrql);
    if (New != NULL) {
        CciFreeBcb(New);
    }
    return Status;
}

PLIST_ENTRY CciFindBcbGap(PSHARED_CACHE_MAP Map, const LARGE_INTEGER *Offset, ULONG Length)
{
    LONGLONG First = Offset->QuadPart & ~(LONGLONG)(PAGE_SIZE - 1);
    PBCB Next = CcipFirstBehind(Map, First);

    if (Next == NULL) {
        return &Map->BcbList;
    }
    return CciBcbStart(Next) < Offset->QuadPart + Length ? NULL : &Next->BcbLinks;
}

void CciFreeSpareBcbs(PSHARED_CACHE_MAP Map)
{
    while (Map->SpareBcbs != 0) {
        CciFreeBcb(Map->SpareBcb[--Map->SpareBcbs]);
    }
}

ULONG64 CciPinnedPages(const SHARED_CACHE_MAP *Map, ULONG64 Number)
{
    LONGLONG Start = (LONGLONG)(Number << VACB_OFFSET_SHIFT);
    ULONG64 Pages = 0;
    PLIST_ENTRY Entry;

    for (Entry = Map->BcbList.Flink; Entry != &Map->BcbList; Entry = Entry->Flink) {
        const BCB *Bcb = CcipBcbOf(Entry);
        LONGLONG First = (CciBcbStart(Bcb) - Start) >> PAGE_SHIFT;

        if (First >= (LONGLONG)MM_CACHE_VIEW_PAGES) {
            break; /* P1 */
        }
        if (First >= 0) { /* P2: else it ends in front of the view */
            Pages |= (~0ull >> (MM_CACHE_VIEW_PAGES - (Bcb->Public.MappedLength >> PAGE_SHIFT)))
                     << First;
        }
    }
    return Pages;
}

void CciVerifyBcbs(const SHARED_CACHE_MAP *Map)
{
    LONGLONG Before = 0;
    PLIST_ENTRY Entry;
    ULONG i;

    MI_ASSERT(Map->SpareBcbs <= CC_SPARE_BCBS);
    for (i = 0; i < Map->SpareBcbs; i++) {
        const BCB *Spare = Map->SpareBcb[i];

        MI_ASSERT(Spare->Map == Map && Spare->PinCount == 0); /* P3 */
        MI_ASSERT(Spare->Resource.ActiveCount == 0);
    }

    for (Entry = Map->BcbList.Flink; Entry != &Map->BcbList; Entry = Entry->Flink) {
        const BCB *Bcb = CcipBcbOf(Entry);
        LONGLONG Last = CciBcbEnd(Bcb) - 1;

        MI_ASSERT(Entry->Flink->Blink == Entry && Bcb->Map == Map);
        MI_ASSERT(CciBcbStart(Bcb) >= Before); /* P1 */
        MI_ASSERT(Bcb->PinCount != 0 && Bcb->Public.MappedLength != 0);
        MI_ASSERT(((CciBcbStart(Bcb) | CciBcbEnd(Bcb)) & (PAGE_SIZE - 1)) == 0);
        MI_ASSERT(Bcb->Vacb->SharedCacheMap == Map && Bcb->Vacb->ActiveCount != 0); /* P2 */
        MI_ASSERT(Bcb->Vacb->FileOffset >> VACB_OFFSET_SHIFT ==
                      CciBcbStart(Bcb) >> VACB_OFFSET_SHIFT &&
                  Last >> VACB_OFFSET_SHIFT == CciBcbStart(Bcb) >> VACB_OFFSET_SHIFT);
        Before = CciBcbEnd(Bcb);
    }
}
