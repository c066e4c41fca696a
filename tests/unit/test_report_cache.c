/* SPDX-License-Identifier: MIT */
/*
 * test_report_cache.c - the report's lines about a file's way through the cache: with one, without
 * one, and where the disk fails.
 */
#include "mm/cc/copy.h"
#include "mm/cc/dirty.h"
#include "mm/cc/read_ahead.h"
#include "mm/cc/vacb.h"
#include "mm/fault/fault.h"
#include "mm/inspect/report_files.h"
#include "rtl.h"
#include "tests/unit/io_world.h"
#include "tests/unit/file_section_world.h"

static BOOLEAN Said(const char *Text)
{
    return RtlFindText(HostConsoleText(), Text) != NULL;
}

/* The table tells totals; what other tests counted is none of its. */
static void CountFromZero(void)
{
    CcCopyCounters.Reads = 0;
    CcCopyCounters.ReadMisses = 0;
    CcReadAheadCounters.Pages = 0;
    CcViewCounters.Maps = 0;
    MiFaultCounters.MappedPagesRead = 0;
    CcDirtyCounters.Written = 0;
    CcDirtyCounters.LazyPages = 0;
}

TEST(The_report_shows_a_file_s_way_through_the_cache)
{
    FileSectionStartCached();
    CountFromZero();
    HostConsoleClear();
    MiReportCachedFile();
    CHECK(Said("cache: opened, no section; the first read made one: 8 reads mapped 2 views, 2 "
               "missed, 96 of 128 pages were read ahead; read again: 0 missed, 0 pages came from "
               "the disk; 0 wrong; status 00000000"));
    CHECK(Said("cache: 16 pages written to are dirty, 0 after a round of the lazy writer, which "
               "wrote 16; of others 16, 0 after a flush, which wrote 16"));
    CHECK(Said("then 128 pages came from the disk; 0 wrong"));
    CHECK(Said("#   opened           no      0      0     0      0      0     0 "));
    CHECK(Said("#   read            yes      8      2     2     96    128     0 "));
    CHECK(Said("#   read again      yes     16      2     2    192    128     0 "));
    CHECK(Said("#   written to      yes     16      2     2    192    128    16       0 "));
    CHECK(Said("#   lazy writer     yes     16      2     2    192    128     0      16      16 "));
    CHECK(Said("#   closed           no     16      2     2    192    128     0      32      16 "
               "    128\n"));
    CHECK(Said("#   repurposed       no     24      2     4    288    128     0 "));
    CHECK_EQUAL(0, NtWorldFiles());
    FileSectionFinishCached();
}

TEST(The_report_about_the_cache_fails_where_the_disk_does_and_leaves_no_file)
{
    FileSectionStartCached();
    HostFailedLines = 3;
    IoDisk.FailAt[DiskWrite] = 2;
    MiReportCachedFile();
    CHECK_EQUAL(0, HostFailedLines);
    CHECK_EQUAL(0, NtWorldFiles());
    FileSectionFinishCached();
}

TEST(The_report_says_that_the_volume_is_full_and_leaves_no_file)
{
    PFILE_OBJECT Filler;
    ULONG64 All;
    ULONG64 Free;

    FileSectionStartCached();
    CHECK_EQUAL(STATUS_SUCCESS,
                IoOpenFile(IoVolume, "\\filler", FILE_WRITE_DATA, FILE_CREATE, 0, &Filler));
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryVolumeSize(IoVolume, &All, &Free));
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(Filler, Free - 128 * 1024));
    HostConsoleClear();
    MiReportCachedFile();
    CHECK_TEXT("# cache: C: cannot be changed, status c000007f\n", HostConsoleText());
    HostConsoleClear();
    MiReportMappedFile();
    CHECK_TEXT("# mapped file: C: cannot be changed, status c000007f\n", HostConsoleText());
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryVolumeSize(IoVolume, &All, &Free));
    CHECK_EQUAL(128 * 1024, Free);
    IoCloseFile(Filler);
    CHECK_EQUAL(0, NtWorldFiles());
    FileSectionFinishCached();
}

TEST(The_report_says_that_there_is_no_cache)
{
    FileSectionStart();
    HostConsoleClear();
    MiReportCachedFile();
    CHECK_TEXT("# cache: there is none\n", HostConsoleText());
    FileSectionFinish();
}
