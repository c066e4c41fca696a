/* SPDX-License-Identifier: MIT */
/*
 * test_xhci_context.c - what the controller is told of devices and endpoints, bit by bit.
 */
#include "tests/unit/xhci_bench.h"

#include <string.h>

static USB_DEVICE Device;
static USB_DEVICE Hub;
static XHCI_SLOT Slot;
static XHCI_SLOT HubSlot;
static XHCI_CONTROLLER Controller;
static UCHAR Contexts[2 * PAGE_SIZE] __attribute__((aligned(64)));

static const ULONG *Input(ULONG Index)
{
    return (const ULONG *)(Contexts + PAGE_SIZE + Index * Controller.ContextBytes);
}

static void Arrange(USB_SPEED Speed)
{
    memset(&Device, 0, sizeof(Device));
    memset(&Slot, 0, sizeof(Slot));
    memset(&HubSlot, 0, sizeof(HubSlot));
    memset(Contexts, 0xA5, sizeof(Contexts));
    Controller.ContextBytes = 32;
    Device.RootPort = 5;
    Device.Speed = Speed;
    Slot.Controller = HubSlot.Controller = &Controller;
    Slot.Device = &Device;
    Slot.Contexts = Contexts;
    Slot.Speed = Speed;
    HubSlot.Number = 9;
    Hub.HostPart = &HubSlot;
}

static const ULONG *Fill(UCHAR Address, ULONG Type, ULONG Packet, ULONG Interval, ULONG Burst)
{
    static XHCI_ENDPOINT Endpoint;

    memset(&Endpoint, 0, sizeof(Endpoint));
    Endpoint.Description =
        (USB_ENDPOINT){Address, (UCHAR)Type, (USHORT)Packet, (UCHAR)Interval, (UCHAR)Burst};
    Endpoint.Index = XhciIndexOf(Address);
    Endpoint.Ring.Physical = 0x12345000;
    Endpoint.Ring.Enqueue = 2;
    Endpoint.Ring.Cycle = 1;
    XhciBeginInput(&Slot, 1, 0);
    XhciFillEndpoint(&Slot, &Endpoint);
    return Input(1 + Endpoint.Index);
}

TEST(Interval_is_an_exponent_of_microframes_for_every_speed)
{
    CHECK_EQUAL(0, XhciInterval(UsbSpeedHigh, 1));
    CHECK_EQUAL(3, XhciInterval(UsbSpeedHigh, 4));
    CHECK_EQUAL(15, XhciInterval(UsbSpeedSuper, 16));
    CHECK_EQUAL(15, XhciInterval(UsbSpeedSuper, 255)); /* out of its range */
    CHECK_EQUAL(0, XhciInterval(UsbSpeedHigh, 0));
    CHECK_EQUAL(3, XhciInterval(UsbSpeedLow, 0));
    CHECK_EQUAL(3, XhciInterval(UsbSpeedFull, 1));
    CHECK_EQUAL(4, XhciInterval(UsbSpeedFull, 2));
    CHECK_EQUAL(6, XhciInterval(UsbSpeedLow, 10)); /* never slower than the device asks for */
    CHECK_EQUAL(10, XhciInterval(UsbSpeedFull, 255));
}

TEST(Endpoint_context_of_a_bulk_endpoint)
{
    const ULONG *Words;

    Arrange(UsbSpeedHigh);
    Words = Fill(0x81, UsbBulk, 512, 7, 0);
    CHECK_EQUAL(0, Words[0]);
    CHECK_EQUAL(3u << 1 | 6u << 3 | 512u << 16, Words[1]);
    CHECK_EQUAL(0x12345000u + 32 + 1, Words[2]);
    CHECK_EQUAL(0, Words[3]);
    CHECK_EQUAL(3072, Words[4]);
    Arrange(UsbSpeedSuper);
    Words = Fill(0x02, UsbBulk, 1024, 0, 15);
    CHECK_EQUAL(3u << 1 | 2u << 3 | 15u << 8 | 1024u << 16, Words[1]);
}

TEST(Endpoint_context_of_an_interrupt_endpoint)
{
    const ULONG *Words;

    Arrange(UsbSpeedLow);
    Words = Fill(0x81, UsbInterrupt, 8, 10, 0);
    CHECK_EQUAL(6u << 16, Words[0]);
    CHECK_EQUAL(3u << 1 | 7u << 3 | 8u << 16, Words[1]);
    CHECK_EQUAL(8u << 16 | 1024, Words[4]);
    Arrange(UsbSpeedHigh);
    Words = Fill(0x04, UsbInterrupt, 2u << 11 | 256, 4, 0); /* three packets a microframe */
    CHECK_EQUAL(3u << 16, Words[0]);
    CHECK_EQUAL(3u << 1 | 3u << 3 | 2u << 8 | 256u << 16, Words[1]);
    CHECK_EQUAL(768u << 16 | 1024, Words[4]);
}

TEST(Endpoint_context_of_the_control_endpoint)
{
    const ULONG *Words;

    Arrange(UsbSpeedFull);
    Words = Fill(0, UsbControl, 8, 0, 0);
    CHECK_EQUAL(3u << 1 | 4u << 3 | 8u << 16, Words[1]);
    CHECK_EQUAL(8, Words[4]);
    CHECK(Words == Input(2));
}

TEST(Slot_context_has_route_speed_entries_and_port)
{
    Arrange(UsbSpeedHigh);
    Device.Route = 0x54321;
    XhciBeginInput(&Slot, 3, 0);
    XhciFillSlot(&Slot, 7);
    CHECK_EQUAL(0x54321u | 3u << 20 | 7u << 27, Input(1)[0]);
    CHECK_EQUAL(5u << 16, Input(1)[1]);
    CHECK_EQUAL(0, Input(1)[2]);
    CHECK_EQUAL(0, Input(1)[3]);
}

TEST(Slot_context_of_a_slow_device_names_its_translator)
{
    Arrange(UsbSpeedLow);
    Device.Hub = Device.Splitter = &Hub;
    Device.SplitterPort = 4;
    XhciBeginInput(&Slot, 3, 0);
    XhciFillSlot(&Slot, 1);
    CHECK_EQUAL(9u | 4u << 8, Input(1)[2]);
    CHECK_EQUAL(0, Input(1)[0] & 1u << 25);
    HubSlot.MultiTt = TRUE;
    XhciBeginInput(&Slot, 3, 0);
    XhciFillSlot(&Slot, 1);
    CHECK(Input(1)[0] & 1u << 25);
}

TEST(Slot_context_of_a_hub)
{
    Arrange(UsbSpeedHigh);
    Slot.HubPorts = 8;
    Slot.ThinkTime = 2;
    Slot.MultiTt = TRUE;
    XhciBeginInput(&Slot, 1, 0);
    XhciFillSlot(&Slot, 3);
    CHECK_EQUAL(3u << 20 | 1u << 25 | 1u << 26 | 3u << 27, Input(1)[0]);
    CHECK_EQUAL(5u << 16 | 8u << 24, Input(1)[1]);
    CHECK_EQUAL(2u << 16, Input(1)[2]);
}

TEST(Input_contexts_are_zero_but_for_what_is_filled_in)
{
    ULONG Wide;
    ULONG i;

    for (Wide = 0; Wide < 2; Wide++) {
        Arrange(UsbSpeedHigh);
        Controller.ContextBytes = Wide ? 64 : 32;
        XhciBeginInput(&Slot, 0x81, 0x80);
        CHECK_EQUAL(0x80, Input(0)[0]);
        CHECK_EQUAL(0x81, Input(0)[1]);
        for (i = 8; i < PAGE_SIZE; i++) {
            CHECK_EQUAL(0, Contexts[PAGE_SIZE + i]);
        }
        XhciFillSlot(&Slot, 1);
        CHECK(Contexts[PAGE_SIZE + Controller.ContextBytes + 3] != 0);
    }
}

TEST(Endpoint_state_is_read_from_the_output_context)
{
    Arrange(UsbSpeedHigh);
    Contexts[3 * 32] = 0xFA; /* state 2 below other bits */
    CHECK_EQUAL(2, XhciReadEndpointState(&Slot, 3));
    Controller.ContextBytes = 64;
    Contexts[3 * 64] = 1;
    CHECK_EQUAL(1, XhciReadEndpointState(&Slot, 3));
}
