/* SPDX-License-Identifier: MIT */
/*
 * hostile_disk.h - worlds in which a disk controller does its worst (figure R7).
 *
 * In each world a driver meets its controller, and requests are submitted while the controller acts
 * at random times and at random.  Whatever it does, each request ends, once, with a status that is
 * documented, in bounded virtual time; a driver that gives up leaves nothing behind.
 */
#ifndef TESTS_UNIT_HOSTILE_DISK_H
#define TESTS_UNIT_HOSTILE_DISK_H

#include "disk/driver/drivers.h"
#include "tests/host/device.h"

typedef struct _HOSTILE_KIND {
    DRIVER_ADD_DEVICE *AddDevice;
    PCI_MOCK *(*Attach)(void); /* a new controller; sets its registers up */
    BOOLEAN (*Act)(void);      /* does something, at HIGH_LEVEL; TRUE: a hostile deed */
} HOSTILE_KIND;

/* Worlds until there were 100,000 hostile deeds; then the figure is printed. */
void HostileRun(const HOSTILE_KIND *Kind);

/* Random numbers: below Limit, and any. */
ULONG HostileBelow(ULONG Limit);
ULONG HostileWord(void);

/* TRUE once in so many times; never while the driver is to get along. */
BOOLEAN HostileChance(ULONG OnceIn);

/* A hostile deed outside of Act. */
void HostileCount(void);

/* DMA, where the function may do it; nothing else. */
void HostileRead(ULONG64 Physical, void *Buffer, ULONG Bytes);
void HostileWrite(ULONG64 Physical, const void *Buffer, ULONG Bytes);
void HostileInterrupt(void);

#endif
