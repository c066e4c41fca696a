/* SPDX-License-Identifier: MIT */
/*
 * mmu.h - the memory management unit, as portable code sees it.
 *
 * Page tables are seen through the self-map: the directory's own entry number 0x300 points at the
 * directory, so that the PTE of any address is an ordinary word at a computable address.
 * Implemented twice: arch/x86/mmu.c and tests/host/machine.c.
 *
 * The machine sets Accessed and Dirty; portable code clears them.  A change that removes or narrows
 * a right, or that clears Accessed or Dirty, must be followed by a flush before the frame is
 * reused; a change from not valid to valid needs none.
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include "arch/pte_x86.h"
#include "nt/types.h"

#define PTE_BASE 0xC0000000u
#define PTE_TOP  0xC03FFFFFu
#define PDE_BASE 0xC0300000u
#define PDE_TOP  0xC0300FFFu

/* The entries that map Va.  They can be read only where the directory entry is valid. */
static inline PMMPTE MiGetPteAddress(ULONG_PTR Va)
{
    return (PMMPTE)(ULONG_PTR)(PTE_BASE + (((ULONG)Va >> PTI_SHIFT) << 2));
}

static inline PMMPTE MiGetPdeAddress(ULONG_PTR Va)
{
    return (PMMPTE)(ULONG_PTR)(PDE_BASE + (((ULONG)Va >> PDI_SHIFT) << 2));
}

/* The address that a PTE (or, applied twice, a PDE) maps. */
static inline ULONG_PTR MiGetVaMappedByPte(PMMPTE Pte)
{
    return (ULONG)((ULONG_PTR)Pte << (PTI_SHIFT - 2));
}

/* One aligned load and one aligned store, which no compiler may drop, split or repeat. */
static inline MMPTE MiReadPte(const MMPTE *Pte)
{
    MMPTE Value;

    Value.Long = *(const volatile ULONG *)&Pte->Long;
    return Value;
}

static inline void MiWritePte(PMMPTE Pte, MMPTE Value)
{
    *(volatile ULONG *)&Pte->Long = Value.Long;
}

/* Forget the translation of Va's page.  => Any IRQL. */
void KeFlushSingleTb(ULONG_PTR Va);

/* Forget all translations, the global ones too.  => Any IRQL. */
void KeFlushEntireTb(void);

/* Run on the page directory in Frame; flushes all but global translations.  => DISPATCH_LEVEL. */
void KiSwapAddressSpace(PFN_NUMBER Frame);

/* The frame of the page directory in use. */
PFN_NUMBER KiCurrentDirectoryFrame(void);

#endif
