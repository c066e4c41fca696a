/* SPDX-License-Identifier: MIT */
/*
 * test_bench_cache.c - without a volume there are no rows of the cache, and nothing stays behind.
 */
#include "bench.h"
#include "tests/unit/io_world.h"

static void Print(const char *Row, const MI_BENCH_FIGURES *Figures)
{
    CHECK(Row == NULL && Figures == NULL); /* there is no row */
}

TEST(Bench_of_the_cache_prints_nothing_without_a_volume_to_put_its_file_on)
{
    IoWorldPowerOn();
    CHECK_EQUAL(0, MiMeasureCache(Print));
    IoWorldPowerOff();
}
