/* SPDX-License-Identifier: MIT */
/*
 * special_check.c - what a page of special pool must hold, and what a fault there means.
 */
#include "arch/cpu.h"
#include "mm/pool/special_slot.h"
#include "nt/bugcodes.h"
#include "rtl.h"

BOOLEAN MiIsSpecialPool(PVOID P)
{
    ULONG Pages = MiSpecialRange.Slots != 0 ? MiSpecialRange.Slots * 2 + 1 : 0;

    return ((ULONG_PTR)P - MiSpecialRange.Base) >> PAGE_SHIFT < Pages;
}

ULONG MiSpecialSlotOf(PVOID P)
{
    ULONG Page = (ULONG)(((ULONG_PTR)P - MiSpecialRange.Base) >> PAGE_SHIFT);

    return MiIsSpecialPool(P) && Page % 2 == 1 ? Page / 2 : MI_NO_SLOT;
}

/* ---- contents ---- */

static MI_SPECIAL_HEADER MipHeaderOf(const MI_SPECIAL_SLOT *Slot)
{
    return (MI_SPECIAL_HEADER){Slot->Bytes, Slot->Pattern, MI_SPECIAL_MARK, Slot->Tag};
}

/* In front of a block that was placed for overruns, behind one for underruns. */
static ULONG MipHeaderOffset(const MI_SPECIAL_SLOT *Slot)
{
    return Slot->Offset != 0 ? 0 : MI_LARGEST_SPECIAL;
}

void MiFillSpecialPage(const MI_SPECIAL_SLOT *Slot, PUCHAR Page)
{
    MI_SPECIAL_HEADER Header = MipHeaderOf(Slot);

    memset(Page, Slot->Pattern, Slot->Offset);
    memset(Page + Slot->Offset + Slot->Bytes, Slot->Pattern,
           PAGE_SIZE - Slot->Offset - Slot->Bytes);
    memcpy(Page + MipHeaderOffset(Slot), &Header, sizeof(Header));
}

/* What the byte at Offset, which is not the block's, must be. */
static UCHAR MipExpected(const MI_SPECIAL_SLOT *Slot, ULONG Offset)
{
    MI_SPECIAL_HEADER Header = MipHeaderOf(Slot);
    ULONG InHeader = Offset - MipHeaderOffset(Slot);

    return InHeader < sizeof(Header) ? ((const UCHAR *)&Header)[InHeader] : Slot->Pattern;
}

/* What a walk over [Begin, End) finds. */
typedef struct _MIP_DAMAGE {
    ULONG Bytes; /* that are wrong */
    ULONG First; /* offset of the first of them */
    UCHAR Bits;  /* that differ there */
} MIP_DAMAGE, *PMIP_DAMAGE;

static void MipCompare(const MI_SPECIAL_SLOT *Slot, const UCHAR *Page, ULONG Begin, ULONG End,
                       PMIP_DAMAGE Damage)
{
    ULONG Offset;

    for (Offset = Begin; Offset < End; Offset++) {
        /* Nearly every byte is pattern. */
        if (Page[Offset] == Slot->Pattern && Offset - MipHeaderOffset(Slot) >= 8) {
            continue;
        }
        if (Page[Offset] != MipExpected(Slot, Offset)) {
            if (Damage->Bytes == 0) {
                Damage->First = Offset;
                Damage->Bits = Page[Offset] ^ MipExpected(Slot, Offset);
            }
            Damage->Bytes++;
        }
    }
}

ULONG MiFindSpecialDamage(const MI_SPECIAL_SLOT *Slot, const UCHAR *Page, PULONG_PTR Damage)
{
    ULONG End = (ULONG)Slot->Offset + Slot->Bytes;
    MIP_DAMAGE Found = {0};

    MipCompare(Slot, Page, 0, Slot->Offset, &Found);
    MipCompare(Slot, Page, End, PAGE_SIZE, &Found);
    if (Found.Bytes == 0) {
        return 0;
    }
    *Damage = (ULONG_PTR)Page + Found.First;
    if (Found.Bytes == 1 && (Found.Bits & (Found.Bits - 1)) == 0) {
        return MI_SPECIAL_ONE_BIT;
    }
    return Found.First >= End ? MI_SPECIAL_DAMAGED_BEHIND : MI_SPECIAL_DAMAGED_NEARBY;
}

/* ---- faults ---- */

/* => FALSE: nothing was ever on the page of slot Index, or there is no such slot. */
static BOOLEAN MipDescribeSlot(ULONG Index, PMI_SPECIAL_BLOCK Block)
{
    const MI_SPECIAL_SLOT *Slot = &MiSpecialRange.Slot[Index];

    if (Index >= MiSpecialRange.Slots || Slot->Tag == 0) {
        return FALSE;
    }
    Block->Va = MiSpecialPage(Index) + Slot->Offset;
    Block->Bytes = Slot->Bytes;
    Block->Tag = Slot->Tag;
    Block->BaseType = (POOL_TYPE)Slot->BaseType;
    Block->InUse = Slot->State == MiSpecialInUse;
    return TRUE;
}

BOOLEAN MiFindSpecialBlock(PVOID Va, PMI_SPECIAL_BLOCK Block)
{
    return MiIsSpecialPool(Va) && MipDescribeSlot(MiSpecialSlotOf(Va), Block);
}

/* A guard page's neighbour in use is to blame; which one, its place tells. */
static ULONG MipClassifyGuard(PVOID Va, PMI_SPECIAL_BLOCK Block)
{
    ULONG Behind = (ULONG)(((ULONG_PTR)Va - MiSpecialRange.Base) >> PAGE_SHIFT) / 2;
    MI_SPECIAL_BLOCK Other;
    BOOLEAN HasFront = MipDescribeSlot(Behind - 1, Block);
    BOOLEAN HasBehind = MipDescribeSlot(Behind, &Other);

    if (HasFront && Block->InUse && !(HasBehind && Other.InUse && BYTE_OFFSET(Other.Va) == 0)) {
        return PAGE_FAULT_BEYOND_END_OF_ALLOCATION;
    }
    if (HasBehind && Other.InUse) {
        *Block = Other;
        return PAGE_FAULT_BEYOND_END_OF_ALLOCATION;
    }
    if (HasBehind && (!HasFront || BYTE_OFFSET(Other.Va) == 0)) {
        *Block = Other;
    }
    return HasFront || HasBehind ? PAGE_FAULT_IN_FREED_SPECIAL_POOL : 0;
}

ULONG MiClassifySpecialPoolFault(PVOID Va, PMI_SPECIAL_BLOCK Block)
{
    ULONG Index = MiSpecialSlotOf(Va);

    if (!MiIsSpecialPool(Va)) {
        return 0;
    }
    if (Index == MI_NO_SLOT) {
        return MipClassifyGuard(Va, Block);
    }
    if (!MipDescribeSlot(Index, Block) || Block->InUse) {
        return 0;
    }
    return PAGE_FAULT_IN_FREED_SPECIAL_POOL;
}
