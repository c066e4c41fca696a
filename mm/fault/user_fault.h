/* SPDX-License-Identifier: MIT */
/*
 * user_fault.h - faults of the user half, by their kind.
 */
#ifndef MM_FAULT_USER_FAULT_H
#define MM_FAULT_USER_FAULT_H

#include "mm/fault/fault.h"
#include "mm/space/vad.h"

/* A fault, and what was found at its address.  The address space is locked. */
typedef struct _MI_USER_FAULT {
    PEPROCESS Process;
    PMMVAD Vad;       /* NULL: nothing is reserved there */
    ULONG_PTR Va;     /* of the page */
    ULONG Protection; /* MI_NO_PROTECTION: not committed */
} MI_USER_FAULT, *PMI_USER_FAULT;

/*
 * Resolve a fault below MM_SYSTEM_RANGE_START, in the running address space.
 *
 * => IRQL <= APC_LEVEL.
 * => STATUS_SUCCESS: the access can be tried again.  STATUS_NO_MEMORY: so it can when there is
 *    memory.  STATUS_ACCESS_VIOLATION, STATUS_GUARD_PAGE_VIOLATION: it failed.
 * => Bug check 0x1A, 41287 (P2 the address): the thread holds the address space's lock.
 */
NT_MUST_CHECK NTSTATUS MiUserFault(const MM_FAULT *Fault);

/* The kinds; each returns as MiUserFault. */
NT_MUST_CHECK NTSTATUS MiUserDemandZero(const MI_USER_FAULT *Fault); /* a page without contents */
NT_MUST_CHECK NTSTATUS MiUserTransition(const MI_USER_FAULT *Fault); /* its frame is still there */
NT_MUST_CHECK NTSTATUS MiUserGuardPage(const MI_USER_FAULT *Fault);  /* touched once */

#endif
