/* SPDX-License-Identifier: MIT */
/*
 * fsd_data.c - IRP_MJ_READ, WRITE and FLUSH_BUFFERS, not cached.
 *
 * Any offset and length will do.  Pages (IRP_PAGING_IO) do not come here: fsd_pages.c.
 *
 * All ways to read a file agree.  What the cache and sections changed is on the disk before bytes
 * are read or written here (fsd_cache.c).  While they are written, page requests for the pages that
 * they lie in wait: so a sector of which a part is written does not lose what a page wrote to it,
 * and no page is read half old and half new.
 *
 * The pages are forgotten before the others wait, since who forgets a page waits for those who read
 * it.  A page that was read between the two is in memory again, with the old bytes: then it begins
 * anew.  Who faults on one later reads it when the new bytes are there.  Pages that somebody has
 * mapped cannot be forgotten: STATUS_USER_MAPPED_FILE, and nothing is written here; FatWriteMapped
 * comes next.
 *
 * No bytes are read and written anywhere, also behind the end, and the position stays where it is
 * (learn.microsoft.com/openspecs/windows_protocols/ms-fsa, server requests a read and a write).
 *
 * Locking: the file's resources, shared to read and exclusive to write; the volume's mutex.
 */
#include "disk/fat/fsd_i.h"

void FatMovePosition(PFAT_REQUEST Request, ULONG64 End)
{
    if (Request->FileObject->Flags & FO_SYNCHRONOUS_IO) {
        Request->FileObject->CurrentByteOffset.QuadPart = (LONGLONG)End;
    }
}

BOOLEAN FatFindStart(const FAT_REQUEST *Request, ULONG64 *Start)
{
    LARGE_INTEGER Offset = Request->Stack->Parameters.Write.ByteOffset;

    if (Offset.HighPart == -1 && Offset.LowPart == FILE_USE_FILE_POINTER_POSITION) {
        Offset = Request->FileObject->CurrentByteOffset;
    } else if (Offset.HighPart == -1 && Offset.LowPart == FILE_WRITE_TO_END_OF_FILE &&
               Request->Stack->MajorFunction == IRP_MJ_WRITE) {
        Offset = Request->Fcb->Header.FileSize;
    }
    *Start = (ULONG64)Offset.QuadPart;
    return Offset.QuadPart >= 0;
}

/* => The FCB's file is good, and it is a file. */
static NTSTATUS FatpUseFile(PFAT_REQUEST Request)
{
    NTSTATUS Status = FatUseFcb(Request->Vcb, Request->Fcb);

    if (NT_SUCCESS(Status) && FatIsDirectory(Request->Fcb)) {
        Status = STATUS_INVALID_DEVICE_REQUEST;
    }
    return NT_SUCCESS(Status) ? FatRefresh(&Request->Fcb->File) : Status;
}

NTSTATUS FatFsdRead(PFAT_REQUEST Request)
{
    ULONG Length = Request->Stack->Parameters.Read.Length;
    ULONG64 Start;
    ULONG Done = 0;
    NTSTATUS Status =
        FatIsByMdl(Request->Stack) ? STATUS_INVALID_DEVICE_REQUEST : FatpUseFile(Request);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!FatFindStart(Request, &Start)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Length == 0) {
        return STATUS_SUCCESS;
    }
    if (Start >= Request->Fcb->File.Bytes) {
        return STATUS_END_OF_FILE;
    }
    Status = FatRead(&Request->Fcb->File, (ULONG)Start, Length, Request->Buffer, &Done);
    if (NT_SUCCESS(Status)) {
        Request->Information = Done;
        FatMovePosition(Request, Start + Done);
    }
    return Status;
}

NTSTATUS FatCheckWrite(const FAT_FCB *Fcb, ULONG64 Start, ULONG Length)
{
    if (Start > FAT_MOST_BYTES || Length > FAT_MOST_BYTES - Start) {
        return STATUS_DISK_FULL;
    }
    return Fcb->Paging && Start + Length > Fcb->File.Bytes ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

#define FATP_TRIES 20u

/*
 * Pages From to To are not in memory, and requests for them wait.
 *
 * => STATUS_USER_MAPPED_FILE: some are, again and again; none wait.
 */
static NTSTATUS FatpForgetAndHold(PFAT_FCB Fcb, ULONG64 From, ULONG64 To)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Tries;

    for (Tries = 0; Tries < FATP_TRIES && NT_SUCCESS(Status); Tries++) {
        ULONG Reads = FatCountPageReads(Fcb);

        Status = FatPurgeCached(Fcb, From, To);
        if (NT_SUCCESS(Status)) {
            FatHoldPages(Fcb, From, To);
            if (!FatHasSection(Fcb) || FatCountPageReads(Fcb) == Reads) {
                return STATUS_SUCCESS;
            }
            FatReleasePages(Fcb);
        }
    }
    return STATUS_USER_MAPPED_FILE;
}

/* => Start and Length are a FAT file's. */
static NTSTATUS FatpWriteHeld(PFAT_REQUEST Request, ULONG Start, ULONG Length)
{
    PFAT_FCB Fcb = Request->Fcb;
    ULONG Before = Fcb->File.Bytes;
    ULONG64 From = ROUND_DOWN((ULONG64)(Start < Before ? Start : Before), (ULONG64)PAGE_SIZE);
    ULONG64 To = ROUND_UP((ULONG64)Start + Length, (ULONG64)PAGE_SIZE);
    NTSTATUS Status = STATUS_SUCCESS;

    if (!Fcb->Paging) {
        Status = FatpForgetAndHold(Fcb, From, To);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        FatForgetWritten(Fcb); /* a page may have been written since the request came */
    }
    Status = FatWrite(&Fcb->File, Start, Length, Request->Buffer);
    FatKeepPages(Fcb);
    if (!Fcb->Paging) {
        FatReleasePages(Fcb);
    }
    if (NT_SUCCESS(Status)) {
        Request->FileObject->Flags |= FO_FILE_MODIFIED;
        Request->FileObject->Flags |= Fcb->File.Bytes != Before ? FO_FILE_SIZE_CHANGED : 0;
    }
    return Status;
}

NTSTATUS FatFsdWrite(PFAT_REQUEST Request)
{
    ULONG Length = Request->Stack->Parameters.Write.Length;
    ULONG64 Start;
    NTSTATUS Status =
        FatIsByMdl(Request->Stack) ? STATUS_INVALID_DEVICE_REQUEST : FatpUseFile(Request);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!FatFindStart(Request, &Start)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Length == 0) {
        return STATUS_SUCCESS;
    }
    Status = FatCheckWrite(Request->Fcb, Start, Length);
    if (NT_SUCCESS(Status)) {
        Status = FatpWriteHeld(Request, (ULONG)Start, Length);
    }
    if (NT_SUCCESS(Status)) {
        Request->Information = Length;
        FatMovePosition(Request, Start + Length);
    }
    return Status;
}

NTSTATUS FatFsdFlush(PFAT_REQUEST Request)
{
    BOOLEAN Pages = Request->Fcb == NULL || Request->Fcb->Pages.Map.Runs != NULL;
    NTSTATUS Status =
        Pages ? DiskTransfer(Request->Vcb->Disk, DiskFlush, 0, 0, NULL) : STATUS_SUCCESS;

    if (!NT_SUCCESS(Status) || FatIsBehind(Request->Vcb)) {
        return Status; /* others' entries follow: the volume is not in order yet */
    }
    return FatFlush(Request->Vcb->Volume);
}
