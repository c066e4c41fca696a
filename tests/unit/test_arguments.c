/* SPDX-License-Identifier: MIT */
/*
 * test_arguments.c - taking arguments one by one, and what is said of those that make no sense.
 */
#include "tests/unit/monitor_bench.h"

#include <string.h>

static void Start(void)
{
    MonitorStart();
    HostConsoleClear();
}

TEST(TakeArgument_moves_behind_the_value_and_its_blanks)
{
    const char *Arguments = "  10   KiStart+(1 + 1) ";
    ULONG_PTR Value = 0;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, MiTakeArgument(&Arguments, &Value));
    CHECK_EQUAL(0x10, Value);
    CHECK_TEXT("KiStart+(1 + 1) ", Arguments);
    CHECK_EQUAL(STATUS_SUCCESS, MiTakeArgument(&Arguments, &Value));
    CHECK_EQUAL(MONITOR_KERNEL + 2, Value);
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, MiTakeArgument(&Arguments, &Value));
    CHECK_EQUAL(MONITOR_KERNEL + 2, Value);
    CHECK_TEXT("", HostConsoleText());
}

TEST(TakeArgument_says_which_word_is_wrong)
{
    const char *Arguments = "1+zz 10";
    ULONG_PTR Value = 7;

    Start();
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MiTakeArgument(&Arguments, &Value));
    CHECK_EQUAL(7, Value);
    CHECK_TEXT("\"1+zz\", character 3: there is no symbol called \"zz\".\n", HostConsoleText());
}

TEST(TakeOptional_has_a_default_only_for_what_is_missing)
{
    const char *Arguments = " ";
    ULONG_PTR Value = 0;

    Start();
    CHECK(MiTakeOptional(&Arguments, 42, &Value));
    CHECK_EQUAL(42, Value);
    Arguments = "5";
    CHECK(MiTakeOptional(&Arguments, 42, &Value));
    CHECK_EQUAL(5, Value);
    CHECK_TEXT("", HostConsoleText());
    Arguments = "(";
    CHECK(!MiTakeOptional(&Arguments, 42, &Value));
    CHECK_TEXT("\"(\", character 2: a number or a name is missing at the end.\n",
               HostConsoleText());
}

TEST(TakeWord_takes_words_that_fit)
{
    char Long[MI_WORD_BYTES + 1];
    char Word[MI_WORD_BYTES];
    const char *Arguments = " one  two ";

    CHECK(MiTakeWord(&Arguments, Word));
    CHECK_TEXT("one", Word);
    CHECK(MiTakeWord(&Arguments, Word));
    CHECK_TEXT("two", Word);
    CHECK(!MiTakeWord(&Arguments, Word));
    CHECK_TEXT("", Word);
    memset(Long, 'x', MI_WORD_BYTES);
    Long[MI_WORD_BYTES] = 0;
    Arguments = Long;
    CHECK(!MiTakeWord(&Arguments, Word));
    CHECK_TEXT("", Word);
    Arguments = Long + 1;
    CHECK(MiTakeWord(&Arguments, Word));
    CHECK_EQUAL(MI_WORD_BYTES - 1, strlen(Word));
}

static void CheckRange(const char *Arguments, ULONG ObjectBytes, ULONG_PTR Start, ULONG Count)
{
    MI_MEMORY_RANGE Range = {0, 0};

    CHECK_EQUAL(STATUS_SUCCESS, MiTakeRange(&Arguments, ObjectBytes, 8, &Range));
    CHECK_EQUAL(Start, Range.Start);
    CHECK_EQUAL(Count, Range.Count);
    CHECK_TEXT("", Arguments);
}

TEST(TakeRange_counts_objects_and_stays_within_the_address_space)
{
    Start();
    CheckRange("1000", 4, 0x1000, 8);
    CheckRange("1000 L10", 4, 0x1000, 0x10);
    CheckRange("1000 1000", 4, 0x1000, 1);
    CheckRange("1000 1003", 4, 0x1000, 1);
    CheckRange("1000 1004", 4, 0x1000, 2);
    CheckRange("0 L100000", 1, 0, 0x100000);
    CheckRange("fffffff0", 4, 0xFFFFFFF0, 4);
    CheckRange("fffffff1 ffffffff", 4, 0xFFFFFFF1, 3);
    CheckRange("ffffffff", 4, 0xFFFFFFFF, 0);
    CheckRange("fffff000 L100000", 1, 0xFFFFF000, 0x1000);
    CHECK_TEXT("", HostConsoleText());
}

TEST(TakeRange_leaves_what_follows_it)
{
    const char *Arguments = "1000 L4 41 42";
    MI_MEMORY_RANGE Range;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, MiTakeRange(&Arguments, 1, 0, &Range));
    CHECK_EQUAL(4, Range.Count);
    CHECK_TEXT("41 42", Arguments);
    Arguments = "";
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, MiTakeRange(&Arguments, 1, 8, &Range));
}

TEST(TakeEnd_names_what_is_too_much)
{
    Start();
    CHECK(MiTakeEnd("  "));
    CHECK_TEXT("", HostConsoleText());
    CHECK(!MiTakeEnd(" x y"));
    CHECK_TEXT("\"x y\" is more than this command takes.\n", HostConsoleText());
}
