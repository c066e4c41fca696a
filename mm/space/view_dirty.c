/* SPDX-License-Identifier: MIT */
/*
 * view_dirty.c - what the PTEs of a view know of writes, told to the frames while they stay mapped.
 *
 * The view may be of any process: its page tables are reached as frames.  A table that has a valid
 * PTE stays where it is under MiPfnLock, which is all that this needs.
 *
 * A write that comes later sets Dirty again: the translation is flushed here, and whoever runs the
 * process later begins with none.
 */
#include "arch/mmu.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/view_page.h"
#include "mm/sysva/hyperspace.h"

/* => Entry is of the page table that is mapped at Table. */
static void MipMoveDirty(PMMPTE Entry, ULONG_PTR Va, const MMVAD *Vad) NT_HOLDS(MiPfnLock)
{
    MMPTE Pte = MiReadPte(Entry);
    PFN_NUMBER Frame = Pte.Hard.PageFrameNumber;

    if (!Pte.Hard.Valid || !Pte.Hard.Dirty || !MI_PFN(Frame)->u3.e1.PrototypePte ||
        MI_PFN(Frame)->PteAddress != MiViewPrototype(Vad, Va)) {
        return; /* not there, not written to, or the process' own */
    }
    Pte.Hard.Dirty = 0;
    MiWritePte(Entry, Pte);
    KeFlushSingleTb(Va);
    MiSetFrameModified(Frame, TRUE);
}

/* => The page table of Va; MI_NO_FRAME: there is none. */
static PFN_NUMBER MipFindTable(PEPROCESS Process, ULONG_PTR Va) NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Directory = Process->Pcb.DirectoryTableBase[0] >> PAGE_SHIFT;
    KIRQL OldIrql;
    PMMPTE Window = MiMapFrameInHyperspace(Directory, &OldIrql);
    MMPTE Pde = MiReadPte(Window + Va / MM_LARGE_PAGE);

    MiUnmapFrameInHyperspace(Window, OldIrql);
    return Pde.Hard.Valid ? Pde.Hard.PageFrameNumber : MI_NO_FRAME;
}

/* => All pages lie in one page table. */
static void MipMoveOfTable(const MMVAD *Vad, ULONG_PTR Va, ULONG_PTR End) NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Table = MipFindTable(MiViewOf(Vad)->Process, Va);
    PMMPTE Window;
    KIRQL OldIrql;

    if (Table == MI_NO_FRAME) {
        return;
    }
    Window = MiMapFrameInHyperspace(Table, &OldIrql);
    for (; Va != End; Va += PAGE_SIZE) {
        MipMoveDirty(Window + (Va >> PAGE_SHIFT) % PTE_PER_PAGE, Va, Vad);
    }
    MiUnmapFrameInHyperspace(Window, OldIrql);
}

void MiMoveViewDirty(const MMVAD_VIEW *View, ULONG First, ULONG Count)
{
    const MMVAD *Vad = &View->Core;
    ULONG ViewEnd = View->FirstPage + MiVadPages(Vad);
    ULONG End = First + Count < ViewEnd ? First + Count : ViewEnd;
    ULONG Page = First > View->FirstPage ? First : View->FirstPage;

    while (Page < End) {
        ULONG Vpn = Vad->StartingVpn + (Page - View->FirstPage);
        ULONG Left = PTE_PER_PAGE - Vpn % PTE_PER_PAGE;
        ULONG Run = Left < End - Page ? Left : End - Page;

        MipMoveOfTable(Vad, (ULONG_PTR)Vpn << PAGE_SHIFT, (ULONG_PTR)(Vpn + Run) << PAGE_SHIFT);
        Page += Run;
    }
}
