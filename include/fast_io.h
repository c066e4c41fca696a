/* SPDX-License-Identifier: MIT */
/*
 * fast_io.h - FAST_IO_DISPATCH: what a file system does without a request, in the caller's thread.
 *
 * Names, prototypes and layout as documented for x86 NT 5.2: learn.microsoft.com/windows-hardware/
 * drivers/ddi/wdm/ns-wdm-_fast_io_dispatch and .../ddi/ntifs/nf-ntifs-fsrtlcopyread.
 *
 * Whoever says FALSE has done nothing that counts: the same comes again as a request.  TRUE: it is
 * done, and *IoStatus says how it went.
 *
 * Called are FastIoCheckIfPossible, FastIoRead, FastIoWrite, FastIoQueryBasicInfo and
 * FastIoQueryStandardInfo; the other members are there for the layout.
 */
#ifndef FAST_IO_H
#define FAST_IO_H

#include "fsrtl.h"
#include "io_files.h"

/* => Whether a file whose IsFastIoPossible is FastIoIsQuestionable may be read, or written, so. */
typedef BOOLEAN NTAPI FAST_IO_CHECK_IF_POSSIBLE(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset,
                                                ULONG Length, BOOLEAN Wait, ULONG LockKey,
                                                BOOLEAN CheckForReadOperation,
                                                PIO_STATUS_BLOCK IoStatus,
                                                PDEVICE_OBJECT DeviceObject);
typedef BOOLEAN NTAPI FAST_IO_READ(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                                   BOOLEAN Wait, ULONG LockKey, PVOID Buffer,
                                   PIO_STATUS_BLOCK IoStatus, PDEVICE_OBJECT DeviceObject);

typedef FAST_IO_READ FAST_IO_WRITE;
typedef BOOLEAN NTAPI FAST_IO_QUERY_BASIC_INFO(PFILE_OBJECT FileObject, BOOLEAN Wait,
                                               PFILE_BASIC_INFORMATION Buffer,
                                               PIO_STATUS_BLOCK IoStatus,
                                               PDEVICE_OBJECT DeviceObject);
typedef BOOLEAN NTAPI FAST_IO_QUERY_STANDARD_INFO(PFILE_OBJECT FileObject, BOOLEAN Wait,
                                                  PFILE_STANDARD_INFORMATION Buffer,
                                                  PIO_STATUS_BLOCK IoStatus,
                                                  PDEVICE_OBJECT DeviceObject);

typedef struct _FAST_IO_DISPATCH {
    ULONG SizeOfFastIoDispatch;
    FAST_IO_CHECK_IF_POSSIBLE *FastIoCheckIfPossible;
    FAST_IO_READ *FastIoRead;
    FAST_IO_WRITE *FastIoWrite;
    FAST_IO_QUERY_BASIC_INFO *FastIoQueryBasicInfo;
    FAST_IO_QUERY_STANDARD_INFO *FastIoQueryStandardInfo;
    PVOID FastIoLock;
    PVOID FastIoUnlockSingle;
    PVOID FastIoUnlockAll;
    PVOID FastIoUnlockAllByKey;
    PVOID FastIoDeviceControl;
    PVOID AcquireFileForNtCreateSection;
    PVOID ReleaseFileForNtCreateSection;
    PVOID FastIoDetachDevice;
    PVOID FastIoQueryNetworkOpenInfo;
    PVOID AcquireForModWrite;
    PVOID MdlRead;
    PVOID MdlReadComplete;
    PVOID PrepareMdlWrite;
    PVOID MdlWriteComplete;
    PVOID FastIoReadCompressed;
    PVOID FastIoWriteCompressed;
    PVOID MdlReadCompleteCompressed;
    PVOID MdlWriteCompleteCompressed;
    PVOID FastIoQueryOpen;
    PVOID ReleaseForModWrite;
    PVOID AcquireForCcFlush;
    PVOID ReleaseForCcFlush;
} FAST_IO_DISPATCH, *PFAST_IO_DISPATCH;

#if defined(__i386__)
NT_C_ASSERT(sizeof(FAST_IO_DISPATCH) == 0x70);
NT_C_ASSERT(offsetof(FAST_IO_DISPATCH, FastIoRead) == 0x08);
NT_C_ASSERT(offsetof(FAST_IO_DISPATCH, AcquireForModWrite) == 0x3C);
#endif

/*
 * Read a file that is cached for this file object: a FastIoRead for any file system that uses
 * FSRTL_COMMON_FCB_HEADER.  A synchronous file's position moves.
 *
 * => FileOffset is not negative.  IRQL <= APC_LEVEL.
 * => STATUS_SUCCESS, STATUS_END_OF_FILE; FALSE: Resource, or a page, would have to be waited for
 *    and Wait is FALSE; the file is not one for it; or the copy failed, and why is the request's
 *    to say.
 */
FAST_IO_READ FsRtlCopyRead;

/*
 * The same to write: inside the file, not write-through.  The file system is asked with Resource
 * exclusive, and says with its answer that the data will change.
 *
 * => STATUS_SUCCESS; FALSE: as FsRtlCopyRead, and where the file would become longer, or too much
 *    is dirty (CcCanIWrite).  A copy that failed may have changed bytes of the range.
 */
FAST_IO_WRITE FsRtlCopyWrite;

/* By the names that NT's performance information has for them.  Lost updates cost a count. */
typedef struct _FSRTL_FAST_COUNTERS {
    ULONG CcFastReadNoWait;
    ULONG CcFastReadWait;
    ULONG CcFastReadResourceMiss; /* somebody had Resource */
    ULONG CcFastReadNotPossible;
    ULONG FastWrites;           /* our own: that were done */
    ULONG FastWriteNotPossible; /* ... that have to be requests */
} FSRTL_FAST_COUNTERS;

extern FSRTL_FAST_COUNTERS FsRtlFastCounters;

#endif
