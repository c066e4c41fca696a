/* SPDX-License-Identifier: MIT */
/*
 * copy_read.c - CcCopyRead: from the file's views to the caller's buffer.
 *
 * Nothing is locked while it is copied: the view is in use, so that it stays, and a fault on it or
 * on the buffer may wait for what it needs.
 */
#include "mm/cc/copy.h"

#include "arch/cpu.h"
#include "mm/cc/read_ahead.h"
#include "mm/cc/vacb.h"

CC_COPY_COUNTERS CcCopyCounters;

static ULONG CcipMinimum(ULONG A, ULONG B)
{
    return A < B ? A : B;
}

NTSTATUS CciCopyGuarded(PVOID To, const void *From, ULONG Bytes, PULONG Copied)
{
    NTSTATUS Status = STATUS_SUCCESS;

    *Copied = 0;
    while (NT_SUCCESS(Status) && *Copied < Bytes) {
        PUCHAR Target = (PUCHAR)To + *Copied;
        const UCHAR *Source = (const UCHAR *)From + *Copied;
        ULONG Chunk = CcipMinimum(Bytes - *Copied, PAGE_SIZE - BYTE_OFFSET(Target));

        Chunk = CcipMinimum(Chunk, PAGE_SIZE - BYTE_OFFSET(Source));
        Status = KiGuardedCopy(Target, Source, Chunk);
        *Copied += NT_SUCCESS(Status) ? Chunk : 0;
    }
    CcCopyCounters.Faults += !NT_SUCCESS(Status);
    return Status;
}

/* => The view is not in use any more. */
static NTSTATUS CcipReadView(PVACB Vacb, LONGLONG Offset, ULONG Bytes, BOOLEAN Wait, PUCHAR Buffer,
                             PULONG Copied)
{
    PUCHAR From = CciViewAddress(Vacb, Offset);
    NTSTATUS Status = STATUS_SUCCESS;

    *Copied = 0;
    if (!CciCalls->MmIsRangeResident(From, Bytes)) {
        CcCopyCounters.ReadMisses++;
        Status = Wait ? STATUS_SUCCESS : STATUS_CANT_WAIT;
    }
    if (NT_SUCCESS(Status)) {
        Status = CciCopyGuarded(Buffer, From, Bytes, Copied);
    }
    CciReleaseView(Vacb);
    return Status;
}

/* The view that the read begins in, and what it leads to: under one hold of the lock. */
static NTSTATUS CcipUseFirstView(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length,
                                 BOOLEAN Wait, PVACB *Vacb)
{
    KIRQL OldIrql = CciLock();

    if (CciNoteReadHeld(FileObject, Offset, Length)) {
        CciUnlock(OldIrql);
        CciStartReadAhead(FileObject);
        OldIrql = CciLock();
    }
    return CciUseViewAndUnlock(CciMapOf(FileObject), Offset, Wait, OldIrql, Vacb);
}

static NTSTATUS CcipRead(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length, BOOLEAN Wait,
                         PUCHAR Buffer, PULONG Copied)
{
    PVACB Vacb;
    NTSTATUS Status = CcipUseFirstView(FileObject, Offset, Length, Wait, &Vacb);

    while (NT_SUCCESS(Status)) {
        ULONG Here;

        Status =
            CcipReadView(Vacb, Offset + *Copied, CciBytesInView(Offset + *Copied, Length - *Copied),
                         Wait, Buffer + *Copied, &Here);
        *Copied += Here;
        if (!NT_SUCCESS(Status) || *Copied == Length) {
            break;
        }
        Status = CciUseView(CciMapOf(FileObject), Offset + *Copied, Wait, &Vacb);
    }
    return Status;
}

/* As much as the file has of it. */
static NTSTATUS __attribute__((noinline))
CcipReadToEnd(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length, BOOLEAN Wait, PVOID Buffer,
              PULONG Copied)
{
    LONGLONG FileSize = CciMapOf(FileObject)->FileSize;

    if (Offset < 0 || Offset >= FileSize) {
        return Length == 0 ? STATUS_SUCCESS : STATUS_END_OF_FILE;
    }
    if (Length > FileSize - Offset) {
        Length = (ULONG)(FileSize - Offset);
    }
    return Length == 0 ? STATUS_SUCCESS
                       : CcipRead(FileObject, Offset, Length, Wait, Buffer, Copied);
}

/* ---- most reads ---- */

/* => Neither the file's bytes nor the buffer cross a page. */
static inline BOOLEAN CcipIsOnePage(ULONG Offset, const void *Buffer, ULONG Length)
{
    return Length - 1 < PAGE_SIZE && (Offset & (PAGE_SIZE - 1)) + Length <= PAGE_SIZE &&
           BYTE_OFFSET(Buffer) + Length <= PAGE_SIZE;
}

/*
 * A read in one page that goes on where the last one ended, needs no read-ahead yet, and finds its
 * view.  => That, in use; NULL: it is not so, and nothing changed.
 */
static PVACB __attribute__((noinline))
CcipUseReadyView(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length)
{
    PPRIVATE_CACHE_MAP Private = FileObject->PrivateCacheMap;
    LONGLONG End = Offset + Length;
    KIRQL OldIrql = CciLock();
    PVACB Vacb = NULL;

    if (Offset == Private->BeyondLastByte2 && End <= Private->ReadAheadQuiet) {
        Vacb = CciFindReadyView(Private->Map, Offset);
    }
    if (Vacb != NULL) {
        Private->FileOffset1 = Private->FileOffset2;
        Private->FileOffset2 = Private->BeyondLastByte1 = Offset;
        Private->BeyondLastByte2 = End;
        CciReferenceView(Vacb);
        CcViewCounters.Hits++;
    }
    CciUnlock(OldIrql);
    return Vacb;
}

/* => CcipIsOnePage, inside the file.  The view is not in use any more. */
static NTSTATUS CcipReadPage(PVACB Vacb, ULONG Offset, ULONG Length, BOOLEAN Wait, PVOID Buffer,
                             PULONG Copied)
{
    PUCHAR From = (PUCHAR)Vacb->BaseAddress + (Offset & (VACB_MAPPING_GRANULARITY - 1));
    NTSTATUS Status = STATUS_SUCCESS;

    if (!CciCalls->MmIsRangeResident(From, Length)) {
        CcCopyCounters.ReadMisses++;
        CcCopyCounters.ReadCannot += !Wait;
        Status = Wait ? STATUS_SUCCESS : STATUS_CANT_WAIT;
    }
    if (NT_SUCCESS(Status)) {
        Status = KiGuardedCopy(Buffer, From, Length);
        CcCopyCounters.Faults += !NT_SUCCESS(Status);
    }
    CciReleaseView(Vacb);
    *Copied = NT_SUCCESS(Status) ? Length : 0;
    return Status;
}

/* ---- the calls ---- */

NTSTATUS CcTryCopyRead(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length, BOOLEAN Wait,
                       PVOID Buffer, PULONG Copied)
{
    PVACB Vacb = NULL;
    NTSTATUS Status;

    CcCopyCounters.Reads++;
    if (CcipIsOnePage((ULONG)FileOffset, Buffer, Length) && CciIsBuffer(Buffer, Length)) {
        Vacb = CcipUseReadyView(FileObject, FileOffset, Length);
    }
    if (Vacb != NULL) {
        return CcipReadPage(Vacb, (ULONG)FileOffset, Length, Wait, Buffer, Copied);
    }
    *Copied = 0;
    Status = CciIsBuffer(Buffer, Length)
                 ? CcipReadToEnd(FileObject, FileOffset, Length, Wait, Buffer, Copied)
                 : STATUS_ACCESS_VIOLATION;
    CcCopyCounters.ReadCannot += Status == STATUS_CANT_WAIT;
    return Status;
}

BOOLEAN NTAPI CcCopyRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                         BOOLEAN Wait, PVOID Buffer, PIO_STATUS_BLOCK IoStatus)
{
    ULONG Copied;
    NTSTATUS Status =
        CcTryCopyRead(FileObject, FileOffset->QuadPart, Length, Wait, Buffer, &Copied);

    if (!NT_SUCCESS(Status) && Status != STATUS_END_OF_FILE) {
        if (Status == STATUS_CANT_WAIT) {
            return FALSE;
        }
        CciRaise(Status);
    }
    IoStatus->Status = Status;
    IoStatus->Information = Copied;
    return TRUE;
}

void NTAPI CcFastCopyRead(PFILE_OBJECT FileObject, ULONG FileOffset, ULONG Length, ULONG PageCount,
                          PVOID Buffer, PIO_STATUS_BLOCK IoStatus)
{
    LARGE_INTEGER Offset = {.QuadPart = FileOffset};

    MI_ASSERT(PageCount == ADDRESS_AND_SIZE_TO_SPAN_PAGES(FileOffset, Length));
    (void)CcCopyRead(FileObject, &Offset, Length, TRUE, Buffer, IoStatus);
}
