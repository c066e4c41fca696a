/* SPDX-License-Identifier: MIT */
/*
 * Tests of views of sections in session space: mm/session/session.c over mm/section/system_space.c
 * and system_view.c.
 */
#include "mm/fault/fault.h"
#include "mm/paging/paging_file.h"
#include "mm/pfn/frame.h"
#include "mm_section.h"
#include "nt/bugcodes.h"
#include "tests/unit/session_world.h"
#include "verify.h"

#define PAGES 24u

static ULONG_PTR Map(PSECTION Section)
{
    PVOID Base = NULL;
    SIZE_T Bytes = 0;

    CHECK_EQUAL(STATUS_SUCCESS, MmMapViewInSessionSpace(Section, &Base, &Bytes));
    return (ULONG_PTR)Base;
}

static void Unmap(ULONG_PTR Va)
{
    CHECK_EQUAL(STATUS_SUCCESS, MmUnmapViewInSessionSpace((PVOID)Va));
}

TEST(SessionView_is_seen_by_its_session_alone)
{
    PSECTION Section;
    ULONG_PTR First;
    ULONG_PTR Second;
    ULONG Value;

    SessionBegin(0);
    Section = SectionMake(PAGES, SEC_COMMIT, PAGE_READWRITE);
    First = Map(Section);
    CHECK_EQUAL(MiSessionRange(MiSessionViews).Start, First);
    ViewWrite(First + PAGE_SIZE, 5);
    CHECK(!PagedPte(First + PAGE_SIZE).Hard.Global);
    SessionEnter(1);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, ViewTryRead(First + PAGE_SIZE, &Value));
    Second = Map(Section); /* the same section, the same address, its own view */
    CHECK_EQUAL(First, Second);
    CHECK_EQUAL(5, ViewRead(Second + PAGE_SIZE));
    ViewWrite(Second + PAGE_SIZE, 6);
    MiVerifyAll();
    CHECK_EQUAL(2, Section->Segment->ControlArea->NumberOfMappedViews);
    Unmap(Second);
    SessionEnter(0);
    CHECK_EQUAL(6, ViewRead(First + PAGE_SIZE));
    MiVerifyAll();
    Unmap(First);
    ObDereferenceObject(Section);
    SessionFinish();
}

TEST(SessionView_pages_go_out_and_come_back)
{
    PSECTION Section;
    ULONG_PTR Va;
    ULONG Page;

    SessionBegin(0);
    Section = SectionMake(PAGES, SEC_COMMIT, PAGE_READWRITE);
    Va = Map(Section);
    for (Page = 0; Page < PAGES; Page++) {
        ViewWrite(Va + Page * PAGE_SIZE, Page + 9);
    }
    CHECK_EQUAL(PAGES, SessionSpace(0)->Views->Counters->Resident);
    SessionPageOut();
    CHECK_EQUAL(0, SessionSpace(0)->Views->Counters->Resident);
    MiVerifyAll();
    for (Page = 0; Page < PAGES; Page++) {
        CHECK_EQUAL(Page + 9, ViewRead(Va + Page * PAGE_SIZE));
    }
    MiVerifyAll();
    Unmap(Va);
    ObDereferenceObject(Section);
    SessionFinish();
}

/* What a session wrote is told to the frames although another session runs. */
TEST(SessionView_writes_are_found_from_elsewhere)
{
    PCONTROL_AREA Area;
    PSECTION Section;
    ULONG_PTR Va;
    PMMPFN Pfn;
    KIRQL OldIrql;

    SessionBegin(0);
    Section = SectionMake(PAGES, SEC_COMMIT, PAGE_READWRITE);
    Area = Section->Segment->ControlArea;
    Va = Map(Section);
    ViewWrite(Va + 18 * PAGE_SIZE, 1);
    Pfn = MI_PFN(PagedPte(Va + 18 * PAGE_SIZE).Hard.PageFrameNumber);
    SessionEnter(1);
    OldIrql = MiLockPfn();
    Pfn->u3.e1.Modified = 0;
    MiMoveSystemViewDirty(Area, 0, 18);
    CHECK_EQUAL(0, Pfn->u3.e1.Modified);
    MiMoveSystemViewDirty(Area, 17, 2);
    CHECK_EQUAL(1, Pfn->u3.e1.Modified);
    MiUnlockPfn(OldIrql);
    SessionEnter(0);
    CHECK(!PagedPte(Va + 18 * PAGE_SIZE).Hard.Dirty);
    ViewWrite(Va + 18 * PAGE_SIZE, 2);
    CHECK(PagedPte(Va + 18 * PAGE_SIZE).Hard.Dirty);
    Unmap(Va);
    ObDereferenceObject(Section);
    SessionFinish();
}

TEST(SessionView_statuses)
{
    PVOID Base = (PVOID)1;
    SIZE_T Bytes = (PAGES + 1) * PAGE_SIZE;
    PSECTION Section;
    PSECTION Large;
    ULONG_PTR First;

    SessionBegin(0);
    Section = SectionMake(PAGES, SEC_COMMIT, PAGE_READWRITE);
    Large = SectionMake(21 * 256, SEC_RESERVE, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_INVALID_VIEW_SIZE, MmMapViewInSessionSpace(Section, &Base, &Bytes));
    Bytes = 0;
    CHECK_EQUAL(STATUS_NO_MEMORY, MmMapViewInSessionSpace(Large, &Base, &Bytes));
    First = Map(Section);
    Bytes = 20 * 256 * PAGE_SIZE;
    CHECK_EQUAL(STATUS_NO_MEMORY, MmMapViewInSessionSpace(Large, &Base, &Bytes));
    SessionEnter(SESSIONS);
    CHECK_EQUAL(STATUS_NOT_MAPPED_VIEW, MmMapViewInSessionSpace(Section, &Base, &Bytes));
    CHECK_EQUAL(STATUS_NOT_MAPPED_VIEW, MmUnmapViewInSessionSpace((PVOID)First));
    CHECK(Base == (PVOID)1);
    SessionEnter(0);
    Unmap(First);
    ObDereferenceObject(Section);
    ObDereferenceObject(Large);
    SessionFinish();
}

TEST(SessionView_without_frames_for_page_tables_is_not_made)
{
    PVOID Base = NULL;
    SIZE_T Bytes = 0;
    PSECTION Section;
    ULONG Nth;

    SessionBegin(0);
    Section = SectionMake(PAGES, SEC_COMMIT, PAGE_READWRITE);
    for (Nth = 1; Nth <= 5; Nth++) { /* 20 MB behind 4 MB: five page tables, made one by one */
        MiFailFrameAllocation = 1;
        CHECK_EQUAL(STATUS_NO_MEMORY, MmMapViewInSessionSpace(Section, &Base, &Bytes));
        MiVerifyAll();
        MiFailFrameAllocation = 2;
        (void)!MmMapViewInSessionSpace(Section, &Base, &Bytes);
        MiFailFrameAllocation = 0;
        if (Base != NULL) {
            break;
        }
        MiVerifyAll();
    }
    CHECK_EQUAL(5, Nth);
    CHECK_EQUAL(1, SessionSpace(0)->Views->Counters->Views);
    Unmap((ULONG_PTR)Base);
    ObDereferenceObject(Section);
    SessionFinish();
}

static void UnmapNothing(PVOID Context)
{
    (void)!MmUnmapViewInSessionSpace(Context);
}

TEST(SessionView_that_is_none_is_bug_check_D7)
{
    HOST_BUGCHECK Stop;
    PVOID Nothing;

    SessionBegin(0);
    Nothing = (PVOID)MiSessionRange(MiSessionViews).Start;
    CHECK(HostCatchBugCheck(UnmapNothing, Nothing, &Stop));
    CHECK_EQUAL(DRIVER_UNMAPPING_INVALID_VIEW, Stop.Code);
    CHECK_EQUAL((ULONG_PTR)Nothing, Stop.Parameter[0]);
    HostMachineDelete();
    HostDiskDelete(&IoDisk);
    MiForgetPagingFiles();
}
