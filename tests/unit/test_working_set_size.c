/* SPDX-License-Identifier: MIT */
/*
 * test_working_set_size.c - limits of working sets: what is refused, promised, and done.
 */
#include "tests/unit/space_world.h"

#include "mm/pfn/memory_events.h"
#include "mm/space/working_set_size.h"
#include "mm/ws/wsle.h"
#include "process_information.h"

#define RW      PAGE_READWRITE
#define P(n)    ((SIZE_T)(n) << PAGE_SHIFT)
#define NOTHING ((SIZE_T)-1)

static PMMSUPPORT WorkingSet(void)
{
    return &SpaceCurrent()->Vm;
}

static NTSTATUS Adjust(SIZE_T Minimum, SIZE_T Maximum)
{
    return MmAdjustWorkingSetSize(Minimum, Maximum, FALSE, TRUE);
}

static void Touch(ULONG_PTR Va, ULONG Pages)
{
    ULONG i;

    for (i = 0; i < Pages; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i + 1);
    }
}

TEST(WorkingSetSize_has_the_documented_defaults_and_borders)
{
    SpaceStart();
    CHECK_EQUAL(50, WorkingSet()->MinimumWorkingSetSize);
    CHECK_EQUAL(345, WorkingSet()->MaximumWorkingSetSize);
    CHECK_EQUAL(STATUS_BAD_WORKING_SET_LIMIT, Adjust(P(2), P(12)));
    CHECK_EQUAL(STATUS_BAD_WORKING_SET_LIMIT, Adjust(P(101), P(100)));
    CHECK_EQUAL(STATUS_BAD_WORKING_SET_LIMIT, Adjust(P(20), P(MiMaximumWorkingSetPages + 1)));
    CHECK_EQUAL(STATUS_BAD_WORKING_SET_LIMIT, Adjust(P(20), NOTHING));
    CHECK_EQUAL(STATUS_BAD_WORKING_SET_LIMIT, Adjust(NOTHING, P(100)));
    CHECK_EQUAL(50, WorkingSet()->MinimumWorkingSetSize);
    CHECK_EQUAL(STATUS_SUCCESS, Adjust(1, P(13)));
    CHECK_EQUAL(20, WorkingSet()->MinimumWorkingSetSize);
    CHECK_EQUAL(20, WorkingSet()->MaximumWorkingSetSize);
    CHECK_EQUAL(STATUS_SUCCESS, Adjust(P(30) + 1, P(MiMaximumWorkingSetPages)));
    CHECK_EQUAL(31, WorkingSet()->MinimumWorkingSetSize);
    SpaceFinish();
}

TEST(WorkingSetSize_minimum_is_promised_or_refused)
{
    ULONG Resident;

    SpaceStart();
    Resident = MiCommit.ResidentAvailable;
    CHECK_EQUAL(STATUS_SUCCESS, Adjust(P(150), P(300)));
    CHECK_EQUAL(Resident - 100, MiCommit.ResidentAvailable);
    CHECK_EQUAL(STATUS_SUCCESS, Adjust(P(20), P(300)));
    CHECK_EQUAL(Resident + 30, MiCommit.ResidentAvailable);
    MiCommit.ResidentAvailable = 29;
    CHECK_EQUAL(STATUS_WORKING_SET_QUOTA, Adjust(P(50), P(345)));
    CHECK_EQUAL(300, WorkingSet()->MaximumWorkingSetSize);
    MiCommit.ResidentAvailable = Resident + 30;
    SpaceFinish(); /* the balance */
}

/* Else no page but the locked ones would have room. */
TEST(WorkingSetSize_maximum_has_room_for_more_than_what_is_locked)
{
    SIZE_T Bytes = P(80);
    PVOID Base;

    SpaceStart();
    CHECK_EQUAL(STATUS_SUCCESS, Adjust(P(120), P(300)));
    Base = (PVOID)SpaceAllocate(0, P(80), MEM_COMMIT, RW);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtLockVirtualMemory(NtCurrentProcess(), &Base, &Bytes, MAP_PROCESS));
    CHECK_EQUAL(STATUS_BAD_WORKING_SET_LIMIT, Adjust(P(20), P(87)));
    CHECK_EQUAL(300, WorkingSet()->MaximumWorkingSetSize);
    CHECK_EQUAL(STATUS_SUCCESS, Adjust(P(20), P(88)));
    CHECK_EQUAL(STATUS_SUCCESS,
                NtUnlockVirtualMemory(NtCurrentProcess(), &Base, &Bytes, MAP_PROCESS));
    CHECK_EQUAL(STATUS_SUCCESS, Adjust(P(20), P(20)));
    SpaceFinish();
}

TEST(WorkingSetSize_is_raised_only_by_who_may)
{
    SpaceStart();
    CHECK_EQUAL(STATUS_PRIVILEGE_NOT_HELD, MmAdjustWorkingSetSize(P(50), P(346), FALSE, FALSE));
    CHECK_EQUAL(STATUS_SUCCESS, MmAdjustWorkingSetSize(P(50), P(345), FALSE, FALSE));
    SpaceFinish();
}

TEST(WorkingSetSize_of_minus_one_twice_empties_it_and_keeps_the_limits)
{
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    Touch(Va, 10);
    CHECK_EQUAL(STATUS_SUCCESS, Adjust(NOTHING, NOTHING));
    CHECK_EQUAL(1, WorkingSet()->WorkingSetSize); /* the page table of pages in transition */
    CHECK_EQUAL(345, WorkingSet()->MaximumWorkingSetSize);
    CHECK_EQUAL(10, SpaceRead(Va + 9 * PAGE_SIZE));
    SpaceFinish();
}

TEST(WorkingSetSize_lowered_below_the_size_takes_pages)
{
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, 2 * KB64, MEM_COMMIT, RW);
    Touch(Va, 32);
    CHECK_EQUAL(STATUS_SUCCESS, Adjust(P(20), P(25)));
    CHECK_EQUAL(25, WorkingSet()->WorkingSetSize);
    SpaceFinish();
}

TEST(WorkingSetSize_maximum_is_kept_when_hard_and_passed_when_memory_is_ample)
{
    ULONG_PTR Va;
    ULONG i;

    SpaceStart();
    Va = SpaceAllocate(0, 4 * KB64, MEM_COMMIT, RW);
    CHECK_EQUAL(STATUS_SUCCESS, Adjust(P(20), P(20)));
    Touch(Va, 30);
    CHECK_EQUAL(1 + 30, WorkingSet()->WorkingSetSize); /* the page table, too */
    CHECK_EQUAL(STATUS_SUCCESS, MmAdjustWorkingSetSizeEx(P(20), P(20), FALSE, TRUE,
                                                         QUOTA_LIMITS_HARDWS_MAX_ENABLE));
    Touch(Va, 60);
    CHECK_EQUAL(20, WorkingSet()->WorkingSetSize);
    for (i = 0; i < 60; i++) {
        CHECK_EQUAL(i + 1, SpaceRead(Va + i * PAGE_SIZE));
    }
    CHECK_EQUAL(20, WorkingSet()->WorkingSetSize);
    CHECK_EQUAL(STATUS_SUCCESS, MmAdjustWorkingSetSizeEx(P(20), P(20), FALSE, TRUE,
                                                         QUOTA_LIMITS_HARDWS_MAX_DISABLE));
    Touch(Va, 60);
    CHECK_EQUAL(1 + 60, WorkingSet()->WorkingSetSize);
    SpaceFinish();
}

static PFN_NUMBER Hoard[SPACE_FRAMES];

TEST(WorkingSetSize_maximum_holds_when_memory_is_not_ample)
{
    ULONG Hoarded;
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, 4 * KB64, MEM_COMMIT, RW);
    CHECK_EQUAL(STATUS_SUCCESS, Adjust(P(20), P(20)));
    for (Hoarded = 0; MiGlanceAtMemory(MiMemoryAmple); Hoarded++) {
        CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &Hoard[Hoarded]));
    }
    Touch(Va, 40);
    CHECK_EQUAL(20, WorkingSet()->WorkingSetSize);
    while (Hoarded != 0) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
    SpaceFinish();
}

TEST(WorkingSetSize_flags_without_sense_are_refused)
{
    SpaceStart();
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MmAdjustWorkingSetSizeEx(P(20), P(50), FALSE, TRUE, 3));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MmAdjustWorkingSetSizeEx(P(20), P(50), FALSE, TRUE, 12));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MmAdjustWorkingSetSizeEx(P(20), P(50), FALSE, TRUE, 16));
    SpaceFinish();
}

TEST(WorkingSetSize_of_the_system_is_set_by_itself)
{
    ULONG Minimum;
    ULONG Resident;

    SpaceStart();
    Minimum = MiSystemCacheWorkingSet.MinimumWorkingSetSize;
    Resident = MiCommit.ResidentAvailable;
    CHECK_EQUAL(STATUS_SUCCESS, MmAdjustWorkingSetSize(P(100), P(1000), TRUE, TRUE));
    CHECK_EQUAL(100, MiSystemCacheWorkingSet.MinimumWorkingSetSize);
    CHECK_EQUAL(Resident - 100 + Minimum, MiCommit.ResidentAvailable);
    CHECK_EQUAL(50, WorkingSet()->MinimumWorkingSetSize);
    MiReturnResidentAvailable(100 - Minimum);
    MiSystemCacheWorkingSet.MinimumWorkingSetSize = Minimum;
    SpaceFinish();
}
