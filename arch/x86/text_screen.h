/* SPDX-License-Identifier: MIT */
/*
 * text_screen.h - lines of text in a framebuffer.
 *
 * Writing changes cells in ordinary memory; flushing draws the cells that changed.  The caller
 * sees to it that the calls on one screen do not interrupt each other.  Only HalScreenSetColors
 * followed by HalScreenClear may come in the middle of another call, if that never resumes.
 */
#ifndef ARCH_X86_TEXT_SCREEN_H
#define ARCH_X86_TEXT_SCREEN_H

#include "arch/x86/psf.h"
#include "loader.h"
#include "nt/types.h"

/* Pixels are enlarged until a line has no more columns than can be read from a chair. */
#define HAL_SCREEN_MAXIMUM_COLUMNS 200

/* One line of one cell: 16-fold glyphs of 8 pixels, 4-fold glyphs of 32 pixels, 4 bytes each. */
#define HAL_SCREEN_LINE_BYTES 512

/* Memory for every screen that fits: HAL_SCREEN_MAXIMUM_COLUMNS by 128 lines, wanted and shown. */
#define HAL_SCREEN_CELL_BYTES (2 * HAL_SCREEN_MAXIMUM_COLUMNS * 128)

/* (I) fixed once the screen is open, (C) changed by HalScreenSetColors, others by any call. */
typedef struct _HAL_SCREEN {
    volatile UCHAR *Pixels;     /* (I) top left pixel */
    ULONG Width;                /* (I) pixels */
    ULONG Height;               /* (I) pixels */
    ULONG Pitch;                /* (I) bytes from one line of pixels to the next */
    ULONG BytesPerPixel;        /* (I) 2, 3 or 4 */
    ULONG Masks[3];             /* (I) the bits of a pixel that carry red, green, blue */
    const HAL_FONT *Font;       /* (I) */
    ULONG Scale;                /* (I) each glyph pixel is Scale by Scale pixels */
    const UCHAR *Pictures[256]; /* (I) by code: its glyph, and for a blank nothing but zeros */
    BOOLEAN Direct;             /* (I) one row of a glyph is one RowImage */
    ULONG CellWidth;            /* (I) Font->Width * Scale */
    ULONG CellHeight;           /* (I) Font->Height * Scale */
    ULONG Columns;              /* (I) cells in a line */
    ULONG Rows;                 /* (I) lines */
    ULONG Stride;               /* (I) bytes from one line of cells to the next, a multiple of 4 */
    UCHAR *Wanted;              /* (I) ring of Rows lines of Latin-1 codes, TopLine is the first */
    UCHAR *Shown;               /* (I) Rows lines: what the pixels show */
    ULONG TopLine;              /* index in Wanted of the line at the top */
    ULONG Row;                  /* where the next character goes: line, from the top */
    ULONG Column;               /* 0 to Columns; Columns = it wraps first */
    ULONG FirstDirtyRow;        /* lines that may differ: from this one */
    ULONG EndDirtyRow;          /* up to before this one */
    ULONG CursorShown;          /* index in Shown of the cell that shows the cursor, or all ones */
    BOOLEAN CursorWanted;       /* a cursor is to be shown at Row, Column */
    BOOLEAN Erase;              /* the pixels show nothing of use: fill them first */
    ULONG Foreground;           /* (C) pixel value */
    ULONG Background;           /* (C) pixel value */
    ULONG RowImage[256][8];     /* (C) the 8 pixels, 4 bytes each, of one byte of a glyph */
    ULONG LineImage[HAL_SCREEN_LINE_BYTES / 4 + 1]; /* scratch: one line of one cell */
} HAL_SCREEN, *PHAL_SCREEN;

/*
 * Prepare a screen: light grey on black, empty, with a cursor.  Nothing is drawn yet.
 *
 * => Pixels is where Mode's framebuffer is mapped, Mode->Bytes long; it is never read.
 * => Font and CellMemory stay valid.  With less than HAL_SCREEN_CELL_BYTES fewer lines are used.
 * => Returns FALSE when the mode makes no sense or has no room for a cell; *Screen is then
 *    undefined.
 */
NT_MUST_CHECK BOOLEAN HalOpenScreen(HAL_SCREEN *Screen, const LOADER_FRAMEBUFFER *Mode,
                                    volatile void *Pixels, const HAL_FONT *Font, void *CellMemory,
                                    SIZE_T CellBytes);

/*
 * Put text into the cells; draws nothing.
 *
 * => Understood are \n (to the start of the next line), \r, \t (columns of 8) and \b (one to the
 *    left, not beyond the line's start).  Other codes appear as their glyph.  A line that is full
 *    continues on the next one; below the last line everything moves up.
 */
void HalScreenWrite(HAL_SCREEN *Screen, const char *Text, SIZE_T Bytes);

/* Empty all cells and go to the top left. */
void HalScreenClear(HAL_SCREEN *Screen);

/* Use these colours, 0xRRGGBB, for the whole screen.  Shows with the next flush. */
void HalScreenSetColors(HAL_SCREEN *Screen, ULONG ForegroundRgb, ULONG BackgroundRgb);

/* Show a cursor, or none, from the next flush on. */
void HalScreenSetCursor(HAL_SCREEN *Screen, BOOLEAN Wanted);

/* => Returns whether a flush would draw anything; may say TRUE too often. */
BOOLEAN HalScreenIsDirty(const HAL_SCREEN *Screen);

/*
 * Draw one line of the cells that changed: a flush in steps, so that interrupts need not be held
 * back for long.
 *
 * => Returns FALSE when everything is drawn, the cursor too.
 */
BOOLEAN HalScreenFlushRow(HAL_SCREEN *Screen);

/* Draw everything that changed. */
void HalScreenFlush(HAL_SCREEN *Screen);

/*
 * Look for a line of text among the pixels.  Slow: reads the framebuffer.
 *
 * => Returns TRUE when some line of the screen begins with exactly the glyphs of Text, in the
 *    current colours.  A text longer than a line goes on in the next one.  FALSE for no text.
 */
BOOLEAN HalScreenShows(const HAL_SCREEN *Screen, const char *Text, SIZE_T Bytes);

#endif
