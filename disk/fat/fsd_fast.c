/* SPDX-License-Identifier: MIT */
/*
 * fsd_fast.c - what is read without a request: data of files that are cached, by FsRtlCopyRead.
 *
 * A file that was deleted, or whose entry has to be found again, is the request's (fsd_copy.c).
 *
 * Locking: the file's Resource, shared, is held by the caller.
 */
#include "disk/fat/fsd_i.h"
#include "fast_io.h"

/* What could be wrong with it changes only while Resource is exclusive, or becomes better. */
static BOOLEAN NTAPI FatpIsFastPossible(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset,
                                        ULONG Length, BOOLEAN Wait, ULONG LockKey,
                                        BOOLEAN CheckForReadOperation, PIO_STATUS_BLOCK IoStatus,
                                        PDEVICE_OBJECT DeviceObject)
{
    const FAT_FCB *Fcb = FileObject->FsContext;

    (void)FileOffset;
    (void)Length;
    (void)Wait;
    (void)LockKey;
    (void)IoStatus;
    (void)DeviceObject;
    return CheckForReadOperation && (FileObject->Flags & FO_NO_INTERMEDIATE_BUFFERING) == 0 &&
           !Fcb->Deleted && !Fcb->Lost && !Fcb->File.Stale;
}

FAST_IO_DISPATCH FatFastIo = {
    .SizeOfFastIoDispatch = sizeof(FAST_IO_DISPATCH),
    .FastIoCheckIfPossible = FatpIsFastPossible,
    .FastIoRead = FsRtlCopyRead,
};
