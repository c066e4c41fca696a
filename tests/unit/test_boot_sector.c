/* SPDX-License-Identifier: MIT */
/*
 * test_boot_sector.c - which first sectors are a FAT volume's.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

static NTSTATUS MountWith(ULONG Offset, UCHAR Value)
{
    UCHAR Was = FatDisk.Image[Offset];
    PFAT_VOLUME Volume;
    NTSTATUS Status;

    FatDisk.Image[Offset] = Value;
    Status = FatMount(&FatDisk.Device, &Volume);
    FatDisk.Image[Offset] = Was;
    if (NT_SUCCESS(Status)) {
        FatDismount(Volume);
    }
    return Status;
}

/* => Kept: clusters that are neither taken nor given out. */
static void CheckKind(const SEED_FAT *Seed, ULONG Kind, ULONG Kept)
{
    FAT_FIGURES Figures;

    FatWorldStart(Seed, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(FatVolume, &Figures));
    CHECK_EQUAL(Kind, Figures.Kind);
    CHECK_EQUAL(Seed->Clusters, Figures.Clusters);
    CHECK_EQUAL(Seed->Clusters - Kept, Figures.FreeClusters);
    CHECK_EQUAL(Seed->ClusterSectors * Seed->SectorBytes, Figures.ClusterBytes);
    CHECK_EQUAL(0x12345678, Figures.Serial);
    CHECK_EQUAL(FALSE, Figures.WasDirty);
    CHECK_EQUAL(0, FatDisk.Logged);
    FatWorldFinish();
}

TEST(Fat_kind_follows_from_the_number_of_clusters)
{
    static const SEED_FAT Last12 = {512, 1, 4084};
    static const SEED_FAT First16 = {512, 1, 4085};
    static const SEED_FAT Last16 = {512, 1, 65524};
    static const SEED_FAT First32 = {512, 1, 65525};

    CheckKind(&Last12, 12, 8); /* whose entries lie in two sectors */
    CheckKind(&First16, 16, 0);
    CheckKind(&Last16, 16, 0);
    CheckKind(&First32, 32, 1); /* the root's */
    CheckKind(&FatWorldLarge, 16, 0);
}

TEST(Fat_boot_sector_with_a_bad_field_is_refused)
{
    static const struct {
        ULONG Offset;
        UCHAR Value;
    } Bad[] = {
        {0, 0},  {510, 0}, {511, 0}, {12, 4}, {11, 1},    {13, 0},    {13, 3}, {14, 0},
        {16, 0}, {16, 3},  {17, 1},  {22, 0}, {22, 0xFF}, {35, 0x7F}, {34, 1},
    };
    ULONG Index;

    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, MountWith(3, 'x'));
    for (Index = 0; Index < RTL_NUMBER_OF(Bad); Index++) {
        CHECK_EQUAL(STATUS_UNRECOGNIZED_VOLUME, MountWith(Bad[Index].Offset, Bad[Index].Value));
    }
    FatWorldFinish();
}

TEST(Fat32_boot_sector_with_a_bad_field_is_refused)
{
    FatWorldStart(&FatWorldFat32, 0);
    CHECK_EQUAL(STATUS_UNRECOGNIZED_VOLUME, MountWith(42, 1));    /* version */
    CHECK_EQUAL(STATUS_UNRECOGNIZED_VOLUME, MountWith(44, 1));    /* root cluster 1 */
    CHECK_EQUAL(STATUS_UNRECOGNIZED_VOLUME, MountWith(47, 1));    /* root beyond the end */
    CHECK_EQUAL(STATUS_UNRECOGNIZED_VOLUME, MountWith(48, 9));    /* FSInfo in the FAT */
    CHECK_EQUAL(STATUS_UNRECOGNIZED_VOLUME, MountWith(40, 0x82)); /* third FAT of two */
    CHECK_EQUAL(STATUS_UNRECOGNIZED_VOLUME, MountWith(17, 16));   /* a fixed root */
    CHECK_EQUAL(STATUS_SUCCESS, MountWith(40, 0x81));
    FatWorldFinish();
}

TEST(Fat_mount_of_a_failing_disk_says_so)
{
    PFAT_VOLUME Volume;

    FatWorldStart(&FatWorldFat12, 0);
    FatDisk.FailAt[DiskRead] = 1;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, FatMount(&FatDisk.Device, &Volume));
    FatDisk.FailAt[DiskRead] = 2;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, FatMount(&FatDisk.Device, &Volume));
    FatWorldFinish();
}
