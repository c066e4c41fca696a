/* SPDX-License-Identifier: MIT */
/*
 * console.h - the console: serial port, screen and keyboard as one.
 *
 * KiConsoleWrite and KiConsoleRead (arch/cpu.h) are HalConsoleWrite and HalConsoleRead.  Text goes
 * to the serial port at once and to the screen soon: when it ends a line and 40 ms have passed
 * since the last time, when HalConsoleRead has nothing to return, or by HalFlushConsole.
 * Whoever prints and then neither reads nor prints again calls HalFlushConsole.
 */
#ifndef ARCH_X86_CONSOLE_H
#define ARCH_X86_CONSOLE_H

#include "loader.h"
#include "nt/types.h"

/* How much text HalConsoleLog remembers. */
#define HAL_CONSOLE_LOG_BYTES 0x10000u

/*
 * Open the serial port and the screen and clear the latter.
 *
 * => Framebuffer is where Block->Framebuffer is mapped, NULL when there is none.  FontFile is a
 *    PSF file, NULL when there is none.  Both stay valid.  No usable font means no screen.
 * => Before this call KiConsoleWrite only remembers.  The keyboard is read once
 *    HalInitializeKeyboard has found it.
 */
void HalInitializeConsole(const LOADER_BLOCK *Block, volatile void *Framebuffer,
                          const void *FontFile, SIZE_T FontBytes);

/* => Any IRQL, interrupts in any state.  Text need not end in zero. */
void HalConsoleWrite(const char *Text, SIZE_T Bytes);

/*
 * => Returns the next character from the serial port or the keyboard, or -1.  IRQL <=
 *    DISPATCH_LEVEL, one reader at a time.
 */
int HalConsoleRead(void);

/* Put text on the screen alone; it is drawn by HalFlushConsole.  For the benchmark. */
void HalWriteScreen(const char *Text, SIZE_T Bytes);

/* => Returns whether text appears on a screen. */
BOOLEAN HalConsoleHasScreen(void);

/* Bring the screen up to date.  Cheap when it is.  => Any IRQL, interrupts in any state. */
void HalFlushConsole(void);

/*
 * Turn to the stop screen: an empty screen, white on blue, on which every KiConsoleWrite is drawn
 * at once.
 *
 * => Any state, also in the middle of any other call here, provided that call never resumes.
 */
void HalConsoleStopScreen(void);

/* Never touch the screen again: drawing on it faulted.  => Any state. */
void HalConsoleAbandonScreen(void);

/* => Returns the last HAL_CONSOLE_LOG_BYTES of text at most, oldest first; valid until the next
 *    KiConsoleWrite.  No zero at the end. */
const char *HalConsoleLog(SIZE_T *Bytes);

/*
 * Prove that Line is on the screen: reads the pixels back and compares them with the glyphs.
 *
 * => HalFlushConsole has been called.  Line has no newline; it stands at the start of a line.
 * => Returns FALSE also when there is no screen, or Line is empty.
 */
BOOLEAN HalConsoleScreenShows(const char *Line);

#endif
