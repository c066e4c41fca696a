/* SPDX-License-Identifier: MIT */
/*
 * pool_commands.c - !pool: the blocks of a page; !poolval: is the page sound, and if not, where.
 *
 * !poolval's levels: 0 the verdict, 1 and the links of free blocks, 2 and a line for each header,
 * 3 and every field of the headers.
 */
#include "mm/inspect/commands.h"

#include "mm.h"
#include "mm/pool/pool.h"
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_big.h"
#include "mm/pool/pool_pages.h"

#define MIP_LEVEL_LISTS   1u
#define MIP_LEVEL_HEADERS 2u
#define MIP_LEVEL_FIELDS  3u

#define MIP_POOL_FLAGS    (MI_DUMP_POOL_CONTENTS | MI_DUMP_POOL_ONE | MI_DUMP_POOL_NO_TAG)

BOOLEAN MiCommandNeedsPools(void)
{
    if (MiPoolTags[0].Tag != MI_POOL_TAG_OVERFLOW) {
        MiFail("There are no pools yet.");
        return FALSE;
    }
    return TRUE;
}

/* ---- !pool ---- */

static void MipPrintPart(const char *Name, MI_POOL_PART Part)
{
    PMI_POOL_REGION Region = MiPoolRegion(Part);

    if (Region->Pages != 0) {
        MiPrint("%-24s %08X - %08X  %6u pages, %6u used, peak %6u\n", Name, (ULONG)Region->Base,
                (ULONG)(Region->Base + (Region->Pages << PAGE_SHIFT) - 1), Region->Pages,
                Region->UsedPages, Region->PeakPages);
    }
}

static void MipPrintTotals(const char *Name, POOL_TYPE BaseType)
{
    MI_POOL_FIGURES Figures;

    MiQueryPoolFigures(BaseType, &Figures);
    MiPrint("%-24s %u blocks, %u bytes in use; %u bytes free in blocks; %u wait in front\n", Name,
            Figures.InUseBlocks, Figures.InUseBytes, Figures.FreeBytes, Figures.FrontBytes);
}

void MiCommandPool(const char *Arguments)
{
    ULONG_PTR Address;
    ULONG_PTR Flags;
    ULONG Absent;

    if (!MiCommandNeedsPools() || !MiTakeOptional(&Arguments, 0, &Address) ||
        !MiTakeOptional(&Arguments, 0, &Flags)) {
        return;
    }
    if ((Flags & ~(ULONG_PTR)MIP_POOL_FLAGS) != 0) {
        MiFail("Flags: 1 contents, 2 only the block of the address, 80000000 no tags.");
        return;
    }
    if (Address == 0) {
        MipPrintPart("nonpaged pool, initial", MiNonPagedInitial);
        MipPrintPart("nonpaged pool, expansion", MiNonPagedExpansion);
        MipPrintPart("paged pool", MiPaged);
        MipPrintTotals("nonpaged", NonPagedPool);
        MipPrintTotals("paged", PagedPool);
        return;
    }
    Absent = MmIsAddressValid((PVOID)Address) ? 0 : MI_DUMP_POOL_ABSENT;
    MiDumpPoolPage(KiConsoleSink, NULL, (PVOID)Address, (ULONG)Flags | Absent);
}

/* ---- !poolval ---- */

/* The links at Entry, which is a list's head in MiPools or lies in pool.  => FALSE: neither. */
static BOOLEAN MipReadLinks(PLIST_ENTRY Entry, PLIST_ENTRY Links)
{
    ULONG_PTR Offset = (ULONG_PTR)Entry - (ULONG_PTR)MiPools;
    POOL_TYPE BaseType;

    if (Offset <= sizeof(MiPools) - sizeof(*Links)) {
        *Links = *Entry;
        return TRUE;
    }
    return MiQueryPoolPlace(Entry, &BaseType) != MiPoolPlaceOutside &&
           MiReadVirtual((ULONG_PTR)Entry, Links, sizeof(*Links)) == sizeof(*Links);
}

/* The two links of a free block and what lies at their ends.  => Returns whether they agree. */
static BOOLEAN MipPrintLinks(PPOOL_HEADER Block, BOOLEAN Print)
{
    PLIST_ENTRY Entry = MiPoolListEntry(Block);
    LIST_ENTRY Next;
    LIST_ENTRY Previous;
    BOOLEAN Sound = MipReadLinks(Entry->Flink, &Next) && MipReadLinks(Entry->Blink, &Previous) &&
                    Next.Blink == Entry && Previous.Flink == Entry;

    if (Print || !Sound) {
        MiPrint("  %08X free list: flink %08X blink %08X%s\n", (ULONG)(ULONG_PTR)Block,
                (ULONG)(ULONG_PTR)Entry->Flink, (ULONG)(ULONG_PTR)Entry->Blink,
                Sound ? "" : "  do not point back: bug check 19, 3");
    }
    return Sound;
}

static void MipPrintHeader(PPOOL_HEADER Block, ULONG Level)
{
    MiPrint("  %08X size %4x previous size %4x  %s\n", (ULONG)(ULONG_PTR)Block,
            Block->BlockSize * MI_POOL_UNIT, Block->PreviousSize * MI_POOL_UNIT,
            Block->PoolType == MI_BLOCK_FREE           ? "free"
            : (Block->PoolType & MI_BLOCK_IN_USE) != 0 ? "allocated"
                                                       : "in the front end");
    if (Level >= MIP_LEVEL_FIELDS) {
        MiPrint("    +000 PreviousSize: %03x  PoolIndex: %02x\n", Block->PreviousSize,
                Block->PoolIndex);
        MiPrint("    +002 BlockSize:    %03x  PoolType:  %02x\n", Block->BlockSize,
                Block->PoolType);
        MiPrint("    +004 PoolTag: %08x  %s\n", Block->PoolTag,
                MiPoolTagText(Block->PoolTag & ~PROTECTED_POOL).Text);
    }
}

/* => Returns whether the page's chain of headers and the free blocks' links are sound. */
static BOOLEAN MipValidatePage(PVOID Va, ULONG Level)
{
    PPOOL_HEADER Block = PAGE_ALIGN(Va);
    BOOLEAN Sound = TRUE;
    MI_POOL_FAULT Fault;

    do {
        if (MiFindPoolFault(Block, &Fault)) {
            MiPrint("  header %08X is inconsistent: %s\n", (ULONG)Fault.Entry, Fault.What);
            if (Fault.Other != 0 && Fault.Other != Fault.Entry) {
                MiPrint("  it disagrees with header %08X\n", (ULONG)Fault.Other);
            }
            MiPrint("  bug check 19, %x\n", Fault.Subcode);
            return FALSE;
        }
        if (Level >= MIP_LEVEL_HEADERS) {
            MipPrintHeader(Block, Level);
        }
        if (Block->PoolType == MI_BLOCK_FREE && Block->BlockSize >= MI_MINIMUM_UNITS) {
            Sound &= MipPrintLinks(Block, Level >= MIP_LEVEL_LISTS);
        }
        Block += Block->BlockSize;
    } while (BYTE_OFFSET(Block) != 0);
    return Sound;
}

static void MipValidate(ULONG_PTR Address, ULONG Level)
{
    PVOID Page = PAGE_ALIGN(Address);
    POOL_TYPE BaseType;
    MI_POOL_PLACE Place = MiQueryPoolPlace(Page, &BaseType);
    MI_BIG_BLOCK Big;

    if (Place == MiPoolPlaceOutside || Place == MiPoolPlaceFree) {
        MiPrint("Pool page %08X: %s\n", (ULONG)(ULONG_PTR)Page,
                Place == MiPoolPlaceFree ? "a free page" : "in no pool");
        return;
    }
    if (Place == MiPoolPlaceMiddle || MiFindBigBlock(Page, &Big)) {
        MiPrint("Pool page %08X: a large block, which has no header\n", (ULONG)(ULONG_PTR)Page);
        return;
    }
    if (!MmIsAddressValid(Page)) {
        MiPrint("Pool page %08X: not resident\n", (ULONG)(ULONG_PTR)Page);
        return;
    }
    MiPrint("Pool page %08X [%s]: validating\n", (ULONG)(ULONG_PTR)Page,
            BaseType == PagedPool ? "paged" : "nonpaged");
    MiPrint("Pool page %08X is %s\n", (ULONG)(ULONG_PTR)Page,
            MipValidatePage(Page, Level) ? "VALID" : "INVALID");
}

void MiCommandPoolVal(const char *Arguments)
{
    ULONG_PTR Address;
    ULONG_PTR Level;
    NTSTATUS Status;

    if (!MiCommandNeedsPools()) {
        return;
    }
    Status = MiTakeArgument(&Arguments, &Address);
    if (Status == STATUS_NO_MORE_ENTRIES) {
        MiFail("Which page?  !poolval <addr> [0-3].");
    }
    if (NT_SUCCESS(Status) && MiTakeOptional(&Arguments, 0, &Level)) {
        MipValidate(Address, (ULONG)Level);
    }
}
