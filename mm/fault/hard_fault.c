/* SPDX-License-Identifier: MIT */
/*
 * hard_fault.c - an access to a page that was paged out: the hard fault, whoever owns the page.
 *
 * The page is read together with its neighbours.  If that fails it is read alone: the neighbours'
 * sectors may be the bad ones.
 */
#include "mm/fault/fault_read.h"
#include "mm/pfn/pfn_reference.h"

static NTSTATUS MipWaitForBlock(PMI_FAULT_READ Read)
{
    (void)Read;
    MiWaitForInPage();
    return STATUS_RETRY;
}

static NTSTATUS MipRead(PMI_FAULT_READ Read)
{
    NTSTATUS Status = MiFinishInPage(Read->Block, &Read->Held);

    if (NT_SUCCESS(Status)) {
        return STATUS_RETRY; /* which finds the page in transition */
    }
    if (Status == STATUS_RETRY) {
        Read->MostPages = 1;
        return STATUS_RETRY;
    }
    Read->Status = Status;
    return STATUS_IN_PAGE_ERROR;
}

NTSTATUS MiBeginFaultRead(PMI_FAULT_READ Read, PMMPTE Pte, ULONG Most)
{
    NTSTATUS Status = MiBeginInPage(Pte, Most, &Read->Block);

    if (Status == STATUS_INSUFFICIENT_RESOURCES) {
        Read->Rest = MipWaitForBlock;
        return STATUS_SUCCESS;
    }
    if (NT_SUCCESS(Status)) {
        MiFaultCounters.PagingFileReads++;
        MiFaultCounters.PagesRead += Read->Block->Pages;
        Read->Rest = MipRead;
    }
    return Status;
}

NTSTATUS MiEndFaultTry(PMI_FAULT_READ Read, NTSTATUS Status)
{
    MI_FAULT_REST *Rest = Read->Rest;
    KIRQL OldIrql;

    if (Read->Held != MI_NO_FRAME) {
        OldIrql = MiLockPfn();
        MiDereferenceFrame(Read->Held);
        MiUnlockPfn(OldIrql);
        Read->Held = MI_NO_FRAME;
    }
    Read->Rest = NULL;
    return Rest != NULL ? Rest(Read) : Status;
}
