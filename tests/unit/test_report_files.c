/* SPDX-License-Identifier: MIT */
/*
 * test_report_files.c - the report's line about files, also where there is no volume, no memory, or
 * a disk that fails.
 */
#include "mm/pool/pool_inject.h"
#include "mm_machine.h"
#include "tests/unit/nt_world.h"

#include <string.h>

static BOOLEAN Said(const char *Text)
{
    return strstr(HostConsoleText(), Text) != NULL;
}

TEST(The_report_makes_uses_and_deletes_a_file)
{
    NtWorldStart();
    HostConsoleClear();
    MiReportFiles();
    CHECK(Said("1 handle to 1 object: 20000 bytes written and read back, 0 wrong; renamed (the old "
               "name: c0000034), deleted (the new name: c0000034); 0 handles, 0 objects stay; "
               "status 00000000"));
    MiReportFiles();
    NtWorldFinish();
}

TEST(The_report_says_that_there_is_no_volume_or_that_it_is_not_to_be_written)
{
    UNICODE_STRING Link = NT_CONSTANT_STRING(u"\\??\\C:");
    UNICODE_STRING Device = NT_CONSTANT_STRING(u"\\Device\\HarddiskVolume1");

    NtWorldStart();
    HostConsoleClear();
    CHECK_EQUAL(STATUS_SUCCESS, IoDeleteSymbolicLink(&Link));
    MiReportFiles();
    CHECK_TEXT("# files: there is no C:, status c000003a\n", HostConsoleText());
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateSymbolicLink(&Link, &Device));
    IoVolume->Characteristics |= FILE_READ_ONLY_DEVICE;
    HostConsoleClear();
    MiReportFiles();
    CHECK_TEXT("# files: C: is read-only\n", HostConsoleText());
    IoVolume->Characteristics = 0;
    NtWorldFinish();
}

TEST(The_report_about_files_fails_where_the_disk_does_and_leaves_no_object)
{
    NtWorldStart();
    HostFailedLines = 1;
    IoDisk.FailAt[DiskWrite] = 2;
    MiReportFiles();
    CHECK_EQUAL(0, IoDisk.FailAt[DiskWrite]);
    CHECK_EQUAL(0, HostFailedLines);
    CHECK_EQUAL(0, NtWorldFiles());
    NtWorldFinish();
}

TEST(The_report_about_files_leaves_nothing_behind_without_memory)
{
    ULONG Nth;

    NtWorldStart();
    for (Nth = 1; Nth < 60; Nth += 4) {
        HostFailedLines = 1; /* one may fail, or none where memory was tried for twice */
        MiFailPoolAllocation(Nth);
        MiReportFiles();
        MiFailPoolAllocation(0);
        CHECK_EQUAL(0, NtWorldFiles());
    }
    HostFailedLines = 0;
    NtWorldFinish();
}
