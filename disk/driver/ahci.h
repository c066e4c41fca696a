/* SPDX-License-Identifier: MIT */
/*
 * ahci.h - an AHCI controller and its ports.
 *
 * Source: Serial ATA AHCI 1.3.1; ATA8-ACS for the commands.
 */
#ifndef DISK_DRIVER_AHCI_H
#define DISK_DRIVER_AHCI_H

#include "disk/driver/channel.h"
#include "disk/driver/drivers.h"

#define AHCI_PORTS 32u
#define AHCI_TAG   0x69636841u /* 'Ahci' */

/* The controller's registers. */
enum {
    AhciCapabilities = 0x00,
    AhciControl = 0x04,
    AhciInterrupts = 0x08, /* a bit a port; written ones clear */
    AhciImplemented = 0x0C,
    AhciCapabilities2 = 0x24,
    AhciHandOff = 0x28,
    AhciPorts = 0x100,
    AhciPortBytes = 0x80
};

#define AHCI_CONTROL_INTERRUPT 0x00000002u
#define AHCI_CONTROL_ENABLE    0x80000000u

/* A port's registers. */
enum {
    PortList = 0x00, /* 64 bits, as the next */
    PortFis = 0x08,
    PortInterrupts = 0x10, /* written ones clear */
    PortEnable = 0x14,
    PortCommand = 0x18,
    PortTask = 0x20, /* the device's status, and its error */
    PortSignature = 0x24,
    PortLink = 0x28,
    PortLinkControl = 0x2C,
    PortLinkError = 0x30, /* written ones clear */
    PortActive = 0x34,    /* a bit a slot: queued by the device */
    PortIssue = 0x38      /* a bit a slot: on its way to the device */
};

/* PortTask. */
#define PORT_TASK_ERROR   0x21u /* error, device fault */
#define PORT_TASK_REQUEST 0x08u
#define PORT_TASK_BUSY    0x80u

/* PortInterrupts and PortEnable. */
#define PORT_EVENT_DONE    0x0000000Fu /* a FIS that ends a command */
#define PORT_EVENT_LINK    0x00400040u /* something was plugged in or out */
#define PORT_EVENT_CONNECT 0x00000040u /* of these: a device says that it is new */
#define PORT_EVENT_ERROR   0x78000000u /* task file, bus, interface */

typedef struct _AHCI_CONTROLLER AHCI_CONTROLLER, *PAHCI_CONTROLLER;

/*
 * A port's memory, below 4 GB:
 *
 *     0     command list: 32 headers of 32 bytes (1 KB aligned)
 *     400   received FISes (256 bytes, so aligned)
 *     600   what IDENTIFY DEVICE returns (512 bytes)
 *     800   a command table for each slot: the command, then its pieces (128 bytes aligned)
 */
#define AHCI_FIS_AT      0x400u
#define AHCI_IDENTIFY_AT 0x600u
#define AHCI_TABLES_AT   0x800u
#define AHCI_TABLE_BYTES 0x200u
#define AHCI_PIECES      17u /* 64 KB that do not begin at a page */

/* (C) the channel's lock, (I) fixed once the port was created. */
typedef struct _AHCI_PORT {
    DISK_CHANNEL Channel;
    PAHCI_CONTROLLER Controller;
    volatile UCHAR *Registers;
    PUCHAR Memory; /* what the controller reads and writes for it */
    char Name[DRIVER_NAME_BYTES];
    volatile ULONG Events;      /* (A) PORT_EVENT_* since the last look */
    volatile BOOLEAN Resetting; /* (C) its link is reset by us: the device will say it is new */
    volatile BOOLEAN Changed;   /* (A) for good: it may be another disk than the one found */
    BOOLEAN CanQueue;  /* (C) device and controller know queued commands, and get them right */
    ULONG Unqueued;    /* (C) so many requests more go one at a time, not queued */
    ULONG QueueErrors; /* (C) since the start */
} AHCI_PORT, *PAHCI_PORT;

struct _AHCI_CONTROLLER {
    HAL_PCI_FUNCTION F;
    volatile UCHAR *Registers;
    ULONG Bytes;
    ULONG QueueSlots; /* that a port has for queued commands; 0: it knows none */
    PCI_MESSAGE Message;
    PAHCI_PORT Ports[AHCI_PORTS]; /* NULL: no disk */
};

/* ---- a port: ahci_port.c ---- */

ULONG AhciReadPort(const AHCI_PORT *Port, ULONG Offset);
void AhciWritePort(const AHCI_PORT *Port, ULONG Offset, ULONG Value);

/* The address, for the controller, of what stands at Offset of the port's memory. */
ULONG AhciPortPhysical(const AHCI_PORT *Port, ULONG Offset);

/*
 * Stop what the port does, and start it again; with ResetLink the device is reset too.
 *
 * => Takes 3 s at most.
 * => FALSE: the controller goes on processing commands, the device cannot be made ready, or it may
 *    be another one.
 */
NT_MUST_CHECK BOOLEAN AhciRestartPort(PAHCI_PORT Port, BOOLEAN ResetLink);

/* => FALSE: the controller may go on writing to the port's memory. */
BOOLEAN AhciSilence(const AHCI_PORT *Port);

/* => A device is there, whether its link saves power or not. */
BOOLEAN AhciHasDevice(const AHCI_PORT *Port);

/*
 * Stop what firmware left running at port Index.
 *
 * => Returns FALSE when the controller may go on writing to memory for it.
 */
NT_MUST_CHECK BOOLEAN AhciSilencePort(PAHCI_CONTROLLER Controller, ULONG Index);

/*
 * Look for a disk at port Index and get it ready; it does not interrupt yet.
 *
 * => PASSIVE_LEVEL.  *Port is new.
 * => STATUS_NO_SUCH_DEVICE: nothing there, or not a disk.  Then the port is stopped.
 */
NT_MUST_CHECK NTSTATUS AhciCreatePort(PAHCI_CONTROLLER Controller, ULONG Index, ULONG Number,
                                      PAHCI_PORT *Port);

/* Stop the port and free it.  => PASSIVE_LEVEL, no request on its way. */
void AhciDeletePort(PAHCI_PORT Port);

/* The port may interrupt.  => Changed, if the disk was replaced since it was found. */
void AhciEnablePort(PAHCI_PORT Port);

/* Take notice of the port's events.  => DEVICE_LEVEL. */
void AhciPortInterrupt(PAHCI_PORT Port);

/* ---- its commands: ahci_command.c ---- */

extern const CHANNEL_OPERATIONS AhciOperations;

/* Have the device identify itself, by polling.  => The port runs, nothing else is on its way. */
NT_MUST_CHECK NTSTATUS AhciIdentify(const AHCI_PORT *Port);

#endif
