/* SPDX-License-Identifier: MIT */
/*
 * file.c - opening and reading.
 *
 * Invariants of an open file (checked when it is opened, so that the rest may rely on them):
 *   F1  its chain ends, after Clusters clusters, all of them the volume's
 *   F2  Clusters is enough for Bytes
 */
#include "disk/fat/fat_i.h"

void FatOpenDirectory(PFAT_VOLUME Volume, ULONG Cluster, PFAT_FILE File)
{
    memset(File, 0, sizeof(*File));
    File->Volume = Volume;
    File->Attributes = FAT_ATTRIBUTE_DIRECTORY;
    File->FirstCluster = Cluster;
    File->Root = Cluster == 0 || (Volume->Kind == 32 && Cluster == Volume->RootCluster);
    if (File->Root && Volume->Kind == 32) {
        File->FirstCluster = Volume->RootCluster;
    }
}

void FatOpenRoot(PFAT_VOLUME Volume, PFAT_FILE File)
{
    FatOpenDirectory(Volume, 0, File);
}

static NTSTATUS FatpOpenFile(PFAT_VOLUME Volume, ULONG FirstCluster, ULONG Bytes, PFAT_FILE File)
{
    NTSTATUS Status;

    if (FirstCluster != 0 && !FatIsCluster(Volume, FirstCluster)) {
        return STATUS_FILE_CORRUPT_ERROR;
    }
    Status = FatCountChain(Volume, FirstCluster, &File->Clusters);
    if (NT_SUCCESS(Status) && FatClustersOf(Volume, Bytes) > File->Clusters) {
        Status = STATUS_FILE_CORRUPT_ERROR;
    }
    File->FirstCluster = FirstCluster;
    File->Bytes = Bytes;
    File->KnownCluster = 0;
    File->Pending = 0;
    return Status;
}

NTSTATUS FatOpenEntry(PFAT_VOLUME Volume, const FAT_ENTRY *Entry, PFAT_FILE File)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if ((Entry->Attributes & FAT_ATTRIBUTE_DIRECTORY) == 0) {
        memset(File, 0, sizeof(*File));
        File->Volume = Volume;
        Status = FatpOpenFile(Volume, Entry->FirstCluster, Entry->Bytes, File);
    } else if (FatIsCluster(Volume, Entry->FirstCluster)) {
        FatOpenDirectory(Volume, Entry->FirstCluster, File);
        Status = File->Root ? STATUS_DISK_CORRUPT_ERROR : STATUS_SUCCESS;
    } else {
        return STATUS_DISK_CORRUPT_ERROR;
    }
    File->Location = Entry->Location;
    File->Attributes = Entry->Attributes;
    return Status;
}

NTSTATUS FatRefresh(PFAT_FILE File)
{
    PUCHAR Data;
    NTSTATUS Status;

    if (!File->Stale) {
        return STATUS_SUCCESS;
    }
    Status = FatReadSector(File->Volume, File->Location.Sector, &Data);
    if (NT_SUCCESS(Status)) {
        Data += File->Location.Offset;
        Status = FatpOpenFile(File->Volume, FatGet16(Data + 26) | FatGet16(Data + 20) << 16,
                              FatGet32(Data + 28), File);
    }
    if (NT_SUCCESS(Status)) {
        File->Stale = FALSE;
        File->Permitted = FALSE; /* it may have other clusters now */
    }
    return Status;
}

NTSTATUS FatOpen(PFAT_VOLUME Volume, const char *Text, PFAT_FILE File)
{
    FAT_PATH Path;
    FAT_ENTRY Entry;
    NTSTATUS Status = FatWalkPath(Volume, Text, 0, &Path);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Path.Units == 0) {
        FatOpenRoot(Volume, File);
        return STATUS_SUCCESS;
    }
    Status = FatFindName(&Path.Directory, Path.Name, Path.Units, &Entry);
    return NT_SUCCESS(Status) ? FatOpenEntry(Volume, &Entry, File) : Status;
}

/* ---- reading ---- */

/* Whole sectors from Sector on that lie in consecutive clusters of the file, at most Most. */
static NTSTATUS FatpMeasureRun(PFAT_FILE File, ULONG Offset, ULONG Most, ULONG64 *Sector,
                               PULONG Sectors)
{
    PFAT_VOLUME Volume = File->Volume;
    ULONG Index = Offset / Volume->ClusterBytes;
    ULONG Skip = Offset % Volume->ClusterBytes / Volume->SectorBytes;
    ULONG First;
    ULONG Next;
    ULONG Count = 1;
    NTSTATUS Status = FatFindCluster(File, Index, &First);

    if (!NT_SUCCESS(Status)) {
        return Status == STATUS_END_OF_FILE ? STATUS_FILE_CORRUPT_ERROR : Status;
    }
    *Sector = FatClusterSector(Volume, First) + Skip;
    *Sectors = Volume->ClusterSectors - Skip;
    while (*Sectors < Most && NT_SUCCESS(FatFindCluster(File, Index + Count, &Next)) &&
           Next == First + Count) {
        *Sectors += Volume->ClusterSectors;
        Count++;
    }
    if (*Sectors > Most) {
        *Sectors = Most != 0 ? Most : 1;
    }
    return STATUS_SUCCESS;
}

NTSTATUS FatTransferPart(PFAT_FILE File, ULONG Offset, ULONG Bytes, PUCHAR To, const UCHAR *From,
                         PULONG Moved)
{
    PFAT_VOLUME Volume = File->Volume;
    ULONG InSector = Offset % Volume->SectorBytes;
    ULONG64 Sector;
    ULONG Sectors;
    PUCHAR Data;
    NTSTATUS Status = FatpMeasureRun(File, Offset, Bytes / Volume->SectorBytes, &Sector, &Sectors);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (InSector == 0 && Bytes >= Volume->SectorBytes) {
        *Moved = Sectors * Volume->SectorBytes;
        return From == NULL ? DiskTransfer(Volume->Device, DiskRead, Sector, Sectors, To)
                            : FatWriteThrough(Volume, Sector, Sectors, From);
    }
    *Moved = Volume->SectorBytes - InSector < Bytes ? Volume->SectorBytes - InSector : Bytes;
    Status = FatReadSector(Volume, Sector, &Data);
    if (NT_SUCCESS(Status) && From == NULL) {
        memcpy(To, Data + InSector, *Moved);
    } else if (NT_SUCCESS(Status)) {
        memcpy(Data + InSector, From, *Moved);
        FatMarkSector(Volume, Sector);
    }
    return Status;
}

NTSTATUS FatRead(PFAT_FILE File, ULONG Offset, ULONG Bytes, PVOID Buffer, PULONG Done)
{
    NTSTATUS Status;
    ULONG Read = 0;

    if ((File->Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0) {
        return STATUS_FILE_IS_A_DIRECTORY;
    }
    Status = FatRefresh(File);
    if (NT_SUCCESS(Status) && Offset >= File->Bytes && Bytes != 0) {
        Status = STATUS_END_OF_FILE;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Bytes != 0 && Bytes > File->Bytes - Offset) {
        Bytes = File->Bytes - Offset;
    }
    while (Read < Bytes) {
        ULONG Moved;

        Status =
            FatTransferPart(File, Offset + Read, Bytes - Read, (PUCHAR)Buffer + Read, NULL, &Moved);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Read += Moved;
    }
    *Done = Read;
    return STATUS_SUCCESS;
}
