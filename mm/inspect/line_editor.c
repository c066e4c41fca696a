/* SPDX-License-Identifier: MIT */
/*
 * line_editor.c - the line being typed, and what of it the terminal shows.
 *
 * A key changes Line, Cursor or both, and nothing on the terminal.  MipShow then makes the terminal
 * agree: it compares the window of the line that should be seen with what is seen (Shown), prints
 * what differs, and moves the cursor by BS and by printing again what is there.  So every key works
 * on any terminal that knows BS, and no key has an echo of its own that could be wrong.
 *
 *     Line     d b   8 0 8 0 0 0 0 0   L 1 0 0 ...     Length, Cursor
 *                  |<- MI_LINE_COLUMNS ->|             from First
 *     Shown        8 0 8 0 0 0 0 0 ...                 ShownCursor
 *
 * A line that is longer than the window moves through it, so the terminal never wraps, which BS
 * could not undo.  Entering a line that was seen in part prints it whole.
 *
 * Invariants, after every call:
 *   E1  Cursor <= Length <= Limit < MI_LINE_BYTES
 *   E2  First <= Cursor <= First + MI_LINE_COLUMNS
 *   E3  Shown is the window of Line from First, and ShownCursor is Cursor - First
 */
#include "mm/inspect/line_editor.h"

#include "mi_assert.h"

#define MIP_CONTROL(Letter) ((Letter) - '@')
#define MIP_BACKSPACE       0x08
#define MIP_ESCAPE          0x1B
#define MIP_DELETE          0x7F

/* ---- the terminal ---- */

static void MipEcho(PMI_LINE_EDITOR Editor, const char *Text, SIZE_T Bytes)
{
    if (Bytes != 0) {
        Editor->Echo(Editor->EchoContext, Text, Bytes);
    }
}

static void MipMoveTo(PMI_LINE_EDITOR Editor, ULONG Column)
{
    if (Column > Editor->ShownCursor) {
        MipEcho(Editor, Editor->Shown + Editor->ShownCursor, Column - Editor->ShownCursor);
    }
    for (; Editor->ShownCursor > Column; Editor->ShownCursor--) {
        MipEcho(Editor, "\b", 1);
    }
    Editor->ShownCursor = Column;
}

/* Bring the cursor into the window; half a window at a time, so that typing on moves it rarely. */
static void MipScroll(PMI_LINE_EDITOR Editor)
{
    ULONG Cursor = Editor->Cursor;

    if (Cursor < Editor->First || Cursor > Editor->First + MI_LINE_COLUMNS) {
        Editor->First = Cursor > MI_LINE_COLUMNS / 2 ? Cursor - MI_LINE_COLUMNS / 2 : 0;
    }
}

static char MipWanted(const MI_LINE_EDITOR *Editor, ULONG Column)
{
    ULONG Index = Editor->First + Column;

    return Index < Editor->Length ? Editor->Line[Index] : ' ';
}

/* E2 and E3 hold again. */
static void MipShow(PMI_LINE_EDITOR Editor)
{
    ULONG First = MI_LINE_COLUMNS;
    ULONG End = 0;
    ULONG Column;

    MipScroll(Editor);
    for (Column = 0; Column < MI_LINE_COLUMNS; Column++) {
        if (Editor->Shown[Column] != MipWanted(Editor, Column)) {
            First = Column < First ? Column : First;
            End = Column + 1;
        }
    }
    if (First < End) {
        MipMoveTo(Editor, First);
        for (Column = First; Column < End; Column++) {
            Editor->Shown[Column] = MipWanted(Editor, Column);
        }
        MipMoveTo(Editor, End);
    }
    MipMoveTo(Editor, Editor->Cursor - Editor->First);
}

/* ---- changing the line ---- */

static void MipInsert(PMI_LINE_EDITOR Editor, char Character)
{
    char *At = Editor->Line + Editor->Cursor;

    if (Editor->Length < Editor->Limit) {
        memmove(At + 1, At, Editor->Length - Editor->Cursor);
        *At = Character;
        Editor->Length++;
        Editor->Cursor++;
    }
}

/* Delete the characters from First to before the cursor. */
static void MipDeleteTo(PMI_LINE_EDITOR Editor, ULONG First)
{
    memmove(Editor->Line + First, Editor->Line + Editor->Cursor, Editor->Length - Editor->Cursor);
    Editor->Length -= Editor->Cursor - First;
    Editor->Cursor = First;
}

static void MipDeleteUnderCursor(PMI_LINE_EDITOR Editor)
{
    if (Editor->Cursor < Editor->Length) {
        Editor->Cursor++;
        MipDeleteTo(Editor, Editor->Cursor - 1);
    }
}

static ULONG MipWordStart(const MI_LINE_EDITOR *Editor)
{
    ULONG Start = Editor->Cursor;

    while (Start > 0 && Editor->Line[Start - 1] == ' ') {
        Start--;
    }
    while (Start > 0 && Editor->Line[Start - 1] != ' ') {
        Start--;
    }
    return Start;
}

/* ---- history ---- */

/* => Back is 1 (the last line) to Count. */
static char *MipHistoryLine(PMI_LINE_HISTORY History, ULONG Back)
{
    return History->Lines[(History->Next + MI_HISTORY_LINES - Back) % MI_HISTORY_LINES];
}

static void MipRemember(PMI_LINE_EDITOR Editor)
{
    PMI_LINE_HISTORY History = Editor->History;

    if (History == NULL || Editor->Length == 0 ||
        (History->Count != 0 && strcmp(MipHistoryLine(History, 1), Editor->Line) == 0)) {
        return;
    }
    memcpy(History->Lines[History->Next], Editor->Line, Editor->Length + 1);
    History->Next = (History->Next + 1) % MI_HISTORY_LINES;
    History->Count += History->Count < MI_HISTORY_LINES;
}

/* Put the line that lies Back lines back into the editor. */
static void MipRecall(PMI_LINE_EDITOR Editor, ULONG Back)
{
    const char *Line;
    SIZE_T Length;

    if (Editor->Recall == 0) {
        memcpy(Editor->Draft, Editor->Line, Editor->Length);
        Editor->Draft[Editor->Length] = 0;
    }
    Line = Back == 0 ? Editor->Draft : MipHistoryLine(Editor->History, Back);
    Length = strlen(Line);
    Editor->Length = Length < Editor->Limit ? (ULONG)Length : Editor->Limit;
    memcpy(Editor->Line, Line, Editor->Length);
    Editor->Cursor = Editor->Length;
    Editor->Recall = Back;
}

static void MipOlder(PMI_LINE_EDITOR Editor)
{
    if (Editor->History != NULL && Editor->Recall < Editor->History->Count) {
        MipRecall(Editor, Editor->Recall + 1);
    }
}

static void MipNewer(PMI_LINE_EDITOR Editor)
{
    if (Editor->Recall != 0) {
        MipRecall(Editor, Editor->Recall - 1);
    }
}

/* ---- keys ---- */

static void MipLeft(PMI_LINE_EDITOR Editor)
{
    Editor->Cursor -= Editor->Cursor != 0;
}

static void MipRight(PMI_LINE_EDITOR Editor)
{
    Editor->Cursor += Editor->Cursor < Editor->Length;
}

/* The letter that ends ESC [ or ESC O. */
static void MipCursorKey(PMI_LINE_EDITOR Editor, UCHAR Letter)
{
    switch (Letter) {
    case 'A':
        MipOlder(Editor);
        break;
    case 'B':
        MipNewer(Editor);
        break;
    case 'C':
        MipRight(Editor);
        break;
    case 'D':
        MipLeft(Editor);
        break;
    case 'H':
        Editor->Cursor = 0;
        break;
    case 'F':
        Editor->Cursor = Editor->Length;
        break;
    default:
        break;
    }
}

/* ESC [ number ~ */
static void MipNumberedKey(PMI_LINE_EDITOR Editor)
{
    switch (Editor->Parameter) {
    case 1:
    case 7:
        Editor->Cursor = 0;
        break;
    case 4:
    case 8:
        Editor->Cursor = Editor->Length;
        break;
    case 3:
        MipDeleteUnderCursor(Editor);
        break;
    default:
        break;
    }
}

static void MipControlKey(PMI_LINE_EDITOR Editor, UCHAR Byte)
{
    switch (Byte) {
    case MIP_CONTROL('A'):
        Editor->Cursor = 0;
        break;
    case MIP_CONTROL('B'):
        MipLeft(Editor);
        break;
    case MIP_CONTROL('D'):
        MipDeleteUnderCursor(Editor);
        break;
    case MIP_CONTROL('E'):
        Editor->Cursor = Editor->Length;
        break;
    case MIP_CONTROL('F'):
        MipRight(Editor);
        break;
    case MIP_BACKSPACE:
    case MIP_DELETE:
        MipDeleteTo(Editor, Editor->Cursor - (Editor->Cursor != 0));
        break;
    case MIP_CONTROL('K'):
        Editor->Length = Editor->Cursor;
        break;
    case MIP_CONTROL('N'):
        MipNewer(Editor);
        break;
    case MIP_CONTROL('P'):
        MipOlder(Editor);
        break;
    case MIP_CONTROL('U'):
        MipDeleteTo(Editor, 0);
        break;
    case MIP_CONTROL('W'):
        MipDeleteTo(Editor, MipWordStart(Editor));
        break;
    default:
        break;
    }
}

/*
 * Take a byte of an escape sequence.
 *
 * => FALSE: it is none, and ends the sequence, which has no effect then.
 */
static BOOLEAN MipEscapeByte(PMI_LINE_EDITOR Editor, UCHAR Byte)
{
    MI_ESCAPE_STATE State = Editor->Escape;

    Editor->Escape = MiEscapeNone;
    if (Byte < ' ' || Byte >= MIP_DELETE) {
        return FALSE;
    }
    if (State == MiEscapeStarted) {
        Editor->Parameter = 0;
        Editor->ParameterEnded = FALSE;
        Editor->Escape = Byte == '[' ? MiEscapeBracket : Byte == 'O' ? MiEscapeO : MiEscapeNone;
        return Editor->Escape != MiEscapeNone;
    }
    if (State == MiEscapeBracket && Byte < '@') {
        Editor->Escape = State;
        Editor->ParameterEnded |= Byte == ';';
        if (Byte >= '0' && Byte <= '9' && !Editor->ParameterEnded && Editor->Parameter < 1000) {
            Editor->Parameter = Editor->Parameter * 10 + Byte - '0';
        }
        return TRUE;
    }
    if (State == MiEscapeBracket && Byte == '~') {
        MipNumberedKey(Editor);
    } else {
        MipCursorKey(Editor, Byte);
    }
    return TRUE;
}

/* ---- the line's life ---- */

void MiInitializeLineEditor(PMI_LINE_EDITOR Editor, PMI_LINE_HISTORY History, RTL_PRINT_SINK *Echo,
                            PVOID EchoContext)
{
    memset(Editor, 0, sizeof(*Editor));
    Editor->History = History;
    Editor->Echo = Echo;
    Editor->EchoContext = EchoContext;
}

void MiStartLine(PMI_LINE_EDITOR Editor, SIZE_T Bytes)
{
    MI_ASSERT(Bytes != 0 && Bytes <= MI_LINE_BYTES);
    Editor->Limit = (ULONG)Bytes - 1;
    Editor->Length = 0;
    Editor->Cursor = 0;
    Editor->First = 0;
    Editor->ShownCursor = 0;
    Editor->Recall = 0;
    Editor->Line[0] = 0;
    memset(Editor->Shown, ' ', sizeof(Editor->Shown));
}

static MI_LINE_RESULT MipEnter(PMI_LINE_EDITOR Editor)
{
    Editor->Line[Editor->Length] = 0;
    if (Editor->Length > MI_LINE_COLUMNS) {
        MipMoveTo(Editor, 0);
        MipEcho(Editor, Editor->Line, Editor->Length);
    } else {
        Editor->First = 0; /* the whole line fits: E2 */
        Editor->Cursor = Editor->Length;
        MipShow(Editor);
    }
    MipEcho(Editor, "\n", 1);
    MipRemember(Editor);
    return MiLineEntered;
}

static MI_LINE_RESULT MipCancel(PMI_LINE_EDITOR Editor)
{
    Editor->Cursor = Editor->Length;
    MipShow(Editor);
    MipEcho(Editor, "^C\n", 3);
    Editor->Length = 0;
    Editor->Line[0] = 0;
    return MiLineCancelled;
}

MI_LINE_RESULT MiEditLine(PMI_LINE_EDITOR Editor, UCHAR Byte)
{
    BOOLEAN AfterReturn = Editor->AfterReturn;

    Editor->AfterReturn = Byte == '\r';
    if (Editor->Escape != MiEscapeNone && MipEscapeByte(Editor, Byte)) {
        MipShow(Editor);
        return MiLineEditing;
    }
    if (Byte == '\r' || (Byte == '\n' && !AfterReturn)) {
        return MipEnter(Editor);
    }
    if (Byte == MIP_CONTROL('C')) {
        return MipCancel(Editor);
    }
    if (Byte == MIP_ESCAPE) {
        Editor->Escape = MiEscapeStarted;
    } else if (Byte >= ' ' && Byte < MIP_DELETE) {
        MipInsert(Editor, (char)Byte);
    } else {
        MipControlKey(Editor, Byte);
    }
    MipShow(Editor);
    MI_ASSERT(Editor->Cursor <= Editor->Length && Editor->Length <= Editor->Limit);
    return MiLineEditing;
}
