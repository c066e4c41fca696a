/* SPDX-License-Identifier: MIT */
/*
 * test_psf.c - fonts made up byte by byte, whole and damaged, and the one that is shipped.
 */
#include "arch/x86/psf.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* First in Scratch; Finish moves it to a block of its own size, so that the sanitizer sees every
 * read beyond its end. */
typedef struct _FONT_FILE {
    UCHAR *Data;
    SIZE_T Bytes;
} FONT_FILE;

static UCHAR Scratch[16384];

static FONT_FILE Finish(FONT_FILE File)
{
    UCHAR *Copy = malloc(File.Bytes);

    CHECK(Copy != NULL);
    File.Data = memcpy(Copy, File.Data, File.Bytes);
    return File;
}

static void Append(FONT_FILE *File, const void *Data, SIZE_T Bytes)
{
    CHECK(File->Bytes + Bytes <= sizeof(Scratch));
    memcpy(File->Data + File->Bytes, Data, Bytes);
    File->Bytes += Bytes;
}

static void AppendByte(FONT_FILE *File, unsigned Byte)
{
    UCHAR Value = (UCHAR)Byte;

    Append(File, &Value, 1);
}

static void AppendUlong(FONT_FILE *File, ULONG Value)
{
    ULONG Shift;

    for (Shift = 0; Shift < 32; Shift += 8) {
        AppendByte(File, Value >> Shift);
    }
}

static void AppendGlyphs(FONT_FILE *File, ULONG Count, ULONG GlyphBytes)
{
    ULONG Index;

    for (Index = 0; Index < Count * GlyphBytes; Index++) {
        AppendByte(File, Index / GlyphBytes);
    }
}

/* 256 glyphs of 8 x 4; the table serves only 'A' and '?', by glyphs 7 and 9. */
static FONT_FILE MakePsf1(void)
{
    FONT_FILE File = {Scratch, 0};
    ULONG Glyph;

    Append(&File, "\x36\x04\x02\x04", 4);
    AppendGlyphs(&File, 256, 4);
    for (Glyph = 0; Glyph < 256; Glyph++) {
        if (Glyph == 7) {
            Append(&File, "A\0\xFE\xFFz\0\x01\x03", 8); /* 'z' with a mark is not 'z' */
        } else if (Glyph == 8) {
            Append(&File, "A\0", 2); /* comes too late */
        } else if (Glyph == 9) {
            Append(&File, "?\0\x41\x26", 4);
        }
        Append(&File, "\xFF\xFF", 2);
    }
    return Finish(File);
}

static FONT_FILE MakePsf2Header(ULONG HeaderBytes, ULONG Flags, ULONG Count, ULONG GlyphBytes,
                                ULONG Height, ULONG Width)
{
    FONT_FILE File = {Scratch, 0};

    AppendUlong(&File, 0x864AB572);
    AppendUlong(&File, 0);
    AppendUlong(&File, HeaderBytes);
    AppendUlong(&File, Flags);
    AppendUlong(&File, Count);
    AppendUlong(&File, GlyphBytes);
    AppendUlong(&File, Height);
    AppendUlong(&File, Width);
    return File;
}

/* Four glyphs of 12 x 3, with a longer header and a table. */
static FONT_FILE MakePsf2(void)
{
    FONT_FILE File = MakePsf2Header(36, 1, 4, 6, 3, 12);

    AppendUlong(&File, 0xAAAAAAAA);
    AppendGlyphs(&File, 4, 6);
    Append(&File, "a\xC3\xA9\xFF", 4); /* a, e with an acute accent */
    Append(&File,
           "\xE2\x82\xAC"
           "b\xFE"
           "cd\xFF",
           8); /* euro, b, the sequence cd */
    Append(&File, "?\xFF", 2);
    Append(&File, "\xC2\xFF", 2); /* cut inside a character */
    return Finish(File);
}

static NTSTATUS Open(FONT_FILE File, HAL_FONT *Font)
{
    return HalOpenFont(File.Data, File.Bytes, Font);
}

TEST(OpenFont_reads_psf1_with_its_table)
{
    FONT_FILE File = MakePsf1();
    HAL_FONT Font;

    CHECK_EQUAL(STATUS_SUCCESS, Open(File, &Font));

    CHECK_EQUAL(256, Font.GlyphCount);
    CHECK_EQUAL(8, Font.Width);
    CHECK_EQUAL(4, Font.Height);
    CHECK_EQUAL(1, Font.RowBytes);
    CHECK_EQUAL(4, Font.GlyphBytes);
    CHECK_EQUAL(7, Font.GlyphOf['A']);
    CHECK_EQUAL(9, Font.GlyphOf['?']);
    CHECK_EQUAL(9, Font.GlyphOf['z']);
    CHECK_EQUAL(9, Font.GlyphOf[0xFF]);
    CHECK_EQUAL(7, HalFontGlyph(&Font, 'A')[0]);
    free(File.Data);
}

TEST(OpenFont_takes_glyphs_in_order_without_a_table)
{
    FONT_FILE File = {Scratch, 0};
    HAL_FONT Font;

    Append(&File, "\x36\x04\x01\x10", 4);
    AppendGlyphs(&File, 512, 16);
    File = Finish(File);

    CHECK_EQUAL(STATUS_SUCCESS, Open(File, &Font));
    CHECK_EQUAL(512, Font.GlyphCount);
    CHECK_EQUAL('A', Font.GlyphOf['A']);
    CHECK_EQUAL(0xFF, Font.GlyphOf[0xFF]);
    free(File.Data);
}

TEST(OpenFont_reads_psf2_with_its_table)
{
    FONT_FILE File = MakePsf2();
    HAL_FONT Font;

    CHECK_EQUAL(STATUS_SUCCESS, Open(File, &Font));

    CHECK_EQUAL(4, Font.GlyphCount);
    CHECK_EQUAL(12, Font.Width);
    CHECK_EQUAL(3, Font.Height);
    CHECK_EQUAL(2, Font.RowBytes);
    CHECK_EQUAL(0, Font.GlyphOf['a']);
    CHECK_EQUAL(0, Font.GlyphOf[0xE9]);
    CHECK_EQUAL(1, Font.GlyphOf['b']);
    CHECK_EQUAL(2, Font.GlyphOf['c']); /* only as part of a sequence: unknown */
    CHECK_EQUAL(2, Font.GlyphOf['?']);
    CHECK_EQUAL(2, Font.GlyphOf[0x2C]); /* the euro's last byte is no comma */
    CHECK_EQUAL(1, HalFontGlyph(&Font, 'b')[5]);
    free(File.Data);
}

TEST(OpenFont_serves_unknown_codes_by_the_first_glyph_without_question_mark)
{
    FONT_FILE File = MakePsf2Header(32, 0, 3, 2, 2, 8);
    HAL_FONT Font;

    AppendGlyphs(&File, 3, 2);
    File = Finish(File);

    CHECK_EQUAL(STATUS_SUCCESS, Open(File, &Font));
    CHECK_EQUAL(2, Font.GlyphOf[2]);
    CHECK_EQUAL(0, Font.GlyphOf[3]);
    CHECK_EQUAL(0, Font.GlyphOf['?']);
    free(File.Data);
}

/* Every prefix of a good file is refused, and *Font stays as it was. */
static void CheckPrefixes(FONT_FILE File)
{
    SIZE_T Bytes;
    HAL_FONT Font;
    HAL_FONT Before;

    memset(&Font, 0x5A, sizeof(Font));
    Before = Font;
    for (Bytes = 0; Bytes < File.Bytes; Bytes++) {
        UCHAR *Cut = malloc(Bytes == 0 ? 1 : Bytes);

        CHECK(Cut != NULL);
        memcpy(Cut, File.Data, Bytes);
        CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, HalOpenFont(Cut, Bytes, &Font));
        CHECK(memcmp(&Before, &Font, sizeof(Font)) == 0);
        free(Cut);
    }
    free(File.Data);
}

TEST(OpenFont_refuses_files_that_were_cut_short)
{
    CheckPrefixes(MakePsf1());
    CheckPrefixes(MakePsf2());
}

TEST(OpenFont_refuses_headers_that_lie)
{
    static const ULONG Headers[][6] = {
        {31, 0, 3, 2, 2, 8},          /* header too short */
        {0xFFFFFFFF, 0, 3, 2, 2, 8},  /* header beyond the file */
        {32, 0, 0, 2, 2, 8},          /* no glyphs */
        {32, 0, 0x10000, 2, 2, 8},    /* more than an index can say */
        {32, 0, 0x80000003, 2, 2, 8}, /* the product overflows */
        {32, 0, 3, 0, 0, 8},          /* no height */
        {32, 0, 3, 0, 2, 0},          /* no width */
        {32, 0, 3, 65, 65, 8},        /* too high */
        {32, 0, 3, 10, 2, 33},        /* too wide */
        {32, 0, 3, 2, 2, 0xFFFFFFFF}, /* the row's bytes overflow */
        {32, 0, 3, 1, 2, 8},          /* glyph bytes that do not match */
        {32, 1, 3, 2, 2, 8},          /* a table is promised and not there */
    };
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Headers); Index++) {
        const ULONG *Header = Headers[Index];
        FONT_FILE File =
            MakePsf2Header(Header[0], Header[1], Header[2], Header[3], Header[4], Header[5]);
        HAL_FONT Font;

        AppendGlyphs(&File, 3, 2);
        File = Finish(File);
        CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Open(File, &Font));
        free(File.Data);
    }
}

TEST(OpenFont_refuses_other_files)
{
    HAL_FONT Font;

    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, HalOpenFont(NULL, 0, &Font));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT,
                HalOpenFont("\x1F\x8B\x08 a compressed font is not unpacked here", 40, &Font));
}

/* Damage at random places: whatever is accepted must be usable for every code. */
TEST(OpenFont_accepts_only_usable_fonts)
{
    uint64_t Random = TestSeed();
    uint64_t Round;

    for (Round = 0; Round < TestRounds(2000); Round++) {
        FONT_FILE File = Round & 1 ? MakePsf2() : MakePsf1();
        ULONG Damages = 1 + TestRandom(&Random) % 4;
        ULONG Sum = 0;
        ULONG Code;
        HAL_FONT Font;

        while (Damages-- != 0) {
            File.Data[TestRandom(&Random) % (Round & 2 ? 32 : File.Bytes)] =
                (UCHAR)TestRandom(&Random);
        }
        if (NT_SUCCESS(Open(File, &Font))) {
            for (Code = 0; Code < 256; Code++) {
                CHECK(Font.GlyphOf[Code] < Font.GlyphCount);
                Sum += HalFontGlyph(&Font, (UCHAR)Code)[0];
                Sum += HalFontGlyph(&Font, (UCHAR)Code)[Font.GlyphBytes - 1];
            }
            CHECK(Sum <= 512 * 255);
        }
        free(File.Data);
    }
}
