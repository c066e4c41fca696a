/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/physical_section.c: who gets \Device\PhysicalMemory, and what of it.
 */
#include "mm/pool/pool_inject.h"
#include "tests/unit/physical_world.h"

static ULONG CountAreas(void)
{
    PCONTROL_AREA Area;
    ULONG Count = 0;

    for (Area = MiNextControlArea(NULL); Area != NULL; Area = MiNextControlArea(Area)) {
        Count++;
    }
    return Count;
}

TEST(PhysicalSection_is_4_GB_and_can_be_opened_by_the_kernel_alone)
{
    SECTION_BASIC_INFORMATION Basic;
    LARGE_INTEGER Size = {.QuadPart = 0x100001000};
    KPROCESSOR_MODE Mode;
    HANDLE Section;
    HANDLE Handle = NULL;
    PHYSICAL_VIEW View = {.Offset = 0, .Bytes = PAGE_SIZE};

    SpaceStart();
    Section = PhysicalOpen();
    CHECK_EQUAL(STATUS_SUCCESS,
                NtQuerySection(Section, SectionBasicInformation, &Basic, sizeof(Basic), NULL));
    CHECK(Basic.BaseAddress == NULL && Basic.MaximumSize.QuadPart == 0x100000000);
    CHECK_EQUAL(SEC_COMMIT, Basic.AllocationAttributes);
    CHECK_EQUAL(STATUS_SECTION_NOT_EXTENDED, NtExtendSection(Section, &Size));
    Mode = KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, PhysicalTryOpen(SECTION_MAP_READ, &Handle));
    CHECK(Handle == NULL);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, PhysicalTryMap(Section, &View));
    (void)KeSetPreviousMode(Mode);
    CHECK_EQUAL(STATUS_SUCCESS, PhysicalTryMap(Section, &View));
    SectionUnmap(View.Va);
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Section));
    SpaceFinish();
}

TEST(PhysicalSection_views_begin_at_64_KB_and_reach_as_far_as_asked)
{
    PHYSICAL_VIEW View = {.Offset = 0x23456, .Bytes = 0xD000};
    HANDLE Section;

    SpaceStart();
    Section = PhysicalOpen();
    CHECK_EQUAL(STATUS_SUCCESS, PhysicalTryMap(Section, &View));
    CHECK_EQUAL(0x20000, View.Offset);
    CHECK_EQUAL(0x11000, View.Bytes);
    SectionUnmap(View.Va);
    View = (PHYSICAL_VIEW){.Offset = 0xFFFFF000, .Bytes = PAGE_SIZE};
    CHECK_EQUAL(STATUS_SUCCESS, PhysicalTryMap(Section, &View));
    SectionUnmap(View.Va);
    View = (PHYSICAL_VIEW){.Offset = 0xFFFFF000, .Bytes = PAGE_SIZE + 1};
    CHECK_EQUAL(STATUS_INVALID_VIEW_SIZE, PhysicalTryMap(Section, &View));
    View = (PHYSICAL_VIEW){.Offset = 0x100000000, .Bytes = PAGE_SIZE};
    CHECK_EQUAL(STATUS_INVALID_VIEW_SIZE, PhysicalTryMap(Section, &View));
    View = (PHYSICAL_VIEW){.Offset = 0, .Bytes = 0};
    CHECK_EQUAL(STATUS_INVALID_VIEW_SIZE, PhysicalTryMap(Section, &View));
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Section));
    SpaceFinish();
}

TEST(PhysicalSection_refuses_protections_that_make_no_sense)
{
    static const struct {
        ULONG Protect;
        NTSTATUS Status;
    } Cases[] = {
        {PAGE_NOACCESS, STATUS_INVALID_PAGE_PROTECTION},
        {PAGE_WRITECOPY, STATUS_INVALID_PAGE_PROTECTION},
        {PAGE_READWRITE | PAGE_GUARD, STATUS_INVALID_PAGE_PROTECTION},
        {PAGE_READWRITE | PAGE_NOCACHE | PAGE_WRITECOMBINE, STATUS_INVALID_PAGE_PROTECTION},
        {PAGE_READONLY | PAGE_NOCACHE, STATUS_SUCCESS},
        {PAGE_EXECUTE_READWRITE, STATUS_SUCCESS},
    };
    HANDLE Section;
    ULONG i;

    SpaceStart();
    Section = PhysicalOpen();
    for (i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        PHYSICAL_VIEW View = {.Bytes = PAGE_SIZE, .Protect = Cases[i].Protect};

        CHECK_EQUAL(Cases[i].Status, PhysicalTryMap(Section, &View));
        if (NT_SUCCESS(Cases[i].Status)) {
            SectionUnmap(View.Va);
        }
    }
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Section));
    SpaceFinish();
}

TEST(PhysicalSection_is_not_mapped_for_every_process)
{
    SIZE_T Bytes = PAGE_SIZE;
    HANDLE Handle;
    PVOID Section;
    PVOID Base;

    SpaceStart();
    Handle = PhysicalOpen();
    CHECK_EQUAL(STATUS_SUCCESS, ObReferenceObjectByHandle(Handle, 0, MmSectionObjectType,
                                                          KernelMode, &Section, NULL));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_1, MmMapViewInSystemSpace(Section, &Base, &Bytes));
    ObDereferenceObject(Section);
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Handle));
    SpaceFinish();
}

/* The name is taken: so it fails even where nothing else does. */
TEST(PhysicalSection_that_cannot_be_made_leaves_nothing_behind)
{
    ULONG Areas;
    ULONG Nth;

    SpaceStart();
    Areas = CountAreas();
    for (Nth = 1; Nth < 10; Nth++) {
        NTSTATUS Status;

        MiFailPoolAllocation(Nth);
        Status = MiCreatePhysicalSection();
        if (MiPoolFailureHappened()) {
            CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, Status);
        } else {
            CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION, Status);
        }
        MiFailPoolAllocation(0);
        CHECK_EQUAL(Areas, CountAreas());
        MiVerifyAll();
    }
    SpaceFinish();
}
