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
    CHECK_EQUAL(STATUS_SUCCESS, DiskMeasureRead(65536, &Figures));
    CHECK_EQUAL(MI_BENCH_SAMPLES, Figures.Samples);
    CHECK_EQUAL(MI_BENCH_SAMPLES + MI_BENCH_WARM_UP, Mock.Requests[0]);
    CHECK(Figures.Median != 0 && Figures.Median < Mock.DelayCycles / 10);
    DiskBenchFinish();
}

TEST(DiskMeasureRead_tells_of_errors_and_of_silence)
{
    MI_BENCH_FIGURES Figures;

    DiskBenchStart();
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskMeasureRead(4096, &Figures));
    VirtioDiskAttach(&Mock);
    DiskStartDrivers();
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskMeasureRead(1 << 20, &Figures));
    Mock.Answer = VirtioFails;
    Mock.Misbehaves = 2; /* it is tried twice */
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, DiskMeasureRead(4096, &Figures));
    Mock.Answer = VirtioSilent;
    Mock.Misbehaves = 100;
    CHECK_EQUAL(STATUS_IO_TIMEOUT, DiskMeasureRead(4096, &Figures));
    DiskBenchFinish();
}
