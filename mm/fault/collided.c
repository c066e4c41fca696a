/* SPDX-License-Identifier: MIT */
/*
 * collided.c - an access to a page that another fault is reading: there is one read, all wait for
 * it.  Who waited faults again when the page is there, and fails as the reader does when it could
 * not be read.
 */
#include "arch/mmu.h"
#include "mm/fault/fault_read.h"
#include "mm/sysva/pte_kind.h"

static NTSTATUS MipWait(PMI_FAULT_READ Read)
{
    Read->Status = MiWaitInPage(Read->Block, Read->Pte.Hard.PageFrameNumber);
    return NT_SUCCESS(Read->Status) ? STATUS_SUCCESS : STATUS_IN_PAGE_ERROR;
}

BOOLEAN MiJoinFaultRead(PMI_FAULT_READ Read, PMMPTE Pte)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Now = MiReadPte(Pte); /* the frame may have been reused */
    PFN_NUMBER Frame = Now.Hard.PageFrameNumber;
    BOOLEAN Collides = MiPteKind(Now) == MiPteTransition && MI_PFN(Frame)->u3.e1.ReadInProgress;

    Read->Pte = Now;
    if (Collides) {
        Read->Block = MiJoinInPage(Frame);
        Read->Rest = MipWait;
        MiFaultCounters.Collided++;
    }
    MiUnlockPfn(OldIrql);
    return Collides;
}
