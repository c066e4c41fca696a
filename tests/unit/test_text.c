/* SPDX-License-Identifier: MIT */
/*
 * test_text.c - mm/rtl/text.c: comparing, finding, parsing.
 */
#include "tests/unit/hazard.h"
#include "tests/unit/test.h"
#include "rtl.h"

#include <string.h>

#define UNTOUCHED UINT64_C(0x5555)

/* Put Text, without its final zero, against the fence. */
static const char *Fenced(const char *Text)
{
    return memcpy(TestFencedBytes(strlen(Text)), Text, strlen(Text));
}

TEST(CompareText_ignores_the_case_of_letters_only)
{
    CHECK_EQUAL(0, RtlCompareText("PageFile.SYS", "pagefile.sys", 12));
    CHECK(RtlCompareText("@", "`", 1) < 0);
    CHECK(RtlCompareText("[", "{", 1) < 0);
    CHECK(RtlCompareText("Z", "[", 1) > 0); /* letters compare as small ones: z is above [ */
}

TEST(CompareText_orders_by_the_first_difference_as_unsigned_bytes)
{
    CHECK(RtlCompareText("ABC", "abd", 3) < 0);
    CHECK(RtlCompareText("abd", "ABC", 3) > 0);
    CHECK(RtlCompareText("\x80", "a", 1) > 0);
}

TEST(CompareText_stops_at_the_end_of_both_texts)
{
    CHECK_EQUAL(0, RtlCompareText("ab\0x", "AB\0y", 4));
    CHECK(RtlCompareText("ab", "abc", 9) < 0);
    CHECK(RtlCompareText("abc", "ab", 9) > 0);
}

TEST(CompareText_reads_no_more_than_Bytes)
{
    CHECK_EQUAL(0, RtlCompareText(Fenced("abc"), "ABCd", 3));
    CHECK_EQUAL(0, RtlCompareText(Fenced("abc"), "xyz", 0));
}

TEST(FindText_returns_the_first_occurrence)
{
    const char *Text = "aababab";

    CHECK(RtlFindText(Text, "bab") == Text + 2);
    CHECK(RtlFindText(Text, "aab") == Text);
    CHECK(RtlFindText(Text, Text) == Text);
}

TEST(FindText_returns_NULL_when_there_is_none)
{
    CHECK(RtlFindText("abc", "abcd") == NULL);
    CHECK(RtlFindText("abc", "B") == NULL);
    CHECK(RtlFindText("", "a") == NULL);
}

TEST(FindText_finds_an_empty_needle_at_the_start)
{
    const char *Text = "abc";

    CHECK(RtlFindText(Text, "") == Text);
    CHECK(RtlFindText("", "") != NULL);
}

/* Expect Text to parse as Value, of which Used bytes are the number. */
static void CheckNumber(ULONG64 Expected, SIZE_T Used, const char *Text)
{
    const char *Start = Fenced(Text);
    const char *Next = Start;
    ULONG64 Value = UNTOUCHED;

    CHECK_EQUAL(STATUS_SUCCESS, RtlParseNumber(&Next, Start + strlen(Text), &Value));
    CHECK_EQUAL(Expected, Value);
    CHECK_EQUAL(Used, Next - Start);
}

static void CheckNoNumber(NTSTATUS Expected, const char *Text)
{
    const char *Start = Fenced(Text);
    const char *Next = Start;
    ULONG64 Value = UNTOUCHED;

    CHECK_EQUAL(Expected, RtlParseNumber(&Next, Start + strlen(Text), &Value));
    CHECK_EQUAL(UNTOUCHED, Value);
    CHECK(Next == Start);
}

TEST(ParseNumber_reads_decimal_and_stops_behind_the_last_digit)
{
    CheckNumber(0, 1, "0");
    CheckNumber(42, 4, "0042");
    CheckNumber(1024, 4, "1024 MB");
    CheckNumber(12, 2, "12a");
    CheckNumber(9, 1, "9:");
}

TEST(ParseNumber_reads_hexadecimal_in_both_cases)
{
    CheckNumber(0xC0300abc, 10, "0xC0300abc");
    CheckNumber(0xFa, 4, "0XFag");
    CheckNumber(0x9, 3, "0x9G");
    CheckNumber(0x9, 3, "0x9/"); /* the characters next to the ranges of digits */
    CheckNumber(0x9, 3, "0x9:");
    CheckNumber(0x9, 3, "0x9@");
    CheckNumber(0x9, 3, "0x9`");
}

TEST(ParseNumber_accepts_the_largest_number_of_64_bits)
{
    CheckNumber(UINT64_MAX, 20, "18446744073709551615");
    CheckNumber(UINT64_MAX, 19, "0x0FFFFFFFFFFFFFFFF");
}

TEST(ParseNumber_refuses_what_does_not_fit_in_64_bits)
{
    CheckNoNumber(STATUS_INTEGER_OVERFLOW, "18446744073709551616");
    CheckNoNumber(STATUS_INTEGER_OVERFLOW, "20000000000000000000");
    CheckNoNumber(STATUS_INTEGER_OVERFLOW, "0x10000000000000000");
    CheckNoNumber(STATUS_INTEGER_OVERFLOW, "99999999999999999999999");
}

TEST(ParseNumber_refuses_a_text_without_digits)
{
    CheckNoNumber(STATUS_INVALID_PARAMETER, "");
    CheckNoNumber(STATUS_INVALID_PARAMETER, " 1");
    CheckNoNumber(STATUS_INVALID_PARAMETER, "-1");
    CheckNoNumber(STATUS_INVALID_PARAMETER, "abc");
    CheckNoNumber(STATUS_INVALID_PARAMETER, "0x");
    CheckNoNumber(STATUS_INVALID_PARAMETER, "0xg");
}

TEST(ParseNumber_takes_a_0x_cut_by_the_end_as_a_zero)
{
    const char *Text = "0x1";
    const char *Next = Text;
    ULONG64 Value = UNTOUCHED;

    CHECK_EQUAL(STATUS_SUCCESS, RtlParseNumber(&Next, Text + 1, &Value));
    CHECK_EQUAL(0, Value);
    CHECK(Next == Text + 1);
}
