/* SPDX-License-Identifier: MIT */
/*
 * test_volume_commands.c - !volumes tells what is on the disks and counts what was asked of them.
 */
#include "tests/unit/command_bench.h"
#include "tests/unit/volume_bench.h"

TEST(Volumes_shows_partitions_the_boot_volume_and_requests)
{
    SEED_DISK Disk;
    PVOID Buffer;

    VolumeBenchStart();
    Disk = VolumeBenchAddDisk();
    SeedGpt(Disk);
    VolumeBenchPutSerial(Disk, 512, VOLUME_BENCH_SERIAL);
    DiskFindBootVolume(&BenchBoot);
    Buffer = Allocate(NonPagedPool, PAGE_SIZE, 0x74736554u);
    BenchDisks[0].FailAt[DiskRead] = 2;
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(DiskBootVolume(), DiskRead, 0, 1, Buffer));
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, DiskTransfer(DiskBootVolume(), DiskRead, 0, 1, Buffer));
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(DiskBootVolume(), DiskFlush, 0, 0, NULL));
    CHECK_SHOWS("Volumes    simulated0: GPT, 2 partitions", Command("!volumes"));
    CHECK_SHOWS("3  sector 512, 512 sectors (0 MB)", Command("!volumes"));
    CHECK_SHOWS(": the boot volume\n", Command("!volumes"));
    /* the table's twelve reads, the boot sector's one, and two */
    CHECK_SHOWS(Text("simulated0 %24u reads        0 writes      1 flushes      1 failed",
                     1 + 2 * 5 + 1 + 2),
                Command("!volumes"));
    CHECK_SHOWS("partition 3 of simulated0         2 reads        0 writes      1 flushes      1"
                " failed",
                Command("!volumes"));
    BenchDisks[0].Device.Unannounced = 2;
    CHECK_SHOWS(Text(" 1 failed\n  %26s        2 ended without an interrupt\n", ""),
                Command("!volumes"));
    ExFreePoolWithTag(Buffer, 0x74736554u);
    VolumeBenchFinish();
}

TEST(Volumes_without_disks_says_why_there_is_no_boot_volume)
{
    VolumeBenchStart();
    DiskFindBootVolume(&BenchBoot);
    CHECK_SHOWS("boot volume not found: no controller with a driver has a disk",
                Command("!volumes"));
    VolumeBenchFinish();
}

TEST(Volumes_takes_no_arguments)
{
    VolumeBenchStart();
    CHECK_SHOWS("!volumes takes no arguments.", Command("!volumes 1"));
    VolumeBenchFinish();
}

TEST(Vm_says_that_the_boot_volume_is_missing)
{
    VolumeBenchStart();
    DiskFindBootVolume(&BenchBoot);
    CHECK_SHOWS("************ NO BOOT VOLUME: page files lie in RAM", Command("!vm"));
    VolumeBenchFinish();
}
