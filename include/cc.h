/* SPDX-License-Identifier: MIT */
/*
 * cc.h - the cache manager's calls for file systems.
 *
 * Names, prototypes, structures and behaviour are those of ntifs.h for x86 NT 5.2; source:
 * learn.microsoft.com/windows-hardware/drivers/ddi/ntifs, a page for each call.  Calls that NT does
 * not have are marked (own).
 *
 * What NT raises: this kernel has no exception handlers yet.  Each call that is documented to raise
 * has a twin CcTry... (own) that returns the status; the documented one stops with bug check 0x1E,
 * P1 the status, when there is one.  STATUS_CANT_WAIT from a twin is what the documented call says
 * with FALSE.
 *
 * Buffers of the user half are the running process'; a fault there, and one in the file's pages, is
 * a status.  Who calls has probed them.
 *
 * A file object may be used for caching from CcInitializeCacheMap to CcUninitializeCacheMap, and
 * the file system sees to it that sizes do not change and nothing is purged while somebody copies:
 * it has the file's resource.  A file object's own calls do not overlap its last one.
 *
 * All calls: PASSIVE_LEVEL or APC_LEVEL, no spin lock.
 */
#ifndef CC_H
#define CC_H

#include "io_objects.h"
#include "ke.h"
#include "nt/annotations.h"

#define VACB_MAPPING_GRANULARITY 0x40000u
#define VACB_OFFSET_SHIFT        18

typedef BOOLEAN(NTAPI *PACQUIRE_FOR_LAZY_WRITE)(PVOID Context, BOOLEAN Wait);
typedef void(NTAPI *PRELEASE_FROM_LAZY_WRITE)(PVOID Context);
typedef BOOLEAN(NTAPI *PACQUIRE_FOR_READ_AHEAD)(PVOID Context, BOOLEAN Wait);
typedef void(NTAPI *PRELEASE_FROM_READ_AHEAD)(PVOID Context);

/* How the cache's own threads take and give back the file system's lock of a file. */
typedef struct _CACHE_MANAGER_CALLBACKS {
    PACQUIRE_FOR_LAZY_WRITE AcquireForLazyWrite;
    PRELEASE_FROM_LAZY_WRITE ReleaseFromLazyWrite;
    PACQUIRE_FOR_READ_AHEAD AcquireForReadAhead;
    PRELEASE_FROM_READ_AHEAD ReleaseFromReadAhead;
} CACHE_MANAGER_CALLBACKS, *PCACHE_MANAGER_CALLBACKS;

typedef struct _CC_FILE_SIZES {
    LARGE_INTEGER AllocationSize;
    LARGE_INTEGER FileSize;
    LARGE_INTEGER ValidDataLength; /* CC_NO_VALID_DATA_LENGTH: not kept, all of the file is */
} CC_FILE_SIZES, *PCC_FILE_SIZES;

#define CC_NO_VALID_DATA_LENGTH 0x7FFFFFFFFFFFFFFFll

typedef struct _CACHE_UNINITIALIZE_EVENT {
    struct _CACHE_UNINITIALIZE_EVENT *Next;
    KEVENT Event;
} CACHE_UNINITIALIZE_EVENT, *PCACHE_UNINITIALIZE_EVENT;

#if defined(__i386__)
NT_C_ASSERT(sizeof(CACHE_MANAGER_CALLBACKS) == 0x10);
NT_C_ASSERT(sizeof(CC_FILE_SIZES) == 0x18);
NT_C_ASSERT(sizeof(CACHE_UNINITIALIZE_EVENT) == 0x14);
#endif

/* ---- the start (own) ---- */

struct _MM_CACHE_VIEW_CALLS;

/*
 * Make the cache's views over the cache's part of the system half (MiLayout); Calls is
 * mm/section/cache_view.h's seam.  RamPages decides how much may be dirty.
 *
 * => Once a machine, after the pools.  STATUS_INSUFFICIENT_RESOURCES: no pool.
 */
NT_MUST_CHECK NTSTATUS CcInitializeCacheManager(const struct _MM_CACHE_VIEW_CALLS *Calls,
                                                ULONG RamPages);

/* => Whether that was done: without it no file can be cached, and no call below may be made. */
BOOLEAN CcIsRunning(void);

/* Hold writers back beyond so many dirty pages of all files.  => Before files are cached. */
void CcSetSystemDirtyPageThreshold(ULONG Pages);

/* ---- caching begins and ends ---- */

#define CcIsFileCached(FileObject)                                                                 \
    ((FileObject)->SectionObjectPointer != NULL &&                                                 \
     (FileObject)->SectionObjectPointer->SharedCacheMap != NULL)

/*
 * Cache the file for this file object.  The first one makes the file's map and its section; a file
 * object that is cached already stays so, and nothing changes.
 *
 * => FileObject->SectionObjectPointer is the file's.  Callbacks stays while the file is cached.
 *    PinAccess: the file's data will be pinned (CcPinRead and its kin).
 * => STATUS_INSUFFICIENT_RESOURCES; what the section's creation said: nothing changed.
 */
void NTAPI CcInitializeCacheMap(PFILE_OBJECT FileObject, PCC_FILE_SIZES FileSizes,
                                BOOLEAN PinAccess, PCACHE_MANAGER_CALLBACKS Callbacks,
                                PVOID LazyWriteContext);
NT_MUST_CHECK NTSTATUS CcTryInitializeCacheMap(PFILE_OBJECT FileObject,
                                               const CC_FILE_SIZES *FileSizes, BOOLEAN PinAccess,
                                               PCACHE_MANAGER_CALLBACKS Callbacks,
                                               PVOID LazyWriteContext);

/*
 * Stop caching for this file object; one that is not cached may be given.  With the last one
 * *TruncateSize, unless NULL, says how much of the file counts still: what is cached behind it is
 * forgotten.  What is dirty then is written by the lazy writer before the map goes.
 *
 * => TRUE: the file's map is gone.  UninitializeEvent, unless NULL, is set when it is gone, or at
 *    once when there is none or others use it.
 */
BOOLEAN NTAPI CcUninitializeCacheMap(PFILE_OBJECT FileObject, PLARGE_INTEGER TruncateSize,
                                     PCACHE_UNINITIALIZE_EVENT UninitializeEvent);

/*
 * The file's sizes changed.  A larger allocation makes the section larger; a smaller file forgets
 * what is behind its end.  A file that is not cached: nothing.
 *
 * => CcSetFileSizesEx: STATUS_INSUFFICIENT_RESOURCES, the section's: nothing changed.
 *    STATUS_USER_MAPPED_FILE: the sizes are as given, and pages behind the end are left, since a
 *    user's view is in the way.
 */
void NTAPI CcSetFileSizes(PFILE_OBJECT FileObject, PCC_FILE_SIZES FileSizes);
NT_MUST_CHECK NTSTATUS NTAPI CcSetFileSizesEx(PFILE_OBJECT FileObject, PCC_FILE_SIZES FileSizes);

/* => The file object that the file's map was made with; NULL: the file is not cached. */
PFILE_OBJECT NTAPI CcGetFileObjectFromSectionPtrs(PSECTION_OBJECT_POINTERS SectionObjectPointer);
PFILE_OBJECT NTAPI CcGetFileObjectFromBcb(PVOID Bcb);

/* => Whether a file of the volume, temporary ones apart, has dirty pages in the cache. */
BOOLEAN NTAPI CcIsThereDirtyData(PVPB Vpb);

/* => Whether a file has any; it has none that it does not have written too. */
BOOLEAN CcIsFileDirty(PSECTION_OBJECT_POINTERS SectionObjectPointer);

/* ---- writing back ---- */

/*
 * Write what is dirty in a range, and what users' views of it modified.  FileOffset NULL: all of
 * the file.  A file that is not cached: what its section has.
 *
 * => IoStatus, unless NULL: STATUS_SUCCESS and the bytes that were dirty in the cache; or the first
 *    failure: what was not written stays dirty.
 */
void NTAPI CcFlushCache(PSECTION_OBJECT_POINTERS SectionObjectPointer, PLARGE_INTEGER FileOffset,
                        ULONG Length, PIO_STATUS_BLOCK IoStatus);

/*
 * Forget what is cached of a range, dirty or not, so that the next read goes to the file.  Length
 * 0: from *FileOffset on; FileOffset NULL: all.  Whole pages are forgotten: the first one that
 * begins in the range is the first.  Views in use are waited for; they must not be the caller's.
 *
 * UninitializeCacheMaps: caching ends first, for all file objects of the file; the file's map goes
 * when what is left of it is clean and unpinned.  The caller has the file to himself.
 *
 * => FALSE: something of it is pinned, or a user's view is in the way.  Then dirty data is as it
 *    was; file objects are not cached any more all the same.
 */
BOOLEAN NTAPI CcPurgeCacheSection(PSECTION_OBJECT_POINTERS SectionObjectPointer,
                                  PLARGE_INTEGER FileOffset, ULONG Length,
                                  BOOLEAN UninitializeCacheMaps);

/* ---- copying ---- */

/*
 * Copy from the file to Buffer, up to the file's end.
 *
 * => IoStatus: the bytes; STATUS_END_OF_FILE: it begins at the end or behind.
 * => FALSE: Wait is FALSE, and not all of it is in memory.
 * => CcTryCopyRead: *Copied bytes were copied, also with a failure: STATUS_ACCESS_VIOLATION and
 *    others of Buffer's; STATUS_IN_PAGE_ERROR and others of the file's.
 */
BOOLEAN NTAPI CcCopyRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                         BOOLEAN Wait, PVOID Buffer, PIO_STATUS_BLOCK IoStatus);
NT_MUST_CHECK NTSTATUS CcTryCopyRead(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length,
                                     BOOLEAN Wait, PVOID Buffer, PULONG Copied);

/* With Wait, in files below 4 GB.  PageCount is the pages that the range spans. */
void NTAPI CcFastCopyRead(PFILE_OBJECT FileObject, ULONG FileOffset, ULONG Length, ULONG PageCount,
                          PVOID Buffer, PIO_STATUS_BLOCK IoStatus);

/*
 * Copy from Buffer to the file; a file object with FO_WRITE_THROUGH waits until it is on the disk.
 *
 * => The range lies inside the file as CcSetFileSizes knows it.
 * => FALSE: Wait is FALSE, and that would have meant to wait.
 * => CcTryCopyWrite: *Copied bytes are in the file, also with a failure: as CcTryCopyRead; the
 *    flush's, with FO_WRITE_THROUGH, and the data stays dirty; STATUS_INVALID_PARAMETER: not inside
 *    the file.
 */
BOOLEAN NTAPI CcCopyWrite(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                          BOOLEAN Wait, PVOID Buffer);
NT_MUST_CHECK NTSTATUS CcTryCopyWrite(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length,
                                      BOOLEAN Wait, const void *Buffer, PULONG Copied);
void NTAPI CcFastCopyWrite(PFILE_OBJECT FileObject, ULONG FileOffset, ULONG Length, PVOID Buffer);

/*
 * Write zeroes to [*StartOffset, *EndOffset): to the cache, where what would make too much dirty is
 * written at once; of a file object that is not cached, to the disk, past what others have cached,
 * which is the caller's to purge.
 *
 * => Cached: as CcCopyWrite.
 * => Not cached: both offsets are multiples of the volume's sectors, else STATUS_INVALID_PARAMETER.
 *    FALSE, STATUS_CANT_WAIT: without Wait, as the disk is waited for.
 *    STATUS_INSUFFICIENT_RESOURCES; IoSynchronousPageWrite's: a part may be zeroes.
 */
BOOLEAN NTAPI CcZeroData(PFILE_OBJECT FileObject, PLARGE_INTEGER StartOffset,
                         PLARGE_INTEGER EndOffset, BOOLEAN Wait);
NT_MUST_CHECK NTSTATUS CcTryZeroData(PFILE_OBJECT FileObject, LONGLONG StartOffset,
                                     LONGLONG EndOffset, BOOLEAN Wait);

/* ---- reading ahead ---- */

/*
 * How much is read ahead at once, for this file object.  => A power of two, PAGE_SIZE at least.
 */
void NTAPI CcSetReadAheadGranularity(PFILE_OBJECT FileObject, ULONG Granularity);

/*
 * A read of this range happened: when it and the two before make a pattern, what it leads to is
 * read into memory by a worker thread.  Nothing for FO_RANDOM_ACCESS; twice as much for
 * FO_SEQUENTIAL_ONLY.  CcCopyRead and CcMdlRead do it themselves.
 */
void NTAPI CcScheduleReadAhead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length);
#define CcReadAhead(FileObject, FileOffset, Length)                                                \
    ((Length) >= 256 ? CcScheduleReadAhead((FileObject), (FileOffset), (Length)) : (void)0)

/* TRUE: not for this file.  => It is cached. */
void NTAPI CcSetAdditionalCacheAttributes(PFILE_OBJECT FileObject, BOOLEAN DisableReadAhead,
                                          BOOLEAN DisableWriteBehind);

/* ---- the lazy writer, and writers that wait for it ---- */

/*
 * Each second an eighth of what is dirty is written, or what has become dirty since the last one if
 * that is more; temporary files only when writers are held back, or they are closed.  What cannot
 * be written stays dirty, the console says so, and it is tried again.
 *
 * CcStartLazyWriter (own): => Once, when threads run.  STATUS_INSUFFICIENT_RESOURCES.
 */
NT_MUST_CHECK NTSTATUS CcStartLazyWriter(void);

/*
 * The machine ends (own): when this returns the lazy writer writes nothing any more, and no writer
 * is held back.  What is dirty is for those who end to flush.
 *
 * => Nothing, when it was not started.
 */
void CcStopLazyWriter(void);

/* Wait for a whole round of the lazy writer, begun now.  => STATUS_SUCCESS. */
NTSTATUS NTAPI CcWaitForCurrentLazyWriterActivity(void);

/*
 * May BytesToWrite be written to the cache now?  Not while too much is dirty, of all files or of
 * this one, and not before those that wait already, unless Retrying.
 *
 * => Wait TRUE: it waits until it may.
 */
BOOLEAN NTAPI CcCanIWrite(PFILE_OBJECT FileObject, ULONG BytesToWrite, BOOLEAN Wait,
                          BOOLEAN Retrying);

/*
 * Have PostRoutine called when CcCanIWrite would say yes: by who writes dirty pages, at
 * PASSIVE_LEVEL; at once when it does already, or when there is no pool to remember it.
 */
typedef void(NTAPI *PCC_POST_DEFERRED_WRITE)(PVOID Context1, PVOID Context2);
void NTAPI CcDeferWrite(PFILE_OBJECT FileObject, PCC_POST_DEFERRED_WRITE PostRoutine,
                        PVOID Context1, PVOID Context2, ULONG BytesToWrite, BOOLEAN Retrying);

/* Hold writers of this file back beyond so many dirty pages of it; 0: no such limit. */
void NTAPI CcSetDirtyPageThreshold(PFILE_OBJECT FileObject, ULONG DirtyPageThreshold);

/* ---- mapping and pinning: the file's data where it lies ---- */

/* What a pinned BCB begins with. */
typedef struct _PUBLIC_BCB {
    CSHORT NodeTypeCode;
    CSHORT NodeByteSize;
    ULONG MappedLength;             /* of the pinned range: whole pages */
    LARGE_INTEGER MappedFileOffset; /* where it begins */
} PUBLIC_BCB, *PPUBLIC_BCB;

#if defined(__i386__)
NT_C_ASSERT(sizeof(PUBLIC_BCB) == 0x10);
#endif

#define MAP_WAIT      1u
#define MAP_NO_READ   16u

#define PIN_WAIT      1u
#define PIN_EXCLUSIVE 2u
#define PIN_NO_READ   4u
#define PIN_IF_BCB    8u

/*
 * Common to these: the range lies in the section and in one view of VACB_MAPPING_GRANULARITY bytes,
 * else STATUS_INVALID_PARAMETER.  *Buffer is the byte at FileOffset, good until *Bcb is unpinned.
 * Pages that are not in memory are read first, unless NO_READ; a page may leave memory again, and
 * a read of it later that fails is the reader's bug check, as on NT.
 *
 * A pinned range is locked: shared, or exclusive with PIN_EXCLUSIVE, by the BCB's resource, which
 * who pins it waits for.  So normal kernel APCs are disabled from before the pin until after the
 * unpin, as always in a file system.  The lazy writer does not write pages that are pinned.
 *
 * => FALSE, STATUS_CANT_WAIT: without WAIT, and something had to be waited for.  PIN_IF_BCB: also
 *    when the range is not pinned by somebody already.
 * => Of the twins: STATUS_INSUFFICIENT_RESOURCES; STATUS_IN_PAGE_ERROR and others of the file's.
 */

/* Keep the view of a range: no lock, nothing may be written. */
BOOLEAN NTAPI CcMapData(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                        ULONG Flags, PVOID *Bcb, PVOID *Buffer);
NT_MUST_CHECK NTSTATUS CcTryMapData(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length,
                                    ULONG Flags, PVOID *Bcb, PVOID *Buffer);

BOOLEAN NTAPI CcPinRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                        ULONG Flags, PVOID *Bcb, PVOID *Buffer);
NT_MUST_CHECK NTSTATUS CcTryPinRead(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length,
                                    ULONG Flags, PVOID *Bcb, PVOID *Buffer);

/* Pin what CcMapData mapped.  => *Bcb is the pinned one instead; one that is pinned stays. */
BOOLEAN NTAPI CcPinMappedData(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                              ULONG Flags, PVOID *Bcb);
NT_MUST_CHECK NTSTATUS CcTryPinMappedData(PFILE_OBJECT FileObject, LONGLONG FileOffset,
                                          ULONG Length, ULONG Flags, PVOID *Bcb);

/*
 * Pin a range that will be written, and set it dirty.  Zero TRUE: all of it is zeroes, and whole
 * pages that are not in memory are not read; FALSE: only those behind the valid data are not, so
 * that a call that fails has lost nothing (NT's may have).
 */
BOOLEAN NTAPI CcPreparePinWrite(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                                BOOLEAN Zero, ULONG Flags, PVOID *Bcb, PVOID *Buffer);
NT_MUST_CHECK NTSTATUS CcTryPreparePinWrite(PFILE_OBJECT FileObject, LONGLONG FileOffset,
                                            ULONG Length, BOOLEAN Zero, ULONG Flags, PVOID *Bcb,
                                            PVOID *Buffer);

/* What is pinned was written.  => Lsn is not kept: there are no logged streams. */
void NTAPI CcSetDirtyPinnedData(PVOID BcbVoid, PLARGE_INTEGER Lsn);

/* => Bcb is from one of the calls above; the caller (that thread) has its lock. */
void NTAPI CcUnpinData(PVOID Bcb);
void NTAPI CcUnpinDataForThread(PVOID Bcb, ULONG_PTR ResourceThreadId);

/*
 * Keep a pinned BCB beyond its unpinning, without its lock, and let go of it again; with
 * WriteThrough what is dirty of it is written first.
 *
 * => IoStatus: as CcFlushCache's.
 */
void NTAPI CcRepinBcb(PVOID Bcb);
void NTAPI CcUnpinRepinnedBcb(PVOID Bcb, BOOLEAN WriteThrough, PIO_STATUS_BLOCK IoStatus);

/* ---- memory descriptor lists: the file's pages themselves ---- */

/*
 * Lock the file's pages of a range and describe them by a chain of MDLs, one for each view; they
 * stay until CcMdlReadComplete.  Reads up to the file's end.
 *
 * => *MdlChain is NULL when nothing was read; IoStatus as CcCopyRead's.
 * => CcTryMdlRead: STATUS_INSUFFICIENT_RESOURCES; STATUS_IN_PAGE_ERROR and others of the file's:
 *    nothing is locked.
 */
void NTAPI CcMdlRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                     PMDL *MdlChain, PIO_STATUS_BLOCK IoStatus);
NT_MUST_CHECK NTSTATUS CcTryMdlRead(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length,
                                    PMDL *MdlChain, PULONG Bytes);
void NTAPI CcMdlReadComplete(PFILE_OBJECT FileObject, PMDL MdlChain);

/*
 * The same for pages that the caller will write; whole pages behind the valid data are not read,
 * others are, so that a call that fails has lost nothing (NT's may have).
 * CcMdlWriteComplete sets the range dirty, and writes it for a file object with
 * FO_WRITE_THROUGH; its views stay until then.
 *
 * => The range is inside the file, else STATUS_INVALID_PARAMETER.
 * => CcTryMdlWriteComplete: the write's status; the chain is gone in any case.
 */
void NTAPI CcPrepareMdlWrite(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                             PMDL *MdlChain, PIO_STATUS_BLOCK IoStatus);
NT_MUST_CHECK NTSTATUS CcTryPrepareMdlWrite(PFILE_OBJECT FileObject, LONGLONG FileOffset,
                                            ULONG Length, PMDL *MdlChain);
void NTAPI CcMdlWriteComplete(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, PMDL MdlChain);
NT_MUST_CHECK NTSTATUS CcTryMdlWriteComplete(PFILE_OBJECT FileObject, LONGLONG FileOffset,
                                             PMDL MdlChain);

#endif
