/* SPDX-License-Identifier: MIT */
/*
 * usb_bot.h - bulk-only transport: one SCSI command at a time over two bulk endpoints.
 *
 * (I) fixed after initialisation, (T) only the bus's thread, (X) whoever has the transport: from
 * BotStart until Ended the transfers' completions, else the starter.
 */
#ifndef DISK_DRIVER_USB_BOT_H
#define DISK_DRIVER_USB_BOT_H

#include "disk/driver/usb_core.h"

#define BOT_CDB_BYTES  16u
#define BOT_COMMAND_MS 5000u /* for the command block, and for the status behind a stall */

typedef struct _BOT_COMMAND {
    UCHAR Cdb[BOT_CDB_BYTES];
    ULONG CdbBytes;
    BOOLEAN ToHost;
    PMDL Mdl; /* of the data; NULL when Bytes is 0 */
    ULONG Offset;
    ULONG Bytes;   /* at most 64 KB */
    ULONG LimitMs; /* for the data, and again for the status */
} BOT_COMMAND;

/* How far a command came.  What went wrong there is in Status. */
typedef enum _BOT_PHASE {
    BotIdle,
    BotSending, /* the command block */
    BotData,
    BotStatus,
    BotEnded
} BOT_PHASE;

/* What is to be made of it. */
typedef enum _BOT_VERDICT {
    BotPassed,  /* Moved bytes are good */
    BotRefused, /* REQUEST SENSE tells why */
    BotStalled, /* an endpoint stalled: BotConclude goes on from there */
    BotBroken,  /* nothing fits any more: BotReset */
    BotGone     /* no such device */
} BOT_VERDICT;

typedef struct _BOT BOT, *PBOT;

struct _BOT {
    PUSB_DEVICE Device;      /* (I) */
    UCHAR Interface;         /* (I) */
    UCHAR In;                /* (I) endpoint */
    UCHAR Out;               /* (I) endpoint */
    UCHAR Lun;               /* (I) */
    USB_BUFFER Buffer;       /* (X) command block, status, and scratch memory for the starter */
    USB_TRANSFER Transfer;   /* (X) */
    BOT_COMMAND Command;     /* (X) the one that runs or ran last */
    BOT_PHASE Phase;         /* (X) */
    NTSTATUS Status;         /* (X) of the transfer of Phase */
    ULONG Tag;               /* (X) of the last command */
    ULONG DataDone;          /* (X) bytes that the data transfer moved */
    ULONG Moved;             /* (X) bytes that are good, after BotPassed */
    KEVENT Event;            /* (T) for those that wait */
    void (*Ended)(PBOT Bot); /* (X) => DISPATCH_LEVEL or below */
};

/* Of BOT.Buffer: what a starter may use for its data. */
#define BOT_SCRATCH_AT    0x200u
#define BOT_SCRATCH_BYTES (USB_BUFFER_BYTES - BOT_SCRATCH_AT)

/* => Device, Interface, In, Out are set, the rest is zero.  FALSE: no memory. */
NT_MUST_CHECK BOOLEAN BotInitialize(PBOT Bot);
void BotDelete(PBOT Bot);

/*
 * Start Bot->Command; Ended is called once, perhaps before this returns.  Allocates nothing.
 *
 * => IRQL <= DISPATCH_LEVEL; no command runs.
 */
void BotStart(PBOT Bot, void (*Ended)(PBOT Bot));

/* What became of the command.  => It ended. */
BOT_VERDICT BotJudge(PBOT Bot);

/*
 * The command ended: where an endpoint stalled go on behind it, and judge.
 *
 * => The bus's thread.  Never BotStalled.
 */
BOT_VERDICT BotConclude(PBOT Bot);

/* Start Bot->Command, wait, conclude.  => The bus's thread. */
BOT_VERDICT BotRun(PBOT Bot);

/* Reset recovery: the device forgets the command, both endpoints work again.  => The thread. */
NT_MUST_CHECK NTSTATUS BotReset(PBOT Bot);

/* => Returns the highest unit's number; 0 where the device does not tell. */
ULONG BotMaximumLun(PBOT Bot);

#endif
