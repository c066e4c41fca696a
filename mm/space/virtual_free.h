/* SPDX-License-Identifier: MIT */
/*
 * virtual_free.h - freeing, for those who end an address space.
 */
#ifndef MM_SPACE_VIRTUAL_FREE_H
#define MM_SPACE_VIRTUAL_FREE_H

#include "mm/space/vad.h"

/* Decommit and release all of a descriptor.  => Attached, under the lock; none of its page tables
 * is out.  Cannot fail. */
void MiReleaseVad(PEPROCESS Process, PMMVAD Vad);

#endif
