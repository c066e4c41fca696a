/* SPDX-License-Identifier: MIT */
/*
 * fsrtl.h - what a file system shows of an open file to the memory manager and the cache.
 *
 * FILE_OBJECT.FsContext points to a FSRTL_COMMON_FCB_HEADER; names, layout and rules as documented
 * for x86 NT 5.2: learn.microsoft.com/windows-hardware/drivers/ifs/the-fsrtl-advanced-fcb-header-
 * structure and .../ddi/ntifs (FsRtlSetupAdvancedHeader, MmCanFileBeTruncated and so on).
 *
 * Locks of a file, in this order: Resource, then PagingIoResource.  Its sizes change while both are
 * exclusive; who has one of them in any way may rely on the sizes.
 */
#ifndef FSRTL_H
#define FSRTL_H

#include "io_objects.h"
#include "resource.h"

/* Letters: (S) both resources exclusive to write, one of them to read; (I) fixed. */
typedef struct _FSRTL_COMMON_FCB_HEADER {
    CSHORT NodeTypeCode; /* (I) the file system's own */
    CSHORT NodeByteSize; /* (I) */
    UCHAR Flags;         /* FSRTL_FLAG_* */
    UCHAR IsFastIoPossible;
    UCHAR Flags2;
    UCHAR Reserved;
    PERESOURCE Resource;           /* (I) */
    PERESOURCE PagingIoResource;   /* (I) */
    LARGE_INTEGER AllocationSize;  /* (S) on disk, whole clusters */
    LARGE_INTEGER FileSize;        /* (S) */
    LARGE_INTEGER ValidDataLength; /* (S) what lies behind it is zero, whatever the disk holds */
} FSRTL_COMMON_FCB_HEADER, *PFSRTL_COMMON_FCB_HEADER;

typedef enum _FAST_IO_POSSIBLE {
    FastIoIsNotPossible,
    FastIoIsPossible,
    FastIoIsQuestionable
} FAST_IO_POSSIBLE;

#if defined(__i386__)
NT_C_ASSERT(offsetof(FSRTL_COMMON_FCB_HEADER, IsFastIoPossible) == 0x05);
NT_C_ASSERT(offsetof(FSRTL_COMMON_FCB_HEADER, Resource) == 0x08);
NT_C_ASSERT(offsetof(FSRTL_COMMON_FCB_HEADER, AllocationSize) == 0x10);
NT_C_ASSERT(offsetof(FSRTL_COMMON_FCB_HEADER, ValidDataLength) == 0x20);
NT_C_ASSERT(sizeof(FSRTL_COMMON_FCB_HEADER) == 0x28);
#endif

/* Flags */
#define FSRTL_FLAG_FILE_MODIFIED        0x01
#define FSRTL_FLAG_FILE_LENGTH_CHANGED  0x02
#define FSRTL_FLAG_LIMIT_MODIFIED_PAGES 0x04
#define FSRTL_FLAG_ACQUIRE_MAIN_RSRC_EX 0x08 /* the mapped page writer takes Resource, so */
#define FSRTL_FLAG_ACQUIRE_MAIN_RSRC_SH 0x10
#define FSRTL_FLAG_USER_MAPPED_FILE     0x20

/* ---- a file's locks, for the memory manager and the cache ---- */

/*
 * Each of these takes what NT takes for a file system that has no routine of its own for it in its
 * FAST_IO_DISPATCH, as is the case here; a file without resources has nothing to take.  They begin
 * and end a critical region, in which the caller is from the acquisition until the release.
 *
 * => IRQL <= APC_LEVEL.
 */

/* Resource, exclusive: nobody changes the file while a section of it is made. */
void NTAPI FsRtlAcquireFileExclusive(PFILE_OBJECT FileObject);
void NTAPI FsRtlReleaseFile(PFILE_OBJECT FileObject);

/*
 * What the mapped page writer holds while it writes pages that end at EndingOffset:
 * PagingIoResource shared, or Resource where Flags say so or the write goes behind ValidDataLength.
 *
 * => Does not wait.  STATUS_CANT_WAIT: somebody has it, nothing was taken.
 * => *ResourceToRelease is for the release; NULL: the file has no resources.
 */
NT_MUST_CHECK NTSTATUS NTAPI FsRtlAcquireFileForModWriteEx(PFILE_OBJECT FileObject,
                                                           PLARGE_INTEGER EndingOffset,
                                                           PERESOURCE *ResourceToRelease);
void NTAPI FsRtlReleaseFileForModWrite(PFILE_OBJECT FileObject, PERESOURCE ResourceToRelease);

/* Resource (as the caller has it already, else shared), and PagingIoResource shared. */
void NTAPI FsRtlAcquireFileForCcFlush(PFILE_OBJECT FileObject);
void NTAPI FsRtlReleaseFileForCcFlush(PFILE_OBJECT FileObject);

/*
 * ---- what a file system asks of the memory manager and the cache; weak: no sections ----
 *
 * => IRQL <= APC_LEVEL, no spin lock.  What they say holds while the caller has Resource exclusive.
 */

typedef enum _MMFLUSH_TYPE {
    MmFlushForDelete,
    MmFlushForWrite
} MMFLUSH_TYPE;

/*
 * Let go of the file's image section.
 *
 * => FALSE: it is mapped, or with MmFlushForDelete a data section is: the file must not be deleted,
 *    or opened for writing.
 */
NT_WEAK BOOLEAN NTAPI MmFlushImageSection(PSECTION_OBJECT_POINTERS SectionObjectPointer,
                                          MMFLUSH_TYPE FlushType);

/*
 * May the file become as short as *NewFileSize (NULL: 0) bytes?  An image that nobody uses is let
 * go of.
 *
 * => FALSE: it is used as an image; or a user has a section or a view of its data, and that section
 *    is longer than the new size in whole pages, wherever the view lies.
 */
NT_WEAK BOOLEAN NTAPI MmCanFileBeTruncated(PSECTION_OBJECT_POINTERS SectionPointer,
                                           PLARGE_INTEGER NewFileSize);

/*
 * Write and forget all pages of the file's data section, and let go of it; of its image, too.
 *
 * => FALSE: somebody uses it still.  DelayClose does not matter here.
 */
NT_WEAK BOOLEAN NTAPI MmForceSectionClosed(PSECTION_OBJECT_POINTERS SectionObjectPointer,
                                           BOOLEAN DelayClose);

/* Write the changed pages of a range to the file.  FileOffset NULL: all. */
NT_WEAK void NTAPI CcFlushCache(PSECTION_OBJECT_POINTERS SectionObjectPointer,
                                PLARGE_INTEGER FileOffset, ULONG Length, PIO_STATUS_BLOCK IoStatus);

/* Forget a range's pages, changed or not, unless a user has them mapped.  Length 0: all behind. */
NT_WEAK BOOLEAN NTAPI CcPurgeCacheSection(PSECTION_OBJECT_POINTERS SectionObjectPointer,
                                          PLARGE_INTEGER FileOffset, ULONG Length,
                                          BOOLEAN UninitializeCacheMaps);

#endif
