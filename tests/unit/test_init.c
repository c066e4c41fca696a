/* SPDX-License-Identifier: MIT */
/*
 * test_init.c - the memory manager's start, whole, and its lines of the boot's report.
 */
#include "ex.h"
#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/init/init.h"
#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pool/pool_memory.h"
#include "mm/pool/pool_pages.h"
#include "mm/sysva/layout.h"
#include "nt/bugcodes.h"
#include "tests/unit/mm_world.h"

#include <string.h>

#define FRAMES_64MB 16384u
#define TAG         0x74736554u

static void ZeroPages(PVOID Context)
{
    MiZeroPageThread(Context);
}

TEST(Init_starts_everything_and_the_report_agrees)
{
    MmWorldStart(FRAMES_64MB);
    HostStartClock();
    HostThreadCreate(ZeroPages, NULL);
    MiReportMemory();
    CHECK(strstr(HostConsoleText(), "page-frame database") != NULL);
    CHECK(strstr(HostConsoleText(), "not ok") == NULL);
    MmWorldFinish();
}

TEST(Init_works_on_a_machine_of_16_MB)
{
    MmWorldStart(4096);
    CHECK(ExAllocatePoolWithTag(PagedPool, 100000, TAG) != NULL);
    CHECK(ExAllocatePoolWithTag(NonPagedPool, 100000, TAG) != NULL);
    MmWorldFinish();
}

static void InitSystem(PVOID Context)
{
    (void)Context;
    MmInitSystem(MmWorldBoot());
}

TEST(Init_stops_with_7D_for_every_amount_of_memory_that_is_too_little)
{
    ULONG Steps = 0; /* a bit for each step that found too little */
    ULONG Frames;

    for (Frames = 24; Frames < 200; Frames++) {
        HOST_BUGCHECK BugCheck;

        MmWorldPowerOn(Frames);
        if (HostCatchBugCheck(InitSystem, NULL, &BugCheck)) {
            CHECK_EQUAL(INSTALL_MORE_MEMORY, BugCheck.Code);
            CHECK_EQUAL(Frames - 1, BugCheck.Parameter[0]); /* all but frame 0 */
            CHECK_EQUAL(1, BugCheck.Parameter[1]);
            CHECK_EQUAL(Frames - 1, BugCheck.Parameter[2]);
            Steps |= 1u << BugCheck.Parameter[3];
        } else {
            break;
        }
        HostMachineDelete();
    }
    CHECK(Frames < 200);
    CHECK((Steps & (1u << MM_BOOT_PTES | 1u << MM_BOOT_POOL)) != 0);
    MmWorldFinish();
}

TEST(Init_corrects_a_value_that_is_out_of_range_and_names_it)
{
    static const MM_VALUE Values[] = {{"NonPagedPoolSize", 0x40000000}, {"SystemPages", 5}};

    MmWorldStartWith(FRAMES_64MB, Values, 2);
    CHECK(strstr(HostConsoleText(), "NonPagedPoolSize is 0x40000000, corrected to") != NULL);
    CHECK(strstr(HostConsoleText(), "SystemPages is 0x5, corrected to 0x1000 entries") != NULL);
    MmWorldFinish();
}

TEST(ReleaseLoaderMemory_makes_firmware_pages_free_and_can_be_promised)
{
    MI_PFN_COUNTERS Before;
    MI_PFN_COUNTERS After;

    MmWorldStart(FRAMES_64MB);
    MiQueryPfnCounters(&Before);
    CHECK_EQUAL(16, MmReleaseLoaderMemory());
    CHECK_EQUAL(0, MmReleaseLoaderMemory());
    MiQueryPfnCounters(&After);
    CHECK_EQUAL(Before.AvailablePages + 16, After.AvailablePages);
    CHECK_EQUAL(Before.Commit.Limit + 16, After.Commit.Limit);
    MmWorldFinish();
}

TEST(ProtectNonPagedPool_makes_a_stale_access_fault)
{
    static const MM_VALUE Values[] = {{"ProtectNonPagedPool", 1}};
    PVOID Block;

    MmWorldStartWith(FRAMES_64MB, Values, 1);
    Block = ExAllocatePoolWithTag(NonPagedPool, 2 * PAGE_SIZE, TAG);
    CHECK(MmIsAddressValid(Block));
    ExFreePoolWithTag(Block, TAG);
    CHECK(!MmIsAddressValid(Block));
    MmWorldFinish();
}
