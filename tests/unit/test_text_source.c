/* SPDX-License-Identifier: MIT */
/*
 * test_text_source.c - encodings, line ends and pieces of lines.
 */
#include "complaint_log.h"
#include "efi/text_source.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static BL_TEXT_SOURCE Source;
static COMPLAINT_LOG Log;

static void Open(const void *Text, SIZE_T Bytes)
{
    memset(&Log, 0, sizeof(Log));
    BlInitializeTextSource(&Source, Text, Bytes, LogComplaint, &Log);
}

/* All lines of a text, joined with '|'. */
static void CheckLines(const char *Expected, const void *Text, SIZE_T Bytes)
{
    char Lines[256] = "";
    ULONG Line = 0;

    Open(PlaceText(Text, Bytes), Bytes);
    while (BlReadLine(&Source)) {
        Line++;
        CHECK_EQUAL(Line, Source.Line);
        CHECK_EQUAL(strlen(Source.Text), Source.Bytes);
        strcat(Lines, Source.Text);
        strcat(Lines, "|");
    }
    CHECK_EQUAL(Line, Source.Line);
    CHECK_EQUAL(0, Source.Bytes);
    CHECK_TEXT(Expected, Lines);
}

#define CHECK_LINES(Expected, Text) CheckLines(Expected, Text, sizeof(Text) - 1)

TEST(ReadLine_takes_LF_CRLF_and_CR)
{
    CHECK_LINES("a|b|c|d|", "a\nb\r\nc\rd");
    CHECK_LINES("||a||", "\n\r\na\r\r");
    CHECK_LINES("", "");
    CHECK_LINES("a|", "a\n");
}

TEST(ReadLine_trims_blanks)
{
    CHECK_LINES("a b|c\td||", " \t a b \t\nc\td \n  \t ");
}

TEST(ReadLine_reads_UTF_8_with_and_without_mark)
{
    CHECK_LINES("a\xC3\xA4|\xE2\x82\xAC\xF0\x9F\x92\xBE|",
                "a\xC3\xA4\n\xE2\x82\xAC\xF0\x9F\x92\xBE");
    CHECK_LINES("a|", "\xEF\xBB\xBF"
                      "a");
    CHECK_LINES("\xEF\xBF\xBD\xEF\xBF\xBD|", "\xEF\xBB");
}

TEST(ReadLine_reads_UTF_16_of_both_orders)
{
    CHECK_LINES("a\xC3\xA4|\xF0\x9F\x92\xBE|", "\xFF\xFE"
                                               "a\0\xE4\0\r\0\n\0\x3D\xD8\xBE\xDC");
    CHECK_LINES("a\xC3\xA4|\xF0\x9F\x92\xBE|", "\xFE\xFF"
                                               "\0a\0\xE4\0\r\0\n\xD8\x3D\xDC\xBE");
}

TEST(ReadLine_of_a_mark_alone_finds_nothing)
{
    CHECK_LINES("", "\xEF\xBB\xBF");
    CHECK_LINES("", "\xFF\xFE");
    CHECK_LINES("", "\xFE\xFF");
}

TEST(ReadLine_replaces_what_is_no_character)
{
#define R "\xEF\xBF\xBD"
    CHECK_LINES("a" R "b|", "a\x80"
                            "b");
    CHECK_LINES(R R "|", "\xC0\x80");             /* not the shortest form */
    CHECK_LINES(R R R "|", "\xE0\x9F\xBF");       /* the same, of three bytes */
    CHECK_LINES(R R R "|", "\xED\xA0\x80");       /* a surrogate */
    CHECK_LINES(R R R R "|", "\xF4\x90\x80\x80"); /* above 10FFFF */
    CHECK_LINES(R R R R "|", "\xF8\x88\x80\x80");
    CHECK_LINES(R "a|", "\xC3"
                        "a");
    CHECK_LINES(R R "|", "\xE2\x82");
    CHECK_LINES("a" R "b" R "|", "a\0b\x7F");
    CHECK_LINES(R "a|", "\xFF\xFE"
                        "\x3D\xD8"
                        "a\0"); /* half a pair */
    CHECK_LINES(R "\xEE\x80\x80|", "\xFE\xFF\xD8\x3D\xE0\x00");
    CHECK_LINES(R R "|", "\xFF\xFE"
                         "\xBE\xDC\x3D\xD8");
    CHECK_LINES("a" R "|", "\xFF\xFE"
                           "a\0b"); /* half a unit */
#undef R
}

TEST(ReadLine_keeps_the_last_characters_of_each_length)
{
    CHECK_LINES("\x7E\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF|",
                "\x7E\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF");
    CHECK_LINES("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF|", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
    CHECK_LINES("\xF4\x8F\xBF\xBF\xF0\x90\x80\x80|", "\xFE\xFF\xDB\xFF\xDF\xFF\xD8\x00\xDC\x00");
}

TEST(ReadLine_cuts_long_lines_between_characters)
{
    static char Text[BL_LINE_BYTES + 2];

    memset(Text, 'a', sizeof(Text));
    Text[BL_LINE_BYTES - 1] = '\n';
    Open(Text, sizeof(Text));
    CHECK(BlReadLine(&Source));
    CHECK_EQUAL(BL_LINE_BYTES - 1, Source.Bytes);
    CHECK(!Source.Cut);

    Text[BL_LINE_BYTES - 2] = '\xC3'; /* the second byte of two has no room */
    Text[BL_LINE_BYTES - 1] = '\xA4';
    Text[BL_LINE_BYTES + 1] = '\n';
    Open(Text, sizeof(Text));
    CHECK(BlReadLine(&Source));
    CHECK_EQUAL(BL_LINE_BYTES - 2, Source.Bytes);
    CHECK(Source.Cut);
    CHECK(!BlReadLine(&Source));
}

TEST(RewindTextSource_starts_again_and_keeps_the_count_of_complaints)
{
    Open("a\nb", 3);
    CHECK(BlReadLine(&Source) && BlReadLine(&Source));
    BlComplain(&Source, Source.Line, "no %s %d", "b", 7);
    BlRewindTextSource(&Source, "a\nb", 3);
    CHECK_EQUAL(0, Source.Line);
    CHECK(BlReadLine(&Source));
    CHECK_TEXT("a", Source.Text);
    CHECK_EQUAL(1, Source.Complaints);
    CHECK_TEXT("2: no b 7", Log.Text);
}

TEST(Complain_shows_the_first_twenty_and_counts_all)
{
    ULONG Index;

    Open("", 0);
    for (Index = 1; Index <= 30; Index++) {
        BlComplain(&Source, Index, "no");
    }
    CHECK_EQUAL(30, Source.Complaints);
    CHECK_EQUAL(21, Log.Count);
    CHECK(strstr(Log.Text, "20: no; 0: there is more to complain about than fits here") != NULL);
}

TEST(Complain_cuts_long_messages)
{
    char Long[2 * BL_COMPLAINT_BYTES];

    memset(Long, 'x', sizeof(Long) - 1);
    Long[sizeof(Long) - 1] = 0;
    Open("", 0);
    BlComplain(&Source, 1, "%s", Long);
    CHECK_EQUAL(3 + BL_COMPLAINT_BYTES - 1, strlen(Log.Text));
}

TEST(AppendCharacter_leaves_a_full_buffer_alone)
{
    char Buffer[4] = "abc";
    ULONG Bytes = 2;

    CHECK(!BlAppendCharacter(Buffer, 4, &Bytes, 0x20AC));
    CHECK_EQUAL(2, Bytes);
    CHECK_TEXT("abc", Buffer);
    CHECK(BlAppendCharacter(Buffer, 4, &Bytes, 0xE4));
    CHECK_EQUAL(4, Bytes);
    CHECK_EQUAL(0, memcmp(Buffer, "ab\xC3\xA4", 4));
    CHECK(!BlAppendCharacter(Buffer, 4, &Bytes, 'a'));
}

static BL_TEXT Piece(const char *Text)
{
    BL_TEXT New = {Text, Text + strlen(Text)};

    return New;
}

static void CheckPiece(const char *Expected, BL_TEXT Text)
{
    char Copy[64];

    snprintf(Copy, sizeof(Copy), "%.*s", BL_TEXT_ARGUMENTS(Text));
    CHECK_TEXT(Expected, Copy);
}

TEST(SplitText_returns_the_trimmed_head_and_leaves_the_tail)
{
    BL_TEXT Text = Piece(" key = a=b ");

    CheckPiece("key", BlSplitText(&Text, '='));
    CheckPiece(" a=b ", Text);
    CheckPiece("a", BlSplitText(&Text, '='));
    CheckPiece("b", BlSplitText(&Text, '='));
    CHECK(Text.Start == NULL && Text.End == NULL);
    CheckPiece("", BlSplitText(&Text, '='));
    Text = Piece("a=");
    CheckPiece("a", BlSplitText(&Text, '='));
    CHECK(Text.Start != NULL && Text.Start == Text.End);
}

TEST(TextEquals_ignores_the_case_of_letters_only)
{
    CHECK(BlTextEquals(Piece("Default"), "dEFAULT"));
    CHECK(!BlTextEquals(Piece("Default"), "Defaul"));
    CHECK(!BlTextEquals(Piece("Defaul"), "Default"));
    CHECK(!BlTextEquals(Piece("a["), "a{"));
    CHECK(BlTextEquals(Piece(""), ""));
}
