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

/* !pool's flags. */
#define MI_DUMP_POOL_CONTENTS 0x00000001u /* the first bytes of each block */
#define MI_DUMP_POOL_ONE      0x00000002u /* only the block that holds the address */
#define MI_DUMP_POOL_NO_TAG   0x80000000u
#define MI_DUMP_POOL_ABSENT   0x40000000u /* ours: the page is not resident, do not touch it */

/*
 * Print the page that holds Va, in the manner of !pool: address, size, previous size, state, tag;
 * the block that holds Va is starred.  A page that is no pool, or damaged, is said to be so.
 *
 * => Any address; a page that is not mapped comes with MI_DUMP_POOL_ABSENT.
 */
void MiDumpPoolPage(RTL_PRINT_SINK *Sink, PVOID Context, PVOID Va, ULONG Flags);

/* A tag as text, with dots for what cannot be printed. */
typedef struct _MI_TAG_TEXT {
    char Text[sizeof(ULONG) + 1];
} MI_TAG_TEXT;

MI_TAG_TEXT MiPoolTagText(ULONG Tag);

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
    ULONG BigBlocks;   /* of those; the special ones are neither these nor small */
    ULONG BigPages;
    ULONG BigUnusedBytes; /* of those pages, behind what was asked for */
    ULONG FrontPages;     /* whole pages that wait in the front end */
    ULONG SparePages;     /* kept for small blocks */
    ULONG SpecialPages;   /* of special pool, one a block */
} MI_POOL_FIGURES, *PMI_POOL_FIGURES;

/*
 * => PASSIVE_LEVEL to DISPATCH_LEVEL.  While others use the pool the parts may not add up exactly.
 */
void MiQueryPoolFigures(POOL_TYPE BaseType, PMI_POOL_FIGURES Figures);

/* Pages cut into small blocks of one pool.  => Index < MiNumberOfPagedPools; 0 for nonpaged. */
ULONG MiQueryPoolPagesOf(POOL_TYPE BaseType, ULONG Index);

/* What the pools' tables take, apart from the pools: static ones and the regions' maps. */
ULONG MiQueryPoolTableBytes(void);

/*
 * Print what the pools cost, in a line for each base type and one for the tables: of the bytes of
 * their pages those that no caller has, and what they are.
 */
void MiDescribePoolOverhead(RTL_PRINT_SINK *Sink, PVOID Context);

#endif
