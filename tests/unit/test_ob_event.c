/* SPDX-License-Identifier: MIT */
/*
 * test_ob_event.c - event objects, waits by handle, and the events that tell of memory.
 */
#include "events.h"
#include "mm/pfn/memory_events.h"
#include "tests/unit/ob_world.h"

static HANDLE New(PCWSTR Name, EVENT_TYPE Type, BOOLEAN State)
{
    HANDLE Handle = NULL;

    CHECK_EQUAL(STATUS_SUCCESS,
                NtCreateEvent(&Handle, EVENT_ALL_ACCESS, Named(Name, 0, NULL), Type, State));
    return Handle;
}

static LONG State(HANDLE Handle)
{
    EVENT_BASIC_INFORMATION Basic;

    CHECK_EQUAL(STATUS_SUCCESS,
                NtQueryEvent(Handle, EventBasicInformation, &Basic, sizeof(Basic), NULL));
    return Basic.EventState;
}

static NTSTATUS Try(HANDLE Handle)
{
    LARGE_INTEGER Now = {.QuadPart = 0};

    return NtWaitForSingleObject(Handle, FALSE, &Now);
}

TEST(ObEvent_is_set_reset_pulsed_and_asked)
{
    EVENT_BASIC_INFORMATION Basic = {NotificationEvent, 5};
    ULONG Length = 0;
    LONG Before = 7;
    HANDLE Event;

    ObWorldStart();
    Event = New(NULL, SynchronizationEvent, FALSE);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtQueryEvent(Event, EventBasicInformation, &Basic, sizeof(Basic), &Length));
    CHECK_EQUAL(SynchronizationEvent, Basic.EventType);
    CHECK_EQUAL(0, Basic.EventState);
    CHECK_EQUAL(8, Length);
    CHECK_EQUAL(STATUS_SUCCESS, NtSetEvent(Event, &Before));
    CHECK_EQUAL(0, Before);
    CHECK_EQUAL(1, State(Event));
    CHECK_EQUAL(STATUS_SUCCESS, NtResetEvent(Event, &Before));
    CHECK_EQUAL(1, Before);
    CHECK_EQUAL(0, State(Event));
    CHECK_EQUAL(STATUS_SUCCESS, NtSetEvent(Event, NULL));
    CHECK_EQUAL(STATUS_SUCCESS, NtPulseEvent(Event, &Before));
    CHECK_EQUAL(0, State(Event));
    CHECK_EQUAL(STATUS_SUCCESS, NtSetEvent(Event, NULL));
    CHECK_EQUAL(STATUS_SUCCESS, NtClearEvent(Event));
    CHECK_EQUAL(0, State(Event));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS,
                NtQueryEvent(Event, (EVENT_INFORMATION_CLASS)1, &Basic, sizeof(Basic), NULL));
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH,
                NtQueryEvent(Event, EventBasicInformation, &Basic, 4, NULL));
    Close(Event);
    Event = New(NULL, NotificationEvent, TRUE);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtQueryEvent(Event, EventBasicInformation, &Basic, sizeof(Basic), NULL));
    CHECK_EQUAL(NotificationEvent, Basic.EventType);
    CHECK_EQUAL(1, Basic.EventState);
    Close(Event);
    CHECK_EQUAL(STATUS_INVALID_HANDLE, NtSetEvent(Event, NULL));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, (EVENT_TYPE)2, FALSE));
    ObWorldFinish();
}

TEST(ObEvent_is_waited_for_by_handle)
{
    HANDLE Event;
    HANDLE NoWait;
    HANDLE Process = NULL;
    CLIENT_ID Id;

    ObWorldStart();
    Event = New(NULL, SynchronizationEvent, TRUE);
    CHECK_EQUAL(STATUS_SUCCESS, Try(Event));
    CHECK_EQUAL(STATUS_TIMEOUT, Try(Event));
    NoWait = Thing(NULL, 0);
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, Try(NoWait));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, Try((HANDLE)400));
    Id = (CLIENT_ID){PsGetProcessId(ObWorldProcess(1)), NULL};
    CHECK_EQUAL(STATUS_SUCCESS, NtOpenProcess(&Process, SYNCHRONIZE, NULL, &Id));
    CHECK_EQUAL(STATUS_TIMEOUT, Try(Process));
    PsTerminateProcess(ObWorldProcess(1));
    CHECK_EQUAL(STATUS_SUCCESS, Try(Process));
    Close(Process);
    Close(NoWait);
    Close(Event);
    ObWorldFinish();
}

TEST(ObEvent_wants_the_access_that_a_service_needs)
{
    EVENT_BASIC_INFORMATION Basic;
    HANDLE First;
    HANDLE Weak = NULL;

    ObWorldStart();
    First = New(u"\\BaseNamedObjects\\E", NotificationEvent, FALSE);
    KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtOpenEvent(&Weak, EVENT_QUERY_STATE, Named(u"\\BaseNamedObjects\\E", 0, NULL)));
    CHECK_EQUAL(0, State(Weak));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, NtSetEvent(Weak, NULL));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, Try(Weak));
    Close(Weak);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtOpenEvent(&Weak, EVENT_MODIFY_STATE, Named(u"\\BaseNamedObjects\\E", 0, NULL)));
    CHECK_EQUAL(STATUS_SUCCESS, NtSetEvent(Weak, NULL));
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                NtQueryEvent(Weak, EventBasicInformation, &Basic, sizeof(Basic), NULL));
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                NtOpenEvent(&Weak, 0x8000, Named(u"\\BaseNamedObjects\\E", 0, NULL)));
    CHECK_EQUAL(1, State(First));
    Close(Weak);
    Close(First);
    ObWorldFinish();
}

TEST(ObEvent_of_low_and_high_memory_have_their_names)
{
    HANDLE Low = NULL;
    HANDLE High = NULL;

    ObWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS,
                NtOpenEvent(&Low, EVENT_QUERY_STATE | SYNCHRONIZE,
                            Named(u"\\KernelObjects\\LowMemoryCondition", 0, NULL)));
    CHECK_EQUAL(STATUS_SUCCESS,
                NtOpenEvent(&High, EVENT_QUERY_STATE | SYNCHRONIZE,
                            Named(u"\\KernelObjects\\HighMemoryCondition", 0, NULL)));
    CHECK_EQUAL(0, State(Low));
    CHECK_EQUAL(1, State(High));
    MiSetMemoryThresholds(0x10000, 0); /* more than the machine has */
    CHECK_EQUAL(1, State(Low));
    CHECK_EQUAL(STATUS_SUCCESS, Try(Low));
    CHECK_EQUAL(STATUS_TIMEOUT, Try(High));
    MiSetMemoryThresholds(0, 0);
    CHECK_EQUAL(STATUS_TIMEOUT, Try(Low));
    CHECK_EQUAL(STATUS_SUCCESS, Try(High));
    Close(Low);
    Close(High);
    ObWorldFinish();
}
