/* SPDX-License-Identifier: MIT */
/*
 * tlb.c - the translations that the processor has cached: exactly the frames Linux has mapped.
 *
 * Invariants (HostVerifyTlb):
 *   B1  Entries[0, Count) are the cached translations, Count <= Limit
 *   B2  Slots[page] is 1 + the index of the page's entry, or 0
 *   B3  a page of the machine's regions is accessible to this process exactly when it has an entry
 *   B5  PageableCount counts the entries of pageable memory
 *   B4  LargePieces[n] counts the entries with Large in the n-th 4 MB
 */
#include "tests/host/machine_i.h"
#include "tests/unit/test.h"

#define PAGEABLE_RANGES 4u

static HOST_TRANSLATION Entries[HOST_TLB_MAXIMUM];
static ULONG Count;
static ULONG Limit = HOST_TLB_DEFAULT;
static USHORT Slots[PAGES_OF_4GB];
static USHORT LargePieces[PTE_PER_PAGE];
static uint64_t EvictionSeed;
static struct {
    ULONG_PTR Start;
    ULONG_PTR End;
} Pageable[PAGEABLE_RANGES];
static ULONG PageableRanges;
static ULONG PageableCount;
static HOST_IS_PAGEABLE *IsPageableRoutine;

NT_C_ASSERT(HOST_TLB_MAXIMUM < 0xFFFF); /* an index + 1 fits in a slot */

static BOOLEAN IsInPageableRange(ULONG_PTR Va)
{
    ULONG i;

    for (i = 0; i < PageableRanges; i++) {
        if (Va >= Pageable[i].Start && Va < Pageable[i].End) {
            return TRUE;
        }
    }
    return FALSE;
}

static void RemoveEntry(ULONG Index)
{
    HOST_TRANSLATION *Entry = &Entries[Index];

    PageableCount -= IsInPageableRange(Entry->Va);
    HostpUnmapHost(Entry->Va);
    Slots[Entry->Va >> PTI_SHIFT] = 0;
    if (Entry->Large) {
        LargePieces[Entry->Va >> PDI_SHIFT]--;
    }
    Count--;
    if (Index != Count) {
        *Entry = Entries[Count];
        Slots[Entry->Va >> PTI_SHIFT] = (USHORT)(Index + 1);
    }
}

static void DropPage(ULONG_PTR Va)
{
    USHORT Slot = Slots[Va >> PTI_SHIFT];

    if (Slot != 0) {
        RemoveEntry(Slot - 1u);
    }
}

/* The pieces of a large page are one translation to the processor. */
static void DropLargePieces(ULONG_PTR Va)
{
    ULONG_PTR Start = ROUND_DOWN(Va, MM_LARGE_PAGE);
    ULONG_PTR Page;

    for (Page = 0; Page < MM_LARGE_PAGE && LargePieces[Va >> PDI_SHIFT] != 0; Page += PAGE_SIZE) {
        USHORT Slot = Slots[(Start + Page) >> PTI_SHIFT];

        if (Slot != 0 && Entries[Slot - 1].Large) {
            RemoveEntry(Slot - 1u);
        }
    }
}

void HostpTlbDrop(ULONG_PTR Va)
{
    DropPage(Va);
    DropLargePieces(Va);
}

static BOOLEAN IsInScope(const HOST_TRANSLATION *Entry, HOST_TLB_SCOPE Scope)
{
    switch (Scope) {
    case HostTlbAll:
        return TRUE;
    case HostTlbNotGlobal:
        return !Entry->Global;
    case HostTlbNotOwner:
        return !Entry->Owner;
    }
    return TRUE;
}

/* Downwards, because a removal moves the last entry into the gap. */
void HostpTlbDropAll(HOST_TLB_SCOPE Scope)
{
    ULONG Index;

    for (Index = Count; Index-- > 0;) {
        if (IsInScope(&Entries[Index], Scope)) {
            RemoveEntry(Index);
        }
    }
}

void HostSetPageable(ULONG_PTR Start, ULONG_PTR End, HOST_IS_PAGEABLE *IsPageable)
{
    HostpTlbDropAll(HostTlbAll);
    PageableRanges = 0;
    IsPageableRoutine = IsPageable;
    if (IsPageable != NULL) {
        HostAddPageable(Start, End);
    }
}

void HostAddPageable(ULONG_PTR Start, ULONG_PTR End)
{
    HostpRequire(PageableRanges < PAGEABLE_RANGES && IsPageableRoutine != NULL, PageableRanges);
    HostpTlbDropAll(HostTlbAll);
    Pageable[PageableRanges].Start = Start;
    Pageable[PageableRanges].End = End;
    PageableRanges++;
}

void HostpTlbDropPageable(void)
{
    ULONG Index;

    for (Index = Count; Index-- > 0 && PageableCount != 0;) {
        if (IsInPageableRange(Entries[Index].Va)) {
            RemoveEntry(Index);
        }
    }
}

BOOLEAN HostpIsPageableNow(ULONG_PTR Va)
{
    return IsInPageableRange(Va) && KeGetCurrentIrql() >= DISPATCH_LEVEL;
}

BOOLEAN HostpIsForbiddenNow(ULONG_PTR Va)
{
    return HostpIsPageableNow(Va) && IsPageableRoutine(Va);
}

void HostpTlbReset(ULONG64 Seed)
{
    HostSetPageable(0, 0, NULL);
    HostpTlbDropAll(HostTlbAll);
    EvictionSeed = Seed | 1; /* the generator's one fixed point is 0 */
    Limit = HOST_TLB_DEFAULT;
}

void HostpTlbInsert(const HOST_TRANSLATION *Translation)
{
    DropPage(Translation->Va);
    if (Count == Limit) {
        RemoveEntry(TestRandom(&EvictionSeed) % Count);
        HostpCounters.Evictions++;
    }
    HostpMapHost(Translation->Va, HostpFramesFd(), Translation->Frame, Translation->Write);
    Entries[Count++] = *Translation;
    PageableCount += IsInPageableRange(Translation->Va);
    Slots[Translation->Va >> PTI_SHIFT] = (USHORT)Count;
    if (Translation->Large) {
        LargePieces[Translation->Va >> PDI_SHIFT]++;
    }
    HostpCounters.Fills++;
}

void HostSetTlbSize(ULONG Size)
{
    HostpRequire(Size >= HOST_TLB_MINIMUM && Size <= HOST_TLB_MAXIMUM, Size);
    HostpTlbDropAll(HostTlbAll);
    Limit = Size;
}

BOOLEAN HostFindStaleTranslation(PULONG_PTR Va)
{
    ULONG Index;

    for (Index = 0; Index < Count; Index++) {
        if (!HostpIsTranslationCurrent(&Entries[Index])) {
            *Va = Entries[Index].Va;
            return TRUE;
        }
    }
    return FALSE;
}

void HostVerifyTlb(void)
{
    ULONG Large[PTE_PER_PAGE] = {0};
    ULONG Used = 0;
    ULONG Index;

    CHECK(Count <= Limit);
    for (Index = 0; Index < Count; Index++) {
        CHECK_EQUAL(Index + 1, Slots[Entries[Index].Va >> PTI_SHIFT]);
        Large[Entries[Index].Va >> PDI_SHIFT] += Entries[Index].Large;
    }
    for (Index = 0; Index < PAGES_OF_4GB; Index++) {
        Used += Slots[Index] != 0;
    }
    CHECK_EQUAL(Count, Used);
    for (Index = 0; Index < PTE_PER_PAGE; Index++) {
        CHECK_EQUAL(Large[Index], LargePieces[Index]);
    }
}
