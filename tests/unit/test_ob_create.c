/* SPDX-License-Identifier: MIT */
/*
 * test_ob_create.c - ObCreateObject, ObInsertObject, opening by name.
 */
#include "rtl.h"
#include "tests/unit/ob_world.h"

static PVOID New(PCWSTR Name, ULONG Attributes)
{
    PVOID Object = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, ObCreateObject(KernelMode, ThingType, Named(Name, Attributes, NULL),
                                               KernelMode, NULL, 32, 0, 0, &Object));
    return Object;
}

TEST(ObInsert_without_a_handle_leaves_the_creator_its_reference)
{
    PVOID Object;
    PVOID Same = NULL;

    ObWorldStart();
    Object = New(NULL, 0);
    CHECK_EQUAL(STATUS_SUCCESS, ObInsertObject(Object, NULL, 0, 2, &Same, NULL));
    CHECK_EQUAL((ULONG_PTR)Object, (ULONG_PTR)Same);
    CHECK_EQUAL(3, Pointers(Object));
    CHECK_EQUAL(0, Handles(Object));
    ObDereferenceObject(Object);
    ObDereferenceObject(Object);
    ObDereferenceObject(Object);
    CHECK_EQUAL(1, ThingLog.Deletes);
    ObWorldFinish();
}

TEST(ObInsert_with_a_handle_gives_it_the_creators_reference_and_adds_the_bias)
{
    HANDLE Handle = NULL;
    PVOID Object;

    ObWorldStart();
    Object = New(u"\\A", 0);
    CHECK_EQUAL(STATUS_SUCCESS, ObInsertObject(Object, NULL, THING_READ, 1, NULL, &Handle));
    CHECK_EQUAL(3, Pointers(Object)); /* handle, name, bias */
    Close(Handle);
    CHECK_EQUAL(1, Pointers(Object));
    CHECK_EQUAL(0, ThingLog.Deletes);
    ObDereferenceObject(Object);
    CHECK_EQUAL(1, ThingLog.Deletes);
    ObWorldFinish();
}

TEST(ObInsert_a_name_without_a_handle_stays_until_it_is_made_temporary)
{
    HANDLE Handle = NULL;
    PVOID Object;

    ObWorldStart();
    Object = New(u"\\A", 0);
    CHECK_EQUAL(STATUS_SUCCESS, ObInsertObject(Object, NULL, 0, 0, NULL, NULL));
    CHECK_EQUAL(2, Pointers(Object));
    CHECK_EQUAL(STATUS_SUCCESS, ThingTryOpen(u"\\A", 0, 0, &Handle));
    CHECK_EQUAL(3, Pointers(Object));
    Close(Handle); /* the last handle takes the name */
    CHECK_EQUAL(1, Pointers(Object));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, ThingTryOpen(u"\\A", 0, 0, &Handle));
    ObDereferenceObject(Object);
    Object = New(u"\\B", 0);
    CHECK_EQUAL(STATUS_SUCCESS, ObInsertObject(Object, NULL, 0, 0, NULL, NULL));
    ObMakeTemporaryObject(Object);
    CHECK_EQUAL(1, Pointers(Object));
    ObDereferenceObject(Object);
    ObWorldFinish();
}

TEST(ObInsert_finds_a_collision_and_openif_opens_what_is_there)
{
    HANDLE First;
    HANDLE Second = NULL;
    PVOID Object;
    PVOID Same = NULL;

    ObWorldStart();
    First = Thing(u"\\KernelObjects\\Here", 0);
    Object = Body(First);
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION,
                ThingTry(u"\\KernelObjects\\Here", 0, THING_ALL, &Second));
    CHECK_EQUAL(1, ThingLog.Deletes);
    CHECK_EQUAL(STATUS_OBJECT_NAME_EXISTS,
                ThingTry(u"\\KernelObjects\\Here", OBJ_OPENIF, THING_READ, &Second));
    CHECK_EQUAL(2, ThingLog.Deletes);
    CHECK_EQUAL((ULONG_PTR)Object, (ULONG_PTR)Body(Second));
    CHECK_EQUAL(3, Pointers(Object));
    CHECK_EQUAL(STATUS_OBJECT_NAME_EXISTS,
                ObInsertObject(New(u"\\KernelObjects\\Here", OBJ_OPENIF), NULL, 0, 1, &Same, NULL));
    CHECK_EQUAL((ULONG_PTR)Object, (ULONG_PTR)Same);
    CHECK_EQUAL(5, Pointers(Object)); /* the creator's, and the bias */
    ObDereferenceObject(Object);
    ObDereferenceObject(Object);
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH,
                DirectoryTry(u"\\KernelObjects\\Here", OBJ_OPENIF, &Second));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, DirectoryTry(u"\\KernelObjects\\Here", 0, &Second));
    Close(First);
    Close(Second);
    ObWorldFinish();
}

TEST(ObInsert_refuses_access_and_leaves_nothing)
{
    HANDLE Handle = NULL;

    ObWorldStart();
    KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, ThingTry(u"\\A", 0, 0x8000, &Handle));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, ThingTryOpen(u"\\A", 0, 0, &Handle));
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, ThingTry(u"\\Nowhere\\A", 0, 0, &Handle));
    CHECK_EQUAL(2, ThingLog.Deletes);
    KeSetPreviousMode(KernelMode);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, ThingTry(u"\\A", OBJ_FORCE_ACCESS_CHECK, 0x8000, &Handle));
    CHECK_EQUAL(STATUS_SUCCESS, ThingTry(u"\\A", 0, 0x8000, &Handle));
    Close(Handle);
    ObWorldFinish();
}

TEST(ObCreate_refuses_attributes_that_make_no_sense)
{
    OBJECT_ATTRIBUTES Wrong = {.Length = 4};
    PVOID Object = NULL;

    ObWorldStart();
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                ObCreateObject(KernelMode, ThingType, &Wrong, KernelMode, NULL, 8, 0, 0, &Object));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                ObCreateObject(KernelMode, PsProcessType, Named(NULL, OBJ_PERMANENT, NULL),
                               KernelMode, NULL, 8, 0, 0, &Object));
    ObWorldFinish();
}

TEST(ObOpen_by_name_wants_type_and_access)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\KERNELobjects\\a");
    HANDLE First;
    HANDLE Handle = NULL;
    PVOID Object = NULL;

    ObWorldStart();
    First = Thing(u"\\KernelObjects\\A", 0);
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, ThingTryOpen(Name.Buffer, 0, 0, &Handle));
    CHECK_EQUAL(STATUS_SUCCESS,
                ThingTryOpen(Name.Buffer, OBJ_CASE_INSENSITIVE, THING_READ, &Handle));
    Close(Handle);
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH,
                DirectoryTryOpen(Name.Buffer, OBJ_CASE_INSENSITIVE, &Handle));
    CHECK_EQUAL(STATUS_SUCCESS, ObReferenceObjectByName(&Name, OBJ_CASE_INSENSITIVE, NULL, 0,
                                                        ThingType, KernelMode, NULL, &Object));
    CHECK_EQUAL((ULONG_PTR)Body(First), (ULONG_PTR)Object);
    ObDereferenceObject(Object);
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                ObReferenceObjectByName(&Name, OBJ_CASE_INSENSITIVE, NULL, 0x8000, ThingType,
                                        UserMode, NULL, &Object));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, ObReferenceObjectByName(&Name, 0x800, NULL, 0, ThingType,
                                                                  KernelMode, NULL, &Object));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                ObOpenObjectByName(NULL, ThingType, KernelMode, NULL, 0, NULL, &Handle));
    KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                ThingTryOpen(Name.Buffer, OBJ_CASE_INSENSITIVE, 0x8000, &Handle));
    KeSetPreviousMode(KernelMode);
    CHECK_EQUAL(STATUS_SUCCESS, ObOpenObjectByName(Named(u"\\KernelObjects\\A", 0, NULL), NULL,
                                                   UserMode, NULL, THING_READ, NULL, &Handle));
    Close(Handle);
    Close(First);
    ObWorldFinish();
}
