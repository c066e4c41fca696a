/* SPDX-License-Identifier: MIT */
/*
 * wait.c - waiting for dispatcher objects, and being woken.
 *
 * A wait that cannot be satisfied at once leaves a KWAIT_BLOCK in the list of each of its objects;
 * the blocks form a ring that hangs on the thread.  A timeout is one more block, in the list of the
 * thread's own timer, whose key is STATUS_TIMEOUT.  Whoever signals an object takes it on behalf of
 * the thread that he wakes, so that a woken thread never has to look again.
 *
 *     object                         signaled when          taking it
 *     notification event, timer      SignalState > 0        changes nothing
 *     synchronization event, timer,  SignalState > 0        SignalState = 0
 *     gate
 *     semaphore                      SignalState > 0        SignalState - 1
 *     mutant                         SignalState > 0, or    SignalState - 1, owner
 *                                    the owner asks
 *     thread                         it has ended           changes nothing
 *
 * Invariants (KiVerifyThreads):
 *   W1  a Waiting thread's ring is not empty, and each of its blocks names the thread and is linked
 *       in its object's list
 *   W2  each block in such a list belongs to a Waiting thread
 *   W3  the thread's timer is set exactly when the ring has its block
 *
 * Locking: KiDispatcherLock.
 */
#include "mm/ke/dispatcher.h"

#define CALLER() ((ULONG_PTR)__builtin_return_address(0))

/* What a wait for many was asked for. */
typedef struct _WAIT_REQUEST {
    PVOID *Objects;
    ULONG Count;
    WAIT_TYPE Type;
    PKWAIT_BLOCK Blocks; /* Count of them */
    const LARGE_INTEGER *Timeout;
} WAIT_REQUEST;

void KiInitializeHeader(PDISPATCHER_HEADER Header, UCHAR Type, ULONG Bytes, LONG SignalState)
{
    Header->Type = Type;
    Header->Absolute = FALSE;
    Header->Size = (UCHAR)(Bytes / sizeof(ULONG));
    Header->Inserted = FALSE;
    Header->SignalState = SignalState;
    InitializeListHead(&Header->WaitListHead);
}

void KiRaiseStatus(NTSTATUS Status, ULONG_PTR Caller, PVOID Object)
{
    KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG)Status, Caller, (ULONG_PTR)Object, 0);
}

/* ---- the table above ---- */

static BOOLEAN CanTake(PDISPATCHER_HEADER Object, PKTHREAD Thread)
{
    return Object->SignalState > 0 ||
           (Object->Type == MutantObject && ((PKMUTANT)Object)->OwnerThread == Thread);
}

/* => Returns STATUS_ABANDONED or 0. */
static NTSTATUS Take(PDISPATCHER_HEADER Object, PKTHREAD Thread) NT_HOLDS(KiDispatcherLock)
{
    switch (Object->Type) {
    case EventSynchronizationObject:
    case TimerSynchronizationObject:
    case GateObject:
        Object->SignalState = 0;
        return 0;
    case SemaphoreObject:
        Object->SignalState--;
        return 0;
    case MutantObject:
        return KiTakeMutant((PKMUTANT)Object, Thread) ? STATUS_ABANDONED : 0;
    default: /* notification events and timers, threads */
        return 0;
    }
}

/* ---- waking ---- */

/* A wait has ended: what the thread paid for it, and what it gets. */
static void AdjustPriority(PKTHREAD Thread, KPRIORITY Increment) NT_HOLDS(KiDispatcherLock)
{
    LONG Boosted = Thread->BasePriority + Increment;

    if (Thread->Priority >= LOW_REALTIME_PRIORITY) {
        Thread->Quantum = KI_QUANTUM;
        return;
    }
    Thread->Quantum -= KI_QUANTUM_OF_WAIT;
    if (Thread->Quantum <= 0) {
        Thread->Quantum = KI_QUANTUM;
        if (Thread->Priority > Thread->BasePriority) {
            Thread->Priority = Thread->Starved ? Thread->BasePriority : Thread->Priority - 1;
        }
        Thread->Starved = FALSE;
    }
    if (Boosted > Thread->Priority) {
        Thread->Priority =
            (SCHAR)(Boosted < LOW_REALTIME_PRIORITY ? Boosted : LOW_REALTIME_PRIORITY - 1);
    }
}

static void UnlinkBlocks(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock)
{
    PKWAIT_BLOCK First = Thread->WaitBlockList;
    PKWAIT_BLOCK Block = First;

    do {
        RemoveEntryList(&Block->WaitListEntry);
        Block = Block->NextWaitBlock;
    } while (Block != First);
    Thread->WaitBlockList = NULL;
}

static void Wake(PKTHREAD Thread, NTSTATUS Status, KPRIORITY Increment) NT_HOLDS(KiDispatcherLock)
{
    MI_DEBUG_ASSERT(Thread->State == Waiting);
    UnlinkBlocks(Thread);
    if (Thread->Timer.Header.Inserted) {
        KiRemoveTimer(&Thread->Timer); /* W3 */
    }
    Thread->WaitStatus = Status;
    AdjustPriority(Thread, Increment);
    KiReadyThread(Thread);
}

/* => Returns whether every object of Block's wait can be taken, which then happened. */
static BOOLEAN TakeAll(PKWAIT_BLOCK Block, NTSTATUS *Status) NT_HOLDS(KiDispatcherLock)
{
    PKWAIT_BLOCK Each = Block;

    do {
        if (Each->WaitType == WaitAll && !CanTake(Each->Object, Each->Thread)) {
            return FALSE;
        }
        Each = Each->NextWaitBlock;
    } while (Each != Block);
    *Status = STATUS_SUCCESS;
    do {
        if (Each->WaitType == WaitAll) {
            *Status |= Take(Each->Object, Each->Thread);
        }
        Each = Each->NextWaitBlock;
    } while (Each != Block);
    return TRUE;
}

void KiWaitTest(PDISPATCHER_HEADER Object, KPRIORITY Increment)
{
    PLIST_ENTRY Head = &Object->WaitListHead;
    PLIST_ENTRY Entry = Head->Flink;

    while (Entry != Head && Object->SignalState > 0) {
        PKWAIT_BLOCK Block = CONTAINING_RECORD(Entry, KWAIT_BLOCK, WaitListEntry);
        NTSTATUS Status;

        if (Block->WaitType == WaitAny) {
            Status = (NTSTATUS)Block->WaitKey | Take(Object, Block->Thread);
        } else if (!TakeAll(Block, &Status)) {
            Entry = Entry->Flink;
            continue;
        }
        KeCounters.Timeouts += Status == STATUS_TIMEOUT;
        Wake(Block->Thread, Status, Increment);
        Entry = Head->Flink; /* one thread may have had several blocks here */
    }
}

/* ---- waiting ---- */

static BOOLEAN IsPoll(const LARGE_INTEGER *Timeout)
{
    return Timeout != NULL && Timeout->QuadPart == 0;
}

/*
 * Lock the dispatcher, unless the call before did.  A wait that may block stops the machine when
 * the IRQL of before does not allow a switch.
 *
 * => Returns the IRQL to return to.
 */
static KIRQL BeginWait(PKTHREAD Thread, PVOID Object, const LARGE_INTEGER *Timeout,
                       ULONG_PTR Caller) NT_ACQUIRES(KiDispatcherLock) NT_NO_LOCK_ANALYSIS
{
    KIRQL OldIrql = Thread->WaitNext ? Thread->WaitIrql : KiLockDispatcher();

    Thread->WaitNext = FALSE;
    if (OldIrql >= DISPATCH_LEVEL && !IsPoll(Timeout)) {
        KiUnlockDispatcher(OldIrql);
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)Object, OldIrql, 0, Caller);
    }
    return OldIrql;
}

void KiUnlockOrKeepForWait(KIRQL OldIrql, BOOLEAN Wait) NT_NO_LOCK_ANALYSIS
{
    if (Wait) {
        KiCurrentThread->WaitNext = TRUE;
        KiCurrentThread->WaitIrql = OldIrql;
        return;
    }
    KiUnlockDispatcher(OldIrql);
}

static void LinkBlock(PKTHREAD Thread, PKWAIT_BLOCK Block, PDISPATCHER_HEADER Object)
    NT_HOLDS(KiDispatcherLock)
{
    Block->Thread = Thread;
    Block->Object = Object;
    InsertTailList(&Object->WaitListHead, &Block->WaitListEntry);
}

/* => Returns FALSE when DueTime is now or past. */
static BOOLEAN LinkTimeout(PKTHREAD Thread, PKWAIT_BLOCK Last, LONGLONG DueTime)
    NT_HOLDS(KiDispatcherLock)
{
    PKWAIT_BLOCK Block = &Thread->WaitBlock[KI_TIMER_WAIT_BLOCK];

    Thread->Timer.Header.SignalState = 0;
    if (!KiInsertTimer(&Thread->Timer, DueTime)) {
        return FALSE;
    }
    Block->WaitKey = (USHORT)STATUS_TIMEOUT;
    Block->WaitType = WaitAny;
    Block->NextWaitBlock = Last->NextWaitBlock;
    Last->NextWaitBlock = Block;
    LinkBlock(Thread, Block, &Thread->Timer.Header);
    return TRUE;
}

/* => The thread's ring begins at First.  Returns how the wait ended. */
static NTSTATUS Block(PKTHREAD Thread, PKWAIT_BLOCK First) NT_HOLDS(KiDispatcherLock)
{
    MI_ASSERT(Thread != &KiIdleThread);
    Thread->WaitBlockList = First; /* W1 */
    Thread->State = Waiting;
    KeCounters.Waits++;
    KiSwapThread();
    return Thread->WaitStatus;
}

static void DescribeWait(PKTHREAD Thread, KWAIT_REASON Reason, KPROCESSOR_MODE Mode,
                         BOOLEAN Alertable) NT_HOLDS(KiDispatcherLock)
{
    Thread->WaitReason = (UCHAR)Reason;
    Thread->WaitMode = Mode;
    Thread->Alertable = Alertable;
    Thread->WaitTime = KeTickCount.LowPart;
}

static NTSTATUS BlockOnOne(PKTHREAD Thread, PDISPATCHER_HEADER Object, const LARGE_INTEGER *Timeout)
    NT_HOLDS(KiDispatcherLock)
{
    PKWAIT_BLOCK First = &Thread->WaitBlock[0];

    First->NextWaitBlock = First;
    if (Timeout != NULL && !LinkTimeout(Thread, First, Timeout->QuadPart)) {
        return STATUS_TIMEOUT;
    }
    First->WaitKey = STATUS_WAIT_0;
    First->WaitType = WaitAny;
    LinkBlock(Thread, First, Object);
    return Block(Thread, First);
}

NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason,
                                     KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                     PLARGE_INTEGER Timeout)
{
    PKTHREAD Thread = KiCurrentThread;
    KIRQL OldIrql = BeginWait(Thread, Object, Timeout, CALLER());
    NTSTATUS Status = STATUS_TIMEOUT;

    if (CanTake(Object, Thread)) {
        Status = Take(Object, Thread);
    } else if (!IsPoll(Timeout)) {
        DescribeWait(Thread, WaitReason, WaitMode, Alertable);
        Status = BlockOnOne(Thread, Object, Timeout);
    }
    KiUnlockDispatcher(OldIrql);
    return Status;
}

/* ---- waiting for many ---- */

/* => Returns FALSE when the wait has to block. */
static BOOLEAN TakeAtOnce(PKTHREAD Thread, const WAIT_REQUEST *Request, NTSTATUS *Status)
    NT_HOLDS(KiDispatcherLock)
{
    ULONG Index;

    for (Index = 0; Index < Request->Count; Index++) {
        BOOLEAN Can = CanTake(Request->Objects[Index], Thread);

        if (Request->Type == WaitAny && Can) {
            *Status = (NTSTATUS)Index | Take(Request->Objects[Index], Thread);
            return TRUE;
        }
        if (Request->Type == WaitAll && !Can) {
            return FALSE;
        }
    }
    if (Request->Type == WaitAny) {
        return FALSE;
    }
    *Status = STATUS_SUCCESS;
    for (Index = 0; Index < Request->Count; Index++) {
        *Status |= Take(Request->Objects[Index], Thread);
    }
    return TRUE;
}

static NTSTATUS BlockOnMany(PKTHREAD Thread, const WAIT_REQUEST *Request) NT_HOLDS(KiDispatcherLock)
{
    PKWAIT_BLOCK Blocks = Request->Blocks;
    ULONG Last = Request->Count - 1;
    ULONG Index;

    Blocks[Last].NextWaitBlock = Blocks;
    if (Request->Timeout != NULL &&
        !LinkTimeout(Thread, &Blocks[Last], Request->Timeout->QuadPart)) {
        return STATUS_TIMEOUT;
    }
    for (Index = 0; Index <= Last; Index++) {
        Blocks[Index].WaitKey = (USHORT)Index;
        Blocks[Index].WaitType = (UCHAR)Request->Type;
        if (Index < Last) {
            Blocks[Index].NextWaitBlock = &Blocks[Index + 1];
        }
        LinkBlock(Thread, &Blocks[Index], Request->Objects[Index]);
    }
    return Block(Thread, Blocks);
}

NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                        KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                        BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                        PKWAIT_BLOCK WaitBlockArray)
{
    ULONG Limit = WaitBlockArray == NULL ? THREAD_WAIT_OBJECTS : MAXIMUM_WAIT_OBJECTS;
    PKWAIT_BLOCK Blocks = WaitBlockArray == NULL ? KiCurrentThread->WaitBlock : WaitBlockArray;
    const WAIT_REQUEST Request = {Object, Count, WaitType, Blocks, Timeout};
    PKTHREAD Thread = KiCurrentThread;
    NTSTATUS Status = STATUS_TIMEOUT;
    KIRQL OldIrql;

    if (Count == 0 || Count > Limit) {
        KeBugCheckEx(MAXIMUM_WAIT_OBJECTS_EXCEEDED, Count, Limit, CALLER(), 0);
    }
    OldIrql = BeginWait(Thread, Object[0], Timeout, CALLER());
    if (!TakeAtOnce(Thread, &Request, &Status) && !IsPoll(Timeout)) {
        DescribeWait(Thread, WaitReason, WaitMode, Alertable);
        Status = BlockOnMany(Thread, &Request);
    }
    KiUnlockDispatcher(OldIrql);
    return Status;
}

NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                      PLARGE_INTEGER Interval)
{
    PKTHREAD Thread = KiCurrentThread;
    PKWAIT_BLOCK TimerBlock = &Thread->WaitBlock[KI_TIMER_WAIT_BLOCK];
    KIRQL OldIrql;

    if (KeGetCurrentIrql() >= DISPATCH_LEVEL) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)Interval, KeGetCurrentIrql(), 0, CALLER());
    }
    OldIrql = KiLockDispatcher();
    TimerBlock->NextWaitBlock = TimerBlock; /* a ring of the timeout alone */
    if (LinkTimeout(Thread, TimerBlock, Interval->QuadPart)) {
        DescribeWait(Thread, DelayExecution, WaitMode, Alertable);
        Block(Thread, TimerBlock);
    }
    KiUnlockDispatcher(OldIrql);
    return STATUS_SUCCESS;
}
