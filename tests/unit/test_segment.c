/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/segment.c: pages of SEC_RESERVE sections, counts, the end.
 */
#include "mm/pfn/commit.h"
#include "mm/space/prototype_pte.h"
#include "tests/unit/section_world.h"

static PSECTION Section;
static ULONG_PTR Va;

static void Begin(ULONG Attributes)
{
    SpaceStart();
    Section = SectionMake(64, Attributes, PAGE_READWRITE);
    Va = SectionMap(Section, PAGE_READWRITE);
}

static void End(void)
{
    ObDereferenceObject(Section);
    SpaceFinish();
}

TEST(Segment_pages_that_one_process_commits_are_committed_for_all)
{
    ULONG_PTR Other;
    ULONG Before;

    Begin(SEC_RESERVE);
    Other = SectionMap(Section, PAGE_READONLY);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(Va, &(ULONG){0}));
    Before = MiCommit.Committed;
    (void)SpaceAllocate(Va + 4 * PAGE_SIZE, 3 * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE);
    CHECK_EQUAL(Before + 3, MiCommit.Committed);
    CHECK_EQUAL(3, MiSharedCommit);
    SpaceWrite(Va + 5 * PAGE_SIZE, 12);
    CHECK_EQUAL(12, SpaceRead(Other + 5 * PAGE_SIZE));
    CHECK_EQUAL(PAGE_READONLY, SpaceQuery(Other + 5 * PAGE_SIZE).Protect);
    CHECK_EQUAL(MEM_RESERVE, SpaceQuery(Other).State);
    CHECK_EQUAL(4 * PAGE_SIZE, SpaceQuery(Other).RegionSize);
    (void)SpaceAllocate(Va + 3 * PAGE_SIZE, 3 * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE);
    CHECK_EQUAL(4, MiSharedCommit); /* two of them were already */
    MiVerifyAll();
    End();
}

TEST(Segment_commits_with_a_protection_of_its_own)
{
    Begin(SEC_RESERVE);
    (void)SpaceAllocate(Va, PAGE_SIZE, MEM_COMMIT, PAGE_READONLY);
    CHECK_EQUAL(PAGE_READONLY, SpaceQuery(Va).Protect);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va, 1));
    CHECK_EQUAL(STATUS_SECTION_PROTECTION,
                SpaceTryAllocate(Va, PAGE_SIZE, MEM_COMMIT, PAGE_EXECUTE_READ));
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION,
                SpaceTryAllocate(Va, PAGE_SIZE, MEM_COMMIT, PAGE_WRITECOPY));
    CHECK_EQUAL(STATUS_NOT_COMMITTED, SpaceTryProtect(Va, 2 * PAGE_SIZE, PAGE_READWRITE));
    MiVerifyAll();
    End();
}

TEST(Segment_that_may_not_commit_more_stays_as_it_is)
{
    PSECTION Large;
    ULONG_PTR At;

    Begin(SEC_RESERVE);
    Large = SectionMake(0x10000, SEC_RESERVE, PAGE_READWRITE);
    At = SectionMap(Large, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_COMMITMENT_LIMIT,
                SpaceTryAllocate(At, 0x10000 * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE));
    CHECK_EQUAL(0, MiSharedCommit);
    MiVerifyAll();
    SectionUnmap(At);
    ObDereferenceObject(Large);
    End();
}

TEST(Segment_counts_objects_and_views)
{
    const CONTROL_AREA *Area;
    ULONG_PTR Other;

    Begin(SEC_COMMIT);
    Area = Section->Segment->ControlArea;
    CHECK_EQUAL(1, Area->NumberOfSectionReferences);
    CHECK_EQUAL(1, Area->NumberOfMappedViews);
    CHECK_EQUAL(2, Area->NumberOfUserReferences);
    Other = SectionMap(Section, PAGE_READONLY);
    CHECK_EQUAL(2, Area->NumberOfMappedViews);
    SectionUnmap(Other);
    CHECK_EQUAL(1, Area->NumberOfMappedViews);
    CHECK_EQUAL(0, Area->NumberOfPfnReferences); /* of files only */
    End();
}

TEST(Segment_gives_its_frames_back_when_it_goes)
{
    ULONG Page;

    Begin(SEC_COMMIT);
    for (Page = 0; Page < 64; Page++) {
        SpaceWrite(Va + Page * PAGE_SIZE, Page);
    }
    SectionUnmap(Va);
    for (Page = 0; Page < 64; Page++) { /* without a view they are kept, in transition */
        CHECK(!SectionPrototype(Section, Page).Hard.Valid && SectionPrototype(Section, Page).Long);
    }
    Va = SectionMap(Section, PAGE_READWRITE);
    for (Page = 0; Page < 64; Page++) {
        CHECK_EQUAL(Page, SpaceRead(Va + Page * PAGE_SIZE));
    }
    End(); /* which checks that all of them are back */
}

TEST(Segment_is_larger_than_a_page_of_prototype_PTEs)
{
    PSECTION Large;
    ULONG_PTR At;

    Begin(SEC_COMMIT);
    Large = SectionMake(3000, SEC_RESERVE, PAGE_READWRITE);
    At = SectionMap(Large, PAGE_READWRITE);
    (void)SpaceAllocate(At + 1000 * PAGE_SIZE, 100 * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE);
    SpaceWrite(At + 1023 * PAGE_SIZE, 1);
    SpaceWrite(At + 1024 * PAGE_SIZE, 2);
    SectionTrim();
    MiVerifyAll();
    CHECK_EQUAL(1, SpaceRead(At + 1023 * PAGE_SIZE));
    CHECK_EQUAL(2, SpaceRead(At + 1024 * PAGE_SIZE));
    ObDereferenceObject(Large);
    End();
}

TEST(Segment_is_charged_for_pages_that_are_not_committed_yet_and_no_others)
{
    ULONG Rest;

    Begin(SEC_RESERVE);
    (void)SpaceAllocate(Va, 60 * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE);
    Rest = MiCommit.Limit - MiCommit.Committed - 4;
    CHECK(MiChargeCommitment(Rest));
    CHECK_EQUAL(STATUS_SUCCESS, SpaceTryAllocate(Va, 64 * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE));
    CHECK_EQUAL(64, MiSharedCommit);
    CHECK_EQUAL(MiCommit.Limit, MiCommit.Committed);
    CHECK_EQUAL(STATUS_SUCCESS, /* nothing to charge for */
                SpaceTryAllocate(Va, 64 * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE));
    MiReturnCommitment(Rest);
    MiVerifyAll();
    End();
}

TEST(Segment_lets_go_of_the_lock_while_it_commits_many_pages)
{
    PSECTION Large;
    ULONG Changes;
    ULONG Limit;

    Begin(SEC_RESERVE);
    Large = SectionMake(3000, SEC_RESERVE, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, MiCommitSegment(Large->Segment, 2995, 5, &Limit));
    CHECK_EQUAL(STATUS_SUCCESS, MiCommitSegment(Large->Segment, 1023, 2, &Limit));
    CHECK_EQUAL(7, Large->Segment->NumberOfCommittedPages);
    Changes = MiPrototypeChanges;
    CHECK_EQUAL(STATUS_SUCCESS, MiCommitSegment(Large->Segment, 7, 2990, &Limit));
    CHECK_EQUAL(Changes + 3, MiPrototypeChanges); /* each piece is one */
    CHECK_EQUAL(2993, Large->Segment->NumberOfCommittedPages);
    CHECK_EQUAL(2993, RtlNumberOfSetBits(&Large->Segment->Committed));
    CHECK(!RtlTestBit(&Large->Segment->Committed, 6));
    CHECK_EQUAL(2993, MiSharedCommit);
    MiVerifyAll();
    ObDereferenceObject(Large);
    End();
}
