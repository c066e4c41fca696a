/* SPDX-License-Identifier: MIT */
/*
 * hard_fault.c - an access to a page that was paged out: the hard fault.
 *
 * The page is read together with its neighbours.  If that fails it is read alone: the neighbours'
 * sectors may be the bad ones.
 */
#include "mm/fault/user_fault.h"
#include "mm/space/user_page.h"

static NTSTATUS MipWaitForBlock(PMI_USER_FAULT Fault)
{
    (void)Fault;
    MiWaitForInPage();
    return STATUS_RETRY;
}

static NTSTATUS MipRead(PMI_USER_FAULT Fault)
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

NTSTATUS MiUserReadPage(PMI_USER_FAULT Fault, PMMPTE Pte, ULONG Most)
{
    NTSTATUS Status = MiBeginInPage(Pte, Most, &Fault->Read);

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

NTSTATUS MiUserPagingFile(PMI_USER_FAULT Fault)
{
    return MiUserReadPage(Fault, MiGetPteAddress(Fault->Va), Fault->MostPages);
}
