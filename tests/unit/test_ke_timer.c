/* SPDX-License-Identifier: MIT */
/*
 * test_ke_timer.c - timers, and the times that the clock moves.
 */
#include "tests/unit/ke_bench.h"

static KTIMER Timer;
static KDPC Dpc;
static ULONG Calls;
static ULONG LastCall; /* in milliseconds */

static void NTAPI CountCall(PKDPC Self, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    CHECK(Self == &Dpc && Context == &Timer && Argument1 == NULL && Argument2 == NULL);
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    Calls++;
    LastCall = BenchNow();
}

static void Start(TIMER_TYPE Type)
{
    BenchStart();
    KeInitializeTimerEx(&Timer, Type);
    KeInitializeDpc(&Dpc, CountCall, &Timer);
    Calls = LastCall = 0;
}

TEST(KeTimer_is_signaled_when_due_and_queues_its_DPC)
{
    Start(NotificationTimer);
    CHECK(!KeSetTimer(&Timer, BenchMs(35), &Dpc));
    CHECK(!KeReadStateTimer(&Timer));
    KiVerifyThreads();
    BenchSleep(30);
    CHECK(!KeReadStateTimer(&Timer));
    CHECK_EQUAL(0, Calls);
    CHECK_EQUAL(STATUS_SUCCESS, BenchWait(&Timer));
    CHECK_EQUAL(40, BenchNow());
    CHECK_EQUAL(1, Calls);
    CHECK(KeReadStateTimer(&Timer)); /* a notification timer stays signaled */
    CHECK(!KeCancelTimer(&Timer));
    BenchEnd();
}

TEST(KeTimer_synchronization_wakes_one_wait)
{
    Start(SynchronizationTimer);
    KeSetTimer(&Timer, BenchMs(10), NULL);
    CHECK_EQUAL(STATUS_SUCCESS, BenchWait(&Timer));
    CHECK(!KeReadStateTimer(&Timer));
    CHECK_EQUAL(STATUS_TIMEOUT, BenchTry(&Timer));
    BenchEnd();
}

TEST(KeTimer_set_again_starts_anew_and_says_so)
{
    Start(NotificationTimer);
    KeSetTimer(&Timer, BenchMs(20), &Dpc);
    BenchSleep(10);
    CHECK(KeSetTimer(&Timer, BenchMs(50), &Dpc));
    BenchSleep(40);
    CHECK_EQUAL(0, Calls);
    BenchSleep(10);
    CHECK_EQUAL(1, Calls);
    CHECK(!KeSetTimer(&Timer, BenchMs(50), NULL));
    CHECK(!KeReadStateTimer(&Timer)); /* setting clears the signal */
    CHECK(KeCancelTimer(&Timer));
    CHECK(!KeCancelTimer(&Timer));
    BenchSleep(100);
    CHECK(!KeReadStateTimer(&Timer));
    BenchEnd();
}

TEST(KeTimer_of_the_past_expires_at_once)
{
    LARGE_INTEGER Past = {.QuadPart = 1};

    Start(NotificationTimer);
    KeInitializeSystemTime(1000);
    CHECK(!KeSetTimer(&Timer, Past, &Dpc));
    CHECK(KeReadStateTimer(&Timer));
    CHECK_EQUAL(1, Calls);
    CHECK_EQUAL(0, BenchNow());
    BenchEnd();
}

TEST(KeTimer_periodic_repeats_without_drift)
{
    Start(SynchronizationTimer);
    KeSetTimerEx(&Timer, BenchMs(10), 25, &Dpc);
    BenchSleep(1010); /* 10, 35, 60, ... 1010 */
    CHECK_EQUAL(41, Calls);
    CHECK_EQUAL(1010, LastCall);
    CHECK(KeCancelTimer(&Timer));
    BenchSleep(100);
    CHECK_EQUAL(41, Calls);
    BenchEnd();
}

TEST(KeTimer_many_expire_in_the_order_of_their_due_times)
{
    static KTIMER Timers[200];
    ULONG Index;

    Start(NotificationTimer);
    for (Index = 0; Index < RTL_NUMBER_OF(Timers); Index++) {
        KeInitializeTimer(&Timers[Index]);
        KeSetTimer(&Timers[Index], BenchMs((LONG)(1 + Index * 7919 % 200 * 25)), NULL);
    }
    KiVerifyThreads();
    for (Index = 0; Index < RTL_NUMBER_OF(Timers); Index++) {
        CHECK_EQUAL(STATUS_SUCCESS, BenchWait(&Timers[Index]));
        CHECK(BenchNow() > Index * 7919 % 200 * 25);
    }
    CHECK_EQUAL(4980, BenchNow()); /* three rounds of the table; the last is due at 4976 */
    KiVerifyThreads();
    BenchEnd();
}

TEST(KeTimer_survives_a_pause_longer_than_the_table)
{
    KIRQL OldIrql;

    Start(NotificationTimer);
    KeSetTimer(&Timer, BenchMs(100), &Dpc);
    OldIrql = KfRaiseIrql(HIGH_LEVEL); /* the clock is held back */
    KiClockTick(50000000);             /* 5 s at once */
    KfLowerIrql(OldIrql);
    CHECK_EQUAL(1, Calls);
    KiVerifyThreads();
    BenchEnd();
}

TEST(KeTimer_periodic_does_not_make_up_for_periods_that_were_missed)
{
    KIRQL OldIrql;

    Start(NotificationTimer);
    KeSetTimerEx(&Timer, BenchMs(100), 30, &Dpc);
    OldIrql = KfRaiseIrql(HIGH_LEVEL);
    KiClockTick(50000000);
    KfLowerIrql(OldIrql);
    CHECK_EQUAL(1, Calls);
    BenchSleep(20);
    CHECK_EQUAL(1, Calls);
    BenchSleep(10);
    CHECK_EQUAL(2, Calls);
    KeCancelTimer(&Timer);
    BenchEnd();
}

/* ---- time ---- */

TEST(KeTime_moves_by_ticks)
{
    LARGE_INTEGER Time;

    Start(NotificationTimer);
    KeInitializeSystemTime(INT64_C(0x1FFFFFFFF));
    BenchSleep(30);
    KeQueryTickCount(&Time);
    CHECK_EQUAL(3, Time.QuadPart);
    CHECK_EQUAL(3, KeTickCount.LowPart);
    CHECK_EQUAL(100000, KeQueryTimeIncrement());
    CHECK_EQUAL(300000, KeQueryInterruptTime());
    KeQuerySystemTime(&Time); /* the low half has wrapped */
    CHECK_EQUAL(INT64_C(0x1FFFFFFFF) + 300000, Time.QuadPart);
    BenchEnd();
}

TEST(KeDelay_sleeps_at_least_its_interval)
{
    LARGE_INTEGER Zero = {.QuadPart = 0};

    Start(NotificationTimer);
    BenchSleep(1);
    CHECK_EQUAL(10, BenchNow());
    BenchSleep(11);
    CHECK_EQUAL(30, BenchNow());
    CHECK_EQUAL(STATUS_SUCCESS, KeDelayExecutionThread(KernelMode, TRUE, &Zero));
    CHECK_EQUAL(30, BenchNow());
    BenchEnd();
}
