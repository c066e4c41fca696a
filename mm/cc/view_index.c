/* SPDX-License-Identifier: MIT */
/*
 * view_index.c - the index of a file's slots: four in the map itself, or a tree of blocks of 128.
 *
 * A file of up to 1 MB needs no memory for it.  With one level a block holds the slots of 32 MB;
 * each level more multiplies that by 128.  Blocks exist where slots are used, so that a sparse
 * use of a huge file costs little.  Each block remembers which of its entries are used and which
 * have something dirty below: the next one of either kind is found by going down once.
 *
 * Invariants (checked by CciVerifyIndex):
 *   I1  a leaf's bit Used is set when its slot has a view or a bit; Dirty when it has a dirty page
 *   I2  an inner block's bits say whether its child exists, and whether that has a bit Dirty set
 *   I3  a block has a bit Used set
 *   I4  no slot is in use beyond the section's end
 *
 * I1 and I3 may be behind between CciMakeSlot and CciSlotChanged, under one hold of the lock.
 */
#include "mm/cc/view_index.h"

#include "ex.h"
#include "rtl.h"

#define CCP_WORD_BITS 32u

typedef struct _CC_BLOCK {
    ULONG Bits[CcIndexBits][CC_BLOCK_ENTRIES / CCP_WORD_BITS]; /* (M) by entry */
    union {
        struct _CC_BLOCK *Child[1]; /* (M) inner: CC_BLOCK_ENTRIES of them */
        CC_SLOT Slot[1];            /* (M) leaf: CC_BLOCK_ENTRIES of them */
    };
} CC_BLOCK, *PCC_BLOCK;

ULONG64 CciIndexSlots(ULONG Levels)
{
    return Levels == 0 ? CC_DIRECT_SLOTS : 1ull << (CC_BLOCK_SHIFT * Levels);
}

/* ---- blocks ---- */

static PCC_BLOCK CcipAllocateBlock(ULONG Level)
{
    SIZE_T Entry = Level == 1 ? sizeof(CC_SLOT) : sizeof(PCC_BLOCK);
    SIZE_T Bytes = offsetof(CC_BLOCK, Slot) + Entry * CC_BLOCK_ENTRIES;
    PCC_BLOCK Block = ExAllocatePoolWithTag(NonPagedPool, Bytes, CC_TAG_INDEX);

    if (Block != NULL) {
        memset(Block, 0, Bytes);
    }
    return Block;
}

/* The union has room for one entry, the allocation for all. */
static PCC_BLOCK *CcipChildren(PCC_BLOCK Block)
{
    return (PCC_BLOCK *)((PUCHAR)Block + offsetof(CC_BLOCK, Child));
}

static PCC_SLOT CcipSlots(PCC_BLOCK Block)
{
    return (PCC_SLOT)((PUCHAR)Block + offsetof(CC_BLOCK, Slot));
}

static BOOLEAN CcipTest(const CC_BLOCK *Block, CC_INDEX_BIT Bit, ULONG Entry)
{
    return (Block->Bits[Bit][Entry / CCP_WORD_BITS] >> (Entry % CCP_WORD_BITS)) & 1;
}

static void CcipPut(PCC_BLOCK Block, CC_INDEX_BIT Bit, ULONG Entry, BOOLEAN Value)
{
    PULONG Word = &Block->Bits[Bit][Entry / CCP_WORD_BITS];
    ULONG Mask = 1u << (Entry % CCP_WORD_BITS);

    *Word = Value ? *Word | Mask : *Word & ~Mask;
}

/* => The first entry from Entry on with Bit; CC_BLOCK_ENTRIES: none. */
static ULONG CcipNextBit(const CC_BLOCK *Block, CC_INDEX_BIT Bit, ULONG Entry)
{
    while (Entry < CC_BLOCK_ENTRIES) {
        ULONG Word = Block->Bits[Bit][Entry / CCP_WORD_BITS] >> (Entry % CCP_WORD_BITS);

        if (Word != 0) {
            return Entry + (ULONG)__builtin_ctz(Word);
        }
        Entry = (Entry / CCP_WORD_BITS + 1) * CCP_WORD_BITS;
    }
    return CC_BLOCK_ENTRIES;
}

static BOOLEAN CcipHas(const CC_BLOCK *Block, CC_INDEX_BIT Bit)
{
    return CcipNextBit(Block, Bit, 0) < CC_BLOCK_ENTRIES;
}

static BOOLEAN CcipIsSlotUsed(const CC_SLOT *Slot)
{
    return Slot->Vacb != NULL || Slot->Dirty != 0 || Slot->Writing != 0;
}

static ULONG CcipEntry(ULONG64 Number, ULONG Level)
{
    return (ULONG)(Number >> (CC_BLOCK_SHIFT * (Level - 1))) & (CC_BLOCK_ENTRIES - 1);
}

/* ---- finding and making ---- */

PCC_SLOT CciFindSlot(PSHARED_CACHE_MAP Map, ULONG64 Number)
{
    PCC_BLOCK Block = Map->Index;
    ULONG Level;

    if (Map->Levels == 0) {
        return Number < CC_DIRECT_SLOTS ? &Map->InitialSlots[Number] : NULL;
    }
    if (Map->Levels == 1 && Number < CC_BLOCK_ENTRIES) { /* most files */
        return Block == NULL ? NULL : &CcipSlots(Block)[(ULONG)Number];
    }
    if (Number >= CciIndexSlots(Map->Levels)) {
        return NULL;
    }
    for (Level = Map->Levels; Block != NULL && Level > 1; Level--) {
        Block = CcipChildren(Block)[CcipEntry(Number, Level)];
    }
    return Block == NULL ? NULL : &CcipSlots(Block)[CcipEntry(Number, 1)];
}

/* Blocks on the way that were made and not used go with the next change below them: I3. */
PCC_SLOT CciMakeSlot(PSHARED_CACHE_MAP Map, ULONG64 Number)
{
    PCC_BLOCK *Link = &Map->Index;
    ULONG Level;

    MI_ASSERT(Number < CciIndexSlots(Map->Levels));
    if (Map->Levels == 0) {
        return &Map->InitialSlots[Number];
    }
    for (Level = Map->Levels;; Level--) {
        if (*Link == NULL) {
            *Link = CcipAllocateBlock(Level);
        }
        if (*Link == NULL) {
            CciSlotChanged(Map, Number); /* frees what was made above */
            return NULL;
        }
        if (Level == 1) {
            return &CcipSlots(*Link)[CcipEntry(Number, 1)];
        }
        Link = &CcipChildren(*Link)[CcipEntry(Number, Level)];
    }
}

/* From the leaf up, so that an empty block is gone when its parent looks. */
static void CcipUpdate(PCC_BLOCK *Link, ULONG Level, ULONG64 Number)
{
    ULONG Entry = CcipEntry(Number, Level);
    PCC_BLOCK Block = *Link;

    if (Block == NULL) {
        return;
    }
    if (Level == 1) {
        const CC_SLOT *Slot = &CcipSlots(Block)[Entry];

        CcipPut(Block, CcSlotUsed, Entry, CcipIsSlotUsed(Slot));
        CcipPut(Block, CcSlotDirty, Entry, Slot->Dirty != 0);
    } else {
        PCC_BLOCK *Child = &CcipChildren(Block)[Entry];

        CcipUpdate(Child, Level - 1, Number); /* as deep as CC_MOST_LEVELS */
        CcipPut(Block, CcSlotUsed, Entry, *Child != NULL);
        CcipPut(Block, CcSlotDirty, Entry, *Child != NULL && CcipHas(*Child, CcSlotDirty));
    }
    if (!CcipHas(Block, CcSlotUsed)) {
        ExFreePoolWithTag(Block, CC_TAG_INDEX);
        *Link = NULL;
    }
}

void CciSlotChanged(PSHARED_CACHE_MAP Map, ULONG64 Number)
{
    if (Map->Levels != 0) {
        CcipUpdate(&Map->Index, Map->Levels, Number);
    }
}

/* ---- walking ---- */

static BOOLEAN CcipNextDirect(PSHARED_CACHE_MAP Map, CC_INDEX_BIT Bit, PULONG64 Number)
    NT_HOLDS(CcMasterLock)
{
    for (; *Number < CC_DIRECT_SLOTS; ++*Number) {
        const CC_SLOT *Slot = &Map->InitialSlots[*Number];

        if (Bit == CcSlotDirty ? Slot->Dirty != 0 : CcipIsSlotUsed(Slot)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* *Number counts from the block's first slot. */
static BOOLEAN CcipNextBelow(PCC_BLOCK Block, ULONG Level, CC_INDEX_BIT Bit, PULONG64 Number)
{
    ULONG Shift = CC_BLOCK_SHIFT * (Level - 1);
    ULONG64 Rest = *Number & ((1ull << Shift) - 1);
    ULONG Begin = (ULONG)(*Number >> Shift);
    ULONG Entry;

    for (Entry = CcipNextBit(Block, Bit, Begin); Entry < CC_BLOCK_ENTRIES;
         Entry = CcipNextBit(Block, Bit, Entry + 1)) {
        Rest = Entry == Begin ? Rest : 0;
        if (Level == 1 || CcipNextBelow(CcipChildren(Block)[Entry], Level - 1, Bit, &Rest)) {
            *Number = (ULONG64)Entry << Shift | Rest;
            return TRUE;
        }
    }
    return FALSE;
}

BOOLEAN CciNextSlot(PSHARED_CACHE_MAP Map, CC_INDEX_BIT Bit, PULONG64 Number)
{
    if (Map->Levels == 0) {
        return CcipNextDirect(Map, Bit, Number);
    }
    return Map->Index != NULL && *Number < CciIndexSlots(Map->Levels) &&
           CcipNextBelow(Map->Index, Map->Levels, Bit, Number);
}

/* ---- growing ---- */

/* The slots in the map move to a leaf, if one is used. */
static NTSTATUS CcipMoveToLeaf(PSHARED_CACHE_MAP Map) NT_HOLDS(CcMasterLock)
{
    ULONG64 First = 0;
    PCC_BLOCK Leaf;
    ULONG i;

    if (!CcipNextDirect(Map, CcSlotUsed, &First)) {
        Map->Levels = 1;
        return STATUS_SUCCESS;
    }
    Leaf = CcipAllocateBlock(1);
    if (Leaf == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    for (i = 0; i < CC_DIRECT_SLOTS; i++) {
        CcipSlots(Leaf)[i] = Map->InitialSlots[i];
        CcipPut(Leaf, CcSlotUsed, i, CcipIsSlotUsed(&Map->InitialSlots[i]));
        CcipPut(Leaf, CcSlotDirty, i, Map->InitialSlots[i].Dirty != 0);
    }
    memset(Map->InitialSlots, 0, sizeof(Map->InitialSlots));
    Map->Index = Leaf;
    Map->Levels = 1;
    return STATUS_SUCCESS;
}

/* All that there is comes under the first entry of a new root. */
static NTSTATUS CcipAddLevel(PSHARED_CACHE_MAP Map) NT_HOLDS(CcMasterLock)
{
    PCC_BLOCK Root;

    if (Map->Index != NULL) {
        Root = CcipAllocateBlock(Map->Levels + 1);
        if (Root == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        CcipChildren(Root)[0] = Map->Index;
        CcipPut(Root, CcSlotUsed, 0, TRUE);
        CcipPut(Root, CcSlotDirty, 0, CcipHas(Map->Index, CcSlotDirty));
        Map->Index = Root;
    }
    Map->Levels++;
    return STATUS_SUCCESS;
}

NTSTATUS CciGrowIndex(PSHARED_CACHE_MAP Map, ULONG64 Slots)
{
    NTSTATUS Status = STATUS_SUCCESS;

    MI_ASSERT(Slots <= CciIndexSlots(CC_MOST_LEVELS));
    while (NT_SUCCESS(Status) && CciIndexSlots(Map->Levels) < Slots) {
        Status = Map->Levels == 0 ? CcipMoveToLeaf(Map) : CcipAddLevel(Map);
    }
    return Status;
}

void CciDeleteIndex(PSHARED_CACHE_MAP Map)
{
    ULONG64 Number = 0;

    MI_ASSERT(!CciNextSlot(Map, CcSlotUsed, &Number));
    MI_ASSERT(Map->Index == NULL); /* I3 */
}

/* ---- verify ---- */

static void CcipVerifyBlock(PCC_BLOCK Block, ULONG Level)
{
    ULONG Entry;

    MI_ASSERT(CcipHas(Block, CcSlotUsed)); /* I3 */
    for (Entry = 0; Entry < CC_BLOCK_ENTRIES; Entry++) {
        BOOLEAN Used = CcipTest(Block, CcSlotUsed, Entry);
        BOOLEAN Dirty = CcipTest(Block, CcSlotDirty, Entry);

        if (Level == 1) {
            const CC_SLOT *Slot = &CcipSlots(Block)[Entry];

            MI_ASSERT(Used == CcipIsSlotUsed(Slot) && Dirty == (Slot->Dirty != 0)); /* I1 */
        } else {
            PCC_BLOCK Child = CcipChildren(Block)[Entry];

            MI_ASSERT(Used == (Child != NULL)); /* I2 */
            MI_ASSERT(Dirty == (Used && CcipHas(Child, CcSlotDirty)));
            if (Used) {
                CcipVerifyBlock(Child, Level - 1);
            }
        }
    }
}

void CciVerifyIndex(PSHARED_CACHE_MAP Map)
{
    ULONG64 Number = (ULONG64)Map->SectionSize >> VACB_OFFSET_SHIFT;

    MI_ASSERT(Map->Levels <= CC_MOST_LEVELS && (Map->Levels != 0 || Map->Index == NULL));
    MI_ASSERT(CciIndexSlots(Map->Levels) >= Number);
    if (Map->Index != NULL) {
        CcipVerifyBlock(Map->Index, Map->Levels);
    }
    MI_ASSERT(!CciNextSlot(Map, CcSlotUsed, &Number)); /* I4 */
}
