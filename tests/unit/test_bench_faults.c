/* SPDX-License-Identifier: MIT */
/*
 * test_bench_faults.c - the rows of soft faults and of working sets are printed, in order, and
 * nothing stays behind.
 */
#include "bench.h"
#include "tests/unit/space_world.h"

#include <string.h>

static char Rows[512];

static void Print(const char *Row, const MI_BENCH_FIGURES *Figures)
{
    CHECK(Figures->Samples != 0);
    strcat(strcat(Rows, Row), " ");
}

TEST(Bench_of_soft_faults_faults_on_standby_on_modified_and_on_shared_pages)
{
    ULONG Faults;
    ULONG Copies;

    SpaceStart();
    SpaceEnter(PsInitialSystemProcess);
    Rows[0] = 0;
    Faults = MiFaultCounters.Transition;
    Copies = MiFaultCounters.CopyOnWrite;
    CHECK_EQUAL(3, MiMeasureSoftFaults(Print));
    CHECK_TEXT("fault.transition page.copy fault.cow ", Rows);
    CHECK_EQUAL(MI_BENCH_WARM_UP + MI_BENCH_SAMPLES, MiFaultCounters.CopyOnWrite - Copies);
    CHECK_EQUAL(2 * (MI_BENCH_WARM_UP + MI_BENCH_SAMPLES), MiFaultCounters.Transition - Faults);
    SpaceFinish();
}

/* Working sets that the machine cannot hold have no rows. */
TEST(Bench_of_working_sets_prints_a_row_for_each_size_that_there_is_memory_for)
{
    SpaceStart();
    SpaceEnter(PsInitialSystemProcess);
    Rows[0] = 0;
    CHECK_EQUAL(2, MiMeasureWorkingSets(Print));
    CHECK_TEXT("fault.transition.1000 ws.trim.1000 ", Rows);
    SpaceFinish();
}
