/* SPDX-License-Identifier: MIT */
/*
 * rename_record.c - a rename whose entries lie in two sectors, and what a power cut leaves of it.
 *
 * Two sectors do not change together.  Both names at once would be two files with one chain, which
 * the next change of either tears apart; so there is a moment with none, and a record that says how
 * to go on.  It is a deleted entry of the root directory, which everybody else passes over:
 *
 *     0   E5, "RENAME"            7   first byte of the new name      8   0
 *     12  new directory           16  index in it                    18  index of the old entry
 *     20  old directory           24  checksum of the new entry      28  checksum of bytes 0 to 27
 *
 * The new entry is written with E5 as its first byte, then the record; then the old entry goes, the
 * new one gets its byte, the record goes.  A volume that was left dirty is searched for a record
 * when it is mounted (FAT12 cannot be left dirty and always is):
 *
 *     old entry   new entry   what happens
 *     there       E5          nothing: the rename has not happened
 *     gone        E5          the new entry gets its first byte
 *     gone        there       it is a directory: its .. is set; else nothing
 *
 * In each case the record goes.  Where not the power but a write of ours failed, the next change
 * or flush begins with the same; while that fails the volume is neither changed nor called clean.
 *
 * Between a power cut and the mount somebody else may have written to the volume, or
 * made the record up.  An entry comes only when it stands in a directory, is byte by byte what the
 * record says, and its first cluster is in use and nobody's.  Where two files share a cluster that
 * cannot be told: nothing is written, and no rename needs a record.
 */
#include "disk/fat/fat_i.h"
#include "disk/volume/partition.h"

#define FATP_RECORD_CRC_AT  28u
#define FATP_RECORD_LETTERS 7u

static const UCHAR FatpRecordStart[FATP_RECORD_LETTERS] = {FAT_DELETED, 'R', 'E', 'N',
                                                           'A',         'M', 'E'};

/* All of an entry but the byte that comes last. */
static ULONG FatpEntryChecksum(const UCHAR *Data)
{
    return DiskCrc32(0, Data + 1, FAT_ENTRY_BYTES - 1);
}

/* ---- writing ---- */

NTSTATUS FatWriteRenameRecord(PFAT_VOLUME Volume, PFAT_RENAME Rename)
{
    FAT_FILE Root;
    FAT_FILE Directory;
    FAT_LOCATION Location;
    ULONG Checksum = 0;
    PUCHAR Data;
    NTSTATUS Status;

    FatOpenRoot(Volume, &Root);
    Status =
        FatFindFreeEntries(&Root, 1, Rename->NewDirectory == 0 ? Rename->NewIndex : FAT_NO_ENTRY,
                           &Rename->RecordIndex);
    if (NT_SUCCESS(Status)) {
        FatOpenDirectory(Volume, Rename->NewDirectory, &Directory);
        Status = FatReadEntry(&Directory, Rename->NewIndex, &Location, &Data);
    }
    if (NT_SUCCESS(Status)) {
        Checksum = FatpEntryChecksum(Data);
        Status = FatChangeEntry(Volume, 0, Rename->RecordIndex, &Data);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    memset(Data, 0, FAT_ENTRY_BYTES);
    memcpy(Data, FatpRecordStart, sizeof(FatpRecordStart));
    Data[FATP_RECORD_LETTERS] = Rename->First;
    FatPut32(Data + 12, Rename->NewDirectory);
    FatPut16(Data + 16, Rename->NewIndex);
    FatPut16(Data + 18, Rename->OldIndex);
    FatPut32(Data + 20, Rename->OldDirectory);
    FatPut32(Data + 24, Checksum);
    FatPut32(Data + FATP_RECORD_CRC_AT, DiskCrc32(0, Data, FATP_RECORD_CRC_AT));
    return STATUS_SUCCESS;
}

/* ---- going on ---- */

static NTSTATUS FatpRemoveRecord(PFAT_VOLUME Volume, ULONG Index)
{
    PUCHAR Data;
    NTSTATUS Status = FatChangeEntry(Volume, 0, Index, &Data);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    memset(Data + 1, 0, FAT_ENTRY_BYTES - 1);
    return FatCommit(Volume);
}

/* A directory in another place: its .. says so. */
static NTSTATUS FatpPointUp(PFAT_VOLUME Volume, ULONG Cluster, ULONG Above)
{
    PUCHAR Data;
    NTSTATUS Status = FatChangeEntry(Volume, Cluster, 1, &Data);

    if (NT_SUCCESS(Status) && (Data[0] != '.' || Data[1] != '.')) {
        Status = STATUS_DISK_CORRUPT_ERROR;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    FatPutFirstCluster(Volume, Data, Above);
    return FatCommit(Volume);
}

NTSTATUS FatCompleteRename(PFAT_VOLUME Volume, const FAT_RENAME *Rename)
{
    ULONG Cluster = 0;
    PUCHAR Data;
    NTSTATUS Status = FatChangeEntry(Volume, Rename->NewDirectory, Rename->NewIndex, &Data);

    if (NT_SUCCESS(Status)) {
        Data[0] = Rename->First;
        Cluster = (Data[11] & FAT_ATTRIBUTE_DIRECTORY) != 0 ? FatGetFirstCluster(Volume, Data) : 0;
        Status = FatCommit(Volume);
    }
    if (NT_SUCCESS(Status) && Cluster != 0 && Rename->OldDirectory != Rename->NewDirectory) {
        Status = FatpPointUp(Volume, Cluster, Rename->NewDirectory);
    }
    return NT_SUCCESS(Status) ? FatpRemoveRecord(Volume, Rename->RecordIndex) : Status;
}

/* ---- after a power cut ---- */

/* => STATUS_NO_MORE_ENTRIES: the root directory has none. */
static NTSTATUS FatpFindRecord(PFAT_VOLUME Volume, PFAT_RENAME Rename, PULONG Checksum)
{
    FAT_FILE Root;
    FAT_LOCATION Location;
    ULONG Index;

    FatOpenRoot(Volume, &Root);
    for (Index = 0;; Index++) {
        PUCHAR Data;
        NTSTATUS Status = FatReadEntry(&Root, Index, &Location, &Data);

        if (!NT_SUCCESS(Status)) {
            return Status == STATUS_END_OF_FILE || Status == STATUS_DISK_CORRUPT_ERROR
                       ? STATUS_NO_MORE_ENTRIES
                       : Status;
        }
        if (Data[0] == 0) {
            return STATUS_NO_MORE_ENTRIES;
        }
        if (memcmp(Data, FatpRecordStart, sizeof(FatpRecordStart)) == 0 &&
            FatGet32(Data + FATP_RECORD_CRC_AT) == DiskCrc32(0, Data, FATP_RECORD_CRC_AT)) {
            *Rename = (FAT_RENAME){.First = Data[FATP_RECORD_LETTERS],
                                   .NewDirectory = FatGet32(Data + 12),
                                   .NewIndex = FatGet16(Data + 16),
                                   .OldIndex = FatGet16(Data + 18),
                                   .OldDirectory = FatGet32(Data + 20),
                                   .RecordIndex = Index};
            *Checksum = FatGet32(Data + 24);
            return STATUS_SUCCESS;
        }
    }
}

static BOOLEAN FatpIsDirectory(PFAT_VOLUME Volume, const FAT_CENSUS *Census, ULONG Cluster)
{
    return Cluster == 0 || (FatIsCluster(Volume, Cluster) &&
                            RtlTestBit(&Census->Directories, Cluster - FAT_FIRST_CLUSTER));
}

static NTSTATUS FatpReadAt(PFAT_VOLUME Volume, ULONG Cluster, ULONG Index, PUCHAR Copy)
{
    FAT_FILE Directory;
    FAT_LOCATION Location;
    PUCHAR Data;
    NTSTATUS Status;

    FatOpenDirectory(Volume, Cluster, &Directory);
    Status = FatReadEntry(&Directory, Index, &Location, &Data);
    if (NT_SUCCESS(Status)) {
        memcpy(Copy, Data, FAT_ENTRY_BYTES);
    }
    return Status;
}

/* Whether an entry may come: its chain is somebody's who lost his name. */
static BOOLEAN FatpIsOrphan(PFAT_VOLUME Volume, const FAT_CENSUS *Census, const UCHAR *Entry)
{
    ULONG Cluster = FatGetFirstCluster(Volume, Entry);
    ULONG Bit = Cluster - FAT_FIRST_CLUSTER;

    if (Cluster == 0) {
        return (Entry[11] & FAT_ATTRIBUTE_DIRECTORY) == 0;
    }
    return FatIsCluster(Volume, Cluster) && RtlTestBit(&Census->Used, Bit) &&
           !RtlTestBit(&Census->Successors, Bit) && !RtlTestBit(&Census->Firsts, Bit);
}

/* The table above.  => *Go: the rename is to be completed. */
static NTSTATUS FatpJudge(PFAT_VOLUME Volume, const FAT_CENSUS *Census, const FAT_RENAME *Rename,
                          ULONG Checksum, PBOOLEAN Go)
{
    UCHAR Old[FAT_ENTRY_BYTES] = {FAT_DELETED};
    UCHAR New[FAT_ENTRY_BYTES];
    NTSTATUS Status;

    *Go = FALSE;
    if (Rename->First == FAT_DELETED || Rename->First == 0 ||
        !FatpIsDirectory(Volume, Census, Rename->NewDirectory)) {
        return STATUS_SUCCESS;
    }
    Status = FatpReadAt(Volume, Rename->NewDirectory, Rename->NewIndex, New);
    if (NT_SUCCESS(Status) && FatpIsDirectory(Volume, Census, Rename->OldDirectory)) {
        Status = FatpReadAt(Volume, Rename->OldDirectory, Rename->OldIndex, Old);
    }
    if (NT_SUCCESS(Status) && Old[0] == FAT_DELETED && FatpEntryChecksum(New) == Checksum) {
        *Go =
            New[0] == Rename->First || (New[0] == FAT_DELETED && FatpIsOrphan(Volume, Census, New));
    }
    return Status == STATUS_END_OF_FILE || Status == STATUS_DISK_CORRUPT_ERROR ? STATUS_SUCCESS
                                                                               : Status;
}

NTSTATUS FatRecoverRename(PFAT_VOLUME Volume, PBOOLEAN Finished)
{
    FAT_CENSUS Census;
    FAT_RENAME Rename;
    ULONG Checksum;
    BOOLEAN Go = FALSE;
    BOOLEAN Shared;
    NTSTATUS Status = FatpFindRecord(Volume, &Rename, &Checksum);

    *Finished = FALSE;
    if (!NT_SUCCESS(Status)) {
        return Status == STATUS_NO_MORE_ENTRIES ? STATUS_SUCCESS : Status;
    }
    Status = FatTakeCensus(Volume, TRUE, &Census);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatpJudge(Volume, &Census, &Rename, Checksum, &Go);
    Shared = Census.Shared;
    FatForgetCensus(&Census);
    if (!NT_SUCCESS(Status) || Shared) {
        return Status; /* shared: whose the chain is cannot be told */
    }
    Status = FatFinishChange(Volume, Go ? FatCompleteRename(Volume, &Rename)
                                        : FatpRemoveRecord(Volume, Rename.RecordIndex));
    *Finished = Go && NT_SUCCESS(Status);
    return Status;
}

NTSTATUS FatSettleRename(PFAT_VOLUME Volume)
{
    BOOLEAN Finished;
    NTSTATUS Status = Volume->RenamePending ? FatRecoverRename(Volume, &Finished) : STATUS_SUCCESS;

    if (NT_SUCCESS(Status)) {
        Volume->RenamePending = FALSE;
    }
    return Status;
}
