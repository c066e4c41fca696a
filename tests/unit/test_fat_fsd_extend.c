/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_extend.c - disk/fat/fsd_extend.c: a paging file becomes longer while its pages move;
 * full volumes, power cuts, failing requests and allocations leave it as it was.
 */
#include "disk/fat/fsd_i.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/io_world.h"

#include <stdio.h>
#include <string.h>

#define FILE_BYTES 0x10000u
#define MORE_BYTES 0x28000u
#define PAGES      4u /* of a request */
#define BOUND      300u
#define MANY       4096u /* runs */

static PFILE_OBJECT PagingFile;
static PUCHAR Buffer;
static PMDL Mdl;

/* ---- pages of the file ---- */

static NTSTATUS Move(ULONG64 Offset, BOOLEAN Write)
{
    LARGE_INTEGER Start = {.QuadPart = (LONGLONG)Offset};
    LARGE_INTEGER Minute = {.QuadPart = -600000000};
    IO_STATUS_BLOCK Iosb;
    KEVENT Done;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    (void)(Write ? IoSynchronousPageWrite(PagingFile, Mdl, &Start, &Done, &Iosb)
                 : IoPageRead(PagingFile, Mdl, &Start, &Done, &Iosb));
    CHECK_EQUAL(STATUS_SUCCESS, KeWaitForSingleObject(&Done, WrPageIn, KernelMode, FALSE, &Minute));
    return Iosb.Status;
}

static UCHAR ByteOf(ULONG64 Offset)
{
    return (UCHAR)(Offset / PAGE_SIZE * 7 + Offset / 512 + 1);
}

static void Put(ULONG64 From, ULONG64 To)
{
    ULONG64 At;
    ULONG i;

    for (At = From; At < To; At += PAGES * PAGE_SIZE) {
        for (i = 0; i < PAGES * PAGE_SIZE; i++) {
            Buffer[i] = ByteOf(At + i);
        }
        CHECK_EQUAL(STATUS_SUCCESS, Move(At, TRUE));
    }
}

static BOOLEAN Holds(ULONG64 From, ULONG64 To)
{
    BOOLEAN Same = TRUE;
    ULONG64 At;
    ULONG i;

    for (At = From; At < To; At += PAGES * PAGE_SIZE) {
        memset(Buffer, 0, PAGES * PAGE_SIZE);
        CHECK_EQUAL(STATUS_SUCCESS, Move(At, FALSE));
        for (i = 0; i < PAGES * PAGE_SIZE; i++) {
            Same = Same && Buffer[i] == ByteOf(At + i);
        }
    }
    return Same;
}

/* ---- the world ---- */

static void Begin(const SEED_FAT *Fat, ULONG64 Seed)
{
    IoWorldStart(Fat, Seed);
    CHECK_EQUAL(STATUS_SUCCESS, DiskRestrictWrites(&IoDisk.Device));
    IoWorldPut("\\keep.txt", 3000, 7);
}

static void Open(void)
{
    CHECK_EQUAL(STATUS_SUCCESS,
                IoOpenPagingFile(IoVolume, "\\pagefile.sys", FILE_BYTES, &PagingFile));
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(PagingFile));
    Buffer = ExAllocatePoolWithTag(NonPagedPool, PAGES * PAGE_SIZE, IO_WORLD_TAG);
    Mdl = IoAllocateMdl(Buffer, PAGES * PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK(Buffer != NULL && Mdl != NULL);
    MmBuildMdlForNonPagedPool(Mdl);
    Put(0, FILE_BYTES);
}

static void Start(const SEED_FAT *Fat, ULONG64 Seed)
{
    Begin(Fat, Seed);
    Open();
}

static void Close(void)
{
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Buffer, IO_WORLD_TAG);
    IoCloseFile(PagingFile);
}

static void Finish(void)
{
    Close();
    IoWorldFinish();
}

static NTSTATUS Extend(ULONG64 Bytes)
{
    ULONG Runs = MANY;

    return IoExtendPagingFile(PagingFile, Bytes, &Runs);
}

static ULONG64 FreeBytes(void)
{
    ULONG64 Bytes;
    ULONG64 Free;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryVolumeSize(IoVolume, &Bytes, &Free));
    return Free;
}

static ULONG64 SizeOf(PFILE_OBJECT File)
{
    ULONG64 Bytes;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(File, &Bytes));
    return Bytes;
}

/* As paging sees it. */
static void CheckUnchanged(void)
{
    CHECK_EQUAL(STATUS_END_OF_FILE, Move(FILE_BYTES, FALSE));
    CHECK(Holds(0, FILE_BYTES));
}

/* ---- it becomes longer ---- */

TEST(FatFsd_paging_file_becomes_longer_and_keeps_its_pages)
{
    ULONG Runs = MANY;
    ULONG64 Free;
    PFAT_FCB Fcb;

    Start(&IoWorldFat16, TestSeed());
    Free = FreeBytes();
    CHECK_EQUAL(STATUS_END_OF_FILE, Move(FILE_BYTES, TRUE));
    CHECK_EQUAL(STATUS_SUCCESS, IoExtendPagingFile(PagingFile, MORE_BYTES, &Runs));
    CHECK_EQUAL(1, Runs); /* right behind what it had */
    CHECK_EQUAL(MORE_BYTES, SizeOf(PagingFile));
    CHECK_EQUAL(Free - (MORE_BYTES - FILE_BYTES), FreeBytes());
    CHECK(Holds(0, FILE_BYTES));
    Put(FILE_BYTES, MORE_BYTES);
    CHECK(Holds(0, MORE_BYTES));
    CHECK_EQUAL(STATUS_END_OF_FILE, Move(MORE_BYTES, TRUE));
    Fcb = PagingFile->FsContext;
    CHECK_EQUAL(FALSE, Fcb->File.Volume->Changing); /* the volume is in order */
    CHECK_EQUAL(STATUS_SUCCESS, Extend(2 * MORE_BYTES));
    Put(MORE_BYTES, 2 * MORE_BYTES);
    CHECK(Holds(0, 2 * MORE_BYTES));
    CHECK(IoWorldHolds("\\keep.txt", 3000, 7));
    Finish();
}

TEST(FatFsd_extension_is_still_there_when_the_volume_is_mounted_again)
{
    Start(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, Extend(MORE_BYTES));
    Put(FILE_BYTES, MORE_BYTES);
    Close();
    IoWorldRemount();
    Open();
    CHECK_EQUAL(MORE_BYTES, SizeOf(PagingFile));
    CHECK(Holds(FILE_BYTES, MORE_BYTES));
    Finish();
}

/* The volume has no room in a row: each file of a cluster's size in the way is a piece. */
static void Scatter(ULONG Files)
{
    PFILE_OBJECT Folder;
    char Name[32];
    ULONG i;

    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\d", FILE_CREATE, FILE_DIRECTORY_FILE, &Folder));
    IoCloseFile(Folder);
    for (i = 0; i < Files; i++) {
        snprintf(Name, sizeof(Name), "\\d\\f%u", (unsigned)i);
        IoWorldPut(Name, PAGE_SIZE, (UCHAR)i);
    }
    for (i = 0; i < Files; i += 2) {
        snprintf(Name, sizeof(Name), "\\d\\f%u", (unsigned)i);
        CHECK_EQUAL(STATUS_SUCCESS, IoDeleteFile(IoVolume, Name));
    }
}

TEST(FatFsd_extension_in_many_pieces_is_read_where_it_was_written)
{
    ULONG Runs = MANY;
    ULONG Before;

    Begin(&IoWorldFat12, TestSeed());
    Scatter(100);
    Open();
    Before = ((PFAT_FCB)PagingFile->FsContext)->Pages.Map.Runs->Count;
    CHECK_EQUAL(STATUS_SUCCESS, IoExtendPagingFile(PagingFile, MORE_BYTES, &Runs));
    CHECK(Runs > Before + 8);
    CHECK_EQUAL(Runs, ((PFAT_FCB)PagingFile->FsContext)->Pages.Map.Runs->Count);
    Put(FILE_BYTES, MORE_BYTES);
    CHECK(Holds(0, MORE_BYTES));
    CHECK(IoWorldHolds("\\d\\f1", PAGE_SIZE, 1));
    CHECK(IoWorldHolds("\\d\\f61", PAGE_SIZE, 61));
    Finish();
}

TEST(FatFsd_extension_in_too_many_pieces_is_taken_back)
{
    ULONG Runs = 3;
    ULONG64 Free;

    Begin(&IoWorldFat12, 0);
    Scatter(100);
    Open();
    Free = FreeBytes();
    CHECK_EQUAL(STATUS_FILE_CORRUPT_ERROR, IoExtendPagingFile(PagingFile, MORE_BYTES, &Runs));
    CHECK_EQUAL(3, Runs);
    CHECK_EQUAL(FILE_BYTES, SizeOf(PagingFile));
    CHECK_EQUAL(Free, FreeBytes());
    CheckUnchanged();
    Finish();
}

/* ---- what is refused ---- */

TEST(FatFsd_extension_of_what_makes_no_sense_is_refused)
{
    ULONG Runs = MANY;
    PFILE_OBJECT Other;

    Start(&IoWorldFat16, 0);
    IoDisk.Written = 0;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Extend(FILE_BYTES));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Extend(0));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Extend(MORE_BYTES + 1));
    CHECK_EQUAL(STATUS_DISK_FULL, Extend(0x100000000ull));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\keep.txt", FILE_OPEN, 0, &Other));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, IoExtendPagingFile(Other, MORE_BYTES, &Runs));
    IoCloseFile(Other);
    CHECK_EQUAL(0, IoDisk.Written);
    CheckUnchanged();
    Finish();
}

TEST(FatFsd_extension_without_room_writes_nothing)
{
    Start(&IoWorldFat16, 0);
    IoDisk.Written = 0;
    CHECK_EQUAL(STATUS_DISK_FULL, Extend(FILE_BYTES + 9 * 0x100000));
    CHECK_EQUAL(0, IoDisk.Written);
    CheckUnchanged();
    CHECK_EQUAL(STATUS_SUCCESS, Extend(FILE_BYTES + FreeBytes())); /* all that there is */
    CHECK_EQUAL(0, FreeBytes());
    CHECK(Holds(0, FILE_BYTES));
    Finish();
}

/* ---- while pages move ---- */

static BOOLEAN Ending;
static ULONG Rounds;

static void MovePages(PVOID Context)
{
    (void)Context;
    while (!Ending) {
        Put(0, FILE_BYTES);
        CHECK(Holds(0, FILE_BYTES));
        Rounds++;
    }
}

TEST(FatFsd_pages_move_while_the_file_becomes_longer)
{
    PKTHREAD Mover;
    ULONG64 Bytes;

    Begin(&IoWorldFat16, TestSeed());
    Scatter(120);
    Open();
    Ending = FALSE;
    Rounds = 0;
    HostSetPreemption(8);
    Mover = HostKernelThread(HostThreadCreate(MovePages, NULL));
    for (Bytes = FILE_BYTES + PAGE_SIZE; Bytes < MORE_BYTES; Bytes += PAGE_SIZE) {
        CHECK_EQUAL(STATUS_SUCCESS, Extend(Bytes));
    }
    Ending = TRUE;
    KeWaitForSingleObject(Mover, Executive, KernelMode, FALSE, NULL);
    HostSetPreemption(0);
    CHECK(Rounds != 0);
    CHECK(Holds(0, FILE_BYTES));
    Finish();
}

/* ---- power cuts, failing requests, failing allocations ---- */

TEST(FatFsd_power_cut_while_a_paging_file_becomes_longer_leaves_a_volume_in_order)
{
    ULONG Longer = 0;
    ULONG Shorter = 0;
    ULONG Sectors;
    ULONG Left;

    Start(&IoWorldFat16, 0);
    IoDisk.Written = 0;
    CHECK_EQUAL(STATUS_SUCCESS, Extend(MORE_BYTES));
    Sectors = (ULONG)IoDisk.Written;
    Finish();
    for (Left = 0; Left <= Sectors; Left++) {
        ULONG64 Bytes;

        Start(&IoWorldFat16, 0);
        IoDisk.PowerLeft = Left;
        (void)Extend(MORE_BYTES);
        Close();
        (void)IoDismountVolume(IoVolume); /* into the void */
        IoDisk.PowerLeft = HOST_DISK_ALWAYS;
        CHECK_EQUAL(STATUS_SUCCESS,
                    IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
        CHECK(IoWorldHolds("\\keep.txt", 3000, 7));
        CHECK_EQUAL(STATUS_SUCCESS,
                    IoOpenPagingFile(IoVolume, "\\pagefile.sys", FILE_BYTES, &PagingFile));
        Bytes = SizeOf(PagingFile);
        CHECK(Bytes == FILE_BYTES || Bytes == MORE_BYTES);
        Longer += Bytes == MORE_BYTES;
        Shorter += Bytes == FILE_BYTES;
        IoCloseFile(PagingFile);
        Open(); /* writes to all of it, and extends it again */
        CHECK(Bytes == MORE_BYTES || NT_SUCCESS(Extend(MORE_BYTES)));
        CHECK(IoWorldHolds("\\keep.txt", 3000, 7));
        Finish();
    }
    CHECK(Longer >= 2 && Shorter > 5);
}

/* => The volume takes the same again, without failures. */
static void CheckAfterFailure(void)
{
    CheckUnchanged();
    CHECK(IoWorldHolds("\\keep.txt", 3000, 7));
    CHECK_EQUAL(STATUS_SUCCESS, Extend(MORE_BYTES));
    Put(FILE_BYTES, MORE_BYTES);
    CHECK(Holds(0, MORE_BYTES));
    Close();
    CHECK_EQUAL(STATUS_SUCCESS, IoDeleteFile(IoVolume, "\\pagefile.sys"));
}

TEST(FatFsd_extension_on_a_disk_that_begins_to_fail_leaves_the_file_as_it_was)
{
    ULONG Request = 0;
    NTSTATUS Status;

    do {
        Start(&IoWorldFat16, 0);
        IoDisk.FailFrom = ++Request;
        Status = Extend(MORE_BYTES);
        IoDisk.FailFrom = 0;
        CHECK(NT_SUCCESS(Status) || Status == STATUS_IO_DEVICE_ERROR);
        if (NT_SUCCESS(Status)) {
            Close();
        } else {
            CheckAfterFailure();
        }
        IoWorldFinish();
    } while (!NT_SUCCESS(Status) && Request < BOUND);
    CHECK(Request > 10 && Request < BOUND);
    printf("# figure R4 %u 0\n", (unsigned)Request);
}

/* The disk recovers: what was done is undone, and no cluster is lost. */
TEST(FatFsd_extension_with_one_request_that_fails_is_undone)
{
    DISK_OPERATION Operation;
    ULONG Failed = 0;
    NTSTATUS Status;
    ULONG Nth;

    for (Operation = DiskRead; Operation <= DiskFlush; Operation++) {
        Nth = 0;
        do {
            ULONG64 Free;

            Start(&IoWorldFat16, 0);
            Free = FreeBytes();
            IoDisk.FailAt[Operation] = ++Nth;
            Status = Extend(MORE_BYTES);
            IoDisk.FailAt[Operation] = 0;
            if (NT_SUCCESS(Status)) {
                Close();
            } else {
                CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, Status);
                CHECK_EQUAL(FILE_BYTES, SizeOf(PagingFile));
                CHECK(FreeBytes() <= Free);
                CheckAfterFailure();
                Failed++;
            }
            IoWorldFinish();
        } while (!NT_SUCCESS(Status) && Nth < BOUND);
        CHECK(Nth < BOUND);
    }
    CHECK(Failed > 10);
    printf("# figure R4 %u 0\n", (unsigned)Failed);
}

TEST(FatFsd_extension_with_each_failing_allocation_is_undone)
{
    ULONG Nth = 0;
    ULONG Failed = 0;
    BOOLEAN Happened;

    do {
        ULONG64 Free;
        NTSTATUS Status;
        ULONG Bytes;

        Start(&IoWorldFat16, 0);
        Free = FreeBytes();
        Bytes = IoWorldPoolBytes();
        MiFailPoolAllocation(++Nth);
        Status = Extend(MORE_BYTES);
        Happened = MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        CHECK(NT_SUCCESS(Status) || Status == STATUS_INSUFFICIENT_RESOURCES);
        CHECK(NT_SUCCESS(Status) || Happened);
        if (NT_SUCCESS(Status)) {
            Close();
        } else {
            CHECK_EQUAL(FILE_BYTES, SizeOf(PagingFile));
            CHECK_EQUAL(Free, FreeBytes());
            CHECK_EQUAL(Bytes, IoWorldPoolBytes());
            CheckAfterFailure();
            Failed++;
        }
        IoWorldFinish();
    } while (Happened && Nth < BOUND);
    CHECK(Failed >= 3 && Nth < BOUND);
}
