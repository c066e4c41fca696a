/* SPDX-License-Identifier: MIT */
/*
 * test_replace_volume.c - without a boot volume RAM takes its place, and says so.
 */
#include "disk/fat/fat.h"
#include "disk/volume/ram_disk.h"
#include "tests/unit/volume_bench.h"

#include <string.h>

static ULONG Lines(const char *Prefix)
{
    const char *At = HostConsoleText();
    ULONG Count = 0;

    while ((At = strstr(At, Prefix)) != NULL) {
        Count++;
        At++;
    }
    return Count;
}

TEST(Ram_stands_in_for_a_boot_volume_that_was_not_found)
{
    FAT_FIGURES Figures;
    PFAT_VOLUME Volume;
    PDISK_DEVICE Disk;

    VolumeBenchStartWith(8192);
    VolumeBenchAddDisk();
    DiskFindBootVolume(&BenchBoot);
    FatReplaceBootVolume(0);
    Disk = DiskBootVolume();
    CHECK_TEXT("ram0", Disk->Name);
    CHECK_EQUAL(DISK_RAM_LEAST_BYTES / 512, Disk->Sectors);
    CHECK_EQUAL(STATUS_SUCCESS, FatMount(Disk, &Volume));
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(Volume, &Figures));
    CHECK(Figures.FreeClusters * (ULONG64)Figures.ClusterBytes > DISK_RAM_LEAST_BYTES / 10 * 9);
    FatDismount(Volume);
    CHECK(VolumeBenchSaid("*** NO BOOT VOLUME: it is on none of the disks"));
    CHECK(VolumeBenchSaid("*** 8 MB of RAM stand in for it.  Paging there saves no memory"));
    CHECK_EQUAL(2, Lines("**********\n"));
    HostConsoleClear();
    DiskPrintVolumes(KiConsoleSink, NULL);
    CHECK(VolumeBenchSaid("Volumes    boot volume not found: it is on none of the disks"));
    CHECK(VolumeBenchSaid("           ram0, 8 MB of RAM, stands in for it\n"));
    DiskForgetBootVolume();
    DiskDeleteRamDisk(Disk);
    VolumeBenchFinish();
}

TEST(A_boot_volume_that_was_found_is_not_replaced)
{
    SEED_DISK Disk;

    VolumeBenchStart();
    Disk = VolumeBenchAddDisk();
    SeedGpt(Disk);
    VolumeBenchPutSerial(Disk, 512, VOLUME_BENCH_SERIAL);
    DiskFindBootVolume(&BenchBoot);
    FatReplaceBootVolume(0);
    CHECK_TEXT("partition 3 of simulated0", DiskBootVolume()->Name);
    CHECK(!VolumeBenchSaid("***"));
    VolumeBenchFinish();
}

TEST(Without_memory_for_a_ram_volume_there_is_none_and_that_is_said)
{
    VolumeBenchStart(); /* 8 MB in all */
    DiskFindBootVolume(&BenchBoot);
    FatReplaceBootVolume(0);
    CHECK(DiskBootVolume() == NULL);
    CHECK(VolumeBenchSaid("*** NO BOOT VOLUME: no controller with a driver has a disk\n"));
    CHECK(
        VolumeBenchSaid("*** There is no memory for a RAM volume either (8 MB, status c000009a)"));
    VolumeBenchFinish();
}
