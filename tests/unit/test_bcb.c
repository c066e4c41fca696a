/* SPDX-License-Identifier: MIT */
/*
 * test_bcb.c - pinned ranges are in order, apart, and gone with the last pin.
 */
#include "mm/cc/bcb.h"

#include "tests/unit/cc_world.h"

#define MB 0x100000u

TEST(Bcbs_lie_side_by_side_and_their_pages_are_known)
{
    CC_WORLD_FILE *File;
    PSHARED_CACHE_MAP Map;
    PVACB Vacb = NULL;
    PBCB A = NULL;
    PBCB B = NULL;
    PBCB C = NULL;
    KIRQL OldIrql;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    Map = File->Pointers.SharedCacheMap;
    CHECK_EQUAL(STATUS_SUCCESS, CciUseView(Map, 0, TRUE, &Vacb));
    CHECK_EQUAL(STATUS_NOT_FOUND, CciPinBcb(Vacb, 0, PAGE_SIZE, TRUE, &A));
    CHECK_EQUAL(STATUS_SUCCESS, CciPinBcb(Vacb, 4 * PAGE_SIZE, 6 * PAGE_SIZE, FALSE, &A));
    CHECK_EQUAL(STATUS_SUCCESS, CciPinBcb(Vacb, PAGE_SIZE, 10 * PAGE_SIZE, FALSE, &B));
    CHECK_EQUAL(4 * PAGE_SIZE, CciBcbEnd(B)); /* up to the next one */
    CHECK_EQUAL(STATUS_SUCCESS, CciPinBcb(Vacb, 5 * PAGE_SIZE, 6 * PAGE_SIZE, TRUE, &C));
    CHECK(C == A);
    OldIrql = CciLock();
    CHECK_EQUAL(0x3E, CciPinnedPages(Map, 0));
    CHECK_EQUAL(0, CciPinnedPages(Map, 1));
    CciUnlock(OldIrql);
    MiVerifyAll();
    CciUnpinBcb(A);
    CciUnpinBcb(B);
    CHECK_EQUAL(2, Vacb->ActiveCount);
    CciUnpinBcb(C);
    CHECK_EQUAL(1, Vacb->ActiveCount);
    CHECK(IsListEmpty(&Map->BcbList));
    CciReleaseView(Vacb);
    CcWorldClose(File, 0);
    CcWorldFinish();
}
