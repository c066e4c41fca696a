/* SPDX-License-Identifier: MIT */
/*
 * test_pin.c - data is mapped and pinned where it lies, and what is pinned has a lock.
 */
#include "mm/cc/bcb.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/cc_world.h"

#define MB 0x100000u

static CC_WORLD_FILE *File;

static void Start(void)
{
    CcWorldStart();
    File = CcWorldOpen(0, MB);
    KeEnterCriticalRegion();
}

static void Finish(void)
{
    KeLeaveCriticalRegion();
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

static PUCHAR Pin(ULONG Offset, ULONG Bytes, ULONG Flags, PVOID *Bcb)
{
    LARGE_INTEGER Start64 = {.QuadPart = Offset};
    PVOID Buffer = NULL;

    return CcPinRead(File->Object[0], &Start64, Bytes, Flags, Bcb, &Buffer) ? Buffer : NULL;
}

TEST(Mapped_data_is_the_files)
{
    LARGE_INTEGER Offset = {.QuadPart = 5000};
    PVOID Buffer = NULL;
    PVOID Bcb = NULL;

    Start();
    CHECK(!CcMapData(File->Object[0], &Offset, 10, 0, &Bcb, &Buffer));
    CHECK(CcMapData(File->Object[0], &Offset, 10, MAP_WAIT, &Bcb, &Buffer));
    CHECK_EQUAL(CcWorldByte(5003), ((PUCHAR)Buffer)[3]);
    CHECK(CcGetFileObjectFromBcb(Bcb) == File->Object[0]);
    CHECK_EQUAL(
        STATUS_INVALID_PARAMETER,
        CcTryMapData(File->Object[0], VACB_MAPPING_GRANULARITY - 1, 2, MAP_WAIT, &Bcb, &Buffer));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                CcTryMapData(File->Object[0], MB, 1, MAP_WAIT, &Bcb, &Buffer));
    CcUnpinData(Bcb);
    CcWorldFail[CcWorldRead] = (CC_WORLD_FAILURE){1, 1};
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, CcTryMapData(File->Object[0], 0, 1, MAP_WAIT, &Bcb, &Buffer));
    Finish();
}

TEST(A_pinned_range_is_whole_pages_and_found_again)
{
    PVOID A = NULL;
    PVOID B = NULL;
    PUCHAR Data;

    Start();
    CHECK(Pin(5000, 10, PIN_WAIT | PIN_IF_BCB, &A) == NULL);
    Data = Pin(5000, 10, PIN_WAIT, &A);
    CHECK_EQUAL(CcWorldByte(5000), *Data);
    CHECK_EQUAL(PAGE_SIZE, ((PPUBLIC_BCB)A)->MappedFileOffset.QuadPart);
    CHECK_EQUAL(PAGE_SIZE, ((PPUBLIC_BCB)A)->MappedLength);
    CHECK(Pin(6000, 1, PIN_WAIT | PIN_IF_BCB, &B) == Data + 1000);
    CHECK(A == B);
    MiVerifyAll();
    CcUnpinData(A);
    CcUnpinDataForThread(B, ExGetCurrentResourceThread());
    CHECK(Pin(6000, 1, PIN_WAIT | PIN_IF_BCB, &B) == NULL);
    Finish();
}

TEST(A_pin_over_pinned_ranges_takes_them_and_fills_the_gaps)
{
    PVOID A = NULL;
    PVOID B = NULL;
    PVOID All = NULL;

    Start();
    (void)Pin(1 * PAGE_SIZE, PAGE_SIZE, PIN_WAIT, &A);
    (void)Pin(3 * PAGE_SIZE, PAGE_SIZE, PIN_WAIT, &B);
    CHECK(Pin(100, 5 * PAGE_SIZE, PIN_WAIT, &All) != NULL);
    CHECK_EQUAL(0, ((PPUBLIC_BCB)All)->MappedFileOffset.QuadPart);
    CHECK_EQUAL(6 * PAGE_SIZE, ((PPUBLIC_BCB)All)->MappedLength);
    CHECK_EQUAL(5, ((POBCB)All)->Count);
    CHECK(((POBCB)All)->Bcbs[1] == A && ((POBCB)All)->Bcbs[3] == B);
    CHECK(CcGetFileObjectFromBcb(All) == File->Object[0]);
    MiVerifyAll();
    CcUnpinData(A);
    CcSetDirtyPinnedData(All, NULL);
    CHECK_EQUAL(6, CcTotalDirtyPages);
    CcUnpinData(All);
    CcUnpinData(B);
    Finish();
}

static NTSTATUS OtherStatus;

static void PinExclusive(PVOID Context)
{
    PVOID Buffer;
    PVOID Bcb;

    KeEnterCriticalRegion();
    OtherStatus = CcTryPinRead(File->Object[0], 0, 1, (ULONG)(ULONG_PTR)Context, &Bcb, &Buffer);
    if (NT_SUCCESS(OtherStatus)) {
        CcUnpinData(Bcb);
    }
    KeLeaveCriticalRegion();
}

TEST(A_pinned_range_is_locked)
{
    PVOID Bcb = NULL;

    Start();
    (void)Pin(0, 1, PIN_WAIT, &Bcb);
    (void)HostThreadCreate(PinExclusive, (PVOID)(ULONG_PTR)(PIN_EXCLUSIVE));
    HostRunThreads();
    CHECK_EQUAL(STATUS_CANT_WAIT, OtherStatus);
    (void)HostThreadCreate(PinExclusive, (PVOID)0);
    HostRunThreads();
    CHECK_EQUAL(STATUS_SUCCESS, OtherStatus);
    OtherStatus = STATUS_PENDING;
    KeSetPriorityThread(HostKernelThread(HostThreadCreate(
                            PinExclusive, (PVOID)(ULONG_PTR)(PIN_WAIT | PIN_EXCLUSIVE))),
                        12);
    CHECK_EQUAL(STATUS_PENDING, OtherStatus);
    CcUnpinData(Bcb);
    HostRunThreads();
    CHECK_EQUAL(STATUS_SUCCESS, OtherStatus);
    Finish();
}

TEST(Mapped_data_becomes_pinned_and_pinned_data_stays_so)
{
    LARGE_INTEGER Offset = {.QuadPart = 0};
    PVOID Buffer = NULL;
    PVOID Bcb = NULL;
    PVOID Before;

    Start();
    CHECK(CcMapData(File->Object[0], &Offset, 10, MAP_WAIT, &Bcb, &Buffer));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                CcTryPinMappedData(File->Object[0], VACB_MAPPING_GRANULARITY, 10, PIN_WAIT, &Bcb));
    CHECK(CcPinMappedData(File->Object[0], &Offset, 10, PIN_WAIT, &Bcb));
    CHECK_EQUAL(CACHE_NTC_BCB, ((PPUBLIC_BCB)Bcb)->NodeTypeCode);
    Before = Bcb;
    CHECK(CcPinMappedData(File->Object[0], &Offset, 10, PIN_WAIT, &Bcb));
    CHECK(Bcb == Before);
    CHECK_EQUAL(1, ((PSHARED_CACHE_MAP)File->Pointers.SharedCacheMap)->ActiveViews);
    CcUnpinData(Bcb);
    Finish();
}

TEST(A_range_prepared_for_writing_is_dirty_and_not_read_if_it_is_to_be_zeroes)
{
    LARGE_INTEGER Offset = {.QuadPart = PAGE_SIZE};
    PVOID Buffer = NULL;
    PVOID Bcb = NULL;

    Start();
    CHECK(
        CcPreparePinWrite(File->Object[0], &Offset, 2 * PAGE_SIZE, FALSE, PIN_WAIT, &Bcb, &Buffer));
    CHECK_EQUAL(2, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(2, CcTotalDirtyPages);
    CHECK_EQUAL(CcWorldByte(PAGE_SIZE), *(PUCHAR)Buffer);
    CcUnpinData(Bcb);
    Offset.QuadPart = 2 * PAGE_SIZE;
    CHECK(
        CcPreparePinWrite(File->Object[0], &Offset, 3 * PAGE_SIZE, TRUE, PIN_WAIT, &Bcb, &Buffer));
    CHECK_EQUAL(2, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(4, CcTotalDirtyPages);
    CcUnpinData(Bcb);
    Offset.QuadPart = 10 * PAGE_SIZE + 100;
    CHECK(CcPreparePinWrite(File->Object[0], &Offset, 100, TRUE, PIN_WAIT, &Bcb, &Buffer));
    CHECK_EQUAL(3, CcWorldCounts[CcWorldRead]);
    CcUnpinData(Bcb);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0));
    CHECK(CcWorldDiskIs(File, 10 * PAGE_SIZE + 100, 100, 0));
    CHECK_EQUAL(CcWorldByte(10 * PAGE_SIZE + 99), File->Disk[10 * PAGE_SIZE + 99]);
    Finish();
}

TEST(Pinned_pages_are_left_alone_by_the_lazy_writer_and_cannot_be_purged)
{
    IO_STATUS_BLOCK IoStatus;
    PVOID Bcb = NULL;
    PUCHAR Data;

    Start();
    Data = Pin(0, 1, PIN_WAIT | PIN_EXCLUSIVE, &Bcb);
    *Data = 0x77;
    CcSetDirtyPinnedData(Bcb, NULL);
    CHECK_EQUAL(0, CciLazyWriteRound());
    CHECK(!CcPurgeCacheSection(&File->Pointers, NULL, 0, FALSE));
    CHECK_EQUAL(1, CcTotalDirtyPages);
    CcRepinBcb(Bcb);
    CcUnpinData(Bcb);
    CHECK_EQUAL(0, CciLazyWriteRound());
    CcUnpinRepinnedBcb(Bcb, TRUE, &IoStatus);
    CHECK_EQUAL(STATUS_SUCCESS, IoStatus.Status);
    CHECK_EQUAL(PAGE_SIZE, IoStatus.Information);
    CHECK_EQUAL(0x77, File->Disk[0]);
    Finish();
}

TEST(A_purge_that_ends_caching_leaves_a_pinned_range_until_it_is_unpinned)
{
    PVOID Bcb = NULL;

    Start();
    (void)Pin(0, 1, PIN_WAIT, &Bcb);
    CHECK(!CcPurgeCacheSection(&File->Pointers, NULL, 0, TRUE));
    CHECK(File->Object[0]->PrivateCacheMap == NULL);
    CHECK(CcIsFileCached(File->Object[0]));
    MiVerifyAll();
    CcUnpinData(Bcb);
    CHECK(!CcIsFileCached(File->Object[0]));
    Finish();
}

TEST(A_pin_without_memory_leaves_nothing_pinned)
{
    PVOID Buffer;
    PVOID Bcb = NULL;
    ULONG Nth;
    PVOID A = NULL;

    Start();
    (void)Pin(PAGE_SIZE, PAGE_SIZE, PIN_WAIT, &A);
    (void)Pin(0, 3 * PAGE_SIZE, PIN_WAIT, &Bcb); /* the pages are there from now on */
    CcUnpinData(Bcb);
    for (Nth = 1;; Nth++) {
        NTSTATUS Status;

        MiFailPoolAllocation(Nth);
        Status = CcTryPinRead(File->Object[0], 0, 3 * PAGE_SIZE, PIN_WAIT, &Bcb, &Buffer);
        if (NT_SUCCESS(Status) && !MiPoolFailureHappened()) {
            break;
        }
        if (NT_SUCCESS(Status)) {
            CcUnpinData(Bcb); /* memory that it did not need after all */
        } else {
            CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, Status);
        }
        MiVerifyAll();
    }
    MiFailPoolAllocation(0);
    CHECK(Nth >= 3);
    CcUnpinData(Bcb);
    CcUnpinData(A);
    CHECK_EQUAL(0, ((PSHARED_CACHE_MAP)File->Pointers.SharedCacheMap)->ActiveViews);
    Finish();
}
