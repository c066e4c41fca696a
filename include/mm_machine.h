/* SPDX-License-Identifier: MIT */
/*
 * mm_machine.h - the memory manager, as the machine sees it: its start, and page faults.
 */
#ifndef MM_MACHINE_H
#define MM_MACHINE_H

#include "arch/cpu.h"
#include "loader.h"
#include "nt/types.h"

/* ---- the start ---- */

/* What the machine knows and the memory manager needs. */
typedef struct _MM_BOOT {
    const LOADER_MEMORY_RUN *Runs;
    ULONG RunCount;
    const LOADER_REGISTRY_VALUE *Values; /* of system.reg */
    ULONG ValueCount;
    ULONG FramebufferBytes; /* of addresses, ending at FF800000, that the machine maps itself */
    ULONG_PTR RangeStart;   /* where the system half begins */
    ULONG_PTR KernelStart;  /* of the loader's boot window */
    ULONG_PTR PageableCode; /* of the kernel: read-only pages of its image; see NT_PAGED */
    ULONG PageableCodePages;
    BOOLEAN GlobalPages;    /* the processor has them, and they are on */
    BOOLEAN WriteCombining; /* PTEs with write-through alone are write-combined */
} MM_BOOT;

/*
 * Take over the physical memory and the system half of the address space: layout, page-frame
 * database, system PTEs, hyperspace, kernel stacks, pools.  Prints what was decided.
 *
 * => Once, PASSIVE_LEVEL, after KeInitializeThreads.  *Boot and what it points at stay.
 * => Bug check 0x7D INSTALL_MORE_MEMORY: P1 pages of RAM, P2 lowest and P3 highest frame, P4 which
 *    step: MM_BOOT_*.
 */
void MmInitSystem(const MM_BOOT *Boot);

#define MM_BOOT_DATABASE    1u /* the page-frame database */
#define MM_BOOT_HYPERSPACE  2u
#define MM_BOOT_PTES        3u /* system PTEs and what describes them */
#define MM_BOOT_POOL        4u /* the initial nonpaged pool, the pools' maps */
#define MM_BOOT_THREADS     5u
#define MM_BOOT_PROCESS     6u /* the system's process */
#define MM_BOOT_WORKING_SET 7u /* the system's working set */
#define MM_BOOT_OBJECTS     8u /* the first objects and directories */
#define MM_BOOT_CACHE       9u /* the system cache's views and its thread */

/*
 * Start the zero-page thread and the worker threads.
 *
 * => PASSIVE_LEVEL, once, after MmInitSystem.  Bug check 0x7D as MmInitSystem.
 */
void MmStartSystemThreads(void);

/*
 * Start the system cache and the lazy writer: files are cached from now on.
 *
 * => PASSIVE_LEVEL, once, after MmStartSystemThreads.  Bug check 0x7D as MmInitSystem.
 */
void MmStartSystemCache(void);

/*
 * Memory that the firmware and the loader needed up to here becomes free frames.
 *
 * => PASSIVE_LEVEL.  No device writes to it any more; ACPI's tables have been read.
 * => Returns the number of pages.
 */
ULONG MmReleaseLoaderMemory(void);

/* => Returns the pages of RAM that the memory manager has.  PASSIVE_LEVEL. */
ULONG MmPhysicalPages(void);

/*
 * Make or take into use the paging files that PagingFiles of system.reg asks for, on Volume; NULL:
 * there is none.  Prints what there is, and why a file is not used.
 *
 * => PASSIVE_LEVEL, once.
 */
struct _DEVICE_OBJECT;
void MmCreatePagingFiles(struct _DEVICE_OBJECT *Volume, const LOADER_REGISTRY_VALUE *Values,
                         ULONG Count);

/* ---- page faults ---- */

typedef struct _MM_FAULT {
    ULONG_PTR Va;
    ULONG_PTR Eip;
    KIRQL Irql;        /* at which it happened */
    BOOLEAN Write;     /* else a read or a fetch */
    BOOLEAN Fetch;     /* where the processor can tell */
    BOOLEAN Present;   /* a right was missing, not the page */
    BOOLEAN Damaged;   /* an entry on the way has a reserved bit */
    BOOLEAN Forbidden; /* the kernel touched user memory as if it were its own (SMAP) */
} MM_FAULT;

/* The bug check that an access deserves. */
typedef struct _MM_STOP {
    ULONG Code;
    ULONG_PTR Parameter[4];
    NTSTATUS Guarded; /* what KiGuardedCopy and KiGuardedTouch return; 0: they stop as well */
} MM_STOP;

/*
 * Resolve a page fault of the kernel.  Waits for memory when there is none.
 *
 * => At the IRQL of the fault, interrupts as they were; on the stack of the thread that faulted.
 * => TRUE: the access can be tried again.  FALSE: it cannot succeed, and *Stop says why:
 *
 *        0A  P1 Va, P2 IRQL, P3 0 read, 1 write, 8 fetch, P4 Eip     at DISPATCH_LEVEL or above
 *        BE  P1 Va, P2 the PTE                                       a write to what is read-only
 *        1E  P1 status, P2 Eip, P3 0 read, 1 write, P4 Va            below 80000000: C0000005, or
                                                                    80000001, a guard page
 *        7A  P1 the PTE, P2 status, P3 its contents, P4 Va           the page could not be read
 *        50  P1 Va, P2 0 read, 1 write, P3 Eip                       nothing is there
 *        4D  P1 modified pages, P2 for paging files, P3 nonpaged    no page came free in 70 s
 *            pool left, P4 status of the last write to a paging file
 *        CC  P1 Va, P2 0 read, 1 write, P3 Eip                       special pool that was freed
 *        CD  as CC                                                   beyond a block's end there
 */
BOOLEAN MmAccessFault(const MM_FAULT *Fault, MM_STOP *Stop);

/* ---- what it shows ---- */

/*
 * Provoke one of the core's bug checks, after a line "# expected: STOP ..." with code and
 * parameters.
 *
 * => PASSIVE_LEVEL, after MmStartSystemThreads.  Returns when Kind is not known.
 */
void MmCrash(const char *Kind);
extern const char MmCrashKinds[]; /* their names, a blank between two */
extern MM_STOP MmExpectedStop;    /* what the line said; "any" is 0xA11A11A1 */

/* The memory manager's lines of the boot's report.  => PASSIVE_LEVEL. */
void MiReportMemory(void);

/*
 * The machine ends in order: no page is written from now on; with ClearPageFileAtShutdown the free
 * pages of the paging files are overwritten with zeroes.
 *
 * => PASSIVE_LEVEL, before the file systems are shut down.
 */
void MmShutdownPaging(void);

/* A file's, on C:.  => PASSIVE_LEVEL, after IoMountSystemVolume. */
void MiReportFiles(void);

/* The paging files'.  => PASSIVE_LEVEL, after MmCreatePagingFiles. */
void MiReportPaging(void);

/* The dispatcher's.  => PASSIVE_LEVEL, after MmStartSystemThreads. */
void MiReportThreads(void);

/*
 * Run Routine(Theirs) in a thread of the caller's priority while the caller runs Routine(Mine);
 * return when both have.
 * => PASSIVE_LEVEL, one at a time.  FALSE: there was no stack, and nothing ran.
 */
BOOLEAN MiRunBeside(KSTART *Routine, PVOID Theirs, PVOID Mine);

#endif
