/* SPDX-License-Identifier: MIT */
/*
 * swapper.h - kernel stacks of threads that wait for long leave memory, and come back.
 */
#ifndef MM_BALANCE_SWAPPER_H
#define MM_BALANCE_SWAPPER_H

#include "mm/ke/stack_swap.h"

typedef struct _MI_SWAP_COUNTERS {
    ULONG Outswaps; /* stacks */
    ULONG Inswaps;
    ULONG Reads; /* pages of stacks that came from a paging file */
} MI_SWAP_COUNTERS, *PMI_SWAP_COUNTERS;

extern MI_SWAP_COUNTERS MiSwapCounters; /* written by the swapper alone */

/* A thread's stack may go after so many seconds in a wait of UserMode: documented. */
#define MI_OUTSWAP_SECONDS       15u
#define MI_OUTSWAP_SECONDS_SMALL 3u
#define MI_SMALL_MACHINE_PAGES   ((12u << 20) / PAGE_SIZE)

/* => Any IRQL up to DISPATCH_LEVEL. */
void MiWakeSwapper(void);

/*
 * Bring back each stack that a thread needs; then, if MiWakeSwapper was called since the last time,
 * take out those that nobody will need soon.
 *
 * => PASSIVE_LEVEL, one caller at a time.  May wait for memory and for the disk.
 * => Bug check 0x77 when a page of a stack cannot be read: P1 and P2 the status, P3 the paging
 *    file's number, P4 the offset in it, in bytes.  0x4D as MiWaitForMemory.
 */
void MiSwapStacks(void);

/*
 * Each page of a stack that is not resident is where its PTE says, and they are as many as counted.
 *
 * => IRQL <= DISPATCH_LEVEL.  Stops the machine when not.
 */
void MiVerifyStackSwap(void);

#endif
