/* SPDX-License-Identifier: MIT */
/*
 * ports.h - include/arch/port.h on the host: I/O ports as a table of scripted devices.
 *
 * A test starts with PortsReset(), registers what its machine has, and runs the driver.  A port
 * that nobody claims reads as all ones and swallows writes, as on a PC.
 */
#ifndef TESTS_HOST_PORTS_H
#define TESTS_HOST_PORTS_H

#include "nt/types.h"

/* Offset is relative to the device's first port; Width is 1, 2 or 4 bytes. */
typedef ULONG PORT_READ(void *Device, USHORT Offset, ULONG Width);
typedef void PORT_WRITE(void *Device, USHORT Offset, ULONG Width, ULONG Value);

/* Forget all devices and counts. */
void PortsReset(void);

/* Give Count ports from First on to a device.  => No other device has them; fails the test else. */
void PortsClaim(USHORT First, USHORT Count, PORT_READ *Read, PORT_WRITE *Write, void *Device);

/* How many reads and writes there were since PortsReset. */
ULONG PortsAccesses(void);

/* ---- a 16550 serial port ---- */

#define UART_SENT_BYTES 4096
#define UART_FIFO_BYTES 16

typedef struct _UART {
    /* set by the test before the driver runs */
    BOOLEAN Stuck;     /* the transmitter never gets empty */
    BOOLEAN Deaf;      /* registers work, but loopback returns nothing */
    BOOLEAN NoFifo;    /* an 8250 with a scratch register */
    ULONG BusyReads;   /* status reads until what was sent has left the FIFO */
    const char *Input; /* what the other side sends; NULL: nothing */
    ULONG Stale;       /* characters that came in long ago, at most 16 */
    UCHAR InputErrors; /* status bits that come with each character of Input */

    /* found by the test afterwards */
    char Sent[UART_SENT_BYTES]; /* zero terminated */
    ULONG SentBytes;
    ULONG Overruns; /* characters that were written into a full FIFO, and lost */
    USHORT Divisor;
    UCHAR Line;
    UCHAR Modem;
    UCHAR InterruptEnable;
    UCHAR FifoControl;
    ULONG StatusReads;

    /* its own */
    UCHAR Scratch;
    ULONG InFifo;
    ULONG ReadsLeft;
    int Looped; /* the character that went round in loopback, or -1 */
} UART;

/* => Uart was cleared to zero, then set up by the test. */
void UartAttach(UART *Uart, USHORT FirstPort);

/* ---- an 8042 keyboard controller with a keyboard ---- */

#define I8042_QUEUE_ENTRIES 64

typedef struct _I8042 {
    /* set by the test before the driver runs */
    BOOLEAN NeverReady;     /* the input buffer stays full for ever */
    BOOLEAN NeverEmpty;     /* the output buffer never runs dry: reads return 0x5A for ever */
    BOOLEAN SelfTestFails;  /* answers 0xFC */
    BOOLEAN SelfTestSilent; /* does not answer */
    BOOLEAN SelfTestResets; /* forgets the command byte, as some do */
    BOOLEAN NoKeyboard;     /* nobody behind the controller */
    BOOLEAN KeyboardSleeps; /* answers nothing but a reset */
    ULONG Resends;          /* how often the keyboard asks for a repetition first */

    /* found by the test afterwards */
    UCHAR CommandByte;
    BOOLEAN Port1Enabled;
    BOOLEAN Port2Enabled;
    BOOLEAN Scanning; /* the keyboard sends keys */
    ULONG KeyboardResets;
    ULONG MachineResets;

    /* its own */
    USHORT Queue[I8042_QUEUE_ENTRIES]; /* bytes; bit 8: from the mouse */
    ULONG First;
    ULONG Count;
    UCHAR Expecting; /* the controller command whose operand comes next */
} I8042;

/* => Controller was cleared to zero, then set up by the test. */
void I8042Attach(I8042 *Controller);

/* The keyboard sends a byte, in scan code set 1; lost unless it may. */
void I8042Key(I8042 *Controller, UCHAR ScanCode);

/* The mouse sends a byte; put in the queue whatever the controller was told. */
void I8042Mouse(I8042 *Controller, UCHAR Byte);

#endif
