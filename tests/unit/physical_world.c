/* SPDX-License-Identifier: MIT */
/*
 * physical_world.c - see physical_world.h.
 */
#include "tests/unit/physical_world.h"

NTSTATUS PhysicalTryOpen(ACCESS_MASK Access, PHANDLE Handle)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Device\\PhysicalMemory");
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return NtOpenSection(Handle, Access, &Attributes);
}

HANDLE PhysicalOpen(void)
{
    HANDLE Handle = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, PhysicalTryOpen(SECTION_ALL_ACCESS, &Handle));
    return Handle;
}

NTSTATUS PhysicalTryMap(HANDLE Section, PHYSICAL_VIEW *View)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)View->Offset};
    SIZE_T Bytes = View->Bytes;
    PVOID Base = NULL;
    NTSTATUS Status =
        NtMapViewOfSection(Section, NtCurrentProcess(), &Base, 0, Bytes, &Offset, &Bytes,
                           (SECTION_INHERIT)(View->Inherit != 0 ? View->Inherit : (ULONG)ViewShare),
                           0, View->Protect != 0 ? View->Protect : PAGE_READWRITE);

    if (NT_SUCCESS(Status)) {
        View->Offset = (ULONG64)Offset.QuadPart;
        View->Bytes = Bytes;
        View->Va = (ULONG_PTR)Base;
    } else {
        CHECK(Base == NULL && Bytes == View->Bytes && Offset.QuadPart == (LONGLONG)View->Offset);
    }
    return Status;
}

ULONG_PTR PhysicalMap(ULONG_PTR Address, ULONG Protect)
{
    PHYSICAL_VIEW View = {.Offset = Address, .Bytes = 1, .Protect = Protect};
    HANDLE Section = PhysicalOpen();

    CHECK_EQUAL(STATUS_SUCCESS, PhysicalTryMap(Section, &View));
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Section));
    return View.Va + (Address - (ULONG_PTR)View.Offset);
}
