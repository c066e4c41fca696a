/* SPDX-License-Identifier: MIT */
/*
 * bugcheck.h - stopping the machine.
 */
#ifndef X86_BUGCHECK_H
#define X86_BUGCHECK_H

#include "arch/cpu.h"
#include "arch/x86/pcr.h"
#include "arch/x86/trap.h"
#include "nt/bugcodes.h"

/* => "(unknown)" for a code that is not in the table. */
const char *KiBugCheckName(ULONG Code);

/* The state that the stop screen shows is that of Frame. */
NT_NORETURN void KiBugCheckFromTrap(ULONG Code, ULONG Parameter1, ULONG Parameter2,
                                    ULONG Parameter3, ULONG Parameter4, const KTRAP_FRAME *Frame);

/* The stack at KeBugCheckEx's entry, with what trap.S pushes below it. */
typedef struct _KI_CALLER {
    ULONG Ebx, Esi, Edi, Ebp;
    ULONG Eip;
    ULONG Code;
    ULONG Parameters[4];
} KI_CALLER;

/* KeBugCheckEx's second half. */
NT_NORETURN void KiBugCheckFromCaller(const KI_CALLER *Caller);

/* From a task gate: the state is what the processor saved in Interrupted. */
NT_NORETURN void KiBugCheckFromTask(ULONG Code, ULONG Parameter1, ULONG Parameter2,
                                    const KTSS *Interrupted);

#endif
