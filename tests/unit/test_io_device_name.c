/* SPDX-License-Identifier: MIT */
/*
 * test_io_device_name.c - drivers and devices as objects with names, links to them, and parsing.
 */
#include "mm/io/io_i.h"
#include "mm/ob/object.h"
#include "tests/unit/nt_world.h"

#include <string.h>

static PDRIVER_OBJECT Driver;

static NTSTATUS NTAPI Complete(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Entry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    (void)RegistryPath;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Complete;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Complete;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Complete;
    Driver = DriverObject;
    return STATUS_SUCCESS;
}

/* \Device\Test, which can be opened. */
static PDEVICE_OBJECT Start(BOOLEAN Exclusive)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Driver\\Test");
    UNICODE_STRING DeviceName = NT_CONSTANT_STRING(u"\\Device\\Test");
    PDEVICE_OBJECT Device = NULL;

    NtWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateDriver(&Name, Entry));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoCreateDevice(Driver, 0, &DeviceName, FILE_DEVICE_UNKNOWN, 0, Exclusive, &Device));
    return Device;
}

static void Finish(PDEVICE_OBJECT Device)
{
    IoDeleteDevice(Device);
    IoDeleteDriver(Driver);
    CHECK_EQUAL(2, IoDriverObjectType->TotalNumberOfObjects); /* the disk's and FAT's */
    NtWorldFinish();
}

static NTSTATUS Open(PCWSTR Path, PHANDLE Handle)
{
    return NtWorldTryOpen(Path, FILE_READ_DATA, FILE_OPEN, 0, Handle);
}

TEST(A_device_can_be_opened_by_name_once_its_driver_says_so)
{
    PDEVICE_OBJECT Device = Start(FALSE);
    HANDLE Handle = NULL;

    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, Open(u"\\Device\\Test", &Handle));
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    CHECK_EQUAL(STATUS_SUCCESS, Open(u"\\device\\TEST", &Handle));
    CHECK(NtWorldFile(Handle)->DeviceObject == Device && NtWorldFile(Handle)->Vpb == NULL);
    CHECK_EQUAL(1, Device->ReferenceCount);
    NtWorldClose(Handle);
    CHECK_EQUAL(0, Device->ReferenceCount);
    Finish(Device);
}

TEST(What_follows_a_devices_name_is_the_files)
{
    PDEVICE_OBJECT Device = Start(FALSE);
    HANDLE Handle = NULL;

    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    CHECK_EQUAL(STATUS_SUCCESS, Open(u"\\Device\\Test\\a\\b", &Handle));
    CHECK_EQUAL(8, NtWorldFile(Handle)->FileName.Length);
    CHECK(memcmp(NtWorldFile(Handle)->FileName.Buffer, u"\\a\\b", 8) == 0);
    NtWorldClose(Handle);
    Finish(Device);
}

TEST(An_exclusive_device_has_one_file_at_a_time)
{
    PDEVICE_OBJECT Device = Start(TRUE);
    HANDLE Handle = NULL;
    HANDLE Other = NULL;

    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    CHECK_EQUAL(STATUS_SUCCESS, Open(u"\\Device\\Test", &Handle));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, Open(u"\\Device\\Test", &Other));
    NtWorldClose(Handle);
    CHECK_EQUAL(STATUS_SUCCESS, Open(u"\\Device\\Test", &Other));
    NtWorldClose(Other);
    Finish(Device);
}

TEST(A_device_that_is_deleted_has_no_name_and_stays_while_it_is_referenced)
{
    PDEVICE_OBJECT Device = Start(FALSE);
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Device\\Test");
    ULONG Devices = IoDeviceObjectType->TotalNumberOfObjects;
    HANDLE Handle = NULL;
    PVOID Found = NULL;

    CHECK_EQUAL(STATUS_SUCCESS,
                ObReferenceObjectByName(&Name, OBJ_CASE_INSENSITIVE, NULL, 0, IoDeviceObjectType,
                                        KernelMode, NULL, &Found));
    CHECK(Found == Device);
    IoDeleteDevice(Device);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Open(u"\\Device\\Test", &Handle));
    CHECK_EQUAL(Devices, IoDeviceObjectType->TotalNumberOfObjects);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, IopReferenceDevice(Device));
    ObDereferenceObject(Found);
    CHECK_EQUAL(Devices - 1, IoDeviceObjectType->TotalNumberOfObjects);
    IoDeleteDriver(Driver);
    NtWorldFinish();
}

TEST(IoCreateDriver_opens_the_devices_that_its_entry_made)
{
    UNICODE_STRING Fat = NT_CONSTANT_STRING(u"\\Fat");
    PFILE_OBJECT File = NULL;
    PDEVICE_OBJECT Device = NULL;

    NtWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, IoGetDeviceObjectPointer(&Fat, FILE_READ_DATA, &File, &Device));
    CHECK(Device == IoVolume->Vpb->DeviceObject->DriverObject->DeviceObject->NextDevice);
    CHECK_EQUAL(0, NtWorldHandles()); /* it is closed, and referenced */
    CHECK_EQUAL(1, Device->ReferenceCount);
    ObDereferenceObject(File);
    CHECK_EQUAL(0, Device->ReferenceCount);
    NtWorldFinish();
}

TEST(IoGetDeviceObjectPointer_finds_the_top_of_the_stack)
{
    PDEVICE_OBJECT Device = Start(FALSE);
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Device\\Test");
    UNICODE_STRING None = NT_CONSTANT_STRING(u"\\Device\\None");
    PDEVICE_OBJECT Filter = NULL;
    PDEVICE_OBJECT Found = NULL;
    PFILE_OBJECT File = NULL;

    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    CHECK_EQUAL(STATUS_SUCCESS,
                IoCreateDevice(Driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Filter));
    CHECK(IoAttachDeviceToDeviceStack(Filter, Device) == Device);
    CHECK_EQUAL(STATUS_SUCCESS, IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Found));
    CHECK(Found == Filter && File->DeviceObject == Device);
    ObDereferenceObject(File);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND,
                IoGetDeviceObjectPointer(&None, FILE_READ_DATA, &File, &Found));
    IoDetachDevice(Device);
    IoDeleteDevice(Filter);
    Finish(Device);
}

TEST(IoCreateSymbolicLink_makes_a_name_that_stays_until_it_is_deleted)
{
    UNICODE_STRING Link = NT_CONSTANT_STRING(u"\\DosDevices\\X:");
    UNICODE_STRING Target = NT_CONSTANT_STRING(u"\\Device\\HarddiskVolume1");
    HANDLE Handle = NULL;

    NtWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateSymbolicLink(&Link, &Target));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, IoCreateSymbolicLink(&Link, &Target));
    CHECK_EQUAL(STATUS_SUCCESS, Open(u"\\??\\x:\\", &Handle));
    NtWorldClose(Handle);
    CHECK_EQUAL(STATUS_SUCCESS, IoDeleteSymbolicLink(&Link));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, Open(u"\\??\\X:", &Handle));
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, Open(u"\\??\\X:\\", &Handle));
    NtWorldFinish();
}

TEST(IoDeleteDriver_takes_the_name_away)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Driver\\Test");
    PDEVICE_OBJECT Device = Start(FALSE);

    CHECK(IoFindDriver(&Name) == Driver);
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, IoCreateDriver(&Name, Entry));
    Finish(Device);
}
