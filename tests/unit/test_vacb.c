/* SPDX-License-Identifier: MIT */
/*
 * test_vacb.c - views are shared, reused in the order of their last use, and waited for.
 */
#include "mm/sysva/layout.h"
#include "tests/unit/cc_world.h"

#define MB 0x100000u

static PVACB Use(CC_WORLD_FILE *File, LONGLONG Offset)
{
    PVACB Vacb = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, CciUseView(File->Pointers.SharedCacheMap, Offset, TRUE, &Vacb));
    return Vacb;
}

static NTSTATUS Try(CC_WORLD_FILE *File, LONGLONG Offset)
{
    PVACB Vacb;

    return CciUseView(File->Pointers.SharedCacheMap, Offset, FALSE, &Vacb);
}

/* All views but the last Left are those of a large file, in use. */
static void UseMany(CC_WORLD_FILE *File, ULONG Left)
{
    CC_FILE_SIZES Sizes = {.AllocationSize.QuadPart = (LONGLONG)2048 << 20,
                           .FileSize.QuadPart = (LONGLONG)2048 << 20,
                           .ValidDataLength.QuadPart = CC_NO_VALID_DATA_LENGTH};
    ULONG i;

    CHECK_EQUAL(STATUS_SUCCESS, CcSetFileSizesEx(File->Object[0], &Sizes));
    for (i = 0; i < CcViewCounters.Total - Left; i++) {
        (void)Use(File, (LONGLONG)i << VACB_OFFSET_SHIFT);
    }
}

static void ReleaseMany(CC_WORLD_FILE *File, ULONG Left)
{
    ULONG i;

    for (i = 0; i < CcViewCounters.Total - Left; i++) {
        PVACB Vacb = Use(File, (LONGLONG)i << VACB_OFFSET_SHIFT);

        CciReleaseView(Vacb);
        CciReleaseView(Vacb);
    }
}

TEST(Views_fill_the_caches_part_of_the_system_half)
{
    ULONG Bytes;

    CcWorldStart();
    Bytes =
        MiLayout.Region[MiRegionSystemCache].Bytes + MiLayout.Region[MiRegionCacheExtension].Bytes;
    CHECK_EQUAL(Bytes / VACB_MAPPING_GRANULARITY, CcViewCounters.Total);
    CHECK_EQUAL(CcViewCounters.Total, CcViewCounters.Free);
    CHECK_EQUAL(MiLayout.Region[MiRegionSystemCache].Start,
                (ULONG_PTR)CciViewNumber(0)->BaseAddress);
    CHECK(CciViewNumber(CcViewCounters.Total) == NULL);
    CcWorldFinish();
}

TEST(A_view_is_mapped_once_and_used_by_many)
{
    CC_WORLD_FILE *File;
    PVACB First;
    PVACB Second;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    First = Use(File, 5);
    CHECK(Use(File, VACB_MAPPING_GRANULARITY - 1) == First);
    CHECK_EQUAL(2, First->ActiveCount);
    CHECK_EQUAL(1, CcViewCounters.Maps);
    CHECK_EQUAL(1, CcViewCounters.Hits);
    Second = Use(File, VACB_MAPPING_GRANULARITY);
    CHECK(Second != First);
    CHECK_EQUAL(2, File->Views);
    CHECK_EQUAL(CcWorldByte(5), *CciViewAddress(First, 5));
    CHECK_EQUAL(VACB_MAPPING_GRANULARITY - 5, CciBytesInView(5, MB));
    CHECK_EQUAL(7, CciBytesInView(5, 7));
    MiVerifyAll();
    CciReleaseView(First);
    CciReleaseView(First);
    CciReleaseView(Second);
    CHECK_EQUAL(2, CcViewCounters.Unused);
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(The_view_that_was_let_go_first_is_reused_first)
{
    CC_WORLD_FILE *Large;
    CC_WORLD_FILE *File;
    PVACB A;
    PVACB B;

    CcWorldStart();
    Large = CcWorldOpen(0, MB);
    File = CcWorldOpen(1, MB);
    UseMany(Large, 2);
    A = Use(File, 0);
    B = Use(File, VACB_MAPPING_GRANULARITY);
    CciReleaseView(B);
    CciReleaseView(A);
    CHECK(Use(File, 2 * VACB_MAPPING_GRANULARITY) == B);
    CHECK_EQUAL(1, CcViewCounters.Reuses);
    CHECK_EQUAL(2 * VACB_MAPPING_GRANULARITY, B->FileOffset);
    CHECK(Use(File, 0) == A);
    MiVerifyAll();
    CHECK_EQUAL(STATUS_CANT_WAIT, Try(File, VACB_MAPPING_GRANULARITY));
    CciReleaseView(A);
    CciReleaseView(B);
    ReleaseMany(Large, 2);
    CcWorldClose(Large, 0);
    CcWorldClose(File, 0);
    CcWorldFinish();
}

static PVACB Waited;

static void WaitForView(PVOID Context)
{
    Waited = Use(Context, 0);
}

TEST(Who_needs_a_view_while_all_are_in_use_waits_for_one)
{
    CC_WORLD_FILE *Large;
    CC_WORLD_FILE *File;

    CcWorldStart();
    Large = CcWorldOpen(0, MB);
    File = CcWorldOpen(1, MB);
    UseMany(Large, 0);
    Waited = NULL;
    KeSetPriorityThread(HostKernelThread(HostThreadCreate(WaitForView, File)), 12);
    CHECK(Waited == NULL);
    CHECK_EQUAL(1, CcViewCounters.Waits);
    CciReleaseView(Use(Large, 0));
    CHECK(Waited == NULL); /* it is used still */
    {
        PVACB Vacb = Use(Large, 0);

        CciReleaseView(Vacb);
        CciReleaseView(Vacb);
        CHECK(Waited == Vacb);
    }
    CHECK_EQUAL(1, File->Views);
    CciReleaseView(Waited);
    (void)Use(Large, 0);
    ReleaseMany(Large, 0);
    CcWorldClose(Large, 0);
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(Who_waits_for_a_view_gets_that_of_a_range_that_is_unpinned)
{
    CC_WORLD_FILE *Large;
    CC_WORLD_FILE *Pinned;
    CC_WORLD_FILE *File;
    PVOID Buffer;
    PVOID Bcb;

    CcWorldStart();
    Large = CcWorldOpen(0, MB);
    File = CcWorldOpen(1, MB);
    Pinned = CcWorldOpen(2, MB);
    KeEnterCriticalRegion();
    CHECK_EQUAL(STATUS_SUCCESS,
                CcTryPinRead(Pinned->Object[0], 0, PAGE_SIZE, PIN_WAIT, &Bcb, &Buffer));
    UseMany(Large, 1);
    Waited = NULL;
    KeSetPriorityThread(HostKernelThread(HostThreadCreate(WaitForView, File)), 12);
    CHECK(Waited == NULL);
    CcUnpinData(Bcb);
    CHECK(Waited != NULL);
    CHECK_EQUAL(0, Pinned->Views);
    KeLeaveCriticalRegion();
    CciReleaseView(Waited);
    ReleaseMany(Large, 1);
    CcWorldClose(Large, 0);
    CcWorldClose(Pinned, 0);
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_view_that_cannot_be_mapped_is_free_again)
{
    CC_WORLD_FILE *File;
    PVACB Vacb;

    CcWorldStart();
    File = CcWorldOpen(0, 8 * MB);
    CcWorldFail[CcWorldMap] = (CC_WORLD_FAILURE){1, 1};
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES,
                CciUseView(File->Pointers.SharedCacheMap, 0, TRUE, &Vacb));
    CHECK_EQUAL(CcViewCounters.Total, CcViewCounters.Free);
    CHECK_EQUAL(1, CcViewCounters.Failures);
    MiVerifyAll();
    CciReleaseView(Use(File, 0));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

/* Two threads want the same view while it is being mapped: the second one waits, and shares it. */
static ULONG Users;

static void UseAndRelease(PVOID Context)
{
    PVACB Vacb = Use(Context, 3);

    CHECK_EQUAL(CcWorldByte(3), *CciViewAddress(Vacb, 3));
    Users++;
    CciReleaseView(Vacb);
}

TEST(A_view_that_is_being_mapped_is_waited_for)
{
    CC_WORLD_FILE *File;
    ULONG i;

    CcWorldStart();
    Users = 0;
    File = CcWorldOpen(0, MB);
    CcWorldYields = TRUE;
    for (i = 0; i < 6; i++) {
        (void)HostThreadCreate(UseAndRelease, File);
    }
    HostRunThreads();
    CHECK_EQUAL(6, Users);
    CHECK_EQUAL(1, CcWorldCounts[CcWorldMap]);
    CcWorldYields = FALSE;
    CcWorldClose(File, 0);
    CcWorldFinish();
}
