/* SPDX-License-Identifier: MIT */
/*
 * test_report_objects.c - the report's line about objects, also when there is no memory for it.
 */
#include "mm/inspect/report_objects.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/ob_world.h"

TEST(The_report_about_objects_leaves_nothing_behind)
{
    ObWorldStart();
    HostConsoleClear();
    MiReportObjects();
    MiReportObjects();
    CHECK(HostConsoleText()[0] != 0);
    ObWorldFinish();
}

TEST(The_report_about_objects_fails_and_gives_all_back_without_memory)
{
    ULONG Nth;

    ObWorldStart();
    for (Nth = 1; Nth < 30; Nth += 3) {
        HostFailedLines = 1;
        MiFailPoolAllocation(Nth);
        MiReportObjects();
        MiFailPoolAllocation(0);
        MiVerifyAll();
    }
    HostFailedLines = 0;
    ObWorldFinish();
}
