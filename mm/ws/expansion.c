/* SPDX-License-Identifier: MIT */
/*
 * expansion.c - MmWorkingSetExpansionHead: working sets come, are taken for a trim, and go.
 *
 * Who is taken goes to the tail, so that the list is in the order of the last turn.  An owner that
 * wants its working set out while it is being trimmed leaves an event in TrimEnded, and waits.
 *
 * Invariants (MiVerifyExpansion):
 *   E1  walking Flink from the head comes back to it over entries that name each other
 *   E2  TrimEnded is set only while BeingTrimmed
 *
 * Locking: MmExpansionLock.  Under it the dispatcher's is taken, when an event is set.
 */
#include "mm/ws/expansion.h"

#include "mi_assert.h"

KSPIN_LOCK MmExpansionLock;
LIST_ENTRY MmWorkingSetExpansionHead;
static ULONG MipLastPass NT_GUARDED_BY(MmExpansionLock);

static PMMSUPPORT MipWorkingSetOf(PLIST_ENTRY Entry)
{
    return CONTAINING_RECORD(Entry, MMSUPPORT, WorkingSetExpansionLinks);
}

void MiInitializeExpansion(void)
{
    KIRQL OldIrql;

    KeInitializeSpinLock(&MmExpansionLock);
    OldIrql = KfAcquireSpinLock(&MmExpansionLock);
    InitializeListHead(&MmWorkingSetExpansionHead);
    MipLastPass = 0;
    KfReleaseSpinLock(&MmExpansionLock, OldIrql);
}

void MiInsertExpansion(PMMSUPPORT WorkingSet)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MmExpansionLock);

    MI_ASSERT(WorkingSet->WorkingSetExpansionLinks.Flink == NULL);
    WorkingSet->BeingTrimmed = FALSE;
    WorkingSet->TrimEnded = NULL;
    WorkingSet->LastPass = MipLastPass;
    InsertTailList(&MmWorkingSetExpansionHead, &WorkingSet->WorkingSetExpansionLinks);
    KfReleaseSpinLock(&MmExpansionLock, OldIrql);
}

/* => FALSE: it is being trimmed, and Ended will be set. */
static BOOLEAN MipTryRemove(PMMSUPPORT WorkingSet, PKEVENT Ended)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MmExpansionLock);
    BOOLEAN Removed = !WorkingSet->BeingTrimmed;

    MI_ASSERT(WorkingSet->WorkingSetExpansionLinks.Flink != NULL);
    if (Removed) {
        RemoveEntryList(&WorkingSet->WorkingSetExpansionLinks);
        WorkingSet->WorkingSetExpansionLinks.Flink = NULL;
    } else {
        MI_ASSERT(WorkingSet->TrimEnded == NULL);
        WorkingSet->TrimEnded = Ended; /* E2 */
    }
    KfReleaseSpinLock(&MmExpansionLock, OldIrql);
    return Removed;
}

void MiRemoveExpansion(PMMSUPPORT WorkingSet)
{
    KEVENT Ended;

    KeInitializeEvent(&Ended, SynchronizationEvent, FALSE);
    while (!MipTryRemove(WorkingSet, &Ended)) {
        KeWaitForSingleObject(&Ended, WrVirtualMemory, KernelMode, FALSE, NULL);
    }
}

/* ---- the walk ---- */

ULONG MiBeginExpansionPass(void)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MmExpansionLock);
    ULONG Pass = ++MipLastPass;

    KfReleaseSpinLock(&MmExpansionLock, OldIrql);
    return Pass;
}

PMMSUPPORT MiTakeWorkingSet(ULONG Pass, MI_RANK_WORKING_SET *Rank, PVOID Context)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MmExpansionLock);
    PMMSUPPORT First = NULL;
    ULONG Lowest = MI_NOT_NOW;
    PLIST_ENTRY Entry;

    for (Entry = MmWorkingSetExpansionHead.Flink; Entry != &MmWorkingSetExpansionHead;
         Entry = Entry->Flink) {
        PMMSUPPORT Each = MipWorkingSetOf(Entry);
        ULONG Place =
            Each->LastPass == Pass || Each->BeingTrimmed ? MI_NOT_NOW : Rank(Each, Context);

        if (Place < Lowest) {
            Lowest = Place;
            First = Each;
        }
    }
    if (First != NULL) {
        First->LastPass = Pass;
        First->BeingTrimmed = TRUE;
        RemoveEntryList(&First->WorkingSetExpansionLinks);
        InsertTailList(&MmWorkingSetExpansionHead, &First->WorkingSetExpansionLinks);
    }
    KfReleaseSpinLock(&MmExpansionLock, OldIrql);
    return First;
}

void MiReleaseWorkingSet(PMMSUPPORT WorkingSet)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MmExpansionLock);
    PKEVENT Ended = WorkingSet->TrimEnded;

    MI_ASSERT(WorkingSet->BeingTrimmed);
    WorkingSet->BeingTrimmed = FALSE;
    WorkingSet->TrimEnded = NULL;
    if (Ended != NULL) {
        KeSetEvent(Ended, IO_NO_INCREMENT, FALSE); /* the working set may go now */
    }
    KfReleaseSpinLock(&MmExpansionLock, OldIrql);
}

/* ---- looking at it ---- */

ULONG MiCountWorkingSets(PULONG Pages)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MmExpansionLock);
    ULONG Count = 0;
    PLIST_ENTRY Entry;

    *Pages = 0;
    for (Entry = MmWorkingSetExpansionHead.Flink; Entry != &MmWorkingSetExpansionHead;
         Entry = Entry->Flink) {
        *Pages += MipWorkingSetOf(Entry)->WorkingSetSize;
        Count++;
    }
    KfReleaseSpinLock(&MmExpansionLock, OldIrql);
    return Count;
}

void MiVerifyExpansion(void)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MmExpansionLock);
    PLIST_ENTRY Entry = &MmWorkingSetExpansionHead;

    do {
        MI_ASSERT(Entry->Flink->Blink == Entry); /* E1 */
        Entry = Entry->Flink;
        if (Entry != &MmWorkingSetExpansionHead) {
            PMMSUPPORT Each = MipWorkingSetOf(Entry);

            MI_ASSERT(Each->BeingTrimmed || Each->TrimEnded == NULL); /* E2 */
        }
    } while (Entry != &MmWorkingSetExpansionHead);
    KfReleaseSpinLock(&MmExpansionLock, OldIrql);
}
