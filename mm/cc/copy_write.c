/* SPDX-License-Identifier: MIT */
/*
 * copy_write.c - CcCopyWrite and CcZeroData: from the caller's buffer to the file's views.
 *
 * A page that is not in memory has to be read before a part of it is written, but not when all of
 * it is, nor when it lies behind what the file has of valid data: there it is zeroes.  The section
 * makes such a page from the buffer in one step, so that a fault on the buffer leaves the page as
 * it was.
 *
 * Every page that may have been touched is set dirty before its view is let go.
 */
#include "mm/cc/copy.h"

#include "mm/cc/dirty.h"
#include "mm/cc/vacb.h"

BOOLEAN CciIsInFile(PSHARED_CACHE_MAP Map, LONGLONG Offset, LONGLONG Bytes)
{
    return Offset >= 0 && Bytes >= 0 && Offset <= Map->FileSize && Bytes <= Map->FileSize - Offset;
}

void CciNoteWritten(PSHARED_CACHE_MAP Map, LONGLONG End)
{
    KIRQL OldIrql = CciLock();

    if (End > Map->ValidDataGoal) {
        Map->ValidDataGoal = End;
    }
    CciUnlock(OldIrql);
}

/* ---- a page ---- */

/* A write to a page, or to a part of it. */
typedef struct _CC_PAGE_WRITE {
    PUCHAR To;
    const UCHAR *From; /* NULL: zeroes */
    ULONG Bytes;
    BOOLEAN NoData; /* the file has nothing valid in this page */
    BOOLEAN Wait;
} CC_PAGE_WRITE;

/* Make the page without reading it, if that is possible.  => *Done: it has the data too. */
static NTSTATUS CcipMakePage(const CC_PAGE_WRITE *Page, BOOLEAN *Done)
{
    BOOLEAN Whole = Page->Bytes == PAGE_SIZE;
    NTSTATUS Status;

    *Done = FALSE;
    if (CciCalls->MmIsRangeResident(Page->To, Page->Bytes)) {
        return STATUS_SUCCESS;
    }
    if (!Whole && !Page->NoData) {
        return Page->Wait ? STATUS_SUCCESS : STATUS_CANT_WAIT;
    }
    Status = CciCalls->MmCopyToCachedPage(PAGE_ALIGN(Page->To),
                                          Whole && Page->From != NULL ? Page->From : CciZeroPage);
    if (NT_SUCCESS(Status)) {
        CcCopyCounters.WholePages++;
        *Done = Whole;
    }
    if (Status == STATUS_ALREADY_COMMITTED) {
        return STATUS_SUCCESS; /* another thread was quicker */
    }
    if (Status == STATUS_INSUFFICIENT_RESOURCES || Status == STATUS_NO_MEMORY) {
        return Page->Wait ? STATUS_SUCCESS : STATUS_CANT_WAIT; /* a fault waits for memory */
    }
    return Status;
}

static NTSTATUS CcipWritePage(const CC_PAGE_WRITE *Page, PULONG Copied)
{
    BOOLEAN Done;
    NTSTATUS Status = CcipMakePage(Page, &Done);

    *Copied = Done ? Page->Bytes : 0;
    if (!NT_SUCCESS(Status) || Done) {
        return Status;
    }
    return CciCopyGuarded(Page->To, Page->From != NULL ? Page->From : CciZeroPage, Page->Bytes,
                          Copied);
}

/* ---- a view ---- */

typedef struct _CC_WRITER {
    PSHARED_CACHE_MAP Map;
    LONGLONG Offset;
    LONGLONG Bytes;
    const UCHAR *From; /* NULL: zeroes */
    BOOLEAN Wait;
    LONGLONG Copied; /* out */
} CC_WRITER;

static NTSTATUS CcipWritePages(CC_WRITER *Writer, const VACB *Vacb, ULONG Bytes)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Done = 0;

    while (NT_SUCCESS(Status) && Done < Bytes) {
        LONGLONG At = Writer->Offset + Writer->Copied;
        CC_PAGE_WRITE Page = {.To = CciViewAddress(Vacb, At), .Wait = Writer->Wait};
        ULONG Rest = PAGE_SIZE - BYTE_OFFSET(Page.To);
        ULONG Copied;

        Page.From = Writer->From == NULL ? NULL : Writer->From + Writer->Copied;
        Page.Bytes = Bytes - Done < Rest ? Bytes - Done : Rest;
        Page.NoData = At - BYTE_OFFSET(Page.To) >= Writer->Map->ValidDataGoal;
        Status = CcipWritePage(&Page, &Copied);
        Writer->Copied += Copied;
        Done += Copied;
        if (Status != STATUS_CANT_WAIT) {
            CciSetDirty(Writer->Map, At, Page.Bytes); /* a fault may have come in between */
        }
    }
    return Status;
}

static NTSTATUS CcipWriteView(CC_WRITER *Writer)
{
    LONGLONG At = Writer->Offset + Writer->Copied;
    ULONG Bytes = CciBytesInView(At, Writer->Bytes - Writer->Copied);
    PVACB Vacb;
    NTSTATUS Status = CciUseView(Writer->Map, At, Writer->Wait, &Vacb);

    if (NT_SUCCESS(Status)) {
        Status = CcipWritePages(Writer, Vacb, Bytes);
        CciNoteWritten(Writer->Map, Writer->Offset + Writer->Copied);
        CciReleaseView(Vacb);
    }
    return Status;
}

/* What was written is on the disk. */
static NTSTATUS CcipWriteThrough(const CC_WRITER *Writer)
{
    CC_WRITE Write = {
        .Offset = Writer->Offset, .End = Writer->Offset + Writer->Copied, .MostPages = 0xFFFFFFFFu};

    return CciWriteDirty(Writer->Map, &Write);
}

static BOOLEAN CcipIsWriteThrough(PFILE_OBJECT FileObject)
{
    return (FileObject->Flags & FO_WRITE_THROUGH) != 0;
}

/* ---- the calls ---- */

NTSTATUS CcTryCopyWrite(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length, BOOLEAN Wait,
                        const void *Buffer, PULONG Copied)
{
    CC_WRITER Writer = {.Map = CciMapOf(FileObject),
                        .Offset = FileOffset,
                        .Bytes = Length,
                        .From = Buffer,
                        .Wait = Wait};
    NTSTATUS Status = STATUS_SUCCESS;

    *Copied = 0;
    CcCopyCounters.Writes++;
    if (!CciIsBuffer(Buffer, Length)) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (!CciIsInFile(Writer.Map, FileOffset, Length)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (CcipIsWriteThrough(FileObject) && !Wait) {
        CcCopyCounters.WriteCannot++;
        return STATUS_CANT_WAIT;
    }
    while (NT_SUCCESS(Status) && Writer.Copied < Writer.Bytes) {
        Status = CcipWriteView(&Writer);
    }
    CcCopyCounters.WriteCannot += Status == STATUS_CANT_WAIT;
    *Copied = (ULONG)Writer.Copied;
    if (CcipIsWriteThrough(FileObject)) {
        NTSTATUS Flushed = CcipWriteThrough(&Writer);

        Status = NT_SUCCESS(Status) ? Flushed : Status;
    }
    return Status;
}

BOOLEAN NTAPI CcCopyWrite(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                          BOOLEAN Wait, PVOID Buffer)
{
    ULONG Copied;
    NTSTATUS Status =
        CcTryCopyWrite(FileObject, FileOffset->QuadPart, Length, Wait, Buffer, &Copied);

    if (!NT_SUCCESS(Status) && Status != STATUS_CANT_WAIT) {
        CciRaise(Status);
    }
    return NT_SUCCESS(Status);
}

void NTAPI CcFastCopyWrite(PFILE_OBJECT FileObject, ULONG FileOffset, ULONG Length, PVOID Buffer)
{
    LARGE_INTEGER Offset = {.QuadPart = FileOffset};

    (void)CcCopyWrite(FileObject, &Offset, Length, TRUE, Buffer);
}

/* => Zeroes wait in the cache as other data does, unless there is too much of that. */
static NTSTATUS CcipWriteIfMuch(const CC_WRITER *Writer, LONGLONG From)
{
    CC_WRITE Write = {
        .Offset = From, .End = Writer->Offset + Writer->Copied, .MostPages = 0xFFFFFFFFu};

    return CcTotalDirtyPages >= CcDirtyPageThreshold && Writer->Wait
               ? CciWriteDirty(Writer->Map, &Write)
               : STATUS_SUCCESS;
}

NTSTATUS CcTryZeroData(PFILE_OBJECT FileObject, LONGLONG StartOffset, LONGLONG EndOffset,
                       BOOLEAN Wait)
{
    CC_WRITER Writer = {.Offset = StartOffset, .Bytes = EndOffset - StartOffset, .Wait = Wait};
    NTSTATUS Status = STATUS_SUCCESS;

    if (FileObject->PrivateCacheMap == NULL) {
        return CciZeroOnDisk(FileObject, StartOffset, EndOffset, Wait);
    }
    Writer.Map = CciMapOf(FileObject);
    if (!CciIsInFile(Writer.Map, StartOffset, Writer.Bytes)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (CcipIsWriteThrough(FileObject) && !Wait) {
        return STATUS_CANT_WAIT;
    }
    while (NT_SUCCESS(Status) && Writer.Copied < Writer.Bytes) {
        LONGLONG From = Writer.Offset + Writer.Copied;

        Status = CcipWriteView(&Writer);
        if (NT_SUCCESS(Status)) {
            Status = CcipWriteIfMuch(&Writer, From);
        }
    }
    if (NT_SUCCESS(Status) && CcipIsWriteThrough(FileObject)) {
        Status = CcipWriteThrough(&Writer);
    }
    return Status;
}

BOOLEAN NTAPI CcZeroData(PFILE_OBJECT FileObject, PLARGE_INTEGER StartOffset,
                         PLARGE_INTEGER EndOffset, BOOLEAN Wait)
{
    NTSTATUS Status = CcTryZeroData(FileObject, StartOffset->QuadPart, EndOffset->QuadPart, Wait);

    if (!NT_SUCCESS(Status) && Status != STATUS_CANT_WAIT) {
        CciRaise(Status);
    }
    return NT_SUCCESS(Status);
}
