/* SPDX-License-Identifier: MIT */
/*
 * usb_mock.h - a USB host controller with virtual devices, which do as the test says, however wrong.
 *
 * The host holds its caller to usb.h: a port is reset before its device is added, endpoints are
 * opened before they are used, a halted one is reset before it is used again, nothing touches a
 * device that was removed.  Transfers complete at DISPATCH_LEVEL some time later, or in Submit.
 */
#ifndef TESTS_HOST_USB_MOCK_H
#define TESTS_HOST_USB_MOCK_H

#include "disk/driver/usb.h"

#define USB_MOCK_PORTS       8u
#define USB_MOCK_TRANSFERS   32u
#define USB_MOCK_DESCRIPTORS 512u
#define USB_MOCK_BYTES       0x10000u /* of a transfer */

typedef struct _USB_MOCK USB_MOCK;
typedef struct _USB_MOCK_DEVICE USB_MOCK_DEVICE;

/*
 * What a device does with a transfer; *Bytes: room or data, then what was moved.
 *
 * => STATUS_PENDING: nothing to say yet, or ever.  Else as USB_TRANSFER.Status.
 */
typedef NTSTATUS USB_MOCK_CONTROL(USB_MOCK_DEVICE *Device, const USB_SETUP *Setup, PUCHAR Data,
                                  PULONG Bytes);
typedef NTSTATUS USB_MOCK_TRANSFER(USB_MOCK_DEVICE *Device, UCHAR Endpoint, PUCHAR Data,
                                   PULONG Bytes);

struct _USB_MOCK_DEVICE {
    /* set by the test */
    USB_SPEED Speed;
    UCHAR DeviceDescriptor[18];
    ULONG DeviceBytes; /* of the descriptor, that it sends */
    UCHAR Configuration[USB_MOCK_DESCRIPTORS];
    ULONG ConfigurationBytes;
    USB_MOCK_CONTROL *Control; /* class requests */
    USB_MOCK_TRANSFER *Transfer;
    void (*Reset)(USB_MOCK_DEVICE *Device); /* of its port */
    ULONG RefuseAddress;                    /* so many AddDevice fail */

    /* found by the test */
    ULONG Resets;
    ULONG Added;
    ULONG Configured;   /* the value of SET_CONFIGURATION; 0: it is not */
    ULONG ClearedHalt;  /* CLEAR_FEATURE(ENDPOINT_HALT) */
    PUSB_DEVICE Device; /* the core's; NULL: not added */

    /* the host's */
    USB_MOCK *Mock;               /* NULL: not plugged in */
    USB_MOCK_DEVICE *Hub;         /* that it hangs on; NULL: the root */
    ULONG Port;                   /* of Hub or the root */
    USB_MOCK_DEVICE *Hanging[16]; /* on a hub, by port */
    BOOLEAN WasReset;
    ULONG ControlPacket;
    ULONG Open;       /* bit n: endpoint n to the device; 16 + n: to the host; bit 0 both */
    ULONG HostHalted; /* the same */
    ULONG Halted;     /* the same, the device's side */
};

typedef struct _USB_MOCK_SLOT {
    USB_MOCK *Mock;
    PUSB_TRANSFER Transfer; /* NULL: nothing, or nothing any more */
    BOOLEAN Armed;          /* an interrupt is on its way */
    BOOLEAN Waits;          /* the device had nothing to say */
    BOOLEAN Late;           /* the interrupt is the end of its time */
} USB_MOCK_SLOT;

struct _USB_MOCK {
    USB_HOST Host;

    /* set by the test */
    BOOLEAN Synchronous; /* transfers complete in Submit, where the device has an answer */
    ULONG64 DelayCycles; /* else so much later */
    /* Before each transfer is carried out; NULL: nobody interferes.  => As USB_MOCK_TRANSFER;
     * STATUS_SUCCESS: let it go on. */
    NTSTATUS (*Interfere)(USB_MOCK *Mock, USB_MOCK_DEVICE *Device, PUSB_TRANSFER Transfer);
    PVOID Context;
    ULONG FailReset; /* so many resets of root ports fail */

    /* found by the test */
    ULONG Submitted;
    ULONG Completed;
    ULONG Removed;
    ULONG HubPorts; /* of the last DescribeHub */

    /* its own */
    USB_MOCK_DEVICE *Ports[USB_MOCK_PORTS + 1];
    BOOLEAN Enabled[USB_MOCK_PORTS + 1];
    USB_MOCK_SLOT Slots[USB_MOCK_TRANSFERS];
    UCHAR Data[USB_MOCK_BYTES];
};

/* A host with nothing on it. */
void UsbMockCreate(USB_MOCK *Mock);

/* Into a port of the root, or of a hub (which tells, if it was started). */
void UsbMockPlug(USB_MOCK *Mock, ULONG Port, USB_MOCK_DEVICE *Device);
void UsbMockPlugHub(USB_MOCK_DEVICE *Hub, ULONG Port, USB_MOCK_DEVICE *Device);

/* Out of it, with everything behind it.  Transfers fail from now on. */
void UsbMockUnplug(USB_MOCK_DEVICE *Device);

/* The controller dies. */
void UsbMockDie(USB_MOCK *Mock);

/* The device has something to say now. */
void UsbMockPoke(USB_MOCK_DEVICE *Device);

/* A hub told that its port was reset or powered. */
void UsbMockHubReset(USB_MOCK_DEVICE *Hub, ULONG Port);

/* Everything that was submitted has completed, and nothing is left of removed devices. */
void UsbMockVerify(USB_MOCK *Mock);

#endif
