/* SPDX-License-Identifier: MIT */
/*
 * test_virtual_protect.c - NtProtectVirtualMemory.
 */
#include "tests/unit/space_world.h"

#define RW PAGE_READWRITE

TEST(Protect_refuses_each_wrong_argument_with_its_status)
{
    static const struct {
        ULONG_PTR Base;
        SIZE_T Bytes;
        ULONG Protect;
        NTSTATUS Status;
    } Rows[] = {
        {0x80000000, 1, RW, STATUS_INVALID_PARAMETER_2},
        {0x100000, 0, RW, STATUS_INVALID_PARAMETER_3},
        {0x100000, 0x7FF00000, RW, STATUS_INVALID_PARAMETER_3},
        {0x100000, 1, 0, STATUS_INVALID_PAGE_PROTECTION},
        {0x100000, 1, PAGE_READONLY | RW, STATUS_INVALID_PAGE_PROTECTION},
        {0x100000, 1, PAGE_NOACCESS | PAGE_GUARD, STATUS_INVALID_PAGE_PROTECTION},
        {0x100000, 1, PAGE_WRITECOPY, STATUS_INVALID_PAGE_PROTECTION},
        {0x300000, 1, RW, STATUS_CONFLICTING_ADDRESSES},
        {0x100000, 0x11000, RW, STATUS_CONFLICTING_ADDRESSES},
        {0x108000, 0x2000, RW, STATUS_NOT_COMMITTED},
        {0x200000, 0x1000, RW, STATUS_NOT_COMMITTED},
    };
    ULONG i;

    SpaceStart();
    SpaceAllocate(0x100000, KB64, MEM_RESERVE, RW);
    SpaceAllocate(0x100000, 0x9000, MEM_COMMIT, RW);
    SpaceAllocate(0x200000, KB64, MEM_RESERVE, RW);
    for (i = 0; i < RTL_NUMBER_OF(Rows); i++) {
        NTSTATUS Status = SpaceTryProtect(Rows[i].Base, Rows[i].Bytes, Rows[i].Protect);

        if (Status != Rows[i].Status) {
            TestFail(__FILE__, __LINE__, "row %u gives %08x", (unsigned)i, (unsigned)Status);
        }
    }
    SpaceFinish();
}

TEST(Protect_takes_rights_away_and_gives_them_back_with_the_contents)
{
    ULONG_PTR Va;
    ULONG Value;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 0xAA);
    CHECK_EQUAL(RW, SpaceProtect(Va, 1, PAGE_READONLY));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va, 1));
    CHECK_EQUAL(0xAA, SpaceRead(Va));
    CHECK_EQUAL(PAGE_READONLY, SpaceProtect(Va, 1, PAGE_NOACCESS));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(Va, &Value));
    CHECK_EQUAL(PAGE_NOACCESS, SpaceProtect(Va, 1, PAGE_EXECUTE_READWRITE));
    CHECK_EQUAL(0xAA, SpaceRead(Va));
    SpaceWrite(Va, 0xBB);
    CHECK_EQUAL(PAGE_EXECUTE_READWRITE, SpaceQuery(Va).Protect);
    CHECK_EQUAL(RW, SpaceQuery(Va).AllocationProtect);
    CHECK_EQUAL(16 + 1, SpaceCurrent()->CommitCharge);
    SpaceFinish();
}

TEST(Protect_changes_whole_pages_of_untouched_memory_too)
{
    ULONG_PTR Va;
    PVOID Base;
    SIZE_T Bytes = 2;
    ULONG Old;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    Base = (PVOID)(Va + PAGE_SIZE - 1);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtProtectVirtualMemory(NtCurrentProcess(), &Base, &Bytes, PAGE_READONLY, &Old));
    CHECK_EQUAL(Va, (ULONG_PTR)Base);
    CHECK_EQUAL(2 * PAGE_SIZE, Bytes);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va + PAGE_SIZE, 1));
    SpaceWrite(Va + 2 * PAGE_SIZE, 1);
    CHECK_EQUAL(0, SpaceRead(Va));
    SpaceFinish();
}

TEST(Protect_of_dirty_pages_keeps_them_for_the_paging_file)
{
    ULONG_PTR Va;
    PFN_NUMBER Frame;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    Frame = MiReadPte(MiGetPteAddress(Va)).Hard.PageFrameNumber;
    CHECK(!MI_PFN(Frame)->u3.e1.Modified);
    SpaceProtect(Va, 1, PAGE_READONLY);
    CHECK(MI_PFN(Frame)->u3.e1.Modified);
    SpaceProtect(Va, 1, PAGE_NOACCESS);
    CHECK_EQUAL(ModifiedPageList, MI_PFN(Frame)->u3.e1.PageLocation);
    SpaceFinish();
}

TEST(Protect_without_a_frame_for_a_page_table_changes_nothing)
{
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0x3F0000, 2 * KB64, MEM_COMMIT | MEM_RESERVE, RW);
    MiFailFrameAllocation = 2; /* the second table */
    CHECK_EQUAL(STATUS_NO_MEMORY, SpaceTryProtect(Va, 2 * KB64, PAGE_READONLY));
    CHECK_EQUAL(0, SpaceCurrent()->PageTables);
    CHECK_EQUAL(RW, SpaceQuery(Va).Protect);
    SpaceFinish();
}
