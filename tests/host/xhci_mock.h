/* SPDX-License-Identifier: MIT */
/*
 * xhci_mock.h - an xHCI controller with USB devices, which do as the test says, however wrong.
 *
 *     static XHCI_MOCK Mock;
 *     static XHCI_MOCK_DEVICE Stick = {.Speed = UsbSpeedHigh, .Control = StickControl, ...};
 *
 *     XhciMockAttach(&Mock);
 *     XhciMockPlug(&Mock, 1, 0, &Stick);
 *     XhciAddDevice(XhciMockFunction, 0);         the driver; it calls UsbStartHost
 *
 * Root ports 1 to 4 are USB 2, 5 to 8 USB 3.  A device is a set of routines that answer transfers;
 * one behind a hub is plugged in with its route string, and the hub is a device as any other.  The
 * mock is written against the specification and not the driver: it fails the test when the driver
 * breaks a rule (register widths, order of halves, write-1-to-clear bits, contexts, TRBs).
 */
#ifndef TESTS_HOST_XHCI_MOCK_H
#define TESTS_HOST_XHCI_MOCK_H

#include "disk/driver/usb.h"
#include "pci.h"
#include "tests/host/device.h"

#define XHCI_MOCK_PORTS   8u
#define XHCI_MOCK_USB2    4u /* the first four */
#define XHCI_MOCK_SLOTS   16u
#define XHCI_MOCK_DEVICES 16u

static const HAL_PCI_FUNCTION XhciMockFunction = {0, 4, 0};

typedef struct _XHCI_MOCK XHCI_MOCK;
typedef struct _XHCI_MOCK_DEVICE XHCI_MOCK_DEVICE;

/* What a device's routines return instead of a number of bytes. */
#define XHCI_MOCK_NAK    (-1) /* not yet: asked again after XhciMockWake */
#define XHCI_MOCK_STALL  (-2)
#define XHCI_MOCK_ERROR  (-3) /* three transaction errors */
#define XHCI_MOCK_BABBLE (-4) /* it sent more than it was asked for */

struct _XHCI_MOCK_DEVICE {
    USB_SPEED Speed;

    /*
     * A control transfer; SET_ADDRESS is the controller's.  Data has Setup->Length bytes: what came
     * from the host, or room for what goes to it.  NULL: every request succeeds without data.
     * => Returns the bytes moved, or one of the above.
     */
    LONG (*Control)(XHCI_MOCK_DEVICE *Device, const USB_SETUP *Setup, PUCHAR Data);

    /* The same for a bulk or interrupt endpoint.  NULL: every transfer stalls. */
    LONG (*Transfer)(XHCI_MOCK_DEVICE *Device, UCHAR Endpoint, PUCHAR Data, ULONG Bytes);

    void *Context;       /* the test's */
    ULONG AddressErrors; /* so many Address Device commands fail with a transaction error */
    ULONG Slot;          /* found by the test: its slot; 0: none */
    ULONG ControlPacket; /* found by the test: of endpoint 0's context */
};

/* How the controller answers a command or a transfer. */
typedef enum _XHCI_MOCK_ANSWER {
    XhciMockAnswers,
    XhciMockSilent,       /* never; a command can be aborted */
    XhciMockDeaf,         /* never, and it cannot be aborted either */
    XhciMockTwice,        /* the event comes twice */
    XhciMockWrongPointer, /* the event points to another TRB, then the right one comes */
    XhciMockWildPointer,  /* ... somewhere else in memory ... */
    XhciMockWrongSlot,    /* ... to a slot that is not there ... */
    XhciMockWrongCycle,   /* an event is written that is not valid yet, then the right one comes */
    XhciMockTooLong,      /* counts more bytes than were asked for */
    XhciMockCode,         /* does nothing and says Code */
    XhciMockNoInterrupt   /* right, but it does not interrupt */
} XHCI_MOCK_ANSWER;

typedef struct _XHCI_MOCK_ENDPOINT {
    BOOLEAN There;
    BOOLEAN Rung;
    ULONG State; /* as in the context: 1 runs, 2 halted, 3 stopped */
    ULONG Type;
    ULONG Packet;
    ULONG Interval;
    ULONG Burst;
    ULONG Resets; /* of its toggle: Configure Endpoint, Reset Endpoint */
    ULONG64 Dequeue;
    ULONG Cycle;
} XHCI_MOCK_ENDPOINT;

typedef struct _XHCI_MOCK_SLOT {
    ULONG State; /* 0 disabled, 1 enabled, 2 default, 3 addressed, 4 configured */
    XHCI_MOCK_DEVICE *Device;
    ULONG64 Output;
    ULONG Words[4]; /* of the last slot context that the driver gave */
    XHCI_MOCK_ENDPOINT Endpoints[32];
} XHCI_MOCK_SLOT;

struct _XHCI_MOCK {
    PCI_MOCK *Pci;

    /* set by the test, before the driver looks */
    ULONG Scratchpads;
    ULONG ContextBytes; /* 32 or 64 */
    ULONG Version;
    BOOLEAN HasFirmware; /* a legacy capability: the firmware owns it */
    BOOLEAN FirmwareYields;
    BOOLEAN PowerSwitched;
    BOOLEAN SpeedTables; /* its protocols say what their speeds mean */
    ULONG SlotsOffered;

    /* set by the test, at any time */
    BOOLEAN NeverHalts;
    BOOLEAN NeverResets; /* the reset does not end */
    BOOLEAN NeverReady;
    BOOLEAN NeverRuns;
    ULONG NoResetPorts;  /* bit n: port n's resets do not end */
    ULONG WarmPorts;     /* bit n: port n hangs until a warm reset */
    ULONG DisabledPorts; /* bit n: port n's reset ends with a port that is not enabled */
    ULONG CommandType;   /* of the commands that are answered as CommandAnswer says; 0: all */
    XHCI_MOCK_ANSWER CommandAnswer;
    ULONG CommandMisbehaves; /* so many, then it answers as it should */
    ULONG CommandSlot;       /* not 0: the slot that Enable Slot names */
    XHCI_MOCK_ANSWER TransferAnswer;
    ULONG TransferMisbehaves;
    ULONG Code; /* for XhciMockCode */
    ULONG64 DelayCycles;

    /* found by the test */
    ULONG Commands[64]; /* by type */
    ULONG Transfers;
    ULONG Controls;
    ULONG MostAtOnce; /* transfers on one endpoint that were there when it looked */
    ULONG Resets;
    ULONG PortResets;
    ULONG WarmResets;
    ULONG Interrupts;
    ULONG SystemOwns; /* the byte by which the driver claims the controller */
    ULONG LegacyControl;
    ULONG Claimed; /* when, in steps that all controllers share, it was claimed, ... */
    ULONG Used;    /* ... and when one of its operational registers was used first */
    ULONG64 ScratchpadTable;

    /* its own */
    ULONG Command, Status;
    ULONG PortStatus[XHCI_MOCK_PORTS];
    ULONG64 CommandRing, Contexts, SegmentTable, Dequeue;
    ULONG CommandCycle, Configure, Interrupter, Segments, Moderation;
    ULONG Half;       /* the low half that was written */
    ULONG HalfOffset; /* of the register whose high half must follow; 0: none */
    BOOLEAN CommandRung, CommandRuns, CommandStuck, Working;
    ULONG64 EventRing;
    ULONG EventCount, EventIndex, EventCycle;
    XHCI_MOCK_SLOT Slots[XHCI_MOCK_SLOTS + 1];
    struct {
        ULONG Port;
        ULONG Route;
        XHCI_MOCK_DEVICE *Device; /* NULL: free */
    } Places[XHCI_MOCK_DEVICES];
};

/* => DeviceReset() was called.  What the test sets can be changed before the driver looks. */
void XhciMockAttach(XHCI_MOCK *Mock);

/* The same for a second controller, at another function. */
void XhciMockAttachAt(XHCI_MOCK *Mock, ULONG Device);

/* Plug a device in, or out.  Route 0: it is on the root port itself, which says so. */
void XhciMockPlug(XHCI_MOCK *Mock, ULONG Port, ULONG Route, XHCI_MOCK_DEVICE *Device);
void XhciMockUnplug(XHCI_MOCK *Mock, XHCI_MOCK_DEVICE *Device);

/* Devices that said XHCI_MOCK_NAK are asked again. */
void XhciMockWake(XHCI_MOCK *Mock);

/* Somebody pulls the controller out. */
void XhciMockRemove(XHCI_MOCK *Mock);

/* It sets bits of its status (1 halted, 4 system error, 0x1000 internal error) and interrupts. */
void XhciMockBreak(XHCI_MOCK *Mock, ULONG Status);

/* Bits of a port's register change; it says so. */
void XhciMockChangePort(XHCI_MOCK *Mock, ULONG Port, ULONG Clear, ULONG Set);

/*
 * Write an event, whatever it says, and interrupt.  Trb's cycle bit is set right.
 * => Returns FALSE when the event ring is full, or the controller does not run.
 */
BOOLEAN XhciMockEvent(XHCI_MOCK *Mock, const ULONG Trb[4]);

/* Where the n-th TRB (0: the next one) behind the controller's place on a ring is. */
ULONG64 XhciMockRingPlace(const XHCI_MOCK *Mock, ULONG Slot, ULONG Endpoint, ULONG Nth);

/* ---- shared by the mock's files ---- */

#define XHCI_MOCK_SUCCESS 1u
#define XHCI_MOCK_SHORT   13u

void XhciMockpEvent(XHCI_MOCK *Mock, const ULONG Trb[4], BOOLEAN Valid, BOOLEAN Interrupt);
void XhciMockpSchedule(XHCI_MOCK *Mock);
void XhciMockpCommands(XHCI_MOCK *Mock);
void XhciMockpTransfers(XHCI_MOCK *Mock);
XHCI_MOCK_DEVICE *XhciMockpFind(const XHCI_MOCK *Mock, ULONG Port, ULONG Route);
void XhciMockpReadTrb(const XHCI_MOCK *Mock, ULONG64 Physical, ULONG Trb[4]);
void XhciMockpSetState(XHCI_MOCK *Mock, ULONG Slot, ULONG Endpoint, ULONG State);
void XhciMockpStop(XHCI_MOCK *Mock, ULONG Slot, ULONG Endpoint);

#endif
