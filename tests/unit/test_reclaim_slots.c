/* SPDX-License-Identifier: MIT */
/*
 * test_reclaim_slots.c - mm/paging/reclaim_slots.c: who gives slots, and that no contents are lost.
 */
#include "mm/paging/modified_writer.h"
#include "mm/pfn/pfn_list.h"
#include "tests/unit/paging_world.h"
#include "tests/unit/space_world.h"

TEST(Pages_in_use_give_slots_and_are_written_again)
{
    ULONG_PTR Va;
    ULONG i;

    MmWorldNextUnforced();
    PagingWorldStartWith(1, 1, 1);
    PagingWorldEnter();
    Va = PagingWorldPages(10, 30);
    PagingWorldTrim(Va, 10);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CHECK_EQUAL(0, MiReclaimSlots(10)); /* they are on standby, and could not be reused then */
    for (i = 0; i < 6; i++) {
        CHECK_EQUAL(30 + i, SpaceRead(Va + i * PAGE_SIZE));
    }
    CHECK_EQUAL(4, MiReclaimSlots(4));
    CHECK_EQUAL(2, MiReclaimSlots(4));
    CHECK_EQUAL(0, MiReclaimSlots(4));
    CHECK_EQUAL(4, MmPagingFile[0]->CurrentUsage);
    CHECK_EQUAL(6, MiWriterFigures.Reclaimed);
    PagingWorldTrim(Va, 6);
    CHECK_EQUAL(6, MiModifiedList.Total);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    for (i = 0; i < 10; i++) {
        CHECK(PagingWorldIsStored(Va + i * PAGE_SIZE));
        CHECK_EQUAL(30 + i, SpaceRead(Va + i * PAGE_SIZE));
    }
    PagingWorldLeave();
    PagingWorldFinish();
}
