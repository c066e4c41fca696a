/* SPDX-License-Identifier: MIT */
/*
 * mount.c - file systems, and volumes that they mount.
 *
 * A disk device has a VPB from its creation.  Mounting offers it to each registered file system,
 * the newest first; one that knows the volume makes a device object of its own and enters it in
 * the VPB.  From then on files on the disk's device are the file system's.
 *
 *     VPB flags           DeviceObject        by
 *     0                   NULL                IoCreateDevice
 *     VPB_MOUNTED         the file system's   IoMountVolume, after IRP_MN_MOUNT_VOLUME
 *     + REMOVE_PENDING    the file system's   IoDismountVolume: no file can be opened any more, as
 *                                             the device is Deleting
 *     0                   NULL                the file system, FSCTL_DISMOUNT_VOLUME
 *
 * Invariant: ReferenceCount is the number of file objects that point to the VPB.
 *
 * Locking: IopMountMutex for the list of file systems, across a mount; IopVpbLock for VPBs.
 */
#include "mm/io/io_i.h"
#include "mm/ob/object.h"
#include "mm/section/section.h"

KSPIN_LOCK IopVpbLock;
static KGUARDED_MUTEX IopMountMutex;
static LIST_ENTRY IopFileSystems; /* of DEVICE_OBJECT.Queue.ListEntry, newest first */

void IopInitializeMounts(void)
{
    KeInitializeSpinLock(&IopVpbLock);
    KeInitializeGuardedMutex(&IopMountMutex);
    InitializeListHead(&IopFileSystems);
}

void NTAPI IoRegisterFileSystem(PDEVICE_OBJECT DeviceObject)
{
    KeAcquireGuardedMutex(&IopMountMutex);
    InsertHeadList(&IopFileSystems, &DeviceObject->Queue.ListEntry);
    DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    KeReleaseGuardedMutex(&IopMountMutex);
}

void NTAPI IoUnregisterFileSystem(PDEVICE_OBJECT DeviceObject)
{
    KeAcquireGuardedMutex(&IopMountMutex);
    RemoveEntryList(&DeviceObject->Queue.ListEntry);
    KeReleaseGuardedMutex(&IopMountMutex);
}

/* ---- volumes ---- */

NTSTATUS IopCreateVpb(PDEVICE_OBJECT Device)
{
    PVPB Vpb = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Vpb), IOP_VPB_TAG);

    if (Vpb == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Vpb, 0, sizeof(*Vpb));
    Vpb->Type = IO_TYPE_VPB;
    Vpb->Size = sizeof(*Vpb);
    Vpb->RealDevice = Device;
    Device->Vpb = Vpb;
    return STATUS_SUCCESS;
}

NTSTATUS IopReferenceVpb(PFILE_OBJECT File)
{
    PVPB Vpb = File->DeviceObject->Vpb;
    NTSTATUS Status = STATUS_DEVICE_NOT_READY;
    KIRQL OldIrql = KfAcquireSpinLock(&IopVpbLock);

    if ((Vpb->Flags & (VPB_MOUNTED | VPB_REMOVE_PENDING)) == VPB_MOUNTED) {
        Vpb->ReferenceCount++;
        File->Vpb = Vpb;
        Status = STATUS_SUCCESS;
    }
    KfReleaseSpinLock(&IopVpbLock, OldIrql);
    return Status;
}

void IopDereferenceVpb(PFILE_OBJECT File)
{
    KIRQL OldIrql = KfAcquireSpinLock(&IopVpbLock);

    MI_ASSERT(File->Vpb->ReferenceCount != 0);
    File->Vpb->ReferenceCount--;
    File->Vpb = NULL;
    KfReleaseSpinLock(&IopVpbLock, OldIrql);
}

/* ---- mounting ---- */

static NTSTATUS IopOfferVolume(PDEVICE_OBJECT FileSystem, PDEVICE_OBJECT Device)
{
    PDEVICE_OBJECT Top = IoGetAttachedDevice(FileSystem);
    PIRP Irp = IoAllocateIrp(Top->StackSize, FALSE);
    PIO_STACK_LOCATION Next;

    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->Flags = IRP_MOUNT_COMPLETION | IRP_SYNCHRONOUS_PAGING_IO;
    Irp->Tail.Overlay.Thread = KeGetCurrentThread();
    Next = IoGetNextIrpStackLocation(Irp);
    Next->MajorFunction = IRP_MJ_FILE_SYSTEM_CONTROL;
    Next->MinorFunction = IRP_MN_MOUNT_VOLUME;
    Next->Parameters.MountVolume.Vpb = Device->Vpb;
    Next->Parameters.MountVolume.DeviceObject = IoGetAttachedDevice(Device);
    return IopCallAndWait(Top, Irp, NULL);
}

/* => IopMountMutex held. */
static NTSTATUS IopMount(PDEVICE_OBJECT Device)
{
    NTSTATUS Status = STATUS_UNRECOGNIZED_VOLUME;
    PLIST_ENTRY Link = IopFileSystems.Flink;
    KIRQL OldIrql;

    while (Status == STATUS_UNRECOGNIZED_VOLUME && Link != &IopFileSystems) {
        Status = IopOfferVolume(CONTAINING_RECORD(Link, DEVICE_OBJECT, Queue.ListEntry), Device);
        Link = Link->Flink;
    }
    if (NT_SUCCESS(Status)) {
        OldIrql = KfAcquireSpinLock(&IopVpbLock);
        MI_ASSERT(Device->Vpb->DeviceObject != NULL);
        Device->Vpb->Flags |= VPB_MOUNTED;
        KfReleaseSpinLock(&IopVpbLock, OldIrql);
    }
    return Status;
}

NTSTATUS IoMountVolume(PDISK_DEVICE Volume, PCSTR DeviceName, PDEVICE_OBJECT *Device)
{
    PDEVICE_OBJECT Disk;
    NTSTATUS Status = IopCreateDiskDevice(Volume, DeviceName, &Disk);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeAcquireGuardedMutex(&IopMountMutex);
    Status = IopMount(Disk);
    KeReleaseGuardedMutex(&IopMountMutex);
    if (!NT_SUCCESS(Status)) {
        IopDeleteDiskDevice(Disk);
        return Status;
    }
    *Device = Disk;
    return STATUS_SUCCESS;
}

/* ---- dismounting ---- */

/* No file will be opened any more.  => FALSE: one is open, on the volume or on its device. */
static BOOLEAN IopCloseVolume(PDEVICE_OBJECT Device)
{
    PVPB Vpb = Device->Vpb;
    KIRQL OldIrql;

    if (!IopShutDevice(Device)) {
        return FALSE;
    }
    OldIrql = KfAcquireSpinLock(&IopVpbLock);
    MI_ASSERT(Vpb->ReferenceCount == 0); /* such a file is one on the device, too */
    Vpb->Flags |= VPB_REMOVE_PENDING;
    KfReleaseSpinLock(&IopVpbLock, OldIrql);
    return TRUE;
}

static NTSTATUS IopControlVolume(PDEVICE_OBJECT Device, ULONG Code)
{
    PDEVICE_OBJECT Top = IoGetAttachedDevice(Device->Vpb->DeviceObject);
    PIRP Irp = IopAllocateIrpMustSucceed(Top->StackSize);
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);

    Irp->Flags = IRP_SYNCHRONOUS_API;
    Irp->Tail.Overlay.Thread = KeGetCurrentThread();
    Next->MajorFunction = IRP_MJ_FILE_SYSTEM_CONTROL;
    Next->MinorFunction = IRP_MN_USER_FS_REQUEST;
    Next->Parameters.FileSystemControl.FsControlCode = Code;
    return IopCallAndWait(Top, Irp, NULL);
}

/*
 * Files that are closed, but that the cache has still, are open as far as the device knows.  So are
 * those whose last page went in a thread that could not close them.
 */
NTSTATUS IoDismountVolume(PDEVICE_OBJECT Device)
{
    NTSTATUS Status;

    MiDeleteUnusedSegments();
    ObpDeleteDeferred();
    Status = IopControlVolume(Device, FSCTL_LOCK_VOLUME);
    MiReleaseFiles(IoGetAttachedDevice(Device->Vpb->DeviceObject)); /* whatever it says of them */
    if (!NT_SUCCESS(Status) && Status != STATUS_INVALID_DEVICE_REQUEST) { /* it has no such thing */
        return Status;
    }
    if (!IopCloseVolume(Device)) {
        return STATUS_ACCESS_DENIED;
    }
    Status = IopControlVolume(Device, FSCTL_DISMOUNT_VOLUME);
    MI_ASSERT(Device->Vpb->DeviceObject == NULL);
    Device->Vpb->Flags &= (USHORT) ~(VPB_MOUNTED | VPB_REMOVE_PENDING);
    IopDeleteDiskDevice(Device);
    return Status;
}

/* ---- start and end ---- */

static NTSTATUS IopTellFileSystems(UCHAR MajorFunction)
{
    NTSTATUS First = STATUS_SUCCESS;
    PLIST_ENTRY Link;

    KeAcquireGuardedMutex(&IopMountMutex);
    for (Link = IopFileSystems.Flink; Link != &IopFileSystems; Link = Link->Flink) {
        PDEVICE_OBJECT Top =
            IoGetAttachedDevice(CONTAINING_RECORD(Link, DEVICE_OBJECT, Queue.ListEntry));
        PIRP Irp = IopAllocateIrpMustSucceed(Top->StackSize);
        NTSTATUS Status;

        IoGetNextIrpStackLocation(Irp)->MajorFunction = MajorFunction;
        Status = IopCallAndWait(Top, Irp, NULL);
        First = NT_SUCCESS(First) ? Status : First;
    }
    KeReleaseGuardedMutex(&IopMountMutex);
    return First;
}

NTSTATUS IoFlushFileSystems(void)
{
    return IopTellFileSystems(IRP_MJ_FLUSH_BUFFERS);
}

NTSTATUS IoShutdownSystem(void)
{
    return IopTellFileSystems(IRP_MJ_SHUTDOWN);
}

NTSTATUS IoInitializeSystem(void)
{
    NTSTATUS Status;

    IopInitializeDevices();
    IopInitializeMounts();
    Status = IopCreateObjectTypes();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopCreateReserve(IOP_SYSTEM_STACK_SIZE, &IopSystemReserve);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopCreateReserve(IOP_SYSTEM_STACK_SIZE, &IopPageReserve);
    if (!NT_SUCCESS(Status)) {
        IopDeleteReserve(IopSystemReserve);
        return Status;
    }
    Status = IopInitializeDiskDriver();
    if (!NT_SUCCESS(Status)) {
        IopDeleteReserve(IopPageReserve);
        IopDeleteReserve(IopSystemReserve);
    }
    return Status;
}
