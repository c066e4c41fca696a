/* SPDX-License-Identifier: MIT */
/*
 * test_working_set_manager.c - rounds: how much leaves, whose pages, and who is passed by.
 */
#include "mm/balance/balance_set.h"

#include "mm/pfn/pfn_database.h"
#include "tests/unit/space_world.h"

#define PAGES 800u

static PFN_NUMBER Hoard[SPACE_FRAMES];
static ULONG Hoarded;

static void LeaveFrames(ULONG Leave)
{
    while (MiAvailablePages > Leave) {
        CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &Hoard[Hoarded]));
        Hoarded++;
    }
}

static void GiveBack(void)
{
    while (Hoarded != 0) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
}

static void Touch(ULONG_PTR Va, ULONG Pages)
{
    ULONG i;

    for (i = 0; i < Pages; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i ^ 0x5A5A);
    }
}

static ULONG_PTR Start(ULONG Pages)
{
    ULONG_PTR Va;

    SpaceStart();
    Hoarded = 0;
    MiBalanceCounters = (MI_BALANCE_COUNTERS){0};
    Va = SpaceAllocate(0, Pages * PAGE_SIZE, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    Touch(Va, Pages);
    return Va;
}

/* => How many of Pages from Va on are valid. */
static ULONG CountValid(ULONG_PTR Va, ULONG Pages)
{
    ULONG Valid = 0;
    ULONG i;

    for (i = 0; i < Pages; i++) {
        Valid += MiReadPte(MiGetPteAddress(Va + i * PAGE_SIZE)).Hard.Valid;
    }
    return Valid;
}

TEST(Manager_takes_nothing_while_there_is_memory)
{
    ULONG_PTR Va = Start(PAGES);

    CHECK(!MmWorkingSetManager(FALSE));
    CHECK(!MmWorkingSetManager(TRUE));
    CHECK_EQUAL(0, MiBalanceCounters.Trims);
    CHECK_EQUAL(PAGES, CountValid(Va, PAGES));
    CHECK(MiBalanceCounters.Aged != 0);
    SpaceFinish();
}

TEST(Manager_takes_as_much_as_is_missing_to_ample_and_contents_stay)
{
    ULONG Ample = MiAmplePages(SPACE_FRAMES);
    ULONG_PTR Va;
    ULONG Left;
    ULONG i;

    MmWorldNextUnforced(); /* a trim makes other modified pages */
    Va = Start(PAGES);
    LeaveFrames(MiPressurePages(MiPhysicalPages) - 1);
    CHECK(!MmWorkingSetManager(FALSE));
    Left = PAGES - CountValid(Va, PAGES);
    CHECK_EQUAL(MiBalanceCounters.Trimmed, Left);
    CHECK(Left >= Ample - MiPressurePages(SPACE_FRAMES) - 2 && Left <= Ample);
    CHECK_EQUAL(Left, MiPageCounts[ModifiedPageList]);
    CHECK_EQUAL(1, MiBalanceCounters.LastPasses);        /* none was old */
    CHECK(MiBalanceCounters.Aged >= (PAGES - Left) / 2); /* so as to know next time: half of them */
    MiVerifyAll();
    GiveBack();
    for (i = 0; i < PAGES; i++) {
        CHECK_EQUAL(i ^ 0x5A5A, SpaceRead(Va + i * PAGE_SIZE));
    }
    SpaceFinish();
}

/* The first half is not accessed for long, the other one all the time. */
TEST(Manager_takes_pages_that_were_not_accessed_for_long_first)
{
    ULONG_PTR Va = Start(PAGES);
    const MMSUPPORT *Set;
    ULONG Round;
    ULONG Old;

    for (Round = 0; Round < 40; Round++) {
        Touch(Va + PAGES / 2 * PAGE_SIZE, PAGES / 2);
        CHECK(!MmWorkingSetManager(TRUE));
    }
    Set = &SpaceCurrent()->Vm;
    Old = Set->EstimatedAvailable;
    CHECK(Old > PAGES / 5);
    LeaveFrames(MiPressurePages(MiPhysicalPages) - 1);
    CHECK(!MmWorkingSetManager(FALSE));
    CHECK_EQUAL(Old - MiBalanceCounters.Trimmed, Set->EstimatedAvailable); /* for the next pass */
    CHECK_EQUAL(MiClaim(Set), Set->Claim);
    CHECK(MiBalanceCounters.Trimmed >= 100);
    CHECK_EQUAL(PAGES / 2, CountValid(Va + PAGES / 2 * PAGE_SIZE, PAGES / 2));
    CHECK_EQUAL(PAGES / 2 - MiBalanceCounters.Trimmed, CountValid(Va, PAGES / 2));
    CHECK_EQUAL(0, MiBalanceCounters.LastPasses);
    GiveBack();
    SpaceFinish();
}

static void HoldMutex(PVOID Context)
{
    LARGE_INTEGER Second = {.QuadPart = -10000000};

    ExAcquireFastMutex(&((PEPROCESS)Context)->AddressCreationLock);
    KeDelayExecutionThread(KernelMode, FALSE, &Second);
    ExReleaseFastMutex(&((PEPROCESS)Context)->AddressCreationLock);
}

TEST(Manager_passes_by_who_is_busy_and_says_so)
{
    ULONG_PTR Va = Start(PAGES);
    LARGE_INTEGER Moment = {.QuadPart = -1000000};

    HostStartClock();
    HostThreadCreate(HoldMutex, SpaceCurrent());
    KeDelayExecutionThread(KernelMode, FALSE, &Moment);
    LeaveFrames(10);
    CHECK(MmWorkingSetManager(FALSE));
    CHECK_EQUAL(PAGES, CountValid(Va, PAGES));
    CHECK(MiBalanceCounters.Busy != 0);
    HostRunThreads();
    CHECK(!MmWorkingSetManager(FALSE));
    CHECK(CountValid(Va, PAGES) < PAGES);
    CHECK_EQUAL(KeQueryInterruptTime(), SpaceCurrent()->Vm.LastTrimTime);
    GiveBack();
    SpaceFinish();
}

TEST(Manager_takes_the_foreground_last_and_its_pages_stay_longer_on_standby)
{
    ULONG_PTR Va = Start(PAGES);
    PEPROCESS Front = SpaceCurrent();
    PEPROCESS Back = SpaceProcess();
    ULONG_PTR Other;

    CHECK_EQUAL(STATUS_SUCCESS, MmSetMemoryPriorityProcess(Front, MI_FOREGROUND_PRIORITY));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MmSetMemoryPriorityProcess(Front, MI_PRIORITIES));
    SpaceEnter(Back);
    Other = SpaceAllocate(0, PAGES * PAGE_SIZE, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    Touch(Other, PAGES);
    LeaveFrames(MiPressurePages(MiPhysicalPages) - 1);
    CHECK(!MmWorkingSetManager(FALSE));
    CHECK(CountValid(Other, PAGES) < PAGES);
    SpaceEnter(Front);
    CHECK(CountValid(Va, PAGES) > PAGES - 64); /* a quarter of the other one was not enough */
    CHECK_EQUAL(MI_FOREGROUND_PRIORITY, Front->Vm.MemoryPriority);
    GiveBack();
    SpaceFinish();
}

TEST(Manager_never_takes_a_hard_minimum_nor_locked_pages)
{
    ULONG_PTR Va = Start(40);
    PEPROCESS Process = SpaceCurrent();
    PVOID Locked = (PVOID)Va;
    SIZE_T Bytes = 3 * PAGE_SIZE;

    CHECK_EQUAL(STATUS_SUCCESS,
                NtLockVirtualMemory(NtCurrentProcess(), &Locked, &Bytes, MAP_PROCESS));
    Process->Vm.MinimumWorkingSetHard = TRUE;
    LeaveFrames(4);
    CHECK(!MmWorkingSetManager(FALSE));
    CHECK_EQUAL(40, CountValid(Va, 40));
    Process->Vm.MinimumWorkingSetHard = FALSE;
    CHECK(!MmWorkingSetManager(FALSE));
    CHECK_EQUAL(3, CountValid(Va, 40));
    CHECK_EQUAL(3, CountValid(Va, 3));
    GiveBack();
    SpaceFinish();
}
