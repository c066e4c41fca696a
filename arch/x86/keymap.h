/* SPDX-License-Identifier: MIT */
/*
 * keymap.h - from PS/2 scan codes (set 1) to the characters that a serial terminal would send.
 */
#ifndef ARCH_X86_KEYMAP_H
#define ARCH_X86_KEYMAP_H

#include "nt/types.h"

/* The longest that one key sends: ESC [ 3 ~ */
#define HAL_KEY_BYTES 4

typedef struct _HAL_KEYMAP {
    UCHAR Held;    /* HALP_HELD_*: the shift and control keys that are down */
    BOOLEAN Caps;  /* caps lock is on */
    UCHAR Prefix;  /* 0xE0 or 0xE1 when the last byte was that, else 0 */
    UCHAR Swallow; /* bytes still to be ignored: the rest of Pause */
} HAL_KEYMAP, *PHAL_KEYMAP;

/* No key is down, caps lock is off. */
void HalInitializeKeymap(HAL_KEYMAP *Keymap);

/*
 * Take the next byte from the keyboard.
 *
 * => US layout.  Enter sends CR, Backspace DEL (0x7F), Ctrl with a letter its control code, Tab
 *    HT, the keypad its digits; arrows, Home, End, Insert, Delete, Page Up and Page Down send
 *    ESC [ A B C D H F 2~ 3~ 5~ 6~.
 * => Returns how many characters were put into Text: 0 for releases, modifiers, unknown keys.
 */
ULONG HalTranslateScanCode(HAL_KEYMAP *Keymap, UCHAR ScanCode, char Text[HAL_KEY_BYTES]);

#endif
