/* SPDX-License-Identifier: MIT */
/*
 * test_judge_volume.c - a boot volume that must not be changed becomes read-only, and says why.
 */
#include "boot_volume.h"
#include "disk/driver/drivers.h"
#include "disk/volume/boot_volume_i.h"
#include "tests/unit/fat_world.h"

#include <string.h>

static HOST_DISK Disk;
static const LOADER_BOOT_PARTITION Nowhere;

static BOOLEAN Said(const char *Text)
{
    return strstr(HostConsoleText(), Text) != NULL;
}

static void Start(const SEED_FAT *Seed)
{
    MmWorldStart(2048);
    DriverForgetDisks();
    DiskForgetBootVolume();
    DiskFindBootVolume(&Nowhere);
    HostDiskCreate(&Disk, Seed->SectorBytes, SeedFatSectors(Seed), 0);
    SeedFat(Seed, Disk.Image);
    DiskSetBootVolume(&Disk.Device);
    HostConsoleClear();
}

static void Finish(void)
{
    CHECK_EQUAL(0, Disk.Logged);
    DiskForgetBootVolume();
    HostDiskDelete(&Disk);
    MmWorldFinish();
}

/* Take the clean bit away from the FAT that is read. */
static void MakeDirty(const SEED_FAT *Seed, ULONG At, UCHAR Bit)
{
    Disk.Image[SeedFatTable(Seed) * Seed->SectorBytes + At] &= (UCHAR)~Bit;
}

TEST(A_boot_volume_in_order_may_be_changed)
{
    Start(&FatWorldFat16);
    FatJudgeBootVolume();
    CHECK(Said("File sys.  FAT16, 4200 clusters of 1024 bytes, serial 1234-5678, in order\n"));
    CHECK(!Disk.Device.ReadOnly);
    Finish();
    Start(&FatWorldFat32);
    FatJudgeBootVolume();
    CHECK(Said("File sys.  FAT32, 65600 clusters of 512 bytes, serial 1234-5678, in order\n"));
    CHECK(!Disk.Device.ReadOnly);
    Finish();
}

TEST(A_boot_volume_that_was_not_left_in_order_is_read_only)
{
    Start(&FatWorldFat16);
    MakeDirty(&FatWorldFat16, 3, 0x80);
    FatJudgeBootVolume();
    CHECK(Said("serial 1234-5678\n           read-only: it was not left in order"));
    CHECK(Disk.Device.ReadOnly);
    Finish();
    Start(&FatWorldFat32);
    MakeDirty(&FatWorldFat32, 7, 0x08);
    FatJudgeBootVolume();
    CHECK(Said("read-only: it was not left in order"));
    CHECK(Disk.Device.ReadOnly);
    Finish();
}

TEST(A_boot_volume_of_FAT12_is_read_only)
{
    Start(&FatWorldFat12);
    FatJudgeBootVolume();
    CHECK(Said("File sys.  FAT12, 300 clusters of 512 bytes"));
    CHECK(Said("read-only: FAT12 does not tell whether it is in order\n"));
    CHECK(Disk.Device.ReadOnly);
    Finish();
}

TEST(A_boot_volume_on_a_protected_device_says_so)
{
    Start(&FatWorldFat16);
    Disk.Device.ReadOnly = TRUE;
    FatJudgeBootVolume();
    CHECK(Said("read-only: the device takes no writes\n"));
    Finish();
}

TEST(A_boot_volume_that_is_not_FAT_or_cannot_be_read_is_said)
{
    Start(&FatWorldFat16);
    Disk.Image[510] = 0;
    FatJudgeBootVolume();
    CHECK(Said("File sys.  simulated holds no FAT volume that can be used: status c000014f\n"));
    Finish();
    Start(&FatWorldFat16);
    Disk.FailFrom = 1;
    FatJudgeBootVolume();
    CHECK(Said("that can be used: status c0000185\n"));
    Finish();
}
