/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/system_view_verify.c: what is wrong is found.
 */
#include "tests/unit/system_view_world.h"

#define PAGES 24u

static PSECTION Section;
static ULONG_PTR View;

static void Begin(void)
{
    PagedBegin(0);
    Section = SectionMake(PAGES, SEC_COMMIT, PAGE_READWRITE);
    View = SystemViewMap(Section);
    MiVerifyAll();
}

static void VerifyAll(PVOID Context)
{
    (void)Context;
    MiVerifyAll();
}

/* The machine cannot go on. */
static void CheckFound(void)
{
    HOST_BUGCHECK Stop;

    CHECK(HostCatchBugCheck(VerifyAll, NULL, &Stop));
    HostMachineDelete();
}

TEST(SystemViewVerify_finds_a_PTE_of_another_page)
{
    Begin();
    MiWritePte(MiGetPteAddress(View), PagedPte(View + PAGE_SIZE));
    CheckFound();
}

TEST(SystemViewVerify_finds_a_PTE_behind_the_view)
{
    Begin();
    MiWritePte(MiGetPteAddress(View + 3 * KB64), PagedPte(View));
    CheckFound();
}

TEST(SystemViewVerify_finds_a_page_that_is_not_counted)
{
    Begin();
    (void)ViewRead(View);
    MiSystemViewCounters.Resident++;
    MiSystemViewCounters.PeakResident++;
    CheckFound();
}

TEST(SystemViewVerify_finds_a_view_that_is_not_counted)
{
    Begin();
    Section->Segment->ControlArea->NumberOfMappedViews++;
    Section->Segment->ControlArea->NumberOfSystemCacheViews++;
    CheckFound();
}
