/* SPDX-License-Identifier: MIT */
/*
 * fsd_fast.c - what is done without a request: data of files that are cached, by FsRtlCopyRead and
 * FsRtlCopyWrite; times, attributes and sizes.
 *
 * A file that was deleted, or whose entry has to be found again, is the request's (fsd_copy.c), and
 * so is one that may not be written.
 *
 * Locking: the file's Resource, shared to read and exclusive to write, is held by the caller of
 * FatpIsFastPossible; queries take it, shared, and the volume's mutex.
 */
#include "disk/fat/fsd_i.h"
#include "fast_io.h"

/* What could be wrong with it changes only while Resource is exclusive, or becomes better. */
static BOOLEAN FatpIsInOrder(const FAT_FCB *Fcb)
{
    return !Fcb->Deleted && !Fcb->Lost && !Fcb->File.Stale;
}

/* => The data changes from now on: as before the copy in fsd_copy.c. */
static BOOLEAN FatpBeginFastWrite(PFILE_OBJECT FileObject)
{
    PFAT_FCB Fcb = FileObject->FsContext;
    PFAT_CCB Ccb = FileObject->FsContext2;

    if (Fcb->Paging || !NT_SUCCESS(FatPageStatus(Fcb))) {
        return FALSE;
    }
    FatNoteCopied(Fcb, TRUE);
    Ccb->Modified = TRUE;
    return TRUE;
}

static BOOLEAN NTAPI FatpIsFastPossible(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset,
                                        ULONG Length, BOOLEAN Wait, ULONG LockKey,
                                        BOOLEAN CheckForReadOperation, PIO_STATUS_BLOCK IoStatus,
                                        PDEVICE_OBJECT DeviceObject)
{
    (void)FileOffset;
    (void)Length;
    (void)Wait;
    (void)LockKey;
    (void)IoStatus;
    (void)DeviceObject;
    return (FileObject->Flags & FO_NO_INTERMEDIATE_BUFFERING) == 0 &&
           FatpIsInOrder(FileObject->FsContext) &&
           (CheckForReadOperation || FatpBeginFastWrite(FileObject));
}

/* ---- queries ---- */

/* => Resource and the mutex are held; FALSE: neither is. */
static BOOLEAN FatpEnterQuery(PFAT_FCB Fcb, BOOLEAN Wait)
{
    KeEnterCriticalRegion();
    if (ExAcquireResourceSharedLite(&Fcb->Resource, Wait)) {
        if (Wait) {
            ExAcquireFastMutex(&Fcb->Vcb->Mutex);
            return TRUE;
        }
        if (ExTryToAcquireFastMutex(&Fcb->Vcb->Mutex)) {
            return TRUE;
        }
        ExReleaseResourceLite(&Fcb->Resource);
    }
    KeLeaveCriticalRegion();
    return FALSE;
}

static void FatpLeaveQuery(PFAT_FCB Fcb)
{
    ExReleaseFastMutex(&Fcb->Vcb->Mutex);
    ExReleaseResourceLite(&Fcb->Resource);
    KeLeaveCriticalRegion();
}

/* A time that views have changed is told by a request first; one that is noted now, by the next. */
static BOOLEAN FatpQueryFast(PFILE_OBJECT FileObject, BOOLEAN Wait, FILE_INFORMATION_CLASS Class,
                             PVOID Buffer, PIO_STATUS_BLOCK IoStatus)
{
    FAT_REQUEST Request = {.Fcb = FileObject->FsContext, .FileObject = FileObject};
    PFAT_FCB Fcb = Request.Fcb;
    BOOLEAN Done = FALSE;

    if (Fcb == NULL || !FatpEnterQuery(Fcb, Wait)) {
        return FALSE;
    }
    if (FatpIsInOrder(Fcb) && !Fcb->Pages.Viewed &&
        (FileObject->Flags & FO_CLEANUP_COMPLETE) == 0) {
        IoStatus->Status = FatQueryFast(&Request, Class, Buffer);
        IoStatus->Information = Request.Information;
        Done = NT_SUCCESS(IoStatus->Status);
    }
    FatpLeaveQuery(Fcb);
    return Done;
}

static BOOLEAN NTAPI FatpFastBasic(PFILE_OBJECT FileObject, BOOLEAN Wait,
                                   PFILE_BASIC_INFORMATION Buffer, PIO_STATUS_BLOCK IoStatus,
                                   PDEVICE_OBJECT DeviceObject)
{
    (void)DeviceObject;
    memset(Buffer, 0, sizeof(*Buffer));
    return FatpQueryFast(FileObject, Wait, FileBasicInformation, Buffer, IoStatus);
}

static BOOLEAN NTAPI FatpFastStandard(PFILE_OBJECT FileObject, BOOLEAN Wait,
                                      PFILE_STANDARD_INFORMATION Buffer, PIO_STATUS_BLOCK IoStatus,
                                      PDEVICE_OBJECT DeviceObject)
{
    (void)DeviceObject;
    memset(Buffer, 0, sizeof(*Buffer));
    return FatpQueryFast(FileObject, Wait, FileStandardInformation, Buffer, IoStatus);
}

FAST_IO_DISPATCH FatFastIo = {
    .SizeOfFastIoDispatch = sizeof(FAST_IO_DISPATCH),
    .FastIoCheckIfPossible = FatpIsFastPossible,
    .FastIoRead = FsRtlCopyRead,
    .FastIoWrite = FsRtlCopyWrite,
    .FastIoQueryBasicInfo = FatpFastBasic,
    .FastIoQueryStandardInfo = FatpFastStandard,
};
