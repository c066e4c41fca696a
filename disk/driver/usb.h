/* SPDX-License-Identifier: MIT */
/*
 * usb.h - USB as its parts see each other: a host controller, devices on it, transfers.
 *
 * The host controller (xhci.c) moves data and knows ports, slots and endpoints; it knows no
 * descriptors.  The core (usb_core.c) enumerates: resets ports, reads descriptors, chooses a
 * configuration, walks hubs, and offers each interface to the class drivers (usb_storage.c,
 * usb_keyboard.c).  The core has one thread for each host; what a class driver does at
 * PASSIVE_LEVEL it does there, so that disk requests depend on no other thread.
 *
 * Source: Universal Serial Bus Specification 2.0, chapters 8 to 11; xHCI specification 1.2.
 *
 * (I) fixed after initialisation, (H) the host's lock, (T) only the host's thread.
 */
#ifndef DISK_DRIVER_USB_H
#define DISK_DRIVER_USB_H

#include "mm.h"
#include "nt/annotations.h"
#include "nt/list.h"
#include "nt/status.h"
#include "nt/types.h"

#define USB_HUB_TIERS 5u  /* hubs between the root and a device */
#define USB_ENDPOINTS 31u /* 0, and 15 in each direction */

/* As xHCI's default protocol speed IDs. */
typedef enum _USB_SPEED {
    UsbSpeedNone = 0,
    UsbSpeedFull = 1,
    UsbSpeedLow = 2,
    UsbSpeedHigh = 3,
    UsbSpeedSuper = 4
} USB_SPEED;

typedef enum _USB_ENDPOINT_TYPE {
    UsbControl = 0,
    UsbIsochronous = 1,
    UsbBulk = 2,
    UsbInterrupt = 3
} USB_ENDPOINT_TYPE;

/* One endpoint, as its descriptor (and the companion of SuperSpeed) says, checked by the core. */
typedef struct _USB_ENDPOINT {
    UCHAR Address; /* bit 7: to the host */
    UCHAR Type;    /* USB_ENDPOINT_TYPE */
    USHORT MaximumPacket;
    UCHAR Interval; /* bInterval, as it stands */
    UCHAR Burst;    /* SuperSpeed: bMaxBurst */
} USB_ENDPOINT;

/* The eight bytes that begin a control transfer. */
typedef struct NT_PACKED _USB_SETUP {
    UCHAR RequestType;
    UCHAR Request;
    USHORT Value;
    USHORT Index;
    USHORT Length;
} USB_SETUP;

_Static_assert(sizeof(USB_SETUP) == 8, "USB_SETUP is on the wire");

typedef struct _USB_HOST USB_HOST, *PUSB_HOST;
typedef struct _USB_DEVICE USB_DEVICE, *PUSB_DEVICE;
typedef struct _USB_TRANSFER USB_TRANSFER, *PUSB_TRANSFER;

/* => DISPATCH_LEVEL or below, without locks.  The transfer is the submitter's again. */
typedef void USB_COMPLETION(PUSB_TRANSFER Transfer);

struct _USB_TRANSFER {
    PUSB_DEVICE Device;
    UCHAR Endpoint;  /* its address; 0: the default control endpoint */
    USB_SETUP Setup; /* control only; bit 7 of RequestType is the direction */
    PMDL Mdl;        /* locked pages below 4 GB; NULL when Bytes is 0 */
    ULONG Offset;    /* of the data in what Mdl describes */
    ULONG Bytes;     /* at most 64 KB */
    ULONG LimitMs;   /* 0: may take for ever (an interrupt endpoint) */
    USB_COMPLETION *Completion;
    PVOID Context; /* the submitter's */
    /*
     * STATUS_SUCCESS                 Done bytes were moved; fewer than Bytes is no error
     * STATUS_DEVICE_PROTOCOL_ERROR   the endpoint stalled: ResetEndpoint, and clear its halt
     * STATUS_IO_DEVICE_ERROR         transaction error; the endpoint is halted as with a stall
     * STATUS_DATA_OVERRUN            the device sent more than Bytes; halted too
     * STATUS_IO_TIMEOUT              LimitMs went by; the endpoint was stopped
     * STATUS_CANCELLED               CancelEndpoint
     * STATUS_NO_SUCH_DEVICE          the device or the controller is gone
     * STATUS_INVALID_PARAMETER       no such endpoint, or more pieces than a ring takes
     */
    NTSTATUS Status;
    ULONG Done;
    LIST_ENTRY Link; /* the host's, as Private */
    ULONG_PTR Private[4];
};

struct _USB_DEVICE {
    PUSB_HOST Host;       /* (I) */
    PUSB_DEVICE Hub;      /* (I) that it hangs on; NULL: on the root */
    ULONG RootPort;       /* (I) 1-based port of the controller that leads to it */
    ULONG HubPort;        /* (I) 1-based port of Hub; 0 on the root */
    ULONG Tier;           /* (I) hubs before it */
    ULONG Route;          /* (I) xHCI route string: four bits a hub, nearest the root lowest */
    USB_SPEED Speed;      /* (I) */
    PUSB_DEVICE Splitter; /* (I) high-speed hub that translates for a slower device, or NULL */
    ULONG SplitterPort;   /* (I) its port towards the device */
    BOOLEAN Gone;         /* (H) was unplugged, or its controller failed */
    PVOID HostPart;       /* the host's: its slot; NULL before AddDevice */
    PVOID CorePart;       /* the core's and the class driver's */
};

typedef struct _USB_PORT_STATUS {
    BOOLEAN Connected;
    BOOLEAN Enabled;
    USB_SPEED Speed; /* once it is enabled */
} USB_PORT_STATUS;

/*
 * What a controller does.  => PASSIVE_LEVEL, on the host's thread or before it runs, where nothing
 * else is said; everything ends in bounded time.
 */
typedef struct _USB_HOST_OPERATIONS {
    NTSTATUS (*ReadPort)(PUSB_HOST Host, ULONG Port, USB_PORT_STATUS *Status);

    /* Reset the port (a warm reset where a SuperSpeed link hangs) and wait until it is enabled. */
    NTSTATUS (*ResetPort)(PUSB_HOST Host, ULONG Port);

    /*
     * Give the device a slot and an address; endpoint 0 works afterwards, with the smallest packet
     * of its speed (8, 64 or 512).
     * => The fields (I) are filled in, its port was reset.  On failure nothing is left of it.
     */
    NTSTATUS (*AddDevice)(PUSB_DEVICE Device);

    /* Endpoint 0 takes packets of so many bytes. */
    NTSTATUS (*SetControlPacket)(PUSB_DEVICE Device, ULONG MaximumPacket);

    /* The chosen configuration's endpoints work from now on.  => Before SET_CONFIGURATION. */
    NTSTATUS (*OpenEndpoints)(PUSB_DEVICE Device, const USB_ENDPOINT *Endpoints, ULONG Count);

    /* The device is a hub: ThinkTime as in wHubCharacteristics (0 to 3). */
    NTSTATUS (*DescribeHub)(PUSB_DEVICE Device, ULONG Ports, ULONG ThinkTime, BOOLEAN MultiTt);

    /* => IRQL <= DISPATCH_LEVEL.  Completion runs exactly once, perhaps before this returns. */
    void (*Submit)(PUSB_TRANSFER Transfer);

    /* Every transfer on the endpoint has completed when this returns; it is as after OpenEndpoints,
     * but for the device's own halt and toggle (CLEAR_FEATURE is the caller's). */
    NTSTATUS (*ResetEndpoint)(PUSB_DEVICE Device, UCHAR Endpoint);

    /* The device was unplugged: its transfers complete with STATUS_NO_SUCH_DEVICE, its slot is
     * free.  => Device->Gone is set. */
    void (*RemoveDevice)(PUSB_DEVICE Device);
} USB_HOST_OPERATIONS;

struct _USB_HOST {
    const char *Name;                      /* (I) "xhci0" */
    ULONG Ports;                           /* (I) of the root, 1 to 255 */
    const USB_HOST_OPERATIONS *Operations; /* (I) */
    BOOLEAN Gone;                          /* (H) the controller was taken away or died */
    PVOID CorePart;                        /* the core's */
};

/* ---- the core, as the host controller calls it ---- */

/*
 * A controller works: start its thread, enumerate what is plugged in, and wait until every port has
 * had its bounded time, so that a boot stick has become a disk when this returns.
 *
 * => PASSIVE_LEVEL.  Host stays as long as the machine runs.
 */
NT_MUST_CHECK NTSTATUS UsbStartHost(PUSB_HOST Host);

/* A root port changed, or (Port 0) the controller died.  => IRQL <= DISPATCH_LEVEL. */
void UsbPortChanged(PUSB_HOST Host, ULONG Port);

#endif
