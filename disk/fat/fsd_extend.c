/* SPDX-License-Identifier: MIT */
/*
 * fsd_extend.c - a paging file that is in use becomes longer.
 *
 *     stage                                      a failure or a power cut leaves
 *     1  is there room: the volume's figures     nothing
 *     2  clusters, behind the file's end         as commit.c's "extend": lost clusters at worst
 *     3  the volume is in order again            a longer file
 *     4  a new list of runs, in memory           a longer file
 *     5  paging has the new list                 cannot fail
 *
 * After a failure the file is cut again, as far as the disk lets us; paging goes by its old runs,
 * whose clusters no stage touches.  Pages are read and written all the while: they need neither the
 * volume's mutex nor the FAT, and the runs are replaced under the lock that they are read under.
 *
 * Invariant: Runs cover at most what the file has on the disk.
 *
 * Locking: the volume's mutex.
 */
#include "disk/fat/fsd_i.h"
#include "report.h"

/* => STATUS_DISK_FULL: not enough, and the disk was not written to. */
static NTSTATUS FatpCheckRoom(const FAT_FILE *File, ULONG Bytes)
{
    PFAT_VOLUME Volume = File->Volume;
    ULONG Clusters = FatClustersOf(Volume, Bytes);
    NTSTATUS Status = Volume->Used.Buffer == NULL ? FatLoadBitmap(Volume) : STATUS_SUCCESS;

    if (NT_SUCCESS(Status) && Clusters > File->Clusters &&
        Clusters - File->Clusters > Volume->FreeClusters) {
        return STATUS_DISK_FULL;
    }
    return Status;
}

/* The file is longer on the disk, and the disk is in order. */
static NTSTATUS FatpLengthen(PFAT_FILE File, ULONG Bytes)
{
    NTSTATUS Status = FatReserve(File, Bytes);

    return NT_SUCCESS(Status) ? FatFlush(File->Volume) : Status;
}

/* Nobody has seen the new part.  A disk that fails here too keeps a longer file, or a mark. */
static void FatpCutAgain(PFAT_FILE File, ULONG Bytes)
{
    NTSTATUS Status = FatSetSize(File, Bytes);

    if (NT_SUCCESS(Status)) {
        Status = FatFlush(File->Volume);
    }
    if (!NT_SUCCESS(Status)) {
        KiPrint("File sys.  a paging file that could not become longer was not cut again, status "
                "%08x\n",
                (ULONG)Status);
    }
}

/* => *Made are the runs of the longer file, not yet paging's. */
static NTSTATUS FatpPrepare(PFAT_FILE File, ULONG Bytes, ULONG MostRuns, PIO_RUNS *Made)
{
    NTSTATUS Status = FatpLengthen(File, Bytes);

    if (NT_SUCCESS(Status)) {
        Status = FatMakeRuns(File, Made);
    }
    if (NT_SUCCESS(Status) && (*Made)->Count > MostRuns) {
        ExFreePoolWithTag(*Made, FAT_FSD_TAG);
        Status = STATUS_FILE_CORRUPT_ERROR;
    }
    return Status;
}

static NTSTATUS FatpExtend(PFAT_VCB Vcb, PFAT_FCB Fcb, ULONG Bytes, PULONG Count)
{
    PIO_RUNS Runs = NULL;
    ULONG Before;
    NTSTATUS Status = FatRefresh(&Fcb->File);

    if (NT_SUCCESS(Status)) {
        Status = FatpCheckRoom(&Fcb->File, Bytes);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Before = Fcb->File.Bytes;
    Status = FatpPrepare(&Fcb->File, Bytes, *Count, &Runs);
    if (!NT_SUCCESS(Status)) {
        FatpCutAgain(&Fcb->File, Before);
        return Status;
    }
    *Count = Runs->Count;
    Runs = IoReplaceRuns(Vcb->Paging, &Fcb->Pages.Map, Runs);
    FatEndPages(Fcb, Bytes, STATUS_END_OF_FILE);
    ExFreePoolWithTag(Runs, FAT_FSD_TAG);
    return STATUS_SUCCESS;
}

NTSTATUS FatFsdExtend(PFAT_REQUEST Request)
{
    PFILE_EXTEND_PAGING Extend = Request->Irp->AssociatedIrp.SystemBuffer;
    NTSTATUS Status;

    if (Request->Stack->Parameters.FileSystemControl.InputBufferLength < sizeof(*Extend) ||
        Request->Stack->Parameters.FileSystemControl.OutputBufferLength < sizeof(*Extend)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (Extend->Bytes <= Request->Fcb->Pages.Bytes ||
        Extend->Bytes % Request->Vcb->Disk->SectorBytes) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Extend->Bytes > 0xFFFFFFFFu) {
        return STATUS_DISK_FULL;
    }
    Status = FatpExtend(Request->Vcb, Request->Fcb, (ULONG)Extend->Bytes, &Extend->Runs);
    if (NT_SUCCESS(Status)) {
        Request->Information = sizeof(*Extend);
    }
    return Status;
}
