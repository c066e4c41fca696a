/* SPDX-License-Identifier: MIT */
/*
 * bench.c - measuring one operation in cycles.
 *
 * Every sample is kept and sorted, so that median and percentile are those of the samples and not
 * of a model.  A sample that comes out below the calibration counts as 0.
 */
#include "bench.h"

#include "arch/cpu.h"

static ULONG MipSamples[MI_BENCH_SAMPLES];
static ULONG MipEmpty;

/* Shell sort with Ciura's gaps: no recursion, and quick enough for a thousand numbers. */
static void MipSort(PULONG Values, ULONG Count)
{
    static const ULONG Gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};
    ULONG g;
    ULONG i;

    for (g = 0; g < RTL_NUMBER_OF(Gaps); g++) {
        for (i = Gaps[g]; i < Count; i++) {
            ULONG Value = Values[i];
            ULONG j = i;

            for (; j >= Gaps[g] && Values[j - Gaps[g]] > Value; j -= Gaps[g]) {
                Values[j] = Values[j - Gaps[g]];
            }
            Values[j] = Value;
        }
    }
}

void MiSummarizeSamples(PULONG Samples, ULONG Count, PMI_BENCH_FIGURES Figures)
{
    ULONG64 Sum = 0;
    ULONG i;

    MipSort(Samples, Count);
    for (i = 0; i < Count; i++) {
        Sum += Samples[i];
    }
    Figures->Median = Samples[Count / 2];
    Figures->Mean = (ULONG)((Sum + Count / 2) / Count);
    Figures->Percentile99 = Samples[(ULONG)((ULONG64)Count * 99 / 100)];
    Figures->Maximum = Samples[Count - 1];
    Figures->Samples = Count;
}

static ULONG MipMeasureOnce(MI_BENCH_OPERATION *Operation, PVOID Context)
{
    ULONG64 Start = KeReadCycleCounter();
    ULONG Cycles;

    Operation(Context);
    Cycles = (ULONG)(KeReadCycleCounter() - Start);
    return Cycles > MipEmpty ? Cycles - MipEmpty : 0;
}

void MiMeasure(MI_BENCH_OPERATION *Operation, PVOID Context, PMI_BENCH_FIGURES Figures)
{
    ULONG i;

    for (i = 0; i < MI_BENCH_WARM_UP; i++) {
        MipMeasureOnce(Operation, Context);
    }
    for (i = 0; i < MI_BENCH_SAMPLES; i++) {
        MipSamples[i] = MipMeasureOnce(Operation, Context);
    }
    MiSummarizeSamples(MipSamples, MI_BENCH_SAMPLES, Figures);
}

void MiMeasurePrepared(MI_BENCH_OPERATION *Prepare, MI_BENCH_OPERATION *Operation, PVOID Context,
                       PMI_BENCH_FIGURES Figures)
{
    ULONG i;

    for (i = 0; i < MI_BENCH_WARM_UP; i++) {
        Prepare(Context);
        MipMeasureOnce(Operation, Context);
    }
    for (i = 0; i < MI_BENCH_SAMPLES; i++) {
        Prepare(Context);
        MipSamples[i] = MipMeasureOnce(Operation, Context);
    }
    MiSummarizeSamples(MipSamples, MI_BENCH_SAMPLES, Figures);
}

void MiDivideFigures(PMI_BENCH_FIGURES Figures, ULONG By)
{
    Figures->Median /= By;
    Figures->Mean /= By;
    Figures->Percentile99 /= By;
    Figures->Maximum /= By;
}

static ULONG MipLess(ULONG Value, ULONG By)
{
    return Value > By ? Value - By : 0;
}

void MiSubtractFigures(PMI_BENCH_FIGURES Figures, ULONG By)
{
    Figures->Median = MipLess(Figures->Median, By);
    Figures->Mean = MipLess(Figures->Mean, By);
    Figures->Percentile99 = MipLess(Figures->Percentile99, By);
    Figures->Maximum = MipLess(Figures->Maximum, By);
}

static void MipNothing(PVOID Context)
{
    (void)Context;
}

void MiCalibrateBench(PMI_BENCH_FIGURES Figures)
{
    MipEmpty = 0;
    MiMeasure(MipNothing, NULL, Figures);
    MipEmpty = Figures->Median;
}
