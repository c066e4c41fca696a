/* SPDX-License-Identifier: MIT */
/*
 * test_xhci_device.c - devices get slots, addresses and endpoints, and lose them.
 */
#include "mm/pfn/frame.h"
#include "mm/pool/pool.h"
#include "tests/unit/xhci_bench.h"

#define PORT 2u

static XHCI_BENCH_TRANSFER One, Two;

/* A controller with the stick at PORT, reset. */
static void Arrange(void)
{
    XhciBenchStart();
    XhciMockPlug(&XhciBenchMock, PORT, 0, &XhciBenchStick);
    XhciBenchCreate();
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetPort(&XhciBenchController->Host, PORT));
    XhciBenchDescribe(&XhciBenchDevice, PORT, UsbSpeedHigh);
}

static void Finish(void)
{
    XhciRemoveDevice(&XhciBenchDevice);
    CHECK(XhciBenchDevice.HostPart == NULL);
    XhciBenchFinish();
}

static XHCI_MOCK_SLOT *SlotOf(const XHCI_MOCK_DEVICE *Device)
{
    return &XhciBenchMock.Slots[Device->Slot];
}

TEST(AddDevice_gives_a_slot_an_address_and_a_working_endpoint_0)
{
    ULONG Wide;
    ULONG i;

    for (Wide = 0; Wide < 2; Wide++) {
        XhciBenchStart();
        XhciBenchMock.ContextBytes = Wide ? 64 : 32;
        XhciMockPlug(&XhciBenchMock, PORT, 0, &XhciBenchStick);
        XhciBenchCreate();
        CHECK_EQUAL(STATUS_SUCCESS, XhciResetPort(&XhciBenchController->Host, PORT));
        XhciBenchDescribe(&XhciBenchDevice, PORT, UsbSpeedHigh);
        CHECK_EQUAL(STATUS_SUCCESS, XhciAddUsbDevice(&XhciBenchDevice));
        CHECK_EQUAL(3, SlotOf(&XhciBenchStick)->State); /* addressed */
        CHECK_EQUAL(64, XhciBenchStick.ControlPacket);
        XhciBenchSubmitControl(&One, 0x80, 6, 0x0100, 18);
        CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
        CHECK_EQUAL(18, One.Transfer.Done);
        for (i = 0; i < 18; i++) {
            CHECK_EQUAL((UCHAR)(i + 0x100), One.Buffer[i]);
        }
        XhciBenchFree(&One);
        Finish();
        CHECK_EQUAL(0, XhciBenchStick.Slot);
    }
}

TEST(AddDevice_begins_with_the_smallest_packet_of_the_speed)
{
    static const struct {
        ULONG Port;
        USB_SPEED Speed;
        ULONG Packet;
    } Kinds[] = {
        {1, UsbSpeedLow, 8}, {2, UsbSpeedFull, 8}, {3, UsbSpeedHigh, 64}, {5, UsbSpeedSuper, 512}};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Kinds); i++) {
        XhciBenchStart();
        XhciBenchMock.SpeedTables = i % 2 != 0;
        XhciBenchStick.Speed = Kinds[i].Speed;
        XhciMockPlug(&XhciBenchMock, Kinds[i].Port, 0, &XhciBenchStick);
        XhciBenchCreate();
        CHECK_EQUAL(STATUS_SUCCESS, XhciResetPort(&XhciBenchController->Host, Kinds[i].Port));
        XhciBenchDescribe(&XhciBenchDevice, Kinds[i].Port, Kinds[i].Speed);
        CHECK_EQUAL(STATUS_SUCCESS, XhciAddUsbDevice(&XhciBenchDevice));
        CHECK_EQUAL(Kinds[i].Packet, XhciBenchStick.ControlPacket);
        Finish();
    }
}

TEST(AddDevice_gives_a_device_that_does_not_take_its_address_a_second_chance)
{
    Arrange();
    XhciBenchStick.AddressErrors = 1;
    CHECK_EQUAL(STATUS_SUCCESS, XhciAddUsbDevice(&XhciBenchDevice));
    CHECK_EQUAL(3, XhciBenchMock.Commands[11]);
    Finish();
}

TEST(AddDevice_leaves_nothing_of_a_device_that_fails)
{
    Arrange();
    XhciBenchStick.AddressErrors = 2;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, XhciAddUsbDevice(&XhciBenchDevice));
    CHECK(XhciBenchDevice.HostPart == NULL);
    CHECK_EQUAL(1, XhciBenchMock.Commands[10]); /* its slot is free again */
    CHECK_EQUAL(STATUS_SUCCESS, XhciAddUsbDevice(&XhciBenchDevice));
    Finish();
}

TEST(AddDevice_refuses_slots_that_cannot_be)
{
    static const ULONG Slots[] = {XHCI_MOCK_SLOTS + 1, 255};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Slots); i++) {
        Arrange();
        XhciBenchMock.CommandSlot = Slots[i];
        CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, XhciAddUsbDevice(&XhciBenchDevice));
        CHECK_EQUAL(1, XhciBenchController->Violations);
        XhciBenchFinish();
    }
}

TEST(AddDevice_refuses_a_slot_that_is_in_use)
{
    USB_DEVICE Second;

    Arrange();
    CHECK_EQUAL(STATUS_SUCCESS, XhciAddUsbDevice(&XhciBenchDevice));
    XhciBenchMock.CommandSlot = 1;
    XhciBenchDescribe(&Second, 3, UsbSpeedHigh);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, XhciAddUsbDevice(&Second));
    CHECK(Second.HostPart == NULL && XhciBenchController->SlotTable[1] != NULL);
    Finish();
}

TEST(AddDevice_says_when_there_are_no_slots_left)
{
    Arrange();
    XhciBenchMock.CommandAnswer = XhciMockCode;
    XhciBenchMock.CommandMisbehaves = 1;
    XhciBenchMock.Code = XhciCodeNoSlots;
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, XhciAddUsbDevice(&XhciBenchDevice));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, (XhciBenchDescribe(&XhciBenchDevice, 9, UsbSpeedHigh),
                                           XhciAddUsbDevice(&XhciBenchDevice)));
    XhciBenchFinish();
}

TEST(AddDevice_fails_without_a_leak_whatever_memory_is_missing)
{
    BOOLEAN Happened = TRUE;
    ULONG Nth;
    ULONG Pool;

    for (Pool = 0; Pool < 2; Pool++) {
        for (Nth = 1, Happened = TRUE; Happened; Nth++) {
            NTSTATUS Status;

            Arrange();
            MiFailFrameAllocation = Pool ? 0 : Nth;
            MiFailPoolAllocation(Pool ? Nth : 0);
            Status = XhciAddUsbDevice(&XhciBenchDevice);
            if (NT_SUCCESS(Status)) {
                Status = XhciBenchOpen();
            }
            Happened = Pool ? MiPoolFailureHappened() : MiFailFrameAllocation == 0;
            MiFailFrameAllocation = 0;
            MiFailPoolAllocation(0);
            CHECK_EQUAL(Happened ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS, Status);
            Finish();
        }
        CHECK(Nth > 5);
    }
}

TEST(SetControlPacket_changes_the_packet_of_endpoint_0)
{
    Arrange();
    CHECK_EQUAL(STATUS_SUCCESS, XhciAddUsbDevice(&XhciBenchDevice));
    CHECK_EQUAL(STATUS_SUCCESS, XhciSetControlPacket(&XhciBenchDevice, 16));
    CHECK_EQUAL(16, XhciBenchStick.ControlPacket);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciSetControlPacket(&XhciBenchDevice, 17));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciSetControlPacket(&XhciBenchDevice, 4));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciSetControlPacket(&XhciBenchDevice, 1024));
    XhciBenchSubmitControl(&One, 0x80, 6, 0x0100, 18); /* counts packets of 16 now */
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    XhciBenchFree(&One);
    Finish();
}

TEST(OpenEndpoints_makes_the_endpoints_work)
{
    const XHCI_MOCK_ENDPOINT *Endpoints;

    XhciBenchStartStick(PORT);
    Endpoints = SlotOf(&XhciBenchStick)->Endpoints;
    CHECK_EQUAL(4, SlotOf(&XhciBenchStick)->State);
    CHECK(Endpoints[3].There && Endpoints[4].There && Endpoints[7].There);
    CHECK_EQUAL(6, Endpoints[3].Type);
    CHECK_EQUAL(2, Endpoints[4].Type);
    CHECK_EQUAL(512, Endpoints[4].Packet);
    CHECK_EQUAL(7, Endpoints[7].Type);
    CHECK_EQUAL(3, Endpoints[7].Interval);
    Finish();
}

TEST(OpenEndpoints_replaces_those_of_before_and_ends_their_transfers)
{
    const USB_ENDPOINT Only = {0x85, UsbBulk, 512, 0, 0};

    XhciBenchStartStick(PORT);
    XhciBenchSubmit(&One, XHCI_BENCH_KEYS, 0, 8, 0);
    CHECK_EQUAL(STATUS_SUCCESS, XhciOpenEndpoints(&XhciBenchDevice, &Only, 1));
    CHECK_EQUAL(STATUS_CANCELLED, XhciBenchWait(&One));
    CHECK(!SlotOf(&XhciBenchStick)->Endpoints[3].There);
    CHECK(SlotOf(&XhciBenchStick)->Endpoints[11].There);
    XhciBenchSubmit(&Two, XHCI_BENCH_IN, 0, 8, 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciBenchWait(&Two));
    XhciBenchFree(&One);
    XhciBenchFree(&Two);
    CHECK_EQUAL(STATUS_SUCCESS, XhciOpenEndpoints(&XhciBenchDevice, NULL, 0)); /* none at all */
    CHECK(!SlotOf(&XhciBenchStick)->Endpoints[11].There);
    Finish();
}

TEST(OpenEndpoints_refuses_what_it_cannot_drive)
{
    static const USB_ENDPOINT Bad[][2] = {
        {{0x81, UsbIsochronous, 512, 1, 0}, {0x02, UsbBulk, 512, 0, 0}},
        {{0x81, UsbBulk, 512, 0, 0}, {0x81, UsbBulk, 512, 0, 0}},
        {{0x81, UsbBulk, 0, 0, 0}, {0x02, UsbBulk, 512, 0, 0}},
        {{0x80, UsbBulk, 512, 0, 0}, {0x02, UsbBulk, 512, 0, 0}},
        {{0x00, UsbBulk, 512, 0, 0}, {0x02, UsbBulk, 512, 0, 0}},
        {{0xF1, UsbBulk, 512, 0, 0}, {0x02, UsbBulk, 512, 0, 0}},
        {{0x81, UsbBulk, 512, 0, 16}, {0x02, UsbBulk, 512, 0, 0}},
    };
    ULONG i;

    XhciBenchStartStick(PORT);
    for (i = 0; i < RTL_NUMBER_OF(Bad); i++) {
        CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciOpenEndpoints(&XhciBenchDevice, Bad[i], 2));
    }
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 64, 1000); /* those of before work as they did */
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    XhciBenchFree(&One);
    Finish();
}

TEST(OpenEndpoints_that_the_controller_refuses_leaves_those_of_before_to_be_reset)
{
    XhciBenchStartStick(PORT);
    XhciBenchMock.CommandType = 12;
    XhciBenchMock.CommandAnswer = XhciMockCode;
    XhciBenchMock.CommandMisbehaves = 1;
    XhciBenchMock.Code = XhciCodeBandwidth;
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, XhciBenchOpen());
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetEndpoint(&XhciBenchDevice, XHCI_BENCH_OUT));
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 64, 1000);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    XhciBenchFree(&One);
    Finish();
}

TEST(Devices_behind_a_hub_have_its_route_and_translator)
{
    static XHCI_MOCK_DEVICE Keyboard = {.Speed = UsbSpeedLow};
    USB_DEVICE Below;

    XhciBenchStartStick(PORT); /* plays the hub */
    XhciMockPlug(&XhciBenchMock, PORT, 0x3, &Keyboard);
    CHECK_EQUAL(STATUS_SUCCESS, XhciDescribeHub(&XhciBenchDevice, 4, 1, TRUE));
    CHECK_EQUAL(4, SlotOf(&XhciBenchStick)->Words[1] >> 24);
    CHECK(SlotOf(&XhciBenchStick)->Words[0] & 1u << 26);
    CHECK(SlotOf(&XhciBenchStick)->Endpoints[7].There); /* nothing else changed */
    XhciBenchDescribe(&Below, PORT, UsbSpeedLow);
    Below.Hub = Below.Splitter = &XhciBenchDevice;
    Below.HubPort = Below.SplitterPort = 3;
    Below.Route = 3;
    Below.Tier = 1;
    CHECK_EQUAL(STATUS_SUCCESS, XhciAddUsbDevice(&Below));
    CHECK_EQUAL(XhciBenchStick.Slot | 3u << 8, SlotOf(&Keyboard)->Words[2]);
    CHECK_EQUAL(3u | 2u << 20 | 1u << 25, SlotOf(&Keyboard)->Words[0] & 0x03FFFFFF);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciDescribeHub(&XhciBenchDevice, 0, 0, FALSE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciDescribeHub(&XhciBenchDevice, 4, 4, FALSE));
    XhciRemoveDevice(&Below);
    Finish();
}

TEST(RemoveDevice_ends_all_transfers_and_frees_the_slot)
{
    XhciBenchStartStick(PORT);
    XhciBenchSubmit(&One, XHCI_BENCH_KEYS, 0, 8, 0);
    XhciBenchInSays = XHCI_MOCK_NAK;
    XhciBenchSubmit(&Two, XHCI_BENCH_IN, 0, 512, 0);
    XhciBenchSleep(50);
    XhciMockUnplug(&XhciBenchMock, &XhciBenchStick);
    XhciBenchDevice.Gone = TRUE;
    XhciRemoveDevice(&XhciBenchDevice);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciBenchWait(&One));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciBenchWait(&Two));
    XhciBenchFree(&One);
    XhciBenchSubmit(&Two, XHCI_BENCH_IN, 0, 512, 0);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciBenchWait(&Two));
    XhciBenchFree(&Two);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciSetControlPacket(&XhciBenchDevice, 64));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciBenchOpen());
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciDescribeHub(&XhciBenchDevice, 4, 1, TRUE));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciResetEndpoint(&XhciBenchDevice, 0));
    CHECK(!XhciBenchController->Host.Gone);
    Finish();
}

TEST(RemoveDevice_from_a_controller_that_keeps_the_slot_is_the_controllers_end)
{
    XhciBenchStartStick(PORT);
    XhciBenchMock.CommandType = 10;
    XhciBenchMock.CommandAnswer = XhciMockCode;
    XhciBenchMock.CommandMisbehaves = 1;
    XhciBenchMock.Code = 5;
    XhciRemoveDevice(&XhciBenchDevice);
    CHECK(XhciBenchController->Host.Gone);
    CHECK_EQUAL(0, XhciBenchMock.Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    Finish();
}
