/* SPDX-License-Identifier: MIT */
/*
 * session_pool.h - the paged pool that each session has for itself.
 *
 * It lies at the same addresses in every session, so that a block says nothing of whose it is: a
 * call means the session that runs.  Its blocks are those of the other pools; but its free lists,
 * its map of pages, its tags and its table of big blocks are the session's, and its front end does
 * not exist.
 *
 * Letters: (L) MiLockPool, (T) TagLock, (I) fixed.
 */
#ifndef MM_POOL_SESSION_POOL_H
#define MM_POOL_SESSION_POOL_H

#include "mm/pool/pool_block.h"
#include "mm/pool/pool_region.h"
#include "mm/pool/pool_tag.h"

#define MI_SESSION_TAGS 64u

typedef struct _MI_SESSION_TAG {
    ULONG Tag;       /* (T) 0: unused; the last entry is MI_POOL_TAG_OVERFLOW: all others */
    MI_POOL_USE Use; /* (A) */
} MI_SESSION_TAG, *PMI_SESSION_TAG;

/* A block of whole pages, by its first page. */
typedef struct _MI_SESSION_BIG {
    ULONG Tag;    /* (T) 0: no big block begins there */
    SIZE_T Bytes; /* (T) as asked for */
} MI_SESSION_BIG, *PMI_SESSION_BIG;

typedef struct _MI_SESSION_POOL {
    MI_POOL Pool;                         /* of BaseType MI_SESSION_PAGED_POOL */
    MI_POOL_REGION Region;                /* its pages */
    KSPIN_LOCK TagLock;                   /* taken with nothing below */
    MI_SESSION_TAG Tags[MI_SESSION_TAGS]; /* (T) */
    PMI_SESSION_BIG Big;                  /* (T) by page */
} MI_SESSION_POOL, *PMI_SESSION_POOL;

/*
 * Make an empty pool of Pages pages at Base.
 *
 * => PASSIVE_LEVEL.  NULL: no memory.
 */
PMI_SESSION_POOL MiCreateSessionPool(ULONG_PTR Base, ULONG Pages, MI_COMMIT_PAGES *Commit,
                                     MI_DECOMMIT_PAGES *Decommit);

/* Give back what no block is in.  => The session runs.  What is allocated stays. */
void MiTrimSessionPool(PMI_SESSION_POOL Pool);

/* => Trimmed, and nothing is allocated. */
void MiDeleteSessionPool(PMI_SESSION_POOL Pool);

/* Who knows it, for it is above: mm/session.  => Once a machine; NULL: there are no sessions. */
typedef PMI_SESSION_POOL MI_FIND_SESSION_POOL(void);
void MiSetSessionPoolRoutine(MI_FIND_SESSION_POOL *Routine);

/* Of the session that runs.  => NULL: none, or it has no pool yet.  Any IRQL. */
PMI_SESSION_POOL MiCurrentSessionPool(void);

/* The same, if Va is one of its addresses. */
PMI_SESSION_POOL MiSessionPoolOf(ULONG_PTR Va);

/*
 * => IRQL <= APC_LEVEL.  CacheAligned: as MiAllocatePoolBlock.  NULL: no session runs, or no pool.
 */
PVOID MiAllocateSessionPool(const MI_POOL_REQUEST *Request, BOOLEAN CacheAligned);

/* What is not special to a session pool about a free, is pool_free.c's.  => As there. */
typedef struct _MI_SESSION_BLOCK_SIZE {
    ULONG Tag;
    SIZE_T Bytes;
    ULONG Pages;
} MI_SESSION_BLOCK_SIZE;

/* => P is the start of a page.  FALSE: no big block begins there. */
BOOLEAN MiFindSessionBigBlock(PMI_SESSION_POOL Pool, PVOID P, MI_SESSION_BLOCK_SIZE *Block);

/* => MiFindSessionBigBlock said so. */
void MiFreeSessionBigBlock(PMI_SESSION_POOL Pool, PVOID P, const MI_SESSION_BLOCK_SIZE *Block);

/* => The block's header is sound, and in use. */
void MiFreeSessionSmallBlock(PMI_SESSION_POOL Pool, PVOID P);

/* Over all tags: what is allocated now. */
typedef struct _MI_SESSION_POOL_FIGURES {
    ULONG Allocations;
    SIZE_T Bytes;
    ULONG UsedPages;
    ULONG PeakPages;
    ULONG MaximumPages;
} MI_SESSION_POOL_FIGURES;

void MiQuerySessionPool(PMI_SESSION_POOL Pool, MI_SESSION_POOL_FIGURES *Figures);

/* MiVerifyPool for it.  => The session runs; IRQL <= APC_LEVEL; nobody uses the pool meanwhile. */
void MiVerifySessionPool(PMI_SESSION_POOL Pool);

#endif
