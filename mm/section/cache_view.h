/* SPDX-License-Identifier: MIT */
/*
 * cache_view.h - what the system cache needs of sections: the seam between mm/cc and mm/section.
 *
 * The system cache allots addresses (MiRegionSystemCache and its extension) in views of
 * MM_CACHE_VIEW_BYTES; the PTEs there, the pages and the file behind them are the section's.  The
 * cache manager gets the calls as a table when it is started, so that a test may stand in for
 * sections, and fail where it likes.  A member has the name of NT's routine for the same thing.
 *
 * What the page fault handler owes the cache: a fault on an address of a view that cannot be
 * resolved ends a KiGuardedCopy with why the read failed (MM_STOP.Guarded): what the disk said,
 * which is what NtReadFile returns then.
 *
 * A page of a view that was written to is modified until it is flushed; until then it can be locked
 * for writing by an MDL.  A page that is locked stays in memory, at its place in the file.
 *
 * All calls: PASSIVE_LEVEL or APC_LEVEL, no spin lock; they may wait.
 */
#ifndef MM_SECTION_CACHE_VIEW_H
#define MM_SECTION_CACHE_VIEW_H

#include "io_objects.h"
#include "nt/status.h"
#include "nt/types.h"
#include "ob.h"

#define MM_CACHE_VIEW_SHIFT 18
#define MM_CACHE_VIEW_BYTES (1u << MM_CACHE_VIEW_SHIFT) /* VACB_MAPPING_GRANULARITY, 256 KB */
#define MM_CACHE_VIEW_PAGES (MM_CACHE_VIEW_BYTES >> PAGE_SHIFT)

struct _SECTION;

typedef struct _MM_CACHE_VIEW_CALLS {
    /*
     * A section over the file's data, Bytes long; a file's sections share their pages.  The file
     * does not become longer: pages behind its end begin as zeroes and are never written.
     *
     * => The caller keeps the file object until the section is dereferenced; a view keeps what it
     *    needs of a section that was.
     */
    NTSTATUS (*MmCreateSection)(PFILE_OBJECT File, PLARGE_INTEGER Bytes, struct _SECTION **Section);
    void (*ObDereferenceObject)(struct _SECTION *Section);

    /* => Failure: it is as long as before. */
    NTSTATUS (*MmExtendSection)(struct _SECTION *Section, PLARGE_INTEGER NewBytes);

    /*
     * Put Bytes of the section from Offset on at Base.  No page is touched.
     *
     * => Base and Offset are multiples of a view; Bytes is a view's, and inside the section.
     * => Failure: nothing is mapped.
     */
    NTSTATUS(*MmMapViewInSystemCache)
    (struct _SECTION *Section, PVOID Base, LARGE_INTEGER Offset, ULONG Bytes);

    /* Its pages leave the system's working set; those written to become modified. */
    void (*MmUnmapViewInSystemCache)(PVOID Base, ULONG Bytes);

    /* => Whether all pages of the range are in memory: a read of it would wait for no disk. */
    BOOLEAN(FASTCALL *MmIsRangeResident)(PVOID Va, ULONG Bytes);

    /*
     * Make a page that is not in memory, with what is at Buffer, modified; nothing is read from the
     * file.
     *
     * => Va is a page's first byte, in a view; Buffer is PAGE_SIZE bytes that may fault.
     * => STATUS_ALREADY_COMMITTED: the page is in memory.  STATUS_INSUFFICIENT_RESOURCES or
     *    STATUS_NO_MEMORY: none for the page; or why Buffer cannot be read.  Nothing changed.
     */
    NTSTATUS (*MmCopyToCachedPage)(PVOID Va, const void *Buffer);

    /*
     * What was written through views of the cache is known in their PTEs, until they go: tell it to
     * the pages, so that a flush that follows writes them.
     *
     * => The range lies in views.  Whether a page was written since the last call.
     */
    BOOLEAN (*MmSetAddressRangeModified)(PVOID Va, SIZE_T Bytes);

    /*
     * Write the modified pages of a range to the file, whoever modified them.  FileOffset NULL: the
     * whole file.  Pages behind the file's end do not count, nor those of a file that was deleted.
     *
     * => Returns when it is on the medium, or the first failure: pages that were not written stay
     *    modified.
     */
    NTSTATUS(*MmFlushSection)
    (PSECTION_OBJECT_POINTERS Pointers, PLARGE_INTEGER FileOffset, ULONG Bytes,
     PIO_STATUS_BLOCK IoStatus);

    /*
     * Forget the pages of a range, modified or not.  Bytes 0: from FileOffset to the end.
     *
     * => FileOffset is a multiple of PAGE_SIZE; NULL: the whole file.  No view of the cache's is
     *    there.
     * => FALSE: a view of a user's is in the way, or what one wrote since a flush; pages may be
     *    left.
     */
    BOOLEAN(*MmPurgeSection)
    (PSECTION_OBJECT_POINTERS Pointers, PLARGE_INTEGER FileOffset, ULONG Bytes);

    /* Write frames to the file, past its section.  => As io.h says. */
    NTSTATUS(NTAPI *IoSynchronousPageWrite)
    (PFILE_OBJECT File, PMDL Mdl, PLARGE_INTEGER Offset, PKEVENT Event, PIO_STATUS_BLOCK IoStatus);

    /* => The bytes of a sector of the file's volume, whose multiples such a write takes. */
    ULONG (*SectorBytes)(PFILE_OBJECT File);
} MM_CACHE_VIEW_CALLS;

#endif
