/* SPDX-License-Identifier: MIT */
/*
 * rename.c - another name or place for a file or directory; commit.c has the table of stages.
 *
 * Old and new entry in one sector are exchanged by one write.  Else a power cut could leave both
 * names for one chain, or none: rename_record.c says how the second becomes harmless.
 */
#include "disk/fat/fat_i.h"

static NTSTATUS FatpReadShortEntry(PFAT_VOLUME Volume, const FAT_ENTRY *Entry, PUCHAR Copy)
{
    PUCHAR Data;
    NTSTATUS Status = FatReadSector(Volume, Entry->Location.Sector, &Data);

    if (NT_SUCCESS(Status)) {
        memcpy(Copy, Data + Entry->Location.Offset, FAT_ENTRY_BYTES);
    }
    return Status;
}

/*
 * => The entries lie in one sector.  Nothing is read between the two changes of it: the cache may
 *    write a sector whenever it reads another.
 */
static NTSTATUS FatpExchangeAtOnce(PFAT_VOLUME Volume, const FAT_LOCATION *Old,
                                   const FAT_SLOT *Slot, const FAT_NEW_ENTRY *New)
{
    PUCHAR Data;
    NTSTATUS Status = FatPermitDirectorySector(Volume, Old->Sector);

    if (NT_SUCCESS(Status)) {
        Status = FatReadSector(Volume, Old->Sector, &Data);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    FatEncodeShortEntry(Slot->ShortName, New, Data + Slot->Location.Offset);
    Data[Old->Offset] = FAT_DELETED;
    FatMarkSector(Volume, Old->Sector);
    return FatRemoveEntry(Volume, Old); /* the parts of its long name */
}

/* => The entries lie in different sectors. */
static NTSTATUS FatpExchangeByRecord(PFAT_VOLUME Volume, const FAT_LOCATION *Old,
                                     const FAT_SLOT *Slot, const FAT_NEW_ENTRY *New)
{
    FAT_RENAME Rename = {.OldDirectory = Old->Directory,
                         .OldIndex = Old->Index,
                         .NewDirectory = Slot->Location.Directory,
                         .NewIndex = Slot->Location.Index,
                         .First = Slot->ShortName[0]};
    PUCHAR Data;
    NTSTATUS Status = FatChangeEntry(Volume, Rename.NewDirectory, Rename.NewIndex, &Data);

    if (NT_SUCCESS(Status)) {
        FatEncodeShortEntry(Slot->ShortName, New, Data);
        Data[0] = FAT_DELETED;
        Status = FatWriteRenameRecord(Volume, &Rename);
    }
    if (NT_SUCCESS(Status)) {
        Volume->RenamePending = TRUE;
        Status = FatCommit(Volume);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatRemoveEntry(Volume, Old);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatCommit(Volume);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatCompleteRename(Volume, &Rename);
    }
    if (NT_SUCCESS(Status)) {
        Volume->RenamePending = FALSE;
    }
    return Status;
}

/* => Old entry and new name are good. */
static NTSTATUS FatpRename(PFAT_VOLUME Volume, const FAT_ENTRY *Entry, PFAT_PATH Path)
{
    UCHAR Old[FAT_ENTRY_BYTES];
    FAT_NEW_ENTRY New = {.Old = Old};
    FAT_SLOT Slot = {.Location = {.Sector = 0}};
    NTSTATUS Status = FatpReadShortEntry(Volume, Entry, Old);

    if (NT_SUCCESS(Status)) {
        Status = FatPrepareEntry(Path, &Slot);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Slot.Location.Sector == Entry->Location.Sector) {
        return FatpExchangeAtOnce(Volume, &Entry->Location, &Slot, &New);
    }
    return Volume->CrossLinked ? STATUS_DISK_CORRUPT_ERROR
                               : FatpExchangeByRecord(Volume, &Entry->Location, &Slot, &New);
}

/* => STATUS_SUCCESS: nobody else has the name; another case of its own name is no other file. */
static NTSTATUS FatpIsNameFree(PFAT_PATH Path, const FAT_ENTRY *Entry)
{
    FAT_ENTRY Other;
    NTSTATUS Status = Path->Units == 0
                          ? STATUS_OBJECT_NAME_COLLISION
                          : FatFindName(&Path->Directory, Path->Name, Path->Units, &Other);

    if (NT_SUCCESS(Status)) {
        return Other.Location.Sector == Entry->Location.Sector &&
                       Other.Location.Offset == Entry->Location.Offset
                   ? STATUS_SUCCESS
                   : STATUS_OBJECT_NAME_COLLISION;
    }
    return Status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_SUCCESS : Status;
}

NTSTATUS FatRename(PFAT_VOLUME Volume, const char *OldText, const char *NewText)
{
    FAT_PATH Path;
    FAT_ENTRY Entry = {.Attributes = 0};
    FAT_FILE File;
    NTSTATUS Status = FatSettleRename(Volume);

    if (NT_SUCCESS(Status)) {
        Status = FatFindPath(Volume, OldText, &Path, &Entry);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatOpenEntry(Volume, &Entry, &File);
    }
    if (NT_SUCCESS(Status)) {
        BOOLEAN IsDirectory = (Entry.Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0;

        Status = FatWalkPath(Volume, NewText, IsDirectory ? Entry.FirstCluster : 0, &Path);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpIsNameFree(&Path, &Entry);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatBeginChange(Volume);
    }
    return NT_SUCCESS(Status) ? FatFinishChange(Volume, FatpRename(Volume, &Entry, &Path)) : Status;
}

/*
 * The target's own entries are room too; one more in the root directory is then enough for the
 * record, as those in a row that the new name takes leave one of them.  Where both files stand in
 * one sector of the root, what is left is room for the record, or the new name stands there too.
 */
static NTSTATUS FatpMakeRoomToReplace(PFAT_VOLUME Volume, PFAT_PATH Path, const FAT_ENTRY *Old,
                                      const FAT_ENTRY *Target)
{
    UCHAR ShortName[11];
    ULONG Needed =
        FatFitsShortName(Path->Name, Path->Units, ShortName) ? 1 : FatLongEntries(Path->Units) + 1;
    NTSTATUS Status = Volume->CrossLinked ? STATUS_DISK_CORRUPT_ERROR : STATUS_SUCCESS;
    FAT_FILE Root;
    ULONG Index;

    if (NT_SUCCESS(Status) && Needed > Target->Location.Index - Target->Location.First + 1) {
        Status = FatFindFreeEntries(&Path->Directory, Needed, FAT_NO_ENTRY, &Index);
    }
    if (!NT_SUCCESS(Status) ||
        (Path->Directory.Root && Target->Location.Sector == Old->Location.Sector)) {
        return Status;
    }
    FatOpenRoot(Volume, &Root);
    return FatFindFreeEntries(&Root, 1, FAT_NO_ENTRY, &Index);
}

NTSTATUS FatPrepareReplace(PFAT_VOLUME Volume, const char *OldText, const char *NewText)
{
    FAT_PATH Path;
    FAT_ENTRY Old = {.Attributes = 0};
    FAT_ENTRY Target = {.Attributes = 0};
    NTSTATUS Status = FatFindPath(Volume, OldText, &Path, &Old);

    if (NT_SUCCESS(Status)) {
        BOOLEAN IsDirectory = (Old.Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0;

        Status = FatWalkPath(Volume, NewText, IsDirectory ? Old.FirstCluster : 0, &Path);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatFindName(&Path.Directory, Path.Name, Path.Units, &Target);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatBeginChange(Volume);
    }
    return NT_SUCCESS(Status)
               ? FatFinishChange(Volume, FatpMakeRoomToReplace(Volume, &Path, &Old, &Target))
               : Status;
}
