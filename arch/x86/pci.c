/* SPDX-License-Identifier: MIT */
/*
 * pci.c - PCI functions through configuration mechanism 1: an address port and a data port.
 *
 * All 256 buses are looked at, and not only those that bridges lead to: a machine may have several
 * host bridges, and bus numbers that firmware gave out are not for the kernel to judge.  An absent
 * function reads as ones.
 *
 * **Pure**: over include/arch/port.h, tested on the host with a made-up configuration space.
 */
#include "arch/x86/pci.h"

#include "arch/port.h"

#define KIP_ADDRESS_PORT 0xCF8
#define KIP_DATA_PORT    0xCFC
#define KIP_ENABLE       0x80000000u

#define KIP_BUSES        256u
#define KIP_DEVICES      32u
#define KIP_FUNCTIONS    8u
#define KIP_ABSENT       0xFFFFu
#define KIP_MULTIPLE     0x80u /* header type: there are functions beside 0 */
#define KIP_LAYOUT       0x7Fu /* header type: 0 a device, 1 PCI bridge, 2 CardBus bridge */

enum {
    ClassDisplay = 0x03,
    ClassBridge = 0x06
};

/* => Offset is that of a register of the width that is then used at the port returned. */
static USHORT KipSelect(HAL_PCI_FUNCTION F, ULONG Offset)
{
    WRITE_PORT_ULONG(KIP_ADDRESS_PORT, KIP_ENABLE | (ULONG)F.Bus << 16 | (ULONG)F.Device << 11 |
                                           (ULONG)F.Function << 8 | (Offset & ~3u));
    return (USHORT)(KIP_DATA_PORT + (Offset & 3));
}

static USHORT KipReadWord(HAL_PCI_FUNCTION F, ULONG Offset)
{
    return READ_PORT_USHORT(KipSelect(F, Offset));
}

/* Only the command: its neighbour, the status, is cleared by writing what was read. */
static void KipWriteCommand(HAL_PCI_FUNCTION F, USHORT Command)
{
    WRITE_PORT_USHORT(KipSelect(F, PCI_COMMAND), Command);
}

static BOOLEAN KipHasMechanism1(void)
{
    ULONG Found;
    ULONG Old = READ_PORT_ULONG(KIP_ADDRESS_PORT);

    WRITE_PORT_ULONG(KIP_ADDRESS_PORT, KIP_ENABLE);
    Found = READ_PORT_ULONG(KIP_ADDRESS_PORT);
    WRITE_PORT_ULONG(KIP_ADDRESS_PORT, Old);
    return Found == KIP_ENABLE;
}

static void KipStopMaster(HAL_PCI_FUNCTION F, HAL_BUS_MASTERS *Result)
{
    USHORT Command = KipReadWord(F, PCI_COMMAND);

    if (!(Command & PCI_COMMAND_MASTER)) {
        return;
    }
    KipWriteCommand(F, Command & (USHORT)~PCI_COMMAND_MASTER);
    if (KipReadWord(F, PCI_COMMAND) & PCI_COMMAND_MASTER) {
        Result->Refused++;
        Result->LastRefused = F;
    } else {
        Result->Stopped++;
    }
}

/* => FALSE: it is function 0 and the device has no other, or it is absent. */
static BOOLEAN KipVisitFunction(HAL_PCI_FUNCTION F, HAL_BUS_MASTERS *Result)
{
    UCHAR Header;
    UCHAR Class;

    if (KipReadWord(F, PCI_VENDOR_ID) == KIP_ABSENT) {
        return F.Function != 0;
    }
    Header = READ_PORT_UCHAR(KipSelect(F, PCI_HEADER_TYPE));
    Class = READ_PORT_UCHAR(KipSelect(F, PCI_CLASS_REVISION + 3));
    Result->Functions++;
    if ((Header & KIP_LAYOUT) != 0 || Class == ClassBridge) {
        Result->Bridges++;
    } else if (Class == ClassDisplay) {
        Result->Displays++;
    } else {
        KipStopMaster(F, Result);
    }
    return F.Function != 0 || (Header & KIP_MULTIPLE) != 0;
}

HAL_BUS_MASTERS HalStopBusMasters(void)
{
    HAL_BUS_MASTERS Result = {.Present = KipHasMechanism1()};
    ULONG Slot;
    ULONG Function;

    for (Slot = 0; Result.Present && Slot < KIP_BUSES * KIP_DEVICES; Slot++) {
        for (Function = 0; Function < KIP_FUNCTIONS; Function++) {
            const HAL_PCI_FUNCTION F = {(UCHAR)(Slot / KIP_DEVICES), (UCHAR)(Slot % KIP_DEVICES),
                                        (UCHAR)Function};

            if (!KipVisitFunction(F, &Result)) {
                break;
            }
        }
    }
    return Result;
}
