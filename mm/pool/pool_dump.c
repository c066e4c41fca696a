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

MI_TAG_TEXT MiPoolTagText(ULONG Tag)
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

#define MI_DUMPED_WORDS 4 /* of a block's contents */

static void MipDumpContents(RTL_PRINT_SINK *Sink, PVOID Context, const ULONG *Words, ULONG Bytes)
{
    ULONG Index;

    RtlFormat(Sink, Context, "    ");
    for (Index = 0; Index < MI_DUMPED_WORDS && Index < Bytes / sizeof(ULONG); Index++) {
        RtlFormat(Sink, Context, " %08x", Words[Index]);
    }
    RtlFormat(Sink, Context, "\n");
}

static void MipDumpBlock(RTL_PRINT_SINK *Sink, PVOID Context, const POOL_HEADER *Block,
                         BOOLEAN Holds, ULONG Flags)
{
    BOOLEAN InUse = (Block->PoolType & MI_BLOCK_IN_USE) != 0;
    ULONG Bytes = Block->BlockSize * MI_POOL_UNIT;

    RtlFormat(Sink, Context, "%c%08x size %4x previous size %4x  (%s)", Holds ? '*' : ' ',
              (ULONG)(ULONG_PTR)Block, Bytes, Block->PreviousSize * MI_POOL_UNIT,
              InUse ? "Allocated" : "Free     ");
    if ((Flags & MI_DUMP_POOL_NO_TAG) == 0 && Block->PoolType != MI_BLOCK_FREE) {
        RtlFormat(Sink, Context, "  %s%s", MiPoolTagText(Block->PoolTag & ~PROTECTED_POOL).Text,
                  InUse && (Block->PoolTag & PROTECTED_POOL) != 0 ? " (Protected)" : "");
    }
    if (InUse && (Block->PoolType & MI_BLOCK_PAID) != 0) {
        RtlFormat(Sink, Context, " Process: %08x",
                  ((const ULONG *)(const void *)Block)[Bytes / sizeof(ULONG) - 1]);
    }
    RtlFormat(Sink, Context, "\n");
    if ((Flags & MI_DUMP_POOL_CONTENTS) != 0) {
        MipDumpContents(Sink, Context, (const ULONG *)(const void *)(Block + 1),
                        Bytes - (ULONG)sizeof(*Block));
    }
}

static void MipDumpBlocks(RTL_PRINT_SINK *Sink, PVOID Context, PVOID Va, ULONG Flags)
{
    PPOOL_HEADER Block = PAGE_ALIGN(Va);
    MI_POOL_FAULT Fault;

    do {
        BOOLEAN Holds;

        if (MiFindPoolFault(Block, &Fault)) {
            RtlFormat(Sink, Context, " %08x is not a valid pool header: %s\n",
                      (ULONG)(ULONG_PTR)Block, Fault.What);
            return;
        }
        Holds = (ULONG_PTR)Va - (ULONG_PTR)Block < Block->BlockSize * MI_POOL_UNIT;
        if (Holds || (Flags & MI_DUMP_POOL_ONE) == 0) {
            MipDumpBlock(Sink, Context, Block, Holds, Flags);
        }
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
              Block.InUse ? "Allocated" : "Free", MiPoolTagText(Block.Tag & ~PROTECTED_POOL).Text);
}

static void MipDumpBig(RTL_PRINT_SINK *Sink, PVOID Context, const MI_BIG_BLOCK *Big, ULONG Flags)
{
    RtlFormat(Sink, Context, "*%08x size %4x is a large %s of %x bytes", (ULONG)Big->Va,
              Big->Pages * PAGE_SIZE, Big->Waiting ? "free block" : "allocation",
              (ULONG)Big->Bytes);
    if ((Flags & MI_DUMP_POOL_NO_TAG) == 0) {
        RtlFormat(Sink, Context, "  %s", MiPoolTagText(Big->Tag & ~PROTECTED_POOL).Text);
    }
    RtlFormat(Sink, Context, "\n");
}

void MiDumpPoolPage(RTL_PRINT_SINK *Sink, PVOID Context, PVOID Va, ULONG Flags)
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
        MipDumpBig(Sink, Context, &Big, Flags);
    } else if ((Flags & MI_DUMP_POOL_ABSENT) != 0) {
        RtlFormat(Sink, Context, " %08x is not resident\n", (ULONG)(ULONG_PTR)PAGE_ALIGN(Va));
    } else {
        MipDumpBlocks(Sink, Context, Va, Flags);
    }
}
