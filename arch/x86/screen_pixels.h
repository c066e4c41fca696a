/* SPDX-License-Identifier: MIT */
/*
 * screen_pixels.h - what text_screen.c asks of the pixels.  HalScreenSetColors is here as well.
 *
 * Pictures of cells have the layout of a glyph of the screen's font.
 */
#ifndef ARCH_X86_SCREEN_PIXELS_H
#define ARCH_X86_SCREEN_PIXELS_H

#include "arch/x86/text_screen.h"

/* => Returns the top left pixel of a cell. */
static inline volatile UCHAR *HalCellPixels(const HAL_SCREEN *Screen, ULONG Row, ULONG Column)
{
    return Screen->Pixels + Row * Screen->CellHeight * Screen->Pitch +
           Column * Screen->CellWidth * Screen->BytesPerPixel;
}

/* => The cell's pixels start at To.  They show Old, and New afterwards. */
void HalDrawCell(HAL_SCREEN *Screen, volatile UCHAR *To, const UCHAR *Old, const UCHAR *New);

/* Fill all pixels with the background, those outside the cells too. */
void HalFillScreen(const HAL_SCREEN *Screen);

/* => Returns whether the pixels of the cell, read back, are those of Glyph. */
BOOLEAN HalCellShows(const HAL_SCREEN *Screen, ULONG Row, ULONG Column, const UCHAR *Glyph);

#endif
