/* SPDX-License-Identifier: MIT */
/*
 * work_item.c - system worker threads: routines that run at PASSIVE_LEVEL for whoever asks.
 *
 * Three queues, each served by threads of one documented priority:
 *
 *     HyperCriticalWorkQueue  15
 *     CriticalWorkQueue       13
 *     DelayedWorkQueue        12   those that may wait long
 *
 * Invariant: a queue's semaphore counts the items that are in it, less those that a woken thread is
 * about to take.
 *
 * Locking: KipWorkLock for the lists and for WORK_QUEUE_ITEM.List.
 */
#include "mm/ke/dispatcher.h"

/* WORKER_INVALID: an item that is queued was queued again. */
#define WORKER_QUEUED_TWICE 1u

typedef struct _WORK_QUEUE {
    LIST_ENTRY Items;
    KSEMAPHORE Available;
} WORK_QUEUE, *PWORK_QUEUE;

static KSPIN_LOCK KipWorkLock;
static WORK_QUEUE KipWorkQueues[MaximumWorkQueue]; /* their Items: KipWorkLock */

static const struct {
    KPRIORITY Priority;
    const char *Name;
} KipWorkers[MaximumWorkQueue] = {
    [CriticalWorkQueue] = {13, "worker, critical"},
    [DelayedWorkQueue] = {12, "worker, delayed"},
    [HyperCriticalWorkQueue] = {15, "worker, hypercritical"},
};

void NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
    PWORK_QUEUE Queue;
    KIRQL OldIrql;

    MI_ASSERT((ULONG)QueueType < MaximumWorkQueue && WorkItem->WorkerRoutine != NULL);
    Queue = &KipWorkQueues[QueueType];
    OldIrql = KfAcquireSpinLock(&KipWorkLock);
    if (WorkItem->List.Flink != NULL) {
        KeBugCheckEx(WORKER_INVALID, WORKER_QUEUED_TWICE, (ULONG_PTR)WorkItem, 0, 0);
    }
    InsertTailList(&Queue->Items, &WorkItem->List);
    KfReleaseSpinLock(&KipWorkLock, OldIrql);
    KeReleaseSemaphore(&Queue->Available, SEMAPHORE_INCREMENT, 1, FALSE);
}

static PWORK_QUEUE_ITEM TakeItem(PWORK_QUEUE Queue)
{
    PWORK_QUEUE_ITEM Item;
    KIRQL OldIrql;

    KeWaitForSingleObject(&Queue->Available, WrQueue, KernelMode, FALSE, NULL);
    OldIrql = KfAcquireSpinLock(&KipWorkLock);
    Item = CONTAINING_RECORD(RemoveHeadList(&Queue->Items), WORK_QUEUE_ITEM, List);
    Item->List.Flink = NULL; /* may be queued again */
    KfReleaseSpinLock(&KipWorkLock, OldIrql);
    return Item;
}

static void NTAPI Work(PVOID Context)
{
    for (;;) {
        PWORK_QUEUE_ITEM Item = TakeItem(Context);
        PWORKER_THREAD_ROUTINE Routine = Item->WorkerRoutine;
        PVOID Parameter = Item->Parameter;

        KeCounters.WorkItemsRun++;
        Routine(Parameter);
        if (KeGetCurrentIrql() != PASSIVE_LEVEL) {
            KeBugCheckEx(WORKER_THREAD_RETURNED_AT_BAD_IRQL, (ULONG_PTR)Routine, KeGetCurrentIrql(),
                         (ULONG_PTR)Parameter, (ULONG_PTR)Item);
        }
    }
}

NTSTATUS KeCreateWorkerThread(PKTHREAD Thread, WORK_QUEUE_TYPE QueueType, PVOID StackBase,
                              SIZE_T StackBytes)
{
    KTHREAD_START Start = {.Routine = Work, .StackBase = StackBase, .StackBytes = StackBytes};

    if ((ULONG)QueueType >= MaximumWorkQueue) {
        return STATUS_INVALID_PARAMETER;
    }
    Start.Context = &KipWorkQueues[QueueType];
    Start.Priority = KipWorkers[QueueType].Priority;
    Start.Name = KipWorkers[QueueType].Name;
    return KeCreateSystemThread(Thread, &Start);
}

void KiInitializeWorkQueues(void)
{
    ULONG Type;

    KeInitializeSpinLock(&KipWorkLock);
    for (Type = 0; Type < MaximumWorkQueue; Type++) {
        InitializeListHead(&KipWorkQueues[Type].Items);
        KeInitializeSemaphore(&KipWorkQueues[Type].Available, 0, INT32_MAX);
    }
}
