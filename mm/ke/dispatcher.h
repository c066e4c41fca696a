/* SPDX-License-Identifier: MIT */
/*
 * dispatcher.h - what the files of mm/ke share: the dispatcher's lock, and the steps under it.
 */
#ifndef KE_DISPATCHER_H
#define KE_DISPATCHER_H

#include "mi_assert.h"
#include "mm/ke/process.h"
#include "mm/ke/thread.h"
#include "nt/bugcodes.h"

/* Threads' states, ready queues, dispatcher objects, wait lists, timers.  Held across a switch. */
extern KSPIN_LOCK KiDispatcherLock;

/* ---- schedule.c ---- */

extern PKTHREAD KiCurrentThread; /* who runs; NULL before KeInitializeThreads */
extern KTHREAD KiIdleThread;
extern LIST_ENTRY KiThreadList NT_GUARDED_BY(KiDispatcherLock);
extern PKTHREAD KiNextThread NT_GUARDED_BY(KiDispatcherLock);
extern ULONG KiReadySummary NT_GUARDED_BY(KiDispatcherLock);
extern LIST_ENTRY KiReadyQueues[MAXIMUM_PRIORITY] NT_GUARDED_BY(KiDispatcherLock);

/*
 * Which of Count ready threads of one priority runs next, counted from the one that waits longest.
 * NULL: that one.  The host bench takes it from its seed, so that other interleavings are tried.
 */
typedef ULONG KI_CHOICE(ULONG Count);
extern KI_CHOICE *KiChoice;

/* The clock has used up the running thread's quantum.  => Set at CLOCK2_LEVEL. */
extern volatile BOOLEAN KiQuantumEnd;

void KiInitializeScheduler(PKTHREAD First);

static inline KIRQL KiLockDispatcher(void) NT_ACQUIRES(KiDispatcherLock)
{
    return KfAcquireSpinLock(&KiDispatcherLock);
}

/*
 * Unlock and return to OldIrql; below DISPATCH_LEVEL a thread of higher priority that became ready
 * runs first, at it or above it as soon as IRQL falls.
 */
void KiUnlockDispatcher(KIRQL OldIrql) NT_RELEASES(KiDispatcherLock);

/* Thread is in no queue: let it run now or put it into its ready queue's tail. */
void KiReadyThread(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock);

/* The running thread has got another state than Running: run another until it is Running again. */
void KiSwapThread(void) NT_HOLDS(KiDispatcherLock);

/* Change a thread's priority, and what follows from it. */
void KiSetPriority(PKTHREAD Thread, SCHAR Priority) NT_HOLDS(KiDispatcherLock);

/* ---- process.c ---- */

extern PKPROCESS KiSystemProcess; /* (I) NULL before KeInitializeProcesses */

/* Go on in Process' address space; CR3 is written only when it is another one.  NULL: stay. */
void KiSwapProcess(PKPROCESS Process) NT_HOLDS(KiDispatcherLock);

/* A thread begins, and ends, to count among those that run in a process.  NULL: none. */
void KiEnterProcess(PKPROCESS Process) NT_HOLDS(KiDispatcherLock);

/* => Thread is the running one, and ends: it goes on in the system's address space. */
void KiLeaveProcess(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock);

/* ---- thread.c ---- */

void KiInitializeThread(PKTHREAD Thread, const KTHREAD_START *Start);

/* ---- wait.c ---- */

void KiInitializeHeader(PDISPATCHER_HEADER Header, UCHAR Type, ULONG Bytes, LONG SignalState);

/* Object has become signaled: end the waits that it can end, oldest first. */
void KiWaitTest(PDISPATCHER_HEADER Object, KPRIORITY Increment) NT_HOLDS(KiDispatcherLock);

/*
 * What a call with a Wait argument ends with: unlock, or keep the dispatcher for the wait to come.
 */
void KiUnlockOrKeepForWait(KIRQL OldIrql, BOOLEAN Wait) NT_RELEASES(KiDispatcherLock);

/* Stop where NT raises Status: bug check 0x1E with the status, the caller and the object. */
NT_NORETURN void KiRaiseStatus(NTSTATUS Status, ULONG_PTR Caller, PVOID Object);

/* ---- stack_swap.c ---- */

extern LIST_ENTRY KiStackInSwapListHead NT_GUARDED_BY(KiDispatcherLock);

/* Thread would be ready if its stack were there: the swapper is to bring it. */
void KiQueueInswap(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock);

/* ---- mutex.c ---- */

/* Thread takes a mutant that is free or its own.  => Returns whether it was abandoned. */
BOOLEAN KiTakeMutant(PKMUTANT Mutant, PKTHREAD Thread) NT_HOLDS(KiDispatcherLock);

/* Thread ends: its mutants are abandoned. */
void KiAbandonMutants(PKTHREAD Thread) NT_HOLDS(KiDispatcherLock);

/* ---- timer.c ---- */

#define KI_TIMER_HANDS      256u
#define KI_TIMER_HAND_SHIFT 16 /* 6.5536 ms each: finer than a tick */

extern LIST_ENTRY KiTimerTable[KI_TIMER_HANDS] NT_GUARDED_BY(KiDispatcherLock);
extern volatile ULONG KiTimerHands[KI_TIMER_HANDS / 32]; /* bit n: list n is not empty */
extern volatile BOOLEAN KiTimersDue;                     /* set by the clock */

void KiInitializeTimers(void);

/* => DueTime as KeSetTimer's.  Returns FALSE, and does nothing, when that is now or past. */
BOOLEAN KiInsertTimer(PKTIMER Timer, LONGLONG DueTime) NT_HOLDS(KiDispatcherLock);
void KiRemoveTimer(PKTIMER Timer) NT_HOLDS(KiDispatcherLock);

/* Signal the timers whose time has come. */
void KiExpireTimers(void) NT_HOLDS(KiDispatcherLock);

/* ---- time.c ---- */

void KiInitializeTime(void);
LONGLONG KiQuerySystemTime(void);

/* ---- dpc.c ---- */

extern volatile ULONG KiDpcDepth; /* DPCs that are queued */

void KiInitializeDpcs(void);

/* Run DPCs until none is queued.  => DISPATCH_LEVEL, no lock held. */
void KiDrainDpcs(void);

/* ---- work_item.c ---- */

void KiInitializeWorkQueues(void);

#endif
