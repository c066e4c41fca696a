/* SPDX-License-Identifier: MIT */
/*
 * test_storage_plan.c - the plan is what tests/boot/storage_plan.py says: figures that it printed.
 */
#include "disk/volume/partition.h"
#include "mm/inspect/storage_plan.h"
#include "rtl.h"
#include "tests/unit/test.h"

static UCHAR Pattern[MI_STORAGE_PATTERN];
static UCHAR Buffer[65536];

/* Seed 7, 8 MB: the plan whose figures stand below. */
static MI_STORAGE_PLAN Make(void)
{
    MI_STORAGE_PLAN Plan = {.Seed = 7, .Budget = 8 << 20, .Pattern = Pattern};

    MiPlanStorage(&Plan);
    return Plan;
}

static ULONG FinalCrc(const MI_STORAGE_PLAN *Plan, ULONG Number)
{
    MI_STORAGE_FILE File;

    MiPlanStorageFile(Plan, Number, &File);
    CHECK(File.FinalBytes <= sizeof(Buffer));
    MiStorageExpected(Plan, &File, TRUE, 0, Buffer, File.FinalBytes);
    return DiskCrc32(0, Buffer, File.FinalBytes);
}

TEST(StoragePlan_has_the_files_that_the_host_computes)
{
    static const ULONG Sizes[] = {344, 37583, 7325, 3305, 478, 5715};
    MI_STORAGE_PLAN Plan = Make();
    MI_STORAGE_FILE File;
    ULONG i;

    CHECK_EQUAL(36, Plan.Files);
    CHECK_EQUAL(8570367, Plan.Bytes);
    CHECK_EQUAL(0xF7CAEAE8, DiskCrc32(0, Pattern, sizeof(Pattern)));
    for (i = 0; i < RTL_NUMBER_OF(Sizes); i++) {
        MiPlanStorageFile(&Plan, 18 + i, &File);
        CHECK_EQUAL(Sizes[i], File.Bytes);
    }
}

TEST(StoragePlan_has_the_names_that_the_host_computes)
{
    MI_STORAGE_PLAN Plan = Make();
    char Path[MI_STORAGE_NAME_BYTES];

    MiStoragePath(&Plan, 3, FALSE, Path);
    CHECK_TEXT("\\storage\\deep\\er\\F00003.DAT", Path);
    MiStoragePath(&Plan, 4, FALSE, Path);
    CHECK_TEXT("\\storage\\File 4 of the storage run.data", Path);
    MiStoragePath(&Plan, 5, FALSE, Path);
    CHECK_TEXT("\\storage\\Folder with a long name\\5kjihg", Path);
    MiStoragePath(&Plan, 5, TRUE, Path);
    CHECK_TEXT("\\storage\\Gr\xC3\xB6\xC3\x9F"
               "e \xE2\x82\xAC\\renamed 5.new",
               Path);
}

TEST(StoragePlan_has_the_contents_that_the_host_computes)
{
    static const ULONG Crcs[] = {0x7B5B51C5, 0x2C8E381E, 0x35889975, 0xA37151E4,
                                 0x66368AFC, 0x851E0EDD, 0xD747D358, 0x1CC6825C};
    MI_STORAGE_PLAN Plan = Make();
    ULONG i;

    MiStorageContents(&Plan, 20, 1, 1000, Buffer, 5000);
    CHECK_EQUAL(0xA1FB7734, DiskCrc32(0, Buffer, 5000));
    for (i = 0; i < RTL_NUMBER_OF(Crcs); i++) {
        CHECK_EQUAL(Crcs[i], FinalCrc(&Plan, 18 + i));
    }
}

TEST(StoragePlan_contents_in_pieces_are_the_contents_at_once)
{
    static UCHAR Whole[20000];
    MI_STORAGE_PLAN Plan = Make();
    MI_STORAGE_FILE File;
    ULONG Number;
    ULONG Offset;
    ULONG Piece;

    for (Number = 0; Number < Plan.Files; Number++) {
        ULONG Bytes;

        MiPlanStorageFile(&Plan, Number, &File);
        Bytes = File.FinalBytes < sizeof(Whole) ? File.FinalBytes : (ULONG)sizeof(Whole);
        MiStorageExpected(&Plan, &File, TRUE, 0, Whole, Bytes);
        for (Offset = 0; Offset < Bytes; Offset += Piece) {
            Piece = MiStoragePiece(&Plan, Number, Offset, 2, 700);
            CHECK(Piece >= 1 && Piece <= 700);
            Piece = Piece < Bytes - Offset ? Piece : Bytes - Offset;
            MiStorageExpected(&Plan, &File, TRUE, Offset, Buffer, Piece);
            CHECK(memcmp(Whole + Offset, Buffer, Piece) == 0);
        }
    }
}

TEST(StoragePlan_a_sector_of_another_place_file_or_version_differs)
{
    MI_STORAGE_PLAN Plan = Make();

    MiStorageContents(&Plan, 1, 0, 0, Buffer, 512);
    MiStorageContents(&Plan, 1, 0, MI_STORAGE_PATTERN, Buffer + 512, 512);
    MiStorageContents(&Plan, 2, 0, 0, Buffer + 1024, 512);
    MiStorageContents(&Plan, 1, 1, 0, Buffer + 1536, 512);
    CHECK(memcmp(Buffer, Buffer + 512, 512) != 0);
    CHECK(memcmp(Buffer, Buffer + 1024, 512) != 0);
    CHECK(memcmp(Buffer, Buffer + 1536, 512) != 0);
}

TEST(StoragePlan_every_change_meets_every_kind_of_name)
{
    MI_STORAGE_PLAN Plan = Make();
    MI_STORAGE_FILE File;
    ULONG Seen[MiStorageKeep + 1] = {0};
    ULONG i;

    for (i = 0; i < 24; i++) {
        MiPlanStorageFile(&Plan, i, &File);
        Seen[File.Change] |= 1u << i % 3;
    }
    for (i = 0; i <= MiStorageKeep; i++) {
        CHECK_EQUAL(7, Seen[i]);
    }
}

TEST(StoragePlan_has_no_folder_behind_the_last_and_parents_come_first)
{
    CHECK_TEXT("\\storage", MiStorageFolder(0));
    CHECK_TEXT("\\storage\\deep", MiStorageFolder(3));
    CHECK_TEXT("\\storage\\deep\\er", MiStorageFolder(4));
    CHECK(MiStorageFolder(5) == NULL);
}
