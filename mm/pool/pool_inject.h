/* SPDX-License-Identifier: MIT */
/*
 * pool_inject.h - the n-th allocation fails.
 */
#ifndef MM_POOL_INJECT_H
#define MM_POOL_INJECT_H

#include "nt/types.h"

/*
 * From now on, let one allocation fail: the Nth of the blocks and runs of pages that are asked for,
 * those for the pools' own tables included.  0: none.
 *
 * => While a failure is pending the front end is off: every allocation is counted.
 */
void MiFailPoolAllocation(ULONG Nth);

/* => TRUE: the failure that was asked for has happened, or none was. */
BOOLEAN MiPoolFailureHappened(void);

/* For the allocators: counts one.  => TRUE: this one fails. */
BOOLEAN MiPoolAllocationFails(void);

#endif
