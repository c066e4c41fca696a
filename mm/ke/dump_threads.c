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
    static const char *const Names[] = {"INITIALIZED", "READY",      "RUNNING",
                                        "STANDBY",     "TERMINATED", "WAIT"};

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

static void Sink(PVOID Context, const char *Text, SIZE_T Bytes)
{
    (void)Context;
    KiConsoleWrite(Text, Bytes);
}

#define PRINT(...) RtlFormat(Sink, NULL, __VA_ARGS__)

static void PrintLine(const KTHREAD *Thread) NT_HOLDS(KiDispatcherLock)
{
    PRINT("THREAD %p  Id %3u  Pri %2d/%2d  Switches %8u  %s %s\n", (const void *)Thread,
          Thread->ThreadId, Thread->Priority, Thread->BasePriority, Thread->ContextSwitches,
          StateName((KTHREAD_STATE)Thread->State), Thread->Name == NULL ? "" : Thread->Name);
}

static void PrintWait(const KTHREAD *Thread) NT_HOLDS(KiDispatcherLock)
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

void KiDumpThread(PKTHREAD Thread)
{
    KIRQL OldIrql = KiLockDispatcher();

    PrintLine(Thread);
    if (Thread->State == Waiting) {
        PrintWait(Thread);
    }
    PRINT("    Start %p  Stack base %p bytes %u  current %p  Quantum %d\n",
          (PVOID)(ULONG_PTR)Thread->StartRoutine, Thread->StackBase, (ULONG)Thread->StackBytes,
          Thread->KernelStack, Thread->Quantum);
    KiUnlockDispatcher(OldIrql);
}

static void DumpAll(BOOLEAN OnlyReady)
{
    KIRQL OldIrql = KiLockDispatcher();
    PLIST_ENTRY Entry;

    for (Entry = KiThreadList.Flink; Entry != &KiThreadList; Entry = Entry->Flink) {
        PKTHREAD Thread = CONTAINING_RECORD(Entry, KTHREAD, ThreadListEntry);

        if (!OnlyReady || Thread->State == Ready) {
            PrintLine(Thread);
        }
    }
    KiUnlockDispatcher(OldIrql);
}

void KiDumpThreads(void)
{
    DumpAll(FALSE);
    PRINT("%u switches, %u preemptions, %u quantum ends, %u waits, %u timeouts, %u DPCs\n",
          KeCounters.ContextSwitches, KeCounters.Preemptions, KeCounters.QuantumEnds,
          KeCounters.Waits, KeCounters.Timeouts, KeCounters.DpcsRun);
}

void KiDumpReadyThreads(void)
{
    DumpAll(TRUE);
}
