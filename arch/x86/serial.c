/* SPDX-License-Identifier: MIT */
/*
 * serial.c - a 16550 serial port at COM1's address, polled.
 *
 * The port may be missing, or stop taking characters: so it is believed only after it kept two
 * values in its scratch register and echoed a character in loopback, and each wait ends.
 *
 *     state     left by                                        to
 *     absent    HalInitializeSerial, all tests passed          present
 *     present   a wait for the transmitter that ran out        absent
 *
 * S1  FifoFree is never more than the transmitter can take: it grows only when the line status
 *     shows the FIFO empty, to the FIFO's size, and falls with each character.
 *
 * Locking: none.  Only one writer at a time may be between HalWaitSerial and its last character.
 */
#include "arch/x86/serial.h"
#include "arch/port.h"

#define HALP_COM1 0x3F8

/* Registers from the port's base.  The first two are the divisor while HALP_LINE_DIVISOR is set. */
#define HALP_SERIAL_DATA      (HALP_COM1 + 0)
#define HALP_SERIAL_INTERRUPT (HALP_COM1 + 1)
#define HALP_SERIAL_FIFO      (HALP_COM1 + 2) /* reads: interrupt identification */
#define HALP_SERIAL_LINE      (HALP_COM1 + 3)
#define HALP_SERIAL_MODEM     (HALP_COM1 + 4)
#define HALP_SERIAL_STATUS    (HALP_COM1 + 5)
#define HALP_SERIAL_SCRATCH   (HALP_COM1 + 7)

#define HALP_FIFO_ENABLE      0x07 /* on, both directions emptied */
#define HALP_FIFO_WORKS       0xC0 /* in the identification register: a 16550A sets both bits */
#define HALP_LINE_8N1         0x03
#define HALP_LINE_DIVISOR     0x80
#define HALP_MODEM_READY      0x03 /* terminal ready, request to send; interrupts not gated out */
#define HALP_MODEM_LOOP       0x10
#define HALP_STATUS_DATA      0x01 /* a character came in */
#define HALP_STATUS_BROKEN    0x1C /* with a parity or framing error, or a break */
#define HALP_STATUS_EMPTY     0x20 /* the transmitter's FIFO is empty */
#define HALP_STATUS_IDLE      0x40 /* the transmitter too: its last bit is out */
#define HALP_STATUS_ABSENT    0xFF /* what a bus without a device reads */

#define HALP_CLOCK_BAUD       115200u /* 1.8432 MHz / 16, the rate of divisor 1 */
#define HALP_FIFO_BYTES       16
#define HALP_LOOP_PATTERN     0xAE

/*
 * A read of an ISA or LPC port takes about a microsecond: these waits last a second.  A full FIFO
 * needs 1.4 ms at 115200 baud and 0.6 s at 300.
 */
#define HALP_WAIT_READS 1000000u

static BOOLEAN HalpPresent;
static ULONG HalpFifoBytes; /* 16, or 1 when the FIFO does not work */
static ULONG HalpFifoFree;  /* S1 */

static BOOLEAN HalpWaitForStatus(UCHAR Bits)
{
    ULONG Reads;

    for (Reads = 0; Reads < HALP_WAIT_READS; Reads++) {
        UCHAR Status = READ_PORT_UCHAR(HALP_SERIAL_STATUS);

        if (Status == HALP_STATUS_ABSENT) {
            return FALSE;
        }
        if (Status & Bits) {
            return TRUE;
        }
    }
    return FALSE;
}

static BOOLEAN HalpKeepsScratch(UCHAR Value)
{
    WRITE_PORT_UCHAR(HALP_SERIAL_SCRATCH, Value);
    return READ_PORT_UCHAR(HALP_SERIAL_SCRATCH) == Value;
}

static void HalpSetBaudRate(ULONG BaudRate)
{
    ULONG Divisor;

    if (BaudRate == 0 || BaudRate > HALP_CLOCK_BAUD) {
        BaudRate = HALP_CLOCK_BAUD;
    }
    Divisor = (HALP_CLOCK_BAUD + BaudRate / 2) / BaudRate;
    if (Divisor > 0xFFFF) {
        Divisor = 0xFFFF;
    }
    WRITE_PORT_UCHAR(HALP_SERIAL_LINE, HALP_LINE_DIVISOR | HALP_LINE_8N1);
    WRITE_PORT_UCHAR(HALP_SERIAL_DATA, (UCHAR)Divisor);
    WRITE_PORT_UCHAR(HALP_SERIAL_INTERRUPT, (UCHAR)(Divisor >> 8));
    WRITE_PORT_UCHAR(HALP_SERIAL_LINE, HALP_LINE_8N1);
}

/* What came in before the FIFO was emptied, or into a port without one. */
static void HalpDiscardInput(void)
{
    ULONG Tries = HALP_FIFO_BYTES;

    while (Tries-- != 0 && READ_PORT_UCHAR(HALP_SERIAL_STATUS) & HALP_STATUS_DATA) {
        READ_PORT_UCHAR(HALP_SERIAL_DATA);
    }
}

/* Loopback goes off again whatever the outcome: a port left in it would swallow the log. */
static BOOLEAN HalpEchoesInLoopback(void)
{
    BOOLEAN Echoes;

    WRITE_PORT_UCHAR(HALP_SERIAL_MODEM, HALP_MODEM_LOOP | HALP_MODEM_READY);
    HalpDiscardInput();
    WRITE_PORT_UCHAR(HALP_SERIAL_DATA, HALP_LOOP_PATTERN);
    Echoes = HalpWaitForStatus(HALP_STATUS_DATA) &&
             READ_PORT_UCHAR(HALP_SERIAL_DATA) == HALP_LOOP_PATTERN;
    WRITE_PORT_UCHAR(HALP_SERIAL_MODEM, HALP_MODEM_READY);
    return Echoes;
}

BOOLEAN HalInitializeSerial(ULONG BaudRate)
{
    HalpPresent = FALSE;
    HalpFifoFree = 0;
    if (!HalpKeepsScratch(0x55) || !HalpKeepsScratch(0xAA)) {
        return FALSE;
    }
    WRITE_PORT_UCHAR(HALP_SERIAL_LINE, HALP_LINE_8N1);
    WRITE_PORT_UCHAR(HALP_SERIAL_INTERRUPT, 0);
    if (!HalpWaitForStatus(HALP_STATUS_IDLE)) { /* the firmware's last words */
        return FALSE;
    }
    HalpSetBaudRate(BaudRate);
    WRITE_PORT_UCHAR(HALP_SERIAL_FIFO, HALP_FIFO_ENABLE);
    HalpFifoBytes = 1;
    if ((READ_PORT_UCHAR(HALP_SERIAL_FIFO) & HALP_FIFO_WORKS) == HALP_FIFO_WORKS) {
        HalpFifoBytes = HALP_FIFO_BYTES;
    }
    HalpPresent = HalpEchoesInLoopback();
    return HalpPresent;
}

BOOLEAN HalSerialPresent(void)
{
    return HalpPresent;
}

BOOLEAN HalWaitSerial(void)
{
    if (!HalpPresent) {
        return FALSE;
    }
    if (!HalpWaitForStatus(HALP_STATUS_EMPTY)) {
        HalpPresent = FALSE;
        return FALSE;
    }
    HalpFifoFree = HalpFifoBytes;
    return TRUE;
}

/*
 * Send until the text or the room in the FIFO ends.
 *
 * => *ReturnSent: the CR before the '\n' at Text has gone out; kept from one call to the next.
 * => Returns the first character that was not sent.
 */
static const char *HalpFillFifo(const char *Text, const char *End, BOOLEAN *ReturnSent)
{
    ULONG Free = HalpFifoFree;

    for (; Text != End && Free != 0; Free--) {
        if (*Text == '\n' && !*ReturnSent) {
            WRITE_PORT_UCHAR(HALP_SERIAL_DATA, '\r');
            *ReturnSent = TRUE;
        } else {
            WRITE_PORT_UCHAR(HALP_SERIAL_DATA, (UCHAR)*Text++);
            *ReturnSent = FALSE;
        }
    }
    HalpFifoFree = Free;
    return Text;
}

void HalWriteSerial(const char *Text, SIZE_T Bytes)
{
    const char *End = Text + Bytes;
    BOOLEAN ReturnSent = FALSE;

    if (!HalpPresent) {
        return;
    }
    while (Text != End) {
        if (HalpFifoFree == 0 && !HalWaitSerial()) {
            return;
        }
        Text = HalpFillFifo(Text, End, &ReturnSent);
    }
}

int HalReadSerial(void)
{
    UCHAR Status;
    UCHAR Character;

    if (!HalpPresent) {
        return -1;
    }
    Status = READ_PORT_UCHAR(HALP_SERIAL_STATUS);
    if (Status == HALP_STATUS_ABSENT || !(Status & HALP_STATUS_DATA)) {
        return -1;
    }
    Character = READ_PORT_UCHAR(HALP_SERIAL_DATA);
    return Status & HALP_STATUS_BROKEN ? -1 : Character;
}
