/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_cache.c - what the cache has of files that change, go, or leave with their volume:
 * disk/fat/fsd_cache.c.
 */
#include "disk/fat/fsd_i.h"
#include "mm/cc/cache_map.h"
#include "mm/cc/dirty.h"
#include "mm/cc/lazy_writer.h"
#include "mm/section/section.h"
#include "tests/unit/file_cache_world.h"

#include <string.h>

static PFILE_OBJECT File;

static void Start(void)
{
    FcWorldStart(&IoWorldFat16, TestSeed());
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
}

static void WriteTo(PFILE_OBJECT To, ULONG Offset, ULONG Bytes, UCHAR Value)
{
    memset(IoBuffer, Value, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(To, Offset, IoBuffer, Bytes));
}

static BOOLEAN Holds(PFILE_OBJECT From, ULONG Offset, ULONG Bytes, UCHAR Value)
{
    ULONG Done = 0;
    ULONG i = 0;

    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(From, Offset, IoBuffer, Bytes, &Done));
    while (i < Done && IoBuffer[i] == Value) {
        i++;
    }
    return Done == Bytes && i == Bytes;
}

static BOOLEAN IsThere(PCSTR Path)
{
    PFILE_OBJECT Found;
    NTSTATUS Status = IoWorldOpen(Path, FILE_OPEN, 0, &Found);

    if (NT_SUCCESS(Status)) {
        IoCloseFile(Found);
    }
    return NT_SUCCESS(Status);
}

TEST(Deleted_file_is_forgotten_by_the_cache)
{
    FILE_DISPOSITION_INFORMATION Delete = {.DeleteFile = TRUE};
    PFILE_OBJECT Other;

    Start();
    WriteTo(File, 0, 20000, 0x11);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &Other));
    CHECK(Holds(Other, 0, 20000, 0x11));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileDispositionInformation, sizeof(Delete), &Delete));
    IoCloseFile(File);
    CHECK(CcTotalDirtyPages != 0);
    CHECK(Holds(Other, 0, 20000, 0x11)); /* until its last handle is closed */
    IoCloseFile(Other);
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK(IsListEmpty(&CcAllMaps));
    CHECK(!IsThere("\\file"));
    FcWorldFinish();
}

TEST(Deleted_file_that_becomes_read_only_before_it_is_closed_goes_all_the_same)
{
    PFILE_OBJECT Found;
    FILE_BASIC_INFORMATION Basic = {.FileAttributes = FILE_ATTRIBUTE_READONLY};
    FILE_DISPOSITION_INFORMATION Delete = {.DeleteFile = TRUE};

    Start();
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileDispositionInformation, sizeof(Delete), &Delete));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileBasicInformation, sizeof(Basic), &Basic));
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, IoWorldOpen("\\file", FILE_OPEN, 0, &Found));
    FcWorldFinish();
}

static ULONG FreeClusters(void)
{
    PFAT_VCB Vcb = ((PFAT_FCB)File->FsContext)->Vcb;
    FAT_FIGURES Figures;

    ExAcquireFastMutex(&Vcb->Mutex);
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(Vcb->Volume, &Figures));
    ExReleaseFastMutex(&Vcb->Mutex);
    return Figures.FreeClusters;
}

/* => Who has mapped it; it goes when it is closed. */
static PFILE_OBJECT MapAndDelete(PFILE_OBJECT Of)
{
    FILE_DISPOSITION_INFORMATION Delete = {.DeleteFile = TRUE};

    WriteTo(Of, 0, 20000, 0x11);
    ObReferenceObject(Of);
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(Of, FileDispositionInformation, sizeof(Delete), &Delete));
    FcWorldMap(Of);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPoke(Of, 0, 0x22));
    return Of;
}

static void Unmap(PFILE_OBJECT Mapped)
{
    FcWorldUnmap(Mapped);
    ObDereferenceObject(Mapped);
}

static NTSTATUS SetSize(PFILE_OBJECT Of, ULONG64 Bytes)
{
    LARGE_INTEGER Size = {.QuadPart = (LONGLONG)Bytes};

    return IoSetInformation(Of, FileEndOfFileInformation, sizeof(Size), &Size);
}

/* => The file that was File is deleted and mapped by this; File is another one. */
static PFILE_OBJECT StartOrphan(void)
{
    PFILE_OBJECT Mapped;
    PFILE_OBJECT Other;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\other", TRUE, &Other));
    Mapped = MapAndDelete(File);
    IoCloseFile(File);
    File = Other;
    return Mapped;
}

TEST(A_volume_is_full_when_deleted_files_that_nobody_maps_gave_their_clusters_back)
{
    ULONG ByWriting;

    for (ByWriting = 0; ByWriting < 2; ByWriting++) {
        PFILE_OBJECT Mapped;
        PFAT_VCB Vcb;
        ULONG64 Left;

        Mapped = StartOrphan();
        Vcb = ((PFAT_FCB)File->FsContext)->Vcb;
        CHECK_EQUAL(1, Vcb->Orphans);
        Left = (ULONG64)FreeClusters() * Vcb->Volume->ClusterBytes;
        CHECK_EQUAL(STATUS_DISK_FULL, SetSize(File, Left + 1)); /* it is mapped */
        CHECK_EQUAL(1, Vcb->Orphans);
        Unmap(Mapped);
        if (ByWriting) {
            CHECK_EQUAL(STATUS_SUCCESS, SetSize(File, Left - 100));
            WriteTo(File, (ULONG)Left - 100, 10000, 0x33);
            CHECK(Holds(File, (ULONG)Left - 100, 10000, 0x33));
        } else {
            CHECK_EQUAL(STATUS_SUCCESS, SetSize(File, Left + 10000));
        }
        CHECK_EQUAL(0, Vcb->Orphans);
        IoCloseFile(File);
        FcWorldFinish();
    }
}

TEST(Deleted_file_that_nobody_maps_any_more_is_not_written)
{
    PFILE_OBJECT Mapped;
    ULONG64 Written;

    Mapped = StartOrphan();
    Unmap(Mapped);
    WriteTo(File, 0, 3 * PAGE_SIZE, 0x33);
    CHECK(CcTotalDirtyPages > 3);
    Written = IoDisk.Written;
    FatLetGoOrphans(((PFAT_FCB)File->FsContext)->Vcb);
    CHECK_EQUAL(0, ((PFAT_FCB)File->FsContext)->Vcb->Orphans);
    CHECK_EQUAL(3, CcTotalDirtyPages);    /* the other file's are left alone */
    CHECK(IoDisk.Written - Written < 20); /* the FATs alone: its data is 40 sectors */
    CHECK(Holds(File, 0, 3 * PAGE_SIZE, 0x33));
    IoCloseFile(File);
    FcWorldFinish();
}

TEST(Volume_is_not_in_order_while_a_deleted_file_has_clusters)
{
    FILE_FS_SIZE_INFORMATION Size;
    PFILE_OBJECT Mapped;
    PFAT_VCB Vcb;
    ULONG Returned;

    Mapped = StartOrphan();
    Vcb = ((PFAT_FCB)File->FsContext)->Vcb;
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    CHECK(Vcb->Volume->Changing); /* they are lost, should the power go now */
    Unmap(Mapped);
    CHECK_EQUAL(1, Vcb->Orphans);
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryVolumeInformation(File, FileFsSizeInformation, sizeof(Size),
                                                         &Size, &Returned));
    CHECK_EQUAL(0, Vcb->Orphans); /* who asks for room finds theirs */
    CHECK_EQUAL(FreeClusters(), Size.AvailableAllocationUnits.QuadPart);
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    CHECK(!Vcb->Volume->Changing);
    IoCloseFile(File);
    FcWorldFinish();
}

static FAT_SECTION_CALLS Calls;
static ULONG Asked;

static BOOLEAN NTAPI OpensMeanwhile(PSECTION_OBJECT_POINTERS Section, MMFLUSH_TYPE Type)
{
    PFILE_OBJECT Other;

    if (Asked++ == 0) {
        CHECK_EQUAL(STATUS_DELETE_PENDING, IoWorldOpen("\\file", FILE_OPEN, 0, &Other));
    }
    return Calls.FlushImageSection(Section, Type);
}

TEST(File_that_goes_with_its_last_handle_is_not_opened_once_its_data_is_to_be_forgotten)
{
    Start();
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, FILE_DELETE_ON_CLOSE, &File));
    WriteTo(File, 0, 20000, 0x11);
    Calls = FatSectionCalls;
    Asked = 0;
    FatSectionCalls.FlushImageSection = OpensMeanwhile;
    IoCloseFile(File);
    FatSectionCalls = Calls;
    CHECK(Asked != 0);
    CHECK(!IsThere("\\file"));
    FcWorldFinish();
}

#define LONG_NAME "\\a name of more than one sector's entries because others come before it"

/* => TRUE: the Nth write of what takes the name away failed. */
static BOOLEAN FailsToDelete(ULONG Nth)
{
    PFILE_OBJECT Mapped;
    PFILE_OBJECT Other;
    BOOLEAN Failed;
    UCHAR Byte = 0;
    char Name[] = "\\A";

    FcWorldStart(&IoWorldFat16, TestSeed());
    for (; Name[1] < 'M'; Name[1]++) { /* the long name's entries cross a sector */
        IoWorldPut(Name, 1, 1);
    }
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\A", TRUE, &Other));
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen(LONG_NAME, TRUE, &File));
    Mapped = MapAndDelete(File);
    IoDisk.FailAt[DiskWrite] = Nth;
    IoCloseFile(File);
    Failed = IoDisk.FailAt[DiskWrite] == 0;
    IoDisk.FailAt[DiskWrite] = 0;
    File = Other;
    if (IsThere(LONG_NAME)) {
        CHECK(!((PFAT_FCB)Mapped->FsContext)->Deleted && !((PFAT_FCB)Mapped->FsContext)->Lost);
        CHECK_EQUAL(0, ((PFAT_FCB)Mapped->FsContext)->Orphan);
        Unmap(Mapped);
        CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen(LONG_NAME, FALSE, &File));
        CHECK(Holds(File, 1, 19999, 0x11)); /* its clusters are its own still */
        IoCloseFile(File);
    } else {
        ULONG Took;

        CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen(LONG_NAME, TRUE, &File)); /* in its place */
        CHECK(File->FsContext != Mapped->FsContext);
        WriteTo(File, 0, 20000, 0x33);
        CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
        FcWorldTrim();
        CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(Mapped, 0, &Byte));
        CHECK_EQUAL(0x22, Byte);
        CHECK(Holds(File, 0, 20000, 0x33));
        Took = FreeClusters();
        Unmap(Mapped);
        FatLetGoOrphans(((PFAT_FCB)File->FsContext)->Vcb);
        CHECK_EQUAL(Took + 20, FreeClusters());
        IoCloseFile(File);
    }
    IoCloseFile(Other);
    FcWorldFinish();
    return Failed;
}

TEST(Deleted_file_that_a_user_maps_is_whole_or_gone_whatever_write_fails)
{
    ULONG Nth = 1;

    while (FailsToDelete(Nth)) {
        Nth++;
    }
    CHECK(Nth > 2);
}

TEST(Deleted_file_that_a_user_maps_keeps_its_data_until_the_last_view_has_gone)
{
    FILE_DISPOSITION_INFORMATION Delete = {.DeleteFile = TRUE};
    PFILE_OBJECT Mapped;
    ULONG Free;
    UCHAR Byte = 0;

    Start();
    Free = FreeClusters();
    WriteTo(File, 0, 20000, 0x11);
    Mapped = File;
    ObReferenceObject(Mapped);
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileDispositionInformation, sizeof(Delete), &Delete));
    FcWorldMap(Mapped);
    CHECK_EQUAL(STATUS_CANNOT_DELETE,
                IoSetInformation(File, FileDispositionInformation, sizeof(Delete), &Delete));
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPoke(Mapped, 0, 0x22));
    IoCloseFile(File);
    CHECK(!IsThere("\\file"));
    while (CciLazyWriteRound() != 0) {
        continue;
    }
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK_EQUAL(0, CcDirtyCounters.FailedWrites);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File)); /* another one */
    WriteTo(File, 0, 20000, 0x33);
    FcWorldTrim();
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(Mapped, 0, &Byte));
    CHECK_EQUAL(0x22, Byte);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(Mapped, 19999, &Byte));
    CHECK_EQUAL(0x11, Byte);
    CHECK(Holds(File, 0, 20000, 0x33));
    CHECK(FreeClusters() <= Free - 40); /* both are there */
    FcWorldUnmap(Mapped);
    ObDereferenceObject(Mapped);
    CHECK(!IsThere("\\other")); /* with the next opening its clusters are free */
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileDispositionInformation, sizeof(Delete), &Delete));
    Mapped = File;
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\other", TRUE, &File));
    IoCloseFile(Mapped);
    CHECK_EQUAL(Free, FreeClusters());
    IoCloseFile(File);
    FcWorldFinish();
}

TEST(Cut_file_loses_what_the_cache_has_behind_the_end)
{
    Start();
    WriteTo(File, 0, 20000, 0x11);
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 5000));
    CHECK_EQUAL(2, CcTotalDirtyPages);
    CHECK(Holds(File, 0, 5000, 0x11));
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 20000));
    CHECK(Holds(File, 5000, 15000, 0));
    FcWorldMap(File);
    CHECK_EQUAL(STATUS_USER_MAPPED_FILE, IoSetFileSize(File, 100));
    CHECK(Holds(File, 0, 5000, 0x11));
    FcWorldUnmap(File);
    IoCloseFile(File);
    FcWorldFinish();
}

static BOOLEAN NTAPI MayTruncate(PSECTION_OBJECT_POINTERS Pointers, PLARGE_INTEGER Bytes)
{
    (void)Pointers;
    (void)Bytes;
    return TRUE; /* no view goes so far */
}

TEST(File_grows_with_zeroes_where_pages_could_not_be_forgotten)
{
    FAT_SECTION_CALLS Before = FatSectionCalls;
    UCHAR Byte = 1;

    Start();
    FatSectionCalls.CanFileBeTruncated = MayTruncate;
    WriteTo(File, 0, 20000, 0x11);
    FcWorldMap(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(File, 9000, &Byte));
    CHECK_EQUAL(0x11, Byte);
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 5000));
    CHECK(((PFAT_FCB)File->FsContext)->Behind);
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 10000));
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(File, 9000, &Byte));
    CHECK_EQUAL(0, Byte);
    WriteTo(File, 15000, 10, 0x22);
    CHECK(Holds(File, 5000, 10000, 0));
    CHECK(Holds(File, 0, 5000, 0x11));
    FcWorldUnmap(File);
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 4000));
    CHECK(!((PFAT_FCB)File->FsContext)->Behind);
    IoCloseFile(File);
    FatSectionCalls = Before;
    FcWorldFinish();
}

TEST(File_that_is_not_cached_grows_with_zeroes_in_the_page_that_a_view_wrote_to)
{
    PFILE_OBJECT Direct;
    UCHAR Byte = 1;

    Start();
    WriteTo(File, 0, 5000, 0x11);
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", FALSE, &Direct));
    FcWorldMap(Direct);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPoke(Direct, 6000, 0x77)); /* behind the end, in its page */
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(Direct, 7000));
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(Direct, 6000, &Byte));
    CHECK_EQUAL(0, Byte);
    CHECK(Holds(Direct, 5000, 2000, 0));
    FcWorldUnmap(Direct);
    IoCloseFile(Direct);
    FcWorldFinish();
}

TEST(Closed_file_that_is_dirty_leaves_with_its_volume)
{
    Start();
    WriteTo(File, 0, 20000, 0x11);
    IoCloseFile(File);
    CHECK(CcTotalDirtyPages != 0);
    IoDisk.FailFrom = 1;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, IoDismountVolume(IoVolume)); /* nothing is lost */
    IoDisk.FailFrom = 0;
    CHECK(CcTotalDirtyPages != 0);
    IoWorldRemount();
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK(Holds(File, 0, 20000, 0x11));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoDismountVolume(IoVolume));
    IoCloseFile(File);
    FcWorldFinish();
}

/* Its section waits for a thread to delete it. */
TEST(Closed_file_whose_last_page_has_gone_leaves_with_its_volume)
{
    Start();
    WriteTo(File, 0, 20000, 0x11);
    IoCloseFile(File);
    while (CciLazyWriteRound() != 0) {
        continue;
    }
    CHECK_EQUAL(0, MiUnusedSegments);
    FcWorldTrim();
    CHECK_EQUAL(1, MiUnusedSegments);
    IoWorldRemount();
    CHECK_EQUAL(0, MiUnusedSegments);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK(Holds(File, 0, 20000, 0x11));
    IoCloseFile(File);
    FcWorldFinish();
}

TEST(All_files_are_written_when_the_machine_ends)
{
    PFILE_OBJECT Other;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\other", TRUE, &Other));
    WriteTo(File, 0, 5000, 0x11);
    WriteTo(Other, 0, 9000, 0x22);
    IoCloseFile(Other);
    IoDisk.FailFrom = 1;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, IoFlushFileSystems());
    IoDisk.FailFrom = 0;
    CHECK(CcTotalDirtyPages != 0);
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFileSystems());
    CHECK_EQUAL(0, CcTotalDirtyPages);
    WriteTo(File, 0, 100, 0x33);
    CHECK_EQUAL(STATUS_SUCCESS, IoShutdownSystem());
    CHECK_EQUAL(0, CcTotalDirtyPages);
    IoCloseFile(File);
    FcWorldFinish();
}

TEST(Written_file_has_a_new_time_when_it_is_closed)
{
    FILE_BASIC_INFORMATION Before = {.FileAttributes = 0};
    FILE_BASIC_INFORMATION After = {.FileAttributes = 0};
    LARGE_INTEGER Old = {.QuadPart = 125000000000000000ll};
    ULONG Returned;

    Start();
    WriteTo(File, 0, 100, 0x11);
    Before.LastWriteTime = Old;
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileBasicInformation, sizeof(Before), &Before));
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileBasicInformation, sizeof(Before), &Before));
    WriteTo(File, 0, 50, 0x22); /* not longer: the entry does not change yet */
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileInformation(File, FileBasicInformation, sizeof(After),
                                                       &After, &Returned));
    CHECK(After.LastWriteTime.QuadPart != Old.QuadPart);
    IoCloseFile(File);
    FcWorldFinish();
}

TEST(Temporary_file_is_not_written_while_it_is_open)
{
    const IO_OPEN Open = {
        .Path = "\\temporary",
        .DesiredAccess = IO_ALL_ACCESS,
        .Disposition = FILE_CREATE,
        .Options = FILE_NON_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE,
        .ShareAccess = IO_SHARE_ALL,
        .FileAttributes = FILE_ATTRIBUTE_TEMPORARY,
    };

    FcWorldStart(&IoWorldFat16, TestSeed());
    CHECK_EQUAL(STATUS_SUCCESS, IoOpenFileEx(IoVolume, &Open, &File));
    WriteTo(File, 0, 20000, 0x11);
    CHECK_EQUAL(0, CciLazyWriteRound());
    IoCloseFile(File);
    CHECK_EQUAL(0, CcDirtyCounters.Written); /* it was never on the disk but for its length */
    FcWorldFinish();
}

/* Pages that a user has mapped cannot be forgotten: the write goes by them. */
TEST(Write_past_the_cache_to_a_mapped_page_is_in_the_view_and_on_the_disk)
{
    PFILE_OBJECT Direct;
    UCHAR Byte = 0;

    Start();
    WriteTo(File, 0, 20000, 0x11);
    FcWorldMap(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPoke(File, 5000, 0x22));
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", FALSE, &Direct));
    WriteTo(Direct, 4096, 512, 0x33);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(File, 4096 + 511, &Byte));
    CHECK_EQUAL(0x33, Byte);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(File, 5000, &Byte));
    CHECK_EQUAL(0x22, Byte);
    CHECK(Holds(Direct, 4096, 512, 0x33));
    CHECK(Holds(File, 4096, 512, 0x33));
    CHECK(Holds(File, 5001, 3000, 0x11));
    WriteTo(Direct, 20480, 512, 0x44); /* and makes it longer */
    CHECK(Holds(File, 20480, 512, 0x44));
    CHECK(Holds(Direct, 20000, 480, 0));
    IoCloseFile(Direct);
    FcWorldUnmap(File);
    IoCloseFile(File);
    FcWorldFinish();
}
