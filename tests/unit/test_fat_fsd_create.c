/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_create.c - IRP_MJ_CREATE: dispositions, kinds, attributes, sharing, deletion.
 *
 * A filter above the file system notes each create request's IoStatus.Information.
 */
#include "disk/fat/fsd_i.h"
#include "tests/unit/io_world.h"

#include <string.h>

static PDEVICE_OBJECT Filter;
static PDEVICE_OBJECT Below;
static ULONG_PTR LastInformation;

static NTSTATUS NTAPI Note(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    CHECK(DeviceObject == Filter);
    (void)Context;
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE) {
        LastInformation = NT_SUCCESS(Irp->IoStatus.Status) ? Irp->IoStatus.Information : 99;
    }
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI Pass(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    CHECK(DeviceObject == Filter);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, Note, NULL, TRUE, TRUE, TRUE);
    return IoCallDriver(Below, Irp);
}

static NTSTATUS NTAPI FilterEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG Index;

    (void)RegistryPath;
    for (Index = 0; Index <= IRP_MJ_MAXIMUM_FUNCTION; Index++) {
        DriverObject->MajorFunction[Index] = Pass;
    }
    return IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &Filter);
}

static void Start(void)
{
    IoWorldStart(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateDriver(NULL, FilterEntry));
    Below = IoAttachDeviceToDeviceStack(Filter, IoVolume->Vpb->DeviceObject);
    CHECK(Below == IoVolume->Vpb->DeviceObject);
}

static void Finish(void)
{
    PDRIVER_OBJECT Driver = Filter->DriverObject;

    IoDetachDevice(Below);
    IoDeleteDevice(Filter);
    IoDeleteDriver(Driver);
    IoWorldFinish();
}

/* Open and close.  => The status; LastInformation is what was done. */
static NTSTATUS Try(PCSTR Path, ULONG Disposition, ULONG Options)
{
    PFILE_OBJECT File;
    NTSTATUS Status = IoWorldOpen(Path, Disposition, Options, &File);

    if (NT_SUCCESS(Status)) {
        IoCloseFile(File);
    }
    return Status;
}

static NTSTATUS TryShared(PCSTR Path, ACCESS_MASK Access, ULONG Share, PFILE_OBJECT *File)
{
    const IO_OPEN Open = {
        .Path = Path, .DesiredAccess = Access, .Disposition = FILE_OPEN, .ShareAccess = Share};

    return IoOpenFileEx(IoVolume, &Open, File);
}

static NTSTATUS TryEmptying(ULONG Disposition, ACCESS_MASK Access, PFILE_OBJECT *File)
{
    const IO_OPEN Open = {.Path = "\\f",
                          .DesiredAccess = Access,
                          .Disposition = Disposition,
                          .ShareAccess = IO_SHARE_ALL};

    return IoOpenFileEx(IoVolume, &Open, File);
}

/* ---- dispositions ---- */

TEST(FatFsd_create_follows_the_table_of_dispositions)
{
    static const struct {
        ULONG Disposition;
        NTSTATUS Absent;
        ULONG_PTR AbsentDid;
        NTSTATUS There;
        ULONG_PTR ThereDid;
        BOOLEAN Empties;
    } Rows[] = {
        {FILE_SUPERSEDE, 0, FILE_CREATED, 0, FILE_SUPERSEDED, TRUE},
        {FILE_OPEN, STATUS_OBJECT_NAME_NOT_FOUND, 99, 0, FILE_OPENED, FALSE},
        {FILE_CREATE, 0, FILE_CREATED, STATUS_OBJECT_NAME_COLLISION, 99, FALSE},
        {FILE_OPEN_IF, 0, FILE_CREATED, 0, FILE_OPENED, FALSE},
        {FILE_OVERWRITE, STATUS_OBJECT_NAME_NOT_FOUND, 99, 0, FILE_OVERWRITTEN, TRUE},
        {FILE_OVERWRITE_IF, 0, FILE_CREATED, 0, FILE_OVERWRITTEN, TRUE},
    };
    ULONG Index;

    Start();
    for (Index = 0; Index < RTL_NUMBER_OF(Rows); Index++) {
        CHECK_EQUAL(Rows[Index].Absent, Try("\\file", Rows[Index].Disposition, 0));
        CHECK_EQUAL(Rows[Index].AbsentDid, LastInformation);
        IoWorldPut("\\file", 100, 1);
        CHECK_EQUAL(Rows[Index].There, Try("\\file", Rows[Index].Disposition, 0));
        CHECK_EQUAL(Rows[Index].ThereDid, LastInformation);
        CHECK(IoWorldHolds("\\file", Rows[Index].Empties ? 0 : 100, 1));
        CHECK_EQUAL(STATUS_SUCCESS, IoDeleteFile(IoVolume, "\\file"));
    }
    Finish();
}

TEST(FatFsd_create_refuses_what_makes_no_sense)
{
    PFILE_OBJECT File;

    Start();
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Try("\\x", 6, 0));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                Try("\\x", FILE_OPEN, FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Try("\\x", FILE_OVERWRITE, FILE_DIRECTORY_FILE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Try("\\x", FILE_OPEN, 0x01000000));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, IoOpenFile(IoVolume, "\\x", FILE_READ_DATA, FILE_CREATE,
                                                     FILE_DELETE_ON_CLOSE, &File));
    CHECK_EQUAL(STATUS_NOT_SUPPORTED, Try("\\x", FILE_OPEN, FILE_OPEN_BY_FILE_ID));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, Try("\\a\xFF", FILE_CREATE, 0));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, Try("\\a*b", FILE_CREATE, 0));
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, Try("\\none\\x", FILE_CREATE, 0));
    Finish();
}

TEST(FatFsd_create_tells_files_and_directories_apart)
{
    Start();
    CHECK_EQUAL(STATUS_SUCCESS, Try("\\dir", FILE_CREATE, FILE_DIRECTORY_FILE));
    CHECK_EQUAL(FILE_CREATED, LastInformation);
    IoWorldPut("\\file", 1, 1);
    CHECK_EQUAL(STATUS_FILE_IS_A_DIRECTORY, Try("\\dir", FILE_OPEN, FILE_NON_DIRECTORY_FILE));
    CHECK_EQUAL(STATUS_NOT_A_DIRECTORY, Try("\\file", FILE_OPEN, FILE_DIRECTORY_FILE));
    CHECK_EQUAL(STATUS_NOT_A_DIRECTORY, Try("\\file\\", FILE_OPEN, 0));
    CHECK_EQUAL(STATUS_SUCCESS, Try("\\dir\\", FILE_OPEN, 0));
    CHECK_EQUAL(STATUS_SUCCESS, Try("\\", FILE_OPEN, FILE_DIRECTORY_FILE));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, Try("\\new\\", FILE_CREATE, 0));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, Try("\\dir", FILE_OVERWRITE, 0));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, Try("\\dir", FILE_CREATE, FILE_DIRECTORY_FILE));
    CHECK_EQUAL(STATUS_CANNOT_DELETE, Try("\\", FILE_OPEN, FILE_DELETE_ON_CLOSE));
    CHECK_EQUAL(STATUS_FILE_IS_A_DIRECTORY,
                IoOpenPagingFile(IoVolume, "\\dir", 0, &(PFILE_OBJECT){0}));
    Finish();
}

TEST(FatFsd_create_respects_attributes)
{
    const IO_OPEN Make = {
        .Path = "\\hidden",
        .DesiredAccess = FILE_WRITE_DATA,
        .Disposition = FILE_CREATE,
        .FileAttributes = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_READONLY,
    };
    PFILE_OBJECT File;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, IoOpenFileEx(IoVolume, &Make, &File)); /* its maker may write */
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(File, 0, "abc", 3));
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, Try("\\hidden", FILE_OPEN, 0)); /* wants to write */
    CHECK_EQUAL(STATUS_ACCESS_DENIED, Try("\\hidden", FILE_OVERWRITE, 0));
    CHECK_EQUAL(STATUS_CANNOT_DELETE, IoDeleteFile(IoVolume, "\\hidden"));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoOpenFile(IoVolume, "\\hidden", FILE_READ_DATA, FILE_OPEN, 0, &File));
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_CANNOT_DELETE,
                IoOpenFile(IoVolume, "\\hidden", DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE, &File));
    Finish();
}

/* ---- sharing: one FCB ---- */

TEST(FatFsd_openings_of_one_file_share_it)
{
    PFILE_OBJECT First;
    PFILE_OBJECT Second;
    ULONG Done;

    Start();
    IoWorldPut("\\A long name.txt", 10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\A long name.txt", FILE_OPEN, 0, &First));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("/ALONGN~1.TXT", FILE_OPEN, 0, &Second));
    CHECK(First != Second);
    CHECK(First->FsContext == Second->FsContext);
    CHECK(First->FsContext2 != Second->FsContext2);
    CHECK(First->SectionObjectPointer == Second->SectionObjectPointer);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(First, 10, "more", 4));
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(Second, 8, IoBuffer, 100, &Done));
    CHECK_EQUAL(6, Done);
    CHECK(memcmp(IoBuffer + 2, "more", 4) == 0);
    IoCloseFile(First);
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(Second, 0, IoBuffer, 100, &Done));
    CHECK_EQUAL(14, Done);
    IoCloseFile(Second);
    Finish();
}

TEST(FatFsd_sharing_violations_are_those_of_the_counts)
{
    PFILE_OBJECT Reader;
    PFILE_OBJECT Other;

    Start();
    IoWorldPut("\\f", 10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, TryShared("\\f", FILE_READ_DATA, FILE_SHARE_READ, &Reader));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, TryShared("\\f", FILE_WRITE_DATA, IO_SHARE_ALL, &Other));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, TryShared("\\f", DELETE, IO_SHARE_ALL, &Other));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION,
                TryShared("\\f", FILE_READ_DATA, FILE_SHARE_WRITE, &Other));
    CHECK_EQUAL(STATUS_SUCCESS, TryShared("\\f", FILE_READ_DATA, FILE_SHARE_READ, &Other));
    IoCloseFile(Other);
    CHECK_EQUAL(STATUS_SUCCESS, TryShared("\\f", FILE_READ_ATTRIBUTES, 0, &Other));
    IoCloseFile(Other);
    IoCloseFile(Reader);
    CHECK_EQUAL(STATUS_SUCCESS, TryShared("\\f", FILE_WRITE_DATA, 0, &Other));
    IoCloseFile(Other);
    Finish();
}

/* Emptying is writing, replacing is deleting, whatever access is asked for. */
TEST(FatFsd_overwrites_nothing_under_who_shares_no_writing)
{
    PFILE_OBJECT Reader;
    PFILE_OBJECT Other;

    Start();
    IoWorldPut("\\f", 700, 3);
    CHECK_EQUAL(STATUS_SUCCESS, TryShared("\\f", FILE_READ_DATA, FILE_SHARE_READ, &Reader));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, TryEmptying(FILE_OVERWRITE, FILE_READ_DATA, &Other));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION,
                TryEmptying(FILE_OVERWRITE_IF, FILE_READ_ATTRIBUTES, &Other));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, TryEmptying(FILE_SUPERSEDE, FILE_READ_DATA, &Other));
    IoCloseFile(Reader);
    CHECK(IoWorldHolds("\\f", 700, 3));
    CHECK_EQUAL(STATUS_SUCCESS, TryShared("\\f", FILE_READ_DATA, IO_SHARE_ALL, &Reader));
    CHECK_EQUAL(STATUS_SUCCESS, TryEmptying(FILE_OVERWRITE, FILE_READ_DATA, &Other));
    CHECK(!Other->WriteAccess && Other->ReadAccess);
    IoCloseFile(Other);
    IoCloseFile(Reader);
    Finish();
}

/* A new opening after the last one was cleaned up, while a reference to it is left. */
TEST(FatFsd_sharing_ends_with_the_cleanup_and_not_with_the_close)
{
    PFILE_OBJECT First;
    PFILE_OBJECT Second;
    ULONG Done;

    Start();
    IoWorldPut("\\f", 10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, TryShared("\\f", FILE_READ_DATA | DELETE, 0, &First));
    IoReferenceFile(First);
    IoCloseFile(First);
    CHECK_EQUAL(STATUS_FILE_CLOSED, IoReadFile(First, 0, IoBuffer, 1, &Done));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoDismountVolume(IoVolume));
    CHECK_EQUAL(STATUS_SUCCESS, TryShared("\\f", FILE_READ_DATA, 0, &Second));
    CHECK(First->FsContext == Second->FsContext);
    IoDereferenceFile(First);
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(Second, 0, IoBuffer, 1, &Done));
    IoCloseFile(Second);
    Finish();
}

TEST(FatFsd_create_of_what_is_there_is_a_collision_whatever_it_is)
{
    const IO_OPEN Alone = {
        .Path = "\\f", .DesiredAccess = FILE_READ_DATA, .Disposition = FILE_OPEN};
    PFILE_OBJECT First;

    Start();
    IoWorldPut("\\f", 10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, Try("\\dir", FILE_CREATE, FILE_DIRECTORY_FILE));
    CHECK_EQUAL(STATUS_SUCCESS, IoOpenFileEx(IoVolume, &Alone, &First));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, Try("\\f", FILE_OPEN, 0));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, Try("\\f", FILE_CREATE, 0));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, Try("\\f", FILE_CREATE, FILE_DIRECTORY_FILE));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, Try("\\dir", FILE_CREATE, FILE_NON_DIRECTORY_FILE));
    IoCloseFile(First);
    Finish();
}

/* As after a rename that failed, when the directory could not be read either. */
static PFAT_FCB Lose(PFILE_OBJECT File)
{
    PFAT_FCB Fcb = File->FsContext;

    Fcb->Lost = TRUE;
    return Fcb;
}

TEST(FatFsd_openings_find_the_file_whose_place_was_lost)
{
    PFILE_OBJECT First;
    PFILE_OBJECT Second;
    PFAT_FCB Fcb;

    Start();
    IoWorldPut("\\f", 10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\f", FILE_OPEN, 0, &First));
    IoReferenceFile(First); /* as a section does */
    IoCloseFile(First);
    Fcb = Lose(First);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\f", FILE_OPEN, 0, &Second));
    CHECK(Second->FsContext == Fcb && !Fcb->Lost);
    IoCloseFile(Second);
    IoDereferenceFile(First);
    Finish();
}

TEST(FatFsd_a_file_whose_place_was_lost_is_no_other_of_its_name)
{
    PFILE_OBJECT Old;
    PFILE_OBJECT New;
    PFAT_FCB Fcb;
    ULONG Done;

    Start();
    IoWorldPut("\\f", 10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\f", FILE_OPEN, 0, &Old));
    Fcb = Lose(Old);
    CHECK_EQUAL(STATUS_SUCCESS, FatDelete(Fcb->Vcb->Volume, "\\f"));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\f", FILE_CREATE, 0, &New));
    CHECK(New->FsContext != Fcb);
    CHECK_EQUAL(STATUS_FILE_CLOSED, IoReadFile(Old, 0, IoBuffer, 1, &Done));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(New, 0, "x", 1));
    IoCloseFile(New);
    IoCloseFile(Old);
    Finish();
}

/* ---- deletion ---- */

TEST(FatFsd_delete_on_close_waits_for_the_last_handle)
{
    PFILE_OBJECT First;
    PFILE_OBJECT Second;

    Start();
    IoWorldPut("\\f", 1000, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\f", FILE_OPEN, FILE_DELETE_ON_CLOSE, &First));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\f", FILE_OPEN, 0, &Second));
    IoCloseFile(First);
    CHECK_EQUAL(STATUS_DELETE_PENDING, Try("\\f", FILE_OPEN, 0));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(Second, 2000, "x", 1)); /* it still works */
    IoCloseFile(Second);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Try("\\f", FILE_OPEN, 0));
    Finish();
}

TEST(FatFsd_disposition_can_be_taken_back)
{
    FILE_DISPOSITION_INFORMATION Delete = {.DeleteFile = TRUE};
    FILE_DISPOSITION_INFORMATION Keep = {.DeleteFile = FALSE};
    PFILE_OBJECT File;

    Start();
    IoWorldPut("\\f", 10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\f", FILE_OPEN, 0, &File));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileDispositionInformation, sizeof(Delete), &Delete));
    CHECK_EQUAL(STATUS_DELETE_PENDING, Try("\\f", FILE_OPEN, 0));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileDispositionInformation, sizeof(Keep), &Keep));
    IoCloseFile(File);
    CHECK(IoWorldHolds("\\f", 10, 1));
    Finish();
}

TEST(FatFsd_directory_is_deleted_only_when_it_is_empty)
{
    Start();
    CHECK_EQUAL(STATUS_SUCCESS, Try("\\dir", FILE_CREATE, FILE_DIRECTORY_FILE));
    IoWorldPut("\\dir\\f", 1, 1);
    CHECK_EQUAL(STATUS_DIRECTORY_NOT_EMPTY, IoDeleteFile(IoVolume, "\\dir"));
    CHECK_EQUAL(STATUS_SUCCESS, IoDeleteFile(IoVolume, "\\dir\\f"));
    CHECK_EQUAL(STATUS_SUCCESS, IoDeleteFile(IoVolume, "\\dir"));
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, Try("\\dir\\f", FILE_OPEN, 0));
    CHECK_EQUAL(STATUS_CANNOT_DELETE, IoDeleteFile(IoVolume, "\\"));
    Finish();
}

TEST(FatFsd_nothing_is_made_in_a_directory_that_is_to_be_deleted)
{
    FILE_DISPOSITION_INFORMATION Delete = {.DeleteFile = TRUE};
    FILE_DISPOSITION_INFORMATION Keep = {.DeleteFile = FALSE};
    PFILE_OBJECT Directory;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, Try("\\dir", FILE_CREATE, FILE_DIRECTORY_FILE));
    CHECK_EQUAL(STATUS_SUCCESS, Try("\\other", FILE_CREATE, FILE_DIRECTORY_FILE));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\dir", FILE_OPEN, FILE_DIRECTORY_FILE, &Directory));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(Directory, FileDispositionInformation, sizeof(Delete), &Delete));
    CHECK_EQUAL(STATUS_DELETE_PENDING, Try("\\DIR\\f", FILE_CREATE, 0));
    CHECK_EQUAL(STATUS_DELETE_PENDING, Try("\\dir\\sub", FILE_OPEN_IF, FILE_DIRECTORY_FILE));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Try("\\dir\\f", FILE_OPEN, 0));
    CHECK_EQUAL(STATUS_SUCCESS, Try("\\other\\f", FILE_CREATE, 0));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(Directory, FileDispositionInformation, sizeof(Keep), &Keep));
    CHECK_EQUAL(STATUS_SUCCESS, Try("\\dir\\f", FILE_CREATE, 0));
    IoCloseFile(Directory);
    Finish();
}

/* The entry's place is used by a new file while the deleted one's object is still there. */
TEST(FatFsd_deleted_files_object_is_no_other_files)
{
    PFILE_OBJECT Old;
    PFILE_OBJECT New;

    Start();
    IoWorldPut("\\f", 10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\f", FILE_OPEN, FILE_DELETE_ON_CLOSE, &Old));
    IoReferenceFile(Old);
    IoCloseFile(Old);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\g", FILE_CREATE, 0, &New));
    CHECK(New->FsContext != Old->FsContext);
    IoDereferenceFile(Old);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(New, 0, "x", 1));
    IoCloseFile(New);
    Finish();
}
