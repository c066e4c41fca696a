/* SPDX-License-Identifier: MIT */
/*
 * pci_mock.h - what device.c and pci_mock.c share.
 */
#ifndef TESTS_HOST_PCI_MOCK_H
#define TESTS_HOST_PCI_MOCK_H

#include "nt/types.h"

/* A configuration space without functions behind its two ports. */
void PciMockReset(void);

/* A write of Data to Address arrives at the processor. */
void MessageSend(ULONG64 Address, ULONG Data);

#endif
