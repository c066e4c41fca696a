/* SPDX-License-Identifier: MIT */
/*
 * test_probe.c - which controllers are found, and what is said of them.
 */
#include "disk/driver/drivers.h"
#include "tests/host/ahci_disk.h"
#include "tests/host/nvme_disk.h"
#include "tests/host/virtio_disk.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

static VIRTIO_DISK Virtio;
static AHCI_DISK Ahci;
static NVME_MOCK Nvme;

static void Arrange(void)
{
    DiskBenchStart();
    HostConsoleClear();
}

static BOOLEAN Said(const char *Text)
{
    return strstr(HostConsoleText(), Text) != NULL;
}

TEST(StartDrivers_finds_the_disks_of_all_controllers_and_names_those_without_driver)
{
    PDISK_DEVICE Disk;

    Arrange();
    PciMockAdd(0, 1, 0, 0x11111234, 0x030000);
    VirtioDiskAttach(&Virtio);
    NvmeMockAttach(&Nvme);
    PciMockAdd(0, 5, 0, 0x00101234, 0x010100);
    PciMockAdd(0, 6, 0, 0x9A0B8086, 0x010400);
    AhciDiskAttach(&Ahci);
    DiskStartDrivers();
    Disk = DiskNextDevice(NULL);
    CHECK_TEXT("virtio0", Disk->Name);
    Disk = DiskNextDevice(Disk);
    CHECK_TEXT("nvme0.1", Disk->Name);
    Disk = DiskNextDevice(Disk);
    CHECK_TEXT("ahci0.2", Disk->Name);
    CHECK(DiskNextDevice(Disk) == NULL);
    CHECK(Said("virtio-blk controller at 00:02.0\n           virtio0: 1024 sectors of 512 bytes"));
    CHECK(Said("NVMe controller at 00:04.0\n           nvme0.1: 1024 sectors of 512 bytes"));
    CHECK(Said("IDE controller at 00:05.0: no driver for it yet: switch it to AHCI"));
    CHECK(Said("RAID controller at 00:06.0: no driver for it yet: switch it to AHCI or NVMe"));
    CHECK(Said("AHCI controller at 00:1f.0\n           ahci0.2: 1024 sectors"));
    DiskBenchFinish();
}

TEST(StartDrivers_says_what_cannot_be_used)
{
    Arrange();
    VirtioDiskAttach(&Virtio);
    Virtio.BlockBytes = 7;
    AhciDiskAttach(&Ahci);
    Ahci.NoLink = TRUE;
    DiskStartDrivers();
    CHECK(DiskNextDevice(NULL) == NULL);
    CHECK(Said("virtio-blk controller at 00:02.0: cannot be used, status c00000bb\n"));
    CHECK(Said("AHCI controller at 00:1f.0: no disk on it\n"));
    DiskBenchFinish();
}

TEST(StartDrivers_says_whose_registers_are_out_of_reach)
{
    Arrange();
    VirtioDiskAttach(&Virtio);
    NvmeMockAttach(&Nvme);
    AhciDiskAttach(&Ahci);
    RegistersOutOfReach(TRUE);
    DiskStartDrivers();
    CHECK(DiskNextDevice(NULL) == NULL);
    CHECK(Said("virtio-blk controller at 00:02.0: its registers are out of reach\n"));
    CHECK(Said("NVMe controller at 00:04.0: its registers are out of reach\n"));
    CHECK(Said("AHCI controller at 00:1f.0: its registers are out of reach\n"));
    DiskBenchFinish();
}

TEST(StartDrivers_finds_nothing_where_there_is_nothing)
{
    Arrange();
    DiskStartDrivers();
    CHECK(DiskNextDevice(NULL) == NULL);
    CHECK_TEXT("", HostConsoleText());
    DiskBenchFinish();
}
