/* SPDX-License-Identifier: MIT */
/*
 * xhci_mock_ports.c - the mock xHCI controller's root ports, and what is plugged in where.
 */
#include "tests/host/xhci_mock.h"
#include "tests/unit/test.h"

#define PORT_EVENT  0x10u
#define CCS         0x1u
#define PED         0x2u
#define PR          0x10u
#define PP          0x200u
#define CSC         0x20000u
#define WRC         0x80000u
#define PRC         0x200000u
#define CHANGES     0xFE0000u
#define LINK(State) ((ULONG)(State) << 5)
#define LINKS       LINK(15)
#define SPEED_SHIFT 10
#define WPR         0x80000000u
#define POLLING     7u
#define DETECT      5u

/* An event comes when the first of a port's change bits is set. */
void XhciMockChangePort(XHCI_MOCK *Mock, ULONG Port, ULONG Clear, ULONG Set)
{
    ULONG *P = &Mock->PortStatus[Port - 1];
    BOOLEAN Told = (*P & CHANGES) != 0;
    const ULONG Trb[4] = {Port << 24, 0, XHCI_MOCK_SUCCESS << 24, 34u << 10};

    *P = (*P & ~Clear) | Set;
    if (!Told && (*P & CHANGES) != 0 && XhciMockpRuns(Mock)) {
        Mock->Status |= PORT_EVENT;
        (void)XhciMockEvent(Mock, Trb);
    }
}

static ULONG SpeedId(const XHCI_MOCK *Mock, USB_SPEED Speed)
{
    return Mock->SpeedTables && Speed == UsbSpeedSuper ? 6u : (ULONG)Speed;
}

XHCI_MOCK_DEVICE *XhciMockpFind(const XHCI_MOCK *Mock, ULONG Port, ULONG Route)
{
    ULONG i;

    for (i = 0; i < XHCI_MOCK_DEVICES; i++) {
        if (Mock->Places[i].Device != NULL && Mock->Places[i].Port == Port &&
            Mock->Places[i].Route == Route) {
            return Mock->Places[i].Device;
        }
    }
    return NULL;
}

void XhciMockpShow(XHCI_MOCK *Mock, ULONG Port, const XHCI_MOCK_DEVICE *Device)
{
    BOOLEAN Super = Port > XHCI_MOCK_USB2;
    BOOLEAN Hangs = (Mock->WarmPorts & 1u << Port) != 0;

    CHECK_EQUAL(Super, Device->Speed == UsbSpeedSuper);
    if (!(Mock->PortStatus[Port - 1] & PP)) {
        return; /* it cannot be seen */
    }
    XhciMockChangePort(
        Mock, Port, LINKS | 0xFu << SPEED_SHIFT,
        CCS | CSC | LINK(Super && !Hangs ? 0 : POLLING) |
            (Super && !Hangs ? PED | SpeedId(Mock, Device->Speed) << SPEED_SHIFT : 0));
}

void XhciMockPlug(XHCI_MOCK *Mock, ULONG Port, ULONG Route, XHCI_MOCK_DEVICE *Device)
{
    ULONG i;

    for (i = 0; i < XHCI_MOCK_DEVICES && Mock->Places[i].Device != NULL; i++) {
    }
    CHECK(i < XHCI_MOCK_DEVICES && XhciMockpFind(Mock, Port, Route) == NULL);
    Mock->Places[i].Port = Port;
    Mock->Places[i].Route = Route;
    Mock->Places[i].Device = Device;
    Device->Slot = 0;
    if (Route == 0) {
        XhciMockpShow(Mock, Port, Device);
    }
}

void XhciMockUnplug(XHCI_MOCK *Mock, XHCI_MOCK_DEVICE *Device)
{
    ULONG i;

    for (i = 0; i < XHCI_MOCK_DEVICES && Mock->Places[i].Device != Device; i++) {
    }
    CHECK(i < XHCI_MOCK_DEVICES);
    Mock->Places[i].Device = NULL;
    if (Device->Slot != 0) {
        Mock->Slots[Device->Slot].Device = NULL;
        Device->Slot = 0;
    }
    if (Mock->Places[i].Route == 0) {
        XhciMockChangePort(Mock, Mock->Places[i].Port, CCS | PED | LINKS | 0xFu << SPEED_SHIFT,
                           CSC | LINK(DETECT));
    }
    XhciMockpSchedule(Mock);
}

static void ResetPort(XHCI_MOCK *Mock, ULONG Port, BOOLEAN Warm)
{
    const XHCI_MOCK_DEVICE *Device = XhciMockpFind(Mock, Port, 0);
    BOOLEAN Fails = Device == NULL || (Mock->DisabledPorts & 1u << Port) != 0 ||
                    ((Mock->WarmPorts & 1u << Port) != 0 && !Warm);

    Mock->PortResets += !Warm;
    Mock->WarmResets += Warm;
    if (Mock->NoResetPorts & 1u << Port) {
        Mock->PortStatus[Port - 1] |= PR;
        return;
    }
    if (Warm) {
        Mock->WarmPorts &= ~(1u << Port);
    }
    XhciMockChangePort(
        Mock, Port, PED | PR | LINKS | 0xFu << SPEED_SHIFT,
        PRC | (Warm ? WRC : 0) |
            (Fails ? LINK(POLLING) : PED | SpeedId(Mock, Device->Speed) << SPEED_SHIFT));
}

void XhciMockpWritePort(XHCI_MOCK *Mock, ULONG Port, ULONG Value)
{
    ULONG *P = &Mock->PortStatus[Port - 1];

    CHECK(!(Value & PED));               /* it would disable the port */
    CHECK_EQUAL(0, Value & 0x71003C0Du); /* read only and reserved: never written as ones */
    CHECK_EQUAL(0, Value & 0x10000u);    /* the link's state is not ours to write */
    CHECK(!(Value & WPR) || Port > XHCI_MOCK_USB2);
    *P &= ~(Value & CHANGES);
    if ((Value & PP) != 0 && !(*P & PP)) {
        const XHCI_MOCK_DEVICE *Device = XhciMockpFind(Mock, Port, 0);

        *P |= PP;
        if (Device != NULL) {
            XhciMockpShow(Mock, Port, Device);
        }
    }
    CHECK((Value & PP) != 0 || !(*P & PP)); /* nobody asked for its power to go */
    if (Value & (PR | WPR)) {
        ResetPort(Mock, Port, (Value & WPR) != 0);
    }
}
