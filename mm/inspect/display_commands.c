/* SPDX-License-Identifier: MIT */
/*
 * display_commands.c - db, dw, dd, dc, dp, dq, da, du and their physical forms: memory as text.
 *
 * A line is an address, the objects that fit, and (db, dc) the same bytes as characters.  What
 * cannot be read is shown as ?? in its place, so that a hole in the map looks like one.  The end of
 * what was shown is where the next command without an address goes on.
 */
#include "mm/inspect/debugger.h"
#include "rtl.h"

#define MIP_LINE_BYTES    16u  /* of memory in a line */
#define MIP_DEFAULT_BYTES 128u /* shown without a length */
#define MIP_STRING_LINE   32u  /* characters of a string in a line */
#define MIP_STRING_LIMIT  384u /* characters of a string without a length */
#define MIP_UNREADABLE    0x100u

typedef enum _MIP_KIND {
    MipBytes,
    MipWords,
    MipLongs,
    MipLongsAndText,
    MipQuads,
    MipAnsi,
    MipUnicode
} MIP_KIND;

typedef struct _MIP_FORMAT {
    MIP_KIND Kind;
    BOOLEAN Physical;
} MIP_FORMAT;

static MIP_FORMAT MipLast; /* db until something else was asked for */
static ULONG_PTR MipNext;  /* the address behind what was shown last */

static ULONG MipObjectBytes(MIP_KIND Kind)
{
    static const UCHAR Bytes[] = {1, 2, 4, 4, 8, 1, 2};

    return Bytes[Kind];
}

/* => Each element of Line is a byte of memory or MIP_UNREADABLE. */
static void MipReadLine(MIP_FORMAT Format, ULONG_PTR Va, USHORT Line[MIP_LINE_BYTES], ULONG Bytes)
{
    UCHAR Buffer[MIP_LINE_BYTES];
    ULONG Done;
    ULONG i;

    if (Format.Physical) {
        Done = KdReadPhysical(Va, Buffer, Bytes) ? Bytes : 0;
    } else {
        Done = (ULONG)MiReadVirtual(Va, Buffer, Bytes);
    }
    for (i = 0; i < Bytes; i++) { /* behind a page that is not valid, one may be that is */
        if (i < Done || (!Format.Physical && MiReadVirtual(Va + i, Buffer + i, 1) == 1)) {
            Line[i] = Buffer[i];
        } else {
            Line[i] = MIP_UNREADABLE;
        }
    }
}

/* One object as hexadecimal digits, or as many question marks. */
static void MipPrintObject(const USHORT *Bytes, ULONG ObjectBytes)
{
    ULONG i = ObjectBytes;

    while (i-- != 0) {
        if (Bytes[i] == MIP_UNREADABLE) {
            MiPrint("??");
        } else {
            MiPrint("%02x", Bytes[i]);
        }
        if (ObjectBytes == 8 && i == 4) {
            MiPrint("`");
        }
    }
}

static void MipPrintCharacters(const USHORT *Line, ULONG Bytes)
{
    char Text[MIP_LINE_BYTES + 1];
    ULONG i;

    for (i = 0; i < Bytes; i++) {
        Text[i] = Line[i] == MIP_UNREADABLE ? '?' : '.';
        if (Line[i] >= ' ' && Line[i] < 0x7F) {
            Text[i] = (char)Line[i];
        }
    }
    Text[Bytes] = 0;
    MiPrint("  %s", Text);
}

/* The objects in Bytes from Va on; a line that is not full is padded for the characters. */
static void MipPrintLine(MIP_FORMAT Format, ULONG_PTR Va, ULONG Bytes)
{
    ULONG ObjectBytes = MipObjectBytes(Format.Kind);
    USHORT Line[MIP_LINE_BYTES];
    ULONG i;

    MipReadLine(Format, Va, Line, Bytes);
    MiPrint("%08lx ", (unsigned long)Va);
    for (i = 0; i < Bytes; i += ObjectBytes) {
        MiPrint(Format.Kind == MipBytes && i == MIP_LINE_BYTES / 2 ? "-" : " ");
        MipPrintObject(Line + i, ObjectBytes);
    }
    if (Format.Kind == MipBytes || Format.Kind == MipLongsAndText) {
        ULONG Missing = (MIP_LINE_BYTES - Bytes) / ObjectBytes * (2 * ObjectBytes + 1);

        MiPrint("%*s", (int)Missing, "");
        MipPrintCharacters(Line, Bytes);
    }
    MiPrint("\n");
}

static void MipPrintLines(MIP_FORMAT Format, const MI_MEMORY_RANGE *Range)
{
    ULONG Bytes = Range->Count * MipObjectBytes(Format.Kind);
    ULONG Done;

    for (Done = 0; Done < Bytes && !MiStopRequested(); Done += MIP_LINE_BYTES) {
        ULONG Part = Bytes - Done < MIP_LINE_BYTES ? Bytes - Done : MIP_LINE_BYTES;

        MipPrintLine(Format, Range->Start + Done, Part);
    }
    MipNext = Range->Start + Bytes;
}

/* ---- strings ---- */

/* => Returns the character at Va, 0 at a string's end, MIP_UNREADABLE where there is none. */
static USHORT MipReadCharacter(MIP_KIND Kind, ULONG_PTR Va)
{
    USHORT Character = 0;
    ULONG Bytes = MipObjectBytes(Kind);

    if (MiReadVirtual(Va, &Character, Bytes) != Bytes) {
        return MIP_UNREADABLE;
    }
    if (Character != 0 && (Character < ' ' || Character >= 0x7F)) {
        return '.';
    }
    return Character;
}

/* => Returns how many characters were printed; fewer than a line: the string ends there. */
static ULONG MipPrintStringLine(MIP_KIND Kind, ULONG_PTR Va, ULONG Limit)
{
    ULONG Count = 0;
    USHORT Character = 0;

    MiPrint("%08lx  \"", (unsigned long)Va);
    while (Count < Limit) {
        Character = MipReadCharacter(Kind, Va + Count * MipObjectBytes(Kind));
        if (Character == 0 || Character == MIP_UNREADABLE) {
            break;
        }
        MiPrint("%c", Character);
        Count++;
    }
    MiPrint("%s\"\n", Character == MIP_UNREADABLE ? "???" : "");
    return Count;
}

static void MipPrintString(MIP_KIND Kind, const MI_MEMORY_RANGE *Range)
{
    ULONG Left = Range->Count;
    ULONG_PTR Va = Range->Start;
    ULONG Count;
    ULONG Limit;

    do {
        Limit = Left < MIP_STRING_LINE ? Left : MIP_STRING_LINE;
        Count = MipPrintStringLine(Kind, Va, Limit);
        Va += Count * MipObjectBytes(Kind);
        Left -= Count;
    } while (Left != 0 && Count == Limit && !MiStopRequested());
    MipNext = Va;
}

/* ---- commands ---- */

static void MipDisplay(MIP_FORMAT Format, const char *Arguments)
{
    BOOLEAN String = Format.Kind == MipAnsi || Format.Kind == MipUnicode;
    ULONG ObjectBytes = MipObjectBytes(Format.Kind);
    ULONG Default = String ? MIP_STRING_LIMIT : MIP_DEFAULT_BYTES / ObjectBytes;
    MI_MEMORY_RANGE Range;
    NTSTATUS Status = MiTakeRange(&Arguments, ObjectBytes, Default, &Range);

    if (Status == STATUS_NO_MORE_ENTRIES) {
        Range.Start = MipNext;
        Range.Count = Default;
    } else if (!NT_SUCCESS(Status) || !MiTakeEnd(Arguments)) {
        return;
    }
    MipLast = Format;
    if (String) {
        MipPrintString(Format.Kind, &Range);
    } else {
        MipPrintLines(Format, &Range);
    }
    MiContinueWith(MiDisplayCommand);
}

void MiDisplayCommand(const char *Arguments)
{
    MipDisplay(MipLast, Arguments);
}

void MiDisplayBytesCommand(const char *Arguments)
{
    MipDisplay((MIP_FORMAT){MipBytes, FALSE}, Arguments);
}

void MiDisplayWordsCommand(const char *Arguments)
{
    MipDisplay((MIP_FORMAT){MipWords, FALSE}, Arguments);
}

void MiDisplayLongsCommand(const char *Arguments)
{
    MipDisplay((MIP_FORMAT){MipLongs, FALSE}, Arguments);
}

void MiDisplayLongsAndTextCommand(const char *Arguments)
{
    MipDisplay((MIP_FORMAT){MipLongsAndText, FALSE}, Arguments);
}

/* A pointer has 32 bits here; with another width this becomes MipQuads. */
void MiDisplayPointersCommand(const char *Arguments)
{
    MipDisplay((MIP_FORMAT){sizeof(PVOID) == 8 ? MipQuads : MipLongs, FALSE}, Arguments);
}

void MiDisplayQuadsCommand(const char *Arguments)
{
    MipDisplay((MIP_FORMAT){MipQuads, FALSE}, Arguments);
}

void MiDisplayAnsiCommand(const char *Arguments)
{
    MipDisplay((MIP_FORMAT){MipAnsi, FALSE}, Arguments);
}

void MiDisplayUnicodeCommand(const char *Arguments)
{
    MipDisplay((MIP_FORMAT){MipUnicode, FALSE}, Arguments);
}

void MiDisplayPhysicalBytesCommand(const char *Arguments)
{
    MipDisplay((MIP_FORMAT){MipBytes, TRUE}, Arguments);
}

void MiDisplayPhysicalLongsCommand(const char *Arguments)
{
    MipDisplay((MIP_FORMAT){MipLongs, TRUE}, Arguments);
}

void MiDisplayPhysicalLongsAndTextCommand(const char *Arguments)
{
    MipDisplay((MIP_FORMAT){MipLongsAndText, TRUE}, Arguments);
}
