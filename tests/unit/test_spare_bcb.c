/* SPDX-License-Identifier: MIT */
/*
 * test_spare_bcb.c - most pins take a BCB that their map has kept, with one hold of the lock.
 */
#include "mm/pool/pool_inject.h"
#include "nt/bugcodes.h"
#include "tests/unit/pin_world.h"

#define MB 0x100000u

static PSHARED_CACHE_MAP MapOf(void)
{
    return PinFile->Pointers.SharedCacheMap;
}

TEST(A_pin_takes_a_spare_BCB_and_needs_no_pool)
{
    PVOID Bcbs[6];
    PVOID Again = NULL;
    ULONG i;

    PinStart();
    for (i = 0; i < 6; i++) {
        CHECK(Pin(i * PAGE_SIZE, PAGE_SIZE, PIN_WAIT, &Bcbs[i]) != NULL);
    }
    CHECK_EQUAL(0, MapOf()->SpareBcbs);
    for (i = 0; i < 6; i++) {
        CcUnpinData(Bcbs[i]);
    }
    CHECK_EQUAL(CC_SPARE_BCBS, MapOf()->SpareBcbs); /* the others are gone */
    CHECK(IsListEmpty(&MapOf()->BcbList) && MapOf()->ActiveViews == 0);
    MiVerifyAll();
    MiFailPoolAllocation(1);
    CHECK(Pin(2 * PAGE_SIZE, 2 * PAGE_SIZE, 0, &Again) != NULL);
    MiFailPoolAllocation(0);
    CHECK_EQUAL(CC_SPARE_BCBS - 1, MapOf()->SpareBcbs);
    CHECK_EQUAL(2 * PAGE_SIZE, ((PPUBLIC_BCB)Again)->MappedFileOffset.QuadPart);
    CHECK_EQUAL(2 * PAGE_SIZE, ((PPUBLIC_BCB)Again)->MappedLength);
    CHECK_EQUAL(1, ExIsResourceAcquiredSharedLite(&((PBCB)Again)->Resource));
    MiVerifyAll();
    CcUnpinData(Again);
    CHECK(Pin(PAGE_SIZE, 1, PIN_EXCLUSIVE, &Again) != NULL);
    CHECK(ExIsResourceAcquiredExclusiveLite(&((PBCB)Again)->Resource));
    CcUnpinData(Again);
    PinFinish();
}

TEST(The_short_way_of_a_pin_leaves_nothing_where_it_ends)
{
    PVOID Bcb = NULL;
    PVOID Over = NULL;

    PinStart();
    CHECK(Pin(0, 1, PIN_WAIT, &Bcb) != NULL);
    CcUnpinData(Bcb);
    CHECK_EQUAL(1, MapOf()->SpareBcbs);
    CHECK(Pin(8 * PAGE_SIZE, 1, 0, &Bcb) == NULL); /* the page is not in memory */
    CHECK(IsListEmpty(&MapOf()->BcbList) && MapOf()->ActiveViews == 0);
    CHECK_EQUAL(1, MapOf()->SpareBcbs);
    MiFailPoolAllocation(1);
    CHECK(Pin(8 * PAGE_SIZE, 1, PIN_NO_READ, &Bcb) != NULL); /* nor is it read */
    MiFailPoolAllocation(0);
    CcUnpinData(Bcb);
    CHECK(Pin(0, 1, PIN_WAIT, &Bcb) != NULL);
    CcUnpinData(Bcb);
    CHECK(Pin(0, 1, PIN_WAIT, &Bcb) != NULL);
    CcRepinBcb(Bcb);
    CcUnpinData(Bcb);
    CHECK(Pin(0, PAGE_SIZE + 1, PIN_WAIT, &Over) != NULL); /* over one that is there */
    CHECK_EQUAL(CACHE_NTC_OBCB, ((PPUBLIC_BCB)Over)->NodeTypeCode);
    MiVerifyAll();
    CcUnpinData(Over);
    CcUnpinRepinnedBcb(Bcb, FALSE, &(IO_STATUS_BLOCK){.Information = 0});
    PinFinish();
}

static void VerifyIt(PVOID Context)
{
    (void)Context;
    MiVerifyAll();
}

TEST(A_spare_BCB_that_somebody_uses_is_found)
{
    PVOID Bcb = NULL;

    PinStart();
    CHECK(Pin(0, 1, PIN_WAIT, &Bcb) != NULL);
    CcUnpinData(Bcb);
    MapOf()->SpareBcb[0]->PinCount = 1; /* P3 */
    HostExpectBugCheck(MEMORY_MANAGEMENT, VerifyIt, NULL);
    HostMachineDelete();
}

TEST(The_short_way_of_a_pin_lies_between_those_that_are_there)
{
    PVOID Bcbs[4];
    PVOID Over = NULL;
    ULONG i;

    PinStart();
    for (i = 0; i < 4; i++) {
        CHECK(Pin(2 * i * PAGE_SIZE, PAGE_SIZE, PIN_WAIT, &Bcbs[i]) != NULL);
    }
    CHECK(Pin(3 * PAGE_SIZE, 2 * PAGE_SIZE, PIN_WAIT, &Over) != NULL); /* one is behind it */
    CcUnpinData(Over);
    CcUnpinData(Bcbs[1]);
    CHECK_EQUAL(2, MapOf()->SpareBcbs);
    MiFailPoolAllocation(1);
    CHECK(Pin(2 * PAGE_SIZE + 1, 2 * PAGE_SIZE - 1, 0, &Bcbs[1]) != NULL);
    MiFailPoolAllocation(0);
    CHECK_EQUAL(2 * PAGE_SIZE, ((PPUBLIC_BCB)Bcbs[1])->MappedFileOffset.QuadPart);
    CHECK_EQUAL(2 * PAGE_SIZE, ((PPUBLIC_BCB)Bcbs[1])->MappedLength);
    MiVerifyAll(); /* P1 */
    for (i = 0; i < 4; i++) {
        CcUnpinData(Bcbs[i]);
    }
    PinFinish();
}

/* => A spare BCB is kept, and the view at Offset was looked for last. */
static void KeepSpareAt(ULONG Offset)
{
    PVOID Bcb = NULL;

    CHECK(Pin(Offset, 1, PIN_WAIT, &Bcb) != NULL);
    CcUnpinData(Bcb);
    CHECK_EQUAL(1, MapOf()->SpareBcbs);
}

TEST(The_short_way_of_a_pin_ends_with_the_view)
{
    const ULONG Last = VACB_MAPPING_GRANULARITY - PAGE_SIZE;
    PVOID Bcb = NULL;
    PVOID Buffer;

    PinStart();
    KeepSpareAt(Last);
    MiFailPoolAllocation(1);
    CHECK(Pin(Last + 1, PAGE_SIZE - 1, PIN_WAIT, &Bcb) != NULL); /* up to its end */
    MiFailPoolAllocation(0);
    CcUnpinData(Bcb);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, CcTryPinRead(PinFile->Object[0], Last + 1, PAGE_SIZE,
                                                       PIN_WAIT | PIN_NO_READ, &Bcb, &Buffer));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                CcTryPinRead(PinFile->Object[0], Last, 0, PIN_WAIT | PIN_NO_READ, &Bcb, &Buffer));
    CHECK_EQUAL(1, MapOf()->SpareBcbs);
    CHECK_EQUAL(0, MapOf()->ActiveViews);
    PinFinish();
}

static PBCB PinFar(LONGLONG Offset)
{
    PVOID Bcb = NULL;
    PVOID Buffer;

    CHECK_EQUAL(STATUS_SUCCESS, CcTryPinRead(PinFile->Object[0], Offset, PAGE_SIZE,
                                             PIN_WAIT | PIN_NO_READ, &Bcb, &Buffer));
    CHECK_EQUAL(Offset, ((PPUBLIC_BCB)Bcb)->MappedFileOffset.QuadPart);
    CHECK_EQUAL(Offset & ~(LONGLONG)(VACB_MAPPING_GRANULARITY - 1), ((PBCB)Bcb)->Vacb->FileOffset);
    return Bcb;
}

TEST(The_short_way_of_a_pin_tells_offsets_beyond_four_gigabytes)
{
    const LONGLONG Far = 0x100000000;
    CC_FILE_SIZES Sizes = {.AllocationSize.QuadPart = 0x140000000,
                           .FileSize.QuadPart = 0x140000000,
                           .ValidDataLength.QuadPart = CC_NO_VALID_DATA_LENGTH};
    ULONG i;

    PinStart();
    CHECK_EQUAL(STATUS_SUCCESS, CcSetFileSizesEx(PinFile->Object[0], &Sizes));
    for (i = 0; i < 3; i++) { /* from pool, then spare ones */
        PBCB Near = PinFar(0x3000);
        PBCB Bcb = PinFar(Far + 0x3000);

        MiVerifyAll();
        CcUnpinData(Near);
        CcUnpinData(Bcb);
        CcUnpinData(PinFar(Far + 0x4000)); /* where it was looked last */
        CcUnpinData(PinFar(0x4000));
    }
    PinFinish();
}
