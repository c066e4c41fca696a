/* SPDX-License-Identifier: MIT */
/*
 * test_keymap.c - keys as they come from a keyboard, and the characters that must result.
 */
#include "arch/x86/keymap.h"
#include "tests/unit/test.h"

#include <string.h>

static HAL_KEYMAP Keymap;

/* Feed bytes.  => Returns all characters that came out, zero terminated. */
static const char *Type(const char *ScanCodes, SIZE_T Count)
{
    static char Typed[256];
    SIZE_T Length = 0;
    SIZE_T Index;

    for (Index = 0; Index < Count; Index++) {
        char Text[HAL_KEY_BYTES];
        ULONG Bytes = HalTranslateScanCode(&Keymap, (UCHAR)ScanCodes[Index], Text);

        CHECK(Bytes <= HAL_KEY_BYTES && Length + Bytes < sizeof(Typed));
        memcpy(Typed + Length, Text, Bytes);
        Length += Bytes;
    }
    Typed[Length] = 0;
    return Typed;
}

#define TYPE(ScanCodes) Type(ScanCodes, sizeof(ScanCodes) - 1)

/* Press and release each of the keys from First to Last. */
static const char *TypeRange(UCHAR First, UCHAR Last)
{
    char ScanCodes[256];
    SIZE_T Count = 0;
    ULONG Key;

    for (Key = First; Key <= Last; Key++) {
        ScanCodes[Count++] = (char)Key;
        ScanCodes[Count++] = (char)(Key | 0x80);
    }
    return Type(ScanCodes, Count);
}

TEST(Keymap_types_the_us_layout)
{
    HalInitializeKeymap(&Keymap);

    CHECK_TEXT("\x1B"
               "1234567890-=\x7F\tqwertyuiop[]\r",
               TypeRange(0x01, 0x1C));
    CHECK_TEXT("asdfghjkl;'`", TypeRange(0x1E, 0x29));
    CHECK_TEXT("\\zxcvbnm,./", TypeRange(0x2B, 0x35));
    CHECK_TEXT("* ", TypeRange(0x37, 0x39));
    CHECK_TEXT("789-456+1230.", TypeRange(0x47, 0x53));
    CHECK_TEXT("", TypeRange(0x3B, 0x46)); /* F1 to F10, num lock, scroll lock */
    CHECK_TEXT("", TypeRange(0x54, 0x5F));
}

TEST(Keymap_shifts_while_either_shift_key_is_down)
{
    HalInitializeKeymap(&Keymap);

    CHECK_TEXT("", TYPE("\x2A"));
    CHECK_TEXT("!@#$%^&*()_+", TypeRange(0x02, 0x0D));
    CHECK_TEXT("QWERTYUIOP{}", TypeRange(0x10, 0x1B));
    CHECK_TEXT("ASDFGHJKL:\"~", TypeRange(0x1E, 0x29));
    CHECK_TEXT("|ZXCVBNM<>?", TypeRange(0x2B, 0x35));
    CHECK_TEXT("Q", TYPE("\x36\xAA\x10")); /* the right one takes over */
    CHECK_TEXT("q", TYPE("\xB6\x10"));
}

TEST(Keymap_locks_capitals_of_letters_only)
{
    HalInitializeKeymap(&Keymap);

    CHECK_TEXT("A1", TYPE("\x3A\xBA\x1E\x02"));
    CHECK_TEXT("a!", TYPE("\x2A\x1E\x02\xAA"));
    CHECK_TEXT("a", TYPE("\x3A\xBA\x1E"));
}

TEST(Keymap_makes_control_codes)
{
    char Text[HAL_KEY_BYTES];

    HalInitializeKeymap(&Keymap);

    CHECK_TEXT("\x03\x1A\x1B\x1C\x1D", TYPE("\x1D\x2E\x2C\x1A\x2B\x1B"));
    CHECK_TEXT("1", TYPE("\x02"));
    CHECK_TEXT("\x03", TYPE("\x2A\x2E")); /* with shift as well */
    CHECK_TEXT("\x1F\x1E", TYPE("\x0C\x07"));
    CHECK_TEXT("c", TYPE("\xAA\x9D\x2E"));
    CHECK_TEXT("\x03"
               "c",
               TYPE("\xE0\x1D\x2E\xE0\x9D\x2E"));              /* the right control key */
    CHECK_TEXT("\x03", TYPE("\x3A\x1D\x2E"));                  /* with caps lock */
    CHECK_EQUAL(1, HalTranslateScanCode(&Keymap, 0x39, Text)); /* Ctrl-Space */
    CHECK_EQUAL(0, Text[0]);
}

TEST(Keymap_sends_cursor_keys_as_a_terminal_does)
{
    HalInitializeKeymap(&Keymap);

    CHECK_TEXT("\x1B[A\x1B[B\x1B[C\x1B[D",
               TYPE("\xE0\x48\xE0\xC8\xE0\x50\xE0\xD0\xE0\x4D\xE0\xCD\xE0\x4B\xE0\xCB"));
    CHECK_TEXT("\x1B[H\x1B[F", TYPE("\xE0\x47\xE0\xC7\xE0\x4F\xE0\xCF"));
    CHECK_TEXT("\x1B[2~\x1B[3~\x1B[5~\x1B[6~", TYPE("\xE0\x52\xE0\x53\xE0\x49\xE0\x51"));
    CHECK_TEXT("\r/", TYPE("\xE0\x1C\xE0\x9C\xE0\x35\xE0\xB5")); /* on the keypad */
    CHECK_TEXT("/", TYPE("\x2A\xE0\x35\xAA"));
    CHECK_TEXT("", TYPE("\xE0\x5B\xE0\xDB\xE0\x38\xE0\xB8\xE0\x1E")); /* no characters */
    CHECK_TEXT("a", TYPE("\x1E"));
}

TEST(Keymap_ignores_shifts_that_the_keyboard_invents)
{
    HalInitializeKeymap(&Keymap);

    /* an arrow with num lock on comes wrapped in E0 2A ... E0 AA */
    CHECK_TEXT("\x1B[A"
               "a",
               TYPE("\xE0\x2A\xE0\x48\xE0\xC8\x1E\xE0\xAA"));
    /* and with shift held, in its release */
    CHECK_TEXT("\x1B[A"
               "A",
               TYPE("\x2A\xE0\xAA\xE0\x48\x1E"));
}

TEST(Keymap_swallows_pause_and_print_screen)
{
    HalInitializeKeymap(&Keymap);

    CHECK_TEXT("a", TYPE("\xE1\x1D\x45\xE1\x9D\xC5\x1E"));
    CHECK_TEXT("a", TYPE("\xE0\x2A\xE0\x37\xE0\xB7\xE0\xAA\x1E"));
    CHECK_TEXT("a", TYPE("\xE0\x46\xE0\xC6\x1E")); /* Ctrl-Pause */
}

TEST(Keymap_ignores_answers_of_the_keyboard)
{
    HalInitializeKeymap(&Keymap);

    CHECK_TEXT("aa", TYPE("\xFA\x1E\xFE\x00\xFF\x1E"));
}

TEST(Keymap_survives_any_bytes)
{
    uint64_t Random = TestSeed();
    uint64_t Round;
    char Text[HAL_KEY_BYTES];

    HalInitializeKeymap(&Keymap);
    for (Round = 0; Round < TestRounds(100000); Round++) {
        CHECK(HalTranslateScanCode(&Keymap, (UCHAR)TestRandom(&Random), Text) <= HAL_KEY_BYTES);
    }
    TYPE("\x1E\x1E\x9D\xE0\x9D\xAA\xB6"); /* whatever was held or swallowed ends */
    CHECK(TYPE("\x1E")[0] == (Keymap.Caps ? 'A' : 'a'));
}
