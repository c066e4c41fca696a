/* SPDX-License-Identifier: MIT */
/*
 * test_ke_starvation.c - who is ready for seconds and never runs is raised, for a doubled quantum.
 */
#include "tests/unit/ke_bench.h"

#define QUANTUM_MS     (2 * BENCH_TICK_MS)
#define ALMOST_STARVED 3900u
#define STARVED        4100u
#define SCAN_BOOSTS    10u
#define BUSY_PRIORITY  9

static volatile BOOLEAN Stop;
static KPRIORITY Seen[4];

static void Burn(ULONG Milliseconds)
{
    while (Milliseconds-- != 0) {
        KeStallExecutionProcessor(1000);
    }
}

/* It only runs when it was raised; it looks at itself until it no longer is. */
static void Starving(PVOID Context)
{
    ULONG Step;

    (void)Context;
    BenchLog('s');
    for (Step = 0; Step < RTL_NUMBER_OF(Seen) && !Stop; Step++) {
        Seen[Step] = KeQueryPriorityThread(KeGetCurrentThread());
        Burn(QUANTUM_MS);
    }
    BenchLog('e');
}

static void Logs(PVOID Letter)
{
    BenchLog((char)(ULONG_PTR)Letter);
}

static void Start(void)
{
    BenchStart();
    Stop = FALSE;
    memset(Seen, 0, sizeof(Seen));
    KeSetPriorityThread(KeGetCurrentThread(), BUSY_PRIORITY);
}

static void End(void)
{
    Stop = TRUE;
    BenchEnd();
}

TEST(KeStarved_thread_runs_at_15_for_a_doubled_quantum_and_falls_back)
{
    Start();
    BenchThread(4, Starving, NULL);
    Burn(ALMOST_STARVED);
    KiScanReadyQueues();
    CHECK_TEXT("", BenchText());
    Burn(STARVED - ALMOST_STARVED);
    KiScanReadyQueues();
    CHECK_TEXT("s", BenchText());
    CHECK_EQUAL(1, KeCounters.StarvationBoosts);
    CHECK_EQUAL(15, Seen[0]);
    CHECK_EQUAL(15, Seen[1]);
    CHECK_EQUAL(0, Seen[2]); /* it is at 4 again, and this thread at 9 runs */
    KiVerifyThreads();
    KeSetPriorityThread(KeGetCurrentThread(), 3);
    CHECK_EQUAL(4, Seen[2]);
    CHECK_TEXT("se", BenchText());
    End();
}

TEST(KeStarved_scan_raises_ten_and_the_next_one_the_others)
{
    ULONG i;

    Start();
    for (i = 0; i < SCAN_BOOSTS + 2; i++) {
        BenchThread(4 - (LONG)i % 3, Logs, (PVOID)(ULONG_PTR)('a' + i));
    }
    Burn(STARVED);
    KiScanReadyQueues();
    CHECK_EQUAL(SCAN_BOOSTS, KeCounters.StarvationBoosts);
    CHECK_EQUAL(SCAN_BOOSTS, strlen(BenchText()));
    KiScanReadyQueues();
    CHECK_EQUAL(SCAN_BOOSTS + 2, strlen(BenchText()));
    End();
}

/* Those of the long queue have their turns; what is behind it is still seen. */
TEST(KeStarved_scan_passes_a_queue_that_is_longer_than_it_looks)
{
    ULONG i;

    Start();
    BenchThread(4, Logs, (PVOID)'z');
    Burn(STARVED);
    for (i = 0; i < 20; i++) {
        BenchThread(7, Logs, (PVOID)(ULONG_PTR)('a' + i));
    }
    for (i = 0; i < 3; i++) {
        KiScanReadyQueues();
    }
    CHECK_TEXT("z", BenchText());
    End();
}

TEST(KeStarved_thread_that_gets_its_turn_in_time_is_left_alone)
{
    ULONG i;

    Start();
    HostThreadCreate(Starving, NULL);
    for (i = 0; i < 3; i++) {
        Burn(ALMOST_STARVED / 2);
        BenchSleep(BENCH_TICK_MS);
        KiScanReadyQueues();
    }
    CHECK_EQUAL(0, KeCounters.StarvationBoosts);
    End();
}

TEST(KeStarved_priority_0_has_no_claim)
{
    PKTHREAD Thread;
    KIRQL OldIrql;

    Start();
    Thread = HostKernelThread(HostThreadCreate(Logs, (PVOID)'z'));
    OldIrql = KiLockDispatcher();
    Thread->BasePriority = LOW_PRIORITY;
    KiSetPriority(Thread, LOW_PRIORITY);
    KiUnlockDispatcher(OldIrql);
    Burn(STARVED);
    KiScanReadyQueues();
    CHECK_TEXT("", BenchText());
    CHECK_EQUAL(0, KeCounters.StarvationBoosts);
    End();
}

static void WaitsAtOnce(PVOID Event)
{
    BenchWait(Event);
    Seen[0] = KeQueryPriorityThread(KeGetCurrentThread());
    Burn(2 * QUANTUM_MS);
    Seen[1] = KeQueryPriorityThread(KeGetCurrentThread());
}

/* What is left of the quantum after a wait is still the raised one's. */
TEST(KeStarved_thread_keeps_the_rest_of_its_turn_across_a_wait)
{
    KEVENT Event;

    Start();
    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    BenchThread(4, WaitsAtOnce, &Event);
    Burn(STARVED);
    KiScanReadyQueues();
    CHECK_EQUAL(0, Seen[0]);
    KeSetEvent(&Event, IO_NO_INCREMENT, FALSE);
    CHECK_EQUAL(15, Seen[0]);
    CHECK_EQUAL(0, Seen[1]);
    KeSetPriorityThread(KeGetCurrentThread(), 3);
    CHECK_EQUAL(4, Seen[1]);
    End();
}
