/* SPDX-License-Identifier: MIT */
/*
 * test_keyboard.c - the keyboard driver against a model of the 8042 and its bad habits.
 */
#include "arch/x86/keyboard.h"
#include "tests/host/ports.h"
#include "tests/unit/test.h"

#include <string.h>

/* At a microsecond each, what the header promises: two seconds. */
#define TWO_SECONDS 2000000

static I8042 Controller;

static void AttachFresh(void)
{
    memset(&Controller, 0, sizeof(Controller));
    Controller.CommandByte = 0x03; /* as firmware leaves it: interrupts on, untranslated */
    Controller.Port1Enabled = TRUE;
    Controller.Port2Enabled = TRUE;
    PortsReset();
    I8042Attach(&Controller);
}

static void CheckWorks(void)
{
    CHECK(HalInitializeKeyboard(TRUE));
    I8042Key(&Controller, 0x1E);
    CHECK_EQUAL('a', HalReadKeyboard());
    CHECK_EQUAL(-1, HalReadKeyboard());
    CHECK(PortsAccesses() < TWO_SECONDS);
}

static void CheckFails(void)
{
    ULONG Accesses;

    CHECK(!HalInitializeKeyboard(TRUE));
    Accesses = PortsAccesses();
    CHECK(Accesses < TWO_SECONDS);
    CHECK_EQUAL(-1, HalReadKeyboard());
    CHECK_EQUAL(Accesses, PortsAccesses());
}

TEST(InitializeKeyboard_polls_translated_codes_and_disables_the_mouse)
{
    AttachFresh();

    CheckWorks();

    CHECK_EQUAL(0, Controller.CommandByte & 0x03); /* no interrupts */
    CHECK_EQUAL(0x40, Controller.CommandByte & 0x40);
    CHECK(!Controller.Port2Enabled);
    CHECK_EQUAL(0, Controller.KeyboardResets);
}

TEST(InitializeKeyboard_leaves_the_ports_alone_when_acpi_says_absent)
{
    AttachFresh();

    CHECK(!HalInitializeKeyboard(FALSE));
    CHECK_EQUAL(-1, HalReadKeyboard());
    CHECK_EQUAL(0, PortsAccesses());
}

TEST(InitializeKeyboard_sees_an_absent_controller_at_once)
{
    PortsReset();

    CheckFails();
    CHECK_EQUAL(1, PortsAccesses());
}

TEST(InitializeKeyboard_throws_away_old_bytes)
{
    ULONG Count;

    AttachFresh();
    for (Count = 0; Count < 16; Count++) {
        I8042Mouse(&Controller, 0xFA);
    }
    Controller.Scanning = TRUE;
    I8042Key(&Controller, 0x1F);

    CheckWorks();
}

TEST(InitializeKeyboard_tolerates_a_self_test_that_fails_or_says_nothing)
{
    AttachFresh();
    Controller.SelfTestFails = TRUE;
    CheckWorks();

    AttachFresh();
    Controller.SelfTestSilent = TRUE;
    CheckWorks();
}

TEST(InitializeKeyboard_survives_a_self_test_that_resets_the_controller)
{
    AttachFresh();
    Controller.SelfTestResets = TRUE;

    CheckWorks();
}

TEST(InitializeKeyboard_repeats_what_the_keyboard_did_not_understand)
{
    AttachFresh();
    Controller.Resends = 2;
    CheckWorks();

    AttachFresh();
    Controller.Resends = 1000;
    CheckFails();
}

TEST(InitializeKeyboard_resets_a_keyboard_that_does_not_answer)
{
    AttachFresh();
    Controller.KeyboardSleeps = TRUE;

    CheckWorks();
    CHECK_EQUAL(1, Controller.KeyboardResets);
}

TEST(InitializeKeyboard_finds_no_keyboard_in_bounded_time)
{
    AttachFresh();
    Controller.NoKeyboard = TRUE;
    CheckFails();

    AttachFresh();
    Controller.NeverReady = TRUE;
    CheckFails();

    AttachFresh();
    Controller.NeverEmpty = TRUE;
    CheckFails();
}

TEST(ReadKeyboard_returns_the_characters_of_a_key_one_by_one)
{
    AttachFresh();
    CHECK(HalInitializeKeyboard(TRUE));
    I8042Key(&Controller, 0xE0);
    I8042Key(&Controller, 0x48);
    I8042Key(&Controller, 0xE0);
    I8042Key(&Controller, 0xC8);
    I8042Key(&Controller, 0x2A);
    I8042Key(&Controller, 0x1E);

    CHECK_EQUAL('\x1B', HalReadKeyboard());
    CHECK_EQUAL('[', HalReadKeyboard());
    CHECK_EQUAL('A', HalReadKeyboard());
    CHECK_EQUAL('A', HalReadKeyboard());
    CHECK_EQUAL(-1, HalReadKeyboard());
}

TEST(ReadKeyboard_ignores_the_mouse)
{
    AttachFresh();
    CHECK(HalInitializeKeyboard(TRUE));
    I8042Mouse(&Controller, 0x1F);
    I8042Key(&Controller, 0x1E);
    I8042Mouse(&Controller, 0x9E);

    CHECK_EQUAL('a', HalReadKeyboard());
    CHECK_EQUAL(-1, HalReadKeyboard());
    CHECK_EQUAL(0, Controller.Count);
}

TEST(ReadKeyboard_returns_when_bytes_never_end)
{
    ULONG Accesses;

    AttachFresh();
    CHECK(HalInitializeKeyboard(TRUE));
    Controller.NeverEmpty = TRUE; /* 5A, a key without a character, for ever */
    Accesses = PortsAccesses();

    CHECK_EQUAL(-1, HalReadKeyboard());
    CHECK(PortsAccesses() - Accesses < 1000);
}

TEST(ResetBy8042_pulses_the_line_even_when_the_controller_hangs)
{
    AttachFresh();
    HalResetBy8042();
    CHECK_EQUAL(1, Controller.MachineResets);

    AttachFresh();
    Controller.NeverReady = TRUE;
    HalResetBy8042();
    CHECK_EQUAL(1, Controller.MachineResets);
}
