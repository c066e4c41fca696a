/* SPDX-License-Identifier: MIT */
/*
 * memory_wait.c - the events behind the conditions on available pages, and waiting for pages.
 *
 * An event is set while its condition holds, but the manager's: it is set whenever memory becomes
 * shorter by a step (pressure, low, next to nothing), and whenever somebody begins to wait.  They
 * change under MiPfnLock: setting an event does not wait, and the dispatcher's lock is below that
 * one.
 *
 * Who waits calls those who can free pages: the modified page writer, for what is on its list
 * already, and the manager; and goes on as soon as there is what a fault may need.  Each second he
 * calls again, and looks whether there is a page at all: fewer may do.  70 seconds without one are
 * the end: no page was trimmed, written or freed in all that time.
 *
 * Locking: MiPfnLock for the conditions.
 */
#include "mm/fault/fault.h"

#include "events.h"
#include "mm/paging/modified_writer.h"
#include "mm/section/mapped_writer.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pool/pool.h"
#include "nt/bugcodes.h"

#define MIP_SECONDS_TO_WAIT 70 /* documented */

KEVENT MiPagesAvailableEvent;
PKEVENT MiLowMemoryEvent;
PKEVENT MiHighMemoryEvent;
KEVENT MmWorkingSetManagerEvent;
volatile ULONG MiMemoryWaiters;

static PKEVENT MipEvents[MiMemoryConditions]; /* fixed after the start; NULL: the manager's */

/* => Whether this change makes memory shorter than the manager should let it be. */
static BOOLEAN MipIsAlarm(MI_MEMORY_CONDITION Condition, BOOLEAN Holds)
{
    return MiIsShortage(Condition) ? Holds : Condition == MiPagesAvailable && !Holds;
}

static void MipConditionChanged(MI_MEMORY_CONDITION Condition, BOOLEAN Holds)
{
    PKEVENT Event = MipEvents[Condition];

    if (MipIsAlarm(Condition, Holds)) {
        KeSetEvent(&MmWorkingSetManagerEvent, IO_NO_INCREMENT, FALSE);
    }
    if (Event == NULL) {
        return;
    }
    if (Holds) {
        KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    } else {
        KeClearEvent(Event);
    }
}

NTSTATUS MiInitializeMemoryEvents(void)
{
    NTSTATUS Status = ExCreateNamedEvent(u"\\KernelObjects\\LowMemoryCondition", NotificationEvent,
                                         &MiLowMemoryEvent);

    if (NT_SUCCESS(Status)) {
        Status = ExCreateNamedEvent(u"\\KernelObjects\\HighMemoryCondition", NotificationEvent,
                                    &MiHighMemoryEvent);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeEvent(&MmWorkingSetManagerEvent, SynchronizationEvent, FALSE);
    KeInitializeEvent(&MiPagesAvailableEvent, NotificationEvent, FALSE);
    MiMemoryWaiters = 0;
    MipEvents[MiPagesAvailable] = &MiPagesAvailableEvent;
    MipEvents[MiLowMemory] = MiLowMemoryEvent;
    MipEvents[MiHighMemory] = MiHighMemoryEvent;
    MiSetMemoryCallback(MipConditionChanged);
    return STATUS_SUCCESS;
}

/* ---- waiting ---- */

static BOOLEAN MipHasPages(void)
{
    KIRQL OldIrql = MiLockPfn();
    BOOLEAN Has = MiAvailablePages != 0;

    MiUnlockPfn(OldIrql);
    return Has;
}

static MM_STOP MipDescribeShortage(void)
{
    MM_STOP Stop = {.Code = NO_PAGES_AVAILABLE};
    MI_POOL_FIGURES Pool;
    KIRQL OldIrql;

    MiQueryPoolFigures(NonPagedPool, &Pool);
    OldIrql = MiLockPfn();
    Stop.Parameter[0] = MiPageCounts[ModifiedPageList] + MiPageCounts[ModifiedNoWritePageList];
    Stop.Parameter[1] = MiPageCounts[ModifiedPageList];
    MiUnlockPfn(OldIrql);
    Stop.Parameter[2] = Pool.MaximumPages - Pool.UsedPages;
    Stop.Parameter[3] = (ULONG)MiWriterFigures.LastStatus;
    return Stop;
}

/* => TRUE: there may be pages.  FALSE: there were none, and a second has passed. */
static BOOLEAN MipWaitASecond(void)
{
    LARGE_INTEGER Second = {.QuadPart = -10000000LL};
    NTSTATUS Status;

    MiWakeModifiedWriter();
    MiWakeMappedWriter();
    MiRetryMappedWriter();
    KeSetEvent(&MmWorkingSetManagerEvent, IO_NO_INCREMENT, FALSE);
    Status = KeWaitForSingleObject(&MiPagesAvailableEvent, WrFreePage, KernelMode, FALSE, &Second);
    return Status != STATUS_TIMEOUT || MipHasPages();
}

BOOLEAN MiWaitForMemory(MM_STOP *Stop)
{
    BOOLEAN May = FALSE;
    ULONG Seconds;

    MiFaultCounters.MemoryWaits++;
    __atomic_add_fetch(&MiMemoryWaiters, 1, __ATOMIC_RELAXED);
    for (Seconds = 0; Seconds < MIP_SECONDS_TO_WAIT && !May; Seconds++) {
        May = MipWaitASecond();
    }
    __atomic_sub_fetch(&MiMemoryWaiters, 1, __ATOMIC_RELAXED);
    if (!May) {
        *Stop = MipDescribeShortage();
    }
    return May;
}
