/* SPDX-License-Identifier: MIT */
/*
 * test_system_volume.c - the boot volume becomes C:, is brought to order at the end, or is said to
 * be missing.
 */
#include "system_volume.h"

#include "disk/fat/fat.h"
#include "disk/volume/boot_volume_i.h"
#include "tests/unit/io_world.h"
#include "tests/unit/volume_bench.h"

#include <string.h>

static HOST_DISK Disk;

/* A machine whose boot volume is a FAT16 volume of 8 MB. */
static void Start(void)
{
    VolumeBenchStartWith(4096);
    HostStartClock();
    DiskFindBootVolume(&BenchBoot);
    HostDiskCreate(&Disk, 512, SeedFatSectors(&IoWorldFat16), 0);
    SeedFat(&IoWorldFat16, Disk.Image);
    DiskSetBootVolume(&Disk.Device);
    HostConsoleClear();
}

static void Finish(void)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\FileSystem\\Fastfat");
    PDRIVER_OBJECT Driver = IoFindDriver(&Name);

    if (IoSystemVolume() != NULL) {
        CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(IoSystemVolume()));
    }
    CHECK(Driver != NULL);
    Driver->DriverUnload(Driver);
    IoDeleteDriver(Driver);
    HostDiskDelete(&Disk);
    VolumeBenchFinish();
}

static BOOLEAN IsClean(void)
{
    return (Disk.Image[SeedFatTable(&IoWorldFat16) * 512 + 3] & 0x80) != 0;
}

TEST(The_boot_volume_is_mounted_and_brought_to_order_at_the_end)
{
    PFILE_OBJECT File;

    Start();
    IoMountSystemVolume();
    CHECK(VolumeBenchSaid("Volume C:  \\Device\\HarddiskVolume1, simulated\n"));
    CHECK(IoSystemVolume() != NULL);
    CHECK_EQUAL(STATUS_SUCCESS, IoOpenFile(IoSystemVolume(), "/new", FILE_WRITE_DATA, FILE_CREATE,
                                           FILE_NON_DIRECTORY_FILE, &File));
    IoCloseFile(File);
    CHECK(!IsClean());
    IoShutdownVolumes();
    CHECK(IsClean());
    CHECK(!VolumeBenchSaid("not brought to order"));
    Finish();
}

TEST(A_volume_that_cannot_be_brought_to_order_is_said)
{
    PFILE_OBJECT File;

    Start();
    IoMountSystemVolume();
    CHECK_EQUAL(STATUS_SUCCESS, IoOpenFile(IoSystemVolume(), "/new", FILE_WRITE_DATA, FILE_CREATE,
                                           FILE_NON_DIRECTORY_FILE, &File));
    IoCloseFile(File);
    Disk.FailFrom = 1;
    IoShutdownVolumes();
    Disk.FailFrom = 0;
    CHECK(VolumeBenchSaid("Volume C: was not brought to order, status c0000185\n"));
    Finish();
}

TEST(A_boot_volume_that_no_file_system_knows_is_said)
{
    Start();
    memset(Disk.Image, 0, 512);
    IoMountSystemVolume();
    CHECK(VolumeBenchSaid("Volume C:  none: the boot volume cannot be mounted, status c000014f\n"));
    CHECK(IoSystemVolume() == NULL);
    IoShutdownVolumes();
    Finish();
}

TEST(A_read_only_boot_volume_is_mounted_and_says_so)
{
    Start();
    Disk.Device.ReadOnly = TRUE;
    IoMountSystemVolume();
    CHECK(VolumeBenchSaid("Volume C:  \\Device\\HarddiskVolume1, simulated, read-only\n"));
    Finish();
}
