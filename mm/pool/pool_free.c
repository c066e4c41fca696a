/* SPDX-License-Identifier: MIT */
/*
 * pool_free.c - the long way of a free, and what is wrong with a pointer that is no block.
 *
 * The questions, in this order; each but the last ends in a bug check:
 *
 *     user address                              0xC2/40
 *     special pool                              special_pool.c asks its own questions: 0xC1
 *     IRQL too high for the pool it lies in     0xC2/9
 *     page aligned, in the table                a big block
 *     page aligned, not in the table            0xC2/43 never pool; 44 or 50 a free page of
 *                                               nonpaged or paged pool; 41286 middle of a run;
 *                                               0x19/22 else
 *     not 8-byte aligned                        0xC2/46
 *     on a page that is no pool, or free        0xC2/43, 44, 50
 *     its header says free                      0xC2/7, or 6 when it waits in the front end
 *     another tag                               0xC2/A
 *     a process pays, and it is none            0xC2/D
 *     sizes that disagree                       0x19/5, 6, 7, 8, 9, 20
 */
#include "mm/pool/pool_free.h"

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "mm/pool/pool.h"
#include "mm/pool/pool_big.h"
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_front.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/pool_quota.h"
#include "mm/pool/session_pool.h"
#include "mm/pool/special_pool.h"
#include "nt/bugcodes.h"
#include "user_half.h"

/* 0xC2, P1, as documented. */
#define MI_WAITS_IN_FRONT_END 0x6
#define MI_ALREADY_FREE       0x7
#define MI_USER_ADDRESS       0x40
#define MI_NEVER_POOL         0x43
#define MI_FREE_NONPAGED_PAGE 0x44
#define MI_NOT_A_POOL_ADDRESS 0x46
#define MI_FREE_PAGED_PAGE    0x50
#define MI_MIDDLE_OF_A_BLOCK  0x41286

/* 0x19, P1. */
#define MI_NO_TRACKING_ENTRY 0x22

static void MipCheckAddress(PVOID P)
{
    if ((ULONG_PTR)P < MM_SYSTEM_RANGE_START) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_USER_ADDRESS, (ULONG_PTR)P, MM_SYSTEM_RANGE_START, 0);
    }
}

/* => Bug check unless P's page is one in use. */
static MI_POOL_PLACE MipCheckPlace(PVOID P)
{
    POOL_TYPE BaseType = NonPagedPool;
    MI_POOL_PLACE Place = MiQueryPoolPlace(P, &BaseType);

    if (Place == MiPoolPlaceOutside) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_NEVER_POOL, (ULONG_PTR)P, 0, 0);
    }
    if (Place == MiPoolPlaceFree && BaseType == PagedPool) {
        PMI_SESSION_POOL Session = MiSessionPoolOf((ULONG_PTR)P);
        PMI_POOL_REGION Paged = Session != NULL ? &Session->Region : MiPoolRegion(MiPaged);

        KeBugCheckEx(BAD_POOL_CALLER, MI_FREE_PAGED_PAGE, (ULONG_PTR)P,
                     ((ULONG_PTR)P - Paged->Base) >> PAGE_SHIFT, Paged->Pages * PAGE_SIZE);
    }
    if (Place == MiPoolPlaceFree) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_FREE_NONPAGED_PAGE, (ULONG_PTR)P, 0, 0);
    }
    return Place;
}

void MiReportBadBigBlock(PVOID P)
{
    if (MipCheckPlace(P) == MiPoolPlaceMiddle) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_MIDDLE_OF_A_BLOCK, (ULONG_PTR)P, 0, 0);
    }
    KeBugCheckEx(BAD_POOL_HEADER, MI_NO_TRACKING_ENTRY, (ULONG_PTR)P, 0, 0);
}

void MiCheckSmallBlock(PVOID P)
{
    PPOOL_HEADER Header = MiPoolHeaderOf(P);

    MipCheckAddress(P);
    if (BYTE_OFFSET(P) % MI_POOL_UNIT != 0) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_NOT_A_POOL_ADDRESS, (ULONG_PTR)P, 0, 0);
    }
    if (MipCheckPlace(P) == MiPoolPlaceMiddle) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_MIDDLE_OF_A_BLOCK, (ULONG_PTR)P, 0, 0);
    }
    if ((Header->PoolType & MI_BLOCK_IN_USE) == 0) {
        ULONG Contents = (ULONG)Header->Before | (ULONG)Header->Own << 16;

        if ((Header->PoolType & MI_BLOCK_TYPE) != MI_BLOCK_FREE) {
            KeBugCheckEx(BAD_POOL_CALLER, MI_WAITS_IN_FRONT_END, 0, (ULONG_PTR)Header, Contents);
        }
        KeBugCheckEx(BAD_POOL_CALLER, MI_ALREADY_FREE, 0, Contents, (ULONG_PTR)P);
    }
}

/* => Bug check 0x19 when the header is damaged, or disagrees with its neighbours. */
static void MipCheckHeader(PPOOL_HEADER Header)
{
    MI_POOL_FAULT Fault;
    BOOLEAN Damaged = MiFindHeaderFault(Header, &Fault);

    if (!Damaged) {
        /* Neighbours may be cut and joined meanwhile, unless the pool is locked. */
        PMI_POOL Pool = MiFindPool(MiPoolTypeOf(Header), Header->PoolIndex);
        KIRQL OldIrql = MiLockPool(Pool);

        Damaged = MiFindPoolFault(Header, &Fault);
        MiUnlockPool(Pool, OldIrql);
    }
    if (Damaged) {
        MiReportPoolFault(&Fault);
    }
}

static void MipCheckTag(PVOID P, ULONG BlockTag, ULONG Tag)
{
    if (!MiTagFrees(Tag, BlockTag)) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_BAD_POOL_TAG, (ULONG_PTR)P, BlockTag, Tag);
    }
}

/* ---- big blocks ---- */

static void MipFreeBig(PVOID P, ULONG Tag)
{
    MI_BIG_BLOCK Block;

    if (!MiFindBigBlock(P, &Block)) {
        MiReportBadBigBlock(P);
    }
    if (Block.Waiting) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_WAITS_IN_FRONT_END, 0, 0, (ULONG_PTR)P);
    }
    MipCheckTag(P, Block.Tag, Tag);
    MiCheckBigBlockEnd(&Block);
    if (Block.Paid) {
        SIZE_T Bytes = Block.Pages * PAGE_SIZE;

        MiReturnPoolBlock(P, Bytes, (POOL_TYPE)Block.BaseType, Bytes);
    }
    if (!MiRemoveBigBlock(P, &Block)) {
        MiReportBadBigBlock(P);
    }
    MiCountPoolFree(&MiPoolTagOf(Block.Tag)->Use[Block.BaseType], Block.Pages * PAGE_SIZE);
    MiFreePoolPages(P, Block.Pages);
}

/* ---- a session's ---- */

/* => P lies in the paged pool of the session that runs. */
static void MipFreeInSession(PMI_SESSION_POOL Pool, PVOID P, ULONG Tag)
{
    MI_SESSION_BLOCK_SIZE Block;

    if (BYTE_OFFSET(P) == 0) {
        if (!MiFindSessionBigBlock(Pool, P, &Block)) {
            MiReportBadBigBlock(P);
        }
        MipCheckTag(P, Block.Tag, Tag);
        MiFreeSessionBigBlock(Pool, P, &Block);
        return;
    }
    MiCheckSmallBlock(P);
    MipCheckHeader(MiPoolHeaderOf(P));
    MipCheckTag(P, MiPoolHeaderOf(P)->PoolTag, Tag);
    MiFreeSessionSmallBlock(Pool, P);
}

/* ---- small blocks ---- */

static void MipFreeSmall(PVOID P, ULONG Tag)
{
    PPOOL_HEADER Header = MiPoolHeaderOf(P);
    ULONG Units;
    POOL_TYPE BaseType;

    MiCheckSmallBlock(P);
    MipCheckHeader(Header);
    Units = Header->BlockSize;
    BaseType = MiPoolTypeOf(Header);
    MipCheckTag(P, Header->PoolTag, Tag);
    if ((Header->PoolType & MI_BLOCK_PAID) != 0) {
        SIZE_T Bytes = Units * MI_POOL_UNIT;

        MiReturnPoolBlock(P, Bytes - sizeof(*Header), BaseType, Bytes);
    }
    Header->Own = MI_OWN(Units, (ULONG)BaseType + 1);
    MiCountPoolFree(&MiPoolTagOf(Header->PoolTag)->Use[BaseType], Units * MI_POOL_UNIT);
    if (MI_FRONT_SIZE_OF_UNITS(Units) >= MiPoolFront.Sizes ||
        !MiGiveToFrontEnd(BaseType, MI_FRONT_SIZE_OF_UNITS(Units), P)) {
        MiFreePoolBlock(Header);
    }
}

void MiFreePoolSlowly(PVOID P, ULONG Tag)
{
    PMI_SESSION_POOL Session;

    MipCheckAddress(P);
    if (MiIsSpecialPool(P)) {
        MiFreeSpecialPool(P, Tag);
        return;
    }
    MiCheckPoolIrql(MI_BAD_IRQL_TO_FREE, MiPoolTypeAt(P), (ULONG_PTR)P);
    Session = MiSessionPoolOf((ULONG_PTR)P);
    if (Session != NULL) {
        MipFreeInSession(Session, P, Tag);
    } else if (BYTE_OFFSET(P) == 0) {
        MipFreeBig(P, Tag);
    } else {
        MipFreeSmall(P, Tag);
    }
}

SIZE_T NTAPI ExQueryPoolBlockSize(PVOID PoolBlock, PBOOLEAN QuotaCharged)
{
    PMI_SESSION_POOL Session = MiSessionPoolOf((ULONG_PTR)PoolBlock);
    MI_SESSION_BLOCK_SIZE Big;
    MI_BIG_BLOCK Block;
    MI_SPECIAL_BLOCK Special;

    *QuotaCharged = FALSE;
    MipCheckAddress(PoolBlock);
    if (MiFindSpecialBlock(PoolBlock, &Special)) {
        return Special.Bytes;
    }
    if (BYTE_OFFSET(PoolBlock) != 0) {
        MiCheckSmallBlock(PoolBlock);
        *QuotaCharged = (MiPoolHeaderOf(PoolBlock)->PoolType & MI_BLOCK_PAID) != 0;
        return MiPoolHeaderOf(PoolBlock)->BlockSize * MI_POOL_UNIT - sizeof(POOL_HEADER);
    }
    if (Session != NULL && MiFindSessionBigBlock(Session, PoolBlock, &Big)) {
        return Big.Pages * PAGE_SIZE;
    }
    if (!MiFindBigBlock(PoolBlock, &Block) || Block.Waiting) {
        MiReportBadBigBlock(PoolBlock);
    }
    *QuotaCharged = (BOOLEAN)Block.Paid;
    return Block.Pages * PAGE_SIZE;
}
