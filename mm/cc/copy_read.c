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

/* What is left of a read that is not inside the file, or that wants nothing. */
static NTSTATUS CcipReadToEnd(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length, BOOLEAN Wait,
                              PVOID Buffer, PULONG Copied)
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

/* => Neither the file's bytes nor the buffer cross a page: the shape of most reads. */
static inline BOOLEAN CcipIsOnePage(ULONG Offset, const void *Buffer, ULONG Length)
{
    return Length - 1 < PAGE_SIZE && (Offset & (PAGE_SIZE - 1)) + Length <= PAGE_SIZE &&
           BYTE_OFFSET(Buffer) + Length <= PAGE_SIZE;
}

/* One step of CcipRead, where one is enough.  => CcipIsOnePage, inside the file. */
static NTSTATUS CcipReadPage(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length, BOOLEAN Wait,
                             PVOID Buffer, PULONG Copied)
{
    PVACB Vacb;
    NTSTATUS Status = CcipUseFirstView(FileObject, Offset, Length, Wait, &Vacb);
    PUCHAR From;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    From = CciViewAddress(Vacb, Offset);
    if (!CciCalls->MmIsRangeResident(From, Length)) {
        CcCopyCounters.ReadMisses++;
        Status = Wait ? STATUS_SUCCESS : STATUS_CANT_WAIT;
    }
    if (NT_SUCCESS(Status)) {
        Status = KiGuardedCopy(Buffer, From, Length);
        if (NT_SUCCESS(Status)) {
            *Copied = Length;
        } else {
            CcCopyCounters.Faults++;
        }
    }
    CciReleaseView(Vacb);
    return Status;
}

NTSTATUS CcTryCopyRead(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length, BOOLEAN Wait,
                       PVOID Buffer, PULONG Copied)
{
    NTSTATUS Status;

    *Copied = 0;
    CcCopyCounters.Reads++;
    if (!CciIsBuffer(Buffer, Length)) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (FileOffset < 0 || FileOffset + Length > CciMapOf(FileObject)->FileSize ||
        !CcipIsOnePage((ULONG)FileOffset, Buffer, Length)) {
        Status = CcipReadToEnd(FileObject, FileOffset, Length, Wait, Buffer, Copied);
    } else {
        Status = CcipReadPage(FileObject, FileOffset, Length, Wait, Buffer, Copied);
    }
    CcCopyCounters.ReadCannot += Status == STATUS_CANT_WAIT;
    return Status;
}

BOOLEAN NTAPI CcCopyRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                         BOOLEAN Wait, PVOID Buffer, PIO_STATUS_BLOCK IoStatus)
{
    ULONG Copied;
    NTSTATUS Status =
        CcTryCopyRead(FileObject, FileOffset->QuadPart, Length, Wait, Buffer, &Copied);

    if (Status == STATUS_CANT_WAIT) {
        return FALSE;
    }
    if (!NT_SUCCESS(Status) && Status != STATUS_END_OF_FILE) {
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
