/* SPDX-License-Identifier: MIT */
/*
 * text_source.c - decodes configuration text and cuts it into lines.
 *
 * Every character passes through its code point: decoded from the file's encoding, appended as
 * UTF-8.  So the lines are valid UTF-8 whatever the file holds; bytes that are no character, and
 * control characters other than the tab, come out as U+FFFD, and cannot end a string early or
 * upset a console.
 *
 * A line ends with LF, CR LF or CR.  Blank means space or tab.
 */
#include "text_source.h"
#include "rtl.h"

static ULONG BlpBytesLeft(const BL_TEXT_CURSOR *Cursor)
{
    SIZE_T Left = (SIZE_T)(Cursor->End - Cursor->Next);

    return Left < 4 ? (ULONG)Left : 4; /* no character takes more */
}

/* Table 3-7 of the Unicode standard: only the shortest form, no surrogates, up to 10FFFF. */
static ULONG BlpNextUtf8(PBL_TEXT_CURSOR Cursor)
{
    static const ULONG Least[] = {0, 0, 0x80, 0x800, 0x10000};
    ULONG First = *Cursor->Next;
    ULONG Bytes = First < 0x80 ? 1 : First < 0xC0 ? 0 : First < 0xE0 ? 2 : First < 0xF0 ? 3 : 4;
    ULONG Character = First;
    ULONG Index;

    if (Bytes == 0 || First >= 0xF8 || Bytes > BlpBytesLeft(Cursor)) {
        Cursor->Next++;
        return BL_REPLACEMENT;
    }
    if (Bytes > 1) {
        Character = First & (0xFFu >> (Bytes + 1));
    }
    for (Index = 1; Index < Bytes; Index++) {
        if ((Cursor->Next[Index] & 0xC0) != 0x80) {
            Cursor->Next++;
            return BL_REPLACEMENT;
        }
        Character = Character << 6 | (Cursor->Next[Index] & 0x3F);
    }
    if (Character < Least[Bytes] || Character > 0x10FFFF ||
        (Character >= 0xD800 && Character < 0xE000)) {
        Cursor->Next++;
        return BL_REPLACEMENT;
    }
    Cursor->Next += Bytes;
    return Character;
}

/* The 16 bits at Offset; the caller knows that they are there. */
static ULONG BlpUtf16Unit(const BL_TEXT_CURSOR *Cursor, ULONG Offset)
{
    ULONG A = Cursor->Next[Offset];
    ULONG B = Cursor->Next[Offset + 1];

    return Cursor->Encoding == BlUtf16Little ? A | B << 8 : A << 8 | B;
}

static ULONG BlpNextUtf16(PBL_TEXT_CURSOR Cursor)
{
    ULONG Left = BlpBytesLeft(Cursor);
    ULONG High;
    ULONG Low;

    if (Left < 2) {
        Cursor->Next += Left;
        return BL_REPLACEMENT;
    }
    High = BlpUtf16Unit(Cursor, 0);
    if (High < 0xD800 || High >= 0xE000) {
        Cursor->Next += 2;
        return High;
    }
    Low = Left < 4 ? 0 : BlpUtf16Unit(Cursor, 2);
    if (High >= 0xDC00 || Low < 0xDC00 || Low >= 0xE000) {
        Cursor->Next += 2;
        return BL_REPLACEMENT;
    }
    Cursor->Next += 4;
    return 0x10000 + ((High - 0xD800) << 10) + (Low - 0xDC00);
}

ULONG BlNextCharacter(PBL_TEXT_CURSOR Cursor)
{
    switch (Cursor->Encoding) {
    case BlUtf8:
        return BlpNextUtf8(Cursor);
    case BlUtf16Little:
    case BlUtf16Big:
        return BlpNextUtf16(Cursor);
    case BlLatin1:
        break;
    }
    return *Cursor->Next++;
}

BOOLEAN BlAppendCharacter(char *Buffer, ULONG Capacity, PULONG Bytes, ULONG Character)
{
    ULONG More = Character < 0x80 ? 0 : Character < 0x800 ? 1 : Character < 0x10000 ? 2 : 3;

    if (Capacity - *Bytes < More + 1) {
        return FALSE;
    }
    if (More == 0) {
        Buffer[(*Bytes)++] = (char)Character;
        return TRUE;
    }
    /* The first byte: More + 1 ones, a zero, then the highest bits. */
    Buffer[(*Bytes)++] = (char)(0xF80u >> More | Character >> 6 * More);
    while (More-- != 0) {
        Buffer[(*Bytes)++] = (char)(0x80 | (Character >> 6 * More & 0x3F));
    }
    return TRUE;
}

static void BlpStartText(PBL_TEXT_SOURCE Source, const void *Text, SIZE_T Bytes)
{
    PBL_TEXT_CURSOR Cursor = &Source->Cursor;

    Cursor->Next = Bytes != 0 ? Text : (const void *)""; /* no file may be NULL */
    Cursor->End = Cursor->Next + Bytes;
    Cursor->Encoding = BlUtf8;
    if (Bytes >= 3 && memcmp(Text, "\xEF\xBB\xBF", 3) == 0) {
        Cursor->Next += 3;
    } else if (Bytes >= 2 && memcmp(Text, "\xFF\xFE", 2) == 0) {
        Cursor->Encoding = BlUtf16Little;
        Cursor->Next += 2;
    } else if (Bytes >= 2 && memcmp(Text, "\xFE\xFF", 2) == 0) {
        Cursor->Encoding = BlUtf16Big;
        Cursor->Next += 2;
    }
    Source->Line = 0;
    Source->Bytes = 0;
    Source->Cut = FALSE;
    Source->Text[0] = 0;
}

void BlInitializeTextSource(PBL_TEXT_SOURCE Source, const void *Text, SIZE_T Bytes,
                            BL_COMPLAINT *Complain, PVOID Context)
{
    BlpStartText(Source, Text, Bytes);
    Source->Complain = Complain;
    Source->Context = Context;
    Source->Complaints = 0;
}

void BlRewindTextSource(PBL_TEXT_SOURCE Source, const void *Text, SIZE_T Bytes)
{
    BlpStartText(Source, Text, Bytes);
}

static BOOLEAN BlpIsBlank(ULONG Character)
{
    return Character == ' ' || Character == '\t';
}

/* => TRUE when Character ends the line; of CR LF the second half is taken too. */
static BOOLEAN BlpEndsLine(PBL_TEXT_CURSOR Cursor, ULONG Character)
{
    BL_TEXT_CURSOR Ahead = *Cursor;

    if (Character == '\r' && Ahead.Next != Ahead.End && BlNextCharacter(&Ahead) == '\n') {
        *Cursor = Ahead;
    }
    return Character == '\r' || Character == '\n';
}

/* Add a character to the line, if it is not a blank at the start and still fits. */
static void BlpAddToLine(PBL_TEXT_SOURCE Source, ULONG Character)
{
    if (BlpIsBlank(Character) && Source->Bytes == 0) {
        return;
    }
    if ((Character < ' ' && Character != '\t') || Character == 0x7F) {
        Character = BL_REPLACEMENT;
    }
    if (Source->Cut ||
        !BlAppendCharacter(Source->Text, BL_LINE_BYTES - 1, &Source->Bytes, Character)) {
        Source->Cut = TRUE;
    }
}

BOOLEAN BlReadLine(PBL_TEXT_SOURCE Source)
{
    PBL_TEXT_CURSOR Cursor = &Source->Cursor;
    BOOLEAN Found = Cursor->Next != Cursor->End;
    BOOLEAN Ended = FALSE;
    ULONG Character;

    Source->Bytes = 0;
    Source->Cut = FALSE;
    Source->Line += Found;
    while (Cursor->Next != Cursor->End && !Ended) {
        Character = BlNextCharacter(Cursor);
        Ended = BlpEndsLine(Cursor, Character);
        if (!Ended) {
            BlpAddToLine(Source, Character);
        }
    }
    while (Source->Bytes != 0 && BlpIsBlank((UCHAR)Source->Text[Source->Bytes - 1])) {
        Source->Bytes--;
    }
    Source->Text[Source->Bytes] = 0;
    return Found;
}

void BlComplain(PBL_TEXT_SOURCE Source, ULONG Line, const char *Format, ...)
{
    char Message[BL_COMPLAINT_BYTES];
    va_list Arguments;

    Source->Complaints++;
    if (Source->Complaints == BL_COMPLAINTS_SHOWN + 1) {
        Source->Complain(Source->Context, 0, "there is more to complain about than fits here");
    }
    if (Source->Complaints > BL_COMPLAINTS_SHOWN) {
        return;
    }
    va_start(Arguments, Format);
    (void)RtlStringCbVPrintfA(Message, sizeof(Message), Format, Arguments);
    va_end(Arguments);
    Source->Complain(Source->Context, Line, Message);
}

BL_TEXT BlLineText(const BL_TEXT_SOURCE *Source)
{
    BL_TEXT Text = {Source->Text, Source->Text + Source->Bytes};

    return Text;
}

BL_TEXT BlTrimText(BL_TEXT Text)
{
    while (Text.Start != Text.End && BlpIsBlank((UCHAR)*Text.Start)) {
        Text.Start++;
    }
    while (Text.Start != Text.End && BlpIsBlank((UCHAR)Text.End[-1])) {
        Text.End--;
    }
    return Text;
}

BOOLEAN BlTextEquals(BL_TEXT Text, const char *Other)
{
    return BlSkipPrefix(&Text, Other) && Text.Start == Text.End;
}

BOOLEAN BlSkipPrefix(BL_TEXT *Text, const char *Prefix)
{
    SIZE_T Bytes = strlen(Prefix);

    if ((SIZE_T)(Text->End - Text->Start) < Bytes ||
        RtlCompareText(Text->Start, Prefix, Bytes) != 0) {
        return FALSE;
    }
    Text->Start += Bytes;
    return TRUE;
}

BL_TEXT BlSplitText(BL_TEXT *Text, char Separator)
{
    BL_TEXT Head = {Text->Start, Text->Start};

    while (Head.End != Text->End && *Head.End != Separator) {
        Head.End++;
    }
    if (Head.End == Text->End) {
        Text->Start = NULL;
        Text->End = NULL;
    } else {
        Text->Start = Head.End + 1;
    }
    return BlTrimText(Head);
}
