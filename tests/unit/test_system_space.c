/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/system_space.c: where views in the system half lie, how large they are, and
 * what is refused.
 */
#include "mm/pool/pool_inject.h"
#include "mm/sysva/system_pages.h"
#include "tests/unit/system_view_world.h"

#include "mm.h"

#define MB         0x100000u
#define MOST_VIEWS 256u
#define UNIT_PAGES (KB64 / PAGE_SIZE)

static ULONG_PTR Start(void)
{
    return MiLayout.Region[MiRegionSystemViews].Start;
}

static NTSTATUS TryMap(PSECTION Section, SIZE_T Bytes, PSIZE_T Mapped)
{
    PVOID Base = (PVOID)1;
    NTSTATUS Status;

    *Mapped = Bytes;
    Status = MmMapViewInSystemSpace(Section, &Base, Mapped);
    CHECK(NT_SUCCESS(Status) || (Base == (PVOID)1 && *Mapped == Bytes));
    if (NT_SUCCESS(Status)) {
        SystemViewUnmap((ULONG_PTR)Base);
    }
    return Status;
}

TEST(MapViewInSystemSpace_maps_whole_pages_from_the_beginning_of_the_section)
{
    LARGE_INTEGER Size = {.QuadPart = 3 * PAGE_SIZE - 5};
    PVOID Section;
    SIZE_T Mapped;

    PagedBegin(0);
    CHECK_EQUAL(STATUS_SUCCESS, MmCreateSection(&Section, SECTION_ALL_ACCESS, NULL, &Size,
                                                PAGE_READWRITE, SEC_COMMIT, NULL, NULL));
    CHECK_EQUAL(STATUS_SUCCESS, TryMap(Section, 0, &Mapped));
    CHECK_EQUAL(3 * PAGE_SIZE, Mapped);
    CHECK_EQUAL(STATUS_SUCCESS, TryMap(Section, PAGE_SIZE + 1, &Mapped));
    CHECK_EQUAL(2 * PAGE_SIZE, Mapped);
    CHECK_EQUAL(STATUS_SUCCESS, TryMap(Section, 3 * PAGE_SIZE, &Mapped));
    CHECK_EQUAL(STATUS_INVALID_VIEW_SIZE, TryMap(Section, 3 * PAGE_SIZE + 1, &Mapped));
    MiVerifyAll();
    ObDereferenceObject(Section);
    PagedEnd();
}

TEST(MapViewInSystemSpace_shows_a_part_and_nothing_behind_it)
{
    PSECTION Section;
    PVOID Base;
    SIZE_T Bytes = 18 * PAGE_SIZE;

    PagedBegin(0);
    Section = SectionMake(40, SEC_COMMIT, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, MmMapViewInSystemSpace(Section, &Base, &Bytes));
    CHECK_EQUAL(MiPtePrototype, PagedKind((ULONG_PTR)Base + 17 * PAGE_SIZE));
    CHECK_EQUAL(MiPteZero, PagedKind((ULONG_PTR)Base + 18 * PAGE_SIZE));
    MiVerifyAll();
    SystemViewUnmap((ULONG_PTR)Base);
    ObDereferenceObject(Section);
    PagedEnd();
}

TEST(MapViewInSystemSpace_takes_the_first_room_that_is_large_enough)
{
    PSECTION Small;
    PSECTION Large;
    ULONG_PTR View[4];

    PagedBegin(0);
    Small = SectionMake(1, SEC_COMMIT, PAGE_READWRITE);
    Large = SectionMake(UNIT_PAGES + 1, SEC_COMMIT, PAGE_READWRITE);
    View[0] = SystemViewMap(Small);
    View[1] = SystemViewMap(Small);
    View[2] = SystemViewMap(Large);
    CHECK_EQUAL(Start(), View[0]);
    CHECK_EQUAL(Start() + KB64, View[1]);
    CHECK_EQUAL(Start() + 2 * KB64, View[2]);
    SystemViewUnmap(View[0]);
    View[3] = SystemViewMap(Large);
    CHECK_EQUAL(Start() + 4 * KB64, View[3]);
    View[0] = SystemViewMap(Small);
    CHECK_EQUAL(Start(), View[0]);
    MiVerifyAll();
    SystemViewUnmap(View[2]);
    ViewWrite(View[3], 1); /* of the same section, and its own */
    CHECK_EQUAL(1, ViewRead(View[3]));
    SystemViewUnmap(View[0]);
    SystemViewUnmap(View[1]);
    SystemViewUnmap(View[3]);
    CHECK_EQUAL(0, MiSystemViewCounters.Views);
    ObDereferenceObject(Small);
    ObDereferenceObject(Large);
    PagedEnd();
}

TEST(MapViewInSystemSpace_refuses_when_its_16_MB_are_full)
{
    ULONG_PTR View[MOST_VIEWS];
    PSECTION Section;
    PSECTION Larger;
    SIZE_T Mapped;
    ULONG i;

    PagedBegin(0);
    Section = SectionMake(1, SEC_COMMIT, PAGE_READWRITE);
    Larger = SectionMake(16 * MB / PAGE_SIZE + 1, SEC_RESERVE, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_NO_MEMORY, TryMap(Larger, 0, &Mapped));
    CHECK_EQUAL(STATUS_SUCCESS, TryMap(Larger, 16 * MB, &Mapped));
    for (i = 0; i < MOST_VIEWS; i++) {
        View[i] = SystemViewMap(Section);
    }
    CHECK_EQUAL(STATUS_NO_MEMORY, TryMap(Section, 0, &Mapped));
    MiVerifyAll();
    for (i = 0; i < MOST_VIEWS; i++) {
        SystemViewUnmap(View[i]);
    }
    CHECK_EQUAL(STATUS_SUCCESS, TryMap(Section, 0, &Mapped));
    ObDereferenceObject(Section);
    ObDereferenceObject(Larger);
    PagedEnd();
}

TEST(MapViewInSystemSpace_is_refused_without_memory_for_page_tables)
{
    PSECTION Section;
    SIZE_T Mapped;

    PagedBegin(0);
    Section = SectionMake(1, SEC_COMMIT, PAGE_READWRITE);
    MiFailFrameAllocation = 1;
    CHECK_EQUAL(STATUS_NO_MEMORY, TryMap(Section, 0, &Mapped));
    MiFailFrameAllocation = 0;
    CHECK_EQUAL(0, Section->Segment->ControlArea->NumberOfMappedViews);
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, TryMap(Section, 0, &Mapped));
    ObDereferenceObject(Section);
    PagedEnd();
}

static void Unmap(PVOID Va)
{
    (void)MmUnmapViewInSystemSpace(Va);
}

TEST(UnmapViewInSystemSpace_of_what_is_no_view_stops_the_machine)
{
    const ULONG_PTR Offsets[] = {0x1000000, KB64, 3 * KB64, PAGE_SIZE, (ULONG_PTR)-KB64};
    PSECTION Section;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Offsets); i++) {
        HOST_BUGCHECK Stop;
        ULONG_PTR View;

        PagedBegin(0);
        Section = SectionMake(2 * UNIT_PAGES, SEC_COMMIT, PAGE_READWRITE);
        View = SystemViewMap(Section);
        CHECK(HostCatchBugCheck(Unmap, (PVOID)(View + Offsets[i]), &Stop));
        CHECK_EQUAL(DRIVER_UNMAPPING_INVALID_VIEW, Stop.Code);
        CHECK_EQUAL(View + Offsets[i], Stop.Parameter[0]);
        CHECK_EQUAL(2, Stop.Parameter[1]);
        HostMachineDelete();
    }
}

static void WriteTo(PVOID Va)
{
    *(volatile ULONG *)Va = 1;
}

/* Whether its pages are there already, or not. */
TEST(MapViewInSystemSpace_lets_nobody_write_to_a_section_that_is_for_reading)
{
    static const ULONG Protect[] = {PAGE_READONLY, PAGE_EXECUTE_READ, PAGE_WRITECOPY};
    HOST_BUGCHECK Stop;
    PSECTION Section;
    SIZE_T Bytes;
    PVOID Base;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Protect); i++) {
        PagedBegin(0);
        Section = SectionMake(2, SEC_COMMIT, Protect[i]);
        Bytes = 0;
        CHECK_EQUAL(STATUS_SUCCESS, MmMapViewInSystemSpace(Section, &Base, &Bytes));
        if (i != 0) {
            CHECK_EQUAL(0, *(volatile ULONG *)Base);
            MiVerifyAll();
        }
        CHECK(HostCatchBugCheck(WriteTo, Base, &Stop));
        CHECK_EQUAL(ATTEMPTED_WRITE_TO_READONLY_MEMORY, Stop.Code);
        CHECK_EQUAL((ULONG_PTR)Base, Stop.Parameter[0]);
        CHECK_EQUAL(PagedPte((ULONG_PTR)Base).Long, Stop.Parameter[1]);
        CHECK(PagedPte((ULONG_PTR)Base).Hard.Valid && !PagedPte((ULONG_PTR)Base).Hard.Write);
        HostMachineDelete();
    }
}
