/* SPDX-License-Identifier: MIT */
/*
 * commit.c - the order in which changes reach the disk, and the volume's clean bit.
 *
 * A change is made in stages.  What a stage writes may reach the disk in any order; FatCommit ends
 * it with a flush, so that the next one finds it there.  A power cut leaves the stages before it,
 * some of the one it hit, nothing of those behind:
 *
 *     change      stage                                          a cut behind it leaves
 *     any first   1 clean bit off, FSInfo's figures unknown      a dirty volume without damage
 *     create      1 zeroed rest of the directory's end           nothing
 *                 2 long name parts                              parts without a file: no one's
 *                 3 short entry                                  -
 *     longer      1 new chain and its data, nobody's yet         lost clusters
 *     directory   2 last cluster's FAT entry points at it        -
 *     mkdir       1 its cluster, with . and ..                   a lost cluster
 *                 2 entry, as create                             -
 *     extend      1 new chain and its data, nobody's yet         lost clusters
 *                 2 last cluster's FAT entry points at it        clusters behind the file's end
 *                 3 size (an empty file: first cluster too)      -
 *     reserve     1 new chain, nobody's yet                      lost clusters
 *     (ahead)     2 last cluster's FAT entry points at it (an
 *                 empty file: its entry)                         clusters behind the file's end
 *                 3 later, data; 4 size                          the same until given back
 *     give back   1 end mark, 2 the others as truncate           lost clusters, in chains that end
 *     truncate    1 size (to 0: first cluster too)               clusters behind the file's end
 *                 2 end mark on the last cluster that stays      lost clusters
 *                 3 the others are free, first to last           lost clusters, in chains that end
 *     delete      1 short entry                                  lost clusters, parts of a name
 *                 2 long name parts, 3 clusters as truncate      lost clusters
 *     rename      all in one sector: at once                     old or new
 *                 else 1-3 create, but the short entry as a
 *                 deleted one; the record (rename_record.c)      the old name
 *                 4 short entry of the old name                  a lost chain, the new name when
 *                                                                the volume is mounted here
 *                 5 short entry of the new name, 6 .. of a
 *                 directory, 7 the record goes                   -
 *     FatFlush    1 FSInfo                                       a dirty volume without damage
 *                 2 clean bit on                                 -
 *
 * Data that is written over old data goes to its place at once.  The copies of the FAT are written
 * one after the other: a cut between them leaves them different, the first one valid.
 *
 * The clean bit is ClnShutBitMask of FAT[1]; FAT12 has none.  A volume that was dirty when it was
 * mounted stays so: only a check of the volume may call it clean.
 */
#include "disk/fat/fat_i.h"

#define FATP_CLEAN_16       0x8000u
#define FATP_CLEAN_32       0x08000000u

#define FATP_INFO_LEAD      0x41615252u
#define FATP_INFO_STRUCT    0x61417272u
#define FATP_INFO_LEAD_AT   0u
#define FATP_INFO_STRUCT_AT 484u
#define FATP_INFO_FREE_AT   488u
#define FATP_INFO_NEXT_AT   492u
#define FATP_INFO_UNKNOWN   0xFFFFFFFFu

static ULONG FatpCleanBit(const FAT_VOLUME *Volume)
{
    return Volume->Kind == 32 ? FATP_CLEAN_32 : Volume->Kind == 16 ? FATP_CLEAN_16 : 0;
}

NTSTATUS FatReadCleanBit(PFAT_VOLUME Volume, PBOOLEAN Clean)
{
    ULONG Value;
    NTSTATUS Status = FatGetRawEntry(Volume, 1, &Value);

    if (NT_SUCCESS(Status)) {
        *Clean = (Value & FatpCleanBit(Volume)) == FatpCleanBit(Volume);
    }
    return Status;
}

static NTSTATUS FatpSetCleanBit(PFAT_VOLUME Volume, BOOLEAN Clean)
{
    ULONG Bit = FatpCleanBit(Volume);
    ULONG Value = 0;
    NTSTATUS Status;

    if (Bit == 0) {
        return STATUS_SUCCESS;
    }
    Status = FatPermitEntries(Volume, 1, 1);
    if (NT_SUCCESS(Status)) {
        Status = FatGetRawEntry(Volume, 1, &Value);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatSetEntry(Volume, 1, Clean ? Value | Bit : Value & ~Bit);
    }
    return Status;
}

/* A hint for others; a sector that does not look like FSInfo is left alone. */
static NTSTATUS FatpSetInfo(PFAT_VOLUME Volume, ULONG Free, ULONG Next)
{
    PUCHAR Data;
    NTSTATUS Status;

    if (Volume->FsInfoSector == 0) {
        return STATUS_SUCCESS;
    }
    Status = FatPermitInfo(Volume);
    if (NT_SUCCESS(Status)) {
        Status = FatReadSector(Volume, Volume->FsInfoSector, &Data);
    }
    if (NT_SUCCESS(Status) && FatGet32(Data + FATP_INFO_LEAD_AT) == FATP_INFO_LEAD &&
        FatGet32(Data + FATP_INFO_STRUCT_AT) == FATP_INFO_STRUCT) {
        FatPut32(Data + FATP_INFO_FREE_AT, Free);
        FatPut32(Data + FATP_INFO_NEXT_AT, Next);
        FatMarkSector(Volume, Volume->FsInfoSector);
    }
    return Status;
}

NTSTATUS FatCommit(PFAT_VOLUME Volume)
{
    NTSTATUS Status = FatWriteBack(Volume);

    if (NT_SUCCESS(Status)) {
        FatForbidStage(Volume);
        Status = DiskTransfer(Volume->Device, DiskFlush, 0, 0, NULL);
    }
    return Status;
}

NTSTATUS FatBeginChange(PFAT_VOLUME Volume)
{
    NTSTATUS Status;

    if (Volume->Device->ReadOnly) {
        return STATUS_MEDIA_WRITE_PROTECTED;
    }
    Status = FatSettleRename(Volume);
    if (NT_SUCCESS(Status) && Volume->Used.Buffer == NULL) {
        Status = FatLoadBitmap(Volume);
    }
    if (!NT_SUCCESS(Status) || Volume->Changing) {
        return Status;
    }
    Status = FatpSetCleanBit(Volume, FALSE);
    if (NT_SUCCESS(Status)) {
        Status = FatpSetInfo(Volume, FATP_INFO_UNKNOWN, FATP_INFO_UNKNOWN);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatCommit(Volume);
    }
    if (!NT_SUCCESS(Status)) {
        FatAbandon(Volume);
        return Status;
    }
    Volume->Changing = TRUE;
    return STATUS_SUCCESS;
}

void FatAbandon(PFAT_VOLUME Volume)
{
    FatForgetSectors(Volume);
    FatForgetBitmap(Volume);
    FatForbidStage(Volume);
}

static NTSTATUS FatpFinish(PFAT_VOLUME Volume)
{
    NTSTATUS Status = FatpSetInfo(Volume, Volume->FreeClusters,
                                  Volume->NextFree % Volume->Clusters + FAT_FIRST_CLUSTER);

    if (NT_SUCCESS(Status)) {
        Status = FatCommit(Volume);
    }
    if (NT_SUCCESS(Status) && !Volume->WasDirty) {
        Status = FatpSetCleanBit(Volume, TRUE);
    }
    return NT_SUCCESS(Status) ? FatCommit(Volume) : Status;
}

NTSTATUS FatFlush(PFAT_VOLUME Volume)
{
    NTSTATUS Status;

    if (!Volume->Changing) {
        return STATUS_SUCCESS;
    }
    Status = FatSettleRename(Volume);
    if (NT_SUCCESS(Status) && Volume->Used.Buffer == NULL) {
        Status = FatLoadBitmap(Volume);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpFinish(Volume);
    }
    if (!NT_SUCCESS(Status)) {
        FatAbandon(Volume);
        return Status;
    }
    Volume->Changing = FALSE;
    return STATUS_SUCCESS;
}
