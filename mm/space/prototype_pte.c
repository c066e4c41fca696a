/* SPDX-License-Identifier: MIT */
/*
 * prototype_pte.c - frames that several page tables map, and pages of prototype PTEs that stay.
 *
 *     prototype PTE    the page's frame
 *     valid            Active; ShareCount PTEs map it, at least one
 *     transition       on standby or modified, held by I/O alone, or being read
 *     a slot           none: the page is in a paging file
 *     a protection     none: the page is zeroes
 *
 * Invariants of a section's (MiVerifySections):
 *   R1  a frame that a prototype PTE names knows it, with PrototypePte and a share of the page that
 *       it lies in: so who has such a frame may write the prototype PTE, under MiPfnLock
 *   R2  MiPrototypeSlots is what prototype PTEs name
 *
 * mm/pfn writes one when a frame is reused, and not through paged pool's own mapping.  Nothing is
 * lost by that when its page goes out: Dirty was set when the prototype PTE got the frame, and the
 * page stayed since (R1).
 *
 * Who pins waits for the page only before it has it: a pin and what it is for are tried again
 * together, and no trim comes between (MiBringingPages).
 *
 * Locking: MiPfnLock.
 */
#include "mm/space/prototype_pte.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/page_table.h"
#include "mm/space/user_page.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"

MI_PROTOTYPE_SLOTS MiPrototypeSlots;
ULONG MiPrototypeChanges;

/* ---- frames ---- */

NTSTATUS MiShareIdleFrame(PMMPTE Proto, PPFN_NUMBER Frame)
{
    MMPTE Pte = MiReadPte(Proto);
    PFN_NUMBER Named = Pte.Hard.PageFrameNumber;
    NTSTATUS Status;

    if (MiPteKind(Pte) != MiPteTransition || MI_PFN(Named)->u3.e1.ReadInProgress) {
        return STATUS_NOT_FOUND;
    }
    Status = MiIncrementShareCount(Named);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    MiNotePrototypeChange();
    *Frame = Named;
    MiWritePte(Proto, MiMakeUserPte(Named, FALSE, MiCached)); /* that it is valid is all */
    return STATUS_SUCCESS;
}

void MiInsertFrame(PMMPTE Proto, PFN_NUMBER Frame)
{
    MMPTE Old = MiReadPte(Proto);

    MiSetFramePte(Frame, Proto, Old, MiTableFrame(Proto)); /* R1 */
    MI_PFN(Frame)->u3.e1.PrototypePte = 1;
    MiEndPrototypePlace(Old);
    MiNotePrototypeChange();
    MiWritePte(Proto, MiMakeUserPte(Frame, FALSE, MiCached));
}

void MiLeaveFrame(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);

    MiNotePrototypeChange();
    if (Pfn->u2.ShareCount == 1) {
        MiWritePte(Pfn->PteAddress,
                   MiMakeTransitionPte(Frame, MiSoftwareProtection(Pfn->OriginalPte)));
    }
    MiDecrementShareCount(Frame);
}

/* ---- pins ---- */

BOOLEAN MiTryPinPrototype(PMMPTE Proto)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Pte = MiReadPte(MiGetPteAddress((ULONG_PTR)Proto));
    BOOLEAN There = Pte.Hard.Valid;
    NTSTATUS Status = STATUS_SUCCESS;

    if (There) {
        Status = MiIncrementShareCount(Pte.Hard.PageFrameNumber);
    }
    MiUnlockPfn(OldIrql);
    MI_ASSERT(NT_SUCCESS(Status)); /* it is Active */
    return There;
}

void MiPinPrototype(PMMPTE Proto)
{
    __atomic_add_fetch(&MiBringingPages, 1, __ATOMIC_RELAXED);
    while (!MiTryPinPrototype(Proto)) {
        (void)MiReadPte(Proto); /* a page fault like any other */
    }
    __atomic_sub_fetch(&MiBringingPages, 1, __ATOMIC_RELAXED);
}

void MiUnpinPrototype(PMMPTE Proto)
{
    KIRQL OldIrql = MiLockPfn();
    PFN_NUMBER Frame = MiTableFrame(Proto);

    MI_ASSERT(MI_PFN(Frame)->u2.ShareCount > 1);
    MiDecrementShareCount(Frame);
    MiUnlockPfn(OldIrql);
}

/* ---- slots ---- */

void MiBeginPrototypePlace(MMPTE Original)
{
    if (MiIsSubsectionPte(Original)) {
        MiFilePageWent(Original);
        return;
    }
    if (MiPteHasSlot(Original)) {
        MiNotePrototypeChange();
        MiPrototypeSlots.Slots++;
        MiPrototypeSlots.Hashes += MiSlotHash(MiPteFile(Original), MiPteSlot(Original));
    }
}

void MiEndPrototypePlace(MMPTE Original)
{
    if (MiIsSubsectionPte(Original)) {
        MiFilePageCame(Original);
        return;
    }
    if (MiPteHasSlot(Original)) {
        MI_ASSERT(MiPrototypeSlots.Slots != 0); /* R2 */
        MiNotePrototypeChange();
        MiPrototypeSlots.Slots--;
        MiPrototypeSlots.Hashes -= MiSlotHash(MiPteFile(Original), MiPteSlot(Original));
    }
}

/* ---- the end ---- */

static void MipDelete(PMMPTE Proto) NT_HOLDS(MiPfnLock)
{
    MMPTE Old = MiReadPte(Proto);

    MI_ASSERT(!Old.Hard.Valid);
    if (Old.Long != 0) {
        MiWritePte(Proto, MiMakeZeroPte());
    }
    if (MiPteKind(Old) == MiPteTransition) {
        MI_PFN(Old.Hard.PageFrameNumber)->u3.e1.PrototypePte = 0;
        MiDeleteTransitionFrame(Old.Hard.PageFrameNumber);
    } else if (!MiIsSubsectionPte(Old)) { /* the file has it still */
        MiEndPrototypePlace(Old);
        MiReleasePteSlot(Old);
    }
}

/* => All of them lie in one page. */
static void MipDeleteRun(PMMPTE First, ULONG Count) NT_NOT_HOLDING(MiPfnLock)
{
    KIRQL OldIrql;
    ULONG i;

    MiPinPrototype(First);
    OldIrql = MiLockPfn();
    for (i = 0; i < Count; i++) {
        MipDelete(First + i);
    }
    MiUnlockPfn(OldIrql);
    MiUnpinPrototype(First);
}

void MiDeletePrototypes(PMMPTE First, ULONG Count)
{
    while (Count != 0) {
        ULONG InPage = (PAGE_SIZE - (ULONG)BYTE_OFFSET(First)) / (ULONG)sizeof(MMPTE);
        ULONG Run = Count < InPage ? Count : InPage;

        MipDeleteRun(First, Run);
        First += Run;
        Count -= Run;
    }
}
