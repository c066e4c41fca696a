/* SPDX-License-Identifier: MIT */
/*
 * test_ke_dpc.c - deferred procedure calls: when they run and in which order.
 */
#include "nt/bugcodes.h"
#include "tests/unit/ke_bench.h"

static KDPC Dpcs[8];

static void NTAPI LogLetter(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    CHECK(Dpc->DpcData == NULL);
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    CHECK(Argument1 == (PVOID)1 && Argument2 == (PVOID)2);
    BenchLog((char)(ULONG_PTR)Context);
}

static BOOLEAN Queue(ULONG Index)
{
    return KeInsertQueueDpc(&Dpcs[Index], (PVOID)1, (PVOID)2);
}

static void Start(void)
{
    ULONG Index;

    BenchStart();
    for (Index = 0; Index < RTL_NUMBER_OF(Dpcs); Index++) {
        KeInitializeDpc(&Dpcs[Index], LogLetter, (PVOID)(ULONG_PTR)('a' + Index));
    }
}

TEST(KeDpc_runs_at_once_below_DISPATCH_LEVEL)
{
    Start();
    CHECK_EQUAL(DpcObject, Dpcs[0].Type);
    CHECK_EQUAL(MediumImportance, Dpcs[0].Importance);
    CHECK(Queue(0));
    CHECK_TEXT("a", BenchText());
    CHECK(Queue(0));
    CHECK_TEXT("aa", BenchText());
    CHECK_EQUAL(2, KeCounters.DpcsRun);
    BenchEnd();
}

TEST(KeDpc_waits_for_the_level_to_fall_and_is_queued_once)
{
    KIRQL OldIrql;

    Start();
    OldIrql = KfRaiseIrql(CLOCK2_LEVEL);
    CHECK(Queue(0));
    CHECK(!KeInsertQueueDpc(&Dpcs[0], (PVOID)3, (PVOID)4));
    CHECK(Queue(1));
    KfLowerIrql(DISPATCH_LEVEL);
    CHECK_TEXT("", BenchText());
    KfLowerIrql(OldIrql);
    CHECK_TEXT("ab", BenchText());
    BenchEnd();
}

TEST(KeDpc_importance_decides_place_and_haste)
{
    KIRQL OldIrql;

    Start();
    KeSetImportanceDpc(&Dpcs[1], HighImportance);
    KeSetImportanceDpc(&Dpcs[2], LowImportance);
    KeSetImportanceDpc(&Dpcs[3], MediumHighImportance);
    CHECK(Queue(2));
    CHECK_TEXT("", BenchText()); /* low: nobody is hurried */
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    Queue(0);
    Queue(3);
    Queue(1);
    KfLowerIrql(OldIrql);
    CHECK_TEXT("bcad", BenchText());
    BenchEnd();
}

TEST(KeDpc_of_low_importance_runs_with_the_clock_or_in_a_full_queue)
{
    ULONG Index;

    Start();
    for (Index = 0; Index < 6; Index++) {
        KeSetImportanceDpc(&Dpcs[Index], LowImportance);
    }
    Queue(0);
    BenchSleep(10);
    CHECK_TEXT("a", BenchText());
    for (Index = 1; Index < 5; Index++) {
        Queue(Index);
    }
    CHECK_TEXT("a", BenchText());
    Queue(5);
    CHECK_TEXT("abcdef", BenchText());
    BenchEnd();
}

TEST(KeDpc_removed_does_not_run)
{
    KIRQL OldIrql;

    Start();
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    Queue(0);
    Queue(1);
    CHECK(KeRemoveQueueDpc(&Dpcs[0]));
    CHECK(!KeRemoveQueueDpc(&Dpcs[0]));
    KfLowerIrql(OldIrql);
    CHECK_TEXT("b", BenchText());
    BenchEnd();
}

TEST(KeDpc_flush_runs_those_of_low_importance)
{
    Start();
    KeSetImportanceDpc(&Dpcs[0], LowImportance);
    Queue(0);
    KeFlushQueuedDpcs();
    CHECK_TEXT("a", BenchText());
    BenchEnd();
}

static void NTAPI QueueItselfOnce(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PULONG Runs = Context;

    (void)Argument1;
    (void)Argument2;
    if (++*Runs < 2) {
        CHECK(KeInsertQueueDpc(Dpc, NULL, NULL));
    }
}

TEST(KeDpc_may_queue_itself)
{
    ULONG Runs = 0;

    Start();
    KeInitializeDpc(&Dpcs[0], QueueItselfOnce, &Runs);
    KeInsertQueueDpc(&Dpcs[0], NULL, NULL);
    CHECK_EQUAL(2, Runs);
    BenchEnd();
}

static void NTAPI Forget(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    (void)Dpc;
    (void)Context;
    (void)Argument1;
    (void)Argument2;
    KfRaiseIrql(CLOCK2_LEVEL);
}

static void QueueForgetful(PVOID Context)
{
    (void)Context;
    KeInsertQueueDpc(&Dpcs[0], NULL, NULL);
}

TEST(KeDpc_that_changes_the_level_is_bug_check_C8)
{
    HOST_BUGCHECK BugCheck;

    Start();
    KeInitializeDpc(&Dpcs[0], Forget, NULL);
    CHECK(HostCatchBugCheck(QueueForgetful, NULL, &BugCheck));
    CHECK_EQUAL(IRQL_UNEXPECTED_VALUE, BugCheck.Code);
    CHECK_EQUAL(CLOCK2_LEVEL << 16 | DISPATCH_LEVEL << 8 | 2, BugCheck.Parameter[0]);
    CHECK_EQUAL((ULONG_PTR)Forget, BugCheck.Parameter[1]);
    CHECK_EQUAL((ULONG_PTR)&Dpcs[0], BugCheck.Parameter[2]);
    HostMachineDelete();
}
