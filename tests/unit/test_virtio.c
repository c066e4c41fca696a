/* SPDX-License-Identifier: MIT */
/*
 * test_virtio.c - a virtio device's registers, where it says that they are.
 */
#include "disk/driver/virtio.h"
#include "tests/host/virtio_disk.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

/* The vendor capabilities of the mock, in their order, behind MSI-X. */
#define COMMON 0x58u
#define CONFIG 0x70u
#define NOTIFY 0x88u

static VIRTIO_DISK Mock;
static VIRTIO_DEVICE Device;

static void Arrange(void)
{
    DiskBenchStart();
    VirtioDiskAttach(&Mock);
    memset(&Device, 0, sizeof(Device));
    Device.F = (HAL_PCI_FUNCTION){0, 2, 0};
    CHECK_EQUAL(STATUS_SUCCESS, PciTakeFunction(Device.F));
}

static void Finish(void)
{
    PciReleaseFunction(Device.F);
    DiskBenchFinish();
}

static void ExpectNotSupported(void)
{
    CHECK_EQUAL(STATUS_NOT_SUPPORTED, VirtioMap(&Device));
    CHECK_EQUAL(0, RegistersMapped());
    Finish();
}

TEST(VirtioMap_finds_the_registers_and_gives_them_back)
{
    Arrange();
    CHECK_EQUAL(STATUS_SUCCESS, VirtioMap(&Device));
    CHECK_EQUAL(0x38, Device.Common.Bytes);
    CHECK_EQUAL(0x18, Device.Config.Bytes);
    CHECK_EQUAL(4, Device.NotifyMultiplier);
    CHECK_EQUAL(3, RegistersMapped());
    VirtioUnmap(&Device);
    CHECK_EQUAL(0, RegistersMapped());
    Finish();
}

TEST(VirtioMap_wants_all_three_kinds)
{
    static const ULONG Kinds[] = {COMMON, CONFIG, NOTIFY};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Kinds); i++) {
        Arrange();
        Mock.Pci->Space[Kinds[i] + 3] = 5;
        ExpectNotSupported();
    }
}

TEST(VirtioMap_refuses_registers_outside_of_their_range_or_too_few)
{
    Arrange();
    PciMockSetLong(Mock.Pci, COMMON + 8, 0x4000);
    ExpectNotSupported();
    Arrange();
    PciMockSetLong(Mock.Pci, NOTIFY + 12, 0xFFFFF000);
    ExpectNotSupported();
    Arrange();
    PciMockSetLong(Mock.Pci, COMMON + 12, 0x30);
    ExpectNotSupported();
    Arrange();
    Mock.Pci->Space[COMMON + 4] = 7; /* there is no such range */
    ExpectNotSupported();
}

TEST(VirtioMap_comes_back_from_a_list_that_runs_in_a_circle)
{
    Arrange();
    Mock.Pci->Space[CONFIG + 1] = COMMON;
    ExpectNotSupported();
}

TEST(VirtioStartQueue_refuses_a_doorbell_out_of_range)
{
    const VIRTIO_QUEUE_MEMORY Memory = {0x1000, 0x2000, 0x3000};
    ULONG64 Agreed;

    Arrange();
    CHECK_EQUAL(STATUS_SUCCESS, VirtioMap(&Device));
    CHECK(VirtioReset(&Device));
    CHECK_EQUAL(STATUS_SUCCESS, VirtioNegotiate(&Device, 1 << 9, &Agreed));
    CHECK_EQUAL(1ull << 32 | 1 << 9, Agreed);
    Device.Notify.Bytes = 1;
    CHECK_EQUAL(STATUS_NOT_SUPPORTED, VirtioStartQueue(&Device, 16, &Memory));
    CHECK_EQUAL(0, Mock.QueueEnabled);
    Device.Notify.Bytes = 2;
    CHECK_EQUAL(STATUS_SUCCESS, VirtioStartQueue(&Device, 16, &Memory));
    CHECK_EQUAL(1, Mock.QueueEnabled);
    VirtioUnmap(&Device);
    Finish();
}

TEST(VirtioReadConfig_is_zero_where_the_device_has_nothing)
{
    ULONG Words[6];

    Arrange();
    CHECK_EQUAL(STATUS_SUCCESS, VirtioMap(&Device));
    Device.Config.Bytes = 8;
    memset(Words, 0xA5, sizeof(Words));
    VirtioReadConfig(&Device, Words, sizeof(Words));
    CHECK_EQUAL(VIRTIO_DISK_SECTORS, Words[0]);
    CHECK_EQUAL(0, Words[3]);
    CHECK_EQUAL(0, Words[5]);
    VirtioUnmap(&Device);
    Finish();
}
