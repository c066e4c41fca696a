/* SPDX-License-Identifier: MIT */
/*
 * probes.c - the negative probes: what must not work is tried, and must fault as documented.
 *
 * Each probe names the exception, the error code and the address that the processor has to report.
 * A probe that does not fault, or faults otherwise, is a failed stop of the report.
 */
#include "arch/cpuid.h"
#include "arch/x86/kernel.h"
#include "arch/x86/mmu.h"
#include "arch/x86/pcr.h"
#include "arch/x86/print.h"
#include "arch/x86/stacks.h"
#include "arch/x86/trap.h"
#include "ke.h"
#include "mm_machine.h"
#include "rtl.h"

#define KIP_NOT_MAPPED_USER   0x40000000u
#define KIP_NOT_MAPPED_SYSTEM 0xFFFFF000u
#define KIP_BAD_SELECTOR      0x0000FFF8u /* beyond the GDT's limit */

enum {
    TrapDivide = 0,
    TrapOverflow = 4,
    TrapBound = 5,
    TrapOpcode = 6,
    TrapProtection = 13
};

static ULONG KipRead(ULONG Va)
{
    return *(volatile ULONG *)Va;
}

static ULONG KipWrite(ULONG Va)
{
    *(volatile UCHAR *)Va = 0;
    return 0;
}

static ULONG KipFetch(ULONG Va)
{
    ((void (*)(void))Va)();
    return 0;
}

static ULONG KipDivide(ULONG Zero)
{
    ULONG Result = 1;

    __asm__ volatile("divl %1" : "+a"(Result) : "r"(Zero), "d"(0));
    return Result;
}

static ULONG KipOpcode(ULONG Unused)
{
    (void)Unused;
    __asm__ volatile("ud2");
    return 0;
}

/* INTO traps only with the overflow flag set: 7FFFFFFF + 1 sets it. */
static ULONG KipOverflow(ULONG Unused)
{
    ULONG Value = 0x7FFFFFFF;

    (void)Unused;
    __asm__ volatile("addl $1, %0; into" : "+r"(Value) : : "cc");
    return Value;
}

static ULONG KipBound(ULONG Index)
{
    const LONG Limits[2] = {0, 1};

    __asm__ volatile("bound %0, %1" : : "r"(Index), "m"(Limits));
    return 0;
}

static ULONG KipSelector(ULONG Selector)
{
    __asm__ volatile("mov %w0, %%gs" : : "r"(Selector));
    return 0;
}

typedef struct _KIP_PROBE {
    const char *Name;
    KI_GUARDED *Routine;
    ULONG Argument;
    ULONG Vector;
    ULONG ErrorCode;
    ULONG Address; /* CR2, for page faults */
} KIP_PROBE;

static void KipRunProbe(const KIP_PROBE *Probe)
{
    KI_FAULT Fault;

    KiGuardedCall(Probe->Routine, Probe->Argument, &Fault);
    if (!Fault.Happened) {
        KiReport(FALSE, "probe: %s went through", Probe->Name);
        return;
    }
    KiReport(Fault.Vector == Probe->Vector && Fault.ErrorCode == Probe->ErrorCode &&
                 Fault.Address == Probe->Address,
             "probe: %s gives exception %u, error code %02x, address %08x", Probe->Name,
             Fault.Vector, Fault.ErrorCode, Fault.Address);
}

/* What SMEP and SMAP forbid, tried on a page that ring 3 could use. */
static void KipProbeUserPage(void)
{
    const KIP_PROBE Read = {"supervisor read of a user page",
                            KipRead,
                            KI_PROBE_VA,
                            KI_TRAP_PAGE_FAULT,
                            KI_FAULT_PRESENT,
                            KI_PROBE_VA};
    const KIP_PROBE Fetch = {
        "supervisor fetch from a user page", KipFetch,   KI_PROBE_VA, KI_TRAP_PAGE_FAULT,
        KI_FAULT_PRESENT | KI_FAULT_FETCH,   KI_PROBE_VA};

    KiMapProbePage(TRUE);
    if (KiReadCr4() & CR4_SMAP) {
        KipRunProbe(&Read);
    }
    if (KiReadCr4() & CR4_SMEP) {
        KipRunProbe(&Fetch);
    }
    KiMapProbePage(FALSE);
}

/* ---- two threads guarded at once ---- */

typedef struct _KIP_GUARDED {
    ULONG Va;
    KI_FAULT Fault;
} KIP_GUARDED;

/* The other thread is inside its own guarded call by the time that this one faults. */
static ULONG KipSleepAndRead(ULONG Va)
{
    LARGE_INTEGER Moment = {.QuadPart = -1};

    KeDelayExecutionThread(KernelMode, FALSE, &Moment);
    return KipRead(Va);
}

static void KipFaultGuarded(PVOID Context)
{
    KIP_GUARDED *Guarded = Context;

    KiGuardedCall(KipSleepAndRead, Guarded->Va, &Guarded->Fault);
}

/* A guarded call inside a guarded call: the inner exception ends the inner one only. */
static ULONG KipNest(ULONG Va)
{
    KI_FAULT Inner;

    KiGuardedCall(KipRead, Va, &Inner);
    return KipRead(Inner.Happened ? Inner.Address + 1 : Va);
}

static BOOLEAN KipHit(const KIP_GUARDED *Guarded)
{
    return Guarded->Fault.Happened && Guarded->Fault.Address == Guarded->Va;
}

static void KipProbeGuards(void)
{
    KIP_GUARDED Mine = {.Va = KIP_NOT_MAPPED_USER};
    KIP_GUARDED Theirs = {.Va = KIP_NOT_MAPPED_USER + PAGE_SIZE};
    PVOID List = KI_PCR->ExceptionList;
    KI_FAULT Nested;

    if (!MiRunBeside(KipFaultGuarded, &Theirs, &Mine)) {
        KiReport(FALSE, "probe: there is no stack for a second thread");
        return;
    }
    KiGuardedCall(KipNest, Mine.Va, &Nested);
    KiReport(KipHit(&Mine) && KipHit(&Theirs) && Nested.Happened && Nested.Address == Mine.Va + 1 &&
                 KI_PCR->ExceptionList == List,
             "probe: two threads at once, each got its own exception, at %08x and %08x",
             Mine.Fault.Address, Theirs.Fault.Address);
}

void KiRunProbes(void)
{
    /* The processor tells fetches apart only with SMEP (or NX, which needs PAE). */
    const ULONG FetchBit = (KiReadCr4() & CR4_SMEP) ? KI_FAULT_FETCH : 0;
    const ULONG Write = KI_FAULT_WRITE;
    const ULONG Protected = KI_FAULT_WRITE | KI_FAULT_PRESENT;
    const ULONG PageFault = KI_TRAP_PAGE_FAULT;
    const ULONG Guard = (ULONG)KiBootStackGuard;
    const ULONG Hole = (ULONG)MiGetPteAddress(KIP_NOT_MAPPED_USER);
    const ULONG Code = (ULONG)KiImageStart;
    const ULONG Constants = (ULONG)KiConstantsStart;
    const ULONG Idt = (ULONG)KiIdt;
    const ULONG TaskGuard = (ULONG)KiDoubleFaultStackGuard;
    const KIP_PROBE Probes[] = {
        {"read of page 0", KipRead, 0, PageFault, 0, 0},
        {"write to page 0", KipWrite, 0xFFF, PageFault, Write, 0xFFF},
        {"write to code", KipWrite, Code, PageFault, Protected, Code},
        {"write to constants", KipWrite, Constants, PageFault, Protected, Constants},
        {"write to the IDT", KipWrite, Idt, PageFault, Protected, Idt},
        {"read of the stack's guard", KipRead, Guard, PageFault, 0, Guard},
        {"write to a task stack's guard", KipWrite, TaskGuard, PageFault, Write, TaskGuard},
        {"read of free user space", KipRead, KIP_NOT_MAPPED_USER, PageFault, 0,
         KIP_NOT_MAPPED_USER},
        {"fetch from free user space", KipFetch, KIP_NOT_MAPPED_USER, PageFault, FetchBit,
         KIP_NOT_MAPPED_USER},
        {"read of the last page", KipRead, KIP_NOT_MAPPED_SYSTEM, PageFault, 0,
         KIP_NOT_MAPPED_SYSTEM},
        {"read of a PTE without table", KipRead, Hole, PageFault, 0, Hole},
        {"division by zero", KipDivide, 0, TrapDivide, 0, 0},
        {"invalid opcode", KipOpcode, 0, TrapOpcode, 0, 0},
        {"overflow (INTO)", KipOverflow, 0, TrapOverflow, 0, 0},
        {"index out of bounds (BOUND)", KipBound, 2, TrapBound, 0, 0},
        {"bad segment selector", KipSelector, KIP_BAD_SELECTOR, TrapProtection, KIP_BAD_SELECTOR,
         0},
    };
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Probes); i++) {
        KipRunProbe(&Probes[i]);
    }
    KipProbeUserPage();
    KipProbeGuards();
}
