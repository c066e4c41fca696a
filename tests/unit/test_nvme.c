/* SPDX-License-Identifier: MIT */
/*
 * test_nvme.c - an NVMe controller is taken over, or refused; test_nvme_disk.c has the commands.
 */
#include "disk/driver/drivers.h"
#include "tests/host/nvme_disk.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

static const HAL_PCI_FUNCTION Where = {0, 4, 0};
static NVME_MOCK Mock;
static UCHAR Data[4096];

static void Arrange(void)
{
    DiskBenchStart();
    NvmeMockAttach(&Mock);
}

static void ExpectNoDevice(NTSTATUS Expected)
{
    CHECK_EQUAL(Expected, NvmeAddDevice(Where, 0));
    CHECK_EQUAL(0, RegistersMapped());
    CHECK_EQUAL(0, MessagesConnected());
    CHECK_EQUAL(0, Mock.Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    CHECK(DiskNextDevice(NULL) == NULL);
    DiskBenchFinish();
}

/* => Returns how long it took, in milliseconds. */
static ULONG AddAndRead(void)
{
    ULONG64 Start = HostCycles();
    ULONG Passed;

    CHECK_EQUAL(STATUS_SUCCESS, NvmeAddDevice(Where, 0));
    Passed = (ULONG)((HostCycles() - Start) / (HOST_CYCLE_FREQUENCY / 1000));
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(DiskNextDevice(NULL), DiskRead, 1, 8, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium[0] + 512, Data, 4096));
    DiskBenchFinish();
    return Passed;
}

TEST(Nvme_tells_its_geometry)
{
    PDISK_DEVICE Disk;

    Arrange();
    CHECK_EQUAL(STATUS_SUCCESS, NvmeAddDevice(Where, 1));
    Disk = DiskNextDevice(NULL);
    CHECK(Disk != NULL && DiskNextDevice(Disk) == NULL);
    CHECK_TEXT("nvme1.1", Disk->Name);
    CHECK_EQUAL(512, Disk->SectorBytes);
    CHECK_EQUAL(NVME_MOCK_BYTES / 512, Disk->Sectors);
    CHECK_EQUAL(128, Disk->MaximumSectors);
    CHECK(!Disk->ReadOnly);
    CHECK_EQUAL(1, Mock.Enables);
    DiskBenchFinish();
}

TEST(Nvme_that_firmware_left_getting_ready_is_waited_for_and_then_stopped)
{
    Arrange();
    Mock.ReadyAt = HostCycles() + HOST_CYCLE_FREQUENCY / 2;
    CHECK(AddAndRead() >= 500);
}

TEST(Nvme_that_firmware_switched_off_is_started)
{
    Arrange();
    Mock.Control = 0x00464000; /* shut down, disabled */
    CHECK(AddAndRead() < 100);
}

TEST(Nvme_is_given_the_time_that_it_asks_for)
{
    Arrange();
    Mock.CapabilitiesLow = 0x0F0107FF; /* 7.5 s */
    Mock.ReadyCycles = 7ull * HOST_CYCLE_FREQUENCY;
    CHECK(AddAndRead() >= 7000);
}

TEST(Nvme_that_asks_for_no_time_gets_a_second)
{
    Arrange();
    Mock.CapabilitiesLow = 0x000107FF;
    Mock.ReadyCycles = HOST_CYCLE_FREQUENCY / 2;
    CHECK(AddAndRead() >= 500);
}

TEST(Nvme_that_asks_for_two_minutes_gets_half_a_minute)
{
    ULONG64 Start;

    Arrange();
    Mock.CapabilitiesLow = 0xFF0107FF;
    Mock.ReadyCycles = 25ull * HOST_CYCLE_FREQUENCY;
    CHECK(AddAndRead() >= 25000);
    Arrange();
    Mock.Control = 0;
    Mock.CapabilitiesLow = 0xFF0107FF;
    Mock.ReadyCycles = 100ull * HOST_CYCLE_FREQUENCY;
    Start = HostCycles();
    CHECK_EQUAL(STATUS_IO_TIMEOUT, NvmeAddDevice(Where, 0));
    CHECK(HostCycles() - Start < 62ull * HOST_CYCLE_FREQUENCY); /* to start, and to stop again */
    DiskBenchFinish();
}

TEST(Nvme_that_never_gets_ready_is_refused)
{
    Arrange();
    Mock.NeverReady = TRUE;
    ExpectNoDevice(STATUS_IO_TIMEOUT);
}

TEST(Nvme_that_says_it_failed_to_start_is_refused_at_once)
{
    ULONG64 Start;

    Arrange();
    Mock.FailsToStart = TRUE;
    Start = HostCycles();
    ExpectNoDevice(STATUS_IO_DEVICE_ERROR);
    CHECK(HostCycles() - Start < HOST_CYCLE_FREQUENCY);
}

TEST(Nvme_that_never_stops_is_refused)
{
    Arrange();
    Mock.NeverStops = TRUE;
    ExpectNoDevice(STATUS_IO_TIMEOUT);
}

TEST(Nvme_that_answers_no_admin_command_is_refused)
{
    Arrange();
    Mock.AdminSilent = TRUE;
    ExpectNoDevice(STATUS_IO_TIMEOUT);
}

TEST(Nvme_that_refuses_an_admin_command_is_refused)
{
    static const ULONG Operations[] = {1, 5, 6, 9};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Operations); i++) {
        Arrange();
        Mock.AdminFails = Operations[i];
        ExpectNoDevice(STATUS_IO_DEVICE_ERROR);
    }
}

TEST(Nvme_doorbells_may_be_far_apart)
{
    Arrange();
    Mock.CapabilitiesHigh |= 8; /* 1 KB */
    (void)AddAndRead();
}

TEST(Nvme_doorbells_beyond_the_registers_are_not_supported)
{
    Arrange();
    Mock.CapabilitiesHigh |= 12; /* 16 KB: not even the admin queue's */
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
    Arrange();
    Mock.CapabilitiesHigh |= 10; /* 4 KB: the admin queue's only */
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
}

TEST(Nvme_with_larger_pages_or_other_commands_is_not_supported)
{
    Arrange();
    Mock.CapabilitiesHigh |= 1 << 16; /* at least 8 KB */
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
    Arrange();
    Mock.CapabilitiesHigh = 0x00400000;
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
    Arrange();
    Mock.CapabilitiesLow = 0x0F010000; /* one entry: a queue that is always full */
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
}

TEST(Nvme_namespaces_with_sectors_that_are_not_known_are_not_supported)
{
    Arrange();
    Mock.SectorShift = 13;
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
    Arrange();
    Mock.SectorShift = 8;
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
    Arrange();
    Mock.Metadata = 8;
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
    Arrange();
    Mock.Protection = 1;
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
}

TEST(Nvme_without_a_namespace_has_no_disk)
{
    Arrange();
    Mock.Namespaces = 0;
    ExpectNoDevice(STATUS_NO_SUCH_DEVICE);
    Arrange();
    Mock.Namespaces = 0;
    Mock.NoList = TRUE;
    ExpectNoDevice(STATUS_NO_SUCH_DEVICE);
}

TEST(Nvme_namespaces_are_found_without_a_list_too)
{
    Arrange();
    Mock.Namespaces = 2;
    Mock.NoList = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS, NvmeAddDevice(Where, 0));
    CHECK_TEXT("nvme0.2", DiskNextDevice(DiskNextDevice(NULL))->Name);
    DiskBenchFinish();
}

TEST(Nvme_has_no_more_disks_than_queues)
{
    Arrange();
    Mock.Namespaces = 2;
    Mock.QueuesAllowed = 1;
    CHECK_EQUAL(STATUS_SUCCESS, NvmeAddDevice(Where, 0));
    CHECK(DiskNextDevice(DiskNextDevice(NULL)) == NULL);
    DiskBenchFinish();
}

TEST(Nvme_without_interrupts_is_refused)
{
    Arrange();
    MessagesFail(1);
    ExpectNoDevice(STATUS_INSUFFICIENT_RESOURCES);
}

TEST(Nvme_out_of_reach_is_refused)
{
    Arrange();
    RegistersOutOfReach(TRUE);
    ExpectNoDevice(STATUS_DEVICE_UNREACHABLE);
}

TEST(Nvme_that_cannot_master_the_bus_is_refused)
{
    Arrange();
    Mock.Pci->NoMaster = TRUE;
    ExpectNoDevice(STATUS_NO_SUCH_DEVICE);
}

TEST(Nvme_is_told_when_the_machine_is_switched_off)
{
    Arrange();
    CHECK_EQUAL(STATUS_SUCCESS, NvmeAddDevice(Where, 0));
    CHECK(!Mock.ShutDown);
    DiskStopDrivers();
    CHECK(Mock.ShutDown);
    Mock.ShutDown = FALSE;
    DiskStopDrivers(); /* nobody is left to be told */
    CHECK(!Mock.ShutDown);
    DiskBenchFinish();
}

TEST(Nvme_that_is_gone_or_does_not_answer_delays_the_end_by_5_s_at_most)
{
    ULONG64 Start;

    Arrange();
    CHECK_EQUAL(STATUS_SUCCESS, NvmeAddDevice(Where, 0));
    NvmeMockRemove(&Mock);
    Start = HostCycles();
    DiskStopDrivers();
    CHECK(HostCycles() - Start < HOST_CYCLE_FREQUENCY / 10);
    DiskBenchFinish();
    Arrange();
    CHECK_EQUAL(STATUS_SUCCESS, NvmeAddDevice(Where, 0));
    Mock.NeverShutsDown = TRUE;
    Start = HostCycles();
    DiskStopDrivers();
    CHECK(HostCycles() - Start < 6ull * HOST_CYCLE_FREQUENCY);
    DiskBenchFinish();
}
