/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/space/view_range.c, and of views in the services for virtual memory.
 */
#include "mm/space/view_range.h"
#include "tests/unit/section_world.h"

static PSECTION Section;
static ULONG_PTR Va;

static void Begin(ULONG Granted, ULONG Protect)
{
    SpaceStart();
    Section = SectionMake(32, SEC_COMMIT, Granted);
    Va = SectionMap(Section, Protect);
}

static void End(void)
{
    MiVerifyAll();
    ObDereferenceObject(Section);
    SpaceFinish();
}

TEST(ViewRange_protect_refuses_what_the_view_was_not_mapped_with)
{
    Begin(PAGE_READWRITE, PAGE_READONLY);
    CHECK_EQUAL(STATUS_SECTION_PROTECTION, SpaceTryProtect(Va, PAGE_SIZE, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_SECTION_PROTECTION, SpaceTryProtect(Va, PAGE_SIZE, PAGE_EXECUTE));
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION,
                SpaceTryProtect(Va, PAGE_SIZE, PAGE_READONLY | PAGE_NOCACHE));
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, SpaceTryProtect(Va, 33 * PAGE_SIZE, PAGE_READONLY));
    CHECK_EQUAL(STATUS_SUCCESS, SpaceTryProtect(Va, PAGE_SIZE, PAGE_NOACCESS));
    CHECK_EQUAL(STATUS_SUCCESS, SpaceTryProtect(Va, PAGE_SIZE, PAGE_WRITECOPY));
    CHECK_EQUAL(STATUS_SUCCESS, SpaceTryProtect(Va, PAGE_SIZE, PAGE_READONLY));
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION,
                SpaceTryProtect(SpaceAllocate(0, KB64, MEM_COMMIT, PAGE_READWRITE), PAGE_SIZE,
                                PAGE_WRITECOPY));
    End();
}

TEST(ViewRange_protect_charges_for_copies_and_gives_the_charge_back)
{
    ULONG Before;

    Begin(PAGE_READWRITE, PAGE_READWRITE);
    SpaceWrite(Va, 1);
    Before = SpaceCurrent()->CommitCharge;
    (void)SpaceProtect(Va, 8 * PAGE_SIZE, PAGE_WRITECOPY);
    CHECK_EQUAL(Before + 8, SpaceCurrent()->CommitCharge);
    (void)SpaceProtect(Va + 4 * PAGE_SIZE, 8 * PAGE_SIZE, PAGE_WRITECOPY);
    CHECK_EQUAL(Before + 12, SpaceCurrent()->CommitCharge);
    SpaceWrite(Va, 2); /* this one is private from now on, whatever it is protected as */
    (void)SpaceProtect(Va, 12 * PAGE_SIZE, PAGE_READONLY);
    CHECK_EQUAL(Before + 1, SpaceCurrent()->CommitCharge);
    CHECK_EQUAL(2, SpaceRead(Va));
    MiVerifyAll();
    (void)SpaceProtect(Va, PAGE_SIZE, PAGE_WRITECOPY);
    CHECK_EQUAL(PAGE_READWRITE, SpaceQuery(Va).Protect);
    End();
}

TEST(ViewRange_protect_that_may_not_be_charged_changes_nothing)
{
    Begin(PAGE_READWRITE, PAGE_READWRITE);
    SpaceCurrent()->QuotaLimit[PsPageFile] = SpaceCurrent()->QuotaUsage[PsPageFile] + 3;
    CHECK_EQUAL(STATUS_PAGEFILE_QUOTA, SpaceTryProtect(Va, 8 * PAGE_SIZE, PAGE_WRITECOPY));
    CHECK_EQUAL(PAGE_READWRITE, SpaceQuery(Va).Protect);
    CHECK_EQUAL(32 * PAGE_SIZE, SpaceQuery(Va).RegionSize);
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, SpaceTryProtect(Va, 3 * PAGE_SIZE, PAGE_WRITECOPY));
    SpaceCurrent()->QuotaLimit[PsPageFile] = MI_NO_LIMIT;
    End();
}

TEST(ViewRange_reset_leaves_shared_pages_alone)
{
    PVOID Base;
    SIZE_T Bytes = PAGE_SIZE;

    Begin(PAGE_READWRITE, PAGE_READWRITE);
    SpaceWrite(Va, 9);
    Base = (PVOID)Va;
    CHECK_EQUAL(STATUS_SUCCESS, NtAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Bytes,
                                                        MEM_RESET, PAGE_READWRITE));
    SectionTrim();
    (void)MiReuseStandbyFrames();
    CHECK_EQUAL(9, SpaceRead(Va));
    End();
}

TEST(ViewRange_write_watch_is_for_private_memory)
{
    PVOID Addresses[4];
    SIZE_T Entries = 4;
    ULONG Granularity;

    Begin(PAGE_READWRITE, PAGE_READWRITE);
    SpaceWrite(Va, 9);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_3,
                NtGetWriteWatch(NtCurrentProcess(), 0, (PVOID)Va, PAGE_SIZE, Addresses, &Entries,
                                &Granularity));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_1,
                NtResetWriteWatch(NtCurrentProcess(), (PVOID)Va, PAGE_SIZE));
    End();
}

TEST(ViewRange_of_another_process_is_read_and_written)
{
    PEPROCESS Second;
    ULONG Word = 0x42;
    SIZE_T Copied;

    Begin(PAGE_READWRITE, PAGE_READWRITE);
    Second = SpaceCurrent();
    CHECK_EQUAL(STATUS_SUCCESS, NtWriteVirtualMemory(SpaceHandle(Second), (PVOID)(Va + 100), &Word,
                                                     sizeof(Word), &Copied));
    CHECK_EQUAL(0x42, SpaceRead(Va + 100));
    End();
}

/* ---- clones ---- */

TEST(ViewRange_clone_has_the_views_that_are_inherited)
{
    SECTION_VIEW Alone = {.Inherit = ViewUnmap};
    PEPROCESS Parent;
    PEPROCESS Child;

    Begin(PAGE_READWRITE, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, SectionMapAs(Section, &Alone));
    SpaceWrite(Va, 1);
    SpaceWrite(Alone.Base + PAGE_SIZE, 2);
    (void)SpaceProtect(Va + PAGE_SIZE, PAGE_SIZE, PAGE_READONLY);
    Parent = SpaceCurrent();
    Child = SpaceClone(Parent);
    MiVerifyAll();
    SpaceEnter(Child);
    CHECK_EQUAL(MEM_FREE, SpaceQuery(Alone.Base).State);
    CHECK_EQUAL(2, SpaceRead(Va + PAGE_SIZE));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va + PAGE_SIZE, 5));
    SpaceWrite(Va, 7);
    SpaceEnter(Parent);
    CHECK_EQUAL(7, SpaceRead(Va)); /* shared, not copied */
    CHECK_EQUAL(3, Section->Segment->ControlArea->NumberOfMappedViews);
    End();
}

TEST(ViewRange_clone_copies_what_the_parent_had_copied)
{
    PEPROCESS Parent;
    PEPROCESS Child;

    Begin(PAGE_READWRITE, PAGE_WRITECOPY);
    SpaceWrite(Va, 1);
    (void)SpaceRead(Va + PAGE_SIZE);
    Parent = SpaceCurrent();
    Child = SpaceClone(Parent);
    SpaceEnter(Child);
    CHECK_EQUAL(1, SpaceRead(Va));
    SpaceWrite(Va, 2);
    SpaceWrite(Va + PAGE_SIZE, 3);
    MiVerifyAll();
    SpaceEnter(Parent);
    CHECK_EQUAL(1, SpaceRead(Va));
    CHECK_EQUAL(0, SpaceRead(Va + PAGE_SIZE));
    MiVerifyAll();
    End();
}

TEST(ViewRange_clone_that_fails_leaves_the_views_as_they_were)
{
    PEPROCESS Child;
    ULONG Nth;

    Begin(PAGE_READWRITE, PAGE_WRITECOPY);
    SpaceWrite(Va, 1);
    for (Nth = 1; Nth < 6; Nth++) {
        MiFailFrameAllocation = 6 + Nth; /* behind the frames of the address space itself */
        if (NT_SUCCESS(PsCloneProcess("clone", SpaceCurrent(), &Child))) {
            PsTerminateProcess(Child);
            PsDereferenceProcess(Child);
        }
        MiFailFrameAllocation = 0;
        CHECK_EQUAL(1, Section->Segment->ControlArea->NumberOfMappedViews);
        MiVerifyAll();
    }
    SpaceCurrent()->QuotaLimit[PsPageFile] = SpaceCurrent()->QuotaUsage[PsPageFile] - 1;
    CHECK_EQUAL(STATUS_PAGEFILE_QUOTA, PsCloneProcess("clone", SpaceCurrent(), &Child));
    SpaceCurrent()->QuotaLimit[PsPageFile] = MI_NO_LIMIT;
    CHECK_EQUAL(1, Section->Segment->ControlArea->NumberOfMappedViews);
    CHECK_EQUAL(1, SpaceRead(Va));
    End();
}

TEST(ViewRange_of_a_section_that_allows_no_change_keeps_its_protection)
{
    PSECTION Fixed;
    PEPROCESS Clone;

    SpaceStart();
    Fixed = SectionMake(16, SEC_RESERVE | SEC_NO_CHANGE, PAGE_EXECUTE_READWRITE);
    Va = SectionMap(Fixed, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION,
                SpaceTryAllocate(Va, PAGE_SIZE, MEM_COMMIT, PAGE_READONLY));
    CHECK_EQUAL(Va, SpaceAllocate(Va, 2 * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE));
    SpaceWrite(Va, 1);
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION, SpaceTryProtect(Va, 1, PAGE_READONLY));
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION, SpaceTryProtect(Va, 1, PAGE_NOACCESS));
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION,
                SpaceTryProtect(Va, 1, PAGE_READWRITE | PAGE_GUARD));
    CHECK_EQUAL(PAGE_READWRITE, SpaceProtect(Va, 1, PAGE_READWRITE));
    CHECK_EQUAL(PAGE_READWRITE, SpaceQuery(Va).Protect);
    Clone = SpaceClone(SpaceCurrent());
    SpaceEnter(Clone);
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION, SpaceTryProtect(Va, 1, PAGE_READONLY));
    SectionUnmap(Va);
    Va = SectionMap(Fixed, PAGE_WRITECOPY);
    SpaceWrite(Va, 2);
    CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION, SpaceTryProtect(Va, 1, PAGE_READONLY));
    CHECK_EQUAL(2, SpaceRead(Va));
    MiVerifyAll();
    ObDereferenceObject(Fixed);
    SpaceFinish();
}
