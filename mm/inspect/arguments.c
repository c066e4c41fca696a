/* SPDX-License-Identifier: MIT */
/*
 * arguments.c - taking a command's arguments, with a sentence for each that makes no sense.
 *
 * What is evaluated wrongly is shown as it was typed, up to the blank that ends it.
 */
#include "mm/inspect/debugger.h"
#include "mm/inspect/expression.h"
#include "rtl.h"

static void MipSkipBlanks(const char **Arguments)
{
    while (**Arguments == ' ') {
        (*Arguments)++;
    }
}

static int MipWordLength(const char *Text)
{
    int Length = 0;

    while (Text[Length] != 0 && Text[Length] != ' ') {
        Length++;
    }
    return Length;
}

static NTSTATUS MipTakeExpression(const char **Arguments, MI_EXPRESSION_END End, PULONG_PTR Value)
{
    const char *Text = *Arguments;
    MI_EXPRESSION_ERROR Error;
    NTSTATUS Status = MiEvaluateExpression(Arguments, End, Value, &Error);

    if (!NT_SUCCESS(Status)) {
        int Length = End == MiEndAtEnd ? (int)strlen(Text) : MipWordLength(Text);
        unsigned Column = (unsigned)(Error.Where - Text) + 1;

        MiFail("\"%.*s\", character %u: %s.", Length, Text, Column, Error.What);
    }
    return Status;
}

NTSTATUS MiTakeArgument(const char **Arguments, PULONG_PTR Value)
{
    NTSTATUS Status;

    MipSkipBlanks(Arguments);
    if (**Arguments == 0) {
        return STATUS_NO_MORE_ENTRIES;
    }
    Status = MipTakeExpression(Arguments, MiEndAtBlank, Value);
    MipSkipBlanks(Arguments);
    return Status;
}

BOOLEAN MiTakeOptional(const char **Arguments, ULONG_PTR Default, PULONG_PTR Value)
{
    NTSTATUS Status = MiTakeArgument(Arguments, Value);

    if (Status == STATUS_NO_MORE_ENTRIES) {
        *Value = Default;
        return TRUE;
    }
    return NT_SUCCESS(Status);
}

NTSTATUS MiTakeWholeExpression(const char *Arguments, PULONG_PTR Value)
{
    MipSkipBlanks(&Arguments);
    if (*Arguments == 0) {
        return STATUS_NO_MORE_ENTRIES;
    }
    return MipTakeExpression(&Arguments, MiEndAtEnd, Value);
}

BOOLEAN MiTakeWord(const char **Arguments, char Word[MI_WORD_BYTES])
{
    int Length;

    Word[0] = 0;
    MipSkipBlanks(Arguments);
    Length = MipWordLength(*Arguments);
    if (Length == 0 || Length >= (int)MI_WORD_BYTES) {
        return FALSE;
    }
    memcpy(Word, *Arguments, (SIZE_T)Length);
    Word[Length] = 0;
    *Arguments += Length;
    MipSkipBlanks(Arguments);
    return TRUE;
}

BOOLEAN MiTakeEnd(const char *Arguments)
{
    MipSkipBlanks(&Arguments);
    if (*Arguments != 0) {
        MiFail("\"%s\" is more than this command takes.", Arguments);
    }
    return *Arguments == 0;
}

/* ---- ranges ---- */

/* Whether "Ln" stands here, and not a name that begins with L. */
static BOOLEAN MipIsLength(const char *Text)
{
    char Next = Text[1];

    return (Text[0] | 0x20) == 'l' &&
           ((Next >= '0' && Next <= '9') || ((Next | 0x20) >= 'a' && (Next | 0x20) <= 'f') ||
            Next == '(' || Next == '@' || Next == ' ' || Next == 0);
}

/* => Returns the objects from Start up to the end of the address space. */
static ULONG64 MipObjectsLeft(ULONG_PTR Start, ULONG ObjectBytes)
{
    return ((ULONG64)(ULONG_PTR)-1 - Start + 1) / ObjectBytes;
}

/* "end": the object there is the last one.  => 0, with a sentence: it lies before the start. */
static ULONG64 MipCountToEnd(ULONG_PTR Start, ULONG_PTR End, ULONG ObjectBytes)
{
    if (End < Start) {
        MiFail("The range ends at %08lx, before its start at %08lx.", (unsigned long)End,
               (unsigned long)Start);
        return 0;
    }
    return ((ULONG64)End - Start) / ObjectBytes + 1;
}

/* The part of the range behind its start.  => FALSE: a sentence was printed. */
static BOOLEAN MipTakeCount(const char **Arguments, ULONG_PTR Start, ULONG ObjectBytes,
                            PULONG64 Count)
{
    BOOLEAN Length = MipIsLength(*Arguments);
    ULONG_PTR Value;
    NTSTATUS Status;

    *Arguments += Length;
    Status = MiTakeArgument(Arguments, &Value);
    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("A number must follow the L.");
    }
    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    if (!Length) {
        *Count = MipCountToEnd(Start, Value, ObjectBytes);
        return *Count != 0;
    }
    *Count = Value;
    if (Value == 0) {
        MiFail("The range is empty.");
    }
    return Value != 0;
}

NTSTATUS MiTakeRange(const char **Arguments, ULONG ObjectBytes, ULONG DefaultCount,
                     PMI_MEMORY_RANGE Range)
{
    ULONG64 Count = DefaultCount;
    NTSTATUS Status = MiTakeArgument(Arguments, &Range->Start);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (**Arguments != 0 || DefaultCount == 0) {
        if (**Arguments == 0) {
            MiFail("The range has no end; give Ln for n objects, or the last address.");
            return STATUS_INVALID_PARAMETER;
        }
        if (!MipTakeCount(Arguments, Range->Start, ObjectBytes, &Count)) {
            return STATUS_INVALID_PARAMETER;
        }
    }
    if (Count > MI_RANGE_BYTES / ObjectBytes) {
        MiFail("The range has more than %x bytes.", MI_RANGE_BYTES);
        return STATUS_INVALID_PARAMETER;
    }
    if (Count > MipObjectsLeft(Range->Start, ObjectBytes)) {
        Count = MipObjectsLeft(Range->Start, ObjectBytes);
    }
    Range->Count = (ULONG)Count;
    return STATUS_SUCCESS;
}
