/* SPDX-License-Identifier: MIT */
/*
 * schedule.c - who runs: ready queues, preemption, quanta, priorities that rise and decay.
 *
 *     from         to          by
 *     Initialized  Ready       KeCreateSystemThread
 *     Ready        Standby     KiReadyThread, Reconsider: it is to run next
 *     Ready        Running     KiSwapThread, when nobody is on Standby
 *     Standby      Running     KiSwapThread
 *     Standby      Ready       one of still higher priority takes its place
 *     Running      Ready       preempted: to its queue's head; quantum end, yield: to its tail
 *     Running      Waiting     a wait (wait.c)
 *     Waiting      Ready       the wait ends
 *     Waiting      Transition  the same, but the stack is not in memory (stack_swap.c)
 *     Transition   Ready       the swapper has brought it
 *     Running      Terminated  KeTerminateThread
 *
 * The idle thread is the exception: it is in no queue, and Ready whenever another runs.
 *
 * Invariants (KiVerifyThreads):
 *   S1  KiCurrentThread is Running, and nobody else
 *   S2  a thread is in exactly one ready queue, that of its priority, when it is Ready; in none
 *       otherwise
 *   S3  bit n of KiReadySummary is set exactly when KiReadyQueues[n] is not empty
 *   S4  KiNextThread is on Standby, and nobody else
 *   S5  with the dispatcher unlocked, no ready thread has a higher priority than the running
 *       and the next one
 *   S6  the stack that the machine runs on is that of the running thread; the others' saved
 *       pointers lie in their stacks
 *   S7  the page directory in use is that of the running thread's ApcState.Process
 *
 * Locking: KiDispatcherLock, which is handed over in a switch: the thread that is left took it, the
 * one that comes releases it.
 */
#include "mm/ke/dispatcher.h"

KSPIN_LOCK KiDispatcherLock;
PKTHREAD KiCurrentThread;
PKTHREAD KiNextThread;
KTHREAD KiIdleThread;
LIST_ENTRY KiThreadList;
LIST_ENTRY KiReadyQueues[MAXIMUM_PRIORITY];
ULONG KiReadySummary;
KI_CHOICE *KiChoice;
volatile BOOLEAN KiQuantumEnd;
KE_COUNTERS KeCounters;

PKTHREAD NTAPI KeGetCurrentThread(void)
{
    return KiCurrentThread;
}

/* ---- ready queues: the only code that links QueueListEntry of a living thread ---- */

typedef enum _KI_QUEUE_END {
    QueueHead,
    QueueTail
} KI_QUEUE_END;

static void InsertReady(PKTHREAD Thread, KI_QUEUE_END End) NT_HOLDS(KiDispatcherLock)
{
    Thread->State = Ready;
    if (Thread == &KiIdleThread) {
        return;
    }
    Thread->WaitTime = KeTickCount.LowPart;
    if (End == QueueHead) {
        InsertHeadList(&KiReadyQueues[Thread->Priority], &Thread->QueueListEntry);
    } else {
        InsertTailList(&KiReadyQueues[Thread->Priority], &Thread->QueueListEntry);
    }
    KiReadySummary |= 1u << Thread->Priority;
}

static void RemoveReady(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock)
{
    if (RemoveEntryList(&Thread->QueueListEntry)) {
        KiReadySummary &= ~(1u << Thread->Priority);
    }
}

/* => KI_IDLE_PRIORITY: nobody is ready. */
static LONG HighestReady(void) NT_HOLDS(KiDispatcherLock)
{
    return KiReadySummary == 0 ? KI_IDLE_PRIORITY : 31 - __builtin_clz(KiReadySummary);
}

static PLIST_ENTRY ChooseEntry(PLIST_ENTRY Queue)
{
    PLIST_ENTRY Entry;
    ULONG Count = 0;
    ULONG Skip;

    for (Entry = Queue->Flink; Entry != Queue; Entry = Entry->Flink) {
        Count++;
    }
    Entry = Queue->Flink;
    for (Skip = KiChoice(Count); Skip != 0; Skip--) {
        Entry = Entry->Flink;
    }
    return Entry;
}

/* => Priority's queue is not empty.  Takes the thread out of it. */
static PKTHREAD TakeReady(LONG Priority) NT_HOLDS(KiDispatcherLock)
{
    PLIST_ENTRY Queue = &KiReadyQueues[Priority];
    PLIST_ENTRY Entry = KiChoice == NULL ? Queue->Flink : ChooseEntry(Queue);
    PKTHREAD Thread = CONTAINING_RECORD(Entry, KTHREAD, QueueListEntry);

    RemoveReady(Thread);
    return Thread;
}

static void PutOnStandby(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock)
{
    MI_DEBUG_ASSERT(KiNextThread == NULL);
    Thread->State = Standby;
    KiNextThread = Thread; /* S4 */
}

/* S5 again after the running thread's priority fell, or KiNextThread went. */
static void Reconsider(void) NT_HOLDS(KiDispatcherLock)
{
    LONG Highest = HighestReady();

    if (KiNextThread == NULL && Highest > KiCurrentThread->Priority) {
        PutOnStandby(TakeReady(Highest));
    }
}

void KiReadyThread(PKTHREAD Thread)
{
    PKTHREAD Next = KiNextThread;

    if (!Thread->KernelStackResident) {
        KiQueueInswap(Thread);
        return;
    }
    if (Thread->Priority <= (Next == NULL ? KiCurrentThread : Next)->Priority) {
        InsertReady(Thread, QueueTail);
        return;
    }
    if (Next != NULL) {
        KiNextThread = NULL;
        InsertReady(Next, QueueHead);
    }
    PutOnStandby(Thread);
}

/* ---- the switch ---- */

static PKTHREAD TakeNext(void) NT_HOLDS(KiDispatcherLock)
{
    PKTHREAD Next = KiNextThread;

    if (Next != NULL) {
        KiNextThread = NULL;
        return Next;
    }
    return KiReadySummary == 0 ? &KiIdleThread : TakeReady(HighestReady());
}

void KiSwapThread(void)
{
    PKTHREAD Old = KiCurrentThread;
    PKTHREAD Next = TakeNext();

    Next->State = Running;
    if (Next == Old) {
        return;
    }
    KiCurrentThread = Next; /* S1 */
    Next->ContextSwitches++;
    KeCounters.ContextSwitches++;
    if (Next->ApcState.Process != Old->ApcState.Process) {
        KiSwapProcess(Next->ApcState.Process);
    }
    KiSwapStack(&Old->KernelStack, Next->KernelStack);
    MI_DEBUG_ASSERT(KiCurrentThread == Old && Old->State == Running);
}

/* => KiNextThread is of higher priority. */
static void Preempt(void) NT_HOLDS(KiDispatcherLock)
{
    KeCounters.Preemptions++;
    InsertReady(KiCurrentThread, QueueHead);
    KiSwapThread();
}

void KiUnlockDispatcher(KIRQL OldIrql)
{
    if (KiNextThread != NULL) {
        if (OldIrql < DISPATCH_LEVEL) {
            Preempt();
        } else {
            KiRequestDispatchInterrupt();
        }
    }
    KfReleaseSpinLock(&KiDispatcherLock, OldIrql);
}

void KeYieldThread(void)
{
    KIRQL OldIrql = KiLockDispatcher();

    MI_ASSERT(OldIrql < DISPATCH_LEVEL);
    if (KiNextThread == NULL && HighestReady() >= KiCurrentThread->Priority) {
        InsertReady(KiCurrentThread, QueueTail);
        KiSwapThread();
    }
    KiUnlockDispatcher(OldIrql);
}

/* ---- priorities and quanta ---- */

void KiSetPriority(PKTHREAD Thread, SCHAR Priority)
{
    if (Thread->Priority == Priority) {
        return;
    }
    switch ((KTHREAD_STATE)Thread->State) {
    case Ready:
        RemoveReady(Thread);
        Thread->Priority = Priority;
        KiReadyThread(Thread);
        break;
    case Standby:
        KiNextThread = NULL;
        Thread->Priority = Priority;
        InsertReady(Thread, QueueHead);
        Reconsider();
        break;
    case Running:
        Thread->Priority = Priority;
        if (KiNextThread != NULL && KiNextThread->Priority <= Priority) {
            PKTHREAD Next = KiNextThread;

            KiNextThread = NULL;
            InsertReady(Next, QueueHead);
        }
        Reconsider();
        break;
    case Initialized:
    case Terminated:
    case Waiting:
    case Transition:
        Thread->Priority = Priority;
        break;
    }
}

KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    KIRQL OldIrql;
    KPRIORITY OldPriority;

    MI_ASSERT(Priority > LOW_PRIORITY && Priority <= HIGH_PRIORITY && Thread != &KiIdleThread);
    OldIrql = KiLockDispatcher();
    OldPriority = Thread->Priority;
    Thread->BasePriority = (SCHAR)Priority;
    Thread->Starved = FALSE;
    Thread->Quantum = KI_QUANTUM;
    KiSetPriority(Thread, (SCHAR)Priority);
    KiUnlockDispatcher(OldIrql);
    return OldPriority;
}

KPRIORITY NTAPI KeQueryPriorityThread(PKTHREAD Thread)
{
    return Thread->Priority;
}

/* A new quantum; a boost decays by one level; equals get their turn. */
static void EndQuantum(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock)
{
    KiQuantumEnd = FALSE;
    if (Thread == &KiIdleThread || Thread->Quantum > 0) { /* the thread that used it up has left */
        return;
    }
    KeCounters.QuantumEnds++;
    Thread->Quantum = KI_QUANTUM;
    if (Thread->Priority < LOW_REALTIME_PRIORITY && Thread->Priority > Thread->BasePriority) {
        KiSetPriority(Thread, Thread->Starved ? Thread->BasePriority : Thread->Priority - 1);
    }
    Thread->Starved = FALSE;
    if (KiNextThread == NULL && HighestReady() == Thread->Priority) {
        PutOnStandby(TakeReady(Thread->Priority));
    }
    if (KiNextThread != NULL) {
        InsertReady(Thread, QueueTail);
        KiSwapThread();
    }
}

/* The dispatch interrupt: DPCs, timers that are due, the quantum's end, preemption. */
static void KiDispatch(void)
{
    KiDrainDpcs();
    KefAcquireSpinLockAtDpcLevel(&KiDispatcherLock);
    if (KiTimersDue) {
        KiExpireTimers();
    }
    if (KiQuantumEnd) {
        EndQuantum(KiCurrentThread);
    }
    if (KiNextThread != NULL) {
        Preempt();
    }
    KefReleaseSpinLockFromDpcLevel(&KiDispatcherLock);
}

void KiInitializeScheduler(PKTHREAD First) NT_NO_LOCK_ANALYSIS
{
    ULONG Priority;

    KeInitializeSpinLock(&KiDispatcherLock);
    for (Priority = 0; Priority < MAXIMUM_PRIORITY; Priority++) {
        InitializeListHead(&KiReadyQueues[Priority]);
    }
    InitializeListHead(&KiThreadList);
    KiReadySummary = 0;
    KiNextThread = NULL;
    KiQuantumEnd = FALSE;
    KeCounters = (KE_COUNTERS){0};
    KiCurrentThread = First;
    KiConnectDispatchInterrupt(KiDispatch);
}
