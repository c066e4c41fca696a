/* SPDX-License-Identifier: MIT */
/*
 * files_work.c - what the two processes of the files run do with their file.
 *
 * Each page of the file is stamped with its offset and a version; which pages get a later version,
 * and by which way, follows from the seed (MiFilesVersion), so that each side, and the host
 * afterwards, knows what every page has to be.
 *
 *     version   pages                            written by
 *     1         all                              NtWriteFile, side 0
 *     2         every other one, by chance       views; even pages by side 0, odd ones by side 1
 *     3         one in sixteen, by chance        NtWriteFile, side 0, beside views of side 1
 *     10 + n    every other one of two views     copy-on-write views of side n; nobody else sees it
 *
 * Where errors are expected a call that fails is counted and made again: whatever succeeded in the
 * end has to be whole.
 *
 * Locking: none; a step has its side for itself, and the steps of both sides that run at one time
 * write to different pages.
 */
#include "mm/inspect/files_work.h"

#include "ex.h"
#include "io_services.h"
#include "mi_assert.h"
#include "mm/space/process.h"
#include "mm_section.h"
#include "report.h"
#include "rtl.h"

#define MIP_FILE           u"\\??\\C:\\files.dat"
#define MIP_SECTION        u"\\BaseNamedObjects\\files"
#define MIP_PIECE_PAGES    (MI_FILES_PIECE / PAGE_SIZE)
#define MIP_STEP           7u  /* between pages that are visited one after another; odd: all are */
#define MIP_PRIVATE        10u /* version of side 0's copies */
#define MIP_WRONG_TO_PRINT 8u
#define MIP_MOST_TRIES     100u
#define MIP_PAUSE          (-200000) /* 20 ms, in units of 100 ns */

/* ---- pages ---- */

static ULONG MipMix(ULONG Seed, ULONG Page)
{
    ULONG x = Seed + Page * 0x9E3779B1u;

    x = (x ^ x >> 15) * 0x85EBCA6Bu;
    return x ^ x >> 13;
}

ULONG MiFilesVersion(ULONG Seed, ULONG Page, MI_FILES_STAGE Stage)
{
    ULONG Chance = MipMix(Seed, Page);

    if (Stage >= MiFilesRewritten && Chance / 2 % 16 == 0) {
        return 3;
    }
    return Stage >= MiFilesMapped && Chance % 2 == 0 ? 2 : 1;
}

static MI_STAMP MipStamp(const MI_FILES_WORK *Work, ULONG Page, ULONG Version)
{
    return (MI_STAMP){Page * PAGE_SIZE, Version, Work->Seed};
}

static void MipCheck(PMI_FILES_WORK Work, const void *Data, ULONG Page, ULONG Version)
{
    Work->Checked++;
    if (!MiIsPageStamped(Data, MipStamp(Work, Page, Version))) {
        Work->Wrong++;
        if (Work->Wrong <= MIP_WRONG_TO_PRINT) {
            MiDescribeWrongPage("files", Data, MipStamp(Work, Page, Version));
        }
    }
}

/* ---- calls that may fail ---- */

/* => TRUE: the call is to be made again. */
static BOOLEAN MipIsAgain(PMI_FILES_WORK Work, NTSTATUS Status, PULONG Tries)
{
    LARGE_INTEGER Pause = {.QuadPart = MIP_PAUSE};

    if (NT_SUCCESS(Status)) {
        return FALSE;
    }
    Work->Failures++;
    if (!Work->Errors || ++*Tries == MIP_MOST_TRIES) {
        return FALSE;
    }
    (void)KeDelayExecutionThread(KernelMode, FALSE, &Pause);
    return TRUE;
}

static NTSTATUS MipOpen(PMI_FILES_WORK Work, ULONG Disposition, ULONG Options, PHANDLE File)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(MIP_FILE);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status;
    ULONG Tries = 0;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    do {
        Status =
            NtCreateFile(File, FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE, &Attributes, &Iosb,
                         NULL, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ | FILE_SHARE_WRITE,
                         Disposition, FILE_SYNCHRONOUS_IO_NONALERT | Options, NULL, 0);
    } while (MipIsAgain(Work, Status, &Tries));
    return Status;
}

static NTSTATUS MipWriteAt(PMI_FILES_WORK Work, ULONG Page, ULONG Pages)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Page * PAGE_SIZE};
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status;
    ULONG Tries = 0;

    do {
        Status = NtWriteFile(Work->File, NULL, NULL, NULL, &Iosb, Work->Piece, Pages * PAGE_SIZE,
                             &Offset, NULL);
    } while (MipIsAgain(Work, Status, &Tries));
    Work->Stamped += NT_SUCCESS(Status) ? Pages : 0;
    return Status;
}

static NTSTATUS MipReadAt(PMI_FILES_WORK Work, HANDLE File, ULONG Page, ULONG Pages)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Page * PAGE_SIZE};
    IO_STATUS_BLOCK Iosb = {.Information = 0};
    NTSTATUS Status;
    ULONG Tries = 0;

    memset(Work->Piece, 0xA5, Pages * PAGE_SIZE);
    do {
        Status = NtReadFile(File, NULL, NULL, NULL, &Iosb, Work->Piece, Pages * PAGE_SIZE, &Offset,
                            NULL);
    } while (MipIsAgain(Work, Status, &Tries));
    return NT_SUCCESS(Status) && Iosb.Information != Pages * PAGE_SIZE ? STATUS_END_OF_FILE
                                                                       : Status;
}

/* ---- the file by bytes ---- */

NTSTATUS MiFilesWrite(PMI_FILES_WORK Work)
{
    NTSTATUS Status = MipOpen(Work, FILE_OVERWRITE_IF, 0, &Work->File);
    ULONG Page;
    ULONG i;

    for (Page = 0; Page < Work->Pages && NT_SUCCESS(Status); Page += MIP_PIECE_PAGES) {
        for (i = 0; i < MIP_PIECE_PAGES; i++) {
            MiStampPage((PULONG)(PVOID)(Work->Piece + i * PAGE_SIZE), MipStamp(Work, Page + i, 1));
        }
        Status = MipWriteAt(Work, Page, MIP_PIECE_PAGES);
    }
    return Status;
}

static NTSTATUS MipReadAll(PMI_FILES_WORK Work, HANDLE File)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Page;
    ULONG i;

    for (Page = 0; Page < Work->Pages && NT_SUCCESS(Status); Page += MIP_PIECE_PAGES) {
        Status = MipReadAt(Work, File, Page, MIP_PIECE_PAGES);
        for (i = 0; i < MIP_PIECE_PAGES && NT_SUCCESS(Status); i++) {
            MipCheck(Work, Work->Piece + i * PAGE_SIZE, Page + i,
                     MiFilesVersion(Work->Seed, Page + i, Work->Stage));
        }
    }
    return Status;
}

NTSTATUS MiFilesRead(PMI_FILES_WORK Work)
{
    NTSTATUS Status =
        Work->File == NULL ? MipOpen(Work, FILE_OPEN, 0, &Work->File) : STATUS_SUCCESS;

    return NT_SUCCESS(Status) ? MipReadAll(Work, Work->File) : Status;
}

NTSTATUS MiFilesUncached(PMI_FILES_WORK Work)
{
    HANDLE File = NULL;
    NTSTATUS Status = MipOpen(Work, FILE_OPEN, FILE_NO_INTERMEDIATE_BUFFERING, &File);
    NTSTATUS Closed;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MipReadAll(Work, File);
    Closed = NtClose(File);
    return NT_SUCCESS(Status) ? Closed : Status;
}

NTSTATUS MiFilesRewrite(PMI_FILES_WORK Work)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Page;

    for (Page = 0; Page < Work->Pages && NT_SUCCESS(Status); Page++) {
        ULONG Version = MiFilesVersion(Work->Seed, Page, MiFilesRewritten);

        if (Version == 3) {
            MiStampPage((PULONG)(PVOID)Work->Piece, MipStamp(Work, Page, Version));
            Status = MipWriteAt(Work, Page, 1);
        }
    }
    return Status;
}

NTSTATUS MiFilesFlush(PMI_FILES_WORK Work)
{
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status;
    ULONG Tries = 0;

    do {
        Status = NtFlushBuffersFile(Work->File, &Iosb);
    } while (MipIsAgain(Work, Status, &Tries));
    return Status;
}

/* ---- the file by views ---- */

NTSTATUS MiFilesShare(PMI_FILES_WORK Work)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(MIP_SECTION);
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (Work->Side == 0) {
        return NtCreateSection(&Work->Section, SECTION_ALL_ACCESS, &Attributes, NULL,
                               PAGE_READWRITE, SEC_COMMIT, Work->File);
    }
    return NtOpenSection(&Work->Section, SECTION_MAP_READ | SECTION_MAP_WRITE, &Attributes);
}

static NTSTATUS MipMap(PMI_FILES_WORK Work, ULONG Page, ULONG Pages, ULONG Protect, PULONG_PTR Va)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Page * PAGE_SIZE};
    SIZE_T Bytes = Pages * PAGE_SIZE;
    PVOID Base = NULL;
    NTSTATUS Status = NtMapViewOfSection(Work->Section, NtCurrentProcess(), &Base, 0, 0, &Offset,
                                         &Bytes, ViewUnmap, 0, Protect);

    *Va = (ULONG_PTR)Base;
    return Status;
}

static NTSTATUS MipUnmap(ULONG_PTR Va, NTSTATUS Status)
{
    NTSTATUS Unmapped = NtUnmapViewOfSection(NtCurrentProcess(), (PVOID)Va);

    return NT_SUCCESS(Status) ? Unmapped : Status;
}

static NTSTATUS MipReadPage(PMI_FILES_WORK Work, ULONG_PTR Va, ULONG Page, ULONG Version)
{
    NTSTATUS Status;
    ULONG Tries = 0;

    do {
        Status = MmCopyFromUser(Work->Piece, (const void *)Va, PAGE_SIZE, NULL);
    } while (MipIsAgain(Work, Status, &Tries));
    if (NT_SUCCESS(Status)) {
        MipCheck(Work, Work->Piece, Page, Version);
    }
    return Status;
}

static NTSTATUS MipWritePage(PMI_FILES_WORK Work, ULONG_PTR Va, ULONG Page, ULONG Version)
{
    NTSTATUS Status;
    ULONG Tries = 0;

    MiStampPage((PULONG)(PVOID)Work->Piece, MipStamp(Work, Page, Version));
    do {
        Status = MmCopyToUser((PVOID)Va, Work->Piece, PAGE_SIZE, NULL);
    } while (MipIsAgain(Work, Status, &Tries));
    Work->Stamped += NT_SUCCESS(Status);
    return Status;
}

/* A page that is this side's to write: as it was, then as it is to be. */
static NTSTATUS MipChangePage(PMI_FILES_WORK Work, ULONG_PTR Va, ULONG Page)
{
    NTSTATUS Status;

    if (Page % MI_FILES_SIDES != Work->Side) {
        return STATUS_SUCCESS;
    }
    Status = MipReadPage(Work, Va, Page, 1);
    if (NT_SUCCESS(Status) && MiFilesVersion(Work->Seed, Page, MiFilesMapped) == 2) {
        Status = MipWritePage(Work, Va, Page, 2);
    }
    return Status;
}

static NTSTATUS MipComparePage(PMI_FILES_WORK Work, ULONG_PTR Va, ULONG Page)
{
    return MipReadPage(Work, Va, Page, MiFilesVersion(Work->Seed, Page, Work->Stage));
}

typedef NTSTATUS MIP_VISIT(PMI_FILES_WORK Work, ULONG_PTR Va, ULONG Page);

static NTSTATUS MipVisitView(PMI_FILES_WORK Work, ULONG First, MIP_VISIT *Visit)
{
    ULONG_PTR Va;
    NTSTATUS Status = MipMap(Work, First, MI_FILES_VIEW_PAGES, PAGE_READWRITE, &Va);
    ULONG i;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (i = 0; i < MI_FILES_VIEW_PAGES && NT_SUCCESS(Status); i++) {
        ULONG Page = i * MIP_STEP % MI_FILES_VIEW_PAGES;

        Status = Visit(Work, Va + Page * PAGE_SIZE, First + Page);
    }
    return MipUnmap(Va, Status);
}

/* Side 0 begins at the file's beginning, side 1 at its end: they meet. */
static NTSTATUS MipVisitAll(PMI_FILES_WORK Work, MIP_VISIT *Visit)
{
    ULONG Views = Work->Pages / MI_FILES_VIEW_PAGES;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    for (i = 0; i < Views && NT_SUCCESS(Status); i++) {
        ULONG View = Work->Side == 0 ? i : Views - 1 - i;

        Status = MipVisitView(Work, View * MI_FILES_VIEW_PAGES, Visit);
    }
    return Status;
}

NTSTATUS MiFilesMapWrite(PMI_FILES_WORK Work)
{
    return MipVisitAll(Work, MipChangePage);
}

NTSTATUS MiFilesMapRead(PMI_FILES_WORK Work)
{
    return MipVisitAll(Work, MipComparePage);
}

/* ---- copy-on-write ---- */

static NTSTATUS MipCopyPages(PMI_FILES_WORK Work, ULONG_PTR Va)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Page;

    for (Page = 0; Page < MI_FILES_LEAST_PAGES && NT_SUCCESS(Status); Page += 2) {
        Status = MipComparePage(Work, Va + Page * PAGE_SIZE, Page);
        if (NT_SUCCESS(Status)) {
            Status = MipWritePage(Work, Va + Page * PAGE_SIZE, Page, MIP_PRIVATE + Work->Side);
        }
    }
    return Status;
}

static NTSTATUS MipCompareCopies(PMI_FILES_WORK Work, ULONG_PTR Va)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Page;

    for (Page = 0; Page < MI_FILES_LEAST_PAGES && NT_SUCCESS(Status); Page++) {
        Status = Page % 2 == 0
                     ? MipReadPage(Work, Va + Page * PAGE_SIZE, Page, MIP_PRIVATE + Work->Side)
                     : MipComparePage(Work, Va + Page * PAGE_SIZE, Page);
    }
    return Status;
}

/* The whole file goes by while the copies wait. */
NTSTATUS MiFilesCopy(PMI_FILES_WORK Work)
{
    ULONG_PTR Va;
    NTSTATUS Status = MipMap(Work, 0, MI_FILES_LEAST_PAGES, PAGE_WRITECOPY, &Va);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MipCopyPages(Work, Va);
    if (NT_SUCCESS(Status)) {
        Status = MiFilesRead(Work);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipCompareCopies(Work, Va);
    }
    return MipUnmap(Va, Status);
}

/* ---- a side ---- */

NTSTATUS MiFilesClose(PMI_FILES_WORK Work)
{
    NTSTATUS Status = Work->Section == NULL ? STATUS_SUCCESS : NtClose(Work->Section);
    NTSTATUS Closed = Work->File == NULL ? STATUS_SUCCESS : NtClose(Work->File);

    Work->Section = NULL;
    Work->File = NULL;
    return NT_SUCCESS(Status) ? Closed : Status;
}

void NTAPI MiDoFilesWork(PVOID Context)
{
    PMI_FILES_WORK Work = Context;
    KAPC_STATE State;

    KeStackAttachProcess(&Work->Process->Pcb, &State);
    Work->Status = Work->Step(Work);
    KeUnstackDetachProcess(&State);
    KeSetEvent(&Work->Done, IO_NO_INCREMENT, FALSE);
}

NTSTATUS MiCreateFilesWork(ULONG Side, ULONG Pages, ULONG Seed, BOOLEAN Errors,
                           PMI_FILES_WORK *Created)
{
    PMI_FILES_WORK Work = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Work), MI_FILES_TAG);
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    MI_ASSERT(Pages >= MI_FILES_LEAST_PAGES && Pages % MI_FILES_VIEW_PAGES == 0);
    *Created = NULL;
    if (Work == NULL) {
        return Status;
    }
    *Work = (MI_FILES_WORK){.Side = Side, .Pages = Pages, .Seed = Seed, .Errors = Errors};
    KeInitializeEvent(&Work->Done, SynchronizationEvent, FALSE);
    Work->Piece = ExAllocatePoolWithTag(PagedPool, MI_FILES_PIECE, MI_FILES_TAG);
    if (Work->Piece == NULL) {
        goto FreeWork;
    }
    Status = PsCreateProcess("files", &Work->Process);
    if (!NT_SUCCESS(Status)) {
        goto FreePiece;
    }
    *Created = Work;
    return STATUS_SUCCESS;

FreePiece:
    ExFreePoolWithTag(Work->Piece, MI_FILES_TAG);
FreeWork:
    ExFreePoolWithTag(Work, MI_FILES_TAG);
    return Status;
}

void MiDeleteFilesWork(PMI_FILES_WORK Work)
{
    PsTerminateProcess(Work->Process);
    PsDereferenceProcess(Work->Process);
    ExFreePoolWithTag(Work->Piece, MI_FILES_TAG);
    ExFreePoolWithTag(Work, MI_FILES_TAG);
}
