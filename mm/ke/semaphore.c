/* SPDX-License-Identifier: MIT */
/*
 * semaphore.c - semaphores: a count of things that threads take one by one.
 *
 * Invariant: 0 <= Header.SignalState <= Limit.
 *
 * Locking: KiDispatcherLock.
 */
#include "mm/ke/dispatcher.h"

void NTAPI KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    MI_ASSERT(Limit > 0 && Count >= 0 && Count <= Limit);
    KiInitializeHeader(&Semaphore->Header, SemaphoreObject, sizeof(*Semaphore), Count);
    Semaphore->Limit = Limit;
}

LONG NTAPI KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment,
                              BOOLEAN Wait)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG OldCount = Semaphore->Header.SignalState;

    if (Adjustment <= 0 || Adjustment > Semaphore->Limit - OldCount) {
        KiUnlockDispatcher(OldIrql);
        KiRaiseStatus(STATUS_SEMAPHORE_LIMIT_EXCEEDED, (ULONG_PTR)__builtin_return_address(0),
                      Semaphore);
    }
    Semaphore->Header.SignalState = OldCount + Adjustment;
    if (OldCount == 0) {
        KiWaitTest(&Semaphore->Header, Increment);
    }
    KiUnlockOrKeepForWait(OldIrql, Wait);
    return OldCount;
}

LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
    return Semaphore->Header.SignalState;
}
