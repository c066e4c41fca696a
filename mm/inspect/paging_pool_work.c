/* SPDX-License-Identifier: MIT */
/*
 * paging_pool_work.c - the paged pool's part of the paging run.
 *
 * Blocks are whole pages, so that each page can be stamped.  Commitment is left for the others: a
 * page that they decommitted has to come back.
 *
 * Locking: none; the blocks are the thread's own.
 */
#include "mm/inspect/paging_pool_work.h"

#include "arch/cpu.h"
#include "ex.h"
#include "mi_assert.h"
#include "mm/pfn/commit.h"
#include "mm/pool/pool_pages.h"
#include "report.h"

#define MIP_MOST_PAGES     32u /* of a block */
#define MIP_SPARE          8u  /* an eighth of the limit stays free */
#define MIP_WRONG_TO_PRINT 8u

static MI_STAMP MipStamp(const MI_POOL_WORK *Work, const MI_POOL_WORK_BLOCK *Block, ULONG Page)
{
    return (MI_STAMP){(ULONG_PTR)(Block->Va + Page * MI_STAMP_WORDS), Block->Version, Work->Seed};
}

static void MipWrite(PMI_POOL_WORK Work, MI_POOL_WORK_BLOCK *Block)
{
    ULONG Page;

    Block->Version++;
    for (Page = 0; Page < Block->Pages; Page++) {
        ULONG64 Start = KeReadCycleCounter();

        MiStampPage(Block->Va + Page * MI_STAMP_WORDS, MipStamp(Work, Block, Page));
        MiCountTouch(&Work->Result, Start, TRUE);
    }
}

static void MipCompare(PMI_POOL_WORK Work, const MI_POOL_WORK_BLOCK *Block)
{
    ULONG Page;

    for (Page = 0; Page < Block->Pages; Page++) {
        const ULONG *Va = Block->Va + Page * MI_STAMP_WORDS;
        ULONG64 Start = KeReadCycleCounter();
        BOOLEAN Right = MiIsPageStamped(Va, MipStamp(Work, Block, Page));

        MiCountTouch(&Work->Result, Start, FALSE);
        if (!Right && Work->Result.Wrong++ < MIP_WRONG_TO_PRINT) {
            MiDescribeWrongPage("paging: paged pool", Va, MipStamp(Work, Block, Page));
        }
    }
}

static BOOLEAN MipIsCommitScarce(void)
{
    return MiCommit.Limit - MiCommit.Committed < MiCommit.Limit / MIP_SPARE;
}

static BOOLEAN MipAddBlock(PMI_POOL_WORK Work, ULONG Pages)
{
    MI_POOL_WORK_BLOCK *Block = &Work->Blocks[Work->Count];

    Block->Pages = (USHORT)Pages;
    Block->Va = ExAllocatePoolWithTag(PagedPool, Pages * PAGE_SIZE, MI_PAGING_RUN_TAG);
    if (Block->Va == NULL) {
        return FALSE;
    }
    MipWrite(Work, Block);
    Work->Pages += Pages;
    Work->Count++;
    return TRUE;
}

/* The last gaps are filled page by page: pool is full when it refuses one page. */
static void MipFill(PMI_POOL_WORK Work)
{
    while (Work->Count < MI_POOL_WORK_BLOCKS && !MipIsCommitScarce()) {
        ULONG Pages = 1 + MiNextWorkNumber(&Work->Random, MIP_MOST_PAGES);

        if (!MipAddBlock(Work, Pages) && !MipAddBlock(Work, 1)) {
            MI_POOL_PAGES Pool;

            MiQueryPoolPages(PagedPool, &Pool);
            KiPrint("# paging: paged pool refused a page with %u of %u in use\n", Pool.UsedPages,
                    Pool.MaximumPages);
            break;
        }
    }
}

static void MipFree(PMI_POOL_WORK Work)
{
    ULONG i;

    for (i = 0; i < Work->Count; i++) {
        ExFreePoolWithTag(Work->Blocks[i].Va, MI_PAGING_RUN_TAG);
    }
}

static void MipUse(PMI_POOL_WORK Work)
{
    NTSTATUS Status;
    ULONG Turn;
    ULONG i;

    for (Turn = 0; Turn < Work->Count; Turn++) {
        MI_POOL_WORK_BLOCK *Block = &Work->Blocks[MiNextWorkNumber(&Work->Random, Work->Count)];

        MipCompare(Work, Block);
        if (MiNextWorkNumber(&Work->Random, 3) == 0) {
            MipWrite(Work, Block);
        }
    }
    Status = KeWaitForSingleObject(&Work->OthersDone, Executive, KernelMode, FALSE, NULL);
    MI_ASSERT(Status == STATUS_SUCCESS);
    for (i = 0; i < Work->Count; i++) {
        MipCompare(Work, &Work->Blocks[i]);
    }
}

void NTAPI MiDoPoolWork(PVOID Context)
{
    PMI_POOL_WORK Work = Context;

    MipFill(Work);
    MipUse(Work);
    MipFree(Work);
    KeSetEvent(&Work->Done, IO_NO_INCREMENT, FALSE);
}
