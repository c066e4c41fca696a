/* SPDX-License-Identifier: MIT */
/*
 * test_permit.c - what the volume's disk lets us write, and bugs that do not get past it.
 */
#include "disk/volume/partition.h"
#include "nt/bugcodes.h"
#include "tests/unit/fat_world.h"

#include <string.h>

/* ---- what may be written now ---- */

static void VerifySector(PVOID Context)
{
    DiskVerifyWrite(&FatDisk.Device, *(ULONG64 *)Context, 1);
}

static BOOLEAN MayWrite(ULONG64 Sector)
{
    HOST_BUGCHECK BugCheck;

    return !HostCatchBugCheck(VerifySector, &Sector, &BugCheck);
}

/* => How many of the volume's sectors may be written. */
static ULONG CountPermitted(void)
{
    ULONG64 Sector;
    ULONG Count = 0;

    for (Sector = 0; Sector < FatDisk.Device.Sectors; Sector++) {
        Count += MayWrite(Sector);
    }
    return Count;
}

static ULONG64 SectorOf(PFAT_FILE File, ULONG Index)
{
    ULONG Cluster;

    CHECK_EQUAL(STATUS_SUCCESS, FatFindCluster(File, Index, &Cluster));
    return FatClusterSector(FatVolume, Cluster);
}

static void Open(const char *Path, PFAT_FILE File)
{
    CHECK_EQUAL(STATUS_SUCCESS, FatOpen(FatVolume, Path, File));
}

TEST(Permit_nothing_may_be_written_between_calls_but_open_files)
{
    FAT_FILE File;
    FAT_FILE Other;

    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(0, CountPermitted());
    FatWorldPut("/A", 2000, 1); /* four clusters of a sector */
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR"));
    FatWorldPut("/DIR/a long name that takes several entries", 600, 2);
    CHECK_EQUAL(STATUS_SUCCESS, FatRename(FatVolume, "/A", "/DIR/moved to another place"));
    CHECK_EQUAL(0, CountPermitted());
    Open("/DIR/moved to another place", &File);
    CHECK_EQUAL(0, CountPermitted()); /* it was only opened */
    CHECK_EQUAL(STATUS_SUCCESS, FatPermitFile(&File));
    CHECK_EQUAL(4, CountPermitted());
    CHECK_EQUAL(STATUS_SUCCESS, FatSetSize(&File, 5000));
    CHECK_EQUAL(10, CountPermitted());
    CHECK_EQUAL(STATUS_SUCCESS, FatSetSize(&File, 600));
    CHECK_EQUAL(2, CountPermitted());
    CHECK_EQUAL(STATUS_SUCCESS, FatCreate(FatVolume, "/B", 0, &Other));
    CHECK_EQUAL(STATUS_SUCCESS, FatWrite(&Other, 0, 512, FatBuffer));
    CHECK_EQUAL(3, CountPermitted());
    FatClose(&File);
    CHECK_EQUAL(1, CountPermitted());
    FatClose(&Other);
    CHECK_EQUAL(STATUS_SUCCESS, FatFlush(FatVolume));
    CHECK_EQUAL(0, CountPermitted());
    FatWorldFinish();
}

TEST(Permit_runs_of_a_file_may_be_written_past_the_file_system_until_it_is_closed)
{
    FAT_FILE File;
    FAT_RUN Run;
    ULONG Count;

    FatWorldStart(&FatWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreate(FatVolume, "/PAGEFILE.SYS", 0, &File));
    CHECK_EQUAL(STATUS_SUCCESS, FatReserve(&File, 65536));
    CHECK_EQUAL(STATUS_SUCCESS, FatResolveRuns(&File, &Run, 1, &Count));
    CHECK_EQUAL(128, Run.Sectors);
    CHECK_EQUAL(STATUS_SUCCESS,
                DiskTransfer(&FatDisk.Device, DiskWrite, Run.Sector, 128, FatBuffer));
    CHECK(!MayWrite(Run.Sector - 1) && !MayWrite(Run.Sector + 128));
    FatClose(&File);
    CHECK(!MayWrite(Run.Sector) && !MayWrite(Run.Sector + 127));
    FatWorldFinish();
}

TEST(Permit_cluster_is_one_open_files)
{
    FAT_FILE File;
    FAT_FILE Twice;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A", 2000, 1);
    Open("/A", &File);
    Open("/A", &Twice);
    CHECK_EQUAL(STATUS_SUCCESS, FatPermitFile(&File));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, FatWrite(&Twice, 0, 10, FatBuffer));
    FatClose(&File);
    CHECK_EQUAL(STATUS_SUCCESS, FatWrite(&Twice, 0, 10, FatBuffer));
    FatClose(&Twice);
    FatWorldFinish();
}

TEST(Permit_no_file_is_written_whose_clusters_a_closed_one_may_share)
{
    FAT_FILE File;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/USER", 1024, 1); /* clusters 2, 3 */
    FatWorldPut("/PAGEFILE.SYS", 1024, 2);
    FatWorldBreakEntry(4, 3);
    FatWorldRemount();
    Open("/PAGEFILE.SYS", &File);
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, FatPermitFile(&File));
    CHECK_EQUAL(0, CountPermitted());
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, FatWrite(&File, 0, 1024, FatBuffer));
    FatClose(&File);
    FatWorldPut("/NEW", 2000, 3); /* gets clusters that nobody has */
    CHECK(FatWorldHolds("/NEW", 2000, 3));
    CHECK(FatWorldHolds("/USER", 1024, 1));
    FatWorldFinish();
}

TEST(Permit_fragmented_file_shrinks_from_its_end_and_is_closed_whole)
{
    FAT_FILE A;
    FAT_FILE B;
    ULONG Index;

    FatWorldStart(&FatWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreate(FatVolume, "/A", 0, &A));
    CHECK_EQUAL(STATUS_SUCCESS, FatCreate(FatVolume, "/B", 0, &B));
    for (Index = 0; Index < 20; Index++) { /* clusters by turns */
        CHECK_EQUAL(STATUS_SUCCESS, FatWrite(&A, Index * 512, 512, FatBuffer));
        CHECK_EQUAL(STATUS_SUCCESS, FatWrite(&B, Index * 512, 512, FatBuffer));
    }
    CHECK_EQUAL(40, CountPermitted());
    for (Index = 20; Index-- != 3;) {
        CHECK_EQUAL(STATUS_SUCCESS, FatSetSize(&A, Index * 512));
        CHECK_EQUAL(20 + Index, CountPermitted());
    }
    FatClose(&B);
    CHECK_EQUAL(3, CountPermitted());
    CHECK_EQUAL(STATUS_SUCCESS, FatSetSize(&A, 50 * 512)); /* takes the gaps */
    CHECK_EQUAL(50, CountPermitted());
    CHECK_EQUAL(STATUS_SUCCESS, FatSetSize(&A, 0));
    CHECK_EQUAL(0, CountPermitted());
    FatClose(&A);
    FatWorldFinish();
}

TEST(Permit_closed_file_may_not_be_written_even_if_a_change_of_it_failed)
{
    FAT_FILE File;
    ULONG Done;

    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/A", 1500, 1);
    Open("/A", &File);
    FatDisk.FailAt[DiskWrite] = 2;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, FatSetSize(&File, 5000));
    FatDisk.FailAt[DiskWrite] = 0;
    CHECK_EQUAL(STATUS_SUCCESS, FatRead(&File, 0, 512, FatBuffer, &Done)); /* what it is now */
    FatClose(&File);
    CHECK_EQUAL(0, CountPermitted());
    FatWorldFinish();
}

TEST(Permit_failed_growth_leaves_the_old_clusters_to_the_file)
{
    FAT_FILE File;
    ULONG Failing;
    NTSTATUS Status = STATUS_IO_DEVICE_ERROR;

    for (Failing = 1; Status == STATUS_IO_DEVICE_ERROR; Failing++) {
        FatWorldStart(&FatWorldFat12, 0);
        FatWorldPut("/A", 1000, 1);
        Open("/A", &File);
        CHECK_EQUAL(STATUS_SUCCESS, FatPermitFile(&File));
        FatDisk.FailAt[DiskWrite] = Failing;
        Status = FatWrite(&File, 1000, 1000, FatBuffer);
        FatDisk.FailAt[DiskWrite] = 0;
        CHECK_EQUAL(NT_SUCCESS(Status) ? 4 : 2, CountPermitted());
        CHECK(MayWrite(FatVolume->DataSector) && MayWrite(FatVolume->DataSector + 1));
        FatClose(&File);
        CHECK_EQUAL(0, CountPermitted());
        FatWorldFinish();
    }
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    CHECK(Failing > 4);
}

/* ---- bugs, planted ---- */

static FAT_FILE Victim;
static FAT_FILE Writer;

static void Prepare(void)
{
    FatWorldStart(&FatWorldFat12, 0);
    FatWorldPut("/VICTIM", 2000, 1);
    FatWorldPut("/WRITER", 2000, 2);
    Open("/VICTIM", &Victim);
    Open("/WRITER", &Writer);
    CHECK_EQUAL(STATUS_SUCCESS, FatPermitFile(&Writer));
    CHECK_EQUAL(STATUS_SUCCESS, FatFlush(FatVolume));
}

/* => The disk was not changed by Bug, which the write list stopped at Sector. */
static void ExpectStop(KSTART *Bug, ULONG64 Sector)
{
    HOST_BUGCHECK BugCheck;
    ULONG Written = FatDisk.Logged;

    CHECK_EQUAL(TRUE, HostCatchBugCheck(Bug, NULL, &BugCheck));
    CHECK_EQUAL(FAT_FILE_SYSTEM, BugCheck.Code);
    CHECK_EQUAL((ULONG_PTR)&FatDisk.Device, BugCheck.Parameter[0]);
    CHECK_EQUAL(Sector, BugCheck.Parameter[1]);
    CHECK_EQUAL(Written, FatDisk.Logged);
    FatWorldFinish();
}

/* The cache takes a sector for changed that nobody changed: of the FAT, a directory, a file. */
static ULONG64 MarkedSector;

static void MarkOneMore(PVOID Context)
{
    PUCHAR Data;

    (void)Context;
    CHECK_EQUAL(STATUS_SUCCESS, FatReadSector(FatVolume, MarkedSector, &Data));
    FatMarkSector(FatVolume, MarkedSector);
    CHECK_EQUAL(STATUS_SUCCESS, FatWriteBack(FatVolume));
}

TEST(Permit_stops_a_cache_that_writes_what_nobody_changed)
{
    ULONG Case;

    for (Case = 0; Case < 4; Case++) {
        Prepare();
        MarkedSector = Case == 0   ? 0 /* the boot sector */
                       : Case == 1 ? FatVolume->ReservedSectors
                       : Case == 2 ? FatVolume->RootSector
                                   : SectorOf(&Victim, 1);
        ExpectStop(MarkOneMore, MarkedSector);
    }
}

/* The cache writes a block to where another one belongs. */
static void MixUpBlocks(PVOID Context)
{
    PUCHAR Data;

    (void)Context;
    CHECK_EQUAL(STATUS_SUCCESS, FatReadSector(FatVolume, SectorOf(&Writer, 0), &Data));
    FatMarkSector(FatVolume, SectorOf(&Writer, 0));
    FatVolume->Blocks[FatVolume->Recent].Sector += 8; /* another 4 KB of the disk */
    CHECK_EQUAL(STATUS_SUCCESS, FatWriteBack(FatVolume));
}

TEST(Permit_stops_a_cache_that_writes_to_the_wrong_place)
{
    ULONG64 Sector;

    Prepare();
    Sector = SectorOf(&Writer, 0) + 8;
    ExpectStop(MixUpBlocks, Sector);
}

/* The chain's memory is wrong: the file's second cluster is the victim's. */
static void WriteToForeignCluster(PVOID Context)
{
    (void)Context;
    Writer.KnownIndex = 1;
    CHECK_EQUAL(STATUS_SUCCESS, FatFindCluster(&Victim, 1, &Writer.KnownCluster));
    CHECK_EQUAL(STATUS_SUCCESS, FatWrite(&Writer, 512, 512, FatBuffer));
}

TEST(Permit_stops_a_write_to_another_files_cluster)
{
    ULONG64 Sector;

    Prepare();
    CHECK_EQUAL(STATUS_SUCCESS, FatPermitFile(&Writer));
    CHECK_EQUAL(STATUS_SUCCESS, FatWrite(&Writer, 0, 512, FatBuffer)); /* its own is no problem */
    Sector = SectorOf(&Victim, 1);
    ExpectStop(WriteToForeignCluster, Sector);
}

/* Somebody kept the runs of a file that was cut. */
static ULONG64 OldSector;

static void WriteOldRun(PVOID Context)
{
    (void)Context;
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(&FatDisk.Device, DiskWrite, OldSector, 1, FatBuffer));
}

TEST(Permit_stops_a_write_to_a_cluster_that_was_freed)
{
    Prepare();
    OldSector = SectorOf(&Writer, 3);
    CHECK_EQUAL(STATUS_SUCCESS, FatSetSize(&Writer, 600));
    ExpectStop(WriteOldRun, OldSector);
}

/* A change of the FAT that the caller did not decide on: its neighbour in the next sector. */
static void ChangeOtherEntry(PVOID Context)
{
    (void)Context;
    CHECK_EQUAL(STATUS_SUCCESS, FatPermitEntries(FatVolume, 5, 1));
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, 299, FAT_FREE)); /* byte 448 */
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, 5, FAT_FREE));
    CHECK_EQUAL(STATUS_SUCCESS, FatSetEntry(FatVolume, 342, FAT_FREE)); /* byte 513 */
    CHECK_EQUAL(STATUS_SUCCESS, FatWriteBack(FatVolume));
}

TEST(Permit_stops_a_change_of_another_sector_of_the_fat)
{
    HOST_BUGCHECK BugCheck;

    FatWorldStart(&(SEED_FAT){512, 1, 400}, 0);
    CHECK_EQUAL(TRUE, HostCatchBugCheck(ChangeOtherEntry, NULL, &BugCheck));
    CHECK_EQUAL(FAT_FILE_SYSTEM, BugCheck.Code);
    CHECK_EQUAL(FatVolume->ReservedSectors + 1, BugCheck.Parameter[1]);
    FatWorldFinish();
}

TEST(Permit_file_whose_entry_was_moved_away_is_not_updated)
{
    Prepare();
    CHECK_EQUAL(STATUS_SUCCESS, FatRename(FatVolume, "/WRITER", "/a new and rather long name"));
    FatWorldPut("/X", 0, 0); /* takes the old entry's place */
    CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, FatWrite(&Writer, 2000, 10, FatBuffer));
    FatClose(&Writer);
    CHECK(FatWorldHolds("/a new and rather long name", 2000, 2));
    CHECK(FatWorldHolds("/X", 0, 0));
    FatWorldFinish();
}
