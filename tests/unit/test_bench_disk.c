/* SPDX-License-Identifier: MIT */
/*
 * test_bench_disk.c - the benchmark's reads.
 */
#include "disk/driver/drivers.h"
#include "tests/host/virtio_disk.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

static VIRTIO_DISK Mock;

TEST(DiskMeasureRead_leaves_out_the_time_in_which_the_disk_works)
{
    MI_BENCH_FIGURES Figures;

    DiskBenchStart();
    VirtioDiskAttach(&Mock);
    DiskStartDrivers();
    CHECK_EQUAL(STATUS_SUCCESS, DiskMeasureRead(DiskNextDevice(NULL), 65536, 1, &Figures));
    CHECK_EQUAL(MI_BENCH_SAMPLES, Figures.Samples);
    CHECK_EQUAL(MI_BENCH_SAMPLES + MI_BENCH_WARM_UP, Mock.Requests[0]);
    CHECK(Figures.Median != 0 && Figures.Median < Mock.DelayCycles / 10);
    DiskBenchFinish();
}

TEST(DiskMeasureRead_shares_what_eight_reads_at_once_cost_and_counts_them)
{
    const ULONG Reads = 8 * (MI_BENCH_SAMPLES + MI_BENCH_WARM_UP);
    MI_BENCH_FIGURES Figures;
    PDISK_DEVICE Disk;

    DiskBenchStart();
    VirtioDiskAttach(&Mock);
    DiskStartDrivers();
    Disk = DiskNextDevice(NULL);
    CHECK_EQUAL(STATUS_SUCCESS, DiskMeasureRead(Disk, 4096, 8, &Figures));
    CHECK_EQUAL(Reads, Mock.Requests[0]);
    CHECK_EQUAL(Reads, (ULONG)Disk->RequestCounts[DiskRead]);
    CHECK(Figures.Median != 0 && Figures.Median < Mock.DelayCycles / 10);
    DiskBenchFinish();
}

TEST(DiskMeasureRead_tells_of_errors_and_of_silence)
{
    MI_BENCH_FIGURES Figures;

    DiskBenchStart();
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskMeasureRead(NULL, 4096, 1, &Figures));
    VirtioDiskAttach(&Mock);
    DiskStartDrivers();
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskMeasureRead(DiskNextDevice(NULL), 1 << 20, 1, &Figures));
    Mock.Answer = VirtioFails;
    Mock.Misbehaves = 100;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, DiskMeasureRead(DiskNextDevice(NULL), 4096, 8, &Figures));
    Mock.Answer = VirtioSilent;
    Mock.Misbehaves = 100;
    CHECK_EQUAL(STATUS_IO_TIMEOUT, DiskMeasureRead(DiskNextDevice(NULL), 4096, 1, &Figures));
    DiskBenchFinish();
}
