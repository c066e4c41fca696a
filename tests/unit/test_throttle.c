/* SPDX-License-Identifier: MIT */
/*
 * test_throttle.c - writers are held back while too much is dirty, in order, and let go again.
 */
#include "mm/pool/pool_inject.h"
#include "tests/unit/cc_world.h"

#define MB 0x100000u

static ULONG Posted;

static void NTAPI Post(PVOID Context1, PVOID Context2)
{
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    Posted = Posted * 10 + (ULONG)(ULONG_PTR)Context1 + (ULONG)(ULONG_PTR)Context2;
}

static CC_WORLD_FILE *Start(ULONG DirtyPages)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    Posted = 0;
    File = CcWorldOpen(0, MB);
    CcDirtyPageThreshold = 16;
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, DirtyPages * PAGE_SIZE, 0x11));
    return File;
}

static void Finish(CC_WORLD_FILE *File)
{
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

static void Defer(CC_WORLD_FILE *File, ULONG Name, ULONG Pages, BOOLEAN Retrying)
{
    CcDeferWrite(File->Object[0], Post, (PVOID)(ULONG_PTR)Name, NULL, Pages * PAGE_SIZE, Retrying);
}

TEST(A_write_may_go_on_while_the_threshold_is_not_passed)
{
    CC_WORLD_FILE *File = Start(12);

    CHECK(CcCanIWrite(File->Object[0], 4 * PAGE_SIZE, FALSE, FALSE));
    CHECK(CcCanIWrite(File->Object[0], 4 * PAGE_SIZE, TRUE, FALSE));
    CHECK(!CcCanIWrite(File->Object[0], 4 * PAGE_SIZE + 1, FALSE, FALSE));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcCanIWrite(File->Object[0], MB, FALSE, FALSE)); /* else it never could */
    Finish(File);
}

TEST(A_file_may_have_a_threshold_of_its_own)
{
    CC_WORLD_FILE *File = Start(4);
    CC_WORLD_FILE *Other = CcWorldOpen(1, MB);

    CcSetDirtyPageThreshold(File->Object[0], 5);
    CHECK(CcCanIWrite(File->Object[0], PAGE_SIZE, FALSE, FALSE));
    CHECK(!CcCanIWrite(File->Object[0], 2 * PAGE_SIZE, FALSE, FALSE));
    CHECK(CcCanIWrite(Other->Object[0], 2 * PAGE_SIZE, FALSE, FALSE));
    CcWorldClose(Other, 0);
    Finish(File);
}

TEST(Deferred_writes_are_posted_in_order_as_far_as_there_is_room)
{
    CC_WORLD_FILE *File = Start(16);

    Defer(File, 1, 8, FALSE);
    Defer(File, 2, 8, FALSE);
    Defer(File, 3, 8, TRUE); /* was let go once: first */
    CHECK_EQUAL(3, CcDirtyCounters.Deferred);
    CHECK(!CcCanIWrite(File->Object[0], 1, FALSE, FALSE));
    CciPostDeferredWrites();
    CHECK_EQUAL(0, Posted);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CciPostDeferredWrites();
    CHECK_EQUAL(31, Posted);
    CHECK(!CcCanIWrite(File->Object[0], 1, FALSE, FALSE)); /* behind the second */
    CHECK(CcCanIWrite(File->Object[0], 1, FALSE, TRUE));
    CciPostDeferredWrites();
    CHECK_EQUAL(312, Posted);
    Defer(File, 4, 1, FALSE); /* at once */
    CHECK_EQUAL(3124, Posted);
    Finish(File);
}

TEST(A_deferred_write_without_memory_is_posted_at_once)
{
    CC_WORLD_FILE *File = Start(16);

    MiFailPoolAllocation(1);
    Defer(File, 7, 1, FALSE);
    CHECK_EQUAL(7, Posted);
    Finish(File);
}

static ULONG Gone;

static void Write(PVOID Context)
{
    CC_WORLD_FILE *File = Context;

    CHECK(CcCanIWrite(File->Object[0], 16 * PAGE_SIZE, TRUE, FALSE));
    Gone++;
}

TEST(A_writer_that_waits_is_let_go_by_the_lazy_writer)
{
    CC_WORLD_FILE *File;
    ULONG64 Before;

    CcWorldStartThreads();
    Gone = 0;
    File = CcWorldOpen(0, MB);
    CcDirtyPageThreshold = 16;
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 200 * PAGE_SIZE, 0x11));
    Before = KeQueryInterruptTime();
    Write(File);
    CHECK_EQUAL(1, Gone);
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK(KeQueryInterruptTime() - Before < 5000000); /* not a round a second */
    CcWorldClose(File, 0);
    CcWorldFinish();
}
