/* SPDX-License-Identifier: MIT */
/*
 * format.c - an empty volume that fills a device.
 *
 * Clusters of 4 KB where there can be enough of them, as a page then is one cluster: FAT16 up to
 * 65,524 of them (256 MB), FAT32 above, with larger clusters only where their number demands it.
 * Counts near a border between two kinds are avoided: others have drawn it elsewhere.
 *
 * The boot sector is written last and holds nothing before: what a power cut leaves is no volume.
 */
#include "disk/fat/fat_i.h"
#include "ex.h"

#define FATP_FAT16_LEAST   4101u /* 16 above the border to FAT12 */
#define FATP_FAT16_MOST    65508u
#define FATP_FAT32_LEAST   65541u
#define FATP_FAT32_MOST    0x0FFFFFE0u
#define FATP_PAGE_CLUSTER  4096u
#define FATP_LARGE_CLUSTER 32768u
#define FATP_ROOT_ENTRIES  512u
#define FATP_RESERVED_16   1u
#define FATP_RESERVED_32   32u
#define FATP_BACKUP_SECTOR 6u
#define FATP_SCRATCH_BYTES 16384u
#define FATP_MEDIA_FIXED   0xF8u

typedef struct _FATP_LAYOUT {
    ULONG Kind; /* 16 or 32 */
    ULONG SectorBytes;
    ULONG Sectors;
    ULONG ClusterSectors;
    ULONG Reserved;
    ULONG RootSectors;
    ULONG FatSectors;
    ULONG Clusters;
    ULONG Serial;
    const char *Label; /* 11 characters */
} FATP_LAYOUT, *PFATP_LAYOUT;

/* FATs that are large enough, and what they leave.  => FALSE: no such volume. */
static BOOLEAN FatpLayOut(PFATP_LAYOUT Layout, ULONG Kind, ULONG ClusterBytes)
{
    ULONG Fixed;
    ULONG64 FatBytes;

    Layout->Kind = Kind;
    Layout->ClusterSectors = ClusterBytes / Layout->SectorBytes;
    Layout->Reserved = Kind == 32 ? FATP_RESERVED_32 : FATP_RESERVED_16;
    Layout->RootSectors =
        Kind == 32 ? 0 : FATP_ROOT_ENTRIES * FAT_ENTRY_BYTES / Layout->SectorBytes;
    FatBytes = ((ULONG64)Layout->Sectors / Layout->ClusterSectors + FAT_FIRST_CLUSTER) * Kind / 8;
    Layout->FatSectors = (ULONG)((FatBytes + Layout->SectorBytes - 1) / Layout->SectorBytes);
    Fixed = Layout->Reserved + 2 * Layout->FatSectors + Layout->RootSectors;
    if (Fixed >= Layout->Sectors) {
        return FALSE;
    }
    Layout->Clusters = (Layout->Sectors - Fixed) / Layout->ClusterSectors;
    return Kind == 32 ? Layout->Clusters >= FATP_FAT32_LEAST && Layout->Clusters <= FATP_FAT32_MOST
                      : Layout->Clusters >= FATP_FAT16_LEAST && Layout->Clusters <= FATP_FAT16_MOST;
}

/* Clusters of a page; else smaller ones, for small volumes; else larger ones. */
static BOOLEAN FatpChooseLayout(PFATP_LAYOUT Layout)
{
    ULONG Bytes;

    for (Bytes = FATP_PAGE_CLUSTER; Bytes >= Layout->SectorBytes; Bytes /= 2) {
        if (FatpLayOut(Layout, 16, Bytes) || FatpLayOut(Layout, 32, Bytes)) {
            return TRUE;
        }
    }
    for (Bytes = 2 * FATP_PAGE_CLUSTER; Bytes <= FATP_LARGE_CLUSTER; Bytes *= 2) {
        if (FatpLayOut(Layout, 32, Bytes)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* ---- the boot sector ---- */

static void FatpPutVolume(const FATP_LAYOUT *Layout, PUCHAR At)
{
    At[0] = 0x80; /* drive number, as BIOS counts */
    At[2] = 0x29; /* serial number, label and name follow */
    FatPut32(At + 3, Layout->Serial);
    memcpy(At + 7, Layout->Label, 11);
    memcpy(At + 18, Layout->Kind == 32 ? "FAT32   " : "FAT16   ", 8);
    memcpy(At + 26, "\xF4\xEB\xFD", 3); /* hlt; jmp back: nobody starts from here */
}

static void FatpPutBootSector(const FATP_LAYOUT *Layout, PUCHAR Sector)
{
    BOOLEAN Fat32 = Layout->Kind == 32;

    memcpy(Sector, Fat32 ? "\xEB\x58\x90" : "\xEB\x3C\x90", 3);
    memcpy(Sector + 3, "HYPRSPCE", 8);
    FatPut16(Sector + 11, Layout->SectorBytes);
    Sector[13] = (UCHAR)Layout->ClusterSectors;
    FatPut16(Sector + 14, Layout->Reserved);
    Sector[16] = 2;
    FatPut16(Sector + 17, Fat32 ? 0 : FATP_ROOT_ENTRIES);
    FatPut16(Sector + 19, Layout->Sectors <= 0xFFFF && !Fat32 ? Layout->Sectors : 0);
    Sector[21] = FATP_MEDIA_FIXED;
    FatPut16(Sector + 22, Fat32 ? 0 : Layout->FatSectors);
    FatPut16(Sector + 24, 63); /* a geometry that nobody uses, as usual */
    FatPut16(Sector + 26, 255);
    FatPut32(Sector + 32, Layout->Sectors <= 0xFFFF && !Fat32 ? 0 : Layout->Sectors);
    FatPut16(Sector + 510, 0xAA55);
    if (!Fat32) {
        FatpPutVolume(Layout, Sector + 36);
        return;
    }
    FatPut32(Sector + 36, Layout->FatSectors);
    FatPut32(Sector + 44, FAT_FIRST_CLUSTER);
    FatPut16(Sector + 48, 1);
    FatPut16(Sector + 50, FATP_BACKUP_SECTOR);
    FatpPutVolume(Layout, Sector + 64);
}

static void FatpPutInfo(const FATP_LAYOUT *Layout, PUCHAR Sector)
{
    FatPut32(Sector, 0x41615252);
    FatPut32(Sector + 484, 0x61417272);
    FatPut32(Sector + 488, Layout->Clusters - 1); /* all but the root's */
    FatPut32(Sector + 492, FAT_FIRST_CLUSTER + 1);
    FatPut32(Sector + 508, 0xAA550000);
}

/* ---- writing ---- */

/* => Scratch is FATP_SCRATCH_BYTES of zeros. */
static NTSTATUS FatpWriteZeros(PDISK_DEVICE Device, ULONG Sector, ULONG Sectors, PUCHAR Scratch)
{
    NTSTATUS Status = STATUS_SUCCESS;

    while (Sectors != 0 && NT_SUCCESS(Status)) {
        ULONG Part = FATP_SCRATCH_BYTES / Device->SectorBytes;

        Part = Part < Sectors ? Part : Sectors;
        Status = DiskTransfer(Device, DiskWrite, Sector, Part, Scratch);
        Sector += Part;
        Sectors -= Part;
    }
    return Status;
}

/* One sector from Scratch, which is zero again afterwards. */
static NTSTATUS FatpWriteOne(PDISK_DEVICE Device, ULONG Sector, PUCHAR Scratch)
{
    NTSTATUS Status = DiskTransfer(Device, DiskWrite, Sector, 1, Scratch);

    memset(Scratch, 0, Device->SectorBytes);
    return Status;
}

static NTSTATUS FatpWriteFats(PDISK_DEVICE Device, const FATP_LAYOUT *Layout, PUCHAR Scratch)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Fat;

    for (Fat = 0; Fat < 2 && NT_SUCCESS(Status); Fat++) {
        if (Layout->Kind == 32) {
            FatPut32(Scratch, 0x0FFFFF00u | FATP_MEDIA_FIXED);
            FatPut32(Scratch + 4, 0x0FFFFFFF); /* clean, no errors */
            FatPut32(Scratch + 8, 0x0FFFFFFF); /* the root directory */
        } else {
            FatPut16(Scratch, 0xFF00u | FATP_MEDIA_FIXED);
            FatPut16(Scratch + 2, 0xFFFF);
        }
        Status = FatpWriteOne(Device, Layout->Reserved + Fat * Layout->FatSectors, Scratch);
    }
    return Status;
}

static NTSTATUS FatpWriteRoot(PDISK_DEVICE Device, const FATP_LAYOUT *Layout, PUCHAR Scratch)
{
    memcpy(Scratch, Layout->Label, 11);
    Scratch[11] = FAT_ATTRIBUTE_LABEL;
    return FatpWriteOne(Device, Layout->Reserved + 2 * Layout->FatSectors, Scratch);
}

/* FAT32's copies of the boot sector and FSInfo, and FSInfo. */
static NTSTATUS FatpWriteSpare(PDISK_DEVICE Device, const FATP_LAYOUT *Layout, PUCHAR Scratch)
{
    static const ULONG Info[] = {1, FATP_BACKUP_SECTOR + 1};
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Info) && NT_SUCCESS(Status); i++) {
        FatpPutInfo(Layout, Scratch);
        Status = FatpWriteOne(Device, Info[i], Scratch);
    }
    if (NT_SUCCESS(Status)) {
        FatpPutBootSector(Layout, Scratch);
        Status = FatpWriteOne(Device, FATP_BACKUP_SECTOR, Scratch);
    }
    return Status;
}

static NTSTATUS FatpWriteVolume(PDISK_DEVICE Device, const FATP_LAYOUT *Layout, PUCHAR Scratch)
{
    ULONG Root = Layout->Kind == 32 ? Layout->ClusterSectors : Layout->RootSectors;
    NTSTATUS Status =
        FatpWriteZeros(Device, 0, Layout->Reserved + 2 * Layout->FatSectors + Root, Scratch);

    if (NT_SUCCESS(Status)) {
        Status = FatpWriteFats(Device, Layout, Scratch);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatpWriteRoot(Device, Layout, Scratch);
    }
    if (NT_SUCCESS(Status) && Layout->Kind == 32) {
        Status = FatpWriteSpare(Device, Layout, Scratch);
    }
    if (NT_SUCCESS(Status)) {
        Status = DiskTransfer(Device, DiskFlush, 0, 0, NULL);
    }
    if (NT_SUCCESS(Status)) {
        FatpPutBootSector(Layout, Scratch);
        Status = FatpWriteOne(Device, 0, Scratch);
    }
    return NT_SUCCESS(Status) ? DiskTransfer(Device, DiskFlush, 0, 0, NULL) : Status;
}

NTSTATUS FatFormat(PDISK_DEVICE Device, ULONG Serial, const char Label[11])
{
    FATP_LAYOUT Layout = {
        .SectorBytes = Device->SectorBytes,
        .Sectors = Device->Sectors < 0xFFFFFFFF ? (ULONG)Device->Sectors : 0xFFFFFFFF,
        .Serial = Serial,
        .Label = Label,
    };
    PUCHAR Scratch;
    NTSTATUS Status;

    if (!FatpChooseLayout(&Layout)) {
        return STATUS_UNRECOGNIZED_VOLUME;
    }
    Scratch = ExAllocatePoolWithTag(NonPagedPool, FATP_SCRATCH_BYTES, FAT_TAG);
    if (Scratch == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Scratch, 0, FATP_SCRATCH_BYTES);
    Status = FatpWriteVolume(Device, &Layout, Scratch);
    ExFreePoolWithTag(Scratch, FAT_TAG);
    return Status;
}
