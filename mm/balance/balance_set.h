/* SPDX-License-Identifier: MIT */
/*
 * balance_set.h - the balance set manager: the thread, and the rounds that it does.
 */
#ifndef MM_BALANCE_BALANCE_SET_H
#define MM_BALANCE_BALANCE_SET_H

#include "mm/balance/policy.h"
#include "nt/status.h"
#include "ps.h"

typedef struct _MI_BALANCE_COUNTERS {
    ULONG Seconds;      /* rounds that the clock asked for */
    ULONG Alarms;       /* rounds that a shortage asked for */
    ULONG Trims;        /* rounds in which pages were wanted */
    ULONG Passes;       /* of them: passes over the working sets */
    ULONG LastPasses;   /* of these, the last: any page, below the minimum too */
    ULONG Trimmed;      /* pages that left */
    ULONG Aged;         /* entries that were looked at */
    ULONG Busy;         /* working sets that were passed by: somebody had the mutex */
    ULONG Writes;       /* times that the modified page writer was woken */
    ULONG MappedWrites; /* times that the mapped page writer was */
} MI_BALANCE_COUNTERS, *PMI_BALANCE_COUNTERS;

extern MI_BALANCE_COUNTERS MiBalanceCounters; /* written by the manager alone */

/* ---- working_set_manager.c ---- */

void MiQueryMemoryFigures(PMI_MEMORY_FIGURES Memory) NT_NOT_HOLDING(MiPfnLock);

/*
 * Trim the working sets as far as memory is short, wake the modified page writer.
 *
 * => Second: a second has passed, ages are to be brought up to date first.
 * => PASSIVE_LEVEL, one caller at a time, no working set's mutex is held.
 * => Returns whether pages are still wanted that somebody busy may have: it is worth another try.
 */
BOOLEAN MmWorkingSetManager(BOOLEAN Second);

/*
 * How long the pages of a process stay on standby, and how late it is trimmed: 0 to 7, 5 is what it
 * is born with, from MI_FOREGROUND_PRIORITY on it is in the foreground.
 *
 * => PASSIVE_LEVEL.  STATUS_INVALID_PARAMETER: there is no such priority.
 */
NT_MUST_CHECK NTSTATUS MmSetMemoryPriorityProcess(PEPROCESS Process, ULONG Priority);

/* ---- balance_set.c ---- */

#define MI_BALANCE_SET_PRIORITY 16 /* both documented */
#define MI_SWAPPER_PRIORITY     23

/* What the two threads run: never return. */
void NTAPI KeBalanceSetManager(PVOID Context);
void NTAPI KeSwapProcessOrStack(PVOID Context);

#endif
