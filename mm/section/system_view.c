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
 *       system's working set, or the session's.  Views and CacheViews are those in the table
 *   K3  a control area counts each view
 *
 * Sessions have such views, too, each in its own space, with its own working set and counters.
 *
 * Locking: the mutex of the working set; MiPfnLock for frames, and for PTEs that are valid.
 */
#include "mm/section/system_view.h"

#include "arch/mmu.h"
#include "ex.h"
#include "mi_assert.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/pool/paged_page.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"

#define MIP_VIEW_TAG         0x7653694Du /* 'MiSv' */
#define MIP_CACHE_SHIFT      18          /* 256 KB */
#define MIP_PAGES_UNDER_LOCK 64u

#define MIP_SPACES           3u
#define MIP_SYSTEM_SPACE     1u /* not the cache's */

static const MI_REGION MipRegions[MIP_SPACES] = {MiRegionSystemCache, MiRegionSystemViews,
                                                 MiRegionCacheExtension};

static MI_VIEW_SPACE MipSpaces[MIP_SPACES];                  /* (I) */
static LIST_ENTRY MipSessionSpaces NT_GUARDED_BY(MiPfnLock); /* by Links */

MI_SYSTEM_VIEW_COUNTERS MiSystemViewCounters;

/* ---- the table ---- */

static void MipDescribeSpace(PMI_VIEW_SPACE Space, MI_REGION Region)
{
    *Space = (MI_VIEW_SPACE){
        .Start = MiLayout.Region[Region].Start,
        .Bytes = MiLayout.Region[Region].Bytes,
        .Shift = Region == MiRegionSystemViews ? MI_SYSTEM_VIEW_SHIFT : MIP_CACHE_SHIFT,
        .Cache = Region != MiRegionSystemViews,
        .WorkingSet = &MiSystemCacheWorkingSet,
        .Counters = &MiSystemViewCounters,
    };
}

static void MipForgetSessionSpaces(void)
{
    KIRQL OldIrql = MiLockPfn();

    InitializeListHead(&MipSessionSpaces);
    MiUnlockPfn(OldIrql);
}

NTSTATUS MiInitializeSystemViews(void)
{
    ULONG Total = 0;
    PMI_SYSTEM_VIEW Units;
    ULONG Space;

    for (Space = 0; Space < MIP_SPACES; Space++) {
        MipDescribeSpace(&MipSpaces[Space], MipRegions[Space]);
        Total += MiViewSpaceUnits(&MipSpaces[Space]);
    }
    MipForgetSessionSpaces();
    Units = ExAllocatePoolWithTag(NonPagedPool, Total * sizeof(MI_SYSTEM_VIEW), MIP_VIEW_TAG);
    if (Units == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Units, 0, Total * sizeof(MI_SYSTEM_VIEW));
    memset(&MiSystemViewCounters, 0, sizeof(MiSystemViewCounters));
    for (Space = 0; Space < MIP_SPACES; Space++) {
        MipSpaces[Space].Units = Units;
        Units += MiViewSpaceUnits(&MipSpaces[Space]);
    }
    return STATUS_SUCCESS;
}

PMI_VIEW_SPACE MiSystemViewSpace(void)
{
    return &MipSpaces[MIP_SYSTEM_SPACE];
}

void MiInsertViewSpace(PMI_VIEW_SPACE Space)
{
    KIRQL OldIrql = MiLockPfn();

    InsertTailList(&MipSessionSpaces, &Space->Links);
    MiUnlockPfn(OldIrql);
}

void MiRemoveViewSpace(PMI_VIEW_SPACE Space)
{
    KIRQL OldIrql = MiLockPfn();

    RemoveEntryList(&Space->Links);
    MiUnlockPfn(OldIrql);
}

PMI_VIEW_SPACE MiFindViewSpace(ULONG_PTR Va)
{
    PMI_VIEW_SPACE Space;

    for (Space = MipSpaces; Space < MipSpaces + MIP_SPACES; Space++) {
        if (Va - Space->Start < Space->Bytes) {
            return Space;
        }
    }
    MI_ASSERT(MiIsSessionVa(Va));
    return MiCurrentSession()->Views;
}

static PMI_SYSTEM_VIEW MipUnitOf(const MI_VIEW_SPACE *Space, ULONG_PTR Va)
{
    return Space->Units + ((Va - Space->Start) >> Space->Shift);
}

PMI_SYSTEM_VIEW MiFindSystemView(ULONG_PTR Va)
{
    return MipUnitOf(MiFindViewSpace(Va), Va);
}

static ULONG MipUnitPages(const MI_VIEW_SPACE *Space)
{
    return 1u << (Space->Shift - PAGE_SHIFT);
}

/* => Va's unit shows something.  The number of its page in the section. */
static ULONG MipPageOf(ULONG_PTR Va)
{
    const MI_VIEW_SPACE *Space = MiFindViewSpace(Va);

    return MipUnitOf(Space, Va)->FirstPage +
           (ULONG)((Va - Space->Start) >> PAGE_SHIFT) % MipUnitPages(Space);
}

MI_SYSTEM_VIEW MiQuerySystemView(ULONG_PTR Va)
{
    MI_SYSTEM_VIEW View;

    if (MipSpaces[0].Units == NULL) {
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

/* ---- mapping and unmapping ---- */

/* Of all spaces together: who adds up views of all sections wants to know that they stood still. */
static void MipCountChange(void)
{
    __atomic_add_fetch(&MiSystemViewCounters.Changes, 1, __ATOMIC_RELAXED);
}

static void MipCountView(const MI_VIEW_SPACE *Space, BOOLEAN Mapped)
{
    PULONG Count = Space->Cache ? &Space->Counters->CacheViews : &Space->Counters->Views;

    *Count += Mapped ? 1u : 0xFFFFFFFFu;
    MipCountChange();
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
    const MI_VIEW_SPACE *Space = MiFindViewSpace(Va);
    ULONG InUnit = MipUnitPages(Space);
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
    const MI_VIEW_SPACE *Space = MiFindViewSpace(Va);
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;

    MiWritePte(Pte, New);
    KeFlushSingleTb(Va);
    MipKeepDirty(Old);
    MiRemoveWsle(Space->WorkingSet, Va, Frame); /* K2 */
    Space->Counters->Resident--;
    MipCountChange();
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
    const MI_VIEW_SPACE *Space = MiFindViewSpace(Va);
    PMI_SYSTEM_VIEW Unit = MipUnitOf(Space, Va);
    PMI_SYSTEM_VIEW End = Unit + (Bytes >> Space->Shift);

    MipUnmapPages(MiGetPteAddress(Va), Bytes >> PAGE_SHIFT);
    for (; Unit < End; Unit++) {
        MI_ASSERT(Unit->ControlArea != NULL);
        *Unit = (MI_SYSTEM_VIEW){.ControlArea = NULL};
    }
    MipCountView(Space, FALSE);
}

/* ---- pages become mapped ---- */

static const MI_VIEW_SPACE *MipSpaceOf(PMMPTE Pte)
{
    return MiFindViewSpace(MiGetVaMappedByPte(Pte));
}

/* => Of a view's PTE: one that maps frame 0 there. */
static MMPTE MipTemplate(const MI_VIEW_SPACE *Space, PMMPTE Pte)
{
    const MI_SYSTEM_VIEW *Unit = MipUnitOf(Space, MiGetVaMappedByPte(Pte));
    MI_CACHE_ATTRIBUTE Attribute = Unit->ControlArea->u.Flags.NoCache ? MiNonCached : MiCached;
    MMPTE Template = Unit->ReadOnly ? MiMakeKernelTemplate(MiKernelReadOnly, Attribute)
                                    : MiMakeSystemViewPte(0, Attribute);

    return Space->Session != NULL ? MiMakeLocalPte(Template) : Template;
}

/* => The frame has the share, the working set an entry to spare.  MipCountMapped follows. */
static inline void MipMapOneOf(const MI_VIEW_SPACE *Space, PMMPTE Pte, MMPTE Template,
                               PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    MI_PFN(Frame)->u3.e1.CacheAttribute = (USHORT)MiPteCacheAttribute(Template);
    MiWritePte(Pte, MiMakeFramePte(Template, Frame));
    MiTakeWsle(Space->WorkingSet->VmWorkingSetList, MiGetVaMappedByPte(Pte), Frame, 0);
}

/* K2 */
static inline void MipCountMapped(const MI_VIEW_SPACE *Space, ULONG Count) NT_HOLDS(MiPfnLock)
{
    MI_SYSTEM_VIEW_COUNTERS *Counters = Space->Counters;

    MiCountNewWsles(Space->WorkingSet, Count);
    MipCountChange();
    Counters->Resident += Count;
    if (Counters->PeakResident < Counters->Resident) {
        Counters->PeakResident = Counters->Resident;
    }
}

static void MipMap(const MI_VIEW_SPACE *Space, PMMPTE Pte, MMPTE Template, PFN_NUMBER Frame)
    NT_HOLDS(MiPfnLock)
{
    MipMapOneOf(Space, Pte, Template, Frame);
    MipCountMapped(Space, 1);
}

NTSTATUS MiMapSystemViewPage(PMMPTE Pte, PMMPTE Proto)
{
    const MI_VIEW_SPACE *Space = MipSpaceOf(Pte);
    NTSTATUS Status = MiReserveSharedWsle(Space->WorkingSet);
    PFN_NUMBER Frame;
    KIRQL OldIrql;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OldIrql = MiLockPfn();
    Status = MiShareFrame(Proto, &Frame);
    if (NT_SUCCESS(Status)) {
        MipMap(Space, Pte, MipTemplate(Space, Pte), Frame);
    }
    MiUnlockPfn(OldIrql);
    return Status == STATUS_NOT_FOUND ? STATUS_SUCCESS : Status;
}

/* Named pages behind one that was mapped, while they have frames. */
static ULONG MipMapBehind(const MI_VIEW_SPACE *Space, PMMPTE Pte, PMMPTE Proto, MMPTE Template,
                          ULONG Most) NT_HOLDS(MiPfnLock)
{
    const MMPTE *First = Pte + 1;
    const MMPTE *End = First + Most;
    PFN_NUMBER Frame;

    Template.Hard.Accessed = 0;
    while (++Pte < End && MiReadPte(Pte).Long == MiMakePrototypePte(++Proto).Long &&
           NT_SUCCESS(MiShareFrame(Proto, &Frame))) {
        MipMapOneOf(Space, Pte, Template, Frame);
    }
    return (ULONG)(Pte - First);
}

NTSTATUS MiMapResidentSystemPages(PMMPTE Pte, PMMPTE Proto, ULONG Most, PULONG Behind)
{
    const MI_VIEW_SPACE *Space = MipSpaceOf(Pte);
    MMPTE Template = MipTemplate(Space, Pte);
    NTSTATUS Status = STATUS_NOT_FOUND;
    KIRQL OldIrql = MiLockPfn();
    MMPTE Page = MiReadPte(MiGetPteAddress((ULONG_PTR)Proto));
    PFN_NUMBER Frame;

    if (Page.Hard.Valid) {
        MI_PFN(Page.Hard.PageFrameNumber)->u2.ShareCount++; /* a pin, for the moment */
        Status = MiShareFrame(Proto, &Frame);
        if (NT_SUCCESS(Status)) {
            MipMapOneOf(Space, Pte, Template, Frame);
            *Behind = Most == 1 ? 0 : MipMapBehind(Space, Pte, Proto, Template, Most - 1);
            MipCountMapped(Space, 1 + *Behind);
        }
        MI_PFN(Page.Hard.PageFrameNumber)->u2.ShareCount--; /* not the last: it is valid */
    }
    MiUnlockPfn(OldIrql);
    return Status;
}

NTSTATUS MiInsertSystemViewPage(PMMPTE Pte, PMMPTE Proto, PFN_NUMBER Frame, BOOLEAN Modified)
{
    const MI_VIEW_SPACE *Space = MipSpaceOf(Pte);
    NTSTATUS Status = MiReserveSharedWsle(Space->WorkingSet);
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
        MipMap(Space, Pte, MipTemplate(Space, Pte), Frame);
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
        MiFindViewSpace(Va)->Counters->Trims++;
    }
    MiUnlockPfn(OldIrql);
    return Goes;
}

/* ---- what was written ---- */

/* The page tables of Space, where Va is: those that run, or a session's. */
static PMMPTE MipOpenTable(const MI_VIEW_SPACE *Space, ULONG_PTR Va, PKIRQL OldIrql)
    NT_HOLDS(MiPfnLock)
{
    MMPTE Pde;

    if (Space->Session == NULL) {
        return MiGetPteAddress(Va);
    }
    Pde = Space->Session->PageTables[MiSessionTableIndex((ULONG)(Va >> PDI_SHIFT))];
    return (PMMPTE)MiMapFrameInHyperspace(Pde.Hard.PageFrameNumber, OldIrql) +
           (Va >> PTI_SHIFT) % PTE_PER_PAGE;
}

static void MipCloseTable(const MI_VIEW_SPACE *Space, PMMPTE Pte, KIRQL OldIrql) NT_HOLDS(MiPfnLock)
{
    if (Space->Session != NULL) {
        MiUnmapFrameInHyperspace(PAGE_ALIGN(Pte), OldIrql);
    }
}

/* As MiMoveSystemPageDirty.  => Pte is Va's, wherever it is mapped; who runs may not see Va. */
static BOOLEAN MipMoveDirty(PMMPTE Pte, ULONG_PTR Va) NT_HOLDS(MiPfnLock)
{
    MMPTE Entry = MiReadPte(Pte);

    if (!Entry.Hard.Valid || !Entry.Hard.Dirty) {
        return FALSE;
    }
    Entry.Hard.Dirty = 0;
    MiWritePte(Pte, Entry);
    KeFlushSingleTb(Va); /* else the next write would not set it */
    MiSetFrameModified(Entry.Hard.PageFrameNumber, TRUE);
    return TRUE;
}

BOOLEAN MiMoveSystemPageDirty(PMMPTE Pte)
{
    return MipMoveDirty(Pte, MiGetVaMappedByPte(Pte));
}

/* => First to End are pages of the section that the unit at Va may show. */
static void MipMoveUnitDirty(const MI_VIEW_SPACE *Space, ULONG_PTR Va, ULONG First, ULONG End)
    NT_HOLDS(MiPfnLock)
{
    KIRQL OldIrql = DISPATCH_LEVEL;
    ULONG FirstPage = MipUnitOf(Space, Va)->FirstPage;
    PMMPTE Pte = MipOpenTable(Space, Va, &OldIrql); /* a unit lies in one page table */
    ULONG Page;

    for (Page = First; Page < End; Page++) {
        ULONG InUnit = Page - FirstPage;

        (void)MipMoveDirty(Pte + InUnit, Va + ((ULONG_PTR)InUnit << PAGE_SHIFT));
    }
    MipCloseTable(Space, Pte, OldIrql);
}

static void MipMoveSpaceDirty(const MI_VIEW_SPACE *Space, const CONTROL_AREA *Area, ULONG First,
                              ULONG End) NT_HOLDS(MiPfnLock)
{
    ULONG i;

    for (i = 0; i < MiViewSpaceUnits(Space); i++) {
        const MI_SYSTEM_VIEW *Unit = Space->Units + i;
        ULONG UnitEnd = Unit->FirstPage + MipUnitPages(Space);

        if (Unit->ControlArea == Area && Unit->FirstPage < End && UnitEnd > First) {
            MipMoveUnitDirty(Space, Space->Start + ((ULONG_PTR)i << Space->Shift),
                             First > Unit->FirstPage ? First : Unit->FirstPage,
                             End < UnitEnd ? End : UnitEnd);
        }
    }
}

void MiMoveSystemViewDirty(const CONTROL_AREA *Area, ULONG First, ULONG Count)
{
    PLIST_ENTRY Entry;

    MipMoveSpaceDirty(&MipSpaces[MIP_SYSTEM_SPACE], Area, First, First + Count);
    for (Entry = MipSessionSpaces.Flink; Entry != &MipSessionSpaces; Entry = Entry->Flink) {
        const MI_VIEW_SPACE *Space = CONTAINING_RECORD(Entry, MI_VIEW_SPACE, Links);

        if (Space->Counters->Views != 0) {
            MipMoveSpaceDirty(Space, Area, First, First + Count);
        }
    }
}

/* ---- looking at all of them ---- */

void MiVisitUnits(const MI_VIEW_SPACE *Space, MI_VISIT_UNIT *Visit, PVOID Context)
{
    ULONG i;

    for (i = 0; i < MiViewSpaceUnits(Space); i++) {
        ULONG_PTR Va = Space->Start + ((ULONG_PTR)i << Space->Shift);

        if (MiReadPte(MiGetPdeAddress(Va)).Hard.Valid) {
            Visit(Space->Units + i, Va, MipUnitPages(Space), Context);
        }
    }
}

void MiVisitSystemUnits(MI_VISIT_UNIT *Visit, PVOID Context)
{
    ULONG Space;

    for (Space = 0; Space < MIP_SPACES; Space++) {
        MiVisitUnits(&MipSpaces[Space], Visit, Context);
    }
}
