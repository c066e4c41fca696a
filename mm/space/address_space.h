/* SPDX-License-Identifier: MIT */
/*
 * address_space.h - the page directory of a process, and what else is its alone.
 */
#ifndef MM_SPACE_ADDRESS_SPACE_H
#define MM_SPACE_ADDRESS_SPACE_H

#include "arch/mmu.h"
#include "mm/pfn/pfn.h"
#include "mm/space/process.h"

/* What pool a process that is made from now on may be charged for; 0: any.  => At the start. */
void MiSetPoolQuotas(ULONG NonPagedBytes, ULONG PagedBytes);

/*
 * Give a process an address space with an empty user half.
 *
 * => HighestUserAddress is set: its end of the user half.
 * => PASSIVE_LEVEL.  STATUS_INSUFFICIENT_RESOURCES, STATUS_NO_MEMORY: nothing changed.
 */
NT_MUST_CHECK NTSTATUS MmCreateProcessAddressSpace(PEPROCESS Process);

/* => Its user half is empty; no thread runs in it.  PASSIVE_LEVEL. */
void MmDeleteProcessAddressSpace(PEPROCESS Process);

/* Remove all of the user half.  => Attached, under the lock. */
void MiCleanProcessAddressSpace(PEPROCESS Process);

/*
 * Adopt the running address space as that of the system's process.
 *
 * => STATUS_INSUFFICIENT_RESOURCES, STATUS_NO_MEMORY: nothing changed.
 */
NT_MUST_CHECK NTSTATUS MiAdoptAddressSpace(PEPROCESS Process);

/* There are no address spaces.  => Before the first of a machine. */
void MiForgetAddressSpaces(void);

/*
 * Call Routine for each address space, with its directory mapped, until it returns FALSE.
 *
 * => Routine runs at DISPATCH_LEVEL, under MiPfnLock.
 */
typedef BOOLEAN MI_DIRECTORY_ROUTINE(PEPROCESS Process, const MMPTE *Directory, PVOID Context);
void MiWalkDirectories(MI_DIRECTORY_ROUTINE *Routine, PVOID Context) NT_NOT_HOLDING(MiPfnLock);
void MiWalkDirectoriesLocked(MI_DIRECTORY_ROUTINE *Routine, PVOID Context) NT_HOLDS(MiPfnLock);

#endif
