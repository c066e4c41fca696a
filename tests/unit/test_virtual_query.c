/* SPDX-License-Identifier: MIT */
/*
 * test_virtual_query.c - NtQueryVirtualMemory.
 */
#include "tests/unit/space_world.h"

static void CheckRegion(ULONG_PTR Va, ULONG_PTR Base, SIZE_T Bytes, ULONG State, ULONG Protect)
{
    MEMORY_BASIC_INFORMATION M = SpaceQuery(Va);

    CHECK_EQUAL(Va & ~0xFFFu, (ULONG_PTR)M.BaseAddress);
    CHECK_EQUAL(Base, (ULONG_PTR)M.AllocationBase);
    CHECK_EQUAL(Bytes, M.RegionSize);
    CHECK_EQUAL(State, M.State);
    CHECK_EQUAL(Protect, M.Protect);
    CHECK_EQUAL(State == MEM_FREE ? 0 : MEM_PRIVATE, M.Type);
    CHECK_EQUAL(State == MEM_FREE ? 0 : PAGE_EXECUTE_READ, M.AllocationProtect);
}

TEST(Query_refuses_each_wrong_argument_with_its_status)
{
    MEMORY_BASIC_INFORMATION M;
    SIZE_T Length = 0;

    SpaceStart();
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS,
                NtQueryVirtualMemory(NtCurrentProcess(), NULL, (MEMORY_INFORMATION_CLASS)1, &M,
                                     sizeof(M), &Length));
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH,
                NtQueryVirtualMemory(NtCurrentProcess(), NULL, MemoryBasicInformation, &M,
                                     sizeof(M) - 1, &Length));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                NtQueryVirtualMemory(NtCurrentProcess(), (PVOID)0x7FFF0000, MemoryBasicInformation,
                                     &M, sizeof(M), &Length));
    CHECK_EQUAL(STATUS_INVALID_HANDLE,
                NtQueryVirtualMemory((HANDLE)2, NULL, MemoryBasicInformation, &M, sizeof(M), NULL));
    CHECK_EQUAL(0, Length);
    CHECK_EQUAL(STATUS_SUCCESS, NtQueryVirtualMemory(NtCurrentProcess(), NULL,
                                                     MemoryBasicInformation, &M, 100, &Length));
    CHECK_EQUAL(28, Length);
    SpaceFinish();
}

TEST(Query_tells_free_reserved_and_committed_pages_apart)
{
    SpaceStart();
    SpaceAllocate(0x100000, 0x900000, MEM_RESERVE, PAGE_EXECUTE_READ);
    SpaceAllocate(0x105000, 0x3000, MEM_COMMIT, PAGE_READWRITE);
    SpaceAllocate(0x108000, 0x1000, MEM_COMMIT, PAGE_READONLY);
    CheckRegion(0, 0, 0x100000, MEM_FREE, PAGE_NOACCESS);
    CheckRegion(0xF123, 0, 0xF1000, MEM_FREE, PAGE_NOACCESS);
    CheckRegion(0x100000, 0x100000, 0x5000, MEM_RESERVE, 0);
    CheckRegion(0x105FFF, 0x100000, 0x3000, MEM_COMMIT, PAGE_READWRITE);
    CheckRegion(0x106000, 0x100000, 0x2000, MEM_COMMIT, PAGE_READWRITE);
    CheckRegion(0x108000, 0x100000, 0x1000, MEM_COMMIT, PAGE_READONLY);
    CheckRegion(0x109000, 0x100000, 0x8F7000, MEM_RESERVE, 0); /* across missing page tables */
    CheckRegion(0xA00000, 0, 0x7FFF0000 - 0xA00000, MEM_FREE, PAGE_NOACCESS);
    SpaceFinish();
}

TEST(Query_sees_no_difference_between_touched_and_untouched_pages)
{
    SpaceStart();
    SpaceAllocate(0x100000, 0x800000, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READ);
    (void)SpaceRead(0x300000);
    (void)SpaceRead(0x700000);
    CheckRegion(0x100000, 0x100000, 0x800000, MEM_COMMIT, PAGE_EXECUTE_READ);
    SpaceProtect(0x300000, 1, PAGE_NOACCESS);
    CheckRegion(0x100000, 0x100000, 0x200000, MEM_COMMIT, PAGE_EXECUTE_READ);
    CheckRegion(0x300000, 0x100000, 0x1000, MEM_COMMIT, PAGE_NOACCESS);
    SpaceFinish();
}

TEST(Query_looks_into_another_process)
{
    PEPROCESS Other;
    MEMORY_BASIC_INFORMATION M;

    SpaceStart();
    Other = SpaceCurrent();
    SpaceAllocate(0x100000, KB64, MEM_RESERVE, PAGE_READWRITE);
    SpaceEnter(SpaceProcess());
    CHECK_EQUAL(MEM_FREE, SpaceQuery(0x100000).State);
    CHECK_EQUAL(STATUS_SUCCESS, NtQueryVirtualMemory(SpaceHandle(Other), (PVOID)0x100000,
                                                     MemoryBasicInformation, &M, sizeof(M), NULL));
    CHECK_EQUAL(MEM_RESERVE, M.State);
    SpaceFinish();
}
