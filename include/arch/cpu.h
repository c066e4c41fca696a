/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - the processor, as portable code sees it: IRQL, interrupts, stacks, time, the last exit.
 *
 * Implemented twice: arch/x86 and tests/host.  IRQL values are those of wdm.h on x86.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include "nt/types.h"

#define PASSIVE_LEVEL  0
#define LOW_LEVEL      0
#define APC_LEVEL      1
#define DISPATCH_LEVEL 2
#define PROFILE_LEVEL  27
#define CLOCK2_LEVEL   28
#define IPI_LEVEL      29
#define POWER_LEVEL    30
#define HIGH_LEVEL     31

/* => Any IRQL. */
KIRQL NTAPI KeGetCurrentIrql(void);

/* The same for paths whose instructions count.  Only the machine writes it. */
extern KIRQL KiCurrentIrql;

/*
 * => NewIrql >= the current one, else bug check 0x09: the current one, NewIrql, 0, the caller.
 *    NewIrql <= HIGH_LEVEL, else bug check 0x0A with the same.
 * => Returns the old IRQL; interrupts of NewIrql and below are held back until it falls.
 */
KIRQL FASTCALL KfRaiseIrql(KIRQL NewIrql);

/* KfRaiseIrql(DISPATCH_LEVEL), for those who do nothing more often. */
KIRQL NTAPI KeRaiseIrqlToDpcLevel(void);

/*
 * From now on, call Routine whenever IRQL is about to rise to DISPATCH_LEVEL or above from below
 * it, at the old IRQL: the place to take pageable memory away.  NULL: nothing.  Interrupts that
 * arrive do not call it.
 *
 * => What Routine does may raise IRQL, which calls it again.
 */
typedef void KI_BEFORE_RAISE(void);
void KiSetRaiseRoutine(KI_BEFORE_RAISE *Routine);

/*
 * => NewIrql <= the current one, else bug check 0x0A: the current one, NewIrql, 0, the caller.
 * => Interrupts that were held back are delivered before it returns.  Their handlers run with
 *    interrupts enabled, also when the caller had disabled them.
 */
void FASTCALL KfLowerIrql(KIRQL NewIrql);

/*
 * KfLowerIrql(OldIrql) for those who come from KeRaiseIrqlToDpcLevel, which returned OldIrql: no
 * check is left to be made.
 *
 * => DISPATCH_LEVEL.
 */
void FASTCALL KiLowerIrqlFromDpcLevel(KIRQL OldIrql);

/* => Returns whether interrupts were enabled; they are off now. */
BOOLEAN KeDisableInterrupts(void);

/* => WasEnabled comes from KeDisableInterrupts. */
void KeRestoreInterrupts(BOOLEAN WasEnabled);

/* Cycles since power-on: the time-stamp counter. */
ULONG64 KeReadCycleCounter(void);

/* Cycles of that counter in a second; calibrated at boot. */
ULONG64 KeQueryCycleFrequency(void);

/* Wait without giving up the processor.  => Any IRQL; Microseconds <= 1,000,000. */
void NTAPI KeStallExecutionProcessor(ULONG Microseconds);

/*
 * Ask for the dispatch interrupt: it runs at DISPATCH_LEVEL as soon as IRQL is below that, once
 * however often it was asked for.
 * => Any IRQL.
 */
void KiRequestDispatchInterrupt(void);

/* What the dispatch interrupt does; may switch stacks.  => Once, before the first request. */
void KiConnectDispatchInterrupt(void (*Routine)(void));

/* The clock interrupt's interval in units of 100 ns: 10 ms, as uniprocessor HALs have it. */
#define KI_CLOCK_INCREMENT 100000

/*
 * Interval * 100 ns have passed.  Implemented in mm/ke/time.c, called by the machine's clock
 * interrupt.
 * => CLOCK2_LEVEL.
 */
void KiClockTick(ULONG Interval);

/* Nothing to do: sleep until the next interrupt.  => PASSIVE_LEVEL to DISPATCH_LEVEL. */
void KiIdleProcessor(void);

typedef void KSTART(PVOID Context);

/*
 * Prepare a stack on which Routine(Context) will run when KiSwapStack first switches to it.
 *
 * => StackTop is the end of the stack of StackBytes, 16-byte aligned.
 * => Returns the stack pointer to hand to KiSwapStack.  Routine must never return.
 */
PVOID KiInitializeStack(PVOID StackTop, SIZE_T StackBytes, KSTART *Routine, PVOID Context);

/*
 * Leave the current stack, whose pointer goes to *Save, for the one at Next.  Its extent and its
 * list of exception handlers (NT_TIB, fs:[0] to fs:[8]) come with it.
 * => DISPATCH_LEVEL, interrupts on.
 */
void KiSwapStack(PVOID *Save, PVOID Next);

/* The extent of the running stack: [*LowLimit, *HighLimit).  => Any IRQL. */
void NTAPI IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit);

/* The running stack's list of exception handlers is empty: fs:[0] holds this. */
#define EXCEPTION_CHAIN_END ((PVOID)-1)

/* Set the head of that list.  => Returns the old one.  Any IRQL. */
PVOID KiExchangeExceptionList(PVOID List);

/*
 * Copy Bytes between system memory and the user half, and touch a byte of it for writing.
 *
 * => IRQL <= APC_LEVEL.  No page boundary of the user half is crossed.
 * => The status of the fault that MmAccessFault does not resolve (MM_STOP.Guarded); without one
 *    the bug check that the access deserves happens.
 */
NT_MUST_CHECK NTSTATUS KiGuardedCopy(PVOID To, const void *From, SIZE_T Bytes);
NT_MUST_CHECK NTSTATUS KiGuardedTouch(PVOID Va);

/*
 * Stop the machine.  Prints NT's stop screen with the documented code and four parameters.
 * => Any IRQL, any state.
 */
NT_NORETURN void NTAPI KeBugCheckEx(ULONG Code, ULONG_PTR Parameter1, ULONG_PTR Parameter2,
                                    ULONG_PTR Parameter3, ULONG_PTR Parameter4);

/* Write text to the console.  Bytes need not end in zero.  => Any IRQL. */
void KiConsoleWrite(const char *Text, SIZE_T Bytes);

/* => The next character typed, or -1.  IRQL <= DISPATCH_LEVEL. */
int KiConsoleRead(void);

#endif
