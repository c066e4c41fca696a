/* SPDX-License-Identifier: MIT */
/*
 * fsd_valid.c - a file that the cache makes longer: its size in memory, its entry's on the disk.
 *
 *     the file                      in memory (Size)     its entry             its clusters
 *     a cached write behind the     at once              stays: Lags           for Size, and more
 *     end                                                                      if it grows again
 *     the lazy writer has written   stays                what is on the disk   -
 *     flush, a request past the     stays                Size: no lag          flush: for Size
 *     cache, a new name
 *     the last handle is closed     stays                stays                 for Size
 *     the last page has gone        stays                Size                  for Size
 *     becomes shorter               at once              at most Size          later
 *
 * So a long file that is written bit by bit costs its data, and now and then a sector; a power cut
 * leaves it as long as the data that reached the disk, and never shows what was there before.
 *
 * Behind the entry's size there is nothing but what the cache copied there, page after page: a page
 * is in memory, changed, until it is written.  Pages.Reached is the end of the last one that was
 * written: who reads behind it gets zeroes.  Pages.Valid is the end of the first ones without a
 * gap; when none is left to be written it is Size (a flush, or nothing dirty in the cache).
 *
 * Views tell nobody that they change pages: the time at which such a page was written is kept
 * (Pages.ViewTime), and becomes the file's with its next request.  Pages that the cache changed too
 * do not count; their writers' file objects set the time when they are closed.
 *
 * Invariants, unless the file is Lost or Deleted:
 *   V1  File.Bytes < Size if Lags; the clusters are enough for Size
 *   V2  what File.Bytes covers is on the disk
 *
 * Locking: as fsd_i.h says.
 */
#include "cc.h"
#include "disk/fat/fsd_i.h"
#include "report.h"

#define FATP_AHEAD_BYTES 0x10000u /* of clusters, for a file that grows again and again */

#define FATP_FIRST_DAY   0x21u /* 1 January 1980 */

/* ---- longer ---- */

static ULONG FatpWanted(const FAT_FCB *Fcb, ULONG Bytes)
{
    BOOLEAN Room = Bytes <= (ULONG)FAT_MOST_BYTES - FATP_AHEAD_BYTES;

    if (!Fcb->Grown || !Room || Fcb->File.Volume->CrossLinked) {
        return Bytes;
    }
    return FatClustersOf(Fcb->File.Volume, Bytes) > Fcb->File.Clusters ? Bytes + FATP_AHEAD_BYTES
                                                                       : Bytes;
}

NTSTATUS FatLengthen(PFAT_FCB Fcb, ULONG Bytes)
{
    ULONG Wanted = FatpWanted(Fcb, Bytes);
    NTSTATUS Status = FatReserveAhead(&Fcb->File, Wanted);

    MI_ASSERT(Bytes > FatBytesOf(Fcb));
    if (Status == STATUS_DISK_FULL && (Wanted != Bytes || FatReturnAllClusters(Fcb->Vcb))) {
        (void)FatReturnAllClusters(Fcb->Vcb);
        Status = FatReserveAhead(&Fcb->File, Bytes);
    }
    if (NT_SUCCESS(Status)) {
        Fcb->Size = Bytes;
        Fcb->Lags = TRUE;
        Fcb->Grown = TRUE;
        Fcb->Reserved = Fcb->Reserved || Wanted != Bytes;
    }
    FatKeepPages(Fcb);
    return Status;
}

/* ---- the entry follows ---- */

/* => The mutex is held; the bytes before Bytes are the disk's, which may not have stored them. */
static NTSTATUS FatpAdvance(PFAT_FCB Fcb, ULONG Bytes)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Fcb->Lags && Bytes > Fcb->File.Bytes) {
        Status = DiskTransfer(Fcb->Vcb->Disk, DiskFlush, 0, 0, NULL);
        if (NT_SUCCESS(Status)) {
            Status = FatAdvanceSize(&Fcb->File, Bytes < Fcb->Size ? Bytes : Fcb->Size);
        }
        FatKeepPages(Fcb);
    }
    return Status;
}

/* => What there is of the file behind its entry's size is on the disk. */
static NTSTATUS FatpFinishLag(PFAT_FCB Fcb)
{
    NTSTATUS Status;

    if (!Fcb->Lags || Fcb->Deleted) {
        return STATUS_SUCCESS;
    }
    Status = FatUseFcb(Fcb->Vcb, Fcb);
    if (NT_SUCCESS(Status)) {
        Status = FatRefresh(&Fcb->File);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpAdvance(Fcb, Fcb->Size);
    }
    if (Status == STATUS_FILE_CORRUPT_ERROR) { /* whatever the entry is, it will not follow */
        KiPrint("*** %s: what was written behind its end is lost, its entry is damaged\n",
                Fcb->Path);
        Fcb->Lags = FALSE;
        Fcb->Reserved = FALSE;
    }
    return Status;
}

NTSTATUS FatCatchUp(PFAT_FCB Fcb)
{
    NTSTATUS Status;

    if (!Fcb->Lags) {
        return STATUS_SUCCESS;
    }
    Status = FatFlushCached(Fcb, Fcb->File.Bytes, Fcb->Size);
    if (NT_SUCCESS(Status)) {
        ExAcquireFastMutex(&Fcb->Vcb->Mutex);
        Status = FatpFinishLag(Fcb);
        ExReleaseFastMutex(&Fcb->Vcb->Mutex);
    }
    return Status;
}

NTSTATUS FatFlushFile(PFAT_FCB Fcb)
{
    NTSTATUS Status = FatFlushCached(Fcb, 0, FAT_TO_THE_END);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    FatNoteCopied(Fcb, FALSE);
    ExAcquireFastMutex(&Fcb->Vcb->Mutex);
    Status = FatpFinishLag(Fcb);
    if (NT_SUCCESS(Status)) {
        Fcb->Grown = FALSE;
        Status = FatReturnClusters(Fcb);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatTellTime(Fcb);
    }
    ExReleaseFastMutex(&Fcb->Vcb->Mutex);
    return Status;
}

/* A failure is not told here: the file lags on, and who flushes it, or FatEndLag, tells. */
void FatFollowLazyWrite(PFAT_FCB Fcb)
{
    BOOLEAN Dirty = CcIsFileDirty(&Fcb->Section);
    NTSTATUS Status = STATUS_SUCCESS;

    if (!Dirty) {
        FatNoteCopied(Fcb, FALSE);
    }
    if (!Fcb->Lags) {
        return;
    }
    ExAcquireFastMutex(&Fcb->Vcb->Mutex);
    if (!Fcb->Deleted && !Fcb->Lost && !Fcb->File.Stale) {
        Status = FatpAdvance(Fcb, Dirty ? FatValidBytes(Fcb) : Fcb->Size);
    }
    ExReleaseFastMutex(&Fcb->Vcb->Mutex);
    (void)NT_SUCCESS(Status);
}

/* ---- clusters ---- */

NTSTATUS FatReturnClusters(PFAT_FCB Fcb)
{
    ULONG Bytes = FatBytesOf(Fcb);
    NTSTATUS Status = STATUS_SUCCESS;

    if (!Fcb->Reserved || Fcb->Deleted || Fcb->Lost || Fcb->File.Stale) {
        return STATUS_SUCCESS;
    }
    if (FatClustersOf(Fcb->File.Volume, Bytes) < Fcb->File.Clusters) {
        FatCutPages(Fcb, Bytes, STATUS_END_OF_FILE); /* no page is behind: for the runs */
        Status = FatGiveBack(&Fcb->File, Bytes);
        FatKeepPages(Fcb);
    }
    Fcb->Reserved = !NT_SUCCESS(Status);
    return Status;
}

BOOLEAN FatReturnAllClusters(PFAT_VCB Vcb)
{
    BOOLEAN Some = FALSE;
    PLIST_ENTRY Link;

    for (Link = Vcb->Fcbs.Flink; Link != &Vcb->Fcbs; Link = Link->Flink) {
        PFAT_FCB Fcb = CONTAINING_RECORD(Link, FAT_FCB, Link);
        ULONG Before = Fcb->File.Clusters;

        Some |= NT_SUCCESS(FatReturnClusters(Fcb)) && Fcb->File.Clusters < Before;
    }
    return Some;
}

/* An orphan's clusters have no entry at all. */
BOOLEAN FatIsBehind(const FAT_VCB *Vcb)
{
    const LIST_ENTRY *Link;
    BOOLEAN Some = FALSE;

    for (Link = Vcb->Fcbs.Flink; Link != &Vcb->Fcbs && !Some; Link = Link->Flink) {
        const FAT_FCB *Fcb = CONTAINING_RECORD(Link, FAT_FCB, Link);

        Some = Fcb->Deleted ? Fcb->Orphan != 0 : Fcb->Lags || Fcb->Reserved;
    }
    return Some;
}

/* ---- times ---- */

NTSTATUS FatTellTime(PFAT_FCB Fcb)
{
    FAT_TIMES Times;
    LARGE_INTEGER Time;
    UCHAR Rest;
    NTSTATUS Status;

    if (Fcb->Deleted || Fcb->Lost || !FatTakeViewTime(Fcb, &Time)) {
        return STATUS_SUCCESS;
    }
    Status = FatQueryTimes(&Fcb->File, &Times);
    if (NT_SUCCESS(Status)) {
        if (!FatDosTimeOf(Time, &Times.WriteDate, &Times.WriteTime, &Rest)) {
            Times.WriteDate = FATP_FIRST_DAY; /* no clock that FAT could tell of */
            Times.WriteTime = 0;
        }
        Times.AccessDate = Times.WriteDate;
        Status =
            FatSetTimes(&Fcb->File, &Times, (UCHAR)(Fcb->File.Attributes | FAT_ATTRIBUTE_ARCHIVE));
    }
    if (!NT_SUCCESS(Status)) {
        FatPutViewTimeBack(Fcb);
    }
    return Status;
}

/* ---- the end ---- */

void FatEndLag(PFAT_FCB Fcb)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Fcb->Deleted || (!Fcb->Lags && !Fcb->Reserved && !Fcb->Pages.Viewed)) {
        return;
    }
    Status = FatpFinishLag(Fcb);
    if (NT_SUCCESS(Status)) {
        Status = FatReturnClusters(Fcb);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatTellTime(Fcb);
    }
    if (!NT_SUCCESS(Status)) {
        KiPrint("*** %s: its size or its time did not reach the disk, status %08X\n", Fcb->Path,
                (ULONG)Status);
    }
}
