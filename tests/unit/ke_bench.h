/* SPDX-License-Identifier: MIT */
/*
 * ke_bench.h - what the tests of threads and waits share: a machine with a running clock, short
 * waits, and a log of who did what in which order.
 */
#ifndef KE_BENCH_H
#define KE_BENCH_H

#include "mm/ke/dispatcher.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#define BENCH_TICK_MS (KI_CLOCK_INCREMENT / 10000)

/* A machine with a clock and an empty log.  The test itself is a thread of priority 8. */
void BenchStart(void);

/* Check the threads, run those that are left, and delete the machine. */
void BenchEnd(void);

/* A thread of another priority than the test's.  => Runs at once when that is higher. */
PKTHREAD BenchThread(KPRIORITY Priority, KSTART *Routine, PVOID Context);

/* Wait in kernel mode, not alertable: forever, not at all, for milliseconds. */
NTSTATUS BenchWait(PVOID Object);
NTSTATUS BenchTry(PVOID Object);
NTSTATUS BenchWaitMs(PVOID Object, LONG Milliseconds);
void BenchSleep(LONG Milliseconds);

/* Milliseconds from now, as timeouts and timers want it. */
LARGE_INTEGER BenchMs(LONG Milliseconds);

/* Milliseconds of interrupt time. */
ULONG BenchNow(void);

/* The log, as text: one character for each event.  BenchStart clears it. */
void BenchClearLog(void);
void BenchLog(char Event);
const char *BenchText(void);

/* A thread's routine: wait for the object, then log a letter for each, beginning with 'a'. */
typedef struct _BENCH_WAITER {
    PVOID Object;
    char Letter;
    NTSTATUS Status;
} BENCH_WAITER;
void BenchWaiter(PVOID Context);

#endif
