/* SPDX-License-Identifier: MIT */
/*
 * keymap.c - the state machine between scan codes and characters.
 *
 * A key sends its code when it goes down and the code with bit 7 set when it goes up.  Keys that
 * came after the first PC keyboard have the same codes behind an E0.  Two keys need patience:
 *
 *     Print Screen   E0 2A E0 37, E0 B7 E0 AA: shifts that nobody pressed; E0 shifts are ignored
 *     Pause          E1 1D 45 E1 9D C5: the two bytes after an E1 are ignored
 *
 *     Prefix   byte           then
 *     0        E0             Prefix E0
 *     0        E1             Swallow 2
 *     any      FA FE 00 FF    answers of the keyboard, or an overrun: ignored
 *     any      others         a key; Prefix 0
 *
 * Locking: the caller's.
 */
#include "arch/x86/keymap.h"

#define HALP_RELEASE 0x80 /* in a scan code */

/* HAL_KEYMAP.Held: a bit for each key, so that releasing one of two shifts leaves the other. */
#define HALP_HELD_LEFT_SHIFT    0x01
#define HALP_HELD_RIGHT_SHIFT   0x02
#define HALP_HELD_LEFT_CONTROL  0x04
#define HALP_HELD_RIGHT_CONTROL 0x08
#define HALP_HELD_SHIFT         (HALP_HELD_LEFT_SHIFT | HALP_HELD_RIGHT_SHIFT)
#define HALP_HELD_CONTROL       (HALP_HELD_LEFT_CONTROL | HALP_HELD_RIGHT_CONTROL)

#define HALP_KEY_CONTROL        0x1D
#define HALP_KEY_LEFT_SHIFT     0x2A
#define HALP_KEY_RIGHT_SHIFT    0x36
#define HALP_KEY_CAPS_LOCK      0x3A
#define HALP_KEY_ENTER          0x1C /* also the keypad's, behind E0 */
#define HALP_KEY_SLASH          0x35 /* also the keypad's, behind E0 */

/* By scan code, from 00 to 53: letters, digits and signs of the US layout; '\0' = no character. */
static const char HalpPlain[] = "\0\x1B"
                                "1234567890-=\x7F\t"
                                "qwertyuiop[]\r\0"
                                "asdfghjkl;'`\0\\"
                                "zxcvbnm,./\0*\0 \0"
                                "\0\0\0\0\0\0\0\0\0\0\0\0"
                                "789-456+1230.";
static const char HalpShifted[] = "\0\x1B"
                                  "!@#$%^&*()_+\x7F\t"
                                  "QWERTYUIOP{}\r\0"
                                  "ASDFGHJKL:\"~\0|"
                                  "ZXCVBNM<>?\0*\0 \0"
                                  "\0\0\0\0\0\0\0\0\0\0\0\0"
                                  "789-456+1230.";

NT_C_ASSERT(sizeof(HalpPlain) == 0x54 + 1 && sizeof(HalpShifted) == sizeof(HalpPlain));

/* Behind E0: what follows ESC [ */
static const struct {
    UCHAR Key;
    char Ending[2];
} HalpCursorKeys[] = {
    {0x47, {'H', 0}}, {0x48, {'A', 0}}, {0x49, {'5', '~'}}, {0x4B, {'D', 0}},   {0x4D, {'C', 0}},
    {0x4F, {'F', 0}}, {0x50, {'B', 0}}, {0x51, {'6', '~'}}, {0x52, {'2', '~'}}, {0x53, {'3', '~'}},
};

void HalInitializeKeymap(HAL_KEYMAP *Keymap)
{
    *Keymap = (HAL_KEYMAP){0};
}

/* => Returns the bit of Held for a key, 0 when it is none. */
static UCHAR HalpHeldBit(UCHAR Key, BOOLEAN Extended)
{
    switch (Key) {
    case HALP_KEY_CONTROL:
        return Extended ? HALP_HELD_RIGHT_CONTROL : HALP_HELD_LEFT_CONTROL;
    case HALP_KEY_LEFT_SHIFT:
        return Extended ? 0 : HALP_HELD_LEFT_SHIFT;
    case HALP_KEY_RIGHT_SHIFT:
        return Extended ? 0 : HALP_HELD_RIGHT_SHIFT;
    default:
        return 0;
    }
}

static ULONG HalpCursorKey(UCHAR Key, char *Text)
{
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(HalpCursorKeys); Index++) {
        if (HalpCursorKeys[Index].Key == Key) {
            Text[0] = '\x1B';
            Text[1] = '[';
            Text[2] = HalpCursorKeys[Index].Ending[0];
            Text[3] = HalpCursorKeys[Index].Ending[1];
            return Text[3] == 0 ? 3 : 4;
        }
    }
    return 0;
}

/* Control with @ A-Z [ \ ] ^ _ gives 00 to 1F; Ctrl-Space is Ctrl-@, as on terminals. */
static char HalpControlCode(char Character)
{
    if (Character >= 'a' && Character <= 'z') {
        return (char)(Character & 0x1F);
    }
    if (Character >= '@' && Character <= '_') {
        return (char)(Character & 0x1F);
    }
    return Character == ' ' ? 0 : Character;
}

static ULONG HalpCharacterKey(const HAL_KEYMAP *Keymap, UCHAR Key, char *Text)
{
    BOOLEAN Shift = (Keymap->Held & HALP_HELD_SHIFT) != 0;
    char Character;

    if (Key >= sizeof(HalpPlain) - 1 || HalpPlain[Key] == 0) {
        return 0;
    }
    Character = HalpPlain[Key];
    if (Character >= 'a' && Character <= 'z') {
        Shift ^= Keymap->Caps;
    }
    if (Shift) {
        Character = HalpShifted[Key];
    }
    Text[0] = Keymap->Held & HALP_HELD_CONTROL ? HalpControlCode(Character) : Character;
    return 1;
}

static ULONG HalpKeyDown(HAL_KEYMAP *Keymap, UCHAR Key, BOOLEAN Extended, char *Text)
{
    if (Extended && Key != HALP_KEY_ENTER && Key != HALP_KEY_SLASH) {
        return HalpCursorKey(Key, Text);
    }
    if (Extended && Key == HALP_KEY_SLASH) {
        Text[0] = '/'; /* the keypad's knows no shift */
        return 1;
    }
    if (Key == HALP_KEY_CAPS_LOCK) {
        Keymap->Caps = !Keymap->Caps;
        return 0;
    }
    return HalpCharacterKey(Keymap, Key, Text);
}

static BOOLEAN HalpIsAnswer(UCHAR Byte)
{
    return Byte == 0xFA || Byte == 0xFE || Byte == 0x00 || Byte == 0xFF;
}

ULONG HalTranslateScanCode(HAL_KEYMAP *Keymap, UCHAR ScanCode, char Text[HAL_KEY_BYTES])
{
    UCHAR Key = ScanCode & (UCHAR)~HALP_RELEASE;
    BOOLEAN Extended = Keymap->Prefix == 0xE0;
    UCHAR Held;

    if (Keymap->Swallow != 0) {
        Keymap->Swallow--;
        return 0;
    }
    if (ScanCode == 0xE1) {
        Keymap->Swallow = 2;
        return 0;
    }
    Keymap->Prefix = ScanCode == 0xE0 ? ScanCode : 0;
    if (ScanCode == 0xE0 || HalpIsAnswer(ScanCode)) {
        return 0;
    }
    Held = HalpHeldBit(Key, Extended);
    if (ScanCode & HALP_RELEASE) {
        Keymap->Held &= (UCHAR)~Held;
        return 0;
    }
    Keymap->Held |= Held;
    return Held != 0 ? 0 : HalpKeyDown(Keymap, Key, Extended, Text);
}
