/* SPDX-License-Identifier: MIT */
/*
 * pool_region.h - a range of system addresses that is handed out in runs of pages.
 */
#ifndef MM_POOL_REGION_H
#define MM_POOL_REGION_H

#include "nt/annotations.h"
#include "nt/status.h"
#include "nt/types.h"
#include "rtl.h"
#include "spinlock.h"

/*
 * Put memory behind Pages pages at Va: now, or (paged pool) at the first touch, in which case this
 * only charges.  Called without locks, at the allocating caller's IRQL.
 *
 * => On failure nothing has changed.
 */
typedef NTSTATUS MI_COMMIT_PAGES(ULONG_PTR Va, ULONG Pages);

/* The reverse; cannot fail.  => When it returns, any access to the pages faults. */
typedef void MI_DECOMMIT_PAGES(ULONG_PTR Va, ULONG Pages);

/* Letters: (R) Lock, (I) fixed after init, (A) atomic. */
typedef struct _MI_POOL_REGION {
    KSPIN_LOCK Lock;
    ULONG_PTR Base;              /* (I) page aligned */
    ULONG Pages;                 /* (I) 0: there is no such region */
    BOOLEAN Resident;            /* (I) pages always have memory: nothing to commit */
    MI_COMMIT_PAGES *Commit;     /* (I) */
    MI_DECOMMIT_PAGES *Decommit; /* (I) */
    RTL_BITMAP Used;             /* (R) the page belongs to a run, or is on its way out of one */
    RTL_BITMAP Last;             /* (R) the page is the last of its run */
    ULONG Hint;                  /* (R) where the next search begins */
    ULONG UsedPages;             /* (R) set bits of Used */
    ULONG PeakPages;             /* (R) the most that UsedPages ever was */
    ULONG CommitFailures;        /* (R) how often Commit refused */
} MI_POOL_REGION, *PMI_POOL_REGION;

/* Bytes of Bits that a region of Pages needs. */
#define MI_POOL_REGION_BYTES(Pages) (ROUND_UP((ULONG)(Pages), 32u) / 32u * 2 * sizeof(ULONG))

/* What is at an address of the region. */
typedef enum _MI_POOL_PLACE {
    MiPoolPlaceOutside, /* not in the region */
    MiPoolPlaceFree,    /* a page of no run */
    MiPoolPlaceStart,   /* the first page of a run */
    MiPoolPlaceMiddle   /* a later one */
} MI_POOL_PLACE;

/*
 * => Bits is nonpaged memory of MI_POOL_REGION_BYTES(Pages) and stays the region's.
 * => Resident regions have their memory already; Commit and Decommit may then be NULL.
 */
void MiInitializePoolRegion(PMI_POOL_REGION Region, ULONG_PTR Base, ULONG Pages, BOOLEAN Resident,
                            PULONG Bits);

/* => Pages >= 1.  Returns the run's address; NULL when none is free or Commit refuses. */
PVOID MiAllocateRegionPages(PMI_POOL_REGION Region, ULONG Pages);

/* => Va is the start of a run of exactly Pages, or the machine stops: 0xC2/41286. */
void MiFreeRegionPages(PMI_POOL_REGION Region, ULONG_PTR Va, ULONG Pages);

MI_POOL_PLACE MiQueryRegionPlace(PMI_POOL_REGION Region, ULONG_PTR Va);

/*
 * The first run that begins at or behind page Index.
 *
 * => Index is not in the middle of a run.
 * => Returns its pages, 0 when there is none; *Start is its index.
 */
ULONG MiFindRegionRun(PMI_POOL_REGION Region, ULONG Index, PULONG Start);

/* Check P1-P3 of pool_region.c; the machine stops where one is broken. */
void MiVerifyPoolRegion(PMI_POOL_REGION Region);

#endif
