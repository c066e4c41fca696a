/* SPDX-License-Identifier: MIT */
/*
 * test_usb_keyboard.c - reports become characters on the console.
 */
#include "arch/keyboard.h"
#include "arch/x86/keyboard.h"
#include "tests/unit/usb_bench.h"

#include <string.h>

#define SHIFT 0x02u
#define CTRL  0x01u

static USB_MOCK_KEYBOARD Keyboard;
static char Text[256];

/* What was typed so far. */
static const char *Typed(void)
{
    ULONG Count = 0;
    int Character;

    UsbBenchSleep(20);
    while ((Character = HalReadKeyboard()) >= 0) {
        CHECK(Count < sizeof(Text) - 1);
        Text[Count++] = (char)Character;
    }
    Text[Count] = 0;
    return Text;
}

static void Send(UCHAR Modifiers, UCHAR First, UCHAR Second)
{
    const UCHAR Keys[6] = {First, Second};

    UsbMockKeyboardSend(&Keyboard, Modifiers, Keys);
}

static void Press(UCHAR Modifiers, UCHAR Key)
{
    Send(Modifiers, Key, 0);
    Send(0, 0, 0);
}

static void Prepare(void)
{
    UsbBenchStart();
    HalInitializeKeyboard(FALSE); /* no PS/2 keyboard */
    UsbMockKeyboardCreate(&Keyboard);
}

static void Arrange(void)
{
    Prepare();
    UsbMockPlug(&Mock, 4, &Keyboard.Device);
    CHECK(UsbBenchStartHost() == NULL);
}

TEST(UsbKeyboard_of_a_composite_device_is_started_in_boot_protocol)
{
    Arrange();
    CHECK_EQUAL(0, Keyboard.Protocol);
    CHECK_EQUAL(1, Keyboard.Idles);
    CHECK_EQUAL(1, Keyboard.Device.Configured);
    CHECK(UsbBenchSaid("USB        mock0 port 4: keyboard\n"));
    UsbBenchFinish();
}

TEST(UsbKeyboard_types_letters_digits_and_signs)
{
    UCHAR Key;

    Arrange();
    for (Key = 0x04; Key <= 0x1D; Key++) {
        Press(0, Key);
        UsbBenchSleep(5);
    }
    CHECK_TEXT("abcdefghijklmnopqrstuvwxyz", Typed());
    for (Key = 0x1E; Key <= 0x27; Key++) {
        Press(SHIFT, Key);
        UsbBenchSleep(5);
    }
    CHECK_TEXT("!@#$%^&*()", Typed());
    for (Key = 0x28; Key <= 0x38; Key++) {
        Press(0, Key);
        UsbBenchSleep(5);
    }
    CHECK_TEXT("\r\x1B\x7F\t -=[]\\\\;'`,./", Typed());
    UsbBenchFinish();
}

TEST(UsbKeyboard_types_keypad_cursor_keys_and_control_codes)
{
    UCHAR Key;

    Arrange();
    for (Key = 0x54; Key <= 0x63; Key++) {
        Press(0, Key);
        UsbBenchSleep(5);
    }
    CHECK_TEXT("/*-+\r1234567890.", Typed());
    Press(0, 0x4F);
    Press(0, 0x50);
    Press(0, 0x51);
    Press(0, 0x52);
    CHECK_TEXT("\x1B[C\x1B[D\x1B[B\x1B[A", Typed());
    Press(CTRL, 0x06);
    Press(0x10, 0x07);
    CHECK_TEXT("\x03\x04", Typed());
    UsbBenchFinish();
}

TEST(UsbKeyboard_tells_several_keys_at_once_apart)
{
    Arrange();
    Send(0, 0x04, 0);
    Send(0, 0x04, 0x05); /* b joins */
    Send(0, 0x05, 0);    /* a goes */
    Send(SHIFT, 0x05, 0x06);
    Send(0, 0x07, 0);
    Send(0, 0, 0);
    CHECK_TEXT("abCd", Typed());
    UsbBenchFinish();
}

TEST(UsbKeyboard_leaves_out_reports_of_too_many_keys)
{
    const UCHAR TooMany[6] = {1, 1, 1, 1, 1, 1};

    Arrange();
    Send(0, 0x04, 0);
    UsbMockKeyboardSend(&Keyboard, 0, TooMany);
    Send(0, 0x04, 0); /* still down: no second a */
    Send(0, 0, 0);
    CHECK_TEXT("a", Typed());
    UsbBenchFinish();
}

TEST(UsbKeyboard_repeats_the_last_key_while_it_is_held)
{
    Arrange();
    Send(0, 0x04, 0);
    UsbBenchSleep(400);
    CHECK_TEXT("a", Typed());
    UsbBenchSleep(300);
    CHECK(strlen(Typed()) >= 3 && strspn(Text, "a") == strlen(Text));
    Send(0, 0x04, 0x05);
    CHECK_TEXT("b", Typed() + strspn(Text, "a"));
    UsbBenchSleep(700);
    CHECK(strlen(Typed()) >= 3 && strspn(Text, "b") == strlen(Text));
    Send(0, 0x04, 0); /* b goes up, a does not start again */
    (void)Typed();
    UsbBenchSleep(1000);
    CHECK_TEXT("", Typed());
    UsbBenchFinish();
}

TEST(UsbKeyboard_that_is_unplugged_lets_go_of_its_keys)
{
    Arrange();
    Send(SHIFT, 0x04, 0);
    CHECK_TEXT("A", Typed());
    UsbMockUnplug(&Keyboard.Device);
    UsbBenchSleep(2000);
    CHECK_TEXT("", Typed());
    UsbMockKeyboardCreate(&Keyboard);
    UsbMockPlug(&Mock, 4, &Keyboard.Device);
    UsbBenchSleep(300);
    Press(0, 0x04);
    CHECK_TEXT("a", Typed());
    UsbBenchFinish();
}

TEST(UsbKeyboard_goes_on_after_a_stall)
{
    Arrange();
    Keyboard.StallReports = 2;
    Press(0, 0x04);
    UsbBenchSleep(100);
    CHECK_TEXT("a", Typed());
    CHECK_EQUAL(2, Keyboard.Device.ClearedHalt);
    UsbBenchFinish();
}

TEST(UsbKeyboard_that_only_stalls_is_given_up)
{
    Arrange();
    Keyboard.StallReports = 1000;
    Press(0, 0x04);
    UsbBenchSleep(1000);
    CHECK_EQUAL(995, Keyboard.StallReports);
    CHECK(UsbBenchSaid("the keyboard does not send keys any more"));
    UsbMockUnplug(&Keyboard.Device);
    UsbBenchFinish();
}

TEST(UsbKeyboard_need_not_know_idle_but_must_know_the_boot_protocol)
{
    Prepare();
    Keyboard.NoIdle = TRUE;
    UsbMockPlug(&Mock, 1, &Keyboard.Device);
    (void)UsbBenchStartHost();
    CHECK(UsbBenchSaid("port 1: keyboard\n"));
    UsbBenchFinish();
    Prepare();
    Keyboard.NoProtocol = TRUE;
    UsbMockPlug(&Mock, 1, &Keyboard.Device);
    (void)UsbBenchStartHost();
    CHECK(UsbBenchSaid("port 1: keyboard 0627:0001 cannot be used, status c0000186"));
    UsbBenchFinish();
}

TEST(UsbKeyboard_reports_that_are_too_short_say_nothing)
{
    Arrange();
    Keyboard.ReportBytes = 2;
    Press(0, 0x04);
    CHECK_TEXT("", Typed());
    Keyboard.ReportBytes = 3;
    Press(0, 0x05);
    CHECK_TEXT("b", Typed());
    UsbBenchFinish();
}

/* ---- the console's side ---- */

TEST(TypeScanCodes_loses_whole_keys_when_nobody_reads)
{
    static const UCHAR Up[2] = {0xE0, 0x48};
    ULONG i;

    Prepare();
    for (i = 0; i < 100; i++) {
        KiTypeScanCodes(Up, sizeof(Up));
    }
    CHECK_EQUAL(0, strlen(Typed()) % 3);
    UsbBenchFinish();
}
