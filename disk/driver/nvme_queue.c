/* SPDX-License-Identifier: MIT */
/*
 * nvme_queue.c - a queue of commands and its queue of completions.
 *
 * The controller writes completions in order and turns the phase bit each time round, so that an
 * entry is new when its phase is the one that is due.  Completions are input: which queue, which
 * command, and how far commands were read are checked against what was sent.
 *
 * Locking: the queue's owner's.
 */
#include "disk/driver/nvme.h"

#include "arch/port.h"
#include "rtl.h"

void NvmeEmptyQueue(PNVME_QUEUE Queue)
{
    Queue->Tail = Queue->Head = Queue->Next = 0;
    Queue->Phase = NVME_PHASE;
    memset(Queue->Commands, 0, Queue->Entries * sizeof(NVME_COMMAND));
    memset((PVOID)Queue->Completions, 0, Queue->Entries * sizeof(NVME_COMPLETION));
}

void NvmeSubmit(PNVME_QUEUE Queue, const NVME_COMMAND *Command)
{
    Queue->Commands[Queue->Tail] = *Command;
    Queue->Tail = (Queue->Tail + 1) % Queue->Entries;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the command before the doorbell */
    WRITE_REGISTER_ULONG(Queue->TailDoorbell, Queue->Tail);
}

/* => The controller can have read up to Head. */
static BOOLEAN NvmepIsPossibleHead(const NVME_QUEUE *Queue, ULONG Head)
{
    ULONG Sent = (Queue->Tail + Queue->Entries - Queue->Head) % Queue->Entries;

    return Head < Queue->Entries && (Head + Queue->Entries - Queue->Head) % Queue->Entries <= Sent;
}

NVME_FOUND NvmeTake(PNVME_QUEUE Queue, NVME_COMPLETION *Answer)
{
    const volatile NVME_COMPLETION *Entry = &Queue->Completions[Queue->Next];
    NVME_COMPLETION Found;

    if ((Entry->Status & NVME_PHASE) != Queue->Phase) {
        return NvmeNothing;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the phase before what it reveals */
    Found = *Entry;
    Queue->Next++;
    if (Queue->Next == Queue->Entries) {
        Queue->Next = 0;
        Queue->Phase ^= NVME_PHASE;
    }
    if (Found.Queue != Queue->Id || !NvmepIsPossibleHead(Queue, Found.Head)) {
        return NvmeNonsense;
    }
    Queue->Head = Found.Head;
    *Answer = Found;
    return NvmeAnswer;
}

void NvmeAcknowledge(const NVME_QUEUE *Queue)
{
    WRITE_REGISTER_ULONG(Queue->HeadDoorbell, Queue->Next);
}
