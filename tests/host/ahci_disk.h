/* SPDX-License-Identifier: MIT */
/*
 * ahci_disk.h - an AHCI controller with a disk at port 2 of its ports 0 and 2, which does as the
 * test says.
 */
#ifndef TESTS_HOST_AHCI_DISK_H
#define TESTS_HOST_AHCI_DISK_H

#include "tests/host/device.h"

#define AHCI_DISK_SECTORS 1024u
#define AHCI_DISK_PORT    2u

/* How it answers a command. */
typedef enum _AHCI_ANSWER {
    AhciAnswers,
    AhciSilent,      /* never */
    AhciFails,       /* the task file has an error; nothing was moved */
    AhciFailsBusy,   /* the same, and the device stays busy until the link is reset */
    AhciFailsMildly, /* the same as the first, but only the task file tells */
    AhciStops,       /* moves half of the data and says that all is well */
    AhciNoInterrupt, /* right, but it does not interrupt */
    AhciTwice        /* interrupts twice */
} AHCI_ANSWER;

typedef struct _AHCI_DISK {
    PCI_MOCK *Pci;

    /* set by the test */
    AHCI_ANSWER Answer;
    ULONG Misbehaves;     /* so many commands, then it answers as it should */
    BOOLEAN NeverStops;   /* the port goes on running */
    BOOLEAN NoLink;       /* nothing is plugged in (any more) */
    BOOLEAN FirmwareOwns; /* and hands over only if FirmwareYields */
    BOOLEAN FirmwareYields;
    BOOLEAN FirmwareBusy; /* says that it needs time, for ever */
    ULONG Signature;
    USHORT Identify[256];
    BOOLEAN Queues;      /* controller and disk know queued commands */
    BOOLEAN Staggered;   /* the disk spins up when it is told to, */
    ULONG64 FoundCycles; /* is seen after this, */
    ULONG64 SpinCycles;  /* and ready after this */
    ULONG64 DelayCycles; /* of an answer */

    /* found by the test */
    ULONG Commands[256]; /* by code */
    ULONG LinkResets;
    ULONG MostAtOnce;       /* queued commands */
    BOOLEAN EnabledTooLate; /* other registers were used before the controller was enabled */
    BOOLEAN TouchedOthers;  /* registers of ports that are not implemented */
    UCHAR Medium[AHCI_DISK_SECTORS * 512];

    /* its own: ports 0 and 2 */
    ULONG Control;
    ULONG Interrupts;
    ULONG HandOff;
    BOOLEAN Refuses; /* queued commands have failed: nothing more until the link is reset */
    ULONG64 SpunAt;  /* told to spin up */
    struct {
        ULONG Registers[32];
    } Ports[3];
} AHCI_DISK;

void AhciDiskAttach(AHCI_DISK *Disk);

/* Before a driver looks: it takes Depth queued commands. */
void AhciDiskQueue(AHCI_DISK *Disk, ULONG Depth);

/* Before a driver looks: firmware has not spun it up. */
void AhciDiskStagger(AHCI_DISK *Disk, ULONG64 FoundCycles, ULONG64 SpinCycles);

/* The cable is pulled out; the port says so. */
void AhciDiskUnplug(AHCI_DISK *Disk);

/* The cable is pulled out, and another disk is plugged in. */
void AhciDiskSwap(AHCI_DISK *Disk);

#endif
