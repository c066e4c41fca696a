/* SPDX-License-Identifier: MIT */
/*
 * system_view.c - pages of sections in the system half.
 *
 *     state      its PTE                        the section's page
 *     unmapped   zero
 *     named      names the prototype PTE        anything
 *     mapped     valid, for the kernel alone    has a frame, Active, with a share for this PTE
 *
 *     from       to         by
 *     unmapped   named      MiMapSystemPages
 *     named      mapped     MiMapSystemViewPage, MiInsertSystemViewPage: the fault
 *     mapped     named      MiTrimSystemViewPage
 *     any        unmapped   MiUnmapSystemPages
 *
 * So mapping touches no page of the section.  Page tables are made when something is first mapped
 * in them, and stay: most machines never use all of the cache's addresses.  They need no share for
 * a page, since they never go.
 *
 * What a unit shows stands in a table beside the PTEs: a PTE leads to a page, not to its section.
 *
 * Dirty is kept in the PTE; whoever takes a PTE away moves it to the frame.  So does a flush, for
 * pages that stay mapped: the cache tells of its own views (MmSetAddressRangeModified), the others
 * are looked for here.  For that MiPfnLock is enough: units and PTEs that are not valid may be
 * changing, those that are valid are not.
 *
 * Invariants (MiVerifySystemViews, MiVerifySections):
 *   K1  the PTEs of a unit that shows something name, or map, the prototype PTEs of consecutive
 *       pages of its section, writable unless the unit is read-only; from the view's last page on
 *       they are zero.  In other units none names or maps a page of a section
 *   K2  Resident of MiSystemViewCounters is the number of valid ones; each has an entry in the
 *       system's working set.  Views and CacheViews are those in the table
 *   K3  a control area counts each view
 *
 * Locking: MiSystemWorkingSetMutex; MiPfnLock for frames, and for PTEs that are valid.
 */
#include "mm/section/system_view.h"

#include "arch/mmu.h"
#include "ex.h"
#include "mi_assert.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/pool/paged_page.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"

#define MIP_VIEW_TAG         0x7653694Du /* 'MiSv' */
#define MIP_SYSTEM_SHIFT     16          /* 64 KB */
#define MIP_CACHE_SHIFT      18          /* 256 KB */
#define MIP_PAGES_UNDER_LOCK 64u

/* A region of views. */
typedef struct _MIP_SPACE {
    MI_REGION Region;
    ULONG Shift; /* of a unit's bytes */
} MIP_SPACE;

#define MIP_SPACES       3u
#define MIP_SYSTEM_SPACE 1u /* not the cache's */

static const MIP_SPACE MipSpaces[MIP_SPACES] = {
    {MiRegionSystemCache, MIP_CACHE_SHIFT},
    {MiRegionSystemViews, MIP_SYSTEM_SHIFT},
    {MiRegionCacheExtension, MIP_CACHE_SHIFT},
};

static PMI_SYSTEM_VIEW MipUnits[MIP_SPACES]; /* (I) of each region, by address */

MI_SYSTEM_VIEW_COUNTERS MiSystemViewCounters;

/* ---- the table ---- */

static ULONG MipUnitCount(ULONG Space)
{
    return MiLayout.Region[MipSpaces[Space].Region].Bytes >> MipSpaces[Space].Shift;
}

NTSTATUS MiInitializeSystemViews(void)
{
    ULONG Total = 0;
    PMI_SYSTEM_VIEW Units;
    ULONG Space;

    for (Space = 0; Space < MIP_SPACES; Space++) {
        Total += MipUnitCount(Space);
    }
    Units = ExAllocatePoolWithTag(NonPagedPool, Total * sizeof(MI_SYSTEM_VIEW), MIP_VIEW_TAG);
    if (Units == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Units, 0, Total * sizeof(MI_SYSTEM_VIEW));
    memset(&MiSystemViewCounters, 0, sizeof(MiSystemViewCounters));
    for (Space = 0; Space < MIP_SPACES; Space++) {
        MipUnits[Space] = Units;
        Units += MipUnitCount(Space);
    }
    return STATUS_SUCCESS;
}

/* => MiIsSystemViewVa.  Its region. */
static ULONG MipSpaceOf(ULONG_PTR Va)
{
    ULONG Space = 0;

    while (!MiIsInRegion(MipSpaces[Space].Region, Va)) {
        Space++;
        MI_ASSERT(Space < MIP_SPACES);
    }
    return Space;
}

static PMI_SYSTEM_VIEW MipUnitOf(ULONG Space, ULONG_PTR Va)
{
    ULONG_PTR Offset = Va - MiLayout.Region[MipSpaces[Space].Region].Start;

    return MipUnits[Space] + (Offset >> MipSpaces[Space].Shift);
}

PMI_SYSTEM_VIEW MiFindSystemView(ULONG_PTR Va)
{
    return MipUnitOf(MipSpaceOf(Va), Va);
}

/* => Va's unit shows something.  The number of its page in the section. */
static ULONG MipPageOf(ULONG_PTR Va)
{
    ULONG Space = MipSpaceOf(Va);
    ULONG InUnit = (ULONG)(Va >> PAGE_SHIFT) & ((1u << (MipSpaces[Space].Shift - PAGE_SHIFT)) - 1);

    return MipUnitOf(Space, Va)->FirstPage + InUnit;
}

MI_SYSTEM_VIEW MiQuerySystemView(ULONG_PTR Va)
{
    MI_SYSTEM_VIEW View;

    if (MipUnits[0] == NULL) {
        return (MI_SYSTEM_VIEW){.ControlArea = NULL}; /* before the start */
    }
    View = *MiFindSystemView(Va);
    View.FirstPage = MipPageOf(Va);
    return View;
}

PMMPTE MiSystemViewPrototype(ULONG_PTR Va)
{
    PCONTROL_AREA Area = MiFindSystemView(Va)->ControlArea;
    ULONG Page = MipPageOf(Va);

    return Page < Area->Segment->TotalNumberOfPtes ? MiSectionPrototype(Area, Page) : NULL;
}

BOOLEAN MiIsSystemViewCommitted(ULONG_PTR Va)
{
    const SEGMENT *Segment = MiFindSystemView(Va)->ControlArea->Segment;

    return Segment->Committed.Buffer == NULL || RtlTestBit(&Segment->Committed, MipPageOf(Va));
}

/* ---- who uses a section: K3 ---- */

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

/* ---- mapping and unmapping ---- */

static void MipCountView(ULONG Space, BOOLEAN Mapped)
{
    PULONG Count = MipSpaces[Space].Region == MiRegionSystemViews
                       ? &MiSystemViewCounters.Views
                       : &MiSystemViewCounters.CacheViews;

    *Count += Mapped ? 1u : 0xFFFFFFFFu;
    MiSystemViewCounters.Changes++;
}

/* A file that grew has its prototype PTEs in several pieces. */
static void MipNamePages(PCONTROL_AREA Area, ULONG Page, PMMPTE Pte, ULONG Pages)
{
    PMMPTE End = Pte + Pages;
    ULONG Run = 0;
    PMMPTE Proto = NULL;

    for (; Pte < End; Pte++, Proto++, Page++, Run--) {
        if (Run == 0) {
            Proto = MiSectionRun(Area, Page, &Run);
        }
        MiWritePte(Pte, MiMakePrototypePte(Proto));
    }
}

void MiMapSystemPages(MI_SYSTEM_VIEW Unit, ULONG_PTR Va, ULONG Pages)
{
    ULONG Space = MipSpaceOf(Va);
    ULONG InUnit = 1u << (MipSpaces[Space].Shift - PAGE_SHIFT);
    PMI_SYSTEM_VIEW Place = MipUnitOf(Space, Va);
    ULONG End = Unit.FirstPage + Pages;

    MI_ASSERT(Pages != 0 && End <= Unit.ControlArea->Segment->TotalNumberOfPtes);
    MipNamePages(Unit.ControlArea, Unit.FirstPage, MiGetPteAddress(Va), Pages);
    for (; Unit.FirstPage < End; Unit.FirstPage += InUnit, Place++) {
        MI_ASSERT(Place->ControlArea == NULL);
        *Place = Unit;
    }
    MipCountView(Space, TRUE);
}

static void MipKeepDirty(MMPTE Old) NT_HOLDS(MiPfnLock)
{
    if (Old.Hard.Dirty) {
        MiSetFrameModified(Old.Hard.PageFrameNumber, TRUE);
    }
}

/* Pte, which mapped a page, holds New from now on.  Flushed before the frame can be another's. */
static void MipLeavePage(PMMPTE Pte, MMPTE New) NT_HOLDS(MiPfnLock)
{
    ULONG_PTR Va = MiGetVaMappedByPte(Pte);
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;

    MiWritePte(Pte, New);
    KeFlushSingleTb(Va);
    MipKeepDirty(Old);
    MiRemoveWsle(&MiSystemCacheWorkingSet, Va, Frame); /* K2 */
    MiSystemViewCounters.Resident--;
    MiSystemViewCounters.Changes++;
    MiLeaveFrame(Frame);
}

static BOOLEAN MipIsAnyValid(PMMPTE Pte, ULONG Pages)
{
    ULONG i;

    for (i = 0; i < Pages && !MiReadPte(Pte + i).Hard.Valid; i++) {
        continue;
    }
    return i < Pages;
}

static void MipLeavePages(PMMPTE Pte, ULONG Pages)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG i;

    for (i = 0; i < Pages; i++) {
        if (MiReadPte(Pte + i).Hard.Valid) {
            MipLeavePage(Pte + i, MiMakeZeroPte());
        }
    }
    MiUnlockPfn(OldIrql);
}

static void MipUnmapPages(PMMPTE Pte, ULONG Pages)
{
    while (Pages != 0) {
        ULONG Some = Pages < MIP_PAGES_UNDER_LOCK ? Pages : MIP_PAGES_UNDER_LOCK;

        if (MipIsAnyValid(Pte, Some)) {
            MipLeavePages(Pte, Some);
        }
        memset(Pte, 0, Some * sizeof(MMPTE)); /* none of them is valid any more */
        Pte += Some;
        Pages -= Some;
    }
}

void MiUnmapSystemPages(ULONG_PTR Va, ULONG Bytes)
{
    ULONG Space = MipSpaceOf(Va);
    PMI_SYSTEM_VIEW Unit = MipUnitOf(Space, Va);
    PMI_SYSTEM_VIEW End = Unit + (Bytes >> MipSpaces[Space].Shift);

    MipUnmapPages(MiGetPteAddress(Va), Bytes >> PAGE_SHIFT);
    for (; Unit < End; Unit++) {
        MI_ASSERT(Unit->ControlArea != NULL);
        *Unit = (MI_SYSTEM_VIEW){.ControlArea = NULL};
    }
    MipCountView(Space, FALSE);
}

/* ---- pages become mapped ---- */

/* => Of a view's PTE: one that maps frame 0 there. */
static MMPTE MipTemplate(const MMPTE *Pte)
{
    ULONG_PTR Va = MiGetVaMappedByPte((PMMPTE)(ULONG_PTR)Pte);
    const MI_SYSTEM_VIEW *Unit = MiFindSystemView(Va);
    MI_CACHE_ATTRIBUTE Attribute = Unit->ControlArea->u.Flags.NoCache ? MiNonCached : MiCached;

    return Unit->ReadOnly ? MiMakeKernelTemplate(MiKernelReadOnly, Attribute)
                          : MiMakeSystemViewPte(0, Attribute);
}

/* => The frame has the share, the working set an entry to spare.  MipCountMapped follows. */
static inline void MipMapOneOf(PMMPTE Pte, MMPTE Template, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    MI_PFN(Frame)->u3.e1.CacheAttribute = (USHORT)MiPteCacheAttribute(Template);
    MiWritePte(Pte, MiMakeFramePte(Template, Frame));
    MiTakeWsle(MiSystemCacheWorkingSet.VmWorkingSetList, MiGetVaMappedByPte(Pte), Frame, 0);
}

/* K2 */
static inline void MipCountMapped(ULONG Count) NT_HOLDS(MiPfnLock)
{
    MiCountNewWsles(&MiSystemCacheWorkingSet, Count);
    MiSystemViewCounters.Changes++;
    MiSystemViewCounters.Resident += Count;
    if (MiSystemViewCounters.PeakResident < MiSystemViewCounters.Resident) {
        MiSystemViewCounters.PeakResident = MiSystemViewCounters.Resident;
    }
}

static void MipMap(PMMPTE Pte, MMPTE Template, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    MipMapOneOf(Pte, Template, Frame);
    MipCountMapped(1);
}

NTSTATUS MiMapSystemViewPage(PMMPTE Pte, PMMPTE Proto)
{
    NTSTATUS Status = MiReserveSharedWsle(&MiSystemCacheWorkingSet);
    PFN_NUMBER Frame;
    KIRQL OldIrql;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OldIrql = MiLockPfn();
    Status = MiShareFrame(Proto, &Frame);
    if (NT_SUCCESS(Status)) {
        MipMap(Pte, MipTemplate(Pte), Frame);
    }
    MiUnlockPfn(OldIrql);
    return Status == STATUS_NOT_FOUND ? STATUS_SUCCESS : Status;
}

/* Named pages behind one that was mapped, while they have frames. */
static ULONG MipMapBehind(PMMPTE Pte, PMMPTE Proto, MMPTE Template, ULONG Most) NT_HOLDS(MiPfnLock)
{
    const MMPTE *First = Pte + 1;
    const MMPTE *End = First + Most;
    PFN_NUMBER Frame;

    Template.Hard.Accessed = 0;
    while (++Pte < End && MiReadPte(Pte).Long == MiMakePrototypePte(++Proto).Long &&
           NT_SUCCESS(MiShareFrame(Proto, &Frame))) {
        MipMapOneOf(Pte, Template, Frame);
    }
    return (ULONG)(Pte - First);
}

NTSTATUS MiMapResidentSystemPages(PMMPTE Pte, PMMPTE Proto, ULONG Most, PULONG Behind)
{
    MMPTE Template = MipTemplate(Pte);
    NTSTATUS Status = STATUS_NOT_FOUND;
    KIRQL OldIrql = MiLockPfn();
    MMPTE Page = MiReadPte(MiGetPteAddress((ULONG_PTR)Proto));
    PFN_NUMBER Frame;

    if (Page.Hard.Valid) {
        MI_PFN(Page.Hard.PageFrameNumber)->u2.ShareCount++; /* a pin, for the moment */
        Status = MiShareFrame(Proto, &Frame);
        if (NT_SUCCESS(Status)) {
            MipMapOneOf(Pte, Template, Frame);
            *Behind = Most == 1 ? 0 : MipMapBehind(Pte, Proto, Template, Most - 1);
            MipCountMapped(1 + *Behind);
        }
        MI_PFN(Page.Hard.PageFrameNumber)->u2.ShareCount--; /* not the last: it is valid */
    }
    MiUnlockPfn(OldIrql);
    return Status;
}

NTSTATUS MiInsertSystemViewPage(PMMPTE Pte, PMMPTE Proto, PFN_NUMBER Frame, BOOLEAN Modified)
{
    NTSTATUS Status = MiReserveSharedWsle(&MiSystemCacheWorkingSet);
    MI_PTE_KIND Kind;
    KIRQL OldIrql;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OldIrql = MiLockPfn();
    Kind = MiPrototypePteKind(MiReadPte(Proto));
    if (Kind == MiPteValid || Kind == MiPteTransition) {
        Status = STATUS_ALREADY_COMMITTED;
    } else {
        MI_ASSERT(Modified || Kind == MiPteDemandZero);
        MiInsertFrame(Proto, Frame);
        if (Modified) {
            MiSetFrameModified(Frame, TRUE);
        }
        MipMap(Pte, MipTemplate(Pte), Frame);
    }
    MiUnlockPfn(OldIrql);
    return Status;
}

/* ---- and cease to be ---- */

/* As paged pool: who locks a page may touch it at its address, at raised IRQL. */
BOOLEAN MiTrimSystemViewPage(PMMSUPPORT WorkingSet, ULONG_PTR Va)
{
    PMMPTE Pte = MiGetPteAddress(Va);
    KIRQL OldIrql = MiLockPfn();
    PMMPFN Pfn = MI_PFN(MiReadPte(Pte).Hard.PageFrameNumber);
    BOOLEAN Goes = Pfn->u3.e2.ReferenceCount <= 1u + Pfn->u3.e1.WriteInProgress;

    if (Goes) {
        Pfn->u4.Priority = WorkingSet->MemoryPriority;
        MipLeavePage(Pte, MiMakePrototypePte(Pfn->PteAddress));
        MiSystemViewCounters.Trims++;
    }
    MiUnlockPfn(OldIrql);
    return Goes;
}

/* ---- what was written ---- */

BOOLEAN MiMoveSystemPageDirty(PMMPTE Pte)
{
    MMPTE Entry = MiReadPte(Pte);

    if (!Entry.Hard.Valid || !Entry.Hard.Dirty) {
        return FALSE;
    }
    Entry.Hard.Dirty = 0;
    MiWritePte(Pte, Entry);
    KeFlushSingleTb(MiGetVaMappedByPte(Pte)); /* else the next write would not set it */
    MiSetFrameModified(Entry.Hard.PageFrameNumber, TRUE);
    return TRUE;
}

/* => First to End are pages of the section that the unit may show. */
static void MipMoveUnitDirty(const MI_SYSTEM_VIEW *Unit, ULONG_PTR Va, ULONG First, ULONG End)
    NT_HOLDS(MiPfnLock)
{
    PMMPTE Pte = MiGetPteAddress(Va);
    ULONG Page;

    for (Page = First; Page < End; Page++) {
        (void)MiMoveSystemPageDirty(Pte + (Page - Unit->FirstPage));
    }
}

void MiMoveSystemViewDirty(const CONTROL_AREA *Area, ULONG First, ULONG Count)
{
    const ULONG InUnit = 1u << (MIP_SYSTEM_SHIFT - PAGE_SHIFT);
    ULONG End = First + Count;
    ULONG i;

    for (i = 0; i < MipUnitCount(MIP_SYSTEM_SPACE); i++) {
        const MI_SYSTEM_VIEW *Unit = MipUnits[MIP_SYSTEM_SPACE] + i;
        ULONG_PTR Va =
            MiLayout.Region[MiRegionSystemViews].Start + ((ULONG_PTR)i << MIP_SYSTEM_SHIFT);

        if (Unit->ControlArea == Area && Unit->FirstPage < End &&
            Unit->FirstPage + InUnit > First) {
            MipMoveUnitDirty(Unit, Va, First > Unit->FirstPage ? First : Unit->FirstPage,
                             End < Unit->FirstPage + InUnit ? End : Unit->FirstPage + InUnit);
        }
    }
}

/* ---- looking at all of them ---- */

void MiVisitSystemUnits(MI_VISIT_UNIT *Visit, PVOID Context)
{
    ULONG Space;
    ULONG i;

    for (Space = 0; Space < MIP_SPACES; Space++) {
        ULONG Pages = 1u << (MipSpaces[Space].Shift - PAGE_SHIFT);

        for (i = 0; i < MipUnitCount(Space); i++) {
            ULONG_PTR Va = MiLayout.Region[MipSpaces[Space].Region].Start +
                           ((ULONG_PTR)i << MipSpaces[Space].Shift);

            if (MiReadPte(MiGetPdeAddress(Va)).Hard.Valid) {
                Visit(MipUnits[Space] + i, Va, Pages, Context);
            }
        }
    }
}
