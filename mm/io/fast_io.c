/* SPDX-License-Identifier: MIT */
/*
 * fast_io.c - reading without a request: a copy from the cache under the file's Resource, shared.
 *
 *     the read                                     ends with
 *     of no bytes                                  STATUS_SUCCESS
 *     Wait FALSE, and Resource is taken            FALSE
 *     the file object is not cached, or the        FALSE
 *     header or the file system say no
 *     begins behind the end                        STATUS_END_OF_FILE
 *     is copied                                    STATUS_SUCCESS, and the position is behind it
 *     a fault, of the file or of the buffer,       FALSE: the request meets it again, and says so
 *     ended the copy
 *
 * Locking: the file's Resource.  A fault on the caller's buffer comes under it, too.
 */
#include "fast_io.h"

#include "cc.h"
#include "io.h"

FSRTL_FAST_COUNTERS FsRtlFastCounters;

/* => Resource is held. */
static BOOLEAN FsRtlpMayRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                             BOOLEAN Wait, ULONG LockKey, PIO_STATUS_BLOCK IoStatus,
                             PDEVICE_OBJECT DeviceObject)
{
    const FSRTL_COMMON_FCB_HEADER *Header = FileObject->FsContext;

    if (FileObject->PrivateCacheMap == NULL || Header->IsFastIoPossible == FastIoIsNotPossible) {
        return FALSE;
    }
    return Header->IsFastIoPossible == FastIoIsPossible ||
           DeviceObject->DriverObject->FastIoDispatch->FastIoCheckIfPossible(
               FileObject, FileOffset, Length, Wait, LockKey, TRUE, IoStatus, DeviceObject);
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
        return FALSE;
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
    if (FsRtlpMayRead(FileObject, FileOffset, Length, Wait, LockKey, IoStatus, DeviceObject)) {
        Done = FsRtlpCopy(FileObject, FileOffset->QuadPart, Length, Wait, Buffer, IoStatus);
    } else {
        FsRtlFastCounters.CcFastReadNotPossible++;
    }
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
    return Done;
}
