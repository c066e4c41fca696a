/* SPDX-License-Identifier: MIT */
/*
 * pool.c - ExAllocatePoolWithTag and ExFreePool: the short ways, and start.
 *
 * The short way of an allocation is a block of its size from the front end, and of a free a place
 * there.  Neither takes a lock or changes IRQL.  All that is unusual (other types and sizes, an
 * empty or full front end, new tags, damage) takes the long way in pool_allocate.c and pool_free.c,
 * which looks at everything again.
 *
 * The short way of a free still checks: IRQL, the block's state, its tag, and that the block behind
 * it agrees about its size, which is what an overrun destroys first.
 */
#include "mm/pool/pool.h"

#include "arch/cpu.h"
#include "mm/pool/pool_big.h"
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_free.h"
#include "mm/pool/pool_front.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/special_pool.h"

#define MI_LIKELY(Condition) __builtin_expect(!!(Condition), 1)

void MiInitializePools(BOOLEAN Poison)
{
    MiInitializePoolTags();
    MiInitializePoolBlocks(Poison);
    MiInitializeBigBlocks();
    MiFailPoolAllocation(0);
    MiInitializePoolFrontEnd();
    MiSetPoolFrontEnd(MiFrontEndOffForPoison, Poison);
    MiSetPoolFrontEnd(MiFrontEndOffForProtection, !MiPoolRegion(MiNonPagedInitial)->Resident &&
                                                      MiPoolRegion(MiNonPagedInitial)->Pages != 0);
    MiInitializeSpecialPool(&(MI_POOL_RANGE){0});
}

void MiTrimPools(void)
{
    MiFlushPoolFrontEnd(NonPagedPool);
    MiFlushPoolFrontEnd(PagedPool);
}

#define MI_INLINE static inline __attribute__((always_inline))
/* How many request sizes get exactly one page. */
#define MI_PAGE_SIZES (PAGE_SIZE - MI_LARGEST_SMALL)
#define MI_APART      __attribute__((noinline))

/*
 * The short way for one BaseType, a constant where this is called.
 *
 * => IRQL is right for BaseType.  Returns NULL when the long way must be taken.
 */
MI_INLINE PVOID MipAllocateShortly(POOL_TYPE BaseType, SIZE_T Bytes, ULONG Tag)
{
    ULONG Size = MI_FRONT_SIZE_OF_BYTES(Bytes);
    PMI_POOL_TAG Entry = MiFirstPoolTag(Tag);
    PVOID Data;

    if (!MI_LIKELY(Size < MiPoolFront.Sizes && Entry->Tag == Tag)) {
        return NULL;
    }
    Data = MiTakeFromFrontEnd(BaseType, Size);
    if (!MI_LIKELY(Data != NULL)) {
        return NULL;
    }
    MiPoolHeaderOf(Data)->Own |= MI_OWN(0, MI_BLOCK_IN_USE); /* F1: the rest is right */
    MiPoolHeaderOf(Data)->PoolTag = Tag;
    MiCountPoolAllocation(&Entry->Use[BaseType], (Size + MI_MINIMUM_UNITS) * MI_POOL_UNIT);
    return Data;
}

/*
 * One nonpaged page.
 *
 * => IRQL is right.  Returns NULL when the long way must be taken.
 */
static PVOID MipAllocatePage(SIZE_T Bytes, ULONG Tag)
{
    PMI_POOL_TAG Entry = MiFirstPoolTag(Tag);
    PVOID Page;

    if (Entry->Tag != Tag || MiPoolFront.Sizes == 0) {
        return NULL;
    }
    Page = MiTakeFromSlots(MiPoolFront.Pages);
    if (Page == NULL) {
        return NULL;
    }
    MiReuseBigBlock(Page, Tag, Bytes);
    if (Bytes != PAGE_SIZE) {
        MiMarkBigBlockEnd(&(MI_BIG_BLOCK){(ULONG_PTR)Page, Tag, Bytes, 1, FALSE, NonPagedPool});
    }
    MiCountPoolAllocation(&Entry->Use[NonPagedPool], PAGE_SIZE);
    return Page;
}

/* Apart, so that nonpaged pool does not pay for the registers of both. */
static MI_APART PVOID MipAllocateOther(POOL_TYPE PoolType, SIZE_T Bytes, ULONG Tag, PVOID Caller)
{
    PVOID Data = NULL;

    if (PoolType == PagedPool && KeGetCurrentIrql() <= APC_LEVEL) {
        Data = MipAllocateShortly(PagedPool, Bytes, Tag);
    } else if (PoolType == NonPagedPool && Bytes - MI_LARGEST_SMALL - 1 < MI_PAGE_SIZES &&
               KeGetCurrentIrql() <= DISPATCH_LEVEL) {
        Data = MipAllocatePage(Bytes, Tag);
    }
    return Data != NULL ? Data : MiAllocatePoolSlowly(PoolType, Bytes, Tag, Caller);
}

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    if (MI_LIKELY(PoolType == NonPagedPool && KeGetCurrentIrql() <= DISPATCH_LEVEL)) {
        PVOID Data = MipAllocateShortly(NonPagedPool, NumberOfBytes, Tag);

        if (MI_LIKELY(Data != NULL)) {
            return Data;
        }
    }
    return MipAllocateOther(PoolType, NumberOfBytes, Tag, __builtin_return_address(0));
}

PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, MI_POOL_TAG_NONE);
}

/* => TRUE: P may be looked at as a small block.  With the front end off nothing may. */
MI_INLINE BOOLEAN MipLooksSmall(PVOID P)
{
    return (ULONG_PTR)P >= MiPoolFront.Lowest && BYTE_OFFSET(P) != 0 &&
           BYTE_OFFSET(P) % MI_POOL_UNIT == 0;
}

/* The size's number, should P be in use and of that type; else a number beyond all. */
MI_INLINE ULONG MipSizeIfInUse(PVOID P, POOL_TYPE BaseType)
{
    return (ULONG)MiPoolHeaderOf(P)->Own -
           MI_OWN(MI_MINIMUM_UNITS, (BaseType + 1) | MI_BLOCK_IN_USE);
}

/* => TRUE: the block behind P, or the page's end, agrees that P has this size. */
MI_INLINE BOOLEAN MipAgreesWithNext(PVOID P, ULONG Size)
{
    PPOOL_HEADER Next = (PPOOL_HEADER)P + Size + (MI_MINIMUM_UNITS - 1);

    return BYTE_OFFSET(Next) == 0 || ((Next->Before - Size) & MI_SIZE_MASK) == MI_MINIMUM_UNITS;
}

/*
 * The short way for one BaseType, a constant where this is called.
 *
 * => IRQL is right for BaseType; P looks small.
 * => Returns FALSE, and nothing has changed, when the long way must be taken.
 */
MI_INLINE BOOLEAN MipFreeShortly(POOL_TYPE BaseType, PVOID P, ULONG Tag)
{
    ULONG Size = MipSizeIfInUse(P, BaseType);
    PMI_POOL_TAG Entry;
    ULONG BlockTag;

    if (!MI_LIKELY(Size < MI_FRONT_SIZES && MipAgreesWithNext(P, Size))) {
        return FALSE;
    }
    BlockTag = MiPoolHeaderOf(P)->PoolTag;
    Entry = MiFirstPoolTag(BlockTag);
    /* A protected block never meets an entry with its tag. */
    if (!MI_LIKELY(Entry->Tag == BlockTag && (BlockTag == Tag || Tag == 0))) {
        return FALSE;
    }
    MiPoolHeaderOf(P)->Own = (USHORT)(Size + MI_OWN(MI_MINIMUM_UNITS, BaseType + 1));
    MiCountPoolFree(&Entry->Use[BaseType], (Size + MI_MINIMUM_UNITS) * MI_POOL_UNIT);
    if (!MI_LIKELY(MiGiveToFrontEnd(BaseType, Size, P))) {
        MiFreePoolBlock(MiPoolHeaderOf(P));
    }
    return TRUE;
}

/* => IRQL is right for nonpaged pool.  Returns FALSE when the long way must be taken. */
static BOOLEAN MipFreePage(PVOID P, ULONG Tag)
{
    MI_BIG_BLOCK Block;

    if (!MiParkBigBlock(P, Tag, &Block)) {
        return FALSE;
    }
    if (Block.Bytes != PAGE_SIZE) {
        MiCheckBigBlockEnd(&Block);
    }
    MiCountPoolFree(&MiPoolTagOf(Block.Tag)->Use[NonPagedPool], PAGE_SIZE);
    if (!MiGiveToSlots(MiPoolFront.Pages, P)) {
        MiRemoveBigBlock(P, &Block);
        MiFreePoolPages(P, 1);
    }
    return TRUE;
}

static MI_APART void MipFreeOther(PVOID P, ULONG Tag)
{
    if (BYTE_OFFSET(P) == 0 && (ULONG_PTR)P >= MiPoolFront.Lowest &&
        KeGetCurrentIrql() <= DISPATCH_LEVEL && MipFreePage(P, Tag)) {
        return;
    }
    if (!MipLooksSmall(P) || KeGetCurrentIrql() > APC_LEVEL || !MipFreeShortly(PagedPool, P, Tag)) {
        MiFreePoolSlowly(P, Tag);
    }
}

/* => TRUE: touching P at this IRQL is right, should P be pool. */
MI_INLINE BOOLEAN MipMayTouch(PVOID P)
{
    KIRQL Irql = KeGetCurrentIrql();

    return MI_LIKELY(Irql <= APC_LEVEL) ||
           (Irql == DISPATCH_LEVEL &&
            (ULONG_PTR)P - MiPoolFront.PagedBase >= MiPoolFront.PagedBytes);
}

void NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    if (!MI_LIKELY(MipMayTouch(P) && MipLooksSmall(P) && MipFreeShortly(NonPagedPool, P, Tag))) {
        MipFreeOther(P, Tag);
    }
}

void NTAPI ExFreePool(PVOID P)
{
    ExFreePoolWithTag(P, 0);
}
