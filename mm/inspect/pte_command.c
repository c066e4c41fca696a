/* SPDX-License-Identifier: MIT */
/*
 * pte_command.c - !pte in its four forms, and !pte2va.
 *
 *     !pte <va>            the two entries that map an address
 *     !pte <pteaddress>    the same, for the address that the PTE maps
 *     !pte <address> 1     the entry that lies at exactly this address, wherever that is
 *     !pte <start> <end>   a line for each page that has a PTE; empty page tables are skipped
 *
 * What lies in PDE_BASE-PDE_TOP is both a PTE and a directory entry: it is shown as the latter.
 */
#include "mm/inspect/commands.h"

#include "arch/mmu.h"
#include "mm/inspect/entry.h"
#include "mm/space/clone_table.h"

#define MIP_RANGE_LINES 1024u /* of a range; then the rest is left for another command */

static BOOLEAN MipIsDirectoryEntry(ULONG_PTR Address)
{
    return Address >= PDE_BASE && Address <= PDE_TOP;
}

static BOOLEAN MipIsTableEntry(ULONG_PTR Address)
{
    return Address >= PTE_BASE && Address <= PTE_TOP;
}

static void MipPrintProtection(ULONG Protection)
{
    MiPrint(" Protect: %x - %s\n", Protection, MiProtectionName(Protection));
}

/* One in nonpaged pool is named by its number, and the page's protection stands beside it. */
static void MipPrintPrototype(MMPTE Pte)
{
    MI_PTE_VIEW View = MiViewPte(Pte);
    PMI_CLONE_PAGE Page;

    if (MiIsLookupPte(Pte)) {
        MiPrint("not valid: prototype\n Proto: VAD\n");
        MipPrintProtection(MiLookupProtection(Pte));
        return;
    }
    if (!View.Proto.WhichPool) {
        MiPrint("not valid: prototype\n Proto: %08X\n", (ULONG)MiPrototypeAddress(Pte));
        return;
    }
    Page = MiClonePages[View.Clone.Index / MI_CLONE_BLOCKS];
    MiPrint("not valid: prototype\n Proto: %08X\n",
            Page == NULL ? 0 : (ULONG)(ULONG_PTR)&MiCloneBlock(View.Clone.Index)->ProtoPte);
    MipPrintProtection(View.Clone.Protection);
}

/* The state of an entry that is not valid, in lines below the two columns. */
static void MipPrintInvalid(MMPTE Pte, MI_PTE_KIND Kind)
{
    MI_PTE_VIEW View = MiViewPte(Pte);

    switch (Kind) {
    case MiPteZero:
        MiPrint("not valid\n");
        break;
    case MiPteTransition:
        MiPrint("not valid: transition\n Transition: %x\n", View.Trans.PageFrameNumber);
        MipPrintProtection(View.Trans.Protection);
        break;
    case MiPtePagefile:
        MiPrint("not valid: pagefile\n PageFile: %x\n Offset: %x\n", View.Soft.PageFileLow,
                View.Soft.PageFileHigh);
        MipPrintProtection(View.Soft.Protection);
        break;
    case MiPteDemandZero:
        MiPrint("not valid: demand zero\n");
        MipPrintProtection(View.Soft.Protection);
        break;
    case MiPtePrototype:
        MipPrintPrototype(Pte);
        break;
    case MiPteSubsection:
        MiPrint("not valid: subsection\n Subsection: %08X\n",
                (ULONG)(ULONG_PTR)MiSubsectionAddress(Pte));
        MipPrintProtection(View.Subsect.Protection);
        break;
    case MiPteList:
        MiPrint("not valid: free system PTE\n Next: %x\n", MiPteAsList(Pte).Next);
        break;
    case MiPteValid:
    case MiPteLarge:
        break;
    }
}

static void MipPrintEntry(const char *Name, ULONG_PTR Address, MMPTE Pte, MI_PTE_KIND Kind)
{
    MiPrint("%s at %08X\ncontains %08X\n", Name, (ULONG)Address, Pte.Long);
    if (Kind == MiPteValid || Kind == MiPteLarge) {
        MiPrint("%spfn %-5x %s\n", Kind == MiPteLarge ? "LARGE PAGE " : "", MiEntryFrame(Pte, Kind),
                MiPteLetters(Pte, Kind).Text);
    }
    MipPrintInvalid(Pte, Kind);
}

/* The directory entry alone: there is no page table, or a large page. */
static void MipPrintDirectoryOnly(const MI_ENTRIES *Entries)
{
    MiPrint("          contains %08X\n", Entries->Pde.Long);
    if (Entries->PdeKind == MiPteLarge) {
        MiPrint("        LARGE PAGE pfn %-5x %s\n", MiEntryFrame(Entries->Pde, MiPteLarge),
                MiPteLetters(Entries->Pde, MiPteLarge).Text);
        MiPrint("        of which this address is pfn %x\n", Entries->Frame);
    }
    MipPrintInvalid(Entries->Pde, Entries->PdeKind);
}

static void MipPrintBoth(ULONG_PTR Va)
{
    MI_ENTRIES Entries;

    MiReadEntries(Va, &Entries);
    MiPrint("%08X  - PDE at %08X        PTE at %08X\n", (ULONG)Va, (ULONG)(ULONG_PTR)Entries.PdeAt,
            (ULONG)(ULONG_PTR)Entries.PteAt);
    if (!Entries.HasPte) {
        MipPrintDirectoryOnly(&Entries);
        return;
    }
    MiPrint("          contains %08X      contains %08X\n", Entries.Pde.Long, Entries.Pte.Long);
    MiPrint("        pfn %-5x %s  ", MiEntryFrame(Entries.Pde, MiPteValid),
            MiPteLetters(Entries.Pde, MiPteValid).Text);
    if (Entries.PteKind == MiPteValid) {
        MiPrint("pfn %-5x %s\n", Entries.Frame, MiPteLetters(Entries.Pte, MiPteValid).Text);
    } else {
        MipPrintInvalid(Entries.Pte, Entries.PteKind);
    }
}

static void MipPrintLiteral(ULONG_PTR Address)
{
    BOOLEAN Directory = MipIsDirectoryEntry(Address);
    MMPTE Pte;

    if (Address % sizeof(Pte) != 0 || MiReadVirtual(Address, &Pte, sizeof(Pte)) != sizeof(Pte)) {
        MiFail("There is no entry at %08X.", (ULONG)Address);
        return;
    }
    MipPrintEntry(Directory ? "PDE" : "PTE", Address, Pte,
                  Directory ? MiPdeKind(Pte) : MiPteKindAt((PMMPTE)Address, Pte));
}

/* ---- a range ---- */

static void MipPrintShort(ULONG_PTR Va, const MI_ENTRIES *Entries)
{
    MMPTE Pte = Entries->HasPte ? Entries->Pte : Entries->Pde;
    MI_PTE_KIND Kind = Entries->HasPte ? Entries->PteKind : Entries->PdeKind;

    MiPrint("%08X  %s at %08X contains %08X  ", (ULONG)Va, Entries->HasPte ? "PTE" : "PDE",
            (ULONG)(ULONG_PTR)(Entries->HasPte ? Entries->PteAt : Entries->PdeAt), Pte.Long);
    if (Kind == MiPteValid || Kind == MiPteLarge) {
        MiPrint("pfn %-5x %s%s\n", MiEntryFrame(Pte, Kind), MiPteLetters(Pte, Kind).Text,
                Kind == MiPteLarge ? "  LARGE PAGE" : "");
    } else {
        MiPrint("%s\n", MiPteKindName(Kind));
    }
}

static void MipPrintRange(ULONG_PTR Start, ULONG_PTR End)
{
    ULONG_PTR Va = Start & ~(ULONG_PTR)(PAGE_SIZE - 1);
    ULONG_PTR Next;
    ULONG Lines = 0;

    for (; Va <= End && Lines < MIP_RANGE_LINES && !MiStopRequested(); Va = Next) {
        MI_ENTRIES Entries;

        MiReadEntries(Va, &Entries);
        Next = Entries.HasPte ? Va + PAGE_SIZE
                              : (Va & ~(ULONG_PTR)(MM_LARGE_PAGE - 1)) + MM_LARGE_PAGE;
        if ((Entries.HasPte ? Entries.PteKind : Entries.PdeKind) != MiPteZero) {
            MipPrintShort(Va, &Entries);
            Lines++;
        }
        if ((ULONG)Next == 0) {
            break; /* the end of the address space */
        }
    }
    MiPrint("%u entries are not zero\n", Lines);
    if (Lines == MIP_RANGE_LINES && Va <= End) {
        MiPrint("There may be more: !pte %08X %08X\n", (ULONG)Va, (ULONG)End);
    }
}

/* ---- the commands ---- */

void MiCommandPte(const char *Arguments)
{
    ULONG_PTR Address;
    ULONG_PTR Second;
    NTSTATUS Status = MiTakeArgument(&Arguments, &Address);

    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("Which address?  !pte <va> | <pteaddress> | <address> 1 | <start> <end>.");
    }
    if (!NT_SUCCESS(Status) || !MiTakeOptional(&Arguments, 0, &Second)) {
        return;
    }
    if (Second == 1) {
        MipPrintLiteral(Address);
    } else if (Second > Address) {
        MipPrintRange(Address, Second);
    } else if (Second != 0) {
        MiFail("The range ends before it begins.");
    } else if (MipIsDirectoryEntry(Address)) {
        MipPrintLiteral(Address & ~(ULONG_PTR)(sizeof(MMPTE) - 1));
    } else if (MipIsTableEntry(Address)) {
        MipPrintBoth(MiGetVaMappedByPte((PMMPTE)(Address & ~(ULONG_PTR)(sizeof(MMPTE) - 1))));
    } else {
        MipPrintBoth(Address);
    }
}

void MiCommandPteToVa(const char *Arguments)
{
    ULONG_PTR Address;
    NTSTATUS Status = MiTakeArgument(&Arguments, &Address);

    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("Which PTE?  !pte2va <pteaddress>.");
    } else if (NT_SUCCESS(Status) && !MipIsTableEntry(Address)) {
        MiFail("%08X is not in the page tables, %08X-%08X.", (ULONG)Address, PTE_BASE, PTE_TOP);
    } else if (NT_SUCCESS(Status)) {
        MiPrint("%08X\n", (ULONG)MiGetVaMappedByPte((PMMPTE)(Address & ~(ULONG_PTR)3)));
    }
}
