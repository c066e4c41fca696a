/* SPDX-License-Identifier: MIT */
/*
 * working_set_size.h - the limits of working sets.
 */
#ifndef MM_SPACE_WORKING_SET_SIZE_H
#define MM_SPACE_WORKING_SET_SIZE_H

#include "mm/space/process.h"

#define MI_LEAST_MINIMUM_WORKING_SET 20u  /* documented: a minimum below is raised to it */
#define MI_LEAST_MAXIMUM_WORKING_SET 13u  /* documented: a maximum below is refused */
#define MI_WORKING_SET_RESERVE       512u /* documented: pages that no working set gets */
#define MI_LEAST_UNLOCKED_PAGES      8u   /* of a working set: no lock takes them */

/* (I) The largest maximum: what was available at the start, less the reserve. */
extern ULONG MiMaximumWorkingSetPages;

/* => Before the first process. */
void MiInitializeWorkingSetLimits(void);

/*
 * MmAdjustWorkingSetSizeEx (process_information.h) for a working set whose mutex is held, in its
 * address space.
 */
NT_MUST_CHECK NTSTATUS MiAdjustWorkingSetSize(PMMSUPPORT WorkingSet, SIZE_T MinimumBytes,
                                              SIZE_T MaximumBytes, BOOLEAN IncreaseOkay,
                                              ULONG Flags);

#endif
