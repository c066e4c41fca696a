/* SPDX-License-Identifier: MIT */
/*
 * test_bench_space.c - the rows of address spaces are printed, in order, and nothing stays behind.
 */
#include "bench.h"
#include "tests/unit/space_world.h"

#include <string.h>

static char Rows[512];

static void Print(const char *Row, const MI_BENCH_FIGURES *Figures)
{
    CHECK_EQUAL(MI_BENCH_SAMPLES, Figures->Samples);
    strcat(strcat(Rows, Row), " ");
}

TEST(Bench_of_address_spaces_prints_its_rows_and_gives_everything_back)
{
    ULONG Faults;

    SpaceStart();
    SpaceEnter(PsInitialSystemProcess);
    Rows[0] = 0;
    Faults = MiFaultCounters.DemandZero;
    CHECK_EQUAL(8, MiMeasureAddressSpaces(Print));
    CHECK_TEXT("va.reserve64k va.protect1 fault.zero va.decommit space.switch va.reserve64k.1000 "
               "va.reserve64k.10000 va.reserve64k.30000 ",
               Rows);
    /* a page each time; 64 each time but the first, when they are there; 65 at the beginning */
    CHECK_EQUAL((MI_BENCH_WARM_UP + MI_BENCH_SAMPLES) * (1 + 64) + 65 - 64,
                MiFaultCounters.DemandZero - Faults);
    SpaceFinish();
}
