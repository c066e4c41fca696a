/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/inspect/report_session.c.
 */
#include "mm/inspect/report_session.h"

#include "mm/pfn/frame.h"
#include "tests/unit/paging_world.h"
#include "verify.h"

#include <string.h>

TEST(ReportSession_shows_isolation_paging_a_view_and_the_end)
{
    MmWorldNextUnforced(); /* the pages that are written are counted */
    PagingWorldStartWith(0, 4, 4);
    MiReportSessions(TRUE);
    CHECK(strstr(HostConsoleText(), "sessions 0 and 1 have 64 pages each at be000000, 0 wrong; "
                                    "without a session: c0000005") != NULL);
    CHECK(strstr(HostConsoleText(), "64 pages of session 0 trimmed to 0, 64 pages written") !=
          NULL);
    CHECK(strstr(HostConsoleText(), "0 wrong; from session 1: c0000005") != NULL);
    CHECK(strstr(HostConsoleText(), "sessions: 2 of 2 ended") != NULL);
    CHECK(strstr(HostConsoleText(), "not ok") == NULL);
    MiVerifyAll();
    PagingWorldFinish();
}

TEST(ReportSession_without_a_paging_file_says_so)
{
    MmWorldStart(4096);
    MiReportSessions(FALSE);
    CHECK(strstr(HostConsoleText(), "# session pool: stays in memory") != NULL);
    CHECK(strstr(HostConsoleText(), "sessions: 2 of 2 ended") != NULL);
    CHECK(strstr(HostConsoleText(), "not ok") == NULL);
    MmWorldFinish();
}

TEST(ReportSession_says_when_there_is_no_memory_and_leaves_nothing)
{
    MmWorldStart(4096);
    HostFailedLines = 2; /* of sessions that cannot be made, and that did not end */
    MiFailFrameAllocation = 3;
    MiReportSessions(FALSE);
    MiFailFrameAllocation = 0;
    CHECK(strstr(HostConsoleText(), "not ok") != NULL);
    MiVerifyAll();
    MmWorldFinish();
}
