/* SPDX-License-Identifier: MIT */
/*
 * fsd_volume.c - IRP_MJ_QUERY_VOLUME_INFORMATION: size, serial number, what FAT can do.
 *
 * Locking: the volume's mutex.
 */
#include "disk/fat/fsd_i.h"

static NTSTATUS FatpQuerySize(PFAT_REQUEST Request, PVOID Buffer, BOOLEAN Full)
{
    FAT_FIGURES Figures;
    NTSTATUS Status = FatQueryVolume(Request->Vcb->Volume, &Figures);
    PFILE_FS_FULL_SIZE_INFORMATION FullSize = Buffer;
    PFILE_FS_SIZE_INFORMATION Size = Buffer;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Size->TotalAllocationUnits.QuadPart = Figures.Clusters; /* the first two are the same in both */
    Size->AvailableAllocationUnits.QuadPart = Figures.FreeClusters;
    if (Full) {
        FullSize->ActualAvailableAllocationUnits.QuadPart = Figures.FreeClusters;
        FullSize->SectorsPerAllocationUnit = Figures.ClusterBytes / Figures.SectorBytes;
        FullSize->BytesPerSector = Figures.SectorBytes;
        Request->Information = sizeof(*FullSize);
    } else {
        Size->SectorsPerAllocationUnit = Figures.ClusterBytes / Figures.SectorBytes;
        Size->BytesPerSector = Figures.SectorBytes;
        Request->Information = sizeof(*Size);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS FatpQueryVolume(PFAT_REQUEST Request, PFILE_FS_VOLUME_INFORMATION Volume)
{
    Volume->VolumeSerialNumber = Request->Vcb->Volume->Serial;
    Request->Information = offsetof(FILE_FS_VOLUME_INFORMATION, VolumeLabel);
    return STATUS_SUCCESS;
}

static NTSTATUS FatpQueryDevice(PFAT_REQUEST Request, PFILE_FS_DEVICE_INFORMATION Device)
{
    PDEVICE_OBJECT Real = Request->Vcb->Vpb->RealDevice;

    Device->DeviceType = Real->DeviceType;
    Device->Characteristics = Real->Characteristics | FILE_DEVICE_IS_MOUNTED;
    Request->Information = sizeof(*Device);
    return STATUS_SUCCESS;
}

/* "FAT" or "FAT32", as much as fits. */
static NTSTATUS FatpQueryAttributes(PFAT_REQUEST Request, PFILE_FS_ATTRIBUTE_INFORMATION Attribute)
{
    const ULONG Head = offsetof(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName);
    ULONG Room = Request->Stack->Parameters.QueryVolume.Length - Head;
    ULONG Bytes = Request->Vcb->Volume->Kind == 32 ? 10 : 6;
    ULONG Copied = Room < Bytes ? ROUND_DOWN(Room, 2u) : Bytes;

    Attribute->FileSystemAttributes = FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK;
    Attribute->MaximumComponentNameLength = FAT_NAME_UNITS - 1;
    Attribute->FileSystemNameLength = Copied;
    memcpy(Attribute->FileSystemName, u"FAT32", Copied);
    Request->Information = Head + Copied;
    return Copied == Bytes ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

static ULONG FatpVolumeBytes(FS_INFORMATION_CLASS Class)
{
    switch ((ULONG)Class) {
    case FileFsVolumeInformation:
        return offsetof(FILE_FS_VOLUME_INFORMATION, VolumeLabel);
    case FileFsSizeInformation:
        return sizeof(FILE_FS_SIZE_INFORMATION);
    case FileFsDeviceInformation:
        return sizeof(FILE_FS_DEVICE_INFORMATION);
    case FileFsAttributeInformation:
        return offsetof(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName);
    case FileFsFullSizeInformation:
        return sizeof(FILE_FS_FULL_SIZE_INFORMATION);
    default:
        return 0;
    }
}

NTSTATUS FatFsdQueryVolumeInformation(PFAT_REQUEST Request)
{
    FS_INFORMATION_CLASS Class = Request->Stack->Parameters.QueryVolume.FsInformationClass;
    PVOID Buffer = Request->Irp->AssociatedIrp.SystemBuffer;
    ULONG Bytes = FatpVolumeBytes(Class);

    if (Bytes == 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Request->Stack->Parameters.QueryVolume.Length < Bytes) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    switch ((ULONG)Class) {
    case FileFsVolumeInformation:
        return FatpQueryVolume(Request, Buffer);
    case FileFsSizeInformation:
        return FatpQuerySize(Request, Buffer, FALSE);
    case FileFsDeviceInformation:
        return FatpQueryDevice(Request, Buffer);
    case FileFsAttributeInformation:
        return FatpQueryAttributes(Request, Buffer);
    default:
        return FatpQuerySize(Request, Buffer, TRUE);
    }
}
