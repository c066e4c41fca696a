/* SPDX-License-Identifier: MIT */
/*
 * screen_bench.h - framebuffers of many shapes, and a slow model of a terminal to compare with.
 *
 * The framebuffer ends at a page that cannot be touched, and begins behind one; what lies between
 * the lines of pixels keeps a mark.  The glyphs are noise, so that no two rows are alike by luck.
 */
#ifndef TESTS_UNIT_SCREEN_BENCH_H
#define TESTS_UNIT_SCREEN_BENCH_H

#include "arch/x86/text_screen.h"

#define MARK          0xA5
#define MAXIMUM_LINES 128
#define SHAPES        13

#define RGB888        0xFF0000, 0x00FF00, 0x0000FF
#define RGB565        0xF800, 0x07E0, 0x001F

typedef struct _SHAPE {
    ULONG Width, Height, Pitch, BytesPerPixel;
    ULONG RedMask, GreenMask, BlueMask;
    ULONG FontWidth, FontHeight;
    ULONG Scale, Columns, Rows; /* what must come out */
} SHAPE;

/* One screen with everything around it. */
typedef struct _BENCH {
    LOADER_FRAMEBUFFER Mode;
    UCHAR *End; /* of the whole pages, in Memory */
    UCHAR *Pixels;
    UCHAR *Glyphs;
    HAL_FONT Font;
    HAL_SCREEN Screen;
    ULONG Cells[HAL_SCREEN_CELL_BYTES / 4];
} BENCH;

/* What a terminal shows, done the slow way. */
typedef struct _MODEL {
    ULONG Columns, Rows, Row, Column;
    BOOLEAN Cursor;
    char Text[MAXIMUM_LINES][HAL_SCREEN_MAXIMUM_COLUMNS + 1];
} MODEL;

extern const SHAPE Shapes[SHAPES];
extern BENCH Bench;
extern MODEL Model;
void MakeFont(ULONG Width, ULONG Height);
void MakePixels(const SHAPE *Shape, BOOLEAN AtEnd);
void OpenShape(const SHAPE *Shape, BOOLEAN AtEnd);
void Write(const char *Text);
ULONG PixelAt(ULONG X, ULONG Y);
void ModelReset(void);
void ModelWrite(const char *Text, SIZE_T Bytes);
void CheckPixels(void);
void WriteBoth(const char *Text);

#endif
