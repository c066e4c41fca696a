/* SPDX-License-Identifier: MIT */
/*
 * pci_memory.c - configuration space in memory: the enhanced mechanism of PCI Express.
 *
 * A bus takes 1 MB of addresses, so only buses with functions are mapped: those that the ports
 * show, or, without ports, the first one and those that bridges lead to.  Where the table that
 * tells the address (ACPI's MCFG) and the ports disagree on who is there, the ports are right.
 *
 * Source: PCI Express Base Specification 3.0, 7.2.2.
 *
 * Locking: buses are mapped once, at the start.
 */
#include "disk/driver/pci_memory.h"

#include "arch/port.h"
#include "nt/types.h"

#define PCIP_BUS_SHIFT      20
#define PCIP_BUS_BYTES      (1u << PCIP_BUS_SHIFT)
#define PCIP_DEVICE_SHIFT   15
#define PCIP_FUNCTION_SHIFT 12
#define PCIP_SPACE_BYTES    0x1000u
#define PCIP_MOST_BUSES     32u /* that are mapped: 32 MB of addresses */
#define PCIP_4GB            (1ull << 32)
#define PCIP_LAYOUT         0x7Fu /* header type: 1 a bridge */
#define PCIP_BRIDGE         1u
#define PCIP_SECONDARY      0x19 /* a bridge's register: the bus behind it */

/* What a visit of the functions of one bus finds. */
typedef struct _PCIP_VISITED {
    PBOOLEAN Wanted;    /* by bus: there is somebody */
    volatile UCHAR *At; /* the bus's memory, not yet in use; NULL: not mapped */
    ULONG Functions;
    ULONG Different; /* functions that the memory does not show */
} PCIP_VISITED;

static volatile UCHAR *PcipBuses[PCI_BUSES]; /* NULL: not mapped */

static ULONG PcipOffset(HAL_PCI_FUNCTION F)
{
    return (ULONG)F.Device << PCIP_DEVICE_SHIFT | (ULONG)F.Function << PCIP_FUNCTION_SHIFT;
}

volatile UCHAR *PciFindRegister(HAL_PCI_FUNCTION F, ULONG Offset)
{
    volatile UCHAR *Bus = PcipBuses[F.Bus];

    return Bus != NULL && Offset < PCIP_SPACE_BYTES ? Bus + PcipOffset(F) + Offset : NULL;
}

static void PcipNotice(HAL_PCI_FUNCTION F, PVOID Context)
{
    PCIP_VISITED *Visited = Context;

    Visited->Functions++;
    Visited->Wanted[F.Bus] = TRUE;
    if ((PciReadByte(F, PCI_HEADER_TYPE) & PCIP_LAYOUT) == PCIP_BRIDGE) {
        Visited->Wanted[PciReadByte(F, PCIP_SECONDARY)] = TRUE;
    }
    if (Visited->At != NULL) {
        ULONG Id = READ_REGISTER_ULONG((volatile ULONG *)(Visited->At + PcipOffset(F)));

        Visited->Different += Id != PciReadLong(F, PCI_VENDOR_ID);
    }
}

/* => FALSE: it cannot be mapped, or does not show who is on the bus. */
static BOOLEAN PcipMapBus(ULONG64 Physical, ULONG Bus, BOOLEAN Ports, PBOOLEAN Wanted)
{
    PCIP_VISITED Visited = {.Wanted = Wanted};

    Visited.At = HalMapRegisters(Physical, PCIP_BUS_BYTES);
    if (Visited.At == NULL) {
        return FALSE;
    }
    PcipBuses[Bus] = Ports ? NULL : Visited.At;
    PciEnumerateBus(Bus, PcipNotice, &Visited);
    if (Visited.Functions == 0 || Visited.Different != 0) {
        PcipBuses[Bus] = NULL;
        HalUnmapRegisters((PVOID)Visited.At, PCIP_BUS_BYTES);
        return FALSE;
    }
    PcipBuses[Bus] = Visited.At;
    return TRUE;
}

ULONG PciMapBuses(ULONG64 Physical, ULONG First, ULONG Last)
{
    BOOLEAN Ports = PciIsPresent();
    BOOLEAN Wanted[PCI_BUSES] = {FALSE};
    PCIP_VISITED Visited = {.Wanted = Wanted};
    ULONG Count = 0;
    ULONG Bus;

    if (Physical == 0 || First > Last || Last >= PCI_BUSES ||
        Physical > PCIP_4GB - (ULONG64)(Last - First + 1) * PCIP_BUS_BYTES) {
        return 0;
    }
    if (Ports) {
        PciEnumerate(PcipNotice, &Visited);
    } else {
        Wanted[First] = TRUE;
    }
    for (Bus = First; Bus <= Last && Count < PCIP_MOST_BUSES; Bus++) {
        ULONG64 Where = Physical + ((ULONG64)(Bus - First) << PCIP_BUS_SHIFT);

        if (Wanted[Bus] && PcipBuses[Bus] == NULL) {
            Count += PcipMapBus(Where, Bus, Ports, Wanted);
        }
    }
    return Count;
}

void PciUnmapBuses(void)
{
    ULONG Bus;

    for (Bus = 0; Bus < PCI_BUSES; Bus++) {
        if (PcipBuses[Bus] != NULL) {
            HalUnmapRegisters((PVOID)PcipBuses[Bus], PCIP_BUS_BYTES);
            PcipBuses[Bus] = NULL;
        }
    }
}
