/* SPDX-License-Identifier: MIT */
/*
 * xhci_mock_commands.c - the mock xHCI controller's commands: slots, addresses, contexts.
 */
#include "mm.h"
#include "tests/host/xhci_mock.h"
#include "tests/unit/test.h"

#include <string.h>

#define CODE_TRB      5u
#define CODE_TRANSACT 4u
#define CODE_NO_SLOTS 9u
#define CODE_NO_SLOT  11u
#define CODE_CONTEXT  19u
#define CODE_STOPPED  26u
#define ROUTE_MASK    0xFFFFFu

enum {
    SlotDisabled,
    SlotEnabled,
    SlotDefault,
    SlotAddressed,
    SlotConfigured
};

enum {
    EndpointDisabled,
    EndpointRunning,
    EndpointHalted,
    EndpointStopped
};

typedef struct _COMMAND {
    ULONG Trb[4];
    ULONG64 Place;
    ULONG Type;
    ULONG Slot;
    ULONG Endpoint;
} COMMAND;

/* ---- contexts ---- */

static void ReadContext(const XHCI_MOCK *Mock, ULONG64 Input, ULONG Index, ULONG Words[8])
{
    ULONG Rest[8] = {0};
    ULONG i;

    PciMockRead(Mock->Pci, Input + Index * Mock->ContextBytes, Words, 32);
    if (Mock->ContextBytes == 64) {
        PciMockRead(Mock->Pci, Input + Index * 64 + 32, Rest, 32);
    }
    for (i = 0; i < 8; i++) {
        CHECK_EQUAL(0, Rest[i]);
    }
}

static void WriteContext(const XHCI_MOCK *Mock, ULONG Slot, ULONG Index, const ULONG Words[8])
{
    PciMockWrite(Mock->Pci, Mock->Slots[Slot].Output + Index * Mock->ContextBytes, Words, 32);
}

/* What is neither flagged nor defined must be zero. */
static void CheckUnused(const XHCI_MOCK *Mock, ULONG64 Input, ULONG Add, ULONG Drop)
{
    ULONG Words[8];
    ULONG Index;
    ULONG i;

    CHECK_EQUAL(0, Drop & 3);
    ReadContext(Mock, Input, 0, Words);
    for (i = 2; i < 8; i++) {
        CHECK_EQUAL(0, Words[i]);
    }
    for (Index = 0; Index < 32; Index++) {
        ReadContext(Mock, Input, Index + 1, Words);
        for (i = (Add & 1u << Index) != 0 ? (Index == 0 ? 4 : 5) : 0; i < 8; i++) {
            CHECK_EQUAL(0, Words[i]);
        }
    }
}

void XhciMockpSetState(XHCI_MOCK *Mock, ULONG Slot, ULONG Endpoint, ULONG State)
{
    ULONG Words[8];

    Mock->Slots[Slot].Endpoints[Endpoint].State = State;
    PciMockRead(Mock->Pci, Mock->Slots[Slot].Output + Endpoint * Mock->ContextBytes, Words, 32);
    Words[0] = (Words[0] & ~7u) | State;
    WriteContext(Mock, Slot, Endpoint, Words);
}

static void TakeEndpoint(XHCI_MOCK *Mock, ULONG Slot, ULONG Index, const ULONG Words[8])
{
    XHCI_MOCK_ENDPOINT *Endpoint = &Mock->Slots[Slot].Endpoints[Index];
    ULONG Resets = Endpoint->Resets;

    CHECK_EQUAL(0, Words[0] & 0xFF00FFFFu);
    CHECK_EQUAL(3, Words[1] >> 1 & 3); /* three errors end a transaction */
    CHECK(Words[2] % 64 < 2 && Words[3] == 0);
    memset(Endpoint, 0, sizeof(*Endpoint));
    Endpoint->There = TRUE;
    Endpoint->Resets = Resets + 1;
    Endpoint->Type = Words[1] >> 3 & 7;
    Endpoint->Burst = Words[1] >> 8 & 0xFF;
    Endpoint->Packet = Words[1] >> 16;
    Endpoint->Interval = Words[0] >> 16 & 0xFF;
    Endpoint->Dequeue = Words[2] & ~15u;
    Endpoint->Cycle = Words[2] & 1;
    CHECK(Endpoint->Packet != 0 && (Words[4] & 0xFFFF) != 0);
    CHECK_EQUAL(Endpoint->Type % 4 == 3 ? Endpoint->Packet * (Endpoint->Burst + 1) : 0,
                Words[4] >> 16);
    WriteContext(Mock, Slot, Index, Words);
    XhciMockpSetState(Mock, Slot, Index, EndpointRunning);
}

/* ---- slots ---- */

static ULONG EnableSlot(XHCI_MOCK *Mock, COMMAND *C)
{
    ULONG Slot = 1;

    while (Slot <= Mock->Configure && Mock->Slots[Slot].State != SlotDisabled) {
        Slot++;
    }
    if (Slot > Mock->Configure) {
        C->Slot = 0;
        return CODE_NO_SLOTS;
    }
    memset(&Mock->Slots[Slot], 0, sizeof(Mock->Slots[Slot]));
    Mock->Slots[Slot].State = SlotEnabled;
    C->Slot = Mock->CommandSlot != 0 ? Mock->CommandSlot : Slot;
    return XHCI_MOCK_SUCCESS;
}

static ULONG DisableSlot(XHCI_MOCK *Mock, const COMMAND *C)
{
    XHCI_MOCK_SLOT *Slot = &Mock->Slots[C->Slot];

    if (Slot->Device != NULL) {
        Slot->Device->Slot = 0;
    }
    memset(Slot, 0, sizeof(*Slot));
    return XHCI_MOCK_SUCCESS;
}

static void CheckSlotContext(XHCI_MOCK *Mock, XHCI_MOCK_SLOT *Slot, const ULONG Words[8])
{
    ULONG Port = Words[1] >> 16 & 0xFF;
    ULONG Route = Words[0] & ROUTE_MASK;
    ULONG Speed = Words[0] >> 20 & 0xF;

    CHECK(Port >= 1 && Port <= XHCI_MOCK_PORTS);
    CHECK_EQUAL(0, Words[3]);
    memcpy(Slot->Words, Words, sizeof(Slot->Words));
    Slot->Device = XhciMockpFind(Mock, Port, Route);
    if (Slot->Device != NULL && Route == 0) {
        CHECK_EQUAL(Mock->PortStatus[Port - 1] >> 10 & 0xF, Speed);
    } else if (Slot->Device != NULL) {
        CHECK_EQUAL(Slot->Device->Speed, Speed);
    }
}

static ULONG AddressDevice(XHCI_MOCK *Mock, const COMMAND *C)
{
    XHCI_MOCK_SLOT *Slot = &Mock->Slots[C->Slot];
    BOOLEAN Silent = (C->Trb[3] & 0x200) != 0;
    ULONG64 Input = C->Trb[0];
    ULONG Flags[8], Words[8], Control[8];
    ULONG64 Output;

    ReadContext(Mock, Input, 0, Flags);
    CHECK_EQUAL(0, Flags[0]);
    CHECK_EQUAL(3, Flags[1]);
    CheckUnused(Mock, Input, Flags[1], 0);
    ReadContext(Mock, Input, 1, Words);
    ReadContext(Mock, Input, 2, Control);
    CHECK_EQUAL(1, Words[0] >> 27);
    PciMockRead(Mock->Pci, Mock->Contexts + 8 * C->Slot, &Output, sizeof(Output));
    CHECK(Output != 0 && Output % 64 == 0);
    if (Slot->State > SlotDefault || (Silent && Slot->State == SlotDefault)) {
        return CODE_CONTEXT;
    }
    Slot->Output = Output;
    CheckSlotContext(Mock, Slot, Words);
    TakeEndpoint(Mock, C->Slot, 1, Control);
    CHECK_EQUAL(4, Slot->Endpoints[1].Type);
    WriteContext(Mock, C->Slot, 0, Words);
    Slot->State = SlotDefault;
    if (Slot->Device == NULL || (!Silent && Slot->Device->AddressErrors != 0)) {
        if (Slot->Device != NULL) {
            Slot->Device->AddressErrors--;
        }
        return CODE_TRANSACT;
    }
    Slot->Device->Slot = C->Slot;
    Slot->Device->ControlPacket = Slot->Endpoints[1].Packet;
    Slot->State = Silent ? SlotDefault : SlotAddressed;
    return XHCI_MOCK_SUCCESS;
}

static ULONG ConfigureEndpoint(XHCI_MOCK *Mock, const COMMAND *C)
{
    XHCI_MOCK_SLOT *Slot = &Mock->Slots[C->Slot];
    ULONG64 Input = C->Trb[0];
    ULONG Flags[8], Words[8];
    ULONG Last = 1;
    ULONG Index;

    if (Slot->State < SlotAddressed) {
        return CODE_CONTEXT;
    }
    ReadContext(Mock, Input, 0, Flags);
    CHECK_EQUAL(1, Flags[1] & 3);
    CheckUnused(Mock, Input, Flags[1], Flags[0]);
    ReadContext(Mock, Input, 1, Words);
    CheckSlotContext(Mock, Slot, Words);
    for (Index = 2; Index < 32; Index++) {
        if (Flags[0] & 1u << Index) {
            CHECK(Slot->Endpoints[Index].There);
            CHECK(Slot->Endpoints[Index].State != EndpointRunning ||
                  !Slot->Endpoints[Index].Rung); /* stopped before it is dropped */
            Slot->Endpoints[Index].There = FALSE;
        }
        if (Flags[1] & 1u << Index) {
            ULONG Endpoint[8];

            CHECK(!Slot->Endpoints[Index].There);
            ReadContext(Mock, Input, Index + 1, Endpoint);
            TakeEndpoint(Mock, C->Slot, Index, Endpoint);
        }
        Last = Slot->Endpoints[Index].There ? Index : Last;
    }
    CHECK_EQUAL(Last, Words[0] >> 27);
    Slot->State = SlotConfigured;
    return XHCI_MOCK_SUCCESS;
}

static ULONG EvaluateContext(XHCI_MOCK *Mock, const COMMAND *C)
{
    XHCI_MOCK_SLOT *Slot = &Mock->Slots[C->Slot];
    ULONG Flags[8], Words[8];

    if (Slot->State < SlotDefault) {
        return CODE_CONTEXT;
    }
    ReadContext(Mock, C->Trb[0], 0, Flags);
    CHECK_EQUAL(0, Flags[0]);
    CHECK_EQUAL(2, Flags[1]);
    CheckUnused(Mock, C->Trb[0], Flags[1], 0);
    ReadContext(Mock, C->Trb[0], 2, Words);
    Slot->Endpoints[1].Packet = Words[1] >> 16;
    if (Slot->Device != NULL) {
        Slot->Device->ControlPacket = Slot->Endpoints[1].Packet;
    }
    return XHCI_MOCK_SUCCESS;
}

/* ---- endpoints ---- */

/* The transfer that it was about to do, if any, is told of. */
void XhciMockpStop(XHCI_MOCK *Mock, ULONG Slot, ULONG Index)
{
    XHCI_MOCK_ENDPOINT *Endpoint = &Mock->Slots[Slot].Endpoints[Index];
    ULONG Trb[4];
    ULONG Event[4] = {(ULONG)Endpoint->Dequeue, 0, CODE_STOPPED << 24,
                      Slot << 24 | Index << 16 | 32u << 10};

    XhciMockpReadTrb(Mock, Endpoint->Dequeue, Trb);
    if (Endpoint->Rung && (Trb[3] & 1) == Endpoint->Cycle) {
        XhciMockpEvent(Mock, Event, TRUE, TRUE);
    }
    Endpoint->Rung = FALSE;
    XhciMockpSetState(Mock, Slot, Index, EndpointStopped);
}

static ULONG CommandEndpoint(XHCI_MOCK *Mock, const COMMAND *C)
{
    XHCI_MOCK_ENDPOINT *Endpoint = &Mock->Slots[C->Slot].Endpoints[C->Endpoint];

    CHECK(C->Endpoint >= 1);
    if (!Endpoint->There) {
        return 12; /* not enabled */
    }
    switch (C->Type) {
    case 14:
        if (Endpoint->State != EndpointHalted) {
            return CODE_CONTEXT;
        }
        Endpoint->Resets++;
        Endpoint->Rung = FALSE;
        XhciMockpSetState(Mock, C->Slot, C->Endpoint, EndpointStopped);
        return XHCI_MOCK_SUCCESS;
    case 15:
        if (Endpoint->State != EndpointRunning) {
            return CODE_CONTEXT;
        }
        XhciMockpStop(Mock, C->Slot, C->Endpoint);
        return XHCI_MOCK_SUCCESS;
    default:
        if (Endpoint->State != EndpointStopped) {
            return CODE_CONTEXT;
        }
        CHECK(C->Trb[0] % 16 < 2 && C->Trb[1] == 0);
        Endpoint->Dequeue = C->Trb[0] & ~15u;
        Endpoint->Cycle = C->Trb[0] & 1;
        return XHCI_MOCK_SUCCESS;
    }
}

/* ---- the ring ---- */

static ULONG Execute(XHCI_MOCK *Mock, COMMAND *C)
{
    if (C->Type == 9) {
        return EnableSlot(Mock, C);
    }
    CHECK(C->Slot >= 1 && C->Slot <= XHCI_MOCK_SLOTS);
    if (Mock->Slots[C->Slot].State == SlotDisabled) {
        return CODE_NO_SLOT;
    }
    switch (C->Type) {
    case 10:
        return DisableSlot(Mock, C);
    case 11:
        return AddressDevice(Mock, C);
    case 12:
        return ConfigureEndpoint(Mock, C);
    case 13:
        return EvaluateContext(Mock, C);
    case 14:
    case 15:
    case 16:
        return CommandEndpoint(Mock, C);
    default:
        return CODE_TRB;
    }
}

static XHCI_MOCK_ANSWER ChooseAnswer(XHCI_MOCK *Mock, ULONG Type)
{
    if (Mock->CommandMisbehaves == 0 || (Mock->CommandType != 0 && Mock->CommandType != Type)) {
        return XhciMockAnswers;
    }
    Mock->CommandMisbehaves--;
    return Mock->CommandAnswer;
}

static void Tell(XHCI_MOCK *Mock, const COMMAND *C, ULONG Code, XHCI_MOCK_ANSWER How)
{
    ULONG Event[4] = {(ULONG)C->Place, 0, Code << 24, C->Slot << 24 | 33u << 10};
    ULONG Lie[4];

    memcpy(Lie, Event, sizeof(Lie));
    if (How == XhciMockWrongPointer || How == XhciMockWildPointer || How == XhciMockWrongSlot) {
        Lie[0] = How == XhciMockWrongPointer ? Lie[0] ^ 0x10 : 0xDEADBEE0u;
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

static void Do(XHCI_MOCK *Mock, COMMAND *C)
{
    XHCI_MOCK_ANSWER How = ChooseAnswer(Mock, C->Type);
    ULONG Code = Mock->Code;

    Mock->Commands[C->Type]++;
    if (How == XhciMockSilent || How == XhciMockDeaf) {
        Mock->CommandStuck = TRUE;
        return;
    }
    if (How != XhciMockCode) {
        Code = Execute(Mock, C);
    }
    Tell(Mock, C, Code, How);
}

void XhciMockpCommands(XHCI_MOCK *Mock)
{
    while (Mock->CommandRung && !Mock->CommandStuck) {
        COMMAND C = {.Place = Mock->CommandRing};

        XhciMockpReadTrb(Mock, C.Place, C.Trb);
        if ((C.Trb[3] & 1) != Mock->CommandCycle) {
            Mock->CommandRung = FALSE;
            return;
        }
        C.Type = C.Trb[3] >> 10 & 0x3F;
        if (C.Type == 6) {
            CHECK(C.Trb[0] % 64 == 0);
            Mock->CommandRing = C.Trb[0];
            Mock->CommandCycle ^= C.Trb[3] >> 1 & 1;
            continue;
        }
        C.Slot = C.Trb[3] >> 24;
        C.Endpoint = C.Trb[3] >> 16 & 0x1F;
        Mock->CommandRing += 16;
        Do(Mock, &C);
    }
}
