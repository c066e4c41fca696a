/* SPDX-License-Identifier: MIT */
/*
 * fat_table.c - the entries of the file allocation table, of 12, 16 and 32 bits.
 *
 * Entry n says which cluster follows cluster n.  FAT12 packs two entries into three bytes, so that
 * one may lie in two sectors; the upper four bits of a FAT32 entry are not ours and are kept.
 *
 *     what FatGetEntry returns         FAT12       FAT16        FAT32
 *     FAT_FREE                         000         0000         0000000
 *     a cluster of the volume          002 - FEF   0002 - FFEF  0000002 - FFFFFEF
 *     FAT_BAD                          FF7         FFF7         FFFFFF7
 *     FAT_END and above                FF8 - FFF   FFF8 - FFFF  FFFFFF8 - FFFFFFF
 *     STATUS_FILE_CORRUPT_ERROR        anything else
 */
#include "disk/fat/fat_i.h"

#define FATP_OURS_32 0x0FFFFFFFu /* of a FAT32 entry */

static ULONG FatpMask(const FAT_VOLUME *Volume)
{
    return Volume->Kind == 12 ? 0xFFF : Volume->Kind == 16 ? 0xFFFF : FATP_OURS_32;
}

/* => A FAT has fewer than 2^28 entries: Offset fits, and needs no division of 64 bits. */
static NTSTATUS FatpFindByte(PFAT_VOLUME Volume, ULONG Offset, ULONG64 *Sector, PUCHAR *Data)
{
    NTSTATUS Status;

    *Sector = Volume->ReservedSectors + (ULONG64)Volume->ActiveFat * Volume->FatSectors +
              Offset / Volume->SectorBytes;
    Status = FatReadSector(Volume, *Sector, Data);
    if (NT_SUCCESS(Status)) {
        *Data += Offset % Volume->SectorBytes;
    }
    return Status;
}

/* => Kind is not 12. */
static ULONG FatpOffset(const FAT_VOLUME *Volume, ULONG Cluster)
{
    return Volume->Kind == 16 ? 2 * Cluster : 4 * Cluster;
}

/* ---- FAT12: byte by byte ---- */

static NTSTATUS FatpGet12(PFAT_VOLUME Volume, ULONG Cluster, PULONG Value)
{
    ULONG64 Sector;
    PUCHAR Data;
    ULONG Low;
    NTSTATUS Status = FatpFindByte(Volume, Cluster + Cluster / 2, &Sector, &Data);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Low = *Data;
    Status = FatpFindByte(Volume, Cluster + Cluster / 2 + 1, &Sector, &Data);
    if (NT_SUCCESS(Status)) {
        *Value = (Low | (ULONG)*Data << 8) >> (Cluster % 2 != 0 ? 4 : 0) & 0xFFF;
    }
    return Status;
}

static NTSTATUS FatpSetByte(PFAT_VOLUME Volume, ULONG Offset, ULONG Mask, ULONG Value)
{
    ULONG64 Sector;
    PUCHAR Data;
    NTSTATUS Status = FatpFindByte(Volume, Offset, &Sector, &Data);

    if (NT_SUCCESS(Status)) {
        *Data = (UCHAR)((*Data & ~Mask) | (Value & Mask));
        FatMarkSector(Volume, Sector);
    }
    return Status;
}

static NTSTATUS FatpSet12(PFAT_VOLUME Volume, ULONG Cluster, ULONG Value)
{
    ULONG Shift = Cluster % 2 != 0 ? 4 : 0;
    ULONG Offset = Cluster + Cluster / 2;
    NTSTATUS Status = FatpSetByte(Volume, Offset, 0xFFFu << Shift & 0xFF, Value << Shift);

    if (NT_SUCCESS(Status)) {
        Status = FatpSetByte(Volume, Offset + 1, 0xFFFu << Shift >> 8, Value << Shift >> 8);
    }
    return Status;
}

/* ---- FAT16 and FAT32: several entries of a sector at once ---- */

/* => Returns how many entries from Cluster's on lie in its sector and belong to clusters. */
static ULONG FatpEntriesInSector(const FAT_VOLUME *Volume, ULONG Cluster)
{
    ULONG PerSector = Volume->SectorBytes * 8 / Volume->Kind;
    ULONG InSector = PerSector - Cluster % PerSector;
    ULONG Left = Volume->Clusters + FAT_FIRST_CLUSTER - Cluster;

    return InSector < Left ? InSector : Left;
}

static inline ULONG FatpRaw(const FAT_VOLUME *Volume, const UCHAR *Data, ULONG Index)
{
    return Volume->Kind == 16 ? FatGet16(Data + 2 * Index)
                              : FatGet32(Data + 4 * Index) & FATP_OURS_32;
}

/* Each loop knows its kind: a volume's start goes over all entries, and a paging file's is long. */

/* => Returns how many of the Most entries from Cluster's on lead to the cluster behind theirs. */
static ULONG FatpCountSteps(const FAT_VOLUME *Volume, const UCHAR *Data, ULONG Cluster, ULONG Most)
{
    ULONG Next = Cluster + 1;
    ULONG End = Next + Most;

    if (Volume->Kind == 16) {
        for (; Next != End && FatGet16(Data) == Next; Next++) {
            Data += 2;
        }
    } else {
        for (; Next != End && (FatGet32(Data) & FATP_OURS_32) == Next; Next++) {
            Data += 4;
        }
    }
    return Next - Cluster - 1;
}

/* The Count entries from Cluster's on lead to the cluster behind theirs. */
static void FatpPutSteps(const FAT_VOLUME *Volume, PUCHAR Data, ULONG Cluster, ULONG Count)
{
    ULONG i;

    if (Volume->Kind == 16) {
        for (i = 0; i < Count; i++) {
            FatPut16(Data + 2 * i, Cluster + i + 1);
        }
    } else {
        for (i = 0; i < Count; i++) {
            FatPut32(Data + 4 * i, (FatGet32(Data + 4 * i) & ~FATP_OURS_32) | (Cluster + i + 1));
        }
    }
}

/* => Returns how many of the Most entries from Data on are FAT_FREE before the first other one. */
static ULONG FatpCountFree(const FAT_VOLUME *Volume, const UCHAR *Data, ULONG Most)
{
    ULONG i = 0;

    if (Volume->Kind == 16) {
        while (i + 2 <= Most && FatGet32(Data + 2 * i) == 0) {
            i += 2;
        }
        while (i < Most && FatGet16(Data + 2 * i) == FAT_FREE) {
            i++;
        }
    } else {
        while (i < Most && (FatGet32(Data + 4 * i) & FATP_OURS_32) == FAT_FREE) {
            i++;
        }
    }
    return i;
}

/* => Kind is not 12; Cluster is one of the volume. */
static NTSTATUS FatpFindEntries(PFAT_VOLUME Volume, ULONG Cluster, ULONG64 *Sector, PUCHAR *Data)
{
    return FatpFindByte(Volume, (ULONG64)Cluster * Volume->Kind / 8, Sector, Data);
}

/* ---- all kinds ---- */

NTSTATUS FatGetRawEntry(PFAT_VOLUME Volume, ULONG Cluster, PULONG Value)
{
    ULONG64 Sector;
    PUCHAR Data;
    NTSTATUS Status;

    if (Volume->Kind == 12) {
        return FatpGet12(Volume, Cluster, Value);
    }
    Status = FatpFindByte(Volume, FatpOffset(Volume, Cluster), &Sector, &Data);
    if (NT_SUCCESS(Status)) {
        *Value = (Volume->Kind == 16 ? FatGet16(Data) : FatGet32(Data)) & FatpMask(Volume);
    }
    return Status;
}

/* What an entry means, for all kinds the same. */
static NTSTATUS FatpDecode(const FAT_VOLUME *Volume, ULONG Raw, PULONG Value)
{
    ULONG Mask = FatpMask(Volume);

    if (Raw == FAT_FREE || FatIsCluster(Volume, Raw)) {
        *Value = Raw;
    } else if (Raw >= (FAT_BAD & Mask)) {
        *Value = Raw | (FAT_BAD & ~Mask);
    } else {
        return STATUS_FILE_CORRUPT_ERROR;
    }
    return STATUS_SUCCESS;
}

NTSTATUS FatGetEntry(PFAT_VOLUME Volume, ULONG Cluster, PULONG Value)
{
    ULONG Raw;
    NTSTATUS Status = FatGetRawEntry(Volume, Cluster, &Raw);

    return NT_SUCCESS(Status) ? FatpDecode(Volume, Raw, Value) : Status;
}

NTSTATUS FatGetEntries(PFAT_VOLUME Volume, ULONG Cluster, PULONG Values, ULONG Room, PULONG Count)
{
    ULONG64 Sector;
    PUCHAR Data;
    ULONG i;
    NTSTATUS Status;

    if (Volume->Kind == 12) {
        *Count = 1;
        return FatGetRawEntry(Volume, Cluster, &Values[0]);
    }
    Status = FatpFindEntries(Volume, Cluster, &Sector, &Data);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    *Count = FatpEntriesInSector(Volume, Cluster);
    *Count = *Count < Room ? *Count : Room;
    for (i = 0; i < *Count; i++) {
        Values[i] = FatpRaw(Volume, Data, i);
    }
    return STATUS_SUCCESS;
}

NTSTATUS FatSkipFree(PFAT_VOLUME Volume, ULONG Cluster, PULONG Count)
{
    ULONG64 Sector;
    PUCHAR Data;
    NTSTATUS Status;

    *Count = 0;
    if (Volume->Kind == 12) {
        return STATUS_SUCCESS;
    }
    Status = FatpFindEntries(Volume, Cluster, &Sector, &Data);
    if (NT_SUCCESS(Status)) {
        *Count = FatpCountFree(Volume, Data, FatpEntriesInSector(Volume, Cluster));
    }
    return Status;
}

NTSTATUS FatFollowRun(PFAT_VOLUME Volume, ULONG Cluster, ULONG Most, PULONG Length, PULONG Next)
{
    ULONG64 Sector;
    PUCHAR Data;
    ULONG Last;
    NTSTATUS Status;

    if (Volume->Kind == 12) {
        *Length = 1;
        return FatGetEntry(Volume, Cluster, Next);
    }
    Status = FatpFindEntries(Volume, Cluster, &Sector, &Data);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Most > FatpEntriesInSector(Volume, Cluster)) {
        Most = FatpEntriesInSector(Volume, Cluster);
    }
    Last = FatpCountSteps(Volume, Data, Cluster, Most - 1);
    *Length = Last + 1;
    return FatpDecode(Volume, FatpRaw(Volume, Data, Last), Next);
}

NTSTATUS FatSetEntry(PFAT_VOLUME Volume, ULONG Cluster, ULONG Value)
{
    ULONG64 Sector;
    PUCHAR Data;
    NTSTATUS Status;

    Value &= FatpMask(Volume);
    if (Volume->Kind == 12) {
        return FatpSet12(Volume, Cluster, Value);
    }
    Status = FatpFindByte(Volume, FatpOffset(Volume, Cluster), &Sector, &Data);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Volume->Kind == 16) {
        FatPut16(Data, Value);
    } else {
        FatPut32(Data, (FatGet32(Data) & ~FATP_OURS_32) | Value);
    }
    FatMarkSector(Volume, Sector);
    return STATUS_SUCCESS;
}

NTSTATUS FatSetRun(PFAT_VOLUME Volume, ULONG First, ULONG Count, ULONG Last)
{
    NTSTATUS Status = STATUS_SUCCESS;

    while (Count > 1 && Volume->Kind != 12 && NT_SUCCESS(Status)) {
        ULONG Part = FatpEntriesInSector(Volume, First);
        ULONG64 Sector;
        PUCHAR Data;

        Part = Part < Count - 1 ? Part : Count - 1;
        Status = FatpFindEntries(Volume, First, &Sector, &Data);
        if (NT_SUCCESS(Status)) {
            FatpPutSteps(Volume, Data, First, Part);
            FatMarkSector(Volume, Sector);
        }
        First += Part;
        Count -= Part;
    }
    for (; Count != 0 && NT_SUCCESS(Status); Count--, First++) {
        Status = FatSetEntry(Volume, First, Count == 1 ? Last : First + 1);
    }
    return Status;
}
