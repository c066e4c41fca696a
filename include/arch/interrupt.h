/* SPDX-License-Identifier: MIT */
/*
 * interrupt.h - interrupts that devices send as messages, and registers that devices have.
 *
 * Implemented twice: arch/x86/device.c and tests/host/device.c.
 */
#ifndef ARCH_INTERRUPT_H
#define ARCH_INTERRUPT_H

#include "arch/cpu.h"
#include "nt/annotations.h"
#include "nt/status.h"
#include "nt/types.h"

/* The level of devices' interrupts. */
#define DEVICE_LEVEL 10

/* => DEVICE_LEVEL. */
typedef void HAL_INTERRUPT_ROUTINE(PVOID Context);

/* An interrupt that a device sends by writing Data to Address. */
typedef struct _HAL_INTERRUPT_LINE {
    ULONG64 Address;
    ULONG Data;
    ULONG Vector; /* the machine's; 0: not connected */
} HAL_INTERRUPT_LINE, *PHAL_INTERRUPT_LINE;

/*
 * Find a vector that nobody has and let it run Routine(Context).
 *
 * => PASSIVE_LEVEL.
 * => STATUS_INSUFFICIENT_RESOURCES: no vector is left.  STATUS_NOT_SUPPORTED: messages do not
 *    reach this processor.
 */
NT_MUST_CHECK NTSTATUS HalConnectMessage(HAL_INTERRUPT_ROUTINE *Routine, PVOID Context,
                                         PHAL_INTERRUPT_LINE Line);

/* => PASSIVE_LEVEL; the device was told to be quiet.  Routine does not run any more. */
void HalDisconnectMessage(PHAL_INTERRUPT_LINE Line);

/*
 * Map device registers, not cached; for READ_REGISTER_* and WRITE_REGISTER_*.  Above 4 GB there is
 * room for few devices, and their mappings stay.
 *
 * => PASSIVE_LEVEL.
 * => NULL: out of the machine's reach, or no addresses are left.
 */
PVOID HalMapRegisters(ULONG64 Physical, ULONG Bytes);

/* => PASSIVE_LEVEL; as HalMapRegisters returned it. */
void HalUnmapRegisters(PVOID Registers, ULONG Bytes);

/*
 * => Whether a PCI function may be given these addresses, as far as the machine knows: below 4 GB,
 *    above all memory there, and nobody's.  Of PCI functions it knows nothing.
 */
BOOLEAN HalIsAddressFree(ULONG64 Physical, ULONG Bytes);

#endif
