/* SPDX-License-Identifier: MIT */
/*
 * nt_rename.c - a new name for a file that is open by handle.
 *
 *     the new name                          the file system gets
 *     "name"                                the name; the directory stays
 *     RootDirectory and a path, "\??\C:\a"  the directory of the new name, which is opened for it
 *                                           (SL_OPEN_TARGET_DIRECTORY), and the name
 *
 * The directory is opened as the caller's handle, so that the names' rules hold for it, and closed
 * when the file system has answered.
 */
#include "mm/io/nt_rename.h"

static NTSTATUS IopTakeNewName(PFILE_RENAME_INFORMATION Rename, ULONG Length, PUNICODE_STRING Name)
{
    ULONG Room = Length - (ULONG)offsetof(FILE_RENAME_INFORMATION, FileName);
    ULONG Bytes = Rename->FileNameLength;

    if (Bytes == 0 || Bytes % sizeof(WCHAR) != 0 || Bytes > Room || Bytes > 0xFFF0) {
        return STATUS_INVALID_PARAMETER;
    }
    *Name = (UNICODE_STRING){(USHORT)Bytes, (USHORT)Bytes, Rename->FileName};
    return STATUS_SUCCESS;
}

/* In the same directory: one name. */
static NTSTATUS IopRenameHere(PFILE_OBJECT File, PFILE_RENAME_INFORMATION Rename, ULONG Length,
                              PCUNICODE_STRING Name)
{
    NTSTATUS Status = IopCheckName(Name);
    ULONG Index;

    for (Index = 0; Index < Name->Length / sizeof(WCHAR); Index++) {
        if (Name->Buffer[Index] == u'\\') {
            return STATUS_OBJECT_NAME_INVALID;
        }
    }
    return NT_SUCCESS(Status) ? IopSet(File, FileRenameInformation, Length, Rename, NULL) : Status;
}

/* => *Target is referenced, and Handle to be closed. */
static NTSTATUS IopOpenTarget(const IOP_SERVICE *Service, HANDLE RootDirectory,
                              PUNICODE_STRING Name, PHANDLE Handle, PFILE_OBJECT *Target)
{
    IOP_OPEN_PACKET Packet = {
        .DesiredAccess = FILE_ADD_FILE | SYNCHRONIZE,
        .Disposition = FILE_OPEN,
        .Options = FILE_OPEN_FOR_BACKUP_INTENT,
        .ShareAccess = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
        .Flags = SL_OPEN_TARGET_DIRECTORY,
    };
    OBJECT_ATTRIBUTES Attributes;
    PVOID Object = NULL;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, Name, OBJ_CASE_INSENSITIVE, RootDirectory, NULL);
    Status = IopOpenByName(&Attributes, Service->Mode, &Packet, Handle);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObReferenceObjectByHandle(*Handle, 0, IoFileObjectType, Service->Mode, &Object, NULL);
    if (!NT_SUCCESS(Status)) {
        IopDropHandle(*Handle);
        return Status;
    }
    *Target = Object;
    return STATUS_SUCCESS;
}

NTSTATUS IopRename(const IOP_SERVICE *Service, PFILE_RENAME_INFORMATION Rename, ULONG Length)
{
    HANDLE RootDirectory = Rename->RootDirectory;
    UNICODE_STRING Name;
    PFILE_OBJECT Target;
    HANDLE Handle;
    NTSTATUS Status = IopTakeNewName(Rename, Length, &Name);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (RootDirectory == NULL && Name.Buffer[0] != u'\\') {
        return IopRenameHere(Service->File, Rename, Length, &Name);
    }
    Status = IopOpenTarget(Service, RootDirectory, &Name, &Handle, &Target);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Rename->RootDirectory = NULL; /* it is in Target */
    Status = STATUS_NOT_SAME_DEVICE;
    if (IoGetRelatedDeviceObject(Target) == IoGetRelatedDeviceObject(Service->File)) {
        Status = IopSet(Service->File, FileRenameInformation, Length, Rename, Target);
    }
    IopDropHandle(Handle);
    ObDereferenceObject(Target);
    return Status;
}
