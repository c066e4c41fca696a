/* SPDX-License-Identifier: MIT */
/*
 * test_usb_storage.c - sticks as disks: what they are, what goes wrong, and how each request ends.
 */
#include "disk/driver/channel.h"
#include "mm/pool/pool.h"
#include "tests/unit/usb_bench.h"

#include <string.h>

#define READ_10  0x28u
#define WRITE_10 0x2Au
#define FLUSH    0x35u

static USB_STICK Stick;
static USB_STICK Other;

static PDISK_DEVICE Arrange(void)
{
    PDISK_DEVICE Disk;

    UsbBenchStart();
    UsbStickCreate(&Stick);
    UsbMockPlug(&Mock, 3, &Stick.Device);
    Disk = UsbBenchStartHost();
    CHECK(Disk != NULL);
    return Disk;
}

/* One command with this operation code goes wrong. */
static void Spoil(USB_STICK_FAULT Fault, ULONG On, ULONG Times)
{
    Stick.Fault = Fault;
    Stick.FaultOn = On;
    Stick.FaultTimes = Times;
}

TEST(UsbStorage_stick_is_a_disk_that_reads_and_writes)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(512, Disk->SectorBytes);
    CHECK_EQUAL(1024, Disk->Sectors);
    CHECK_EQUAL(128, Disk->MaximumSectors);
    CHECK(!Disk->ReadOnly);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 0, 1));
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 17, 9));
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 1024 - 128, 128));
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
    CHECK_EQUAL(1, Stick.Commands[FLUSH]);
    CHECK_EQUAL(0, Stick.ClassResets);
    CHECK(UsbBenchSaid("USB        mock0 port 3: Mock Virtual stick\n"));
    CHECK(UsbBenchSaid("1024 sectors of 512 bytes"));
    UsbBenchFinish();
}

TEST(UsbStorage_keeps_nobody_waiting_beyond_the_second_that_others_have)
{
    ULONG64 Before;

    UsbBenchStart();
    UsbStickCreate(&Stick);
    UsbMockPlug(&Mock, 1, &Stick.Device);
    Before = HostCycles();
    CHECK(UsbBenchStartHost() != NULL);
    CHECK(HostCycles() - Before < 1010000000u);
    UsbBenchFinish();
}

TEST(UsbStorage_takes_transfers_that_complete_in_submit)
{
    PDISK_DEVICE Disk;

    UsbBenchStart();
    Mock.Synchronous = TRUE;
    UsbStickCreate(&Stick);
    UsbMockPlug(&Mock, 1, &Stick.Device);
    Disk = UsbBenchStartHost();
    CHECK(Disk != NULL);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 5, 64));
    Spoil(StickStallData, READ_10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 5, 64));
    UsbBenchFinish();
}

TEST(UsbStorage_many_requests_wait_in_line)
{
    PDISK_DEVICE Disk = Arrange();
    static BENCH_REQUEST Requests[20];
    ULONG i;

    memset(Requests, 0, sizeof(Requests));
    for (i = 0; i < 20; i++) {
        DiskBenchSubmit(Disk, &Requests[i], i % 3 == 2 ? DiskFlush : DiskRead, i, i % 3 != 2);
    }
    for (i = 0; i < 20; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, DiskBenchWait(&Requests[i]));
        DiskBenchFree(&Requests[i]);
    }
    UsbBenchFinish();
}

/* ---- what a stick is ---- */

TEST(UsbStorage_takes_sectors_of_4096_bytes_and_disks_beyond_2_TB)
{
    PDISK_DEVICE Disk;

    UsbBenchStart();
    UsbStickCreate(&Stick);
    Stick.SectorBytes = 4096;
    Stick.Sectors = 0x200000000ull;
    UsbMockPlug(&Mock, 1, &Stick.Device);
    Disk = UsbBenchStartHost();
    CHECK(Disk != NULL);
    CHECK_EQUAL(4096, Disk->SectorBytes);
    CHECK_EQUAL(0x200000000ull, Disk->Sectors);
    CHECK_EQUAL(16, Disk->MaximumSectors);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 0x1F0000000ull, 4));
    CHECK_EQUAL(1, Stick.Commands[0x8A]);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 8, 16));
    CHECK_EQUAL(1, Stick.Commands[WRITE_10]);
    UsbBenchFinish();
}

TEST(UsbStorage_waits_for_a_stick_that_becomes_ready)
{
    UsbBenchStart();
    UsbStickCreate(&Stick);
    Stick.Attention = 30;
    memcpy(Stick.Sense, "\x02\x04\x01", 3);
    UsbMockPlug(&Mock, 1, &Stick.Device);
    CHECK(UsbBenchStartHost() != NULL);
    UsbBenchFinish();
}

TEST(UsbStorage_does_not_wait_for_ever_for_a_stick_that_never_is_ready)
{
    ULONG64 Before;

    UsbBenchStart();
    UsbStickCreate(&Stick);
    Stick.Attention = 100000;
    memcpy(Stick.Sense, "\x02\x04\x01", 3);
    UsbMockPlug(&Mock, 1, &Stick.Device);
    Before = HostCycles();
    CHECK(UsbBenchStartHost() == NULL);
    CHECK(HostCycles() - Before < 15000000000ull);
    CHECK(UsbBenchSaid("cannot be used"));
    UsbBenchFinish();
}

TEST(UsbStorage_drives_the_unit_that_has_a_medium)
{
    PDISK_DEVICE Disk;

    UsbBenchStart();
    UsbStickCreate(&Stick);
    Stick.MaximumLun = 3;
    Stick.MediumLun = 2;
    UsbMockPlug(&Mock, 1, &Stick.Device);
    Disk = UsbBenchStartHost();
    CHECK(Disk != NULL);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 0, 8));
    UsbBenchFinish();
}

TEST(UsbStorage_a_stall_of_get_max_lun_says_one_unit)
{
    UsbBenchStart();
    UsbStickCreate(&Stick);
    Stick.MaximumLun = 0xFF;
    UsbMockPlug(&Mock, 1, &Stick.Device);
    CHECK(UsbBenchStartHost() != NULL);
    CHECK_EQUAL(1, Stick.LunRequests);
    UsbBenchFinish();
}

TEST(UsbStorage_is_no_disk_without_a_medium_or_with_another_type)
{
    UsbBenchStart();
    UsbStickCreate(&Stick);
    UsbStickCreate(&Other);
    Stick.MediumLun = 9;
    Other.Type = 5;
    UsbMockPlug(&Mock, 1, &Stick.Device);
    UsbMockPlug(&Mock, 2, &Other.Device);
    CHECK(UsbBenchStartHost() == NULL);
    CHECK(UsbBenchSaid("port 1: mass storage 46f4:0001 cannot be used, status c000000e"));
    CHECK(UsbBenchSaid("port 2: mass storage 46f4:0001 cannot be used, status c000000e"));
    UsbBenchFinish();
}

TEST(UsbStorage_knows_that_a_medium_is_protected)
{
    PDISK_DEVICE Disk;
    UCHAR Sector[512] = {1};

    UsbBenchStart();
    UsbStickCreate(&Stick);
    Stick.Protected = TRUE;
    UsbMockPlug(&Mock, 1, &Stick.Device);
    Disk = UsbBenchStartHost();
    CHECK(Disk != NULL && Disk->ReadOnly);
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, DiskBenchTransfer(Disk, DiskWrite, 0, 1, Sector));
    UsbBenchFinish();
}

TEST(UsbStorage_without_a_cache_has_nothing_to_flush)
{
    PDISK_DEVICE Disk = Arrange();

    Stick.NoCache = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
    CHECK_EQUAL(1, Stick.Commands[FLUSH]);
    UsbBenchFinish();
}

TEST(UsbStorage_refuses_sizes_of_sectors_that_there_are_not)
{
    UsbBenchStart();
    UsbStickCreate(&Stick);
    Stick.SectorBytes = 520;
    UsbMockPlug(&Mock, 1, &Stick.Device);
    CHECK(UsbBenchStartHost() == NULL);
    UsbBenchFinish();
}

/* ---- what goes wrong once ---- */

TEST(UsbStorage_survives_each_fault_of_a_read_and_of_a_write_once)
{
    PDISK_DEVICE Disk = Arrange();
    ULONG Fault;

    for (Fault = StickStallCommand; Fault < StickRefuse; Fault++) {
        Spoil(Fault, READ_10, 1);
        CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, Fault, 20));
        CHECK_EQUAL(0, Stick.FaultTimes);
        if (Fault != StickBabble) { /* nobody can send more than a write has */
            Spoil(Fault, WRITE_10, 1);
            CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, Fault, 20));
            CHECK_EQUAL(0, Stick.FaultTimes);
        }
    }
    CHECK_EQUAL(0, ((PDISK_CHANNEL)(PVOID)Disk)->Resets);
    UsbBenchFinish();
}

TEST(UsbStorage_survives_each_fault_while_it_is_being_found)
{
    static const UCHAR Codes[] = {0x12, 0x00, 0x25, 0x1A};
    ULONG Fault;
    ULONG i;

    for (Fault = StickStallCommand; Fault < StickRefuse; Fault++) {
        for (i = 0; i < sizeof(Codes); i++) {
            UsbBenchStart();
            UsbStickCreate(&Stick);
            Spoil(Fault, Codes[i], 1);
            UsbMockPlug(&Mock, 1, &Stick.Device);
            CHECK(UsbBenchStartHost() != NULL);
            CHECK_EQUAL(0, Stick.FaultTimes);
            UsbBenchFinish();
        }
    }
}

TEST(UsbStorage_tries_again_after_attention)
{
    PDISK_DEVICE Disk = Arrange();

    memcpy(Stick.Sense, "\x06\x29\x00", 3);
    Spoil(StickRefuse, WRITE_10, 3);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 0, 1));
    memcpy(Stick.Sense, "\x0B\x00\x00", 3);
    Spoil(StickRefuse, READ_10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 0, 1));
    CHECK_EQUAL(0, Stick.ClassResets);
    UsbBenchFinish();
}

/* ---- what goes wrong for good ---- */

TEST(UsbStorage_tells_medium_errors_at_once)
{
    PDISK_DEVICE Disk = Arrange();
    UCHAR Sector[512];

    memcpy(Stick.Sense, "\x03\x11\x00", 3);
    Spoil(StickRefuse, READ_10, 1);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    CHECK_EQUAL(1, Stick.Commands[READ_10]);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    UsbBenchFinish();
}

TEST(UsbStorage_tries_an_aborted_command_four_times)
{
    PDISK_DEVICE Disk = Arrange();
    UCHAR Sector[512];

    memcpy(Stick.Sense, "\x0B\x00\x00", 3);
    Spoil(StickRefuse, READ_10, 1000);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    CHECK_EQUAL(4, Stick.Commands[READ_10]);
    CHECK_EQUAL(0, Stick.ClassResets);
    Stick.FaultTimes = 0;
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 0, 1));
    UsbBenchFinish();
}

TEST(UsbStorage_resets_at_most_three_times_for_a_request)
{
    PDISK_DEVICE Disk = Arrange();
    UCHAR Sector[512];

    Spoil(StickPhaseError, READ_10, 1000);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    CHECK_EQUAL(3, Stick.ClassResets);
    CHECK_EQUAL(3, Stick.Commands[READ_10]);
    Stick.FaultTimes = 0;
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 0, 1));
    UsbBenchFinish();
}

TEST(UsbStorage_silence_ends_in_a_timeout)
{
    PDISK_DEVICE Disk = Arrange();
    UCHAR Sector[512];
    ULONG64 Before = HostCycles();

    Spoil(StickSilentData, READ_10, 1000);
    CHECK_EQUAL(STATUS_IO_TIMEOUT, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    CHECK(HostCycles() - Before < 40000000000ull);
    UsbBenchFinish();
}

TEST(UsbStorage_that_cannot_be_recovered_fails_all_requests)
{
    PDISK_DEVICE Disk = Arrange();
    UCHAR Sector[512];

    Spoil(StickPhaseError, READ_10, 1);
    Stick.FailClassReset = 1000;
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskWrite, 0, 1, Sector));
    CHECK_EQUAL(3, Stick.ClassResets);
    UsbMockUnplug(&Stick.Device);
    UsbBenchFinish();
}

TEST(UsbStorage_another_medium_is_another_disk)
{
    PDISK_DEVICE Disk = Arrange();
    UCHAR Sector[512] = {0};

    memcpy(Stick.Sense, "\x06\x28\x00", 3);
    Spoil(StickRefuse, WRITE_10, 1);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskWrite, 0, 1, Sector));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    UsbBenchFinish();
}

TEST(UsbStorage_attention_for_a_medium_is_expected_after_our_own_reset)
{
    PDISK_DEVICE Disk = Arrange();
    UCHAR Sector[512] = {0};

    memcpy(Stick.Sense, "\x06\x28\x00", 3);
    Stick.ResetAttention = 1;
    Spoil(StickPhaseError, WRITE_10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 0, 1));
    CHECK_EQUAL(1, Stick.ClassResets);
    Stick.Attention = 1; /* and later it is not */
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    UsbBenchFinish();
}

/* => The stick was reset, and the command that brought that about failed all the same. */
static void FailWithResets(PDISK_DEVICE Disk)
{
    UCHAR Sector[512];

    memcpy(Stick.Sense, "\x06\x28\x00", 3);
    Spoil(StickPhaseError, READ_10, 3);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    CHECK_EQUAL(3, Stick.ClassResets);
}

static void ExpectNewMediumNoticed(PDISK_DEVICE Disk)
{
    UCHAR Sector[512];

    memset(Sector, 0x5A, sizeof(Sector));
    memset(Stick.Medium, 0xAA, sizeof(Sector));
    memcpy(Stick.Sense, "\x06\x28\x00", 3);
    Stick.Attention = 1;
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskWrite, 0, 1, Sector));
    CHECK_EQUAL(0xAA, Stick.Medium[0]);
}

TEST(UsbStorage_another_medium_is_noticed_once_a_command_went_well_after_a_reset)
{
    PDISK_DEVICE Disk = Arrange();
    UCHAR Sector[512];

    FailWithResets(Disk);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    ExpectNewMediumNoticed(Disk);
    UsbBenchFinish();
}

TEST(UsbStorage_another_medium_is_noticed_once_a_command_was_refused_after_a_reset)
{
    static const struct {
        UCHAR Sense[4];
        NTSTATUS Status;
    } Answers[] = {
        {"\x01\x17\x00", STATUS_SUCCESS}, /* it was corrected */
        {"\x03\x11\x00", STATUS_IO_DEVICE_ERROR},
        {"\x05\x20\x00", STATUS_IO_DEVICE_ERROR},
        {"\x07\x27\x00", STATUS_MEDIA_WRITE_PROTECTED},
    };
    UCHAR Sector[512] = {0};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Answers); i++) {
        PDISK_DEVICE Disk = Arrange();

        FailWithResets(Disk);
        memcpy(Stick.Sense, Answers[i].Sense, 3);
        Spoil(StickRefuse, WRITE_10, 1);
        CHECK_EQUAL(Answers[i].Status, DiskBenchTransfer(Disk, DiskWrite, 0, 1, Sector));
        ExpectNewMediumNoticed(Disk);
        UsbBenchFinish();
    }
}

/* ---- unplugged ---- */

TEST(UsbStorage_unplugged_when_idle_fails_what_comes)
{
    PDISK_DEVICE Disk = Arrange();
    UCHAR Sector[512];

    UsbMockUnplug(&Stick.Device);
    UsbBenchSleep(50);
    CHECK_EQUAL(1, Mock.Removed);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
    CHECK(UsbBenchDisk(NULL) == Disk && UsbBenchDisk(Disk) == NULL);
    CHECK(UsbBenchSaid("mock0 port 3: 46f4:0001 is gone"));
    UsbBenchFinish();
}

TEST(UsbStorage_comes_back_as_another_disk)
{
    PDISK_DEVICE Disk = Arrange();
    PDISK_DEVICE Second;

    UsbMockUnplug(&Stick.Device);
    UsbBenchSleep(50);
    UsbMockPlug(&Mock, 3, &Stick.Device);
    UsbBenchSleep(500);
    Second = UsbBenchDisk(Disk);
    CHECK(Second != NULL);
    CHECK(strcmp(Disk->Name, Second->Name) != 0);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Second, 0, 8));
    UsbBenchFinish();
}

static ULONG VanishAt; /* the n-th transfer from now on */

static NTSTATUS Vanish(USB_MOCK *M, USB_MOCK_DEVICE *Device, PUSB_TRANSFER Transfer)
{
    (void)M;
    (void)Transfer;
    if (VanishAt != 0 && --VanishAt == 0) {
        UsbMockUnplug(Device);
    }
    return STATUS_SUCCESS;
}

TEST(UsbStorage_unplugged_at_each_moment_of_reads_and_writes_ends_every_request)
{
    static BENCH_REQUEST Requests[6];
    ULONG Moment;
    ULONG i;

    for (Moment = 1; Moment <= 20; Moment++) {
        PDISK_DEVICE Disk = Arrange();
        ULONG Failed = 0;

        memset(Requests, 0, sizeof(Requests));
        Mock.Interfere = Vanish;
        VanishAt = Moment;
        for (i = 0; i < 6; i++) {
            DiskBenchSubmit(Disk, &Requests[i], i % 2 ? DiskWrite : DiskRead, i, 1);
        }
        for (i = 0; i < 6; i++) {
            NTSTATUS Status = DiskBenchWait(&Requests[i]);

            CHECK(Status == STATUS_SUCCESS || Status == STATUS_NO_SUCH_DEVICE);
            Failed += Status != STATUS_SUCCESS;
            DiskBenchFree(&Requests[i]);
        }
        CHECK((Failed != 0) == (VanishAt == 0));
        UsbBenchFinish();
    }
}

TEST(UsbStorage_unplugged_at_each_moment_of_being_found_leaves_nothing)
{
    ULONG Moment;

    for (Moment = 1; Moment <= 40; Moment++) {
        UsbBenchStart();
        UsbStickCreate(&Stick);
        UsbMockPlug(&Mock, 1, &Stick.Device);
        Mock.Interfere = Vanish;
        VanishAt = Moment;
        (void)UsbBenchStartHost();
        UsbBenchSleep(1000);
        CHECK_EQUAL(VanishAt == 0 ? Stick.Device.Added : Stick.Device.Added - 1, Mock.Removed);
        VanishAt = 0;
        UsbBenchFinish();
    }
}

TEST(UsbStorage_goes_with_its_controller)
{
    PDISK_DEVICE Disk = Arrange();
    UCHAR Sector[512];

    UsbMockDie(&Mock);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    UsbBenchSleep(50);
    CHECK_EQUAL(1, Mock.Removed);
    UsbBenchFinish();
}

/* ---- without memory ---- */

/* The n-th request for memory fails while a stick is found: it is a disk, or nothing is left. */
TEST(UsbStorage_each_allocation_that_fails_leaves_nothing_behind)
{
    ULONG Found = 0;
    ULONG At;

    for (At = 1; At <= 12; At++) {
        BOOLEAN Happened;

        UsbBenchStart();
        UsbStickCreate(&Stick);
        CHECK(UsbBenchStartHost() == NULL);
        UsbBenchSleep(100);
        MiFailPoolAllocation(At);
        UsbMockPlug(&Mock, 1, &Stick.Device);
        UsbBenchSleep(1000);
        Happened = MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        Found += UsbBenchDisk(NULL) != NULL;
        CHECK(UsbBenchDisk(NULL) != NULL || Happened);
        UsbMockUnplug(&Stick.Device);
        UsbBenchSleep(100);
        CHECK_EQUAL(Stick.Device.Added, Mock.Removed);
        UsbBenchFinish();
    }
    CHECK(Found != 0);
}

TEST(UsbStartHost_without_memory_starts_nothing)
{
    ULONG At;
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    for (At = 1; At < 12 && !NT_SUCCESS(Status); At++) {
        UsbBenchStart();
        MiFailPoolAllocation(At);
        Status = UsbStartHost(&Mock.Host);
        MiFailPoolAllocation(0);
        CHECK(NT_SUCCESS(Status) == (Mock.Host.CorePart != NULL));
        CHECK(NT_SUCCESS(Status) || Status == STATUS_INSUFFICIENT_RESOURCES);
        UsbBenchFinish();
    }
    CHECK(NT_SUCCESS(Status) && At > 2);
}
