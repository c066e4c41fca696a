/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/map_view.c: where views come, which are refused, how they go.
 */
#include "mm/pool/pool_inject.h"
#include "tests/unit/section_world.h"

static PSECTION Section;

static void Begin(ULONG Protect)
{
    SpaceStart();
    Section = SectionMake(40, SEC_COMMIT, Protect);
}

static void End(void)
{
    ObDereferenceObject(Section);
    SpaceFinish();
}

TEST(MapView_refuses_each_wrong_argument_with_its_documented_status)
{
    Begin(PAGE_READWRITE);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_8, SectionTryMap(Section, (SECTION_VIEW){.Inherit = 3}));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_9,
                SectionTryMap(Section, (SECTION_VIEW){.Type = MEM_RESERVE}));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_4, SectionTryMap(Section, (SECTION_VIEW){.ZeroBits = 22}));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_4,
                SectionTryMap(Section, (SECTION_VIEW){.ZeroBits = 8, .Base = 0x02000000}));
    CHECK_EQUAL(
        STATUS_INVALID_PARAMETER_5,
        SectionTryMap(Section, (SECTION_VIEW){.Bytes = PAGE_SIZE, .Commit = 2 * PAGE_SIZE}));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_5,
                SectionTryMap(Section, (SECTION_VIEW){.Commit = 41 * PAGE_SIZE}));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_3,
                SectionTryMap(Section, (SECTION_VIEW){.Base = 0x80000000u}));
    CHECK_EQUAL(STATUS_MAPPED_ALIGNMENT,
                SectionTryMap(Section, (SECTION_VIEW){.Base = 0x00101000}));
    CHECK_EQUAL(STATUS_MAPPED_ALIGNMENT, SectionTryMap(Section, (SECTION_VIEW){.Offset = 4096}));
    CHECK_EQUAL(STATUS_INVALID_VIEW_SIZE,
                SectionTryMap(Section, (SECTION_VIEW){.Offset = 3 * KB64}));
    CHECK_EQUAL(STATUS_INVALID_VIEW_SIZE,
                SectionTryMap(Section, (SECTION_VIEW){.Offset = KB64, .Bytes = 25 * PAGE_SIZE}));
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES,
                SectionTryMap(Section, (SECTION_VIEW){.Base = MM_SHARED_USER_DATA_VA - KB64,
                                                      .Bytes = 2 * KB64}));
    End();
}

TEST(MapView_refuses_protections_that_grant_more_than_the_section)
{
    Begin(PAGE_READONLY);
    CHECK_EQUAL(STATUS_SECTION_PROTECTION,
                SectionTryMap(Section, (SECTION_VIEW){.Protect = PAGE_READWRITE}));
    CHECK_EQUAL(STATUS_SECTION_PROTECTION,
                SectionTryMap(Section, (SECTION_VIEW){.Protect = PAGE_EXECUTE_READ}));
    CHECK_EQUAL(STATUS_SUCCESS, SectionTryMap(Section, (SECTION_VIEW){.Protect = PAGE_READONLY}));
    CHECK_EQUAL(STATUS_SUCCESS, SectionTryMap(Section, (SECTION_VIEW){.Protect = PAGE_WRITECOPY}));
    CHECK_EQUAL(STATUS_SUCCESS, SectionTryMap(Section, (SECTION_VIEW){.Protect = PAGE_NOACCESS}));
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION,
                SectionTryMap(Section, (SECTION_VIEW){.Protect = 3}));
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION,
                SectionTryMap(Section, (SECTION_VIEW){.Protect = PAGE_READONLY | PAGE_NOCACHE}));
    End();
}

TEST(MapView_takes_the_place_that_is_asked_for_or_finds_one)
{
    SECTION_VIEW Top = {.Type = MEM_TOP_DOWN};
    SECTION_VIEW There = {.Base = 0x00500000, .Offset = KB64};
    SECTION_VIEW Low = {.ZeroBits = 8, .Type = MEM_TOP_DOWN};
    MEMORY_BASIC_INFORMATION Page;

    Begin(PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, SectionMapAs(Section, &Top));
    CHECK_EQUAL(STATUS_SUCCESS, SectionMapAs(Section, &There));
    CHECK_EQUAL(STATUS_SUCCESS, SectionMapAs(Section, &Low));
    CHECK_EQUAL(0x7FFE0000u - 3 * KB64, Top.Base);
    CHECK_EQUAL(0x01000000u - 3 * KB64, Low.Base);
    CHECK_EQUAL(24 * PAGE_SIZE, There.Bytes);
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES,
                SectionTryMap(Section, (SECTION_VIEW){.Base = 0x00500000}));
    SpaceWrite(Top.Base + KB64, 5);
    CHECK_EQUAL(5, SpaceRead(There.Base));
    Page = SpaceQuery(There.Base + PAGE_SIZE);
    CHECK_EQUAL(MEM_MAPPED, Page.Type);
    CHECK_EQUAL(MEM_COMMIT, Page.State);
    CHECK_EQUAL(PAGE_READWRITE, Page.Protect);
    CHECK_EQUAL(0x00500000, (ULONG_PTR)Page.AllocationBase);
    CHECK_EQUAL(23 * PAGE_SIZE, Page.RegionSize);
    SectionUnmap(There.Base + 5 * PAGE_SIZE); /* any address of it */
    CHECK_EQUAL(MEM_FREE, SpaceQuery(There.Base).State);
    End();
}

TEST(MapView_shows_two_processes_the_same_pages)
{
    PEPROCESS First;
    PEPROCESS Second;
    ULONG_PTR Mine;
    ULONG_PTR Theirs;

    Begin(PAGE_READWRITE);
    First = SpaceCurrent();
    Second = SpaceProcess();
    Mine = SectionMap(Section, PAGE_READWRITE);
    SpaceWrite(Mine + 7 * PAGE_SIZE, 0x11223344);
    SpaceEnter(Second);
    (void)SpaceAllocate(0, KB64, MEM_RESERVE, PAGE_READWRITE); /* so that it lies elsewhere */
    Theirs = SectionMap(Section, PAGE_READONLY);
    CHECK(Theirs != Mine);
    CHECK_EQUAL(0x11223344, SpaceRead(Theirs + 7 * PAGE_SIZE));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Theirs + 7 * PAGE_SIZE, 1));
    SpaceEnter(First);
    SpaceWrite(Mine + 7 * PAGE_SIZE, 0x55667788);
    SpaceEnter(Second);
    CHECK_EQUAL(0x55667788, SpaceRead(Theirs + 7 * PAGE_SIZE));
    MiVerifyAll();
    End();
}

TEST(MapView_of_another_process_is_mapped_there)
{
    PEPROCESS Second;
    PVOID Base = NULL;
    SIZE_T Bytes = 0;

    Begin(PAGE_READWRITE);
    Second = SpaceProcess();
    CHECK_EQUAL(STATUS_SUCCESS, MmMapViewOfSection(Section, Second, &Base, 0, 0, NULL, &Bytes,
                                                   ViewUnmap, 0, PAGE_READWRITE));
    CHECK_EQUAL(MEM_FREE, SpaceQuery((ULONG_PTR)Base).State);
    SpaceEnter(Second);
    SpaceWrite((ULONG_PTR)Base, 9);
    CHECK_EQUAL(40 * PAGE_SIZE, Bytes);
    CHECK_EQUAL(STATUS_NOT_MAPPED_VIEW,
                MmUnmapViewOfSection(Second, (PVOID)((ULONG_PTR)Base + KB64 * 8)));
    CHECK_EQUAL(STATUS_NOT_MAPPED_VIEW, MmUnmapViewOfSection(Second, (PVOID)0xE1000000u));
    CHECK_EQUAL(STATUS_SUCCESS, MmUnmapViewOfSection(Second, Base));
    End();
}

TEST(MapView_memory_is_not_freed_by_the_services_for_private_memory)
{
    ULONG_PTR Va;
    ULONG_PTR Private;

    Begin(PAGE_READWRITE);
    Va = SectionMap(Section, PAGE_READWRITE);
    Private = SpaceAllocate(0, KB64, MEM_COMMIT, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_UNABLE_TO_DELETE_SECTION, SpaceTryFree(Va, 0, MEM_RELEASE));
    CHECK_EQUAL(STATUS_UNABLE_TO_DELETE_SECTION, SpaceTryFree(Va, PAGE_SIZE, MEM_DECOMMIT));
    CHECK_EQUAL(STATUS_ALREADY_COMMITTED,
                SpaceTryAllocate(Va, PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES,
                SpaceTryAllocate(Va, PAGE_SIZE, MEM_RESERVE, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_NOT_MAPPED_VIEW, MmUnmapViewOfSection(SpaceCurrent(), (PVOID)Private));
    End();
}

TEST(MapView_with_a_commit_size_commits_the_first_pages)
{
    SECTION_VIEW View = {.Commit = 3 * PAGE_SIZE, .Offset = KB64};
    PSECTION Reserved;
    MEMORY_BASIC_INFORMATION Page;

    Begin(PAGE_READWRITE);
    Reserved = SectionMake(40, SEC_RESERVE, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, SectionMapAs(Reserved, &View));
    CHECK_EQUAL(3, Reserved->Segment->NumberOfCommittedPages);
    SpaceWrite(View.Base + 2 * PAGE_SIZE, 4);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(View.Base + 3 * PAGE_SIZE, 4));
    Page = SpaceQuery(View.Base);
    CHECK_EQUAL(MEM_COMMIT, Page.State);
    CHECK_EQUAL(3 * PAGE_SIZE, Page.RegionSize);
    Page = SpaceQuery(View.Base + 3 * PAGE_SIZE);
    CHECK_EQUAL(MEM_RESERVE, Page.State);
    CHECK_EQUAL(21 * PAGE_SIZE, Page.RegionSize);
    ObDereferenceObject(Reserved);
    End();
}

TEST(MapView_undoes_everything_when_an_allocation_or_a_charge_fails)
{
    ULONG Nth;

    Begin(PAGE_READWRITE);
    for (Nth = 1; Nth < 4; Nth++) {
        NTSTATUS Status;

        MiFailPoolAllocation(Nth);
        Status = SectionTryMap(Section, (SECTION_VIEW){.Protect = PAGE_WRITECOPY});
        CHECK(NT_SUCCESS(Status) || MiPoolFailureHappened());
        MiFailPoolAllocation(0);
        MiVerifyAll();
    }
    SpaceCurrent()->QuotaLimit[PsPageFile] = 30;
    CHECK_EQUAL(STATUS_PAGEFILE_QUOTA,
                SectionTryMap(Section, (SECTION_VIEW){.Protect = PAGE_WRITECOPY}));
    CHECK_EQUAL(STATUS_SUCCESS, SectionTryMap(Section, (SECTION_VIEW){.Protect = PAGE_READWRITE}));
    SpaceCurrent()->QuotaLimit[PsPageFile] = MI_NO_LIMIT;
    MiVerifyAll();
    End();
}

TEST(MapView_ends_with_the_process)
{
    PEPROCESS Second;

    Begin(PAGE_READWRITE);
    Second = SpaceProcess();
    SpaceEnter(Second);
    SpaceWrite(SectionMap(Section, PAGE_READWRITE), 3);
    CHECK_EQUAL(1, Section->Segment->ControlArea->NumberOfMappedViews);
    SpaceEnter(Second); /* detach is the world's affair */
    PsTerminateProcess(Second);
    CHECK_EQUAL(0, Section->Segment->ControlArea->NumberOfMappedViews);
    CHECK_EQUAL(STATUS_PROCESS_IS_TERMINATING,
                SectionTryMap(Section, (SECTION_VIEW){.Protect = PAGE_READWRITE}));
    CHECK_EQUAL(STATUS_PROCESS_IS_TERMINATING, MmUnmapViewOfSection(Second, (PVOID)0x10000));
    End();
}

/* ---- two threads at one place ---- */

#define PLACE  0x00500000u
#define ROUNDS 300u

static PSECTION Reserved;
static ULONG Refused;
static ULONG Kept;
static BOOLEAN Ended;

/* More than can be committed: each view is refused after it was placed. */
static void MapInVain(PVOID Context)
{
    KAPC_STATE Home;
    ULONG i;

    KeStackAttachProcess(&((PEPROCESS)Context)->Pcb, &Home);
    for (i = 0; i < ROUNDS; i++) {
        SECTION_VIEW View = {.Base = PLACE, .Commit = 0x8000 * PAGE_SIZE};

        Refused += SectionMapAs(Reserved, &View) == STATUS_COMMITMENT_LIMIT;
    }
    Ended = TRUE;
    KeUnstackDetachProcess(&Home);
}

/* Whatever is there is unmapped, and a view put there, which nobody else may unmap. */
static void MapAndKeep(PVOID Context)
{
    PVOID Place = (PVOID)PLACE;
    KAPC_STATE Home;

    KeStackAttachProcess(&((PEPROCESS)Context)->Pcb, &Home);
    while (!Ended) {
        SECTION_VIEW View = {.Base = PLACE};

        CHECK(MmUnmapViewOfSection(PsGetCurrentProcess(), Place) != STATUS_SUCCESS);
        if (NT_SUCCESS(SectionMapAs(Section, &View))) {
            HostYield();
            SpaceWrite(PLACE, 5);
            CHECK_EQUAL(STATUS_SUCCESS, MmUnmapViewOfSection(PsGetCurrentProcess(), Place));
            Kept++;
        }
        HostYield();
    }
    KeUnstackDetachProcess(&Home);
}

TEST(MapView_that_is_refused_is_never_seen_and_unmaps_nobody_elses)
{
    Begin(PAGE_READWRITE);
    Reserved = SectionMake(0x8000, SEC_RESERVE, PAGE_READWRITE);
    Refused = 0;
    Kept = 0;
    Ended = FALSE;
    HostStartClock();
    HostSetPreemption(3);
    HostThreadCreate(MapInVain, SpaceCurrent());
    HostThreadCreate(MapAndKeep, SpaceCurrent());
    HostRunThreads();
    HostSetPreemption(0);
    CHECK(Refused != 0 && Kept != 0);
    MiVerifyAll();
    ObDereferenceObject(Reserved);
    End();
}
