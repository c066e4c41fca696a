/* SPDX-License-Identifier: MIT */
/*
 * test_long_name.c - names: UTF-8, case, parts, and short names for long ones.
 */
#include "disk/fat/fat_i.h"
#include "tests/unit/test.h"

#include <string.h>

static FAT_ENTRY Entry;

static BOOLEAN Parse(const char *Text)
{
    return FatParseName(Text, (ULONG)strlen(Text), Entry.Name, &Entry.Units);
}

TEST(FatParseName_and_FatFormatName_agree_beyond_the_basic_plane)
{
    static const char Text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80.b";
    char Again[FAT_NAME_BYTES];

    CHECK(Parse(Text));
    CHECK_EQUAL(7, Entry.Units);
    CHECK_EQUAL(0xD83D, Entry.Name[3]);
    CHECK_EQUAL(0xDE00, Entry.Name[4]);
    FatFormatName(&Entry, Again);
    CHECK_TEXT(Text, Again);
    Entry.Units = 4; /* half a pair */
    FatFormatName(&Entry, Again);
    CHECK_TEXT("a\xC3\xA4\xE2\x82\xAC\xEF\xBF\xBD", Again);
}

TEST(FatParseName_refuses_what_is_no_name)
{
    static const char *const Bad[] = {"",
                                      ".",
                                      "..",
                                      "a*b",
                                      "a?",
                                      "a:b",
                                      "\x80",
                                      "\xC3",
                                      "\xC0\x80",
                                      "\xE0\x80\x80",
                                      "\xED\xA0\x80",
                                      "\xF8",
                                      "\xF4\x90\x80\x80",
                                      "a\x01",
                                      "   ",
                                      "a\"b"};
    char Long[257];
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Bad); Index++) {
        CHECK(!Parse(Bad[Index]));
    }
    memset(Long, 'n', 256);
    Long[256] = 0;
    CHECK(!Parse(Long));
    Long[255] = 0;
    CHECK(Parse(Long));
    CHECK_EQUAL(255, Entry.Units);
    CHECK(Parse("end. . "));
    CHECK_EQUAL(3, Entry.Units);
}

TEST(FatSameName_does_not_regard_case)
{
    static const WCHAR Lower[] = {'a', 0xE4, 0x3B1, 0x451, 0x44F};
    static const WCHAR Upper[] = {'A', 0xC4, 0x391, 0x401, 0x42F};
    static const WCHAR Divide[] = {0xF7};
    static const WCHAR Times[] = {0xD7};

    CHECK(FatSameName(Lower, 5, Upper, 5));
    CHECK(!FatSameName(Lower, 5, Upper, 4));
    CHECK(!FatSameName(Divide, 1, Times, 1));
}

/* Encode a name's parts and decode them in the order of the disk. */
static BOOLEAN RoundTrip(ULONG Units, ULONG Damage)
{
    UCHAR Parts[20][FAT_ENTRY_BYTES];
    WCHAR Name[FAT_NAME_UNITS];
    WCHAR Found[FAT_NAME_UNITS];
    FAT_LONG_NAME Long = {.Valid = FALSE};
    ULONG Count = FatLongEntries(Units);
    ULONG Index;

    for (Index = 0; Index < Units; Index++) {
        Name[Index] = (WCHAR)(0x100 + Index);
    }
    for (Index = 0; Index < Count; Index++) {
        FatEncodeLongPart(Name, Units, Count - Index, 0x5A, Parts[Index]);
    }
    if (Damage != 0) {
        Parts[(Damage - 1) / FAT_ENTRY_BYTES][(Damage - 1) % FAT_ENTRY_BYTES] ^= 0x09;
    }
    for (Index = 0; Index < Count; Index++) {
        FatDecodeLongPart(&Long, Parts[Index], 100 + Index, Found);
    }
    return Long.Valid && Long.Expected == 0 && Long.Checksum == 0x5A && Long.Units == Units &&
           Long.First == 100 && memcmp(Found, Name, Units * sizeof(WCHAR)) == 0;
}

TEST(FatDecodeLongPart_puts_names_of_each_length_together)
{
    ULONG Units;

    for (Units = 1; Units <= 255; Units++) {
        CHECK(RoundTrip(Units, 0));
    }
}

TEST(FatDecodeLongPart_refuses_parts_out_of_order_or_of_another_name)
{
    CHECK(!RoundTrip(30, 1));                        /* ordinal of the first */
    CHECK(!RoundTrip(30, 1 + FAT_ENTRY_BYTES));      /* of the second */
    CHECK(!RoundTrip(30, 14 + 2 * FAT_ENTRY_BYTES)); /* checksum of the third */
}

TEST(FatShortChecksum_is_that_of_the_specification)
{
    /* the sum by its definition: rotate right, add */
    CHECK_EQUAL(0x73, FatShortChecksum((const UCHAR *)"README  TXT"));
}

static void Short(const char *Long, ULONG Try, char *Text)
{
    CHECK(Parse(Long));
    CHECK(FatMakeShortName(Entry.Name, Entry.Units, Try, (PUCHAR)Text));
    Text[11] = 0;
}

TEST(FatMakeShortName_makes_names_as_nt_does)
{
    char Text[12];

    Short("A long name.document", 0, Text);
    CHECK_TEXT("ALONGN~1DOC", Text);
    Short("A long name.document", 3, Text);
    CHECK_TEXT("ALONGN~4DOC", Text);
    Short(".hidden", 0, Text);
    CHECK_TEXT("HIDDEN~1   ", Text);
    Short("a+b.c", 0, Text);
    CHECK_TEXT("A_B~1   C  ", Text);
    Short("A long name.document", 4, Text);
    CHECK(memcmp(Text, "AL", 2) == 0 && memcmp(Text + 6, "~1DOC", 5) == 0);
    CHECK(!FatMakeShortName(Entry.Name, Entry.Units, 1000, (PUCHAR)Text));
}

TEST(FatFitsShortName_takes_upper_case_eight_and_three)
{
    UCHAR Text[12] = {0};

    CHECK(Parse("ABCDEFGH.TXT") && FatFitsShortName(Entry.Name, Entry.Units, Text));
    CHECK_TEXT("ABCDEFGHTXT", (char *)Text);
    CHECK(Parse("A") && FatFitsShortName(Entry.Name, Entry.Units, Text));
    CHECK(Parse("ABCDEFGHI.TXT") && !FatFitsShortName(Entry.Name, Entry.Units, Text));
    CHECK(Parse("A.TEXT") && !FatFitsShortName(Entry.Name, Entry.Units, Text));
    CHECK(Parse("a.TXT") && !FatFitsShortName(Entry.Name, Entry.Units, Text));
    CHECK(Parse("A.B.C") && !FatFitsShortName(Entry.Name, Entry.Units, Text));
}
