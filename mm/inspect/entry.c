/* SPDX-License-Identifier: MIT */
/*
 * entry.c - the two page-table entries of an address.
 *
 * A page table is read only where its directory entry is valid and no large page; the directory
 * itself is always there.  A session's page table that the directory lacks is entered first, as a
 * fault would.
 */
#include "mm/inspect/entry.h"

#include "arch/mmu.h"
#include "mm/sysva/address.h"
#include "mm/sysva/system_ptes.h"

PFN_NUMBER MiEntryFrame(MMPTE Pte, MI_PTE_KIND Kind)
{
    return Kind == MiPteLarge ? (PFN_NUMBER)Pte.Large.FrameLow << (PDI_SHIFT - PTI_SHIFT)
                              : Pte.Hard.PageFrameNumber;
}

MI_PTE_KIND MiPteKindAt(PMMPTE PteAt, MMPTE Pte)
{
    return MiIsSystemPte(PteAt) ? MiSystemPteKind(Pte) : MiPteKind(Pte);
}

void MiReadEntries(ULONG_PTR Va, PMI_ENTRIES Entries)
{
    (void)MiFillSessionTable(Va);
    Entries->PdeAt = MiGetPdeAddress(Va);
    Entries->PteAt = MiGetPteAddress(Va);
    Entries->Pde = MiReadPte(Entries->PdeAt);
    Entries->PdeKind = MiPdeKind(Entries->Pde);
    Entries->HasPte = Entries->PdeKind == MiPteValid;
    Entries->Pte.Long = 0;
    Entries->PteKind = MiPteZero;
    Entries->Mapped = Entries->PdeKind == MiPteLarge;
    Entries->Frame = 0;
    if (Entries->HasPte) {
        Entries->Pte = MiReadPte(Entries->PteAt);
        Entries->PteKind = MiPteKindAt(Entries->PteAt, Entries->Pte);
        Entries->Mapped = Entries->PteKind == MiPteValid;
        Entries->Frame = Entries->Pte.Hard.PageFrameNumber;
    } else if (Entries->Mapped) {
        Entries->Frame = MiReadLargeMapping(Va, Entries->Pde).Hard.PageFrameNumber;
    }
}
