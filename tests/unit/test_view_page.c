/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/space/view_page.c: a page of a view through its states.
 */
#include "mm/space/view_page.h"

#include "mm/pfn/commit.h"
#include "mm/sysva/pte_kind.h"
#include "mm/ws/wsle.h"
#include "tests/unit/section_world.h"

static PSECTION Section;
static ULONG_PTR Va;

static void Begin(ULONG Protect)
{
    SpaceStart();
    Section = SectionMake(20, SEC_COMMIT, PAGE_EXECUTE_READWRITE);
    Va = SectionMap(Section, Protect);
}

static void End(void)
{
    ObDereferenceObject(Section);
    SpaceFinish();
}

static PFN_NUMBER FrameOf(ULONG_PTR At)
{
    CHECK(PagedPte(At).Hard.Valid);
    return PagedPte(At).Hard.PageFrameNumber;
}

TEST(ViewPage_that_was_touched_maps_the_frame_of_its_prototype_PTE)
{
    Begin(PAGE_READWRITE);
    CHECK(!MiReadPte(MiGetPdeAddress(Va)).Hard.Valid);
    SpaceWrite(Va + PAGE_SIZE, 5);
    CHECK_EQUAL(SectionPrototype(Section, 1).Hard.PageFrameNumber, FrameOf(Va + PAGE_SIZE));
    CHECK_EQUAL(0, PagedPte(Va).Long);
    CHECK(MiIsViewPte(PagedPte(Va + PAGE_SIZE)) && PagedPte(Va + PAGE_SIZE).Hard.Write);
    CHECK(MI_PFN(FrameOf(Va + PAGE_SIZE))->u3.e1.PrototypePte);
    CHECK_EQUAL((ULONG_PTR)(Section->Segment->PrototypePte + 1),
                (ULONG_PTR)MI_PFN(FrameOf(Va + PAGE_SIZE))->PteAddress);
    End();
}

TEST(ViewPage_that_is_trimmed_names_its_prototype_PTE_and_comes_back)
{
    Begin(PAGE_READWRITE);
    SpaceWrite(Va, 6);
    SectionTrim();
    CHECK_EQUAL(MiPtePrototype, PagedKind(Va));
    CHECK_EQUAL((ULONG_PTR)Section->Segment->PrototypePte, MiPrototypeAddress(PagedPte(Va)));
    CHECK_EQUAL(MiPteTransition, MiPteKind(SectionPrototype(Section, 0)));
    CHECK(MI_PFN(SectionPrototype(Section, 0).Hard.PageFrameNumber)->u3.e1.Modified);
    MiVerifyAll();
    CHECK_EQUAL(6, SpaceRead(Va));
    CHECK_EQUAL(MiPteValid, MiPteKind(SectionPrototype(Section, 0)));
    End();
}

TEST(ViewPage_with_another_protection_keeps_it_through_a_trim)
{
    Begin(PAGE_READWRITE);
    SpaceWrite(Va, 6);
    CHECK_EQUAL(PAGE_READWRITE, SpaceProtect(Va, 1, PAGE_READONLY));
    SectionTrim();
    CHECK(MiIsLookupPte(PagedPte(Va)));
    CHECK_EQUAL(PAGE_READONLY, SpaceQuery(Va).Protect);
    CHECK_EQUAL(PAGE_SIZE, SpaceQuery(Va).RegionSize);
    CHECK_EQUAL(6, SpaceRead(Va));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va, 1));
    CHECK_EQUAL(PAGE_READONLY, SpaceProtect(Va, 1, PAGE_READWRITE));
    SpaceWrite(Va, 7);
    End();
}

TEST(ViewPage_protections_are_a_process_own)
{
    ULONG_PTR Other;

    Begin(PAGE_READWRITE);
    Other = SectionMap(Section, PAGE_READWRITE);
    SpaceWrite(Va, 6);
    CHECK_EQUAL(6, SpaceRead(Other));
    (void)SpaceProtect(Va, PAGE_SIZE, PAGE_NOACCESS);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(Va, &(ULONG){0}));
    SpaceWrite(Other, 8);
    (void)SpaceProtect(Va, PAGE_SIZE, PAGE_READWRITE | PAGE_GUARD);
    CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION, SpaceTryRead(Va, &(ULONG){0}));
    CHECK_EQUAL(8, SpaceRead(Va));
    MiVerifyAll();
    End();
}

TEST(ViewPage_execute_rights_survive_where_the_PTE_cannot_tell_them)
{
    Begin(PAGE_READONLY);
    SectionUnmap(Va);
    Va = SectionMap(Section, PAGE_EXECUTE_READ);
    (void)SpaceRead(Va);
    CHECK_EQUAL(PAGE_EXECUTE_READ, SpaceQuery(Va).Protect);
    (void)SpaceProtect(Va, 1, PAGE_READONLY);
    CHECK_EQUAL(PAGE_READONLY, SpaceQuery(Va).Protect);
    SectionTrim();
    CHECK_EQUAL(PAGE_READONLY, SpaceQuery(Va).Protect);
    End();
}

TEST(ViewPage_that_is_copied_is_private_and_others_keep_theirs)
{
    ULONG_PTR Shared;
    ULONG Committed;

    Begin(PAGE_WRITECOPY);
    Shared = SectionMap(Section, PAGE_READWRITE);
    SpaceWrite(Shared, 1);
    CHECK_EQUAL(1, SpaceRead(Va));
    CHECK(PagedPte(Va).Hard.CopyOnWrite && !PagedPte(Va).Hard.Write);
    Committed = MiCommit.Committed;
    SpaceWrite(Va, 2);
    CHECK_EQUAL(Committed, MiCommit.Committed); /* the view was charged for it */
    CHECK_EQUAL(1, SpaceRead(Shared));
    CHECK_EQUAL(2, SpaceRead(Va));
    CHECK(!MiIsViewPte(PagedPte(Va)) && !MI_PFN(FrameOf(Va))->u3.e1.PrototypePte);
    CHECK_EQUAL(PAGE_READWRITE, SpaceQuery(Va).Protect);
    CHECK_EQUAL(PAGE_WRITECOPY, SpaceQuery(Va).AllocationProtect);
    CHECK_EQUAL(PAGE_WRITECOPY, SpaceQuery(Va + PAGE_SIZE).Protect);
    SpaceWrite(Va + PAGE_SIZE, 3); /* never touched before */
    CHECK_EQUAL(0, SpaceRead(Shared + PAGE_SIZE));
    SpaceWrite(Shared, 4);
    CHECK_EQUAL(2, SpaceRead(Va));
    SectionTrim();
    MiVerifyAll();
    CHECK_EQUAL(2, SpaceRead(Va));
    End();
}

TEST(ViewPage_that_is_locked_stays_and_is_charged_once)
{
    PVOID Base;
    SIZE_T Bytes = 2 * PAGE_SIZE;
    ULONG Resident = 0;

    Begin(PAGE_READWRITE);
    Base = (PVOID)Va;
    SpaceWrite(Va, 6);
    SpaceWrite(Va + PAGE_SIZE, 6);
    Resident = MiCommit.ResidentAvailable;
    CHECK_EQUAL(STATUS_SUCCESS,
                NtLockVirtualMemory(NtCurrentProcess(), &Base, &Bytes, MAP_PROCESS));
    SectionTrim();
    CHECK(PagedPte(Va).Hard.Valid && PagedPte(Va + PAGE_SIZE).Hard.Valid);
    CHECK_EQUAL(Resident - 2, MiCommit.ResidentAvailable);
    MiVerifyAll();
    Base = (PVOID)Va;
    Bytes = PAGE_SIZE;
    CHECK_EQUAL(STATUS_SUCCESS,
                NtUnlockVirtualMemory(NtCurrentProcess(), &Base, &Bytes, MAP_PROCESS));
    CHECK_EQUAL(Resident - 1, MiCommit.ResidentAvailable);
    SectionUnmap(Va); /* the other lock goes with the view */
    CHECK(MiCommit.ResidentAvailable >= Resident);
    MiVerifyAll();
    End();
}

TEST(ViewPage_in_two_working_sets_shares_one_frame)
{
    PEPROCESS Second;
    PFN_NUMBER Frame;

    Begin(PAGE_READWRITE);
    SpaceWrite(Va, 6);
    Frame = FrameOf(Va);
    Second = SpaceProcess();
    SpaceEnter(Second);
    Va = SectionMap(Section, PAGE_READWRITE);
    CHECK_EQUAL(6, SpaceRead(Va));
    CHECK_EQUAL(Frame, FrameOf(Va));
    CHECK_EQUAL(2, MI_PFN(Frame)->u2.ShareCount);
    CHECK_EQUAL(1, MmWorkingSetList->NonDirectCount);
    MiVerifyAll();
    SectionTrim();
    CHECK_EQUAL(1, MI_PFN(Frame)->u2.ShareCount);
    CHECK_EQUAL(MiPteValid, MiPteKind(SectionPrototype(Section, 0)));
    MiVerifyAll();
    End();
}

TEST(ViewPage_that_is_locked_stays_locked_when_a_write_copies_it)
{
    PVOID Base;
    SIZE_T Bytes = PAGE_SIZE;
    ULONG Resident;
    ULONG Locked;

    Begin(PAGE_WRITECOPY);
    Base = (PVOID)Va;
    CHECK_EQUAL(0, SpaceRead(Va));
    Resident = MiCommit.ResidentAvailable;
    Locked = PsGetCurrentProcess()->Vm.LockedPages;
    CHECK_EQUAL(STATUS_SUCCESS,
                NtLockVirtualMemory(NtCurrentProcess(), &Base, &Bytes, MAP_PROCESS));
    SpaceWrite(Va, 2);
    CHECK(!MiIsViewPte(PagedPte(Va)));
    CHECK_EQUAL(Resident - 1, MiCommit.ResidentAvailable);
    CHECK_EQUAL(Locked + 1, PsGetCurrentProcess()->Vm.LockedPages);
    MiVerifyAll();
    SectionTrim();
    CHECK(PagedPte(Va).Hard.Valid);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtUnlockVirtualMemory(NtCurrentProcess(), &Base, &Bytes, MAP_PROCESS));
    CHECK_EQUAL(Resident, MiCommit.ResidentAvailable);
    CHECK_EQUAL(Locked, PsGetCurrentProcess()->Vm.LockedPages);
    SectionTrim();
    CHECK_EQUAL(2, SpaceRead(Va));
    End();
}
