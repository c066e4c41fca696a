/* SPDX-License-Identifier: MIT */
/*
 * pool_pages.h - where the pools get their pages: the contract between the blocks and the layout.
 *
 * Nonpaged pool is an initial part, whose pages always have memory, and an expansion, whose pages
 * get it one run at a time.  Paged pool is one region; its pages are charged when they are handed
 * out and come by demand-zero fault.  Whoever lays out system space gives the ranges and the two
 * callbacks for each.
 */
#ifndef MM_POOL_PAGES_H
#define MM_POOL_PAGES_H

#include "ex.h"
#include "mm/pool/pool_region.h"

typedef enum _MI_POOL_PART {
    MiNonPagedInitial,
    MiNonPagedExpansion,
    MiPaged,
    MiPoolPartCount
} MI_POOL_PART;

/* One part's range, as the layout decides it. */
typedef struct _MI_POOL_RANGE {
    ULONG_PTR Base;
    ULONG Pages; /* 0: this part does not exist */
    PULONG
    Bits; /* nonpaged, MI_POOL_REGION_BYTES(Pages), the pool's from now on; NULL if 0 pages */
    MI_COMMIT_PAGES *Commit;     /* the initial part: for ProtectNonPagedPool only */
    MI_DECOMMIT_PAGES *Decommit; /* as Commit */
} MI_POOL_RANGE, *PMI_POOL_RANGE;

typedef struct _MI_POOL_PAGES {
    ULONG MaximumPages;
    ULONG UsedPages;
    ULONG PeakPages;
} MI_POOL_PAGES, *PMI_POOL_PAGES;

/*
 * => Ranges[MiPoolPartCount].  The pages of MiNonPagedInitial have memory.
 * => ProtectNonPagedPool: the initial part's pages lose it whenever they are free, so that a stale
 *    access faults.  Its Commit and Decommit are there.
 */
void MiInitializePoolPages(const MI_POOL_RANGE *Ranges, BOOLEAN ProtectNonPagedPool);

/*
 * A run of pages for the pool PoolIndex of BaseType (NonPagedPool, PagedPool), or of the paged
 * pool of the session that runs (MI_SESSION_PAGED_POOL).
 *
 * => The IRQL of an allocation from that pool; no spin lock held (a commit may wait).
 * => Returns NULL when there is none.
 */
PVOID MiAllocatePoolPages(POOL_TYPE BaseType, ULONG PoolIndex, ULONG Pages);

/* => Va and Pages are exactly one run, else bug check 0xC2/41286.  No spin lock held. */
void MiFreePoolPages(PVOID Va, ULONG Pages);

/* => MiPoolPlaceOutside: Va is in no pool; else *BaseType is whose. */
MI_POOL_PLACE MiQueryPoolPlace(PVOID Va, POOL_TYPE *BaseType);

/*
 * => Whose addresses Va lies among: PagedPool (also the paged pool of the session that runs), or
 *    NonPagedPool for all others.  Any IRQL.
 */
POOL_TYPE MiPoolTypeAt(PVOID Va);

void MiQueryPoolPages(POOL_TYPE BaseType, PMI_POOL_PAGES Pages);

/* For walks: the region of a part.  => Pages is 0 when the part does not exist. */
PMI_POOL_REGION MiPoolRegion(MI_POOL_PART Part);

#endif
