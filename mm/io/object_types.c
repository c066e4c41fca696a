/* SPDX-License-Identifier: MIT */
/*
 * object_types.c - drivers, devices and files as types of objects, and where their names are.
 *
 *     type     names                        a name goes on through it      procedures
 *     Driver   \Driver, \FileSystem         no                             -
 *     Device   \Device, its users' links    to a file: IopParseDevice      delete: its VPB
 *     File     none                         to a file below it: IopParse-  close: IRP_MJ_CLEANUP
 *                                           File (RootDirectory)           delete: IRP_MJ_CLOSE
 *
 * \DosDevices is a link to \??, as on NT.
 */
#include "mm/io/io_i.h"

POBJECT_TYPE IoDriverObjectType;
POBJECT_TYPE IoDeviceObjectType;
POBJECT_TYPE IoFileObjectType;

static const GENERIC_MAPPING IopFileMapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE,
                                               FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};

static NTSTATUS IopCreateDriverType(void)
{
    const OB_TYPE_DESCRIPTION Description = {
        .Name = u"Driver",
        .PoolType = NonPagedPool,
        .Tag = IOP_DRIVER_TAG,
        .InvalidAttributes = OBJ_OPENLINK,
        .ValidAccessMask = STANDARD_RIGHTS_ALL,
        .GenericMapping = {STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE,
                           STANDARD_RIGHTS_ALL},
    };

    return ObCreateType(&Description, &IoDriverObjectType);
}

static NTSTATUS IopCreateDeviceType(void)
{
    const OB_TYPE_DESCRIPTION Description = {
        .Name = u"Device",
        .PoolType = NonPagedPool,
        .Tag = IOP_DEVICE_TAG,
        .InvalidAttributes = OBJ_OPENLINK,
        .ValidAccessMask = FILE_ALL_ACCESS,
        .GenericMapping = IopFileMapping,
        .Delete = IopDeleteDevice,
        .Parse = IopParseDevice,
    };

    return ObCreateType(&Description, &IoDeviceObjectType);
}

static NTSTATUS IopCreateFileType(void)
{
    const OB_TYPE_DESCRIPTION Description = {
        .Name = u"File",
        .PoolType = NonPagedPool,
        .Tag = IOP_FILE_TAG,
        .InvalidAttributes = OBJ_PERMANENT | OBJ_EXCLUSIVE | OBJ_OPENLINK,
        .ValidAccessMask = FILE_ALL_ACCESS,
        .GenericMapping = IopFileMapping,
        .Open = IopOpenHandle,
        .Close = IopCloseHandle,
        .Delete = IopDeleteFile,
        .Parse = IopParseFile,
    };

    return ObCreateType(&Description, &IoFileObjectType);
}

/* => Permanent. */
static NTSTATUS IopCreateDirectory(PCWSTR Name)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Path;
    HANDLE Handle = NULL;
    NTSTATUS Status;

    RtlInitUnicodeString(&Path, Name);
    InitializeObjectAttributes(
        &Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_PERMANENT | OBJ_KERNEL_HANDLE, NULL, NULL);
    Status = NtCreateDirectoryObject(&Handle, DIRECTORY_ALL_ACCESS, &Attributes);
    return NT_SUCCESS(Status) ? NtClose(Handle) : Status;
}

/* What is made before a failure stays: there are no files on this machine then. */
NTSTATUS IopCreateObjectTypes(void)
{
    UNICODE_STRING DosDevices = NT_CONSTANT_STRING(u"\\DosDevices");
    UNICODE_STRING Names = NT_CONSTANT_STRING(u"\\??");
    NTSTATUS Status = IopCreateDriverType();

    if (NT_SUCCESS(Status)) {
        Status = IopCreateDeviceType();
    }
    if (NT_SUCCESS(Status)) {
        Status = IopCreateFileType();
    }
    if (NT_SUCCESS(Status)) {
        Status = IopCreateDirectory(u"\\Driver");
    }
    if (NT_SUCCESS(Status)) {
        Status = IopCreateDirectory(u"\\FileSystem");
    }
    return NT_SUCCESS(Status) ? IoCreateSymbolicLink(&DosDevices, &Names) : Status;
}
