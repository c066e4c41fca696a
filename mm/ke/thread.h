/* SPDX-License-Identifier: MIT */
/*
 * thread.h - KTHREAD, and the life of a thread.
 *
 * In KTHREAD: (D) KiDispatcherLock, (I) fixed after creation, (T) the thread itself, (C) written by
 * the clock interrupt too: a lost update costs a tick.
 */
#ifndef KE_THREAD_H
#define KE_THREAD_H

#include "ke.h"
#include "nt/annotations.h"
#include "rtl.h"
#include "spinlock.h"

/* NT's states; the order is that of its performance counter. */
typedef enum _KTHREAD_STATE {
    Initialized,
    Ready,
    Running,
    Standby,
    Terminated,
    Waiting,
    Transition /* ready, but for its stack, which is not in memory */
} KTHREAD_STATE;

#define KI_IDLE_PRIORITY (-1) /* below every other: anything preempts the idle thread */
#define KI_BASE_PRIORITY 8    /* of threads whose creator has no opinion */

/* Quantum units.  A tick costs 3, a wait 1; NT's short quantum is 2 ticks. */
#define KI_QUANTUM         6
#define KI_QUANTUM_OF_TICK 3
#define KI_QUANTUM_OF_WAIT 1

/* Smaller stacks cannot hold a first call and an interrupt. */
#define KI_STACK_MINIMUM    0x800u

#define KI_TIMER_WAIT_BLOCK THREAD_WAIT_OBJECTS /* the built-in block of the thread's own timer */

typedef void NTAPI KSTART_ROUTINE(PVOID StartContext);
typedef KSTART_ROUTINE *PKSTART_ROUTINE;

/* A thread has ended and left its stack: its memory is free.  => DISPATCH_LEVEL, no lock held. */
typedef void KTHREAD_REAPER(PKTHREAD Thread);

typedef struct _KTHREAD {
    DISPATCHER_HEADER Header;   /* signaled when the thread has ended; must be first */
    LIST_ENTRY MutantListHead;  /* (D) the mutants that it owns */
    LIST_ENTRY QueueListEntry;  /* (D) Ready: in its ready queue; Terminated: for the reaper */
    LIST_ENTRY ThreadListEntry; /* (D) among all threads that did not end */
    PVOID KernelStack;          /* (D) stack pointer while it does not run */
    PVOID StackBase;            /* (I) the stack's end */
    SIZE_T StackBytes;          /* (I) */
    PKWAIT_BLOCK WaitBlockList; /* (D) ring of the blocks of its wait */
    KWAIT_BLOCK WaitBlock[THREAD_WAIT_OBJECTS + 1]; /* (D) */
    KTIMER Timer;                                   /* (D) its timeouts */
    NTSTATUS WaitStatus;                            /* (D) how its last wait ended */
    volatile UCHAR State;                           /* (D) KTHREAD_STATE */
    SCHAR Priority;                                 /* (D) now, with boosts */
    SCHAR BasePriority;                             /* (D) */
    volatile SCHAR Quantum;                         /* (D,C) units left */
    UCHAR WaitReason;                               /* (D) KWAIT_REASON */
    CCHAR WaitMode;                                 /* (D) */
    BOOLEAN Alertable;                              /* (D) */
    BOOLEAN KernelStackResident;                    /* (D) its stack is in memory */
    BOOLEAN EnableStackSwap;                        /* (T) that may leave in waits of UserMode */
    BOOLEAN Starved;         /* (D) its boost is KiScanReadyQueues', and ends with the quantum */
    ULONG WaitTime;          /* (D) ticks, when it began to wait, or became ready without running */
    BOOLEAN WaitNext;        /* (T) it holds the dispatcher for the wait that follows */
    PKPROCESS Process;       /* (I) whose thread it is; NULL before there are processes */
    KAPC_STATE ApcState;     /* (D) Process: whose address space it runs in */
    KIRQL WaitIrql;          /* (T) IRQL of before that */
    CCHAR PreviousMode;      /* (T) KPROCESSOR_MODE: whose rules hold for its services */
    SHORT KernelApcDisable;  /* (T) < 0: normal kernel APCs are held back */
    SHORT SpecialApcDisable; /* (T) < 0: all are */
    ULONG ThreadId;          /* (I) counted from 1 since the start */
    ULONG ContextSwitches;   /* (D) times that it got the processor */
    PKSTART_ROUTINE StartRoutine; /* (I) */
    PVOID StartContext;           /* (I) */
    KTHREAD_REAPER *Reaper;       /* (I) or NULL */
    const char *Name;             /* (I) for dumps */
} KTHREAD;

typedef struct _KTHREAD_START {
    PKSTART_ROUTINE Routine; /* runs at PASSIVE_LEVEL; the thread ends when it returns */
    PVOID Context;
    KPRIORITY Priority; /* LOW_PRIORITY (0: the zero-page thread alone) to HIGH_PRIORITY */
    PVOID StackBase;    /* the stack's end, 16-byte aligned; it grows down from there */
    SIZE_T StackBytes;
    KTHREAD_REAPER *Reaper; /* or NULL */
    const char *Name;
    PKPROCESS Process; /* whose thread it is; NULL: the system's */
} KTHREAD_START;

/*
 * Make a thread in the caller's memory and let it run.
 *
 * => IRQL <= DISPATCH_LEVEL.  *Thread stays until its Reaper has been called.
 * => Returns STATUS_INVALID_PARAMETER, and touches nothing, when *Start is not as said there.
 */
NT_MUST_CHECK NTSTATUS KeCreateSystemThread(PKTHREAD Thread, const KTHREAD_START *Start);

/* End the running thread.  => PASSIVE_LEVEL, else bug check 0x0A.  Owns no KMUTEX. */
NT_NORETURN void KeTerminateThread(void);

/*
 * Give the processor to another ready thread of the same priority, or a higher one.
 * => IRQL < DISPATCH_LEVEL.
 */
void KeYieldThread(void);

/*
 * Raise threads that have been ready for seconds without getting the processor (starvation.c).
 *
 * => IRQL < DISPATCH_LEVEL; the balance set manager's, once a second.
 */
void KiScanReadyQueues(void);

/* ---- looking at it ---- */

typedef struct _KE_COUNTERS {
    ULONG ContextSwitches; /* from one thread to another */
    ULONG Preemptions;     /* of these, in favour of a higher priority */
    ULONG QuantumEnds;     /* quanta used up */
    ULONG StarvationBoosts;
    ULONG Waits;         /* waits that blocked */
    ULONG Timeouts;      /* of these, ended by their timeout */
    ULONG TimersExpired; /* the timeouts' timers too */
    ULONG DpcsQueued;
    ULONG DpcsRun;
    ULONG WorkItemsRun;
    ULONG ThreadsCreated; /* without the first and the idle thread */
    ULONG ThreadsTerminated;
} KE_COUNTERS;

extern KE_COUNTERS KeCounters;

/*
 * Check every thread, ready queue, wait list and timer against the invariants of schedule.c, wait.c
 * and timer.c; a violation stops the machine.
 * => IRQL <= DISPATCH_LEVEL.
 */
void KiVerifyThreads(void);

/* Which threads a list shows. */
typedef enum _KI_THREAD_CHOICE {
    KiAllThreads,
    KiReadyThreads,
    KiRunningThreads
} KI_THREAD_CHOICE;

/* Print a line for each of them; behind all, the counters.  => IRQL <= DISPATCH_LEVEL. */
void KiDumpThreads(RTL_PRINT_SINK *Sink, PVOID Context, KI_THREAD_CHOICE Choice);

/* Print a line for each thread in the process' address space; Waits: what it waits for, too. */
void KiDumpProcessThreads(RTL_PRINT_SINK *Sink, PVOID Context, const struct _KPROCESS *Process,
                          BOOLEAN Waits);

/*
 * Print what is known of one thread and of what it waits for.
 *
 * => Thread is any value.  Returns FALSE, and prints nothing, when it is no thread's address.
 */
BOOLEAN KiDumpThread(RTL_PRINT_SINK *Sink, PVOID Context, const void *Thread);

/*
 * What !stacks shows: a line for each thread whose name contains Filter ("": all), with what it
 * waits for.  Detail: 0 the line, 1 all the objects, 2 what KiDumpThread prints.
 */
void KiDumpStacks(RTL_PRINT_SINK *Sink, PVOID Context, ULONG Detail, const char *Filter);

typedef struct _KI_THREAD_STACK {
    PKTHREAD Thread;
    ULONG_PTR Lowest; /* its first byte */
    ULONG_PTR Base;   /* behind its last */
} KI_THREAD_STACK, *PKI_THREAD_STACK;

/* => Returns FALSE when Va is in no thread's stack.  Stacks whose place is not known are none. */
BOOLEAN KiFindStackOwner(ULONG_PTR Va, PKI_THREAD_STACK Stack);

/* ---- the start ---- */

/*
 * Let a worker thread serve QueueType, on a stack of the caller's.
 * => As KeCreateSystemThread.
 */
NT_MUST_CHECK NTSTATUS KeCreateWorkerThread(PKTHREAD Thread, WORK_QUEUE_TYPE QueueType,
                                            PVOID StackBase, SIZE_T StackBytes);

#endif
