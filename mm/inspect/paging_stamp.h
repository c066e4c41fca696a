/* SPDX-License-Identifier: MIT */
/*
 * paging_stamp.h - pages that say whose they are: what the paging run writes, and how it checks.
 *
 *     word 0     address of the page
 *     word 1     version: how often it was written
 *     word 2     seed of its owner
 *     word 3     checksum over all the others
 *     word 4..   numbers that follow from the first three
 *
 * A page of another address, an older one, a torn one: each is told from the right one, and named.
 */
#ifndef MM_INSPECT_PAGING_STAMP_H
#define MM_INSPECT_PAGING_STAMP_H

#include "arch/pte_x86.h"
#include "nt/types.h"

#define MI_STAMP_WORDS (PAGE_SIZE / (ULONG)sizeof(ULONG))

typedef struct _MI_STAMP {
    ULONG_PTR Va;
    ULONG Version; /* 0: never written, all zeroes */
    ULONG Seed;
} MI_STAMP;

/* => Page is PAGE_SIZE long; Version is not 0. */
void MiStampPage(PULONG Page, MI_STAMP Stamp);

/* => Whether every word is as it has to be. */
BOOLEAN MiIsPageStamped(const ULONG *Page, MI_STAMP Stamp);

/* Print, after Title, what the page should be and what it is. */
void MiDescribeWrongPage(const char *Title, const ULONG *Page, MI_STAMP Stamp);

#endif
