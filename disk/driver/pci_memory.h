/* SPDX-License-Identifier: MIT */
/*
 * pci_memory.h - what pci.c and pci_memory.c share.
 */
#ifndef DISK_DRIVER_PCI_MEMORY_H
#define DISK_DRIVER_PCI_MEMORY_H

#include "pci.h"

#define PCI_BUSES      256u
#define PCI_PORT_BYTES 256u /* of a function's configuration space, that the ports reach */

/* => NULL: the function's bus is not mapped. */
volatile UCHAR *PciFindRegister(HAL_PCI_FUNCTION F, ULONG Offset);

/* => As PciEnumerate, of one bus. */
void PciEnumerateBus(ULONG Bus, PCI_VISIT *Visit, PVOID Context);

#endif
