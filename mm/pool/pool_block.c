/* SPDX-License-Identifier: MIT */
/*
 * pool_block.c - small blocks: pages cut into blocks and put together again.
 *
 * A page is a row of blocks without gaps; each header knows its own size and that of the block in
 * front of it, so that a freed block finds both neighbours and joins those that are free:
 *
 *     offset   0        40    58             a8                   1000
 *              | used   |free | used         | free               |
 *     previous 0        40    18             50
 *
 * Free blocks hang on a list for their exact size, and a bitmap tells which lists are not empty: a
 * request takes the first block of the smallest size that is large enough.  A free block of one
 * unit has no room for a list entry; it waits, unlisted, until a neighbour is freed.
 *
 * A page that is free as a whole goes back to its region; but each pool keeps one for the next
 * request that needs a page, so that a single block that comes and goes does not move pages.  While
 * the front end is off none is kept: then freed memory shall be gone.
 *
 * Invariants (checked by MiVerifyPool):
 *   B1  the blocks of a page fill it exactly; PreviousSize is the size of the block in front
 *   B2  no two free blocks lie side by side; of the pages that are free as a whole only Spare is
 *   kept B3  a free block of n >= 2 units is on Lists[n] of the pool that its PoolIndex names, and
 *       nothing else is
 *   B4  bit n of Map is set exactly when Lists[n] is not empty; bit n of MapOfWords when Map[n]
 *       is not 0
 *
 * Locking: the pool's lock (MiLockPool) for all of it.  A block that is not free belongs to whoever
 * has it, which is why its Own half is written without the lock.  Pages are taken and returned
 * unlocked.
 */
#include "mm/pool/pool_block.h"

#include "arch/cpu.h"
#include "mi_assert.h"
#include "mm/pool/pool.h"
#include "mm/pool/pool_front.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/pool_lock.h"

MI_POOL MiPools[MI_POOLS];
ULONG MiNumberOfPagedPools = MI_USUAL_PAGED_POOLS;

void MiSetNumberOfPagedPools(ULONG Pools)
{
    MI_ASSERT(Pools >= 1 && Pools <= MI_MOST_PAGED_POOLS);
    MiNumberOfPagedPools = Pools;
}

void MiInitializePool(PMI_POOL Pool, POOL_TYPE BaseType, ULONG Index)
{
    ULONG Units;

    KeInitializeSpinLock(&Pool->Lock);
    ExInitializeFastMutex(&Pool->Mutex);
    Pool->BaseType = BaseType;
    Pool->Index = Index;
    for (Units = 0; Units < MI_UNITS_PER_PAGE; Units++) {
        InitializeListHead(&Pool->Lists[Units]);
    }
}

void MiInitializePoolBlocks(BOOLEAN Poison)
{
    ULONG Number;

    MiPoolIsPoisoned = Poison;
    memset(MiPools, 0, sizeof(MiPools));
    for (Number = 0; Number < MI_POOLS; Number++) {
        MiInitializePool(&MiPools[Number], Number == 0 ? NonPagedPool : PagedPool,
                         Number == 0 ? 0 : Number - 1);
    }
}

KIRQL MiLockPool(PMI_POOL Pool) NT_NO_LOCK_ANALYSIS
{
    if (Pool->BaseType != NonPagedPool) {
        ExAcquireFastMutex(&Pool->Mutex);
        return APC_LEVEL; /* the mutex remembers where it came from */
    }
    return MiAcquirePoolLock(&Pool->Lock);
}

void MiUnlockPool(PMI_POOL Pool, KIRQL OldIrql) NT_NO_LOCK_ANALYSIS
{
    if (Pool->BaseType != NonPagedPool) {
        ExReleaseFastMutex(&Pool->Mutex);
    } else {
        MiReleasePoolLock(&Pool->Lock, OldIrql);
    }
}

/* ---- the free lists: B3 and B4 ---- */

static void MipInsertFree(PMI_POOL Pool, PPOOL_HEADER Block) NT_HOLDS(Pool->Lock)
{
    ULONG Units = Block->BlockSize;

    Pool->FreeUnits += Units;
    if (Units >= MI_MINIMUM_UNITS) {
        PLIST_ENTRY Head = &Pool->Lists[Units];

        if (!IsListEmpty(Head)) {
            MiCheckFreeListEntry(Head->Flink);
        }
        InsertHeadList(Head, MiPoolListEntry(Block));
        Pool->Map[Units / 32] |= 1u << Units % 32;
        Pool->MapOfWords |= 1u << Units / 32;
    }
}

static void MipRemoveFree(PMI_POOL Pool, PPOOL_HEADER Block) NT_HOLDS(Pool->Lock)
{
    ULONG Units = Block->BlockSize;

    Pool->FreeUnits -= Units;
    if (Units >= MI_MINIMUM_UNITS) {
        MiCheckFreeListEntry(MiPoolListEntry(Block));
        if (RemoveEntryList(MiPoolListEntry(Block))) {
            Pool->Map[Units / 32] &= ~(1u << Units % 32);
            if (Pool->Map[Units / 32] == 0) {
                Pool->MapOfWords &= ~(1u << Units / 32);
            }
        }
    }
}

/* => Returns a free block of at least Units, still listed; NULL: there is none. */
static PPOOL_HEADER MipFindFree(PMI_POOL Pool, ULONG Units) NT_HOLDS(Pool->Lock)
{
    ULONG Word = Units / 32;
    ULONG Bits = Pool->Map[Word] & (0xFFFFFFFFu << Units % 32);

    if (Bits == 0) {
        /* Words behind this one; shifted twice, since Word may be the last. */
        ULONG Words = Pool->MapOfWords & (0xFFFFFFFEu << Word);

        if (Words == 0) {
            return NULL;
        }
        Word = (ULONG)__builtin_ctz(Words);
        Bits = Pool->Map[Word];
    }
    Units = Word * 32 + (ULONG)__builtin_ctz(Bits);
    return MiPoolHeaderOf(Pool->Lists[Units].Flink);
}

/* ---- cutting ---- */

/* Write a header: all of it, so nobody else may have the block. */
static void MipWriteHeader(PMI_POOL Pool, PPOOL_HEADER Block, ULONG Previous, ULONG Units,
                           ULONG PoolType)
{
    Block->Before = (USHORT)(Previous | Pool->Index << MI_HIGH_SHIFT);
    Block->Own = MI_OWN(Units, PoolType);
}

/* Tell the block at Next, unless the page ends there, how long the one in front of it is now. */
static void MipSetPreviousSize(PMI_POOL Pool, PPOOL_HEADER Next, ULONG Previous)
{
    if (BYTE_OFFSET(Next) != 0) {
        Next->Before = (USHORT)(Previous | Pool->Index << MI_HIGH_SHIFT);
    }
}

static void MipMakeFree(PMI_POOL Pool, PPOOL_HEADER Block, ULONG Previous, ULONG Units)
    NT_HOLDS(Pool->Lock)
{
    MipWriteHeader(Pool, Block, Previous, Units, MI_BLOCK_FREE);
    MipInsertFree(Pool, Block);
}

/*
 * Cut [Skip, Skip + Units) out of the unlisted room [Start, Start + Total), and make what is left
 * on both sides free blocks.
 */
static PPOOL_HEADER MipCut(PMI_POOL Pool, PPOOL_HEADER Start, ULONG Total, ULONG Skip, ULONG Units)
    NT_HOLDS(Pool->Lock)
{
    ULONG Previous = Start->PreviousSize;
    ULONG Rest = Total - Skip - Units;
    PPOOL_HEADER Block = Start + Skip;

    if (Skip != 0) {
        MipMakeFree(Pool, Start, Previous, Skip);
        Previous = Skip;
    }
    MipWriteHeader(Pool, Block, Previous, Units, (ULONG)Pool->BaseType + 1);
    if (Rest != 0) {
        MipMakeFree(Pool, Block + Units, Units, Rest);
        Previous = Rest;
    } else {
        Previous = Units;
    }
    MipSetPreviousSize(Pool, Start + Total, Previous);
    return Block;
}

/* Units to skip from Start, so that the data behind the header is aligned. */
static ULONG MipSkipToLine(PPOOL_HEADER Start)
{
    ULONG DataOffset = BYTE_OFFSET(Start + 1);

    return (ROUND_UP(DataOffset, MI_POOL_CACHE_LINE) - DataOffset) / MI_POOL_UNIT;
}

/* What a request may lose in front of it for alignment: all but one unit of a cache line. */
#define MI_MOST_SKIPPED (MI_POOL_CACHE_LINE / MI_POOL_UNIT - 1)

static PPOOL_HEADER MipAllocateFromLists(PMI_POOL Pool, ULONG Units, BOOLEAN CacheAligned)
    NT_HOLDS(Pool->Lock)
{
    ULONG Needed = Units + (CacheAligned ? MI_MOST_SKIPPED : 0);
    PPOOL_HEADER Found = Needed < MI_UNITS_PER_PAGE ? MipFindFree(Pool, Needed) : NULL;
    MI_POOL_FAULT Fault;

    if (Found == NULL) {
        return NULL;
    }
    if (MiFindPoolFault(Found, &Fault)) {
        MiReportPoolFault(&Fault);
    }
    MiCheckPoison(Found);
    MipRemoveFree(Pool, Found);
    return MipCut(Pool, Found, Found->BlockSize, CacheAligned ? MipSkipToLine(Found) : 0, Units);
}

/* => Page is poisoned, or need not be. */
static PPOOL_HEADER MipCutPage(PMI_POOL Pool, PPOOL_HEADER Page, ULONG Units, BOOLEAN CacheAligned)
    NT_HOLDS(Pool->Lock)
{
    Pool->Pages++;
    Pool->PagesTaken++;
    Page->Before = 0;
    return MipCut(Pool, Page, MI_UNITS_PER_PAGE, CacheAligned ? MipSkipToLine(Page) : 0, Units);
}

PPOOL_HEADER MiAllocatePoolBlock(PMI_POOL Pool, ULONG Units, BOOLEAN CacheAligned)
{
    KIRQL OldIrql;
    PPOOL_HEADER Block;
    PPOOL_HEADER Page;

    OldIrql = MiLockPool(Pool);
    Block = MipAllocateFromLists(Pool, Units, CacheAligned);
    if (Block == NULL && Pool->Spare != NULL) {
        Page = Pool->Spare;
        Pool->Spare = NULL;
        Block = MipCutPage(Pool, Page, Units, CacheAligned);
    }
    MiUnlockPool(Pool, OldIrql);
    if (Block != NULL) {
        return Block;
    }
    /* held: nothing */
    Page = MiAllocatePoolPages(Pool->BaseType, Pool->Index, 1);
    if (Page == NULL) {
        return NULL;
    }
    MiPoisonUnits(Page, MI_UNITS_PER_PAGE);
    OldIrql = MiLockPool(Pool);
    Block = MipCutPage(Pool, Page, Units, CacheAligned);
    MiUnlockPool(Pool, OldIrql);
    return Block;
}

/* ---- joining ---- */

/* A free neighbour, found sound and taken off its list.  => Block and its neighbours agree. */
static void MipAbsorb(PMI_POOL Pool, PPOOL_HEADER Neighbour) NT_HOLDS(Pool->Lock)
{
    MI_POOL_FAULT Fault;

    if (MiFindPoolFault(Neighbour, &Fault)) {
        MiReportPoolFault(&Fault);
    }
    MipRemoveFree(Pool, Neighbour);
}

/* => Returns the joined room; *Units its size.  It is on no list, and its header is not written. */
static PPOOL_HEADER MipJoin(PMI_POOL Pool, PPOOL_HEADER Block, PULONG Units) NT_HOLDS(Pool->Lock)
{
    PPOOL_HEADER Next = Block + Block->BlockSize;
    PPOOL_HEADER Previous = Block - Block->PreviousSize;

    *Units = Block->BlockSize;
    if (BYTE_OFFSET(Next) != 0 && Next->PoolType == MI_BLOCK_FREE) {
        MipAbsorb(Pool, Next);
        *Units += Next->BlockSize;
    }
    Block->Own = MI_OWN(Block->BlockSize, MI_BLOCK_FREE); /* what a stale pointer finds */
    if (Previous != Block && Previous->PoolType == MI_BLOCK_FREE) {
        MipAbsorb(Pool, Previous);
        *Units += Previous->BlockSize;
        return Previous;
    }
    return Block;
}

void MiFreePoolBlock(PPOOL_HEADER Header)
{
    PMI_POOL Pool;
    PPOOL_HEADER Room;
    MI_POOL_FAULT Fault;
    ULONG Units;
    KIRQL OldIrql;

    if (MiFindHeaderFault(Header, &Fault)) {
        MiReportPoolFault(&Fault);
    }
    Pool = MiFindPool(MiPoolTypeOf(Header), Header->PoolIndex); /* which the header can be asked */
    OldIrql = MiLockPool(Pool);
    if (MiFindPoolFault(Header, &Fault)) {
        MiReportPoolFault(&Fault);
    }
    Room = MipJoin(Pool, Header, &Units);
    if (Units != MI_UNITS_PER_PAGE) {
        ULONG Previous = Room->PreviousSize;

        MiPoisonUnits(Room, Units);
        MipMakeFree(Pool, Room, Previous, Units);
        MipSetPreviousSize(Pool, Room + Units, Units);
        MiUnlockPool(Pool, OldIrql);
        return;
    }
    Pool->Pages--;
    Pool->PagesReturned++;
    if (Pool->Spare == NULL && MiPoolFront.Sizes != 0) {
        Pool->Spare = Room;
        Room = NULL;
    }
    MiUnlockPool(Pool, OldIrql);
    /* held: nothing; the page is on no list */
    if (Room != NULL) {
        MiFreePoolPages(Room, 1);
    }
}

BOOLEAN MiFreeSparePage(PMI_POOL Pool)
{
    KIRQL OldIrql = MiLockPool(Pool);
    PPOOL_HEADER Page = Pool->Spare;

    Pool->Spare = NULL;
    MiUnlockPool(Pool, OldIrql);
    if (Page != NULL) {
        MiFreePoolPages(Page, 1);
    }
    return Page != NULL;
}

ULONG MiFreeSparePages(POOL_TYPE BaseType)
{
    ULONG Pages = 0;
    ULONG Index;

    for (Index = 0; Index < MiPoolsOf(BaseType); Index++) {
        Pages += MiFreeSparePage(MiFindPool(BaseType, Index));
    }
    return Pages;
}

BOOLEAN MiIsSparePage(POOL_TYPE BaseType, PVOID Page)
{
    ULONG Index;

    for (Index = 0; Index < MiPoolsOf(BaseType); Index++) {
        if (MiFindPool(BaseType, Index)->Spare == Page) {
            return TRUE;
        }
    }
    return FALSE;
}
