/* SPDX-License-Identifier: MIT */
/*
 * fault.h - what page faults need from the rest of the core, and what they count.
 */
#ifndef MM_FAULT_FAULT_H
#define MM_FAULT_FAULT_H

#include "arch/pte_x86.h"
#include "ke.h"
#include "mm_machine.h"
#include "nt/status.h"

typedef struct _MI_FAULT_COUNTERS {
    ULONG Faults;          /* page faults, whatever became of them */
    ULONG DemandZero;      /* pages made */
    ULONG Transition;      /* pages that still had their frame */
    ULONG PagingFileReads; /* reads from paging files that were begun */
    ULONG PagesRead;       /* pages that they were to bring */
    ULONG MappedFileReads; /* the same of files that are mapped */
    ULONG MappedPagesRead;
    ULONG Collided;     /* faults that waited for another one's read */
    ULONG InPageErrors; /* faults that failed because the page could not be read */
    ULONG Prototype;    /* shared pages mapped: other address spaces have the frame, too */
    ULONG Around;       /* pages of views that came along with one that was touched */
    ULONG CopyOnWrite;  /* pages copied */
    ULONG TakenBack;    /* shared pages that the last one to have them kept as they were */
    ULONG GuardPages;   /* guard pages touched */
    ULONG Refused;      /* accesses to the user half that failed */
    ULONG Spurious;     /* nothing to do any more */
    ULONG MemoryWaits;  /* waits for a page to come free */
} MI_FAULT_COUNTERS, *PMI_FAULT_COUNTERS;

extern MI_FAULT_COUNTERS MiFaultCounters;

/*
 * A page, or a page table, could not be read: bug check 0x7A, P1 its PTE, P2 why, P3 what the PTE
 * held, P4 its address.  An access to the user half, or to a view of a section, that is guarded
 * gets STATUS_IN_PAGE_ERROR instead.
 *
 * => Returns FALSE.
 */
BOOLEAN MiStopForInPageError(MM_STOP *Stop, ULONG_PTR Va, MMPTE Pte, NTSTATUS Status);

/* Bring Va's page in as a fault would.  => As MI_MAKE_RESIDENT (mm/sysva/mdl.h). */
NT_MUST_CHECK NTSTATUS MiMakeResident(ULONG_PTR Va, BOOLEAN Write);

/* ---- memory_wait.c ---- */

/* Set while at least MI_PAGES_AVAILABLE pages are available. */
extern KEVENT MiPagesAvailableEvent;
/* The event objects \KernelObjects\LowMemoryCondition and HighMemoryCondition. */
extern PKEVENT MiLowMemoryEvent;
extern PKEVENT MiHighMemoryEvent;
/* Wakes the balance set manager: memory became short, or somebody waits for it. */
extern KEVENT MmWorkingSetManagerEvent;

/*
 * Make these events and tie them to the conditions of mm/pfn.
 * => Once, PASSIVE_LEVEL, after ObInitSystem.  What ExCreateNamedEvent says.
 */
NT_MUST_CHECK NTSTATUS MiInitializeMemoryEvents(void);

/*
 * Wait until there are pages again; the balance set manager is told to see to it.
 *
 * => IRQL <= APC_LEVEL.  The mutex of no working set is held.
 * => FALSE: no page came free in the documented 70 seconds; *Stop is bug check 0x4D, with P1 the
 *    modified pages, P2 those of them that go to a paging file, P3 the pages that nonpaged pool has
 *    left, P4 the status of the last write to a paging file.
 */
NT_MUST_CHECK BOOLEAN MiWaitForMemory(MM_STOP *Stop);

/* (A) Threads that are in there now. */
extern volatile ULONG MiMemoryWaiters;

#endif
