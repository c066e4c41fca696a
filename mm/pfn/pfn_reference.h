/* SPDX-License-Identifier: MIT */
/*
 * pfn_reference.h - who holds a frame: shares (valid PTEs) and references (I/O).
 *
 * All shares together count as one reference.  When the last share goes the page leaves the working
 * sets (Transition); when the last reference goes it is put on a list.
 *
 * Bug check 0x4E (PFN_LIST_CORRUPT): P2 is the frame; P1 and the rest as documented:
 *
 *     07   P3 share count              more references were given back than taken
 *     99   P3 state                    a share that is not there, a frame in the wrong state
 *     9A   P3 state, P4 references     freed while locked for I/O
 */
#ifndef MM_PFN_PFN_REFERENCE_H
#define MM_PFN_PFN_REFERENCE_H

#include "mm/pfn/pfn.h"
#include "nt/status.h"

/*
 * Keep Frame's contents where they are: lock it for I/O.  A page on the standby or modified list
 * leaves it (Transition).
 *
 * => STATUS_INSUFFICIENT_RESOURCES: it has MI_MAXIMUM_REFERENCES; nothing changes.
 * => Bug check 99: the frame is free, bad or no RAM.
 */
NT_MUST_CHECK NTSTATUS MiReferenceFrame(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/* Give such a reference back; the last one puts the page on a list. */
void MiDereferenceFrame(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/*
 * The two above for a frame that others hold too, so that its state does not change; a few
 * instructions.
 *
 * => Frame <= MiHighestFrame.
 * => Return FALSE, and change nothing, when the calls above have to decide.
 */
static inline BOOLEAN MiReferenceHeldFrame(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MI_PFN(Frame);

    if (Pfn->u3.Long < MI_PFN_ONE_REFERENCE || Pfn->u3.Long >= MI_PFN_REFERENCES) {
        return FALSE;
    }
    Pfn->u3.Long += MI_PFN_ONE_REFERENCE;
    return TRUE;
}

static inline BOOLEAN MiDereferenceHeldFrame(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MI_PFN(Frame);

    if (Pfn->u3.Long < 2 * MI_PFN_ONE_REFERENCE) {
        return FALSE;
    }
    Pfn->u3.Long -= MI_PFN_ONE_REFERENCE;
    return TRUE;
}

/*
 * One more valid PTE (or other owner).  A page on the standby or modified list, or in transition,
 * becomes Active again: the soft fault.
 *
 * => STATUS_INSUFFICIENT_RESOURCES: a page in transition has MI_MAXIMUM_REFERENCES.
 */
NT_MUST_CHECK NTSTATUS MiIncrementShareCount(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/* One valid PTE less; the last one makes it a transition page, or puts it on a list. */
void MiDecrementShareCount(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/*
 * Tie an Active Frame without a PTE to the one at Pte, in the page table PteFrame, which gets a
 * share: it cannot leave while it remembers the page.
 *
 * => Original is what the PTE will hold when the frame is reused.  PteFrame is Active, or
 *    MI_PTE_FRAME_NONE.
 */
void MiSetFramePte(PFN_NUMBER Frame, PMMPTE Pte, MMPTE Original, PFN_NUMBER PteFrame)
    NT_HOLDS(MiPfnLock);

/* The same where the page table has the share already: of the page whose place Frame's takes. */
void MiReplaceFramePte(PFN_NUMBER Frame, PMMPTE Pte, MMPTE Original, PFN_NUMBER PteFrame)
    NT_HOLDS(MiPfnLock);

/*
 * The PTE is gone: the page is deleted.  Gives the page table's share back; from then on the last
 * share and reference free the frame.
 */
void MiClearFramePte(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/*
 * The page of an Active frame is deleted: MiClearFramePte, and the share of the PTE that mapped it.
 * Whoever else holds the frame frees it with the last share or reference; what it has is nobody's
 * and is written nowhere.
 */
void MiDeleteFramePage(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/*
 * Frame, in whatever state, is remembered by the PTE at Pte in PteFrame from now on, instead of the
 * one that it knows; the two page tables' shares follow.  OriginalPte and its slot stay.
 *
 * => Frame has a PTE.  PteFrame is Active.
 */
void MiMoveFramePte(PFN_NUMBER Frame, PMMPTE Pte, PFN_NUMBER PteFrame) NT_HOLDS(MiPfnLock);

/*
 * => The frame is not on a list.  Modified pages are written before they are reused.  Modified: the
 *    copy that the page had in a paging file is stale, and its slot free.  A page that is being
 *    written and was modified meanwhile stays so: what is written may be a mixture.
 */
void MiSetFrameModified(PFN_NUMBER Frame, BOOLEAN Modified) NT_HOLDS(MiPfnLock);

/* Of a PTE that is not valid, or an OriginalPte: whether it names a slot of a paging file. */
static inline BOOLEAN MiPteHasSlot(MMPTE Pte)
{
    return Pte.Hard.PageFrameNumber != 0 && !Pte.Hard.Prototype && !Pte.Hard.Reserved;
}

/*
 * Who frees the slot that a software PTE names: mm/paging.  A slot belongs to the one PTE or
 * OriginalPte that names it; it is freed with the page (MiClearFramePte), or when the page is
 * written again.
 *
 * => Runs under MiPfnLock; registered once.
 */
typedef void MI_RELEASE_SLOT(MMPTE Software);
void MiSetReleaseSlotRoutine(MI_RELEASE_SLOT *Routine);

/* The slot that Software names, if it names one, is nobody's any more. */
void MiReleasePteSlot(MMPTE Software) NT_HOLDS(MiPfnLock);

#endif
