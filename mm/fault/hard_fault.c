/* SPDX-License-Identifier: MIT */
/*
 * hard_fault.c - an access to a page that was paged out: the hard fault, whoever owns the page.
 *
 * Who has the page next door goes through memory page by page: the page is read together with its
 * neighbours.  Who has not jumps about, and neighbours would take frames and time for nothing: the
 * page is read alone.  So it is when a read of several fails: the bad sectors may be a neighbour's.
 * Pages of a file are always read together: who maps a file seldom wants one page of it.
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
    NTSTATUS Status = MiFinishInPageAndKeep(Read->Block, &Read->Held, &Read->Kept);

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
    BOOLEAN Mapped = MiIsSubsectionPte(MiReadPte(Pte));
    NTSTATUS Status;

    if (Most > 1 && !Mapped && !MipIsNextDoorInMemory(Pte)) {
        Most = 1;
    }
    Status = MiBeginInPage(Pte, Most, &Read->Block);
    if (Status == STATUS_INSUFFICIENT_RESOURCES) {
        Read->Rest = MipWaitForBlock;
        return STATUS_SUCCESS;
    }
    if (NT_SUCCESS(Status)) {
        if (Mapped) {
            MiFaultCounters.MappedFileReads++;
            MiFaultCounters.MappedPagesRead += Read->Block->Pages;
        } else {
            MiFaultCounters.PagingFileReads++;
            MiFaultCounters.PagesRead += Read->Block->Pages;
        }
        Read->Rest = MipRead;
    }
    return Status;
}

/*
 * The pin goes last: with it the last reference to a segment may go, whose end waits for pages, and
 * who has begun a read waits for nothing else.
 */
NTSTATUS MiDoFaultRest(PMI_FAULT_READ Read, NTSTATUS Status)
{
    MI_FAULT_REST *Rest = Read->Rest;
    struct _CONTROL_AREA *Area = Read->ControlArea;
    PMMPTE Prototype = Read->Prototype;
    BOOLEAN Pinned = Read->Pinned;
    KIRQL OldIrql;

    if (Read->Held != MI_NO_FRAME) {
        OldIrql = MiLockPfn();
        MiDereferenceFrame(Read->Held);
        if (Read->Kept != NULL) {
            MiReleaseInPage(Read->Kept);
        }
        MiUnlockPfn(OldIrql);
        Read->Held = MI_NO_FRAME;
        Read->Kept = NULL;
    }
    Read->Rest = NULL;
    Read->Pinned = FALSE;
    if (Rest != NULL) {
        Status = Rest(Read);
    }
    if (Pinned) {
        MiReleaseFaultPin(Prototype, Area);
    }
    return Status;
}
