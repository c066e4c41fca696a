/* SPDX-License-Identifier: MIT */
/*
 * text_source.h - configuration text as numbered lines of clean UTF-8.
 *
 * Editors write UTF-8 and UTF-16, with and without byte order mark, CRLF and LF; the parsers above
 * see none of that.
 */
#ifndef EFI_TEXT_SOURCE_H
#define EFI_TEXT_SOURCE_H

#include "complaint.h"
#include "nt/types.h"

typedef enum _BL_ENCODING {
    BlUtf8,
    BlUtf16Little,
    BlUtf16Big,
    BlLatin1 /* one byte a character: the strings of REGEDIT4 files */
} BL_ENCODING;

/* What is left of a text. */
typedef struct _BL_TEXT_CURSOR {
    const UCHAR *Next;
    const UCHAR *End;
    BL_ENCODING Encoding;
} BL_TEXT_CURSOR, *PBL_TEXT_CURSOR;

/* What stands for a character that is none. */
#define BL_REPLACEMENT 0xFFFDu

/*
 * Decode one character.
 *
 * => Cursor is not at its end; it advances by at least one byte.
 * => Returns a Unicode scalar value; BL_REPLACEMENT where the encoding is broken.
 */
ULONG BlNextCharacter(PBL_TEXT_CURSOR Cursor);

/*
 * Append a Unicode scalar value as UTF-8.
 *
 * => Buffer has Capacity bytes, *Bytes of them used.
 * => FALSE: it does not fit; nothing is written.
 */
BOOLEAN BlAppendCharacter(char *Buffer, ULONG Capacity, PULONG Bytes, ULONG Character);

/*
 * The longest line, with its zero.  16 page files with names of 32 characters are the longest
 * value; as hex(7) on a single line they take 16 * 40 characters * 2 bytes * 3 digits = 3840.
 */
#define BL_LINE_BYTES 4096

typedef struct _BL_TEXT_SOURCE {
    BL_TEXT_CURSOR Cursor;
    ULONG Line;  /* number of the line in Text; 0 before the first */
    ULONG Bytes; /* length of Text */
    BOOLEAN Cut; /* the line was longer than Text */
    char Text
        [BL_LINE_BYTES]; /* without blanks at its ends; zero terminated, no control characters */

    BL_COMPLAINT *Complain;
    PVOID Context;
    ULONG Complaints; /* so far */
} BL_TEXT_SOURCE, *PBL_TEXT_SOURCE;

/* Start before the first line.  The number of complaints begins with 0. */
void BlInitializeTextSource(PBL_TEXT_SOURCE Source, const void *Text, SIZE_T Bytes,
                            BL_COMPLAINT *Complain, PVOID Context);

/* Go back before the first line of the same text.  Complaints stay counted. */
void BlRewindTextSource(PBL_TEXT_SOURCE Source, const void *Text, SIZE_T Bytes);

/*
 * Read the next line, blank or not.
 *
 * => FALSE: there is none; Text is empty and Line stays.
 */
BOOLEAN BlReadLine(PBL_TEXT_SOURCE Source);

/* A file that is no text at all shall not fill the screen: later complaints are only counted. */
#define BL_COMPLAINTS_SHOWN 20

/*
 * Report and count a complaint about line Line; 0 means the file as a whole.
 *
 * => After BL_COMPLAINTS_SHOWN complaints one more says that the rest is only counted.
 */
void BlComplain(PBL_TEXT_SOURCE Source, ULONG Line, const char *Format, ...) NT_PRINTF(3, 4);

/* ---- pieces of a line ---- */

/* The bytes [Start, End) of a line. */
typedef struct _BL_TEXT {
    const char *Start;
    const char *End;
} BL_TEXT;

/* The two arguments of "%.*s". */
#define BL_TEXT_ARGUMENTS(Piece)                                                                   \
    (int)((Piece).End - (Piece).Start), (Piece).Start != NULL ? (Piece).Start : ""

/* => Returns the source's line as a piece. */
BL_TEXT BlLineText(const BL_TEXT_SOURCE *Source);

/* => Returns Text without blanks at its ends. */
BL_TEXT BlTrimText(BL_TEXT Text);

/* => TRUE when Text is Other, without regard to ASCII case. */
BOOLEAN BlTextEquals(BL_TEXT Text, const char *Other);

/* If Text begins with Prefix, without regard to ASCII case, go behind it.  => FALSE: no. */
BOOLEAN BlSkipPrefix(BL_TEXT *Text, const char *Prefix);

/*
 * Split at the first Separator.
 *
 * => *Text becomes what stands behind it; returns what stands before it, trimmed.
 * => Without a separator all is returned and *Text becomes empty, with Start NULL.
 */
BL_TEXT BlSplitText(BL_TEXT *Text, char Separator);

#endif
