/* SPDX-License-Identifier: MIT */
/*
 * test_ke_semaphore.c - semaphores: counts, limits, and who gets them.
 */
#include "nt/bugcodes.h"
#include "tests/unit/ke_bench.h"

static KSEMAPHORE Semaphore;

TEST(KeSemaphore_counts_down_by_waits_and_up_by_releases)
{
    BenchStart();
    KeInitializeSemaphore(&Semaphore, 2, 5);
    CHECK_EQUAL(SemaphoreObject, Semaphore.Header.Type);
    CHECK_EQUAL(STATUS_SUCCESS, BenchTry(&Semaphore));
    CHECK_EQUAL(STATUS_SUCCESS, BenchTry(&Semaphore));
    CHECK_EQUAL(STATUS_TIMEOUT, BenchTry(&Semaphore));
    CHECK_EQUAL(0, KeReleaseSemaphore(&Semaphore, 0, 3, FALSE));
    CHECK_EQUAL(3, KeReadStateSemaphore(&Semaphore));
    CHECK_EQUAL(3, KeReleaseSemaphore(&Semaphore, 0, 2, FALSE));
    CHECK_EQUAL(5, KeReadStateSemaphore(&Semaphore));
    BenchEnd();
}

TEST(KeSemaphore_release_wakes_as_many_as_it_adds)
{
    BENCH_WAITER Waiters[4];
    ULONG Index;

    BenchStart();
    KeInitializeSemaphore(&Semaphore, 0, 10);
    for (Index = 0; Index < RTL_NUMBER_OF(Waiters); Index++) {
        Waiters[Index] = (BENCH_WAITER){&Semaphore, (char)('a' + Index), -1};
        BenchThread(9, BenchWaiter, &Waiters[Index]);
    }
    KeReleaseSemaphore(&Semaphore, 0, 2, FALSE);
    CHECK_TEXT("ab", BenchText());
    CHECK_EQUAL(0, KeReadStateSemaphore(&Semaphore));
    KeReleaseSemaphore(&Semaphore, 0, 3, FALSE);
    CHECK_TEXT("abcd", BenchText());
    CHECK_EQUAL(1, KeReadStateSemaphore(&Semaphore));
    BenchEnd();
}

static void Release(PVOID Adjustment)
{
    KeReleaseSemaphore(&Semaphore, 0, (LONG)(LONG_PTR)Adjustment, FALSE);
}

TEST(KeSemaphore_beyond_the_limit_raises_and_changes_nothing)
{
    HOST_BUGCHECK BugCheck;

    BenchStart();
    KeInitializeSemaphore(&Semaphore, 4, 5);
    CHECK(HostCatchBugCheck(Release, (PVOID)2, &BugCheck));
    CHECK_EQUAL(KMODE_EXCEPTION_NOT_HANDLED, BugCheck.Code);
    CHECK_EQUAL((ULONG)STATUS_SEMAPHORE_LIMIT_EXCEEDED, BugCheck.Parameter[0]);
    CHECK_EQUAL((ULONG_PTR)&Semaphore, BugCheck.Parameter[2]);
    HostExpectBugCheck(KMODE_EXCEPTION_NOT_HANDLED, Release, (PVOID)0);
    HostExpectBugCheck(KMODE_EXCEPTION_NOT_HANDLED, Release, (PVOID)-1);
    HostExpectBugCheck(KMODE_EXCEPTION_NOT_HANDLED, Release, (PVOID)INT32_MAX);
    CHECK_EQUAL(4, KeReadStateSemaphore(&Semaphore));
    BenchEnd();
}
