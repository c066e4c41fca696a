/* SPDX-License-Identifier: MIT */
/*
 * ke_bench.c - what the tests of threads and waits share.
 */
#include "tests/unit/ke_bench.h"

#include <string.h>

#define LOG_LIMIT 64u

static char Log[LOG_LIMIT + 1];

void BenchClearLog(void)
{
    memset(Log, 0, sizeof(Log));
}

void BenchStart(void)
{
    HostMachineCreate(16, TestSeed());
    HostStartClock();
    KiChoice = NULL; /* first come, first served: as on hardware */
    BenchClearLog();
}

void BenchEnd(void)
{
    KiVerifyThreads();
    HostRunThreads();
    KiVerifyThreads();
    HostMachineDelete();
}

PKTHREAD BenchThread(KPRIORITY Priority, KSTART *Routine, PVOID Context)
{
    PKTHREAD Thread = HostKernelThread(HostThreadCreate(Routine, Context));

    KeSetPriorityThread(Thread, Priority);
    return Thread;
}

LARGE_INTEGER BenchMs(LONG Milliseconds)
{
    LARGE_INTEGER Interval;

    Interval.QuadPart = -(LONGLONG)Milliseconds * 10000;
    return Interval;
}

NTSTATUS BenchWait(PVOID Object)
{
    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, NULL);
}

NTSTATUS BenchTry(PVOID Object)
{
    return BenchWaitMs(Object, 0);
}

NTSTATUS BenchWaitMs(PVOID Object, LONG Milliseconds)
{
    LARGE_INTEGER Timeout = BenchMs(Milliseconds);

    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &Timeout);
}

void BenchSleep(LONG Milliseconds)
{
    LARGE_INTEGER Interval = BenchMs(Milliseconds);

    CHECK_EQUAL(STATUS_SUCCESS, KeDelayExecutionThread(KernelMode, FALSE, &Interval));
}

ULONG BenchNow(void)
{
    return (ULONG)(KeQueryInterruptTime() / 10000);
}

void BenchLog(char Event)
{
    CHECK(strlen(Log) < LOG_LIMIT);
    Log[strlen(Log)] = Event;
}

const char *BenchText(void)
{
    return Log;
}

void BenchWaiter(PVOID Context)
{
    BENCH_WAITER *Waiter = Context;

    Waiter->Status = BenchWait(Waiter->Object);
    BenchLog(Waiter->Letter);
}
