/* SPDX-License-Identifier: MIT */
/*
 * test_ob_query.c - NtQueryObject and NtSetInformationObject.
 */
#include "rtl.h"
#include "tests/unit/ob_world.h"

static ULONG Buffer[64];

static NTSTATUS Query(HANDLE Handle, OBJECT_INFORMATION_CLASS Class, ULONG Length, PULONG Needed)
{
    return NtQueryObject(Handle, Class, Buffer, Length, Needed);
}

TEST(NtQueryObject_basic_tells_counts_access_and_attributes)
{
    const PUBLIC_OBJECT_BASIC_INFORMATION *Basic = (PVOID)Buffer;
    HANDLE Handle = NULL;
    ULONG Needed = 0;

    ObWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, ThingTry(u"\\T", OBJ_INHERIT | OBJ_PERMANENT, THING_READ, &Handle));
    CHECK_EQUAL(STATUS_SUCCESS, Query(Handle, ObjectBasicInformation, 56, &Needed));
    CHECK_EQUAL(56, Needed);
    CHECK_EQUAL(OBJ_INHERIT | OBJ_PERMANENT, Basic->Attributes);
    CHECK_EQUAL(THING_READ, Basic->GrantedAccess);
    CHECK_EQUAL(1, Basic->HandleCount);
    CHECK_EQUAL(2, Basic->PointerCount); /* the handle's, the name's */
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH, Query(Handle, ObjectBasicInformation, 55, &Needed));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS, Query(Handle, (OBJECT_INFORMATION_CLASS)9, 56, &Needed));
    CHECK_EQUAL(STATUS_SUCCESS, NtMakeTemporaryObject(Handle));
    Close(Handle);
    CHECK_EQUAL(STATUS_INVALID_HANDLE, Query(Handle, ObjectBasicInformation, 56, &Needed));
    Handle = Thing(NULL, OBJ_EXCLUSIVE);
    CHECK_EQUAL(STATUS_SUCCESS, Query(Handle, ObjectBasicInformation, 56, NULL));
    CHECK_EQUAL(OBJ_EXCLUSIVE, Basic->Attributes);
    Close(Handle);
    ObWorldFinish();
}

TEST(NtQueryObject_tells_name_and_type)
{
    const OBJECT_NAME_INFORMATION *Name = (PVOID)Buffer;
    const PUBLIC_OBJECT_TYPE_INFORMATION *Type = (PVOID)Buffer;
    UNICODE_STRING ThingName = NT_CONSTANT_STRING(u"\\T");
    UNICODE_STRING TypeName = NT_CONSTANT_STRING(u"Thing");
    HANDLE Handle;
    ULONG Needed = 0;

    ObWorldStart();
    Handle = Thing(u"\\T", 0);
    CHECK_EQUAL(STATUS_SUCCESS, Query(Handle, ObjectNameInformation, sizeof(Buffer), &Needed));
    CHECK(RtlEqualUnicodeString(&ThingName, &Name->Name, FALSE));
    CHECK_EQUAL(8 + 6, Needed);
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH, Query(Handle, ObjectNameInformation, 13, &Needed));
    CHECK_EQUAL(STATUS_SUCCESS, Query(Handle, ObjectTypeInformation, sizeof(Buffer), &Needed));
    CHECK(RtlEqualUnicodeString(&TypeName, &Type->TypeName, FALSE));
    CHECK_EQUAL(96 + 12, Needed);
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH, Query(Handle, ObjectTypeInformation, 107, &Needed));
    Close(Handle);
    ObWorldFinish();
}

TEST(NtSetInformationObject_sets_a_handles_flags)
{
    OBJECT_HANDLE_FLAG_INFORMATION Flags = {TRUE, FALSE};
    HANDLE Handle;

    ObWorldStart();
    Handle = Thing(NULL, 0);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtSetInformationObject(Handle, ObjectHandleFlagInformation, &Flags, sizeof(Flags)));
    Flags = (OBJECT_HANDLE_FLAG_INFORMATION){FALSE, TRUE};
    CHECK_EQUAL(STATUS_SUCCESS, Query(Handle, ObjectHandleFlagInformation, 2, NULL));
    CHECK_EQUAL(0x0001, Buffer[0] & 0xFFFF); /* Inherit */
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH, Query(Handle, ObjectHandleFlagInformation, 3, NULL));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS,
                NtSetInformationObject(Handle, ObjectBasicInformation, &Flags, sizeof(Flags)));
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH,
                NtSetInformationObject(Handle, ObjectHandleFlagInformation, &Flags, 1));
    CHECK_EQUAL(STATUS_INVALID_HANDLE,
                NtSetInformationObject((HANDLE)400, ObjectHandleFlagInformation, &Flags, 2));
    Close(Handle);
    ObWorldFinish();
}
