/* SPDX-License-Identifier: MIT */
/*
 * nt_world.c - see nt_world.h.
 */
#include "tests/unit/nt_world.h"

#include "mm/ob/object.h"
#include "mm/space/process.h"
#include "verify.h"
#include "vm.h"

#include <string.h>

PUCHAR NtUser;
IO_STATUS_BLOCK Iosb;

static PEPROCESS Processes[2];
static KAPC_STATE Home;

static void MakeProcesses(void)
{
    SIZE_T Bytes = NT_WORLD_BYTES;
    PVOID Base = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("first", &Processes[0]));
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("second", &Processes[1]));
    KeStackAttachProcess(&Processes[0]->Pcb, &Home);
    CHECK_EQUAL(STATUS_SUCCESS, NtAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Bytes,
                                                        MEM_COMMIT, PAGE_READWRITE));
    NtUser = Base;
}

void NtWorldStartOn(const SEED_FAT *Fat)
{
    UNICODE_STRING Link = NT_CONSTANT_STRING(u"\\??\\C:");
    UNICODE_STRING Device = NT_CONSTANT_STRING(u"\\Device\\HarddiskVolume1");

    IoWorldStart(Fat, 0);
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateSymbolicLink(&Link, &Device));
    MakeProcesses();
}

void NtWorldStart(void)
{
    NtWorldStartOn(&IoWorldFat12);
}

void NtWorldEnter(ULONG Index)
{
    KeUnstackDetachProcess(&Home);
    KeStackAttachProcess(&Processes[Index]->Pcb, &Home);
}

void NtWorldLeave(void)
{
    KeUnstackDetachProcess(&Home);
    KeStackAttachProcess(&PsInitialSystemProcess->Pcb, &Home);
}

void NtWorldEndProcesses(void)
{
    ULONG Index;

    MiVerifyAll();
    CHECK_EQUAL(KernelMode, ExGetPreviousMode());
    KeUnstackDetachProcess(&Home);
    for (Index = 0; Index < 2; Index++) {
        PsTerminateProcess(Processes[Index]);
        PsDereferenceProcess(Processes[Index]);
        Processes[Index] = NULL;
    }
}

void NtWorldFinish(void)
{
    if (Processes[0] != NULL) {
        NtWorldEndProcesses();
    }
    CHECK_EQUAL(0, NtWorldFiles());
    CHECK_EQUAL(0, NtWorldHandles());
    IoWorldRemount(); /* what the volume keeps in memory goes */
    IoWorldFinish();
}

/* ---- files ---- */

NTSTATUS NtWorldTry(const NT_OPEN *Open, PHANDLE Handle)
{
    const ULONG Options = Open->Options | (Open->Asynchronous ? 0 : FILE_SYNCHRONOUS_IO_NONALERT);
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;

    RtlInitUnicodeString(&Name, Open->Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, Open->Root, NULL);
    return NtCreateFile(Handle, Open->Access | (Open->Asynchronous ? 0 : SYNCHRONIZE), &Attributes,
                        &Iosb, NULL, Open->Attributes, IO_SHARE_ALL & ~Open->Refuse,
                        Open->Disposition, Options, NULL, 0);
}

NTSTATUS NtWorldTryOpen(PCWSTR Path, ACCESS_MASK Access, ULONG Disposition, ULONG Options,
                        PHANDLE Handle)
{
    const NT_OPEN Open = {
        .Path = Path, .Access = Access, .Disposition = Disposition, .Options = Options};

    return NtWorldTry(&Open, Handle);
}

HANDLE NtWorldOpen(PCWSTR Path, ACCESS_MASK Access, ULONG Disposition, ULONG Options)
{
    HANDLE Handle = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, NtWorldTryOpen(Path, Access, Disposition, Options, &Handle));
    CHECK(Handle != NULL);
    return Handle;
}

void NtWorldClose(HANDLE Handle)
{
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Handle));
}

NTSTATUS NtWorldRead(HANDLE Handle, LONGLONG Offset, ULONG Bytes)
{
    LARGE_INTEGER Start = {.QuadPart = Offset};

    return NtReadFile(Handle, NULL, NULL, NULL, &Iosb, IoBuffer, Bytes,
                      Offset == -1 ? NULL : &Start, NULL);
}

NTSTATUS NtWorldWrite(HANDLE Handle, LONGLONG Offset, const void *Data, ULONG Bytes)
{
    LARGE_INTEGER Start = {.QuadPart = Offset};

    memcpy(IoBuffer, Data, Bytes);
    return NtWriteFile(Handle, NULL, NULL, NULL, &Iosb, IoBuffer, Bytes,
                       Offset == -1 ? NULL : &Start, NULL);
}

LONGLONG NtWorldPosition(HANDLE Handle)
{
    FILE_POSITION_INFORMATION Position;

    CHECK_EQUAL(STATUS_SUCCESS, NtQueryInformationFile(Handle, &Iosb, &Position, sizeof(Position),
                                                       FilePositionInformation));
    return Position.CurrentByteOffset.QuadPart;
}

LONGLONG NtWorldSize(HANDLE Handle)
{
    FILE_STANDARD_INFORMATION Standard;

    CHECK_EQUAL(STATUS_SUCCESS, NtQueryInformationFile(Handle, &Iosb, &Standard, sizeof(Standard),
                                                       FileStandardInformation));
    return Standard.EndOfFile.QuadPart;
}

NTSTATUS NtWorldRename(HANDLE Handle, HANDLE Root, PCWSTR Name, BOOLEAN Replace)
{
    UCHAR Memory[sizeof(FILE_RENAME_INFORMATION) + 256] NT_ALIGNED(8);
    PFILE_RENAME_INFORMATION Rename = (PFILE_RENAME_INFORMATION)(PVOID)Memory;
    UNICODE_STRING Wide;

    RtlInitUnicodeString(&Wide, Name);
    CHECK(Wide.Length <= 256);
    memset(Memory, 0, sizeof(Memory));
    Rename->ReplaceIfExists = Replace;
    Rename->RootDirectory = Root;
    Rename->FileNameLength = Wide.Length;
    memcpy(Rename->FileName, Wide.Buffer, Wide.Length);
    return NtSetInformationFile(Handle, &Iosb, Rename, (ULONG)sizeof(*Rename) + Wide.Length,
                                FileRenameInformation);
}

NTSTATUS NtWorldDispose(HANDLE Handle, BOOLEAN Delete)
{
    FILE_DISPOSITION_INFORMATION Disposition = {.DeleteFile = Delete};

    return NtSetInformationFile(Handle, &Iosb, &Disposition, sizeof(Disposition),
                                FileDispositionInformation);
}

/* ---- objects ---- */

PFILE_OBJECT NtWorldFile(HANDLE Handle)
{
    PVOID File = NULL;

    CHECK_EQUAL(STATUS_SUCCESS,
                ObReferenceObjectByHandle(Handle, 0, IoFileObjectType, KernelMode, &File, NULL));
    ObDereferenceObject(File);
    return File;
}

ULONG NtWorldFiles(void)
{
    return IoFileObjectType->TotalNumberOfObjects;
}

ULONG NtWorldHandles(void)
{
    return IoFileObjectType->TotalNumberOfHandles;
}
