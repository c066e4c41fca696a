/* SPDX-License-Identifier: MIT */
/*
 * test_partition.c - which table a disk has, GPT and MBR, what is damaged, and the boot partition.
 */
#include "disk/volume/partition.h"
#include "tests/host/disk.h"
#include "tests/unit/mm_world.h"
#include "tests/unit/seed_partition.h"

#include <string.h>

static HOST_DISK Disk;
static SEED_DISK Seed;
static DISK_PARTITION_TABLE Table;

static void Start(ULONG SectorBytes)
{
    MmWorldStart(2048);
    HostDiskCreate(&Disk, SectorBytes, SEED_DISK_SECTORS, 0);
    Seed = (SEED_DISK){Disk.Image, SectorBytes};
}

static void Finish(void)
{
    CHECK_EQUAL(0, Disk.Logged); /* nothing is ever repaired */
    HostDiskDelete(&Disk);
    MmWorldFinish();
}

static PUCHAR Sector(ULONG Number)
{
    return Disk.Image + (SIZE_T)Number * Seed.SectorBytes;
}

static NTSTATUS Read(void)
{
    memset(&Table, 0xCC, sizeof(Table));
    return DiskReadPartitionTable(&Disk.Device, &Table);
}

static void CheckEntry(ULONG Index, ULONG Number, ULONG64 Start, ULONG64 Sectors)
{
    CHECK_EQUAL(Number, Table.Entries[Index].Number);
    CHECK_EQUAL(Start, Table.Entries[Index].Start);
    CHECK_EQUAL(Sectors, Table.Entries[Index].Sectors);
}

static void CheckGpt(BOOLEAN PrimaryDamaged, BOOLEAN BackupDamaged, BOOLEAN Differ)
{
    CHECK_EQUAL(STATUS_SUCCESS, Read());
    CHECK_EQUAL(LoaderPartitionGpt, Table.Style);
    CHECK_EQUAL(PrimaryDamaged, Table.PrimaryDamaged);
    CHECK_EQUAL(BackupDamaged, Table.BackupDamaged);
    CHECK_EQUAL(Differ, Table.HeadersDiffer);
    CHECK_EQUAL(2, Table.Count);
    CheckEntry(0, 1, 100, 100);
    CheckEntry(1, 3, 512, 512);
    CHECK_EQUAL(0x33, Table.Entries[1].Guid[15]);
}

TEST(A_gpt_is_read_on_disks_of_512_and_of_4096_bytes_a_sector)
{
    Start(512);
    SeedGpt(Seed);
    CheckGpt(FALSE, FALSE, FALSE);
    Finish();
    Start(4096);
    SeedGpt(Seed);
    CheckGpt(FALSE, FALSE, FALSE);
    Finish();
}

TEST(A_gpt_with_any_byte_of_its_primary_header_damaged_is_read_from_the_backup)
{
    ULONG Byte;

    Start(512);
    SeedGpt(Seed);
    for (Byte = 0; Byte < 92; Byte++) {
        Sector(1)[Byte] ^= 0x10;
        CheckGpt(TRUE, FALSE, FALSE);
        Sector(1)[Byte] ^= 0x10;
    }
    Finish();
}

TEST(A_gpt_with_a_damaged_array_is_read_from_the_backup)
{
    Start(512);
    SeedGpt(Seed);
    Sector(SEED_GPT_ARRAY)[32] ^= 1;
    CheckGpt(TRUE, FALSE, FALSE);
    Finish();
}

TEST(A_gpt_whose_primary_cannot_be_read_is_read_from_the_backup)
{
    ULONG Failing;

    Start(512);
    SeedGpt(Seed);
    /* the MBR, the backup header and its 4 array sectors come first */
    for (Failing = 7; Failing <= 11; Failing++) {
        Disk.FailAt[DiskRead] = Failing;
        CheckGpt(TRUE, FALSE, FALSE);
    }
    Finish();
}

TEST(A_gpt_with_a_damaged_backup_says_so)
{
    Start(512);
    SeedGpt(Seed);
    Sector(SEED_GPT_BACKUP)[16] ^= 1;
    CheckGpt(FALSE, TRUE, FALSE);
    Finish();
}

TEST(A_gpt_whose_headers_differ_is_the_primary_and_says_so)
{
    Start(512);
    SeedGpt(Seed);
    Sector(SEED_GPT_BACKUP_ARRAY)[40] ^= 1;
    SeedSealGpt(Seed, SEED_GPT_BACKUP);
    CheckGpt(FALSE, FALSE, TRUE);
    Finish();
}

TEST(A_gpt_with_both_headers_damaged_is_refused)
{
    Start(512);
    SeedGpt(Seed);
    Sector(1)[0] ^= 1;
    Sector(SEED_GPT_BACKUP)[0] ^= 1;
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, Read());
    Finish();
}

/* Change a field of both headers, or of both arrays' first entry, and seal them. */
static NTSTATUS ReadWith(BOOLEAN InArray, ULONG Offset, ULONG64 Value)
{
    memset(Disk.Image, 0, (SIZE_T)SEED_DISK_SECTORS * Seed.SectorBytes);
    SeedGpt(Seed);
    SeedPut64(Sector(InArray ? SEED_GPT_ARRAY : 1) + Offset, Value);
    SeedPut64(Sector(InArray ? SEED_GPT_BACKUP_ARRAY : SEED_GPT_BACKUP) + Offset, Value);
    SeedSealGpt(Seed, 1);
    SeedSealGpt(Seed, SEED_GPT_BACKUP);
    return Read();
}

TEST(A_gpt_with_good_checksums_and_bad_fields_is_refused)
{
    static const struct {
        BOOLEAN InArray;
        ULONG Offset;
        ULONG64 Value;
    } Bad[] = {
        {FALSE, 8, 0x5C00020000},          /* revision 2 */
        {FALSE, 24, 7},                    /* another place */
        {FALSE, 40, 1},                    /* usable over the header */
        {FALSE, 40, (ULONG64)-1},          /* first behind last */
        {FALSE, 48, SEED_DISK_SECTORS},    /* usable beyond the disk */
        {FALSE, 48, (ULONG64)-1},          /* and far beyond */
        {FALSE, 72, 0},                    /* array over the MBR */
        {FALSE, 72, (ULONG64)-2},          /* array nowhere */
        {FALSE, 80, 0x80FFFFFFFFull},      /* 4 G entries */
        {FALSE, 80, 0},                    /* no entries of no bytes */
        {FALSE, 80, 0x1000000080ull},      /* entries of 16 bytes */
        {TRUE, 32, 33},                    /* begins before the first usable sector */
        {TRUE, 32, 200},                   /* begins behind its end */
        {TRUE, 40, SEED_GPT_BACKUP_ARRAY}, /* ends behind the last usable sector */
        {TRUE, 40, (ULONG64)-1},
        {TRUE, 40, 512}, /* overlaps number 3 */
    };
    ULONG Index;

    Start(512);
    CHECK_EQUAL(STATUS_SUCCESS, ReadWith(TRUE, 40, 511));
    for (Index = 0; Index < RTL_NUMBER_OF(Bad); Index++) {
        CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR,
                    ReadWith(Bad[Index].InArray, Bad[Index].Offset, Bad[Index].Value));
    }
    Finish();
}

/* ---- MBR ---- */

TEST(An_mbr_is_read_with_its_logical_partitions)
{
    Start(512);
    SeedMbr(Seed);
    CHECK_EQUAL(STATUS_SUCCESS, Read());
    CHECK_EQUAL(LoaderPartitionMbr, Table.Style);
    CHECK_EQUAL(3, Table.Count);
    CheckEntry(0, 1, 100, 100);
    CheckEntry(1, 5, 301, 99);
    CheckEntry(2, 6, 411, 89);
    CHECK_EQUAL(0x4D, Table.Entries[2].Guid[0]);
    CHECK_EQUAL(0x0C, Table.Entries[0].MbrType);
    Finish();
}

static NTSTATUS ReadMbrWith(ULONG In, ULONG Offset, ULONG Value)
{
    memset(Disk.Image, 0, (SIZE_T)SEED_DISK_SECTORS * Seed.SectorBytes);
    SeedMbr(Seed);
    SeedPut32(Sector(In) + Offset, Value);
    return Read();
}

TEST(An_mbr_that_cannot_be_is_refused)
{
    Start(512);
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, ReadMbrWith(0, 446 + 8, 0));           /* over the MBR */
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, ReadMbrWith(0, 446 + 12, 0));          /* empty */
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, ReadMbrWith(0, 446 + 12, 0xFFFFFFFF)); /* too long */
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, ReadMbrWith(0, 446 + 12, 250));        /* overlaps 5 */
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, ReadMbrWith(0, 494 + 12, 0xFFFFFFFF));
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, ReadMbrWith(300, 462 + 8, 0));    /* a link to itself */
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, ReadMbrWith(300, 462 + 8, 300));  /* out of its parent */
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, ReadMbrWith(410, 508, 0));        /* no mark */
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, ReadMbrWith(410, 446 + 12, 190)); /* past its parent */
    Finish();
}

TEST(A_failed_read_of_the_first_sector_or_of_a_link_is_reported)
{
    ULONG Failing;

    Start(512);
    SeedMbr(Seed);
    for (Failing = 1; Failing <= 3; Failing++) {
        Disk.FailAt[DiskRead] = Failing;
        CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, Read());
    }
    Finish();
}

TEST(A_disk_without_a_table_is_one_volume)
{
    Start(512);
    CHECK_EQUAL(STATUS_SUCCESS, Read());
    CHECK_EQUAL(LoaderPartitionNone, Table.Style);
    SeedMbr(Seed);
    Disk.Image[446] = 0x12; /* a status that no MBR has */
    CHECK_EQUAL(STATUS_SUCCESS, Read());
    CHECK_EQUAL(LoaderPartitionNone, Table.Style);
    CHECK_EQUAL(0, Table.Count);
    Finish();
}

TEST(A_fat_boot_sector_is_no_partition_table)
{
    static const UCHAR Parameters[22] = {0xEB, 0x58, 0x90, 'M', 'S', 'W', 'I', 'N', '4', '.', '1',
                                         0,    2,    8,    32,  0,   2,   0,   0,   0,   0,   0xF8};

    Start(512);
    SeedMbr(Seed);
    memcpy(Disk.Image, Parameters, sizeof(Parameters));
    CHECK_EQUAL(STATUS_SUCCESS, Read());
    CHECK_EQUAL(LoaderPartitionNone, Table.Style);
    Finish();
}

/* ---- the boot partition ---- */

static BOOLEAN Find(const LOADER_BOOT_PARTITION *Boot)
{
    ULONG64 Start = 0;
    ULONG64 Sectors = 0;
    ULONG Number = 99;

    if (!DiskFindBootPartition(&Disk.Device, &Table, Boot, &Start, &Sectors, &Number)) {
        return FALSE;
    }
    CHECK_EQUAL(Boot->StartBlock, Start);
    CHECK_EQUAL(Boot->BlockCount, Sectors);
    CHECK_EQUAL(Boot->Number, Number);
    return TRUE;
}

TEST(The_boot_partition_is_found_by_guid_and_range_only)
{
    LOADER_BOOT_PARTITION Boot = {.StartBlock = 512,
                                  .BlockCount = 512,
                                  .BlockBytes = 512,
                                  .Style = LoaderPartitionGpt,
                                  .Number = 3};

    Start(512);
    SeedGpt(Seed);
    CHECK_EQUAL(STATUS_SUCCESS, Read());
    memset(Boot.Guid, 0x33, 16);
    CHECK(Find(&Boot));
    Boot.Guid[9] = 0;
    CHECK(!Find(&Boot));
    Boot.Guid[9] = 0x33;
    Boot.BlockCount = 511;
    CHECK(!Find(&Boot));
    Boot.BlockCount = 512;
    Boot.BlockBytes = 4096;
    CHECK(!Find(&Boot));
    Finish();
}

TEST(The_boot_partition_of_an_mbr_is_found_by_signature_and_range)
{
    LOADER_BOOT_PARTITION Boot = {.StartBlock = 100,
                                  .BlockCount = 100,
                                  .BlockBytes = 512,
                                  .Style = LoaderPartitionMbr,
                                  .Number = 1};

    Start(512);
    SeedMbr(Seed);
    CHECK_EQUAL(STATUS_SUCCESS, Read());
    SeedPut32(Boot.Guid, 0x1A2B3C4D);
    CHECK(Find(&Boot));
    Boot.Guid[3]++;
    CHECK(!Find(&Boot));
    Finish();
}

TEST(An_unpartitioned_boot_disk_is_found_by_its_size)
{
    LOADER_BOOT_PARTITION Boot = {.BlockCount = SEED_DISK_SECTORS, .BlockBytes = 512};

    Start(512);
    CHECK_EQUAL(STATUS_SUCCESS, Read());
    CHECK(Find(&Boot));
    Boot.BlockCount--;
    CHECK(!Find(&Boot));
    Finish();
}
