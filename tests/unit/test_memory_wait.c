/* SPDX-License-Identifier: MIT */
/*
 * test_memory_wait.c - waiting for pages: who is told, what ends it, and what is said at the end.
 */
#include "mm/fault/fault.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pool/pool.h"
#include "nt/bugcodes.h"
#include "tests/unit/mm_world.h"

#define FRAMES 4096u

static PFN_NUMBER Hoard[FRAMES];
static ULONG Hoarded;
static ULONG Alarms;

static void TakeFrames(ULONG Leave)
{
    while (MiAvailablePages > Leave) {
        CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &Hoard[Hoarded]));
        Hoarded++;
    }
}

static void Start(void)
{
    MmWorldStart(FRAMES);
    HostStartClock();
    Hoarded = 0;
    Alarms = 0;
}

static void Finish(void)
{
    while (Hoarded != 0) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
    MmWorldFinish();
}

static BOOLEAN TakeAlarm(void)
{
    LARGE_INTEGER Now = {.QuadPart = 0};

    return KeWaitForSingleObject(&MmWorkingSetManagerEvent, Executive, KernelMode, FALSE, &Now) ==
           STATUS_SUCCESS;
}

TEST(Shortage_alarms_the_manager_at_each_step_down_and_not_on_the_way_up)
{
    Start();
    TakeFrames(MiPressurePages(MiPhysicalPages));
    CHECK(!TakeAlarm());
    TakeFrames(MiPressurePages(MiPhysicalPages) - 1);
    CHECK(TakeAlarm());
    TakeFrames(MiMemoryWatch.Threshold[MiLowMemory] - 1);
    CHECK(TakeAlarm());
    TakeFrames(MI_PAGES_AVAILABLE);
    CHECK(!TakeAlarm());
    TakeFrames(MI_PAGES_AVAILABLE - 1);
    CHECK(TakeAlarm());
    while (Hoarded != 0) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
    CHECK(!TakeAlarm());
    Finish();
}

static void FreeSome(PVOID Context)
{
    LARGE_INTEGER Moment = {.QuadPart = -5000000};
    ULONG Count = *(PULONG)Context;

    KeWaitForSingleObject(&MmWorkingSetManagerEvent, Executive, KernelMode, FALSE, NULL);
    CHECK_EQUAL(1, MiMemoryWaiters);
    KeDelayExecutionThread(KernelMode, FALSE, &Moment);
    for (Alarms++; Count != 0; Count--) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
}

static ULONG MillisecondsOfWait(ULONG Freed)
{
    ULONGLONG From;
    MM_STOP Stop;

    Start();
    TakeFrames(0);
    (void)TakeAlarm();
    HostThreadCreate(FreeSome, &Freed);
    From = KeQueryInterruptTime();
    CHECK(MiWaitForMemory(&Stop));
    From = KeQueryInterruptTime() - From;
    CHECK_EQUAL(1, Alarms);
    CHECK_EQUAL(0, MiMemoryWaiters);
    HostRunThreads();
    Finish();
    return (ULONG)(From / 10000);
}

TEST(WaitForMemory_alarms_the_manager_and_ends_with_the_pages_that_it_frees)
{
    ULONG Took = MillisecondsOfWait(MI_PAGES_AVAILABLE);

    CHECK(Took >= 500 && Took < 700);
}

TEST(WaitForMemory_ends_with_as_many_pages_as_a_fault_needs)
{
    ULONG Took = MillisecondsOfWait(4);

    CHECK(Took >= 500 && Took < 700);
}

TEST(WaitForMemory_is_content_with_less_than_the_event_wants_within_a_second)
{
    ULONG Took = MillisecondsOfWait(1);

    CHECK(Took >= 900 && Took < 1200);
}

TEST(WaitForMemory_says_after_70_seconds_what_there_was_4D)
{
    MI_POOL_FIGURES Pool;
    ULONGLONG From;
    MM_STOP Stop = {0};

    MmWorldNextUnforced(); /* a trim makes modified pages, which count here */
    Start();
    TakeFrames(0);
    MiQueryPoolFigures(NonPagedPool, &Pool);
    From = KeQueryInterruptTime();
    CHECK(!MiWaitForMemory(&Stop));
    CHECK_EQUAL(70, (KeQueryInterruptTime() - From + 5000000) / 10000000);
    CHECK_EQUAL(NO_PAGES_AVAILABLE, Stop.Code);
    CHECK_EQUAL(0, Stop.Parameter[0]);
    CHECK_EQUAL(0, Stop.Parameter[1]);
    CHECK_EQUAL(Pool.MaximumPages - Pool.UsedPages, Stop.Parameter[2]);
    CHECK_EQUAL(STATUS_SUCCESS, Stop.Parameter[3]);
    Finish();
}
