/* SPDX-License-Identifier: MIT */
/*
 * entry.h - reading the two page-table entries of an address for people.
 */
#ifndef MM_INSPECT_ENTRY_H
#define MM_INSPECT_ENTRY_H

#include "mm/sysva/pte_kind.h"

typedef struct _MI_ENTRIES {
    PMMPTE PdeAt;
    PMMPTE PteAt; /* where it is or would be */
    MMPTE Pde;
    MMPTE Pte;
    MI_PTE_KIND PdeKind;
    MI_PTE_KIND PteKind;
    BOOLEAN HasPte;   /* there is a page table: Pte and PteKind mean something */
    BOOLEAN Mapped;   /* Frame means something */
    PFN_NUMBER Frame; /* of this page, also inside a large one below 4 GB */
} MI_ENTRIES, *PMI_ENTRIES;

/* What maps Va in the running address space.  => Any address. */
void MiReadEntries(ULONG_PTR Va, PMI_ENTRIES Entries);

/* => Kind is valid or large; a large page's frame is its first. */
PFN_NUMBER MiEntryFrame(MMPTE Pte, MI_PTE_KIND Kind);

/* MiPteKind, or MiSystemPteKind when PteAt is a system PTE. */
MI_PTE_KIND MiPteKindAt(PMMPTE PteAt, MMPTE Pte);

#endif
