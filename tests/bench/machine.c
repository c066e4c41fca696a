/* SPDX-License-Identifier: MIT */
/*
 * machine.c - the processor for programs that measure: IRQL, and nothing else.
 *
 * IRQL costs what it does in arch/x86/irql.c: one level in memory, checked on the way up and on the
 * way down.  There are no interrupts and one thread; whoever wants to switch ends the program.
 */
#include "arch/cpu.h"
#include "arch/mmu.h"

#include <stdio.h>
#include <stdlib.h>

KIRQL KiCurrentIrql;
static volatile ULONG Pending;

KIRQL NTAPI KeGetCurrentIrql(void)
{
    return KiCurrentIrql;
}

KIRQL FASTCALL KfRaiseIrql(KIRQL NewIrql)
{
    KIRQL Old = KiCurrentIrql;

    if (NewIrql < Old || NewIrql > HIGH_LEVEL) {
        abort();
    }
    KiCurrentIrql = NewIrql;
    return Old;
}

KIRQL NTAPI KeRaiseIrqlToDpcLevel(void)
{
    KIRQL Old = KiCurrentIrql;

    if (Old > DISPATCH_LEVEL) {
        abort();
    }
    KiCurrentIrql = DISPATCH_LEVEL;
    return Old;
}

void FASTCALL KfLowerIrql(KIRQL NewIrql)
{
    if (NewIrql > KiCurrentIrql) {
        abort();
    }
    KiCurrentIrql = NewIrql;
    if (Pending >> NewIrql > 1) {
        abort();
    }
}

void FASTCALL KiLowerIrqlFromDpcLevel(KIRQL OldIrql)
{
    KiCurrentIrql = OldIrql;
    if (Pending >> OldIrql > 1) {
        abort();
    }
}

ULONG64 KeReadCycleCounter(void)
{
    return __builtin_ia32_rdtsc();
}

NT_NORETURN void NTAPI KeBugCheckEx(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3,
                                    ULONG_PTR P4)
{
    fprintf(stderr, "bug check %x (%lx %lx %lx %lx)\n", (unsigned)Code, (unsigned long)P1,
            (unsigned long)P2, (unsigned long)P3, (unsigned long)P4);
    exit(1);
}

void KiConsoleWrite(const char *Text, SIZE_T Bytes)
{
    fwrite(Text, 1, Bytes, stderr);
}

/* ---- what mm/ke wants from a machine that switches threads ---- */

void KiRequestDispatchInterrupt(void)
{
    abort();
}

void KiConnectDispatchInterrupt(void (*Routine)(void))
{
    (void)Routine;
}

void KiIdleProcessor(void)
{
    abort();
}

PVOID KiInitializeStack(PVOID StackTop, SIZE_T StackBytes, KSTART *Routine, PVOID Context)
{
    (void)StackBytes;
    (void)Routine;
    (void)Context;
    return StackTop;
}

void NTAPI IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit)
{
    *LowLimit = 0;
    *HighLimit = ~(ULONG_PTR)0;
}

void KiSwapStack(PVOID *Save, PVOID Next)
{
    (void)Save;
    (void)Next;
    abort();
}

/* ---- and from one with address spaces: there is one ---- */

PFN_NUMBER KiCurrentDirectoryFrame(void)
{
    return 0;
}

void KiSwapAddressSpace(PFN_NUMBER Frame)
{
    (void)Frame;
    abort();
}
