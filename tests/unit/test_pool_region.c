/* SPDX-License-Identifier: MIT */
/*
 * test_pool_region.c - runs of pages in a range of addresses.
 */
#include "mm/pool/pool_region.h"
#include "nt/bugcodes.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/test.h"

#define BASE  0x90000000u
#define PAGES 40u /* not a multiple of a word's bits */

static MI_POOL_REGION Region;
static ULONG Bits[MI_POOL_REGION_BYTES(PAGES) / sizeof(ULONG)];

static void Start(BOOLEAN Resident)
{
    PoolWorldCreate(&PoolWorldPlain);
    MiInitializePoolRegion(&Region, BASE, PAGES, Resident, Bits);
    Region.Commit = PoolMapPages;
    Region.Decommit = PoolUnmapPages;
}

static ULONG_PTR Take(ULONG Pages)
{
    return (ULONG_PTR)MiAllocateRegionPages(&Region, Pages);
}

static void Finish(void)
{
    MiVerifyPoolRegion(&Region);
    CHECK_EQUAL(0, Region.UsedPages);
    HostMachineDelete();
}

TEST(Region_tells_runs_that_touch_apart)
{
    ULONG_PTR First;
    ULONG_PTR Second;
    ULONG Start2 = 0;

    Start(TRUE);
    First = Take(3);
    Second = Take(2);
    CHECK_EQUAL(BASE, First);
    CHECK_EQUAL(First + 3 * PAGE_SIZE, Second);
    CHECK_EQUAL(MiPoolPlaceStart, MiQueryRegionPlace(&Region, First));
    CHECK_EQUAL(MiPoolPlaceMiddle, MiQueryRegionPlace(&Region, Second - 1));
    CHECK_EQUAL(MiPoolPlaceStart, MiQueryRegionPlace(&Region, Second));
    CHECK_EQUAL(MiPoolPlaceFree, MiQueryRegionPlace(&Region, Second + 2 * PAGE_SIZE));
    CHECK_EQUAL(MiPoolPlaceOutside, MiQueryRegionPlace(&Region, BASE - 1));
    CHECK_EQUAL(MiPoolPlaceOutside, MiQueryRegionPlace(&Region, BASE + PAGES * PAGE_SIZE));
    CHECK_EQUAL(2, MiFindRegionRun(&Region, 3, &Start2));
    CHECK_EQUAL(3, Start2);
    CHECK_EQUAL(0, MiFindRegionRun(&Region, 5, &Start2));
    MiFreeRegionPages(&Region, First, 3);
    MiFreeRegionPages(&Region, Second, 2);
    Finish();
}

TEST(Region_lets_freed_addresses_rest_unless_they_are_resident)
{
    ULONG_PTR First;
    ULONG_PTR Second;

    Start(FALSE);
    First = Take(1);
    MiFreeRegionPages(&Region, First, 1);
    Second = Take(1);
    CHECK_EQUAL(First + PAGE_SIZE, Second);
    MiFreeRegionPages(&Region, Second, 1);
    Finish();
    Start(TRUE);
    First = Take(1);
    MiFreeRegionPages(&Region, First, 1);
    CHECK_EQUAL(First, Take(1));
    MiFreeRegionPages(&Region, First, 1);
    Finish();
}

TEST(Region_gives_all_of_its_pages_and_no_more)
{
    ULONG_PTR All;

    Start(TRUE);
    CHECK_EQUAL(0, Take(PAGES + 1));
    All = Take(PAGES);
    CHECK_EQUAL(BASE, All);
    CHECK_EQUAL(0, Take(1));
    CHECK_EQUAL(PAGES, Region.PeakPages);
    MiFreeRegionPages(&Region, All, PAGES);
    Finish();
}

TEST(Region_whose_commit_is_refused_gives_the_addresses_back)
{
    Start(FALSE);
    PoolFailCommit = 1;
    CHECK_EQUAL(0, Take(4));
    CHECK_EQUAL(1, Region.CommitFailures);
    Finish();
}

static void FreeWrongly(PVOID Va)
{
    MiFreeRegionPages(&Region, (ULONG_PTR)Va, 2);
}

TEST(Free_of_another_run_than_was_given_is_C2_41286)
{
    ULONG_PTR Run;

    Start(TRUE);
    Run = Take(3);
    PoolExpectStop((POOL_STOP){BAD_POOL_CALLER, {0x41286, Run, 2, BASE}}, FreeWrongly, (PVOID)Run);
    PoolExpectStop((POOL_STOP){BAD_POOL_CALLER, {0x41286, Run + PAGE_SIZE, 2, BASE}}, FreeWrongly,
                   (PVOID)(Run + PAGE_SIZE));
    MiFreeRegionPages(&Region, Run, 3);
    Finish();
}
