/* SPDX-License-Identifier: MIT */
/*
 * report_threads.c - threads, waits, timers, DPCs and work items at work, for the boot's report.
 *
 * Each line does the thing with threads of its own and checks what came of it; figures are those of
 * KeCounters and of the time-stamp counter.  A loaded host delays the ticks of an emulated clock
 * and may bunch them, so times have a wide lower bound and an upper one that only catches a hang.
 */
#include "mm/inspect/report_threads.h"

#include "arch/cpu.h"
#include "mm/ke/thread.h"
#include "mm/sysva/kernel_stack.h"
#include "mm_machine.h"
#include "report.h"

#define MIP_THREADS    4u
#define MIP_MS         10000ll /* in 100 ns */
#define MIP_BUNCHED_MS 40u     /* what delayed ticks may seem to take off */
#define MIP_LIMIT_MS   20000u

typedef struct _MIP_THREAD {
    KTHREAD Kernel;
    PVOID StackBase;
    KSTART *Routine;
    PVOID Context;
    BOOLEAN InItsStack; /* the machine's limits were those of its stack when it began */
} MIP_THREAD, *PMIP_THREAD;

static MIP_THREAD MipThreads[MIP_THREADS];
static ULONG MipThreadCount;
static const MI_STACK_SOURCE *MipStacks;
static ULONG MipStarted;
static ULONG MipAtHome; /* of these, in their own stacks */

/* ---- threads of the report ---- */

static void NTAPI MipRunThread(PVOID Opaque)
{
    PMIP_THREAD Thread = Opaque;
    ULONG_PTR Low;
    ULONG_PTR High;

    IoGetStackLimits(&Low, &High);
    Thread->InItsStack = High == (ULONG_PTR)Thread->StackBase && High - Low == MipStacks->Bytes &&
                         (ULONG_PTR)&Low >= Low && (ULONG_PTR)&Low < High;
    Thread->Routine(Thread->Context);
}

/* => FALSE: no stack, and nothing was started. */
static BOOLEAN MipStart(KPRIORITY Priority, KSTART *Routine, PVOID Context)
{
    PMIP_THREAD Thread = &MipThreads[MipThreadCount];
    KTHREAD_START Start = {.Routine = MipRunThread,
                           .Context = Thread,
                           .Priority = Priority,
                           .StackBytes = MipStacks->Bytes,
                           .Name = "report"};

    *Thread = (MIP_THREAD){.Routine = Routine, .Context = Context};
    Thread->StackBase = Start.StackBase = MipStacks->Create();
    if (Start.StackBase == NULL) {
        return FALSE;
    }
    MipThreadCount++;
    if (!NT_SUCCESS(KeCreateSystemThread(&Thread->Kernel, &Start))) {
        MipThreadCount--;
        MipStacks->Delete(Start.StackBase);
        return FALSE;
    }
    return TRUE;
}

static BOOLEAN MipStartPlain(KSTART *Routine, PVOID Context)
{
    return MipStart(KeQueryPriorityThread(KeGetCurrentThread()), Routine, Context);
}

/* Wait for all that were started, and give their stacks back. */
static void MipFinish(void)
{
    for (; MipThreadCount != 0; MipThreadCount--) {
        PMIP_THREAD Thread = &MipThreads[MipThreadCount - 1];

        KeWaitForSingleObject(&Thread->Kernel, Executive, KernelMode, FALSE, NULL);
        MipStacks->Delete(Thread->StackBase);
        MipStarted++;
        MipAtHome += Thread->InItsStack;
    }
}

static ULONG MipMicrosecondsSince(ULONG64 Start)
{
    ULONG64 Cycles = KeReadCycleCounter() - Start;

    return (ULONG)(Cycles * 1000 / (KeQueryCycleFrequency() / 1000));
}

static BOOLEAN MipTook(ULONG Microseconds, ULONG Milliseconds)
{
    return Microseconds >= (Milliseconds - MIP_BUNCHED_MS) * 1000 &&
           Microseconds < MIP_LIMIT_MS * 1000;
}

static LARGE_INTEGER MipAfter(ULONG Milliseconds)
{
    return (LARGE_INTEGER){.QuadPart = -(LONGLONG)Milliseconds * MIP_MS};
}

static void MipWait(PVOID Object)
{
    KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, NULL);
}

/* ---- switches ---- */

#define MIP_ROUNDS 500u

static KEVENT MipPing;
static KEVENT MipPong;
static volatile ULONG MipTurns;

static void MipAnswer(PVOID Context)
{
    ULONG i;

    (void)Context;
    for (i = 0; i < MIP_ROUNDS; i++) {
        MipWait(&MipPing);
        MipTurns++;
        KeSetEvent(&MipPong, IO_NO_INCREMENT, FALSE);
    }
}

static void MipReportSwitches(void)
{
    ULONG Switches = KeCounters.ContextSwitches;
    ULONG InOrder = 0;
    ULONG64 Start;
    ULONG i;

    KeInitializeEvent(&MipPing, SynchronizationEvent, FALSE);
    KeInitializeEvent(&MipPong, SynchronizationEvent, FALSE);
    MipTurns = 0;
    if (!MipStartPlain(MipAnswer, NULL)) {
        KiReport(FALSE, "threads: there is no stack for one");
        return;
    }
    Start = KeReadCycleCounter();
    for (i = 1; i <= MIP_ROUNDS; i++) {
        KeSetEvent(&MipPing, IO_NO_INCREMENT, FALSE);
        MipWait(&MipPong);
        InOrder += MipTurns == i;
    }
    Start = KeReadCycleCounter() - Start;
    MipFinish();
    Switches = KeCounters.ContextSwitches - Switches;
    KiReport(InOrder == MIP_ROUNDS && Switches >= 2 * MIP_ROUNDS,
             "threads: %u of %u round trips in order, one in %u cycles", InOrder, MIP_ROUNDS,
             (ULONG)(Start / MIP_ROUNDS));
}

/* ---- priorities and quanta ---- */

static const KPRIORITY MipPriorities[] = {5, 12, 9};
static volatile ULONG MipRunOrder; /* priorities as they ran, 8 bits each, the first one highest */

static void MipNotePriority(PVOID Context)
{
    (void)Context;
    MipRunOrder = MipRunOrder << 8 | (ULONG)KeQueryPriorityThread(KeGetCurrentThread());
}

static void MipReportPriorities(void)
{
    KPRIORITY Mine = KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY - 1);
    BOOLEAN Started = TRUE;
    ULONG i;

    MipRunOrder = 0;
    for (i = 0; i < RTL_NUMBER_OF(MipPriorities); i++) {
        Started = Started && MipStart(MipPriorities[i], MipNotePriority, NULL);
    }
    Started = Started && MipRunOrder == 0;
    MipFinish();
    KeSetPriorityThread(KeGetCurrentThread(), Mine);
    KiReport(Started && MipRunOrder == (12u << 16 | 9u << 8 | 5u),
             "priorities: threads of 5, 12 and 9 were started, and ran as %u, %u, %u",
             MipRunOrder >> 16, MipRunOrder >> 8 & 0xFF, MipRunOrder & 0xFF);
}

static volatile ULONG MipProgress[2];

/* Never waits: without quanta the first one would hold the processor until its limit. */
static void MipSpin(PVOID Context)
{
    ULONG Me = (ULONG)(ULONG_PTR)Context;
    ULONG64 Start = KeReadCycleCounter();

    while ((MipProgress[0] == 0 || MipProgress[1] == 0) &&
           MipMicrosecondsSince(Start) < MIP_LIMIT_MS * 1000) {
        MipProgress[Me]++;
        KeStallExecutionProcessor(100);
    }
}

static void MipReportQuantum(void)
{
    ULONG Ends = KeCounters.QuantumEnds;
    BOOLEAN Started;

    MipProgress[0] = MipProgress[1] = 0;
    Started = MipStartPlain(MipSpin, (PVOID)0) && MipStartPlain(MipSpin, (PVOID)1);
    MipFinish();
    Ends = KeCounters.QuantumEnds - Ends;
    KiReport(Started && MipProgress[0] != 0 && MipProgress[1] != 0 && Ends != 0,
             "quantum: two threads that never wait both ran%s",
             Ends != 0 ? ", since a quantum ended" : "; no quantum ended");
}

/* ---- time ---- */

static void MipReportTimer(void)
{
    const ULONG Milliseconds = 100;
    ULONGLONG Interrupt = KeQueryInterruptTime();
    ULONG64 Start = KeReadCycleCounter();
    LARGE_INTEGER Before;
    LARGE_INTEGER After;
    ULONG Microseconds;
    KTIMER Timer;

    KeQuerySystemTime(&Before);
    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, MipAfter(Milliseconds), NULL);
    MipWait(&Timer);
    Microseconds = MipMicrosecondsSince(Start);
    KeQuerySystemTime(&After);
    Interrupt = KeQueryInterruptTime() - Interrupt;
    KiReport(MipTook(Microseconds, Milliseconds) && Interrupt >= Milliseconds * MIP_MS &&
                 After.QuadPart - Before.QuadPart >= Milliseconds * MIP_MS,
             "timer: one of %u ms came after %u us of the time-stamp counter", Milliseconds,
             Microseconds);
}

static void MipReportTimeout(void)
{
    const ULONG Milliseconds = 60;
    LARGE_INTEGER Timeout = MipAfter(Milliseconds);
    ULONG Timeouts = KeCounters.Timeouts;
    ULONG64 Start = KeReadCycleCounter();
    NTSTATUS Status;
    KEVENT Never;
    ULONG Microseconds;

    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    Status = KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, &Timeout);
    Microseconds = MipMicrosecondsSince(Start);
    Timeouts = KeCounters.Timeouts - Timeouts;
    KiReport(Status == STATUS_TIMEOUT && Timeouts >= 1 && MipTook(Microseconds, Milliseconds),
             "wait: a timeout of %u ms, status %08x after %u us", Milliseconds, (ULONG)Status,
             Microseconds);
}

#define MIP_PERIODS 5u

static volatile ULONG MipDpcs;
static volatile ULONG MipDpcsAtDispatch;
static KEVENT MipDpcsDone;

static void NTAPI MipCountDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    (void)Dpc;
    (void)Context;
    (void)Argument1;
    (void)Argument2;
    MipDpcsAtDispatch += KeGetCurrentIrql() == DISPATCH_LEVEL;
    if (++MipDpcs == MIP_PERIODS) {
        KeSetEvent(&MipDpcsDone, IO_NO_INCREMENT, FALSE);
    }
}

static void MipReportDpc(void)
{
    KTIMER Timer;
    KDPC Dpc;

    MipDpcs = MipDpcsAtDispatch = 0;
    KeInitializeEvent(&MipDpcsDone, NotificationEvent, FALSE);
    KeInitializeDpc(&Dpc, MipCountDpc, NULL);
    KeInitializeTimerEx(&Timer, SynchronizationTimer);
    KeSetTimerEx(&Timer, MipAfter(10), 10, &Dpc);
    MipWait(&MipDpcsDone);
    KeCancelTimer(&Timer);
    KeFlushQueuedDpcs();
    KiReport(MipDpcs >= MIP_PERIODS && MipDpcsAtDispatch == MipDpcs,
             "DPC: a timer of 10 ms queued one each period, %s at DISPATCH_LEVEL",
             MipDpcsAtDispatch == MipDpcs ? "all" : "not all");
}

/* ---- mutual exclusion ---- */

#define MIP_TURNS 200u

static KMUTEX MipMutex;
static volatile ULONG MipShared;

/* Gives the processor away between reading and writing: without the mutex turns get lost. */
static void MipTakeTurns(PVOID Context)
{
    ULONG i;

    (void)Context;
    for (i = 0; i < MIP_TURNS; i++) {
        ULONG Value;

        MipWait(&MipMutex);
        Value = MipShared;
        KeYieldThread();
        MipShared = Value + 1;
        KeReleaseMutex(&MipMutex, FALSE);
    }
}

static void MipReportMutex(void)
{
    ULONG Waits = KeCounters.Waits;
    BOOLEAN Started = TRUE;
    ULONG i;

    KeInitializeMutex(&MipMutex, 0);
    MipShared = 0;
    for (i = 0; i < MIP_THREADS; i++) {
        Started = Started && MipStartPlain(MipTakeTurns, NULL);
    }
    MipFinish();
    Waits = KeCounters.Waits - Waits;
    KiReport(Started && MipShared == MIP_THREADS * MIP_TURNS && Waits >= MIP_THREADS &&
                 KeReadStateMutex(&MipMutex) == 1,
             "mutex: %u threads took %u turns each, %u were counted", MIP_THREADS, MIP_TURNS,
             MipShared);
}

/* ---- work items ---- */

#define MIP_ITEMS 64u

static WORK_QUEUE_ITEM MipItems[MIP_ITEMS];
static ULONG MipItemRuns[MIP_ITEMS];
static KSEMAPHORE MipItemsDone;
static PKTHREAD MipReporter;

static void NTAPI MipRunItem(PVOID Context)
{
    ULONG Index = (ULONG)(ULONG_PTR)Context;

    MipItemRuns[Index] += KeGetCurrentThread() != MipReporter;
    KeReleaseSemaphore(&MipItemsDone, IO_NO_INCREMENT, 1, FALSE);
}

static void MipReportWorkItems(void)
{
    ULONG Right = 0;
    ULONG i;

    MipReporter = KeGetCurrentThread();
    KeInitializeSemaphore(&MipItemsDone, 0, MIP_ITEMS);
    for (i = 0; i < MIP_ITEMS; i++) {
        MipItemRuns[i] = 0;
        ExInitializeWorkItem(&MipItems[i], MipRunItem, (PVOID)(ULONG_PTR)i);
        ExQueueWorkItem(&MipItems[i], DelayedWorkQueue);
    }
    for (i = 0; i < MIP_ITEMS; i++) {
        MipWait(&MipItemsDone);
    }
    for (i = 0; i < MIP_ITEMS; i++) {
        Right += MipItemRuns[i] == 1;
    }
    KiReport(Right == MIP_ITEMS, "work items: %u queued, %u run once by a worker thread", MIP_ITEMS,
             Right);
}

/* ---- all of it ---- */

void MiReportThreadsOn(const MI_STACK_SOURCE *Stacks)
{
    ULONG Begun = KeCounters.ThreadsCreated;
    ULONG Ended = KeCounters.ThreadsTerminated;

    MipStacks = Stacks;
    MipStarted = MipAtHome = 0;
    MipReportSwitches();
    MipReportPriorities();
    MipReportQuantum();
    MipReportTimer();
    MipReportTimeout();
    MipReportDpc();
    MipReportMutex();
    MipReportWorkItems();
    KiVerifyThreads();
    Begun = KeCounters.ThreadsCreated - Begun;
    Ended = KeCounters.ThreadsTerminated - Ended;
    KiReport(Begun == MipStarted && Ended == MipStarted && MipAtHome == MipStarted,
             "stacks: %u threads began and ended, %u of them within the limits of fs:[4], fs:[8]",
             Begun, MipAtHome);
}

static const MI_STACK_SOURCE MipKernelStacks = {MiCreateKernelStack, MiDeleteKernelStack,
                                                MI_KERNEL_STACK_BYTES};

void MiReportThreads(void)
{
    MiReportThreadsOn(&MipKernelStacks);
}

BOOLEAN MiRunBeside(KSTART *Routine, PVOID Theirs, PVOID Mine)
{
    MipStacks = &MipKernelStacks;
    if (!MipStartPlain(Routine, Theirs)) {
        return FALSE;
    }
    Routine(Mine);
    MipFinish();
    return TRUE;
}
