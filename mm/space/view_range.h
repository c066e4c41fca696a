/* SPDX-License-Identifier: MIT */
/*
 * view_range.h - what the virtual memory services do to pages of a view.
 *
 * Under the lock, attached to the process; Vad is a view, which holds all of the range.
 */
#ifndef MM_SPACE_VIEW_RANGE_H
#define MM_SPACE_VIEW_RANGE_H

#include "mm/space/user_range.h"
#include "mm/space/view_page.h"

/*
 * The protection that a service may give pages of the view, which says how they are cached.
 *
 * => STATUS_INVALID_PAGE_PROTECTION: *Protection says how to cache, or is a guard page's where
 *    nothing is cached, or another one than a SEC_NO_CHANGE view's.
 *    STATUS_SECTION_PROTECTION: the view was mapped with less.
 */
NT_MUST_CHECK NTSTATUS MiMakeViewProtection(const MMVAD *Vad, PULONG Protection);

/*
 * Charge for the pages of the range that the process gets a copy of when it writes to them, once
 * they have Protection; returns the charge of those that it does not any more.
 *
 * => The range's page tables are not out.  STATUS_PAGEFILE_QUOTA, STATUS_COMMITMENT_LIMIT: nothing
 *    changed.
 */
NT_MUST_CHECK NTSTATUS MiChargeViewCopies(PEPROCESS Process, PMMVAD Vad, const MI_USER_RANGE *Range,
                                          ULONG Protection);

/* MEM_COMMIT.  => As NtAllocateVirtualMemory; Protection is a code. */
NT_MUST_CHECK NTSTATUS MiCommitView(PEPROCESS Process, PMMVAD Vad, const MI_USER_RANGE *Range,
                                    ULONG Protection);

/*
 * Implemented above, mm/section/segment.c: commit Count of the section's pages from First on.
 *
 * => Some pages are not (Committed).  STATUS_COMMITMENT_LIMIT (*Limit: what it should be): nothing
 *    changed.
 */
NT_WEAK NT_MUST_CHECK NTSTATUS MiCommitViewPages(const MMVAD_VIEW *View, ULONG First, ULONG Count,
                                                 PULONG Limit) NT_NOT_HOLDING(MiPfnLock);

#endif
