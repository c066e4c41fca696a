/* SPDX-License-Identifier: MIT */
/*
 * test_ob_name.c - how long names stay, and full names.
 */
#include "rtl.h"
#include "tests/unit/ob_world.h"

static ULONG Buffer[128];

static void CheckName(PVOID Object, PCWSTR Expected)
{
    POBJECT_NAME_INFORMATION Name = (PVOID)Buffer;
    UNICODE_STRING Text;
    ULONG Length = 0;

    RtlInitUnicodeString(&Text, Expected);
    CHECK_EQUAL(STATUS_SUCCESS, ObQueryNameString(Object, Name, sizeof(Buffer), &Length));
    CHECK(RtlEqualUnicodeString(&Text, &Name->Name, FALSE));
    CHECK_EQUAL(sizeof(*Name) + Text.MaximumLength, Length);
    if (Length > sizeof(*Name)) {
        CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH,
                    ObQueryNameString(Object, Name, Length - 1, &Length));
        CHECK_EQUAL(0, Name->Name.Buffer[Name->Name.Length / 2]);
    }
}

TEST(ObName_is_told_from_the_root)
{
    HANDLE Dir;
    HANDLE Inside;
    HANDLE Nameless;

    ObWorldStart();
    Dir = Directory(u"\\KernelObjects\\Dir", 0);
    Inside = Thing(u"\\kernelobjects\\dir\\Inside", OBJ_CASE_INSENSITIVE);
    Nameless = Thing(NULL, 0);
    CheckName(Body(Inside), u"\\KernelObjects\\Dir\\Inside");
    CheckName(Body(Dir), u"\\KernelObjects\\Dir");
    CheckName(ObpRootDirectoryObject, u"\\");
    CheckName(Body(Nameless), NULL);
    Close(Dir); /* and so its name */
    CheckName(Body(Inside), u"...\\Inside");
    Close(Inside);
    Close(Nameless);
    ObWorldFinish();
}

TEST(ObName_of_a_permanent_object_stays_without_handles)
{
    HANDLE Handle;
    PVOID Object;

    ObWorldStart();
    Handle = Thing(u"\\Stays", OBJ_PERMANENT);
    Object = Body(Handle);
    Close(Handle);
    CHECK_EQUAL(1, Pointers(Object));
    CHECK_EQUAL(STATUS_SUCCESS, ThingTryOpen(u"\\Stays", 0, DELETE, &Handle));
    CHECK_EQUAL(STATUS_SUCCESS, NtMakeTemporaryObject(Handle));
    CHECK_EQUAL(0, ThingLog.Deletes);
    Close(Handle);
    CHECK_EQUAL(1, ThingLog.Deletes);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, ThingTryOpen(u"\\Stays", 0, 0, &Handle));
    ObWorldFinish();
}

TEST(ObName_can_be_made_permanent_later)
{
    HANDLE Handle;
    HANDLE Nameless;
    PVOID Object;

    ObWorldStart();
    Handle = Thing(u"\\Stays", 0);
    Object = Body(Handle);
    CHECK_EQUAL(STATUS_SUCCESS, NtMakePermanentObject(Handle));
    Close(Handle);
    CHECK_EQUAL(0, ThingLog.Deletes);
    CHECK_EQUAL(0, Handles(Object));
    ObReferenceObject(Object);
    ObMakeTemporaryObject(Object); /* takes the name at once */
    CHECK_EQUAL(1, Pointers(Object));
    ObDereferenceObject(Object);
    CHECK_EQUAL(1, ThingLog.Deletes);
    Nameless = Thing(NULL, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtMakePermanentObject(Nameless)); /* there is nothing to keep */
    Close(Nameless);
    CHECK_EQUAL(2, ThingLog.Deletes);
    CHECK_EQUAL(STATUS_INVALID_HANDLE, NtMakePermanentObject(Nameless));
    ObWorldFinish();
}

TEST(NtMakeTemporaryObject_needs_delete_access)
{
    HANDLE Handle = NULL;

    ObWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, ThingTry(u"\\T", 0, THING_READ, &Handle));
    KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, NtMakeTemporaryObject(Handle));
    KeSetPreviousMode(KernelMode);
    Close(Handle);
    ObWorldFinish();
}

TEST(ObName_stays_for_an_opening_that_has_found_it)
{
    HANDLE Handle = NULL;
    HANDLE Again = NULL;

    ObWorldStart();
    ThingLog.CloseInOpen = Thing(u"\\Short", 0);
    CHECK_EQUAL(STATUS_SUCCESS, ThingTryOpen(u"\\Short", 0, THING_READ, &Handle));
    CHECK(ThingLog.CloseInOpen == NULL);
    CheckName(Body(Handle), u"\\Short");
    CHECK_EQUAL(STATUS_SUCCESS, ThingTryOpen(u"\\Short", 0, THING_READ, &Again));
    CHECK(Body(Handle) == Body(Again));
    MiVerifyAll();
    Close(Again);
    Close(Handle);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, ThingTryOpen(u"\\Short", 0, THING_READ, &Handle));
    ObWorldFinish();
}

TEST(ObName_goes_with_an_opening_that_fails_when_the_last_handle_went_meanwhile)
{
    HANDLE Handle = NULL;

    ObWorldStart();
    ThingLog.CloseInOpen = Thing(u"\\Short", 0);
    ThingLog.OpenStatus = STATUS_ACCESS_DENIED;
    CHECK_EQUAL(STATUS_ACCESS_DENIED, ThingTryOpen(u"\\Short", 0, THING_READ, &Handle));
    ThingLog.OpenStatus = STATUS_SUCCESS;
    CHECK_EQUAL(1, ThingLog.Deletes);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, ThingTryOpen(u"\\Short", 0, THING_READ, &Handle));
    ObWorldFinish();
}

TEST(ObName_stays_for_a_creation_that_has_found_it)
{
    HANDLE Handle = NULL;
    HANDLE Again = NULL;

    ObWorldStart();
    ThingLog.CloseInOpen = NULL;
    Handle = Thing(u"\\Short", 0);
    ThingLog.CloseInOpen = Handle;
    CHECK_EQUAL(STATUS_OBJECT_NAME_EXISTS, ThingTry(u"\\Short", OBJ_OPENIF, THING_ALL, &Handle));
    CHECK_EQUAL(STATUS_SUCCESS, ThingTryOpen(u"\\Short", 0, THING_READ, &Again));
    CHECK(Body(Handle) == Body(Again));
    Close(Again);
    Close(Handle);
    ObWorldFinish();
}

TEST(ObName_without_a_handle_stays_when_an_opening_fails)
{
    HANDLE Handle = NULL;
    PVOID Object = NULL;

    ObWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, ObCreateObject(KernelMode, ThingType, Named(u"\\Bare", 0, NULL),
                                               KernelMode, NULL, 16, 0, 0, &Object));
    CHECK_EQUAL(STATUS_SUCCESS, ObInsertObject(Object, NULL, 0, 0, NULL, NULL));
    ThingLog.OpenStatus = STATUS_ACCESS_DENIED;
    CHECK_EQUAL(STATUS_ACCESS_DENIED, ThingTryOpen(u"\\Bare", 0, THING_READ, &Handle));
    ThingLog.OpenStatus = STATUS_SUCCESS;
    CHECK_EQUAL(STATUS_SUCCESS, ThingTryOpen(u"\\Bare", 0, THING_READ, &Handle));
    Close(Handle);
    ObfDereferenceObject(Object);
    CHECK_EQUAL(1, ThingLog.Deletes);
    ObWorldFinish();
}
