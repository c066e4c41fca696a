/* SPDX-License-Identifier: MIT */
/*
 * thread.c - threads from creation to the reaper.
 *
 * A thread cannot free the stack that it runs on.  Ending, it puts itself on KipDead and queues
 * KipReaperDpc; that runs on the stack of whoever comes next, and hands the memory back.
 *
 * Locking: KiDispatcherLock.
 */
#include "mm/ke/dispatcher.h"
#include "mm/ke/stack_swap.h"
#include "resource.h"

static KTHREAD KipFirstThread;
static LIST_ENTRY KipDead NT_GUARDED_BY(KiDispatcherLock);
static KDPC KipReaperDpc;
static ULONG KipLastThreadId NT_GUARDED_BY(KiDispatcherLock);

/* ---- the end ---- */

static PKTHREAD TakeDead(void)
{
    KIRQL OldIrql = KiLockDispatcher();
    PKTHREAD Thread = NULL;

    if (!IsListEmpty(&KipDead)) {
        Thread = CONTAINING_RECORD(RemoveHeadList(&KipDead), KTHREAD, QueueListEntry);
    }
    KiUnlockDispatcher(OldIrql);
    return Thread;
}

static void NTAPI ReapThreads(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PKTHREAD Thread;

    (void)Dpc;
    (void)Context;
    (void)Argument1;
    (void)Argument2;
    while ((Thread = TakeDead()) != NULL) {
        if (Thread->Reaper != NULL) {
            Thread->Reaper(Thread); /* *Thread may be gone now */
        }
    }
}

void KeTerminateThread(void)
{
    PKTHREAD Thread = KiCurrentThread;

    if (KeGetCurrentIrql() != PASSIVE_LEVEL) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)Thread, KeGetCurrentIrql(), 0,
                     (ULONG_PTR)__builtin_return_address(0));
    }
    MI_ASSERT(Thread != &KiIdleThread);
    KiLockDispatcher();
    KiAbandonMutants(Thread);
    Thread->State = Terminated;
    Thread->Header.SignalState = 1;
    KiWaitTest(&Thread->Header, IO_NO_INCREMENT);
    RemoveEntryList(&Thread->ThreadListEntry);
    KiLeaveProcess(Thread); /* its address space may go before it does */
    InsertTailList(&KipDead, &Thread->QueueListEntry);
    KeCounters.ThreadsTerminated++;
    KeInsertQueueDpc(&KipReaperDpc, NULL, NULL); /* runs when the next thread lowers IRQL */
    KiSwapThread();
    MiAssertionFailed("a terminated thread runs", __FILE__, __LINE__);
}

/* ---- the beginning ---- */

/* A thread's first code: the dispatcher is locked by the thread that it was switched from. */
static void RunThread(PVOID Context) NT_NO_LOCK_ANALYSIS
{
    PKTHREAD Thread = Context;

    KiUnlockDispatcher(PASSIVE_LEVEL);
    Thread->StartRoutine(Thread->StartContext);
    KeTerminateThread();
}

void KiInitializeThread(PKTHREAD Thread, const KTHREAD_START *Start)
{
    *Thread = (KTHREAD){
        .StackBase = Start->StackBase,
        .StackBytes = Start->StackBytes,
        .Priority = (SCHAR)Start->Priority,
        .BasePriority = (SCHAR)Start->Priority,
        .Quantum = KI_QUANTUM,
        .State = Initialized,
        .KernelStackResident = TRUE,
        .EnableStackSwap = TRUE,
        .StartRoutine = Start->Routine,
        .StartContext = Start->Context,
        .Reaper = Start->Reaper,
        .Name = Start->Name,
        .Process = Start->Process != NULL ? Start->Process : KiSystemProcess,
    };
    Thread->ApcState.Process = Thread->Process;
    KiInitializeHeader(&Thread->Header, ThreadObject, sizeof(*Thread), 0);
    InitializeListHead(&Thread->MutantListHead);
    KeInitializeTimer(&Thread->Timer);
    if (Start->StackBase != NULL) {
        Thread->KernelStack =
            KiInitializeStack(Start->StackBase, Start->StackBytes, RunThread, Thread);
    }
}

KPROCESSOR_MODE NTAPI ExGetPreviousMode(void)
{
    return KiCurrentThread == NULL ? KernelMode : KiCurrentThread->PreviousMode;
}

KPROCESSOR_MODE KeSetPreviousMode(KPROCESSOR_MODE Mode)
{
    KPROCESSOR_MODE Old = KiCurrentThread->PreviousMode;

    MI_ASSERT(Mode == KernelMode || Mode == UserMode);
    KiCurrentThread->PreviousMode = Mode;
    return Old;
}

static BOOLEAN IsStartValid(const KTHREAD_START *Start)
{
    return Start->Routine != NULL && Start->Priority >= LOW_PRIORITY &&
           Start->Priority <= HIGH_PRIORITY && Start->StackBase != NULL &&
           (ULONG_PTR)Start->StackBase % 16 == 0 && Start->StackBytes >= KI_STACK_MINIMUM;
}

NTSTATUS KeCreateSystemThread(PKTHREAD Thread, const KTHREAD_START *Start)
{
    KIRQL OldIrql;

    if (!IsStartValid(Start)) {
        return STATUS_INVALID_PARAMETER;
    }
    KiInitializeThread(Thread, Start);
    OldIrql = KiLockDispatcher();
    Thread->ThreadId = ++KipLastThreadId;
    InsertTailList(&KiThreadList, &Thread->ThreadListEntry);
    KiEnterProcess(Thread->ApcState.Process);
    KeCounters.ThreadsCreated++;
    KiReadyThread(Thread);
    KiUnlockDispatcher(OldIrql);
    return STATUS_SUCCESS;
}

/* ---- the first two ---- */

/*
 * At PASSIVE_LEVEL: whatever an interrupt makes ready preempts this loop at once, so there is
 * nothing to look for.
 */
static void NTAPI Idle(PVOID Context)
{
    (void)Context;
    for (;;) {
        KiIdleProcessor();
    }
}

static void CreateIdleThread(PVOID StackBase, SIZE_T StackBytes) NT_NO_LOCK_ANALYSIS
{
    const KTHREAD_START Start = {.Routine = Idle,
                                 .Priority = KI_IDLE_PRIORITY,
                                 .StackBase = StackBase,
                                 .StackBytes = StackBytes,
                                 .Name = "idle"};

    KiInitializeThread(&KiIdleThread, &Start);
    KiIdleThread.State = Ready;
    InsertTailList(&KiThreadList, &KiIdleThread.ThreadListEntry);
}

/* It runs already, hence on a stack that the machine knows. */
static void AdoptFirstThread(void) NT_NO_LOCK_ANALYSIS
{
    const KTHREAD_START Start = {.Priority = KI_BASE_PRIORITY, .Name = "first"};
    ULONG_PTR Low;
    ULONG_PTR High;

    IoGetStackLimits(&Low, &High);
    KiInitializeThread(&KipFirstThread, &Start);
    KipFirstThread.StackBase = (PVOID)High;
    KipFirstThread.StackBytes = High - Low;
    KipFirstThread.State = Running;
    KipFirstThread.ThreadId = KipLastThreadId = 1;
    InsertTailList(&KiThreadList, &KipFirstThread.ThreadListEntry);
}

void KeInitializeThreads(PVOID IdleStackBase, SIZE_T IdleStackBytes) NT_NO_LOCK_ANALYSIS
{
    KIRQL OldIrql = KfRaiseIrql(HIGH_LEVEL); /* the clock sees all of it or nothing */

    KiSystemProcess = NULL;
    KiInitializeTime();
    KiInitializeTimers();
    KiInitializeDpcs();
    KiInitializeScheduler(&KipFirstThread);
    InitializeListHead(&KipDead);
    KeInitializeDpc(&KipReaperDpc, ReapThreads, NULL);
    AdoptFirstThread();
    CreateIdleThread(IdleStackBase, IdleStackBytes);
    KiInitializeWorkQueues();
    KiInitializeStackSwap();
    ExpInitializeResources();
    KfLowerIrql(OldIrql);
}

/* ---- APC regions: only their balance ---- */

void NTAPI KeEnterCriticalRegion(void)
{
    KiCurrentThread->KernelApcDisable--;
}

void NTAPI KeLeaveCriticalRegion(void)
{
    MI_ASSERT(KiCurrentThread->KernelApcDisable < 0);
    KiCurrentThread->KernelApcDisable++;
}

void NTAPI KeEnterGuardedRegion(void)
{
    KiCurrentThread->SpecialApcDisable--;
}

void NTAPI KeLeaveGuardedRegion(void)
{
    MI_ASSERT(KiCurrentThread->SpecialApcDisable < 0);
    KiCurrentThread->SpecialApcDisable++;
}
