/* SPDX-License-Identifier: MIT */
/*
 * file.c - file objects: opening, cleanup, closing.
 *
 *     a file object        request          by
 *     being opened         IRP_MJ_CREATE    IopOpen
 *     open                 (reads, ...)
 *     closed by its users  IRP_MJ_CLEANUP   IopCloseHandle: the last handle; IopCloseFile
 *     gone                 IRP_MJ_CLOSE     IopDeleteFile: the last reference
 *
 * Whoever opened it by pointer (IoOpenFileEx) has a reference and no handle.  IRP_MJ_CLEANUP is
 * sent once, and at the latest before IRP_MJ_CLOSE: a file to which no handle could be made has
 * had none.  A file whose IRP_MJ_CREATE failed was never the file system's: neither follows.
 *
 * Invariant: a file object holds one reference to the VPB that it was opened on, and one to the
 * device.
 *
 * Locking: CleanedUp is atomic; the rest belongs to the file system, or is fixed.
 */
#include "mm/io/io_i.h"

#define IOP_RESERVE_SLACK 4 /* stack locations for devices that are attached later */

static ULONG IopOpenFlags(const IOP_OPEN_PACKET *Packet)
{
    const ULONG Options = Packet->Options;
    ULONG Flags = 0;

    Flags |= Options & FILE_SYNCHRONOUS_IO_ALERT ? FO_SYNCHRONOUS_IO | FO_ALERTABLE_IO : 0;
    Flags |= Options & FILE_SYNCHRONOUS_IO_NONALERT ? FO_SYNCHRONOUS_IO : 0;
    Flags |= Options & FILE_WRITE_THROUGH ? FO_WRITE_THROUGH : 0;
    Flags |= Options & FILE_NO_INTERMEDIATE_BUFFERING ? FO_NO_INTERMEDIATE_BUFFERING : 0;
    Flags |= Options & FILE_SEQUENTIAL_ONLY ? FO_SEQUENTIAL_ONLY : 0;
    Flags |= Options & FILE_RANDOM_ACCESS ? FO_RANDOM_ACCESS : 0;
    Flags |= Options & FILE_DELETE_ON_CLOSE ? FO_DELETE_ON_CLOSE : 0;
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

/* Without a name, and for less than reading and writing: the device, not its volume. */
static BOOLEAN IopIsDirectOpen(PCUNICODE_STRING Name, const IOP_OPEN_PACKET *Packet)
{
    const ACCESS_MASK Harmless = SYNCHRONIZE | FILE_READ_ATTRIBUTES | READ_CONTROL | WRITE_DAC |
                                 WRITE_OWNER | ACCESS_SYSTEM_SECURITY;

    return Name->Length == 0 && Packet->Related == NULL && (Packet->DesiredAccess & ~Harmless) == 0;
}

static NTSTATUS IopCopyFileName(PUNICODE_STRING To, PCUNICODE_STRING From)
{
    ULONG Bytes = From->Length + (ULONG)sizeof(WCHAR);

    To->Buffer = ExAllocatePoolWithTag(NonPagedPool, Bytes, IOP_FILE_TAG);
    if (To->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (From->Length != 0) {
        memcpy(To->Buffer, From->Buffer, From->Length);
    }
    To->Length = To->MaximumLength = From->Length;
    return STATUS_SUCCESS;
}

/* All that an open file needs before the file system is asked.  What it got goes with the file. */
static NTSTATUS IopFillFile(PIOP_FILE File, PDEVICE_OBJECT Device, PCUNICODE_STRING Name,
                            const IOP_OPEN_PACKET *Packet)
{
    NTSTATUS Status = IopReferenceDevice(Device);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    File->Object.DeviceObject = Device;
    if (IopIsDirectOpen(Name, Packet)) {
        File->Object.Flags |= FO_DIRECT_DEVICE_OPEN;
    } else if (Device->Vpb != NULL) {
        Status = IopReferenceVpb(&File->Object);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopCopyFileName(&File->Object.FileName, Name);
    }
    if (NT_SUCCESS(Status) && (Packet->Flags & SL_OPEN_PAGING_FILE)) {
        PDEVICE_OBJECT Top = IoGetRelatedDeviceObject(&File->Object);

        Status = IopCreateReserve((CCHAR)(Top->StackSize + IOP_RESERVE_SLACK), &File->Reserve);
    }
    return Status;
}

static NTSTATUS IopMakeFile(PDEVICE_OBJECT Device, PCUNICODE_STRING Name,
                            const IOP_OPEN_PACKET *Packet, PIOP_FILE *Made)
{
    PIOP_FILE File;
    PVOID Object = NULL;
    NTSTATUS Status = ObCreateObject(KernelMode, IoFileObjectType, NULL, KernelMode, NULL,
                                     sizeof(IOP_FILE), 0, 0, &Object);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    File = Object;
    File->Object.Type = IO_TYPE_FILE;
    File->Object.Size = sizeof(FILE_OBJECT);
    File->Object.RelatedFileObject = Packet->Related;
    File->Object.Flags = IopOpenFlags(Packet);
    KeInitializeEvent(&File->Object.Lock, SynchronizationEvent, FALSE);
    KeInitializeEvent(&File->Object.Event, NotificationEvent, FALSE);
    Status = ObInsertObject(File, NULL, 0, 0, NULL, NULL); /* it has no name */
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopFillFile(File, Device, Name, Packet);
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(File);
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

static NTSTATUS IopSendCreate(PFILE_OBJECT File, PIOP_OPEN_PACKET Packet)
{
    IO_SECURITY_CONTEXT Security = {.DesiredAccess = Packet->DesiredAccess,
                                    .FullCreateOptions = Packet->Options};
    PIRP Irp = IopBuildFileRequest(File, IRP_MJ_CREATE);
    PIO_STACK_LOCATION Next;
    ULONG_PTR Information;
    NTSTATUS Status;

    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->Flags |= IRP_CREATE_OPERATION;
    Irp->Overlay.AllocationSize.QuadPart = (LONGLONG)Packet->AllocationSize;
    Next = IoGetNextIrpStackLocation(Irp);
    Next->Flags = Packet->Flags;
    Next->Parameters.Create.SecurityContext = &Security;
    Next->Parameters.Create.Options =
        Packet->Disposition << 24 | (Packet->Options & FILE_VALID_OPTION_FLAGS);
    Next->Parameters.Create.FileAttributes = (USHORT)Packet->FileAttributes;
    Next->Parameters.Create.ShareAccess = (USHORT)Packet->ShareAccess;
    Status = IopCallAndWait(IoGetRelatedDeviceObject(File), Irp, &Information);
    if (Status == STATUS_REPARSE) {
        return STATUS_IO_REPARSE_TAG_NOT_HANDLED; /* nothing was opened */
    }
    if (NT_SUCCESS(Status)) {
        Packet->Information = (ULONG)Information;
        Packet->Status = Status;
    }
    return Status;
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

NTSTATUS IopCheckOptions(ULONG Disposition, ULONG Options, ACCESS_MASK Access)
{
    const ULONG Both = FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE;

    if (Disposition > FILE_MAXIMUM_DISPOSITION || (Options & Both) == Both ||
        (Options & ~FILE_VALID_OPTION_FLAGS) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((Options & FILE_DELETE_ON_CLOSE) && (Access & DELETE) == 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((Options & FILE_DIRECTORY_FILE) && Disposition != FILE_OPEN && Disposition != FILE_CREATE &&
        Disposition != FILE_OPEN_IF) {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

NTSTATUS IopOpen(PDEVICE_OBJECT Device, PCUNICODE_STRING Name, PIOP_OPEN_PACKET Packet)
{
    PIOP_FILE File = NULL;
    NTSTATUS Status = IopMakeFile(Device, Name, Packet, &File);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopSendCreate(&File->Object, Packet);
    File->Object.RelatedFileObject = NULL;
    File->Opened = NT_SUCCESS(Status);
    if (!NT_SUCCESS(Status)) {
        ObDereferenceObject(File);
        return Status;
    }
    Packet->File = &File->Object;
    return STATUS_SUCCESS;
}

NTSTATUS IoOpenFileEx(PDEVICE_OBJECT Volume, const IO_OPEN *Open, PFILE_OBJECT *Opened)
{
    IOP_OPEN_PACKET Packet = {
        .Tag = IOP_OPEN_TAG,
        .DesiredAccess = Open->DesiredAccess,
        .Disposition = Open->Disposition,
        .Options = Open->Options | FILE_SYNCHRONOUS_IO_NONALERT,
        .ShareAccess = Open->ShareAccess,
        .FileAttributes = Open->FileAttributes,
        .AllocationSize = Open->AllocationSize,
        .Flags = Open->Flags,
    };
    UNICODE_STRING Name = {.Length = 0};
    NTSTATUS Status = IopCheckOptions(Open->Disposition, Open->Options, Open->DesiredAccess);

    if (NT_SUCCESS(Status)) {
        Status = IopMakeFileName(Open->Path, &Name);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopOpen(Volume, &Name, &Packet);
    ExFreePoolWithTag(Name.Buffer, IOP_FILE_TAG);
    if (NT_SUCCESS(Status)) {
        *Opened = Packet.File;
    }
    return Status;
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

/* The users of the file are done.  => How it went, now or before. */
static NTSTATUS IopCleanUp(PIOP_FILE File)
{
    if (File->Opened && __atomic_exchange_n(&File->CleanedUp, 1, __ATOMIC_ACQ_REL) == 0) {
        File->CleanupStatus = IopSendClosing(&File->Object, IRP_MJ_CLEANUP);
    }
    return File->CleanupStatus;
}

NTSTATUS IopOpenHandle(OB_OPEN_REASON Reason, PEPROCESS Process, PVOID Object,
                       ACCESS_MASK GrantedAccess)
{
    PFILE_OBJECT File = Object;

    (void)Reason;
    (void)Process;
    (void)GrantedAccess;
    if ((File->Flags & FO_HANDLE_CREATED) == 0) {
        File->Flags |= FO_HANDLE_CREATED;
    }
    return STATUS_SUCCESS;
}

void IopCloseHandle(PEPROCESS Process, PVOID Object, ACCESS_MASK GrantedAccess, ULONG HandleCount)
{
    (void)Process;
    (void)GrantedAccess;
    if (HandleCount == 1) {
        (void)IopCleanUp(Object);
    }
}

void IopDeleteFile(PVOID Object)
{
    PIOP_FILE File = Object;

    if (File->Opened) {
        (void)IopCleanUp(File);
        (void)IopSendClosing(&File->Object, IRP_MJ_CLOSE);
    }
    if (File->Object.Vpb != NULL) {
        IopDereferenceVpb(&File->Object);
    }
    if (File->Reserve != NULL) {
        IopDeleteReserve(File->Reserve);
    }
    if (File->Object.FileName.Buffer != NULL) {
        ExFreePoolWithTag(File->Object.FileName.Buffer, IOP_FILE_TAG);
    }
    if (File->Object.DeviceObject != NULL) {
        IopDereferenceDevice(File->Object.DeviceObject);
    }
}

NTSTATUS IopCloseFile(PFILE_OBJECT File)
{
    NTSTATUS Status;

    MI_ASSERT(File->Type == IO_TYPE_FILE && (File->Flags & FO_HANDLE_CREATED) == 0);
    Status = IopCleanUp(IopFileOf(File));
    ObDereferenceObject(File);
    return Status;
}

void IoCloseFile(PFILE_OBJECT File)
{
    (void)IopCloseFile(File);
}
