/* SPDX-License-Identifier: MIT */
/*
 * test_storage_run.c - the storage run on a sound disk, on one that fails, and on one that lies.
 */
#include "rtl.h"
#include "storage_run.h"
#include "tests/host/machine.h"
#include "tests/unit/io_world.h"

/* Run, and => return how many of the run's lines were "not ok". */
static ULONG FailedLines(PDEVICE_OBJECT Volume, PCSTR Options)
{
    const ULONG Most = 100;
    ULONG Failed;

    HostConsoleClear();
    HostFailedLines = Most;
    MiRunStorage(Volume, Options);
    Failed = Most - HostFailedLines;
    HostFailedLines = 0;
    return Failed;
}

static BOOLEAN Said(PCSTR Text)
{
    return RtlFindText(HostConsoleText(), Text) != NULL;
}

TEST(StorageRun_passes_on_a_sound_volume_and_says_what_it_did)
{
    IoWorldStart(&IoWorldFat16, TestSeed());
    CHECK_EQUAL(0, FailedLines(IoVolume, ":1:5"));
    CHECK(Said("18 of 18 files written, 1422845 bytes; 0 calls failed"));
    CHECK(Said("16 of 16 files read again"));
    CHECK(Said("20 names listed of 20, 0 in doubt"));
    CHECK(Said("514 read into frames and 257 written from them, 0 bytes wrong; status 00000000"));
    CHECK(!Said("doubtful"));
    IoWorldFinish();
}

TEST(StorageRun_takes_failing_requests_only_where_they_are_expected)
{
    ULONG Each;

    for (Each = 0; Each < 2; Each++) {
        IoWorldStart(&IoWorldFat16, 0);
        IoDisk.FailAt[DiskWrite] = 60;
        CHECK_EQUAL(Each == 0, FailedLines(IoVolume, Each == 0 ? ":1:5" : ":errors:1:5") != 0);
        CHECK(Said("# storage: doubtful "));
        CHECK(Said("# storage: status c0000185 1 times"));
        IoWorldFinish();
    }
}

TEST(StorageRun_ends_early_when_the_disk_is_gone)
{
    IoWorldStart(&IoWorldFat16, 0);
    IoDisk.FailFrom = 200;
    CHECK_EQUAL(0, FailedLines(IoVolume, ":errors:8:5"));
    CHECK(Said("nothing works any more"));
    IoDisk.FailFrom = 0;
    IoWorldFinish();
}

TEST(StorageRun_finds_what_a_lying_disk_did_not_write)
{
    IoWorldStart(&IoWorldFat16, 0);
    IoDisk.PowerLeft = 1000; /* sectors; the rest is lost without a word */
    CHECK(FailedLines(IoVolume, ":errors:1:5") != 0);
    CHECK(Said("is not as it has to be"));
    IoWorldFinish();
}

TEST(StorageRun_refuses_options_without_sense_and_a_missing_volume)
{
    static const PCSTR Options[] = {":x", ":0", "1", ":errors:1:2:3", ":1025", ":1:errors"};
    ULONG i;

    IoWorldStart(&IoWorldFat12, 0);
    for (i = 0; i < RTL_NUMBER_OF(Options); i++) {
        CHECK_EQUAL(1, FailedLines(IoVolume, Options[i]));
    }
    CHECK_EQUAL(1, FailedLines(NULL, ""));
    IoWorldFinish();
}
