/* SPDX-License-Identifier: MIT */
/*
 * test_balance_set.c - the manager's thread: its seconds, and what a shortage makes of it.
 */
#include "mm/balance/balance_set.h"

#include "ex.h"
#include "mm/balance/swapper.h"
#include "mm/pfn/pfn_database.h"
#include "mm/ws/wsle.h"
#include "tests/unit/space_world.h"

#define PAGES 800u

static PFN_NUMBER Hoard[SPACE_FRAMES];
static ULONG Hoarded;

static void Sleep(LONG Milliseconds)
{
    LARGE_INTEGER Time = {.QuadPart = -10000LL * Milliseconds};

    KeDelayExecutionThread(KernelMode, FALSE, &Time);
}

static void Manager(PVOID Context)
{
    KeBalanceSetManager(Context);
}

static ULONG_PTR Start(void)
{
    ULONG_PTR Va;
    ULONG i;

    SpaceStart();
    HostStartClock();
    Hoarded = 0;
    MiBalanceCounters = (MI_BALANCE_COUNTERS){0};
    Va = SpaceAllocate(0, PAGES * PAGE_SIZE, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    for (i = 0; i < PAGES; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i);
    }
    KeSetPriorityThread(HostKernelThread(HostThreadCreate(Manager, NULL)), MI_BALANCE_SET_PRIORITY);
    return Va;
}

static void Finish(void)
{
    while (Hoarded != 0) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
    SpaceFinish();
}

TEST(BalanceSetManager_ages_each_second_and_looks_for_stacks_each_fourth)
{
    LARGE_INTEGER Now = {.QuadPart = 0};

    (void)Start();
    Sleep(3500);
    CHECK_EQUAL(3, MiBalanceCounters.Seconds);
    CHECK(MiBalanceCounters.Aged > 3 * PAGES / 8);
    CHECK_EQUAL(STATUS_TIMEOUT,
                KeWaitForSingleObject(&KiSwapEvent, Executive, KernelMode, FALSE, &Now));
    Sleep(1000);
    CHECK_EQUAL(STATUS_SUCCESS,
                KeWaitForSingleObject(&KiSwapEvent, Executive, KernelMode, FALSE, &Now));
    CHECK_EQUAL(0, MiBalanceCounters.Alarms);
    Finish();
}

TEST(BalanceSetManager_adjusts_lookaside_lists_each_second)
{
    NPAGED_LOOKASIDE_LIST List;
    USHORT Depth;

    (void)Start();
    ExInitializeNPagedLookasideList(&List, NULL, NULL, 0, 64, 0x74736554, 0);
    Depth = List.L.Depth;
    Sleep(1500);
    CHECK_EQUAL(Depth / 2, List.L.Depth);
    Sleep(1000);
    CHECK_EQUAL(Depth / 4, List.L.Depth);
    ExDeleteNPagedLookasideList(&List);
    Finish();
}

TEST(BalanceSetManager_trims_at_once_when_memory_comes_under_pressure)
{
    ULONG_PTR Va = Start();
    ULONG i;

    Sleep(100);
    while (MiAvailablePages >= MiPressurePages(MiPhysicalPages)) {
        CHECK_EQUAL(0, MiBalanceCounters.Trimmed);
        CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &Hoard[Hoarded]));
        Hoarded++;
    }
    CHECK_EQUAL(1, MiBalanceCounters.Alarms); /* of higher priority: it has run */
    CHECK(MiBalanceCounters.Trimmed > 100);
    for (i = 0; i < PAGES; i++) {
        CHECK_EQUAL(i, SpaceRead(Va + i * PAGE_SIZE));
    }
    Finish();
}

static void HoldMutex(PVOID Context)
{
    ExAcquireFastMutex(&((PEPROCESS)Context)->AddressCreationLock);
    Sleep(300);
    ExReleaseFastMutex(&((PEPROCESS)Context)->AddressCreationLock);
}

TEST(BalanceSetManager_comes_back_for_who_was_busy_before_the_second_is_over)
{
    ULONG System;

    (void)Start();
    System = MiSystemCacheWorkingSet.WorkingSetSize; /* nobody is busy with that one */
    HostThreadCreate(HoldMutex, SpaceCurrent());
    Sleep(50);
    while (MiAvailablePages > 4) {
        CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &Hoard[Hoarded]));
        Hoarded++;
    }
    Sleep(100);
    CHECK(MiBalanceCounters.Trimmed <= System);
    CHECK(MiBalanceCounters.Busy != 0 && MiBalanceCounters.Busy < 200); /* waits, does not spin */
    Sleep(300);
    CHECK(MiBalanceCounters.Trimmed > 100);
    CHECK_EQUAL(0, MiBalanceCounters.Seconds);
    Finish();
}
