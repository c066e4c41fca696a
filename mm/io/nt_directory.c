/* SPDX-License-Identifier: MIT */
/*
 * nt_directory.c - NtQueryDirectoryFile: a directory's entries.
 *
 * The file system writes into the caller's buffer: it locks a KernelMode caller's itself, a
 * UserMode caller's is locked here, where a bad address still has a status.
 */
#include "mm/io/io_i.h"

/* => 0: no such class. */
static ULONG IopEntryBytes(FILE_INFORMATION_CLASS Class)
{
    switch ((ULONG)Class) {
    case FileDirectoryInformation:
        return sizeof(FILE_DIRECTORY_INFORMATION);
    case FileFullDirectoryInformation:
        return offsetof(FILE_BOTH_DIR_INFORMATION, ShortNameLength) + sizeof(ULONG);
    case FileBothDirectoryInformation:
        return sizeof(FILE_BOTH_DIR_INFORMATION);
    case FileNamesInformation:
        return sizeof(FILE_NAMES_INFORMATION);
    default:
        return 0;
    }
}

typedef struct _IOP_LISTING {
    PVOID Buffer;
    ULONG Length;
    FILE_INFORMATION_CLASS Class;
    UCHAR Flags;
    PUNICODE_STRING Pattern;
} IOP_LISTING;

static NTSTATUS IopList(const IOP_SERVICE *Service, const IOP_LISTING *Listing, PULONG_PTR Done)
{
    PFILE_OBJECT File = Service->File;
    PIRP Irp = IopBuildFileRequest(File, IRP_MJ_DIRECTORY_CONTROL);
    PIO_STACK_LOCATION Next;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->UserBuffer = Listing->Buffer;
    if (Service->Mode != KernelMode) {
        Status = IopLockUserBuffer(Irp, Listing->Buffer, Listing->Length, IoWriteAccess);
    }
    if (!NT_SUCCESS(Status)) {
        IopAbandonRequest(Irp);
        return Status;
    }
    Next = IoGetNextIrpStackLocation(Irp);
    Next->MinorFunction = IRP_MN_QUERY_DIRECTORY;
    Next->Flags = Listing->Flags;
    Next->Parameters.QueryDirectory.Length = Listing->Length;
    Next->Parameters.QueryDirectory.FileName = Listing->Pattern;
    Next->Parameters.QueryDirectory.FileInformationClass = Listing->Class;
    return IopCallAndWait(IoGetRelatedDeviceObject(File), Irp, Done);
}

NTSTATUS NTAPI NtQueryDirectoryFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                    PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                                    PVOID FileInformation, ULONG Length,
                                    FILE_INFORMATION_CLASS FileInformationClass,
                                    BOOLEAN ReturnSingleEntry, PUNICODE_STRING FileName,
                                    BOOLEAN RestartScan)
{
    const IOP_LISTING Listing = {
        .Buffer = FileInformation,
        .Length = Length,
        .Class = FileInformationClass,
        .Flags = (UCHAR)((ReturnSingleEntry ? SL_RETURN_SINGLE_ENTRY : 0) |
                         (RestartScan ? SL_RESTART_SCAN : 0)),
        .Pattern = FileName,
    };
    IOP_SERVICE Service;
    ULONG_PTR Done = 0;
    NTSTATUS Status;

    (void)ApcContext;
    if (IopEntryBytes(FileInformationClass) == 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Length < IopEntryBytes(FileInformationClass)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    Status = IopEnterService(FileHandle, FILE_LIST_DIRECTORY, &Service);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopTakeEvent(&Service, Event, ApcRoutine);
    if (NT_SUCCESS(Status)) {
        Status = IopList(&Service, &Listing, &Done);
    }
    return IopLeaveService(&Service, Status, Done, IoStatusBlock);
}
