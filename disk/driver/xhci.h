/* SPDX-License-Identifier: MIT */
/*
 * xhci.h - an xHCI controller: its registers, what it shares with memory, and its parts.
 *
 * Source: eXtensible Host Controller Interface for Universal Serial Bus, revision 1.2; the numbers
 * in comments are its sections and tables.
 *
 * (C) Controller->Lock, (I) fixed after the controller started, (T) only the host's thread.
 */
#ifndef DISK_DRIVER_XHCI_H
#define DISK_DRIVER_XHCI_H

#include "disk/driver/drivers.h"
#include "disk/driver/usb.h"
#include "ke.h"
#include "spinlock.h"

#define XHCI_TAG 0x69636878u /* 'xhci' */

/* ---- registers: capability (5.3) ---- */

enum {
    XhciCapLength = 0x00, /* low byte; the high half is the version, in BCD */
    XhciStructural1 = 0x04,
    XhciStructural2 = 0x08,
    XhciCapability1 = 0x10,
    XhciDoorbellOffset = 0x14,
    XhciRuntimeOffset = 0x18,
    XhciCapabilityBytes = 0x20
};

#define XHCI_CAPABILITY_CSZ      0x00000004u /* contexts of 64 bytes */
#define XHCI_CAPABILITY_PPC      0x00000008u /* ports' power is switched */
#define XHCI_CAPABILITY_EXTENDED 16          /* shift: in units of 4 bytes */

/* Extended capabilities (7). */
#define XHCI_EXTENDED_LEGACY   1u
#define XHCI_EXTENDED_PROTOCOL 2u

/* ---- registers: operational (5.4) ---- */

enum {
    XhciCommand = 0x00,
    XhciStatus = 0x04,
    XhciPageSize = 0x08,
    XhciCommandRing = 0x18, /* 64 bits, as the next */
    XhciContexts = 0x30,
    XhciConfigure = 0x38,
    XhciPorts = 0x400,
    XhciPortBytes = 0x10
};

#define XHCI_COMMAND_RUN       0x00000001u
#define XHCI_COMMAND_RESET     0x00000002u
#define XHCI_COMMAND_INTERRUPT 0x00000004u
#define XHCI_COMMAND_ERRORS    0x00000008u /* report host system errors */

#define XHCI_STATUS_HALTED     0x00000001u
#define XHCI_STATUS_SYSTEM     0x00000004u /* host system error; written ones clear, as the next */
#define XHCI_STATUS_EVENT      0x00000008u
#define XHCI_STATUS_NOT_READY  0x00000800u
#define XHCI_STATUS_ERROR      0x00001000u /* internal error */

#define XHCI_RING_CYCLE        0x00000001u /* XhciCommandRing */
#define XHCI_RING_ABORT        0x00000004u
#define XHCI_RING_RUNNING      0x00000008u

/* A port (5.4.8). */
#define XHCI_PORT_CONNECTED   0x00000001u
#define XHCI_PORT_ENABLED     0x00000002u /* a written one disables the port */
#define XHCI_PORT_RESET       0x00000010u
#define XHCI_PORT_LINK_SHIFT  5
#define XHCI_PORT_LINK_MASK   0xFu
#define XHCI_PORT_POWER       0x00000200u
#define XHCI_PORT_SPEED_SHIFT 10
#define XHCI_PORT_SPEED_MASK  0xFu
#define XHCI_PORT_CHANGE_CSC  0x00020000u /* these seven: written ones clear */
#define XHCI_PORT_CHANGE_PEC  0x00040000u
#define XHCI_PORT_CHANGE_WRC  0x00080000u
#define XHCI_PORT_CHANGE_OCC  0x00100000u
#define XHCI_PORT_CHANGE_PRC  0x00200000u
#define XHCI_PORT_CHANGE_PLC  0x00400000u
#define XHCI_PORT_CHANGE_CEC  0x00800000u
#define XHCI_PORT_CHANGES     0x00FE0000u
#define XHCI_PORT_KEEP        0x0E00C200u /* written as read: power, indicator, wake-up */
#define XHCI_PORT_WARM_RESET  0x80000000u

#define XHCI_LINK_INACTIVE    6u
#define XHCI_LINK_POLLING     7u
#define XHCI_LINK_COMPLIANCE  10u

/* ---- registers: runtime (5.5), of interrupter 0 ---- */

enum {
    XhciInterrupter = 0x20,
    XhciModeration = 0x24,
    XhciSegments = 0x28,
    XhciSegmentTable = 0x30, /* 64 bits, as the next */
    XhciDequeue = 0x38,
    XhciRuntimeBytes = 0x40
};

#define XHCI_INTERRUPTER_PENDING 0x1u /* a written one clears */
#define XHCI_INTERRUPTER_ENABLE  0x2u
#define XHCI_DEQUEUE_BUSY        0x8u /* a written one clears */

/* ---- transfer request blocks (6.4) ---- */

typedef struct _XHCI_TRB {
    ULONG Low; /* a pointer, or data of the block's own */
    ULONG High;
    ULONG Status;
    ULONG Control;
} XHCI_TRB, *PXHCI_TRB;

NT_C_ASSERT(sizeof(XHCI_TRB) == 16);

#define XHCI_TRB_CYCLE       0x00000001u
#define XHCI_TRB_TOGGLE      0x00000002u /* link: the cycle changes */
#define XHCI_TRB_NEXT        0x00000002u /* transfer: evaluate the next one before anything else */
#define XHCI_TRB_EVENT_DATA  0x00000004u /* event: Low is from an event data TRB */
#define XHCI_TRB_CHAIN       0x00000010u
#define XHCI_TRB_INTERRUPT   0x00000020u /* on completion */
#define XHCI_TRB_IMMEDIATE   0x00000040u
#define XHCI_TRB_NO_ADDRESS  0x00000200u /* address device: do not send SET_ADDRESS */
#define XHCI_TRB_IN          0x00010000u /* data and status stage */
#define XHCI_TRB_SETUP_SHIFT 16          /* setup stage: 0 no data, 2 out, 3 in */
#define XHCI_TRB_TYPE_SHIFT  10
#define XHCI_TRB_TYPE_MASK   0x3Fu
#define XHCI_TRB_SLOT_SHIFT  24
#define XHCI_TRB_INDEX_SHIFT 16 /* of the endpoint, 1 to 31 */
#define XHCI_TRB_CODE_SHIFT  24 /* in Status of an event */
#define XHCI_TRB_BYTES_MASK  0x00FFFFFFu
#define XHCI_TRB_LEFT_SHIFT  17 /* in Status of a transfer: packets still to come */
#define XHCI_TRB_LEFT_MOST   31u

enum {
    XhciTrbNormal = 1,
    XhciTrbSetup = 2,
    XhciTrbData = 3,
    XhciTrbStatus = 4,
    XhciTrbLink = 6,
    XhciTrbEventData = 7,
    XhciTrbEnableSlot = 9,
    XhciTrbDisableSlot = 10,
    XhciTrbAddressDevice = 11,
    XhciTrbConfigureEndpoint = 12,
    XhciTrbEvaluateContext = 13,
    XhciTrbResetEndpoint = 14,
    XhciTrbStopEndpoint = 15,
    XhciTrbSetDequeue = 16,
    XhciTrbTransferEvent = 32,
    XhciTrbCommandEvent = 33,
    XhciTrbPortEvent = 34
};

/* Completion codes (table 6-90), and one of the driver's. */
enum {
    XhciCodeInvalid = 0,
    XhciCodeSuccess = 1,
    XhciCodeBabble = 3,
    XhciCodeTransaction = 4,
    XhciCodeStall = 6,
    XhciCodeResource = 7,
    XhciCodeBandwidth = 8,
    XhciCodeNoSlots = 9,
    XhciCodeSlotNotEnabled = 11,
    XhciCodeShortPacket = 13,
    XhciCodeContextState = 19,
    XhciCodeRingStopped = 24,
    XhciCodeAborted = 25,
    XhciCodeStopped = 26,
    XhciCodeStoppedShort = 28,
    XhciCodeGone = 256 /* the controller died first */
};

/* ---- rings (4.9) ---- */

#define XHCI_RING_TRBS (PAGE_SIZE / sizeof(XHCI_TRB)) /* of which the last one links to the first */

/* A ring that the controller reads. */
typedef struct _XHCI_RING {
    volatile XHCI_TRB *Trbs; /* (I) one page */
    ULONG Physical;          /* (I) */
    ULONG Enqueue;           /* (C) the next one to be written */
    ULONG Cycle;             /* (C) 0 or 1: of what is written next */
    ULONG Used;              /* (C) written and not yet given back by XhciFreeTrbs */
    ULONG First;             /* (C) of the chain that is being written */
    BOOLEAN Writing;         /* (C) such a chain is there; its first TRB is not valid yet */
} XHCI_RING, *PXHCI_RING;

/* ---- contexts (6.2) ---- */

#define XHCI_CONTEXTS       32u /* the slot's, and one for each endpoint */
#define XHCI_ADD_SLOT       1u
#define XHCI_CONTEXT_ULONGS 5u /* of a context that are used */

/* A slot context's words. */
#define XHCI_SLOT_SPEED_SHIFT   20
#define XHCI_SLOT_MULTI_TT      0x02000000u
#define XHCI_SLOT_HUB           0x04000000u
#define XHCI_SLOT_ENTRIES_SHIFT 27
#define XHCI_SLOT_PORT_SHIFT    16 /* word 1 */
#define XHCI_SLOT_PORTS_SHIFT   24
#define XHCI_SLOT_TT_PORT_SHIFT 8 /* word 2, as the next */
#define XHCI_SLOT_THINK_SHIFT   16

/* An endpoint context's words. */
#define XHCI_ENDPOINT_STATE_MASK     0x7u
#define XHCI_ENDPOINT_HALTED         2u
#define XHCI_ENDPOINT_INTERVAL_SHIFT 16
#define XHCI_ENDPOINT_TRIES          0x6u /* word 1: three errors end a transaction */
#define XHCI_ENDPOINT_TYPE_SHIFT     3
#define XHCI_ENDPOINT_CONTROL        4u
#define XHCI_ENDPOINT_BURST_SHIFT    8
#define XHCI_ENDPOINT_PACKET_SHIFT   16
#define XHCI_ENDPOINT_PAYLOAD_SHIFT  16 /* word 4 */

/* ---- the driver's ---- */

#define XHCI_SLOTS 255u
#define XHCI_PORTS 255u
/*
 * What the controller reads and writes, but for rings, contexts and scratchpads: the addresses of
 * the output contexts by slot (6.1), the event ring's only segment (6.5), the event ring.
 */
#define XHCI_MEMORY_SEGMENT 0x800u
#define XHCI_MEMORY_EVENTS  PAGE_SIZE
#define XHCI_MEMORY_BYTES   (2 * PAGE_SIZE)

#define XHCI_COMMAND_MS     5000u /* that a command may take, and that its abortion may (4.6.1.2) */
#define XHCI_TICK_MS        100u  /* how often time limits are looked at */

typedef struct _XHCI_CONTROLLER XHCI_CONTROLLER, *PXHCI_CONTROLLER;
typedef struct _XHCI_COMMAND XHCI_COMMAND, *PXHCI_COMMAND;
typedef struct _XHCI_SLOT XHCI_SLOT, *PXHCI_SLOT;

/* => The lock is held; the command is its owner's again. */
typedef void XHCI_COMMAND_DONE(PXHCI_CONTROLLER Controller, PXHCI_COMMAND Command);

struct _XHCI_COMMAND {
    LIST_ENTRY Link; /* (C) */
    XHCI_TRB Trb;    /* without cycle */
    XHCI_COMMAND_DONE *Done;
    ULONG Code;    /* how it ended */
    ULONG Slot;    /* of the event */
    KEVENT Waiter; /* XhciExecute's */
};

/* As the driver sees it; the controller's own state is in the output context. */
typedef enum _XHCI_ENDPOINT_STATE {
    XhciEndpointRuns,
    XhciEndpointStops, /* Command is on its way; what is submitted fails */
    XhciEndpointFailed /* until ResetEndpoint; what is submitted fails */
} XHCI_ENDPOINT_STATE;

typedef struct _XHCI_ENDPOINT {
    PXHCI_SLOT Slot;          /* (I) */
    ULONG Index;              /* (I) 1 to 31, as the controller counts them (4.5.1) */
    USB_ENDPOINT Description; /* (T) */
    XHCI_RING Ring;
    XHCI_ENDPOINT_STATE State; /* (C) */
    BOOLEAN Broken;            /* (C) it cannot go on as it is: ResetEndpoint is needed */
    LIST_ENTRY Transfers;      /* (C) of USB_TRANSFER.Link: on the ring, oldest first */
    LIST_ENTRY Waiting;        /* (C) of USB_TRANSFER.Link: the ring had no room */
    XHCI_COMMAND Command;      /* (C) that stops it when a transfer is late */
} XHCI_ENDPOINT, *PXHCI_ENDPOINT;

struct _XHCI_SLOT {
    PXHCI_CONTROLLER Controller; /* (I) */
    PUSB_DEVICE Device;          /* (I) */
    ULONG Number;                /* (I) 1 to XHCI_SLOTS */
    PUCHAR Contexts;             /* (I) a page of output contexts, one of input contexts */
    ULONG Physical;              /* (I) of Contexts */
    PXHCI_ENDPOINT Endpoints[XHCI_CONTEXTS]; /* (C) by index; NULL: there is no such */
    ULONG Speed;                             /* (I) as the controller calls it */
    ULONG HubPorts;                          /* (T) 0: not a hub */
    ULONG ThinkTime;                         /* (T) */
    BOOLEAN MultiTt;                         /* (T) a hub with a translator for each port */
    BOOLEAN Disabled;                        /* (C) the controller does not know it (any more) */
};

typedef struct _XHCI_PORT {
    UCHAR Major;            /* (I) of USB: 2 or 3; 0: no protocol was told */
    UCHAR SlotType;         /* (I) for Enable Slot */
    UCHAR SpeedCount;       /* (I) of the protocol's speeds; 0: the default ones */
    ULONG SpeedTable;       /* (I) offset of the first */
    BOOLEAN Resetting;      /* (C) nobody is told of changes */
    volatile ULONG Changes; /* (C) that were cleared in the register since the reset began */
} XHCI_PORT, *PXHCI_PORT;

struct _XHCI_CONTROLLER {
    USB_HOST Host;
    HAL_PCI_FUNCTION F;           /* (I) */
    PCI_MESSAGE Message;          /* (I) */
    volatile UCHAR *Registers;    /* (I) mapped; the capability registers */
    ULONG Bytes;                  /* (I) that are mapped */
    volatile UCHAR *Operational;  /* (I) */
    volatile UCHAR *Runtime;      /* (I) */
    volatile UCHAR *Doorbells;    /* (I) */
    char Name[DRIVER_NAME_BYTES]; /* (I) */
    ULONG Version;                /* (I) 0x0100: 1.0 */
    ULONG Slots;                  /* (I) that it has */
    ULONG ContextBytes;           /* (I) 32 or 64 */
    XHCI_PORT Ports[XHCI_PORTS];  /* port n is [n - 1] */
    PUCHAR Memory;                /* (I) XHCI_MEMORY_BYTES */
    ULONG Physical;               /* (I) of Memory */
    PMDL Scratchpads;             /* (I) NULL: it wants none */
    PUCHAR ScratchpadTable;       /* (I) */
    volatile XHCI_TRB *Events;    /* (I) one page */
    ULONG EventIndex;             /* (C) the next one to be looked at */
    ULONG EventCycle;             /* (C) 0 or 1: that it has when it is there */
    XHCI_RING CommandRing;
    KSPIN_LOCK Lock;
    LIST_ENTRY Commands; /* (C) of XHCI_COMMAND.Link; the first one is on the ring */
    ULONG CommandIndex;  /* (C) where it is */
    ULONG CommandDue;    /* (C) in ms: when it is late */
    BOOLEAN Aborting;    /* (C) it was late */
    LIST_ENTRY Finished; /* (C) of USB_TRANSFER.Link: completion routines to be run */
    ULONG Notices[XHCI_PORTS / 32 + 1]; /* (C) ports that the core is to be told of; 0: dead */
    BOOLEAN Announced;                  /* (C) the core knows of the controller */
    BOOLEAN Ticking;                    /* (C) the timer is set */
    KTIMER Timer;
    KDPC TimerDpc;
    KDPC InterruptDpc;
    PXHCI_SLOT SlotTable[XHCI_SLOTS + 1]; /* (C) by number; NULL: free */
    ULONG Transfers;                      /* (C) on rings */
    ULONG Violations;                     /* (C) answers that broke the rules */
    ULONG Interrupts;                     /* (C) several may have come as one */
};

/*
 * Bring the controller F up; it runs, and nobody has looked at its ports.
 *
 * => PASSIVE_LEVEL, after XhciTakeFromFirmware.  On failure F has no driver and accesses no memory.
 * => STATUS_NOT_SUPPORTED: its figures make no sense.  STATUS_IO_TIMEOUT: it does not halt, reset
 *    or run in bounded time.
 */
NT_MUST_CHECK NTSTATUS XhciCreateController(HAL_PCI_FUNCTION F, ULONG Number,
                                            PXHCI_CONTROLLER *Controller);

/* => PASSIVE_LEVEL; it has no devices, and the core does not know it. */
void XhciDeleteController(PXHCI_CONTROLLER Controller);

/* ---- registers ---- */

/* => Any IRQL.  Offset is a multiple of 4. */
ULONG XhciRead(volatile UCHAR *Base, ULONG Offset);
void XhciWrite(volatile UCHAR *Base, ULONG Offset, ULONG Value);

/* A register of 64 bits, the low half first.  => Value is below 4 GB, as all our memory. */
void XhciWriteLong(volatile UCHAR *Base, ULONG Offset, ULONG Value);

/*
 * The n-th capability (0: the first) with Id in the list of extended ones.
 *
 * => Returns its offset; 0: there is none, or the list leaves the registers.
 */
ULONG XhciFindExtended(const XHCI_CONTROLLER *Controller, ULONG Id, ULONG Nth);

/* Memory for the controller: zeroed, below 4 GB, whole pages.  => NULL: none. */
PVOID XhciAllocate(ULONG Bytes, PULONG Physical);

/* Milliseconds since the start, modulo 2^32.  => Any IRQL. */
ULONG XhciNow(void);

/* Has Due come?  => They are less than 24 days apart. */
static inline BOOLEAN XhciIsLate(ULONG Due)
{
    return (LONG)(XhciNow() - Due) >= 0;
}

/* ---- rings: xhci_ring.c ---- */

NT_MUST_CHECK NTSTATUS XhciCreateRing(PXHCI_RING Ring);
void XhciDeleteRing(PXHCI_RING Ring);

/* Empty, as new.  => The controller does not use it. */
void XhciResetRing(PXHCI_RING Ring);

/* How many TRBs can be written. */
ULONG XhciRoom(const XHCI_RING *Ring);

/*
 * Write one more TRB of a chain, and show the chain to the controller.
 *
 * => There is room.  Returns where the TRB is.
 */
ULONG XhciPut(PXHCI_RING Ring, const XHCI_TRB *Trb);
void XhciCommit(PXHCI_RING Ring);

/* The oldest Count TRBs are not used any more. */
void XhciFreeTrbs(PXHCI_RING Ring, ULONG Count);

static inline ULONG XhciTrbPhysical(const XHCI_RING *Ring, ULONG Index)
{
    return Ring->Physical + Index * (ULONG)sizeof(XHCI_TRB);
}

/* => FALSE: the pointer is not to a TRB of this ring. */
BOOLEAN XhciFindTrb(const XHCI_RING *Ring, const XHCI_TRB *Event, PULONG Index);

/* How far Index is behind First on its way around the ring. */
ULONG XhciDistance(ULONG First, ULONG Index);

/* ---- commands: xhci_command.c ---- */

/* Start Command after those before it; Done is called once.  => Command->Trb, Done are set. */
void XhciQueueCommand(PXHCI_CONTROLLER Controller, PXHCI_COMMAND Command)
    NT_HOLDS(Controller->Lock);

/*
 * Execute a command and wait for its end, 2 * XHCI_COMMAND_MS at most.
 *
 * => PASSIVE_LEVEL.  Returns the completion code; the event's slot in *Slot if that is not NULL.
 */
ULONG XhciExecute(PXHCI_CONTROLLER Controller, XHCI_TRB Trb, PULONG Slot);

/* The status for a command's code. */
NTSTATUS XhciCommandStatus(ULONG Code);

/* A command's event.  => FALSE: there is no such command. */
BOOLEAN XhciCommandEvent(PXHCI_CONTROLLER Controller, const XHCI_TRB *Event)
    NT_HOLDS(Controller->Lock);

/* Abort the command that is late.  => FALSE: the controller does not obey. */
BOOLEAN XhciCheckCommand(PXHCI_CONTROLLER Controller) NT_HOLDS(Controller->Lock);

/* The controller is dead: every command ends. */
void XhciFailCommands(PXHCI_CONTROLLER Controller) NT_HOLDS(Controller->Lock);

/* ---- events, time limits and the end: xhci_event.c ---- */

HAL_INTERRUPT_ROUTINE XhciInterruptRoutine; /* Context: the controller */
KDEFERRED_ROUTINE XhciInterruptDpc;
KDEFERRED_ROUTINE XhciTimerDpc;

/* Set the timer, if anything can become late.  => Whenever something begins. */
void XhciSetTimer(PXHCI_CONTROLLER Controller) NT_HOLDS(Controller->Lock);

/* Release the lock, run completion routines and tell the core of ports.  => IRQL was OldIrql. */
void XhciUnlock(PXHCI_CONTROLLER Controller, KIRQL OldIrql) NT_RELEASES(Controller->Lock);

/* The controller is of no use: it may not access memory any more, and everything ends. */
void XhciDie(PXHCI_CONTROLLER Controller) NT_HOLDS(Controller->Lock);

/* ---- root ports: xhci_port.c ---- */

/* Learn the ports' protocols, switch their power on. */
void XhciReadProtocols(PXHCI_CONTROLLER Controller);
void XhciPowerPorts(PXHCI_CONTROLLER Controller);

/* The speed's number in the port's register, and what it means. */
ULONG XhciReadSpeedId(PXHCI_CONTROLLER Controller, ULONG Port);
USB_SPEED XhciSpeedOfId(const XHCI_CONTROLLER *Controller, ULONG Port, ULONG Id);

/* A port's event.  => FALSE: there is no such port. */
BOOLEAN XhciPortEvent(PXHCI_CONTROLLER Controller, const XHCI_TRB *Event)
    NT_HOLDS(Controller->Lock);

NTSTATUS XhciReadPort(PUSB_HOST Host, ULONG Port, USB_PORT_STATUS *Status);
NTSTATUS XhciResetPort(PUSB_HOST Host, ULONG Port);

/* ---- devices: xhci_device.c; input contexts: xhci_context.c ---- */

NTSTATUS XhciAddUsbDevice(PUSB_DEVICE Device);
NTSTATUS XhciSetControlPacket(PUSB_DEVICE Device, ULONG MaximumPacket);
NTSTATUS XhciOpenEndpoints(PUSB_DEVICE Device, const USB_ENDPOINT *Endpoints, ULONG Count);
NTSTATUS XhciDescribeHub(PUSB_DEVICE Device, ULONG Ports, ULONG ThinkTime, BOOLEAN MultiTt);
void XhciRemoveDevice(PUSB_DEVICE Device);

/* => FALSE: no endpoint can have such an address. */
static inline BOOLEAN XhciIsAddress(UCHAR Address)
{
    return (Address & 0x70) == 0 && Address != 0x80;
}

/* The number that the controller has for an endpoint address. */
static inline ULONG XhciIndexOf(UCHAR Address)
{
    return Address == 0 ? 1 : (ULONG)(Address & 0xF) * 2 + (Address >> 7);
}

/* Clear the slot's input context; it adds and drops what the bits say (bit n: context n). */
void XhciBeginInput(PXHCI_SLOT Slot, ULONG Add, ULONG Drop);

/* Fill in the slot's and an endpoint's input context.  => The last context used is Entries. */
void XhciFillSlot(PXHCI_SLOT Slot, ULONG Entries);
void XhciFillEndpoint(PXHCI_SLOT Slot, const XHCI_ENDPOINT *Endpoint);

/* The interval of an interrupt endpoint as 2^n * 125 us (table 6-12). */
ULONG XhciInterval(USB_SPEED Speed, UCHAR Interval);

/* What the controller says of an endpoint's state (6.2.3). */
ULONG XhciReadEndpointState(const XHCI_SLOT *Slot, ULONG Index);

/* The highest index in use. */
ULONG XhciEntries(const XHCI_SLOT *Slot);

/* A command about a slot's input context, and one about an endpoint. */
ULONG XhciExecuteInput(PXHCI_SLOT Slot, ULONG Type, ULONG Flags);
ULONG XhciExecuteEndpoint(const XHCI_ENDPOINT *Endpoint, ULONG Type, ULONG Pointer);

/* ---- endpoints and their recovery: xhci_endpoint.c ---- */

/* => NULL: no memory. */
PXHCI_ENDPOINT XhciCreateEndpoint(PXHCI_SLOT Slot, const USB_ENDPOINT *Description);
void XhciDeleteEndpoint(PXHCI_ENDPOINT Endpoint);

NTSTATUS XhciResetEndpoint(PUSB_DEVICE Device, UCHAR Endpoint);

/*
 * The controller has nothing to do with the endpoint's transfers when this returns.
 *
 * => PASSIVE_LEVEL.  *Halted: the endpoint had halted.  On failure the controller is dead.
 */
NTSTATUS XhciStopEndpoint(PXHCI_ENDPOINT Endpoint, BOOLEAN *Halted);

/* Stop the endpoint without waiting; those of its transfers that are late end then. */
void XhciBeginStop(PXHCI_CONTROLLER Controller, PXHCI_ENDPOINT Endpoint) NT_HOLDS(Controller->Lock);

/* ---- transfers: xhci_transfer.c ---- */

void XhciSubmit(PUSB_TRANSFER Transfer);

/* A transfer's event.  => FALSE: there is no such transfer, or it cannot have happened. */
BOOLEAN XhciTransferEvent(PXHCI_CONTROLLER Controller, const XHCI_TRB *Event)
    NT_HOLDS(Controller->Lock);

/* End every transfer; those that are late with STATUS_IO_TIMEOUT if Late is TRUE. */
void XhciEndTransfers(PXHCI_CONTROLLER Controller, PXHCI_ENDPOINT Endpoint, NTSTATUS Status,
                      BOOLEAN Late) NT_HOLDS(Controller->Lock);

/* => The lock is held.  Returns whether one of them is late. */
BOOLEAN XhciHasLateTransfer(const XHCI_ENDPOINT *Endpoint);

/* Let the controller look at the endpoint's ring. */
void XhciRingDoorbell(const XHCI_ENDPOINT *Endpoint);

#endif
