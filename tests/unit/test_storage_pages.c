/* SPDX-License-Identifier: MIT */
/*
 * test_storage_pages.c - the storage run's pages, on a sound disk and on those that are not.
 */
#include "mm/inspect/storage_pages.h"

#include "mm/pool/pool_inject.h"
#include "rtl.h"
#include "tests/host/machine.h"
#include "tests/unit/io_world.h"

/* => Whether the line was "ok". */
static BOOLEAN Passes(void)
{
    BOOLEAN Passed;

    HostConsoleClear();
    HostFailedLines = 1;
    MiRunStoragePages(IoVolume);
    Passed = HostFailedLines == 1;
    HostFailedLines = 0;
    return Passed;
}

TEST(StoragePages_pass_on_a_sound_volume_and_leave_nothing)
{
    const SEED_FAT *const Volumes[] = {&IoWorldFat16, &IoWorldLarge};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Volumes); i++) {
        ULONG64 Bytes;
        ULONG64 Before;
        ULONG64 After;

        IoWorldStart(Volumes[i], TestSeed());
        CHECK_EQUAL(STATUS_SUCCESS, DiskRestrictWrites(&IoDisk.Device));
        CHECK_EQUAL(STATUS_SUCCESS, IoQueryVolumeSize(IoVolume, &Bytes, &Before));
        CHECK(Passes());
        CHECK_EQUAL(STATUS_SUCCESS, IoQueryVolumeSize(IoVolume, &Bytes, &After));
        CHECK_EQUAL(Before, After);
        IoWorldFinish();
    }
}

TEST(StoragePages_fail_when_the_disk_fails_or_lies_or_memory_is_short)
{
    IoWorldStart(&IoWorldFat16, 0);
    IoDisk.FailAt[DiskRead] = 20;
    CHECK(!Passes());
    CHECK(RtlFindText(HostConsoleText(), "status c0000185") != NULL);
    CHECK(Passes());
    MiFailPoolAllocation(1);
    CHECK(!Passes());
    CHECK(RtlFindText(HostConsoleText(), "status c000009a") != NULL);
    IoDisk.PowerLeft = 3000; /* sectors; the rest is lost without a word */
    CHECK(!Passes());
    CHECK(RtlFindText(HostConsoleText(), " 0 bytes wrong") == NULL);
    IoDisk.PowerLeft = HOST_DISK_ALWAYS;
    IoWorldFinish();
}
