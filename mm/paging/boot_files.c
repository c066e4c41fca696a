/* SPDX-License-Identifier: MIT */
/*
 * boot_files.c - MmCreatePagingFiles: the paging files that the settings ask for, at the start.
 *
 * Each is printed with its size and place, or with the reason why it is not used: the machine goes
 * on without it.
 */
#include "mm/paging/paging_file.h"
#include "mm/sysva/layout.h"
#include "mm_machine.h"
#include "report.h"

/* => Returns a reason in words, for the statuses that a user can do something about. */
static const char *MipReason(NTSTATUS Status)
{
    switch (Status) {
    case STATUS_DISK_FULL:
        return "the volume has no room for it";
    case STATUS_MEDIA_WRITE_PROTECTED:
        return "nothing may be written to the volume";
    case STATUS_FILE_CORRUPT_ERROR:
    case STATUS_DISK_CORRUPT_ERROR:
        return "it is damaged or in too many pieces; check the volume with chkdsk or fsck.fat";
    case STATUS_FILE_IS_A_DIRECTORY:
        return "there is a directory of that name";
    case STATUS_OBJECT_PATH_NOT_FOUND:
        return "its folder does not exist";
    case STATUS_OBJECT_NAME_INVALID:
        return "that is no file's name";
    case STATUS_SHARING_VIOLATION:
        return "it is in use already";
    case STATUS_INSUFFICIENT_RESOURCES:
        return "there is no memory for it";
    default:
        return "it could not be made";
    }
}

/* The system decides the sizes.  A file that is right already needs no look at the volume. */
static NTSTATUS MipDecideSize(PDEVICE_OBJECT Volume, ULONG RamPages, ULONG64 Bytes,
                              PMI_PAGING_FILE_SETTING Setting)
{
    MI_PAGING_ROOM Room = {.RamPages = RamPages, .FilePages = (ULONG)(Bytes / PAGE_SIZE)};
    NTSTATUS Status = IoQueryVolumeSize(Volume, &Room.VolumeBytes, &Room.FreeBytes);

    return NT_SUCCESS(Status)
               ? MiSizePagingFile(&Room, &Setting->MinimumPages, &Setting->MaximumPages)
               : Status;
}

static const char *MipWhatHappened(ULONG64 Before, const MMPAGING_FILE *File)
{
    ULONG64 Bytes = (ULONG64)File->Size * PAGE_SIZE;

    return Before == 0 ? "new" : Before == Bytes ? "kept" : Before < Bytes ? "longer" : "shorter";
}

static void MipCreate(PDEVICE_OBJECT Volume, ULONG RamPages, PMI_PAGING_FILE_SETTING Setting)
{
    const PMMPAGING_FILE *Next = &MmPagingFile[MmNumberOfPagingFiles];
    ULONG64 Before = 0;
    NTSTATUS Status = MiQueryPagingFile(Volume, MiPagingFilePath(Setting), &Before);

    Status = Status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_SUCCESS : Status;
    if (NT_SUCCESS(Status) && Setting->MaximumPages == 0) {
        Status = MipDecideSize(Volume, RamPages, Before, Setting);
    }
    if (NT_SUCCESS(Status)) {
        Status = MiCreatePagingFile(Volume, Setting);
    }
    if (!NT_SUCCESS(Status)) {
        KiPrint("Page file  %s is not used: %s (status %08x)\n", Setting->Name, MipReason(Status),
                (ULONG)Status);
        return;
    }
    KiPrint("Page file  %s: %u MB, at most %u MB, in %u run%s from sector %llu of %s; %s\n",
            Setting->Name, (*Next)->Size / MI_PAGES_IN_MB, (*Next)->MaximumSize / MI_PAGES_IN_MB,
            (*Next)->Runs, (*Next)->Runs == 1 ? "" : "s", (unsigned long long)(*Next)->FirstSector,
            IoGetDiskDevice(Volume)->Name, MipWhatHappened(Before, *Next));
}

void MmCreatePagingFiles(PDEVICE_OBJECT Volume, const LOADER_REGISTRY_VALUE *Values, ULONG Count)
{
    static MI_PAGING_FILE_SETTING Settings[MAX_PAGE_FILES]; /* 2 KB, once */
    ULONG Wanted = MiReadPagingSettings(Values, Count, Settings);
    ULONG i;

    MiSetClearAtShutdown(MiRegistryNumber(Values, Count, "ClearPageFileAtShutdown") != 0);
    for (i = 0; i < Wanted && Volume != NULL; i++) {
        MipCreate(Volume, MmPhysicalPages(), &Settings[i]);
    }
    if (MmNumberOfPagingFiles == 0) {
        KiPrint("Page file  none%s: nothing can be paged out\n",
                Volume == NULL ? ", as there is no volume" : "");
    }
}
