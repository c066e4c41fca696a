/* SPDX-License-Identifier: MIT */
/*
 * nvme_disk.h - an NVMe controller with up to two namespaces, which does as the test says.
 */
#ifndef TESTS_HOST_NVME_DISK_H
#define TESTS_HOST_NVME_DISK_H

#include "tests/host/device.h"

#define NVME_MOCK_BYTES      0x80000u /* of each namespace */
#define NVME_MOCK_NAMESPACES 2u
#define NVME_MOCK_QUEUES     10u

/* How it answers a command to a namespace. */
typedef enum _NVME_MOCK_ANSWER {
    NvmeMockAnswers,
    NvmeMockSilent,      /* never */
    NvmeMockTwice,       /* completes it twice */
    NvmeMockOldPhase,    /* completes it with the phase of the round before */
    NvmeMockUnknownId,   /* completes a command with an identifier out of range */
    NvmeMockOtherQueue,  /* ... of a queue that it was not sent to */
    NvmeMockWrongHead,   /* has read commands that are not there */
    NvmeMockFails,       /* status: failed, do not retry */
    NvmeMockFailsForNow, /* status: failed, retrying may help */
    NvmeMockProtected,   /* status: the namespace is write protected */
    NvmeMockNoInterrupt, /* right, but it does not interrupt */
    NvmeMockBreaks       /* says that it has failed altogether, until it is reset */
} NVME_MOCK_ANSWER;

typedef struct _NVME_MOCK NVME_MOCK;

typedef struct _NVME_MOCK_QUEUE {
    NVME_MOCK *Mock;
    BOOLEAN Commands;    /* was created */
    BOOLEAN Completions; /* was created */
    BOOLEAN Scheduled;   /* its doorbell rang, and it was not looked at yet */
    ULONG Entries;
    ULONG64 CommandsAt;
    ULONG64 CompletionsAt;
    ULONG Tail; /* doorbell */
    ULONG Head;
    ULONG Next;  /* completion */
    ULONG Taken; /* doorbell */
    ULONG Phase;
} NVME_MOCK_QUEUE;

struct _NVME_MOCK {
    PCI_MOCK *Pci;

    /* set by the test */
    NVME_MOCK_ANSWER Answer;
    ULONG Misbehaves;     /* so many commands, then it answers as it should */
    BOOLEAN AdminSilent;  /* never answers admin commands */
    ULONG AdminFails;     /* operation that it refuses; 0: none */
    BOOLEAN NeverReady;   /* after it was enabled */
    BOOLEAN FailsToStart; /* says so instead of getting ready */
    BOOLEAN NeverStops;   /* stays ready when disabled */
    BOOLEAN NeverShutsDown;
    BOOLEAN NoList;        /* of namespaces: version 1.0 */
    ULONG CapabilitiesLow; /* as the register */
    ULONG CapabilitiesHigh;
    UCHAR Transfer;      /* MDTS */
    BOOLEAN NoCache;     /* writes through */
    BOOLEAN ReadOnly;    /* namespaces are write protected */
    ULONG SectorShift;   /* 9 to 12 */
    USHORT Metadata;     /* bytes beside each sector */
    UCHAR Protection;    /* of sectors */
    ULONG Namespaces;    /* 0 to NVME_MOCK_NAMESPACES */
    ULONG QueuesAllowed; /* beside the admin queue */
    ULONG64 ReadyCycles; /* how long it takes to get ready */
    ULONG64 DelayCycles; /* of an answer */

    /* found by the test */
    ULONG Commands[3]; /* by operation: 0 flush, 1 write, 2 read */
    ULONG Enables;
    ULONG MostAtOnce;
    ULONG MostBytes; /* that a command moved */
    ULONG Control;
    BOOLEAN ShutDown;
    UCHAR Medium[NVME_MOCK_NAMESPACES][NVME_MOCK_BYTES];

    /* its own */
    ULONG64 EnabledAt;
    ULONG64 ReadyAt;
    BOOLEAN Broken;
    ULONG AdminRegisters[5]; /* entries, commands, completions */
    NVME_MOCK_QUEUE Queues[NVME_MOCK_QUEUES];
};

/* As firmware leaves it: enabled.  => Its registers are in a 64-bit range at 896 GB. */
void NvmeMockAttach(NVME_MOCK *Mock);

/* Somebody pulls it out. */
void NvmeMockRemove(NVME_MOCK *Mock);

/* Put a completion into queue Queue, whatever it says.  => The queue was created. */
void NvmeMockComplete(NVME_MOCK *Mock, ULONG Queue, const ULONG Entry[4]);

#endif
