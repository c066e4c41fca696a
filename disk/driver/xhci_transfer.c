/* SPDX-License-Identifier: MIT */
/*
 * xhci_transfer.c - transfers: how they stand on an endpoint's ring, and how they end.
 *
 *     control   setup, [data..., event data,] status
 *     others    data..., event data
 *
 * One piece of data is physically contiguous and crosses no 64 KB boundary (6.4.1).  The event data
 * TRB at the end of the data has the controller say once, for the whole chain, how many bytes
 * moved, wherever a short packet ended it (4.11.5.2); it carries its own address, so every event
 * points into the ring.  Errors point to the TRB that met them.
 *
 * An endpoint's transfers end in order.  An event that points anywhere but into the oldest one, to
 * a place that has none to give, or that counts more bytes than there were, is a violation.
 *
 * Invariants:
 *   T1  the transfers of an endpoint's Transfers own its ring's used TRBs, in order
 *   T2  a transfer is in Waiting only while there is one in Transfers
 *   T3  Controller->Transfers counts those of all Transfers
 *
 * Locking: the controller's; completion routines run in XhciUnlock.
 */
#include "disk/driver/xhci.h"

#include "mi_assert.h"
#include "rtl.h"

#define TRANSFERP_BYTES    0x10000u /* of a transfer, and of the boundary that no TRB crosses */
#define TRANSFERP_OLD      0x0100u  /* versions before 1.0 count what is left in units of 1 KB */
#define TRANSFERP_OLD_UNIT 10

/* USB_TRANSFER.Private while it is here. */
enum {
    PrivateFirst, /* where its first TRB is */
    PrivateCount, /* its TRBs */
    PrivateDue,   /* when it is late, in ms */
    PrivateMoved  /* bytes that its event data told; TRANSFERP_UNKNOWN before */
};
#define TRANSFERP_UNKNOWN 0xFFFFFFFFu

/* ---- pieces of data ---- */

typedef struct _TRANSFERP_PIECE {
    ULONG Physical;
    ULONG Bytes;
} TRANSFERP_PIECE;

/* The piece that begins Done bytes into the data.  => Done < Bytes; the MDL reaches so far. */
static TRANSFERP_PIECE TransferpPiece(const USB_TRANSFER *Transfer, ULONG Done)
{
    const PFN_NUMBER *Frames = MmGetMdlPfnArray(Transfer->Mdl);
    ULONG At = Transfer->Mdl->ByteOffset + Transfer->Offset + Done;
    ULONG Left = Transfer->Bytes - Done;
    ULONG Physical = (ULONG)(Frames[At >> PAGE_SHIFT] << PAGE_SHIFT) + BYTE_OFFSET(At);
    ULONG Most = TRANSFERP_BYTES - Physical % TRANSFERP_BYTES;
    ULONG Bytes = PAGE_SIZE - BYTE_OFFSET(At);

    while (Bytes < Left && Bytes < Most &&
           Frames[(At + Bytes) >> PAGE_SHIFT] == (Physical + Bytes) >> PAGE_SHIFT) {
        Bytes += PAGE_SIZE;
    }
    return (TRANSFERP_PIECE){Physical, Bytes < Left ? Bytes : Left};
}

static ULONG TransferpCountPieces(const USB_TRANSFER *Transfer)
{
    ULONG Done = 0;
    ULONG Count = 0;

    while (Done < Transfer->Bytes) {
        Done += TransferpPiece(Transfer, Done).Bytes;
        Count++;
    }
    return Count;
}

/* => TRBs that it takes. */
static ULONG TransferpCountTrbs(const XHCI_ENDPOINT *Endpoint, const USB_TRANSFER *Transfer)
{
    ULONG Pieces = TransferpCountPieces(Transfer);

    if (Endpoint->Index == 1) {
        return 2 + (Pieces != 0 ? Pieces + 1 : 0);
    }
    return (Pieces != 0 ? Pieces : 1) + 1; /* without data: an empty packet */
}

/* ---- writing TRBs ---- */

/* What stands in a TRB of the packets that follow it (4.11.2.4).  => Left: bytes behind it. */
static ULONG TransferpLeft(const XHCI_ENDPOINT *Endpoint, ULONG Bytes, ULONG Left)
{
    ULONG Packet = Endpoint->Description.MaximumPacket & 0x7FF;
    ULONG Count = Endpoint->Slot->Controller->Version < TRANSFERP_OLD
                      ? (Bytes + Left) >> TRANSFERP_OLD_UNIT
                      : (Left + Packet - 1) / Packet;

    return (Count < XHCI_TRB_LEFT_MOST ? Count : XHCI_TRB_LEFT_MOST) << XHCI_TRB_LEFT_SHIFT;
}

/* => Type is of the first; the others are normal. */
static void TransferpPutData(PXHCI_ENDPOINT Endpoint, const USB_TRANSFER *Transfer, ULONG Type,
                             ULONG Flags)
{
    ULONG Done = 0;

    do {
        TRANSFERP_PIECE Piece =
            Transfer->Bytes != 0 ? TransferpPiece(Transfer, Done) : (TRANSFERP_PIECE){0, 0};
        ULONG Left = Transfer->Bytes - Done - Piece.Bytes;
        const XHCI_TRB Trb = {.Low = Piece.Physical,
                              .Status = Piece.Bytes | TransferpLeft(Endpoint, Piece.Bytes, Left),
                              .Control = Type << XHCI_TRB_TYPE_SHIFT | Flags | XHCI_TRB_CHAIN |
                                         (Left == 0 ? XHCI_TRB_NEXT : 0)};

        (void)XhciPut(&Endpoint->Ring, &Trb);
        Done += Piece.Bytes;
        Type = XhciTrbNormal;
        Flags = 0;
    } while (Done < Transfer->Bytes);
}

static void TransferpPutEventData(PXHCI_ENDPOINT Endpoint)
{
    const XHCI_TRB Trb = {.Low = XhciTrbPhysical(&Endpoint->Ring, Endpoint->Ring.Enqueue),
                          .Control = XhciTrbEventData << XHCI_TRB_TYPE_SHIFT | XHCI_TRB_INTERRUPT};

    (void)XhciPut(&Endpoint->Ring, &Trb);
}

static void TransferpPutControl(PXHCI_ENDPOINT Endpoint, const USB_TRANSFER *Transfer)
{
    const USB_SETUP *Setup = &Transfer->Setup;
    BOOLEAN In = (Setup->RequestType & 0x80) != 0 && Transfer->Bytes != 0;
    ULONG Kind = Transfer->Bytes == 0 ? 0 : In ? 3 : 2;
    const XHCI_TRB First = {.Low = Setup->RequestType | (ULONG)Setup->Request << 8 |
                                   (ULONG)Setup->Value << 16,
                            .High = Setup->Index | (ULONG)Setup->Length << 16,
                            .Status = sizeof(*Setup),
                            .Control = XhciTrbSetup << XHCI_TRB_TYPE_SHIFT | XHCI_TRB_IMMEDIATE |
                                       Kind << XHCI_TRB_SETUP_SHIFT};
    const XHCI_TRB Last = {.Control = XhciTrbStatus << XHCI_TRB_TYPE_SHIFT | XHCI_TRB_INTERRUPT |
                                      (In ? 0 : XHCI_TRB_IN)};

    (void)XhciPut(&Endpoint->Ring, &First);
    if (Transfer->Bytes != 0) {
        TransferpPutData(Endpoint, Transfer, XhciTrbData, In ? XHCI_TRB_IN : 0);
        TransferpPutEventData(Endpoint);
    }
    (void)XhciPut(&Endpoint->Ring, &Last);
}

void XhciRingDoorbell(const XHCI_ENDPOINT *Endpoint)
{
    XhciWrite(Endpoint->Slot->Controller->Doorbells, 4 * Endpoint->Slot->Number, Endpoint->Index);
}

/* => There is room. */
static void TransferpWrite(PXHCI_CONTROLLER Controller, PXHCI_ENDPOINT Endpoint,
                           PUSB_TRANSFER Transfer) NT_HOLDS(Controller->Lock)
{
    Transfer->Private[PrivateFirst] = Endpoint->Ring.Enqueue;
    if (Endpoint->Index == 1) {
        TransferpPutControl(Endpoint, Transfer);
    } else {
        TransferpPutData(Endpoint, Transfer, XhciTrbNormal, 0);
        TransferpPutEventData(Endpoint);
    }
    XhciCommit(&Endpoint->Ring);
    InsertTailList(&Endpoint->Transfers, &Transfer->Link); /* T1 */
    Controller->Transfers++;                               /* T3 */
    XhciSetTimer(Controller);
    XhciRingDoorbell(Endpoint);
}

/* As many as the ring has room for. */
static void TransferpStartWaiting(PXHCI_CONTROLLER Controller, PXHCI_ENDPOINT Endpoint)
    NT_HOLDS(Controller->Lock)
{
    while (!IsListEmpty(&Endpoint->Waiting) && Endpoint->State == XhciEndpointRuns) {
        PUSB_TRANSFER Transfer = CONTAINING_RECORD(Endpoint->Waiting.Flink, USB_TRANSFER, Link);

        if (XhciRoom(&Endpoint->Ring) < Transfer->Private[PrivateCount]) {
            return;
        }
        RemoveEntryList(&Transfer->Link);
        TransferpWrite(Controller, Endpoint, Transfer);
    }
}

/* ---- submitting ---- */

static BOOLEAN TransferpIsGood(const USB_TRANSFER *Transfer)
{
    const MDL *Mdl = Transfer->Mdl;

    if (Transfer->Endpoint == 0 && Transfer->Setup.Length != Transfer->Bytes) {
        return FALSE;
    }
    if (Transfer->Bytes == 0) {
        return TRUE;
    }
    return Transfer->Bytes <= TRANSFERP_BYTES && Mdl != NULL &&
           Transfer->Offset <= Mdl->ByteCount &&
           Transfer->Bytes <= Mdl->ByteCount - Transfer->Offset;
}

/* => STATUS_PENDING: it is under way.  Anything else is how it ended. */
static NTSTATUS TransferpStart(PXHCI_CONTROLLER Controller, PUSB_TRANSFER Transfer)
    NT_HOLDS(Controller->Lock)
{
    PXHCI_SLOT Slot = Transfer->Device->HostPart;
    PXHCI_ENDPOINT Endpoint;

    if (Controller->Host.Gone || Transfer->Device->Gone || Slot == NULL) {
        return STATUS_NO_SUCH_DEVICE;
    }
    Endpoint =
        XhciIsAddress(Transfer->Endpoint) ? Slot->Endpoints[XhciIndexOf(Transfer->Endpoint)] : NULL;
    if (Endpoint == NULL || !TransferpIsGood(Transfer)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Endpoint->State != XhciEndpointRuns) {
        return STATUS_CANCELLED;
    }
    Transfer->Private[PrivateCount] = TransferpCountTrbs(Endpoint, Transfer);
    Transfer->Private[PrivateDue] = XhciNow() + Transfer->LimitMs;
    Transfer->Private[PrivateMoved] = TRANSFERP_UNKNOWN;
    InsertTailList(&Endpoint->Waiting, &Transfer->Link);
    TransferpStartWaiting(Controller, Endpoint);
    return STATUS_PENDING;
}

static void TransferpFinish(PXHCI_CONTROLLER Controller, PUSB_TRANSFER Transfer, NTSTATUS Status,
                            ULONG Done) NT_HOLDS(Controller->Lock)
{
    Transfer->Status = Status;
    Transfer->Done = Done;
    InsertTailList(&Controller->Finished, &Transfer->Link);
}

void XhciSubmit(PUSB_TRANSFER Transfer)
{
    PXHCI_CONTROLLER Controller = CONTAINING_RECORD(Transfer->Device->Host, XHCI_CONTROLLER, Host);
    KIRQL OldIrql = KfAcquireSpinLock(&Controller->Lock);
    NTSTATUS Status = TransferpStart(Controller, Transfer);

    if (Status != STATUS_PENDING) {
        TransferpFinish(Controller, Transfer, Status, 0);
    }
    XhciUnlock(Controller, OldIrql);
}

/* ---- ending ---- */

/* The oldest transfer on the ring ends. */
static void TransferpEnd(PXHCI_CONTROLLER Controller, PXHCI_ENDPOINT Endpoint, NTSTATUS Status,
                         ULONG Done) NT_HOLDS(Controller->Lock)
{
    PUSB_TRANSFER Transfer =
        CONTAINING_RECORD(RemoveHeadList(&Endpoint->Transfers), USB_TRANSFER, Link);

    MI_ASSERT(Controller->Transfers != 0);
    Controller->Transfers--;
    XhciFreeTrbs(&Endpoint->Ring, Transfer->Private[PrivateCount]);
    TransferpFinish(Controller, Transfer, Status, Done);
    TransferpStartWaiting(Controller, Endpoint);
}

/* The oldest transfer fails; the others end when the controller has let go of them. */
static void TransferpFail(PXHCI_CONTROLLER Controller, PXHCI_ENDPOINT Endpoint, NTSTATUS Status)
    NT_HOLDS(Controller->Lock)
{
    BOOLEAN Ran = Endpoint->State == XhciEndpointRuns;

    Endpoint->Broken = TRUE;
    Endpoint->State = XhciEndpointStops;
    TransferpEnd(Controller, Endpoint, Status, 0);
    if (!Ran) {
        return; /* the command that stops it is on its way */
    }
    Endpoint->State = IsListEmpty(&Endpoint->Transfers) ? XhciEndpointFailed : XhciEndpointRuns;
    if (Endpoint->State == XhciEndpointRuns) {
        XhciBeginStop(Controller, Endpoint);
    }
}

static BOOLEAN TransferpIsLate(const USB_TRANSFER *Transfer)
{
    return Transfer->LimitMs != 0 && XhciIsLate(Transfer->Private[PrivateDue]);
}

static BOOLEAN TransferpHasLate(const LIST_ENTRY *Head)
{
    const LIST_ENTRY *Entry;

    for (Entry = Head->Flink; Entry != Head; Entry = Entry->Flink) {
        if (TransferpIsLate(CONTAINING_RECORD(Entry, USB_TRANSFER, Link))) {
            return TRUE;
        }
    }
    return FALSE;
}

BOOLEAN XhciHasLateTransfer(const XHCI_ENDPOINT *Endpoint)
{
    return TransferpHasLate(&Endpoint->Transfers) || TransferpHasLate(&Endpoint->Waiting);
}

void XhciEndTransfers(PXHCI_CONTROLLER Controller, PXHCI_ENDPOINT Endpoint, NTSTATUS Status,
                      BOOLEAN Late)
{
    NTSTATUS Why = Endpoint->Slot->Device->Gone ? STATUS_NO_SUCH_DEVICE : Status;

    Endpoint->State = Endpoint->State == XhciEndpointRuns ? XhciEndpointStops : Endpoint->State;
    while (!IsListEmpty(&Endpoint->Transfers)) {
        PUSB_TRANSFER Transfer = CONTAINING_RECORD(Endpoint->Transfers.Flink, USB_TRANSFER, Link);

        TransferpEnd(Controller, Endpoint,
                     Late && TransferpIsLate(Transfer) ? STATUS_IO_TIMEOUT : Why, 0);
    }
    while (!IsListEmpty(&Endpoint->Waiting)) {
        PUSB_TRANSFER Transfer =
            CONTAINING_RECORD(RemoveHeadList(&Endpoint->Waiting), USB_TRANSFER, Link);

        TransferpFinish(Controller, Transfer,
                        Late && TransferpIsLate(Transfer) ? STATUS_IO_TIMEOUT : Why, 0);
    }
}

/* ---- events ---- */

static NTSTATUS TransferpStatus(ULONG Code)
{
    switch (Code) {
    case XhciCodeStall:
        return STATUS_DEVICE_PROTOCOL_ERROR;
    case XhciCodeBabble:
        return STATUS_DATA_OVERRUN;
    default:
        return STATUS_IO_DEVICE_ERROR;
    }
}

/* The data of the oldest transfer has moved.  => FALSE: the controller lies. */
static BOOLEAN TransferpDataEvent(PXHCI_CONTROLLER Controller, PXHCI_ENDPOINT Endpoint,
                                  PUSB_TRANSFER Transfer, ULONG Place, ULONG Bytes)
    NT_HOLDS(Controller->Lock)
{
    BOOLEAN Control = Endpoint->Index == 1;

    if (Place != Transfer->Private[PrivateCount] - (Control ? 2 : 1) ||
        Transfer->Private[PrivateMoved] != TRANSFERP_UNKNOWN) {
        return FALSE;
    }
    if (Bytes > Transfer->Bytes) {
        TransferpFail(Controller, Endpoint, STATUS_IO_DEVICE_ERROR);
        return FALSE;
    }
    if (Control) {
        Transfer->Private[PrivateMoved] = Bytes; /* its status follows */
    } else {
        TransferpEnd(Controller, Endpoint, STATUS_SUCCESS, Bytes);
    }
    return TRUE;
}

/* The status stage of the oldest transfer is over.  => FALSE: the controller lies. */
static BOOLEAN TransferpStatusEvent(PXHCI_CONTROLLER Controller, PXHCI_ENDPOINT Endpoint,
                                    const USB_TRANSFER *Transfer, ULONG Place)
    NT_HOLDS(Controller->Lock)
{
    if (Endpoint->Index != 1 || Place != Transfer->Private[PrivateCount] - 1) {
        return FALSE;
    }
    if (Transfer->Bytes != 0 && Transfer->Private[PrivateMoved] == TRANSFERP_UNKNOWN) {
        TransferpFail(Controller, Endpoint,
                      STATUS_IO_DEVICE_ERROR); /* nobody said what became of the data */
        return FALSE;
    }
    TransferpEnd(Controller, Endpoint, STATUS_SUCCESS,
                 Transfer->Bytes != 0 ? Transfer->Private[PrivateMoved] : 0);
    return TRUE;
}

/* => NULL: there is none. */
static PXHCI_ENDPOINT TransferpFindEndpoint(PXHCI_CONTROLLER Controller, const XHCI_TRB *Event)
{
    PXHCI_SLOT Slot = Controller->SlotTable[Event->Control >> XHCI_TRB_SLOT_SHIFT];
    ULONG Index = Event->Control >> XHCI_TRB_INDEX_SHIFT & 0x1F;

    return Slot != NULL && Index != 0 ? Slot->Endpoints[Index] : NULL;
}

BOOLEAN XhciTransferEvent(PXHCI_CONTROLLER Controller, const XHCI_TRB *Event)
{
    PXHCI_ENDPOINT Endpoint = TransferpFindEndpoint(Controller, Event);
    ULONG Code = Event->Status >> XHCI_TRB_CODE_SHIFT;
    PUSB_TRANSFER Transfer;
    ULONG Place;

    if (Endpoint == NULL) {
        return FALSE;
    }
    if (Code >= XhciCodeStopped && Code <= XhciCodeStoppedShort) {
        return TRUE; /* the command that stops the endpoint ends its transfers */
    }
    if (IsListEmpty(&Endpoint->Transfers) || !XhciFindTrb(&Endpoint->Ring, Event, &Place)) {
        return FALSE;
    }
    Transfer = CONTAINING_RECORD(Endpoint->Transfers.Flink, USB_TRANSFER, Link);
    Place = XhciDistance(Transfer->Private[PrivateFirst], Place);
    if (Place >= Transfer->Private[PrivateCount]) {
        return FALSE;
    }
    if (Code != XhciCodeSuccess && Code != XhciCodeShortPacket) {
        TransferpFail(Controller, Endpoint, TransferpStatus(Code));
        return TRUE;
    }
    return (Event->Control & XHCI_TRB_EVENT_DATA) != 0
               ? TransferpDataEvent(Controller, Endpoint, Transfer, Place,
                                    Event->Status & XHCI_TRB_BYTES_MASK)
               : TransferpStatusEvent(Controller, Endpoint, Transfer, Place);
}
