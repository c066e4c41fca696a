/* SPDX-License-Identifier: MIT */
/*
 * test_bench_idle.c - what a thread waits does not count, and what it does counts.
 */
#include "mm/inspect/bench_idle.h"

#include "arch/cpu.h"
#include "ke.h"
#include "tests/unit/mm_world.h"

static ULONG64 WaitAndCount(void)
{
    LARGE_INTEGER Interval = {.QuadPart = -1000000};
    ULONG64 Start = KeReadCycleCounter();
    ULONG64 Busy = MiBusyCycles();

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    Busy = MiBusyCycles() - Busy;
    Start = KeReadCycleCounter() - Start;
    CHECK(Busy <= Start);
    return Start - Busy;
}

TEST(Idle_watch_tells_waiting_from_work)
{
    MmWorldStart(512);
    HostStartClock();
    CHECK(NT_SUCCESS(MiStartIdleWatch()));
    CHECK(WaitAndCount() != 0);
    MiStopIdleWatch();
    MmWorldFinish();
}
