/* SPDX-License-Identifier: MIT */
/*
 * system_view_verify.c - K1 and K2 of system_view.c, and what views in the system half add to the
 * sums that section_verify.c compares: K3.
 */
#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/section/system_view.h"
#include "mm/sysva/pte_kind.h"
#include "nt/bugcodes.h"

#define MIP_OUT_OF_STEP 0x403u

/* K1 for one page.  => Whether it is mapped. */
static BOOLEAN MipVerifyPage(PMMPTE Pte, PMMPTE Proto, BOOLEAN ReadOnly) NT_HOLDS(MiPfnLock)
{
    MMPTE Entry = MiReadPte(Pte);
    const MMPFN *Pfn = MI_PFN(Entry.Hard.PageFrameNumber);
    BOOLEAN Holds = Entry.Long == MiMakePrototypePte(Proto).Long;

    if (Entry.Hard.Valid) {
        Holds = MiIsRamFrame(Entry.Hard.PageFrameNumber) && Pfn->u3.e1.PrototypePte &&
                Pfn->PteAddress == Proto && !Entry.Hard.Owner && Entry.Hard.Write == !ReadOnly &&
                (Entry.Hard.Write || !Entry.Hard.Dirty);
    }
    if (!Holds) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_OUT_OF_STEP, (ULONG_PTR)Pte, Entry.Long,
                     Entry.Hard.PageFrameNumber);
    }
    return Entry.Hard.Valid;
}

static BOOLEAN MipIsSectionPte(MMPTE Entry)
{
    return Entry.Hard.Valid ? MI_PFN(Entry.Hard.PageFrameNumber)->u3.e1.PrototypePte
                            : MiPteKind(Entry) == MiPtePrototype;
}

/* K1; Context counts. */
static void MipVerifyUnit(const MI_SYSTEM_VIEW *Unit, ULONG_PTR Va, ULONG Pages, PVOID Context)
{
    MI_SYSTEM_VIEW_COUNTERS *Sums = Context;
    PMMPTE Pte = MiGetPteAddress(Va);
    KIRQL OldIrql = MiLockPfn();
    ULONG Shown = 0;
    ULONG i;

    for (; Unit->ControlArea != NULL && Shown < Pages && MiReadPte(Pte + Shown).Long != 0;
         Shown++) {
        PMMPTE Proto;

        MI_ASSERT(Unit->FirstPage + Shown < Unit->ControlArea->Segment->TotalNumberOfPtes);
        Proto = MiSectionPrototype(Unit->ControlArea, Unit->FirstPage + Shown);
        Sums->Resident += MipVerifyPage(Pte + Shown, Proto, Unit->ReadOnly);
    }
    MI_ASSERT((Shown != 0) == (Unit->ControlArea != NULL));
    for (i = Shown; i < Pages; i++) {
        MI_ASSERT(Shown == 0 ? !MipIsSectionPte(MiReadPte(Pte + i)) : MiReadPte(Pte + i).Long == 0);
    }
    if (!MiFindViewSpace(Va)->Cache) {
        Sums->Views += Unit->ControlArea != NULL && Unit->FirstPage == 0;
    } else {
        Sums->CacheViews += Unit->ControlArea != NULL;
    }
    MiUnlockPfn(OldIrql);
}

/* K2 */
static void MipCompare(const MI_SYSTEM_VIEW_COUNTERS *Sums, const MI_SYSTEM_VIEW_COUNTERS *Counters)
{
    MI_ASSERT(Sums->Resident == Counters->Resident && Sums->Resident <= Counters->PeakResident);
    MI_ASSERT(Sums->Views == Counters->Views && Sums->CacheViews == Counters->CacheViews);
}

void MiVerifySystemViews(void)
{
    MI_SYSTEM_VIEW_COUNTERS Sums = {.Views = 0};

    MiVisitSystemUnits(MipVerifyUnit, &Sums);
    MipCompare(&Sums, &MiSystemViewCounters);
}

void MiVerifySessionViews(const MI_VIEW_SPACE *Space)
{
    MI_SYSTEM_VIEW_COUNTERS Sums = {.Views = 0};

    MiVisitUnits(Space, MipVerifyUnit, &Sums);
    MipCompare(&Sums, Space->Counters);
}

/* A view of MmMapViewInSystemSpace begins with the section's first page: one unit of it does. */
static void MipAddUnit(const MI_SYSTEM_VIEW *Unit, ULONG_PTR Va, ULONG Pages, PVOID Context)
{
    PMMPTE Pte = MiGetPteAddress(Va);
    PMI_VIEW_SUMS Sums = Context;
    ULONG i;

    if (Unit->ControlArea == NULL) {
        return;
    }
    if (MiFindViewSpace(Va)->Cache || Unit->FirstPage == 0) {
        Sums->Views++;
        Sums->AreaHash += MiViewHash(Unit->ControlArea);
    }
    for (i = 0; i < Pages; i++) {
        MMPTE Entry = MiReadPte(Pte + i);

        if (Entry.Hard.Valid) {
            Sums->Mapped++;
            Sums->FrameHash += MiCloneHash(Entry.Hard.PageFrameNumber);
        }
    }
}

void MiAddSystemViews(PMI_VIEW_SUMS Sums)
{
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    MiVisitSystemUnits(MipAddUnit, Sums);
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
}

void MiAddSessionViews(PMI_VIEW_SUMS Sums)
{
    const MI_VIEW_SPACE *Space = MiCurrentSession()->Views;

    if (Space == NULL) {
        return; /* it is being made */
    }
    MiFillSessionTables();
    ExAcquireFastMutex(Space->WorkingSet->Mutex);
    MiVisitUnits(Space, MipAddUnit, Sums);
    ExReleaseFastMutex(Space->WorkingSet->Mutex);
}
