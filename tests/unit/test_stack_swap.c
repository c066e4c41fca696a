/* SPDX-License-Identifier: MIT */
/*
 * test_stack_swap.c - whose stack may leave, and that nobody runs before his is back.
 */
#include "mm/ke/stack_swap.h"

#include "tests/unit/ke_bench.h"

static KEVENT Event;
static KPROCESSOR_MODE Mode;
static BOOLEAN Enable;

static BOOLEAN Any(const KTHREAD *Thread)
{
    return Thread != &KiIdleThread;
}

static BOOLEAN None(const KTHREAD *Thread)
{
    (void)Thread;
    return FALSE;
}

static void Wait(PVOID Context)
{
    (void)Context;
    if (!Enable) {
        CHECK(KeSetKernelStackSwapEnable(FALSE));
        CHECK(!KeSetKernelStackSwapEnable(FALSE));
    }
    KeWaitForSingleObject(&Event, Executive, Mode, FALSE, NULL);
    BenchLog('w');
}

static PKTHREAD Start(KPROCESSOR_MODE WaitMode, KPRIORITY Priority, BOOLEAN Swap)
{
    PKTHREAD Thread;

    BenchStart();
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Mode = WaitMode;
    Enable = Swap;
    Thread = BenchThread(Priority, Wait, NULL);
    BenchSleep(100);
    CHECK_EQUAL(Waiting, Thread->State);
    return Thread;
}

static void Finish(void)
{
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    BenchEnd();
    CHECK_TEXT("w", BenchText());
}

static ULONG Ticks(ULONG Milliseconds)
{
    return Milliseconds / BENCH_TICK_MS;
}

TEST(TakeOutswapThread_wants_a_long_wait_in_user_mode)
{
    PKTHREAD Thread = Start(UserMode, 10, TRUE);

    CHECK(KiTakeOutswapThread(Ticks(5000), Any) == NULL);
    BenchSleep(4000);
    CHECK(KiTakeOutswapThread(Ticks(5000), Any) == NULL);
    BenchSleep(2000);
    CHECK(KiTakeOutswapThread(Ticks(5000), None) == NULL);
    CHECK(KiTakeOutswapThread(Ticks(5000), Any) == Thread);
    CHECK(!Thread->KernelStackResident);
    CHECK(KiTakeOutswapThread(Ticks(5000), Any) == NULL); /* it is away already */
    KiVerifyThreads();
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    KiEndInswap(KiFindInswapThread());
    Finish();
}

TEST(TakeOutswapThread_leaves_waits_in_kernel_mode)
{
    (void)Start(KernelMode, 10, TRUE);
    CHECK(KiTakeOutswapThread(0, Any) == NULL);
    Finish();
}

TEST(TakeOutswapThread_leaves_realtime_threads)
{
    (void)Start(UserMode, LOW_REALTIME_PRIORITY, TRUE);
    CHECK(KiTakeOutswapThread(0, Any) == NULL);
    Finish();
}

TEST(TakeOutswapThread_leaves_who_does_not_allow_it)
{
    (void)Start(UserMode, 10, FALSE);
    CHECK(KiTakeOutswapThread(0, Any) == NULL);
    Finish();
}

TEST(Thread_without_its_stack_is_in_transition_after_its_wait_and_runs_when_it_is_back)
{
    PKTHREAD Thread = Start(UserMode, 10, TRUE);

    CHECK(KiFindInswapThread() == NULL);
    CHECK(KiTakeOutswapThread(0, Any) == Thread);
    CHECK_EQUAL(STATUS_TIMEOUT, BenchTry(&KiSwapEvent));
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    CHECK_EQUAL(STATUS_SUCCESS, BenchTry(&KiSwapEvent)); /* the swapper is told */
    CHECK_EQUAL(Transition, Thread->State);
    CHECK_TEXT("", BenchText());
    KiVerifyThreads();
    KeSetPriorityThread(Thread, 12);
    CHECK(KiFindInswapThread() == Thread);
    CHECK_EQUAL(Transition, Thread->State);
    KiEndInswap(Thread);
    CHECK_TEXT("w", BenchText()); /* of higher priority: it ran at once */
    CHECK(KiFindInswapThread() == NULL);
    Finish();
}

TEST(Threads_come_back_in_the_order_in_which_they_are_needed)
{
    PKTHREAD First = Start(UserMode, 10, TRUE);
    PKTHREAD Second = BenchThread(10, Wait, NULL);

    BenchSleep(100);
    CHECK(KiTakeOutswapThread(0, Any) == First);
    CHECK(KiTakeOutswapThread(0, Any) == Second);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    CHECK(KiFindInswapThread() == First);
    KiVerifyThreads();
    KiEndInswap(First);
    CHECK(KiFindInswapThread() == Second);
    KiEndInswap(Second);
    BenchEnd();
    CHECK_TEXT("ww", BenchText());
}

static void RunAway(PVOID Context)
{
    PKTHREAD Thread = Context;

    Thread->KernelStackResident = FALSE;
    Thread->State = Ready;
    KiVerifyThreads();
}

TEST(VerifyThreads_finds_a_ready_thread_without_its_stack)
{
    PKTHREAD Thread = Start(UserMode, 10, TRUE);

    HostExpectBugCheck(0x1A, RunAway, Thread);
    HostMachineDelete();
}
