/* SPDX-License-Identifier: MIT */
/*
 * console.c - serial port, screen and keyboard, joined for writers that may be anywhere.
 *
 * Text is written by threads, by interrupts, and by a stop of the machine in the middle of either.
 * So there is no lock.  What must not be interrupted is short and runs with interrupts off:
 *
 *     remembering, sending and placing one piece of text, at most a FIFO long (HalpWritePiece);
 *     drawing one line of cells (HalpFlushRow).
 *
 * Waiting for the serial port happens between the pieces, with interrupts as the caller has them.
 * Two writers may thus mix their pieces; who needs whole lines raises IRQL.
 *
 *     state      screen is drawn                                  left by
 *     running    by text that ends a line, 40 ms after the last time; when    HalConsoleStopScreen
 *                KiConsoleRead has nothing; by HalFlushConsole
 *     stopped    after each write                                 (never)
 *
 * The log is a ring that is kept twice, side by side: so its contents, wherever they start, can be
 * read in one piece.
 *
 * L1  HalpLog[i] == HalpLog[i + HAL_CONSOLE_LOG_BYTES] for all i below HAL_CONSOLE_LOG_BYTES
 */
#include "arch/x86/console.h"
#include "arch/cpu.h"
#include "arch/x86/keyboard.h"
#include "arch/x86/serial.h"
#include "arch/x86/text_screen.h"
#include "rtl.h"

#define HALP_PIECE_BYTES       16          /* the serial port's FIFO */
#define HALP_FLUSHES_IN_SECOND 25          /* every 40 ms */
#define HALP_ASSUMED_FREQUENCY 1000000000u /* when nobody knows better */
#define HALP_STOP_FOREGROUND   0xFFFFFF
#define HALP_STOP_BACKGROUND   0x0000AA

static HAL_FONT HalpFont;
static HAL_SCREEN HalpScreen;
static BOOLEAN HalpScreenOpen;
static ULONG HalpScreenCells[HAL_SCREEN_CELL_BYTES / sizeof(ULONG)];
static BOOLEAN HalpStopped;
static ULONG64 HalpLastFlush;    /* cycle counter */
static ULONG64 HalpLoaderCycles; /* the loader's estimate of the counter's frequency, or 0 */

static char HalpLog[2 * HAL_CONSOLE_LOG_BYTES]; /* L1 */
static SIZE_T HalpLogNext;                      /* where the next character goes: the oldest one */
static BOOLEAN HalpLogWrapped;

/* ---- the log ---- */

/* => Bytes is at most HALP_PIECE_BYTES. */
static void HalpRemember(const char *Text, SIZE_T Bytes)
{
    SIZE_T Room = HAL_CONSOLE_LOG_BYTES - HalpLogNext;
    SIZE_T First = Bytes < Room ? Bytes : Room;

    memcpy(HalpLog + HalpLogNext, Text, First);
    memcpy(HalpLog + HalpLogNext + HAL_CONSOLE_LOG_BYTES, Text, First);
    if (Bytes < Room) {
        HalpLogNext += Bytes;
        return;
    }
    memcpy(HalpLog, Text + First, Bytes - First);
    memcpy(HalpLog + HAL_CONSOLE_LOG_BYTES, Text + First, Bytes - First);
    HalpLogNext = Bytes - First;
    HalpLogWrapped = TRUE;
}

const char *HalConsoleLog(SIZE_T *Bytes)
{
    *Bytes = HalpLogWrapped ? HAL_CONSOLE_LOG_BYTES : HalpLogNext;
    return HalpLogWrapped ? HalpLog + HalpLogNext : HalpLog;
}

/* ---- the screen ---- */

static BOOLEAN HalpFlushRow(void)
{
    BOOLEAN Enabled = KeDisableInterrupts();
    BOOLEAN More = HalScreenFlushRow(&HalpScreen);

    KeRestoreInterrupts(Enabled);
    return More;
}

void HalFlushConsole(void)
{
    if (!HalpScreenOpen || !HalScreenIsDirty(&HalpScreen)) {
        return;
    }
    while (HalpFlushRow()) {
    }
    /* Pixels may wait in the processor's write-combining buffers; a locked access empties them. */
    __sync_synchronize();
    HalpLastFlush = KeReadCycleCounter();
}

static BOOLEAN HalpFlushIsDue(void)
{
    ULONG64 Frequency = KeQueryCycleFrequency();

    if (Frequency == 0) {
        Frequency = HalpLoaderCycles != 0 ? HalpLoaderCycles : HALP_ASSUMED_FREQUENCY;
    }
    return (KeReadCycleCounter() - HalpLastFlush) * HALP_FLUSHES_IN_SECOND >= Frequency;
}

static BOOLEAN HalpOpenScreen(const LOADER_BLOCK *Block, volatile void *Framebuffer,
                              const void *FontFile, SIZE_T FontBytes)
{
    return Framebuffer != NULL && FontFile != NULL &&
           NT_SUCCESS(HalOpenFont(FontFile, FontBytes, &HalpFont)) &&
           HalOpenScreen(&HalpScreen, &Block->Framebuffer, Framebuffer, &HalpFont, HalpScreenCells,
                         sizeof(HalpScreenCells));
}

void HalInitializeConsole(const LOADER_BLOCK *Block, volatile void *Framebuffer,
                          const void *FontFile, SIZE_T FontBytes)
{
    HalpStopped = FALSE;
    HalpLoaderCycles = Block->TscHz;
    (void)HalInitializeSerial(Block->Options.BaudRate);
    HalpScreenOpen = HalpOpenScreen(Block, Framebuffer, FontFile, FontBytes);
    HalFlushConsole();
}

BOOLEAN HalConsoleHasScreen(void)
{
    return HalpScreenOpen;
}

/* Colours and clearing restore every field that an interrupted call may have left half done. */
void HalConsoleStopScreen(void)
{
    HalpStopped = TRUE;
    if (!HalpScreenOpen) {
        return;
    }
    HalScreenSetColors(&HalpScreen, HALP_STOP_FOREGROUND, HALP_STOP_BACKGROUND);
    HalScreenClear(&HalpScreen);
    HalScreenSetCursor(&HalpScreen, FALSE);
    HalFlushConsole();
}

void HalConsoleAbandonScreen(void)
{
    HalpScreenOpen = FALSE;
}

BOOLEAN HalConsoleScreenShows(const char *Line)
{
    return HalpScreenOpen && HalScreenShows(&HalpScreen, Line, strlen(Line));
}

/* ---- reading and writing ---- */

static void HalpWritePiece(const char *Text, SIZE_T Bytes)
{
    BOOLEAN Enabled = KeDisableInterrupts();

    HalpRemember(Text, Bytes);
    if (HalpScreenOpen) {
        HalScreenWrite(&HalpScreen, Text, Bytes);
    }
    HalWriteSerial(Text, Bytes);
    KeRestoreInterrupts(Enabled);
}

void HalWriteScreen(const char *Text, SIZE_T Bytes)
{
    BOOLEAN Enabled = KeDisableInterrupts();

    if (HalpScreenOpen) {
        HalScreenWrite(&HalpScreen, Text, Bytes);
    }
    KeRestoreInterrupts(Enabled);
}

void HalConsoleWrite(const char *Text, SIZE_T Bytes)
{
    BOOLEAN EndsLine = Bytes != 0 && Text[Bytes - 1] == '\n';

    while (Bytes != 0) {
        SIZE_T Piece = Bytes < HALP_PIECE_BYTES ? Bytes : HALP_PIECE_BYTES;

        (void)HalWaitSerial();
        HalpWritePiece(Text, Piece);
        Text += Piece;
        Bytes -= Piece;
    }
    if (HalpStopped || (EndsLine && HalpScreenOpen && HalpFlushIsDue())) {
        HalFlushConsole();
    }
}

int HalConsoleRead(void)
{
    int Character = HalReadSerial();

    if (Character < 0) {
        Character = HalReadKeyboard();
    }
    if (Character < 0) {
        HalFlushConsole();
    }
    return Character;
}
