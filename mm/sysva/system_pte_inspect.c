/* SPDX-License-Identifier: MIT */
/*
 * system_pte_inspect.c - counters, verify and dump of the system PTEs.
 *
 * Locking: MiSystemPteLock, held for the whole walk.
 */
#include "mi_assert.h"
#include "mm.h"
#include "mm/sysva/system_pte_state.h"

#define MIP_LOW_SHARE    16 /* requests of low priority leave 1/16 of the PTEs free, */
#define MIP_NORMAL_SHARE 64 /* those of normal priority 1/64 */

/* Base and Total never change once they are set. */
BOOLEAN MiIsSystemPte(const MMPTE *Pte) NT_NO_LOCK_ANALYSIS
{
    return MiSystemPtes.Base != NULL && Pte >= MiSystemPtes.Base &&
           Pte < MiSystemPtes.Base + MiSystemPtes.Total;
}

void MiQuerySystemPtes(PMI_SYSTEM_PTE_COUNTERS Counters)
{
    KIRQL OldIrql = MiLockSystemPtes();
    const MI_SYSTEM_PTES *Ptes = &MiSystemPtes;
    ULONG i;

    Counters->Total = Ptes->Total - Ptes->OwnPages;
    Counters->Free = Ptes->Free;
    Counters->Slack = Ptes->Slack;
    Counters->Reserved = Counters->Total - Ptes->Free - Ptes->Slack;
    Counters->LowestFree = Ptes->LowestFree;
    for (i = 0; i < MI_SYSTEM_PTE_CLASSES; i++) {
        Counters->Listed[i] = Ptes->Class[i].Length;
    }
    Counters->Reservations = Ptes->Reservations;
    Counters->Releases = Ptes->Releases;
    Counters->Refusals = Ptes->Refusals;
    Counters->Flushes = Ptes->Epoch;
    MiUnlockSystemPtes(OldIrql);
}

BOOLEAN MiSystemPtesAllow(ULONG Count, ULONG PagePriority)
{
    KIRQL OldIrql = MiLockSystemPtes();
    ULONG Free = MiSystemPtes.Free;
    ULONG Keep = 0;

    if (PagePriority < NormalPagePriority) {
        Keep = MiSystemPtes.Total / MIP_LOW_SHARE;
    } else if (PagePriority < HighPagePriority) {
        Keep = MiSystemPtes.Total / MIP_NORMAL_SHARE;
    }
    MiUnlockSystemPtes(OldIrql);
    return Free >= Keep && Free - Keep >= Count;
}

/* ---- verify ---- */

/* A free run outside the general pool: Taken, not reserved, zero behind its Headers entries. */
static void MipVerifyFreeRun(ULONG Index, ULONG Size, ULONG Headers) NT_HOLDS(MiSystemPteLock)
{
    ULONG i;

    MI_ASSERT(Index < MiSystemPtes.Total && Size <= MiSystemPtes.Total - Index);
    MI_ASSERT(RtlAreBitsSet(&MiSystemPtes.Taken, Index, Size));
    for (i = 0; i < Size; i++) {
        MMPTE Pte = MiReadPte(MiSystemPtes.Base + Index + i);

        MI_ASSERT(MiSystemPtes.Runs[Index + i] == MI_RUN_NONE);
        if (i < Headers) {
            MI_ASSERT(!Pte.Hard.Valid && MiPteAsList(Pte).List);
        } else {
            MI_ASSERT(Pte.Long == 0);
        }
    }
}

/* S1.  => Returns the PTEs in the queue. */
static ULONG MipVerifyQueue(const MI_PTE_CLASS *Class) NT_HOLDS(MiSystemPteLock)
{
    ULONG Index = Class->Head;
    ULONG Last = MI_PTE_LIST_END;
    ULONG Length = 0;

    while (Index != MI_PTE_LIST_END) {
        MI_ASSERT(Length < Class->Length);
        MipVerifyFreeRun(Index, Class->Size, 1);
        Last = Index;
        Index = MiPteAsList(MiReadPte(MiSystemPtes.Base + Index)).Next;
        Length++;
    }
    MI_ASSERT(Length == Class->Length);
    MI_ASSERT(Length == 0 || Class->Tail == Last);
    return Length * Class->Size;
}

/* S2. */
static void MipVerifyPending(void) NT_HOLDS(MiSystemPteLock)
{
    ULONG Index = MiSystemPtes.PendingHead;
    ULONG Found = 0;

    while (Index != MI_PTE_LIST_END) {
        ULONG Length = MiPteAsList(MiReadPte(MiSystemPtes.Base + Index + 1)).Next;

        MI_ASSERT(Length > MI_LARGEST_CLASS);
        MipVerifyFreeRun(Index, Length, 2);
        Found += Length;
        MI_ASSERT(Found <= MiSystemPtes.PendingPtes);
        Index = MiPteAsList(MiReadPte(MiSystemPtes.Base + Index)).Next;
    }
    MI_ASSERT(Found == MiSystemPtes.PendingPtes);
}

/* S3, S4, S6 for the PTE at Index.  => Inside: the one before is in a run and not its last. */
static void MipVerifyPte(ULONG Index, BOOLEAN Inside) NT_HOLDS(MiSystemPteLock)
{
    MMPTE Pte = MiReadPte(MiSystemPtes.Base + Index);
    UCHAR Run = MiSystemPtes.Runs[Index];

    if (!RtlTestBit(&MiSystemPtes.Taken, Index)) {
        MI_ASSERT(Pte.Long == 0 && Run == MI_RUN_NONE); /* S3 */
    }
    if (Run == MI_RUN_NONE) {
        MI_ASSERT(!Inside);         /* S4 */
        MI_ASSERT(!Pte.Hard.Valid); /* S6 */
    } else {
        MI_ASSERT((Run & MI_RUN_RESERVED) && ((Run & MI_RUN_FIRST) == 0) == Inside); /* S4 */
    }
}

void MiVerifySystemPtes(void)
{
    KIRQL OldIrql = MiLockSystemPtes();
    ULONG Free = RtlNumberOfClearBits(&MiSystemPtes.Taken) + MiSystemPtes.PendingPtes;
    BOOLEAN Inside = FALSE;
    ULONG Reserved = 0;
    ULONG i;

    for (i = 0; i < MI_SYSTEM_PTE_CLASSES; i++) {
        Free += MipVerifyQueue(&MiSystemPtes.Class[i]);
    }
    MipVerifyPending();
    for (i = MiSystemPtes.OwnPages; i < MiSystemPtes.Total; i++) {
        UCHAR Run = MiSystemPtes.Runs[i];

        MipVerifyPte(i, Inside);
        Reserved += Run != MI_RUN_NONE;
        Inside = Run != MI_RUN_NONE && !(Run & MI_RUN_LAST);
    }
    MI_ASSERT(!Inside);                   /* S4 */
    MI_ASSERT(Free == MiSystemPtes.Free); /* S5 */
    MI_ASSERT(Free + Reserved + MiSystemPtes.Slack + MiSystemPtes.OwnPages ==
              MiSystemPtes.Total); /* S5 */
    MiUnlockSystemPtes(OldIrql);
}

/* ---- !sysptes ---- */

static void MipDumpTotals(RTL_PRINT_SINK *Sink, PVOID Context) NT_HOLDS(MiSystemPteLock)
{
    const MI_SYSTEM_PTES *Ptes = &MiSystemPtes;
    ULONG i;

    RtlFormat(Sink, Context, "System PTE Information\n");
    RtlFormat(Sink, Context, "  Total System Ptes %u\n", Ptes->Total - Ptes->OwnPages);
    for (i = 0; i < MI_SYSTEM_PTE_CLASSES; i++) {
        RtlFormat(Sink, Context, "     SysPtes list of size %u has %u free\n", Ptes->Class[i].Size,
                  Ptes->Class[i].Length);
    }
    RtlFormat(Sink, Context, "  starting PTE: %p\n  ending PTE:   %p\n",
              (PVOID)(Ptes->Base + Ptes->OwnPages), (PVOID)(Ptes->Base + Ptes->Total - 1));
    RtlFormat(Sink, Context, "  reserved: %u  slack: %u  waiting for a flush: %u  flushes: %u\n",
              Ptes->Total - Ptes->OwnPages - Ptes->Free - Ptes->Slack, Ptes->Slack,
              Ptes->PendingPtes, Ptes->Epoch);
    RtlFormat(Sink, Context, "  reservations: %u  releases: %u  refused: %u\n", Ptes->Reservations,
              Ptes->Releases, Ptes->Refusals);
}

void MiDumpSystemPtes(RTL_PRINT_SINK *Sink, PVOID Context, BOOLEAN Runs)
{
    KIRQL OldIrql = MiLockSystemPtes();
    ULONG Blocks = 0;
    ULONG Largest = 0;
    ULONG Start = 0;
    ULONG Length;

    MipDumpTotals(Sink, Context);
    while ((Length = RtlFindNextForwardRunClear(&MiSystemPtes.Taken, Start, &Start)) != 0) {
        if (Runs) {
            RtlFormat(Sink, Context, "    free ptes: %p   number free: %u\n",
                      (PVOID)(MiSystemPtes.Base + Start), Length);
        }
        Blocks++;
        Largest = Length > Largest ? Length : Largest;
        Start += Length;
    }
    RtlFormat(Sink, Context, "  free blocks: %u   total free: %u   largest free block: %u\n",
              Blocks, MiSystemPtes.Free, Largest);
    MiUnlockSystemPtes(OldIrql);
}
