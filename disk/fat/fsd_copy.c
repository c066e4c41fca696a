/* SPDX-License-Identifier: MIT */
/*
 * fsd_copy.c - IRP_MJ_READ and WRITE, cached: copies between the caller's buffer and the file's
 * pages, which page faults bring and the lazy writer takes back (mm/cc).
 *
 * A file object is cached unless it was opened with FILE_NO_INTERMEDIATE_BUFFERING, from its first
 * read or write on.
 *
 *     read            CcCopyRead; IRP_MN_MDL: CcMdlRead, IRP_MN_COMPLETE_MDL ends its use
 *     write           CcCopyWrite
 *     write that      the file becomes longer first, in memory and by its clusters; its entry
 *     goes behind     follows the data (fsd_valid.c).  What lies between is zeroes in the cache, or
 *     the end         on the disk when it is much.  A copy that fails then is undone: the file is
 *                     cut again
 *
 * A write while too much is dirty (CcCanIWrite) waits before it has any lock; one that nobody waits
 * for is pending until the lazy writer has made room, and goes on in a worker.
 *
 * Locking: the file's Resource, shared to read and exclusive to write; to make it longer also
 * PagingIoResource and the volume's mutex, but not while data is copied.
 */
#include "cc.h"
#include "disk/fat/fsd_i.h"

BOOLEAN FatIsCachedData(const FAT_REQUEST *Request)
{
    const FAT_FCB *Fcb = Request->Fcb;
    UCHAR Major = Request->Stack->MajorFunction;

    if ((Major != IRP_MJ_READ && Major != IRP_MJ_WRITE) || !CcIsRunning()) {
        return FALSE;
    }
    return (Request->FileObject->Flags & FO_NO_INTERMEDIATE_BUFFERING) == 0 &&
           (Request->Irp->Flags & IRP_NOCACHE) == 0 && !Fcb->Paging && Fcb->Pages.Map.Runs != NULL;
}

/* ---- writers that have to wait ---- */

/* A write that is pending: from CcDeferWrite to a worker. */
typedef struct _FATP_DEFERRED {
    WORK_QUEUE_ITEM Item;
    PFAT_VCB Vcb;
    PIRP Irp;
} FATP_DEFERRED, *PFATP_DEFERRED;

static void NTAPI FatpRetryWrite(PVOID Context)
{
    FATP_DEFERRED Deferred = *(PFATP_DEFERRED)Context;

    ExFreePoolWithTag(Context, FAT_FSD_TAG);
    (void)FatHandleRequest(Deferred.Vcb, Deferred.Irp, TRUE);
}

/* The lazy writer has better to do than to write for others. */
static void NTAPI FatpPostWrite(PVOID Context1, PVOID Context2)
{
    PFATP_DEFERRED Deferred = Context1;

    (void)Context2;
    ExInitializeWorkItem(&Deferred->Item, FatpRetryWrite, Deferred);
    ExQueueWorkItem(&Deferred->Item, CriticalWorkQueue);
}

static BOOLEAN FatpIsWaitedFor(const FAT_REQUEST *Request)
{
    return (Request->Irp->Flags & IRP_SYNCHRONOUS_API) != 0 ||
           (Request->FileObject->Flags & FO_SYNCHRONOUS_IO) != 0;
}

BOOLEAN FatDeferWrite(const FAT_REQUEST *Request, BOOLEAN Retrying)
{
    ULONG Length = Request->Stack->Parameters.Write.Length;
    PFATP_DEFERRED Deferred;

    if (Request->Stack->MajorFunction != IRP_MJ_WRITE || Length == 0 ||
        CcCanIWrite(Request->FileObject, Length, FALSE, Retrying)) {
        return FALSE;
    }
    Deferred = FatpIsWaitedFor(Request)
                   ? NULL
                   : ExAllocatePoolWithTag(NonPagedPool, sizeof(*Deferred), FAT_FSD_TAG);
    if (Deferred == NULL) {
        (void)CcCanIWrite(Request->FileObject, Length, TRUE, Retrying);
        return FALSE;
    }
    Deferred->Vcb = Request->Vcb;
    Deferred->Irp = Request->Irp;
    IoMarkIrpPending(Request->Irp);
    CcDeferWrite(Request->FileObject, FatpPostWrite, Deferred, NULL, Length, Retrying);
    return TRUE;
}

/* ---- the file ---- */

/* What could be wrong with it changes only while Resource is exclusive, or becomes better. */
static NTSTATUS FatpUse(const FAT_REQUEST *Request)
{
    PFAT_FCB Fcb = Request->Fcb;
    NTSTATUS Status;

    if (!Fcb->Deleted && !Fcb->Lost && !Fcb->File.Stale) {
        return STATUS_SUCCESS;
    }
    ExAcquireFastMutex(&Request->Vcb->Mutex);
    Status = FatUseFcb(Request->Vcb, Fcb);
    if (NT_SUCCESS(Status)) {
        Status = FatRefresh(&Fcb->File);
    }
    FatKeepPages(Fcb);
    ExReleaseFastMutex(&Request->Vcb->Mutex);
    return Status;
}

/* ---- reading ---- */

static NTSTATUS FatpRead(PFAT_REQUEST Request, ULONG Length)
{
    ULONG Done = 0;
    NTSTATUS Status = FatBeginCaching(Request);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (FatIsByMdl(Request->Stack)) {
        Status = CcTryMdlRead(Request->FileObject, (LONGLONG)Request->Start, Length,
                              &Request->Irp->MdlAddress, &Done);
    } else {
        Status = CcTryCopyRead(Request->FileObject, (LONGLONG)Request->Start, Length, TRUE,
                               Request->Buffer, &Done);
    }
    if (NT_SUCCESS(Status)) {
        Request->Information = Done;
        FatMovePosition(Request, Request->Start + Done);
    }
    return Status;
}

static NTSTATUS FatpCachedRead(PFAT_REQUEST Request)
{
    ULONG Length = Request->Stack->Parameters.Read.Length;

    if (!FatFindStart(Request, &Request->Start)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Length == 0) {
        return STATUS_SUCCESS;
    }
    return Request->Start < (ULONG64)Request->Fcb->Header.FileSize.QuadPart
               ? FatpRead(Request, Length)
               : STATUS_END_OF_FILE;
}

/* ---- writing ---- */

typedef NTSTATUS FATP_RESIZE(PFAT_FCB Fcb, ULONG Bytes);

static NTSTATUS FatpResize(PFAT_REQUEST Request, ULONG64 Bytes, FATP_RESIZE *Resize)
{
    PFAT_FCB Fcb = Request->Fcb;
    NTSTATUS Status;

    (void)ExAcquireResourceExclusiveLite(&Fcb->PagingIoResource, TRUE);
    ExAcquireFastMutex(&Request->Vcb->Mutex);
    FatForgetWritten(Fcb);
    Fcb->File.Keeps = Request->Ccb->Keeps;
    Status = Resize(Fcb, (ULONG)Bytes);
    Fcb->File.Keeps = 0;
    ExReleaseFastMutex(&Request->Vcb->Mutex);
    ExReleaseResourceLite(&Fcb->PagingIoResource);
    return Status;
}

#define FATP_MOST_GAP 0x10000u /* bytes that become zero in the cache */

/* A long way behind the end: zeroes to there, on the disk.  => FatFinishCache follows. */
static NTSTATUS FatpZeroFar(PFAT_REQUEST Request)
{
    NTSTATUS Status = FatCatchUp(Request->Fcb);

    if (NT_SUCCESS(Status)) {
        Status = FatPrepareGrowth(Request, (LONGLONG)Request->Start);
    }
    return NT_SUCCESS(Status) ? FatpResize(Request, Request->Start, FatChangeSize) : Status;
}

/*
 * => From to To - 1 of the file, which are new, are zero.  The rest of the page that was the last
 *    one is so already (FatPrepareGrowth), but may have been written when the file ended before it:
 *    now it is to be written again.
 */
static NTSTATUS FatpZeroNear(PFAT_REQUEST Request, ULONG64 From, ULONG64 To)
{
    return From < To ? CcTryZeroData(Request->FileObject, (LONGLONG)From, (LONGLONG)To, TRUE)
                     : STATUS_SUCCESS;
}

/* From Size to End.  => FatFinishCache follows; on failure it may be longer than it was. */
static NTSTATUS FatpLengthen(PFAT_REQUEST Request, ULONG64 Size, ULONG64 End)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Request->Start > Size + FATP_MOST_GAP) {
        Status = FatpZeroFar(Request);
        Size = Request->Start;
    }
    if (NT_SUCCESS(Status)) {
        Status = FatPrepareGrowth(Request, (LONGLONG)End);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpResize(Request, End, FatLengthen);
    }
    if (NT_SUCCESS(Status)) {
        FatNoteCopied(Request->Fcb, TRUE);
        Status = FatpZeroNear(Request, Size, Request->Start);
    }
    return Status;
}

/* The data could not be copied.  A disk that fails here too keeps a longer file, with zeroes. */
static void FatpCutAgain(PFAT_REQUEST Request, ULONG64 Bytes)
{
    NTSTATUS Status = FatMayCut(Request->Fcb, (ULONG)Bytes);

    if (NT_SUCCESS(Status)) {
        Status = FatpResize(Request, Bytes, FatChangeSize);
    }
    (void)NT_SUCCESS(Status);
}

static NTSTATUS FatpCopy(PFAT_REQUEST Request, ULONG Length)
{
    PFILE_OBJECT FileObject = Request->FileObject;
    ULONG Done;
    NTSTATUS Status;

    FatNoteCopied(Request->Fcb, TRUE); /* before the lazy writer can find a page */
    Status =
        CcTryCopyWrite(FileObject, (LONGLONG)Request->Start, Length, TRUE, Request->Buffer, &Done);
    if (Done != 0) {
        FileObject->Flags |= FO_FILE_MODIFIED;
        Request->Ccb->Modified = TRUE;
    }
    return Status;
}

/* The data is on the disk: so is the size, and the disk has stored both. */
static NTSTATUS FatpWriteThrough(PFAT_REQUEST Request)
{
    NTSTATUS Status = FatCatchUp(Request->Fcb);

    return NT_SUCCESS(Status) ? DiskTransfer(Request->Vcb->Disk, DiskFlush, 0, 0, NULL) : Status;
}

static NTSTATUS FatpWriteInside(PFAT_REQUEST Request, ULONG Length)
{
    NTSTATUS Status = FatpCopy(Request, Length);

    return NT_SUCCESS(Status) && (Request->FileObject->Flags & FO_WRITE_THROUGH) != 0
               ? FatpWriteThrough(Request)
               : Status;
}

static NTSTATUS FatpWriteBehind(PFAT_REQUEST Request, ULONG64 Size, ULONG Length)
{
    NTSTATUS Status = FatpLengthen(Request, Size, Request->Start + Length);

    if (NT_SUCCESS(Status)) {
        Request->FileObject->Flags |= FO_FILE_SIZE_CHANGED;
        Status = FatpWriteInside(Request, Length);
    }
    if (!NT_SUCCESS(Status) && (ULONG64)Request->Fcb->Header.FileSize.QuadPart > Size) {
        FatpCutAgain(Request, Size);
    }
    if (NT_SUCCESS(Status) || Request->Told) {
        FatFinishCache(Request->Fcb, -1); /* all of it is valid, however long it is now */
    }
    return Status;
}

static NTSTATUS FatpWrite(PFAT_REQUEST Request, ULONG Length)
{
    ULONG64 Size = (ULONG64)Request->Fcb->Header.FileSize.QuadPart;
    NTSTATUS Status = FatPageStatus(Request->Fcb);

    if (NT_SUCCESS(Status)) {
        Status = FatBeginCaching(Request);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return Request->Start + Length > Size ? FatpWriteBehind(Request, Size, Length)
                                          : FatpWriteInside(Request, Length);
}

static NTSTATUS FatpCachedWrite(PFAT_REQUEST Request)
{
    ULONG Length = Request->Stack->Parameters.Write.Length;
    NTSTATUS Status;

    if (FatIsByMdl(Request->Stack)) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (!FatFindStart(Request, &Request->Start)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Length == 0) {
        return STATUS_SUCCESS;
    }
    Status = FatCheckWrite(Request->Fcb, Request->Start, Length);
    if (NT_SUCCESS(Status)) {
        Status = FatpWrite(Request, Length);
    }
    if (NT_SUCCESS(Status)) {
        Request->Information = Length;
        FatMovePosition(Request, Request->Start + Length);
    }
    return Status;
}

/* ---- both ---- */

NTSTATUS FatCachedData(PFAT_REQUEST Request)
{
    NTSTATUS Status;

    if (Request->Stack->MajorFunction == IRP_MJ_READ &&
        Request->Stack->MinorFunction == IRP_MN_COMPLETE_MDL) {
        CcMdlReadComplete(Request->FileObject, Request->Irp->MdlAddress);
        Request->Irp->MdlAddress = NULL;
        return STATUS_SUCCESS;
    }
    Status = FatpUse(Request);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return Request->Stack->MajorFunction == IRP_MJ_READ ? FatpCachedRead(Request)
                                                        : FatpCachedWrite(Request);
}

NTSTATUS FatWriteMapped(PFAT_REQUEST Request)
{
    ULONG64 End;
    NTSTATUS Status = STATUS_USER_MAPPED_FILE;

    if (CcIsRunning()) {
        Status = FatCachedData(Request);
    }
    End = Request->Start + Request->Stack->Parameters.Write.Length;
    if (NT_SUCCESS(Status)) {
        Status = FatFlushCached(Request->Fcb, Request->Start, End);
    }
    return NT_SUCCESS(Status) ? FatCatchUp(Request->Fcb) : Status;
}
