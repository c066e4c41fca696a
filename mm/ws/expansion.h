/* SPDX-License-Identifier: MIT */
/*
 * expansion.h - the list of all working sets that can be trimmed.
 *
 * Whoever walks it takes one working set at a time out of its owner's hands: while BeingTrimmed is
 * set, its owner cannot go away.  Which one is next is the caller's choice (mm/balance).
 */
#ifndef MM_WS_EXPANSION_H
#define MM_WS_EXPANSION_H

#include "mm/ws/working_set.h"

extern KSPIN_LOCK MmExpansionLock;
extern LIST_ENTRY MmWorkingSetExpansionHead NT_GUARDED_BY(MmExpansionLock);

/* => Once a machine, before the first working set. */
void MiInitializeExpansion(void) NT_NOT_HOLDING(MmExpansionLock);

/* The working set can be trimmed from now on.  => It is whole, and not in the list. */
void MiInsertExpansion(PMMSUPPORT WorkingSet) NT_NOT_HOLDING(MmExpansionLock);

/*
 * It cannot any more; waits while it is being trimmed.
 *
 * => IRQL <= APC_LEVEL; its mutex is not held.
 */
void MiRemoveExpansion(PMMSUPPORT WorkingSet) NT_NOT_HOLDING(MmExpansionLock);

#define MI_NOT_NOW 0xFFFFFFFFu

/*
 * How early a working set comes: 0 first; MI_NOT_NOW: not in this pass.
 *
 * => Runs under MmExpansionLock, without the mutex: the figures that it reads may be changing.
 */
typedef ULONG MI_RANK_WORKING_SET(const MMSUPPORT *WorkingSet, PVOID Context);

/* A number for a walk: each working set comes once in it. */
ULONG MiBeginExpansionPass(void) NT_NOT_HOLDING(MmExpansionLock);

/*
 * The working set that Rank puts first of those that did not come in this pass; of equals the one
 * that was not taken for the longest time.  It stays until MiReleaseWorkingSet.
 *
 * => NULL: there is none.
 */
PMMSUPPORT MiTakeWorkingSet(ULONG Pass, MI_RANK_WORKING_SET *Rank, PVOID Context)
    NT_NOT_HOLDING(MmExpansionLock);
void MiReleaseWorkingSet(PMMSUPPORT WorkingSet) NT_NOT_HOLDING(MmExpansionLock);

/* => Returns how many working sets there are, and the sum of their sizes. */
ULONG MiCountWorkingSets(PULONG Pages) NT_NOT_HOLDING(MmExpansionLock);

/* E1 and E2 of expansion.c.  => Stops the machine when one does not hold. */
void MiVerifyExpansion(void) NT_NOT_HOLDING(MmExpansionLock);

#endif
