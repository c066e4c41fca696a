/* SPDX-License-Identifier: MIT */
/*
 * lookaside.c - look-aside lists: entries of one size, kept for their owner.
 *
 * The short ways are inline in ex.h; here is what happens when a list is empty or full.  All lists
 * of a kind hang together, so that they can be walked.
 *
 * How many entries a list keeps follows its use, second by second:
 *
 *     in the last second                                     Depth
 *     nothing was allocated                                  half, but not below the least
 *     n entries went to the pool, and n others came from     n more: a list of that depth would
 *     there                                                  have kept them; not above MaximumDepth
 *     else                                                   stays
 *
 * A list with more entries than its new depth keeps them until they are allocated.
 *
 * Locking: MiLookasideLock guards the two lists of lists, and is held to write Depth.  The entries'
 * list has no lock.
 */
#include "mm/pool/lookaside.h"

#include "rtl.h"
#include "spinlock.h"

/* Entries that a list keeps.  At 64 bytes that is half a page. */
#define MI_LOOKASIDE_DEPTH         32
#define MI_LOOKASIDE_MAXIMUM_DEPTH 256
#define MI_LOOKASIDE_LEAST_DEPTH   4

static KSPIN_LOCK MiLookasideLock;
static LIST_ENTRY MipLists[2] NT_GUARDED_BY(MiLookasideLock) = {
    {&MipLists[0], &MipLists[0]},
    {&MipLists[1], &MipLists[1]},
};

static void MipInitializeLookaside(PGENERAL_LOOKASIDE L, ULONG Type, PALLOCATE_FUNCTION Allocate,
                                   PFREE_FUNCTION Free, SIZE_T Size, ULONG Tag)
{
    KIRQL OldIrql;

    *L = (GENERAL_LOOKASIDE){.Depth = MI_LOOKASIDE_DEPTH,
                             .MaximumDepth = MI_LOOKASIDE_MAXIMUM_DEPTH,
                             .Type = (POOL_TYPE)Type,
                             .Tag = Tag,
                             .Size = Size < sizeof(SLIST_ENTRY) ? sizeof(SLIST_ENTRY) : (ULONG)Size,
                             .Allocate = Allocate != NULL ? Allocate : ExAllocatePoolWithTag,
                             .Free = Free != NULL ? Free : ExFreePool};
    OldIrql = KfAcquireSpinLock(&MiLookasideLock);
    InsertTailList(&MipLists[Type & PagedPool], &L->ListEntry);
    KfReleaseSpinLock(&MiLookasideLock, OldIrql);
}

void NTAPI ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside,
                                           PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                           ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    (void)Depth;
    Lookaside->Lock__ObsoleteButDoNotDelete = 0;
    MipInitializeLookaside(&Lookaside->L, NonPagedPool | Flags, Allocate, Free, Size, Tag);
}

void NTAPI ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside,
                                          PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                          ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    (void)Depth;
    memset(Lookaside->Lock__ObsoleteButDoNotDelete, 0,
           sizeof(Lookaside->Lock__ObsoleteButDoNotDelete));
    MipInitializeLookaside(&Lookaside->L, PagedPool | Flags, Allocate, Free, Size, Tag);
}

static void MipFreeChain(PGENERAL_LOOKASIDE L, PSLIST_ENTRY Entry)
{
    while (Entry != NULL) {
        PSLIST_ENTRY Next = Entry->Next;

        L->Free(Entry);
        Entry = Next;
    }
}

static void MipDeleteLookaside(PGENERAL_LOOKASIDE L)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MiLookasideLock);

    RemoveEntryList(&L->ListEntry);
    KfReleaseSpinLock(&MiLookasideLock, OldIrql);
    MipFreeChain(L, ExpTakeSList(&L->ListHead).First);
    if (L->Future[0] != 0) {
        L->Free((PVOID)(ULONG_PTR)L->Future[0]);
        L->Future[0] = 0;
    }
}

void NTAPI ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    MipDeleteLookaside(&Lookaside->L);
}

void NTAPI ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    MipDeleteLookaside(&Lookaside->L);
}

PVOID ExpAllocateBehindLookaside(PGENERAL_LOOKASIDE L)
{
    L->AllocateMisses++;
    return L->Allocate(L->Type, L->Size, L->Tag);
}

void ExpFreeBehindLookaside(PGENERAL_LOOKASIDE L, PVOID Entry)
{
    L->FreeMisses++;
    L->Free(Entry);
}

void ExpReturnToLookaside(PGENERAL_LOOKASIDE L, PSLIST_ENTRY Rest, USHORT Depth)
{
    if (ExpReturnSList(&L->ListHead, Rest, Depth)) {
        return;
    }
    /* Entries came in meanwhile: put ours on top, one by one. */
    while (Rest != NULL) {
        PSLIST_ENTRY Next = Rest->Next;

        ExpPushSListEntry(&L->ListHead, Rest);
        Rest = Next;
    }
}

PVOID NTAPI ExAllocateFromPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    return ExpAllocateFromLookaside(&Lookaside->L);
}

void NTAPI ExFreeToPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
    ExpFreeToLookaside(&Lookaside->L, Entry);
}

/* ---- depths ---- */

/* => Since the last call.  *Last is brought up to date. */
static ULONG MipCountSince(ULONG Now, PULONG Last)
{
    ULONG Since = Now - *Last;

    *Last = Now;
    return Since;
}

static void MipAdjustDepth(PGENERAL_LOOKASIDE L)
{
    ULONG Allocates = MipCountSince(L->TotalAllocates, &L->LastTotalAllocates);
    ULONG Fetched = MipCountSince(L->AllocateMisses, &L->LastAllocateMisses);
    ULONG Given = MipCountSince(L->FreeMisses, &L->Future[1]);
    ULONG More = Fetched < Given ? Fetched : Given;
    ULONG Room = L->MaximumDepth - L->Depth;

    if (Allocates != 0) {
        L->Depth += (USHORT)(More < Room ? More : Room);
    } else if (L->Depth > MI_LOOKASIDE_LEAST_DEPTH) {
        L->Depth /= 2;
    }
}

void ExAdjustLookasideDepth(void)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MiLookasideLock);
    PLIST_ENTRY Entry;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(MipLists); i++) {
        for (Entry = MipLists[i].Flink; Entry != &MipLists[i]; Entry = Entry->Flink) {
            MipAdjustDepth(CONTAINING_RECORD(Entry, GENERAL_LOOKASIDE, ListEntry));
        }
    }
    KfReleaseSpinLock(&MiLookasideLock, OldIrql);
}

void MiForEachLookaside(POOL_TYPE BaseType, MI_LOOKASIDE_ROUTINE *Routine, PVOID Context)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MiLookasideLock);
    PLIST_ENTRY Head = &MipLists[BaseType];
    PLIST_ENTRY Entry;

    for (Entry = Head->Flink; Entry != Head; Entry = Entry->Flink) {
        Routine(Context, CONTAINING_RECORD(Entry, GENERAL_LOOKASIDE, ListEntry));
    }
    KfReleaseSpinLock(&MiLookasideLock, OldIrql);
}
