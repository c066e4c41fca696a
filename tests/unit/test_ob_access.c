/* SPDX-License-Identifier: MIT */
/*
 * test_ob_access.c - what is granted for what is asked.
 */
#include "tests/unit/ob_world.h"

static NTSTATUS Grant(ACCESS_MASK Desired, KPROCESSOR_MODE Mode, PACCESS_MASK Granted)
{
    return ObpGrantAccess(ThingType, Desired, Mode, Granted);
}

TEST(ObAccess_maps_generic_rights_and_maximum)
{
    ACCESS_MASK Granted = 0;

    ObWorldStart();
    CHECK_EQUAL(STATUS_SUCCESS, Grant(GENERIC_READ, UserMode, &Granted));
    CHECK_EQUAL(THING_READ, Granted);
    CHECK_EQUAL(STATUS_SUCCESS, Grant(GENERIC_READ | GENERIC_WRITE, UserMode, &Granted));
    CHECK_EQUAL(THING_READ | THING_WRITE, Granted);
    CHECK_EQUAL(STATUS_SUCCESS, Grant(GENERIC_EXECUTE, UserMode, &Granted));
    CHECK_EQUAL(0, Granted);
    CHECK_EQUAL(STATUS_SUCCESS, Grant(GENERIC_ALL, UserMode, &Granted));
    CHECK_EQUAL(THING_ALL, Granted);
    CHECK_EQUAL(STATUS_SUCCESS, Grant(MAXIMUM_ALLOWED, UserMode, &Granted));
    CHECK_EQUAL(THING_ALL, Granted);
    ObWorldFinish();
}

TEST(ObAccess_user_mode_gets_nothing_that_the_type_does_not_know)
{
    ACCESS_MASK Granted = 0x77;

    ObWorldStart();
    CHECK_EQUAL(STATUS_ACCESS_DENIED, Grant(0x8000, UserMode, &Granted));
    CHECK_EQUAL(STATUS_PRIVILEGE_NOT_HELD, Grant(ACCESS_SYSTEM_SECURITY, UserMode, &Granted));
    CHECK_EQUAL(0x77, Granted);
    CHECK_EQUAL(STATUS_SUCCESS, Grant(0x8000 | THING_READ, KernelMode, &Granted));
    CHECK_EQUAL(THING_READ, Granted);
    CHECK_EQUAL(STATUS_SUCCESS, Grant(ACCESS_SYSTEM_SECURITY, KernelMode, &Granted));
    CHECK_EQUAL(ACCESS_SYSTEM_SECURITY, Granted);
    ObWorldFinish();
}

TEST(ObAccess_attributes_must_make_sense)
{
    UNICODE_STRING Odd = {3, 4, (PWCHAR)(ULONG_PTR)u"ab"};
    OBJECT_ATTRIBUTES A;

    CHECK_EQUAL(STATUS_SUCCESS, ObpCheckAttributes(NULL));
    InitializeObjectAttributes(&A, NULL, OBJ_VALID_ATTRIBUTES, NULL, NULL);
    CHECK_EQUAL(STATUS_SUCCESS, ObpCheckAttributes(&A));
    A.Attributes = 0x800;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, ObpCheckAttributes(&A));
    A.Attributes = OBJ_PROTECT_CLOSE;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, ObpCheckAttributes(&A));
    A.Attributes = 0;
    A.Length = 20;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, ObpCheckAttributes(&A));
    InitializeObjectAttributes(&A, &Odd, 0, NULL, NULL);
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, ObpCheckAttributes(&A));
    CHECK_EQUAL(UserMode, ObpAccessMode(KernelMode, OBJ_FORCE_ACCESS_CHECK));
    CHECK_EQUAL(KernelMode, ObpAccessMode(KernelMode, 0));
    CHECK_EQUAL(OBJ_INHERIT, ObpHandleAttributes(UserMode, OBJ_INHERIT | OBJ_KERNEL_HANDLE));
    CHECK_EQUAL(OBJ_KERNEL_HANDLE, ObpHandleAttributes(KernelMode, OBJ_OPENIF | OBJ_KERNEL_HANDLE));
}
