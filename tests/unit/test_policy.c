/* SPDX-License-Identifier: MIT */
/*
 * test_policy.c - each decision at its borders, by tables; 64 MB: pressure 256, ample 768 pages.
 */
#include "mm/balance/policy.h"

#include "tests/unit/test.h"

#define RAM 16384u

TEST(PagesWanted_brings_available_and_what_can_be_written_to_ample_only_under_pressure)
{
    static const struct {
        MI_MEMORY_FIGURES Memory;
        ULONG Wanted;
    } Table[] = {
        {{RAM, 256, 256, 0, 1000, 1, 0, 0}, 0}, /* at the border: none yet */
        {{RAM, 255, 255, 0, 1000, 1, 0, 0}, 513},
        {{RAM, 0, 0, 0, 1000, 1, 1, 0}, 768},
        {{RAM, 255, 255, 500, 1000, 1, 0, 0}, 13}, /* 500 are about to come */
        {{RAM, 255, 255, 513, 1000, 1, 0, 0}, 0},
        {{RAM, 255, 255, 500, 100, 1, 0, 0}, 413}, /* but there is room for 100 only */
        {{RAM, 255, 255, 5000, 0, 0, 0, 0}, 513},
        {{RAM, 600, 600, 0, 1000, 1, 2, 0}, 168}, /* somebody waits although there are some */
        {{RAM, 800, 800, 0, 1000, 1, 2, 0}, 0},
        {{RAM, 255, 255, 0, 0, 0, 0, 500}, 13}, /* files need no slots */
    };
    ULONG i;

    for (i = 0; i < sizeof(Table) / sizeof(Table[0]); i++) {
        CHECK_EQUAL(Table[i].Wanted, MiPagesWanted(&Table[i].Memory));
    }
}

TEST(ShouldWriteMapped_needs_no_paging_file)
{
    MI_MEMORY_FIGURES Memory = {RAM, 255, 255, 5, 0, 0, 0, 0};

    CHECK(!MiShouldWriteMapped(&Memory));
    Memory.MappedPages = 1;
    CHECK(MiShouldWriteMapped(&Memory));
    Memory.AvailablePages = 256;
    Memory.MappedPages = 63;
    CHECK(!MiShouldWriteMapped(&Memory));
    Memory.MappedPages = 64;
    CHECK(MiShouldWriteMapped(&Memory));
}

TEST(ShouldWrite_asks_for_less_the_shorter_memory_is)
{
    static const struct {
        MI_MEMORY_FIGURES Memory;
        BOOLEAN Write;
    } Table[] = {
        {{RAM, 255, 255, 1, 1000, 1, 0, 0}, TRUE},
        {{RAM, 255, 255, 0, 1000, 1, 0, 0}, FALSE}, /* nothing to write */
        {{RAM, 255, 255, 900, 0, 0, 0, 0}, FALSE},  /* nowhere to write it */
        {{RAM, 256, 256, 63, 1000, 1, 0, 0}, FALSE},
        {{RAM, 256, 256, 64, 1000, 1, 0, 0}, TRUE}, /* a full write */
        {{RAM, 256, 256, 1, 1000, 1, 1, 0}, TRUE},  /* somebody waits */
        {{RAM, 1600, 1600, 100, 1000, 1, 0, 0}, FALSE},
        {{RAM, 1600, 1600, 101, 1000, 1, 0, 0}, TRUE}, /* more than a 16th of the available ones */
        {{RAM, 8000, 4096, 4000, 9000, 1, 0, 0}, FALSE}, /* a quarter of RAM is free */
        {{RAM, 8000, 4095, 4000, 9000, 1, 0, 0}, TRUE},
        {{0x100000, 600000, 19999, 16385, 99999, 1, 0, 0},
         TRUE}, /* 64 MB are many on any machine */
        {{0x100000, 600000, 19999, 16384, 99999, 1, 0, 0}, FALSE},
        {{0x100000, 600000, 20000, 99999, 99999, 1, 0, 0}, FALSE},
    };
    ULONG i;

    for (i = 0; i < sizeof(Table) / sizeof(Table[0]); i++) {
        CHECK_EQUAL(Table[i].Write, MiShouldWrite(&Table[i].Memory));
    }
}

static MMSUPPORT Set(ULONG Size, ULONG Minimum, ULONG Maximum, ULONG Idle)
{
    return (MMSUPPORT){.WorkingSetSize = Size,
                       .MinimumWorkingSetSize = Minimum,
                       .MaximumWorkingSetSize = Maximum,
                       .EstimatedAvailable = Idle,
                       .MemoryPriority = MI_DEFAULT_PRIORITY};
}

TEST(Passes_take_younger_pages_each_time_and_any_in_the_last)
{
    CHECK_EQUAL(MI_OLDEST, MiAgeOfPass(0));
    CHECK_EQUAL(1, MiAgeOfPass(MI_LAST_PASS - 1));
    CHECK_EQUAL(0, MiAgeOfPass(MI_LAST_PASS));
}

TEST(TrimShare_leaves_the_minimum_until_the_last_pass_and_locked_pages_always)
{
    MMSUPPORT Each = Set(400, 50, 345, 400);

    CHECK_EQUAL(100, MiTrimShare(&Each, 0, 100));
    CHECK_EQUAL(350, MiTrimShare(&Each, 0, 1000));
    CHECK_EQUAL(350, MiTrimShare(&Each, MI_LAST_PASS - 1, 1000));
    CHECK_EQUAL(100, MiTrimShare(&Each, MI_LAST_PASS, 1000)); /* a quarter */
    Each = Set(40, 50, 345, 40);
    CHECK_EQUAL(0, MiTrimShare(&Each, 0, 1000));
    CHECK_EQUAL(40, MiTrimShare(&Each, MI_LAST_PASS, 1000));
    Each.LockedPages = 30;
    CHECK_EQUAL(10, MiTrimShare(&Each, MI_LAST_PASS, 1000));
    Each.MinimumWorkingSetHard = TRUE;
    CHECK_EQUAL(0, MiTrimShare(&Each, MI_LAST_PASS, 1000));
    Each = Set(15000, 50, 345, 0);
    CHECK_EQUAL(513, MiTrimShare(&Each, MI_LAST_PASS, 513)); /* never everything */
    CHECK_EQUAL(3750, MiTrimShare(&Each, MI_LAST_PASS, 15000));
}

/* Of each pair the first comes first. */
TEST(TrimRank_orders_by_foreground_then_limits_then_gain)
{
    MMSUPPORT Beyond = Set(400, 50, 345, 64);
    MMSUPPORT Larger = Set(4000, 50, 345, 300);
    MMSUPPORT Between = Set(300, 50, 345, 200);
    MMSUPPORT Below = Set(40, 50, 345, 40);
    MMSUPPORT Front = Set(9000, 50, 345, 9000);

    Front.MemoryPriority = MI_FOREGROUND_PRIORITY;
    CHECK(MiTrimRank(&Larger, 0) < MiTrimRank(&Beyond, 0));
    CHECK(MiTrimRank(&Beyond, 0) < MiTrimRank(&Between, 0));
    CHECK(MiTrimRank(&Between, 0) < MiTrimRank(&Front, 0));
    CHECK_EQUAL(MI_NOT_NOW, MiTrimRank(&Below, 0));
    CHECK(MiTrimRank(&Between, MI_LAST_PASS) < MiTrimRank(&Below, MI_LAST_PASS));
    CHECK(MiTrimRank(&Below, MI_LAST_PASS) < MiTrimRank(&Front, MI_LAST_PASS));
    CHECK(MiTrimRank(&Front, MI_LAST_PASS) != MI_NOT_NOW);
}

TEST(TrimRank_leaves_who_was_busy_to_the_last_pass)
{
    MMSUPPORT Busy = Set(4000, 50, 345, 0);
    MMSUPPORT Idle = Set(400, 50, 345, 10);

    CHECK_EQUAL(MI_NOT_NOW, MiTrimRank(&Busy, 0));
    CHECK_EQUAL(MI_NOT_NOW, MiTrimRank(&Busy, MI_LAST_PASS - 1));
    CHECK(MiTrimRank(&Idle, 0) != MI_NOT_NOW);
    CHECK(MiTrimRank(&Busy, MI_LAST_PASS) != MI_NOT_NOW);
}

TEST(Estimate_goes_to_what_is_found_within_a_round)
{
    ULONG Estimate = 0;
    ULONG i;

    CHECK_EQUAL(101, MiEntriesToAge(800, FALSE));
    CHECK_EQUAL(401, MiEntriesToAge(800, TRUE));
    CHECK_EQUAL(1, MiEntriesToAge(0, FALSE));
    CHECK_EQUAL(7, MiNextEstimate(500, 800, 7, 800)); /* all was looked at */
    for (i = 0; i < 32; i++) {
        Estimate = MiNextEstimate(Estimate, 100, 100, 800); /* nothing is accessed */
    }
    CHECK(Estimate > 780 && Estimate <= 800);
    for (i = 0; i < 64; i++) {
        Estimate = MiNextEstimate(Estimate, 100, 0, 800); /* everything is */
    }
    CHECK(Estimate < 10);
    CHECK_EQUAL(10, MiNextEstimate(500, 5, 8, 10)); /* the working set has shrunk */
}

TEST(Claim_is_what_is_idle_above_the_minimum)
{
    MMSUPPORT Each = Set(400, 50, 345, 100);

    CHECK_EQUAL(100, MiClaim(&Each));
    Each.EstimatedAvailable = 400;
    CHECK_EQUAL(350, MiClaim(&Each));
    Each.WorkingSetSize = 30;
    CHECK_EQUAL(0, MiClaim(&Each));
}
