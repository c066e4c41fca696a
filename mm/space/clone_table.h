/* SPDX-License-Identifier: MIT */
/*
 * clone_table.h - prototype PTEs of the pages that address spaces share after cloning.
 *
 * Letters: (P) MiPfnLock.
 */
#ifndef MM_SPACE_CLONE_TABLE_H
#define MM_SPACE_CLONE_TABLE_H

#include "ke.h"
#include "mm/pfn/pfn.h"
#include "mm/sysva/pte_make.h"
#include "nt/status.h"

#define MI_CLONE_TAG 0x6C436D4Du /* 'MmCl' */

/* One shared page.  Names as on NT. */
typedef struct _MMCLONE_BLOCK {
    MMPTE ProtoPte;      /* (P) what and where the page is; free: the next free block of its page */
    ULONG CloneRefCount; /* (P) PTEs of processes that map it or name it; 0: free */
} MMCLONE_BLOCK, *PMMCLONE_BLOCK;

#define MI_CLONE_BLOCKS                                                                            \
    (PAGE_SIZE / (ULONG)sizeof(MMCLONE_BLOCK)) /* a page; the first is a header */
#define MI_CLONE_PAGES (MI_CLONE_INDEXES / MI_CLONE_BLOCKS)

/* The header of a page of blocks. */
typedef struct _MI_CLONE_PAGE {
    USHORT Number;    /* its place in MiClonePages */
    USHORT Used;      /* (P) blocks */
    USHORT FirstFree; /* (P) block; 0: none */
    USHORT NextPage;  /* (P) with free blocks; MI_NO_CLONE_PAGE: none */
} MI_CLONE_PAGE, *PMI_CLONE_PAGE;

#define MI_NO_CLONE_PAGE 0xFFFFu

NT_C_ASSERT(sizeof(MI_CLONE_PAGE) == sizeof(MMCLONE_BLOCK));
NT_C_ASSERT(MI_CLONE_PAGES < MI_NO_CLONE_PAGE);

/* Who begins to read a shared page; taken under the mutex of a working set, above MiPfnLock. */
extern FAST_MUTEX MiCloneReadMutex;

extern PMI_CLONE_PAGE MiClonePages[MI_CLONE_PAGES]; /* (P) NULL: no such page */

/* => Index is that of a block in use. */
static inline PMMCLONE_BLOCK MiCloneBlock(ULONG Index)
{
    return (PMMCLONE_BLOCK)(PVOID)MiClonePages[Index / MI_CLONE_BLOCKS] + Index % MI_CLONE_BLOCKS;
}

/* => The block that ProtoPte, which is one of them, lies in. */
static inline ULONG MiCloneIndexOf(const MMPTE *ProtoPte)
{
    const MI_CLONE_PAGE *Page = (const MI_CLONE_PAGE *)(const void *)PAGE_ALIGN(ProtoPte);

    return Page->Number * MI_CLONE_BLOCKS + BYTE_OFFSET(ProtoPte) / (ULONG)sizeof(MMCLONE_BLOCK);
}

/* There are no blocks.  => Before the first process of a machine. */
void MiForgetCloneTable(void);

/*
 * Count blocks can be taken from now on, and the reverse for those that were not.
 *
 * => IRQL <= APC_LEVEL, no spin lock held.
 * => STATUS_INSUFFICIENT_RESOURCES: no nonpaged pool, or all numbers are in use; nothing changed.
 */
NT_MUST_CHECK NTSTATUS MiReserveCloneBlocks(ULONG Count) NT_NOT_HOLDING(MiPfnLock);
void MiReturnCloneBlocks(ULONG Count) NT_NOT_HOLDING(MiPfnLock);

/* => One was reserved.  Returns its index; its CloneRefCount is 1, its ProtoPte the caller's. */
ULONG MiTakeCloneBlock(void) NT_HOLDS(MiPfnLock);

/* => CloneRefCount is 0. */
void MiFreeCloneBlock(ULONG Index) NT_HOLDS(MiPfnLock);

/* Give pages without blocks back to the pool.  => IRQL <= APC_LEVEL. */
void MiTrimCloneTable(void) NT_NOT_HOLDING(MiPfnLock);

/* What all blocks, or all PTEs that name them, add up to: MiVerifyCloneTable. */
typedef struct _MI_CLONE_SUMS {
    ULONG References;    /* PTEs */
    ULONG ReferenceHash; /* the sum of MiCloneHash over them */
    ULONG ValidHash;     /* over those that are valid */
} MI_CLONE_SUMS, *PMI_CLONE_SUMS;

/* Of different indexes different numbers, whose sums tell who is counted wrong. */
static inline ULONG MiCloneHash(ULONG Index)
{
    return (Index + 1) * 0x9E3779B1u;
}

/* Check T1 to T3 of clone_table.c, and add up what processes must add up to. */
void MiVerifyCloneTable(PMI_CLONE_SUMS Sums) NT_NOT_HOLDING(MiPfnLock);

/* => Blocks in use, and bytes of nonpaged pool that they take. */
ULONG MiCountCloneBlocks(PULONG Bytes) NT_NOT_HOLDING(MiPfnLock);

#endif
