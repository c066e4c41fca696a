/* SPDX-License-Identifier: MIT */
/*
 * apic.h - the local APIC: interrupts, their acknowledgement, and its timer.
 *
 * Source: Intel SDM volume 3A, chapter 11 (APIC) and 11.12 (x2APIC).
 */
#ifndef X86_APIC_H
#define X86_APIC_H

#include "arch/x86/acpi_tables.h"
#include "nt/types.h"

/*
 * Take the local APIC over: mask every local source but NMI and what the firmware has delivered as
 * SMI, set the spurious vector, accept all priorities, remap and mask the 8259s.  Works in xAPIC
 * and x2APIC mode, as the firmware left it.
 *
 * => The processor says where its registers are: the MADT may be wrong about it.
 * => Interrupts are off, and the APIC is not disabled in its MSR: CPUID would not show it then.
 * => Returns FALSE when the registers lie out of reach.
 */
BOOLEAN HalInitializeApic(void);

/*
 * Mask the inputs of all I/O APICs but those delivered as SMI: a level that a device of the
 * firmware's holds would interrupt for ever, since nobody here would make it fall.
 *
 * => Returns how many inputs there are.
 */
ULONG HalMaskIoApics(const HAL_ACPI_FACTS *Acpi);

/* End of interrupt. */
void HalAcknowledgeInterrupt(void);

/* The same, but only when Vector is being serviced: for vectors that nobody expected. */
void HalAcknowledgeInterruptIfInService(ULONG Vector);

/* Send this processor an interrupt.  => Vector >= 0x20. */
void HalSendSelfInterrupt(ULONG Vector);

/* Send this processor an NMI. */
void HalSendSelfNmi(void);

/* The timer counts down from Count, once; Vector is masked. */
void HalStartTimerCount(ULONG Count);
ULONG HalReadTimerCount(void);

/* Periodic interrupts on Vector, every Count timer ticks. */
void HalStartTimer(ULONG Vector, ULONG Count);
void HalStopTimer(void);

/* For the report. */
BOOLEAN HalApicIsX2(void);
ULONG HalApicVersion(void);

/* Which processor this is to the interrupt messages of devices. */
ULONG HalApicIdentifier(void);

#endif
