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

BOOLEAN MiUserCollided(PMI_USER_FAULT Fault)
{
    PFN_NUMBER Frame = Fault->Pte.Hard.PageFrameNumber;
    KIRQL OldIrql = MiLockPfn();
    MMPTE Now = MiReadPte(MiGetPteAddress(Fault->Va)); /* the frame may have been reused */
    BOOLEAN Collides = Now.Long == Fault->Pte.Long && MI_PFN(Frame)->u3.e1.ReadInProgress;

    if (Collides) {
        Fault->Read = MiJoinInPage(Frame);
        Fault->Rest = MipWait;
        MiFaultCounters.Collided++;
    }
    MiUnlockPfn(OldIrql);
    return Collides;
}
