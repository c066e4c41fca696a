/* SPDX-License-Identifier: MIT */
/*
 * debug.c - the machine as the monitor sees it: arch/debug.h over what the other files know.
 */
#include "arch/debug.h"

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "arch/x86/irql.h"
#include "arch/x86/kernel.h"
#include "arch/x86/mmu.h"
#include "arch/x86/pcr.h"
#include "arch/x86/power.h"
#include "arch/x86/print.h"
#include "arch/x86/stack_trace.h"
#include "arch/x86/symbols.h"
#include "arch/x86/trap.h"
#include "example.h"
#include "mm_machine.h"
#include "rtl.h"
#include "system_volume.h"

/* capture.S knows these offsets. */
NT_C_ASSERT(FIELD_OFFSET(KD_REGISTERS, Ebx) == 0x04);
NT_C_ASSERT(FIELD_OFFSET(KD_REGISTERS, Edi) == 0x14);
NT_C_ASSERT(FIELD_OFFSET(KD_REGISTERS, Eip) == 0x18);
NT_C_ASSERT(FIELD_OFFSET(KD_REGISTERS, EFlags) == 0x24);
NT_C_ASSERT(FIELD_OFFSET(KD_REGISTERS, Cs) == 0x28);
NT_C_ASSERT(FIELD_OFFSET(KD_REGISTERS, Gs) == 0x3C);
NT_C_ASSERT(FIELD_OFFSET(KD_REGISTERS, Cr0) == 0x40);
NT_C_ASSERT(sizeof(KD_REGISTERS) == 0x50);

/* ---- symbols ---- */

NT_C_ASSERT(KD_SYMBOL_BYTES == KI_SYMBOL_BYTES);

BOOLEAN KdFindSymbol(ULONG_PTR Address, char Name[KD_SYMBOL_BYTES], PULONG_PTR Offset)
{
    ULONG Distance;

    if (!KiFindSymbol(Address, Name, KD_SYMBOL_BYTES, &Distance)) {
        return FALSE;
    }
    *Offset = Distance;
    return TRUE;
}

BOOLEAN KdNextSymbol(PSIZE_T Position, char Name[KD_SYMBOL_BYTES], PULONG_PTR Address)
{
    ULONG Value;

    if (!KiNextSymbol(Position, Name, KD_SYMBOL_BYTES, &Value)) {
        return FALSE;
    }
    *Address = Value;
    return TRUE;
}

void KdQueryKernelImage(PULONG_PTR Start, PULONG_PTR End)
{
    *Start = (ULONG_PTR)KiImageStart;
    *End = (ULONG_PTR)KiImageEnd;
}

/* ---- stacks ---- */

ULONG KdTraceStack(const KD_STACK_STATE *State, PKD_STACK_FRAME Frames, ULONG Limit)
{
    static KI_STACK_FRAME Found[KD_STACK_FRAMES];
    const KI_STACK_STATE Start = {State->Eip, State->Esp, State->Ebp, State->InCall};
    ULONG Count = KiTraceStack(&Start, KiReadMappedMemory, Found, Limit);
    ULONG i;

    for (i = 0; i < Count; i++) {
        Frames[i] =
            (KD_STACK_FRAME){Found[i].ChildEbp, Found[i].RetAddr, Found[i].Eip, Found[i].InCall};
    }
    return Count;
}

/* ---- tables ---- */

/* What a vector's interrupts reach in the end stands in a table of irql.c, not in the IDT. */
void KdReadGate(ULONG Vector, PKD_GATE Gate)
{
    const KIDTENTRY *Entry = &KiIdt[Vector];

    Gate->Entry = (ULONG_PTR)Entry->ExtendedOffset << 16 | Entry->Offset;
    Gate->Routine = Vector < KI_TRAP_EXCEPTIONS ? 0 : (ULONG_PTR)KiInterruptRoutine(Vector);
    Gate->Selector = Entry->Selector;
    Gate->Type = Entry->Access >> 8 & 0x0F;
    Gate->Dpl = Entry->Access >> 13 & 3;
    Gate->Present = Entry->Access >> 15 & 1;
}

BOOLEAN KdReadDescriptor(ULONG Selector, PKD_DESCRIPTOR Descriptor)
{
    const KGDTENTRY *Entry = &KiGdt[Selector / sizeof(KGDTENTRY)];
    ULONG Limit;

    if (Selector / sizeof(KGDTENTRY) >= KGDT_ENTRIES) {
        return FALSE;
    }
    Limit = Entry->LimitLow | (ULONG)(Entry->Flags & 0x0F) << 16;
    Descriptor->Base = Entry->BaseLow | (ULONG)Entry->BaseMid << 16 | (ULONG)Entry->BaseHigh << 24;
    Descriptor->Limit = Entry->Flags & 0x80 ? Limit << PAGE_SHIFT | (PAGE_SIZE - 1) : Limit;
    Descriptor->Access = Entry->Access;
    Descriptor->Flags = Entry->Flags & 0xF0;
    return TRUE;
}

void KdReadPcr(PKD_PCR Pcr)
{
    Pcr->Address = KI_PCR_VA;
    Pcr->ExceptionList = (ULONG_PTR)KI_PCR->ExceptionList;
    Pcr->StackBase = (ULONG_PTR)KI_PCR->StackBase;
    Pcr->StackLimit = (ULONG_PTR)KI_PCR->StackLimit;
    Pcr->SelfPcr = (ULONG_PTR)KI_PCR->SelfPcr;
    Pcr->Prcb = (ULONG_PTR)KI_PCR->Prcb;
    Pcr->Irql = KI_PCR->Irql;
    Pcr->Irr = KI_PCR->IRR;
    Pcr->Idr = KI_PCR->IDR;
    Pcr->Idt = (ULONG_PTR)KI_PCR->IDT;
    Pcr->Gdt = (ULONG_PTR)KI_PCR->GDT;
    Pcr->Tss = (ULONG_PTR)KI_PCR->TSS;
}

/* HalCopyPhysical has one window: nobody else may use it meanwhile. */
BOOLEAN KdReadPhysical(ULONG64 Physical, PVOID Buffer, ULONG Bytes)
{
    KIRQL Old = KfRaiseIrql(DISPATCH_LEVEL);
    BOOLEAN Read = HalCopyPhysical(NULL, Physical, Buffer, Bytes);

    KfLowerIrql(Old);
    return Read;
}

/* ---- the machine as a whole ---- */

void KdDescribe(KD_TOPIC Topic)
{
    switch (Topic) {
    case KdTopicVersion:
        KiDescribeBuild();
        break;
    case KdTopicMachine:
        KiDescribeFirmware();
        KiDescribeProcessor();
        KiDescribeSwitch();
        KiDescribeDevices();
        break;
    case KdTopicMemory:
        KiDescribeMemory();
        break;
    }
}

void KdRunReport(void)
{
    KiRunReport();
    KiReportVerdict();
}

BOOLEAN KdReport(BOOLEAN Passed, const char *Text)
{
    return KiReport(Passed, "%s", Text);
}

BOOLEAN KdQueryScript(const char **Text, PSIZE_T Bytes)
{
    const LOADER_MODULE *Module = &KiLoaderBlock->Modules[LoaderModuleScript];

    if (Module->Va == 0) {
        return FALSE;
    }
    *Text = (const char *)Module->Va;
    *Bytes = Module->Bytes;
    return TRUE;
}

/* The machine's own, then the memory manager's. */
const char *KdCrashKinds(void)
{
    static char Kinds[512];

    (void)RtlStringCbPrintfA(Kinds, sizeof(Kinds), "%s %s", KiCrashKinds, MmCrashKinds);
    return Kinds;
}

void KdCrash(const char *Kind)
{
    KiCrash(Kind);
}

NT_NORETURN void KdReboot(void)
{
    MiEndExample();
    IoShutdownVolumes();
    HalReset();
}

NT_NORETURN void KdShutdown(void)
{
    KiEndRun();
}
