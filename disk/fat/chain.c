/* SPDX-License-Identifier: MIT */
/*
 * chain.c - following a file's clusters, and the runs that they make.
 *
 * A chain has no more clusters than the volume; who has made that many steps goes round in a loop.
 * A chain that ends has no loop, as each cluster has one successor.
 */
#include "disk/fat/fat_i.h"

NTSTATUS FatCountChain(PFAT_VOLUME Volume, ULONG First, PULONG Count)
{
    ULONG Cluster = First;
    ULONG Found = 0;

    if (First == 0) {
        *Count = 0;
        return STATUS_SUCCESS;
    }
    while (FatIsCluster(Volume, Cluster) && Found < Volume->Clusters) {
        ULONG Length;
        NTSTATUS Status =
            FatFollowRun(Volume, Cluster, Volume->Clusters - Found, &Length, &Cluster);

        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Found += Length;
    }
    if (Cluster < FAT_END) {
        return STATUS_FILE_CORRUPT_ERROR;
    }
    *Count = Found;
    return STATUS_SUCCESS;
}

/*
 * From the Index-th cluster up to Most further on; behind the last one comes what will be attached.
 *
 * => *Steps is at least 1.
 */
static NTSTATUS FatpGoOn(PFAT_FILE File, ULONG Index, ULONG Most, PULONG Cluster, PULONG Steps)
{
    if (File->Pending != 0 && Index < File->Clusters) {
        if (Index + 1 == File->Clusters) {
            *Cluster = File->Pending;
            *Steps = 1;
            return STATUS_SUCCESS;
        }
        Most = Most < File->Clusters - 1 - Index ? Most : File->Clusters - 1 - Index;
    }
    return FatFollowRun(File->Volume, *Cluster, Most, Steps, Cluster);
}

NTSTATUS FatFindCluster(PFAT_FILE File, ULONG Index, PULONG Found)
{
    ULONG At = 0;
    ULONG Cluster = File->FirstCluster != 0 ? File->FirstCluster : File->Pending;

    if (Cluster == 0) {
        return STATUS_END_OF_FILE;
    }
    if (File->KnownCluster != 0 && File->KnownIndex <= Index) {
        At = File->KnownIndex;
        Cluster = File->KnownCluster;
    }
    while (At < Index) {
        ULONG Steps;
        NTSTATUS Status = FatpGoOn(File, At, Index - At, &Cluster, &Steps);

        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        At += Steps;
        if (Cluster >= FAT_END) {
            return STATUS_END_OF_FILE;
        }
        if (!FatIsCluster(File->Volume, Cluster)) {
            return STATUS_FILE_CORRUPT_ERROR;
        }
    }
    File->KnownIndex = Index;
    File->KnownCluster = Cluster;
    *Found = Cluster;
    return STATUS_SUCCESS;
}

/* Runs as they are found. */
typedef struct _FATP_RUNS {
    PFAT_RUN Runs;
    ULONG Room;
    ULONG Found;
    ULONG64 End; /* the sector behind the last one */
} FATP_RUNS, *PFATP_RUNS;

/* Sectors go on from where the last run ended, or begin another.  => Those without room count. */
static void FatpAddRun(PFATP_RUNS To, ULONG64 Sector, ULONG Sectors)
{
    if (To->Found == 0 || Sector != To->End) {
        if (To->Found < To->Room) {
            To->Runs[To->Found] = (FAT_RUN){Sector, 0};
        }
        To->Found++;
    }
    if (To->Found <= To->Room) {
        To->Runs[To->Found - 1].Sectors += Sectors;
    }
    To->End = Sector + Sectors;
}

NTSTATUS FatResolveClusters(PFAT_FILE File, ULONG First, ULONG End, PFAT_RUN Runs, ULONG Room,
                            PULONG Count)
{
    FATP_RUNS Found = {.Runs = Runs, .Room = Room};
    ULONG Index = First;
    ULONG Cluster;
    ULONG Next;
    ULONG Length;
    NTSTATUS Status;

    while (Index < End) {
        ULONG Most =
            (Index < File->Clusters && File->Clusters < End ? File->Clusters : End) - Index;

        Status = FatFindCluster(File, Index, &Cluster);
        if (NT_SUCCESS(Status)) {
            Status = FatFollowRun(File->Volume, Cluster, Most, &Length, &Next);
        }
        if (!NT_SUCCESS(Status)) {
            return Status == STATUS_END_OF_FILE ? STATUS_FILE_CORRUPT_ERROR : Status;
        }
        FatpAddRun(&Found, FatClusterSector(File->Volume, Cluster),
                   Length * File->Volume->ClusterSectors);
        Index += Length;
    }
    *Count = Found.Found;
    return Found.Found <= Room ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

NTSTATUS FatResolveRuns(PFAT_FILE File, PFAT_RUN Runs, ULONG Room, PULONG Count)
{
    NTSTATUS Status = FatRefresh(File);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if ((File->Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0) {
        return STATUS_FILE_IS_A_DIRECTORY;
    }
    return FatResolveClusters(File, 0, FatClustersOf(File->Volume, File->Bytes), Runs, Room, Count);
}
