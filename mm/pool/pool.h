/* SPDX-License-Identifier: MIT */
/*
 * pool.h - the pools, towards the rest of the core: start, options, checking, figures.
 *
 * Drivers and the core allocate through ex.h.
 */
#ifndef MM_POOL_POOL_H
#define MM_POOL_POOL_H

#include "ex.h"
#include "mm/pool/pool_inject.h"
#include "mm/pool/pool_tag.h"
#include "rtl.h"

/*
 * => MiInitializePoolPages was called.  Paged pool is used after KeInitializeThreads.  Any memory
 *    that the pools gave out before is forgotten.
 * => Poison: free room is filled, and changes to it are found; slow.
 */
void MiInitializePools(BOOLEAN Poison);

/* How many paged pools there are from MiInitializePools on, 1 to 5; without this 3. */
void MiSetNumberOfPagedPools(ULONG Pools);

/* Give back what the front end holds.  => PASSIVE_LEVEL or APC_LEVEL. */
void MiTrimPools(void);

/*
 * Walk both pools and check every invariant: headers, lists, maps, front end, big blocks, regions,
 * and that the tags' bytes add up to what is in use.  The first inconsistent header is printed,
 * then the machine stops with its bug check.
 *
 * => PASSIVE_LEVEL or APC_LEVEL; nobody uses the pools meanwhile.
 */
void MiVerifyPool(void);

/*
 * Print the page that holds Va, in the manner of !pool: address, size, previous size, state, tag;
 * the block that holds Va is starred.  A page that is no pool, or damaged, is said to be so.
 */
void MiDumpPoolPage(RTL_PRINT_SINK *Sink, PVOID Context, PVOID Va);

/* What the pools cost and hold, for one base type. */
typedef struct _MI_POOL_FIGURES {
    ULONG MaximumPages;
    ULONG UsedPages; /* of the regions */
    ULONG PeakPages;
    ULONG BlockPages; /* cut into small blocks */
    ULONG PagesTaken; /* for small blocks, ever */
    ULONG PagesReturned;
    ULONG FreeBytes;   /* in free small blocks */
    ULONG FrontBlocks; /* waiting in the front end */
    ULONG FrontBytes;
    ULONG InUseBytes;  /* headers and whole pages included: the sum over all tags */
    ULONG InUseBlocks; /* Allocs - Frees over all tags */
} MI_POOL_FIGURES, *PMI_POOL_FIGURES;

void MiQueryPoolFigures(POOL_TYPE BaseType, PMI_POOL_FIGURES Figures);

#endif
