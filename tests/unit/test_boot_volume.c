/* SPDX-License-Identifier: MIT */
/*
 * test_boot_volume.c - the boot volume is found by what the loader says of it, or not at all.
 */
#include "tests/unit/volume_bench.h"

#include "ex.h"
#include "mm/pool/pool_inject.h"
#include "nt/bugcodes.h"

#include <string.h>

/* A disk with the volume that BenchBoot describes. */
static SEED_DISK AddBootDisk(void)
{
    SEED_DISK Disk = VolumeBenchAddDisk();

    SeedGpt(Disk);
    VolumeBenchPutSerial(Disk, 512, VOLUME_BENCH_SERIAL);
    return Disk;
}

static void CheckFound(const char *Name, ULONG64 Sectors)
{
    DiskFindBootVolume(&BenchBoot);
    CHECK(DiskBootVolume() != NULL);
    CHECK_TEXT(Name, DiskBootVolume()->Name);
    CHECK_EQUAL(Sectors, DiskBootVolume()->Sectors);
    CHECK(DiskBootVolumeReason() == NULL);
    VolumeBenchFinish();
}

static void CheckMissing(const char *Reason)
{
    DiskFindBootVolume(&BenchBoot);
    CHECK(DiskBootVolume() == NULL);
    CHECK_TEXT(Reason, DiskBootVolumeReason());
    CHECK(VolumeBenchSaid("Volumes    boot volume not found: "));
    CHECK(VolumeBenchSaid(Reason));
    VolumeBenchFinish();
}

TEST(The_boot_volume_is_found_among_other_disks_by_guid_range_and_serial)
{
    VolumeBenchStart();
    SeedMbr(VolumeBenchAddDisk());
    AddBootDisk();
    VolumeBenchAddDisk();
    CheckFound("partition 3 of simulated1", 512);
}

TEST(A_partition_with_another_guid_is_not_the_boot_volume)
{
    VolumeBenchStart();
    AddBootDisk();
    BenchBoot.Guid[15] ^= 1;
    CheckMissing("it is on none of the disks whose controllers have a driver");
}

TEST(A_partition_at_another_place_is_not_the_boot_volume)
{
    VolumeBenchStart();
    AddBootDisk();
    BenchBoot.BlockCount--;
    CheckMissing("it is on none of the disks whose controllers have a driver");
}

TEST(A_volume_with_another_serial_number_is_not_the_boot_volume)
{
    VolumeBenchStart();
    VolumeBenchPutSerial(AddBootDisk(), 512, 0x11223344);
    CheckMissing(
        "at its place on simulated0 is a volume with the serial number 11223344, not 48590002");
}

TEST(A_serial_number_that_the_loader_could_not_read_is_not_compared)
{
    VolumeBenchStart();
    VolumeBenchPutSerial(AddBootDisk(), 512, 0x11223344);
    BenchBoot.VolumeSerial = 0;
    CheckFound("partition 3 of simulated0", 512);
}

TEST(The_serial_number_of_FAT16_stands_at_its_own_place)
{
    PUCHAR Sector;

    VolumeBenchStart();
    Sector = AddBootDisk().Image + 512 * 512;
    memset(Sector, 0, 512);
    Sector[22] = 17; /* sectors of a FAT */
    SeedPut32(Sector + 39, VOLUME_BENCH_SERIAL);
    CheckFound("partition 3 of simulated0", 512);
}

TEST(Two_copies_of_the_boot_disk_are_not_told_apart)
{
    VolumeBenchStart();
    AddBootDisk();
    SeedMbr(VolumeBenchAddDisk());
    AddBootDisk();
    CheckMissing("it is there 2 times, on simulated0 and on simulated2: copies cannot be told "
                 "apart");
}

TEST(A_copy_with_another_serial_number_does_not_stand_in_the_way)
{
    VolumeBenchStart();
    AddBootDisk();
    VolumeBenchPutSerial(AddBootDisk(), 512, 0x11223344);
    CheckFound("partition 3 of simulated0", 512);
}

TEST(The_boot_partition_of_an_mbr_disk_is_found_by_its_signature)
{
    VolumeBenchStart();
    BenchBoot.Style = LoaderPartitionMbr;
    memcpy(BenchBoot.Guid, "\x4D\x3C\x2B\x1A", 4);
    BenchBoot.StartBlock = 301;
    BenchBoot.BlockCount = 99;
    SeedMbr(VolumeBenchAddDisk());
    VolumeBenchPutSerial((SEED_DISK){BenchDisks[0].Image, 512}, 301, VOLUME_BENCH_SERIAL);
    CheckFound("partition 5 of simulated0", 99);
}

TEST(A_disk_that_is_one_volume_is_the_boot_volume_when_its_size_is_right)
{
    VolumeBenchStart();
    BenchBoot = (LOADER_BOOT_PARTITION){
        .BlockCount = SEED_DISK_SECTORS,
        .BlockBytes = 512,
        .Style = LoaderPartitionNone,
        .VolumeSerial = VOLUME_BENCH_SERIAL,
    };
    VolumeBenchAddDisk(); /* empty */
    VolumeBenchPutSerial(VolumeBenchAddDisk(), 0, VOLUME_BENCH_SERIAL);
    memcpy(BenchDisks[1].Image, "\xEB\x58\x90", 3);
    BenchDisks[1].Image[12] = 2; /* 512 bytes a sector, 1 sector a cluster, 8 reserved, 2 FATs */
    BenchDisks[1].Image[13] = 1;
    BenchDisks[1].Image[14] = 8;
    BenchDisks[1].Image[16] = 2;
    BenchDisks[1].Image[21] = 0xF8;
    CheckFound("simulated1", SEED_DISK_SECTORS);
}

TEST(Without_a_disk_there_is_no_boot_volume)
{
    VolumeBenchStart();
    CheckMissing("no controller with a driver has a disk");
}

TEST(A_boot_volume_whose_first_sector_cannot_be_read_is_not_used)
{
    ULONG Read;

    VolumeBenchStart();
    AddBootDisk();
    /* the MBR, two headers with four sectors of entries each, then the volume's first sector */
    BenchDisks[0].FailAt[DiskRead] = 1 + 2 * (1 + 4) + 1;
    CheckMissing("its first sector, 512 of simulated0, cannot be read: status c0000185");
    for (Read = 1; Read <= 1 + 2 * (1 + 4); Read++) { /* one damaged header has a backup */
        VolumeBenchStart();
        AddBootDisk();
        BenchDisks[0].FailAt[DiskRead] = Read;
        DiskFindBootVolume(&BenchBoot);
        CHECK((DiskBootVolume() == NULL) == (Read == 1));
        VolumeBenchFinish();
    }
}

TEST(Requests_to_the_boot_volume_reach_its_part_of_the_disk)
{
    PUCHAR Buffer;

    VolumeBenchStart();
    AddBootDisk();
    BenchDisks[0].Image[(512 + 7) * 512] = 0x77;
    DiskFindBootVolume(&BenchBoot);
    Buffer = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, 0x74736554u);
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(DiskBootVolume(), DiskRead, 7, 1, Buffer));
    CHECK_EQUAL(0x77, Buffer[0]);
    ExFreePoolWithTag(Buffer, 0x74736554u);
    VolumeBenchFinish();
}

TEST(Without_memory_for_one_disk_no_boot_volume_is_chosen)
{
    ULONG Nth = 0;
    ULONG Missing = 0;
    BOOLEAN Happened;

    do {
        VolumeBenchStart();
        AddBootDisk();
        VolumeBenchAddDisk();
        MiFailPoolAllocation(++Nth);
        DiskFindBootVolume(&BenchBoot);
        Happened = MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        if (DiskBootVolume() == NULL) {
            CHECK(Happened);
            CHECK_TEXT("there is no memory to look for it", DiskBootVolumeReason());
            Missing++;
        }
        VolumeBenchFinish();
    } while (Happened);  /* a failure that a pool makes up for is none */
    CHECK(Missing >= 6); /* a sector, a table; for each disk scratch memory and its contents */
}

static void WriteBootVolume(PVOID Buffer)
{
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(DiskBootVolume(), DiskWrite, 0, 1, Buffer));
}

TEST(No_sector_of_any_disk_is_written_without_permission)
{
    HOST_BUGCHECK Stop;
    PVOID Buffer;

    VolumeBenchStart();
    VolumeBenchAddDisk();
    AddBootDisk();
    DiskFindBootVolume(&BenchBoot);
    CHECK(BenchDisks[0].Device.Writes != NULL && BenchDisks[1].Device.Writes != NULL);
    Buffer = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, 0x74736554u);
    CHECK(HostCatchBugCheck(WriteBootVolume, Buffer, &Stop));
    CHECK_EQUAL(FAT_FILE_SYSTEM, Stop.Code);
    CHECK_EQUAL(512, Stop.Parameter[1]);
    ExFreePoolWithTag(Buffer, 0x74736554u);
    VolumeBenchFinish();
}

TEST(A_disk_that_comes_later_is_not_written)
{
    PVOID Buffer;

    VolumeBenchStart();
    AddBootDisk();
    DiskFindBootVolume(&BenchBoot);
    VolumeBenchAddDisk();
    Buffer = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, 0x74736554u);
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED,
                DiskTransfer(&BenchDisks[1].Device, DiskWrite, 0, 1, Buffer));
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(&BenchDisks[1].Device, DiskRead, 0, 1, Buffer));
    CHECK_EQUAL(0, BenchDisks[1].Written);
    ExFreePoolWithTag(Buffer, 0x74736554u);
    VolumeBenchFinish();
}

/* Each allocation of what comes before and of the lists fails once. */
TEST(A_disk_without_memory_for_its_list_is_not_written)
{
    ULONG Refused = 0;
    ULONG Nth = 0;
    BOOLEAN Happened;

    do {
        PDISK_DEVICE Disk;
        PVOID Buffer;

        VolumeBenchStart();
        AddBootDisk();
        VolumeBenchAddDisk();
        MiFailPoolAllocation(++Nth);
        DiskFindBootVolume(&BenchBoot);
        Happened = MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        Disk = &BenchDisks[1].Device;
        Buffer = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, 0x74736554u);
        if (Disk->Writes == NULL) {
            CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, DiskTransfer(Disk, DiskWrite, 0, 1, Buffer));
            CHECK_EQUAL(0, BenchDisks[1].Written);
            Refused++;
        }
        ExFreePoolWithTag(Buffer, 0x74736554u);
        VolumeBenchFinish();
    } while (Happened);
    CHECK(Refused != 0);
}
