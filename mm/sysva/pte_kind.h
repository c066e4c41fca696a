/* SPDX-License-Identifier: MIT */
/*
 * pte_kind.h - what a page-table entry says: the one place that tells the kinds apart.
 *
 * The software formats are those of x86 NT without PAE, as Windows Internals draws them and the
 * public type information names them (MMPTE_SOFTWARE, MMPTE_TRANSITION, MMPTE_PROTOTYPE):
 *
 *     kind         bit 0  10  11   the rest
 *     zero         all bits 0: nothing is known of the page
 *     valid            1   .   .   MMPTE_HARDWARE
 *     large            1   .   .   a directory entry with bit 7: MMPDE_LARGE
 *     prototype        0   1   .   where the prototype PTE is, from MI_PROTOTYPE_BASE; or all ones
 *                                  (11-31): only the descriptor says where, and a protection
 *                                  (1-5); with bit 9, its number in the clone table, and a
 *                                  protection (1-5)
 *     transition       0   0   1   a frame that still has the contents, and a protection
 *     pagefile         0   0   0   paging file (1-4), protection (5-9), offset in pages (12-31)
 *     demand zero      0   0   0   the same with offset 0: a paging file's page 0 is its header
 *     list             0   0   1   a free run of system PTEs (pte_make.h)
 *
 * Transition and list share their bits: only who knows that a PTE is a system PTE may say list.
 */
#ifndef MM_SYSVA_PTE_KIND_H
#define MM_SYSVA_PTE_KIND_H

#include "mm/sysva/pte_make.h"

typedef enum _MI_PTE_KIND {
    MiPteZero,
    MiPteValid,
    MiPteLarge,
    MiPteTransition,
    MiPtePagefile,
    MiPteDemandZero,
    MiPtePrototype,
    MiPteSubsection, /* of a prototype PTE only: MiPrototypePteKind */
    MiPteList
} MI_PTE_KIND;

typedef struct _MMPTE_SOFTWARE {
    ULONG Valid : 1;       /* 0 */
    ULONG PageFileLow : 4; /* which paging file */
    ULONG Protection : 5;  /* MI_PROTECTION_NAMES */
    ULONG Prototype : 1;   /* 0 */
    ULONG Transition : 1;  /* 0 */
    ULONG PageFileHigh : 20;
} MMPTE_SOFTWARE;

typedef struct _MMPTE_TRANSITION {
    ULONG Valid : 1; /* 0 */
    ULONG Write : 1;
    ULONG Owner : 1;
    ULONG WriteThrough : 1;
    ULONG CacheDisable : 1;
    ULONG Protection : 5;
    ULONG Prototype : 1;  /* 0 */
    ULONG Transition : 1; /* 1 */
    ULONG PageFrameNumber : 20;
} MMPTE_TRANSITION;

typedef struct _MMPTE_PROTOTYPE {
    ULONG Valid : 1; /* 0 */
    ULONG ProtoAddressLow : 7;
    ULONG ReadOnly : 1;
    ULONG WhichPool : 1;
    ULONG Prototype : 1; /* 1 */
    ULONG ProtoAddressHigh : 21;
} MMPTE_PROTOTYPE;

/* The same with WhichPool: a prototype PTE of the clone table (mm/space), by number. */
typedef struct _MMPTE_CLONE {
    ULONG Valid : 1;      /* 0 */
    ULONG Protection : 5; /* of the page in this address space */
    ULONG Copy : 1;       /* the next access makes a copy */
    ULONG Spare : 1;
    ULONG ReadOnly : 1;  /* 0 */
    ULONG WhichPool : 1; /* 1 */
    ULONG Prototype : 1; /* 1 */
    ULONG Index : 21;
} MMPTE_CLONE;

/* What a prototype PTE of a file is while its page is in the file: where the subsection is. */
typedef struct _MMPTE_SUBSECTION {
    ULONG Valid : 1; /* 0 */
    ULONG SubsectionAddressLow : 4;
    ULONG Protection : 5;
    ULONG Prototype : 1; /* 1 */
    ULONG SubsectionAddressHigh : 20;
    ULONG WhichPool : 1; /* 1: the initial part of nonpaged pool, 0: its expansion */
} MMPTE_SUBSECTION;

typedef union _MI_PTE_VIEW {
    MMPTE Pte;
    MMPTE_SOFTWARE Soft;
    MMPTE_TRANSITION Trans;
    MMPTE_PROTOTYPE Proto;
    MMPTE_CLONE Clone;
    MMPTE_SUBSECTION Subsect;
} MI_PTE_VIEW;

NT_C_ASSERT(sizeof(MI_PTE_VIEW) == sizeof(MMPTE));

/*
 * Prototype PTEs live in paged pool, whose start is fixed; the PTE holds their offset, in PTEs.
 * Those of pages that address spaces share after cloning are in nonpaged pool (WhichPool), which
 * does not begin at one place: these PTEs hold a number.
 */
/* => Of a page table's entry that is no system PTE. */
static inline MI_PTE_KIND MiPteKind(MMPTE Pte)
{
    if (Pte.Hard.Valid) {
        return MiPteValid;
    }
    if (Pte.Long == 0) {
        return MiPteZero;
    }
    if (Pte.Hard.Prototype) {
        return MiPtePrototype;
    }
    if (Pte.Hard.Reserved) {
        return MiPteTransition;
    }
    return Pte.Hard.PageFrameNumber != 0 ? MiPtePagefile : MiPteDemandZero;
}

/* => Of a prototype PTE, which never names another one. */
static inline MI_PTE_KIND MiPrototypePteKind(MMPTE Pte)
{
    MI_PTE_KIND Kind = MiPteKind(Pte);

    return Kind == MiPtePrototype ? MiPteSubsection : Kind;
}

/* => Of a prototype PTE, or of OriginalPte: whether the page is a file's. */
static inline BOOLEAN MiIsSubsectionPte(MMPTE Pte)
{
    return !Pte.Hard.Valid && Pte.Hard.Prototype;
}

/* => Of a directory's entry. */
static inline MI_PTE_KIND MiPdeKind(MMPTE Pde)
{
    return Pde.Hard.Valid && Pde.Hard.LargePage ? MiPteLarge : MiPteKind(Pde);
}

/* => Of a system PTE. */
static inline MI_PTE_KIND MiSystemPteKind(MMPTE Pte)
{
    MI_PTE_KIND Kind = MiPteKind(Pte);

    return Kind == MiPteTransition ? MiPteList : Kind;
}

static inline MI_PTE_VIEW MiViewPte(MMPTE Pte)
{
    MI_PTE_VIEW View = {.Pte = Pte};

    return View;
}

/* Where the prototype PTE is.  => Kind is prototype, WhichPool 0, not MiIsLookupPte. */
static inline ULONG_PTR MiPrototypeAddress(MMPTE Pte)
{
    MI_PTE_VIEW View = MiViewPte(Pte);
    ULONG Offset =
        View.Proto.ProtoAddressHigh << MI_PROTOTYPE_LOW_BITS | View.Proto.ProtoAddressLow;

    return (ULONG)(MI_PROTOTYPE_BASE + Offset * (ULONG)sizeof(MMPTE));
}

/*
 * A subsection lies in nonpaged pool, at a multiple of 8, within 128 MB of where its part begins:
 * everywhere in the two regions, and nowhere in special pool.
 */
BOOLEAN MiCanNameSubsection(const void *Subsection);
MMPTE MiMakeSubsectionPte(const void *Subsection, ULONG Protection); /* => MiCanNameSubsection */
PVOID MiSubsectionAddress(MMPTE Pte);                                /* => MiIsSubsectionPte */

/* What !pte prints. */
const char *MiPteKindName(MI_PTE_KIND Kind);
const char *MiProtectionName(ULONG Protection); /* and what modifies it: "ReadWrite Guard" */

/* The letters of a valid entry, in !pte's order: C G L D A N T U/K W/R E V. */
#define MI_PTE_LETTERS 11

typedef struct _MI_PTE_TEXT {
    char Text[MI_PTE_LETTERS + 1];
} MI_PTE_TEXT;

/* => Kind: without no-execute every page is executable, and only MiPteLarge shows L. */
MI_PTE_TEXT MiPteLetters(MMPTE Pte, MI_PTE_KIND Kind);

#endif
