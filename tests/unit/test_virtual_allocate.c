/* SPDX-License-Identifier: MIT */
/*
 * test_virtual_allocate.c - NtAllocateVirtualMemory.
 */
#include "mm/pfn/pfn_reference.h"
#include "process_information.h"
#include "tests/unit/space_world.h"

#define RW PAGE_READWRITE

typedef struct _REFUSAL {
    ULONG_PTR Base;
    ULONG_PTR ZeroBits;
    SIZE_T Bytes;
    ULONG Type;
    ULONG Protect;
    NTSTATUS Status;
} REFUSAL;

static const REFUSAL Refusals[] = {
    {0x80000000, 0, 1, MEM_RESERVE, RW, STATUS_INVALID_PARAMETER_2},
    {0x7FFF0000, 0, 1, MEM_RESERVE, RW, STATUS_INVALID_PARAMETER_2},
    {0x8000, 0, 1, MEM_RESERVE, RW, STATUS_INVALID_PARAMETER_2},
    {0, 22, 1, MEM_RESERVE, RW, STATUS_INVALID_PARAMETER_3},
    {0, 0, 0, MEM_RESERVE, RW, STATUS_INVALID_PARAMETER_4},
    {0x10000, 0, 0, MEM_RESERVE, RW, STATUS_INVALID_PARAMETER_4},
    {0x7FFE0000, 0, 0x10001, MEM_RESERVE, RW, STATUS_INVALID_PARAMETER_4},
    {0x10000, 0, 0xFFFFFFFF, MEM_RESERVE, RW, STATUS_INVALID_PARAMETER_4},
    {0, 0, 0x80000000, MEM_RESERVE, RW, STATUS_INVALID_PARAMETER_4},
    {0, 0, 1, 0, RW, STATUS_INVALID_PARAMETER_5},
    {0, 0, 1, MEM_TOP_DOWN, RW, STATUS_INVALID_PARAMETER_5},
    {0, 0, 1, MEM_RESERVE | 1, RW, STATUS_INVALID_PARAMETER_5},
    {0, 0, 1, MEM_RESERVE | MEM_DECOMMIT, RW, STATUS_INVALID_PARAMETER_5},
    {0, 0, 1, MEM_RESET | MEM_COMMIT, RW, STATUS_INVALID_PARAMETER_5},
    {0x10000, 0, 1, MEM_COMMIT | MEM_WRITE_WATCH, RW, STATUS_INVALID_PARAMETER_5},
    {0x10000, 0, 1, MEM_COMMIT | MEM_PHYSICAL, RW, STATUS_INVALID_PARAMETER_5},
    {0, 0, 1, MEM_RESERVE | MEM_PHYSICAL, RW, STATUS_NOT_SUPPORTED},
    {0, 0, 1, MEM_RESERVE, 0, STATUS_INVALID_PAGE_PROTECTION},
    {0, 0, 1, MEM_RESERVE, 3, STATUS_INVALID_PAGE_PROTECTION},
    {0, 0, 1, MEM_RESERVE, PAGE_GUARD, STATUS_INVALID_PAGE_PROTECTION},
    {0, 0, 1, MEM_RESERVE, PAGE_NOACCESS | PAGE_GUARD, STATUS_INVALID_PAGE_PROTECTION},
    {0, 0, 1, MEM_RESERVE, PAGE_NOACCESS | PAGE_NOCACHE, STATUS_INVALID_PAGE_PROTECTION},
    {0, 0, 1, MEM_RESERVE, RW | PAGE_GUARD | PAGE_NOCACHE, STATUS_INVALID_PAGE_PROTECTION},
    {0, 0, 1, MEM_RESERVE, RW | PAGE_WRITECOMBINE | PAGE_NOCACHE, STATUS_INVALID_PAGE_PROTECTION},
    {0, 0, 1, MEM_RESERVE, PAGE_WRITECOPY, STATUS_INVALID_PAGE_PROTECTION},
    {0, 0, 1, MEM_RESERVE, PAGE_EXECUTE_WRITECOPY, STATUS_INVALID_PAGE_PROTECTION},
    {0, 0, 1, MEM_RESERVE, 0x800, STATUS_INVALID_PAGE_PROTECTION},
    {0x7FFD0000, 0, 0x10001, MEM_RESERVE, RW, STATUS_CONFLICTING_ADDRESSES}, /* shared data */
    {0x200000, 0, 1, MEM_COMMIT, RW, STATUS_CONFLICTING_ADDRESSES},          /* not reserved */
    {0x200000, 0, 1, MEM_RESET, RW, STATUS_CONFLICTING_ADDRESSES},
    {0, 0, 0x7FFD0001, MEM_RESERVE, RW, STATUS_NO_MEMORY},
    {0, 16, 0x10000, MEM_RESERVE, RW, STATUS_NO_MEMORY},
};

TEST(Allocate_refuses_each_wrong_argument_with_its_status)
{
    ULONG i;

    SpaceStart();
    for (i = 0; i < RTL_NUMBER_OF(Refusals); i++) {
        const REFUSAL *R = &Refusals[i];
        PVOID Va = (PVOID)R->Base;
        SIZE_T Bytes = R->Bytes;
        NTSTATUS Status = NtAllocateVirtualMemory(NtCurrentProcess(), &Va, R->ZeroBits, &Bytes,
                                                  R->Type, R->Protect);

        if (Status != R->Status || Va != (PVOID)R->Base || Bytes != R->Bytes) {
            TestFail(__FILE__, __LINE__, "row %u gives %08x", (unsigned)i, (unsigned)Status);
        }
    }
    CHECK_EQUAL(0, SpaceCurrent()->NumberOfVads);
    SpaceFinish();
}

TEST(Allocate_refuses_a_handle_that_is_no_process)
{
    PVOID Va = NULL;
    SIZE_T Bytes = 1;

    SpaceStart();
    CHECK_EQUAL(STATUS_INVALID_HANDLE,
                NtAllocateVirtualMemory((HANDLE)0x7777, &Va, 0, &Bytes, MEM_RESERVE, RW));
    SpaceFinish();
}

TEST(Allocate_reserves_from_64_KB_on_and_commits_whole_pages)
{
    PVOID Va = (PVOID)0x234567;
    SIZE_T Bytes = 1;

    SpaceStart();
    CHECK_EQUAL(STATUS_SUCCESS,
                NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Bytes, MEM_RESERVE, RW));
    CHECK_EQUAL(0x230000, (ULONG_PTR)Va);
    CHECK_EQUAL(0x5000, Bytes);
    Va = (PVOID)0x231FFF;
    Bytes = 2;
    CHECK_EQUAL(STATUS_SUCCESS,
                NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Bytes, MEM_COMMIT, RW));
    CHECK_EQUAL(0x231000, (ULONG_PTR)Va);
    CHECK_EQUAL(0x2000, Bytes);
    CHECK_EQUAL(2 + 1, SpaceCurrent()->CommitCharge); /* and a page table */
    SpaceFinish();
}

TEST(Allocate_takes_the_lowest_place_or_with_top_down_the_highest)
{
    ULONG_PTR First;
    ULONG_PTR Second;

    SpaceStart();
    First = SpaceAllocate(0, KB64, MEM_RESERVE, RW);
    Second = SpaceAllocate(0, 3 * KB64, MEM_RESERVE, RW);
    CHECK_EQUAL(MM_LOWEST_USER_ADDRESS, First);
    CHECK_EQUAL(First + KB64, Second);
    CHECK_EQUAL(Second + 3 * KB64, SpaceAllocate(0, 1, MEM_RESERVE, RW));
    CHECK_EQUAL(MM_SHARED_USER_DATA_VA - KB64, SpaceAllocate(0, 1, MEM_RESERVE | MEM_TOP_DOWN, RW));
    CHECK_EQUAL(MM_SHARED_USER_DATA_VA - 3 * KB64,
                SpaceAllocate(0, KB64 + 1, MEM_COMMIT | MEM_TOP_DOWN, RW));
    SpaceFree(Second, 0, MEM_RELEASE);
    CHECK_EQUAL(Second, SpaceAllocate(0, KB64, MEM_RESERVE, RW)); /* what came free first */
    CHECK_EQUAL(Second + 4 * KB64, SpaceAllocate(0, 3 * KB64, MEM_RESERVE, RW));
    SpaceFinish();
}

TEST(Allocate_keeps_zero_bits_at_the_top_of_addresses)
{
    PVOID Va = NULL;
    SIZE_T Bytes = KB64;

    SpaceStart();
    CHECK_EQUAL(STATUS_SUCCESS, NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 12, &Bytes,
                                                        MEM_RESERVE | MEM_TOP_DOWN, RW));
    CHECK_EQUAL(0x100000 - KB64, (ULONG_PTR)Va);
    SpaceFinish();
}

TEST(Allocate_refuses_places_that_are_taken)
{
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0x100000, 0x11000, MEM_RESERVE, RW);
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, SpaceTryAllocate(Va, 1, MEM_RESERVE, RW));
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES,
                SpaceTryAllocate(Va - KB64, KB64 + 1, MEM_RESERVE, RW));
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, SpaceTryAllocate(Va + KB64, 1, MEM_RESERVE, RW));
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES,
                SpaceTryAllocate(Va + KB64, 0x2000, MEM_COMMIT, RW)); /* leads out of it */
    SpaceAllocate(Va - KB64, KB64, MEM_RESERVE, RW);
    SpaceAllocate(Va + 2 * KB64, KB64, MEM_RESERVE, RW);
    SpaceFinish();
}

TEST(Allocate_commits_again_without_harm_or_charge)
{
    ULONG_PTR Va;
    ULONG Charge;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 0x1234);
    Charge = SpaceCurrent()->CommitCharge;
    SpaceAllocate(Va, KB64, MEM_COMMIT, RW);
    CHECK_EQUAL(Charge, SpaceCurrent()->CommitCharge);
    CHECK_EQUAL(0x1234, SpaceRead(Va));
    SpaceAllocate(Va, PAGE_SIZE, MEM_COMMIT, PAGE_READONLY); /* but the protection is the new one */
    CHECK_EQUAL(PAGE_READONLY, SpaceQuery(Va).Protect);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va, 1));
    SpaceFinish();
}

TEST(Allocate_charges_page_tables_once_for_4_MB_and_commits_untouched_memory_without_any)
{
    SpaceStart();
    SpaceAllocate(0x400000, KB64, MEM_RESERVE, RW);
    CHECK_EQUAL(1, SpaceCurrent()->CommitCharge);
    SpaceAllocate(0x410000, KB64, MEM_RESERVE, RW);
    CHECK_EQUAL(1, SpaceCurrent()->CommitCharge);
    SpaceAllocate(0x7F0000, 2 * KB64, MEM_RESERVE, RW); /* the next one too */
    CHECK_EQUAL(2, SpaceCurrent()->CommitCharge);
    SpaceAllocate(0x410000, KB64, MEM_COMMIT, RW);
    CHECK_EQUAL(2 + 16, SpaceCurrent()->CommitCharge);
    CHECK_EQUAL(0, SpaceCurrent()->PageTables);
    SpaceFree(0x7F0000, 0, MEM_RELEASE);
    CHECK_EQUAL(1 + 16, SpaceCurrent()->CommitCharge);
    SpaceFinish();
}

TEST(Allocate_fails_cleanly_at_the_commit_limit_and_at_the_process_quota)
{
    ULONG Limit;
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_RESERVE, RW);
    Limit = MiCommit.Limit;
    MiCommit.Limit = MiCommit.Committed + 15;
    CHECK_EQUAL(STATUS_COMMITMENT_LIMIT, SpaceTryAllocate(Va, KB64, MEM_COMMIT, RW));
    CHECK_EQUAL(STATUS_COMMITMENT_LIMIT, SpaceTryAllocate(0, KB64, MEM_COMMIT, RW));
    MiVerifyAll();
    SpaceAllocate(Va, KB64 - PAGE_SIZE, MEM_COMMIT, RW);
    MiCommit.Limit = Limit;
    SpaceCurrent()->QuotaLimit[PsPageFile] = SpaceCurrent()->CommitCharge + 1;
    CHECK_EQUAL(STATUS_PAGEFILE_QUOTA, SpaceTryAllocate(0, 2 * PAGE_SIZE, MEM_COMMIT, RW));
    SpaceAllocate(0, PAGE_SIZE, MEM_COMMIT, RW);
    SpaceCurrent()->QuotaLimit[PsNonPagedPool] = SpaceCurrent()->QuotaUsage[PsNonPagedPool];
    CHECK_EQUAL(STATUS_QUOTA_EXCEEDED, SpaceTryAllocate(0, 1, MEM_RESERVE, RW));
    SpaceFinish();
}

TEST(Allocate_resets_pages_so_that_they_need_not_be_kept)
{
    ULONG_PTR Va;
    PFN_NUMBER Frame;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    SpaceWrite(Va + PAGE_SIZE, 2);
    SpaceAllocate(Va + 1, PAGE_SIZE, MEM_RESET, RW); /* no whole page */
    CHECK(MiReadPte(MiGetPteAddress(Va)).Hard.Dirty);
    SpaceAllocate(Va, PAGE_SIZE, MEM_RESET, RW);
    CHECK(!MiReadPte(MiGetPteAddress(Va)).Hard.Dirty);
    CHECK(MiReadPte(MiGetPteAddress(Va + PAGE_SIZE)).Hard.Dirty);
    Frame = MiReadPte(MiGetPteAddress(Va)).Hard.PageFrameNumber;
    SpaceProtect(Va, PAGE_SIZE, PAGE_NOACCESS);
    CHECK_EQUAL(StandbyPageList, MI_PFN(Frame)->u3.e1.PageLocation);
    SpaceFinish();
}

/* A page that left the working set and waits to be written need not be, either. */
TEST(Allocate_resets_pages_that_are_in_transition)
{
    ULONG_PTR Va;
    ULONG Modified;
    ULONG i;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    for (i = 0; i < 4; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i + 1);
    }
    SpaceProtect(Va + PAGE_SIZE, PAGE_SIZE, PAGE_READONLY);
    SpaceProtect(Va + 2 * PAGE_SIZE, 2 * PAGE_SIZE, PAGE_NOACCESS);
    CHECK_EQUAL(STATUS_SUCCESS, MmAdjustWorkingSetSize((SIZE_T)-1, (SIZE_T)-1, FALSE, TRUE));
    Modified = MiModifiedList.Total;
    SpaceAllocate(Va, 3 * PAGE_SIZE, MEM_RESET, RW);
    CHECK_EQUAL(Modified - 3, MiModifiedList.Total);
    MiVerifyAll();
    CHECK_EQUAL(0, SpaceRead(Va));
    CHECK_EQUAL(PAGE_READONLY, SpaceQuery(Va + PAGE_SIZE).Protect);
    CHECK_EQUAL(PAGE_NOACCESS, SpaceQuery(Va + 2 * PAGE_SIZE).Protect);
    SpaceProtect(Va + 2 * PAGE_SIZE, 2 * PAGE_SIZE, RW);
    CHECK_EQUAL(0, SpaceRead(Va + 2 * PAGE_SIZE));
    CHECK_EQUAL(4, SpaceRead(Va + 3 * PAGE_SIZE));
    SpaceFinish();
}

/* Who writes it, or reads into it, has the frame; what he brings is not lost. */
TEST(Allocate_resets_no_page_in_transition_that_somebody_holds)
{
    PFN_NUMBER Frame;
    ULONG_PTR Va;
    KIRQL OldIrql;

    MmWorldNextUnforced();
    SpaceStart();
    Va = SpaceAllocate(0, PAGE_SIZE, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    CHECK_EQUAL(STATUS_SUCCESS, MmAdjustWorkingSetSize((SIZE_T)-1, (SIZE_T)-1, FALSE, TRUE));
    Frame = MiReadPte(MiGetPteAddress(Va)).Hard.PageFrameNumber;
    OldIrql = MiLockPfn();
    CHECK_EQUAL(STATUS_SUCCESS, MiReferenceFrame(Frame));
    MiUnlockPfn(OldIrql);
    SpaceAllocate(Va, PAGE_SIZE, MEM_RESET, RW);
    CHECK_EQUAL(Frame, MiReadPte(MiGetPteAddress(Va)).Hard.PageFrameNumber);
    OldIrql = MiLockPfn();
    MiDereferenceFrame(Frame);
    MiUnlockPfn(OldIrql);
    MiVerifyAll();
    CHECK_EQUAL(1, SpaceRead(Va));
    SpaceFinish();
}
