/* SPDX-License-Identifier: MIT */
/*
 * pool_find_command.c - !poolfind: every block with a tag.
 *
 * Large blocks come first, from their table; then the pages of small ones are walked.  A page that
 * is not resident is left out, one that is damaged is reported and left.
 */
#include "mm/inspect/commands.h"

#include "mm.h"
#include "mm/pool/pool.h"
#include "mm/pool/pool_big.h"
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_pages.h"

#define MIP_FIND_NONPAGED 0u /* the types that users type */
#define MIP_FIND_PAGED    1u
#define MIP_FIND_SPECIAL  2u
#define MIP_FIND_SESSION  4u

typedef struct _MIP_SEARCH {
    MI_TAG_PATTERN Pattern;
    POOL_TYPE BaseType;
    ULONG Found;
    SIZE_T Bytes;
    ULONG Skipped; /* pages that are not resident */
} MIP_SEARCH;

static void MipPrintFound(MIP_SEARCH *Search, ULONG_PTR Va, ULONG Bytes, ULONG Tag)
{
    const char *Owner = MiPoolTagOwner(Tag);

    MiPrint("%08X size %6x  %s%s%s%s\n", (ULONG)Va, Bytes,
            MiPoolTagText(Tag & ~PROTECTED_POOL).Text,
            (Tag & PROTECTED_POOL) != 0 ? " (Protected)" : "", Owner[0] != 0 ? "  " : "", Owner);
    Search->Found++;
    Search->Bytes += Bytes;
}

static void MipFindBig(PVOID Context, const MI_BIG_BLOCK *Block)
{
    MIP_SEARCH *Search = Context;

    if (!Block->Waiting && Block->BaseType == (ULONG)Search->BaseType &&
        MiTagMatches(&Search->Pattern, Block->Tag)) {
        MipPrintFound(Search, Block->Va, Block->Pages * PAGE_SIZE, Block->Tag);
    }
}

static void MipFindInPage(MIP_SEARCH *Search, PPOOL_HEADER Page)
{
    PPOOL_HEADER Block = Page;
    MI_POOL_FAULT Fault;

    if (!MmIsAddressValid(Page)) {
        Search->Skipped++;
        return;
    }
    do {
        if (MiFindPoolFault(Block, &Fault)) {
            MiPrint("%08X is not a valid pool header: %s\n", (ULONG)(ULONG_PTR)Block, Fault.What);
            return;
        }
        if ((Block->PoolType & MI_BLOCK_IN_USE) != 0 &&
            MiTagMatches(&Search->Pattern, Block->PoolTag)) {
            MipPrintFound(Search, (ULONG_PTR)Block, Block->BlockSize * MI_POOL_UNIT,
                          Block->PoolTag);
        }
        Block += Block->BlockSize;
    } while (BYTE_OFFSET(Block) != 0);
}

static void MipFindInPart(MIP_SEARCH *Search, MI_POOL_PART Part)
{
    PMI_POOL_REGION Region = MiPoolRegion(Part);
    ULONG Start = 0;
    ULONG Pages;

    if (Region->Pages == 0) {
        return;
    }
    MiPrint("Searching %s pool (%08X : %08X)\n", Part == MiPaged ? "Paged" : "NonPaged",
            (ULONG)Region->Base, (ULONG)(Region->Base + (Region->Pages << PAGE_SHIFT)));
    while (!MiStopRequested() && (Pages = MiFindRegionRun(Region, Start, &Start)) != 0) {
        PVOID Va = (PVOID)(Region->Base + ((ULONG_PTR)Start << PAGE_SHIFT));
        MI_BIG_BLOCK Big;

        if (!MiFindBigBlock(Va, &Big)) {
            MipFindInPage(Search, Va);
        }
        Start += Pages;
    }
}

static void MipFindAll(MIP_SEARCH *Search)
{
    MiForEachBigBlock(MipFindBig, Search);
    if (Search->BaseType == PagedPool) {
        MipFindInPart(Search, MiPaged);
    } else {
        MipFindInPart(Search, MiNonPagedInitial);
        MipFindInPart(Search, MiNonPagedExpansion);
    }
    MiPrint("%u blocks, %u bytes; %u pages are not resident\n", Search->Found, (ULONG)Search->Bytes,
            Search->Skipped);
}

void MiCommandPoolFind(const char *Arguments)
{
    MIP_SEARCH Search = {.BaseType = NonPagedPool};
    ULONG_PTR Type;

    if (Arguments[0] == 0) {
        MiFail("Which tag?  !poolfind <tag> [0 nonpaged | 1 paged].");
        return;
    }
    if (!MiCommandNeedsPools() || !MiTakeTag(&Arguments, &Search.Pattern) ||
        !MiTakeOptional(&Arguments, MIP_FIND_NONPAGED, &Type)) {
        return;
    }
    if (Type == MIP_FIND_SPECIAL || Type == MIP_FIND_SESSION) {
        MiFail("%s pool cannot be searched: %s.", Type == MIP_FIND_SPECIAL ? "Special" : "Session",
               Type == MIP_FIND_SPECIAL ? "use !pool" : "use !sprocess");
        return;
    }
    if (Type > MIP_FIND_PAGED) {
        MiFail("The type is 0 (nonpaged), 1 (paged), 2 (special) or 4 (session).");
        return;
    }
    Search.BaseType = Type == MIP_FIND_PAGED ? PagedPool : NonPagedPool;
    MipFindAll(&Search);
}
