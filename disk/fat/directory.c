/* SPDX-License-Identifier: MIT */
/*
 * directory.c - the entries of a directory, in order, and finding one by its name.
 *
 * A directory is an array of 32-byte entries: in clusters like a file's, but for the fixed root of
 * FAT12 and FAT16.  Its length stands nowhere; the first entry that begins with 00 ends it, or the
 * end of its chain.  It has at most FAT_MOST_ENTRIES, which bounds every walk, loops too.
 *
 *     0   name; E5 deleted, 00 nothing from here on
 *     11  attributes                  12  case of the short name
 *     20  first cluster, high half    22  time, date of the last change
 *     26  first cluster, low half     28  size
 */
#include "disk/fat/fat_i.h"

#define FATP_ATTRIBUTE_MASK 0x3Fu

static NTSTATUS FatpEntrySector(PFAT_FILE Directory, ULONG Index, ULONG64 *Sector)
{
    PFAT_VOLUME Volume = Directory->Volume;
    ULONG Offset = Index * FAT_ENTRY_BYTES;
    ULONG Cluster;
    NTSTATUS Status;

    if (Index >= FAT_MOST_ENTRIES) {
        return STATUS_END_OF_FILE;
    }
    if (Directory->FirstCluster == 0) {
        *Sector = Volume->RootSector + Offset / Volume->SectorBytes;
        return Index < Volume->RootEntries ? STATUS_SUCCESS : STATUS_END_OF_FILE;
    }
    Status = FatFindCluster(Directory, Offset / Volume->ClusterBytes, &Cluster);
    if (NT_SUCCESS(Status)) {
        *Sector =
            FatClusterSector(Volume, Cluster) + Offset % Volume->ClusterBytes / Volume->SectorBytes;
    }
    return Status == STATUS_FILE_CORRUPT_ERROR ? STATUS_DISK_CORRUPT_ERROR : Status;
}

NTSTATUS FatReadEntry(PFAT_FILE Directory, ULONG Index, PFAT_LOCATION Location, PUCHAR *Data)
{
    PFAT_VOLUME Volume = Directory->Volume;
    NTSTATUS Status = FatpEntrySector(Directory, Index, &Location->Sector);

    if (NT_SUCCESS(Status)) {
        Status = FatReadSector(Volume, Location->Sector, Data);
    }
    if (NT_SUCCESS(Status)) {
        Location->Directory = Directory->Root ? 0 : Directory->FirstCluster;
        Location->Index = Index;
        Location->Offset = Index * FAT_ENTRY_BYTES % Volume->SectorBytes;
        *Data += Location->Offset;
    }
    return Status;
}

/* A short entry, and the long name before it when that is its own. */
static void FatpDecodeEntry(const FAT_VOLUME *Volume, const UCHAR *Data, const FAT_LONG_NAME *Long,
                            PFAT_ENTRY Entry)
{
    memcpy(Entry->ShortName, Data, 11);
    Entry->Attributes = Data[11] & FATP_ATTRIBUTE_MASK;
    FatGetTimes(Data, &Entry->Times);
    Entry->FirstCluster = FatGetFirstCluster(Volume, Data);
    Entry->Bytes = FatGet32(Data + 28);
    Entry->Location.First = Entry->Location.Index;
    if (Long->Valid && Long->Expected == 0 && Long->Checksum == FatShortChecksum(Data)) {
        Entry->Units = Long->Units;
        Entry->Location.First = Long->First;
    } else {
        Entry->Units = FatDecodeShortName(Data, Data[12], Entry->Name);
    }
    Entry->Name[Entry->Units] = 0;
}

static BOOLEAN FatpIsShown(const UCHAR *Data)
{
    return (Data[11] & FAT_ATTRIBUTE_LABEL) == 0 && Data[0] != '.';
}

NTSTATUS FatEnumerate(PFAT_FILE Directory, PULONG Position, PFAT_ENTRY Entry)
{
    FAT_LONG_NAME Long = {.Valid = FALSE};

    if ((Directory->Attributes & FAT_ATTRIBUTE_DIRECTORY) == 0) {
        return STATUS_NOT_A_DIRECTORY;
    }
    for (;; (*Position)++) {
        PUCHAR Data;
        NTSTATUS Status = FatReadEntry(Directory, *Position, &Entry->Location, &Data);

        if (Status == STATUS_END_OF_FILE) {
            return *Position >= FAT_MOST_ENTRIES ? STATUS_DISK_CORRUPT_ERROR : STATUS_NO_MORE_FILES;
        }
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        if (Data[0] == 0) {
            return STATUS_NO_MORE_FILES;
        }
        if (Data[0] == FAT_DELETED) {
            Long.Valid = FALSE;
        } else if ((Data[11] & FATP_ATTRIBUTE_MASK) == FAT_ATTRIBUTE_LONG) {
            FatDecodeLongPart(&Long, Data, *Position, Entry->Name);
        } else if (FatpIsShown(Data)) {
            FatpDecodeEntry(Directory->Volume, Data, &Long, Entry);
            (*Position)++;
            return STATUS_SUCCESS;
        } else {
            Long.Valid = FALSE;
        }
    }
}

NTSTATUS FatFindName(PFAT_FILE Directory, const WCHAR *Name, ULONG Units, PFAT_ENTRY Entry)
{
    WCHAR Short[13];
    ULONG Position = 0;
    NTSTATUS Status;

    for (;;) {
        Status = FatEnumerate(Directory, &Position, Entry);
        if (!NT_SUCCESS(Status)) {
            return Status == STATUS_NO_MORE_FILES ? STATUS_OBJECT_NAME_NOT_FOUND : Status;
        }
        if (FatSameName(Entry->Name, Entry->Units, Name, Units) ||
            FatSameName(Short, FatDecodeShortName(Entry->ShortName, 0, Short), Name, Units)) {
            return STATUS_SUCCESS;
        }
    }
}

NTSTATUS FatFindShortName(PFAT_FILE Directory, const UCHAR *ShortName)
{
    FAT_ENTRY Entry;
    ULONG Position = 0;
    NTSTATUS Status;

    do {
        Status = FatEnumerate(Directory, &Position, &Entry);
    } while (NT_SUCCESS(Status) && memcmp(Entry.ShortName, ShortName, 11) != 0);
    return Status == STATUS_NO_MORE_FILES ? STATUS_OBJECT_NAME_NOT_FOUND : Status;
}

NTSTATUS FatIsDirectoryEmpty(PFAT_FILE Directory)
{
    FAT_ENTRY Entry;
    ULONG Position = 0;
    NTSTATUS Status = FatEnumerate(Directory, &Position, &Entry);

    if (NT_SUCCESS(Status)) {
        return STATUS_DIRECTORY_NOT_EMPTY;
    }
    return Status == STATUS_NO_MORE_FILES ? STATUS_SUCCESS : Status;
}
