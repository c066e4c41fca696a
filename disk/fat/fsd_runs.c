/* SPDX-License-Identifier: MIT */
/*
 * fsd_runs.c - an open file's runs, header and end follow the file.
 *
 *     the file                     its pages
 *     is opened for data           runs of all its clusters
 *     becomes longer: before       runs of what will be attached (FAT_FILE.Growing): all memory
 *                                  that it takes is there before the disk says so
 *                     after        the end follows
 *     becomes shorter: before      the end comes first, then none is under way, then the runs
 *     is deleted                   the same, to 0: STATUS_FILE_DELETED
 *     is renamed                   nothing changes: it keeps its clusters, and may write to them
 *     a change failed              runs of what it has in any case; the rest when it is known
 *
 * A file has no holes.  Who makes it longer past the cache writes zeros or data before the size
 * says so (write.c); whom the cache makes longer has a size in memory that its entry follows when
 * the data is there (fsd_valid.c).  So no power cut shows what the disk held there before, and the
 * cache is told that all is valid: ValidDataLength is FileSize.  (A paging file is the exception:
 * FatReserve.)
 *
 * Invariant R1: Runs cover Clusters clusters of the chain; the first Sure of them are the file's.
 *
 * Locking: the volume's mutex, and the file's resources exclusive where its size changes.
 */
#include "disk/fat/fsd_i.h"

#define FATP_FEW_RUNS 16u

/* ---- the runs ---- */

static ULONG64 FatpSectorsOf(const FAT_FCB *Fcb, ULONG Clusters)
{
    return (ULONG64)Clusters * Fcb->Vcb->Volume->ClusterSectors;
}

/* A longer list: the old one and these, neighbours as one. */
static NTSTATUS FatpAppendRuns(PFAT_FCB Fcb, const FAT_RUN *More, ULONG Count)
{
    PFAT_PAGES Pages = &Fcb->Pages;
    PIO_RUNS Old = Pages->Map.Runs;
    ULONG64 Position = FatpSectorsOf(Fcb, Pages->Clusters);
    PIO_RUN Last = Old->Count != 0 ? &Old->Run[Old->Count - 1] : NULL;
    PIO_RUNS New;
    ULONG i;

    if (Count != 0 && Last != NULL && Last->Sector + Last->Sectors == More[0].Sector) {
        IoLengthenRuns(Fcb->Vcb->Paging, &Pages->Map, More[0].Sectors);
        Position += More[0].Sectors;
        More++;
        Count--;
    }
    if (Count == 0) {
        return STATUS_SUCCESS;
    }
    New = ExAllocatePoolWithTag(
        NonPagedPool, sizeof(IO_RUNS) + (Old->Count + Count) * sizeof(IO_RUN), FAT_FSD_TAG);
    if (New == NULL) {
        IoCutRuns(Fcb->Vcb->Paging, &Pages->Map, FatpSectorsOf(Fcb, Pages->Clusters));
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    New->Count = Old->Count + Count;
    memcpy(New->Run, Old->Run, Old->Count * sizeof(IO_RUN));
    for (i = 0; i < Count; i++) {
        New->Run[Old->Count + i] = (IO_RUN){Position, More[i].Sector, More[i].Sectors};
        Position += More[i].Sectors;
    }
    ExFreePoolWithTag(IoReplaceRuns(Fcb->Vcb->Paging, &Pages->Map, New), FAT_FSD_TAG);
    return STATUS_SUCCESS;
}

/* Most files have few runs more. */
static NTSTATUS FatpCoverFew(PFAT_FCB Fcb, ULONG End, PULONG Count)
{
    FAT_RUN Few[FATP_FEW_RUNS];
    NTSTATUS Status =
        FatResolveClusters(&Fcb->File, Fcb->Pages.Clusters, End, Few, FATP_FEW_RUNS, Count);

    return NT_SUCCESS(Status) ? FatpAppendRuns(Fcb, Few, *Count) : Status;
}

static NTSTATUS FatpCoverMany(PFAT_FCB Fcb, ULONG End, ULONG Room)
{
    PFAT_RUN List = ExAllocatePoolWithTag(NonPagedPool, Room * sizeof(FAT_RUN), FAT_FSD_TAG);
    ULONG Count;
    NTSTATUS Status;

    if (List == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = FatResolveClusters(&Fcb->File, Fcb->Pages.Clusters, End, List, Room, &Count);
    if (NT_SUCCESS(Status)) {
        Status = FatpAppendRuns(Fcb, List, Count);
    }
    ExFreePoolWithTag(List, FAT_FSD_TAG);
    return Status;
}

/* R1 for End clusters, unless there are more.  => On failure nothing has changed. */
static NTSTATUS FatpCover(PFAT_FCB Fcb, ULONG End)
{
    ULONG Count;
    NTSTATUS Status;

    if (End <= Fcb->Pages.Clusters) {
        return STATUS_SUCCESS;
    }
    Status = FatpCoverFew(Fcb, End, &Count);
    if (Status == STATUS_BUFFER_OVERFLOW) {
        Status = FatpCoverMany(Fcb, End, Count);
    }
    if (NT_SUCCESS(Status)) {
        Fcb->Pages.Clusters = End;
    }
    return Status;
}

/* => No page behind is under way, and none will be. */
static void FatpUncover(PFAT_FCB Fcb, ULONG Clusters)
{
    PFAT_PAGES Pages = &Fcb->Pages;

    if (Clusters < Pages->Clusters) {
        IoCutRuns(Fcb->Vcb->Paging, &Pages->Map, FatpSectorsOf(Fcb, Clusters));
        Pages->Clusters = Clusters;
    }
    Pages->Sure = Pages->Sure < Clusters ? Pages->Sure : Clusters;
}

/* ---- the file changes ---- */

NTSTATUS FatGrowPages(PFAT_FILE File, ULONG Bytes)
{
    PFAT_FCB Fcb = CONTAINING_RECORD(File, FAT_FCB, File);
    ULONG Clusters = FatClustersOf(File->Volume, Bytes);

    if (Fcb->Pages.Map.Runs == NULL || Fcb->Paging) {
        return STATUS_SUCCESS;
    }
    return FatpCover(Fcb, Clusters);
}

void FatCutPages(PFAT_FCB Fcb, ULONG Bytes, NTSTATUS EndStatus)
{
    PFAT_PAGES Pages = &Fcb->Pages;

    if (Pages->Map.Runs == NULL) {
        return;
    }
    FatEndPages(Fcb, Bytes < Pages->Bytes ? Bytes : Pages->Bytes, EndStatus);
    FatHoldPages(Fcb, 0, 0);
    FatpUncover(Fcb, FatClustersOf(Fcb->Vcb->Volume, Bytes));
}

static void FatpSetHeader(PFAT_FCB Fcb)
{
    const FAT_FILE *File = &Fcb->File;

    Fcb->Header.AllocationSize.QuadPart =
        (LONGLONG)((ULONG64)File->Clusters * File->Volume->ClusterBytes);
    Fcb->Header.FileSize.QuadPart = FatBytesOf(Fcb);
    Fcb->Header.ValidDataLength.QuadPart = FatBytesOf(Fcb);
}

/*
 * The clusters may be written, when some opening is for that.  Those that pages could write to
 * before they still can: they are the file's, and nobody took the permission away.
 *
 * => A failure: runs of more clusters would lead to some that may not be.
 */
static NTSTATUS FatpFollowPermission(PFAT_FCB Fcb)
{
    NTSTATUS Status;

    if (!Fcb->Pages.Writes) {
        return STATUS_SUCCESS;
    }
    Status = FatPermitFile(&Fcb->File);
    if (!NT_SUCCESS(Status) && NT_SUCCESS(Fcb->Pages.WriteStatus)) {
        return Fcb->Pages.Clusters < Fcb->File.Clusters ? Status : STATUS_SUCCESS;
    }
    FatPermitPages(Fcb, Status);
    return STATUS_SUCCESS;
}

/* => R1 for all clusters, all of them sure; or why not. */
static NTSTATUS FatpFollowFile(PFAT_FCB Fcb)
{
    NTSTATUS Status;

    FatpUncover(Fcb, Fcb->File.Clusters);
    Status = FatpFollowPermission(Fcb);
    if (NT_SUCCESS(Status)) {
        Status = FatRefresh(&Fcb->File); /* a permission that failed in part */
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpCover(Fcb, Fcb->File.Clusters);
    }
    Fcb->Pages.Sure = Fcb->Pages.Clusters;
    return Status;
}

/* A change that failed may have left it as long as its entry says. */
static void FatpCheckLag(PFAT_FCB Fcb)
{
    const FAT_FILE *File = &Fcb->File;

    Fcb->Lags = Fcb->Lags && Fcb->Size > File->Bytes &&
                FatClustersOf(File->Volume, Fcb->Size) <= File->Clusters;
}

void FatKeepPages(PFAT_FCB Fcb)
{
    PFAT_PAGES Pages = &Fcb->Pages;
    BOOLEAN Pageable = Pages->Map.Runs != NULL && !Fcb->Paging;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG64 Covered;

    if (Fcb->Deleted || Fcb->Lost || FatIsDirectory(Fcb)) {
        return;
    }
    if (Fcb->File.Stale) {
        if (Pageable) {
            FatpUncover(Fcb, Pages->Sure); /* no page is behind: the end did not follow */
        }
        Status = FatRefresh(&Fcb->File);
    }
    if (NT_SUCCESS(Status)) {
        FatpCheckLag(Fcb);
        FatpSetHeader(Fcb);
        Status = Pageable ? FatpFollowFile(Fcb) : STATUS_SUCCESS;
    }
    if (!Pageable) {
        return;
    }
    if (NT_SUCCESS(Status)) {
        FatEndPages(Fcb, FatBytesOf(Fcb), STATUS_END_OF_FILE);
        FatKeepValid(Fcb, Fcb->Lags);
        return;
    }
    Covered = FatpSectorsOf(Fcb, Pages->Sure) * Fcb->Vcb->Volume->SectorBytes; /* P1 */
    FatEndPages(Fcb, Covered < Pages->Bytes ? Covered : Pages->Bytes, Status);
}

NTSTATUS FatMakePages(PFAT_FCB Fcb, BOOLEAN Writes)
{
    PFAT_PAGES Pages = &Fcb->Pages;
    NTSTATUS Status;

    if (Pages->Map.Runs == NULL) {
        PIO_RUNS Runs = ExAllocatePoolWithTag(NonPagedPool, sizeof(IO_RUNS), FAT_FSD_TAG);

        if (Runs == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Runs->Count = 0;
        Pages->Map.Runs = Runs;
    }
    Status = FatRefresh(&Fcb->File);
    if (NT_SUCCESS(Status)) {
        Status = FatpCover(Fcb, Fcb->File.Clusters);
    }
    Pages->Sure = NT_SUCCESS(Status) ? Pages->Clusters : Pages->Sure;
    Pages->Writes |= NT_SUCCESS(Status) && Writes;
    return Status;
}

/* => A file that lags becomes shorter, or keeps its size. */
static NTSTATUS FatpSetSize(PFAT_FCB Fcb, ULONG Bytes)
{
    NTSTATUS Status;

    if (Fcb->Lags && Bytes >= Fcb->File.Bytes) {
        MI_ASSERT(Bytes <= Fcb->Size);
        Fcb->Size = Bytes;
        Fcb->Reserved = TRUE; /* what it has too much */
        return STATUS_SUCCESS;
    }
    Status = FatSetSize(&Fcb->File, Bytes);
    Fcb->Lags = Fcb->Lags && !NT_SUCCESS(Status);
    return Status;
}

NTSTATUS FatChangeSize(PFAT_FCB Fcb, ULONG Bytes)
{
    ULONG Before = FatBytesOf(Fcb);
    NTSTATUS Status;

    if (Bytes < Before) {
        FatCutPages(Fcb, Bytes, STATUS_END_OF_FILE);
    } else {
        FatHoldPages(Fcb, ROUND_DOWN((ULONG64)Before, (ULONG64)PAGE_SIZE),
                     ROUND_UP((ULONG64)Bytes, (ULONG64)PAGE_SIZE));
    }
    Status = FatpSetSize(Fcb, Bytes);
    FatKeepPages(Fcb);
    FatReleasePages(Fcb);
    return Status;
}
