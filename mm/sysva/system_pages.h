/* SPDX-License-Identifier: MIT */
/*
 * system_pages.h - frames under system addresses: page tables, and pages that are never paged out.
 *
 * A page made here is Active with one share, knows its PTE, and is charged to commitment and
 * resident available: it cannot be promised a second time.
 */
#ifndef MM_SYSVA_SYSTEM_PAGES_H
#define MM_SYSVA_SYSTEM_PAGES_H

#include "arch/mmu.h"
#include "mm/pfn/pfn.h"
#include "mm/sysva/pte_make.h"
#include "nt/status.h"

/*
 * Charge pages that are never paged out to commitment and resident available, and the reverse.
 *
 * => STATUS_INSUFFICIENT_RESOURCES: nothing was charged.
 */
NT_MUST_CHECK NTSTATUS MiChargeSystemPages(ULONG Pages);
void MiReturnSystemPages(ULONG Pages);

/*
 * Make the page tables for [Start, Start + Bytes) that do not exist yet; their entries are zero.
 *
 * => A range of the system half.  IRQL <= DISPATCH_LEVEL.
 * => STATUS_NO_MEMORY: tables made so far stay, a later call goes on from there.
 */
NT_MUST_CHECK NTSTATUS MiCreateSystemPageTables(ULONG_PTR Start, ULONG Bytes);

/*
 * Hears of each new directory entry of the system half, so that other address spaces get it too
 * (mm/space).  NULL: there are none.  Page tables belong to Directory, which never goes, whoever
 * runs when they are made.
 *
 * => Runs under MiPfnLock; the entry is stored in the running address space.  Set while there is one
 *    thread.
 */
typedef void MI_SYSTEM_PDE_ADDED(ULONG_PTR Va, MMPTE Pde);
void MiSetSystemPdeRoutine(MI_SYSTEM_PDE_ADDED *Routine, PFN_NUMBER Directory);

/* The frame of the page table (or directory) that Pte lies in.  => It is there. */
static inline PFN_NUMBER MiTableFrame(PMMPTE Pte)
{
    return MiReadPte(MiGetPteAddress((ULONG_PTR)Pte)).Hard.PageFrameNumber;
}

/* (A) Page tables that the call above has made; they stay. */
extern ULONG MiSystemPageTables;

/*
 * Put Count new frames, contents undefined, under the PTEs from First on.
 *
 * => The PTEs are zero and the caller's.  Template comes from MiMakeKernelTemplate.
 * => STATUS_NO_MEMORY, STATUS_INSUFFICIENT_RESOURCES (commitment): nothing changed.
 */
NT_MUST_CHECK NTSTATUS MiCreateSystemPages(PMMPTE First, ULONG Count, MMPTE Template)
    NT_NOT_HOLDING(MiPfnLock);

/*
 * The same with the contiguous frames from Frame on, which the caller allocated and keeps on
 * failure.
 *
 * => STATUS_INSUFFICIENT_RESOURCES: nothing changed.
 */
NT_MUST_CHECK NTSTATUS MiInsertSystemPages(PMMPTE First, ULONG Count, MMPTE Template,
                                           PFN_NUMBER Frame) NT_NOT_HOLDING(MiPfnLock);

/*
 * Make the PTEs zero, flush their addresses and free the frames.
 *
 * => All were put there by the two calls above.
 */
void MiDeleteSystemPages(PMMPTE First, ULONG Count) NT_NOT_HOLDING(MiPfnLock);

#endif
