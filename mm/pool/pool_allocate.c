/* SPDX-License-Identifier: MIT */
/*
 * pool_allocate.c - the long way of an allocation: any type, any size, every failure.
 *
 *     0 .. FF0 bytes   a small block: front end, free blocks, a new page; for paged pool from its
 *                      pools in turn, a busy one passed over; at last from what the front end gave
 *                      back
 *     more             whole pages, entered in the table of big blocks
 *
 * A session's paged pool is one pool, without a front end: session_pool.c.
 */
#include "mm/pool/pool.h"

#include "arch/cpu.h"
#include "mm/pool/pool_big.h"
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_free.h"
#include "mm/pool/pool_front.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/pool_quota.h"
#include "mm/pool/session_pool.h"
#include "mm/pool/special_pool.h"
#include "nt/bugcodes.h"

#define MI_MUST_SUCCEED 0x9A /* 0xC2, P1 */
#define MI_TYPE_FLAGS                                                                              \
    (POOL_QUOTA_FAIL_INSTEAD_OF_RAISE | POOL_RAISE_IF_ALLOCATION_FAILURE | POOL_COLD_ALLOCATION)

/* What remains of a POOL_TYPE without its flags. */
#define MI_TYPE_BASE          1u
#define MI_TYPE_MUST_SUCCEED  2u
#define MI_TYPE_CACHE_ALIGNED 4u
#define MI_TYPE_SESSION       32u

#define MI_LARGEST_REQUEST    0x7FFFF000u /* its pages can still be counted in bytes */

/* A request's type, taken apart. */
typedef struct _MI_POOL_KIND {
    POOL_TYPE BaseType;
    BOOLEAN CacheAligned;
} MI_POOL_KIND;

static ULONG MipNextPagedPool; /* (A) the pools take turns */

void MiCheckPoolIrql(ULONG Subcode, POOL_TYPE BaseType, ULONG_PTR Value)
{
    KIRQL Irql = KeGetCurrentIrql();

    if (Irql > (BaseType != NonPagedPool ? APC_LEVEL : DISPATCH_LEVEL)) {
        KeBugCheckEx(BAD_POOL_CALLER, Subcode, Irql, BaseType, Value);
    }
}

/*
 * NonPagedPoolSession is nonpaged pool: only paged pool is the session's own.
 *
 * => Returns FALSE for a type that does not exist.
 */
static BOOLEAN MipTakeTypeApart(const MI_POOL_REQUEST *Request, MI_POOL_KIND *Kind)
{
    ULONG Type = (ULONG)Request->PoolType & ~(ULONG)(MI_TYPE_FLAGS | MI_TYPE_SESSION);

    if (Type == NonPagedPoolMustSucceed || Type == NonPagedPoolCacheAlignedMustS) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_MUST_SUCCEED, Request->PoolType, Request->Bytes,
                     Request->Tag);
    }
    Kind->BaseType = (POOL_TYPE)(Type & MI_TYPE_BASE);
    if (Kind->BaseType == PagedPool && (Request->PoolType & MI_TYPE_SESSION) != 0) {
        Kind->BaseType = MI_SESSION_PAGED_POOL;
    }
    Kind->CacheAligned = (Type & MI_TYPE_CACHE_ALIGNED) != 0;
    return (Type & ~(MI_TYPE_BASE | MI_TYPE_CACHE_ALIGNED)) == 0;
}

/* ---- small blocks ---- */

/* The pool whose turn it is; when that is busy, the first behind it that is not. */
static ULONG MipChoosePool(POOL_TYPE BaseType)
{
    ULONG Pools = MiPoolsOf(BaseType);
    ULONG First = 0;
    ULONG Tries;

    if (Pools == 1) {
        return 0;
    }
    First = __atomic_fetch_add(&MipNextPagedPool, 1, __ATOMIC_RELAXED);
    for (Tries = 0; Tries < Pools; Tries++) {
        if (!MiPoolIsBusy(MiFindPool(BaseType, (First + Tries) % Pools))) {
            return First + Tries;
        }
    }
    return First;
}

static PPOOL_HEADER MipAllocateFromPools(MI_POOL_KIND Kind, ULONG Units)
{
    ULONG Pools = MiPoolsOf(Kind.BaseType);
    ULONG First = MipChoosePool(Kind.BaseType);
    ULONG Tries;

    for (Tries = 0; Tries < Pools; Tries++) {
        PMI_POOL Pool = MiFindPool(Kind.BaseType, (First + Tries) % Pools);
        PPOOL_HEADER Block = MiAllocatePoolBlock(Pool, Units, Kind.CacheAligned);

        if (Block != NULL) {
            return Block;
        }
    }
    return NULL;
}

static PVOID MipAllocateSmall(MI_POOL_KIND Kind, const MI_POOL_REQUEST *Request)
{
    ULONG Units = MiUnitsFor(Request->Bytes);
    PPOOL_HEADER Block = NULL;

    if (!Kind.CacheAligned && MI_FRONT_SIZE_OF_UNITS(Units) < MiPoolFront.Sizes) {
        PVOID Data = MiTakeFromFrontEnd(Kind.BaseType, MI_FRONT_SIZE_OF_UNITS(Units));

        Block = Data != NULL ? MiPoolHeaderOf(Data) : NULL;
    }
    if (Block == NULL) {
        Block = MipAllocateFromPools(Kind, Units);
    }
    if (Block == NULL && MiFlushPoolFrontEnd(Kind.BaseType) != 0) {
        Block = MipAllocateFromPools(Kind, Units);
    }
    if (Block == NULL) {
        return NULL;
    }
    Block->Own = MI_OWN(Units, ((ULONG)Kind.BaseType + 1) | MI_BLOCK_IN_USE);
    Block->PoolTag = Request->Tag;
    MiCountPoolAllocation(&MiPoolTagOf(Request->Tag)->Use[Kind.BaseType], Units * MI_POOL_UNIT);
    return Block + 1;
}

/* ---- big blocks ---- */

static PVOID MipAllocateBig(POOL_TYPE BaseType, const MI_POOL_REQUEST *Request)
{
    ULONG Pages = BYTES_TO_PAGES(Request->Bytes);
    MI_BIG_BLOCK Block = {
        0,        Request->Tag, Request->Bytes - (Request->Paid ? sizeof(PVOID) : 0), Pages, FALSE,
        BaseType, Request->Paid};
    PVOID Va = MiAllocatePoolPages(BaseType, 0, Pages);

    if (Va == NULL && MiFlushPoolFrontEnd(BaseType) != 0) {
        Va = MiAllocatePoolPages(BaseType, 0, Pages);
    }
    if (Va == NULL) {
        return NULL;
    }
    Block.Va = (ULONG_PTR)Va;
    if (!MiInsertBigBlock(&Block)) {
        MiFreePoolPages(Va, Pages);
        return NULL;
    }
    MiMarkBigBlockEnd(&Block);
    MiCountPoolAllocation(&MiPoolTagOf(Request->Tag)->Use[BaseType], Pages * PAGE_SIZE);
    return Va;
}

/* ---- all of them ---- */

/* Nobody can catch an exception yet: this is what an unhandled one becomes. */
static NT_NORETURN void MipRaiseStatus(NTSTATUS Status, const MI_POOL_REQUEST *Request)
{
    KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG)Status, (ULONG_PTR)Request->Caller, 0, 0);
}

/* What a request says besides size and type. */
typedef struct _MI_POOL_TERMS {
    MI_SPECIAL_PLACE Place;
    ULONG ReservePages; /* free pages that ordinary pool must keep; 0: it may be used up */
} MI_POOL_TERMS;

/* => TRUE: the request would leave less than what its priority may not touch. */
static BOOLEAN MipTouchesReserve(POOL_TYPE BaseType, SIZE_T Bytes, ULONG ReservePages)
{
    MI_POOL_PAGES Pages;

    MiQueryPoolPages(BaseType, &Pages);
    return Pages.MaximumPages - Pages.UsedPages < ReservePages + BYTES_TO_PAGES(Bytes);
}

static PVOID MipAllocateAny(MI_POOL_KIND Kind, const MI_POOL_REQUEST *Request, MI_POOL_TERMS Terms)
{
    if (Request->Bytes > MI_LARGEST_REQUEST || MiPoolAllocationFails()) {
        return NULL;
    }
    if (Kind.BaseType == MI_SESSION_PAGED_POOL) { /* never special: it lies in the session */
        return MiAllocateSessionPool(Request, Kind.CacheAligned);
    }
    if (Terms.Place != MiSpecialNowhere) {
        PVOID P = MiAllocateSpecialPool(Request, Kind.BaseType,
                                        Kind.CacheAligned ? MI_POOL_CACHE_LINE : MI_POOL_UNIT,
                                        Terms.Place);

        if (P != NULL) {
            return P;
        }
    }
    if (Terms.ReservePages != 0 &&
        MipTouchesReserve(Kind.BaseType, Request->Bytes, Terms.ReservePages)) {
        return NULL;
    }
    if (Request->Bytes > (Kind.CacheAligned ? MI_LARGEST_CACHE_LINED : MI_LARGEST_SMALL)) {
        return MipAllocateBig(Kind.BaseType, Request);
    }
    return MipAllocateSmall(Kind, Request);
}

static PVOID MipAllocate(const MI_POOL_REQUEST *Request, MI_POOL_TERMS Terms)
{
    MI_POOL_KIND Kind;
    PVOID Found = NULL;

    MiCheckPoolTag(Request);
    if (MipTakeTypeApart(Request, &Kind)) {
        if (Terms.Place == MiSpecialNowhere ||
            Kind.BaseType == MI_SESSION_PAGED_POOL) { /* else it is special pool's to complain */
            MiCheckPoolIrql(MI_BAD_IRQL_TO_ALLOCATE, Kind.BaseType, Request->Bytes);
        }
        Found = MipAllocateAny(Kind, Request, Terms);
    }
    if (Found == NULL && (Request->PoolType & POOL_RAISE_IF_ALLOCATION_FAILURE) != 0) {
        MipRaiseStatus(STATUS_INSUFFICIENT_RESOURCES, Request);
    }
    return Found;
}

PVOID MiAllocatePoolSlowly(POOL_TYPE PoolType, SIZE_T Bytes, ULONG Tag, PVOID Caller)
{
    MI_POOL_TERMS Terms = {MiPlaceInSpecialPool(Bytes, Tag), 0};

    return MipAllocate(&(MI_POOL_REQUEST){PoolType, Bytes, Tag, Caller, FALSE}, Terms);
}

static PVOID MipAllocateWithQuota(MI_POOL_REQUEST *Request)
{
    MI_POOL_TERMS Terms = {MiPlaceInSpecialPool(Request->Bytes, Request->Tag), 0};
    BOOLEAN Sessions = (Request->PoolType & MI_TYPE_SESSION) != 0;
    PEPROCESS Payer = Terms.Place == MiSpecialNowhere && !Sessions ? MiPoolPayer() : NULL;
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    PVOID Found;

    if (Payer != NULL && Request->Bytes <= MI_LARGEST_REQUEST) {
        Request->Bytes += sizeof(Payer);
        Request->Paid = TRUE;
    }
    Found = MipAllocate(Request, Terms);
    if (Found != NULL && Request->Paid) {
        Status = MiChargePoolBlock(Found, Payer);
        if (!NT_SUCCESS(Status)) {
            MiFreePoolSlowly(Found, Request->Tag);
            Found = NULL;
        }
    }
    if (Found == NULL && (Request->PoolType & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE) == 0) {
        MipRaiseStatus(Status, Request);
    }
    return Found;
}

PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return MipAllocateWithQuota(
        &(MI_POOL_REQUEST){PoolType, NumberOfBytes, Tag, __builtin_return_address(0), FALSE});
}

PVOID NTAPI ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return MipAllocateWithQuota(&(MI_POOL_REQUEST){PoolType, NumberOfBytes, MI_POOL_TAG_NONE,
                                                   __builtin_return_address(0), FALSE});
}

/* ---- priorities ---- */

/* The part of the pool's maximum that stays free: an eighth, a thirty-second, nothing. */
static ULONG MipReservePages(ULONG MaximumPages, EX_POOL_PRIORITY Priority)
{
    if (Priority >= HighPoolPriority) {
        return 0;
    }
    return MaximumPages / (Priority >= NormalPoolPriority ? 32 : 8);
}

PVOID NTAPI ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                          EX_POOL_PRIORITY Priority)
{
    MI_POOL_REQUEST Request = {PoolType, NumberOfBytes, Tag, __builtin_return_address(0), FALSE};
    MI_POOL_TERMS Terms = {MiPlaceOfPriority((ULONG)Priority), 0};
    MI_POOL_PAGES Pages;

    if (Terms.Place == MiSpecialNowhere) {
        Terms.Place = MiPlaceInSpecialPool(NumberOfBytes, Tag);
    }
    MiQueryPoolPages((POOL_TYPE)(PoolType & MI_TYPE_BASE), &Pages);
    Terms.ReservePages = MipReservePages(Pages.MaximumPages, Priority);
    return MipAllocate(&Request, Terms);
}
