/* SPDX-License-Identifier: MIT */
/*
 * test_user_access.c - probes, and copies that may fail.
 */
#include "tests/unit/space_world.h"

#include <string.h>

TEST(Probe_for_read_judges_addresses_only)
{
    SpaceStart();
    CHECK_EQUAL(STATUS_SUCCESS, MmProbeForRead((PVOID)0x12345, 0, 4));
    CHECK_EQUAL(STATUS_SUCCESS, MmProbeForRead((PVOID)0xFFFFFFFF, 0, 4));
    CHECK_EQUAL(STATUS_SUCCESS, MmProbeForRead((PVOID)0x12344, 4, 4)); /* nothing is there */
    CHECK_EQUAL(STATUS_DATATYPE_MISALIGNMENT, MmProbeForRead((PVOID)0x12346, 4, 4));
    CHECK_EQUAL(STATUS_SUCCESS, MmProbeForRead((PVOID)0x7FFEFFFC, 4, 4));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, MmProbeForRead((PVOID)0x7FFEFFFC, 5, 4));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, MmProbeForRead((PVOID)0x80000000, 1, 1));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, MmProbeForRead((PVOID)0x10000, 0xFFFFFFFF, 1));
    SpaceFinish();
}

TEST(Probe_for_write_touches_every_page_and_changes_nothing)
{
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, PAGE_READWRITE);
    SpaceWrite(Va + 0x1FFC, 0x12345678);
    CHECK_EQUAL(STATUS_SUCCESS, MmProbeForWrite((PVOID)(Va + 0xFFC), 0x1004, 4));
    CHECK_EQUAL(3, SpaceCurrent()->Vm.WorkingSetSize); /* with the page table */
    CHECK(MiReadPte(MiGetPteAddress(Va)).Hard.Dirty);
    CHECK_EQUAL(0x12345678, SpaceRead(Va + 0x1FFC));
    SpaceProtect(Va + 0x2000, 1, PAGE_READONLY);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, MmProbeForWrite((PVOID)Va, 0x2001, 1));
    SpaceProtect(Va + 0x2000, 1, PAGE_READWRITE | PAGE_GUARD);
    CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION, MmProbeForWrite((PVOID)(Va + 0x2000), 1, 1));
    CHECK_EQUAL(STATUS_SUCCESS, MmProbeForWrite((PVOID)(Va + 0x2000), 1, 1));
    SpaceFinish();
}

static void RaiseRead(PVOID Va)
{
    ProbeForRead(Va, 1, 1);
}

static void RaiseWrite(PVOID Va)
{
    ProbeForWrite(Va, 1, 1);
}

TEST(Probes_of_drivers_raise_what_ours_return)
{
    HOST_BUGCHECK Stop;

    SpaceStart();
    CHECK(HostCatchBugCheck(RaiseRead, (PVOID)0x80000000, &Stop));
    CHECK_EQUAL(KMODE_EXCEPTION_NOT_HANDLED, Stop.Code);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, (NTSTATUS)Stop.Parameter[0]);
    CHECK(HostCatchBugCheck(RaiseWrite, (PVOID)0x500000, &Stop));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, (NTSTATUS)Stop.Parameter[0]);
    CHECK_EQUAL(0x500000, Stop.Parameter[3]);
    SpaceFinish();
}

TEST(Safe_copy_says_how_far_it_came)
{
    ULONG_PTR Va;
    UCHAR Bytes[0x3000];
    SIZE_T Copied = 9;

    SpaceStart();
    memset(Bytes, 0x5A, sizeof(Bytes));
    Va = SpaceAllocate(0, 2 * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                MmCopyToUser((PVOID)(Va + 0x800), Bytes, sizeof(Bytes), &Copied));
    CHECK_EQUAL(0x1800, Copied);
    memset(Bytes, 0, sizeof(Bytes));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                MmCopyFromUser(Bytes, (PVOID)(Va + 0x800), sizeof(Bytes), &Copied));
    CHECK_EQUAL(0x1800, Copied);
    CHECK_EQUAL(0x5A, Bytes[0x17FF]);
    CHECK_EQUAL(0, Bytes[0x1800]);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, MmCopyFromUser(Bytes, (PVOID)0x80801000, 1, &Copied));
    CHECK_EQUAL(0, Copied);
    SpaceFinish();
}

static void CopyFromNowhere(PVOID Context)
{
    (void)Context;
    (void)!MmCopyToUser((PVOID)SpaceAllocate(0, 1, MEM_COMMIT, PAGE_READWRITE), (PVOID)0x9FFFF000,
                        1, NULL);
}

TEST(Safe_copy_does_not_hide_a_bad_address_of_the_kernels_own)
{
    SpaceStart();
    HostExpectBugCheck(PAGE_FAULT_IN_NONPAGED_AREA, CopyFromNowhere, NULL);
    SpaceFinish();
}
