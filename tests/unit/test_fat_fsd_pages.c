/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_pages.c - disk/fat/fsd_pages.c: pages of ordinary files between frames and disk.
 */
#include "disk/fat/fsd_i.h"
#include "mm/io/io_i.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/io_world.h"
#include "tests/unit/page_request.h"

#include <stdio.h>
#include <string.h>

#define MOST  24u
#define BYTES 10000u /* of the file: two pages and 1808 bytes */

static PAGE_IO Pages[MOST];
static PFILE_OBJECT File;

static void Restrict(const SEED_FAT *Fat, ULONG64 Seed)
{
    IoWorldStart(Fat, Seed);
    CHECK_EQUAL(STATUS_SUCCESS, DiskRestrictWrites(&IoDisk.Device));
}

static void Start(const SEED_FAT *Fat, ULONG64 Seed)
{
    Restrict(Fat, Seed);
    IoWorldPut("\\before", 3000, 1);
    IoWorldPut("\\file", BYTES, 5);
    IoWorldPut("\\behind", 3000, 2);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
}

static void Finish(void)
{
    IoCloseFile(File);
    CHECK(IoWorldHolds("\\before", 3000, 1));
    CHECK(IoWorldHolds("\\behind", 3000, 2));
    IoWorldFinish();
}

static ULONG64 SizeOf(PFILE_OBJECT Object)
{
    ULONG64 Bytes;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(Object, &Bytes));
    return Bytes;
}

static BOOLEAN IsAll(const UCHAR *At, ULONG Bytes, UCHAR Value)
{
    ULONG i;

    for (i = 0; i < Bytes && At[i] == Value; i++) {
    }
    return i == Bytes;
}

static BOOLEAN Counts(const UCHAR *At, ULONG From, ULONG Bytes, UCHAR First)
{
    ULONG i;

    for (i = 0; i < Bytes && At[i] == IoWorldByte(From + i, First); i++) {
    }
    return i == Bytes;
}

/* ---- they are the file's bytes ---- */

TEST(FatFsd_pages_of_a_file_are_what_was_written_and_the_other_way_round)
{
    PAGE_IO *P = &Pages[0];
    ULONG Done;

    Start(&IoWorldFat16, TestSeed());
    PageIoCreate(P, 2, 0xEE);
    CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(P, File, 0));
    CHECK_EQUAL(2 * PAGE_SIZE, P->Iosb.Information);
    CHECK(Counts(P->Buffer, 0, 2 * PAGE_SIZE, 5));
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 4100, IoBuffer, 10, &Done)); /* part of a sector */
    memset(P->Buffer, 0xC3, 2 * PAGE_SIZE);
    CHECK_EQUAL(STATUS_SUCCESS, PageIoWrite(P, File, 0));
    CHECK_EQUAL(2 * PAGE_SIZE, P->Iosb.Information);
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 4100, IoBuffer, 10, &Done));
    CHECK(IsAll(IoBuffer, 10, 0xC3)); /* and not what was cached */
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(File, 4101, "x", 1));
    CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(P, File, PAGE_SIZE));
    CHECK(P->Buffer[4] == 0xC3 && P->Buffer[5] == 'x' && P->Buffer[6] == 0xC3);
    CHECK(Counts(P->Buffer + PAGE_SIZE, 2 * PAGE_SIZE, BYTES - 2 * PAGE_SIZE, 5));
    PageIoDelete(P);
    Finish();
}

/* The next opening of the file, and whoever has its clusters next, see what pages wrote. */
TEST(FatFsd_pages_that_were_written_are_seen_by_the_next_opening)
{
    PAGE_IO *P = &Pages[0];
    ULONG Done;

    Start(&IoWorldFat16, 0);
    PageIoCreate(P, 1, 0x77);
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 1, IoBuffer, 10, &Done));
    CHECK_EQUAL(STATUS_SUCCESS, PageIoWrite(P, File, 0));
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 1, IoBuffer, 10, &Done));
    CHECK(IsAll(IoBuffer, 10, 0x77));
    PageIoDelete(P);
    Finish();
}

TEST(FatFsd_page_that_the_end_of_the_file_cuts_is_zero_behind_it)
{
    const SEED_FAT *const Volumes[] = {&IoWorldFat12, &IoWorldFat16, &IoWorldLarge};
    PAGE_IO *P = &Pages[0];
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Volumes); i++) {
        Start(Volumes[i], i == 0 ? 0 : TestSeed());
        PageIoCreate(P, 2, 0xEE);
        CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(P, File, 2 * PAGE_SIZE));
        CHECK_EQUAL(BYTES - 2 * PAGE_SIZE, P->Iosb.Information);
        CHECK(Counts(P->Buffer, 2 * PAGE_SIZE, BYTES - 2 * PAGE_SIZE, 5));
        CHECK(IsAll(P->Buffer + BYTES - 2 * PAGE_SIZE, 4 * PAGE_SIZE - BYTES, 0));
        PageIoDelete(P);
        Finish();
    }
}

TEST(FatFsd_page_write_never_makes_a_file_longer)
{
    PAGE_IO *P = &Pages[0];
    ULONG Sector;
    ULONG Done;

    Start(&IoWorldFat16, TestSeed());
    Sector = (ULONG)((PFAT_FCB)File->FsContext)->Pages.Map.Runs->Run[0].Sector;
    PageIoCreate(P, 2, 0x66);
    IoDisk.Written = 0;
    CHECK_EQUAL(STATUS_SUCCESS, PageIoWrite(P, File, 2 * PAGE_SIZE));
    CHECK_EQUAL(BYTES - 2 * PAGE_SIZE, P->Iosb.Information);
    CHECK_EQUAL(4, IoDisk.Written); /* sectors: 1808 bytes */
    CHECK_EQUAL(BYTES, SizeOf(File));
    CHECK(IoDisk.Image[(Sector + 20) * 512 - 1] == 0x66);
    CHECK(IoDisk.Image[(Sector + 20) * 512] != 0x66);
    CHECK_EQUAL(STATUS_END_OF_FILE, PageIoWrite(P, File, 3 * PAGE_SIZE));
    CHECK_EQUAL(STATUS_END_OF_FILE, PageIoRead(P, File, 3 * PAGE_SIZE));
    CHECK_EQUAL(0, P->Iosb.Information);
    CHECK_EQUAL(STATUS_END_OF_FILE, PageIoRead(P, File, 0x200000000ull));
    CHECK_EQUAL(4 + 1, IoDisk.Written); /* the request for its size told the time of the write */
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetFileSize(File, BYTES + 600)); /* what lay behind is not shown */
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, BYTES, IoBuffer, 1000, &Done));
    CHECK_EQUAL(600, Done);
    CHECK(IsAll(IoBuffer, 600, 0));
    PageIoDelete(P);
    Finish();
}

TEST(FatFsd_page_requests_that_make_no_sense_are_refused)
{
    PAGE_IO *P = &Pages[0];
    PFILE_OBJECT Other;

    Start(&IoWorldFat16, 0);
    PageIoCreate(P, 1, 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, PageIoRead(P, File, 100));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, PageIoRead(P, File, (ULONG64)-4096));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\", FILE_OPEN, FILE_DIRECTORY_FILE, &Other));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, PageIoRead(P, Other, 0));
    IoCloseFile(Other);
    CHECK_EQUAL(STATUS_SUCCESS,
                IoOpenFile(IoVolume, "\\before", FILE_READ_ATTRIBUTES, FILE_OPEN, 0, &Other));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, PageIoRead(P, Other, 0)); /* not opened for data */
    IoCloseFile(Other);
    CHECK_EQUAL(STATUS_SUCCESS,
                IoOpenFile(IoVolume, "\\before", FILE_READ_DATA, FILE_OPEN, 0, &Other));
    CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(P, Other, 0));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, PageIoWrite(P, Other, 0)); /* nobody writes to the file */
    IoCloseFile(Other);
    PageIoDelete(P);
    Finish();
}

/* ---- a file in many pieces ---- */

#define SMALL_FILES 110u

static void Scatter(void)
{
    PFILE_OBJECT Folder;
    char Name[32];
    ULONG i;

    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\d", FILE_CREATE, FILE_DIRECTORY_FILE, &Folder));
    IoCloseFile(Folder);
    for (i = 0; i < SMALL_FILES; i++) {
        snprintf(Name, sizeof(Name), "\\d\\f%u", (unsigned)i);
        IoWorldPut(Name, PAGE_SIZE, (UCHAR)i);
    }
    for (i = 0; i < SMALL_FILES; i += 2) {
        snprintf(Name, sizeof(Name), "\\d\\f%u", (unsigned)i);
        CHECK_EQUAL(STATUS_SUCCESS, IoDeleteFile(IoVolume, Name));
    }
}

#define SCATTERED (30u * PAGE_SIZE - 700)

static void StartScattered(ULONG64 Seed)
{
    Restrict(&IoWorldFat12, Seed);
    Scatter();
    IoWorldPut("\\file", SCATTERED, 9);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    CHECK(((PFAT_FCB)File->FsContext)->Pages.Map.Runs->Count > 16);
}

static void FinishScattered(void)
{
    IoCloseFile(File);
    CHECK(IoWorldHolds("\\d\\f1", PAGE_SIZE, 1));
    CHECK(IoWorldHolds("\\d\\f39", PAGE_SIZE, 39));
    IoWorldFinish();
}

TEST(FatFsd_pages_of_a_file_in_many_pieces_come_from_where_it_lies)
{
    PAGE_IO *P = &Pages[0];
    ULONG i;

    StartScattered(TestSeed());
    PageIoCreate(P, 30, 0xEE);
    CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(P, File, 0));
    CHECK_EQUAL(SCATTERED, P->Iosb.Information);
    CHECK(Counts(P->Buffer, 0, SCATTERED, 9));
    CHECK(IsAll(P->Buffer + SCATTERED, 700, 0));
    for (i = 0; i < 30 * PAGE_SIZE; i++) {
        P->Buffer[i] = IoWorldByte(i, 77);
    }
    CHECK_EQUAL(STATUS_SUCCESS, PageIoWrite(P, File, 0));
    PageIoDelete(P);
    IoCloseFile(File);
    CHECK(IoWorldHolds("\\file", SCATTERED, 77));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    FinishScattered();
}

static ULONG FailEach(DISK_OPERATION Operation, PAGE_IO *P)
{
    ULONG Nth = 0;
    NTSTATUS Status;

    do {
        IoDisk.FailAt[Operation] = ++Nth;
        Status = Operation == DiskRead ? PageIoRead(P, File, 0) : PageIoWrite(P, File, 0);
        CHECK(Status == STATUS_SUCCESS || Status == STATUS_IO_DEVICE_ERROR);
        CHECK_EQUAL(NT_SUCCESS(Status) ? SCATTERED : 0, P->Iosb.Information);
    } while (Status != STATUS_SUCCESS);
    IoDisk.FailAt[Operation] = 0;
    return Nth - 1;
}

TEST(FatFsd_page_request_of_a_file_fails_as_a_whole_and_can_be_tried_again)
{
    PAGE_IO *P = &Pages[0];
    ULONG Failed;

    StartScattered(TestSeed());
    PageIoCreate(P, 30, 3);
    Failed = FailEach(DiskWrite, P) + FailEach(DiskRead, P);
    CHECK(Failed > 32);
    CHECK(IsAll(P->Buffer, SCATTERED, 3));
    PageIoDelete(P);
    FinishScattered();
    printf("# figure R4 %u 0\n", (unsigned)Failed);
}

/* ---- without pool, without locks ---- */

TEST(FatFsd_pages_of_a_file_ask_for_no_pool)
{
    ULONG Exhausted;
    ULONG i;

    Restrict(&IoWorldFat16, TestSeed());
    IoWorldPut("\\file", MOST * PAGE_SIZE, 0);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    Exhausted = IopPageReserve->Exhausted;
    for (i = 0; i < MOST; i++) {
        PageIoCreate(&Pages[i], 1, (UCHAR)(i + 1));
    }
    MiFailPoolAllocation(1);
    for (i = 0; i < MOST; i++) { /* more than there are requests */
        PageIoStart(&Pages[i], File, i * PAGE_SIZE, TRUE);
    }
    for (i = 0; i < MOST; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, PageIoWait(&Pages[i]));
        memset(Pages[i].Buffer, 0xEE, PAGE_SIZE);
        PageIoStart(&Pages[i], File, i * PAGE_SIZE, FALSE);
    }
    for (i = 0; i < MOST; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, PageIoWait(&Pages[i]));
        CHECK(IsAll(Pages[i].Buffer, PAGE_SIZE, (UCHAR)(i + 1)));
    }
    CHECK(!MiPoolFailureHappened()); /* nobody asked */
    MiFailPoolAllocation(0);
    CHECK(IopPageReserve->Exhausted > Exhausted);
    for (i = 0; i < MOST; i++) {
        PageIoDelete(&Pages[i]);
    }
    IoCloseFile(File);
    IoWorldFinish();
}

typedef struct _HOLDER {
    KEVENT Has;
    KEVENT Release;
} HOLDER;

/* Everything of the file and the volume that can be waited for. */
static void HoldLocks(PVOID Context)
{
    LARGE_INTEGER Minute = {.QuadPart = -600000000}; /* whoever needs one gets it then */
    PFAT_FCB Fcb = File->FsContext;
    HOLDER *Holder = Context;

    KeEnterCriticalRegion();
    CHECK(ExAcquireResourceExclusiveLite(Fcb->Header.Resource, TRUE));
    CHECK(ExAcquireResourceExclusiveLite(Fcb->Header.PagingIoResource, TRUE));
    ExAcquireFastMutex(&Fcb->Vcb->Mutex);
    KeSetEvent(&Holder->Has, 0, FALSE);
    KeWaitForSingleObject(&Holder->Release, Executive, KernelMode, FALSE, &Minute);
    ExReleaseFastMutex(&Fcb->Vcb->Mutex);
    ExReleaseResourceLite(Fcb->Header.PagingIoResource);
    ExReleaseResourceLite(Fcb->Header.Resource);
    KeLeaveCriticalRegion();
}

TEST(FatFsd_pages_of_a_file_move_while_somebody_has_all_its_locks)
{
    PAGE_IO *P = &Pages[0];
    PKTHREAD Thread;
    HOLDER Holder;
    PFAT_VCB Vcb;

    Start(&IoWorldFat16, TestSeed());
    Vcb = ((PFAT_FCB)File->FsContext)->Vcb;
    KeInitializeEvent(&Holder.Has, NotificationEvent, FALSE);
    KeInitializeEvent(&Holder.Release, NotificationEvent, FALSE);
    Thread = HostKernelThread(HostThreadCreate(HoldLocks, &Holder));
    KeWaitForSingleObject(&Holder.Has, Executive, KernelMode, FALSE, NULL);
    PageIoCreate(P, 1, 7);
    CHECK_EQUAL(STATUS_SUCCESS, PageIoWrite(P, File, 0));
    CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(P, File, 2 * PAGE_SIZE));
    CHECK(Vcb->Mutex.Owner == Thread);
    KeSetEvent(&Holder.Release, 0, FALSE);
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    PageIoDelete(P);
    Finish();
}

/* ---- where writing is not permitted ---- */

TEST(FatFsd_page_write_to_a_volume_that_may_not_be_written_fails)
{
    PAGE_IO *P = &Pages[0];

    Start(&IoWorldFat16, 0);
    PageIoCreate(P, 1, 7);
    IoCloseFile(File);
    IoDisk.Device.ReadOnly = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    IoDisk.Written = 0;
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, PageIoWrite(P, File, 0));
    CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(P, File, 0));
    CHECK(Counts(P->Buffer, 0, PAGE_SIZE, 5));
    IoCloseFile(File);
    IoDisk.Device.ReadOnly = FALSE;
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    CHECK_EQUAL(STATUS_SUCCESS, PageIoWrite(P, File, 0));
    PageIoDelete(P);
    Finish();
}

/* Two files share clusters: pages of neither are written, whoever may own them. */
TEST(FatFsd_page_write_to_a_volume_with_shared_clusters_fails)
{
    PAGE_IO *P = &Pages[0];
    PFILE_OBJECT Other;
    ULONG Entry;

    Start(&IoWorldFat16, 0);
    IoWorldPut("\\zzz", 3000, 3);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\zzz", FILE_OPEN, 0, &Other));
    Entry = (ULONG)((PFAT_FCB)Other->FsContext)->File.Location.Sector * 512 +
            ((PFAT_FCB)Other->FsContext)->File.Location.Offset;
    IoCloseFile(Other);
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(IoVolume));
    FatPut16(&IoDisk.Image[Entry + 26], FatGet16(&IoDisk.Image[Entry + 26]) - 3); /* as \behind */
    CHECK_EQUAL(STATUS_SUCCESS,
                IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
    PageIoCreate(P, 1, 7);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\zzz", FILE_OPEN, 0, &Other));
    IoDisk.Written = 0;
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, PageIoWrite(P, File, 0));
    CHECK_EQUAL(STATUS_DISK_CORRUPT_ERROR, PageIoWrite(P, Other, 0));
    CHECK_EQUAL(0, IoDisk.Written);
    CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(P, File, 0));
    CHECK(Counts(P->Buffer, 0, PAGE_SIZE, 5));
    PageIoDelete(P);
    IoCloseFile(Other);
    Finish();
}

/* ---- pages under way, and the file changes ---- */

static void StartAll(ULONG Count, BOOLEAN Writes, UCHAR Fill)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        PageIoCreate(&Pages[i], 1, Fill);
        PageIoStart(&Pages[i], File, i * PAGE_SIZE, Writes);
    }
}

static void EndAll(ULONG Count)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, PageIoWait(&Pages[i]));
        PageIoDelete(&Pages[i]);
    }
}

#define CUT_PAGES 12u

/* The clusters go to another file at once: no page write may arrive there. */
TEST(FatFsd_clusters_that_are_cut_off_are_free_when_no_page_of_them_is_under_way)
{
    ULONG Reads;

    for (Reads = 0; Reads < 2; Reads++) {
        Restrict(&IoWorldFat16, TestSeed());
        IoWorldPut("\\file", CUT_PAGES * PAGE_SIZE, 5);
        CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
        StartAll(CUT_PAGES, Reads == 0, 0xDD);
        CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 100));
        IoWorldPut("\\new", (CUT_PAGES - 1) * PAGE_SIZE, 3);
        EndAll(CUT_PAGES); /* they began before */
        CHECK(IoWorldHolds("\\new", (CUT_PAGES - 1) * PAGE_SIZE, 3));
        PageIoCreate(&Pages[0], 1, 0xDD);
        CHECK_EQUAL(STATUS_END_OF_FILE, PageIoWrite(&Pages[0], File, PAGE_SIZE));
        CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(&Pages[0], File, 0));
        CHECK(IsAll(Pages[0].Buffer + 100, PAGE_SIZE - 100, 0));
        PageIoDelete(&Pages[0]);
        CHECK(IoWorldHolds("\\new", (CUT_PAGES - 1) * PAGE_SIZE, 3));
        IoCloseFile(File);
        IoWorldFinish();
    }
}

/* More parts than the disk's queue takes at once: some have not looked where they go yet. */
TEST(FatFsd_pages_that_wait_for_the_disk_are_waited_for_when_their_file_is_cut)
{
    ULONG Writes;
    ULONG i;

    for (Writes = 0; Writes < 2; Writes++) {
        StartScattered(TestSeed());
        for (i = 0; i < 4; i++) {
            PageIoCreate(&Pages[i], 30, 0xDD);
            PageIoStart(&Pages[i], File, 0, (BOOLEAN)Writes);
        }
        CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 100));
        for (i = 0; i < 4; i++) {
            CHECK_EQUAL(1, KeReadStateEvent(&Pages[i].Done));
        }
        IoWorldPut("\\new", SCATTERED - PAGE_SIZE, 3);
        EndAll(4);
        CHECK(IoWorldHolds("\\new", SCATTERED - PAGE_SIZE, 3));
        FinishScattered();
    }
}

TEST(FatFsd_pages_of_a_file_that_is_deleted_fail_with_that_status)
{
    FILE_DISPOSITION_INFORMATION Delete = {.DeleteFile = TRUE};

    Restrict(&IoWorldFat16, TestSeed());
    IoWorldPut("\\file", CUT_PAGES * PAGE_SIZE, 5);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    IoReferenceFile(File); /* as a section does */
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileDispositionInformation, sizeof(Delete), &Delete));
    StartAll(CUT_PAGES, TRUE, 0xDD);
    IoCloseFile(File);
    IoWorldPut("\\new", CUT_PAGES * PAGE_SIZE, 3);
    EndAll(CUT_PAGES);
    PageIoCreate(&Pages[0], 1, 0xDD);
    CHECK_EQUAL(STATUS_FILE_DELETED, PageIoWrite(&Pages[0], File, 0));
    CHECK_EQUAL(STATUS_FILE_DELETED, PageIoRead(&Pages[0], File, 0));
    PageIoDelete(&Pages[0]);
    CHECK(IoWorldHolds("\\new", CUT_PAGES * PAGE_SIZE, 3));
    IoDereferenceFile(File);
    IoWorldFinish();
}

TEST(FatFsd_pages_of_a_file_whose_handles_are_closed_still_move)
{
    Start(&IoWorldFat16, TestSeed());
    IoReferenceFile(File);
    IoCloseFile(File);
    PageIoCreate(&Pages[0], 1, 0x31);
    CHECK_EQUAL(STATUS_SUCCESS, PageIoWrite(&Pages[0], File, 0));
    CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(&Pages[0], File, 0));
    PageIoDelete(&Pages[0]);
    IoDereferenceFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    Finish();
}

TEST(FatFsd_pages_are_written_while_their_file_is_renamed)
{
    ULONG Round;

    Restrict(&IoWorldFat16, TestSeed());
    IoWorldPut("\\file", CUT_PAGES * PAGE_SIZE, 5);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    for (Round = 0; Round < 4; Round++) {
        StartAll(CUT_PAGES, TRUE, (UCHAR)(0xA0 + Round));
        CHECK_EQUAL(STATUS_SUCCESS,
                    IoRenameFile(File, Round % 2 == 0 ? "\\a longer name" : "\\file", FALSE));
        EndAll(CUT_PAGES);
        PageIoCreate(&Pages[0], CUT_PAGES, 0);
        CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(&Pages[0], File, 0));
        CHECK(IsAll(Pages[0].Buffer, CUT_PAGES * PAGE_SIZE, (UCHAR)(0xA0 + Round)));
        PageIoDelete(&Pages[0]);
    }
    IoCloseFile(File);
    IoWorldFinish();
}

/* ---- a page and a part of its sector are written at the same time ---- */

static BOOLEAN Ending;
static ULONG Rounds;

/* Byte 0 of each sector of page 0 belongs to the pages, the rest to IoWriteFile. */
static void WritePageAgain(PVOID Context)
{
    PAGE_IO *P = Context;
    UCHAR Value = 0;
    ULONG i;

    while (!Ending) {
        CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(P, File, 0));
        CHECK(Rounds == 0 || P->Buffer[512] == Value); /* nobody lost it */
        Value++;
        for (i = 0; i < PAGE_SIZE; i += 512) {
            P->Buffer[i] = Value;
        }
        CHECK_EQUAL(STATUS_SUCCESS, PageIoWrite(P, File, 0));
        Rounds++;
    }
}

TEST(FatFsd_part_of_a_sector_that_is_written_does_not_undo_a_page_write)
{
    PKTHREAD Writer;
    ULONG i;

    Start(&IoWorldFat16, TestSeed());
    PageIoCreate(&Pages[0], 1, 0);
    Ending = FALSE;
    Rounds = 0;
    HostSetPreemption(8);
    Writer = HostKernelThread(HostThreadCreate(WritePageAgain, &Pages[0]));
    for (i = 0; i < 300; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(File, 513 + i, "y", 1));
    }
    Ending = TRUE;
    KeWaitForSingleObject(Writer, Executive, KernelMode, FALSE, NULL);
    HostSetPreemption(0);
    CHECK(Rounds > 20);
    PageIoDelete(&Pages[0]);
    Finish();
}
