/* SPDX-License-Identifier: MIT */
/*
 * address.h - what an address of the running address space is mapped to.
 */
#ifndef MM_SYSVA_ADDRESS_H
#define MM_SYSVA_ADDRESS_H

#include "arch/mmu.h"
#include "mm.h"
#include "mm/sysva/pte_make.h"
#include "mm/sysva/session_space.h"

/* What MiReadMapping does inside a large page.  => Pde is valid. */
MMPTE MiReadLargeMapping(ULONG_PTR Va, MMPTE Pde);

/* As MiReadMapping, where the running directory lacks nothing. */
static inline MMPTE MiReadFilledMapping(ULONG_PTR Va)
{
    MMPTE Pde = MiReadPte(MiGetPdeAddress(Va));

    if (!Pde.Hard.Valid || Pde.Hard.LargePage) {
        return Pde.Hard.Valid ? MiReadLargeMapping(Va, Pde) : Pde;
    }
    Pde.Long |= ~(MM_PTE_BITS_VALID | MM_PTE_BITS_WRITE);
    Pde.Long &= MiReadPte(MiGetPteAddress(Va)).Long;
    return Pde;
}

/*
 * The valid PTE that Va's page has, as one of 4 KB even inside a large page below 4 GB; Write is
 * set when both levels allow it.  What a fault would find it finds, too: a session's page table
 * that the running directory does not have yet.
 *
 * => Any IRQL.  Valid is clear when there is none.
 */
static inline MMPTE MiReadMapping(ULONG_PTR Va)
{
    MMPTE Mapping = MiReadFilledMapping(Va);

    if (!Mapping.Hard.Valid && MiMayLackSessionTable(Va) && MiFillSessionTable(Va)) {
        Mapping = MiReadFilledMapping(Va);
    }
    return Mapping;
}

#endif
