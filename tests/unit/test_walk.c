/* SPDX-License-Identifier: MIT */
/*
 * test_walk.c - the simulated machine's page walk: rights, error codes, Accessed and Dirty.
 */
#include "tests/host/machine.h"
#include "tests/unit/paging.h"
#include "tests/unit/test.h"

#define VALID    MM_PTE_BITS_VALID
#define WRITE    MM_PTE_BITS_WRITE
#define OWNER    MM_PTE_BITS_OWNER
#define ACCESSED MM_PTE_BITS_ACCESSED
#define DIRTY    MM_PTE_BITS_DIRTY

TEST(Walk_first_read_faults_with_code_0_and_sets_accessed_only)
{
    PagingStart();
    CHECK_EQUAL(0, PagingRead(PAGING_VA + 8));
    CHECK_EQUAL(1, HostCounters()->Faults);
    CHECK_EQUAL(0, PagingLastCode);
    CHECK_EQUAL(PAGING_VA + 8, PagingLastVa);
    CHECK_EQUAL(VALID | WRITE | ACCESSED, PagingBitsOf(PAGING_VA));
    CHECK_EQUAL(VALID | WRITE | ACCESSED,
                HostFindPde(HOST_DIRECTORY_FRAME, PAGING_VA)->Long % PAGE_SIZE);
    HostMachineDelete();
}

TEST(Walk_first_write_faults_with_code_2_and_sets_dirty)
{
    PagingStart();
    PagingWrite(PAGING_VA, 7);
    CHECK_EQUAL(HOST_FAULT_WRITE, PagingLastCode);
    CHECK_EQUAL(VALID | WRITE | ACCESSED | DIRTY, PagingBitsOf(PAGING_VA));
    CHECK_EQUAL(7, PagingRead(PAGING_VA));
    CHECK_EQUAL(1, HostCounters()->Faults);
    HostMachineDelete();
}

TEST(Walk_write_after_read_sets_dirty_without_a_fault)
{
    PagingStart();
    PagingRead(PAGING_VA);
    CHECK_EQUAL(0, PagingBitsOf(PAGING_VA) & DIRTY);
    PagingWrite(PAGING_VA, 1);
    CHECK_EQUAL(DIRTY, PagingBitsOf(PAGING_VA) & DIRTY);
    CHECK_EQUAL(1, HostCounters()->Faults);
    HostMachineDelete();
}

TEST(Walk_reaches_the_frame_that_the_entry_names)
{
    PFN_NUMBER Frame;

    PagingStart();
    Frame = PagingMap(PAGING_VA, VALID | WRITE);
    *PagingWordOf(Frame) = 0x12345678;
    CHECK_EQUAL(0x12345678, PagingRead(PAGING_VA));
    PagingWrite(PAGING_VA, 0x87654321);
    CHECK_EQUAL(0x87654321, *PagingWordOf(Frame));
    CHECK_EQUAL(0, HostCounters()->Faults);
    HostMachineDelete();
}

TEST(Walk_widened_right_needs_no_flush)
{
    PagingStart();
    PagingMap(PAGING_VA, VALID);
    PagingRead(PAGING_VA);
    HostFindPte(HOST_DIRECTORY_FRAME, PAGING_VA)->Hard.Write = 1;
    PagingWrite(PAGING_VA, 5);
    CHECK_EQUAL(5, PagingRead(PAGING_VA));
    CHECK_EQUAL(0, HostCounters()->Faults);
    HostMachineDelete();
}

TEST(Walk_supervisor_write_to_a_read_only_page_faults_with_code_3)
{
    PagingStart();
    PagingMap(PAGING_VA, VALID);
    CHECK_EQUAL(0, PagingRead(PAGING_VA));
    HostExpectBugCheck(HOST_BUGCHECK_PAGE_FAULT, PagingWriteOnce, (PVOID)PAGING_VA);
    CHECK_EQUAL(HOST_FAULT_PRESENT | HOST_FAULT_WRITE, PagingLastCode);
    CHECK_EQUAL(0, PagingBitsOf(PAGING_VA) & DIRTY);
    HostMachineDelete();
}

TEST(Walk_directory_entry_without_write_protects_its_pages)
{
    PagingStart();
    PagingMap(PAGING_VA, VALID | WRITE);
    HostFindPde(HOST_DIRECTORY_FRAME, PAGING_VA)->Hard.Write = 0;
    HostExpectBugCheck(HOST_BUGCHECK_PAGE_FAULT, PagingWriteOnce, (PVOID)PAGING_VA);
    CHECK_EQUAL(HOST_FAULT_PRESENT | HOST_FAULT_WRITE, PagingLastCode);
    HostMachineDelete();
}

/* ---- user mode ---- */

TEST(Walk_user_access_to_a_missing_page_faults_with_codes_4_and_6)
{
    PagingStart();
    HostSetUserMode(TRUE);
    PagingRead(HOST_MIDDLE_START);
    CHECK_EQUAL(HOST_FAULT_USER, PagingLastCode);
    PagingWrite(HOST_MIDDLE_START + PAGE_SIZE, 1);
    CHECK_EQUAL(HOST_FAULT_USER | HOST_FAULT_WRITE, PagingLastCode);
    HostMachineDelete();
}

TEST(Walk_user_access_to_a_supervisor_page_faults_with_code_5)
{
    PagingStart();
    PagingMap(PAGING_VA, VALID | WRITE);
    PagingRead(PAGING_VA); /* the translation that the kernel used must not serve user mode */
    HostSetUserMode(TRUE);
    HostExpectBugCheck(HOST_BUGCHECK_PAGE_FAULT, PagingReadOnce, (PVOID)PAGING_VA);
    CHECK_EQUAL(HOST_FAULT_PRESENT | HOST_FAULT_USER, PagingLastCode);
    HostMachineDelete();
}

TEST(Walk_user_access_needs_the_owner_bit_at_both_levels)
{
    PagingStart();
    PagingMap(PAGING_VA, VALID | WRITE | OWNER);
    HostSetUserMode(TRUE);
    HostExpectBugCheck(HOST_BUGCHECK_PAGE_FAULT, PagingReadOnce, (PVOID)PAGING_VA);
    HostFindPde(HOST_DIRECTORY_FRAME, PAGING_VA)->Hard.Owner = 1;
    HostSetUserMode(TRUE);
    CHECK_EQUAL(0, PagingRead(PAGING_VA));
    HostMachineDelete();
}

/* Needs a page of the system half before it can help. */
static BOOLEAN UseSystemPage(ULONG_PTR Va, ULONG ErrorCode)
{
    if (Va < HOST_SYSTEM_START) {
        PagingWrite(PAGING_VA, 1);
        CHECK_EQUAL(HOST_FAULT_WRITE, PagingLastCode); /* no user access */
    }
    return PagingRecordFault(Va, ErrorCode);
}

TEST(Walk_fault_handler_runs_in_kernel_mode_and_returns_to_user_mode)
{
    PagingStart();
    HostSetFaultHandler(UseSystemPage);
    HostSetUserMode(TRUE);
    PagingRead(HOST_MIDDLE_START);
    CHECK_EQUAL(HOST_FAULT_USER, PagingLastCode);
    HostExpectBugCheck(HOST_BUGCHECK_PAGE_FAULT, PagingReadOnce, (PVOID)PAGING_VA);
    CHECK_EQUAL(HOST_FAULT_USER | HOST_FAULT_PRESENT, PagingLastCode);
    HostMachineDelete();
}

/* ---- large pages, and what is not there ---- */

TEST(Walk_large_page_maps_4_MB_and_has_accessed_and_dirty_in_the_directory)
{
    PMMPTE Pde;
    PFN_NUMBER Frame;

    PagingStart();
    Frame = PagingMapLarge(0);
    Pde = HostFindPde(HOST_DIRECTORY_FRAME, PAGING_VA);
    *PagingWordOf(Frame + 1023) = 99;
    CHECK_EQUAL(99, PagingRead(PAGING_VA + MM_LARGE_PAGE - PAGE_SIZE));
    CHECK_EQUAL(1, Pde->Hard.Accessed);
    CHECK_EQUAL(0, Pde->Hard.Dirty);
    PagingWrite(PAGING_VA + 5 * PAGE_SIZE, 3);
    CHECK_EQUAL(1, Pde->Hard.Dirty);
    CHECK_EQUAL(3, *PagingWordOf(Frame + 5));
    HostMachineDelete();
}

TEST(Walk_reserved_bit_of_a_large_page_faults_with_code_9)
{
    PagingStart();
    PagingMapLarge(0);
    HostFindPde(HOST_DIRECTORY_FRAME, PAGING_VA)->Large.Zero = 1;
    HostExpectBugCheck(HOST_BUGCHECK_PAGE_FAULT, PagingReadOnce, (PVOID)PAGING_VA);
    CHECK_EQUAL(HOST_FAULT_PRESENT | HOST_FAULT_RESERVED, PagingLastCode);
    HostMachineDelete();
}

TEST(Walk_frame_that_does_not_exist_is_a_machine_check)
{
    PagingStart();
    HostMapPage(HOST_DIRECTORY_FRAME, PAGING_VA, 4096, VALID);
    HostExpectBugCheck(HOST_BUGCHECK_MACHINE_CHECK, PagingReadOnce, (PVOID)PAGING_VA);
    HostFindPde(HOST_DIRECTORY_FRAME, PAGING_VA)->Hard.PageFrameNumber = 0xFFFFF;
    HostExpectBugCheck(HOST_BUGCHECK_MACHINE_CHECK, PagingReadOnce, (PVOID)PAGING_VA);
    HostMachineDelete();
}
