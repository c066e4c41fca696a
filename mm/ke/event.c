/* SPDX-License-Identifier: MIT */
/*
 * event.c - events: a flag that threads wait for.
 *
 * A notification event stays set until it is reset and wakes everybody; a synchronization event
 * wakes one thread, and waking it resets the event.
 *
 * Locking: KiDispatcherLock.
 */
#include "mm/ke/dispatcher.h"

void NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    KiInitializeHeader(&Event->Header, (UCHAR)Type, sizeof(*Event), State != 0);
}

LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG OldState = Event->Header.SignalState;

    Event->Header.SignalState = 1;
    if (OldState == 0) {
        KiWaitTest(&Event->Header, Increment);
    }
    KiUnlockOrKeepForWait(OldIrql, Wait);
    return OldState;
}

LONG NTAPI KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG OldState = Event->Header.SignalState;

    Event->Header.SignalState = 1;
    if (OldState == 0) {
        KiWaitTest(&Event->Header, Increment);
    }
    Event->Header.SignalState = 0;
    KiUnlockOrKeepForWait(OldIrql, Wait);
    return OldState;
}

LONG NTAPI KeResetEvent(PRKEVENT Event)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG OldState = Event->Header.SignalState;

    Event->Header.SignalState = 0;
    KiUnlockDispatcher(OldIrql);
    return OldState;
}

void NTAPI KeClearEvent(PRKEVENT Event)
{
    Event->Header.SignalState = 0; /* one aligned store: needs no lock */
}

LONG NTAPI KeReadStateEvent(PRKEVENT Event)
{
    return Event->Header.SignalState;
}
