/* SPDX-License-Identifier: MIT */
/*
 * policy.h - when to trim, whom, how far, and when to write: decisions from figures alone.
 *
 * Nothing here takes a lock or changes anything.  Who acts on it is working_set_manager.c.
 */
#ifndef MM_BALANCE_POLICY_H
#define MM_BALANCE_POLICY_H

#include "mm/pfn/memory_events.h"
#include "mm/ws/expansion.h"

/* ---- memory ---- */

typedef struct _MI_MEMORY_FIGURES {
    ULONG PhysicalPages;
    ULONG AvailablePages; /* zeroed + free + standby */
    ULONG FreePages;      /* zeroed + free */
    ULONG ModifiedPages;  /* that a paging file is to have */
    ULONG FreeSlots;      /* of all paging files, and those that they may grow by */
    ULONG PagingFiles;
    ULONG Waiters;     /* threads that wait for a page */
    ULONG MappedPages; /* modified ones that files are to have */
} MI_MEMORY_FIGURES, *PMI_MEMORY_FIGURES;

/* => Whether working sets have to give pages now. */
BOOLEAN MiIsMemoryShort(const MI_MEMORY_FIGURES *Memory);

/* => How many pages they have to give; 0: what is modified already will do, once it is written. */
ULONG MiPagesWanted(const MI_MEMORY_FIGURES *Memory);

/* => Whether the modified page writer has something to do. */
BOOLEAN MiShouldWrite(const MI_MEMORY_FIGURES *Memory);

/* => Whether the mapped page writer has. */
BOOLEAN MiShouldWriteMapped(const MI_MEMORY_FIGURES *Memory);

/* ---- working sets ---- */

/* Each takes younger pages than the one before; the last one takes any, below the minimum too. */
#define MI_TRIM_PASSES (MI_OLDEST + 1)
#define MI_LAST_PASS   (MI_TRIM_PASSES - 1)

/* => The age that pages have at least which leave in this pass. */
static inline ULONG MiAgeOfPass(ULONG Pass)
{
    return MI_OLDEST - Pass;
}

/* From this memory priority on a process is in the foreground: 5 is what everybody has. */
#define MI_FOREGROUND_PRIORITY (MI_DEFAULT_PRIORITY + 1)

/*
 * => How many pages a working set should lose in this pass when Wanted are wanted in all.
 */
ULONG MiTrimShare(const MMSUPPORT *WorkingSet, ULONG Pass, ULONG Wanted);

/* => How early it comes in this pass, as MI_RANK_WORKING_SET. */
ULONG MiTrimRank(const MMSUPPORT *WorkingSet, ULONG Pass);

/* ---- ageing ---- */

/* => How many entries to look at now: an eighth each second, half when memory is short. */
ULONG MiEntriesToAge(ULONG WorkingSetSize, BOOLEAN Short);

/*
 * The estimate of pages that were not accessed for a scan, after Looked entries of Size were looked
 * at and Unused of them had not been accessed: what was found replaces its part of the old one.
 */
ULONG MiNextEstimate(ULONG Old, ULONG Looked, ULONG Unused, ULONG Size);

/* => What it could give without missing it, and without going below its minimum. */
ULONG MiClaim(const MMSUPPORT *WorkingSet);

#endif
