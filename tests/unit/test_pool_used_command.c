/* SPDX-License-Identifier: MIT */
/*
 * test_pool_used_command.c - !poolused: Diff = Allocs - Frees, and the lines add up to the total;
 * tags as users type them.
 */
#include "mm/inspect/commands.h"
#include "mm/pool/pool_tag.h"
#include "tests/unit/command_bench.h"
#include <string.h>
#include "tests/unit/pool_world.h"

#include <stdio.h>

/* A verbose line: nonpaged Allocs, Frees, Diff, Used, then the same of paged pool. */
typedef struct _LINE {
    unsigned Column[8];
} LINE;

/* => Returns FALSE when Shown does not begin with such a line. */
static BOOLEAN ReadLine(const char *Shown, LINE *Line)
{
    return sscanf(Shown + 6, "%u %u %u %u %u %u %u %u", &Line->Column[0], &Line->Column[1],
                  &Line->Column[2], &Line->Column[3], &Line->Column[4], &Line->Column[5],
                  &Line->Column[6], &Line->Column[7]) == 8;
}

static const char *NextLine(const char *Shown)
{
    return strchr(Shown, '\n') + 1;
}

static LINE LineOf(const char *Shown, const char *Tag)
{
    LINE Line = {{0}};
    const char *Found = strstr(Shown, Tag);

    CHECK(Found != NULL && ReadLine(Found - 1, &Line));
    return Line;
}

static void Populate(PVOID *Blocks, ULONG Count)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        Blocks[i] = ExAllocatePoolWithTag(i % 2 == 0 ? NonPagedPool : PagedPool, 50 + 100 * i,
                                          i % 3 == 0 ? TAG_A : TAG_B);
        CHECK(Blocks[i] != NULL);
    }
}

static void Free(PVOID *Blocks, ULONG First, ULONG Count)
{
    ULONG i;

    for (i = First; i < First + Count; i++) {
        ExFreePool(Blocks[i]);
    }
}

TEST(Poolused_diff_is_allocs_less_frees_and_the_total_is_the_sum)
{
    PVOID Blocks[24];
    LINE Sum = {{0}};
    LINE Before;
    LINE Line;
    const char *Shown;
    ULONG i;

    PopulatedStart();
    Before = LineOf(Command("!poolused 1"), "TOTAL");
    Populate(Blocks, RTL_NUMBER_OF(Blocks));
    Free(Blocks, 0, 7);
    Shown = NextLine(NextLine(Command("!poolused 1")));
    for (; strncmp(Shown, " TOTAL", 6) != 0; Shown = NextLine(Shown)) {
        CHECK(ReadLine(Shown, &Line));
        CHECK_EQUAL(Line.Column[0] - Line.Column[1], Line.Column[2]);
        CHECK_EQUAL(Line.Column[4] - Line.Column[5], Line.Column[6]);
        for (i = 0; i < RTL_NUMBER_OF(Sum.Column); i++) {
            Sum.Column[i] += Line.Column[i];
        }
    }
    CHECK(ReadLine(Shown, &Line));
    for (i = 0; i < RTL_NUMBER_OF(Sum.Column); i++) {
        CHECK_EQUAL(Sum.Column[i], Line.Column[i]);
    }
    CHECK_EQUAL(RTL_NUMBER_OF(Blocks),
                Line.Column[0] + Line.Column[4] - Before.Column[0] - Before.Column[4]);
    CHECK_EQUAL(RTL_NUMBER_OF(Blocks) - 7,
                Line.Column[2] + Line.Column[6] - Before.Column[2] - Before.Column[6]);
    Free(Blocks, 7, RTL_NUMBER_OF(Blocks) - 7);
    PopulatedFinish();
}

TEST(Poolused_is_all_zero_after_a_clean_user)
{
    PVOID Blocks[10];
    LINE Line;

    PopulatedStart();
    Populate(Blocks, RTL_NUMBER_OF(Blocks));
    Free(Blocks, 0, RTL_NUMBER_OF(Blocks));
    Line = LineOf(Command("!poolused 1 OneA"), "OneA");
    CHECK_EQUAL(4, Line.Column[0] + Line.Column[4]);
    CHECK_EQUAL(0, Line.Column[2] + Line.Column[3] + Line.Column[6] + Line.Column[7]);
    PopulatedFinish();
}

TEST(Poolused_sorts_by_one_pool)
{
    PVOID Large;
    PVOID Small;
    const char *Shown;

    PopulatedStart();
    Small = ExAllocatePoolWithTag(NonPagedPool, 8, TAG_A);
    Large = ExAllocatePoolWithTag(NonPagedPool, 800, TAG_B);
    Shown = Command("!poolused 2");
    CHECK_SHOWS("Sorting by NonPaged Pool Consumed", Shown);
    CHECK(strstr(Shown, "OneB") < strstr(Shown, "OneA"));
    Shown = Command("!poolused");
    CHECK(strstr(Shown, "OneA") < strstr(Shown, "OneB"));
    CHECK(strstr(Shown, "Diff") == NULL);
    CHECK_SHOWS("Flags:", Command("!poolused 6"));
    CHECK_SHOWS("Session pool is not listed by tag", Command("!poolused 8"));
    ExFreePool(Small);
    ExFreePool(Large);
    PopulatedFinish();
}

TEST(Poolused_takes_a_tag_with_any_characters)
{
    PVOID Blocks[4];

    PopulatedStart();
    Populate(Blocks, RTL_NUMBER_OF(Blocks));
    CHECK(strstr(Command("!poolused 0 ?neA"), "OneB") == NULL);
    CHECK_SHOWS("OneA", Command("!poolused 0 ?neA"));
    CHECK_SHOWS("OneB", Command("!poolused 0 *"));
    CHECK_EQUAL(3, LineCount(Command("!poolused 0 Nope")));
    CHECK_SHOWS("A tag has four characters", Command("!poolused 0 OneAB"));
    Free(Blocks, 0, RTL_NUMBER_OF(Blocks));
    PopulatedFinish();
}

TEST(TakeTag_fills_short_tags_with_blanks_that_also_mean_zero)
{
    const char *Shown = "Mm   1";
    MI_TAG_PATTERN Pattern;

    CHECK(MiTakeTag(&Shown, &Pattern));
    CHECK_TEXT("1", Shown);
    CHECK(MiTagMatches(&Pattern, 0x20206D4D));
    CHECK(MiTagMatches(&Pattern, 0x00006D4D));
    CHECK(MiTagMatches(&Pattern, 0x20206D4D | PROTECTED_POOL));
    CHECK(!MiTagMatches(&Pattern, 0x74536D4D));
}

TEST(TakeTag_reads_numbers_as_tags)
{
    const char *Shown = "0x74426D4D";
    MI_TAG_PATTERN Pattern;

    CHECK(MiTakeTag(&Shown, &Pattern));
    CHECK(MiTagMatches(&Pattern, 0x74426D4D));
    CHECK(!MiTagMatches(&Pattern, 0x74426D4E));
}

TEST(PoolTagOwner_knows_the_trees_own_tags)
{
    CHECK_TEXT("table of large pool blocks", MiPoolTagOwner(0x74426D4D));
    CHECK_TEXT("table of large pool blocks", MiPoolTagOwner(0x74426D4D | PROTECTED_POOL));
    CHECK_TEXT("", MiPoolTagOwner(TAG_A));
    CHECK(MiPoolTagOwner(MI_POOL_TAG_NONE)[0] != 0);
    CHECK(MiPoolTagOwner(MI_POOL_TAG_OVERFLOW)[0] != 0);
}
