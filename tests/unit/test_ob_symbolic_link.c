/* SPDX-License-Identifier: MIT */
/*
 * test_ob_symbolic_link.c - symbolic links themselves; test_ob_lookup.c follows them.
 */
#include "mm/pool/pool_inject.h"
#include "rtl.h"
#include "tests/unit/ob_world.h"

TEST(ObLink_is_opened_itself_by_type_or_openlink)
{
    HANDLE ToDevice;
    HANDLE Handle = NULL;

    ObWorldStart();
    ToDevice = Link(u"\\To", u"\\Device");
    CHECK_EQUAL(STATUS_SUCCESS, LinkTryOpen(u"\\To", 0, &Handle));
    CHECK_EQUAL((ULONG_PTR)Body(ToDevice), (ULONG_PTR)Body(Handle));
    Close(Handle);
    CHECK_EQUAL(STATUS_SUCCESS, ObOpenObjectByName(Named(u"\\To", OBJ_OPENLINK, NULL), NULL,
                                                   KernelMode, NULL, 0, NULL, &Handle));
    CHECK_EQUAL((ULONG_PTR)Body(ToDevice), (ULONG_PTR)Body(Handle));
    Close(Handle);
    CHECK_EQUAL(STATUS_SUCCESS, DirectoryTryOpen(u"\\To", 0, &Handle));
    Close(Handle);
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, LinkTryOpen(u"\\Device", 0, &Handle));
    Close(ToDevice);
    ObWorldFinish();
}

TEST(ObLink_tells_its_target)
{
    WCHAR Text[8] = {0};
    UNICODE_STRING Target = {0, 14, Text};
    UNICODE_STRING Expected = NT_CONSTANT_STRING(u"\\Device");
    HANDLE Handle;
    ULONG Length = 0;

    ObWorldStart();
    Handle = Link(u"\\To", u"\\Device");
    CHECK_EQUAL(STATUS_SUCCESS, NtQuerySymbolicLinkObject(Handle, &Target, NULL));
    CHECK(RtlEqualUnicodeString(&Target, &Expected, FALSE));
    CHECK_EQUAL(STATUS_BUFFER_TOO_SMALL, NtQuerySymbolicLinkObject(Handle, &Target, &Length));
    CHECK_EQUAL(16, Length);
    Target.MaximumLength = 16;
    CHECK_EQUAL(STATUS_SUCCESS, NtQuerySymbolicLinkObject(Handle, &Target, &Length));
    Target.MaximumLength = 12;
    CHECK_EQUAL(STATUS_BUFFER_TOO_SMALL, NtQuerySymbolicLinkObject(Handle, &Target, NULL));
    Close(Handle);
    CHECK_EQUAL(STATUS_INVALID_HANDLE, NtQuerySymbolicLinkObject(Handle, &Target, NULL));
    ObWorldFinish();
}

TEST(ObLink_refuses_targets_that_make_no_sense_and_survives_each_failure)
{
    UNICODE_STRING Empty = {0, 0, NULL};
    UNICODE_STRING Odd = {3, 4, (PWCHAR)(ULONG_PTR)u"ab"};
    UNICODE_STRING Good = NT_CONSTANT_STRING(u"\\Device");
    HANDLE Handle = NULL;
    NTSTATUS Status = STATUS_UNSUCCESSFUL;
    ULONG Nth;

    ObWorldStart();
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                NtCreateSymbolicLinkObject(&Handle, 0, Named(u"\\To", 0, NULL), &Empty));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                NtCreateSymbolicLinkObject(&Handle, 0, Named(u"\\To", 0, NULL), &Odd));
    for (Nth = 1; !NT_SUCCESS(Status) && Nth < 40; Nth++) {
        MiFailPoolAllocation(Nth);
        Status = NtCreateSymbolicLinkObject(&Handle, 0, Named(u"\\To", 0, NULL), &Good);
        MiFailPoolAllocation(0);
        CHECK(NT_SUCCESS(Status) || Status == STATUS_INSUFFICIENT_RESOURCES);
        MiVerifyAll();
    }
    CHECK(Nth > 4 && Nth < 40);
    Close(Handle);
    ObWorldFinish();
}
