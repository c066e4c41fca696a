/* SPDX-License-Identifier: MIT */
/*
 * user_fault.h - faults of the user half, by their kind.
 */
#ifndef MM_FAULT_USER_FAULT_H
#define MM_FAULT_USER_FAULT_H

#include "mm/fault/fault.h"
#include "mm/paging/in_page.h"
#include "mm/space/vad.h"

typedef struct _MI_USER_FAULT MI_USER_FAULT, *PMI_USER_FAULT;

/*
 * What remains to be done for a fault once its lock is released.
 *
 * => Returns as MiUserFault; STATUS_RETRY: look at the fault again.
 */
typedef NTSTATUS MI_FAULT_REST(PMI_USER_FAULT Fault);

/* A fault, and what was found at its address while the address space was locked. */
struct _MI_USER_FAULT {
    PEPROCESS Process;
    PMMVAD Vad;          /* under the lock only; NULL: nothing is reserved there */
    ULONG_PTR Va;        /* of the page */
    ULONG Protection;    /* MI_NO_PROTECTION: not committed */
    MMPTE Pte;           /* zero: there is none */
    MI_FAULT_REST *Rest; /* NULL: nothing */
    PMI_IN_PAGE Read;    /* Rest's: what is to be read, or waited for */
    NTSTATUS ReadStatus; /* STATUS_IN_PAGE_ERROR: why */
    ULONG MostPages;     /* that may be read at once */
    PFN_NUMBER Held;     /* read for this fault, and referenced; MI_NO_FRAME: none */
};

/*
 * Resolve a fault below MM_SYSTEM_RANGE_START, in the running address space.
 *
 * => IRQL <= APC_LEVEL.
 * => STATUS_SUCCESS: the access can be tried again.  STATUS_NO_MEMORY: so it can when there is
 *    memory.  STATUS_ACCESS_VIOLATION, STATUS_GUARD_PAGE_VIOLATION: it failed.
 *    STATUS_IN_PAGE_ERROR: the page could not be read; Found has its PTE and ReadStatus.
 * => Bug check 0x1A, 41287 (P2 the address): the thread holds the address space's lock.
 */
NT_MUST_CHECK NTSTATUS MiUserFault(const MM_FAULT *Fault, PMI_USER_FAULT Found);

/* The kinds, under the lock; each returns as MiUserFault, and may set Rest. */
NT_MUST_CHECK NTSTATUS MiUserDemandZero(const MI_USER_FAULT *Fault);  /* a page without contents */
NT_MUST_CHECK NTSTATUS MiUserTransition(PMI_USER_FAULT Fault);        /* its frame is there */
NT_MUST_CHECK NTSTATUS MiUserPagingFile(PMI_USER_FAULT Fault);        /* it was paged out */
NT_MUST_CHECK NTSTATUS MiUserCopyOnWrite(const MI_USER_FAULT *Fault); /* a write to a shared page */
/* The PTE names a page that others may have, too. */
NT_MUST_CHECK NTSTATUS MiUserPrototype(PMI_USER_FAULT Fault, BOOLEAN Write);
NT_MUST_CHECK NTSTATUS MiUserGuardPage(const MI_USER_FAULT *Fault); /* touched once */

/* Read the page of Pte, a MiPtePagefile, and up to Most - 1 others: there is a Rest then. */
NT_MUST_CHECK NTSTATUS MiUserReadPage(PMI_USER_FAULT Fault, PMMPTE Pte, ULONG Most);

/*
 * The page of Pte is in transition and being read: there is a Rest then, which waits for it.
 *
 * => Returns whether it is.
 */
BOOLEAN MiUserCollided(PMI_USER_FAULT Fault, PMMPTE Pte);

#endif
