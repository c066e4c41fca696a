/* SPDX-License-Identifier: MIT */
/*
 * device.h - devices on the host: registers in memory space, PCI functions, interrupts by message.
 *
 *     DeviceReset();
 *     F = PciMockAdd(0, 3, 0, 0x10421AF4, 0x010000);
 *     PciMockRange(F, 4, 0xE000000000, 0x4000, TRUE);
 *     RegistersClaim(0xE000000000, 0x4000, Read, Write, Device);
 *
 * It implements include/arch/interrupt.h and the registers of include/arch/port.h.
 */
#ifndef TESTS_HOST_DEVICE_H
#define TESTS_HOST_DEVICE_H

#include "arch/interrupt.h"
#include "nt/types.h"

/* Forget all registers, functions and connected messages.  Resets the ports too. */
void DeviceReset(void);

/* ---- registers ---- */

/* Offset is relative to the claim's first byte; Width is 1, 2 or 4 bytes. */
typedef ULONG REGISTER_READ(void *Device, ULONG Offset, ULONG Width);
typedef void REGISTER_WRITE(void *Device, ULONG Offset, ULONG Width, ULONG Value);

/* => At most 1 MB, and no other device has them; fails the test else. */
void RegistersClaim(ULONG64 Physical, ULONG Bytes, REGISTER_READ *Read, REGISTER_WRITE *Write,
                    void *Device);

/* The next mapping of registers fails, and all after it. */
void RegistersOutOfReach(BOOLEAN OutOfReach);

/* These addresses are nobody's but PCI functions'; others are not for them.  At first: none. */
void AddressesFree(ULONG64 First, ULONG64 End);

/* Mappings and connected messages that were not given back. */
ULONG RegistersMapped(void);
ULONG MessagesConnected(void);

/* The n-th connection of a message from now on (1: the next) fails; 0: none. */
void MessagesFail(ULONG Nth);

/* ---- PCI ---- */

#define PCI_MOCK_FUNCTIONS 8u
#define PCI_MOCK_BYTES     4096u

typedef struct _PCI_MOCK {
    ULONG Address;         /* bus << 16 | device << 11 | function << 8 */
    BOOLEAN Gone;          /* reads as ones */
    BOOLEAN NoMaster;      /* refuses to become a bus master */
    ULONG RangeMasks[6];   /* bits of the address registers that can be written */
    ULONG MessageTable[4]; /* MSI-X entry 0, in PciMockMsix's range */
    ULONG LastCapability;
    ULONG SizedWhileOn;          /* address registers written while decoding was on */
    UCHAR Space[PCI_MOCK_BYTES]; /* from 256 on: in memory only */
} PCI_MOCK;

/* Id is device << 16 | vendor, Class the upper three bytes of the class register. */
PCI_MOCK *PciMockAdd(ULONG Bus, ULONG Device, ULONG Function, ULONG Id, ULONG Class);

/* No configuration mechanism 1. */
void PciMockNoPorts(void);

/* Bus's configuration space is in memory at Base, beside the ports.  => Returns its accesses. */
const ULONG *PciMockMemory(ULONG Bus, ULONG64 Base);

/* Address register Index decodes memory; Wide: with the next one, 64 bits. */
void PciMockRange(PCI_MOCK *Mock, ULONG Index, ULONG64 Base, ULONG64 Bytes, BOOLEAN Wide);

/* Append a capability of Bytes bytes.  => Returns its offset. */
ULONG PciMockCapability(PCI_MOCK *Mock, UCHAR Id, ULONG Bytes);

/* MSI-X with one entry, its table at the beginning of range Index, which is claimed. */
ULONG PciMockMsix(PCI_MOCK *Mock, ULONG Index, ULONG64 Base);

ULONG PciMockLong(const PCI_MOCK *Mock, ULONG Offset);
void PciMockSetLong(PCI_MOCK *Mock, ULONG Offset, ULONG Value);

/* The function sends its message, by MSI-X or MSI as it was told; lost when it was not. */
void PciMockInterrupt(PCI_MOCK *Mock);

/* ---- memory, as a bus master sees it ---- */

/* Fails the test unless the function may access memory.  => Physical memory exists. */
void PciMockRead(const PCI_MOCK *Mock, ULONG64 Physical, void *Buffer, ULONG Bytes);
void PciMockWrite(const PCI_MOCK *Mock, ULONG64 Physical, const void *Buffer, ULONG Bytes);

#endif
