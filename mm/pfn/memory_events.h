/* SPDX-License-Identifier: MIT */
/*
 * memory_events.h - conditions on the number of available pages, and who is told when they change.
 *
 *     MiPagesAvailable  at least MI_PAGES_AVAILABLE: those who wait for memory may try again
 *     MiLowMemory       fewer than the low threshold     \KernelObjects\LowMemoryCondition
 *     MiHighMemory      at least the high threshold      \KernelObjects\HighMemoryCondition
 *     MiMemoryPressure  fewer than MiPressurePages: working sets are to be trimmed
 *     MiMemoryAmple     at least MiAmplePages: trimming has done enough, working sets may grow
 *
 * Low and High may both be false, Pressure and Ample too.  A condition changes with the very page
 * that crosses its threshold.  Kernel events are attached by the callback: set while it holds.
 */
#ifndef MM_PFN_MEMORY_EVENTS_H
#define MM_PFN_MEMORY_EVENTS_H

#include "mm/pfn/pfn.h"

typedef enum _MI_MEMORY_CONDITION {
    MiPagesAvailable,
    MiLowMemory,
    MiHighMemory,
    MiMemoryPressure,
    MiMemoryAmple,
    MiMemoryConditions
} MI_MEMORY_CONDITION;

/*
 * The most that one fault takes: a page table, a page of the working set list's entries, one of its
 * hash table, and the page.  With fewer it might give back what it had, and try again for ever.
 */
#define MI_PAGES_AVAILABLE 4
#define MI_LEAST_LOW_PAGES 8 /* with fewer memory is low, however small the machine is */

/* => Whether Condition holds below its threshold; the others hold from there on. */
static inline BOOLEAN MiIsShortage(MI_MEMORY_CONDITION Condition)
{
    return Condition == MiLowMemory || Condition == MiMemoryPressure;
}

/*
 * The pressure threshold: a 64th of RAM, so that the manager has begun, and pages are on their way
 * to the disk, before those who fault have used up the rest.  At least three times the least low
 * threshold, at most what 32 writes of 64 pages free.
 */
static inline ULONG MiPressurePages(ULONG PhysicalPages)
{
    ULONG Least = 3 * MI_LEAST_LOW_PAGES;
    ULONG Most = 32 * 64;
    ULONG Pages = PhysicalPages / 64;

    return Pages < Least ? Least : Pages > Most ? Most : Pages;
}

/*
 * Where trimming stops: three times the pressure, so that a trim takes two thirds of that at once,
 * and pressure does not come back with the next page.
 */
static inline ULONG MiAmplePages(ULONG PhysicalPages)
{
    return 3 * MiPressurePages(PhysicalPages);
}

/*
 * A condition became true or false.
 *
 * => Runs under MiPfnLock: it may signal events, not take or free pages.
 */
typedef void MI_MEMORY_CALLBACK(MI_MEMORY_CONDITION Condition, BOOLEAN Holds);

typedef struct _MI_MEMORY_WATCH {
    ULONG LowerBorder; /* (P) no condition changes while available pages are at least this ... */
    ULONG UpperBorder; /* (P) ... and fewer than this */
    ULONG Threshold[MiMemoryConditions]; /* (P) */
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
 * where it is below, Low to MI_LEAST_LOW_PAGES.
 *
 * => Judges all conditions again.
 */
void MiSetMemoryThresholds(ULONG LowPages, ULONG HighPages) NT_NOT_HOLDING(MiPfnLock);

/* => Called at once for each condition that holds. */
void MiSetMemoryCallback(MI_MEMORY_CALLBACK *Callback) NT_NOT_HOLDING(MiPfnLock);

BOOLEAN MiMemoryConditionHolds(MI_MEMORY_CONDITION Condition) NT_NOT_HOLDING(MiPfnLock);

/*
 * The same for who only wants a hint: it may be one page old.  => Any lock, any IRQL.
 */
static inline BOOLEAN MiGlanceAtMemory(MI_MEMORY_CONDITION Condition) NT_NO_LOCK_ANALYSIS
{
    return __atomic_load_n(&MiMemoryWatch.Holds[Condition], __ATOMIC_RELAXED);
}

/* MiAvailablePages left [LowerBorder, UpperBorder): judge all conditions again. */
void MiCrossMemoryBorder(void) NT_HOLDS(MiPfnLock);

#endif
