/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/based.c: sections with an address of their own.
 */
#include "tests/unit/section_world.h"

#define TOP      0x7F7F0000u /* 8 MB below the user half's end */
#define BASED    (SEC_COMMIT | SEC_BASED)
#define PAGES_64 (KB64 / PAGE_SIZE)

static PSECTION Based(ULONG Pages)
{
    PSECTION Section = SectionMake(Pages, BASED, PAGE_READWRITE);

    MiVerifyBasedSections();
    return Section;
}

static NTSTATUS MapAt(PSECTION Section, ULONG_PTR Base, LONGLONG Offset, PULONG_PTR Va)
{
    SECTION_VIEW View = {.Base = Base, .Offset = Offset};
    NTSTATUS Status = SectionMapAs(Section, &View);

    *Va = View.Base;
    return Status;
}

TEST(Based_section_is_at_the_same_address_in_every_process)
{
    PSECTION Section;
    PEPROCESS Second;
    ULONG_PTR First;
    ULONG_PTR Va;

    SpaceStart();
    Section = Based(3 * PAGES_64);
    CHECK_EQUAL(TOP - 3 * KB64, Section->BasedAddress);
    First = SectionMap(Section, PAGE_READWRITE);
    CHECK_EQUAL(Section->BasedAddress, First);
    SpaceWrite(First + 2 * KB64, 7);
    Second = SpaceProcess();
    SpaceEnter(Second);
    (void)SpaceAllocate(KB64, KB64, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, MapAt(Section, 0, 2 * KB64, &Va)); /* a part of it */
    CHECK_EQUAL(First + 2 * KB64, Va);
    CHECK_EQUAL(7, SpaceRead(Va));
    MiVerifyAll();
    ObDereferenceObject(Section);
    SpaceFinish();
}

TEST(Based_section_is_nowhere_else)
{
    PSECTION Section;
    ULONG_PTR Va;

    SpaceStart();
    Section = Based(16);
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, MapAt(Section, 0x10000000, 0, &Va));
    CHECK_EQUAL(STATUS_INVALID_VIEW_SIZE, MapAt(Section, 0, 0x7FFF0000, &Va));
    CHECK_EQUAL(STATUS_INVALID_VIEW_SIZE, MapAt(Section, 0, 0xFFFFFFFF0000, &Va));
    CHECK_EQUAL(STATUS_SUCCESS, MapAt(Section, Section->BasedAddress, 0, &Va));
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, MapAt(Section, 0, 0, &Va)); /* it is there already */
    SectionUnmap(Section->BasedAddress);
    (void)SpaceAllocate(Section->BasedAddress, KB64, MEM_RESERVE, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, MapAt(Section, 0, 0, &Va));
    ObDereferenceObject(Section);
    SpaceFinish();
}

TEST(Based_sections_have_places_of_their_own_which_are_used_again)
{
    PSECTION First;
    PSECTION Second;
    PSECTION Third;
    PSECTION Between;

    SpaceStart();
    First = Based(1); /* takes 64 KB, as views do */
    Second = Based(2 * PAGES_64);
    Third = Based(PAGES_64 + 1);
    CHECK_EQUAL(TOP - KB64, First->BasedAddress);
    CHECK_EQUAL(TOP - 3 * KB64, Second->BasedAddress);
    CHECK_EQUAL(TOP - 5 * KB64, Third->BasedAddress);
    ObDereferenceObject(Second);
    Second = Based(3 * PAGES_64); /* too large for the gap */
    CHECK_EQUAL(TOP - 8 * KB64, Second->BasedAddress);
    Between = Based(PAGES_64);
    CHECK_EQUAL(TOP - 2 * KB64, Between->BasedAddress);
    ObDereferenceObject(First);
    ObDereferenceObject(Second);
    ObDereferenceObject(Third);
    ObDereferenceObject(Between);
    MiVerifyBasedSections();
    SpaceFinish();
}

TEST(Based_section_that_finds_no_place_is_refused)
{
    PSECTION Large;

    SpaceStart();
    CHECK_EQUAL(STATUS_NO_MEMORY,
                SectionTryMake(0x7F800000, SEC_RESERVE | SEC_BASED, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_NO_MEMORY,
                SectionTryMake(0x100000000, SEC_RESERVE | SEC_BASED, PAGE_READWRITE));
    Large = SectionMake(0x7F7E0, SEC_RESERVE | SEC_BASED, PAGE_READWRITE);
    CHECK_EQUAL(MM_LOWEST_USER_ADDRESS, Large->BasedAddress);
    CHECK_EQUAL(STATUS_NO_MEMORY, SectionTryMake(1, BASED, PAGE_READWRITE));
    ObDereferenceObject(Large);
    CHECK_EQUAL(STATUS_SUCCESS, SectionTryMake(1, BASED, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_6,
                SectionTryMake(1, SEC_IMAGE | SEC_BASED, PAGE_READONLY));
    MiVerifyAll();
    SpaceFinish();
}

TEST(Based_section_says_where_it_is)
{
    SECTION_BASIC_INFORMATION Basic;
    LARGE_INTEGER Size = {.QuadPart = 1};
    HANDLE Handle = NULL;

    SpaceStart();
    CHECK_EQUAL(STATUS_SUCCESS, NtCreateSection(&Handle, SECTION_ALL_ACCESS, NULL, &Size,
                                                PAGE_READWRITE, BASED, NULL));
    CHECK_EQUAL(STATUS_SUCCESS,
                NtQuerySection(Handle, SectionBasicInformation, &Basic, sizeof(Basic), NULL));
    CHECK_EQUAL(TOP - KB64, (ULONG_PTR)Basic.BaseAddress);
    CHECK_EQUAL(BASED, Basic.AllocationAttributes);
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Handle));
    SpaceFinish();
}

static void Verify(PVOID Context)
{
    (void)Context;
    MiVerifyAll();
}

TEST(Based_sections_that_overlap_are_found)
{
    HOST_BUGCHECK Stop;

    SpaceStart();
    (void)Based(1);
    Based(1)->BasedBytes += KB64;
    CHECK(HostCatchBugCheck(Verify, NULL, &Stop));
    HostMachineDelete();
}
