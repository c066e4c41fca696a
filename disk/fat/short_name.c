/* SPDX-License-Identifier: MIT */
/*
 * short_name.c - the eleven bytes: eight of the base, three of the extension, filled with blanks.
 *
 * Short names for long ones, as NT makes them: BASE~1 to BASE~4, then two letters and a hash of the
 * long name, BAXXXX~1 and so on, so that a folder of similar names needs few attempts.
 *
 * Bytes above 7F are of a code page that the volume does not name; they read as '?', which no name
 * has, so that such a file is found by its long name only.
 */
#include "disk/fat/fat_i.h"

#define FATP_LOWER_BASE      0x08u
#define FATP_LOWER_EXTENSION 0x10u
#define FATP_PLAIN_TRIES     4u
#define FATP_HASHED_TRIES    64u
#define FATP_KANJI_E5        0x05u /* stands for E5 in the first byte */

UCHAR FatShortChecksum(const UCHAR *ShortName)
{
    ULONG Sum = 0;
    ULONG Index;

    for (Index = 0; Index < 11; Index++) {
        Sum = ((Sum & 1) << 7 | Sum >> 1) + ShortName[Index];
        Sum &= 0xFF;
    }
    return (UCHAR)Sum;
}

static WCHAR FatpShortUnit(UCHAR Byte, BOOLEAN Lower)
{
    if (Byte < 0x20 || Byte >= 0x7F) {
        return '?';
    }
    return Lower && Byte >= 'A' && Byte <= 'Z' ? (WCHAR)(Byte + 32) : Byte;
}

ULONG FatDecodeShortName(const UCHAR *ShortName, UCHAR CaseFlags, PWCHAR Name)
{
    ULONG Base = 8;
    ULONG Extension = 3;
    ULONG Units = 0;
    ULONG Index;

    while (Base != 0 && ShortName[Base - 1] == ' ') {
        Base--;
    }
    while (Extension != 0 && ShortName[8 + Extension - 1] == ' ') {
        Extension--;
    }
    for (Index = 0; Index < Base; Index++) {
        Name[Units++] = FatpShortUnit(ShortName[Index], (CaseFlags & FATP_LOWER_BASE) != 0);
    }
    if (Extension != 0) {
        Name[Units++] = '.';
    }
    for (Index = 0; Index < Extension; Index++) {
        Name[Units++] =
            FatpShortUnit(ShortName[8 + Index], (CaseFlags & FATP_LOWER_EXTENSION) != 0);
    }
    return Units;
}

/* What may stand in a short name, besides blanks inside. */
static BOOLEAN FatpMayStandInShortName(WCHAR Unit)
{
    static const char Allowed[] = "!#$%&'()-@^_`{}~";
    ULONG Index;

    for (Index = 0; Index < sizeof(Allowed) - 1; Index++) {
        if (Unit == (UCHAR)Allowed[Index]) {
            return TRUE;
        }
    }
    return (Unit >= 'A' && Unit <= 'Z') || (Unit >= '0' && Unit <= '9');
}

/* Index of the last dot, or Units. */
static ULONG FatpLastDot(const WCHAR *Name, ULONG Units)
{
    ULONG Index;

    for (Index = Units; Index > 1; Index--) {
        if (Name[Index - 1] == '.') {
            return Index - 1;
        }
    }
    return Units;
}

BOOLEAN FatFitsShortName(const WCHAR *Name, ULONG Units, PUCHAR ShortName)
{
    ULONG Dot = FatpLastDot(Name, Units);
    ULONG Index;

    if (Dot > 8 || Units > Dot + 4) {
        return FALSE;
    }
    memset(ShortName, ' ', 11);
    for (Index = 0; Index < Units; Index++) {
        if (Index == Dot) {
            continue;
        }
        if (!FatpMayStandInShortName(Name[Index])) {
            return FALSE;
        }
        ShortName[Index < Dot ? Index : 8 + Index - Dot - 1] = (UCHAR)Name[Index];
    }
    return TRUE;
}

/* As many characters of Name[From, To) as fit: upper case, '_' for what may not stand. */
static ULONG FatpSqueeze(const WCHAR *Name, ULONG From, ULONG To, PUCHAR Text, ULONG Room)
{
    ULONG Count = 0;
    ULONG Index;

    for (Index = From; Index < To && Count < Room; Index++) {
        WCHAR Unit = FatUpcase(Name[Index]);

        if (Unit != '.' && Unit != ' ') {
            Text[Count++] = FatpMayStandInShortName(Unit) ? (UCHAR)Unit : '_';
        }
    }
    return Count;
}

static ULONG FatpHash(const WCHAR *Name, ULONG Units, ULONG Salt)
{
    ULONG Hash = 2166136261u + Salt; /* FNV-1a */
    ULONG Index;

    for (Index = 0; Index < Units; Index++) {
        Hash = (Hash ^ Name[Index]) * 16777619u;
    }
    return (Hash ^ Hash >> 16) & 0xFFFF;
}

BOOLEAN FatMakeShortName(const WCHAR *Name, ULONG Units, ULONG Try, PUCHAR ShortName)
{
    static const char Digits[] = "0123456789ABCDEF";
    ULONG Dot = FatpLastDot(Name, Units);
    ULONG Base;
    ULONG Index;

    if (Try >= FATP_PLAIN_TRIES + FATP_HASHED_TRIES) {
        return FALSE;
    }
    memset(ShortName, ' ', 11);
    FatpSqueeze(Name, Dot, Units, ShortName + 8, 3);
    Base = FatpSqueeze(Name, 0, Dot, ShortName, Try < FATP_PLAIN_TRIES ? 6 : 2);
    if (Base == 0) {
        ShortName[Base++] = '_';
    }
    if (Try >= FATP_PLAIN_TRIES) {
        ULONG Hash = FatpHash(Name, Units, (Try - FATP_PLAIN_TRIES) / 9);

        for (Index = 0; Index < 4; Index++) {
            ShortName[Base++] = (UCHAR)Digits[Hash >> (12 - 4 * Index) & 15];
        }
    }
    ShortName[Base++] = '~';
    ShortName[Base] = (UCHAR)('1' + (Try < FATP_PLAIN_TRIES ? Try : (Try - FATP_PLAIN_TRIES) % 9));
    return TRUE;
}
