/* SPDX-License-Identifier: MIT */
/*
 * test_bench.c - the figures of a benchmark row.
 */
#include "bench.h"
#include "tests/unit/test.h"

TEST(SummarizeSamples_sorts_and_takes_the_documented_positions)
{
    ULONG Samples[100];
    MI_BENCH_FIGURES Figures;
    ULONG i;

    for (i = 0; i < 100; i++) {
        Samples[i] = (i * 37) % 100; /* 0..99, shuffled */
    }
    MiSummarizeSamples(Samples, 100, &Figures);
    for (i = 0; i < 100; i++) {
        CHECK_EQUAL(i, Samples[i]);
    }
    CHECK_EQUAL(50, Figures.Median);
    CHECK_EQUAL(50, Figures.Mean); /* 49.5, rounded */
    CHECK_EQUAL(99, Figures.Percentile99);
    CHECK_EQUAL(99, Figures.Maximum);
    CHECK_EQUAL(100, Figures.Samples);
}

TEST(SummarizeSamples_takes_a_single_sample)
{
    ULONG Sample = 50000000;
    MI_BENCH_FIGURES Figures;

    MiSummarizeSamples(&Sample, 1, &Figures);
    CHECK_EQUAL(50000000, Figures.Median);
    CHECK_EQUAL(50000000, Figures.Mean);
    CHECK_EQUAL(50000000, Figures.Percentile99);
    CHECK_EQUAL(50000000, Figures.Maximum);
}
