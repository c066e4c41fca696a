/* SPDX-License-Identifier: MIT */
/*
 * test_line_editor.c - keys, and the line that they make.
 */
#include "mm/inspect/line_editor.h"
#include "tests/unit/test.h"

#include <string.h>

#define UP    "\x1B[A"
#define DOWN  "\x1B[B"
#define RIGHT "\x1B[C"
#define LEFT  "\x1B[D"

static MI_LINE_HISTORY History;
static MI_LINE_EDITOR Editor;
static char Echoed[0x10000];
static SIZE_T EchoedBytes;

static void Echo(PVOID Context, const char *Text, SIZE_T Bytes)
{
    CHECK(Context == &Editor && Bytes != 0 && EchoedBytes + Bytes < sizeof(Echoed));
    memcpy(Echoed + EchoedBytes, Text, Bytes);
    EchoedBytes += Bytes;
    Echoed[EchoedBytes] = 0;
}

static void Start(void)
{
    memset(&History, 0, sizeof(History));
    MiInitializeLineEditor(&Editor, &History, Echo, &Editor);
}

static void Forget(void)
{
    EchoedBytes = 0;
    Echoed[0] = 0;
}

/* => Returns the result of the last key, none before which ends the line. */
static MI_LINE_RESULT Press(const char *Keys)
{
    MI_LINE_RESULT Result = MiLineEditing;

    for (; *Keys != 0; Keys++) {
        CHECK_EQUAL(MiLineEditing, Result);
        Result = MiEditLine(&Editor, (UCHAR)*Keys);
    }
    return Result;
}

/* Type a line with Enter behind it.  => Returns the line. */
static const char *Enter(const char *Keys)
{
    MiStartLine(&Editor, MI_LINE_BYTES);
    Forget();
    CHECK_EQUAL(MiLineEditing, Press(Keys));
    CHECK_EQUAL(MiLineEntered, Press("\r"));
    return Editor.Line;
}

TEST(LineEditor_takes_what_is_typed)
{
    Start();
    CHECK_TEXT("dd 80800000", Enter("dd 80800000"));
    CHECK_TEXT("dd 80800000\n", Echoed);
    CHECK_TEXT("", Enter(""));
    CHECK_TEXT("", Enter("\t\x07\x19\xFF\x80"));
    CHECK_TEXT("\n", Echoed);
}

TEST(LineEditor_deletes_to_the_left)
{
    Start();
    CHECK_TEXT("ab", Enter("abcd\b\x7F"));
    CHECK_TEXT("abcd\b \b\b \b\n", Echoed);
    CHECK_TEXT("x", Enter("\b\bx"));
    CHECK_TEXT("x\n", Echoed);
    CHECK_TEXT("ac", Enter("abc" LEFT "\b"));
}

TEST(LineEditor_inserts_and_deletes_at_the_cursor)
{
    Start();
    CHECK_TEXT("abXcd", Enter("abcd" LEFT LEFT "X"));
    CHECK_TEXT("abd", Enter("abcd" LEFT LEFT "\x1B[3~"));
    CHECK_TEXT("abd", Enter("abcd" LEFT LEFT "\x04"));
    CHECK_TEXT("Xabcd", Enter("abcd\x1B[HX"));
    CHECK_TEXT("abcdX", Enter("abcd" LEFT LEFT LEFT LEFT LEFT LEFT "\x1B[FX"));
    CHECK_TEXT("aXb", Enter("ab\x01" RIGHT "X"));
    CHECK_TEXT("aXbY", Enter("ab\x01\x06X\x05Y"));
    CHECK_TEXT("abX", Enter("ab\x02" RIGHT RIGHT RIGHT "X"));
}

TEST(LineEditor_knows_the_sequences_of_several_terminals)
{
    Start();
    CHECK_TEXT("Xab", Enter("ab\x1BOHX"));
    CHECK_TEXT("abX", Enter("ab\x1BOH\x1BOFX"));
    CHECK_TEXT("Xab", Enter("ab\x1B[1~X"));
    CHECK_TEXT("Xab", Enter("ab\x1B[7~X"));
    CHECK_TEXT("abX", Enter("ab\x1B[1~\x1B[4~X"));
    CHECK_TEXT("abX", Enter("ab\x1B[1~\x1B[8~X"));
    CHECK_TEXT("aXb", Enter("ab\x1BODX"));
    CHECK_TEXT("aXb", Enter("ab\x1B[1;5DX"));
}

TEST(LineEditor_drops_sequences_that_mean_nothing)
{
    Start();
    CHECK_TEXT("ab", Enter("a\x1B[5~\x1B[2~\x1B[99999999999~\x1B[15;3~\x1B[Z\x1BOP\x1B[3;3;3;mb"));
    CHECK_TEXT("ax", Enter("a\x1Bx"));
    CHECK_TEXT("a", Enter("ab\x1B\x1B[D\x1B[3~"));
    CHECK_TEXT("ab", Enter("ab\x1B["));
    CHECK_TEXT("ab", Enter("ab\x1B[12"));
}

TEST(LineEditor_deletes_pieces)
{
    Start();
    CHECK_TEXT("ab", Enter("abcd" LEFT LEFT "\x0B"));
    CHECK_TEXT("cd", Enter("abcd" LEFT LEFT "\x15"));
    CHECK_TEXT("one ", Enter("one two  \x17"));
    CHECK_TEXT("two", Enter("one two" LEFT LEFT LEFT "\x17"));
    CHECK_TEXT("", Enter("one\x17\x17\x15\x0B"));
}

TEST(LineEditor_gives_a_line_up)
{
    Start();
    MiStartLine(&Editor, MI_LINE_BYTES);
    Forget();
    CHECK_EQUAL(MiLineCancelled, Press("abc" LEFT "\x03"));
    CHECK_TEXT("", Editor.Line);
    CHECK_TEXT("abc\bc^C\n", Echoed);
    CHECK_TEXT("", Enter(UP));
}

TEST(LineEditor_takes_CR_LF_as_one_end)
{
    Start();
    MiStartLine(&Editor, MI_LINE_BYTES);
    CHECK_EQUAL(MiLineEntered, Press("a\r"));
    MiStartLine(&Editor, MI_LINE_BYTES);
    CHECK_EQUAL(MiLineEntered, Press("\nb\n"));
    CHECK_TEXT("b", Editor.Line);
    MiStartLine(&Editor, MI_LINE_BYTES);
    CHECK_EQUAL(MiLineEntered, Press("\n"));
    CHECK_TEXT("", Editor.Line);
}

TEST(LineEditor_recalls_lines_newest_first)
{
    Start();
    Enter("one");
    Enter("two");
    CHECK_TEXT("two", Enter(UP));
    CHECK_TEXT("one", Enter(UP UP));
    CHECK_TEXT("two", Enter(UP UP UP UP UP DOWN));
    CHECK_TEXT("twoX", Enter("\x10X"));
    CHECK_TEXT("draft", Enter("draft" UP UP DOWN "\x0E" DOWN DOWN));
}

TEST(LineEditor_keeps_neither_repetitions_nor_empty_lines)
{
    Start();
    Enter("one");
    Enter("two");
    Enter("two");
    Enter("");
    CHECK_EQUAL(2, History.Count);
    CHECK_TEXT("one", Enter(UP UP));
    CHECK_EQUAL(3, History.Count);
}

TEST(LineEditor_changes_a_recalled_line_only_for_now)
{
    Start();
    Enter("one");
    Enter("two");
    CHECK_TEXT("two", Enter(UP "X" UP DOWN));
}

TEST(LineEditor_remembers_thirty_two_lines)
{
    char Line[] = "line 00";
    ULONG i;

    Start();
    for (i = 0; i < 40; i++) {
        Line[5] = (char)('0' + i / 10);
        Line[6] = (char)('0' + i % 10);
        Enter(Line);
    }
    MiStartLine(&Editor, MI_LINE_BYTES);
    for (i = 0; i < 50; i++) {
        Press(UP);
    }
    CHECK_EQUAL(MiLineEntered, Press("\r"));
    CHECK_TEXT("line 08", Editor.Line);
}

TEST(LineEditor_drops_what_does_not_fit)
{
    char Keys[400];

    Start();
    memset(Keys, 'x', sizeof(Keys));
    Keys[399] = 0;
    CHECK_EQUAL(MI_LINE_BYTES - 1, strlen(Enter(Keys)));
    MiStartLine(&Editor, 4);
    CHECK_EQUAL(MiLineEntered, Press("abcdef\r"));
    CHECK_TEXT("abc", Editor.Line);
    MiStartLine(&Editor, 4);
    CHECK_EQUAL(MiLineEntered, Press(UP UP "\r"));
    CHECK_TEXT("xxx", Editor.Line);
    MiStartLine(&Editor, 1);
    CHECK_EQUAL(MiLineEntered, Press("abc\r"));
    CHECK_TEXT("", Editor.Line);
}

TEST(LineEditor_shows_a_long_line_whole_when_it_is_entered)
{
    char Keys[101];

    Start();
    memset(Keys, 'y', 100);
    Keys[0] = 'a';
    Keys[100] = 0;
    Enter(Keys);
    CHECK(EchoedBytes > 101 && strcmp(Echoed + EchoedBytes - 1, "\n") == 0);
    CHECK(memcmp(Echoed + EchoedBytes - 101, Keys, 100) == 0);
}

TEST(LineEditor_works_without_a_history)
{
    MiInitializeLineEditor(&Editor, NULL, Echo, &Editor);
    CHECK_TEXT("ab", Enter("a" UP DOWN "b"));
    CHECK_TEXT("", Enter(UP));
}
