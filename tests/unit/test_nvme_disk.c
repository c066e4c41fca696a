/* SPDX-License-Identifier: MIT */
/*
 * test_nvme_disk.c - commands to NVMe namespaces that behave, and to ones that do not.
 */
#include "disk/driver/channel.h"
#include "disk/driver/drivers.h"
#include "tests/host/nvme_disk.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

static const HAL_PCI_FUNCTION Where = {0, 4, 0};
static NVME_MOCK Mock;
static UCHAR Data[0x10000];

static PDISK_DEVICE Arrange(void)
{
    DiskBenchStart();
    NvmeMockAttach(&Mock);
    CHECK_EQUAL(STATUS_SUCCESS, NvmeAddDevice(Where, 0));
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

/* One read while the controller misbehaves Times times in a row. */
static NTSTATUS ReadDespite(PDISK_DEVICE Disk, NVME_MOCK_ANSWER Answer, ULONG Times)
{
    Mock.Answer = Answer;
    Mock.Misbehaves = Times;
    memset(Data, 0, sizeof(Data));
    return DiskBenchTransfer(Disk, DiskRead, 8, 8, Data);
}

/* The disk is as good as new. */
static void ExpectWorks(PDISK_DEVICE Disk)
{
    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, NvmeMockAnswers, 0));
    CHECK_EQUAL(0, memcmp(Mock.Medium[0] + 8 * 512, Data, 4096));
}

TEST(NvmeDisk_reads_what_was_written)
{
    PDISK_DEVICE Disk = Arrange();
    ULONG i;

    for (i = 0; i < sizeof(Data); i++) {
        Data[i] = (UCHAR)(i * 13 + i / 512);
    }
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskWrite, 3, 128, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium[0] + 3 * 512, Data, sizeof(Data)));
    memset(Data, 0, sizeof(Data));
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskRead, 3, 128, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium[0] + 3 * 512, Data, sizeof(Data)));
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
    CHECK_EQUAL(1, Mock.Commands[0]);
    CHECK_EQUAL(1, Mock.Commands[1]);
    CHECK_EQUAL(1, Mock.Commands[2]);
    CHECK_EQUAL(0x10000, Mock.MostBytes);
    CHECK_EQUAL(0, Channel(Disk)->Resets);
    DiskBenchFinish();
}

TEST(NvmeDisk_requests_of_any_length_reach_the_right_pages)
{
    PDISK_DEVICE Disk = Arrange();
    ULONG Sectors;

    for (Sectors = 1; Sectors <= 40; Sectors++) {
        memset(Data, 0, sizeof(Data));
        CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskRead, Sectors, Sectors, Data));
        CHECK_EQUAL(0, memcmp(Mock.Medium[0] + Sectors * 512, Data, Sectors * 512));
    }
    DiskBenchFinish();
}

TEST(NvmeDisk_has_many_requests_in_flight)
{
    enum {
        Count = 100
    };
    static BENCH_REQUEST Requests[Count];
    PDISK_DEVICE Disk = Arrange();
    ULONG i;

    memset(Requests, 0, sizeof(Requests));
    for (i = 0; i < Count; i++) {
        DiskBenchSubmit(Disk, &Requests[i], DiskRead, i * 8, 8);
    }
    for (i = 0; i < Count; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, DiskBenchWait(&Requests[i]));
        CHECK_EQUAL(0, memcmp(Requests[i].Buffer + 0x200, Mock.Medium[0] + i * 4096, 4096));
        DiskBenchFree(&Requests[i]);
    }
    CHECK_EQUAL(Count, Mock.Commands[2]);
    CHECK_EQUAL(CHANNEL_SLOTS, Mock.MostAtOnce);
    CHECK_EQUAL(0, Channel(Disk)->Resets);
    CHECK_EQUAL(Mock.Queues[1].Next, Mock.Queues[1].Taken); /* all were acknowledged */
    DiskBenchFinish();
}

TEST(NvmeDisk_lives_with_the_smallest_queue)
{
    static BENCH_REQUEST Requests[5];
    PDISK_DEVICE Disk;
    ULONG i;

    DiskBenchStart();
    NvmeMockAttach(&Mock);
    Mock.CapabilitiesLow = 0x0F010001; /* 2 entries */
    CHECK_EQUAL(STATUS_SUCCESS, NvmeAddDevice(Where, 0));
    Disk = DiskNextDevice(NULL);
    CHECK_EQUAL(1, Channel(Disk)->SlotCount);
    memset(Requests, 0, sizeof(Requests));
    for (i = 0; i < RTL_NUMBER_OF(Requests); i++) {
        DiskBenchSubmit(Disk, &Requests[i], DiskRead, i * 8, 8);
    }
    for (i = 0; i < RTL_NUMBER_OF(Requests); i++) {
        CHECK_EQUAL(STATUS_SUCCESS, DiskBenchWait(&Requests[i]));
        CHECK_EQUAL(0, memcmp(Requests[i].Buffer + 0x200, Mock.Medium[0] + i * 4096, 4096));
        DiskBenchFree(&Requests[i]);
    }
    DiskBenchFinish();
}

TEST(NvmeDisk_flush_is_done_at_once_where_the_controller_writes_through)
{
    DiskBenchStart();
    NvmeMockAttach(&Mock);
    Mock.NoCache = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS, NvmeAddDevice(Where, 0));
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(DiskNextDevice(NULL), DiskFlush, 0, 0, NULL));
    CHECK_EQUAL(0, Mock.Commands[0]);
    DiskBenchFinish();
}

TEST(NvmeDisk_sectors_may_be_larger_and_transfers_limited)
{
    PDISK_DEVICE Disk;

    DiskBenchStart();
    NvmeMockAttach(&Mock);
    Mock.SectorShift = 12;
    Mock.Transfer = 1;
    Mock.ReadOnly = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS, NvmeAddDevice(Where, 2));
    Disk = DiskNextDevice(NULL);
    CHECK_TEXT("nvme2.1", Disk->Name);
    CHECK_EQUAL(4096, Disk->SectorBytes);
    CHECK_EQUAL(NVME_MOCK_BYTES / 4096, Disk->Sectors);
    CHECK_EQUAL(2, Disk->MaximumSectors);
    CHECK(Disk->ReadOnly);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskRead, 5, 2, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium[0] + 5 * 4096, Data, 8192));
    DiskBenchFinish();
}

TEST(NvmeDisk_error_is_an_error_of_that_request_alone)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, ReadDespite(Disk, NvmeMockFails, 1));
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, ReadDespite(Disk, NvmeMockProtected, 1));
    ExpectWorks(Disk);
    CHECK_EQUAL(0, Channel(Disk)->Resets);
    DiskBenchFinish();
}

TEST(NvmeDisk_error_that_may_pass_is_tried_again_once)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, NvmeMockFailsForNow, 1));
    CHECK_EQUAL(0, memcmp(Mock.Medium[0] + 8 * 512, Data, 4096));
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, ReadDespite(Disk, NvmeMockFailsForNow, 2));
    CHECK_EQUAL(0, Mock.Misbehaves);
    ExpectWorks(Disk);
    CHECK_EQUAL(0, Channel(Disk)->Resets);
    DiskBenchFinish();
}

TEST(NvmeDisk_silence_is_a_reset_and_a_second_try)
{
    static const NVME_MOCK_ANSWER Answers[] = {NvmeMockSilent, NvmeMockOldPhase};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Answers); i++) {
        PDISK_DEVICE Disk = Arrange();
        ULONG64 Start = HostCycles();

        CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, Answers[i], 1));
        CHECK_EQUAL(0, memcmp(Mock.Medium[0] + 8 * 512, Data, 4096));
        CHECK_EQUAL(1, Channel(Disk)->Resets);
        CHECK_EQUAL(2, Mock.Enables);
        CHECK(SecondsSince(Start) >= 9 && SecondsSince(Start) <= 11);
        DiskBenchFinish();
    }
}

TEST(NvmeDisk_lasting_silence_is_a_timeout)
{
    PDISK_DEVICE Disk = Arrange();
    ULONG64 Start = HostCycles();

    CHECK_EQUAL(STATUS_IO_TIMEOUT, ReadDespite(Disk, NvmeMockSilent, 100));
    CHECK(SecondsSince(Start) <= 21);
    ExpectWorks(Disk);
    DiskBenchFinish();
}

TEST(NvmeDisk_lost_interrupt_costs_time_and_no_reset)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, NvmeMockNoInterrupt, 1));
    CHECK_EQUAL(0, memcmp(Mock.Medium[0] + 8 * 512, Data, 4096));
    CHECK_EQUAL(0, Channel(Disk)->Resets);
    CHECK_EQUAL(1, Mock.Commands[2]);
    DiskBenchFinish();
}

TEST(NvmeDisk_answers_against_the_rules_are_resets_and_end_in_a_status)
{
    static const NVME_MOCK_ANSWER Answers[] = {NvmeMockUnknownId, NvmeMockOtherQueue,
                                               NvmeMockWrongHead};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Answers); i++) {
        PDISK_DEVICE Disk = Arrange();

        CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, Answers[i], 1));
        CHECK_EQUAL(0, memcmp(Mock.Medium[0] + 8 * 512, Data, 4096));
        CHECK_EQUAL(1, Channel(Disk)->Violations);
        CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, ReadDespite(Disk, Answers[i], 2));
        ExpectWorks(Disk);
        DiskBenchFinish();
    }
}

TEST(NvmeDisk_completing_twice_completes_once)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, NvmeMockTwice, 1));
    CHECK_EQUAL(0, memcmp(Mock.Medium[0] + 8 * 512, Data, 4096));
    CHECK_EQUAL(1, Channel(Disk)->Violations);
    ExpectWorks(Disk);
    DiskBenchFinish();
}

TEST(NvmeDisk_whose_controller_says_it_failed_is_reset_before_the_time_is_up)
{
    PDISK_DEVICE Disk = Arrange();
    ULONG64 Start = HostCycles();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, NvmeMockBreaks, 1));
    CHECK_EQUAL(0, memcmp(Mock.Medium[0] + 8 * 512, Data, 4096));
    CHECK_EQUAL(2, Mock.Enables);
    CHECK(SecondsSince(Start) <= 1);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, ReadDespite(Disk, NvmeMockBreaks, 2));
    ExpectWorks(Disk);
    DiskBenchFinish();
}

TEST(NvmeDisk_pulled_out_fails_all_there_is_and_all_that_comes)
{
    static BENCH_REQUEST Requests[50];
    PDISK_DEVICE Disk = Arrange();
    ULONG64 Start = HostCycles();
    ULONG i;

    memset(Requests, 0, sizeof(Requests));
    for (i = 0; i < RTL_NUMBER_OF(Requests); i++) {
        DiskBenchSubmit(Disk, &Requests[i], DiskRead, 8 * i, 8);
    }
    NvmeMockRemove(&Mock);
    for (i = 0; i < RTL_NUMBER_OF(Requests); i++) {
        CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchWait(&Requests[i]));
        DiskBenchFree(&Requests[i]);
    }
    CHECK(SecondsSince(Start) <= 1);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Data));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
    DiskBenchFinish();
}

TEST(NvmeDisk_whose_controller_cannot_be_reset_loses_its_right_to_access_memory)
{
    PDISK_DEVICE Disk = Arrange();

    Mock.NeverStops = TRUE;
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, ReadDespite(Disk, NvmeMockSilent, 1));
    CHECK_EQUAL(0, Mock.Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Data));
    DiskBenchFinish();
}

TEST(NvmeDisk_whose_controller_takes_no_queue_after_a_reset_is_gone)
{
    PDISK_DEVICE Disk = Arrange();

    Mock.AdminFails = 1;
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, ReadDespite(Disk, NvmeMockSilent, 1));
    CHECK_EQUAL(0, Mock.Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    DiskBenchFinish();
}

/* ---- two namespaces ---- */

static PDISK_DEVICE ArrangeTwo(PDISK_DEVICE *Second)
{
    DiskBenchStart();
    NvmeMockAttach(&Mock);
    Mock.Namespaces = 2;
    CHECK_EQUAL(STATUS_SUCCESS, NvmeAddDevice(Where, 0));
    *Second = DiskNextDevice(DiskNextDevice(NULL));
    CHECK_TEXT("nvme0.2", (*Second)->Name);
    return DiskNextDevice(NULL);
}

TEST(NvmeDisk_of_each_namespace_has_its_own_sectors)
{
    PDISK_DEVICE Second;
    PDISK_DEVICE Disk = ArrangeTwo(&Second);

    ExpectWorks(Disk);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Second, DiskRead, 8, 8, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium[1] + 8 * 512, Data, 4096));
    DiskBenchFinish();
}

TEST(NvmeDisk_survives_that_another_resets_the_controller)
{
    static BENCH_REQUEST First[3];
    static BENCH_REQUEST Other[3];
    PDISK_DEVICE Second;
    PDISK_DEVICE Disk = ArrangeTwo(&Second);
    ULONG i;

    memset(First, 0, sizeof(First));
    memset(Other, 0, sizeof(Other));
    Mock.Answer = NvmeMockUnknownId;
    Mock.Misbehaves = 1;
    for (i = 0; i < RTL_NUMBER_OF(First); i++) {
        DiskBenchSubmit(Disk, &First[i], DiskRead, 8 * i, 8);
        DiskBenchSubmit(Second, &Other[i], DiskRead, 8 * i, 8);
    }
    for (i = 0; i < RTL_NUMBER_OF(First); i++) {
        CHECK_EQUAL(STATUS_SUCCESS, DiskBenchWait(&First[i]));
        CHECK_EQUAL(STATUS_SUCCESS, DiskBenchWait(&Other[i]));
        CHECK_EQUAL(0, memcmp(First[i].Buffer + 0x200, Mock.Medium[0] + i * 4096, 4096));
        CHECK_EQUAL(0, memcmp(Other[i].Buffer + 0x200, Mock.Medium[1] + i * 4096, 4096));
        DiskBenchFree(&First[i]);
        DiskBenchFree(&Other[i]);
    }
    CHECK_EQUAL(2, Mock.Enables);
    CHECK_EQUAL(1, Channel(Disk)->Resets);
    CHECK_EQUAL(1, Channel(Second)->Resets);
    DiskBenchFinish();
}

TEST(NvmeDisk_goes_with_the_controller_that_another_found_dead)
{
    PDISK_DEVICE Second;
    PDISK_DEVICE Disk = ArrangeTwo(&Second);

    Mock.NeverStops = TRUE;
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, ReadDespite(Disk, NvmeMockUnknownId, 1));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Second, DiskRead, 0, 1, Data));
    DiskBenchFinish();
}
