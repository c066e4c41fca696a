/* SPDX-License-Identifier: MIT */
/*
 * shutdown.c - MmShutdownPaging: the writer ends, and files become no longer; what pages left
 * behind in the paging files is overwritten, if ClearPageFileAtShutdown says so.
 *
 * Overwritten are the slots that are free: what a process that ended had there.  Slots of pages
 * that are still owned stay, as their owners may still read them.
 *
 * Locking: the writer has stopped, so no slot is taken any more.
 */
#include "io.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/frame.h"
#include "mm/sysva/mdl.h"
#include "mm_machine.h"
#include "report.h"
#include "rtl.h"

typedef struct _MIP_ZEROES {
    MDL Header;
    PFN_NUMBER Frames[MI_MODIFIED_WRITE_PAGES]; /* one frame, again and again */
} MIP_ZEROES, *PMIP_ZEROES;

static BOOLEAN MipClearFiles; /* (I) */

void MiSetClearAtShutdown(BOOLEAN Clear)
{
    MipClearFiles = Clear;
}

/* => The next free slots from *Slot on, at most a write's; 0: there are none. */
static ULONG MipNextFree(const MMPAGING_FILE *File, PULONG Slot)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Count = RtlFindNextForwardRunClear(&File->Bitmap, *Slot, Slot);

    MiUnlockPfn(OldIrql);
    return Count < MI_MODIFIED_WRITE_PAGES ? Count : MI_MODIFIED_WRITE_PAGES;
}

static NTSTATUS MipOverwrite(const MMPAGING_FILE *File, PMIP_ZEROES Zeroes, ULONG Slot, ULONG Count)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Slot * PAGE_SIZE};
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status;
    KEVENT Done;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    MmInitializeMdl(&Zeroes->Header, NULL, Count * PAGE_SIZE);
    Zeroes->Header.MdlFlags |= MDL_PAGES_LOCKED;
    Status = IoSynchronousPageWrite(File->File, &Zeroes->Header, &Offset, &Done, &Iosb);
    (void)KeWaitForSingleObject(&Done, WrPageOut, KernelMode, FALSE, NULL);
    MiEndMdlMapping(&Zeroes->Header);
    return Status == STATUS_PENDING ? Iosb.Status : Status;
}

/* All of them are tried.  => The first failure. */
static NTSTATUS MipClearFile(const MMPAGING_FILE *File, PMIP_ZEROES Zeroes)
{
    NTSTATUS First = STATUS_SUCCESS;
    ULONG Slot = 1;
    ULONG Count;

    while ((Count = MipNextFree(File, &Slot)) != 0) {
        NTSTATUS Status = MipOverwrite(File, Zeroes, Slot, Count);

        First = NT_SUCCESS(First) ? Status : First;
        Slot += Count;
    }
    return First;
}

static NTSTATUS MipClearAll(void)
{
    MIP_ZEROES Zeroes;
    PFN_NUMBER Frame;
    NTSTATUS Status = MiAllocateFrame(MiFrameZeroed, 0, &Frame);
    ULONG i;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (i = 0; i < MI_MODIFIED_WRITE_PAGES; i++) {
        Zeroes.Frames[i] = Frame;
    }
    for (i = 0; i < MmNumberOfPagingFiles; i++) {
        NTSTATUS Cleared = MipClearFile(MmPagingFile[i], &Zeroes);

        Status = NT_SUCCESS(Status) ? Cleared : Status;
    }
    MiFreeFrame(Frame);
    return Status;
}

void MmShutdownPaging(void)
{
    NTSTATUS Status;

    MiStopFileGrowth(); /* first: it may need pages that the writer makes available */
    MiStopModifiedWriter();
    if (!MipClearFiles || MmNumberOfPagingFiles == 0) {
        return;
    }
    Status = MipClearAll();
    if (NT_SUCCESS(Status)) {
        KiPrint("Page file  cleared: free pages were overwritten with zeroes\n");
    } else {
        KiPrint("Page file  not cleared, status %08x: pages of before may be left there\n",
                (ULONG)Status);
    }
}
