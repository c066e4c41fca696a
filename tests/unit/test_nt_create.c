/* SPDX-License-Identifier: MIT */
/*
 * test_nt_create.c - NtCreateFile, NtOpenFile, NtDeleteFile, attributes by name.
 */
#include "tests/unit/nt_world.h"
#include "vm.h"

#include <string.h>

#define ALL (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)

/* What NtCreateFile says, and what it did; the handle is closed. */
static NTSTATUS Create(PCWSTR Path, ULONG Disposition, ULONG Options, PULONG Did)
{
    HANDLE Handle = NULL;
    NTSTATUS Status = NtWorldTryOpen(Path, ALL, Disposition, Options, &Handle);

    *Did = 99;
    if (NT_SUCCESS(Status)) {
        *Did = (ULONG)Iosb.Information;
        NtWorldClose(Handle);
    }
    return Status;
}

TEST(NtCreateFile_goes_through_names_to_the_file_system)
{
    HANDLE Handle;
    ULONG Did;

    NtWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, Create(u"\\??\\C:\\dir", FILE_CREATE, FILE_DIRECTORY_FILE, &Did));
    CHECK_EQUAL(FILE_CREATED, Did);
    Handle = NtWorldOpen(u"\\DosDevices\\c:\\dir\\File", ALL, FILE_CREATE, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, -1, "abc", 3));
    CHECK(NtWorldFile(Handle)->DeviceObject == IoVolume);
    CHECK(NtWorldFile(Handle)->Vpb == IoVolume->Vpb);
    CHECK(NtWorldFile(Handle)->Flags & FO_HANDLE_CREATED);
    CHECK_EQUAL(1, IoVolume->Vpb->ReferenceCount);
    CHECK_EQUAL(1, IoVolume->ReferenceCount);
    NtWorldClose(Handle);
    CHECK_EQUAL(0, IoVolume->Vpb->ReferenceCount);
    CHECK_EQUAL(0, IoVolume->ReferenceCount);
    Handle = NtWorldOpen(u"\\Device\\HarddiskVolume1\\DIR\\FILE", FILE_GENERIC_READ, FILE_OPEN, 0);
    CHECK_EQUAL(3, NtWorldSize(Handle));
    NtWorldClose(Handle);
    NtWorldFinish();
}

TEST(NtCreateFile_does_what_each_disposition_says)
{
    static const struct {
        ULONG Disposition;
        NTSTATUS There;
        ULONG DidThere;
        NTSTATUS NotThere;
    } Rows[] = {
        {FILE_SUPERSEDE, STATUS_SUCCESS, FILE_SUPERSEDED, STATUS_SUCCESS},
        {FILE_OPEN, STATUS_SUCCESS, FILE_OPENED, STATUS_OBJECT_NAME_NOT_FOUND},
        {FILE_CREATE, STATUS_OBJECT_NAME_COLLISION, 99, STATUS_SUCCESS},
        {FILE_OPEN_IF, STATUS_SUCCESS, FILE_OPENED, STATUS_SUCCESS},
        {FILE_OVERWRITE, STATUS_SUCCESS, FILE_OVERWRITTEN, STATUS_OBJECT_NAME_NOT_FOUND},
        {FILE_OVERWRITE_IF, STATUS_SUCCESS, FILE_OVERWRITTEN, STATUS_SUCCESS},
    };
    ULONG Index;
    ULONG Did;

    NtWorldStart();
    for (Index = 0; Index < RTL_NUMBER_OF(Rows); Index++) {
        static WCHAR New[] = u"\\??\\C:\\new0";

        CHECK_EQUAL(STATUS_SUCCESS, Create(u"\\??\\C:\\there", FILE_OPEN_IF, 0, &Did));
        CHECK_EQUAL(Rows[Index].There,
                    Create(u"\\??\\C:\\there", Rows[Index].Disposition, 0, &Did));
        CHECK_EQUAL(Rows[Index].DidThere, Did);
        New[10] = (WCHAR)(u'0' + Index);
        CHECK_EQUAL(Rows[Index].NotThere, Create(New, Rows[Index].Disposition, 0, &Did));
        CHECK_EQUAL(NT_SUCCESS(Rows[Index].NotThere) ? FILE_CREATED : 99u, Did);
    }
    NtWorldFinish();
}

/* ---- what does not go together ---- */

static NTSTATUS Raw(ACCESS_MASK Access, ULONG Disposition, ULONG Options, ULONG Share,
                    ULONG FileAttributes, LONGLONG Allocation)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\??\\C:\\raw");
    LARGE_INTEGER Size = {.QuadPart = Allocation};
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle = NULL;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtCreateFile(&Handle, Access, &Attributes, &Iosb, &Size, FileAttributes, Share,
                          Disposition, Options, NULL, 0);
    if (NT_SUCCESS(Status)) {
        NtWorldClose(Handle);
    }
    return Status;
}

TEST(NtCreateFile_refuses_what_does_not_go_together)
{
    const ACCESS_MASK Read = FILE_READ_DATA;
    const ULONG Both = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    const struct {
        ACCESS_MASK Access;
        ULONG Disposition;
        ULONG Options;
        ULONG Share;
        ULONG Attributes;
        LONGLONG Allocation;
    } Rows[] = {
        {Read, 6, 0, 0, 0, 0},
        {Read, FILE_OPEN_IF, 0x01000000, 0, 0, 0},
        {Read, FILE_OPEN_IF, 0, 8, 0, 0},
        {Read, FILE_OPEN_IF, 0, 0, 0x8000, 0},
        {Read, FILE_OPEN_IF, 0, 0, 0, -1},
        {Read, FILE_OPEN_IF, FILE_SYNCHRONOUS_IO_ALERT, 0, 0, 0},
        {Read, FILE_OPEN_IF, FILE_SYNCHRONOUS_IO_NONALERT, 0, 0, 0},
        {Read | SYNCHRONIZE, FILE_OPEN_IF, Both, 0, 0, 0},
        {Read, FILE_OPEN_IF, FILE_DELETE_ON_CLOSE, 0, 0, 0},
        {Read, FILE_OPEN_IF, FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE, 0, 0, 0},
        {Read, FILE_OVERWRITE, FILE_DIRECTORY_FILE, 0, 0, 0},
        {Read, FILE_SUPERSEDE, FILE_DIRECTORY_FILE, 0, 0, 0},
        {Read, FILE_OPEN_IF, FILE_DIRECTORY_FILE | FILE_SEQUENTIAL_ONLY, 0, 0, 0},
        {Read | FILE_APPEND_DATA, FILE_OPEN_IF, FILE_NO_INTERMEDIATE_BUFFERING, 0, 0, 0},
        {Read, FILE_OPEN_IF, FILE_COMPLETE_IF_OPLOCKED | FILE_RESERVE_OPFILTER, 0, 0, 0},
    };
    ULONG Index;

    NtWorldStart();
    for (Index = 0; Index < RTL_NUMBER_OF(Rows); Index++) {
        CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                    Raw(Rows[Index].Access, Rows[Index].Disposition, Rows[Index].Options,
                        Rows[Index].Share, Rows[Index].Attributes, Rows[Index].Allocation));
    }
    CHECK_EQUAL(STATUS_SUCCESS, Raw(Read, FILE_OPEN_IF, 0, 7, FILE_ATTRIBUTE_NORMAL, 100));
    NtWorldFinish();
}

TEST(NtCreateFile_has_no_extended_attributes)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\??\\C:\\raw");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle = NULL;

    NtWorldStart();
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    CHECK_EQUAL(STATUS_EAS_NOT_SUPPORTED, NtCreateFile(&Handle, FILE_READ_DATA, &Attributes, &Iosb,
                                                       NULL, 0, 0, FILE_CREATE, 0, IoBuffer, 16));
    CHECK(Handle == NULL);
    NtWorldFinish();
}

/* ---- names ---- */

TEST(NtCreateFile_says_what_is_wrong_with_a_name)
{
    static const struct {
        PCWSTR Path;
        ULONG Options;
        NTSTATUS Status;
    } Rows[] = {
        {u"\\??\\C:\\none", 0, STATUS_OBJECT_NAME_NOT_FOUND},
        {u"\\??\\C:\\none\\file", 0, STATUS_OBJECT_PATH_NOT_FOUND},
        {u"\\??\\D:\\file", 0, STATUS_OBJECT_PATH_NOT_FOUND},
        {u"\\??\\D:", 0, STATUS_OBJECT_NAME_NOT_FOUND},
        {u"\\Device", 0, STATUS_OBJECT_TYPE_MISMATCH},
        {u"\\Driver\\Disk", 0, STATUS_OBJECT_TYPE_MISMATCH},
        {u"\\Driver\\Disk\\file", 0, STATUS_OBJECT_TYPE_MISMATCH},
        {u"C:\\file", 0, STATUS_OBJECT_PATH_SYNTAX_BAD},
        {u"\\??\\C:\\a/b", 0, STATUS_OBJECT_NAME_INVALID},
        {u"\\??\\C:\\a*", 0, STATUS_OBJECT_NAME_INVALID},
        {u"\\??\\C:\\there", FILE_DIRECTORY_FILE, STATUS_NOT_A_DIRECTORY},
        {u"\\??\\C:\\", FILE_NON_DIRECTORY_FILE, STATUS_FILE_IS_A_DIRECTORY},
    };
    HANDLE Handle = NULL;
    ULONG Index;
    ULONG Did;

    NtWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, Create(u"\\??\\C:\\there", FILE_CREATE, 0, &Did));
    for (Index = 0; Index < RTL_NUMBER_OF(Rows); Index++) {
        CHECK_EQUAL(Rows[Index].Status, NtWorldTryOpen(Rows[Index].Path, FILE_GENERIC_READ,
                                                       FILE_OPEN, Rows[Index].Options, &Handle));
    }
    CHECK(Handle == NULL);
    NtWorldFinish();
}

TEST(NtCreateFile_opens_relative_to_a_directory)
{
    HANDLE Root = NULL;
    HANDLE Handle = NULL;
    NT_OPEN Open = {.Path = u"dir\\file", .Access = ALL, .Disposition = FILE_CREATE};
    ULONG Did;

    NtWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, Create(u"\\??\\C:\\dir", FILE_CREATE, FILE_DIRECTORY_FILE, &Did));
    Root = NtWorldOpen(u"\\??\\C:\\", FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE);
    Open.Root = Root;
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldTry(&Open, &Handle));
    CHECK(NtWorldFile(Handle)->RelatedFileObject == NULL);
    NtWorldClose(Handle);
    Open.Path = u"\\dir\\file";
    CHECK_EQUAL(STATUS_OBJECT_PATH_SYNTAX_BAD, NtWorldTry(&Open, &Handle));
    NtWorldClose(Root);
    Open.Path = u"dir\\file";
    CHECK_EQUAL(STATUS_INVALID_HANDLE, NtWorldTry(&Open, &Handle));
    Handle = NtWorldOpen(u"\\??\\C:\\dir\\file", FILE_GENERIC_READ, FILE_OPEN, 0);
    NtWorldClose(Handle);
    NtWorldFinish();
}

TEST(NtCreateFile_opens_a_device_where_nothing_of_its_volume_is_wanted)
{
    HANDLE Handle;
    HANDLE Volume = NULL;

    NtWorldStart();
    Handle = NtWorldOpen(u"\\??\\C:", FILE_READ_ATTRIBUTES, FILE_OPEN, 0);
    CHECK(NtWorldFile(Handle)->Flags & FO_DIRECT_DEVICE_OPEN);
    CHECK(IoGetRelatedDeviceObject(NtWorldFile(Handle)) == IoVolume);
    CHECK_EQUAL(0, IoVolume->Vpb->ReferenceCount);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoDismountVolume(IoVolume));
    NtWorldClose(Handle);
    CHECK_EQUAL(STATUS_NOT_SUPPORTED, /* the volume itself: FAT has no such files */
                NtWorldTryOpen(u"\\??\\C:", FILE_READ_DATA, FILE_OPEN, 0, &Volume));
    NtWorldFinish();
}

/* ---- sharing and deleting ---- */

TEST(NtCreateFile_refuses_what_others_do_not_share_until_they_close)
{
    const NT_OPEN Alone = {.Path = u"\\??\\C:\\file",
                           .Access = FILE_READ_DATA,
                           .Disposition = FILE_OPEN_IF,
                           .Refuse = FILE_SHARE_WRITE | FILE_SHARE_DELETE};
    const NT_OPEN Attributes = {
        .Path = u"\\??\\C:\\file", .Access = FILE_READ_ATTRIBUTES, .Disposition = FILE_OPEN};
    HANDLE First = NULL;
    HANDLE Other = NULL;

    NtWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldTry(&Alone, &First));
    NtWorldEnter(1);
    CHECK_EQUAL(STATUS_SHARING_VIOLATION,
                NtWorldTryOpen(u"\\??\\C:\\file", FILE_WRITE_DATA, FILE_OPEN, 0, &Other));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION,
                NtWorldTryOpen(u"\\??\\C:\\file", DELETE, FILE_OPEN, 0, &Other));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldTry(&Attributes, &Other));
    NtWorldClose(Other);
    NtWorldEnter(0);
    NtWorldClose(First);
    NtWorldEnter(1);
    Other = NtWorldOpen(u"\\??\\C:\\file", FILE_WRITE_DATA, FILE_OPEN, 0);
    NtWorldClose(Other);
    NtWorldFinish();
}

TEST(NtCreateFile_deletes_on_close_with_the_last_handle)
{
    HANDLE Handle;
    HANDLE Copy = NULL;
    ULONG Did;

    NtWorldStart();
    Handle = NtWorldOpen(u"\\??\\C:\\gone", ALL, FILE_CREATE, FILE_DELETE_ON_CLOSE);
    CHECK_EQUAL(STATUS_SUCCESS, NtDuplicateObject(NtCurrentProcess(), Handle, NtCurrentProcess(),
                                                  &Copy, 0, 0, DUPLICATE_SAME_ACCESS));
    NtWorldClose(Handle);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Copy, 0, "x", 1)); /* it is open still */
    NtWorldClose(Copy);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Create(u"\\??\\C:\\gone", FILE_OPEN, 0, &Did));
    NtWorldFinish();
}

TEST(NtClose_of_the_last_handle_cleans_up_and_the_last_reference_closes)
{
    PFILE_OBJECT File;
    HANDLE Handle;
    ULONG Done;

    NtWorldStart();
    Handle = NtWorldOpen(u"\\??\\C:\\file", ALL, FILE_CREATE, 0);
    File = NtWorldFile(Handle);
    ObReferenceObject(File);
    NtWorldClose(Handle);
    CHECK(File->Flags & FO_CLEANUP_COMPLETE);
    CHECK(File->FsContext != NULL); /* not closed */
    CHECK_EQUAL(STATUS_FILE_CLOSED, IoReadFile(File, 0, IoBuffer, 1, &Done));
    CHECK_EQUAL(1, IoVolume->Vpb->ReferenceCount);
    ObDereferenceObject(File);
    CHECK_EQUAL(0, IoVolume->Vpb->ReferenceCount);
    CHECK_EQUAL(0, NtWorldFiles());
    NtWorldFinish();
}

TEST(A_process_that_ends_closes_its_files)
{
    HANDLE Handle;

    NtWorldStart();
    Handle = NtWorldOpen(u"\\??\\C:\\file", ALL, FILE_CREATE, FILE_DELETE_ON_CLOSE);
    CHECK(Handle != NULL);
    CHECK_EQUAL(1, NtWorldHandles());
    NtWorldFinish(); /* which looks */
}

TEST(NtDeleteFile_deletes_by_name)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\??\\C:\\dir");
    UNICODE_STRING Below = NT_CONSTANT_STRING(u"\\??\\C:\\dir\\file");
    OBJECT_ATTRIBUTES Attributes;
    ULONG Did;

    NtWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, Create(Name.Buffer, FILE_CREATE, FILE_DIRECTORY_FILE, &Did));
    CHECK_EQUAL(STATUS_SUCCESS, Create(Below.Buffer, FILE_CREATE, 0, &Did));
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    CHECK_EQUAL(STATUS_DIRECTORY_NOT_EMPTY, NtDeleteFile(&Attributes));
    Attributes.ObjectName = &Below;
    CHECK_EQUAL(STATUS_SUCCESS, NtDeleteFile(&Attributes));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, NtDeleteFile(&Attributes));
    Attributes.ObjectName = &Name;
    CHECK_EQUAL(STATUS_SUCCESS, NtDeleteFile(&Attributes));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Create(Name.Buffer, FILE_OPEN, 0, &Did));
    NtWorldFinish();
}

TEST(NtDeleteFile_tells_of_a_disk_that_failed)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\??\\C:\\file");
    OBJECT_ATTRIBUTES Attributes;
    ULONG Did;

    NtWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, Create(Name.Buffer, FILE_CREATE, 0, &Did));
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    IoDisk.FailAt[DiskWrite] = 1;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, NtDeleteFile(&Attributes));
    CHECK_EQUAL(0, IoDisk.FailAt[DiskWrite]);
    CHECK_EQUAL(0, NtWorldFiles());
    NtWorldFinish();
}

TEST(NtQueryAttributesFile_looks_without_leaving_a_handle)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\??\\C:\\file");
    FILE_NETWORK_OPEN_INFORMATION Full;
    FILE_BASIC_INFORMATION Basic;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle = NULL;
    NT_OPEN Open = {.Path = Name.Buffer,
                    .Access = ALL,
                    .Disposition = FILE_CREATE,
                    .Attributes = FILE_ATTRIBUTE_HIDDEN,
                    .Refuse = IO_SHARE_ALL};

    NtWorldStart();
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, NtQueryAttributesFile(&Attributes, &Basic));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldTry(&Open, &Handle));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, 0, "12345", 5));
    CHECK_EQUAL(STATUS_SUCCESS, NtQueryAttributesFile(&Attributes, &Basic)); /* shared by nobody */
    CHECK_EQUAL(FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE, Basic.FileAttributes);
    CHECK_EQUAL(STATUS_SUCCESS, NtQueryFullAttributesFile(&Attributes, &Full));
    CHECK_EQUAL(5, Full.EndOfFile.QuadPart);
    CHECK_EQUAL(512, Full.AllocationSize.QuadPart);
    CHECK_EQUAL(1, NtWorldHandles());
    NtWorldClose(Handle);
    NtWorldFinish();
}

/* ---- what drivers say ---- */

static PDEVICE_OBJECT Filter;
static PDEVICE_OBJECT Below;
static NTSTATUS Said; /* to each IRP_MJ_CREATE; STATUS_REPARSE: it goes no further */

static NTSTATUS NTAPI Say(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    (void)DeviceObject;
    (void)Context;
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE) {
        Irp->IoStatus.Status = Said;
    }
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI Pass(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE &&
        Said == STATUS_REPARSE) {
        Irp->IoStatus.Status = STATUS_REPARSE;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return STATUS_REPARSE;
    }
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, Say, NULL, TRUE, TRUE, TRUE);
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

TEST(NtCreateFile_passes_on_what_a_driver_says_besides_success)
{
    PDRIVER_OBJECT Driver;
    HANDLE Handle = NULL;
    ULONG Did;

    NtWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, Create(u"\\??\\C:\\f", FILE_CREATE, 0, &Did));
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateDriver(NULL, FilterEntry));
    Below = IoAttachDeviceToDeviceStack(Filter, IoVolume->Vpb->DeviceObject);
    Said = STATUS_OPLOCK_BREAK_IN_PROGRESS;
    CHECK_EQUAL(STATUS_OPLOCK_BREAK_IN_PROGRESS,
                NtWorldTryOpen(u"\\??\\C:\\f", ALL, FILE_OPEN, 0, &Handle));
    CHECK_EQUAL(STATUS_OPLOCK_BREAK_IN_PROGRESS, Iosb.Status);
    CHECK_EQUAL(FILE_OPENED, Iosb.Information);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, 0, "abc", 3));
    NtWorldClose(Handle);
    Said = STATUS_REPARSE;
    CHECK_EQUAL(STATUS_IO_REPARSE_TAG_NOT_HANDLED,
                NtWorldTryOpen(u"\\??\\C:\\f", ALL, FILE_OPEN, 0, &Handle));
    CHECK_EQUAL(0, NtWorldHandles());
    Driver = Filter->DriverObject;
    IoDetachDevice(Below);
    IoDeleteDevice(Filter);
    IoDeleteDriver(Driver);
    NtWorldFinish();
}

/* ---- UserMode ---- */

TEST(UserMode_gets_the_rights_that_it_asks_for_and_no_others)
{
    HANDLE Handle;
    HANDLE None = NULL;

    NtWorldStart();
    KeSetPreviousMode(UserMode);
    Handle = NtWorldOpen(u"\\??\\C:\\file", GENERIC_READ, FILE_CREATE, 0);
    CHECK(NtWorldFile(Handle)->ReadAccess && !NtWorldFile(Handle)->WriteAccess);
    NtWorldClose(Handle);
    Handle = NtWorldOpen(u"\\??\\C:\\file", MAXIMUM_ALLOWED, FILE_OPEN, 0);
    CHECK(NtWorldFile(Handle)->WriteAccess && NtWorldFile(Handle)->DeleteAccess);
    NtWorldClose(Handle);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, /* no such right; and nothing was created */
                NtWorldTryOpen(u"\\??\\C:\\new", 0x200, FILE_CREATE, 0, &None));
    CHECK_EQUAL(STATUS_PRIVILEGE_NOT_HELD,
                NtWorldTryOpen(u"\\??\\C:\\new", ACCESS_SYSTEM_SECURITY, FILE_CREATE, 0, &None));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND,
                NtWorldTryOpen(u"\\??\\C:\\new", FILE_READ_DATA, FILE_OPEN, 0, &None));
    KeSetPreviousMode(KernelMode);
    NtWorldFinish();
}
