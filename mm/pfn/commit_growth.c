/* SPDX-License-Identifier: MIT */
/*
 * commit_growth.c - who waits for a higher commit limit, and the rounds in which they are served.
 *
 * Those who come while a round is under way are served by the next one, which finds that the limit
 * has been raised for them too, if it was by enough: threads that are refused together wait for one
 * extension of a paging file, not for one each.
 *
 * A round that fails is not repeated on its own: only a thread that waits makes another one.
 *
 * Locking: MipGrowthLock for the list; an entry is its thread's, on its stack.
 */
#include "mm/pfn/commit_growth.h"

#include "mi_assert.h"
#include "spinlock.h"

/* A thread that waits. */
typedef struct _MIP_WAIT {
    LIST_ENTRY Link; /* (G) or the round's */
    ULONG Limit;     /* (I) that it needs */
    KEVENT Done;     /* its round is over */
} MIP_WAIT, *PMIP_WAIT;

static KSPIN_LOCK MipGrowthLock;
static LIST_ENTRY MipWaiters; /* (G) of MIP_WAIT.Link */
static BOOLEAN MipOpen;       /* (G) there is a thread that does rounds */
static BOOLEAN MipFailed;     /* (A) the last round did */
static KEVENT MipDue;         /* synchronization: a round is */

void MiInitializeCommitGrowth(void)
{
    KeInitializeSpinLock(&MipGrowthLock);
    InitializeListHead(&MipWaiters);
    KeInitializeEvent(&MipDue, SynchronizationEvent, FALSE);
    MipOpen = FALSE;
    MipFailed = FALSE;
}

/* ---- who was refused ---- */

/* => FALSE: nobody does rounds. */
static BOOLEAN MipJoin(PMIP_WAIT Wait)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MipGrowthLock);
    BOOLEAN Open = MipOpen;

    if (Open) {
        InsertTailList(&MipWaiters, &Wait->Link);
    }
    KfReleaseSpinLock(&MipGrowthLock, OldIrql);
    return Open;
}

BOOLEAN MiWaitForCommitment(ULONG Limit, ULONG Rises)
{
    MIP_WAIT Wait = {.Limit = Limit};

    if (KeGetCurrentIrql() > APC_LEVEL ||
        Limit > __atomic_load_n(&MiCommit.MaximumLimit, __ATOMIC_RELAXED)) {
        return FALSE;
    }
    KeInitializeEvent(&Wait.Done, NotificationEvent, FALSE);
    if (MiQueryCommitRises() == Rises && MipJoin(&Wait)) {
        (void)KeSetEvent(&MipDue, IO_NO_INCREMENT, FALSE);
        (void)KeWaitForSingleObject(&Wait.Done, WrVirtualMemory, KernelMode, FALSE, NULL);
    }
    return MiQueryCommitRises() != Rises;
}

BOOLEAN MiChargeCommitmentPatiently(ULONG Pages)
{
    ULONG Limit;
    ULONG Rises;

    do {
        Rises = MiQueryCommitRises();
        if (MiChargeCommitment(Pages)) {
            return TRUE;
        }
        Limit = MiLimitFor(Pages);
    } while (MiWaitForCommitment(Limit, Rises));
    return FALSE;
}

void MiRequestCommitRound(void)
{
    if (!__atomic_load_n(&MipFailed, __ATOMIC_RELAXED)) {
        (void)KeSetEvent(&MipDue, IO_NO_INCREMENT, FALSE);
    }
}

void MiCheckCommitment(void)
{
    ULONG Limit = __atomic_load_n(&MiCommit.Limit, __ATOMIC_RELAXED);

    if (Limit < __atomic_load_n(&MiCommit.MaximumLimit, __ATOMIC_RELAXED) &&
        (__atomic_load_n(&MiCommit.Wanted, __ATOMIC_RELAXED) != 0 ||
         MiIsCommitmentTight(MiLimitFor(0), Limit))) {
        MiRequestCommitRound();
    }
}

/* ---- rounds ---- */

static void MipSetOpen(BOOLEAN Open)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MipGrowthLock);

    MipOpen = Open;
    KfReleaseSpinLock(&MipGrowthLock, OldIrql);
}

PKEVENT MiOpenCommitGrowth(void)
{
    MipFailed = FALSE;
    MiSetCommitReserve(MI_COMMIT_RESERVE);
    MipSetOpen(TRUE);
    return &MipDue;
}

void MiCloseCommitGrowth(void)
{
    MI_COMMIT_ROUND Last;

    MipSetOpen(FALSE);
    MiBeginCommitRound(&Last);
    MiEndCommitRound(&Last, FALSE); /* those who came before */
}

void MiBeginCommitRound(PMI_COMMIT_ROUND Round)
{
    KIRQL OldIrql = KfAcquireSpinLock(&MipGrowthLock);

    InitializeListHead(&Round->Waiters);
    Round->Limit = 0;
    while (!IsListEmpty(&MipWaiters)) {
        PMIP_WAIT Wait = CONTAINING_RECORD(RemoveHeadList(&MipWaiters), MIP_WAIT, Link);

        InsertTailList(&Round->Waiters, &Wait->Link);
        Round->Limit = Wait->Limit > Round->Limit ? Wait->Limit : Round->Limit;
    }
    KfReleaseSpinLock(&MipGrowthLock, OldIrql);
    /* after the list: what those in it left here is theirs, and is not served twice */
    Round->Pages = __atomic_exchange_n(&MiCommit.Wanted, 0, __ATOMIC_ACQ_REL);
    MiSetCommitGrower(KeGetCurrentThread());
}

void MiEndCommitRound(PMI_COMMIT_ROUND Round, BOOLEAN Done)
{
    MiSetCommitGrower(NULL);
    __atomic_store_n(&MipFailed, !Done, __ATOMIC_RELAXED);
    MiSetCommitReserve(Done ? MI_COMMIT_RESERVE : 0);
    while (!IsListEmpty(&Round->Waiters)) {
        PMIP_WAIT Wait = CONTAINING_RECORD(RemoveHeadList(&Round->Waiters), MIP_WAIT, Link);

        (void)KeSetEvent(&Wait->Done, IO_NO_INCREMENT, FALSE); /* its memory is its own again */
    }
}
