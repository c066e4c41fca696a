/* SPDX-License-Identifier: MIT */
/*
 * serial.h - the first serial port (COM1), polled.
 */
#ifndef ARCH_X86_SERIAL_H
#define ARCH_X86_SERIAL_H

#include "nt/types.h"

/*
 * Find COM1 and set it to BaudRate, 8 data bits, no parity, 1 stop bit, no interrupts.
 *
 * => BaudRate 0 means 115200; others are rounded to what the port's divisor can express.
 * => Returns FALSE when no port answers; the calls below then do nothing.
 */
BOOLEAN HalInitializeSerial(ULONG BaudRate);

/* => Returns whether there is a port that still takes characters. */
BOOLEAN HalSerialPresent(void);

/*
 * Wait until the port takes a whole FIFO of characters.
 *
 * => Returns FALSE when there is no port.  A port that stays busy for about a second is given up
 *    and counts as absent from then on.
 */
BOOLEAN HalWaitSerial(void);

/*
 * Send Bytes characters; '\n' goes out as CR LF.  Waits as HalWaitSerial.
 *
 * => Any IRQL.  Two writers must not interleave: the caller keeps interrupts off, or is alone.
 */
void HalWriteSerial(const char *Text, SIZE_T Bytes);

/* => Returns the next character that came in, or -1.  Broken characters are dropped. */
int HalReadSerial(void);

#endif
