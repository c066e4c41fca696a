/* SPDX-License-Identifier: MIT */
/*
 * test_xhci_port.c - root ports: what is plugged in, resets, changes, speeds.
 */
#include "tests/unit/xhci_bench.h"

#define HOST (&XhciBenchController->Host)
#define CSC  0x20000u
#define LOW  (1u << 3)

static XHCI_MOCK_DEVICE Other = {.Speed = UsbSpeedFull};

static void Arrange(ULONG Port, USB_SPEED Speed)
{
    XhciBenchStart();
    Other.Speed = Speed;
    XhciMockPlug(&XhciBenchMock, Port, 0, &Other);
    XhciBenchCreate();
}

static USB_PORT_STATUS Look(ULONG Port)
{
    USB_PORT_STATUS Status;

    CHECK_EQUAL(STATUS_SUCCESS, XhciReadPort(HOST, Port, &Status));
    return Status;
}

TEST(ReadPort_tells_what_is_connected_and_enabled)
{
    Arrange(2, UsbSpeedFull);
    CHECK(Look(2).Connected && !Look(2).Enabled && Look(2).Speed == UsbSpeedNone);
    CHECK(!Look(1).Connected);
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetPort(HOST, 2));
    CHECK(Look(2).Enabled);
    CHECK_EQUAL(UsbSpeedFull, Look(2).Speed);
    XhciBenchFinish();
}

TEST(Ports_that_are_not_there_are_refused)
{
    USB_PORT_STATUS Status;

    Arrange(2, UsbSpeedFull);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciReadPort(HOST, 0, &Status));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciReadPort(HOST, XHCI_MOCK_PORTS + 1, &Status));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciResetPort(HOST, 0));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciResetPort(HOST, XHCI_MOCK_PORTS + 1));
    XhciBenchFinish();
}

TEST(ResetPort_resets_each_speed)
{
    static const struct {
        ULONG Port;
        USB_SPEED Speed;
    } Kinds[] = {{1, UsbSpeedLow}, {3, UsbSpeedFull}, {4, UsbSpeedHigh}, {7, UsbSpeedSuper}};
    ULONG i;
    ULONG Tables;

    for (i = 0; i < 2 * RTL_NUMBER_OF(Kinds); i++) {
        Tables = i / RTL_NUMBER_OF(Kinds);
        XhciBenchStart();
        XhciBenchMock.SpeedTables = Tables != 0;
        Other.Speed = Kinds[i % RTL_NUMBER_OF(Kinds)].Speed;
        XhciMockPlug(&XhciBenchMock, Kinds[i % RTL_NUMBER_OF(Kinds)].Port, 0, &Other);
        XhciBenchCreate();
        CHECK_EQUAL(STATUS_SUCCESS, XhciResetPort(HOST, Kinds[i % RTL_NUMBER_OF(Kinds)].Port));
        CHECK_EQUAL(Other.Speed, Look(Kinds[i % RTL_NUMBER_OF(Kinds)].Port).Speed);
        CHECK_EQUAL(1, XhciBenchMock.PortResets);
        CHECK_EQUAL(0, XhciBenchMock.WarmResets);
        XhciBenchFinish();
    }
}

TEST(ResetPort_gives_a_SuperSpeed_link_that_hangs_a_warm_reset)
{
    XhciBenchStart();
    XhciBenchMock.WarmPorts = 1u << 6;
    Other.Speed = UsbSpeedSuper;
    XhciMockPlug(&XhciBenchMock, 6, 0, &Other);
    XhciBenchCreate();
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetPort(HOST, 6));
    CHECK_EQUAL(1, XhciBenchMock.WarmResets);
    CHECK_EQUAL(0, XhciBenchMock.PortResets);
    CHECK(Look(6).Enabled);
    XhciBenchFinish();
}

TEST(ResetPort_tries_a_warm_reset_when_the_hot_one_leaves_the_link_hanging)
{
    Arrange(6, UsbSpeedSuper);
    XhciBenchMock.WarmPorts = 1u << 6;
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetPort(HOST, 6));
    CHECK_EQUAL(1, XhciBenchMock.PortResets);
    CHECK_EQUAL(1, XhciBenchMock.WarmResets);
    XhciBenchFinish();
}

TEST(ResetPort_that_never_ends_is_given_up_in_less_than_1_s)
{
    ULONG Before;

    Arrange(2, UsbSpeedHigh);
    XhciBenchMock.NoResetPorts = 1u << 2;
    Before = XhciNow();
    CHECK_EQUAL(STATUS_IO_TIMEOUT, XhciResetPort(HOST, 2));
    CHECK(XhciNow() - Before < 1000);
    XhciBenchFinish();
}

TEST(ResetPort_says_when_the_port_stays_disabled_or_nothing_is_there)
{
    Arrange(2, UsbSpeedHigh);
    XhciBenchMock.DisabledPorts = 1u << 2;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, XhciResetPort(HOST, 2));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciResetPort(HOST, 3));
    CHECK_EQUAL(1, XhciBenchMock.PortResets); /* an empty port is not reset */
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciResetPort(HOST, 7));
    XhciBenchFinish();
}

TEST(Port_tells_of_every_change_since_all_its_change_bits_are_cleared)
{
    Arrange(3, UsbSpeedFull);
    XhciBenchController->Notices[0] = 0;
    XhciMockUnplug(&XhciBenchMock, &Other);
    CHECK_EQUAL(LOW, XhciBenchController->Notices[0]);
    CHECK_EQUAL(0, XhciBenchMock.PortStatus[2] & 0xFE0000);
    XhciBenchController->Notices[0] = 0;
    XhciMockPlug(&XhciBenchMock, 3, 0, &Other);
    CHECK_EQUAL(LOW, XhciBenchController->Notices[0]);
    CHECK(Look(3).Connected);
    XhciBenchFinish();
}

TEST(Port_tells_nothing_of_a_reset_that_was_asked_for)
{
    Arrange(3, UsbSpeedFull);
    XhciBenchController->Notices[0] = 0;
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetPort(HOST, 3));
    CHECK_EQUAL(0, XhciBenchController->Notices[0]);
    CHECK_EQUAL(0, XhciBenchMock.PortStatus[2] & 0xFE0000);
    XhciBenchFinish();
}

TEST(Port_event_of_a_port_that_is_not_there_is_a_violation)
{
    static const ULONG Ports[] = {0, XHCI_MOCK_PORTS + 1, 255};
    ULONG i;

    Arrange(3, UsbSpeedFull);
    for (i = 0; i < RTL_NUMBER_OF(Ports); i++) {
        const ULONG Event[4] = {Ports[i] << 24, 0, 1u << 24, 34u << 10};

        CHECK(XhciMockEvent(&XhciBenchMock, Event));
    }
    CHECK_EQUAL(3, XhciBenchController->Violations);
    XhciBenchFinish();
}

TEST(Ports_of_a_controller_that_was_taken_away_are_gone)
{
    USB_PORT_STATUS Status;

    Arrange(3, UsbSpeedFull);
    XhciMockRemove(&XhciBenchMock);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciReadPort(HOST, 3, &Status));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciResetPort(HOST, 3));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciResetPort(HOST, 7));
    XhciBenchFinish();
}
