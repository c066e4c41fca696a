/* SPDX-License-Identifier: MIT */
/*
 * test_fat_volume.c - files and directories on volumes of each kind; damage; failing disks.
 *
 * What other implementations make of our volumes, random operations and power cuts are tested by
 * tests/disk/fat.py.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

#define LONG_NAME "/A folder with a long name"

static const SEED_FAT *const Kinds[] = {&FatWorldFat12, &FatWorldFat16, &FatWorldFat32,
                                        &FatWorldLarge};

static void UseFiles(const SEED_FAT *Seed, ULONG64 Latency)
{
    FAT_FILE File;

    FatWorldStart(Seed, Latency);
    FatWorldPut("/SHORT.TXT", 5000, 1);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, LONG_NAME));
    FatWorldPut(LONG_NAME "/and a long file name.data", 12345, 2);
    FatWorldPut(LONG_NAME "/empty", 0, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatFlush(FatVolume));
    FatWorldRemount();
    CHECK(FatWorldHolds("\\short.txt", 5000, 1));
    CHECK(FatWorldHolds("/a FOLDER with a long name/AND A LONG FILE NAME.DATA", 12345, 2));
    CHECK(FatWorldHolds("/AFOLDE~1/ANDALO~1.DAT", 12345, 2));
    CHECK(FatWorldHolds(LONG_NAME "/empty", 0, 0));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, FatOpen(FatVolume, "/SHORT", &File));
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, FatOpen(FatVolume, "/SHORT.TXT/x", &File));
    FatWorldFinish();
}

TEST(Fat_files_are_found_by_long_and_short_names_after_a_mount)
{
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Kinds); Index++) {
        UseFiles(Kinds[Index], 0);
    }
    UseFiles(&FatWorldFat12, TestSeed());
}

TEST(Fat_enumeration_gives_each_entry_once)
{
    FAT_FILE Root;
    FAT_ENTRY Entry;
    char Name[FAT_NAME_BYTES];
    ULONG Position = 0;

    FatWorldStart(&FatWorldFat16, 0);
    FatWorldPut("/one.txt", 1, 0);
    FatWorldPut("/two with a long name which takes several entries.txt", 2, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/", &Root));
    CHECK_EQUAL(STATUS_SUCCESS, FatEnumerate(&Root, &Position, &Entry));
    FatFormatName(&Entry, Name);
    CHECK_TEXT("one.txt", Name);
    CHECK_EQUAL(1, Entry.Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, FatEnumerate(&Root, &Position, &Entry));
    FatFormatName(&Entry, Name);
    CHECK_TEXT("two with a long name which takes several entries.txt", Name);
    CHECK_EQUAL(STATUS_NO_MORE_FILES, FatEnumerate(&Root, &Position, &Entry));
    FatWorldFinish();
}

TEST(Fat_refuses_to_change_what_must_not_be)
{
    FAT_FILE File;

    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR"));
    FatWorldPut("/DIR/A", 10, 0);
    CHECK_EQUAL(STATUS_DIRECTORY_NOT_EMPTY, FatDelete(FatVolume, "/DIR"));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, FatDelete(FatVolume, "/"));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, FatRename(FatVolume, "/DIR", "/DIR/INTO"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, FatRename(FatVolume, "/DIR/A", "/dir"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, FatCreate(FatVolume, "/dir", 0, &File));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, FatCreate(FatVolume, "/a*b", 0, &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatCreate(FatVolume, "/RO", FAT_ATTRIBUTE_READ_ONLY, &File));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, FatDelete(FatVolume, "/RO"));
    FatDisk.Device.ReadOnly = TRUE;
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, FatDelete(FatVolume, "/DIR/A"));
    CHECK(FatWorldHolds("/DIR/A", 10, 0));
    FatDisk.Device.ReadOnly = FALSE;
    FatWorldFinish();
}

TEST(Fat_full_volume_refuses_growth_and_changes_nothing)
{
    FAT_FIGURES Figures;
    FAT_FILE File;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A", 1000, 3);
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/A", &File));
    CHECK_EQUAL(STATUS_DISK_FULL, FatSetSize(&File, 301 * 512));
    CHECK_EQUAL(STATUS_DISK_FULL, FatWrite(&File, 0xFFFFFFF0, 100, FatBuffer));
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(FatVolume, &Figures));
    CHECK_EQUAL(298, Figures.FreeClusters);
    CHECK_EQUAL(STATUS_SUCCESS, FatReserve(&File, 300 * 512));
    CHECK_EQUAL(STATUS_DISK_FULL, FatCreateDirectory(FatVolume, "/DIR"));
    CHECK_EQUAL(STATUS_SUCCESS, FatSetSize(&File, 1000));
    CHECK(FatWorldHolds("/A", 1000, 3));
    FatWorldFinish();
}

TEST(FatResolveRuns_joins_neighbours_and_says_how_many_there_are)
{
    FAT_RUN Runs[4];
    FAT_FILE File;
    ULONG Count;

    FatWorldStart(&FatWorldFat16, 0);
    FatWorldPut("/A", 4096, 0); /* clusters 2 to 5 */
    FatWorldPut("/B", 1024, 0); /* 6 */
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/A", &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatReserve(&File, 8192)); /* 7 to 10 */
    CHECK_EQUAL(STATUS_SUCCESS, FatResolveRuns(&File, Runs, 4, &Count));
    CHECK_EQUAL(2, Count);
    CHECK_EQUAL(FatVolume->DataSector, Runs[0].Sector);
    CHECK_EQUAL(8, Runs[0].Sectors);
    CHECK_EQUAL(FatVolume->DataSector + 10, Runs[1].Sector);
    CHECK_EQUAL(8, Runs[1].Sectors);
    CHECK_EQUAL(STATUS_BUFFER_OVERFLOW, FatResolveRuns(&File, Runs, 1, &Count));
    CHECK_EQUAL(2, Count);
    FatWorldFinish();
}

/* ---- damage ---- */

static NTSTATUS OpenWith(ULONG Cluster, ULONG Value, ULONG Repair)
{
    FAT_FILE File;
    NTSTATUS Status;

    FatWorldBreakEntry(Cluster, Value);
    Status = FatOpen(FatVolume, "/A", &File);
    FatWorldBreakEntry(Cluster, Repair);
    return Status;
}

TEST(Fat_files_with_broken_chains_are_not_opened)
{
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Kinds); Index++) {
        ULONG First = Kinds[Index] == &FatWorldFat32 ? 3 : 2;

        FatWorldStart(Kinds[Index], 0);
        FatWorldPut("/A", 4 * FatVolume->ClusterBytes, 0);
        CHECK_EQUAL(STATUS_SUCCESS, OpenWith(First + 1, First + 2, First + 2));
        CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, OpenWith(First + 1, First, First + 2)); /* loop */
        CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, OpenWith(First + 1, First + 1, First + 2));
        CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, OpenWith(First + 1, FAT_FREE, First + 2));
        CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, OpenWith(First + 1, FAT_BAD, First + 2));
        CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, OpenWith(First + 1, FAT_END, First + 2)); /* short */
        CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, OpenWith(First + 1, 1, First + 2));
        CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR,
                    OpenWith(First + 1, FatVolume->Clusters + 2, First + 2));
        FatWorldFinish();
    }
}

TEST(Fat_volume_with_crossed_chains_frees_nothing)
{
    FAT_FIGURES Figures;
    FAT_FILE File;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A", 1024, 1); /* 2, 3 */
    FatWorldPut("/B", 1024, 2); /* 4, 5 */
    FatWorldBreakEntry(4, 3);
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, FatDelete(FatVolume, "/B"));
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/B", &File));
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, FatSetSize(&File, 0));
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(FatVolume, &Figures));
    CHECK_EQUAL(TRUE, Figures.CrossLinked);
    CHECK(FatWorldHolds("/A", 1024, 1));
    FatWorldFinish();
}

TEST(Fat_directory_that_loops_ends_in_a_status)
{
    FAT_FILE File;
    FAT_ENTRY Entry;
    ULONG Position = 0;
    ULONG Found = 0;
    NTSTATUS Status;

    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR")); /* 2 */
    for (Position = 0; Position < 14; Position++) {                     /* full, with . and .. */
        char Name[] = "/DIR/A";

        Name[5] = (char)('A' + Position);
        FatWorldPut(Name, 0, 0);
    }
    FatWorldBreakEntry(2, 2);
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, "/DIR", &File));
    Position = 0;
    do {
        Status = FatEnumerate(&File, &Position, &Entry);
        Found += NT_SUCCESS(Status);
    } while (NT_SUCCESS(Status));
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, Status);
    CHECK_EQUAL(FAT_MOST_ENTRIES / 16 * 14, Found);
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, FatOpen(FatVolume, "/DIR/none", &File));
    FatWorldFinish();
}

/* ---- the clean bit and FSInfo ---- */

TEST(Fat_volume_is_dirty_from_the_first_change_to_the_flush)
{
    PUCHAR Info;
    PUCHAR Entry;
    FAT_FIGURES Figures;

    FatWorldStart(&FatWorldFat32, 0);
    Info = FatDisk.Image + 512;
    Entry = FatDisk.Image + FatVolume->ReservedSectors * 512 + 4;
    FatWorldPut("/A", 1000, 0);
    CHECK_EQUAL(0, FatGet32(Entry) & 0x08000000);
    CHECK_EQUAL(0xFFFFFFFF, FatGet32(Info + 488));
    CHECK_EQUAL(STATUS_SUCCESS, FatFlush(FatVolume));
    CHECK_EQUAL(0x08000000, FatGet32(Entry) & 0x08000000);
    CHECK_EQUAL(FatWorldFat32.Clusters - 3, FatGet32(Info + 488));
    FatWorldPut("/B", 1000, 0);
    FatWorldRemount(); /* without a flush */
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(FatVolume, &Figures));
    CHECK_EQUAL(TRUE, Figures.WasDirty);
    FatWorldPut("/C", 1000, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatFlush(FatVolume));
    CHECK_EQUAL(0, FatGet32(Entry) & 0x08000000); /* only a check may call it clean */
    FatWorldFinish();
}

/* ---- failing disks ---- */

/* => How it ended; whatever that is, the other file is whole. */
static NTSTATUS FailingScenario(void)
{
    FAT_FILE File = {.Volume = FatVolume};
    NTSTATUS Status = FatCreate(FatVolume, "/a new file, with a long name", 0, &File);

    memset(FatBuffer, 0x42, 6000);
    Status = NT_SUCCESS(Status) ? FatWrite(&File, 100, 6000, FatBuffer) : Status;
    Status = NT_SUCCESS(Status) ? FatSetSize(&File, 2000) : Status;
    FatClose(&File);
    Status = NT_SUCCESS(Status) ? FatCreateDirectory(FatVolume, "/DIR") : Status;
    Status = NT_SUCCESS(Status)
                 ? FatRename(FatVolume, "/a new file, with a long name", "/DIR/moved")
                 : Status;
    Status = NT_SUCCESS(Status) ? FatDelete(FatVolume, "/DIR/moved") : Status;
    return NT_SUCCESS(Status) ? FatFlush(FatVolume) : Status;
}

static ULONG SweepFailures(const SEED_FAT *Seed, DISK_OPERATION Operation)
{
    ULONG Failing;
    NTSTATUS Status = STATUS_IO_DEVICE_ERROR;

    for (Failing = 1; !NT_SUCCESS(Status); Failing++) {
        FatWorldStart(Seed, 0);
        FatWorldPut("/KEEP", 3000, 9);
        CHECK_EQUAL(STATUS_SUCCESS, FatFlush(FatVolume));
        FatWorldRemount();
        FatDisk.FailAt[Operation] = Failing;
        Status = FailingScenario();
        if (!NT_SUCCESS(Status)) {
            CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, Status);
        }
        FatDisk.FailAt[Operation] = 0;
        CHECK(FatWorldHolds("/KEEP", 3000, 9));
        FatWorldRemount();
        CHECK(FatWorldHolds("/KEEP", 3000, 9));
        FatWorldPut("/AFTER", 3000, 5);
        CHECK(FatWorldHolds("/AFTER", 3000, 5));
        FatWorldFinish();
    }
    return Failing;
}

TEST(Fat_survives_each_read_write_and_flush_failing)
{
    CHECK(SweepFailures(&FatWorldFat12, DiskRead) > 1); /* so small a volume is a block or two */
    CHECK(SweepFailures(&FatWorldFat16, DiskRead) > 2);
    CHECK(SweepFailures(&FatWorldLarge, DiskRead) > 3);
    CHECK(SweepFailures(&FatWorldFat12, DiskWrite) > 20);
    CHECK(SweepFailures(&FatWorldFat12, DiskFlush) > 10);
}

/* => Whether each long name part of the root is followed by one of its name, or by its owner. */
static BOOLEAN PartsBelong(const UCHAR *Root, ULONG Entries)
{
    ULONG i;

    for (i = 0; i + 1 < Entries && Root[i * 32] != 0; i++) {
        const UCHAR *Part = Root + i * 32;
        const UCHAR *Next = Part + 32;

        if (Part[11] == 0x0F && Part[0] != 0xE5 &&
            (Next[0] == 0xE5 || Next[0] == 0 ||
             Part[13] != (Next[11] == 0x0F ? Next[13] : FatShortChecksum(Next)))) {
            return FALSE;
        }
    }
    return TRUE;
}

TEST(Fat_no_entry_is_put_behind_a_long_name_that_nobody_has)
{
    static const char *const Names[] = {"/A.TXT", "/A rather long name, of many parts.data"};
    ULONG Orphans;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Names); i++) {
        PUCHAR Root;

        FatWorldStart(&FatWorldFat16, 0);
        FatWorldPut("/FIRST.TXT", 100, 1);
        FatWorldPut("/a name of three parts and more.data", 100, 2);
        FatWorldPut("/LAST.TXT", 100, 3);
        FatWorldRemount();
        Root = FatDisk.Image + (SIZE_T)FatVolume->RootSector * 512;
        for (Orphans = 1; Root[Orphans * 32 + 11] == 0x0F; Orphans++) {
        }
        CHECK_EQUAL(4, Orphans);
        Root[Orphans * 32] = 0xE5; /* the short entry never came */
        FatWorldRemount();
        FatWorldPut(Names[i], 200, 4);
        FatWorldPut("/B.TXT", 300, 5);
        FatWorldRemount();
        CHECK(PartsBelong(Root, 64));
        CHECK(FatWorldHolds(Names[i], 200, 4));
        CHECK(FatWorldHolds("/B.TXT", 300, 5));
        CHECK(FatWorldHolds("/FIRST.TXT", 100, 1));
        CHECK(FatWorldHolds("/LAST.TXT", 100, 3));
        FatWorldFinish();
    }
}
