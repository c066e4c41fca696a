/* SPDX-License-Identifier: MIT */
/*
 * file.c - file objects: opening, references, closing.
 *
 *     File object          request                     references
 *     being opened         IRP_MJ_CREATE               1, the opener's
 *     open                 (reads, writes, ...)        1 and more
 *     closed by its user   IRP_MJ_CLEANUP              the others', if there are any
 *     gone                 IRP_MJ_CLOSE                0
 *
 * A file whose IRP_MJ_CREATE failed was never the file system's: neither request follows.
 *
 * Invariant: a file object holds one reference to the VPB that it was opened on.
 *
 * Locking: References is atomic; the rest belongs to the file system, or is fixed.
 */
#include "mm/io/io_i.h"

#define IOP_RESERVE_SLACK 4 /* stack locations for devices that are attached later */

static ULONG IopOpenFlags(const IO_OPEN *Open)
{
    ULONG Flags = FO_SYNCHRONOUS_IO;

    Flags |= Open->Options & FILE_WRITE_THROUGH ? FO_WRITE_THROUGH : 0;
    Flags |= Open->Options & FILE_NO_INTERMEDIATE_BUFFERING ? FO_NO_INTERMEDIATE_BUFFERING : 0;
    Flags |= Open->Options & FILE_SEQUENTIAL_ONLY ? FO_SEQUENTIAL_ONLY : 0;
    Flags |= Open->Options & FILE_RANDOM_ACCESS ? FO_RANDOM_ACCESS : 0;
    return Flags;
}

/* UTF-8 with any separators to UTF-16 with backslashes, one at the beginning. */
static NTSTATUS IopMakeFileName(PCSTR Path, PUNICODE_STRING Name)
{
    ULONG Length = (ULONG)strlen(Path);
    ULONG Bytes;
    ULONG Index;
    NTSTATUS Status = RtlUTF8ToUnicodeN(NULL, 0, &Bytes, Path, Length);

    if (Status != STATUS_SUCCESS || Bytes > 0xFFF0) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    Name->MaximumLength = (USHORT)(Bytes + sizeof(WCHAR));
    Name->Buffer = ExAllocatePoolWithTag(NonPagedPool, Name->MaximumLength, IOP_FILE_TAG);
    if (Name->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Name->Buffer[0] = u'\\';
    Index = Path[0] == '\\' || Path[0] == '/' ? 0 : 1;
    (void)RtlUTF8ToUnicodeN(Name->Buffer + Index, Bytes, &Bytes, Path, Length);
    Name->Length = (USHORT)(Bytes + Index * sizeof(WCHAR));
    for (Index = 0; Index < Name->Length / sizeof(WCHAR); Index++) {
        Name->Buffer[Index] = Name->Buffer[Index] == u'/' ? u'\\' : Name->Buffer[Index];
    }
    return STATUS_SUCCESS;
}

/* ---- the object ---- */

static void IopFreeFile(PIOP_FILE File)
{
    if (File->Object.Vpb != NULL) {
        IopDereferenceVpb(&File->Object);
    }
    if (File->Reserve != NULL) {
        IopDeleteReserve(File->Reserve);
    }
    if (File->Object.FileName.Buffer != NULL) {
        ExFreePoolWithTag(File->Object.FileName.Buffer, IOP_FILE_TAG);
    }
    ExFreePoolWithTag(File, IOP_FILE_TAG);
}

/* All that an open file needs before the file system is asked. */
static NTSTATUS IopMakeFile(PDEVICE_OBJECT Volume, const IO_OPEN *Open, PIOP_FILE *Made)
{
    PIOP_FILE File = ExAllocatePoolWithTag(NonPagedPool, sizeof(*File), IOP_FILE_TAG);
    NTSTATUS Status;

    if (File == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(File, 0, sizeof(*File));
    File->References = 1;
    File->Object.Type = IO_TYPE_FILE;
    File->Object.Size = sizeof(FILE_OBJECT);
    File->Object.DeviceObject = Volume;
    File->Object.Flags = IopOpenFlags(Open);
    KeInitializeEvent(&File->Object.Lock, SynchronizationEvent, FALSE);
    KeInitializeEvent(&File->Object.Event, NotificationEvent, FALSE);
    Status = IopReferenceVpb(&File->Object);
    if (NT_SUCCESS(Status)) {
        Status = IopMakeFileName(Open->Path, &File->Object.FileName);
    }
    if (NT_SUCCESS(Status) && (Open->Flags & SL_OPEN_PAGING_FILE)) {
        PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(&File->Object);

        Status = IopCreateReserve((CCHAR)(Device->StackSize + IOP_RESERVE_SLACK), &File->Reserve);
    }
    if (!NT_SUCCESS(Status)) {
        IopFreeFile(File);
        return Status;
    }
    *Made = File;
    return STATUS_SUCCESS;
}

/* ---- requests ---- */

/* The next stack location of a request to the file. */
static PIO_STACK_LOCATION IopAddress(PIRP Irp, PFILE_OBJECT File, UCHAR MajorFunction)
{
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);

    Irp->Flags = IRP_SYNCHRONOUS_API;
    Irp->Tail.Overlay.Thread = KeGetCurrentThread();
    Irp->Tail.Overlay.OriginalFileObject = File;
    Next->MajorFunction = MajorFunction;
    Next->FileObject = File;
    return Next;
}

PIRP IopBuildFileRequest(PFILE_OBJECT File, UCHAR MajorFunction)
{
    PIRP Irp = IoAllocateIrp(IoGetRelatedDeviceObject(File)->StackSize, FALSE);

    if (Irp != NULL) {
        (void)IopAddress(Irp, File, MajorFunction);
    }
    return Irp;
}

static NTSTATUS IopSendCreate(PFILE_OBJECT File, const IO_OPEN *Open)
{
    IO_SECURITY_CONTEXT Security = {.DesiredAccess = Open->DesiredAccess,
                                    .FullCreateOptions = Open->Options};
    PIRP Irp = IopBuildFileRequest(File, IRP_MJ_CREATE);
    PIO_STACK_LOCATION Next;

    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->Flags |= IRP_CREATE_OPERATION;
    Irp->Overlay.AllocationSize.QuadPart = (LONGLONG)Open->AllocationSize;
    Next = IoGetNextIrpStackLocation(Irp);
    Next->Flags = Open->Flags;
    Next->Parameters.Create.SecurityContext = &Security;
    Next->Parameters.Create.Options =
        Open->Disposition << 24 | (Open->Options & FILE_VALID_OPTION_FLAGS);
    Next->Parameters.Create.FileAttributes = (USHORT)Open->FileAttributes;
    Next->Parameters.Create.ShareAccess = (USHORT)Open->ShareAccess;
    return IopCallAndWait(IoGetRelatedDeviceObject(File), Irp, NULL);
}

/* A request that cannot fail for want of memory. */
static NTSTATUS IopSendClosing(PFILE_OBJECT File, UCHAR MajorFunction)
{
    PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(File);
    PIRP Irp = IopAllocateIrpMustSucceed(Device->StackSize);

    (void)IopAddress(Irp, File, MajorFunction);
    Irp->Flags |= IRP_CLOSE_OPERATION;
    return IopCallAndWait(Device, Irp, NULL);
}

/* ---- opening ---- */

static NTSTATUS IopCheckOpen(const IO_OPEN *Open)
{
    const ULONG Both = FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE;

    if (Open->Disposition > FILE_MAXIMUM_DISPOSITION || (Open->Options & Both) == Both ||
        (Open->Options & ~FILE_VALID_OPTION_FLAGS) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((Open->Options & FILE_DELETE_ON_CLOSE) && (Open->DesiredAccess & DELETE) == 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((Open->Options & FILE_DIRECTORY_FILE) && Open->Disposition != FILE_OPEN &&
        Open->Disposition != FILE_CREATE && Open->Disposition != FILE_OPEN_IF) {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

NTSTATUS IoOpenFileEx(PDEVICE_OBJECT Volume, const IO_OPEN *Open, PFILE_OBJECT *Opened)
{
    NTSTATUS Status = IopCheckOpen(Open);
    PIOP_FILE File;

    if (NT_SUCCESS(Status)) {
        Status = IopMakeFile(Volume, Open, &File);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopSendCreate(&File->Object, Open);
    if (!NT_SUCCESS(Status)) {
        IopFreeFile(File);
        return Status;
    }
    File->Object.Flags |= FO_HANDLE_CREATED;
    *Opened = &File->Object;
    return STATUS_SUCCESS;
}

NTSTATUS IoOpenFile(PDEVICE_OBJECT Volume, PCSTR Path, ACCESS_MASK DesiredAccess, ULONG Disposition,
                    ULONG Options, PFILE_OBJECT *File)
{
    const IO_OPEN Open = {
        .Path = Path,
        .DesiredAccess = DesiredAccess,
        .Disposition = Disposition,
        .Options = Options,
        .ShareAccess = FILE_SHARE_READ,
        .FileAttributes = FILE_ATTRIBUTE_NORMAL,
    };

    return IoOpenFileEx(Volume, &Open, File);
}

NTSTATUS IoOpenPagingFile(PDEVICE_OBJECT Volume, PCSTR Path, ULONG64 Bytes, PFILE_OBJECT *File)
{
    const IO_OPEN Open = {
        .Path = Path,
        .DesiredAccess = FILE_READ_DATA | FILE_WRITE_DATA,
        .Disposition = FILE_OPEN_IF,
        .Options = FILE_NON_DIRECTORY_FILE | FILE_NO_INTERMEDIATE_BUFFERING,
        .FileAttributes = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM,
        .AllocationSize = Bytes,
        .Flags = SL_OPEN_PAGING_FILE,
    };

    return IoOpenFileEx(Volume, &Open, File);
}

/* ---- closing ---- */

void IoReferenceFile(PFILE_OBJECT File)
{
    LONG References = __atomic_add_fetch(&IopFileOf(File)->References, 1, __ATOMIC_RELAXED);

    MI_ASSERT(References > 1);
}

void IoDereferenceFile(PFILE_OBJECT File)
{
    PIOP_FILE Mine = IopFileOf(File);
    LONG References = __atomic_sub_fetch(&Mine->References, 1, __ATOMIC_ACQ_REL);

    MI_ASSERT(References >= 0);
    if (References == 0) {
        (void)IopSendClosing(File, IRP_MJ_CLOSE);
        IopFreeFile(Mine);
    }
}

NTSTATUS IopCloseFile(PFILE_OBJECT File)
{
    NTSTATUS Status;

    MI_ASSERT(File->Type == IO_TYPE_FILE && (File->Flags & FO_HANDLE_CREATED));
    File->Flags &= ~FO_HANDLE_CREATED;
    Status = IopSendClosing(File, IRP_MJ_CLEANUP);
    IoDereferenceFile(File);
    return Status;
}

void IoCloseFile(PFILE_OBJECT File)
{
    (void)IopCloseFile(File);
}
