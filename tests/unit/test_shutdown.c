/* SPDX-License-Identifier: MIT */
/*
 * test_shutdown.c - mm/paging/shutdown.c: the writer ends, free slots are overwritten or left.
 */
#include "mm/inspect/page_out.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/frame.h"
#include "mm/sysva/system_ptes.h"
#include "mm_machine.h"
#include "tests/unit/paging_world.h"
#include "tests/unit/space_world.h"

#include <string.h>

/* 30 pages of a process that ended, and a page of one that did not. */
static ULONG_PTR Start(BOOLEAN Clear)
{
    ULONG_PTR Old;
    ULONG_PTR Va;

    MmWorldNextUnforced();
    PagingWorldStartWith(1, 1, 1);
    CHECK_EQUAL(STATUS_SUCCESS, MiStartModifiedWriter());
    MiSetClearAtShutdown(Clear);
    PagingWorldEnter();
    Old = PagingWorldPages(30, 0x01010101);
    Va = PagingWorldPages(1, 77);
    PagingWorldTrim(Old, 30);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    SpaceFree(Old, 0, MEM_RELEASE);
    PagingWorldTrim(Va, 1);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    return Va;
}

static void Finish(void)
{
    PagingWorldLeave();
    MiSetClearAtShutdown(FALSE);
    PagingWorldFinish();
}

/* => Slots of the file that are not all zero on the disk. */
static ULONG CountRemains(void)
{
    static const UCHAR Zeroes[PAGE_SIZE];
    const MMPAGING_FILE *File = MmPagingFile[0];
    PUCHAR At = IoDisk.Image + File->FirstSector * IoDisk.Device.SectorBytes;
    ULONG Remains = 0;
    ULONG Slot;

    for (Slot = 1; Slot < File->Size; Slot++) {
        Remains += memcmp(At + (SIZE_T)Slot * PAGE_SIZE, Zeroes, PAGE_SIZE) != 0;
    }
    return Remains;
}

TEST(Shutdown_overwrites_free_slots_when_it_is_asked_to)
{
    ULONG_PTR Va = Start(TRUE);

    CHECK(CountRemains() >= 31); /* with those of the trial */
    MmShutdownPaging();
    CHECK_EQUAL(1, CountRemains());
    CHECK(PagingWorldIsStored(Va));
    CHECK(strstr(HostConsoleText(), "Page file  cleared") != NULL);
    Finish();
}

TEST(Shutdown_leaves_the_slots_alone_otherwise_and_ends_the_writer)
{
    LARGE_INTEGER Long = {.QuadPart = -100000000ll};
    ULONG Remains;
    ULONG_PTR Va;

    (void)Start(FALSE);
    Remains = CountRemains();
    MmShutdownPaging();
    CHECK_EQUAL(Remains, CountRemains());
    Va = PagingWorldPages(5, 1);
    PagingWorldTrim(Va, 5);
    KeDelayExecutionThread(KernelMode, FALSE, &Long);
    CHECK_EQUAL(5, MiModifiedList.Total); /* nobody writes them */
    MmShutdownPaging();
    Finish();
}

TEST(Pages_that_the_disks_driver_maps_are_not_mapped_any_more_afterwards)
{
    MI_SYSTEM_PTE_COUNTERS Before;
    MI_SYSTEM_PTE_COUNTERS After;
    ULONG_PTR Va;

    (void)Start(TRUE);
    MiQuerySystemPtes(&Before);
    IoDisk.Maps = TRUE;
    Va = PagingWorldPages(30, 0x01010101);
    PagingWorldTrim(Va, 30);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CHECK(MiReuseStandbyFrames() >= 30);
    CHECK_EQUAL(0x01010101, SpaceRead(Va));
    MmShutdownPaging();
    IoDisk.Maps = FALSE;
    MiQuerySystemPtes(&After);
    CHECK_EQUAL(Before.Free, After.Free);
    Finish();
}

TEST(Shutdown_says_when_slots_could_not_be_overwritten)
{
    (void)Start(TRUE);
    IoDisk.FailAt[DiskWrite] = 2;
    MmShutdownPaging();
    CHECK(strstr(HostConsoleText(), "not cleared, status c0000185") != NULL);
    CHECK(CountRemains() > 1 && CountRemains() <= 1 + MI_MODIFIED_WRITE_PAGES);
    Finish();
}

TEST(Shutdown_without_memory_for_zeroes_says_so)
{
    (void)Start(TRUE);
    MiFailFrameAllocation = 1;
    MmShutdownPaging();
    CHECK(strstr(HostConsoleText(), "not cleared, status c0000017") != NULL);
    Finish();
}
