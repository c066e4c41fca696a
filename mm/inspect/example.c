/* SPDX-License-Identifier: MIT */
/*
 * example.c - two processes that stay, so that the commands at the prompt have something to show.
 *
 *     writer   1 MB reserved, 16 pages of it committed, 8 written to, one of these read-only, and a
 *              guard page; a section with a name, written to; a view of a file; the session's pool
 *     reader   the section, read; a copy-on-write view of it, a quarter of it written to; the file,
 *              read through the cache
 *
 * They are of one session, and have no threads: it is the monitor's thread that works in them.
 */
#include "example.h"

#include "ex.h"
#include "io_services.h"
#include "mi_assert.h"
#include "mm.h"
#include "mm/inspect/commands.h"
#include "mm/space/process.h"
#include "mm_section.h"
#include "mm_session.h"
#include "rtl.h"
#include "vm.h"

#define MIP_TAG            0x6D617845u /* 'Exam' */
#define MIP_SECTION        u"\\BaseNamedObjects\\Example"
#define MIP_FILE           u"\\??\\C:\\hyperspace.elf"
#define MIP_RESERVED_BYTES 0x100000u
#define MIP_PRIVATE_PAGES  16u
#define MIP_TOUCHED_PAGES  8u
#define MIP_SECTION_PAGES  16u
#define MIP_COPIED_PAGES   4u
#define MIP_FILE_PAGES     64u
#define MIP_POOL_PAGES     4u

static struct {
    ULONG SessionId;
    BOOLEAN Session; /* it was made */
    PEPROCESS Writer;
    PEPROCESS Reader;
    PVOID Pool; /* the session's */
} MipExample;

/* ---- what a process does; it is the running one ---- */

static NTSTATUS MipRead(ULONG_PTR Va, ULONG Pages)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Page;
    ULONG Word;

    for (Page = 0; Page < Pages && NT_SUCCESS(Status); Page++) {
        Status = MmCopyFromUser(&Word, (const void *)(Va + Page * PAGE_SIZE), sizeof(Word), NULL);
    }
    return Status;
}

/* Each page says its number. */
static NTSTATUS MipWrite(ULONG_PTR Va, ULONG Pages)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Page;

    for (Page = 0; Page < Pages && NT_SUCCESS(Status); Page++) {
        Status = MmCopyToUser((PVOID)(Va + Page * PAGE_SIZE), &Page, sizeof(Page), NULL);
    }
    return Status;
}

static NTSTATUS MipAllocate(PVOID Base, ULONG Pages, ULONG Type, ULONG Protect, PVOID *Found)
{
    SIZE_T Bytes = Pages * PAGE_SIZE;

    *Found = Base;
    return NtAllocateVirtualMemory(NtCurrentProcess(), Found, 0, &Bytes, Type, Protect);
}

static NTSTATUS MipUsePrivateMemory(void)
{
    SIZE_T OnePage = PAGE_SIZE;
    PVOID Base;
    PVOID Part;
    ULONG Old;
    NTSTATUS Status =
        MipAllocate(NULL, MIP_RESERVED_BYTES / PAGE_SIZE, MEM_RESERVE, PAGE_READWRITE, &Base);

    if (NT_SUCCESS(Status)) {
        Status = MipAllocate(Base, MIP_PRIVATE_PAGES, MEM_COMMIT, PAGE_READWRITE, &Part);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipAllocate((PUCHAR)Base + MIP_PRIVATE_PAGES * PAGE_SIZE, 1, MEM_COMMIT,
                             PAGE_READWRITE | PAGE_GUARD, &Part);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipWrite((ULONG_PTR)Base, MIP_TOUCHED_PAGES);
    }
    return NT_SUCCESS(Status)
               ? NtProtectVirtualMemory(NtCurrentProcess(), &Base, &OnePage, PAGE_READONLY, &Old)
               : Status;
}

static NTSTATUS MipMap(HANDLE Section, ULONG Pages, ULONG Protect, ULONG_PTR *Va)
{
    SIZE_T Bytes = Pages * PAGE_SIZE;
    PVOID Base = NULL;
    NTSTATUS Status = NtMapViewOfSection(Section, NtCurrentProcess(), &Base, 0, 0, NULL, &Bytes,
                                         ViewUnmap, 0, Protect);

    *Va = (ULONG_PTR)Base;
    return Status;
}

static NTSTATUS MipWriteSection(void)
{
    LARGE_INTEGER Size = {.QuadPart = MIP_SECTION_PAGES * PAGE_SIZE};
    UNICODE_STRING Name = NT_CONSTANT_STRING(MIP_SECTION);
    OBJECT_ATTRIBUTES Attributes;
    ULONG_PTR Va = 0;
    HANDLE Section;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtCreateSection(&Section, SECTION_ALL_ACCESS, &Attributes, &Size, PAGE_READWRITE,
                             SEC_COMMIT, NULL);
    if (NT_SUCCESS(Status)) {
        Status = MipMap(Section, MIP_SECTION_PAGES, PAGE_READWRITE, &Va);
    }
    return NT_SUCCESS(Status) ? MipWrite(Va, MIP_SECTION_PAGES) : Status;
}

static NTSTATUS MipReadSection(void)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(MIP_SECTION);
    OBJECT_ATTRIBUTES Attributes;
    ULONG_PTR Shared = 0;
    ULONG_PTR Own = 0;
    HANDLE Section;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtOpenSection(&Section, SECTION_MAP_READ, &Attributes);
    if (NT_SUCCESS(Status)) {
        Status = MipMap(Section, MIP_SECTION_PAGES, PAGE_READONLY, &Shared);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipRead(Shared, MIP_SECTION_PAGES);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipMap(Section, MIP_SECTION_PAGES, PAGE_WRITECOPY, &Own);
    }
    return NT_SUCCESS(Status) ? MipWrite(Own, MIP_COPIED_PAGES) : Status;
}

static NTSTATUS MipOpenFile(PHANDLE File)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(MIP_FILE);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return NtOpenFile(File, FILE_READ_DATA | SYNCHRONIZE, &Attributes, &Iosb, FILE_SHARE_READ,
                      FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
}

static NTSTATUS MipMapFile(void)
{
    ULONG_PTR Va = 0;
    HANDLE Section;
    HANDLE File;
    NTSTATUS Status = MipOpenFile(&File);

    if (NT_SUCCESS(Status)) {
        Status = NtCreateSection(&Section, SECTION_MAP_READ, NULL, NULL, PAGE_READONLY, SEC_COMMIT,
                                 File);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipMap(Section, MIP_FILE_PAGES, PAGE_READONLY, &Va);
    }
    return NT_SUCCESS(Status) ? MipRead(Va, MIP_FILE_PAGES) : Status;
}

static NTSTATUS MipReadFile(void)
{
    PUCHAR Buffer = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, MIP_TAG);
    IO_STATUS_BLOCK Iosb;
    HANDLE File;
    ULONG Page;
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    if (Buffer == NULL) {
        return Status;
    }
    Status = MipOpenFile(&File);
    for (Page = 0; Page < MIP_FILE_PAGES && NT_SUCCESS(Status); Page++) {
        Status = NtReadFile(File, NULL, NULL, NULL, &Iosb, Buffer, PAGE_SIZE, NULL, NULL);
    }
    ExFreePoolWithTag(Buffer, MIP_TAG);
    return Status;
}

static NTSTATUS MipUseSessionPool(void)
{
    PVOID Pool = ExAllocatePoolWithTag(PagedPoolSession, MIP_POOL_PAGES * PAGE_SIZE, MIP_TAG);

    MipExample.Pool = Pool;
    if (Pool == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Pool, 0x5A, MIP_POOL_PAGES * PAGE_SIZE);
    return STATUS_SUCCESS;
}

/* ---- the parts ---- */

static void MipDo(PEPROCESS Process, NTSTATUS (*Part)(void), const char *What)
{
    KAPC_STATE ApcState;
    NTSTATUS Status;

    KeStackAttachProcess(&Process->Pcb, &ApcState);
    Status = Part();
    KeUnstackDetachProcess(&ApcState);
    if (!NT_SUCCESS(Status)) {
        MiFail("example: %s: status %08X", What, (ULONG)Status);
    }
}

static NTSTATUS MipMakeProcesses(void)
{
    NTSTATUS Status = MmSessionCreate(&MipExample.SessionId);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    MipExample.Session = TRUE;
    Status = PsCreateSessionProcess("writer", 0, MipExample.SessionId, &MipExample.Writer);
    return NT_SUCCESS(Status)
               ? PsCreateSessionProcess("reader", 0, MipExample.SessionId, &MipExample.Reader)
               : Status;
}

static void MipEndProcess(PEPROCESS *Process)
{
    if (*Process != NULL) {
        PsTerminateProcess(*Process);
        PsDereferenceProcess(*Process);
        *Process = NULL;
    }
}

static void MipEnd(void)
{
    KAPC_STATE ApcState;

    if (MipExample.Pool != NULL) {
        KeStackAttachProcess(&MipExample.Writer->Pcb, &ApcState);
        ExFreePoolWithTag(MipExample.Pool, MIP_TAG);
        KeUnstackDetachProcess(&ApcState);
        MipExample.Pool = NULL;
    }
    if (MipExample.Session) {
        NTSTATUS Status = MmSessionDelete(MipExample.SessionId);

        MI_ASSERT(NT_SUCCESS(Status));
        MipExample.Session = FALSE;
    }
    MipEndProcess(&MipExample.Reader);
    MipEndProcess(&MipExample.Writer);
}

static void MipMake(void)
{
    NTSTATUS Status = MipMakeProcesses();

    if (!NT_SUCCESS(Status)) {
        MiFail("example: its processes cannot be made, status %08X", (ULONG)Status);
        MipEnd();
        return;
    }
    MipDo(MipExample.Writer, MipUsePrivateMemory, "private memory");
    MipDo(MipExample.Writer, MipWriteSection, "a section");
    MipDo(MipExample.Writer, MipMapFile, "a view of C:\\hyperspace.elf");
    MipDo(MipExample.Writer, MipUseSessionPool, "pool of a session");
    MipDo(MipExample.Reader, MipReadSection, "views of the section");
    MipDo(MipExample.Reader, MipReadFile, "C:\\hyperspace.elf, cached");
}

static void MipStart(void)
{
    if (MipExample.Writer == NULL) {
        MipMake();
    }
    if (MipExample.Writer != NULL) {
        MiPrint("To look at: processes writer %p and reader %p, in session %u. .process <address>\n"
                "goes into one; !vad, !wsle, !handle, !ca and !filecache show what there is.\n",
                (PVOID)MipExample.Writer, (PVOID)MipExample.Reader, MipExample.SessionId);
    }
}

/* Whoever calls may be inside one of the two. */
void MiStartExample(void)
{
    MiRunInSystemProcess(MipStart);
}

void MiEndExample(void)
{
    MiRunInSystemProcess(MipEnd);
}

/* ---- the command ---- */

void MiCommandExample(const char *Arguments)
{
    BOOLEAN End = strcmp(Arguments, "end") == 0;

    if (*Arguments != 0 && !End) {
        MiFail("example, or example end");
    } else if (MiCommandNeedsProcesses()) {
        (End ? MiEndExample : MiStartExample)();
        MiPrint("%s", End ? "The example's processes have ended.\n" : "");
    }
}
