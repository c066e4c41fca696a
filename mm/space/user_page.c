/* SPDX-License-Identifier: MIT */
/*
 * user_page.c - the only place, with shared_page.c and view_page.c, that changes a PTE of the user
 * half.
 *
 *     state         its PTE                             its frame
 *     free          zero; no descriptor                 none
 *     reserved      zero, or MM_DECOMMIT                none
 *     untouched     zero in a descriptor with MemCommit none
 *                   else a protection (demand zero)
 *     valid         valid                               Active, knows the PTE
 *     transition    transition, with the protection     on standby or modified, knows the PTE
 *     paged out     a slot of a paging file, protection none
 *     shared        shared_page.c
 *     of a view     view_page.c; physical_view.c
 *
 * A page that becomes a guard page, or loses all access, is in transition if it has contents: any
 * access to it must fault.  When a frame on standby is reused the PTE becomes its OriginalPte:
 * paged out, or, if the page was never written or was reset, a protection: zeroes will do.
 *
 * Invariants (MiVerifyProcess):
 *   U1  OriginalPte of a page's frame is its protection, and the slot that has the same contents
 *       as the frame, if one has
 *   U2  a valid PTE grants exactly what that protection says; none of a guard page or of a page
 *       without access is valid
 *   U3  a page on standby was not written since it was made, reset or put into its slot
 *
 * Dirty is kept in the PTE while it may be set there; who takes the right to write away, or the
 * PTE, moves it to the frame (Modified) and to the descriptor's write watch.
 *
 * Locking: AddressCreationLock; MiPfnLock for the frames, for what leaves or enters transition, and
 * for each change of a valid PTE, so that no other thread sets Dirty in between.
 */
#include "mm/space/user_page.h"

#include "mi_assert.h"
#include "mm/pfn/commit.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/physical_view.h"
#include "mm/space/shared_page.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/system_pages.h"
#include "mm/ws/wsle.h"

static ULONG MipVpn(PMMPTE Pte)
{
    return (ULONG)(MiGetVaMappedByPte(Pte) >> PAGE_SHIFT);
}

ULONG MiQueryPageProtection(const MMVAD *Vad, ULONG_PTR Va)
{
    MMPTE Pte = {.Long = 0};

    if (MiHasPageTable(Va)) {
        Pte = MiReadPte(MiGetPteAddress(Va));
    }
    return MiPageProtection(Vad, Va, Pte);
}

/* ---- frames come and go ---- */

void MiInsertUserPage(PEPROCESS Process, PMMPTE Pte, ULONG Protection, PFN_NUMBER Frame)
{
    MMPTE New = MiMakeUserPagePte(Frame, Protection);
    KIRQL OldIrql = MiLockPfn();

    MiSetFramePte(Frame, Pte, MiMakeSoftwarePte(Protection), MiTableFrame(Pte));
    MI_PFN(Frame)->u3.e1.CacheAttribute = (USHORT)MiPteCacheAttribute(New);
    MiUnlockPfn(OldIrql);
    MiStoreUserPte(Pte, MiReadPte(Pte), New);
    MiInsertWsle(&Process->Vm, MiGetVaMappedByPte(Pte), Frame);
}

/* => As MiRestoreUserPage; room for the page is reserved.  Old is in transition. */
static NTSTATUS MipRestore(PEPROCESS Process, PMMPTE Pte, MMPTE Old) NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;
    NTSTATUS Status;
    MMPTE New;

    if (MI_PFN(Frame)->u3.e1.ReadInProgress) {
        return STATUS_RETRY;
    }
    New = MiMakeUserPagePte(Frame, MiSoftwareProtection(Old));
    Status = MiIncrementShareCount(Frame);
    if (NT_SUCCESS(Status)) {
        MI_PFN(Frame)->u3.e1.CacheAttribute = (USHORT)MiPteCacheAttribute(New);
        MiWritePte(Pte, New);
        MiInsertWsle(&Process->Vm, MiGetVaMappedByPte(Pte), Frame);
    }
    return Status;
}

NTSTATUS MiRestoreUserPage(PEPROCESS Process, PMMPTE Pte)
{
    NTSTATUS Status = MiReserveWsle(&Process->Vm);
    KIRQL OldIrql;
    MMPTE Old;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OldIrql = MiLockPfn();
    Old = MiReadPte(Pte);
    if (MiPteKind(Old) == MiPteTransition) { /* else it was reused before the lock was taken */
        Status = MipRestore(Process, Pte, Old);
    }
    MiUnlockPfn(OldIrql);
    return Status;
}

static void MipReturnLock(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    if (MI_PFN(Frame)->u3.e1.LockCharged) {
        MI_PFN(Frame)->u3.e1.LockCharged = 0;
        MiReturnResidentAvailable(1);
    }
}

/* A page stops being valid: it leaves the working set, whatever lock it had. */
static void MipLeaveWorkingSet(PEPROCESS Process, PMMPTE Pte, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    MiRemoveWsle(&Process->Vm, MiGetVaMappedByPte(Pte), Frame);
    MipReturnLock(Frame);
}

void MiDeleteTransitionFrame(PFN_NUMBER Frame)
{
    BOOLEAN Listed = MI_PFN(Frame)->u3.e1.PageLocation != TransitionPage;

    if (Listed) {
        MiUnlinkPage(Frame);
    }
    MI_PFN(Frame)->u3.e1.CacheAttribute = MiCacheUnknown;
    MiClearFramePte(Frame);
    if (Listed) {
        MiInsertFreeFrame(FreePageList, Frame);
    }
}

/* Flushed before the frame can be anybody else's. */
static void MipDeleteValid(PEPROCESS Process, PMMPTE Pte, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    KeFlushSingleTb(MiGetVaMappedByPte(Pte));
    MI_ASSERT(MI_PFN(Frame)->PteAddress == Pte);
    MipLeaveWorkingSet(Process, Pte, Frame);
    MI_PFN(Frame)->u3.e1.CacheAttribute = MiCacheUnknown;
    MiDeleteFramePage(Frame);
}

/* A frame of the process' own is mapped. */
static inline BOOLEAN MipIsMappedPrivate(MMPTE Pte)
{
    return Pte.Hard.Valid && !Pte.Hard.Prototype &&
           !MI_PFN(Pte.Hard.PageFrameNumber)->u3.e1.PrototypePte;
}

static void MipDeleteViewPage(PEPROCESS Process, PMMPTE Pte, MMPTE Old) NT_HOLDS(MiPfnLock)
{
    if (Old.Hard.Valid) {
        MiUnmapViewPage(Process, Pte, Old);
    }
}

/* A page that is no frame of the process' own, mapped.  => Another PTE has been stored. */
static void __attribute__((noinline)) MipDeleteOther(PEPROCESS Process, PMMPTE Pte, MMPTE Old)
    NT_HOLDS(MiPfnLock)
{
    if (MiIsPhysicalPte(Old)) {
        MiUnmapPhysicalPage(Pte);
    } else if (MiIsSharedPte(Old)) {
        MiDeleteSharedPage(Process, Pte, Old);
    } else if (MiIsViewPte(Old)) {
        MipDeleteViewPage(Process, Pte, Old);
    } else if (MiPteKind(Old) == MiPteTransition) {
        MiDeleteTransitionFrame(Old.Hard.PageFrameNumber);
    } else {
        MiReleasePteSlot(Old);
    }
}

void MiDeleteUserPage(PEPROCESS Process, PMMVAD Vad, PMMPTE Pte, MMPTE New)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Old = MiReadPte(Pte);

    MiStoreUserPte(Pte, Old, New);
    if (MipIsMappedPrivate(Old)) {
        if (Old.Hard.Dirty) {
            MiNoteWrite(Vad, MipVpn(Pte));
        }
        MipDeleteValid(Process, Pte, Old.Hard.PageFrameNumber);
    } else {
        MipDeleteOther(Process, Pte, Old);
    }
    MiUnlockPfn(OldIrql);
}

/* ---- rights ---- */

void MiCaptureDirty(PMMVAD Vad, PMMPTE Pte, MMPTE Old)
{
    if (Old.Hard.Dirty) {
        MiSetFrameModified(Old.Hard.PageFrameNumber, TRUE);
        MiNoteWrite(Vad, MipVpn(Pte));
    }
}

/* The page keeps its contents, but every access is a fault from now on. */
static void MipBeginTransition(PEPROCESS Process, PMMVAD Vad, PMMPTE Pte, MMPTE Old,
                               ULONG Protection) NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;

    MiWritePte(Pte, MiMakeTransitionPte(Frame, Protection));
    KeFlushSingleTb(MiGetVaMappedByPte(Pte));
    MiCaptureDirty(Vad, Pte, Old);
    MipLeaveWorkingSet(Process, Pte, Frame);
    MI_PFN(Frame)->u4.Priority = Process->Vm.MemoryPriority;
    MiDecrementShareCount(Frame);
}

/* A page that an MDL locks would keep its frame: it stays. */
BOOLEAN MiTrimUserPage(PMMSUPPORT WorkingSet, ULONG_PTR Va)
{
    PEPROCESS Process = CONTAINING_RECORD(WorkingSet, EPROCESS, Vm);
    PMMPTE Pte = MiGetPteAddress(Va);
    const MMPFN *Pfn;
    BOOLEAN Goes;
    KIRQL OldIrql;
    PMMVAD Vad;
    MMPTE Old;

    if (Va >= MM_SYSTEM_RANGE_START) {
        return MiTrimPageTable(Process, Va);
    }
    Vad = MiFindVad(Process, (ULONG)(Va >> PAGE_SHIFT));
    OldIrql = MiLockPfn();
    Old = MiReadPte(Pte);
    Pfn = MI_PFN(Old.Hard.PageFrameNumber);
    Goes = Pfn->u3.e2.ReferenceCount == 1;
    MI_ASSERT(Old.Hard.Valid && !Pfn->u3.e1.LockCharged);
    if (Goes && MiIsViewPte(Old)) {
        MiTrimViewPage(Process, Vad, Pte, Old);
    } else if (Goes && Pfn->u3.e1.PrototypePte) {
        MiTrimSharedPage(Process, Pte, Old);
    } else if (Goes) {
        MipBeginTransition(Process, Vad, Pte, Old, MiSoftwareProtection(Pfn->OriginalPte));
    }
    MiUnlockPfn(OldIrql);
    return Goes;
}

/* U1 */
static void MipSetProtection(PFN_NUMBER Frame, ULONG Protection) NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MI_PFN(Frame);

    Pfn->OriginalPte = MiChangeSoftwareProtection(Pfn->OriginalPte, Protection);
}

static void MipProtectValid(PEPROCESS Process, PMMVAD Vad, PMMPTE Pte, MMPTE Old, ULONG Protection)
    NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;
    MMPTE New;

    MipSetProtection(Frame, Protection);
    if (MiIsInaccessible(Protection)) {
        MipBeginTransition(Process, Vad, Pte, Old, Protection);
        return;
    }
    New = MiMakeUserPagePte(Frame, Protection);
    New.Hard.Accessed = Old.Hard.Accessed;
    if (New.Hard.Write) {
        New.Hard.Dirty = Old.Hard.Dirty;
    } else {
        MiCaptureDirty(Vad, Pte, Old);
    }
    MI_PFN(Frame)->u3.e1.CacheAttribute = (USHORT)MiPteCacheAttribute(New);
    MiWritePte(Pte, New);
    KeFlushSingleTb(MiGetVaMappedByPte(Pte));
}

void MiProtectUserPage(PEPROCESS Process, PMMVAD Vad, PMMPTE Pte, ULONG Protection)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Old = MiReadPte(Pte);
    BOOLEAN IsView = MiIsView(Vad) && (Old.Long == 0 || MiIsViewPte(Old));

    if (!IsView) {
        Protection = MiPrivateProtection(Protection);
    }
    if (IsView) {
        MiProtectViewPage(Process, Vad, Pte, Old,
                          MiWantedViewProtection(Vad, MiGetVaMappedByPte(Pte), Protection));
    } else if (MiIsSharedPte(Old)) {
        MiProtectSharedPage(Process, Pte, Old, Protection);
    } else if (Old.Hard.Valid) {
        MipProtectValid(Process, Vad, Pte, Old, Protection);
    } else if (MiPteKind(Old) == MiPteTransition) {
        MipSetProtection(Old.Hard.PageFrameNumber, Protection);
        MiWritePte(Pte, MiMakeTransitionPte(Old.Hard.PageFrameNumber, Protection));
    } else {
        MiStoreUserPte(Pte, Old, MiChangeSoftwareProtection(Old, Protection));
    }
    MiUnlockPfn(OldIrql);
}

/* ---- what was written ---- */

/* => Returns whether the page is valid; then Dirty is clear, and kept elsewhere. */
static BOOLEAN MipClean(PMMVAD Vad, PMMPTE Pte) NT_HOLDS(MiPfnLock)
{
    MMPTE Old = MiReadPte(Pte);
    MMPTE New = Old;

    if (Old.Hard.Valid && Old.Hard.Dirty) {
        New.Hard.Dirty = 0;
        MiWritePte(Pte, New);
        KeFlushSingleTb(MiGetVaMappedByPte(Pte));
        MiCaptureDirty(Vad, Pte, Old);
    }
    return Old.Hard.Valid;
}

void MiCleanUserPage(PMMVAD Vad, PMMPTE Pte)
{
    KIRQL OldIrql = MiLockPfn();

    (void)MipClean(Vad, Pte);
    MiUnlockPfn(OldIrql);
}

/* => It is not valid: paged out, or on a list and held by nobody; then it has no contents. */
static void MipForgetContents(PMMPTE Pte) NT_HOLDS(MiPfnLock)
{
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;

    if (MiPteKind(Old) == MiPtePagefile) {
        MiReleasePteSlot(Old);
    } else if (MiPteKind(Old) == MiPteTransition &&
               MI_PFN(Frame)->u3.e1.PageLocation != TransitionPage) {
        MiDeleteTransitionFrame(Frame);
    } else {
        return;
    }
    MiWritePte(Pte, MiMakeSoftwarePte(MiSoftwareProtection(Old)));
}

void MiResetUserPage(PMMVAD Vad, PMMPTE Pte)
{
    KIRQL OldIrql;

    if (MiIsSharedPte(MiReadPte(Pte)) || MiIsViewPte(MiReadPte(Pte)) ||
        MiIsPhysicalPte(MiReadPte(Pte))) {
        return; /* the others' contents do */
    }
    OldIrql = MiLockPfn();
    if (MipClean(Vad, Pte)) {
        MiSetFrameModified(MiReadPte(Pte).Hard.PageFrameNumber, FALSE);
    } else {
        MipForgetContents(Pte);
    }
    MiUnlockPfn(OldIrql);
}

/* ---- pages that stay ---- */

ULONG MiQueryUserPageLocks(PEPROCESS Process, ULONG_PTR Va)
{
    MMPTE Pte = {.Long = 0};

    if (MiIsPageTableResident(Va)) {
        Pte = MiReadPte(MiGetPteAddress(Va));
    }
    return Pte.Hard.Valid && !Pte.Hard.Prototype
               ? MiQueryWsleLocks(&Process->Vm, Va, Pte.Hard.PageFrameNumber)
               : 0;
}

void MiLockUserPage(PEPROCESS Process, PMMPTE Pte, ULONG Locks)
{
    PFN_NUMBER Frame = MiReadPte(Pte).Hard.PageFrameNumber;
    KIRQL OldIrql = MiLockPfn();

    MI_PFN(Frame)->u3.e1.LockCharged = !MiIsViewPte(MiReadPte(Pte)); /* else X3 */
    MiUnlockPfn(OldIrql);
    (void)MiLockWsle(&Process->Vm, MiGetVaMappedByPte(Pte), Frame, Locks);
}

void MiUnlockUserPage(PEPROCESS Process, PMMPTE Pte, ULONG Locks)
{
    PFN_NUMBER Frame = MiReadPte(Pte).Hard.PageFrameNumber;
    KIRQL OldIrql;

    if (!MiUnlockWsle(&Process->Vm, MiGetVaMappedByPte(Pte), Frame, Locks)) {
        OldIrql = MiLockPfn();
        if (MiIsViewPte(MiReadPte(Pte))) {
            MiReturnResidentAvailable(1); /* X3 */
        } else {
            MipReturnLock(Frame);
        }
        MiUnlockPfn(OldIrql);
    }
}

/* ---- frames that are reused ---- */

/*
 * The PTE may be of any address space: its page table is reached as a frame.  It may be a page
 * table's directory entry, too, or a prototype PTE.
 */
static void MipRestorePte(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MI_PFN(Frame);
    KIRQL OldIrql;
    PUCHAR Table = MiMapFrameInHyperspace(Pfn->u4.PteFrame, &OldIrql);

    if (MiIsSectionPrototype(Pfn->PteAddress)) {
        MiBeginPrototypePlace(Pfn->OriginalPte);
    }
    MiWritePte((PMMPTE)(PVOID)(Table + BYTE_OFFSET(Pfn->PteAddress)), Pfn->OriginalPte);
    MiUnmapFrameInHyperspace(Table, OldIrql);
    Pfn->u3.e1.CacheAttribute = MiCacheUnknown;
    MiPageTableCounters.Reused += MiIsUserPde(Pfn->PteAddress);
}

void MiInitializeUserPages(void)
{
    MiSetRestorePteRoutine(MipRestorePte);
}
