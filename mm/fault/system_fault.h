/* SPDX-License-Identifier: MIT */
/*
 * system_fault.h - faults of pageable system memory, by their kind.
 */
#ifndef MM_FAULT_SYSTEM_FAULT_H
#define MM_FAULT_SYSTEM_FAULT_H

#include "mm/fault/fault.h"
#include "mm/paging/in_page.h"

typedef struct _MI_SYSTEM_FAULT MI_SYSTEM_FAULT, *PMI_SYSTEM_FAULT;

/*
 * What remains to be done for a fault once the mutex is released.
 *
 * => Returns as MiSystemFault; STATUS_RETRY: look at the fault again.
 */
typedef NTSTATUS MI_SYSTEM_FAULT_REST(PMI_SYSTEM_FAULT Fault);

/* A fault, and what was found at its address under the mutex. */
struct _MI_SYSTEM_FAULT {
    PMMPTE Pte;
    MMPTE Entry;                /* what it held */
    MI_SYSTEM_FAULT_REST *Rest; /* NULL: nothing */
    PMI_IN_PAGE Read;           /* Rest's: what is to be read, or waited for */
    NTSTATUS ReadStatus;        /* STATUS_IN_PAGE_ERROR: why */
    ULONG MostPages;            /* that may be read at once */
    PFN_NUMBER Held;            /* read for this fault, and referenced; MI_NO_FRAME: none */
};

/* => Va lies where MiSystemFault is responsible: in paged pool.  Any IRQL. */
BOOLEAN MiIsPageableSystemVa(ULONG_PTR Va);

/*
 * Resolve a fault on pageable system memory.
 *
 * => IRQL <= APC_LEVEL; Va's page table is there.
 * => STATUS_SUCCESS: the access can be tried again.  STATUS_NO_MEMORY: so it can when there is
 *    memory.  STATUS_ACCESS_VIOLATION: nothing is allocated there.  STATUS_IN_PAGE_ERROR: the page
 *    could not be read; Found has its PTE and ReadStatus.
 * => Bug check 0x1A, 41287 (P2 the address): the thread holds MiSystemWorkingSetMutex.
 */
NT_MUST_CHECK NTSTATUS MiSystemFault(const MM_FAULT *Fault, PMI_SYSTEM_FAULT Found);

/* A page that was paged out, under the mutex.  => As MiSystemFault; may set Rest. */
NT_MUST_CHECK NTSTATUS MiSystemPagingFile(PMI_SYSTEM_FAULT Fault);

/* A page in transition that is being read: Rest waits for it then.  => Returns whether it is. */
BOOLEAN MiSystemCollided(PMI_SYSTEM_FAULT Fault);

#endif
