/* SPDX-License-Identifier: MIT */
/*
 * report_mapped.c - the boot's report about a file that two processes map.
 *
 * It is written past the cache, so that its pages are on the disk alone; then
 *
 *     one process reads it through a view, and writes to every other page of that
 *     another one finds what it wrote, in the same frames
 *     a flush writes those pages, and no others; NtReadFile finds them
 *     nobody maps it, and it is closed: its pages are on standby, and the next section has them
 *     their frames are reused: it is read again
 *
 * What each page holds says which page it is of, and which version.
 */
#include "ex.h"
#include "io_services.h"
#include "mi_assert.h"
#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/inspect/page_out.h"
#include "mm/inspect/paging_stamp.h"
#include "mm/inspect/report_files.h"
#include "mm/ob/object.h"
#include "mm/section/file_write.h"
#include "mm/section/mapped_writer.h"
#include "mm/space/process.h"
#include "mm/ws/wsle.h"
#include "mm_section.h"
#include "report.h"
#include "rtl.h"

#define MIP_TAG   0x4D705252u /* 'RRpM' */
#define MIP_NAME  u"\\??\\C:\\mapped.tmp"
#define MIP_PAGES 64u
#define MIP_SEED  0x7070616Du
#define MIP_SIDES 2u

typedef struct _MIP_MAPPED {
    HANDLE File; /* the first process' */
    PVOID Section;
    PEPROCESS Process[MIP_SIDES];
    ULONG_PTR Va[MIP_SIDES]; /* 0: no view */
    NTSTATUS Status;         /* of the first step that failed */
    NTSTATUS Made;           /* of writing the file, before anybody maps it */
    ULONG Wrong;             /* pages, of all that were looked at */
    ULONG Reads;             /* of the file, for the first look */
    ULONG Read;              /* pages */
    ULONG Others;            /* pages that the second process read from the file: none */
    ULONG Writes;            /* of the flush */
    ULONG Written;           /* pages */
    ULONG Again;             /* pages read when it was opened again: none */
    ULONG Reused;            /* frames */
    ULONG Back;              /* pages read after that */
} MIP_MAPPED, *PMIP_MAPPED;

static PULONG MipPage; /* a page of paged pool: contents on their way, as a disk wants them */

static MI_STAMP MipStamp(ULONG Page, ULONG Version)
{
    return (MI_STAMP){Page * PAGE_SIZE, Version, MIP_SEED};
}

/* Version 2 is what a view wrote: of every other page. */
static ULONG MipVersion(ULONG Page, BOOLEAN Written)
{
    return Written && Page % 2 != 0 ? 2 : 1;
}

/* ---- the file ---- */

static NTSTATUS MipOpen(PMIP_MAPPED Mapped, ULONG Disposition, ULONG Options)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(MIP_NAME);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return NtCreateFile(&Mapped->File, FILE_READ_DATA | FILE_WRITE_DATA | DELETE | SYNCHRONIZE,
                        &Attributes, &Iosb, NULL, FILE_ATTRIBUTE_NORMAL, 0, Disposition,
                        FILE_SYNCHRONOUS_IO_NONALERT | FILE_NO_INTERMEDIATE_BUFFERING | Options,
                        NULL, 0);
}

static NTSTATUS MipWriteFile(const MIP_MAPPED *Mapped)
{
    NTSTATUS Status = STATUS_SUCCESS;
    IO_STATUS_BLOCK Iosb;
    ULONG Page;

    for (Page = 0; Page < MIP_PAGES && NT_SUCCESS(Status); Page++) {
        LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Page * PAGE_SIZE};

        MiStampPage(MipPage, MipStamp(Page, 1));
        Status =
            NtWriteFile(Mapped->File, NULL, NULL, NULL, &Iosb, MipPage, PAGE_SIZE, &Offset, NULL);
    }
    return Status;
}

/* By bytes: what views have written counts. */
static NTSTATUS MipCompareFile(PMIP_MAPPED Mapped)
{
    NTSTATUS Status = STATUS_SUCCESS;
    IO_STATUS_BLOCK Iosb;
    ULONG Page;

    for (Page = 0; Page < MIP_PAGES && NT_SUCCESS(Status); Page++) {
        LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Page * PAGE_SIZE};

        Status =
            NtReadFile(Mapped->File, NULL, NULL, NULL, &Iosb, MipPage, PAGE_SIZE, &Offset, NULL);
        Mapped->Wrong += !MiIsPageStamped(MipPage, MipStamp(Page, MipVersion(Page, TRUE)));
    }
    return Status;
}

/* ---- views; of the running process ---- */

static NTSTATUS MipMakeSection(PMIP_MAPPED Mapped)
{
    return MmCreateSection(&Mapped->Section, SECTION_ALL_ACCESS, NULL, NULL, PAGE_READWRITE,
                           SEC_COMMIT, Mapped->File, NULL);
}

static NTSTATUS MipMap(PMIP_MAPPED Mapped, ULONG Side)
{
    PVOID Base = NULL;
    SIZE_T Bytes = 0;
    NTSTATUS Status = MmMapViewOfSection(Mapped->Section, Mapped->Process[Side], &Base, 0, 0, NULL,
                                         &Bytes, ViewUnmap, 0, PAGE_READWRITE);

    Mapped->Va[Side] = NT_SUCCESS(Status) ? (ULONG_PTR)Base : 0;
    return Status;
}

static void MipUnmap(PMIP_MAPPED Mapped, ULONG Side)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Mapped->Va[Side] != 0) {
        Status = MmUnmapViewOfSection(Mapped->Process[Side], (PVOID)Mapped->Va[Side]);
    }
    MI_ASSERT(NT_SUCCESS(Status));
    Mapped->Va[Side] = 0;
}

/* => Pages that were read from the file for it; *Reads: by how many reads. */
static ULONG MipReadView(PMIP_MAPPED Mapped, ULONG Side, BOOLEAN Written, PULONG Reads)
{
    MI_FAULT_COUNTERS Before = MiFaultCounters;
    ULONG Page;

    for (Page = 0; Page < MIP_PAGES; Page++) {
        const void *Va = (const void *)(Mapped->Va[Side] + Page * PAGE_SIZE);

        Mapped->Wrong += !NT_SUCCESS(MmCopyFromUser(MipPage, Va, PAGE_SIZE, NULL)) ||
                         !MiIsPageStamped(MipPage, MipStamp(Page, MipVersion(Page, Written)));
    }
    *Reads = MiFaultCounters.MappedFileReads - Before.MappedFileReads;
    return MiFaultCounters.MappedPagesRead - Before.MappedPagesRead;
}

static void MipWriteView(PMIP_MAPPED Mapped)
{
    ULONG Page;

    for (Page = 1; Page < MIP_PAGES; Page += 2) {
        PVOID Va = (PVOID)(Mapped->Va[0] + Page * PAGE_SIZE);

        MiStampPage(MipPage, MipStamp(Page, 2));
        Mapped->Wrong += !NT_SUCCESS(MmCopyToUser(Va, MipPage, PAGE_SIZE, NULL));
    }
}

/* ---- the steps ---- */

static void MipEnter(const MIP_MAPPED *Mapped, ULONG Side, PRKAPC_STATE State)
{
    KeUnstackDetachProcess(State);
    KeStackAttachProcess(&Mapped->Process[Side]->Pcb, State);
}

/* Both processes see one file. */
static NTSTATUS MipShare(PMIP_MAPPED Mapped, PRKAPC_STATE State)
{
    NTSTATUS Status = MipMap(Mapped, 0);
    ULONG Reads;

    if (NT_SUCCESS(Status)) {
        Status = MipMap(Mapped, 1);
    }
    if (NT_SUCCESS(Status)) {
        Mapped->Read = MipReadView(Mapped, 0, FALSE, &Mapped->Reads);
        MipWriteView(Mapped);
        MipEnter(Mapped, 1, State);
        Mapped->Others = MipReadView(Mapped, 1, TRUE, &Reads);
        MipEnter(Mapped, 0, State);
    }
    return Status;
}

/* From memory to the disk. */
static NTSTATUS MipFlush(PMIP_MAPPED Mapped)
{
    MI_FILE_WRITE_FIGURES Before = MiFileWriteFigures;
    PVOID Base = (PVOID)Mapped->Va[0];
    SIZE_T Bytes = 0;
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status = NtFlushVirtualMemory(NtCurrentProcess(), &Base, &Bytes, &Iosb);

    Mapped->Writes = MiFileWriteFigures.Writes - Before.Writes;
    Mapped->Written = MiFileWriteFigures.Pages - Before.Pages;
    return NT_SUCCESS(Status) ? MipCompareFile(Mapped) : Status;
}

static void MipLetGo(PMIP_MAPPED Mapped)
{
    ULONG Side;

    for (Side = 0; Side < MIP_SIDES; Side++) {
        MipUnmap(Mapped, Side);
    }
    if (Mapped->Section != NULL) {
        ObDereferenceObject(Mapped->Section);
        Mapped->Section = NULL;
    }
}

/* What the process has comes from the lists when it is touched again. */
static void MipTrim(void)
{
    PEPROCESS Process = PsGetCurrentProcess();

    MiLockAddressSpace(Process);
    (void)MiTrimWorkingSet(&Process->Vm, Process->Vm.WorkingSetSize, 0);
    MiUnlockAddressSpace(Process);
}

/* => Nobody has used it since MipLetGo. */
static NTSTATUS MipOpenAgain(PMIP_MAPPED Mapped)
{
    NTSTATUS Status = NtClose(Mapped->File);
    ULONG Reads;

    Mapped->File = NULL;
    if (NT_SUCCESS(Status)) {
        Status = MipOpen(Mapped, FILE_OPEN, FILE_DELETE_ON_CLOSE);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipMakeSection(Mapped);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipMap(Mapped, 0);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Mapped->Again = MipReadView(Mapped, 0, TRUE, &Reads);
    MipTrim();
    Status = MiFlushMappedPages();
    if (NT_SUCCESS(Status)) {
        Mapped->Reused = MiReuseStandbyFrames();
        Mapped->Back = MipReadView(Mapped, 0, TRUE, &Reads);
    }
    return Status;
}

/* In the first process. */
static NTSTATUS MipUse(PMIP_MAPPED Mapped, PRKAPC_STATE State)
{
    NTSTATUS Status = MipOpen(Mapped, FILE_OVERWRITE_IF, 0);

    if (NT_SUCCESS(Status)) {
        Status = MipWriteFile(Mapped);
    }
    Mapped->Made = Status;
    if (NT_SUCCESS(Status)) {
        Status = MipMakeSection(Mapped);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipShare(Mapped, State);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipFlush(Mapped);
    }
    if (NT_SUCCESS(Status)) {
        MipLetGo(Mapped);
        Status = MipOpenAgain(Mapped);
    }
    return Status;
}

/* Whatever happened, the file is gone if that can be. */
static void MipDelete(PMIP_MAPPED Mapped)
{
    FILE_DISPOSITION_INFORMATION Disposition = {.DeleteFile = TRUE};
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status;

    MipLetGo(Mapped);
    if (Mapped->File == NULL) {
        return;
    }
    Status = NtSetInformationFile(Mapped->File, &Iosb, &Disposition, sizeof(Disposition),
                                  FileDispositionInformation);
    Mapped->Status = NT_SUCCESS(Mapped->Status) ? Status : Mapped->Status;
    Status = NtClose(Mapped->File);
    Mapped->Status = NT_SUCCESS(Mapped->Status) ? Status : Mapped->Status;
}

static void MipRun(PMIP_MAPPED Mapped)
{
    KAPC_STATE State;
    ULONG Side;

    for (Side = 0; Side < MIP_SIDES; Side++) {
        Mapped->Status = PsCreateProcess("mapper", &Mapped->Process[Side]);
        if (!NT_SUCCESS(Mapped->Status)) {
            return;
        }
    }
    KeStackAttachProcess(&Mapped->Process[0]->Pcb, &State);
    Mapped->Status = MipUse(Mapped, &State);
    MipDelete(Mapped);
    KeUnstackDetachProcess(&State);
}

/* ---- the lines ---- */

static void MipSay(const MIP_MAPPED *Mapped)
{
    KiReport(
        NT_SUCCESS(Mapped->Status) && Mapped->Wrong == 0 && Mapped->Read == MIP_PAGES &&
            Mapped->Reads < MIP_PAGES && Mapped->Others == 0 && Mapped->Written == MIP_PAGES / 2,
        "mapped file: %u pages came by %u reads; what one process wrote another found without "
        "one; flushed: %u pages by %u writes, and NtReadFile found them; %u wrong; status %08x",
        Mapped->Read, Mapped->Reads, Mapped->Written, Mapped->Writes, Mapped->Wrong,
        (ULONG)Mapped->Status);
    KiReport(NT_SUCCESS(Mapped->Status) && Mapped->Wrong == 0 && Mapped->Again == 0 &&
                 Mapped->Reused >= MIP_PAGES && Mapped->Back == MIP_PAGES,
             "mapped file: closed and opened again, %u of %u pages were read, the others were on "
             "standby; %u frames reused, then %u pages were read; %u wrong",
             Mapped->Again, MIP_PAGES, Mapped->Reused, Mapped->Back, Mapped->Wrong);
}

void MiReportMappedFile(void)
{
    MIP_MAPPED Mapped = {.Status = STATUS_INSUFFICIENT_RESOURCES};
    ULONG Side;

    MipPage = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, MIP_TAG);
    if (MipPage != NULL) {
        MipRun(&Mapped);
        ExFreePoolWithTag(MipPage, MIP_TAG);
    }
    for (Side = 0; Side < MIP_SIDES; Side++) {
        if (Mapped.Process[Side] != NULL) {
            PsTerminateProcess(Mapped.Process[Side]);
            PsDereferenceProcess(Mapped.Process[Side]);
        }
    }
    if (!MiReportCannotChange("mapped file", Mapped.Made)) {
        MipSay(&Mapped);
    }
}
