/* SPDX-License-Identifier: MIT */
/*
 * test_directory_change.c - entries come and go, in the order that a power cut asks for.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

#define LONG_NAME                                                                                  \
    "/a name of so many letters that it takes seven entries and more, which is a lot.txt"

TEST(FatCreate_takes_the_first_gap_that_is_long_enough)
{
    FAT_FILE File;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A", 0, 0);
    FatWorldPut("/long name, two parts", 0, 0); /* 1 to 3 */
    FatWorldPut("/B", 0, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatDelete(FatVolume, "/long name, two parts"));
    FatWorldPut("/C", 0, 0); /* 1 */
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/C", &File));
    CHECK_EQUAL(1, File.Location.Index);
    FatWorldPut("/another name of three parts", 0, 0); /* does not fit into 2 and 3 */
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/another name of three parts", &File));
    CHECK_EQUAL(5, File.Location.First);
    CHECK_EQUAL(8, File.Location.Index);
    FatWorldFinish();
}

TEST(FatCreate_makes_a_directory_longer_and_the_fixed_root_not)
{
    char Name[] = "/DIR/F00";
    FAT_FILE Directory;
    ULONG Index;
    ULONG Clusters;

    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR"));
    for (Index = 0; Index < 40; Index++) { /* 16 in a cluster */
        Name[6] = (char)('0' + Index / 10);
        Name[7] = (char)('0' + Index % 10);
        FatWorldPut(Name, 0, 0);
    }
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/DIR", &Directory));
    CHECK_EQUAL(STATUS_SUCCESS, FatCountChain(FatVolume, Directory.FirstCluster, &Clusters));
    CHECK_EQUAL(3, Clusters);
    for (Index = 0; Index < 127; Index++) {
        FAT_FILE File;
        char Root[] = "/R000";

        Root[2] = (char)('0' + Index / 100);
        Root[3] = (char)('0' + Index / 10 % 10);
        Root[4] = (char)('0' + Index % 10);
        CHECK_EQUAL(STATUS_SUCCESS, FatCreate(FatVolume, Root, 0, &File));
    }
    CHECK_EQUAL(STATUS_DISK_FULL, FatCreateDirectory(FatVolume, "/FULL"));
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/R126", &Directory));
    FatWorldFinish();
}

TEST(FatCreate_clears_what_lies_behind_the_end)
{
    FAT_FILE Root;
    FAT_ENTRY Entry;
    ULONG Position = 0;

    FatWorldStart(&FatWorldFat12, 0);
    memset(FatDisk.Image + FatVolume->RootSector * 512 + 32, 'G', 512); /* garbage behind a 00 */
    FatWorldPut("/A", 5, 0);
    FatOpenRoot(FatVolume, &Root);
    CHECK_EQUAL(STATUS_SUCCESS, FatEnumerate(&Root, &Position, &Entry));
    CHECK_EQUAL(5, Entry.Bytes);
    CHECK_EQUAL(STATUS_NO_MORE_FILES, FatEnumerate(&Root, &Position, &Entry));
    FatWorldFinish();
}

/* Fill the root so that the next name begins at entry Count. */
static void Occupy(ULONG Count)
{
    char Name[] = "/F0";

    for (; Count != 0; Count--) {
        Name[2] = (char)('A' + Count);
        FatWorldPut(Name, 0, 0);
    }
}

TEST(Fat_names_in_two_sectors_come_from_the_first_and_go_from_the_last)
{
    FAT_FILE File;
    ULONG64 Root;
    ULONG Mark;

    FatWorldStart(&FatWorldFat12, 0);
    Root = FatVolume->RootSector;
    Occupy(12);
    HostDiskStartLog(&FatDisk);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreate(FatVolume, LONG_NAME, 0, &File));
    CHECK_EQUAL(Root + 1, File.Location.Sector);
    CHECK_EQUAL(2, FatDisk.Logged);
    CHECK_EQUAL(Root, FatDisk.Log[0].Sector);
    CHECK_EQUAL(Root + 1, FatDisk.Log[1].Sector);
    Mark = FatDisk.Logged;
    CHECK_EQUAL(STATUS_SUCCESS, FatDelete(FatVolume, LONG_NAME));
    CHECK_EQUAL(Root + 1, FatDisk.Log[Mark].Sector);
    CHECK_EQUAL(Root, FatDisk.Log[Mark + 1].Sector);
    FatWorldFinish();
}

TEST(Fat_parts_without_an_entry_go_when_their_neighbour_comes)
{
    FAT_FILE File;
    UCHAR *Root;

    FatWorldStart(&FatWorldFat12, 0);
    Occupy(12);
    FatDisk.FailAt[DiskWrite] = 2; /* the sector of the short entry */
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, FatCreate(FatVolume, LONG_NAME, 0, &File));
    FatDisk.FailAt[DiskWrite] = 0;
    Root = FatDisk.Image + FatVolume->RootSector * 512;
    CHECK_EQUAL(0x0F, Root[15 * 32 + 11]);
    CHECK(Root[15 * 32] != FAT_DELETED);
    FatWorldPut("/SHORT", 0, 0);
    CHECK_EQUAL(FAT_DELETED, Root[15 * 32]);
    CHECK_EQUAL(FAT_DELETED, Root[12 * 32]);
    FatWorldFinish();
}
