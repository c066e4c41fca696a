/* SPDX-License-Identifier: MIT */
/*
 * text_screen.c - lines of text in a framebuffer that is slow to write and must not be read.
 *
 * Text lives twice in ordinary memory, one byte a cell: as it is wanted and as the pixels show it.
 * Writing changes the wanted cells only; a flush compares the two and draws the differences.  A
 * scroll is therefore free (the wanted lines are a ring) and costs at the next flush what really
 * changed.  How a cell becomes pixels is in screen_pixels.c.
 *
 *     writes                 Wanted, a ring              Shown             pixels
 *     HalScreenWrite  -->    TopLine: line 0   flush     line 0     draw
 *                            line 1            ----->    line 1     ---->
 *
 * T1  Shown is the truth about the pixels, except where the cursor is and while Erase is set.
 * T2  The cell CursorShown, and no other, may show the cursor: its lowest rows are set as well.
 * T3  Lines in which Wanted and Shown differ lie in FirstDirtyRow to EndDirtyRow - 1.
 * T4  Cells beyond Columns, up to Stride, are blank in both: lines are compared a ULONG at a time.
 *
 * Locking: the caller's; see the header.
 */
#include "arch/x86/text_screen.h"
#include "arch/x86/screen_pixels.h"
#include "rtl.h"

#define HALP_MAXIMUM_PIXELS 16384 /* in a line or a column; keeps the products below 2^32 */
#define HALP_NO_CURSOR      0xFFFFFFFFu
#define HALP_FOREGROUND     0xAAAAAA
#define HALP_BACKGROUND     0x000000
#define HALP_TAB_COLUMNS    8

/* What a blank cell looks like, whatever the font thinks of it: T1 holds after an erase. */
static const UCHAR HalpBlankGlyph[HAL_FONT_GLYPH_BYTES];

/* ---- opening ---- */

static BOOLEAN HalpCheckMode(const LOADER_FRAMEBUFFER *Mode)
{
    if (Mode->BytesPerPixel < 2 || Mode->BytesPerPixel > 4) {
        return FALSE;
    }
    if (Mode->Width > HALP_MAXIMUM_PIXELS || Mode->Height > HALP_MAXIMUM_PIXELS ||
        Mode->Pitch < Mode->Width * Mode->BytesPerPixel || Mode->Pitch > 8 * HALP_MAXIMUM_PIXELS) {
        return FALSE;
    }
    return Mode->Bytes >= (uint64_t)Mode->Pitch * Mode->Height;
}

static ULONG HalpChooseScale(const HAL_SCREEN *Screen)
{
    ULONG LineWidth = Screen->Font->Width * HAL_SCREEN_MAXIMUM_COLUMNS;

    return Screen->Width <= LineWidth ? 1 : (Screen->Width + LineWidth - 1) / LineWidth;
}

/* => Returns FALSE when there is no room for a single cell, in pixels or in memory. */
static BOOLEAN HalpDivideIntoCells(HAL_SCREEN *Screen, UCHAR *Cells, SIZE_T CellBytes)
{
    SIZE_T Rows;

    Screen->Scale = HalpChooseScale(Screen);
    Screen->CellWidth = Screen->Font->Width * Screen->Scale;
    Screen->CellHeight = Screen->Font->Height * Screen->Scale;
    Screen->Columns = Screen->Width / Screen->CellWidth;
    Screen->Rows = Screen->Height / Screen->CellHeight;
    Screen->Stride = ROUND_UP(Screen->Columns, 4);
    if (Screen->Columns == 0 || Screen->CellWidth * Screen->BytesPerPixel > HAL_SCREEN_LINE_BYTES) {
        return FALSE;
    }
    Rows = CellBytes / (2 * Screen->Stride);
    if (Rows < Screen->Rows) {
        Screen->Rows = (ULONG)Rows;
    }
    Screen->Wanted = Cells;
    Screen->Shown = Cells + Screen->Rows * Screen->Stride;
    return Screen->Rows != 0;
}

BOOLEAN HalOpenScreen(HAL_SCREEN *Screen, const LOADER_FRAMEBUFFER *Mode, volatile void *Pixels,
                      const HAL_FONT *Font, void *CellMemory, SIZE_T CellBytes)
{
    ULONG_PTR FirstCell = ROUND_UP((ULONG_PTR)CellMemory, sizeof(ULONG));
    SIZE_T Skipped = FirstCell - (ULONG_PTR)CellMemory;
    ULONG Code;

    if (Pixels == NULL || !HalpCheckMode(Mode) || CellBytes < Skipped) {
        return FALSE;
    }
    Screen->Pixels = Pixels;
    Screen->Width = Mode->Width;
    Screen->Height = Mode->Height;
    Screen->Pitch = Mode->Pitch;
    Screen->BytesPerPixel = Mode->BytesPerPixel;
    Screen->Masks[0] = Mode->RedMask;
    Screen->Masks[1] = Mode->GreenMask;
    Screen->Masks[2] = Mode->BlueMask;
    Screen->Font = Font;
    if (!HalpDivideIntoCells(Screen, (UCHAR *)FirstCell, CellBytes - Skipped)) {
        return FALSE;
    }
    for (Code = 0; Code < 256; Code++) {
        Screen->Pictures[Code] = HalFontGlyph(Font, (UCHAR)Code);
    }
    Screen->Pictures[' '] = HalpBlankGlyph;
    Screen->Direct = Screen->Scale == 1 && Screen->BytesPerPixel == 4 && Font->Width == 8 &&
                     Font->Height % 4 == 0;
    Screen->CursorWanted = TRUE;
    Screen->CursorShown = HALP_NO_CURSOR;
    HalScreenSetColors(Screen, HALP_FOREGROUND, HALP_BACKGROUND);
    HalScreenClear(Screen);
    return TRUE;
}

/* ---- writing cells ---- */

static UCHAR *HalpWantedLine(const HAL_SCREEN *Screen, ULONG Row)
{
    ULONG Line = Screen->TopLine + Row;

    if (Line >= Screen->Rows) {
        Line -= Screen->Rows;
    }
    return Screen->Wanted + Line * Screen->Stride;
}

static void HalpMarkDirty(HAL_SCREEN *Screen, ULONG First, ULONG End)
{
    if (First < Screen->FirstDirtyRow) {
        Screen->FirstDirtyRow = First;
    }
    if (End > Screen->EndDirtyRow) {
        Screen->EndDirtyRow = End;
    }
}

void HalScreenClear(HAL_SCREEN *Screen)
{
    memset(Screen->Wanted, ' ', Screen->Rows * Screen->Stride);
    Screen->TopLine = 0;
    Screen->Row = 0;
    Screen->Column = 0;
    Screen->FirstDirtyRow = 0;
    Screen->EndDirtyRow = Screen->Rows;
}

static void HalpNewLine(HAL_SCREEN *Screen)
{
    Screen->Column = 0;
    if (Screen->Row + 1 < Screen->Rows) {
        Screen->Row++;
        return;
    }
    /* The line that leaves at the top comes in, emptied, at the bottom. */
    memset(HalpWantedLine(Screen, 0), ' ', Screen->Columns);
    Screen->TopLine = Screen->TopLine + 1 == Screen->Rows ? 0 : Screen->TopLine + 1;
    HalpMarkDirty(Screen, 0, Screen->Rows);
}

/* => Returns FALSE when Character is no control character but one to be shown. */
static BOOLEAN HalpControl(HAL_SCREEN *Screen, UCHAR Character)
{
    ULONG Column;

    switch (Character) {
    case '\n':
        HalpNewLine(Screen);
        return TRUE;
    case '\r':
        Screen->Column = 0;
        return TRUE;
    case '\b':
        Screen->Column -= Screen->Column != 0;
        return TRUE;
    case '\t':
        Column = ROUND_DOWN(Screen->Column, HALP_TAB_COLUMNS) + HALP_TAB_COLUMNS;
        Screen->Column = Column < Screen->Columns ? Column : Screen->Columns - 1;
        return TRUE;
    default:
        return FALSE;
    }
}

/* Copy the first character and all up to a control character or the line's end. */
static SIZE_T HalpWriteRun(HAL_SCREEN *Screen, const char *Text, SIZE_T Bytes)
{
    ULONG Room = Screen->Columns - Screen->Column;
    UCHAR *Cell = HalpWantedLine(Screen, Screen->Row) + Screen->Column;
    SIZE_T Limit = Bytes < Room ? Bytes : Room;
    SIZE_T Count;

    Cell[0] = (UCHAR)Text[0];
    for (Count = 1; Count < Limit && (UCHAR)Text[Count] >= ' '; Count++) {
        Cell[Count] = (UCHAR)Text[Count];
    }
    Screen->Column += (ULONG)Count;
    HalpMarkDirty(Screen, Screen->Row, Screen->Row + 1);
    return Count;
}

void HalScreenWrite(HAL_SCREEN *Screen, const char *Text, SIZE_T Bytes)
{
    while (Bytes != 0) {
        SIZE_T Done = 1;

        if ((UCHAR)*Text >= ' ' || !HalpControl(Screen, (UCHAR)*Text)) {
            if (Screen->Column == Screen->Columns) {
                HalpNewLine(Screen);
            }
            Done = HalpWriteRun(Screen, Text, Bytes);
        }
        Text += Done;
        Bytes -= Done;
    }
}

void HalScreenSetCursor(HAL_SCREEN *Screen, BOOLEAN Wanted)
{
    Screen->CursorWanted = Wanted;
}

/* ---- the cursor ---- */

/* => Returns the index in Shown of the cell at which a cursor is wanted, or HALP_NO_CURSOR. */
static ULONG HalpCursorCell(const HAL_SCREEN *Screen)
{
    ULONG Column = Screen->Column < Screen->Columns ? Screen->Column : Screen->Columns - 1;

    return Screen->CursorWanted ? Screen->Row * Screen->Stride + Column : HALP_NO_CURSOR;
}

/* Draw the cell with the given index in Shown from or to the picture with a cursor. */
static void HalpDrawCursor(HAL_SCREEN *Screen, ULONG Cell, BOOLEAN Visible)
{
    const HAL_FONT *Font = Screen->Font;
    const UCHAR *Glyph = Screen->Pictures[Screen->Shown[Cell]];
    ULONG Rows = Font->Height < 16 ? 1 : Font->Height / 8;
    ULONG CursorBytes = Rows * Font->RowBytes;
    UCHAR WithCursor[HAL_FONT_GLYPH_BYTES];

    memcpy(WithCursor, Glyph, Font->GlyphBytes);
    memset(WithCursor + Font->GlyphBytes - CursorBytes, 0xFF, CursorBytes);
    HalDrawCell(Screen, HalCellPixels(Screen, Cell / Screen->Stride, Cell % Screen->Stride),
                Visible ? Glyph : WithCursor, Visible ? WithCursor : Glyph);
}

static void HalpHideCursor(HAL_SCREEN *Screen)
{
    if (Screen->CursorShown != HALP_NO_CURSOR) {
        HalpDrawCursor(Screen, Screen->CursorShown, FALSE);
        Screen->CursorShown = HALP_NO_CURSOR;
    }
}

static void HalpMoveCursor(HAL_SCREEN *Screen)
{
    ULONG Cell = HalpCursorCell(Screen);

    if (Screen->CursorShown == Cell) {
        return;
    }
    HalpHideCursor(Screen);
    if (Cell != HALP_NO_CURSOR) {
        HalpDrawCursor(Screen, Cell, TRUE);
        Screen->CursorShown = Cell;
    }
}

/* ---- flushing ---- */

/* Begin with an empty screen.  T1 and T2 hold again afterwards. */
static void HalpErase(HAL_SCREEN *Screen)
{
    HalFillScreen(Screen);
    memset(Screen->Shown, ' ', Screen->Rows * Screen->Stride);
    Screen->CursorShown = HALP_NO_CURSOR;
    Screen->Erase = FALSE;
    HalpMarkDirty(Screen, 0, Screen->Rows);
}

/* Four cells, from Column on, at least one of which changed. */
static void HalpFlushCells(HAL_SCREEN *Screen, ULONG Row, ULONG Column, const UCHAR *Wanted,
                           UCHAR *Shown)
{
    volatile UCHAR *Pixels = HalCellPixels(Screen, Row, Column);
    ULONG CellBytes = Screen->CellWidth * Screen->BytesPerPixel;
    ULONG Cell;

    for (Cell = 0; Cell < 4; Cell++, Pixels += CellBytes) {
        UCHAR Old = Shown[Cell];
        UCHAR New = Wanted[Cell];

        if (Old != New) {
            HalDrawCell(Screen, Pixels, Screen->Pictures[Old], Screen->Pictures[New]);
            Shown[Cell] = New;
        }
    }
}

static void HalpFlushLine(HAL_SCREEN *Screen, ULONG Row)
{
    const UCHAR *Wanted = HalpWantedLine(Screen, Row);
    UCHAR *Shown = Screen->Shown + Row * Screen->Stride;
    ULONG Column;

    if (Screen->CursorShown / Screen->Stride == Row) {
        HalpHideCursor(Screen); /* T1 holds in this line */
    }
    for (Column = 0; Column < Screen->Columns; Column += 4) {
        if (*(const ULONG *)(Wanted + Column) != *(const ULONG *)(Shown + Column)) {
            HalpFlushCells(Screen, Row, Column, Wanted + Column, Shown + Column);
        }
    }
}

BOOLEAN HalScreenIsDirty(const HAL_SCREEN *Screen)
{
    return Screen->Erase || Screen->FirstDirtyRow < Screen->EndDirtyRow ||
           Screen->CursorShown != HalpCursorCell(Screen);
}

BOOLEAN HalScreenFlushRow(HAL_SCREEN *Screen)
{
    if (Screen->Erase) {
        HalpErase(Screen);
        return TRUE;
    }
    if (Screen->FirstDirtyRow < Screen->EndDirtyRow) {
        HalpFlushLine(Screen, Screen->FirstDirtyRow);
        Screen->FirstDirtyRow++;
        return TRUE;
    }
    Screen->FirstDirtyRow = Screen->Rows;
    Screen->EndDirtyRow = 0;
    HalpMoveCursor(Screen);
    return FALSE;
}

void HalScreenFlush(HAL_SCREEN *Screen)
{
    while (HalScreenFlushRow(Screen)) {
    }
}

/* ---- reading back ---- */

static BOOLEAN HalpTextShownAt(const HAL_SCREEN *Screen, ULONG Row, const char *Text, SIZE_T Bytes)
{
    ULONG Column = 0;

    for (; Bytes != 0; Text++, Bytes--) {
        if (Column == Screen->Columns) {
            Column = 0;
            Row++;
        }
        if (Row == Screen->Rows ||
            !HalCellShows(Screen, Row, Column, Screen->Pictures[(UCHAR)*Text])) {
            return FALSE;
        }
        Column++;
    }
    return TRUE;
}

BOOLEAN HalScreenShows(const HAL_SCREEN *Screen, const char *Text, SIZE_T Bytes)
{
    ULONG Row;

    if (Bytes == 0 || Screen->Foreground == Screen->Background) {
        return FALSE;
    }
    for (Row = 0; Row < Screen->Rows; Row++) {
        if (HalpTextShownAt(Screen, Row, Text, Bytes)) {
            return TRUE;
        }
    }
    return FALSE;
}
