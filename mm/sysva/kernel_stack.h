/* SPDX-License-Identifier: MIT */
/*
 * kernel_stack.h - kernel stacks: 12 KB above a page that is never mapped.
 *
 *     Base - 4000   guard: running into it is a page fault whose own frame cannot be pushed, so
 *                   a double fault, bug check 0x7F with P1 = 8
 *     Base - 3000   lowest address of the stack
 *     Base          end of the stack: what KiInitializeStack takes
 *
 * IRQL <= DISPATCH_LEVEL for all.
 */
#ifndef MM_SYSVA_KERNEL_STACK_H
#define MM_SYSVA_KERNEL_STACK_H

#include "nt/annotations.h"
#include "nt/types.h"
#include "spinlock.h"

#define MI_KERNEL_STACK_PAGES 3u
#define MI_KERNEL_STACK_BYTES (MI_KERNEL_STACK_PAGES * PAGE_SIZE)
#define MI_CACHED_STACKS      8u

extern KSPIN_LOCK MiKernelStackLock;

/* => Before the first stack. */
void MiInitializeKernelStacks(void) NT_NOT_HOLDING(MiKernelStackLock);

/* => Returns the stack's Base; contents are undefined.  NULL: no frames, system PTEs or commit. */
PVOID MiCreateKernelStack(void) NT_NOT_HOLDING(MiKernelStackLock);

/* => Base comes from MiCreateKernelStack, nobody runs on it.  Up to MI_CACHED_STACKS are kept. */
void MiDeleteKernelStack(PVOID Base) NT_NOT_HOLDING(MiKernelStackLock);

/* Give the kept stacks back.  => Returns the number of pages. */
ULONG MiTrimKernelStacks(void) NT_NOT_HOLDING(MiKernelStackLock);

typedef struct _MI_KERNEL_STACK_COUNTERS {
    ULONG InUse;
    ULONG Cached;
    ULONG Peak; /* the highest InUse so far */
} MI_KERNEL_STACK_COUNTERS, *PMI_KERNEL_STACK_COUNTERS;

void MiQueryKernelStacks(PMI_KERNEL_STACK_COUNTERS Counters) NT_NOT_HOLDING(MiKernelStackLock);

/* Check the stacks that are kept.  => Stops the machine when one is not as said above. */
void MiVerifyKernelStacks(void) NT_NOT_HOLDING(MiKernelStackLock);

#endif
