/* SPDX-License-Identifier: MIT */
/*
 * memory_wait.c - the events behind the conditions on available pages.
 *
 * Each event is set while its condition holds.  They change under MiPfnLock: setting an event does
 * not wait, and the dispatcher's lock is below that one.
 */
#include "mm/fault/fault.h"

#include "mm/pfn/memory_events.h"

KEVENT MiPagesAvailableEvent;
KEVENT MiLowMemoryEvent;
KEVENT MiHighMemoryEvent;

static PKEVENT const MipEvents[MiMemoryConditions] = {
    [MiPagesAvailable] = &MiPagesAvailableEvent,
    [MiLowMemory] = &MiLowMemoryEvent,
    [MiHighMemory] = &MiHighMemoryEvent,
};

static void MipConditionChanged(MI_MEMORY_CONDITION Condition, BOOLEAN Holds)
{
    if (Holds) {
        KeSetEvent(MipEvents[Condition], IO_NO_INCREMENT, FALSE);
    } else {
        KeClearEvent(MipEvents[Condition]);
    }
}

void MiInitializeMemoryEvents(void)
{
    ULONG i;

    for (i = 0; i < MiMemoryConditions; i++) {
        KeInitializeEvent(MipEvents[i], NotificationEvent, FALSE);
    }
    MiSetMemoryCallback(MipConditionChanged);
}
