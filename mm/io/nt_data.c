/* SPDX-License-Identifier: MIT */
/*
 * nt_data.c - NtReadFile, NtWriteFile, NtFlushBuffersFile: bytes of a file.
 *
 * Which position is meant is decided here, under the file's lock; the file system moves a
 * synchronous file's position when it is done.  The end of a file is the file system's to know, so
 * FILE_WRITE_TO_END_OF_FILE is handed on.
 *
 * A transfer of a synchronous file that is cached is tried without a request first (fast_io.h).
 */
#include "fast_io.h"
#include "mm/io/io_i.h"
#include "user_half.h"

typedef struct _IOP_TRANSFER {
    UCHAR MajorFunction;
    PVOID Buffer;
    ULONG Length;
    PLARGE_INTEGER ByteOffset; /* or NULL */
    ULONG Key;
    HANDLE Event;
    PIO_APC_ROUTINE ApcRoutine;
    LARGE_INTEGER Start; /* where it begins, or the end of the file */
} IOP_TRANSFER;

static BOOLEAN IopIsSpecial(LARGE_INTEGER Offset, ULONG Which)
{
    return Offset.HighPart == -1 && Offset.LowPart == Which;
}

/* ---- where ---- */

static NTSTATUS IopFindStart(const IOP_SERVICE *Service, IOP_TRANSFER *Transfer)
{
    const ACCESS_MASK Both = FILE_WRITE_DATA | FILE_APPEND_DATA;
    BOOLEAN Writes = Transfer->MajorFunction == IRP_MJ_WRITE;
    BOOLEAN Here = Transfer->ByteOffset == NULL ||
                   IopIsSpecial(*Transfer->ByteOffset, FILE_USE_FILE_POINTER_POSITION);

    if (Here && (Service->File->Flags & FO_SYNCHRONOUS_IO) == 0) {
        return STATUS_INVALID_PARAMETER;
    }
    Transfer->Start = Here ? Service->File->CurrentByteOffset : *Transfer->ByteOffset;
    if (Writes && (Service->Granted & Both) == FILE_APPEND_DATA) {
        Transfer->Start = (LARGE_INTEGER){.LowPart = FILE_WRITE_TO_END_OF_FILE, .HighPart = -1};
    }
    if (Writes && IopIsSpecial(Transfer->Start, FILE_WRITE_TO_END_OF_FILE)) {
        return STATUS_SUCCESS;
    }
    return Transfer->Start.QuadPart >= 0 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* Without a cache between: whole sectors, from a buffer as the disk wants it. */
static NTSTATUS IopCheckAlignment(const FILE_OBJECT *File, const IOP_TRANSFER *Transfer)
{
    ULONG Sector = File->DeviceObject->SectorSize;

    if ((File->Flags & FO_NO_INTERMEDIATE_BUFFERING) == 0 || Sector == 0) {
        return STATUS_SUCCESS;
    }
    if (Transfer->Length % Sector != 0 ||
        ((ULONG_PTR)Transfer->Buffer & File->DeviceObject->AlignmentRequirement) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    return Transfer->Start.QuadPart < 0 || (ULONG64)Transfer->Start.QuadPart % Sector == 0
               ? STATUS_SUCCESS
               : STATUS_INVALID_PARAMETER;
}

/* ---- the transfer ---- */

/* A user's buffer that ends in the system half is the request's to refuse. */
static BOOLEAN IopIsCallersBuffer(const IOP_SERVICE *Service, const IOP_TRANSFER *Transfer)
{
    ULONG_PTR Va = (ULONG_PTR)Transfer->Buffer;

    return Service->Mode == KernelMode ||
           (Va < MM_USER_PROBE_ADDRESS && Transfer->Length <= MM_USER_PROBE_ADDRESS - Va);
}

/* => TRUE: done without a request.  *Result says how it went. */
static BOOLEAN IopTransferFast(const IOP_SERVICE *Service, IOP_TRANSFER *Transfer,
                               PIO_STATUS_BLOCK Result)
{
    PFILE_OBJECT File = Service->File;
    PFAST_IO_DISPATCH Fast;
    PDEVICE_OBJECT Device;
    FAST_IO_READ *Routine; /* and FAST_IO_WRITE */

    if (File->PrivateCacheMap == NULL || (File->Flags & FO_SYNCHRONOUS_IO) == 0 ||
        Transfer->Start.QuadPart < 0 || !IopIsCallersBuffer(Service, Transfer)) {
        return FALSE;
    }
    Device = IoGetRelatedDeviceObject(File);
    Fast = Device->DriverObject->FastIoDispatch;
    if (Fast == NULL) {
        return FALSE;
    }
    Routine = Transfer->MajorFunction == IRP_MJ_READ ? Fast->FastIoRead : Fast->FastIoWrite;
    return Routine != NULL && Routine(File, &Transfer->Start, Transfer->Length, TRUE, Transfer->Key,
                                      Transfer->Buffer, Result, Device);
}

static NTSTATUS IopTransferService(PIOP_SERVICE Service, IOP_TRANSFER *Transfer, PULONG_PTR Done)
{
    IO_STATUS_BLOCK Result;

    if (IopTransferFast(Service, Transfer, &Result)) {
        Service->Fast = TRUE;
        *Done = Result.Information;
        return Result.Status;
    }
    KeResetEvent(&Service->File->Event);
    return IopTransferFile(Service->File, Transfer->MajorFunction, Service->Mode,
                           (ULONG64)Transfer->Start.QuadPart, Transfer->Key, Transfer->Buffer,
                           Transfer->Length, Done);
}

static NTSTATUS IopTransferByHandle(HANDLE Handle, IOP_TRANSFER *Transfer, PIO_STATUS_BLOCK Iosb)
{
    IOP_SERVICE Service;
    ULONG_PTR Done = 0;
    NTSTATUS Status = IopEnterFile(Handle, 0, &Service);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopNeedAny(&Service, Transfer->MajorFunction == IRP_MJ_READ
                                      ? FILE_READ_DATA
                                      : FILE_WRITE_DATA | FILE_APPEND_DATA);
    if (NT_SUCCESS(Status)) {
        Status = IopTakeEvent(&Service, Transfer->Event, Transfer->ApcRoutine);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopFindStart(&Service, Transfer);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopCheckAlignment(Service.File, Transfer);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopTransferService(&Service, Transfer, &Done);
    }
    return IopLeaveService(&Service, Status, Done, Iosb);
}

NTSTATUS NTAPI NtReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                          PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer,
                          ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    IOP_TRANSFER Transfer = {
        .MajorFunction = IRP_MJ_READ,
        .Buffer = Buffer,
        .Length = Length,
        .ByteOffset = ByteOffset,
        .Key = Key != NULL ? *Key : 0,
        .Event = Event,
        .ApcRoutine = ApcRoutine,
    };

    (void)ApcContext;
    return IopTransferByHandle(FileHandle, &Transfer, IoStatusBlock);
}

NTSTATUS NTAPI NtWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                           PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, const void *Buffer,
                           ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key)
{
    IOP_TRANSFER Transfer = {
        .MajorFunction = IRP_MJ_WRITE,
        .Buffer = (PVOID)(ULONG_PTR)Buffer,
        .Length = Length,
        .ByteOffset = ByteOffset,
        .Key = Key != NULL ? *Key : 0,
        .Event = Event,
        .ApcRoutine = ApcRoutine,
    };

    (void)ApcContext;
    return IopTransferByHandle(FileHandle, &Transfer, IoStatusBlock);
}

NTSTATUS NTAPI NtFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    IOP_SERVICE Service;
    NTSTATUS Status = IopEnterService(FileHandle, 0, &Service);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopNeedAny(&Service, FILE_WRITE_DATA | FILE_APPEND_DATA);
    if (NT_SUCCESS(Status)) {
        Status = IoFlushFile(Service.File);
    }
    return IopLeaveService(&Service, Status, 0, IoStatusBlock);
}
