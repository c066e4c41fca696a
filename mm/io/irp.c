/* SPDX-License-Identifier: MIT */
/*
 * irp.c - requests: their memory and their first state.
 *
 * A request is followed by its stack locations, the lowest driver's first.  The current one moves
 * down as drivers call drivers and up as they complete:
 *
 *     CurrentLocation      the request is
 *     StackCount + 1       with its maker
 *     1 to StackCount      with a driver
 *     StackCount + 2       completed: its memory is about to go
 *
 * Invariants:
 *   I1  CurrentStackLocation is the location number CurrentLocation (1 is the lowest driver's)
 *   I2  Type is IO_TYPE_IRP from IoInitializeIrp until IoFreeIrp
 *
 * Locking: none, a request belongs to whom it is with.
 */
#include "mm/io/io_i.h"
#include "nt/bugcodes.h"

void NTAPI IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    MI_ASSERT(StackSize > 0 && StackSize <= IO_MAXIMUM_STACK_SIZE);
    MI_ASSERT(PacketSize >= IoSizeOfIrp(StackSize));
    memset(Irp, 0, IoSizeOfIrp(StackSize));
    Irp->Type = IO_TYPE_IRP;
    Irp->Size = PacketSize;
    Irp->StackCount = StackSize;
    Irp->CurrentLocation = (CCHAR)(StackSize + 1);
    Irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(Irp + 1) + StackSize;
    InitializeListHead(&Irp->ThreadListEntry);
}

PIRP NTAPI IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
    PIRP Irp;

    (void)ChargeQuota;
    MI_ASSERT(StackSize > 0 && StackSize <= IO_MAXIMUM_STACK_SIZE);
    Irp = ExAllocatePoolWithTag(NonPagedPool, IoSizeOfIrp(StackSize), IOP_IRP_TAG);
    if (Irp != NULL) {
        IoInitializeIrp(Irp, IoSizeOfIrp(StackSize), StackSize);
    }
    return Irp;
}

void NTAPI IoFreeIrp(PIRP Irp)
{
    if (Irp->Type != IO_TYPE_IRP) {
        KeBugCheckEx(MULTIPLE_IRP_COMPLETE_REQUESTS, (ULONG_PTR)Irp, 0, 0, 0);
    }
    Irp->Type = 0;
    if (Irp->AllocationFlags & IOP_IRP_RESERVED) {
        IopReturnReservedIrp(Irp);
    } else {
        ExFreePoolWithTag(Irp, IOP_IRP_TAG);
    }
}

void NTAPI IoReuseIrp(PIRP Irp, NTSTATUS Status)
{
    UCHAR AllocationFlags = Irp->AllocationFlags;

    IoInitializeIrp(Irp, Irp->Size, Irp->StackCount);
    Irp->AllocationFlags = AllocationFlags;
    Irp->IoStatus.Status = Status;
}

PIRP NTAPI IoMakeAssociatedIrp(PIRP Irp, CCHAR StackSize)
{
    PIRP Part = IoAllocateIrp(StackSize, FALSE);

    if (Part != NULL) {
        Part->Flags |= IRP_ASSOCIATED_IRP;
        Part->AssociatedIrp.MasterIrp = Irp;
        Part->RequestorMode = Irp->RequestorMode;
        Part->Tail.Overlay.Thread = Irp->Tail.Overlay.Thread;
    }
    return Part;
}
