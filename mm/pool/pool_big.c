/* SPDX-License-Identifier: MIT */
/*
 * pool_big.c - the table of big blocks.
 *
 * A hash table by page number with linear probing.  Removal moves later entries forward, so that
 * no marks of removed ones pile up.  The table starts in static memory; at three quarters full it
 * moves to pool pages of twice the size, which are themselves a big block ('MmBt') in the table.
 * When those cannot be had it goes on filling up, and only a full table refuses.
 *
 * Invariants (checked by MiVerifyBigBlocks):
 *   G1  between an entry's first place and the entry there is no unused one
 *   G2  Count is the number of used entries, below Limit: a search ends
 *   G3  Limit is a power of two
 *
 * Locking: MipBigLock, taken with no other pool lock held.
 */
#include "mm/pool/pool_big.h"

#include "mi_assert.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/pool_tag.h"
#include "mm/pool/pool_lock.h"
#include "nt/bugcodes.h"
#include "rtl.h"

#define MI_FIRST_LIMIT 256u /* one page of entries */

static KSPIN_LOCK MipBigLock;
static MI_BIG_BLOCK MipFirstTable[MI_FIRST_LIMIT];
static PMI_BIG_BLOCK MipTable NT_GUARDED_BY(MipBigLock);
static ULONG MipLimit NT_GUARDED_BY(MipBigLock);
static ULONG MipCount NT_GUARDED_BY(MipBigLock);

void MiInitializeBigBlocks(void) NT_NO_LOCK_ANALYSIS
{
    KeInitializeSpinLock(&MipBigLock);
    memset(MipFirstTable, 0, sizeof(MipFirstTable));
    MipTable = MipFirstTable;
    MipLimit = MI_FIRST_LIMIT;
    MipCount = 0;
}

/* Fibonacci hashing of the page number; the low bits of the high part select. */
static ULONG MipFirstPlace(ULONG_PTR Va, ULONG Limit)
{
    return (((ULONG)Va >> PAGE_SHIFT) * 0x9E3779B1u >> 8) & (Limit - 1);
}

/* => Returns Va's entry, or the unused one where it belongs. */
static PMI_BIG_BLOCK MipFindPlace(PMI_BIG_BLOCK Table, ULONG Limit, ULONG_PTR Va)
{
    ULONG Index = MipFirstPlace(Va, Limit);

    while (Table[Index].Va != 0 && Table[Index].Va != Va) {
        Index = (Index + 1) & (Limit - 1);
    }
    return &Table[Index];
}

/* Close the gap at Index: entries behind it may have been pushed there by what stood in it. */
static void MipCloseGap(ULONG Index) NT_HOLDS(MipBigLock)
{
    ULONG Mask = MipLimit - 1;
    ULONG Next;

    for (Next = (Index + 1) & Mask; MipTable[Next].Va != 0; Next = (Next + 1) & Mask) {
        ULONG First = MipFirstPlace(MipTable[Next].Va, MipLimit);

        /* It may move when its first place does not lie behind the gap. */
        if (((Next - First) & Mask) >= ((Next - Index) & Mask)) {
            MipTable[Index] = MipTable[Next];
            Index = Next;
        }
    }
    MipTable[Index].Va = 0;
}

/* Move to New, which has Limit entries and is zero, and enter New itself.  => Returns the old. */
static PMI_BIG_BLOCK MipMoveTo(PMI_BIG_BLOCK New, ULONG Limit) NT_HOLDS(MipBigLock)
{
    PMI_BIG_BLOCK Old = MipTable;
    MI_BIG_BLOCK Self = {(ULONG_PTR)New,
                         MI_BIG_TABLE_TAG,
                         Limit * sizeof(MI_BIG_BLOCK),
                         Limit * sizeof(MI_BIG_BLOCK) / PAGE_SIZE,
                         FALSE,
                         NonPagedPool,
                         FALSE};
    ULONG Index;

    for (Index = 0; Index < MipLimit; Index++) {
        if (Old[Index].Va != 0 && Old[Index].Va != (ULONG_PTR)Old) {
            *MipFindPlace(New, Limit, Old[Index].Va) = Old[Index];
        }
    }
    *MipFindPlace(New, Limit, Self.Va) = Self;
    MipCount += Old == MipFirstTable; /* else New's entry replaces Old's */
    MipTable = New;
    MipLimit = Limit;
    return Old;
}

/* Try to double the table, which had Limit entries when the caller looked. */
static void MipGrow(ULONG Limit)
{
    ULONG Bytes = 2 * Limit * sizeof(MI_BIG_BLOCK);
    PMI_POOL_USE Use = &MiFindPoolTag(MI_BIG_TABLE_TAG)->Use[NonPagedPool];
    PMI_BIG_BLOCK New = MiAllocatePoolPages(NonPagedPool, 0, Bytes / PAGE_SIZE);
    PMI_BIG_BLOCK Old = New;
    ULONG OldBytes = Bytes;
    KIRQL OldIrql;

    if (New == NULL) {
        return;
    }
    memset(New, 0, Bytes);
    MiCountPoolAllocation(Use, Bytes);
    OldIrql = MiAcquirePoolLock(&MipBigLock);
    if (MipLimit == Limit) { /* else somebody else was faster, and New is superfluous */
        Old = MipMoveTo(New, 2 * Limit);
        OldBytes = Bytes / 2;
    }
    MiReleasePoolLock(&MipBigLock, OldIrql);
    /* held: nothing */
    if (Old != MipFirstTable) {
        MiCountPoolFree(Use, OldBytes);
        MiFreePoolPages(Old, OldBytes / PAGE_SIZE);
    }
}

/* => Returns FALSE when the table is full.  *Limit: double this; 0: no need to. */
static BOOLEAN MipTryInsert(const MI_BIG_BLOCK *Block, PULONG Limit)
{
    KIRQL OldIrql = MiAcquirePoolLock(&MipBigLock);
    BOOLEAN Fits = MipCount + 1 < MipLimit; /* G2 */

    if (Fits) {
        PMI_BIG_BLOCK Place = MipFindPlace(MipTable, MipLimit, Block->Va);

        MI_ASSERT(Place->Va == 0);
        *Place = *Block;
        MipCount++;
    }
    *Limit = MipCount >= MipLimit / 4 * 3 ? MipLimit : 0;
    MiReleasePoolLock(&MipBigLock, OldIrql);
    return Fits;
}

BOOLEAN MiInsertBigBlock(const MI_BIG_BLOCK *Block)
{
    ULONG Limit;
    BOOLEAN Done = MipTryInsert(Block, &Limit);

    if (Limit != 0) {
        MipGrow(Limit);
        Done = Done || MipTryInsert(Block, &Limit);
    }
    return Done;
}

BOOLEAN MiParkBigBlock(PVOID Va, ULONG Tag, PMI_BIG_BLOCK Block)
{
    KIRQL OldIrql = MiAcquirePoolLock(&MipBigLock);
    PMI_BIG_BLOCK Place = MipFindPlace(MipTable, MipLimit, (ULONG_PTR)Va);
    BOOLEAN Parked = Place->Va != 0 && Place->Pages == 1 && !Place->Waiting && !Place->Paid &&
                     Place->BaseType == NonPagedPool && MiTagFrees(Tag, Place->Tag);

    if (Parked) {
        *Block = *Place;
        Place->Waiting = TRUE;
    }
    MiReleasePoolLock(&MipBigLock, OldIrql);
    return Parked;
}

void MiReuseBigBlock(PVOID Va, ULONG Tag, SIZE_T Bytes)
{
    KIRQL OldIrql = MiAcquirePoolLock(&MipBigLock);
    PMI_BIG_BLOCK Place = MipFindPlace(MipTable, MipLimit, (ULONG_PTR)Va);

    MI_ASSERT(Place->Va != 0 && Place->Waiting);
    Place->Waiting = FALSE;
    Place->Tag = Tag;
    Place->Bytes = Bytes;
    MiReleasePoolLock(&MipBigLock, OldIrql);
}

BOOLEAN MiRemoveBigBlock(PVOID Va, PMI_BIG_BLOCK Block)
{
    KIRQL OldIrql = MiAcquirePoolLock(&MipBigLock);
    PMI_BIG_BLOCK Place = MipFindPlace(MipTable, MipLimit, (ULONG_PTR)Va);
    BOOLEAN Found = Place->Va != 0 && Place->Va != (ULONG_PTR)MipTable;

    if (Found) {
        *Block = *Place;
        MipCloseGap((ULONG)(Place - MipTable));
        MipCount--;
    }
    MiReleasePoolLock(&MipBigLock, OldIrql);
    return Found;
}

BOOLEAN MiFindBigBlock(PVOID Va, PMI_BIG_BLOCK Block)
{
    KIRQL OldIrql = MiAcquirePoolLock(&MipBigLock);
    PMI_BIG_BLOCK Place = MipFindPlace(MipTable, MipLimit, (ULONG_PTR)Va);
    BOOLEAN Found = Place->Va != 0;

    if (Found) {
        *Block = *Place;
    }
    MiReleasePoolLock(&MipBigLock, OldIrql);
    return Found;
}

ULONG_PTR MiBigTableVa(void)
{
    KIRQL OldIrql = MiAcquirePoolLock(&MipBigLock);
    ULONG_PTR Va = (ULONG_PTR)MipTable;

    MiReleasePoolLock(&MipBigLock, OldIrql);
    return Va;
}

ULONG MiBigTableBytes(void)
{
    return sizeof(MipFirstTable);
}

void MiSumBigBlocks(POOL_TYPE BaseType, PMI_BIG_SUMS Sums)
{
    KIRQL OldIrql = MiAcquirePoolLock(&MipBigLock);
    ULONG Index;

    *Sums = (MI_BIG_SUMS){0};
    for (Index = 0; Index < MipLimit; Index++) {
        const MI_BIG_BLOCK *Block = &MipTable[Index];

        if (Block->Va == 0 || Block->BaseType != (ULONG)BaseType) {
            continue;
        }
        if (Block->Waiting) {
            Sums->WaitingPages += Block->Pages;
        } else {
            Sums->Blocks++;
            Sums->Pages += Block->Pages;
            Sums->UnusedBytes += Block->Pages * PAGE_SIZE - Block->Bytes;
        }
    }
    MiReleasePoolLock(&MipBigLock, OldIrql);
}

void MiForEachBigBlock(MI_BIG_BLOCK_ROUTINE *Routine, PVOID Context) NT_NO_LOCK_ANALYSIS
{
    ULONG Index;

    for (Index = 0; Index < MipLimit; Index++) {
        if (MipTable[Index].Va != 0) {
            Routine(Context, &MipTable[Index]);
        }
    }
}

void MiVerifyBigBlocks(void)
{
    KIRQL OldIrql = MiAcquirePoolLock(&MipBigLock);
    ULONG Count = 0;
    ULONG Index;

    for (Index = 0; Index < MipLimit; Index++) {
        if (MipTable[Index].Va != 0) {
            Count++;
            MI_ASSERT(MipFindPlace(MipTable, MipLimit, MipTable[Index].Va) == &MipTable[Index]);
        }
    }
    MI_ASSERT(Count == MipCount && Count < MipLimit);
    MI_ASSERT((MipLimit & (MipLimit - 1)) == 0);
    MiReleasePoolLock(&MipBigLock, OldIrql);
}

/* ---- what stands behind a block ---- */

#define MI_DAMAGED_BEHIND 0x21 /* 0x19, P1 */

/*
 * The bytes behind a nonpaged big block, up to its last page's end, begin with a mark.  (Paged ones
 * have none: it would bring their last page in for nothing.)
 */
#define MI_END_MARK       0x9Du
#define MI_END_MARK_BYTES 16u

static ULONG MipEndMarkBytes(const MI_BIG_BLOCK *Block)
{
    ULONG Room =
        (ULONG)(Block->Pages * PAGE_SIZE - Block->Bytes) - (Block->Paid ? (ULONG)sizeof(PVOID) : 0);

    if (Block->BaseType == PagedPool) {
        return 0;
    }
    return Room < MI_END_MARK_BYTES ? Room : MI_END_MARK_BYTES;
}

void MiMarkBigBlockEnd(const MI_BIG_BLOCK *Block)
{
    memset((PUCHAR)Block->Va + Block->Bytes, MI_END_MARK, MipEndMarkBytes(Block));
}

void MiCheckBigBlockEnd(const MI_BIG_BLOCK *Block)
{
    const UCHAR *End = (const UCHAR *)Block->Va + Block->Bytes;
    ULONG Bytes = MipEndMarkBytes(Block);
    ULONG Index;

    for (Index = 0; Index < Bytes; Index++) {
        if (End[Index] != MI_END_MARK) {
            KeBugCheckEx(BAD_POOL_HEADER, MI_DAMAGED_BEHIND, Block->Va, Block->Bytes, End[Index]);
        }
    }
}
