/* SPDX-License-Identifier: MIT */
/*
 * test_ke_thread.c - threads: creation, priorities, preemption, quanta, the end; verify and dump.
 */
#include "nt/bugcodes.h"
#include "tests/unit/ke_bench.h"

#include <string.h>

static UCHAR Stack[HOST_STACK_BYTES] NT_ALIGNED(16);
static KTHREAD Made;
static KEVENT Event;
static PKTHREAD Reaped;

static void NTAPI LogContext(PVOID Context)
{
    BenchLog((char)(ULONG_PTR)Context);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
}

static void Reap(PKTHREAD Thread)
{
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    CHECK(KeGetCurrentThread() != Thread);
    CHECK_EQUAL(Terminated, Thread->State);
    Reaped = Thread;
}

static KTHREAD_START Description(KPRIORITY Priority)
{
    return (KTHREAD_START){.Routine = LogContext,
                           .Context = (PVOID)'x',
                           .Priority = Priority,
                           .StackBase = Stack + sizeof(Stack),
                           .StackBytes = sizeof(Stack),
                           .Reaper = Reap,
                           .Name = "made"};
}

static void Start(void)
{
    BenchStart();
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Reaped = NULL;
}

/* ---- birth and death ---- */

TEST(KeThread_runs_ends_and_is_reaped)
{
    KTHREAD_START Start8 = Description(8);

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, KeCreateSystemThread(&Made, &Start8));
    CHECK_EQUAL(Ready, Made.State);
    CHECK_EQUAL(ThreadObject, Made.Header.Type);
    CHECK_TEXT("", BenchText());
    CHECK_EQUAL(STATUS_SUCCESS, BenchWait(&Made));
    CHECK_TEXT("x", BenchText());
    CHECK(Reaped == &Made);
    CHECK_EQUAL(1, KeCounters.ThreadsCreated);
    CHECK_EQUAL(1, KeCounters.ThreadsTerminated);
    BenchEnd();
}

/* ---- what goes with the stack ---- */

static PVOID const MainList = (PVOID)0x1000;
static PVOID const OtherList = (PVOID)0x2000;

static void NTAPI UseExceptionList(PVOID Context)
{
    CHECK(KiExchangeExceptionList(OtherList) == EXCEPTION_CHAIN_END);
    KeYieldThread();
    CHECK(KiExchangeExceptionList(Context) == OtherList);
}

TEST(KeThread_has_an_exception_list_of_its_own)
{
    KTHREAD_START Start8 = Description(8);

    Start();
    Start8.Routine = UseExceptionList;
    CHECK_EQUAL(STATUS_SUCCESS, KeCreateSystemThread(&Made, &Start8));
    CHECK(KiExchangeExceptionList(MainList) == EXCEPTION_CHAIN_END);
    KeYieldThread(); /* the other sets its list and yields back */
    CHECK(KiExchangeExceptionList(MainList) == MainList);
    CHECK_EQUAL(STATUS_SUCCESS, BenchWait(&Made));
    CHECK(KiExchangeExceptionList(EXCEPTION_CHAIN_END) == MainList);
    BenchEnd();
}

static ULONG_PTR Limits[2];

static void NTAPI TakeLimits(PVOID Context)
{
    (void)Context;
    IoGetStackLimits(&Limits[0], &Limits[1]);
}

TEST(KeThread_runs_within_the_stack_that_the_machine_knows)
{
    KTHREAD_START Start9 = Description(9);
    ULONG_PTR Before[2];
    ULONG_PTR After[2];

    Start();
    Start9.Routine = TakeLimits;
    IoGetStackLimits(&Before[0], &Before[1]);
    CHECK_EQUAL(STATUS_SUCCESS, KeCreateSystemThread(&Made, &Start9));
    CHECK_EQUAL((ULONG_PTR)Stack, Limits[0]);
    CHECK_EQUAL((ULONG_PTR)Stack + sizeof(Stack), Limits[1]);
    IoGetStackLimits(&After[0], &After[1]);
    CHECK_EQUAL(Before[0], After[0]);
    CHECK_EQUAL(Before[1], After[1]);
    CHECK(KeGetCurrentThread()->StackBase == (PVOID)Before[1]);
    CHECK_EQUAL(Before[1] - Before[0], KeGetCurrentThread()->StackBytes);
    BenchEnd();
}

TEST(KeThread_of_higher_priority_runs_before_its_creation_returns)
{
    KTHREAD_START Start9 = Description(9);

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, KeCreateSystemThread(&Made, &Start9));
    CHECK_TEXT("x", BenchText());
    CHECK(Reaped == &Made);
    BenchEnd();
}

static void CheckRefused(KTHREAD_START Wrong)
{
    Made.ThreadId = 4711;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, KeCreateSystemThread(&Made, &Wrong));
    CHECK_EQUAL(4711, Made.ThreadId);
}

TEST(KeThread_creation_refuses_what_cannot_run)
{
    KTHREAD_START Wrong;

    Start();
    CheckRefused(Description(32));
    CheckRefused(Description(-1));
    Wrong = Description(8);
    Wrong.Routine = NULL;
    CheckRefused(Wrong);
    Wrong = Description(8);
    Wrong.StackBase = NULL;
    CheckRefused(Wrong);
    Wrong = Description(8);
    Wrong.StackBase = Stack + sizeof(Stack) - 4;
    CheckRefused(Wrong);
    Wrong = Description(8);
    Wrong.StackBytes = KI_STACK_MINIMUM - 1;
    CheckRefused(Wrong);
    CHECK_EQUAL(0, KeCounters.ThreadsCreated);
    BenchEnd();
}

/* ---- priorities ---- */

static void LogAndWait(PVOID Letter)
{
    BenchLog((char)(ULONG_PTR)Letter);
    BenchWait(&Event);
    BenchLog((char)((ULONG_PTR)Letter - 'a' + 'A'));
}

TEST(KeThread_highest_priority_runs_first_equals_in_order)
{
    ULONG Index;
    static const KPRIORITY Priorities[] = {3, 5, 3, 7, 5};

    Start();
    for (Index = 0; Index < RTL_NUMBER_OF(Priorities); Index++) {
        BenchThread(Priorities[Index], LogAndWait, (PVOID)(ULONG_PTR)('a' + Index));
    }
    CHECK_TEXT("", BenchText()); /* the test itself has 8 */
    BenchSleep(10);
    CHECK_TEXT("dbeac", BenchText());
    KeSetEvent(&Event, 0, FALSE);
    BenchSleep(10);
    CHECK_TEXT("dbeacDBEAC", BenchText());
    BenchEnd();
}

TEST(KeThread_set_priority_takes_effect_at_once_in_every_state)
{
    PKTHREAD Self;
    PKTHREAD Thread;

    Start();
    Self = KeGetCurrentThread();
    Thread = HostKernelThread(HostThreadCreate(LogAndWait, (PVOID)'a'));
    CHECK_EQUAL(8, KeSetPriorityThread(Thread, 4)); /* ready */
    KiVerifyThreads();
    CHECK_EQUAL(8, KeSetPriorityThread(Self, 4)); /* running: equals do not preempt */
    CHECK_TEXT("", BenchText());
    CHECK_EQUAL(4, KeSetPriorityThread(Self, 3)); /* running, now below */
    CHECK_TEXT("a", BenchText());
    CHECK_EQUAL(4, KeSetPriorityThread(Thread, 2)); /* waiting */
    KeSetEvent(&Event, 0, FALSE);
    CHECK_TEXT("a", BenchText());
    CHECK_EQUAL(2, KeSetPriorityThread(Thread, 20)); /* ready, and up */
    CHECK_TEXT("aA", BenchText());
    CHECK_EQUAL(3, KeSetPriorityThread(Self, 8));
    BenchEnd();
}

TEST(KeThread_standby_gives_way_to_a_higher_one_and_to_its_own_fall)
{
    PKTHREAD Low;
    PKTHREAD High;
    KIRQL OldIrql;

    Start();
    Low = HostKernelThread(HostThreadCreate(LogAndWait, (PVOID)'l'));
    High = HostKernelThread(HostThreadCreate(LogAndWait, (PVOID)'h'));
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    KeSetPriorityThread(Low, 10);
    CHECK_EQUAL(Standby, Low->State);
    KeSetPriorityThread(High, 12);
    CHECK_EQUAL(Standby, High->State);
    CHECK_EQUAL(Ready, Low->State);
    KiVerifyThreads();
    KeSetPriorityThread(High, 9);
    CHECK_EQUAL(Standby, Low->State);
    CHECK_EQUAL(Ready, High->State);
    KeSetPriorityThread(KeGetCurrentThread(), 11);
    CHECK_EQUAL(Ready, Low->State);
    KiVerifyThreads();
    KeSetPriorityThread(KeGetCurrentThread(), 8);
    KfLowerIrql(OldIrql);
    CHECK_TEXT("lh", BenchText());
    KeSetEvent(&Event, 0, FALSE);
    BenchEnd();
}

/* ---- quanta ---- */

static void Burn(PVOID Letter)
{
    ULONG Step;

    for (Step = 0; Step < 3; Step++) {
        BenchLog((char)(ULONG_PTR)Letter);
        KeStallExecutionProcessor(BENCH_TICK_MS * 1000 * 2); /* a quantum */
    }
}

TEST(KeThread_equals_take_turns_by_quanta)
{
    Start();
    HostThreadCreate(Burn, (PVOID)'a');
    HostThreadCreate(Burn, (PVOID)'b');
    HostRunThreads();
    CHECK_TEXT("ababab", BenchText());
    CHECK_EQUAL(6, KeCounters.QuantumEnds);
    BenchEnd();
}

TEST(KeThread_quantum_end_does_not_favour_lower_priorities)
{
    Start();
    BenchThread(9, Burn, (PVOID)'a'); /* done before the next line */
    BenchThread(7, Burn, (PVOID)'b');
    CHECK_TEXT("aaa", BenchText());
    BenchEnd();
}

/* The quantum ends while the dispatcher is locked, and a higher thread becomes ready there. */
static void BurnPreemptedAtTheEnd(PVOID Letter)
{
    KIRQL OldIrql = KiLockDispatcher();

    KeStallExecutionProcessor(BENCH_TICK_MS * 1000 * 2);
    Event.Header.SignalState = 1;
    KiWaitTest(&Event.Header, IO_NO_INCREMENT);
    KiUnlockDispatcher(OldIrql);
    Burn(Letter);
}

TEST(KeThread_preempted_at_its_quantums_end_gives_way_to_its_equals)
{
    BENCH_WAITER Waiter = {&Event, 'h', STATUS_PENDING};

    Start();
    BenchThread(12, BenchWaiter, &Waiter);
    HostThreadCreate(BurnPreemptedAtTheEnd, (PVOID)'a');
    HostThreadCreate(Burn, (PVOID)'b');
    HostRunThreads();
    CHECK_TEXT("hababab", BenchText());
    BenchEnd();
}

static void WaitAndWatchDecay(PVOID Context)
{
    KPRIORITY *Seen = Context;
    ULONG Step;

    BenchWait(&Event);
    for (Step = 0; Step < 5; Step++) {
        Seen[Step] = KeQueryPriorityThread(KeGetCurrentThread());
        KeStallExecutionProcessor(BENCH_TICK_MS * 1000 * 2);
    }
}

TEST(KeThread_boost_decays_by_one_a_quantum)
{
    KPRIORITY Seen[5];
    ULONG Step;

    Start();
    BenchThread(9, WaitAndWatchDecay, Seen);
    KeSetEvent(&Event, 3, FALSE);
    HostRunThreads();
    for (Step = 0; Step < 5; Step++) {
        CHECK_EQUAL(Step < 3 ? 12 - Step : 9, Seen[Step]);
    }
    BenchEnd();
}

static void YieldOnce(PVOID Letter)
{
    BenchLog((char)(ULONG_PTR)Letter);
    KeYieldThread();
    BenchLog((char)(ULONG_PTR)Letter);
}

TEST(KeThread_yield_goes_behind_its_equals)
{
    Start();
    HostThreadCreate(YieldOnce, (PVOID)'a');
    HostThreadCreate(YieldOnce, (PVOID)'b');
    HostRunThreads();
    CHECK_TEXT("abab", BenchText());
    BenchEnd();
}

static void PreemptedBySetEvent(PVOID Letter)
{
    BenchLog((char)(ULONG_PTR)Letter);
    KeSetEvent(&Event, 0, FALSE);
    BenchLog((char)(ULONG_PTR)Letter);
}

/* 'p' is preempted by the waiter and goes on before its equal, which waited longer. */
TEST(KeThread_preempted_goes_to_the_head_of_its_queue)
{
    BENCH_WAITER Waiter = {&Event, 'w', -1};

    Start();
    BenchThread(12, BenchWaiter, &Waiter);
    HostThreadCreate(PreemptedBySetEvent, (PVOID)'p');
    HostThreadCreate(YieldOnce, (PVOID)'q');
    HostRunThreads();
    CHECK_TEXT("pwpqq", BenchText());
    CHECK(KeCounters.Preemptions >= 1);
    BenchEnd();
}

/* ---- what finds damage ---- */

static void Verify(PVOID Context)
{
    (void)Context;
    KiVerifyThreads();
}

static void ExpectDamageFound(void)
{
    HostExpectBugCheck(MEMORY_MANAGEMENT, Verify, NULL);
    KeInitializeSpinLock(&KiDispatcherLock); /* the verification stopped with it */
}

#define CHECK_FOUND(Damage, Repair) (Damage, ExpectDamageFound(), Repair, KiVerifyThreads())

TEST(KeVerify_finds_each_kind_of_damage)
{
    PKTHREAD Thread;
    PKTHREAD Waiter;
    KTIMER Timer;

    Start();
    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, BenchMs(50), NULL);
    Waiter = BenchThread(9, LogAndWait, (PVOID)'w');
    Thread = BenchThread(5, LogAndWait, (PVOID)'r');
    KiVerifyThreads();
    CHECK_FOUND(Thread->State = Waiting, Thread->State = Ready);
    CHECK_FOUND(Thread->State = Running, Thread->State = Ready);
    CHECK_FOUND(Thread->State = Standby, Thread->State = Ready);
    CHECK_FOUND(Thread->State = Terminated, Thread->State = Ready);
    CHECK_FOUND(Thread->Priority = 6, Thread->Priority = 5);
    CHECK_FOUND(KiReadySummary |= 1, KiReadySummary &= ~1u);
    CHECK_FOUND(KiReadySummary = 0, KiReadySummary = 1u << 5);
    CHECK_FOUND(KeGetCurrentThread()->Priority = 4, KeGetCurrentThread()->Priority = 8);
    CHECK_FOUND(KeGetCurrentThread()->StackBytes -= 16, KeGetCurrentThread()->StackBytes += 16);
    CHECK_FOUND(Thread->StackBase = (PUCHAR)Thread->StackBase - Thread->StackBytes,
                Thread->StackBase = (PUCHAR)Thread->StackBase + Thread->StackBytes);
    CHECK_FOUND(Waiter->State = Ready, Waiter->State = Waiting);
    CHECK_FOUND(Waiter->WaitBlock[0].Thread = Thread, Waiter->WaitBlock[0].Thread = Waiter);
    CHECK_FOUND(Waiter->WaitBlock[0].Object = &Timer, Waiter->WaitBlock[0].Object = &Event);
    CHECK_FOUND(Waiter->Timer.Header.Inserted = TRUE, Waiter->Timer.Header.Inserted = FALSE);
    CHECK_FOUND(Event.Header.SignalState = 1, Event.Header.SignalState = 0);
    CHECK_FOUND(Timer.Header.Inserted = FALSE, Timer.Header.Inserted = TRUE);
    CHECK_FOUND(Timer.DueTime.QuadPart += 1u << 20, Timer.DueTime.QuadPart -= 1u << 20);
    CHECK_FOUND(KiTimerHands[7] ^= 0x80000000, KiTimerHands[7] ^= 0x80000000);
    KeCancelTimer(&Timer);
    KeSetEvent(&Event, 0, FALSE);
    BenchEnd();
}

TEST(PreviousMode_is_KernelMode_until_somebody_says_otherwise)
{
    Start();
    CHECK_EQUAL(KernelMode, ExGetPreviousMode());
    CHECK_EQUAL(KernelMode, KeSetPreviousMode(UserMode));
    CHECK_EQUAL(UserMode, ExGetPreviousMode());
    CHECK_EQUAL(UserMode, KeSetPreviousMode(KernelMode));
    CHECK_EQUAL(KernelMode, ExGetPreviousMode());
    BenchEnd();
}

static void PrintToConsole(PVOID Context, const char *Piece, SIZE_T Bytes)
{
    (void)Context;
    KiConsoleWrite(Piece, Bytes);
}

TEST(KeDump_shows_threads_states_and_waits)
{
    PKTHREAD Waiter;
    const char *Text;

    Start();
    Waiter = BenchThread(9, LogAndWait, (PVOID)'w');
    BenchThread(5, LogAndWait, (PVOID)'r');
    HostConsoleClear();
    KiDumpThreads(PrintToConsole, NULL, KiAllThreads);
    Text = HostConsoleText();
    CHECK(strstr(Text, "RUNNING first\n") != NULL);
    CHECK(strstr(Text, "Pri  9/ 9") != NULL && strstr(Text, "WAIT host\n") != NULL);
    CHECK(strstr(Text, "Pri  5/ 5") != NULL && strstr(Text, "READY idle\n") != NULL);
    HostConsoleClear();
    KiDumpThreads(PrintToConsole, NULL, KiReadyThreads);
    CHECK(strstr(HostConsoleText(), "READY host\n") != NULL);
    CHECK(strstr(HostConsoleText(), "RUNNING") == NULL);
    HostConsoleClear();
    CHECK(KiDumpThread(PrintToConsole, NULL, Waiter));
    CHECK(strstr(HostConsoleText(), "WAIT: (Executive) KernelMode Non-Alertable\n") != NULL);
    CHECK(strstr(HostConsoleText(), "  NotificationEvent\n") != NULL);
    KeSetEvent(&Event, 0, FALSE);
    BenchEnd();
}
