/* SPDX-License-Identifier: MIT */
/*
 * test_virtio_legacy.c - a virtio block device that has ports only.
 */
#include "disk/driver/channel.h"
#include "disk/driver/drivers.h"
#include "disk/driver/virtio.h"
#include "tests/host/virtio_disk.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

static const HAL_PCI_FUNCTION Where = {0, 2, 0};
static VIRTIO_DISK Mock;
static UCHAR Data[0x10000];

static void Arrange(void)
{
    DiskBenchStart();
    VirtioDiskAttachLegacy(&Mock);
}

static PDISK_DEVICE Add(void)
{
    CHECK_EQUAL(STATUS_SUCCESS, VirtioBlkAddDevice(Where, 0));
    return DiskNextDevice(NULL);
}

static void ExpectNoDevice(NTSTATUS Expected)
{
    CHECK_EQUAL(Expected, VirtioBlkAddDevice(Where, 0));
    CHECK_EQUAL(0, RegistersMapped());
    CHECK_EQUAL(0, MessagesConnected());
    CHECK_EQUAL(0, Mock.Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    DiskBenchFinish();
}

TEST(VirtioLegacy_reads_what_was_written)
{
    PDISK_DEVICE Disk;
    ULONG i;

    Arrange();
    Disk = Add();
    CHECK_EQUAL(512, Disk->SectorBytes);
    CHECK_EQUAL(VIRTIO_DISK_SECTORS, Disk->Sectors);
    for (i = 0; i < sizeof(Data); i++) {
        Data[i] = (UCHAR)(i * 13 + i / 512);
    }
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskWrite, 3, 128, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 3 * 512, Data, sizeof(Data)));
    memset(Data, 0, sizeof(Data));
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskRead, 3, 128, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 3 * 512, Data, sizeof(Data)));
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
    CHECK_EQUAL(1, Mock.Requests[4]);
    DiskBenchFinish();
}

TEST(VirtioLegacy_queue_has_the_device_s_size)
{
    static const ULONG Sizes[] = {8, 64, 512, 1024};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Sizes); i++) {
        Arrange();
        Mock.QueueMaximum = Mock.QueueSize = Sizes[i];
        CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Add(), DiskRead, 7, 8, Data));
        CHECK_EQUAL(0, memcmp(Mock.Medium + 7 * 512, Data, 4096));
        DiskBenchFinish();
    }
}

TEST(VirtioLegacy_queues_of_other_sizes_are_not_supported)
{
    static const ULONG Sizes[] = {0, 2, 100, 2048};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Sizes); i++) {
        Arrange();
        Mock.QueueMaximum = Mock.QueueSize = Sizes[i];
        ExpectNoDevice(STATUS_NOT_SUPPORTED);
    }
}

TEST(VirtioLegacy_configuration_is_found_where_firmware_left_messages_on)
{
    PDISK_DEVICE Disk;

    Arrange();
    Mock.Pci->Space[Mock.Pci->Space[PCI_CAPABILITIES] + 3] |= 0x80;
    Disk = Add();
    CHECK_EQUAL(VIRTIO_DISK_SECTORS, Disk->Sectors);
    CHECK_EQUAL(512, Disk->SectorBytes);
    DiskBenchFinish();
}

TEST(VirtioLegacy_silence_is_a_reset_and_a_second_try)
{
    PDISK_DEVICE Disk;

    Arrange();
    Disk = Add();
    Mock.Answer = VirtioSilent;
    Mock.Misbehaves = 1;
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskRead, 8, 8, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 8 * 512, Data, 4096));
    CHECK_EQUAL(1, CONTAINING_RECORD(Disk, DISK_CHANNEL, Device)->Resets);
    DiskBenchFinish();
}

TEST(VirtioLegacy_pulled_out_is_gone)
{
    PDISK_DEVICE Disk;

    Arrange();
    Disk = Add();
    VirtioDiskRemove(&Mock);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 8, 8, Data));
    DiskBenchFinish();
}

TEST(VirtioLegacy_range_must_be_ports_and_hold_the_configuration)
{
    Arrange();
    PciMockRange(Mock.Pci, 0, VIRTIO_DISK_PORT | 1, 16, FALSE);
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
    Arrange();
    PciMockRange(Mock.Pci, 0, 0x80000000, 0x1000, FALSE); /* memory */
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
}

TEST(VirtioLegacy_that_never_resets_is_refused)
{
    Arrange();
    Mock.Status = 0x07;
    Mock.NeverResets = TRUE;
    ExpectNoDevice(STATUS_IO_TIMEOUT);
}
