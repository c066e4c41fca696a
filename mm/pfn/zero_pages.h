/* SPDX-License-Identifier: MIT */
/*
 * zero_pages.h - one step of the zero-page thread, which runs when nothing else does.
 */
#ifndef MM_PFN_ZERO_PAGES_H
#define MM_PFN_ZERO_PAGES_H

#include "mm/pfn/pfn.h"

/* (P) Active, and nobody's: a thread of a higher priority may come in between. */
extern ULONG MiFramesBeingZeroed;

/*
 * Zero up to Most free frames and move them to the zeroed list.  The lock is held for the moves,
 * not while zeroing.
 *
 * => PASSIVE_LEVEL to DISPATCH_LEVEL.
 * => Returns how many; fewer than Most: the free list was empty.
 */
ULONG MiZeroFreePages(ULONG Most) NT_NOT_HOLDING(MiPfnLock);

#endif
