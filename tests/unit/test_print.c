/* SPDX-License-Identifier: MIT */
/*
 * test_print.c - mm/rtl/print.c: each conversion, its flags, and the buffers' ends.
 */
#include "tests/unit/hazard.h"
#include "tests/unit/test.h"
#include "rtl.h"

#include <limits.h>
#include <string.h>

static char Output[256];

/* Without the attribute, so that formats may be wrong, or only ours. */
static const char *Format(const char *Text, ...)
{
    va_list Arguments;
    NTSTATUS Status;

    va_start(Arguments, Text);
    Status = RtlStringCbVPrintfA(Output, sizeof(Output), Text, Arguments);
    va_end(Arguments);
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    return Output;
}

TEST(Format_prints_literal_text_and_percent_signs)
{
    CHECK_TEXT("", Format(""));
    CHECK_TEXT("plain", Format("plain"));
    CHECK_TEXT("100% of 5%", Format("100%% of %d%%", 5));
    CHECK_TEXT("%", Format("%%"));
}

TEST(Format_prints_signed_numbers)
{
    CHECK_TEXT("0 7 -7", Format("%d %i %d", 0, 7, -7));
    CHECK_TEXT("2147483647 -2147483648", Format("%d %d", INT_MAX, INT_MIN));
    CHECK_TEXT("-9223372036854775808", Format("%lld", LLONG_MIN));
    CHECK_TEXT("4294967296", Format("%lld", 4294967296LL));
}

TEST(Format_prints_unsigned_numbers)
{
    CHECK_TEXT("0 4294967295", Format("%u %u", 0, UINT_MAX));
    CHECK_TEXT("18446744073709551615", Format("%llu", ULLONG_MAX));
    CHECK_TEXT("10000000000", Format("%llu", 10000000000ULL));
}

TEST(Format_prints_hexadecimal_in_both_cases)
{
    CHECK_TEXT("0 1a2b 1A2B", Format("%x %x %X", 0, 0x1A2B, 0x1A2B));
    CHECK_TEXT("fedcba9876543210", Format("%llx", 0xFEDCBA9876543210ULL));
    CHECK_TEXT("0xff 0XFF 0", Format("%#x %#X %#x", 255, 255, 0));
    CHECK_TEXT("0x00001f", Format("%#08x", 31));
}

TEST(Format_puts_a_sign_or_a_space_before_numbers)
{
    CHECK_TEXT("+5 -5 +0", Format("%+d %+d %+d", 5, -5, 0));
    CHECK_TEXT(" 5 -5", Format("% d % d", 5, -5));
    CHECK_TEXT("+5", Format("% +d", 5));
    CHECK_TEXT("5 5", Format("%+u % x", 5, 5));
}

TEST(Format_pads_to_the_width)
{
    CHECK_TEXT("   42|42   |00042", Format("%5d|%-5d|%05d", 42, 42, 42));
    CHECK_TEXT("-0042|+0042", Format("%05d|%+05d", -42, 42));
    CHECK_TEXT("42   |123456", Format("%-05d|%5d", 42, 123456));
    CHECK_TEXT("                                      ab", Format("%40s", "ab"));
    CHECK_TEXT("0000000000000000000000000000000000000007", Format("%040d", 7));
}

TEST(Format_prints_at_least_as_many_digits_as_the_precision)
{
    CHECK_TEXT("007 -007", Format("%.3d %.3d", 7, -7));
    CHECK_TEXT("  007|007  ", Format("%5.3d|%-5.3d", 7, 7));
    CHECK_TEXT("  007", Format("%05.3d", 7)); /* a precision switches the flag 0 off */
    CHECK_TEXT("0x00ff", Format("%#.4x", 255));
    CHECK_TEXT("[][][]", Format("[%.0d][%.d][%.0x]", 0, 0, 0));
    CHECK_TEXT("[+][  ]", Format("[%+.0d][%2.0u]", 0, 0));
}

TEST(Format_takes_width_and_precision_from_stars)
{
    CHECK_TEXT("   42|42   ", Format("%*d|%*d", 5, 42, -5, 42));
    CHECK_TEXT("00042|ab", Format("%.*d|%.*s", 5, 42, 2, "abc"));
    CHECK_TEXT("42|abc", Format("%.*d|%.*s", -1, 42, -2, "abc"));
    CHECK_TEXT("  ab", Format("%*.*s", 4, 2, "abc"));
}

TEST(Format_narrows_to_hh_and_h)
{
    CHECK_TEXT("-1 255 ff", Format("%hhd %hhu %hhx", 0x1FF, 0x1FF, 0x1FF));
    CHECK_TEXT("-1 65535 ffff", Format("%hd %hu %hx", 0x1FFFF, 0x1FFFF, 0x1FFFF));
    CHECK_TEXT("-128 -32768", Format("%hhd %hd", 0x80, 0x8000));
}

TEST(Format_takes_each_length_from_the_right_place)
{
    CHECK_TEXT("-1 2 3 4 5 -6 7", Format("%ld %lu %llu %zu %td %I64d %d", -1L, 2UL, 3ULL, (SIZE_T)4,
                                         (ptrdiff_t)5, (LONG64)-6, 7));
    CHECK_TEXT("18446744073709551615 1", Format("%I64u %u", UINT64_MAX, 1));
    CHECK_TEXT("ffffffffffffffff", Format("%I64x", (LONG64)-1));
}

TEST(Format_prints_pointers_at_full_width_in_upper_case)
{
    PVOID Pointer = (PVOID)(ULONG_PTR)0xC0300ABC;

    if (sizeof(PVOID) == 4) {
        CHECK_TEXT("C0300ABC 00000000", Format("%p %p", Pointer, NULL));
        CHECK_TEXT("  C0300ABC|C0300ABC  ", Format("%10p|%-10p", Pointer, Pointer));
        CHECK_TEXT("C0300ABC", Format("%#p", Pointer));
    } else {
        CHECK_TEXT("00000000C0300ABC 0000000000000000", Format("%p %p", Pointer, NULL));
    }
}

TEST(Format_prints_texts_and_characters)
{
    CHECK_TEXT("MmSt", Format("%s%c%c", "Mm", 'S', 't'));
    CHECK_TEXT("    x|x    |", Format("%5c|%-5c|", 'x', 'x'));
    CHECK_TEXT("   ab|ab   |abc", Format("%5s|%-5s|%2s", "ab", "ab", "abc"));
    CHECK_TEXT("ab||  a", Format("%.2s|%.0s|%3.1s", "abc", "abc", "abc"));
    CHECK_TEXT("(null)", Format("%s", NULL));
}

TEST(Format_counts_a_zero_character_as_output)
{
    NTSTATUS Status = RtlStringCbPrintfA(Output, 4, "a%cb", 0);

    CHECK_EQUAL(STATUS_SUCCESS, Status);
    CHECK_EQUAL(0, memcmp(Output, "a\0b", 4));
}

TEST(Format_reads_no_text_behind_the_precision)
{
    char *Text = TestFencedBytes(3);

    memcpy(Text, "abc", 3);
    CHECK_TEXT("abc", Format("%.3s", Text));
    CHECK_TEXT("", Format("%.0s", Text + 3));
}

TEST(Format_prints_unknown_conversions_as_they_stand)
{
    int Target = 77;

    CHECK_TEXT("%n", Format("%n", &Target));
    CHECK_EQUAL(77, Target);
    CHECK_TEXT("%f 7", Format("%f %d", 7));
    CHECK_TEXT("%-5.2q!", Format("%-5.2q!"));
    CHECK_TEXT("%*y 8", Format("%*y %d", 3, 8)); /* the star took its argument */
    CHECK_TEXT("%ls %hhc", Format("%ls %hhc"));
}

TEST(Format_prints_a_conversion_cut_by_the_end_as_it_stands)
{
    CHECK_TEXT("50%", Format("50%"));
    CHECK_TEXT("%-08", Format("%-08"));
    CHECK_TEXT("%.", Format("%."));
    CHECK_TEXT("%ll", Format("%ll"));
    CHECK_TEXT("%I6", Format("%I6"));
}

typedef struct _SINK_LOG {
    ULONG Calls;
    SIZE_T Bytes;
    char Text[64];
} SINK_LOG;

static void LogSink(PVOID Context, const char *Text, SIZE_T Bytes)
{
    SINK_LOG *Log = Context;

    CHECK(Bytes != 0);
    Log->Calls++;
    if (Log->Bytes + Bytes < sizeof(Log->Text)) {
        memcpy(Log->Text + Log->Bytes, Text, Bytes);
    }
    Log->Bytes += Bytes;
}

TEST(Format_hands_each_run_to_the_sink_at_once)
{
    SINK_LOG Log = {0};

    CHECK_EQUAL(22, RtlFormat(LogSink, &Log, "pages: %u free, %s.\n", 4711, "ok"));
    CHECK_TEXT("pages: 4711 free, ok.\n", Log.Text);
    CHECK_EQUAL(5, Log.Calls);
}

TEST(Format_returns_the_bytes_that_went_to_the_sink)
{
    SINK_LOG Log = {0};

    CHECK_EQUAL(1000, RtlFormat(LogSink, &Log, "%1000d", 1));
    CHECK_EQUAL(1000, Log.Bytes);
    CHECK_EQUAL(0, RtlFormat(LogSink, &Log, "%s", ""));
}

TEST(Format_takes_a_precision_beyond_an_int_as_the_largest_int)
{
    CHECK_TEXT("ab|abc", Format("%.2147483649s|%.99999999999s", "ab", "abc"));
    CHECK_TEXT("ab|abc", Format("%.4294967297s|%.2147483647s", "ab", "abc"));
}

static void FormatTwice(SINK_LOG *Log, const char *Text, ...)
{
    va_list Arguments;

    va_start(Arguments, Text);
    RtlFormatV(LogSink, Log, Text, Arguments);
    RtlFormatV(LogSink, Log, Text, Arguments);
    va_end(Arguments);
}

TEST(FormatV_leaves_the_callers_arguments_where_they_were)
{
    SINK_LOG Log = {0};

    FormatTwice(&Log, "%d%s,", 1, "a");
    CHECK_TEXT("1a,1a,", Log.Text);
}

TEST(StringCbPrintf_fills_the_buffer_to_its_last_byte)
{
    char *Buffer = TestFencedBytes(6);

    CHECK_EQUAL(STATUS_SUCCESS, RtlStringCbPrintfA(Buffer, 6, "%s-%d", "abc", 1));
    CHECK_TEXT("abc-1", Buffer);
}

TEST(StringCbPrintf_cuts_the_text_and_ends_it_with_zero)
{
    char *Buffer = TestFencedBytes(6);

    CHECK_EQUAL(STATUS_BUFFER_OVERFLOW, RtlStringCbPrintfA(Buffer, 6, "%s-%d", "abc", 12));
    CHECK_TEXT("abc-1", Buffer);
    CHECK_EQUAL(STATUS_BUFFER_OVERFLOW, RtlStringCbPrintfA(Buffer + 5, 1, "x%d", 1));
    CHECK_TEXT("", Buffer + 5);
}

TEST(StringCbPrintf_refuses_a_buffer_of_no_or_too_many_bytes)
{
    char Buffer[2] = "?";

    CHECK_EQUAL(STATUS_INVALID_PARAMETER, RtlStringCbPrintfA(Buffer, 0, "x"));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, RtlStringCbPrintfA(Buffer, (SIZE_T)1 << 31, "x"));
    CHECK_TEXT("?", Buffer);
}
