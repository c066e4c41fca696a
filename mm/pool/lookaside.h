/* SPDX-License-Identifier: MIT */
/*
 * lookaside.h - looking at all look-aside lists, and adjusting them.
 */
#ifndef MM_POOL_LOOKASIDE_H
#define MM_POOL_LOOKASIDE_H

#include "ex.h"

typedef void MI_LOOKASIDE_ROUTINE(PVOID Context, const GENERAL_LOOKASIDE *Lookaside);

/* In the order of their initialisation.  => Routine runs at DISPATCH_LEVEL and changes no list. */
void MiForEachLookaside(POOL_TYPE BaseType, MI_LOOKASIDE_ROUTINE *Routine, PVOID Context);

/*
 * A second has passed: each list's depth follows what was allocated and freed in it.
 *
 * => IRQL <= DISPATCH_LEVEL; the balance set manager.
 */
void ExAdjustLookasideDepth(void);

#endif
