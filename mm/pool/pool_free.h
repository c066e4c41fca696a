/* SPDX-License-Identifier: MIT */
/*
 * pool_free.h - the long ways behind the calls of ex.h.
 */
#ifndef MM_POOL_FREE_H
#define MM_POOL_FREE_H

#include "mm/pool/pool_tag.h"

/* Any request, of any type and size.  => As ExAllocatePoolWithTag. */
PVOID MiAllocatePoolSlowly(POOL_TYPE PoolType, SIZE_T Bytes, ULONG Tag, PVOID Caller);

/* Any pointer; finds out what is wrong with it.  => As ExFreePoolWithTag. */
void MiFreePoolSlowly(PVOID P, ULONG Tag);

/* => 0xC2/8 or 9 unless pool of BaseType may be touched now.  Value: bytes or address. */
void MiCheckPoolIrql(ULONG Subcode, POOL_TYPE BaseType, ULONG_PTR Value);

/*
 * => Bug check 0xC2 unless P is the data of a small block in use: 40 user address, 43 never pool,
 *    44 50 free page, 46 not aligned, 6 7 free block.
 */
void MiCheckSmallBlock(PVOID P);

/* => Bug check for a page-aligned address that the table of big blocks does not know. */
NT_NORETURN void MiReportBadBigBlock(PVOID P);

/* 0xC2, P1. */
#define MI_BAD_IRQL_TO_ALLOCATE 0x8
#define MI_BAD_IRQL_TO_FREE     0x9
#define MI_BAD_POOL_TAG         0xA

#endif
