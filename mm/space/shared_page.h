/* SPDX-License-Identifier: MIT */
/*
 * shared_page.h - one page of a user half that other address spaces have too.
 *
 * As in user_page.h, everything runs under the process' AddressCreationLock, attached to it, with
 * the page's table there; Pte's page is shared, unless it says otherwise.
 */
#ifndef MM_SPACE_SHARED_PAGE_H
#define MM_SPACE_SHARED_PAGE_H

#include "mm/space/clone_table.h"
#include "mm/space/prototype_pte.h"
#include "mm/space/user_page.h"

/* => Any PTE of a user half: whether its page has a block. */
static inline BOOLEAN MiIsSharedPte(MMPTE Pte)
{
    if (Pte.Hard.Valid) {
        const MMPFN *Pfn = MI_PFN(Pte.Hard.PageFrameNumber);

        return !Pte.Hard.Prototype && Pfn->u3.e1.PrototypePte &&
               !MiIsSectionPrototype(Pfn->PteAddress);
    }
    return (Pte.Long & (MM_PTE_BITS_PROTOTYPE | MI_PTE_WHICH_POOL)) ==
           (MM_PTE_BITS_PROTOTYPE | MI_PTE_WHICH_POOL);
}

/* => The block of a shared PTE. */
static inline ULONG MiSharedIndex(MMPTE Pte) NT_HOLDS(MiPfnLock)
{
    return Pte.Hard.Valid ? MiCloneIndexOf(MI_PFN(Pte.Hard.PageFrameNumber)->PteAddress)
                          : MiCloneIndex(Pte);
}

/*
 * A private page with contents gets a block; the PTE maps or names it from then on.  The page keeps
 * its protection; one that is valid stays valid, and cannot be written.
 *
 * => A block is reserved.  Returns its index.
 */
ULONG MiBeginSharing(PMMVAD Vad, PMMPTE Pte) NT_HOLDS(MiPfnLock);

/* One more PTE is about to name the page.  => That PTE. */
MMPTE MiReferenceSharedPage(MMPTE Pte) NT_HOLDS(MiPfnLock);

/*
 * When nobody else has the page any more it becomes private again, wherever it is.
 *
 * => FALSE: others have it; nothing changed.
 */
BOOLEAN MiTakeBackUserPage(PMMPTE Pte) NT_NOT_HOLDING(MiPfnLock);

/* What an access to a page whose PTE names a block finds. */
typedef struct _MI_SHARED_STATE {
    PMMPTE Proto;     /* the prototype PTE */
    MI_PTE_KIND Kind; /* of that */
    BOOLEAN Copy;     /* the access may not share the frame */
    BOOLEAN Alone;    /* nobody else has the page */
} MI_SHARED_STATE;

MI_SHARED_STATE MiQuerySharedPage(PMMPTE Pte) NT_NOT_HOLDING(MiPfnLock);

/* When Proto's page is being read, its frame knows that Proto is a prototype PTE. */
void MiMarkSharedFrame(PMMPTE Proto) NT_NOT_HOLDING(MiPfnLock);

/*
 * Map the page's frame, for reading.  => Not valid.
 * => STATUS_SUCCESS also when it lost its frame meanwhile: the access will fault again.
 * => STATUS_INSUFFICIENT_RESOURCES: its frame is referenced too often.  STATUS_NO_MEMORY: the
 *    working set has no room.
 */
NT_MUST_CHECK NTSTATUS MiMapSharedPage(PEPROCESS Process, PMMPTE Pte) NT_NOT_HOLDING(MiPfnLock);

/*
 * Copy the page to Frame, the caller's, and map that instead: it is a private page from now on.
 *
 * => As MiMapSharedPage; STATUS_RETRY: it lost its frame meanwhile.  Frame is still the caller's.
 */
NT_MUST_CHECK NTSTATUS MiCopySharedPage(PEPROCESS Process, PMMPTE Pte, ULONG Protection,
                                        PFN_NUMBER Frame) NT_NOT_HOLDING(MiPfnLock);

/* If the shared page is zeroes: one of its own is, too.  => Not valid. */
BOOLEAN MiForgetZeroPage(PMMPTE Pte) NT_NOT_HOLDING(MiPfnLock);

/* The next access to the page makes a copy.  => Does nothing to a page that is not shared. */
void MiUnshareUserPage(PEPROCESS Process, PMMPTE Pte) NT_NOT_HOLDING(MiPfnLock);

/* The page leaves the working set: the PTE names it.  => It is mapped. */
void MiTrimSharedPage(PEPROCESS Process, PMMPTE Pte, MMPTE Old) NT_HOLDS(MiPfnLock);

/* The cases of MiProtectUserPage and MiDeleteUserPage; the latter has stored another PTE. */
void MiProtectSharedPage(PEPROCESS Process, PMMPTE Pte, MMPTE Old, ULONG Protection)
    NT_HOLDS(MiPfnLock);
void MiDeleteSharedPage(PEPROCESS Process, PMMPTE Pte, MMPTE Old) NT_HOLDS(MiPfnLock);

#endif
