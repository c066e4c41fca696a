/* SPDX-License-Identifier: MIT */
/*
 * pool_verify.c - MiVerifyPool: everything that is said of the pools, checked.
 *
 * Pages are found from outside, by the regions: a run of pages is a big block when the table knows
 * it, and else one page of small blocks.  What the walk adds up must be what the pools, the lists,
 * the front end and the tags say, so that a lost or doubled block cannot hide.
 */
#include "mm/pool/pool.h"

#include "arch/cpu.h"
#include "mi_assert.h"
#include "mm/pool/pool_big.h"
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_front.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/special_pool.h"
#include "nt/bugcodes.h"
#include "report.h"

/* What a walk over the pages of one base type meets. */
typedef struct _MI_POOL_SUMS {
    POOL_TYPE BaseType;
    ULONG Pages[MI_MOST_PAGED_POOLS];      /* of small blocks, by PoolIndex */
    ULONG FreeUnits[MI_MOST_PAGED_POOLS];  /* by PoolIndex */
    ULONG FreeBlocks[MI_MOST_PAGED_POOLS]; /* those that must be on a list */
    ULONG FrontBlocks;
    ULONG FrontUnits;
    ULONG FrontPages;
    ULONG SparePages;
    SIZE_T InUseBytes;
    ULONG InUseBlocks;
} MI_POOL_SUMS, *PMI_POOL_SUMS;

static NT_NORETURN void MipBlame(const MI_POOL_FAULT *Fault)
{
    KiPrint("*** Pool header %p is inconsistent: %s\n", (PVOID)Fault->Entry, Fault->What);
    MiReportPoolFault(Fault);
}

static NT_NORETURN void MipBlameType(PPOOL_HEADER Header)
{
    MI_POOL_FAULT Fault = {0x7, (ULONG_PTR)Header, 0, (ULONG_PTR)MiPoolPageOf(Header),
                           "it belongs to another pool than its page"};

    MipBlame(&Fault);
}

/* ---- pages ---- */

static void MipAddBlock(PMI_POOL_SUMS Sums, PPOOL_HEADER Block)
{
    ULONG Units = Block->BlockSize;

    if (Block->PoolType == MI_BLOCK_FREE) {
        Sums->FreeUnits[Block->PoolIndex] += Units;
        Sums->FreeBlocks[Block->PoolIndex] += Units >= MI_MINIMUM_UNITS;
        return;
    }
    if (MiPoolTypeOf(Block) != Sums->BaseType) {
        MipBlameType(Block);
    }
    if ((Block->PoolType & MI_BLOCK_IN_USE) != 0) {
        Sums->InUseBlocks++;
        Sums->InUseBytes += Units * MI_POOL_UNIT;
    } else {
        Sums->FrontBlocks++;
        Sums->FrontUnits += Units;
    }
}

static void MipVerifyPage(PMI_POOL_SUMS Sums, PPOOL_HEADER Page)
{
    PPOOL_HEADER Block = Page;
    BOOLEAN AfterFree = FALSE;
    MI_POOL_FAULT Fault;

    do {
        if (MiFindPoolFault(Block, &Fault)) {
            MipBlame(&Fault);
        }
        if (Block->PoolIndex != Page->PoolIndex ||
            (Sums->BaseType == NonPagedPool && Block->PoolIndex != 0)) {
            MipBlameType(Block);
        }
        MI_ASSERT(!AfterFree || Block->PoolType != MI_BLOCK_FREE); /* B2 */
        AfterFree = Block->PoolType == MI_BLOCK_FREE;
        MipAddBlock(Sums, Block);
        Block += Block->BlockSize;
    } while (BYTE_OFFSET(Block) != 0);
    Sums->Pages[Page->PoolIndex]++;
}

static void MipVerifyRun(PMI_POOL_SUMS Sums, PVOID Va, ULONG Pages)
{
    MI_BIG_BLOCK Big;

    if (!MiFindBigBlock(Va, &Big)) {
        MI_ASSERT(Pages == 1);
        if (MiIsSparePage(Sums->BaseType, Va)) {
            Sums->SparePages++;
            return;
        }
        MipVerifyPage(Sums, Va);
        return;
    }
    MI_ASSERT(Big.Pages == Pages && Big.BaseType == (ULONG)Sums->BaseType);
    if (Big.Waiting) { /* F2 */
        MI_ASSERT(Pages == 1 && Sums->BaseType == NonPagedPool);
        Sums->FrontPages++;
        return;
    }
    MiCheckBigBlockEnd(&Big);
    Sums->InUseBlocks++;
    Sums->InUseBytes += Pages * PAGE_SIZE;
}

static void MipVerifyPart(PMI_POOL_SUMS Sums, MI_POOL_PART Part)
{
    PMI_POOL_REGION Region = MiPoolRegion(Part);
    ULONG Start = 0;
    ULONG Pages;

    if (Region->Pages == 0) {
        return;
    }
    MiVerifyPoolRegion(Region);
    while ((Pages = MiFindRegionRun(Region, Start, &Start)) != 0) {
        MipVerifyRun(Sums, (PVOID)(Region->Base + ((ULONG_PTR)Start << PAGE_SHIFT)), Pages);
        Start += Pages;
    }
}

/* ---- lists: B3 and B4 ---- */

static ULONG MipVerifyList(PMI_POOL Pool, ULONG Units)
{
    PLIST_ENTRY Head = &Pool->Lists[Units];
    PLIST_ENTRY Entry;
    ULONG Blocks = 0;

    MiCheckFreeListEntry(Head);
    for (Entry = Head->Flink; Entry != Head; Entry = Entry->Flink) {
        PPOOL_HEADER Block = MiPoolHeaderOf(Entry);

        MiCheckFreeListEntry(Entry);
        MI_ASSERT(Block->PoolType == MI_BLOCK_FREE && Block->BlockSize == Units);
        MI_ASSERT(Block->PoolIndex == Pool->Index);
        MiCheckPoison(Block);
        Blocks++;
    }
    MI_ASSERT((Pool->Map[Units / 32] >> Units % 32 & 1) == (Blocks != 0));
    return Blocks;
}

static void MipVerifyPoolLists(PMI_POOL Pool, const MI_POOL_SUMS *Sums)
{
    ULONG Blocks = 0;
    ULONG Units;
    ULONG Word;

    for (Units = 0; Units < MI_UNITS_PER_PAGE; Units++) {
        Blocks += MipVerifyList(Pool, Units);
    }
    for (Word = 0; Word < MI_MAP_WORDS; Word++) {
        MI_ASSERT((Pool->MapOfWords >> Word & 1) == (Pool->Map[Word] != 0));
    }
    MI_ASSERT(Blocks == Sums->FreeBlocks[Pool->Index]);
    MI_ASSERT(Pool->FreeUnits == Sums->FreeUnits[Pool->Index]);
    MI_ASSERT(Pool->Pages == Sums->Pages[Pool->Index]);
    MI_ASSERT(Pool->Pages == Pool->PagesTaken - Pool->PagesReturned);
}

/* ---- front end: F1 ---- */

static void MipVerifyFrontEnd(const MI_POOL_SUMS *Sums)
{
    ULONG Size;
    ULONG Slot;
    ULONG Units;

    for (Size = 0; Size < MI_FRONT_SIZES; Size++) {
        for (Slot = 0; Slot < MI_FRONT_SLOTS; Slot++) {
            PVOID Data = MiPoolFront.Slots[Sums->BaseType][Slot][Size];

            MI_ASSERT(Data == NULL ||
                      MiPoolHeaderOf(Data)->Own ==
                          MI_OWN(Size + MI_MINIMUM_UNITS, (ULONG)Sums->BaseType + 1));
        }
    }
    MI_ASSERT(Sums->FrontBlocks == MiCountFrontEnd(Sums->BaseType, &Units));
    MI_ASSERT(Sums->FrontUnits == Units);
    for (Slot = 0, Units = 0; Slot < MI_FRONT_SLOTS; Slot++) {
        Units += MiPoolFront.Pages[Slot] != NULL && Sums->BaseType == NonPagedPool;
    }
    MI_ASSERT(Sums->FrontPages == Units);
}

/* ---- all of them ---- */

static void MipVerifyType(POOL_TYPE BaseType)
{
    MI_POOL_SUMS Sums = {.BaseType = BaseType};
    MI_SPECIAL_POOL_COUNTERS Special;
    MI_POOL_FIGURES Figures;
    ULONG Spares = 0;
    ULONG Index;

    if (BaseType == PagedPool) {
        MipVerifyPart(&Sums, MiPaged);
    } else {
        MipVerifyPart(&Sums, MiNonPagedInitial);
        MipVerifyPart(&Sums, MiNonPagedExpansion);
    }
    for (Index = 0; Index < MiPoolsOf(BaseType); Index++) {
        MipVerifyPoolLists(MiFindPool(BaseType, Index), &Sums);
        Spares += MiFindPool(BaseType, Index)->Spare != NULL;
    }
    MI_ASSERT(Spares == Sums.SparePages); /* B2 */
    MipVerifyFrontEnd(&Sums);
    MiQuerySpecialPool(&Special);
    Sums.InUseBlocks += Special.UsedPages[BaseType];
    Sums.InUseBytes += Special.UsedPages[BaseType] * PAGE_SIZE;
    MiQueryPoolFigures(BaseType, &Figures);
    MI_ASSERT(Figures.InUseBytes == Sums.InUseBytes);
    MI_ASSERT(Figures.InUseBlocks == Sums.InUseBlocks);
    MI_ASSERT(Figures.UsedPages ==
              Figures.BlockPages + Figures.BigPages + Figures.FrontPages + Figures.SparePages);
}

void MiVerifyPool(void)
{
    MiVerifyBigBlocks();
    MiVerifySpecialPool();
    MipVerifyType(NonPagedPool);
    MipVerifyType(PagedPool);
}
