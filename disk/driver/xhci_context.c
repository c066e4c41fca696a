/* SPDX-License-Identifier: MIT */
/*
 * xhci_context.c - what the controller is told of a device and its endpoints.
 *
 * A slot has two pages: the output contexts, which the controller writes, and the input contexts
 * of the next command.  An input context begins with two words of flags: which contexts to drop
 * and which to add.  It is cleared before each use: what is not filled in is zero.
 *
 * Locking: only the host's thread changes input contexts.
 */
#include "disk/driver/xhci.h"

#include "rtl.h"

#define CONTEXTP_INPUT         PAGE_SIZE /* in a slot's Contexts */
#define CONTEXTP_AVERAGE_BULK  3072u     /* bytes of a TRB, as 4.14.1.1 recommends */
#define CONTEXTP_AVERAGE_OTHER 1024u
#define CONTEXTP_AVERAGE_SETUP 8u
#define CONTEXTP_PACKET_MASK   0x7FFu /* of wMaxPacketSize; above: more packets a microframe */
#define CONTEXTP_EXTRA_SHIFT   11
#define CONTEXTP_EXTRA_MASK    3u
#define CONTEXTP_FRAME_SHIFT   3 /* a frame is 2^3 microframes */
#define CONTEXTP_INTERVAL_MOST 15u

static volatile ULONG *ContextpInput(const XHCI_SLOT *Slot, ULONG Index)
{
    return (volatile ULONG *)(Slot->Contexts + CONTEXTP_INPUT +
                              Index * Slot->Controller->ContextBytes);
}

void XhciBeginInput(PXHCI_SLOT Slot, ULONG Add, ULONG Drop)
{
    volatile ULONG *Flags = ContextpInput(Slot, 0);

    memset(Slot->Contexts + CONTEXTP_INPUT, 0, PAGE_SIZE);
    Flags[0] = Drop;
    Flags[1] = Add;
}

/* A slower device behind a hub of high speed is reached through that hub's translator. */
static void ContextpFillSplitter(const XHCI_SLOT *Slot, volatile ULONG *Context)
{
    const USB_DEVICE *Device = Slot->Device;
    const XHCI_SLOT *Splitter = Device->Splitter != NULL ? Device->Splitter->HostPart : NULL;

    if (Splitter != NULL) {
        Context[2] |= Splitter->Number | Device->SplitterPort << XHCI_SLOT_TT_PORT_SHIFT;
        Context[0] |= Splitter->MultiTt ? XHCI_SLOT_MULTI_TT : 0;
    }
}

void XhciFillSlot(PXHCI_SLOT Slot, ULONG Entries)
{
    volatile ULONG *Context = ContextpInput(Slot, 1);

    Context[0] = (Slot->Device->Route & 0xFFFFF) | Slot->Speed << XHCI_SLOT_SPEED_SHIFT |
                 Entries << XHCI_SLOT_ENTRIES_SHIFT;
    Context[1] = Slot->Device->RootPort << XHCI_SLOT_PORT_SHIFT;
    ContextpFillSplitter(Slot, Context);
    if (Slot->HubPorts != 0) {
        Context[0] |= XHCI_SLOT_HUB | (Slot->MultiTt ? XHCI_SLOT_MULTI_TT : 0);
        Context[1] |= Slot->HubPorts << XHCI_SLOT_PORTS_SHIFT;
        Context[2] |= Slot->ThinkTime << XHCI_SLOT_THINK_SHIFT;
    }
}

ULONG XhciInterval(USB_SPEED Speed, UCHAR Interval)
{
    ULONG Exponent = 0;

    if (Speed >= UsbSpeedHigh) { /* an exponent already, counted from 1 */
        Exponent = Interval != 0 ? Interval - 1u : 0;
        return Exponent < CONTEXTP_INTERVAL_MOST ? Exponent : CONTEXTP_INTERVAL_MOST;
    }
    while (Interval >> Exponent > 1) {
        Exponent++;
    }
    return Exponent + CONTEXTP_FRAME_SHIFT;
}

static ULONG ContextpBurst(USB_SPEED Speed, const USB_ENDPOINT *Description)
{
    if (Speed == UsbSpeedSuper) {
        return Description->Burst;
    }
    return Speed == UsbSpeedHigh && Description->Type == UsbInterrupt
               ? Description->MaximumPacket >> CONTEXTP_EXTRA_SHIFT & CONTEXTP_EXTRA_MASK
               : 0;
}

void XhciFillEndpoint(PXHCI_SLOT Slot, const XHCI_ENDPOINT *Endpoint)
{
    static const ULONG Averages[] = {CONTEXTP_AVERAGE_SETUP, 0, CONTEXTP_AVERAGE_BULK,
                                     CONTEXTP_AVERAGE_OTHER};
    const USB_ENDPOINT *Description = &Endpoint->Description;
    volatile ULONG *Context = ContextpInput(Slot, 1 + Endpoint->Index);
    USB_SPEED Speed = Slot->Device->Speed;
    ULONG Burst = ContextpBurst(Speed, Description);
    ULONG Packet = Description->MaximumPacket & CONTEXTP_PACKET_MASK;
    ULONG Type = Description->Type == UsbControl
                     ? XHCI_ENDPOINT_CONTROL
                     : Description->Type | (Description->Address & 0x80 ? 4u : 0);

    Context[1] = XHCI_ENDPOINT_TRIES | Type << XHCI_ENDPOINT_TYPE_SHIFT |
                 Burst << XHCI_ENDPOINT_BURST_SHIFT | Packet << XHCI_ENDPOINT_PACKET_SHIFT;
    Context[2] = XhciTrbPhysical(&Endpoint->Ring, Endpoint->Ring.Enqueue) | Endpoint->Ring.Cycle;
    Context[4] = Averages[Description->Type];
    if (Description->Type == UsbInterrupt) {
        Context[0] = XhciInterval(Speed, Description->Interval) << XHCI_ENDPOINT_INTERVAL_SHIFT;
        Context[4] |= Packet * (Burst + 1) << XHCI_ENDPOINT_PAYLOAD_SHIFT;
    }
}

ULONG XhciReadEndpointState(const XHCI_SLOT *Slot, ULONG Index)
{
    volatile ULONG *Context =
        (volatile ULONG *)(Slot->Contexts + Index * Slot->Controller->ContextBytes);

    return *Context & XHCI_ENDPOINT_STATE_MASK;
}

ULONG XhciEntries(const XHCI_SLOT *Slot)
{
    ULONG Index = XHCI_CONTEXTS - 1;

    while (Index > 1 && Slot->Endpoints[Index] == NULL) {
        Index--;
    }
    return Index;
}

ULONG XhciExecuteInput(PXHCI_SLOT Slot, ULONG Type, ULONG Flags)
{
    const XHCI_TRB Trb = {.Low = Slot->Physical + CONTEXTP_INPUT,
                          .Control = Type << XHCI_TRB_TYPE_SHIFT |
                                     Slot->Number << XHCI_TRB_SLOT_SHIFT | Flags};

    return XhciExecute(Slot->Controller, Trb, NULL);
}

ULONG XhciExecuteEndpoint(const XHCI_ENDPOINT *Endpoint, ULONG Type, ULONG Pointer)
{
    const XHCI_TRB Trb = {.Low = Pointer,
                          .Control = Type << XHCI_TRB_TYPE_SHIFT |
                                     Endpoint->Index << XHCI_TRB_INDEX_SHIFT |
                                     Endpoint->Slot->Number << XHCI_TRB_SLOT_SHIFT};

    return XhciExecute(Endpoint->Slot->Controller, Trb, NULL);
}
