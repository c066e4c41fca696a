/* SPDX-License-Identifier: MIT */
/*
 * test_rename_record.c - renames that a power cut or an error interrupted, and records that
 * somebody made up.
 */
#include "tests/unit/fat_world.h"

#include <string.h>

#define OLD "/A file with a long name"
#define NEW "/DIR/another long name for it"

/* => The volume as a cut behind Sectors written sectors of the rename leaves it, mounted again. */
static void Interrupt(ULONG Sectors)
{
    FatWorldStart(&FatWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR"));
    FatWorldPut(OLD, 3000, 1);
    FatDisk.PowerLeft = Sectors;
    CHECK_EQUAL(STATUS_SUCCESS, FatRename(FatVolume, OLD, NEW));
    FatDisk.PowerLeft = HOST_DISK_ALWAYS;
    FatWorldRemount();
}

static BOOLEAN IsThere(const char *Path)
{
    FAT_FILE File;

    return NT_SUCCESS(FatOpen(FatVolume, Path, &File));
}

static BOOLEAN HasRecord(void)
{
    const UCHAR *Root = FatDisk.Image + FatVolume->RootSector * 512;
    ULONG Index;

    for (Index = 0; Index < 128; Index++) {
        if (memcmp(Root + Index * 32, "\xE5RENAME", 7) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

TEST(Fat_interrupted_rename_leaves_one_name_after_the_next_mount)
{
    ULONG Sectors;
    ULONG Old = 0;
    ULONG New = 0;

    for (Sectors = 0; Sectors < 12; Sectors++) {
        BOOLEAN Finished;

        Interrupt(Sectors);
        Finished = IsThere(NEW);
        CHECK(IsThere(OLD) == !Finished);
        CHECK(FatWorldHolds(Finished ? NEW : OLD, 3000, 1));
        CHECK(!HasRecord());
        Old += !Finished;
        New += Finished;
        CHECK(New == 0 || Finished); /* there is one moment */
        FatWorldFinish();
    }
    CHECK(Old >= 2 && New >= 4);
}

/* The first cut behind which the record stands on the disk and neither name does. */
static void InterruptBetween(void)
{
    ULONG Sectors;

    for (Sectors = 0;; Sectors++) {
        CHECK(Sectors < 12);
        FatWorldStart(&FatWorldFat16, 0);
        CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR"));
        FatWorldPut(OLD, 3000, 1);
        FatDisk.PowerLeft = Sectors;
        CHECK_EQUAL(STATUS_SUCCESS, FatRename(FatVolume, OLD, NEW));
        FatDisk.PowerLeft = HOST_DISK_ALWAYS;
        FatForgetSectors(FatVolume);
        if (!IsThere(OLD) && !IsThere(NEW)) {
            break;
        }
        FatWorldFinish();
    }
    CHECK(HasRecord());
}

TEST(Fat_interrupted_rename_waits_while_the_disk_is_read_only)
{
    InterruptBetween();
    FatDisk.Device.ReadOnly = TRUE;
    FatWorldRemount();
    CHECK(!IsThere(NEW));
    FatDisk.Device.ReadOnly = FALSE;
    FatWorldRemount();
    CHECK(FatWorldHolds(NEW, 3000, 1));
    FatWorldFinish();
}

TEST(Fat_interrupted_rename_is_finished_after_a_mount_that_failed)
{
    PFAT_VOLUME Volume;
    ULONG Nth;
    NTSTATUS Status = STATUS_IO_DEVICE_ERROR;

    InterruptBetween();
    for (Nth = 1; !NT_SUCCESS(Status); Nth++) {
        FatDisk.FailFrom = Nth;
        Status = FatMount(&FatDisk.Device, &Volume);
        FatDisk.FailFrom = 0;
        CHECK(NT_SUCCESS(Status) || Status == STATUS_IO_DEVICE_ERROR);
    }
    CHECK(Nth > 5);
    FatDismount(Volume);
    FatWorldRemount();
    CHECK(FatWorldHolds(NEW, 3000, 1));
    CHECK(!HasRecord());
    FatWorldFinish();
}

TEST(Fat_record_whose_clusters_were_freed_or_given_away_brings_nothing_back)
{
    InterruptBetween();
    FatWorldBreakEntry(3, FAT_FREE); /* somebody freed the lost chain */
    FatWorldRemount();
    CHECK(!IsThere(NEW) && !HasRecord());
    FatWorldFinish();

    InterruptBetween();
    FatPut16(FatDisk.Image + FatVolume->RootSector * 512 + 26, 3); /* or found it: /DIR's entry */
    FatWorldRemount();
    CHECK(!IsThere(NEW) && !HasRecord());
    FatWorldFinish();
}

TEST(Fat_record_that_does_not_fit_the_entry_changes_nothing)
{
    ULONG Sector;

    InterruptBetween();
    Sector = (ULONG)FatVolume->DataSector; /* of /DIR */
    for (ULONG Index = 0; Index < 16; Index++) {
        PUCHAR Data = FatDisk.Image + Sector * 512 + Index * 32;

        if (Data[0] == FAT_DELETED && FatGet16(Data + 26) == 3) {
            Data[28] ^= 1; /* another size */
        }
    }
    FatWorldRemount();
    CHECK(!IsThere(NEW) && !HasRecord());
    FatWorldFinish();
}

TEST(Fat_record_waits_where_two_files_share_a_cluster_and_no_other_is_made)
{
    PUCHAR Root;

    InterruptBetween();
    Root = FatDisk.Image + FatVolume->RootSector * 512;
    memset(Root + 1 * 32, 0, 2 * 32); /* the old name's parts */
    memcpy(Root + 1 * 32, "A       BIN\x20", 12);
    memcpy(Root + 2 * 32, "B       BIN\x20", 12);
    FatPut16(Root + 1 * 32 + 26, 4);
    FatPut16(Root + 2 * 32 + 26, 4);
    FatWorldRemount();
    CHECK(!IsThere(NEW) && HasRecord());
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, FatRename(FatVolume, "/A.BIN", "/DIR/A.BIN"));
    CHECK(HasRecord() && !FatVolume->RenamePending);
    FatPut16(Root + 1 * 32 + 26, 0); /* repaired */
    FatPut16(Root + 2 * 32 + 26, 0);
    FatWorldRemount();
    CHECK(FatWorldHolds(NEW, 3000, 1) && !HasRecord());
    FatWorldFinish();
}

/* ---- errors ---- */

/* => The rename failed at its Nth request of this kind, or *Done; the disk works again. */
static void Fail(DISK_OPERATION Operation, ULONG Nth, PBOOLEAN Done)
{
    NTSTATUS Status;

    FatWorldStart(&FatWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FatCreateDirectory(FatVolume, "/DIR"));
    FatWorldPut(OLD, 3000, 1);
    FatDisk.FailAt[Operation] = Nth;
    Status = FatRename(FatVolume, OLD, NEW);
    *Done = FatDisk.FailAt[Operation] != 0;
    FatDisk.FailAt[Operation] = 0;
    CHECK_EQUAL(*Done ? STATUS_SUCCESS : STATUS_IO_DEVICE_ERROR, Status);
}

static BOOLEAN SaysClean(void)
{
    BOOLEAN Clean = FALSE;

    FatForgetSectors(FatVolume);
    CHECK_EQUAL(STATUS_SUCCESS, FatReadCleanBit(FatVolume, &Clean));
    return Clean;
}

TEST(Fat_rename_that_failed_leaves_one_name_on_a_clean_volume)
{
    ULONG Finished = 0;
    ULONG Operation;

    for (Operation = 0; Operation < 3; Operation++) {
        BOOLEAN Done = FALSE;
        ULONG Nth;

        for (Nth = 1; !Done; Nth++) {
            Fail((DISK_OPERATION)Operation, Nth, &Done);
            CHECK_EQUAL(STATUS_SUCCESS, FatFlush(FatVolume));
            CHECK(SaysClean());
            CHECK(!HasRecord());
            FatWorldRemount();
            CHECK(IsThere(OLD) == !IsThere(NEW));
            CHECK(FatWorldHolds(IsThere(NEW) ? NEW : OLD, 3000, 1));
            Finished += !Done && IsThere(NEW);
            FatWorldFinish();
        }
    }
    CHECK(Finished >= 3);
}

TEST(Fat_rename_that_failed_is_finished_before_the_next_change)
{
    BOOLEAN Done = FALSE;
    ULONG Came = 0;
    ULONG Nth;

    for (Nth = 1; !Done; Nth++) {
        BOOLEAN Moved;
        FAT_FILE File;

        Fail(DiskWrite, Nth, &Done);
        Moved = !IsThere(OLD);
        Came += !IsThere(NEW) && Moved;
        CHECK_EQUAL(Moved ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS,
                    FatCreate(FatVolume, NEW, 0, &File));
        CHECK(FatWorldHolds(Moved ? NEW : OLD, 3000, 1));
        FatWorldFinish();
    }
    CHECK(Came != 0);
}

TEST(Fat_rename_that_failed_keeps_the_volume_dirty_while_the_disk_fails)
{
    BOOLEAN Done = FALSE;
    ULONG Pending = 0;
    ULONG Nth;

    for (Nth = 1; !Done; Nth++) {
        FAT_FILE File;

        Fail(DiskWrite, Nth, &Done);
        if (FatVolume->RenamePending) {
            FatDisk.FailAt[DiskWrite] = 1;
            CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, FatFlush(FatVolume));
            FatDisk.FailAt[DiskWrite] = 1;
            CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, FatCreate(FatVolume, "/OTHER", 0, &File));
            CHECK(!SaysClean());
            Pending++;
        }
        FatWorldRemount();
        CHECK(FatWorldHolds(IsThere(NEW) ? NEW : OLD, 3000, 1));
        FatWorldFinish();
    }
    CHECK(Pending >= 4);
}
