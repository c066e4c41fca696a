/* SPDX-License-Identifier: MIT */
/*
 * dump_threads.c - what !thread, !ready and a list of all threads print.
 *
 * The lines are printed with the dispatcher locked: what they show belongs together.
 */
#include "mm/ke/dispatcher.h"
#include "rtl.h"

static const char *StateName(KTHREAD_STATE State)
{
    static const char *const Names[] = {"INITIALIZED", "READY", "RUNNING",   "STANDBY",
                                        "TERMINATED",  "WAIT",  "TRANSITION"};

    return (ULONG)State < RTL_NUMBER_OF(Names) ? Names[State] : "UNKNOWN";
}

static const char *ReasonName(ULONG Reason)
{
    static const char *const Names[MaximumWaitReason] = {
        [Executive] = "Executive",
        [FreePage] = "FreePage",
        [PageIn] = "PageIn",
        [PoolAllocation] = "PoolAllocation",
        [DelayExecution] = "DelayExecution",
        [Suspended] = "Suspended",
        [UserRequest] = "UserRequest",
        [WrQueue] = "WrQueue",
        [WrVirtualMemory] = "WrVirtualMemory",
        [WrPageOut] = "WrPageOut",
        [WrMutex] = "WrMutex",
        [WrFastMutex] = "WrFastMutex",
        [WrGuardedMutex] = "WrGuardedMutex",
    };

    return Reason < MaximumWaitReason && Names[Reason] != NULL ? Names[Reason] : "Unknown";
}

static const char *ObjectName(const DISPATCHER_HEADER *Object)
{
    switch (Object->Type) {
    case EventNotificationObject:
        return "NotificationEvent";
    case EventSynchronizationObject:
        return "SynchronizationEvent";
    case MutantObject:
        return "Mutant";
    case SemaphoreObject:
        return "Semaphore";
    case ThreadObject:
        return "Thread";
    case GateObject:
        return "Gate";
    case TimerNotificationObject:
        return "NotificationTimer";
    case TimerSynchronizationObject:
        return "SynchronizationTimer";
    default:
        return "Unknown";
    }
}

typedef struct _PRINTER {
    RTL_PRINT_SINK *Sink;
    PVOID Context;
} PRINTER;

#define PRINT(...) RtlFormat(Printer->Sink, Printer->Context, __VA_ARGS__)

static const char *NameOf(const KTHREAD *Thread)
{
    return Thread->Name == NULL ? "" : Thread->Name;
}

static void PrintLine(const PRINTER *Printer, const KTHREAD *Thread) NT_HOLDS(KiDispatcherLock)
{
    PRINT("THREAD %p  Id %3u  Pri %2d/%2d  Switches %8u  %s %.24s\n", (const void *)Thread,
          Thread->ThreadId, Thread->Priority, Thread->BasePriority, Thread->ContextSwitches,
          StateName((KTHREAD_STATE)Thread->State), NameOf(Thread));
}

static void PrintWait(const PRINTER *Printer, const KTHREAD *Thread) NT_HOLDS(KiDispatcherLock)
{
    PKWAIT_BLOCK Block = Thread->WaitBlockList;

    PRINT("    WAIT: (%s) %s %s\n", ReasonName(Thread->WaitReason),
          Thread->WaitMode == KernelMode ? "KernelMode" : "UserMode",
          Thread->Alertable ? "Alertable" : "Non-Alertable");
    do {
        PRINT("        %p  %s\n", Block->Object, ObjectName(Block->Object));
        Block = Block->NextWaitBlock;
    } while (Block != Thread->WaitBlockList);
}

static void PrintThread(const PRINTER *Printer, const KTHREAD *Thread) NT_HOLDS(KiDispatcherLock)
{
    PrintLine(Printer, Thread);
    if (Thread->State == Waiting) {
        PrintWait(Printer, Thread);
    }
    PRINT("    Start %p  Stack base %p bytes %x  current %p  Quantum %d\n",
          (PVOID)(ULONG_PTR)Thread->StartRoutine, Thread->StackBase, (ULONG)Thread->StackBytes,
          Thread->KernelStack, Thread->Quantum);
    if (!Thread->KernelStackResident) {
        PRINT("    Kernel stack not resident.\n");
    }
}

static PKTHREAD ThreadOf(PLIST_ENTRY Entry)
{
    return CONTAINING_RECORD(Entry, KTHREAD, ThreadListEntry);
}

BOOLEAN KiDumpThread(RTL_PRINT_SINK *Sink, PVOID Context, const void *Thread)
{
    const PRINTER Printer = {Sink, Context};
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN Found = FALSE;
    PLIST_ENTRY Entry;

    for (Entry = KiThreadList.Flink; Entry != &KiThreadList && !Found; Entry = Entry->Flink) {
        Found = ThreadOf(Entry) == Thread;
    }
    if (Found) {
        PrintThread(&Printer, Thread);
    }
    KiUnlockDispatcher(OldIrql);
    return Found;
}

static BOOLEAN IsChosen(const KTHREAD *Thread, KI_THREAD_CHOICE Choice)
{
    switch (Choice) {
    case KiAllThreads:
        break;
    case KiReadyThreads:
        return Thread->State == Ready;
    case KiRunningThreads:
        return Thread->State == Running;
    }
    return TRUE;
}

void KiDumpThreads(RTL_PRINT_SINK *Sink, PVOID Context, KI_THREAD_CHOICE Choice)
{
    const PRINTER Local = {Sink, Context};
    const PRINTER *Printer = &Local;
    KIRQL OldIrql = KiLockDispatcher();
    PLIST_ENTRY Entry;

    for (Entry = KiThreadList.Flink; Entry != &KiThreadList; Entry = Entry->Flink) {
        if (IsChosen(ThreadOf(Entry), Choice)) {
            PrintLine(Printer, ThreadOf(Entry));
        }
    }
    KiUnlockDispatcher(OldIrql);
    if (Choice == KiAllThreads) {
        PRINT("%u switches, %u preemptions, %u quantum ends, %u waits, %u timeouts, %u DPCs, "
              "%u starved\n",
              KeCounters.ContextSwitches, KeCounters.Preemptions, KeCounters.QuantumEnds,
              KeCounters.Waits, KeCounters.Timeouts, KeCounters.DpcsRun,
              KeCounters.StarvationBoosts);
    }
}

void KiDumpProcessThreads(RTL_PRINT_SINK *Sink, PVOID Context, const struct _KPROCESS *Process,
                          BOOLEAN Waits)
{
    const PRINTER Printer = {Sink, Context};
    KIRQL OldIrql = KiLockDispatcher();
    PLIST_ENTRY Entry;

    for (Entry = KiThreadList.Flink; Entry != &KiThreadList; Entry = Entry->Flink) {
        const KTHREAD *Thread = ThreadOf(Entry);

        if (Thread->ApcState.Process == Process) {
            PrintLine(&Printer, Thread);
            if (Waits && Thread->State == Waiting) {
                PrintWait(&Printer, Thread);
            }
        }
    }
    KiUnlockDispatcher(OldIrql);
}

/* ---- !stacks ---- */

/* A thread's state in the words of !stacks. */
static const char *StackState(const KTHREAD *Thread)
{
    static const char *const Names[] = {"Initialized", "Ready",   "Running",   "Standby",
                                        "Terminated",  "Blocked", "Transition"};

    return Thread->State < RTL_NUMBER_OF(Names) ? Names[Thread->State] : "Unknown";
}

static void PrintStack(const PRINTER *Printer, const KTHREAD *Thread) NT_HOLDS(KiDispatcherLock)
{
    PRINT("  -.%06x  %p  %-11s", Thread->ThreadId, (const void *)Thread, StackState(Thread));
    if (Thread->State == Waiting) {
        PVOID Object = Thread->WaitBlockList->Object;

        PRINT(" %s %s %p", ReasonName(Thread->WaitReason), ObjectName(Object), Object);
    }
    PRINT("  [%.24s]\n", NameOf(Thread));
}

void KiDumpStacks(RTL_PRINT_SINK *Sink, PVOID Context, ULONG Detail, const char *Filter)
{
    const PRINTER Local = {Sink, Context};
    const PRINTER *Printer = &Local;
    KIRQL OldIrql;
    PLIST_ENTRY Entry;

    PRINT("Proc.Thread  Thread    State       Blocker\n");
    OldIrql = KiLockDispatcher();
    for (Entry = KiThreadList.Flink; Entry != &KiThreadList; Entry = Entry->Flink) {
        const KTHREAD *Thread = ThreadOf(Entry);

        if (RtlFindText(NameOf(Thread), Filter) == NULL) {
            continue;
        }
        PrintStack(Printer, Thread);
        if (Detail == 1 && Thread->State == Waiting) {
            PrintWait(Printer, Thread);
        } else if (Detail >= 2) {
            PrintThread(Printer, Thread);
        }
    }
    KiUnlockDispatcher(OldIrql);
}

BOOLEAN KiFindStackOwner(ULONG_PTR Va, PKI_THREAD_STACK Stack)
{
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN Found = FALSE;
    PLIST_ENTRY Entry;

    for (Entry = KiThreadList.Flink; Entry != &KiThreadList && !Found; Entry = Entry->Flink) {
        PKTHREAD Thread = ThreadOf(Entry);
        ULONG_PTR Base = (ULONG_PTR)Thread->StackBase;

        if (Base != 0 && Va < Base && Base - Va <= Thread->StackBytes) {
            *Stack = (KI_THREAD_STACK){Thread, Base - Thread->StackBytes, Base};
            Found = TRUE;
        }
    }
    KiUnlockDispatcher(OldIrql);
    return Found;
}
