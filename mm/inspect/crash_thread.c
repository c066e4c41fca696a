/* SPDX-License-Identifier: MIT */
/*
 * crash_thread.c - what goes wrong with threads, locks and waits.
 */
#include "mm/inspect/crash_memory.h"

#include "mm/ke/thread.h"
#include "mm/sysva/kernel_stack.h"
#include "nt/bugcodes.h"
#include "nt/status.h"
#include "spinlock.h"

static KTHREAD MipThread;
static KSPIN_LOCK MipLock;
static KEVENT MipEvent;
static KMUTANT MipMutant;
static WORK_QUEUE_ITEM MipItem;
static ULONG MipParameter;

/* Each call keeps half a page of the stack; one of them touches the guard. */
static ULONG MipRecurse(ULONG Depth)
{
    volatile UCHAR Page[PAGE_SIZE / 2];

    Page[0] = (UCHAR)Depth;
    return Depth == 0 ? 0 : MipRecurse(Depth - 1) + Page[0];
}

static void NTAPI MipOverflowStack(PVOID Context)
{
    (void)Context;
    (void)MipRecurse(1000);
}

static void MipOverflowKernelStack(void)
{
    KTHREAD_START Start = {.Routine = MipOverflowStack,
                           .Priority = HIGH_PRIORITY,
                           .StackBytes = MI_KERNEL_STACK_BYTES,
                           .Name = "overflow"};

    Start.StackBase = MiCreateKernelStack();
    MiExpectStop(UNEXPECTED_KERNEL_MODE_TRAP, 8, MI_ANY_PARAMETER, 0, 0);
    (void)!KeCreateSystemThread(&MipThread, &Start);
    KeWaitForSingleObject(&MipThread, Executive, KernelMode, FALSE, NULL);
}

static void MipTakeLockTwice(void) NT_NO_LOCK_ANALYSIS
{
    KeInitializeSpinLock(&MipLock);
    (void)KfAcquireSpinLock(&MipLock);
    MiExpectStop(SPIN_LOCK_ALREADY_OWNED, (ULONG_PTR)&MipLock, MipLock, MI_ANY_PARAMETER, 0);
    (void)KfAcquireSpinLock(&MipLock);
}

static void MipReleaseFreeLock(void) NT_NO_LOCK_ANALYSIS
{
    KeInitializeSpinLock(&MipLock);
    MiExpectStop(SPIN_LOCK_NOT_OWNED, (ULONG_PTR)&MipLock, 0, MI_ANY_PARAMETER, 0);
    KfReleaseSpinLock(&MipLock, PASSIVE_LEVEL);
}

static void MipWaitAtDispatch(void)
{
    KeInitializeEvent(&MipEvent, NotificationEvent, FALSE);
    MiExpectStop(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)&MipEvent, DISPATCH_LEVEL, 0, MI_ANY_PARAMETER);
    KfRaiseIrql(DISPATCH_LEVEL);
    KeWaitForSingleObject(&MipEvent, Executive, KernelMode, FALSE, NULL);
}

static void MipDelayAtDispatch(void)
{
    static LARGE_INTEGER Interval = {.QuadPart = -10};

    MiExpectStop(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)&Interval, DISPATCH_LEVEL, 0, MI_ANY_PARAMETER);
    KfRaiseIrql(DISPATCH_LEVEL);
    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

static void MipReleaseForeignMutant(void)
{
    KeInitializeMutant(&MipMutant, FALSE);
    MiExpectStop(KMODE_EXCEPTION_NOT_HANDLED, (ULONG)STATUS_MUTANT_NOT_OWNED, MI_ANY_PARAMETER,
                 (ULONG_PTR)&MipMutant, 0);
    KeReleaseMutant(&MipMutant, MUTANT_INCREMENT, FALSE, FALSE);
}

static void NTAPI MipDoNothing(PVOID Parameter)
{
    (void)Parameter;
}

static void MipQueueItemTwice(void)
{
    ExInitializeWorkItem(&MipItem, MipDoNothing, NULL);
    MiExpectStop(WORKER_INVALID, 1, (ULONG_PTR)&MipItem, 0, 0);
    KfRaiseIrql(DISPATCH_LEVEL); /* no worker takes it in between */
    ExQueueWorkItem(&MipItem, DelayedWorkQueue);
    ExQueueWorkItem(&MipItem, DelayedWorkQueue);
}

static void NTAPI MipReturnRaised(PVOID Parameter)
{
    (void)Parameter;
    KfRaiseIrql(DISPATCH_LEVEL);
}

static void MipReturnFromItemRaised(void)
{
    LARGE_INTEGER Interval = {.QuadPart = -10000000};

    ExInitializeWorkItem(&MipItem, MipReturnRaised, &MipParameter);
    MiExpectStop(WORKER_THREAD_RETURNED_AT_BAD_IRQL, (ULONG_PTR)MipReturnRaised, DISPATCH_LEVEL,
                 (ULONG_PTR)&MipParameter, (ULONG_PTR)&MipItem);
    ExQueueWorkItem(&MipItem, CriticalWorkQueue);
    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

const MI_CRASH MiThreadCrashes[] = {
    {"kernel-stack", MipOverflowKernelStack},
    {"lock-owned", MipTakeLockTwice},
    {"lock-free", MipReleaseFreeLock},
    {"wait-at-dispatch", MipWaitAtDispatch},
    {"delay-at-dispatch", MipDelayAtDispatch},
    {"mutant-not-owned", MipReleaseForeignMutant},
    {"worker-twice", MipQueueItemTwice},
    {"worker-irql", MipReturnFromItemRaised},
    {NULL, NULL},
};
