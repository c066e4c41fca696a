/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the simulated machine, as tests see it.
 *
 * It implements include/arch/mmu.h and include/arch/cpu.h for a 32-bit Linux process.  Frames are
 * real memory, page tables are real x86 words in them, and a host SIGSEGV plays the TLB miss, so
 * that the core runs at its true addresses and a forgotten flush has its true effect.  What one
 * seed decides (evictions, interleavings) happens again with the same seed.
 *
 *     HostMachineCreate(256, TestSeed());
 *     HostSetFaultHandler(MyFault);
 *     ... use memory, raise interrupts, run threads ...
 *     HostMachineDelete();
 *
 * There is one machine at a time.  Creating one deletes the one before; a failed test's is deleted.
 */
#ifndef HOST_MACHINE_H
#define HOST_MACHINE_H

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "nt/status.h"
#include "nt/types.h"

/* ---- addresses: what is simulated; the rest belongs to the Linux process ---- */

#define HOST_USER_START      0x00010000u /* low user range, ends below ASan's shadow */
#define HOST_USER_END        0x1FFF0000u
#define HOST_MIDDLE_START    0x40000000u /* middle user range, ends below the program */
#define HOST_MIDDLE_END      0x56000000u
#define HOST_TOP_START       0x7F000000u /* the top of user space ... */
#define HOST_SYSTEM_START    0x80000000u /* ... and the system half */
#define HOST_SYSTEM_END      0xF7000000u
#define HOST_NO_ACCESS_BYTES 0x10000u /* simulated too, but never mapped: NULL pointers */

/* => Returns whether every byte of the range can be mapped by page tables. */
BOOLEAN HostIsSimulated(ULONG_PTR Va, SIZE_T Bytes);

/* ---- machine ---- */

#define HOST_DIRECTORY_FRAME  1u /* the boot page directory: empty except for the self-map */
#define HOST_FIRST_FREE_FRAME 2u

/*
 * Power on: Frames zeroed frames, the directory of HOST_DIRECTORY_FRAME in use, PASSIVE_LEVEL,
 * interrupts on, clock at 0.
 *
 * => Frames is 2 to 262144 (1 GB).  Ends the program when Linux refuses.
 */
void HostMachineCreate(ULONG Frames, ULONG64 Seed);

/* => Everything that Create took is returned, threads that did not end included. */
void HostMachineDelete(void);

/* The frame's host alias: physical access past all page tables.  => Frame exists. */
PVOID HostFrame(PFN_NUMBER Frame);

/* A zeroed frame that nobody has; there is no way to give it back.  => One is left. */
PFN_NUMBER HostAllocateFrame(void);

/* The directory entry of Va in Directory through the host alias. */
PMMPTE HostFindPde(PFN_NUMBER Directory, ULONG_PTR Va);

/* The table entry of Va in Directory through the host alias.  => NULL: no page table. */
PMMPTE HostFindPte(PFN_NUMBER Directory, ULONG_PTR Va);

/*
 * Store Frame with Bits (MMPTE bits 0-11) as Va's entry; makes a page table where there is none,
 * with a directory entry that allows writing, and user access in the user half.  Flushes nothing.
 *
 * => Va's directory entry is no large page.  Returns the entry's host alias.
 */
PMMPTE HostMapPage(PFN_NUMBER Directory, ULONG_PTR Va, PFN_NUMBER Frame, ULONG Bits);

/* ---- page faults ---- */

/* The error code of #PF. */
#define HOST_FAULT_PRESENT  1u /* a right was missing, not the page */
#define HOST_FAULT_WRITE    2u
#define HOST_FAULT_USER     4u
#define HOST_FAULT_RESERVED 8u /* a reserved bit was set in a directory entry */

/*
 * Resolve a page fault, so that the access can be tried again.  Runs on the stack of the thread
 * that faulted, in kernel mode, and may switch stacks.
 *
 * => Returns FALSE when it cannot: bug check 0x50.
 */
typedef BOOLEAN HOST_FAULT_HANDLER(ULONG_PTR Va, ULONG ErrorCode);

/* => NULL: every page fault is bug check 0x50. */
void HostSetFaultHandler(HOST_FAULT_HANDLER *Handler);

/*
 * For a handler: end the KiGuardedCopy or KiGuardedTouch that faulted with Status.
 *
 * => Returns when no such access runs on this stack.  Returning FALSE from the handler does the
 *    same with STATUS_ACCESS_VIOLATION.
 */
void HostEndGuardedAccess(NTSTATUS Status);

/*
 * A ready-made handler: any page that is not there becomes a writable zeroed frame, for user mode
 * too in the user half.  Missing rights stay missing.
 */
HOST_FAULT_HANDLER HostDemandZero;

/* Make the accesses that follow user accesses.  Drops cached translations that users lack. */
void HostSetUserMode(BOOLEAN UserMode);

/* ---- translation look-aside buffer ---- */

#define HOST_TLB_DEFAULT 4096u
#define HOST_TLB_MINIMUM 16u
#define HOST_TLB_MAXIMUM 16384u /* two Linux mappings each: half of vm.max_map_count's 65530 */

/* Beyond Size translations, a new one evicts one at random.  Flushes all. */
void HostSetTlbSize(ULONG Size);

/*
 * Compare every cached translation with the tables in use: a forgotten flush, found before it
 * does harm.
 *
 * => Returns TRUE when one grants what the tables no longer do; *Va is its address.
 */
BOOLEAN HostFindStaleTranslation(PULONG_PTR Va);

/* Fails the test unless B1, B2 and B4 of tlb.c hold. */
void HostVerifyTlb(void);

/* Events since power-on. */
typedef struct _HOST_COUNTERS {
    ULONG Fills;       /* translations taken from the tables */
    ULONG Evictions;   /* translations dropped for want of room */
    ULONG SingleFlush; /* calls of KeFlushSingleTb */
    ULONG EntireFlush; /* calls of KeFlushEntireTb */
    ULONG Faults;      /* page faults handed to the handler */
    ULONG Interrupts;  /* interrupts delivered */
} HOST_COUNTERS, *PHOST_COUNTERS;

/* The running machine's counters, for reading. */
const HOST_COUNTERS *HostCounters(void);

/* ---- rules of IRQL and locks (figure R13) ---- */

/* => Returns whether Va's page may be touched below DISPATCH_LEVEL only, although it is there. */
typedef BOOLEAN HOST_IS_PAGEABLE(ULONG_PTR Va);

/*
 * From now on memory of [Start, End) that IsPageable names is not there at DISPATCH_LEVEL and
 * above, as if it had been trimmed at that moment.  NULL: no such memory.
 */
void HostSetPageable(ULONG_PTR Start, ULONG_PTR End, HOST_IS_PAGEABLE *IsPageable);

/* So is what it names of [Start, End).  => After HostSetPageable; three times. */
void HostAddPageable(ULONG_PTR Start, ULONG_PTR End);

/* => Returns whether taking Second under First would fail the test. */
BOOLEAN HostIsLockOrderBroken(const ULONG_PTR *First, const ULONG_PTR *Second);

/* Spin locks taken under the checker of their order, since the program began. */
ULONG HostLocksTaken(void);

/* ---- interrupts and time ---- */

#define HOST_CYCLE_FREQUENCY 1000000000u /* a cycle is a nanosecond of virtual time */
#define HOST_CYCLES_A_READ   100u        /* what reading the counter costs */

/* Runs at the interrupt's IRQL. */
typedef void HOST_INTERRUPT(PVOID Context);

/*
 * Raise an interrupt: delivered now, or as soon as IRQL is below Irql and interrupts are on.
 * Higher IRQL first, then in the order of raising.
 *
 * => Irql is 1 to HIGH_LEVEL; fewer than 64 are pending.
 */
void HostRaiseInterrupt(KIRQL Irql, HOST_INTERRUPT *Routine, PVOID Context);

/* The same, not before the cycle counter reaches Due. */
void HostRaiseInterruptAt(ULONG64 Due, KIRQL Irql, HOST_INTERRUPT *Routine, PVOID Context);

/* Start the clock interrupt: KiClockTick every KI_CLOCK_INCREMENT.  => Once a machine. */
void HostStartClock(void);

/* Virtual time, without the cost of reading it. */
ULONG64 HostCycles(void);

/* ---- bug checks ---- */

#define HOST_BUGCHECK_PAGE_FAULT    0x00000050u /* PAGE_FAULT_IN_NONPAGED_AREA */
#define HOST_BUGCHECK_TRAP          0x0000007Fu /* UNEXPECTED_KERNEL_MODE_TRAP, 8: double fault */
#define HOST_BUGCHECK_MACHINE_CHECK 0x0000009Cu /* MACHINE_CHECK_EXCEPTION: no such frame */
#define HOST_BUGCHECK_DEADLOCK      0xF0000001u /* idle, and nothing will ever happen */
#define HOST_BUGCHECK_CONTRACT      0xF0000002u /* a precondition of arch/ was broken */
#define HOST_BUGCHECK_NO_PROGRESS   0xF0000003u /* the same page fault over and over */

typedef struct _HOST_BUGCHECK {
    ULONG Code;
    ULONG_PTR Parameter[4];
} HOST_BUGCHECK, *PHOST_BUGCHECK;

/*
 * Run Routine(Context) and survive its bug check.  Without this a bug check fails the test.
 *
 * => Returns TRUE when there was one; it is in *BugCheck.  The machine is then good for reading
 *    and deleting: nothing was unwound but IRQL, interrupts and user mode.
 */
BOOLEAN HostCatchBugCheck(KSTART *Routine, PVOID Context, PHOST_BUGCHECK BugCheck);

/* The same as a check: the test fails unless there was a bug check with Code. */
void HostExpectBugCheck(ULONG Code, KSTART *Routine, PVOID Context);

/* ---- console ---- */

/* All that was written since power-on or the last clear (the last 64 KB of it), with a zero. */
const char *HostConsoleText(void);
void HostConsoleClear(void);

/* Of the report's lines to come that many may be "not ok"; counted down. */
extern ULONG HostFailedLines;

/* Type Text for KiConsoleRead.  => Text outlives its being read. */
void HostConsoleType(const char *Text);

/*
 * ---- threads: the kernel's own (mm/ke), with the choice among equals taken from the seed ----
 *
 * The code that creates the machine is its first thread: it may wait, and threads that it makes
 * run while it does.
 */

#define HOST_STACK_BYTES   0x40000u /* ASan's frames are several times the kernel's */
#define HOST_THREADS_LIMIT 64u

/*
 * A thread that will run Routine(Context) at PASSIVE_LEVEL, on a stack above a guard page, and
 * ends when Routine returns.
 *
 * => Fewer than HOST_THREADS_LIMIT since power-on.  Returns its number, counted from 1.
 */
ULONG HostThreadCreate(KSTART *Routine, PVOID Context);

/* The running thread's number; 0 in the first thread and in others' threads. */
ULONG HostCurrentThread(void);

/* The kernel's object behind a thread's number. */
struct _KTHREAD *HostKernelThread(ULONG Thread);

/* Let the seed choose who goes on, perhaps the caller.  => In a thread, below DISPATCH_LEVEL. */
void HostYield(void);

/* Run the threads until all have ended.  => Outside of threads, below DISPATCH_LEVEL. */
void HostRunThreads(void);

/*
 * From now on, of OneIn times that IRQL falls below DISPATCH_LEVEL one, chosen by the seed, sees
 * the clock use up the running thread's quantum.  0: never.  => The clock was started.
 */
void HostSetPreemption(ULONG OneIn);

/* Add an event to the trace.  => Values must not depend on where Linux put something. */
void HostTrace(ULONG Event, ULONG Value);

/* The hash of the trace so far: thread switches, interrupts, page faults, HostTrace. */
ULONG64 HostTraceHash(void);

#endif
