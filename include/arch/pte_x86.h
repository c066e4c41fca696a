/* SPDX-License-Identifier: MIT */
/*
 * pte_x86.h - the bits of an x86 page-table entry, 32-bit paging (10-10-12).
 *
 * The only place where these bit numbers stand.  A PTE is passed by value and stored with one
 * aligned write (MiWritePte).  The layout is the documented one; the names are those that !pte
 * prints.  Source: the debugger's !pte reference; Intel SDM volume 3, 4.3.
 */
#ifndef ARCH_PTE_X86_H
#define ARCH_PTE_X86_H

#include "nt/types.h"

typedef struct _MMPTE_HARDWARE {
    ULONG Valid : 1;
    ULONG Write : 1; /* the processor may write */
    ULONG Owner : 1; /* user mode may access */
    ULONG WriteThrough : 1;
    ULONG CacheDisable : 1;
    ULONG Accessed : 1;
    ULONG Dirty : 1;
    ULONG LargePage : 1; /* PDE: a 4 MB page; PTE: PAT bit */
    ULONG Global : 1;
    ULONG CopyOnWrite : 1; /* software */
    ULONG Prototype : 1;   /* software */
    ULONG Reserved : 1;    /* software */
    ULONG PageFrameNumber : 20;
} MMPTE_HARDWARE;

/* A 4 MB page.  PSE-36 keeps physical address bits 32-39 in FrameHigh. */
typedef struct _MMPDE_LARGE {
    ULONG Valid : 1;
    ULONG Write : 1;
    ULONG Owner : 1;
    ULONG WriteThrough : 1;
    ULONG CacheDisable : 1;
    ULONG Accessed : 1;
    ULONG Dirty : 1;
    ULONG LargePage : 1; /* 1 */
    ULONG Global : 1;
    ULONG Software : 3;
    ULONG Pat : 1;
    ULONG FrameHigh : 8; /* physical address bits 32-39 */
    ULONG Zero : 1;
    ULONG FrameLow : 10; /* physical address bits 22-31 */
} MMPDE_LARGE;

typedef union _MMPTE {
    ULONG Long;
    MMPTE_HARDWARE Hard;
    MMPDE_LARGE Large;
} MMPTE, *PMMPTE;

NT_C_ASSERT(sizeof(MMPTE) == 4);

#define PTE_PER_PAGE  1024u
#define MM_LARGE_PAGE 0x400000u /* bytes mapped by one directory entry */
#define PDI_SHIFT     22
#define PTI_SHIFT     12

/* The same bits as masks, for composing an entry at once. */
#define MM_PTE_BITS_VALID      0x001u
#define MM_PTE_BITS_WRITE      0x002u
#define MM_PTE_BITS_OWNER      0x004u
#define MM_PTE_BITS_ACCESSED   0x020u
#define MM_PTE_BITS_DIRTY      0x040u
#define MM_PTE_BITS_LARGE      0x080u
#define MM_PTE_BITS_GLOBAL     0x100u
#define MM_PTE_BITS_PROTOTYPE  0x400u
#define MM_PTE_BITS_RESERVED   0x800u
#define MM_PTE_BITS_PROTECTION 0x3E0u /* of a software PTE */

#endif
