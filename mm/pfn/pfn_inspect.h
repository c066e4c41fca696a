/* SPDX-License-Identifier: MIT */
/*
 * pfn_inspect.h - looking at the page frames: verify, dump, counters.
 */
#ifndef MM_PFN_PFN_INSPECT_H
#define MM_PFN_PFN_INSPECT_H

#include "mm/pfn/commit.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/pfn.h"
#include "mm/pfn/pfn_list.h"
#include "rtl.h"

/* What !memusage and !vm print; taken at one moment. */
typedef struct _MI_PFN_COUNTERS {
    ULONG PhysicalPages;          /* the sum of States */
    ULONG AvailablePages;         /* zeroed + free + standby */
    ULONG States[MI_PAGE_STATES]; /* frames in each state, by MMLISTS */
    ULONG Standby[MI_PRIORITIES]; /* standby frames of each priority */
    ULONG Repurposed;             /* standby frames that were reused, since boot */
    BOOLEAN Condition[MiMemoryConditions];
    MI_COMMIT Commit;
} MI_PFN_COUNTERS, *PMI_PFN_COUNTERS;

void MiQueryPfnCounters(PMI_PFN_COUNTERS Counters) NT_NOT_HOLDING(MiPfnLock);

/*
 * Check L1 to L8 of pfn_list.c on every list and every entry.
 *
 * => Bug check 0x4E (1: list head, 2: entry, 99: entry on no list) when one does not hold.  Costs a
 *    walk over the database under the lock.
 */
void MiVerifyPageLists(void) NT_NOT_HOLDING(MiPfnLock);

/* The name that !pfn prints. */
const char *MiPageStateName(MMLISTS State);

/* Frames of RAM by state, as the database's entries say, not the lists' counters. */
typedef struct _MI_PAGE_SUMS {
    ULONG States[MI_PAGE_STATES];
    ULONG Unknown; /* on a list by its state, held by its references: neither can be believed */
    ULONG Total;   /* frames that were looked at: the sum of all above */
} MI_PAGE_SUMS, *PMI_PAGE_SUMS;

/* Costs a walk over the database under the lock. */
void MiCountPages(PMI_PAGE_SUMS Sums) NT_NOT_HOLDING(MiPfnLock);

/* !pfn: the entry of Frame, in the debugger's words.  => Any frame number. */
void MiDumpFrame(RTL_PRINT_SINK *Sink, PVOID Context, PFN_NUMBER Frame) NT_NOT_HOLDING(MiPfnLock);

#endif
