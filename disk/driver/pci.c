/* SPDX-License-Identifier: MIT */
/*
 * pci.c - PCI functions: their configuration space, in memory or through ports, and finding them.
 *
 *     buses that PciMapBuses mapped   memory, 4 KB a function (pci_memory.c)
 *     others                          configuration mechanism 1: an address and a data port
 *
 * All 256 buses are looked at, and not only those that bridges lead to: a machine may have several
 * host bridges, and bus numbers that firmware gave out are not for the kernel to judge.  An absent
 * function reads as ones.
 *
 * Locking: interrupts are off between the two ports.  The table of driven functions is changed by
 * the start alone; a driver whose device is gone clears its own entry.
 */
#include "pci.h"

#include "arch/port.h"
#include "disk/driver/pci_memory.h"

#define PCIP_ADDRESS_PORT 0xCF8
#define PCIP_DATA_PORT    0xCFC
#define PCIP_ENABLE       0x80000000u

#define PCIP_DEVICES      32u
#define PCIP_FUNCTIONS    8u
#define PCIP_MULTIPLE     0x80u /* header type: there are functions beside 0 */
#define PCIP_LAYOUT       0x7Fu /* header type: 0 a device, 1 PCI bridge, 2 CardBus bridge */

enum {
    ClassDisplay = 0x03,
    ClassBridge = 0x06
};

typedef struct _PCIP_DRIVEN {
    HAL_PCI_FUNCTION F;
    BOOLEAN Taken;
} PCIP_DRIVEN;

static PCIP_DRIVEN PcipDriven[PCI_DRIVEN_FUNCTIONS];

/* ---- configuration space ---- */

/* => Offset is that of a register of the width that is then used at the port returned. */
static USHORT PcipSelect(HAL_PCI_FUNCTION F, ULONG Offset)
{
    WRITE_PORT_ULONG(PCIP_ADDRESS_PORT, PCIP_ENABLE | (ULONG)F.Bus << 16 | (ULONG)F.Device << 11 |
                                            (ULONG)F.Function << 8 | (Offset & 0xFCu));
    return (USHORT)(PCIP_DATA_PORT + (Offset & 3));
}

/* => Ones where neither way leads. */
UCHAR PciReadByte(HAL_PCI_FUNCTION F, ULONG Offset)
{
    volatile UCHAR *Register = PciFindRegister(F, Offset);
    BOOLEAN Enabled;
    UCHAR Value = 0xFF;

    if (Register != NULL) {
        return READ_REGISTER_UCHAR(Register);
    }
    Enabled = KeDisableInterrupts();
    if (Offset < PCI_PORT_BYTES) {
        Value = READ_PORT_UCHAR(PcipSelect(F, Offset));
    }
    KeRestoreInterrupts(Enabled);
    return Value;
}

USHORT PciReadWord(HAL_PCI_FUNCTION F, ULONG Offset)
{
    volatile UCHAR *Register = PciFindRegister(F, Offset);
    BOOLEAN Enabled;
    USHORT Value = 0xFFFF;

    if (Register != NULL) {
        return READ_REGISTER_USHORT((volatile USHORT *)Register);
    }
    Enabled = KeDisableInterrupts();
    if (Offset < PCI_PORT_BYTES) {
        Value = READ_PORT_USHORT(PcipSelect(F, Offset));
    }
    KeRestoreInterrupts(Enabled);
    return Value;
}

ULONG PciReadLong(HAL_PCI_FUNCTION F, ULONG Offset)
{
    volatile UCHAR *Register = PciFindRegister(F, Offset);
    BOOLEAN Enabled;
    ULONG Value = 0xFFFFFFFFu;

    if (Register != NULL) {
        return READ_REGISTER_ULONG((volatile ULONG *)Register);
    }
    Enabled = KeDisableInterrupts();
    if (Offset < PCI_PORT_BYTES) {
        Value = READ_PORT_ULONG(PcipSelect(F, Offset));
    }
    KeRestoreInterrupts(Enabled);
    return Value;
}

void PciWriteWord(HAL_PCI_FUNCTION F, ULONG Offset, USHORT Value)
{
    volatile UCHAR *Register = PciFindRegister(F, Offset);
    BOOLEAN Enabled;

    if (Register != NULL) {
        WRITE_REGISTER_USHORT((volatile USHORT *)Register, Value);
        return;
    }
    Enabled = KeDisableInterrupts();
    if (Offset < PCI_PORT_BYTES) {
        WRITE_PORT_USHORT(PcipSelect(F, Offset), Value);
    }
    KeRestoreInterrupts(Enabled);
}

void PciWriteLong(HAL_PCI_FUNCTION F, ULONG Offset, ULONG Value)
{
    volatile UCHAR *Register = PciFindRegister(F, Offset);
    BOOLEAN Enabled;

    if (Register != NULL) {
        WRITE_REGISTER_ULONG((volatile ULONG *)Register, Value);
        return;
    }
    Enabled = KeDisableInterrupts();
    if (Offset < PCI_PORT_BYTES) {
        WRITE_PORT_ULONG(PcipSelect(F, Offset), Value);
    }
    KeRestoreInterrupts(Enabled);
}

BOOLEAN PciIsPresent(void)
{
    BOOLEAN Enabled = KeDisableInterrupts();
    ULONG Old = READ_PORT_ULONG(PCIP_ADDRESS_PORT);
    ULONG Found;

    WRITE_PORT_ULONG(PCIP_ADDRESS_PORT, PCIP_ENABLE);
    Found = READ_PORT_ULONG(PCIP_ADDRESS_PORT);
    WRITE_PORT_ULONG(PCIP_ADDRESS_PORT, Old);
    KeRestoreInterrupts(Enabled);
    return Found == PCIP_ENABLE;
}

/* => FALSE: it is function 0 and the device has no other, or it is absent. */
static BOOLEAN PcipVisit(HAL_PCI_FUNCTION F, PCI_VISIT *Visit, PVOID Context)
{
    if (PciReadWord(F, PCI_VENDOR_ID) == PCI_NOT_THERE) {
        return F.Function != 0;
    }
    Visit(F, Context);
    return F.Function != 0 || (PciReadByte(F, PCI_HEADER_TYPE) & PCIP_MULTIPLE) != 0;
}

void PciEnumerateBus(ULONG Bus, PCI_VISIT *Visit, PVOID Context)
{
    ULONG Device;
    ULONG Function;

    for (Device = 0; Device < PCIP_DEVICES; Device++) {
        for (Function = 0; Function < PCIP_FUNCTIONS; Function++) {
            const HAL_PCI_FUNCTION F = {(UCHAR)Bus, (UCHAR)Device, (UCHAR)Function};

            if (!PcipVisit(F, Visit, Context)) {
                break;
            }
        }
    }
}

void PciEnumerate(PCI_VISIT *Visit, PVOID Context)
{
    BOOLEAN Ports = PciIsPresent();
    ULONG Bus;

    for (Bus = 0; Bus < PCI_BUSES; Bus++) {
        const HAL_PCI_FUNCTION First = {(UCHAR)Bus, 0, 0};

        if (Ports || PciFindRegister(First, 0) != NULL) {
            PciEnumerateBus(Bus, Visit, Context);
        }
    }
}

/* ---- the right to access memory ---- */

static PCIP_DRIVEN *PcipFindDriven(HAL_PCI_FUNCTION F)
{
    ULONG i;

    for (i = 0; i < PCI_DRIVEN_FUNCTIONS; i++) {
        PCIP_DRIVEN *Each = &PcipDriven[i];

        if (Each->Taken && Each->F.Bus == F.Bus && Each->F.Device == F.Device &&
            Each->F.Function == F.Function) {
            return Each;
        }
    }
    return NULL;
}

static PCIP_DRIVEN *PcipFindUnused(void)
{
    ULONG i;

    for (i = 0; i < PCI_DRIVEN_FUNCTIONS; i++) {
        if (!PcipDriven[i].Taken) {
            return &PcipDriven[i];
        }
    }
    return NULL;
}

/*
 * Set bits of the command.  Only of the command: its neighbour, the status, is cleared by writing
 * what was read.
 *
 * => STATUS_NO_SUCH_DEVICE: the function does not take them; the command is as it was.
 */
static NTSTATUS PcipSetCommand(HAL_PCI_FUNCTION F, USHORT Bits)
{
    USHORT Command = PciReadWord(F, PCI_COMMAND);

    PciWriteWord(F, PCI_COMMAND, Command | Bits | PCI_COMMAND_NO_INT);
    if (PciReadWord(F, PCI_VENDOR_ID) == PCI_NOT_THERE ||
        (PciReadWord(F, PCI_COMMAND) & Bits) != Bits) {
        PciWriteWord(F, PCI_COMMAND, Command);
        return STATUS_NO_SUCH_DEVICE;
    }
    return STATUS_SUCCESS;
}

NTSTATUS PciTakeFunction(HAL_PCI_FUNCTION F)
{
    PCIP_DRIVEN *Known = PcipFindDriven(F);
    PCIP_DRIVEN *Entry = Known != NULL ? Known : PcipFindUnused();
    NTSTATUS Status;

    if (Entry == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = PcipSetCommand(F, PCI_COMMAND_MEMORY);
    if (NT_SUCCESS(Status)) {
        *Entry = (PCIP_DRIVEN){F, TRUE};
    }
    return Status;
}

NTSTATUS PciEnableMaster(HAL_PCI_FUNCTION F)
{
    return PcipSetCommand(F, PCI_COMMAND_MASTER);
}

void PciReleaseFunction(HAL_PCI_FUNCTION F)
{
    PCIP_DRIVEN *Entry = PcipFindDriven(F);

    if (PciReadWord(F, PCI_VENDOR_ID) != PCI_NOT_THERE) {
        PciWriteWord(F, PCI_COMMAND, PciReadWord(F, PCI_COMMAND) & (USHORT)~PCI_COMMAND_MASTER);
    }
    if (Entry != NULL) {
        Entry->Taken = FALSE;
    }
}

static void PcipStopMaster(HAL_PCI_FUNCTION F, HAL_BUS_MASTERS *Result)
{
    USHORT Command = PciReadWord(F, PCI_COMMAND);

    if (!(Command & PCI_COMMAND_MASTER)) {
        return;
    }
    PciWriteWord(F, PCI_COMMAND, Command & (USHORT)~PCI_COMMAND_MASTER);
    if (PciReadWord(F, PCI_COMMAND) & PCI_COMMAND_MASTER) {
        Result->Refused++;
        Result->LastRefused = F;
    } else {
        Result->Stopped++;
    }
}

static void PcipStopVisited(HAL_PCI_FUNCTION F, PVOID Context)
{
    HAL_BUS_MASTERS *Result = Context;
    UCHAR Class = PciReadByte(F, PCI_CLASS_REVISION + 3);

    Result->Functions++;
    if ((PciReadByte(F, PCI_HEADER_TYPE) & PCIP_LAYOUT) != 0 || Class == ClassBridge) {
        Result->Bridges++;
    } else if (Class == ClassDisplay) {
        Result->Displays++;
    } else if (PcipFindDriven(F) != NULL) {
        Result->Driven++;
    } else {
        PcipStopMaster(F, Result);
    }
}

HAL_BUS_MASTERS HalStopBusMasters(void)
{
    HAL_BUS_MASTERS Result = {.Present = PciIsPresent()};

    PciEnumerate(PcipStopVisited, &Result);
    return Result;
}
