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

static ULONG FatpMask(const FAT_VOLUME *Volume)
{
    return Volume->Kind == 12 ? 0xFFF : Volume->Kind == 16 ? 0xFFFF : 0x0FFFFFFF;
}

static NTSTATUS FatpFindByte(PFAT_VOLUME Volume, ULONG64 Offset, ULONG64 *Sector, PUCHAR *Data)
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

/* ---- all kinds ---- */

NTSTATUS FatGetRawEntry(PFAT_VOLUME Volume, ULONG Cluster, PULONG Value)
{
    ULONG64 Sector;
    PUCHAR Data;
    NTSTATUS Status;

    if (Volume->Kind == 12) {
        return FatpGet12(Volume, Cluster, Value);
    }
    Status = FatpFindByte(Volume, (ULONG64)Cluster * Volume->Kind / 8, &Sector, &Data);
    if (NT_SUCCESS(Status)) {
        *Value = (Volume->Kind == 16 ? FatGet16(Data) : FatGet32(Data)) & FatpMask(Volume);
    }
    return Status;
}

NTSTATUS FatGetEntry(PFAT_VOLUME Volume, ULONG Cluster, PULONG Value)
{
    ULONG Mask = FatpMask(Volume);
    ULONG Raw;
    NTSTATUS Status = FatGetRawEntry(Volume, Cluster, &Raw);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Raw == FAT_FREE || FatIsCluster(Volume, Raw)) {
        *Value = Raw;
    } else if (Raw >= (FAT_BAD & Mask)) {
        *Value = Raw | (FAT_BAD & ~Mask);
    } else {
        Status = STATUS_FILE_CORRUPT_ERROR;
    }
    return Status;
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
    Status = FatpFindByte(Volume, (ULONG64)Cluster * Volume->Kind / 8, &Sector, &Data);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Volume->Kind == 16) {
        FatPut16(Data, Value);
    } else {
        FatPut32(Data, (FatGet32(Data) & 0xF0000000u) | Value);
    }
    FatMarkSector(Volume, Sector);
    return STATUS_SUCCESS;
}
