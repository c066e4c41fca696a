/* SPDX-License-Identifier: MIT */
/*
 * view_page.c - a page of a view: the third part of user_page.c.
 *
 *     state        its PTE                             the section's page
 *     untouched    zero, or no page table              anything; it has the view's protection, or
 *                                                      what an image's part gives it
 *     named        names the prototype PTE; or, with   anything
 *                  another protection than that,
 *                  a lookup PTE
 *     mapped       valid                               has a frame, Active
 *     private      as user_page.c and shared_page.c have pages: a copy, or a page that a clone
 *                  shares; it has nothing to do with the section any more
 *
 * Invariants (MiVerifyAddressSpaces, MiVerifySections):
 *   X1  a mapped page's working-set entry has its protection, and the PTE grants exactly that;
 *       where that is copy-on-write it is not writable and has CopyOnWrite
 *   X2  a mapped page's table has a share for it; ShareCount of its frame is the number of PTEs
 *       that map it
 *   X3  a locked page's entry says so, and one page of resident available is promised to that; the
 *       promise goes on to the copy that a write makes
 *
 * Whoever takes a writable PTE away moves Dirty to the frame, which the modified page writer looks
 * at when the last PTE is gone.
 *
 * Locking: AddressCreationLock; MiPfnLock for frames and prototype PTEs.
 */
#include "mm/space/view_page.h"

#include "mi_assert.h"
#include "mm/pfn/commit.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/user_page.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/system_pages.h"
#include "mm/ws/wsle.h"

/* ---- protections ---- */

static BOOLEAN MipIsCommitted(const MMVAD *Vad, ULONG_PTR Va)
{
    const MMVAD_VIEW *View = MiViewOf(Vad);

    ULONG Page = (ULONG)(Va >> PAGE_SHIFT) - Vad->StartingVpn;

    if (Vad->u.VadFlags.ImageMap) {
        return MiImagePageProtection(View, Page) != MI_NO_PROTECTION;
    }
    if (Vad->u.VadFlags.Extendable) {
        return Page < MiPresentPages(View);
    }
    return View->Committed == NULL || RtlTestBit(View->Committed, View->FirstPage + Page);
}

/* What a page has that nobody gave another protection. */
static ULONG MipFirstProtection(const MMVAD *Vad, ULONG_PTR Va)
{
    ULONG Protection = Vad->u.VadFlags.Protection;

    if (Vad->u.VadFlags.ImageMap) {
        Protection =
            MiImagePageProtection(MiViewOf(Vad), (ULONG)(Va >> PAGE_SHIFT) - Vad->StartingVpn);
    }
    return Protection == MI_NO_PROTECTION ? MM_NOACCESS : Protection;
}

ULONG MiWantedViewProtection(const MMVAD *Vad, ULONG_PTR Va, ULONG Protection)
{
    ULONG First = MipFirstProtection(Vad, Va);
    BOOLEAN Shared = MiIsWritable(First) && !MiIsCopyOnWrite(First);

    return Vad->u.VadFlags.ImageMap && MiIsWritable(Protection) && !Shared ? Protection | 1
                                                                           : Protection;
}

ULONG MiGivenViewProtection(const MMVAD *Vad, ULONG_PTR Va, MMPTE Pte)
{
    if (MiIsPhysicalView(Vad)) {
        return Vad->u.VadFlags.Protection;
    }
    if (Pte.Long != 0 && !MiIsViewPte(Pte)) {
        return MiUserPteProtection(Pte);
    }
    if (Pte.Hard.Valid) {
        return MiQueryWsleProtection(&PsGetCurrentProcess()->Vm, Va,
                                     Pte.Hard.PageFrameNumber); /* X1 */
    }
    return MiIsLookupPte(Pte) ? MiLookupProtection(Pte) : MipFirstProtection(Vad, Va);
}

ULONG MiViewPageProtection(const MMVAD *Vad, ULONG_PTR Va, MMPTE Pte)
{
    return MiIsPhysicalView(Vad) || (Pte.Long != 0 && !MiIsViewPte(Pte)) || MipIsCommitted(Vad, Va)
               ? MiGivenViewProtection(Vad, Va, Pte)
               : MI_NO_PROTECTION;
}

MMPTE MiNameViewPage(const MMVAD *Vad, ULONG_PTR Va, ULONG Protection)
{
    return Protection == MipFirstProtection(Vad, Va) ? MiMakePrototypePte(MiViewPrototype(Vad, Va))
                                                     : MiMakeLookupPte(Protection);
}

/* X1 */
static MMPTE MipMakePte(PFN_NUMBER Frame, ULONG Protection)
{
    MMPTE Pte = MiMakeUserPagePte(Frame, Protection);

    return MiIsCopyOnWrite(Protection) ? MiMakeCopyOnWritePte(Pte) : Pte;
}

MMPTE MiCloneViewPte(const MMVAD *Vad, ULONG_PTR Va, MMPTE Pte)
{
    if (!Pte.Hard.Valid) {
        return Pte;
    }
    return MiNameViewPage(
        Vad, Va, MiQueryWsleProtection(&PsGetCurrentProcess()->Vm, Va, Pte.Hard.PageFrameNumber));
}

/* A page that everybody sees can be written to from now on: an image's is the file's no more. */
static void MipAllowWrites(MMPTE New) NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Frame = New.Hard.PageFrameNumber;

    if (New.Hard.Write && MiIsSubsectionPte(MI_PFN(Frame)->OriginalPte)) {
        MiLeaveImageFile(Frame);
    }
}

/* ---- pages become mapped ---- */

/* The table of Pte has Count pages more: X2. */
static inline void MipShareTable(PMMPTE Pte, ULONG Count) NT_HOLDS(MiPfnLock)
{
    MMPFN *Table = MI_PFN(MiTableFrame(Pte));

    MI_ASSERT(Table->u2.ShareCount != 0 && Table->u3.e1.PageLocation == ActiveAndValid);
    Table->u2.ShareCount += Count;
}

/* => The frame has the share, the list an entry to spare.  New maps it.  MipCountMapped follows. */
static inline void MipMapOneOf(PMMWSL List, PMMPTE Pte, MMPTE New, const MI_VIEW_RUN *Run)
    NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Frame = New.Hard.PageFrameNumber;

    if (Run->Image) {
        MipAllowWrites(New);
    }
    MI_PFN(Frame)->u3.e1.CacheAttribute = (USHORT)MiPteCacheAttribute(New);
    MiWritePte(Pte, New);
    MiTakeWsle(List, MiGetVaMappedByPte(Pte), Frame, Run->Protection);
}

/* Count pages were mapped, from Pte on; Used of them had no PTE before. */
static inline void MipCountMapped(PEPROCESS Process, PMMPTE Pte, ULONG Count, ULONG Used)
    NT_HOLDS(MiPfnLock)
{
    MiCountUserPtes(Pte, Used);
    MiCountNewWsles(&Process->Vm, Count);
    MipShareTable(Pte, Count);
}

static void MipMap(PEPROCESS Process, PMMPTE Pte, MMPTE New, ULONG Protection) NT_HOLDS(MiPfnLock)
{
    const MI_VIEW_RUN Run = {.Protection = Protection, .Image = TRUE}; /* it may be */
    ULONG Used = MiReadPte(Pte).Long == 0;

    MipMapOneOf(Process->Vm.VmWorkingSetList, Pte, New, &Run);
    MipCountMapped(Process, Pte, 1, Used);
}

NTSTATUS MiMapViewPage(PEPROCESS Process, PMMPTE Pte, PMMPTE Proto, ULONG Protection)
{
    NTSTATUS Status = MiReserveSharedWsle(&Process->Vm);
    PFN_NUMBER Frame;
    KIRQL OldIrql;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OldIrql = MiLockPfn();
    Status = MiShareFrame(Proto, &Frame);
    if (NT_SUCCESS(Status)) {
        MipMap(Process, Pte, MipMakePte(Frame, Protection), Protection);
    }
    MiUnlockPfn(OldIrql);
    return Status == STATUS_NOT_FOUND ? STATUS_SUCCESS : Status;
}

/* Untouched pages behind one that was mapped, while they have frames.  => Template: no frame. */
static ULONG MipMapBehind(PMMWSL List, PMMPTE Pte, PMMPTE Proto, MMPTE Template,
                          const MI_VIEW_RUN *Run) NT_HOLDS(MiPfnLock)
{
    const MMPTE *First = Pte + 1;
    const MMPTE *End = Pte + Run->Most;
    PFN_NUMBER Frame;

    Template.Hard.Accessed = 0;
    while (++Pte < End && MiReadPte(Pte).Long == 0 && NT_SUCCESS(MiShareFrame(++Proto, &Frame))) {
        MipMapOneOf(List, Pte, MiMakeFramePte(Template, Frame), Run);
    }
    return (ULONG)(Pte - First);
}

NTSTATUS MiMapResidentPages(PEPROCESS Process, PMMPTE Pte, PMMPTE Proto, const MI_VIEW_RUN *Run,
                            PULONG Behind)
{
    PMMWSL List = Process->Vm.VmWorkingSetList;
    MMPTE Template = MipMakePte(0, Run->Protection);
    NTSTATUS Status = STATUS_NOT_FOUND;
    KIRQL OldIrql = MiLockPfn();
    MMPTE Page = MiReadPte(MiGetPteAddress((ULONG_PTR)Proto));
    PFN_NUMBER Frame;

    if (Page.Hard.Valid) {
        MI_PFN(Page.Hard.PageFrameNumber)->u2.ShareCount++; /* a pin, for the moment */
        Status = MiShareFrame(Proto, &Frame);
        if (NT_SUCCESS(Status)) {
            ULONG Used = MiReadPte(Pte).Long == 0;

            MipMapOneOf(List, Pte, MiMakeFramePte(Template, Frame), Run);
            *Behind = Run->Most == 1 ? 0 : MipMapBehind(List, Pte, Proto, Template, Run);
            MipCountMapped(Process, Pte, 1 + *Behind, Used + *Behind);
        }
        MI_PFN(Page.Hard.PageFrameNumber)->u2.ShareCount--; /* not the last: it is valid */
    }
    MiUnlockPfn(OldIrql);
    return Status;
}

NTSTATUS MiInsertViewPage(PEPROCESS Process, PMMPTE Pte, PMMPTE Proto, ULONG Protection,
                          PFN_NUMBER Frame)
{
    NTSTATUS Status = MiReserveSharedWsle(&Process->Vm);
    KIRQL OldIrql;
    MMPTE Old;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OldIrql = MiLockPfn();
    Old = MiReadPte(Proto);
    if (MiPteKind(Old) != MiPteDemandZero) {
        Status = STATUS_RETRY;
    } else {
        MiInsertFrame(Proto, Frame);
        MipMap(Process, Pte, MipMakePte(Frame, Protection), Protection);
    }
    MiUnlockPfn(OldIrql);
    return Status;
}

/* ---- and cease to be ---- */

static void MipKeepDirty(MMPTE Old) NT_HOLDS(MiPfnLock)
{
    if (Old.Hard.Dirty) {
        MiSetFrameModified(Old.Hard.PageFrameNumber, TRUE);
    }
}

/* X3 */
static void MipReturnLock(PEPROCESS Process, ULONG_PTR Va, PFN_NUMBER Frame)
{
    if (MiQueryWsleLocks(&Process->Vm, Va, Frame) != 0) {
        MiReturnResidentAvailable(1);
    }
}

/* Flushed before the frame can be anybody else's. */
void MiUnmapViewPage(PEPROCESS Process, PMMPTE Pte, MMPTE Old)
{
    ULONG_PTR Va = MiGetVaMappedByPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;

    KeFlushSingleTb(Va);
    MipKeepDirty(Old);
    MipReturnLock(Process, Va, Frame);
    MiRemoveWsle(&Process->Vm, Va, Frame);
    MiLeaveFrame(Frame);
    MiDecrementShareCount(MiTableFrame(Pte)); /* X2 */
}

void MiTrimViewPage(PEPROCESS Process, const MMVAD *Vad, PMMPTE Pte, MMPTE Old)
{
    ULONG_PTR Va = MiGetVaMappedByPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;

    MI_PFN(Frame)->u4.Priority = Process->Vm.MemoryPriority;
    MiWritePte(Pte, MiNameViewPage(Vad, Va, MiQueryWsleProtection(&Process->Vm, Va, Frame)));
    MiUnmapViewPage(Process, Pte, Old);
}

/* The copy has the locks that the page had, and the page of resident available for them. */
static void MipMoveLocks(PEPROCESS Process, ULONG_PTR Va, PFN_NUMBER Frame, ULONG Locks)
    NT_HOLDS(MiPfnLock)
{
    if (Locks != 0) {
        MI_PFN(Frame)->u3.e1.LockCharged = 1;
        (void)MiLockWsle(&Process->Vm, Va, Frame, Locks);
    }
}

/* The copy has the page's place: its table's share, its entry. */
static void MipReplace(PEPROCESS Process, PMMPTE Pte, MMPTE Old, ULONG Protection, PFN_NUMBER Frame)
    NT_HOLDS(MiPfnLock)
{
    ULONG_PTR Va = MiGetVaMappedByPte(Pte);
    PFN_NUMBER Source = Old.Hard.PageFrameNumber;
    ULONG Locks = MiQueryWsleLocks(&Process->Vm, Va, Source);
    MMPTE New = MiMakeUserPagePte(Frame, Protection);

    MiWritePte(Pte, New);
    KeFlushSingleTb(Va);
    MiReplaceFramePte(Frame, Pte, MiMakeSoftwarePte(Protection), MiTableFrame(Pte));
    MI_PFN(Frame)->u3.e1.Modified = 1; /* it has no slot yet */
    MI_PFN(Frame)->u3.e1.CacheAttribute = (USHORT)MiPteCacheAttribute(New);
    MiReplaceWsle(&Process->Vm, Va, Source, Frame);
    MipMoveLocks(Process, Va, Frame, Locks);
    MiLeaveFrame(Source);
}

/* Who writes to the page meanwhile, through another view, races with the copy, as with a read. */
void MiCopyViewPage(PEPROCESS Process, PMMPTE Pte, ULONG Protection, PFN_NUMBER Frame)
{
    MMPTE Old = MiReadPte(Pte);
    KIRQL OldIrql;

    MiCopyFrame(Frame, Old.Hard.PageFrameNumber);
    OldIrql = MiLockPfn();
    MipReplace(Process, Pte, Old, MiPrivateProtection(Protection), Frame);
    MiUnlockPfn(OldIrql);
}

/* ---- rights ---- */

static void MipProtectMapped(PEPROCESS Process, PMMPTE Pte, MMPTE Old, ULONG Protection)
    NT_HOLDS(MiPfnLock)
{
    ULONG_PTR Va = MiGetVaMappedByPte(Pte);
    MMPTE New = MipMakePte(Old.Hard.PageFrameNumber, Protection);

    MipAllowWrites(New);
    New.Hard.Accessed = Old.Hard.Accessed;
    if (New.Hard.Write) {
        New.Hard.Dirty = Old.Hard.Dirty;
    } else {
        MipKeepDirty(Old);
    }
    MiWritePte(Pte, New);
    KeFlushSingleTb(Va);
    MiSetWsleProtection(&Process->Vm, Va, Old.Hard.PageFrameNumber, Protection);
}

void MiProtectViewPage(PEPROCESS Process, const MMVAD *Vad, PMMPTE Pte, MMPTE Old, ULONG Protection)
{
    MMPTE Named = MiNameViewPage(Vad, MiGetVaMappedByPte(Pte), Protection);

    if (!Old.Hard.Valid) {
        MiStoreUserPte(Pte, Old, Named);
    } else if (MiIsInaccessible(Protection)) {
        MiWritePte(Pte, Named);
        MiUnmapViewPage(Process, Pte, Old);
    } else {
        MipProtectMapped(Process, Pte, Old, Protection);
    }
}
