/* SPDX-License-Identifier: MIT */
/*
 * test_text_screen.c - text on framebuffers of many shapes, compared pixel by pixel with glyphs.
 */
#include "arch/x86/text_screen.h"
#include "tests/unit/screen_bench.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

TEST(ScreenFlush_draws_glyphs_in_every_pixel_format_and_nowhere_else)
{
    ULONG Index;

    for (Index = 0; Index < 2 * SHAPES; Index++) {
        OpenShape(&Shapes[Index / 2], Index & 1);
        ModelReset();
        HalScreenFlush(&Bench.Screen);
        CheckPixels();

        WriteBoth("Hello\nlong enough to wrap on the narrow screens and the wide \x80\xFF\x01.");
        CHECK(HalScreenIsDirty(&Bench.Screen));
        HalScreenFlush(&Bench.Screen);
        CHECK(!HalScreenIsDirty(&Bench.Screen));
        CheckPixels();

        WriteBoth("\r");
        ModelWrite("\n\n\n\n\n\n\n\n\n\nscrolled", 18);
        Write("\n\n\n\n\n\n\n\n\n\nscrolled");
        HalScreenFlush(&Bench.Screen);
        CheckPixels();
    }
}

/* Reads line Row of the wanted cells without the blanks at its end. */
static const char *LineText(ULONG Row)
{
    static char Text[HAL_SCREEN_MAXIMUM_COLUMNS + 1];
    const HAL_SCREEN *Screen = &Bench.Screen;
    ULONG Length = Screen->Columns;

    memcpy(Text, Screen->Wanted + (Screen->TopLine + Row) % Screen->Rows * Screen->Stride, Length);
    while (Length != 0 && Text[Length - 1] == ' ') {
        Length--;
    }
    Text[Length] = 0;
    return Text;
}

/* 12 columns, 7 lines. */
static void OpenSmall(void)
{
    OpenShape(&Shapes[5], FALSE);
}

TEST(ScreenWrite_moves_with_control_characters)
{
    OpenSmall();

    Write("abc\rX\n12\b3\tY\n\b\bleft");

    CHECK_TEXT("Xbc", LineText(0));
    CHECK_TEXT("13      Y", LineText(1));
    CHECK_TEXT("left", LineText(2));
}

TEST(ScreenWrite_wraps_only_when_more_text_comes)
{
    OpenSmall();

    Write("123456789012\nnext\n123456789012\b*\b \rnarrow\n12345678901234");

    CHECK_TEXT("123456789012", LineText(0));
    CHECK_TEXT("next", LineText(1));
    CHECK_TEXT("narrow78901", LineText(2));
    CHECK_TEXT("123456789012", LineText(3));
    CHECK_TEXT("34", LineText(4));
    CHECK_EQUAL(2, Bench.Screen.Column);
}

TEST(ScreenWrite_scrolls_at_the_bottom)
{
    OpenSmall();

    Write("1\n2\n3\n4\n5\n6\n7\n8\n9");

    CHECK_TEXT("3", LineText(0));
    CHECK_TEXT("9", LineText(6));
    Write("\n");
    CHECK_TEXT("4", LineText(0));
    CHECK_TEXT("", LineText(6));
}

TEST(ScreenWrite_draws_nothing)
{
    SIZE_T Byte;

    OpenSmall();
    Write("text\nmore\n\n\n\n\n\n\n\n");

    for (Byte = 0; Byte < Bench.Mode.Bytes; Byte++) {
        CHECK_EQUAL(MARK, Bench.Pixels[Byte]);
    }
}

/* => Returns whether any pixel of the cell lost its mark since MarkPixels. */
static BOOLEAN CellWasDrawn(ULONG Row, ULONG Column)
{
    ULONG Bytes = Bench.Screen.CellWidth * Bench.Mode.BytesPerPixel;
    ULONG Y;
    ULONG Byte;

    for (Y = 0; Y < Bench.Screen.CellHeight; Y++) {
        const UCHAR *Line =
            Bench.Pixels + (Row * Bench.Screen.CellHeight + Y) * Bench.Mode.Pitch + Column * Bytes;

        for (Byte = 0; Byte < Bytes; Byte++) {
            if (Line[Byte] != MARK) {
                return TRUE;
            }
        }
    }
    return FALSE;
}

/* Flush; then exactly the cells with a '#' in the picture, a string for each line, were drawn. */
static void CheckDrawn(const char *const *Picture)
{
    ULONG Row;
    ULONG Column;

    memset(Bench.Pixels, MARK, Bench.Mode.Bytes);
    HalScreenFlush(&Bench.Screen);
    for (Row = 0; Row < Bench.Screen.Rows; Row++) {
        for (Column = 0; Column < Bench.Screen.Columns; Column++) {
            if (CellWasDrawn(Row, Column) != (Picture[Row][Column] == '#')) {
                TestFail(__FILE__, __LINE__, "cell %u,%u", Row, Column);
            }
        }
    }
}

TEST(ScreenFlush_draws_only_the_cells_that_changed)
{
    static const char *const Nothing[] = {"............", "............", "............",
                                          "............", "............", "............",
                                          "............"};
    static const char *const Word[] = {
        "............", ".####.......", "#...........", /* the cursor too */
        "............", "............", "............", "............"};
    /* aaa     axxx     all blank but for these    a scroll costs what differs:
       axxx -> aaa      ...                        the first line gains xxx, the second loses it */
    static const char *const Scroll[] = {".###........", "####........", "............",
                                         "............", "............", "............",
                                         "#..........."};

    OpenSmall();
    Write("aaaa\naaaa");
    HalScreenFlush(&Bench.Screen);
    CheckDrawn(Nothing);

    Write("\raxxx\n"); /* the first letter is written again */
    CheckDrawn(Word);
    CheckDrawn(Nothing);

    Write("\r");
    CheckDrawn(Nothing);

    HalScreenSetCursor(&Bench.Screen, FALSE);
    HalScreenFlush(&Bench.Screen);
    Write("\n\n\n\n\n");
    HalScreenSetCursor(&Bench.Screen, TRUE);
    CheckDrawn(Scroll);
}

TEST(ScreenFlushRow_draws_a_line_at_a_time)
{
    OpenSmall();
    HalScreenFlush(&Bench.Screen);
    Write("a\nb\nc");
    memset(Bench.Pixels, MARK, Bench.Mode.Bytes);

    CHECK(HalScreenFlushRow(&Bench.Screen));
    CHECK(CellWasDrawn(0, 0));
    CHECK(!CellWasDrawn(1, 0));
    CHECK(HalScreenFlushRow(&Bench.Screen));
    CHECK(CellWasDrawn(1, 0));
    CHECK(!CellWasDrawn(2, 1));
    CHECK(HalScreenFlushRow(&Bench.Screen));
    CHECK(!HalScreenFlushRow(&Bench.Screen));
    CHECK(CellWasDrawn(2, 1)); /* the cursor comes last */
}

/* Any text, flushed at any time, looks as the slow model says. */
TEST(Screen_shows_what_the_model_shows)
{
    static const char Controls[] = "\n\n\n\r\b\t";
    uint64_t Random = TestSeed();
    uint64_t Round;

    for (Round = 0; Round < TestRounds(60); Round++) {
        ULONG Steps = 1 + TestRandom(&Random) % 30;

        OpenShape(&Shapes[1 + TestRandom(&Random) % 6], TestRandom(&Random) & 1);
        ModelReset();
        while (Steps-- != 0) {
            char Text[64];
            ULONG Bytes = TestRandom(&Random) % sizeof(Text);
            ULONG Index;

            for (Index = 0; Index < Bytes; Index++) {
                Text[Index] = TestRandom(&Random) % 8 == 0
                                  ? Controls[TestRandom(&Random) % (sizeof(Controls) - 1)]
                                  : (char)('a' + TestRandom(&Random) % 3);
            }
            HalScreenWrite(&Bench.Screen, Text, Bytes);
            ModelWrite(Text, Bytes);
            Model.Cursor = TestRandom(&Random) % 4 != 0;
            HalScreenSetCursor(&Bench.Screen, Model.Cursor);
            if (TestRandom(&Random) % 3 == 0) {
                HalScreenFlush(&Bench.Screen);
                CHECK(!HalScreenIsDirty(&Bench.Screen));
            } else if (TestRandom(&Random) % 2 == 0) {
                (void)HalScreenFlushRow(&Bench.Screen);
            }
        }
        HalScreenFlush(&Bench.Screen);
        CheckPixels();
    }
}

TEST(ScreenSetColors_places_colours_by_the_masks)
{
    OpenShape(&Shapes[0], FALSE);
    HalScreenSetColors(&Bench.Screen, 0x123456, 0x0000AA);
    CHECK_EQUAL(0x123456, Bench.Screen.Foreground);
    CHECK_EQUAL(0x0000AA, Bench.Screen.Background);

    OpenShape(&Shapes[3], FALSE); /* blue on top */
    HalScreenSetColors(&Bench.Screen, 0x123456, 0);
    CHECK_EQUAL(0x563412, Bench.Screen.Foreground);

    OpenShape(&Shapes[2], FALSE); /* 5, 6, 5 bits */
    HalScreenSetColors(&Bench.Screen, 0xFF8000, 0x0000FF);
    CHECK_EQUAL(0xFC00, Bench.Screen.Foreground);
    CHECK_EQUAL(0x001F, Bench.Screen.Background);

    OpenShape(&Shapes[4], FALSE); /* 10 bits each */
    HalScreenSetColors(&Bench.Screen, 0xFFFF00, 0x000080);
    CHECK_EQUAL(0x3FFFFC00, Bench.Screen.Foreground);
    CHECK_EQUAL(0x202, Bench.Screen.Background);
}

TEST(ScreenSetColors_redraws_everything)
{
    ULONG Blank;

    OpenSmall();
    Write("old");
    HalScreenFlush(&Bench.Screen);

    HalScreenSetColors(&Bench.Screen, 0xFFFFFF, 0x0000AA);
    HalScreenClear(&Bench.Screen);
    Write("new");
    HalScreenFlush(&Bench.Screen);

    Blank = PixelAt(Bench.Mode.Width - 1, Bench.Mode.Height - 1);
    CHECK_EQUAL(0x0000AA, Blank);
    CHECK(HalScreenShows(&Bench.Screen, "new", 3));
    CHECK_TEXT("new", LineText(0));
}

TEST(ScreenShows_is_true_for_exactly_the_pixels_of_the_text)
{
    ULONG Index;

    for (Index = 0; Index < SHAPES - 2; Index++) {
        OpenShape(&Shapes[Index], FALSE);
        Write("first\nsecond");
        CHECK(!HalScreenShows(&Bench.Screen, "second", 6)); /* not yet drawn */
        HalScreenFlush(&Bench.Screen);

        CHECK(HalScreenShows(&Bench.Screen, "first", 5));
        CHECK(HalScreenShows(&Bench.Screen, "second", 6));
        CHECK(HalScreenShows(&Bench.Screen, "sec", 3));
        CHECK(!HalScreenShows(&Bench.Screen, "seconds", 7));
        CHECK(!HalScreenShows(&Bench.Screen, "econd", 5));
        CHECK(!HalScreenShows(&Bench.Screen, "", 0));

        /* one pixel of the last letter's last row */
        Bench.Pixels[(2 * Bench.Screen.CellHeight - 1) * Bench.Mode.Pitch +
                     (6 * Bench.Screen.CellWidth - 1) * Bench.Mode.BytesPerPixel] ^= 0xFF;
        CHECK(!HalScreenShows(&Bench.Screen, "second", 6));
        CHECK(HalScreenShows(&Bench.Screen, "secon", 5));
    }
}

TEST(ScreenShows_follows_text_that_wraps)
{
    OpenSmall();
    Write("x\n123456789012345\ny");
    HalScreenFlush(&Bench.Screen);

    CHECK(HalScreenShows(&Bench.Screen, "123456789012345", 15));
    CHECK(!HalScreenShows(&Bench.Screen, "123456789012346", 15));
    CHECK(!HalScreenShows(&Bench.Screen,
                          "y           ------------------------------------------"
                          "------------------------------------------",
                          96));
}

TEST(ScreenShows_proves_nothing_without_contrast)
{
    OpenSmall();
    HalScreenSetColors(&Bench.Screen, 0x404040, 0x404040);
    Write("text");
    HalScreenFlush(&Bench.Screen);

    CHECK(!HalScreenShows(&Bench.Screen, "text", 4));
}

TEST(OpenScreen_uses_fewer_lines_when_cell_memory_is_short)
{
    HAL_SCREEN *Screen = &Bench.Screen;

    MakeFont(8, 16);
    MakePixels(&Shapes[0], TRUE);

    /* 80 columns: 160 bytes a line; the memory's start is moved up to a ULONG */
    CHECK(HalOpenScreen(Screen, &Bench.Mode, Bench.Pixels, &Bench.Font, (char *)Bench.Cells + 1,
                        3 + 5 * 160 + 159));
    CHECK_EQUAL(5, Screen->Rows);
    CHECK(!HalOpenScreen(Screen, &Bench.Mode, Bench.Pixels, &Bench.Font, (char *)Bench.Cells + 1,
                         3 + 159));
    CHECK(
        !HalOpenScreen(Screen, &Bench.Mode, Bench.Pixels, &Bench.Font, (char *)Bench.Cells + 1, 2));
}

TEST(OpenScreen_refuses_modes_that_make_no_sense)
{
    /* clang-format off */
    static const SHAPE Bad[] = {
        {640, 480, 2560, 1, RGB888, 8, 16, 0, 0, 0},        /* palette */
        {640, 480, 5120, 8, RGB888, 8, 16, 0, 0, 0},        /* 64 bits */
        {640, 480, 2559, 4, RGB888, 8, 16, 0, 0, 0},        /* lines overlap */
        {0x40000001, 480, 2560, 4, RGB888, 8, 16, 0, 0, 0}, /* width * 4 overflows */
        {640, 0x40000000, 2560, 4, RGB888, 8, 16, 0, 0, 0}, /* too high */
        {640, 480, 0xFFFFFFF0, 4, RGB888, 8, 16, 0, 0, 0},  /* pitch too large */
        {7, 480, 2560, 4, RGB888, 8, 16, 0, 0, 0},          /* no cell fits */
        {640, 15, 2560, 4, RGB888, 8, 16, 0, 0, 0},
        {0, 0, 0, 4, RGB888, 8, 16, 0, 0, 0},
        {16000, 480, 64000, 4, RGB888, 8, 16, 0, 0, 0},     /* good, but see below */
    };
    /* clang-format on */
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Bad); Index++) {
        const SHAPE *Shape = &Bad[Index];
        BOOLEAN Good = Index == RTL_NUMBER_OF(Bad) - 1;

        MakeFont(Shape->FontWidth, Shape->FontHeight);
        MakePixels(&Shapes[0], FALSE);
        Bench.Mode.Width = Shape->Width;
        Bench.Mode.Height = Shape->Height;
        Bench.Mode.Pitch = Shape->Pitch;
        Bench.Mode.BytesPerPixel = Shape->BytesPerPixel;
        Bench.Mode.Bytes = UINT64_C(1) << 40;
        CHECK_EQUAL(Good, HalOpenScreen(&Bench.Screen, &Bench.Mode, Bench.Pixels, &Bench.Font,
                                        Bench.Cells, sizeof(Bench.Cells)));
        Bench.Mode.Bytes = (uint64_t)Shape->Pitch * Shape->Height - 1; /* one byte short */
        CHECK(!HalOpenScreen(&Bench.Screen, &Bench.Mode, Bench.Pixels, &Bench.Font, Bench.Cells,
                             sizeof(Bench.Cells)));
    }
    Bench.Mode.Bytes = UINT64_C(1) << 40;
    CHECK(!HalOpenScreen(&Bench.Screen, &Bench.Mode, NULL, &Bench.Font, Bench.Cells,
                         sizeof(Bench.Cells)));
}
