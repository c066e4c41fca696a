/* SPDX-License-Identifier: MIT */
/*
 * event.c - event objects: a KEVENT as the body of an object; and waits by handle.
 */
#include "events.h"

#include "mm/ob/types.h"
#include "rtl.h"

POBJECT_TYPE ExEventObjectType;

NTSTATUS ObpCreateEventType(void)
{
    static const OB_TYPE_DESCRIPTION Description = {
        .Name = u"Event",
        .PoolType = NonPagedPool,
        .Tag = 0x6E657645u, /* 'Even', as on NT */
        .ValidAccessMask = EVENT_ALL_ACCESS,
        .GenericMapping = {STANDARD_RIGHTS_READ | EVENT_QUERY_STATE,
                           STANDARD_RIGHTS_WRITE | EVENT_MODIFY_STATE,
                           STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, EVENT_ALL_ACCESS},
        .Waitable = TRUE,
    };

    return ObCreateType(&Description, &ExEventObjectType);
}

/* => PreviousMode: whose attributes and handle it is. */
static NTSTATUS ObpCreateEvent(KPROCESSOR_MODE Mode, PCOBJECT_ATTRIBUTES ObjectAttributes,
                               EVENT_TYPE EventType, BOOLEAN InitialState, PVOID *Event)
{
    NTSTATUS Status = ObCreateObject(Mode, ExEventObjectType, ObjectAttributes, Mode, NULL,
                                     sizeof(KEVENT), 0, 0, Event);

    if (NT_SUCCESS(Status)) {
        KeInitializeEvent(*Event, EventType, InitialState);
    }
    return Status;
}

NTSTATUS NTAPI NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                             PCOBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                             BOOLEAN InitialState)
{
    PVOID Event = NULL;
    NTSTATUS Status;

    if (EventType != NotificationEvent && EventType != SynchronizationEvent) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = ObpCreateEvent(ExGetPreviousMode(), ObjectAttributes, EventType, InitialState, &Event);
    return NT_SUCCESS(Status) ? ObInsertObject(Event, NULL, DesiredAccess, 0, NULL, EventHandle)
                              : Status;
}

NTSTATUS NTAPI NtOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                           PCOBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenObjectByName(ObjectAttributes, ExEventObjectType, ExGetPreviousMode(), NULL,
                              DesiredAccess, NULL, EventHandle);
}

NTSTATUS ExCreateNamedEvent(PCWSTR Name, EVENT_TYPE EventType, PKEVENT *Event)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Text;
    PVOID New = NULL;
    NTSTATUS Status;

    RtlInitUnicodeString(&Text, Name);
    InitializeObjectAttributes(&Attributes, &Text, OBJ_PERMANENT, NULL, NULL);
    Status = ObpCreateEvent(KernelMode, &Attributes, EventType, FALSE, &New);
    if (NT_SUCCESS(Status)) {
        Status = ObInsertObject(New, NULL, 0, 0, NULL, NULL);
    }
    if (NT_SUCCESS(Status)) {
        *Event = New;
    }
    return Status;
}

/* ---- the state ---- */

static NTSTATUS ObpReferenceEvent(HANDLE Handle, ACCESS_MASK Access, PVOID *Event)
{
    return ObReferenceObjectByHandle(Handle, Access, ExEventObjectType, ExGetPreviousMode(), Event,
                                     NULL);
}

typedef LONG OBP_CHANGE_EVENT(PRKEVENT Event);

static NTSTATUS ObpChangeEvent(HANDLE Handle, OBP_CHANGE_EVENT *Change, PLONG PreviousState)
{
    PVOID Event = NULL;
    NTSTATUS Status = ObpReferenceEvent(Handle, EVENT_MODIFY_STATE, &Event);
    LONG Before;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Before = Change(Event);
    ObfDereferenceObject(Event);
    if (PreviousState != NULL) {
        *PreviousState = Before;
    }
    return STATUS_SUCCESS;
}

static LONG ObpSet(PRKEVENT Event)
{
    return KeSetEvent(Event, EVENT_INCREMENT, FALSE);
}

static LONG ObpReset(PRKEVENT Event)
{
    return KeResetEvent(Event);
}

static LONG ObpPulse(PRKEVENT Event)
{
    return KePulseEvent(Event, EVENT_INCREMENT, FALSE);
}

NTSTATUS NTAPI NtSetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ObpChangeEvent(EventHandle, ObpSet, PreviousState);
}

NTSTATUS NTAPI NtResetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ObpChangeEvent(EventHandle, ObpReset, PreviousState);
}

NTSTATUS NTAPI NtPulseEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return ObpChangeEvent(EventHandle, ObpPulse, PreviousState);
}

NTSTATUS NTAPI NtClearEvent(HANDLE EventHandle)
{
    return ObpChangeEvent(EventHandle, ObpReset, NULL);
}

NTSTATUS NTAPI NtQueryEvent(HANDLE EventHandle, EVENT_INFORMATION_CLASS Class, PVOID Information,
                            ULONG Length, PULONG ReturnLength)
{
    EVENT_BASIC_INFORMATION Basic;
    PVOID Event = NULL;
    NTSTATUS Status;

    if (Class != EventBasicInformation) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Length != sizeof(Basic)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    Status = ObpReferenceEvent(EventHandle, EVENT_QUERY_STATE, &Event);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Basic.EventType = ((PKEVENT)Event)->Header.Type == EventNotificationObject
                          ? NotificationEvent
                          : SynchronizationEvent;
    Basic.EventState = KeReadStateEvent(Event);
    ObfDereferenceObject(Event);
    memcpy(Information, &Basic, sizeof(Basic));
    if (ReturnLength != NULL) {
        *ReturnLength = sizeof(Basic);
    }
    return STATUS_SUCCESS;
}

/* ---- waits ---- */

NTSTATUS NTAPI NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    LARGE_INTEGER Time; /* the caller's may be pageable: the wait reads it at DISPATCH_LEVEL */
    PLARGE_INTEGER Captured = NULL;
    PVOID Object = NULL;
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, SYNCHRONIZE, NULL, ExGetPreviousMode(), &Object, NULL);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Timeout != NULL) {
        Time = *Timeout;
        Captured = &Time;
    }
    Status =
        ObGetType(Object)->TypeInfo.Waitable
            ? KeWaitForSingleObject(Object, UserRequest, ExGetPreviousMode(), Alertable, Captured)
            : STATUS_OBJECT_TYPE_MISMATCH;
    ObfDereferenceObject(Object);
    return Status;
}
