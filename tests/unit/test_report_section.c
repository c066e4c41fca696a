/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/inspect/report_section.c.
 */
#include "mm/inspect/report_section.h"

#include "tests/unit/paging_world.h"
#include "verify.h"

#include <string.h>

TEST(ReportSection_shows_two_processes_that_share_pages_through_the_paging_file)
{
    MmWorldNextUnforced(); /* the pages that are written are counted */
    PagingWorldStartWith(0, 4, 4);
    MiReportSections(TRUE);
    CHECK(strstr(HostConsoleText(), "Shared: 2 processes share 128 of 128 pages") != NULL);
    CHECK(strstr(HostConsoleText(), "prototype PTEs trimmed: yes") != NULL);
    CHECK(strstr(HostConsoleText(), "128 mapped by the other: 0 wrong") != NULL);
    CHECK(strstr(HostConsoleText(), "64 copied, 0 words wrong") != NULL);
    CHECK(strstr(HostConsoleText(), "not ok") == NULL);
    MiVerifyAll();
    PagingWorldFinish();
}

TEST(ReportSection_without_a_paging_file_shows_copy_on_write_alone)
{
    MmWorldStart(4096);
    MiReportSections(FALSE);
    CHECK(strstr(HostConsoleText(), "# sections: pages are not sent to a paging file") != NULL);
    CHECK(strstr(HostConsoleText(), "section: 2 processes") == NULL);
    CHECK(strstr(HostConsoleText(), "64 copied, 0 words wrong") != NULL);
    MmWorldFinish();
}
