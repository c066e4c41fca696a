/* SPDX-License-Identifier: MIT */
/*
 * keyboard.c - the 8042 controller and the keyboard behind it, by polling.
 *
 * The controller may be missing (its status reads FF), may be an imitation by firmware, and may
 * stop answering at any step; so every wait ends, and what counts in the end is one thing only:
 * the keyboard acknowledges that it was told to send keys.  A failing self-test is no reason to
 * give up a keyboard that works.
 *
 * The controller is left with interrupts off, translation to scan code set 1 on, the keyboard's
 * port enabled and the mouse's disabled.  Bytes that come from a mouse all the same are dropped.
 *
 * Keys of other keyboards (USB) come as scan codes too, into a ring; their shift keys and prefixes
 * are theirs alone.
 *
 * Locking: none; one reader at a time.  Writers of the ring keep each other out with interrupts
 * off; reader and writers share two counters that each side alone moves.
 */
#include "arch/x86/keyboard.h"
#include "arch/cpu.h"
#include "arch/keyboard.h"
#include "arch/port.h"
#include "arch/x86/keymap.h"

#define HALP_KEYBOARD_DATA      0x60
#define HALP_KEYBOARD_CONTROL   0x64 /* reads: status; writes: commands to the controller */

#define HALP_STATUS_OUTPUT      0x01 /* a byte waits to be read */
#define HALP_STATUS_INPUT       0x02 /* the controller has not yet taken what was written */
#define HALP_STATUS_MOUSE       0x20 /* the byte comes from the second port */
#define HALP_STATUS_ABSENT      0xFF

#define HALP_WRITE_COMMAND_BYTE 0x60
#define HALP_DISABLE_PORT2      0xA7
#define HALP_SELF_TEST          0xAA /* answers 55 */
#define HALP_DISABLE_PORT1      0xAD
#define HALP_ENABLE_PORT1       0xAE
#define HALP_PULSE_RESET        0xFE

/* The command byte: interrupts 0 and 1 off, translation on, port 2's clock off. */
#define HALP_COMMAND_SYSTEM    0x04 /* "self-test passed", as firmware sets it */
#define HALP_COMMAND_NO_AUX    0x20
#define HALP_COMMAND_TRANSLATE 0x40
#define HALP_COMMAND_BYTE      (HALP_COMMAND_SYSTEM | HALP_COMMAND_NO_AUX | HALP_COMMAND_TRANSLATE)

#define HALP_KEYBOARD_ENABLE   0xF4 /* send keys */
#define HALP_KEYBOARD_DEFAULTS 0xF6 /* scan code set 2, which is translated; usual repetition */
#define HALP_KEYBOARD_RESET    0xFF /* acknowledges, then answers AA when its test is over */
#define HALP_KEYBOARD_PASSED   0xAA
#define HALP_KEYBOARD_ACK      0xFA
#define HALP_KEYBOARD_RESEND   0xFE

/*
 * A read of these ports takes about a microsecond.  The controller answers within 20 ms and the
 * keyboard within 25; only its reset takes up to 0.75 s.
 */
#define HALP_WAIT_READS  50000u
#define HALP_RESET_READS 1000000u

/* HalpPoll has nothing for the keyboard's driver. */
#define HALP_NO_BYTE     (-1)
#define HALP_MOUSE_BYTE  (-2)

#define HALP_SEND_TRIES  3
#define HALP_FLUSH_BYTES 64 /* more than any controller holds */

#define HALP_RING_BYTES  128u /* a power of two */

static BOOLEAN HalpKeyboardPresent;
static HAL_KEYMAP HalpKeymap;
static HAL_KEYMAP HalpRingKeymap;
static UCHAR HalpRing[HALP_RING_BYTES];
static volatile ULONG HalpRingWritten; /* bytes since the start; of the ring modulo its length */
static volatile ULONG HalpRingRead;
static char HalpTyped[HAL_KEY_BYTES]; /* characters of the last key, not yet returned: */
static ULONG HalpTypedNext;           /* from here */
static ULONG HalpTypedEnd;            /* to before here */

/* => Returns FALSE when the controller does not take a byte in time. */
static BOOLEAN HalpWaitForInput(void)
{
    ULONG Reads;

    for (Reads = 0; Reads < HALP_WAIT_READS; Reads++) {
        if (!(READ_PORT_UCHAR(HALP_KEYBOARD_CONTROL) & HALP_STATUS_INPUT)) {
            return TRUE;
        }
    }
    return FALSE;
}

static BOOLEAN HalpWrite(USHORT Port, UCHAR Value)
{
    if (!HalpWaitForInput()) {
        return FALSE;
    }
    WRITE_PORT_UCHAR(Port, Value);
    return TRUE;
}

/* => Returns the byte that is there, HALP_NO_BYTE or HALP_MOUSE_BYTE. */
static int HalpPoll(void)
{
    UCHAR Status = READ_PORT_UCHAR(HALP_KEYBOARD_CONTROL);
    UCHAR Byte;

    if (Status == HALP_STATUS_ABSENT || !(Status & HALP_STATUS_OUTPUT)) {
        return HALP_NO_BYTE;
    }
    Byte = READ_PORT_UCHAR(HALP_KEYBOARD_DATA);
    return Status & HALP_STATUS_MOUSE ? HALP_MOUSE_BYTE : Byte;
}

/* => Returns the next byte that is not the mouse's; negative when none comes in so many reads. */
static int HalpReadWithin(ULONG Reads)
{
    int Byte = HALP_NO_BYTE;

    while (Byte < 0 && Reads-- != 0) {
        Byte = HalpPoll();
    }
    return Byte;
}

static void HalpFlush(void)
{
    ULONG Tries = HALP_FLUSH_BYTES;

    while (Tries-- != 0 && READ_PORT_UCHAR(HALP_KEYBOARD_CONTROL) & HALP_STATUS_OUTPUT) {
        READ_PORT_UCHAR(HALP_KEYBOARD_DATA);
    }
}

/* => Returns FALSE when the controller does not even take commands. */
static BOOLEAN HalpPrepareController(void)
{
    if (!HalpWrite(HALP_KEYBOARD_CONTROL, HALP_DISABLE_PORT1) ||
        !HalpWrite(HALP_KEYBOARD_CONTROL, HALP_DISABLE_PORT2)) {
        return FALSE;
    }
    HalpFlush();
    if (!HalpWrite(HALP_KEYBOARD_CONTROL, HALP_SELF_TEST)) {
        return FALSE;
    }
    /* Pass or not: the keyboard's answer decides.  The test may reset the command byte. */
    (void)HalpReadWithin(HALP_WAIT_READS);
    return HalpWrite(HALP_KEYBOARD_CONTROL, HALP_WRITE_COMMAND_BYTE) &&
           HalpWrite(HALP_KEYBOARD_DATA, HALP_COMMAND_BYTE) &&
           HalpWrite(HALP_KEYBOARD_CONTROL, HALP_ENABLE_PORT1);
}

/* => Returns TRUE when the keyboard acknowledged.  Keys that arrive meanwhile are lost. */
static BOOLEAN HalpSendToKeyboard(UCHAR Command)
{
    ULONG Tries;

    for (Tries = 0; Tries < HALP_SEND_TRIES; Tries++) {
        int Answer;
        ULONG Others = HALP_FLUSH_BYTES;

        if (!HalpWrite(HALP_KEYBOARD_DATA, Command)) {
            return FALSE;
        }
        do {
            Answer = HalpReadWithin(HALP_WAIT_READS);
        } while (Answer >= 0 && Answer != HALP_KEYBOARD_ACK && Answer != HALP_KEYBOARD_RESEND &&
                 Others-- != 0);
        if (Answer != HALP_KEYBOARD_RESEND) {
            return Answer == HALP_KEYBOARD_ACK;
        }
    }
    return FALSE;
}

static BOOLEAN HalpEnableKeyboard(void)
{
    return HalpSendToKeyboard(HALP_KEYBOARD_DEFAULTS) && HalpSendToKeyboard(HALP_KEYBOARD_ENABLE);
}

BOOLEAN HalInitializeKeyboard(BOOLEAN AcpiSaysPresent)
{
    HalpKeyboardPresent = FALSE;
    HalpTypedNext = HalpTypedEnd = 0;
    HalInitializeKeymap(&HalpKeymap);
    HalInitializeKeymap(&HalpRingKeymap);
    HalpRingRead = HalpRingWritten;
    if (!AcpiSaysPresent || READ_PORT_UCHAR(HALP_KEYBOARD_CONTROL) == HALP_STATUS_ABSENT ||
        !HalpPrepareController()) {
        return FALSE;
    }
    if (HalpEnableKeyboard()) {
        HalpKeyboardPresent = TRUE;
    } else if (HalpSendToKeyboard(HALP_KEYBOARD_RESET)) {
        HalpKeyboardPresent =
            HalpReadWithin(HALP_RESET_READS) == HALP_KEYBOARD_PASSED && HalpEnableKeyboard();
    }
    return HalpKeyboardPresent;
}

void KiTypeScanCodes(const UCHAR *Codes, ULONG Count)
{
    BOOLEAN Enabled = KeDisableInterrupts();
    ULONG i;

    if (HALP_RING_BYTES - (HalpRingWritten - HalpRingRead) >= Count) {
        for (i = 0; i < Count; i++) {
            HalpRing[(HalpRingWritten + i) % HALP_RING_BYTES] = Codes[i];
        }
        HalpRingWritten += Count;
    }
    KeRestoreInterrupts(Enabled);
}

/* => Returns FALSE when the ring is empty; else a byte of it was taken. */
static BOOLEAN HalpTakeFromRing(void)
{
    UCHAR Byte;

    if (HalpRingRead == HalpRingWritten) {
        return FALSE;
    }
    Byte = HalpRing[HalpRingRead % HALP_RING_BYTES];
    HalpRingRead++;
    HalpTypedNext = 0;
    HalpTypedEnd = HalTranslateScanCode(&HalpRingKeymap, Byte, HalpTyped);
    return TRUE;
}

/* => Returns FALSE when the 8042 has nothing; else a byte of it was taken. */
static BOOLEAN HalpTakeFrom8042(void)
{
    int Byte = HalpKeyboardPresent ? HalpPoll() : HALP_NO_BYTE;

    if (Byte == HALP_NO_BYTE) {
        return FALSE;
    }
    HalpTypedNext = 0;
    HalpTypedEnd =
        Byte == HALP_MOUSE_BYTE ? 0 : HalTranslateScanCode(&HalpKeymap, (UCHAR)Byte, HalpTyped);
    return TRUE;
}

int HalReadKeyboard(void)
{
    ULONG Bytes = HALP_FLUSH_BYTES;

    while (HalpTypedNext == HalpTypedEnd && Bytes-- != 0) {
        if (!HalpTakeFrom8042() && !HalpTakeFromRing()) {
            return -1;
        }
    }
    return HalpTypedNext == HalpTypedEnd ? -1 : (UCHAR)HalpTyped[HalpTypedNext++];
}

void HalResetBy8042(void)
{
    (void)HalpWaitForInput();
    WRITE_PORT_UCHAR(HALP_KEYBOARD_CONTROL, HALP_PULSE_RESET);
}
