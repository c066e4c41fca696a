/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/section_calls.c: sections by handle and by name.
 */
#include "nt/image.h"
#include "tests/unit/section_world.h"

static UNICODE_STRING Name;
static OBJECT_ATTRIBUTES Attributes;

static void Begin(void)
{
    SpaceStart();
    RtlInitUnicodeString(&Name, u"\\BaseNamedObjects\\shared");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
}

static HANDLE Create(ACCESS_MASK Access, ULONG Protect)
{
    LARGE_INTEGER Size = {.QuadPart = 5 * PAGE_SIZE + 1};
    HANDLE Handle = NULL;

    CHECK_EQUAL(STATUS_SUCCESS,
                NtCreateSection(&Handle, Access, &Attributes, &Size, Protect, SEC_COMMIT, NULL));
    return Handle;
}

static NTSTATUS Map(HANDLE Section, ULONG Protect, PULONG_PTR Va)
{
    PVOID Base = NULL;
    SIZE_T Bytes = 0;
    NTSTATUS Status = NtMapViewOfSection(Section, NtCurrentProcess(), &Base, 0, 0, NULL, &Bytes,
                                         ViewShare, 0, Protect);

    *Va = (ULONG_PTR)Base;
    return Status;
}

TEST(SectionCalls_share_a_named_section_between_two_processes)
{
    PEPROCESS First;
    PEPROCESS Second;
    ULONG_PTR Mine;
    ULONG_PTR Theirs;
    HANDLE Handle;
    HANDLE Opened = NULL;

    Begin();
    First = SpaceCurrent();
    Second = SpaceProcess();
    Handle = Create(SECTION_ALL_ACCESS, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, Map(Handle, PAGE_READWRITE, &Mine));
    SpaceWrite(Mine + PAGE_SIZE, 1234);
    SpaceEnter(Second);
    CHECK_EQUAL(STATUS_SUCCESS, NtOpenSection(&Opened, SECTION_MAP_READ, &Attributes));
    CHECK_EQUAL(STATUS_SUCCESS, Map(Opened, PAGE_READONLY, &Theirs));
    CHECK_EQUAL(1234, SpaceRead(Theirs + PAGE_SIZE));
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Opened));
    CHECK_EQUAL(1234, SpaceRead(Theirs + PAGE_SIZE)); /* the view needs no handle */
    MiVerifyAll();
    SpaceEnter(First);
    CHECK_EQUAL(STATUS_SUCCESS, NtUnmapViewOfSection(NtCurrentProcess(), (PVOID)Mine));
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Handle));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND,
                NtOpenSection(&Opened, SECTION_MAP_READ, &Attributes));
    SpaceFinish();
}

TEST(SectionCalls_give_a_handle_no_more_than_was_asked_for)
{
    SECTION_BASIC_INFORMATION Basic;
    LARGE_INTEGER Size = {.QuadPart = KB64};
    HANDLE Handle;
    HANDLE Opened = NULL;
    ULONG_PTR Va;

    Begin();
    Handle = Create(SECTION_ALL_ACCESS, PAGE_EXECUTE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, NtOpenSection(&Opened, SECTION_MAP_READ, &Attributes));
    (void)KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, Map(Opened, PAGE_READWRITE, &Va));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, Map(Opened, PAGE_EXECUTE_READ, &Va));
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                NtQuerySection(Opened, SectionBasicInformation, &Basic, sizeof(Basic), NULL));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, NtExtendSection(Opened, &Size));
    CHECK_EQUAL(STATUS_SUCCESS, Map(Opened, PAGE_WRITECOPY, &Va));
    (void)KeSetPreviousMode(KernelMode);
    SpaceWrite(Va, 1);
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Opened));
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Handle));
    SpaceFinish();
}

TEST(SectionCalls_refuse_handles_that_mean_something_else)
{
    SECTION_IMAGE_INFORMATION Image;
    SECTION_BASIC_INFORMATION Basic;
    HANDLE Handle;
    HANDLE Again = NULL;
    LARGE_INTEGER Size = {.QuadPart = KB64};
    ULONG_PTR Va;
    PVOID Base = NULL;
    SIZE_T Bytes = 0;

    Begin();
    CHECK_EQUAL(STATUS_INVALID_HANDLE, Map((HANDLE)0x7770, PAGE_READONLY, &Va));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, Map(NtCurrentProcess(), PAGE_READONLY, &Va));
    Handle = Create(SECTION_ALL_ACCESS, PAGE_READWRITE);
    CHECK_EQUAL(
        STATUS_OBJECT_TYPE_MISMATCH,
        NtMapViewOfSection(Handle, Handle, &Base, 0, 0, NULL, &Bytes, ViewShare, 0, PAGE_READONLY));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION,
                NtCreateSection(&Again, SECTION_ALL_ACCESS, &Attributes, &Size, PAGE_READWRITE,
                                SEC_COMMIT, NULL));
    CHECK_EQUAL(6, MiSharedCommit); /* the second one is gone */
    Attributes.Attributes |= OBJ_OPENIF;
    CHECK_EQUAL(STATUS_OBJECT_NAME_EXISTS,
                NtCreateSection(&Again, SECTION_ALL_ACCESS, &Attributes, &Size, PAGE_READWRITE,
                                SEC_COMMIT, NULL));
    CHECK_EQUAL(6, MiSharedCommit);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtQuerySection(Again, SectionBasicInformation, &Basic, sizeof(Basic), &Bytes));
    CHECK_EQUAL(SEC_COMMIT, Basic.AllocationAttributes);
    CHECK_EQUAL(6 * PAGE_SIZE, Basic.MaximumSize.QuadPart);
    CHECK_EQUAL(sizeof(Basic), Bytes);
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH,
                NtQuerySection(Again, SectionBasicInformation, &Basic, 8, NULL));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS,
                NtQuerySection(Again, (SECTION_INFORMATION_CLASS)7, &Basic, sizeof(Basic), NULL));
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH,
                NtQuerySection(Again, SectionImageInformation, &Image, sizeof(Image) - 1, NULL));
    CHECK_EQUAL(STATUS_SECTION_NOT_IMAGE,
                NtQuerySection(Again, SectionImageInformation, &Image, sizeof(Image), NULL));
    CHECK_EQUAL(STATUS_SECTION_NOT_EXTENDED, NtExtendSection(Again, &Size));
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Again));
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Handle));
    CHECK_EQUAL(0, MiSharedCommit);
    SpaceFinish();
}

TEST(SectionCalls_handles_end_with_their_process)
{
    PEPROCESS Second;
    ULONG_PTR Va;

    Begin();
    Second = SpaceProcess();
    SpaceEnter(Second);
    CHECK_EQUAL(STATUS_SUCCESS,
                Map(Create(SECTION_ALL_ACCESS, PAGE_READWRITE), PAGE_READWRITE, &Va));
    SpaceWrite(Va, 1);
    CHECK_EQUAL(6, MiSharedCommit);
    PsTerminateProcess(Second);
    CHECK_EQUAL(0, MiSharedCommit);
    SpaceFinish();
}

/* Arguments that are wrong, with handles that are, too. */
static NTSTATUS MapWrongly(SECTION_VIEW View)
{
    PVOID Base = (PVOID)View.Base;
    LARGE_INTEGER Offset = {.QuadPart = View.Offset};

    return NtMapViewOfSection((HANDLE)0x7770, (HANDLE)0x7774, &Base, View.ZeroBits, View.Commit,
                              &Offset, &View.Bytes,
                              View.Inherit == 0 ? ViewShare : (SECTION_INHERIT)View.Inherit,
                              View.Type, View.Protect == 0 ? PAGE_READONLY : View.Protect);
}

TEST(SectionCalls_look_at_the_arguments_before_the_handles)
{
    Begin();
    CHECK_EQUAL(STATUS_INVALID_HANDLE, MapWrongly((SECTION_VIEW){.Bytes = 1}));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_8, MapWrongly((SECTION_VIEW){.Inherit = 3}));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_9, MapWrongly((SECTION_VIEW){.Type = MEM_COMMIT}));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_4, MapWrongly((SECTION_VIEW){.ZeroBits = 22}));
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION, MapWrongly((SECTION_VIEW){.Protect = 3}));
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION,
                MapWrongly((SECTION_VIEW){.Protect = PAGE_READONLY | PAGE_GUARD}));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_5, MapWrongly((SECTION_VIEW){.Bytes = 1, .Commit = 2}));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_3, MapWrongly((SECTION_VIEW){.Base = 0x80000000u}));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_3,
                MapWrongly((SECTION_VIEW){.Base = KB64, .Bytes = 0x7FFF0000u}));
    /* physical memory, if that is what it is, may be mapped from there on */
    CHECK_EQUAL(STATUS_INVALID_HANDLE, MapWrongly((SECTION_VIEW){.Offset = PAGE_SIZE}));
    CHECK_EQUAL(STATUS_MAPPED_ALIGNMENT, MapWrongly((SECTION_VIEW){.Base = KB64 + 1}));
    CHECK_EQUAL(STATUS_NOT_MAPPED_VIEW,
                NtUnmapViewOfSection((HANDLE)0x7774, (PVOID)MM_SYSTEM_RANGE_START));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, NtUnmapViewOfSection((HANDLE)0x7774, (PVOID)KB64));
    SpaceFinish();
}
