/* SPDX-License-Identifier: MIT */
/*
 * test_dirty.c - flushes bring to the disk what was dirty, purges forget it.
 */
#include "tests/unit/cc_world.h"

#include <string.h>

#define MB 0x100000u

static IO_STATUS_BLOCK Flush(CC_WORLD_FILE *File, LONGLONG Offset, ULONG Bytes)
{
    LARGE_INTEGER Start = {.QuadPart = Offset};
    IO_STATUS_BLOCK IoStatus = {.Information = 77};

    CcFlushCache(&File->Pointers, &Start, Bytes, &IoStatus);
    return IoStatus;
}

static BOOLEAN Purge(CC_WORLD_FILE *File, LONGLONG Offset, ULONG Bytes)
{
    LARGE_INTEGER Start = {.QuadPart = Offset};

    return CcPurgeCacheSection(&File->Pointers, &Start, Bytes, FALSE);
}

TEST(A_flush_writes_the_dirty_pages_of_its_range)
{
    CC_WORLD_FILE *File;
    IO_STATUS_BLOCK IoStatus;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, MB, 0x11));
    CHECK_EQUAL(256, CcTotalDirtyPages);
    IoStatus = Flush(File, VACB_MAPPING_GRANULARITY - 1, 2);
    CHECK_EQUAL(STATUS_SUCCESS, IoStatus.Status);
    CHECK_EQUAL(2 * PAGE_SIZE, IoStatus.Information);
    CHECK_EQUAL(254, CcTotalDirtyPages);
    CHECK(CcWorldDiskIs(File, VACB_MAPPING_GRANULARITY - PAGE_SIZE, 2 * PAGE_SIZE, 0x11));
    CHECK_EQUAL(CcWorldByte(0), File->Disk[0]);
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, 0, MB, 0x11));
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK_EQUAL(0, Flush(File, 0, MB).Information);
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_flush_that_fails_says_so_and_loses_nothing)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 3 * PAGE_SIZE, 0x11));
    CcWorldFail[CcWorldFlush] = (CC_WORLD_FAILURE){2, 1};
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, CcWorldFlushAll(File));
    CHECK_EQUAL(3, CcTotalDirtyPages); /* the whole write counts as failed */
    CHECK_EQUAL(1, CcDirtyCounters.FailedWrites);
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, 0, 3 * PAGE_SIZE, 0x11));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_flush_finds_what_a_users_view_modified)
{
    CC_WORLD_FILE *File;
    PVACB Vacb = NULL;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CciUseView(File->Pointers.SharedCacheMap, 0, TRUE, &Vacb));
    *CciViewAddress(Vacb, 9) = 0x99; /* not by the cache's calls */
    File->Modified[0] = 1;           /* as the section knows of users' views */
    CciReleaseView(Vacb);
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK_EQUAL(STATUS_SUCCESS, Flush(File, 0, 10).Status);
    CHECK_EQUAL(0x99, File->Disk[9]);
    CcWorldClose(File, 0);
    CcWorldFlushAll(File); /* a file that is not cached */
    CcWorldFinish();
}

/* => A file whose first four pages are dirty. */
static CC_WORLD_FILE *StartDirty(void)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 4 * PAGE_SIZE, 0x11));
    return File;
}

TEST(A_purge_forgets_whole_pages_dirty_or_not)
{
    CC_WORLD_FILE *File = StartDirty();
    PVACB Vacb = NULL;
    UCHAR Byte;

    CHECK_EQUAL(STATUS_SUCCESS, CciUseView(File->Pointers.SharedCacheMap, 0, TRUE, &Vacb));
    CHECK(Purge(File, 1, 100)); /* no page begins there: nobody is waited for */
    CciReleaseView(Vacb);
    CHECK_EQUAL(4, CcTotalDirtyPages);
    CHECK(Purge(File, 1, PAGE_SIZE)); /* the second page begins in it */
    CHECK_EQUAL(3, CcTotalDirtyPages);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, PAGE_SIZE, 1, &Byte));
    CHECK_EQUAL(CcWorldByte(PAGE_SIZE), Byte);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldReadBytes(File, 0, 1, &Byte));
    CHECK_EQUAL(0x11, Byte);
    CHECK(CcPurgeCacheSection(&File->Pointers, NULL, 0, FALSE));
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK_EQUAL(0, CcWorldPagesInMemory(File));
    CcWorldClose(File, 0);
    CHECK(CcPurgeCacheSection(&File->Pointers, NULL, 0, FALSE)); /* not cached */
    CcWorldFinish();
}

TEST(A_purge_that_a_users_view_prevents_leaves_dirty_data_dirty)
{
    CC_WORLD_FILE *File = StartDirty();

    File->UserView = TRUE;
    CHECK(!Purge(File, 0, 0));
    CHECK_EQUAL(4, CcTotalDirtyPages);
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, 0, 4 * PAGE_SIZE, 0x11));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_purge_may_end_caching_for_all_file_objects_first)
{
    CACHE_UNINITIALIZE_EVENT Event = {.Next = NULL};
    CC_WORLD_FILE *File = StartDirty();

    KeInitializeEvent(&Event.Event, NotificationEvent, FALSE);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldCache(File, 1));
    CHECK(CcPurgeCacheSection(&File->Pointers, NULL, 0, TRUE));
    CHECK(File->Object[0]->PrivateCacheMap == NULL && File->Object[1]->PrivateCacheMap == NULL);
    CHECK(!CcIsFileCached(File->Object[0])); /* nothing kept the map */
    CHECK(IsListEmpty(&CcAllMaps));
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK_EQUAL(0, File->Sections);
    CHECK_EQUAL(CcWorldByte(0), File->Disk[0]);
    CHECK(!CcUninitializeCacheMap(File->Object[0], NULL, &Event)); /* as at its cleanup */
    CHECK(KeReadStateEvent(&Event.Event) != 0);
    CHECK(CcPurgeCacheSection(&File->Pointers, NULL, 0, TRUE)); /* not cached */
    CcWorldFinish();
}

TEST(A_purge_that_fails_has_ended_caching_and_lost_nothing)
{
    CC_WORLD_FILE *File = StartDirty();

    CcWorldFail[CcWorldPurge] = (CC_WORLD_FAILURE){1, 1};
    CHECK(!CcPurgeCacheSection(&File->Pointers, NULL, 0, TRUE));
    CHECK(File->Object[0]->PrivateCacheMap == NULL);
    CHECK_EQUAL(4, CcTotalDirtyPages); /* which keep the map */
    CHECK(CcIsFileCached(File->Object[0]));
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, 0, 4 * PAGE_SIZE, 0x11));
    CHECK(!CcIsFileCached(File->Object[0]));
    CcWorldFinish();
}

TEST(A_purge_of_a_part_may_end_caching_and_keeps_what_is_dirty_elsewhere)
{
    LARGE_INTEGER Start = {.QuadPart = PAGE_SIZE};
    CC_WORLD_FILE *File = StartDirty();

    CHECK(CcPurgeCacheSection(&File->Pointers, &Start, PAGE_SIZE, TRUE));
    CHECK(File->Object[0]->PrivateCacheMap == NULL);
    CHECK_EQUAL(3, CcTotalDirtyPages);
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, 2 * PAGE_SIZE, 2 * PAGE_SIZE, 0x11));
    CHECK_EQUAL(CcWorldByte(PAGE_SIZE), File->Disk[PAGE_SIZE]);
    CHECK(!CcIsFileCached(File->Object[0]));
    CcWorldFinish();
}

static ULONG Flushed;

static void FlushIt(PVOID Context)
{
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(Context));
    CHECK(CcWorldDiskIs(Context, 0, 40 * PAGE_SIZE, 0x11));
    Flushed++;
}

TEST(Who_flushes_waits_for_those_who_write_the_same_pages)
{
    CC_WORLD_FILE *File;
    ULONG i;

    CcWorldStart();
    Flushed = 0;
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 40 * PAGE_SIZE, 0x11));
    CcWorldYields = TRUE;
    for (i = 0; i < 4; i++) {
        (void)HostThreadCreate(FlushIt, File);
    }
    HostRunThreads();
    CHECK_EQUAL(4, Flushed);
    CHECK_EQUAL(40, CcDirtyCounters.Written);
    CcWorldYields = FALSE;
    CcWorldClose(File, 0);
    CcWorldFinish();
}

/* The only view that is not in use is the file's: it is reused while its pages are written. */
static CC_WORLD_FILE *Other;

static PVACB UseOther(ULONG Number)
{
    PVACB Vacb = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, CciUseView(Other->Pointers.SharedCacheMap,
                                           (LONGLONG)Number << VACB_OFFSET_SHIFT, TRUE, &Vacb));
    return Vacb;
}

static void TakeLastView(PVOID Context)
{
    (void)Context;
    CciReleaseView(UseOther(CcViewCounters.Total));
}

TEST(A_flush_waits_for_a_view_that_is_just_being_reused)
{
    CC_FILE_SIZES Sizes = {.AllocationSize.QuadPart = (LONGLONG)2048 << 20,
                           .FileSize.QuadPart = (LONGLONG)2048 << 20,
                           .ValidDataLength.QuadPart = CC_NO_VALID_DATA_LENGTH};
    CC_WORLD_FILE *File;
    ULONG i;

    CcWorldStart();
    Flushed = 0;
    File = CcWorldOpen(0, MB);
    Other = CcWorldOpen(1, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcSetFileSizesEx(Other->Object[0], &Sizes));
    for (i = 1; i < CcViewCounters.Total; i++) {
        (void)UseOther(i);
    }
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 40 * PAGE_SIZE, 0x22));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 40 * PAGE_SIZE, 0x11));
    CcWorldYields = TRUE;
    (void)HostThreadCreate(TakeLastView, NULL);
    (void)HostThreadCreate(FlushIt, File);
    HostRunThreads();
    CcWorldYields = FALSE;
    CHECK_EQUAL(1, Flushed);
    CHECK_EQUAL(1, CcViewCounters.Reuses);
    for (i = 1; i < CcViewCounters.Total; i++) {
        PVACB Vacb = UseOther(i);

        CciReleaseView(Vacb);
        CciReleaseView(Vacb);
    }
    CcWorldClose(File, 0);
    CcWorldClose(Other, 0);
    CcWorldFinish();
}
