/* SPDX-License-Identifier: MIT */
/*
 * fault.h - what page faults need from the rest of the core, and what they count.
 */
#ifndef MM_FAULT_FAULT_H
#define MM_FAULT_FAULT_H

#include "ke.h"
#include "mm_machine.h"
#include "nt/status.h"

typedef struct _MI_FAULT_COUNTERS {
    ULONG Faults;      /* page faults, whatever became of them */
    ULONG DemandZero;  /* pages made */
    ULONG Transition;  /* pages that still had their frame */
    ULONG GuardPages;  /* guard pages touched */
    ULONG Refused;     /* accesses to the user half that failed */
    ULONG Spurious;    /* nothing to do any more */
    ULONG MemoryWaits; /* waits for a page to come free */
} MI_FAULT_COUNTERS, *PMI_FAULT_COUNTERS;

extern MI_FAULT_COUNTERS MiFaultCounters;

/* Bring Va's page in as a fault would.  => As MI_MAKE_RESIDENT (mm/sysva/mdl.h). */
NT_MUST_CHECK NTSTATUS MiMakeResident(ULONG_PTR Va, BOOLEAN Write);

/* ---- memory_wait.c ---- */

/* Set while at least MI_PAGES_AVAILABLE pages are available. */
extern KEVENT MiPagesAvailableEvent;
/* \KernelObjects\LowMemoryCondition and HighMemoryCondition. */
extern KEVENT MiLowMemoryEvent;
extern KEVENT MiHighMemoryEvent;

/* Tie these events to the conditions of mm/pfn.  => Once, PASSIVE_LEVEL. */
void MiInitializeMemoryEvents(void);

#endif
