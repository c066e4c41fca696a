/* SPDX-License-Identifier: MIT */
/*
 * page_io.c - reading and writing pages: requests from a reserve, never from pool.
 *
 * Each paging file has IOP_RESERVE_REQUESTS requests of its own.  The pages of all other files
 * share a set, and requests that must not fail (IRP_MJ_CLOSE and so on) another: who has one of
 * those may wait for a file system's lock, who has a page request does not.  Who finds none waits
 * for one; requests under way complete without memory, so one comes back.
 *
 *     a reserve's memory:  IOP_RESERVED { its owner, link, IRP, stack locations }, each 8-byte
 *                          aligned
 *
 * Invariant: Free counts the requests in List.
 *
 * Locking: the reserve's lock for its list.
 */
#include "mm/io/io_i.h"
#include "mm/sysva/hyperspace.h"

PIOP_RESERVE IopSystemReserve;
PIOP_RESERVE IopPageReserve;

/* What stands before each request of a reserve. */
typedef struct NT_ALIGNED(8) _IOP_RESERVED {
    PIOP_RESERVE Reserve; /* (I) whose it is */
    LIST_ENTRY Link;      /* (R) in its List */
    ULONG Padding;
    IRP Irp;
} IOP_RESERVED, *PIOP_RESERVED;

static SIZE_T IopReservedBytes(CCHAR StackSize)
{
    return ROUND_UP(sizeof(IOP_RESERVED) + (SIZE_T)StackSize * sizeof(IO_STACK_LOCATION), 8u);
}

NTSTATUS IopCreateReserve(CCHAR StackSize, PIOP_RESERVE *Created)
{
    SIZE_T Each = IopReservedBytes(StackSize);
    SIZE_T Bytes = ROUND_UP(sizeof(IOP_RESERVE), 8u) + IOP_RESERVE_REQUESTS * Each;
    PIOP_RESERVE Reserve = ExAllocatePoolWithTag(NonPagedPool, Bytes, IOP_IRP_TAG);
    PUCHAR At;
    ULONG Index;

    if (Reserve == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Reserve, 0, Bytes);
    KeInitializeSemaphore(&Reserve->Free, (LONG)IOP_RESERVE_REQUESTS, (LONG)IOP_RESERVE_REQUESTS);
    KeInitializeSpinLock(&Reserve->Lock);
    InitializeListHead(&Reserve->List);
    Reserve->StackSize = StackSize;
    At = (PUCHAR)Reserve + ROUND_UP(sizeof(IOP_RESERVE), 8u);
    for (Index = 0; Index < IOP_RESERVE_REQUESTS; Index++, At += Each) {
        PIOP_RESERVED Reserved = (PIOP_RESERVED)At;

        Reserved->Reserve = Reserve;
        InsertTailList(&Reserve->List, &Reserved->Link);
    }
    *Created = Reserve;
    return STATUS_SUCCESS;
}

void IopDeleteReserve(PIOP_RESERVE Reserve)
{
    MI_ASSERT(KeReadStateSemaphore(&Reserve->Free) == (LONG)IOP_RESERVE_REQUESTS);
    ExFreePoolWithTag(Reserve, IOP_IRP_TAG);
}

PIRP IopTakeReservedIrp(PIOP_RESERVE Reserve)
{
    PIOP_RESERVED Reserved;
    KIRQL OldIrql;

    if (KeReadStateSemaphore(&Reserve->Free) == 0) {
        Reserve->Exhausted++;
    }
    KeWaitForSingleObject(&Reserve->Free, WrPageIn, KernelMode, FALSE, NULL);
    OldIrql = KfAcquireSpinLock(&Reserve->Lock);
    Reserved = CONTAINING_RECORD(RemoveHeadList(&Reserve->List), IOP_RESERVED, Link);
    KfReleaseSpinLock(&Reserve->Lock, OldIrql);
    IoInitializeIrp(&Reserved->Irp, IoSizeOfIrp(Reserve->StackSize), Reserve->StackSize);
    Reserved->Irp.AllocationFlags = IOP_IRP_RESERVED;
    return &Reserved->Irp;
}

void IopReturnReservedIrp(PIRP Irp)
{
    PIOP_RESERVED Reserved = CONTAINING_RECORD(Irp, IOP_RESERVED, Irp);
    PIOP_RESERVE Reserve = Reserved->Reserve;
    KIRQL OldIrql = KfAcquireSpinLock(&Reserve->Lock);

    InsertHeadList(&Reserve->List, &Reserved->Link);
    KfReleaseSpinLock(&Reserve->Lock, OldIrql);
    KeReleaseSemaphore(&Reserve->Free, IO_NO_INCREMENT, 1, FALSE);
}

PIRP IopAllocateIrpMustSucceed(CCHAR StackSize)
{
    PIRP Irp = IoAllocateIrp(StackSize, FALSE);

    MI_ASSERT(StackSize <= IopSystemReserve->StackSize);
    return Irp != NULL ? Irp : IopTakeReservedIrp(IopSystemReserve);
}

/* ---- pages ---- */

/* A paging request, without the one who is to be told. */
static PIRP IopBuildPageRequest(PFILE_OBJECT File, PDEVICE_OBJECT Device, UCHAR MajorFunction,
                                PMDL Mdl, const LARGE_INTEGER *Offset)
{
    PIOP_RESERVE Reserve = IopFileOf(File)->Reserve;
    PIRP Irp = IopTakeReservedIrp(Reserve != NULL ? Reserve : IopPageReserve);
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);

    MI_ASSERT(Irp->StackCount >= Device->StackSize);
    Irp->Flags = IRP_PAGING_IO | IRP_NOCACHE;
    Irp->MdlAddress = Mdl;
    Irp->UserBuffer = MmGetMdlVirtualAddress(Mdl);
    Irp->Tail.Overlay.Thread = KeGetCurrentThread();
    Irp->Tail.Overlay.OriginalFileObject = File;
    Next->MajorFunction = MajorFunction;
    Next->FileObject = File;
    Next->Parameters.Read.Length = MmGetMdlByteCount(Mdl); /* and Write's: the same place */
    Next->Parameters.Read.ByteOffset = *Offset;
    return Irp;
}

static NTSTATUS IopPageSynchronously(PFILE_OBJECT File, UCHAR MajorFunction, PMDL Mdl,
                                     const LARGE_INTEGER *Offset, PKEVENT Event,
                                     PIO_STATUS_BLOCK IoStatusBlock)
{
    PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(File);
    PIRP Irp = IopBuildPageRequest(File, Device, MajorFunction, Mdl, Offset);

    Irp->Flags |= IRP_SYNCHRONOUS_PAGING_IO;
    Irp->UserEvent = Event;
    Irp->UserIosb = IoStatusBlock;
    return IoCallDriver(Device, Irp);
}

NTSTATUS NTAPI IoPageRead(PFILE_OBJECT FileObject, PMDL MemoryDescriptorList,
                          PLARGE_INTEGER StartingOffset, PKEVENT Event,
                          PIO_STATUS_BLOCK IoStatusBlock)
{
    return IopPageSynchronously(FileObject, IRP_MJ_READ, MemoryDescriptorList, StartingOffset,
                                Event, IoStatusBlock);
}

NTSTATUS NTAPI IoSynchronousPageWrite(PFILE_OBJECT FileObject, PMDL MemoryDescriptorList,
                                      PLARGE_INTEGER StartingOffset, PKEVENT Event,
                                      PIO_STATUS_BLOCK IoStatusBlock)
{
    return IopPageSynchronously(FileObject, IRP_MJ_WRITE, MemoryDescriptorList, StartingOffset,
                                Event, IoStatusBlock);
}

NTSTATUS NTAPI IoAsynchronousPageWrite(PFILE_OBJECT FileObject, PMDL MemoryDescriptorList,
                                       PLARGE_INTEGER StartingOffset, PIO_APC_ROUTINE Routine,
                                       PVOID Context, PIO_STATUS_BLOCK IoStatusBlock)
{
    PDEVICE_OBJECT Device = IoGetRelatedDeviceObject(FileObject);
    PIRP Irp =
        IopBuildPageRequest(FileObject, Device, IRP_MJ_WRITE, MemoryDescriptorList, StartingOffset);

    Irp->Overlay.AsynchronousParameters.UserApcRoutine = Routine;
    Irp->Overlay.AsynchronousParameters.UserApcContext = Context;
    Irp->UserIosb = IoStatusBlock;
    return IoCallDriver(Device, Irp);
}

/* ---- what a file has no bytes for ---- */

void IoZeroMdl(PMDL Mdl, ULONG Offset)
{
    ULONG End = Mdl->ByteOffset + Mdl->ByteCount;
    ULONG At = Mdl->ByteOffset + Offset;

    while (At < End) {
        ULONG InPage = At % PAGE_SIZE;
        ULONG Bytes = PAGE_SIZE - InPage < End - At ? PAGE_SIZE - InPage : End - At;
        KIRQL OldIrql;
        PUCHAR Window = MiMapFrameInHyperspace(MmGetMdlPfnArray(Mdl)[At / PAGE_SIZE], &OldIrql);

        memset(Window + InPage, 0, Bytes);
        MiUnmapFrameInHyperspace(Window, OldIrql);
        At += Bytes;
    }
}
