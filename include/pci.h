/* SPDX-License-Identifier: MIT */
/*
 * pci.h - PCI functions: configuration space, address ranges, capabilities, interrupts by message.
 *
 * Source: PCI Local Bus Specification 3.0, chapter 6.  Configuration space of segment 0 is reached
 * in memory where ACPI's MCFG tells where that is (PciMapBuses), 4 KB a function, and through ports
 * CF8/CFC elsewhere: its first 256 bytes, where everything below stands.
 */
#ifndef PCI_H
#define PCI_H

#include "arch/interrupt.h"
#include "nt/annotations.h"
#include "nt/status.h"
#include "nt/types.h"

/* Bus, device and function; laid out as in the configuration address. */
typedef struct _HAL_PCI_FUNCTION {
    UCHAR Bus;
    UCHAR Device;   /* 0 - 31 */
    UCHAR Function; /* 0 - 7 */
} HAL_PCI_FUNCTION;

/* ---- configuration space ---- */

#define PCI_VENDOR_ID      0x00
#define PCI_DEVICE_ID      0x02
#define PCI_COMMAND        0x04
#define PCI_STATUS         0x06
#define PCI_CLASS_REVISION 0x08 /* class, subclass, interface, revision: from the high byte down */
#define PCI_HEADER_TYPE    0x0E
#define PCI_BASE_ADDRESS   0x10 /* six registers */
#define PCI_CAPABILITIES   0x34

#define PCI_COMMAND_IO     0x0001u
#define PCI_COMMAND_MEMORY 0x0002u
#define PCI_COMMAND_MASTER 0x0004u
#define PCI_COMMAND_NO_INT 0x0400u /* its interrupt line stays quiet */
#define PCI_STATUS_CAPS    0x0010u /* there is a list of capabilities */

#define PCI_NOT_THERE      0xFFFFu /* as vendor: nobody answers */
#define PCI_BASE_ADDRESSES 6u

#define PCI_CAP_MSI        0x05
#define PCI_CAP_VENDOR     0x09
#define PCI_CAP_MSIX       0x11

/*
 * => Any IRQL.  Offset is aligned to the width, below 4096.  Who is absent reads as ones, as does
 *    what lies beyond 256 where the bus is not mapped.
 */
UCHAR PciReadByte(HAL_PCI_FUNCTION F, ULONG Offset);
USHORT PciReadWord(HAL_PCI_FUNCTION F, ULONG Offset);
ULONG PciReadLong(HAL_PCI_FUNCTION F, ULONG Offset);
void PciWriteWord(HAL_PCI_FUNCTION F, ULONG Offset, USHORT Value);
void PciWriteLong(HAL_PCI_FUNCTION F, ULONG Offset, ULONG Value);

/* => Returns whether there is a configuration mechanism 1. */
BOOLEAN PciIsPresent(void);

/*
 * Reach the buses First to Last in memory from now on, those that have functions; Physical is where
 * First's functions are.  Above 4 GB addresses are too few for it.
 *
 * => PASSIVE_LEVEL, before any function is taken.
 * => Returns how many are reached so.  The others are as before.
 */
ULONG PciMapBuses(ULONG64 Physical, ULONG First, ULONG Last);

/* Back to the ports: for tests.  => As PciMapBuses. */
void PciUnmapBuses(void);

/* Called for each function, bridges too. */
typedef void PCI_VISIT(HAL_PCI_FUNCTION F, PVOID Context);

/* => Any IRQL at which Visit may run. */
void PciEnumerate(PCI_VISIT *Visit, PVOID Context);

/* ---- what a function has ---- */

typedef struct _PCI_RANGE {
    ULONG64 Base;
    ULONG64 Bytes; /* a power of two */
    BOOLEAN Io;    /* ports, else memory */
} PCI_RANGE;

/*
 * What base address register Index decodes.  Decoding is off while the size is asked for.
 *
 * => The function is of header type 0, and nobody uses it meanwhile.
 * => STATUS_NOT_FOUND: the register is absent, was given no address, or is the high half of one.
 */
NT_MUST_CHECK NTSTATUS PciQueryRange(HAL_PCI_FUNCTION F, ULONG Index, PCI_RANGE *Range);

/*
 * Map Bytes at Offset of what base address register Index decodes, as HalMapRegisters.  What that
 * does not reach is moved below 4 GB, when the function is on bus 0, its range has at most 4 MB,
 * and there is a free place beside another range of bus 0.  A line on the console tells of it.
 *
 * => PASSIVE_LEVEL, one caller at a time.  The function decodes its addresses, and nobody uses the
 *    range otherwise than through this call.
 * => NULL: no such memory range, or it is out of reach and stays so.  To be given back to
 *    HalUnmapRegisters.
 */
PVOID PciMapRegisters(HAL_PCI_FUNCTION F, ULONG Index, ULONG Offset, ULONG Bytes);

/*
 * => Returns the offset of the first capability with Id behind the one at After (0: the first of
 *    all); 0: there is none, or the list is damaged.
 */
ULONG PciFindCapability(HAL_PCI_FUNCTION F, UCHAR Id, ULONG After);

/* How a function was told to interrupt. */
typedef struct _PCI_MESSAGE {
    ULONG Capability;        /* its offset; 0: it was not told */
    BOOLEAN Extended;        /* MSI-X, else MSI */
    volatile ULONG *Table;   /* MSI-X: its first entry, mapped */
    HAL_INTERRUPT_LINE Line; /* connected */
} PCI_MESSAGE, *PPCI_MESSAGE;

/*
 * Let the function interrupt by one message, which runs Routine(Context); MSI-X entry 0 where it
 * has that, else MSI.
 *
 * => PASSIVE_LEVEL.
 * => STATUS_NOT_SUPPORTED: it can do neither, or its table is out of reach.
 *    STATUS_INSUFFICIENT_RESOURCES: no vector is left.
 */
NT_MUST_CHECK NTSTATUS PciConnectMessage(HAL_PCI_FUNCTION F, HAL_INTERRUPT_ROUTINE *Routine,
                                         PVOID Context, PPCI_MESSAGE Message);

/* => PASSIVE_LEVEL; as PciConnectMessage left it, or all zero. */
void PciDisconnectMessage(HAL_PCI_FUNCTION F, PPCI_MESSAGE Message);

/* ---- the right to access memory ---- */

#define PCI_DRIVEN_FUNCTIONS 16u

/*
 * A driver takes the function: it decodes its addresses.
 *
 * => STATUS_INSUFFICIENT_RESOURCES: PCI_DRIVEN_FUNCTIONS have drivers already.
 *    STATUS_NO_SUCH_DEVICE: it does not take the command.
 */
NT_MUST_CHECK NTSTATUS PciTakeFunction(HAL_PCI_FUNCTION F);

/*
 * The function may access memory.
 *
 * => It was taken, and reset or silenced: what firmware told it to write to may be somebody else's
 *    memory by now.
 * => STATUS_NO_SUCH_DEVICE: it does not take the command.
 */
NT_MUST_CHECK NTSTATUS PciEnableMaster(HAL_PCI_FUNCTION F);

/* The function may no longer access memory, and has no driver.  => Any IRQL. */
void PciReleaseFunction(HAL_PCI_FUNCTION F);

/* What HalStopBusMasters found and did. */
typedef struct _HAL_BUS_MASTERS {
    BOOLEAN Present; /* there is a configuration mechanism 1 */
    ULONG Functions;
    ULONG Bridges;                /* left as they are: they pass on what others do */
    ULONG Displays;               /* left as they are: they read the picture */
    ULONG Driven;                 /* left as they are: they have drivers of ours */
    ULONG Stopped;                /* could write to memory, and cannot any more */
    ULONG Refused;                /* keep the right all the same */
    HAL_PCI_FUNCTION LastRefused; /* one of those */
} HAL_BUS_MASTERS;

/*
 * Take the right to access memory from every PCI function that has it, except bridges, display
 * controllers and those that have a driver.  Firmware's drivers leave controllers running whose
 * rings are in memory that is about to be used for something else.
 *
 * => Any IRQL, one caller at a time.  Later calls find nothing left.
 */
HAL_BUS_MASTERS HalStopBusMasters(void);

#endif
