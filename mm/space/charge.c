/* SPDX-License-Identifier: MIT */
/*
 * charge.c - what a process is charged for, against its quotas and the system's commitment.
 *
 * Invariant: CommitCharge is QuotaUsage[PsPageFile], and the sum over all processes is part of
 * MiCommit.Committed (V3 of mm/inspect/verify.c).
 *
 * Locking: the process' AddressCreationLock for commitment; pool is charged at any IRQL, so that
 * quotas are atomic.
 */
#include "mi_assert.h"
#include "mm/pfn/commit_growth.h"
#include "mm/space/process.h"
#include "mm/sysva/mdl.h"

static BOOLEAN MipCharge(PEPROCESS Process, PS_QUOTA_TYPE Type, ULONG Amount)
{
    ULONG Usage = __atomic_load_n(&Process->QuotaUsage[Type], __ATOMIC_RELAXED);
    ULONG Peak = __atomic_load_n(&Process->QuotaPeak[Type], __ATOMIC_RELAXED);

    do {
        if (Amount > Process->QuotaLimit[Type] - Usage) {
            return FALSE;
        }
    } while (!__atomic_compare_exchange_n(&Process->QuotaUsage[Type], &Usage, Usage + Amount, FALSE,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    while (Peak < Usage + Amount &&
           !__atomic_compare_exchange_n(&Process->QuotaPeak[Type], &Peak, Usage + Amount, FALSE,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    return TRUE;
}

static void MipReturn(PEPROCESS Process, PS_QUOTA_TYPE Type, ULONG Amount)
{
    ULONG Usage = __atomic_fetch_sub(&Process->QuotaUsage[Type], Amount, __ATOMIC_RELAXED);

    MI_ASSERT(Usage >= Amount);
}

NTSTATUS MiChargeProcessPool(PEPROCESS Process, PS_QUOTA_TYPE Type, ULONG Bytes)
{
    return MipCharge(Process, Type, Bytes) ? STATUS_SUCCESS : STATUS_QUOTA_EXCEEDED;
}

void MiReturnProcessPool(PEPROCESS Process, PS_QUOTA_TYPE Type, ULONG Bytes)
{
    MipReturn(Process, Type, Bytes);
}

static PS_QUOTA_TYPE MipQuotaOf(POOL_TYPE PoolType)
{
    return (PoolType & PagedPool) != 0 ? PsPagedPool : PsNonPagedPool;
}

NTSTATUS NTAPI PsChargeProcessPoolQuota(PEPROCESS Process, POOL_TYPE PoolType, ULONG_PTR Amount)
{
    return MiChargeProcessPool(Process, MipQuotaOf(PoolType), Amount);
}

void NTAPI PsReturnPoolQuota(PEPROCESS Process, POOL_TYPE PoolType, ULONG_PTR Amount)
{
    MiReturnProcessPool(Process, MipQuotaOf(PoolType), Amount);
}

NTSTATUS MiChargeProcessCommit(PEPROCESS Process, ULONG Pages)
{
    if (!MipCharge(Process, PsPageFile, Pages)) {
        return STATUS_PAGEFILE_QUOTA;
    }
    if (!MiChargeCommitment(Pages)) {
        MipReturn(Process, PsPageFile, Pages);
        Process->CommitLimitNeeded = MiLimitFor(Pages);
        return STATUS_COMMITMENT_LIMIT;
    }
    Process->CommitCharge += Pages;
    if (Process->CommitChargePeak < Process->CommitCharge) {
        Process->CommitChargePeak = Process->CommitCharge;
    }
    return STATUS_SUCCESS;
}

void MiReturnProcessCommit(PEPROCESS Process, ULONG Pages)
{
    MI_ASSERT(Process->CommitCharge >= Pages);
    Process->CommitCharge -= Pages;
    MiReturnCommitment(Pages);
    MipReturn(Process, PsPageFile, Pages);
}

void MiCountLockedPages(PEPROCESS Process, LONG Pages)
{
    ULONG Now = __atomic_add_fetch(&Process->NumberOfLockedPages, (ULONG)Pages, __ATOMIC_RELAXED);

    MI_ASSERT((LONG)Now >= 0);
}
