/* SPDX-License-Identifier: MIT */
/*
 * test_ahci.c - an AHCI controller is taken over, or refused; test_ahci_port.c has the commands.
 */
#include "disk/driver/drivers.h"
#include "tests/host/ahci_disk.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

static const HAL_PCI_FUNCTION Where = {0, 31, 0};
static AHCI_DISK Mock;
static UCHAR Data[4096];

static void Arrange(void)
{
    DiskBenchStart();
    AhciDiskAttach(&Mock);
}

static void ExpectNoDevice(NTSTATUS Expected)
{
    CHECK_EQUAL(Expected, AhciAddDevice(Where, 0));
    CHECK_EQUAL(0, RegistersMapped());
    CHECK_EQUAL(0, MessagesConnected());
    CHECK_EQUAL(0, Mock.Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    CHECK(DiskNextDevice(NULL) == NULL);
    DiskBenchFinish();
}

TEST(Ahci_finds_its_disk_and_touches_only_ports_that_are_implemented)
{
    PDISK_DEVICE Disk;

    Arrange();
    CHECK_EQUAL(STATUS_SUCCESS, AhciAddDevice(Where, 1));
    Disk = DiskNextDevice(NULL);
    CHECK(Disk != NULL && DiskNextDevice(Disk) == NULL);
    CHECK_TEXT("ahci1.2", Disk->Name);
    CHECK_EQUAL(512, Disk->SectorBytes);
    CHECK_EQUAL(AHCI_DISK_SECTORS, Disk->Sectors);
    CHECK_EQUAL(128, Disk->MaximumSectors);
    CHECK(!Mock.TouchedOthers);
    CHECK_EQUAL(0, Mock.Ports[0].Registers[0x18 / 4] & 0xC001); /* the empty port is stopped */
    DiskBenchFinish();
}

/* => Returns how long it took, in milliseconds. */
static ULONG TakeOver(void)
{
    ULONG64 Start = HostCycles();
    ULONG Passed;

    CHECK_EQUAL(STATUS_SUCCESS, AhciAddDevice(Where, 0));
    Passed = (ULONG)((HostCycles() - Start) / (HOST_CYCLE_FREQUENCY / 1000));
    CHECK(!Mock.FirmwareOwns || (Mock.HandOff & 2) != 0);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(DiskNextDevice(NULL), DiskRead, 1, 8, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 512, Data, 4096));
    DiskBenchFinish();
    return Passed;
}

TEST(Ahci_is_handed_over_by_firmware_that_agrees)
{
    Arrange();
    Mock.FirmwareOwns = Mock.FirmwareYields = TRUE;
    CHECK(TakeOver() < 20);
}

TEST(Ahci_is_taken_from_firmware_that_does_not_answer)
{
    Arrange();
    Mock.FirmwareOwns = TRUE;
    CHECK(TakeOver() < 100);
}

TEST(Ahci_is_taken_from_firmware_that_is_busy_for_more_than_2_s)
{
    ULONG Passed;

    Arrange();
    Mock.FirmwareOwns = Mock.FirmwareBusy = TRUE;
    Passed = TakeOver();
    CHECK(Passed >= 2000 && Passed < 2200);
}

TEST(Ahci_is_enabled_before_anything_else)
{
    Arrange();
    Mock.FirmwareOwns = Mock.FirmwareYields = TRUE;
    (void)TakeOver();
    CHECK(!Mock.EnabledTooLate);
}

TEST(Ahci_disk_that_firmware_did_not_spin_up_is_waited_for)
{
    ULONG Passed;

    Arrange();
    AhciDiskStagger(&Mock, HOST_CYCLE_FREQUENCY / 100, 6ull * HOST_CYCLE_FREQUENCY);
    Passed = TakeOver();
    CHECK(Passed >= 6000 && Passed < 6500);
}

TEST(Ahci_disk_that_does_not_spin_up_is_given_up)
{
    ULONG64 Start;

    Arrange();
    AhciDiskStagger(&Mock, HOST_CYCLE_FREQUENCY / 100, 60ull * HOST_CYCLE_FREQUENCY);
    Start = HostCycles();
    ExpectNoDevice(STATUS_NO_SUCH_DEVICE);
    CHECK(HostCycles() - Start < 12ull * HOST_CYCLE_FREQUENCY);
    Arrange();
    AhciDiskStagger(&Mock, 1ull * HOST_CYCLE_FREQUENCY, 1ull * HOST_CYCLE_FREQUENCY);
    Start = HostCycles();
    ExpectNoDevice(STATUS_NO_SUCH_DEVICE); /* nothing is there, as it seems */
    CHECK(HostCycles() - Start < HOST_CYCLE_FREQUENCY / 2);
}

TEST(Ahci_without_a_disk_is_given_up)
{
    Arrange();
    Mock.NoLink = TRUE;
    ExpectNoDevice(STATUS_NO_SUCH_DEVICE);
}

TEST(Ahci_with_a_CD_drive_only_is_given_up)
{
    Arrange();
    Mock.Signature = 0xEB140101;
    ExpectNoDevice(STATUS_NO_SUCH_DEVICE);
    CHECK_EQUAL(0, Mock.Commands[0xEC]);
}

TEST(Ahci_disk_that_does_not_identify_itself_is_given_up)
{
    static const AHCI_ANSWER Answers[] = {AhciSilent, AhciFails};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Answers); i++) {
        Arrange();
        Mock.Answer = Answers[i];
        Mock.Misbehaves = 100;
        ExpectNoDevice(STATUS_NO_SUCH_DEVICE);
    }
}

TEST(Ahci_disk_with_figures_that_make_no_sense_is_given_up)
{
    Arrange();
    Mock.Identify[83] = 0x4000; /* no 48-bit numbers */
    ExpectNoDevice(STATUS_NO_SUCH_DEVICE);
    Arrange();
    Mock.Identify[100] = 0;
    ExpectNoDevice(STATUS_NO_SUCH_DEVICE);
    Arrange();
    Mock.Identify[106] = 0x5000;
    Mock.Identify[117] = 260; /* 520 bytes */
    ExpectNoDevice(STATUS_NO_SUCH_DEVICE);
}

TEST(Ahci_disk_may_have_sectors_of_4096_bytes)
{
    Arrange();
    Mock.Identify[106] = 0x5000;
    Mock.Identify[117] = 2048;
    CHECK_EQUAL(STATUS_SUCCESS, AhciAddDevice(Where, 0));
    CHECK_EQUAL(4096, DiskNextDevice(NULL)->SectorBytes);
    CHECK_EQUAL(16, DiskNextDevice(NULL)->MaximumSectors);
    DiskBenchFinish();
}

TEST(Ahci_port_that_never_stops_is_given_up_and_so_is_its_memory)
{
    Arrange();
    Mock.NeverStops = TRUE;
    ExpectNoDevice(STATUS_NO_SUCH_DEVICE);
}

TEST(Ahci_without_interrupts_is_refused)
{
    Arrange();
    MessagesFail(1);
    ExpectNoDevice(STATUS_INSUFFICIENT_RESOURCES);
}

TEST(Ahci_out_of_reach_is_refused)
{
    Arrange();
    RegistersOutOfReach(TRUE);
    ExpectNoDevice(STATUS_DEVICE_UNREACHABLE);
}
