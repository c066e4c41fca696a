/* SPDX-License-Identifier: MIT */
/*
 * test_serial.c - the serial driver against a model of the 16550.
 */
#include "arch/x86/serial.h"
#include "tests/host/ports.h"
#include "tests/unit/test.h"

#include <string.h>

#define COM1 0x3F8

static UART Uart;

static void AttachFresh(void)
{
    memset(&Uart, 0, sizeof(Uart));
    PortsReset();
    UartAttach(&Uart, COM1);
}

TEST(InitializeSerial_sets_8n1_without_interrupts_and_leaves_loopback)
{
    AttachFresh();
    Uart.Line = 0x80; /* as a careless predecessor left it */
    Uart.InterruptEnable = 0x0F;

    CHECK(HalInitializeSerial(115200));

    CHECK(HalSerialPresent());
    CHECK_EQUAL(0x03, Uart.Line);
    CHECK_EQUAL(0x03, Uart.Modem);
    CHECK_EQUAL(0, Uart.InterruptEnable);
    CHECK_EQUAL(1, Uart.FifoControl & 1);
    CHECK_EQUAL(1, Uart.Divisor);
    CHECK_TEXT("", Uart.Sent);
}

TEST(InitializeSerial_rounds_the_baud_rate_to_a_divisor)
{
    static const struct {
        ULONG BaudRate;
        USHORT Divisor;
    } Cases[] = {
        {0, 1},      {115200, 1}, {57600, 2}, {38400, 3}, {9600, 12},  {300, 384},
        {10000, 12}, {110, 1047}, {50, 2304}, {1, 65535}, {921600, 1}, {0xFFFFFFFF, 1},
    };
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Cases); Index++) {
        AttachFresh();
        CHECK(HalInitializeSerial(Cases[Index].BaudRate));
        CHECK_EQUAL(Cases[Index].Divisor, Uart.Divisor);
    }
}

TEST(InitializeSerial_finds_nothing_where_there_is_no_port)
{
    PortsReset();

    CHECK(!HalInitializeSerial(115200));
    CHECK(!HalSerialPresent());
    CHECK(PortsAccesses() < 10);
    CHECK_EQUAL(-1, HalReadSerial());
    HalWriteSerial("lost", 4);
    CHECK(PortsAccesses() < 10);
}

TEST(InitializeSerial_refuses_a_port_that_does_not_echo)
{
    AttachFresh();
    Uart.Deaf = TRUE;

    CHECK(!HalInitializeSerial(115200));
    CHECK_EQUAL(0x03, Uart.Modem); /* loopback is off all the same */
}

TEST(InitializeSerial_waits_for_the_firmwares_last_words)
{
    AttachFresh();
    Uart.FifoControl = 1;
    Uart.InFifo = 16;
    Uart.ReadsLeft = 1000;

    CHECK(HalInitializeSerial(115200));
    CHECK_EQUAL(0, Uart.InFifo);

    AttachFresh();
    Uart.Stuck = TRUE;
    CHECK(!HalInitializeSerial(115200));
}

TEST(InitializeSerial_is_not_confused_by_old_input)
{
    AttachFresh();
    Uart.Stale = 3;

    CHECK(HalInitializeSerial(115200));
}

static ULONG ReadZero(void *Device, USHORT Offset, ULONG Width)
{
    (void)Device, (void)Offset, (void)Width;
    return 0;
}

static void WriteNowhere(void *Device, USHORT Offset, ULONG Width, ULONG Value)
{
    (void)Device, (void)Offset, (void)Width, (void)Value;
}

TEST(InitializeSerial_refuses_ports_that_keep_nothing)
{
    PortsReset();
    PortsClaim(COM1, 8, ReadZero, WriteNowhere, NULL);

    CHECK(!HalInitializeSerial(115200));
    CHECK(PortsAccesses() < 10);
}

TEST(WriteSerial_sends_CR_before_LF)
{
    AttachFresh();
    CHECK(HalInitializeSerial(115200));

    HalWriteSerial("one\ntwo\n\nx", 10);

    CHECK_TEXT("one\r\ntwo\r\n\r\nx", Uart.Sent);
}

TEST(WriteSerial_never_overruns_the_fifo)
{
    char Text[1000];

    AttachFresh();
    Uart.BusyReads = 7;
    CHECK(HalInitializeSerial(115200));
    memset(Text, 'a', sizeof(Text));
    Text[15] = Text[100] = '\n'; /* the first CR fills the FIFO, its LF must wait */

    HalWriteSerial(Text, sizeof(Text));

    CHECK_EQUAL(0, Uart.Overruns);
    CHECK_EQUAL(1002, Uart.SentBytes);
    CHECK_EQUAL('\r', Uart.Sent[15]);
    CHECK_EQUAL('\n', Uart.Sent[16]);
}

TEST(WriteSerial_fills_the_fifo_after_one_look_at_the_status)
{
    char Text[160];
    ULONG Before;

    AttachFresh();
    CHECK(HalInitializeSerial(115200));
    Before = Uart.StatusReads;
    memset(Text, 'a', sizeof(Text));

    HalWriteSerial(Text, sizeof(Text));

    CHECK_EQUAL(160 / 16, Uart.StatusReads - Before);
}

TEST(WriteSerial_sends_single_characters_to_a_port_without_fifo)
{
    AttachFresh();
    Uart.NoFifo = TRUE;
    Uart.BusyReads = 3;
    CHECK(HalInitializeSerial(9600));

    HalWriteSerial("abcdefgh", 8);

    CHECK_EQUAL(0, Uart.Overruns);
    CHECK_TEXT("abcdefgh", Uart.Sent);
}

TEST(WriteSerial_gives_up_a_stuck_port_and_then_leaves_it_alone)
{
    ULONG Accesses;

    AttachFresh();
    CHECK(HalInitializeSerial(115200));
    Uart.Stuck = TRUE;

    HalWriteSerial("abc", 3);
    CHECK(!HalSerialPresent());
    CHECK(!HalWaitSerial());

    Accesses = PortsAccesses();
    HalWriteSerial("def", 3);
    CHECK_EQUAL(-1, HalReadSerial());
    CHECK_EQUAL(Accesses, PortsAccesses());
    CHECK_TEXT("", Uart.Sent);
}

TEST(WriteSerial_stops_at_once_when_the_port_vanishes)
{
    AttachFresh();
    CHECK(HalInitializeSerial(115200));
    PortsReset();

    HalWriteSerial("abc", 3);

    CHECK(!HalSerialPresent());
    CHECK_EQUAL(1, PortsAccesses());
}

TEST(ReadSerial_returns_what_came_in_then_nothing)
{
    AttachFresh();
    CHECK(HalInitializeSerial(115200));
    CHECK_EQUAL(-1, HalReadSerial());
    Uart.Input = "k\xE9";

    CHECK_EQUAL('k', HalReadSerial());
    CHECK_EQUAL(0xE9, HalReadSerial());
    CHECK_EQUAL(-1, HalReadSerial());
}

TEST(ReadSerial_drops_broken_characters)
{
    AttachFresh();
    CHECK(HalInitializeSerial(115200));
    Uart.Input = "xyz";
    Uart.InputErrors = 0x08;

    CHECK_EQUAL(-1, HalReadSerial());
    Uart.InputErrors = 0;
    CHECK_EQUAL('y', HalReadSerial());
}
