/* SPDX-License-Identifier: MIT */
/*
 * pool_region.c - page runs in a range of addresses, by two bitmaps.
 *
 *     Used   ..######.#...      a run ends where Last says, so that a free knows its length
 *     Last   ....#..#.#...      and two neighbours stay two: pages 2-4, 5-7 and 9
 *
 * The search begins behind the last run that was handed out and wraps around: freed addresses rest
 * for a while, which makes stale pointers fault longer.  (A free moves the search back only where
 * memory stays committed, since there it would cost page tables and cache instead.)
 *
 * Commit and Decommit run without the lock; meanwhile the pages are Used, so that nobody else
 * gets them.
 *
 * Invariants (checked by MiVerifyPoolRegion):
 *   P1  UsedPages is the number of set bits in Used
 *   P2  Last is a subset of Used
 *   P3  the last page of a row of Used pages is Last
 *
 * Locking: Region->Lock, innermost.
 */
#include "mm/pool/pool_region.h"
#include "mm/pool/pool_lock.h"

#include "mi_assert.h"
#include "nt/bugcodes.h"

#define MI_NOT_ITS_START 0x41286u /* 0xC2, P1: the middle of an allocation */

void MiInitializePoolRegion(PMI_POOL_REGION Region, ULONG_PTR Base, ULONG Pages, BOOLEAN Resident,
                            PULONG Bits)
{
    ULONG Words = ROUND_UP(Pages, 32u) / 32u;

    MI_ASSERT(BYTE_OFFSET(Base) == 0);
    memset(Region, 0, sizeof(*Region));
    KeInitializeSpinLock(&Region->Lock);
    Region->Base = Base;
    Region->Pages = Pages;
    Region->Resident = Resident;
    RtlInitializeBitMap(&Region->Used, Bits, Pages);
    RtlInitializeBitMap(&Region->Last, Bits + Words, Pages);
    if (Words != 0) {
        RtlClearAllBits(&Region->Used);
        RtlClearAllBits(&Region->Last);
    }
}

/* Most runs are one page: set or clear one bit, which is in the map. */
static void MipWriteBit(PRTL_BITMAP Map, ULONG Bit, BOOLEAN Value)
{
    ULONG Mask = 1u << Bit % 32;

    Map->Buffer[Bit / 32] = (Map->Buffer[Bit / 32] & ~Mask) | (Value ? Mask : 0);
}

static ULONG_PTR MipRegionVa(const MI_POOL_REGION *Region, ULONG Index)
{
    return Region->Base + ((ULONG_PTR)Index << PAGE_SHIFT);
}

/* => RTL_NO_BIT: there is no such run. */
static ULONG MipTakeRun(PMI_POOL_REGION Region, ULONG Pages) NT_HOLDS(Region->Lock)
{
    ULONG Index = RtlFindClearBits(&Region->Used, Pages, Region->Hint);

    if (Index != RTL_NO_BIT) {
        if (Pages == 1) {
            MipWriteBit(&Region->Used, Index, TRUE);
        } else {
            RtlSetBits(&Region->Used, Index, Pages);
        }
        MipWriteBit(&Region->Last, Index + Pages - 1, TRUE);
        Region->Hint = Index + Pages;
        Region->UsedPages += Pages;
        if (Region->UsedPages > Region->PeakPages) {
            Region->PeakPages = Region->UsedPages;
        }
    }
    return Index;
}

static void MipGiveRun(PMI_POOL_REGION Region, ULONG Index, ULONG Pages) NT_HOLDS(Region->Lock)
{
    if (Pages == 1) {
        MipWriteBit(&Region->Used, Index, FALSE);
    } else {
        RtlClearBits(&Region->Used, Index, Pages);
    }
    MipWriteBit(&Region->Last, Index + Pages - 1, FALSE);
    Region->UsedPages -= Pages;
    if (Region->Resident) {
        Region->Hint = Index;
    }
}

PVOID MiAllocateRegionPages(PMI_POOL_REGION Region, ULONG Pages)
{
    KIRQL OldIrql = MiAcquirePoolLock(&Region->Lock);
    ULONG Index = MipTakeRun(Region, Pages);

    MiReleasePoolLock(&Region->Lock, OldIrql);
    /* held: nothing */
    if (Index == RTL_NO_BIT) {
        return NULL;
    }
    if (!Region->Resident && !NT_SUCCESS(Region->Commit(MipRegionVa(Region, Index), Pages))) {
        OldIrql = MiAcquirePoolLock(&Region->Lock);
        MipGiveRun(Region, Index, Pages);
        Region->CommitFailures++;
        MiReleasePoolLock(&Region->Lock, OldIrql);
        return NULL;
    }
    return (PVOID)MipRegionVa(Region, Index);
}

/* The lock is not needed to ask about a run that the caller owns. */
static MI_POOL_PLACE MipPlaceOf(const MI_POOL_REGION *Region, ULONG_PTR Va)
{
    ULONG Index = (ULONG)((Va - Region->Base) >> PAGE_SHIFT);

    if (Va < Region->Base || Index >= Region->Pages) {
        return MiPoolPlaceOutside;
    }
    if (!RtlTestBit(&Region->Used, Index)) {
        return MiPoolPlaceFree;
    }
    if (Index == 0 || !RtlTestBit(&Region->Used, Index - 1) ||
        RtlTestBit(&Region->Last, Index - 1)) {
        return MiPoolPlaceStart;
    }
    return MiPoolPlaceMiddle;
}

MI_POOL_PLACE MiQueryRegionPlace(PMI_POOL_REGION Region, ULONG_PTR Va)
{
    KIRQL OldIrql = MiAcquirePoolLock(&Region->Lock);
    MI_POOL_PLACE Place = MipPlaceOf(Region, Va);

    MiReleasePoolLock(&Region->Lock, OldIrql);
    return Place;
}

/* The run at Index, a start, has exactly Pages pages. */
static BOOLEAN MipIsRun(const MI_POOL_REGION *Region, ULONG Index, ULONG Pages)
{
    return Pages != 0 && RtlAreBitsSet(&Region->Used, Index, Pages) &&
           RtlFindSetBits(&Region->Last, 1, Index) == Index + Pages - 1;
}

void MiFreeRegionPages(PMI_POOL_REGION Region, ULONG_PTR Va, ULONG Pages)
{
    ULONG Index = (ULONG)((Va - Region->Base) >> PAGE_SHIFT);
    KIRQL OldIrql = MiAcquirePoolLock(&Region->Lock);
    BOOLEAN Exact = MipPlaceOf(Region, Va) == MiPoolPlaceStart && MipIsRun(Region, Index, Pages);

    if (Exact && Region->Resident) {
        MipGiveRun(Region, Index, Pages);
    }
    MiReleasePoolLock(&Region->Lock, OldIrql);
    if (!Exact) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_NOT_ITS_START, Va, Pages, Region->Base);
    }
    if (!Region->Resident) {
        Region->Decommit(Va, Pages);
        OldIrql = MiAcquirePoolLock(&Region->Lock);
        MipGiveRun(Region, Index, Pages);
        MiReleasePoolLock(&Region->Lock, OldIrql);
    }
}

ULONG MiFindRegionRun(PMI_POOL_REGION Region, ULONG Index, PULONG Start)
{
    KIRQL OldIrql;
    ULONG First;
    ULONG Pages = 0;

    if (Index >= Region->Pages) {
        return 0;
    }
    OldIrql = MiAcquirePoolLock(&Region->Lock);
    First = RtlFindSetBits(&Region->Used, 1, Index);
    if (First != RTL_NO_BIT && First >= Index) { /* else the search wrapped around */
        *Start = First;
        Pages = RtlFindSetBits(&Region->Last, 1, First) - First + 1;
    }
    MiReleasePoolLock(&Region->Lock, OldIrql);
    return Pages;
}

void MiVerifyPoolRegion(PMI_POOL_REGION Region)
{
    KIRQL OldIrql = MiAcquirePoolLock(&Region->Lock);
    ULONG Index;

    MI_ASSERT(RtlNumberOfSetBits(&Region->Used) == Region->UsedPages); /* P1 */
    for (Index = 0; Index < Region->Pages; Index++) {
        BOOLEAN Used = RtlTestBit(&Region->Used, Index);
        BOOLEAN Last = RtlTestBit(&Region->Last, Index);
        BOOLEAN NextUsed = Index + 1 < Region->Pages && RtlTestBit(&Region->Used, Index + 1);

        MI_ASSERT(Used || !Last);             /* P2 */
        MI_ASSERT(!Used || Last || NextUsed); /* P3 */
    }
    MiReleasePoolLock(&Region->Lock, OldIrql);
}
