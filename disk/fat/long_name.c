/* SPDX-License-Identifier: MIT */
/*
 * long_name.c - names in UTF-16, in the entries before the short one, last part first.
 *
 *     0  ordinal from 1; the last part, which comes first, has 40 added
 *     1, 14, 28  five, six and two units; behind the name's end one 0000, then FFFF
 *     11 attribute 0F    13  checksum of the short name
 *
 * Parts that are out of order, or whose checksum is not that of the short entry behind them, belong
 * to nobody: older systems delete short entries and leave them.
 */
#include "disk/fat/fat_i.h"

#define FATP_LAST_PART      0x40u
#define FATP_MOST_PARTS     20u
#define FATP_LONG_ATTRIBUTE 0x0Fu

static const UCHAR FatpUnitOffset[FAT_LONG_UNITS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};

/* ---- names ---- */

WCHAR FatUpcase(WCHAR Unit)
{
    return RtlUpcaseUnicodeChar(Unit);
}

BOOLEAN FatSameName(const WCHAR *A, ULONG UnitsA, const WCHAR *B, ULONG UnitsB)
{
    ULONG Index;

    if (UnitsA != UnitsB) {
        return FALSE;
    }
    for (Index = 0; Index < UnitsA; Index++) {
        if (FatUpcase(A[Index]) != FatUpcase(B[Index])) {
            return FALSE;
        }
    }
    return TRUE;
}

static BOOLEAN FatpMayStandInName(ULONG Character)
{
    static const char Refused[] = "\"*/:<>?\\|";
    ULONG Index;

    for (Index = 0; Index < sizeof(Refused) - 1; Index++) {
        if (Character == (UCHAR)Refused[Index]) {
            return FALSE;
        }
    }
    return Character >= 0x20 && Character != 0x7F;
}

/* One character of UTF-8.  => Returns its bytes, 0: none that is well-formed. */
static ULONG FatpDecodeUtf8(const UCHAR *At, ULONG Left, PULONG Character)
{
    static const ULONG Least[5] = {0, 0, 0x80, 0x800, 0x10000};
    ULONG Bytes = At[0] < 0x80 ? 1 : At[0] < 0xC0 ? 0 : At[0] < 0xE0 ? 2 : At[0] < 0xF0 ? 3 : 4;
    ULONG Value = Bytes == 1 ? At[0] : At[0] & (0xFFu >> (Bytes + 1));
    ULONG Index;

    if (Bytes == 0 || Bytes > Left || At[0] >= 0xF8) {
        return 0;
    }
    for (Index = 1; Index < Bytes; Index++) {
        if ((At[Index] & 0xC0) != 0x80) {
            return 0;
        }
        Value = Value << 6 | (At[Index] & 0x3F);
    }
    if (Value < Least[Bytes] || Value > 0x10FFFF || (Value >= 0xD800 && Value <= 0xDFFF)) {
        return 0;
    }
    *Character = Value;
    return Bytes;
}

BOOLEAN FatParseName(const char *Text, ULONG Bytes, PWCHAR Name, PULONG Units)
{
    ULONG Count = 0;
    ULONG At = 0;

    while (At < Bytes) {
        ULONG Character = 0;
        ULONG Step = FatpDecodeUtf8((const UCHAR *)Text + At, Bytes - At, &Character);

        if (Step == 0 || !FatpMayStandInName(Character) || Count + 2 >= FAT_NAME_UNITS + 1) {
            return FALSE;
        }
        if (Character >= 0x10000) {
            if (Count + 2 > FAT_NAME_UNITS - 1) {
                return FALSE;
            }
            Name[Count++] = (WCHAR)(0xD7C0 + (Character >> 10));
            Name[Count++] = (WCHAR)(0xDC00 | (Character & 0x3FF));
        } else {
            Name[Count++] = (WCHAR)Character;
        }
        At += Step;
    }
    /* dots and blanks at the end do not count, and nothing but them is no name */
    while (Count != 0 && (Name[Count - 1] == '.' || Name[Count - 1] == ' ')) {
        Count--;
    }
    *Units = Count;
    return Count != 0;
}

static ULONG FatpEncodeUtf8(ULONG Character, char *Text)
{
    if (Character < 0x80) {
        Text[0] = (char)Character;
        return 1;
    }
    if (Character < 0x800) {
        Text[0] = (char)(0xC0 | Character >> 6);
        Text[1] = (char)(0x80 | (Character & 0x3F));
        return 2;
    }
    if (Character < 0x10000) {
        Text[0] = (char)(0xE0 | Character >> 12);
        Text[1] = (char)(0x80 | (Character >> 6 & 0x3F));
        Text[2] = (char)(0x80 | (Character & 0x3F));
        return 3;
    }
    Text[0] = (char)(0xF0 | Character >> 18);
    Text[1] = (char)(0x80 | (Character >> 12 & 0x3F));
    Text[2] = (char)(0x80 | (Character >> 6 & 0x3F));
    Text[3] = (char)(0x80 | (Character & 0x3F));
    return 4;
}

void FatFormatName(const FAT_ENTRY *Entry, char *Text)
{
    ULONG Index;

    for (Index = 0; Index < Entry->Units; Index++) {
        ULONG Character = Entry->Name[Index];

        if (Character >= 0xD800 && Character <= 0xDFFF) {
            ULONG Low = Index + 1 < Entry->Units ? Entry->Name[Index + 1] : 0;

            if (Character < 0xDC00 && Low >= 0xDC00 && Low <= 0xDFFF) {
                Character = 0x10000 + ((Character & 0x3FF) << 10 | (Low & 0x3FF));
                Index++;
            } else {
                Character = 0xFFFD;
            }
        }
        Text += FatpEncodeUtf8(Character, Text);
    }
    *Text = '\0';
}

/* ---- parts ---- */

void FatEncodeLongPart(const WCHAR *Name, ULONG Units, ULONG Ordinal, UCHAR Checksum, PUCHAR Data)
{
    ULONG From = (Ordinal - 1) * FAT_LONG_UNITS;
    ULONG Index;

    memset(Data, 0, FAT_ENTRY_BYTES);
    Data[0] = (UCHAR)(Ordinal | (Ordinal == FatLongEntries(Units) ? FATP_LAST_PART : 0));
    Data[11] = FATP_LONG_ATTRIBUTE;
    Data[13] = Checksum;
    for (Index = 0; Index < FAT_LONG_UNITS; Index++) {
        ULONG At = From + Index;

        FatPut16(Data + FatpUnitOffset[Index], At < Units ? Name[At] : At == Units ? 0 : 0xFFFF);
    }
}

/* Units of a part, up to the zero that ends the name. */
static ULONG FatpPartUnits(const UCHAR *Data)
{
    ULONG Index = 0;

    while (Index < FAT_LONG_UNITS && FatGet16(Data + FatpUnitOffset[Index]) != 0) {
        Index++;
    }
    return Index;
}

/* Behind the name's end are a zero, then FFFF; the first cluster is 0: else this is no part. */
static BOOLEAN FatpIsFilled(const UCHAR *Data, ULONG Units)
{
    ULONG Unit;

    for (Unit = Units + 1; Unit < FAT_LONG_UNITS; Unit++) {
        if (FatGet16(Data + FatpUnitOffset[Unit]) != 0xFFFF) {
            return FALSE;
        }
    }
    return FatGet16(Data + 26) == 0;
}

void FatDecodeLongPart(PFAT_LONG_NAME Long, const UCHAR *Data, ULONG Index, PWCHAR Name)
{
    ULONG Ordinal = Data[0] & ~FATP_LAST_PART;
    ULONG Units = FatpPartUnits(Data);
    ULONG Unit;

    if ((Data[0] & FATP_LAST_PART) != 0) {
        *Long = (FAT_LONG_NAME){
            .Expected = Ordinal,
            .Valid = Ordinal != 0 && Ordinal <= FATP_MOST_PARTS,
            .Checksum = Data[13],
            .Units = (Ordinal - 1) * FAT_LONG_UNITS + Units,
            .First = Index,
        };
    } else if (Units != FAT_LONG_UNITS) {
        Long->Valid = FALSE;
    }
    if (!Long->Valid || !FatpIsFilled(Data, Units) || Ordinal != Long->Expected || Ordinal == 0 ||
        Data[13] != Long->Checksum || Long->Units >= FAT_NAME_UNITS || Long->Units == 0) {
        Long->Valid = FALSE;
        return;
    }
    for (Unit = 0; Unit < Units; Unit++) {
        Name[(Ordinal - 1) * FAT_LONG_UNITS + Unit] = (WCHAR)FatGet16(Data + FatpUnitOffset[Unit]);
    }
    Long->Expected--;
}
