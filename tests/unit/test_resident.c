/* SPDX-License-Identifier: MIT */
/*
 * test_resident.c - pages of a view are read, or made without being read.
 */
#include "tests/unit/cc_world.h"

#define MB 0x100000u

TEST(Pages_of_a_view_are_read_or_made)
{
    CC_WORLD_FILE *File;
    PVACB Vacb = NULL;
    PUCHAR Va;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CciUseView(File->Pointers.SharedCacheMap, 0, TRUE, &Vacb));
    Va = CciViewAddress(Vacb, 0);
    CHECK_EQUAL(STATUS_CANT_WAIT, CciBringIn(Va + 10, PAGE_SIZE, FALSE));
    CHECK_EQUAL(STATUS_SUCCESS, CciBringIn(Va + 10, PAGE_SIZE, TRUE));
    CHECK_EQUAL(2, CcWorldPagesInMemory(File));
    CHECK_EQUAL(STATUS_SUCCESS, CciBringIn(Va + 10, PAGE_SIZE, FALSE));
    CHECK_EQUAL(STATUS_SUCCESS, CciMakeWholePages(Va + PAGE_SIZE + 1, 3 * PAGE_SIZE));
    CHECK_EQUAL(4, CcWorldPagesInMemory(File)); /* two whole ones */
    CHECK_EQUAL(0, Va[2 * PAGE_SIZE]);
    CHECK_EQUAL(STATUS_SUCCESS, CciMakeWholePages(Va, PAGE_SIZE));
    CHECK_EQUAL(CcWorldByte(0), Va[0]); /* was there */
    CcWorldFail[CcWorldRead] = (CC_WORLD_FAILURE){2, 1};
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, CciBringIn(Va + 10 * PAGE_SIZE, 3 * PAGE_SIZE, TRUE));
    CcWorldFail[CcWorldCopy] = (CC_WORLD_FAILURE){1, 1};
    CHECK_EQUAL(STATUS_NO_MEMORY, CciMakeWholePages(Va + 20 * PAGE_SIZE, PAGE_SIZE));
    ((PSHARED_CACHE_MAP)File->Pointers.SharedCacheMap)->ValidDataGoal = 31 * PAGE_SIZE + 1;
    CHECK_EQUAL(STATUS_SUCCESS, CciMakeEmptyPages(File->Pointers.SharedCacheMap, 30 * PAGE_SIZE,
                                                  Va + 30 * PAGE_SIZE, 4 * PAGE_SIZE));
    CHECK(File->Page[30] == NULL && File->Page[31] == NULL); /* they have data */
    CHECK(File->Page[32] != NULL && File->Page[33] != NULL && File->Page[34] == NULL);
    CHECK_EQUAL(STATUS_SUCCESS, CciMakeEmptyPages(File->Pointers.SharedCacheMap, 0, Va, PAGE_SIZE));
    CciReleaseView(Vacb);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CcWorldClose(File, 0);
    CcWorldFinish();
}
