/* SPDX-License-Identifier: MIT */
/*
 * reclaim_slots.c - slots of pages that are in memory.
 *
 * A page that was read in keeps its slot until it is written: it need not be written again when it
 * is trimmed.  That is a luxury.  The commit limit promises a place in RAM or in a slot for each
 * page, not both, so when no slot is free pages in use give theirs to those that must go, and are
 * modified from then on.
 *
 * Locking: MiPfnLock, MIP_AT_ONCE frames at a time.
 */
#include "mm/paging/modified_writer.h"
#include "mm/pfn/pfn_reference.h"

#define MIP_AT_ONCE 256u

static PFN_NUMBER MipNext; /* where the last search ended; one caller at a time */

/* => Returns whether the frame gave a slot. */
static BOOLEAN MipReclaim(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    const MMPFN *Pfn = MI_PFN(Frame);

    if (!MiIsRamFrame(Frame) || Pfn->u3.e1.PageLocation != ActiveAndValid ||
        Pfn->PteAddress == NULL || Pfn->u4.AweAllocation || !MiPteHasSlot(Pfn->OriginalPte)) {
        return FALSE;
    }
    MiSetFrameModified(Frame, TRUE);
    return TRUE;
}

ULONG MiReclaimSlots(ULONG Slots)
{
    PFN_NUMBER Looked = 0;
    ULONG Found = 0;

    while (Looked <= MiHighestFrame && Found < Slots) {
        KIRQL OldIrql = MiLockPfn();
        ULONG i;

        for (i = 0; i < MIP_AT_ONCE && Looked <= MiHighestFrame && Found < Slots; i++, Looked++) {
            MipNext = MipNext < MiHighestFrame ? MipNext + 1 : 0;
            Found += MipReclaim(MipNext);
        }
        MiUnlockPfn(OldIrql);
    }
    MiWriterFigures.Reclaimed += Found;
    return Found;
}
