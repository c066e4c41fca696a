/* SPDX-License-Identifier: MIT */
/*
 * pci.h - PCI configuration space, and silencing the devices that firmware left running.
 */
#ifndef X86_PCI_H
#define X86_PCI_H

#include "nt/types.h"

/* Bus, device and function; laid out as in the configuration address. */
typedef struct _HAL_PCI_FUNCTION {
    UCHAR Bus;
    UCHAR Device;   /* 0 - 31 */
    UCHAR Function; /* 0 - 7 */
} HAL_PCI_FUNCTION;

/* Offsets in configuration space (PCI Local Bus 3.0, 6.1). */
#define PCI_VENDOR_ID      0x00
#define PCI_COMMAND        0x04
#define PCI_CLASS_REVISION 0x08 /* class, subclass, interface, revision: from the high byte down */
#define PCI_HEADER_TYPE    0x0E

#define PCI_COMMAND_MASTER 0x0004u

/* What HalStopBusMasters found and did. */
typedef struct _HAL_BUS_MASTERS {
    BOOLEAN Present; /* there is a configuration mechanism 1 */
    ULONG Functions;
    ULONG Bridges;                /* left as they are: they pass on what others do */
    ULONG Displays;               /* left as they are: they read the picture */
    ULONG Stopped;                /* could write to memory, and cannot any more */
    ULONG Refused;                /* keep the right all the same */
    HAL_PCI_FUNCTION LastRefused; /* one of those */
} HAL_BUS_MASTERS;

/*
 * Take the right to access memory from every PCI function that has it, except bridges and display
 * controllers.  Firmware's drivers leave controllers running whose rings are in memory that is
 * about to be used for something else.
 *
 * => Any IRQL, one caller at a time.  Later calls find nothing left.
 */
HAL_BUS_MASTERS HalStopBusMasters(void);

#endif
