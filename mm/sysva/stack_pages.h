/* SPDX-License-Identifier: MIT */
/*
 * stack_pages.h - the pages of a kernel stack that nobody runs on leave, and come back.
 *
 *     state        its PTE                              its frame
 *     resident     valid                                Active
 *     transition   transition, MM_READWRITE             on modified or standby, knows the PTE
 *     paged out    a slot of a paging file              none
 *
 * Commitment and resident available stay charged: the way back is promised.
 */
#ifndef MM_SYSVA_STACK_PAGES_H
#define MM_SYSVA_STACK_PAGES_H

#include "mm/pfn/pfn.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/pte_kind.h"

/* Pages of kernel stacks that are not resident. */
extern ULONG MiOutswappedStackPages NT_GUARDED_BY(MiPfnLock);

/* => Whether Base is that of a stack of MiCreateKernelStack.  Any IRQL. */
BOOLEAN MiIsPagedStack(PVOID Base, SIZE_T Bytes);

/* The PTE of its lowest page; MI_KERNEL_STACK_PAGES of them. */
PMMPTE MiFirstStackPte(PVOID Base);

/*
 * Take a stack's pages away: modified, they are written before their frames are reused.
 *
 * => Nobody runs on it until all its pages are resident.  IRQL <= DISPATCH_LEVEL.
 * => Returns how many left: those that are locked for I/O stay.
 */
ULONG MiOutswapStack(PVOID Base) NT_NOT_HOLDING(MiPfnLock);

/*
 * Make a page of such a stack valid if its contents are in memory.
 *
 * => Returns what its PTE is now: MiPteValid; MiPtePagefile: it has to be read; MiPteTransition:
 *    its frame is referenced too often, for now.
 */
MI_PTE_KIND MiRestoreStackPage(PMMPTE Pte) NT_NOT_HOLDING(MiPfnLock);

#endif
