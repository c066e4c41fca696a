/* SPDX-License-Identifier: MIT */
/*
 * test_ahci_command.c - a SATA disk that queues commands: many at once, and what an error does.
 */
#include "disk/driver/channel.h"
#include "disk/driver/drivers.h"
#include "tests/host/ahci_disk.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

#define READ         0x25
#define READ_QUEUED  0x60
#define WRITE_QUEUED 0x61
#define FLUSH        0xEA
#define MANY         40u

static const HAL_PCI_FUNCTION Where = {0, 31, 0};
static AHCI_DISK Mock;
static UCHAR Data[0x10000];
static BENCH_REQUEST Requests[MANY];

static PDISK_DEVICE Arrange(ULONG Depth)
{
    DiskBenchStart();
    AhciDiskAttach(&Mock);
    AhciDiskQueue(&Mock, Depth);
    CHECK_EQUAL(STATUS_SUCCESS, AhciAddDevice(Where, 0));
    memset(Requests, 0, sizeof(Requests));
    return DiskNextDevice(NULL);
}

static PDISK_CHANNEL Channel(PDISK_DEVICE Disk)
{
    return CONTAINING_RECORD(Disk, DISK_CHANNEL, Device);
}

static void Submit(PDISK_DEVICE Disk, ULONG Count)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        DiskBenchSubmit(Disk, &Requests[i], DiskRead, 8 * i, 8);
    }
}

/* => How many of the first Count ended with Expected; the others must have gone well. */
static ULONG Collect(ULONG Count, NTSTATUS Expected)
{
    ULONG Found = 0;
    ULONG i;

    for (i = 0; i < Count; i++) {
        NTSTATUS Status = DiskBenchWait(&Requests[i]);

        if (Status == Expected) {
            Found++;
        } else {
            CHECK_EQUAL(STATUS_SUCCESS, Status);
        }
        if (Status == STATUS_SUCCESS) {
            CHECK_EQUAL(0, memcmp(Requests[i].Buffer + 0x200, Mock.Medium + i * 4096, 4096));
        }
        DiskBenchFree(&Requests[i]);
    }
    return Found;
}

static void ExpectQueued(PDISK_DEVICE Disk)
{
    ULONG Before = Mock.Commands[READ_QUEUED];

    Mock.Misbehaves = 0;
    Submit(Disk, 5);
    CHECK_EQUAL(5, Collect(5, STATUS_SUCCESS));
    CHECK_EQUAL(Before + 5, Mock.Commands[READ_QUEUED]);
}

TEST(AhciCommand_queues_as_many_as_the_disk_takes)
{
    static const ULONG Depths[] = {32, 31, 2};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Depths); i++) {
        PDISK_DEVICE Disk = Arrange(Depths[i]);

        Submit(Disk, MANY);
        CHECK_EQUAL(MANY, Collect(MANY, STATUS_SUCCESS));
        CHECK_EQUAL(MANY, Mock.Commands[READ_QUEUED]);
        CHECK_EQUAL(0, Mock.Commands[READ]);
        CHECK_EQUAL(Depths[i], Mock.MostAtOnce);
        DiskBenchFinish();
    }
}

TEST(AhciCommand_queue_of_one_is_none)
{
    PDISK_DEVICE Disk = Arrange(1);

    Submit(Disk, 3);
    CHECK_EQUAL(3, Collect(3, STATUS_SUCCESS));
    CHECK_EQUAL(3, Mock.Commands[READ]);
    DiskBenchFinish();
}

TEST(AhciCommand_queued_data_is_right_and_flush_is_alone)
{
    PDISK_DEVICE Disk = Arrange(32);
    ULONG i;

    for (i = 0; i < sizeof(Data); i++) {
        Data[i] = (UCHAR)(i * 13 + i / 512);
    }
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskWrite, 3, 128, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 3 * 512, Data, sizeof(Data)));
    CHECK_EQUAL(1, Mock.Commands[WRITE_QUEUED]);
    Submit(Disk, 3);
    DiskBenchSubmit(Disk, &Requests[3], DiskFlush, 0, 0);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchWait(&Requests[3]));
    CHECK_EQUAL(1, Requests[0].Completions + Requests[1].Completions - Requests[2].Completions);
    CHECK_EQUAL(1, Mock.Commands[FLUSH]);
    CHECK_EQUAL(3, Collect(3, STATUS_SUCCESS));
    DiskBenchFinish();
}

TEST(AhciCommand_error_sends_all_on_their_way_again_one_at_a_time)
{
    static const AHCI_ANSWER Answers[] = {AhciFails, AhciFailsBusy, AhciFailsMildly};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Answers); i++) {
        PDISK_DEVICE Disk = Arrange(32);

        Mock.Answer = Answers[i];
        Mock.Misbehaves = 1;
        Submit(Disk, 10);
        CHECK_EQUAL(10, Collect(10, STATUS_SUCCESS));
        CHECK(Mock.Commands[READ] != 0 && Mock.Commands[READ] <= 10);
        CHECK_EQUAL(1, Mock.LinkResets);
        CHECK_EQUAL(0, Channel(Disk)->Resets);
        ExpectQueued(Disk);
        DiskBenchFinish();
    }
}

TEST(AhciCommand_error_that_lasts_is_one_request_s)
{
    PDISK_DEVICE Disk = Arrange(32);

    Mock.Answer = AhciFails;
    Mock.Misbehaves = 2; /* the queued one, and the first that goes alone */
    Submit(Disk, 10);
    CHECK_EQUAL(1, Collect(10, STATUS_IO_DEVICE_ERROR));
    ExpectQueued(Disk);
    DiskBenchFinish();
}

TEST(AhciCommand_that_fails_too_often_is_not_queued_any_more)
{
    PDISK_DEVICE Disk = Arrange(32);
    ULONG Before;
    ULONG i;

    for (i = 0; i < 8; i++) {
        Mock.Answer = AhciFails;
        Mock.Misbehaves = 1;
        Submit(Disk, 3);
        CHECK_EQUAL(3, Collect(3, STATUS_SUCCESS));
    }
    Before = Mock.Commands[READ_QUEUED];
    Submit(Disk, MANY);
    CHECK_EQUAL(MANY, Collect(MANY, STATUS_SUCCESS));
    CHECK_EQUAL(Before, Mock.Commands[READ_QUEUED]);
    DiskBenchFinish();
}

TEST(AhciCommand_silence_of_one_is_a_reset_and_a_second_try_for_all)
{
    PDISK_DEVICE Disk = Arrange(32);
    ULONG64 Start = HostCycles();

    Mock.Answer = AhciSilent;
    Mock.Misbehaves = 1;
    Submit(Disk, MANY);
    CHECK_EQUAL(MANY, Collect(MANY, STATUS_SUCCESS));
    CHECK_EQUAL(1, Mock.LinkResets);
    CHECK_EQUAL(1, Channel(Disk)->Resets);
    CHECK(HostCycles() - Start <= 11ull * HOST_CYCLE_FREQUENCY);
    ExpectQueued(Disk);
    DiskBenchFinish();
}

TEST(AhciCommand_lasting_silence_is_a_timeout)
{
    PDISK_DEVICE Disk = Arrange(32);
    ULONG64 Start = HostCycles();

    Mock.Answer = AhciSilent;
    Mock.Misbehaves = 2;
    Submit(Disk, 1);
    CHECK_EQUAL(1, Collect(1, STATUS_IO_TIMEOUT));
    CHECK(HostCycles() - Start <= 21ull * HOST_CYCLE_FREQUENCY);
    ExpectQueued(Disk);
    DiskBenchFinish();
}

TEST(AhciCommand_lost_interrupt_costs_time_and_no_reset)
{
    PDISK_DEVICE Disk = Arrange(32);

    Mock.Answer = AhciNoInterrupt;
    Mock.Misbehaves = 3;
    Submit(Disk, 3);
    CHECK_EQUAL(3, Collect(3, STATUS_SUCCESS));
    CHECK_EQUAL(0, Channel(Disk)->Resets);
    DiskBenchFinish();
}

TEST(AhciCommand_queue_of_an_unplugged_disk_fails)
{
    PDISK_DEVICE Disk = Arrange(32);
    ULONG64 Start = HostCycles();

    Submit(Disk, MANY);
    AhciDiskUnplug(&Mock);
    CHECK_EQUAL(MANY, Collect(MANY, STATUS_NO_SUCH_DEVICE));
    CHECK(HostCycles() - Start <= 3ull * HOST_CYCLE_FREQUENCY);
    DiskBenchFinish();
}
