/* SPDX-License-Identifier: MIT */
/*
 * device.c - drivers, their devices, and stacks of devices.
 *
 * A device object stands in its driver's list and in one stack: AttachedDevice leads up, the
 * AttachedTo of its extension down.  A request to the top of a stack needs a stack location for
 * each device in it: StackSize is one more than that of the device below.
 *
 *     in one block of pool:  DEVICE_OBJECT, the driver's extension, IOP_DEVICE_EXTENSION, the name
 *
 * Invariants:
 *   V1  A->AttachedDevice == B exactly when B's AttachedTo == A
 *   V2  then B->StackSize > A->StackSize
 *
 * Locking: IopSystemLock for the lists and the links.
 */
#include "mm/io/io_i.h"

KSPIN_LOCK IopSystemLock;

/* A driver object, and what belongs to it, in one block. */
typedef struct _IOP_DRIVER {
    DRIVER_OBJECT Object;
    DRIVER_EXTENSION Extension;
    LIST_ENTRY Link; /* (S) in IopDrivers */
} IOP_DRIVER, *PIOP_DRIVER;

static LIST_ENTRY IopDrivers; /* (S) */

void IopInitializeDevices(void)
{
    KeInitializeSpinLock(&IopSystemLock);
    InitializeListHead(&IopDrivers);
}

static BOOLEAN IopSameName(PCUNICODE_STRING A, PCUNICODE_STRING B)
{
    return A->Length == B->Length && memcmp(A->Buffer, B->Buffer, A->Length) == 0;
}

/* => To->Buffer has the room. */
static void IopCopyName(PUNICODE_STRING To, PCUNICODE_STRING From)
{
    if (From != NULL && From->Length != 0) {
        memcpy(To->Buffer, From->Buffer, From->Length);
        To->Length = To->MaximumLength = From->Length;
    }
}

/* ---- drivers ---- */

static NTSTATUS NTAPI IopInvalidRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

static PIOP_DRIVER IopMakeDriver(PUNICODE_STRING Name, PDRIVER_INITIALIZE Initialize)
{
    SIZE_T Bytes = sizeof(IOP_DRIVER) + (Name != NULL ? Name->Length : 0);
    PIOP_DRIVER Driver = ExAllocatePoolWithTag(NonPagedPool, Bytes, IOP_DRIVER_TAG);
    ULONG Index;

    if (Driver == NULL) {
        return NULL;
    }
    memset(Driver, 0, Bytes);
    Driver->Object.Type = IO_TYPE_DRIVER;
    Driver->Object.Size = sizeof(DRIVER_OBJECT);
    Driver->Object.Flags = DRVO_BUILTIN_DRIVER;
    Driver->Object.DriverExtension = &Driver->Extension;
    Driver->Object.DriverInit = Initialize;
    Driver->Object.DriverName.Buffer = (PWCHAR)(Driver + 1);
    IopCopyName(&Driver->Object.DriverName, Name);
    Driver->Extension.DriverObject = &Driver->Object;
    for (Index = 0; Index <= IRP_MJ_MAXIMUM_FUNCTION; Index++) {
        Driver->Object.MajorFunction[Index] = IopInvalidRequest;
    }
    return Driver;
}

NTSTATUS NTAPI IoCreateDriver(PUNICODE_STRING DriverName, PDRIVER_INITIALIZE InitializationFunction)
{
    PIOP_DRIVER Driver = IopMakeDriver(DriverName, InitializationFunction);
    NTSTATUS Status;
    KIRQL OldIrql;

    if (Driver == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    OldIrql = KfAcquireSpinLock(&IopSystemLock);
    InsertTailList(&IopDrivers, &Driver->Link);
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
    Status = InitializationFunction(&Driver->Object, NULL);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDriver(&Driver->Object);
    }
    return Status;
}

void NTAPI IoDeleteDriver(PDRIVER_OBJECT DriverObject)
{
    PIOP_DRIVER Driver = CONTAINING_RECORD(DriverObject, IOP_DRIVER, Object);
    KIRQL OldIrql;

    MI_ASSERT(DriverObject->DeviceObject == NULL);
    OldIrql = KfAcquireSpinLock(&IopSystemLock);
    RemoveEntryList(&Driver->Link);
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
    ExFreePoolWithTag(Driver, IOP_DRIVER_TAG);
}

PDRIVER_OBJECT IoFindDriver(PCUNICODE_STRING DriverName)
{
    PDRIVER_OBJECT Found = NULL;
    KIRQL OldIrql = KfAcquireSpinLock(&IopSystemLock);
    PLIST_ENTRY Link;

    for (Link = IopDrivers.Flink; Link != &IopDrivers && Found == NULL; Link = Link->Flink) {
        PDRIVER_OBJECT Driver = &CONTAINING_RECORD(Link, IOP_DRIVER, Link)->Object;

        Found = IopSameName(&Driver->DriverName, DriverName) ? Driver : NULL;
    }
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
    return Found;
}

/* ---- devices ---- */

/* => IopSystemLock held. */
static BOOLEAN IopIsNameTaken(PCUNICODE_STRING Name)
{
    PLIST_ENTRY Link;
    PDEVICE_OBJECT Device;

    for (Link = IopDrivers.Flink; Link != &IopDrivers; Link = Link->Flink) {
        Device = CONTAINING_RECORD(Link, IOP_DRIVER, Link)->Object.DeviceObject;
        for (; Device != NULL; Device = Device->NextDevice) {
            if (IopSameName(&IopDeviceExtension(Device)->Name, Name)) {
                return TRUE;
            }
        }
    }
    return FALSE;
}

/* => FALSE: the name is taken. */
static BOOLEAN IopInsertDevice(PDEVICE_OBJECT Device)
{
    PCUNICODE_STRING Name = &IopDeviceExtension(Device)->Name;
    PDRIVER_OBJECT Driver = Device->DriverObject;
    KIRQL OldIrql = KfAcquireSpinLock(&IopSystemLock);
    BOOLEAN Free = Name->Length == 0 || !IopIsNameTaken(Name);

    if (Free) {
        Device->NextDevice = Driver->DeviceObject;
        Driver->DeviceObject = Device;
    }
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
    return Free;
}

static PDEVICE_OBJECT IopMakeDevice(ULONG ExtensionSize, PCUNICODE_STRING Name)
{
    ULONG Behind = ROUND_UP((ULONG)sizeof(DEVICE_OBJECT) + ExtensionSize, 8u);
    ULONG Bytes = Behind + (ULONG)sizeof(IOP_DEVICE_EXTENSION) + (Name != NULL ? Name->Length : 0u);
    PDEVICE_OBJECT Device = ExAllocatePoolWithTag(NonPagedPool, Bytes, IOP_DEVICE_TAG);
    PIOP_DEVICE_EXTENSION Extension;

    if (Device == NULL) {
        return NULL;
    }
    memset(Device, 0, Bytes);
    Extension = (PIOP_DEVICE_EXTENSION)((PUCHAR)Device + Behind);
    Extension->Name.Buffer = (PWCHAR)(Extension + 1);
    IopCopyName(&Extension->Name, Name);
    Device->Type = IO_TYPE_DEVICE;
    Device->Size = (USHORT)(sizeof(DEVICE_OBJECT) + ExtensionSize);
    Device->DeviceExtension = ExtensionSize != 0 ? Device + 1 : NULL;
    Device->DeviceObjectExtension = Extension;
    Device->StackSize = 1;
    Device->DeviceQueue.Type = IO_TYPE_DEVICE_QUEUE;
    Device->DeviceQueue.Size = sizeof(KDEVICE_QUEUE);
    InitializeListHead(&Device->DeviceQueue.DeviceListHead);
    KeInitializeSpinLock(&Device->DeviceQueue.Lock);
    KeInitializeEvent(&Device->DeviceLock, SynchronizationEvent, TRUE);
    return Device;
}

static BOOLEAN IopHasVpb(DEVICE_TYPE Type)
{
    return Type == FILE_DEVICE_DISK;
}

NTSTATUS NTAPI IoCreateDevice(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize,
                              PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType,
                              ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                              PDEVICE_OBJECT *DeviceObject)
{
    PDEVICE_OBJECT Device;

    MI_ASSERT(DeviceExtensionSize <= 0xFFFF - sizeof(DEVICE_OBJECT));
    Device = IopMakeDevice(DeviceExtensionSize, DeviceName);
    if (Device == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Device->DriverObject = DriverObject;
    Device->DeviceType = DeviceType;
    Device->Characteristics = DeviceCharacteristics;
    Device->Flags = DO_DEVICE_INITIALIZING | (Exclusive ? DO_EXCLUSIVE : 0) |
                    (DeviceName != NULL ? DO_DEVICE_HAS_NAME : 0);
    if (IopHasVpb(DeviceType) && !NT_SUCCESS(IopCreateVpb(Device))) {
        ExFreePoolWithTag(Device, IOP_DEVICE_TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (!IopInsertDevice(Device)) {
        if (Device->Vpb != NULL) {
            ExFreePoolWithTag(Device->Vpb, IOP_VPB_TAG);
        }
        ExFreePoolWithTag(Device, IOP_DEVICE_TAG);
        return STATUS_OBJECT_NAME_COLLISION;
    }
    *DeviceObject = Device;
    return STATUS_SUCCESS;
}

void NTAPI IoDeleteDevice(PDEVICE_OBJECT DeviceObject)
{
    PDEVICE_OBJECT *Link = &DeviceObject->DriverObject->DeviceObject;
    KIRQL OldIrql = KfAcquireSpinLock(&IopSystemLock);

    MI_ASSERT(DeviceObject->AttachedDevice == NULL);
    MI_ASSERT(IopDeviceExtension(DeviceObject)->AttachedTo == NULL);
    while (*Link != DeviceObject) {
        Link = &(*Link)->NextDevice;
    }
    *Link = DeviceObject->NextDevice;
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
    if (DeviceObject->Vpb != NULL) {
        MI_ASSERT(DeviceObject->Vpb->ReferenceCount == 0);
        ExFreePoolWithTag(DeviceObject->Vpb, IOP_VPB_TAG);
    }
    ExFreePoolWithTag(DeviceObject, IOP_DEVICE_TAG);
}

PCUNICODE_STRING IoQueryDeviceName(PDEVICE_OBJECT DeviceObject)
{
    return &IopDeviceExtension(DeviceObject)->Name;
}

/* ---- stacks ---- */

static PDEVICE_OBJECT IopTopOf(PDEVICE_OBJECT Device)
{
    while (Device->AttachedDevice != NULL) {
        Device = Device->AttachedDevice;
    }
    return Device;
}

PDEVICE_OBJECT NTAPI IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject)
{
    KIRQL OldIrql = KfAcquireSpinLock(&IopSystemLock);
    PDEVICE_OBJECT Top = IopTopOf(DeviceObject);

    KfReleaseSpinLock(&IopSystemLock, OldIrql);
    return Top;
}

PDEVICE_OBJECT NTAPI IoAttachDeviceToDeviceStack(PDEVICE_OBJECT SourceDevice,
                                                 PDEVICE_OBJECT TargetDevice)
{
    KIRQL OldIrql = KfAcquireSpinLock(&IopSystemLock);
    PDEVICE_OBJECT Top = IopTopOf(TargetDevice);

    if (Top->StackSize >= IO_MAXIMUM_STACK_SIZE) {
        Top = NULL;
    } else {
        MI_ASSERT(IopDeviceExtension(SourceDevice)->AttachedTo == NULL);
        Top->AttachedDevice = SourceDevice;
        IopDeviceExtension(SourceDevice)->AttachedTo = Top;
        SourceDevice->StackSize = (CCHAR)(Top->StackSize + 1);
        SourceDevice->AlignmentRequirement = Top->AlignmentRequirement;
        SourceDevice->SectorSize = Top->SectorSize;
    }
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
    return Top;
}

void NTAPI IoDetachDevice(PDEVICE_OBJECT TargetDevice)
{
    KIRQL OldIrql = KfAcquireSpinLock(&IopSystemLock);

    MI_ASSERT(TargetDevice->AttachedDevice != NULL);
    MI_ASSERT(IopDeviceExtension(TargetDevice->AttachedDevice)->AttachedTo == TargetDevice);
    IopDeviceExtension(TargetDevice->AttachedDevice)->AttachedTo = NULL;
    TargetDevice->AttachedDevice = NULL;
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
}

PDEVICE_OBJECT NTAPI IoGetBaseFileSystemDeviceObject(PFILE_OBJECT FileObject)
{
    if (FileObject->Vpb != NULL && FileObject->Vpb->DeviceObject != NULL) {
        return FileObject->Vpb->DeviceObject;
    }
    if ((FileObject->Flags & FO_DIRECT_DEVICE_OPEN) == 0 && FileObject->DeviceObject->Vpb != NULL &&
        FileObject->DeviceObject->Vpb->DeviceObject != NULL) {
        return FileObject->DeviceObject->Vpb->DeviceObject;
    }
    return FileObject->DeviceObject;
}

PDEVICE_OBJECT NTAPI IoGetRelatedDeviceObject(PFILE_OBJECT FileObject)
{
    return IoGetAttachedDevice(IoGetBaseFileSystemDeviceObject(FileObject));
}
