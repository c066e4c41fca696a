/* SPDX-License-Identifier: MIT */
/*
 * hard_fault.c - an access to a page that was paged out: the hard fault, whoever owns the page.
 *
 * Who has the page next door goes through memory page by page: the page is read together with its
 * neighbours.  Who has not jumps about, and neighbours would take frames and time for nothing: the
 * page is read alone.  So it is when a read of several fails: the bad sectors may be a neighbour's.
 */
#include "arch/mmu.h"
#include "mm/fault/fault_read.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/pte_kind.h"

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

static BOOLEAN MipIsInMemory(PMMPTE Pte)
{
    MI_PTE_KIND Kind = MiPteKind(MiReadPte(Pte));

    return Kind == MiPteValid || Kind == MiPteTransition;
}

/* A page table's first and last page have one neighbour: the other table may not be there. */
static BOOLEAN MipIsNextDoorInMemory(PMMPTE Pte)
{
    ULONG Index = (ULONG)BYTE_OFFSET(Pte) / sizeof(MMPTE);

    return (Index != 0 && MipIsInMemory(Pte - 1)) ||
           (Index != PTE_PER_PAGE - 1 && MipIsInMemory(Pte + 1));
}

NTSTATUS MiBeginFaultRead(PMI_FAULT_READ Read, PMMPTE Pte, ULONG Most)
{
    NTSTATUS Status;

    if (Most > 1 && !MipIsNextDoorInMemory(Pte)) {
        Most = 1;
    }
    Status = MiBeginInPage(Pte, Most, &Read->Block);
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
