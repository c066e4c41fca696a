/* SPDX-License-Identifier: MIT */
/*
 * cache_calls.c - the table of cache_view.h for the system that is booted.
 */
#include "mm/section/cache_calls.h"

#include "io.h"
#include "mm/section/cache_view.h"

/* A kernel's section does not make the file longer, nor does it keep it from being cut. */
static NTSTATUS MipCreateSection(PFILE_OBJECT File, PLARGE_INTEGER Bytes, PSECTION *Section)
{
    PVOID Object;
    NTSTATUS Status = MmCreateSection(&Object, SECTION_ALL_ACCESS, NULL, Bytes, PAGE_READWRITE,
                                      SEC_COMMIT, NULL, File);

    if (NT_SUCCESS(Status)) {
        *Section = Object;
    }
    return Status;
}

static void MipDereferenceSection(PSECTION Section)
{
    ObDereferenceObject(Section);
}

static NTSTATUS MipExtendSection(PSECTION Section, PLARGE_INTEGER NewBytes)
{
    ULONG64 Bytes = (ULONG64)NewBytes->QuadPart;
    NTSTATUS Status = MiExtendFileSegment(Section->Segment, Bytes);

    if (NT_SUCCESS(Status) && Bytes > Section->SizeOfSection) {
        Section->SizeOfSection = Bytes;
    }
    return Status;
}

static ULONG MipSectorBytes(PFILE_OBJECT File)
{
    return IoGetRelatedDeviceObject(File)->SectorSize;
}

const MM_CACHE_VIEW_CALLS MiCacheViewCalls = {
    .MmCreateSection = MipCreateSection,
    .ObDereferenceObject = MipDereferenceSection,
    .MmExtendSection = MipExtendSection,
    .MmMapViewInSystemCache = MmMapViewInSystemCache,
    .MmUnmapViewInSystemCache = MmUnmapViewInSystemCache,
    .MmIsRangeResident = MmIsRangeResident,
    .MmCopyToCachedPage = MmCopyToCachedPage,
    .MmSetAddressRangeModified = MmSetAddressRangeModified,
    .MmFlushSection = MmFlushSection,
    .MmPurgeSection = MmPurgeSection,
    .IoSynchronousPageWrite = IoSynchronousPageWrite,
    .SectorBytes = MipSectorBytes,
};
