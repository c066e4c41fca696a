/* SPDX-License-Identifier: MIT */
/*
 * machine_commands.c - the processor's state and the machine as a whole: r, !irql, !pcr, !idt, dg,
 * version, report, .crash and the like.
 *
 * What the machine is made of comes from include/arch/debug.h.  The monitor runs on the machine
 * that it shows: its registers are those of the command that was called, and cannot be changed.
 */
#include "arch/cpu.h"
#include "mm/inspect/commands.h"
#include "mm/inspect/debugger.h"
#include "mm/inspect/expression.h"
#include "mm/ke/dispatcher.h"
#include "mm/ke/thread.h"
#include "rtl.h"

/* ---- r ---- */

/* As WinDbg writes the flags: a word of two letters for each, set or clear. */
static void MipPrintFlags(ULONG EFlags)
{
    static const struct {
        UCHAR Bit;
        const char *Set;
        const char *Clear;
    } Flags[] = {
        {11, "ov", "nv"}, {10, "dn", "up"}, {9, "ei", "di"}, {7, "ng", "pl"},
        {6, "zr", "nz"},  {4, "ac", "na"},  {2, "pe", "po"}, {0, "cy", "nc"},
    };
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Flags); i++) {
        MiPrint(" %s", EFlags >> Flags[i].Bit & 1 ? Flags[i].Set : Flags[i].Clear);
    }
}

static void MipPrintRegisters(const KD_REGISTERS *R)
{
    char Name[MI_NAME_BYTES];

    MiPrint("eax=%08x ebx=%08x ecx=%08x edx=%08x esi=%08x edi=%08x\n", R->Eax, R->Ebx, R->Ecx,
            R->Edx, R->Esi, R->Edi);
    MiPrint("eip=%08x esp=%08x ebp=%08x iopl=%u        ", R->Eip, R->Esp, R->Ebp,
            R->EFlags >> 12 & 3);
    MipPrintFlags(R->EFlags);
    MiPrint("\ncs=%04x  ss=%04x  ds=%04x  es=%04x  fs=%04x  gs=%04x             efl=%08x\n", R->Cs,
            R->Ss, R->Ds, R->Es, R->Fs, R->Gs, R->EFlags);
    MiPrint("cr0=%08x cr2=%08x cr3=%08x cr4=%08x\n", R->Cr0, R->Cr2, R->Cr3, R->Cr4);
    if (MiNameAddress(R->Eip, Name)) {
        MiPrint("%s:\n", Name);
    }
}

void MiRegistersCommand(const char *Arguments)
{
    char Name[MI_WORD_BYTES];
    const char *Register = Name;
    ULONG_PTR Value;

    if (*Arguments == 0) {
        MipPrintRegisters(&MiRegisters);
        return;
    }
    if (RtlFindText(Arguments, "=") != NULL) {
        MiFail("The registers are the monitor's own and cannot be changed.");
        return;
    }
    while (MiTakeWord(&Arguments, Name)) {
        Register = Name + (Name[0] == '@');
        if (!MiFindRegister(Register, &Value)) {
            MiFail("There is no register called \"%s\".", Register);
            return;
        }
        MiPrint("%s=%08lx\n", Register, (unsigned long)Value);
    }
    if (*Arguments != 0) {
        MiFail("No register has so long a name.");
    }
}

/* ---- !irql, !pcr, !idt, dg ---- */

static const char *MipIrqlName(ULONG Irql)
{
    switch (Irql) {
    case PASSIVE_LEVEL:
        return "LOW_LEVEL";
    case APC_LEVEL:
        return "APC_LEVEL";
    case DISPATCH_LEVEL:
        return "DISPATCH_LEVEL";
    case PROFILE_LEVEL:
        return "PROFILE_LEVEL";
    case CLOCK2_LEVEL:
        return "CLOCK2_LEVEL";
    case IPI_LEVEL:
        return "IPI_LEVEL";
    case POWER_LEVEL:
        return "POWER_LEVEL";
    case HIGH_LEVEL:
        return "HIGH_LEVEL";
    default:
        return "DEVICE_LEVEL";
    }
}

void MiIrqlCommand(const char *Arguments)
{
    ULONG Irql = KeGetCurrentIrql();

    if (MiTakeEnd(Arguments)) {
        MiPrint("Debugger saved IRQL for processor 0x0 -- %u (%s)\n", Irql, MipIrqlName(Irql));
    }
}

static void MipPrintField(const char *Name, ULONG_PTR Value)
{
    MiPrint("%24s: %08lx\n", Name, (unsigned long)Value);
}

void MiPcrCommand(const char *Arguments)
{
    KD_PCR Pcr;

    if (!MiTakeEnd(Arguments)) {
        return;
    }
    KdReadPcr(&Pcr);
    MiPrint("KPCR for Processor 0 at %08lx:\n", (unsigned long)Pcr.Address);
    MiPrint("    Major 1 Minor 1\n");
    MipPrintField("NtTib.ExceptionList", Pcr.ExceptionList);
    MipPrintField("NtTib.StackBase", Pcr.StackBase);
    MipPrintField("NtTib.StackLimit", Pcr.StackLimit);
    MipPrintField("SelfPcr", Pcr.SelfPcr);
    MipPrintField("Prcb", Pcr.Prcb);
    MipPrintField("Irql", Pcr.Irql);
    MipPrintField("IRR", Pcr.Irr);
    MipPrintField("IDR", Pcr.Idr);
    MipPrintField("IDT", Pcr.Idt);
    MipPrintField("GDT", Pcr.Gdt);
    MipPrintField("TSS", Pcr.Tss);
    MipPrintField("CurrentThread", (ULONG_PTR)KeGetCurrentThread());
    MipPrintField("IdleThread", (ULONG_PTR)&KiIdleThread);
}

static void MipPrintGate(ULONG Vector)
{
    char Name[MI_NAME_BYTES];
    KD_GATE Gate;

    KdReadGate(Vector, &Gate);
    if (!Gate.Present) {
        MiPrint("%02x:  not present\n", Vector);
        return;
    }
    if (Gate.Type == 5) {
        MiPrint("%02x:  Task Selector = 0x%04x\n", Vector, Gate.Selector);
        return;
    }
    (void)MiNameAddress(Gate.Routine != 0 ? Gate.Routine : Gate.Entry, Name);
    MiPrint("%02x:  %08lx %s", Vector, (unsigned long)Gate.Entry, Name);
    MiPrint(Gate.Dpl != 0 ? "  (DPL %u)\n" : "\n", Gate.Dpl);
}

/* !idt, !idt -a, !idt vector */
void MiIdtCommand(const char *Arguments)
{
    BOOLEAN All = strcmp(Arguments, "-a") == 0;
    ULONG_PTR Chosen = KD_VECTORS;
    ULONG Vector;
    KD_GATE Gate;

    if (!All && (!MiTakeOptional(&Arguments, KD_VECTORS, &Chosen) || !MiTakeEnd(Arguments))) {
        return;
    }
    if (Chosen > KD_VECTORS) {
        MiFail("Vectors end at %x.", KD_VECTORS - 1);
        return;
    }
    MiPrint("Dumping IDT:\n");
    for (Vector = 0; Vector < KD_VECTORS && !MiStopRequested(); Vector++) {
        KdReadGate(Vector, &Gate);
        if (Chosen == KD_VECTORS ? All || Gate.Routine != 0 || Vector < 0x20 : Vector == Chosen) {
            MipPrintGate(Vector);
        }
    }
}

/* "Code RE Ac": what WinDbg's dg says of a descriptor's type. */
static const char *MipSegmentType(UCHAR Access)
{
    static const char *const Types[] = {"Data RO", "Data RW", "Data RO E", "Data RW E",
                                        "Code EO", "Code RE", "Code EO C", "Code RE C"};

    if (!(Access & 0x10)) {
        switch (Access & 0x0F) {
        case 0x2:
            return "LDT";
        case 0x5:
            return "Task Gate";
        case 0x9:
            return "TSS32 Avl";
        case 0xB:
            return "TSS32 Busy";
        default:
            return "<Reserved>";
        }
    }
    return Types[Access >> 1 & 7];
}

static void MipPrintDescriptor(ULONG Selector, const KD_DESCRIPTOR *Descriptor)
{
    MiPrint("%04X %08x %08x %-10s %u %-2s %-2s %-2s %-2s %08x\n", Selector, Descriptor->Base,
            Descriptor->Limit, MipSegmentType(Descriptor->Access), Descriptor->Access >> 5 & 3,
            Descriptor->Flags & 0x40 ? "Bg" : "Sm", Descriptor->Flags & 0x80 ? "Pg" : "By",
            Descriptor->Access & 0x80 ? "P" : "Np", Descriptor->Flags & 0x20 ? "Lo" : "Nl",
            (unsigned)(Descriptor->Flags << 8 | Descriptor->Access));
}

/* dg selector [last] */
void MiDescriptorCommand(const char *Arguments)
{
    KD_DESCRIPTOR Descriptor;
    ULONG_PTR Selector;
    ULONG_PTR Last;
    NTSTATUS Status = MiTakeArgument(&Arguments, &Selector);

    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("The selector is missing.");
    }
    if (!NT_SUCCESS(Status) || !MiTakeOptional(&Arguments, Selector, &Last) ||
        !MiTakeEnd(Arguments)) {
        return;
    }
    Selector &= ~(ULONG_PTR)7; /* the lowest bits are table and privilege */
    if (!KdReadDescriptor((ULONG)Selector, &Descriptor) || Selector > 0xFFFF) {
        MiFail("Selector %04lx lies behind the end of the table.", (unsigned long)Selector);
        return;
    }
    MiPrint("                                   P Si Gr Pr Lo\n"
            "Sel    Base     Limit     Type     l ze an es ng Flags\n"
            "---- -------- -------- ---------- - -- -- -- -- --------\n");
    for (; Selector <= Last && KdReadDescriptor((ULONG)Selector, &Descriptor); Selector += 8) {
        MipPrintDescriptor((ULONG)Selector, &Descriptor);
    }
}

/* ---- the machine as a whole ---- */

void MiVersionCommand(const char *Arguments)
{
    if (MiTakeEnd(Arguments)) {
        KdDescribe(KdTopicVersion);
    }
}

void MiTargetCommand(const char *Arguments)
{
    if (MiTakeEnd(Arguments)) {
        KdDescribe(KdTopicVersion);
        KdDescribe(KdTopicMachine);
    }
}

void MiMemoryMapCommand(const char *Arguments)
{
    if (MiTakeEnd(Arguments)) {
        KdDescribe(KdTopicMemory);
    }
}

void MiReportCommand(const char *Arguments)
{
    if (MiTakeEnd(Arguments)) {
        MiRunInSystemProcess(KdRunReport);
    }
}

void MiEchoCommand(const char *Arguments)
{
    MiPrint("%s\n", Arguments);
}

/* A script's own check. */
void MiAssertCommand(const char *Arguments)
{
    ULONG_PTR Value;
    NTSTATUS Status = MiTakeWholeExpression(Arguments, &Value);

    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("The expression is missing.");
    } else if (NT_SUCCESS(Status) && Value == 0) {
        MiFail("\"%s\" is 0.", Arguments);
    }
}

void MiCrashCommand(const char *Arguments)
{
    if (strcmp(Arguments, "?") == 0) {
        MiPrint("%s\n", KdCrashKinds());
        return;
    }
    KdCrash(*Arguments == 0 ? "manual" : Arguments);
    MiFail("\"%s\" is not a kind of crash; there are: %s", Arguments, KdCrashKinds());
}

/* Without arguments what WinDbg says of a system that has not stopped; with them: stop. */
void MiBugCheckCommand(const char *Arguments)
{
    ULONG_PTR Values[5];
    BOOLEAN Given = *Arguments != 0;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Values); i++) {
        if (!MiTakeOptional(&Arguments, 0, &Values[i])) {
            return;
        }
    }
    if (!MiTakeEnd(Arguments)) {
        return;
    }
    if (Given) {
        KeBugCheckEx((ULONG)Values[0], Values[1], Values[2], Values[3], Values[4]);
    }
    MiPrint("Bugcheck code %08lx\nArguments %08lx %08lx %08lx %08lx\n", (unsigned long)Values[0],
            (unsigned long)Values[1], (unsigned long)Values[2], (unsigned long)Values[3],
            (unsigned long)Values[4]);
}

void MiRebootCommand(const char *Arguments)
{
    if (MiTakeEnd(Arguments)) {
        MiEndScript();
        MiRunInSystemProcess(KdReboot);
    }
}

void MiShutdownCommand(const char *Arguments)
{
    if (MiTakeEnd(Arguments)) {
        MiEndScript();
        MiRunInSystemProcess(KdShutdown);
    }
}
