/* SPDX-License-Identifier: MIT */
/*
 * special_pool.h - special pool: an allocation on a page of its own, next to one without access.
 *
 * For requests of less than a page.  Where special pool is, the front end is off.  Follows the
 * public descriptions of special pool (learn.microsoft.com, "Special Pool", bug check 0xC1).
 */
#ifndef MM_POOL_SPECIAL_POOL_H
#define MM_POOL_SPECIAL_POOL_H

#include "mm/pool/pool_pages.h"
#include "mm/pool/pool_tag.h"

/* What special pool knows of one of its pages. */
typedef struct _MI_SPECIAL_SLOT {
    ULONG Tag;      /* (S) of the block that is or was there */
    USHORT Bytes;   /* (S) as asked for */
    USHORT Offset;  /* (S) where in the page it begins */
    USHORT Next;    /* (S) the free page that is reused after this one */
    UCHAR State;    /* (S) MI_SPECIAL_STATE */
    UCHAR BaseType; /* (S) */
    UCHAR Pattern;  /* (S) what the rest of the page is filled with */
    UCHAR Reserved[3];
} MI_SPECIAL_SLOT, *PMI_SPECIAL_SLOT;

/* Bytes of Bits that a range of Pages needs: every second page can be given out. */
#define MI_SPECIAL_POOL_BYTES(Pages) ((ULONG)(Pages) / 2 * (ULONG)sizeof(MI_SPECIAL_SLOT))

/*
 * => Called after MiInitializePools, at most once after each.  Range->Bits is nonpaged memory of
 *    MI_SPECIAL_POOL_BYTES(Range->Pages).  Commit and Decommit serve any IRQL <= DISPATCH_LEVEL:
 *    a page of special pool always has memory, for paged pool too.
 * => With less than three pages there is no special pool.
 */
void MiInitializeSpecialPool(const MI_POOL_RANGE *Range);

/*
 * Who gets special pool without asking: the values PoolTag and PoolTagOverruns of system.reg.
 *
 * => PoolTag: 0 nobody, 2A all, below a page a size class (10 for 1 to 8 bytes, 18 for 9 to 16,
 *    ...), else a tag, in which ? stands for any character and * for any rest.
 * => Overruns: a block ends at the page without access, else it begins behind it.
 */
void MiSelectSpecialPool(ULONG PoolTag, BOOLEAN Overruns);

/* Where a block shall stand. */
typedef enum _MI_SPECIAL_PLACE {
    MiSpecialNowhere, /* not in special pool */
    MiSpecialOverrun,
    MiSpecialUnderrun
} MI_SPECIAL_PLACE;

/* What MiSelectSpecialPool says of a request; MiSpecialNowhere where there is no special pool. */
MI_SPECIAL_PLACE MiPlaceInSpecialPool(SIZE_T Bytes, ULONG Tag);

/* What an EX_POOL_PRIORITY says. */
MI_SPECIAL_PLACE MiPlaceOfPriority(ULONG Priority);

/*
 * Allocate, and count for the tag: a whole page.
 *
 * => Alignment is a power of two from 8 on.  Place is not MiSpecialNowhere.
 * => Returns NULL when the request is too large, or no page or no memory is left: it goes to
 *    ordinary pool.  The latter is counted.
 * => 0xC1/30 (IRQL, type, bytes) when the IRQL is too high for BaseType.
 */
PVOID MiAllocateSpecialPool(const MI_POOL_REQUEST *Request, POOL_TYPE BaseType, ULONG Alignment,
                            MI_SPECIAL_PLACE Place);

/* => Any IRQL.  The page before the first and the one behind the last are special pool too. */
BOOLEAN MiIsSpecialPool(PVOID P);

/*
 * => MiIsSpecialPool(P).  When it returns, every access to the block faults.  Bug check, the cause
 *    in P4:
 *    0xC1/20 (P) nothing is allocated there    0xC1/21, 22 (P, bytes asked for, bytes from P to
 *    the page's end) not where the block begins; 22: it was placed for underruns
 *    0xC1/23, 24 (P, address) the page was written in front of, behind the block; 32: one bit
 *    0xC1/31 (IRQL, type, P) IRQL too high     0xC2/A another tag
 */
void MiFreeSpecialPool(PVOID P, ULONG Tag);

/* A block, or what was there. */
typedef struct _MI_SPECIAL_BLOCK {
    ULONG_PTR Va;
    ULONG Bytes;
    ULONG Tag;
    POOL_TYPE BaseType;
    BOOLEAN InUse;
} MI_SPECIAL_BLOCK, *PMI_SPECIAL_BLOCK;

/* The block on Va's page.  => FALSE: Va is not special pool, or nothing was ever there. */
BOOLEAN MiFindSpecialBlock(PVOID Va, PMI_SPECIAL_BLOCK Block);

/*
 * What an access to Va that faults means.
 *
 * => Any IRQL.
 * => Returns 0 when special pool has nothing to say; PAGE_FAULT_IN_FREED_SPECIAL_POOL (0xCC): Va's
 *    block was freed; PAGE_FAULT_BEYOND_END_OF_ALLOCATION (0xCD): Va is next to a block in use.
 *    Then *Block is that block.
 */
ULONG MiClassifySpecialPoolFault(PVOID Va, PMI_SPECIAL_BLOCK Block);

typedef struct _MI_SPECIAL_POOL_COUNTERS {
    ULONG MaximumPages; /* that can be in use at once; 0: there is no special pool */
    ULONG UsedPages[2]; /* by base type */
    ULONG PeakPages;
    ULONG Allocations; /* ever */
    ULONG Fallbacks;   /* requests that went to ordinary pool */
} MI_SPECIAL_POOL_COUNTERS, *PMI_SPECIAL_POOL_COUNTERS;

void MiQuerySpecialPool(PMI_SPECIAL_POOL_COUNTERS Counters);

/* Check S1 to S3 of special_pool.c, and every block's page.  => As MiVerifyPool. */
void MiVerifySpecialPool(void);

#endif
