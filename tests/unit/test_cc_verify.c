/* SPDX-License-Identifier: MIT */
/*
 * test_cc_verify.c - each of the cache's invariants, broken by hand, stops the machine.
 */
#include "mm/cc/vacb.h"
#include "nt/bugcodes.h"
#include "tests/unit/cc_world.h"

#define MB 0x100000u

static PSHARED_CACHE_MAP Map;

static void Verify(PVOID Context)
{
    (void)Context;
    CciVerifyCache();
}

static CC_WORLD_FILE *Start(void)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, 3 * MB);
    Map = File->Pointers.SharedCacheMap;
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 1, 1));
    CciVerifyCache();
    return File;
}

static void Stops(void)
{
    HostExpectBugCheck(MEMORY_MANAGEMENT, Verify, NULL);
    HostMachineDelete();
}

TEST(Verify_finds_counts_that_are_wrong)
{
    Start();
    Map->DirtyPages++;
    Stops();
    Start();
    Map->ActiveViews++;
    Stops();
    Start();
    CcTotalDirtyPages++;
    Stops();
    Start();
    CcViewCounters.Unused++;
    Stops();
    Start();
    Map->OpenCount = 0;
    Stops();
}

TEST(Verify_finds_a_last_view_that_shows_something_else)
{
    CC_WORLD_FILE *File = Start();
    PVACB Vacb = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, CciUseView(Map, MB, TRUE, &Vacb));
    CciReleaseView(Vacb);
    CHECK_EQUAL(STATUS_SUCCESS, CciUseView(Map, MB, TRUE, &Vacb));
    CciReleaseView(Vacb);
    CHECK(Map->LastView == Vacb);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcPurgeCacheSection(&File->Pointers, NULL, 0, FALSE));
    CHECK(Map->LastView == NULL);
    CciVerifyCache();
    Map->LastView = Vacb; /* it is free */
    Stops();
}

TEST(Verify_finds_a_slot_that_the_index_does_not_know)
{
    Start();
    Map->SectionSize = 0; /* it is in use beyond the section's end */
    Stops();
    CcWorldStart();
    CHECK(CcIsRunning());
    CcWorldFinish();
}

TEST(Verify_finds_a_file_that_does_not_name_its_map)
{
    CC_WORLD_FILE *File = Start();

    File->Pointers.SharedCacheMap = NULL;
    Stops();
}
