/* SPDX-License-Identifier: MIT */
/*
 * fast_io.c - reading and writing without a request: a copy from or to the cache under the file's
 * Resource, shared or exclusive.
 *
 *     the read                                     ends with
 *     of no bytes                                  STATUS_SUCCESS
 *     Wait FALSE, and Resource is taken            FALSE
 *     the file object is not cached, or the        FALSE
 *     header or the file system say no
 *     begins behind the end                        STATUS_END_OF_FILE
 *     is copied                                    STATUS_SUCCESS, and the position is behind it
 *     finds a guard page in the buffer             STATUS_GUARD_PAGE_VIOLATION: it is none any more
 *     a fault, of the file or of the buffer,       FALSE: the request meets it again, and says so
 *     ended the copy
 *
 * A write is as a read, and FALSE where it would end behind the end of the file, where too much is
 * dirty, and where it has to reach the disk: the file grows, waits and writes through by requests.
 *
 * Locking: the file's Resource.  A fault on the caller's buffer comes under it, too.
 */
#include "fast_io.h"

#include "cc.h"
#include "io.h"

FSRTL_FAST_COUNTERS FsRtlFastCounters;

/* => Resource is held. */
static BOOLEAN FsRtlpMay(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                         BOOLEAN Wait, ULONG LockKey, BOOLEAN Reads, PIO_STATUS_BLOCK IoStatus,
                         PDEVICE_OBJECT DeviceObject)
{
    const FSRTL_COMMON_FCB_HEADER *Header = FileObject->FsContext;

    if (FileObject->PrivateCacheMap == NULL || Header->IsFastIoPossible == FastIoIsNotPossible) {
        return FALSE;
    }
    return Header->IsFastIoPossible == FastIoIsPossible ||
           DeviceObject->DriverObject->FastIoDispatch->FastIoCheckIfPossible(
               FileObject, FileOffset, Length, Wait, LockKey, Reads, IoStatus, DeviceObject);
}

/* => FALSE: a request will say what went wrong.  It would not find the guard page again. */
static BOOLEAN FsRtlpRefuse(NTSTATUS Status, PIO_STATUS_BLOCK IoStatus)
{
    *IoStatus = (IO_STATUS_BLOCK){.Status = Status};
    return Status == STATUS_GUARD_PAGE_VIOLATION;
}

/* => Resource is held. */
static BOOLEAN FsRtlpCopy(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length, BOOLEAN Wait,
                          PVOID Buffer, PIO_STATUS_BLOCK IoStatus)
{
    const FSRTL_COMMON_FCB_HEADER *Header = FileObject->FsContext;
    NTSTATUS Status;
    ULONG Copied;

    if (Offset >= Header->FileSize.QuadPart) {
        IoStatus->Status = STATUS_END_OF_FILE;
        IoStatus->Information = 0;
        return TRUE;
    }
    Status = CcTryCopyRead(FileObject, Offset, Length, Wait, Buffer, &Copied);
    if (!NT_SUCCESS(Status)) {
        return FsRtlpRefuse(Status, IoStatus);
    }
    FileObject->CurrentByteOffset.QuadPart = Offset + Copied;
    IoStatus->Status = Status;
    IoStatus->Information = Copied;
    return TRUE;
}

BOOLEAN NTAPI FsRtlCopyRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                            BOOLEAN Wait, ULONG LockKey, PVOID Buffer, PIO_STATUS_BLOCK IoStatus,
                            PDEVICE_OBJECT DeviceObject)
{
    PERESOURCE Resource = ((PFSRTL_COMMON_FCB_HEADER)FileObject->FsContext)->Resource;
    BOOLEAN Done = FALSE;

    if (Length == 0) {
        *IoStatus = (IO_STATUS_BLOCK){.Status = STATUS_SUCCESS};
        return TRUE;
    }
    KeEnterCriticalRegion();
    FsRtlFastCounters.CcFastReadWait += Wait;
    FsRtlFastCounters.CcFastReadNoWait += !Wait;
    if (!ExAcquireResourceSharedLite(Resource, Wait)) {
        FsRtlFastCounters.CcFastReadResourceMiss++;
        KeLeaveCriticalRegion();
        return FALSE;
    }
    if (FsRtlpMay(FileObject, FileOffset, Length, Wait, LockKey, TRUE, IoStatus, DeviceObject)) {
        Done = FsRtlpCopy(FileObject, FileOffset->QuadPart, Length, Wait, Buffer, IoStatus);
    } else {
        FsRtlFastCounters.CcFastReadNotPossible++;
    }
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
    return Done;
}

/* ---- writing ---- */

/* => Resource is held, exclusive; the file system said yes. */
static BOOLEAN FsRtlpStore(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length, BOOLEAN Wait,
                           const void *Buffer, PIO_STATUS_BLOCK IoStatus)
{
    ULONG Copied;
    NTSTATUS Status = CcTryCopyWrite(FileObject, Offset, Length, Wait, Buffer, &Copied);

    FileObject->Flags |= Copied != 0 ? FO_FILE_MODIFIED : 0;
    if (!NT_SUCCESS(Status)) {
        return FsRtlpRefuse(Status, IoStatus);
    }
    FileObject->CurrentByteOffset.QuadPart = Offset + Length;
    *IoStatus = (IO_STATUS_BLOCK){.Status = Status, .Information = Length};
    return TRUE;
}

/* => Resource is held, exclusive. */
static BOOLEAN FsRtlpIsInside(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length)
{
    const FSRTL_COMMON_FCB_HEADER *Header = FileObject->FsContext;

    return Offset >= 0 && Offset <= Header->FileSize.QuadPart - Length;
}

BOOLEAN NTAPI FsRtlCopyWrite(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                             BOOLEAN Wait, ULONG LockKey, PVOID Buffer, PIO_STATUS_BLOCK IoStatus,
                             PDEVICE_OBJECT DeviceObject)
{
    PERESOURCE Resource = ((PFSRTL_COMMON_FCB_HEADER)FileObject->FsContext)->Resource;
    BOOLEAN Done = FALSE;

    if (Length == 0) {
        *IoStatus = (IO_STATUS_BLOCK){.Status = STATUS_SUCCESS};
        return TRUE;
    }
    if ((FileObject->Flags & FO_WRITE_THROUGH) != 0 ||
        !CcCanIWrite(FileObject, Length, FALSE, FALSE)) {
        FsRtlFastCounters.FastWriteNotPossible++;
        return FALSE;
    }
    KeEnterCriticalRegion();
    if (ExAcquireResourceExclusiveLite(Resource, Wait)) {
        if (FsRtlpIsInside(FileObject, FileOffset->QuadPart, Length) &&
            FsRtlpMay(FileObject, FileOffset, Length, Wait, LockKey, FALSE, IoStatus,
                      DeviceObject)) {
            Done = FsRtlpStore(FileObject, FileOffset->QuadPart, Length, Wait, Buffer, IoStatus);
        }
        ExReleaseResourceLite(Resource);
    }
    KeLeaveCriticalRegion();
    FsRtlFastCounters.FastWrites += Done;
    FsRtlFastCounters.FastWriteNotPossible += !Done;
    return Done;
}
