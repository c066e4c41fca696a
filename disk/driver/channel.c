/* SPDX-License-Identifier: MIT */
/*
 * channel.c - what all disk drivers share: requests on their way, time limits, retries, the end.
 *
 *     request   from       to         by
 *     Waiting   -          submitted  ChannelpSubmit
 *     in slot   Waiting    a slot     ChannelpStart
 *     Waiting   in slot    again      ChannelRetry, while it has tries left
 *     Finished  any        completed  ChannelFinish, ChannelpReset, ChannelpLeave
 *
 * An interrupt that is lost costs no more than CHANNEL_ASK_MS and a check: the controller is asked
 * whenever a request is that old.
 *
 * Every request ends: the controller answers, or its time is up.  Then the controller is reset and
 * everything in it starts again, each request CHANNEL_TRIES times at most; a controller that
 * cannot be reset, or was taken away, fails all there are and all that come.
 *
 * A flush starts when the slots are empty, and nothing starts beside it: what was completed before
 * is what it is about, whatever order the controller prefers.
 *
 * Invariants:
 *   N1  bit n of Busy is set exactly when Slots[n].Request is not NULL
 *   N2  the timer is set while any request is in a slot, but for drivers with limits of their own
 *   N3  with Gone set no request waits or is in a slot once the lock is free
 *
 * Locking: Channel->Lock; completion routines run without it, at DISPATCH_LEVEL.
 */
#include "disk/driver/channel.h"

#include "mi_assert.h"

/* DISK_REQUEST.Private while the channel has it; the driver may use those from 1 on. */
enum {
    PrivateTries
};

#define CHANNELP_MS 10000u /* in 100 ns */

static void ChannelpFinish(PDISK_CHANNEL Channel, PDISK_REQUEST Request, NTSTATUS Status)
    NT_HOLDS(Channel->Lock)
{
    Request->Status = Status;
    InsertTailList(&Channel->Finished, &Request->Link);
}

/* Run the completion routines.  => The lock was just released. */
static void ChannelpComplete(PDISK_CHANNEL Channel)
{
    for (;;) {
        KIRQL OldIrql = KfAcquireSpinLock(&Channel->Lock);
        PLIST_ENTRY Entry =
            IsListEmpty(&Channel->Finished) ? NULL : RemoveHeadList(&Channel->Finished);
        PDISK_REQUEST Request;

        KfReleaseSpinLock(&Channel->Lock, OldIrql);
        if (Entry == NULL) {
            return;
        }
        Request = CONTAINING_RECORD(Entry, DISK_REQUEST, Link);
        Request->Completion(Request);
    }
}

static PDISK_REQUEST ChannelpEmptySlot(PDISK_CHANNEL Channel, ULONG Slot) NT_HOLDS(Channel->Lock)
{
    PDISK_REQUEST Request = Channel->Slots[Slot].Request;

    MI_ASSERT(Request != NULL && (Channel->Busy & (1u << Slot)) != 0); /* N1 */
    Channel->Slots[Slot].Request = NULL;
    Channel->Busy &= ~(1u << Slot);
    Channel->Flush = Channel->Flush && Request->Operation != DiskFlush;
    return Request;
}

BOOLEAN ChannelFinish(PDISK_CHANNEL Channel, ULONG Slot, NTSTATUS Status)
{
    if (Slot >= Channel->SlotCount || Channel->Slots[Slot].Request == NULL) {
        return FALSE;
    }
    ChannelpFinish(Channel, ChannelpEmptySlot(Channel, Slot), Status);
    return TRUE;
}

BOOLEAN ChannelRetry(PDISK_CHANNEL Channel, ULONG Slot, NTSTATUS Status)
{
    PDISK_REQUEST Request = Slot < Channel->SlotCount ? Channel->Slots[Slot].Request : NULL;

    if (Request == NULL || Request->Private[PrivateTries] >= CHANNEL_TRIES) {
        return ChannelFinish(Channel, Slot, Status);
    }
    (void)ChannelpEmptySlot(Channel, Slot);
    InsertHeadList(&Channel->Waiting, &Request->Link);
    return TRUE;
}

/* ---- to the controller ---- */

static void ChannelpSetTimer(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    LARGE_INTEGER Due = {.QuadPart = -(LONGLONG)CHANNEL_CHECK_MS * CHANNELP_MS};

    if (!Channel->Ticking && !Channel->Unlimited) {
        Channel->Ticking = TRUE; /* N2 */
        KeSetTimer(&Channel->Timer, Due, &Channel->TimerDpc);
    }
}

static void ChannelpFillSlot(PDISK_CHANNEL Channel, ULONG Slot, PDISK_REQUEST Request)
    NT_HOLDS(Channel->Lock)
{
    BOOLEAN Flush = Request->Operation == DiskFlush;
    ULONG Limit = Flush ? CHANNEL_FLUSH_LIMIT : CHANNEL_LIMIT_MS;

    Request->Private[PrivateTries]++;
    Channel->Slots[Slot].Request = Request;
    Channel->Slots[Slot].Started = KeQueryInterruptTime();
    Channel->Slots[Slot].Deadline = Channel->Slots[Slot].Started + (ULONG64)Limit * CHANNELP_MS;
    Channel->Busy |= 1u << Slot;
    Channel->Flush = Flush;
    ChannelpSetTimer(Channel);
    Channel->Operations->Start(Channel, Slot, Request);
}

/* As many as may start now. */
static void ChannelpStart(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    while (!IsListEmpty(&Channel->Waiting) && !Channel->Flush) {
        PDISK_REQUEST Request = CONTAINING_RECORD(Channel->Waiting.Flink, DISK_REQUEST, Link);
        ULONG Slot = (ULONG)__builtin_ctzll(~(ULONG64)Channel->Busy);
        BOOLEAN Alone = Channel->Alone || Request->Operation == DiskFlush;

        if (Slot >= Channel->SlotCount || (Alone && Channel->Busy != 0)) {
            return;
        }
        RemoveEntryList(&Request->Link);
        ChannelpFillSlot(Channel, Slot, Request);
    }
}

/* ---- the end, and new beginnings ---- */

/* The controller is of no use any more. */
static void ChannelpLeave(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    ULONG Slot;

    Channel->Gone = TRUE;
    for (Slot = 0; Slot < Channel->SlotCount; Slot++) {
        (void)ChannelFinish(Channel, Slot, STATUS_NO_SUCH_DEVICE);
    }
    while (!IsListEmpty(&Channel->Waiting)) {
        PLIST_ENTRY Entry = RemoveHeadList(&Channel->Waiting);

        ChannelpFinish(Channel, CONTAINING_RECORD(Entry, DISK_REQUEST, Link),
                       STATUS_NO_SUCH_DEVICE); /* N3 */
    }
}

/* Those whose tries are used up fail, the others go back to the head of the line. */
static void ChannelpReset(PDISK_CHANNEL Channel, NTSTATUS Why) NT_HOLDS(Channel->Lock)
{
    ULONG Slot;

    Channel->Resets++;
    if (!Channel->Operations->Reset(Channel)) {
        ChannelpLeave(Channel);
        return;
    }
    for (Slot = Channel->SlotCount; Slot-- != 0;) {
        (void)ChannelRetry(Channel, Slot, Why);
    }
}

typedef enum _CHANNELP_AGE {
    AgeYoung,
    AgeOld, /* its end may have been overlooked */
    AgeLate /* its time is up */
} CHANNELP_AGE;

/* => That of the oldest request in a slot. */
static CHANNELP_AGE ChannelpAge(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    ULONG64 Now = KeQueryInterruptTime();
    CHANNELP_AGE Age = AgeYoung;
    ULONG Slot;

    for (Slot = 0; Slot < Channel->SlotCount; Slot++) {
        const CHANNEL_SLOT *Each = &Channel->Slots[Slot];

        if (Each->Request == NULL) {
            continue;
        }
        if (Each->Deadline <= Now) {
            return AgeLate;
        }
        if (Now - Each->Started >= (ULONG64)CHANNEL_ASK_MS * CHANNELP_MS) {
            Age = AgeOld;
        }
    }
    return Age;
}

static void ChannelpPoll(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    if (!Channel->Gone && !Channel->Operations->Poll(Channel)) {
        Channel->Violations++;
        ChannelpReset(Channel, STATUS_IO_DEVICE_ERROR);
    }
}

static void NTAPI ChannelpInterruptDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDISK_CHANNEL Channel = Context;

    (void)Dpc;
    (void)Argument1;
    (void)Argument2;
    KefAcquireSpinLockAtDpcLevel(&Channel->Lock);
    Channel->Interrupts++;
    ChannelpPoll(Channel);
    ChannelpStart(Channel);
    KefReleaseSpinLockFromDpcLevel(&Channel->Lock);
    ChannelpComplete(Channel);
}

/* What it finds without an interrupt that is still to be served was overlooked. */
static void ChannelpAsk(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    BOOLEAN Announced = Channel->InterruptDpc.DpcData != NULL;
    ULONG Resets = Channel->Resets;
    ULONG Before = Channel->Busy;

    ChannelpPoll(Channel);
    if (!Announced && Channel->Resets == Resets) {
        Channel->Device.Unannounced += (ULONG)__builtin_popcount(Before & ~Channel->Busy);
    }
}

/* Before somebody is blamed, the controller is asked: an interrupt may have been lost. */
static void NTAPI ChannelpTimerDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDISK_CHANNEL Channel = Context;

    (void)Dpc;
    (void)Argument1;
    (void)Argument2;
    KefAcquireSpinLockAtDpcLevel(&Channel->Lock);
    Channel->Ticking = FALSE;
    if (Channel->Busy != 0 && !Channel->Operations->IsPresent(Channel)) {
        (void)Channel->Operations->Reset(Channel);
        ChannelpLeave(Channel);
    } else if (ChannelpAge(Channel) != AgeYoung) {
        ChannelpAsk(Channel);
        if (!Channel->Gone && ChannelpAge(Channel) == AgeLate) {
            ChannelpReset(Channel, STATUS_IO_TIMEOUT);
        }
    }
    ChannelpStart(Channel);
    if (Channel->Busy != 0) {
        ChannelpSetTimer(Channel); /* N2 */
    }
    KefReleaseSpinLockFromDpcLevel(&Channel->Lock);
    ChannelpComplete(Channel);
}

void ChannelInterrupt(PDISK_CHANNEL Channel)
{
    KeInsertQueueDpc(&Channel->InterruptDpc, NULL, NULL);
}

/* ---- requests ---- */

static void ChannelpSubmit(PDISK_DEVICE Device, PDISK_REQUEST Request)
{
    PDISK_CHANNEL Channel = CONTAINING_RECORD(Device, DISK_CHANNEL, Device);
    KIRQL OldIrql = KfAcquireSpinLock(&Channel->Lock);
    BOOLEAN Finished;

    Request->Private[PrivateTries] = 0;
    if (Channel->Gone) {
        ChannelpFinish(Channel, Request, STATUS_NO_SUCH_DEVICE);
    } else {
        InsertTailList(&Channel->Waiting, &Request->Link);
        ChannelpStart(Channel);
    }
    Finished = !IsListEmpty(&Channel->Finished);
    KfReleaseSpinLock(&Channel->Lock, OldIrql);
    if (Finished) {
        ChannelpComplete(Channel);
    }
}

void ChannelInitialize(PDISK_CHANNEL Channel)
{
    MI_ASSERT(Channel->SlotCount != 0 && Channel->SlotCount <= CHANNEL_SLOTS);
    Channel->Device.Submit = ChannelpSubmit;
    KeInitializeSpinLock(&Channel->Lock);
    InitializeListHead(&Channel->Waiting);
    InitializeListHead(&Channel->Finished);
    KeInitializeTimer(&Channel->Timer);
    KeInitializeDpc(&Channel->TimerDpc, ChannelpTimerDpc, Channel);
    KeInitializeDpc(&Channel->InterruptDpc, ChannelpInterruptDpc, Channel);
}

/* ---- the pages of a request ---- */

ULONG ChannelSplit(const DISK_REQUEST *Request, ULONG Bytes, ULONG Limit, CHANNEL_PIECE *Pieces,
                   ULONG Room)
{
    const MDL *Mdl = Request->Mdl;
    const PFN_NUMBER *Frames = MmGetMdlPfnArray(Mdl);
    ULONG Offset = Mdl->ByteOffset + Request->Offset;
    ULONG Count = 0;

    if (Request->Offset > Mdl->ByteCount || Bytes > Mdl->ByteCount - Request->Offset) {
        return 0;
    }
    while (Bytes != 0) {
        ULONG InPage = PAGE_SIZE - BYTE_OFFSET(Offset);
        ULONG Now = Bytes < InPage ? Bytes : InPage;
        ULONG64 Physical =
            ((ULONG64)Frames[Offset >> PAGE_SHIFT] << PAGE_SHIFT) + BYTE_OFFSET(Offset);
        CHANNEL_PIECE *Last = Count != 0 && Count <= Room ? &Pieces[Count - 1] : NULL;

        if (Last != NULL && Last->Physical + Last->Bytes == Physical &&
            Last->Bytes <= Limit - Now) {
            Last->Bytes += Now;
        } else {
            if (Count < Room) {
                Pieces[Count] = (CHANNEL_PIECE){Physical, Now};
            }
            Count++;
        }
        Offset += Now;
        Bytes -= Now;
    }
    return Count;
}
