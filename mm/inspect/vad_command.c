/* SPDX-License-Identifier: MIT */
/*
 * vad_command.c - !vad.
 *
 *     !vad             the descriptors of the process that the monitor looks at, by address
 *     !vad <root>      the same; <root> is that process' VadRoot, or a process
 *     !vad <vad> 1     one descriptor in full
 *
 * Start and end are page numbers, as users know them from WinDbg.
 */
#include "mm/inspect/commands.h"

#include "io_objects.h"
#include "mm/section/section.h"
#include "mm/space/user_page.h"

typedef struct _MIP_TOTALS {
    ULONG Vads;
    ULONG Levels; /* their sum */
    ULONG Deepest;
} MIP_TOTALS;

/* The root is at level 1. */
static ULONG MipLevel(const MMVAD *Vad)
{
    const RTL_BALANCED_NODE *Node = &Vad->Node;
    ULONG Level = 1;

    for (; Node->Parent != NULL; Node = Node->Parent) {
        Level++;
    }
    return Level;
}

/* => A view of the area keeps it, and the area its file. */
static void MipPrintBacking(const CONTROL_AREA *Area)
{
    if (Area->u.Flags.PhysicalMemory) {
        MiPrint("  Physical memory");
    } else if (Area->FilePointer == NULL) {
        MiPrint("  Pagefile section, shared commit %x", Area->Segment->NumberOfCommittedPages);
    } else {
        MiPrint("  ");
        MiPrintWideName(&Area->FilePointer->FileName);
    }
}

static const char *MipKind(const MMVAD *Vad)
{
    if (MiIsPhysicalView(Vad)) {
        return "Phys   ";
    }
    return MiIsView(Vad) ? "Mapped " : "Private";
}

static void MipPrintVad(const MMVAD *Vad, ULONG Level)
{
    ULONG Protection = Vad->u.VadFlags.Protection;

    MiPrint("%08X (%2u)  %8x  %8x  %6u  %s  %s%s", (ULONG)(ULONG_PTR)Vad, Level, Vad->StartingVpn,
            Vad->EndingVpn, Vad->u.VadFlags.CommitCharge, MipKind(Vad),
            MiProtectionName(Protection),
            Vad->u.VadFlags.ImageMap     ? " Exe"
            : Vad->u.VadFlags.WriteWatch ? " WriteWatch"
                                         : "");
    if (MiIsView(Vad)) {
        MipPrintBacking(MiViewOf(Vad)->ControlArea);
    }
    MiPrint("\n");
}

static void MipPrintTree(PEPROCESS Process)
{
    MIP_TOTALS Totals = {0, 0, 0};
    PMMVAD Vad;

    MiPrint("VAD      level     start       end  commit\n");
    for (Vad = MiVadOf(RtlAvlFirstNode(&Process->VadRoot)); Vad != NULL && !MiStopRequested();
         Vad = MiNextVad(Vad)) {
        ULONG Level = MipLevel(Vad);

        MipPrintVad(Vad, Level);
        Totals.Vads++;
        Totals.Levels += Level;
        Totals.Deepest = Level > Totals.Deepest ? Level : Totals.Deepest;
    }
    MiPrint("Total VADs: %u  average level: %u  maximum depth: %u\n", Totals.Vads,
            Totals.Vads == 0 ? 0 : (Totals.Levels + Totals.Vads / 2) / Totals.Vads, Totals.Deepest);
}

static PMMVAD MipFindVadAt(PEPROCESS Process, ULONG_PTR Address)
{
    PMMVAD Vad = MiVadOf(RtlAvlFirstNode(&Process->VadRoot));

    while (Vad != NULL && (ULONG_PTR)Vad != Address) {
        Vad = MiNextVad(Vad);
    }
    return Vad;
}

static void MipPrintWhole(const MMVAD *Vad)
{
    MMVAD_FLAGS Flags = Vad->u.VadFlags;

    MiPrint("VAD @ %08X\n", (ULONG)(ULONG_PTR)Vad);
    MiPrint("  Start VPN      %8x  End VPN  %8x\n", Vad->StartingVpn, Vad->EndingVpn);
    MiPrint("  Commit Charge  %8u (0n)\n", Flags.CommitCharge);
    MiPrint("  Protection     %8x  %s\n", Flags.Protection, MiProtectionName(Flags.Protection));
    MiPrint("  Flags:%s%s%s%s%s%s%s%s\n", Flags.PrivateMemory ? " PrivateMemory" : "",
            Flags.MemCommit ? " MemCommit" : "", Flags.WriteWatch ? " WriteWatch" : "",
            Flags.Inherit ? " ViewShare" : "", Flags.NoChange ? " NoChange" : "",
            Flags.ImageMap ? " ImageMap" : "", Flags.PhysicalMapping ? " PhysicalMapping" : "",
            Flags.Extendable ? " Extendable" : "");
    if (MiIsView(Vad)) {
        MiPrint("  ControlArea    %08X  First ProtoPte %08X  Last PTE %08X\n",
                (ULONG)(ULONG_PTR)MiViewOf(Vad)->ControlArea,
                (ULONG)(ULONG_PTR)MiViewOf(Vad)->FirstPrototypePte,
                (ULONG)(ULONG_PTR)MiViewOf(Vad)->LastContiguousPte);
    }
    MiPrint("  Parent %08X  Left %08X  Right %08X\n", (ULONG)(ULONG_PTR)Vad->Node.Parent,
            (ULONG)(ULONG_PTR)Vad->Node.Left, (ULONG)(ULONG_PTR)Vad->Node.Right);
}

/* => Under the address space's lock. */
static void MipShow(PEPROCESS Process, ULONG_PTR Address, ULONG_PTR Flag)
{
    PMMVAD Vad;

    if (Address == 0 || Address == (ULONG_PTR)Process ||
        (Address == (ULONG_PTR)Process->VadRoot.Root && Flag == 0)) {
        MipPrintTree(Process);
        return;
    }
    Vad = MipFindVadAt(Process, Address);
    if (Vad == NULL) {
        MiFail("%08X is no VAD of process %08X; .process chooses another one.", (ULONG)Address,
               (ULONG)(ULONG_PTR)Process);
        return;
    }
    MipPrintWhole(Vad);
}

void MiCommandVad(const char *Arguments)
{
    PEPROCESS Process;
    ULONG_PTR Address;
    ULONG_PTR Flag;

    if (!MiCommandNeedsProcesses() || !MiTakeOptional(&Arguments, 0, &Address) ||
        !MiTakeOptional(&Arguments, 0, &Flag)) {
        return;
    }
    Process = PsGetCurrentProcess();
    MiLockAddressSpace(Process);
    MipShow(Process, Address, Flag);
    MiUnlockAddressSpace(Process);
}
