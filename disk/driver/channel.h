/* SPDX-License-Identifier: MIT */
/*
 * channel.h - what all disk drivers share: requests on their way, time limits, retries, the end.
 *
 * A driver embeds a DISK_CHANNEL, fills in its DISK_DEVICE and hands requests to its controller
 * slot by slot.  It owns no queue, timer or retry of its own.
 *
 * (C) Channel->Lock, (I) fixed after ChannelInitialize.
 */
#ifndef DISK_DRIVER_CHANNEL_H
#define DISK_DRIVER_CHANNEL_H

#include "disk.h"
#include "ke.h"
#include "spinlock.h"

#define CHANNEL_SLOTS       32u
#define CHANNEL_TRIES       2u   /* how often a request is handed to the controller */
#define CHANNEL_CHECK_MS    250u /* how often the time limits are looked at */
#define CHANNEL_ASK_MS      500u /* a request that is so old may have ended without an interrupt */
#define CHANNEL_LIMIT_MS    10000u
#define CHANNEL_FLUSH_LIMIT 30000u

typedef struct _DISK_CHANNEL DISK_CHANNEL, *PDISK_CHANNEL;

/* The controller.  => All at DISPATCH_LEVEL with Channel->Lock held. */
typedef struct _CHANNEL_OPERATIONS {
    /* Hand Request to the controller as Slot; if that cannot be, ChannelFinish. */
    void (*Start)(PDISK_CHANNEL Channel, ULONG Slot, PDISK_REQUEST Request);

    /*
     * Tell ChannelFinish of every slot that the controller has finished.
     * => FALSE: the controller broke the rules, or asks for a reset.
     */
    BOOLEAN (*Poll)(PDISK_CHANNEL Channel);

    /*
     * The controller forgets all slots and accesses no memory for them any more.
     * => FALSE: it cannot be used again; it has lost its right to access memory.
     */
    BOOLEAN (*Reset)(PDISK_CHANNEL Channel);

    /* => FALSE: the controller was taken away.  Not called while Unlimited. */
    BOOLEAN (*IsPresent)(PDISK_CHANNEL Channel);
} CHANNEL_OPERATIONS;

typedef struct _CHANNEL_SLOT {
    PDISK_REQUEST Request; /* (C) NULL: free */
    ULONG64 Started;       /* (C) interrupt time */
    ULONG64 Deadline;      /* (C) interrupt time */
} CHANNEL_SLOT;

struct _DISK_CHANNEL {
    DISK_DEVICE Device;
    const CHANNEL_OPERATIONS *Operations; /* (I) */
    ULONG SlotCount;                      /* (I) */
    KSPIN_LOCK Lock;
    LIST_ENTRY Waiting;  /* (C) of DISK_REQUEST.Link: no slot yet; oldest first */
    LIST_ENTRY Finished; /* (C) of DISK_REQUEST.Link: completion routines still to be run */
    CHANNEL_SLOT Slots[CHANNEL_SLOTS];
    ULONG Busy;        /* (C) bit n: slot n has a request */
    BOOLEAN Flush;     /* (C) a flush is on its way, alone */
    BOOLEAN Alone;     /* (C) the driver's: one request at a time, whatever SlotCount is */
    BOOLEAN Gone;      /* (C) all requests fail from now on */
    BOOLEAN Unlimited; /* (I) the driver ends each request in bounded time: no time limits here */
    BOOLEAN Ticking;   /* (C) the timer is set */
    KTIMER Timer;
    KDPC TimerDpc;
    KDPC InterruptDpc;
    ULONG Interrupts; /* (C) several may have come as one */
    ULONG Resets;     /* (C) of the controller, for whatever reason */
    ULONG Violations; /* (C) answers that broke the rules */
};

/*
 * => Channel is cleared to zero but for what the driver set: Device's geometry, Operations,
 *    SlotCount from 1 to CHANNEL_SLOTS, Unlimited.  Device.Driver is the driver's.
 */
void ChannelInitialize(PDISK_CHANNEL Channel);

/* The controller interrupted.  => Any IRQL. */
void ChannelInterrupt(PDISK_CHANNEL Channel);

/*
 * Slot's request is finished.
 *
 * => In Poll.  FALSE: nobody waits for this slot; the controller broke the rules.
 */
BOOLEAN ChannelFinish(PDISK_CHANNEL Channel, ULONG Slot, NTSTATUS Status) NT_HOLDS(Channel->Lock);

/*
 * Slot's request failed, and may go well the next time: it starts again while it has tries left,
 * and is finished with Status else.
 *
 * => As ChannelFinish; the controller has forgotten the slot.
 */
BOOLEAN ChannelRetry(PDISK_CHANNEL Channel, ULONG Slot, NTSTATUS Status) NT_HOLDS(Channel->Lock);

/* ---- the pages of a request ---- */

typedef struct _CHANNEL_PIECE {
    ULONG64 Physical;
    ULONG Bytes;
} CHANNEL_PIECE;

/*
 * Split a request's data into physically contiguous pieces, none longer than Limit.
 *
 * => Returns how many there are; at most Room are written.  0: the MDL does not reach so far.
 */
ULONG ChannelSplit(const DISK_REQUEST *Request, ULONG Bytes, ULONG Limit, CHANNEL_PIECE *Pieces,
                   ULONG Room);

#endif
