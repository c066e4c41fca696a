/* SPDX-License-Identifier: MIT */
/*
 * moved_page.c - a page of a view of an image that is not at its preferred base: where the image's
 * relocations name it, it is the process' own from its first touch on.
 *
 * The image's page stays as it is; a reference keeps it while it is copied.  The copy is modified:
 * nothing else has these contents, so that it goes to a paging file.
 */
#include "mi_assert.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/user_page.h"
#include "mm/sysva/hyperspace.h"
#include "mm/ws/wsle.h"

/* => The page's frame, referenced; MI_NO_FRAME: it has none, or is being read. */
static PFN_NUMBER MipHoldSource(PMMPTE Proto)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Pte = MiReadPte(Proto);
    PFN_NUMBER Frame = MI_NO_FRAME;

    if ((Pte.Hard.Valid || MiPteKind(Pte) == MiPteTransition) &&
        !MI_PFN(Pte.Hard.PageFrameNumber)->u3.e1.ReadInProgress &&
        NT_SUCCESS(MiReferenceFrame(Pte.Hard.PageFrameNumber))) {
        Frame = Pte.Hard.PageFrameNumber;
    }
    MiUnlockPfn(OldIrql);
    return Frame;
}

/* => FALSE: the access will fault again. */
static BOOLEAN MipCopySource(PMMPTE Proto, PFN_NUMBER Frame)
{
    PFN_NUMBER Source = MipHoldSource(Proto);
    KIRQL OldIrql;

    if (Source == MI_NO_FRAME) {
        return FALSE;
    }
    MiCopyFrame(Frame, Source);
    OldIrql = MiLockPfn();
    MiDereferenceFrame(Source);
    MiUnlockPfn(OldIrql);
    return TRUE;
}

static void MipRelocate(const MMVAD *Vad, ULONG_PTR Va, PFN_NUMBER Frame)
{
    KIRQL OldIrql;
    PVOID Window = MiMapFrameInHyperspace(Frame, &OldIrql);

    MiMoveImagePage(MiViewOf(Vad), (ULONG)(Va >> PAGE_SHIFT) - Vad->StartingVpn, Window);
    MiUnmapFrameInHyperspace(Window, OldIrql);
}

NTSTATUS MiInsertMovedPage(PEPROCESS Process, const MMVAD *Vad, PMMPTE Pte, PMMPTE Proto,
                           ULONG Protection, PFN_NUMBER Frame)
{
    NTSTATUS Status = MiReserveWsle(&Process->Vm);
    KIRQL OldIrql;

    MI_ASSERT(!MiReadPte(Pte).Hard.Valid);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (MiPteKind(MiReadPte(Proto)) != MiPteDemandZero && !MipCopySource(Proto, Frame)) {
        return STATUS_RETRY;
    }
    MipRelocate(Vad, MiGetVaMappedByPte(Pte), Frame);
    OldIrql = MiLockPfn();
    MiSetFrameModified(Frame, TRUE);
    MiUnlockPfn(OldIrql);
    MiInsertUserPage(Process, Pte, MiPrivateProtection(Protection), Frame);
    return STATUS_SUCCESS;
}
