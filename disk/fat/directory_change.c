/* SPDX-License-Identifier: MIT */
/*
 * directory_change.c - entries come and go; the order of the writes is commit.c's.
 *
 * A name's entries stand side by side: long name parts, then the short entry.  What lies in one
 * sector reaches the disk together; of several sectors a name comes from the first to the last and
 * goes from the last to the first, so that parts without a short entry are a name's beginning.
 */
#include "disk/fat/fat_i.h"
#include "ke.h"

/* ---- the short entry ---- */

/* => The hundredths of a second that the time does not tell. */
static UCHAR FatpPutTime(PUCHAR Data, UCHAR Keeps)
{
    LARGE_INTEGER Now;
    TIME_FIELDS Fields;
    ULONG Date = 0x21; /* 1 January 1980 */
    ULONG Time = 0;
    ULONG Rest = 0;

    KeQuerySystemTime(&Now);
    RtlTimeToTimeFields(&Now, &Fields);
    if (Fields.Year >= 1980 && Fields.Year <= 2107) {
        Date = (ULONG)(Fields.Year - 1980) << 9 | (ULONG)Fields.Month << 5 | (ULONG)Fields.Day;
        Time = (ULONG)Fields.Hour << 11 | (ULONG)Fields.Minute << 5 | (ULONG)(Fields.Second / 2);
        Rest = (ULONG)(Fields.Second % 2 * 100 + Fields.Milliseconds / 10);
    }
    if ((Keeps & FAT_KEEP_ACCESS) == 0) {
        FatPut16(Data + 18, Date);
    }
    if ((Keeps & FAT_KEEP_WRITE) == 0) {
        FatPut16(Data + 22, Time);
        FatPut16(Data + 24, Date);
    }
    return (UCHAR)Rest;
}

static void FatpPutCluster(PUCHAR Data, ULONG Cluster)
{
    FatPut16(Data + 20, Cluster >> 16);
    FatPut16(Data + 26, Cluster);
}

void FatEncodeShortEntry(const UCHAR *ShortName, const FAT_NEW_ENTRY *New, PUCHAR Data)
{
    if (New->Old != NULL) {
        memcpy(Data, New->Old, FAT_ENTRY_BYTES);
        Data[12] = 0; /* the new name has its own case */
    } else {
        memset(Data, 0, FAT_ENTRY_BYTES);
        Data[11] = New->Attributes;
        Data[13] = FatpPutTime(Data, 0);
        memcpy(Data + 14, Data + 22, 4); /* of creation */
        FatpPutCluster(Data, New->FirstCluster);
        FatPut32(Data + 28, New->Bytes);
    }
    memcpy(Data, ShortName, 11);
}

/* Whether the entry is still the file's: it was not renamed, deleted or written over meanwhile. */
static BOOLEAN FatpIsEntryOf(const FAT_FILE *File, const FAT_LOCATION *At, const UCHAR *Data)
{
    return At->Sector == File->Location.Sector && At->Offset == File->Location.Offset &&
           Data[0] != FAT_DELETED && Data[0] != 0 &&
           FatGetFirstCluster(File->Volume, Data) == File->FirstCluster;
}

/* => *Data is the file's entry, to be changed; its sector is permitted, and marked. */
static NTSTATUS FatpOpenToChange(PFAT_FILE File, PUCHAR *Data)
{
    FAT_FILE Directory;
    FAT_LOCATION At = {.Sector = 0};
    NTSTATUS Status;

    FatOpenDirectory(File->Volume, File->Location.Directory, &Directory);
    Status = FatReadEntry(&Directory, File->Location.Index, &At, Data);
    if (Status == STATUS_END_OF_FILE || (NT_SUCCESS(Status) && !FatpIsEntryOf(File, &At, *Data))) {
        return STATUS_FILE_CORRUPT_ERROR;
    }
    if (NT_SUCCESS(Status)) {
        Status = FatPermitDirectorySector(File->Volume, At.Sector);
    }
    if (NT_SUCCESS(Status)) {
        FatMarkSector(File->Volume, At.Sector);
    }
    return Status;
}

static void FatpPutPlace(const FAT_FILE *File, PUCHAR Data, ULONG FirstCluster, ULONG Bytes)
{
    FatPutFirstCluster(File->Volume, Data, FirstCluster);
    FatPut32(Data + 28, Bytes);
}

NTSTATUS FatUpdateEntry(PFAT_FILE File, ULONG FirstCluster, ULONG Bytes)
{
    PUCHAR Data;
    NTSTATUS Status = FatpOpenToChange(File, &Data);

    if (NT_SUCCESS(Status)) {
        FatpPutPlace(File, Data, FirstCluster, Bytes);
        Data[11] |= FAT_ATTRIBUTE_ARCHIVE;
        File->Attributes |= FAT_ATTRIBUTE_ARCHIVE;
        (void)FatpPutTime(Data, File->Keeps);
    }
    return Status;
}

NTSTATUS FatMoveEntry(PFAT_FILE File, ULONG FirstCluster, ULONG Bytes)
{
    PUCHAR Data;
    NTSTATUS Status = FatpOpenToChange(File, &Data);

    if (NT_SUCCESS(Status)) {
        FatpPutPlace(File, Data, FirstCluster, Bytes);
    }
    return Status;
}

static BOOLEAN FatpBeginsSector(const FAT_VOLUME *Volume, ULONG Index)
{
    return Index * FAT_ENTRY_BYTES % Volume->SectorBytes == 0;
}

/* ---- room ---- */

/* Room for entries: where, and where the directory ended. */
typedef struct _FATP_ROOM {
    ULONG First;
    ULONG End; /* index of the first 00, or of what is behind the last entry */
} FATP_ROOM;

/* The first Count free entries in a row but for Except; they may be behind the end. */
static NTSTATUS FatpFindRoom(PFAT_FILE Directory, ULONG Count, ULONG Except, FATP_ROOM *Room,
                             PBOOLEAN Enough)
{
    FAT_LOCATION Location;
    ULONG Free = 0;
    ULONG Index;
    BOOLEAN Ended = FALSE;

    *Enough = FALSE;
    for (Index = 0; !*Enough; Index++) {
        PUCHAR Data;
        NTSTATUS Status = FatReadEntry(Directory, Index, &Location, &Data);

        if (Status == STATUS_END_OF_FILE) {
            Room->First = Index - Free;
            Room->End = Ended ? Room->End : Index;
            return Index >= FAT_MOST_ENTRIES ? STATUS_DISK_FULL : STATUS_SUCCESS;
        }
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        if (!Ended && Data[0] == 0) {
            Ended = TRUE;
            Room->End = Index;
        }
        Free = (Ended || Data[0] == FAT_DELETED) && Index != Except ? Free + 1 : 0;
        *Enough = Free == Count;
    }
    Room->First = Index - Count;
    Room->End = Ended ? Room->End : FAT_MOST_ENTRIES;
    return STATUS_SUCCESS;
}

NTSTATUS FatZeroCluster(PFAT_VOLUME Volume, ULONG Cluster)
{
    ULONG64 Sector = FatClusterSector(Volume, Cluster);
    ULONG Left = Volume->ClusterSectors;
    NTSTATUS Status = FatPermitDirectoryCluster(Volume, Cluster);

    while (Left != 0 && NT_SUCCESS(Status)) {
        ULONG Part = FAT_ZERO_BYTES / Volume->SectorBytes;

        Part = Part < Left ? Part : Left;
        Status = FatWriteThrough(Volume, Sector, Part, Volume->Zeros);
        Sector += Part;
        Left -= Part;
    }
    return Status;
}

/* One cluster more: zeroed and nobody's, then the directory's. */
static NTSTATUS FatpExtendDirectory(PFAT_FILE Directory)
{
    PFAT_VOLUME Volume = Directory->Volume;
    ULONG Clusters;
    ULONG Last;
    ULONG New;
    NTSTATUS Status;

    if (Directory->FirstCluster == 0) {
        return STATUS_DISK_FULL;
    }
    Status = FatCountChain(Volume, Directory->FirstCluster, &Clusters);
    if (NT_SUCCESS(Status)) {
        Status = FatFindCluster(Directory, Clusters - 1, &Last);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatAllocateChain(Volume, 1, Last, &New);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatZeroCluster(Volume, New);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatCommit(Volume);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatPermitEntries(Volume, Last, 1);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatSetEntry(Volume, Last, New);
    }
    return NT_SUCCESS(Status) ? FatCommit(Volume) : Status;
}

/* What lies behind the end may be anything: make it zero as far as entries will be seen. */
static NTSTATUS FatpClearBehindEnd(PFAT_FILE Directory, const FATP_ROOM *Room, ULONG Count)
{
    static const UCHAR Zero[FAT_ENTRY_BYTES];
    BOOLEAN Changed = FALSE;
    ULONG Index;

    for (Index = Room->End; Index <= Room->First + Count; Index++) {
        FAT_LOCATION Location;
        PUCHAR Data;
        NTSTATUS Status = FatReadEntry(Directory, Index, &Location, &Data);

        if (Status == STATUS_END_OF_FILE) {
            break;
        }
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        if (memcmp(Data, Zero, sizeof(Zero)) != 0) {
            Status = FatPermitDirectorySector(Directory->Volume, Location.Sector);
            if (!NT_SUCCESS(Status)) {
                return Status;
            }
            memset(Data, 0, FAT_ENTRY_BYTES);
            FatMarkSector(Directory->Volume, Location.Sector);
            Changed = TRUE;
        }
    }
    return Changed ? FatCommit(Directory->Volume) : STATUS_SUCCESS;
}

static NTSTATUS FatpMakeRoom(PFAT_FILE Directory, ULONG Count, ULONG Except, FATP_ROOM *Room)
{
    BOOLEAN Enough;
    NTSTATUS Status = FatpFindRoom(Directory, Count, Except, Room, &Enough);

    while (NT_SUCCESS(Status) && !Enough) {
        Status = FatpExtendDirectory(Directory);
        if (NT_SUCCESS(Status)) {
            Status = FatpFindRoom(Directory, Count, Except, Room, &Enough);
        }
    }
    return NT_SUCCESS(Status) ? FatpClearBehindEnd(Directory, Room, Count) : Status;
}

NTSTATUS FatFindFreeEntries(PFAT_FILE Directory, ULONG Count, ULONG Except, PULONG Index)
{
    FATP_ROOM Room = {0, 0};
    NTSTATUS Status = FatpMakeRoom(Directory, Count, Except, &Room);

    if (NT_SUCCESS(Status)) {
        *Index = Room.First;
    }
    return Status;
}

NTSTATUS FatChangeEntry(PFAT_VOLUME Volume, ULONG Directory, ULONG Index, PUCHAR *Data)
{
    FAT_FILE File;
    FAT_LOCATION Location = {.Sector = 0};
    NTSTATUS Status;

    FatOpenDirectory(Volume, Directory, &File);
    Status = FatReadEntry(&File, Index, &Location, Data);
    if (NT_SUCCESS(Status)) {
        Status = FatPermitDirectorySector(Volume, Location.Sector);
    }
    if (NT_SUCCESS(Status)) {
        FatMarkSector(Volume, Location.Sector);
    }
    return Status;
}

/* ---- coming ---- */

static NTSTATUS FatpChooseShortName(PFAT_PATH Path, PUCHAR ShortName, PULONG LongEntries)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Try;

    *LongEntries = 0;
    if (FatFitsShortName(Path->Name, Path->Units, ShortName)) {
        return STATUS_SUCCESS; /* that there is none of this name was seen already */
    }
    *LongEntries = FatLongEntries(Path->Units);
    for (Try = 0; NT_SUCCESS(Status); Try++) {
        if (!FatMakeShortName(Path->Name, Path->Units, Try, ShortName)) {
            return STATUS_DISK_FULL;
        }
        Status = FatFindShortName(&Path->Directory, ShortName);
    }
    return Status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_SUCCESS : Status;
}

/* A part that begins a sector waits until those in the sector before it are on the disk. */
static NTSTATUS FatpWriteParts(PFAT_PATH Path, ULONG First, ULONG Count, UCHAR Checksum)
{
    PFAT_VOLUME Volume = Path->Directory.Volume;
    ULONG Directory = FatAbove(&Path->Directory);
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Part;

    for (Part = 0; Part < Count && NT_SUCCESS(Status); Part++) {
        PUCHAR Data;

        if (Part != 0 && FatpBeginsSector(Volume, First + Part)) {
            Status = FatCommit(Volume);
        }
        if (NT_SUCCESS(Status)) {
            Status = FatChangeEntry(Volume, Directory, First + Part, &Data);
        }
        if (NT_SUCCESS(Status)) {
            FatEncodeLongPart(Path->Name, Path->Units, Count - Part, Checksum, Data);
        }
    }
    return Status;
}

/*
 * Parts that nobody has, just before First: somebody's change ended early.  They would be taken for
 * those of what comes to First.
 */
static NTSTATUS FatpRemoveOrphans(PFAT_FILE Directory, ULONG First)
{
    FAT_LOCATION Orphans = {.First = First, .Directory = FatAbove(Directory)};
    FAT_LOCATION At;

    for (; Orphans.First != 0; Orphans.First--) {
        PUCHAR Data;
        NTSTATUS Status = FatReadEntry(Directory, Orphans.First - 1, &At, &Data);

        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        if (Data[0] == FAT_DELETED || (Data[11] & FAT_ATTRIBUTE_LONG) != FAT_ATTRIBUTE_LONG) {
            break;
        }
    }
    if (Orphans.First == First) {
        return STATUS_SUCCESS;
    }
    Orphans.Index = First - 1;
    return FatRemoveEntry(Directory->Volume, &Orphans);
}

NTSTATUS FatPrepareEntry(PFAT_PATH Path, PFAT_SLOT Slot)
{
    PFAT_VOLUME Volume = Path->Directory.Volume;
    FATP_ROOM Room = {0, 0};
    ULONG Parts;
    PUCHAR Data;
    NTSTATUS Status = FatpChooseShortName(Path, Slot->ShortName, &Parts);

    if (NT_SUCCESS(Status)) {
        Status = FatpMakeRoom(&Path->Directory, Parts + 1, FAT_NO_ENTRY, &Room);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpRemoveOrphans(&Path->Directory, Room.First);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpWriteParts(Path, Room.First, Parts, FatShortChecksum(Slot->ShortName));
    }
    if (NT_SUCCESS(Status) && Parts != 0 && FatpBeginsSector(Volume, Room.First + Parts)) {
        Status = FatCommit(Volume);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatReadEntry(&Path->Directory, Room.First + Parts, &Slot->Location, &Data);
        Slot->Location.First = Room.First;
    }
    return Status;
}

NTSTATUS FatInsertEntry(PFAT_PATH Path, const FAT_NEW_ENTRY *New, PFAT_LOCATION Location)
{
    FAT_SLOT Slot = {.Location = {.Sector = 0}};
    PUCHAR Data;
    NTSTATUS Status = FatPrepareEntry(Path, &Slot);

    if (NT_SUCCESS(Status)) {
        Status = FatChangeEntry(Path->Directory.Volume, Slot.Location.Directory,
                                Slot.Location.Index, &Data);
    }
    if (NT_SUCCESS(Status)) {
        FatEncodeShortEntry(Slot.ShortName, New, Data);
        *Location = Slot.Location;
    }
    return Status;
}

/* ---- going ---- */

NTSTATUS FatRemoveEntry(PFAT_VOLUME Volume, const FAT_LOCATION *Location)
{
    ULONG Index;

    for (Index = Location->Index + 1; Index-- > Location->First;) {
        PUCHAR Data;
        NTSTATUS Status = STATUS_SUCCESS;

        if (Index != Location->Index && FatpBeginsSector(Volume, Index + 1)) {
            Status = FatCommit(Volume); /* the short entry goes before its parts */
        }
        if (NT_SUCCESS(Status)) {
            Status = FatChangeEntry(Volume, Location->Directory, Index, &Data);
        }
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Data[0] = FAT_DELETED;
    }
    return STATUS_SUCCESS;
}
