/* SPDX-License-Identifier: MIT */
/*
 * report_files.c - the boot's report about files: one is made by a process through its handles,
 * written, read back, renamed and deleted; nothing of it stays.
 *
 * A volume that is read-only, full, or not in order is left alone, and said to be.
 */
#include "io_services.h"
#include "mm/inspect/report_files.h"
#include "mm/ob/object.h"
#include "mm/space/process.h"
#include "mm_machine.h"
#include "report.h"
#include "rtl.h"

#define MIP_BYTES   20000u      /* not a multiple of anything */
#define MIP_TAG     0x46705252u /* 'RRpF' */
#define MIP_NAME    u"\\??\\C:\\files.tmp"
#define MIP_RENAMED u"\\??\\C:\\files.old"

typedef struct _MIP_FILES {
    PUCHAR Buffer;    /* MIP_BYTES */
    HANDLE File;      /* or NULL */
    ULONG Read;       /* bytes */
    ULONG Wrong;      /* of them */
    ULONG Objects;    /* of type File, more than before, while it is open */
    ULONG Handles;    /* the same of handles */
    NTSTATUS Status;  /* of the first step that failed */
    NTSTATUS OldName; /* what opening says under the old name, when it is renamed, */
    NTSTATUS NewName; /* and under the new one, when it is deleted */
} MIP_FILES, *PMIP_FILES;

static POBJECT_ATTRIBUTES MipNamed(PCWSTR Path, PUNICODE_STRING Name, POBJECT_ATTRIBUTES Attributes)
{
    RtlInitUnicodeString(Name, Path);
    InitializeObjectAttributes(Attributes, Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return Attributes;
}

static NTSTATUS MipOpen(PCWSTR Path, ACCESS_MASK Access, ULONG Disposition, PHANDLE Handle)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;
    UNICODE_STRING Name;

    return NtCreateFile(Handle, Access | SYNCHRONIZE, MipNamed(Path, &Name, &Attributes), &Iosb,
                        NULL, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ, Disposition,
                        FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
}

/* => STATUS_SUCCESS where there is such a file. */
static NTSTATUS MipLookFor(PCWSTR Path)
{
    FILE_BASIC_INFORMATION Basic;
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;

    return NtQueryAttributesFile(MipNamed(Path, &Name, &Attributes), &Basic);
}

/* ---- the steps ---- */

static UCHAR MipByte(ULONG Index)
{
    return (UCHAR)(Index * 7 + Index / 256);
}

static NTSTATUS MipWrite(PMIP_FILES Files)
{
    IO_STATUS_BLOCK Iosb;
    ULONG i;

    for (i = 0; i < MIP_BYTES; i++) {
        Files->Buffer[i] = MipByte(i);
    }
    return NtWriteFile(Files->File, NULL, NULL, NULL, &Iosb, Files->Buffer, MIP_BYTES, NULL, NULL);
}

static NTSTATUS MipReadBack(PMIP_FILES Files)
{
    LARGE_INTEGER Start = {.QuadPart = 0};
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status;
    ULONG i;

    memset(Files->Buffer, 0, MIP_BYTES);
    Status =
        NtReadFile(Files->File, NULL, NULL, NULL, &Iosb, Files->Buffer, MIP_BYTES, &Start, NULL);
    if (NT_SUCCESS(Status)) {
        Files->Read = (ULONG)Iosb.Information;
        for (i = 0; i < MIP_BYTES; i++) {
            Files->Wrong += Files->Buffer[i] != MipByte(i);
        }
    }
    return Status;
}

static NTSTATUS MipRename(PMIP_FILES Files)
{
    static const WCHAR NewName[] = MIP_RENAMED;
    PFILE_RENAME_INFORMATION Rename = (PFILE_RENAME_INFORMATION)(PVOID)Files->Buffer;
    IO_STATUS_BLOCK Iosb;

    memset(Rename, 0, sizeof(*Rename));
    Rename->ReplaceIfExists = TRUE;
    Rename->FileNameLength = sizeof(NewName) - sizeof(WCHAR);
    memcpy(Files->Buffer + offsetof(FILE_RENAME_INFORMATION, FileName), NewName, sizeof(NewName));
    return NtSetInformationFile(Files->File, &Iosb, Rename, sizeof(*Rename) + sizeof(NewName),
                                FileRenameInformation);
}

static NTSTATUS MipDelete(PMIP_FILES Files)
{
    FILE_DISPOSITION_INFORMATION Disposition = {.DeleteFile = TRUE};
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Closed;
    NTSTATUS Status = NtSetInformationFile(Files->File, &Iosb, &Disposition, sizeof(Disposition),
                                           FileDispositionInformation);

    Closed = NtClose(Files->File);
    Files->File = NULL;
    return NT_SUCCESS(Status) ? Closed : Status;
}

/* In the process.  => Whatever happened, the file is closed, and deleted if that can be. */
static void MipUseFile(PMIP_FILES Files)
{
    ULONG Objects = IoFileObjectType->TotalNumberOfObjects;
    ULONG Handles = IoFileObjectType->TotalNumberOfHandles;
    NTSTATUS Deleted;

    Files->Status = MipOpen(MIP_NAME, FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE,
                            FILE_OVERWRITE_IF, &Files->File);
    if (!NT_SUCCESS(Files->Status)) {
        return;
    }
    Files->Objects = IoFileObjectType->TotalNumberOfObjects - Objects;
    Files->Handles = IoFileObjectType->TotalNumberOfHandles - Handles;
    Files->Status = MipWrite(Files);
    if (NT_SUCCESS(Files->Status)) {
        Files->Status = MipReadBack(Files);
    }
    if (NT_SUCCESS(Files->Status)) {
        Files->Status = MipRename(Files);
        Files->OldName = MipLookFor(MIP_NAME);
    }
    Deleted = MipDelete(Files);
    Files->Status = NT_SUCCESS(Files->Status) ? Deleted : Files->Status;
    Files->NewName = MipLookFor(MIP_RENAMED);
}

static void MipUseFileInProcess(PMIP_FILES Files)
{
    PEPROCESS Process = NULL;
    KAPC_STATE State;

    Files->Status = PsCreateProcess("files", &Process);
    if (!NT_SUCCESS(Files->Status)) {
        return;
    }
    KeStackAttachProcess(&Process->Pcb, &State);
    MipUseFile(Files);
    KeUnstackDetachProcess(&State);
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
}

/* ---- the line ---- */

/* Is there a C: that can be written?  => FALSE: that was said. */
static BOOLEAN MipHasVolume(void)
{
    FILE_FS_DEVICE_INFORMATION Device = {.Characteristics = 0};
    IO_STATUS_BLOCK Iosb;
    HANDLE Root = NULL;
    NTSTATUS Closed;
    NTSTATUS Status = MipOpen(u"\\??\\C:\\", FILE_READ_ATTRIBUTES, FILE_OPEN, &Root);

    if (!NT_SUCCESS(Status)) {
        KiPrint("# files: there is no C:, status %08x\n", (ULONG)Status);
        return FALSE;
    }
    Status =
        NtQueryVolumeInformationFile(Root, &Iosb, &Device, sizeof(Device), FileFsDeviceInformation);
    Closed = NtClose(Root);
    if (!NT_SUCCESS(Status) || !NT_SUCCESS(Closed) ||
        (Device.Characteristics & FILE_READ_ONLY_DEVICE)) {
        KiPrint("# files: C: is read-only\n");
        return FALSE;
    }
    return TRUE;
}

BOOLEAN MiReportCannotChange(PCSTR What, NTSTATUS Status)
{
    if (Status != STATUS_MEDIA_WRITE_PROTECTED && Status != STATUS_DISK_FULL &&
        Status != STATUS_DISK_CORRUPT_ERROR && Status != STATUS_FILE_CORRUPT_ERROR) {
        return FALSE;
    }
    KiPrint("# %s: C: cannot be changed, status %08x\n", What, (ULONG)Status);
    return TRUE;
}

static void MipReportUse(const MIP_FILES *Files, ULONG ObjectsLeft, ULONG HandlesLeft)
{
    if (MiReportCannotChange("files", Files->Status)) {
        return;
    }
    KiReport(NT_SUCCESS(Files->Status) && Files->Read == MIP_BYTES && Files->Wrong == 0 &&
                 Files->Objects == 1 && Files->Handles == 1 && ObjectsLeft == 0 &&
                 HandlesLeft == 0 && Files->OldName == STATUS_OBJECT_NAME_NOT_FOUND &&
                 Files->NewName == STATUS_OBJECT_NAME_NOT_FOUND,
             "files: \\??\\C:\\files.tmp, %u handle to %u object: %u bytes written and read back, "
             "%u wrong; renamed (the old name: %08x), deleted (the new name: %08x); %u handles, "
             "%u objects stay; status %08x",
             Files->Handles, Files->Objects, Files->Read, Files->Wrong, (ULONG)Files->OldName,
             (ULONG)Files->NewName, HandlesLeft, ObjectsLeft, (ULONG)Files->Status);
}

void MiReportFiles(void)
{
    MIP_FILES Files = {.Status = STATUS_INSUFFICIENT_RESOURCES};
    ULONG Objects;
    ULONG Handles;

    if (!MipHasVolume()) {
        return;
    }
    Objects = IoFileObjectType->TotalNumberOfObjects;
    Handles = IoFileObjectType->TotalNumberOfHandles;
    Files.Buffer = ExAllocatePoolWithTag(PagedPool, MIP_BYTES, MIP_TAG);
    if (Files.Buffer != NULL) {
        MipUseFileInProcess(&Files);
        ExFreePoolWithTag(Files.Buffer, MIP_TAG);
    }
    MipReportUse(&Files, IoFileObjectType->TotalNumberOfObjects - Objects,
                 IoFileObjectType->TotalNumberOfHandles - Handles);
    if (NT_SUCCESS(Files.Status)) {
        MiReportMappedFile();
        MiReportCachedFile();
    }
}
