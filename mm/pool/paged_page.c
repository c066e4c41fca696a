/* SPDX-License-Identifier: MIT */
/*
 * paged_page.c - the only place that changes a PTE of pageable system memory, but for reads and
 * reuse.
 *
 *     state        its PTE                   its frame
 *     free         zero: to touch is a bug   none
 *     untouched    demand zero               none
 *     valid        valid                     Active, knows the PTE
 *     transition   transition                on standby or modified, or read or written just now;
 *                                            knows the PTE
 *     paged out    a slot of a paging file   none
 *
 *     from                 to           by
 *     free                 untouched    MiCreatePagedPage
 *     never pageable       valid        MiMakePagePageable: of an image
 *     untouched            valid        MiInsertPagedPage: the first access
 *     valid                transition   MiTrimPagedPage
 *     transition           valid        MiRestorePagedPage: the soft fault
 *     transition           untouched,   the frame on standby is reused (MiSetRestorePteRoutine): it
 *                          paged out    was never written to, or its slot has the same contents
 *     paged out            transition   a read begins (mm/paging); back when it fails
 *     any but free         free         MiDeletePagedPage
 *
 * Invariants (MiVerifyFrameOwners, MiVerifyWorkingSets):
 *   G1  a page is valid exactly when its working set has an entry for it: the system's, or in
 *       session space the session's; besides it has those of views (mm/section/system_view.c)
 *   G2  OriginalPte of a page's frame is demand zero, with the page's protection, and the slot that
 *       has the same contents as the frame, if one has
 *   G3  a page on standby was not written to since it was made, or put into its slot.  One of an
 *       image, which was not made of zeroes, has a slot
 *
 * Dirty is kept in the PTE while it may be set there; a trim moves it to the frame (Modified).
 *
 * Locking: the working set's mutex; MiPfnLock for the frames and for what leaves or enters
 * transition.  Reuse holds MiPfnLock alone.
 */
#include "mm/pool/paged_page.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"

ULONG MiResidentPagedPool;
ULONG MiPeakResidentPagedPool;
ULONG MiResidentSystemCode;
ULONG MiSystemCodeFaults;

void MiInitializePagedPages(void)
{
    MiResidentPagedPool = 0;
    MiPeakResidentPagedPool = 0;
    MiResidentSystemCode = 0;
    MiSystemCodeFaults = 0;
    MiSystemCacheWorkingSet.TrimPage = MiTrimPagedPage;
}

void MiCreatePagedPage(PMMPTE Pte)
{
    MI_ASSERT(MiReadPte(Pte).Long == 0);
    MiWritePte(Pte, MiMakeDemandZeroPte());
}

/* ---- pages become valid ---- */

static BOOLEAN MipIsPagedPool(ULONG_PTR Va)
{
    const MI_RANGE *Pool = &MiLayout.Region[MiRegionPagedPool];

    return Va - Pool->Start < Pool->Bytes;
}

/* Of an image, of which pages began with something else than zeroes. */
static BOOLEAN MipIsCode(ULONG_PTR Va)
{
    return !MipIsPagedPool(Va) && !MiIsSessionVa(Va);
}

/* A valid PTE: session space is not the same in all address spaces. */
static MMPTE MipMakeValid(PMMPTE Pte, PFN_NUMBER Frame, ULONG Protection)
{
    MMPTE Entry = MiMakePageablePte(Frame, Protection);

    return MiIsSessionVa(MiGetVaMappedByPte(Pte)) ? MiMakeLocalPte(Entry) : Entry;
}

static void MipCountSessionPage(PMM_SESSION_SPACE Session)
{
    Session->ResidentPool++;
    if (Session->PeakResidentPool < Session->ResidentPool) {
        Session->PeakResidentPool = Session->ResidentPool;
    }
}

/* G1 */
static void MipEnterWorkingSet(PMMPTE Pte, PFN_NUMBER Frame)
{
    ULONG_PTR Va = MiGetVaMappedByPte(Pte);

    MiInsertWsle(MiSystemWorkingSetOf(Va), Va, Frame);
    if (MiIsSessionVa(Va)) {
        MipCountSessionPage(MiCurrentSession());
        return;
    }
    if (!MipIsPagedPool(Va)) {
        MiResidentSystemCode++;
        return;
    }
    MiResidentPagedPool++;
    if (MiPeakResidentPagedPool < MiResidentPagedPool) {
        MiPeakResidentPagedPool = MiResidentPagedPool;
    }
}

/* The loader's frames know no PTE; those of MiCreateSystemPages know one without a way back. */
static void MipTieForPaging(PMMPTE Pte, PFN_NUMBER Frame, MMPTE Original) NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MI_PFN(Frame);

    if (Pfn->PteAddress == NULL) {
        MiTakeLoaderFrame(Frame);
        MiSetFramePte(Frame, Pte, Original, MiTableFrame(Pte));
    }
    MI_ASSERT(Pfn->PteAddress == Pte && Pfn->u2.ShareCount == 1);
    Pfn->OriginalPte = Original; /* G2 */
    MiSetFrameModified(Frame, TRUE);
    Pfn->u3.e1.CacheAttribute = MiCached;
}

void MiMakePagePageable(PMMPTE Pte, ULONG Protection)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;

    MI_ASSERT(Old.Hard.Valid);
    MipTieForPaging(Pte, Frame, MiMakeSoftwarePte(Protection));
    MiWritePte(Pte, MipMakeValid(Pte, Frame, Protection));
    KeFlushSingleTb(MiGetVaMappedByPte(Pte));
    MiUnlockPfn(OldIrql);
    MipEnterWorkingSet(Pte, Frame);
}

void MiInsertPagedPage(PMMPTE Pte, PFN_NUMBER Frame)
{
    KIRQL OldIrql = MiLockPfn();

    MI_ASSERT(MiPteKind(MiReadPte(Pte)) == MiPteDemandZero);
    MiSetFramePte(Frame, Pte, MiMakeDemandZeroPte(), MiTableFrame(Pte)); /* G2 */
    MI_PFN(Frame)->u3.e1.CacheAttribute = MiCached;
    MiWritePte(Pte, MipMakeValid(Pte, Frame, MM_READWRITE));
    MiUnlockPfn(OldIrql);
    MipEnterWorkingSet(Pte, Frame);
}

NTSTATUS MiRestorePagedPage(PMMPTE Pte)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;
    BOOLEAN Kept = MiPteKind(Old) == MiPteTransition; /* else it was reused before the lock */
    NTSTATUS Status = STATUS_SUCCESS;

    if (Kept) {
        MI_ASSERT(MI_PFN(Frame)->PteAddress == Pte && !MI_PFN(Frame)->u3.e1.ReadInProgress);
        Status = MiIncrementShareCount(Frame);
    }
    if (Kept && NT_SUCCESS(Status)) {
        MI_PFN(Frame)->u3.e1.CacheAttribute = MiCached;
        MiWritePte(Pte, MipMakeValid(Pte, Frame, MiSoftwareProtection(Old)));
    }
    MiUnlockPfn(OldIrql);
    if (Kept && NT_SUCCESS(Status)) {
        MipEnterWorkingSet(Pte, Frame);
        MiSystemCodeFaults += MipIsCode(MiGetVaMappedByPte(Pte));
    }
    return Status;
}

/* ---- pages stop being valid ---- */

static void MipLeaveWorkingSet(PMMSUPPORT WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame)
{
    MiRemoveWsle(WorkingSet, Va, Frame);
    if (MiIsSessionVa(Va)) {
        MiCurrentSession()->ResidentPool--;
    } else if (MipIsPagedPool(Va)) {
        MiResidentPagedPool--;
    } else {
        MiResidentSystemCode--;
    }
}

/*
 * Drivers lock pages to touch them at raised IRQL, where they were allocated too.  A page of
 * prototype PTEs has a share for each that has a frame: MiPfnLock has to be enough to reach it.
 */
static BOOLEAN MipMustStay(const MMPFN *Pfn) NT_HOLDS(MiPfnLock)
{
    return Pfn->u3.e2.ReferenceCount > 1u + Pfn->u3.e1.WriteInProgress || Pfn->u2.ShareCount > 1;
}

BOOLEAN MiTrimPagedPage(PMMSUPPORT WorkingSet, ULONG_PTR Va)
{
    PMMPTE Pte = MiGetPteAddress(Va);
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;
    KIRQL OldIrql;

    if (MI_PFN(Frame)->u3.e1.PrototypePte) {
        return MiTrimSystemViewPage(WorkingSet, Va);
    }
    OldIrql = MiLockPfn();
    Old = MiReadPte(Pte); /* Dirty may have been set meanwhile */
    MI_ASSERT(Old.Hard.Valid && MI_PFN(Frame)->PteAddress == Pte);
    if (MipMustStay(MI_PFN(Frame))) {
        MiUnlockPfn(OldIrql);
        return FALSE;
    }
    MipLeaveWorkingSet(WorkingSet, Va, Frame);
    MiWritePte(Pte, MiMakeTransitionPte(Frame, MiSoftwareProtection(MI_PFN(Frame)->OriginalPte)));
    KeFlushSingleTb(Va);
    if (Old.Hard.Dirty) {
        MiSetFrameModified(Frame, TRUE); /* G2, G3 */
    }
    MiDecrementShareCount(Frame);
    MiUnlockPfn(OldIrql);
    return TRUE;
}

/* ---- pages go ---- */

/* Flushed before the frame can be anybody else's. */
static void MipDeleteValid(PMMPTE Pte, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    ULONG_PTR Va = MiGetVaMappedByPte(Pte);

    MI_ASSERT(MI_PFN(Frame)->PteAddress == Pte);
    MipLeaveWorkingSet(MiSystemWorkingSetOf(Va), Va, Frame);
    KeFlushSingleTb(Va);
    MiDeleteFramePage(Frame);
}

/* Off its list, and free, unless I/O still has a reference: then the last one frees it. */
static void MipDeleteTransition(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    BOOLEAN Listed = MI_PFN(Frame)->u3.e1.PageLocation != TransitionPage;

    if (Listed) {
        MiUnlinkPage(Frame);
    }
    MiClearFramePte(Frame);
    if (Listed) {
        MiInsertFreeFrame(FreePageList, Frame);
    }
}

void MiDeletePagedPage(PMMPTE Pte)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;

    MiWritePte(Pte, MiMakeZeroPte());
    switch (MiPteKind(Old)) {
    case MiPteValid:
        MipDeleteValid(Pte, Frame);
        break;
    case MiPteTransition:
        MipDeleteTransition(Frame);
        break;
    case MiPteDemandZero:
    case MiPtePagefile:
        MiReleasePteSlot(Old);
        break;
    case MiPteZero:
    case MiPteLarge:
    case MiPtePrototype:
    case MiPteSubsection:
    case MiPteList:
        MI_ASSERT(FALSE);
    }
    MiUnlockPfn(OldIrql);
}

/* ---- verify ---- */

/* => Returns whether the page is valid. */
static BOOLEAN MipVerifyPage(PMMPTE Pte, ULONG Protection) NT_HOLDS(MiPfnLock)
{
    MMPTE Entry = MiReadPte(Pte);
    const MMPFN *Pfn = MI_PFN(Entry.Hard.PageFrameNumber);

    switch (MiPteKind(Entry)) {
    case MiPteValid:
        MI_ASSERT(MiIsRamFrame(Entry.Hard.PageFrameNumber) && Pfn->PteAddress == Pte);
        break;
    case MiPteTransition:
        MI_ASSERT(MiIsRamFrame(Entry.Hard.PageFrameNumber) && Pfn->PteAddress == Pte);
        break;
    case MiPteZero:
    case MiPteDemandZero:
    case MiPtePagefile:
        return FALSE;
    case MiPteLarge:
    case MiPtePrototype:
    case MiPteSubsection:
    case MiPteList:
        MI_ASSERT(FALSE);
    }
    MI_ASSERT(MiSoftwareProtection(Pfn->OriginalPte) == Protection); /* G2 */
    if (Pfn->u3.e1.PageLocation == StandbyPageList) {
        MI_ASSERT(!Pfn->u3.e1.Modified); /* G3 */
        MI_ASSERT(!MipIsCode(MiGetVaMappedByPte(Pte)) || MiPteHasSlot(Pfn->OriginalPte));
    }
    return Entry.Hard.Valid;
}

ULONG MiVerifyPagedPages(PMMPTE First, ULONG Pages, ULONG Protection)
{
    ULONG Valid = 0;
    ULONG Page;

    for (Page = 0; Page < Pages; Page++) {
        KIRQL OldIrql;

        if (!MiReadPte(MiGetPteAddress((ULONG_PTR)(First + Page))).Hard.Valid) {
            Page |= PTE_PER_PAGE - 1; /* no page table: nothing was ever allocated there */
            continue;
        }
        OldIrql = MiLockPfn();
        Valid += MipVerifyPage(First + Page, Protection);
        MiUnlockPfn(OldIrql);
    }
    return Valid;
}
