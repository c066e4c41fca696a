/* SPDX-License-Identifier: MIT */
/*
 * pfn_dump.c - what !pfn, !memusage and !vm show of the page frames.
 */
#include "mm/pfn/pfn_inspect.h"

#include "mm/pfn/pfn_database.h"

const char *MiPageStateName(MMLISTS State)
{
    switch (State) {
    case ZeroedPageList:
        return "Zeroed";
    case FreePageList:
        return "Free";
    case StandbyPageList:
        return "Standby";
    case ModifiedPageList:
        return "Modified";
    case ModifiedNoWritePageList:
        return "ModifiedNoWrite";
    case BadPageList:
        return "Bad";
    case ActiveAndValid:
        return "Active";
    case TransitionPage:
        return "Transition";
    }
    return "?";
}

/* The words of LOADER_MEMORY_TYPE, by value; the last one is MI_ABSENT_FRAME. */
static const char *const MipLoaderNames[] = {
    "free",         "firmware temporary", "firmware permanent",
    "ACPI reclaim", "ACPI NVS",           "bad",
    "mapped I/O",   "system code",        "boot data",
    "page tables",  "above 4G",           "withheld",
    "absent",
};
NT_C_ASSERT(RTL_NUMBER_OF(MipLoaderNames) == MI_ABSENT_FRAME + 1);

void MiQueryPfnCounters(PMI_PFN_COUNTERS Counters)
{
    ULONG Held = 0;
    KIRQL OldIrql;
    ULONG Index;

    OldIrql = MiLockPfn();
    Counters->PhysicalPages = MiPhysicalPages;
    Counters->AvailablePages = MiAvailablePages;
    Counters->Repurposed = MiRepurposedPages;
    for (Index = 0; Index < MI_PAGE_STATES; Index++) {
        Counters->States[Index] = MiPageCounts[Index];
        Held += MiPageCounts[Index];
    }
    Counters->States[ActiveAndValid] = MiPhysicalPages - Held;
    for (Index = 0; Index < MI_PRIORITIES; Index++) {
        Counters->Standby[Index] = MiStandbyLists[Index].Total;
    }
    for (Index = 0; Index < MiMemoryConditions; Index++) {
        Counters->Condition[Index] = MiMemoryWatch.Holds[Index];
    }
    Counters->Commit = MiCommit;
    MiUnlockPfn(OldIrql);
}

void MiCountPages(PMI_PAGE_SUMS Sums)
{
    KIRQL OldIrql = MiLockPfn();
    PFN_NUMBER Frame;

    memset(Sums, 0, sizeof(*Sums));
    for (Frame = 0; Frame <= MiHighestFrame; Frame++) {
        const MMPFN *Pfn = MI_PFN(Frame);
        ULONG State = Pfn->u3.e1.PageLocation;

        if (!MiIsRamFrame(Frame)) {
            continue;
        }
        if (State < ActiveAndValid && Pfn->u3.e2.ReferenceCount != 0) {
            Sums->Unknown++;
        } else {
            Sums->States[State]++;
        }
        Sums->Total++;
    }
    MiUnlockPfn(OldIrql);
}

/* => Returns what the frame is when no page table contains it. */
static const char *MipFrameUse(const MMPFN *Pfn)
{
    ULONG Type = Pfn->u1.LoaderType;

    if (Pfn->u4.PteFrame != MI_PTE_FRAME_NOT_RAM && Pfn->u4.PteFrame != MI_PTE_FRAME_LOADER) {
        return NULL;
    }
    return Type < RTL_NUMBER_OF(MipLoaderNames) ? MipLoaderNames[Type] : "?";
}

/* The bits of u3 that !pfn shows as letters: M, R, W and P. */
#define MIP_LETTERS 0xFu

static void MipDumpEntry(RTL_PRINT_SINK *Sink, PVOID Context, PFN_NUMBER Frame, const MMPFN *Pfn)
{
    BOOLEAN Listed = Pfn->u3.e1.PageLocation < ActiveAndValid;
    const char *Use = MipFrameUse(Pfn);

    RtlFormat(Sink, Context, "    PFN %08x at address %p\n", Frame, (PVOID)MI_PFN(Frame));
    RtlFormat(Sink, Context, "    flink       %08x  %s %08x  pteaddress %p\n", Pfn->u1.Flink,
              Listed ? "blink      " : "share count", Pfn->u2.ShareCount, (PVOID)Pfn->PteAddress);
    RtlFormat(Sink, Context, "    reference count %04x  color %x  priority %x\n",
              Pfn->u3.e2.ReferenceCount, MI_FRAME_COLOR(Frame), Pfn->u4.Priority);
    RtlFormat(Sink, Context, "    restore pte %08x  containing page ", Pfn->OriginalPte.Long);
    if (Pfn->u4.PteFrame < MI_PTE_FRAME_NOT_RAM) {
        RtlFormat(Sink, Context, "%06x", Pfn->u4.PteFrame);
    } else {
        RtlFormat(Sink, Context, "none");
    }
    RtlFormat(Sink, Context, "  %s%s%s%s%s%s%s%s%s\n",
              Pfn->u4.PteFrame == MI_PTE_FRAME_NOT_RAM
                  ? "NotRam"
                  : MiPageStateName((MMLISTS)Pfn->u3.e1.PageLocation),
              (Pfn->u3.Long & MIP_LETTERS) != 0 || Use != NULL ? "  " : "",
              Pfn->u3.e1.Modified ? "M" : "", Pfn->u3.e1.PrototypePte ? "P" : "",
              Pfn->u3.e1.ReadInProgress ? "R" : "", Pfn->u3.e1.WriteInProgress ? "W" : "",
              Use != NULL ? "(" : "", Use != NULL ? Use : "", Use != NULL ? ")" : "");
}

void MiDumpFrame(RTL_PRINT_SINK *Sink, PVOID Context, PFN_NUMBER Frame)
{
    KIRQL OldIrql;
    MMPFN Pfn;

    if (Frame > MiHighestFrame) {
        RtlFormat(Sink, Context, "    PFN %08x is above the highest, %08x\n", Frame,
                  MiHighestFrame);
        return;
    }
    OldIrql = MiLockPfn();
    Pfn = *MI_PFN(Frame);
    MiUnlockPfn(OldIrql);
    MipDumpEntry(Sink, Context, Frame, &Pfn);
}
