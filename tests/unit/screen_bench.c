/* SPDX-License-Identifier: MIT */
/*
 * screen_bench.c - the framebuffers, the font of noise, and the model.
 */
#include "tests/unit/screen_bench.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* clang-format off */
const SHAPE Shapes[SHAPES] = {
    {640, 480, 2560, 4, RGB888, 8, 16, 1, 80, 30},
    {643, 90, 2577, 4, RGB888, 8, 16, 1, 80, 5}, /* odd pitch, margins */
    {330, 70, 692, 2, RGB565, 8, 16, 1, 41, 4},
    {333, 77, 1001, 3, 0x0000FF, 0x00FF00, 0xFF0000, 8, 16, 1, 41, 4},
    {200, 60, 1000, 4, 0x3FF00000, 0x000FFC00, 0x000003FF, 9, 5, 1, 22, 12}, /* 10 bits each */
    {200, 60, 800, 4, RGB888, 16, 8, 1, 12, 7},
    {100, 40, 300, 3, RGB888, 5, 7, 1, 20, 5},
    {1920, 100, 7680, 4, RGB888, 8, 16, 2, 120, 3},
    {3300, 100, 6600, 2, RGB565, 8, 16, 3, 137, 2},
    {1003, 66, 3011, 3, RGB888, 5, 7, 2, 100, 4},
    {80, 28, 320, 4, RGB888, 8, 14, 1, 10, 2},
    {8, 16, 32, 4, RGB888, 8, 16, 1, 1, 1},
    {33, 64, 134, 4, RGB888, 32, 64, 1, 1, 1},
};
/* clang-format on */

BENCH Bench;

/* A page that cannot be touched, the pages of a framebuffer, another such page. */
static UCHAR Memory[PAGE_SIZE + 0x130000 + PAGE_SIZE] NT_ALIGNED(PAGE_SIZE);

void MakeFont(ULONG Width, ULONG Height)
{
    uint64_t Random = 12345;
    ULONG Index;

    Bench.Font.Width = Width;
    Bench.Font.Height = Height;
    Bench.Font.RowBytes = (Width + 7) / 8;
    Bench.Font.GlyphBytes = Bench.Font.RowBytes * Height;
    Bench.Font.GlyphCount = 256;
    free(Bench.Glyphs);
    Bench.Glyphs = malloc(256 * Bench.Font.GlyphBytes);
    CHECK(Bench.Glyphs != NULL);
    for (Index = 0; Index < 256 * Bench.Font.GlyphBytes; Index++) {
        Bench.Glyphs[Index] = (UCHAR)(TestRandom(&Random) | 1 << Index % 8);
    }
    memset(Bench.Glyphs + ' ' * Bench.Font.GlyphBytes, 0, Bench.Font.GlyphBytes);
    for (Index = 0; Index < 256; Index++) {
        Bench.Font.GlyphOf[Index] = (USHORT)Index;
    }
    Bench.Font.Glyphs = Bench.Glyphs;
}

/* The leak checker reads all static memory when the program ends. */
static void DropGuards(void)
{
    mprotect(Memory, sizeof(Memory), PROT_READ | PROT_WRITE);
}

/* The framebuffer fills whole pages but for its start (AtEnd) or its end. */
void MakePixels(const SHAPE *Shape, BOOLEAN AtEnd)
{
    static BOOLEAN Registered;
    SIZE_T Bytes = Shape->Pitch * Shape->Height;
    SIZE_T Whole = ROUND_UP(Bytes, PAGE_SIZE);

    if (!Registered) {
        Registered = TRUE;
        CHECK_EQUAL(0, atexit(DropGuards));
    }
    CHECK(Whole <= sizeof(Memory) - 2 * PAGE_SIZE);
    CHECK_EQUAL(0, mprotect(Memory, sizeof(Memory), PROT_READ | PROT_WRITE));
    Bench.End = Memory + PAGE_SIZE + Whole;
    CHECK_EQUAL(0, mprotect(Memory, PAGE_SIZE, PROT_NONE));
    CHECK_EQUAL(0, mprotect(Bench.End, PAGE_SIZE, PROT_NONE));
    memset(Memory + PAGE_SIZE, MARK, Whole);
    Bench.Pixels = Memory + PAGE_SIZE + (AtEnd ? Whole - Bytes : 0);
    Bench.Mode = (LOADER_FRAMEBUFFER){.Physical = 0xE0000000,
                                      .Bytes = Bytes,
                                      .Width = Shape->Width,
                                      .Height = Shape->Height,
                                      .Pitch = Shape->Pitch,
                                      .BytesPerPixel = Shape->BytesPerPixel,
                                      .RedMask = Shape->RedMask,
                                      .GreenMask = Shape->GreenMask,
                                      .BlueMask = Shape->BlueMask};
}

/* White on black: every bit of the masks, or none. */
void OpenShape(const SHAPE *Shape, BOOLEAN AtEnd)
{
    MakeFont(Shape->FontWidth, Shape->FontHeight);
    MakePixels(Shape, AtEnd);
    memset(&Bench.Screen, MARK, sizeof(Bench.Screen));
    CHECK(HalOpenScreen(&Bench.Screen, &Bench.Mode, Bench.Pixels, &Bench.Font, Bench.Cells,
                        sizeof(Bench.Cells)));
    CHECK_EQUAL(Shape->Scale, Bench.Screen.Scale);
    CHECK_EQUAL(Shape->Columns, Bench.Screen.Columns);
    CHECK_EQUAL(Shape->Rows, Bench.Screen.Rows);
    HalScreenSetColors(&Bench.Screen, 0xFFFFFF, 0x000000);
}

void Write(const char *Text)
{
    HalScreenWrite(&Bench.Screen, Text, strlen(Text));
}

ULONG PixelAt(ULONG X, ULONG Y)
{
    ULONG Pixel = 0;

    memcpy(&Pixel, Bench.Pixels + Y * Bench.Mode.Pitch + X * Bench.Mode.BytesPerPixel,
           Bench.Mode.BytesPerPixel);
    return Pixel;
}

MODEL Model;

void ModelReset(void)
{
    Model.Columns = Bench.Screen.Columns;
    Model.Rows = Bench.Screen.Rows;
    Model.Row = Model.Column = 0;
    Model.Cursor = TRUE;
    memset(Model.Text, ' ', sizeof(Model.Text));
}

static void ModelNewLine(void)
{
    Model.Column = 0;
    if (++Model.Row == Model.Rows) {
        Model.Row--;
        memmove(Model.Text[0], Model.Text[1], (Model.Rows - 1) * sizeof(Model.Text[0]));
        memset(Model.Text[Model.Row], ' ', sizeof(Model.Text[0]));
    }
}

void ModelWrite(const char *Text, SIZE_T Bytes)
{
    for (; Bytes-- != 0; Text++) {
        if (*Text == '\n') {
            ModelNewLine();
        } else if (*Text == '\r') {
            Model.Column = 0;
        } else if (*Text == '\b') {
            Model.Column = Model.Column == 0 ? 0 : Model.Column - 1;
        } else if (*Text == '\t') {
            do {
                Model.Column++;
            } while (Model.Column % 8 != 0);
            if (Model.Column >= Model.Columns) {
                Model.Column = Model.Columns - 1;
            }
        } else {
            if (Model.Column == Model.Columns) {
                ModelNewLine();
            }
            Model.Text[Model.Row][Model.Column++] = *Text;
        }
    }
}

static BOOLEAN ModelBit(ULONG X, ULONG Y)
{
    ULONG GlyphX = X / Bench.Screen.Scale % Bench.Font.Width;
    ULONG GlyphY = Y / Bench.Screen.Scale % Bench.Font.Height;
    ULONG Column = X / Bench.Screen.Scale / Bench.Font.Width;
    ULONG Row = Y / Bench.Screen.Scale / Bench.Font.Height;
    ULONG CursorColumn = Model.Column == Model.Columns ? Model.Columns - 1 : Model.Column;
    ULONG CursorRows = Bench.Font.Height < 16 ? 1 : Bench.Font.Height / 8;
    const UCHAR *Glyph;

    if (Row >= Model.Rows || Column >= Model.Columns) {
        return FALSE;
    }
    if (Model.Cursor && Row == Model.Row && Column == CursorColumn &&
        GlyphY >= Bench.Font.Height - CursorRows) {
        return TRUE;
    }
    Glyph = Bench.Glyphs + (UCHAR)Model.Text[Row][Column] * Bench.Font.GlyphBytes;
    return Glyph[GlyphY * Bench.Font.RowBytes + GlyphX / 8] >> (7 - GlyphX % 8) & 1;
}

/* Every pixel is as the model says, and nothing else was touched. */
void CheckPixels(void)
{
    ULONG White = Bench.Mode.RedMask | Bench.Mode.GreenMask | Bench.Mode.BlueMask;
    ULONG Used = Bench.Mode.Width * Bench.Mode.BytesPerPixel;
    const UCHAR *Byte;
    ULONG X;
    ULONG Y;

    for (Y = 0; Y < Bench.Mode.Height; Y++) {
        for (X = 0; X < Bench.Mode.Width; X++) {
            ULONG Expected = ModelBit(X, Y) ? White : 0;

            if (PixelAt(X, Y) != Expected) {
                TestFail(__FILE__, __LINE__, "pixel %u,%u is %#x, not %#x (mode %ux%ux%u)", X, Y,
                         PixelAt(X, Y), Expected, Bench.Mode.Width, Bench.Mode.Height,
                         Bench.Mode.BytesPerPixel);
            }
        }
        for (X = Used; X < Bench.Mode.Pitch; X++) {
            CHECK_EQUAL(MARK, Bench.Pixels[Y * Bench.Mode.Pitch + X]);
        }
    }
    for (Byte = Memory + PAGE_SIZE; Byte < Bench.Pixels; Byte++) {
        CHECK_EQUAL(MARK, *Byte);
    }
    for (Byte = Bench.Pixels + Bench.Mode.Bytes; Byte < Bench.End; Byte++) {
        CHECK_EQUAL(MARK, *Byte);
    }
}

void WriteBoth(const char *Text)
{
    Write(Text);
    ModelWrite(Text, strlen(Text));
}
