/* SPDX-License-Identifier: MIT */
/*
 * dpc.c - deferred procedure calls: what an interrupt leaves for DISPATCH_LEVEL.
 *
 * A DPC is queued at most once.  It is taken from the queue before it runs, so that it can be
 * queued again meanwhile.
 *
 * Invariant D1: DpcData is the queue's address exactly while the DPC is in the queue; KiDpcDepth
 * counts them.
 *
 * Locking: KiDpcLock, at HIGH_LEVEL: any interrupt may queue one.
 */
#include "mm/ke/dispatcher.h"

/* Beyond this depth low importance asks for a drain too: NT's documented MaximumDpcQueueDepth. */
#define DPC_DEPTH_MAXIMUM 4

/* IRQL_UNEXPECTED_VALUE's identification: a DPC changed the IRQL. */
#define IRQL_CHECK_DPC 2u

static KSPIN_LOCK KiDpcLock;
static LIST_ENTRY KipDpcQueue NT_GUARDED_BY(KiDpcLock);
volatile ULONG KiDpcDepth;

static KIRQL LockDpcs(void) NT_ACQUIRES(KiDpcLock)
{
    KIRQL OldIrql = KfRaiseIrql(HIGH_LEVEL);

    KefAcquireSpinLockAtDpcLevel(&KiDpcLock);
    return OldIrql;
}

static void UnlockDpcs(KIRQL OldIrql) NT_RELEASES(KiDpcLock)
{
    KefReleaseSpinLockFromDpcLevel(&KiDpcLock);
    KfLowerIrql(OldIrql);
}

void NTAPI KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    *Dpc = (KDPC){.Type = DpcObject,
                  .Importance = MediumImportance,
                  .DeferredRoutine = DeferredRoutine,
                  .DeferredContext = DeferredContext};
}

BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    KIRQL OldIrql = LockDpcs();

    if (Dpc->DpcData != NULL) {
        UnlockDpcs(OldIrql);
        return FALSE;
    }
    Dpc->DpcData = &KipDpcQueue; /* D1 */
    Dpc->SystemArgument1 = SystemArgument1;
    Dpc->SystemArgument2 = SystemArgument2;
    if (Dpc->Importance == HighImportance) {
        InsertHeadList(&KipDpcQueue, &Dpc->DpcListEntry);
    } else {
        InsertTailList(&KipDpcQueue, &Dpc->DpcListEntry);
    }
    KiDpcDepth++;
    KeCounters.DpcsQueued++;
    if (Dpc->Importance != LowImportance || KiDpcDepth > DPC_DEPTH_MAXIMUM) {
        KiRequestDispatchInterrupt();
    }
    UnlockDpcs(OldIrql);
    return TRUE;
}

static void Unlink(PRKDPC Dpc) NT_HOLDS(KiDpcLock)
{
    RemoveEntryList(&Dpc->DpcListEntry);
    Dpc->DpcData = NULL; /* D1 */
    KiDpcDepth--;
}

BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC Dpc)
{
    KIRQL OldIrql = LockDpcs();
    BOOLEAN WasQueued = Dpc->DpcData != NULL;

    if (WasQueued) {
        Unlink(Dpc);
    }
    UnlockDpcs(OldIrql);
    return WasQueued;
}

void NTAPI KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance)
{
    Dpc->Importance = (UCHAR)Importance;
}

/* => Returns FALSE when none is queued; otherwise *Copy is the first, which was taken out. */
static BOOLEAN TakeFirst(PKDPC *Dpc, PKDPC Copy)
{
    KIRQL OldIrql = LockDpcs();
    BOOLEAN Found = !IsListEmpty(&KipDpcQueue);

    if (Found) {
        *Dpc = CONTAINING_RECORD(KipDpcQueue.Flink, KDPC, DpcListEntry);
        *Copy = **Dpc;
        Unlink(*Dpc);
        KeCounters.DpcsRun++;
    }
    UnlockDpcs(OldIrql);
    return Found;
}

void KiDrainDpcs(void)
{
    KDPC Copy; /* its memory may go, or be queued again, as soon as its routine runs */
    PKDPC Dpc;

    while (KiDpcDepth != 0 && TakeFirst(&Dpc, &Copy)) {
        Copy.DeferredRoutine(Dpc, Copy.DeferredContext, Copy.SystemArgument1, Copy.SystemArgument2);
        if (KeGetCurrentIrql() != DISPATCH_LEVEL) {
            KeBugCheckEx(IRQL_UNEXPECTED_VALUE,
                         (ULONG)KeGetCurrentIrql() << 16 | DISPATCH_LEVEL << 8 | IRQL_CHECK_DPC,
                         (ULONG_PTR)Copy.DeferredRoutine, (ULONG_PTR)Dpc, 0);
        }
    }
}

void NTAPI KeFlushQueuedDpcs(void)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);

    KiDrainDpcs();
    KfLowerIrql(OldIrql);
}

void KiInitializeDpcs(void) NT_NO_LOCK_ANALYSIS
{
    KeInitializeSpinLock(&KiDpcLock);
    InitializeListHead(&KipDpcQueue);
    KiDpcDepth = 0;
}
