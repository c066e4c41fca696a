/* SPDX-License-Identifier: MIT */
/*
 * xhci_command.c - commands to the controller: one at a time, in order, each with a time limit.
 *
 *     command   from     to       by
 *     queued    -        list     XhciQueueCommand
 *     on ring   first    ring     CommandpStart
 *     ended     ring     owner    its event
 *     aborting  ring     ring     XhciCheckCommand, after XHCI_COMMAND_MS
 *     ended     aborting owner    the event that says the ring has stopped
 *
 * The ring holds one command, so an event that names another is a lie.  Aborting stops the whole
 * ring (4.6.1.2); it starts anew from its first TRB.  A controller that does not even abort within
 * XHCI_COMMAND_MS is dead.
 *
 * Invariants:
 *   M1  the first of Commands is on the ring, the others are not
 *   M2  Aborting is set only while there is a command
 *
 * Locking: the controller's.
 */
#include "disk/driver/xhci.h"

#include "mi_assert.h"
#include "rtl.h"

static PXHCI_COMMAND CommandpFirst(PXHCI_CONTROLLER Controller) NT_HOLDS(Controller->Lock)
{
    return CONTAINING_RECORD(Controller->Commands.Flink, XHCI_COMMAND, Link);
}

/* Put the first one on the ring, if there is one.  => The ring is empty. */
static void CommandpStart(PXHCI_CONTROLLER Controller) NT_HOLDS(Controller->Lock)
{
    PXHCI_COMMAND Command = CommandpFirst(Controller);

    if (IsListEmpty(&Controller->Commands)) {
        return;
    }
    Command->Code = XhciCodeAborted; /* until its event says how it ended */
    Command->Slot = 0;
    Controller->CommandIndex = XhciPut(&Controller->CommandRing, &Command->Trb); /* M1 */
    XhciCommit(&Controller->CommandRing);
    Controller->CommandDue = XhciNow() + XHCI_COMMAND_MS;
    XhciSetTimer(Controller);
    XhciWrite(Controller->Doorbells, 0, 0);
}

/* => The ring is empty.  Done may queue another one. */
static void CommandpEnd(PXHCI_CONTROLLER Controller) NT_HOLDS(Controller->Lock)
{
    PXHCI_COMMAND Command = CommandpFirst(Controller);

    RemoveEntryList(&Command->Link);
    Controller->Aborting = FALSE; /* M2 */
    CommandpStart(Controller);
    Command->Done(Controller, Command);
}

void XhciQueueCommand(PXHCI_CONTROLLER Controller, PXHCI_COMMAND Command)
{
    BOOLEAN First = IsListEmpty(&Controller->Commands);

    if (Controller->Host.Gone) {
        Command->Code = XhciCodeGone;
        Command->Slot = 0;
        Command->Done(Controller, Command);
        return;
    }
    InsertTailList(&Controller->Commands, &Command->Link);
    if (First) {
        CommandpStart(Controller);
    }
}

BOOLEAN XhciCommandEvent(PXHCI_CONTROLLER Controller, const XHCI_TRB *Event)
{
    PXHCI_COMMAND Command = CommandpFirst(Controller);
    ULONG Code = Event->Status >> XHCI_TRB_CODE_SHIFT;
    BOOLEAN Stopped = Code == XhciCodeRingStopped; /* then it points to no command */
    ULONG Index;

    if (IsListEmpty(&Controller->Commands) || (Stopped && !Controller->Aborting)) {
        return FALSE;
    }
    if (Stopped) {
        XhciResetRing(&Controller->CommandRing);
        XhciWriteLong(Controller->Operational, XhciCommandRing,
                      Controller->CommandRing.Physical | XHCI_RING_CYCLE);
        CommandpEnd(Controller);
        return TRUE;
    }
    if (!XhciFindTrb(&Controller->CommandRing, Event, &Index) ||
        Index != Controller->CommandIndex) {
        return FALSE;
    }
    Command->Code = Code;
    Command->Slot = Event->Control >> XHCI_TRB_SLOT_SHIFT;
    if (!Controller->Aborting) { /* else the ring is about to stop, and says so */
        XhciFreeTrbs(&Controller->CommandRing, 1);
        CommandpEnd(Controller);
    }
    return TRUE;
}

BOOLEAN XhciCheckCommand(PXHCI_CONTROLLER Controller)
{
    if (IsListEmpty(&Controller->Commands) || !XhciIsLate(Controller->CommandDue)) {
        return TRUE;
    }
    if (Controller->Aborting) {
        return FALSE;
    }
    Controller->Aborting = TRUE;
    Controller->CommandDue = XhciNow() + XHCI_COMMAND_MS;
    XhciWriteLong(Controller->Operational, XhciCommandRing,
                  Controller->CommandRing.Physical | XHCI_RING_ABORT);
    return TRUE;
}

/* => Host.Gone is set: nothing starts. */
void XhciFailCommands(PXHCI_CONTROLLER Controller)
{
    MI_ASSERT(Controller->Host.Gone);
    Controller->Aborting = FALSE;
    while (!IsListEmpty(&Controller->Commands)) {
        PXHCI_COMMAND Command = CommandpFirst(Controller);

        RemoveEntryList(&Command->Link);
        Command->Code = XhciCodeGone;
        Command->Slot = 0;
        Command->Done(Controller, Command);
    }
}

static void CommandpWake(PXHCI_CONTROLLER Controller, PXHCI_COMMAND Command)
{
    (void)Controller;
    KeSetEvent(&Command->Waiter, IO_NO_INCREMENT, FALSE);
}

ULONG XhciExecute(PXHCI_CONTROLLER Controller, XHCI_TRB Trb, PULONG Slot)
{
    XHCI_COMMAND Command = {.Trb = Trb, .Done = CommandpWake};
    KIRQL OldIrql;

    KeInitializeEvent(&Command.Waiter, NotificationEvent, FALSE);
    OldIrql = KfAcquireSpinLock(&Controller->Lock);
    XhciQueueCommand(Controller, &Command);
    XhciUnlock(Controller, OldIrql);
    (void)KeWaitForSingleObject(&Command.Waiter, Executive, KernelMode, FALSE, NULL);
    if (Slot != NULL) {
        *Slot = Command.Slot;
    }
    return Command.Code;
}

NTSTATUS XhciCommandStatus(ULONG Code)
{
    switch (Code) {
    case XhciCodeSuccess:
        return STATUS_SUCCESS;
    case XhciCodeResource:
    case XhciCodeBandwidth:
    case XhciCodeNoSlots:
        return STATUS_INSUFFICIENT_RESOURCES;
    case XhciCodeAborted:
        return STATUS_IO_TIMEOUT;
    case XhciCodeGone:
        return STATUS_NO_SUCH_DEVICE;
    default:
        return STATUS_IO_DEVICE_ERROR;
    }
}
