/* SPDX-License-Identifier: MIT */
/*
 * xhci_event.c - what the controller says, what is late, and how a controller ends.
 *
 * The interrupt's DPC takes events off the ring, at most one ring of them; for more the controller
 * interrupts again, or the timer comes.  An event that names a command, transfer, slot or port that
 * is not there is counted and forgotten.  The timer's DPC looks at the ring too, since an interrupt
 * may be lost, and at time limits.
 *
 * A controller is dead when its registers read as ones, when it reports an error of its own, when
 * it halts, or when it does not abort a command.  It loses the right to access memory first; then
 * all that was under way ends, and the core is told.
 *
 * Invariants:
 *   E1  the timer is set while a command or a transfer is under way
 *   E2  with Host.Gone set neither is, once the lock is free
 *
 * Locking: the controller's.  Completion routines and the core are called without it.
 */
#include "disk/driver/xhci.h"

#include "arch/port.h"
#include "mi_assert.h"

#define EVENTP_MS 10000u /* in 100 ns */

ULONG XhciNow(void)
{
    return (ULONG)(KeQueryInterruptTime() / EVENTP_MS);
}

/* ---- after the lock ---- */

static PUSB_TRANSFER EventpTakeFinished(PXHCI_CONTROLLER Controller)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Controller->Lock);
    PLIST_ENTRY Entry =
        IsListEmpty(&Controller->Finished) ? NULL : RemoveHeadList(&Controller->Finished);

    KfReleaseSpinLock(&Controller->Lock, OldIrql);
    return Entry != NULL ? CONTAINING_RECORD(Entry, USB_TRANSFER, Link) : NULL;
}

/* => Returns the next port to be told of, 0 the controller's end; XHCI_PORTS + 1: none. */
static ULONG EventpTakeNotice(PXHCI_CONTROLLER Controller)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Controller->Lock);
    ULONG Port = XHCI_PORTS + 1;
    ULONG Word;

    for (Word = 0; Word < RTL_NUMBER_OF(Controller->Notices) && Controller->Announced; Word++) {
        if (Controller->Notices[Word] != 0) {
            Port = Word * 32 + (ULONG)__builtin_ctz(Controller->Notices[Word]);
            Controller->Notices[Word] &= Controller->Notices[Word] - 1;
            break;
        }
    }
    KfReleaseSpinLock(&Controller->Lock, OldIrql);
    return Port;
}

void XhciUnlock(PXHCI_CONTROLLER Controller, KIRQL OldIrql)
{
    PUSB_TRANSFER Transfer;
    ULONG Port;

    KfReleaseSpinLock(&Controller->Lock, OldIrql);
    while ((Transfer = EventpTakeFinished(Controller)) != NULL) {
        Transfer->Completion(Transfer);
    }
    while ((Port = EventpTakeNotice(Controller)) <= XHCI_PORTS) {
        UsbPortChanged(&Controller->Host, Port);
    }
}

/* ---- the end ---- */

void XhciDie(PXHCI_CONTROLLER Controller)
{
    ULONG Number;
    ULONG Index;

    if (Controller->Host.Gone) {
        return;
    }
    Controller->Host.Gone = TRUE;
    XhciWrite(Controller->Operational, XhciCommand, 0);
    PciReleaseFunction(Controller->F);
    XhciFailCommands(Controller);
    for (Number = 1; Number <= XHCI_SLOTS; Number++) {
        PXHCI_SLOT Slot = Controller->SlotTable[Number];

        for (Index = 1; Slot != NULL && Index < XHCI_CONTEXTS; Index++) {
            if (Slot->Endpoints[Index] != NULL) {
                XhciEndTransfers(Controller, Slot->Endpoints[Index], STATUS_NO_SUCH_DEVICE,
                                 FALSE); /* E2 */
            }
        }
    }
    Controller->Notices[0] |= 1;
}

/* => FALSE: the controller is dead, or was taken away. */
static BOOLEAN EventpIsAlive(const XHCI_CONTROLLER *Controller)
{
    const ULONG Bad = XHCI_STATUS_HALTED | XHCI_STATUS_SYSTEM | XHCI_STATUS_ERROR;

    return (XhciRead(Controller->Operational, XhciStatus) & Bad) == 0; /* ones have them all */
}

/* ---- events ---- */

static void EventpHandle(PXHCI_CONTROLLER Controller, const XHCI_TRB *Event)
    NT_HOLDS(Controller->Lock)
{
    BOOLEAN Known = TRUE; /* what the controller says of itself is in its status too */

    switch (Event->Control >> XHCI_TRB_TYPE_SHIFT & XHCI_TRB_TYPE_MASK) {
    case XhciTrbTransferEvent:
        Known = XhciTransferEvent(Controller, Event);
        break;
    case XhciTrbCommandEvent:
        Known = XhciCommandEvent(Controller, Event);
        break;
    case XhciTrbPortEvent:
        Known = XhciPortEvent(Controller, Event);
        break;
    default:
        break;
    }
    Controller->Violations += !Known;
}

/* => FALSE: there is none. */
static BOOLEAN EventpTake(PXHCI_CONTROLLER Controller, XHCI_TRB *Event) NT_HOLDS(Controller->Lock)
{
    volatile XHCI_TRB *From = &Controller->Events[Controller->EventIndex];

    Event->Control = From->Control;
    if ((Event->Control & XHCI_TRB_CYCLE) != Controller->EventCycle) {
        return FALSE;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the rest of it was written before */
    Event->Low = From->Low;
    Event->High = From->High;
    Event->Status = From->Status;
    Controller->EventIndex++;
    if (Controller->EventIndex == XHCI_RING_TRBS) {
        Controller->EventIndex = 0;
        Controller->EventCycle ^= XHCI_TRB_CYCLE;
    }
    return TRUE;
}

static void EventpTakeAll(PXHCI_CONTROLLER Controller) NT_HOLDS(Controller->Lock)
{
    ULONG Left = XHCI_RING_TRBS;
    XHCI_TRB Event;

    while (Left != 0 && !Controller->Host.Gone && EventpTake(Controller, &Event)) {
        EventpHandle(Controller, &Event);
        Left--;
    }
    if (Left != XHCI_RING_TRBS && !Controller->Host.Gone) {
        XhciWriteLong(Controller->Runtime, XhciDequeue,
                      (Controller->Physical + XHCI_MEMORY_EVENTS +
                       Controller->EventIndex * (ULONG)sizeof(XHCI_TRB)) |
                          XHCI_DEQUEUE_BUSY);
    }
    if (Left == 0) {
        XhciSetTimer(Controller);
    }
}

static void EventpWork(PXHCI_CONTROLLER Controller) NT_HOLDS(Controller->Lock)
{
    if (Controller->Host.Gone) {
        return;
    }
    if (!EventpIsAlive(Controller)) {
        XhciDie(Controller);
        return;
    }
    XhciWrite(Controller->Operational, XhciStatus, XHCI_STATUS_EVENT);
    XhciWrite(Controller->Runtime, XhciInterrupter,
              XHCI_INTERRUPTER_PENDING | XHCI_INTERRUPTER_ENABLE);
    EventpTakeAll(Controller);
}

void XhciInterruptRoutine(PVOID Context)
{
    PXHCI_CONTROLLER Controller = Context;

    KeInsertQueueDpc(&Controller->InterruptDpc, NULL, NULL);
}

void NTAPI XhciInterruptDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PXHCI_CONTROLLER Controller = Context;
    KIRQL OldIrql = KfAcquireSpinLock(&Controller->Lock);

    (void)Dpc;
    (void)Argument1;
    (void)Argument2;
    Controller->Interrupts++;
    EventpWork(Controller);
    XhciUnlock(Controller, OldIrql);
}

/* ---- time limits ---- */

void XhciSetTimer(PXHCI_CONTROLLER Controller)
{
    LARGE_INTEGER Due = {.QuadPart = -(LONGLONG)XHCI_TICK_MS * EVENTP_MS};

    if (!Controller->Ticking) {
        Controller->Ticking = TRUE; /* E1 */
        KeSetTimer(&Controller->Timer, Due, &Controller->TimerDpc);
    }
}

static void EventpStopLate(PXHCI_CONTROLLER Controller) NT_HOLDS(Controller->Lock)
{
    ULONG Number;
    ULONG Index;

    for (Number = 1; Number <= XHCI_SLOTS; Number++) {
        PXHCI_SLOT Slot = Controller->SlotTable[Number];

        for (Index = 1; Slot != NULL && Index < XHCI_CONTEXTS; Index++) {
            PXHCI_ENDPOINT Endpoint = Slot->Endpoints[Index];

            if (Endpoint != NULL && Endpoint->State == XhciEndpointRuns &&
                XhciHasLateTransfer(Endpoint)) {
                XhciBeginStop(Controller, Endpoint);
            }
        }
    }
}

/* Before anybody is late, the controller is asked: an interrupt may have been lost. */
void NTAPI XhciTimerDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PXHCI_CONTROLLER Controller = Context;
    KIRQL OldIrql = KfAcquireSpinLock(&Controller->Lock);

    (void)Dpc;
    (void)Argument1;
    (void)Argument2;
    Controller->Ticking = FALSE;
    EventpWork(Controller);
    if (!Controller->Host.Gone) {
        EventpStopLate(Controller);
        if (!XhciCheckCommand(Controller)) {
            XhciDie(Controller);
        }
    }
    if (Controller->Transfers != 0 || !IsListEmpty(&Controller->Commands)) {
        XhciSetTimer(Controller); /* E1 */
    }
    XhciUnlock(Controller, OldIrql);
}
