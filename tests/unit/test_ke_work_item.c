/* SPDX-License-Identifier: MIT */
/*
 * test_ke_work_item.c - work items and the threads that run them.
 */
#include "nt/bugcodes.h"
#include "tests/unit/ke_bench.h"

static KTHREAD Workers[MaximumWorkQueue];
static UCHAR Stacks[MaximumWorkQueue][HOST_STACK_BYTES] NT_ALIGNED(16);
static WORK_QUEUE_ITEM Items[4];

static void NTAPI LogItem(PVOID Parameter)
{
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    BenchLog((char)(ULONG_PTR)Parameter);
}

static void Start(void)
{
    ULONG Index;

    BenchStart();
    for (Index = 0; Index < MaximumWorkQueue; Index++) {
        CHECK_EQUAL(STATUS_SUCCESS,
                    KeCreateWorkerThread(&Workers[Index], (WORK_QUEUE_TYPE)Index,
                                         Stacks[Index] + HOST_STACK_BYTES, HOST_STACK_BYTES));
    }
    for (Index = 0; Index < RTL_NUMBER_OF(Items); Index++) {
        ExInitializeWorkItem(&Items[Index], LogItem, (PVOID)(ULONG_PTR)('a' + Index));
    }
}

TEST(WorkItem_runs_in_its_queues_thread_in_order)
{
    KIRQL OldIrql;

    Start();
    CHECK_EQUAL(13, Workers[CriticalWorkQueue].Priority);
    CHECK_EQUAL(12, Workers[DelayedWorkQueue].Priority);
    CHECK_EQUAL(15, Workers[HyperCriticalWorkQueue].Priority);
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    ExQueueWorkItem(&Items[0], DelayedWorkQueue);
    ExQueueWorkItem(&Items[1], DelayedWorkQueue);
    ExQueueWorkItem(&Items[2], CriticalWorkQueue);
    ExQueueWorkItem(&Items[3], HyperCriticalWorkQueue);
    CHECK_TEXT("", BenchText());
    KiVerifyThreads();
    KfLowerIrql(OldIrql);
    CHECK_TEXT("dcab", BenchText());
    CHECK_EQUAL(4, KeCounters.WorkItemsRun);
    BenchEnd();
}

static void NTAPI QueueItselfAgain(PVOID Parameter)
{
    PULONG Runs = Parameter;

    if (++*Runs < 3) {
        ExQueueWorkItem(&Items[0], CriticalWorkQueue);
    }
}

TEST(WorkItem_may_be_queued_again_by_its_routine)
{
    ULONG Runs = 0;

    Start();
    ExInitializeWorkItem(&Items[0], QueueItselfAgain, &Runs);
    ExQueueWorkItem(&Items[0], CriticalWorkQueue);
    CHECK_EQUAL(3, Runs);
    BenchEnd();
}

static void QueueTwice(PVOID Context)
{
    (void)Context;
    KfRaiseIrql(DISPATCH_LEVEL);
    ExQueueWorkItem(&Items[0], CriticalWorkQueue);
    ExQueueWorkItem(&Items[0], CriticalWorkQueue);
}

TEST(WorkItem_queued_twice_is_bug_check_E4)
{
    HOST_BUGCHECK BugCheck;

    Start();
    CHECK(HostCatchBugCheck(QueueTwice, NULL, &BugCheck));
    CHECK_EQUAL(WORKER_INVALID, BugCheck.Code);
    CHECK_EQUAL(1, BugCheck.Parameter[0]);
    CHECK_EQUAL((ULONG_PTR)&Items[0], BugCheck.Parameter[1]);
    HostMachineDelete();
}

static void NTAPI ReturnRaised(PVOID Parameter)
{
    (void)Parameter;
    KfRaiseIrql(APC_LEVEL);
}

static void QueueOne(PVOID Context)
{
    ExQueueWorkItem(Context, DelayedWorkQueue);
}

TEST(WorkItem_that_returns_raised_is_bug_check_E1)
{
    HOST_BUGCHECK BugCheck;

    Start();
    ExInitializeWorkItem(&Items[0], ReturnRaised, (PVOID)7);
    CHECK(HostCatchBugCheck(QueueOne, &Items[0], &BugCheck));
    CHECK_EQUAL(WORKER_THREAD_RETURNED_AT_BAD_IRQL, BugCheck.Code);
    CHECK_EQUAL((ULONG_PTR)ReturnRaised, BugCheck.Parameter[0]);
    CHECK_EQUAL(APC_LEVEL, BugCheck.Parameter[1]);
    CHECK_EQUAL(7, BugCheck.Parameter[2]);
    HostMachineDelete();
}
