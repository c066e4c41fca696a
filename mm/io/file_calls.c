/* SPDX-License-Identifier: MIT */
/*
 * file_calls.c - requests to open files, synchronously: one call, one request.
 *
 * Information travels in a nonpaged copy (AssociatedIrp.SystemBuffer) of what the caller gave; the
 * copy is made and copied back here, in the caller's thread, so that his buffer may be paged.
 *
 * Locking: none.
 */
#include "mm/io/io_i.h"
#include "mm/sysva/mdl.h"

/* NT checks a handle's access; the file object remembers the same. */
static NTSTATUS IopCheckAccess(BOOLEAN Granted)
{
    return Granted ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

/* ---- data ---- */

NTSTATUS IopLockUserBuffer(PIRP Irp, PVOID Buffer, ULONG Bytes, LOCK_OPERATION Operation)
{
    Irp->RequestorMode = UserMode;
    if (Bytes == 0 || IoAllocateMdl(Buffer, Bytes, FALSE, FALSE, Irp) == NULL) {
        return Bytes == 0 ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    return MiProbeAndLockPages(Irp->MdlAddress, UserMode, Operation);
}

void IopAbandonRequest(PIRP Irp)
{
    if (Irp->MdlAddress != NULL) {
        IoFreeMdl(Irp->MdlAddress);
    }
    IoFreeIrp(Irp);
}

static NTSTATUS IopBuildTransfer(PDEVICE_OBJECT Device, ULONG MajorFunction, KPROCESSOR_MODE Mode,
                                 ULONG64 Offset, PVOID Buffer, ULONG Bytes, PIRP *Built)
{
    LARGE_INTEGER Start = {.QuadPart = (LONGLONG)Offset};
    BOOLEAN User = Mode != KernelMode;
    PIRP Irp = IoBuildAsynchronousFsdRequest(MajorFunction, Device, User ? NULL : Buffer,
                                             User ? 0 : Bytes, &Start, NULL);
    NTSTATUS Status = STATUS_SUCCESS;

    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (User) {
        IoGetNextIrpStackLocation(Irp)->Parameters.Read.Length = Bytes; /* and Write's */
        Status = IopLockUserBuffer(Irp, Buffer, Bytes,
                                   MajorFunction == IRP_MJ_READ ? IoWriteAccess : IoReadAccess);
    }
    if (!NT_SUCCESS(Status)) {
        IopAbandonRequest(Irp);
        return Status;
    }
    *Built = Irp;
    return STATUS_SUCCESS;
}

NTSTATUS IopTransferFile(PFILE_OBJECT File, ULONG MajorFunction, KPROCESSOR_MODE Mode,
                         ULONG64 Offset, ULONG Key, PVOID Buffer, ULONG Bytes, PULONG_PTR Done)
{
    PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(File);
    PIRP Irp = NULL;
    NTSTATUS Status = IopBuildTransfer(Device, MajorFunction, Mode, Offset, Buffer, Bytes, &Irp);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Irp->Flags |= IRP_SYNCHRONOUS_API;
    Irp->Tail.Overlay.OriginalFileObject = File;
    IoGetNextIrpStackLocation(Irp)->FileObject = File;
    IoGetNextIrpStackLocation(Irp)->Parameters.Read.Key = Key;
    return IopCallAndWait(Device, Irp, Done);
}

static NTSTATUS IopTransfer(PFILE_OBJECT File, ULONG MajorFunction, ULONG64 Offset, PVOID Buffer,
                            ULONG Bytes, PULONG_PTR Done)
{
    NTSTATUS Status =
        IopCheckAccess(MajorFunction == IRP_MJ_READ ? File->ReadAccess : File->WriteAccess);

    return NT_SUCCESS(Status)
               ? IopTransferFile(File, MajorFunction, KernelMode, Offset, 0, Buffer, Bytes, Done)
               : Status;
}

NTSTATUS IoReadFile(PFILE_OBJECT File, ULONG64 Offset, PVOID Buffer, ULONG Bytes, PULONG Done)
{
    ULONG_PTR Information;
    NTSTATUS Status = IopTransfer(File, IRP_MJ_READ, Offset, Buffer, Bytes, &Information);

    if (NT_SUCCESS(Status)) {
        *Done = (ULONG)Information;
    }
    return Status;
}

NTSTATUS IoWriteFile(PFILE_OBJECT File, ULONG64 Offset, const void *Buffer, ULONG Bytes)
{
    ULONG_PTR Information;

    return IopTransfer(File, IRP_MJ_WRITE, Offset, (PVOID)(ULONG_PTR)Buffer, Bytes, &Information);
}

NTSTATUS IoFlushFile(PFILE_OBJECT File)
{
    PIRP Irp = IopBuildFileRequest(File, IRP_MJ_FLUSH_BUFFERS);

    return Irp == NULL ? STATUS_INSUFFICIENT_RESOURCES
                       : IopCallAndWait(IoGetRelatedDeviceObject(File), Irp, NULL);
}

/* => Buffer is nonpaged: a stack is while its thread waits. */
static NTSTATUS IopControlFile(PFILE_OBJECT File, ULONG Code, PVOID Buffer, ULONG InputBytes,
                               ULONG OutputBytes)
{
    PIRP Irp = IopBuildFileRequest(File, IRP_MJ_FILE_SYSTEM_CONTROL);
    PIO_STACK_LOCATION Next;

    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->AssociatedIrp.SystemBuffer = Buffer;
    Next = IoGetNextIrpStackLocation(Irp);
    Next->MinorFunction = IRP_MN_USER_FS_REQUEST;
    Next->Parameters.FileSystemControl.FsControlCode = Code;
    Next->Parameters.FileSystemControl.InputBufferLength = InputBytes;
    Next->Parameters.FileSystemControl.OutputBufferLength = OutputBytes;
    return IopCallAndWait(IoGetRelatedDeviceObject(File), Irp, NULL);
}

NTSTATUS IoQueryPagingRuns(PFILE_OBJECT File, PFILE_PAGING_RUNS Runs)
{
    FILE_PAGING_RUNS Answer = {0};
    NTSTATUS Status = IopControlFile(File, FSCTL_QUERY_PAGING_RUNS, &Answer, 0, sizeof(Answer));

    if (NT_SUCCESS(Status)) {
        *Runs = Answer;
    }
    return Status;
}

NTSTATUS IoExtendPagingFile(PFILE_OBJECT File, ULONG64 Bytes, PULONG Runs)
{
    FILE_EXTEND_PAGING Extend = {.Bytes = Bytes, .Runs = *Runs};
    NTSTATUS Status =
        IopControlFile(File, FSCTL_EXTEND_PAGING_FILE, &Extend, sizeof(Extend), sizeof(Extend));

    if (NT_SUCCESS(Status)) {
        *Runs = Extend.Runs;
    }
    return Status;
}

/* ---- information ---- */

/* A request with a system buffer of Length; Class is where each function has it. */
static PIRP IopBuildInformation(PFILE_OBJECT File, UCHAR MajorFunction, ULONG Class, ULONG Length)
{
    PIRP Irp = IopBuildFileRequest(File, MajorFunction);
    PIO_STACK_LOCATION Next;
    PVOID Buffer;

    if (Irp == NULL) {
        return NULL;
    }
    Buffer = ExAllocatePoolWithTag(NonPagedPool, Length, IOP_BUFFER_TAG);
    if (Buffer == NULL) {
        IoFreeIrp(Irp);
        return NULL;
    }
    memset(Buffer, 0, Length);
    Irp->AssociatedIrp.SystemBuffer = Buffer;
    Next = IoGetNextIrpStackLocation(Irp);
    Next->Parameters.QueryFile.Length = Length;
    Next->Parameters.QueryFile.FileInformationClass = (FILE_INFORMATION_CLASS)Class;
    return Irp;
}

NTSTATUS IopQuery(PFILE_OBJECT File, UCHAR MajorFunction, ULONG Class, ULONG Length,
                  PVOID Information, PULONG Returned)
{
    PIRP Irp = IopBuildInformation(File, MajorFunction, Class, Length);
    ULONG_PTR Bytes;
    NTSTATUS Status;
    PVOID Buffer;

    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Buffer = Irp->AssociatedIrp.SystemBuffer;
    Status = IopCallAndWait(IoGetRelatedDeviceObject(File), Irp, &Bytes);
    if (NT_SUCCESS(Status) || Status == STATUS_BUFFER_OVERFLOW) {
        MI_ASSERT(Bytes <= Length);
        memcpy(Information, Buffer, Bytes);
        *Returned = (ULONG)Bytes;
    }
    ExFreePoolWithTag(Buffer, IOP_BUFFER_TAG);
    return Status;
}

NTSTATUS NTAPI IoQueryFileInformation(PFILE_OBJECT FileObject,
                                      FILE_INFORMATION_CLASS FileInformationClass, ULONG Length,
                                      PVOID FileInformation, PULONG ReturnedLength)
{
    return IopQuery(FileObject, IRP_MJ_QUERY_INFORMATION, FileInformationClass, Length,
                    FileInformation, ReturnedLength);
}

NTSTATUS NTAPI IoQueryVolumeInformation(PFILE_OBJECT FileObject,
                                        FS_INFORMATION_CLASS FsInformationClass, ULONG Length,
                                        PVOID FsInformation, PULONG ReturnedLength)
{
    return IopQuery(FileObject, IRP_MJ_QUERY_VOLUME_INFORMATION, FsInformationClass, Length,
                    FsInformation, ReturnedLength);
}

/* Access that a class of information needs to be set. */
static NTSTATUS IopCheckSet(PFILE_OBJECT File, FILE_INFORMATION_CLASS Class)
{
    switch ((ULONG)Class) {
    case FileEndOfFileInformation:
    case FileAllocationInformation:
    case FileValidDataLengthInformation:
        return IopCheckAccess(File->WriteAccess);
    case FileDispositionInformation:
    case FileRenameInformation:
        return IopCheckAccess(File->DeleteAccess);
    default:
        return STATUS_SUCCESS;
    }
}

NTSTATUS IopSet(PFILE_OBJECT File, FILE_INFORMATION_CLASS Class, ULONG Length,
                const void *Information, PFILE_OBJECT Target)
{
    PIO_STACK_LOCATION Next;
    NTSTATUS Status;
    PVOID Buffer;
    PIRP Irp;

    Irp = IopBuildInformation(File, IRP_MJ_SET_INFORMATION, Class, Length);
    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Buffer = Irp->AssociatedIrp.SystemBuffer;
    memcpy(Buffer, Information, Length);
    Next = IoGetNextIrpStackLocation(Irp);
    Next->Parameters.SetFile.FileObject = Target;
    if (Class == FileRenameInformation) {
        Next->Parameters.SetFile.ReplaceIfExists =
            ((const FILE_RENAME_INFORMATION *)Information)->ReplaceIfExists;
    }
    Status = IopCallAndWait(IoGetRelatedDeviceObject(File), Irp, NULL);
    ExFreePoolWithTag(Buffer, IOP_BUFFER_TAG);
    return Status;
}

NTSTATUS NTAPI IoSetInformation(PFILE_OBJECT FileObject,
                                FILE_INFORMATION_CLASS FileInformationClass, ULONG Length,
                                PVOID FileInformation)
{
    NTSTATUS Status = IopCheckSet(FileObject, FileInformationClass);

    return NT_SUCCESS(Status)
               ? IopSet(FileObject, FileInformationClass, Length, FileInformation, NULL)
               : Status;
}

NTSTATUS IoQueryFileSize(PFILE_OBJECT File, PULONG64 Bytes)
{
    FILE_STANDARD_INFORMATION Standard;
    ULONG Returned;
    NTSTATUS Status = IoQueryFileInformation(File, FileStandardInformation, sizeof(Standard),
                                             &Standard, &Returned);

    if (NT_SUCCESS(Status)) {
        *Bytes = (ULONG64)Standard.EndOfFile.QuadPart;
    }
    return Status;
}

NTSTATUS IoSetFileSize(PFILE_OBJECT File, ULONG64 Bytes)
{
    FILE_END_OF_FILE_INFORMATION End = {.EndOfFile = {.QuadPart = (LONGLONG)Bytes}};

    return IoSetInformation(File, FileEndOfFileInformation, sizeof(End), &End);
}

/* ---- names ---- */

/* As NT: the directory of the new name is opened first, and says what stands under the name. */
NTSTATUS IoRenameFile(PFILE_OBJECT File, PCSTR NewPath, BOOLEAN ReplaceIfExists)
{
    const IO_OPEN Open = {
        .Path = NewPath,
        .DesiredAccess = FILE_WRITE_DATA | SYNCHRONIZE,
        .Disposition = FILE_OPEN,
        .ShareAccess = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
        .Flags = SL_OPEN_TARGET_DIRECTORY,
    };
    PFILE_RENAME_INFORMATION Rename;
    PFILE_OBJECT Target;
    ULONG Length;
    NTSTATUS Status = IoOpenFileEx(File->DeviceObject, &Open, &Target);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Length = (ULONG)offsetof(FILE_RENAME_INFORMATION, FileName) + Target->FileName.Length;
    Length = Length < sizeof(*Rename) ? (ULONG)sizeof(*Rename) : Length;
    Rename = ExAllocatePoolWithTag(NonPagedPool, Length, IOP_BUFFER_TAG);
    Status = STATUS_INSUFFICIENT_RESOURCES;
    if (Rename != NULL) {
        memset(Rename, 0, Length);
        Rename->ReplaceIfExists = ReplaceIfExists;
        Rename->FileNameLength = Target->FileName.Length;
        memcpy(Rename->FileName, Target->FileName.Buffer, Target->FileName.Length);
        Status = IopCheckSet(File, FileRenameInformation);
        if (NT_SUCCESS(Status)) {
            Status = IopSet(File, FileRenameInformation, Length, Rename, Target);
        }
        ExFreePoolWithTag(Rename, IOP_BUFFER_TAG);
    }
    IoCloseFile(Target);
    return Status;
}

NTSTATUS IoDeleteFile(PDEVICE_OBJECT Volume, PCSTR Path)
{
    FILE_DISPOSITION_INFORMATION Disposition = {.DeleteFile = TRUE};
    PFILE_OBJECT File;
    NTSTATUS Closed;
    NTSTATUS Status = IoOpenFile(Volume, Path, DELETE, FILE_OPEN, 0, &File);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoSetInformation(File, FileDispositionInformation, sizeof(Disposition), &Disposition);
    Closed = IopCloseFile(File);
    return NT_SUCCESS(Status) ? Closed : Status;
}

/* ---- directories and volumes ---- */

static PIRP IopBuildDirectoryQuery(PFILE_OBJECT Directory, BOOLEAN Restart, PVOID Buffer,
                                   ULONG Length)
{
    PIRP Irp = IopBuildFileRequest(Directory, IRP_MJ_DIRECTORY_CONTROL);
    PIO_STACK_LOCATION Next;

    if (Irp != NULL) {
        Irp->UserBuffer = Buffer;
        Next = IoGetNextIrpStackLocation(Irp);
        Next->MinorFunction = IRP_MN_QUERY_DIRECTORY;
        Next->Flags = (UCHAR)(SL_RETURN_SINGLE_ENTRY | (Restart ? SL_RESTART_SCAN : 0));
        Next->Parameters.QueryDirectory.Length = Length;
        Next->Parameters.QueryDirectory.FileInformationClass = FileDirectoryInformation;
    }
    return Irp;
}

static BOOLEAN IopIsDots(const FILE_DIRECTORY_INFORMATION *Found)
{
    return (Found->FileNameLength == 2 && Found->FileName[0] == u'.') ||
           (Found->FileNameLength == 4 && Found->FileName[0] == u'.' && Found->FileName[1] == u'.');
}

static void IopFillEntry(const FILE_DIRECTORY_INFORMATION *Found, PIO_DIRECTORY_ENTRY Entry)
{
    ULONG Bytes;

    (void)RtlUnicodeToUTF8N(Entry->Name, sizeof(Entry->Name) - 1, &Bytes, Found->FileName,
                            Found->FileNameLength);
    Entry->Name[Bytes] = '\0';
    Entry->Bytes = (ULONG64)Found->EndOfFile.QuadPart;
    Entry->FileAttributes = Found->FileAttributes;
}

NTSTATUS IoNextDirectoryEntry(PFILE_OBJECT Directory, BOOLEAN Restart, PIO_DIRECTORY_ENTRY Entry)
{
    const ULONG Length = sizeof(FILE_DIRECTORY_INFORMATION) + 256 * sizeof(WCHAR);
    PFILE_DIRECTORY_INFORMATION Found = ExAllocatePoolWithTag(NonPagedPool, Length, IOP_BUFFER_TAG);
    NTSTATUS Status;

    if (Found == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    do {
        PIRP Irp = IopBuildDirectoryQuery(Directory, Restart, Found, Length);

        Status = Irp == NULL ? STATUS_INSUFFICIENT_RESOURCES
                             : IopCallAndWait(IoGetRelatedDeviceObject(Directory), Irp, NULL);
        Restart = FALSE;
    } while (NT_SUCCESS(Status) && IopIsDots(Found));
    if (NT_SUCCESS(Status)) {
        IopFillEntry(Found, Entry);
    }
    ExFreePoolWithTag(Found, IOP_BUFFER_TAG);
    return Status == STATUS_NO_SUCH_FILE ? STATUS_NO_MORE_FILES : Status;
}

NTSTATUS IoQueryVolumeSize(PDEVICE_OBJECT Volume, PULONG64 Bytes, PULONG64 FreeBytes)
{
    FILE_FS_FULL_SIZE_INFORMATION Size;
    PFILE_OBJECT Root;
    ULONG Returned;
    NTSTATUS Status =
        IoOpenFile(Volume, "\\", FILE_READ_ATTRIBUTES, FILE_OPEN, FILE_DIRECTORY_FILE, &Root);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status =
        IoQueryVolumeInformation(Root, FileFsFullSizeInformation, sizeof(Size), &Size, &Returned);
    if (NT_SUCCESS(Status)) {
        ULONG64 UnitBytes = (ULONG64)Size.SectorsPerAllocationUnit * Size.BytesPerSector;

        *Bytes = (ULONG64)Size.TotalAllocationUnits.QuadPart * UnitBytes;
        *FreeBytes = (ULONG64)Size.ActualAvailableAllocationUnits.QuadPart * UnitBytes;
    }
    IoCloseFile(Root);
    return Status;
}
