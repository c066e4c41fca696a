/* SPDX-License-Identifier: MIT */
/*
 * stack_swap.c - which threads' stacks are away, and who waits to have his back.
 *
 *     resident  state        by                     goes on by
 *     yes       Waiting      a wait                 its end, or KiTakeOutswapThread
 *     no        Waiting      KiTakeOutswapThread    its end (KiQueueInswap)
 *     no        Transition   KiQueueInswap          KiEndInswap
 *     yes       any other
 *
 * Invariants (KiVerifyThreads):
 *   K1  a thread is in KiStackInSwapListHead, once, exactly when it is in Transition
 *   K2  a thread whose stack is not resident is Waiting, or in Transition
 *
 * Locking: KiDispatcherLock.
 */
#include "mm/ke/stack_swap.h"

#include "mm/ke/dispatcher.h"

KEVENT KiSwapEvent;
LIST_ENTRY KiStackInSwapListHead;

void KiInitializeStackSwap(void) NT_NO_LOCK_ANALYSIS
{
    KeInitializeEvent(&KiSwapEvent, SynchronizationEvent, FALSE);
    InitializeListHead(&KiStackInSwapListHead);
}

BOOLEAN NTAPI KeSetKernelStackSwapEnable(BOOLEAN Enable)
{
    BOOLEAN Old = KiCurrentThread->EnableStackSwap;

    KiCurrentThread->EnableStackSwap = Enable != FALSE;
    return Old;
}

/* ---- out ---- */

static BOOLEAN MayLeave(const KTHREAD *Thread, ULONG Ticks) NT_HOLDS(KiDispatcherLock)
{
    return Thread->State == Waiting && Thread->WaitMode == UserMode && Thread->EnableStackSwap &&
           Thread->KernelStackResident && Thread->Priority < LOW_REALTIME_PRIORITY &&
           KeTickCount.LowPart - Thread->WaitTime >= Ticks;
}

PKTHREAD KiTakeOutswapThread(ULONG Ticks, KI_STACK_FILTER *Filter)
{
    KIRQL OldIrql = KiLockDispatcher();
    PKTHREAD Found = NULL;
    PLIST_ENTRY Entry;

    for (Entry = KiThreadList.Flink; Entry != &KiThreadList && Found == NULL;
         Entry = Entry->Flink) {
        PKTHREAD Thread = CONTAINING_RECORD(Entry, KTHREAD, ThreadListEntry);

        if (MayLeave(Thread, Ticks) && Filter(Thread)) {
            Thread->KernelStackResident = FALSE; /* K2 */
            Found = Thread;
        }
    }
    KiUnlockDispatcher(OldIrql);
    return Found;
}

/* ---- in ---- */

void KiQueueInswap(PKTHREAD Thread)
{
    Thread->State = Transition; /* K1 */
    InsertTailList(&KiStackInSwapListHead, &Thread->QueueListEntry);
    KiSwapEvent.Header.SignalState = 1;
    KiWaitTest(&KiSwapEvent.Header, IO_NO_INCREMENT);
}

PKTHREAD KiFindInswapThread(void)
{
    KIRQL OldIrql = KiLockDispatcher();
    PKTHREAD Thread = NULL;

    if (!IsListEmpty(&KiStackInSwapListHead)) {
        Thread = CONTAINING_RECORD(KiStackInSwapListHead.Flink, KTHREAD, QueueListEntry);
    }
    KiUnlockDispatcher(OldIrql);
    return Thread;
}

void KiEndInswap(PKTHREAD Thread)
{
    KIRQL OldIrql = KiLockDispatcher();

    MI_ASSERT(Thread->State == Transition && !Thread->KernelStackResident);
    RemoveEntryList(&Thread->QueueListEntry);
    Thread->KernelStackResident = TRUE;
    KiReadyThread(Thread);
    KiUnlockDispatcher(OldIrql);
}

/* ---- looking at it ---- */

void KiForEachOutswapped(KI_STACK_ROUTINE *Routine, PVOID Context)
{
    KIRQL OldIrql = KiLockDispatcher();
    PLIST_ENTRY Entry;

    for (Entry = KiThreadList.Flink; Entry != &KiThreadList; Entry = Entry->Flink) {
        const KTHREAD *Thread = CONTAINING_RECORD(Entry, KTHREAD, ThreadListEntry);

        if (!Thread->KernelStackResident) {
            Routine(Thread, Context);
        }
    }
    KiUnlockDispatcher(OldIrql);
}
