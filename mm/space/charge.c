/* SPDX-License-Identifier: MIT */
/*
 * charge.c - what a process is charged for, against its quotas and the system's commitment.
 *
 * Invariant: CommitCharge is QuotaUsage[PsPageFile], and the sum over all processes is part of
 * MiCommit.Committed (V3 of mm/inspect/verify.c).
 *
 * Locking: the process' AddressCreationLock.
 */
#include "mi_assert.h"
#include "mm/pfn/commit_growth.h"
#include "mm/space/process.h"
#include "mm/sysva/mdl.h"

static BOOLEAN MipCharge(PEPROCESS Process, PS_QUOTA_TYPE Type, ULONG Amount)
{
    if (Amount > Process->QuotaLimit[Type] - Process->QuotaUsage[Type]) {
        return FALSE;
    }
    Process->QuotaUsage[Type] += Amount;
    if (Process->QuotaPeak[Type] < Process->QuotaUsage[Type]) {
        Process->QuotaPeak[Type] = Process->QuotaUsage[Type];
    }
    return TRUE;
}

static void MipReturn(PEPROCESS Process, PS_QUOTA_TYPE Type, ULONG Amount)
{
    MI_ASSERT(Process->QuotaUsage[Type] >= Amount);
    Process->QuotaUsage[Type] -= Amount;
}

NTSTATUS MiChargeProcessPool(PEPROCESS Process, PS_QUOTA_TYPE Type, ULONG Bytes)
{
    return MipCharge(Process, Type, Bytes) ? STATUS_SUCCESS : STATUS_QUOTA_EXCEEDED;
}

void MiReturnProcessPool(PEPROCESS Process, PS_QUOTA_TYPE Type, ULONG Bytes)
{
    MipReturn(Process, Type, Bytes);
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
