/* SPDX-License-Identifier: MIT */
/*
 * ke.h - threads, dispatcher objects, waits, timers, DPCs and work items, as drivers see them.
 *
 * Names, prototypes and layouts are those documented for drivers of x86 NT 5.2 (Microsoft Learn,
 * wdm.h).  A call without its own IRQL runs at IRQL <= DISPATCH_LEVEL.
 *
 * Where NT raises an exception, this kernel stops with bug check 0x1E and the exception's status as
 * its first parameter: it has no exception handlers yet.
 *
 * In the structures: (D) KiDispatcherLock, (Q) KiDpcLock, (I) fixed after initialisation,
 * (A) atomic, (O) the owner of the mutex.
 */
#ifndef KE_H
#define KE_H

#include "arch/cpu.h"
#include "nt/list.h"
#include "nt/status.h"
#include "nt/types.h"

typedef struct _KTHREAD *PKTHREAD, *PRKTHREAD;
typedef struct _KPROCESS *PKPROCESS, *PRKPROCESS;

/* ---- IRQL: arch/cpu.h has the fast calls ---- */

/* => As KfRaiseIrql and KfLowerIrql. */
void NTAPI KeRaiseIrql(KIRQL NewIrql, PKIRQL OldIrql);
void NTAPI KeLowerIrql(KIRQL NewIrql);

/* ---- dispatcher objects: what a thread can wait for ---- */

/* DISPATCHER_HEADER.Type, and KDPC.Type. */
typedef enum _KOBJECTS {
    EventNotificationObject = 0,
    EventSynchronizationObject = 1,
    MutantObject = 2,
    ProcessObject = 3,
    SemaphoreObject = 5,
    ThreadObject = 6,
    GateObject = 7,
    TimerNotificationObject = 8,
    TimerSynchronizationObject = 9,
    DpcObject = 0x13,
} KOBJECTS;

typedef struct _DISPATCHER_HEADER {
    UCHAR Type;                /* (I) KOBJECTS */
    UCHAR Absolute;            /* (D) a timer set to a system time */
    UCHAR Size;                /* (I) in ULONGs */
    BOOLEAN Inserted;          /* (D) a timer in the timer table */
    volatile LONG SignalState; /* (D) > 0: signaled */
    LIST_ENTRY WaitListHead;   /* (D) of KWAIT_BLOCK.WaitListEntry, oldest first */
} DISPATCHER_HEADER, *PDISPATCHER_HEADER;

typedef struct _KWAIT_BLOCK {
    LIST_ENTRY WaitListEntry;           /* (D) in Object's list */
    PKTHREAD Thread;                    /* (D) who waits */
    PVOID Object;                       /* (D) for what */
    struct _KWAIT_BLOCK *NextWaitBlock; /* (D) ring of this wait's blocks */
    USHORT WaitKey;                     /* (D) the status that this object gives */
    UCHAR WaitType;                     /* (D) WAIT_TYPE */
    UCHAR SpareByte;
} KWAIT_BLOCK, *PKWAIT_BLOCK, *PRKWAIT_BLOCK;

typedef enum _EVENT_TYPE {
    NotificationEvent,
    SynchronizationEvent
} EVENT_TYPE;

typedef enum _TIMER_TYPE {
    NotificationTimer,
    SynchronizationTimer
} TIMER_TYPE;

typedef enum _WAIT_TYPE {
    WaitAll,
    WaitAny
} WAIT_TYPE;

typedef struct _KEVENT {
    DISPATCHER_HEADER Header;
} KEVENT, *PKEVENT, *PRKEVENT;

/* A synchronization event for guarded mutexes. */
typedef struct _KGATE {
    DISPATCHER_HEADER Header;
} KGATE, *PKGATE;

typedef struct _KSEMAPHORE {
    DISPATCHER_HEADER Header; /* SignalState is the count */
    LONG Limit;               /* (I) */
} KSEMAPHORE, *PKSEMAPHORE, *PRKSEMAPHORE;

typedef struct _KMUTANT {
    DISPATCHER_HEADER Header;   /* SignalState 1: free; 1 - n: acquired n times */
    LIST_ENTRY MutantListEntry; /* (D) among its owner's */
    PKTHREAD OwnerThread;       /* (D) NULL: free */
    BOOLEAN Abandoned;          /* (D) its last owner ended */
    UCHAR ApcDisable;           /* (I) 1: KMUTEX, owning it holds normal kernel APCs back */
} KMUTANT, *PKMUTANT, *PRKMUTANT, KMUTEX, *PKMUTEX, *PRKMUTEX;

struct _KDPC;
typedef void NTAPI KDEFERRED_ROUTINE(struct _KDPC *Dpc, PVOID DeferredContext,
                                     PVOID SystemArgument1, PVOID SystemArgument2);
typedef KDEFERRED_ROUTINE *PKDEFERRED_ROUTINE;

typedef enum _KDPC_IMPORTANCE {
    LowImportance,
    MediumImportance,
    HighImportance,
    MediumHighImportance
} KDPC_IMPORTANCE;

typedef struct _KDPC {
    UCHAR Type;                         /* (I) DpcObject */
    UCHAR Importance;                   /* (Q) KDPC_IMPORTANCE */
    volatile USHORT Number;             /* (I) target processor */
    LIST_ENTRY DpcListEntry;            /* (Q) */
    PKDEFERRED_ROUTINE DeferredRoutine; /* (I) */
    PVOID DeferredContext;              /* (I) */
    PVOID SystemArgument1;              /* (Q) */
    PVOID SystemArgument2;              /* (Q) */
    volatile PVOID DpcData;             /* (Q) its queue; NULL: not queued */
} KDPC, *PKDPC, *PRKDPC;

typedef struct _KTIMER {
    DISPATCHER_HEADER Header;
    ULARGE_INTEGER DueTime;    /* (D) interrupt time */
    LIST_ENTRY TimerListEntry; /* (D) in the timer table while Header.Inserted */
    PKDPC Dpc;                 /* (D) queued at expiry, or NULL */
    ULONG Period;              /* (D) milliseconds, 0: once */
} KTIMER, *PKTIMER, *PRKTIMER;

typedef struct _FAST_MUTEX {
    volatile LONG Count; /* (A) 1: free; 1 - n: owned, with n - 1 waiting */
    PKTHREAD Owner;      /* (O) */
    ULONG Contention;    /* (A) acquisitions that had to wait */
    KEVENT Event;        /* hands it to one who waits */
    ULONG OldIrql;       /* (O) */
} FAST_MUTEX, *PFAST_MUTEX;

typedef struct _KGUARDED_MUTEX {
    volatile LONG Count; /* (A) as FAST_MUTEX */
    PKTHREAD Owner;      /* (O) */
    ULONG Contention;    /* (A) */
    KGATE Gate;
    union {
        struct {
            SHORT KernelApcDisable;
            SHORT SpecialApcDisable; /* (O) the owner's, when it got the mutex */
        };
        ULONG CombinedApcDisable;
    };
} KGUARDED_MUTEX, *PKGUARDED_MUTEX;

typedef void NTAPI WORKER_THREAD_ROUTINE(PVOID Parameter);
typedef WORKER_THREAD_ROUTINE *PWORKER_THREAD_ROUTINE;

typedef enum _WORK_QUEUE_TYPE {
    CriticalWorkQueue,
    DelayedWorkQueue,
    HyperCriticalWorkQueue,
    MaximumWorkQueue
} WORK_QUEUE_TYPE;

typedef struct _WORK_QUEUE_ITEM {
    LIST_ENTRY List; /* Flink NULL: not queued */
    PWORKER_THREAD_ROUTINE WorkerRoutine;
    volatile PVOID Parameter;
} WORK_QUEUE_ITEM, *PWORK_QUEUE_ITEM;

/* Whose address space a thread runs in.  APCs do not exist yet: their fields stay as they are. */
typedef struct _KAPC_STATE {
    LIST_ENTRY ApcListHead[2];
    PKPROCESS Process; /* (D) */
    BOOLEAN KernelApcInProgress;
    BOOLEAN KernelApcPending;
    BOOLEAN UserApcPending;
} KAPC_STATE, *PKAPC_STATE, *PRKAPC_STATE;

/* 64 bits that readers at any IRQL see whole: High1Time equals High2Time when they are. */
typedef struct _KSYSTEM_TIME {
    ULONG LowPart;
    LONG High1Time;
    LONG High2Time;
} KSYSTEM_TIME, *PKSYSTEM_TIME;

#if defined(__i386__) /* x86 NT 5.2's layouts */
NT_C_ASSERT(sizeof(DISPATCHER_HEADER) == 0x10);
NT_C_ASSERT(offsetof(DISPATCHER_HEADER, SignalState) == 0x04);
NT_C_ASSERT(offsetof(DISPATCHER_HEADER, WaitListHead) == 0x08);
NT_C_ASSERT(sizeof(KWAIT_BLOCK) == 0x18);
NT_C_ASSERT(offsetof(KWAIT_BLOCK, Thread) == 0x08);
NT_C_ASSERT(offsetof(KWAIT_BLOCK, NextWaitBlock) == 0x10);
NT_C_ASSERT(offsetof(KWAIT_BLOCK, WaitType) == 0x16);
NT_C_ASSERT(sizeof(KEVENT) == 0x10);
NT_C_ASSERT(sizeof(KSEMAPHORE) == 0x14);
NT_C_ASSERT(sizeof(KMUTANT) == 0x20);
NT_C_ASSERT(offsetof(KMUTANT, OwnerThread) == 0x18);
NT_C_ASSERT(offsetof(KMUTANT, ApcDisable) == 0x1D);
NT_C_ASSERT(sizeof(KDPC) == 0x20);
NT_C_ASSERT(offsetof(KDPC, DpcListEntry) == 0x04);
NT_C_ASSERT(offsetof(KDPC, DeferredRoutine) == 0x0C);
NT_C_ASSERT(offsetof(KDPC, DpcData) == 0x1C);
NT_C_ASSERT(sizeof(KTIMER) == 0x28);
NT_C_ASSERT(offsetof(KTIMER, DueTime) == 0x10);
NT_C_ASSERT(offsetof(KTIMER, Dpc) == 0x20);
NT_C_ASSERT(offsetof(KTIMER, Period) == 0x24);
NT_C_ASSERT(sizeof(FAST_MUTEX) == 0x20);
NT_C_ASSERT(offsetof(FAST_MUTEX, Event) == 0x0C);
NT_C_ASSERT(offsetof(FAST_MUTEX, OldIrql) == 0x1C);
NT_C_ASSERT(sizeof(KGUARDED_MUTEX) == 0x20);
NT_C_ASSERT(offsetof(KGUARDED_MUTEX, Gate) == 0x0C);
NT_C_ASSERT(offsetof(KGUARDED_MUTEX, SpecialApcDisable) == 0x1E);
NT_C_ASSERT(sizeof(WORK_QUEUE_ITEM) == 0x10);
NT_C_ASSERT(offsetof(WORK_QUEUE_ITEM, WorkerRoutine) == 0x08);
NT_C_ASSERT(sizeof(KAPC_STATE) == 0x18);
NT_C_ASSERT(offsetof(KAPC_STATE, Process) == 0x10);
NT_C_ASSERT(sizeof(KSYSTEM_TIME) == 0x0C);
NT_C_ASSERT(sizeof(LARGE_INTEGER) == 8 && _Alignof(LARGE_INTEGER) == 8);
#endif

/* ---- priorities, and what a completed wait adds to them ---- */

#define LOW_PRIORITY          0
#define LOW_REALTIME_PRIORITY 16 /* from here on a priority neither rises nor decays */
#define HIGH_PRIORITY         31
#define MAXIMUM_PRIORITY      32

#define IO_NO_INCREMENT       0
#define IO_DISK_INCREMENT     1
#define IO_KEYBOARD_INCREMENT 6
#define EVENT_INCREMENT       1
#define SEMAPHORE_INCREMENT   1
#define MUTANT_INCREMENT      1

/* ---- threads ---- */

PKTHREAD NTAPI KeGetCurrentThread(void);

/*
 * Set the run-time priority; boosts are forgotten and the quantum starts anew.
 *
 * => Priority 1 to HIGH_PRIORITY.
 * => Returns the old one.
 */
KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority);
KPRIORITY NTAPI KeQueryPriorityThread(PKTHREAD Thread);

/*
 * Hold normal kernel APCs (critical region) or all kernel APCs (guarded region) back.  There are no
 * APCs yet: only the balance is kept.
 * => IRQL <= APC_LEVEL.
 */
void NTAPI KeEnterCriticalRegion(void);
void NTAPI KeLeaveCriticalRegion(void);
void NTAPI KeEnterGuardedRegion(void);
void NTAPI KeLeaveGuardedRegion(void);

/*
 * Let the running thread go on in Process' address space, and return to the one of before.  Calls
 * nest like brackets; *ApcState is the caller's and remembers where to return to.
 *
 * => IRQL <= APC_LEVEL, else bug check 0x05: Process, the thread's process, 0, whether IRQL is that
 *    of a DPC.  Process stays until the detach.
 */
void NTAPI KeStackAttachProcess(PRKPROCESS Process, PRKAPC_STATE ApcState);
void NTAPI KeUnstackDetachProcess(PRKAPC_STATE ApcState);

/*
 * Whether the running thread's kernel stack may leave memory while it waits with WaitMode UserMode
 * for long; threads begin with TRUE.  Objects that it waits for do not lie on its stack then.
 *
 * => PASSIVE_LEVEL.  Returns what was set before.
 */
BOOLEAN NTAPI KeSetKernelStackSwapEnable(BOOLEAN Enable);

/*
 * Whose rules hold for the services that the running thread calls: threads begin with KernelMode.
 * => Any IRQL.
 */
KPROCESSOR_MODE NTAPI ExGetPreviousMode(void);

/* Ours: set it.  => Returns what it was. */
KPROCESSOR_MODE KeSetPreviousMode(KPROCESSOR_MODE Mode);

/* ---- waits ---- */

#define THREAD_WAIT_OBJECTS  3  /* without a wait block array */
#define MAXIMUM_WAIT_OBJECTS 64 /* with one */

/* Why a thread waits: for the debugger only. */
typedef enum _KWAIT_REASON {
    Executive,
    FreePage,
    PageIn,
    PoolAllocation,
    DelayExecution,
    Suspended,
    UserRequest,
    WrExecutive,
    WrFreePage,
    WrPageIn,
    WrPoolAllocation,
    WrDelayExecution,
    WrSuspended,
    WrUserRequest,
    WrEventPair,
    WrQueue,
    WrLpcReceive,
    WrLpcReply,
    WrVirtualMemory,
    WrPageOut,
    WrRendezvous,
    WrKernel = 26,
    WrResource,
    WrPushLock,
    WrMutex,
    WrQuantumEnd,
    WrDispatchInt,
    WrPreempted,
    WrYieldExecution,
    WrFastMutex,
    WrGuardedMutex,
    WrRundown,
    MaximumWaitReason
} KWAIT_REASON;

/*
 * Wait until Object is signaled.  Timeout in 100 ns: negative is relative, positive a system time,
 * NULL forever, 0 does not wait.  Alertable is accepted; there are no APCs yet, so nothing alerts.
 *
 * => IRQL <= APC_LEVEL; DISPATCH_LEVEL with a timeout of 0.  Otherwise bug check 0x0A: the object,
 *    the IRQL, 0, the caller; above DISPATCH_LEVEL 0x09, KfRaiseIrql's.
 * => Returns STATUS_SUCCESS, STATUS_ABANDONED (a mutant whose owner ended) or STATUS_TIMEOUT.
 *    STATUS_MUTANT_LIMIT_EXCEEDED is raised.
 */
NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason,
                                     KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                     PLARGE_INTEGER Timeout);
#define KeWaitForMutexObject KeWaitForSingleObject

/*
 * Wait for one or for all of Count objects; all are taken at one instant or none.
 *
 * => IRQL as above.  Count 1 to THREAD_WAIT_OBJECTS, with WaitBlockArray to MAXIMUM_WAIT_OBJECTS;
 *    otherwise bug check 0x0C MAXIMUM_WAIT_OBJECTS_EXCEEDED.
 * => Returns as above; with WaitAny STATUS_WAIT_0 or STATUS_ABANDONED_WAIT_0 plus the index.
 */
NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                        KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                        BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                        PKWAIT_BLOCK WaitBlockArray);

/* => IRQL <= APC_LEVEL, otherwise bug check 0x0A.  Interval as Timeout.  Returns STATUS_SUCCESS. */
NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                      PLARGE_INTEGER Interval);

/*
 * Wait = TRUE, in the calls that have it: the caller's next call is a wait, and nobody comes
 * between.  The call then returns at DISPATCH_LEVEL with the dispatcher locked.
 */

/* ---- events ---- */
void NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State);

/* => These three return the signal state of before. */
LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait);
LONG NTAPI KeResetEvent(PRKEVENT Event);
LONG NTAPI KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait);
void NTAPI KeClearEvent(PRKEVENT Event);
LONG NTAPI KeReadStateEvent(PRKEVENT Event);

/* ---- semaphores ---- */
void NTAPI KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit);

/* => Returns the count of before.  Beyond the limit STATUS_SEMAPHORE_LIMIT_EXCEEDED is raised. */
LONG NTAPI KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment,
                              BOOLEAN Wait);
LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE Semaphore);

/* ---- mutexes: recursive, owned by a thread ---- */
void NTAPI KeInitializeMutex(PRKMUTEX Mutex, ULONG Level);

/*
 * => Returns the signal state of before; 0: the mutex is free now.  STATUS_MUTANT_NOT_OWNED, or
 *    STATUS_ABANDONED when its last owner ended, is raised when the caller does not own it.
 */
LONG NTAPI KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait);
LONG NTAPI KeReadStateMutex(PRKMUTEX Mutex);

/*
 * A mutant is a mutex that may outlive its owner: who ends while owning it abandons it.  Ending
 * while owning a KMUTEX is bug check 0x4000008A THREAD_TERMINATE_HELD_MUTEX.
 */
void NTAPI KeInitializeMutant(PRKMUTANT Mutant, BOOLEAN InitialOwner);
LONG NTAPI KeReleaseMutant(PRKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned, BOOLEAN Wait);

/* ---- fast mutexes: not recursive; the owner runs at APC_LEVEL ---- */
static inline void ExInitializeFastMutex(PFAST_MUTEX FastMutex)
{
    FastMutex->Count = 1;
    FastMutex->Owner = NULL;
    FastMutex->Contention = 0;
    KeInitializeEvent(&FastMutex->Event, SynchronizationEvent, FALSE);
}

/* => IRQL <= APC_LEVEL.  Acquire raises to APC_LEVEL, release returns to where it came from. */
void FASTCALL ExAcquireFastMutex(PFAST_MUTEX FastMutex);
void FASTCALL ExReleaseFastMutex(PFAST_MUTEX FastMutex);

/* => Returns FALSE, at the old IRQL, when somebody owns it. */
BOOLEAN FASTCALL ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex);

/* => APC_LEVEL, or in a critical region.  IRQL stays. */
void FASTCALL ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex);
void FASTCALL ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex);

/* ---- guarded mutexes: the same in a guarded region instead of at APC_LEVEL ---- */
void FASTCALL KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex);
void FASTCALL KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex);
void FASTCALL KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex);
BOOLEAN FASTCALL KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex);

/* => In a guarded region, or at APC_LEVEL. */
void FASTCALL KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex);
void FASTCALL KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex);

/* ---- timers ---- */
void NTAPI KeInitializeTimer(PKTIMER Timer);
void NTAPI KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type);

/*
 * (Re)start a timer: not signaled until DueTime (as KeWaitForSingleObject's Timeout), then again
 * every Period milliseconds when that is not 0.  Expiry signals it and queues Dpc.
 *
 * => Returns whether it was set already.
 */
BOOLEAN NTAPI KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc);
BOOLEAN NTAPI KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc);

/* => Returns whether it was set.  Its signal state stays. */
BOOLEAN NTAPI KeCancelTimer(PKTIMER Timer);
BOOLEAN NTAPI KeReadStateTimer(PKTIMER Timer);

/* ---- time, in units of 100 ns; it moves with the clock interrupt ---- */
extern volatile KSYSTEM_TIME KeTickCount; /* clock interrupts since KeInitializeThreads */

/* => Any IRQL. */
void NTAPI KeQuerySystemTime(PLARGE_INTEGER CurrentTime); /* since 1 January 1601 */
ULONGLONG NTAPI KeQueryInterruptTime(void);               /* since KeInitializeThreads */
void NTAPI KeQueryTickCount(PLARGE_INTEGER CurrentCount);
ULONG NTAPI KeQueryTimeIncrement(void); /* what a tick adds */

/* ---- deferred procedure calls: run at DISPATCH_LEVEL, in no thread's name ---- */
void NTAPI KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext);

/*
 * High importance goes to the queue's head, the others to its tail.  All but low importance ask
 * for the queue to be drained; low waits for the next drain, a full queue or the clock.
 *
 * => Any IRQL.  Returns FALSE, and changes nothing, when it is queued already.
 */
BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2);

/* => Any IRQL.  Returns whether it was queued. */
BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC Dpc);
void NTAPI KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance);

/* Run all that are queued.  => IRQL < DISPATCH_LEVEL. */
void NTAPI KeFlushQueuedDpcs(void);

/* ---- work items: routines that system worker threads run at PASSIVE_LEVEL ---- */
static inline void ExInitializeWorkItem(PWORK_QUEUE_ITEM Item, PWORKER_THREAD_ROUTINE Routine,
                                        PVOID Context)
{
    Item->List.Flink = NULL;
    Item->WorkerRoutine = Routine;
    Item->Parameter = Context;
}

/*
 * => The item is not queued: WORKER_INVALID (0xE4).  From the moment its routine runs it is the
 *    routine's, to queue again or to free.
 */
void NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType);

/* ---- the start ---- */

/*
 * Make the running code the first thread, at PASSIVE_LEVEL or above, and give the processor an idle
 * thread on the stack of IdleStackBytes that ends at IdleStackBase.  Forgets whatever was.
 *
 * => Called once a machine; before it, time passes but nobody can wait.
 */
void KeInitializeThreads(PVOID IdleStackBase, SIZE_T IdleStackBytes);

/* What the system time is.  => After that, before any timer is set to an absolute time. */
void KeInitializeSystemTime(LONGLONG SystemTime);

#endif
