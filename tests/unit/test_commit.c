/* SPDX-License-Identifier: MIT */
/*
 * test_commit.c - the clean bit, FSInfo, and what a stage leaves.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

TEST(FatCommit_writes_what_was_changed_and_flushes)
{
    ULONG64 Flushes;

    FatWorldStart(&FatWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatPermitEntries(FatVolume, 100, 1));
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, 100, 0x1234));
    CHECK_EQUAL(0, FatDisk.Logged);
    Flushes = FatDisk.Device.RequestCounts[DiskFlush];
    CHECK_EQUAL(STATUS_SUCCESS, FatCommit(FatVolume));
    CHECK_EQUAL(2, FatDisk.Logged); /* both FATs */
    CHECK_EQUAL(Flushes + 1, FatDisk.Device.RequestCounts[DiskFlush]);
    CHECK_EQUAL(0x1234, FatGet16(FatDisk.Image + FatVolume->ReservedSectors * 512 + 200));
    FatWorldFinish();
}

TEST(FatBeginChange_marks_the_volume_once)
{
    BOOLEAN Clean;
    ULONG Logged;

    FatWorldStart(&FatWorldFat32, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatReadCleanBit(FatVolume, &Clean));
    CHECK_EQUAL(TRUE, Clean);
    CHECK_EQUAL(STATUS_SUCCESS, FatBeginChange(FatVolume));
    CHECK_EQUAL(STATUS_SUCCESS, FatReadCleanBit(FatVolume, &Clean));
    CHECK_EQUAL(FALSE, Clean);
    Logged = FatDisk.Logged;
    CHECK_EQUAL(3, Logged); /* FSInfo, two FATs */
    CHECK_EQUAL(STATUS_SUCCESS, FatBeginChange(FatVolume));
    CHECK_EQUAL(Logged, FatDisk.Logged);
    CHECK_EQUAL(STATUS_SUCCESS, FatFlush(FatVolume));
    CHECK_EQUAL(STATUS_SUCCESS, FatReadCleanBit(FatVolume, &Clean));
    CHECK_EQUAL(TRUE, Clean);
    FatWorldFinish();
}

TEST(FatBeginChange_refuses_a_read_only_disk)
{
    FatWorldStart(&FatWorldFat12, 0);
    FatDisk.Device.ReadOnly = TRUE;
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, FatBeginChange(FatVolume));
    CHECK_EQUAL(STATUS_SUCCESS, FatFlush(FatVolume)); /* there is nothing to do */
    FatDisk.Device.ReadOnly = FALSE;
    FatWorldFinish();
}

TEST(Fat_info_sector_that_looks_like_another_is_left_alone)
{
    FatWorldStart(&FatWorldFat32, 0);
    FatDisk.Image[512] ^= 1; /* its first signature */
    FatWorldRemount();
    FatWorldPut("/A", 10, 0);
    CHECK_EQUAL(FatWorldFat32.Clusters - 1, FatGet32(FatDisk.Image + 512 + 488));
    CHECK_EQUAL(STATUS_SUCCESS, FatFlush(FatVolume));
    CHECK_EQUAL(FatWorldFat32.Clusters - 1, FatGet32(FatDisk.Image + 512 + 488));
    FatWorldFinish();
}

TEST(FatAbandon_forgets_changes_that_are_not_on_the_disk)
{
    ULONG Value;

    FatWorldStart(&FatWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, 5, 6));
    FatAbandon(FatVolume);
    CHECK_EQUAL(STATUS_SUCCESS, FatGetEntry(FatVolume, 5, &Value));
    CHECK_EQUAL(FAT_FREE, Value);
    CHECK(FatVolume->Used.Buffer == NULL);
    FatWorldFinish();
}
