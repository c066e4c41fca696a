/* SPDX-License-Identifier: MIT */
/*
 * system_threads.c - the threads that the memory manager and its users count on.
 *
 *     zero-page thread      priority 0: runs when nothing else does
 *     balance set manager   priority 16: trims working sets
 *     modified pages        priority 17: mm/paging/modified_writer.c
 *     paging files' growth  priority 18: mm/paging/extend.c
 *     swapper               priority 23: kernel stacks
 *     workers               one for each queue of work items, the critical and delayed ones two
 */
#include "mm/init/init.h"

#include "ex.h"
#include "mm/balance/balance_set.h"
#include "mm/ke/thread.h"
#include "mm/paging/modified_writer.h"
#include "mm/section/mapped_writer.h"
#include "mm/section/section.h"
#include "mm/paging/paging_file.h"
#include "mm/pfn/zero_pages.h"
#include "mm/sysva/kernel_stack.h"

#define MI_THREAD_TAG 0x65726854u /* 'Thre', as on NT */

/* How often the zero-page thread looks, in units of 100 ns, and how many pages it does at once. */
#define MI_ZERO_INTERVAL 2500000
#define MI_ZERO_AT_ONCE  16u

static const WORK_QUEUE_TYPE MipWorkers[] = {CriticalWorkQueue, CriticalWorkQueue, DelayedWorkQueue,
                                             DelayedWorkQueue, HyperCriticalWorkQueue};

/* Looking now and then costs freeing nothing; waking the thread at each free would. */
void NTAPI MiZeroPageThread(PVOID Context)
{
    LARGE_INTEGER Interval = {.QuadPart = -MI_ZERO_INTERVAL};

    (void)Context;
    for (;;) {
        while (MiZeroFreePages(MI_ZERO_AT_ONCE) != 0) {
            continue;
        }
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
    }
}

/* The memory manager's own, and what they run. */
static const struct {
    PKSTART_ROUTINE Routine;
    KPRIORITY Priority;
    const char *Name;
} MipThreads[] = {
    {MiZeroPageThread, LOW_PRIORITY, "zero pages"},
    {KeBalanceSetManager, MI_BALANCE_SET_PRIORITY, "balance set manager"},
    {KeSwapProcessOrStack, MI_SWAPPER_PRIORITY, "swapper"},
};

/* => NULL: no memory. */
static PKTHREAD MipAllocateThread(PVOID *StackBase)
{
    PKTHREAD Thread = ExAllocatePoolWithTag(NonPagedPool, sizeof(KTHREAD), MI_THREAD_TAG);

    if (Thread == NULL) {
        return NULL;
    }
    *StackBase = MiCreateKernelStack();
    if (*StackBase == NULL) {
        ExFreePoolWithTag(Thread, MI_THREAD_TAG);
        return NULL;
    }
    return Thread;
}

static void MipStartThreads(void)
{
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(MipThreads); i++) {
        KTHREAD_START Start = {.Routine = MipThreads[i].Routine,
                               .Priority = MipThreads[i].Priority,
                               .StackBytes = MI_KERNEL_STACK_BYTES,
                               .Name = MipThreads[i].Name};
        PKTHREAD Thread = MipAllocateThread(&Start.StackBase);

        if (Thread == NULL || !NT_SUCCESS(KeCreateSystemThread(Thread, &Start))) {
            MiInstallMoreMemory(MM_BOOT_THREADS);
        }
    }
}

void MmStartSystemThreads(void)
{
    ULONG i;

    MipStartThreads();
    if (!NT_SUCCESS(MiStartModifiedWriter()) || !NT_SUCCESS(MiStartFileGrowth()) ||
        !NT_SUCCESS(MiStartMappedWriter()) || !NT_SUCCESS(MiStartSegmentThread())) {
        MiInstallMoreMemory(MM_BOOT_THREADS);
    }
    for (i = 0; i < RTL_NUMBER_OF(MipWorkers); i++) {
        PVOID StackBase;
        PKTHREAD Thread = MipAllocateThread(&StackBase);

        if (Thread == NULL || !NT_SUCCESS(KeCreateWorkerThread(Thread, MipWorkers[i], StackBase,
                                                               MI_KERNEL_STACK_BYTES))) {
            MiInstallMoreMemory(MM_BOOT_THREADS);
        }
    }
}
