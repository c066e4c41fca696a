/* SPDX-License-Identifier: MIT */
/*
 * fsd.c - FAT as a file system driver: its entry, its dispatch routine, mounting and the end.
 *
 * The driver has a control device, \Fat, which is registered as a file system: it is asked to
 * mount, and told of shutdown.  Each volume that it mounts gets an unnamed device object, whose
 * extension is the VCB.
 *
 * A request to a volume is FatPageIo's (pages of a file) or FatHandleRequest's (the rest).
 *
 * Locking: FatpGlobalMutex, for the list of volumes; then those of fsd_request.c.
 */
#include "disk/fat/fsd_i.h"

static PDEVICE_OBJECT FatpControl; /* (I) */
static KGUARDED_MUTEX FatpGlobalMutex;
static LIST_ENTRY FatpVolumes; /* (G) of FAT_VCB.Link */

static NTSTATUS FatpComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_DISK_INCREMENT);
    return Status;
}

/* ---- mounting ---- */

static void FatpDeleteVolumeDevice(PDEVICE_OBJECT Device)
{
    PFAT_VCB Vcb = Device->DeviceExtension;

    if (Vcb->Volume != NULL) {
        FatDismount(Vcb->Volume);
    }
    if (Vcb->Paging != NULL) {
        IoDeleteDiskQueue(Vcb->Paging);
    }
    IoDeleteDevice(Device);
}

static NTSTATUS FatpFillVcb(PFAT_VCB Vcb, PVPB Vpb, PDISK_DEVICE Disk)
{
    NTSTATUS Status;

    ExInitializeFastMutex(&Vcb->Mutex);
    InitializeListHead(&Vcb->Fcbs);
    Vcb->Disk = Disk;
    Vcb->Vpb = Vpb;
    Status = IoCreateDiskQueue(Disk, FAT_PAGING_REQUESTS, &Vcb->Paging);
    return NT_SUCCESS(Status) ? FatMount(Disk, &Vcb->Volume) : Status;
}

static NTSTATUS FatpMount(PIO_STACK_LOCATION Stack)
{
    PVPB Vpb = Stack->Parameters.MountVolume.Vpb;
    PDEVICE_OBJECT Target = Stack->Parameters.MountVolume.DeviceObject;
    PDISK_DEVICE Disk = IoGetDiskDevice(Vpb->RealDevice);
    PDEVICE_OBJECT Device;
    PFAT_VCB Vcb;
    NTSTATUS Status;

    if (Disk == NULL) {
        return STATUS_UNRECOGNIZED_VOLUME;
    }
    Status = IoCreateDevice(FatpControl->DriverObject, sizeof(FAT_VCB), NULL,
                            FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Vcb = Device->DeviceExtension;
    Status = FatpFillVcb(Vcb, Vpb, Disk);
    if (!NT_SUCCESS(Status)) {
        FatpDeleteVolumeDevice(Device);
        return Status;
    }
    Device->StackSize = (CCHAR)(Target->StackSize + 1);
    Device->SectorSize = (USHORT)Disk->SectorBytes;
    Device->AlignmentRequirement = Target->AlignmentRequirement;
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    Vpb->SerialNumber = Vcb->Volume->Serial;
    Vpb->DeviceObject = Device;
    KeAcquireGuardedMutex(&FatpGlobalMutex);
    InsertTailList(&FatpVolumes, &Vcb->Link);
    KeReleaseGuardedMutex(&FatpGlobalMutex);
    return STATUS_SUCCESS;
}

/* Data first, so that a volume that is called clean is. */
static NTSTATUS FatpFlushVolume(PFAT_VCB Vcb)
{
    NTSTATUS Status = FatFlushFiles(Vcb);

    if (NT_SUCCESS(Status) && !Vcb->Disk->ReadOnly) {
        Status = DiskTransfer(Vcb->Disk, DiskFlush, 0, 0, NULL);
    }
    if (NT_SUCCESS(Status)) {
        ExAcquireFastMutex(&Vcb->Mutex);
        Status = FatIsBehind(Vcb) ? STATUS_SUCCESS : FatFlush(Vcb->Volume);
        ExReleaseFastMutex(&Vcb->Mutex);
    }
    return Status;
}

/* What nobody has open is written and closed.  => STATUS_ACCESS_DENIED: something is open. */
static NTSTATUS FatpLock(PDEVICE_OBJECT Device)
{
    PFAT_VCB Vcb = Device->DeviceExtension;
    NTSTATUS Status = FatLetGoFiles(Vcb);

    ExAcquireFastMutex(&Vcb->Mutex);
    if ((NT_SUCCESS(Status) || Status == STATUS_USER_MAPPED_FILE) && !IsListEmpty(&Vcb->Fcbs)) {
        Status = STATUS_ACCESS_DENIED;
    }
    ExReleaseFastMutex(&Vcb->Mutex);
    return Status;
}

/* => No file is open; IoDismountVolume saw to it. */
static NTSTATUS FatpDismount(PDEVICE_OBJECT Device)
{
    PFAT_VCB Vcb = Device->DeviceExtension;
    NTSTATUS Status;

    MI_ASSERT(IsListEmpty(&Vcb->Fcbs));
    KeAcquireGuardedMutex(&FatpGlobalMutex);
    RemoveEntryList(&Vcb->Link);
    KeReleaseGuardedMutex(&FatpGlobalMutex);
    Status = FatpFlushVolume(Vcb);
    Vcb->Vpb->DeviceObject = NULL;
    FatpDeleteVolumeDevice(Device);
    return Status;
}

static NTSTATUS FatpFlushVolumes(void)
{
    NTSTATUS First = STATUS_SUCCESS;
    PLIST_ENTRY Link;

    KeAcquireGuardedMutex(&FatpGlobalMutex);
    for (Link = FatpVolumes.Flink; Link != &FatpVolumes; Link = Link->Flink) {
        NTSTATUS Status = FatpFlushVolume(CONTAINING_RECORD(Link, FAT_VCB, Link));

        First = NT_SUCCESS(First) ? Status : First;
    }
    KeReleaseGuardedMutex(&FatpGlobalMutex);
    return First;
}

/* ---- the dispatch routine ---- */

static NTSTATUS FatpControlRequest(PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    switch (Stack->MajorFunction) {
    case IRP_MJ_CREATE:
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
        return FatpComplete(Irp, STATUS_SUCCESS, FILE_OPENED);
    case IRP_MJ_FLUSH_BUFFERS:
    case IRP_MJ_SHUTDOWN:
        return FatpComplete(Irp, FatpFlushVolumes(), 0);
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        if (Stack->MinorFunction == IRP_MN_MOUNT_VOLUME) {
            return FatpComplete(Irp, FatpMount(Stack), 0);
        }
        return FatpComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    default:
        return FatpComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

/* A control that the I/O manager sends to the volume itself. */
static BOOLEAN FatpIsControl(const IO_STACK_LOCATION *Stack, ULONG Code)
{
    return Stack->MajorFunction == IRP_MJ_FILE_SYSTEM_CONTROL &&
           Stack->MinorFunction == IRP_MN_USER_FS_REQUEST && Stack->FileObject == NULL &&
           Stack->Parameters.FileSystemControl.FsControlCode == Code;
}

static BOOLEAN FatpIsPaging(const IRP *Irp, const IO_STACK_LOCATION *Stack)
{
    if ((Stack->MajorFunction != IRP_MJ_READ && Stack->MajorFunction != IRP_MJ_WRITE) ||
        (Irp->Flags & IRP_PAGING_IO) == 0 || Stack->FileObject == NULL) {
        return FALSE;
    }
    return Stack->FileObject->FsContext != NULL;
}

static NTSTATUS NTAPI FatpDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    if (DeviceObject == FatpControl) {
        return FatpControlRequest(Irp);
    }
    if (FatpIsPaging(Irp, Stack)) {
        return FatPageIo(Stack->FileObject->FsContext, Irp);
    }
    if (FatpIsControl(Stack, FSCTL_LOCK_VOLUME)) {
        return FatpComplete(Irp, FatpLock(DeviceObject), 0);
    }
    if (FatpIsControl(Stack, FSCTL_DISMOUNT_VOLUME)) {
        return FatpComplete(Irp, FatpDismount(DeviceObject), 0);
    }
    return FatHandleRequest(DeviceObject->DeviceExtension, Irp, FALSE);
}

/* ---- the driver ---- */

static void NTAPI FatpUnload(PDRIVER_OBJECT DriverObject)
{
    (void)DriverObject;
    MI_ASSERT(IsListEmpty(&FatpVolumes));
    IoUnregisterFileSystem(FatpControl);
    IoDeleteDevice(FatpControl);
    FatpControl = NULL;
}

NTSTATUS NTAPI FatDriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Fat");
    NTSTATUS Status;
    ULONG Index;

    (void)RegistryPath;
    KeInitializeGuardedMutex(&FatpGlobalMutex);
    InitializeListHead(&FatpVolumes);
    for (Index = 0; Index <= IRP_MJ_MAXIMUM_FUNCTION; Index++) {
        DriverObject->MajorFunction[Index] = FatpDispatch;
    }
    DriverObject->DriverUnload = FatpUnload;
    DriverObject->FastIoDispatch = &FatFastIo;
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE,
                            &FatpControl);
    if (NT_SUCCESS(Status)) {
        IoRegisterFileSystem(FatpControl);
    }
    return Status;
}
