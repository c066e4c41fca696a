/* SPDX-License-Identifier: MIT */
/*
 * test_resource_free.c - mm/ke/resource_free.c: the short ways are for who is alone, or shares with
 * one.
 */
#include "mm/ke/resource_free.h"
#include "nt/bugcodes.h"
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

/* ---- the second owner ---- */

static BOOLEAN TakeSecond(void)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    BOOLEAN Taken = ExpTakeSecondShare(&Resource);

    KfLowerIrql(OldIrql);
    ExpVerifyResources();
    return Taken;
}

static BOOLEAN GiveSecond(ERESOURCE_THREAD Thread)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    BOOLEAN Given = ExpGiveSecondShare(&Resource, Thread);

    KfLowerIrql(OldIrql);
    ExpVerifyResources();
    return Given;
}

/* He has it shared, or exclusive, until he is woken. */
static KEVENT Enough;

static void Have(PVOID Context)
{
    BOOLEAN Exclusive = Context != NULL;

    KeEnterCriticalRegion();
    CHECK(Exclusive ? ExAcquireResourceExclusiveLite(&Resource, TRUE)
                    : ExAcquireResourceSharedLite(&Resource, TRUE));
    KeWaitForSingleObject(&Enough, Executive, KernelMode, FALSE, NULL);
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

static void StartSecond(void)
{
    MmWorldStart(512);
    HostStartClock();
    KiChoice = NULL;
    BenchClearLog();
    KeInitializeEvent(&Enough, SynchronizationEvent, FALSE);
    CHECK_EQUAL(STATUS_SUCCESS, ExInitializeResourceLite(&Resource));
    KeEnterCriticalRegion();
}

static void FinishSecond(void)
{
    CHECK_EQUAL(0, Resource.ActiveCount);
    CHECK_EQUAL(STATUS_SUCCESS, ExDeleteResourceLite(&Resource));
    KeLeaveCriticalRegion();
    HostRunThreads();
    MmWorldFinish();
}

TEST(A_second_thread_shares_a_resource_in_short)
{
    ERESOURCE_THREAD Me;

    StartSecond();
    Me = ExGetCurrentResourceThread();
    CHECK(!TakeSecond()); /* nobody has it */
    BenchThread(12, Have, NULL);
    BenchSleep(20);
    CHECK(!TakeSecond()); /* no table yet */
    CHECK(ExAcquireResourceSharedLite(&Resource, FALSE));
    CHECK_EQUAL(2, Resource.ActiveCount);
    CHECK(!TakeSecond()); /* he has it himself */
    CHECK(!GiveSecond(Me + 4) && !GiveSecond(0));
    CHECK(ExAcquireResourceSharedLite(&Resource, FALSE));
    CHECK(!GiveSecond(Me)); /* he has it twice */
    ExReleaseResourceLite(&Resource);
    CHECK(GiveSecond(Me));
    CHECK(TakeSecond());
    CHECK_EQUAL(2, Resource.ActiveCount);
    CHECK_EQUAL(1, ExIsResourceAcquiredSharedLite(&Resource));
    CHECK(!Take(FALSE) && !Give(Me));
    KeSetEvent(&Enough, 0, FALSE); /* the first owner goes first */
    BenchSleep(20);
    CHECK_EQUAL(1, Resource.ActiveCount);
    CHECK(!TakeSecond());
    CHECK(GiveSecond(Me));
    CHECK(!GiveSecond(Me));
    FinishSecond();
}

TEST(A_resource_with_another_owner_than_a_shared_one_is_not_shared_in_short)
{
    StartSecond();
    BenchThread(12, Have, NULL);
    BenchSleep(20);
    CHECK(ExAcquireResourceSharedLite(&Resource, FALSE)); /* there is a table */
    ExReleaseResourceLite(&Resource);
    BenchThread(12, Wait, NULL);
    BenchSleep(20);
    CHECK_EQUAL(1, ExGetExclusiveWaiterCount(&Resource));
    CHECK(!TakeSecond());
    CHECK(!ExAcquireResourceSharedLite(&Resource, FALSE));
    CHECK(ExAcquireSharedStarveExclusive(&Resource, FALSE));
    CHECK(!GiveSecond(ExGetCurrentResourceThread())); /* somebody waits */
    KeSetEvent(&Enough, 0, FALSE);
    BenchSleep(20);
    ExReleaseResourceLite(&Resource); /* handed over */
    BenchSleep(20);
    CHECK_EQUAL(0, Resource.ActiveCount);
    BenchThread(12, Have, &Resource);
    BenchSleep(20);
    CHECK(ExIsResourceAcquiredSharedLite(&Resource) == 0 && Resource.ActiveCount == 1);
    CHECK(!TakeSecond()); /* exclusive */
    KeSetEvent(&Enough, 0, FALSE);
    BenchSleep(20);
    FinishSecond();
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
