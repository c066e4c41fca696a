/* SPDX-License-Identifier: MIT */
/*
 * test_console.c - the console on a machine with a serial port, a screen and a keyboard.
 */
#include "arch/x86/console.h"
#include "arch/cpu.h"
#include "arch/x86/keyboard.h"
#include "tests/host/machine.h"
#include "tests/host/ports.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COM1     0x3F8
#define WIDTH    320 /* 40 columns */
#define HEIGHT   160 /* 10 lines */
#define MARK     0xA5A5A5A5u
#define BLUE     0x0000AAu
#define FLUSH_NS 40000000u

static UART Uart;
static I8042 Controller;
static ULONG Pixels[WIDTH * HEIGHT];
static UCHAR FontFile[4 + 256 * 16];
static LOADER_BLOCK Block;

/* A PSF 1 font whose glyphs all differ; the blank is blank. */
static void MakeFontFile(void)
{
    ULONG Index;

    memcpy(FontFile, "\x36\x04\x00\x10", 4);
    for (Index = 0; Index < 256 * 16; Index++) {
        FontFile[4 + Index] = (UCHAR)(Index / 16 == ' ' ? 0 : Index / 16 ^ Index % 16 << 4);
    }
}

static void OpenMachine(void)
{
    HostMachineCreate(2, TestSeed());
    MakeFontFile();
    memset(&Uart, 0, sizeof(Uart));
    memset(&Controller, 0, sizeof(Controller));
    memset(&Block, 0, sizeof(Block));
    memset(Pixels, MARK & 0xFF, sizeof(Pixels));
    PortsReset();
    UartAttach(&Uart, COM1);
    I8042Attach(&Controller);
    Block.Framebuffer = (LOADER_FRAMEBUFFER){.Physical = 0xE0000000,
                                             .Bytes = sizeof(Pixels),
                                             .Width = WIDTH,
                                             .Height = HEIGHT,
                                             .Pitch = WIDTH * 4,
                                             .BytesPerPixel = 4,
                                             .RedMask = 0xFF0000,
                                             .GreenMask = 0x00FF00,
                                             .BlueMask = 0x0000FF};
    Block.Options.BaudRate = 115200;
}

static void OpenConsole(void)
{
    OpenMachine();
    HalInitializeConsole(&Block, Pixels, FontFile, sizeof(FontFile));
}

static void Write(const char *Text)
{
    HalConsoleWrite(Text, strlen(Text));
}

/* => Returns whether the log ends in Text. */
static BOOLEAN LogEndsIn(const char *Text)
{
    SIZE_T Bytes;
    const char *Log = HalConsoleLog(&Bytes);

    return Bytes >= strlen(Text) && memcmp(Log + Bytes - strlen(Text), Text, strlen(Text)) == 0;
}

TEST(Console_writes_to_serial_port_screen_and_log)
{
    OpenConsole();

    Write("Hyperspace\nis up\n");
    HalFlushConsole();

    CHECK_TEXT("Hyperspace\r\nis up\r\n", Uart.Sent);
    CHECK(LogEndsIn("Hyperspace\nis up\n"));
    CHECK(HalConsoleHasScreen());
    CHECK(HalConsoleScreenShows("Hyperspace"));
    CHECK(HalConsoleScreenShows("is up"));
    CHECK(!HalConsoleScreenShows("is down"));
    CHECK(!HalConsoleScreenShows(""));
}

TEST(Console_screen_check_fails_when_the_pixels_are_not_there)
{
    OpenConsole();
    Write("proof\n");
    HalFlushConsole();
    CHECK(HalConsoleScreenShows("proof"));

    memset(Pixels, 0, sizeof(Pixels));

    CHECK(!HalConsoleScreenShows("proof"));
}

TEST(Console_works_without_a_screen)
{
    OpenMachine();
    HalInitializeConsole(&Block, NULL, FontFile, sizeof(FontFile));
    Write("one\n");
    CHECK(!HalConsoleHasScreen());
    CHECK(!HalConsoleScreenShows("one"));
    HalConsoleStopScreen();

    OpenMachine();
    HalInitializeConsole(&Block, Pixels, NULL, 0);
    Write("two\n");
    CHECK(!HalConsoleHasScreen());

    OpenMachine();
    FontFile[0] = 0;
    HalInitializeConsole(&Block, Pixels, FontFile, sizeof(FontFile));
    Write("three\n");
    HalFlushConsole();
    CHECK(!HalConsoleHasScreen());
    CHECK_TEXT("three\r\n", Uart.Sent);
    CHECK_EQUAL(MARK, Pixels[0]);
}

TEST(Console_works_without_a_serial_port)
{
    OpenMachine();
    PortsReset();
    HalInitializeConsole(&Block, Pixels, FontFile, sizeof(FontFile));

    Write("alone\n");
    HalFlushConsole();

    CHECK(HalConsoleScreenShows("alone"));
    CHECK_EQUAL(-1, HalConsoleRead());
}

TEST(Console_draws_at_a_newline_only_when_40_ms_have_passed)
{
    OpenConsole();
    Write("first\n");
    CHECK(!HalConsoleScreenShows("first"));

    while (HostCycles() < FLUSH_NS) {
        KeStallExecutionProcessor(10000);
    }
    Write("half a line");
    CHECK(!HalConsoleScreenShows("first"));
    Write(", now whole\n");
    CHECK(HalConsoleScreenShows("half a line, now whole"));

    Write("next\n");
    CHECK(!HalConsoleScreenShows("next"));
    KeStallExecutionProcessor(FLUSH_NS / 1000);
    Write("last\n");
    CHECK(HalConsoleScreenShows("next"));
    CHECK(HalConsoleScreenShows("last"));
}

TEST(ConsoleRead_takes_serial_port_then_keyboard_and_draws_while_waiting)
{
    OpenConsole();
    CHECK(HalInitializeKeyboard(TRUE));
    I8042Key(&Controller, 0x1E);
    Uart.Input = "s";
    Write("prompt> ");

    CHECK_EQUAL('s', HalConsoleRead());
    CHECK_EQUAL('a', HalConsoleRead());
    CHECK(!HalConsoleScreenShows("prompt>"));
    CHECK_EQUAL(-1, HalConsoleRead());
    CHECK(HalConsoleScreenShows("prompt>"));
}

TEST(Console_leaves_interrupts_as_they_were)
{
    BOOLEAN Enabled;

    OpenConsole();
    Write("text\n");
    HalFlushConsole();
    Enabled = KeDisableInterrupts();
    CHECK(Enabled);
    Write("text\n");
    HalFlushConsole();
    CHECK(!KeDisableInterrupts());
    KeRestoreInterrupts(Enabled);
}

static void WriteFromInterrupt(PVOID Context)
{
    (void)Context;
    Write("[interrupt]");
    HalFlushConsole();
}

/* The host delivers what is pending when interrupts go on: between two pieces. */
TEST(Console_lets_interrupts_write_between_pieces)
{
    char Text[16 * 20];

    OpenConsole();
    Uart.BusyReads = 5;
    memset(Text, '.', sizeof(Text));
    Text[sizeof(Text) - 1] = '\n';
    KeDisableInterrupts();
    HostRaiseInterrupt(CLOCK2_LEVEL, WriteFromInterrupt, NULL);
    Write("before");
    CHECK_TEXT("before", Uart.Sent);
    KeRestoreInterrupts(TRUE);
    HostRaiseInterruptAt(HostCycles(), CLOCK2_LEVEL, WriteFromInterrupt, NULL);
    HalConsoleWrite(Text, sizeof(Text));

    CHECK_EQUAL(0, Uart.Overruns);
    CHECK_EQUAL(6 + 2 * 11 + sizeof(Text) + 1, Uart.SentBytes);
    HalFlushConsole();
    CHECK(HalConsoleScreenShows("before[interrupt]"));
}

TEST(ConsoleLog_keeps_the_last_64_KB_in_one_piece)
{
    char Line[32];
    ULONG Number;
    SIZE_T Bytes;
    const char *Log;

    OpenMachine();
    PortsReset();
    HalInitializeConsole(&Block, NULL, NULL, 0);
    for (Number = 0; Number < 10000; Number++) {
        snprintf(Line, sizeof(Line), "line %06u\n", Number); /* 12 bytes: 120,000 in all */
        Write(Line);
    }

    Log = HalConsoleLog(&Bytes);
    CHECK_EQUAL(HAL_CONSOLE_LOG_BYTES, Bytes);
    for (Number = 0; Number < Bytes / 12; Number++) {
        snprintf(Line, sizeof(Line), "line %06u\n", 9999 - Number);
        CHECK(memcmp(Log + Bytes - 12 * (Number + 1), Line, 12) == 0);
    }
}

TEST(ConsoleStopScreen_is_white_on_blue_and_draws_at_once)
{
    OpenConsole();
    Write("before\n");
    HalFlushConsole();

    HalConsoleStopScreen();
    CHECK_EQUAL(BLUE, Pixels[WIDTH * HEIGHT - 1]);
    CHECK_EQUAL(BLUE, Pixels[(16 - 1) * WIDTH]); /* no cursor */
    CHECK(!HalConsoleScreenShows("before"));

    Write("*** STOP: 0x0000000A"); /* not even a newline */
    CHECK(HalConsoleScreenShows("*** STOP: 0x0000000A"));
}

/* A machine that stops in the middle of a write: the port's status is read there. */
static ULONG StopInStatus(void *Device, USHORT Offset, ULONG Width)
{
    static BOOLEAN Once;

    (void)Device, (void)Width;
    if (Offset == 5 && !Once) {
        Once = TRUE;
        HalConsoleStopScreen();
        Write("*** STOP");
    }
    return Offset == 5 ? 0x60 : 0;
}

static void WriteNowhere(void *Device, USHORT Offset, ULONG Width, ULONG Value)
{
    (void)Device, (void)Offset, (void)Width, (void)Value;
}

TEST(ConsoleStopScreen_works_in_the_middle_of_a_write)
{
    OpenConsole();
    Write("some text that is cut\n");
    PortsReset();
    PortsClaim(COM1, 8, StopInStatus, WriteNowhere, NULL);

    Write("x");

    CHECK(HalConsoleScreenShows("*** STOP"));
}

/* The same while the screen is in any state: lines drawn or not, full, cursor anywhere. */
TEST(ConsoleStopScreen_works_after_any_text)
{
    uint64_t Random = TestSeed();
    uint64_t Round;

    for (Round = 0; Round < TestRounds(30); Round++) {
        ULONG Writes = TestRandom(&Random) % 40;

        OpenConsole();
        while (Writes-- != 0) {
            Write(TestRandom(&Random) % 2 ? "some words \t" : "\nx\r\b");
            if (TestRandom(&Random) % 4 == 0) {
                HalFlushConsole();
            }
        }
        HalConsoleStopScreen();
        Write("*** STOP\n\nsecond");
        CHECK(HalConsoleScreenShows("*** STOP"));
        CHECK(HalConsoleScreenShows("second"));
        CHECK(!HalConsoleScreenShows("some"));
    }
    HostMachineDelete();
}
