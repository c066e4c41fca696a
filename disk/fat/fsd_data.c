/* SPDX-License-Identifier: MIT */
/*
 * fsd_data.c - IRP_MJ_READ, WRITE and FLUSH_BUFFERS, not cached.
 *
 * Any offset and length will do.  Pages (IRP_PAGING_IO) of a file that is no paging file come here
 * too: such a write never makes the file longer, what lies behind its end is dropped.
 *
 * Locking: the volume's mutex.
 */
#include "disk/fat/fsd_i.h"

#define FATP_MOST_BYTES 0xFFFFFFFFull /* of a FAT file */

/* Where a synchronous file goes on. */
static void FatpMovePosition(PFAT_REQUEST Request, ULONG64 End)
{
    if ((Request->FileObject->Flags & FO_SYNCHRONOUS_IO) &&
        (Request->Irp->Flags & IRP_PAGING_IO) == 0) {
        Request->FileObject->CurrentByteOffset.QuadPart = (LONGLONG)End;
    }
}

/* The offset that a request means.  => FALSE: none that there is. */
static BOOLEAN FatpStart(PFAT_REQUEST Request, ULONG64 *Start)
{
    LARGE_INTEGER Offset = Request->Stack->Parameters.Write.ByteOffset;

    if (Offset.HighPart == -1 && Offset.LowPart == FILE_USE_FILE_POINTER_POSITION) {
        Offset = Request->FileObject->CurrentByteOffset;
    } else if (Offset.HighPart == -1 && Offset.LowPart == FILE_WRITE_TO_END_OF_FILE &&
               Request->Stack->MajorFunction == IRP_MJ_WRITE) {
        Offset.QuadPart = Request->Fcb->File.Bytes;
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
    NTSTATUS Status = FatpUseFile(Request);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!FatpStart(Request, &Start)) {
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
        FatpMovePosition(Request, Start + Done);
    }
    return Status;
}

/* What of a write may be done.  => STATUS_SUCCESS with *Length 0: nothing. */
static NTSTATUS FatpClipWrite(PFAT_REQUEST Request, ULONG64 Start, PULONG Length)
{
    ULONG64 Limit = Request->Fcb->File.Bytes;

    if ((Request->Irp->Flags & IRP_PAGING_IO) == 0) {
        if (Start > FATP_MOST_BYTES || *Length > FATP_MOST_BYTES - Start) {
            return STATUS_DISK_FULL;
        }
        return Request->Fcb->Runs == NULL || Start + *Length <= Limit ? STATUS_SUCCESS
                                                                      : STATUS_ACCESS_DENIED;
    }
    if (Start >= Limit) {
        *Length = 0;
    } else if (*Length > Limit - Start) {
        *Length = (ULONG)(Limit - Start);
    }
    return STATUS_SUCCESS;
}

NTSTATUS FatFsdWrite(PFAT_REQUEST Request)
{
    ULONG Length = Request->Stack->Parameters.Write.Length;
    ULONG Asked = Length;
    ULONG64 Start;
    NTSTATUS Status = FatpUseFile(Request);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!FatpStart(Request, &Start)) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = FatpClipWrite(Request, Start, &Length);
    if (NT_SUCCESS(Status) && Length != 0) {
        Status = FatWrite(&Request->Fcb->File, (ULONG)Start, Length, Request->Buffer);
    }
    if (NT_SUCCESS(Status)) {
        Request->Information = Asked;
        Request->FileObject->Flags |= Asked != 0 ? FO_FILE_MODIFIED : 0;
        FatpMovePosition(Request, Start + Asked);
    }
    return Status;
}

NTSTATUS FatFsdFlush(PFAT_REQUEST Request)
{
    NTSTATUS Status = FatFlush(Request->Vcb->Volume);

    if (NT_SUCCESS(Status) && Request->Fcb != NULL && Request->Fcb->Runs != NULL) {
        Status = DiskTransfer(Request->Vcb->Disk, DiskFlush, 0, 0, NULL); /* its pages */
    }
    return Status;
}
