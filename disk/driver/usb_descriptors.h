/* SPDX-License-Identifier: MIT */
/*
 * usb_descriptors.h - what devices say of themselves, as facts that were checked.
 *
 * Pure: bytes in, facts out.  The bytes are hostile: any length, any contents.
 */
#ifndef DISK_DRIVER_USB_DESCRIPTORS_H
#define DISK_DRIVER_USB_DESCRIPTORS_H

#include "disk/driver/usb.h"

#define USB_DEVICE_DESCRIPTOR_BYTES 18u
#define USB_CONFIGURATION_BYTES     9u  /* of its head, which says how long the whole is */
#define USB_INTERFACES              8u  /* of a configuration; the rest is not looked at */
#define USB_INTERFACE_ENDPOINTS     4u  /* of an interface; no driver needs more */
#define USB_HUB_PORTS               15u /* of a hub; what a route string can name */
#define USB_HUB_DESCRIPTOR_BYTES    7u  /* the part of it that is read */

/* bDescriptorType */
typedef enum _USB_DESCRIPTOR {
    UsbDeviceDescriptor = 1,
    UsbConfigurationDescriptor = 2,
    UsbInterfaceDescriptor = 4,
    UsbEndpointDescriptor = 5,
    UsbHubDescriptor = 0x29,
    UsbSuperHubDescriptor = 0x2A,
    UsbCompanionDescriptor = 0x30 /* behind an endpoint's, SuperSpeed */
} USB_DESCRIPTOR;

/* bInterfaceClass, as far as there are drivers */
typedef enum _USB_CLASS_CODE {
    UsbClassHid = 3,
    UsbClassStorage = 8,
    UsbClassHub = 9
} USB_CLASS_CODE;

typedef struct _USB_DEVICE_FACTS {
    USHORT Vendor;
    USHORT Product;
    UCHAR Class;
    UCHAR Configurations;
    ULONG ControlPacket; /* bytes */
} USB_DEVICE_FACTS;

/* An interface in its first setting, with the endpoints that are as they must be. */
typedef struct _USB_INTERFACE {
    UCHAR Number;
    UCHAR Class;
    UCHAR SubClass;
    UCHAR Protocol;
    ULONG EndpointCount;
    USB_ENDPOINT Endpoints[USB_INTERFACE_ENDPOINTS];
} USB_INTERFACE, *PUSB_INTERFACE;

typedef struct _USB_CONFIGURATION {
    UCHAR Value; /* for SET_CONFIGURATION */
    ULONG InterfaceCount;
    USB_INTERFACE Interfaces[USB_INTERFACES];
} USB_CONFIGURATION, *PUSB_CONFIGURATION;

typedef struct _USB_HUB_FACTS {
    ULONG Ports;     /* 1 to USB_HUB_PORTS */
    ULONG PowerMs;   /* from power to good power */
    ULONG ThinkTime; /* 0 to 3 */
} USB_HUB_FACTS;

/*
 * The first eight bytes of a device descriptor say how large packets of endpoint 0 are.
 *
 * => STATUS_DEVICE_PROTOCOL_ERROR: not such a descriptor, or no size that Speed allows.
 */
NT_MUST_CHECK NTSTATUS UsbParseControlPacket(const UCHAR *Bytes, ULONG Count, USB_SPEED Speed,
                                             PULONG MaximumPacket);

/* The whole of it.  => As above. */
NT_MUST_CHECK NTSTATUS UsbParseDevice(const UCHAR *Bytes, ULONG Count, USB_SPEED Speed,
                                      USB_DEVICE_FACTS *Facts);

/* => Returns wTotalLength; 0: this is not the head of a configuration. */
ULONG UsbConfigurationLength(const UCHAR *Bytes, ULONG Count);

/*
 * A configuration: interfaces in their first setting, each with its endpoints.
 *
 * An endpoint that Speed does not allow, or whose address was there before, is left out; so are
 * interfaces whose number was there before.  A descriptor that ends behind the last byte ends the
 * list.
 *
 * => STATUS_DEVICE_PROTOCOL_ERROR: it does not begin with a configuration's head.
 */
NT_MUST_CHECK NTSTATUS UsbParseConfiguration(const UCHAR *Bytes, ULONG Count, USB_SPEED Speed,
                                             PUSB_CONFIGURATION Configuration);

/* => STATUS_DEVICE_PROTOCOL_ERROR: not the descriptor of a hub of this speed, or no ports. */
NT_MUST_CHECK NTSTATUS UsbParseHub(const UCHAR *Bytes, ULONG Count, USB_SPEED Speed,
                                   USB_HUB_FACTS *Facts);

/* => Returns the first endpoint of the type and direction (0x80: to the host), or NULL. */
const USB_ENDPOINT *UsbFindEndpoint(const USB_INTERFACE *Interface, USB_ENDPOINT_TYPE Type,
                                    UCHAR Direction);

#endif
