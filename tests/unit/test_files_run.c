/* SPDX-License-Identifier: MIT */
/*
 * test_files_run.c - the files run where a step fails, where a write does; options.
 */
#include "files_run.h"
#include "mm/inspect/files_work.h"
#include "rtl.h"
#include "tests/unit/file_section_world.h"

static void Refuses(PCSTR Options)
{
    HostConsoleClear();
    HostFailedLines = 1;
    MiRunFiles(Options);
    CHECK_EQUAL(0, HostFailedLines);
    CHECK(RtlFindText(HostConsoleText(), "MB a multiple of 4") != NULL);
}

/* The test's machine has no paging file: private copies of 16 MB cannot be committed. */
static void RunUntilCopies(PCSTR Options)
{
    HostConsoleClear();
    HostFailedLines = 2;
    MiRunFiles(Options);
    HostFailedLines = 0;
    CHECK(RtlFindText(HostConsoleText(), ", 0 wrong; ") != NULL);
    CHECK(RtlFindText(HostConsoleText(), "; copy, status c000012d; ") != NULL);
    CHECK_EQUAL(0, NtWorldHandles());
}

TEST(FilesRun_names_the_step_that_failed_and_closes_what_is_open)
{
    FileSectionStartCached();
    RunUntilCopies(":8:5");
    CHECK(RtlFindText(HostConsoleText(), " 0 calls failed; ") != NULL);
    FileSectionFinishCached();
}

TEST(FilesRun_makes_calls_again_where_failures_are_expected)
{
    FileSectionStartCached();
    IoDisk.FailAt[DiskWrite] = 60;
    RunUntilCopies(":8:5:errors");
    CHECK_EQUAL(0, IoDisk.FailAt[DiskWrite]);
    FileSectionFinishCached();
}

TEST(FilesRun_refuses_options_that_make_no_sense)
{
    NtWorldStart();
    Refuses("x");
    Refuses(":");
    Refuses(":4");
    Refuses(":10");
    Refuses(":1028");
    Refuses(":8:1:1");
    Refuses(":8:errors:x");
    NtWorldFinish();
}

/* tests/boot/files.py says the same again. */
TEST(FilesVersion_gives_each_stage_pages_of_its_own)
{
    ULONG Count[4] = {0};
    ULONG Page;

    for (Page = 0; Page < 4096; Page++) {
        ULONG Mapped = MiFilesVersion(5, Page, MiFilesMapped);
        ULONG Last = MiFilesVersion(5, Page, MiFilesRewritten);

        CHECK_EQUAL(1, MiFilesVersion(5, Page, MiFilesWritten));
        CHECK(Mapped == 1 || Mapped == 2);
        CHECK(Last == Mapped || Last == 3);
        Count[Last]++;
    }
    CHECK(Count[1] > 1700 && Count[2] > 1700 && Count[3] > 150);
}
