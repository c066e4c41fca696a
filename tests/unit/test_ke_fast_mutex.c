/* SPDX-License-Identifier: MIT */
/*
 * test_ke_fast_mutex.c - fast mutexes and guarded mutexes.
 */
#include "nt/bugcodes.h"
#include "tests/unit/ke_bench.h"

static FAST_MUTEX Fast;
static KGUARDED_MUTEX Guarded;

static void Start(void)
{
    BenchStart();
    ExInitializeFastMutex(&Fast);
    KeInitializeGuardedMutex(&Guarded);
}

TEST(FastMutex_owner_runs_at_APC_LEVEL)
{
    Start();
    ExAcquireFastMutex(&Fast);
    CHECK_EQUAL(APC_LEVEL, KeGetCurrentIrql());
    CHECK_EQUAL(0, Fast.Count);
    CHECK(Fast.Owner == KeGetCurrentThread());
    ExReleaseFastMutex(&Fast);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    CHECK_EQUAL(1, Fast.Count);
    CHECK(Fast.Owner == NULL);
    CHECK_EQUAL(0, Fast.Contention);
    BenchEnd();
}

TEST(FastMutex_release_returns_to_the_level_of_before)
{
    KIRQL OldIrql;

    Start();
    OldIrql = KfRaiseIrql(APC_LEVEL);
    ExAcquireFastMutex(&Fast);
    ExReleaseFastMutex(&Fast);
    CHECK_EQUAL(APC_LEVEL, KeGetCurrentIrql());
    KfLowerIrql(OldIrql);
    BenchEnd();
}

static void TryFast(PVOID Context)
{
    (void)Context;
    CHECK(!ExTryToAcquireFastMutex(&Fast));
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    CHECK(!KeTryToAcquireGuardedMutex(&Guarded));
    CHECK_EQUAL(0, KeGetCurrentThread()->SpecialApcDisable);
    BenchLog('t');
}

TEST(FastMutex_try_fails_without_a_trace_when_owned)
{
    Start();
    CHECK(ExTryToAcquireFastMutex(&Fast));
    CHECK(KeTryToAcquireGuardedMutex(&Guarded));
    BenchThread(9, TryFast, NULL);
    CHECK_TEXT("t", BenchText());
    KeReleaseGuardedMutex(&Guarded);
    ExReleaseFastMutex(&Fast);
    CHECK_EQUAL(1, Fast.Count);
    CHECK_EQUAL(1, Guarded.Count);
    BenchEnd();
}

static void UseFast(PVOID Letter)
{
    ExAcquireFastMutex(&Fast);
    BenchLog((char)(ULONG_PTR)Letter);
    ExReleaseFastMutex(&Fast);
}

TEST(FastMutex_is_handed_over_in_the_order_of_asking)
{
    Start();
    ExAcquireFastMutex(&Fast);
    BenchThread(9, UseFast, (PVOID)'a');
    BenchThread(9, UseFast, (PVOID)'b');
    CHECK_EQUAL(-2, Fast.Count);
    CHECK_EQUAL(2, Fast.Contention);
    ExReleaseFastMutex(&Fast);
    CHECK_TEXT("ab", BenchText());
    CHECK_EQUAL(1, Fast.Count);
    BenchEnd();
}

static void UseGuarded(PVOID Letter)
{
    KeAcquireGuardedMutex(&Guarded);
    CHECK_EQUAL(-1, KeGetCurrentThread()->SpecialApcDisable);
    BenchLog((char)(ULONG_PTR)Letter);
    KeReleaseGuardedMutex(&Guarded);
}

TEST(GuardedMutex_keeps_the_level_and_guards_its_owner)
{
    Start();
    KeAcquireGuardedMutex(&Guarded);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    CHECK_EQUAL(-1, KeGetCurrentThread()->SpecialApcDisable);
    BenchThread(9, UseGuarded, (PVOID)'a');
    BenchThread(9, UseGuarded, (PVOID)'b');
    CHECK_EQUAL(2, Guarded.Contention);
    KeReleaseGuardedMutex(&Guarded);
    CHECK_EQUAL(0, KeGetCurrentThread()->SpecialApcDisable);
    CHECK_TEXT("ab", BenchText());
    CHECK_EQUAL(1, Guarded.Count);
    BenchEnd();
}

TEST(FastMutex_unsafe_calls_leave_the_level_to_the_caller)
{
    Start();
    KeEnterGuardedRegion();
    KeAcquireGuardedMutexUnsafe(&Guarded);
    KeReleaseGuardedMutexUnsafe(&Guarded);
    KeLeaveGuardedRegion();
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&Fast);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    ExReleaseFastMutexUnsafe(&Fast);
    KeLeaveCriticalRegion();
    BenchEnd();
}

static void TakeFastTwice(PVOID Context)
{
    (void)Context;
    ExAcquireFastMutex(&Fast);
    ExAcquireFastMutex(&Fast);
}

static void ReleaseFast(PVOID Context)
{
    (void)Context;
    ExReleaseFastMutex(&Fast);
}

static void TakeGuardedUnguarded(PVOID Context)
{
    (void)Context;
    KeAcquireGuardedMutexUnsafe(&Guarded);
}

TEST(FastMutex_misuse_stops_the_machine)
{
    Start();
    HostExpectBugCheck(MEMORY_MANAGEMENT, ReleaseFast, NULL);
    HostExpectBugCheck(MEMORY_MANAGEMENT, TakeGuardedUnguarded, NULL);
    HostExpectBugCheck(MEMORY_MANAGEMENT, TakeFastTwice, NULL);
    HostMachineDelete();
}
