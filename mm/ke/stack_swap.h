/* SPDX-License-Identifier: MIT */
/*
 * stack_swap.h - threads whose kernel stack may leave memory while they wait.
 *
 * The dispatcher touches no stack but the running thread's, so that a waiting thread's may be away.
 * When its wait ends the thread is in Transition, and ready when its stack is back.  Who moves
 * stacks is the swapper (mm/balance), one thread.
 */
#ifndef KE_STACK_SWAP_H
#define KE_STACK_SWAP_H

#include "mm/ke/thread.h"

/* Set when a thread comes into Transition; the swapper waits for it. */
extern KEVENT KiSwapEvent;

void KiInitializeStackSwap(void);

/* => Runs with the dispatcher locked.  Whether Thread's stack is of a kind that can leave. */
typedef BOOLEAN KI_STACK_FILTER(const KTHREAD *Thread);

/*
 * A thread that has waited in UserMode for at least Ticks, allows it, and is of no realtime
 * priority: those must not wait for a disk.  Its stack is the caller's from now on.
 *
 * => NULL: there is none.
 */
PKTHREAD KiTakeOutswapThread(ULONG Ticks, KI_STACK_FILTER *Filter);

/* The thread that is longest in Transition; it stays there.  => NULL: there is none. */
PKTHREAD KiFindInswapThread(void);

/* Its stack is back: it is ready. */
void KiEndInswap(PKTHREAD Thread);

/* For verify: Routine hears of each thread whose stack is away, with the dispatcher locked. */
typedef void KI_STACK_ROUTINE(const KTHREAD *Thread, PVOID Context);
void KiForEachOutswapped(KI_STACK_ROUTINE *Routine, PVOID Context);

#endif
