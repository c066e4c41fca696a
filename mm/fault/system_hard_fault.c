/* SPDX-License-Identifier: MIT */
/*
 * system_hard_fault.c - an access to a page of paged pool that is in a paging file, or on its way
 * from there.
 *
 * As in the user half the page is read together with its neighbours, and alone if that fails; who
 * comes while it is read waits for that read.
 */
#include "mm/fault/system_fault.h"

#include "arch/mmu.h"
#include "mm/sysva/pte_kind.h"

static NTSTATUS MipWaitForBlock(PMI_SYSTEM_FAULT Fault)
{
    (void)Fault;
    MiWaitForInPage();
    return STATUS_RETRY;
}

static NTSTATUS MipRead(PMI_SYSTEM_FAULT Fault)
{
    NTSTATUS Status = MiFinishInPage(Fault->Read, &Fault->Held);

    if (NT_SUCCESS(Status)) {
        return STATUS_RETRY; /* which finds the page in transition */
    }
    if (Status == STATUS_RETRY) {
        Fault->MostPages = 1;
        return STATUS_RETRY;
    }
    Fault->ReadStatus = Status;
    return STATUS_IN_PAGE_ERROR;
}

NTSTATUS MiSystemPagingFile(PMI_SYSTEM_FAULT Fault)
{
    NTSTATUS Status = MiBeginInPage(Fault->Pte, Fault->MostPages, &Fault->Read);

    if (Status == STATUS_INSUFFICIENT_RESOURCES) {
        Fault->Rest = MipWaitForBlock;
        return STATUS_SUCCESS;
    }
    if (NT_SUCCESS(Status)) {
        MiFaultCounters.PagingFileReads++;
        MiFaultCounters.PagesRead += Fault->Read->Pages;
        Fault->Rest = MipRead;
    }
    return Status;
}

static NTSTATUS MipWait(PMI_SYSTEM_FAULT Fault)
{
    Fault->ReadStatus = MiWaitInPage(Fault->Read, Fault->Entry.Hard.PageFrameNumber);
    return NT_SUCCESS(Fault->ReadStatus) ? STATUS_SUCCESS : STATUS_IN_PAGE_ERROR;
}

BOOLEAN MiSystemCollided(PMI_SYSTEM_FAULT Fault)
{
    PFN_NUMBER Frame = Fault->Entry.Hard.PageFrameNumber;
    KIRQL OldIrql = MiLockPfn();
    MMPTE Now = MiReadPte(Fault->Pte); /* the frame may have been reused */
    BOOLEAN Collides = Now.Long == Fault->Entry.Long && MI_PFN(Frame)->u3.e1.ReadInProgress;

    if (Collides) {
        Fault->Read = MiJoinInPage(Frame);
        Fault->Rest = MipWait;
        MiFaultCounters.Collided++;
    }
    MiUnlockPfn(OldIrql);
    return Collides;
}
