/* SPDX-License-Identifier: MIT */
/*
 * test_report_threads.c - the dispatcher's report lines hold on the host, and can fail.
 */
#include "mm/inspect/report_threads.h"
#include "tests/unit/ke_bench.h"

#include <string.h>

#define STACKS 8u

static UCHAR Stacks[STACKS][HOST_STACK_BYTES] NT_ALIGNED(16);
static UCHAR WorkerStack[HOST_STACK_BYTES] NT_ALIGNED(16);
static BOOLEAN Used[STACKS];
static KTHREAD Worker;

static PVOID CreateStack(void)
{
    ULONG i;

    for (i = 0; i < STACKS; i++) {
        if (!Used[i]) {
            Used[i] = TRUE;
            return Stacks[i] + HOST_STACK_BYTES;
        }
    }
    return NULL;
}

static void DeleteStack(PVOID Base)
{
    ULONG Index = (ULONG)(((PUCHAR)Base - Stacks[0]) / HOST_STACK_BYTES) - 1;

    CHECK(Index < STACKS && Used[Index]);
    Used[Index] = FALSE;
}

static const MI_STACK_SOURCE Source = {CreateStack, DeleteStack, HOST_STACK_BYTES};

static void Start(void)
{
    BenchStart();
    memset(Used, 0, sizeof(Used));
    CHECK_EQUAL(STATUS_SUCCESS,
                KeCreateWorkerThread(&Worker, DelayedWorkQueue, WorkerStack + HOST_STACK_BYTES,
                                     HOST_STACK_BYTES));
}

TEST(ReportThreads_holds_on_the_host_and_returns_its_stacks)
{
    ULONG i;

    Start();
    MiReportThreadsOn(&Source);
    CHECK(strstr(HostConsoleText(), "500 of 500 round trips") != NULL);
    CHECK(strstr(HostConsoleText(), "ran as 12, 9, 5\n") != NULL);
    CHECK(strstr(HostConsoleText(), "800 were counted") != NULL);
    CHECK(strstr(HostConsoleText(), "64 run once") != NULL);
    CHECK(strstr(HostConsoleText(), "stacks: 10 threads began and ended, 10 of them") != NULL);
    for (i = 0; i < STACKS; i++) {
        CHECK(!Used[i]);
    }
    BenchEnd();
}

TEST(ReportThreads_holds_whatever_is_preempted)
{
    Start();
    HostSetPreemption(50);
    MiReportThreadsOn(&Source);
    HostSetPreemption(0);
    BenchEnd();
}
