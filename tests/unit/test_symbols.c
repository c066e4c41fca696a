/* SPDX-License-Identifier: MIT */
/*
 * test_symbols.c - names for addresses, from good and from damaged symbol files.
 */
#include "arch/x86/symbols.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char Text[] = "80800000 T KiStart\n"
                           "80800010 t KipShort\n"
                           "80800020 T KeBugCheckEx\n"
                           "80801000 R KiCrashKinds\n"
                           "8080f000 B KiGdt\n";

static void CheckName(const char *Expected, ULONG ExpectedOffset, ULONG Address)
{
    char Name[KI_SYMBOL_BYTES];
    ULONG Offset = 0xFFFFFFFF;

    CHECK(KiFindSymbol(Address, Name, sizeof(Name), &Offset));
    CHECK_TEXT(Expected, Name);
    CHECK_EQUAL(ExpectedOffset, Offset);
}

TEST(FindSymbol_names_the_last_symbol_at_or_below)
{
    KiInitializeSymbols(Text, strlen(Text), 0);
    CheckName("KiStart", 0, 0x80800000);
    CheckName("KiStart", 15, 0x8080000F);
    CheckName("KipShort", 0, 0x80800010);
    CheckName("KeBugCheckEx", 1, 0x80800021);
    CheckName("KeBugCheckEx", 0xFDF, 0x80800FFF);
    CheckName("KiGdt", 0, 0x8080F000);
    CheckName("KiGdt", 0x7F7F0FFF, 0xFFFFFFFF);
}

TEST(FindSymbol_finds_nothing_below_the_first)
{
    char Name[KI_SYMBOL_BYTES] = "old";
    ULONG Offset = 7;

    KiInitializeSymbols(Text, strlen(Text), 0);
    CHECK(!KiFindSymbol(0x807FFFFF, Name, sizeof(Name), &Offset));
    CHECK_TEXT("", Name);
    KiInitializeSymbols(NULL, 0, 0);
    CHECK(!KiFindSymbol(0x80800000, Name, sizeof(Name), &Offset));
}

TEST(FindSymbol_cuts_a_name_to_fit)
{
    char Name[5];
    ULONG Offset;

    KiInitializeSymbols(Text, strlen(Text), 0);
    CHECK(KiFindSymbol(0x80800020, Name, sizeof(Name), &Offset));
    CHECK_TEXT("KeBu", Name);
}

TEST(FindAddress_is_exact)
{
    ULONG Address = 0;

    KiInitializeSymbols(Text, strlen(Text), 0);
    CHECK(KiFindAddress("KiCrashKinds", &Address));
    CHECK_EQUAL(0x80801000, Address);
    CHECK(!KiFindAddress("KiCrash", &Address));
    CHECK(!KiFindAddress("KiCrashKindsX", &Address));
    CHECK_EQUAL(5, KiSymbolCount());
}

/* Whatever is in the file, a search ends and stays inside it: ASan watches the heap block. */
TEST(FindSymbol_survives_damaged_files)
{
    uint64_t State = TestSeed();
    uint64_t Round;

    for (Round = 0; Round < TestRounds(2000); Round++) {
        size_t Bytes = TestRandom(&State) % sizeof(Text);
        char *Copy = malloc(Bytes + 1);
        char Name[KI_SYMBOL_BYTES];
        ULONG Offset;
        ULONG Changes = TestRandom(&State) % 8;

        memcpy(Copy, Text, Bytes);
        while (Bytes != 0 && Changes-- != 0) {
            Copy[TestRandom(&State) % Bytes] = (char)TestRandom(&State);
        }
        Copy = realloc(Copy, Bytes == 0 ? 1 : Bytes);
        KiInitializeSymbols(Copy, Bytes, 0);
        KiFindSymbol(0x80800000 + TestRandom(&State) % 0x10000, Name, sizeof(Name), &Offset);
        CHECK(strlen(Name) < sizeof(Name));
        free(Copy);
    }
    KiInitializeSymbols(NULL, 0, 0);
}

TEST(NextSymbol_gives_each_symbol_once_in_the_files_order)
{
    static const char *const Names[] = {"KiStart", "KipShort", "KeBugCheckEx", "KiCrashKinds",
                                        "KiGdt"};
    char Name[KI_SYMBOL_BYTES];
    SIZE_T Position = 0;
    ULONG Address;
    ULONG i;

    KiInitializeSymbols(Text, strlen(Text), 0);
    for (i = 0; i < 5; i++) {
        CHECK(KiNextSymbol(&Position, Name, sizeof(Name), &Address));
        CHECK_TEXT(Names[i], Name);
    }
    CHECK_EQUAL(0x8080F000, Address);
    CHECK(!KiNextSymbol(&Position, Name, sizeof(Name), &Address));
    CHECK(!KiNextSymbol(&Position, Name, sizeof(Name), &Address));
}

TEST(NextSymbol_skips_lines_that_are_none)
{
    static const char Damaged[] = "junk\n80800000 T One\n\n8080x000 T Two\n80800010 T Three";
    char Name[KI_SYMBOL_BYTES];
    SIZE_T Position = 0;
    ULONG Address;

    KiInitializeSymbols(Damaged, strlen(Damaged), 0);
    CHECK(KiNextSymbol(&Position, Name, sizeof(Name), &Address));
    CHECK_TEXT("One", Name);
    CHECK(KiNextSymbol(&Position, Name, sizeof(Name), &Address));
    CHECK_TEXT("Three", Name);
    CHECK(!KiNextSymbol(&Position, Name, sizeof(Name), &Address));
    KiInitializeSymbols(NULL, 0, 0);
    Position = 0;
    CHECK(!KiNextSymbol(&Position, Name, sizeof(Name), &Address));
}

TEST(FindSymbol_knows_a_kernel_that_was_moved)
{
    static const char Moved[] = "80801000 T First\n80801230 T Second\n";
    char Name[KI_SYMBOL_BYTES];
    SIZE_T Position = 0;
    ULONG Address = 0;
    ULONG Offset = 0;

    KiInitializeSymbols(Moved, strlen(Moved), 0x50000000);
    CHECK(!KiFindSymbol(0x80801000, Name, sizeof(Name), &Offset));
    CHECK(KiFindSymbol(0xD0801234, Name, sizeof(Name), &Offset));
    CHECK_TEXT("Second", Name);
    CHECK_EQUAL(4, Offset);
    CHECK(KiFindAddress("First", &Address));
    CHECK_EQUAL(0xD0801000, Address);
    CHECK(KiNextSymbol(&Position, Name, sizeof(Name), &Address));
    CHECK_EQUAL(0xD0801000, Address);
    KiInitializeSymbols(NULL, 0, 0);
}
