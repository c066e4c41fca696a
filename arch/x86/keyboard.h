/* SPDX-License-Identifier: MIT */
/*
 * keyboard.h - the PS/2 keyboard behind the 8042 controller, polled.
 */
#ifndef ARCH_X86_KEYBOARD_H
#define ARCH_X86_KEYBOARD_H

#include "nt/types.h"

/*
 * Find controller and keyboard and prepare them for polling, without interrupts.
 *
 * => AcpiSaysPresent FALSE: the firmware knows that there is no 8042; its ports are left alone.
 * => The USB controllers have been taken over: until then firmware may answer in the 8042's place.
 * => Returns FALSE when no keyboard answers.  Takes at most about two seconds.
 */
BOOLEAN HalInitializeKeyboard(BOOLEAN AcpiSaysPresent);

/* => Returns the next character typed, or -1.  One caller at a time. */
int HalReadKeyboard(void);

/* Ask the controller to reset the machine.  => Returns if it does not, or not at once. */
void HalResetBy8042(void);

#endif
