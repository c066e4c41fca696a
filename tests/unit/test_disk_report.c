/* SPDX-License-Identifier: MIT */
/*
 * test_disk_report.c - the boot disk is found by its contents, read and never written.
 */
#include "disk/driver/drivers.h"
#include "tests/host/virtio_disk.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

#define BOOT_SECTOR 64u
#define SERIAL      0x48590002u

static VIRTIO_DISK Mock;

static const LOADER_BOOT_PARTITION Boot = {
    .StartBlock = BOOT_SECTOR,
    .BlockCount = 512,
    .BlockBytes = 512,
    .Style = LoaderPartitionGpt,
    .VolumeSerial = SERIAL,
};

static void Arrange(ULONG Serial)
{
    PUCHAR Sector = Mock.Medium + BOOT_SECTOR * 512;

    DiskBenchStart();
    HostConsoleClear();
    VirtioDiskAttach(&Mock);
    memcpy(Mock.Medium + 512, "EFI PART", 8);
    memcpy(Sector + 67, &Serial, sizeof(Serial));
    memcpy(Sector + 510, "\x55\xAA", 2);
    DiskStartDrivers();
}

static BOOLEAN Said(const char *Text)
{
    return strstr(HostConsoleText(), Text) != NULL;
}

TEST(DiskReport_reads_the_boot_volume_and_the_partition_table)
{
    Arrange(SERIAL);
    DiskReport(&Boot);
    CHECK(Said("disk virtio0: the boot volume, serial 48590002, begins in sector 64"));
    CHECK(Said("the header of a GPT in sector 1 was read, status 00000000"));
    CHECK(Said("8 reads of 4096 bytes at once"));
    CHECK_EQUAL(18, Mock.Requests[0]);
    CHECK_EQUAL(18, DiskNextDevice(NULL)->RequestCounts[DiskRead]);
    CHECK_EQUAL(0, Mock.Requests[1]);
    CHECK_EQUAL(8, Mock.MostAtOnce);
    DiskBenchFinish();
}

TEST(DiskReport_does_not_take_another_disk_for_the_boot_disk)
{
    Arrange(SERIAL + 1);
    DiskReport(&Boot);
    CHECK(Said("# disk: the boot volume is on none of the disks that have a driver\n"));
    CHECK_EQUAL(1, Mock.Requests[0]);
    DiskBenchFinish();
}

TEST(DiskReport_without_disks_says_so)
{
    DiskBenchStart();
    HostConsoleClear();
    DiskReport(&Boot);
    CHECK(Said("# disk: no controller with a driver\n"));
    DiskBenchFinish();
}
