/* SPDX-License-Identifier: MIT */
/*
 * test_format.c - volumes that FatFormat makes: their kind, and that they are whole or none.
 *
 * What fsck.fat says of them is tests/disk/fat.py's.
 */
#include "ex.h"
#include "tests/unit/fat_world.h"

#include <string.h>

static HOST_DISK Disk;
static PFAT_VOLUME Volume;

static void Start(ULONG SectorBytes, ULONG64 Sectors)
{
    MmWorldStart(2048);
    HostDiskCreate(&Disk, SectorBytes, Sectors, 0);
    memset(Disk.Image, 0xE5, (size_t)(Sectors * SectorBytes)); /* of another time */
}

static void Finish(void)
{
    HostDiskDelete(&Disk);
    MmWorldFinish();
}

static NTSTATUS Format(void)
{
    return FatFormat(&Disk.Device, 0x12345678, "A LABEL    ");
}

static void CheckKind(ULONG SectorBytes, ULONG64 Sectors, ULONG Kind, ULONG ClusterBytes)
{
    FAT_FIGURES Figures;

    Start(SectorBytes, Sectors);
    CHECK_EQUAL(STATUS_SUCCESS, Format());
    CHECK_EQUAL(STATUS_SUCCESS, FatMount(&Disk.Device, &Volume));
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(Volume, &Figures));
    CHECK_EQUAL(Kind, Figures.Kind);
    CHECK_EQUAL(ClusterBytes, Figures.ClusterBytes);
    CHECK_EQUAL(0x12345678, Figures.Serial);
    CHECK_EQUAL(Figures.Clusters - (Kind == 32), Figures.FreeClusters); /* FAT32's root has one */
    CHECK((Figures.Clusters + 1) * (ULONG64)ClusterBytes > Sectors * SectorBytes * 9 / 10);
    CHECK(!Figures.WasDirty);
    FatDismount(Volume);
    Finish();
}

TEST(FatFormat_makes_clusters_of_a_page_where_there_can_be_enough)
{
    CheckKind(512, 4400, 16, 512); /* 2 MB */
    CheckKind(512, 16384, 16, 1024);
    CheckKind(512, 65536, 16, 4096); /* 32 MB */
    CheckKind(4096, 8192, 16, 4096);
    CheckKind(512, 131072, 16, 4096);
}

TEST(FatFormat_makes_FAT32_of_more_than_FAT16_can_hold)
{
    CheckKind(512, 540672, 32, 4096); /* 264 MB */
}

TEST(FatFormat_keeps_away_from_the_borders_between_kinds)
{
    FAT_FIGURES Figures;
    ULONG Sectors;

    /* from where FAT16 of 4 KB clusters ends to where FAT32 of them begins */
    for (Sectors = 524100; Sectors < 525300; Sectors += 100) {
        Start(512, Sectors);
        CHECK_EQUAL(STATUS_SUCCESS, Format());
        CHECK_EQUAL(STATUS_SUCCESS, FatMount(&Disk.Device, &Volume));
        CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(Volume, &Figures));
        CHECK(Figures.Kind == 16 ? Figures.Clusters <= 65524 - 16 : Figures.Clusters >= 65525 + 16);
        FatDismount(Volume);
        Finish();
    }
}

TEST(FatFormat_refuses_what_is_too_small_for_FAT16)
{
    Start(512, 4000);
    CHECK_EQUAL(STATUS_UNRECOGNIZED_VOLUME, Format());
    CHECK_EQUAL(0, Disk.Logged);
    Finish();
}

TEST(A_formatted_volume_takes_files)
{
    FAT_FILE File;
    ULONG Done;
    PUCHAR Buffer;

    Start(512, 16384);
    CHECK_EQUAL(STATUS_SUCCESS, Format());
    CHECK_EQUAL(STATUS_SUCCESS, FatMount(&Disk.Device, &Volume));
    Buffer = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, FAT_TAG);
    memset(Buffer, 0x42, PAGE_SIZE);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, FatOpen(Volume, "/A LABEL", &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatCreate(Volume, "/a file with a long name", 0, &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatWrite(&File, 0, 3000, Buffer));
    memset(Buffer, 0, PAGE_SIZE);
    CHECK_EQUAL(STATUS_SUCCESS, FatRead(&File, 0, PAGE_SIZE, Buffer, &Done));
    CHECK(Done == 3000 && Buffer[0] == 0x42 && Buffer[2999] == 0x42);
    ExFreePoolWithTag(Buffer, FAT_TAG);
    FatDismount(Volume);
    Finish();
}

/* => Whether there is a volume, and it is as it should be. */
static BOOLEAN IsWhole(void)
{
    FAT_FIGURES Figures;
    ULONG Position = 0;
    FAT_FILE Root;
    FAT_ENTRY Entry;

    if (!NT_SUCCESS(FatMount(&Disk.Device, &Volume))) {
        return FALSE;
    }
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(Volume, &Figures));
    CHECK_EQUAL(Figures.Clusters - (Figures.Kind == 32), Figures.FreeClusters);
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(Volume, "/", &Root));
    CHECK_EQUAL(STATUS_NO_MORE_FILES, FatEnumerate(&Root, &Position, &Entry));
    FatDismount(Volume);
    return TRUE;
}

TEST(A_power_cut_while_formatting_leaves_no_volume_or_a_whole_one)
{
    ULONG Left;
    ULONG Whole = 0;

    for (Left = 0; Whole == 0; Left++) {
        Start(512, 16384);
        Disk.PowerLeft = Left;
        (void)Format();
        Disk.PowerLeft = HOST_DISK_ALWAYS;
        Whole += IsWhole();
        Finish();
    }
    CHECK(Left > 60); /* boot sector, FATs, root */
}

TEST(A_failing_disk_while_formatting_is_a_status_and_no_volume)
{
    ULONG Request = 0;
    NTSTATUS Status;

    do {
        Start(512, 16384);
        Disk.FailFrom = ++Request;
        Status = Format();
        Disk.FailFrom = 0;
        if (!NT_SUCCESS(Status)) {
            CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, Status);
        }
        /* only the last flush comes behind the boot sector */
        CHECK(NT_SUCCESS(Status) ? IsWhole() : TRUE);
        Finish();
    } while (!NT_SUCCESS(Status));
    CHECK(Request > 6);
}
