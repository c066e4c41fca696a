/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/system_view.c and of mm/fault/system_view.c: pages of sections in the system
 * half, how they come, how they go, and what they share with the views of processes.
 */
#include "mm/fault/fault.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/pfn_list.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/mdl.h"
#include "tests/unit/paging_world.h"
#include "tests/unit/system_view_world.h"

#include "mm.h"

#include <string.h>

#define PAGES 24u

static PSECTION Section;
static ULONG_PTR Va;   /* in the process */
static ULONG_PTR View; /* in the system half */

static ULONG WordOf(ULONG Page)
{
    return Page * 0x01010101u + 7;
}

static ULONG_PTR At(ULONG_PTR Base, ULONG Page)
{
    return Base + Page * PAGE_SIZE;
}

static void Begin(ULONG64 Seed)
{
    ULONG Page;

    PagedBegin(Seed);
    Section = SectionMake(PAGES, SEC_COMMIT, PAGE_READWRITE);
    Va = SectionMap(Section, PAGE_READWRITE);
    for (Page = 0; Page < PAGES; Page++) {
        ViewWrite(At(Va, Page), WordOf(Page));
    }
    View = SystemViewMap(Section);
}

static void End(void)
{
    SystemViewUnmap(View);
    SectionUnmap(Va);
    ObDereferenceObject(Section);
    PagedEnd();
}

static void CheckContents(void)
{
    ULONG Page;

    for (Page = 0; Page < PAGES; Page++) {
        CHECK_EQUAL(WordOf(Page), ViewRead(At(View, Page)));
        CHECK_EQUAL(WordOf(Page), ViewRead(At(Va, Page)));
    }
}

static PMMPFN FrameOf(ULONG_PTR Where)
{
    CHECK(PagedPte(Where).Hard.Valid);
    return MI_PFN(PagedPte(Where).Hard.PageFrameNumber);
}

/* ---- pages ---- */

TEST(SystemView_is_mapped_without_a_page)
{
    MI_FAULT_COUNTERS Before;
    ULONG Page;

    Begin(0);
    Before = MiFaultCounters;
    for (Page = 0; Page < PAGES; Page++) {
        CHECK_EQUAL(MiPtePrototype, PagedKind(At(View, Page)));
        CHECK_EQUAL((ULONG_PTR)(Section->Segment->PrototypePte + Page),
                    MiPrototypeAddress(PagedPte(At(View, Page))));
    }
    CHECK_EQUAL(MiPteZero, PagedKind(At(View, PAGES)));
    CHECK_EQUAL(0, MiSystemViewCounters.Resident);
    CHECK_EQUAL(1, MiSystemViewCounters.Views);
    CHECK_EQUAL(2, Section->Segment->ControlArea->NumberOfMappedViews);
    CHECK_EQUAL(0, Section->Segment->ControlArea->NumberOfSystemCacheViews);
    CHECK_EQUAL(0, memcmp(&Before, &MiFaultCounters, sizeof(Before)));
    MiVerifyAll();
    End();
}

TEST(SystemView_and_a_process_share_frames)
{
    MMPTE Pte;

    Begin(0);
    CheckContents();
    CHECK_EQUAL(PAGES, MiSystemViewCounters.Resident);
    Pte = PagedPte(At(View, 3));
    CHECK_EQUAL(PagedPte(At(Va, 3)).Hard.PageFrameNumber, Pte.Hard.PageFrameNumber);
    CHECK_EQUAL(2, FrameOf(At(View, 3))->u2.ShareCount);
    CHECK(!Pte.Hard.Owner && Pte.Hard.Write && Pte.Hard.Accessed && !Pte.Hard.Dirty);
    ViewWrite(At(View, 3), 77);
    CHECK(PagedPte(At(View, 3)).Hard.Dirty);
    CHECK_EQUAL(77, ViewRead(At(Va, 3)));
    ViewWrite(At(Va, 4), 78);
    CHECK_EQUAL(78, ViewRead(At(View, 4)));
    MiVerifyAll();
    End();
}

TEST(SystemView_page_that_nobody_touched_is_zeroes_for_everybody)
{
    PSECTION Fresh;
    ULONG_PTR There;

    Begin(0);
    Fresh = SectionMake(4, SEC_COMMIT, PAGE_READWRITE);
    There = SystemViewMap(Fresh);
    CHECK_EQUAL(0, ViewRead(There));
    ViewWrite(At(There, 1), 5);
    MiVerifyAll();
    SystemViewTrim();
    CHECK_EQUAL(MiPtePrototype, PagedKind(At(There, 1)));
    MiVerifyAll();
    CHECK_EQUAL(5, ViewRead(At(There, 1)));
    SystemViewUnmap(There);
    ObDereferenceObject(Fresh);
    End();
}

TEST(SystemView_trim_keeps_what_was_written)
{
    MmWorldNextUnforced(); /* which pages are valid is the point */
    Begin(0);
    SectionPageOut(); /* the frames that follow are clean */
    CheckContents();
    ViewWrite(At(View, 2), 99);
    SectionTrim();
    CHECK(!FrameOf(At(View, 2))->u3.e1.Modified);
    SystemViewTrim();
    CHECK_EQUAL(0, MiSystemViewCounters.Resident);
    CHECK_EQUAL(MiPteTransition, MiPteKind(SectionPrototype(Section, 2)));
    CHECK(MI_PFN(SectionPrototype(Section, 2).Hard.PageFrameNumber)->u3.e1.Modified);
    CHECK(!MI_PFN(SectionPrototype(Section, 3).Hard.PageFrameNumber)->u3.e1.Modified);
    MiVerifyAll();
    CHECK_EQUAL(99, ViewRead(At(Va, 2)));
    ViewWrite(At(Va, 2), WordOf(2));
    CheckContents();
    End();
}

TEST(SystemView_unmap_keeps_what_was_written)
{
    Begin(0);
    SectionPageOut();
    ViewWrite(At(View, 2), 99);
    (void)ViewRead(At(View, 3));
    SystemViewUnmap(View);
    CHECK_EQUAL(0, MiSystemViewCounters.Resident);
    CHECK_EQUAL(MiPteZero, PagedKind(At(View, 2)));
    CHECK(MI_PFN(SectionPrototype(Section, 2).Hard.PageFrameNumber)->u3.e1.Modified);
    CHECK(!MI_PFN(SectionPrototype(Section, 3).Hard.PageFrameNumber)->u3.e1.Modified);
    MiVerifyAll();
    CHECK_EQUAL(99, ViewRead(At(Va, 2)));
    View = SystemViewMap(Section);
    End();
}

TEST(SystemView_keeps_the_section_when_nobody_else_does)
{
    Begin(0);
    SectionUnmap(Va);
    ObDereferenceObject(Section);
    MiVerifyAll();
    SystemViewPageOut();
    CHECK_EQUAL(WordOf(7), ViewRead(At(View, 7)));
    MiVerifyAll();
    SystemViewUnmap(View);
    CHECK_EQUAL(0, MiSharedCommit);
    PagedEnd();
}

TEST(SystemView_page_that_IO_has_locked_stays_at_its_address)
{
    PMDL Mdl;

    Begin(0);
    SystemViewPageOut();
    Mdl = IoAllocateMdl((PVOID)At(View, 4), 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    MmProbeAndLockPages(Mdl, KernelMode, IoModifyAccess);
    CHECK_EQUAL(2, MiSystemViewCounters.Resident);
    SystemViewTrim();
    CHECK_EQUAL(2, MiSystemViewCounters.Resident);
    CHECK(PagedPte(At(View, 4)).Hard.Valid && PagedPte(At(View, 5)).Hard.Valid);
    MiVerifyAll();
    MmUnlockPages(Mdl);
    IoFreeMdl(Mdl);
    CHECK(FrameOf(At(View, 4))->u3.e1.Modified);
    SystemViewTrim();
    CHECK_EQUAL(0, MiSystemViewCounters.Resident);
    CheckContents();
    End();
}

TEST(SystemView_of_a_section_that_is_not_cached_is_not)
{
    PSECTION Plain;
    ULONG_PTR There;

    Begin(0);
    Plain = SectionMake(2, SEC_COMMIT | SEC_NOCACHE, PAGE_READWRITE);
    There = SystemViewMap(Plain);
    ViewWrite(There, 1);
    CHECK_EQUAL(MiNonCached, MiPteCacheAttribute(PagedPte(There)));
    CHECK_EQUAL(MiNonCached, FrameOf(There)->u3.e1.CacheAttribute);
    SystemViewUnmap(There);
    ObDereferenceObject(Plain);
    End();
}

TEST(SystemView_page_that_is_not_committed_is_a_violation)
{
    PSECTION Reserved;
    ULONG_PTR There;
    ULONG Limit;
    ULONG Value;

    Begin(0);
    Reserved = SectionMake(4, SEC_RESERVE, PAGE_READWRITE);
    There = SystemViewMap(Reserved);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, ViewTryRead(There, &Value));
    CHECK_EQUAL(STATUS_SUCCESS, MiCommitSegment(Reserved->Segment, 2, 1, &Limit));
    ViewWrite(At(There, 2), 6);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, ViewTryRead(At(There, 3), &Value));
    MiVerifyAll();
    SystemViewUnmap(There);
    ObDereferenceObject(Reserved);
    End();
}

TEST(SystemView_pages_age_and_are_trimmed_with_the_system)
{
    Begin(0);
    CheckContents();
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    (void)MiAgeWorkingSet(&MiSystemCacheWorkingSet, 0xFFFFFFFF);
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    CHECK(!PagedPte(At(View, 1)).Hard.Accessed);
    (void)ViewRead(At(View, 1));
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    (void)MiAgeWorkingSet(&MiSystemCacheWorkingSet, 0xFFFFFFFF);
    (void)MiTrimWorkingSet(&MiSystemCacheWorkingSet, 0xFFFFFFFF, 1);
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    CHECK(PagedPte(At(View, 1)).Hard.Valid);
    CHECK_EQUAL(MiPtePrototype, PagedKind(At(View, 2)));
    MiVerifyAll();
    CheckContents();
    End();
}

/* ---- faults ---- */

TEST(SystemView_fault_reads_pages_and_prototype_PTEs_that_are_out)
{
    MI_FAULT_COUNTERS Before;

    Begin(0);
    SystemViewPageOut();
    CHECK(!PagedPte((ULONG_PTR)Section->Segment->PrototypePte).Hard.Valid);
    Before = MiFaultCounters;
    CHECK_EQUAL(WordOf(3), ViewRead(At(View, 3)));
    CHECK_EQUAL(Before.PagingFileReads + 2, MiFaultCounters.PagingFileReads);
    MiVerifyAll();
    CheckContents();
    End();
}

TEST(SystemView_fault_comes_to_an_end_when_memory_is_short)
{
    ULONG Page;

    Begin(0);
    for (Page = 0; Page < 4; Page++) {
        SystemViewPageOut();
        PagedTakeFrames(8);
        CHECK_EQUAL(WordOf(Page), ViewRead(At(View, Page)));
        PagedGiveFrames();
    }
    CheckContents();
    End();
}

TEST(SystemView_fault_survives_each_single_failure_on_its_way)
{
    ULONG What;
    ULONG Nth;

    Begin(0);
    SectionPageOut();
    for (What = 0; What < 4; What++) {
        for (Nth = 1; Nth < 5; Nth++) {
            NTSTATUS Status;
            ULONG Value = 0;

            (void)ViewRead(At(Va, 1)); /* the prototype PTEs are there */
            PagedArm(What, Nth);
            Status = ViewTryRead(At(View, 4 * What + Nth), &Value);
            PagedArm(What, 0);
            CHECK(Status == STATUS_SUCCESS || (What == 3 && Status == STATUS_IO_DEVICE_ERROR));
            CHECK(!NT_SUCCESS(Status) || Value == WordOf(4 * What + Nth));
            MiVerifyAll();
            SystemViewPageOut();
        }
    }
    CheckContents();
    End();
}

TEST(SystemView_first_touch_survives_each_single_failure_on_its_way)
{
    PSECTION Fresh;
    ULONG_PTR There;
    ULONG What;
    ULONG Nth;

    Begin(0);
    Fresh = SectionMake(16, SEC_COMMIT, PAGE_READWRITE);
    There = SystemViewMap(Fresh);
    for (What = 0; What < 3; What++) {
        for (Nth = 1; Nth < 5; Nth++) {
            ULONG_PTR Page = At(There, What * 5 + Nth);

            PagedArm(What, Nth);
            ViewWrite(Page, Nth);
            PagedArm(What, 0);
            CHECK_EQUAL(Nth, ViewRead(Page));
            MiVerifyAll();
        }
    }
    SystemViewUnmap(There);
    ObDereferenceObject(Fresh);
    End();
}

static void Touch(PVOID Where)
{
    (void)*(volatile ULONG *)Where;
}

static void TouchUnderMutex(PVOID Where)
{
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    Touch(Where);
}

static void TouchRaised(PVOID Where)
{
    KeRaiseIrqlToDpcLevel();
    Touch(Where);
}

TEST(SystemView_failed_read_ends_a_guarded_access_and_stops_any_other)
{
    HOST_BUGCHECK Stop;
    ULONG Value;

    Begin(0);
    SectionPageOut();
    (void)ViewRead(At(Va, 1));
    IoDisk.FailAt[DiskRead] = 1;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, ViewTryRead(At(View, 5), &Value));
    MiVerifyAll();
    IoDisk.FailAt[DiskRead] = 1;
    CHECK(HostCatchBugCheck(Touch, (PVOID)At(View, 5), &Stop));
    CHECK_EQUAL(KERNEL_DATA_INPAGE_ERROR, Stop.Code);
    CHECK_EQUAL((ULONG_PTR)MiGetPteAddress(At(View, 5)), Stop.Parameter[0]);
    CHECK(!NT_SUCCESS((NTSTATUS)Stop.Parameter[1]));
    CHECK_EQUAL(PagedPte(At(View, 5)).Long, Stop.Parameter[2]);
    CHECK_EQUAL(At(View, 5), Stop.Parameter[3]);
    HostMachineDelete();
}

TEST(SystemView_access_behind_the_view_is_a_violation)
{
    HOST_BUGCHECK Stop;

    Begin(0);
    CHECK(HostCatchBugCheck(Touch, (PVOID)At(View, PAGES), &Stop));
    CHECK_EQUAL(PAGE_FAULT_IN_NONPAGED_AREA, Stop.Code);
    CHECK_EQUAL(At(View, PAGES), Stop.Parameter[0]);
    HostMachineDelete();
}

TEST(SystemView_access_under_the_system_mutex_is_a_bug)
{
    HOST_BUGCHECK Stop;

    Begin(0);
    CHECK(HostCatchBugCheck(TouchUnderMutex, (PVOID)View, &Stop));
    CHECK_EQUAL(MEMORY_MANAGEMENT, Stop.Code);
    CHECK_EQUAL(0x41287, Stop.Parameter[0]);
    HostMachineDelete();
}

TEST(SystemView_access_at_raised_irql_is_a_bug)
{
    HOST_BUGCHECK Stop;

    Begin(0);
    CHECK(HostCatchBugCheck(TouchRaised, (PVOID)View, &Stop));
    CHECK_EQUAL(IRQL_NOT_LESS_OR_EQUAL, Stop.Code);
    CHECK_EQUAL(View, Stop.Parameter[0]);
    HostMachineDelete();
}

/* ---- several threads ---- */

#define READERS 4u

static NTSTATUS Results[READERS];
static ULONG Values[READERS];

/* Even ones through the view, odd ones through the process'. */
static void Reader(PVOID Context)
{
    ULONG Index = (ULONG)(ULONG_PTR)Context;
    KAPC_STATE Home;

    KeStackAttachProcess(&PagedProcess()->Pcb, &Home);
    Results[Index] = ViewTryRead(At(Index % 2 == 0 ? View : Va, 2), &Values[Index]);
    KeUnstackDetachProcess(&Home);
}

/* => Status: of the even ones. */
static void RunReaders(NTSTATUS Status)
{
    ULONG i;

    for (i = 0; i < READERS; i++) {
        Values[i] = 0;
        HostThreadCreate(Reader, (PVOID)(ULONG_PTR)i);
    }
    HostRunThreads();
    for (i = 0; i < READERS; i++) {
        CHECK_EQUAL(NT_SUCCESS(Status) || i % 2 == 0 ? Status : STATUS_IN_PAGE_ERROR, Results[i]);
        CHECK(!NT_SUCCESS(Status) || Values[i] == WordOf(2));
    }
}

TEST(SystemView_page_that_a_process_wants_too_is_read_once)
{
    MI_FAULT_COUNTERS Before;

    Begin(TestSeed() | 1);
    SectionPageOut();
    (void)ViewRead(Va); /* the prototype PTEs are in memory */
    Before = MiFaultCounters;
    RunReaders(STATUS_SUCCESS);
    CHECK_EQUAL(Before.PagingFileReads + 1, MiFaultCounters.PagingFileReads);
    CHECK_EQUAL(Before.Collided + READERS - 1, MiFaultCounters.Collided);
    MiVerifyAll();
    End();
}

TEST(SystemView_page_that_cannot_be_read_fails_for_all_who_want_it)
{
    Begin(TestSeed() | 1);
    SectionPageOut();
    (void)ViewRead(Va);
    IoDisk.FailAt[DiskRead] = 1;
    RunReaders(STATUS_IO_DEVICE_ERROR);
    MiVerifyAll();
    RunReaders(STATUS_SUCCESS);
    End();
}

TEST(SystemView_prototype_PTEs_that_several_want_come_once_for_all)
{
    Begin(TestSeed() | 1);
    SystemViewPageOut();
    RunReaders(STATUS_SUCCESS);
    MiVerifyAll();
    End();
}
