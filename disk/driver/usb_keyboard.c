/* SPDX-License-Identifier: MIT */
/*
 * usb_keyboard.c - USB keyboards in their boot protocol, typed into the console as scan codes.
 *
 * A report of eight bytes holds the shift keys (a bit each) and up to six other keys that are down:
 *
 *     byte 0     byte 1    bytes 2 to 7
 *     modifiers  reserved  usages; 0: none, 1 to 3: more keys than the keyboard can tell apart
 *
 * A report is compared with the one before: what is new went down, what is missing came up.  A
 * report with usages 1 to 3 says nothing about keys and is left out.  The key that went down last
 * repeats while it is held.  A keyboard that is unplugged lets go of all its keys.
 *
 * Sources: Device Class Definition for Human Interface Devices 1.11, appendix B and C; HID Usage
 * Tables, page 7.
 *
 * Locking: the keyboard's Lock for keys and repetition; nothing but timers is taken under it.
 */
#include "disk/driver/usb_core.h"

#include "arch/keyboard.h"
#include "ex.h"
#include "report.h"
#include "rtl.h"

#define KBDP_REPORT_BYTES  8u
#define KBDP_LEAST_BYTES   3u
#define KBDP_FIRST_KEY     2u /* in a report */
#define KBDP_FIRST_USAGE   4u /* that is a key */
#define KBDP_FAILURES      5u
#define KBDP_DELAY_MS      500u
#define KBDP_REPEAT_MS     40u
#define KBDP_RELEASE       0x80u
#define KBDP_EXTENDED      0xE000u

#define KBDP_CLASS_OUT     0x21u
#define KBDP_SET_IDLE      0x0Au
#define KBDP_SET_PROTOCOL  0x0Bu
#define KBDP_BOOT_SUBCLASS 1u
#define KBDP_BOOT_KEYBOARD 1u

typedef struct _KBDP_KEYBOARD {
    PUSB_FUNCTION Function; /* (I) */
    UCHAR Endpoint;         /* (I) */
    USB_BUFFER Buffer;      /* the report that comes */
    USB_TRANSFER Transfer;  /* the host's, until its completion */
    KDPC Dpc;               /* asks for the next report */
    USB_WORK Work;          /* the endpoint halted */
    ULONG Failures;         /* of the endpoint in a row */
    volatile BOOLEAN Gone;
    KSPIN_LOCK Lock;
    UCHAR Report[KBDP_REPORT_BYTES]; /* (Lock) the last one */
    UCHAR Repeating;                 /* (Lock) usage; 0: none */
    KTIMER Timer;
    KDPC TimerDpc;
} KBDP_KEYBOARD, *PKBDP_KEYBOARD;

/* By usage; set 1, KBDP_EXTENDED: behind E0; 0: no code.  Pause has none. */
static const USHORT KbdpCodes[] = {
    0,      0,      0,      0,      0x1E,   0x30,   0x2E,   0x20,   /* 00: a b c d */
    0x12,   0x21,   0x22,   0x23,   0x17,   0x24,   0x25,   0x26,   /* 08: e to l */
    0x32,   0x31,   0x18,   0x19,   0x10,   0x13,   0x1F,   0x14,   /* 10: m to t */
    0x16,   0x2F,   0x11,   0x2D,   0x15,   0x2C,   0x02,   0x03,   /* 18: u to z, 1 2 */
    0x04,   0x05,   0x06,   0x07,   0x08,   0x09,   0x0A,   0x0B,   /* 20: 3 to 9, 0 */
    0x1C,   0x01,   0x0E,   0x0F,   0x39,   0x0C,   0x0D,   0x1A,   /* 28: Enter Esc BS Tab - = [ */
    0x1B,   0x2B,   0x2B,   0x27,   0x28,   0x29,   0x33,   0x34,   /* 30: ] \ # ; ' ` , . */
    0x35,   0x3A,   0x3B,   0x3C,   0x3D,   0x3E,   0x3F,   0x40,   /* 38: / Caps F1 to F6 */
    0x41,   0x42,   0x43,   0x44,   0x57,   0x58,   0xE037, 0x46,   /* 40: F7 to F12 Print Scroll */
    0,      0xE052, 0xE047, 0xE049, 0xE053, 0xE04F, 0xE051, 0xE04D, /* 48: Ins Home PgUp Del End */
    0xE04B, 0xE050, 0xE048, 0x45,   0xE035, 0x37,   0x4A,   0x4E,   /* 50: arrows Num / * - + */
    0xE01C, 0x4F,   0x50,   0x51,   0x4B,   0x4C,   0x4D,   0x47,   /* 58: Enter, keypad 1 to 7 */
    0x48,   0x49,   0x52,   0x53,   0x56,   0xE05D,                 /* 60: 8 9 0 . 102nd Menu */
};

/* By bit of byte 0: left Ctrl, Shift, Alt, GUI, then the right ones. */
static const USHORT KbdpModifiers[] = {0x1D, 0x2A, 0x38, 0xE05B, 0xE01D, 0x36, 0xE038, 0xE05C};

/* ---- keys ---- */

static void KbdpType(USHORT Code, BOOLEAN Release)
{
    UCHAR Codes[2] = {KBDP_EXTENDED >> 8, (UCHAR)(Code | (Release ? KBDP_RELEASE : 0))};
    ULONG Skip = (Code & KBDP_EXTENDED) == 0;

    if (Code != 0) {
        KiTypeScanCodes(Codes + Skip, 2 - Skip);
    }
}

static USHORT KbdpCode(UCHAR Usage)
{
    return Usage < RTL_NUMBER_OF(KbdpCodes) ? KbdpCodes[Usage] : 0;
}

static BOOLEAN KbdpHas(const UCHAR *Report, UCHAR Usage)
{
    ULONG i;

    for (i = KBDP_FIRST_KEY; i < KBDP_REPORT_BYTES; i++) {
        if (Report[i] == Usage) {
            return TRUE;
        }
    }
    return FALSE;
}

/* => FALSE: more keys are down than the keyboard can tell. */
static BOOLEAN KbdpIsMeaningful(const UCHAR *Report)
{
    return !KbdpHas(Report, 1) && !KbdpHas(Report, 2) && !KbdpHas(Report, 3);
}

static void KbdpSetTimer(PKBDP_KEYBOARD Keyboard, ULONG Milliseconds)
{
    LARGE_INTEGER Due = {.QuadPart = -(LONGLONG)Milliseconds * USB_100NS_IN_MS};

    KeSetTimer(&Keyboard->Timer, Due, &Keyboard->TimerDpc);
}

static void KbdpCompareModifiers(UCHAR Old, UCHAR New)
{
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(KbdpModifiers); i++) {
        if ((Old ^ New) & 1u << i) {
            KbdpType(KbdpModifiers[i], (Old & 1u << i) != 0);
        }
    }
}

static void KbdpCompareKeys(PKBDP_KEYBOARD Keyboard, const UCHAR *New) NT_HOLDS(Keyboard->Lock)
{
    const UCHAR *Old = Keyboard->Report;
    ULONG i;

    for (i = KBDP_FIRST_KEY; i < KBDP_REPORT_BYTES; i++) {
        if (Old[i] >= KBDP_FIRST_USAGE && !KbdpHas(New, Old[i])) {
            KbdpType(KbdpCode(Old[i]), TRUE);
            Keyboard->Repeating = Keyboard->Repeating == Old[i] ? 0 : Keyboard->Repeating;
        }
    }
    for (i = KBDP_FIRST_KEY; i < KBDP_REPORT_BYTES; i++) {
        if (New[i] >= KBDP_FIRST_USAGE && !KbdpHas(Old, New[i])) {
            KbdpType(KbdpCode(New[i]), FALSE);
            Keyboard->Repeating = New[i];
            KbdpSetTimer(Keyboard, KBDP_DELAY_MS);
        }
    }
}

/* => New is KBDP_REPORT_BYTES long. */
static void KbdpTakeReport(PKBDP_KEYBOARD Keyboard, const UCHAR *New)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Keyboard->Lock);

    if (KbdpIsMeaningful(New)) {
        KbdpCompareModifiers(Keyboard->Report[0], New[0]);
        KbdpCompareKeys(Keyboard, New);
        memcpy(Keyboard->Report, New, KBDP_REPORT_BYTES);
    }
    KfReleaseSpinLock(&Keyboard->Lock, OldIrql);
}

static void NTAPI KbdpRepeat(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PKBDP_KEYBOARD Keyboard = Context;

    (void)Dpc;
    (void)Argument1;
    (void)Argument2;
    KefAcquireSpinLockAtDpcLevel(&Keyboard->Lock);
    if (Keyboard->Repeating != 0 && !Keyboard->Gone) {
        KbdpType(KbdpCode(Keyboard->Repeating), FALSE);
        KbdpSetTimer(Keyboard, KBDP_REPEAT_MS);
    }
    KefReleaseSpinLockFromDpcLevel(&Keyboard->Lock);
}

/* ---- reports ---- */

static void KbdpReportCame(PUSB_TRANSFER Transfer)
{
    PKBDP_KEYBOARD Keyboard = Transfer->Context;
    UCHAR Report[KBDP_REPORT_BYTES] = {0};
    ULONG Done = Transfer->Done < sizeof(Report) ? Transfer->Done : sizeof(Report);

    if (Keyboard->Gone || Transfer->Status == STATUS_NO_SUCH_DEVICE ||
        Transfer->Status == STATUS_CANCELLED) {
        return;
    }
    if (!NT_SUCCESS(Transfer->Status)) {
        UsbQueueWork(Transfer->Device->Host, &Keyboard->Work);
        return;
    }
    Keyboard->Failures = 0;
    if (Done >= KBDP_LEAST_BYTES) {
        memcpy(Report, Keyboard->Buffer.Memory, Done);
        KbdpTakeReport(Keyboard, Report);
    }
    KeInsertQueueDpc(&Keyboard->Dpc, NULL, NULL);
}

static void KbdpAskForReport(PKBDP_KEYBOARD Keyboard)
{
    PUSB_DEVICE Device = Keyboard->Function->Device;

    Keyboard->Transfer = (USB_TRANSFER){
        .Device = Device,
        .Endpoint = Keyboard->Endpoint,
        .Mdl = &Keyboard->Buffer.Pages.Mdl,
        .Bytes = KBDP_REPORT_BYTES,
        .Completion = KbdpReportCame,
        .Context = Keyboard,
    };
    Device->Host->Operations->Submit(&Keyboard->Transfer);
}

/* Not from the completion itself: a host may complete a transfer before Submit returns. */
static void NTAPI KbdpAskDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PKBDP_KEYBOARD Keyboard = Context;

    (void)Dpc;
    (void)Argument1;
    (void)Argument2;
    if (!Keyboard->Gone) {
        KbdpAskForReport(Keyboard);
    }
}

static void KbdpWork(PUSB_WORK Work)
{
    PKBDP_KEYBOARD Keyboard = CONTAINING_RECORD(Work, KBDP_KEYBOARD, Work);
    PUSB_DEVICE Device = Keyboard->Function->Device;
    char Text[USB_PLACE_BYTES];

    (void)!UsbClearHalt(Device, Keyboard->Endpoint);
    if (++Keyboard->Failures < KBDP_FAILURES) {
        KbdpAskForReport(Keyboard);
        return;
    }
    KiPrint("USB        %s: the keyboard does not send keys any more\n",
            UsbDeviceName(Device, Text));
}

/* ---- start and end ---- */

static void KbdpUnplug(PUSB_FUNCTION Function)
{
    static const UCHAR NoKeys[KBDP_REPORT_BYTES] = {0};
    PKBDP_KEYBOARD Keyboard = Function->Context;

    Keyboard->Gone = TRUE;
    UsbCancelWork(Function->Device->Host, &Keyboard->Work);
    KbdpTakeReport(Keyboard, NoKeys);
    KeCancelTimer(&Keyboard->Timer);
    KeFlushQueuedDpcs();
}

static void KbdpDelete(PUSB_FUNCTION Function)
{
    PKBDP_KEYBOARD Keyboard = Function->Context;

    KeFlushQueuedDpcs();
    UsbFreeBuffer(&Keyboard->Buffer);
    ExFreePoolWithTag(Keyboard, USB_TAG);
    Function->Context = NULL;
}

static PKBDP_KEYBOARD KbdpCreate(PUSB_FUNCTION Function, UCHAR Endpoint)
{
    PKBDP_KEYBOARD Keyboard = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Keyboard), USB_TAG);

    if (Keyboard == NULL) {
        return NULL;
    }
    memset(Keyboard, 0, sizeof(*Keyboard));
    Keyboard->Function = Function;
    Keyboard->Endpoint = Endpoint;
    Keyboard->Work.Routine = KbdpWork;
    KeInitializeSpinLock(&Keyboard->Lock);
    KeInitializeTimer(&Keyboard->Timer);
    KeInitializeDpc(&Keyboard->TimerDpc, KbdpRepeat, Keyboard);
    KeInitializeDpc(&Keyboard->Dpc, KbdpAskDpc, Keyboard);
    if (!UsbAllocateBuffer(&Keyboard->Buffer)) {
        ExFreePoolWithTag(Keyboard, USB_TAG);
        return NULL;
    }
    return Keyboard;
}

static NTSTATUS KbdpStart(PUSB_FUNCTION Function)
{
    const USB_ENDPOINT *Endpoint = UsbFindEndpoint(&Function->Interface, UsbInterrupt, USB_TO_HOST);
    PUSB_DEVICE Device = Function->Device;
    char Text[USB_PLACE_BYTES];
    PKBDP_KEYBOARD Keyboard;
    NTSTATUS Status;

    if (Endpoint == NULL) {
        return STATUS_NOT_SUPPORTED;
    }
    Status =
        UsbControlRequest(Device, KBDP_CLASS_OUT, KBDP_SET_PROTOCOL, 0, Function->Interface.Number);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* Reports only when something changes: not every keyboard can, and none needs to. */
    (void)!UsbControlRequest(Device, KBDP_CLASS_OUT, KBDP_SET_IDLE, 0, Function->Interface.Number);
    Keyboard = KbdpCreate(Function, Endpoint->Address);
    if (Keyboard == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Function->Context = Keyboard;
    KiPrint("USB        %s: keyboard\n", UsbDeviceName(Device, Text));
    KbdpAskForReport(Keyboard);
    return STATUS_SUCCESS;
}

const USB_CLASS UsbKeyboardClass = {
    .Name = "keyboard",
    .Class = UsbClassHid,
    .SubClass = KBDP_BOOT_SUBCLASS,
    .Protocol = KBDP_BOOT_KEYBOARD,
    .Start = KbdpStart,
    .Unplug = KbdpUnplug,
    .Delete = KbdpDelete,
};
