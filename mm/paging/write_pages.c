/* SPDX-License-Identifier: MIT */
/*
 * write_pages.c - one write of the modified page writer.
 *
 *     take slots -> gather pages, put them in order -> checksums -> write -> give slots to pages
 *
 * A page under way is held by a reference, WriteInProgress is set and Modified clear; its owner
 * may use it, change it or delete it.  Its slot is the writer's.  Afterwards
 *
 *     the page                            the slot                 the page goes to
 *     is as it was                        is named by OriginalPte  standby, or stays in use
 *     was modified, reset, has no PTE     is free                  modified, in use, or free
 *     could not be written                is bad                   modified, or in use
 *
 * When a write fails its pages are written one by one, so that good slots are not given up for a
 * bad neighbour.  When they fail too, all of them, it is the disk that fails, not its sectors: one
 * slot is given up for that, the others are free again.
 *
 * Nothing here allocates: the MDL is the writer's for good.  Pages of one address space that lie
 * together get slots that lie together, so that they can be read together.
 *
 * Locking: one caller at a time; MiPfnLock for what others see.
 */
#include "mm/paging/modified_writer.h"

#include "io.h"
#include "mm/paging/slot_memory.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/page_table.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/pte_make.h"
#include "rtl.h"

#define MIP_LOOK_AHEAD 256u /* listed pages looked at for those of low priority */
#define MIP_TRIES      4u   /* single pages that fail before the disk is given up */

MI_WRITER_FIGURES MiWriterFigures;

typedef struct _MIP_WRITE {
    MI_SLOTS Slots;                             /* (P) Count 0: no write is under way */
    PFN_NUMBER Frames[MI_MODIFIED_WRITE_PAGES]; /* in the order of the slots */
    NTSTATUS Status[MI_MODIFIED_WRITE_PAGES];   /* how each of them went */
    KEVENT Done;
    IO_STATUS_BLOCK Iosb;
    struct {
        MDL Header;
        PFN_NUMBER Frames[MI_MODIFIED_WRITE_PAGES];
    } Mdl;
} MIP_WRITE;

static MIP_WRITE MipWrite;

void MiInitializePageWriting(void)
{
    memset(&MipWrite, 0, sizeof(MipWrite));
    memset(&MiWriterFigures, 0, sizeof(MiWriterFigures));
    KeInitializeEvent(&MipWrite.Done, NotificationEvent, FALSE);
}

MI_SLOTS MiQuerySlotsInWriting(void)
{
    return MipWrite.Slots;
}

/* ---- gathering ---- */

/* Off the modified list, and the writer's. */
static void MipTakePage(PFN_NUMBER Frame, ULONG At) NT_HOLDS(MiPfnLock)
{
    NTSTATUS Status = MiReferenceFrame(Frame);
    PMMPFN Pfn = MI_PFN(Frame);

    MI_ASSERT(NT_SUCCESS(Status)); /* L2: it had no reference */
    MI_ASSERT(Pfn->u3.e1.Modified && !Pfn->u3.e1.WriteInProgress);
    MI_ASSERT(!MiPteHasSlot(Pfn->OriginalPte));
    Pfn->u3.e1.Modified = 0;
    Pfn->u3.e1.WriteInProgress = 1;
    MipWrite.Frames[At] = Frame;
}

/* Pages of low priority among the first of the list.  => Returns how many. */
static ULONG MipGatherUnimportant(ULONG Most) NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Frame = MiModifiedList.Flink;
    ULONG Count = 0;
    ULONG Looked;

    for (Looked = 0; Looked < MIP_LOOK_AHEAD && Count < Most && Frame != MI_NO_FRAME; Looked++) {
        PFN_NUMBER Next = MI_PFN(Frame)->u1.Flink;

        if (MI_PFN(Frame)->u4.Priority < MI_DEFAULT_PRIORITY) {
            MipTakePage(Frame, Count++);
        }
        Frame = Next;
    }
    return Count;
}

static ULONG MipGather(ULONG Most) NT_HOLDS(MiPfnLock)
{
    ULONG Count = MipGatherUnimportant(Most);

    while (Count < Most && MiModifiedList.Flink != MI_NO_FRAME) {
        MipTakePage(MiModifiedList.Flink, Count++);
    }
    return Count;
}

/* Page tables apart, then the address.  => Less than 2^30: frames are of 4 GB. */
static ULONG MipPlaceOf(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    const MMPFN *Pfn = MI_PFN(Frame);

    return Pfn->u4.PteFrame * PTE_PER_PAGE + BYTE_OFFSET(Pfn->PteAddress) / sizeof(MMPTE);
}

/* Pages that are Gap apart are in order afterwards. */
static void MipSortByGap(PPFN_NUMBER Frames, PULONG Places, ULONG Count, ULONG Gap)
{
    ULONG i;

    for (i = Gap; i < Count; i++) {
        PFN_NUMBER Frame = Frames[i];
        ULONG Place = Places[i];
        ULONG At = i;

        for (; At >= Gap && Places[At - Gap] > Place; At -= Gap) {
            Frames[At] = Frames[At - Gap];
            Places[At] = Places[At - Gap];
        }
        Frames[At] = Frame;
        Places[At] = Place;
    }
}

/* Trimming goes by age and by entry: the list has runs of pages upwards, and downwards. */
static void MipSort(PPFN_NUMBER Frames, ULONG Count) NT_HOLDS(MiPfnLock)
{
    static const ULONG Gaps[] = {23, 10, 4, 1}; /* Ciura's */
    ULONG Places[MI_MODIFIED_WRITE_PAGES];
    ULONG i;

    for (i = 0; i < Count; i++) {
        Places[i] = MipPlaceOf(Frames[i]);
    }
    for (i = 0; i < RTL_NUMBER_OF(Gaps); i++) {
        MipSortByGap(Frames, Places, Count, Gaps[i]);
    }
}

/* => STATUS_NO_MORE_ENTRIES, STATUS_DISK_FULL. */
static NTSTATUS MipBegin(void)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Wanted = MiModifiedList.Total;
    MI_SLOTS Slots;
    ULONG Count;

    MiUnlockPfn(OldIrql);
    if (Wanted == 0) {
        return STATUS_NO_MORE_ENTRIES;
    }
    Slots = MiAllocateSlots(Wanted < MI_MODIFIED_WRITE_PAGES ? Wanted : MI_MODIFIED_WRITE_PAGES);
    if (Slots.Count == 0) {
        return STATUS_DISK_FULL;
    }
    OldIrql = MiLockPfn();
    Count = MipGather(Slots.Count);
    if (Count < Slots.Count) { /* some went back to their owners */
        MiReleaseSlots(Slots.File, Slots.First + Count, Slots.Count - Count);
        Slots.Count = Count;
    }
    MipSort(MipWrite.Frames, Count);
    MipWrite.Slots = Slots;
    MiUnlockPfn(OldIrql);
    return Count != 0 ? STATUS_SUCCESS : STATUS_NO_MORE_ENTRIES;
}

/* ---- writing ---- */

/* Write Count pages from First on to their slots, and wait. */
static NTSTATUS MipTransfer(ULONG First, ULONG Count)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)(MipWrite.Slots.First + First) * PAGE_SIZE};
    PMDL Mdl = &MipWrite.Mdl.Header;
    NTSTATUS Status;

    MmInitializeMdl(Mdl, NULL, Count * PAGE_SIZE);
    Mdl->MdlFlags |= MDL_PAGES_LOCKED;
    memcpy(MmGetMdlPfnArray(Mdl), &MipWrite.Frames[First], Count * sizeof(PFN_NUMBER));
    KeClearEvent(&MipWrite.Done);
    Status = IoSynchronousPageWrite(MmPagingFile[MipWrite.Slots.File]->File, Mdl, &Offset,
                                    &MipWrite.Done, &MipWrite.Iosb);
    (void)KeWaitForSingleObject(&MipWrite.Done, WrPageOut, KernelMode, FALSE, NULL);
    MiEndMdlMapping(Mdl);
    Status = Status == STATUS_PENDING ? MipWrite.Iosb.Status : Status;
    MiWriterFigures.Writes++;
    if (!NT_SUCCESS(Status)) {
        MiWriterFigures.FailedWrites++;
        MiWriterFigures.LastStatus = Status;
    }
    return Status;
}

/* One by one.  => Returns whether one of them could be written. */
static BOOLEAN MipTransferSingly(NTSTATUS Failure)
{
    BOOLEAN Written = FALSE;
    ULONG i;

    for (i = 0; i < MipWrite.Slots.Count; i++) {
        MipWrite.Status[i] = Written || i < MIP_TRIES ? MipTransfer(i, 1) : Failure;
        Written = Written || NT_SUCCESS(MipWrite.Status[i]);
    }
    return Written;
}

/* => Returns whether something was written; Status says what. */
static BOOLEAN MipTransferAll(void)
{
    NTSTATUS Status;
    ULONG i;

    for (i = 0; i < MipWrite.Slots.Count; i++) {
        MiSetSlotChecksum(MipWrite.Slots.File, MipWrite.Slots.First + i,
                          MiPageChecksum(MipWrite.Frames[i]));
    }
    Status = MipTransfer(0, MipWrite.Slots.Count);
    for (i = 0; i < MipWrite.Slots.Count; i++) {
        MipWrite.Status[i] = Status;
    }
    if (NT_SUCCESS(Status) || MipWrite.Slots.Count == 1) {
        return NT_SUCCESS(Status);
    }
    return MipTransferSingly(Status);
}

/* ---- giving slots to pages ---- */

/* The page is in its slot. */
static void MipKeep(PMMPFN Pfn, ULONG Slot) NT_HOLDS(MiPfnLock)
{
    if (Pfn->PteAddress == NULL || Pfn->u3.e1.Modified) {
        MiReleaseSlots(MipWrite.Slots.File, Slot, 1);
        MiWriterFigures.PagesDropped++;
        return;
    }
    MI_ASSERT(!MiPteHasSlot(Pfn->OriginalPte));
    Pfn->OriginalPte =
        MiMakePagefilePte(MipWrite.Slots.File, Slot, MiSoftwareProtection(Pfn->OriginalPte));
    MiWriterFigures.PagesWritten++;
    MiWriterFigures.TablesWritten += MiIsUserPde(Pfn->PteAddress);
}

/* It is not.  Retire: the slot is to blame. */
static void MipReject(PMMPFN Pfn, ULONG Slot, BOOLEAN Retire) NT_HOLDS(MiPfnLock)
{
    Pfn->u3.e1.Modified = 1;
    MiWriterFigures.FailedPages++;
    if (Retire) {
        MiRetireSlots(MipWrite.Slots.File, Slot, 1);
        MiWriterFigures.BadSlots++;
    } else {
        MiReleaseSlots(MipWrite.Slots.File, Slot, 1);
    }
}

static void MipEndPage(ULONG At, BOOLEAN SomethingWritten) NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Frame = MipWrite.Frames[At];
    PMMPFN Pfn = MI_PFN(Frame);
    ULONG Slot = MipWrite.Slots.First + At;

    MI_ASSERT(Pfn->u3.e1.WriteInProgress);
    Pfn->u3.e1.WriteInProgress = 0;
    if (NT_SUCCESS(MipWrite.Status[At])) {
        MipKeep(Pfn, Slot);
    } else {
        MipReject(Pfn, Slot, SomethingWritten || At == 0);
    }
    MiDereferenceFrame(Frame);
}

NTSTATUS MiWriteModifiedPages(void)
{
    NTSTATUS Status = MipBegin();
    BOOLEAN Written;
    KIRQL OldIrql;
    ULONG i;

    if (!NT_SUCCESS(Status) || Status == STATUS_NO_MORE_ENTRIES) {
        return Status;
    }
    Written = MipTransferAll();
    Status = Written ? STATUS_SUCCESS : MipWrite.Status[0];
    OldIrql = MiLockPfn();
    for (i = 0; i < MipWrite.Slots.Count; i++) {
        MipEndPage(i, Written);
    }
    MipWrite.Slots.Count = 0;
    MiUnlockPfn(OldIrql);
    return Status;
}
