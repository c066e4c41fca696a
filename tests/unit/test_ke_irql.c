/* SPDX-License-Identifier: MIT */
/*
 * test_ke_irql.c - the calls by pointer do what the fast ones do.
 */
#include "nt/bugcodes.h"
#include "spinlock.h"
#include "tests/unit/ke_bench.h"

static KSPIN_LOCK Lock;

TEST(KeRaiseIrql_stores_the_old_level_and_KeLowerIrql_goes_back)
{
    KIRQL Old = 99;
    KIRQL Older = 99;

    BenchStart();
    KeRaiseIrql(APC_LEVEL, &Old);
    CHECK_EQUAL(PASSIVE_LEVEL, Old);
    KeRaiseIrql(CLOCK2_LEVEL, &Older);
    CHECK_EQUAL(APC_LEVEL, Older);
    CHECK_EQUAL(CLOCK2_LEVEL, KeGetCurrentIrql());
    KeLowerIrql(Older);
    KeLowerIrql(Old);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    BenchEnd();
}

TEST(KeAcquireSpinLock_raises_and_KeReleaseSpinLock_lowers)
{
    KIRQL Old = 99;

    BenchStart();
    KeInitializeSpinLock(&Lock);
    KeAcquireSpinLock(&Lock, &Old);
    CHECK_EQUAL(PASSIVE_LEVEL, Old);
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    CHECK(Lock != 0);
    KeReleaseSpinLock(&Lock, Old);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    CHECK_EQUAL(0, Lock);
    BenchEnd();
}

static void AcquireAtPassive(PVOID Context)
{
    (void)Context;
    KeAcquireSpinLockAtDpcLevel(&Lock);
}

static void ReleaseFree(PVOID Context)
{
    (void)Context;
    KeReleaseSpinLockFromDpcLevel(&Lock);
}

TEST(KeAcquireSpinLockAtDpcLevel_wants_that_level_and_the_release_a_lock_that_is_held)
{
    BenchStart();
    KeInitializeSpinLock(&Lock);
    HostExpectBugCheck(IRQL_NOT_LESS_OR_EQUAL, AcquireAtPassive, NULL);
    HostExpectBugCheck(SPIN_LOCK_NOT_OWNED, ReleaseFree, NULL);
    BenchEnd();
}
