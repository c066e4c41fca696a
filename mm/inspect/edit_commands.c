/* SPDX-License-Identifier: MIT */
/*
 * edit_commands.c - eb, ew, ed: changing memory; s: looking for something in it.
 *
 * A value that does not fit, or memory that may not be written, refuses the whole command before
 * anything has changed.
 */
#include "mm/inspect/debugger.h"
#include "rtl.h"

#define MIP_PATTERN_BYTES 64u /* also the most that one e* command writes */
#define MIP_CHUNK_BYTES   256u

/*
 * Take values of ObjectBytes to the end of Arguments.
 *
 * => Returns their bytes; 0: there are none, or one makes no sense, and a sentence was printed.
 */
static ULONG MipTakeValues(const char *Arguments, ULONG ObjectBytes,
                           UCHAR Values[MIP_PATTERN_BYTES])
{
    ULONG Bytes = 0;
    ULONG_PTR Value;
    NTSTATUS Status;

    while ((Status = MiTakeArgument(&Arguments, &Value)) != STATUS_NO_MORE_ENTRIES) {
        if (!NT_SUCCESS(Status)) {
            return 0;
        }
        if (ObjectBytes < sizeof(Value) && Value >> ObjectBytes * 8 != 0) {
            MiFail("%lx does not fit into %u bits.", (unsigned long)Value, ObjectBytes * 8);
            return 0;
        }
        if (Bytes + ObjectBytes > MIP_PATTERN_BYTES) {
            MiFail("There are more values than the %u that one command takes.",
                   MIP_PATTERN_BYTES / ObjectBytes);
            return 0;
        }
        memcpy(Values + Bytes, &Value, ObjectBytes);
        Bytes += ObjectBytes;
    }
    if (Bytes == 0) {
        MiFail("The values are missing.");
    }
    return Bytes;
}

static void MipEnter(const char *Arguments, ULONG ObjectBytes)
{
    UCHAR Values[MIP_PATTERN_BYTES];
    ULONG_PTR Obstacle;
    ULONG_PTR Va;
    ULONG Bytes;
    NTSTATUS Status = MiTakeArgument(&Arguments, &Va);

    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("The address is missing.");
    }
    if (!NT_SUCCESS(Status)) {
        return;
    }
    Bytes = MipTakeValues(Arguments, ObjectBytes, Values);
    if (Bytes != 0 && !MiWriteVirtual(Va, Values, Bytes, &Obstacle)) {
        UCHAR Unused;

        MiFail("%08lx %s; nothing was written.", (unsigned long)Obstacle,
               MiReadVirtual(Obstacle, &Unused, 1) == 1 ? "is read-only" : "is not mapped");
    }
}

void MiEnterBytesCommand(const char *Arguments)
{
    MipEnter(Arguments, 1);
}

void MiEnterWordsCommand(const char *Arguments)
{
    MipEnter(Arguments, 2);
}

void MiEnterLongsCommand(const char *Arguments)
{
    MipEnter(Arguments, 4);
}

/* ---- s ---- */

typedef struct _MIP_PATTERN {
    UCHAR Bytes[MIP_PATTERN_BYTES];
    ULONG Length;
    ULONG ObjectBytes; /* matches begin at multiples of it, counted from the range's start */
} MIP_PATTERN;

/* "text" in quotes.  => FALSE: a sentence was printed. */
static BOOLEAN MipTakeText(const char *Arguments, MIP_PATTERN *Pattern, ULONG CharacterBytes)
{
    SIZE_T Length = strlen(Arguments);
    SIZE_T i;

    if (Length < 3 || Arguments[0] != '"' || Arguments[Length - 1] != '"') {
        MiFail("The text to look for stands in quotation marks: s -a <range> \"text\".");
        return FALSE;
    }
    Length -= 2;
    if (Length * CharacterBytes > MIP_PATTERN_BYTES) {
        MiFail("The text has more than %u characters.", MIP_PATTERN_BYTES / CharacterBytes);
        return FALSE;
    }
    memset(Pattern->Bytes, 0, sizeof(Pattern->Bytes));
    for (i = 0; i < Length; i++) {
        Pattern->Bytes[i * CharacterBytes] = (UCHAR)Arguments[1 + i];
    }
    Pattern->Length = (ULONG)Length * CharacterBytes;
    return TRUE;
}

static BOOLEAN MipMatches(ULONG_PTR Va, const MIP_PATTERN *Pattern)
{
    UCHAR Found[MIP_PATTERN_BYTES];

    return MiReadVirtual(Va, Found, Pattern->Length) == Pattern->Length &&
           memcmp(Found, Pattern->Bytes, Pattern->Length) == 0;
}

/* A hit is shown as the display command of its kind shows one line. */
static void MipShowHit(ULONG_PTR Va, ULONG ObjectBytes)
{
    char Range[32];

    (void)RtlStringCbPrintfA(Range, sizeof(Range), "0x%lx L%x", (unsigned long)Va,
                             16 / ObjectBytes);
    switch (ObjectBytes) {
    case 2:
        MiDisplayWordsCommand(Range);
        break;
    case 4:
        MiDisplayLongsAndTextCommand(Range);
        break;
    default:
        MiDisplayBytesCommand(Range);
        break;
    }
}

/* The matches that begin in the chunk of Bytes at Va, of which all objects are whole. */
static void MipSearchChunk(ULONG_PTR Va, ULONG Bytes, const MIP_PATTERN *Pattern)
{
    UCHAR Chunk[MIP_CHUNK_BYTES];
    ULONG Valid = (ULONG)MiReadVirtual(Va, Chunk, Bytes);
    ULONG i;

    for (i = 0; i < Bytes; i += Pattern->ObjectBytes) {
        if (i < Valid && Chunk[i] != Pattern->Bytes[0]) {
            continue;
        }
        if (MipMatches(Va + i, Pattern)) {
            MipShowHit(Va + i, Pattern->ObjectBytes);
        }
    }
}

static void MipSearch(const MI_MEMORY_RANGE *Range, const MIP_PATTERN *Pattern)
{
    ULONG Bytes = Range->Count * Pattern->ObjectBytes;
    ULONG Done;

    for (Done = 0; Done < Bytes && !MiStopRequested(); Done += MIP_CHUNK_BYTES) {
        ULONG Part = Bytes - Done < MIP_CHUNK_BYTES ? Bytes - Done : MIP_CHUNK_BYTES;

        MipSearchChunk(Range->Start + Done, Part, Pattern);
    }
}

/* s [-b|-w|-d|-a|-u] <range> <pattern> */
void MiSearchCommand(const char *Arguments)
{
    char Kind = 'b';
    MIP_PATTERN Pattern;
    MI_MEMORY_RANGE Range;
    NTSTATUS Status;

    if (Arguments[0] == '-' && Arguments[1] != 0 && Arguments[2] == ' ') {
        Kind = Arguments[1];
        Arguments += 3;
    }
    Pattern.ObjectBytes = Kind == 'd' ? 4 : Kind == 'w' ? 2 : 1;
    if (RtlFindText("bwdau", (char[2]){Kind, 0}) == NULL) {
        MiFail("-%c is not one of -b -w -d -a -u.", Kind);
        return;
    }
    Status = MiTakeRange(&Arguments, Pattern.ObjectBytes, 0, &Range);
    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("The range to search is missing.");
    }
    if (!NT_SUCCESS(Status)) {
        return;
    }
    if (Kind == 'a' || Kind == 'u') {
        if (!MipTakeText(Arguments, &Pattern, Kind == 'u' ? 2 : 1)) {
            return;
        }
    } else {
        Pattern.Length = MipTakeValues(Arguments, Pattern.ObjectBytes, Pattern.Bytes);
    }
    if (Pattern.Length != 0) {
        MipSearch(&Range, &Pattern);
    }
}
