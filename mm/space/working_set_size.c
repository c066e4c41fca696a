/* SPDX-License-Identifier: MIT */
/*
 * working_set_size.c - MmAdjustWorkingSetSize: the limits of a working set.
 *
 * A minimum is a promise, charged to resident available.  It is charged anew before anything
 * changes; the rest cannot fail.
 *
 * Locking: the working set's mutex.
 */
#include "mm/space/working_set_size.h"

#include "mm/pfn/commit.h"
#include "mm/pfn/pfn_list.h"
#include "mm/ws/wsle.h"
#include "process_information.h"

#define MIP_EMPTY ((SIZE_T)-1)
#define MIP_FLAGS                                                                                  \
    (QUOTA_LIMITS_HARDWS_MIN_ENABLE | QUOTA_LIMITS_HARDWS_MIN_DISABLE |                            \
     QUOTA_LIMITS_HARDWS_MAX_ENABLE | QUOTA_LIMITS_HARDWS_MAX_DISABLE)

ULONG MiMaximumWorkingSetPages;

void MiInitializeWorkingSetLimits(void)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Available = MiAvailablePages;

    MiUnlockPfn(OldIrql);
    MiMaximumWorkingSetPages = Available > MI_WORKING_SET_RESERVE + MI_DEFAULT_MAXIMUM_WORKING_SET
                                   ? Available - MI_WORKING_SET_RESERVE
                                   : MI_DEFAULT_MAXIMUM_WORKING_SET;
}

static BOOLEAN MipAreFlagsGood(ULONG Flags)
{
    ULONG Enable = Flags & (QUOTA_LIMITS_HARDWS_MIN_ENABLE | QUOTA_LIMITS_HARDWS_MAX_ENABLE);

    return (Flags & ~MIP_FLAGS) == 0 && (Enable << 1 & Flags) == 0;
}

static BOOLEAN MipChange(BOOLEAN Hard, ULONG Flags, ULONG Enable, ULONG Disable)
{
    return (Flags & Enable) != 0 || (Hard && (Flags & Disable) == 0);
}

static void MipSetHardness(PMMSUPPORT WorkingSet, ULONG Flags)
{
    WorkingSet->MinimumWorkingSetHard =
        MipChange(WorkingSet->MinimumWorkingSetHard, Flags, QUOTA_LIMITS_HARDWS_MIN_ENABLE,
                  QUOTA_LIMITS_HARDWS_MIN_DISABLE);
    WorkingSet->MaximumWorkingSetHard =
        MipChange(WorkingSet->MaximumWorkingSetHard, Flags, QUOTA_LIMITS_HARDWS_MAX_ENABLE,
                  QUOTA_LIMITS_HARDWS_MAX_DISABLE);
}

/* => FALSE: they cannot be promised; nothing changed. */
static BOOLEAN MipChargeMinimum(PMMSUPPORT WorkingSet, ULONG Minimum)
{
    ULONG Before = WorkingSet->MinimumWorkingSetSize;

    if (Minimum > Before) {
        return MiChargeResidentAvailable(Minimum - Before);
    }
    MiReturnResidentAvailable(Before - Minimum);
    return TRUE;
}

NTSTATUS MiAdjustWorkingSetSize(PMMSUPPORT WorkingSet, SIZE_T MinimumBytes, SIZE_T MaximumBytes,
                                BOOLEAN IncreaseOkay, ULONG Flags)
{
    ULONG Minimum = (ULONG)BYTES_TO_PAGES(MinimumBytes);
    ULONG Maximum = (ULONG)(MaximumBytes >> PAGE_SHIFT);

    if (!MipAreFlagsGood(Flags)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (MinimumBytes == MIP_EMPTY && MaximumBytes == MIP_EMPTY) {
        (void)MiTrimWorkingSet(WorkingSet, WorkingSet->WorkingSetSize, 0);
        (void)MiTrimWorkingSet(WorkingSet, WorkingSet->WorkingSetSize, 0); /* page tables, now */
        return STATUS_SUCCESS;
    }
    if (MinimumBytes > MaximumBytes || Maximum < MI_LEAST_MAXIMUM_WORKING_SET ||
        Maximum > MiMaximumWorkingSetPages) {
        return STATUS_BAD_WORKING_SET_LIMIT;
    }
    Minimum = Minimum < MI_LEAST_MINIMUM_WORKING_SET ? MI_LEAST_MINIMUM_WORKING_SET : Minimum;
    Maximum = Maximum < Minimum ? Minimum : Maximum;
    if (Maximum < WorkingSet->LockedPages + MI_LEAST_UNLOCKED_PAGES) {
        return STATUS_BAD_WORKING_SET_LIMIT;
    }
    if (!IncreaseOkay && Maximum > WorkingSet->MaximumWorkingSetSize) {
        return STATUS_PRIVILEGE_NOT_HELD;
    }
    if (!MipChargeMinimum(WorkingSet, Minimum)) {
        return STATUS_WORKING_SET_QUOTA;
    }
    WorkingSet->MinimumWorkingSetSize = Minimum;
    WorkingSet->MaximumWorkingSetSize = Maximum;
    MipSetHardness(WorkingSet, Flags);
    if (WorkingSet->WorkingSetSize > Maximum) {
        (void)MiTrimWorkingSet(WorkingSet, WorkingSet->WorkingSetSize - Maximum, 0);
    }
    return STATUS_SUCCESS;
}

NTSTATUS MmAdjustWorkingSetSizeEx(SIZE_T MinimumBytes, SIZE_T MaximumBytes, ULONG SystemCache,
                                  BOOLEAN IncreaseOkay, ULONG Flags)
{
    PMMSUPPORT WorkingSet = SystemCache ? &MiSystemCacheWorkingSet : &PsGetCurrentProcess()->Vm;
    NTSTATUS Status;

    ExAcquireFastMutex(WorkingSet->Mutex);
    Status = MiAdjustWorkingSetSize(WorkingSet, MinimumBytes, MaximumBytes, IncreaseOkay, Flags);
    ExReleaseFastMutex(WorkingSet->Mutex);
    return Status;
}

NTSTATUS MmAdjustWorkingSetSize(SIZE_T MinimumBytes, SIZE_T MaximumBytes, ULONG SystemCache,
                                BOOLEAN IncreaseOkay)
{
    return MmAdjustWorkingSetSizeEx(MinimumBytes, MaximumBytes, SystemCache, IncreaseOkay, 0);
}
