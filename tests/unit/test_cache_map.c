/* SPDX-License-Identifier: MIT */
/*
 * test_cache_map.c - a file's map comes with its first file object and goes after its last.
 */
#include "mm/pool/pool_inject.h"
#include "nt/bugcodes.h"
#include "tests/unit/cc_world.h"

#define MB 0x100000u

static BOOLEAN Uncache(CC_WORLD_FILE *File, ULONG Open, PLARGE_INTEGER Truncate,
                       PCACHE_UNINITIALIZE_EVENT Event)
{
    return CcUninitializeCacheMap(File->Object[Open], Truncate, Event);
}

TEST(File_objects_of_a_file_share_its_map)
{
    CC_WORLD_FILE *File;
    PSHARED_CACHE_MAP Map;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    Map = File->Pointers.SharedCacheMap;
    CHECK(CcIsFileCached(File->Object[1]));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldCache(File, 1));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldCache(File, 1)); /* it is already */
    CHECK(File->Pointers.SharedCacheMap == Map);
    CHECK_EQUAL(2, Map->OpenCount);
    CHECK_EQUAL(1, File->Sections);
    CHECK(CcGetFileObjectFromSectionPtrs(&File->Pointers) == File->Object[0]);
    MiVerifyAll();
    CHECK(!Uncache(File, 0, NULL, NULL));
    CHECK(CcGetFileObjectFromSectionPtrs(&File->Pointers) == File->Object[0]);
    CHECK(!Uncache(File, 0, NULL, NULL)); /* it is not cached any more */
    CHECK(Uncache(File, 1, NULL, NULL));
    CHECK(CcGetFileObjectFromSectionPtrs(&File->Pointers) == NULL);
    CHECK_EQUAL(0, File->Sections);
    CcWorldFinish();
}

TEST(A_section_is_whole_views_and_at_least_one)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, 0);
    CHECK_EQUAL(VACB_MAPPING_GRANULARITY, File->Section);
    CcWorldClose(File, 0);
    File = CcWorldOpen(1, VACB_MAPPING_GRANULARITY + 1);
    CHECK_EQUAL(2 * VACB_MAPPING_GRANULARITY, File->Section);
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_map_that_cannot_be_made_leaves_nothing)
{
    CC_WORLD_FILE *File = &CcWorldFile[0];
    ULONG Nth;

    CcWorldStart();
    for (Nth = 1; Nth <= 2; Nth++) {
        MiFailPoolAllocation(Nth);
        CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, CcWorldCache(File, 0));
        CHECK(MiPoolFailureHappened());
        CHECK(!CcIsFileCached(File->Object[0]) && File->Object[0]->PrivateCacheMap == NULL);
    }
    CcWorldFail[CcWorldCreate] = (CC_WORLD_FAILURE){1, 1};
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, CcWorldCache(File, 0));
    CHECK(!CcIsFileCached(File->Object[0]) && File->Object[0]->PrivateCacheMap == NULL);
    CcWorldFinish();
}

static void RaiseCreate(PVOID Context)
{
    CC_WORLD_FILE *File = Context;
    CC_FILE_SIZES Sizes = {.FileSize.QuadPart = 0};

    CcInitializeCacheMap(File->Object[0], &Sizes, FALSE, NULL, NULL);
}

TEST(The_documented_call_raises_what_its_twin_returns)
{
    CcWorldStart();
    CcWorldFail[CcWorldCreate] = (CC_WORLD_FAILURE){1, 1};
    HostExpectBugCheck(KMODE_EXCEPTION_NOT_HANDLED, RaiseCreate, &CcWorldFile[0]);
    HostMachineDelete();
}

TEST(A_file_that_is_closed_with_dirty_pages_waits_for_the_lazy_writer)
{
    CACHE_UNINITIALIZE_EVENT Event = {.Next = NULL};
    CC_WORLD_FILE *File;

    CcWorldStart();
    KeInitializeEvent(&Event.Event, NotificationEvent, FALSE);
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 10, 5, 0xAA));
    CHECK(!Uncache(File, 0, NULL, &Event));
    CHECK_EQUAL(0, KeReadStateEvent(&Event.Event));
    CHECK(CcIsFileCached(File->Object[0]));
    MiVerifyAll();
    CHECK_EQUAL(1, CciLazyWriteRound());
    CHECK(KeReadStateEvent(&Event.Event) != 0);
    CHECK(!CcIsFileCached(File->Object[0]));
    CHECK(CcWorldDiskIs(File, 10, 5, 0xAA));
    CcWorldFinish();
}

TEST(A_file_that_is_closing_can_be_cached_again)
{
    CC_WORLD_FILE *File;
    UCHAR Bytes[5];

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 10, 5, 0xAA));
    CcWorldClose(File, 0);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldCache(File, 0));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, 10, 5, Bytes));
    CHECK_EQUAL(0xAA, Bytes[4]);
    (void)CciLazyWriteRound();
    CHECK(CcIsFileCached(File->Object[0]));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(An_uninitialize_event_is_set_at_once_when_others_use_the_file_or_nobody_does)
{
    CACHE_UNINITIALIZE_EVENT Event = {.Next = NULL};
    CC_WORLD_FILE *File;

    CcWorldStart();
    KeInitializeEvent(&Event.Event, NotificationEvent, FALSE);
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldCache(File, 1));
    CHECK(!Uncache(File, 1, NULL, &Event));
    CHECK(KeResetEvent(&Event.Event) != 0);
    CHECK(!Uncache(File, 1, NULL, &Event));
    CHECK(KeResetEvent(&Event.Event) != 0);
    CHECK(Uncache(File, 0, NULL, &Event));
    CHECK(KeReadStateEvent(&Event.Event) != 0);
    CcWorldFinish();
}

TEST(A_file_that_is_truncated_as_it_is_closed_forgets_what_is_dirty_behind)
{
    LARGE_INTEGER Size = {.QuadPart = PAGE_SIZE + 1};
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 5 * PAGE_SIZE, 0xAA));
    CHECK(!Uncache(File, 0, &Size, NULL));
    CHECK_EQUAL(2, CcTotalDirtyPages);
    CHECK_EQUAL(2, CciLazyWriteRound());
    CHECK(CcWorldDiskIs(File, 0, 2 * PAGE_SIZE, 0xAA));
    CHECK_EQUAL(CcWorldByte(2 * PAGE_SIZE), File->Disk[2 * PAGE_SIZE]);
    CcWorldFinish();
}

TEST(Dirty_data_of_a_volume_is_noticed_but_for_temporary_files)
{
    CC_WORLD_FILE *File;
    VPB Vpb;

    CcWorldStart();
    CcWorldFile[0].Object[0]->Vpb = &Vpb;
    File = CcWorldOpen(0, MB);
    CHECK(!CcIsThereDirtyData(&Vpb));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 1, 1));
    CHECK(CcIsThereDirtyData(&Vpb));
    CHECK(!CcIsThereDirtyData(NULL));
    File->Object[0]->Flags |= FO_TEMPORARY_FILE;
    CHECK(!CcIsThereDirtyData(&Vpb));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CcWorldClose(File, 0);
    CcWorldFinish();
}
