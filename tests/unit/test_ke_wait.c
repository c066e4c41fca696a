/* SPDX-License-Identifier: MIT */
/*
 * test_ke_wait.c - waits for one and for many objects, timeouts, boosts, and misuse.
 */
#include "nt/bugcodes.h"
#include "tests/unit/ke_bench.h"

#define MANY MAXIMUM_WAIT_OBJECTS

static KEVENT Events[MANY];
static KSEMAPHORE Semaphore;
static KMUTEX Mutex;
static PVOID Objects[MANY];
static KWAIT_BLOCK Blocks[MANY];

static void Start(EVENT_TYPE Type)
{
    ULONG Index;

    BenchStart();
    for (Index = 0; Index < MANY; Index++) {
        KeInitializeEvent(&Events[Index], Type, FALSE);
        Objects[Index] = &Events[Index];
    }
    KeInitializeSemaphore(&Semaphore, 0, 10);
    KeInitializeMutex(&Mutex, 0);
}

static NTSTATUS WaitMany(ULONG Count, WAIT_TYPE Type, LONG Milliseconds)
{
    LARGE_INTEGER Timeout = BenchMs(Milliseconds);

    return KeWaitForMultipleObjects(Count, Objects, Type, Executive, KernelMode, FALSE,
                                    Milliseconds < 0 ? NULL : &Timeout,
                                    Count > THREAD_WAIT_OBJECTS ? Blocks : NULL);
}

/* ---- one object ---- */

TEST(KeWait_times_out_after_its_interval_not_before)
{
    Start(SynchronizationEvent);
    CHECK_EQUAL(STATUS_TIMEOUT, BenchWaitMs(&Events[0], 25));
    CHECK_EQUAL(30, BenchNow()); /* 3 ticks of 10 ms */
    CHECK_EQUAL(1, KeCounters.Timeouts);
    CHECK(IsListEmpty(&Events[0].Header.WaitListHead));
    BenchEnd();
}

TEST(KeWait_times_out_at_a_system_time)
{
    LARGE_INTEGER At;

    Start(SynchronizationEvent);
    KeInitializeSystemTime(INT64_C(130000000000000000));
    At.QuadPart = INT64_C(130000000000000000) + 400000; /* in 40 ms */
    CHECK_EQUAL(STATUS_TIMEOUT,
                KeWaitForSingleObject(&Events[0], Executive, KernelMode, FALSE, &At));
    CHECK_EQUAL(40, BenchNow());
    CHECK_EQUAL(STATUS_TIMEOUT, /* past */
                KeWaitForSingleObject(&Events[0], Executive, KernelMode, FALSE, &At));
    CHECK_EQUAL(40, BenchNow());
    BenchEnd();
}

static void SetEvent(PVOID Context)
{
    BenchSleep(20);
    KeSetEvent(Context, 0, FALSE);
}

TEST(KeWait_ends_before_its_timeout_when_signaled)
{
    Start(SynchronizationEvent);
    HostThreadCreate(SetEvent, &Events[0]);
    CHECK_EQUAL(STATUS_SUCCESS, BenchWaitMs(&Events[0], 1000));
    CHECK_EQUAL(20, BenchNow());
    KiVerifyThreads();                   /* the timer is gone */
    CHECK_EQUAL(1, KeCounters.Timeouts); /* the other thread's sleep */
    BenchEnd();
}

static void EndAtOnce(PVOID Context)
{
    (void)Context;
}

TEST(KeWait_for_a_thread_ends_with_the_thread)
{
    PKTHREAD Thread;

    Start(SynchronizationEvent);
    Thread = HostKernelThread(HostThreadCreate(EndAtOnce, NULL));
    CHECK_EQUAL(STATUS_TIMEOUT, BenchTry(Thread));
    CHECK_EQUAL(STATUS_SUCCESS, BenchWait(Thread));
    CHECK_EQUAL(STATUS_SUCCESS, BenchTry(Thread));
    CHECK_EQUAL(Terminated, Thread->State);
    BenchEnd();
}

/* ---- many objects ---- */

TEST(KeWait_any_returns_the_lowest_index_and_takes_only_that)
{
    Start(SynchronizationEvent);
    KeSetEvent(&Events[1], 0, FALSE);
    KeSetEvent(&Events[2], 0, FALSE);
    CHECK_EQUAL(STATUS_WAIT_0 + 1, WaitMany(3, WaitAny, -1));
    CHECK_EQUAL(0, KeReadStateEvent(&Events[1]));
    CHECK_EQUAL(1, KeReadStateEvent(&Events[2]));
    CHECK_EQUAL(STATUS_WAIT_0 + 2, WaitMany(3, WaitAny, -1));
    CHECK_EQUAL(STATUS_TIMEOUT, WaitMany(3, WaitAny, 0));
    BenchEnd();
}

TEST(KeWait_any_of_64_is_woken_by_the_last)
{
    Start(SynchronizationEvent);
    HostThreadCreate(SetEvent, &Events[MANY - 1]);
    CHECK_EQUAL(STATUS_WAIT_0 + MANY - 1, WaitMany(MANY, WaitAny, 1000));
    CHECK_EQUAL(20, BenchNow());
    CHECK(IsListEmpty(&Events[0].Header.WaitListHead));
    BenchEnd();
}

static void WaitForAllThree(PVOID Context)
{
    *(NTSTATUS *)Context = WaitMany(3, WaitAll, -1);
    BenchLog('a');
}

TEST(KeWait_all_takes_everything_at_once_or_nothing)
{
    NTSTATUS Status = -1;

    Start(SynchronizationEvent);
    Objects[1] = &Semaphore;
    KeInitializeMutant(&Mutex, TRUE);
    Objects[2] = &Mutex;
    BenchThread(9, WaitForAllThree, &Status);
    KeSetEvent(&Events[0], 0, FALSE);
    KeReleaseSemaphore(&Semaphore, 0, 1, FALSE);
    KiVerifyThreads();
    CHECK_EQUAL(1, KeReadStateEvent(&Events[0]));      /* not taken yet */
    CHECK_EQUAL(STATUS_SUCCESS, BenchTry(&Semaphore)); /* so that others may */
    KeReleaseMutant(&Mutex, 0, FALSE, FALSE);
    CHECK_TEXT("", BenchText());
    KeReleaseSemaphore(&Semaphore, 0, 1, FALSE);
    CHECK_TEXT("a", BenchText());
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    CHECK_EQUAL(0, KeReadStateEvent(&Events[0]));
    CHECK_EQUAL(0, KeReadStateSemaphore(&Semaphore));
    CHECK(Mutex.Abandoned); /* its new owner has ended */
    BenchEnd();
}

static void WaitForTwo(PVOID Context)
{
    *(NTSTATUS *)Context = WaitMany(2, WaitAll, -1);
    BenchLog('a');
}

TEST(KeWait_all_ends_with_the_last_object)
{
    NTSTATUS Status = -1;

    Start(SynchronizationEvent);
    Objects[1] = &Semaphore;
    BenchThread(9, WaitForTwo, &Status);
    KeReleaseSemaphore(&Semaphore, 0, 2, FALSE);
    CHECK_TEXT("", BenchText());
    KeSetEvent(&Events[0], 0, FALSE);
    CHECK_TEXT("a", BenchText());
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    CHECK_EQUAL(1, KeReadStateSemaphore(&Semaphore));
    CHECK_EQUAL(0, KeReadStateEvent(&Events[0]));
    BenchEnd();
}

TEST(KeWait_all_times_out_and_has_taken_nothing)
{
    Start(SynchronizationEvent);
    KeSetEvent(&Events[0], 0, FALSE);
    KeSetEvent(&Events[1], 0, FALSE);
    CHECK_EQUAL(STATUS_TIMEOUT, WaitMany(3, WaitAll, 30));
    CHECK_EQUAL(1, KeReadStateEvent(&Events[0]));
    CHECK_EQUAL(STATUS_SUCCESS, WaitMany(2, WaitAll, 30));
    CHECK_EQUAL(0, KeReadStateEvent(&Events[0]));
    BenchEnd();
}

static void TakeAndEnd(PVOID Context)
{
    BenchWait(Context);
}

TEST(KeWait_tells_which_mutant_was_abandoned)
{
    Start(SynchronizationEvent);
    KeInitializeMutant(&Mutex, FALSE);
    HostThreadCreate(TakeAndEnd, &Mutex);
    HostRunThreads();
    Objects[1] = &Mutex;
    CHECK_EQUAL(STATUS_ABANDONED_WAIT_0 + 1, WaitMany(2, WaitAny, -1));
    KeReleaseMutant(&Mutex, 0, FALSE, FALSE);
    CHECK_EQUAL(STATUS_WAIT_0 + 1, WaitMany(2, WaitAny, -1));
    KeReleaseMutant(&Mutex, 0, FALSE, FALSE);
    BenchEnd();
}

static void WaitForTheSameTwice(PVOID Context)
{
    *(NTSTATUS *)Context = WaitMany(2, WaitAny, -1);
}

TEST(KeWait_may_name_an_object_twice)
{
    NTSTATUS Status = -1;

    Start(NotificationEvent);
    Objects[1] = Objects[0];
    BenchThread(9, WaitForTheSameTwice, &Status);
    KiVerifyThreads();
    KeSetEvent(&Events[0], 0, FALSE);
    CHECK_EQUAL(STATUS_WAIT_0, Status);
    CHECK(IsListEmpty(&Events[0].Header.WaitListHead));
    BenchEnd();
}

/* ---- priority ---- */

static void WaitAndSeePriority(PVOID Context)
{
    BenchWait(&Events[0]);
    *(KPRIORITY *)Context = KeQueryPriorityThread(KeGetCurrentThread());
}

static KPRIORITY PriorityAfterWait(KPRIORITY Base, KPRIORITY Increment)
{
    KPRIORITY Seen = -1;

    Start(SynchronizationEvent);
    BenchThread(Base, WaitAndSeePriority, &Seen);
    BenchSleep(10); /* whatever its priority, it waits now */
    KeSetEvent(&Events[0], Increment, FALSE);
    HostRunThreads();
    BenchEnd();
    return Seen;
}

TEST(KeWait_increment_is_added_to_the_base_but_not_beyond_15)
{
    CHECK_EQUAL(8, PriorityAfterWait(8, IO_NO_INCREMENT));
    CHECK_EQUAL(9, PriorityAfterWait(8, EVENT_INCREMENT));
    CHECK_EQUAL(14, PriorityAfterWait(8, IO_KEYBOARD_INCREMENT));
    CHECK_EQUAL(15, PriorityAfterWait(10, IO_KEYBOARD_INCREMENT)); /* 16 is real time */
    CHECK_EQUAL(15, PriorityAfterWait(12, IO_KEYBOARD_INCREMENT));
    CHECK_EQUAL(15, PriorityAfterWait(15, IO_KEYBOARD_INCREMENT));
}

TEST(KeWait_increment_leaves_real_time_priorities_alone)
{
    CHECK_EQUAL(16, PriorityAfterWait(16, IO_KEYBOARD_INCREMENT));
    CHECK_EQUAL(24, PriorityAfterWait(24, EVENT_INCREMENT));
}

static void WaitSixTimes(PVOID Context)
{
    PKTHREAD Self = KeGetCurrentThread();
    ULONG Round;

    (void)Context;
    for (Round = 1; Round <= KI_QUANTUM; Round++) {
        BenchWait(&Events[0]);
        CHECK_EQUAL(Round < KI_QUANTUM ? KI_QUANTUM - Round : KI_QUANTUM, Self->Quantum);
        CHECK_EQUAL(Round < KI_QUANTUM ? 11 : 10, KeQueryPriorityThread(Self));
    }
    BenchLog('e');
}

TEST(KeWait_costs_quantum_and_in_the_end_a_level_of_boost)
{
    ULONG Round;

    Start(SynchronizationEvent);
    BenchThread(9, WaitSixTimes, NULL);
    KeSetEvent(&Events[0], 2, FALSE);
    for (Round = 1; Round < KI_QUANTUM; Round++) {
        KeSetEvent(&Events[0], 0, FALSE);
    }
    CHECK_TEXT("e", BenchText());
    BenchEnd();
}

/* ---- misuse ---- */

static void WaitForEver(PVOID Object)
{
    BenchWait(Object);
}

static void WaitALittle(PVOID Object)
{
    BenchWaitMs(Object, 1);
}

static void Sleep(PVOID Context)
{
    (void)Context;
    BenchSleep(1);
}

TEST(KeWait_at_DISPATCH_LEVEL_is_bug_check_0A_and_above_it_09)
{
    HOST_BUGCHECK BugCheck;
    KSPIN_LOCK Lock;
    KIRQL OldIrql;

    Start(SynchronizationEvent);
    KeInitializeSpinLock(&Lock);
    OldIrql = KfAcquireSpinLock(&Lock); /* a wait with a spin lock held is the same thing */
    CHECK(HostCatchBugCheck(WaitForEver, &Events[0], &BugCheck));
    CHECK_EQUAL(IRQL_NOT_LESS_OR_EQUAL, BugCheck.Code);
    CHECK_EQUAL((ULONG_PTR)&Events[0], BugCheck.Parameter[0]);
    CHECK_EQUAL(DISPATCH_LEVEL, BugCheck.Parameter[1]);
    HostExpectBugCheck(IRQL_NOT_LESS_OR_EQUAL, WaitALittle, &Events[0]);
    HostExpectBugCheck(IRQL_NOT_LESS_OR_EQUAL, Sleep, NULL);
    CHECK_EQUAL(STATUS_TIMEOUT, BenchTry(&Events[0])); /* does not wait: allowed */
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    KfReleaseSpinLock(&Lock, OldIrql);
    KfRaiseIrql(CLOCK2_LEVEL);
    HostExpectBugCheck(IRQL_NOT_GREATER_OR_EQUAL, WaitForEver, &Events[0]);
    KfLowerIrql(OldIrql);
    BenchEnd();
}

static void WaitForTooMany(PVOID Context)
{
    KeWaitForMultipleObjects((ULONG)(ULONG_PTR)Context, Objects, WaitAny, Executive, KernelMode,
                             FALSE, NULL, (ULONG_PTR)Context > 10 ? Blocks : NULL);
}

TEST(KeWait_for_too_many_objects_is_bug_check_0C)
{
    Start(SynchronizationEvent);
    HostExpectBugCheck(MAXIMUM_WAIT_OBJECTS_EXCEEDED, WaitForTooMany, (PVOID)4);
    HostExpectBugCheck(MAXIMUM_WAIT_OBJECTS_EXCEEDED, WaitForTooMany, (PVOID)65);
    HostExpectBugCheck(MAXIMUM_WAIT_OBJECTS_EXCEEDED, WaitForTooMany, (PVOID)0);
    BenchEnd();
}
