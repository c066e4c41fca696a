/* SPDX-License-Identifier: MIT */
/*
 * translate_commands.c - !vtop, !ptov: an address, all addresses in any address space; !searchpte:
 * who maps a frame.
 *
 * The running address space is read through its self-map.  Another one's directory and tables are
 * read through a hyperspace window, one entry at a time.
 */
#include "mm/inspect/commands.h"

#include "arch/mmu.h"
#include "mm/inspect/entry.h"
#include "mm/sysva/address.h"
#include "mm/sysva/hyperspace.h"

/* Entry Index of the table in Frame.  => FALSE: a sentence was printed. */
static BOOLEAN MipReadTable(PFN_NUMBER Frame, ULONG Index, MMPTE *Pte)
{
    KIRQL OldIrql;
    PMMPTE Window;

    if (MiPfnDatabase == NULL || !MiIsRamFrame(Frame) ||
        !MmIsAddressValid(MiGetPteAddress(MI_HYPERSPACE_START))) {
        MiFail("Frame %x cannot be read.", Frame);
        return FALSE;
    }
    Window = MiMapFrameInHyperspace(Frame, &OldIrql);
    *Pte = MiReadPte(Window + Index);
    MiUnmapFrameInHyperspace(Window, OldIrql);
    return TRUE;
}

/* As MiReadEntries, in the address space of Directory. */
static BOOLEAN MipReadForeign(PFN_NUMBER Directory, ULONG_PTR Va, PMI_ENTRIES Entries)
{
    if (!MipReadTable(Directory, (ULONG)Va >> PDI_SHIFT, &Entries->Pde)) {
        return FALSE;
    }
    Entries->PdeKind = MiPdeKind(Entries->Pde);
    Entries->Mapped = Entries->PdeKind == MiPteLarge;
    Entries->Frame =
        Entries->Mapped ? MiReadLargeMapping(Va, Entries->Pde).Hard.PageFrameNumber : 0;
    Entries->HasPte = Entries->PdeKind == MiPteValid;
    if (!Entries->HasPte) {
        return TRUE;
    }
    if (!MipReadTable(Entries->Pde.Hard.PageFrameNumber,
                      (ULONG)Va >> PTI_SHIFT & (PTE_PER_PAGE - 1), &Entries->Pte)) {
        return FALSE;
    }
    Entries->PteKind = MiPteKindAt(MiGetPteAddress(Va), Entries->Pte);
    Entries->Mapped = Entries->PteKind == MiPteValid;
    Entries->Frame = Entries->Pte.Hard.PageFrameNumber;
    return TRUE;
}

static void MipPrintTranslation(ULONG_PTR Va, const MI_ENTRIES *Entries)
{
    MiPrint("Pdi %x Pti %x\n", (ULONG)Va >> PDI_SHIFT, (ULONG)Va >> PTI_SHIFT & (PTE_PER_PAGE - 1));
    if (Entries->Mapped) {
        MiPrint("%08X %08X pfn(%05x)%s\n", (ULONG)Va,
                (Entries->Frame << PAGE_SHIFT) + BYTE_OFFSET(Va), Entries->Frame,
                Entries->HasPte ? "" : " large page");
    } else {
        MiPrint("%08X %s: %s\n", (ULONG)Va, Entries->HasPte ? "PTE" : "PDE",
                MiPteKindName(Entries->HasPte ? Entries->PteKind : Entries->PdeKind));
    }
}

/* A physical address, as !process prints it, or a frame number; 0: the running one. */
static PFN_NUMBER MipDirectoryOf(ULONG_PTR DirBase)
{
    return (PFN_NUMBER)(BYTE_OFFSET(DirBase) == 0 ? DirBase >> PAGE_SHIFT : DirBase);
}

void MiCommandVtop(const char *Arguments)
{
    ULONG_PTR DirBase = 0;
    ULONG_PTR Va = 0;
    PFN_NUMBER Directory;
    MI_ENTRIES Entries;
    NTSTATUS Status = MiTakeArgument(&Arguments, &DirBase);

    if (NT_SUCCESS(Status)) {
        Status = MiTakeArgument(&Arguments, &Va);
    }
    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("Which address?  !vtop <dirbase or 0> <va>.");
    }
    if (!NT_SUCCESS(Status)) {
        return;
    }
    Directory = MipDirectoryOf(DirBase);
    if (Directory == 0 || Directory == KiCurrentDirectoryFrame()) {
        MiReadEntries(Va, &Entries);
    } else if (!MipReadForeign(Directory, Va, &Entries)) {
        return;
    }
    MipPrintTranslation(Va, &Entries);
}

/* ---- !ptov ---- */

/* The 4 MB at Va, by the table in Frame.  => FALSE: it is enough, or a sentence was printed. */
static BOOLEAN MipPrintTable(ULONG_PTR Va, PFN_NUMBER Frame)
{
    ULONG Index;

    for (Index = 0; Index < PTE_PER_PAGE; Index++, Va += PAGE_SIZE) {
        MMPTE Pte;

        if (MiStopRequested() || !MipReadTable(Frame, Index, &Pte)) {
            return FALSE;
        }
        if (Pte.Hard.Valid) {
            MiPrint("%08x %08x\n", Pte.Hard.PageFrameNumber << PAGE_SHIFT, (ULONG)Va);
        }
    }
    return TRUE;
}

void MiCommandPtov(const char *Arguments)
{
    BOOLEAN Going = TRUE;
    ULONG_PTR DirBase;
    PFN_NUMBER Directory;
    ULONG Index;

    if (!MiTakeOptional(&Arguments, 0, &DirBase)) {
        return;
    }
    Directory = MipDirectoryOf(DirBase);
    Directory = Directory != 0 ? Directory : KiCurrentDirectoryFrame();
    MiPrint("X86PtoV: pagedir %08x, physical and virtual addresses\n", Directory << PAGE_SHIFT);
    for (Index = 0; Index < PTE_PER_PAGE && Going; Index++) {
        ULONG_PTR Va = (ULONG_PTR)Index << PDI_SHIFT;
        MMPTE Pde;

        Going = MipReadTable(Directory, Index, &Pde);
        if (Going && MiPdeKind(Pde) == MiPteLarge) {
            MiPrint("%08x %08x  large page\n", MiEntryFrame(Pde, MiPteLarge) << PAGE_SHIFT,
                    (ULONG)Va);
        } else if (Going && MiPdeKind(Pde) == MiPteValid) {
            Going = MipPrintTable(Va, Pde.Hard.PageFrameNumber);
        }
    }
}

/* ---- !searchpte ---- */

static void MipPrintMatch(ULONG_PTR Va, PMMPTE At, MMPTE Pte, MI_PTE_KIND Kind)
{
    MiPrint("%s at %08X contains %08X  va %08X  %s\n", Kind == MiPteLarge ? "PDE" : "PTE",
            (ULONG)(ULONG_PTR)At, Pte.Long, (ULONG)Va,
            Kind == MiPteTransition ? "transition" : MiPteLetters(Pte, Kind).Text);
}

/* => Returns how many entries of the page table for Va's 4 MB name Frame. */
static ULONG MipSearchTable(ULONG_PTR Va, PFN_NUMBER Frame)
{
    PMMPTE At = MiGetPteAddress(Va);
    ULONG Found = 0;
    ULONG Index;

    for (Index = 0; Index < PTE_PER_PAGE; Index++, At++, Va += PAGE_SIZE) {
        MMPTE Pte = MiReadPte(At);
        MI_PTE_KIND Kind = MiPteKindAt(At, Pte);

        if ((Kind == MiPteValid || Kind == MiPteTransition) && Pte.Hard.PageFrameNumber == Frame) {
            MipPrintMatch(Va, At, Pte, Kind);
            Found++;
        }
    }
    return Found;
}

void MiCommandSearchPte(const char *Arguments)
{
    ULONG_PTR Frame;
    ULONG Found = 0;
    ULONG Index;
    NTSTATUS Status = MiTakeArgument(&Arguments, &Frame);

    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("Which frame?  !searchpte <pfn>.");
    }
    if (!NT_SUCCESS(Status)) {
        return;
    }
    MiPrint("Searching the running address space for PTEs that contain PFN %x\n", (ULONG)Frame);
    for (Index = 0; Index < PTE_PER_PAGE && !MiStopRequested(); Index++) {
        ULONG_PTR Va = (ULONG_PTR)Index << PDI_SHIFT;
        MMPTE Pde = MiReadPte(MiGetPdeAddress(Va));
        MI_PTE_KIND Kind = MiPdeKind(Pde);

        if (Kind == MiPteValid) {
            Found += MipSearchTable(Va, (PFN_NUMBER)Frame);
        } else if (Kind == MiPteLarge && Pde.Large.FrameHigh == 0 &&
                   (PFN_NUMBER)Frame - MiEntryFrame(Pde, MiPteLarge) < PTE_PER_PAGE) {
            MipPrintMatch(Va + (((PFN_NUMBER)Frame % PTE_PER_PAGE) << PAGE_SHIFT),
                          MiGetPdeAddress(Va), Pde, Kind);
            Found++;
        }
    }
    MiPrint("%u found\n", Found);
}
