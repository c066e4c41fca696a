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
        NTSTATUS Status = FatGetEntry(Volume, Cluster, &Cluster);

        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Found++;
    }
    if (Cluster < FAT_END) {
        return STATUS_FILE_CORRUPT_ERROR;
    }
    *Count = Found;
    return STATUS_SUCCESS;
}

/* The successor of the Index-th cluster; the last one's is what will be attached. */
static NTSTATUS FatpNextCluster(PFAT_FILE File, ULONG Index, ULONG Cluster, PULONG Next)
{
    if (File->Pending != 0 && Index + 1 == File->Clusters) {
        *Next = File->Pending;
        return STATUS_SUCCESS;
    }
    return FatGetEntry(File->Volume, Cluster, Next);
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
    for (; At < Index; At++) {
        NTSTATUS Status = FatpNextCluster(File, At, Cluster, &Cluster);

        if (!NT_SUCCESS(Status)) {
            return Status;
        }
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

NTSTATUS FatResolveRuns(PFAT_FILE File, PFAT_RUN Runs, ULONG Room, PULONG Count)
{
    PFAT_VOLUME Volume = File->Volume;
    NTSTATUS Status = FatRefresh(File);
    ULONG Clusters;
    ULONG Previous = 0;
    ULONG Found = 0;
    ULONG Index;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if ((File->Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0) {
        return STATUS_FILE_IS_A_DIRECTORY;
    }
    Clusters = FatClustersOf(Volume, File->Bytes);
    for (Index = 0; Index < Clusters; Index++) {
        ULONG Cluster;

        Status = FatFindCluster(File, Index, &Cluster);
        if (!NT_SUCCESS(Status)) {
            return Status == STATUS_END_OF_FILE ? STATUS_FILE_CORRUPT_ERROR : Status;
        }
        if (Index == 0 || Cluster != Previous + 1) {
            if (Found < Room) {
                Runs[Found] = (FAT_RUN){FatClusterSector(Volume, Cluster), 0};
            }
            Found++;
        }
        if (Found <= Room) {
            Runs[Found - 1].Sectors += Volume->ClusterSectors;
        }
        Previous = Cluster;
    }
    *Count = Found;
    return Found <= Room ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}
