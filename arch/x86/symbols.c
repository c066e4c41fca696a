/* SPDX-License-Identifier: MIT */
/*
 * symbols.c - the symbol file, searched where it lies.
 *
 * The file is text, sorted by address, one symbol a line:
 *
 *     80801230 T KeBugCheckEx
 *
 * Lines have different lengths, so the binary search is over byte offsets: take the middle, go to
 * the start of its line, compare.  A line that does not parse has no address and ends the search;
 * a damaged file gives fewer names, never a wrong access.
 */
#include "arch/x86/symbols.h"

#include "rtl.h"

#define KIP_ADDRESS_DIGITS 8
#define KIP_NAME_COLUMN    11 /* "hhhhhhhh t " */

static const char *KipSymbols;
static SIZE_T KipSymbolBytes;
static ULONG KipSymbolDelta; /* from a line's address to the symbol's */

void KiInitializeSymbols(const char *Text, SIZE_T Bytes, ULONG Delta)
{
    KipSymbolDelta = Delta;
    KipSymbols = Text;
    KipSymbolBytes = Bytes;
}

static SIZE_T KipLineStart(SIZE_T Offset)
{
    while (Offset > 0 && KipSymbols[Offset - 1] != '\n') {
        Offset--;
    }
    return Offset;
}

static SIZE_T KipLineEnd(SIZE_T Offset)
{
    while (Offset < KipSymbolBytes && KipSymbols[Offset] != '\n') {
        Offset++;
    }
    return Offset;
}

static BOOLEAN KipLineAddress(SIZE_T Start, PULONG Address)
{
    ULONG Value = 0;
    ULONG i;

    if (KipSymbolBytes - Start <= KIP_NAME_COLUMN) {
        return FALSE;
    }
    for (i = 0; i < KIP_ADDRESS_DIGITS; i++) {
        char Digit = KipSymbols[Start + i];

        if (Digit >= '0' && Digit <= '9') {
            Value = Value << 4 | (ULONG)(Digit - '0');
        } else if (Digit >= 'a' && Digit <= 'f') {
            Value = Value << 4 | (ULONG)(Digit - 'a' + 10);
        } else {
            return FALSE;
        }
    }
    *Address = Value + KipSymbolDelta;
    return TRUE;
}

static void KipCopyName(SIZE_T Start, char *Name, SIZE_T NameBytes)
{
    SIZE_T End = KipLineEnd(Start);
    SIZE_T From = Start + KIP_NAME_COLUMN;
    SIZE_T Used = 0;

    while (From < End && Used + 1 < NameBytes) {
        Name[Used++] = KipSymbols[From++];
    }
    Name[Used] = 0;
}

BOOLEAN KiFindSymbol(ULONG Address, char *Name, SIZE_T NameBytes, PULONG Offset)
{
    SIZE_T Low = 0;
    SIZE_T High = KipSymbolBytes;
    SIZE_T Best = 0;
    ULONG BestAddress = 0;
    ULONG Value;
    BOOLEAN Found = FALSE;

    Name[0] = 0;
    while (Low < High) {
        SIZE_T Start = KipLineStart(Low + (High - Low) / 2);

        if (!KipLineAddress(Start, &Value)) {
            break;
        }
        if (Value <= Address) {
            Best = Start;
            BestAddress = Value;
            Found = TRUE;
            Low = KipLineEnd(Start) + 1;
        } else {
            High = Start;
        }
    }
    if (Found) {
        KipCopyName(Best, Name, NameBytes);
        *Offset = Address - BestAddress;
    }
    return Found;
}

BOOLEAN KiFindAddress(const char *Name, PULONG Address)
{
    SIZE_T Length = strlen(Name);
    SIZE_T Start = 0;

    while (Start < KipSymbolBytes) {
        SIZE_T End = KipLineEnd(Start);

        if (End - Start == KIP_NAME_COLUMN + Length &&
            memcmp(KipSymbols + Start + KIP_NAME_COLUMN, Name, Length) == 0) {
            return KipLineAddress(Start, Address);
        }
        Start = End + 1;
    }
    return FALSE;
}

BOOLEAN KiNextSymbol(PSIZE_T Position, char *Name, SIZE_T NameBytes, PULONG Address)
{
    while (*Position < KipSymbolBytes) {
        SIZE_T Start = *Position;

        *Position = KipLineEnd(Start) + 1;
        if (KipLineAddress(Start, Address)) {
            KipCopyName(Start, Name, NameBytes);
            return TRUE;
        }
    }
    return FALSE;
}

ULONG KiSymbolCount(void)
{
    ULONG Count = 0;
    SIZE_T i;

    for (i = 0; i < KipSymbolBytes; i++) {
        Count += KipSymbols[i] == '\n';
    }
    return Count;
}
