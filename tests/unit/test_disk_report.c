/* SPDX-License-Identifier: MIT */
/*
 * test_disk_report.c - the disk of the boot volume is read and never written.
 */
#include "boot_volume.h"
#include "disk/driver/channel.h"
#include "disk/driver/drivers.h"
#include "disk/volume/boot_volume_i.h"
#include "disk/volume/partition.h"
#include "tests/host/virtio_disk.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

#define SERIAL 0x48590002u

static VIRTIO_DISK Mock;

static const LOADER_BOOT_PARTITION Boot = {
    .BlockCount = 1024,
    .BlockBytes = 512,
    .Style = LoaderPartitionNone,
    .VolumeSerial = SERIAL,
};

/* A disk that one volume fills, which the search has seen. */
static void Arrange(ULONG Serial)
{
    DiskBenchStart();
    DiskForgetBootVolume();
    VirtioDiskAttach(&Mock);
    memset(Mock.Medium + 22, 0, 2); /* FAT32: no 16-bit size of a FAT */
    memcpy(Mock.Medium + 67, &Serial, sizeof(Serial));
    memcpy(Mock.Medium + 510, "\x55\xAA", 2);
    DiskStartDrivers();
    DiskFindBootVolume(&Boot);
    HostConsoleClear();
    memset(Mock.Requests, 0, sizeof(Mock.Requests));
}

static void Finish(void)
{
    DiskForgetBootVolume();
    DiskDeleteWriteList(DiskNextDevice(NULL));
    DiskBenchFinish();
}

static BOOLEAN Said(const char *Text)
{
    return strstr(HostConsoleText(), Text) != NULL;
}

TEST(DiskReport_reads_the_boot_volume_and_its_first_sector)
{
    ULONG64 Before;

    Arrange(SERIAL);
    Before = DiskNextDevice(NULL)->RequestCounts[DiskRead];
    DiskReport(&Boot);
    CHECK(Said("disk virtio0: the boot volume, serial 4859-0002, begins in sector 0"));
    CHECK(Said("the boot sector in sector 0 was read, status 00000000"));
    CHECK(Said("8 reads of 4096 bytes at once"));
    CHECK_EQUAL(18, Mock.Requests[0]);
    CHECK_EQUAL(18, DiskNextDevice(NULL)->RequestCounts[DiskRead] - Before);
    CHECK_EQUAL(0, Mock.Requests[1]);
    CHECK_EQUAL(8, Mock.MostAtOnce);
    Finish();
}

TEST(DiskReport_of_a_disk_that_was_taken_away_says_so)
{
    Arrange(SERIAL);
    CONTAINING_RECORD(DiskNextDevice(NULL), DISK_CHANNEL, Device)->Gone = TRUE;
    DiskReport(&Boot);
    CHECK(Said("# disk: the boot volume is on none of the disks: virtio0 is gone\n"));
    Finish();
}

TEST(DiskReport_of_a_boot_volume_that_was_not_found_says_why)
{
    Arrange(SERIAL + 1);
    DiskReport(&Boot);
    CHECK(Said("# disk: boot volume not found: at its place on virtio0 is a volume with"));
    CHECK_EQUAL(0, Mock.Requests[0]);
    Finish();
}

TEST(DiskReport_without_disks_says_so)
{
    DiskBenchStart();
    DiskForgetBootVolume();
    DiskFindBootVolume(&Boot);
    HostConsoleClear();
    DiskReport(&Boot);
    CHECK(Said("# disk: boot volume not found: no controller with a driver has a disk\n"));
    DiskForgetBootVolume();
    DiskBenchFinish();
}
