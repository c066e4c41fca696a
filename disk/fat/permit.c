/* SPDX-License-Identifier: MIT */
/*
 * permit.c - which sectors the volume's disk lets us write, and until when.
 *
 * Permission follows from what is to be changed, not from what the cache writes: who decides that
 * an entry of the FAT or of a directory changes says so, and a wrong sector, a block that was
 * marked by mistake or another file's cluster does not get past DiskSubmit.
 *
 *     sectors                       owner            from                      until
 *     a file's clusters             its FAT_FILE     FatPermitFile             FatClose, or cut
 *     clusters it will get          its Pending      they are allocated        they are the file's
 *     FAT, directories, FSInfo      the device       the change of one         FatCommit, failure
 *
 * A chain is permitted and forbidden by runs of ascending clusters, so that what is cut off a file
 * is the end of a run or a whole one.
 */
#include "disk/fat/fat_i.h"
#include "mi_assert.h"

/* ---- clusters ---- */

static NTSTATUS FatpPermitRun(PFAT_VOLUME Volume, const void *Owner, ULONG First, ULONG Count)
{
    return DiskPermitWritesFor(Volume->Device, Owner, FatClusterSector(Volume, First),
                               (ULONG64)Count * Volume->ClusterSectors);
}

static NTSTATUS FatpForbidRun(PFAT_VOLUME Volume, const void *Owner, ULONG First, ULONG Count)
{
    DiskForbidWritesFor(Volume->Device, Owner, FatClusterSector(Volume, First),
                        (ULONG64)Count * Volume->ClusterSectors);
    return STATUS_SUCCESS;
}

typedef NTSTATUS FATP_RUN_ROUTINE(PFAT_VOLUME Volume, const void *Owner, ULONG First, ULONG Count);

/* => Each run once, in the chain's order; a chain that is none ends in a status. */
static NTSTATUS FatpForRuns(PFAT_VOLUME Volume, const void *Owner, ULONG First,
                            FATP_RUN_ROUTINE *Routine)
{
    ULONG Left = Volume->Clusters;
    ULONG Cluster = First;
    NTSTATUS Status = STATUS_SUCCESS;

    while (NT_SUCCESS(Status) && FatIsCluster(Volume, Cluster)) {
        ULONG Start = Cluster;
        ULONG Count = 0;
        ULONG Length = 0;

        do {
            Status = FatFollowRun(Volume, Start + Count, Left, &Length, &Cluster);
            Count += Length;
            Left -= Length;
        } while (NT_SUCCESS(Status) && Cluster == Start + Count && Left != 0);
        if (NT_SUCCESS(Status)) {
            Status = Left == 0 && Cluster < FAT_END ? STATUS_FILE_CORRUPT_ERROR
                                                    : Routine(Volume, Owner, Start, Count);
        }
    }
    return Status;
}

NTSTATUS FatPermitChain(PFAT_VOLUME Volume, const void *Owner, ULONG First)
{
    return FatpForRuns(Volume, Owner, First, FatpPermitRun);
}

NTSTATUS FatForbidChain(PFAT_VOLUME Volume, const void *Owner, ULONG First)
{
    return FatpForRuns(Volume, Owner, First, FatpForbidRun);
}

void FatForbidAll(PFAT_VOLUME Volume, const void *Owner)
{
    DiskForbidWritesFor(Volume->Device, Owner, 0, Volume->Device->Sectors);
}

/* ---- files ---- */

/*
 * => STATUS_SUCCESS: its clusters are nobody else's.  Where some are shared the census does not say
 *    which, so that it may be these.
 */
static NTSTATUS FatpCheckOwner(const FAT_FILE *File)
{
    PFAT_VOLUME Volume = File->Volume;
    NTSTATUS Status = STATUS_SUCCESS;

    if (File->FirstCluster == 0) {
        return STATUS_SUCCESS; /* what it gets was free */
    }
    if (Volume->Used.Buffer == NULL) {
        Status = FatLoadBitmap(Volume);
    }
    return NT_SUCCESS(Status) && Volume->CrossLinked ? STATUS_DISK_CORRUPT_ERROR : Status;
}

NTSTATUS FatPermitFile(PFAT_FILE File)
{
    NTSTATUS Status = FatRefresh(File);

    if (!NT_SUCCESS(Status) || File->Permitted) {
        return Status;
    }
    if ((File->Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0) {
        return STATUS_FILE_IS_A_DIRECTORY;
    }
    if (File->Volume->Device->ReadOnly) {
        return STATUS_MEDIA_WRITE_PROTECTED;
    }
    Status = FatpCheckOwner(File);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatPermitChain(File->Volume, File, File->FirstCluster);
    File->Permitted = NT_SUCCESS(Status);
    File->Stale = !NT_SUCCESS(Status); /* a part of it may be permitted */
    return Status;
}

void FatClose(PFAT_FILE File)
{
    FatForbidAll(File->Volume, File); /* Permitted does not tell: it is cleared by a failure */
    memset(File, 0, sizeof(*File));
}

/* ---- what a stage changes ---- */

NTSTATUS FatPermitEntries(PFAT_VOLUME Volume, ULONG Cluster, ULONG Count)
{
    ULONG BitsPerSector = Volume->SectorBytes * 8;
    ULONG64 FirstBit = (ULONG64)Cluster * Volume->Kind;
    ULONG64 LastBit = (ULONG64)(Cluster + Count) * Volume->Kind - 1;
    ULONG64 First = FirstBit / BitsPerSector;
    ULONG64 Sectors = LastBit / BitsPerSector - First + 1;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Fat;

    MI_ASSERT(Count != 0 && Cluster + Count <= Volume->Clusters + FAT_FIRST_CLUSTER);
    for (Fat = 0; Fat < Volume->Fats && NT_SUCCESS(Status); Fat++) {
        if (Volume->Mirrored || Fat == Volume->ActiveFat) {
            ULONG64 Table = Volume->ReservedSectors + (ULONG64)Fat * Volume->FatSectors;

            Status = DiskPermitWrites(Volume->Device, Table + First, Sectors);
        }
    }
    return Status;
}

NTSTATUS FatPermitDirectorySector(PFAT_VOLUME Volume, ULONG64 Sector)
{
    MI_ASSERT(Sector >= Volume->RootSector);
    return DiskPermitWrites(Volume->Device, Sector, 1);
}

NTSTATUS FatPermitDirectoryCluster(PFAT_VOLUME Volume, ULONG Cluster)
{
    MI_ASSERT(FatIsCluster(Volume, Cluster));
    return DiskPermitWrites(Volume->Device, FatClusterSector(Volume, Cluster),
                            Volume->ClusterSectors);
}

NTSTATUS FatPermitInfo(PFAT_VOLUME Volume)
{
    MI_ASSERT(Volume->FsInfoSector != 0);
    return DiskPermitWrites(Volume->Device, Volume->FsInfoSector, 1);
}

void FatForbidStage(PFAT_VOLUME Volume)
{
    DiskForbidWrites(Volume->Device, 0, Volume->Device->Sectors);
}
