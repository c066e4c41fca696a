/* SPDX-License-Identifier: MIT */
/*
 * memory_events.c - judging the memory conditions, exactly at each crossing of a threshold.
 *
 * The thresholds cut the number of available pages into regions in which nothing changes.  The
 * page lists compare with the borders of the current region and call here only beyond them.
 *
 * Locking: MiPfnLock.
 */
#include "mm/pfn/memory_events.h"

#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_list.h"

#define MI_LOW_FRACTION  128 /* of RAM: 32 MB of 4 GB */
#define MI_LOW_MAXIMUM   ((64u << 20) / PAGE_SIZE)
#define MI_HIGH_MULTIPLE 3
#define MI_NO_BORDER     0xFFFFFFFFu

MI_MEMORY_WATCH MiMemoryWatch;

void MiInitializeMemoryWatch(void)
{
    MI_MEMORY_WATCH Nothing = {0};

    Nothing.UpperBorder = MI_NO_BORDER;
    MiMemoryWatch = Nothing;
}

static void MipFindBorders(void) NT_HOLDS(MiPfnLock)
{
    ULONG Index;

    MiMemoryWatch.LowerBorder = 0;
    MiMemoryWatch.UpperBorder = MI_NO_BORDER;
    for (Index = 0; Index < MiMemoryConditions; Index++) {
        ULONG Threshold = MiMemoryWatch.Threshold[Index];

        if (Threshold <= MiAvailablePages) {
            if (Threshold > MiMemoryWatch.LowerBorder) {
                MiMemoryWatch.LowerBorder = Threshold;
            }
        } else if (Threshold < MiMemoryWatch.UpperBorder) {
            MiMemoryWatch.UpperBorder = Threshold;
        }
    }
}

void MiCrossMemoryBorder(void)
{
    ULONG Index;

    MipFindBorders();
    for (Index = 0; Index < MiMemoryConditions; Index++) {
        BOOLEAN Reached = MiAvailablePages >= MiMemoryWatch.Threshold[Index];
        BOOLEAN Holds = MiIsShortage((MI_MEMORY_CONDITION)Index) ? !Reached : Reached;

        if (Holds == MiMemoryWatch.Holds[Index]) {
            continue;
        }
        MiMemoryWatch.Holds[Index] = Holds;
        MiMemoryWatch.Changes[Index]++;
        if (MiMemoryWatch.Callback != NULL) {
            MiMemoryWatch.Callback((MI_MEMORY_CONDITION)Index, Holds);
        }
    }
}

void MiSetMemoryThresholds(ULONG LowPages, ULONG HighPages)
{
    KIRQL OldIrql = MiLockPfn();

    if (LowPages == 0) {
        LowPages = MiPhysicalPages / MI_LOW_FRACTION;
        LowPages = LowPages > MI_LOW_MAXIMUM ? MI_LOW_MAXIMUM : LowPages;
    }
    if (LowPages < MI_LEAST_LOW_PAGES) {
        LowPages = MI_LEAST_LOW_PAGES;
    }
    if (HighPages == 0) {
        HighPages = LowPages * MI_HIGH_MULTIPLE;
    }
    MiMemoryWatch.Threshold[MiPagesAvailable] = MI_PAGES_AVAILABLE;
    MiMemoryWatch.Threshold[MiLowMemory] = LowPages;
    MiMemoryWatch.Threshold[MiHighMemory] = HighPages < LowPages ? LowPages : HighPages;
    MiMemoryWatch.Threshold[MiMemoryPressure] = MiPressurePages(MiPhysicalPages);
    MiMemoryWatch.Threshold[MiMemoryAmple] = MiAmplePages(MiPhysicalPages);
    MiCrossMemoryBorder();
    MiUnlockPfn(OldIrql);
}

void MiSetMemoryCallback(MI_MEMORY_CALLBACK *Callback)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Index;

    MiMemoryWatch.Callback = Callback;
    for (Index = 0; Index < MiMemoryConditions; Index++) {
        if (Callback != NULL && MiMemoryWatch.Holds[Index]) {
            Callback((MI_MEMORY_CONDITION)Index, TRUE);
        }
    }
    MiUnlockPfn(OldIrql);
}

BOOLEAN MiMemoryConditionHolds(MI_MEMORY_CONDITION Condition)
{
    KIRQL OldIrql = MiLockPfn();
    BOOLEAN Holds = MiMemoryWatch.Holds[Condition];

    MiUnlockPfn(OldIrql);
    return Holds;
}
