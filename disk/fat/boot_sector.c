/* SPDX-License-Identifier: MIT */
/*
 * boot_sector.c - a volume's first sector: where its parts are, and whether that can be.
 *
 *     reserved sectors | FATs | fixed root (FAT12, FAT16) | cluster 2 | cluster 3 | ...
 *
 * The kind follows from the number of clusters and from nothing else (fatgen103): below 4085 FAT12,
 * below 65525 FAT16, else FAT32.  A boot sector whose fields are of another kind than its count is
 * refused: it would be read wrongly by someone.
 */
#include "disk/fat/fat_i.h"

#define FATP_FAT12_LIMIT        4085u
#define FATP_FAT16_LIMIT        65525u
#define FATP_FAT32_LIMIT        0x0FFFFFF5u
#define FATP_MOST_CLUSTER_BYTES 65536u

static BOOLEAN FatpIsPowerOfTwo(ULONG Value)
{
    return Value != 0 && (Value & (Value - 1)) == 0;
}

/* What is the same for all kinds, as far as each field can be judged alone. */
static BOOLEAN FatpDecodeCommon(PFAT_VOLUME Volume, const UCHAR *Sector)
{
    if (Sector[510] != 0x55 || Sector[511] != 0xAA || (Sector[0] != 0xEB && Sector[0] != 0xE9)) {
        return FALSE;
    }
    Volume->SectorBytes = FatGet16(Sector + 11);
    Volume->ClusterSectors = Sector[13];
    Volume->ClusterBytes = Volume->SectorBytes * Volume->ClusterSectors;
    Volume->ReservedSectors = FatGet16(Sector + 14);
    Volume->Fats = Sector[16];
    Volume->RootEntries = FatGet16(Sector + 17);
    return Volume->SectorBytes == Volume->Device->SectorBytes &&
           FatpIsPowerOfTwo(Volume->ClusterSectors) &&
           Volume->ClusterBytes <= FATP_MOST_CLUSTER_BYTES && Volume->ReservedSectors != 0 &&
           (Volume->Fats == 1 || Volume->Fats == 2) &&
           Volume->RootEntries % (Volume->SectorBytes / FAT_ENTRY_BYTES) == 0;
}

/* Where the clusters begin and how many there are. */
static BOOLEAN FatpDecodeLayout(PFAT_VOLUME Volume, const UCHAR *Sector)
{
    ULONG Sectors = FatGet16(Sector + 19);
    ULONG RootSectors = Volume->RootEntries * FAT_ENTRY_BYTES / Volume->SectorBytes;

    Sectors = Sectors != 0 ? Sectors : FatGet32(Sector + 32);
    Volume->FatSectors = FatGet16(Sector + 22);
    if (Volume->FatSectors == 0) {
        Volume->FatSectors = FatGet32(Sector + 36);
    }
    Volume->RootSector = Volume->ReservedSectors + (ULONG64)Volume->Fats * Volume->FatSectors;
    Volume->DataSector = Volume->RootSector + RootSectors;
    if (Sectors > Volume->Device->Sectors || Volume->DataSector >= Sectors ||
        Volume->FatSectors == 0) {
        return FALSE;
    }
    Volume->Clusters = (ULONG)(Sectors - Volume->DataSector) / Volume->ClusterSectors;
    return Volume->Clusters != 0;
}

static BOOLEAN FatpDecodeFat32(PFAT_VOLUME Volume, const UCHAR *Sector)
{
    ULONG Flags = FatGet16(Sector + 40);

    Volume->Kind = 32;
    Volume->Mirrored = (Flags & 0x80) == 0;
    Volume->ActiveFat = Volume->Mirrored ? 0 : Flags & 15;
    Volume->RootCluster = FatGet32(Sector + 44);
    Volume->FsInfoSector = FatGet16(Sector + 48);
    Volume->Serial = FatGet32(Sector + 67);
    if (Volume->FsInfoSector == 0xFFFF) {
        Volume->FsInfoSector = 0;
    }
    return FatGet16(Sector + 22) == 0 && Volume->RootEntries == 0 && FatGet16(Sector + 42) == 0 &&
           Volume->Clusters < FATP_FAT32_LIMIT && Volume->ActiveFat < Volume->Fats &&
           FatIsCluster(Volume, Volume->RootCluster) &&
           Volume->FsInfoSector < Volume->ReservedSectors;
}

static BOOLEAN FatpDecodeFat16(PFAT_VOLUME Volume, const UCHAR *Sector)
{
    Volume->Kind = Volume->Clusters < FATP_FAT12_LIMIT ? 12 : 16;
    Volume->Mirrored = TRUE;
    Volume->Serial = Sector[38] == 0x29 ? FatGet32(Sector + 39) : 0;
    return FatGet16(Sector + 22) != 0 && Volume->RootEntries != 0;
}

NTSTATUS FatDecodeBootSector(PFAT_VOLUME Volume, const UCHAR *Sector)
{
    ULONG64 Room;

    if (!FatpDecodeCommon(Volume, Sector) || !FatpDecodeLayout(Volume, Sector)) {
        return STATUS_UNRECOGNIZED_VOLUME;
    }
    if (!(Volume->Clusters < FATP_FAT16_LIMIT ? FatpDecodeFat16(Volume, Sector)
                                              : FatpDecodeFat32(Volume, Sector))) {
        return STATUS_UNRECOGNIZED_VOLUME;
    }
    Room = (ULONG64)Volume->FatSectors * Volume->SectorBytes * 8 / Volume->Kind;
    return Room >= (ULONG64)Volume->Clusters + FAT_FIRST_CLUSTER ? STATUS_SUCCESS
                                                                 : STATUS_UNRECOGNIZED_VOLUME;
}
