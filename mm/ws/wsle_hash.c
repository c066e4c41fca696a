/* SPDX-License-Identifier: MIT */
/*
 * wsle_hash.c - finding the entries of pages whose frames name somebody else's.
 *
 * A table of (page, index), open addressing: a page is looked for from its hash on until an empty
 * place.  What is taken out leaves no gap that would end such a search too early: the places behind
 * it move up.  The table grows by pages of memory, twice its size where that fits, and is filled
 * anew from the entries; it shrinks only with the list.
 *
 * Invariant (MiVerifyWorkingSet):
 *   W4  NonDirectCount places are used, at most three quarters; each names a hashed entry with its
 *       page's number, and is found from its hash on
 *
 * Locking: the working set's mutex.
 */
#include "mm/ws/list_memory.h"

#include "rtl.h"

#define MIP_PLACES_PER_PAGE ((ULONG)(PAGE_SIZE / sizeof(MMWSLE_HASH)))
#define MIP_GOLDEN          0x9E3779B1u /* Knuth's: 2^32 over the golden ratio, a prime */

static ULONG MipKey(ULONG_PTR Va)
{
    return ((ULONG)Va & MI_WSLE_VPN) | 1;
}

/* Where the search for a page begins.  => There is a table. */
static ULONG MipHash(const MMWSL *List, ULONG Key)
{
    return (ULONG)((ULONG64)((Key >> PAGE_SHIFT) * MIP_GOLDEN) * List->HashTableSize >> 32);
}

static ULONG MipNext(const MMWSL *List, ULONG Place)
{
    return Place + 1 == List->HashTableSize ? 0 : Place + 1;
}

/* => The place of Key, or the empty one where it belongs. */
static ULONG MipSearch(const MMWSL *List, ULONG Key)
{
    ULONG Place = MipHash(List, Key);

    while (List->HashTable[Place].Key != 0 && List->HashTable[Place].Key != Key) {
        Place = MipNext(List, Place);
    }
    return Place;
}

ULONG MiFindHashedWsle(const MMWSL *List, ULONG_PTR Va)
{
    const MMWSLE_HASH *Found;

    if (List->HashTableSize == 0) {
        return MI_NO_WSLE;
    }
    Found = List->HashTable + MipSearch(List, MipKey(Va));
    return Found->Key != 0 ? Found->Index : MI_NO_WSLE;
}

/* ---- room ---- */

static void MipFill(PMMWSL List)
{
    ULONG Index;

    memset(List->HashTable, 0, List->HashTableSize * sizeof(MMWSLE_HASH));
    for (Index = 0; Index <= List->LastEntry; Index++) {
        ULONG Long = List->Wsle[Index].Long;

        if ((Long & (MI_WSLE_VALID | MI_WSLE_HASHED)) == (MI_WSLE_VALID | MI_WSLE_HASHED)) {
            List->HashTable[MipSearch(List, MipKey(Long))] = (MMWSLE_HASH){MipKey(Long), Index};
        }
    }
}

/* => Returns whether there is more room; as much as there was memory for. */
static BOOLEAN MipGrow(PMMSUPPORT WorkingSet)
{
    PMMWSL List = WorkingSet->VmWorkingSetList;
    ULONG Before = List->HashTableSize;
    ULONG Wanted = Before == 0 ? MIP_PLACES_PER_PAGE : 2 * Before;
    ULONG Size = Before;

    Wanted = Wanted < List->HighestPermittedHash ? Wanted : List->HighestPermittedHash;
    while (Size < Wanted && NT_SUCCESS(MiMakeListPage(WorkingSet, List->HashTable + Size))) {
        Size += MIP_PLACES_PER_PAGE;
    }
    if (Size != Before) {
        List->HashTableSize = Size;
        MipFill(List);
    }
    return Size != Before;
}

NTSTATUS MiReserveSharedWsleSlowly(PMMSUPPORT WorkingSet)
{
    PMMWSL List = WorkingSet->VmWorkingSetList;
    NTSTATUS Status = MiReserveWsle(WorkingSet);

    while (NT_SUCCESS(Status) && MiIsWsleHashFull(List)) {
        if (!MipGrow(WorkingSet) && MiTrimPages(WorkingSet, MI_WSLES_PER_PAGE) == 0) {
            Status = STATUS_NO_MEMORY;
        }
    }
    return Status;
}

static ULONG MipLeast(ULONG A, ULONG B)
{
    return A < B ? A : B;
}

ULONG MiCountSpareWsles(const MMSUPPORT *WorkingSet, ULONG Most)
{
    const MMWSL *List = WorkingSet->VmWorkingSetList;
    ULONG Places = List->HashTableSize / 4 * 3 - List->NonDirectCount;
    ULONG Free = List->LastInitializedWsle + 1 - WorkingSet->WorkingSetSize; /* W1 */

    if (MiFailWsleReservation != 0 ||
        WorkingSet->WorkingSetSize >= WorkingSet->MaximumWorkingSetSize) {
        return 0;
    }
    Most = MipLeast(Most, WorkingSet->MaximumWorkingSetSize - WorkingSet->WorkingSetSize);
    return MipLeast(Most, MipLeast(Places, Free));
}

/* ---- insert and remove ---- */

void MiHashWsle(PMMWSL List, ULONG Index)
{
    PMMWSLE Entry = List->Wsle + Index;
    ULONG Key = MipKey(Entry->Long);
    PMMWSLE_HASH Found;

    MI_ASSERT(!MiIsWsleHashFull(List)); /* it was reserved */
    Found = List->HashTable + MipHash(List, Key);
    while (Found->Key != 0) {
        MI_ASSERT(Found->Key != Key);
        Found = List->HashTable + MipNext(List, (ULONG)(Found - List->HashTable));
    }
    *Found = (MMWSLE_HASH){Key, Index};
    Entry->Long = (Entry->Long & ~MI_WSLE_DIRECT) | MI_WSLE_HASHED;
    List->NonDirectCount++;
}

/* Whether a page whose search begins at Home may not be at Place when it could be at Gap. */
static BOOLEAN MipBelongsBefore(ULONG Home, ULONG Gap, ULONG Place)
{
    return Gap < Place ? Home <= Gap || Home > Place : Home <= Gap && Home > Place;
}

void MiUnhashWsle(PMMWSL List, ULONG Index)
{
    ULONG Gap = MipSearch(List, MipKey(List->Wsle[Index].Long));
    ULONG Place = Gap;

    if (List->HashTable[Gap].Key == 0 || List->HashTable[Gap].Index != Index) {
        MiBadWsle(List, Index);
    }
    for (;;) {
        Place = MipNext(List, Place);
        if (List->HashTable[Place].Key == 0) {
            break;
        }
        if (MipBelongsBefore(MipHash(List, List->HashTable[Place].Key), Gap, Place)) {
            List->HashTable[Gap] = List->HashTable[Place];
            Gap = Place;
        }
    }
    List->HashTable[Gap] = (MMWSLE_HASH){0, 0};
    List->NonDirectCount--;
}

/* ---- verify ---- */

void MiVerifyWsleHash(const MMWSL *List, ULONG Hashed)
{
    ULONG Used = 0;
    ULONG Place;

    for (Place = 0; Place < List->HashTableSize; Place++) {
        const MMWSLE_HASH *Entry = List->HashTable + Place;

        if (Entry->Key != 0) {
            Used++;
            if (Entry->Index > List->LastEntry || MipSearch(List, Entry->Key) != Place ||
                !List->Wsle[Entry->Index].e1.Valid || !List->Wsle[Entry->Index].e1.Hashed ||
                MipKey(List->Wsle[Entry->Index].Long) != Entry->Key) {
                MiBadWsle(List, Entry->Index);
            }
        }
    }
    MI_ASSERT(Used == List->NonDirectCount && Used == Hashed);
    MI_ASSERT(Used <= List->HashTableSize / 4 * 3);
}
