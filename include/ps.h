/* SPDX-License-Identifier: MIT */
/*
 * ps.h - processes, as drivers see them, and threads of the system's own.
 *
 * Names and prototypes are those of ntddk.h and ntifs.h.  A process is an object (ob.h): an address
 * space, what it is charged for, and its handles; threads of its own come with user mode.
 */
#ifndef PS_H
#define PS_H

#include "ex.h"
#include "ke.h"
#include "nt/access.h"
#include "nt/status.h"
#include "nt/types.h"

struct _OBJECT_ATTRIBUTES; /* ob.h */

typedef struct _EPROCESS *PEPROCESS;

extern struct _OBJECT_TYPE *PsProcessType; /* of process objects */

/* What a handle to a process may be used for. */
#define PROCESS_TERMINATE         0x0001u
#define PROCESS_CREATE_THREAD     0x0002u
#define PROCESS_SET_SESSIONID     0x0004u
#define PROCESS_VM_OPERATION      0x0008u
#define PROCESS_VM_READ           0x0010u
#define PROCESS_VM_WRITE          0x0020u
#define PROCESS_DUP_HANDLE        0x0040u
#define PROCESS_CREATE_PROCESS    0x0080u
#define PROCESS_SET_QUOTA         0x0100u
#define PROCESS_SET_INFORMATION   0x0200u
#define PROCESS_QUERY_INFORMATION 0x0400u
#define PROCESS_SUSPEND_RESUME    0x0800u
#define PROCESS_ALL_ACCESS        (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0xFFFu)

typedef struct _CLIENT_ID {
    HANDLE UniqueProcess;
    HANDLE UniqueThread; /* threads have no handles yet: 0 */
} CLIENT_ID, *PCLIENT_ID;

extern PEPROCESS PsInitialSystemProcess; /* NULL until there are processes */

/* Whose address space the running thread is in.  => NULL until there are processes. */
PEPROCESS NTAPI IoGetCurrentProcess(void);
#define PsGetCurrentProcess IoGetCurrentProcess

/*
 * Charge bytes of pool to a process, or give them back.
 *
 * => Any IRQL up to DISPATCH_LEVEL.  STATUS_QUOTA_EXCEEDED: nothing was charged.
 */
NT_MUST_CHECK NTSTATUS NTAPI PsChargeProcessPoolQuota(PEPROCESS Process, POOL_TYPE PoolType,
                                                      ULONG_PTR Amount);
void NTAPI PsReturnPoolQuota(PEPROCESS Process, POOL_TYPE PoolType, ULONG_PTR Amount);

HANDLE NTAPI PsGetProcessId(PEPROCESS Process);

/*
 * => PASSIVE_LEVEL.  On success *Process is referenced: PsDereferenceProcess.
 * => STATUS_INVALID_PARAMETER: there is no such process.
 */
NT_MUST_CHECK NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process);

/*
 * A handle to the process that ClientId names, or ObjectAttributes' name; not both.
 *
 *     STATUS_INVALID_PARAMETER_MIX    both, or neither
 *     STATUS_INVALID_CID              there is no such process, or a thread is named
 *     STATUS_ACCESS_DENIED            DesiredAccess (ob.h)
 *     and those of ObOpenObjectByName
 */
NT_MUST_CHECK NTSTATUS NTAPI NtOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                                           const struct _OBJECT_ATTRIBUTES *ObjectAttributes,
                                           PCLIENT_ID ClientId);

/* ---- ours, until programs make processes ---- */

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
 * a write watch are; so are handles with OBJ_INHERIT.  Memory is copied when one of the two writes
 * to it.
 *
 * => As PsCreateProcess; Parent is referenced.  A thread of Parent that writes meanwhile may find
 *    its write in the child or not.
 * => Also STATUS_PROCESS_IS_TERMINATING, and when Parent's limits or the system's do not allow all
 *    of the child's charges: STATUS_PAGEFILE_QUOTA, STATUS_QUOTA_EXCEEDED, STATUS_COMMITMENT_LIMIT,
 *    STATUS_WORKING_SET_QUOTA (its minimum working set cannot be promised).
 */
NT_MUST_CHECK NTSTATUS PsCloneProcess(const char *Name, PEPROCESS Parent, PEPROCESS *Process);

/*
 * End a process: its handles are closed, its user half is empty from now on, it refuses services
 * with STATUS_PROCESS_IS_TERMINATING, and whoever waits for it goes on.
 *
 * => PASSIVE_LEVEL, once; not the system's process.
 */
void PsTerminateProcess(PEPROCESS Process);

/*
 * ObReferenceObject and ObDereferenceObject.  The last one deletes a process that was ended.
 *
 * => No thread runs in its address space then.
 */
void PsReferenceProcess(PEPROCESS Process);
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
