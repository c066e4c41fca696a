/* SPDX-License-Identifier: MIT */
/*
 * paging_pool_work.h - the thread of the paging run that fills paged pool.
 */
#ifndef MM_INSPECT_PAGING_POOL_WORK_H
#define MM_INSPECT_PAGING_POOL_WORK_H

#include "mm/inspect/paging_work.h"

#define MI_POOL_WORK_BLOCKS 8192u

typedef struct _MI_POOL_WORK_BLOCK {
    PULONG Va;
    USHORT Pages;
    USHORT Version; /* of all of them */
} MI_POOL_WORK_BLOCK;

typedef struct _MI_POOL_WORK {
    ULONG Seed;
    ULONG Random;
    ULONG Count;       /* blocks */
    ULONG Pages;       /* of them */
    KEVENT OthersDone; /* set by who runs it: pool is kept until then */
    KEVENT Done;
    MI_WORK_RESULT Result;
    MI_POOL_WORK_BLOCK Blocks[MI_POOL_WORK_BLOCKS];
} MI_POOL_WORK, *PMI_POOL_WORK;

/*
 * Allocate paged pool until no more can be had, or until commitment gets scarce; stamp it, write
 * parts of it again; when the others are done compare all of it, free it, and set Done.
 *
 * => A PS_SYSTEM_ROUTINE; Context is a MI_POOL_WORK with Seed, Random and both events set, the rest
 * zero.
 */
void NTAPI MiDoPoolWork(PVOID Context);

#endif
