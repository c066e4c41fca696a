/* SPDX-License-Identifier: MIT */
/*
 * pfn_reference.c - counting who holds a frame.
 *
 * Locking: everything here runs under MiPfnLock.
 */
#include "mm/pfn/pfn_reference.h"

#include "nt/bugcodes.h"
#include "mm/pfn/free_list.h"
#include "mm/pfn/pfn_list.h"

static MI_RELEASE_SLOT *MipReleaseSlot; /* (I) */

static NT_NORETURN void MipBadState(PFN_NUMBER Frame)
{
    ULONG State = Frame <= MiHighestFrame ? MI_PFN(Frame)->u3.e1.PageLocation : MI_PAGE_STATES;

    KeBugCheckEx(PFN_LIST_CORRUPT, 0x99, Frame, State, 0);
}

static PMMPFN MipFindPfn(PFN_NUMBER Frame)
{
    if (Frame > MiHighestFrame) {
        MipBadState(Frame);
    }
    return MI_PFN(Frame);
}

/* => The entry of a frame that is Active or in transition; pages on lists have left them. */
static PMMPFN MipHoldPage(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MipFindPfn(Frame);

    switch ((MMLISTS)Pfn->u3.e1.PageLocation) {
    case StandbyPageList:
    case ModifiedPageList:
    case ModifiedNoWritePageList:
        MiUnlinkPage(Frame);
        return Pfn;
    case ActiveAndValid:
        if (Pfn->u3.e2.ReferenceCount == 0) { /* L6: it is not RAM */
            break;
        }
        return Pfn;
    case TransitionPage:
        return Pfn;
    case ZeroedPageList:
    case FreePageList:
    case BadPageList:
        break;
    }
    MipBadState(Frame);
}

NTSTATUS MiReferenceFrame(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MipHoldPage(Frame);

    if (Pfn->u3.e2.ReferenceCount == MI_MAXIMUM_REFERENCES) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Pfn->u3.e2.ReferenceCount++;
    return STATUS_SUCCESS;
}

void MiDereferenceFrame(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MipFindPfn(Frame);
    ULONG References = Pfn->u3.e2.ReferenceCount;

    if (References == 0 || (References == 1 && Pfn->u3.e1.PageLocation == ActiveAndValid)) {
        ULONG Shares = Pfn->u3.e1.PageLocation == ActiveAndValid ? Pfn->u2.ShareCount : 0;

        KeBugCheckEx(PFN_LIST_CORRUPT, 7, Frame, Shares, 0);
    }
    Pfn->u3.e2.ReferenceCount--;
    if (References == 1) {
        MiInsertPageInList(Frame);
    }
}

NTSTATUS MiIncrementShareCount(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MipHoldPage(Frame);

    if (Pfn->u3.e1.PageLocation == ActiveAndValid) {
        Pfn->u2.ShareCount++;
        return STATUS_SUCCESS;
    }
    if (Pfn->u3.e2.ReferenceCount == MI_MAXIMUM_REFERENCES) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MiEndTransition(Frame);
    Pfn->u2.ShareCount = 1;
    Pfn->u3.e2.ReferenceCount++; /* for all shares together: L6 holds again */
    return STATUS_SUCCESS;
}

void MiDecrementShareCount(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MipFindPfn(Frame);

    if (Pfn->u3.e1.PageLocation != ActiveAndValid || Pfn->u2.ShareCount == 0 ||
        Pfn->u3.e2.ReferenceCount == 0) {
        MipBadState(Frame);
    }
    Pfn->u2.ShareCount--;
    if (Pfn->u2.ShareCount == 0) {
        MiBeginTransition(Frame);
        MiDereferenceFrame(Frame);
    }
}

/* A page table holds one more frame. */
static void MipShareTable(PFN_NUMBER PteFrame) NT_HOLDS(MiPfnLock)
{
    PMMPFN Table = MipFindPfn(PteFrame);

    if (Table->u3.e1.PageLocation != ActiveAndValid || Table->u2.ShareCount == 0) {
        MipBadState(PteFrame);
    }
    Table->u2.ShareCount++;
}

void MiReplaceFramePte(PFN_NUMBER Frame, PMMPTE Pte, MMPTE Original, PFN_NUMBER PteFrame)
{
    PMMPFN Pfn = MipFindPfn(Frame);

    if (Pfn->u3.e1.PageLocation != ActiveAndValid || Pfn->u3.e2.ReferenceCount == 0) {
        MipBadState(Frame);
    }
    MI_ASSERT(Pte != NULL && Pfn->u4.PteFrame > MI_PTE_FRAME_NOT_RAM);
    Pfn->PteAddress = Pte;
    Pfn->OriginalPte = Original;
    Pfn->u4.PteFrame = PteFrame & MI_PTE_FRAME_NONE;
}

void MiSetFramePte(PFN_NUMBER Frame, PMMPTE Pte, MMPTE Original, PFN_NUMBER PteFrame)
{
    MiReplaceFramePte(Frame, Pte, Original, PteFrame);
    if (PteFrame != MI_PTE_FRAME_NONE) {
        MipShareTable(PteFrame);
    }
}

void MiMoveFramePte(PFN_NUMBER Frame, PMMPTE Pte, PFN_NUMBER PteFrame)
{
    PMMPFN Pfn = MipFindPfn(Frame);
    PFN_NUMBER Old = Pfn->u4.PteFrame;

    MI_ASSERT(Pfn->PteAddress != NULL && Old < MI_PTE_FRAME_NOT_RAM);
    MipShareTable(PteFrame);
    Pfn->PteAddress = Pte;
    Pfn->u4.PteFrame = PteFrame & MI_PTE_FRAME_NONE;
    MiDecrementShareCount(Old);
}

void MiClearFramePte(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MipFindPfn(Frame);
    PFN_NUMBER PteFrame = Pfn->u4.PteFrame;

    if (Pfn->u3.e1.PageLocation != ActiveAndValid && Pfn->u3.e1.PageLocation != TransitionPage) {
        MipBadState(Frame);
    }
    MiReleasePteSlot(Pfn->OriginalPte);
    Pfn->PteAddress = NULL;
    Pfn->OriginalPte.Long = 0;
    Pfn->u4.EntireFrame = MI_PFN_NO_PTE;
    if (PteFrame < MI_PTE_FRAME_NOT_RAM) {
        MiDecrementShareCount(PteFrame);
    }
}

void MiDeleteFramePage(PFN_NUMBER Frame)
{
    const MMPFN *Pfn = MipFindPfn(Frame);

    MiClearFramePte(Frame);
    if (Pfn->u2.ShareCount == 1 && (Pfn->u3.Long & MI_PFN_USE) == MI_PFN_UNUSED) {
        MiPushFreeFrame(FreePageList, Frame); /* what follows would do the same */
        return;
    }
    MiSetFrameModified(Frame, FALSE);
    MiDecrementShareCount(Frame);
}

void MiSetFrameModified(PFN_NUMBER Frame, BOOLEAN Modified)
{
    PMMPFN Pfn = MipFindPfn(Frame);

    if (Pfn->u3.e2.ReferenceCount == 0) { /* L2, L6: on a list, or not RAM */
        MipBadState(Frame);
    }
    if (Modified || !Pfn->u3.e1.WriteInProgress) {
        Pfn->u3.e1.Modified = Modified != FALSE;
    }
    if (Modified && MiPteHasSlot(Pfn->OriginalPte)) {
        MiReleasePteSlot(Pfn->OriginalPte);
        Pfn->OriginalPte.Long &= MM_PTE_BITS_PROTECTION;
    }
}

/* ---- slots of paging files ---- */

void MiSetReleaseSlotRoutine(MI_RELEASE_SLOT *Routine)
{
    MipReleaseSlot = Routine;
}

void MiReleasePteSlot(MMPTE Software)
{
    if (MiPteHasSlot(Software)) {
        MI_ASSERT(MipReleaseSlot != NULL);
        MipReleaseSlot(Software);
    }
}
