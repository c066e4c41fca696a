/* SPDX-License-Identifier: MIT */
/*
 * test_unicode.c - UTF-8 and UTF-16, well formed and not.
 */
#include "rtl.h"
#include "tests/unit/test.h"

#include <string.h>

TEST(RtlInitUnicodeString_counts_bytes)
{
    UNICODE_STRING Name;

    RtlInitUnicodeString(&Name, u"abc");
    CHECK(Name.Length == 6 && Name.MaximumLength == 8 && Name.Buffer[2] == u'c');
    RtlInitUnicodeString(&Name, NULL);
    CHECK(Name.Length == 0 && Name.MaximumLength == 0 && Name.Buffer == NULL);
}

TEST(Unicode_all_characters_survive_both_conversions)
{
    ULONG Code;

    for (Code = 1; Code <= 0x10FFFF; Code++) {
        WCHAR Units[2] = {(WCHAR)Code, 0};
        ULONG Count = Code < 0x10000 ? 1 : 2;
        WCHAR Back[2];
        char Text[4];
        ULONG Bytes;
        ULONG BackBytes;

        if (Code >= 0xD800 && Code <= 0xDFFF) {
            continue;
        }
        if (Count == 2) {
            Units[0] = (WCHAR)(0xD800 + ((Code - 0x10000) >> 10));
            Units[1] = (WCHAR)(0xDC00 + ((Code - 0x10000) & 0x3FF));
        }
        CHECK_EQUAL(STATUS_SUCCESS, RtlUnicodeToUTF8N(Text, 4, &Bytes, Units, 2 * Count));
        CHECK_EQUAL(STATUS_SUCCESS, RtlUTF8ToUnicodeN(Back, 4, &BackBytes, Text, Bytes));
        CHECK_EQUAL(2 * Count, BackBytes);
        CHECK(memcmp(Units, Back, BackBytes) == 0);
    }
}

TEST(Unicode_what_is_not_well_formed_is_replaced)
{
    static const char *const Bad[] = {"\x80",         "\xC0\xAF",         "\xC2",
                                      "\xE0\x80\x80", "\xED\xA0\x80",     "\xF0\x80\x80\x80",
                                      "\xFF",         "\xF4\x90\x80\x80", "\xE2\x82"};
    WCHAR Units[8];
    WCHAR Lone[] = {0xDC00, u'a', 0xD800};
    char Text[16];
    ULONG Bytes;
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Bad); Index++) {
        CHECK_EQUAL(
            STATUS_SOME_NOT_MAPPED,
            RtlUTF8ToUnicodeN(Units, sizeof(Units), &Bytes, Bad[Index], (ULONG)strlen(Bad[Index])));
        CHECK_EQUAL(0xFFFD, Units[0]);
    }
    CHECK_EQUAL(STATUS_SOME_NOT_MAPPED, RtlUnicodeToUTF8N(Text, 16, &Bytes, Lone, 6));
    CHECK_EQUAL(7, Bytes);
    CHECK(memcmp(Text,
                 "\xEF\xBF\xBD"
                 "a\xEF\xBF\xBD",
                 7) == 0);
}

TEST(Unicode_only_whole_characters_are_written)
{
    WCHAR Units[4] = {0, 0, 0, 0x5555};
    ULONG Bytes;

    CHECK_EQUAL(STATUS_SUCCESS, RtlUTF8ToUnicodeN(NULL, 0, &Bytes, "a\xF0\x9F\x92\xBE", 5));
    CHECK_EQUAL(6, Bytes);
    CHECK_EQUAL(STATUS_BUFFER_TOO_SMALL,
                RtlUTF8ToUnicodeN(Units, 4, &Bytes, "a\xF0\x9F\x92\xBE", 5));
    CHECK_EQUAL(2, Bytes);
    CHECK(Units[0] == u'a' && Units[1] == 0 && Units[3] == 0x5555);
}

TEST(RtlUpcaseUnicodeChar_knows_latin_greek_and_cyrillic)
{
    CHECK_EQUAL(u'A', RtlUpcaseUnicodeChar(u'a'));
    CHECK_EQUAL(u'A', RtlUpcaseUnicodeChar(u'A'));
    CHECK_EQUAL(u'{', RtlUpcaseUnicodeChar(u'{'));
    CHECK_EQUAL(0xC4, RtlUpcaseUnicodeChar(0xE4));
    CHECK_EQUAL(0xF7, RtlUpcaseUnicodeChar(0xF7));
    CHECK_EQUAL(0x391, RtlUpcaseUnicodeChar(0x3B1));
    CHECK_EQUAL(0x3C2, RtlUpcaseUnicodeChar(0x3C2));
    CHECK_EQUAL(0x410, RtlUpcaseUnicodeChar(0x430));
    CHECK_EQUAL(0x401, RtlUpcaseUnicodeChar(0x451));
    CHECK_EQUAL(0x4E00, RtlUpcaseUnicodeChar(0x4E00));
}

TEST(RtlEqualUnicodeString_minds_case_when_asked)
{
    UNICODE_STRING A = NT_CONSTANT_STRING(u"Name");
    UNICODE_STRING B = NT_CONSTANT_STRING(u"nAME");
    UNICODE_STRING C = NT_CONSTANT_STRING(u"Names");

    CHECK(RtlEqualUnicodeString(&A, &A, FALSE));
    CHECK(!RtlEqualUnicodeString(&A, &B, FALSE));
    CHECK(RtlEqualUnicodeString(&A, &B, TRUE));
    CHECK(!RtlEqualUnicodeString(&A, &C, TRUE));
}
