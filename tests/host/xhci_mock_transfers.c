/* SPDX-License-Identifier: MIT */
/*
 * xhci_mock_transfers.c - the mock xHCI controller's transfers: TRBs to its devices and back.
 */
#include "mm.h"
#include "tests/host/xhci_mock.h"
#include "tests/unit/test.h"

#include <string.h>

#define MOST_TRBS   64u
#define MOST_BYTES  0x10000u
#define CODE_BABBLE 3u
#define CODE_ERROR  4u
#define CODE_STALL  6u
#define CHAIN       0x10u
#define ON_END      0x20u
#define ED          0x4u
#define PLACES      256u /* of a ring of the driver's */

enum {
    TypeNormal = 1,
    TypeSetup = 2,
    TypeData = 3,
    TypeStatus = 4,
    TypeLink = 6,
    TypeEventData = 7
};

/* One transfer as it stands on a ring. */
typedef struct _WORK {
    ULONG Slot;
    ULONG Index;
    ULONG Count;
    ULONG Trbs[MOST_TRBS][4];
    ULONG64 Places[MOST_TRBS];
    ULONG64 Next; /* place and cycle behind it */
    ULONG Cycle;
    ULONG Bytes; /* of all its data */
    LONG Moved;
    UCHAR Data[MOST_BYTES];
} WORK;

static WORK W;

static ULONG TypeOf(const ULONG Trb[4])
{
    return Trb[3] >> 10 & 0x3F;
}

/* => FALSE: no whole transfer is there. */
static BOOLEAN Fetch(const XHCI_MOCK *Mock, const XHCI_MOCK_ENDPOINT *Endpoint, BOOLEAN Control)
{
    ULONG64 Place = Endpoint->Dequeue;
    ULONG Cycle = Endpoint->Cycle;

    for (W.Count = 0; W.Count < MOST_TRBS;) {
        ULONG *Trb = W.Trbs[W.Count];

        XhciMockpReadTrb(Mock, Place, Trb);
        if ((Trb[3] & 1) != Cycle) {
            CHECK_EQUAL(0, W.Count); /* a transfer is shown as a whole */
            return FALSE;
        }
        if (TypeOf(Trb) == TypeLink) {
            CHECK(W.Count == 0 || Control ||
                  ((Trb[3] ^ W.Trbs[W.Count - 1][3]) & CHAIN) == 0); /* the link is in the chain */
            CHECK(Trb[0] % 64 == 0 && Trb[1] == 0);
            Place = Trb[0];
            Cycle ^= Trb[3] >> 1 & 1;
            continue;
        }
        W.Places[W.Count++] = Place;
        Place += 16;
        if (Control ? TypeOf(Trb) == TypeStatus : !(Trb[3] & CHAIN)) {
            W.Next = Place;
            W.Cycle = Cycle;
            return TRUE;
        }
    }
    TestFail(__FILE__, __LINE__, "a transfer without end");
}

/* ---- the rules of its TRBs ---- */

static void CheckData(const XHCI_MOCK *Mock, const ULONG Trb[4], ULONG Done, ULONG Packet)
{
    ULONG Bytes = Trb[2] & 0x1FFFF;
    ULONG Left = (W.Bytes - Done - Bytes + Packet - 1) / Packet;

    if (Mock->Version < 0x100) {
        Left = (W.Bytes - Done) >> 10;
    }
    CHECK(Bytes <= 0x10000 && Trb[1] == 0);
    CHECK(Bytes == 0 || Trb[0] / 0x10000 == (Trb[0] + Bytes - 1) / 0x10000);
    CHECK_EQUAL(Left < 31 ? Left : 31, Trb[2] >> 17 & 0x1F);
    CHECK(Trb[3] & CHAIN); /* the event data TRB follows */
    CHECK_EQUAL(0, Trb[2] >> 22);
}

static void CheckControl(void)
{
    const ULONG *Setup = W.Trbs[0];
    ULONG Length = Setup[1] >> 16;
    BOOLEAN In = (Setup[0] & 0x80) != 0;

    CHECK(TypeOf(Setup) == TypeSetup && (Setup[3] & 0x40) != 0 && Setup[2] == 8);
    CHECK_EQUAL(Length == 0 ? 0 : In ? 3 : 2, Setup[3] >> 16 & 3);
    CHECK_EQUAL(Length, W.Bytes);
    if (Length != 0) {
        CHECK_EQUAL(TypeData, TypeOf(W.Trbs[1]));
        CHECK_EQUAL(In, W.Trbs[1][3] >> 16 & 1);
    }
    CHECK_EQUAL(Length == 0 || !In, W.Trbs[W.Count - 1][3] >> 16 & 1);
    CHECK(W.Trbs[W.Count - 1][3] & ON_END);
}

static void CheckTrbs(const XHCI_MOCK *Mock, const XHCI_MOCK_ENDPOINT *Endpoint)
{
    ULONG Done = 0;
    ULONG i;

    W.Bytes = 0;
    for (i = 0; i < W.Count; i++) {
        ULONG Type = TypeOf(W.Trbs[i]);

        W.Bytes += Type == TypeNormal || Type == TypeData ? W.Trbs[i][2] & 0x1FFFF : 0;
    }
    CHECK(W.Bytes <= MOST_BYTES);
    for (i = 0; i < W.Count; i++) {
        ULONG Type = TypeOf(W.Trbs[i]);

        if (Type == TypeNormal || Type == TypeData) {
            CheckData(Mock, W.Trbs[i], Done, Endpoint->Packet);
            Done += W.Trbs[i][2] & 0x1FFFF;
        } else if (Type == TypeEventData) {
            CHECK((W.Trbs[i][3] & (CHAIN | ON_END)) == ON_END && i != 0);
            CHECK(W.Trbs[i - 1][3] & 2); /* it is evaluated with the one before it */
        }
    }
    if (W.Index == 1) {
        CheckControl();
    } else {
        CHECK_EQUAL(TypeEventData, TypeOf(W.Trbs[W.Count - 1]));
    }
}

/* ---- data ---- */

static void MoveData(const XHCI_MOCK *Mock, BOOLEAN In, ULONG Bytes)
{
    ULONG Done = 0;
    ULONG i;

    for (i = 0; i < W.Count && Done < Bytes; i++) {
        ULONG Type = TypeOf(W.Trbs[i]);
        ULONG Now = W.Trbs[i][2] & 0x1FFFF;

        if (Type != TypeNormal && Type != TypeData) {
            continue;
        }
        Now = Now < Bytes - Done ? Now : Bytes - Done;
        if (In) {
            PciMockWrite(Mock->Pci, W.Trbs[i][0], W.Data + Done, Now);
        } else {
            PciMockRead(Mock->Pci, W.Trbs[i][0], W.Data + Done, Now);
        }
        Done += Now;
    }
}

/* => What the device says. */
static LONG AskDevice(XHCI_MOCK *Mock)
{
    XHCI_MOCK_DEVICE *Device = Mock->Slots[W.Slot].Device;
    UCHAR Address = (UCHAR)(W.Index / 2 | (W.Index % 2 != 0 ? 0x80 : 0));
    BOOLEAN In = W.Index == 1 ? (W.Trbs[0][0] & 0x80) != 0 : W.Index % 2 != 0;
    USB_SETUP Setup;
    LONG Moved;

    if (Device == NULL) {
        return XHCI_MOCK_ERROR;
    }
    if (!In) {
        MoveData(Mock, FALSE, W.Bytes);
    }
    if (W.Index == 1) {
        memcpy(&Setup, W.Trbs[0], sizeof(Setup));
        Moved = Device->Control != NULL ? Device->Control(Device, &Setup, W.Data) : (LONG)W.Bytes;
    } else {
        Moved = Device->Transfer != NULL ? Device->Transfer(Device, Address, W.Data, W.Bytes)
                                         : XHCI_MOCK_STALL;
    }
    CHECK(Moved <= (LONG)W.Bytes);
    if (In && Moved > 0) {
        MoveData(Mock, TRUE, (ULONG)Moved);
    }
    return Moved;
}

/* ---- events ---- */

static void Tell(XHCI_MOCK *Mock, ULONG64 Place, ULONG Status, ULONG Flags, XHCI_MOCK_ANSWER How)
{
    ULONG Event[4] = {(ULONG)Place, 0, Status, W.Slot << 24 | W.Index << 16 | 32u << 10 | Flags};
    ULONG Lie[4];

    memcpy(Lie, Event, sizeof(Lie));
    if (How == XhciMockWrongPointer || How == XhciMockWildPointer || How == XhciMockWrongSlot) {
        Lie[0] = How == XhciMockWrongPointer ? Lie[0] ^ 0x800 : 0xDEADBEE0u;
        Lie[3] |= How == XhciMockWrongSlot ? 0xFFu << 24 : 0;
        XhciMockpEvent(Mock, Lie, TRUE, TRUE);
    }
    if (How == XhciMockWrongCycle) {
        XhciMockpEvent(Mock, Lie, FALSE, TRUE);
    }
    XhciMockpEvent(Mock, Event, TRUE, How != XhciMockNoInterrupt);
    if (How == XhciMockTwice) {
        XhciMockpEvent(Mock, Event, TRUE, TRUE);
    }
}

static void TellError(XHCI_MOCK *Mock, ULONG Code)
{
    XHCI_MOCK_ENDPOINT *Endpoint = &Mock->Slots[W.Slot].Endpoints[W.Index];
    ULONG At = W.Index == 1 && W.Count > 2 ? 1 : 0; /* the data, if there is any */

    XhciMockpSetState(Mock, W.Slot, W.Index, 2);
    Endpoint->Rung = FALSE;
    Tell(Mock, W.Places[At], Code << 24 | (W.Trbs[At][2] & 0x1FFFF), 0, XhciMockAnswers);
}

static void TellDone(XHCI_MOCK *Mock, ULONG Moved, XHCI_MOCK_ANSWER How)
{
    ULONG Code = How == XhciMockCode ? Mock->Code
                 : Moved < W.Bytes   ? XHCI_MOCK_SHORT
                                     : XHCI_MOCK_SUCCESS;
    ULONG Told = How == XhciMockTooLong ? W.Bytes + 1 : Moved;
    ULONG Data = W.Index == 1 ? W.Count - 2 : W.Count - 1;

    if (TypeOf(W.Trbs[Data]) == TypeEventData) {
        Tell(Mock, (ULONG64)W.Trbs[Data][1] << 32 | W.Trbs[Data][0], Code << 24 | Told, ED, How);
    }
    if (W.Index == 1) {
        Code = How == XhciMockCode ? Mock->Code : XHCI_MOCK_SUCCESS;
        Tell(Mock, W.Places[W.Count - 1], Code << 24, 0, How);
    }
}

/* => FALSE: the endpoint does nothing more for now. */
static BOOLEAN Do(XHCI_MOCK *Mock)
{
    XHCI_MOCK_ENDPOINT *Endpoint = &Mock->Slots[W.Slot].Endpoints[W.Index];
    XHCI_MOCK_ANSWER How = Mock->TransferMisbehaves != 0 ? Mock->TransferAnswer : XhciMockAnswers;
    LONG Moved;

    CheckTrbs(Mock, Endpoint);
    if (How == XhciMockSilent || How == XhciMockDeaf) {
        return FALSE;
    }
    Moved = AskDevice(Mock);
    if (Moved == XHCI_MOCK_NAK) {
        return FALSE;
    }
    Mock->TransferMisbehaves -= Mock->TransferMisbehaves != 0;
    Mock->Transfers += W.Index != 1;
    Mock->Controls += W.Index == 1;
    if (Moved < 0) {
        TellError(Mock, Moved == XHCI_MOCK_STALL    ? CODE_STALL
                        : Moved == XHCI_MOCK_BABBLE ? CODE_BABBLE
                                                    : CODE_ERROR);
        return FALSE;
    }
    Endpoint->Dequeue = W.Next;
    Endpoint->Cycle = W.Cycle;
    TellDone(Mock, (ULONG)Moved, How);
    return TRUE;
}

/* How many transfers are there. */
static ULONG CountAtOnce(XHCI_MOCK *Mock, const XHCI_MOCK_ENDPOINT *Endpoint, BOOLEAN Control)
{
    XHCI_MOCK_ENDPOINT Copy = *Endpoint;
    ULONG Count = 0;

    while (Count < PLACES && Fetch(Mock, &Copy, Control)) {
        Copy.Dequeue = W.Next;
        Copy.Cycle = W.Cycle;
        Count++;
    }
    return Count;
}

static void RunEndpoint(XHCI_MOCK *Mock, ULONG Slot, ULONG Index)
{
    XHCI_MOCK_ENDPOINT *Endpoint = &Mock->Slots[Slot].Endpoints[Index];
    ULONG AtOnce = CountAtOnce(Mock, Endpoint, Index == 1);

    Mock->MostAtOnce = AtOnce > Mock->MostAtOnce ? AtOnce : Mock->MostAtOnce;
    W.Slot = Slot;
    W.Index = Index;
    while (Endpoint->There && Endpoint->State == 1 && Mock->Status % 2 == 0 &&
           Fetch(Mock, Endpoint, Index == 1)) {
        if (!Do(Mock)) {
            return;
        }
    }
}

void XhciMockpTransfers(XHCI_MOCK *Mock)
{
    ULONG Slot;
    ULONG Index;

    for (Slot = 1; Slot <= XHCI_MOCK_SLOTS; Slot++) {
        for (Index = 1; Index < 32; Index++) {
            const XHCI_MOCK_ENDPOINT *Endpoint = &Mock->Slots[Slot].Endpoints[Index];

            if (Endpoint->There && Endpoint->Rung && Endpoint->State == 1) {
                RunEndpoint(Mock, Slot, Index);
            }
        }
    }
}
