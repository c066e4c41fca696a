/* SPDX-License-Identifier: MIT */
/*
 * test_virtual_lock.c - NtLockVirtualMemory and NtUnlockVirtualMemory.
 */
#include "tests/unit/space_world.h"

#define RW PAGE_READWRITE

static NTSTATUS Lock(ULONG_PTR Base, SIZE_T Bytes, ULONG Type)
{
    PVOID Va = (PVOID)Base;

    return NtLockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, Type);
}

static NTSTATUS Unlock(ULONG_PTR Base, SIZE_T Bytes, ULONG Type)
{
    PVOID Va = (PVOID)Base;

    return NtUnlockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, Type);
}

TEST(Lock_refuses_each_wrong_argument_with_its_status)
{
    SpaceStart();
    SpaceAllocate(0x100000, KB64, MEM_RESERVE, RW);
    SpaceAllocate(0x100000, 2 * PAGE_SIZE, MEM_COMMIT, RW);
    SpaceProtect(0x101000, 1, PAGE_NOACCESS);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_4, Lock(0x100000, 1, 0));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_4, Lock(0x100000, 1, 4));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_2, Lock(0x90000000, 1, MAP_PROCESS));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_3, Lock(0x100000, 0, MAP_PROCESS));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_3, Lock(0x100000, 0x7FFFFFFF, MAP_PROCESS));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, Lock(0x300000, 1, MAP_PROCESS));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, Lock(0x100000, 2 * PAGE_SIZE, MAP_PROCESS));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, Lock(0x102000, 1, MAP_SYSTEM));
    CHECK_EQUAL(STATUS_NOT_LOCKED, Unlock(0x100000, 1, MAP_PROCESS));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_4, Unlock(0x100000, 1, 8));
    CHECK_EQUAL(0, SpaceCurrent()->Vm.LockedPages);
    SpaceFinish();
}

TEST(Lock_makes_pages_resident_and_counts_no_locks)
{
    ULONG_PTR Va;
    ULONG Resident;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    Resident = MiCommit.ResidentAvailable;
    CHECK_EQUAL(STATUS_SUCCESS, Lock(Va, 3 * PAGE_SIZE, MAP_PROCESS));
    CHECK_EQUAL(3, SpaceCurrent()->Vm.LockedPages);
    CHECK_EQUAL(3 + 1, SpaceCurrent()->Vm.WorkingSetSize); /* the page table is not locked */
    CHECK_EQUAL(Resident - 3, MiCommit.ResidentAvailable);
    CHECK_EQUAL(STATUS_WAS_LOCKED, Lock(Va + 2 * PAGE_SIZE, 2 * PAGE_SIZE, MAP_PROCESS));
    CHECK_EQUAL(4, SpaceCurrent()->Vm.LockedPages);
    CHECK_EQUAL(STATUS_NOT_LOCKED, Unlock(Va, 5 * PAGE_SIZE, MAP_PROCESS));
    CHECK_EQUAL(4, SpaceCurrent()->Vm.LockedPages);
    CHECK_EQUAL(STATUS_SUCCESS, Unlock(Va, 4 * PAGE_SIZE, MAP_PROCESS));
    CHECK_EQUAL(Resident, MiCommit.ResidentAvailable);
    SpaceFinish();
}

TEST(Lock_in_the_working_set_and_in_memory_are_two_locks_and_one_promise)
{
    ULONG_PTR Va;
    ULONG Resident;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    Resident = MiCommit.ResidentAvailable;
    CHECK_EQUAL(STATUS_SUCCESS, Lock(Va, PAGE_SIZE, MAP_PROCESS));
    CHECK_EQUAL(STATUS_SUCCESS, Lock(Va, PAGE_SIZE, MAP_SYSTEM));
    CHECK_EQUAL(Resident - 1, MiCommit.ResidentAvailable);
    CHECK_EQUAL(1, SpaceCurrent()->Vm.LockedPages);
    CHECK_EQUAL(6, MiQueryUserPageLocks(SpaceCurrent(), Va));
    CHECK_EQUAL(STATUS_SUCCESS, Unlock(Va, PAGE_SIZE, MAP_PROCESS));
    CHECK_EQUAL(STATUS_NOT_LOCKED, Unlock(Va, PAGE_SIZE, MAP_PROCESS | MAP_SYSTEM));
    CHECK_EQUAL(Resident - 1, MiCommit.ResidentAvailable);
    CHECK_EQUAL(STATUS_WAS_LOCKED, Lock(Va, PAGE_SIZE, MAP_PROCESS | MAP_SYSTEM));
    CHECK_EQUAL(STATUS_SUCCESS, Unlock(Va, PAGE_SIZE, MAP_PROCESS | MAP_SYSTEM));
    CHECK_EQUAL(Resident, MiCommit.ResidentAvailable);
    SpaceFinish();
}

TEST(Lock_ends_with_the_page)
{
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    CHECK_EQUAL(STATUS_SUCCESS, Lock(Va, 3 * PAGE_SIZE, MAP_PROCESS));
    SpaceFree(Va, PAGE_SIZE, MEM_DECOMMIT);
    CHECK_EQUAL(2, SpaceCurrent()->Vm.LockedPages);
    SpaceProtect(Va + PAGE_SIZE, PAGE_SIZE, PAGE_NOACCESS);
    CHECK_EQUAL(1, SpaceCurrent()->Vm.LockedPages);
    SpaceProtect(Va + 2 * PAGE_SIZE, PAGE_SIZE, PAGE_READONLY);
    CHECK_EQUAL(1, SpaceCurrent()->Vm.LockedPages);
    SpaceFinish(); /* the balance has the last one */
}

TEST(Lock_stops_at_the_minimum_working_set_and_at_a_guard_page)
{
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, 2 * KB64, MEM_COMMIT, RW);
    SpaceAllocate(0x400000, 4 * KB64, MEM_COMMIT | MEM_RESERVE, RW);
    CHECK_EQUAL(STATUS_WORKING_SET_QUOTA, Lock(0x400000, 43 * PAGE_SIZE, MAP_PROCESS));
    CHECK_EQUAL(0, SpaceCurrent()->Vm.LockedPages);
    CHECK_EQUAL(STATUS_SUCCESS, Lock(0x400000, 42 * PAGE_SIZE, MAP_PROCESS));
    CHECK_EQUAL(STATUS_WORKING_SET_QUOTA, Lock(Va, 1, MAP_PROCESS));
    CHECK_EQUAL(STATUS_SUCCESS, Unlock(0x400000, 42 * PAGE_SIZE, MAP_PROCESS));
    SpaceProtect(Va, 1, RW | PAGE_GUARD);
    CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION, Lock(Va, 1, MAP_PROCESS));
    CHECK_EQUAL(STATUS_SUCCESS, Lock(Va, 1, MAP_PROCESS));
    SpaceFinish();
}

TEST(Lock_undoes_its_part_when_no_page_more_can_be_promised)
{
    ULONG_PTR Va;
    ULONG Resident;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    CHECK_EQUAL(STATUS_SUCCESS, Lock(Va, PAGE_SIZE, MAP_PROCESS));
    Resident = MiCommit.ResidentAvailable;
    MiCommit.ResidentAvailable = 2;
    CHECK_EQUAL(STATUS_WORKING_SET_QUOTA, Lock(Va, 4 * PAGE_SIZE, MAP_PROCESS));
    CHECK_EQUAL(2, MiCommit.ResidentAvailable);
    MiCommit.ResidentAvailable = Resident;
    CHECK_EQUAL(1, SpaceCurrent()->Vm.LockedPages);
    SpaceFinish();
}

TEST(Unlock_of_what_is_not_locked_takes_it_out_of_the_working_set)
{
    ULONG_PTR Va;
    ULONG i;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    for (i = 0; i < 3; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i + 1);
    }
    CHECK_EQUAL(STATUS_SUCCESS, Lock(Va + PAGE_SIZE, PAGE_SIZE, MAP_PROCESS));
    CHECK_EQUAL(STATUS_NOT_LOCKED, Unlock(Va, KB64, MAP_PROCESS));
    CHECK_EQUAL(1 + 1, SpaceCurrent()->Vm.WorkingSetSize); /* the locked one, and the table */
    CHECK(!MiReadPte(MiGetPteAddress(Va)).Hard.Valid);
    CHECK(MiReadPte(MiGetPteAddress(Va + PAGE_SIZE)).Hard.Valid);
    CHECK_EQUAL(1, SpaceCurrent()->Vm.LockedPages);
    for (i = 0; i < 3; i++) {
        CHECK_EQUAL(i + 1, SpaceRead(Va + i * PAGE_SIZE));
    }
    CHECK_EQUAL(STATUS_NOT_LOCKED, Unlock(0x30000000, 0x10000000, MAP_PROCESS)); /* no tables */
    MiVerifyAll();
    SpaceFinish();
}
