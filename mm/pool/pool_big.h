/* SPDX-License-Identifier: MIT */
/*
 * pool_big.h - blocks of whole pages: they have no header, so a table knows their tags and sizes.
 */
#ifndef MM_POOL_BIG_H
#define MM_POOL_BIG_H

#include "ex.h"

#define MI_BIG_TABLE_TAG 0x74426D4Du /* 'MmBt': the table, which grows and never shrinks */

typedef struct _MI_BIG_BLOCK {
    ULONG_PTR Va; /* page aligned; 0: an unused entry */
    ULONG Tag;
    SIZE_T Bytes;      /* as asked for */
    ULONG Pages : 29;  /* as given */
    ULONG Waiting : 1; /* free, in the front end */
    ULONG BaseType : 1;
    ULONG Paid : 1; /* the last word of its last page names who pays */
} MI_BIG_BLOCK, *PMI_BIG_BLOCK;

void MiInitializeBigBlocks(void);

/* => Returns FALSE when the table is full and cannot grow.  Block->Va is not in the table. */
BOOLEAN MiInsertBigBlock(const MI_BIG_BLOCK *Block);

/* => Returns FALSE when no block begins at Va; else *Block is what the table knew. */
/*
 * Free a block into the front end's slots for pages: it keeps its entry, as waiting.
 *
 * => Returns FALSE, and nothing has changed, unless it is one nonpaged page, in use, for which no
 *    process pays, and Tag frees it; else *Block is what the table knew.
 */
BOOLEAN MiParkBigBlock(PVOID Va, ULONG Tag, PMI_BIG_BLOCK Block);

/* => Va is waiting.  It is in use from now on. */
void MiReuseBigBlock(PVOID Va, ULONG Tag, SIZE_T Bytes);

/* => TRUE: Tag frees a block that was allocated with BlockTag.  0 frees all but protected ones. */
static inline BOOLEAN MiTagFrees(ULONG Tag, ULONG BlockTag)
{
    return Tag == BlockTag || (Tag == 0 && (BlockTag & PROTECTED_POOL) == 0);
}

BOOLEAN MiRemoveBigBlock(PVOID Va, PMI_BIG_BLOCK Block);
BOOLEAN MiFindBigBlock(PVOID Va, PMI_BIG_BLOCK Block);

/*
 * Mark the bytes behind a block, up to the end of its last page, and check the mark: bug check 0x19
 * (21, address, bytes, the first damaged byte).
 */
void MiMarkBigBlockEnd(const MI_BIG_BLOCK *Block);
void MiCheckBigBlockEnd(const MI_BIG_BLOCK *Block);

/* All blocks of one base type together.  The table's own pages are a block. */
typedef struct _MI_BIG_SUMS {
    ULONG Blocks; /* in use */
    ULONG Pages;
    SIZE_T UnusedBytes; /* of those, behind what was asked for */
    ULONG WaitingPages; /* in the front end */
} MI_BIG_SUMS, *PMI_BIG_SUMS;

/* Of the static table; one that grew is a big block. */
ULONG MiBigTableBytes(void);

void MiSumBigBlocks(POOL_TYPE BaseType, PMI_BIG_SUMS Sums);

/* Where the table is now. */
ULONG_PTR MiBigTableVa(void);

/* Every big block, in no order.  => Nobody allocates or frees one meanwhile. */
typedef void MI_BIG_BLOCK_ROUTINE(PVOID Context, const MI_BIG_BLOCK *Block);
void MiForEachBigBlock(MI_BIG_BLOCK_ROUTINE *Routine, PVOID Context);

/* Check G1-G3 of pool_big.c; the machine stops where one is broken. */
void MiVerifyBigBlocks(void);

#endif
