/* SPDX-License-Identifier: MIT */
/*
 * test_ke_mutex.c - mutexes and mutants: ownership, recursion, abandonment.
 */
#include "nt/bugcodes.h"
#include "tests/unit/ke_bench.h"

static KMUTEX Mutex;

static void Start(void)
{
    BenchStart();
    KeInitializeMutex(&Mutex, 0);
}

TEST(KeMutex_is_recursive_and_counts_below_one)
{
    Start();
    CHECK_EQUAL(1, KeReadStateMutex(&Mutex));
    CHECK_EQUAL(STATUS_SUCCESS, BenchWait(&Mutex));
    CHECK_EQUAL(0, KeReadStateMutex(&Mutex));
    CHECK_EQUAL(STATUS_SUCCESS, BenchWait(&Mutex));
    CHECK_EQUAL(-1, KeReadStateMutex(&Mutex));
    CHECK_EQUAL(-1, KeReleaseMutex(&Mutex, FALSE));
    KiVerifyThreads();
    CHECK(Mutex.OwnerThread == KeGetCurrentThread());
    CHECK_EQUAL(0, KeReleaseMutex(&Mutex, FALSE));
    CHECK_EQUAL(1, KeReadStateMutex(&Mutex));
    CHECK(Mutex.OwnerThread == NULL);
    BenchEnd();
}

TEST(KeMutex_owner_holds_normal_kernel_APCs_back)
{
    Start();
    BenchWait(&Mutex);
    BenchWait(&Mutex);
    CHECK_EQUAL(-1, KeGetCurrentThread()->KernelApcDisable);
    KeReleaseMutex(&Mutex, FALSE);
    KeReleaseMutex(&Mutex, FALSE);
    CHECK_EQUAL(0, KeGetCurrentThread()->KernelApcDisable);
    BenchEnd();
}

static void TakeAndGive(PVOID Letter)
{
    CHECK_EQUAL(STATUS_SUCCESS, BenchWait(&Mutex));
    BenchLog((char)(ULONG_PTR)Letter);
    CHECK(Mutex.OwnerThread == KeGetCurrentThread());
    KeReleaseMutex(&Mutex, FALSE);
}

TEST(KeMutex_release_hands_it_to_the_oldest_waiter)
{
    Start();
    BenchWait(&Mutex);
    BenchThread(9, TakeAndGive, (PVOID)'a');
    BenchThread(9, TakeAndGive, (PVOID)'b');
    KiVerifyThreads();
    CHECK_TEXT("", BenchText());
    KeReleaseMutex(&Mutex, FALSE);
    CHECK_TEXT("ab", BenchText());
    CHECK_EQUAL(1, KeReadStateMutex(&Mutex));
    BenchEnd();
}

static void Release(PVOID Context)
{
    KeReleaseMutex(Context, FALSE);
}

TEST(KeMutex_release_by_who_does_not_own_it_raises)
{
    HOST_BUGCHECK BugCheck;

    Start();
    CHECK(HostCatchBugCheck(Release, &Mutex, &BugCheck));
    CHECK_EQUAL(KMODE_EXCEPTION_NOT_HANDLED, BugCheck.Code);
    CHECK_EQUAL((ULONG)STATUS_MUTANT_NOT_OWNED, BugCheck.Parameter[0]);
    CHECK_EQUAL(1, KeReadStateMutex(&Mutex));
    BenchEnd();
}

static void TakeAndEnd(PVOID Context)
{
    BenchWait(Context);
}

TEST(KeMutex_owner_that_ends_is_bug_check_4000008A)
{
    HOST_BUGCHECK BugCheck;

    Start();
    HostThreadCreate(TakeAndEnd, &Mutex);
    CHECK(HostCatchBugCheck(BenchWaiter, &(BENCH_WAITER){HostKernelThread(1), 'x', 0}, &BugCheck));
    CHECK_EQUAL(THREAD_TERMINATE_HELD_MUTEX, BugCheck.Code);
    CHECK_EQUAL((ULONG_PTR)HostKernelThread(1), BugCheck.Parameter[0]);
    CHECK_EQUAL((ULONG_PTR)&Mutex, BugCheck.Parameter[1]);
    HostMachineDelete();
}

TEST(KeMutant_of_an_ended_thread_is_abandoned_once)
{
    HOST_BUGCHECK BugCheck;

    Start();
    KeInitializeMutant(&Mutex, FALSE);
    HostThreadCreate(TakeAndEnd, &Mutex);
    HostRunThreads();
    CHECK(Mutex.Abandoned);
    CHECK(HostCatchBugCheck(Release, &Mutex, &BugCheck));
    CHECK_EQUAL((ULONG)STATUS_ABANDONED, BugCheck.Parameter[0]);
    CHECK_EQUAL(STATUS_ABANDONED, BenchWait(&Mutex));
    CHECK_EQUAL(STATUS_SUCCESS, BenchWait(&Mutex));
    KeReleaseMutant(&Mutex, 0, FALSE, FALSE);
    KeReleaseMutant(&Mutex, 0, FALSE, FALSE);
    CHECK_EQUAL(STATUS_SUCCESS, BenchTry(&Mutex));
    KeReleaseMutant(&Mutex, 0, FALSE, FALSE);
    BenchEnd();
}

TEST(KeMutant_wakes_its_waiter_with_STATUS_ABANDONED)
{
    BENCH_WAITER Waiter = {&Mutex, 'w', -1};

    Start();
    KeInitializeMutant(&Mutex, FALSE);
    HostThreadCreate(TakeAndEnd, &Mutex); /* takes it first */
    HostThreadCreate(BenchWaiter, &Waiter);
    HostRunThreads();
    CHECK_EQUAL(STATUS_ABANDONED, Waiter.Status);
    BenchEnd();
}

TEST(KeMutant_may_begin_owned)
{
    Start();
    KeInitializeMutant(&Mutex, TRUE);
    CHECK(Mutex.OwnerThread == KeGetCurrentThread());
    CHECK_EQUAL(0, KeGetCurrentThread()->KernelApcDisable);
    CHECK_EQUAL(0, KeReleaseMutant(&Mutex, 0, FALSE, FALSE));
    BenchEnd();
}

static void TakeOnceTooOften(PVOID Context)
{
    (void)Context;
    BenchWait(&Mutex);
}

TEST(KeMutex_taken_too_often_raises)
{
    HOST_BUGCHECK BugCheck;

    Start();
    BenchWait(&Mutex);
    Mutex.Header.SignalState = INT32_MIN + 1;
    BenchWait(&Mutex);
    CHECK(HostCatchBugCheck(TakeOnceTooOften, NULL, &BugCheck));
    CHECK_EQUAL(KMODE_EXCEPTION_NOT_HANDLED, BugCheck.Code);
    CHECK_EQUAL((ULONG)STATUS_MUTANT_LIMIT_EXCEEDED, BugCheck.Parameter[0]);
    HostMachineDelete();
}
