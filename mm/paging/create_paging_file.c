/* SPDX-License-Identifier: MIT */
/*
 * create_paging_file.c - a file of the boot volume becomes a paging file.
 *
 *     on the disk                 what happens
 *     no such file                made, hidden and system, contiguous where possible, not cleared
 *     one of another size         cut or made longer: to the smallest size, as documented: what the
 *                                 file grew by does not last
 *     one that is right           used as it is
 *
 * Its contents are nobody's: what a machine paged out is void at the next start.  A file that could
 * not be made as it should be, and was not there before, is deleted again.
 */
#include "mm/paging/paging_file.h"

#include "ex.h"
#include "mm/paging/slots.h"
#include "mm/pfn/commit.h"
#include "report.h"
#include "rtl.h"

#define MIP_FIRST_LETTER 3u /* of a path, behind "C:\" */

ULONG MmNumberOfPagingFiles;
PMMPAGING_FILE MmPagingFile[MAX_PAGE_FILES];
MI_PAGING_TRIAL MiPagingTrials[MAX_PAGE_FILES];

void MiForgetPagingFiles(void)
{
    MmNumberOfPagingFiles = 0;
}

/* => Returns the last file, which is in the list no more; NULL: there is none. */
static PMMPAGING_FILE MipRemoveLast(void)
{
    PMMPAGING_FILE Last = NULL;
    KIRQL OldIrql = MiLockPfn();

    if (MmNumberOfPagingFiles != 0) {
        Last = MmPagingFile[--MmNumberOfPagingFiles];
        MiLowerCommitMaximum((ULONG)MiGrowthRoom(Last)); /* S5 */
    }
    MiUnlockPfn(OldIrql);
    return Last;
}

static void MipInsertLast(PMMPAGING_FILE Paging)
{
    KIRQL OldIrql = MiLockPfn();

    MmPagingFile[MmNumberOfPagingFiles++] = Paging;
    MiRaiseCommitLimit((ULONG)Paging->Size - 1);
    MiRaiseCommitMaximum((ULONG)MiGrowthRoom(Paging)); /* S5 */
    MiUnlockPfn(OldIrql);
}

void MiClosePagingFiles(void)
{
    PMMPAGING_FILE File;

    while ((File = MipRemoveLast()) != NULL) {
        ULONG Slots = (ULONG)(File->Size - 1 - File->BadSpace) + File->Unbacked;
        ULONG Lowered = MiLowerCommitLimit(Slots);

        MI_ASSERT(Lowered == Slots);
        MiDeleteSlots(File);
        IoCloseFile(File->File);
        ExFreePoolWithTag(File, MI_PAGING_FILE_TAG);
    }
}

static NTSTATUS MipCheckSetting(const MI_PAGING_FILE_SETTING *Setting)
{
    ULONG i;

    if (MmNumberOfPagingFiles == MAX_PAGE_FILES) {
        return STATUS_TOO_MANY_PAGING_FILES;
    }
    if (Setting->Name[0] == 0 || Setting->Name[MIP_FIRST_LETTER] == 0) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if (Setting->MinimumPages < MI_LEAST_PAGING_PAGES ||
        Setting->MinimumPages > MI_MOST_PAGING_PAGES) {
        return STATUS_INVALID_PARAMETER_2;
    }
    if (Setting->MaximumPages < Setting->MinimumPages ||
        Setting->MaximumPages > MI_MOST_PAGING_PAGES) {
        return STATUS_INVALID_PARAMETER_3;
    }
    for (i = 0; i < MmNumberOfPagingFiles; i++) {
        if (RtlCompareText(MmPagingFile[i]->PageFileName, Setting->Name, MI_PAGING_NAME_BYTES) ==
            0) {
            return STATUS_SHARING_VIOLATION;
        }
    }
    return STATUS_SUCCESS;
}

NTSTATUS MiQueryPagingFile(PDEVICE_OBJECT Volume, const char *Path, PULONG64 Bytes)
{
    PFILE_OBJECT File;
    NTSTATUS Status =
        IoOpenFile(Volume, Path, FILE_READ_DATA, FILE_OPEN, FILE_NON_DIRECTORY_FILE, &File);

    if (NT_SUCCESS(Status)) {
        Status = IoQueryFileSize(File, Bytes);
        IoCloseFile(File);
    }
    return Status;
}

static NTSTATUS MipCut(PDEVICE_OBJECT Volume, const char *Path, ULONG64 Bytes)
{
    PFILE_OBJECT File;
    NTSTATUS Status = IoOpenFile(Volume, Path, FILE_READ_DATA | FILE_WRITE_DATA, FILE_OPEN,
                                 FILE_NON_DIRECTORY_FILE, &File);

    if (NT_SUCCESS(Status)) {
        Status = IoSetFileSize(File, Bytes);
        IoCloseFile(File);
    }
    return Status;
}

/* => STATUS_FILE_CORRUPT_ERROR: it cannot be one. */
static NTSTATUS MipDescribeFile(PDEVICE_OBJECT Volume, PMMPAGING_FILE Paging)
{
    FILE_PAGING_RUNS Runs;
    ULONG64 Bytes = 0;
    NTSTATUS Status = IoQueryFileSize(Paging->File, &Bytes);

    if (NT_SUCCESS(Status)) {
        Status = IoQueryPagingRuns(Paging->File, &Runs);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Runs.Runs > MI_MOST_PAGING_RUNS) {
        return STATUS_FILE_CORRUPT_ERROR;
    }
    Paging->Runs = Runs.Runs;
    Paging->Size = (PFN_NUMBER)(Bytes / PAGE_SIZE);
    Paging->FirstSector = Runs.FirstSector;
    MiTryPagingFile(Volume, Paging, &MiPagingTrials[MmNumberOfPagingFiles]);
    Status = MiPagingTrials[MmNumberOfPagingFiles].Status;
    return NT_SUCCESS(Status) && MiPagingTrials[MmNumberOfPagingFiles].Wrong != 0
               ? STATUS_FILE_CORRUPT_ERROR
               : Status;
}

/* Open it with the right size, for good, and bring the volume to order behind that. */
static NTSTATUS MipOpen(PDEVICE_OBJECT Volume, const MI_PAGING_FILE_SETTING *Setting,
                        PMMPAGING_FILE Paging)
{
    ULONG64 Bytes = (ULONG64)Setting->MinimumPages * PAGE_SIZE;
    NTSTATUS Status = IoOpenPagingFile(Volume, MiPagingFilePath(Setting), Bytes, &Paging->File);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoFlushFile(Paging->File);
    if (NT_SUCCESS(Status)) {
        Status = MipDescribeFile(Volume, Paging);
    }
    if (NT_SUCCESS(Status)) {
        Status = MiCreateSlots(Paging);
    }
    if (!NT_SUCCESS(Status)) {
        IoCloseFile(Paging->File);
    }
    return Status;
}

static void MipDelete(PDEVICE_OBJECT Volume, const MI_PAGING_FILE_SETTING *Setting)
{
    NTSTATUS Status = IoDeleteFile(Volume, MiPagingFilePath(Setting));

    if (!NT_SUCCESS(Status) && Status != STATUS_OBJECT_NAME_NOT_FOUND &&
        Status != STATUS_OBJECT_PATH_NOT_FOUND) {
        KiPrint("Page file  %s was not finished and cannot be deleted, status %08x\n",
                Setting->Name, (ULONG)Status);
    }
}

/* The file as it should be; one that was not there before and failed is gone again. */
static NTSTATUS MipMake(PDEVICE_OBJECT Volume, const MI_PAGING_FILE_SETTING *Setting,
                        PMMPAGING_FILE Paging)
{
    ULONG64 Bytes = (ULONG64)Setting->MinimumPages * PAGE_SIZE;
    const char *Path = MiPagingFilePath(Setting);
    ULONG64 Before = 0;
    NTSTATUS Status = MiQueryPagingFile(Volume, Path, &Before);
    BOOLEAN Existed = NT_SUCCESS(Status);

    if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
        Status = STATUS_SUCCESS;
    }
    if (NT_SUCCESS(Status) && Before > Bytes) {
        Status = MipCut(Volume, Path, Bytes);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MipOpen(Volume, Setting, Paging);
    if (!NT_SUCCESS(Status) && !Existed) {
        MipDelete(Volume, Setting);
    }
    return Status;
}

NTSTATUS MiCreatePagingFile(PDEVICE_OBJECT Volume, const MI_PAGING_FILE_SETTING *Setting)
{
    NTSTATUS Status = MipCheckSetting(Setting);
    PMMPAGING_FILE Paging;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Paging = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Paging), MI_PAGING_FILE_TAG);
    if (Paging == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Paging, 0, sizeof(*Paging));
    Paging->MinimumSize = Setting->MinimumPages;
    Paging->MaximumSize = Setting->MaximumPages;
    Paging->PageFileNumber = MmNumberOfPagingFiles;
    Paging->BootPartition = TRUE;
    memcpy(Paging->PageFileName, Setting->Name, MI_PAGING_NAME_BYTES);
    Status = MipMake(Volume, Setting, Paging);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Paging, MI_PAGING_FILE_TAG);
        return Status;
    }
    MipInsertLast(Paging);
    return STATUS_SUCCESS;
}
