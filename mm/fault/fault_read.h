/* SPDX-License-Identifier: MIT */
/*
 * fault_read.h - the part of a fault that waits: its page is read, or is being read already.
 *
 * A page table may be waited for under the mutex (page_table_fault.c); for all else:
 *
 * Whoever owns the page looks at the fault under its mutex, which may call one of the first two;
 * releases the mutex; and calls MiEndFaultTry, which waits.  Then nothing that was found counts any
 * more: the fault is looked at from the start.  What was read stays there meanwhile, by a reference
 * (Held), so that the second look finds it in transition, whatever memory is like; and so do a
 * file's pages that came along (Kept), which that look may map as well.
 */
#ifndef MM_FAULT_FAULT_READ_H
#define MM_FAULT_FAULT_READ_H

#include "mm/fault/fault.h"
#include "mm/paging/in_page.h"

typedef struct _MI_FAULT_READ MI_FAULT_READ, *PMI_FAULT_READ;

/* What remains to be done once the mutex is released.  => As MiEndFaultTry. */
typedef NTSTATUS MI_FAULT_REST(PMI_FAULT_READ Read);

/* The faulting thread's own. */
struct _MI_FAULT_READ {
    MI_FAULT_REST *Rest;               /* NULL: nothing */
    PMI_IN_PAGE Block;                 /* Rest's: what is to be read, or waited for */
    MMPTE Pte;                         /* the transition PTE that is waited for */
    NTSTATUS Status;                   /* STATUS_IN_PAGE_ERROR: why */
    ULONG MostPages;                   /* that may be read at once */
    PFN_NUMBER Held;                   /* read for this fault, and referenced; MI_NO_FRAME: none */
    PMI_IN_PAGE Kept;                  /* its neighbours, referenced as long as Held; or NULL */
    PMMPTE Prototype;                  /* of a view's page, whose own page was out ... */
    BOOLEAN Pinned;                    /* ... and stays now (MiUnpinPrototype), ... */
    struct _CONTROL_AREA *ControlArea; /* ... of this segment, referenced; or NULL */
};

/* Make *Read one with nothing to do: what its owner looks at; the rest is set when it is needed. */
static inline void MiStartFaultRead(PMI_FAULT_READ Read)
{
    Read->Rest = NULL;
    Read->MostPages = MI_IN_PAGE_CLUSTER;
    Read->Held = MI_NO_FRAME;
    Read->Kept = NULL;
    Read->Pinned = FALSE;
}

static inline MI_FAULT_READ MiMakeFaultRead(void)
{
    return (MI_FAULT_READ){.MostPages = MI_IN_PAGE_CLUSTER, .Held = MI_NO_FRAME};
}

/*
 * The page of Pte, a MiPtePagefile or a prototype PTE's MiPteSubsection, has to be read; with up to
 * Most - 1 others: of a paging file, when a page next to it is in memory.
 *
 * => Under the mutex of the page's owner.
 * => STATUS_SUCCESS: there is a Rest.  STATUS_NO_MEMORY: no frame.
 */
NT_MUST_CHECK NTSTATUS MiBeginFaultRead(PMI_FAULT_READ Read, PMMPTE Pte, ULONG Most);

/*
 * The page of Pte may be in transition and being read: then there is a Rest, which waits for it.
 *
 * => Under the mutex of the page's owner.  Returns whether it is; Read->Pte is what Pte holds.
 */
BOOLEAN MiJoinFaultRead(PMI_FAULT_READ Read, PMMPTE Pte);

/*
 * Proto's own page is out, which MiTryPinPrototype said: then there is a Rest, which brings it in
 * and pins it until the next look at the fault has ended.
 *
 * => Under the mutex of the page's owner.  A view of Area's segment shows the page.
 */
void MiLeaveForPrototype(PMI_FAULT_READ Read, struct _CONTROL_AREA *Area, PMMPTE Proto)
    NT_NOT_HOLDING(MiPfnLock);

/* The page of prototype PTEs that stayed for a look need not any more, nor the segment. */
void MiReleaseFaultPin(PMMPTE Prototype, struct _CONTROL_AREA *Area) NT_NOT_HOLDING(MiPfnLock);

/* MiEndFaultTry where there is something to do. */
NT_MUST_CHECK NTSTATUS MiDoFaultRest(PMI_FAULT_READ Read, NTSTATUS Status)
    NT_NOT_HOLDING(MiPfnLock);

/*
 * The mutex is released, the look at the fault ended with Status: what was read for it is in use
 * now, or not wanted any more; and what remains is done.
 *
 * => IRQL <= APC_LEVEL.
 * => STATUS_RETRY: look at the fault again.  STATUS_IN_PAGE_ERROR: Read->Status says why.  Else
 *    Status, or success.
 */
static inline NT_MUST_CHECK NTSTATUS MiEndFaultTry(PMI_FAULT_READ Read, NTSTATUS Status)
    NT_NOT_HOLDING(MiPfnLock)
{
    return Read->Held == MI_NO_FRAME && Read->Rest == NULL && !Read->Pinned
               ? Status
               : MiDoFaultRest(Read, Status);
}

#endif
