/* SPDX-License-Identifier: MIT */
/*
 * paging_hoard.h - nonpaged pool that has nothing left while pages move.
 */
#ifndef MM_INSPECT_PAGING_HOARD_H
#define MM_INSPECT_PAGING_HOARD_H

#include "ke.h"
#include "nt/slist.h"

typedef struct _MI_POOL_HOARD {
    PSINGLE_LIST_ENTRY First; /* the blocks */
    ULONG Blocks;
    ULONG Bytes;
    ULONG Times; /* that nonpaged pool refused the smallest block */
} MI_POOL_HOARD, *PMI_POOL_HOARD;

/*
 * Take all of nonpaged pool, and what others give back of it, until Done is set.
 *
 * => PASSIVE_LEVEL.  *Hoard is the caller's: zero, or as the last call left it.
 */
void MiHoardPoolUntil(PMI_POOL_HOARD Hoard, PKEVENT Done);

/* Give it back.  => What was counted stays. */
void MiReleasePoolHoard(PMI_POOL_HOARD Hoard);

#endif
