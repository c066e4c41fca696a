/* SPDX-License-Identifier: MIT */
/*
 * usb_hub_keyboard.c - a virtual hub and a virtual keyboard, written against the specifications.
 */
#include "tests/host/usb_devices.h"

#include "tests/unit/test.h"

#include <string.h>

#define CONNECTED  0x0001u
#define ENABLED    0x0002u
#define RESET      0x0010u
#define LOW_SPEED  0x0200u
#define HIGH_SPEED 0x0400u

/* ---- hub ---- */

static USB_MOCK_HUB *HubOf(USB_MOCK_DEVICE *Device)
{
    return CONTAINING_RECORD(Device, USB_MOCK_HUB, Device);
}

static BOOLEAN HubHasNews(USB_MOCK_HUB *Hub)
{
    ULONG i;

    for (i = 1; i <= Hub->Ports; i++) {
        if (Hub->Changes[i] != 0) {
            return TRUE;
        }
    }
    return Hub->AlwaysNews;
}

static NTSTATUS HubTransfer(USB_MOCK_DEVICE *Device, UCHAR Endpoint, PUCHAR Data, PULONG Bytes)
{
    USB_MOCK_HUB *Hub = HubOf(Device);
    ULONG Bits = 0;
    ULONG i;

    CHECK_EQUAL(0x81, Endpoint);
    if (Hub->FailStatus != 0) {
        Hub->FailStatus--;
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    if (!HubHasNews(Hub)) {
        return STATUS_PENDING;
    }
    for (i = 1; i <= Hub->Ports; i++) {
        Bits |= (ULONG)(Hub->Changes[i] != 0) << i;
    }
    *Bytes = (Hub->Ports + 8) / 8;
    memcpy(Data, &Bits, *Bytes);
    return STATUS_SUCCESS;
}

static void HubResetPort(USB_MOCK_HUB *Hub, ULONG Port)
{
    if (Hub->Device.Hanging[Port] != NULL) {
        USB_SPEED Speed = Hub->Device.Hanging[Port]->Speed;

        Hub->Status[Port] |= ENABLED | (Speed == UsbSpeedLow    ? LOW_SPEED
                                        : Speed == UsbSpeedHigh ? HIGH_SPEED
                                                                : 0);
        Hub->Changes[Port] |= RESET;
        UsbMockHubReset(&Hub->Device, Port);
        UsbMockPoke(&Hub->Device);
    }
}

static NTSTATUS HubFeature(USB_MOCK_HUB *Hub, BOOLEAN Set, ULONG Feature, ULONG Port)
{
    CHECK(Port >= 1 && Port <= Hub->Ports);
    if (Set && Feature == 8) {
        Hub->Power |= 1u << Port;
        if (Hub->Device.Hanging[Port] != NULL && !(Hub->Status[Port] & CONNECTED)) {
            Hub->Status[Port] |= CONNECTED;
            Hub->Changes[Port] |= CONNECTED;
        }
    } else if (Set && (Feature == 4 || Feature == 28)) {
        HubResetPort(Hub, Port);
    } else if (!Set && Feature >= 16 && Feature <= 20) {
        Hub->Changes[Port] &= (USHORT) ~(1u << (Feature - 16));
    } else {
        Hub->Disabled += !Set && Feature == 1;
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS HubControl(USB_MOCK_DEVICE *Device, const USB_SETUP *Setup, PUCHAR Data,
                           PULONG Bytes)
{
    USB_MOCK_HUB *Hub = HubOf(Device);
    UCHAR Descriptor[] = {9, 0x29, (UCHAR)Hub->Ports, 0xE0 & 0x60, 0, 10, 0, 0, 0xFF};

    if (Setup->RequestType == 0xA0 && Setup->Request == 6) {
        Descriptor[1] = Device->Speed == UsbSpeedSuper ? 0x2A : 0x29;
        CHECK_EQUAL(Descriptor[1], Setup->Value >> 8);
        *Bytes = *Bytes < sizeof(Descriptor) ? *Bytes : sizeof(Descriptor);
        memcpy(Data, Descriptor, *Bytes);
        return STATUS_SUCCESS;
    }
    if (Setup->RequestType == 0xA3 && Setup->Request == 0) {
        CHECK(Setup->Index >= 1 && Setup->Index <= Hub->Ports && *Bytes == 4);
        memcpy(Data, &Hub->Status[Setup->Index], 2);
        memcpy(Data + 2, &Hub->Changes[Setup->Index], 2);
        return STATUS_SUCCESS;
    }
    if (Setup->RequestType == 0xA0 && Setup->Request == 0) {
        memset(Data, 0, *Bytes);
        return STATUS_SUCCESS;
    }
    *Bytes = 0;
    if (Setup->RequestType == 0x20 && Setup->Request == 12) {
        Hub->Depth = Setup->Value;
        return STATUS_SUCCESS;
    }
    if (Setup->RequestType == 0x23 && (Setup->Request == 1 || Setup->Request == 3)) {
        return HubFeature(Hub, Setup->Request == 3, Setup->Value, Setup->Index);
    }
    return STATUS_DEVICE_PROTOCOL_ERROR;
}

static void HubReset(USB_MOCK_DEVICE *Device)
{
    USB_MOCK_HUB *Hub = HubOf(Device);

    Hub->Power = 0;
    Hub->Depth = 0xFF;
    memset(Hub->Status, 0, sizeof(Hub->Status));
    memset(Hub->Changes, 0, sizeof(Hub->Changes));
}

void UsbMockHubCreate(USB_MOCK_HUB *Hub, USB_SPEED Speed)
{
    static const UCHAR Descriptor[] = {18,   1,    0x00, 0x02, 9, 0, 1, 64, 0x09,
                                       0x04, 0xA0, 0x55, 0,    1, 0, 0, 0,  1};
    static const UCHAR Configuration[] = {
        9, 2, 25,   0, 1, 1, 0,  0xE0, 0, /* configuration 1 */
        9, 4, 0,    0, 1, 9, 0,  0,    0, /* interface 0: hub */
        7, 5, 0x81, 3, 2, 0, 12,          /* interrupt, 2 bytes */
    };

    memset(Hub, 0, sizeof(*Hub));
    Hub->Device.Speed = Speed;
    memcpy(Hub->Device.DeviceDescriptor, Descriptor, sizeof(Descriptor));
    Hub->Device.DeviceDescriptor[7] = Speed == UsbSpeedSuper ? 9 : 64;
    Hub->Device.DeviceBytes = sizeof(Descriptor);
    memcpy(Hub->Device.Configuration, Configuration, sizeof(Configuration));
    Hub->Device.ConfigurationBytes = sizeof(Configuration);
    Hub->Device.Control = HubControl;
    Hub->Device.Transfer = HubTransfer;
    Hub->Device.Reset = HubReset;
    Hub->Ports = 4;
    Hub->Depth = 0xFF;
}

void UsbMockHubPlug(USB_MOCK_HUB *Hub, ULONG Port, USB_MOCK_DEVICE *Device)
{
    UsbMockPlugHub(&Hub->Device, Port, Device);
    if (Hub->Power & 1u << Port) {
        Hub->Status[Port] |= CONNECTED;
        Hub->Changes[Port] |= CONNECTED;
        UsbMockPoke(&Hub->Device);
    }
}

void UsbMockHubUnplug(USB_MOCK_HUB *Hub, ULONG Port)
{
    UsbMockUnplug(Hub->Device.Hanging[Port]);
    Hub->Status[Port] = 0;
    Hub->Changes[Port] |= CONNECTED;
    UsbMockPoke(&Hub->Device);
}

/* ---- keyboard ---- */

static NTSTATUS KeyboardTransfer(USB_MOCK_DEVICE *Device, UCHAR Endpoint, PUCHAR Data, PULONG Bytes)
{
    USB_MOCK_KEYBOARD *Keyboard = CONTAINING_RECORD(Device, USB_MOCK_KEYBOARD, Device);

    CHECK_EQUAL(0x82, Endpoint);
    if (Keyboard->StallReports != 0) {
        Keyboard->StallReports--;
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    if (Keyboard->Count == 0) {
        return STATUS_PENDING;
    }
    memcpy(Data, Keyboard->Reports[0], 8);
    Keyboard->Count--;
    memmove(Keyboard->Reports[0], Keyboard->Reports[1], 8 * Keyboard->Count);
    *Bytes = Keyboard->ReportBytes;
    return STATUS_SUCCESS;
}

static NTSTATUS KeyboardControl(USB_MOCK_DEVICE *Device, const USB_SETUP *Setup, PUCHAR Data,
                                PULONG Bytes)
{
    USB_MOCK_KEYBOARD *Keyboard = CONTAINING_RECORD(Device, USB_MOCK_KEYBOARD, Device);

    (void)Data;
    *Bytes = 0;
    if (Setup->RequestType != 0x21 || Setup->Index != 1) {
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    if (Setup->Request == 0x0B && !Keyboard->NoProtocol) {
        Keyboard->Protocol = Setup->Value;
        return STATUS_SUCCESS;
    }
    if (Setup->Request == 0x0A && !Keyboard->NoIdle) {
        Keyboard->Idles++;
        return STATUS_SUCCESS;
    }
    return STATUS_DEVICE_PROTOCOL_ERROR;
}

void UsbMockKeyboardCreate(USB_MOCK_KEYBOARD *Keyboard)
{
    static const UCHAR Descriptor[] = {18,   1,    0x10, 0x01, 0, 0, 0, 8, 0x27,
                                       0x06, 0x01, 0x00, 0,    1, 0, 0, 0, 1};
    static const UCHAR Configuration[] = {
        9, 2,    59,   0,    2, 1, 0,    0xA0, 50, /* configuration 1 */
        9, 4,    0,    0,    1, 3, 0,    0,    0,  /* interface 0: HID, not for booting */
        9, 0x21, 0x11, 0x01, 0, 1, 0x22, 52,   0,  /* HID descriptor */
        7, 5,    0x81, 3,    4, 0, 10,             /* interrupt */
        9, 4,    1,    0,    1, 3, 1,    1,    0,  /* interface 1: boot keyboard */
        9, 0x21, 0x11, 0x01, 0, 1, 0x22, 63,   0,  /* HID descriptor */
        7, 5,    0x82, 3,    8, 0, 10,             /* interrupt */
    };

    memset(Keyboard, 0, sizeof(*Keyboard));
    Keyboard->Device.Speed = UsbSpeedLow;
    memcpy(Keyboard->Device.DeviceDescriptor, Descriptor, sizeof(Descriptor));
    Keyboard->Device.DeviceBytes = sizeof(Descriptor);
    memcpy(Keyboard->Device.Configuration, Configuration, sizeof(Configuration));
    Keyboard->Device.ConfigurationBytes = sizeof(Configuration);
    Keyboard->Device.Control = KeyboardControl;
    Keyboard->Device.Transfer = KeyboardTransfer;
    Keyboard->Protocol = 1;
    Keyboard->ReportBytes = 8;
}

void UsbMockKeyboardSend(USB_MOCK_KEYBOARD *Keyboard, UCHAR Modifiers, const UCHAR Keys[6])
{
    PUCHAR Report = Keyboard->Reports[Keyboard->Count];

    CHECK(Keyboard->Count < USB_KEYBOARD_REPORTS);
    Keyboard->Count++;
    memset(Report, 0, 8);
    Report[0] = Modifiers;
    memcpy(Report + 2, Keys, 6);
    UsbMockPoke(&Keyboard->Device);
}
