/* SPDX-License-Identifier: MIT */
/*
 * segment.c - control areas and segments: made, counted, committed, deleted.
 *
 *     used by                      NumberOf-   SectionReferences  MappedViews  UserReferences
 *     a section object                               1                              1
 *     a view of a process                                             1             1
 *     the cache's section                            1
 *     a fault that waits, a flush                    1
 *
 * A file's segment is kept while a page of it has a frame (NumberOfPfnReferences), used or not:
 * whoever opens the file next finds its pages.  DataSectionObject of the file points to it.
 *
 * When nobody uses a segment over the paging files its contents are nobody's any more: its control
 * area moves to MipUnused, and whoever comes next without a lock deletes what is there.  The last
 * view may go under a lock that pageable memory must not be touched under, and prototype PTEs are
 * pageable; so may a file's last page, and a thread waits for that.
 *
 * Invariants (MiVerifySections):
 *   C1  a control area's counts are what the table says; it is in MiControlAreas while one is not 0
 *   C2  MiSharedCommit is the sum of NumberOfCommittedPages: all pages of a segment (SEC_COMMIT),
 *       or those whose bit is set in Committed (SEC_RESERVE)
 *   C3  NumberOfPfnReferences is the number of prototype PTEs that name a frame whose page is in a
 *       file; DataSectionObject of the file, or ImageSectionObject, points to the area while it is
 *       in MiControlAreas (DeleteOnClose: or not any more)
 *
 * Which pages are committed stands in a bitmap in nonpaged pool, not in the prototype PTEs: whoever
 * asks holds the lock of an address space, and must not wait for paged pool.
 *
 * Locking: MiPfnLock.
 */
#include "ex.h"
#include "io_objects.h"
#include "mi_assert.h"
#include "mm/pfn/commit_growth.h"
#include "mm/pool/pool_pages.h"
#include "mm/section/image_segment.h"
#include "mm/section/section.h"
#include "mm/space/prototype_pte.h"
#include "mm/space/view_range.h"
#include "mm/sysva/pte_kind.h"
#include "ps.h"

#define MI_SEGMENT_PRIORITY 17 /* above the threads of programs: it gives memory back */

#define MIP_WORD_BITS       32u
#define MIP_PIECE_PAGES     1024u /* that are looked at under the lock */

LIST_ENTRY MiControlAreas;
ULONG MiSharedCommit;
ULONG MiUnusedSegments;
ULONG MiFilePageChanges;

static LIST_ENTRY MipUnused NT_GUARDED_BY(MiPfnLock);
static KEVENT MipDelete; /* synchronization: there is something in MipUnused */

void MiForgetSections(void) NT_NO_LOCK_ANALYSIS
{
    KeInitializeEvent(&MipDelete, SynchronizationEvent, FALSE);
    InitializeListHead(&MiControlAreas);
    InitializeListHead(&MipUnused);
    MiSharedCommit = 0;
    MiUnusedSegments = 0;
    MiForgetFileSegments();
    MiForgetImages();
    MiForgetImageMoves();
}

PMMPTE MiSectionRun(PCONTROL_AREA Area, ULONG Page, PULONG Run)
{
    const SUBSECTION *Subsection = MiFirstSubsection(Area);

    while (Page >= Subsection->PtesInSubsection) {
        Page -= Subsection->PtesInSubsection;
        Subsection = Subsection->NextSubsection;
    }
    *Run = Subsection->PtesInSubsection - Page;
    return Subsection->SubsectionBase + Page;
}

PMMPTE MiSectionPrototype(PCONTROL_AREA Area, ULONG Page)
{
    ULONG Run;

    return MiSectionRun(Area, Page, &Run);
}

/* ---- creation ---- */

/* => Prototypes are the segment's from now on. */
static void MipPublish(PCONTROL_AREA Area, PMMPTE Prototypes)
{
    PSEGMENT Segment = Area->Segment;
    KIRQL OldIrql;
    ULONG i;

    for (i = 0; i < Segment->TotalNumberOfPtes; i++) {
        MiWritePte(Prototypes + i, Segment->SegmentPteTemplate);
    }
    Segment->PrototypePte = Prototypes;
    MiFirstSubsection(Area)->SubsectionBase = Prototypes;
    OldIrql = MiLockPfn();
    MiNotePrototypeChange();
    MiSharedCommit += Segment->NumberOfCommittedPages;
    InsertTailList(&MiControlAreas, &Area->Link);
    MiUnlockPfn(OldIrql);
}

/* Before anything is taken: what paged pool has no room for at all, or none for now. */
static NTSTATUS MipCheckRoom(ULONG Pages)
{
    const MI_POOL_REGION *Pool = MiPoolRegion(MiPaged);
    ULONG Needed = Pages / PTE_PER_PAGE;

    if (Needed > Pool->Pages) {
        return STATUS_SECTION_TOO_BIG;
    }
    return Needed > Pool->Pages - __atomic_load_n(&Pool->UsedPages, __ATOMIC_RELAXED)
               ? STATUS_INSUFFICIENT_RESOURCES
               : STATUS_SUCCESS;
}

NTSTATUS MiCreatePagingFileSegment(ULONG Pages, ULONG Protection, ULONG Attributes,
                                   PSEGMENT *Segment, PULONG Limit)
{
    ULONG Charge = (Attributes & SEC_COMMIT) != 0 ? Pages : 0;
    NTSTATUS Status = MipCheckRoom(Pages);
    PMMPTE Prototypes;
    PCONTROL_AREA Area;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Area = MiAllocateControlArea(Pages, Attributes);
    if (Area == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (!MiChargeCommitment(Charge)) {
        *Limit = MiLimitFor(Charge);
        ExFreePoolWithTag(Area, MI_CONTROL_AREA_TAG);
        return STATUS_COMMITMENT_LIMIT;
    }
    Prototypes = MiAllocatePrototypes(Pages);
    if (Prototypes == NULL) {
        MiReturnCommitment(Charge);
        ExFreePoolWithTag(Area, MI_CONTROL_AREA_TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Area->NumberOfSectionReferences = 1;
    Area->NumberOfUserReferences = 1;
    Area->Segment->SegmentPteTemplate = MiMakeSoftwarePte(Protection);
    Area->Segment->NumberOfCommittedPages = Charge;
    MiFirstSubsection(Area)->Protection = Protection;
    MipPublish(Area, Prototypes);
    *Segment = Area->Segment;
    return STATUS_SUCCESS;
}

/* ---- commitment ---- */

/* => The part of Committed that a look takes at once: from First's word on, and before End. */
static RTL_BITMAP MipPiece(const RTL_BITMAP *Committed, ULONG First, ULONG End)
{
    ULONG Bits = End - ROUND_DOWN(First, MIP_WORD_BITS);
    RTL_BITMAP Piece;

    RtlInitializeBitMap(&Piece, Committed->Buffer + First / MIP_WORD_BITS,
                        Bits < MIP_PIECE_PAGES ? Bits : MIP_PIECE_PAGES);
    return Piece;
}

/*
 * => Returns how many pages of [*First, End) that are not committed a piece has, which are from now
 *    on, if Commit says so; *First is where the next one begins.
 */
static ULONG MipCountPiece(PSEGMENT Segment, PULONG First, ULONG End, BOOLEAN Commit)
{
    RTL_BITMAP Piece = MipPiece(&Segment->Committed, *First, End);
    ULONG From = *First % MIP_WORD_BITS;
    ULONG New = 0;
    KIRQL OldIrql = MiLockPfn();
    ULONG Run;

    while ((Run = RtlFindNextForwardRunClear(&Piece, From, &From)) != 0) {
        if (Commit) {
            RtlSetBits(&Piece, From, Run);
        }
        From += Run;
        New += Run;
    }
    if (Commit && New != 0) {
        Segment->NumberOfCommittedPages += New;
        MiSharedCommit += New;
        MiNotePrototypeChange();
    }
    MiUnlockPfn(OldIrql);
    *First = ROUND_DOWN(*First, MIP_WORD_BITS) + Piece.SizeOfBitMap;
    return New;
}

static ULONG MipCountPages(PSEGMENT Segment, ULONG First, ULONG End, BOOLEAN Commit)
{
    ULONG New = 0;

    while (First < End) {
        New += MipCountPiece(Segment, &First, End, Commit);
    }
    return New;
}

/* None is ever decommitted; what others commit after the count was charged twice, and goes back. */
NTSTATUS MiCommitSegment(PSEGMENT Segment, ULONG First, ULONG Count, PULONG Limit)
{
    ULONG Charge = MipCountPages(Segment, First, First + Count, FALSE);

    if (!MiChargeCommitment(Charge)) {
        *Limit = MiLimitFor(Charge);
        return STATUS_COMMITMENT_LIMIT;
    }
    MiReturnCommitment(Charge - MipCountPages(Segment, First, First + Count, TRUE));
    return STATUS_SUCCESS;
}

NTSTATUS MiCommitViewPages(const MMVAD_VIEW *View, ULONG First, ULONG Count, PULONG Limit)
{
    return MiCommitSegment(View->ControlArea->Segment, First, Count, Limit);
}

/* ---- who uses it ---- */

/* C1 */
static BOOLEAN MipIsUsed(const CONTROL_AREA *Area) NT_HOLDS(MiPfnLock)
{
    return Area->NumberOfSectionReferences != 0 || Area->NumberOfMappedViews != 0 ||
           (Area->NumberOfPfnReferences != 0 && !Area->u.Flags.DeleteOnClose);
}

/* A file's next section begins with another control area. */
static void MipHide(const CONTROL_AREA *Area) NT_HOLDS(MiPfnLock)
{
    PSECTION_OBJECT_POINTERS Pointers = Area->FilePointer->SectionObjectPointer;
    PVOID *Slot =
        Area->u.Flags.Image ? &Pointers->ImageSectionObject : &Pointers->DataSectionObject;

    MI_ASSERT(*Slot == Area || Area->u.Flags.DeleteOnClose); /* C3 */
    if (*Slot == Area) {
        *Slot = NULL;
    }
}

static void MipJudge(PCONTROL_AREA Area) NT_HOLDS(MiPfnLock)
{
    if (MipIsUsed(Area)) {
        return;
    }
    MI_ASSERT(Area->NumberOfUserReferences == 0 && !Area->u.Flags.BeingDeleted);
    MI_ASSERT(IsListEmpty(&Area->Views));
    Area->u.Flags.BeingDeleted = 1;
    MiUnusedSegments++;
    if (Area->FilePointer != NULL) {
        MipHide(Area);
    }
    RemoveEntryList(&Area->Link);
    InsertTailList(&MipUnused, &Area->Link);
}

void MiReferenceAreaLocked(PCONTROL_AREA Area, BOOLEAN IsUser)
{
    MI_ASSERT(!Area->u.Flags.BeingDeleted);
    Area->NumberOfSectionReferences++;
    Area->NumberOfUserReferences += IsUser;
}

void MiReferenceControlArea(PCONTROL_AREA Area)
{
    KIRQL OldIrql = MiLockPfn();

    MiReferenceAreaLocked(Area, FALSE);
    MiUnlockPfn(OldIrql);
}

static void MipDereference(PCONTROL_AREA Area, BOOLEAN IsUser)
{
    KIRQL OldIrql = MiLockPfn();

    MI_ASSERT(Area->NumberOfSectionReferences != 0 && Area->NumberOfUserReferences >= IsUser);
    Area->NumberOfSectionReferences--;
    Area->NumberOfUserReferences -= IsUser;
    MipJudge(Area);
    MiUnlockPfn(OldIrql);
    MiDeleteUnusedSegments();
}

void MiDereferenceControlArea(PCONTROL_AREA Area)
{
    MipDereference(Area, FALSE);
}

void MiDereferenceSegment(PSEGMENT Segment, BOOLEAN IsUser)
{
    MipDereference(Segment->ControlArea, IsUser);
}

void MiReferenceView(PMMVAD_VIEW View)
{
    PCONTROL_AREA Area = View->ControlArea;
    KIRQL OldIrql = MiLockPfn();

    MI_ASSERT(!Area->u.Flags.BeingDeleted);
    Area->NumberOfMappedViews++;
    Area->NumberOfUserReferences++;
    InsertTailList(&Area->Views, &View->Link);
    MiNotePrototypeChange();
    MiUnlockPfn(OldIrql);
}

void MiReleaseView(PMMVAD_VIEW View)
{
    PCONTROL_AREA Area = View->ControlArea;
    KIRQL OldIrql = MiLockPfn();

    MI_ASSERT(Area->NumberOfMappedViews != 0 && Area->NumberOfUserReferences != 0);
    Area->NumberOfMappedViews--;
    Area->NumberOfUserReferences--;
    MiNotePrototypeChange();
    RemoveEntryList(&View->Link);
    MipJudge(Area);
    MiUnlockPfn(OldIrql);
}

PMMPTE MiFarViewPrototype(const MMVAD_VIEW *View, ULONG Page)
{
    return MiSectionPrototype(View->ControlArea, View->FirstPage + Page);
}

PCONTROL_AREA MiNextControlArea(PCONTROL_AREA Area)
{
    KIRQL OldIrql = MiLockPfn();
    PLIST_ENTRY Entry = Area == NULL ? MiControlAreas.Flink : Area->Link.Flink;
    PCONTROL_AREA Next = NULL;

    if (Entry != &MiControlAreas) {
        Next = CONTAINING_RECORD(Entry, CONTROL_AREA, Link);
        Next->NumberOfSectionReferences++;
    }
    MiUnlockPfn(OldIrql);
    if (Area != NULL) {
        MiDereferenceControlArea(Area);
    }
    return Next;
}

/* ---- pages of files ---- */

static PCONTROL_AREA MipAreaOf(MMPTE Original)
{
    return ((PSUBSECTION)MiSubsectionAddress(Original))->ControlArea;
}

void MiFilePageCame(MMPTE Original)
{
    MipAreaOf(Original)->NumberOfPfnReferences++;
    MiFilePageChanges++;
}

/* Whoever takes the last frame, or forgets the last page, may hold anything. */
void MiFilePageWent(MMPTE Original)
{
    PCONTROL_AREA Area = MipAreaOf(Original);

    MI_ASSERT(Area->NumberOfPfnReferences != 0);
    Area->NumberOfPfnReferences--;
    MiFilePageChanges++;
    if (Area->u.Flags.BeingDeleted) {
        return; /* an image, whose pages go with it */
    }
    MipJudge(Area);
    if (Area->u.Flags.BeingDeleted) {
        (void)KeSetEvent(&MipDelete, IO_NO_INCREMENT, FALSE);
    }
}

PFILE_OBJECT MiFindFilePage(MMPTE Original, const MMPTE *Proto, PLARGE_INTEGER Offset)
{
    const SUBSECTION *Subsection = MiSubsectionAddress(Original);

    Offset->QuadPart = ((LONGLONG)Subsection->StartingSector << MI_SECTOR_SHIFT) +
                       ((LONGLONG)(Proto - Subsection->SubsectionBase) << PAGE_SHIFT);
    return Subsection->ControlArea->FilePointer;
}

ULONG64 MiFindFileBytes(MMPTE Original, const MMPTE *Proto)
{
    const SUBSECTION *Subsection = MiSubsectionAddress(Original);

    return ((ULONG64)Subsection->NumberOfFullSectors << MI_SECTOR_SHIFT) +
           Subsection->SectorEndOffset -
           ((ULONG64)(Proto - Subsection->SubsectionBase) << PAGE_SHIFT);
}

void MiFindFileRun(MMPTE Original, PMMPTE Proto, PMMPTE *Start, PMMPTE *End)
{
    const SUBSECTION *Subsection = MiSubsectionAddress(Original);
    PMMPTE First = (PMMPTE)ROUND_DOWN((ULONG_PTR)Proto, (ULONG_PTR)PAGE_SIZE);
    PMMPTE Last = First + PTE_PER_PAGE;
    PMMPTE Used =
        Subsection->SubsectionBase + (Subsection->PtesInSubsection - Subsection->UnusedPtes);

    *Start = First > Subsection->SubsectionBase ? First : Subsection->SubsectionBase;
    *End = Last < Used ? Last : Used;
}

/* ---- the end ---- */

/* One of MipUnused is gone, and with it what it was charged with. */
static void MipCountDeleted(ULONG Committed)
{
    KIRQL OldIrql = MiLockPfn();

    MiSharedCommit -= Committed;
    MiUnusedSegments--;
    MiNotePrototypeChange();
    MiUnlockPfn(OldIrql);
}

static void MipDeleteSegment(PCONTROL_AREA Area)
{
    PSEGMENT Segment = Area->Segment;

    if (Area->u.Flags.Image) {
        ULONG Committed = Segment->NumberOfCommittedPages;

        MiDeleteImageSegment(Area);
        MipCountDeleted(Committed);
        return;
    }
    if (Area->FilePointer != NULL) {
        MiDeleteFileSegment(Area);
        MipCountDeleted(0);
        return;
    }
    if (Area->u.Flags.PhysicalMemory) { /* its object could not be made */
        MipCountDeleted(0);
        ExFreePoolWithTag(Area, MI_CONTROL_AREA_TAG);
        return;
    }
    MiDeletePrototypes(Segment->PrototypePte, Segment->TotalNumberOfPtes);
    MipCountDeleted(Segment->NumberOfCommittedPages);
    MiReturnCommitment(Segment->NumberOfCommittedPages);
    ExFreePoolWithTag(Segment->PrototypePte, MI_SEGMENT_TAG);
    ExFreePoolWithTag(Area, MI_CONTROL_AREA_TAG);
}

/* => NULL: there is none. */
static PCONTROL_AREA MipTakeUnused(void)
{
    PCONTROL_AREA Area = NULL;
    KIRQL OldIrql = MiLockPfn();

    if (!IsListEmpty(&MipUnused)) {
        Area = CONTAINING_RECORD(RemoveHeadList(&MipUnused), CONTROL_AREA, Link);
    }
    MiUnlockPfn(OldIrql);
    return Area;
}

void MiDeleteUnusedSegments(void)
{
    PCONTROL_AREA Area;

    if (__atomic_load_n(&MiUnusedSegments, __ATOMIC_RELAXED) == 0) {
        return; /* who makes one unused counts it first, and calls this */
    }
    while ((Area = MipTakeUnused()) != NULL) {
        MipDeleteSegment(Area);
    }
}

static void NTAPI MipSegmentThread(PVOID Context)
{
    (void)Context;
    for (;;) {
        (void)KeWaitForSingleObject(&MipDelete, Executive, KernelMode, FALSE, NULL);
        MiDeleteUnusedSegments();
    }
}

NTSTATUS MiStartSegmentThread(void)
{
    return PsStartSystemThread(MipSegmentThread, NULL, MI_SEGMENT_PRIORITY, "unused segments");
}

/* ---- views in the system half: K3 of system_view.c ---- */

void MiReferenceSystemView(PCONTROL_AREA Area, BOOLEAN Cache)
{
    KIRQL OldIrql = MiLockPfn();

    MI_ASSERT(!Area->u.Flags.BeingDeleted);
    Area->NumberOfMappedViews++;
    if (Cache) {
        Area->NumberOfSystemCacheViews++;
    } else {
        Area->NumberOfUserReferences++;
    }
    MiUnlockPfn(OldIrql);
}

/* What may be the last use becomes a reference, whose end is the section's. */
void MiDereferenceSystemView(PCONTROL_AREA Area, BOOLEAN Cache)
{
    KIRQL OldIrql = MiLockPfn();

    MI_ASSERT(Area->NumberOfMappedViews != 0);
    Area->NumberOfMappedViews--;
    if (Cache) {
        MI_ASSERT(Area->NumberOfSystemCacheViews != 0);
        Area->NumberOfSystemCacheViews--;
    } else {
        MI_ASSERT(Area->NumberOfUserReferences != 0);
        Area->NumberOfUserReferences--;
    }
    Area->NumberOfSectionReferences++;
    MiUnlockPfn(OldIrql);
    MiDereferenceControlArea(Area);
}
