/* SPDX-License-Identifier: MIT */
/*
 * test_volume.c - volumes come into use and go, with all their memory.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

#include "mm/pool/pool_inject.h"

TEST(FatMount_without_memory_leaves_nothing)
{
    PFAT_VOLUME Volume;
    BOOLEAN Happened = TRUE;
    ULONG Refused = 0;
    ULONG Nth;

    FatWorldStart(&FatWorldFat12, 0);
    for (Nth = 1; Happened; Nth++) {
        NTSTATUS Status;

        MiFailPoolAllocation(Nth);
        Status = FatMount(&FatDisk.Device, &Volume);
        Happened = MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        if (NT_SUCCESS(Status)) {
            FatDismount(Volume);
        } else {
            CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, Status);
            Refused++;
        }
    }
    CHECK(Refused >= FAT_BLOCKS + 2);
    FatWorldFinish(); /* counts what is left */
}

TEST(FatMount_of_a_disk_that_cannot_be_read_says_so)
{
    PFAT_VOLUME Volume;
    ULONG Nth;

    FatWorldStart(&FatWorldFat12, 0);
    for (Nth = 1; Nth <= 2; Nth++) {
        FatDisk.FailAt[DiskRead] = Nth;
        CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, FatMount(&FatDisk.Device, &Volume));
    }
    FatDisk.FailAt[DiskRead] = 0;
    memset(FatDisk.Image, 0, 512);
    CHECK_EQUAL(STATUS_UNRECOGNIZED_VOLUME, FatMount(&FatDisk.Device, &Volume));
    CHECK_EQUAL(0, FatDisk.Logged);
    FatWorldFinish();
}

TEST(FatQueryVolume_counts_what_files_take)
{
    FAT_FIGURES Figures;

    FatWorldStart(&FatWorldFat16, 0);
    FatWorldPut("/A", 1025, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(FatVolume, &Figures));
    CHECK_EQUAL(16, Figures.Kind);
    CHECK_EQUAL(512, Figures.SectorBytes);
    CHECK_EQUAL(1024, Figures.ClusterBytes);
    CHECK_EQUAL(4200, Figures.Clusters);
    CHECK_EQUAL(4198, Figures.FreeClusters);
    CHECK_EQUAL(FALSE, Figures.CrossLinked);
    FatWorldFinish();
}

TEST(Fat_read_only_disk_is_read_and_never_written)
{
    FAT_FILE File;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A", 1000, 3);
    FatDisk.Device.ReadOnly = TRUE;
    FatWorldRemount();
    FatDisk.Logged = 0;
    CHECK(FatWorldHolds("/A", 1000, 3));
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/A", &File));
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, FatWrite(&File, 0, 1, FatBuffer));
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, FatSetSize(&File, 0));
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, FatPermitFile(&File));
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, FatCreateDirectory(FatVolume, "/D"));
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, FatRename(FatVolume, "/A", "/B"));
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, FatDelete(FatVolume, "/A"));
    FatClose(&File);
    CHECK_EQUAL(0, FatDisk.Logged);
    FatWorldFinish();
}
