/* SPDX-License-Identifier: MIT */
/*
 * verify_threads.c - every thread is where its state says, and nowhere else.
 *
 * Checks S1-S7 (schedule.c), W1-W3 (wait.c), K1-K2 (stack_swap.c), M1-M2 (mutex.c) and R1-R3
 * (timer.c).  Each walk is bounded: a list that was bent into a loop is found, not followed.
 */
#include "arch/mmu.h"
#include "mm/ke/dispatcher.h"

/* More threads, blocks or timers than this in one list: a loop. */
#define WALK_LIMIT 100000u

static PLIST_ENTRY Step(PLIST_ENTRY Entry, PULONG Steps)
{
    MI_ASSERT(++*Steps < WALK_LIMIT);
    MI_ASSERT(Entry->Flink->Blink == Entry);
    return Entry->Flink;
}

static ULONG CountInList(PLIST_ENTRY Head, PLIST_ENTRY Sought)
{
    PLIST_ENTRY Entry;
    ULONG Steps = 0;
    ULONG Found = 0;

    for (Entry = Step(Head, &Steps); Entry != Head; Entry = Step(Entry, &Steps)) {
        Found += Entry == Sought;
    }
    return Found;
}

/* ---- waits ---- */

/* W2: whoever stands in Object's list waits, with a block that is part of his ring. */
static void VerifyWaitList(PDISPATCHER_HEADER Object) NT_HOLDS(KiDispatcherLock)
{
    PLIST_ENTRY Head = &Object->WaitListHead;
    PLIST_ENTRY Entry;
    ULONG Steps = 0;

    for (Entry = Step(Head, &Steps); Entry != Head; Entry = Step(Entry, &Steps)) {
        PKWAIT_BLOCK Block = CONTAINING_RECORD(Entry, KWAIT_BLOCK, WaitListEntry);
        PKWAIT_BLOCK Each = Block->Thread->WaitBlockList;
        ULONG Count = 0;

        MI_ASSERT(Block->Object == Object);
        MI_ASSERT(Block->Thread->State == Waiting);
        while (Each != Block) {
            Each = Each->NextWaitBlock;
            MI_ASSERT(++Count <= MAXIMUM_WAIT_OBJECTS + 1);
        }
        MI_ASSERT(Object->SignalState <= 0 || Block->WaitType == WaitAll);
    }
}

static void VerifyWait(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock)
{
    PKWAIT_BLOCK First = Thread->WaitBlockList;
    PKWAIT_BLOCK Block = First;
    BOOLEAN HasTimeout = FALSE;
    ULONG Count = 0;

    MI_ASSERT(First != NULL);
    do {
        PDISPATCHER_HEADER Object = Block->Object;

        MI_ASSERT(Block->Thread == Thread);
        MI_ASSERT(CountInList(&Object->WaitListHead, &Block->WaitListEntry) == 1); /* W1 */
        VerifyWaitList(Object);
        HasTimeout |= Block == &Thread->WaitBlock[KI_TIMER_WAIT_BLOCK];
        MI_ASSERT(++Count <= MAXIMUM_WAIT_OBJECTS + 1);
        Block = Block->NextWaitBlock;
    } while (Block != First);
    MI_ASSERT(HasTimeout == Thread->Timer.Header.Inserted); /* W3 */
}

static void VerifyMutants(PKTHREAD Thread)
{
    PLIST_ENTRY Head = &Thread->MutantListHead;
    PLIST_ENTRY Entry;
    ULONG Steps = 0;

    for (Entry = Step(Head, &Steps); Entry != Head; Entry = Step(Entry, &Steps)) {
        PKMUTANT Mutant = CONTAINING_RECORD(Entry, KMUTANT, MutantListEntry);

        MI_ASSERT(Mutant->OwnerThread == Thread && Mutant->Header.SignalState <= 0); /* M1, M2 */
    }
}

/* ---- threads ---- */

/* S6 */
static void VerifyStack(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock)
{
    ULONG_PTR Base = (ULONG_PTR)Thread->StackBase;
    ULONG_PTR Limit = Base - Thread->StackBytes;
    ULONG_PTR Low;
    ULONG_PTR High;

    if (Thread == KiCurrentThread) {
        IoGetStackLimits(&Low, &High);
        MI_ASSERT(Low == Limit && High == Base);
    } else if (Thread->State != Terminated) {
        MI_ASSERT((ULONG_PTR)Thread->KernelStack - Limit < Thread->StackBytes);
    }
}

/* S7, and each process counts the threads that run in it. */
static void VerifyProcessOf(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock)
{
    PKPROCESS Process = Thread->ApcState.Process;
    ULONG Steps = 0;
    ULONG Count = 0;
    PLIST_ENTRY Entry;

    if (Process == NULL) {
        return;
    }
    MI_ASSERT(Process->Header.Type == ProcessObject);
    for (Entry = Step(&KiThreadList, &Steps); Entry != &KiThreadList; Entry = Step(Entry, &Steps)) {
        Count += CONTAINING_RECORD(Entry, KTHREAD, ThreadListEntry)->ApcState.Process == Process;
    }
    MI_ASSERT(Count == Process->ThreadsInside);
    MI_ASSERT(Thread != KiCurrentThread ||
              Process->DirectoryTableBase[0] == KiCurrentDirectoryFrame() << PAGE_SHIFT);
}

/* K1, K2 */
static void VerifyStackSwap(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock)
{
    BOOLEAN Queued = CountInList(&KiStackInSwapListHead, &Thread->QueueListEntry) == 1;

    MI_ASSERT(Queued == (Thread->State == Transition));
    MI_ASSERT(Thread->KernelStackResident || Queued || Thread->State == Waiting);
}

static void VerifyThread(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock)
{
    BOOLEAN IsIdle = Thread == &KiIdleThread;

    MI_ASSERT(Thread->Header.Type == ThreadObject && Thread->Header.SignalState == 0);
    MI_ASSERT(IsIdle ||
              (Thread->Priority >= Thread->BasePriority && Thread->Priority <= HIGH_PRIORITY));
    VerifyStack(Thread);
    MI_ASSERT((Thread->State == Running) == (Thread == KiCurrentThread)); /* S1 */
    MI_ASSERT((Thread->State == Standby) == (Thread == KiNextThread));    /* S4 */
    VerifyProcessOf(Thread);
    VerifyMutants(Thread);
    VerifyWaitList(&Thread->Header);
    VerifyStackSwap(Thread);
    switch ((KTHREAD_STATE)Thread->State) {
    case Ready:
        MI_ASSERT(IsIdle || CountInList(&KiReadyQueues[Thread->Priority],
                                        &Thread->QueueListEntry) == 1); /* S2 */
        MI_ASSERT(!Thread->Timer.Header.Inserted);
        break;
    case Running:
    case Standby:
        MI_ASSERT(Thread->WaitBlockList == NULL && !Thread->Timer.Header.Inserted);
        break;
    case Waiting:
        VerifyWait(Thread);
        break;
    case Transition:
        MI_ASSERT(!Thread->KernelStackResident && Thread->WaitBlockList == NULL);
        break;
    case Initialized:
    case Terminated:
        MI_ASSERT(FALSE); /* not in the list of threads */
    }
}

/* => Returns how many threads the list of all has, of State. */
static ULONG CountThreads(KTHREAD_STATE State) NT_HOLDS(KiDispatcherLock)
{
    PLIST_ENTRY Entry;
    ULONG Steps = 0;
    ULONG Count = 0;

    for (Entry = Step(&KiThreadList, &Steps); Entry != &KiThreadList; Entry = Step(Entry, &Steps)) {
        PKTHREAD Thread = CONTAINING_RECORD(Entry, KTHREAD, ThreadListEntry);

        Count += Thread->State == State && Thread != &KiIdleThread;
    }
    return Count;
}

static void VerifyReadyQueues(void) NT_HOLDS(KiDispatcherLock)
{
    LONG Current = KiCurrentThread->Priority;
    LONG Next = KiNextThread == NULL ? Current : KiNextThread->Priority;
    ULONG Total = 0;
    LONG Priority;

    for (Priority = 0; Priority < MAXIMUM_PRIORITY; Priority++) {
        PLIST_ENTRY Head = &KiReadyQueues[Priority];
        PLIST_ENTRY Entry;
        ULONG Steps = 0;

        for (Entry = Step(Head, &Steps); Entry != Head; Entry = Step(Entry, &Steps)) {
            PKTHREAD Thread = CONTAINING_RECORD(Entry, KTHREAD, QueueListEntry);

            MI_ASSERT(Thread->State == Ready && Thread->Priority == Priority); /* S2 */
            MI_ASSERT(Priority <= (Next > Current ? Next : Current));          /* S5 */
            Total++;
        }
        MI_ASSERT(((KiReadySummary >> Priority) & 1) == !IsListEmpty(Head)); /* S3 */
    }
    MI_ASSERT(Total == CountThreads(Ready));
}

/* ---- timers ---- */

static void VerifyTimers(void) NT_HOLDS(KiDispatcherLock)
{
    ULONG Hand;

    for (Hand = 0; Hand < KI_TIMER_HANDS; Hand++) {
        PLIST_ENTRY Head = &KiTimerTable[Hand];
        PLIST_ENTRY Entry;
        ULONGLONG Last = 0;
        ULONG Steps = 0;

        for (Entry = Step(Head, &Steps); Entry != Head; Entry = Step(Entry, &Steps)) {
            PKTIMER Timer = CONTAINING_RECORD(Entry, KTIMER, TimerListEntry);
            ULONGLONG Due = Timer->DueTime.QuadPart;

            MI_ASSERT(Timer->Header.Inserted); /* R1 */
            MI_ASSERT((ULONG)(Due >> KI_TIMER_HAND_SHIFT) % KI_TIMER_HANDS == Hand);
            MI_ASSERT(Due >= Last); /* R2 */
            Last = Due;
            VerifyWaitList(&Timer->Header);
        }
        MI_ASSERT(((KiTimerHands[Hand / 32] >> (Hand % 32)) & 1) == !IsListEmpty(Head)); /* R3 */
    }
}

void KiVerifyThreads(void)
{
    KIRQL OldIrql = KiLockDispatcher();
    PLIST_ENTRY Entry;
    ULONG Steps = 0;

    for (Entry = Step(&KiThreadList, &Steps); Entry != &KiThreadList; Entry = Step(Entry, &Steps)) {
        VerifyThread(CONTAINING_RECORD(Entry, KTHREAD, ThreadListEntry));
    }
    MI_ASSERT(CountThreads(Running) == (KiCurrentThread != &KiIdleThread)); /* S1 */
    MI_ASSERT(CountThreads(Standby) == (KiNextThread != NULL));             /* S4 */
    VerifyReadyQueues();
    VerifyTimers();
    KiUnlockDispatcher(OldIrql);
}
