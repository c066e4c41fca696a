/* SPDX-License-Identifier: MIT */
/*
 * test_bench_memory.c - each measurement does its operation every time, and gives everything back.
 */
#include "bench.h"
#include "mm.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/system_ptes.h"
#include "tests/unit/mm_world.h"

#define FRAMES 4096u
#define RUNS   (MI_BENCH_WARM_UP + MI_BENCH_SAMPLES)

static ULONG Available(void)
{
    MI_PFN_COUNTERS Counters;

    MiTrimKernelStacks();
    MiQueryPfnCounters(&Counters);
    return Counters.AvailablePages;
}

static MI_SYSTEM_PTE_COUNTERS Ptes(void)
{
    MI_SYSTEM_PTE_COUNTERS Counters;

    MiQuerySystemPtes(&Counters);
    return Counters;
}

static void MdlLock16(PMI_BENCH_FIGURES Figures)
{
    MiMeasureMdlLock(16, Figures);
}

TEST(Bench_of_memory_gives_everything_back)
{
    static void (*const Measure[])(PMI_BENCH_FIGURES) = {MiMeasureFrame, MiMeasureSystemPte,
                                                         MiMeasureStack, MdlLock16};
    MI_BENCH_FIGURES Figures;
    ULONG i;

    MmWorldStart(FRAMES);
    MiCalibrateBench(&Figures);
    for (i = 0; i < RTL_NUMBER_OF(Measure); i++) {
        ULONG Frames = Available();
        ULONG FreePtes = Ptes().Free;

        Measure[i](&Figures);
        CHECK_EQUAL(MI_BENCH_SAMPLES, Figures.Samples);
        CHECK_EQUAL(Frames, Available());
        CHECK_EQUAL(FreePtes, Ptes().Free);
    }
    MmWorldFinish();
}

TEST(Bench_of_a_system_pte_reserves_one_each_time)
{
    MI_BENCH_FIGURES Figures;
    ULONG Before;

    MmWorldStart(FRAMES);
    MiCalibrateBench(&Figures);
    Before = Ptes().Reservations;
    MiMeasureSystemPte(&Figures);
    CHECK_EQUAL(Before + RUNS, Ptes().Reservations);
    MmWorldFinish();
}
