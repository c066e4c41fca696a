/* SPDX-License-Identifier: MIT */
/*
 * ps.h - processes, as drivers see them, and threads of the system's own.
 *
 * Names and prototypes are those of ntddk.h and ntifs.h.  A process is an address space and what it
 * is charged for; threads and handles of its own come with user mode.
 */
#ifndef PS_H
#define PS_H

#include "ke.h"
#include "nt/status.h"
#include "nt/types.h"

typedef struct _EPROCESS *PEPROCESS;

extern PEPROCESS PsInitialSystemProcess; /* NULL until there are processes */

/* Whose address space the running thread is in.  => NULL until there are processes. */
PEPROCESS NTAPI IoGetCurrentProcess(void);
#define PsGetCurrentProcess IoGetCurrentProcess

HANDLE NTAPI PsGetProcessId(PEPROCESS Process);

/*
 * => PASSIVE_LEVEL.  On success *Process is referenced: PsDereferenceProcess.
 * => STATUS_INVALID_PARAMETER: there is no such process.
 */
NT_MUST_CHECK NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process);

/* ---- ours, until there are process objects and handles ---- */

/*
 * Make a process with an empty user half.  Name: up to 15 characters are kept.
 *
 * => PASSIVE_LEVEL.  On success the caller has a reference; the process lives until it is ended
 *    and the last reference is gone.
 * => STATUS_INSUFFICIENT_RESOURCES, STATUS_NO_MEMORY: nothing changed.
 */
NT_MUST_CHECK NTSTATUS PsCreateProcess(const char *Name, PEPROCESS *Process);

/*
 * The same for an image that is marked IMAGE_FILE_LARGE_ADDRESS_AWARE (PS_LARGE_ADDRESS_AWARE):
 * with /3GB its user half ends at MmHighestUserAddress.  Any other ends at 7FFEFFFF, whatever the
 * border.
 */
#define PS_LARGE_ADDRESS_AWARE 1u
NT_MUST_CHECK NTSTATUS PsCreateProcessEx(const char *Name, ULONG Flags, PEPROCESS *Process);

/*
 * A process with a copy of Parent's user half: what NtCreateProcess does with a parent and without
 * a section.  Limits are Parent's; locked pages and the working set are not inherited, the bits of
 * a write watch are.  Memory is copied when one of the two writes to it.
 *
 * => As PsCreateProcess; Parent is referenced.  A thread of Parent that writes meanwhile may find
 *    its write in the child or not.
 * => Also STATUS_PROCESS_IS_TERMINATING, and when Parent's limits or the system's do not allow all
 *    of the child's charges: STATUS_PAGEFILE_QUOTA, STATUS_QUOTA_EXCEEDED, STATUS_COMMITMENT_LIMIT.
 */
NT_MUST_CHECK NTSTATUS PsCloneProcess(const char *Name, PEPROCESS Parent, PEPROCESS *Process);

/*
 * End a process: its user half is empty from now on, it refuses services with
 * STATUS_PROCESS_IS_TERMINATING, and whoever waits for it goes on.
 *
 * => PASSIVE_LEVEL, once; not the system's process.
 */
void PsTerminateProcess(PEPROCESS Process);

/* => Any IRQL; the caller has a reference, or the process did not end. */
void PsReferenceProcess(PEPROCESS Process);

/*
 * The last one deletes a process that was ended.
 *
 * => PASSIVE_LEVEL; no thread runs in its address space.
 */
void PsDereferenceProcess(PEPROCESS Process);

/* ---- threads ---- */

/* => PASSIVE_LEVEL; the thread ends when it returns. */
typedef void NTAPI PS_SYSTEM_ROUTINE(PVOID Context);

/*
 * Start a system thread: what PsCreateSystemThread does, without a handle, of which there are none
 * yet.  Its memory is freed when it has ended.
 *
 * => PASSIVE_LEVEL, after MmInitSystem.  Priority is 1 to HIGH_PRIORITY; Name stays.
 * => STATUS_INSUFFICIENT_RESOURCES: no memory, nothing was started.
 */
NT_MUST_CHECK NTSTATUS PsStartSystemThread(PS_SYSTEM_ROUTINE *Routine, PVOID Context,
                                           KPRIORITY Priority, const char *Name);

#endif
