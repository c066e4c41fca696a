/* SPDX-License-Identifier: MIT */
/*
 * test_virtual_free.c - NtFreeVirtualMemory.
 */
#include "tests/unit/space_world.h"

#define RW PAGE_READWRITE

TEST(Free_refuses_each_wrong_argument_with_its_status)
{
    static const struct {
        ULONG_PTR Base;
        SIZE_T Bytes;
        ULONG Type;
        NTSTATUS Status;
    } Rows[] = {
        {0x100000, 0, 0, STATUS_INVALID_PARAMETER_4},
        {0x100000, 0, MEM_RELEASE | MEM_DECOMMIT, STATUS_INVALID_PARAMETER_4},
        {0x100000, 0, MEM_COMMIT, STATUS_INVALID_PARAMETER_4},
        {0x80000000, 0, MEM_RELEASE, STATUS_INVALID_PARAMETER_2},
        {0x100000, 0x7FF00000, MEM_RELEASE, STATUS_INVALID_PARAMETER_3},
        {0x300000, 0, MEM_RELEASE, STATUS_MEMORY_NOT_ALLOCATED},
        {0x300000, 1, MEM_DECOMMIT, STATUS_MEMORY_NOT_ALLOCATED},
        {0x101000, 0, MEM_RELEASE, STATUS_FREE_VM_NOT_AT_BASE},
        {0x101000, 0, MEM_DECOMMIT, STATUS_FREE_VM_NOT_AT_BASE},
        {0x100000, 0x11000, MEM_RELEASE, STATUS_UNABLE_TO_FREE_VM},
        {0x100000, 0x11000, MEM_DECOMMIT, STATUS_UNABLE_TO_FREE_VM},
        {0x100000, 0x1000, MEM_RELEASE, STATUS_UNABLE_TO_FREE_VM},
        {0x101000, 0xF000, MEM_RELEASE, STATUS_UNABLE_TO_FREE_VM},
    };
    ULONG i;

    SpaceStart();
    SpaceAllocate(0x100000, KB64, MEM_COMMIT | MEM_RESERVE, RW);
    for (i = 0; i < RTL_NUMBER_OF(Rows); i++) {
        NTSTATUS Status = SpaceTryFree(Rows[i].Base, Rows[i].Bytes, Rows[i].Type);

        if (Status != Rows[i].Status) {
            TestFail(__FILE__, __LINE__, "row %u gives %08x", (unsigned)i, (unsigned)Status);
        }
    }
    CHECK_EQUAL(16 + 1, SpaceCurrent()->CommitCharge);
    SpaceFree(0x100000, KB64, MEM_RELEASE); /* the whole size will do */
    SpaceFinish();
}

TEST(Free_decommits_pages_whose_contents_and_charge_are_gone_then)
{
    MEMORY_BASIC_INFORMATION Information;
    ULONG_PTR Va;
    ULONG Value;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    SpaceWrite(Va + 4 * PAGE_SIZE, 4);
    SpaceFree(Va + 4 * PAGE_SIZE, 2 * PAGE_SIZE, MEM_DECOMMIT);
    CHECK_EQUAL(14 + 1, SpaceCurrent()->CommitCharge);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(Va + 4 * PAGE_SIZE, &Value));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(Va + 5 * PAGE_SIZE, &Value));
    CHECK_EQUAL(1, SpaceRead(Va));
    Information = SpaceQuery(Va + 4 * PAGE_SIZE);
    CHECK_EQUAL(MEM_RESERVE, Information.State);
    CHECK_EQUAL(2 * PAGE_SIZE, Information.RegionSize);
    SpaceFree(Va + 4 * PAGE_SIZE, 2 * PAGE_SIZE, MEM_DECOMMIT); /* again: no harm */
    CHECK_EQUAL(14 + 1, SpaceCurrent()->CommitCharge);
    SpaceAllocate(Va + 4 * PAGE_SIZE, PAGE_SIZE, MEM_COMMIT, RW);
    CHECK_EQUAL(0, SpaceRead(Va + 4 * PAGE_SIZE));
    SpaceFinish();
}

TEST(Free_decommits_all_of_a_reservation_and_keeps_it)
{
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, 0x800000, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    SpaceWrite(Va + 0x600000, 2);
    CHECK_EQUAL(2, SpaceCurrent()->PageTables);
    SpaceFree(Va, 0, MEM_DECOMMIT);
    CHECK_EQUAL(0, SpaceCurrent()->PageTables);
    CHECK_EQUAL(0, SpaceCurrent()->Vm.WorkingSetSize);
    CHECK_EQUAL(3, SpaceCurrent()->CommitCharge); /* page tables that it may need */
    CHECK_EQUAL(MEM_RESERVE, SpaceQuery(Va).State);
    SpaceAllocate(Va, PAGE_SIZE, MEM_COMMIT, RW);
    CHECK_EQUAL(0, SpaceRead(Va));
    SpaceFinish();
}

TEST(Free_releases_everything_at_once)
{
    ULONG_PTR Va;
    ULONG Value;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    SpaceProtect(Va + PAGE_SIZE, PAGE_SIZE, PAGE_NOACCESS);
    SpaceFree(Va, 0, MEM_RELEASE);
    CHECK_EQUAL(0, SpaceCurrent()->CommitCharge);
    CHECK_EQUAL(0, SpaceCurrent()->VirtualSize);
    CHECK_EQUAL(0, SpaceCurrent()->PageTables);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(Va, &Value));
    CHECK_EQUAL(MEM_FREE, SpaceQuery(Va).State);
    SpaceFinish();
}

TEST(Free_needs_no_memory_but_for_the_page_table_of_a_partial_decommit)
{
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    MiFailFrameAllocation = 1;
    CHECK_EQUAL(STATUS_NO_MEMORY, SpaceTryFree(Va, PAGE_SIZE, MEM_DECOMMIT));
    CHECK_EQUAL(16 + 1, SpaceCurrent()->CommitCharge);
    MiFailFrameAllocation = 1;
    SpaceFree(Va, 0, MEM_DECOMMIT);
    SpaceFree(Va, 0, MEM_RELEASE);
    CHECK_EQUAL(1, MiFailFrameAllocation);
    MiFailFrameAllocation = 0;
    SpaceFinish();
}
