/* SPDX-License-Identifier: MIT */
/*
 * test_paging_run.c - the paging run where all is well, where there is too little, and where a page
 * is not what it has to be.
 */
#include "paging_run.h"

#include "mm/balance/balance_set.h"
#include "mm/inspect/paging_pool_work.h"
#include "mm/paging/modified_writer.h"
#include "mm/pool/pool_inject.h"
#include "rtl.h"
#include "tests/unit/paging_world.h"
#include "tests/unit/space_world.h"

/* Run, and => return how many of the run's lines were "not ok". */
static ULONG FailedLines(PCSTR Options)
{
    const ULONG Most = 100;
    ULONG Failed;

    HostConsoleClear();
    HostFailedLines = Most;
    MiRunPaging(Options);
    Failed = Most - HostFailedLines;
    HostFailedLines = 0;
    return Failed;
}

static BOOLEAN Said(PCSTR Text)
{
    return RtlFindText(HostConsoleText(), Text) != NULL;
}

TEST(PagingRun_passes_and_gives_everything_back)
{
    SpaceStart();
    HostStartClock();
    CHECK_EQUAL(0, FailedLines(":3:3:5"));
    CHECK(Said("in 3 processes of 3 MB together, 0 wrong"));
    CHECK(Said("commitment 0, resident available 0, nonpaged pool 0, paged pool 0 bytes more"));
    CHECK(Said("# paging: passed"));
    SpaceFinish();
}

static void Manager(PVOID Context)
{
    KeBalanceSetManager(Context);
}

/* 16 MB of RAM, 24 MB of memory. */
TEST(PagingRun_passes_where_the_paging_file_has_to_grow)
{
    const SEED_FAT Fat = {512, 8, 16000};

    IoWorldStart(&Fat, TestSeed());
    MiForgetPagingFiles();
    CHECK_EQUAL(STATUS_SUCCESS, PagingWorldCreate("C:\\pagefile.sys", 2, 48));
    CHECK_EQUAL(STATUS_SUCCESS, MiStartModifiedWriter());
    CHECK_EQUAL(STATUS_SUCCESS, MiStartFileGrowth());
    KeSetPriorityThread(HostKernelThread(HostThreadCreate(Manager, NULL)), MI_BALANCE_SET_PRIORITY);
    CHECK_EQUAL(0, FailedLines(":24:2:5"));
    CHECK(Said("is too small: "));
    CHECK(Said("commitment 0, resident available 0, nonpaged pool 0, paged pool 0 bytes more"));
    CHECK(MmPagingFile[0]->Size > 8 * MI_PAGES_IN_MB);
    MiStopFileGrowth();
    MiStopModifiedWriter();
    PagingWorldFinish();
}

TEST(PagingRun_fills_paged_pool_too)
{
    SpaceStart();
    HostStartClock();
    CHECK_EQUAL(0, FailedLines(":pool:1:1:6"));
    CHECK(Said("pages of paged pool in"));
    CHECK(Said("# paging: passed"));
    SpaceFinish();
}

/* 16 MB of RAM; what nonpaged pool does not take has to be enough for 24 MB of memory. */
TEST(PagingRun_goes_on_while_nonpaged_pool_is_exhausted)
{
    const SEED_FAT Fat = {512, 8, 16000};

    IoWorldStart(&Fat, TestSeed());
    MiForgetPagingFiles();
    CHECK_EQUAL(STATUS_SUCCESS, PagingWorldCreate("C:\\pagefile.sys", 48, 48));
    CHECK_EQUAL(STATUS_SUCCESS, MiStartModifiedWriter());
    KeSetPriorityThread(HostKernelThread(HostThreadCreate(Manager, NULL)), MI_BALANCE_SET_PRIORITY);
    CHECK_EQUAL(0, FailedLines(":24:2:7:nonpaged"));
    CHECK(Said("paging: nonpaged pool exhausted "));
    CHECK(Said("commitment 0, resident available 0, nonpaged pool 0, paged pool 0 bytes more"));
    MiStopModifiedWriter();
    PagingWorldFinish();
}

TEST(PagingRun_says_that_memory_is_refused_and_passes_only_where_that_is_expected)
{
    SpaceStart();
    HostStartClock();
    CHECK_EQUAL(1, FailedLines(":256:4"));
    CHECK(Said("c000012d"));
    CHECK(Said("# paging: failed"));
    CHECK_EQUAL(0, FailedLines(":256:4:refused"));
    CHECK(Said("# paging: passed"));
    CHECK_EQUAL(1, FailedLines(":1:1:refused"));
    SpaceFinish();
}

TEST(PagingRun_keeps_nothing_when_pool_runs_out_on_the_way)
{
    ULONG n;

    SpaceStart();
    HostStartClock();
    for (n = 1; n < 40; n++) {
        MiFailPoolAllocation(n);
        (void)FailedLines(":2:2:pool");
        MiFailPoolAllocation(0);
        CHECK(Said("nonpaged pool 0, paged pool 0 bytes more"));
    }
    SpaceFinish();
}

/* What a worker finds when somebody else changed a page of its process. */
TEST(PagingRun_finds_a_page_that_is_not_what_it_has_to_be)
{
    PMI_PAGING_WORK Work;
    KAPC_STATE Home;

    SpaceStart();
    HostStartClock();
    HostConsoleClear();
    CHECK_EQUAL(STATUS_SUCCESS, MiCreatePagingWork(64, 5, FALSE, &Work));
    KeStackAttachProcess(&Work->Process->Pcb, &Home);
    SpaceWrite(Work->Blocks[0] + 9 * PAGE_SIZE + 40, 1); /* it had to be zero */
    KeUnstackDetachProcess(&Home);
    MiDoPagingWork(Work);
    CHECK_EQUAL(1, Work->Result.Wrong);
    CHECK(Said("version 0 of seed 00000005 is wrong"));
    MiDeletePagingWork(Work);
    SpaceFinish();
}

/* A page that nobody decommitted is gone: its statuses are not explained. */
TEST(PagingRun_takes_no_status_without_a_reason)
{
    PMI_PAGING_WORK Work;
    KAPC_STATE Home;

    SpaceStart();
    HostStartClock();
    CHECK_EQUAL(STATUS_SUCCESS, MiCreatePagingWork(64, 5, TRUE, &Work));
    KeStackAttachProcess(&Work->Process->Pcb, &Home);
    SpaceFree(Work->Blocks[0] + 9 * PAGE_SIZE, PAGE_SIZE, MEM_DECOMMIT);
    KeUnstackDetachProcess(&Home);
    MiDoPagingWork(Work);
    CHECK(Work->Result.Unexpected != 0 && Work->Result.GivenUp != 0);
    MiDeletePagingWork(Work);
    SpaceFinish();
}

TEST(PagingRun_soaks_until_the_time_is_up)
{
    SpaceStart();
    HostStartClock();
    CHECK_EQUAL(0, FailedLines(":1:1:5:soak1"));
    CHECK(Said("seed 5\n") && Said("seed 6\n"));
    CHECK(Said("# paging: after: committed pages "));
    SpaceFinish();
}

TEST(PagingRun_refuses_options_without_sense)
{
    static const PCSTR Options[] = {":x",       ":0",      "1",      ":1:0",  ":1:2",  ":64:17",
                                    ":1:1:1:1", ":2000:1", ":poolx", ":soak", ":soakx"};
    ULONG i;

    SpaceStart();
    for (i = 0; i < RTL_NUMBER_OF(Options); i++) {
        CHECK_EQUAL(1, FailedLines(Options[i]));
    }
    SpaceFinish();
}
