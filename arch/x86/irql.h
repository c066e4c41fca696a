/* SPDX-License-Identifier: MIT */
/*
 * irql.h - interrupt request levels, and the routing of vectors to handlers.
 */
#ifndef X86_IRQL_H
#define X86_IRQL_H

#include "arch/cpu.h"
#include "arch/x86/trap.h"

/*
 * Runs at the vector's IRQL with interrupts of higher levels enabled.
 *
 * => Frame is NULL when the interrupt was held back: what it interrupted is gone by now.
 */
typedef void KI_INTERRUPT_ROUTINE(PKTRAP_FRAME Frame);

/*
 * Route Vector to Routine at Irql.
 *
 * => Vector >= 0x40 and not yet taken; Irql from APC_LEVEL to HIGH_LEVEL.
 */
void KiConnectInterrupt(ULONG Vector, KIRQL Irql, KI_INTERRUPT_ROUTINE *Routine);

/* => Whether Vector has a routine. */
BOOLEAN KiInterruptIsConnected(ULONG Vector);

/* => NULL: nothing is connected. */
KI_INTERRUPT_ROUTINE *KiInterruptRoutine(ULONG Vector);

/*
 * Ask for the software interrupt at Irql: it runs as soon as the current IRQL is below.
 *
 * => Irql is one for which KiConnectSoftwareInterrupt was called, else bug check 0xC8.
 */
void FASTCALL HalRequestSoftwareInterrupt(KIRQL Irql);

/*
 * What the software interrupt at Irql does.
 *
 * => Irql is APC_LEVEL or DISPATCH_LEVEL.
 */
void KiConnectSoftwareInterrupt(KIRQL Irql, void (*Routine)(void));

typedef struct _KI_INTERRUPT_COUNTERS {
    ULONG Delivered;  /* handlers run */
    ULONG HeldBack;   /* arrived below the current IRQL and delivered later */
    ULONG Spurious;   /* the APIC's spurious vector, and the 8259s' */
    ULONG Unexpected; /* vectors without a handler */
} KI_INTERRUPT_COUNTERS;

extern volatile KI_INTERRUPT_COUNTERS KiInterruptCounters;

#endif
