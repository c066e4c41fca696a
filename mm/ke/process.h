/* SPDX-License-Identifier: MIT */
/*
 * process.h - KPROCESS: what the dispatcher knows of a process, which is its address space.
 *
 * (D) KiDispatcherLock, (I) fixed after creation.
 */
#ifndef KE_PROCESS_H
#define KE_PROCESS_H

#include "ke.h"

typedef struct _KPROCESS {
    DISPATCHER_HEADER Header; /* signaled when the process has ended; must be first */
    ULONG_PTR
    DirectoryTableBase[2]; /* (I) physical: the page directory; hyperspace's page table */
    ULONG ThreadsInside;   /* (D) threads that did not end and run in this address space */
    struct _MM_SESSION_SPACE *Session; /* (I) mm/sysva/session_space.h; NULL: none */
} KPROCESS;

/* => DirectoryTableBase is set. */
void KeInitializeProcess(PKPROCESS Process);

/*
 * There are processes from now on: System is that of all threads that exist, and of those whose
 * creator names none.
 *
 * => Once, IRQL <= DISPATCH_LEVEL.  System's page directory is the one in use.
 */
void KeInitializeProcesses(PKPROCESS System);

/* The process has ended: whoever waits for it goes on. */
void KeSignalProcess(PKPROCESS Process);

/* Whose address space the running thread is in.  => NULL: there are no processes yet. */
PKPROCESS KeGetCurrentProcess(void);

#endif
