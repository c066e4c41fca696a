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
#define MI_APART  __attribute__((noinline))

/* How many request sizes get exactly one page. */
#define MI_PAGE_SIZES (PAGE_SIZE - MI_LARGEST_SMALL)

/* The block at Data goes to the caller.  => F1: all but that is right in its header. */
MI_INLINE PVOID MipHandOut(PVOID Data, POOL_TYPE BaseType, ULONG Size, ULONG Tag,
                           PMI_POOL_TAG Entry)
{
    MiPoolHeaderOf(Data)->Own |= MI_OWN(0, MI_BLOCK_IN_USE);
    MiPoolHeaderOf(Data)->PoolTag = Tag;
    MiCountPoolAllocation(&Entry->Use[BaseType], (Size + MI_MINIMUM_UNITS) * MI_POOL_UNIT);
    return Data;
}

/* Nonpaged, and the size's first slot is empty.  => NULL: the others are, too. */
static MI_APART PVOID MipAllocateFromOtherSlots(ULONG Size, ULONG Tag, PMI_POOL_TAG Entry)
{
    PVOID Data = MiTakeFromOtherSlots(&MiPoolFront.Slots[NonPagedPool][0][Size], MI_FRONT_SIZES);

    return Data != NULL ? MipHandOut(Data, NonPagedPool, Size, Tag, Entry) : NULL;
}

/*
 * The short way for one BaseType, a constant where this is called.
 *
 * => IRQL is right for BaseType.  Returns NULL when the long way must be taken.
 */
MI_INLINE PVOID MipAllocateShortly(POOL_TYPE BaseType, SIZE_T Bytes, ULONG Tag)
{
    ULONG Size = MI_FRONT_SIZE_OF_BYTES(Bytes);
    PMI_POOL_TAG Entry = MiFirstPoolTag(Tag);
    PVOID Data = NULL;

    if (Size < MiPoolFront.Sizes && Entry->Tag == Tag) {
        Data = MiTakeFromFrontEnd(BaseType, Size);
    }
    return Data != NULL ? MipHandOut(Data, BaseType, Size, Tag, Entry) : NULL;
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
    Page = MiTakeFromSlots(MiPoolFront.Pages, 1);
    if (Page == NULL) {
        return NULL;
    }
    MiReuseBigBlock(Page, Tag, Bytes);
    if (Bytes != PAGE_SIZE) {
        MiMarkBigBlockEnd(
            &(MI_BIG_BLOCK){(ULONG_PTR)Page, Tag, Bytes, 1, FALSE, NonPagedPool, FALSE});
    }
    MiCountPoolAllocation(&Entry->Use[NonPagedPool], PAGE_SIZE);
    return Page;
}

/* All but the very shortest way. */
static MI_APART PVOID MipAllocateOther(POOL_TYPE PoolType, SIZE_T Bytes, ULONG Tag, PVOID Caller)
{
    KIRQL Irql = KiCurrentIrql;
    PVOID Data = NULL;

    if (PoolType == PagedPool && Irql <= APC_LEVEL) {
        Data = MipAllocateShortly(PagedPool, Bytes, Tag);
    } else if (PoolType == NonPagedPool && Bytes - MI_LARGEST_SMALL - 1 < MI_PAGE_SIZES &&
               Irql <= DISPATCH_LEVEL) {
        Data = MipAllocatePage(Bytes, Tag);
    }
    return Data != NULL ? Data : MiAllocatePoolSlowly(PoolType, Bytes, Tag, Caller);
}

/*
 * The shortest way: nonpaged, and the first slot of the size holds a block.
 *
 * The parameters are volatile here and in the free to keep them where the caller put them: else
 * each is held in a register, which must be saved, for the case that the call below is reached.
 */
PVOID NTAPI ExAllocatePoolWithTag(volatile POOL_TYPE PoolType, volatile SIZE_T NumberOfBytes,
                                  volatile ULONG Tag)
{
    if (MI_LIKELY(PoolType == NonPagedPool && KiCurrentIrql <= DISPATCH_LEVEL)) {
        ULONG ThisTag = Tag;
        ULONG Size = MI_FRONT_SIZE_OF_BYTES(NumberOfBytes);
        PMI_POOL_TAG Entry = MiFirstPoolTag(ThisTag);

        if (MI_LIKELY(Size < MiPoolFront.Sizes && Entry->Tag == ThisTag)) {
            PVOID Data = MiTakeFromSlot(&MiPoolFront.Slots[NonPagedPool][0][Size]);

            if (MI_LIKELY(Data != NULL)) {
                return MipHandOut(Data, NonPagedPool, Size, ThisTag, Entry);
            }
            Data = MipAllocateFromOtherSlots(Size, ThisTag, Entry);
            if (Data != NULL) {
                return Data;
            }
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
    return (ULONG_PTR)P >= MiPoolFront.Lowest && BYTE_OFFSET(P) != 0;
}

/* What Own must not be below, for P to be in use and of that type. */
#define MI_LEAST_OWN(BaseType) MI_OWN(MI_MINIMUM_UNITS, ((BaseType) + 1u) | MI_BLOCK_IN_USE)

/* => TRUE: the block behind P, or the page's end, agrees that P has the size that Own says. */
MI_INLINE BOOLEAN MipAgreesWithNext(PVOID P, ULONG Own, ULONG Bytes)
{
    PPOOL_HEADER Next = (PPOOL_HEADER)(PVOID)((PUCHAR)P + Bytes - sizeof(POOL_HEADER));

    return BYTE_OFFSET(Next) == 0 || ((Next->Before ^ Own) & MI_SIZE_MASK) == 0;
}

/* P is freed, and its size's first slot is full. */
static MI_APART void MipFreeElsewhere(PVOID P)
{
    ULONG Size = MI_FRONT_SIZE_OF_UNITS(MiPoolHeaderOf(P)->BlockSize);
    POOL_TYPE BaseType = MiPoolTypeOf(MiPoolHeaderOf(P));

    if (!MiGiveToOtherSlots(&MiPoolFront.Slots[BaseType][0][Size], MI_FRONT_SIZES, P)) {
        MiFreePoolBlock(MiPoolHeaderOf(P));
    }
}

/*
 * The short way for one BaseType, a constant where this is called.  What is computed twice costs
 * less than a register that is saved for it.
 *
 * => IRQL is right for BaseType; P looks small.
 */
MI_INLINE BOOLEAN MipFreeShortly(POOL_TYPE BaseType, PVOID P, const volatile ULONG *Tag)
{
    PPOOL_HEADER Header = MiPoolHeaderOf(P);
    ULONG Own = Header->Own;
    ULONG Size = Own - MI_LEAST_OWN(BaseType); /* a number beyond all: not that */
    ULONG Bytes = (Size + MI_MINIMUM_UNITS) * MI_POOL_UNIT;
    PMI_POOL_TAG Entry;

    if (!MI_LIKELY(Size < MI_FRONT_SIZES && MipAgreesWithNext(P, Own, Bytes))) {
        return FALSE;
    }
    Entry = MiFirstPoolTag(Header->PoolTag);
    /* A protected block never meets an entry with its tag. */
    if (!MI_LIKELY(Entry->Tag == Header->PoolTag && (Entry->Tag == *Tag || *Tag == 0))) {
        return FALSE;
    }
    Header->OwnState &= (UCHAR)~MI_STATE_IN_USE;
    MiCountPoolFree(&Entry->Use[BaseType], Bytes);
    if (!MI_LIKELY(MiGiveToSlot(&MiPoolFront.Slots[BaseType][0][Size], P))) {
        MipFreeElsewhere(P);
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
    if (!MiGiveToSlots(MiPoolFront.Pages, 1, P)) {
        MiRemoveBigBlock(P, &Block);
        MiFreePoolPages(P, 1);
    }
    return TRUE;
}

/* All but the very shortest way. */
static MI_APART void MipFreeOther(PVOID P, ULONG Tag)
{
    if (BYTE_OFFSET(P) == 0 && (ULONG_PTR)P >= MiPoolFront.Lowest &&
        KiCurrentIrql <= DISPATCH_LEVEL && MipFreePage(P, Tag)) {
        return;
    }
    if (!MipLooksSmall(P) || KiCurrentIrql > APC_LEVEL || !MipFreeShortly(PagedPool, P, &Tag)) {
        MiFreePoolSlowly(P, Tag);
    }
}

/* => TRUE: touching P at this IRQL is right, should P be pool. */
MI_INLINE BOOLEAN MipMayTouch(PVOID P)
{
    KIRQL Irql = KiCurrentIrql;

    return MI_LIKELY(Irql <= APC_LEVEL) ||
           (Irql == DISPATCH_LEVEL &&
            (ULONG_PTR)P - MiPoolFront.PagedBase >= MiPoolFront.PagedBytes);
}

void NTAPI ExFreePoolWithTag(PVOID P, volatile ULONG Tag)
{
    if (!MI_LIKELY(MipMayTouch(P) && MipLooksSmall(P) && MipFreeShortly(NonPagedPool, P, &Tag))) {
        MipFreeOther(P, Tag);
    }
}

void NTAPI ExFreePool(PVOID P)
{
    ExFreePoolWithTag(P, 0);
}
