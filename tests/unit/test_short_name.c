/* SPDX-License-Identifier: MIT */
/*
 * test_short_name.c - names of eight and three.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

static WCHAR Wide[FAT_NAME_UNITS];

static ULONG Widen(const char *Text)
{
    ULONG Units;

    CHECK(FatParseName(Text, (ULONG)strlen(Text), Wide, &Units));
    return Units;
}

static BOOLEAN Fits(const char *Text, const char *Expected)
{
    UCHAR Short[11];
    ULONG Units = Widen(Text);

    return FatFitsShortName(Wide, Units, Short) && memcmp(Short, Expected, 11) == 0;
}

TEST(FatFitsShortName_says_which_names_need_no_long_one)
{
    UCHAR Short[11];

    CHECK(Fits("README.TXT", "README  TXT"));
    CHECK(Fits("A", "A          "));
    CHECK(Fits("EIGHTCHR.TRE", "EIGHTCHRTRE"));
    CHECK(!FatFitsShortName(Wide, Widen("Readme.txt"), Short));
    CHECK(!FatFitsShortName(Wide, Widen("NINECHARS"), Short));
    CHECK(!FatFitsShortName(Wide, Widen("A.LONG"), Short));
    CHECK(!FatFitsShortName(Wide, Widen("A B"), Short));
    CHECK(!FatFitsShortName(Wide, Widen("A.B.C"), Short));
}

TEST(FatDecodeShortName_gives_the_name_with_its_dot_and_case)
{
    static const struct {
        const char *Short;
        UCHAR Case;
        const char *Name;
    } Cases[] = {
        {"README  TXT", 0, "README.TXT"},    {"README  TXT", 8, "readme.TXT"},
        {"README  TXT", 0x18, "readme.txt"}, {"A          ", 0, "A"},
        {"A          ", 0x10, "A"},
    };
    ULONG Index;
    ULONG Unit;

    for (Index = 0; Index < RTL_NUMBER_OF(Cases); Index++) {
        ULONG Units =
            FatDecodeShortName((const UCHAR *)Cases[Index].Short, Cases[Index].Case, Wide);

        CHECK_EQUAL(strlen(Cases[Index].Name), Units);
        for (Unit = 0; Unit < Units; Unit++) {
            CHECK_EQUAL(Cases[Index].Name[Unit], Wide[Unit]);
        }
    }
}

TEST(FatMakeShortName_gives_different_names_until_there_are_no_more)
{
    static UCHAR Names[1000][11];
    ULONG Units = Widen("A long name that many files have.text");
    ULONG Try;
    ULONG Other;

    for (Try = 0; Try < 1000 && FatMakeShortName(Wide, Units, Try, Names[Try]); Try++) {
        CHECK(memcmp(Names[Try] + 8, "TEX", 3) == 0);
        for (Other = 0; Other < Try; Other++) {
            CHECK(memcmp(Names[Other], Names[Try], 11) != 0);
        }
    }
    CHECK(Try > 40 && Try < 1000);
}
