/* SPDX-License-Identifier: MIT */
/*
 * user_fault.h - faults of the user half, by their kind.
 */
#ifndef MM_FAULT_USER_FAULT_H
#define MM_FAULT_USER_FAULT_H

#include "mm/fault/fault_read.h"
#include "mm/space/vad.h"

#define MI_FAULT_UNDER_LOCK 0x41287u /* subcode of 0x1A */

/* A fault, and what was found at its address while the address space was locked. */
typedef struct _MI_USER_FAULT {
    PEPROCESS Process;
    PMMVAD Vad;         /* under the lock only; NULL: nothing is reserved there */
    ULONG_PTR Va;       /* of the page */
    ULONG Protection;   /* MI_NO_PROTECTION: not committed */
    MMPTE Pte;          /* zero: there is none */
    BOOLEAN TableOut;   /* the page table is out: Pte is its directory entry */
    MI_FAULT_READ Read; /* what remains for after the lock */
} MI_USER_FAULT, *PMI_USER_FAULT;

/*
 * Resolve a fault below MM_SYSTEM_RANGE_START, in the running address space.
 *
 * => IRQL <= APC_LEVEL.
 * => STATUS_SUCCESS: the access can be tried again.  STATUS_NO_MEMORY: so it can when there is
 *    memory.  STATUS_ACCESS_VIOLATION, STATUS_GUARD_PAGE_VIOLATION: it failed.
 *    STATUS_IN_PAGE_ERROR: the page, or its page table, could not be read; Found has the PTE of
 *    what could not, and Read.Status.
 * => Bug check 0x1A, 41287 (P2 the address): the thread holds the address space's lock.
 */
NT_MUST_CHECK NTSTATUS MiUserFault(const MM_FAULT *Fault, PMI_USER_FAULT Found);

/* The kinds, under the lock; each returns as MiUserFault, and may leave something to Read. */
NT_MUST_CHECK NTSTATUS MiUserDemandZero(const MI_USER_FAULT *Fault);  /* a page without contents */
NT_MUST_CHECK NTSTATUS MiUserTransition(PMI_USER_FAULT Fault);        /* its frame is there */
NT_MUST_CHECK NTSTATUS MiUserCopyOnWrite(const MI_USER_FAULT *Fault); /* a write to a shared page */
/* The PTE names a page that others may have, too. */
NT_MUST_CHECK NTSTATUS MiUserPrototype(PMI_USER_FAULT Fault, BOOLEAN Write);
/* Of a view of a section: the page is not mapped; a write to one that is mapped and is copied. */
NT_MUST_CHECK NTSTATUS MiUserView(PMI_USER_FAULT Fault);
NT_MUST_CHECK NTSTATUS MiUserViewCopy(const MI_USER_FAULT *Fault);
NT_MUST_CHECK NTSTATUS MiUserGuardPage(const MI_USER_FAULT *Fault); /* touched once */
/* The page table is out.  => STATUS_RETRY: it is not any more: the fault is looked at again. */
NT_MUST_CHECK NTSTATUS MiUserPageTable(PMI_USER_FAULT Fault);

/*
 * Resolve a fault on a page table of the user half itself, in the self-map: whoever looks at its
 * entries without the lock (the audit, !pte) may find that it has left.
 *
 * => As MiUserFault; the table has a directory entry.
 */
NT_MUST_CHECK NTSTATUS MiPageTableFault(const MM_FAULT *Fault, PMI_USER_FAULT Found);

/* MiJoinFaultRead for this fault, whose PTE is then the one that is waited for. */
static inline BOOLEAN MiUserCollided(PMI_USER_FAULT Fault, PMMPTE Pte)
{
    BOOLEAN Collides = MiJoinFaultRead(&Fault->Read, Pte);

    if (Collides) {
        Fault->Pte = Fault->Read.Pte;
    }
    return Collides;
}

#endif
