/* SPDX-License-Identifier: MIT */
/*
 * process_information.h - limits and counters of a process, as winnt.h and ntddk.h declare them.
 *
 * ProcessHandle is as in vm.h.  Sizes are in bytes, PagefileLimit is in pages, as documented:
 * learn.microsoft.com/windows/win32/procthread, QUOTA_LIMITS and SetProcessWorkingSetSizeEx.
 *
 * => PASSIVE_LEVEL, where nothing else is said.
 */
#ifndef PROCESS_INFORMATION_H
#define PROCESS_INFORMATION_H

#include "nt/status.h"
#include "nt/types.h"

typedef enum _PROCESSINFOCLASS {
    ProcessBasicInformation = 0,
    ProcessQuotaLimits = 1, /* QUOTA_LIMITS or QUOTA_LIMITS_EX */
    ProcessIoCounters = 2,
    ProcessVmCounters = 3 /* VM_COUNTERS or VM_COUNTERS_EX; query only */
} PROCESSINFOCLASS;

typedef struct _QUOTA_LIMITS {
    SIZE_T PagedPoolLimit;
    SIZE_T NonPagedPoolLimit;
    SIZE_T MinimumWorkingSetSize;
    SIZE_T MaximumWorkingSetSize;
    SIZE_T PagefileLimit;
    LARGE_INTEGER TimeLimit; /* -1: none */
} QUOTA_LIMITS, *PQUOTA_LIMITS;

typedef struct _QUOTA_LIMITS_EX {
    SIZE_T PagedPoolLimit;
    SIZE_T NonPagedPoolLimit;
    SIZE_T MinimumWorkingSetSize;
    SIZE_T MaximumWorkingSetSize;
    SIZE_T PagefileLimit;
    LARGE_INTEGER TimeLimit;
    SIZE_T Reserved1;
    SIZE_T Reserved2;
    SIZE_T Reserved3;
    SIZE_T Reserved4;
    ULONG Flags; /* QUOTA_LIMITS_HARDWS_* */
    ULONG Reserved5;
} QUOTA_LIMITS_EX, *PQUOTA_LIMITS_EX;

/* A hard limit holds whatever memory there is. */
#define QUOTA_LIMITS_HARDWS_MIN_ENABLE  1u
#define QUOTA_LIMITS_HARDWS_MIN_DISABLE 2u
#define QUOTA_LIMITS_HARDWS_MAX_ENABLE  4u
#define QUOTA_LIMITS_HARDWS_MAX_DISABLE 8u

typedef struct _VM_COUNTERS {
    SIZE_T PeakVirtualSize;
    SIZE_T VirtualSize;
    ULONG PageFaultCount;
    SIZE_T PeakWorkingSetSize;
    SIZE_T WorkingSetSize;
    SIZE_T QuotaPeakPagedPoolUsage;
    SIZE_T QuotaPagedPoolUsage;
    SIZE_T QuotaPeakNonPagedPoolUsage;
    SIZE_T QuotaNonPagedPoolUsage;
    SIZE_T PagefileUsage; /* what is committed, wherever it is */
    SIZE_T PeakPagefileUsage;
} VM_COUNTERS, *PVM_COUNTERS;

typedef struct _VM_COUNTERS_EX {
    VM_COUNTERS Counters;
    SIZE_T PrivateUsage;
} VM_COUNTERS_EX, *PVM_COUNTERS_EX;

#if defined(__i386__)
NT_C_ASSERT(sizeof(QUOTA_LIMITS) == 32);
NT_C_ASSERT(sizeof(QUOTA_LIMITS_EX) == 56);
NT_C_ASSERT(sizeof(VM_COUNTERS) == 44);
NT_C_ASSERT(sizeof(VM_COUNTERS_EX) == 48);
#endif

/*
 *     STATUS_INVALID_INFO_CLASS       another class
 *     STATUS_INFO_LENGTH_MISMATCH     the length is that of neither structure
 *
 * => ReturnLength may be NULL.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtQueryInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS Class,
                                                       PVOID Information, ULONG Length,
                                                       PULONG ReturnLength);

/*
 * ProcessQuotaLimits: set the working set's limits, as MmAdjustWorkingSetSize; the other members do
 * not count.
 *
 *     STATUS_INVALID_PARAMETER        both sizes are 0: nothing would be set; Flags make no sense
 *     and those of NtQueryInformationProcess, MmAdjustWorkingSetSize
 */
NT_MUST_CHECK NTSTATUS NTAPI NtSetInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS Class,
                                                     PVOID Information, ULONG Length);

/*
 * Set the limits of the current process' working set, or (SystemCache) of the system's.  Both -1:
 * the limits stay, and all pages that are not locked leave the working set.  A minimum below 20
 * pages becomes 20; pages beyond the maximum leave.  The minimum is promised to be had.
 *
 *     STATUS_BAD_WORKING_SET_LIMIT    the minimum is above the maximum; the maximum is below 13
 *                                     pages, or above what the machine had available, less 512;
 *                                     locked pages would leave less than 8 of it
 *     STATUS_WORKING_SET_QUOTA        so large a minimum cannot be promised
 *     STATUS_PRIVILEGE_NOT_HELD       the maximum would rise, and IncreaseOkay is FALSE
 *
 * => IRQL <= APC_LEVEL; the current process is not locked.
 */
NT_MUST_CHECK NTSTATUS MmAdjustWorkingSetSize(SIZE_T MinimumBytes, SIZE_T MaximumBytes,
                                              ULONG SystemCache, BOOLEAN IncreaseOkay);

/*
 * The same, and which limits are hard; Flags 0: as they were.
 *
 *     STATUS_INVALID_PARAMETER        Flags: unknown, or both of a pair
 */
NT_MUST_CHECK NTSTATUS MmAdjustWorkingSetSizeEx(SIZE_T MinimumBytes, SIZE_T MaximumBytes,
                                                ULONG SystemCache, BOOLEAN IncreaseOkay,
                                                ULONG Flags);

#endif
