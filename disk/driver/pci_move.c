/* SPDX-License-Identifier: MIT */
/*
 * pci_move.c - registers that the machine cannot reach are given addresses below 4 GB.
 *
 * Firmware of 64 bits puts ranges where 32-bit paging may not reach: above 1 TB, or above 4 GB on a
 * processor without PSE-36.  Which addresses the host bridge passes on to bus 0 stands in AML; what
 * firmware gave to bus 0 is among them.  So a new place lies beside one of those, in the same
 * 256 MB, where no function, no bridge and, as far as the machine knows, nobody else is.  A place
 * where only ones are read was not passed on.  When anything fails, the old address is put back.
 *
 * A range behind a bridge would need the bridge's window moved too, and one above 4 MB could be in
 * use already, as far as it is reached: those stay.
 *
 * Locking: one driver starts at a time.  Functions that are in use already lose their addresses for
 * the moment of a size's question: interrupts are off then, so nobody sees it.
 */
#include "arch/port.h"
#include "pci.h"
#include "report.h"

#define PCIP_4GB            (1ull << 32)
#define PCIP_MOVE_LIMIT     0x400000u
#define PCIP_NEAR           28u /* addresses that differ below this bit only: 256 MB */
#define PCIP_MOST_RANGES    128u
#define PCIP_NO_VALUE       0xFFFFFFFFu

#define PCIP_LAYOUT         0x7Fu /* header type: 0 a device, 1 PCI bridge */
#define PCIP_BRIDGE         1u
#define PCIP_BRIDGE_RANGES  2u
#define PCIP_TYPE           0x7u /* of a base address register */
#define PCIP_TYPE_64        0x4u
#define PCIP_ADDRESS        0xFFFFFFF0u
#define PCIP_ROM            0x30
#define PCIP_BRIDGE_ROM     0x38
#define PCIP_ROM_ON         0x1u
#define PCIP_ROM_ADDRESS    0xFFFFF800u
#define PCIP_ROM_MOST_BYTES 0x1000000u
#define PCIP_WINDOW         0x20 /* a bridge's: base, limit, in MB */
#define PCIP_PREFETCH       0x24 /* the same; the halves above 4 GB follow */

/* What functions decode below 4 GB. */
typedef struct _PCIP_TAKEN {
    ULONG Count;
    BOOLEAN Unknown; /* there is more than this tells */
    struct {
        ULONG First;
        ULONG Last;
        BOOLEAN Root; /* of a function on bus 0 */
    } Ranges[PCIP_MOST_RANGES];
} PCIP_TAKEN;

static PCIP_TAKEN PcipTaken;

/* ---- who is where ---- */

static void PcipNoteRange(PCIP_TAKEN *Taken, HAL_PCI_FUNCTION F, ULONG64 First, ULONG64 Last)
{
    if (First >= PCIP_4GB || Last < First) {
        return;
    }
    if (Taken->Count == PCIP_MOST_RANGES) {
        Taken->Unknown = TRUE;
        return;
    }
    Taken->Ranges[Taken->Count].First = (ULONG)First;
    Taken->Ranges[Taken->Count].Last = Last < PCIP_4GB ? (ULONG)Last : (ULONG)(PCIP_4GB - 1);
    Taken->Ranges[Taken->Count++].Root = F.Bus == 0;
}

static void PcipNoteRegisters(PCIP_TAKEN *Taken, HAL_PCI_FUNCTION F, ULONG Count)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        ULONG Low = PciReadLong(F, PCI_BASE_ADDRESS + 4 * i);
        PCI_RANGE Range = {0};
        BOOLEAN Enabled;
        NTSTATUS Status;

        if (i + 1 == Count && (Low & PCIP_TYPE) == PCIP_TYPE_64) {
            continue; /* no room for its high half */
        }
        Enabled = KeDisableInterrupts();
        Status = PciQueryRange(F, i, &Range);
        KeRestoreInterrupts(Enabled);
        if (NT_SUCCESS(Status) && !Range.Io) {
            PcipNoteRange(Taken, F, Range.Base, Range.Base + Range.Bytes - 1);
        }
    }
}

/* Its size is not asked for: as large as its address allows. */
static void PcipNoteRom(PCIP_TAKEN *Taken, HAL_PCI_FUNCTION F, ULONG Offset)
{
    ULONG Low = PciReadLong(F, Offset);
    ULONG Base = Low & PCIP_ROM_ADDRESS;
    ULONG Bytes = Base & (0 - Base);

    if ((Low & PCIP_ROM_ON) && Base != 0) {
        Bytes = Bytes < PCIP_ROM_MOST_BYTES ? Bytes : PCIP_ROM_MOST_BYTES;
        PcipNoteRange(Taken, F, Base, (ULONG64)Base + Bytes - 1);
    }
}

static void PcipNoteWindow(PCIP_TAKEN *Taken, HAL_PCI_FUNCTION F, ULONG Offset)
{
    ULONG64 First = (ULONG64)(PciReadWord(F, Offset) & 0xFFF0u) << 16;
    ULONG64 Last = (ULONG64)(PciReadWord(F, Offset + 2) & 0xFFF0u) << 16 | 0xFFFFFu;

    if (Offset == PCIP_PREFETCH && (PciReadWord(F, Offset) & 1u)) {
        First |= (ULONG64)PciReadLong(F, Offset + 4) << 32;
        Last |= (ULONG64)PciReadLong(F, Offset + 8) << 32;
    }
    PcipNoteRange(Taken, F, First, Last); /* a window that is closed ends before it begins */
}

static void PcipNoteFunction(HAL_PCI_FUNCTION F, PVOID Context)
{
    PCIP_TAKEN *Taken = Context;

    switch (PciReadByte(F, PCI_HEADER_TYPE) & PCIP_LAYOUT) {
    case 0:
        PcipNoteRegisters(Taken, F, PCI_BASE_ADDRESSES);
        PcipNoteRom(Taken, F, PCIP_ROM);
        break;
    case PCIP_BRIDGE:
        PcipNoteRegisters(Taken, F, PCIP_BRIDGE_RANGES);
        PcipNoteRom(Taken, F, PCIP_BRIDGE_ROM);
        PcipNoteWindow(Taken, F, PCIP_WINDOW);
        PcipNoteWindow(Taken, F, PCIP_PREFETCH);
        break;
    default: /* CardBus: its windows are not known here */
        Taken->Unknown = TRUE;
        break;
    }
}

/* ---- a place ---- */

static BOOLEAN PcipIsPlace(const PCIP_TAKEN *Taken, ULONG64 First, ULONG Bytes, ULONG Beside)
{
    ULONG64 Last = First + Bytes - 1;
    ULONG i;

    if (First >> PCIP_NEAR != Beside >> PCIP_NEAR || Last >> PCIP_NEAR != Beside >> PCIP_NEAR) {
        return FALSE;
    }
    for (i = 0; i < Taken->Count; i++) {
        if (First <= Taken->Ranges[i].Last && Taken->Ranges[i].First <= Last) {
            return FALSE;
        }
    }
    return HalIsAddressFree(First, Bytes);
}

/* => 0: nothing is free. */
static ULONG PcipFindPlace(const PCIP_TAKEN *Taken, ULONG Bytes)
{
    ULONG i;

    for (i = 0; i < Taken->Count && !Taken->Unknown; i++) {
        ULONG First = Taken->Ranges[i].First;
        ULONG Last = Taken->Ranges[i].Last;
        ULONG64 Above = ROUND_UP((ULONG64)Last + 1, (ULONG64)Bytes);
        ULONG Below = ROUND_DOWN(First, Bytes) - Bytes; /* may wrap: then it is not near */

        if (Taken->Ranges[i].Root && PcipIsPlace(Taken, Above, Bytes, Last)) {
            return (ULONG)Above;
        }
        if (Taken->Ranges[i].Root && PcipIsPlace(Taken, Below, Bytes, First)) {
            return Below;
        }
    }
    return 0;
}

/* ---- moving ---- */

/* => FALSE: the function does not take the address, and decodes none. */
static BOOLEAN PcipPlace(HAL_PCI_FUNCTION F, ULONG Offset, ULONG64 Base, USHORT Command)
{
    PciWriteWord(F, PCI_COMMAND, Command & (USHORT)~PCI_COMMAND_MEMORY);
    PciWriteLong(F, Offset, (ULONG)Base);
    PciWriteLong(F, Offset + 4, (ULONG)(Base >> 32));
    if ((PciReadLong(F, Offset) & PCIP_ADDRESS) != (ULONG)Base ||
        PciReadLong(F, Offset + 4) != (ULONG)(Base >> 32)) {
        return FALSE;
    }
    PciWriteWord(F, PCI_COMMAND, Command);
    return TRUE;
}

/* => NULL: nobody answers there, or no addresses are left to map it. */
static PVOID PcipMapAnswering(ULONG64 Physical, ULONG Bytes)
{
    PVOID Registers = HalMapRegisters(Physical, Bytes);

    if (Registers != NULL && Bytes >= sizeof(ULONG) &&
        READ_REGISTER_ULONG((volatile ULONG *)Registers) == PCIP_NO_VALUE) {
        HalUnmapRegisters(Registers, Bytes);
        return NULL;
    }
    return Registers;
}

static PVOID PcipMove(HAL_PCI_FUNCTION F, ULONG Index, const PCI_RANGE *Range, ULONG Offset,
                      ULONG Bytes)
{
    ULONG Register = PCI_BASE_ADDRESS + 4 * Index;
    USHORT Command = PciReadWord(F, PCI_COMMAND);
    PVOID Registers = NULL;
    ULONG Place;

    PcipTaken.Count = 0;
    PcipTaken.Unknown = FALSE;
    PciEnumerate(PcipNoteFunction, &PcipTaken);
    Place = PcipFindPlace(&PcipTaken, (ULONG)ROUND_UP(Range->Bytes, (ULONG64)PAGE_SIZE));
    if (Place == 0) {
        return NULL;
    }
    if (PcipPlace(F, Register, Place, Command)) {
        Registers = PcipMapAnswering((ULONG64)Place + Offset, Bytes);
    }
    if (Registers == NULL) {
        (void)PcipPlace(F, Register, Range->Base, Command);
        return NULL;
    }
    KiPrint("PCI        %02x:%02x.%u: registers moved to %08x, from %llx out of reach\n", F.Bus,
            F.Device, F.Function, Place, (unsigned long long)Range->Base);
    return Registers;
}

PVOID PciMapRegisters(HAL_PCI_FUNCTION F, ULONG Index, ULONG Offset, ULONG Bytes)
{
    PCI_RANGE Range;
    PVOID Registers;

    if (!NT_SUCCESS(PciQueryRange(F, Index, &Range)) || Range.Io || Offset > Range.Bytes ||
        Bytes > Range.Bytes - Offset) {
        return NULL;
    }
    Registers = HalMapRegisters(Range.Base + Offset, Bytes);
    if (Registers == NULL && Range.Base >= PCIP_4GB && Range.Bytes <= PCIP_MOVE_LIMIT &&
        F.Bus == 0) {
        Registers = PcipMove(F, Index, &Range, Offset, Bytes);
    }
    return Registers;
}
