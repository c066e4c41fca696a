/* SPDX-License-Identifier: MIT */
/*
 * prototype_pte.h - prototype PTEs: what page tables share frames by.
 *
 * Those of sections lie in paged pool, and their pages can be out; those of clones are in nonpaged
 * pool (clone_table.h).  A page of prototype PTEs is there while one of them has a frame, by a
 * share for each, and while it is pinned, by a share for each pin.
 */
#ifndef MM_SPACE_PROTOTYPE_PTE_H
#define MM_SPACE_PROTOTYPE_PTE_H

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/pfn/pfn.h"
#include "mm/sysva/layout.h"
#include "nt/status.h"

/* => Whether Pte, of PteAddress of a frame, is a prototype PTE of a section. */
static inline BOOLEAN MiIsSectionPrototype(const MMPTE *Pte)
{
    const MI_RANGE *Pool = &MiLayout.Region[MiRegionPagedPool];

    return (ULONG_PTR)Pte - Pool->Start < Pool->Bytes;
}

/* ---- what a look at all of it in pieces must know ---- */

/*
 * How often prototype PTEs, their frames' shares, what names them and what they are charged with
 * have changed: sums that were gathered while it stood still belong together.
 */
extern ULONG MiPrototypeChanges NT_GUARDED_BY(MiPfnLock);

static inline void MiNotePrototypeChange(void) NT_HOLDS(MiPfnLock)
{
    MiPrototypeChanges++;
}

/* ---- frames ---- */

/* MiShareFrame for a page that nobody has mapped. */
NT_MUST_CHECK NTSTATUS MiShareIdleFrame(PMMPTE Proto, PPFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/*
 * One PTE more is about to map Proto's page, whose frame is Active from then on.
 *
 * => Proto can be read.
 * => STATUS_NOT_FOUND: the page has no frame, or is being read.  STATUS_INSUFFICIENT_RESOURCES: it
 *    is referenced too often.
 */
static inline NT_MUST_CHECK NTSTATUS MiShareFrame(PMMPTE Proto, PPFN_NUMBER Frame)
    NT_HOLDS(MiPfnLock)
{
    MMPTE Pte = MiReadPte(Proto);
    PMMPFN Pfn = MI_PFN(Pte.Hard.PageFrameNumber);

    if (!Pte.Hard.Valid) {
        return MiShareIdleFrame(Proto, Frame);
    }
    MI_ASSERT(Pfn->u2.ShareCount != 0);
    Pfn->u2.ShareCount++; /* Active, by those who have it mapped */
    MiNotePrototypeChange();
    *Frame = Pte.Hard.PageFrameNumber;
    return STATUS_SUCCESS;
}

/*
 * Frame, an Active one without a PTE and with one share, becomes that of Proto's page, which has
 * none; that share is that of the first PTE which maps it.
 *
 * => Proto is pinned.  What Proto held is OriginalPte now: a slot too, until the frame is modified,
 *    or a place in a file.
 */
void MiInsertFrame(PMMPTE Proto, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/* One PTE less maps it; with the last one the prototype PTE is in transition. */
void MiLeaveFrame(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/* ---- pins ---- */

/*
 * Keep the page of Proto, one of a section's, where it is.
 *
 * => FALSE: it is out; the caller lets go of its mutexes and calls MiPinPrototype.
 */
NT_MUST_CHECK BOOLEAN MiTryPinPrototype(PMMPTE Proto) NT_NOT_HOLDING(MiPfnLock);

/* The same; brings it in first.  => IRQL <= APC_LEVEL; no working set's mutex is held. */
void MiPinPrototype(PMMPTE Proto) NT_NOT_HOLDING(MiPfnLock);

/* => Pinned. */
void MiUnpinPrototype(PMMPTE Proto) NT_NOT_HOLDING(MiPfnLock);

/* ---- slots ---- */

/*
 * What prototype PTEs of sections name: their pages may be out, so that MiVerifyPagingFiles cannot
 * look.
 */
typedef struct _MI_PROTOTYPE_SLOTS {
    ULONG Slots;
    ULONG64 Hashes; /* MiSlotHash */
} MI_PROTOTYPE_SLOTS;

extern MI_PROTOTYPE_SLOTS MiPrototypeSlots NT_GUARDED_BY(MiPfnLock);

/*
 * A prototype PTE of a section begins to say, as Original, where its page is: a slot that it may
 * have, or its place in a file, which the control area counts; or ends, since it has a frame.
 */
void MiBeginPrototypePlace(MMPTE Original) NT_HOLDS(MiPfnLock);
void MiEndPrototypePlace(MMPTE Original) NT_HOLDS(MiPfnLock);

/* ---- files ---- */

/*
 * A page of a file has a frame, or has none any more.  Implemented above, mm/section/segment.c, as
 * the next two.
 *
 * => Original is a subsection PTE; under MiPfnLock it may be the area's last page.
 */
NT_WEAK void MiFilePageCame(MMPTE Original) NT_HOLDS(MiPfnLock);
NT_WEAK void MiFilePageWent(MMPTE Original) NT_HOLDS(MiPfnLock);

/* => The file, and where in it Proto's page is. */
NT_WEAK struct _FILE_OBJECT *MiFindFilePage(MMPTE Original, const MMPTE *Proto,
                                            PLARGE_INTEGER Offset);

/* => The bytes of the file from there on: what lies behind them in the page is zero. */
NT_WEAK ULONG64 MiFindFileBytes(MMPTE Original, const MMPTE *Proto);

/*
 * Where the frame's page is an image's: it is not from now on, but one that goes to a paging file.
 *
 * => It is Active; OriginalPte is a subsection PTE.  Implemented in mm/section/image_segment.c.
 */
NT_WEAK void MiLeaveImageFile(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/* => The prototype PTEs from *Start up to *End lie in Proto's page and are of its subsection. */
NT_WEAK void MiFindFileRun(MMPTE Original, PMMPTE Proto, PMMPTE *Start, PMMPTE *End);

/* ---- the end ---- */

/*
 * Their pages, and what these contain, are gone; the prototype PTEs are zero.
 *
 * => As MiPinPrototype.  No PTE maps or names one of them.
 */
void MiDeletePrototypes(PMMPTE First, ULONG Count) NT_NOT_HOLDING(MiPfnLock);

#endif
