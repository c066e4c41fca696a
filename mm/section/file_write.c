/* SPDX-License-Identifier: MIT */
/*
 * file_write.c - see file_write.h.
 *
 * A page under way is held by a reference; its owners may use it, write to it, which sets Dirty or
 * Modified again, or forget it.  Who flushes waits for pages that somebody else is writing; who
 * forgets pages does, too.
 *
 * Nothing here allocates, takes a file system's lock, or touches pageable memory but prototype PTEs
 * that a frame keeps in place.
 *
 * Locking: MiPfnLock.
 */
#include "mm/section/file_write.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/pte_kind.h"

MI_FILE_WRITE_FIGURES MiFileWriteFigures;

static KEVENT MipWritten; /* notification: a write has ended since who waits cleared it */

void MiInitializeFileWriting(void)
{
    KeInitializeEvent(&MipWritten, NotificationEvent, FALSE);
    MiFileWriteFigures = (MI_FILE_WRITE_FIGURES){.Writes = 0};
}

void MiWaitForFileWrite(PKIRQL OldIrql)
{
    KeClearEvent(&MipWritten);
    MiUnlockPfn(*OldIrql);
    (void)KeWaitForSingleObject(&MipWritten, WrPageOut, KernelMode, FALSE, NULL);
    *OldIrql = MiLockPfn();
}

/* ---- taking pages ---- */

/* => MI_NO_FRAME: the page has none, or not yet. */
static PFN_NUMBER MipFrameOf(PMMPTE Proto) NT_HOLDS(MiPfnLock)
{
    MMPTE Pte = MiReadPte(Proto);
    PFN_NUMBER Frame = Pte.Hard.PageFrameNumber;

    if (!Pte.Hard.Valid && MiPteKind(Pte) != MiPteTransition) {
        return MI_NO_FRAME;
    }
    return MI_PFN(Frame)->u3.e1.ReadInProgress ? MI_NO_FRAME : Frame;
}

BOOLEAN MiIsFilePageDirty(PMMPTE Proto)
{
    PFN_NUMBER Frame = MipFrameOf(Proto);

    return Frame != MI_NO_FRAME && MI_PFN(Frame)->u3.e1.Modified &&
           !MI_PFN(Frame)->u3.e1.WriteInProgress;
}

static BOOLEAN MipTakePage(PMI_FILE_WRITE Write, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    if (!NT_SUCCESS(MiReferenceFrame(Frame))) {
        return FALSE;
    }
    MI_PFN(Frame)->u3.e1.Modified = 0;
    MI_PFN(Frame)->u3.e1.WriteInProgress = 1;
    Write->Frames[Write->Pages++] = Frame;
    return TRUE;
}

ULONG MiTakeFilePages(PMI_FILE_WRITE Write, PMMPTE Proto, PMMPTE End, ULONG Most)
{
    MMPTE Original = MI_PFN(MipFrameOf(Proto))->OriginalPte;
    PMMPTE At = Proto;

    Write->Area = ((PSUBSECTION)MiSubsectionAddress(Original))->ControlArea;
    Write->Pages = 0;
    (void)MiFindFilePage(Original, Proto, &Write->Offset);
    while (At < End && Write->Pages < Most && MiIsFilePageDirty(At) &&
           MipTakePage(Write, MipFrameOf(At))) {
        At++;
    }
    Write->Area->ModifiedWriteCount += Write->Pages != 0;
    return Write->Pages;
}

/* ---- writing ---- */

/* What has no place in the file any more has none to be written to. */
static NTSTATUS MipJudge(NTSTATUS Status)
{
    return Status == STATUS_END_OF_FILE || Status == STATUS_FILE_DELETED ? STATUS_SUCCESS : Status;
}

/* => Of the pages from First on. */
static NTSTATUS MipTransfer(PMI_FILE_WRITE Write, ULONG First, ULONG Count)
{
    LARGE_INTEGER Offset = {.QuadPart = Write->Offset.QuadPart + (LONGLONG)First * PAGE_SIZE};
    PFN_NUMBER All[MI_FILE_WRITE_PAGES];
    NTSTATUS Status;

    memcpy(All, Write->Frames, sizeof(All));
    memmove(Write->Frames, Write->Frames + First, Count * sizeof(All[0]));
    MmInitializeMdl(&Write->Mdl, NULL, Count * PAGE_SIZE);
    Write->Mdl.MdlFlags = MDL_PAGES_LOCKED;
    KeInitializeEvent(&Write->Done, NotificationEvent, FALSE);
    Status = IoSynchronousPageWrite(Write->Area->FilePointer, &Write->Mdl, &Offset, &Write->Done,
                                    &Write->Iosb);
    if (NT_SUCCESS(Status)) {
        (void)KeWaitForSingleObject(&Write->Done, WrPageOut, KernelMode, FALSE, NULL);
        Status = Write->Iosb.Status;
    }
    MiEndMdlMapping(&Write->Mdl);
    memcpy(Write->Frames, All, sizeof(All));
    return MipJudge(Status);
}

static void MipEndPage(PFN_NUMBER Frame, NTSTATUS Status) NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MI_PFN(Frame);

    MI_ASSERT(Pfn->u3.e1.WriteInProgress);
    Pfn->u3.e1.WriteInProgress = 0;
    if (NT_SUCCESS(Status)) {
        MiFileWriteFigures.Pages++;
    } else {
        Pfn->u3.e1.Modified = 1;
        MiFileWriteFigures.FailedPages++;
    }
    MiDereferenceFrame(Frame);
}

static void MipEnd(PMI_FILE_WRITE Write, const NTSTATUS *Each, NTSTATUS First)
    NT_NOT_HOLDING(MiPfnLock)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG i;

    MiFileWriteFigures.Writes++;
    if (!NT_SUCCESS(First)) {
        MiFileWriteFigures.FailedWrites++;
        MiFileWriteFigures.LastStatus = First;
    }
    Write->Area->ModifiedWriteCount--;
    for (i = 0; i < Write->Pages; i++) {
        MipEndPage(Write->Frames[i], Each[i]);
    }
    (void)KeSetEvent(&MipWritten, IO_NO_INCREMENT, FALSE);
    MiUnlockPfn(OldIrql);
}

NTSTATUS MiWriteFilePages(PMI_FILE_WRITE Write)
{
    NTSTATUS Each[MI_FILE_WRITE_PAGES];
    NTSTATUS Whole = MipTransfer(Write, 0, Write->Pages);
    NTSTATUS First = STATUS_SUCCESS;
    ULONG i;

    for (i = 0; i < Write->Pages; i++) {
        Each[i] = NT_SUCCESS(Whole) || Write->Pages == 1 ? Whole : MipTransfer(Write, i, 1);
        First = NT_SUCCESS(First) ? Each[i] : First;
    }
    MipEnd(Write, Each, First);
    return First;
}
