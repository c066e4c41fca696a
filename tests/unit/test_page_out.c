/* SPDX-License-Identifier: MIT */
/*
 * test_page_out.c - a process' pages go to the paging file on purpose, and the report says so.
 */
#include "mm/inspect/page_out.h"

#include "mm/paging/modified_writer.h"
#include "rtl.h"
#include "tests/unit/paging_world.h"
#include "tests/unit/space_world.h"

#define PAGES 40u

TEST(PageOut_leaves_no_page_in_memory_and_everything_in_the_file)
{
    ULONG_PTR Va;
    ULONG Reads;
    ULONG Reused;
    ULONG i;

    PagingWorldStartWith(1, 4, 4);
    PagingWorldEnter();
    Va = PagingWorldPages(PAGES, 7);
    CHECK_EQUAL(STATUS_SUCCESS, MiPageOutProcess(&Reused));
    CHECK(Reused >= PAGES);
    CHECK_EQUAL(1, PsGetCurrentProcess()->Vm.WorkingSetSize); /* the page table */
    Reads = MiFaultCounters.PagesRead;
    for (i = 0; i < PAGES; i++) {
        CHECK_EQUAL(7 + i, SpaceRead(Va + i * PAGE_SIZE + 256));
    }
    CHECK_EQUAL(PAGES, MiFaultCounters.PagesRead - Reads);
    PagingWorldLeave();
    PagingWorldFinish();
}

TEST(PageOut_says_what_the_disk_says)
{
    ULONG Reused;

    PagingWorldStartWith(0, 4, 4);
    PagingWorldEnter();
    (void)PagingWorldPages(PAGES, 7);
    IoDisk.FailFrom = 1;
    CHECK(!NT_SUCCESS(MiPageOutProcess(&Reused)));
    CHECK_EQUAL(0, Reused);
    IoDisk.FailFrom = 0;
    PagingWorldLeave();
    PagingWorldFinish();
}

TEST(The_report_shows_pages_that_go_to_the_paging_file_and_come_back)
{
    PagingWorldStartWith(1, 4, 4);
    HostConsoleClear();
    MiReportPaging();
    CHECK(RtlFindText(HostConsoleText(), "256 pages written to the paging file") != NULL);
    CHECK(RtlFindText(HostConsoleText(), ": 0 wrong; status 00000000") != NULL);
    PagingWorldFinish();
}

TEST(The_report_says_that_without_a_paging_file_nothing_goes_out)
{
    PagingWorldStart(1);
    HostConsoleClear();
    MiReportPaging();
    CHECK(RtlFindText(HostConsoleText(), "# paging files: none") != NULL);
    PagingWorldFinish();
}
