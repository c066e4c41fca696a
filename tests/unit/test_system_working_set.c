/* SPDX-License-Identifier: MIT */
/*
 * test_system_working_set.c - the system's list: where it lies, and who sees it.
 */
#include "tests/unit/space_world.h"

#include "mm/ws/wsle.h"

TEST(System_working_set_is_empty_and_at_its_place_in_every_address_space)
{
    SpaceStart();
    CHECK_EQUAL(0xC0C00000u, (ULONG_PTR)MiSystemCacheWorkingSet.VmWorkingSetList);
    CHECK_EQUAL(0xC0C01000u, (ULONG_PTR)MiSystemCacheWorkingSet.VmWorkingSetList->Wsle);
    CHECK(MiSystemCacheWorkingSet.Mutex == &MiSystemWorkingSetMutex);
    CHECK(MiSystemCacheWorkingSet.SystemSpace);
    CHECK_EQUAL(MI_WSLES_PER_PAGE - 1,
                MiSystemCacheWorkingSet.VmWorkingSetList->LastInitializedWsle);
    SpaceEnter(SpaceProcess());
    MiVerifySystemWorkingSet();
    SpaceFinish();
}

static void Verify(PVOID Unused)
{
    (void)Unused;
    MiSystemCacheWorkingSet.LockedPages++;
    MiVerifyAll();
}

TEST(System_working_set_is_part_of_verify)
{
    HOST_BUGCHECK Stop;

    SpaceStart();
    CHECK(HostCatchBugCheck(Verify, NULL, &Stop));
    CHECK_EQUAL(MEMORY_MANAGEMENT, Stop.Code);
    HostMachineDelete();
}
