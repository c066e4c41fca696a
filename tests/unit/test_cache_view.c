/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/cache_view.c: the views that the system cache works with.
 */
#include "mm/section/cache_view.h"

#include "mm/pfn/pfn_list.h"
#include "mm/section/cache_calls.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"
#include "tests/unit/system_view_world.h"

#include "mm.h"

#define PAGES (2 * MM_CACHE_VIEW_PAGES)

static PSECTION Section;
static ULONG_PTR Va;   /* in the process */
static ULONG_PTR View; /* of the cache: the second half */

static ULONG_PTR At(ULONG_PTR Base, ULONG Page)
{
    return Base + Page * PAGE_SIZE;
}

static PCONTROL_AREA Area(void)
{
    return Section->Segment->ControlArea;
}

static void Begin(void)
{
    PagedBegin(0);
    Section = SectionMake(PAGES, SEC_COMMIT, PAGE_READWRITE);
    Va = SectionMap(Section, PAGE_READWRITE) + MM_CACHE_VIEW_BYTES;
    View = CacheViewMap(Section, 3, MM_CACHE_VIEW_PAGES);
}

static void End(void)
{
    CacheViewUnmap(View);
    CHECK_EQUAL(0, Area()->NumberOfSystemCacheViews);
    SectionUnmap(Va);
    ObDereferenceObject(Section);
    PagedEnd();
}

static PMMPFN FrameOf(ULONG Page)
{
    MMPTE Pte = SectionPrototype(Section, MM_CACHE_VIEW_PAGES + Page);

    return MI_PFN(Pte.Hard.PageFrameNumber);
}

/* ---- mapping ---- */

TEST(MapViewInSystemCache_touches_no_page_and_counts_the_view)
{
    ULONG Page;

    Begin();
    for (Page = 0; Page < MM_CACHE_VIEW_PAGES; Page++) {
        CHECK_EQUAL(MiPtePrototype, PagedKind(At(View, Page)));
    }
    CHECK_EQUAL(MiPteZero, PagedKind(At(View, MM_CACHE_VIEW_PAGES)));
    CHECK_EQUAL(2, Area()->NumberOfMappedViews);
    CHECK_EQUAL(1, Area()->NumberOfSystemCacheViews);
    CHECK_EQUAL(2, Area()->NumberOfUserReferences); /* the object's, the process' */
    CHECK_EQUAL(1, MiSystemViewCounters.CacheViews);
    CHECK_EQUAL(0, MiSystemViewCounters.Resident);
    MiVerifyAll();
    End();
}

TEST(MapViewInSystemCache_shows_the_same_bytes_everywhere)
{
    ULONG_PTR Other;

    Begin();
    Other = CacheViewMap(Section, 9, MM_CACHE_VIEW_PAGES);
    ViewWrite(At(View, 5), 55);
    CHECK_EQUAL(55, ViewRead(At(Va, 5)));
    ViewWrite(At(Va, 6), 66);
    CHECK_EQUAL(55, ViewRead(At(Other, 5)));
    CHECK_EQUAL(66, ViewRead(At(View, 6)));
    CHECK_EQUAL(66, ViewRead(At(Other, 6)));
    MiVerifyAll();
    SystemViewPageOut();
    MiVerifyAll();
    CHECK_EQUAL(66, ViewRead(At(Other, 6)));
    CHECK_EQUAL(55, ViewRead(At(View, 5)));
    CacheViewUnmap(Other);
    MiVerifyAll();
    End();
}

TEST(MapViewInSystemCache_uses_its_addresses_again)
{
    PSECTION Second;

    Begin();
    ViewWrite(View, 1);
    CacheViewUnmap(View);
    CHECK_EQUAL(MiPteZero, PagedKind(View));
    Second = SectionMake(PAGES, SEC_COMMIT, PAGE_READWRITE);
    CHECK_EQUAL(View, CacheViewMap(Second, 3, 0));
    CHECK_EQUAL(0, ViewRead(View));
    ObDereferenceObject(Second);
    MiVerifyAll();
    CacheViewUnmap(View);
    View = CacheViewMap(Section, 3, MM_CACHE_VIEW_PAGES);
    CHECK_EQUAL(1, ViewRead(View));
    End();
}

TEST(MapViewInSystemCache_is_refused_without_a_page_table_or_behind_the_end)
{
    LARGE_INTEGER Offset = {.QuadPart = MM_CACHE_VIEW_BYTES};
    PVOID There;

    Begin();
    There = (PVOID)(View + MM_LARGE_PAGE);
    MiFailFrameAllocation = 1;
    CHECK_EQUAL(STATUS_NO_MEMORY,
                MmMapViewInSystemCache(Section, There, Offset, MM_CACHE_VIEW_BYTES));
    MiFailFrameAllocation = 0;
    Offset.QuadPart += MM_CACHE_VIEW_BYTES;
    CHECK_EQUAL(STATUS_INVALID_VIEW_SIZE,
                MmMapViewInSystemCache(Section, There, Offset, MM_CACHE_VIEW_BYTES));
    CHECK_EQUAL(1, Area()->NumberOfSystemCacheViews);
    MiVerifyAll();
    End();
}

TEST(MapViewInSystemCache_uses_the_extension_of_a_large_cache)
{
    static const MM_VALUE Large = {"LargeSystemCache", 1};
    LARGE_INTEGER Offset = {.QuadPart = 0};
    PVOID There;

    MmWorldNextRangeStart(0xA0000000);
    MmWorldStartWith(8192, &Large, 1);
    There = (PVOID)(MiLayout.Region[MiRegionCacheExtension].Start + MM_CACHE_VIEW_BYTES);
    CHECK(MiLayout.Region[MiRegionCacheExtension].Bytes >= 2 * MM_CACHE_VIEW_BYTES);
    Section = SectionMake(PAGES, SEC_COMMIT, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS,
                MmMapViewInSystemCache(Section, There, Offset, MM_CACHE_VIEW_BYTES));
    ViewWrite((ULONG_PTR)There + 5, 5);
    CHECK_EQUAL(5, ViewRead((ULONG_PTR)There + 5));
    CHECK_EQUAL(1, MiSystemViewCounters.CacheViews);
    MiVerifyAll();
    CacheViewUnmap((ULONG_PTR)There);
    ObDereferenceObject(Section);
    MmWorldFinish();
}

TEST(UnmapViewInSystemCache_ends_the_last_use_of_a_section)
{
    Begin();
    ViewWrite(View, 1);
    SectionUnmap(Va);
    ObDereferenceObject(Section);
    MiVerifyAll();
    CacheViewUnmap(View);
    CHECK_EQUAL(0, MiSharedCommit);
    PagedEnd();
}

/* ---- what is in memory ---- */

TEST(IsRangeResident_is_about_the_pages_of_the_section)
{
    Begin();
    CHECK(!MmIsRangeResident((PVOID)View, 1)); /* nobody made it so far */
    ViewWrite(At(Va, 0), 1);
    ViewWrite(At(Va, 1), 1);
    CHECK(MmIsRangeResident((PVOID)View, 2 * PAGE_SIZE)); /* valid in the process */
    CHECK(!MmIsRangeResident((PVOID)View, 2 * PAGE_SIZE + 1));
    (void)ViewRead(At(View, 0));
    (void)ViewRead(At(View, 1));
    CHECK(MmIsRangeResident((PVOID)(View + PAGE_SIZE), PAGE_SIZE)); /* valid in the view */
    CHECK(!MmIsRangeResident((PVOID)(View + PAGE_SIZE), PAGE_SIZE + 1));
    CHECK(!MmIsRangeResident((PVOID)(View + 2 * PAGE_SIZE - 1), 2));
    CHECK(MmIsRangeResident((PVOID)(View + PAGE_SIZE - 1), 2));
    CHECK(MmIsRangeResident((PVOID)(View + 8), 2 * PAGE_SIZE - 8));
    SectionTrim();
    SystemViewTrim();
    CHECK(MmIsRangeResident((PVOID)View, 2 * PAGE_SIZE)); /* in transition */
    SectionPageOut();
    CHECK(!MmIsRangeResident((PVOID)View, PAGE_SIZE));
    SystemViewPageOut(); /* and the prototype PTEs */
    CHECK(!MmIsRangeResident((PVOID)View, PAGE_SIZE));
    (void)ViewRead(At(View, 0));
    (void)ViewRead(At(View, 1));
    CHECK(MmIsRangeResident((PVOID)View, 2 * PAGE_SIZE)); /* valid in the view */
    End();
}

/* ---- pages that are not read ---- */

static UCHAR Bytes[PAGE_SIZE];

static const void *Filled(UCHAR Byte)
{
    memset(Bytes, Byte, sizeof(Bytes));
    return Bytes;
}

TEST(CopyToCachedPage_makes_a_page_that_is_not_in_memory)
{
    ULONG Reads;

    Begin();
    CHECK_EQUAL(STATUS_SUCCESS, MmCopyToCachedPage((PVOID)View, Filled(0x11)));
    CHECK_EQUAL(0x11111111, ViewRead(View));
    CHECK_EQUAL(0x11111111, ViewRead(View + PAGE_SIZE - 4));
    CHECK_EQUAL(0x11111111, ViewRead(Va));
    CHECK(FrameOf(0)->u3.e1.Modified);
    CHECK_EQUAL(STATUS_ALREADY_COMMITTED, MmCopyToCachedPage((PVOID)View, Filled(0x22)));
    SectionTrim();
    SystemViewTrim();
    CHECK_EQUAL(STATUS_ALREADY_COMMITTED, MmCopyToCachedPage((PVOID)View, Filled(0x22)));
    CHECK_EQUAL(0x11111111, ViewRead(View));
    MiVerifyAll();
    SystemViewPageOut();
    Reads = MiFaultCounters.PagingFileReads;
    CHECK_EQUAL(STATUS_SUCCESS, MmCopyToCachedPage((PVOID)View, Filled(0x33)));
    CHECK_EQUAL(Reads + 1, MiFaultCounters.PagingFileReads); /* of the prototype PTEs alone */
    CHECK_EQUAL(0, MiPrototypeSlots.Slots);                  /* the old contents are nobody's */
    CHECK_EQUAL(0x33333333, ViewRead(Va));
    MiVerifyAll();
    SystemViewPageOut();
    CHECK_EQUAL(0x33333333, ViewRead(View));
    CHECK_EQUAL(2, MiSystemViewCounters.CopiedToCache);
    End();
}

TEST(CopyToCachedPage_changes_nothing_when_something_fails)
{
    ULONG Nth;

    MmWorldNextUnforced();
    Begin();
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, MmCopyToCachedPage((PVOID)View, (PVOID)0x10000000));
    MiFailFrameAllocation = 1;
    CHECK_EQUAL(STATUS_NO_MEMORY, MmCopyToCachedPage((PVOID)View, Filled(1)));
    MiFailFrameAllocation = 0;
    MiFailSystemPteReservation = 1;
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MmCopyToCachedPage((PVOID)View, Filled(1)));
    MiFailSystemPteReservation = 0;
    MiFailWsleReservation = 1;
    CHECK_EQUAL(STATUS_NO_MEMORY, MmCopyToCachedPage((PVOID)View, Filled(1)));
    MiFailWsleReservation = 0;
    MiVerifyAll();
    CHECK_EQUAL(MiPteDemandZero, MiPteKind(SectionPrototype(Section, MM_CACHE_VIEW_PAGES)));
    for (Nth = 1; Nth < 4; Nth++) {
        SystemViewPageOut();
        MiFailFrameAllocation = Nth;
        (void)NT_SUCCESS(MmCopyToCachedPage((PVOID)At(View, Nth), Filled((UCHAR)Nth)));
        MiFailFrameAllocation = 0;
        MiVerifyAll();
    }
    End();
}

/* Its buffer is in a view as well, and out. */
TEST(CopyToCachedPage_reads_a_buffer_that_is_paged_out)
{
    Begin();
    ViewWrite(At(View, 7), 0x77);
    SystemViewPageOut();
    CHECK_EQUAL(STATUS_SUCCESS, MmCopyToCachedPage((PVOID)At(View, 8), (PVOID)At(View, 7)));
    CHECK_EQUAL(0x77, ViewRead(At(View, 8)));
    MiVerifyAll();
    End();
}

/* ---- what was written ---- */

TEST(SetAddressRangeModified_moves_dirty_bits_to_the_frames)
{
    ULONG Page;

    MmWorldNextUnforced();
    Begin();
    for (Page = 0; Page < 4; Page++) {
        ViewWrite(At(Va, Page), Page);
    }
    SectionPageOut();
    for (Page = 0; Page < 4; Page++) {
        (void)ViewRead(At(View, Page));
    }
    CHECK(!MmSetAddressRangeModified((PVOID)View, MM_CACHE_VIEW_BYTES));
    ViewWrite(At(View, 1), 9);
    ViewWrite(At(View, 2), 9);
    CHECK(MmSetAddressRangeModified((PVOID)(View + 5), PAGE_SIZE)); /* pages 0 and 1 */
    CHECK(FrameOf(1)->u3.e1.Modified && !FrameOf(2)->u3.e1.Modified);
    CHECK(!PagedPte(At(View, 1)).Hard.Dirty && PagedPte(At(View, 2)).Hard.Dirty);
    CHECK(MmSetAddressRangeModified((PVOID)View, MM_CACHE_VIEW_BYTES));
    CHECK(!MmSetAddressRangeModified((PVOID)View, MM_CACHE_VIEW_BYTES));
    CHECK_EQUAL(2, MiSystemViewCounters.NotedModified);
    ViewWrite(At(View, 1), 10); /* which is seen again */
    CHECK(PagedPte(At(View, 1)).Hard.Dirty);
    MiVerifyAll();
    End();
}
