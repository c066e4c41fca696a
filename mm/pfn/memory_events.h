/* SPDX-License-Identifier: MIT */
/*
 * memory_events.h - conditions on the number of available pages, and who is told when they change.
 *
 *     MiPagesAvailable  at least MI_PAGES_AVAILABLE: those who wait for memory may try again
 *     MiLowMemory       fewer than the low threshold     \KernelObjects\LowMemoryCondition
 *     MiHighMemory      at least the high threshold      \KernelObjects\HighMemoryCondition
 *
 * Both of the last two may be false.  A condition changes with the very page that crosses its
 * threshold.  Kernel events are attached by the callback: set while the condition holds.
 */
#ifndef MM_PFN_MEMORY_EVENTS_H
#define MM_PFN_MEMORY_EVENTS_H

#include "mm/pfn/pfn.h"

typedef enum _MI_MEMORY_CONDITION {
    MiPagesAvailable,
    MiLowMemory,
    MiHighMemory,
    MiMemoryConditions
} MI_MEMORY_CONDITION;

#define MI_PAGES_AVAILABLE 8

/*
 * A condition became true or false.
 *
 * => Runs under MiPfnLock: it may signal events, not take or free pages.
 */
typedef void MI_MEMORY_CALLBACK(MI_MEMORY_CONDITION Condition, BOOLEAN Holds);

typedef struct _MI_MEMORY_WATCH {
    ULONG LowerBorder; /* (P) no condition changes while available pages are at least this ... */
    ULONG UpperBorder; /* (P) ... and fewer than this */
    ULONG Threshold[MiMemoryConditions]; /* (P) ascending */
    BOOLEAN Holds[MiMemoryConditions];   /* (P) */
    ULONG Changes[MiMemoryConditions];   /* (P) since initialisation */
    MI_MEMORY_CALLBACK *Callback;        /* (P) NULL: nobody */
} MI_MEMORY_WATCH, *PMI_MEMORY_WATCH;

extern MI_MEMORY_WATCH MiMemoryWatch NT_GUARDED_BY(MiPfnLock);

/* No thresholds yet, nobody to tell.  => Before the first frame. */
void MiInitializeMemoryWatch(void) NT_HOLDS(MiPfnLock);

/*
 * Set the thresholds (LowMemoryThreshold and HighMemoryThreshold, in pages).  0: the default, 1/128
 * of RAM (32 MB of each 4 GB) but at most 64 MB; for High three times Low.  High is raised to Low
 * where it is below, Low to MI_PAGES_AVAILABLE.
 *
 * => Judges all conditions again.
 */
void MiSetMemoryThresholds(ULONG LowPages, ULONG HighPages) NT_NOT_HOLDING(MiPfnLock);

/* => Called at once for each condition that holds. */
void MiSetMemoryCallback(MI_MEMORY_CALLBACK *Callback) NT_NOT_HOLDING(MiPfnLock);

BOOLEAN MiMemoryConditionHolds(MI_MEMORY_CONDITION Condition) NT_NOT_HOLDING(MiPfnLock);

/* MiAvailablePages left [LowerBorder, UpperBorder): judge all conditions again. */
void MiCrossMemoryBorder(void) NT_HOLDS(MiPfnLock);

#endif
