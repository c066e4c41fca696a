/* SPDX-License-Identifier: MIT */
/*
 * test_copy_on_write.c - writes to shared pages when there is no memory for the copy.
 */
#include "mm/space/shared_page.h"
#include "mm/ws/wsle.h"
#include "tests/unit/space_world.h"

static ULONG_PTR Shared(PEPROCESS *Child)
{
    ULONG_PTR Va = SpaceAllocate(0, PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE);

    SpaceWrite(Va, 1);
    *Child = SpaceClone(SpaceCurrent());
    return Va;
}

TEST(CopyOnWrite_waits_for_memory_and_then_copies)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    ULONG Waits;
    ULONG_PTR Va;

    SpaceStart();
    HostStartClock();
    Parent = SpaceCurrent();
    Va = Shared(&Child);
    Waits = MiFaultCounters.MemoryWaits;
    MiFailFrameAllocation = 1;
    SpaceWrite(Va, 2);
    CHECK_EQUAL(Waits + 1, MiFaultCounters.MemoryWaits);
    SpaceEnter(Child);
    CHECK_EQUAL(1, SpaceRead(Va));
    SpaceEnter(Parent);
    CHECK_EQUAL(2, SpaceRead(Va));
    MiVerifyAll();
    SpaceFinish();
}

TEST(CopyOnWrite_of_a_page_outside_of_the_working_set_needs_room_in_that)
{
    PEPROCESS Child;
    ULONG Waits;
    ULONG_PTR Va;

    SpaceStart();
    HostStartClock();
    Va = Shared(&Child);
    SpaceEnter(Child);
    Waits = MiFaultCounters.MemoryWaits;
    MiFailWsleReservation = 1;
    SpaceWrite(Va, 2);
    CHECK_EQUAL(Waits + 1, MiFaultCounters.MemoryWaits);
    CHECK_EQUAL(2, SpaceRead(Va));
    MiVerifyAll();
    SpaceFinish();
}
