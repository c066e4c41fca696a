/* SPDX-License-Identifier: MIT */
/*
 * view_range.c - ranges of a view: their protection, and what is charged for them.
 *
 * The section is charged for its own pages, once.  A process is charged for those that it has
 * alone, or will have when it writes to them: CommitCharge of the view.
 */
#include "mm/space/view_range.h"

#include "mi_assert.h"
#include "mm/space/user_page.h"

NTSTATUS MiMakeViewProtection(const MMVAD *Vad, PULONG Protection)
{
    ULONG Cache = Vad->u.VadFlags.Protection & MM_NOCACHE;
    BOOLEAN Image = Vad->u.VadFlags.ImageMap; /* grants all: MiWantedViewProtection */
    ULONG Wanted = *Protection;

    if (MiIsPhysicalView(Vad)) {
        return STATUS_CONFLICTING_ADDRESSES; /* its pages keep what it was mapped with */
    }
    if (Vad->u.VadFlags.NoChange && (Wanted | Cache) != Vad->u.VadFlags.Protection) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    if ((Wanted & MM_ACCESS_MASK) == 0) {
        return STATUS_SUCCESS; /* MM_NOACCESS */
    }
    if ((Wanted & MM_NOCACHE) != 0 || (MiIsGuard(Wanted) && Cache != 0)) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    if (!Image && !MiIsProtectionCompatible(Vad->u.VadFlags.Protection, Wanted)) {
        return STATUS_SECTION_PROTECTION;
    }
    *Protection = Wanted | Cache;
    return STATUS_SUCCESS;
}

static MMPTE MipReadPte(ULONG_PTR Va)
{
    return MiHasPageTable(Va) ? MiReadPte(MiGetPteAddress(Va)) : MiMakeZeroPte();
}

NTSTATUS MiChargeViewCopies(PEPROCESS Process, PMMVAD Vad, const MI_USER_RANGE *Range,
                            ULONG Protection)
{
    ULONG More = 0;
    ULONG Less = 0;
    NTSTATUS Status;
    ULONG_PTR Va;

    for (Va = Range->Start; Va < Range->End; Va += PAGE_SIZE) {
        MMPTE Pte = MipReadPte(Va);
        BOOLEAN Private = Pte.Long != 0 && !MiIsViewPte(Pte);
        BOOLEAN Before = MiIsViewPageCharged(Vad, Va, Pte, MiGivenViewProtection(Vad, Va, Pte));
        BOOLEAN After = MiIsViewPageCharged(Vad, Va, MiMakeZeroPte(),
                                            MiWantedViewProtection(Vad, Va, Protection));

        More += !Private && After && !Before;
        Less += !Private && !After && Before;
    }
    Status = More == 0 ? STATUS_SUCCESS : MiChargeProcessCommit(Process, More);
    if (NT_SUCCESS(Status)) {
        MiReturnProcessCommit(Process, Less);
        Vad->u.VadFlags.CommitCharge = Vad->u.VadFlags.CommitCharge + More - Less;
    }
    return Status;
}

/* => The page tables are there. */
static void MipProtect(PEPROCESS Process, PMMVAD Vad, const MI_USER_RANGE *Range, ULONG Protection)
{
    ULONG_PTR Va;

    for (Va = Range->Start; Va < Range->End; Va += PAGE_SIZE) {
        PMMPTE Pte = MiGetPteAddress(Va);

        if (MiGivenViewProtection(Vad, Va, MiReadPte(Pte)) != Protection) {
            MiProtectUserPage(Process, Vad, Pte, Protection);
        }
    }
    MiDeleteEmptyPageTables(Process, Range->Start, Range->End);
}

NTSTATUS MiCommitView(PEPROCESS Process, PMMVAD Vad, const MI_USER_RANGE *Range, ULONG Protection)
{
    const MMVAD_VIEW *View = MiViewOf(Vad);
    ULONG First = View->FirstPage + (ULONG)(Range->Start >> PAGE_SHIFT) - Vad->StartingVpn;
    NTSTATUS Status = MiMakeViewProtection(Vad, &Protection);

    if (Vad->u.VadFlags.Extendable &&
        First + MiRangePages(Range) - View->FirstPage > MiPresentPages(View)) {
        return STATUS_SECTION_NOT_EXTENDED;
    }
    if (View->Committed == NULL) {
        return STATUS_ALREADY_COMMITTED;
    }
    if (NT_SUCCESS(Status)) {
        Status = MiMakePageTables(Process, Range->Start, Range->End);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiCommitViewPages(View, First, MiRangePages(Range), &Process->CommitLimitNeeded);
    if (NT_SUCCESS(Status)) {
        Status = MiChargeViewCopies(Process, Vad, Range, Protection);
        MI_ASSERT(NT_SUCCESS(Status)); /* MEM_COMMIT makes nothing copy-on-write */
        MipProtect(Process, Vad, Range, Protection);
    } else {
        MiDeleteEmptyPageTables(Process, Range->Start, Range->End);
    }
    return Status;
}
