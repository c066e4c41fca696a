/* SPDX-License-Identifier: MIT */
/*
 * text.c - reading plain ASCII: compare, find, parse a number.
 *
 * The ISO C calls (memcpy, strlen...) are the machine's: arch/x86/string.c in the kernel and in the
 * loader, libc on the host.  Text here is bytes; only A to Z have a case.
 */
#include "rtl.h"

static UCHAR RtlpFoldCase(char Character)
{
    UCHAR Byte = (UCHAR)Character;

    return Byte >= 'A' && Byte <= 'Z' ? (UCHAR)(Byte - 'A' + 'a') : Byte;
}

int RtlCompareText(const char *A, const char *B, SIZE_T Bytes)
{
    SIZE_T Index;

    for (Index = 0; Index < Bytes; Index++) {
        UCHAR Left = RtlpFoldCase(A[Index]);
        UCHAR Right = RtlpFoldCase(B[Index]);

        if (Left != Right || Left == 0) {
            return Left - Right;
        }
    }
    return 0;
}

const char *RtlFindText(const char *Haystack, const char *Needle)
{
    SIZE_T Bytes = strlen(Needle);

    /* strncmp stops at Haystack's end, so a tail shorter than Needle is never overrun. */
    for (; strncmp(Haystack, Needle, Bytes) != 0; Haystack++) {
        if (*Haystack == 0) {
            return NULL;
        }
    }
    return Haystack;
}

/* => Returns the digit's value, or Base when Character is no digit of Base (10 or 16). */
static ULONG RtlpDigitValue(char Character, ULONG Base)
{
    UCHAR Byte = RtlpFoldCase(Character);

    if (Byte >= '0' && Byte <= '9') {
        return (ULONG)(Byte - '0');
    }
    if (Base == 16 && Byte >= 'a' && Byte <= 'f') {
        return (ULONG)(Byte - 'a' + 10);
    }
    return Base;
}

NTSTATUS RtlParseNumber(const char **Text, const char *End, ULONG64 *Value)
{
    const char *Next = *Text;
    const char *First;
    ULONG64 Result = 0;
    ULONG Base = 10;

    if (End - Next >= 2 && Next[0] == '0' && RtlpFoldCase(Next[1]) == 'x') {
        Base = 16;
        Next += 2;
    }
    for (First = Next; Next < End; Next++) {
        ULONG Digit = RtlpDigitValue(*Next, Base);

        if (Digit == Base) {
            break;
        }
        if (__builtin_mul_overflow(Result, (ULONG64)Base, &Result) ||
            __builtin_add_overflow(Result, (ULONG64)Digit, &Result)) {
            return STATUS_INTEGER_OVERFLOW;
        }
    }
    if (Next == First) {
        return STATUS_INVALID_PARAMETER;
    }
    *Text = Next;
    *Value = Result;
    return STATUS_SUCCESS;
}
