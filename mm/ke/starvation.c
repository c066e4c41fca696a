/* SPDX-License-Identifier: MIT */
/*
 * starvation.c - threads that are ready and do not run for seconds get their turn.
 *
 * A thread that never runs because others of higher priority always want to may own what they wait
 * for.  Once a second the balance set manager looks for such threads, as documented for NT: whoever
 * has been ready for about four seconds runs at priority 15 for a doubled quantum, and falls back
 * to its own priority at its end.  A scan looks at 16 threads at most and raises 10, and the next
 * one goes on where it stopped.  The zero-page thread (priority 0) has no claim.
 *
 * Locking: KiDispatcherLock.
 */
#include "mm/ke/dispatcher.h"

#define STARVED_UNITS   40000000u /* of 100 ns: 4 seconds */
#define SCAN_MOST       16u
#define BOOST_MOST      10u
#define STARVED_QUANTUM (2 * KI_QUANTUM)

#define HIGHEST_SCANNED (LOW_REALTIME_PRIORITY - 2) /* above it there is nothing to be raised to */

static LONG NextPriority = HIGHEST_SCANNED;

typedef struct _SCAN {
    ULONG Looked;
    ULONG Boosted;
} SCAN;

static void Boost(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock)
{
    Thread->Starved = TRUE;
    Thread->Quantum = STARVED_QUANTUM;
    KeCounters.StarvationBoosts++;
    KiSetPriority(Thread, LOW_REALTIME_PRIORITY - 1);
}

/* => FALSE: the scan's limits are reached. */
static BOOLEAN ScanQueue(LONG Priority, SCAN *Scan) NT_HOLDS(KiDispatcherLock)
{
    const ULONG Ticks = STARVED_UNITS / KI_CLOCK_INCREMENT;
    PLIST_ENTRY Queue = &KiReadyQueues[Priority];
    PLIST_ENTRY Entry = Queue->Flink;

    while (Entry != Queue) {
        PKTHREAD Thread = CONTAINING_RECORD(Entry, KTHREAD, QueueListEntry);

        if (Scan->Looked == SCAN_MOST || Scan->Boosted == BOOST_MOST) {
            return FALSE;
        }
        Entry = Entry->Flink; /* a thread that is raised leaves the queue */
        Scan->Looked++;
        if (KeTickCount.LowPart - Thread->WaitTime >= Ticks) {
            Scan->Boosted++;
            Boost(Thread);
        }
    }
    return TRUE;
}

void KiScanReadyQueues(void)
{
    KIRQL OldIrql = KiLockDispatcher();
    SCAN Scan = {0, 0};
    LONG Left = HIGHEST_SCANNED;
    BOOLEAN More = TRUE;

    while (More && Left-- != 0) {
        More = ScanQueue(NextPriority, &Scan);
        if (Scan.Boosted < BOOST_MOST) {
            NextPriority = NextPriority > LOW_PRIORITY + 1 ? NextPriority - 1 : HIGHEST_SCANNED;
        }
    }
    KiUnlockDispatcher(OldIrql);
}
