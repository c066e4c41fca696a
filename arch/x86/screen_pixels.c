/* SPDX-License-Identifier: MIT */
/*
 * screen_pixels.c - cells become pixels: of 2, 3 or 4 bytes, with any masks, enlarged or not.
 *
 * Framebuffers are slow to write and far slower to read.  So a cell is drawn from two pictures, of
 * what it shows and of what it is to show, and only the rows of pixels that differ are written:
 * between two letters that is about half of them.  A row is written in whole ULONGs, which come
 * ready-made from RowImage when a glyph is 8 pixels of 4 bytes wide, else from LineImage.
 *
 * A cell is drawn as a whole before the next: going along the lines of pixels would use the
 * processor's write-combining buffers better, but cost a third more instructions.
 *
 * Locking: as in text_screen.h.
 */
#include "arch/x86/screen_pixels.h"
#include "rtl.h"

#define HALP_PATTERN_ULONGS 3 /* 12 bytes: whole pixels of 2, 3 and 4 bytes */

/* Pixels and glyphs may lie at any address, as when the pitch is odd; the processor copes. */
typedef volatile ULONG NT_ALIGNED(1) HALP_PIXELS;
typedef ULONG NT_ALIGNED(1) HALP_ULONG;

/* ---- colours ---- */

/* The bits of one colour, 0 to 255, where Mask has them. */
static ULONG HalpPlaceColor(ULONG Color, ULONG Mask)
{
    ULONG Shift;
    ULONG Maximum;

    if (Mask == 0) {
        return 0;
    }
    Shift = (ULONG)__builtin_ctz(Mask);
    Maximum = Mask >> Shift;
    return (ULONG)(((uint64_t)Color * Maximum + 127) / 255) << Shift & Mask;
}

static ULONG HalpMakePixel(const HAL_SCREEN *Screen, ULONG Rgb)
{
    return HalpPlaceColor(Rgb >> 16 & 0xFF, Screen->Masks[0]) |
           HalpPlaceColor(Rgb >> 8 & 0xFF, Screen->Masks[1]) |
           HalpPlaceColor(Rgb & 0xFF, Screen->Masks[2]);
}

void HalScreenSetColors(HAL_SCREEN *Screen, ULONG ForegroundRgb, ULONG BackgroundRgb)
{
    ULONG Byte;
    ULONG Bit;

    Screen->Foreground = HalpMakePixel(Screen, ForegroundRgb);
    Screen->Background = HalpMakePixel(Screen, BackgroundRgb);
    for (Byte = 0; Byte < 256; Byte++) {
        for (Bit = 0; Bit < 8; Bit++) {
            Screen->RowImage[Byte][Bit] =
                Byte << Bit & 0x80 ? Screen->Foreground : Screen->Background;
        }
    }
    Screen->Erase = TRUE;
}

/* ---- drawing ---- */

/*
 * Copy eight pixels of 4 bytes.  One such instruction loads, stores and moves on: with plain moves
 * a cell takes half as many instructions again.
 *
 * => *To is unchanged, but in its register: so the compiler need not keep a copy.
 */
static inline void HalpCopyRowImage(volatile UCHAR **To, const ULONG *Image)
{
    __asm__ volatile("movsl; movsl; movsl; movsl; movsl; movsl; movsl; movsl; sub $32, %0"
                     : "+D"(*To), "+S"(Image)
                     :
                     : "memory", "cc");
}

/* Glyphs of one byte a row and a multiple of four rows: compared four rows at a time. */
static void HalpDrawDirect(const HAL_SCREEN *Screen, volatile UCHAR *To, const UCHAR *Old,
                           const UCHAR *New)
{
    const ULONG(*Images)[8] = Screen->RowImage;
    const UCHAR *End = New + Screen->Font->Height;
    ULONG Pitch = Screen->Pitch;

    for (; New != End; Old += 4, New += 4) {
        ULONG Rows = *(const HALP_ULONG *)New;
        ULONG Changes = *(const HALP_ULONG *)Old ^ Rows;

        if (Changes == 0) {
            To += 4 * Pitch;
            continue;
        }
        if (Changes & 0x000000FF) {
            HalpCopyRowImage(&To, Images[Rows & 0xFF]);
        }
        To += Pitch;
        if (Changes & 0x0000FF00) {
            HalpCopyRowImage(&To, Images[Rows >> 8 & 0xFF]);
        }
        To += Pitch;
        if (Changes & 0x00FF0000) {
            HalpCopyRowImage(&To, Images[Rows >> 16 & 0xFF]);
        }
        To += Pitch;
        if (Changes & 0xFF000000) {
            HalpCopyRowImage(&To, Images[Rows >> 24]);
        }
        To += Pitch;
    }
}

/* Fill LineImage with one row of a glyph, enlarged, in the pixels' format. */
static void HalpMakeLine(HAL_SCREEN *Screen, const UCHAR *GlyphRow)
{
    UCHAR *To = (UCHAR *)Screen->LineImage;
    ULONG X;
    ULONG Copy;

    for (X = 0; X < Screen->Font->Width; X++) {
        ULONG Pixel = Screen->RowImage[GlyphRow[X / 8]][X % 8];

        for (Copy = 0; Copy < Screen->Scale; Copy++) {
            /* What is too much for a short pixel is overwritten by the next one. */
            *(HALP_PIXELS *)To = Pixel;
            To += Screen->BytesPerPixel;
        }
    }
}

/* Copy LineImage to one line of pixels. */
static void HalpCopyLine(const HAL_SCREEN *Screen, volatile UCHAR *To)
{
    const UCHAR *From = (const UCHAR *)Screen->LineImage;
    ULONG Bytes = Screen->CellWidth * Screen->BytesPerPixel;
    ULONG Offset;

    for (Offset = 0; Offset + 4 <= Bytes; Offset += 4) {
        *(HALP_PIXELS *)(To + Offset) = Screen->LineImage[Offset / 4];
    }
    for (; Offset < Bytes; Offset++) {
        To[Offset] = From[Offset];
    }
}

static void HalpDrawScaled(HAL_SCREEN *Screen, volatile UCHAR *To, const UCHAR *Old,
                           const UCHAR *New)
{
    ULONG RowBytes = Screen->Font->RowBytes;
    const UCHAR *End = New + Screen->Font->GlyphBytes;
    ULONG Line;

    for (; New != End; Old += RowBytes, New += RowBytes) {
        BOOLEAN Differs = memcmp(Old, New, RowBytes) != 0;

        if (Differs) {
            HalpMakeLine(Screen, New);
        }
        for (Line = 0; Line < Screen->Scale; Line++, To += Screen->Pitch) {
            if (Differs) {
                HalpCopyLine(Screen, To);
            }
        }
    }
}

void HalDrawCell(HAL_SCREEN *Screen, volatile UCHAR *To, const UCHAR *Old, const UCHAR *New)
{
    if (Screen->Direct) {
        HalpDrawDirect(Screen, To, Old, New);
    } else {
        HalpDrawScaled(Screen, To, Old, New);
    }
}

/* Fill one line of pixels with the background. */
static void HalpFillLine(volatile UCHAR *To, ULONG Bytes, const ULONG *Pattern)
{
    const UCHAR *PatternBytes = (const UCHAR *)Pattern;
    const volatile UCHAR *End = To + Bytes;
    ULONG First = Pattern[0];
    ULONG Second = Pattern[1];
    ULONG Third = Pattern[2];
    ULONG Blocks;

    for (Blocks = Bytes / (16 * HALP_PATTERN_ULONGS); Blocks != 0; Blocks--) {
        HALP_PIXELS *Pixel = (HALP_PIXELS *)To;

        Pixel[0] = First;
        Pixel[1] = Second;
        Pixel[2] = Third;
        Pixel[3] = First;
        Pixel[4] = Second;
        Pixel[5] = Third;
        Pixel[6] = First;
        Pixel[7] = Second;
        Pixel[8] = Third;
        Pixel[9] = First;
        Pixel[10] = Second;
        Pixel[11] = Third;
        To += 16 * HALP_PATTERN_ULONGS;
    }
    for (; End - To >= 4 * HALP_PATTERN_ULONGS; To += 4 * HALP_PATTERN_ULONGS) {
        ((HALP_PIXELS *)To)[0] = First;
        ((HALP_PIXELS *)To)[1] = Second;
        ((HALP_PIXELS *)To)[2] = Third;
    }
    while (To != End) {
        *To++ = *PatternBytes++;
    }
}

void HalFillScreen(const HAL_SCREEN *Screen)
{
    ULONG Pattern[HALP_PATTERN_ULONGS + 1];
    ULONG Offset;
    ULONG Line;

    for (Offset = 0; Offset < 4 * HALP_PATTERN_ULONGS; Offset += Screen->BytesPerPixel) {
        *(HALP_PIXELS *)((UCHAR *)Pattern + Offset) = Screen->Background;
    }
    for (Line = 0; Line < Screen->Height; Line++) {
        HalpFillLine(Screen->Pixels + Line * Screen->Pitch, Screen->Width * Screen->BytesPerPixel,
                     Pattern);
    }
}

/* ---- reading back ---- */

static ULONG HalpReadPixel(const HAL_SCREEN *Screen, const volatile UCHAR *From)
{
    ULONG Pixel = 0;
    ULONG Byte;

    for (Byte = 0; Byte < Screen->BytesPerPixel; Byte++) {
        Pixel |= (ULONG)From[Byte] << 8 * Byte;
    }
    return Pixel;
}

/* Only the bits that carry colour count: the others need not keep what was written. */
BOOLEAN HalCellShows(const HAL_SCREEN *Screen, ULONG Row, ULONG Column, const UCHAR *Glyph)
{
    const HAL_FONT *Font = Screen->Font;
    const volatile UCHAR *Pixels = HalCellPixels(Screen, Row, Column);
    ULONG Colors = Screen->Masks[0] | Screen->Masks[1] | Screen->Masks[2];
    ULONG X;
    ULONG Y;

    for (Y = 0; Y < Screen->CellHeight; Y++) {
        const UCHAR *GlyphRow = Glyph + Y / Screen->Scale * Font->RowBytes;

        for (X = 0; X < Screen->CellWidth; X++) {
            ULONG Bit = X / Screen->Scale;
            ULONG Found = HalpReadPixel(Screen, Pixels + X * Screen->BytesPerPixel);

            if ((Found ^ Screen->RowImage[GlyphRow[Bit / 8]][Bit % 8]) & Colors) {
                return FALSE;
            }
        }
        Pixels += Screen->Pitch;
    }
    return TRUE;
}
