/* SPDX-License-Identifier: MIT */
/*
 * process_information.c - NtQueryInformationProcess and NtSetInformationProcess: quota limits and
 * memory counters.
 *
 * The longer structure of each class begins with the shorter: it is filled, and as much of it is
 * copied as was asked for.
 */
#include "process_information.h"

#include "mm/space/working_set_size.h"
#include "rtl.h"

typedef union _MIP_INFORMATION {
    QUOTA_LIMITS_EX Limits;
    VM_COUNTERS_EX Counters;
} MIP_INFORMATION, *PMIP_INFORMATION;

static SIZE_T MipBytes(ULONG Pages)
{
    return (SIZE_T)Pages << PAGE_SHIFT;
}

static ULONG MipHardness(const MMSUPPORT *WorkingSet)
{
    return (WorkingSet->MinimumWorkingSetHard ? QUOTA_LIMITS_HARDWS_MIN_ENABLE
                                              : QUOTA_LIMITS_HARDWS_MIN_DISABLE) |
           (WorkingSet->MaximumWorkingSetHard ? QUOTA_LIMITS_HARDWS_MAX_ENABLE
                                              : QUOTA_LIMITS_HARDWS_MAX_DISABLE);
}

static void MipQueryLimits(const EPROCESS *Process, PMIP_INFORMATION Information)
{
    Information->Limits = (QUOTA_LIMITS_EX){
        .PagedPoolLimit = Process->QuotaLimit[PsPagedPool],
        .NonPagedPoolLimit = Process->QuotaLimit[PsNonPagedPool],
        .MinimumWorkingSetSize = MipBytes(Process->Vm.MinimumWorkingSetSize),
        .MaximumWorkingSetSize = MipBytes(Process->Vm.MaximumWorkingSetSize),
        .PagefileLimit = Process->QuotaLimit[PsPageFile],
        .TimeLimit.QuadPart = -1,
        .Flags = MipHardness(&Process->Vm),
    };
}

static void MipQueryCounters(const EPROCESS *Process, PMIP_INFORMATION Information)
{
    Information->Counters = (VM_COUNTERS_EX){
        .Counters =
            {
                .PeakVirtualSize = Process->PeakVirtualSize,
                .VirtualSize = Process->VirtualSize,
                .PageFaultCount = Process->Vm.PageFaultCount,
                .PeakWorkingSetSize = MipBytes(Process->Vm.PeakWorkingSetSize),
                .WorkingSetSize = MipBytes(Process->Vm.WorkingSetSize),
                .QuotaPeakPagedPoolUsage = Process->QuotaPeak[PsPagedPool],
                .QuotaPagedPoolUsage = Process->QuotaUsage[PsPagedPool],
                .QuotaPeakNonPagedPoolUsage = Process->QuotaPeak[PsNonPagedPool],
                .QuotaNonPagedPoolUsage = Process->QuotaUsage[PsNonPagedPool],
                .PagefileUsage = MipBytes(Process->CommitCharge),
                .PeakPagefileUsage = MipBytes(Process->CommitChargePeak),
            },
        .PrivateUsage = MipBytes(Process->CommitCharge),
    };
}

/* Length must be that of one of the class' structures. */
static NTSTATUS MipCheckLength(PROCESSINFOCLASS Class, ULONG Length)
{
    switch ((ULONG)Class) {
    case ProcessQuotaLimits:
        return Length == sizeof(QUOTA_LIMITS) || Length == sizeof(QUOTA_LIMITS_EX)
                   ? STATUS_SUCCESS
                   : STATUS_INFO_LENGTH_MISMATCH;
    case ProcessVmCounters:
        return Length == sizeof(VM_COUNTERS) || Length == sizeof(VM_COUNTERS_EX)
                   ? STATUS_SUCCESS
                   : STATUS_INFO_LENGTH_MISMATCH;
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

NTSTATUS NTAPI NtQueryInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS Class,
                                         PVOID Information, ULONG Length, PULONG ReturnLength)
{
    MIP_INFORMATION Answer;
    MI_TARGET Target;
    NTSTATUS Status = MipCheckLength(Class, Length);

    if (NT_SUCCESS(Status)) {
        Status = MiEnterTarget(ProcessHandle, PROCESS_QUERY_INFORMATION, &Target);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Class == ProcessQuotaLimits) {
        MipQueryLimits(Target.Process, &Answer);
    } else {
        MipQueryCounters(Target.Process, &Answer);
    }
    MiLeaveTarget(&Target);
    memcpy(Information, &Answer, Length);
    if (ReturnLength != NULL) {
        *ReturnLength = Length;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI NtSetInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS Class,
                                       PVOID Information, ULONG Length)
{
    QUOTA_LIMITS_EX Limits = {.Flags = 0};
    MI_TARGET Target;
    NTSTATUS Status =
        Class == ProcessQuotaLimits ? MipCheckLength(Class, Length) : STATUS_INVALID_INFO_CLASS;

    if (NT_SUCCESS(Status)) {
        memcpy(&Limits, Information, Length);
        if (Limits.MinimumWorkingSetSize == 0 && Limits.MaximumWorkingSetSize == 0) {
            return STATUS_INVALID_PARAMETER;
        }
        Status = MiEnterTarget(ProcessHandle, PROCESS_SET_QUOTA, &Target);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiAdjustWorkingSetSize(&Target.Process->Vm, Limits.MinimumWorkingSetSize,
                                    Limits.MaximumWorkingSetSize, TRUE, Limits.Flags);
    MiLeaveTarget(&Target);
    return Status;
}
