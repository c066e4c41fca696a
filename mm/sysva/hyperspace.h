/* SPDX-License-Identifier: MIT */
/*
 * hyperspace.h - windows onto single frames, in the part of the system half that each address
 * space has for itself.
 *
 * A window is open for a few instructions at DISPATCH_LEVEL.  Windows nest like brackets: the one
 * opened last is closed first.
 */
#ifndef MM_SYSVA_HYPERSPACE_H
#define MM_SYSVA_HYPERSPACE_H

#include "arch/mmu.h"
#include "mm/pfn/pfn.h"
#include "nt/annotations.h"
#include "nt/status.h"

#define MI_HYPERSPACE_START   0xC0400000u
#define MI_HYPERSPACE_WINDOWS 4u

/*
 * Give the running address space its page table for hyperspace.
 *
 * => Once for each, before its first window.
 * => STATUS_NO_MEMORY: nothing changed.
 */
NT_MUST_CHECK NTSTATUS MiCreateHyperspace(void);

/*
 * Map Frame for reading and writing; raises to DISPATCH_LEVEL.
 *
 * => IRQL <= DISPATCH_LEVEL; fewer than MI_HYPERSPACE_WINDOWS are open.
 * => Returns its address; *OldIrql is for the unmap.
 */
PVOID MiMapFrameInHyperspace(PFN_NUMBER Frame, PKIRQL OldIrql);

/* => Va is the window opened last.  Flushes it and lowers to OldIrql. */
void MiUnmapFrameInHyperspace(PVOID Va, KIRQL OldIrql);

/* MiZeroFrame is declared in mm/pfn/pfn.h, whose layer calls it too. */

/* => IRQL <= DISPATCH_LEVEL.  Nobody else uses To. */
void MiCopyFrame(PFN_NUMBER To, PFN_NUMBER From);

#endif
