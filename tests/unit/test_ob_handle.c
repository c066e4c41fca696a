/* SPDX-License-Identifier: MIT */
/*
 * test_ob_handle.c - making, using and closing handles.
 */
#include "tests/unit/ob_world.h"

static NTSTATUS Reference(HANDLE Handle, ACCESS_MASK Access, POBJECT_TYPE Type,
                          KPROCESSOR_MODE Mode)
{
    PVOID Object = NULL;
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, Access, Type, Mode, &Object, NULL);

    if (NT_SUCCESS(Status)) {
        ObDereferenceObject(Object);
    }
    CHECK(NT_SUCCESS(Status) == (Object != NULL));
    return Status;
}

TEST(ObHandle_is_a_multiple_of_4_a_reference_and_goes_with_NtClose)
{
    HANDLE First;
    HANDLE Second;
    PVOID Object;

    ObWorldStart();
    First = Thing(NULL, 0);
    CHECK_EQUAL(4, (ULONG_PTR)First);
    Object = Body(First);
    CHECK_EQUAL(1, Pointers(Object));
    CHECK_EQUAL(1, Handles(Object));
    CHECK_EQUAL(STATUS_SUCCESS,
                ObOpenObjectByPointer(Object, 0, NULL, THING_READ, ThingType, KernelMode, &Second));
    CHECK_EQUAL(8, (ULONG_PTR)Second);
    CHECK_EQUAL(2, Pointers(Object));
    CHECK_EQUAL(2, Handles(Object));
    CHECK_EQUAL(2, ThingType->TotalNumberOfHandles);
    Close(First);
    CHECK_EQUAL(2, ThingLog.LastCount);
    CHECK_EQUAL(0, ThingLog.Deletes);
    Close(Second);
    CHECK_EQUAL(1, ThingLog.LastCount);
    CHECK_EQUAL(1, ThingLog.Deletes);
    CHECK_EQUAL(STATUS_INVALID_HANDLE, NtClose(Second));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, NtClose(NULL));
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(NtCurrentProcess()));
    ObWorldFinish();
}

TEST(ObHandle_gives_user_mode_what_was_granted_and_no_more)
{
    OBJECT_HANDLE_INFORMATION Information;
    HANDLE Handle = NULL;
    PVOID Object;

    ObWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, ThingTry(NULL, OBJ_INHERIT, THING_READ, &Handle));
    CHECK_EQUAL(STATUS_SUCCESS, Reference(Handle, THING_READ, ThingType, UserMode));
    CHECK_EQUAL(STATUS_SUCCESS, Reference(Handle, THING_READ, NULL, UserMode));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, Reference(Handle, THING_WRITE, ThingType, UserMode));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, Reference(Handle, THING_ALL, ThingType, UserMode));
    CHECK_EQUAL(STATUS_SUCCESS, Reference(Handle, THING_ALL, ThingType, KernelMode));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, Reference(Handle, 0, PsProcessType, KernelMode));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, Reference((HANDLE)400, 0, ThingType, UserMode));
    CHECK_EQUAL(STATUS_SUCCESS,
                ObReferenceObjectByHandle(Handle, 0, ThingType, KernelMode, &Object, &Information));
    CHECK_EQUAL(OBJ_INHERIT, Information.HandleAttributes);
    CHECK_EQUAL(THING_READ, Information.GrantedAccess);
    ObDereferenceObject(Object);
    Close(Handle);
    ObWorldFinish();
}

TEST(ObHandle_belongs_to_one_process)
{
    HANDLE Handle;

    ObWorldStart();
    Handle = Thing(NULL, 0);
    ObWorldEnter(1);
    CHECK_EQUAL(STATUS_INVALID_HANDLE, Reference(Handle, 0, NULL, KernelMode));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, NtClose(Handle));
    ObWorldEnter(0);
    CHECK_EQUAL(STATUS_SUCCESS, Reference(Handle, 0, NULL, KernelMode));
    ObWorldFinish(); /* which closes it */
    CHECK_EQUAL(1, ThingLog.Deletes);
}

TEST(ObHandle_of_the_kernel_is_valid_everywhere_but_not_for_user_mode)
{
    HANDLE Handle;
    HANDLE User = NULL;

    ObWorldStart();
    Handle = Thing(NULL, OBJ_KERNEL_HANDLE);
    CHECK(((ULONG_PTR)Handle & OB_KERNEL_HANDLE_BIT) != 0);
    ObWorldEnter(1);
    CHECK_EQUAL(STATUS_SUCCESS, Reference(Handle, 0, ThingType, KernelMode));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, Reference(Handle, 0, ThingType, UserMode));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, ObCloseHandle(Handle, UserMode));
    KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_SUCCESS, ThingTry(NULL, OBJ_KERNEL_HANDLE, THING_ALL, &User));
    CHECK_EQUAL(4, (ULONG_PTR)User); /* no kernel handle for user mode */
    KeSetPreviousMode(KernelMode);
    Close(User);
    Close(Handle);
    ObWorldFinish();
}

static void CloseIt(PVOID Handle)
{
    CHECK(!NT_SUCCESS(NtClose(Handle)));
}

static void ExpectStop(HANDLE Handle, ULONG_PTR Second)
{
    HOST_BUGCHECK BugCheck;

    CHECK(HostCatchBugCheck(CloseIt, Handle, &BugCheck));
    CHECK_EQUAL(INVALID_KERNEL_HANDLE, BugCheck.Code);
    CHECK_EQUAL((ULONG_PTR)Handle, BugCheck.Parameter[0]);
    CHECK_EQUAL(Second, BugCheck.Parameter[1]);
}

TEST(ObHandle_of_the_kernel_that_is_invalid_or_protected_is_bug_check_93)
{
    OBJECT_HANDLE_FLAG_INFORMATION Protect = {FALSE, TRUE};
    HANDLE Handle;

    ObWorldStart();
    ExpectStop((HANDLE)0x80000400, 1);
    HostMachineDelete();
    ObWorldStart();
    Handle = Thing(NULL, OBJ_KERNEL_HANDLE);
    CHECK_EQUAL(STATUS_SUCCESS, NtSetInformationObject(Handle, ObjectHandleFlagInformation,
                                                       &Protect, sizeof(Protect)));
    ExpectStop(Handle, 0);
    HostMachineDelete();
}

TEST(ObHandle_that_is_protected_or_that_its_type_keeps_is_not_closable)
{
    OBJECT_HANDLE_FLAG_INFORMATION Flags = {FALSE, TRUE};
    HANDLE Handle;

    ObWorldStart();
    Handle = Thing(NULL, 0);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtSetInformationObject(Handle, ObjectHandleFlagInformation, &Flags, sizeof(Flags)));
    CHECK_EQUAL(STATUS_HANDLE_NOT_CLOSABLE, NtClose(Handle));
    Flags.ProtectFromClose = FALSE;
    CHECK_EQUAL(STATUS_SUCCESS,
                NtSetInformationObject(Handle, ObjectHandleFlagInformation, &Flags, sizeof(Flags)));
    ThingLog.Keep = TRUE;
    CHECK_EQUAL(STATUS_HANDLE_NOT_CLOSABLE, NtClose(Handle));
    CHECK_EQUAL(0, ThingLog.Closes);
    ThingLog.Keep = FALSE;
    Close(Handle);
    ObWorldFinish();
}

TEST(ObHandle_is_not_made_when_the_type_refuses)
{
    HANDLE Handle = (HANDLE)77;

    ObWorldStart();
    ThingLog.OpenStatus = STATUS_SHARING_VIOLATION;
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, ThingTry(u"\\Refused", 0, THING_ALL, &Handle));
    CHECK_EQUAL(77, (ULONG_PTR)Handle);
    CHECK_EQUAL(ObCreateHandle, ThingLog.Reason);
    CHECK_EQUAL(1, ThingLog.Deletes);
    ThingLog.OpenStatus = STATUS_SUCCESS;
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, ThingTryOpen(u"\\Refused", 0, 0, &Handle));
    CHECK_EQUAL(0, ThingType->TotalNumberOfHandles);
    ObWorldFinish();
}

TEST(ObHandle_to_an_exclusive_object_is_for_one_process)
{
    HANDLE First;
    HANDLE Second = NULL;

    ObWorldStart();
    First = Thing(u"\\Mine", OBJ_EXCLUSIVE);
    CHECK_EQUAL(STATUS_SUCCESS, ThingTryOpen(u"\\Mine", OBJ_EXCLUSIVE, THING_READ, &Second));
    ObWorldEnter(1);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, ThingTryOpen(u"\\Mine", 0, THING_READ, &Second));
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                ThingTryOpen(u"\\Mine", OBJ_KERNEL_HANDLE, THING_READ, &Second));
    ObWorldEnter(0);
    Close(First);
    Close(Second);
    First = Thing(u"\\Ours", 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                ThingTryOpen(u"\\Ours", OBJ_EXCLUSIVE, THING_READ, &Second));
    Close(First);
    ObWorldFinish();
}

TEST(ObHandle_current_process_is_one_with_all_access)
{
    OBJECT_HANDLE_INFORMATION Information;
    PVOID Object = NULL;

    ObWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS,
                ObReferenceObjectByHandle(NtCurrentProcess(), PROCESS_ALL_ACCESS, PsProcessType,
                                          UserMode, &Object, &Information));
    CHECK_EQUAL((ULONG_PTR)ObWorldProcess(0), (ULONG_PTR)Object);
    CHECK_EQUAL(PROCESS_ALL_ACCESS, Information.GrantedAccess);
    ObDereferenceObject(Object);
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH,
                Reference(NtCurrentProcess(), 0, ThingType, KernelMode));
    ObWorldFinish();
}

TEST(ObHandles_are_all_closed_when_the_process_ends_and_it_gets_no_more)
{
    OBJECT_HANDLE_FLAG_INFORMATION Protect = {FALSE, TRUE};
    HANDLE Handle = NULL;
    ULONG i;

    ObWorldStart();
    for (i = 0; i < 600; i++) {
        Handle = Thing(i == 0 ? u"\\One" : NULL, 0);
    }
    CHECK_EQUAL(STATUS_SUCCESS, NtSetInformationObject(Handle, ObjectHandleFlagInformation,
                                                       &Protect, sizeof(Protect)));
    ThingLog.Keep = TRUE; /* nobody asks */
    PsTerminateProcess(ObWorldProcess(0));
    CHECK_EQUAL(600, ThingLog.Closes);
    CHECK_EQUAL(600, ThingLog.Deletes);
    CHECK_EQUAL(STATUS_PROCESS_IS_TERMINATING, ThingTry(NULL, 0, THING_ALL, &Handle));
    CHECK_EQUAL(STATUS_PROCESS_IS_TERMINATING, ThingTry(u"\\One", 0, THING_ALL, &Handle));
    ObWorldEnter(1);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, ThingTryOpen(u"\\One", 0, THING_ALL, &Handle));
    ObWorldFinish();
}

TEST(ObHandles_marked_for_it_are_inherited_by_a_clone)
{
    PEPROCESS Clone;
    KAPC_STATE State;
    HANDLE Inherited;
    HANDLE Private;
    HANDLE Exclusive;

    ObWorldStart();
    Private = Thing(NULL, 0);
    Inherited = Thing(NULL, OBJ_INHERIT);
    Exclusive = Thing(NULL, OBJ_INHERIT | OBJ_EXCLUSIVE);
    CHECK_EQUAL(STATUS_SUCCESS, PsCloneProcess("clone", ObWorldProcess(0), &Clone));
    CHECK_EQUAL(ObInheritHandle, ThingLog.Reason);
    CHECK_EQUAL(2, Handles(Body(Inherited)));
    CHECK_EQUAL(1, Handles(Body(Exclusive)));
    KeStackAttachProcess(&Clone->Pcb, &State);
    CHECK_EQUAL(STATUS_SUCCESS, Reference(Inherited, THING_ALL, ThingType, UserMode));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, Reference(Private, 0, NULL, KernelMode));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, Reference(Exclusive, 0, NULL, KernelMode));
    KeUnstackDetachProcess(&State);
    MiVerifyAll();
    PsTerminateProcess(Clone);
    PsDereferenceProcess(Clone);
    CHECK_EQUAL(1, Handles(Body(Inherited)));
    ThingLog.OpenStatus = STATUS_ACCESS_DENIED; /* the type refuses: the clone has none */
    CHECK_EQUAL(STATUS_SUCCESS, PsCloneProcess("clone", ObWorldProcess(0), &Clone));
    CHECK_EQUAL(1, Handles(Body(Inherited)));
    PsTerminateProcess(Clone);
    PsDereferenceProcess(Clone);
    ObWorldFinish();
}

TEST(ObOpenObjectByPointer_checks_type_and_attributes)
{
    HANDLE Handle;
    HANDLE Other = NULL;
    PVOID Object;

    ObWorldStart();
    Handle = Thing(NULL, 0);
    Object = Body(Handle);
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH,
                ObOpenObjectByPointer(Object, 0, NULL, 0, PsProcessType, KernelMode, &Other));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH,
                ObOpenObjectByPointer(Object, 0, NULL, 0, NULL, UserMode, &Other));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                ObOpenObjectByPointer(Object, 0x800, NULL, 0, NULL, KernelMode, &Other));
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                ObOpenObjectByPointer(Object, 0, NULL, 0x8000, ThingType, UserMode, &Other));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, ObOpenObjectByPointer(Object, OBJ_FORCE_ACCESS_CHECK, NULL,
                                                            0x8000, ThingType, KernelMode, &Other));
    CHECK_EQUAL(STATUS_SUCCESS,
                ObOpenObjectByPointer(Object, 0, NULL, 0, NULL, KernelMode, &Other));
    CHECK_EQUAL(ObOpenHandle, ThingLog.Reason);
    Close(Other);
    Close(Handle);
    ObWorldFinish();
}

TEST(ObSetEntryFlags_of_no_handle_is_invalid)
{
    ObWorldStart();
    CHECK_EQUAL(STATUS_INVALID_HANDLE, ObpSetEntryFlags((HANDLE)400, KernelMode, 0));
    ObWorldFinish();
}
