/* SPDX-License-Identifier: MIT */
/*
 * uart.c - a model of the 16550 serial port, after its data sheet.
 *
 * What is written leaves the FIFO all at once, after BusyReads reads of the line status: so a
 * driver that writes without looking, or more than the FIFO holds, is found out by Overruns.
 */
#include "tests/host/ports.h"
#include <string.h>

#define STATUS_DATA  0x01
#define STATUS_EMPTY 0x60 /* transmitter and its FIFO */
#define LINE_DIVISOR 0x80
#define MODEM_LOOP   0x10
#define FIFO_ON      0x01

static ULONG ReadData(UART *Uart)
{
    int Looped = Uart->Looped;

    if (Uart->Stale != 0) {
        Uart->Stale--;
        return 0x42;
    }
    if (Uart->Modem & MODEM_LOOP) {
        Uart->Looped = -1;
        return Looped < 0 ? 0 : (ULONG)Looped;
    }
    return Uart->Input != NULL && *Uart->Input != 0 ? (UCHAR)*Uart->Input++ : 0;
}

static ULONG ReadStatus(UART *Uart)
{
    ULONG Status = 0;

    Uart->StatusReads++;
    if (Uart->ReadsLeft != 0) {
        Uart->ReadsLeft--;
    } else if (!Uart->Stuck) {
        Uart->InFifo = 0;
        Status = STATUS_EMPTY;
    }
    if (Uart->Modem & MODEM_LOOP) {
        Status |= Uart->Looped >= 0 || Uart->Stale != 0 ? STATUS_DATA : 0;
    } else if (Uart->Input != NULL && *Uart->Input != 0) {
        Status |= STATUS_DATA | Uart->InputErrors;
    }
    return Status;
}

static ULONG UartRead(void *Device, USHORT Offset, ULONG Width)
{
    UART *Uart = Device;

    (void)Width;
    switch (Offset) {
    case 0:
        return Uart->Line & LINE_DIVISOR ? (UCHAR)Uart->Divisor : ReadData(Uart);
    case 1:
        return Uart->Line & LINE_DIVISOR ? Uart->Divisor >> 8 : Uart->InterruptEnable;
    case 2:
        return Uart->FifoControl & FIFO_ON && !Uart->NoFifo ? 0xC1 : 0x01;
    case 3:
        return Uart->Line;
    case 4:
        return Uart->Modem;
    case 5:
        return ReadStatus(Uart);
    case 7:
        return Uart->Scratch;
    default:
        return 0;
    }
}

static void WriteData(UART *Uart, UCHAR Character)
{
    ULONG Room = Uart->FifoControl & FIFO_ON && !Uart->NoFifo ? UART_FIFO_BYTES : 1;

    if (Uart->Modem & MODEM_LOOP) {
        Uart->Looped = Uart->Deaf ? -1 : Character;
        return;
    }
    if (Uart->InFifo >= Room) {
        Uart->Overruns++;
        return;
    }
    Uart->InFifo++;
    Uart->ReadsLeft = Uart->BusyReads;
    if (Uart->SentBytes < UART_SENT_BYTES - 1) {
        Uart->Sent[Uart->SentBytes++] = (char)Character;
    }
}

static void UartWrite(void *Device, USHORT Offset, ULONG Width, ULONG Value)
{
    UART *Uart = Device;
    BOOLEAN Divisor = (Uart->Line & LINE_DIVISOR) != 0;

    (void)Width;
    if (Offset == 0 && Divisor) {
        Uart->Divisor = (USHORT)((Uart->Divisor & 0xFF00) | Value);
    } else if (Offset == 0) {
        WriteData(Uart, (UCHAR)Value);
    } else if (Offset == 1 && Divisor) {
        Uart->Divisor = (USHORT)((Uart->Divisor & 0x00FF) | Value << 8);
    } else if (Offset == 1) {
        Uart->InterruptEnable = (UCHAR)Value;
    } else if (Offset == 2) {
        Uart->FifoControl = (UCHAR)Value;
    } else if (Offset == 3) {
        Uart->Line = (UCHAR)Value;
    } else if (Offset == 4) {
        Uart->Modem = (UCHAR)Value;
    } else if (Offset == 7) {
        Uart->Scratch = (UCHAR)Value;
    }
}

void UartAttach(UART *Uart, USHORT FirstPort)
{
    Uart->Looped = -1;
    PortsClaim(FirstPort, 8, UartRead, UartWrite, Uart);
}
