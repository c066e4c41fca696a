/* SPDX-License-Identifier: MIT */
/*
 * system_fault.h - faults of pageable system memory, by their kind.
 */
#ifndef MM_FAULT_SYSTEM_FAULT_H
#define MM_FAULT_SYSTEM_FAULT_H

#include "mm/fault/fault_read.h"
#include "mm/ws/working_set.h"

/* A fault, and what was found at its address under the mutex. */
typedef struct _MI_SYSTEM_FAULT {
    PMMSUPPORT WorkingSet; /* the system's, or the session's */
    PMMPTE Pte;
    MMPTE Entry;        /* what it held */
    MI_FAULT_READ Read; /* what remains for after the mutex */
} MI_SYSTEM_FAULT, *PMI_SYSTEM_FAULT;

/*
 * What the fault is if Entry names a prototype PTE: system_view.c.
 *
 * => Under the working set's mutex.  As MiSystemFault, but for what remains to be done in Read.
 */
NT_MUST_CHECK NTSTATUS MiSystemView(PMI_SYSTEM_FAULT Found) NT_NOT_HOLDING(MiPfnLock);

/* => Va lies where MiSystemFault is responsible.  IRQL <= APC_LEVEL. */
BOOLEAN MiIsPageableSystemVa(ULONG_PTR Va);

/*
 * Resolve a fault on pageable system memory.
 *
 * => IRQL <= APC_LEVEL; MiIsPageableSystemVa; Va's page table is there.
 * => STATUS_SUCCESS: the access can be tried again.  STATUS_NO_MEMORY: so it can when there is
 *    memory.  STATUS_ACCESS_VIOLATION: nothing is allocated there.  STATUS_IN_PAGE_ERROR: the page
 *    could not be read; Found has its PTE, and Read.Status.
 * => Bug check 0x1A, 41287 (P2 the address): the thread holds the working set's mutex.
 */
NT_MUST_CHECK NTSTATUS MiSystemFault(const MM_FAULT *Fault, PMI_SYSTEM_FAULT Found);

#endif
