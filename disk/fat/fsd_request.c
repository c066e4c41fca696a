/* SPDX-License-Identifier: MIT */
/*
 * fsd_request.c - a request to a volume, from its dispatch to its end.
 *
 *     1  the data's buffer is locked and mapped; that may fault, so it comes before the locks
 *     2  a cached write while too much is dirty: waits here, or is pending (fsd_copy.c)
 *     3  the file's Resource (fsrtl.h), as the table says, in a critical region
 *
 *     cached data                         others
 *     4  fsd_copy.c, with no other lock   4  what the cache has of it: FatPrepareCache
 *                                         5  when exclusive: PagingIoResource
 *                                         6  the volume's mutex, at APC_LEVEL: the handler
 *                                         7  what the cache is told: FatFinishCache
 *
 *     8  completed, with the handler's status
 *
 * Nobody who has PagingIoResource or the mutex waits for a page of a file: those who would make
 * room for it may need them.  Who has Resource may: they go without it.
 *
 * A handler that needs the resources of another file (Request->Busy) gives up, gets them, and
 * begins anew: Resources come before the mutex.  A rename keeps its own file's meanwhile, and waits
 * only for a file that had no handle when it looked (fsd_rename.c).  Its own one has one as long as
 * it keeps it, as a cleanup waits for Resource: nobody who waits so is waited for in turn.
 *
 * Locking: a file's Resource, its PagingIoResource, the volume's mutex, in this order; those of a
 * file without handles after another's.
 */
#include "disk/fat/fsd_i.h"

static FAT_HANDLER *const FatpHandlers[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
    [IRP_MJ_CREATE] = FatFsdCreate,
    [IRP_MJ_CLEANUP] = FatFsdCleanup,
    [IRP_MJ_CLOSE] = FatFsdClose,
    [IRP_MJ_READ] = FatFsdRead,
    [IRP_MJ_WRITE] = FatFsdWrite,
    [IRP_MJ_FLUSH_BUFFERS] = FatFsdFlush,
    [IRP_MJ_FILE_SYSTEM_CONTROL] = FatFsdControl,
    [IRP_MJ_QUERY_INFORMATION] = FatFsdQueryInformation,
    [IRP_MJ_SET_INFORMATION] = FatFsdSetInformation,
    [IRP_MJ_QUERY_VOLUME_INFORMATION] = FatFsdQueryVolumeInformation,
    [IRP_MJ_DIRECTORY_CONTROL] = FatFsdQueryDirectory,
};

/* How a request has the resources of its file: FAT_REQUEST.Share. */
typedef enum _FATP_SHARE {
    FatpNeither,
    FatpShared,   /* Resource: the file stays as it is */
    FatpExclusive /* both in the end: its size may change */
} FATP_SHARE;

static const UCHAR FatpShares[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
    [IRP_MJ_READ] = FatpShared,       [IRP_MJ_QUERY_INFORMATION] = FatpShared,
    [IRP_MJ_WRITE] = FatpExclusive,   [IRP_MJ_SET_INFORMATION] = FatpExclusive,
    [IRP_MJ_CLEANUP] = FatpExclusive, [IRP_MJ_FLUSH_BUFFERS] = FatpShared,
};

static NTSTATUS FatpComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_DISK_INCREMENT);
    return Status;
}

/* ---- what it brings ---- */

/* The bytes that a request reads or writes in the caller's memory. */
static ULONG FatpDataBytes(const IO_STACK_LOCATION *Stack, LOCK_OPERATION *Operation)
{
    *Operation = IoWriteAccess;
    switch (Stack->MajorFunction) {
    case IRP_MJ_WRITE:
        *Operation = IoReadAccess;
        return Stack->Parameters.Write.Length;
    case IRP_MJ_READ:
        return Stack->Parameters.Read.Length;
    case IRP_MJ_DIRECTORY_CONTROL:
        return Stack->Parameters.QueryDirectory.Length;
    default:
        return 0;
    }
}

/* Lock and map the caller's memory.  What is locked here is unlocked when the request ends. */
static NTSTATUS FatpPrepareBuffer(PFAT_REQUEST Request)
{
    PIRP Irp = Request->Irp;
    LOCK_OPERATION Operation;
    ULONG Bytes = FatpDataBytes(Request->Stack, &Operation);

    if (Bytes == 0 || FatIsByMdl(Request->Stack)) {
        return STATUS_SUCCESS;
    }
    if (Irp->MdlAddress == NULL) {
        PMDL Mdl;

        if (Irp->UserBuffer == NULL) {
            return STATUS_INVALID_PARAMETER;
        }
        Mdl = IoAllocateMdl(Irp->UserBuffer, Bytes, FALSE, FALSE, Irp);
        if (Mdl == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        MmProbeAndLockPages(Mdl, Irp->RequestorMode, Operation);
    }
    if (Irp->MdlAddress->ByteCount < Bytes) {
        return STATUS_INVALID_PARAMETER;
    }
    Request->Buffer = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    return Request->Buffer != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* What was cleaned up may only be closed. */
static NTSTATUS FatpCheckState(const FAT_REQUEST *Request)
{
    UCHAR Major = Request->Stack->MajorFunction;

    if (FatpHandlers[Major] == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (Major == IRP_MJ_CREATE) {
        return STATUS_SUCCESS;
    }
    if (Request->Fcb == NULL) {
        return Major == IRP_MJ_FLUSH_BUFFERS ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    if ((Request->FileObject->Flags & FO_CLEANUP_COMPLETE) && Major != IRP_MJ_CLOSE &&
        (Request->Irp->Flags & IRP_PAGING_IO) == 0) {
        return STATUS_FILE_CLOSED;
    }
    return STATUS_SUCCESS;
}

/* ---- locks ---- */

/* => While it is held no section is made. */
static void FatpAcquireResource(PFAT_REQUEST Request)
{
    KeEnterCriticalRegion();
    Request->Share = Request->Fcb == NULL ? FatpNeither : FatpShares[Request->Stack->MajorFunction];
    if (Request->Share == FatpShared) {
        (void)ExAcquireResourceSharedLite(&Request->Fcb->Resource, TRUE);
    } else if (Request->Share == FatpExclusive) {
        (void)ExAcquireResourceExclusiveLite(&Request->Fcb->Resource, TRUE);
    }
}

static void FatpReleaseResource(const FAT_REQUEST *Request)
{
    if (Request->Share != FatpNeither) {
        ExReleaseResourceLite(&Request->Fcb->Resource);
    }
    KeLeaveCriticalRegion();
}

/* ---- the handler ---- */

/* The other file is not needed any more; it may have been emptied. */
static void FatpReleaseHeld(PFAT_REQUEST Request)
{
    PFAT_FCB Held = Request->Held;

    if (Held != NULL) {
        ExReleaseResourceLite(&Held->PagingIoResource);
        FatFinishCache(Held, Request->HeldBytes);
        ExReleaseResourceLite(&Held->Resource);
        ExAcquireFastMutex(&Request->Vcb->Mutex);
        FatDereferenceFcb(Held);
        ExReleaseFastMutex(&Request->Vcb->Mutex);
        Request->Held = NULL;
    }
}

/* => The mutex is not held; Busy is Held now, with its reference. */
static void FatpHoldBusy(PFAT_REQUEST Request)
{
    PFAT_FCB Busy = Request->Busy;

    FatpReleaseHeld(Request);
    (void)ExAcquireResourceExclusiveLite(&Busy->Resource, TRUE);
    if (Request->LetGo) {
        (void)FatLetGo(Busy); /* or not: then it is in use still */
    }
    (void)ExAcquireResourceExclusiveLite(&Busy->PagingIoResource, TRUE);
    Request->HeldBytes = Busy->Header.FileSize.QuadPart;
    Request->Held = Busy;
    Request->Busy = NULL;
}

static BOOLEAN FatpNeedsRoom(UCHAR Major)
{
    return Major == IRP_MJ_WRITE || Major == IRP_MJ_SET_INFORMATION || Major == IRP_MJ_CREATE;
}

/* What it changes leaves the times alone that its opening keeps. */
static NTSTATUS FatpRunHandler(PFAT_REQUEST Request, FAT_HANDLER *Handler)
{
    PFAT_FCB Fcb = Request->Stack->MajorFunction == IRP_MJ_CLOSE ? NULL : Request->Fcb;
    NTSTATUS Status;

    if (Fcb == NULL) {
        return Handler(Request);
    }
    Fcb->File.Keeps = Request->Ccb->Keeps;
    Status = Handler(Request);
    Fcb->File.Keeps = 0;
    return Status;
}

/* What found the volume full has changed nothing: again, without the room that files keep. */
static NTSTATUS FatpTryHandler(PFAT_REQUEST Request, FAT_HANDLER *Handler)
{
    NTSTATUS Status = FatpRunHandler(Request, Handler);

    return Status == STATUS_DISK_FULL && FatpNeedsRoom(Request->Stack->MajorFunction) &&
                   FatReturnAllClusters(Request->Vcb)
               ? FatpRunHandler(Request, Handler)
               : Status;
}

static NTSTATUS FatpCallHandler(PFAT_REQUEST Request, FAT_HANDLER *Handler)
{
    PFAT_FCB Fcb = Request->Stack->MajorFunction == IRP_MJ_CLOSE ? NULL : Request->Fcb;
    NTSTATUS Status;

    ExAcquireFastMutex(&Request->Vcb->Mutex);
    if (Fcb != NULL) {
        FatForgetWritten(Fcb);
        (void)NT_SUCCESS(FatTellTime(Fcb)); /* else a later request tells it */
    }
    Status = FatpTryHandler(Request, Handler);
    while (Request->Busy != NULL) {
        ExReleaseFastMutex(&Request->Vcb->Mutex);
        FatpHoldBusy(Request);
        ExAcquireFastMutex(&Request->Vcb->Mutex);
        Status = FatpTryHandler(Request, Handler);
    }
    if (Fcb != NULL) {
        FatKeepPages(Fcb);
    }
    if (Request->Held != NULL) {
        FatKeepPages(Request->Held);
    }
    ExReleaseFastMutex(&Request->Vcb->Mutex);
    FatpReleaseHeld(Request);
    return Status;
}

/* => Resource is held. */
static NTSTATUS FatpHandleHeld(PFAT_REQUEST Request)
{
    FAT_HANDLER *Handler = FatpHandlers[Request->Stack->MajorFunction];
    PFAT_FCB Fcb = Request->Share == FatpExclusive ? Request->Fcb : NULL;
    LONGLONG Before = Fcb != NULL ? Fcb->Header.FileSize.QuadPart : 0;
    NTSTATUS Status = FatPrepareCache(Request);

    if (NT_SUCCESS(Status)) {
        if (Fcb != NULL) {
            (void)ExAcquireResourceExclusiveLite(&Fcb->PagingIoResource, TRUE);
        }
        Status = FatpCallHandler(Request, Handler);
        if (Fcb != NULL) {
            ExReleaseResourceLite(&Fcb->PagingIoResource);
        }
    }
    if (Fcb != NULL && (Request->Told || Fcb->Header.FileSize.QuadPart != Before)) {
        FatFinishCache(Fcb, Request->Told ? -1 : Before);
    }
    return Status;
}

/* Who looks for room, or may need some, finds that of files which are gone. */
static BOOLEAN FatpLooksForRoom(UCHAR Major)
{
    return Major == IRP_MJ_CREATE || Major == IRP_MJ_QUERY_VOLUME_INFORMATION;
}

static NTSTATUS FatpHandleOnce(PFAT_REQUEST Request, BOOLEAN Cached)
{
    NTSTATUS Status;

    FatpAcquireResource(Request);
    Status = FatpCheckState(Request); /* it may have been cleaned up while this one waited */
    if (NT_SUCCESS(Status)) {
        Status = Cached ? FatCachedData(Request) : FatpHandleHeld(Request);
        if (Status == STATUS_USER_MAPPED_FILE && Request->Stack->MajorFunction == IRP_MJ_WRITE) {
            Status = FatWriteMapped(Request);
        }
    }
    FatpReleaseResource(Request);
    return Status;
}

/* The volume is full only when files that are gone have given their clusters back. */
static NTSTATUS FatpHandle(PFAT_REQUEST Request, BOOLEAN Cached)
{
    const FAT_REQUEST Before = *Request;
    NTSTATUS Status = FatpHandleOnce(Request, Cached);

    if (Status == STATUS_DISK_FULL && Request->Vcb->Orphans != 0 &&
        FatpNeedsRoom(Request->Stack->MajorFunction)) {
        FatLetGoOrphans(Request->Vcb);
        *Request = Before;
        Status = FatpHandleOnce(Request, Cached);
    }
    return Status;
}

NTSTATUS FatHandleRequest(PFAT_VCB Vcb, PIRP Irp, BOOLEAN Retrying)
{
    FAT_REQUEST Request = {.Vcb = Vcb, .Irp = Irp, .Stack = IoGetCurrentIrpStackLocation(Irp)};
    BOOLEAN Cached = FALSE;
    NTSTATUS Status;

    Request.FileObject = Request.Stack->FileObject;
    if (Request.FileObject != NULL && Request.Stack->MajorFunction != IRP_MJ_CREATE) {
        Request.Fcb = Request.FileObject->FsContext;
        Request.Ccb = Request.FileObject->FsContext2;
    }
    if (Vcb->Orphans != 0 && FatpLooksForRoom(Request.Stack->MajorFunction)) {
        FatLetGoOrphans(Vcb);
    }
    Status = FatpCheckState(&Request);
    if (NT_SUCCESS(Status)) {
        Status = FatpPrepareBuffer(&Request);
    }
    if (NT_SUCCESS(Status)) {
        Cached = FatIsCachedData(&Request);
        if (Cached && FatDeferWrite(&Request, Retrying)) {
            return STATUS_PENDING;
        }
        Status = FatpHandle(&Request, Cached);
    }
    return FatpComplete(Irp, Status, Request.Information);
}
