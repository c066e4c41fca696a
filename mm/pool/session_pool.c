/* SPDX-License-Identifier: MIT */
/*
 * session_pool.c - paged pool of a session.
 *
 * Invariants (MiVerifySessionPool), besides those of pool_block.c and pool_region.c:
 *   Q1  a run of pages is a big block, the spare page, or one page of small blocks
 *   Q2  the tags' bytes and allocations add up to what is in use
 *
 * Locking: the pool's mutex for its blocks; TagLock for tags' names and big blocks.
 */
#include "mm/pool/session_pool.h"

#include "ex.h"
#include "mi_assert.h"
#include "mm/pool/pool_inject.h"
#include "mm/pool/pool_pages.h"
#include "nt/bugcodes.h"

#define MIP_SESSION_TAG 0x7053694Du /* 'MiSp' */

/* (I) Through a pointer, so that the pools do without processes. */
static MI_FIND_SESSION_POOL *MipFindPool;

void MiSetSessionPoolRoutine(MI_FIND_SESSION_POOL *Routine)
{
    MipFindPool = Routine;
}

PMI_SESSION_POOL MiCurrentSessionPool(void)
{
    return MipFindPool != NULL ? MipFindPool() : NULL;
}

PMI_POOL MiSessionPoolBlocks(void)
{
    return &MiCurrentSessionPool()->Pool;
}

/* ---- making and deleting ---- */

/* The structure, its bits and its table of big blocks, in one block. */
static ULONG MipBytes(ULONG Pages)
{
    return (ULONG)ROUND_UP(sizeof(MI_SESSION_POOL), 8u) + MI_POOL_REGION_BYTES(Pages) +
           Pages * (ULONG)sizeof(MI_SESSION_BIG);
}

PMI_SESSION_POOL MiCreateSessionPool(ULONG_PTR Base, ULONG Pages, MI_COMMIT_PAGES *Commit,
                                     MI_DECOMMIT_PAGES *Decommit)
{
    PMI_SESSION_POOL Pool = ExAllocatePoolWithTag(NonPagedPool, MipBytes(Pages), MIP_SESSION_TAG);
    PUCHAR Behind;

    if (Pool == NULL) {
        return NULL;
    }
    memset(Pool, 0, MipBytes(Pages));
    Behind = (PUCHAR)Pool + ROUND_UP(sizeof(*Pool), 8u);
    MiInitializePool(&Pool->Pool, MI_SESSION_PAGED_POOL, 0);
    KeInitializeSpinLock(&Pool->TagLock);
    Pool->Tags[MI_SESSION_TAGS - 1].Tag = MI_POOL_TAG_OVERFLOW;
    Pool->Big = (PMI_SESSION_BIG)(PVOID)(Behind + MI_POOL_REGION_BYTES(Pages));
    MiInitializePoolRegion(&Pool->Region, Base, Pages, FALSE, (PULONG)(PVOID)Behind);
    Pool->Region.Commit = Commit;
    Pool->Region.Decommit = Decommit;
    return Pool;
}

void MiTrimSessionPool(PMI_SESSION_POOL Pool)
{
    (void)MiFreeSparePage(&Pool->Pool);
}

void MiDeleteSessionPool(PMI_SESSION_POOL Pool)
{
    MI_ASSERT(Pool->Region.UsedPages == 0 && Pool->Pool.Pages == 0);
    ExFreePoolWithTag(Pool, MIP_SESSION_TAG);
}

PMI_SESSION_POOL MiSessionPoolOf(ULONG_PTR Va)
{
    PMI_SESSION_POOL Pool = MiCurrentSessionPool();

    return Pool != NULL && (Va - Pool->Region.Base) >> PAGE_SHIFT < Pool->Region.Pages ? Pool
                                                                                       : NULL;
}

/* ---- tags ---- */

static PMI_SESSION_TAG MipTag(PMI_SESSION_POOL Pool, ULONG Tag)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Pool->TagLock);
    PMI_SESSION_TAG Entry = Pool->Tags;

    while (Entry->Tag != Tag && Entry->Tag != 0 && Entry->Tag != MI_POOL_TAG_OVERFLOW) {
        Entry++;
    }
    if (Entry->Tag == 0) {
        Entry->Tag = Tag;
    }
    KfReleaseSpinLock(&Pool->TagLock, OldIrql);
    return Entry;
}

/* ---- big blocks ---- */

static ULONG MipPageOf(const MI_SESSION_POOL *Pool, PVOID P)
{
    return (ULONG)(((ULONG_PTR)P - Pool->Region.Base) >> PAGE_SHIFT);
}

static void MipSetBig(PMI_SESSION_POOL Pool, PVOID P, ULONG Tag, SIZE_T Bytes)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Pool->TagLock);

    Pool->Big[MipPageOf(Pool, P)] = (MI_SESSION_BIG){Tag, Bytes};
    KfReleaseSpinLock(&Pool->TagLock, OldIrql);
}

static PVOID MipAllocateBig(PMI_SESSION_POOL Pool, const MI_POOL_REQUEST *Request)
{
    ULONG Pages = BYTES_TO_PAGES(Request->Bytes);
    PVOID Va = MiAllocatePoolPages(MI_SESSION_PAGED_POOL, 0, Pages);

    if (Va == NULL && MiFreeSparePage(&Pool->Pool)) {
        Va = MiAllocatePoolPages(MI_SESSION_PAGED_POOL, 0, Pages);
    }
    if (Va != NULL) {
        MipSetBig(Pool, Va, Request->Tag, Request->Bytes);
        MiCountPoolAllocation(&MipTag(Pool, Request->Tag)->Use, Pages * PAGE_SIZE);
    }
    return Va;
}

BOOLEAN MiFindSessionBigBlock(PMI_SESSION_POOL Pool, PVOID P, MI_SESSION_BLOCK_SIZE *Block)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Pool->TagLock);
    MI_SESSION_BIG Big = Pool->Big[MipPageOf(Pool, P)];

    KfReleaseSpinLock(&Pool->TagLock, OldIrql);
    *Block = (MI_SESSION_BLOCK_SIZE){Big.Tag, Big.Bytes, BYTES_TO_PAGES(Big.Bytes)};
    return Big.Tag != 0;
}

void MiFreeSessionBigBlock(PMI_SESSION_POOL Pool, PVOID P, const MI_SESSION_BLOCK_SIZE *Block)
{
    MiCountPoolFree(&MipTag(Pool, Block->Tag)->Use, Block->Pages * PAGE_SIZE);
    MipSetBig(Pool, P, 0, 0);
    MiFreePoolPages(P, Block->Pages);
}

/* ---- small blocks ---- */

static PVOID MipAllocateSmall(PMI_SESSION_POOL Pool, const MI_POOL_REQUEST *Request,
                              BOOLEAN CacheAligned)
{
    ULONG Units = MiUnitsFor(Request->Bytes);
    PPOOL_HEADER Block = MiAllocatePoolBlock(&Pool->Pool, Units, CacheAligned);

    if (Block == NULL) {
        return NULL;
    }
    Block->Own = MI_OWN(Units, ((ULONG)MI_SESSION_PAGED_POOL + 1) | MI_BLOCK_IN_USE);
    Block->PoolTag = Request->Tag;
    MiCountPoolAllocation(&MipTag(Pool, Request->Tag)->Use, Units * MI_POOL_UNIT);
    return Block + 1;
}

void MiFreeSessionSmallBlock(PMI_SESSION_POOL Pool, PVOID P)
{
    PPOOL_HEADER Header = MiPoolHeaderOf(P);
    ULONG Units = Header->BlockSize;

    Header->Own = MI_OWN(Units, (ULONG)MI_SESSION_PAGED_POOL + 1);
    MiCountPoolFree(&MipTag(Pool, Header->PoolTag)->Use, Units * MI_POOL_UNIT);
    MiFreePoolBlock(Header);
}

PVOID MiAllocateSessionPool(const MI_POOL_REQUEST *Request, BOOLEAN CacheAligned)
{
    PMI_SESSION_POOL Pool = MiCurrentSessionPool();

    if (Pool == NULL) {
        return NULL;
    }
    if (Request->Bytes > (CacheAligned ? MI_LARGEST_CACHE_LINED : MI_LARGEST_SMALL)) {
        return MipAllocateBig(Pool, Request);
    }
    return MipAllocateSmall(Pool, Request, CacheAligned);
}

/* ---- looking at it ---- */

void MiQuerySessionPool(PMI_SESSION_POOL Pool, MI_SESSION_POOL_FIGURES *Figures)
{
    ULONG i;

    *Figures = (MI_SESSION_POOL_FIGURES){.UsedPages = Pool->Region.UsedPages,
                                         .PeakPages = Pool->Region.PeakPages,
                                         .MaximumPages = Pool->Region.Pages};
    for (i = 0; i < MI_SESSION_TAGS; i++) {
        Figures->Allocations += Pool->Tags[i].Use.Allocs - Pool->Tags[i].Use.Frees;
        Figures->Bytes += Pool->Tags[i].Use.Bytes;
    }
}

/* What a walk meets. */
typedef struct _MIP_SUMS {
    ULONG Allocations;
    SIZE_T Bytes;
    ULONG FreeUnits;
    ULONG Pages; /* of small blocks */
    ULONG Spares;
} MIP_SUMS, *PMIP_SUMS;

static void MipVerifyPage(PMIP_SUMS Sums, PPOOL_HEADER Page)
{
    PPOOL_HEADER Block = Page;
    MI_POOL_FAULT Fault;

    do {
        if (MiFindPoolFault(Block, &Fault)) {
            MiReportPoolFault(&Fault);
        }
        if (Block->PoolType == MI_BLOCK_FREE) {
            Sums->FreeUnits += Block->BlockSize;
        } else {
            MI_ASSERT(MiPoolTypeOf(Block) == MI_SESSION_PAGED_POOL);
            Sums->Allocations++;
            Sums->Bytes += Block->BlockSize * MI_POOL_UNIT;
        }
        Block += Block->BlockSize;
    } while (BYTE_OFFSET(Block) != 0);
    Sums->Pages++;
}

/* Q1 */
static void MipVerifyRun(PMI_SESSION_POOL Pool, PMIP_SUMS Sums, PVOID Va, ULONG Pages)
{
    MI_SESSION_BLOCK_SIZE Big;

    if (MiFindSessionBigBlock(Pool, Va, &Big)) {
        MI_ASSERT(Big.Pages == Pages);
        Sums->Allocations++;
        Sums->Bytes += Pages * PAGE_SIZE;
    } else if (Pool->Pool.Spare == Va) {
        MI_ASSERT(Pages == 1);
        Sums->Spares++;
    } else {
        MI_ASSERT(Pages == 1);
        MipVerifyPage(Sums, Va);
    }
}

void MiVerifySessionPool(PMI_SESSION_POOL Pool)
{
    PMI_POOL_REGION Region = &Pool->Region;
    MI_SESSION_POOL_FIGURES Figures;
    MIP_SUMS Sums = {.Pages = 0};
    ULONG Start = 0;
    ULONG Pages;

    MiVerifyPoolRegion(Region);
    while ((Pages = MiFindRegionRun(Region, Start, &Start)) != 0) {
        MipVerifyRun(Pool, &Sums, (PVOID)(Region->Base + ((ULONG_PTR)Start << PAGE_SHIFT)), Pages);
        Start += Pages;
    }
    MiQuerySessionPool(Pool, &Figures);
    MI_ASSERT(Sums.Allocations == Figures.Allocations && Sums.Bytes == Figures.Bytes); /* Q2 */
    MI_ASSERT(Sums.Pages == Pool->Pool.Pages && Sums.FreeUnits == Pool->Pool.FreeUnits);
    MI_ASSERT(Sums.Spares == (ULONG)(Pool->Pool.Spare != NULL));
}
