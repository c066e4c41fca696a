/* SPDX-License-Identifier: MIT */
/*
 * pool_block.h - small blocks: the header in front of each, and the pools that they come from.
 */
#ifndef MM_POOL_BLOCK_H
#define MM_POOL_BLOCK_H

#include "ex.h"
#include "ke.h"
#include "nt/annotations.h"
#include "spinlock.h"

/* Sizes inside a page are counted in units: the size of a header, NT's granularity from XP on. */
#define MI_POOL_UNIT           8u
#define MI_UNITS_PER_PAGE      (PAGE_SIZE / MI_POOL_UNIT)
#define MI_MINIMUM_UNITS       2u     /* a free block holds its list entry */
#define MI_LARGEST_SMALL       0xFF0u /* bytes; anything larger gets whole pages */
#define MI_POOL_CACHE_LINE     64u    /* alignment of the CacheAligned types */
#define MI_LARGEST_CACHE_LINED (PAGE_SIZE - MI_POOL_CACHE_LINE)

/*
 * The documented 5.2 header.  Both halves are also written as such, because they have different
 * owners: nobody may write the whole word but who owns the page.
 */
typedef struct _POOL_HEADER {
    union {
        struct {
            ULONG PreviousSize : 9; /* units of the block in front; 0: first of the page */
            ULONG PoolIndex : 7;    /* which paged pool; 0 for nonpaged */
            ULONG BlockSize : 9;    /* units, header included */
            ULONG PoolType : 7;     /* MI_BLOCK_ values */
        };
        struct {
            USHORT Before; /* (L) the pool's lock: PreviousSize and PoolIndex */
            USHORT Own;    /* BlockSize and PoolType: free (L), else whoever has the block */
        };
        struct {
            UCHAR Others[3];
            UCHAR OwnState; /* the high half of Own: PoolType, from bit 1 on */
        };
    };
    ULONG PoolTag; /* as Own */
} POOL_HEADER, *PPOOL_HEADER;

NT_C_ASSERT(sizeof(POOL_HEADER) == MI_POOL_UNIT);

#define MI_SIZE_MASK  0x1FFu /* of Before and Own */
#define MI_HIGH_SHIFT 9

/*
 * PoolType: 0 in a free block, else base type + 1, and a bit while a caller has it.  So it is
 * 1 or 2 in a block that waits in the front end.  3 is a session's paged pool: the short ways do
 * not know it.
 */
#define MI_SESSION_PAGED_POOL   ((POOL_TYPE)2)
#define MI_BLOCK_FREE           0u
#define MI_BLOCK_TYPE           3u
#define MI_BLOCK_IN_USE         4u
#define MI_BLOCK_PAID           8u /* by a process: mm/pool/pool_quota.h */

#define MI_STATE_IN_USE         (MI_BLOCK_IN_USE << 1) /* of OwnState */

#define MI_OWN(Units, PoolType) ((USHORT)((Units) | (PoolType) << MI_HIGH_SHIFT))

static inline PPOOL_HEADER MiPoolHeaderOf(PVOID P)
{
    return (PPOOL_HEADER)P - 1;
}

static inline PPOOL_HEADER MiPoolPageOf(PPOOL_HEADER Header)
{
    return PAGE_ALIGN(Header);
}

/* Units from the start of the page. */
static inline ULONG MiPoolOffsetOf(PPOOL_HEADER Header)
{
    return BYTE_OFFSET(Header) / MI_POOL_UNIT;
}

/* Base type of a block that is not free. */
static inline POOL_TYPE MiPoolTypeOf(PPOOL_HEADER Header)
{
    return (POOL_TYPE)((Header->PoolType & MI_BLOCK_TYPE) - 1);
}

static inline ULONG MiUnitsFor(SIZE_T Bytes)
{
    ULONG Units = (ULONG)(Bytes + sizeof(POOL_HEADER) + MI_POOL_UNIT - 1) / MI_POOL_UNIT;

    return Units < MI_MINIMUM_UNITS ? MI_MINIMUM_UNITS : Units;
}

/* ---- pools ---- */

#define MI_USUAL_PAGED_POOLS 3u /* as on uniprocessor NT */
#define MI_MOST_PAGED_POOLS  5u /* as on multiprocessor NT */
#define MI_POOLS             (1 + MI_MOST_PAGED_POOLS)
#define MI_MAP_WORDS         (MI_UNITS_PER_PAGE / 32)

/* (I) They share one range of pages, and each has its lock and its free blocks. */
extern ULONG MiNumberOfPagedPools;

/* (L) MiLockPool. */
typedef struct _MI_POOL {
    KSPIN_LOCK Lock;                     /* nonpaged pool's */
    FAST_MUTEX Mutex;                    /* a paged pool's */
    POOL_TYPE BaseType;                  /* (I) */
    ULONG Index;                         /* (I) PoolIndex of its blocks */
    ULONG MapOfWords;                    /* (L) bit n: Map[n] is not 0 */
    ULONG Map[MI_MAP_WORDS];             /* (L) bit n: Lists[n] is not empty */
    LIST_ENTRY Lists[MI_UNITS_PER_PAGE]; /* (L) free blocks of n units, the last freed first */
    PPOOL_HEADER Spare;                  /* (L) a page for the next block that needs one, or NULL */
    ULONG Pages;                         /* (L) pages cut into blocks */
    ULONG FreeUnits;                     /* (L) in all free blocks of those */
    ULONG PagesTaken;                    /* (L) ever */
    ULONG PagesReturned;                 /* (L) ever: spare, or back in the region */
} MI_POOL, *PMI_POOL;

/* [0] is nonpaged pool, the paged ones follow. */
extern MI_POOL MiPools[MI_POOLS];

/* Of the session that runs: session_pool.c.  => It has one. */
PMI_POOL MiSessionPoolBlocks(void);

static inline PMI_POOL MiFindPool(POOL_TYPE BaseType, ULONG Index)
{
    if (BaseType == MI_SESSION_PAGED_POOL) {
        return MiSessionPoolBlocks();
    }
    return &MiPools[BaseType == NonPagedPool ? 0 : 1 + Index];
}

void MiInitializePoolBlocks(BOOLEAN Poison);

/* An empty pool.  => Pool is zero. */
void MiInitializePool(PMI_POOL Pool, POOL_TYPE BaseType, ULONG Index);

/* => How many pools BaseType has. */
static inline ULONG MiPoolsOf(POOL_TYPE BaseType)
{
    return BaseType == NonPagedPool ? 1 : MiNumberOfPagedPools;
}

/*
 * The one place that knows what guards a pool.  Nonpaged: a spin lock.  Paged: a fast mutex, since
 * headers and lists lie in memory that may come by page fault, which must not be touched at
 * DISPATCH_LEVEL.
 *
 * => IRQL as for an allocation.  Returns what MiUnlockPool wants.
 */
KIRQL MiLockPool(PMI_POOL Pool) NT_ACQUIRES(Pool->Lock);
void MiUnlockPool(PMI_POOL Pool, KIRQL OldIrql) NT_RELEASES(Pool->Lock);

/* A hint: whether MiLockPool would wait. */
static inline BOOLEAN MiPoolIsBusy(const MI_POOL *Pool)
{
    return Pool->BaseType != NonPagedPool && Pool->Mutex.Count <= 0;
}

/*
 * Cut a block from the pool's free blocks, or from a new page.
 *
 * => Units is MI_MINIMUM_UNITS to MI_UNITS_PER_PAGE - 1.  CacheAligned: the data begins at a
 *    multiple of MI_POOL_CACHE_LINE; it has at most MI_LARGEST_CACHE_LINED bytes.
 * => Returns the header, marked as waiting in the front end, without a tag; NULL: no page.
 */
PPOOL_HEADER MiAllocatePoolBlock(PMI_POOL Pool, ULONG Units, BOOLEAN CacheAligned);

/*
 * Join the block with its free neighbours; a page that is free as a whole goes back.
 *
 * => The caller owns the block, which is not free.  Bug check 0x19 when it or a neighbour is
 *    damaged.
 */
void MiFreePoolBlock(PPOOL_HEADER Header);

/* Give back the spare pages of BaseType's pools.  => Its IRQL.  Returns their number. */
ULONG MiFreeSparePages(POOL_TYPE BaseType);

/* The same for one pool. */
BOOLEAN MiFreeSparePage(PMI_POOL Pool);

/* For walks.  => Nobody uses the pools meanwhile. */
BOOLEAN MiIsSparePage(POOL_TYPE BaseType, PVOID Page);

/* What is wrong with a block or its neighbours: bug check 0x19's parameters. */
typedef struct _MI_POOL_FAULT {
    ULONG Subcode;   /* 5 6 7 8 9 20 */
    ULONG_PTR Entry; /* the header that is inconsistent */
    ULONG_PTR Other; /* the header that it disagrees with; 0: none */
    ULONG_PTR Page;
    PCSTR What; /* for dumps */
} MI_POOL_FAULT, *PMI_POOL_FAULT;

/* => Returns TRUE and fills *Fault when the header alone is impossible.  Needs no lock. */
BOOLEAN MiFindHeaderFault(PPOOL_HEADER Header, PMI_POOL_FAULT Fault);

/*
 * => Pool's lock held.
 * => Returns TRUE and fills *Fault when Header, or a neighbour's idea of it, is inconsistent.
 */
BOOLEAN MiFindPoolFault(PPOOL_HEADER Header, PMI_POOL_FAULT Fault);

NT_NORETURN void MiReportPoolFault(const MI_POOL_FAULT *Fault);

/* => Bug check 0x19/3 unless both neighbours on the list point back at Entry. */
void MiCheckFreeListEntry(PLIST_ENTRY Entry);

/* The list entry in a free block of at least MI_MINIMUM_UNITS. */
static inline PLIST_ENTRY MiPoolListEntry(PPOOL_HEADER Header)
{
    return (PLIST_ENTRY)(PVOID)(Header + 1);
}

/*
 * ---- poison: free room reads MI_POOL_POISON, and a change is noticed at the next allocation ----
 *
 * As a pointer it is an odd user address; as a header it is that of a free block.
 */
#define MI_POOL_POISON 0x51515151u

NT_C_ASSERT((MI_POOL_POISON >> 25 & (MI_BLOCK_TYPE | MI_BLOCK_IN_USE)) == MI_BLOCK_FREE);

extern BOOLEAN MiPoolIsPoisoned; /* (I) */

/* Fill units of free room.  => Nothing unless poison is on. */
void MiPoisonUnits(PPOOL_HEADER First, ULONG Units);

/* => Bug check 0xC6 (address, 1) when a free block's contents were changed. */
void MiCheckPoison(PPOOL_HEADER Header);

#endif
