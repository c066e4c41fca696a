/* SPDX-License-Identifier: MIT */
/*
 * call.c - the way of a request: down through the drivers, up through their completion routines,
 * and its end.
 *
 * IofCompleteRequest walks up from the location of the driver that completes.  Each location holds
 * the routine of the driver above it, which is called with that driver's device and its location as
 * the current one.  SL_PENDING_RETURNED of a location becomes PendingReturned for the one above;
 * where no routine is called, the mark is carried up for it.
 *
 * The end, by the request's flags:
 *
 *     IRP_ASSOCIATED_IRP            a part: its master is completed when it was the last one
 *     IRP_PAGING_IO, IRP_CLOSE...   the frames stay locked, they are the memory manager's
 *     others                        MDLs are unlocked and freed, a buffer is copied out and freed
 *
 * then *UserIosb, the request's memory, and last the event or the routine: whoever waits may let
 * both go at once.
 *
 * Locking: none, a request belongs to whom it is with.
 */
#include "mm/io/io_i.h"
#include "nt/bugcodes.h"

NTSTATUS FASTCALL IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack;

    MI_ASSERT(Irp->Type == IO_TYPE_IRP);
    if (Irp->CurrentLocation <= 1) {
        KeBugCheckEx(NO_MORE_IRP_STACK_LOCATIONS, (ULONG_PTR)Irp, 0, 0, 0);
    }
    IoSetNextIrpStackLocation(Irp);
    Stack = IoGetCurrentIrpStackLocation(Irp);
    Stack->DeviceObject = DeviceObject;
    return DeviceObject->DriverObject->MajorFunction[Stack->MajorFunction](DeviceObject, Irp);
}

/* ---- up: the completion routines ---- */

static BOOLEAN IopIsInvoked(const IRP *Irp, UCHAR Control)
{
    if (Irp->Cancel && (Control & SL_INVOKE_ON_CANCEL)) {
        return TRUE;
    }
    return (Control &
            (NT_SUCCESS(Irp->IoStatus.Status) ? SL_INVOKE_ON_SUCCESS : SL_INVOKE_ON_ERROR)) != 0;
}

/* Leave one location for the one above.  => FALSE: its routine took the request back. */
static BOOLEAN IopLeaveLocation(PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PIO_COMPLETION_ROUTINE Routine = Stack->CompletionRoutine;
    PVOID Context = Stack->Context;
    UCHAR Control = Stack->Control;
    BOOLEAN AtMaker = Irp->CurrentLocation == Irp->StackCount;
    PDEVICE_OBJECT Above;

    Irp->PendingReturned = (Control & SL_PENDING_RETURNED) != 0;
    memset(Stack, 0, sizeof(*Stack));
    IoSkipCurrentIrpStackLocation(Irp);
    if (Routine != NULL && IopIsInvoked(Irp, Control)) {
        Above = AtMaker ? NULL : IoGetCurrentIrpStackLocation(Irp)->DeviceObject;
        return Routine(Above, Irp, Context) != STATUS_MORE_PROCESSING_REQUIRED;
    }
    if (Irp->PendingReturned && !AtMaker) {
        IoMarkIrpPending(Irp);
    }
    return TRUE;
}

/* ---- the end ---- */

static void IopFreeMdls(PIRP Irp)
{
    PMDL Mdl = Irp->MdlAddress;

    while (Mdl != NULL) {
        PMDL Next = Mdl->Next;

        if (Mdl->MdlFlags & MDL_PAGES_LOCKED) {
            MmUnlockPages(Mdl);
        }
        IoFreeMdl(Mdl);
        Mdl = Next;
    }
    Irp->MdlAddress = NULL;
}

/* A warning has output, an error (3 in the top bits) has none. */
static void IopFinishBuffer(PIRP Irp)
{
    if ((Irp->Flags & IRP_BUFFERED_IO) == 0) {
        return;
    }
    if ((Irp->Flags & IRP_INPUT_OPERATION) && (ULONG)Irp->IoStatus.Status >> 30 != 3 &&
        Irp->IoStatus.Status != STATUS_VERIFY_REQUIRED) {
        memcpy(Irp->UserBuffer, Irp->AssociatedIrp.SystemBuffer, Irp->IoStatus.Information);
    }
    if (Irp->Flags & IRP_DEALLOCATE_BUFFER) {
        ExFreePoolWithTag(Irp->AssociatedIrp.SystemBuffer, IOP_BUFFER_TAG);
    }
}

static void IopFinishPart(PIRP Irp, CCHAR PriorityBoost)
{
    PIRP Master = Irp->AssociatedIrp.MasterIrp;

    IopFreeMdls(Irp);
    IoFreeIrp(Irp);
    if (__atomic_sub_fetch(&Master->AssociatedIrp.IrpCount, 1, __ATOMIC_ACQ_REL) == 0) {
        IoCompleteRequest(Master, PriorityBoost);
    }
}

static void IopFinish(PIRP Irp, CCHAR PriorityBoost)
{
    PIO_APC_ROUTINE Routine = Irp->Overlay.AsynchronousParameters.UserApcRoutine;
    PVOID Context = Irp->Overlay.AsynchronousParameters.UserApcContext;
    BOOLEAN Creates = (Irp->Flags & IRP_CREATE_OPERATION) != 0; /* it has a size there */
    PIO_STATUS_BLOCK Iosb = Irp->UserIosb;
    PKEVENT Event = Irp->UserEvent;

    if ((Irp->Flags & (IRP_PAGING_IO | IRP_CLOSE_OPERATION)) == 0) {
        IopFinishBuffer(Irp);
        IopFreeMdls(Irp);
    }
    if (Iosb != NULL) {
        *Iosb = Irp->IoStatus;
    }
    IoFreeIrp(Irp);
    if (Event != NULL) {
        KeSetEvent(Event, PriorityBoost, FALSE);
    } else if (Routine != NULL && !Creates) {
        Routine(Context, Iosb, 0);
    }
}

void FASTCALL IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    if (Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation > Irp->StackCount + 1) {
        KeBugCheckEx(MULTIPLE_IRP_COMPLETE_REQUESTS, (ULONG_PTR)Irp, 0, 0, 0);
    }
    MI_ASSERT(Irp->IoStatus.Status != STATUS_PENDING);
    while (Irp->CurrentLocation <= Irp->StackCount) {
        if (!IopLeaveLocation(Irp)) {
            return;
        }
    }
    Irp->CurrentLocation++;
    if (Irp->Flags & IRP_ASSOCIATED_IRP) {
        IopFinishPart(Irp, PriorityBoost);
    } else {
        IopFinish(Irp, PriorityBoost);
    }
}

/* ---- a request that is waited for ---- */

typedef struct _IOP_WAIT {
    IO_STATUS_BLOCK Iosb;
    KEVENT Done;
} IOP_WAIT;

static void IopSendWaited(PDEVICE_OBJECT Device, PIRP Irp, IOP_WAIT *Wait)
{
    KeInitializeEvent(&Wait->Done, NotificationEvent, FALSE);
    Irp->UserIosb = &Wait->Iosb;
    Irp->UserEvent = &Wait->Done;
    (void)IoCallDriver(Device, Irp);
}

NTSTATUS IopCallAndWait(PDEVICE_OBJECT Device, PIRP Irp, PULONG_PTR Information)
{
    IOP_WAIT Wait;

    IopSendWaited(Device, Irp, &Wait);
    KeWaitForSingleObject(&Wait.Done, Executive, KernelMode, FALSE, NULL);
    if (Information != NULL) {
        *Information = Wait.Iosb.Information;
    }
    return Wait.Iosb.Status;
}
