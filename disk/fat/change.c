/* SPDX-License-Identifier: MIT */
/*
 * change.c - create, delete, rename, make a directory; commit.c has the table of stages.
 */
#include "disk/fat/fat_i.h"

static NTSTATUS FatpFinish(PFAT_VOLUME Volume, NTSTATUS Status)
{
    if (NT_SUCCESS(Status)) {
        Status = FatCommit(Volume);
    }
    if (!NT_SUCCESS(Status)) {
        FatAbandon(Volume);
    }
    return Status;
}

/* => STATUS_SUCCESS: the path leads to a name that is free. */
static NTSTATUS FatpWalkToFreeName(PFAT_VOLUME Volume, const char *Text, ULONG Except,
                                   PFAT_PATH Path)
{
    FAT_ENTRY Entry;
    NTSTATUS Status = FatWalkPath(Volume, Text, Except, Path);

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
    Status = FatpFinish(Volume, FatInsertEntry(&Path, &New, &Location));
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

static ULONG FatpAbove(const FAT_FILE *Directory)
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
        Status = FatpPutDots(Volume, New.FirstCluster, FatpAbove(&Path.Directory));
    }
    if (NT_SUCCESS(Status)) {
        Status = FatCommit(Volume);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatInsertEntry(&Path, &New, &Location);
    }
    return FatpFinish(Volume, Status);
}

/* ---- delete ---- */

static NTSTATUS FatpMayDelete(PFAT_VOLUME Volume, const FAT_ENTRY *Entry, PFAT_FILE File)
{
    NTSTATUS Status = FatOpenEntry(Volume, Entry, File);

    if (NT_SUCCESS(Status) && (Entry->Attributes & FAT_ATTRIBUTE_READ_ONLY) != 0) {
        Status = STATUS_ACCESS_DENIED;
    }
    if (NT_SUCCESS(Status) && (Entry->Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0) {
        Status = FatIsDirectoryEmpty(File);
        if (NT_SUCCESS(Status)) {
            Status = FatCountChain(Volume, File->FirstCluster, &File->Clusters);
        }
    }
    return Status;
}

NTSTATUS FatDelete(PFAT_VOLUME Volume, const char *Text)
{
    FAT_PATH Path;
    FAT_ENTRY Entry;
    FAT_FILE File = {.FirstCluster = 0};
    NTSTATUS Status = FatWalkPath(Volume, Text, 0, &Path);

    if (NT_SUCCESS(Status)) {
        Status = Path.Units == 0 ? STATUS_ACCESS_DENIED
                                 : FatFindName(&Path.Directory, Path.Name, Path.Units, &Entry);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpMayDelete(Volume, &Entry, &File);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatBeginChange(Volume);
    }
    if (NT_SUCCESS(Status) && Volume->CrossLinked && File.FirstCluster != 0) {
        Status = STATUS_DISK_CORRUPT_ERROR;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatRemoveEntry(Volume, &Entry.Location);
    if (NT_SUCCESS(Status) && File.FirstCluster != 0) {
        Status = FatCommit(Volume);
        Status = NT_SUCCESS(Status) ? FatFreeChain(Volume, File.FirstCluster) : Status;
    }
    return FatpFinish(Volume, Status);
}

/* ---- rename ---- */

/* Copy the entry under its new name.  => Not committed. */
static NTSTATUS FatpInsertRenamed(PFAT_VOLUME Volume, PFAT_PATH Path, const FAT_ENTRY *Entry,
                                  PFAT_LOCATION Location)
{
    UCHAR Old[FAT_ENTRY_BYTES];
    FAT_NEW_ENTRY New = {.Old = Old};
    PUCHAR Data;
    NTSTATUS Status = FatReadSector(Volume, Entry->Location.Sector, &Data);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    memcpy(Old, Data + Entry->Location.Offset, FAT_ENTRY_BYTES);
    return FatInsertEntry(Path, &New, Location);
}

/* A directory in another place: its .. says so. */
static NTSTATUS FatpPointUp(PFAT_VOLUME Volume, ULONG Cluster, ULONG Above)
{
    PUCHAR Data;
    NTSTATUS Status = FatReadSector(Volume, FatClusterSector(Volume, Cluster), &Data);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Data += FAT_ENTRY_BYTES;
    if (Data[0] != '.' || Data[1] != '.') {
        return STATUS_DISK_CORRUPT_ERROR;
    }
    Status = FatPermitDirectorySector(Volume, FatClusterSector(Volume, Cluster));
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    FatPut16(Data + 26, Above);
    FatPut16(Data + 20, Above >> 16);
    FatMarkSector(Volume, FatClusterSector(Volume, Cluster));
    return STATUS_SUCCESS;
}

/* => Old entry and new name are good.  Stages of commit.c. */
static NTSTATUS FatpRename(PFAT_VOLUME Volume, const FAT_PATH *Old, const FAT_ENTRY *Entry,
                           PFAT_PATH New)
{
    FAT_LOCATION Location = {.Sector = 0};
    NTSTATUS Status = FatpInsertRenamed(Volume, New, Entry, &Location);
    BOOLEAN Moved = FatpAbove(&Old->Directory) != FatpAbove(&New->Directory);

    if (NT_SUCCESS(Status) && Location.Sector != Entry->Location.Sector) {
        Status = FatCommit(Volume);
    }
    if (NT_SUCCESS(Status) && Moved && (Entry->Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0) {
        Status = FatpPointUp(Volume, Entry->FirstCluster, FatpAbove(&New->Directory));
        Status = NT_SUCCESS(Status) ? FatCommit(Volume) : Status;
    }
    return NT_SUCCESS(Status) ? FatRemoveEntry(Volume, &Entry->Location) : Status;
}

NTSTATUS FatRename(PFAT_VOLUME Volume, const char *OldText, const char *NewText)
{
    FAT_PATH Old;
    FAT_PATH New;
    FAT_ENTRY Entry = {.Attributes = 0};
    FAT_ENTRY Other;
    FAT_FILE File;
    NTSTATUS Status = FatWalkPath(Volume, OldText, 0, &Old);

    if (NT_SUCCESS(Status)) {
        Status = Old.Units == 0 ? STATUS_ACCESS_DENIED
                                : FatFindName(&Old.Directory, Old.Name, Old.Units, &Entry);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatOpenEntry(Volume, &Entry, &File);
    }
    if (NT_SUCCESS(Status)) {
        BOOLEAN IsDirectory = (Entry.Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0;

        Status = FatWalkPath(Volume, NewText, IsDirectory ? Entry.FirstCluster : 0, &New);
    }
    if (NT_SUCCESS(Status)) {
        Status = New.Units == 0 ? STATUS_OBJECT_NAME_COLLISION
                                : FatFindName(&New.Directory, New.Name, New.Units, &Other);
        if (NT_SUCCESS(Status)) { /* another case of its own name is no other file */
            Status = Other.Location.Sector == Entry.Location.Sector &&
                             Other.Location.Offset == Entry.Location.Offset
                         ? STATUS_SUCCESS
                         : STATUS_OBJECT_NAME_COLLISION;
        } else if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
            Status = STATUS_SUCCESS;
        }
    }
    if (NT_SUCCESS(Status)) {
        Status = FatBeginChange(Volume);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return FatpFinish(Volume, FatpRename(Volume, &Old, &Entry, &New));
}
