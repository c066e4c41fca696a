/* SPDX-License-Identifier: MIT */
/*
 * build.c - requests ready to be sent, with the buffer as the device wants it.
 *
 *     the device has      the driver finds
 *     DO_DIRECT_IO        MdlAddress: the buffer's pages, locked
 *     DO_BUFFERED_IO      AssociatedIrp.SystemBuffer: a copy, copied back when a read completes
 *     neither             UserBuffer: the caller's address
 *
 * Of an I/O control request, its code says which.
 *
 * Locking: none, the request is the caller's.
 */
#include "mm/io/io_i.h"

/* Lock the buffer and append its MDL.  => FALSE: no pool. */
static BOOLEAN IopLockBuffer(PIRP Irp, PVOID Buffer, ULONG Length, LOCK_OPERATION Operation)
{
    PMDL Mdl = IoAllocateMdl(Buffer, Length, FALSE, FALSE, Irp);

    if (Mdl != NULL) {
        MmProbeAndLockPages(Mdl, KernelMode, Operation);
    }
    return Mdl != NULL;
}

/* A nonpaged buffer of Bytes that begins with InputBytes of Input.  => FALSE: no pool. */
static BOOLEAN IopMakeSystemBuffer(PIRP Irp, ULONG Bytes, const void *Input, ULONG InputBytes)
{
    PVOID Buffer = ExAllocatePoolWithTag(NonPagedPool, Bytes, IOP_BUFFER_TAG);

    if (Buffer == NULL) {
        return FALSE;
    }
    memset(Buffer, 0, Bytes);
    if (InputBytes != 0) {
        memcpy(Buffer, Input, InputBytes);
    }
    Irp->AssociatedIrp.SystemBuffer = Buffer;
    Irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    return TRUE;
}

static BOOLEAN IopAttachBuffer(PIRP Irp, PDEVICE_OBJECT Device, PVOID Buffer, ULONG Length,
                               BOOLEAN Reads)
{
    if (Length == 0) {
        return TRUE;
    }
    if (Device->Flags & DO_BUFFERED_IO) {
        Irp->UserBuffer = Buffer;
        Irp->Flags |= Reads ? IRP_INPUT_OPERATION : 0;
        return IopMakeSystemBuffer(Irp, Length, Buffer, Reads ? 0 : Length);
    }
    if (Device->Flags & DO_DIRECT_IO) {
        return IopLockBuffer(Irp, Buffer, Length, Reads ? IoWriteAccess : IoReadAccess);
    }
    Irp->UserBuffer = Buffer;
    return TRUE;
}

PIRP NTAPI IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
                                         PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    BOOLEAN Moves = MajorFunction == IRP_MJ_READ || MajorFunction == IRP_MJ_WRITE;
    PIRP Irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    PIO_STACK_LOCATION Next;

    if (Irp == NULL) {
        return NULL;
    }
    Irp->UserIosb = IoStatusBlock;
    Irp->Tail.Overlay.Thread = KeGetCurrentThread();
    Next = IoGetNextIrpStackLocation(Irp);
    Next->MajorFunction = (UCHAR)MajorFunction;
    if (!Moves) {
        return Irp;
    }
    Next->Parameters.Read.Length = Length; /* and Write's: the same place */
    Next->Parameters.Read.ByteOffset = *StartingOffset;
    Irp->Flags |= MajorFunction == IRP_MJ_READ ? IRP_READ_OPERATION : IRP_WRITE_OPERATION;
    if (!IopAttachBuffer(Irp, DeviceObject, Buffer, Length, MajorFunction == IRP_MJ_READ)) {
        IoFreeIrp(Irp);
        return NULL;
    }
    return Irp;
}

PIRP NTAPI IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
                                        PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
                                        PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP Irp = IoBuildAsynchronousFsdRequest(MajorFunction, DeviceObject, Buffer, Length,
                                             StartingOffset, IoStatusBlock);

    if (Irp != NULL) {
        Irp->UserEvent = Event;
        Irp->Flags |= IRP_SYNCHRONOUS_API;
    }
    return Irp;
}

/* ---- I/O control ---- */

typedef struct _IOP_CONTROL {
    ULONG Code;
    PVOID Input;
    ULONG InputBytes;
    PVOID Output;
    ULONG OutputBytes;
} IOP_CONTROL;

static BOOLEAN IopAttachBuffered(PIRP Irp, const IOP_CONTROL *Control)
{
    ULONG Bytes =
        Control->InputBytes > Control->OutputBytes ? Control->InputBytes : Control->OutputBytes;

    if (Control->OutputBytes != 0) {
        Irp->UserBuffer = Control->Output;
        Irp->Flags |= IRP_INPUT_OPERATION;
    }
    return Bytes == 0 || IopMakeSystemBuffer(Irp, Bytes, Control->Input, Control->InputBytes);
}

/* METHOD_IN_DIRECT and METHOD_OUT_DIRECT: the second buffer is locked. */
static BOOLEAN IopAttachDirect(PIRP Irp, const IOP_CONTROL *Control, LOCK_OPERATION Operation)
{
    if (Control->InputBytes != 0 &&
        !IopMakeSystemBuffer(Irp, Control->InputBytes, Control->Input, Control->InputBytes)) {
        return FALSE;
    }
    if (Control->OutputBytes != 0 &&
        !IopLockBuffer(Irp, Control->Output, Control->OutputBytes, Operation)) {
        if (Irp->AssociatedIrp.SystemBuffer != NULL) {
            ExFreePoolWithTag(Irp->AssociatedIrp.SystemBuffer, IOP_BUFFER_TAG);
        }
        return FALSE;
    }
    return TRUE;
}

static BOOLEAN IopAttachControl(PIRP Irp, PIO_STACK_LOCATION Next, const IOP_CONTROL *Control)
{
    switch (METHOD_FROM_CTL_CODE(Control->Code)) {
    case METHOD_BUFFERED:
        return IopAttachBuffered(Irp, Control);
    case METHOD_IN_DIRECT:
        return IopAttachDirect(Irp, Control, IoReadAccess);
    case METHOD_OUT_DIRECT:
        return IopAttachDirect(Irp, Control, IoWriteAccess);
    default:
        Irp->UserBuffer = Control->Output;
        Next->Parameters.DeviceIoControl.Type3InputBuffer = Control->Input;
        return TRUE;
    }
}

PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject,
                                         PVOID InputBuffer, ULONG InputBufferLength,
                                         PVOID OutputBuffer, ULONG OutputBufferLength,
                                         BOOLEAN InternalDeviceIoControl, PKEVENT Event,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    const IOP_CONTROL Control = {IoControlCode, InputBuffer, InputBufferLength, OutputBuffer,
                                 OutputBufferLength};
    PIRP Irp = IoAllocateIrp(DeviceObject->StackSize, FALSE);
    PIO_STACK_LOCATION Next;

    if (Irp == NULL) {
        return NULL;
    }
    Irp->UserIosb = IoStatusBlock;
    Irp->UserEvent = Event;
    Irp->Flags = IRP_SYNCHRONOUS_API;
    Irp->Tail.Overlay.Thread = KeGetCurrentThread();
    Next = IoGetNextIrpStackLocation(Irp);
    Next->MajorFunction =
        InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL;
    Next->Parameters.DeviceIoControl.IoControlCode = IoControlCode;
    Next->Parameters.DeviceIoControl.InputBufferLength = InputBufferLength;
    Next->Parameters.DeviceIoControl.OutputBufferLength = OutputBufferLength;
    if (!IopAttachControl(Irp, Next, &Control)) {
        IoFreeIrp(Irp);
        return NULL;
    }
    return Irp;
}
