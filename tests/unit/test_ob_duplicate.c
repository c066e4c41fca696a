/* SPDX-License-Identifier: MIT */
/*
 * test_ob_duplicate.c - NtDuplicateObject, every option.
 */
#include "tests/unit/ob_world.h"

static HANDLE Other; /* a handle to process 1 */

static void Start(void)
{
    CLIENT_ID Id;

    ObWorldStart();
    Id = (CLIENT_ID){PsGetProcessId(ObWorldProcess(1)), NULL};
    CHECK_EQUAL(STATUS_SUCCESS, NtOpenProcess(&Other, PROCESS_ALL_ACCESS, NULL, &Id));
}

static OBJECT_HANDLE_INFORMATION InformationIn(ULONG Process, HANDLE Handle)
{
    OBJECT_HANDLE_INFORMATION Information = {0, 0};
    PVOID Object = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, ObpReferenceByHandle(ObWorldProcess(Process), Handle, 0, ThingType,
                                                     KernelMode, &Object, &Information));
    ObDereferenceObject(Object);
    return Information;
}

static NTSTATUS To(HANDLE Process, HANDLE Handle, PHANDLE New, ACCESS_MASK Access, ULONG Attributes,
                   ULONG Options)
{
    return NtDuplicateObject(NtCurrentProcess(), Handle, Process, New, Access, Attributes, Options);
}

TEST(NtDuplicateObject_gives_another_process_a_handle_with_its_own_access)
{
    HANDLE Handle;
    HANDLE New = NULL;

    Start();
    Handle = Thing(NULL, 0);
    CHECK_EQUAL(STATUS_SUCCESS, To(Other, Handle, &New, THING_READ, OBJ_INHERIT, 0));
    CHECK_EQUAL(4, (ULONG_PTR)New); /* its first */
    CHECK_EQUAL(ObDuplicateHandle, ThingLog.Reason);
    CHECK_EQUAL(2, Handles(Body(Handle)));
    CHECK_EQUAL(THING_READ, InformationIn(1, New).GrantedAccess);
    CHECK_EQUAL(OBJ_INHERIT, InformationIn(1, New).HandleAttributes);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtDuplicateObject(Other, New, NULL, NULL, 0, 0, DUPLICATE_CLOSE_SOURCE));
    CHECK_EQUAL(1, Handles(Body(Handle)));
    Close(Handle);
    ObWorldFinish();
}

TEST(NtDuplicateObject_same_access_same_attributes_and_closes_the_source)
{
    HANDLE Handle = NULL;
    HANDLE New = NULL;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, ThingTry(NULL, OBJ_INHERIT, THING_WRITE, &Handle));
    CHECK_EQUAL(STATUS_SUCCESS,
                To(Other, Handle, &New, THING_ALL, 0,
                   DUPLICATE_SAME_ACCESS | DUPLICATE_SAME_ATTRIBUTES | DUPLICATE_CLOSE_SOURCE));
    CHECK_EQUAL(THING_WRITE, InformationIn(1, New).GrantedAccess);
    CHECK_EQUAL(OBJ_INHERIT, InformationIn(1, New).HandleAttributes);
    CHECK_EQUAL(STATUS_INVALID_HANDLE, NtClose(Handle));
    CHECK_EQUAL(1, ThingType->TotalNumberOfHandles);
    ObWorldFinish();
}

TEST(NtDuplicateObject_of_the_pseudo_handle_is_a_handle_to_the_process)
{
    HANDLE New = NULL;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS,
                To(NtCurrentProcess(), NtCurrentProcess(), &New, 0, 0, DUPLICATE_SAME_ACCESS));
    CHECK_EQUAL((ULONG_PTR)ObWorldProcess(0), (ULONG_PTR)Body(New));
    Close(New);
    ObWorldFinish();
}

TEST(NtDuplicateObject_user_mode_gets_no_more_than_the_source)
{
    HANDLE Handle = NULL;
    HANDLE New = NULL;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, ThingTry(NULL, 0, THING_READ, &Handle));
    KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, To(Other, Handle, &New, THING_WRITE, 0, 0));
    CHECK_EQUAL(STATUS_SUCCESS, To(Other, Handle, &New, MAXIMUM_ALLOWED, 0, 0));
    CHECK_EQUAL(THING_READ, InformationIn(1, New).GrantedAccess);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, To(Other, Handle, &New, 0, OBJ_KERNEL_HANDLE, 0));
    KeSetPreviousMode(KernelMode);
    CHECK_EQUAL(STATUS_SUCCESS, To(Other, Handle, &New, THING_WRITE, 0, 0));
    CHECK_EQUAL(STATUS_SUCCESS, To(Other, Handle, &New, THING_WRITE, OBJ_KERNEL_HANDLE, 0));
    CHECK(((ULONG_PTR)New & OB_KERNEL_HANDLE_BIT) != 0);
    Close(New);
    ObWorldFinish();
}

TEST(NtDuplicateObject_refuses_what_makes_no_sense)
{
    HANDLE Handle;
    HANDLE New = NULL;
    HANDLE Weak = NULL;
    CLIENT_ID Id;

    Start();
    Handle = Thing(NULL, 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, To(NULL, Handle, &New, 0, 0, 0));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, To(Other, Handle, &New, 0, 0, 8));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, To(Other, Handle, &New, 0, OBJ_PERMANENT, 0));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, To(Other, (HANDLE)400, &New, 0, 0, 0));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, To(Handle, Handle, &New, 0, 0, 0));
    Id = (CLIENT_ID){PsGetProcessId(ObWorldProcess(1)), NULL};
    KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_SUCCESS, NtOpenProcess(&Weak, PROCESS_VM_READ, NULL, &Id));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, To(Weak, Handle, &New, 0, 0, 0));
    KeSetPreviousMode(KernelMode);
    CHECK_EQUAL(1, Handles(Body(Handle)));
    /* the source is closed all the same */
    CHECK_EQUAL(STATUS_INVALID_HANDLE, To((HANDLE)400, Handle, &New, 0, 0, DUPLICATE_CLOSE_SOURCE));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, NtClose(Handle));
    Handle = Thing(NULL, 0);
    PsTerminateProcess(ObWorldProcess(1));
    CHECK_EQUAL(STATUS_PROCESS_IS_TERMINATING, To(Other, Handle, &New, 0, 0, 0));
    Close(Handle);
    ObWorldFinish();
}
