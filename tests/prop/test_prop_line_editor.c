/* SPDX-License-Identifier: MIT */
/*
 * test_prop_line_editor.c - random keys: what a terminal shows of the echo is the line.
 *
 * The terminal is 80 columns wide, knows printable characters, BS and LF, and must never wrap while
 * a line is edited.
 */
#include "mm/inspect/line_editor.h"
#include "tests/unit/test.h"

#include <string.h>

#define COLUMNS 80
#define PROMPT  "mm> "

static MI_LINE_HISTORY History;
static MI_LINE_EDITOR Editor;
static char Row[COLUMNS];
static ULONG Column;
static ULONG Wraps;
static BOOLEAN NewLine; /* an LF came, and nothing behind it */

static void Show(char Character)
{
    CHECK(!NewLine);
    if (Character == '\n') {
        NewLine = TRUE;
    } else if (Character == '\b') {
        CHECK(Column > strlen(PROMPT));
        Column--;
    } else {
        CHECK(Character >= ' ' && Character < 0x7F);
        if (Column == COLUMNS) {
            Wraps++;
            Column = 0;
            memset(Row, ' ', sizeof(Row));
        }
        Row[Column++] = Character;
    }
}

static void Echo(PVOID Context, const char *Text, SIZE_T Bytes)
{
    (void)Context;
    for (; Bytes != 0; Text++, Bytes--) {
        Show(*Text);
    }
}

static void StartLine(SIZE_T Bytes)
{
    memset(Row, ' ', sizeof(Row));
    memcpy(Row, PROMPT, strlen(PROMPT));
    Column = (ULONG)strlen(PROMPT);
    Wraps = 0;
    NewLine = FALSE;
    MiStartLine(&Editor, Bytes);
}

/* The window of the line stands behind the prompt, blanks behind it, the cursor where it is. */
static void CheckScreen(void)
{
    ULONG Prompt = (ULONG)strlen(PROMPT);
    ULONG i;

    CHECK_EQUAL(0, Wraps);
    CHECK(!NewLine);
    CHECK(memcmp(Row, PROMPT, Prompt) == 0);
    CHECK(Editor.Cursor <= Editor.Length && Editor.Length <= Editor.Limit);
    CHECK(Editor.First <= Editor.Cursor && Editor.Cursor - Editor.First <= MI_LINE_COLUMNS);
    CHECK_EQUAL(Prompt + Editor.Cursor - Editor.First, Column);
    for (i = 0; Prompt + i < COLUMNS; i++) {
        BOOLEAN Seen = i < MI_LINE_COLUMNS && Editor.First + i < Editor.Length;

        CHECK_EQUAL(Seen ? Editor.Line[Editor.First + i] : ' ', Row[Prompt + i]);
    }
}

/* What the last row shows of a line that was entered, which may have wrapped. */
static void CheckEntered(void)
{
    ULONG Whole = (ULONG)(strlen(PROMPT) + Editor.Length);
    ULONG i;

    CHECK(NewLine);
    CHECK_EQUAL(Editor.Length, strlen(Editor.Line));
    CHECK_EQUAL(Whole == 0 ? 0 : (Whole - 1) / COLUMNS, Wraps);
    CHECK_EQUAL(Whole - Wraps * COLUMNS, Column);
    for (i = 0; i < Column; i++) {
        ULONG Index = Wraps * COLUMNS + i;
        char Wanted = Index < strlen(PROMPT) ? PROMPT[Index] : Editor.Line[Index - strlen(PROMPT)];

        CHECK_EQUAL(Wanted, Row[i]);
    }
}

static void Press(UCHAR Byte, ULONG Times)
{
    while (Times-- != 0) {
        CHECK_EQUAL(MiLineEditing, MiEditLine(&Editor, Byte));
        CheckScreen();
    }
}

TEST(LineEditor_shows_a_line_whole_that_has_become_short_again)
{
    MiInitializeLineEditor(&Editor, NULL, Echo, NULL);
    StartLine(MI_LINE_BYTES);
    Press('x', MI_LINE_COLUMNS + 10);
    Press('\b', 20);
    CHECK(Editor.First != 0 && Editor.Length < MI_LINE_COLUMNS);
    CHECK_EQUAL(MiLineEntered, MiEditLine(&Editor, '\r'));
    CheckEntered();
}

/* Mostly characters and keys that mean something; now and then any byte. */
static UCHAR RandomByte(uint64_t *Seed, ULONG Style)
{
    static const char Keys[] = "\x1B\x1B\x1B[[[OABCDHF137~;\b\x7F\x01\x05\x0B\x15\x17\x10\x0E";
    ULONG Choice = TestRandom(Seed) % 100;

    if (Choice < 10 * Style) {
        return (UCHAR)(' ' + TestRandom(Seed) % 95);
    }
    if (Choice < 98) {
        return (UCHAR)Keys[TestRandom(Seed) % (sizeof(Keys) - 1)];
    }
    return (UCHAR)TestRandom(Seed);
}

TEST(Prop_line_editor_terminal_shows_the_line)
{
    uint64_t Seed = TestSeed();
    uint64_t Bytes = TestRounds(300000);
    ULONG Entered = 0;
    ULONG Style = 5;

    memset(&History, 0, sizeof(History));
    MiInitializeLineEditor(&Editor, &History, Echo, NULL);
    StartLine(MI_LINE_BYTES);
    while (Bytes-- != 0) {
        MI_LINE_RESULT Result = MiEditLine(&Editor, RandomByte(&Seed, Style));

        if (Result == MiLineEditing) {
            CheckScreen();
            continue;
        }
        if (Result == MiLineEntered) {
            CheckEntered();
            Entered++;
        }
        StartLine(TestRandom(&Seed) % 8 == 0 ? 1 + TestRandom(&Seed) % MI_LINE_BYTES
                                             : MI_LINE_BYTES);
        Style = TestRandom(&Seed) % 10;
    }
    CHECK(Entered > 10);
}
