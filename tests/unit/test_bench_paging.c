/* SPDX-License-Identifier: MIT */
/*
 * test_bench_paging.c - the rows of paging are printed, in order, and nothing stays behind.
 */
#include "bench.h"
#include "tests/unit/paging_world.h"
#include "tests/unit/space_world.h"

#include <string.h>

static char Rows[512];

static void Print(const char *Row, const MI_BENCH_FIGURES *Figures)
{
    CHECK(Figures->Samples != 0);
    strcat(strcat(Rows, Row), " ");
}

TEST(Bench_of_paging_needs_a_paging_file)
{
    PagingWorldStart(1);
    CHECK_EQUAL(0, MiMeasurePaging(Print));
    PagingWorldFinish();
}
