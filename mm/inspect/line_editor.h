/* SPDX-License-Identifier: MIT */
/*
 * line_editor.h - editing one line of text, a byte at a time.
 *
 * Pure: bytes go in, echo comes out through a sink, and nothing else is known of the terminal than
 * that its cursor stands behind a prompt.  Locking: the caller's.
 */
#ifndef MM_INSPECT_LINE_EDITOR_H
#define MM_INSPECT_LINE_EDITOR_H

#include "nt/types.h"
#include "rtl.h"

#define MI_LINE_BYTES    256u /* of the longest line, with its zero */
#define MI_LINE_COLUMNS  74u  /* of the line that are on the screen: 80, a prompt of 4, a cursor */
#define MI_HISTORY_LINES 32u

/* The lines entered last.  Empty ones, and one that is entered again, are not kept. */
typedef struct _MI_LINE_HISTORY {
    char Lines[MI_HISTORY_LINES][MI_LINE_BYTES]; /* a ring */
    ULONG Next;                                  /* where the next line goes */
    ULONG Count;                                 /* lines in the ring */
} MI_LINE_HISTORY, *PMI_LINE_HISTORY;

/* Where in an escape sequence the bytes are. */
typedef enum _MI_ESCAPE_STATE {
    MiEscapeNone,
    MiEscapeStarted, /* ESC */
    MiEscapeBracket, /* ESC [, perhaps digits and semicolons */
    MiEscapeO        /* ESC O */
} MI_ESCAPE_STATE;

typedef struct _MI_LINE_EDITOR {
    char Line[MI_LINE_BYTES];    /* what was typed; ends in a zero once it is entered */
    ULONG Length;                /* of it, without the zero */
    ULONG Limit;                 /* the most that Length may become */
    ULONG Cursor;                /* where the next character goes, 0 to Length */
    ULONG First;                 /* the character in the screen's first column */
    char Shown[MI_LINE_COLUMNS]; /* what the terminal shows, blanks behind the end */
    ULONG ShownCursor;           /* the column of its cursor, 0 to MI_LINE_COLUMNS */
    MI_ESCAPE_STATE Escape;
    ULONG Parameter;           /* the first number of ESC [ */
    BOOLEAN ParameterEnded;    /* a semicolon came */
    BOOLEAN AfterReturn;       /* the last byte was a CR: an LF belongs to it */
    ULONG Recall;              /* how many lines back in the history; 0: the line being typed */
    char Draft[MI_LINE_BYTES]; /* that line, while Recall is not 0 */
    PMI_LINE_HISTORY History;  /* NULL: none */
    RTL_PRINT_SINK *Echo;
    PVOID EchoContext;
} MI_LINE_EDITOR, *PMI_LINE_EDITOR;

typedef enum _MI_LINE_RESULT {
    MiLineEditing,  /* more to come */
    MiLineEntered,  /* Line is complete, the cursor at the start of the next one */
    MiLineCancelled /* by Ctrl-C: Line is empty, the cursor at the start of the next one */
} MI_LINE_RESULT;

/* => History may be NULL, is zeroed at first, and may be shared by editors used in turn. */
void MiInitializeLineEditor(PMI_LINE_EDITOR Editor, PMI_LINE_HISTORY History, RTL_PRINT_SINK *Echo,
                            PVOID EchoContext);

/*
 * Begin with an empty line, where the terminal's cursor stands.
 *
 * => MI_LINE_COLUMNS and one more are free to the right of it.  Bytes, at most MI_LINE_BYTES, is
 *    the size of the longest line with its zero; what is typed beyond is dropped.
 */
void MiStartLine(PMI_LINE_EDITOR Editor, SIZE_T Bytes);

/*
 * Take a byte from the terminal.
 *
 *     printable ASCII      inserted at the cursor
 *     CR, LF, CR LF        enter the line
 *     BS, DEL              delete to the left; ESC [ 3 ~ and Ctrl-D: under the cursor
 *     ESC [ or O A B C D   up, down, right, left; also Ctrl-P, N, F, B
 *     ESC [ or O H F       start, end; also ESC [ 1 7 4 8 ~, Ctrl-A, E
 *     Ctrl-K, U, W         delete to the end, to the start, the word to the left
 *     Ctrl-C               give the line up
 *
 * => All else does nothing.  Echoed are only printable characters, BS and LF.
 */
MI_LINE_RESULT MiEditLine(PMI_LINE_EDITOR Editor, UCHAR Byte);

#endif
