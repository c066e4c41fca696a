/* SPDX-License-Identifier: MIT */
/*
 * disk_device.c - the disk driver: a device object over a DISK_DEVICE.
 *
 *     IRP_MJ_CREATE, CLEANUP, CLOSE   succeed
 *     IRP_MJ_READ, WRITE              whole sectors inside the device, MdlAddress (DO_DIRECT_IO)
 *     IRP_MJ_FLUSH_BUFFERS            what was completed before is on the medium
 *     IRP_MJ_DEVICE_CONTROL           IOCTL_DISK_GET_DRIVE_GEOMETRY, GET_LENGTH_INFO, CHECK_VERIFY,
 *                                     IS_WRITABLE; IOCTL_STORAGE_CHECK_VERIFY
 *
 * Geometry is made up, as disks have none: 255 tracks a cylinder, 63 sectors a track, cylinders
 * rounded down.
 *
 * Locking: none beyond the queue's.
 */
#include "mm/io/io_i.h"

#define IOP_DISK_REQUESTS       16u
#define IOP_TRACKS_PER_CYLINDER 255u
#define IOP_SECTORS_PER_TRACK   63u
#define IOP_MOST_NAME           128u

/* The device's extension. */
typedef struct _IOP_DISK {
    PDISK_DEVICE Disk;    /* (I) */
    PIO_DISK_QUEUE Queue; /* (I) */
    IO_RUN_MAP Map;       /* (I) one run: all of the disk */
} IOP_DISK, *PIOP_DISK;

static PDRIVER_OBJECT IopDiskDriver; /* (I) */

static NTSTATUS IopComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI IopDiskCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    return IopComplete(Irp, STATUS_SUCCESS, FILE_OPENED);
}

/* ---- data ---- */

static NTSTATUS IopCheckDiskRange(const DISK_DEVICE *Disk, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG64 Offset = (ULONG64)Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG64 Bytes = Disk->Sectors * Disk->SectorBytes;
    ULONG Length = Stack->Parameters.Read.Length;

    if (Offset % Disk->SectorBytes != 0 || Length % Disk->SectorBytes != 0 || Offset > Bytes ||
        Length > Bytes - Offset) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Length != 0 && (Irp->MdlAddress == NULL || Irp->MdlAddress->ByteCount < Length)) {
        return STATUS_INVALID_PARAMETER;
    }
    return Disk->ReadOnly && Stack->MajorFunction == IRP_MJ_WRITE ? STATUS_MEDIA_WRITE_PROTECTED
                                                                  : STATUS_SUCCESS;
}

static NTSTATUS NTAPI IopDiskReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIOP_DISK Disk = DeviceObject->DeviceExtension;
    NTSTATUS Status = IopCheckDiskRange(Disk->Disk, Irp);

    if (!NT_SUCCESS(Status) || IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length == 0) {
        return IopComplete(Irp, Status, 0);
    }
    return IoQueueDiskRequest(Disk->Queue, Irp, &Disk->Map);
}

static NTSTATUS NTAPI IopDiskFlush(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIOP_DISK Disk = DeviceObject->DeviceExtension;

    return IoQueueDiskRequest(Disk->Queue, Irp, &Disk->Map);
}

/* ---- control ---- */

static void IopFillGeometry(const DISK_DEVICE *Disk, PDISK_GEOMETRY Geometry)
{
    *Geometry = (DISK_GEOMETRY){
        .MediaType = FixedMedia,
        .TracksPerCylinder = IOP_TRACKS_PER_CYLINDER,
        .SectorsPerTrack = IOP_SECTORS_PER_TRACK,
        .BytesPerSector = Disk->SectorBytes,
    };
    Geometry->Cylinders.QuadPart =
        (LONGLONG)(Disk->Sectors / (IOP_TRACKS_PER_CYLINDER * IOP_SECTORS_PER_TRACK));
}

/* => STATUS_BUFFER_TOO_SMALL when the caller has not Bytes for it. */
static NTSTATUS IopCompleteOutput(PIRP Irp, const void *Output, ULONG Bytes)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    if (Stack->Parameters.DeviceIoControl.OutputBufferLength < Bytes) {
        return IopComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    memcpy(Irp->AssociatedIrp.SystemBuffer, Output, Bytes);
    return IopComplete(Irp, STATUS_SUCCESS, Bytes);
}

static NTSTATUS NTAPI IopDiskControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIOP_DISK Disk = DeviceObject->DeviceExtension;
    GET_LENGTH_INFORMATION Length;
    DISK_GEOMETRY Geometry;

    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_DISK_GET_DRIVE_GEOMETRY:
        IopFillGeometry(Disk->Disk, &Geometry);
        return IopCompleteOutput(Irp, &Geometry, sizeof(Geometry));
    case IOCTL_DISK_GET_LENGTH_INFO:
        Length.Length.QuadPart = (LONGLONG)(Disk->Disk->Sectors * Disk->Disk->SectorBytes);
        return IopCompleteOutput(Irp, &Length, sizeof(Length));
    case IOCTL_DISK_CHECK_VERIFY:
    case IOCTL_STORAGE_CHECK_VERIFY:
        return IopComplete(Irp, STATUS_SUCCESS, 0); /* fixed media */
    case IOCTL_DISK_IS_WRITABLE:
        return IopComplete(Irp,
                           Disk->Disk->ReadOnly ? STATUS_MEDIA_WRITE_PROTECTED : STATUS_SUCCESS, 0);
    default:
        return IopComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

/* ---- devices ---- */

static NTSTATUS NTAPI IopDiskEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    (void)RegistryPath;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = IopDiskCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = IopDiskCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = IopDiskCreateClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = IopDiskReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = IopDiskReadWrite;
    DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = IopDiskFlush;
    DriverObject->MajorFunction[IRP_MJ_SHUTDOWN] = IopDiskFlush;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = IopDiskControl;
    IopDiskDriver = DriverObject;
    return STATUS_SUCCESS;
}

NTSTATUS IopInitializeDiskDriver(void)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Driver\\Disk");

    return IoCreateDriver(&Name, IopDiskEntry);
}

static NTSTATUS IopFillDisk(PIOP_DISK Disk, PDISK_DEVICE Device)
{
    NTSTATUS Status = IoCreateDiskQueue(Device, IOP_DISK_REQUESTS, &Disk->Queue);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Disk->Disk = Device;
    Disk->Map.Runs =
        ExAllocatePoolWithTag(NonPagedPool, sizeof(IO_RUNS) + sizeof(IO_RUN), IOP_DEVICE_TAG);
    if (Disk->Map.Runs == NULL) {
        IoDeleteDiskQueue(Disk->Queue);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Disk->Map.Runs->Count = 1;
    Disk->Map.Runs->Run[0] = (IO_RUN){.Position = 0, .Sector = 0, .Sectors = Device->Sectors};
    return STATUS_SUCCESS;
}

NTSTATUS IopCreateDiskDevice(PDISK_DEVICE Disk, PCSTR Name, PDEVICE_OBJECT *Created)
{
    WCHAR Buffer[IOP_MOST_NAME];
    UNICODE_STRING Wide = {.MaximumLength = sizeof(Buffer), .Buffer = Buffer};
    PDEVICE_OBJECT Device;
    ULONG Bytes;
    NTSTATUS Status = RtlUTF8ToUnicodeN(Buffer, sizeof(Buffer), &Bytes, Name, (ULONG)strlen(Name));

    if (Status != STATUS_SUCCESS) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    Wide.Length = (USHORT)Bytes;
    Status = IoCreateDevice(IopDiskDriver, sizeof(IOP_DISK), &Wide, FILE_DEVICE_DISK,
                            Disk->ReadOnly ? FILE_READ_ONLY_DEVICE : 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopFillDisk(Device->DeviceExtension, Disk);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    Device->SectorSize = (USHORT)Disk->SectorBytes;
    Device->AlignmentRequirement = Disk->SectorBytes - 1;
    Device->Flags |= DO_DIRECT_IO;
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    *Created = Device;
    return STATUS_SUCCESS;
}

void IopDeleteDiskDevice(PDEVICE_OBJECT Device)
{
    PIOP_DISK Disk = Device->DeviceExtension;

    IoDeleteDiskQueue(Disk->Queue);
    ExFreePoolWithTag(Disk->Map.Runs, IOP_DEVICE_TAG);
    IoDeleteDevice(Device);
}

PDISK_DEVICE IoGetDiskDevice(PDEVICE_OBJECT DeviceObject)
{
    PIOP_DISK Disk = DeviceObject->DeviceExtension;

    return DeviceObject->DriverObject == IopDiskDriver ? Disk->Disk : NULL;
}
