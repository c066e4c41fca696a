/* SPDX-License-Identifier: MIT */
/*
 * device.c - drivers, their devices, and stacks of devices.
 *
 * A device object stands in its driver's list and in one stack: AttachedDevice leads up, the
 * AttachedTo of its extension down.  A request to the top of a stack needs a stack location for
 * each device in it: StackSize is one more than that of the device below.
 *
 *     an object's body:  DEVICE_OBJECT, the driver's extension, IOP_DEVICE_EXTENSION, the name
 *     or:                DRIVER_OBJECT, DRIVER_EXTENSION, the name
 *
 * The name stands there a second time, after the object manager's, because that is in paged pool:
 * the monitor shows names when nothing may be paged in.
 *
 *     device             opened by name
 *     initializing       STATUS_NO_SUCH_DEVICE      DO_DEVICE_INITIALIZING
 *     in use             yes: ReferenceCount
 *     being deleted      STATUS_NO_SUCH_DEVICE      Deleting, which needs ReferenceCount 0
 *
 * Invariants:
 *   V1  A->AttachedDevice == B exactly when B's AttachedTo == A
 *   V2  then B->StackSize > A->StackSize
 *   V3  ReferenceCount is the number of file objects that name the device
 *
 * Locking: IopSystemLock for the lists, the links, ReferenceCount and Deleting.
 */
#include "mm/io/io_i.h"

KSPIN_LOCK IopSystemLock;

/* A driver object, and what belongs to it. */
typedef struct _IOP_DRIVER {
    DRIVER_OBJECT Object;
    DRIVER_EXTENSION Extension;
} IOP_DRIVER, *PIOP_DRIVER;

void IopInitializeDevices(void)
{
    KeInitializeSpinLock(&IopSystemLock);
}

/* A new object of one of the types here, not inserted. */
static NTSTATUS IopCreateNamed(POBJECT_TYPE Type, PUNICODE_STRING Name, ULONG Attributes,
                               ULONG Bytes, PVOID *Object)
{
    OBJECT_ATTRIBUTES Given;

    Attributes |= Name != NULL ? OBJ_PERMANENT : 0;
    InitializeObjectAttributes(&Given, Name, Attributes | OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               NULL, NULL);
    return ObCreateObject(KernelMode, Type, &Given, KernelMode, NULL, Bytes, 0, 0, Object);
}

/* Its name goes, and the reference of who made it. */
static void IopDeleteNamed(PVOID Object)
{
    ObMakeTemporaryObject(Object);
    ObDereferenceObject(Object);
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

static NTSTATUS IopMakeDriver(PUNICODE_STRING Name, PDRIVER_INITIALIZE Initialize,
                              PIOP_DRIVER *Made)
{
    ULONG Bytes = (ULONG)sizeof(IOP_DRIVER) + (Name != NULL ? Name->Length : 0u);
    PIOP_DRIVER Driver;
    PVOID Object = NULL;
    ULONG Index;
    NTSTATUS Status = IopCreateNamed(IoDriverObjectType, Name, 0, Bytes, &Object);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Driver = Object;
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
    *Made = Driver;
    return ObInsertObject(Driver, NULL, 0, 0, NULL, NULL);
}

/* DriverEntry is over: its devices may be opened. */
static void IopOpenDevices(PDRIVER_OBJECT Driver)
{
    KIRQL OldIrql = KfAcquireSpinLock(&IopSystemLock);
    PDEVICE_OBJECT Device;

    for (Device = Driver->DeviceObject; Device != NULL; Device = Device->NextDevice) {
        Device->Flags &= ~DO_DEVICE_INITIALIZING;
    }
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
}

NTSTATUS NTAPI IoCreateDriver(PUNICODE_STRING DriverName, PDRIVER_INITIALIZE InitializationFunction)
{
    PIOP_DRIVER Driver = NULL;
    NTSTATUS Status = IopMakeDriver(DriverName, InitializationFunction, &Driver);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = InitializationFunction(&Driver->Object, NULL);
    if (NT_SUCCESS(Status)) {
        IopOpenDevices(&Driver->Object);
    } else {
        IoDeleteDriver(&Driver->Object);
    }
    return Status;
}

void NTAPI IoDeleteDriver(PDRIVER_OBJECT DriverObject)
{
    MI_ASSERT(DriverObject->DeviceObject == NULL);
    IopDeleteNamed(DriverObject);
}

PDRIVER_OBJECT IoFindDriver(PCUNICODE_STRING DriverName)
{
    UNICODE_STRING Name = *DriverName;
    PVOID Driver = NULL;
    NTSTATUS Status = ObReferenceObjectByName(&Name, OBJ_CASE_INSENSITIVE, NULL, 0,
                                              IoDriverObjectType, KernelMode, NULL, &Driver);

    if (!NT_SUCCESS(Status)) {
        return NULL;
    }
    ObDereferenceObject(Driver);
    return Driver;
}

/* ---- devices ---- */

static void IopListDevice(PDEVICE_OBJECT Device)
{
    PDRIVER_OBJECT Driver = Device->DriverObject;
    KIRQL OldIrql = KfAcquireSpinLock(&IopSystemLock);

    Device->NextDevice = Driver->DeviceObject;
    Driver->DeviceObject = Device;
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
}

static NTSTATUS IopMakeDevice(ULONG ExtensionSize, PUNICODE_STRING Name, PDEVICE_OBJECT *Made)
{
    ULONG Behind = ROUND_UP((ULONG)sizeof(DEVICE_OBJECT) + ExtensionSize, 8u);
    ULONG Bytes = Behind + (ULONG)sizeof(IOP_DEVICE_EXTENSION) + (Name != NULL ? Name->Length : 0u);
    PIOP_DEVICE_EXTENSION Extension;
    PDEVICE_OBJECT Device;
    PVOID Object = NULL;
    NTSTATUS Status = IopCreateNamed(IoDeviceObjectType, Name, 0, Bytes, &Object);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Device = Object;
    Extension = (PIOP_DEVICE_EXTENSION)(PVOID)((PUCHAR)Device + Behind);
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
    *Made = Device;
    return STATUS_SUCCESS;
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
    PDEVICE_OBJECT Device = NULL;
    NTSTATUS Status;

    MI_ASSERT(DeviceExtensionSize <= 0xFFFF - sizeof(DEVICE_OBJECT));
    Status = IopMakeDevice(DeviceExtensionSize, DeviceName, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Device->DriverObject = DriverObject;
    Device->DeviceType = DeviceType;
    Device->Characteristics = DeviceCharacteristics;
    Device->Flags = DO_DEVICE_INITIALIZING | (Exclusive ? DO_EXCLUSIVE : 0) |
                    (DeviceName != NULL ? DO_DEVICE_HAS_NAME : 0);
    if (IopHasVpb(DeviceType) && !NT_SUCCESS(IopCreateVpb(Device))) {
        ObDereferenceObject(Device);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = ObInsertObject(Device, NULL, 0, 0, NULL, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    IopListDevice(Device);
    *DeviceObject = Device;
    return STATUS_SUCCESS;
}

void NTAPI IoDeleteDevice(PDEVICE_OBJECT DeviceObject)
{
    PDEVICE_OBJECT *Link = &DeviceObject->DriverObject->DeviceObject;
    KIRQL OldIrql = KfAcquireSpinLock(&IopSystemLock);

    MI_ASSERT(DeviceObject->AttachedDevice == NULL && DeviceObject->ReferenceCount == 0);
    MI_ASSERT(IopDeviceExtension(DeviceObject)->AttachedTo == NULL);
    IopDeviceExtension(DeviceObject)->Deleting = TRUE;
    while (*Link != DeviceObject) {
        Link = &(*Link)->NextDevice;
    }
    *Link = DeviceObject->NextDevice;
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
    IopDeleteNamed(DeviceObject);
}

void IopDeleteDevice(PVOID Object)
{
    PDEVICE_OBJECT Device = Object;

    if (Device->Vpb != NULL) {
        MI_ASSERT(Device->Vpb->ReferenceCount == 0);
        ExFreePoolWithTag(Device->Vpb, IOP_VPB_TAG);
    }
}

PCUNICODE_STRING IoQueryDeviceName(PDEVICE_OBJECT DeviceObject)
{
    return &IopDeviceExtension(DeviceObject)->Name;
}

/* ---- files on a device ---- */

NTSTATUS IopReferenceDevice(PDEVICE_OBJECT Device)
{
    NTSTATUS Status = STATUS_SUCCESS;
    KIRQL OldIrql = KfAcquireSpinLock(&IopSystemLock);

    if ((Device->Flags & DO_DEVICE_INITIALIZING) || IopDeviceExtension(Device)->Deleting) {
        Status = STATUS_NO_SUCH_DEVICE;
    } else if ((Device->Flags & DO_EXCLUSIVE) && Device->ReferenceCount != 0) {
        Status = STATUS_ACCESS_DENIED;
    } else {
        Device->ReferenceCount++;
    }
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
    if (NT_SUCCESS(Status)) {
        ObReferenceObject(Device);
    }
    return Status;
}

void IopDereferenceDevice(PDEVICE_OBJECT Device)
{
    KIRQL OldIrql = KfAcquireSpinLock(&IopSystemLock);

    MI_ASSERT(Device->ReferenceCount > 0);
    Device->ReferenceCount--;
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
    ObDereferenceObject(Device);
}

BOOLEAN IopShutDevice(PDEVICE_OBJECT Device)
{
    KIRQL OldIrql = KfAcquireSpinLock(&IopSystemLock);
    BOOLEAN Unused = Device->ReferenceCount == 0;

    IopDeviceExtension(Device)->Deleting |= Unused;
    KfReleaseSpinLock(&IopSystemLock, OldIrql);
    return Unused;
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
