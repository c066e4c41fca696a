/* SPDX-License-Identifier: MIT */
/*
 * i8042.c - a model of the PS/2 controller with a keyboard, after the IBM manuals.
 *
 * Answers are in the queue at once.  Translation is modelled where it matters for set-up: the
 * keyboard sends set 1 only when it is on, so a driver that forgets it reads nothing but 0x5A.
 */
#include "tests/host/ports.h"

#define STATUS_OUTPUT     0x01
#define STATUS_INPUT      0x02
#define STATUS_MOUSE      0x20
#define FROM_MOUSE        0x100

#define COMMAND_TRANSLATE 0x40
#define UNTRANSLATED      0x5A

static void Queue(I8042 *Controller, ULONG Byte)
{
    if (Controller->Count < I8042_QUEUE_ENTRIES) {
        ULONG Slot = (Controller->First + Controller->Count) % I8042_QUEUE_ENTRIES;

        Controller->Queue[Slot] = (USHORT)Byte;
        Controller->Count++;
    }
}

static ULONG ReadData(I8042 *Controller)
{
    ULONG Byte = 0;

    if (Controller->NeverEmpty) {
        return UNTRANSLATED;
    }
    if (Controller->Count != 0) {
        Byte = Controller->Queue[Controller->First];
        Controller->First = (Controller->First + 1) % I8042_QUEUE_ENTRIES;
        Controller->Count--;
    }
    return Byte & 0xFF;
}

static ULONG ReadStatus(I8042 *Controller)
{
    ULONG Status = 0x14;

    if (Controller->NeverReady) {
        Status |= STATUS_INPUT;
    }
    if (Controller->NeverEmpty) {
        Status |= STATUS_OUTPUT;
    }
    if (Controller->Count != 0) {
        Status |= STATUS_OUTPUT;
        Status |= Controller->Queue[Controller->First] & FROM_MOUSE ? STATUS_MOUSE : 0;
    }
    return Status;
}

static void SelfTest(I8042 *Controller)
{
    if (Controller->SelfTestResets) {
        Controller->CommandByte = 0x10; /* port 1 disabled, no translation */
        Controller->Port1Enabled = FALSE;
    }
    if (!Controller->SelfTestSilent) {
        Queue(Controller, Controller->SelfTestFails ? 0xFC : 0x55);
    }
}

static void WriteControl(I8042 *Controller, UCHAR Command)
{
    switch (Command) {
    case 0x20:
        Queue(Controller, Controller->CommandByte);
        break;
    case 0x60:
        Controller->Expecting = Command;
        break;
    case 0xA7:
        Controller->Port2Enabled = FALSE;
        break;
    case 0xA8:
        Controller->Port2Enabled = TRUE;
        break;
    case 0xAA:
        SelfTest(Controller);
        break;
    case 0xAD:
        Controller->Port1Enabled = FALSE;
        break;
    case 0xAE:
        Controller->Port1Enabled = TRUE;
        break;
    case 0xFE:
        Controller->MachineResets++;
        break;
    }
}

static void WriteKeyboard(I8042 *Controller, UCHAR Command)
{
    if (Controller->NoKeyboard || !Controller->Port1Enabled ||
        (Controller->KeyboardSleeps && Command != 0xFF)) {
        return;
    }
    if (Controller->Resends != 0) {
        Controller->Resends--;
        Queue(Controller, 0xFE);
        return;
    }
    Queue(Controller, 0xFA);
    if (Command == 0xF4) {
        Controller->Scanning = TRUE;
    } else if (Command == 0xFF) {
        Controller->KeyboardSleeps = FALSE;
        Controller->KeyboardResets++;
        Queue(Controller, 0xAA);
    }
}

static ULONG ControllerRead(void *Device, USHORT Offset, ULONG Width)
{
    (void)Width;
    if (Offset == 0) {
        return ReadData(Device);
    }
    return Offset == 4 ? ReadStatus(Device) : 0xFF;
}

static void ControllerWrite(void *Device, USHORT Offset, ULONG Width, ULONG Value)
{
    I8042 *Controller = Device;

    (void)Width;
    if (Offset == 4) {
        WriteControl(Controller, (UCHAR)Value);
    } else if (Offset == 0 && Controller->Expecting == 0x60) {
        Controller->CommandByte = (UCHAR)Value;
        Controller->Expecting = 0;
    } else if (Offset == 0) {
        WriteKeyboard(Controller, (UCHAR)Value);
    }
}

void I8042Attach(I8042 *Controller)
{
    PortsClaim(0x60, 5, ControllerRead, ControllerWrite, Controller);
}

void I8042Key(I8042 *Controller, UCHAR ScanCode)
{
    if (Controller->Scanning && Controller->Port1Enabled && !Controller->NoKeyboard) {
        Queue(Controller, Controller->CommandByte & COMMAND_TRANSLATE ? ScanCode : UNTRANSLATED);
    }
}

void I8042Mouse(I8042 *Controller, UCHAR Byte)
{
    Queue(Controller, FROM_MOUSE | Byte);
}
