/* SPDX-License-Identifier: MIT */
/*
 * test_ahci_port.c - a SATA disk that takes one command at a time, whether it behaves or not;
 * test_ahci_command.c has disks that queue them.
 */
#include "disk/driver/channel.h"
#include "disk/driver/drivers.h"
#include "tests/host/ahci_disk.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

static const HAL_PCI_FUNCTION Where = {0, 31, 0};
static AHCI_DISK Mock;
static UCHAR Data[0x10000];

static PDISK_DEVICE Arrange(void)
{
    DiskBenchStart();
    AhciDiskAttach(&Mock);
    CHECK_EQUAL(STATUS_SUCCESS, AhciAddDevice(Where, 0));
    return DiskNextDevice(NULL);
}

static PDISK_CHANNEL Channel(PDISK_DEVICE Disk)
{
    return CONTAINING_RECORD(Disk, DISK_CHANNEL, Device);
}

static ULONG SecondsSince(ULONG64 Start)
{
    return (ULONG)((HostCycles() - Start) / HOST_CYCLE_FREQUENCY);
}

static NTSTATUS ReadDespite(PDISK_DEVICE Disk, AHCI_ANSWER Answer, ULONG Times)
{
    Mock.Answer = Answer;
    Mock.Misbehaves = Times;
    memset(Data, 0, sizeof(Data));
    return DiskBenchTransfer(Disk, DiskRead, 8, 8, Data);
}

/* The disk is as good as new. */
static void ExpectWorks(PDISK_DEVICE Disk)
{
    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, AhciAnswers, 0));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 8 * 512, Data, 4096));
}

TEST(AhciPort_reads_what_was_written)
{
    PDISK_DEVICE Disk = Arrange();
    ULONG i;

    for (i = 0; i < sizeof(Data); i++) {
        Data[i] = (UCHAR)(i * 13 + i / 512);
    }
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskWrite, 3, 128, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 3 * 512, Data, sizeof(Data)));
    memset(Data, 0, sizeof(Data));
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskRead, 3, 128, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 3 * 512, Data, sizeof(Data)));
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
    CHECK_EQUAL(1, Mock.Commands[0xEA]);
    CHECK_EQUAL(0, Channel(Disk)->Resets);
    DiskBenchFinish();
}

TEST(AhciPort_runs_waiting_requests_one_after_the_other)
{
    static BENCH_REQUEST Requests[20];
    PDISK_DEVICE Disk = Arrange();
    ULONG i;

    memset(Requests, 0, sizeof(Requests));
    for (i = 0; i < RTL_NUMBER_OF(Requests); i++) {
        DiskBenchSubmit(Disk, &Requests[i], DiskRead, 8 * i, 8);
    }
    for (i = 0; i < RTL_NUMBER_OF(Requests); i++) {
        CHECK_EQUAL(STATUS_SUCCESS, DiskBenchWait(&Requests[i]));
        CHECK_EQUAL(0, memcmp(Requests[i].Buffer + 0x200, Mock.Medium + i * 4096, 4096));
        DiskBenchFree(&Requests[i]);
    }
    DiskBenchFinish();
}

TEST(AhciPort_error_is_tried_again_once_and_is_that_request_s_alone)
{
    static const AHCI_ANSWER Answers[] = {AhciFails, AhciFailsMildly};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Answers); i++) {
        PDISK_DEVICE Disk = Arrange();

        CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, Answers[i], 1));
        CHECK_EQUAL(0, memcmp(Mock.Medium + 8 * 512, Data, 4096));
        CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, ReadDespite(Disk, Answers[i], CHANNEL_TRIES));
        CHECK_EQUAL(0, Mock.Misbehaves);
        CHECK_EQUAL(0, Mock.LinkResets);
        ExpectWorks(Disk);
        DiskBenchFinish();
    }
}

TEST(AhciPort_error_that_leaves_the_device_busy_resets_the_link)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, AhciFailsBusy, 1));
    CHECK_EQUAL(1, Mock.LinkResets);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, ReadDespite(Disk, AhciFailsBusy, 2));
    ExpectWorks(Disk);
    DiskBenchFinish();
}

TEST(AhciPort_short_transfer_is_an_error)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, ReadDespite(Disk, AhciStops, 2));
    ExpectWorks(Disk);
    DiskBenchFinish();
}

TEST(AhciPort_silence_is_a_reset_and_a_second_try)
{
    PDISK_DEVICE Disk = Arrange();
    ULONG64 Start = HostCycles();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, AhciSilent, 1));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 8 * 512, Data, 4096));
    CHECK_EQUAL(1, Mock.LinkResets);
    CHECK(SecondsSince(Start) >= 10 && SecondsSince(Start) <= 11);
    DiskBenchFinish();
}

TEST(AhciPort_lasting_silence_is_a_timeout)
{
    PDISK_DEVICE Disk = Arrange();
    ULONG64 Start = HostCycles();

    CHECK_EQUAL(STATUS_IO_TIMEOUT, ReadDespite(Disk, AhciSilent, 100));
    CHECK(SecondsSince(Start) <= 21);
    ExpectWorks(Disk);
    DiskBenchFinish();
}

TEST(AhciPort_lost_interrupt_costs_time_and_no_reset)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, AhciNoInterrupt, 1));
    CHECK_EQUAL(0, Channel(Disk)->Resets);
    ExpectWorks(Disk);
    DiskBenchFinish();
}

TEST(AhciPort_interrupt_too_many_does_nothing)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, AhciTwice, 1));
    ExpectWorks(Disk);
    CHECK_EQUAL(0, Channel(Disk)->Violations);
    DiskBenchFinish();
}

TEST(AhciPort_unplugged_fails_all_there_is_and_all_that_comes)
{
    static BENCH_REQUEST Requests[5];
    PDISK_DEVICE Disk = Arrange();
    ULONG64 Start = HostCycles();
    ULONG i;

    memset(Requests, 0, sizeof(Requests));
    for (i = 0; i < RTL_NUMBER_OF(Requests); i++) {
        DiskBenchSubmit(Disk, &Requests[i], DiskRead, 8 * i, 8);
    }
    AhciDiskUnplug(&Mock);
    for (i = 0; i < RTL_NUMBER_OF(Requests); i++) {
        CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchWait(&Requests[i]));
        DiskBenchFree(&Requests[i]);
    }
    CHECK(SecondsSince(Start) <= 3);
    CHECK_EQUAL(0, Mock.Interrupts);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Data));
    DiskBenchFinish();
}

TEST(AhciPort_whose_controller_is_gone_fails)
{
    PDISK_DEVICE Disk = Arrange();

    Mock.Pci->Gone = TRUE;
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, ReadDespite(Disk, AhciAnswers, 0));
    DiskBenchFinish();
}

TEST(AhciPort_that_cannot_be_stopped_loses_its_right_to_access_memory)
{
    PDISK_DEVICE Disk = Arrange();

    Mock.NeverStops = TRUE;
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, ReadDespite(Disk, AhciSilent, 1));
    CHECK_EQUAL(0, Mock.Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    DiskBenchFinish();
}

/* => The new disk is as it came, and nothing is sent to it. */
static void ExpectUntouched(PDISK_DEVICE Disk)
{
    static const UCHAR Code[] = {0x25, 0x35, 0xEA};
    ULONG Before = Mock.Commands[Code[0]] + Mock.Commands[Code[1]] + Mock.Commands[Code[2]];

    memset(Data, 0x55, sizeof(Data));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskWrite, 8, 8, Data));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 8, 8, Data));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
    CHECK_EQUAL(Before, Mock.Commands[Code[0]] + Mock.Commands[Code[1]] + Mock.Commands[Code[2]]);
    CHECK_EQUAL(0xAA, Mock.Medium[8 * 512]);
}

TEST(AhciPort_another_disk_in_the_place_of_an_idle_one_is_not_touched)
{
    PDISK_DEVICE Disk = Arrange();

    ExpectWorks(Disk);
    AhciDiskSwap(&Mock);
    ExpectUntouched(Disk);
    CHECK(Channel(Disk)->Gone);
    DiskBenchFinish();
}

TEST(AhciPort_another_disk_in_the_place_of_a_busy_one_is_not_touched)
{
    static BENCH_REQUEST Requests[3];
    PDISK_DEVICE Disk = Arrange();
    ULONG i;

    memset(Requests, 0, sizeof(Requests));
    for (i = 0; i < RTL_NUMBER_OF(Requests); i++) {
        DiskBenchSubmit(Disk, &Requests[i], DiskWrite, 8 * i, 8);
    }
    AhciDiskSwap(&Mock);
    for (i = 0; i < RTL_NUMBER_OF(Requests); i++) {
        CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchWait(&Requests[i]));
        DiskBenchFree(&Requests[i]);
    }
    ExpectUntouched(Disk);
    CHECK_EQUAL(0, Mock.LinkResets);
    DiskBenchFinish();
}

TEST(AhciPort_another_disk_is_noticed_although_a_reset_follows)
{
    PDISK_DEVICE Disk = Arrange();

    Mock.Control &= ~2u; /* its interrupts get lost */
    AhciDiskSwap(&Mock);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, ReadDespite(Disk, AhciSilent, 1));
    ExpectUntouched(Disk);
    DiskBenchFinish();
}

TEST(AhciPort_disk_that_its_own_reset_brings_back_is_the_same)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, AhciSilent, 1));
    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, AhciFailsBusy, 1));
    CHECK_EQUAL(2, Mock.LinkResets);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskWrite, 8, 8, Data));
    ExpectWorks(Disk);
    DiskBenchFinish();
}
