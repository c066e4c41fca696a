/* SPDX-License-Identifier: MIT */
/*
 * bench_paging.c - what paging out and in costs.
 *
 * Waiting for the disk does not count.  A thread that runs only when nothing else does reads the
 * counter over and over; what its steps take is idle time, and is subtracted.  Whatever somebody
 * does meanwhile (the fault, the writer, interrupts) counts, in whichever thread.
 */
#include "arch/cpu.h"
#include "mi_assert.h"
#include "mm/inspect/bench_faults.h"
#include "mm/inspect/page_out.h"
#include "mm/paging/paging_file.h"
#include "ps.h"

#define MIP_LOWEST_PRIORITY 1     /* above the zero-page thread's, which would stop it */
#define MIP_INTERRUPT       64u   /* cycles: a longer step was not the loop's alone */
#define MIP_RUN_PAGES       2048u /* 8 MB */
#define MIP_RUNS            16u
#define MIP_FAR_PAGES       8192u /* 32 MB, of which random pages are read back */
#define MIP_RANDOM_SEED     0x2545F491u

/* ---- the counter without the idle time ---- */

typedef struct _MIP_IDLE {
    volatile ULONG64 Cycles; /* of the loop's own */
    volatile BOOLEAN Stop;
    KEVENT Ended;
} MIP_IDLE, *PMIP_IDLE;

static MIP_IDLE MipIdle;

static void NTAPI MipWatch(PVOID Context)
{
    PMIP_IDLE Idle = Context;
    ULONG64 Last = KeReadCycleCounter();
    ULONG Quiet = 0xFFFFFFFFu;

    while (!Idle->Stop) {
        ULONG64 Now = KeReadCycleCounter();
        ULONG Step = (ULONG)(Now - Last);

        Last = Now;
        Quiet = Step < Quiet ? Step : Quiet;
        Idle->Cycles += Step > Quiet + MIP_INTERRUPT ? Quiet : Step;
    }
    KeSetEvent(&Idle->Ended, IO_NO_INCREMENT, FALSE);
}

static ULONG64 MipBusyCycles(void)
{
    ULONG64 Idle = MipIdle.Cycles;

    return KeReadCycleCounter() - Idle;
}

static NTSTATUS MipStartWatching(void)
{
    MipIdle.Cycles = 0;
    MipIdle.Stop = FALSE;
    KeInitializeEvent(&MipIdle.Ended, NotificationEvent, FALSE);
    return PsStartSystemThread(MipWatch, &MipIdle, MIP_LOWEST_PRIORITY, "idle time");
}

static void MipStopWatching(void)
{
    NTSTATUS Status;

    MipIdle.Stop = TRUE;
    Status = KeWaitForSingleObject(&MipIdle.Ended, Executive, KernelMode, FALSE, NULL);
    MI_ASSERT(Status == STATUS_SUCCESS);
}

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
        Start = MipBusyCycles();
        Status = MiWriteProcess();
        Out[Run] = (ULONG)((MipBusyCycles() - Start) / MIP_RUN_PAGES);
        Reused = MiReuseStandbyFrames();
        MI_ASSERT(!NT_SUCCESS(Status) || Reused >= MIP_RUN_PAGES);
        Start = MipBusyCycles();
        MiTouchAllForBench(Base, MIP_RUN_PAGES);
        In[Run] = (ULONG)((MipBusyCycles() - Start) / MIP_RUN_PAGES);
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
        Start = MipBusyCycles();
        MiTouchForBench(Base + (Random >> 8) % MIP_FAR_PAGES * PAGE_SIZE);
        Samples[i] = (ULONG)(MipBusyCycles() - Start);
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

    if (!NT_SUCCESS(MipStartWatching())) {
        return 0;
    }
    Rows = MipMeasureSequential(Print);
    Rows += MipMeasureRandom(Print);
    MipStopWatching();
    return Rows;
}

ULONG MiMeasurePaging(MI_BENCH_PRINT *Print)
{
    return MmNumberOfPagingFiles == 0 ? 0 : MiMeasureInProcess(MipMeasureFiles, Print);
}
