/* SPDX-License-Identifier: MIT */
/*
 * pool_dump.c - what a page of pool holds, for people: in the manner of !pool.
 */
#include "mm/pool/pool.h"

#include "mm/pool/pool_big.h"
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_front.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/special_pool.h"

/* A tag as text, with dots for what cannot be printed. */
typedef struct _MI_TAG_TEXT {
    char Text[sizeof(ULONG) + 1];
} MI_TAG_TEXT;

static MI_TAG_TEXT MipTagText(ULONG Tag)
{
    MI_TAG_TEXT Result;
    ULONG Index;

    for (Index = 0; Index < sizeof(ULONG); Index++) {
        char Character = (char)(Tag >> 8 * Index & 0x7F);

        Result.Text[Index] = Character >= ' ' && Character < 0x7F ? Character : '.';
    }
    Result.Text[sizeof(ULONG)] = 0;
    return Result;
}

static void MipDumpBlock(RTL_PRINT_SINK *Sink, PVOID Context, PPOOL_HEADER Block, PVOID Va)
{
    BOOLEAN Holds = (ULONG_PTR)Va - (ULONG_PTR)Block < Block->BlockSize * MI_POOL_UNIT;
    BOOLEAN InUse = (Block->PoolType & MI_BLOCK_IN_USE) != 0;

    RtlFormat(Sink, Context, "%c%08x size %4x previous size %4x  (%s)  %s%s\n", Holds ? '*' : ' ',
              (ULONG)(ULONG_PTR)Block, Block->BlockSize * MI_POOL_UNIT,
              Block->PreviousSize * MI_POOL_UNIT, InUse ? "Allocated" : "Free     ",
              Block->PoolType == MI_BLOCK_FREE ? "" : MipTagText(Block->PoolTag).Text,
              InUse && (Block->PoolTag & PROTECTED_POOL) != 0 ? " (Protected)" : "");
}

static void MipDumpBlocks(RTL_PRINT_SINK *Sink, PVOID Context, PPOOL_HEADER Page, PVOID Va)
{
    PPOOL_HEADER Block = Page;
    MI_POOL_FAULT Fault;

    do {
        if (MiFindPoolFault(Block, &Fault)) {
            RtlFormat(Sink, Context, " %08x is not a valid pool header: %s\n",
                      (ULONG)(ULONG_PTR)Block, Fault.What);
            return;
        }
        MipDumpBlock(Sink, Context, Block, Va);
        Block += Block->BlockSize;
    } while (BYTE_OFFSET(Block) != 0);
}

/* => Returns the big block that Va lies in, by going back to where its run begins. */
static BOOLEAN MipFindBlockAround(PVOID Va, PMI_BIG_BLOCK Big)
{
    POOL_TYPE BaseType;
    ULONG_PTR Page = (ULONG_PTR)PAGE_ALIGN(Va);

    while (MiQueryPoolPlace((PVOID)Page, &BaseType) == MiPoolPlaceMiddle) {
        Page -= PAGE_SIZE;
    }
    return MiFindBigBlock((PVOID)Page, Big);
}

static void MipDumpSpecial(RTL_PRINT_SINK *Sink, PVOID Context, PVOID Va)
{
    MI_SPECIAL_BLOCK Block;

    RtlFormat(Sink, Context, "Pool page %08x region is Special pool\n", (ULONG)(ULONG_PTR)Va);
    if (!MiFindSpecialBlock(Va, &Block)) {
        RtlFormat(Sink, Context, " %08x has no access\n", (ULONG)(ULONG_PTR)PAGE_ALIGN(Va));
        return;
    }
    RtlFormat(Sink, Context, "*%08x size %4x data %08x (%s)  (%s)  %s\n",
              (ULONG)(ULONG_PTR)PAGE_ALIGN(Va), Block.Bytes, (ULONG)Block.Va,
              Block.BaseType == PagedPool ? "Paged" : "NonPaged",
              Block.InUse ? "Allocated" : "Free", MipTagText(Block.Tag).Text);
}

void MiDumpPoolPage(RTL_PRINT_SINK *Sink, PVOID Context, PVOID Va)
{
    POOL_TYPE BaseType = NonPagedPool;
    MI_POOL_PLACE Place = MiQueryPoolPlace(Va, &BaseType);
    MI_BIG_BLOCK Big;

    if (MiIsSpecialPool(Va)) {
        MipDumpSpecial(Sink, Context, Va);
        return;
    }
    if (Place == MiPoolPlaceOutside) {
        RtlFormat(Sink, Context, "%08x is in no pool\n", (ULONG)(ULONG_PTR)Va);
        return;
    }
    RtlFormat(Sink, Context, "Pool page %08x region is %s pool\n", (ULONG)(ULONG_PTR)Va,
              BaseType == PagedPool ? "Paged" : "Nonpaged");
    if (Place == MiPoolPlaceFree || MiIsSparePage(BaseType, PAGE_ALIGN(Va))) {
        RtlFormat(Sink, Context, " %08x is a free page\n", (ULONG)(ULONG_PTR)PAGE_ALIGN(Va));
    } else if (MipFindBlockAround(Va, &Big)) {
        RtlFormat(Sink, Context, "*%08x size %4x is a large %s of %x bytes  %s\n", (ULONG)Big.Va,
                  Big.Pages * PAGE_SIZE, Big.Waiting ? "free block" : "allocation",
                  (ULONG)Big.Bytes, MipTagText(Big.Tag).Text);
    } else {
        MipDumpBlocks(Sink, Context, PAGE_ALIGN(Va), Va);
    }
}
