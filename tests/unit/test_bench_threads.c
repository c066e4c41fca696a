/* SPDX-License-Identifier: MIT */
/*
 * test_bench_threads.c - the measurement of a switch really switches, and cleans up.
 */
#include "bench.h"
#include "tests/unit/ke_bench.h"

static UCHAR Stack[HOST_STACK_BYTES] NT_ALIGNED(16);

TEST(Bench_of_a_switch_goes_there_and_back_each_time)
{
    const ULONG Runs = MI_BENCH_WARM_UP + MI_BENCH_SAMPLES + 1;
    MI_BENCH_FIGURES Figures;

    HostMachineCreate(16, TestSeed());
    MiCalibrateBench(&Figures);
    MiMeasureThreadSwitch(Stack + sizeof(Stack), sizeof(Stack), &Figures);
    CHECK_EQUAL(MI_BENCH_SAMPLES, Figures.Samples);
    CHECK(KeCounters.ContextSwitches >= 2 * Runs && KeCounters.ContextSwitches < 2 * Runs + 10);
    CHECK_EQUAL(1, KeCounters.ThreadsTerminated);
    KiVerifyThreads();
    HostMachineDelete();
}
