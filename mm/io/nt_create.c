/* SPDX-License-Identifier: MIT */
/*
 * nt_create.c - NtCreateFile and NtOpenFile; and what opens a file for one thing by its name.
 *
 * Those that want one thing (NtDeleteFile, NtQueryAttributesFile) open the file with a handle, take
 * a reference, and close the handle when they are done.
 */
#include "mm/io/io_i.h"

#define IOP_SYNCHRONOUS (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)
#define IOP_SHARE_ALL   (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* ---- what goes together ---- */

static NTSTATUS IopCheckModes(ACCESS_MASK Access, ULONG Options)
{
    if ((Options & IOP_SYNCHRONOUS) == IOP_SYNCHRONOUS) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((Options & IOP_SYNCHRONOUS) && (Access & SYNCHRONIZE) == 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((Options & FILE_NO_INTERMEDIATE_BUFFERING) && (Access & FILE_APPEND_DATA)) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((Options & FILE_COMPLETE_IF_OPLOCKED) && (Options & FILE_RESERVE_OPFILTER)) {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

/* What options a directory that is asked for as one may have. */
static NTSTATUS IopCheckDirectory(ULONG Options)
{
    const ULONG Allowed = FILE_DIRECTORY_FILE | IOP_SYNCHRONOUS | FILE_WRITE_THROUGH |
                          FILE_COMPLETE_IF_OPLOCKED | FILE_OPEN_FOR_BACKUP_INTENT |
                          FILE_DELETE_ON_CLOSE | FILE_OPEN_BY_FILE_ID | FILE_OPEN_REPARSE_POINT;

    return (Options & FILE_DIRECTORY_FILE) && (Options & ~Allowed) != 0 ? STATUS_INVALID_PARAMETER
                                                                        : STATUS_SUCCESS;
}

static NTSTATUS IopCheckCreate(const IOP_OPEN_PACKET *Packet)
{
    NTSTATUS Status = IopCheckOptions(Packet->Disposition, Packet->Options, Packet->DesiredAccess);

    if ((Packet->FileAttributes & ~FILE_ATTRIBUTE_VALID_FLAGS) != 0 ||
        (Packet->ShareAccess & ~FILE_SHARE_VALID_FLAGS) != 0 ||
        (LONGLONG)Packet->AllocationSize < 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (NT_SUCCESS(Status)) {
        Status = IopCheckModes(Packet->DesiredAccess, Packet->Options);
    }
    return NT_SUCCESS(Status) ? IopCheckDirectory(Packet->Options) : Status;
}

/* ---- opening ---- */

static NTSTATUS IopCreate(PHANDLE FileHandle, PCOBJECT_ATTRIBUTES Attributes, PIO_STATUS_BLOCK Iosb,
                          PIOP_OPEN_PACKET Packet)
{
    HANDLE Handle = NULL;
    NTSTATUS Status = IopCheckCreate(Packet);

    if (NT_SUCCESS(Status)) {
        Status = IopOpenByName(Attributes, ExGetPreviousMode(), Packet, &Handle);
    }
    if (NT_SUCCESS(Status)) {
        Status = Packet->Status;
        Iosb->Status = Status;
        Iosb->Information = Packet->Information;
        *FileHandle = Handle;
    }
    return Status;
}

NTSTATUS NTAPI NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            PCOBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                            ULONG EaLength)
{
    IOP_OPEN_PACKET Packet = {
        .DesiredAccess = DesiredAccess,
        .Disposition = CreateDisposition,
        .Options = CreateOptions,
        .ShareAccess = ShareAccess,
        .FileAttributes = FileAttributes,
        .AllocationSize = AllocationSize != NULL ? (ULONG64)AllocationSize->QuadPart : 0,
    };

    if (EaBuffer != NULL || EaLength != 0) {
        return STATUS_EAS_NOT_SUPPORTED;
    }
    return IopCreate(FileHandle, ObjectAttributes, IoStatusBlock, &Packet);
}

NTSTATUS NTAPI NtOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                          PCOBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                          ULONG ShareAccess, ULONG OpenOptions)
{
    return NtCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0,
                        ShareAccess, FILE_OPEN, OpenOptions, NULL, 0);
}

/* ---- for one thing ---- */

/* => *File is referenced, and Handle to be closed. */
static NTSTATUS IopOpenFor(PCOBJECT_ATTRIBUTES Attributes, ACCESS_MASK Access, PHANDLE Handle,
                           PFILE_OBJECT *File)
{
    IOP_OPEN_PACKET Packet = {
        .DesiredAccess = Access,
        .Disposition = FILE_OPEN,
        .Options = FILE_OPEN_REPARSE_POINT,
        .ShareAccess = IOP_SHARE_ALL,
    };
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PVOID Object = NULL;
    NTSTATUS Status = IopOpenByName(Attributes, Mode, &Packet, Handle);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObReferenceObjectByHandle(*Handle, Access, IoFileObjectType, Mode, &Object, NULL);
    if (!NT_SUCCESS(Status)) {
        IopDropHandle(*Handle);
        return Status;
    }
    *File = Object;
    return STATUS_SUCCESS;
}

static NTSTATUS IopQueryByName(PCOBJECT_ATTRIBUTES Attributes, FILE_INFORMATION_CLASS Class,
                               ULONG Length, PVOID Information)
{
    PFILE_OBJECT File;
    HANDLE Handle;
    ULONG Returned;
    NTSTATUS Status = IopOpenFor(Attributes, FILE_READ_ATTRIBUTES, &Handle, &File);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopQuery(File, IRP_MJ_QUERY_INFORMATION, Class, Length, Information, &Returned);
    IopDropHandle(Handle);
    ObDereferenceObject(File);
    return Status;
}

NTSTATUS NTAPI NtQueryAttributesFile(PCOBJECT_ATTRIBUTES ObjectAttributes,
                                     PFILE_BASIC_INFORMATION FileInformation)
{
    return IopQueryByName(ObjectAttributes, FileBasicInformation, sizeof(*FileInformation),
                          FileInformation);
}

NTSTATUS NTAPI NtQueryFullAttributesFile(PCOBJECT_ATTRIBUTES ObjectAttributes,
                                         PFILE_NETWORK_OPEN_INFORMATION FileInformation)
{
    return IopQueryByName(ObjectAttributes, FileNetworkOpenInformation, sizeof(*FileInformation),
                          FileInformation);
}

NTSTATUS NTAPI NtDeleteFile(PCOBJECT_ATTRIBUTES ObjectAttributes)
{
    const FILE_DISPOSITION_INFORMATION Disposition = {.DeleteFile = TRUE};
    PFILE_OBJECT File;
    HANDLE Handle;
    NTSTATUS Status = IopOpenFor(ObjectAttributes, DELETE, &Handle, &File);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopSet(File, FileDispositionInformation, sizeof(Disposition), &Disposition, NULL);
    IopDropHandle(Handle);
    if (NT_SUCCESS(Status)) {
        Status = IopFileOf(File)->CleanupStatus;
    }
    ObDereferenceObject(File);
    return Status;
}
