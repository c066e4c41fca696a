/* SPDX-License-Identifier: MIT */
/*
 * fsd.c - FAT as a file system driver: its entry, its dispatch routine, mounting and the end.
 *
 * The driver has a control device, \Fat, which is registered as a file system: it is asked to
 * mount, and told of shutdown.  Each volume that it mounts gets an unnamed device object, whose
 * extension is the VCB.
 *
 * A request to a volume, step by step:
 *
 *     1  pages of a paging file: FatPageIo, without any lock
 *     2  the data's buffer is locked and mapped; that may fault, so it comes before the mutex
 *     3  under the volume's mutex, at APC_LEVEL: the handler, from the table below
 *     4  completed, with the handler's status; no handler leaves a request pending
 *
 * Locking: FatpGlobalMutex, for the list of volumes, above the volumes' mutexes.
 */
#include "disk/fat/fsd_i.h"

static PDEVICE_OBJECT FatpControl; /* (I) */
static KGUARDED_MUTEX FatpGlobalMutex;
static LIST_ENTRY FatpVolumes; /* (G) of FAT_VCB.Link */

static FAT_HANDLER *const FatpHandlers[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
    [IRP_MJ_CREATE] = FatFsdCreate,
    [IRP_MJ_CLEANUP] = FatFsdCleanup,
    [IRP_MJ_CLOSE] = FatFsdClose,
    [IRP_MJ_READ] = FatFsdRead,
    [IRP_MJ_WRITE] = FatFsdWrite,
    [IRP_MJ_FLUSH_BUFFERS] = FatFsdFlush,
    [IRP_MJ_QUERY_INFORMATION] = FatFsdQueryInformation,
    [IRP_MJ_SET_INFORMATION] = FatFsdSetInformation,
    [IRP_MJ_QUERY_VOLUME_INFORMATION] = FatFsdQueryVolumeInformation,
    [IRP_MJ_DIRECTORY_CONTROL] = FatFsdQueryDirectory,
};

static NTSTATUS FatpComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_DISK_INCREMENT);
    return Status;
}

/* ---- requests to a volume ---- */

/* The bytes that a request reads or writes in the caller's memory. */
static ULONG FatpDataBytes(const IO_STACK_LOCATION *Stack, LOCK_OPERATION *Operation)
{
    *Operation = IoWriteAccess;
    switch (Stack->MajorFunction) {
    case IRP_MJ_WRITE:
        *Operation = IoReadAccess;
        return Stack->Parameters.Write.Length;
    case IRP_MJ_READ:
        return Stack->Parameters.Read.Length;
    case IRP_MJ_DIRECTORY_CONTROL:
        return Stack->Parameters.QueryDirectory.Length;
    default:
        return 0;
    }
}

/* Lock and map the caller's memory.  What is locked here is unlocked when the request ends. */
static NTSTATUS FatpPrepareBuffer(PFAT_REQUEST Request)
{
    PIRP Irp = Request->Irp;
    LOCK_OPERATION Operation;
    ULONG Bytes = FatpDataBytes(Request->Stack, &Operation);

    if (Bytes == 0) {
        return STATUS_SUCCESS;
    }
    if (Irp->MdlAddress == NULL) {
        PMDL Mdl;

        if (Irp->UserBuffer == NULL) {
            return STATUS_INVALID_PARAMETER;
        }
        Mdl = IoAllocateMdl(Irp->UserBuffer, Bytes, FALSE, FALSE, Irp);
        if (Mdl == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        MmProbeAndLockPages(Mdl, Irp->RequestorMode, Operation);
    }
    if (Irp->MdlAddress->ByteCount < Bytes) {
        return STATUS_INVALID_PARAMETER;
    }
    Request->Buffer = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    return Request->Buffer != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* What was cleaned up may only be closed. */
static NTSTATUS FatpCheckState(const FAT_REQUEST *Request)
{
    UCHAR Major = Request->Stack->MajorFunction;

    if (Major == IRP_MJ_CREATE) {
        return STATUS_SUCCESS;
    }
    if (Request->Fcb == NULL) {
        return Major == IRP_MJ_FLUSH_BUFFERS ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    if ((Request->FileObject->Flags & FO_CLEANUP_COMPLETE) && Major != IRP_MJ_CLOSE &&
        (Request->Irp->Flags & IRP_PAGING_IO) == 0) {
        return STATUS_FILE_CLOSED;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS FatpHandle(PFAT_VCB Vcb, PIRP Irp)
{
    FAT_REQUEST Request = {.Vcb = Vcb, .Irp = Irp, .Stack = IoGetCurrentIrpStackLocation(Irp)};
    FAT_HANDLER *Handler = FatpHandlers[Request.Stack->MajorFunction];
    NTSTATUS Status;

    Request.FileObject = Request.Stack->FileObject;
    if (Request.FileObject != NULL && Request.Stack->MajorFunction != IRP_MJ_CREATE) {
        Request.Fcb = Request.FileObject->FsContext;
        Request.Ccb = Request.FileObject->FsContext2;
    }
    Status = FatpCheckState(&Request);
    if (NT_SUCCESS(Status)) {
        Status = FatpPrepareBuffer(&Request);
    }
    if (NT_SUCCESS(Status)) {
        ExAcquireFastMutex(&Vcb->Mutex);
        Status = Handler(&Request);
        ExReleaseFastMutex(&Vcb->Mutex);
    }
    return FatpComplete(Irp, Status, Request.Information);
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

static NTSTATUS FatpFlushVolume(PFAT_VCB Vcb)
{
    NTSTATUS Status;

    ExAcquireFastMutex(&Vcb->Mutex);
    Status = FatFlush(Vcb->Volume);
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

static NTSTATUS FatpShutdown(void)
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
    case IRP_MJ_SHUTDOWN:
        return FatpComplete(Irp, FatpShutdown(), 0);
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        if (Stack->MinorFunction == IRP_MN_MOUNT_VOLUME) {
            return FatpComplete(Irp, FatpMount(Stack), 0);
        }
        return FatpComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    default:
        return FatpComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static BOOLEAN FatpIsPaging(const IRP *Irp, const IO_STACK_LOCATION *Stack)
{
    const FAT_FCB *Fcb;

    if ((Stack->MajorFunction != IRP_MJ_READ && Stack->MajorFunction != IRP_MJ_WRITE) ||
        (Irp->Flags & IRP_PAGING_IO) == 0 || Stack->FileObject == NULL) {
        return FALSE;
    }
    Fcb = Stack->FileObject->FsContext;
    return Fcb != NULL && Fcb->Runs != NULL;
}

static NTSTATUS NTAPI FatpDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    if (DeviceObject == FatpControl) {
        return FatpControlRequest(Irp);
    }
    if (FatpIsPaging(Irp, Stack)) {
        return FatPageIo(DeviceObject->DeviceExtension, Stack->FileObject->FsContext, Irp);
    }
    if (Stack->MajorFunction == IRP_MJ_FILE_SYSTEM_CONTROL &&
        Stack->MinorFunction == IRP_MN_USER_FS_REQUEST &&
        Stack->Parameters.FileSystemControl.FsControlCode == FSCTL_DISMOUNT_VOLUME &&
        Stack->FileObject == NULL) {
        return FatpComplete(Irp, FatpDismount(DeviceObject), 0);
    }
    if (FatpHandlers[Stack->MajorFunction] == NULL) {
        return FatpComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    return FatpHandle(DeviceObject->DeviceExtension, Irp);
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
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE,
                            &FatpControl);
    if (NT_SUCCESS(Status)) {
        IoRegisterFileSystem(FatpControl);
    }
    return Status;
}
