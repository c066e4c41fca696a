/* SPDX-License-Identifier: MIT */
/*
 * nt_information.c - NtQueryInformationFile, NtSetInformationFile, NtQueryVolumeInformationFile.
 *
 * The table says how long each class of information is at least, and which right it needs (one of
 * those that it names).  What the file object knows is answered here: access, mode, alignment,
 * position, and the device of a volume.  The rest is the file system's.
 *
 * Information travels in nonpaged pool of the system, which is no longer than the class can use.
 */
#include "fast_io.h"
#include "mm/io/io_i.h"
#include "mm/io/nt_rename.h"

#define IOP_MOST_INFORMATION 0x10400u /* a name of 64 KB, and what is around it */

typedef struct _IOP_CLASS {
    ULONG QueryBytes; /* at least; 0: cannot be asked for */
    ULONG SetBytes;   /* at least; 0: cannot be set */
    ACCESS_MASK QueryAccess;
    ACCESS_MASK SetAccess;
    BOOLEAN Named; /* a name follows: as long as the caller's buffer */
} IOP_CLASS;

#define IOP_DATA (FILE_READ_DATA | FILE_WRITE_DATA)

static const IOP_CLASS IopClasses[] = {
    [FileBasicInformation] = {sizeof(FILE_BASIC_INFORMATION), sizeof(FILE_BASIC_INFORMATION),
                              FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES, FALSE},
    [FileStandardInformation] = {.QueryBytes = sizeof(FILE_STANDARD_INFORMATION)},
    [FileInternalInformation] = {.QueryBytes = sizeof(FILE_INTERNAL_INFORMATION)},
    [FileEaInformation] = {.QueryBytes = sizeof(FILE_EA_INFORMATION)},
    [FileAccessInformation] = {.QueryBytes = sizeof(FILE_ACCESS_INFORMATION)},
    [FileNameInformation] = {.QueryBytes = sizeof(FILE_NAME_INFORMATION), .Named = TRUE},
    [FileRenameInformation] = {.SetBytes = sizeof(FILE_RENAME_INFORMATION),
                               .SetAccess = DELETE,
                               .Named = TRUE},
    [FileDispositionInformation] = {.SetBytes = sizeof(FILE_DISPOSITION_INFORMATION),
                                    .SetAccess = DELETE},
    [FilePositionInformation] = {sizeof(FILE_POSITION_INFORMATION),
                                 sizeof(FILE_POSITION_INFORMATION), IOP_DATA, IOP_DATA, FALSE},
    [FileModeInformation] = {.QueryBytes = sizeof(FILE_MODE_INFORMATION),
                             .SetBytes = sizeof(FILE_MODE_INFORMATION)},
    [FileAlignmentInformation] = {.QueryBytes = sizeof(FILE_ALIGNMENT_INFORMATION)},
    [FileAllInformation] = {.QueryBytes = sizeof(FILE_ALL_INFORMATION),
                            .QueryAccess = FILE_READ_ATTRIBUTES,
                            .Named = TRUE},
    [FileAllocationInformation] = {.SetBytes = sizeof(FILE_ALLOCATION_INFORMATION),
                                   .SetAccess = FILE_WRITE_DATA},
    [FileEndOfFileInformation] = {.SetBytes = sizeof(FILE_END_OF_FILE_INFORMATION),
                                  .SetAccess = FILE_WRITE_DATA},
    [FileNetworkOpenInformation] = {.QueryBytes = sizeof(FILE_NETWORK_OPEN_INFORMATION),
                                    .QueryAccess = FILE_READ_ATTRIBUTES},
    [FileValidDataLengthInformation] = {.SetBytes = sizeof(FILE_VALID_DATA_LENGTH_INFORMATION),
                                        .SetAccess = FILE_WRITE_DATA},
};

/* => NULL: there is no such class. */
static const IOP_CLASS *IopFindClass(FILE_INFORMATION_CLASS Class)
{
    return (ULONG)Class < RTL_NUMBER_OF(IopClasses) ? &IopClasses[Class] : NULL;
}

/* How much of a caller's buffer counts. */
static NTSTATUS IopCheckLength(ULONG Least, BOOLEAN Named, PULONG Length)
{
    if (Least == 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (*Length < Least) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (!Named) {
        *Length = Least;
    } else if (*Length > IOP_MOST_INFORMATION) {
        *Length = IOP_MOST_INFORMATION;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS IopNeedRight(const IOP_SERVICE *Service, ACCESS_MASK Access)
{
    return Access == 0 ? STATUS_SUCCESS : IopNeedAny(Service, Access);
}

/* ---- what the file object knows ---- */

static ULONG IopModeOf(const FILE_OBJECT *File)
{
    ULONG Mode = 0;

    Mode |= File->Flags & FO_WRITE_THROUGH ? FILE_WRITE_THROUGH : 0;
    Mode |= File->Flags & FO_SEQUENTIAL_ONLY ? FILE_SEQUENTIAL_ONLY : 0;
    Mode |= File->Flags & FO_NO_INTERMEDIATE_BUFFERING ? FILE_NO_INTERMEDIATE_BUFFERING : 0;
    Mode |= File->Flags & FO_DELETE_ON_CLOSE ? FILE_DELETE_ON_CLOSE : 0;
    if (File->Flags & FO_SYNCHRONOUS_IO) {
        Mode |= File->Flags & FO_ALERTABLE_IO ? FILE_SYNCHRONOUS_IO_ALERT
                                              : FILE_SYNCHRONOUS_IO_NONALERT;
    }
    return Mode;
}

/* How it is served is fixed; only whether its waits can be alerted, and how data is written. */
static NTSTATUS IopSetMode(PFILE_OBJECT File, ULONG Mode)
{
    const ULONG Synchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    const ULONG Settable = FO_WRITE_THROUGH | FO_SEQUENTIAL_ONLY | FO_ALERTABLE_IO;
    BOOLEAN IsSynchronous = (File->Flags & FO_SYNCHRONOUS_IO) != 0;
    ULONG Flags = 0;

    if ((Mode & ~(FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | Synchronous)) != 0 ||
        (Mode & Synchronous) == Synchronous || ((Mode & Synchronous) != 0) != IsSynchronous) {
        return STATUS_INVALID_PARAMETER;
    }
    Flags |= Mode & FILE_WRITE_THROUGH ? FO_WRITE_THROUGH : 0;
    Flags |= Mode & FILE_SEQUENTIAL_ONLY ? FO_SEQUENTIAL_ONLY : 0;
    Flags |= Mode & FILE_SYNCHRONOUS_IO_ALERT ? FO_ALERTABLE_IO : 0;
    File->Flags = (File->Flags & ~Settable) | Flags;
    return STATUS_SUCCESS;
}

static NTSTATUS IopSetPosition(PFILE_OBJECT File, LARGE_INTEGER Position)
{
    ULONG Sector = File->DeviceObject->SectorSize;

    if (Position.QuadPart < 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((File->Flags & FO_NO_INTERMEDIATE_BUFFERING) && Sector != 0 &&
        (ULONG64)Position.QuadPart % Sector != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    File->CurrentByteOffset = Position;
    return STATUS_SUCCESS;
}

/* ---- query ---- */

/* Each part as its own class has it. */
static NTSTATUS IopQueryParts(const IOP_SERVICE *Service, PFILE_ALL_INFORMATION All)
{
    PFILE_OBJECT File = Service->File;
    ULONG Bytes;
    NTSTATUS Status = IopQuery(File, IRP_MJ_QUERY_INFORMATION, FileBasicInformation,
                               sizeof(All->BasicInformation), &All->BasicInformation, &Bytes);

    if (NT_SUCCESS(Status)) {
        Status = IopQuery(File, IRP_MJ_QUERY_INFORMATION, FileStandardInformation,
                          sizeof(All->StandardInformation), &All->StandardInformation, &Bytes);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopQuery(File, IRP_MJ_QUERY_INFORMATION, FileInternalInformation,
                          sizeof(All->InternalInformation), &All->InternalInformation, &Bytes);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopQuery(File, IRP_MJ_QUERY_INFORMATION, FileEaInformation,
                          sizeof(All->EaInformation), &All->EaInformation, &Bytes);
    }
    All->AccessInformation.AccessFlags = Service->Granted;
    All->PositionInformation.CurrentByteOffset = File->CurrentByteOffset;
    All->ModeInformation.Mode = IopModeOf(File);
    All->AlignmentInformation.AlignmentRequirement = File->DeviceObject->AlignmentRequirement;
    return Status;
}

static NTSTATUS IopQueryAll(const IOP_SERVICE *Service, ULONG Length, PFILE_ALL_INFORMATION All,
                            PULONG Returned)
{
    const ULONG Head = offsetof(FILE_ALL_INFORMATION, NameInformation);
    NTSTATUS Status = IopQueryParts(Service, All);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopQuery(Service->File, IRP_MJ_QUERY_INFORMATION, FileNameInformation, Length - Head,
                      &All->NameInformation, Returned);
    *Returned += Head;
    return Status;
}

/* A synchronous file is asked without a request.  => FALSE: it needs one. */
static BOOLEAN IopQueryFast(const IOP_SERVICE *Service, FILE_INFORMATION_CLASS Class, PVOID Buffer,
                            PIO_STATUS_BLOCK Result)
{
    PFILE_OBJECT File = Service->File;
    PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(File);
    PFAST_IO_DISPATCH Fast = Device->DriverObject->FastIoDispatch;

    if (Fast == NULL || (File->Flags & FO_SYNCHRONOUS_IO) == 0) {
        return FALSE;
    }
    if (Class == FileBasicInformation) {
        return Fast->FastIoQueryBasicInfo != NULL &&
               Fast->FastIoQueryBasicInfo(File, TRUE, Buffer, Result, Device);
    }
    return Class == FileStandardInformation && Fast->FastIoQueryStandardInfo != NULL &&
           Fast->FastIoQueryStandardInfo(File, TRUE, Buffer, Result, Device);
}

static NTSTATUS IopQueryDriver(const IOP_SERVICE *Service, FILE_INFORMATION_CLASS Class,
                               ULONG Length, PVOID Buffer, PULONG Returned)
{
    IO_STATUS_BLOCK Result;

    if (IopQueryFast(Service, Class, Buffer, &Result)) {
        *Returned = (ULONG)Result.Information;
        return Result.Status;
    }
    *Returned = 0;
    return IopQuery(Service->File, IRP_MJ_QUERY_INFORMATION, Class, Length, Buffer, Returned);
}

static NTSTATUS IopQueryClass(const IOP_SERVICE *Service, FILE_INFORMATION_CLASS Class,
                              ULONG Length, PVOID Buffer, PULONG Returned)
{
    *Returned = Length;
    switch ((ULONG)Class) {
    case FileAccessInformation:
        ((PFILE_ACCESS_INFORMATION)Buffer)->AccessFlags = Service->Granted;
        return STATUS_SUCCESS;
    case FileModeInformation:
        ((PFILE_MODE_INFORMATION)Buffer)->Mode = IopModeOf(Service->File);
        return STATUS_SUCCESS;
    case FileAlignmentInformation:
        ((PFILE_ALIGNMENT_INFORMATION)Buffer)->AlignmentRequirement =
            Service->File->DeviceObject->AlignmentRequirement;
        return STATUS_SUCCESS;
    case FilePositionInformation:
        ((PFILE_POSITION_INFORMATION)Buffer)->CurrentByteOffset = Service->File->CurrentByteOffset;
        return STATUS_SUCCESS;
    case FileAllInformation:
        return IopQueryAll(Service, Length, Buffer, Returned);
    default:
        return IopQueryDriver(Service, Class, Length, Buffer, Returned);
    }
}

/* => The buffer is gone.  A warning stays one, unless the caller's buffer is none. */
static NTSTATUS IopGiveBack(const IOP_SERVICE *Service, NTSTATUS Status, PVOID To, PVOID Buffer,
                            ULONG Bytes)
{
    BOOLEAN Filled = NT_SUCCESS(Status) || Status == STATUS_BUFFER_OVERFLOW;
    NTSTATUS Copied = IopReturnBuffer(Service->Mode, To, Buffer, Filled ? Bytes : 0);

    return NT_SUCCESS(Copied) ? Status : Copied;
}

NTSTATUS NTAPI NtQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                      PVOID FileInformation, ULONG Length,
                                      FILE_INFORMATION_CLASS FileInformationClass)
{
    const IOP_CLASS *Class = IopFindClass(FileInformationClass);
    IOP_SERVICE Service;
    ULONG Returned = 0;
    PVOID Buffer = NULL;
    NTSTATUS Status = Class == NULL ? STATUS_INVALID_INFO_CLASS
                                    : IopCheckLength(Class->QueryBytes, Class->Named, &Length);

    if (NT_SUCCESS(Status)) {
        Status = IopEnterService(FileHandle, 0, &Service);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopNeedRight(&Service, Class->QueryAccess);
    if (NT_SUCCESS(Status)) {
        Status = IopCaptureBuffer(Service.Mode, NULL, Length, 0, &Buffer);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopQueryClass(&Service, FileInformationClass, Length, Buffer, &Returned);
        Status = IopGiveBack(&Service, Status, FileInformation, Buffer, Returned);
    }
    return IopLeaveService(&Service, Status, Returned, IoStatusBlock);
}

/* ---- set ---- */

static NTSTATUS IopSetClass(const IOP_SERVICE *Service, FILE_INFORMATION_CLASS Class, ULONG Length,
                            PVOID Buffer)
{
    switch ((ULONG)Class) {
    case FileModeInformation:
        return IopSetMode(Service->File, ((PFILE_MODE_INFORMATION)Buffer)->Mode);
    case FilePositionInformation:
        return IopSetPosition(Service->File,
                              ((PFILE_POSITION_INFORMATION)Buffer)->CurrentByteOffset);
    case FileRenameInformation:
        return IopRename(Service, Buffer, Length);
    default:
        return IopSet(Service->File, Class, Length, Buffer, NULL);
    }
}

NTSTATUS NTAPI NtSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                    PVOID FileInformation, ULONG Length,
                                    FILE_INFORMATION_CLASS FileInformationClass)
{
    const IOP_CLASS *Class = IopFindClass(FileInformationClass);
    IOP_SERVICE Service;
    PVOID Buffer = NULL;
    NTSTATUS Status = Class == NULL ? STATUS_INVALID_INFO_CLASS
                                    : IopCheckLength(Class->SetBytes, Class->Named, &Length);

    if (NT_SUCCESS(Status)) {
        Status = IopEnterService(FileHandle, 0, &Service);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopNeedRight(&Service, Class->SetAccess);
    if (NT_SUCCESS(Status)) {
        Status = IopCaptureBuffer(Service.Mode, FileInformation, Length, Length, &Buffer);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopSetClass(&Service, FileInformationClass, Length, Buffer);
        ExFreePoolWithTag(Buffer, IOP_BUFFER_TAG);
    }
    return IopLeaveService(&Service, Status, 0, IoStatusBlock);
}

/* ---- volumes ---- */

static ULONG IopVolumeBytes(FS_INFORMATION_CLASS Class, PBOOLEAN Named)
{
    *Named = Class == FileFsVolumeInformation || Class == FileFsAttributeInformation;
    switch ((ULONG)Class) {
    case FileFsVolumeInformation:
        return sizeof(FILE_FS_VOLUME_INFORMATION);
    case FileFsSizeInformation:
        return sizeof(FILE_FS_SIZE_INFORMATION);
    case FileFsDeviceInformation:
        return sizeof(FILE_FS_DEVICE_INFORMATION);
    case FileFsAttributeInformation:
        return sizeof(FILE_FS_ATTRIBUTE_INFORMATION);
    case FileFsFullSizeInformation:
        return sizeof(FILE_FS_FULL_SIZE_INFORMATION);
    default:
        return 0;
    }
}

static void IopDescribeDevice(PDEVICE_OBJECT Device, PFILE_FS_DEVICE_INFORMATION Information)
{
    Information->DeviceType = Device->DeviceType;
    Information->Characteristics = Device->Characteristics;
    if (Device->Vpb != NULL && (Device->Vpb->Flags & VPB_MOUNTED)) {
        Information->Characteristics |= FILE_DEVICE_IS_MOUNTED;
    }
}

static NTSTATUS IopQueryVolumeClass(PFILE_OBJECT File, FS_INFORMATION_CLASS Class, ULONG Length,
                                    PVOID Buffer, PULONG Returned)
{
    if (Class == FileFsDeviceInformation) {
        IopDescribeDevice(File->DeviceObject, Buffer);
        *Returned = sizeof(FILE_FS_DEVICE_INFORMATION);
        return STATUS_SUCCESS;
    }
    return IopQuery(File, IRP_MJ_QUERY_VOLUME_INFORMATION, Class, Length, Buffer, Returned);
}

NTSTATUS NTAPI NtQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                            PVOID FsInformation, ULONG Length,
                                            FS_INFORMATION_CLASS FsInformationClass)
{
    BOOLEAN Named;
    ULONG Least = IopVolumeBytes(FsInformationClass, &Named);
    IOP_SERVICE Service;
    ULONG Returned = 0;
    PVOID Buffer = NULL;
    NTSTATUS Status = IopCheckLength(Least, Named, &Length);

    if (NT_SUCCESS(Status)) {
        Status = IopEnterService(FileHandle, 0, &Service);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopCaptureBuffer(Service.Mode, NULL, Length, 0, &Buffer);
    if (NT_SUCCESS(Status)) {
        Status = IopQueryVolumeClass(Service.File, FsInformationClass, Length, Buffer, &Returned);
        Status = IopGiveBack(&Service, Status, FsInformation, Buffer, Returned);
    }
    return IopLeaveService(&Service, Status, Returned, IoStatusBlock);
}
