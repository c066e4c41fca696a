/* SPDX-License-Identifier: MIT */
/*
 * system_fault.h - faults of pageable system memory, by their kind.
 */
#ifndef MM_FAULT_SYSTEM_FAULT_H
#define MM_FAULT_SYSTEM_FAULT_H

#include "mm/fault/fault.h"

/* => Va lies where MiSystemFault is responsible: in paged pool.  Any IRQL. */
BOOLEAN MiIsPageableSystemVa(ULONG_PTR Va);

/*
 * Resolve a fault on pageable system memory.
 *
 * => IRQL <= APC_LEVEL; Va's page table is there.
 * => STATUS_SUCCESS: the access can be tried again.  STATUS_NO_MEMORY: so it can when there is
 *    memory.  STATUS_ACCESS_VIOLATION: nothing is allocated there.  Anything else: the page could
 *    not be read from its paging file, and why.
 * => Bug check 0x1A, 41287 (P2 the address): the thread holds MiSystemWorkingSetMutex.
 */
NT_MUST_CHECK NTSTATUS MiSystemFault(const MM_FAULT *Fault);

#endif
