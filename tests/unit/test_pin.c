/* SPDX-License-Identifier: MIT */
/*
 * test_pin.c - data is mapped and pinned where it lies, and what is pinned has a lock.
 */
#include "mm/pool/pool_inject.h"
#include "tests/unit/pin_world.h"

#define MB 0x100000u

TEST(Mapped_data_is_the_files)
{
    LARGE_INTEGER Offset = {.QuadPart = 5000};
    PVOID Buffer = NULL;
    PVOID Bcb = NULL;

    PinStart();
    CHECK(!CcMapData(PinFile->Object[0], &Offset, 10, 0, &Bcb, &Buffer));
    CHECK(CcMapData(PinFile->Object[0], &Offset, 10, MAP_WAIT, &Bcb, &Buffer));
    CHECK_EQUAL(CcWorldByte(5003), ((PUCHAR)Buffer)[3]);
    CHECK(CcGetFileObjectFromBcb(Bcb) == PinFile->Object[0]);
    CHECK_EQUAL(
        STATUS_INVALID_PARAMETER,
        CcTryMapData(PinFile->Object[0], VACB_MAPPING_GRANULARITY - 1, 2, MAP_WAIT, &Bcb, &Buffer));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                CcTryMapData(PinFile->Object[0], MB, 1, MAP_WAIT, &Bcb, &Buffer));
    CcUnpinData(Bcb);
    CcWorldFail[CcWorldRead] = (CC_WORLD_FAILURE){1, 1};
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR,
                CcTryMapData(PinFile->Object[0], 0, 1, MAP_WAIT, &Bcb, &Buffer));
    PinFinish();
}

TEST(A_pinned_range_is_whole_pages_and_found_again)
{
    PVOID A = NULL;
    PVOID B = NULL;
    PUCHAR Data;

    PinStart();
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
    PinFinish();
}

TEST(A_pin_over_pinned_ranges_takes_them_and_fills_the_gaps)
{
    PVOID A = NULL;
    PVOID B = NULL;
    PVOID All = NULL;

    PinStart();
    (void)Pin(1 * PAGE_SIZE, PAGE_SIZE, PIN_WAIT, &A);
    (void)Pin(3 * PAGE_SIZE, PAGE_SIZE, PIN_WAIT, &B);
    CHECK(Pin(100, 5 * PAGE_SIZE, PIN_WAIT, &All) != NULL);
    CHECK_EQUAL(0, ((PPUBLIC_BCB)All)->MappedFileOffset.QuadPart);
    CHECK_EQUAL(6 * PAGE_SIZE, ((PPUBLIC_BCB)All)->MappedLength);
    CHECK_EQUAL(5, ((POBCB)All)->Count);
    CHECK(((POBCB)All)->Bcbs[1] == A && ((POBCB)All)->Bcbs[3] == B);
    CHECK(CcGetFileObjectFromBcb(All) == PinFile->Object[0]);
    MiVerifyAll();
    CcUnpinData(A);
    CcSetDirtyPinnedData(All, NULL);
    CHECK_EQUAL(6, CcTotalDirtyPages);
    CcUnpinData(All);
    CcUnpinData(B);
    PinFinish();
}

static NTSTATUS OtherStatus;

static void PinExclusive(PVOID Context)
{
    PVOID Buffer;
    PVOID Bcb;

    KeEnterCriticalRegion();
    OtherStatus = CcTryPinRead(PinFile->Object[0], 0, 1, (ULONG)(ULONG_PTR)Context, &Bcb, &Buffer);
    if (NT_SUCCESS(OtherStatus)) {
        CcUnpinData(Bcb);
    }
    KeLeaveCriticalRegion();
}

TEST(A_pinned_range_is_locked)
{
    PVOID Bcb = NULL;

    PinStart();
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
    PinFinish();
}

TEST(Mapped_data_becomes_pinned_and_pinned_data_stays_so)
{
    LARGE_INTEGER Offset = {.QuadPart = 0};
    PVOID Buffer = NULL;
    PVOID Bcb = NULL;
    PVOID Before;

    PinStart();
    CHECK(CcMapData(PinFile->Object[0], &Offset, 10, MAP_WAIT, &Bcb, &Buffer));
    CHECK_EQUAL(
        STATUS_INVALID_PARAMETER,
        CcTryPinMappedData(PinFile->Object[0], VACB_MAPPING_GRANULARITY, 10, PIN_WAIT, &Bcb));
    CHECK(CcPinMappedData(PinFile->Object[0], &Offset, 10, PIN_WAIT, &Bcb));
    CHECK_EQUAL(CACHE_NTC_BCB, ((PPUBLIC_BCB)Bcb)->NodeTypeCode);
    Before = Bcb;
    CHECK(CcPinMappedData(PinFile->Object[0], &Offset, 10, PIN_WAIT, &Bcb));
    CHECK(Bcb == Before);
    CHECK_EQUAL(1, ((PSHARED_CACHE_MAP)PinFile->Pointers.SharedCacheMap)->ActiveViews);
    CcUnpinData(Bcb);
    PinFinish();
}

TEST(A_range_prepared_for_writing_is_dirty_and_not_read_if_it_is_to_be_zeroes)
{
    LARGE_INTEGER Offset = {.QuadPart = PAGE_SIZE};
    PVOID Buffer = NULL;
    PVOID Bcb = NULL;

    PinStart();
    CHECK(CcPreparePinWrite(PinFile->Object[0], &Offset, 2 * PAGE_SIZE, FALSE, PIN_WAIT, &Bcb,
                            &Buffer));
    CHECK_EQUAL(2, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(2, CcTotalDirtyPages);
    CHECK_EQUAL(CcWorldByte(PAGE_SIZE), *(PUCHAR)Buffer);
    CcUnpinData(Bcb);
    Offset.QuadPart = 2 * PAGE_SIZE;
    CHECK(CcPreparePinWrite(PinFile->Object[0], &Offset, 3 * PAGE_SIZE, TRUE, PIN_WAIT, &Bcb,
                            &Buffer));
    CHECK_EQUAL(2, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(4, CcTotalDirtyPages);
    CcUnpinData(Bcb);
    Offset.QuadPart = 10 * PAGE_SIZE + 100;
    CHECK(CcPreparePinWrite(PinFile->Object[0], &Offset, 100, TRUE, PIN_WAIT, &Bcb, &Buffer));
    CHECK_EQUAL(3, CcWorldCounts[CcWorldRead]);
    CcUnpinData(Bcb);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(PinFile));
    CHECK(CcWorldDiskIs(PinFile, 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0));
    CHECK(CcWorldDiskIs(PinFile, 10 * PAGE_SIZE + 100, 100, 0));
    CHECK_EQUAL(CcWorldByte(10 * PAGE_SIZE + 99), PinFile->Disk[10 * PAGE_SIZE + 99]);
    PinFinish();
}

TEST(Pinned_pages_are_left_alone_by_the_lazy_writer_and_cannot_be_purged)
{
    IO_STATUS_BLOCK IoStatus;
    PVOID Bcb = NULL;
    PUCHAR Data;

    PinStart();
    Data = Pin(0, 1, PIN_WAIT | PIN_EXCLUSIVE, &Bcb);
    *Data = 0x77;
    CcSetDirtyPinnedData(Bcb, NULL);
    CHECK_EQUAL(0, CciLazyWriteRound());
    CHECK(!CcPurgeCacheSection(&PinFile->Pointers, NULL, 0, FALSE));
    CHECK_EQUAL(1, CcTotalDirtyPages);
    CcRepinBcb(Bcb);
    CcUnpinData(Bcb);
    CHECK_EQUAL(0, CciLazyWriteRound());
    CcUnpinRepinnedBcb(Bcb, TRUE, &IoStatus);
    CHECK_EQUAL(STATUS_SUCCESS, IoStatus.Status);
    CHECK_EQUAL(PAGE_SIZE, IoStatus.Information);
    CHECK_EQUAL(0x77, PinFile->Disk[0]);
    PinFinish();
}

TEST(A_purge_that_ends_caching_leaves_a_pinned_range_until_it_is_unpinned)
{
    PVOID Bcb = NULL;

    PinStart();
    (void)Pin(0, 1, PIN_WAIT, &Bcb);
    CHECK(!CcPurgeCacheSection(&PinFile->Pointers, NULL, 0, TRUE));
    CHECK(PinFile->Object[0]->PrivateCacheMap == NULL);
    CHECK(CcIsFileCached(PinFile->Object[0]));
    MiVerifyAll();
    CcUnpinData(Bcb);
    CHECK(!CcIsFileCached(PinFile->Object[0]));
    PinFinish();
}

TEST(A_pin_without_memory_leaves_nothing_pinned)
{
    PVOID Buffer;
    PVOID Bcb = NULL;
    ULONG Nth;
    PVOID A = NULL;

    PinStart();
    (void)Pin(PAGE_SIZE, PAGE_SIZE, PIN_WAIT, &A);
    (void)Pin(0, 3 * PAGE_SIZE, PIN_WAIT, &Bcb); /* the pages are there from now on */
    CcUnpinData(Bcb);
    for (Nth = 1;; Nth++) {
        NTSTATUS Status;

        MiFailPoolAllocation(Nth);
        Status = CcTryPinRead(PinFile->Object[0], 0, 3 * PAGE_SIZE, PIN_WAIT, &Bcb, &Buffer);
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
    CHECK_EQUAL(0, ((PSHARED_CACHE_MAP)PinFile->Pointers.SharedCacheMap)->ActiveViews);
    PinFinish();
}
