/* SPDX-License-Identifier: MIT */
/*
 * machine_i.h - what the files of the simulated machine share.
 *
 * Public calls are HostX, these are HostpX.  One host thread: there is nothing to lock.
 */
#ifndef HOST_MACHINE_I_H
#define HOST_MACHINE_I_H

#include "tests/host/machine.h"

#define PAGES_OF_4GB (1u << 20)

/* ---- region.c ---- */

/* => Returns whether Va is the machine's: a fault there is a matter of page tables. */
BOOLEAN HostpIsMachineAddress(ULONG_PTR Va);

/* => Returns whether Linux can map a frame at Va's page. */
BOOLEAN HostpIsMappable(ULONG_PTR Va);

/* Put the frame at FileOffset in Fd at Va's page, or nothing: an access faults. */
void HostpMapHost(ULONG_PTR Va, int Fd, PFN_NUMBER Frame, BOOLEAN Write);
void HostpUnmapHost(ULONG_PTR Va);

/*
 * There is no frame at any address: those of another machine come.
 *
 * => The TLB is empty.
 */
void HostpForgetFrames(void);

/* Ends the program: Linux refused something without which no test can run. */
NT_NORETURN void HostpDie(const char *What);

/* ---- tlb.c ---- */

typedef struct _HOST_TRANSLATION {
    ULONG_PTR Va;     /* of the page */
    PFN_NUMBER Frame; /* a large page is cached in 4 KB pieces */
    BOOLEAN Write;    /* writable and Dirty: the next store needs no walk */
    BOOLEAN Owner;    /* user mode may use it */
    BOOLEAN Global;   /* survives an address-space switch */
    BOOLEAN Large;    /* flushed together with the other pieces of its 4 MB */
} HOST_TRANSLATION, *PHOST_TRANSLATION;

typedef enum _HOST_TLB_SCOPE {
    HostTlbAll,
    HostTlbNotGlobal,
    HostTlbNotOwner
} HOST_TLB_SCOPE;

void HostpTlbReset(ULONG64 Seed);
void HostpTlbInsert(const HOST_TRANSLATION *Translation);
void HostpTlbDrop(ULONG_PTR Va);
void HostpTlbDropAll(HOST_TLB_SCOPE Scope);

/* IRQL passes DISPATCH_LEVEL on its way up: translations of pageable memory are dropped. */
void HostpTlbDropPageable(void);

/* => Returns whether Va may be pageable and IRQL too high for that; does not touch the machine. */
BOOLEAN HostpIsPageableNow(ULONG_PTR Va);

/* => Returns whether Va is pageable and IRQL too high for it. */
BOOLEAN HostpIsForbiddenNow(ULONG_PTR Va);

/* ---- walk.c ---- */

typedef enum _HOST_WALK_RESULT {
    HostWalkTranslated,
    HostWalkFault,       /* a page fault: the error code says which */
    HostWalkMachineCheck /* the tables name memory that there is not */
} HOST_WALK_RESULT;

/*
 * What the processor does on a TLB miss: walk the tables, set Accessed and Dirty, cache the
 * translation.
 *
 * => *ErrorCode is the access (HOST_FAULT_WRITE, HOST_FAULT_USER); on a fault the whole code.
 */
HOST_WALK_RESULT HostpFillTlb(ULONG_PTR Va, PULONG ErrorCode);

/* => Returns whether the tables, as they are now, grant what Translation does. */
BOOLEAN HostpIsTranslationCurrent(const HOST_TRANSLATION *Translation);

/* ---- core.c ---- */

/* Nothing of the core was started. */
void HostpForgetCore(void);

/* ---- machine.c ---- */

extern HOST_COUNTERS HostpCounters;

BOOLEAN HostpMachineIsOn(void);
int HostpFramesFd(void);
ULONG HostpFrameCount(void);

/* ---- trap.c ---- */

void HostpTrapReset(void);

/* ---- cpu.c ---- */

/* What a bug check that is survived must put back. */
typedef struct _HOST_CPU_STATE {
    KIRQL Irql;
    BOOLEAN InterruptsEnabled;
    PVOID ExceptionList;
} HOST_CPU_STATE;

void HostpCpuReset(void);
HOST_CPU_STATE HostpCpuState(void);
void HostpSetCpuState(HOST_CPU_STATE State); /* delivers nothing */

/* Move the clock; what is due then is delivered. */
void HostpAdvanceClock(ULONG64 Cycles);

/* ---- bugcheck.c ---- */

void HostpBugCheckReset(void);

/* Bug check HOST_BUGCHECK_CONTRACT with Value unless Holds. */
void HostpRequire(BOOLEAN Holds, ULONG_PTR Value);

/* ---- lock_order.c ---- */

void HostpLockOrderReset(void);

/* A bug check was survived: whoever held locks is gone. */
void HostpForgetHeldLocks(void);

/* ---- console.c ---- */

void HostpConsoleReset(void);

/* ---- stack.c ---- */

/* A stack's extent, as ASan must know it. */
typedef struct _HOST_STACK {
    ULONG_PTR Bottom;
    ULONG_PTR Top;
} HOST_STACK, *PHOST_STACK;

HOST_STACK HostpCurrentStack(void);

/* Of the current stack, as fs:[0]. */
extern PVOID HostpExceptionList;

/* Tell ASan that this code runs on Stack now, having come here by no switch of ours. */
void HostpAdoptStack(HOST_STACK Stack);

/* A longjmp may have led to the caller, who runs on Stack (on the program's first stack). */
void HostpLandOnStack(HOST_STACK Stack);
void HostpLandOnFirstStack(void);

/* ASan forgets what it knew about the stack's frames. */
void HostpCleanStack(HOST_STACK Stack);

/* The same for all stacks in the machine's own memory.  => The machine is deleted. */
void HostpForgetStacks(void);

/* ---- schedule.c ---- */

/* => The machine's power comes on: the running code becomes its first thread. */
void HostpScheduleCreate(ULONG64 Seed);
void HostpScheduleDelete(void);

/* => Returns whether the seed wants a preemption here (HostSetPreemption). */
BOOLEAN HostpIsTimeToPreempt(void);

/* KiSwapStack goes to the stack of the current thread. */
void HostpTraceSwitch(void);

/* The events that the machine itself traces. */
enum {
    HostTraceSwitch = 0x100,
    HostTraceInterrupt,
    HostTraceFault
};

#endif
