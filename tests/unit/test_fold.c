/* SPDX-License-Identifier: MIT */
/*
 * test_fold.c - mm/rtl/fold.c: where lines are broken, and what stays whole.
 */
#include "tests/unit/test.h"
#include "rtl.h"

#include <string.h>

static char Output[512];
static SIZE_T OutputBytes;

static void Collect(PVOID Context, const char *Text, SIZE_T Bytes)
{
    CHECK(Context == Output);
    CHECK(Bytes != 0 && OutputBytes + Bytes < sizeof(Output));
    memcpy(Output + OutputBytes, Text, Bytes);
    OutputBytes += Bytes;
    Output[OutputBytes] = 0;
}

/* Text as it comes out of a fold that gets it in pieces of Step bytes. */
static const char *FoldSteps(const char *Text, ULONG Columns, ULONG Indent, SIZE_T Step)
{
    SIZE_T Bytes = strlen(Text);
    RTL_FOLD Fold;
    SIZE_T i;

    OutputBytes = 0;
    Output[0] = 0;
    RtlInitializeFold(&Fold, Collect, Output, Columns, Indent);
    for (i = 0; i < Bytes; i += Step) {
        RtlFoldSink(&Fold, Text + i, Bytes - i < Step ? Bytes - i : Step);
    }
    RtlEndFold(&Fold);
    return Output;
}

static const char *Fold(const char *Text, ULONG Columns, ULONG Indent)
{
    return FoldSteps(Text, Columns, Indent, 512);
}

TEST(Fold_leaves_a_line_that_fits_alone)
{
    CHECK_TEXT("", Fold("", 10, 2));
    CHECK_TEXT("one", Fold("one", 10, 2));
    CHECK_TEXT("1234 67890", Fold("1234 67890", 10, 2));
    CHECK_TEXT("  a   b", Fold("  a   b", 10, 2));
}

TEST(Fold_breaks_before_the_word_that_has_no_room)
{
    CHECK_TEXT("1234\n  678901", Fold("1234 678901", 10, 2));
    CHECK_TEXT("a b c\n d e\n f g", Fold("a b c d e f g", 5, 1));
    CHECK_TEXT("a b\nc", Fold("a b   c", 5, 0));
}

TEST(Fold_drops_blanks_at_the_end)
{
    CHECK_TEXT("a", Fold("a   ", 10, 2));
    CHECK_TEXT("", Fold("   ", 10, 2));
}

TEST(Fold_keeps_a_word_whole_that_is_longer_than_a_line)
{
    CHECK_TEXT("abc\n  0123456789\n  b", Fold("abc 0123456789 b", 8, 2));
    CHECK_TEXT("a 0123456789\n  b", Fold("a 0123456789 b", 8, 2)); /* a break would gain nothing */
    CHECK_TEXT("0123456789\n  b", Fold("0123456789 b", 8, 2));
}

TEST(Fold_keeps_a_word_whole_that_is_longer_than_its_buffer)
{
    char Text[3 * RTL_FOLD_WORD_BYTES + 3];
    char Wanted[sizeof(Text) + 8];

    memset(Text, 'x', sizeof(Text));
    memcpy(Text, "abc ", 4);
    memcpy(Text + sizeof(Text) - 3, " b", 3);
    (void)RtlStringCbPrintfA(Wanted, sizeof(Wanted), "abc\n  %.*s\n  b", (int)sizeof(Text) - 7,
                             Text + 4);
    CHECK_TEXT(Wanted, Fold(Text, 20, 2));
}

TEST(Fold_does_not_depend_on_the_pieces)
{
    static const char Text[] = "ok 51 - page faults: of 32 new pages  0 were resident; all zero ";
    char Whole[sizeof(Output)];
    SIZE_T Step;

    strcpy(Whole, Fold(Text, 24, 8));
    CHECK_TEXT("ok 51 - page faults: of\n        32 new pages  0\n        were resident;\n"
               "        all zero",
               Whole);
    for (Step = 1; Step < sizeof(Text); Step++) {
        CHECK_TEXT(Whole, FoldSteps(Text, 24, 8, Step));
    }
}
