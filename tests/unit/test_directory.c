/* SPDX-License-Identifier: MIT */
/*
 * test_directory.c - entries in order, and finding one.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

static FAT_FILE Root;
static FAT_ENTRY Entry;

static NTSTATUS Find(const char *Name)
{
    WCHAR Wide[FAT_NAME_UNITS];
    ULONG Units;

    CHECK(FatParseName(Name, (ULONG)strlen(Name), Wide, &Units));
    return FatFindName(&Root, Wide, Units, &Entry);
}

TEST(FatFindName_finds_long_and_short_names_in_any_case)
{
    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/First.txt", 1, 0);
    FatWorldPut("/A second, longer name", 2, 0);
    FatOpenRoot(FatVolume, &Root);
    CHECK_EQUAL(STATUS_SUCCESS, Find("FIRST.TXT"));
    CHECK_EQUAL(1, Entry.Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, Find("a SECOND, longer name"));
    CHECK_EQUAL(2, Entry.Bytes);
    CHECK_EQUAL(2, Entry.Location.First); /* two parts */
    CHECK_EQUAL(4, Entry.Location.Index);
    CHECK_EQUAL(STATUS_SUCCESS, Find("asecon~1"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Find("third"));
    CHECK_EQUAL(STATUS_SUCCESS, FatFindShortName(&Root, (const UCHAR *)"ASECON~1   "));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND,
                FatFindShortName(&Root, (const UCHAR *)"ASECON~2   "));
    FatWorldFinish();
}

TEST(FatReadEntry_says_where_an_entry_stands)
{
    FAT_LOCATION Location;
    PUCHAR Data;

    FatWorldStart(&FatWorldFat12, 0);
    FatOpenRoot(FatVolume, &Root);
    CHECK_EQUAL(STATUS_SUCCESS, FatReadEntry(&Root, 17, &Location, &Data));
    CHECK_EQUAL(FatVolume->RootSector + 1, Location.Sector);
    CHECK_EQUAL(32, Location.Offset);
    CHECK_EQUAL(0, Location.Directory);
    CHECK_EQUAL(STATUS_SUCCESS, FatReadEntry(&Root, 127, &Location, &Data));
    CHECK_EQUAL(STATUS_END_OF_FILE, FatReadEntry(&Root, 128, &Location, &Data));
    FatWorldFinish();
}

/* Change a byte of the root's first sector behind the volume's back. */
static void Poke(ULONG Index, ULONG Offset, UCHAR Value)
{
    FatDisk.Image[FatVolume->RootSector * 512 + Index * 32 + Offset] = Value;
    FatForgetSectors(FatVolume);
}

TEST(FatEnumerate_takes_the_short_name_where_the_long_one_is_damaged)
{
    char Name[FAT_NAME_BYTES];
    ULONG Position = 0;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A long name of two parts", 1, 0);
    Poke(1, 13, 0); /* a checksum */
    FatOpenRoot(FatVolume, &Root);
    CHECK_EQUAL(STATUS_SUCCESS, FatEnumerate(&Root, &Position, &Entry));
    FatFormatName(&Entry, Name);
    CHECK_TEXT("ALONGN~1", Name);
    CHECK_EQUAL(2, Entry.Location.First); /* the parts are not its own */
    FatWorldFinish();
}

TEST(FatEnumerate_passes_over_labels_and_deleted_entries_and_ends_at_zero)
{
    ULONG Position = 0;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A", 1, 0);
    FatWorldPut("/B", 2, 0);
    FatWorldPut("/C", 3, 0);
    FatWorldPut("/D", 4, 0);
    Poke(0, 11, FAT_ATTRIBUTE_LABEL);
    Poke(1, 0, FAT_DELETED);
    Poke(3, 0, 0);
    FatOpenRoot(FatVolume, &Root);
    CHECK_EQUAL(STATUS_SUCCESS, FatEnumerate(&Root, &Position, &Entry));
    CHECK_EQUAL(3, Entry.Bytes);
    CHECK_EQUAL(STATUS_NO_MORE_FILES, FatEnumerate(&Root, &Position, &Entry));
    CHECK_EQUAL(STATUS_DIRECTORY_NOT_EMPTY, FatIsDirectoryEmpty(&Root));
    Poke(2, 0, FAT_DELETED);
    CHECK_EQUAL(STATUS_SUCCESS, FatIsDirectoryEmpty(&Root));
    FatWorldFinish();
}
