/* SPDX-License-Identifier: MIT */
/*
 * fsd_section.c - what sections of a file forbid, and what they are told of changes past them.
 *
 *     the request                              while there is              fails with
 *     opens for writing                        a mapped image              SHARING_VIOLATION
 *     deletes, or opens to delete on close     a mapped image, or a view   CANNOT_DELETE
 *     overwrites, supersedes, makes shorter    a mapped image, or a view   USER_MAPPED_FILE
 *                                              behind the new end
 *
 *     has its last handle closed, deleted      a mapped image, or a view   nothing: the name goes,
 *                                                                          the data when they have
 *     writes past the cache                    a view that must not be     USER_MAPPED_FILE
 *                                              forgotten
 *
 * Without sections, or before there is anybody who makes some, nothing is forbidden.
 *
 * Source: learn.microsoft.com/windows-hardware/drivers/ddi/ntifs, nf-ntifs-mmflushimagesection,
 * nf-ntifs-mmcanfilebetruncated, nf-ntifs-ccpurgecachesection.
 */
#include "disk/fat/fsd_i.h"

FAT_SECTION_CALLS FatSectionCalls = {
    .FlushImageSection = MmFlushImageSection,
    .CanFileBeTruncated = MmCanFileBeTruncated,
    .FlushCache = CcFlushCache,
    .PurgeCacheSection = CcPurgeCacheSection,
    .ForceSectionClosed = MmForceSectionClosed,
};

static BOOLEAN FatpFlushImage(PFAT_FCB Fcb, MMFLUSH_TYPE Type)
{
    return FatSectionCalls.FlushImageSection == NULL ||
           FatSectionCalls.FlushImageSection(&Fcb->Section, Type);
}

NTSTATUS FatMayWrite(PFAT_FCB Fcb)
{
    return FatpFlushImage(Fcb, MmFlushForWrite) ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION;
}

NTSTATUS FatMayDelete(PFAT_FCB Fcb)
{
    return FatpFlushImage(Fcb, MmFlushForDelete) ? STATUS_SUCCESS : STATUS_CANNOT_DELETE;
}

NTSTATUS FatMayCut(PFAT_FCB Fcb, ULONG Bytes)
{
    LARGE_INTEGER Size = {.QuadPart = Bytes};

    return FatSectionCalls.CanFileBeTruncated == NULL ||
                   FatSectionCalls.CanFileBeTruncated(&Fcb->Section, &Size)
               ? STATUS_SUCCESS
               : STATUS_USER_MAPPED_FILE;
}

/* ---- what they have of the file ---- */

#define FATP_MOST_AT_ONCE 0x40000000ull /* a length is 32 bits */

static ULONG FatpPiece(ULONG64 From, ULONG64 To)
{
    return (ULONG)(To - From < FATP_MOST_AT_ONCE ? To - From : FATP_MOST_AT_ONCE);
}

NTSTATUS FatFlushCached(PFAT_FCB Fcb, ULONG64 From, ULONG64 To)
{
    IO_STATUS_BLOCK Iosb = {.Status = STATUS_SUCCESS};

    if (!FatHasSection(Fcb) || FatSectionCalls.FlushCache == NULL) {
        return STATUS_SUCCESS;
    }
    if (To == FAT_TO_THE_END) {
        FatSectionCalls.FlushCache(&Fcb->Section, NULL, 0, &Iosb);
        return Iosb.Status;
    }
    for (From = ROUND_DOWN(From, (ULONG64)PAGE_SIZE); From < To && NT_SUCCESS(Iosb.Status);) {
        LARGE_INTEGER Start = {.QuadPart = (LONGLONG)From};
        ULONG Bytes = FatpPiece(From, ROUND_UP(To, (ULONG64)PAGE_SIZE));

        FatSectionCalls.FlushCache(&Fcb->Section, &Start, Bytes, &Iosb);
        From += Bytes;
    }
    return Iosb.Status;
}

NTSTATUS FatPurgeCached(PFAT_FCB Fcb, ULONG64 From, ULONG64 To)
{
    BOOLEAN Done = TRUE;

    MI_ASSERT(From % PAGE_SIZE == 0 && To % PAGE_SIZE == 0);
    if (!FatHasSection(Fcb) || FatSectionCalls.PurgeCacheSection == NULL) {
        return STATUS_SUCCESS;
    }
    while (Done && From < To) {
        LARGE_INTEGER Start = {.QuadPart = (LONGLONG)From};
        ULONG Bytes = To == FAT_TO_THE_END ? 0 : FatpPiece(From, To); /* 0: all behind */

        Done = FatSectionCalls.PurgeCacheSection(&Fcb->Section, &Start, Bytes, FALSE);
        From = Bytes == 0 ? To : From + Bytes;
    }
    return Done ? STATUS_SUCCESS : STATUS_USER_MAPPED_FILE;
}

void FatForceClosed(PFAT_FCB Fcb)
{
    if (Fcb->Section.DataSectionObject != NULL && FatSectionCalls.ForceSectionClosed != NULL) {
        (void)FatSectionCalls.ForceSectionClosed(&Fcb->Section, FALSE);
    }
}
