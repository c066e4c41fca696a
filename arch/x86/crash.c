/* SPDX-License-Identifier: MIT */
/*
 * crash.c - bug checks on purpose: /RUN=crash:<kind>, and the prompt's .crash.
 *
 * Each kind does the forbidden thing itself; nothing here calls KeBugCheckEx but
 * "manual", "nested" and "screen".
 */
#include "arch/cpu.h"
#include "arch/x86/apic.h"
#include "arch/x86/bugcheck.h"
#include "arch/x86/irql.h"
#include "arch/x86/kernel.h"
#include "arch/x86/mmu.h"
#include "arch/x86/symbols.h"
#include "mm_machine.h"
#include "rtl.h"

/* Paged pool that nobody has had yet. */
#define KIP_NOBODYS 0xE17FF000

const char KiCrashKinds[] = "null readonly stack divide opcode irql unmapped "
                            "breakpoint nmi raise lower esp handler nested screen manual";

/* Through a variable: the compiler knows that nothing lies at a constant near 0. */
static void KipReadNull(void)
{
    volatile ULONG_PTR Null = 0;

    (void)*(volatile ULONG *)(Null + 8);
}

static void KipWriteCode(void)
{
    *(volatile UCHAR *)KiImageStart = 0;
}

/* Each call keeps half a page of the stack; one of them touches the guard. */
static ULONG KipRecurse(ULONG Depth)
{
    volatile UCHAR Page[PAGE_SIZE / 2];

    Page[0] = (UCHAR)Depth;
    return Depth == 0 ? 0 : KipRecurse(Depth - 1) + Page[0];
}

static void KipOverflowStack(void)
{
    KipRecurse(1000);
}

static void KipDivide(void)
{
    volatile ULONG Zero = 0;
    volatile ULONG Result = 1;

    __asm__ volatile("divl %1" : "+a"(Result) : "m"(Zero), "d"(0));
}

static void KipOpcode(void)
{
    __asm__ volatile("ud2");
}

/* An address of paged pool to come: not mapped, touched where no page fault is allowed. */
static void KipTouchAtDispatch(void)
{
    KfRaiseIrql(DISPATCH_LEVEL);
    (void)*(volatile ULONG *)KIP_NOBODYS;
}

static void KipBreakpoint(void)
{
    __asm__ volatile("int3");
}

static void KipNmi(void)
{
    HalSendSelfNmi();
    KeStallExecutionProcessor(1000);
}

/* Read of an address that nothing maps, where a page fault is allowed but cannot be helped. */
static void KipReadUnmapped(void)
{
    (void)*(volatile ULONG *)KIP_NOBODYS;
}

/* "Raise" to a lower level, and "lower" to a higher one. */
static void KipRaiseDown(void)
{
    KfRaiseIrql(DISPATCH_LEVEL);
    KfRaiseIrql(APC_LEVEL);
}

static void KipLowerUp(void)
{
    KfLowerIrql(DISPATCH_LEVEL);
}

/* A stack pointer that points nowhere: the page fault cannot be pushed. */
static void KipLoseStack(void)
{
    __asm__ volatile("mov $0x10000, %%esp; push %%eax" ::: "memory");
}

/* A fault in an interrupt's handler, while what it interrupted runs guarded. */
static void KipFaultyHandler(PKTRAP_FRAME Frame)
{
    (void)Frame;
    KipReadNull();
}

static ULONG KipTakeFaultyInterrupt(ULONG Unused)
{
    (void)Unused;
    __asm__ volatile("int %0" : : "i"(KI_VECTOR_TEST) : "memory");
    return 0;
}

static void KipFaultInHandler(void)
{
    KI_FAULT Fault;

    KiConnectInterrupt(KI_VECTOR_TEST, CLOCK2_LEVEL, KipFaultyHandler);
    KiGuardedCall(KipTakeFaultyInterrupt, 0, &Fault);
}

/* Faults that follow each other: the framebuffer is gone, and everything printed is drawn. */
static void KipStopWithoutScreen(void)
{
    HalUnmapFramebuffer();
    KeBugCheckEx(MANUALLY_INITIATED_CRASH, 2, 0, 0, 0);
}

/* A fault inside the stop screen: its symbols are gone. */
static void KipStopBadly(void)
{
    KiInitializeSymbols((const char *)KIP_NOBODYS, PAGE_SIZE, 0);
    KeBugCheckEx(MANUALLY_INITIATED_CRASH, 1, 0, 0, 0);
}

static void KipManual(void)
{
    KeBugCheckEx(MANUALLY_INITIATED_CRASH, 0, 0, 0, 0);
}

void KiCrash(const char *Kind)
{
    static const struct {
        const char *Name;
        void (*Routine)(void);
    } Kinds[] = {
        {"null", KipReadNull},
        {"readonly", KipWriteCode},
        {"stack", KipOverflowStack},
        {"divide", KipDivide},
        {"opcode", KipOpcode},
        {"irql", KipTouchAtDispatch},
        {"unmapped", KipReadUnmapped},
        {"raise", KipRaiseDown},
        {"lower", KipLowerUp},
        {"esp", KipLoseStack},
        {"handler", KipFaultInHandler},
        {"nested", KipStopBadly},
        {"screen", KipStopWithoutScreen},
        {"breakpoint", KipBreakpoint},
        {"nmi", KipNmi},
        {"manual", KipManual},
    };
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Kinds); i++) {
        if (strcmp(Kind, Kinds[i].Name) == 0) {
            Kinds[i].Routine();
        }
    }
    MmCrash(Kind);
}
