/* SPDX-License-Identifier: MIT */
/*
 * parse.c - from a name to a file: where the object manager's names end and a file system's begin.
 *
 *     \??\C:\dir\file  ->  \Device\HarddiskVolume1 \dir\file  ->  IopParseDevice  ->  the file
 *     link                 device                  what is left    IRP_MJ_CREATE
 *
 * A name relative to a file (RootDirectory) comes to IopParseFile, which hands the file on as
 * RelatedFileObject.  Without an open packet nobody wants a file: a device's name leads to the
 * device, and nothing lies behind it.
 *
 * Names of files have no / in them: only \ separates.
 */
#include "mm/io/io_i.h"

/* => NULL: the lookup is somebody else's. */
static PIOP_OPEN_PACKET IopPacketOf(PVOID Context)
{
    PIOP_OPEN_PACKET Packet = Context;

    return Packet != NULL && Packet->Tag == IOP_OPEN_TAG ? Packet : NULL;
}

NTSTATUS IopCheckName(PCUNICODE_STRING Name)
{
    ULONG Index;

    for (Index = 0; Index < Name->Length / sizeof(WCHAR); Index++) {
        if (Name->Buffer[Index] == u'/' || Name->Buffer[Index] == 0) {
            return STATUS_OBJECT_NAME_INVALID;
        }
    }
    return STATUS_SUCCESS;
}

static NTSTATUS IopOpenParsed(PDEVICE_OBJECT Device, ULONG Attributes, PUNICODE_STRING Name,
                              PIOP_OPEN_PACKET Packet, PVOID *Object)
{
    NTSTATUS Status = IopCheckName(Name);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Packet->Flags |= Attributes & OBJ_CASE_INSENSITIVE ? 0 : SL_CASE_SENSITIVE;
    Status = IopOpen(Device, Name, Packet);
    if (NT_SUCCESS(Status)) {
        *Object = Packet->File;
    }
    return Status;
}

NTSTATUS IopParseDevice(PVOID ParseObject, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                        ULONG Attributes, PUNICODE_STRING CompleteName,
                        PUNICODE_STRING RemainingName, PVOID Context, PVOID *Object)
{
    PIOP_OPEN_PACKET Packet = IopPacketOf(Context);

    (void)ObjectType;
    (void)AccessMode;
    (void)CompleteName;
    if (Packet != NULL) {
        return IopOpenParsed(ParseObject, Attributes, RemainingName, Packet, Object);
    }
    if (RemainingName->Length != 0) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    ObReferenceObject(ParseObject);
    *Object = ParseObject;
    return STATUS_SUCCESS;
}

NTSTATUS IopParseFile(PVOID ParseObject, POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                      ULONG Attributes, PUNICODE_STRING CompleteName, PUNICODE_STRING RemainingName,
                      PVOID Context, PVOID *Object)
{
    PIOP_OPEN_PACKET Packet = IopPacketOf(Context);
    PFILE_OBJECT File = ParseObject;

    (void)ObjectType;
    (void)AccessMode;
    (void)CompleteName;
    if (Packet == NULL) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (File->Flags & FO_DIRECT_DEVICE_OPEN) {
        return STATUS_INVALID_PARAMETER; /* no file system knows it */
    }
    Packet->Related = File;
    return IopOpenParsed(File->DeviceObject, Attributes, RemainingName, Packet, Object);
}

/* ---- opening ---- */

/*
 * Generic rights become those of files; who wants all that is allowed gets all, as there is no
 * security yet.
 */
static NTSTATUS IopMapAccess(KPROCESSOR_MODE AccessMode, PACCESS_MASK Access)
{
    const ACCESS_MASK Generic = GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL;
    ACCESS_MASK Mapped = *Access & ~(Generic | MAXIMUM_ALLOWED);

    Mapped |= *Access & GENERIC_READ ? FILE_GENERIC_READ : 0;
    Mapped |= *Access & GENERIC_WRITE ? FILE_GENERIC_WRITE : 0;
    Mapped |= *Access & GENERIC_EXECUTE ? FILE_GENERIC_EXECUTE : 0;
    Mapped |= *Access & (GENERIC_ALL | MAXIMUM_ALLOWED) ? FILE_ALL_ACCESS : 0;
    if (AccessMode != KernelMode && (Mapped & ACCESS_SYSTEM_SECURITY)) {
        return STATUS_PRIVILEGE_NOT_HELD;
    }
    if (AccessMode != KernelMode && (Mapped & ~FILE_ALL_ACCESS) != 0) {
        return STATUS_ACCESS_DENIED;
    }
    *Access = Mapped;
    return STATUS_SUCCESS;
}

NTSTATUS IopOpenByName(PCOBJECT_ATTRIBUTES Attributes, KPROCESSOR_MODE AccessMode,
                       PIOP_OPEN_PACKET Packet, PHANDLE Handle)
{
    HANDLE Opened = NULL;
    NTSTATUS Status = IopMapAccess(AccessMode, &Packet->DesiredAccess);

    Packet->Tag = IOP_OPEN_TAG;
    if (NT_SUCCESS(Status)) {
        Status = ObOpenObjectByName(Attributes, IoFileObjectType, AccessMode, NULL,
                                    Packet->DesiredAccess, Packet, &Opened);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    *Handle = Opened;
    return STATUS_SUCCESS;
}
