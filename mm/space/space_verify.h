/* SPDX-License-Identifier: MIT */
/*
 * space_verify.h - address spaces, checked without the help of those who keep them.
 *
 * What is wrong stops the machine: bug check 0x1A, 403 (P2 the PTE's address, P3 its contents, P4
 * the frame) where a PTE and its frame disagree, an assertion everywhere else.
 */
#ifndef MM_SPACE_SPACE_VERIFY_H
#define MM_SPACE_SPACE_VERIFY_H

#include "mm/space/clone_table.h"
#include "mm/space/vad.h"

/* What all views, or all sections, add up to: MiVerifySections. */
typedef struct _MI_VIEW_SUMS {
    ULONG Views;
    ULONG AreaHash;  /* the sum of MiViewHash over their control areas */
    ULONG Mapped;    /* valid PTEs of section's pages */
    ULONG FrameHash; /* the sum of MiCloneHash over their frames */
} MI_VIEW_SUMS, *PMI_VIEW_SUMS;

static inline ULONG MiViewHash(const struct _CONTROL_AREA *Area)
{
    return MiCloneHash((ULONG)(ULONG_PTR)Area >> 3);
}

/*
 * Check C1, C2, R1, R2 and X2 against the sums over all processes, which were gathered since
 * MiPrototypeChanges was Changes.  Implemented above, mm/section/section_verify.c.
 *
 * => FALSE: it has moved on, and sums say nothing.  What each section says of itself was checked.
 */
NT_WEAK BOOLEAN MiVerifySections(const MI_VIEW_SUMS *Views, ULONG Changes)
    NT_NOT_HOLDING(MiPfnLock);

#include "mm/space/process.h"

/* Check D1-D3, G1-G3, U1-U5, T1-T3 and H1-H2 for all processes.  => IRQL <= APC_LEVEL. */
void MiVerifyAddressSpaces(void);

/* Pages of commitment that processes are charged for.  => Any IRQL; nobody is charged meanwhile. */
ULONG MiCountProcessCharges(void);

/*
 * What the views in session space add to the sums: mm/section/system_view_verify.c.
 *
 * => The leader's address space runs.  Takes the mutex of the session's working set.
 */
void MiAddSessionViews(PMI_VIEW_SUMS Sums) NT_NOT_HOLDING(MiPfnLock);

#endif
