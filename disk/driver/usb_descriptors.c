/* SPDX-License-Identifier: MIT */
/*
 * usb_descriptors.c - what devices say of themselves, as facts that were checked.
 *
 * A configuration is a list of descriptors, each of which begins with its length and its type:
 *
 *     configuration  interface 0  endpoint  companion  endpoint  companion  interface 1  ...
 *
 * Nothing is read behind Count, and every step goes forward by at least two bytes.
 *
 * Sources: USB 2.0, 9.6 and 11.23.2; USB 3.1, 9.6 and 10.15.2.
 *
 * Locking: none.
 */
#include "disk/driver/usb_descriptors.h"

#define USBP_HEAD_BYTES      2u
#define USBP_INTERFACE_BYTES 9u
#define USBP_ENDPOINT_BYTES  7u
#define USBP_COMPANION_BYTES 6u
#define USBP_SUPER_BURST     15u /* the largest bMaxBurst */
#define USBP_PACKET_MASK     0x7FFu
#define USBP_SUPER_CONTROL   9u /* bMaxPacketSize0 of SuperSpeed: 2 to the power of it */

/* One step through a configuration. */
typedef struct _USBP_WALK {
    USB_SPEED Speed;
    PUSB_CONFIGURATION Configuration;
    PUSB_INTERFACE Interface; /* that endpoints belong to; NULL: one that is left out */
    USB_ENDPOINT *Endpoint;   /* that a companion belongs to; NULL: one that is left out */
    ULONG Addresses;          /* bit n: endpoint n to the device was there; 16 + n: to the host */
} USBP_WALK;

static ULONG UsbpShort(const UCHAR *Bytes)
{
    return Bytes[0] | (ULONG)Bytes[1] << 8;
}

/* ---- devices ---- */

NTSTATUS UsbParseControlPacket(const UCHAR *Bytes, ULONG Count, USB_SPEED Speed,
                               PULONG MaximumPacket)
{
    ULONG Said;

    if (Count < 8 || Bytes[0] < USB_DEVICE_DESCRIPTOR_BYTES || Bytes[1] != UsbDeviceDescriptor) {
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    Said = Bytes[7];
    switch (Speed) {
    case UsbSpeedLow:
        break;
    case UsbSpeedFull:
        if (Said != 8 && Said != 16 && Said != 32 && Said != 64) {
            return STATUS_DEVICE_PROTOCOL_ERROR;
        }
        *MaximumPacket = Said;
        return STATUS_SUCCESS;
    case UsbSpeedHigh:
        if (Said != 64) {
            return STATUS_DEVICE_PROTOCOL_ERROR;
        }
        *MaximumPacket = Said;
        return STATUS_SUCCESS;
    case UsbSpeedSuper:
        if (Said != USBP_SUPER_CONTROL) {
            return STATUS_DEVICE_PROTOCOL_ERROR;
        }
        *MaximumPacket = 1u << Said;
        return STATUS_SUCCESS;
    case UsbSpeedNone:
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    if (Said != 8) {
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    *MaximumPacket = Said;
    return STATUS_SUCCESS;
}

NTSTATUS UsbParseDevice(const UCHAR *Bytes, ULONG Count, USB_SPEED Speed, USB_DEVICE_FACTS *Facts)
{
    ULONG Packet = 0;

    if (Count < USB_DEVICE_DESCRIPTOR_BYTES ||
        !NT_SUCCESS(UsbParseControlPacket(Bytes, Count, Speed, &Packet)) || Bytes[17] == 0) {
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    *Facts = (USB_DEVICE_FACTS){
        .Vendor = (USHORT)UsbpShort(Bytes + 8),
        .Product = (USHORT)UsbpShort(Bytes + 10),
        .Class = Bytes[4],
        .Configurations = Bytes[17],
        .ControlPacket = Packet,
    };
    return STATUS_SUCCESS;
}

/* ---- configurations ---- */

/* Without duplicates, and as USB 2.0, 5.7.3 and 5.8.3, and USB 3.1, 8.12 allow. */
static BOOLEAN UsbpIsPacketAllowed(ULONG Type, ULONG Packet, USB_SPEED Speed)
{
    if (Packet == 0) {
        return FALSE;
    }
    if (Type == UsbBulk) {
        switch (Speed) {
        case UsbSpeedFull:
            return Packet == 8 || Packet == 16 || Packet == 32 || Packet == 64;
        case UsbSpeedHigh:
            return Packet == 512;
        case UsbSpeedSuper:
            return Packet == 1024;
        case UsbSpeedLow:
        case UsbSpeedNone:
            return FALSE;
        }
    }
    return Type == UsbInterrupt && Packet <= (Speed == UsbSpeedLow    ? 8u
                                              : Speed == UsbSpeedFull ? 64u
                                                                      : 1024u);
}

static void UsbpTakeInterface(USBP_WALK *Walk, const UCHAR *At, ULONG Length)
{
    PUSB_CONFIGURATION Configuration = Walk->Configuration;
    ULONG i;

    Walk->Interface = NULL;
    Walk->Endpoint = NULL;
    if (Length < USBP_INTERFACE_BYTES || At[3] != 0 ||
        Configuration->InterfaceCount == USB_INTERFACES) {
        return; /* At[3]: another setting of an interface */
    }
    for (i = 0; i < Configuration->InterfaceCount; i++) {
        if (Configuration->Interfaces[i].Number == At[2]) {
            return;
        }
    }
    Walk->Interface = &Configuration->Interfaces[Configuration->InterfaceCount++];
    *Walk->Interface =
        (USB_INTERFACE){.Number = At[2], .Class = At[5], .SubClass = At[6], .Protocol = At[7]};
}

static void UsbpTakeEndpoint(USBP_WALK *Walk, const UCHAR *At, ULONG Length)
{
    PUSB_INTERFACE Interface = Walk->Interface;
    ULONG Packet;
    ULONG Type;
    ULONG Bit;

    Walk->Endpoint = NULL;
    if (Interface == NULL || Length < USBP_ENDPOINT_BYTES) {
        return;
    }
    Packet = UsbpShort(At + 4) & USBP_PACKET_MASK;
    Type = At[3] & 3u;
    Bit = 1u << ((At[2] & 15u) + (At[2] & 0x80u ? 16u : 0));
    if ((At[2] & 15u) == 0 || (At[2] & 0x70u) != 0 || (Walk->Addresses & Bit) != 0 ||
        !UsbpIsPacketAllowed(Type, Packet, Walk->Speed) || (Type == UsbInterrupt && At[6] == 0) ||
        Interface->EndpointCount == USB_INTERFACE_ENDPOINTS) {
        return;
    }
    Walk->Addresses |= Bit;
    Walk->Endpoint = &Interface->Endpoints[Interface->EndpointCount++];
    *Walk->Endpoint = (USB_ENDPOINT){
        .Address = At[2], .Type = (UCHAR)Type, .MaximumPacket = (USHORT)Packet, .Interval = At[6]};
}

static void UsbpTakeCompanion(USBP_WALK *Walk, const UCHAR *At, ULONG Length)
{
    if (Walk->Endpoint != NULL && Walk->Speed == UsbSpeedSuper && Length >= USBP_COMPANION_BYTES &&
        At[2] <= USBP_SUPER_BURST) {
        Walk->Endpoint->Burst = At[2];
    }
    Walk->Endpoint = NULL;
}

ULONG UsbConfigurationLength(const UCHAR *Bytes, ULONG Count)
{
    if (Count < USB_CONFIGURATION_BYTES || Bytes[0] < USB_CONFIGURATION_BYTES ||
        Bytes[1] != UsbConfigurationDescriptor || UsbpShort(Bytes + 2) < USB_CONFIGURATION_BYTES) {
        return 0;
    }
    return UsbpShort(Bytes + 2);
}

NTSTATUS UsbParseConfiguration(const UCHAR *Bytes, ULONG Count, USB_SPEED Speed,
                               PUSB_CONFIGURATION Configuration)
{
    USBP_WALK Walk = {.Speed = Speed, .Configuration = Configuration};
    ULONG Total = UsbConfigurationLength(Bytes, Count);
    ULONG At;

    if (Total == 0) {
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    *Configuration = (USB_CONFIGURATION){.Value = Bytes[5]};
    Total = Total < Count ? Total : Count;
    for (At = Bytes[0]; At + USBP_HEAD_BYTES <= Total; At += Bytes[At]) {
        ULONG Length = Bytes[At];

        if (Length < USBP_HEAD_BYTES || Length > Total - At) {
            break;
        }
        if (Bytes[At + 1] == UsbInterfaceDescriptor) {
            UsbpTakeInterface(&Walk, Bytes + At, Length);
        } else if (Bytes[At + 1] == UsbEndpointDescriptor) {
            UsbpTakeEndpoint(&Walk, Bytes + At, Length);
        } else if (Bytes[At + 1] == UsbCompanionDescriptor) {
            UsbpTakeCompanion(&Walk, Bytes + At, Length);
        }
    }
    return STATUS_SUCCESS;
}

const USB_ENDPOINT *UsbFindEndpoint(const USB_INTERFACE *Interface, USB_ENDPOINT_TYPE Type,
                                    UCHAR Direction)
{
    ULONG i;

    for (i = 0; i < Interface->EndpointCount; i++) {
        const USB_ENDPOINT *Endpoint = &Interface->Endpoints[i];

        if (Endpoint->Type == Type && (Endpoint->Address & 0x80u) == Direction) {
            return Endpoint;
        }
    }
    return NULL;
}

/* ---- hubs ---- */

NTSTATUS UsbParseHub(const UCHAR *Bytes, ULONG Count, USB_SPEED Speed, USB_HUB_FACTS *Facts)
{
    UCHAR Wanted = Speed == UsbSpeedSuper ? UsbSuperHubDescriptor : UsbHubDescriptor;

    if (Count < USB_HUB_DESCRIPTOR_BYTES || Bytes[0] < USB_HUB_DESCRIPTOR_BYTES ||
        Bytes[1] != Wanted || Bytes[2] == 0) {
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    *Facts = (USB_HUB_FACTS){
        .Ports = Bytes[2] < USB_HUB_PORTS ? Bytes[2] : USB_HUB_PORTS,
        .PowerMs = 2u * Bytes[5],
        .ThinkTime = UsbpShort(Bytes + 3) >> 5 & 3u,
    };
    return STATUS_SUCCESS;
}
