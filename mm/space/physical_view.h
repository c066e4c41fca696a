/* SPDX-License-Identifier: MIT */
/*
 * physical_view.h - views of \Device\PhysicalMemory: frames by their numbers, whoever owns them.
 *
 * Everything here runs under the process' AddressCreationLock, attached to it.
 */
#ifndef MM_SPACE_PHYSICAL_VIEW_H
#define MM_SPACE_PHYSICAL_VIEW_H

#include "mm/pfn/pfn.h"
#include "mm/space/vad.h"

/* => Vad is a physical view, in which the page of Pte lies: the frame that it shows. */
PFN_NUMBER MiPhysicalViewFrame(const MMVAD *Vad, const MMPTE *Pte);

/*
 * Map the page.
 *
 * => Pte is zero; its table is there.
 */
void MiMapPhysicalPage(const MMVAD *Vad, PMMPTE Pte) NT_NOT_HOLDING(MiPfnLock);

/* For user_page.c: another PTE has been stored where a page was mapped. */
void MiUnmapPhysicalPage(PMMPTE Pte) NT_HOLDS(MiPfnLock);

/* => Whether Pte, which is valid, is Y1 of physical_view.c. */
BOOLEAN MiIsPhysicalPteRight(const MMVAD *Vad, PMMPTE Pte);

#endif
