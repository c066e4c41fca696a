/* SPDX-License-Identifier: MIT */
/*
 * nt_control.c - NtDeviceIoControlFile and NtFsControlFile: what a device or a file system has
 * beyond reading and writing.
 *
 * The code says how its buffers travel (build.c), and which right it needs.  A request is built for
 * KernelMode's buffers; of UserMode only those that are copied (METHOD_BUFFERED) are served, by
 * copies on both sides.
 */
#include "mm/io/io_i.h"

#define IOP_MOST_CONTROL 0x100000u /* bytes of a copied buffer */

typedef struct _IOP_CONTROL_CALL {
    UCHAR MajorFunction;
    ULONG Code;
    PVOID Input;
    ULONG InputBytes;
    PVOID Output;
    ULONG OutputBytes;
    HANDLE Event;
    PIO_APC_ROUTINE ApcRoutine;
} IOP_CONTROL_CALL;

static NTSTATUS IopCheckControl(const IOP_SERVICE *Service, const IOP_CONTROL_CALL *Call)
{
    ULONG Access = ACCESS_FROM_CTL_CODE(Call->Code);
    NTSTATUS Status = STATUS_SUCCESS;

    if (Access & FILE_READ_ACCESS) {
        Status = IopNeedAny(Service, FILE_READ_DATA);
    }
    if (NT_SUCCESS(Status) && (Access & FILE_WRITE_ACCESS)) {
        Status = IopNeedAny(Service, FILE_WRITE_DATA);
    }
    if (NT_SUCCESS(Status) && Service->Mode != KernelMode &&
        METHOD_FROM_CTL_CODE(Call->Code) != METHOD_BUFFERED) {
        Status = STATUS_NOT_SUPPORTED;
    }
    if (Call->InputBytes > IOP_MOST_CONTROL || Call->OutputBytes > IOP_MOST_CONTROL) {
        Status = STATUS_INVALID_PARAMETER;
    }
    return Status;
}

/* => Buffers are the system's. */
static NTSTATUS IopSendControl(PFILE_OBJECT File, const IOP_CONTROL_CALL *Call, PULONG_PTR Done)
{
    PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(File);
    PIRP Irp = IoBuildDeviceIoControlRequest(Call->Code, Device, Call->Input, Call->InputBytes,
                                             Call->Output, Call->OutputBytes, FALSE, NULL, NULL);
    PIO_STACK_LOCATION Next;

    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->Tail.Overlay.OriginalFileObject = File;
    Next = IoGetNextIrpStackLocation(Irp);
    Next->MajorFunction = Call->MajorFunction; /* the parameters of both are the same */
    Next->MinorFunction = IRP_MN_USER_FS_REQUEST;
    Next->FileObject = File;
    return IopCallAndWait(Device, Irp, Done);
}

/* One nonpaged buffer both ways; what the caller gave is not touched by a request. */
static NTSTATUS IopControlCopied(const IOP_SERVICE *Service, const IOP_CONTROL_CALL *Call,
                                 PULONG_PTR Done)
{
    IOP_CONTROL_CALL Mine = *Call;
    ULONG Bytes = Call->InputBytes > Call->OutputBytes ? Call->InputBytes : Call->OutputBytes;
    PVOID Buffer = NULL;
    NTSTATUS Copied;
    NTSTATUS Status;

    if (Bytes == 0) {
        return IopSendControl(Service->File, Call, Done);
    }
    Status = IopCaptureBuffer(Service->Mode, Call->Input, Bytes, Call->InputBytes, &Buffer);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Mine.Input = Mine.Output = Buffer;
    Status = IopSendControl(Service->File, &Mine, Done);
    if ((ULONG)Status >> 30 == 3) {
        *Done = 0;
    }
    MI_ASSERT(*Done <= Call->OutputBytes);
    Copied = IopReturnBuffer(Service->Mode, Call->Output, Buffer, (ULONG)*Done);
    return NT_SUCCESS(Copied) ? Status : Copied;
}

static NTSTATUS IopControlByHandle(HANDLE Handle, const IOP_CONTROL_CALL *Call,
                                   PIO_STATUS_BLOCK Iosb)
{
    IOP_SERVICE Service;
    ULONG_PTR Done = 0;
    NTSTATUS Status = IopEnterService(Handle, 0, &Service);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopCheckControl(&Service, Call);
    if (NT_SUCCESS(Status)) {
        Status = IopTakeEvent(&Service, Call->Event, Call->ApcRoutine);
    }
    if (NT_SUCCESS(Status)) {
        Status = METHOD_FROM_CTL_CODE(Call->Code) == METHOD_BUFFERED
                     ? IopControlCopied(&Service, Call, &Done)
                     : IopSendControl(Service.File, Call, &Done);
    }
    return IopLeaveService(&Service, Status, Done, Iosb);
}

NTSTATUS NTAPI NtDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                     PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                                     ULONG IoControlCode, PVOID InputBuffer,
                                     ULONG InputBufferLength, PVOID OutputBuffer,
                                     ULONG OutputBufferLength)
{
    const IOP_CONTROL_CALL Call = {
        IRP_MJ_DEVICE_CONTROL, IoControlCode,      InputBuffer, InputBufferLength,
        OutputBuffer,          OutputBufferLength, Event,       ApcRoutine};

    (void)ApcContext;
    return IopControlByHandle(FileHandle, &Call, IoStatusBlock);
}

NTSTATUS NTAPI NtFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                               PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                               ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength,
                               PVOID OutputBuffer, ULONG OutputBufferLength)
{
    const IOP_CONTROL_CALL Call = {
        IRP_MJ_FILE_SYSTEM_CONTROL, FsControlCode, InputBuffer, InputBufferLength, OutputBuffer,
        OutputBufferLength,         Event,         ApcRoutine};

    (void)ApcContext;
    return IopControlByHandle(FileHandle, &Call, IoStatusBlock);
}
