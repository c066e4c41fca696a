/* SPDX-License-Identifier: MIT */
/*
 * fsd_pages.c - page requests of open files: from the frames to the disk's queue and back.
 *
 * A page request goes by the file's runs, which are there since it was opened (fsd_runs.c): it
 * needs no FAT, no mutex, no pool and no thread; it is cut by the volume's disk queue and completed
 * by the disk's DPC.  Whoever waits for a page may hold anything but this file's spin lock.
 *
 *     a request that                         gets
 *     lies inside the file                   its sectors
 *     the end of the file cuts               the sectors up to there; what a read has no bytes for
 *                                            is zero.  A write never makes a file longer
 *     reads what was never written           zeroes (fsd_valid.c), whatever the disk holds
 *     lies behind the end                    EndStatus: STATUS_END_OF_FILE, STATUS_FILE_DELETED, or
 *                                            why the runs are not there
 *     touches what is being changed          to wait, in Held, without a thread of ours
 *
 * Information is the bytes of the file that were moved.
 *
 * What a request goes by stays while it is under way: who takes clusters away lowers the end
 * first, then waits until none is under way (FatHoldPages).  They end by themselves, so does that.
 *
 * Invariants:
 *   P1  Bytes is at most what Map.Runs cover
 *   P2  each sector that a request under way touches is the file's, and may be written if it writes
 *   P3  Held is empty while HeldTo is 0
 */
#include "disk/fat/fsd_i.h"

#define FATP_EVERYTHING (~(ULONG64)0)

/* ---- the end of one ---- */

/* A write has reached the disk.  A page behind Valid that was not written yet is in memory. */
static void FatpNoteWritten(PFAT_PAGES Pages, ULONG64 From, ULONG64 To)
{
    if (From <= Pages->Valid && To > Pages->Valid) {
        Pages->Valid = To;
    }
    if (To > Pages->Reached) {
        Pages->Reached = To;
    }
    if (!Pages->Copied) {
        Pages->Viewed = TRUE;
        KeQuerySystemTime(&Pages->ViewTime);
    }
}

static void FatpPagesDone(PIO_RUN_MAP Map, PIRP Irp)
{
    PFAT_PAGES Pages = CONTAINING_RECORD(Map, FAT_PAGES, Map);
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN Written =
        NT_SUCCESS(Irp->IoStatus.Status) && Stack->MajorFunction == IRP_MJ_WRITE && !Pages->Whole;
    KIRQL OldIrql;

    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        Irp->IoStatus.Information = Stack->Parameters.Read.Key;
        if (Stack->MajorFunction == IRP_MJ_READ) {
            IoZeroMdl(Irp->MdlAddress, Stack->Parameters.Read.Key);
        }
    }
    OldIrql = KfAcquireSpinLock(&Pages->Lock);
    MI_ASSERT(Pages->UnderWay != 0);
    Pages->UnderWay--;
    if (Written) {
        ULONG64 From = (ULONG64)Stack->Parameters.Write.ByteOffset.QuadPart;

        FatpNoteWritten(Pages, From, From + Stack->Parameters.Write.Key);
    }
    if (Pages->UnderWay == 0 && Pages->Draining) {
        Pages->Draining = FALSE;
        KeSetEvent(&Pages->Idle, IO_NO_INCREMENT, FALSE);
    }
    KfReleaseSpinLock(&Pages->Lock, OldIrql);
}

void FatInitializePages(PFAT_PAGES Pages)
{
    memset(Pages, 0, sizeof(*Pages));
    Pages->Map.Done = FatpPagesDone;
    Pages->EndStatus = STATUS_END_OF_FILE;
    Pages->WriteStatus = STATUS_ACCESS_DENIED; /* until an opening is for writing */
    KeInitializeSpinLock(&Pages->Lock);
    KeInitializeEvent(&Pages->Idle, NotificationEvent, FALSE);
    InitializeListHead(&Pages->Held);
}

/* ---- the start of one ---- */

/* What is wrong with it whatever the file is. */
static NTSTATUS FatpCheckForm(const FAT_FCB *Fcb, const IRP *Irp, const IO_STACK_LOCATION *Stack)
{
    const DISK_DEVICE *Disk = Fcb->Vcb->Disk;
    LONGLONG Offset = Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG Length = Stack->Parameters.Read.Length;

    if (Fcb->Pages.Map.Runs == NULL || Offset < 0 || Offset % Disk->SectorBytes != 0 ||
        Length == 0 || Length % Disk->SectorBytes != 0 || Irp->MdlAddress == NULL ||
        Irp->MdlAddress->ByteCount != Length) {
        return STATUS_INVALID_PARAMETER;
    }
    return Disk->ReadOnly && Stack->MajorFunction == IRP_MJ_WRITE ? STATUS_MEDIA_WRITE_PROTECTED
                                                                  : STATUS_SUCCESS;
}

/*
 * May it go, and how far?  The stack location is the driver's own: Length becomes what is
 * transferred, Key how much of that the file has.
 *
 * => STATUS_PENDING: it waits in Held.  STATUS_NO_MORE_ENTRIES: the file has nothing but zeroes
 *    there.
 */
static NTSTATUS FatpAdmit(PFAT_PAGES Pages, PIRP Irp, ULONG SectorBytes)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG64 Offset = (ULONG64)Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG64 Bytes = Stack->Parameters.Read.Length;
    BOOLEAN Writes = Stack->MajorFunction == IRP_MJ_WRITE;

    if (Offset < Pages->HeldTo && Offset + Bytes > Pages->HeldFrom) {
        IoMarkIrpPending(Irp);
        InsertTailList(&Pages->Held, &Irp->Tail.Overlay.ListEntry);
        return STATUS_PENDING;
    }
    if (Offset >= Pages->Bytes) {
        return Pages->EndStatus;
    }
    if (Bytes > Pages->Bytes - Offset) {
        if (Pages->Whole || Pages->EndStatus != STATUS_END_OF_FILE) {
            return Pages->EndStatus; /* the file may go on there */
        }
        Bytes = Pages->Bytes - Offset;
    }
    if (Writes && !NT_SUCCESS(Pages->WriteStatus)) {
        return Pages->WriteStatus;
    }
    if (!Writes && !Pages->Whole && Offset + Bytes > Pages->Reached) {
        if (Offset >= Pages->Reached) {
            return STATUS_NO_MORE_ENTRIES;
        }
        Bytes = Pages->Reached - Offset;
    }
    Stack->Parameters.Read.Key = (ULONG)Bytes;
    Stack->Parameters.Read.Length = (ULONG)ROUND_UP(Bytes, (ULONG64)SectorBytes);
    Pages->UnderWay++;
    Pages->Reads += !Writes;
    Pages->Written |= Writes;
    return STATUS_SUCCESS;
}

static NTSTATUS FatpComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS FatpCompleteZeroed(PIRP Irp)
{
    IoZeroMdl(Irp->MdlAddress, 0);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS FatpSend(PFAT_FCB Fcb, PIRP Irp)
{
    PFAT_PAGES Pages = &Fcb->Pages;
    KIRQL OldIrql = KfAcquireSpinLock(&Pages->Lock);
    NTSTATUS Status = FatpAdmit(Pages, Irp, Fcb->Vcb->Disk->SectorBytes);

    KfReleaseSpinLock(&Pages->Lock, OldIrql);
    if (Status == STATUS_PENDING) {
        return Status; /* the request is no longer ours */
    }
    if (Status == STATUS_NO_MORE_ENTRIES) {
        return FatpCompleteZeroed(Irp);
    }
    return NT_SUCCESS(Status) ? IoQueueDiskRequest(Fcb->Vcb->Paging, Irp, &Pages->Map)
                              : FatpComplete(Irp, Status);
}

NTSTATUS FatPageIo(PFAT_FCB Fcb, PIRP Irp)
{
    NTSTATUS Status = FatpCheckForm(Fcb, Irp, IoGetCurrentIrpStackLocation(Irp));

    return NT_SUCCESS(Status) ? FatpSend(Fcb, Irp) : FatpComplete(Irp, Status);
}

/* ---- holding them ---- */

/* => Returns whether some are under way; Idle is set when they are not, if they are waited for. */
static BOOLEAN FatpSetHeld(PFAT_PAGES Pages, ULONG64 From, ULONG64 To, BOOLEAN Drain)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Pages->Lock);
    BOOLEAN Busy = Pages->UnderWay != 0;

    Pages->HeldFrom = From;
    Pages->HeldTo = To;
    if (Drain && Busy) {
        Pages->Draining = TRUE;
        KeClearEvent(&Pages->Idle);
    }
    KfReleaseSpinLock(&Pages->Lock, OldIrql);
    return Busy;
}

/* Those that still touch what is held come back to Held, in their order. */
static void FatpSendHeld(PFAT_FCB Fcb)
{
    PFAT_PAGES Pages = &Fcb->Pages;
    LIST_ENTRY List;
    KIRQL OldIrql;

    InitializeListHead(&List);
    OldIrql = KfAcquireSpinLock(&Pages->Lock);
    while (!IsListEmpty(&Pages->Held)) {
        InsertTailList(&List, RemoveHeadList(&Pages->Held));
    }
    KfReleaseSpinLock(&Pages->Lock, OldIrql);
    while (!IsListEmpty(&List)) {
        (void)FatpSend(Fcb, CONTAINING_RECORD(RemoveHeadList(&List), IRP, Tail.Overlay.ListEntry));
    }
}

void FatHoldPages(PFAT_FCB Fcb, ULONG64 From, ULONG64 To)
{
    PFAT_PAGES Pages = &Fcb->Pages;

    MI_ASSERT(Pages->HeldTo == 0 && IsListEmpty(&Pages->Held)); /* P3 */
    if (FatpSetHeld(Pages, 0, FATP_EVERYTHING, TRUE)) {
        (void)KeWaitForSingleObject(&Pages->Idle, Executive, KernelMode, FALSE, NULL);
    }
    (void)FatpSetHeld(Pages, From, To, FALSE);
    FatpSendHeld(Fcb);
}

void FatReleasePages(PFAT_FCB Fcb)
{
    (void)FatpSetHeld(&Fcb->Pages, 0, 0, FALSE);
    FatpSendHeld(Fcb);
}

ULONG FatCountPageReads(PFAT_FCB Fcb)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Fcb->Pages.Lock);
    ULONG Reads = Fcb->Pages.Reads;

    KfReleaseSpinLock(&Fcb->Pages.Lock, OldIrql);
    return Reads;
}

/* ---- what they may ---- */

void FatEndPages(PFAT_FCB Fcb, ULONG64 Bytes, NTSTATUS EndStatus)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Fcb->Pages.Lock);

    Fcb->Pages.Bytes = Bytes;
    Fcb->Pages.EndStatus = EndStatus;
    KfReleaseSpinLock(&Fcb->Pages.Lock, OldIrql);
}

void FatPermitPages(PFAT_FCB Fcb, NTSTATUS Status)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Fcb->Pages.Lock);

    Fcb->Pages.WriteStatus = Status;
    KfReleaseSpinLock(&Fcb->Pages.Lock, OldIrql);
}

NTSTATUS FatPageStatus(PFAT_FCB Fcb)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Fcb->Pages.Lock);
    NTSTATUS Status = Fcb->Pages.WriteStatus;

    KfReleaseSpinLock(&Fcb->Pages.Lock, OldIrql);
    return Fcb->Vcb->Disk->ReadOnly ? STATUS_MEDIA_WRITE_PROTECTED : Status;
}

void FatKeepValid(PFAT_FCB Fcb, BOOLEAN Lags)
{
    PFAT_PAGES Pages = &Fcb->Pages;
    KIRQL OldIrql = KfAcquireSpinLock(&Pages->Lock);

    if (!Lags || Pages->Valid > Pages->Bytes) {
        Pages->Valid = Pages->Bytes;
    }
    if (!Lags || Pages->Reached > Pages->Bytes) {
        Pages->Reached = Pages->Bytes;
    }
    KfReleaseSpinLock(&Pages->Lock, OldIrql);
}

ULONG FatValidBytes(PFAT_FCB Fcb)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Fcb->Pages.Lock);
    ULONG64 Valid = Fcb->Pages.Valid;

    KfReleaseSpinLock(&Fcb->Pages.Lock, OldIrql);
    return (ULONG)Valid;
}

void FatNoteCopied(PFAT_FCB Fcb, BOOLEAN Copied)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Fcb->Pages.Lock);

    Fcb->Pages.Copied = Copied;
    KfReleaseSpinLock(&Fcb->Pages.Lock, OldIrql);
}

BOOLEAN FatTakeViewTime(PFAT_FCB Fcb, PLARGE_INTEGER Time)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Fcb->Pages.Lock);
    BOOLEAN Viewed = Fcb->Pages.Viewed;

    *Time = Fcb->Pages.ViewTime;
    Fcb->Pages.Viewed = FALSE;
    KfReleaseSpinLock(&Fcb->Pages.Lock, OldIrql);
    return Viewed;
}

void FatPutViewTimeBack(PFAT_FCB Fcb)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Fcb->Pages.Lock);

    Fcb->Pages.Viewed = TRUE; /* ViewTime is the same, or of a later page */
    KfReleaseSpinLock(&Fcb->Pages.Lock, OldIrql);
}

/* One that is under way writes after this: it is not forgotten. */
void FatForgetWritten(PFAT_FCB Fcb)
{
    PFAT_PAGES Pages = &Fcb->Pages;
    KIRQL OldIrql = KfAcquireSpinLock(&Pages->Lock);
    BOOLEAN Written = Pages->Written;

    Pages->Written = Written && Pages->UnderWay != 0;
    KfReleaseSpinLock(&Pages->Lock, OldIrql);
    if (Written) {
        FatForgetClean(Fcb->Vcb->Volume);
    }
}
