/* SPDX-License-Identifier: MIT */
/*
 * test_judge_volume.c - a boot volume that must not be changed becomes read-only, and says why.
 */
#include "boot_volume.h"
#include "disk/driver/drivers.h"
#include "disk/volume/boot_volume_i.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/fat_world.h"

#include <stdlib.h>
#include <string.h>

static HOST_DISK Disk;
static const LOADER_BOOT_PARTITION Nowhere;

static BOOLEAN Said(const char *Text)
{
    return strstr(HostConsoleText(), Text) != NULL;
}

static void Start(const SEED_FAT *Seed)
{
    MmWorldStart(2048);
    DriverForgetDisks();
    DiskForgetBootVolume();
    DiskFindBootVolume(&Nowhere);
    HostDiskCreate(&Disk, Seed->SectorBytes, SeedFatSectors(Seed), 0);
    SeedFat(Seed, Disk.Image);
    DiskSetBootVolume(&Disk.Device);
    HostConsoleClear();
}

static void Finish(void)
{
    CHECK_EQUAL(0, Disk.Logged);
    DiskForgetBootVolume();
    HostDiskDelete(&Disk);
    MmWorldFinish();
}

/* Take the clean bit away from the FAT that is read. */
static void MakeDirty(const SEED_FAT *Seed, ULONG At, UCHAR Bit)
{
    Disk.Image[SeedFatTable(Seed) * Seed->SectorBytes + At] &= (UCHAR)~Bit;
}

TEST(A_boot_volume_in_order_may_be_changed)
{
    Start(&FatWorldFat16);
    FatJudgeBootVolume();
    CHECK(Said("File sys.  FAT16, 4200 clusters of 1024 bytes, serial 1234-5678, in order\n"));
    CHECK(!Disk.Device.ReadOnly);
    Finish();
    Start(&FatWorldFat32);
    FatJudgeBootVolume();
    CHECK(Said("File sys.  FAT32, 65600 clusters of 512 bytes, serial 1234-5678, in order\n"));
    CHECK(!Disk.Device.ReadOnly);
    Finish();
}

TEST(A_boot_volume_that_was_not_left_in_order_may_be_changed_when_it_is_whole)
{
    Start(&FatWorldFat16);
    MakeDirty(&FatWorldFat16, 3, 0x80);
    FatJudgeBootVolume();
    CHECK(Said("serial 1234-5678, not left in order: looked through, all files are whole\n"));
    CHECK(!Disk.Device.ReadOnly);
    Finish();
    Start(&FatWorldFat32);
    MakeDirty(&FatWorldFat32, 7, 0x08);
    FatJudgeBootVolume();
    CHECK(Said(", not left in order: looked through, all files are whole\n"));
    CHECK(!Disk.Device.ReadOnly);
    Finish();
}

/* A dirty volume with these entries in its root, each a file of one cluster. */
static void StartDamaged(const USHORT *Firsts, ULONG Count)
{
    const SEED_FAT *Seed = &FatWorldFat16;
    ULONG i;

    Start(Seed);
    MakeDirty(Seed, 3, 0x80);
    for (i = 0; i < Count; i++) {
        PUCHAR Entry = Disk.Image + (SIZE_T)(SeedFatData(Seed) - 8) * 512 + i * 32;

        memcpy(Entry, "FILE0   TXT\x20", 12);
        Entry[4] = (UCHAR)('0' + i);
        memcpy(Entry + 26, &Firsts[i], sizeof(Firsts[i]));
        Entry[28] = 1;
    }
}

/* Cluster is the last one of a chain, in the FAT that is read. */
static void Use(USHORT Cluster)
{
    static const USHORT End = 0xFFFF;

    memcpy(Disk.Image + (SIZE_T)SeedFatTable(&FatWorldFat16) * 512 + Cluster * 2, &End,
           sizeof(End));
}

TEST(A_boot_volume_that_was_not_left_in_order_is_read_only_when_it_is_damaged)
{
    static const USHORT Free[] = {5, 6};
    static const USHORT Shared[] = {5, 5};
    static const USHORT Nowhere1[] = {5, 1};

    StartDamaged(Free, 2);
    Use(5);
    FatJudgeBootVolume();
    CHECK(Said("read-only: it was not left in order: a file has a cluster that is free"));
    CHECK(Disk.Device.ReadOnly);
    Finish();
    StartDamaged(Shared, 2);
    Use(5);
    FatJudgeBootVolume();
    CHECK(Said("read-only: it was not left in order: two files share a cluster"));
    CHECK(Disk.Device.ReadOnly);
    Finish();
    StartDamaged(Nowhere1, 2);
    Use(5);
    FatJudgeBootVolume();
    CHECK(Said("read-only: it was not left in order: a directory is damaged"));
    CHECK(Disk.Device.ReadOnly);
    Finish();
    StartDamaged(Free, 2);
    Use(5);
    Use(6);
    FatJudgeBootVolume();
    CHECK(Said("all files are whole"));
    CHECK(!Disk.Device.ReadOnly);
    Finish();
}

TEST(A_boot_volume_that_was_not_left_in_order_is_not_changed_unseen)
{
    BOOLEAN Unseen = FALSE;
    BOOLEAN Happened;
    ULONG Nth = 0;

    do {
        Start(&FatWorldFat16);
        MakeDirty(&FatWorldFat16, 3, 0x80);
        MiFailPoolAllocation(++Nth);
        FatJudgeBootVolume();
        Happened = MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        Unseen |= Said("in order, and could not be looked through") && Disk.Device.ReadOnly;
        CHECK(Happened || Said("all files are whole"));
        Finish();
    } while (Happened);
    CHECK(Unseen);
}

TEST(A_boot_volume_of_FAT12_is_read_only)
{
    Start(&FatWorldFat12);
    FatJudgeBootVolume();
    CHECK(Said("File sys.  FAT12, 300 clusters of 512 bytes"));
    CHECK(Said("read-only: FAT12 does not tell whether it is in order\n"));
    CHECK(Disk.Device.ReadOnly);
    Finish();
}

TEST(A_boot_volume_on_a_protected_device_says_so)
{
    Start(&FatWorldFat16);
    Disk.Device.ReadOnly = TRUE;
    FatJudgeBootVolume();
    CHECK(Said("read-only: the device takes no writes\n"));
    Finish();
}

TEST(A_boot_volume_that_is_not_FAT_or_cannot_be_read_is_said)
{
    Start(&FatWorldFat16);
    Disk.Image[510] = 0;
    FatJudgeBootVolume();
    CHECK(Said("File sys.  simulated holds no FAT volume that can be used: status c000014f\n"));
    Finish();
    Start(&FatWorldFat16);
    Disk.FailFrom = 1;
    FatJudgeBootVolume();
    CHECK(Said("that can be used: status c0000185\n"));
    Finish();
}

/* ---- a rename that was interrupted ---- */

/* => What the disk holds is not changed by this. */
static BOOLEAN IsThere(const char *Path)
{
    PFAT_VOLUME Volume;
    FAT_FILE File;
    BOOLEAN There;

    Disk.Device.ReadOnly = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS, FatMount(&Disk.Device, &Volume));
    There = NT_SUCCESS(FatOpen(Volume, Path, &File));
    FatDismount(Volume);
    Disk.Device.ReadOnly = FALSE;
    return There;
}

static void RenameUntil(ULONG Sectors)
{
    PFAT_VOLUME Volume;

    CHECK_EQUAL(STATUS_SUCCESS, FatMount(&Disk.Device, &Volume));
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(Volume, "/DIR"));
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(Volume, "/MOVED"));
    Disk.PowerLeft = Sectors;
    CHECK_EQUAL(STATUS_SUCCESS, FatRename(Volume, "/MOVED", "/DIR/MOVED"));
    Disk.PowerLeft = HOST_DISK_ALWAYS;
    FatDismount(Volume);
}

/* A volume whose power went when neither name was there; a copy of it. */
static UCHAR *StartInterrupted(const SEED_FAT *Seed)
{
    SIZE_T Bytes = (SIZE_T)SeedFatSectors(Seed) * Seed->SectorBytes;
    UCHAR *Copy = malloc(Bytes);
    ULONG Sectors;

    for (Sectors = 0;; Sectors++) {
        CHECK(Sectors < 12);
        Start(Seed);
        RenameUntil(Sectors);
        if (!IsThere("/MOVED") && !IsThere("/DIR/MOVED")) {
            break;
        }
        Disk.Logged = 0;
        Finish();
    }
    CHECK(Copy != NULL);
    memcpy(Copy, Disk.Image, Bytes);
    Disk.Logged = 0;
    HostConsoleClear();
    return Copy;
}

/* => Whether the disk was written to. */
static BOOLEAN FinishInterrupted(const SEED_FAT *Seed, UCHAR *Copy)
{
    SIZE_T Bytes = (SIZE_T)SeedFatSectors(Seed) * Seed->SectorBytes;
    BOOLEAN Written = Disk.Logged != 0 || memcmp(Copy, Disk.Image, Bytes) != 0;

    free(Copy);
    Disk.Logged = 0;
    Finish();
    return Written;
}

TEST(A_boot_volume_whose_rename_was_interrupted_gets_the_name_and_says_so)
{
    UCHAR *Copy = StartInterrupted(&FatWorldFat16);

    FatJudgeBootVolume();
    CHECK(Said(", not left in order: looked through, all files are whole\n"));
    CHECK(Said("           a rename that had been interrupted was finished\n"));
    CHECK(!Disk.Device.ReadOnly);
    CHECK(IsThere("/DIR/MOVED"));
    HostConsoleClear();
    FatJudgeBootVolume();
    CHECK(!Said("a rename"));
    CHECK(FinishInterrupted(&FatWorldFat16, Copy));
}

TEST(A_boot_volume_whose_rename_cannot_be_finished_is_read_only)
{
    UCHAR *Copy = StartInterrupted(&FatWorldFat16);

    Disk.FailAt[DiskWrite] = 1;
    FatJudgeBootVolume();
    CHECK(Said("read-only: a rename was interrupted and could not be finished\n"));
    CHECK(Disk.Device.ReadOnly);
    CHECK(!FinishInterrupted(&FatWorldFat16, Copy));
}

TEST(A_boot_volume_that_is_damaged_is_not_written_to_for_a_rename_either)
{
    UCHAR *Copy = StartInterrupted(&FatWorldFat16);
    PUCHAR Entry = Disk.Image + (SIZE_T)(SeedFatData(&FatWorldFat16) - 8) * 512 + 3 * 32;

    memcpy(Entry, "FILE0   TXT\x20", 12);
    Entry[26] = 77; /* a cluster that is free */
    memcpy(Copy, Disk.Image, (SIZE_T)SeedFatSectors(&FatWorldFat16) * 512);
    FatJudgeBootVolume();
    CHECK(Said("a file has a cluster that is free"));
    CHECK(!Said("a rename"));
    CHECK(!FinishInterrupted(&FatWorldFat16, Copy));
    Copy = StartInterrupted(&FatWorldFat12);
    FatJudgeBootVolume();
    CHECK(Said("read-only: FAT12 does not tell"));
    CHECK(!FinishInterrupted(&FatWorldFat12, Copy));
}
