/* SPDX-License-Identifier: MIT */
/*
 * test_start_thread.c - system threads run with their context, and leave nothing behind.
 */
#include "ps.h"

#include "ke.h"
#include "mm/sysva/kernel_stack.h"
#include "tests/unit/mm_world.h"

static KEVENT Go;
static PVOID Got;
static KPRIORITY Priority;

static void NTAPI Routine(PVOID Context)
{
    Got = Context;
    Priority = KeQueryPriorityThread(KeGetCurrentThread());
    KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
}

static void Sleep(void)
{
    LARGE_INTEGER Interval = {.QuadPart = -1000000};

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

TEST(PsStartSystemThread_runs_the_routine_and_frees_the_stack_at_its_end)
{
    MI_KERNEL_STACK_COUNTERS Before;
    MI_KERNEL_STACK_COUNTERS After;

    MmWorldStart(512);
    HostStartClock();
    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    MiQueryKernelStacks(&Before);
    CHECK_EQUAL(STATUS_SUCCESS, PsStartSystemThread(Routine, &Go, 17, "test"));
    Sleep();
    CHECK(Got == &Go);
    CHECK_EQUAL(17, Priority);
    MiQueryKernelStacks(&After);
    CHECK_EQUAL(Before.InUse + 1, After.InUse);
    KeSetEvent(&Go, 0, FALSE);
    Sleep();
    MiQueryKernelStacks(&After);
    CHECK_EQUAL(Before.InUse, After.InUse);
    MmWorldFinish();
}

TEST(PsStartSystemThread_refuses_a_priority_that_there_is_not_and_keeps_nothing)
{
    MI_KERNEL_STACK_COUNTERS Before;
    MI_KERNEL_STACK_COUNTERS After;

    MmWorldStart(512);
    MiQueryKernelStacks(&Before);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, PsStartSystemThread(Routine, NULL, 99, "test"));
    MiQueryKernelStacks(&After);
    CHECK_EQUAL(Before.InUse, After.InUse);
    MmWorldFinish();
}
