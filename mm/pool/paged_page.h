/* SPDX-License-Identifier: MIT */
/*
 * paged_page.h - one page of pageable system memory: its states, and every legal change between
 * them.
 *
 * Such memory is paged pool, and the pageable sections of images (system_image.h).
 *
 * What fault.h and pool_memory.h say about a page is done here.  Unless a contract says otherwise
 * the caller holds MiSystemWorkingSetMutex, hence touches no paged pool, and the page's table is
 * there.
 */
#ifndef MM_POOL_PAGED_PAGE_H
#define MM_POOL_PAGED_PAGE_H

#include "mm/pfn/pfn.h"
#include "mm/ws/wsle.h"

/* Pages of paged pool that are valid now, and were at most. */
extern ULONG MiResidentPagedPool;     /* (W) of the system's working set */
extern ULONG MiPeakResidentPagedPool; /* (W) */
extern ULONG MiResidentSystemCode;    /* (W) pages of images that are valid now */
extern ULONG MiSystemCodeFaults;      /* (W) times that one became valid again */

/*
 * No page of paged pool has memory, no image is pageable; the system's working set is theirs from
 * now on.
 *
 * => Once a machine, after MiInitializeSystemWorkingSet.
 */
void MiInitializePagedPages(void);

/* Allocate a page: nobody has touched it yet.  => Free; the caller's.  No lock is needed. */
void MiCreatePagedPage(PMMPTE Pte);

/*
 * A page that was never pageable, and whose frame has one share, is valid and modified, and in the
 * system's working set, from now on.
 *
 * => MiReserveWsle was called.  Its frame is the loader's, charged to commitment, or knows Pte.
 *    Protection: MM_READWRITE, or one without a right to write.
 */
void MiMakePagePageable(PMMPTE Pte, ULONG Protection);

/*
 * Put the zeroed Frame, which is the caller's, under a page that was never touched.
 *
 * => MiReserveWsle was called.
 */
void MiInsertPagedPage(PMMPTE Pte, PFN_NUMBER Frame);

/*
 * Make a page in transition valid again.
 *
 * => MiReserveWsle was called.  No read of it is in progress.
 * => STATUS_SUCCESS also when it lost its frame meanwhile: the access will fault again.
 * => STATUS_INSUFFICIENT_RESOURCES: its frame is referenced too often.
 */
NT_MUST_CHECK NTSTATUS MiRestorePagedPage(PMMPTE Pte);

/*
 * Take a page out of the system's working set, whoever's it is.
 *
 * => As MI_TRIM_PAGE; FALSE: I/O has it locked, or it has shares besides its own PTE's.
 */
MI_TRIM_PAGE MiTrimPagedPage;

/* The same for a page of a section's view.  Implemented above, mm/section/system_view.c. */
NT_WEAK BOOLEAN MiTrimSystemViewPage(PMMSUPPORT WorkingSet, ULONG_PTR Va);

/* Whatever the page is, and its contents: gone.  => Not free. */
void MiDeletePagedPage(PMMPTE Pte);

/*
 * Check the Pages pages from First on, which have this Protection: G2, G3.
 *
 * => First is the first PTE of a page table, or all of their page tables are there.
 * => Returns how many are valid.
 */
ULONG MiVerifyPagedPages(PMMPTE First, ULONG Pages, ULONG Protection);

#endif
