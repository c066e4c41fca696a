/* SPDX-License-Identifier: MIT */
/*
 * test_virtio_blk.c - virtio-blk against a device that behaves, and one that does not.
 */
#include "disk/driver/channel.h"
#include "disk/driver/drivers.h"
#include "tests/host/virtio_disk.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

static const HAL_PCI_FUNCTION Where = {0, 2, 0};
static VIRTIO_DISK Mock;
static UCHAR Data[0x10000];

static PDISK_DEVICE Arrange(void)
{
    PDISK_DEVICE Disk;

    DiskBenchStart();
    VirtioDiskAttach(&Mock);
    CHECK_EQUAL(STATUS_SUCCESS, VirtioBlkAddDevice(Where, 0));
    Disk = DiskNextDevice(NULL);
    CHECK(Disk != NULL);
    return Disk;
}

static PDISK_CHANNEL Channel(PDISK_DEVICE Disk)
{
    return CONTAINING_RECORD(Disk, DISK_CHANNEL, Device);
}

static ULONG SecondsSince(ULONG64 Start)
{
    return (ULONG)((HostCycles() - Start) / HOST_CYCLE_FREQUENCY);
}

/* One read while the device misbehaves Times times in a row. */
static NTSTATUS ReadDespite(PDISK_DEVICE Disk, VIRTIO_ANSWER Answer, ULONG Times)
{
    Mock.Answer = Answer;
    Mock.Misbehaves = Times;
    memset(Data, 0, sizeof(Data));
    return DiskBenchTransfer(Disk, DiskRead, 8, 8, Data);
}

TEST(VirtioBlk_tells_its_geometry)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_TEXT("virtio0", Disk->Name);
    CHECK_EQUAL(512, Disk->SectorBytes);
    CHECK_EQUAL(VIRTIO_DISK_SECTORS, Disk->Sectors);
    CHECK_EQUAL(128, Disk->MaximumSectors);
    CHECK(!Disk->ReadOnly);
    CHECK_EQUAL(0x0F, Mock.Status);
    DiskBenchFinish();
}

TEST(VirtioBlk_reads_what_was_written)
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
    CHECK_EQUAL(STATUS_SUCCESS,
                DiskBenchTransfer(Disk, DiskRead, VIRTIO_DISK_SECTORS - 1, 1, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium + (VIRTIO_DISK_SECTORS - 1) * 512, Data, 512));
    DiskBenchFinish();
}

TEST(VirtioBlk_has_many_requests_in_flight)
{
    enum {
        Count = 40
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
        CHECK_EQUAL(0, memcmp(Requests[i].Buffer + 0x200, Mock.Medium + i * 4096, 4096));
        DiskBenchFree(&Requests[i]);
    }
    CHECK_EQUAL(Count, Mock.Requests[0]);
    CHECK_EQUAL(VIRTIO_DISK_QUEUE / 19, Mock.MostAtOnce);
    DiskBenchFinish();
}

TEST(VirtioBlk_flush_waits_for_those_before_it_and_holds_back_those_behind)
{
    static BENCH_REQUEST Requests[3];
    PDISK_DEVICE Disk = Arrange();

    memset(Requests, 0, sizeof(Requests));
    DiskBenchSubmit(Disk, &Requests[0], DiskWrite, 0, 8);
    DiskBenchSubmit(Disk, &Requests[1], DiskFlush, 0, 0);
    DiskBenchSubmit(Disk, &Requests[2], DiskWrite, 8, 8);
    CHECK_EQUAL(1, __builtin_popcount(Channel(Disk)->Busy));
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchWait(&Requests[1]));
    CHECK_EQUAL(1, Requests[0].Completions);
    CHECK_EQUAL(0, Requests[2].Completions);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchWait(&Requests[2]));
    CHECK_EQUAL(1, Mock.Requests[4]);
    CHECK_EQUAL(1, Mock.MostAtOnce);
    DiskBenchFree(&Requests[0]);
    DiskBenchFree(&Requests[2]);
    DiskBenchFinish();
}

TEST(VirtioBlk_flush_is_done_at_once_where_the_device_writes_through)
{
    PDISK_DEVICE Disk;

    DiskBenchStart();
    VirtioDiskAttach(&Mock);
    Mock.Features &= ~(1ull << 9);
    CHECK_EQUAL(STATUS_SUCCESS, VirtioBlkAddDevice(Where, 0));
    Disk = DiskNextDevice(NULL);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
    CHECK_EQUAL(0, Mock.Requests[4]);
    DiskBenchFinish();
}

TEST(VirtioBlk_sectors_may_be_larger_and_the_disk_read_only)
{
    PDISK_DEVICE Disk;

    DiskBenchStart();
    VirtioDiskAttach(&Mock);
    Mock.Features |= 1 << 5;
    Mock.BlockBytes = 4096;
    CHECK_EQUAL(STATUS_SUCCESS, VirtioBlkAddDevice(Where, 3));
    Disk = DiskNextDevice(NULL);
    CHECK_TEXT("virtio3", Disk->Name);
    CHECK(Disk->ReadOnly);
    CHECK_EQUAL(4096, Disk->SectorBytes);
    CHECK_EQUAL(VIRTIO_DISK_SECTORS / 8, Disk->Sectors);
    CHECK_EQUAL(16, Disk->MaximumSectors);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskRead, 5, 2, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 5 * 4096, Data, 8192));
    DiskBenchFinish();
}

TEST(VirtioBlk_lives_with_a_small_queue_and_few_segments)
{
    PDISK_DEVICE Disk;

    DiskBenchStart();
    VirtioDiskAttach(&Mock);
    Mock.QueueMaximum = Mock.QueueSize = 8;
    Mock.SegmentMaximum = 3;
    CHECK_EQUAL(STATUS_SUCCESS, VirtioBlkAddDevice(Where, 0));
    Disk = DiskNextDevice(NULL);
    CHECK_EQUAL(16, Disk->MaximumSectors);
    CHECK_EQUAL(1, Channel(Disk)->SlotCount);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskRead, 1, 16, Data));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 512, Data, 8192));
    DiskBenchFinish();
}

TEST(VirtioBlk_error_status_is_tried_again_once_and_is_that_request_s_alone)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, VirtioFails, 1));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 8 * 512, Data, 4096));
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, ReadDespite(Disk, VirtioFails, CHANNEL_TRIES));
    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, VirtioAnswers, 0));
    CHECK_EQUAL(0, Channel(Disk)->Resets);
    DiskBenchFinish();
}

TEST(VirtioBlk_silence_is_a_reset_and_a_second_try)
{
    PDISK_DEVICE Disk = Arrange();
    ULONG64 Start = HostCycles();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, VirtioSilent, 1));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 8 * 512, Data, 4096));
    CHECK_EQUAL(1, Channel(Disk)->Resets);
    CHECK(SecondsSince(Start) >= 10 && SecondsSince(Start) <= 11);
    DiskBenchFinish();
}

TEST(VirtioBlk_lasting_silence_is_a_timeout)
{
    PDISK_DEVICE Disk = Arrange();
    ULONG64 Start = HostCycles();

    CHECK_EQUAL(STATUS_IO_TIMEOUT, ReadDespite(Disk, VirtioSilent, 100));
    CHECK(SecondsSince(Start) <= 21);
    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, VirtioAnswers, 0));
    DiskBenchFinish();
}

TEST(VirtioBlk_lost_interrupt_costs_time_and_no_reset)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, VirtioNoInterrupt, 1));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 8 * 512, Data, 4096));
    CHECK_EQUAL(0, Channel(Disk)->Resets);
    CHECK_EQUAL(1, Mock.Requests[0]);
    DiskBenchFinish();
}

TEST(VirtioBlk_answers_against_the_rules_are_resets_and_end_in_a_status)
{
    static const VIRTIO_ANSWER Answers[] = {VirtioUnknownChain, VirtioJumps};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Answers); i++) {
        PDISK_DEVICE Disk = Arrange();

        CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, Answers[i], 1));
        CHECK_EQUAL(0, memcmp(Mock.Medium + 8 * 512, Data, 4096));
        CHECK_EQUAL(1, Channel(Disk)->Violations);
        CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, ReadDespite(Disk, Answers[i], 2));
        CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, VirtioAnswers, 0));
        DiskBenchFinish();
    }
}

TEST(VirtioBlk_finishing_twice_completes_once)
{
    PDISK_DEVICE Disk = Arrange();

    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, VirtioTwice, 1));
    CHECK_EQUAL(0, memcmp(Mock.Medium + 8 * 512, Data, 4096));
    CHECK_EQUAL(1, Channel(Disk)->Violations);
    CHECK_EQUAL(STATUS_SUCCESS, ReadDespite(Disk, VirtioAnswers, 0));
    DiskBenchFinish();
}

TEST(VirtioBlk_pulled_out_fails_all_there_is_and_all_that_comes)
{
    static BENCH_REQUEST Requests[20];
    PDISK_DEVICE Disk = Arrange();
    ULONG64 Start = HostCycles();
    ULONG i;

    memset(Requests, 0, sizeof(Requests));
    for (i = 0; i < RTL_NUMBER_OF(Requests); i++) {
        DiskBenchSubmit(Disk, &Requests[i], DiskRead, 8 * i, 8);
    }
    VirtioDiskRemove(&Mock);
    for (i = 0; i < RTL_NUMBER_OF(Requests); i++) {
        CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchWait(&Requests[i]));
        DiskBenchFree(&Requests[i]);
    }
    CHECK(SecondsSince(Start) <= 1);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Data));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
    DiskBenchFinish();
}

TEST(VirtioBlk_that_cannot_be_reset_loses_its_right_to_access_memory)
{
    PDISK_DEVICE Disk = Arrange();

    Mock.NeverResets = TRUE;
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, ReadDespite(Disk, VirtioSilent, 1));
    CHECK_EQUAL(0, Mock.Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, ReadDespite(Disk, VirtioAnswers, 0));
    DiskBenchFinish();
}

/* ---- a start that fails leaves nothing behind ---- */

static void ExpectNoDevice(NTSTATUS Expected)
{
    CHECK_EQUAL(Expected, VirtioBlkAddDevice(Where, 0));
    CHECK_EQUAL(0, RegistersMapped());
    CHECK_EQUAL(0, MessagesConnected());
    CHECK_EQUAL(0, Mock.Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    CHECK(DiskNextDevice(NULL) == NULL);
    DiskBenchFinish();
}

static void ArrangeFailure(void)
{
    DiskBenchStart();
    VirtioDiskAttach(&Mock);
}

TEST(VirtioBlk_without_modern_registers_is_not_supported)
{
    ArrangeFailure();
    Mock.Features &= ~(1ull << 32);
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
}

TEST(VirtioBlk_out_of_reach_is_refused)
{
    ArrangeFailure();
    RegistersOutOfReach(TRUE);
    ExpectNoDevice(STATUS_DEVICE_UNREACHABLE);
}

TEST(VirtioBlk_that_refuses_the_features_is_not_supported)
{
    ArrangeFailure();
    Mock.Refuses = TRUE;
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
}

TEST(VirtioBlk_with_sectors_that_make_no_sense_is_not_supported)
{
    ArrangeFailure();
    Mock.BlockBytes = 520;
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
    ArrangeFailure();
    Mock.BlockBytes = 8192;
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
}

TEST(VirtioBlk_without_a_queue_that_holds_a_request_is_not_supported)
{
    ArrangeFailure();
    Mock.QueueMaximum = Mock.QueueSize = 0;
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
    ArrangeFailure();
    Mock.SegmentMaximum = 1;
    ExpectNoDevice(STATUS_NOT_SUPPORTED);
}

TEST(VirtioBlk_without_a_vector_is_refused)
{
    ArrangeFailure();
    MessagesFail(1);
    ExpectNoDevice(STATUS_INSUFFICIENT_RESOURCES);
}

TEST(VirtioBlk_that_cannot_master_the_bus_is_refused)
{
    ArrangeFailure();
    Mock.Pci->NoMaster = TRUE;
    ExpectNoDevice(STATUS_NO_SUCH_DEVICE);
}

TEST(VirtioBlk_that_never_resets_is_refused)
{
    ArrangeFailure();
    Mock.Status = 0x0F;
    Mock.NeverResets = TRUE;
    ExpectNoDevice(STATUS_IO_TIMEOUT);
}
