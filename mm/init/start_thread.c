/* SPDX-License-Identifier: MIT */
/*
 * start_thread.c - system threads for whoever needs one: a kernel stack and what returns it.
 *
 * Locking: none of its own.
 */
#include "ps.h"

#include "ex.h"
#include "mm/ke/thread.h"
#include "mm/sysva/kernel_stack.h"

#define MIP_THREAD_TAG 0x65726854u /* 'Thre', as on NT */

typedef struct _MIP_SYSTEM_THREAD {
    KTHREAD Kernel;
    PVOID StackBase; /* (I) */
} MIP_SYSTEM_THREAD, *PMIP_SYSTEM_THREAD;

/* The thread has left its stack. */
static void MipReapThread(PKTHREAD Kernel)
{
    PMIP_SYSTEM_THREAD Thread = CONTAINING_RECORD(Kernel, MIP_SYSTEM_THREAD, Kernel);

    MiDeleteKernelStack(Thread->StackBase);
    ExFreePoolWithTag(Thread, MIP_THREAD_TAG);
}

NTSTATUS PsStartSystemThread(PS_SYSTEM_ROUTINE *Routine, PVOID Context, KPRIORITY Priority,
                             const char *Name)
{
    PMIP_SYSTEM_THREAD Thread =
        ExAllocatePoolWithTag(NonPagedPool, sizeof(*Thread), MIP_THREAD_TAG);
    KTHREAD_START Start = {.Routine = Routine,
                           .Context = Context,
                           .Priority = Priority,
                           .StackBase = Thread != NULL ? MiCreateKernelStack() : NULL,
                           .StackBytes = MI_KERNEL_STACK_BYTES,
                           .Reaper = MipReapThread,
                           .Name = Name};
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    if (Start.StackBase != NULL) {
        Thread->StackBase = Start.StackBase;
        Status = KeCreateSystemThread(&Thread->Kernel, &Start);
        if (NT_SUCCESS(Status)) {
            return Status;
        }
        MiDeleteKernelStack(Start.StackBase);
    }
    if (Thread != NULL) {
        ExFreePoolWithTag(Thread, MIP_THREAD_TAG);
    }
    return Status;
}
