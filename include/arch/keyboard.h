/* SPDX-License-Identifier: MIT */
/*
 * keyboard.h - where drivers of keyboards put keys: beside the PS/2 keyboard's, into the console.
 */
#ifndef ARCH_KEYBOARD_H
#define ARCH_KEYBOARD_H

#include "nt/types.h"

/*
 * A key went down or up: the bytes of scan code set 1, one after the other.  The console's reader
 * (KiConsoleRead) gets the characters.
 *
 * => Any IRQL up to DISPATCH_LEVEL.  Bytes that nobody reads in time are lost, the newest first,
 *    a whole key at a time.  Count is 1 to 3.
 */
void KiTypeScanCodes(const UCHAR *Codes, ULONG Count);

#endif
