/* SPDX-License-Identifier: MIT */
/*
 * unicode.c - counted UTF-16 strings, and UTF-8.
 *
 * Well formed is what Unicode 15 (table 3-7) says: no surrogates in UTF-8, no overlong forms,
 * nothing above 10FFFF; in UTF-16 surrogates come in pairs.  A byte or unit that begins nothing
 * well formed becomes U+FFFD alone.
 */
#include "rtl.h"

#define RTLP_REPLACEMENT 0xFFFDu

void NTAPI RtlInitUnicodeString(PUNICODE_STRING Destination, PCWSTR Source)
{
    ULONG Units = 0;

    while (Source != NULL && Source[Units] != 0 && Units < 32766) {
        Units++;
    }
    Destination->Length = (USHORT)(Units * sizeof(WCHAR));
    Destination->MaximumLength = (USHORT)(Source != NULL ? (Units + 1) * sizeof(WCHAR) : 0);
    Destination->Buffer = (PWCHAR)(ULONG_PTR)Source;
}

/* ---- case ---- */

WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR Unit)
{
    if ((Unit >= 'a' && Unit <= 'z') || (Unit >= 0xE0 && Unit <= 0xFE && Unit != 0xF7) ||
        (Unit >= 0x3B1 && Unit <= 0x3C9 && Unit != 0x3C2) || (Unit >= 0x430 && Unit <= 0x44F)) {
        return (WCHAR)(Unit - 32);
    }
    return Unit >= 0x450 && Unit <= 0x45F ? (WCHAR)(Unit - 80) : Unit;
}

BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING A, PCUNICODE_STRING B, BOOLEAN AnyCase)
{
    ULONG Index;

    if (A->Length != B->Length) {
        return FALSE;
    }
    for (Index = 0; Index < A->Length / sizeof(WCHAR); Index++) {
        WCHAR Left = A->Buffer[Index];
        WCHAR Right = B->Buffer[Index];

        if (Left != Right &&
            (!AnyCase || RtlUpcaseUnicodeChar(Left) != RtlUpcaseUnicodeChar(Right))) {
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- one character ---- */

/* => Returns the bytes that it takes; *Code is RTLP_NONE when they are not well formed. */
#define RTLP_NONE 0xFFFFFFFFu

static ULONG RtlpTailBytes(UCHAR Lead)
{
    if (Lead < 0x80) {
        return 0;
    }
    if (Lead >= 0xC2 && Lead <= 0xDF) {
        return 1;
    }
    if (Lead >= 0xE0 && Lead <= 0xEF) {
        return 2;
    }
    return Lead >= 0xF0 && Lead <= 0xF4 ? 3 : RTLP_NONE;
}

static ULONG RtlpReadUtf8(const UCHAR *Source, ULONG Bytes, PULONG Code)
{
    static const ULONG Least[] = {0, 0x80, 0x800, 0x10000};
    ULONG Tail = RtlpTailBytes(Source[0]);
    ULONG Value;
    ULONG Index;

    *Code = RTLP_NONE;
    if (Tail == RTLP_NONE || Tail >= Bytes) {
        return 1;
    }
    Value = Tail == 0 ? Source[0] : Source[0] & (0x3Fu >> Tail);
    for (Index = 1; Index <= Tail; Index++) {
        if ((Source[Index] & 0xC0) != 0x80) {
            return 1;
        }
        Value = Value << 6 | (Source[Index] & 0x3Fu);
    }
    if (Value < Least[Tail] || Value > 0x10FFFF || (Value >= 0xD800 && Value <= 0xDFFF)) {
        return 1;
    }
    *Code = Value;
    return Tail + 1;
}

static ULONG RtlpReadUtf16(PCWSTR Source, ULONG Units, PULONG Code)
{
    ULONG First = Source[0];

    *Code = First;
    if (First < 0xD800 || First > 0xDFFF) {
        return 1;
    }
    if (First <= 0xDBFF && Units > 1 && Source[1] >= 0xDC00 && Source[1] <= 0xDFFF) {
        *Code = 0x10000 + ((First - 0xD800) << 10) + (Source[1] - 0xDC00u);
        return 2;
    }
    *Code = RTLP_NONE;
    return 1;
}

static ULONG RtlpMakeUtf16(ULONG Code, PWCHAR Units)
{
    if (Code < 0x10000) {
        Units[0] = (WCHAR)Code;
        return 1;
    }
    Units[0] = (WCHAR)(0xD800 + ((Code - 0x10000) >> 10));
    Units[1] = (WCHAR)(0xDC00 + ((Code - 0x10000) & 0x3FF));
    return 2;
}

static ULONG RtlpMakeUtf8(ULONG Code, PUCHAR Bytes)
{
    static const UCHAR Lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    ULONG Count = Code < 0x80 ? 1 : Code < 0x800 ? 2 : Code < 0x10000 ? 3 : 4;
    ULONG Index;

    for (Index = Count - 1; Index > 0; Index--) {
        Bytes[Index] = (UCHAR)(0x80 | (Code & 0x3F));
        Code >>= 6;
    }
    Bytes[0] = (UCHAR)(Lead[Count] | Code);
    return Count;
}

/* ---- texts ---- */

/* Where the result goes. */
typedef struct _RTLP_SINK {
    PUCHAR At; /* NULL: only count */
    ULONG Room;
    ULONG Done;
    NTSTATUS Status;
} RTLP_SINK;

/* => FALSE: it is full. */
static BOOLEAN RtlpPut(RTLP_SINK *Sink, const void *Character, ULONG Bytes)
{
    if (Sink->At != NULL) {
        if (Bytes > Sink->Room - Sink->Done) {
            Sink->Status = STATUS_BUFFER_TOO_SMALL;
            return FALSE;
        }
        memcpy(Sink->At + Sink->Done, Character, Bytes);
    }
    Sink->Done += Bytes;
    return TRUE;
}

static ULONG RtlpReplace(RTLP_SINK *Sink, ULONG Code)
{
    if (Code != RTLP_NONE) {
        return Code;
    }
    Sink->Status = STATUS_SOME_NOT_MAPPED;
    return RTLP_REPLACEMENT;
}

NTSTATUS NTAPI RtlUTF8ToUnicodeN(PWCHAR Destination, ULONG MaximumBytes, PULONG ActualBytes,
                                 const char *Source, ULONG SourceBytes)
{
    RTLP_SINK Sink = {(PUCHAR)Destination, MaximumBytes, 0, STATUS_SUCCESS};
    const UCHAR *At = (const UCHAR *)Source;
    BOOLEAN Room = TRUE;
    WCHAR Units[2];
    ULONG Code;

    while (SourceBytes != 0 && Room) {
        ULONG Taken = RtlpReadUtf8(At, SourceBytes, &Code);

        Room = RtlpPut(&Sink, Units, 2 * RtlpMakeUtf16(RtlpReplace(&Sink, Code), Units));
        At += Taken;
        SourceBytes -= Taken;
    }
    *ActualBytes = Sink.Done;
    return Sink.Status;
}

NTSTATUS NTAPI RtlUnicodeToUTF8N(char *Destination, ULONG MaximumBytes, PULONG ActualBytes,
                                 PCWSTR Source, ULONG SourceBytes)
{
    RTLP_SINK Sink = {(PUCHAR)Destination, MaximumBytes, 0, STATUS_SUCCESS};
    ULONG Units = SourceBytes / sizeof(WCHAR);
    BOOLEAN Room = TRUE;
    UCHAR Bytes[4];
    ULONG Code;

    while (Units != 0 && Room) {
        ULONG Taken = RtlpReadUtf16(Source, Units, &Code);

        Room = RtlpPut(&Sink, Bytes, RtlpMakeUtf8(RtlpReplace(&Sink, Code), Bytes));
        Source += Taken;
        Units -= Taken;
    }
    *ActualBytes = Sink.Done;
    return Sink.Status;
}
