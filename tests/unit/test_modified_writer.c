/* SPDX-License-Identifier: MIT */
/*
 * test_modified_writer.c - mm/paging/modified_writer.c: what wakes the writer, when it stops, how
 * it waits while nothing can be written.
 */
#include "mm/fault/fault.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pool/pool_inject.h"
#include "mm/section/file_write.h"
#include "tests/unit/paging_world.h"
#include "tests/unit/space_world.h"

#define SECOND 10000000ll

static void Start(ULONG64 Seed)
{
    MmWorldNextUnforced();
    PagingWorldStartWith(Seed, 2, 2);
    CHECK_EQUAL(STATUS_SUCCESS, MiStartModifiedWriter());
    PagingWorldEnter();
}

static void Finish(void)
{
    PagingWorldLeave();
    MiStopModifiedWriter();
    PagingWorldFinish();
}

static void Sleep(LONGLONG Time)
{
    LARGE_INTEGER Interval = {.QuadPart = -Time};

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

static ULONG_PTR Modify(ULONG Pages)
{
    ULONG_PTR Va = PagingWorldPages(Pages, 1);

    PagingWorldTrim(Va, Pages);
    return Va;
}

TEST(The_writer_leaves_a_few_modified_pages_alone_for_some_seconds)
{
    Start(1);
    (void)Modify(5);
    Sleep(3 * SECOND / 2);
    CHECK_EQUAL(5, MiModifiedList.Total);
    Sleep(SECOND);
    CHECK_EQUAL(0, MiWriterFigures.Writes);
    Sleep(SECOND);
    CHECK_EQUAL(0, MiModifiedList.Total);
    CHECK_EQUAL(1, MiWriterFigures.Writes);
    Finish();
}

/* => Pages that are modified now, half a second after the last one, are written in the third. */
static void CheckLife(void)
{
    (void)Modify(5);
    Sleep(2 * SECOND);
    CHECK_EQUAL(5, MiModifiedList.Total);
    Sleep(SECOND);
    CHECK_EQUAL(0, MiModifiedList.Total);
}

TEST(The_writer_counts_the_seconds_anew_when_the_list_was_empty)
{
    Start(1);
    (void)Modify(5);
    Sleep(5 * SECOND / 2);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CHECK_EQUAL(0, MiModifiedList.Total);
    Sleep(SECOND);
    CheckLife();
    CheckLife(); /* and when it has written itself */
    Finish();
}

TEST(The_writer_starts_when_the_modified_list_is_long_and_leaves_a_part)
{
    ULONG Threshold;

    Start(1);
    Threshold = MiQueryModifiedThreshold(MiModifiedPrivate);
    CHECK_EQUAL(127, Threshold); /* a part of 4096 pages, without those of the firmware */
    (void)Modify(Threshold - 1);
    Sleep(SECOND / 100);
    CHECK_EQUAL(Threshold - 1, MiModifiedList.Total);
    (void)Modify(1);
    Sleep(SECOND / 100);
    CHECK_EQUAL(0, MiModifiedList.Total); /* 127 - 64 is more than a quarter, 0 is not */
    CHECK_EQUAL(2, MiWriterFigures.Writes);
    Finish();
}

TEST(The_writer_writes_what_is_above_a_quarter_when_it_is_woken)
{
    Start(1);
    (void)Modify(20);
    MiWakeModifiedWriter();
    Sleep(SECOND / 100);
    CHECK_EQUAL(20, MiModifiedList.Total);
    (void)Modify(20);
    MiWakeModifiedWriter();
    Sleep(SECOND / 100);
    CHECK_EQUAL(0, MiModifiedList.Total);
    Finish();
}

TEST(The_writer_writes_all_when_memory_is_low)
{
    Start(1);
    (void)Modify(3);
    MiSetMemoryThresholds(4000, 4090);
    CHECK(MiMemoryConditionHolds(MiLowMemory));
    MiWakeModifiedWriter();
    Sleep(SECOND / 100);
    CHECK_EQUAL(0, MiModifiedList.Total);
    (void)Modify(3);
    Sleep(3 * SECOND / 2); /* nobody wakes it */
    CHECK_EQUAL(0, MiModifiedList.Total);
    Finish();
}

/* No balance set manager runs here. */
TEST(The_writer_starts_when_somebody_waits_for_memory)
{
    static PFN_NUMBER Hoard[4096];
    ULONG Hoarded = 0;
    ULONGLONG From;
    MM_STOP Stop;

    Start(1);
    (void)Modify(10);
    while (NT_SUCCESS(MiAllocateFrame(MiFrameAny, 0, &Hoard[Hoarded]))) {
        Hoarded++;
    }
    From = KeQueryInterruptTime();
    CHECK(MiWaitForMemory(&Stop));
    CHECK(KeQueryInterruptTime() - From < SECOND / 4);
    CHECK_EQUAL(10, MiAvailablePages);
    while (Hoarded != 0) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
    Finish();
}

TEST(The_writer_waits_longer_and_longer_while_the_disk_fails_and_then_goes_on)
{
    ULONG_PTR Va;
    ULONG i;

    Start(1);
    Va = Modify(50);
    IoDisk.FailFrom = 1;
    MiWakeModifiedWriter();
    for (i = 0; i < 6000; i++) {
        Sleep(SECOND / 100); /* a minute, and somebody who is in a hurry */
        MiWakeModifiedWriter();
    }
    CHECK_EQUAL(50, MiModifiedList.Total);
    CHECK(MiWriterFigures.BackOffs >= 10 && MiWriterFigures.BackOffs <= 15);
    CHECK_EQUAL(MiWriterFigures.BackOffs, MmPagingFile[0]->BadSpace);
    IoDisk.FailFrom = 0;
    Sleep(9 * SECOND);
    CHECK_EQUAL(0, MiModifiedList.Total);
    for (i = 0; i < 50; i++) {
        CHECK(PagingWorldIsStored(Va + i * PAGE_SIZE));
    }
    (void)Modify(50); /* it begins anew with short waits */
    IoDisk.FailFrom = 1;
    MiWakeModifiedWriter();
    Sleep(SECOND / 16);
    CHECK_EQUAL(50, MiModifiedList.Total);
    IoDisk.FailFrom = 0;
    Sleep(SECOND / 8);
    CHECK(MiModifiedList.Total < 32); /* a quarter of the threshold may stay */
    Finish();
}

TEST(The_writers_of_a_small_machine_are_not_woken_for_less_than_a_write)
{
    MmWorldStart(512);
    CHECK_EQUAL(MI_MODIFIED_WRITE_PAGES, MiQueryModifiedThreshold(MiModifiedPrivate));
    CHECK_EQUAL(MI_FILE_WRITE_PAGES, MiQueryModifiedThreshold(MiModifiedMapped));
    MmWorldFinish();
}

TEST(The_writer_that_was_not_started_is_not_waited_for)
{
    MmWorldNextUnforced();
    MmWorldStart(1024);
    MiStopModifiedWriter();
    MiFailPoolAllocation(1);
    CHECK(!NT_SUCCESS(MiStartModifiedWriter()));
    MiFailPoolAllocation(0);
    MiStopModifiedWriter();
    MmWorldFinish();
}

TEST(The_writer_waits_while_there_is_no_paging_file)
{
    MmWorldNextUnforced();
    PagingWorldStart(1);
    CHECK_EQUAL(STATUS_SUCCESS, MiStartModifiedWriter());
    PagingWorldEnter();
    (void)Modify(200);
    Sleep(60 * SECOND);
    CHECK_EQUAL(200, MiModifiedList.Total);
    CHECK(MiWriterFigures.BackOffs >= 5 && MiWriterFigures.BackOffs <= 15);
    CHECK_EQUAL(0, MiWriterFigures.Writes);
    CHECK_EQUAL(STATUS_DISK_FULL, MiFlushModifiedPages());
    CHECK_EQUAL(STATUS_SUCCESS, PagingWorldCreate("C:\\pagefile.sys", 2, 2));
    Sleep(9 * SECOND);
    CHECK_EQUAL(0, MiModifiedList.Total);
    Finish();
}

/* => How many runs there are in all: no slot is left. */
static ULONG TakeAllSlots(MI_SLOTS *Runs, ULONG Most)
{
    ULONG Count = 0;

    while (Count < Most && (Runs[Count] = MiAllocateSlots(64)).Count != 0) {
        Count++;
    }
    CHECK(Count < Most);
    return Count;
}

static void ReleaseSlots(const MI_SLOTS *Run)
{
    KIRQL OldIrql = MiLockPfn();

    MiReleaseSlots(Run->File, Run->First, Run->Count);
    MiUnlockPfn(OldIrql);
}

TEST(The_writer_goes_on_as_soon_as_slots_are_free)
{
    MI_SLOTS Runs[16];
    ULONG Count;

    Start(1);
    Count = TakeAllSlots(Runs, RTL_NUMBER_OF(Runs));
    (void)Modify(100);
    Sleep(30 * SECOND);
    CHECK_EQUAL(0, MiWriterFigures.PagesWritten);
    CHECK(MiWriterFigures.BackOffs >= 5 && MiWriterFigures.BackOffs <= 10);
    ReleaseSlots(&Runs[0]);
    Sleep(SECOND / 10);
    CHECK_EQUAL(64, MiWriterFigures.PagesWritten);
    while (Count > 1) {
        ReleaseSlots(&Runs[--Count]);
    }
    Finish();
}

TEST(The_writer_stops_while_the_disk_fails)
{
    Start(1);
    (void)Modify(50);
    IoDisk.FailFrom = 1;
    MiWakeModifiedWriter();
    Sleep(SECOND / 10);
    CHECK_EQUAL(1, MiWriterFigures.BackOffs);
    PagingWorldLeave();
    MiStopModifiedWriter();
    IoDisk.FailFrom = 0;
    PagingWorldFinish();
}

TEST(A_flush_writes_every_modified_page)
{
    MmWorldNextUnforced();
    PagingWorldStartWith(1, 2, 2);
    PagingWorldEnter();
    (void)Modify(300);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CHECK_EQUAL(0, MiModifiedList.Total);
    CHECK_EQUAL(300, MiWriterFigures.PagesWritten);
    CHECK_EQUAL(5, MiWriterFigures.Writes);
    PagingWorldLeave();
    PagingWorldFinish();
}
