/* SPDX-License-Identifier: MIT */
/*
 * test_disk_contents.c - what is said of each disk: its table, its partitions, its damage.
 */
#include "disk/volume/disk_contents.h"
#include "tests/unit/volume_bench.h"

#include <string.h>

static void Describe(void)
{
    DiskFindBootVolume(&BenchBoot);
}

TEST(Each_partition_is_named_with_place_size_and_type)
{
    VolumeBenchStart();
    SeedGpt(VolumeBenchAddDisk());
    SeedMbr(VolumeBenchAddDisk());
    VolumeBenchAddDisk();
    Describe();
    CHECK(VolumeBenchSaid(
        "Volumes    simulated0: GPT, 2 partitions\n"
        "             1  sector 100, 100 sectors (0 MB), type EBEBEBEB-EBEB-EBEB-...\n"
        "             3  sector 512, 512 sectors (0 MB), type EBEBEBEB-EBEB-EBEB-...\n"
        "Volumes    simulated1: MBR, 3 partitions\n"
        "             1  sector 100, 100 sectors (0 MB), type 0C, FAT32\n"
        "             5  sector 301, 99 sectors (0 MB), type 06, FAT16\n"
        "             6  sector 411, 89 sectors (0 MB), type 06, FAT16\n"
        "Volumes    simulated2: no partition table, 0 partitions\n"));
    VolumeBenchFinish();
}

TEST(The_boot_volume_is_marked)
{
    SEED_DISK Disk;

    VolumeBenchStart();
    Disk = VolumeBenchAddDisk();
    SeedGpt(Disk);
    VolumeBenchPutSerial(Disk, 512, VOLUME_BENCH_SERIAL);
    Describe();
    CHECK(VolumeBenchSaid("3  sector 512, 512 sectors (0 MB), "
                          "type EBEBEBEB-EBEB-EBEB-...: the boot volume\n"));
    CHECK(!VolumeBenchSaid("2 partitions: the boot volume"));
    VolumeBenchFinish();
}

TEST(Damage_of_a_gpt_is_said_and_not_repaired)
{
    static const struct {
        ULONG Sector; /* that is damaged */
        const char *Sentence;
    } Cases[] = {
        {1, "           the primary GPT is damaged; its backup is used, not repaired\n"},
        {SEED_GPT_BACKUP, "           the backup GPT is damaged; it is not repaired\n"},
    };
    ULONG i;

    for (i = 0; i < 2; i++) {
        SEED_DISK Disk;

        VolumeBenchStart();
        Disk = VolumeBenchAddDisk();
        SeedGpt(Disk);
        Disk.Image[Cases[i].Sector * 512] ^= 1;
        Describe();
        CHECK(VolumeBenchSaid(Cases[i].Sentence));
        CHECK(VolumeBenchSaid("simulated0: GPT, 2 partitions"));
        VolumeBenchFinish(); /* nothing was written */
    }
}

TEST(Two_good_gpts_that_differ_are_said)
{
    SEED_DISK Disk;

    VolumeBenchStart();
    Disk = VolumeBenchAddDisk();
    SeedGpt(Disk);
    Disk.Image[SEED_GPT_BACKUP * 512 + 56] ^= 1; /* another disk GUID */
    SeedSealGpt(Disk, SEED_GPT_BACKUP);
    Describe();
    CHECK(VolumeBenchSaid("the two GPTs differ; the primary one is used, none is repaired"));
    VolumeBenchFinish();
}

TEST(A_table_that_cannot_be_believed_or_read_is_said)
{
    SEED_DISK Disk;

    VolumeBenchStart();
    Disk = VolumeBenchAddDisk();
    SeedGpt(Disk);
    Disk.Image[1 * 512] ^= 1;
    Disk.Image[SEED_GPT_BACKUP * 512] ^= 1;
    VolumeBenchAddDisk();
    BenchDisks[1].FailFrom = 1;
    Describe();
    CHECK(VolumeBenchSaid("simulated0: its partition table is damaged, status c0000032\n"));
    CHECK(VolumeBenchSaid("simulated1: its partition table cannot be read, status c0000185\n"));
    VolumeBenchFinish();
}

static void CheckType(const char *Expected, LOADER_PARTITION_STYLE Style, const char *Guid,
                      UCHAR MbrType)
{
    DISK_PARTITION_ENTRY Entry = {.MbrType = MbrType};
    char Text[DISK_TYPE_BYTES];

    memcpy(Entry.TypeGuid, Guid, 16);
    DiskFormatType(Style, &Entry, Text);
    CHECK_TEXT(Expected, Text);
}

TEST(Types_are_words_where_they_are_known)
{
    CheckType("EFI system", LoaderPartitionGpt,
              "\x28\x73\x2A\xC1\x1F\xF8\xD2\x11\xBA\x4B\x00\xA0\xC9\x3E\xC9\x3B", 0);
    CheckType("basic data", LoaderPartitionGpt,
              "\xA2\xA0\xD0\xEB\xE5\xB9\x33\x44\x87\xC0\x68\xB6\xB7\x26\x99\xC7", 0);
    CheckType("type C12A7328-F81F-11D2-...", LoaderPartitionGpt,
              "\x28\x73\x2A\xC1\x1F\xF8\xD2\x11\xBA\x4B\x00\xA0\xC9\x3E\xC9\x3C", 0);
    CheckType("type EF, EFI system", LoaderPartitionMbr, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 0xEF);
    CheckType("type 99", LoaderPartitionMbr, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 0x99);
}
