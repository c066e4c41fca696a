/* SPDX-License-Identifier: MIT */
/*
 * test_io_device.c - drivers, devices, stacks of devices; volumes and file systems; share access.
 */
#include "mm/io/io_i.h"
#include "tests/unit/io_world.h"

#include <string.h>

static PDRIVER_OBJECT Driver;

static NTSTATUS NTAPI Entry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    (void)RegistryPath;
    Driver = DriverObject;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI RefusingEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    (void)DriverObject;
    (void)RegistryPath;
    return STATUS_DEVICE_NOT_READY;
}

static void Start(void)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Driver\\Test");

    IoWorldPowerOn();
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateDriver(&Name, Entry));
}

static void Finish(void)
{
    IoDeleteDriver(Driver);
    IoWorldPowerOff();
}

static PDEVICE_OBJECT MakeDevice(ULONG ExtensionSize)
{
    PDEVICE_OBJECT Device;

    CHECK_EQUAL(STATUS_SUCCESS, IoCreateDevice(Driver, ExtensionSize, NULL, FILE_DEVICE_UNKNOWN, 0,
                                               FALSE, &Device));
    return Device;
}

TEST(IoCreateDriver_fills_the_object_and_keeps_it_only_on_success)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Driver\\Test");
    UNICODE_STRING Other = NT_CONSTANT_STRING(u"\\Driver\\Other");
    ULONG Index;

    Start();
    CHECK(IoFindDriver(&Name) == Driver);
    CHECK(IoFindDriver(&Other) == NULL);
    CHECK_EQUAL(IO_TYPE_DRIVER, Driver->Type);
    CHECK_EQUAL(0xA8, Driver->Size);
    CHECK(Driver->DriverExtension->DriverObject == Driver);
    for (Index = 0; Index <= IRP_MJ_MAXIMUM_FUNCTION; Index++) {
        CHECK(Driver->MajorFunction[Index] != NULL);
    }
    CHECK_EQUAL(STATUS_DEVICE_NOT_READY, IoCreateDriver(&Other, RefusingEntry));
    CHECK(IoFindDriver(&Other) == NULL);
    Finish();
}

TEST(IoCreateDevice_zeroes_the_extension_and_names_are_unique)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Device\\Test");
    PDEVICE_OBJECT Device;
    PDEVICE_OBJECT Second;
    ULONG Index;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS,
                IoCreateDevice(Driver, 100, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device));
    CHECK_EQUAL(0xB8 + 100, Device->Size);
    CHECK((PUCHAR)Device->DeviceExtension == (PUCHAR)Device + 0xB8);
    for (Index = 0; Index < 100; Index++) {
        CHECK_EQUAL(0, ((PUCHAR)Device->DeviceExtension)[Index]);
    }
    CHECK(Device->Flags == (DO_DEVICE_INITIALIZING | DO_DEVICE_HAS_NAME));
    CHECK(Device->Vpb == NULL && Device->StackSize == 1);
    CHECK_EQUAL(24, IoQueryDeviceName(Device)->Length);
    CHECK(memcmp(IoQueryDeviceName(Device)->Buffer, u"\\Device\\Test", 24) == 0);
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION,
                IoCreateDevice(Driver, 0, &Name, FILE_DEVICE_DISK, 0, FALSE, &Second));
    Second = MakeDevice(0);
    CHECK(Second->DeviceExtension == NULL);
    CHECK(Driver->DeviceObject == Second && Second->NextDevice == Device);
    IoDeleteDevice(Device);
    CHECK(Second->NextDevice == NULL);
    IoDeleteDevice(Second);
    CHECK(Driver->DeviceObject == NULL);
    Finish();
}

TEST(IoCreateDevice_gives_a_disk_its_VPB)
{
    PDEVICE_OBJECT Device;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS,
                IoCreateDevice(Driver, 0, NULL, FILE_DEVICE_DISK, 0, FALSE, &Device));
    CHECK(Device->Vpb->RealDevice == Device && Device->Vpb->DeviceObject == NULL);
    CHECK_EQUAL(IO_TYPE_VPB, Device->Vpb->Type);
    CHECK_EQUAL(0x58, Device->Vpb->Size);
    CHECK(IoGetDiskDevice(Device) == NULL); /* of another driver */
    IoDeleteDevice(Device);
    Finish();
}

TEST(IoAttachDeviceToDeviceStack_goes_on_top)
{
    PDEVICE_OBJECT Device[3];
    ULONG Index;

    Start();
    for (Index = 0; Index < 3; Index++) {
        Device[Index] = MakeDevice(0);
    }
    Device[0]->SectorSize = 4096;
    CHECK(IoAttachDeviceToDeviceStack(Device[1], Device[0]) == Device[0]);
    CHECK(IoAttachDeviceToDeviceStack(Device[2], Device[0]) == Device[1]);
    CHECK(Device[2]->StackSize == 3 && Device[2]->SectorSize == 4096);
    CHECK(IoGetAttachedDevice(Device[0]) == Device[2]);
    IoDetachDevice(Device[1]);
    CHECK(IoGetAttachedDevice(Device[0]) == Device[1]);
    IoDetachDevice(Device[0]);
    CHECK(IoGetAttachedDevice(Device[0]) == Device[0]);
    for (Index = 0; Index < 3; Index++) {
        IoDeleteDevice(Device[Index]);
    }
    Finish();
}

TEST(IoAttachDeviceToDeviceStack_refuses_a_stack_that_is_too_deep)
{
    PDEVICE_OBJECT Low;
    PDEVICE_OBJECT High;

    Start();
    Low = MakeDevice(0);
    High = MakeDevice(0);
    Low->StackSize = IO_MAXIMUM_STACK_SIZE;
    CHECK(IoAttachDeviceToDeviceStack(High, Low) == NULL);
    CHECK(Low->AttachedDevice == NULL);
    IoDeleteDevice(High);
    IoDeleteDevice(Low);
    Finish();
}

/* ---- buffers of requests that are built ---- */

static ULONG Flags; /* of the device */
static BOOLEAN SawBuffer;

static NTSTATUS NTAPI LookAtBuffer(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PUCHAR Buffer;

    CHECK_EQUAL(100, Stack->Parameters.Read.Length);
    CHECK_EQUAL(0x123456789, Stack->Parameters.Read.ByteOffset.QuadPart);
    if (Flags & DO_DIRECT_IO) {
        CHECK(Irp->AssociatedIrp.SystemBuffer == NULL &&
              (Irp->MdlAddress->MdlFlags & MDL_PAGES_LOCKED));
        Buffer = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    } else if (Flags & DO_BUFFERED_IO) {
        CHECK(Irp->MdlAddress == NULL && Irp->AssociatedIrp.SystemBuffer != IoBuffer);
        Buffer = Irp->AssociatedIrp.SystemBuffer;
    } else {
        Buffer = Irp->UserBuffer;
        CHECK(Buffer == IoBuffer + 7);
    }
    SawBuffer = TRUE;
    if (Stack->MajorFunction == IRP_MJ_WRITE) {
        CHECK(Buffer[0] == 0x77 && Buffer[99] == 0x77);
    } else {
        memset(Buffer, 0x88, 60);
    }
    (void)DeviceObject;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 60;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static void Transfer(PDEVICE_OBJECT Device, ULONG Major)
{
    LARGE_INTEGER Offset = {.QuadPart = 0x123456789};
    IO_STATUS_BLOCK Iosb = {.Information = 0};
    KEVENT Done;
    PIRP Irp;

    memset(IoBuffer, 0x77, 200);
    SawBuffer = FALSE;
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Irp = IoBuildSynchronousFsdRequest(Major, Device, IoBuffer + 7, 100, &Offset, &Done, &Iosb);
    CHECK(Irp != NULL);
    CHECK_EQUAL(STATUS_SUCCESS, IoCallDriver(Device, Irp));
    CHECK_EQUAL(1, KeReadStateEvent(&Done));
    CHECK(SawBuffer && Iosb.Information == 60);
    if (Major == IRP_MJ_READ) {
        CHECK(IoBuffer[6] == 0x77 && IoBuffer[7] == 0x88 && IoBuffer[66] == 0x88);
        CHECK_EQUAL(0x77, IoBuffer[67]); /* no more than Information was copied */
    }
}

TEST(IoBuildSynchronousFsdRequest_hands_the_buffer_as_the_device_wants_it)
{
    static const ULONG Kinds[] = {0, DO_DIRECT_IO, DO_BUFFERED_IO};
    PDEVICE_OBJECT Device;
    ULONG Before;
    ULONG Index;

    Start();
    Driver->MajorFunction[IRP_MJ_READ] = LookAtBuffer;
    Driver->MajorFunction[IRP_MJ_WRITE] = LookAtBuffer;
    Device = MakeDevice(0);
    Before = IoWorldPoolBytes();
    for (Index = 0; Index < RTL_NUMBER_OF(Kinds); Index++) {
        Flags = Kinds[Index];
        Device->Flags = Flags;
        Transfer(Device, IRP_MJ_READ);
        Transfer(Device, IRP_MJ_WRITE);
    }
    CHECK_EQUAL(Before, IoWorldPoolBytes());
    IoDeleteDevice(Device);
    Finish();
}

TEST(IoDriver_without_a_routine_fails_requests)
{
    IO_STATUS_BLOCK Iosb;
    PDEVICE_OBJECT Device;
    KEVENT Done;
    PIRP Irp;

    Start();
    Device = MakeDevice(0);
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Irp = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, Device, NULL, 0, NULL, &Done, &Iosb);
    CHECK_EQUAL(STATUS_INVALID_DEVICE_REQUEST, IoCallDriver(Device, Irp));
    CHECK_EQUAL(STATUS_INVALID_DEVICE_REQUEST, Iosb.Status);
    IoDeleteDevice(Device);
    Finish();
}

/* ---- I/O control ---- */

static ULONG Method;

static NTSTATUS NTAPI LookAtControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PUCHAR Input = Irp->AssociatedIrp.SystemBuffer;
    PUCHAR Output = Input;

    (void)DeviceObject;
    CHECK_EQUAL(10, Stack->Parameters.DeviceIoControl.InputBufferLength);
    CHECK_EQUAL(20, Stack->Parameters.DeviceIoControl.OutputBufferLength);
    if (Method == METHOD_NEITHER) {
        Input = Stack->Parameters.DeviceIoControl.Type3InputBuffer;
        Output = Irp->UserBuffer;
        CHECK(Irp->AssociatedIrp.SystemBuffer == NULL && Irp->MdlAddress == NULL);
    } else if (Method != METHOD_BUFFERED) {
        Output = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    }
    CHECK(Input[0] == 1 && Input[9] == 1);
    memset(Output, 2, 20);
    Irp->IoStatus.Status = STATUS_BUFFER_OVERFLOW; /* a warning: there is output */
    Irp->IoStatus.Information = 20;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_BUFFER_OVERFLOW;
}

TEST(IoBuildDeviceIoControlRequest_follows_the_codes_method)
{
    PDEVICE_OBJECT Device;
    ULONG Before;

    Start();
    Driver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = LookAtControl;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = LookAtControl;
    Device = MakeDevice(0);
    Before = IoWorldPoolBytes();
    for (Method = METHOD_BUFFERED; Method <= METHOD_NEITHER; Method++) {
        ULONG Code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800u, Method, FILE_ANY_ACCESS);
        IO_STATUS_BLOCK Iosb;
        KEVENT Done;
        PIRP Irp;

        memset(IoBuffer, 1, 100);
        KeInitializeEvent(&Done, NotificationEvent, FALSE);
        Irp = IoBuildDeviceIoControlRequest(Code, Device, IoBuffer, 10, IoBuffer + 50, 20,
                                            Method % 2 != 0, &Done, &Iosb);
        CHECK_EQUAL(Method % 2 != 0 ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL,
                    IoGetNextIrpStackLocation(Irp)->MajorFunction);
        CHECK_EQUAL(STATUS_BUFFER_OVERFLOW, IoCallDriver(Device, Irp));
        CHECK(IoBuffer[49] == 1 && IoBuffer[50] == 2 && IoBuffer[69] == 2 && IoBuffer[70] == 1);
    }
    CHECK_EQUAL(Before, IoWorldPoolBytes());
    IoDeleteDevice(Device);
    Finish();
}

/* ---- share access ---- */

TEST(IoCheckShareAccess_counts_what_is_opened_and_given_back)
{
    SHARE_ACCESS Share;
    FILE_OBJECT First = {.Type = IO_TYPE_FILE};
    FILE_OBJECT Second = {.Type = IO_TYPE_FILE};
    const SHARE_ACCESS Empty = {.OpenCount = 0};

    IoSetShareAccess(FILE_READ_DATA | FILE_WRITE_DATA, FILE_SHARE_READ, &First, &Share);
    CHECK(Share.OpenCount == 1 && Share.Readers == 1 && Share.Writers == 1 && Share.Deleters == 0);
    CHECK(Share.SharedRead == 1 && Share.SharedWrite == 0);
    CHECK_EQUAL(STATUS_SHARING_VIOLATION,
                IoCheckShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &Second, &Share, TRUE));
    CHECK_EQUAL(1, Share.OpenCount);
    CHECK_EQUAL(STATUS_SUCCESS, IoCheckShareAccess(FILE_EXECUTE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                                   &Second, &Share, TRUE));
    CHECK(Share.OpenCount == 2 && Share.Readers == 2);
    IoRemoveShareAccess(&First, &Share);
    IoRemoveShareAccess(&Second, &Share);
    CHECK(memcmp(&Share, &Empty, sizeof(Share)) == 0);
    CHECK_EQUAL(STATUS_SUCCESS, IoCheckShareAccess(FILE_READ_ATTRIBUTES, 0, &First, &Share, TRUE));
    CHECK_EQUAL(0, Share.OpenCount);
}

/* ---- file systems ---- */

static ULONG Offered;
static NTSTATUS Answer;

static NTSTATUS NTAPI AnswerMount(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    CHECK_EQUAL(IRP_MN_MOUNT_VOLUME, IoGetCurrentIrpStackLocation(Irp)->MinorFunction);
    Offered++;
    Irp->IoStatus.Status = Answer;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Answer;
}

TEST(IoMountVolume_asks_the_newest_file_system_first)
{
    PDEVICE_OBJECT FileSystem;
    PDEVICE_OBJECT Second;

    IoWorldStart(&IoWorldFat12, 0);
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateDriver(NULL, Entry));
    Driver->MajorFunction[IRP_MJ_FILE_SYSTEM_CONTROL] = AnswerMount;
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateDevice(Driver, 0, NULL, FILE_DEVICE_DISK_FILE_SYSTEM, 0,
                                               FALSE, &FileSystem));
    IoRegisterFileSystem(FileSystem);
    Offered = 0;
    Answer = STATUS_UNRECOGNIZED_VOLUME;
    CHECK_EQUAL(STATUS_SUCCESS, IoMountVolume(&IoDisk.Device, "\\Device\\Second", &Second));
    CHECK_EQUAL(1, Offered);
    CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(Second));
    Answer = STATUS_IO_DEVICE_ERROR; /* it knows it, and cannot: nobody else is asked */
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, IoMountVolume(&IoDisk.Device, "\\Device\\Second", &Second));
    IoUnregisterFileSystem(FileSystem);
    CHECK_EQUAL(STATUS_SUCCESS, IoMountVolume(&IoDisk.Device, "\\Device\\Second", &Second));
    CHECK_EQUAL(2, Offered);
    CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(Second));
    IoDeleteDevice(FileSystem);
    IoDeleteDriver(Driver);
    IoWorldFinish();
}

TEST(IoMountVolume_leaves_nothing_of_a_volume_that_nobody_knows)
{
    HOST_DISK Blank;
    PDEVICE_OBJECT Device = NULL;
    ULONG Before;

    IoWorldStart(&IoWorldFat12, 0);
    HostDiskCreate(&Blank, 512, 1000, 0);
    CHECK_EQUAL(STATUS_UNRECOGNIZED_VOLUME,
                IoMountVolume(&Blank.Device, "\\Device\\Second", &Device));
    Before = IoWorldPoolBytes();
    CHECK_EQUAL(STATUS_UNRECOGNIZED_VOLUME,
                IoMountVolume(&Blank.Device, "\\Device\\Second", &Device));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION,
                IoMountVolume(&Blank.Device, "\\Device\\HarddiskVolume1", &Device));
    CHECK_EQUAL(Before, IoWorldPoolBytes());
    CHECK(Device == NULL);
    HostDiskDelete(&Blank);
    IoWorldFinish();
}

TEST(IoDismountVolume_refuses_while_files_are_open)
{
    PFILE_OBJECT File;

    IoWorldStart(&IoWorldFat12, 0);
    CHECK(IoVolume->Vpb->Flags & VPB_MOUNTED);
    CHECK(IoVolume->Vpb->SerialNumber != 0);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\", FILE_OPEN, 0, &File));
    CHECK(IoGetRelatedDeviceObject(File) == IoVolume->Vpb->DeviceObject);
    CHECK_EQUAL(1, IoVolume->Vpb->ReferenceCount);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoDismountVolume(IoVolume));
    IoCloseFile(File);
    CHECK_EQUAL(0, IoVolume->Vpb->ReferenceCount);
    IoWorldFinish();
}
