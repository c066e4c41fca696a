/* SPDX-License-Identifier: MIT */
/*
 * test_bench_system_view.c - the rows of views are printed, in order, and nothing stays behind.
 */
#include "bench.h"
#include "mm/section/system_view.h"
#include "tests/unit/space_world.h"

#include <string.h>

#define RUNS (MI_BENCH_WARM_UP + MI_BENCH_SAMPLES)

static char Rows[256];

static void Print(const char *Row, const MI_BENCH_FIGURES *Figures)
{
    CHECK_EQUAL(MI_BENCH_SAMPLES, Figures->Samples);
    strcat(strcat(Rows, Row), " ");
}

TEST(Bench_of_system_views_prints_its_rows_and_gives_everything_back)
{
    ULONG Shared;

    MmWorldNextUnforced();
    SpaceStart();
    SpaceEnter(PsInitialSystemProcess);
    Rows[0] = 0;
    Shared = MiFaultCounters.Prototype;
    CHECK_EQUAL(4, MiMeasureSystemViews(Print));
    CHECK_TEXT("section.view64k.system section.soft.system section.cluster.system cc.view256k ",
               Rows);
    CHECK_EQUAL(2 * RUNS, MiFaultCounters.Prototype - Shared); /* one of both rows' each time */
    CHECK(MiFaultCounters.Around >= 15 * RUNS);
    CHECK_EQUAL(0, MiSystemViewCounters.Views + MiSystemViewCounters.CacheViews);
    CHECK_EQUAL(0, MiSharedCommit);
    SpaceFinish();
}
