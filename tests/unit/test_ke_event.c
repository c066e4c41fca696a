/* SPDX-License-Identifier: MIT */
/*
 * test_ke_event.c - events: who wakes, in which order, and what the calls return.
 */
#include "tests/unit/ke_bench.h"

static KEVENT Event;
static KEVENT Other;

static void Start(EVENT_TYPE Type, BOOLEAN State)
{
    BenchStart();
    KeInitializeEvent(&Event, Type, State);
    KeInitializeEvent(&Other, NotificationEvent, FALSE);
}

TEST(KeEvent_calls_return_the_state_of_before)
{
    Start(NotificationEvent, FALSE);
    CHECK_EQUAL(0, KeReadStateEvent(&Event));
    CHECK_EQUAL(0, KeSetEvent(&Event, 0, FALSE));
    CHECK_EQUAL(1, KeSetEvent(&Event, 0, FALSE));
    CHECK_EQUAL(1, KeReadStateEvent(&Event));
    CHECK_EQUAL(1, KeResetEvent(&Event));
    CHECK_EQUAL(0, KeResetEvent(&Event));
    KeSetEvent(&Event, 0, FALSE);
    KeClearEvent(&Event);
    CHECK_EQUAL(0, KeReadStateEvent(&Event));
    CHECK_EQUAL(0, KePulseEvent(&Event, 0, FALSE));
    CHECK_EQUAL(0, KeReadStateEvent(&Event));
    BenchEnd();
}

TEST(KeEvent_header_is_as_drivers_see_it)
{
    Start(SynchronizationEvent, TRUE);
    CHECK_EQUAL(EventSynchronizationObject, Event.Header.Type);
    CHECK_EQUAL(4, Event.Header.Size);
    CHECK_EQUAL(1, Event.Header.SignalState);
    CHECK(IsListEmpty(&Event.Header.WaitListHead));
    BenchEnd();
}

TEST(KeEvent_notification_stays_set_synchronization_does_not)
{
    Start(NotificationEvent, TRUE);
    CHECK_EQUAL(STATUS_SUCCESS, BenchTry(&Event));
    CHECK_EQUAL(STATUS_SUCCESS, BenchTry(&Event));
    KeInitializeEvent(&Event, SynchronizationEvent, TRUE);
    CHECK_EQUAL(STATUS_SUCCESS, BenchTry(&Event));
    CHECK_EQUAL(STATUS_TIMEOUT, BenchTry(&Event));
    BenchEnd();
}

static void StartThreeWaiters(BENCH_WAITER *Waiters)
{
    ULONG Index;

    for (Index = 0; Index < 3; Index++) {
        Waiters[Index] = (BENCH_WAITER){&Event, (char)('a' + Index), -1};
        BenchThread(9, BenchWaiter, &Waiters[Index]); /* runs until it waits */
    }
    KiVerifyThreads();
}

TEST(KeEvent_notification_wakes_everybody_oldest_first)
{
    BENCH_WAITER Waiters[3];

    Start(NotificationEvent, FALSE);
    StartThreeWaiters(Waiters);
    KeSetEvent(&Event, 0, FALSE);
    CHECK_TEXT("abc", BenchText());
    CHECK_EQUAL(STATUS_SUCCESS, Waiters[2].Status);
    CHECK_EQUAL(1, KeReadStateEvent(&Event));
    BenchEnd();
}

TEST(KeEvent_synchronization_wakes_one_thread_a_set)
{
    BENCH_WAITER Waiters[3];

    Start(SynchronizationEvent, FALSE);
    StartThreeWaiters(Waiters);
    CHECK_EQUAL(0, KeSetEvent(&Event, 0, FALSE));
    CHECK_TEXT("a", BenchText());
    CHECK_EQUAL(0, KeReadStateEvent(&Event)); /* the thread that woke took it */
    KeSetEvent(&Event, 0, FALSE);
    KeSetEvent(&Event, 0, FALSE);
    CHECK_TEXT("abc", BenchText());
    CHECK_EQUAL(0, KeSetEvent(&Event, 0, FALSE));
    CHECK_EQUAL(1, KeReadStateEvent(&Event));
    BenchEnd();
}

TEST(KeEvent_pulse_wakes_those_who_wait_and_leaves_it_clear)
{
    BENCH_WAITER Waiters[3];

    Start(NotificationEvent, FALSE);
    StartThreeWaiters(Waiters);
    CHECK_EQUAL(0, KePulseEvent(&Event, 0, FALSE));
    CHECK_TEXT("abc", BenchText());
    CHECK_EQUAL(0, KeReadStateEvent(&Event));
    CHECK_EQUAL(STATUS_TIMEOUT, BenchTry(&Event));
    BenchEnd();
}

static void SetAndWait(PVOID Context)
{
    (void)Context;
    CHECK_EQUAL(0, KeSetEvent(&Event, 0, TRUE));
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    CHECK_EQUAL(STATUS_SUCCESS, BenchWait(&Other));
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    CHECK_EQUAL(STATUS_SUCCESS, BenchWait(&Other)); /* an ordinary wait again */
    BenchLog('s');
}

/* The waiter has the higher priority, and still does not run before the setter waits. */
TEST(KeEvent_set_with_Wait_lets_nobody_between_it_and_the_wait)
{
    BENCH_WAITER Waiter = {&Event, 'w', -1};

    Start(SynchronizationEvent, FALSE);
    BenchThread(12, BenchWaiter, &Waiter);
    BenchThread(10, SetAndWait, NULL);
    CHECK_TEXT("w", BenchText());
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    KeSetEvent(&Other, 0, FALSE);
    CHECK_TEXT("ws", BenchText());
    BenchEnd();
}

TEST(KeEvent_set_at_DISPATCH_LEVEL_switches_when_the_level_falls)
{
    BENCH_WAITER Waiter = {&Event, 'w', -1};
    KIRQL OldIrql;

    Start(SynchronizationEvent, FALSE);
    BenchThread(9, BenchWaiter, &Waiter);
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    KeSetEvent(&Event, 0, FALSE);
    CHECK_TEXT("", BenchText());
    KiVerifyThreads();
    KfLowerIrql(OldIrql);
    CHECK_TEXT("w", BenchText());
    BenchEnd();
}
