/* SPDX-License-Identifier: MIT */
/*
 * pool_memory.h - memory behind the pools' pages: what pool_pages.h calls Commit and Decommit.
 *
 *     nonpaged   frames at once, charged to commitment and resident available
 *     paged      charged to commitment; each page is made by the first access to it (mm/fault),
 *                may be written to a paging file, and come back by page fault
 *
 * Page tables are made when they are first needed, and stay.
 */
#ifndef MM_POOL_POOL_MEMORY_H
#define MM_POOL_POOL_MEMORY_H

#include "mm/pool/pool_region.h"

/* => IRQL <= DISPATCH_LEVEL.  STATUS_NO_MEMORY, STATUS_INSUFFICIENT_RESOURCES. */
MI_COMMIT_PAGES MiCommitNonPagedPool;
MI_DECOMMIT_PAGES MiDecommitNonPagedPool;

/* => IRQL <= APC_LEVEL.  STATUS_NO_MEMORY, STATUS_INSUFFICIENT_RESOURCES. */
MI_COMMIT_PAGES MiCommitPagedPool;
MI_DECOMMIT_PAGES MiDecommitPagedPool;

#endif
