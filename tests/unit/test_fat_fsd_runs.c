/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_runs.c - disk/fat/fsd_runs.c: runs, header and end of a file follow it, whatever
 * fails; and no power cut shows what the disk held before.
 */
#include "disk/fat/fsd_i.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/io_world.h"
#include "tests/unit/page_request.h"

#include <stdio.h>
#include <string.h>

#define BYTES 6000u /* of the file, to begin with */
#define MORE  30000u
#define STALE 0xE5 /* what the free clusters hold */
#define BOUND 400u

static PFILE_OBJECT File;

static PFAT_FCB FcbOf(PFILE_OBJECT Object)
{
    return Object->FsContext;
}

/* Header, runs and pages say what the file system says.  => Returns the size. */
static ULONG CheckFile(PFILE_OBJECT Object)
{
    PFSRTL_COMMON_FCB_HEADER Header = Object->FsContext;
    PFAT_PAGES Pages = &FcbOf(Object)->Pages;
    FILE_STANDARD_INFORMATION Standard;
    ULONG64 Covered = 0;
    ULONG Returned;
    PAGE_IO P;
    ULONG i;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileInformation(Object, FileStandardInformation,
                                                       sizeof(Standard), &Standard, &Returned));
    CHECK_EQUAL(Standard.EndOfFile.LowPart, Header->FileSize.LowPart);
    CHECK_EQUAL(Standard.EndOfFile.LowPart, Header->ValidDataLength.LowPart);
    CHECK_EQUAL(Standard.AllocationSize.LowPart, Header->AllocationSize.LowPart);
    CHECK_EQUAL(0, Header->FileSize.HighPart);
    CHECK_EQUAL(Standard.EndOfFile.LowPart, Pages->Bytes);
    CHECK_EQUAL(STATUS_END_OF_FILE, Pages->EndStatus);
    for (i = 0; i < Pages->Map.Runs->Count; i++) {
        CHECK_EQUAL(Covered, Pages->Map.Runs->Run[i].Position);
        Covered += Pages->Map.Runs->Run[i].Sectors;
    }
    CHECK_EQUAL(Standard.AllocationSize.LowPart, Covered * IoDisk.Device.SectorBytes);
    PageIoCreate(&P, 1, 0x11);
    for (i = 0; i < Standard.EndOfFile.LowPart; i += PAGE_SIZE) {
        ULONG Done;

        CHECK_EQUAL(STATUS_SUCCESS, PageIoRead(&P, Object, i));
        CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(Object, i, IoBuffer, PAGE_SIZE, &Done));
        CHECK_EQUAL(P.Iosb.Information, Done);
        CHECK(memcmp(P.Buffer, IoBuffer, Done) == 0);
    }
    CHECK_EQUAL(STATUS_END_OF_FILE, PageIoRead(&P, Object, i));
    PageIoDelete(&P);
    return Standard.EndOfFile.LowPart;
}

/* Everything that is free on the disk is STALE. */
static void SpoilFreeClusters(void)
{
    PFAT_VCB Vcb = IoVolume->Vpb->DeviceObject->DeviceExtension;
    PFAT_VOLUME Volume = Vcb->Volume;
    ULONG Cluster;

    for (Cluster = 2; Cluster < Volume->Clusters + 2; Cluster++) {
        ULONG Value;

        CHECK_EQUAL(STATUS_SUCCESS, FatGetEntry(Volume, Cluster, &Value));
        if (Value == FAT_FREE) {
            memset(&IoDisk.Image[FatClusterSector(Volume, Cluster) * Volume->SectorBytes], STALE,
                   Volume->ClusterBytes);
        }
    }
    FatForgetClean(Volume);
}

static void Start(const SEED_FAT *Fat, ULONG64 Seed)
{
    IoWorldStart(Fat, Seed);
    CHECK_EQUAL(STATUS_SUCCESS, DiskRestrictWrites(&IoDisk.Device));
    SpoilFreeClusters();
    IoWorldPut("\\file", BYTES, 5);
    IoWorldPut("\\wall", 3000, 2); /* what \file gets next lies elsewhere */
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
}

static void Finish(void)
{
    IoCloseFile(File);
    CHECK(IoWorldHolds("\\wall", 3000, 2));
    IoWorldFinish();
}

/* ---- every way to change a file ---- */

static NTSTATUS WriteSome(ULONG Offset, ULONG Bytes)
{
    memset(IoBuffer, 0x42, Bytes);
    return IoWriteFile(File, Offset, IoBuffer, Bytes);
}

TEST(FatFsd_header_runs_and_pages_follow_each_change_of_a_file)
{
    const SEED_FAT *const Volumes[] = {&IoWorldFat12, &IoWorldFat16, &IoWorldLarge};
    FILE_ALLOCATION_INFORMATION Allocation = {.AllocationSize.QuadPart = 100};
    PFILE_OBJECT Again;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Volumes); i++) {
        Start(Volumes[i], i == 1 ? 0 : TestSeed());
        CHECK_EQUAL(BYTES, CheckFile(File));
        CHECK_EQUAL(0, File->Flags & (FO_FILE_MODIFIED | FO_FILE_SIZE_CHANGED));
        CHECK_EQUAL(STATUS_SUCCESS, WriteSome(10, 100));
        CHECK_EQUAL(BYTES, CheckFile(File));
        CHECK_EQUAL(FO_FILE_MODIFIED, File->Flags & (FO_FILE_MODIFIED | FO_FILE_SIZE_CHANGED));
        CHECK_EQUAL(STATUS_SUCCESS, WriteSome(BYTES + 5000, 2000)); /* past the end */
        CHECK_EQUAL(BYTES + 7000, CheckFile(File));
        CHECK(File->Flags & FO_FILE_SIZE_CHANGED);
        CHECK(FcbOf(File)->Pages.Map.Runs->Count > 1);
        CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, MORE));
        CHECK_EQUAL(MORE, CheckFile(File));
        CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 4097));
        CHECK_EQUAL(4097, CheckFile(File));
        CHECK_EQUAL(STATUS_SUCCESS, IoSetInformation(File, FileAllocationInformation,
                                                     sizeof(Allocation), &Allocation));
        CHECK_EQUAL(100, CheckFile(File));
        CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OVERWRITE, 0, &Again));
        CHECK(Again->FsContext == File->FsContext);
        CHECK_EQUAL(0, CheckFile(File));
        CHECK_EQUAL(STATUS_SUCCESS, WriteSome(0, 20000));
        CHECK_EQUAL(20000, CheckFile(Again));
        CHECK_EQUAL(STATUS_SUCCESS, IoRenameFile(File, "\\other", FALSE));
        CHECK_EQUAL(20000, CheckFile(Again));
        IoCloseFile(Again);
        CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\other", FILE_SUPERSEDE, 0, &Again));
        CHECK_EQUAL(0, CheckFile(Again));
        IoCloseFile(Again);
        CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\new", FILE_CREATE, 0, &Again));
        CHECK_EQUAL(0, CheckFile(Again));
        IoCloseFile(Again);
        Finish();
    }
}

TEST(FatFsd_header_is_as_documented)
{
    PFSRTL_COMMON_FCB_HEADER Header;

    Start(&IoWorldFat16, 0);
    Header = File->FsContext;
    CHECK(Header->Resource != NULL && Header->PagingIoResource != NULL);
    CHECK(Header->Resource != Header->PagingIoResource);
    CHECK_EQUAL(FAT_NODE_TYPE_FILE, Header->NodeTypeCode);
    CHECK_EQUAL(sizeof(FAT_FCB), Header->NodeByteSize);
    CHECK_EQUAL(FastIoIsQuestionable, Header->IsFastIoPossible);
    CHECK(File->SectionObjectPointer == &FcbOf(File)->Section);
    Finish();
}

/* ---- the resources ---- */

static KEVENT Has;
static KEVENT Release;
static ULONG Order;

static void ShareResource(PVOID Context)
{
    PFSRTL_COMMON_FCB_HEADER Header = File->FsContext;
    PERESOURCE Resource = Context == NULL ? Header->Resource : Header->PagingIoResource;

    KeEnterCriticalRegion();
    CHECK(ExAcquireResourceSharedLite(Resource, TRUE));
    KeSetEvent(&Has, 0, FALSE);
    KeWaitForSingleObject(&Release, Executive, KernelMode, FALSE, NULL);
    CHECK_EQUAL(1, Order); /* nothing has changed the size yet */
    CHECK_EQUAL(BYTES, Header->FileSize.LowPart);
    Order = 2;
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
}

/* What the other thread finds while the size may not change. */
static void ReleaseLater(PVOID Context)
{
    LARGE_INTEGER Pause = {.QuadPart = -500000};
    ULONG Done;

    (void)Context;
    KeDelayExecutionThread(KernelMode, FALSE, &Pause);
    CHECK_EQUAL(0, Order);
    Order = 1;
    CHECK_EQUAL(STATUS_SUCCESS, IoOpenFile(IoVolume, "\\wall", FILE_READ_DATA, FILE_OPEN, 0,
                                           (PFILE_OBJECT *)Context)); /* the volume is not stuck */
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(*(PFILE_OBJECT *)Context, 0, IoBuffer, 10, &Done));
    IoCloseFile(*(PFILE_OBJECT *)Context);
    KeSetEvent(&Release, 0, FALSE);
}

static NTSTATUS ChangeSomehow(ULONG Way)
{
    PFILE_OBJECT Again;
    NTSTATUS Status;

    switch (Way) {
    case 0:
        return IoSetFileSize(File, 1);
    case 1:
        return WriteSome(BYTES, 10);
    default:
        Status = IoWorldOpen("\\file", FILE_OVERWRITE_IF, 0, &Again);
        if (NT_SUCCESS(Status)) {
            IoCloseFile(Again);
        }
        return Status;
    }
}

TEST(FatFsd_size_stays_while_somebody_has_one_of_the_resources)
{
    ULONG Way;

    for (Way = 0; Way < 6; Way++) {
        PFILE_OBJECT Other;

        Start(&IoWorldFat16, TestSeed());
        KeInitializeEvent(&Has, NotificationEvent, FALSE);
        KeInitializeEvent(&Release, NotificationEvent, FALSE);
        Order = 0;
        HostThreadCreate(ShareResource, Way % 2 == 0 ? NULL : &Has);
        KeWaitForSingleObject(&Has, Executive, KernelMode, FALSE, NULL);
        HostThreadCreate(ReleaseLater, &Other);
        CHECK_EQUAL(STATUS_SUCCESS, ChangeSomehow(Way / 2));
        CHECK_EQUAL(2, Order);
        (void)CheckFile(File);
        HostRunThreads();
        Finish();
    }
}

/* ---- failures: the n-th request, the n-th allocation ---- */

static NTSTATUS Change(ULONG Way)
{
    switch (Way) {
    case 0:
        return IoSetFileSize(File, MORE);
    case 1:
        return WriteSome(BYTES + 100, MORE - BYTES - 100);
    case 2:
        return IoSetFileSize(File, 700);
    default:
        return IoRenameFile(File, "\\d\\a long name that takes a few entries", FALSE);
    }
}

#define WAYS    4u
#define RENAMES 3u

static ULONG SizeAfter(ULONG Way)
{
    return Way < 2 ? MORE : Way == 2 ? 700 : BYTES;
}

/* A page write that the file let begin must not hit anybody else; then it is as good as new. */
static void CheckAfterFailure(ULONG Way)
{
    NTSTATUS Status;
    ULONG Size;
    PAGE_IO P;

    PageIoCreate(&P, 1, 0x77);
    Status = PageIoWrite(&P, File, 0);           /* bug check 0x23 if it writes where it may not */
    CHECK(NT_SUCCESS(Status) || Way != RENAMES); /* even while the file has no name */
    (void)PageIoWrite(&P, File, PAGE_SIZE);
    PageIoDelete(&P);
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File)); /* gives it its name */
    Size = CheckFile(File); /* asks the file system first, which finds out what is true */
    CHECK(Size == BYTES || Size == SizeAfter(Way));
    CHECK_EQUAL(STATUS_SUCCESS, WriteSome(0, 10));
    CHECK_EQUAL(Size, CheckFile(File));
    PageIoCreate(&P, 1, 0x78);
    CHECK_EQUAL(STATUS_SUCCESS, PageIoWrite(&P, File, 0));
    PageIoDelete(&P);
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, MORE + 5000));
    CHECK_EQUAL(MORE + 5000, CheckFile(File));
}

static void StartToFail(void)
{
    PFILE_OBJECT Folder;

    Start(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\d", FILE_CREATE, FILE_DIRECTORY_FILE, &Folder));
    IoCloseFile(Folder);
}

TEST(FatFsd_pages_of_a_file_are_right_whichever_disk_request_of_a_change_failed)
{
    DISK_OPERATION Operation;
    ULONG Failed = 0;
    ULONG Way;

    for (Way = 0; Way < WAYS; Way++) {
        for (Operation = DiskRead; Operation <= DiskFlush; Operation++) {
            ULONG Nth = 0;
            NTSTATUS Status;

            do {
                StartToFail();
                IoDisk.FailAt[Operation] = ++Nth;
                Status = Change(Way);
                IoDisk.FailAt[Operation] = 0;
                CHECK(NT_SUCCESS(Status) || Status == STATUS_IO_DEVICE_ERROR);
                CheckAfterFailure(Way);
                Failed += !NT_SUCCESS(Status);
                Finish();
            } while (!NT_SUCCESS(Status) && Nth < BOUND);
            CHECK(Nth < BOUND);
        }
    }
    CHECK(Failed > 40);
    printf("# figure R4 %u 0\n", (unsigned)Failed);
}

TEST(FatFsd_pages_of_a_file_are_right_on_a_disk_that_fails_for_a_while)
{
    ULONG Failed = 0;
    ULONG Way;

    for (Way = 0; Way < WAYS; Way++) {
        ULONG From = 0;
        NTSTATUS Status;

        do {
            StartToFail();
            IoDisk.FailFrom = ++From;
            Status = Change(Way);
            IoDisk.FailFrom = 0;
            CHECK(NT_SUCCESS(Status) || Status == STATUS_IO_DEVICE_ERROR);
            CheckAfterFailure(Way);
            Failed += !NT_SUCCESS(Status);
            Finish();
        } while (!NT_SUCCESS(Status) && From < BOUND);
        CHECK(From < BOUND);
    }
    CHECK(Failed > 40);
    printf("# figure R4 %u 0\n", (unsigned)Failed);
}

/* What the file did not get another one has, and the file grows elsewhere. */
TEST(FatFsd_runs_of_a_growth_that_failed_are_forgotten)
{
    ULONG From = 0;
    NTSTATUS Status;

    do {
        StartToFail();
        IoDisk.FailFrom = ++From;
        Status = Change(0);
        IoDisk.FailFrom = 0;
        IoWorldPut("\\taker", MORE, 9);
        CHECK_EQUAL(STATUS_SUCCESS, WriteSome(MORE, 10));
        CHECK_EQUAL(MORE + 10, CheckFile(File));
        CHECK(IoWorldHolds("\\taker", MORE, 9));
        Finish();
    } while (!NT_SUCCESS(Status) && From < BOUND);
    CHECK(From > 5 && From < BOUND);
}

/* Growth that has no memory for its runs does not happen. */
TEST(FatFsd_pages_of_a_file_are_right_whichever_allocation_of_a_change_failed)
{
    ULONG Failed = 0;
    ULONG Way;

    for (Way = 0; Way < WAYS; Way++) {
        ULONG Nth = 0;
        BOOLEAN Happened;

        do {
            NTSTATUS Status;

            StartToFail();
            MiFailPoolAllocation(++Nth);
            Status = Change(Way);
            Happened = MiPoolFailureHappened();
            MiFailPoolAllocation(0);
            CHECK(NT_SUCCESS(Status) || Status == STATUS_INSUFFICIENT_RESOURCES);
            CheckAfterFailure(Way);
            Failed += !NT_SUCCESS(Status);
            Finish();
        } while (Happened && Nth < BOUND);
        CHECK(Nth < BOUND);
    }
    CHECK(Failed >= 8);
}

TEST(FatFsd_open_without_memory_for_runs_fails_and_leaves_nothing)
{
    ULONG Nth = 0;
    ULONG Failed = 0;
    ULONG Bytes;
    BOOLEAN Happened;

    Start(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, WriteSome(MORE, 10)); /* two runs */
    IoCloseFile(File);
    Bytes = IoWorldPoolBytes();
    do {
        NTSTATUS Status;

        MiFailPoolAllocation(++Nth);
        Status = IoWorldOpen("\\file", FILE_OPEN, 0, &File);
        Happened = MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        CHECK(NT_SUCCESS(Status) || Status == STATUS_INSUFFICIENT_RESOURCES);
        if (NT_SUCCESS(Status)) {
            CHECK_EQUAL(MORE + 10, CheckFile(File));
            IoCloseFile(File);
        }
        Failed += !NT_SUCCESS(Status);
        CHECK_EQUAL(Bytes, IoWorldPoolBytes());
    } while (Happened && Nth < BOUND);
    CHECK(Failed >= 4 && Nth < BOUND);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    Finish();
}

/* ---- power cuts ---- */

#define CUTS 3u

/* A mapped file whose last page has rubbish behind the end, and then becomes longer. */
static NTSTATUS Grow(ULONG Way)
{
    PAGE_IO P;
    NTSTATUS Status;

    PageIoCreate(&P, 1, STALE);
    memset(P.Buffer, 0x42, BYTES - PAGE_SIZE);
    (void)PageIoWrite(&P, File, PAGE_SIZE);
    PageIoDelete(&P);
    switch (Way) {
    case 0:
        return IoSetFileSize(File, MORE);
    case 1:
        return WriteSome(BYTES + 700, MORE - BYTES - 700);
    default:
        Status = IoSetFileSize(File, 100);
        return NT_SUCCESS(Status) ? WriteSome(MORE - 10, 10) : Status;
    }
}

/* => Whether the file has its size and its contents of before, of between, or of afterwards. */
static BOOLEAN IsClean(void)
{
    ULONG64 Bytes;
    ULONG Done = 0;
    ULONG i;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(File, &Bytes));
    CHECK(Bytes == BYTES || Bytes == MORE || Bytes == 100);
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 0, IoBuffer, MORE, &Done));
    CHECK_EQUAL(Bytes, Done);
    for (i = 0; i < Done; i++) {
        BOOLEAN Old = i < BYTES && IoBuffer[i] == IoWorldByte(i, 5);

        if (!Old && IoBuffer[i] != 0x42 && (IoBuffer[i] != 0 || i < 100)) {
            return FALSE;
        }
    }
    return TRUE;
}

TEST(FatFsd_power_cut_never_shows_what_the_disk_held_before)
{
    ULONG Way;

    for (Way = 0; Way < CUTS; Way++) {
        ULONG Sectors;
        ULONG Left;

        Start(&IoWorldFat16, 0);
        CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
        IoDisk.Written = 0;
        CHECK_EQUAL(STATUS_SUCCESS, Grow(Way));
        Sectors = (ULONG)IoDisk.Written;
        CHECK_EQUAL(MORE, CheckFile(File));
        CHECK(IsClean());
        Finish();
        for (Left = 0; Left <= Sectors; Left++) {
            Start(&IoWorldFat16, 0);
            CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
            IoDisk.PowerLeft = Left;
            (void)Grow(Way);
            IoCloseFile(File);
            (void)IoDismountVolume(IoVolume); /* into the void */
            IoDisk.PowerLeft = HOST_DISK_ALWAYS;
            CHECK_EQUAL(STATUS_SUCCESS,
                        IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
            CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
            CHECK(IsClean());
            (void)CheckFile(File);
            Finish();
        }
    }
}
