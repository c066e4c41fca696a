/* SPDX-License-Identifier: MIT */
/*
 * test_resource_free.c - mm/ke/resource_free.c: the short ways are for who is alone.
 */
#include "nt/bugcodes.h"
#include "resource.h"
#include "tests/unit/ke_bench.h"
#include "tests/unit/mm_world.h"

static ERESOURCE Resource;

static BOOLEAN Take(BOOLEAN Exclusive)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    BOOLEAN Taken = ExpTakeFreeResource(&Resource, Exclusive, OldIrql);

    KfLowerIrql(OldIrql);
    ExpVerifyResources();
    return Taken;
}

static BOOLEAN Give(ERESOURCE_THREAD Thread)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    BOOLEAN Given = ExpGiveFreeResource(&Resource, Thread);

    KfLowerIrql(OldIrql);
    ExpVerifyResources();
    return Given;
}

TEST(A_resource_is_taken_in_short_while_nobody_has_it)
{
    ERESOURCE_THREAD Me;
    ULONG Exclusive;

    MmWorldStart(512);
    CHECK_EQUAL(STATUS_SUCCESS, ExInitializeResourceLite(&Resource));
    KeEnterCriticalRegion();
    Me = ExGetCurrentResourceThread();
    for (Exclusive = 0; Exclusive < 2; Exclusive++) {
        CHECK(Take((BOOLEAN)Exclusive));
        CHECK_EQUAL(Exclusive, ExIsResourceAcquiredExclusiveLite(&Resource));
        CHECK_EQUAL(1, ExIsResourceAcquiredSharedLite(&Resource));
        CHECK(!Take(FALSE) && !Take(TRUE)); /* not even by its owner */
        CHECK(!Give(Me + 4) && !Give(0));
        CHECK(ExAcquireResourceSharedLite(&Resource, FALSE));
        CHECK(!Give(Me)); /* he has it twice */
        ExReleaseResourceLite(&Resource);
        CHECK(Give(Me));
        CHECK(!Give(Me));
        CHECK_EQUAL(0, Resource.ActiveCount);
    }
    CHECK_EQUAL(STATUS_SUCCESS, ExDeleteResourceLite(&Resource));
    KeLeaveCriticalRegion();
    MmWorldFinish();
}

static void Wait(PVOID Context)
{
    (void)Context;
    KeEnterCriticalRegion();
    CHECK(ExAcquireResourceExclusiveLite(&Resource, TRUE));
    BenchLog('w');
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

TEST(A_resource_that_somebody_waits_for_is_handed_over)
{
    MmWorldStart(512);
    HostStartClock();
    KiChoice = NULL;
    BenchClearLog();
    CHECK_EQUAL(STATUS_SUCCESS, ExInitializeResourceLite(&Resource));
    KeEnterCriticalRegion();
    CHECK(Take(FALSE));
    BenchThread(12, Wait, NULL);
    BenchSleep(20);
    CHECK_EQUAL(1, ExGetExclusiveWaiterCount(&Resource));
    CHECK(!Give(ExGetCurrentResourceThread()));
    ExReleaseResourceLite(&Resource);
    BenchSleep(20);
    CHECK_EQUAL(0, Resource.ActiveCount);
    CHECK_EQUAL(STATUS_SUCCESS, ExDeleteResourceLite(&Resource));
    KeLeaveCriticalRegion();
    HostRunThreads();
    MmWorldFinish();
}

static void TakeWithApcs(PVOID Context)
{
    (void)Context;
    (void)Take(FALSE);
}

TEST(A_resource_is_not_taken_in_short_while_APCs_may_come)
{
    MmWorldStart(512);
    CHECK_EQUAL(STATUS_SUCCESS, ExInitializeResourceLite(&Resource));
    HostExpectBugCheck(MEMORY_MANAGEMENT, TakeWithApcs, NULL);
    HostMachineDelete();
}
