/* SPDX-License-Identifier: MIT */
/*
 * pool_quota.c - what blocks cost processes.
 *
 * Locking: none.  The block is the caller's; charges and references are atomic.
 */
#include "mm/pool/pool_quota.h"

#include "mi_assert.h"
#include "mm/pool/pool_big.h"
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_pages.h"
#include "nt/bugcodes.h"
#include "ob.h"

#define MI_BAD_QUOTA_PROCESS 0xD /* 0xC2, P1 */

PEPROCESS MiPoolPayer(void)
{
    PEPROCESS Process = PsGetCurrentProcess();

    return Process == PsInitialSystemProcess ? NULL : Process;
}

/* The last word of Bytes behind P. */
static PEPROCESS *MipPlaceOfPayer(PVOID P, SIZE_T Bytes)
{
    return (PEPROCESS *)(PVOID)((PUCHAR)P + Bytes) - 1;
}

static NTSTATUS MipCharge(PEPROCESS *Place, PEPROCESS Payer, POOL_TYPE BaseType, SIZE_T Charge)
{
    NTSTATUS Status = PsChargeProcessPoolQuota(Payer, BaseType, Charge);

    *Place = NULL;
    if (NT_SUCCESS(Status)) {
        PsReferenceProcess(Payer);
        *Place = Payer;
    }
    return Status;
}

NTSTATUS MiChargePoolBlock(PVOID P, PEPROCESS Payer)
{
    MI_BIG_BLOCK Big;
    PPOOL_HEADER Header;
    SIZE_T Bytes;
    NTSTATUS Status;

    if (BYTE_OFFSET(P) == 0) {
        BOOLEAN Found = MiFindBigBlock(P, &Big);

        MI_ASSERT(Found && Big.Paid);
        Bytes = Big.Pages * PAGE_SIZE;
        return MipCharge(MipPlaceOfPayer(P, Bytes), Payer, (POOL_TYPE)Big.BaseType, Bytes);
    }
    Header = MiPoolHeaderOf(P);
    Bytes = Header->BlockSize * MI_POOL_UNIT;
    Status =
        MipCharge(MipPlaceOfPayer(P, Bytes - sizeof(*Header)), Payer, MiPoolTypeOf(Header), Bytes);
    if (NT_SUCCESS(Status)) {
        Header->Own |= MI_OWN(0, MI_BLOCK_PAID);
    }
    return Status;
}

/* => Bug check when that cannot be a process: something was written behind the block's end. */
static void MipCheckPayer(PVOID P, PEPROCESS Payer)
{
    POOL_TYPE BaseType = PagedPool;

    if (MiQueryPoolPlace(Payer, &BaseType) == MiPoolPlaceOutside || BaseType != NonPagedPool ||
        (ULONG_PTR)Payer % MI_POOL_UNIT != 0) {
        KeBugCheckEx(BAD_POOL_CALLER, MI_BAD_QUOTA_PROCESS, (ULONG_PTR)P, 0, (ULONG_PTR)Payer);
    }
}

void MiReturnPoolBlock(PVOID P, SIZE_T Bytes, POOL_TYPE BaseType, SIZE_T Charge)
{
    PEPROCESS Payer = *MipPlaceOfPayer(P, Bytes);

    if (Payer == NULL && BYTE_OFFSET(P) == 0) {
        return; /* its charge was refused */
    }
    MipCheckPayer(P, Payer);
    PsReturnPoolQuota(Payer, BaseType, Charge);
    ObDereferenceObjectDeferDelete(Payer); /* the caller may hold what deletion takes */
}
