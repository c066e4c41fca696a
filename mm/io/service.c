/* SPDX-License-Identifier: MIT */
/*
 * service.c - what all services on handles begin and end with.
 *
 * A synchronous file serves one request at a time: FILE_OBJECT.Busy is its lock, Waiters counts
 * those who wait for Lock, which is set for one of them when it is left.
 *
 *     enter   Busy was 0: in.  Else count, and try again after each wait
 *     leave   Busy = 0; somebody counted: set Lock
 *
 * Who counts himself and then still finds it busy is seen by whoever leaves it: Lock will be set.
 *
 * Locking: Busy, Waiters are atomic.
 */
#include "events.h"
#include "mm/io/io_i.h"
#include "vm.h"

/* ---- one at a time ---- */

static void IopAcquireFile(PFILE_OBJECT File)
{
    if (__atomic_exchange_n(&File->Busy, 1, __ATOMIC_SEQ_CST) == 0) {
        return;
    }
    __atomic_add_fetch(&File->Waiters, 1, __ATOMIC_SEQ_CST);
    while (__atomic_exchange_n(&File->Busy, 1, __ATOMIC_SEQ_CST) != 0) {
        KeWaitForSingleObject(&File->Lock, Executive, KernelMode, FALSE, NULL);
    }
    __atomic_sub_fetch(&File->Waiters, 1, __ATOMIC_SEQ_CST);
}

static void IopReleaseFile(PFILE_OBJECT File)
{
    MI_ASSERT(File->Busy == 1);
    __atomic_store_n(&File->Busy, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&File->Waiters, __ATOMIC_SEQ_CST) != 0) {
        KeSetEvent(&File->Lock, IO_NO_INCREMENT, FALSE);
    }
}

/* ---- a service ---- */

NTSTATUS IopEnterFile(HANDLE Handle, ACCESS_MASK Access, PIOP_SERVICE Service)
{
    OBJECT_HANDLE_INFORMATION Information = {.GrantedAccess = 0};
    PVOID File = NULL;
    NTSTATUS Status;

    Service->Mode = ExGetPreviousMode();
    Status = ObReferenceObjectByHandle(Handle, Access, IoFileObjectType, Service->Mode, &File,
                                       &Information);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Service->File = File;
    Service->Event = NULL;
    Service->Fast = FALSE;
    Service->Granted = Information.GrantedAccess;
    if (Service->File->Flags & FO_SYNCHRONOUS_IO) {
        IopAcquireFile(File);
    }
    return STATUS_SUCCESS;
}

NTSTATUS IopEnterService(HANDLE Handle, ACCESS_MASK Access, PIOP_SERVICE Service)
{
    NTSTATUS Status = IopEnterFile(Handle, Access, Service);

    if (NT_SUCCESS(Status)) {
        KeResetEvent(&Service->File->Event);
    }
    return Status;
}

NTSTATUS IopLeaveService(PIOP_SERVICE Service, NTSTATUS Status, ULONG_PTR Information,
                         PIO_STATUS_BLOCK Iosb)
{
    PFILE_OBJECT File = Service->File;
    BOOLEAN Error = (ULONG)Status >> 30 == 3; /* a warning has a result, too */

    if (Iosb != NULL && !Error) {
        Iosb->Status = Status;
        Iosb->Information = Information;
    }
    if (Service->Event != NULL) {
        if (!Error) {
            KeSetEvent(Service->Event, IO_NO_INCREMENT, FALSE);
        }
        ObDereferenceObject(Service->Event);
    }
    if (!Service->Fast) {
        File->FinalStatus = Status;
        KeSetEvent(&File->Event, IO_NO_INCREMENT, FALSE);
    }
    if (File->Flags & FO_SYNCHRONOUS_IO) {
        IopReleaseFile(File);
    }
    ObDereferenceObject(File);
    return Status;
}

NTSTATUS IopNeedAny(const IOP_SERVICE *Service, ACCESS_MASK Access)
{
    return Service->Mode == KernelMode || (Service->Granted & Access) != 0 ? STATUS_SUCCESS
                                                                           : STATUS_ACCESS_DENIED;
}

NTSTATUS IopTakeEvent(PIOP_SERVICE Service, HANDLE Event, PIO_APC_ROUTINE ApcRoutine)
{
    PVOID Object = NULL;
    NTSTATUS Status;

    if (ApcRoutine != NULL) {
        return STATUS_NOT_SUPPORTED;
    }
    if (Event == NULL) {
        return STATUS_SUCCESS;
    }
    Status = ObReferenceObjectByHandle(Event, EVENT_MODIFY_STATE, ExEventObjectType, Service->Mode,
                                       &Object, NULL);
    if (NT_SUCCESS(Status)) {
        Service->Event = Object;
        KeResetEvent(Object);
    }
    return Status;
}

/* ---- buffers ---- */

NTSTATUS IopCaptureBuffer(KPROCESSOR_MODE Mode, const void *From, ULONG Length, ULONG Bytes,
                          PVOID *Captured)
{
    PVOID Buffer = ExAllocatePoolWithTag(NonPagedPool, Length, IOP_BUFFER_TAG);
    NTSTATUS Status = STATUS_SUCCESS;

    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Buffer, 0, Length);
    if (Bytes != 0 && Mode == KernelMode) {
        memcpy(Buffer, From, Bytes);
    } else if (Bytes != 0) {
        Status = MmCopyFromUser(Buffer, From, Bytes, NULL);
    }
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Buffer, IOP_BUFFER_TAG);
        return Status;
    }
    *Captured = Buffer;
    return STATUS_SUCCESS;
}

NTSTATUS IopReturnBuffer(KPROCESSOR_MODE Mode, PVOID To, PVOID Captured, ULONG Bytes)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Bytes != 0 && Mode == KernelMode) {
        memcpy(To, Captured, Bytes);
    } else if (Bytes != 0) {
        Status = MmCopyToUser(To, Captured, Bytes, NULL);
    }
    ExFreePoolWithTag(Captured, IOP_BUFFER_TAG);
    return Status;
}
