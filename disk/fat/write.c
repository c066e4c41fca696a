/* SPDX-License-Identifier: MIT */
/*
 * write.c - file contents: overwriting, growing, cutting.
 *
 * A file grows by a chain that is nobody's (File->Pending) until its clusters hold what they
 * should; then it is attached, then the size says so.  FatFindCluster goes through both chains, so
 * that new data is written as old data is.  commit.c has the table of stages.
 *
 * Who keeps a file's end in memory (fsd_valid.c) attaches clusters first, writes to them as it
 * likes, and lets the size follow.
 *
 * A failure leaves the FAT_FILE Stale: what the disk holds is read again before its next use.
 */
#include "disk/fat/fat_i.h"

#define FATP_MOST_BYTES 0xFFFFFFFFu

static NTSTATUS FatpBegin(PFAT_FILE File)
{
    NTSTATUS Status = FatPermitFile(File);

    return NT_SUCCESS(Status) ? FatBeginChange(File->Volume) : Status;
}

static NTSTATUS FatpFailed(PFAT_FILE File, NTSTATUS Status)
{
    FatAbandon(File->Volume);
    FatForbidAll(File->Volume, &File->Pending);
    File->Stale = TRUE;
    return Status;
}

/* From NULL: zeros. */
static NTSTATUS FatpPut(PFAT_FILE File, ULONG Offset, ULONG Bytes, const UCHAR *From)
{
    NTSTATUS Status = STATUS_SUCCESS;

    while (Bytes != 0 && NT_SUCCESS(Status)) {
        ULONG Part = From == NULL && Bytes > FAT_ZERO_BYTES ? FAT_ZERO_BYTES : Bytes;
        ULONG Moved = 0;

        Status = FatTransferPart(File, Offset, Part, NULL,
                                 From != NULL ? From : File->Volume->Zeros, &Moved);
        Offset += Moved;
        Bytes -= Moved;
        From = From != NULL ? From + Moved : NULL;
    }
    return Status;
}

/* ---- growing ---- */

/* Clusters for a file of Bytes, pending.  => STATUS_DISK_FULL: nothing has changed. */
static NTSTATUS FatpPrepareGrowth(PFAT_FILE File, ULONG Bytes)
{
    PFAT_VOLUME Volume = File->Volume;
    ULONG Clusters = FatClustersOf(Volume, Bytes);
    ULONG Last = 0;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Clusters <= File->Clusters) {
        return STATUS_SUCCESS;
    }
    if (File->Clusters != 0) {
        Status = FatFindCluster(File, File->Clusters - 1, &Last);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatAllocateChain(Volume, Clusters - File->Clusters, Last, &File->Pending);
    }
    return NT_SUCCESS(Status) ? FatPermitChain(Volume, &File->Pending, File->Pending) : Status;
}

/* Stage 2 of extend: the pending chain follows the file's. */
static NTSTATUS FatpLink(PFAT_FILE File)
{
    PFAT_VOLUME Volume = File->Volume;
    ULONG Last;
    NTSTATUS Status = FatCommit(Volume);

    if (!NT_SUCCESS(Status) || File->Pending == 0 || File->Clusters == 0) {
        return Status;
    }
    Status = FatFindCluster(File, File->Clusters - 1, &Last);
    if (NT_SUCCESS(Status)) {
        Status = FatPermitEntries(Volume, Last, 1);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatSetEntry(Volume, Last, File->Pending);
    }
    return NT_SUCCESS(Status) ? FatCommit(Volume) : Status;
}

/* The pending clusters, if any, are the file's, which has at least those of Bytes. */
static void FatpTakePending(PFAT_FILE File, ULONG Bytes)
{
    ULONG Clusters = FatClustersOf(File->Volume, Bytes);

    DiskHandOverWrites(File->Volume->Device, &File->Pending, File);
    File->FirstCluster = File->FirstCluster != 0 ? File->FirstCluster : File->Pending;
    File->Clusters = Clusters > File->Clusters ? Clusters : File->Clusters;
    File->Pending = 0;
}

/* Stages 2 and 3 of extend. */
static NTSTATUS FatpAttach(PFAT_FILE File, ULONG Bytes)
{
    ULONG First = File->FirstCluster != 0 ? File->FirstCluster : File->Pending;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Bytes > File->Bytes && File->Growing != NULL) {
        Status = File->Growing(File, Bytes);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpLink(File);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatUpdateEntry(File, First, Bytes);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatCommit(File->Volume);
    }
    if (NT_SUCCESS(Status)) {
        FatpTakePending(File, Bytes);
        File->Bytes = Bytes;
    }
    return Status;
}

/* ---- clusters before the size ---- */

static NTSTATUS FatpAttachAhead(PFAT_FILE File, ULONG Bytes)
{
    NTSTATUS Status = File->Growing != NULL ? File->Growing(File, Bytes) : STATUS_SUCCESS;

    if (NT_SUCCESS(Status)) {
        Status = FatpLink(File);
    }
    if (NT_SUCCESS(Status) && File->FirstCluster == 0) {
        Status = FatUpdateEntry(File, File->Pending, File->Bytes);
        Status = NT_SUCCESS(Status) ? FatCommit(File->Volume) : Status;
    }
    if (NT_SUCCESS(Status)) {
        FatpTakePending(File, Bytes);
    }
    return Status;
}

NTSTATUS FatReserveAhead(PFAT_FILE File, ULONG Bytes)
{
    NTSTATUS Status = FatpBegin(File);

    if (!NT_SUCCESS(Status) || FatClustersOf(File->Volume, Bytes) <= File->Clusters) {
        return Status;
    }
    Status = FatpPrepareGrowth(File, Bytes);
    if (Status == STATUS_DISK_FULL) {
        return Status;
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpAttachAhead(File, Bytes);
    }
    return NT_SUCCESS(Status) ? Status : FatpFailed(File, Status);
}

NTSTATUS FatAdvanceSize(PFAT_FILE File, ULONG Bytes)
{
    NTSTATUS Status = FatpBegin(File);

    if (!NT_SUCCESS(Status) || Bytes <= File->Bytes) {
        return Status;
    }
    if (FatClustersOf(File->Volume, Bytes) > File->Clusters) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = FatMoveEntry(File, File->FirstCluster, Bytes);
    if (NT_SUCCESS(Status)) {
        Status = FatCommit(File->Volume);
    }
    if (!NT_SUCCESS(Status)) {
        return FatpFailed(File, Status);
    }
    File->Bytes = Bytes;
    return STATUS_SUCCESS;
}

/* ---- both at once ---- */

NTSTATUS FatWrite(PFAT_FILE File, ULONG Offset, ULONG Bytes, const void *Buffer)
{
    ULONG End = Offset + Bytes;
    NTSTATUS Status = FatpBegin(File);

    if (!NT_SUCCESS(Status) || Bytes == 0) {
        return Status;
    }
    if (Bytes > FATP_MOST_BYTES - Offset) {
        return STATUS_DISK_FULL;
    }
    if (End > File->Bytes) {
        Status = FatpPrepareGrowth(File, End);
        if (Status == STATUS_DISK_FULL) {
            return Status;
        }
        if (NT_SUCCESS(Status) && Offset > File->Bytes) {
            Status = FatpPut(File, File->Bytes, Offset - File->Bytes, NULL);
        }
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpPut(File, Offset, Bytes, Buffer);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpAttach(File, End > File->Bytes ? End : File->Bytes);
    }
    return NT_SUCCESS(Status) ? Status : FatpFailed(File, Status);
}

static NTSTATUS FatpGrow(PFAT_FILE File, ULONG Bytes, BOOLEAN Zero)
{
    NTSTATUS Status = FatpPrepareGrowth(File, Bytes);

    if (Status == STATUS_DISK_FULL) {
        return Status;
    }
    if (NT_SUCCESS(Status) && Zero) {
        Status = FatpPut(File, File->Bytes, Bytes - File->Bytes, NULL);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpAttach(File, Bytes);
    }
    return NT_SUCCESS(Status) ? Status : FatpFailed(File, Status);
}

/* ---- cutting ---- */

/* Stages 2 and 3 of truncate: the chain ends after Keep clusters, the rest is free. */
static NTSTATUS FatpCutChain(PFAT_FILE File, ULONG Keep, ULONG Rest)
{
    PFAT_VOLUME Volume = File->Volume;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Last;

    if (Keep != 0) {
        Status = FatFindCluster(File, Keep - 1, &Last);
        if (NT_SUCCESS(Status)) {
            Status = FatPermitEntries(Volume, Last, 1);
        }
        if (NT_SUCCESS(Status)) {
            Status = FatSetEntry(Volume, Last, FAT_END | 7);
        }
        if (NT_SUCCESS(Status)) {
            Status = FatCommit(Volume);
        }
    }
    if (NT_SUCCESS(Status)) {
        Status = FatFreeChain(Volume, Rest);
    }
    return NT_SUCCESS(Status) ? FatCommit(Volume) : Status;
}

/* To Bytes, and Keep clusters.  Who gives back clusters that he did not use changes no time. */
static NTSTATUS FatpShrink(PFAT_FILE File, ULONG Bytes, ULONG Keep)
{
    PFAT_VOLUME Volume = File->Volume;
    ULONG First = Keep != 0 ? File->FirstCluster : 0;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Rest = 0;

    if (Keep < File->Clusters) {
        Status =
            Volume->CrossLinked ? STATUS_DISK_CORRUPT_ERROR : FatFindCluster(File, Keep, &Rest);
    }
    if (NT_SUCCESS(Status) && Rest != 0) {
        Status = FatForbidChain(Volume, File, Rest);
    }
    if (NT_SUCCESS(Status) && (Bytes != File->Bytes || First != File->FirstCluster)) {
        Status = Bytes != File->Bytes ? FatUpdateEntry(File, First, Bytes)
                                      : FatMoveEntry(File, First, Bytes);
        Status = NT_SUCCESS(Status) ? FatCommit(Volume) : Status;
    }
    if (NT_SUCCESS(Status) && Rest != 0) {
        File->KnownCluster = 0;
        Status = FatpCutChain(File, Keep, Rest);
    }
    if (!NT_SUCCESS(Status)) {
        return FatpFailed(File, Status);
    }
    File->FirstCluster = First;
    File->Clusters = Keep;
    File->Bytes = Bytes;
    File->KnownCluster = 0;
    return STATUS_SUCCESS;
}

NTSTATUS FatSetSize(PFAT_FILE File, ULONG Bytes)
{
    NTSTATUS Status = FatpBegin(File);

    if (!NT_SUCCESS(Status) || Bytes == File->Bytes) {
        return Status;
    }
    return Bytes < File->Bytes ? FatpShrink(File, Bytes, FatClustersOf(File->Volume, Bytes))
                               : FatpGrow(File, Bytes, TRUE);
}

NTSTATUS FatGiveBack(PFAT_FILE File, ULONG Bytes)
{
    ULONG Keep = FatClustersOf(File->Volume, Bytes);
    NTSTATUS Status = FatpBegin(File);

    if (!NT_SUCCESS(Status) || Keep >= File->Clusters) {
        return Status;
    }
    return Bytes < File->Bytes ? STATUS_INVALID_PARAMETER : FatpShrink(File, File->Bytes, Keep);
}

NTSTATUS FatReserve(PFAT_FILE File, ULONG Bytes)
{
    NTSTATUS Status = FatpBegin(File);

    return !NT_SUCCESS(Status) || Bytes <= File->Bytes ? Status : FatpGrow(File, Bytes, FALSE);
}

NTSTATUS FatTouch(PFAT_FILE File)
{
    NTSTATUS Status = FatpBegin(File);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatUpdateEntry(File, File->FirstCluster, File->Bytes);
    if (NT_SUCCESS(Status)) {
        Status = FatCommit(File->Volume);
    }
    return NT_SUCCESS(Status) ? Status : FatpFailed(File, Status);
}
