/* SPDX-License-Identifier: MIT */
/*
 * events.h - event objects, and waiting for objects by handle, as ntifs.h and winternl.h have it.
 *
 * Statuses that a service does not name are those of ObReferenceObjectByHandle with the access that
 * stands behind it, and of NtCreate...: ObInsertObject's.
 *
 * => IRQL <= APC_LEVEL.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include "ob.h"

extern POBJECT_TYPE ExEventObjectType;

#define EVENT_QUERY_STATE  0x0001u
#define EVENT_MODIFY_STATE 0x0002u
#define EVENT_ALL_ACCESS   (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 3u)

/* => Also STATUS_INVALID_PARAMETER: no such EventType. */
NT_MUST_CHECK NTSTATUS NTAPI NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                                           PCOBJECT_ATTRIBUTES ObjectAttributes,
                                           EVENT_TYPE EventType, BOOLEAN InitialState);
NT_MUST_CHECK NTSTATUS NTAPI NtOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                                         PCOBJECT_ATTRIBUTES ObjectAttributes);

/* EVENT_MODIFY_STATE.  *PreviousState (may be NULL): the signal state of before. */
NT_MUST_CHECK NTSTATUS NTAPI NtSetEvent(HANDLE EventHandle, PLONG PreviousState);
NT_MUST_CHECK NTSTATUS NTAPI NtResetEvent(HANDLE EventHandle, PLONG PreviousState);
NT_MUST_CHECK NTSTATUS NTAPI NtPulseEvent(HANDLE EventHandle, PLONG PreviousState);
NT_MUST_CHECK NTSTATUS NTAPI NtClearEvent(HANDLE EventHandle);

typedef enum _EVENT_INFORMATION_CLASS {
    EventBasicInformation = 0
} EVENT_INFORMATION_CLASS;

typedef struct _EVENT_BASIC_INFORMATION {
    EVENT_TYPE EventType;
    LONG EventState;
} EVENT_BASIC_INFORMATION, *PEVENT_BASIC_INFORMATION;

/*
 * EVENT_QUERY_STATE.  ReturnLength may be NULL.
 * => STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtQueryEvent(HANDLE EventHandle, EVENT_INFORMATION_CLASS Class,
                                          PVOID Information, ULONG Length, PULONG ReturnLength);

/*
 * SYNCHRONIZE.  KeWaitForSingleObject for the object behind a handle: an event, a process.
 * => Also STATUS_OBJECT_TYPE_MISMATCH: nobody can wait for such an object.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable,
                                                   PLARGE_INTEGER Timeout);

/* ---- ours ---- */

/*
 * An event with a permanent name, for the kernel itself.  => On success the caller has a reference
 * and gets the body.
 */
NT_MUST_CHECK NTSTATUS ExCreateNamedEvent(PCWSTR Name, EVENT_TYPE EventType, PKEVENT *Event);

#endif
