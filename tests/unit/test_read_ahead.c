/* SPDX-License-Identifier: MIT */
/*
 * test_read_ahead.c - what a pattern leads to is in memory before it is asked for.
 */
#include "tests/unit/cc_world.h"

#define MB 0x100000u

static UCHAR Buffer[VACB_MAPPING_GRANULARITY];

static CC_WORLD_FILE *Start(ULONG Flags)
{
    CC_WORLD_FILE *File;

    CcWorldStartThreads();
    File = CcWorldOpen(0, 2 * MB);
    File->Object[0]->Flags |= Flags;
    CcSetReadAheadGranularity(File->Object[0], 0x10000);
    return File;
}

static void Read(CC_WORLD_FILE *File, ULONG Offset, ULONG Bytes)
{
    LARGE_INTEGER Interval = {.QuadPart = -100000};

    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, Offset, Bytes, Buffer));
    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

static BOOLEAN IsThere(CC_WORLD_FILE *File, ULONG First, ULONG End)
{
    for (; First < End && File->Page[First] != NULL; First++) {
        continue;
    }
    return First == End;
}

static void Finish(CC_WORLD_FILE *File)
{
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(Reads_in_sequence_bring_the_next_granule)
{
    CC_WORLD_FILE *File = Start(0);

    Read(File, 0, PAGE_SIZE);
    CHECK_EQUAL(1, CcWorldPagesInMemory(File));
    Read(File, PAGE_SIZE, PAGE_SIZE);
    CHECK_EQUAL(1, CcReadAheadCounters.Scheduled);
    CHECK(IsThere(File, 0, 32));
    CHECK_EQUAL(32, CcWorldPagesInMemory(File));
    Read(File, 2 * PAGE_SIZE, PAGE_SIZE);
    CHECK_EQUAL(1, CcReadAheadCounters.Scheduled); /* is there already */
    Read(File, 3 * PAGE_SIZE, 14 * PAGE_SIZE);
    CHECK_EQUAL(2, CcReadAheadCounters.Scheduled);
    CHECK_EQUAL(48, CcWorldPagesInMemory(File));
    CHECK_EQUAL(0, CcWorldLocks);
    Finish(File);
}

TEST(A_file_for_sequential_use_is_read_ahead_twice_as_far_and_a_random_one_not_at_all)
{
    CC_WORLD_FILE *File = Start(FO_SEQUENTIAL_ONLY);

    Read(File, 0, PAGE_SIZE);
    Read(File, PAGE_SIZE, PAGE_SIZE);
    CHECK_EQUAL(64, CcWorldPagesInMemory(File));
    Finish(File);
    File = Start(FO_RANDOM_ACCESS);
    Read(File, 0, PAGE_SIZE);
    Read(File, PAGE_SIZE, PAGE_SIZE);
    Read(File, 2 * PAGE_SIZE, PAGE_SIZE);
    CHECK_EQUAL(3, CcWorldPagesInMemory(File));
    Finish(File);
    File = Start(0);
    CcSetAdditionalCacheAttributes(File->Object[0], TRUE, FALSE);
    Read(File, 0, PAGE_SIZE);
    Read(File, PAGE_SIZE, PAGE_SIZE);
    CHECK_EQUAL(2, CcWorldPagesInMemory(File));
    Finish(File);
}

TEST(Reads_in_strides_bring_the_next_one_forward_and_backward)
{
    CC_WORLD_FILE *File = Start(0);

    Read(File, 10 * PAGE_SIZE, PAGE_SIZE);
    Read(File, 15 * PAGE_SIZE, PAGE_SIZE);
    CHECK_EQUAL(2, CcWorldPagesInMemory(File));
    Read(File, 20 * PAGE_SIZE, PAGE_SIZE);
    CHECK(File->Page[25] != NULL);
    CHECK_EQUAL(4, CcWorldPagesInMemory(File));
    Read(File, 400 * PAGE_SIZE, PAGE_SIZE);
    Read(File, 390 * PAGE_SIZE, PAGE_SIZE);
    Read(File, 380 * PAGE_SIZE, PAGE_SIZE);
    CHECK(File->Page[370] != NULL);
    CHECK_EQUAL(8, CcWorldPagesInMemory(File));
    Finish(File);
}

TEST(Read_ahead_ends_at_the_files_end_and_keeps_its_failures_to_itself)
{
    CC_WORLD_FILE *File = Start(0);

    Read(File, 0, PAGE_SIZE);
    CcWorldFail[CcWorldRead] = (CC_WORLD_FAILURE){3, 1}; /* the worker comes before the reader */
    Read(File, PAGE_SIZE, PAGE_SIZE);
    CHECK_EQUAL(1, CcReadAheadCounters.Failed);
    CHECK_EQUAL(2, CcReadAheadCounters.Pages);
    CHECK_EQUAL(4, CcWorldPagesInMemory(File));
    CcWorldRefuses = TRUE;
    Read(File, 2 * PAGE_SIZE, 16 * PAGE_SIZE);
    CHECK_EQUAL(1, CcReadAheadCounters.Refused);
    CcWorldRefuses = FALSE;
    Read(File, 2 * MB - 3 * PAGE_SIZE, PAGE_SIZE);
    Read(File, 2 * MB - 2 * PAGE_SIZE, PAGE_SIZE);
    Read(File, 2 * MB - PAGE_SIZE, PAGE_SIZE);
    CHECK_EQUAL(0, CcWorldLocks);
    MiVerifyAll();
    Finish(File);
}

TEST(A_file_may_be_closed_while_it_is_read_ahead)
{
    CC_WORLD_FILE *File = Start(0);
    LARGE_INTEGER Interval = {.QuadPart = -1000000};
    KIRQL OldIrql;

    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, 0, PAGE_SIZE, Buffer));
    KeSetPriorityThread(KeGetCurrentThread(), 20);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, PAGE_SIZE, PAGE_SIZE, Buffer));
    CHECK_EQUAL(1, CcReadAheadCounters.Scheduled);
    CHECK(!CcUninitializeCacheMap(File->Object[0], NULL, NULL));
    OldIrql = KeGetCurrentIrql();
    CHECK_EQUAL(PASSIVE_LEVEL, OldIrql);
    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    CHECK(!CcIsFileCached(File->Object[0]));
    CcWorldFinish();
}
