/* SPDX-License-Identifier: MIT */
/*
 * test_partition_device.c - a partition's requests reach its sectors, and no others.
 */
#include "disk/volume/partition.h"
#include "ex.h"
#include "tests/host/disk.h"
#include "tests/unit/mm_world.h"

#include <string.h>

#define TAG 0x74726150u /* 'Part' */

static HOST_DISK Disk;
static DISK_PARTITION Partition;
static PUCHAR Buffer;

static void Start(ULONG64 Seed)
{
    MmWorldStart(2048);
    HostDiskCreate(&Disk, 512, 1000, Seed);
    DiskInitializePartition(&Partition, &Disk.Device, 100, 50, 2);
    Buffer = ExAllocatePoolWithTag(NonPagedPool, 512 * 64, TAG);
    memset(Buffer, 0x77, 512 * 64);
}

static void Finish(void)
{
    ExFreePoolWithTag(Buffer, TAG);
    HostDiskDelete(&Disk);
    MmWorldFinish();
}

TEST(A_partition_moves_requests_by_where_it_starts)
{
    Start(TestSeed());
    CHECK_TEXT("partition 2 of simulated", Partition.Device.Name);
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(&Partition.Device, DiskWrite, 0, 50, Buffer));
    CHECK_EQUAL(0, Disk.Image[100 * 512 - 1]);
    CHECK_EQUAL(0x77, Disk.Image[100 * 512]);
    CHECK_EQUAL(0x77, Disk.Image[150 * 512 - 1]);
    CHECK_EQUAL(0, Disk.Image[150 * 512]);
    CHECK_EQUAL(1, Partition.Device.RequestCounts[DiskWrite]);
    CHECK_EQUAL(1, Disk.Device.RequestCounts[DiskWrite]);
    CHECK(DiskPartitionOf(&Partition.Device) == &Partition);
    CHECK(DiskPartitionOf(&Disk.Device) == NULL);
    Finish();
}

TEST(A_partition_ends_where_its_entry_says)
{
    Start(0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                DiskTransfer(&Partition.Device, DiskWrite, 49, 2, Buffer));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                DiskTransfer(&Partition.Device, DiskWrite, 0xFFFFFFFFFFFFFF9Cull, 1, Buffer));
    CHECK_EQUAL(0, Disk.Logged);
    Finish();
}

static ULONG64 SectorAtCompletion;

static void Completed(PDISK_REQUEST Request)
{
    SectorAtCompletion = Request->Sector;
}

TEST(A_request_comes_back_from_a_partition_as_it_went)
{
    DISK_REQUEST Request = {.Operation = DiskRead, .Sector = 7, .Sectors = 1};

    Start(0);
    Request.Mdl = IoAllocateMdl(Buffer, 512, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Request.Mdl);
    Request.Completion = Completed;
    Disk.FailAt[DiskRead] = 2;
    DiskSubmit(&Partition.Device, &Request);
    CHECK_EQUAL(STATUS_SUCCESS, Request.Status);
    CHECK_EQUAL(7, SectorAtCompletion);
    DiskSubmit(&Partition.Device, &Request); /* again, as it is */
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, Request.Status);
    CHECK_EQUAL(7, SectorAtCompletion);
    CHECK_EQUAL(1, Partition.Device.Failures);
    CHECK_EQUAL(1, Disk.Device.Failures);
    IoFreeMdl(Request.Mdl);
    Finish();
}
