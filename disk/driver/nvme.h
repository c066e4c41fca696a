/* SPDX-License-Identifier: MIT */
/*
 * nvme.h - an NVMe controller, its queues, its namespaces.
 *
 * Source: NVM Express Base Specification 1.4.
 *
 * (N) Controller->Lock, (C) the disk's channel's lock, (I) fixed once the controller was added.
 */
#ifndef DISK_DRIVER_NVME_H
#define DISK_DRIVER_NVME_H

#include "disk/driver/channel.h"
#include "disk/driver/drivers.h"

#define NVME_TAG   0x656D764Eu /* 'Nvme' */
#define NVME_DISKS 8u          /* namespaces of one controller that become disks */

/* ---- registers ---- */

enum {
    NvmeCapabilities = 0x00, /* 64 bits, as all addresses */
    NvmeVersion = 0x08,
    NvmeControl = 0x14,
    NvmeStatus = 0x1C,
    NvmeAdminEntries = 0x24,
    NvmeAdminCommands = 0x28,
    NvmeAdminCompletions = 0x30,
    NvmeDoorbells = 0x1000
};

#define NVME_STATUS_READY   0x00000001u
#define NVME_STATUS_FATAL   0x00000002u
#define NVME_STATUS_STOPPED 0x0000000Cu /* shutting down: 4 under way, 8 done */
#define NVME_NOT_THERE      0xFFFFFFFFu /* what nobody answers */

/* ---- queues, as in memory ---- */

typedef struct _NVME_COMMAND {
    USHORT Operation;
    USHORT Id;
    ULONG Namespace;
    ULONG64 Reserved;
    ULONG64 Metadata;
    ULONG64 Data[2]; /* the first page, and the second or a list of all but the first */
    ULONG Words[6];  /* 10 to 15 of the command */
} NVME_COMMAND;

typedef struct _NVME_COMPLETION {
    ULONG Result;
    ULONG Reserved;
    USHORT Head; /* how far the controller has read the queue of commands */
    USHORT Queue;
    USHORT Id;
    USHORT Status; /* bit 0: the phase; the rest 0: success */
} NVME_COMPLETION;

NT_C_ASSERT(sizeof(NVME_COMMAND) == 64);
NT_C_ASSERT(sizeof(NVME_COMPLETION) == 16);

#define NVME_PHASE        0x0001u
#define NVME_DO_NOT_RETRY 0x8000u
#define NVME_STATUS_CODE  0x0FFEu /* type and code */

/* A queue of commands and its queue of completions, each a page at most. */
typedef struct _NVME_QUEUE {
    ULONG Id;      /* 0: admin */
    ULONG Entries; /* of both */
    NVME_COMMAND *Commands;
    volatile NVME_COMPLETION *Completions;
    volatile ULONG *TailDoorbell;
    volatile ULONG *HeadDoorbell;
    ULONG Tail;   /* where the next command goes */
    ULONG Head;   /* up to where the controller has read, as it says */
    ULONG Next;   /* where the next completion will be */
    USHORT Phase; /* that it will have */
} NVME_QUEUE, *PNVME_QUEUE;

#define NVME_QUEUE_ENTRIES (PAGE_SIZE / (ULONG)sizeof(NVME_COMMAND))

/* What NvmeTake finds. */
typedef enum _NVME_FOUND {
    NvmeNothing,
    NvmeAnswer,
    NvmeNonsense /* another queue's, or commands read that were never there */
} NVME_FOUND;

/* Empty, as the controller sees it when it is created.  => Entries and the pointers are set. */
void NvmeEmptyQueue(PNVME_QUEUE Queue);

/* => At most Entries - 1 commands are on their way. */
void NvmeSubmit(PNVME_QUEUE Queue, const NVME_COMMAND *Command);

/* Take the next completion.  => *Answer is written for NvmeAnswer only. */
NVME_FOUND NvmeTake(PNVME_QUEUE Queue, NVME_COMPLETION *Answer);

/* Tell the controller how many were taken. */
void NvmeAcknowledge(const NVME_QUEUE *Queue);

/* ---- the controller ---- */

typedef struct _NVME_CONTROLLER NVME_CONTROLLER, *PNVME_CONTROLLER;

typedef struct _NVME_DISK {
    DISK_CHANNEL Channel;
    PNVME_CONTROLLER Controller;
    NVME_QUEUE Queue; /* (C) */
    PUCHAR Memory;    /* commands, completions, a list of pages for each slot */
    ULONG Namespace;
    ULONG Generation; /* (C) of the controller, in which Queue was created */
    BOOLEAN Broken;   /* (C) the controller said so */
    char Name[DRIVER_NAME_BYTES];
} NVME_DISK, *PNVME_DISK;

struct _NVME_CONTROLLER {
    HAL_PCI_FUNCTION F;
    volatile UCHAR *Registers; /* (I) */
    ULONG Bytes;               /* (I) of them */
    PCI_MESSAGE Message;       /* (I) */
    KSPIN_LOCK Lock;
    NVME_QUEUE Admin;          /* (N) */
    PUCHAR Memory;             /* (I) of Admin, and a page for what is identified */
    ULONG Stride;              /* (I) of doorbells, in bytes */
    ULONG QueueEntries;        /* (I) that a queue for requests has */
    ULONG ReadyTries;          /* (I) how long to wait for it */
    ULONG QueueLimit;          /* (I) queues for requests that it may have */
    ULONG TransferBytes;       /* (I) the most that a request may move */
    BOOLEAN HasCache;          /* (I) flushing has a meaning */
    BOOLEAN Dead;              /* (N) cannot be used again; has lost its right to access memory */
    volatile ULONG Generation; /* (N) to write: counts resets, which take all queues away */
    ULONG DiskCount;           /* (I) */
    PNVME_DISK Disks[NVME_DISKS]; /* (I) */
};

ULONG NvmeRead(const NVME_CONTROLLER *Controller, ULONG Offset);

/* Where the doorbells of queue Id are.  => FALSE: beyond the controller's registers. */
BOOLEAN NvmeFindDoorbells(const NVME_CONTROLLER *Controller, PNVME_QUEUE Queue);

/*
 * Let the controller forget everything, and enable it with its admin queue.
 *
 * => Controller->Lock held, or nobody else knows the controller.  Takes as long as the controller
 *    asks for, and 30 s at most.
 * => STATUS_NO_SUCH_DEVICE: it was taken away.  STATUS_IO_TIMEOUT, STATUS_IO_DEVICE_ERROR: it
 *    cannot be used.
 */
NT_MUST_CHECK NTSTATUS NvmeRestart(PNVME_CONTROLLER Controller);

/* It stops, and accesses memory no more.  => As NvmeRestart. */
NTSTATUS NvmeStop(const NVME_CONTROLLER *Controller);

/*
 * Run one admin command, by polling.  *Result may be NULL.
 *
 * => As NvmeRestart; takes 5 s at most.
 */
NT_MUST_CHECK NTSTATUS NvmeAdmin(PNVME_CONTROLLER Controller, const NVME_COMMAND *Command,
                                 PULONG Result);

/*
 * Have the controller fill the page of what is identified.
 *
 * => As NvmeAdmin.  The page is Controller->Memory + NVME_IDENTIFY_AT.
 */
NT_MUST_CHECK NTSTATUS NvmeIdentify(PNVME_CONTROLLER Controller, ULONG What, ULONG Namespace);

#define NVME_ADMIN_BYTES      (3 * PAGE_SIZE)
#define NVME_IDENTIFY_AT      (2 * PAGE_SIZE)

#define NVME_ABOUT_NAMESPACE  0u
#define NVME_ABOUT_CONTROLLER 1u
#define NVME_NAMESPACE_LIST   2u

/*
 * One disk more, of Namespace, with its own queue; requests can be submitted.
 *
 * => PASSIVE_LEVEL; the controller interrupts.
 * => STATUS_NO_SUCH_DEVICE, STATUS_NOT_SUPPORTED, STATUS_INSUFFICIENT_RESOURCES: there is none
 *    more.  Any other failure: the controller did not take the queue, and is not to be used.
 */
NT_MUST_CHECK NTSTATUS NvmeCreateDisk(PNVME_CONTROLLER Controller, ULONG Number, ULONG Namespace);

/* => The controller accesses no memory. */
void NvmeDeleteDisk(PNVME_DISK Disk);

#endif
