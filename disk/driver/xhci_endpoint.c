/* SPDX-License-Identifier: MIT */
/*
 * xhci_endpoint.c - endpoints: their rings, stopping them, and making them work again.
 *
 *     state    from     by
 *     Runs     -        XhciCreateEndpoint; the controller is told afterwards
 *     Stops    Runs     XhciBeginStop: a transfer is late, or failed with others behind it
 *     Stops    any      XhciStopEndpoint
 *     Runs     Stops    EndpointpStopped: what was late came after all
 *     Failed   Stops    EndpointpStopped: its transfers ended
 *     Failed   Runs     XhciTransferEvent: its only transfer failed
 *     Runs     Stops    XhciResetEndpoint
 *
 * A transfer on the ring may not end before the controller has let go of it: a late one ends when
 * the command that stops its endpoint does.  A controller that cannot stop an endpoint is dead.
 *
 * Making it work again leaves an empty ring and a toggle of 0.  A halted endpoint gets these by
 * Reset Endpoint and Set TR Dequeue Pointer; of one that was stopped the toggle stays as it was
 * (4.6.9), so it is dropped and added again.
 *
 * Locking: the controller's; recovery is the host thread's.
 */
#include "disk/driver/xhci.h"

#include "ex.h"
#include "mi_assert.h"
#include "rtl.h"

#define ENDPOINTP_STOP_TRIES 3u

static XHCI_COMMAND_DONE EndpointpStopped;

PXHCI_ENDPOINT XhciCreateEndpoint(PXHCI_SLOT Slot, const USB_ENDPOINT *Description)
{
    PXHCI_ENDPOINT Endpoint = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Endpoint), XHCI_TAG);

    if (Endpoint == NULL) {
        return NULL;
    }
    memset(Endpoint, 0, sizeof(*Endpoint));
    Endpoint->Slot = Slot;
    Endpoint->Index = XhciIndexOf(Description->Address);
    Endpoint->Description = *Description;
    Endpoint->Command.Done = EndpointpStopped;
    InitializeListHead(&Endpoint->Transfers);
    InitializeListHead(&Endpoint->Waiting);
    if (!NT_SUCCESS(XhciCreateRing(&Endpoint->Ring))) {
        ExFreePoolWithTag(Endpoint, XHCI_TAG);
        return NULL;
    }
    return Endpoint;
}

void XhciDeleteEndpoint(PXHCI_ENDPOINT Endpoint)
{
    MI_ASSERT(IsListEmpty(&Endpoint->Transfers) && IsListEmpty(&Endpoint->Waiting));
    XhciDeleteRing(&Endpoint->Ring);
    ExFreePoolWithTag(Endpoint, XHCI_TAG);
}

/* ---- stopping ---- */

/* => The controller has let go of the endpoint, or obeys no more. */
static void EndpointpStopped(PXHCI_CONTROLLER Controller, PXHCI_COMMAND Command)
    NT_HOLDS(Controller->Lock)
{
    PXHCI_ENDPOINT Endpoint = CONTAINING_RECORD(Command, XHCI_ENDPOINT, Command);

    if (Command->Code != XhciCodeSuccess && Command->Code != XhciCodeContextState) {
        XhciDie(Controller);
        return;
    }
    if (Endpoint->State != XhciEndpointStops) {
        return; /* it was reset or removed meanwhile */
    }
    if (!Endpoint->Broken && !XhciHasLateTransfer(Endpoint)) {
        Endpoint->State = XhciEndpointRuns;
        if (!IsListEmpty(&Endpoint->Transfers)) {
            XhciRingDoorbell(Endpoint);
        }
        return;
    }
    Endpoint->State = XhciEndpointFailed;
    XhciEndTransfers(Controller, Endpoint, STATUS_CANCELLED, TRUE);
}

void XhciBeginStop(PXHCI_CONTROLLER Controller, PXHCI_ENDPOINT Endpoint)
{
    MI_ASSERT(Endpoint->State == XhciEndpointRuns);
    Endpoint->State = XhciEndpointStops;
    Endpoint->Command.Trb = (XHCI_TRB){.Control = XhciTrbStopEndpoint << XHCI_TRB_TYPE_SHIFT |
                                                  Endpoint->Index << XHCI_TRB_INDEX_SHIFT |
                                                  Endpoint->Slot->Number << XHCI_TRB_SLOT_SHIFT};
    XhciQueueCommand(Controller, &Endpoint->Command);
}

static NTSTATUS EndpointpGiveUp(PXHCI_CONTROLLER Controller)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Controller->Lock);

    XhciDie(Controller);
    XhciUnlock(Controller, OldIrql);
    return STATUS_NO_SUCH_DEVICE;
}

/* Nothing is put on its ring any more, and a command under way does not let it run again. */
static void EndpointpClose(PXHCI_ENDPOINT Endpoint)
{
    PXHCI_CONTROLLER Controller = Endpoint->Slot->Controller;
    KIRQL OldIrql = KfAcquireSpinLock(&Controller->Lock);

    Endpoint->State = XhciEndpointStops;
    Endpoint->Broken = TRUE;
    XhciUnlock(Controller, OldIrql);
}

/* It may halt while it is told to stop, and the other way round: then the other command follows. */
NTSTATUS XhciStopEndpoint(PXHCI_ENDPOINT Endpoint, BOOLEAN *Halted)
{
    ULONG Tries;

    EndpointpClose(Endpoint);
    *Halted = FALSE;
    for (Tries = 0; Tries < ENDPOINTP_STOP_TRIES; Tries++) {
        ULONG State = XhciReadEndpointState(Endpoint->Slot, Endpoint->Index);
        ULONG Code = XhciExecuteEndpoint(
            Endpoint, State == XHCI_ENDPOINT_HALTED ? XhciTrbResetEndpoint : XhciTrbStopEndpoint,
            0);

        if (Code == XhciCodeSuccess) {
            *Halted = State == XHCI_ENDPOINT_HALTED;
            return STATUS_SUCCESS;
        }
        if (Code != XhciCodeContextState) {
            break;
        }
        if (State != XHCI_ENDPOINT_HALTED &&
            XhciReadEndpointState(Endpoint->Slot, Endpoint->Index) != XHCI_ENDPOINT_HALTED) {
            return STATUS_SUCCESS; /* it had stopped already */
        }
    }
    return EndpointpGiveUp(Endpoint->Slot->Controller);
}

/* ---- making it work again ---- */

static ULONG EndpointpAddAgain(PXHCI_ENDPOINT Endpoint)
{
    PXHCI_SLOT Slot = Endpoint->Slot;

    XhciBeginInput(Slot, XHCI_ADD_SLOT | 1u << Endpoint->Index, 1u << Endpoint->Index);
    XhciFillSlot(Slot, XhciEntries(Slot));
    XhciFillEndpoint(Slot, Endpoint);
    return XhciExecuteInput(Slot, XhciTrbConfigureEndpoint, 0);
}

static void EndpointpEmpty(PXHCI_ENDPOINT Endpoint)
{
    PXHCI_CONTROLLER Controller = Endpoint->Slot->Controller;
    KIRQL OldIrql = KfAcquireSpinLock(&Controller->Lock);

    XhciEndTransfers(Controller, Endpoint, STATUS_CANCELLED, FALSE);
    XhciResetRing(&Endpoint->Ring);
    XhciUnlock(Controller, OldIrql);
}

static void EndpointpRun(PXHCI_ENDPOINT Endpoint)
{
    PXHCI_CONTROLLER Controller = Endpoint->Slot->Controller;
    KIRQL OldIrql = KfAcquireSpinLock(&Controller->Lock);

    Endpoint->State = XhciEndpointRuns;
    Endpoint->Broken = FALSE;
    XhciUnlock(Controller, OldIrql);
}

NTSTATUS XhciResetEndpoint(PUSB_DEVICE Device, UCHAR Address)
{
    PXHCI_SLOT Slot = Device->HostPart;
    PXHCI_ENDPOINT Endpoint =
        Slot != NULL && XhciIsAddress(Address) ? Slot->Endpoints[XhciIndexOf(Address)] : NULL;
    BOOLEAN Halted;
    NTSTATUS Status;

    if (Endpoint == NULL) {
        return Slot == NULL ? STATUS_NO_SUCH_DEVICE : STATUS_INVALID_PARAMETER;
    }
    Status = XhciStopEndpoint(Endpoint, &Halted);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    EndpointpEmpty(Endpoint);
    Status = XhciCommandStatus(
        Halted || Address == 0
            ? XhciExecuteEndpoint(Endpoint, XhciTrbSetDequeue,
                                  XhciTrbPhysical(&Endpoint->Ring, 0) | XHCI_RING_CYCLE)
            : EndpointpAddAgain(Endpoint));
    if (NT_SUCCESS(Status)) {
        EndpointpRun(Endpoint);
    }
    return Status;
}
