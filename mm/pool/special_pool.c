/* SPDX-License-Identifier: MIT */
/*
 * special_pool.c - blocks on pages of their own.
 *
 * The range is pages that can be used, each between two that never have memory:
 *
 *     page      0      1      2      3      4
 *               guard  block  guard  block  guard
 *
 *     overrun:  | header | pattern ............ | block | pattern |   the next page faults
 *     underrun: | block | pattern ...................... | header |   the page before faults
 *
 * A block that is placed for overruns ends at its page's end but for what alignment costs, at most
 * seven bytes.  All that is not the block is filled with a pattern, which differs from block to
 * block, and checked when it is freed.
 *
 *     state      to         by
 *     Unused     Coming     an allocation takes the first free page
 *     Coming     InUse      the page has memory, header and pattern
 *     InUse      Leaving    the first of those who free it
 *     Leaving    Freed      its memory is gone; it becomes the last free page
 *     Freed      Coming     as Unused
 *
 * The free pages are a queue: the page that was freed last is reused last, so that a stale pointer
 * faults for as long as possible.
 *
 * Invariants (checked by MiVerifySpecialPool):
 *   S1  the queue holds the pages that are Unused or Freed, each once
 *   S2  the counters are those of the states
 *   S3  a page InUse holds what MipExpected says wherever the block is not
 *
 * Locking: MipSpecialLock for slots, queue and counters; (S) in special_pool.h.  A slot that is
 * Coming or Leaving is its caller's, and an InUse one changes only by being freed.  Memory comes
 * and goes, and pages are read and written, without the lock.
 */
#include "mm/pool/special_pool.h"

#include "arch/cpu.h"
#include "mi_assert.h"
#include "mm/pool/pool_big.h"
#include "mm/pool/pool_free.h"
#include "mm/pool/pool_front.h"
#include "mm/pool/pool_inject.h"
#include "mm/pool/special_slot.h"
#include "mm/pool/pool_lock.h"
#include "nt/bugcodes.h"
#include "rtl.h"

MI_SPECIAL_RANGE MiSpecialRange;
static KSPIN_LOCK MipSpecialLock;
static ULONG MipFirstFree NT_GUARDED_BY(MipSpecialLock); /* MI_NO_SLOT: none */
static ULONG MipLastFree NT_GUARDED_BY(MipSpecialLock);
static MI_SPECIAL_POOL_COUNTERS MipCounters NT_GUARDED_BY(MipSpecialLock);
static ULONG MipRandom; /* (A) good enough when it is lost to an interrupt */

void MiInitializeSpecialPool(const MI_POOL_RANGE *Range) NT_NO_LOCK_ANALYSIS
{
    ULONG Slots = Range->Pages / 2 - (Range->Pages != 0 && Range->Pages % 2 == 0);
    ULONG Index;

    MI_ASSERT(BYTE_OFFSET(Range->Base) == 0);
    KeInitializeSpinLock(&MipSpecialLock);
    Slots = Slots < MI_NO_SLOT ? Slots : MI_NO_SLOT;
    MiSpecialRange = (MI_SPECIAL_RANGE){.Base = Range->Base,
                                        .Slots = Slots,
                                        .Slot = (PMI_SPECIAL_SLOT)(PVOID)Range->Bits,
                                        .Commit = Range->Commit,
                                        .Decommit = Range->Decommit};
    for (Index = 0; Index < Slots; Index++) {
        MiSpecialRange.Slot[Index] = (MI_SPECIAL_SLOT){.Next = (USHORT)(Index + 1)};
    }
    MipFirstFree = Slots != 0 ? 0 : MI_NO_SLOT;
    MipLastFree = Slots - 1;
    MipCounters = (MI_SPECIAL_POOL_COUNTERS){.MaximumPages = Slots};
    MipRandom = (ULONG)KeReadCycleCounter();
    MiSetPoolFrontEnd(MiFrontEndOffForSpecialPool, Slots != 0);
}

/* ---- the queue: S1 ---- */

/* => MI_NO_SLOT: there is none.  The slot is Coming. */
static ULONG MipTakeSlot(void)
{
    KIRQL OldIrql = MiAcquirePoolLock(&MipSpecialLock);
    ULONG Index = MipFirstFree;

    if (Index != MI_NO_SLOT) {
        MipFirstFree = Index == MipLastFree ? MI_NO_SLOT : MiSpecialRange.Slot[Index].Next;
        MiSpecialRange.Slot[Index].State = MiSpecialComing;
    }
    MiReleasePoolLock(&MipSpecialLock, OldIrql);
    return Index;
}

static void MipGiveSlot(ULONG Index, MI_SPECIAL_STATE State)
{
    KIRQL OldIrql = MiAcquirePoolLock(&MipSpecialLock);

    if (MipFirstFree == MI_NO_SLOT) {
        MipFirstFree = Index;
    } else {
        MiSpecialRange.Slot[MipLastFree].Next = (USHORT)Index;
    }
    MipLastFree = Index;
    if (MiSpecialRange.Slot[Index].State == MiSpecialLeaving) {
        MipCounters.UsedPages[MiSpecialRange.Slot[Index].BaseType]--;
    }
    MiSpecialRange.Slot[Index].State = (UCHAR)State;
    MiReleasePoolLock(&MipSpecialLock, OldIrql);
}

/* ---- allocating ---- */

/* The bytes of the page that a block takes: at least one unit, so that it has an address. */
static ULONG MipRoomFor(SIZE_T Bytes, ULONG Alignment)
{
    return ROUND_UP(Bytes != 0 ? (ULONG)Bytes : 1u, Alignment);
}

static void MipDescribe(PMI_SPECIAL_SLOT Slot, const MI_POOL_REQUEST *Request, ULONG Offset)
{
    MipRandom = MipRandom * 1664525u + 1013904223u;
    Slot->Tag = Request->Tag;
    Slot->Bytes = (USHORT)Request->Bytes;
    Slot->Offset = (USHORT)Offset;
    Slot->Pattern = (UCHAR)(MipRandom >> 24 | 1); /* not zero, which would hide much */
}

static void MipCountSlot(PMI_SPECIAL_SLOT Slot, POOL_TYPE BaseType)
{
    KIRQL OldIrql = MiAcquirePoolLock(&MipSpecialLock);
    ULONG Pages;

    Slot->State = MiSpecialInUse;
    Slot->BaseType = (UCHAR)BaseType;
    MipCounters.Allocations++;
    MipCounters.UsedPages[BaseType]++;
    Pages = MipCounters.UsedPages[NonPagedPool] + MipCounters.UsedPages[PagedPool];
    if (Pages > MipCounters.PeakPages) {
        MipCounters.PeakPages = Pages;
    }
    MiReleasePoolLock(&MipSpecialLock, OldIrql);
}

/* => NULL: no page, no memory. */
static PVOID MipAllocatePage(const MI_POOL_REQUEST *Request, POOL_TYPE BaseType, ULONG Offset)
{
    ULONG Index = MiPoolAllocationFails() ? MI_NO_SLOT : MipTakeSlot();
    PMI_SPECIAL_SLOT Slot;
    ULONG_PTR Page;

    if (Index == MI_NO_SLOT) {
        return NULL;
    }
    Slot = &MiSpecialRange.Slot[Index];
    Page = MiSpecialPage(Index);
    if (!NT_SUCCESS(MiSpecialRange.Commit(Page, 1))) {
        MipGiveSlot(Index, Slot->Tag != 0 ? MiSpecialFreed : MiSpecialUnused);
        return NULL;
    }
    MipDescribe(Slot, Request, Offset);
    MiFillSpecialPage(Slot, (PUCHAR)Page);
    MipCountSlot(Slot, BaseType);
    MiCountPoolAllocation(&MiPoolTagOf(Request->Tag)->Use[BaseType], PAGE_SIZE);
    return (PVOID)(Page + Offset);
}

PVOID MiAllocateSpecialPool(const MI_POOL_REQUEST *Request, POOL_TYPE BaseType, ULONG Alignment,
                            MI_SPECIAL_PLACE Place)
{
    ULONG Room = MipRoomFor(Request->Bytes, Alignment);
    KIRQL Irql = KeGetCurrentIrql();
    PVOID P;

    if (Irql > (BaseType == PagedPool ? APC_LEVEL : DISPATCH_LEVEL)) {
        KeBugCheckEx(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, Irql, BaseType, Request->Bytes,
                     MI_SPECIAL_IRQL_TO_ALLOCATE);
    }
    if (Request->Bytes > MI_LARGEST_SPECIAL || Room > MI_LARGEST_SPECIAL) {
        return NULL;
    }
    P = MipAllocatePage(Request, BaseType, Place == MiSpecialOverrun ? PAGE_SIZE - Room : 0);
    if (P == NULL) {
        KIRQL OldIrql = MiAcquirePoolLock(&MipSpecialLock);

        MipCounters.Fallbacks++;
        MiReleasePoolLock(&MipSpecialLock, OldIrql);
    }
    return P;
}

/* ---- freeing ---- */

static NT_NORETURN void MipReport(PVOID P, ULONG_PTR P2, ULONG_PTR P3, ULONG Cause)
{
    KeBugCheckEx(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, (ULONG_PTR)P, P2, P3, Cause);
}

static void MipCheckIrql(PVOID P, POOL_TYPE BaseType)
{
    KIRQL Irql = KeGetCurrentIrql();

    if (Irql > (BaseType == PagedPool ? APC_LEVEL : DISPATCH_LEVEL)) {
        KeBugCheckEx(SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, Irql, BaseType, (ULONG_PTR)P,
                     MI_SPECIAL_IRQL_TO_FREE);
    }
}

/* => Bug check unless P is where Slot's block begins and Tag frees it. */
static void MipCheckBlock(const MI_SPECIAL_SLOT *Slot, PVOID P, ULONG Tag)
{
    if (BYTE_OFFSET(P) != Slot->Offset) {
        MipReport(P, Slot->Bytes, PAGE_SIZE - BYTE_OFFSET(P),
                  Slot->Offset != 0 ? MI_SPECIAL_BAD_ADDRESS : MI_SPECIAL_BAD_UNDERRUN_ADDRESS);
    }
    if (!MiTagFrees(Tag, Slot->Tag)) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_BAD_POOL_TAG, (ULONG_PTR)P, Slot->Tag, Tag);
    }
}

static void MipCheckPage(const MI_SPECIAL_SLOT *Slot, PVOID P)
{
    ULONG_PTR Damage;
    ULONG Cause = MiFindSpecialDamage(Slot, PAGE_ALIGN(P), &Damage);

    if (Cause != 0) {
        MipReport(P, Damage, 0, Cause);
    }
}

void MiFreeSpecialPool(PVOID P, ULONG Tag)
{
    ULONG Index = MiSpecialSlotOf(P);
    PMI_SPECIAL_SLOT Slot = &MiSpecialRange.Slot[Index];
    KIRQL OldIrql;

    if (KeGetCurrentIrql() > DISPATCH_LEVEL) {
        MipCheckIrql(P, NonPagedPool);
    }
    if (Index == MI_NO_SLOT || Slot->State != MiSpecialInUse) {
        MipReport(P, 0, 0, MI_SPECIAL_NOT_ALLOCATED);
    }
    MipCheckIrql(P, (POOL_TYPE)Slot->BaseType);
    MipCheckBlock(Slot, P, Tag);
    MipCheckPage(Slot, P);
    OldIrql = MiAcquirePoolLock(&MipSpecialLock);
    if (Slot->State != MiSpecialInUse) { /* somebody else frees it at this moment */
        MiReleasePoolLock(&MipSpecialLock, OldIrql);
        MipReport(P, 0, 0, MI_SPECIAL_NOT_ALLOCATED);
    }
    Slot->State = MiSpecialLeaving;
    MiReleasePoolLock(&MipSpecialLock, OldIrql);
    /* held: nothing; the page is ours */
    MiCountPoolFree(&MiPoolTagOf(Slot->Tag)->Use[Slot->BaseType], PAGE_SIZE);
    MiSpecialRange.Decommit((ULONG_PTR)PAGE_ALIGN(P), 1);
    MipGiveSlot(Index, MiSpecialFreed);
}

/* ---- looking ---- */

void MiQuerySpecialPool(PMI_SPECIAL_POOL_COUNTERS Counters)
{
    KIRQL OldIrql = MiAcquirePoolLock(&MipSpecialLock);

    *Counters = MipCounters;
    MiReleasePoolLock(&MipSpecialLock, OldIrql);
}

/* => Returns the number of free pages. */
static ULONG MipVerifyQueue(void) NT_HOLDS(MipSpecialLock)
{
    ULONG Index = MipFirstFree;
    ULONG Count = 0;

    while (Index != MI_NO_SLOT) {
        MI_ASSERT(Index < MiSpecialRange.Slots && Count < MiSpecialRange.Slots);
        MI_ASSERT(MiSpecialRange.Slot[Index].State == MiSpecialUnused ||
                  MiSpecialRange.Slot[Index].State == MiSpecialFreed);
        Count++;
        Index = Index == MipLastFree ? MI_NO_SLOT : MiSpecialRange.Slot[Index].Next;
    }
    return Count;
}

void MiVerifySpecialPool(void)
{
    ULONG Used[2] = {0, 0};
    ULONG Free;
    ULONG Index;
    KIRQL OldIrql;

    for (Index = 0; Index < MiSpecialRange.Slots; Index++) {
        const MI_SPECIAL_SLOT *Slot = &MiSpecialRange.Slot[Index];

        if (Slot->State == MiSpecialInUse) {
            MipCheckPage(Slot, (PVOID)(MiSpecialPage(Index) + Slot->Offset)); /* S3 */
            Used[Slot->BaseType]++;
        }
    }
    OldIrql = MiAcquirePoolLock(&MipSpecialLock);
    Free = MipVerifyQueue();
    MI_ASSERT(MiSpecialRange.Slots == Free + Used[NonPagedPool] + Used[PagedPool]); /* S1 */
    MI_ASSERT(MipCounters.UsedPages[NonPagedPool] == Used[NonPagedPool]);           /* S2 */
    MI_ASSERT(MipCounters.UsedPages[PagedPool] == Used[PagedPool]);
    MiReleasePoolLock(&MipSpecialLock, OldIrql);
}
