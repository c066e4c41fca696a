/* SPDX-License-Identifier: MIT */
/*
 * view_page.h - one page of a view of a section, in one process.
 *
 * As in user_page.h, everything runs under the process' AddressCreationLock, attached to it, with
 * the page's table there.
 */
#ifndef MM_SPACE_VIEW_PAGE_H
#define MM_SPACE_VIEW_PAGE_H

#include "arch/mmu.h"
#include "mm/space/prototype_pte.h"
#include "mm/space/vad.h"
#include "mm/sysva/pte_make.h"

/* => Any PTE of a user half: whether it maps a section's page, or names its prototype PTE. */
static inline BOOLEAN MiIsViewPte(MMPTE Pte)
{
    if (Pte.Hard.Valid) {
        const MMPFN *Pfn = MI_PFN(Pte.Hard.PageFrameNumber);

        return !Pte.Hard.Prototype && Pfn->u3.e1.PrototypePte &&
               MiIsSectionPrototype(Pfn->PteAddress);
    }
    return (Pte.Long & (MM_PTE_BITS_PROTOTYPE | MI_PTE_WHICH_POOL)) == MM_PTE_BITS_PROTOTYPE;
}

/* => Vad is a view with prototype PTEs, in which Va lies: that of the page. */
static inline PMMPTE MiViewPrototype(const MMVAD *Vad, ULONG_PTR Va)
{
    const MMVAD_VIEW *View = MiViewOf(Vad);
    ULONG Page = (ULONG)(Va >> PAGE_SHIFT) - Vad->StartingVpn;
    PMMPTE Proto = View->FirstPrototypePte + Page;

    return Proto <= View->LastContiguousPte ? Proto : MiFarViewPrototype(View, Page);
}

/* => Vad is a view, Pte is Va's; zero: there is none.  The protection that the page was given. */
ULONG MiGivenViewProtection(const MMVAD *Vad, ULONG_PTR Va, MMPTE Pte);

/* The same; MI_NO_PROTECTION: the section's page is not committed. */
ULONG MiViewPageProtection(const MMVAD *Vad, ULONG_PTR Va, MMPTE Pte);

/* => Vad is a view, in which Va lies: the page is the process' own as soon as it is touched. */
static inline BOOLEAN MiIsMovedPage(const MMVAD *Vad, ULONG_PTR Va)
{
    const MMVAD_VIEW *View = MiViewOf(Vad);

    return Vad->u.VadFlags.ImageMap && View->Delta != 0 &&
           MiIsImagePageMoved(View, (ULONG)(Va >> PAGE_SHIFT) - Vad->StartingVpn);
}

/* => Whether the page, with this PTE and protection, is one of those that CommitCharge counts. */
static inline BOOLEAN MiIsViewPageCharged(const MMVAD *Vad, ULONG_PTR Va, MMPTE Pte,
                                          ULONG Protection)
{
    return !MiIsPhysicalView(Vad) &&
           (MiIsCopyOnWrite(Protection) || (Pte.Long != 0 && !MiIsViewPte(Pte)) ||
            MiIsMovedPage(Vad, Va));
}

/*
 * What a page gets where Protection is asked for: who asks to write to an image's page gets a copy
 * of it, unless the image shares it.
 */
ULONG MiWantedViewProtection(const MMVAD *Vad, ULONG_PTR Va, ULONG Protection);

/* The PTE of a page that is not in the working set. */
MMPTE MiNameViewPage(const MMVAD *Vad, ULONG_PTR Va, ULONG Protection);

/*
 * Map the frame of the prototype PTE's page.
 *
 * => Proto is pinned.  Pte is not valid.  Protection allows some access.
 * => STATUS_SUCCESS also when there is no frame any more: the access will fault again.
 * => STATUS_INSUFFICIENT_RESOURCES: it is referenced too often.  STATUS_NO_MEMORY: the working set
 *    has no room.
 */
NT_MUST_CHECK NTSTATUS MiMapViewPage(PEPROCESS Process, PMMPTE Pte, PMMPTE Proto, ULONG Protection)
    NT_NOT_HOLDING(MiPfnLock);

/* Pages that lie together, and what they are to grant. */
typedef struct _MI_VIEW_RUN {
    ULONG Protection; /* allows some access */
    BOOLEAN Image;    /* the view is an image's */
    ULONG Most;       /* pages, 1 or more: in one page table, and in one page of prototype PTEs */
} MI_VIEW_RUN;

/*
 * Map the frame of the page and, if their PTEs are zero, those of the pages behind it, up to the
 * first that has none: these are not accessed yet.
 *
 * => Pte is not valid; its table is there.  The working set has room for Most shared pages.
 * => *Behind: how many came along.  STATUS_NOT_FOUND: the page of Proto is out, or the page has no
 *    frame, or is being read.  STATUS_INSUFFICIENT_RESOURCES: it is referenced too often.
 */
NT_MUST_CHECK NTSTATUS MiMapResidentPages(PEPROCESS Process, PMMPTE Pte, PMMPTE Proto,
                                          const MI_VIEW_RUN *Run, PULONG Behind)
    NT_NOT_HOLDING(MiPfnLock);

/*
 * Frame, which is zeroed and the caller's, becomes that of the prototype PTE's page, which has none
 * and is zeroes, and is mapped.
 *
 * => As MiMapViewPage; STATUS_RETRY: somebody was quicker.  On failure Frame is the caller's.
 */
NT_MUST_CHECK NTSTATUS MiInsertViewPage(PEPROCESS Process, PMMPTE Pte, PMMPTE Proto,
                                        ULONG Protection, PFN_NUMBER Frame)
    NT_NOT_HOLDING(MiPfnLock);

/*
 * A page that MiIsMovedPage becomes the process' own, in Frame, the caller's: with the contents of
 * the prototype PTE's page, relocated.  moved_page.c.
 *
 * => Proto is pinned.  Pte is not valid.  Protection allows some access.  Frame is zeroed where the
 *    prototype PTE's page is zeroes.
 * => STATUS_RETRY: there is no frame any more: the access will fault again.  STATUS_NO_MEMORY: the
 *    working set has no room.  On failure Frame is the caller's.
 */
NT_MUST_CHECK NTSTATUS MiInsertMovedPage(PEPROCESS Process, const MMVAD *Vad, PMMPTE Pte,
                                         PMMPTE Proto, ULONG Protection, PFN_NUMBER Frame)
    NT_NOT_HOLDING(MiPfnLock);

/* A page that is mapped becomes the process' own, in Frame, the caller's; others keep theirs. */
void MiCopyViewPage(PEPROCESS Process, PMMPTE Pte, ULONG Protection, PFN_NUMBER Frame)
    NT_NOT_HOLDING(MiPfnLock);

/* What user_page.c calls when its page is a view's: MiIsViewPte(Old), Old is what Pte holds. */
void MiTrimViewPage(PEPROCESS Process, const MMVAD *Vad, PMMPTE Pte, MMPTE Old) NT_HOLDS(MiPfnLock);
void MiProtectViewPage(PEPROCESS Process, const MMVAD *Vad, PMMPTE Pte, MMPTE Old, ULONG Protection)
    NT_HOLDS(MiPfnLock);

/* Another PTE has been stored.  => Old is valid. */
void MiUnmapViewPage(PEPROCESS Process, PMMPTE Pte, MMPTE Old) NT_HOLDS(MiPfnLock);

/*
 * Dirty of the view's PTEs of the section's pages First to First + Count - 1 moves to the frames;
 * they stay mapped.  view_dirty.c.
 *
 * => View is of any process, and in its control area's list.
 */
void MiMoveViewDirty(const MMVAD_VIEW *View, ULONG First, ULONG Count) NT_HOLDS(MiPfnLock);

/* What a clone has where its parent has Pte. */
MMPTE MiCloneViewPte(const MMVAD *Vad, ULONG_PTR Va, MMPTE Pte);

#endif
