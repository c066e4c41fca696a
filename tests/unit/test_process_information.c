/* SPDX-License-Identifier: MIT */
/*
 * test_process_information.c - quota limits and memory counters of processes.
 */
#include "tests/unit/space_world.h"

#include "process_information.h"

#define RW PAGE_READWRITE

TEST(ProcessInformation_refuses_other_classes_and_lengths)
{
    QUOTA_LIMITS_EX Limits = {.MinimumWorkingSetSize = 0};

    SpaceStart();
    CHECK_EQUAL(
        STATUS_INVALID_INFO_CLASS,
        NtQueryInformationProcess(NtCurrentProcess(), ProcessIoCounters, &Limits, 48, NULL));
    CHECK_EQUAL(
        STATUS_INFO_LENGTH_MISMATCH,
        NtQueryInformationProcess(NtCurrentProcess(), ProcessVmCounters, &Limits, 32, NULL));
    CHECK_EQUAL(
        STATUS_INFO_LENGTH_MISMATCH,
        NtQueryInformationProcess(NtCurrentProcess(), ProcessQuotaLimits, &Limits, 44, NULL));
    CHECK_EQUAL(STATUS_INVALID_HANDLE,
                NtQueryInformationProcess((HANDLE)2, ProcessQuotaLimits, &Limits, 32, NULL));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS,
                NtSetInformationProcess(NtCurrentProcess(), ProcessVmCounters, &Limits, 44));
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH,
                NtSetInformationProcess(NtCurrentProcess(), ProcessQuotaLimits, &Limits, 31));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                NtSetInformationProcess(NtCurrentProcess(), ProcessQuotaLimits, &Limits, 32));
    SpaceFinish();
}

TEST(ProcessInformation_sets_limits_of_any_process_and_tells_them)
{
    QUOTA_LIMITS_EX Limits = {.MinimumWorkingSetSize = 40 << PAGE_SHIFT,
                              .MaximumWorkingSetSize = 200 << PAGE_SHIFT,
                              .Flags = QUOTA_LIMITS_HARDWS_MAX_ENABLE};
    PEPROCESS Other;
    ULONG Length = 0;

    SpaceStart();
    Other = SpaceProcess();
    CHECK_EQUAL(STATUS_SUCCESS, NtSetInformationProcess(SpaceHandle(Other), ProcessQuotaLimits,
                                                        &Limits, sizeof(Limits)));
    CHECK_EQUAL(40, Other->Vm.MinimumWorkingSetSize);
    CHECK(Other->Vm.MaximumWorkingSetHard && !Other->Vm.MinimumWorkingSetHard);
    Limits = (QUOTA_LIMITS_EX){.Flags = 0};
    CHECK_EQUAL(STATUS_SUCCESS, NtQueryInformationProcess(SpaceHandle(Other), ProcessQuotaLimits,
                                                          &Limits, sizeof(Limits), &Length));
    CHECK_EQUAL(56, Length);
    CHECK_EQUAL(200 << PAGE_SHIFT, Limits.MaximumWorkingSetSize);
    CHECK_EQUAL(QUOTA_LIMITS_HARDWS_MIN_DISABLE | QUOTA_LIMITS_HARDWS_MAX_ENABLE, Limits.Flags);
    CHECK_EQUAL(50, SpaceCurrent()->Vm.MinimumWorkingSetSize);
    SpaceFinish();
}

TEST(ProcessInformation_empties_the_working_set_of_another_process)
{
    QUOTA_LIMITS Limits = {.MinimumWorkingSetSize = (SIZE_T)-1,
                           .MaximumWorkingSetSize = (SIZE_T)-1};
    PEPROCESS First;
    ULONG_PTR Va;

    SpaceStart();
    First = SpaceCurrent();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 77);
    SpaceEnter(SpaceProcess());
    CHECK_EQUAL(STATUS_SUCCESS, NtSetInformationProcess(SpaceHandle(First), ProcessQuotaLimits,
                                                        &Limits, sizeof(Limits)));
    CHECK_EQUAL(1, First->Vm.WorkingSetSize); /* the page table of a page in transition */
    SpaceEnter(First);
    CHECK_EQUAL(77, SpaceRead(Va));
    SpaceFinish();
}

TEST(ProcessInformation_counts_memory_in_bytes)
{
    VM_COUNTERS_EX Counters;
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    SpaceWrite(Va + PAGE_SIZE, 1);
    SpaceFree(Va, PAGE_SIZE, MEM_DECOMMIT);
    CHECK_EQUAL(STATUS_SUCCESS, NtQueryInformationProcess(NtCurrentProcess(), ProcessVmCounters,
                                                          &Counters, sizeof(Counters), NULL));
    CHECK_EQUAL(KB64, Counters.Counters.VirtualSize);
    CHECK_EQUAL(2, Counters.Counters.PageFaultCount);
    CHECK_EQUAL(2 * PAGE_SIZE, Counters.Counters.WorkingSetSize); /* with the page table */
    CHECK_EQUAL(3 * PAGE_SIZE, Counters.Counters.PeakWorkingSetSize);
    CHECK_EQUAL(16 * PAGE_SIZE, Counters.Counters.PagefileUsage); /* 15 pages and a page table */
    CHECK_EQUAL(17 * PAGE_SIZE, Counters.Counters.PeakPagefileUsage);
    CHECK(Counters.Counters.QuotaNonPagedPoolUsage != 0);
    SpaceFinish();
}
