/* SPDX-License-Identifier: MIT */
/*
 * fsrtl.c - a file's resources, taken for the memory manager and the cache.
 *
 * No file system here has routines of its own for this, so that what NT does for such ones is all
 * that there is.  Resource comes before PagingIoResource.
 *
 * Locking: that is what it is about.
 */
#include "fsrtl.h"

#include "io.h"
#include "mi_assert.h"

/* => NULL: a file of a driver that shows no header. */
static PFSRTL_COMMON_FCB_HEADER FsRtlpHeader(PFILE_OBJECT FileObject)
{
    return FileObject->FsContext;
}

static void FsRtlpRelease(PERESOURCE Resource)
{
    if (Resource != NULL) {
        ExReleaseResourceLite(Resource);
    }
}

/* ---- while a section is made ---- */

void NTAPI FsRtlAcquireFileExclusive(PFILE_OBJECT FileObject)
{
    PFSRTL_COMMON_FCB_HEADER Header = FsRtlpHeader(FileObject);

    KeEnterCriticalRegion();
    if (Header != NULL && Header->Resource != NULL) {
        (void)ExAcquireResourceExclusiveLite(Header->Resource, TRUE);
    }
}

void NTAPI FsRtlReleaseFile(PFILE_OBJECT FileObject)
{
    PFSRTL_COMMON_FCB_HEADER Header = FsRtlpHeader(FileObject);

    FsRtlpRelease(Header != NULL ? Header->Resource : NULL);
    KeLeaveCriticalRegion();
}

/* ---- while mapped pages are written ---- */

/* Which resource it is to be, and whether exclusive. */
static PERESOURCE FsRtlpChoose(PFSRTL_COMMON_FCB_HEADER Header, LONGLONG End, PBOOLEAN Exclusive)
{
    LONGLONG Valid = Header->ValidDataLength.QuadPart;

    *Exclusive = (Header->Flags & FSRTL_FLAG_ACQUIRE_MAIN_RSRC_EX) != 0 ||
                 (End > Valid && Header->FileSize.QuadPart > Valid);
    return *Exclusive || Header->PagingIoResource == NULL ||
                   (Header->Flags & FSRTL_FLAG_ACQUIRE_MAIN_RSRC_SH)
               ? Header->Resource
               : Header->PagingIoResource;
}

NTSTATUS NTAPI FsRtlAcquireFileForModWriteEx(PFILE_OBJECT FileObject, PLARGE_INTEGER EndingOffset,
                                             PERESOURCE *ResourceToRelease)
{
    PFSRTL_COMMON_FCB_HEADER Header = FsRtlpHeader(FileObject);
    PERESOURCE Resource = NULL;
    BOOLEAN Exclusive;
    BOOLEAN Taken = TRUE;

    KeEnterCriticalRegion();
    if (Header != NULL && Header->Resource != NULL) {
        Resource = FsRtlpChoose(Header, EndingOffset->QuadPart, &Exclusive);
        Taken = Exclusive ? ExAcquireResourceExclusiveLite(Resource, FALSE)
                          : ExAcquireSharedWaitForExclusive(Resource, FALSE);
    }
    if (!Taken) {
        KeLeaveCriticalRegion();
        return STATUS_CANT_WAIT;
    }
    *ResourceToRelease = Resource;
    return STATUS_SUCCESS;
}

void NTAPI FsRtlReleaseFileForModWrite(PFILE_OBJECT FileObject, PERESOURCE ResourceToRelease)
{
    (void)FileObject;
    FsRtlpRelease(ResourceToRelease);
    KeLeaveCriticalRegion();
}

/* ---- while the cache is flushed ---- */

void NTAPI FsRtlAcquireFileForCcFlush(PFILE_OBJECT FileObject)
{
    PFSRTL_COMMON_FCB_HEADER Header = FsRtlpHeader(FileObject);

    KeEnterCriticalRegion();
    if (Header != NULL && Header->Resource != NULL) {
        (void)ExAcquireResourceSharedLite(Header->Resource, TRUE);
        if (Header->PagingIoResource != NULL) {
            (void)ExAcquireResourceSharedLite(Header->PagingIoResource, TRUE);
        }
    }
}

void NTAPI FsRtlReleaseFileForCcFlush(PFILE_OBJECT FileObject)
{
    PFSRTL_COMMON_FCB_HEADER Header = FsRtlpHeader(FileObject);

    if (Header != NULL && Header->Resource != NULL) {
        FsRtlpRelease(Header->PagingIoResource);
        FsRtlpRelease(Header->Resource);
    }
    KeLeaveCriticalRegion();
}
