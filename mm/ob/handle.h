/* SPDX-License-Identifier: MIT */
/*
 * handle.h - handles of processes, for the rest of the object manager and for mm/space.
 */
#ifndef MM_OB_HANDLE_H
#define MM_OB_HANDLE_H

#include "mm/ob/handle_table.h"

/* Handles of the system's table, as KernelMode sees them. */
#define OB_KERNEL_HANDLE_BIT 0x80000000u

/*
 * From now on there are processes: objects of Type, each with a table that TableOf finds.
 * Before that every handle is in the system's table.
 */
extern POBJECT_TYPE ObpProcessType; /* NULL: there are no processes yet */
typedef PHANDLE_TABLE OB_TABLE_OF(PEPROCESS Process);
void ObpSetProcesses(POBJECT_TYPE Type, OB_TABLE_OF *TableOf);

/*
 * A handle to Object, which gets a reference.  Attributes: OBJ_INHERIT, OBJ_KERNEL_HANDLE,
 * OBJ_EXCLUSIVE, OBJ_PROTECT_CLOSE.  Process NULL: the running one.
 *
 * => STATUS_PROCESS_IS_TERMINATING; STATUS_INVALID_PARAMETER: OBJ_EXCLUSIVE, and the object is not;
 *    STATUS_ACCESS_DENIED: it is another process'; what the type's Open says.
 */
NT_MUST_CHECK NTSTATUS ObpCreateHandle(OB_OPEN_REASON Reason, PVOID Object,
                                       ACCESS_MASK GrantedAccess, ULONG Attributes,
                                       PEPROCESS Process, PHANDLE Handle);

/* ObReferenceObjectByHandle for a handle of Process. */
NT_MUST_CHECK NTSTATUS ObpReferenceByHandle(PEPROCESS Process, HANDLE Handle,
                                            ACCESS_MASK DesiredAccess, POBJECT_TYPE Type,
                                            KPROCESSOR_MODE AccessMode, PVOID *Object,
                                            POBJECT_HANDLE_INFORMATION Information);

/* ObCloseHandle for a handle of Process. */
NT_MUST_CHECK NTSTATUS ObpCloseHandle(PEPROCESS Process, HANDLE Handle, KPROCESSOR_MODE Mode);

/* Set or clear OB_ENTRY_*.  => STATUS_INVALID_HANDLE. */
NT_MUST_CHECK NTSTATUS ObpSetEntryFlags(HANDLE Handle, KPROCESSOR_MODE Mode, ULONG Flags);

/*
 * Child, which nobody uses so far, gets the handles of Parent that are marked for it, with the
 * same values.  Handles to exclusive objects, and those that a type's Open refuses, it does not
 * get.
 *
 * => STATUS_INSUFFICIENT_RESOURCES: it has none.
 */
NT_MUST_CHECK NTSTATUS ObpInheritHandles(PHANDLE_TABLE Parent, PHANDLE_TABLE Child,
                                         PEPROCESS ChildProcess);

/*
 * The process has ended: all its handles are closed, whatever protects them, and it gets no more.
 *
 * => PASSIVE_LEVEL.
 */
void ObpCloseAllHandles(PHANDLE_TABLE Table, PEPROCESS Process);

/* ---- names (name.c) ---- */

/* The last handle is gone: so is the name, unless something holds it. */
void ObpDeleteUnusedName(PVOID Object);

/* An opening by name has come to Object, which is referenced: the name stays until it is over. */
void ObpHoldName(PVOID Object) NT_HOLDS(ObpNamespaceMutex);

/* It is over, or has gone on: also the reference goes. */
void ObpLeaveName(PVOID Object) NT_NOT_HOLDING(ObpNamespaceMutex);

/* The same, and the caller keeps the reference. */
void ObpLetGoOfName(PVOID Object) NT_NOT_HOLDING(ObpNamespaceMutex);

#endif
