/* SPDX-License-Identifier: MIT */
/*
 * change.c - create, delete, make a directory; commit.c has the table of stages.
 */
#include "disk/fat/fat_i.h"

NTSTATUS FatFinishChange(PFAT_VOLUME Volume, NTSTATUS Status)
{
    if (NT_SUCCESS(Status)) {
        Status = FatCommit(Volume);
    }
    if (!NT_SUCCESS(Status)) {
        FatAbandon(Volume);
    }
    return Status;
}

NTSTATUS FatFindPath(PFAT_VOLUME Volume, const char *Text, PFAT_PATH Path, PFAT_ENTRY Entry)
{
    NTSTATUS Status = FatWalkPath(Volume, Text, 0, Path);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return Path->Units == 0 ? STATUS_ACCESS_DENIED
                            : FatFindName(&Path->Directory, Path->Name, Path->Units, Entry);
}

/* => STATUS_SUCCESS: the path leads to a name that is free. */
static NTSTATUS FatpWalkToFreeName(PFAT_VOLUME Volume, const char *Text, ULONG Except,
                                   PFAT_PATH Path)
{
    FAT_ENTRY Entry;
    NTSTATUS Status = FatSettleRename(Volume);

    if (NT_SUCCESS(Status)) {
        Status = FatWalkPath(Volume, Text, Except, Path);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Path->Units == 0) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    Status = FatFindName(&Path->Directory, Path->Name, Path->Units, &Entry);
    if (NT_SUCCESS(Status)) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    return Status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_SUCCESS : Status;
}

NTSTATUS FatCreate(PFAT_VOLUME Volume, const char *Text, UCHAR Attributes, PFAT_FILE File)
{
    FAT_NEW_ENTRY New = {
        .Attributes = (UCHAR)(Attributes & ~(FAT_ATTRIBUTE_DIRECTORY | FAT_ATTRIBUTE_LABEL))};
    FAT_LOCATION Location;
    FAT_PATH Path;
    NTSTATUS Status = FatpWalkToFreeName(Volume, Text, 0, &Path);

    if (NT_SUCCESS(Status)) {
        Status = FatBeginChange(Volume);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatFinishChange(Volume, FatInsertEntry(&Path, &New, &Location));
    if (NT_SUCCESS(Status)) {
        memset(File, 0, sizeof(*File));
        File->Volume = Volume;
        File->Location = Location;
        File->Attributes = New.Attributes;
    }
    return Status;
}

/* ---- directories ---- */

/* A directory's first two entries: itself, and the one above (0: the root). */
static NTSTATUS FatpPutDots(PFAT_VOLUME Volume, ULONG Cluster, ULONG Above)
{
    static const UCHAR Dots[2][11] = {".          ", "..         "};
    FAT_NEW_ENTRY New = {.Attributes = FAT_ATTRIBUTE_DIRECTORY, .FirstCluster = Cluster};
    PUCHAR Data;
    NTSTATUS Status = FatZeroCluster(Volume, Cluster);

    if (NT_SUCCESS(Status)) {
        Status = FatReadSector(Volume, FatClusterSector(Volume, Cluster), &Data);
    }
    if (NT_SUCCESS(Status)) {
        FatEncodeShortEntry(Dots[0], &New, Data);
        New.FirstCluster = Above;
        FatEncodeShortEntry(Dots[1], &New, Data + FAT_ENTRY_BYTES);
        FatMarkSector(Volume, FatClusterSector(Volume, Cluster));
    }
    return Status;
}

ULONG FatAbove(const FAT_FILE *Directory)
{
    return Directory->Root ? 0 : Directory->FirstCluster;
}

NTSTATUS FatCreateDirectory(PFAT_VOLUME Volume, const char *Text)
{
    FAT_NEW_ENTRY New = {.Attributes = FAT_ATTRIBUTE_DIRECTORY};
    FAT_LOCATION Location;
    FAT_PATH Path;
    NTSTATUS Status = FatpWalkToFreeName(Volume, Text, 0, &Path);

    if (NT_SUCCESS(Status)) {
        Status = FatBeginChange(Volume);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatAllocateChain(Volume, 1, 0, &New.FirstCluster);
    if (NT_SUCCESS(Status)) {
        Status = FatpPutDots(Volume, New.FirstCluster, FatAbove(&Path.Directory));
    }
    if (NT_SUCCESS(Status)) {
        Status = FatCommit(Volume);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatInsertEntry(&Path, &New, &Location);
    }
    return FatFinishChange(Volume, Status);
}

/* ---- delete ---- */

static NTSTATUS FatpCanDelete(PFAT_VOLUME Volume, const FAT_ENTRY *Entry, PFAT_FILE File)
{
    NTSTATUS Status = FatOpenEntry(Volume, Entry, File);

    if (NT_SUCCESS(Status) && (Entry->Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0) {
        Status = FatIsDirectoryEmpty(File);
        if (NT_SUCCESS(Status)) {
            Status = FatCountChain(Volume, File->FirstCluster, &File->Clusters);
        }
    }
    return Status;
}

/* => FirstCluster, or 0, is lost: no name leads to it.  On failure FatFinishChange is done. */
static NTSTATUS FatpUnlink(PFAT_VOLUME Volume, const FAT_ENTRY *Entry, PULONG FirstCluster)
{
    FAT_FILE File = {.FirstCluster = 0};
    NTSTATUS Status = FatpCanDelete(Volume, Entry, &File);

    if (NT_SUCCESS(Status)) {
        Status = FatBeginChange(Volume);
    }
    if (NT_SUCCESS(Status) && Volume->CrossLinked && File.FirstCluster != 0) {
        Status = STATUS_DISK_CORRUPT_ERROR;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    *FirstCluster = File.FirstCluster;
    return FatFinishChange(Volume, FatRemoveEntry(Volume, &Entry->Location));
}

NTSTATUS FatFreeLost(PFAT_VOLUME Volume, ULONG FirstCluster)
{
    NTSTATUS Status = FatBeginChange(Volume);

    return NT_SUCCESS(Status) ? FatFinishChange(Volume, FatFreeChain(Volume, FirstCluster))
                              : Status;
}

static NTSTATUS FatpDelete(PFAT_VOLUME Volume, const FAT_ENTRY *Entry)
{
    ULONG FirstCluster = 0;
    NTSTATUS Status = FatpUnlink(Volume, Entry, &FirstCluster);

    return NT_SUCCESS(Status) && FirstCluster != 0 ? FatFreeLost(Volume, FirstCluster) : Status;
}

NTSTATUS FatDelete(PFAT_VOLUME Volume, const char *Text)
{
    FAT_PATH Path;
    FAT_ENTRY Entry;
    NTSTATUS Status = FatFindPath(Volume, Text, &Path, &Entry);

    if (NT_SUCCESS(Status) && (Entry.Attributes & FAT_ATTRIBUTE_READ_ONLY) != 0) {
        Status = STATUS_ACCESS_DENIED;
    }
    return NT_SUCCESS(Status) ? FatpDelete(Volume, &Entry) : Status;
}

NTSTATUS FatDeleteGranted(PFAT_VOLUME Volume, const char *Text)
{
    FAT_PATH Path;
    FAT_ENTRY Entry;
    NTSTATUS Status = FatFindPath(Volume, Text, &Path, &Entry);

    return NT_SUCCESS(Status) ? FatpDelete(Volume, &Entry) : Status;
}

NTSTATUS FatUnlinkGranted(PFAT_VOLUME Volume, const char *Text, PULONG FirstCluster)
{
    FAT_PATH Path;
    FAT_ENTRY Entry;
    NTSTATUS Status = FatFindPath(Volume, Text, &Path, &Entry);

    return NT_SUCCESS(Status) ? FatpUnlink(Volume, &Entry, FirstCluster) : Status;
}
