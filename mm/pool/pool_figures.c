/* SPDX-License-Identifier: MIT */
/*
 * pool_figures.c - what the pools hold and cost, from their own counters.
 *
 *     pages used = cut into small blocks + whole pages in use, waiting, spare
 *     small      = in use, with a header each + free + waiting in the front end
 *
 * What a caller asked for beyond a multiple of 8 is not known: a header does not say.
 */
#include "mm/pool/pool.h"

#include "mm/pool/pool_big.h"
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_front.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/special_pool.h"

static void MipAddTags(POOL_TYPE BaseType, PMI_POOL_FIGURES Figures)
{
    ULONG Index;

    for (Index = 0; Index < MI_POOL_TAGS; Index++) {
        const MI_POOL_USE *Use = &MiPoolTags[Index].Use[BaseType];

        Figures->InUseBytes += (ULONG)Use->Bytes;
        Figures->InUseBlocks += Use->Allocs - Use->Frees;
    }
}

static void MipAddPools(POOL_TYPE BaseType, PMI_POOL_FIGURES Figures)
{
    ULONG Index;

    for (Index = 0; Index < MiPoolsOf(BaseType); Index++) {
        const MI_POOL *Pool = MiFindPool(BaseType, Index);

        Figures->BlockPages += Pool->Pages;
        Figures->PagesTaken += Pool->PagesTaken;
        Figures->PagesReturned += Pool->PagesReturned;
        Figures->FreeBytes += Pool->FreeUnits * MI_POOL_UNIT;
        Figures->SparePages += Pool->Spare != NULL ? 1 : 0;
    }
}

void MiQueryPoolFigures(POOL_TYPE BaseType, PMI_POOL_FIGURES Figures)
{
    MI_SPECIAL_POOL_COUNTERS Special;
    MI_POOL_PAGES Pages;
    MI_BIG_SUMS Big;
    ULONG Units;

    memset(Figures, 0, sizeof(*Figures));
    MiQueryPoolPages(BaseType, &Pages);
    MiSumBigBlocks(BaseType, &Big);
    MiQuerySpecialPool(&Special);
    Figures->MaximumPages = Pages.MaximumPages;
    Figures->UsedPages = Pages.UsedPages;
    Figures->PeakPages = Pages.PeakPages;
    Figures->FrontBlocks = MiCountFrontEnd(BaseType, &Units);
    Figures->FrontBytes = Units * MI_POOL_UNIT;
    Figures->FrontPages = Big.WaitingPages;
    Figures->BigBlocks = Big.Blocks;
    Figures->BigPages = Big.Pages;
    Figures->BigUnusedBytes = (ULONG)Big.UnusedBytes;
    Figures->SpecialPages = Special.UsedPages[BaseType];
    MipAddPools(BaseType, Figures);
    MipAddTags(BaseType, Figures);
}

ULONG MiQueryPoolPagesOf(POOL_TYPE BaseType, ULONG Index)
{
    return MiFindPool(BaseType, Index)->Pages;
}

ULONG MiQueryPoolTableBytes(void)
{
    ULONG Bytes = sizeof(MiPools) + sizeof(MiPoolTags) + sizeof(MiPoolFront) + MiBigTableBytes();
    MI_SPECIAL_POOL_COUNTERS Special;
    ULONG Part;

    for (Part = 0; Part < MiPoolPartCount; Part++) {
        Bytes += MI_POOL_REGION_BYTES(MiPoolRegion((MI_POOL_PART)Part)->Pages);
    }
    MiQuerySpecialPool(&Special);
    return Bytes + Special.MaximumPages * (ULONG)sizeof(MI_SPECIAL_SLOT);
}

/* ---- in words ---- */

static void MipDescribeType(RTL_PRINT_SINK *Sink, PVOID Context, POOL_TYPE BaseType)
{
    MI_POOL_FIGURES Figures;
    ULONG Headers;
    ULONG Kept;
    ULONG Overhead;
    ULONG Total;

    MiQueryPoolFigures(BaseType, &Figures);
    Total = Figures.UsedPages * PAGE_SIZE;
    Headers = (Figures.InUseBlocks - Figures.BigBlocks - Figures.SpecialPages) *
              (ULONG)sizeof(POOL_HEADER);
    Kept = Figures.FrontBytes + (Figures.FrontPages + Figures.SparePages) * PAGE_SIZE;
    Overhead = Headers + Figures.FreeBytes + Kept + Figures.BigUnusedBytes;
    RtlFormat(Sink, Context,
              "# %s pool: %lu pages, %lu blocks; overhead %lu of %lu bytes:\n"
              "#   headers %lu, free in pages %lu, kept for reuse %lu, ends of big blocks %lu\n",
              BaseType == PagedPool ? "paged" : "nonpaged", (unsigned long)Figures.UsedPages,
              (unsigned long)Figures.InUseBlocks, (unsigned long)Overhead, (unsigned long)Total,
              (unsigned long)Headers, (unsigned long)Figures.FreeBytes, (unsigned long)Kept,
              (unsigned long)Figures.BigUnusedBytes);
}

void MiDescribePoolOverhead(RTL_PRINT_SINK *Sink, PVOID Context)
{
    MipDescribeType(Sink, Context, NonPagedPool);
    MipDescribeType(Sink, Context, PagedPool);
    RtlFormat(Sink, Context, "# pool tables: %lu bytes\n", (unsigned long)MiQueryPoolTableBytes());
}
