/* SPDX-License-Identifier: MIT */
/*
 * balance_set.c - the balance set manager: what happens each second, and when memory runs short.
 *
 *     each second        ages are brought up to date, working sets trimmed if need be; threads that
 *                        are ready and never run are raised; look-aside lists are adjusted; paging
 *                        files become longer when little is left of the commit limit
 *     each fourth        the swapper looks for stacks whose threads wait for long
 *     a shortage         MmWorkingSetManagerEvent: working sets are trimmed now
 *
 * A working set whose mutex somebody has is passed by.  When that leaves pages wanted the manager
 * tries again after a tick; in between whoever has the mutex runs.
 *
 * Locking: none.
 */
#include "mm/balance/balance_set.h"

#include "mm/balance/swapper.h"
#include "mm/fault/fault.h"
#include "mm/pfn/commit_growth.h"
#include "mm/pool/lookaside.h"

#define MIP_SECOND          1000       /* ms */
#define MIP_SECOND_UNITS    10000000LL /* of 100 ns */
#define MIP_TICK_UNITS      100000LL
#define MIP_SWAPPER_SECONDS 4u /* documented */

typedef enum _MIP_OBJECT {
    MipSecond, /* first: a lasting shortage does not stop the clock */
    MipShortage,
    MipObjects
} MIP_OBJECT;

static void MipOnSecond(void)
{
    MiBalanceCounters.Seconds++;
    KiScanReadyQueues();
    MiCheckCommitment();
    ExAdjustLookasideDepth();
    if (MiBalanceCounters.Seconds % MIP_SWAPPER_SECONDS == 0) {
        MiWakeSwapper();
    }
}

void NTAPI KeBalanceSetManager(PVOID Context)
{
    LARGE_INTEGER First = {.QuadPart = -MIP_SECOND_UNITS};
    LARGE_INTEGER Tick = {.QuadPart = -MIP_TICK_UNITS};
    BOOLEAN Again = FALSE;
    KTIMER Timer;
    PVOID Objects[MipObjects] = {&Timer, &MmWorkingSetManagerEvent};

    (void)Context;
    KeInitializeTimerEx(&Timer, SynchronizationTimer);
    KeSetTimerEx(&Timer, First, MIP_SECOND, NULL);
    for (;;) {
        NTSTATUS Status = KeWaitForMultipleObjects(MipObjects, Objects, WaitAny, Executive,
                                                   KernelMode, FALSE, Again ? &Tick : NULL, NULL);
        BOOLEAN Second = Status == STATUS_WAIT_0 + MipSecond;

        if (Second) {
            MipOnSecond();
        } else if (Status != STATUS_TIMEOUT) {
            MiBalanceCounters.Alarms++;
        }
        Again = MmWorkingSetManager(Second);
    }
}
