/* SPDX-License-Identifier: MIT */
/*
 * system_ptes.c - reserving and releasing runs of system PTEs.
 *
 * A PTE is in one of these places:
 *
 *     general pool   its bit in Taken is clear; flushed; neighbours grow together by themselves
 *     queue          a free run of 1, 2, 4, 8, 9 or 23, heading for reuse: MMPTE_LIST in the first
 *     pending        a longer free run that waits for a flush: MMPTE_LIST, its length in the second
 *     reserved       bit in Reserved; what it holds is the owner's
 *     slack          behind a reserved run, up to the size of its class
 *
 *     from       to         when
 *     general    queue      a queue is short: it takes a batch of runs
 *     general    reserved   the run is longer than 23, or the queues had nothing
 *     queue      reserved   its head was released before the last flush
 *     reserved   queue      released, up to 23 long (with its slack)
 *     reserved   pending    released, longer
 *     pending    general    a flush
 *     queue      general    a run was not found otherwise: everything is joined again
 *
 * The TLB is flushed as a whole, for all that was released since the last time.  Each released run
 * remembers Epoch, the number of flushes; as long as the head of a queue has the current one it may
 * still be in the TLB.  A queue that is as long as a batch then asks for a flush, a shorter one
 * takes fresh runs.  Nine bits of Epoch are kept: a run that stays for exactly 512 flushes looks as
 * if it had none, which costs one flush more.
 *
 * Invariants (MiVerifySystemPtes):
 *   S1  a queue holds Length runs of its Size, from Head to Tail; each is Taken, not reserved, and
 *       zero but for its first PTE
 *   S2  the pending runs are Taken, not reserved, zero but for their first two PTEs, together
 *       PendingPtes long
 *   S3  a PTE of the general pool is zero and not reserved
 *   S4  Runs has each reserved run from its first to its last PTE, and nothing else
 *   S5  Free is what queues, pending runs and general pool hold; together with reserved PTEs, Slack
 *       and OwnPages it makes Total
 *   S6  a PTE that is not reserved is not valid, OwnPages apart
 *
 * Locking: MiSystemPteLock.  KeFlushEntireTb is called under it.
 */
#include "mm/sysva/system_ptes.h"

#include "mi_assert.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_pte_state.h"
#include "nt/bugcodes.h"

#define MIP_BATCH           256u /* runs of a queue that make a flush worth it */
#define MIP_REFILL          32u  /* runs that a queue takes from the general pool at once */

#define MIP_RESERVE_NOTHING 0x200u
#define MIP_RELEASE_NOTHING 0x300u
#define MIP_RELEASE_FOREIGN 0x301u
#define MIP_RELEASE_FREE    0x302u
#define MIP_RELEASE_NO_RUN  0x303u

#define MIP_WORD(Index)     ((Index) / 32)
#define MIP_BIT(Index)      (1u << ((Index) % 32))

KSPIN_LOCK MiSystemPteLock;
MI_SYSTEM_PTES MiSystemPtes;
BOOLEAN MiFlushSystemPtesAtOnce;
ULONG MiFailSystemPteReservation;

const UCHAR MiPteClassOf[MI_LARGEST_CLASS + 1] = {
    0, 0, 1, 2, 2, 3, 3, 3, 3, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
};

static const UCHAR MipClassSizes[MI_SYSTEM_PTE_CLASSES] = {1, 2, 4, 8, 9, 23};

/* ---- creation ---- */

static ULONG MipBitmapBytes(ULONG Pages)
{
    return ROUND_UP(Pages, 32) / 8;
}

/* => Start is mapped, contents undefined. */
static void MipInitializeMaps(PMI_SYSTEM_PTES Ptes, ULONG_PTR Start)
{
    RtlInitializeBitMap(&Ptes->Taken, (PULONG)Start, Ptes->Total);
    RtlClearAllBits(&Ptes->Taken);
    RtlSetBits(&Ptes->Taken, 0, Ptes->OwnPages);
    Ptes->Runs = (PUCHAR)Start + MipBitmapBytes(Ptes->Total);
    memset(Ptes->Runs, MI_RUN_NONE, Ptes->Total);
}

static void MipInitializeClasses(PMI_SYSTEM_PTES Ptes)
{
    ULONG i;

    for (i = 0; i < MI_SYSTEM_PTE_CLASSES; i++) {
        Ptes->Class[i].Size = MipClassSizes[i];
        Ptes->Class[i].Head = MI_PTE_LIST_END;
    }
}

NTSTATUS MiCreateSystemPtes(ULONG_PTR Start, ULONG Pages)
{
    ULONG OwnPages = BYTES_TO_PAGES(MipBitmapBytes(Pages) + Pages);
    NTSTATUS Status;
    KIRQL OldIrql;

    MI_ASSERT(Start % MM_LARGE_PAGE == 0 && Pages >= 64 && Pages < MI_PTE_LIST_END);
    Status = MiCreateSystemPageTables(Start, Pages * PAGE_SIZE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiCreateSystemPages(MiGetPteAddress(Start), OwnPages,
                                 MiMakeKernelTemplate(MiKernelReadWrite, MiCached));
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeSpinLock(&MiSystemPteLock);
    OldIrql = MiLockSystemPtes();
    memset(&MiSystemPtes, 0, sizeof(MiSystemPtes));
    MiSystemPtes.Base = MiGetPteAddress(Start);
    MiSystemPtes.Total = Pages;
    MiSystemPtes.OwnPages = OwnPages;
    MiSystemPtes.Free = Pages - OwnPages;
    MiSystemPtes.LowestFree = MiSystemPtes.Free;
    MiSystemPtes.PendingHead = MI_PTE_LIST_END;
    MipInitializeMaps(&MiSystemPtes, Start);
    MipInitializeClasses(&MiSystemPtes);
    MiUnlockSystemPtes(OldIrql);
    return STATUS_SUCCESS;
}

/* ---- queues ---- */

ULONG MiSystemPteRunSize(ULONG Count)
{
    return Count <= MI_LARGEST_CLASS ? MiSystemPtes.Class[MiPteClassOf[Count]].Size : Count;
}

static inline MMPTE_LIST MipReadList(ULONG Index) NT_HOLDS(MiSystemPteLock)
{
    return MiPteAsList(MiReadPte(MiSystemPtes.Base + Index));
}

static inline void MipWriteList(ULONG Index, ULONG Next, ULONG Epoch) NT_HOLDS(MiSystemPteLock)
{
    MiWritePte(MiSystemPtes.Base + Index, MiMakeListPte(Next, Epoch));
}

/* => Returns the oldest run, or MI_PTE_LIST_END: there is none that was flushed. */
static inline ULONG MipPopFlushed(PMI_PTE_CLASS Class) NT_HOLDS(MiSystemPteLock)
{
    ULONG Index = Class->Head;
    MMPTE Pte;

    if (Index == MI_PTE_LIST_END) {
        return MI_PTE_LIST_END;
    }
    Pte = MiReadPte(MiSystemPtes.Base + Index);
    Class->Head = Pte.Long >> MI_PTE_LIST_NEXT_SHIFT;
    if (Pte.Long == MiMakeListPte(Class->Head, MiSystemPtes.Epoch).Long) {
        Class->Head = Index;
        return MI_PTE_LIST_END;
    }
    Class->Length--;
    MiWritePte(MiSystemPtes.Base + Index, MiMakeZeroPte());
    return Index;
}

static inline void MipPushReleased(PMI_PTE_CLASS Class, ULONG Index) NT_HOLDS(MiSystemPteLock)
{
    MipWriteList(Index, MI_PTE_LIST_END, MiSystemPtes.Epoch);
    if (Class->Head == MI_PTE_LIST_END) {
        Class->Head = Index;
    } else {
        PMMPTE Tail = MiSystemPtes.Base + Class->Tail;

        MiWritePte(Tail, MiRelinkListPte(MiReadPte(Tail), Index));
    }
    Class->Tail = Index;
    Class->Length++;
}

/* Runs from the general pool were flushed: they go to the head, with the epoch before this. */
static void MipPushFresh(PMI_PTE_CLASS Class, ULONG Index) NT_HOLDS(MiSystemPteLock)
{
    MipWriteList(Index, Class->Head, MiSystemPtes.Epoch - 1);
    if (Class->Head == MI_PTE_LIST_END) {
        Class->Tail = Index;
    }
    Class->Head = Index;
    Class->Length++;
}

/* ---- the general pool ---- */

/* => Returns the first of Size PTEs that are Taken now, or MI_PTE_LIST_END. */
static ULONG MipCut(ULONG Size) NT_HOLDS(MiSystemPteLock)
{
    ULONG Index = RtlFindClearBitsAndSet(&MiSystemPtes.Taken, Size, MiSystemPtes.Hint);

    if (Index == RTL_NO_BIT) {
        return MI_PTE_LIST_END;
    }
    MiSystemPtes.Hint = Index + Size;
    return Index;
}

static ULONG MipRefill(PMI_PTE_CLASS Class) NT_HOLDS(MiSystemPteLock)
{
    ULONG Runs = MIP_REFILL;
    ULONG Index = MipCut(Class->Size * Runs);

    if (Index == MI_PTE_LIST_END) {
        return MipCut(Class->Size);
    }
    while (--Runs != 0) {
        MipPushFresh(Class, Index + Runs * Class->Size);
    }
    return Index;
}

/* ---- flushing ---- */

static void MipDrainPending(void) NT_HOLDS(MiSystemPteLock)
{
    while (MiSystemPtes.PendingHead != MI_PTE_LIST_END) {
        ULONG Index = MiSystemPtes.PendingHead;
        ULONG Length = MipReadList(Index + 1).Next;

        MiSystemPtes.PendingHead = MipReadList(Index).Next;
        MiWritePte(MiSystemPtes.Base + Index, MiMakeZeroPte());
        MiWritePte(MiSystemPtes.Base + Index + 1, MiMakeZeroPte());
        RtlClearBits(&MiSystemPtes.Taken, Index, Length);
    }
    MiSystemPtes.PendingPtes = 0;
}

static void MipFlush(void) NT_HOLDS(MiSystemPteLock)
{
    KeFlushEntireTb();
    MiSystemPtes.Epoch++;
    MipDrainPending();
}

/* => Flushed just now: nothing that is free has a translation. */
static void MipJoinQueues(void) NT_HOLDS(MiSystemPteLock)
{
    ULONG i;

    for (i = 0; i < MI_SYSTEM_PTE_CLASSES; i++) {
        PMI_PTE_CLASS Class = &MiSystemPtes.Class[i];

        while (Class->Head != MI_PTE_LIST_END) {
            ULONG Index = Class->Head;

            Class->Head = MipReadList(Index).Next;
            MiWritePte(MiSystemPtes.Base + Index, MiMakeZeroPte());
            RtlClearBits(&MiSystemPtes.Taken, Index, Class->Size);
        }
        Class->Length = 0;
    }
}

void MiFlushSystemPtes(void)
{
    KIRQL OldIrql = MiLockSystemPtes();

    MipFlush();
    MiUnlockSystemPtes(OldIrql);
}

/* ---- reserving ---- */

/* The last resorts, in the order of their price. */
static ULONG MipTakeAfterFlush(PMI_PTE_CLASS Class, ULONG Size) NT_HOLDS(MiSystemPteLock)
{
    ULONG Index = MI_PTE_LIST_END;

    if (MiSystemPtes.Free < Size) {
        return MI_PTE_LIST_END;
    }
    MipFlush();
    if (Class != NULL) {
        Index = MipPopFlushed(Class);
    }
    if (Index == MI_PTE_LIST_END) {
        Index = MipCut(Size);
    }
    if (Index == MI_PTE_LIST_END) {
        MipJoinQueues();
        Index = MipCut(Size);
    }
    return Index;
}

static __attribute__((noinline)) ULONG MipTakeSlowly(PMI_PTE_CLASS Class, ULONG Size)
    NT_HOLDS(MiSystemPteLock)
{
    ULONG Index = MI_PTE_LIST_END;

    if (Class == NULL) {
        Index = MipCut(Size);
    } else if (Class->Length < MIP_BATCH) {
        Index = MipRefill(Class);
    }
    return Index != MI_PTE_LIST_END ? Index : MipTakeAfterFlush(Class, Size);
}

static inline void MipMarkReserved(ULONG Index, ULONG Count, ULONG Size) NT_HOLDS(MiSystemPteLock)
{
    PUCHAR Run = MiSystemPtes.Runs + Index;
    ULONG i;

    if (Count == 1) {
        *Run = MI_RUN_SINGLE;
    } else {
        for (i = 0; i < Count; i++) {
            Run[i] = MI_RUN_RESERVED;
        }
        Run[0] |= MI_RUN_FIRST;
        Run[Count - 1] |= MI_RUN_LAST;
        MiSystemPtes.Slack += Size - Count;
    }
    MiSystemPtes.Reservations++;
    MiSystemPtes.Free -= Size;
    if (MiSystemPtes.Free < MiSystemPtes.LowestFree) {
        MiSystemPtes.LowestFree = MiSystemPtes.Free;
    }
}

static BOOLEAN MipInjectedFailure(void)
{
    return MiFailSystemPteReservation != 0 && --MiFailSystemPteReservation == 0;
}

/* => Returns the first PTE's index; MI_PTE_LIST_END: there is no such run. */
static inline __attribute__((always_inline)) ULONG MipReserve(ULONG Count) NT_HOLDS(MiSystemPteLock)
{
    PMI_PTE_CLASS Class = NULL;
    ULONG Index = MI_PTE_LIST_END;
    ULONG Size = Count;

    if (Count <= MI_LARGEST_CLASS) {
        Class = &MiSystemPtes.Class[MiPteClassOf[Count]];
        Size = Class->Size;
        Index = MipPopFlushed(Class);
    }
    if (Index == MI_PTE_LIST_END) {
        Index = MipTakeSlowly(Class, Size);
    }
    if (Index != MI_PTE_LIST_END) {
        MipMarkReserved(Index, Count, Size);
    }
    return Index;
}

static __attribute__((noinline)) ULONG MipReserveRun(ULONG Count) NT_HOLDS(MiSystemPteLock)
{
    return MipReserve(Count);
}

PMMPTE MiReserveSystemPtes(ULONG Count)
{
    ULONG Index = MI_PTE_LIST_END;
    PMMPTE First = NULL;
    KIRQL OldIrql;

    if (Count == 0) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MIP_RESERVE_NOTHING, 0, 0, 0);
    }
    OldIrql = MiLockSystemPtes();
    if (!MipInjectedFailure()) {
        Index = Count == 1 ? MipReserve(1) : MipReserveRun(Count);
    }
    if (Index != MI_PTE_LIST_END) {
        First = MiSystemPtes.Base + Index;
    } else {
        MiSystemPtes.Refusals++;
    }
    MiUnlockSystemPtes(OldIrql);
    return First;
}

/* ---- releasing ---- */

/* => Index is in the range.  Returns the length of the reserved run that begins there, or 0. */
static ULONG MipRunLength(ULONG Index) NT_HOLDS(MiSystemPteLock)
{
    ULONG Last = Index;

    if (!(MiSystemPtes.Runs[Index] & MI_RUN_FIRST)) {
        return 0;
    }
    while (!(MiSystemPtes.Runs[Last] & MI_RUN_LAST)) {
        Last++;
    }
    return Last - Index + 1;
}

static NT_NORETURN void MipRefuseRelease(ULONG Index, ULONG Count) NT_HOLDS(MiSystemPteLock)
{
    PMMPTE First = MiSystemPtes.Base + Index;
    ULONG i;

    if (Count == 0) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MIP_RELEASE_NOTHING, (ULONG_PTR)First, 0, 0);
    }
    if (Index >= MiSystemPtes.Total || Count > MiSystemPtes.Total - Index) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MIP_RELEASE_FOREIGN, (ULONG_PTR)First, Count, 0);
    }
    for (i = 0; i < Count; i++) {
        if (MiSystemPtes.Runs[Index + i] == MI_RUN_NONE) {
            KeBugCheckEx(SYSTEM_PTE_MISUSE, MIP_RELEASE_FREE, (ULONG_PTR)First, Count,
                         (ULONG_PTR)(First + i));
        }
    }
    KeBugCheckEx(SYSTEM_PTE_MISUSE, MIP_RELEASE_NO_RUN, (ULONG_PTR)First, Count,
                 MipRunLength(Index));
}

/* The first PTE becomes a list entry by whoever takes the run. */
static void MipMarkFree(ULONG Index, ULONG Count, ULONG Size) NT_HOLDS(MiSystemPteLock)
{
    ULONG i;

    for (i = 1; i < Count; i++) {
        MiWritePte(MiSystemPtes.Base + Index + i, MiMakeZeroPte());
    }
    memset(MiSystemPtes.Runs + Index, MI_RUN_NONE, Count);
    MiSystemPtes.Slack -= Size - Count;
    MiSystemPtes.Free += Size;
}

static void MipPushPending(ULONG Index, ULONG Count) NT_HOLDS(MiSystemPteLock)
{
    MipWriteList(Index, MiSystemPtes.PendingHead, MiSystemPtes.Epoch);
    MipWriteList(Index + 1, Count, MiSystemPtes.Epoch);
    MiSystemPtes.PendingHead = Index;
    MiSystemPtes.PendingPtes += Count;
}

/* Below Base it wraps to an index that is far too large. */
static inline ULONG MipIndexOf(PMMPTE Pte) NT_HOLDS(MiSystemPteLock)
{
    return (ULONG)(((ULONG_PTR)Pte - (ULONG_PTR)MiSystemPtes.Base) / sizeof(MMPTE));
}

/* Any run, and whatever is none. */
static __attribute__((noinline)) void MipReleaseRun(ULONG Index, ULONG Count)
    NT_HOLDS(MiSystemPteLock)
{
    if (Count == 0 || Index >= MiSystemPtes.Total || MipRunLength(Index) != Count) {
        MipRefuseRelease(Index, Count);
    }
    if (Count <= MI_LARGEST_CLASS) {
        PMI_PTE_CLASS Class = &MiSystemPtes.Class[MiPteClassOf[Count]];

        MipMarkFree(Index, Count, Class->Size);
        MipPushReleased(Class, Index);
    } else {
        MipMarkFree(Index, Count, Count);
        MipPushPending(Index, Count);
    }
}

void MiReleaseSystemPtes(PMMPTE First, ULONG Count)
{
    KIRQL OldIrql = MiLockSystemPtes();
    ULONG Index = MipIndexOf(First);

    if (Count == 1 && Index < MiSystemPtes.Total && MiSystemPtes.Runs[Index] == MI_RUN_SINGLE) {
        MiSystemPtes.Runs[Index] = MI_RUN_NONE;
        MiSystemPtes.Free++;
        MipPushReleased(&MiSystemPtes.Class[0], Index);
    } else {
        MipReleaseRun(Index, Count);
    }
    MiSystemPtes.Releases++;
    if (MiFlushSystemPtesAtOnce) {
        MipFlush();
    }
    MiUnlockSystemPtes(OldIrql);
}

/* ---- questions ---- */

ULONG MiSystemPteRunLength(PMMPTE First)
{
    KIRQL OldIrql = MiLockSystemPtes();
    ULONG Index = MipIndexOf(First);
    ULONG Length = Index < MiSystemPtes.Total ? MipRunLength(Index) : 0;

    MiUnlockSystemPtes(OldIrql);
    return Length;
}

BOOLEAN MiIsFreeSystemVa(ULONG_PTR Va)
{
    KIRQL OldIrql = MiLockSystemPtes();
    ULONG Index = MipIndexOf(MiGetPteAddress(Va));
    BOOLEAN IsFree = Index < MiSystemPtes.Total && Index >= MiSystemPtes.OwnPages &&
                     MiSystemPtes.Runs[Index] == MI_RUN_NONE;

    MiUnlockSystemPtes(OldIrql);
    return IsFree;
}
