/* SPDX-License-Identifier: MIT */
/*
 * descriptors.c - GDT, IDT, and the three task-state segments.
 *
 * Double fault and NMI enter through task gates: the processor changes the whole register state,
 * the stack and CR3 from a TSS that was prepared here, so they work when the stack is gone.
 *
 * The IDT lies in .protected and is read-only after start-up.  The GDT cannot be: a task switch
 * writes the busy bit of a TSS descriptor, with the rights of an ordinary supervisor write.
 */
#include "arch/mmu.h"
#include "arch/x86/bugcheck.h"
#include "arch/x86/pcr.h"
#include "arch/x86/stacks.h"
#include "arch/x86/trap.h"
#include "rtl.h"

enum {
    GateInterrupt32 = 0x8E00,   /* present, DPL 0, interrupts off on entry */
    GateInterruptUser = 0xEE00, /* DPL 3: int 3 and int 4 are for everyone */
    GateTask = 0x8500,
};

enum {
    SegmentCode0 = 0x9B, /* present, DPL 0, code, readable, accessed */
    SegmentData0 = 0x93,
    SegmentCode3 = 0xFB,
    SegmentData3 = 0xF3,
    SegmentTss = 0x89,
    FlatFlags = 0xCF, /* 4 GB in pages, 32-bit */
    ByteFlags = 0x40, /* limit in bytes, 32-bit */
};

KGDTENTRY KiGdt[KGDT_ENTRIES] NT_ALIGNED(4096);
KIDTENTRY KiIdt[256] NT_ALIGNED(4096) __attribute__((section(".protected")));
KTSS KiTss NT_ALIGNED(128); /* a TSS must not cross a page while the processor reads it */
KTSS KiDoubleFaultTss NT_ALIGNED(128);
KTSS KiNmiTss NT_ALIGNED(128);

volatile ULONG KiNmiCount;
volatile BOOLEAN KiNmiExpected;

static void KipSetSegment(ULONG Selector, ULONG Base, ULONG Limit, UCHAR Access, UCHAR Flags)
{
    PKGDTENTRY Entry = &KiGdt[Selector / sizeof(KGDTENTRY)];

    Entry->LimitLow = (USHORT)Limit;
    Entry->BaseLow = (USHORT)Base;
    Entry->BaseMid = (UCHAR)(Base >> 16);
    Entry->BaseHigh = (UCHAR)(Base >> 24);
    Entry->Access = Access;
    Entry->Flags = (UCHAR)(Flags | ((Limit >> 16) & 0x0F));
}

static void KipSetGate(ULONG Vector, ULONG Selector, ULONG Address, USHORT Access)
{
    KiIdt[Vector].Offset = (USHORT)Address;
    KiIdt[Vector].Selector = (USHORT)Selector;
    KiIdt[Vector].Access = Access;
    KiIdt[Vector].ExtendedOffset = (USHORT)(Address >> 16);
}

static void KipBuildGdt(void)
{
    KipSetSegment(KGDT_R0_CODE, 0, 0xFFFFF, SegmentCode0, FlatFlags);
    KipSetSegment(KGDT_R0_DATA, 0, 0xFFFFF, SegmentData0, FlatFlags);
    KipSetSegment(KGDT_R3_CODE, 0, 0xFFFFF, SegmentCode3, FlatFlags);
    KipSetSegment(KGDT_R3_DATA, 0, 0xFFFFF, SegmentData3, FlatFlags);
    KipSetSegment(KGDT_TSS, (ULONG)&KiTss, sizeof(KTSS) - 1, SegmentTss, 0);
    KipSetSegment(KGDT_R0_PCR, KI_PCR_VA, PAGE_SIZE - 1, SegmentData0, ByteFlags);
    KipSetSegment(KGDT_R3_TEB, 0, PAGE_SIZE - 1, SegmentData3, ByteFlags);
    KipSetSegment(KGDT_DF_TSS, (ULONG)&KiDoubleFaultTss, sizeof(KTSS) - 1, SegmentTss, 0);
    KipSetSegment(KGDT_NMI_TSS, (ULONG)&KiNmiTss, sizeof(KTSS) - 1, SegmentTss, 0);
}

static void KipBuildIdt(void)
{
    ULONG Vector;

    for (Vector = 0; Vector < 256; Vector++) {
        KipSetGate(Vector, KGDT_R0_CODE, (ULONG)KiEntries + Vector * KI_ENTRY_BYTES,
                   GateInterrupt32);
    }
    KiIdt[KI_TRAP_BREAKPOINT].Access = GateInterruptUser;
    KiIdt[4].Access = GateInterruptUser;
    KipSetGate(KI_TRAP_DOUBLE_FAULT, KGDT_DF_TSS, 0, GateTask);
    KipSetGate(KI_TRAP_NMI, KGDT_NMI_TSS, 0, GateTask);
}

/* The double fault's task never returns: what was interrupted cannot go on. */
static NT_NORETURN void KipDoubleFaultTask(void)
{
    KiBugCheckFromTask(UNEXPECTED_KERNEL_MODE_TRAP, KI_TRAP_DOUBLE_FAULT, (ULONG)&KiTss, &KiTss);
}

/*
 * The NMI's task.  IRET switches back; the next NMI continues behind it, hence the loop.  An NMI
 * that nobody asked for is a hardware failure.
 */
static NT_NORETURN void KipNmiTask(void)
{
    for (;;) {
        if (!KiNmiExpected) {
            KiBugCheckFromTask(NMI_HARDWARE_FAILURE, 0x4F4454, 0, &KiTss);
        }
        KiNmiExpected = FALSE;
        KiNmiCount++;
        __asm__ volatile("iret" ::: "memory");
    }
}

static void KipBuildTask(PKTSS Tss, void (*Routine)(void), UCHAR *StackTop)
{
    memset(Tss, 0, sizeof(*Tss));
    Tss->Cr3 = KiCurrentDirectoryFrame() << PAGE_SHIFT;
    Tss->Eip = (ULONG)Routine;
    Tss->EFlags = 2; /* the bit that is always set; interrupts off */
    Tss->Esp = (ULONG)StackTop - sizeof(ULONG);
    Tss->Esp0 = Tss->Esp;
    Tss->Ss0 = KGDT_R0_DATA;
    Tss->Cs = KGDT_R0_CODE;
    Tss->Ss = KGDT_R0_DATA;
    Tss->Ds = KGDT_R3_DATA | 3;
    Tss->Es = KGDT_R3_DATA | 3;
    Tss->Fs = KGDT_R0_PCR;
    Tss->IoMapBase = sizeof(KTSS);
}

static void KipLoadTables(void)
{
    struct {
        USHORT Limit;
        ULONG Base;
    } NT_PACKED Gdt = {sizeof(KiGdt) - 1, (ULONG)KiGdt}, Idt = {sizeof(KiIdt) - 1, (ULONG)KiIdt};

    __asm__ volatile("lgdt %0\n\t"
                     "ljmp %1, $1f\n"
                     "1:\n\t"
                     "mov %2, %%ss\n\t"
                     "mov %3, %%ds\n\t"
                     "mov %3, %%es\n\t"
                     "mov %4, %%fs\n\t"
                     "mov %5, %%gs\n\t"
                     "lidt %6\n\t"
                     "ltr %w7"
                     :
                     : "m"(Gdt), "i"(KGDT_R0_CODE), "r"(KGDT_R0_DATA), "r"(KGDT_R3_DATA | 3),
                       "r"(KGDT_R0_PCR), "r"(0), "m"(Idt), "r"(KGDT_TSS)
                     : "memory");
}

void KiInitializeDescriptorTables(void)
{
    volatile KPCR *Pcr = KI_PCR;

    KipBuildGdt();
    KipBuildIdt();
    KipBuildTask(&KiTss, NULL, KiBootStackTop);
    KipBuildTask(&KiDoubleFaultTss, KipDoubleFaultTask, KiDoubleFaultStackTop);
    KipBuildTask(&KiNmiTss, KipNmiTask, KiNmiStackTop);

    Pcr->ExceptionList = EXCEPTION_CHAIN_END;
    Pcr->StackBase = KiBootStackTop;
    Pcr->StackLimit = (PVOID)((ULONG)KiBootStackTop - KERNEL_STACK_BYTES);
    Pcr->Self = Pcr->SelfPcr = (PKPCR)KI_PCR_VA;
    Pcr->Irql = HIGH_LEVEL;
    Pcr->IDT = KiIdt;
    Pcr->GDT = KiGdt;
    Pcr->TSS = &KiTss;
    Pcr->MajorVersion = 1;
    Pcr->MinorVersion = 1;
    KipLoadTables();
}

/* ---- the running stack's part of the PCR: KiSwapStack (trap.S) changes it ---- */

void NTAPI IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit)
{
    *LowLimit = (ULONG_PTR)KI_PCR->StackLimit;
    *HighLimit = (ULONG_PTR)KI_PCR->StackBase;
}

PVOID KiExchangeExceptionList(PVOID List)
{
    PVOID Old = KI_PCR->ExceptionList;

    KI_PCR->ExceptionList = List;
    return Old;
}
