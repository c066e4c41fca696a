/* SPDX-License-Identifier: MIT */
/*
 * bench_paging.c - what paging out and in costs.
 *
 * Waiting for the disk does not count: bench_idle.h.
 */
#include "mi_assert.h"
#include "mm/inspect/bench_faults.h"
#include "mm/inspect/bench_idle.h"
#include "mm/inspect/page_out.h"
#include "mm/paging/paging_file.h"

#define MIP_RUN_PAGES   2048u /* 8 MB */
#define MIP_RUNS        16u
#define MIP_FAR_PAGES   8192u /* 32 MB, of which random pages are read back */
#define MIP_RANDOM_SEED 0x2545F491u

/* ---- paging out and in ---- */

static void MipWriteAll(ULONG_PTR Base, ULONG Pages)
{
    ULONG i;

    for (i = 0; i < Pages; i++) {
        MiWriteForBench(Base + i * PAGE_SIZE);
    }
}

/* A sample is the mean over a run's pages. */
static NTSTATUS MipMeasureRuns(ULONG_PTR Base, PULONG Out, PULONG In)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Run;

    for (Run = 0; Run < MIP_RUNS && NT_SUCCESS(Status); Run++) {
        ULONG64 Start;
        ULONG Reused;

        MipWriteAll(Base, MIP_RUN_PAGES);
        Start = MiBusyCycles();
        Status = MiWriteProcess();
        Out[Run] = (ULONG)((MiBusyCycles() - Start) / MIP_RUN_PAGES);
        Reused = MiReuseStandbyFrames();
        MI_ASSERT(!NT_SUCCESS(Status) || Reused >= MIP_RUN_PAGES);
        Start = MiBusyCycles();
        MiTouchAllForBench(Base, MIP_RUN_PAGES);
        In[Run] = (ULONG)((MiBusyCycles() - Start) / MIP_RUN_PAGES);
    }
    return Status;
}

static ULONG MipMeasureSequential(MI_BENCH_PRINT *Print)
{
    ULONG_PTR Base = MiAllocateForBench(MIP_RUN_PAGES);
    MI_BENCH_FIGURES Figures;
    ULONG Out[MIP_RUNS];
    ULONG In[MIP_RUNS];
    ULONG Rows = 0;

    if (Base == 0) {
        return 0;
    }
    if (NT_SUCCESS(MipMeasureRuns(Base, Out, In))) {
        MiSummarizeSamples(Out, MIP_RUNS, &Figures);
        Print("paging.out", &Figures);
        MiSummarizeSamples(In, MIP_RUNS, &Figures);
        Print("fault.hard.seq", &Figures);
        Rows = 2;
    }
    MiFreeAfterBench(Base);
    return Rows;
}

/* Far from each other: that a read brings neighbours is no help here. */
static ULONG MipMeasureRandom(MI_BENCH_PRINT *Print)
{
    static ULONG Samples[MI_BENCH_SAMPLES];
    ULONG_PTR Base = MiAllocateForBench(MIP_FAR_PAGES);
    ULONG Random = MIP_RANDOM_SEED;
    MI_BENCH_FIGURES Figures;
    NTSTATUS Status;
    ULONG Reused;
    ULONG i;

    if (Base == 0) {
        return 0;
    }
    MipWriteAll(Base, MIP_FAR_PAGES);
    Status = MiPageOutProcess(&Reused);
    for (i = 0; i < MI_BENCH_SAMPLES && NT_SUCCESS(Status); i++) {
        ULONG64 Start;

        Random = Random * 1664525u + 1013904223u;
        Start = MiBusyCycles();
        MiTouchForBench(Base + (Random >> 8) % MIP_FAR_PAGES * PAGE_SIZE);
        Samples[i] = (ULONG)(MiBusyCycles() - Start);
    }
    MiFreeAfterBench(Base);
    if (!NT_SUCCESS(Status)) {
        return 0;
    }
    MiSummarizeSamples(Samples, MI_BENCH_SAMPLES, &Figures);
    Print("fault.hard.random", &Figures);
    return 1;
}

static ULONG MipMeasureFiles(MI_BENCH_PRINT *Print)
{
    ULONG Rows;

    if (!NT_SUCCESS(MiStartIdleWatch())) {
        return 0;
    }
    Rows = MipMeasureSequential(Print);
    Rows += MipMeasureRandom(Print);
    MiStopIdleWatch();
    return Rows;
}

ULONG MiMeasurePaging(MI_BENCH_PRINT *Print)
{
    return MmNumberOfPagingFiles == 0 ? 0 : MiMeasureInProcess(MipMeasureFiles, Print);
}
