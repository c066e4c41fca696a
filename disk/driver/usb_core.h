/* SPDX-License-Identifier: MIT */
/*
 * usb_core.h - what the core and the class drivers share: buses, devices, functions, work.
 *
 * A bus is a host controller with its thread and its devices.  A function is an interface of a
 * device that a class driver has.  Everything here runs on the bus's thread, where nothing else is
 * said.
 *
 * (B) the bus's Lock, (I) fixed after initialisation, (T) only the bus's thread.
 */
#ifndef DISK_DRIVER_USB_CORE_H
#define DISK_DRIVER_USB_CORE_H

#include "disk/driver/usb_descriptors.h"
#include "ke.h"
#include "spinlock.h"

#define USB_TAG          0x20627355u /* 'Usb ' */
#define USB_FUNCTIONS    4u          /* of a device, with drivers */
#define USB_ROOT_PORTS   255u
#define USB_BUFFER_BYTES PAGE_SIZE /* what a control transfer can move */
#define USB_CONTROL_MS   1000u
#define USB_STABLE_MS    100u /* USB 2.0, 7.1.7.3: a connection bounces no longer */
#define USB_RECOVERY_MS  10u  /* 7.1.7.5: what a device needs after a reset */
#define USB_PLACE_BYTES  40u  /* "xhci0 port 15.15.15.15.15.15" */
#define USB_100NS_IN_MS  10000
#define USB_TO_HOST      0x80u /* in addresses and request types */

typedef struct _USB_BUS USB_BUS, *PUSB_BUS;
typedef struct _USB_FUNCTION USB_FUNCTION, *PUSB_FUNCTION;

/* ---- work for the bus's thread ---- */

typedef struct _USB_WORK {
    LIST_ENTRY Link; /* (B) */
    BOOLEAN Queued;  /* (B) */
    void (*Routine)(struct _USB_WORK *Work);
} USB_WORK, *PUSB_WORK;

/* Run Work->Routine on the bus's thread, once however often.  => IRQL <= DISPATCH_LEVEL. */
void UsbQueueWork(PUSB_HOST Host, PUSB_WORK Work);

/* It does not run any more.  => Not from Work itself. */
void UsbCancelWork(PUSB_HOST Host, PUSB_WORK Work);

/* ---- class drivers ---- */

typedef struct _USB_CLASS {
    const char *Name;
    UCHAR Class;
    UCHAR SubClass;
    BOOLEAN AnyProtocol;
    UCHAR Protocol;

    /* => The device is configured.  On failure nothing is left. */
    NTSTATUS (*Start)(PUSB_FUNCTION Function);

    /* The device is gone: submit nothing any more. */
    void (*Unplug)(PUSB_FUNCTION Function);

    /* All its transfers have ended: free Context.  => After Unplug. */
    void (*Delete)(PUSB_FUNCTION Function);
} USB_CLASS;

extern const USB_CLASS UsbHubClass;
extern const USB_CLASS UsbStorageClass;
extern const USB_CLASS UsbKeyboardClass;

struct _USB_FUNCTION {
    PUSB_DEVICE Device;      /* (I) */
    USB_INTERFACE Interface; /* (I) */
    const USB_CLASS *Class;  /* (I) */
    PVOID Context;           /* the class driver's */
};

/* ---- devices ---- */

typedef struct _USB_NODE {
    USB_DEVICE Device;
    LIST_ENTRY Link;        /* (T) among the bus's devices, hubs before what hangs on them */
    USB_DEVICE_FACTS Facts; /* (I) */
    ULONG FailedPorts;      /* (T) a hub's; bit n: port n is left alone until it is empty */
    ULONG FunctionCount;    /* (T) */
    USB_FUNCTION Functions[USB_FUNCTIONS];
} USB_NODE, *PUSB_NODE;

#define USB_NODE_OF(D) CONTAINING_RECORD(D, USB_NODE, Device)

/* How a device's port is reset: the root's, or a hub's. */
typedef struct _USB_PORT {
    PUSB_HOST Host;
    PUSB_DEVICE Hub; /* NULL: the root's */
    ULONG Number;
} USB_PORT;

/* ---- ports and devices: usb_enumerate.c ---- */

/* => STATUS_SUCCESS, or why the port cannot be read; Status->Speed as in USB_PORT_STATUS. */
NT_MUST_CHECK NTSTATUS UsbReadPort(const USB_PORT *Port, USB_PORT_STATUS *Status);

/* A port may have another device than before, one at last, or none: find out, and act. */
void UsbServicePort(const USB_PORT *Port);

/* => Returns whether there is a device on the port that was not looked at yet. */
BOOLEAN UsbIsPortNew(const USB_PORT *Port);

/* The device and all behind it are gone. */
void UsbRemoveDevice(PUSB_NODE Node);
void UsbRemoveAllDevices(PUSB_BUS Bus);

/* => FALSE: its port says that it is not there any more, or cannot be asked. */
BOOLEAN UsbIsConnected(PUSB_DEVICE Device);

/* "xhci0 port 2.1", for messages. */
const char *UsbPortName(const USB_PORT *Port, char Text[USB_PLACE_BYTES]);
const char *UsbDeviceName(PUSB_DEVICE Device, char Text[USB_PLACE_BYTES]);

/* ---- a hub's ports: usb_hub.c ---- */
NT_MUST_CHECK NTSTATUS UsbHubReadPort(PUSB_DEVICE Hub, ULONG Port, USB_PORT_STATUS *Status);
NT_MUST_CHECK NTSTATUS UsbHubResetPort(PUSB_DEVICE Hub, ULONG Port);

/* ---- transfers and their buffers: usb_transfer.c ---- */

/*
 * One control transfer.  Buffer may be any nonpaged memory; at most USB_BUFFER_BYTES.
 *
 * => Status as USB_TRANSFER.Status; endpoint 0 works again.  *Done (may be NULL): bytes moved, not
 *    more than Setup.Length.
 */
NT_MUST_CHECK NTSTATUS UsbControlTransfer(PUSB_DEVICE Device, USB_SETUP Setup, PVOID Buffer,
                                          PULONG Done);

/* The same without data. */
NT_MUST_CHECK NTSTATUS UsbControlRequest(PUSB_DEVICE Device, UCHAR RequestType, UCHAR Request,
                                         ULONG Value, ULONG Index);

/* After a stall or an error: the host's side of the endpoint and the device's start again. */
NT_MUST_CHECK NTSTATUS UsbClearHalt(PUSB_DEVICE Device, UCHAR Endpoint);

/* => PASSIVE_LEVEL. */
void UsbSleep(ULONG Milliseconds);

/* Nonpaged memory below 4 GB, one page, with its MDL. */
typedef struct _USB_BUFFER {
    PUCHAR Memory; /* NULL: none */
    struct {
        MDL Mdl;
        PFN_NUMBER Frame;
    } Pages;
} USB_BUFFER, *PUSB_BUFFER;

/* => Returns FALSE when there is no memory.  The contents are zero. */
NT_MUST_CHECK BOOLEAN UsbAllocateBuffer(PUSB_BUFFER Buffer);
void UsbFreeBuffer(PUSB_BUFFER Buffer);

/* ---- the bus: usb_core.c ---- */

#define USB_PORT_WORDS ((USB_ROOT_PORTS + 32) / 32)

struct _USB_BUS {
    PUSB_HOST Host; /* (I) */
    KSPIN_LOCK Lock;
    LIST_ENTRY Work;               /* (B) of USB_WORK.Link */
    ULONG Changed[USB_PORT_WORDS]; /* (B) bit n: root port n; 0: the controller died */
    ULONG Failed[USB_PORT_WORDS];  /* (T) bit n: root port n is left alone until it is empty */
    KEVENT Wake;                   /* there is something to do */
    KEVENT Settled;                /* what was plugged in at the start was looked at */
    ULONG64 Started;               /* (I) interrupt time */
    LIST_ENTRY Devices;            /* (T) of USB_NODE.Link */
    PUCHAR Descriptors;            /* (T) USB_BUFFER_BYTES: a configuration that is looked at */
    USB_BUFFER Buffer;             /* (T) of control transfers */
    USB_TRANSFER Transfer;         /* (T) the same */
    KEVENT Done;                   /* (T) the same */
};

#define USB_BUS_OF(H) ((PUSB_BUS)(H)->CorePart)

#endif
