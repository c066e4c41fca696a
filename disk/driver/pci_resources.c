/* SPDX-License-Identifier: MIT */
/*
 * pci_resources.c - what a PCI function has: address ranges, capabilities, interrupts by message.
 *
 * A device is input too: a list of capabilities may run in a circle, a table of messages may lie
 * outside of its range.
 *
 * Locking: none; a function is its driver's.
 */
#include "arch/port.h"
#include "pci.h"

#define PCIP_FIRST_CAPABILITY 0x40u
#define PCIP_CAPABILITY_LIMIT ((0x100u - PCIP_FIRST_CAPABILITY) / 4)

#define PCIP_BAR_IO           0x1u
#define PCIP_BAR_TYPE         0x6u /* of a memory range */
#define PCIP_BAR_64           0x4u
#define PCIP_IO_MASK          0xFFFFFFFCu
#define PCIP_MEMORY_MASK      0xFFFFFFF0u

/* MSI: offsets in the capability, bits of its control word. */
#define PCIP_MSI_CONTROL 2u
#define PCIP_MSI_ADDRESS 4u
#define PCIP_MSI_ENABLE  0x0001u
#define PCIP_MSI_COUNT   0x0070u /* log2 of the messages in use */
#define PCIP_MSI_64      0x0080u
#define PCIP_MSI_MASKS   0x0100u /* each message can be masked */

/* MSI-X. */
#define PCIP_MSIX_CONTROL 2u
#define PCIP_MSIX_TABLE   4u /* which range, and where in it */
#define PCIP_MSIX_ENABLE  0x8000u
#define PCIP_MSIX_MASK    0x4000u
#define PCIP_MSIX_ENTRY   16u

enum {
    EntryAddressLow,
    EntryAddressHigh,
    EntryData,
    EntryControl /* bit 0: masked */
};

/* ---- address ranges ---- */

/* => Returns what the register holds after all ones were written; its value is as before. */
static ULONG PcipProbe(HAL_PCI_FUNCTION F, ULONG Offset)
{
    ULONG Old = PciReadLong(F, Offset);
    ULONG Mask;

    PciWriteLong(F, Offset, 0xFFFFFFFFu);
    Mask = PciReadLong(F, Offset);
    PciWriteLong(F, Offset, Old);
    return Mask;
}

/* => Decoding is off.  Returns the lowest bit that the range's address can have; 0: none. */
static ULONG64 PcipRangeBytes(HAL_PCI_FUNCTION F, ULONG Offset, ULONG Low)
{
    ULONG64 Mask;

    if (Low & PCIP_BAR_IO) {
        Mask = 0xFFFFFFFF00000000ull | (PcipProbe(F, Offset) & PCIP_IO_MASK) | 0xFFFF0000u;
    } else if ((Low & PCIP_BAR_TYPE) == PCIP_BAR_64) {
        Mask = (ULONG64)PcipProbe(F, Offset + 4) << 32 | (PcipProbe(F, Offset) & PCIP_MEMORY_MASK);
    } else {
        Mask = 0xFFFFFFFF00000000ull | (PcipProbe(F, Offset) & PCIP_MEMORY_MASK);
    }
    return Mask & (0 - Mask);
}

/* Is register Index the high half of a 64-bit address? */
static BOOLEAN PcipIsHighHalf(HAL_PCI_FUNCTION F, ULONG Index)
{
    BOOLEAN High = FALSE;
    ULONG i;

    for (i = 0; i < Index; i++) {
        ULONG Low = PciReadLong(F, PCI_BASE_ADDRESS + 4 * i);

        High = !High && !(Low & PCIP_BAR_IO) && (Low & PCIP_BAR_TYPE) == PCIP_BAR_64;
    }
    return High;
}

NTSTATUS PciQueryRange(HAL_PCI_FUNCTION F, ULONG Index, PCI_RANGE *Range)
{
    ULONG Offset = PCI_BASE_ADDRESS + 4 * Index;
    PCI_RANGE Found = {0};
    USHORT Command;
    ULONG Low;

    if (Index >= PCI_BASE_ADDRESSES || PcipIsHighHalf(F, Index)) {
        return STATUS_NOT_FOUND;
    }
    Low = PciReadLong(F, Offset);
    Found.Io = (Low & PCIP_BAR_IO) != 0;
    Found.Base = Low & (Found.Io ? PCIP_IO_MASK : PCIP_MEMORY_MASK);
    if (!Found.Io && (Low & PCIP_BAR_TYPE) == PCIP_BAR_64) {
        if (Index + 1 == PCI_BASE_ADDRESSES) {
            return STATUS_NOT_FOUND;
        }
        Found.Base |= (ULONG64)PciReadLong(F, Offset + 4) << 32;
    }
    Command = PciReadWord(F, PCI_COMMAND);
    PciWriteWord(F, PCI_COMMAND, Command & (USHORT) ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    Found.Bytes = PcipRangeBytes(F, Offset, Low);
    PciWriteWord(F, PCI_COMMAND, Command);
    if (Found.Bytes == 0 || Found.Base == 0) {
        return STATUS_NOT_FOUND;
    }
    *Range = Found;
    return STATUS_SUCCESS;
}

/* ---- capabilities ---- */

ULONG PciFindCapability(HAL_PCI_FUNCTION F, UCHAR Id, ULONG After)
{
    ULONG Offset = After != 0 ? After + 1 : PCI_CAPABILITIES;
    ULONG Left;

    if (!(PciReadWord(F, PCI_STATUS) & PCI_STATUS_CAPS)) {
        return 0;
    }
    for (Left = PCIP_CAPABILITY_LIMIT; Left != 0; Left--) {
        ULONG Next = PciReadByte(F, Offset) & 0xFCu;

        if (Next < PCIP_FIRST_CAPABILITY) {
            return 0;
        }
        if (PciReadByte(F, Next) == Id) {
            return Next;
        }
        Offset = Next + 1;
    }
    return 0;
}

/* ---- interrupts by message ---- */

static void PcipWriteMsi(HAL_PCI_FUNCTION F, ULONG Capability, const HAL_INTERRUPT_LINE *Line)
{
    USHORT Control = PciReadWord(F, Capability + PCIP_MSI_CONTROL);
    ULONG Data = Capability + PCIP_MSI_ADDRESS + 4;

    Control &= (USHORT) ~(PCIP_MSI_ENABLE | PCIP_MSI_COUNT);
    PciWriteWord(F, Capability + PCIP_MSI_CONTROL, Control);
    PciWriteLong(F, Capability + PCIP_MSI_ADDRESS, (ULONG)Line->Address);
    if (Control & PCIP_MSI_64) {
        PciWriteLong(F, Data, (ULONG)(Line->Address >> 32));
        Data += 4;
    }
    PciWriteWord(F, Data, (USHORT)Line->Data);
    if (Control & PCIP_MSI_MASKS) {
        PciWriteLong(F, Data + 4, PciReadLong(F, Data + 4) & ~1u); /* who knows what firmware did */
    }
    PciWriteWord(F, Capability + PCIP_MSI_CONTROL, Control | PCIP_MSI_ENABLE);
}

/* => NULL: the table lies outside of its range, or out of reach. */
static volatile ULONG *PcipMapTable(HAL_PCI_FUNCTION F, ULONG Capability)
{
    ULONG Place = PciReadLong(F, Capability + PCIP_MSIX_TABLE);
    ULONG Offset = Place & ~7u;
    PCI_RANGE Range;

    if (!NT_SUCCESS(PciQueryRange(F, Place & 7u, &Range)) || Range.Io ||
        Range.Bytes < PCIP_MSIX_ENTRY || Offset > Range.Bytes - PCIP_MSIX_ENTRY) {
        return NULL;
    }
    return PciMapRegisters(F, Place & 7u, Offset, PCIP_MSIX_ENTRY);
}

/* The first entry; the others stay masked, as reset left them. */
static void PcipWriteMsix(HAL_PCI_FUNCTION F, const PCI_MESSAGE *Message)
{
    ULONG Where = Message->Capability + PCIP_MSIX_CONTROL;
    USHORT Control = PciReadWord(F, Where) & (USHORT)~PCIP_MSIX_MASK;
    volatile ULONG *Entry = Message->Table;

    PciWriteWord(F, Where, Control | PCIP_MSIX_ENABLE | PCIP_MSIX_MASK);
    WRITE_REGISTER_ULONG(&Entry[EntryAddressLow], (ULONG)Message->Line.Address);
    WRITE_REGISTER_ULONG(&Entry[EntryAddressHigh], (ULONG)(Message->Line.Address >> 32));
    WRITE_REGISTER_ULONG(&Entry[EntryData], Message->Line.Data);
    WRITE_REGISTER_ULONG(&Entry[EntryControl], 0);
    PciWriteWord(F, Where, Control | PCIP_MSIX_ENABLE);
}

NTSTATUS PciConnectMessage(HAL_PCI_FUNCTION F, HAL_INTERRUPT_ROUTINE *Routine, PVOID Context,
                           PPCI_MESSAGE Message)
{
    PCI_MESSAGE Made = {0};
    NTSTATUS Status;

    Made.Capability = PciFindCapability(F, PCI_CAP_MSIX, 0);
    if (Made.Capability != 0) {
        Made.Table = PcipMapTable(F, Made.Capability);
        Made.Extended = Made.Table != NULL;
    }
    if (!Made.Extended) {
        Made.Capability = PciFindCapability(F, PCI_CAP_MSI, 0);
    }
    if (Made.Capability == 0) {
        return STATUS_NOT_SUPPORTED;
    }
    Status = HalConnectMessage(Routine, Context, &Made.Line);
    if (!NT_SUCCESS(Status)) {
        if (Made.Extended) {
            HalUnmapRegisters((PVOID)Made.Table, PCIP_MSIX_ENTRY);
        }
        return Status;
    }
    if (Made.Extended) {
        PcipWriteMsix(F, &Made);
    } else {
        PcipWriteMsi(F, Made.Capability, &Made.Line);
    }
    *Message = Made;
    return STATUS_SUCCESS;
}

void PciDisconnectMessage(HAL_PCI_FUNCTION F, PPCI_MESSAGE Message)
{
    ULONG Where = Message->Capability + PCIP_MSIX_CONTROL;
    USHORT Enable = Message->Extended ? PCIP_MSIX_ENABLE : PCIP_MSI_ENABLE;

    if (Message->Capability == 0) {
        return;
    }
    if (PciReadWord(F, PCI_VENDOR_ID) != PCI_NOT_THERE) {
        PciWriteWord(F, Where, PciReadWord(F, Where) & (USHORT)~Enable);
    }
    HalDisconnectMessage(&Message->Line);
    if (Message->Extended) {
        HalUnmapRegisters((PVOID)Message->Table, PCIP_MSIX_ENTRY);
    }
    *Message = (PCI_MESSAGE){0};
}
