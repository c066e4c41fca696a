/* SPDX-License-Identifier: MIT */
/*
 * debug.c - arch/debug.h for the simulated machine: tables that tests set, and words on the console
 * where the real machine does something.
 */
#include "tests/host/debug.h"

#include "nt/bugcodes.h"
#include "tests/host/machine_i.h"

#include <stdio.h>
#include <string.h>

KD_REGISTERS HostRegisters;
ULONG HostReportsPassed;
ULONG HostReportsFailed;

static const HOST_SYMBOL *Symbols;
static ULONG SymbolCount;
static const char *Script;

static void Say(const char *Text)
{
    KiConsoleWrite(Text, strlen(Text));
}

void HostDebugReset(void)
{
    memset(&HostRegisters, 0, sizeof(HostRegisters));
    HostReportsPassed = 0;
    HostReportsFailed = 0;
    HostSetSymbols(NULL, 0);
    HostSetScript(NULL);
}

void HostSetSymbols(const HOST_SYMBOL *Table, ULONG Count)
{
    Symbols = Table;
    SymbolCount = Count;
}

void HostSetScript(const char *Text)
{
    Script = Text;
}

/* ---- symbols and registers ---- */

BOOLEAN KdNextSymbol(PSIZE_T Position, char Name[KD_SYMBOL_BYTES], PULONG_PTR Address)
{
    if (*Position >= SymbolCount) {
        return FALSE;
    }
    snprintf(Name, KD_SYMBOL_BYTES, "%s", Symbols[*Position].Name);
    *Address = Symbols[*Position].Address;
    (*Position)++;
    return TRUE;
}

BOOLEAN KdFindSymbol(ULONG_PTR Address, char Name[KD_SYMBOL_BYTES], PULONG_PTR Offset)
{
    ULONG Index = SymbolCount;

    Name[0] = 0;
    while (Index != 0 && Symbols[Index - 1].Address > Address) {
        Index--;
    }
    if (Index == 0) {
        return FALSE;
    }
    snprintf(Name, KD_SYMBOL_BYTES, "%s", Symbols[Index - 1].Name);
    *Offset = Address - Symbols[Index - 1].Address;
    return TRUE;
}

void KdQueryKernelImage(PULONG_PTR Start, PULONG_PTR End)
{
    *Start = HOST_KERNEL_START;
    *End = HOST_KERNEL_END;
}

void KdCaptureRegisters(PKD_REGISTERS Registers)
{
    *Registers = HostRegisters;
}

/* ---- stacks: the chain of EBP alone ---- */

/* A word of the machine's memory, past its TLB and its fault handler. */
static BOOLEAN ReadWord(ULONG_PTR Va, PULONG Value)
{
    PMMPTE Pte = HostFindPte(KiCurrentDirectoryFrame(), Va);

    if (Va % sizeof(ULONG) != 0 || Pte == NULL || !Pte->Hard.Valid) {
        return FALSE;
    }
    memcpy(Value, (PUCHAR)HostFrame(Pte->Hard.PageFrameNumber) + Va % PAGE_SIZE, sizeof(*Value));
    return TRUE;
}

ULONG KdTraceStack(const KD_STACK_STATE *State, PKD_STACK_FRAME Frames, ULONG Limit)
{
    KD_STACK_FRAME Frame = {State->Ebp, 0, State->Eip, State->InCall};
    ULONG Count = 0;
    ULONG Ebp;
    ULONG ReturnAddress;

    HostpRequire(Limit <= KD_STACK_FRAMES, Limit);
    while (Count < Limit && ReadWord(Frame.ChildEbp, &Ebp) &&
           ReadWord(Frame.ChildEbp + sizeof(ULONG), &ReturnAddress)) {
        Frame.ReturnAddress = ReturnAddress;
        Frames[Count++] = Frame;
        if (ReturnAddress == 0 || Ebp <= Frame.ChildEbp) {
            break;
        }
        Frame = (KD_STACK_FRAME){Ebp, 0, ReturnAddress, TRUE};
    }
    return Count;
}

/* ---- tables ---- */

void KdReadGate(ULONG Vector, PKD_GATE Gate)
{
    HostpRequire(Vector < KD_VECTORS, Vector);
    Gate->Entry = HOST_KERNEL_START + 0x100 + Vector * 16;
    Gate->Routine = Vector == HOST_GATE_CONNECTED ? HOST_KERNEL_START : 0;
    Gate->Selector = Vector == HOST_GATE_TASK ? 0x50 : 8;
    Gate->Type = Vector == HOST_GATE_TASK ? 5 : 0xE;
    Gate->Dpl = Vector == 3 ? 3 : 0;
    Gate->Present = Vector != HOST_GATE_NOT_PRESENT;
}

BOOLEAN KdReadDescriptor(ULONG Selector, PKD_DESCRIPTOR Descriptor)
{
    static const KD_DESCRIPTOR Table[HOST_DESCRIPTORS] = {
        {0, 0, 0, 0}, {0, 0xFFFFFFFF, 0x9B, 0xC0}, {0x80801000, 0x67, 0x8B, 0}};

    if (Selector / 8 >= HOST_DESCRIPTORS) {
        return FALSE;
    }
    *Descriptor = Table[Selector / 8];
    return TRUE;
}

void KdReadPcr(PKD_PCR Pcr)
{
    memset(Pcr, 0, sizeof(*Pcr));
    Pcr->Address = 0xFFDFF000;
    Pcr->SelfPcr = 0xFFDFF000;
    Pcr->Irql = KeGetCurrentIrql();
}

BOOLEAN KdReadPhysical(ULONG64 Physical, PVOID Buffer, ULONG Bytes)
{
    ULONG64 End = (ULONG64)HostpFrameCount() << PAGE_SHIFT;
    PUCHAR To = Buffer;

    if (Physical > End || Bytes > End - Physical) {
        return FALSE;
    }
    for (; Bytes != 0; Physical++, To++, Bytes--) {
        *To = ((PUCHAR)HostFrame((PFN_NUMBER)(Physical >> PAGE_SHIFT)))[Physical % PAGE_SIZE];
    }
    return TRUE;
}

/* ---- the machine as a whole ---- */

void KdDescribe(KD_TOPIC Topic)
{
    static const char *const Words[] = {"version\n", "machine\n", "memory\n"};

    Say(Words[Topic]);
}

void KdRunReport(void)
{
    Say("report\n");
}

BOOLEAN KdReport(BOOLEAN Passed, const char *Text)
{
    HostReportsPassed += Passed;
    HostReportsFailed += !Passed;
    Say(Passed ? "ok - " : "not ok - ");
    Say(Text);
    Say("\n");
    return Passed;
}

BOOLEAN KdQueryScript(const char **Text, PSIZE_T Bytes)
{
    if (Script == NULL) {
        return FALSE;
    }
    *Text = Script;
    *Bytes = strlen(Script);
    return TRUE;
}

const char *KdCrashKinds(void)
{
    return "manual";
}

void KdCrash(const char *Kind)
{
    if (strcmp(Kind, "manual") == 0) {
        KeBugCheckEx(MANUALLY_INITIATED_CRASH, 0, 0, 0, 0);
    }
}

NT_NORETURN void KdReboot(void)
{
    KeBugCheckEx(HOST_BUGCHECK_REBOOT, 0, 0, 0, 0);
}

NT_NORETURN void KdShutdown(void)
{
    KeBugCheckEx(HOST_BUGCHECK_POWER, 0, 0, 0, 0);
}
