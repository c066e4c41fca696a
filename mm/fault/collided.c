/* SPDX-License-Identifier: MIT */
/*
 * collided.c - an access to a page that another fault is reading: there is one read, all wait for
 * it.  Who waited faults again when the page is there, and fails as the reader does when it could
 * not be read.
 */
#include "mm/fault/user_fault.h"
#include "mm/space/user_page.h"

static NTSTATUS MipWait(PMI_USER_FAULT Fault)
{
    Fault->ReadStatus = MiWaitInPage(Fault->Read, Fault->Pte.Hard.PageFrameNumber);
    return NT_SUCCESS(Fault->ReadStatus) ? STATUS_SUCCESS : STATUS_IN_PAGE_ERROR;
}

BOOLEAN MiUserCollided(PMI_USER_FAULT Fault, PMMPTE Pte)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Now = MiReadPte(Pte); /* the frame may have been reused */
    PFN_NUMBER Frame = Now.Hard.PageFrameNumber;
    BOOLEAN Collides = MiPteKind(Now) == MiPteTransition && MI_PFN(Frame)->u3.e1.ReadInProgress;

    if (Collides) {
        Fault->Pte = Now;
        Fault->Read = MiJoinInPage(Frame);
        Fault->Rest = MipWait;
        MiFaultCounters.Collided++;
    }
    MiUnlockPfn(OldIrql);
    return Collides;
}
