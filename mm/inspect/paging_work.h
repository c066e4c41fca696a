/* SPDX-License-Identifier: MIT */
/*
 * paging_work.h - a thread of the paging run, and the process whose memory it uses.
 */
#ifndef MM_INSPECT_PAGING_WORK_H
#define MM_INSPECT_PAGING_WORK_H

#include "ke.h"
#include "mm/inspect/paging_stamp.h"
#include "nt/status.h"
#include "ps.h"

#define MI_PAGING_RUN_TAG   0x72675053u /* 'SPgr' */
#define MI_WORK_BLOCK_PAGES 1024u       /* one reservation */
#define MI_WORK_MOST_BLOCKS 480u        /* a user half holds less than 512 */
#define MI_WORK_MOST_PAGES  (MI_WORK_MOST_BLOCKS * MI_WORK_BLOCK_PAGES)

/* What came of the touches; of several workers it is added up. */
typedef struct _MI_WORK_RESULT {
    ULONG64 Touches;    /* pages read and compared, or written */
    ULONG64 Writes;     /* of them */
    ULONG Wrong;        /* pages that were not what they had to be */
    ULONG InPageErrors; /* accesses and services that said so */
    ULONG GivenUp;      /* pages whose writing failed half way: they are written anew */
    ULONG Services;     /* calls between the touches that did what they had to */
    ULONG Refused;      /* those for which there was no memory */
    ULONG Unexpected;   /* statuses that nothing explains */
    ULONG64 Longest;    /* cycles of one touch */
} MI_WORK_RESULT, *PMI_WORK_RESULT;

typedef struct _MI_PAGING_WORK {
    PEPROCESS Process;
    ULONG Pages;
    ULONG Seed;
    BOOLEAN Errors; /* in-page errors are expected */
    ULONG Random;   /* state of the generator; never 0 */
    PUSHORT States; /* by page: version and flags of paging_work.c */
    PULONG Copy;    /* a page on its way */
    ULONG_PTR Blocks[MI_WORK_MOST_BLOCKS];
    ULONG LockedPage; /* first of LockedPages that NtLockVirtualMemory holds */
    ULONG LockedPages;
    KEVENT Done;
    MI_WORK_RESULT Result;
} MI_PAGING_WORK, *PMI_PAGING_WORK;

/*
 * Make the process and commit its memory; nothing is touched.
 *
 * => PASSIVE_LEVEL.  Pages up to MI_WORK_MOST_PAGES.  A status of PsCreateProcess, of
 *    NtAllocateVirtualMemory, or STATUS_INSUFFICIENT_RESOURCES: *Work is NULL.
 */
NT_MUST_CHECK NTSTATUS MiCreatePagingWork(ULONG Pages, ULONG Seed, BOOLEAN Errors,
                                          PMI_PAGING_WORK *Work);

/* End the process, with all that it has.  => No thread works. */
void MiDeletePagingWork(PMI_PAGING_WORK Work);

/* Work to the end, then set Done.  => A PS_SYSTEM_ROUTINE; Context is the MI_PAGING_WORK. */
void NTAPI MiDoPagingWork(PVOID Context);

/* A number below Limit, of a xorshift generator with that state. */
ULONG MiNextWorkNumber(PULONG State, ULONG Limit);

/* Note a touch that began at Start (KeReadCycleCounter). */
void MiCountTouch(PMI_WORK_RESULT Result, ULONG64 Start, BOOLEAN Write);

#endif
