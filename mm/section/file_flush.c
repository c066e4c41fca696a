/* SPDX-License-Identifier: MIT */
/*
 * file_flush.c - the pages of a file in memory: written to the file, or forgotten.
 *
 * Only pages with a frame matter, and a page of prototype PTEs is there while one of its own has
 * one: a page of prototype PTEs that is out is passed over.
 *
 * What a view's PTEs know of writes is asked of all views of the area first: of processes (its
 * Views), and of MmMapViewInSystemSpace; the system cache tells by itself
 * (MmSetAddressRangeModified).
 */
#include "fsrtl.h"
#include "mi_assert.h"
#include "mm/paging/in_page.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/section/file_write.h"
#include "mm/section/mapped_writer.h"
#include "mm/section/image_segment.h"
#include "mm/section/system_view.h"
#include "mm/space/prototype_pte.h"
#include "mm/space/view_range.h"
#include "mm/sysva/pte_kind.h"

#define MIP_ASKED_AT_ONCE 64u

/* A part of the file: pages, and the prototype PTEs of those that lie together. */
typedef struct _MIP_PART {
    PCONTROL_AREA Area;
    ULONG Page; /* of Proto */
    PMMPTE Proto;
    PMMPTE End;      /* in its page, its subsection, and the range */
    ULONG Asked;     /* pages before this one: their views were asked */
    NTSTATUS Status; /* of taking pages */
} MIP_PART, *PMIP_PART;

/* => The pages of a range of bytes; Bytes 0: to the end.  Count 0: none. */
static void MipPagesOf(PCONTROL_AREA Area, const LARGE_INTEGER *Offset, ULONG64 Bytes, PULONG First,
                       PULONG Count)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG64 Pages = Area->Segment->TotalNumberOfPtes; /* also what is left behind a new end */
    ULONG64 Start = Offset == NULL ? 0 : (ULONG64)Offset->QuadPart >> PAGE_SHIFT;
    ULONG64 End = Pages;

    MiUnlockPfn(OldIrql);
    if (Offset != NULL && Bytes != 0) {
        End = ((ULONG64)Offset->QuadPart + Bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
        End = End < Pages ? End : Pages;
    }
    *First = (ULONG)Start;
    *Count = Start < End ? (ULONG)(End - Start) : 0;
}

/* => The first part of a range. */
static MIP_PART MipFirstPart(PCONTROL_AREA Area, ULONG First, ULONG Count)
{
    MIP_PART Part = {.Area = Area, .Page = First};
    KIRQL OldIrql = MiLockPfn();
    ULONG InPage;
    ULONG Run;

    Part.Proto = MiSectionRun(Area, First, &Run);
    MiUnlockPfn(OldIrql);
    InPage = (PAGE_SIZE - (ULONG)BYTE_OFFSET(Part.Proto)) / (ULONG)sizeof(MMPTE);
    Run = Run < InPage ? Run : InPage;
    Part.End = Part.Proto + (Run < Count ? Run : Count);
    return Part;
}

/* Do with each part that is there.  => Stops at the first FALSE, and returns it. */
typedef BOOLEAN MIP_DO(PMIP_PART Part, PVOID Context);

static BOOLEAN MipForEachPart(PCONTROL_AREA Area, ULONG First, ULONG Count, MIP_DO *Do,
                              PVOID Context)
{
    BOOLEAN GoesOn = TRUE;

    while (Count != 0 && GoesOn) {
        MIP_PART Part = MipFirstPart(Area, First, Count);
        PMMPTE Pinned = Part.Proto;
        ULONG Pages = (ULONG)(Part.End - Part.Proto);

        if (MiTryPinPrototype(Pinned)) {
            GoesOn = Do(&Part, Context);
            MiUnpinPrototype(Pinned);
        }
        First += Pages;
        Count -= Pages;
    }
    return GoesOn;
}

/* ---- flushing ---- */

/* Some pages at a time. */
static void MipAskViews(PMIP_PART Part) NT_HOLDS(MiPfnLock)
{
    PCONTROL_AREA Area = Part->Area;
    ULONG Others = Area->NumberOfMappedViews - Area->NumberOfSystemCacheViews;
    PLIST_ENTRY Entry;

    if (Part->Page < Part->Asked) {
        return;
    }
    for (Entry = Area->Views.Flink; Entry != &Area->Views; Entry = Entry->Flink) {
        MiMoveViewDirty(CONTAINING_RECORD(Entry, MMVAD_VIEW, Link), Part->Page, MIP_ASKED_AT_ONCE);
        Others--;
    }
    if (Others != 0) {
        MiMoveSystemViewDirty(Area, Part->Page, MIP_ASKED_AT_ONCE);
    }
    Part->Asked = Part->Page + MIP_ASKED_AT_ONCE;
}

static BOOLEAN MipIsBeingWritten(PMMPTE Proto) NT_HOLDS(MiPfnLock)
{
    MMPTE Pte = MiReadPte(Proto);

    return (Pte.Hard.Valid || MiPteKind(Pte) == MiPteTransition) &&
           MI_PFN(Pte.Hard.PageFrameNumber)->u3.e1.WriteInProgress;
}

/* The next pages of the part, when nobody else writes one.  => 0: the part is done. */
static ULONG MipTakeNext(PMIP_PART Part, PMI_FILE_WRITE Write) NT_NOT_HOLDING(MiPfnLock)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Taken = 0;

    while (Part->Proto < Part->End && Taken == 0) {
        MipAskViews(Part);
        if (MipIsBeingWritten(Part->Proto)) {
            MiWaitForFileWrite(&OldIrql);
            Part->Asked = 0; /* it may have failed, or have been written to since */
            continue;
        }
        if (MiIsFilePageDirty(Part->Proto)) {
            Taken = MiTakeFilePages(Write, Part->Proto, Part->End, MI_FILE_WRITE_PAGES);
            Part->Status = Taken == 0 ? STATUS_INSUFFICIENT_RESOURCES : Part->Status;
        }
        Part->Proto += Taken + (Taken == 0);
        Part->Page += Taken + (Taken == 0);
    }
    MiUnlockPfn(OldIrql);
    return Taken;
}

/* Context: the first failure. */
static BOOLEAN MipFlushPart(PMIP_PART Part, PVOID Context)
{
    NTSTATUS *First = Context;
    MI_FILE_WRITE Write;

    while (MipTakeNext(Part, &Write) != 0) {
        NTSTATUS Status = MiWriteFilePages(&Write);

        *First = NT_SUCCESS(*First) ? Status : *First;
        if (NT_SUCCESS(Status)) {
            MiRetryMappedWriter();
        }
    }
    *First = NT_SUCCESS(*First) ? Part->Status : *First;
    return TRUE;
}

NTSTATUS MiFlushArea(PCONTROL_AREA Area, ULONG First, ULONG Count)
{
    NTSTATUS Status = STATUS_SUCCESS;

    (void)MipForEachPart(Area, First, Count, MipFlushPart, &Status);
    return Status;
}

NTSTATUS MmFlushSection(PSECTION_OBJECT_POINTERS Pointers, PLARGE_INTEGER FileOffset, ULONG Bytes,
                        PIO_STATUS_BLOCK IoStatus)
{
    PCONTROL_AREA Area = MiReferenceDataSection(Pointers);
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG First;
    ULONG Count;

    if (Area != NULL) {
        MipPagesOf(Area, FileOffset, Bytes, &First, &Count);
        Status = MiFlushArea(Area, First, Count);
        MiDereferenceControlArea(Area);
    }
    IoStatus->Status = Status;
    IoStatus->Information = NT_SUCCESS(Status) ? Bytes : 0;
    return Status;
}

/* ---- forgetting ---- */

/* Off its list, and free; the prototype PTE names its place in the file again. */
static void MipForget(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    MiUnlinkPage(Frame);
    MI_PFN(Frame)->u3.e1.Modified = 0;
    MI_PFN(Frame)->u3.e1.PrototypePte = 0;
    MiForgetPage(Frame);
    MiInsertFreeFrame(FreePageList, Frame);
}

/* Wait for who reads or writes the page.  => FALSE: nobody does. */
static BOOLEAN MipWaitForPage(PFN_NUMBER Frame, PKIRQL OldIrql) NT_HOLDS(MiPfnLock)
{
    if (MI_PFN(Frame)->u3.e1.WriteInProgress) {
        MiWaitForFileWrite(OldIrql);
        return TRUE;
    }
    if (MI_PFN(Frame)->u3.e1.ReadInProgress) {
        PMI_IN_PAGE Block = MiJoinInPage(Frame);
        NTSTATUS Status;

        MiUnlockPfn(*OldIrql);
        Status = MiWaitInPage(Block, Frame);
        (void)NT_SUCCESS(Status); /* the page went by itself then */
        *OldIrql = MiLockPfn();
        return TRUE;
    }
    return FALSE;
}

/* What a user has written since it was flushed, and will look for. */
static BOOLEAN MipIsUsersWrite(const CONTROL_AREA *Area, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    return MI_PFN(Frame)->u3.e1.Modified && Area->NumberOfUserReferences != 0;
}

/* => FALSE: somebody has the page mapped or locked, or has written to it. */
static BOOLEAN MipPurgePart(PMIP_PART Part, PVOID Context)
{
    KIRQL OldIrql = MiLockPfn();
    BOOLEAN Free = TRUE;

    (void)Context;
    while (Part->Proto < Part->End && Free) {
        MMPTE Pte = MiReadPte(Part->Proto);
        PFN_NUMBER Frame = Pte.Hard.PageFrameNumber;

        if (Pte.Hard.Valid) {
            Free = FALSE;
        } else if (MiPteKind(Pte) != MiPteTransition) {
            Part->Proto++;
        } else if (MipWaitForPage(Frame, &OldIrql)) {
            continue;
        } else if (MI_PFN(Frame)->u3.e2.ReferenceCount != 0 || MipIsUsersWrite(Part->Area, Frame)) {
            Free = FALSE;
        } else {
            MipForget(Frame);
            Part->Proto++;
        }
    }
    MiUnlockPfn(OldIrql);
    return Free;
}

BOOLEAN MiPurgeArea(PCONTROL_AREA Area, ULONG First, ULONG Count)
{
    return MipForEachPart(Area, First, Count, MipPurgePart, NULL);
}

BOOLEAN MmPurgeSection(PSECTION_OBJECT_POINTERS Pointers, PLARGE_INTEGER FileOffset, ULONG Bytes)
{
    PCONTROL_AREA Area = MiReferenceDataSection(Pointers);
    BOOLEAN Purged = TRUE;
    ULONG First;
    ULONG Count;

    if (Area != NULL) {
        MipPagesOf(Area, FileOffset, Bytes, &First, &Count);
        Purged = MiPurgeArea(Area, First, Count);
        MiDereferenceControlArea(Area);
    }
    return Purged;
}

/* ---- letting go of files ---- */

static void MipReleaseImage(PCONTROL_AREA Area)
{
    KIRQL OldIrql = MiLockPfn();
    BOOLEAN Goes = MiRetireImage(Area);

    MiUnlockPfn(OldIrql);
    (void)Goes; /* else somebody uses it, and the file stays */
}

static void MipReleaseArea(PCONTROL_AREA Area)
{
    ULONG First;
    ULONG Count;

    if (Area->u.Flags.Image) {
        MipReleaseImage(Area);
        return;
    }
    MipPagesOf(Area, NULL, 0, &First, &Count);
    if (NT_SUCCESS(MiFlushArea(Area, First, Count))) {
        BOOLEAN Purged = MiPurgeArea(Area, First, Count);

        (void)Purged; /* else somebody uses them, and the file stays */
    }
}

void MiReleaseFiles(const DEVICE_OBJECT *Device)
{
    PCONTROL_AREA Area;

    for (Area = MiNextControlArea(NULL); Area != NULL; Area = MiNextControlArea(Area)) {
        if (Area->u.Flags.File &&
            (Device == NULL || IoGetRelatedDeviceObject(Area->FilePointer) == Device)) {
            MipReleaseArea(Area);
        }
    }
}

BOOLEAN NTAPI MmForceSectionClosed(PSECTION_OBJECT_POINTERS SectionObjectPointer,
                                   BOOLEAN DelayClose)
{
    PCONTROL_AREA Area = MiReferenceDataSection(SectionObjectPointer);

    (void)DelayClose; /* nothing is closed here that is in use, and the rest is closed at once */
    if (Area != NULL) {
        MipReleaseArea(Area);
        MiDereferenceControlArea(Area);
    }
    return MmFlushImageSection(SectionObjectPointer, MmFlushForWrite) &&
           SectionObjectPointer->DataSectionObject == NULL;
}

BOOLEAN NTAPI MmCanFileBeTruncated(PSECTION_OBJECT_POINTERS SectionPointer,
                                   PLARGE_INTEGER NewFileSize)
{
    PCONTROL_AREA Area = MiReferenceDataSection(SectionPointer);
    BOOLEAN Can = MmFlushImageSection(SectionPointer, MmFlushForWrite);

    if (Area != NULL) {
        ULONG64 Bytes = NewFileSize == NULL ? 0 : (ULONG64)NewFileSize->QuadPart;
        KIRQL OldIrql = MiLockPfn();

        Can = Can && (Area->NumberOfUserReferences == 0 ||
                      ROUND_UP(Bytes, (ULONG64)PAGE_SIZE) >= Area->Segment->SizeOfSegment);
        MiUnlockPfn(OldIrql);
        MiDereferenceControlArea(Area);
    }
    return Can;
}
