/* SPDX-License-Identifier: MIT */
/*
 * section_verify.c - C1 to C3 of segment.c, R1 and R2 of prototype_pte.c, X2 of view_page.c: all
 * control areas, against the sums over all processes and the views in the system half.
 *
 * Pages of prototype PTEs that are out are brought in, one after the other, which may trim; other
 * threads may fault, map and trim meanwhile.  Sums are judged only when nothing changed since the
 * first was gathered.
 */
#include "io_objects.h"
#include "mi_assert.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/section/system_view.h"
#include "mm/space/page_table.h"
#include "mm/space/prototype_pte.h"
#include "mm/space/space_verify.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"
#include "nt/bugcodes.h"

#define MIP_OUT_OF_STEP 0x403u

typedef struct _MIP_SUMS {
    ULONG Changes; /* MiPrototypeChanges at the start */
    MI_VIEW_SUMS Views;
    MI_PROTOTYPE_SLOTS Slots;
    ULONG Committed;
    ULONG Frames; /* of one area: those whose page is in a file */
} MIP_SUMS, *PMIP_SUMS;

static void MipRequire(BOOLEAN Holds, PMMPTE Proto, PFN_NUMBER Frame)
{
    if (!Holds) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_OUT_OF_STEP, (ULONG_PTR)Proto, MiReadPte(Proto).Long,
                     Frame);
    }
}

/* ---- prototype PTEs ---- */

/* What a frame says of where its page is: in the file of its subsection, or nowhere, or a slot. */
static BOOLEAN MipOriginalBelongs(MMPTE Original, const MMPTE *Proto)
{
    const SUBSECTION *Subsection;

    if (!MiIsSubsectionPte(Original)) {
        return TRUE;
    }
    Subsection = MiSubsectionAddress(Original);
    return Subsection->ControlArea->u.Flags.File &&
           (ULONG)(Proto - Subsection->SubsectionBase) < Subsection->PtesInSubsection;
}

/* R1 */
static void MipVerifyFrame(PMMPTE Proto, MMPTE Pte, PMIP_SUMS Sums) NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Frame = Pte.Hard.PageFrameNumber;
    const MMPFN *Pfn = MI_PFN(Frame);

    MipRequire(MiIsRamFrame(Frame) && Pfn->PteAddress == Proto && Pfn->u3.e1.PrototypePte &&
                   !Pfn->u3.e1.LockCharged && MipOriginalBelongs(Pfn->OriginalPte, Proto) &&
                   Pfn->u4.PteFrame == MiTableFrame(Proto) &&
                   (Pfn->u3.e1.PageLocation == ActiveAndValid) == (Pte.Hard.Valid != 0),
               Proto, Frame);
    MipRequire(Pfn->u3.e1.PageLocation != StandbyPageList || !Pfn->u3.e1.Modified, Proto, Frame);
    Sums->Frames += MiIsSubsectionPte(Pfn->OriginalPte);
    if (Pte.Hard.Valid) {
        Sums->Views.Mapped += Pfn->u2.ShareCount;
        Sums->Views.FrameHash += Pfn->u2.ShareCount * MiCloneHash(Frame);
    }
}

/* => Returns whether the prototype PTE has a frame. */
static BOOLEAN MipVerifyPrototype(PMMPTE Proto, PMIP_SUMS Sums) NT_HOLDS(MiPfnLock)
{
    MMPTE Pte = MiReadPte(Proto);

    switch (MiPrototypePteKind(Pte)) {
    case MiPteValid:
    case MiPteTransition:
        MipVerifyFrame(Proto, Pte, Sums);
        return TRUE;
    case MiPtePagefile:
        Sums->Slots.Slots++;
        Sums->Slots.Hashes += MiSlotHash(MiPteFile(Pte), MiPteSlot(Pte));
        return FALSE;
    case MiPteDemandZero:
        return FALSE;
    case MiPteSubsection:
        MipRequire(MipOriginalBelongs(Pte, Proto), Proto, 0);
        return FALSE;
    case MiPteZero:
    case MiPteLarge:
    case MiPtePrototype:
    case MiPteList:
        break;
    }
    MipRequire(FALSE, Proto, 0);
    return FALSE;
}

/* => All of them lie in one page, which has a share for each frame, its own, and the pin. */
static void MipVerifyRun(PMMPTE First, ULONG Count, PMIP_SUMS Sums)
{
    ULONG Frames = 0;
    KIRQL OldIrql;
    ULONG i;

    MiPinPrototype(First);
    OldIrql = MiLockPfn();
    for (i = 0; i < Count; i++) {
        Frames += MipVerifyPrototype(First + i, Sums);
    }
    MipRequire(MI_PFN(MiTableFrame(First))->u2.ShareCount >= 2 + Frames, First,
               MiTableFrame(First));
    MiUnlockPfn(OldIrql);
    MiUnpinPrototype(First);
}

static void MipVerifyPrototypes(PMMPTE First, ULONG Count, PMIP_SUMS Sums)
{
    while (Count != 0) {
        ULONG InPage = (PAGE_SIZE - (ULONG)BYTE_OFFSET(First)) / (ULONG)sizeof(MMPTE);
        ULONG Run = Count < InPage ? Count : InPage;

        MipVerifyRun(First, Run, Sums);
        First += Run;
        Count -= Run;
    }
}

/* ---- control areas ---- */

/* => Whether sums that were gathered so far belong together. */
static BOOLEAN MipHasStoodStill(const MIP_SUMS *Sums)
{
    KIRQL OldIrql = MiLockPfn();
    BOOLEAN Same = MiPrototypeChanges == Sums->Changes && MiUnusedSegments == 0;

    MiUnlockPfn(OldIrql);
    return Same;
}

/* => Of an image: pages that everybody sees when they are written to. */
static ULONG MipCountShared(PCONTROL_AREA Area)
{
    const SUBSECTION *Subsection = MiFirstSubsection(Area);
    ULONG Pages = 0;

    for (; Subsection != NULL; Subsection = Subsection->NextSubsection) {
        if (MiIsWritable(Subsection->Protection) && !MiIsCopyOnWrite(Subsection->Protection)) {
            Pages += Subsection->PtesInSubsection - Subsection->UnusedPtes;
        }
    }
    return Pages;
}

/* C2 */
static void MipVerifyCommitment(PCONTROL_AREA Area, PMIP_SUMS Sums)
{
    const SEGMENT *Segment = Area->Segment;
    ULONG Committed = Area->u.Flags.File ? 0 : Segment->TotalNumberOfPtes;

    MI_ASSERT((Segment->Committed.Buffer != NULL) == Area->u.Flags.Reserve);
    if (Area->u.Flags.Image) {
        Committed = MipCountShared(Area);
    }
    if (Area->u.Flags.Reserve) {
        Committed = RtlNumberOfSetBits(&Segment->Committed);
    }
    MI_ASSERT(Committed == Segment->NumberOfCommittedPages || !MipHasStoodStill(Sums));
    Sums->Committed += Committed;
}

/* C3.  => Of a file. */
static BOOLEAN MipIsFound(const CONTROL_AREA *Area)
{
    const SECTION_OBJECT_POINTERS *Pointers = Area->FilePointer->SectionObjectPointer;
    PVOID Found = Area->u.Flags.Image ? Pointers->ImageSectionObject : Pointers->DataSectionObject;

    return Found == Area || Area->u.Flags.DeleteOnClose;
}

/* C1 */
static void MipVerifyCounts(const CONTROL_AREA *Area, PMIP_SUMS Sums)
{
    ULONG Users = Area->NumberOfMappedViews - Area->NumberOfSystemCacheViews;
    KIRQL OldIrql = MiLockPfn();

    MI_ASSERT(Area->Segment->ControlArea == Area && !Area->u.Flags.BeingDeleted);
    MI_ASSERT(Area->NumberOfSectionReferences != 0 || Area->NumberOfMappedViews != 0);
    MI_ASSERT(Area->NumberOfSystemCacheViews <= Area->NumberOfMappedViews &&
              Area->NumberOfUserReferences >= Users &&
              Area->NumberOfUserReferences <= Users + Area->NumberOfSectionReferences);
    MI_ASSERT((Area->FilePointer != NULL) == Area->u.Flags.File);
    MI_ASSERT(Area->FilePointer == NULL || MipIsFound(Area));
    MI_ASSERT((Area->Segment->Image != NULL) == Area->u.Flags.Image);
    Sums->Views.Views += Area->NumberOfMappedViews;
    Sums->Views.AreaHash += Area->NumberOfMappedViews * MiViewHash(Area);
    MiUnlockPfn(OldIrql);
}

/* All subsections.  => Somebody else may change pages meanwhile: then C3 is not looked at. */
static void MipVerifyArea(PCONTROL_AREA Area, PMIP_SUMS Sums)
{
    ULONG Changes = __atomic_load_n(&MiFilePageChanges, __ATOMIC_RELAXED);
    const SUBSECTION *Subsection;
    ULONG Pages = 0;

    MipVerifyCounts(Area, Sums);
    MipVerifyCommitment(Area, Sums);
    Sums->Frames = 0;
    for (Subsection = MiFirstSubsection(Area); Subsection != NULL;
         Subsection = Subsection->NextSubsection) {
        MI_ASSERT(Subsection->ControlArea == Area &&
                  Subsection->UnusedPtes <= Subsection->PtesInSubsection);
        MipVerifyPrototypes(Subsection->SubsectionBase, Subsection->PtesInSubsection, Sums);
        Pages += Subsection->PtesInSubsection;
    }
    MI_ASSERT(Pages == Area->Segment->TotalNumberOfPtes);
    MI_ASSERT(Area->NumberOfPfnReferences == (Area->u.Flags.File ? Sums->Frames : 0) ||
              Changes != __atomic_load_n(&MiFilePageChanges, __ATOMIC_RELAXED)); /* C3 */
}

BOOLEAN MiVerifySections(const MI_VIEW_SUMS *Views, ULONG Changes)
{
    ULONG SystemChanges = __atomic_load_n(&MiSystemViewCounters.Changes, __ATOMIC_RELAXED);
    MIP_SUMS Sums = {.Changes = Changes};
    MI_VIEW_SUMS All = *Views;
    BOOLEAN Judged;
    PCONTROL_AREA Area;
    KIRQL OldIrql;

    MiVerifyBasedSections();
    MiDeleteUnusedSegments();
    for (Area = MiNextControlArea(NULL); Area != NULL; Area = MiNextControlArea(Area)) {
        MipVerifyArea(Area, &Sums);
    }
    MiAddSystemViews(&All);
    OldIrql = MiLockPfn();
    Judged = MiPrototypeChanges == Changes && MiUnusedSegments == 0 &&
             MiSystemViewCounters.Changes == SystemChanges;
    if (Judged) {
        MI_ASSERT(memcmp(&Sums.Views, &All, sizeof(All)) == 0); /* C1, X2, K3 */
        MI_ASSERT(Sums.Committed == MiSharedCommit);            /* C2 */
        MI_ASSERT(Sums.Slots.Slots == MiPrototypeSlots.Slots &&
                  Sums.Slots.Hashes == MiPrototypeSlots.Hashes); /* R2 */
    }
    MiUnlockPfn(OldIrql);
    return Judged;
}
